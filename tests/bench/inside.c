/* SPDX-License-Identifier: MIT */
/* See inside.h. */
#include "inside.h"

#include <lull/lull.h>

#include "clock.h"
#include "mapping.h"

static struct lull_table *table;
static struct segment *segment;
static struct layout_slot *slot;

int inside_begin(void)
{
	struct lull_table_options options;
	struct key key;
	int err;

	lull_table_options_init(&options);
	options.name = "bench";
	err = lull_table_open(&options, &table);
	if (!err)
		err = key_init(&key, LULL_KIND_ROUTE, "inside");
	if (err)
		return err;
	segment = table_pin(table);
	slot = segment_insert(segment, &key);
	return 0;
}

void inside_end(void)
{
	segment_unpin(segment);
	lull_table_close(table);
}

static void word_set(uint64_t bits)
{
	atomic_store_explicit(&slot->word, bits, memory_order_relaxed);
}

void inside_admit_ready(uint32_t times)
{
	const struct word_event e = {.now_ms = lull_clock_ms()};

	word_set(0);
	for (uint32_t i = 0; i < times; i++)
		(void)segment_change(segment, slot, word_admit, &e, NULL);
}

void inside_fail_hard(uint32_t times)
{
	struct word_event e = {.cause = LULL_CLASS_RATE_LIMITED, .http = 429};

	word_set(0);
	for (uint32_t i = 0; i < times; i++) {
		e.now_ms = lull_clock_ms();
		e.for_ms = e.for_cap_ms = 60000 + i;
		(void)segment_change(segment, slot, word_fail_hard, &e, NULL);
	}
}

void inside_probe_and_open(uint32_t times)
{
	const struct word ended = {
		.until_ms = 1,
		.http = 500,
		.cause = LULL_CLASS_SERVER_ERROR,
		.kind = WORD_COOL,
	};
	const uint64_t bits = word_pack(&ended);

	for (uint32_t i = 0; i < times; i++) {
		struct word_event e = {.now_ms = lull_clock_ms(), .headers_ms = LULL_NEVER};

		word_set(bits);
		e.lease = segment_change(segment, slot, word_admit, &e, NULL).to;
		(void)segment_change(segment, slot, word_headers, &e, NULL);
	}
}

void inside_record(uint32_t times)
{
	const struct ring_event event = {
		.at_ms = lull_clock_ms(),
		.for_ms = 60000,
		.type = LULL_EVENT_COOLED,
		.slot_index = (uint32_t)segment_slot_index(segment, slot),
		.slot_tag = atomic_load_explicit(&slot->tag, memory_order_relaxed),
		.cause = LULL_CLASS_RATE_LIMITED,
		.http_status = 429,
		.pid = clock_pid(),
	};

	for (uint32_t i = 0; i < times; i++)
		ring_record(segment, &event);
}
