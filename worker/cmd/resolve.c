/* SPDX-License-Identifier: MIT */
/*
 * `lull-worker resolve NAME`: the keys that a configured name stands for in the table. The verbs
 * of lull on the shared state ask it when they are given a name that no key has: they read no
 * configuration themselves, and start in half a millisecond.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "../src/config.h"
#include "cmd.h"
#include "log.h"
#include "options.h"

#define EXIT_NOT_CONFIGURED 1

struct settings {
	const char *file;
};

static const struct option_row options[] = {
	{"config",     'c', OPTION_TEXT, 0, offsetof(struct settings, file), "FILE", NULL,
	 "this configuration instead of the one that would be found"},
	{0},
};

static const struct command command = {
	.name = "resolve",
	.summary = "print the keys that a name stands for, one on a line",
	.operands = "NAME",
	.options = options,
	.description =
		"NAME is a model_name, or an upstream name with or without its provider. Else "
		"it is what the\nenvironment makes of it. Exit code 0; 1 nothing is known of "
		"NAME; 78 the configuration has\nerrors.\n",
	.examples = "  lull-worker resolve fast\n"
		    "  lull-worker resolve -c lull.yaml openai/gpt-4o\n",
};

static void print_errors(const char *line, bool is_error, void *userdata)
{
	(void)userdata;
	if (is_error)
		(void)fprintf(stderr, "%s\n", line);
}

static const char *key_of(const struct http_route *route, uint32_t kind)
{
	switch (kind) {
	case LULL_KIND_ROUTE:
		return route->call.route_key;
	case LULL_KIND_CREDENTIAL:
		return route->call.credential_key;
	case LULL_KIND_ENDPOINT:
		return route->call.endpoint_key;
	default:
		return NULL;
	}
}

/* Has an earlier route the same key? */
static bool is_repeated(const struct route_list *list, uint32_t index, uint32_t kind,
			const char *key)
{
	for (uint32_t i = 0; i < index; i++) {
		const char *earlier = key_of(&list->routes[i], kind);

		if (earlier && strcmp(earlier, key) == 0)
			return true;
	}
	return false;
}

static void print_keys(const struct route_list *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct http_route *route = &list->routes[i];

		if (route->problem)
			log_warn("model '%s' is not usable: %s", route->name, route->problem);
		for (uint32_t kind = LULL_KIND_ROUTE; kind <= LULL_KIND_ENDPOINT; kind++) {
			const char *key = key_of(route, kind);

			if (key && !is_repeated(list, i, kind, key))
				(void)printf("%s:%s\n", lull_kind_name(kind), key);
		}
	}
}

static int failure(int error)
{
	if (error != -ENOMEM)
		return EX_CONFIG;
	log_error("out of memory");
	return EX_SOFTWARE;
}

int cmd_resolve(int argc, char **argv)
{
	struct settings settings = {0};
	struct route_list list;
	struct config *config;
	bool found = false;
	int first, r;

	r = options_read(&command, argc, argv, &settings, &first);
	if (r != 0)
		return r == OPTIONS_HELP ? EX_OK : EX_USAGE;
	if (argc - first != 1) {
		log_error("resolve: expected one NAME; see lull resolve --help");
		return EX_USAGE;
	}
	r = config_load(settings.file, print_errors, NULL, &config);
	if (r < 0)
		return failure(r);
	r = config_named_routes(config, argv[first], &list);
	if (r == 0) {
		found = list.count > 0;
		print_keys(&list);
		route_list_deinit(&list);
	}
	config_free(config);
	if (r < 0)
		return failure(r);
	return found ? EX_OK : EXIT_NOT_CONFIGURED;
}
