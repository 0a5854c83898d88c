/* SPDX-License-Identifier: MIT */
/*
 * One table of options per verb. The table makes the parsing and the text of --help; whatever else
 * speaks of options (completions, manual pages) is made from it or checked against it.
 */
#ifndef LULL_WORKER_OPTIONS_H
#define LULL_WORKER_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_type {
	OPTION_FLAG = 1,  /* uint32_t: set to `value` */
	OPTION_TEXT,      /* const char *: points into argv */
	OPTION_TEXT_LIST, /* struct text_list: may be given again and again */
	OPTION_DURATION,  /* uint32_t milliseconds, 1 to `value` */
	OPTION_NUMBER,    /* uint32_t, 1 to `value` */
	OPTION_CHOICE     /* uint32_t: value of the word that was given */
};

struct text_list {
	const char **texts; /* pointers into argv */
	size_t count;
};
void text_list_deinit(struct text_list *list);

struct option_choice {
	const char *word; /* NULL ends the list */
	uint32_t value;
};

struct option_row {
	const char *name;     /* long name without dashes; NULL ends the table */
	char letter;          /* short name, or 0 */
	uint8_t type;         /* enum option_type */
	uint32_t value;       /* see the type */
	size_t offset;        /* of the member in the verb's settings */
	const char *argument; /* as people see it: "MODEL"; NULL for flags */
	const struct option_choice *choices;
	const char *help;
};

/* One verb. */
struct command {
	const char *name;     /* "complete" */
	const char *summary;  /* one line */
	const char *operands; /* "[PROMPT...]", or "" */
	const struct option_row *options;
	const char *description; /* paragraphs for --help; may be NULL */
	const char *examples;    /* lines for --help */
};

enum { OPTIONS_HELP = 1 };

/*
 * Reads argv[1] and on into `settings`, which holds the defaults. Options and operands may come in
 * any order; "--" ends the options.
 *
 * Return: 0 and *ret_first is the index of the first operand in argv (argc: none); OPTIONS_HELP
 * --help was given and has been printed; -EINVAL a sentence about it was printed to stderr;
 * -ENOMEM.
 */
int options_read(const struct command *command, int argc, char **argv, void *settings,
		 int *ret_first);

/* What --help prints. */
void options_print_help(const struct command *command, FILE *out);

#endif
