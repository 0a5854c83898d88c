/* SPDX-License-Identifier: MIT */
/*
 * `lull-worker resolve`: what the verbs of lull on the shared state ask of the configuration, which
 * they do not read themselves: the keys that a configured name stands for in the table, and which
 * table that is.
 */
#include <errno.h>
#include <stdio.h>
#include <sysexits.h>

#include "../src/config.h"
#include "cmd.h"
#include "log.h"
#include "options.h"

#define EXIT_NOT_CONFIGURED 1

struct settings {
	const char *file;
	uint32_t table;
};

static const struct option_row options[] = {
	{"config", 'c', OPTION_TEXT, 0, offsetof(struct settings, file), "FILE", NULL,
	 "this configuration instead of the one that would be found"},
	{"table", 0, OPTION_FLAG, 1, offsetof(struct settings, table), NULL, NULL,
	 "print the name of the table that the configuration leads to; nothing: the usual one"},
	{0},
};

static const struct command command = {
	.name = "resolve",
	.summary = "print the keys that a name stands for, or the name of the table",
	.operands = "NAME | --table",
	.options = options,
	.description =
		"NAME is a model_name, or an upstream name with or without its provider. Else "
		"it is what the\nenvironment makes of it. One key a line: each route, followed by "
		"its credential, its endpoint\nand the names it goes by. Exit code 0; 1 nothing "
		"is known of NAME; 78 the configuration has\nerrors.\n",
	.examples = "  lull resolve fast\n"
		    "  lull resolve -c lull.yaml openai/gpt-4o\n"
		    "  lull resolve --table\n",
};

static void print_errors(const char *line, bool is_error, void *userdata)
{
	(void)userdata;
	if (is_error)
		(void)fprintf(stderr, "%s\n", line);
}

static int print_key(uint32_t kind, const char *key, void *userdata)
{
	(void)userdata;
	(void)printf("%s:%s\n", lull_kind_name(kind), key);
	return 0;
}

static void print_routes(const struct route_list *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct http_route *route = &list->routes[i];

		if (route->problem)
			log_warn("model '%s' is not usable: %s", route->name, route->problem);
		(void)route_keys(route, print_key, NULL);
	}
}

static int failure(int error)
{
	if (error != -ENOMEM)
		return EX_CONFIG;
	log_error("out of memory");
	return EX_SOFTWARE;
}

static int resolve_named(const struct config *config, const char *name)
{
	struct route_list list;
	int r = config_named_routes(config, name, &list);

	if (r < 0)
		return failure(r);
	print_routes(&list);
	r = list.count > 0 ? EX_OK : EXIT_NOT_CONFIGURED;
	route_list_deinit(&list);
	return r;
}

static int print_table(const struct config *config)
{
	const char *table = config_table(config);

	if (table)
		(void)printf("%s\n", table);
	return EX_OK;
}

int cmd_resolve(int argc, char **argv)
{
	struct settings settings = {0};
	struct config *config;
	int first, r;

	r = options_read(&command, argc, argv, &settings, &first);
	if (r != 0)
		return r == OPTIONS_HELP ? EX_OK : EX_USAGE;
	if (argc - first != (settings.table ? 0 : 1)) {
		log_error("resolve: expected one NAME, or --table; see lull resolve --help");
		return EX_USAGE;
	}
	r = config_load(settings.file, print_errors, NULL, &config);
	if (r < 0)
		return failure(r);
	r = settings.table ? print_table(config) : resolve_named(config, argv[first]);
	config_free(config);
	return r;
}
