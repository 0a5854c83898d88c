/* SPDX-License-Identifier: MIT */
/* See word_watch.h. */
#include "word_watch.h"

#include <inttypes.h>
#include <string.h>

#include "segment.h"

#define KEYS 64u

struct watched {
	struct key key;
	struct layout_slot *slot;
	uint64_t lease;  /* the last one given, as it was given; 0 it was ended before its time */
	uint32_t holder; /* process */
	uint64_t lease_of[WATCH_PROCESSES]; /* of each one's attempt, lapsed or not; 0 none */
};

struct watch_actor watch_actor;

static struct segment *segment;
static watch_meanwhile_fn let_others_act;
static struct watched keys[KEYS];
static uint32_t key_count;
static uint64_t leases_given;

/* ------------------------------------------------------------------ keys */

void watch_begin(struct lull_table *table, watch_meanwhile_fn meanwhile)
{
	segment = table_pin(table);
	let_others_act = meanwhile;
	key_count = 0;
	leases_given = 0;
}

uint64_t watch_end(void)
{
	segment_unpin(segment);
	segment = NULL;
	return leases_given;
}

static struct watched *find(uint32_t kind, const char *text)
{
	for (uint32_t i = 0; i < key_count; i++)
		if (keys[i].key.kind == kind && strcmp(keys[i].key.bytes, text) == 0)
			return &keys[i];
	return NULL;
}

void watch_key(uint32_t kind, const char *text)
{
	struct watched k = {0};

	if (!text || find(kind, text))
		return;
	if (key_count == KEYS || key_init(&k.key, kind, text) != 0)
		watch_broken("cannot watch %s", text);
	else
		keys[key_count++] = k;
}

uint32_t watch_key_count(void)
{
	return key_count;
}

void watch_key_at(uint32_t index, uint32_t *ret_kind, const char **ret_text)
{
	*ret_kind = keys[index].key.kind;
	*ret_text = keys[index].key.bytes;
}

static struct layout_slot *slot_of(struct watched *k)
{
	if (!k->slot)
		k->slot = segment_find(segment, &k->key);
	return k->slot;
}

static uint64_t word_of(struct watched *k)
{
	return slot_of(k) ? atomic_load(&k->slot->word) : 0;
}

static struct watched *watched_slot(const struct layout_slot *slot)
{
	for (uint32_t i = 0; i < key_count; i++)
		if (slot_of(&keys[i]) == slot)
			return &keys[i];
	return NULL;
}

bool watch_is_shut(uint32_t kind, const char *text, bool heeds_leases)
{
	struct watched *k = text ? find(kind, text) : NULL;
	uint64_t word = k ? word_of(k) : 0;

	if (word_ready_in_ms(word, watch_actor.now_ms) == 0)
		return false;
	return heeds_leases || word_state(word, watch_actor.now_ms) != LULL_STATE_PROBING;
}

/* ------------------------------------------------------------------ who may change what */

/* A call that looks for a route takes leases of what has ended, and counts starts. */
static bool next_may(const struct word *b, const struct word *a, uint64_t mine, uint64_t before,
		     uint64_t after)
{
	bool limited = b->cause == LULL_CLASS_RATE_LIMITED;
	bool silent = limited && b->kind == WORD_PROBE;

	if (mine && before == mine) /* put back: another key of the route was lost */
		return a->kind == WORD_COOL && a->until_ms == watch_actor.now_ms;
	if (word_ready_in_ms(before, watch_actor.now_ms) > 0)
		return false;
	switch (a->kind) {
	case WORD_PROBE:
		return (b->kind == WORD_COOL || b->kind == WORD_PROBE) && watch_actor.probes &&
		       a->until_ms == watch_actor.now_ms + (limited ? 1000 : 10000) &&
		       a->strikes == b->strikes;
	case WORD_SOFT:
	case WORD_SOFT_LATE:
		return a->kind == b->kind && a->until_ms == b->until_ms && a->strikes == b->strikes;
	default:
		return after == 0 && (silent || !watch_actor.probes);
	}
}

/*
 * An attempt does as it likes with its own lease and with what is open. It opens what another holds
 * or what has ended only as a prober that was late and that no failure has refuted, or as a try
 * that was answered; and otherwise it makes cooldowns, of what was live longer ones.
 */
static bool attempt_may(const struct word *b, const struct word *a, uint64_t mine, uint64_t before,
			uint64_t after)
{
	uint64_t now_ms = watch_actor.now_ms;
	bool live = word_ready_in_ms(before, now_ms) > 0;
	bool tried = watch_actor.phase == WATCH_ANSWER && watch_actor.tries &&
		     b->cause != LULL_CLASS_MANUAL;
	bool late = mine && word_unpack(mine).until_ms <= now_ms &&
		    word_unpack(mine).strikes == b->strikes && (b->kind == WORD_PROBE || !live);

	if (b->kind == WORD_HOLD)
		return false;
	if (b->kind != WORD_COOL && b->kind != WORD_PROBE)
		return a->kind != WORD_PROBE && a->kind != WORD_HOLD;
	if (before == mine)
		return after == 0 || a->kind == WORD_COOL ||
		       (b->cause == LULL_CLASS_RATE_LIMITED && a->kind != WORD_PROBE &&
			a->kind != WORD_HOLD);
	if (after == 0)
		return tried || late;
	return a->kind == WORD_COOL && a->until_ms > now_ms &&
	       (!live || a->until_ms >= b->until_ms);
}

/* What says nothing hands its lease back; a status line is a word of the endpoint's. */
static bool nothing_may(const struct watched *k, const struct word *a, uint64_t mine,
			uint64_t before)
{
	if (k->key.kind == LULL_KIND_ENDPOINT && watch_actor.status_came)
		return true;
	return mine && before == mine && a->kind == WORD_COOL && a->until_ms == watch_actor.now_ms;
}

static bool may(const struct watched *k, uint64_t before, uint64_t after)
{
	struct word b = word_unpack(before), a = word_unpack(after);
	uint64_t mine = k->lease_of[watch_actor.process];

	switch (watch_actor.phase) {
	case WATCH_NEXT:
		return next_may(&b, &a, mine, before, after);
	case WATCH_NOTHING:
		return nothing_may(k, &a, mine, before) && attempt_may(&b, &a, mine, before, after);
	case WATCH_ATTEMPT:
	case WATCH_ANSWER:
		return attempt_may(&b, &a, mine, before, after);
	case WATCH_OPERATOR:
		return a.kind != WORD_PROBE;
	}
	return false;
}

static void lease_follow(struct watched *k, uint64_t before, uint64_t after)
{
	uint64_t *mine = &k->lease_of[watch_actor.process];
	uint64_t now_ms = watch_actor.now_ms;

	if (before == *mine)
		*mine = 0; /* used up */
	if (word_unpack(after).kind == WORD_PROBE) {
		if (k->lease && word_unpack(k->lease).until_ms > now_ms)
			watch_broken("process %u gets a lease on %s that process %u still holds",
				     watch_actor.process, k->key.bytes, k->holder);
		k->lease = *mine = after;
		k->holder = watch_actor.process;
		leases_given++;
	} else if (after == 0 || watch_actor.phase == WATCH_OPERATOR ||
		   k->holder == watch_actor.process) {
		k->lease = 0; /* opened, or ended by who held it */
	}
}

static void change_happened(struct watched *k, uint64_t before, uint64_t after)
{
	if (!may(k, before, after))
		watch_broken("process %u, phase %d, makes %016" PRIx64 " of %016" PRIx64 " on %s",
			     watch_actor.process, (int)watch_actor.phase, after, before,
			     k->key.bytes);
	lease_follow(k, before, after);
}

void watch_attempt_ended(uint32_t process)
{
	for (uint32_t i = 0; i < key_count; i++) {
		uint64_t *lease = &keys[i].lease_of[process];

		if (*lease && word_of(&keys[i]) == *lease)
			watch_broken("process %u leaves its lease on %s", process,
				     keys[i].key.bytes);
		*lease = 0;
	}
}

/* ------------------------------------------------------------------ in the place of
 * segment_change() */

struct word_step __wrap_segment_change(struct segment *s, struct layout_slot *slot, word_fn fn,
				       const struct word_event *e, uint64_t *ret_from);
struct word_step __real_segment_change(struct segment *s, struct layout_slot *slot, word_fn fn,
				       const struct word_event *e, uint64_t *ret_from);

static void others_act(void)
{
	struct watch_actor actor = watch_actor;
	watch_meanwhile_fn meanwhile = let_others_act;

	let_others_act = NULL; /* they are not interrupted themselves */
	meanwhile();
	let_others_act = meanwhile;
	watch_actor = actor;
}

struct word_step __wrap_segment_change(struct segment *s, struct layout_slot *slot, word_fn fn,
				       const struct word_event *e, uint64_t *ret_from)
{
	struct watched *k = s == segment ? watched_slot(slot) : NULL;
	struct word_step step;
	uint64_t before;

	if (k && let_others_act && watch_actor.phase == WATCH_NEXT)
		others_act();
	before = atomic_load(&slot->word);
	step = __real_segment_change(s, slot, fn, e, ret_from);
	if (k && step.to != before)
		change_happened(k, before, step.to);
	return step;
}
