/* SPDX-License-Identifier: MIT */
/* See verdict.h. */
#include <stdlib.h>

#include "exits.h"
#include "output.h"
#include "say.h"
#include "shared.h"
#include "verdict.h"

static void judge(struct verdict *verdict)
{
	const bool all = verdict->invocation->set.all;

	verdict->ready_in_ms = all ? 0 : LULL_NEVER;
	for (size_t i = 0; i < verdict->count; i++) {
		const uint64_t ready_in_ms = meaning_deciding(&verdict->meanings[i])->ready_in_ms;

		if ((ready_in_ms > verdict->ready_in_ms) == all)
			verdict->ready_in_ms = ready_in_ms;
	}
	verdict->ready = verdict->ready_in_ms == 0;
}

int verdict_init(struct verdict *verdict, const struct invocation *invocation,
		 struct lull_table *table)
{
	const size_t count = (size_t)invocation->operand_count;
	const uint64_t now_ms = lull_clock_ms();

	*verdict = (struct verdict){.invocation = invocation, .table = table};
	verdict->meanings = calloc(count, sizeof(*verdict->meanings));
	if (verdict->meanings == NULL) {
		say("out of memory");
		return EXIT_BUG;
	}
	while (verdict->count < count) {
		const size_t i = verdict->count++;
		const int status = meaning_init(&verdict->meanings[i], invocation, table,
						invocation->operands[i], MEANING_VERDICT, now_ms);

		if (status != 0)
			return status;
	}
	judge(verdict);
	return 0;
}

void verdict_deinit(struct verdict *verdict)
{
	for (size_t i = 0; i < verdict->count; i++)
		meaning_deinit(&verdict->meanings[i]);
	free(verdict->meanings);
	*verdict = (struct verdict){.meanings = NULL};
}

void verdict_reread(struct verdict *verdict)
{
	const uint64_t now_ms = lull_clock_ms();

	for (size_t i = 0; i < verdict->count; i++)
		meaning_reread(&verdict->meanings[i], verdict->table, now_ms);
	judge(verdict);
}

void verdict_print(const struct verdict *verdict)
{
	struct lull_table_info info;
	const struct check_report report = {
		.table = &info,
		.meanings = verdict->meanings,
		.count = verdict->count,
		.ready = verdict->ready,
	};

	if (verdict->invocation->set.quiet)
		return;
	if (verdict->invocation->set
		    .json) /* text does without, and it costs a walk over all slots */
		info = shared_info(verdict->table);
	verdict->invocation->output->check(&report);
}
