/* SPDX-License-Identifier: MIT */
/*
 * The inside of struct segment: one mapping of the table's bytes, and where it came from. For the
 * files that work on the bytes; who only uses a segment needs segment.h alone.
 */
#ifndef LULL_MAPPING_H
#define LULL_MAPPING_H

#include <stdbool.h>
#include <sys/types.h>

#include "place.h"
#include "segment.h"

struct segment {
	/* Constant while mapped. Sizes are this process's copies: the header's are never read
	 * again. */
	struct layout_header *header;
	struct layout_slot *slots;
	struct layout_record *ring;
	uint32_t slot_count; /* power of two */
	bool shared, read_only;
	size_t size_bytes;
	uint64_t create_id, created_unix_s;
	dev_t dev;
	ino_t ino;
	uid_t uid;
	gid_t gid;
	mode_t mode;

	/* Process-local, with the same rules; made when a first key found no slot. */
	struct segment *_Atomic overflow;

	/* Of the handle it belongs to: table.c. */
	struct lull_table *table;
	uint32_t generation;
	_Atomic int64_t refs;
};

static inline bool segment_slot_count_is_valid(uint32_t count)
{
	return count >= LAYOUT_SLOTS_MIN && count <= LAYOUT_SLOTS_MAX && (count & (count - 1)) == 0;
}

/* 0; -ENOMEM */
int segment_map_local(struct segment *ret_segment, uint32_t slot_count);
/* The same with its struct, NULL: no memory. Without the heap, so that its last user may be a
 * signal handler. */
struct segment *segment_new_local(uint32_t slot_count);
void segment_free_local(struct segment *segment);

enum segment_origin {
	SEGMENT_FOUND = 0,   /* it was there */
	SEGMENT_MADE = 1,    /* there was none, or one of an earlier boot */
	SEGMENT_REPAIRED = 2 /* what was there was ours, but damaged; the problem says how */
};
/*
 * Attaches to the segment at a place, making or repairing it where the place allows that.
 * enum segment_origin; -ENOENT none is there and none may be made; other negative errno: it cannot
 * be had, and ret_problem says why.
 */
int segment_map_shared(struct segment *ret_segment, const struct place *place,
		       struct problem *ret_problem);
/* A fresh segment over the name; the old one is marked retired. 0, or negative errno and a problem.
 */
int segment_reset(const struct place *place, struct problem *ret_problem);
/* Mapping and overflow; a segment that is not mapped is fine. */
void segment_unmap(struct segment *segment);

/* Slot by index: the segment's own, then its overflow's; NULL beyond both. */
struct layout_slot *segment_slot_at(const struct segment *segment, uint64_t index);
uint64_t segment_slot_limit(const struct segment *segment); /* indexes end here */
/* Index of a slot of this segment or its overflow; UINT64_MAX for any other. */
uint64_t segment_slot_index(const struct segment *segment, const struct layout_slot *slot);
/* As segment_insert(), but never into the overflow; NULL: full or read-only. */
struct layout_slot *segment_insert_own(struct segment *segment, const struct key *key);
/* Copies the slot's key, checked; false: it holds none that is whole. `text`: 185 bytes. */
bool slot_key(const struct layout_slot *slot, char *text, struct key *ret_key);

/* mean time to 2xx headers; 0 = not known */
uint64_t slot_usual_ms(const struct layout_slot *slot);

#define REPORTER_PID_BITS 24u /* Linux's largest pid has 22; the time in ms is above them */

/* The event of a change, into the flight recorder. */
struct ring_event {
	uint64_t at_ms, for_ms;
	enum lull_event_type type;
	uint32_t slot_index;
	uint64_t slot_tag; /* tells a reader whether the index still means that key */
	uint32_t cause, http_status, strikes, pid;
};
void ring_record(struct segment *segment, const struct ring_event *event);

/* Wakes who follows the events. */
void ring_wake(struct segment *segment);

/* Moves the serial and wakes who sleeps on it. */
void segment_wake(struct segment *segment);

/* The segment a serial was read from, pinned; NULL: it is gone. */
struct segment *table_pin_generation(struct lull_table *table, uint32_t generation);

#endif
