/* SPDX-License-Identifier: MIT */
/*
 * Reading options by table: see options.h. getopt_long() does the splitting; its messages are
 * replaced by ours, which name the verb and say what was expected.
 */
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "../src/config.h"
#include "log.h"
#include "options.h"

#define OPTIONS_MAX     32  /* rows of one table; arbitrary */
#define OPTIONS_ROW     256 /* getopt's value of row 0: beyond every letter */
#define OPTIONS_HELP_AT 26  /* column of the help texts */

void text_list_deinit(struct text_list *list)
{
	free(list->texts);
	*list = (struct text_list){0};
}

static size_t option_count(const struct command *command)
{
	size_t count = 0;

	while (command->options[count].name)
		count++;
	return count;
}

/* ---- usage errors */

static int usage_error(const struct command *command, const char *what, const char *option,
		       const char *expected)
{
	log_error("%s: %s%s%s; see lull %s --help", command->name, what, option, expected,
		  command->name);
	return -EINVAL;
}

static int bad_choice(const struct command *command, const struct option_row *row, const char *text)
{
	char words[128] = "";
	size_t used = 0;

	for (const struct option_choice *choice = row->choices; choice->word; choice++) {
		int n = snprintf(words + used, sizeof(words) - used, "%s%s", used ? ", " : "",
				 choice->word);

		if (n < 0 || (size_t)n >= sizeof(words) - used)
			break;
		used += (size_t)n;
	}
	log_error("%s: --%s '%s' is not one of: %s", command->name, row->name, text, words);
	return -EINVAL;
}

/* ---- one option */

static int read_duration(const struct command *command, const struct option_row *row,
			 const char *text, uint32_t *ret_ms)
{
	uint32_t ms = 0;
	int rc = duration_parse(text, &ms);

	if (rc == -EINVAL) {
		log_error("%s: --%s '%s' is not a duration; write 500ms, 45s, 10m or 1h",
			  command->name, row->name, text);
		return -EINVAL;
	}
	if (rc != 0 || ms < 1 || ms > row->value) {
		log_error("%s: --%s '%s' is out of range; expected 1ms to %us", command->name,
			  row->name, text, (unsigned)(row->value / 1000));
		return -EINVAL;
	}
	*ret_ms = ms;
	return 0;
}

static int read_number(const struct command *command, const struct option_row *row,
		       const char *text, uint32_t *ret_number)
{
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno != 0 || number < 1 || number > row->value) {
		log_error("%s: --%s '%s' is no number from 1 to %u", command->name, row->name, text,
			  row->value);
		return -EINVAL;
	}
	*ret_number = (uint32_t)number;
	return 0;
}

static int read_choice(const struct command *command, const struct option_row *row,
		       const char *text, uint32_t *ret_value)
{
	for (const struct option_choice *choice = row->choices; choice->word; choice++) {
		if (strcmp(choice->word, text) == 0) {
			*ret_value = choice->value;
			return 0;
		}
	}
	return bad_choice(command, row, text);
}

static int add_text(struct text_list *list, const char *text)
{
	const char **grown = reallocarray(list->texts, list->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->texts = grown;
	list->texts[list->count++] = text;
	return 0;
}

static int store(const struct command *command, const struct option_row *row, const char *text,
		 void *settings)
{
	void *member = (char *)settings + row->offset;

	switch ((enum option_type)row->type) {
	case OPTION_FLAG:
		*(uint32_t *)member = row->value;
		return 0;
	case OPTION_TEXT:
		*(const char **)member = text;
		return 0;
	case OPTION_TEXT_LIST:
		return add_text(member, text);
	case OPTION_DURATION:
		return read_duration(command, row, text, member);
	case OPTION_NUMBER:
		return read_number(command, row, text, member);
	case OPTION_CHOICE:
		return read_choice(command, row, text, member);
	}
	return -EINVAL;
}

/* ---- the table in getopt's form */

struct getopt_form {
	struct option longs[OPTIONS_MAX + 2];
	char shorts[3 + 2 * (OPTIONS_MAX + 1)];
};

/* @form: zeroed. The leading ':' makes getopt tell a missing argument from an unknown option. */
static void to_getopt(const struct command *command, struct getopt_form *form)
{
	size_t count = option_count(command);
	char *shorts = form->shorts;

	assert(count <= OPTIONS_MAX);
	*shorts++ = ':';
	*shorts++ = 'h';
	for (size_t i = 0; i < count; i++) {
		const struct option_row *row = &command->options[i];

		form->longs[i].name = row->name;
		form->longs[i].has_arg = row->argument ? required_argument : no_argument;
		form->longs[i].val = OPTIONS_ROW + (int)i;
		if (row->letter) {
			*shorts++ = row->letter;
			if (row->argument)
				*shorts++ = ':';
		}
	}
	form->longs[count].name = "help";
	form->longs[count].val = 'h';
}

static const struct option_row *find_row(const struct command *command, int value)
{
	if (value >= OPTIONS_ROW)
		return &command->options[value - OPTIONS_ROW];
	for (const struct option_row *row = command->options; row->name; row++) {
		if (row->letter == value)
			return row;
	}
	return NULL;
}

/* getopt leaves the culprit in optopt (a letter or a row), or, unknown and long, in argv. */
static int getopt_error(const struct command *command, int value, char **argv)
{
	const struct option_row *row = optopt ? find_row(command, optopt) : NULL;
	char letter[] = {'-', (char)optopt, '\0'};

	if (value == ':' && row)
		return usage_error(command, "--", row->name, " needs an argument");
	if (row)
		return usage_error(command, "--", row->name, " takes no argument");
	return usage_error(command, "unknown option ", optopt ? letter : argv[optind - 1], "");
}

int options_read(const struct command *command, int argc, char **argv, void *settings,
		 int *ret_first)
{
	struct getopt_form form = {0};

	to_getopt(command, &form);
	optind = 0; /* glibc: start anew */
	opterr = 0;
	for (;;) {
		int value = getopt_long(argc, argv, form.shorts, form.longs, NULL);
		int rc;

		if (value == -1)
			break;
		if (value == ':' || value == '?')
			return getopt_error(command, value, argv);
		if (value == 'h') {
			options_print_help(command, stdout);
			return OPTIONS_HELP;
		}
		rc = store(command, find_row(command, value), optarg, settings);
		if (rc != 0)
			return rc;
	}
	*ret_first = optind;
	return 0;
}

/* ---- help */

static void print_row(const struct option_row *row, FILE *out)
{
	char left[64];
	char letter[] = {'-', row->letter ? row->letter : ' ', ',', ' ', '\0'};

	(void)snprintf(left, sizeof(left), "%s--%s%s%s", row->letter ? letter : "    ", row->name,
		       row->argument ? " " : "", row->argument ? row->argument : "");
	if (strlen(left) + 3 > OPTIONS_HELP_AT)
		(void)fprintf(out, "  %s\n  %-*s%s\n", left, OPTIONS_HELP_AT, "", row->help);
	else
		(void)fprintf(out, "  %-*s%s\n", OPTIONS_HELP_AT, left, row->help);
}

void options_print_help(const struct command *command, FILE *out)
{
	static const struct option_row help = {
		.name = "help", .letter = 'h', .help = "print this text"};

	(void)fprintf(out, "%s\n\nusage: lull %s [OPTION...] %s\n\n", command->summary,
		      command->name, command->operands);
	for (const struct option_row *row = command->options; row->name; row++)
		print_row(row, out);
	print_row(&help, out);
	if (command->description)
		(void)fprintf(out, "\n%s", command->description);
	(void)fprintf(out, "\nexamples:\n%s", command->examples);
}
