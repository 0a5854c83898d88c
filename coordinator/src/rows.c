/* SPDX-License-Identifier: MIT */
#include "rows.h"

#include <errno.h>
#include <stdlib.h>

#include "snapshot.h"

int rows_add(struct rows *rows, struct lull_table *table, const struct lull_key_state *state,
	     uint64_t now_ms)
{
	struct status_row *row;

	if (rows->count == rows->capacity) {
		const size_t capacity = rows->capacity == 0 ? 16 : 2 * rows->capacity;
		struct status_row *const larger = realloc(rows->rows, capacity * sizeof(*larger));

		if (larger == NULL)
			return -ENOMEM;
		rows->rows = larger;
		rows->capacity = capacity;
	}
	row = &rows->rows[rows->count++];
	*row = (struct status_row){.state = *state};
	for (size_t i = 0; i < 2; i++) {
		struct lull_key_state link = {.abi_version = LULL_ABI_VERSION};
		uint64_t cursor = state->links[i];

		if (state->kind == LULL_KIND_ROUTE && cursor != LULL_NEVER &&
		    lull_key_at(table, &cursor, now_ms, &link) == 0)
			row->stands_on[i] = key_text(link.kind, link.key);
	}
	return 0;
}

int rows_add_all(struct rows *rows, struct lull_table *table, uint64_t now_ms)
{
	struct lull_key_state state = {.abi_version = LULL_ABI_VERSION};
	uint64_t cursor = 0;
	int error = 0;

	while (error == 0 && lull_key_at(table, &cursor, now_ms, &state) == 0)
		error = rows_add(rows, table, &state, now_ms);
	return error;
}

void rows_deinit(struct rows *rows)
{
	free(rows->rows);
	*rows = (struct rows){.rows = NULL};
}

static int compare(const void *a, const void *b)
{
	const struct lull_key_state *const x = &((const struct status_row *)a)->state;
	const struct lull_key_state *const y = &((const struct status_row *)b)->state;
	const bool x_is_shut = x->state != LULL_STATE_READY;
	const bool y_is_shut = y->state != LULL_STATE_READY;

	if (x_is_shut != y_is_shut)
		return x_is_shut ? -1 : 1;
	return snapshot_compare(x, y);
}

void rows_sort(struct rows *rows)
{
	if (rows->count > 1)
		qsort(rows->rows, rows->count, sizeof(*rows->rows), compare);
}
