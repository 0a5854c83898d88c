/* SPDX-License-Identifier: MIT */
/*
 * One description, four uses: getopt_long's arrays, the settings, the synopsis and the help are all
 * made from the rows of a verb, so they cannot differ.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "exits.h"
#include "near.h"
#include "options.h"
#include "out.h"
#include "output.h"
#include "say.h"

#define OPTIONS_MAX      20
#define SYNOPSIS_COLUMNS 96
#define VALUE_BASE       256 /* getopt values of rows: above any letter, ':' and '?' */

/* clang-format off */
static const struct option_row common_options[] = {
	{.name = "table", .member = OPTION_SETS(table), .type = OPTION_TEXT, .argument = "NAME",
	 .help = "the table of that name instead of the configured or default one"},
	{.name = "quiet", .letter = 'q', .member = OPTION_SETS(quiet),
	 .help = "no confirmations and no warnings; errors remain"},
	{.name = "verbose", .letter = 'v', .member = OPTION_SETS(verbose),
	 .help = "say which table is used, and each time why it is not shared"},
	{.name = "help", .letter = 'h', .member = OPTION_SETS(help),
	 .help = "print this text"},
	{.name = "version", .member = OPTION_SETS(version),
	 .help = "print the version"},
	OPTION_END,
};
/* clang-format on */

/* The verb's own rows first, then the common ones. */
struct option_set {
	const struct option_row *rows[OPTIONS_MAX];
	int count;
};

static void collect(struct option_set *set, const struct option_row *rows)
{
	for (; rows != NULL && (rows->name != NULL || rows->letter != 0); rows++)
		if (set->count < OPTIONS_MAX)
			set->rows[set->count++] = rows;
}

static struct option_set options_of(const struct verb *verb)
{
	struct option_set set = {.count = 0};

	collect(&set, verb->options);
	collect(&set, common_options);
	return set;
}

/* ------------------------------------------------------------------ parsing */

static void fill_getopt(const struct verb *verb, const struct option_set *set, struct option *longs,
			char *letters)
{
	if (verb->operands_are_a_command)
		*letters++ = '+';
	*letters++ = ':'; /* a missing argument is told apart from an unknown option */
	for (int i = 0; i < set->count; i++) {
		const struct option_row *row = set->rows[i];

		if (row->name != NULL)
			*longs++ = (struct option){
				.name = row->name,
				.has_arg = row->argument != NULL ? required_argument : no_argument,
				.val = VALUE_BASE + i,
			};
		if (row->letter != 0) {
			*letters++ = row->letter;
			if (row->argument != NULL)
				*letters++ = ':';
		}
	}
	*longs = (struct option){.name = NULL};
	*letters = '\0';
}

static const struct option_row *row_of(const struct option_set *set, int value)
{
	if (value >= VALUE_BASE)
		return set->rows[value - VALUE_BASE];
	for (int i = 0; i < set->count; i++)
		if (set->rows[i]->letter == value)
			return set->rows[i];
	return NULL;
}

static int parse_number(const struct option_row *row, const char *text, uint64_t *ret)
{
	char *end = NULL;
	unsigned long long number = 0;

	errno = 0;
	if (isdigit((unsigned char)text[0]))
		number = strtoull(text, &end, 10);
	if (end == NULL || *end != '\0' || errno != 0 || number < row->min || number > row->max) {
		say("'%s' is no %s: expected a number from %llu to %llu", text, row->argument,
		    (unsigned long long)row->min, (unsigned long long)row->max);
		return -EINVAL;
	}
	*ret = number;
	return 0;
}

static int parse_duration(const struct option_row *row, const char *text, uint64_t *ret_ms)
{
	uint64_t ms;

	if (duration_parse_ms(text, &ms) < 0 || ms < row->min || ms > row->max) {
		say("'%s' is no %s: expected %llums to %lluh, such as 100ms, 45s, 10m or 1h", text,
		    row->argument, (unsigned long long)row->min,
		    (unsigned long long)(row->max / 3600000));
		return -EINVAL;
	}
	*ret_ms = ms;
	return 0;
}

static int add_text(const struct option_row *row, const char *text, struct text_list *list)
{
	if (list->count == TEXT_LIST_MAX) {
		say("--%s can be given %u times at the most", row->name, TEXT_LIST_MAX);
		return -EINVAL;
	}
	list->texts[list->count++] = text;
	return 0;
}

static int apply(const struct option_row *row, const char *argument, struct settings *settings)
{
	char *const member = (char *)settings + row->member;

	switch (row->type) {
	case OPTION_FLAG:
		*(bool *)member = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)(void *)member = argument;
		return 0;
	case OPTION_TEXT_LIST:
		return add_text(row, argument, (struct text_list *)(void *)member);
	case OPTION_NUMBER:
		return parse_number(row, argument, (uint64_t *)(void *)member);
	case OPTION_DURATION:
		return parse_duration(row, argument, (uint64_t *)(void *)member);
	}
	return -EINVAL;
}

/* getopt stopped at something: say what it is. */
static void explain(const struct option_set *set, char *const *argv, int value)
{
	const char *const word = argv[optind - 1];

	if (value == ':') {
		const struct option_row *row = row_of(set, optopt);

		say("%s needs a value: %s", word, row == NULL ? "?" : row->argument);
		return;
	}
	if (strncmp(word, "--", 2) != 0) {
		say("there is no option '-%c'", optopt);
		return;
	}
	if (optopt != 0) {
		say("--%s takes no value", row_of(set, optopt)->name);
		return;
	}
	for (int i = 0; i < set->count; i++) {
		if (set->rows[i]->name != NULL && near_to(word + 2, set->rows[i]->name)) {
			say("there is no option '%s'; did you mean '--%s'?", word,
			    set->rows[i]->name);
			return;
		}
	}
	say("there is no option '%s'", word);
}

/* Only texts are required, and those are NULL where they were not given. */
static int check_required(const struct invocation *invocation)
{
	const struct option_row *row = invocation->verb->options;

	for (; row != NULL && (row->name != NULL || row->letter != 0); row++) {
		const char *const member = (const char *)&invocation->set + row->member;

		if (row->is_required && *(const char *const *)(const void *)member == NULL) {
			say("'lull %s' needs --%s %s", invocation->verb->name, row->name,
			    row->argument);
			return -EINVAL;
		}
	}
	return 0;
}

static int check_operands(const struct invocation *invocation)
{
	const struct verb *verb = invocation->verb;
	const bool all_instead = verb->all_instead_of_operands && invocation->set.all;
	const int min = all_instead ? 0 : verb->operands_min;
	const int max = all_instead ? 0 : verb->operands_max;

	if (invocation->operand_count > max) {
		say("'%s' is one argument too many for 'lull %s%s'", invocation->operands[max],
		    verb->name, all_instead ? " --all" : "");
		return -EINVAL;
	}
	if (invocation->operand_count < min) {
		say("'lull %s' needs %s", verb->name, verb->operands);
		return -EINVAL;
	}
	return 0;
}

int options_parse(const struct verb *verb, int argc, char **argv, struct invocation *ret)
{
	const struct option_set set = options_of(verb);
	struct option longs[OPTIONS_MAX + 1];
	char letters[2 * OPTIONS_MAX + 3];
	int value;

	*ret = (struct invocation){.verb = verb};
	fill_getopt(verb, &set, longs, letters);
	opterr = 0;
	while ((value = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (value == '?' || value == ':') {
			explain(&set, argv, value);
			return -EINVAL;
		}
		if (apply(row_of(&set, value), optarg, &ret->set) < 0)
			return -EINVAL;
	}
	ret->operands = argv + optind;
	ret->operand_count = argc - optind;
	ret->output = ret->set.json ? &output_json : &output_text;
	if (ret->set.help || ret->set.version)
		return 0;
	if (ret->set.quiet && ret->set.verbose) {
		say("-q and -v exclude each other");
		return -EINVAL;
	}
	return check_required(ret) < 0 ? -EINVAL : check_operands(ret);
}

int options_usage_error(const struct verb *verb)
{
	say("try 'lull %s --help'", verb->name);
	return EXIT_USAGE;
}

/* ------------------------------------------------------------------ help */

/* A piece of the synopsis that is not broken; a new line begins where the last one is full. */
static void print_piece(int *column, const char *text)
{
	const int length = (int)strlen(text) + 1;

	if (*column + length > SYNOPSIS_COLUMNS) {
		out("\n           ");
		*column = 11;
	}
	out(" %s", text);
	*column += length;
}

static void print_synopsis(const struct verb *verb)
{
	char piece[80];
	int column = (int)strlen(verb->name) + 11;

	out("usage: lull %s", verb->name);
	for (const struct option_row *row = verb->options;
	     row != NULL && (row->name != NULL || row->letter != 0); row++) {
		const char letter[] = {row->letter, '\0'};

		if (row->among_operands)
			continue;
		(void)snprintf(
			piece, sizeof(piece), "%s%s%s%s%s%s%s", row->is_required ? "" : "[",
			row->name != NULL ? "--" : "-", row->name != NULL ? row->name : letter,
			row->argument != NULL ? " " : "",
			row->argument != NULL ? row->argument : "", row->is_required ? "" : "]",
			row->type == OPTION_TEXT_LIST ? "..." : "");
		print_piece(&column, piece);
	}
	print_piece(&column, "[--table NAME]");
	print_piece(&column, "[-q|-v]");
	if (verb->operands != NULL)
		print_piece(&column, verb->operands);
	out("\n");
}

/* "-q, --quiet", "    --table NAME", "-n N" */
struct option_text {
	char text[48];
};

static struct option_text option_text(const struct option_row *row)
{
	const char *const argument = row->argument != NULL ? row->argument : "";
	const char *const gap = row->argument != NULL ? " " : "";
	struct option_text ret;

	if (row->name == NULL)
		(void)snprintf(ret.text, sizeof(ret.text), "-%c%s%s", row->letter, gap, argument);
	else if (row->letter == 0)
		(void)snprintf(ret.text, sizeof(ret.text), "    --%s%s%s", row->name, gap,
			       argument);
	else
		(void)snprintf(ret.text, sizeof(ret.text), "-%c, --%s%s%s", row->letter, row->name,
			       gap, argument);
	return ret;
}

static void print_options(const struct option_set *set)
{
	int width = 18;

	for (int i = 0; i < set->count; i++) {
		const int length = (int)strlen(option_text(set->rows[i]).text);

		if (length > width)
			width = length;
	}
	for (int i = 0; i < set->count; i++)
		out("  %-*s %s\n", width, option_text(set->rows[i]).text, set->rows[i]->help);
}

void options_help(const struct verb *verb)
{
	const struct option_set set = options_of(verb);

	out("%s\n\n", verb->summary);
	print_synopsis(verb);
	if (verb->details != NULL)
		out("\n%s", verb->details);
	out("\noptions:\n");
	print_options(&set);
	out("\nexamples:\n");
	out_string(verb->examples);
}
