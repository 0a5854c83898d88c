/* SPDX-License-Identifier: MIT */
/* See view.h. */
#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

#define MS_PER_S 1000u

/* ------------------------------------------------------------------ rates */

static void history_add(struct view_history *history, uint64_t at_ms, uint64_t attempts,
			uint64_t failures)
{
	if (history->count == VIEW_SAMPLES) {
		history->count--;
		memmove(&history->samples[0], &history->samples[1],
			history->count * sizeof(history->samples[0]));
	}
	history->samples[history->count].at_ms = at_ms;
	history->samples[history->count].attempts = attempts;
	history->samples[history->count].failures = failures;
	history->count++;
}

static uint64_t rate(uint64_t from, uint64_t to, uint64_t for_ms)
{
	if (for_ms == 0 || to < from)
		return 0;
	return (to - from) * MS_PER_S * 1000 / for_ms;
}

static void set_rates(struct view_row *row, const struct view_history *history)
{
	const size_t last = history->count - 1;
	const uint64_t for_ms = history->samples[last].at_ms - history->samples[0].at_ms;

	row->attempts_rate =
		rate(history->samples[0].attempts, history->samples[last].attempts, for_ms);
	row->failures_rate =
		rate(history->samples[0].failures, history->samples[last].failures, for_ms);
}

/*
 * The histories of the keys that were there before, in their new places; both snapshots are in one
 * order. A key that is new among known ones began from nothing.
 */
static int carry_histories(struct view *view)
{
	const struct snapshot *const now = &view->snapshot;
	const struct snapshot *const before = &view->before;
	const bool is_same = before->now_ms != 0 && before->table.create_id == now->table.create_id;
	const size_t before_count = is_same ? before->count : 0;
	struct view_history *const next = calloc(now->count + 1, sizeof(*next));
	size_t b = 0;

	if (next == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < now->count; i++) {
		const struct lull_key_state *const key = &now->keys[i];

		while (b < before_count && snapshot_compare(&before->keys[b], key) < 0)
			b++;
		if (b < before_count && snapshot_compare(&before->keys[b], key) == 0)
			next[i] = view->histories[b];
		else if (is_same)
			history_add(&next[i], before->now_ms, 0, 0);
		history_add(&next[i], now->now_ms, key->attempts, key->failures);
	}
	free(view->histories);
	view->histories = next;
	return 0;
}

/* ------------------------------------------------------------------ what decides */

/* A route is ready when what it stands on is. */
static void set_deciding(struct view_row *row, struct lull_table *table, uint64_t now_ms)
{
	row->deciding = *row->own;
	for (size_t i = 0; i < sizeof(row->own->links) / sizeof(row->own->links[0]); i++) {
		struct lull_key_state state = {.abi_version = LULL_ABI_VERSION};
		uint64_t cursor = row->own->links[i];

		if (row->own->kind == LULL_KIND_ROUTE && cursor != LULL_NEVER &&
		    lull_key_at(table, &cursor, now_ms, &state) == 0 &&
		    state.ready_in_ms > row->deciding.ready_in_ms)
			row->deciding = state;
	}
}

int view_sample(struct view *view, struct lull_table *table)
{
	const struct snapshot oldest = view->before;
	size_t count;

	view->before = view->snapshot;
	view->snapshot = oldest; /* its memory is used again */
	if (snapshot_take(&view->snapshot, table) < 0 || carry_histories(view) < 0)
		goto no_memory;
	count = view->snapshot.count;
	free(view->all);
	free(view->rows);
	view->all = calloc(count + 1, sizeof(*view->all));
	view->rows = calloc(count + 1, sizeof(*view->rows));
	if (view->all == NULL || view->rows == NULL)
		goto no_memory;
	for (size_t i = 0; i < count; i++) {
		view->all[i].own = &view->snapshot.keys[i];
		set_deciding(&view->all[i], table, view->snapshot.now_ms);
		set_rates(&view->all[i], &view->histories[i]);
	}
	view_arrange(view);
	return 0;

no_memory:
	view->snapshot.count = 0;
	view->snapshot.now_ms = 0; /* so that no rate is counted from here */
	view->count = 0;
	return -ENOMEM;
}

/* ------------------------------------------------------------------ which, in which order */

static bool is_shut(const struct view_row *row)
{
	return row->deciding.state != LULL_STATE_READY;
}

static bool is_wanted(const struct view *view, const struct view_row *row)
{
	const char *const cause = output_cause_name(row->deciding.cause);
	const bool is_foundation =
		row->own->kind == LULL_KIND_CREDENTIAL || row->own->kind == LULL_KIND_ENDPOINT;

	if (is_foundation && !view->all_kinds && !is_shut(row))
		return false;
	return view->filter[0] == '\0' || strstr(row->own->key, view->filter) != NULL ||
	       strstr(output_state_name(row->deciding.state), view->filter) != NULL ||
	       (cause != NULL && strstr(cause, view->filter) != NULL);
}

static int by_number(uint64_t a, uint64_t b)
{
	return a == b ? 0 : a > b ? -1 : 1;
}

static int by_key(const struct view_row *a, const struct view_row *b)
{
	return snapshot_compare(a->own, b->own);
}

static int by_state(const struct view_row *a, const struct view_row *b)
{
	return by_number(is_shut(a), is_shut(b));
}

static int by_left(const struct view_row *a, const struct view_row *b)
{
	return by_number(a->deciding.ready_in_ms, b->deciding.ready_in_ms);
}

static int by_attempts(const struct view_row *a, const struct view_row *b)
{
	return by_number(a->attempts_rate, b->attempts_rate);
}

static int by_failures(const struct view_row *a, const struct view_row *b)
{
	return by_number(a->failures_rate, b->failures_rate);
}

static const struct {
	const char *name;
	int (*compare)(const struct view_row *a, const struct view_row *b);
} sorts[VIEW_SORTS] = {
	[VIEW_BY_STATE] = {"state", by_state},
	[VIEW_BY_KEY] = {"key", by_key},
	[VIEW_BY_LEFT] = {"time left", by_left},
	[VIEW_BY_ATTEMPTS] = {"attempts", by_attempts},
	[VIEW_BY_FAILURES] = {"failures", by_failures},
};

const char *view_sort_name(enum view_sort sort)
{
	return sorts[sort].name;
}

/* Equal ones by key, so that nothing jumps. @order: enum view_sort */
static int compare_rows(const void *a, const void *b, void *order)
{
	const int first = sorts[*(const enum view_sort *)order].compare(a, b);

	return first != 0 ? first : by_key(a, b);
}

/* ------------------------------------------------------------------ the selected row */

void view_select(struct view *view, size_t index)
{
	view->selected = index < view->count ? index : view->count - 1;
	if (view->count == 0) {
		view->selected = 0;
		return;
	}
	view->selected_kind = view->rows[view->selected].own->kind;
	memcpy(view->selected_key, view->rows[view->selected].own->key, sizeof(view->selected_key));
}

static void find_selected(struct view *view)
{
	for (size_t i = 0; i < view->count; i++) {
		if (view->rows[i].own->kind == view->selected_kind &&
		    strcmp(view->rows[i].own->key, view->selected_key) == 0) {
			view->selected = i;
			return;
		}
	}
	view_select(view, view->selected);
}

void view_arrange(struct view *view)
{
	view->count = 0;
	for (size_t i = 0; i < view->snapshot.count; i++)
		if (is_wanted(view, &view->all[i]))
			view->rows[view->count++] = view->all[i];
	if (view->count > 1)
		qsort_r(view->rows, view->count, sizeof(*view->rows), compare_rows, &view->sort);
	find_selected(view);
}

/* ------------------------------------------------------------------ whether anything has changed */

/* All that does not change by itself. */
static bool is_same(const struct lull_key_state *a, const struct lull_key_state *b)
{
	return a->kind == b->kind && a->state == b->state && a->cause == b->cause &&
	       a->http_status == b->http_status && a->strikes == b->strikes &&
	       a->attempts == b->attempts && a->failures == b->failures && a->skips == b->skips &&
	       a->usual_ms == b->usual_ms && a->parallel_used == b->parallel_used &&
	       a->limits.rpm == b->limits.rpm && a->limits.tpm == b->limits.tpm &&
	       a->limits.parallel == b->limits.parallel;
}

static bool is_still(const struct view *view, size_t i)
{
	const struct lull_key_state *const now = &view->snapshot.keys[i];
	const struct view_history *const history = &view->histories[i];

	/* time left and room come by themselves; a rate falls for as long as its window moves */
	return is_same(now, &view->before.keys[i]) && now->state != LULL_STATE_COOLING &&
	       now->state != LULL_STATE_PROBING && now->rpm_room_in_ms == 0 &&
	       now->tpm_room_in_ms == 0 && history->samples[0].attempts == now->attempts &&
	       view->before.keys[i].rpm_room_in_ms == 0 && view->before.keys[i].tpm_room_in_ms == 0;
}

bool view_is_as_before(const struct view *view)
{
	if (view->before.now_ms == 0 || view->snapshot.count != view->before.count ||
	    view->snapshot.table.create_id != view->before.table.create_id)
		return false;
	for (size_t i = 0; i < view->snapshot.count; i++)
		if (!is_still(view, i))
			return false;
	return true;
}

void view_deinit(struct view *view)
{
	snapshot_deinit(&view->snapshot);
	snapshot_deinit(&view->before);
	free(view->histories);
	free(view->all);
	free(view->rows);
}
