/* SPDX-License-Identifier: MIT */
/*
 * lull check: is it ready? The verb for shell scripts, so it is the one that must start fast,
 * change nothing and answer by its exit status.
 */
#include "exits.h"
#include "shared.h"
#include "verdict.h"

static int check(const struct invocation *invocation)
{
	struct lull_table *table = NULL;
	struct verdict verdict;
	int status = shared_open(invocation, false, &table);

	if (status != 0)
		return status;
	status = verdict_init(&verdict, invocation, table);
	if (status == 0) {
		verdict_print(&verdict);
		status = verdict.ready ? EXIT_DONE : EXIT_COOLING;
	}
	verdict_deinit(&verdict);
	lull_table_close(table);
	return status;
}

static const struct option_row check_options[] = {
	{.name = "all", .member = OPTION_SETS(all), .help = "exit 0 only if all are ready"},
	OPTION_JSON,
	OPTION_END,
};

const struct verb verb_check = {
	.name = "check",
	.operands = "NAME|KEY...",
	.operands_min = 1,
	.operands_max = INT32_MAX,
	.summary = "say whether a model is ready, and in how many seconds it will be",
	.details =
		"Exit status 0 if any is ready (with --all: if all are), 75 if not. A name means\n"
		"every route of that model. Nothing is changed, no request is made.\n",
	.options = check_options,
	.examples = "  lull check gpt-4o\n"
		    "      print its state; exit 0 or 75\n"
		    "  lull check -q gpt-4o claude-sonnet-4 || exit 0\n"
		    "      in a cron script: come again later unless one of the two is ready\n"
		    "  lull check --all --json gpt-4o claude-sonnet-4\n"
		    "      for programs\n",
	.run = check,
};
