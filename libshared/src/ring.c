/* SPDX-License-Identifier: MIT */
/*
 * The flight recorder: the last 1024 changes, for people who ask what happened.
 *
 * A writer takes a number, and with it a record; it marks the record as being written, fills it,
 * and stamps it with number + 1. Two writers may be in one record (one of them was stopped for a
 * whole round), and one may be killed half-way: so a reader believes a record only if the stamp is
 * right before and after, and the sum over contents and number holds. Nobody waits; a killed writer
 * costs its own record.
 *
 * Followers are woken once the record is whole, by a serial of their own: the head moves before
 * that. They sleep for a second at most, so a writer that dies in between costs no more.
 *
 * A record names its key by slot, and by the slot's tag as a check: slots never change their key.
 */
#include <errno.h>
#include <string.h>

#include "hash.h"
#include "mapping.h"

#define RECORD_WORDS 6

/* payload[3] and payload[4] */
#define SLOT_SHIFT    32
#define TYPE_SHIFT    56
#define CAUSE_SHIFT   48
#define STRIKES_SHIFT 32

#define HTTP_STATUS_LIMIT 1000u /* three digits */

static uint64_t record_sum(const uint64_t payload[RECORD_WORDS], uint64_t number)
{
	uint64_t words[RECORD_WORDS + 1];

	memcpy(words, payload, RECORD_WORDS * sizeof(words[0]));
	words[RECORD_WORDS] = number;
	return hash_words(words, RECORD_WORDS + 1);
}

static struct layout_record *record_at(const struct segment *segment, uint64_t number)
{
	return &segment->ring[number % LAYOUT_RING_RECORDS];
}

static void record_write(struct layout_record *record, uint64_t number,
			 const uint64_t payload[RECORD_WORDS])
{
	atomic_store_explicit(&record->stamp, 0, memory_order_relaxed);
	/* each release keeps the stores before it before it, the invalid stamp first of all */
	for (int i = 0; i < RECORD_WORDS; i++)
		atomic_store_explicit(&record->payload[i], payload[i], memory_order_release);
	atomic_store_explicit(&record->sum, record_sum(payload, number), memory_order_release);
	/* pairs with the acquire in record_read() */
	atomic_store_explicit(&record->stamp, number + 1, memory_order_release);
}

/* false: it is being written, its writer was killed, or it holds another number. */
static bool record_read(const struct layout_record *record, uint64_t number,
			uint64_t ret_payload[RECORD_WORDS])
{
	uint64_t sum;

	if (atomic_load_explicit(&record->stamp, memory_order_acquire) != number + 1)
		return false;
	for (int i = 0; i < RECORD_WORDS; i++)
		ret_payload[i] = atomic_load_explicit(&record->payload[i], memory_order_acquire);
	sum = atomic_load_explicit(&record->sum, memory_order_acquire);
	return atomic_load_explicit(&record->stamp, memory_order_relaxed) == number + 1 &&
	       sum == record_sum(ret_payload, number);
}

void ring_record(struct segment *segment, const struct ring_event *event)
{
	uint64_t number =
		atomic_fetch_add_explicit(&segment->header->ring_head, 1, memory_order_relaxed);
	uint64_t payload[RECORD_WORDS] = {
		event->at_ms,
		event->for_ms,
		event->slot_tag,
		(uint64_t)event->slot_index << SLOT_SHIFT | event->pid,
		(uint64_t)event->type << TYPE_SHIFT |
			(uint64_t)(event->cause & 0xff) << CAUSE_SHIFT |
			(uint64_t)(event->strikes & 0xffff) << STRIKES_SHIFT | event->http_status,
		0,
	};

	record_write(record_at(segment, number), number, payload);
	ring_wake(segment);
}

/* A record's words as an event; false: its type or its key means nothing here. */
static bool event_unpack(const struct segment *segment, uint64_t number,
			 const uint64_t payload[RECORD_WORDS], struct lull_event *ret_event)
{
	uint64_t index = payload[3] >> SLOT_SHIFT, type = payload[4] >> TYPE_SHIFT;
	uint64_t cause = payload[4] >> CAUSE_SHIFT & 0xff;
	uint32_t http_status = (uint32_t)payload[4];
	struct key key;

	*ret_event = (struct lull_event){
		.abi_version = LULL_ABI_VERSION,
		.number = number,
		.at_ms = payload[0],
		.for_ms = payload[1],
		.type = (uint32_t)type,
		.cause = cause < LULL_CLASS_COUNT ? (uint32_t)cause : 0,
		.http_status = http_status < HTTP_STATUS_LIMIT ? http_status : 0,
		.strikes = (uint32_t)(payload[4] >> STRIKES_SHIFT & 0xffff),
		.pid = (uint32_t)payload[3],
	};
	if (type < LULL_EVENT_COOLED || type > LULL_EVENT_CLEARED || index >= segment->slot_count)
		return false;
	if (!slot_key(&segment->slots[index], ret_event->key, &key) || key.hash != payload[2])
		return false;
	ret_event->kind = key.kind;
	return true;
}

/*
 * The first readable event from `number` up to `head`. None: *ret_number is where a follower should
 * ask again, in front of records that may still be being written.
 */
static int event_next(const struct segment *segment, uint64_t number, uint64_t head,
		      uint64_t *ret_number, struct lull_event *ret_event)
{
	uint64_t resume = number;

	for (; number != head; number++) {
		uint64_t payload[RECORD_WORDS];

		if (!record_read(record_at(segment, number), number, payload))
			continue;
		resume = number + 1;
		if (event_unpack(segment, number, payload, ret_event)) {
			*ret_number = resume;
			return 0;
		}
	}
	*ret_number = resume;
	return LULL_END;
}

int lull_event_read(struct lull_table *table, uint64_t *number, struct lull_event *ret_event)
{
	struct segment *segment;
	struct lull_event event;
	uint64_t head, kept, from;
	int outcome;

	if (!table || !number || !ret_event)
		return -EINVAL;
	segment = table_pin(table);
	head = atomic_load_explicit(&segment->header->ring_head, memory_order_acquire);
	kept = head < LAYOUT_RING_RECORDS ? head : LAYOUT_RING_RECORDS;
	from = *number;
	/* forgotten since, or a number of a table that this one has replaced */
	if (from < head - kept || from > head)
		from = head - kept;
	outcome = event_next(segment, from, head, number, &event);
	if (outcome == 0)
		*ret_event = event;
	segment_unpin(segment);
	return outcome;
}
