/* SPDX-License-Identifier: MIT */
/*
 * One mapping of the table, shared or process-local, as the rest of liblull uses it. Internal.
 *
 * A handle (struct lull_table) has a current segment; who works on one pins it, so that a
 * replacement under way never unmaps what is in use. A segment that is full has an overflow: a
 * process-local segment with the same rules, made when first needed.
 */
#ifndef LULL_SEGMENT_H
#define LULL_SEGMENT_H

#include <lull/limit.h>
#include <lull/table.h>

#include "layout.h"
#include "word.h"

struct segment; /* one mapping */

struct segment *table_pin(struct lull_table *table); /* current segment, counted; never NULL */
void segment_unpin(struct segment *segment);
bool segment_is_read_only(const struct segment *segment);

/* Length-checked key, ready for lookup. `bytes` borrowed. */
struct key {
	uint32_t kind;
	uint32_t length; /* 1 to LULL_KEY_BYTES_MAX */
	const char *bytes;
	uint64_t hash; /* of kind and bytes; never 0 */
};
/* 0; -EINVAL empty, NULL, control characters or unknown kind; -ENAMETOOLONG */
int key_init(struct key *key, uint32_t kind, const char *text);

/* The slot with that key: in the segment, else in its overflow. NULL = absent. Never inserts, never
 * waits. */
struct layout_slot *segment_find(struct segment *segment, const struct key *key);
/* Finds or inserts by helping; full: in the overflow. NULL only without memory or on a read-only
 * mapping. */
struct layout_slot *segment_insert(struct segment *segment, const struct key *key);
/* Remembers which credential and endpoint a route stands on (either may be NULL). Advisory. */
void segment_link(struct segment *segment, struct layout_slot *route,
		  const struct layout_slot *credential, const struct layout_slot *endpoint);

/*
 * The one way to change a word: runs fn as compare-and-swap until it wins or wants no change. On a
 * change it also keeps the slot's counters (cooldowns, probes), the reporter, the flight recorder
 * and, where fn says so, wakes the sleepers. slot may lie in the overflow. `ret_from` (may be
 * NULL): the word that was found last. Bounded: after 4096 lost races it gives up with
 * WORD_UNTOUCHED (admit: WORD_SKIP).
 */
struct word_step segment_change(struct segment *segment, struct layout_slot *slot, word_fn fn,
				const struct word_event *e, uint64_t *ret_from);

void slot_count(struct layout_slot *slot, enum slot_counter counter); /* + 1, relaxed */
/* What became of an attempt on it, likewise. @class_id: enum lull_class */
void slot_count_outcome(struct layout_slot *slot, uint32_t class_id);
uint32_t slot_outcomes(const struct layout_slot *slot, uint32_t class_id);

/* usual time to 2xx headers; all lock-free, lossy on a race */
void slot_usual_add(struct layout_slot *slot, uint64_t headers_ms);
void slot_usual_forget(struct layout_slot *slot);
uint64_t slot_usual_limit_ms(
	const struct layout_slot *slot); /* mean + 6 deviations; 0 = not known */

uint32_t segment_serial(struct segment *segment);

#endif
