/* SPDX-License-Identifier: MIT */
/*
 * What callers see and may change of a key: snapshots, an operator's verbs, and the handle for hot
 * paths. Nothing here decides: word.c does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "key.h"
#include "limit.h"
#include "mapping.h"

/* ------------------------------------------------------------------ reading */

/* A link is a hint that anybody could have written: it must lead to a key of the right kind. */
static uint64_t link_checked(const struct segment *segment, uint64_t link, uint32_t kind)
{
	const struct layout_slot *slot = link ? segment_slot_at(segment, link - 1) : NULL;
	char text[LULL_KEY_BYTES_MAX + 1];
	struct key key;

	return slot && slot_key(slot, text, &key) && key.kind == kind ? link - 1 : LULL_NEVER;
}

static void read_links(const struct segment *segment, const struct layout_slot *slot,
		       struct lull_key_state *state)
{
	uint64_t links = atomic_load_explicit(&slot->links, memory_order_relaxed);

	if (state->kind != LULL_KIND_ROUTE)
		return;
	state->links[0] = link_checked(segment, links >> 32, LULL_KIND_CREDENTIAL);
	state->links[1] = link_checked(segment, links & UINT32_MAX, LULL_KIND_ENDPOINT);
}

/* A word that has ended as a count, or cannot be true, says nothing; the rest stays of interest
 * after its end, as what the key was shut for last. */
static bool word_says_something(const struct word *w, uint64_t now_ms)
{
	switch (w->kind) {
	case WORD_HOLD:
		return true;
	case WORD_COOL:
		return w->until_ms <= now_ms + WORD_HORIZON_MS;
	case WORD_PROBE:
		return w->until_ms <= now_ms + WORD_LEASE_MS;
	case WORD_SOFT:
	case WORD_SOFT_LATE:
		return w->until_ms > now_ms && w->until_ms <= now_ms + WORD_SOFT_WINDOW_MS;
	default:
		return false;
	}
}

static void read_word(const struct layout_slot *slot, uint64_t now_ms, struct lull_key_state *state)
{
	uint64_t bits = atomic_load_explicit(&slot->word, memory_order_relaxed);
	struct word w = word_unpack(bits);

	state->state = word_state(bits, now_ms);
	state->ready_in_ms = word_ready_in_ms(bits, now_ms);
	if (!word_says_something(&w, now_ms))
		return;
	state->cause = w.cause < LULL_CLASS_COUNT ? w.cause : 0;
	state->http_status = w.http;
	state->strikes = w.strikes;
}

static void read_reporter(const struct layout_slot *slot, uint64_t now_ms,
			  struct lull_key_state *state)
{
	uint64_t reporter = atomic_load_explicit(&slot->reporter, memory_order_relaxed);
	uint64_t at_ms = reporter >> REPORTER_PID_BITS;

	if (at_ms > now_ms + WORD_HORIZON_MS)
		return;
	state->reported_at_ms = at_ms < now_ms ? at_ms : now_ms;
	state->reported_by_pid = (uint32_t)reporter & ((1u << REPORTER_PID_BITS) - 1);
}

static void read_counters(const struct layout_slot *slot, struct lull_key_state *state)
{
	uint64_t *const sums[SLOT_COUNTERS] = {
		[SLOT_ATTEMPTS] = &state->attempts,   [SLOT_ANSWERS] = &state->answers,
		[SLOT_FAILURES] = &state->failures,   [SLOT_SKIPS] = &state->skips,
		[SLOT_COOLDOWNS] = &state->cooldowns, [SLOT_PROBES] = &state->probes,
		[SLOT_LIMITED] = &state->limited,
	};

	for (int i = 0; i < SLOT_COUNTERS; i++)
		if (sums[i])
			*sums[i] = atomic_load_explicit(&slot->counters[i], memory_order_relaxed);
	for (uint32_t class_id = 0; class_id < LULL_CLASS_COUNT; class_id++)
		state->outcomes[class_id] = slot_outcomes(slot, class_id);
}

static void read_limits(const struct layout_slot *slot, uint64_t now_ms,
			struct lull_key_state *state)
{
	state->limits = limits_told(slot);
	state->parallel_used = permit_held_count(slot->permits, now_ms);
	state->rpm_room_in_ms = limits_request_room_in_ms(slot, &state->limits, now_ms);
	state->tpm_room_in_ms = limits_token_room_in_ms(slot, &state->limits, now_ms);
}

static void state_init(struct lull_key_state *state, uint32_t kind)
{
	*state = (struct lull_key_state){
		.abi_version = LULL_ABI_VERSION,
		.kind = kind,
		.links = {LULL_NEVER, LULL_NEVER},
	};
}

static void state_name(struct lull_key_state *state, const struct key *key)
{
	memcpy(state->key, key->bytes, key->length);
	key_model(key->kind, state->key, state->model);
}

static void state_fill(struct lull_key_state *state, const struct segment *segment,
		       const struct layout_slot *slot, uint64_t now_ms)
{
	read_word(slot, now_ms, state);
	read_reporter(slot, now_ms, state);
	read_counters(slot, state);
	read_limits(slot, now_ms, state);
	read_links(segment, slot, state);
	state->usual_ms = (uint32_t)slot_usual_ms(slot);
	state->usual_limit_ms = (uint32_t)slot_usual_limit_ms(slot);
}

int lull_key_read(struct lull_table *table, uint32_t kind, const char *text, uint64_t now_ms,
		  struct lull_key_state *ret_state)
{
	const struct layout_slot *slot;
	struct segment *segment;
	struct key key;
	int err = table && ret_state ? key_init(&key, kind, text) : -EINVAL;

	if (err)
		return err;
	state_init(ret_state, kind);
	state_name(ret_state, &key);
	segment = table_pin(table);
	slot = segment_find(segment, &key);
	if (slot)
		state_fill(ret_state, segment, slot, now_ms);
	segment_unpin(segment);
	return slot ? 0 : LULL_ABSENT;
}

int lull_key_at(struct lull_table *table, uint64_t *cursor, uint64_t now_ms,
		struct lull_key_state *ret_state)
{
	char text[LULL_KEY_BYTES_MAX + 1];
	const struct layout_slot *slot;
	struct segment *segment;
	struct key key;
	bool found = false;

	if (!table || !cursor || !ret_state)
		return -EINVAL;
	segment = table_pin(table);
	while (!found && (slot = segment_slot_at(segment, *cursor))) {
		++*cursor;
		found = slot_key(slot, text, &key);
	}
	if (found) {
		state_init(ret_state, key.kind);
		state_name(ret_state, &key);
		state_fill(ret_state, segment, slot, now_ms);
	}
	segment_unpin(segment);
	return found ? 0 : LULL_END;
}

int lull_key_ready_in_ms(struct lull_table *table, uint32_t kind, const char *text,
			 uint64_t *ret_ready_in_ms)
{
	const struct layout_slot *slot;
	struct segment *segment;
	uint64_t bits = 0;
	struct key key;
	int err = table && ret_ready_in_ms ? key_init(&key, kind, text) : -EINVAL;

	if (err)
		return err;
	segment = table_pin(table);
	slot = segment_find(segment, &key);
	if (slot)
		bits = atomic_load_explicit(&slot->word, memory_order_relaxed);
	segment_unpin(segment);
	*ret_ready_in_ms = bits ? word_ready_in_ms(bits, lull_clock_ms()) : 0;
	return slot ? 0 : LULL_ABSENT;
}

/* ------------------------------------------------------------------ an operator's verbs */

/* The key's slot, made where an operator's word must stay: never in the overflow, which ends with
 * this process. 0; -ENOSPC; -EROFS. */
static int operator_slot(struct segment *segment, const struct key *key,
			 struct layout_slot **ret_slot)
{
	if (segment->read_only)
		return -EROFS;
	*ret_slot = segment_find(segment, key);
	if (!*ret_slot)
		*ret_slot = segment_insert_own(segment, key);
	return *ret_slot ? 0 : -ENOSPC;
}

static int operator_change(struct lull_table *table, uint32_t kind, const char *text, word_fn fn,
			   const struct word_event *e)
{
	struct layout_slot *slot;
	struct segment *segment;
	struct key key;
	int err = table ? key_init(&key, kind, text) : -EINVAL;

	if (err)
		return err;
	segment = table_pin(table);
	err = operator_slot(segment, &key, &slot);
	if (!err && segment_change(segment, slot, fn, e, NULL).verdict == WORD_REFUSED)
		err = -EBUSY;
	segment_unpin(segment);
	return err;
}

int lull_key_cool(struct lull_table *table, uint32_t kind, const char *text, uint64_t for_ms,
		  uint64_t now_ms)
{
	struct word_event e = {.now_ms = now_ms, .for_ms = (uint32_t)for_ms};

	if (for_ms < 1 || for_ms > LULL_COOL_FOR_MS_MAX)
		return -ERANGE;
	return operator_change(table, kind, text, word_operator_cool, &e);
}

int lull_key_hold(struct lull_table *table, uint32_t kind, const char *text, uint64_t now_ms)
{
	struct word_event e = {.now_ms = now_ms};

	return operator_change(table, kind, text, word_operator_hold, &e);
}

int lull_key_clear(struct lull_table *table, uint32_t kind, const char *text, uint64_t now_ms)
{
	struct word_event e = {.now_ms = now_ms};
	struct layout_slot *slot;
	struct segment *segment;
	struct key key;
	int err = table ? key_init(&key, kind, text) : -EINVAL;

	if (err)
		return err;
	segment = table_pin(table);
	slot = segment_find(segment, &key);
	if (segment->read_only)
		err = -EROFS;
	else if (!slot)
		err = LULL_ABSENT;
	else
		(void)segment_change(segment, slot, word_operator_clear, &e, NULL);
	segment_unpin(segment);
	return err;
}

/* ------------------------------------------------------------------ the handle for hot paths */

struct lull_slot {
	const struct layout_slot *slot;
	struct segment *segment; /* pinned */
};

/* On a read-only table a key that is not there yet has nowhere to be: -EROFS. */
static int slot_obtain(struct segment *segment, const struct key *key,
		       struct layout_slot **ret_slot)
{
	*ret_slot = segment->read_only ? segment_find(segment, key) : segment_insert(segment, key);
	if (*ret_slot)
		return 0;
	return segment->read_only ? -EROFS : -ENOMEM;
}

int lull_slot_open(struct lull_table *table, uint32_t kind, const char *text,
		   struct lull_slot **ret_slot)
{
	struct layout_slot *slot = NULL;
	struct lull_slot *opened;
	struct segment *segment;
	struct key key;
	int err = table && ret_slot ? key_init(&key, kind, text) : -EINVAL;

	if (err)
		return err;
	opened = malloc(sizeof(*opened));
	if (!opened)
		return -ENOMEM;
	segment = table_pin(table);
	err = slot_obtain(segment, &key, &slot);
	if (err) {
		segment_unpin(segment);
		free(opened);
		return err;
	}
	*opened = (struct lull_slot){.slot = slot, .segment = segment};
	*ret_slot = opened;
	return 0;
}

void lull_slot_close(struct lull_slot *slot)
{
	if (!slot)
		return;
	segment_unpin(slot->segment);
	free(slot);
}

uint64_t lull_slot_ready_in_ms(const struct lull_slot *slot)
{
	uint64_t bits = atomic_load_explicit(&slot->slot->word, memory_order_relaxed);

	return bits == 0 ? 0 : word_ready_in_ms(bits, lull_clock_ms());
}
