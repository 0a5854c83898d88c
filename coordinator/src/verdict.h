/* SPDX-License-Identifier: MIT */
/*
 * What check and wait both ask of the names on the command line: are they ready, any of them or
 * (with --all) all?
 */
#ifndef LULL_COORDINATOR_VERDICT_H
#define LULL_COORDINATOR_VERDICT_H

#include "keys.h"

struct verdict {
	const struct invocation *invocation; /* borrowed, as is the table */
	struct lull_table *table;
	struct meaning *meanings; /* one an operand */
	size_t count;
	bool ready;
	uint64_t ready_in_ms; /* 0 ready; LULL_NEVER while a hold lasts */
};

/*
 * Finds out what the operands mean, and reads it. The verdict is to be ended by verdict_deinit(),
 * whatever is returned; it may be begun anew before that.
 * Return: 0; an exit status after saying on stderr why not.
 */
int verdict_init(struct verdict *verdict, const struct invocation *invocation,
		 struct lull_table *table);
void verdict_deinit(struct verdict *verdict);

/* Reads the same keys again, without asking anew what the operands mean. */
void verdict_reread(struct verdict *verdict);

/* Prints it on stdout, unless --quiet. */
void verdict_print(const struct verdict *verdict);

#endif
