/* SPDX-License-Identifier: MIT */
/*
 * Plants what a call would leave in the table, without a provider: one attempt on one route, and
 * the outcome given. For tests of the programs that read the table.
 *
 *     plant ROUTE CREDENTIAL ENDPOINT CLASS HTTP-STATUS HINT-MS
 *
 * CLASS "probe" leaves the attempt under way, so that a lease stays. Exit status 0: done; 75: the
 * route was not to be tried.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lull/lull.h>

static const char *or_none(const char *key)
{
	return key[0] == '\0' ? NULL : key;
}

static int report(struct lull_call *call, char **argv)
{
	const int class_id = lull_class_by_name(argv[4]);
	struct lull_outcome outcome;

	if (class_id < 0) {
		(void)fprintf(stderr, "plant: no class '%s'\n", argv[4]);
		return 64;
	}
	lull_outcome_init(&outcome);
	outcome.class_id = (uint32_t)class_id;
	outcome.http_status = (uint32_t)strtoul(argv[5], NULL, 10);
	outcome.hint_ms = strtol(argv[6], NULL, 10);
	return lull_call_report(call, lull_clock_ms(), &outcome) == 0 ? 0 : 70;
}

static int attempt(struct lull_call *call, char **argv)
{
	struct lull_step step = {.abi_version = LULL_ABI_VERSION};

	if (lull_call_next(call, lull_clock_ms(), &step) < 0)
		return 70;
	if (step.action != LULL_ACTION_TRY)
		return 75;
	if (strcmp(argv[4], "probe") == 0)
		_exit(0); /* as if killed */
	return report(call, argv);
}

static int plant(struct lull_table *table, char **argv)
{
	struct lull_call_options options;
	struct lull_route route;
	struct lull_call *call;
	int status;

	lull_route_init(&route);
	route.label = argv[1];
	route.route_key = argv[1];
	route.credential_key = or_none(argv[2]);
	route.endpoint_key = or_none(argv[3]);
	lull_call_options_init(&options);
	options.when_cooling = LULL_WHEN_COOLING_FAIL;
	if (lull_call_begin(&call, table, &route, 1, &options, lull_clock_ms()) < 0)
		return 70;
	status = attempt(call, argv);
	lull_call_end(call, lull_clock_ms());
	return status;
}

int main(int argc, char **argv)
{
	struct lull_table *table;
	int status = 70;

	if (argc != 7) {
		(void)fprintf(stderr, "usage: plant ROUTE CREDENTIAL ENDPOINT CLASS HTTP-STATUS "
				      "HINT-MS\n");
		return 64;
	}
	if (lull_table_open(NULL, &table) < 0)
		return 70;
	if (lull_table_problem(table) != NULL)
		(void)fprintf(stderr, "plant: %s\n", lull_table_problem(table));
	else
		status = plant(table, argv);
	lull_table_close(table);
	return status;
}
