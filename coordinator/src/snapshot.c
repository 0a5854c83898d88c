/* SPDX-License-Identifier: MIT */
/* See snapshot.h. */
#include "snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add(struct snapshot *snapshot, const struct lull_key_state *state)
{
	if (snapshot->count == snapshot->capacity) {
		const size_t capacity = snapshot->capacity == 0 ? 64 : 2 * snapshot->capacity;
		struct lull_key_state *const larger =
			realloc(snapshot->keys, capacity * sizeof(*larger));

		if (larger == NULL)
			return -ENOMEM;
		snapshot->keys = larger;
		snapshot->capacity = capacity;
	}
	snapshot->keys[snapshot->count++] = *state;
	return 0;
}

int snapshot_compare(const struct lull_key_state *a, const struct lull_key_state *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strcmp(a->key, b->key);
}

static int compare(const void *a, const void *b)
{
	return snapshot_compare(a, b);
}

int snapshot_take(struct snapshot *snapshot, struct lull_table *table)
{
	struct lull_key_state state = {.abi_version = LULL_ABI_VERSION};
	uint64_t cursor = 0;
	int error = 0;

	snapshot->table = (struct lull_table_info){.abi_version = LULL_ABI_VERSION};
	(void)lull_table_info(table, &snapshot->table);
	snapshot->now_ms = lull_clock_ms();
	snapshot->count = 0;
	while (error == 0 && lull_key_at(table, &cursor, snapshot->now_ms, &state) == 0)
		error = add(snapshot, &state);
	if (error != 0)
		snapshot->count = 0;
	if (snapshot->count > 1)
		qsort(snapshot->keys, snapshot->count, sizeof(*snapshot->keys), compare);
	return error;
}

void snapshot_deinit(struct snapshot *snapshot)
{
	free(snapshot->keys);
	*snapshot = (struct snapshot){.keys = NULL};
}
