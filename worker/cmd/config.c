/* SPDX-License-Identifier: MIT */
/*
 * `lull config`: check a configuration before it is used, and show what it means.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "../src/config.h"
#include "cmd.h"
#include "gateway.h"
#include "log.h"
#include "options.h"

struct settings {
	uint32_t json, for_serve;
	const char *file;
};

static const struct option_row check_options[] = {
	{"for-serve", 0, OPTION_FLAG, 1, offsetof(struct settings, for_serve), NULL, NULL,
	 "print what 'lull serve' has to know of it: table, on_event"},
	{0},
};

static const struct option_row show_options[] = {
	{"json", 0, OPTION_FLAG, 1, offsetof(struct settings, json), NULL, NULL,
	 "as one JSON object, \"v\":1"},
	{"config", 'c', OPTION_TEXT, 0, offsetof(struct settings, file), "FILE", NULL,
	 "this configuration instead of the one that would be found"},
	{0},
};

static const struct command check_command = {
	.name = "config check",
	.summary = "say all that is wrong with a configuration",
	.operands = "[FILE]",
	.options = check_options,
	.description = "Without FILE: the configuration that would be used. Errors and warnings go "
		       "to stderr as\nFILE:LINE: what, what was expected. Exit code 0 (warnings "
		       "included), 78 errors.\n",
	.examples = "  lull config check lull.yaml\n",
};

static const struct command show_command = {
	.name = "config show",
	.summary = "print routes and settings as they are understood, keys hidden",
	.operands = "",
	.options = show_options,
	.description = NULL,
	.examples = "  lull config show\n"
		    "  lull config show --json -c lull.yaml | jq '.routes[].base_url'\n",
};

static void print_message(const char *line, bool is_error, void *userdata)
{
	(void)is_error;
	(void)userdata;
	(void)fprintf(stderr, "%s\n", line);
}

/* Exit code of a configuration that could not be read; the errors have been printed. */
static int exit_code_of(int error)
{
	if (error != -ENOMEM)
		return EX_CONFIG;
	log_error("out of memory");
	return EX_SOFTWARE;
}

/* Names every route that no call could use. */
static void print_problems(const char *path, const struct route_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (list->routes[i].problem)
			(void)fprintf(stderr, "%s: model '%s' is not usable: %s\n", path,
				      list->routes[i].name, list->routes[i].problem);
}

/* A line each; neither can hold a line's end. */
static void print_for_serve(const struct config *config)
{
	if (config_table(config))
		(void)printf("table %s\n", config_table(config));
	if (config_on_event(config))
		(void)printf("on_event %s\n", config_on_event(config));
}

static int check(int argc, char **argv)
{
	struct settings settings = {0};
	struct route_list list;
	struct config *config;
	int first, r;

	r = options_read(&check_command, argc, argv, &settings, &first);
	if (r != 0)
		return r == OPTIONS_HELP ? EX_OK : EX_USAGE;
	if (argc - first > 1) {
		log_error("config check: one file at a time; see lull config check --help");
		return EX_USAGE;
	}
	r = config_load(first < argc ? argv[first] : NULL, print_message, NULL, &config);
	if (r < 0)
		return exit_code_of(r);
	r = config_all_routes(config, &list);
	if (r == 0) {
		const char *path = config_path(config) ? config_path(config) : "no file";

		print_problems(path, &list);
		gateway_access_print_problems(config);
		if (settings.for_serve)
			print_for_serve(config);
		else
			(void)printf("%s: no errors, %u route%s\n", path, list.count,
				     list.count == 1 ? "" : "s");
		route_list_deinit(&list);
	}
	config_free(config);
	return r < 0 ? exit_code_of(r) : EX_OK;
}

static int show(int argc, char **argv)
{
	struct settings settings = {0};
	struct config *config;
	int first, r;

	r = options_read(&show_command, argc, argv, &settings, &first);
	if (r != 0)
		return r == OPTIONS_HELP ? EX_OK : EX_USAGE;
	if (first < argc) {
		log_error("config show: unexpected '%s'; see lull config show --help", argv[first]);
		return EX_USAGE;
	}
	r = config_load(settings.file, print_message, NULL, &config);
	if (r < 0)
		return exit_code_of(r);
	r = config_show(config, settings.json, stdout);
	config_free(config);
	if (r == -EIO) {
		log_error("config show: stdout cannot be written");
		return EX_IOERR;
	}
	return r < 0 ? exit_code_of(r) : EX_OK;
}

static void print_help(FILE *out)
{
	(void)fprintf(out,
		      "usage: lull config check [FILE]\n"
		      "       lull config show [--json] [-c FILE]\n"
		      "\n"
		      "  check  %s\n"
		      "  show   %s\n"
		      "\n"
		      "examples:\n%s%s",
		      check_command.summary, show_command.summary, check_command.examples,
		      show_command.examples);
}

int cmd_config(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return EX_USAGE;
	}
	if (strcmp(argv[1], "check") == 0)
		return check(argc - 1, argv + 1);
	if (strcmp(argv[1], "show") == 0)
		return show(argc - 1, argv + 1);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help(stdout);
		return EX_OK;
	}
	log_error("config: unknown verb '%s', expected check or show", argv[1]);
	return EX_USAGE;
}
