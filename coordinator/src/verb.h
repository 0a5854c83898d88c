/* SPDX-License-Identifier: MIT */
/*
 * What a verb is: one row of data and one function.
 *
 * The row is the only description of the verb's command line. options.c parses by it and prints
 * usage and help from it; the SYNOPSIS of its man page is compared with it by a test. So a row
 * names everything that can be typed, and nothing can be typed that a row does not name.
 */
#ifndef LULL_COORDINATOR_VERB_H
#define LULL_COORDINATOR_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct output;

#define TEXT_LIST_MAX 64u /* arbitrary; far above any list seen */

struct text_list {
	size_t count;
	const char *texts[TEXT_LIST_MAX]; /* borrowed from the command line */
};

/* What the options of a command line have set. */
struct settings {
	/* --table, else the configuration's; NULL: the environment's or the default */
	const char *table;
	const char *group;   /* --group */
	uint64_t slots;      /* --slots; 0: not given */
	uint64_t count;      /* -n */
	uint64_t timeout_ms; /* --timeout; 0: not given */
	const char *model;   /* run: --model */
	struct text_list fallbacks;
	struct text_list limits;
	uint64_t budget_ms;
	uint64_t cooldown_ms; /* 0: not given */
	const char *cool_on;
	const char *cool_on_output;
	struct text_list types; /* watch */
	struct text_list causes;
	const char *exec;   /* NULL: not given */
	const char *config; /* serve: --config */
	struct text_list listen;
	struct text_list admin;
	const char *socket_mode;
	uint64_t workers;  /* 0: not given */
	uint64_t drain_ms; /* likewise */
	const char *log;
	bool live;
	bool dry_run;
	bool explain;
	bool all;
	bool json;
	bool quiet;
	bool verbose;
	bool help;
	bool version;
};

enum option_type { OPTION_FLAG, OPTION_TEXT, OPTION_TEXT_LIST, OPTION_NUMBER, OPTION_DURATION };

struct option_row {
	const char *name;     /* NULL: a letter only */
	const char *argument; /* as shown: "NAME"; NULL: takes none */
	const char *help;
	size_t member; /* OPTION_SETS() */
	uint64_t min;  /* OPTION_NUMBER; OPTION_DURATION: in milliseconds */
	uint64_t max;
	enum option_type type;
	char letter; /* 0: none */
	bool is_required;
	bool among_operands; /* shown there in the synopsis, not as an option of its own */
};

#define OPTION_SETS(name) offsetof(struct settings, name)
/* clang-format off */
#define OPTION_JSON {.name = "json", .member = OPTION_SETS(json), .help = "print JSON"}
#define OPTION_END  {.name = NULL}
/* clang-format on */

struct invocation {
	const struct verb *verb;
	struct settings set;
	const struct output *output; /* text or JSON */
	char *const *operands;
	int operand_count;
};

struct verb {
	const char *name;
	const char *operands; /* as shown in the synopsis; NULL: takes none */
	int operands_min;
	int operands_max;
	bool operands_are_a_command;  /* the first one ends the options */
	bool all_instead_of_operands; /* --all stands in their place */
	const char *summary;          /* one line */
	const char *details;          /* whole lines for --help; NULL: the summary says it all */
	const struct option_row *options; /* ends with OPTION_END; NULL: only the common ones */
	const char *examples; /* whole lines: a command, indented below it what it does */
	int (*run)(const struct invocation *invocation); /* returns an exit status */
};

extern const struct verb verb_check;
extern const struct verb verb_wait;
extern const struct verb verb_run;
extern const struct verb verb_status;
extern const struct verb verb_cool;
extern const struct verb verb_hold;
extern const struct verb verb_clear;
extern const struct verb verb_events;
extern const struct verb verb_watch;
extern const struct verb verb_metrics;
extern const struct verb verb_init;
extern const struct verb verb_reset;
extern const struct verb verb_doctor;

#endif
