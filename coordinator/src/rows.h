/* SPDX-License-Identifier: MIT */
/* The keys of a status report, with what routes stand on, in its order. */
#ifndef LULL_COORDINATOR_ROWS_H
#define LULL_COORDINATOR_ROWS_H

#include <stddef.h>

#include "output.h"

struct rows {
	struct status_row *rows;
	size_t count, capacity;
};

/* Begins as {0}, ends with rows_deinit(). Both return 0; -ENOMEM. */
int rows_add(struct rows *rows, struct lull_table *table, const struct lull_key_state *state,
	     uint64_t now_ms);
int rows_add_all(struct rows *rows, struct lull_table *table, uint64_t now_ms);
void rows_deinit(struct rows *rows);

/* What is shut comes first, then kind by kind. */
void rows_sort(struct rows *rows);

#endif
