/* SPDX-License-Identifier: MIT */
/*
 * Slots: finding a key's, inserting it, and changing its word.
 *
 * Insertion is by helping. Slots are probed from hash & mask upwards and never become empty again.
 * An empty one is claimed by compare-and-swap of its tag; then the key's words are written one by
 * one, each by compare-and-swap of 0. Whoever meets a half-written key that agrees with his own so
 * far goes on writing it, with the same bytes: a process killed there leaves nothing to repair,
 * nobody waits, and there is never a second slot for a key. Two keys of one hash share words until
 * their first difference; there the compare-and-swap decides who owns the slot, and the loser has
 * written nothing but what the winner wrote too. Finding uses the same comparison, words 0 to the
 * last, so that both agree even on a slot full of rubbish.
 */
#include "clock.h"
#include "key.h"
#include "mapping.h"

#define CHANGE_TRIES 4096u /* lost races; each means that somebody else got on */
#define USUAL_GAIN   16    /* a sixteenth of the way to each new sample */
#define USUAL_SPREAD 6     /* mean deviations above the mean: rarely passed by a healthy answer */
#define US_PER_MS    1000u

/* ------------------------------------------------------------------ finding */

enum comparison { KEY_EQUAL, KEY_OTHER, KEY_UNFINISHED };

static enum comparison slot_compare(const struct layout_slot *slot, const struct key *key)
{
	uint32_t count = key_word_count(key->length);

	for (uint32_t i = 0; i <= count; i++) {
		/* pairs with the release in slot_complete(): an equal key is a usable slot */
		uint64_t found = atomic_load_explicit(&slot->key[i], memory_order_acquire);

		if (found != key_word(key, i))
			return found ? KEY_OTHER : KEY_UNFINISHED;
	}
	return KEY_EQUAL;
}

/* The segment's own slot with that key; NULL: none, or not whole yet. */
static struct layout_slot *slot_find(const struct segment *segment, const struct key *key)
{
	uint32_t mask = segment->slot_count - 1;

	for (uint32_t i = 0; i < segment->slot_count; i++) {
		struct layout_slot *slot = &segment->slots[(key->hash + i) & mask];
		uint64_t tag = atomic_load_explicit(&slot->tag, memory_order_acquire);

		if (tag == 0)
			return NULL;
		if (tag == key->hash && slot_compare(slot, key) == KEY_EQUAL)
			return slot;
	}
	return NULL;
}

struct layout_slot *segment_find(struct segment *segment, const struct key *key)
{
	struct layout_slot *slot = slot_find(segment, key);
	struct segment *overflow;

	if (slot)
		return slot;
	overflow = atomic_load_explicit(&segment->overflow, memory_order_acquire);
	return overflow ? slot_find(overflow, key) : NULL;
}

bool slot_key(const struct layout_slot *slot, char *text, struct key *ret_key)
{
	uint64_t words[LAYOUT_KEY_WORDS];
	uint64_t tag = atomic_load_explicit(&slot->tag, memory_order_acquire);

	if (tag == 0)
		return false;
	for (uint32_t i = 0; i < LAYOUT_KEY_WORDS; i++)
		words[i] = atomic_load_explicit(&slot->key[i], memory_order_acquire);
	return key_unpack(words, text, ret_key) && ret_key->hash == tag;
}

/* ------------------------------------------------------------------ inserting */

/* Writes what is missing of the key; false: the slot is another key's. */
static bool slot_complete(struct layout_slot *slot, const struct key *key)
{
	uint32_t count = key_word_count(key->length);

	for (uint32_t i = 0; i <= count; i++) {
		uint64_t word = key_word(key, i), found = 0;

		/* pairs with the acquire in slot_compare() */
		if (!atomic_compare_exchange_strong_explicit(&slot->key[i], &found, word,
							     memory_order_acq_rel,
							     memory_order_acquire) &&
		    found != word)
			return false;
	}
	return true;
}

/* Is the slot this key's, or free and now this key's? */
static bool slot_claim(struct layout_slot *slot, const struct key *key)
{
	uint64_t tag = 0;

	if (!atomic_compare_exchange_strong_explicit(&slot->tag, &tag, key->hash,
						     memory_order_acq_rel, memory_order_acquire) &&
	    tag != key->hash)
		return false;
	return slot_complete(slot, key);
}

struct layout_slot *segment_insert_own(struct segment *segment, const struct key *key)
{
	uint32_t mask = segment->slot_count - 1;

	if (segment->read_only)
		return NULL;
	for (uint32_t i = 0; i < segment->slot_count; i++) {
		struct layout_slot *slot = &segment->slots[(key->hash + i) & mask];

		if (slot_claim(slot, key))
			return slot;
	}
	return NULL;
}

static struct segment *overflow_make(struct segment *segment)
{
	struct segment *made = segment_new_local(LAYOUT_SLOTS_DEFAULT), *found = NULL;

	if (made && atomic_compare_exchange_strong(&segment->overflow, &found, made))
		return made;
	segment_free_local(made); /* another thread's came first */
	return found;
}

struct layout_slot *segment_insert(struct segment *segment, const struct key *key)
{
	struct layout_slot *slot;
	struct segment *overflow;

	if (segment->read_only)
		return NULL;
	slot = segment_find(segment, key);
	if (!slot)
		slot = segment_insert_own(segment, key);
	if (slot)
		return slot;
	atomic_fetch_add_explicit(&segment->header->full_rejects, 1, memory_order_relaxed);
	overflow = atomic_load_explicit(&segment->overflow, memory_order_acquire);
	if (!overflow)
		overflow = overflow_make(segment);
	return overflow ? segment_insert_own(overflow, key) : NULL;
}

/* ------------------------------------------------------------------ slots by index */

static bool slot_is_within(const struct segment *segment, const struct layout_slot *slot)
{
	return slot >= segment->slots && slot < segment->slots + segment->slot_count;
}

uint64_t segment_slot_limit(const struct segment *segment)
{
	const struct segment *overflow =
		atomic_load_explicit(&segment->overflow, memory_order_acquire);

	return segment->slot_count + (overflow ? (uint64_t)overflow->slot_count : 0);
}

struct layout_slot *segment_slot_at(const struct segment *segment, uint64_t index)
{
	const struct segment *overflow;

	if (index < segment->slot_count)
		return &segment->slots[index];
	index -= segment->slot_count;
	overflow = atomic_load_explicit(&segment->overflow, memory_order_acquire);
	return overflow && index < overflow->slot_count ? &overflow->slots[index] : NULL;
}

uint64_t segment_slot_index(const struct segment *segment, const struct layout_slot *slot)
{
	const struct segment *overflow;

	if (slot_is_within(segment, slot))
		return (uint64_t)(slot - segment->slots);
	overflow = atomic_load_explicit(&segment->overflow, memory_order_acquire);
	if (overflow && slot_is_within(overflow, slot))
		return segment->slot_count + (uint64_t)(slot - overflow->slots);
	return UINT64_MAX;
}

void segment_link(struct segment *segment, struct layout_slot *route,
		  const struct layout_slot *credential, const struct layout_slot *endpoint)
{
	/* others must not be told of slots that only this process has */
	uint64_t limit = slot_is_within(segment, route) ? segment->slot_count : UINT32_MAX;
	const struct layout_slot *ends[2] = {credential, endpoint};
	uint64_t links = 0;

	if (segment->read_only)
		return;
	for (int i = 0; i < 2; i++) {
		uint64_t index = ends[i] ? segment_slot_index(segment, ends[i]) : limit;

		links = links << 32 | (index < limit ? index + 1 : 0);
	}
	if (atomic_load_explicit(&route->links, memory_order_relaxed) != links)
		atomic_store_explicit(&route->links, links, memory_order_relaxed);
}

/* ------------------------------------------------------------------ changing */

void slot_count(struct layout_slot *slot, enum slot_counter counter)
{
	atomic_fetch_add_explicit(&slot->counters[counter], 1, memory_order_relaxed);
}

_Static_assert(LULL_CLASS_COUNT <= LAYOUT_OUTCOMES + LAYOUT_LATE_OUTCOMES,
	       "each class has its counter");

void slot_count_outcome(struct layout_slot *slot, uint32_t class_id)
{
	_Atomic uint32_t *counter = class_id < LAYOUT_OUTCOMES
					    ? &slot->outcomes[class_id]
					    : &slot->late_outcomes[class_id - LAYOUT_OUTCOMES];

	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

uint32_t slot_outcomes(const struct layout_slot *slot, uint32_t class_id)
{
	const _Atomic uint32_t *counter =
		class_id < LAYOUT_OUTCOMES ? &slot->outcomes[class_id]
					   : &slot->late_outcomes[class_id - LAYOUT_OUTCOMES];

	return atomic_load_explicit(counter, memory_order_relaxed);
}

/* What else a change does, by what it means. A cooldown made longer is the same outage: told once.
 */
struct consequence {
	enum lull_event_type event; /* 0: none */
	uint8_t counters;           /* bit 1 << enum slot_counter */
	bool reports;               /* it is news about the key: its reporter is kept */
};

static const struct consequence *consequence_of(enum word_verdict verdict)
{
	/* clang-format off */
	static const struct consequence consequences[] = {
		[WORD_GO_PROBE]         = {LULL_EVENT_PROBE,           1u << SLOT_PROBES,    false},
		[WORD_COOLED]           = {LULL_EVENT_COOLED,          1u << SLOT_COOLDOWNS, true},
		[WORD_LENGTHENED]       = {0,                          0,                    true},
		[WORD_COUNTED]          = {LULL_EVENT_SOFT,            0,                    true},
		[WORD_OPENED]           = {LULL_EVENT_OPENED,          0,                    true},
		[WORD_RETURNED]         = {LULL_EVENT_RETURNED,        0,                    false},
		[WORD_OPERATOR_COOLED]  = {LULL_EVENT_OPERATOR_COOLED, 0,                    true},
		[WORD_OPERATOR_HELD]    = {LULL_EVENT_HELD,            0,                    true},
		[WORD_OPERATOR_CLEARED] = {LULL_EVENT_CLEARED,         0,                    true},
	};
	/* clang-format on */
	static const struct consequence none;

	if ((size_t)verdict < sizeof(consequences) / sizeof(consequences[0]))
		return &consequences[verdict];
	return &none;
}

static void change_record(struct segment *segment, const struct layout_slot *slot, uint64_t from,
			  uint64_t to, enum lull_event_type type, const struct word_event *e)
{
	/* what became ready is told with what it had been shut for */
	struct word w = word_unpack(to ? to : from);
	uint64_t now_ms = e->now_ms;
	bool has_length = type == LULL_EVENT_COOLED || type == LULL_EVENT_OPERATOR_COOLED;

	ring_record(segment,
		    &(struct ring_event){
			    .at_ms = now_ms,
			    .for_ms = has_length && w.until_ms > now_ms ? w.until_ms - now_ms : 0,
			    .type = type,
			    .slot_index = (uint32_t)segment_slot_index(segment, slot),
			    .slot_tag = atomic_load_explicit(&slot->tag, memory_order_relaxed),
			    .cause = w.cause,
			    /* a count has no room for it */
			    .http_status = type == LULL_EVENT_SOFT ? e->http : w.http,
			    .strikes = w.strikes,
			    .pid = clock_pid(),
		    });
}

static uint64_t reporter_pack(uint64_t now_ms)
{
	return now_ms << REPORTER_PID_BITS | (clock_pid() & ((1u << REPORTER_PID_BITS) - 1));
}

static void change_follow(struct segment *segment, struct layout_slot *slot, uint64_t from,
			  const struct word_step *step, const struct word_event *e)
{
	const struct consequence *then = consequence_of(step->verdict);

	for (enum slot_counter c = 0; c < SLOT_COUNTERS; c++)
		if (then->counters & 1u << c)
			slot_count(slot, c);
	if (then->reports)
		atomic_store_explicit(&slot->reporter, reporter_pack(e->now_ms),
				      memory_order_relaxed);
	/* the recorder is everybody's; a slot of the overflow is not */
	if (then->event && slot_is_within(segment, slot))
		change_record(segment, slot, from, step->to, then->event, e);
	if (step->wakes)
		segment_wake(segment);
}

/* One word decides and nothing else is published by it, so no order is needed but its own. */
static bool word_replace(struct layout_slot *slot, uint64_t *from, uint64_t to)
{
	return atomic_compare_exchange_strong_explicit(&slot->word, from, to, memory_order_relaxed,
						       memory_order_relaxed);
}

struct word_step segment_change(struct segment *segment, struct layout_slot *slot, word_fn fn,
				const struct word_event *e, uint64_t *ret_from)
{
	uint64_t from = atomic_load_explicit(&slot->word, memory_order_relaxed);
	struct word_step step = {.to = from, .verdict = WORD_UNTOUCHED};
	uint32_t tries = segment->read_only ? 1 : CHANGE_TRIES;
	bool settled = false;

	for (uint32_t i = 0; !settled && i < tries; i++) {
		step = fn(from, e);
		settled = step.to == from ||
			  (!segment->read_only && word_replace(slot, &from, step.to));
	}
	if (!settled)
		step = (struct word_step){.to = from, .verdict = WORD_UNTOUCHED};
	if (step.verdict == WORD_UNTOUCHED && fn == word_admit)
		step.verdict = WORD_SKIP;
	if (step.to != from)
		change_follow(segment, slot, from, &step, e);
	if (ret_from)
		*ret_from = from;
	return step;
}

/* ------------------------------------------------------------------ usual time */

/* Mean and mean deviation in microseconds; both 0 = not known. */
struct usual {
	uint32_t mean_us, deviation_us;
};

static struct usual usual_unpack(uint64_t bits)
{
	return (struct usual){(uint32_t)(bits >> 32), (uint32_t)bits};
}

static struct usual usual_get(const struct layout_slot *slot)
{
	return usual_unpack(atomic_load_explicit(&slot->usual, memory_order_relaxed));
}

static uint64_t us_to_ms(uint64_t us)
{
	return (us + US_PER_MS - 1) / US_PER_MS; /* upwards: 0 means "not known" */
}

static uint32_t usual_move(uint32_t from, uint32_t towards)
{
	return (uint32_t)((int64_t)from + ((int64_t)towards - (int64_t)from) / USUAL_GAIN);
}

static struct usual usual_next(struct usual u, uint32_t sample_us)
{
	uint32_t apart_us = sample_us > u.mean_us ? sample_us - u.mean_us : u.mean_us - sample_us;

	if (u.mean_us == 0) /* the first: as TCP begins its round-trip time */
		return (struct usual){sample_us, sample_us / 2};
	return (struct usual){usual_move(u.mean_us, sample_us),
			      usual_move(u.deviation_us, apart_us)};
}

void slot_usual_add(struct layout_slot *slot, uint64_t headers_ms)
{
	uint64_t found = atomic_load_explicit(&slot->usual, memory_order_relaxed);
	uint32_t sample_us =
		headers_ms < UINT32_MAX / US_PER_MS ? (uint32_t)headers_ms * US_PER_MS : UINT32_MAX;
	struct usual u = usual_next(usual_unpack(found), sample_us ? sample_us : 1);

	/* one try: a sample lost to another process's is no loss */
	(void)atomic_compare_exchange_strong_explicit(&slot->usual, &found,
						      (uint64_t)u.mean_us << 32 | u.deviation_us,
						      memory_order_relaxed, memory_order_relaxed);
}

void slot_usual_forget(struct layout_slot *slot)
{
	atomic_store_explicit(&slot->usual, 0, memory_order_relaxed);
}

uint64_t slot_usual_ms(const struct layout_slot *slot)
{
	return us_to_ms(usual_get(slot).mean_us);
}

uint64_t slot_usual_limit_ms(const struct layout_slot *slot)
{
	struct usual u = usual_get(slot);

	if (u.mean_us == 0)
		return 0;
	return us_to_ms(u.mean_us + (uint64_t)USUAL_SPREAD * u.deviation_us);
}
