/* SPDX-License-Identifier: MIT */
/*
 * lull check: is it ready? The verb for shell scripts, so it is the one that must start fast,
 * change nothing and answer by its exit status.
 */
#include <stdlib.h>

#include "exits.h"
#include "output.h"
#include "say.h"
#include "shared.h"

static bool is_ready(const struct meaning *meaning)
{
	return meaning_deciding(meaning)->ready_in_ms == 0;
}

static bool verdict(const struct meaning *meanings, size_t count, bool all)
{
	for (size_t i = 0; i < count; i++)
		if (is_ready(&meanings[i]) != all)
			return !all;
	return all;
}

static int check_all(const struct invocation *invocation, struct lull_table *table,
		     struct meaning *meanings)
{
	const size_t count = (size_t)invocation->operand_count;
	const uint64_t now_ms = lull_clock_ms();
	struct lull_table_info info;
	struct check_report report = {.table = &info, .meanings = meanings, .count = count};

	for (size_t i = 0; i < count; i++) {
		const int status = meaning_init(&meanings[i], invocation, table,
						invocation->operands[i], MEANING_VERDICT, now_ms);

		if (status != 0)
			return status;
	}
	report.ready = verdict(meanings, count, invocation->set.all);
	if (invocation->set.json) /* text does without, and it costs a walk over all slots */
		info = shared_info(table);
	if (!invocation->set.quiet)
		invocation->output->check(&report);
	return report.ready ? EXIT_DONE : EXIT_COOLING;
}

static int check(const struct invocation *invocation)
{
	const size_t count = (size_t)invocation->operand_count;
	struct meaning *const meanings = calloc(count, sizeof(*meanings));
	struct lull_table *table = NULL;
	int status;

	if (meanings == NULL) {
		say("out of memory");
		return EXIT_BUG;
	}
	status = shared_open(invocation, false, &table);
	if (status == 0)
		status = check_all(invocation, table, meanings);
	for (size_t i = 0; i < count; i++)
		meaning_deinit(&meanings[i]);
	free(meanings);
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
