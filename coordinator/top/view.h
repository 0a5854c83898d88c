/* SPDX-License-Identifier: MIT */
/*
 * What `lull top` shows, without a terminal: the keys of the table, how often they are tried, and
 * which of them a person wants to see, in which order.
 */
#ifndef LULL_TOP_VIEW_H
#define LULL_TOP_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot.h"

#define VIEW_SAMPLES      11u /* with one a second: rates over the last 10 s */
#define VIEW_FILTER_BYTES 64u

enum view_sort {
	VIEW_BY_STATE, /* what is shut first, then kind by kind */
	VIEW_BY_KEY,
	VIEW_BY_LEFT, /* what is ready last comes first */
	VIEW_BY_ATTEMPTS,
	VIEW_BY_FAILURES,
	VIEW_SORTS
};

/* Counters of one key at the last samples. */
struct view_history {
	struct {
		uint64_t at_ms, attempts, failures;
	} samples[VIEW_SAMPLES]; /* oldest first */
	size_t count;
};

struct view_row {
	const struct lull_key_state *own; /* of the view's snapshot */
	/* what decides: the key itself, or the credential or endpoint that keeps a route shut */
	struct lull_key_state deciding;
	uint64_t attempts_rate, failures_rate; /* thousandths a second */
};

struct view {
	struct snapshot snapshot, before;
	struct view_history *histories; /* one a key of the snapshot */
	struct view_row *all;           /* likewise */
	struct view_row *rows;          /* those to be shown, in order */
	size_t count;
	enum view_sort sort;
	bool all_kinds;                 /* credentials and endpoints too, that are not shut */
	char filter[VIEW_FILTER_BYTES]; /* part of the key, state or cause; "": none */
	/* A key, wherever it moves to. One that is not shown any more leaves it to its neighbour. */
	uint32_t selected_kind;
	char selected_key[LULL_KEY_BYTES_MAX + 1];
	size_t selected;
};

/* Reads the table. Begins as {0}, ends with view_deinit(). 0; -ENOMEM, and nothing is shown. */
int view_sample(struct view *view, struct lull_table *table);
/* After a change of sort, all_kinds or filter. */
void view_arrange(struct view *view);
void view_deinit(struct view *view);

/* Whether nothing has changed since the sample before, and no time runs. */
bool view_is_as_before(const struct view *view);

void view_select(struct view *view, size_t index);

const char *view_sort_name(enum view_sort sort);

#endif
