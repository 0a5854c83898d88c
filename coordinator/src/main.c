/* SPDX-License-Identifier: MIT */
/*
 * lull: what people type.
 *
 * Two tables. The verbs of the shared state are this program's own: they read and change the table,
 * need nothing but libc, and start as fast as a program can. The verbs that call models or need
 * configuration belong to other programs, which take this one's place by exec.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <lull/lull.h>

#include "configuration.h"
#include "descriptors.h"
#include "exits.h"
#include "near.h"
#include "options.h"
#include "out.h"
#include "programs.h"
#include "say.h"
#include "verb.h"

static const struct verb *const own_verbs[] = {
	&verb_check, &verb_wait,  &verb_run,    &verb_status, &verb_cool,
	&verb_hold,  &verb_clear, &verb_events, &verb_watch,  &verb_metrics,
	&verb_init,  &verb_reset, &verb_doctor,
};
#define OWN_VERBS (sizeof(own_verbs) / sizeof(own_verbs[0]))

static const struct handed_over {
	const char *name;
	const char *program;
	const char *summary;
	bool of_table; /* in --help among the verbs of the table */
} handed_over_verbs[] = {
	{"top", PROGRAM_TOP, "watch and change the table on a terminal", true},
	{"serve", PROGRAM_DAEMON, "serve OpenAI's API on this host", false},
	{"complete", PROGRAM_WORKER, "ask a model, and its fallbacks if it fails", false},
	{"batch", PROGRAM_WORKER, "answer a file of requests in OpenAI's Batch form", false},
	{"config", PROGRAM_WORKER, "check a configuration file, or show what it means", false},
	{"explain-error", PROGRAM_WORKER, "say what a provider's error would do", false},
	{"resolve", PROGRAM_WORKER, "print the keys that a name stands for", false},
};
#define HANDED_OVER_VERBS (sizeof(handed_over_verbs) / sizeof(handed_over_verbs[0]))

/* ------------------------------------------------------------------ the program's own help */

static void print_handed_over(bool of_table)
{
	for (size_t i = 0; i < HANDED_OVER_VERBS; i++)
		if (handed_over_verbs[i].of_table == of_table)
			out("  %-14s %s\n", handed_over_verbs[i].name,
			    handed_over_verbs[i].summary);
}

static void print_help(void)
{
	out("LLM fallbacks whose cooldowns are shared by every process of this host\n\n"
	    "usage: lull VERB [OPTION...] [ARGUMENT...]\n\n"
	    "the shared table:\n");
	for (size_t i = 0; i < OWN_VERBS; i++)
		out("  %-14s %s\n", own_verbs[i]->name, own_verbs[i]->summary);
	print_handed_over(true);
	out("\nmodels and configuration:\n");
	print_handed_over(false);
	out("\nexamples:\n"
	    "  lull complete -m gpt-4o -f claude-sonnet-4 \"Say hello\"\n"
	    "      ask one model, or the other while the first is cooling\n"
	    "  lull check gpt-4o\n"
	    "      is it ready? exit 0 or 75\n"
	    "  lull status\n"
	    "      what is shut, why, and for how long\n"
	    "\n'lull VERB --help' says more, and so does lull(1).\n");
}

static void print_version(void)
{
	out("lull %s\n", lull_version());
}

/* ------------------------------------------------------------------ finding the verb */

static const struct verb *find_own(const char *name)
{
	for (size_t i = 0; i < OWN_VERBS; i++)
		if (strcmp(own_verbs[i]->name, name) == 0)
			return own_verbs[i];
	return NULL;
}

static const struct handed_over *find_handed_over(const char *name)
{
	for (size_t i = 0; i < HANDED_OVER_VERBS; i++)
		if (strcmp(handed_over_verbs[i].name, name) == 0)
			return &handed_over_verbs[i];
	return NULL;
}

static const char *find_near(const char *name)
{
	for (size_t i = 0; i < OWN_VERBS; i++)
		if (near_to(name, own_verbs[i]->name))
			return own_verbs[i]->name;
	for (size_t i = 0; i < HANDED_OVER_VERBS; i++)
		if (near_to(name, handed_over_verbs[i].name))
			return handed_over_verbs[i].name;
	return NULL;
}

static int unknown_verb(const char *name)
{
	const char *const near = find_near(name);

	if (near != NULL)
		say("there is no verb '%s'; did you mean '%s'?", name, near);
	else
		say("there is no verb '%s'", name);
	say("try 'lull --help'");
	return EXIT_USAGE;
}

/* ------------------------------------------------------------------ running it */

static int run(const struct verb *verb, int argc, char **argv)
{
	struct configuration configuration;
	struct invocation invocation;

	if (options_parse(verb, argc, argv, &invocation) < 0)
		return options_usage_error(verb);
	if (invocation.set.help)
		options_help(verb);
	else if (invocation.set.version)
		print_version();
	else {
		configuration_settle_table(&invocation.set, &configuration);
		return verb->run(&invocation);
	}
	return EXIT_DONE;
}

static int dispatch(int argc, char **argv)
{
	const struct verb *own;

	if (argc < 2) {
		say("a verb is missing: expected check, status, complete or another");
		say("try 'lull --help'");
		return EXIT_USAGE;
	}
	own = find_own(argv[1]);
	if (own != NULL)
		return run(own, argc - 1, argv + 1);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		print_help();
	else if (strcmp(argv[1], "--version") == 0)
		print_version();
	else
		return unknown_verb(argv[1]);
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	const struct handed_over *other = argc < 2 ? NULL : find_handed_over(argv[1]);
	int status, error;

	if (other != NULL)
		return program_become(other->program, argv);
	keep_standard_descriptors_taken();
	(void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error with a sentence */
	(void)lull_table_guard();
	status = dispatch(argc, argv);
	error = out_finish();
	if (error == -EPIPE && status == EXIT_OUTPUT) /* of who follows, until nobody reads */
		return status;
	if (error < 0) {
		say("unable to write to stdout: %s", strerror(-error));
		return EXIT_OUTPUT;
	}
	return status;
}
