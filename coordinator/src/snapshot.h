/* SPDX-License-Identifier: MIT */
/* All keys of the table as they are at one moment, in an order that stays. */
#ifndef LULL_COORDINATOR_SNAPSHOT_H
#define LULL_COORDINATOR_SNAPSHOT_H

#include <stddef.h>

#include <lull/table.h>

struct snapshot {
	struct lull_table_info table;
	uint64_t now_ms;
	struct lull_key_state *keys; /* by kind, then by key */
	size_t count, capacity;
};

/*
 * Fills it; memory of the last time is used again. Begins as {0}, ends with snapshot_deinit().
 * Return: 0; -ENOMEM, and it is empty.
 */
int snapshot_take(struct snapshot *snapshot, struct lull_table *table);
void snapshot_deinit(struct snapshot *snapshot);

/* The order of the keys, as strcmp(). */
int snapshot_compare(const struct lull_key_state *a, const struct lull_key_state *b);

#endif
