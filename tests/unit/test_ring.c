/* SPDX-License-Identifier: MIT */
/* The flight recorder: order, the last 1024, and that no torn, killed or forged record is believed.
 */
#include <errno.h>
#include <string.h>

#include "cunit_main.h"
#include "mapping.h"
#include "scratch_table.h"

static struct scratch scratch;
static struct lull_table *table;
static struct segment *segment;
static const struct layout_slot *slot;

static void begin(void)
{
	struct key key;

	scratch_make(&scratch);
	table = scratch_table(16);
	segment = table_pin(table);
	CU_ASSERT_EQUAL_FATAL(key_init(&key, LULL_KIND_NAME, "gpt-4o"), 0);
	slot = segment_insert(segment, &key);
	CU_ASSERT_PTR_NOT_NULL_FATAL(slot);
}

static void end(void)
{
	segment_unpin(segment);
	lull_table_close(table);
	scratch_remove(&scratch);
}

static struct ring_event event_at(uint64_t at_ms)
{
	return (struct ring_event){
		.at_ms = at_ms,
		.for_ms = 30000,
		.type = LULL_EVENT_COOLED,
		.slot_index = (uint32_t)segment_slot_index(segment, slot),
		.slot_tag = atomic_load(&slot->tag),
		.cause = LULL_CLASS_RATE_LIMITED,
		.http_status = 429,
		.strikes = 3,
		.pid = 4194303,
	};
}

static void record(uint64_t at_ms)
{
	struct ring_event event = event_at(at_ms);

	ring_record(segment, &event);
}

static void test_an_event_reads_back_whole(void)
{
	struct lull_event event;
	uint64_t number = 0;

	begin();
	record(123456789);
	CU_ASSERT_EQUAL_FATAL(lull_event_read(table, &number, &event), 0);
	CU_ASSERT_EQUAL(event.abi_version, LULL_ABI_VERSION);
	CU_ASSERT_EQUAL(event.number, 0);
	CU_ASSERT_EQUAL(event.at_ms, 123456789);
	CU_ASSERT_EQUAL(event.type, LULL_EVENT_COOLED);
	CU_ASSERT_EQUAL(event.kind, LULL_KIND_NAME);
	CU_ASSERT_STRING_EQUAL(event.key, "gpt-4o");
	CU_ASSERT_EQUAL(event.cause, LULL_CLASS_RATE_LIMITED);
	CU_ASSERT_EQUAL(event.http_status, 429);
	CU_ASSERT_EQUAL(event.strikes, 3);
	CU_ASSERT_EQUAL(event.for_ms, 30000);
	CU_ASSERT_EQUAL(event.pid, 4194303);
	CU_ASSERT_EQUAL(number, 1);
	CU_ASSERT_EQUAL(lull_event_read(table, &number, &event), LULL_END);
	CU_ASSERT_EQUAL(number, 1);
	CU_ASSERT_EQUAL(lull_event_read(NULL, &number, &event), -EINVAL);
	CU_ASSERT_EQUAL(lull_event_read(table, NULL, &event), -EINVAL);
	CU_ASSERT_EQUAL(lull_event_read(table, &number, NULL), -EINVAL);
	end();
}

static void test_the_last_1024_are_kept_in_order(void)
{
	struct lull_event event;
	uint64_t number = 0;

	begin();
	for (uint64_t i = 0; i < 3000; i++)
		record(i);
	for (uint64_t i = 3000 - 1024; i < 3000; i++) {
		CU_ASSERT_EQUAL_FATAL(lull_event_read(table, &number, &event), 0);
		CU_ASSERT_EQUAL(event.number, i);
		CU_ASSERT_EQUAL(event.at_ms, i);
	}
	CU_ASSERT_EQUAL(lull_event_read(table, &number, &event), LULL_END);
	CU_ASSERT_EQUAL(number, 3000);
	end();
}

/* Numbers of a table that was reset since: a follower begins anew. */
static void test_a_number_ahead_of_the_table_starts_at_the_oldest(void)
{
	struct lull_event event;
	uint64_t number = 500;

	begin();
	record(7);
	CU_ASSERT_EQUAL(lull_event_read(table, &number, &event), 0);
	CU_ASSERT_EQUAL(event.at_ms, 7);
	CU_ASSERT_EQUAL(number, 1);
	end();
}

static void test_a_killed_writers_record_is_passed_over(void)
{
	struct lull_event event;
	uint64_t number = 0;

	begin();
	record(1);
	atomic_fetch_add(&segment->header->ring_head, 1); /* killed right after taking its number */
	/* not lost yet: it may still be being written, so a follower asks for it again */
	CU_ASSERT_EQUAL(lull_event_read(table, &number, &event), 0);
	CU_ASSERT_EQUAL(lull_event_read(table, &number, &event), LULL_END);
	CU_ASSERT_EQUAL(number, 1);
	record(3);
	CU_ASSERT_EQUAL(lull_event_read(table, &number, &event), 0);
	CU_ASSERT_EQUAL(event.at_ms, 3);
	CU_ASSERT_EQUAL(event.number, 2);
	CU_ASSERT_EQUAL(number, 3);
	end();
}

/* Every store of a record, changed: one that is half of two writers' fits neither. */
static void test_a_torn_record_is_not_believed(void)
{
	struct lull_event event;

	begin();
	record(1);
	for (size_t word = 0; word < 8; word++) {
		_Atomic uint64_t *words = (_Atomic uint64_t *)&segment->ring[0];
		uint64_t number = 0;

		atomic_fetch_xor(&words[word], UINT64_C(1) << 33);
		CU_ASSERT_EQUAL(lull_event_read(table, &number, &event), LULL_END);
		atomic_fetch_xor(&words[word], UINT64_C(1) << 33);
		number = 0;
		CU_ASSERT_EQUAL(lull_event_read(table, &number, &event), 0);
	}
	end();
}

/* A whole record, but of an earlier round. */
static void test_a_record_left_from_the_last_round_is_not_this_rounds(void)
{
	struct lull_event event;
	uint64_t number = 1024;

	begin();
	for (int i = 0; i < 1024; i++)
		record(1);
	atomic_fetch_add(&segment->header->ring_head, 1);
	CU_ASSERT_EQUAL(lull_event_read(table, &number, &event), LULL_END);
	end();
}

static void test_what_a_record_cannot_mean_is_skipped(void)
{
	struct ring_event events[5];
	struct lull_event event;
	uint64_t number = 0;

	begin();
	for (int i = 0; i < 5; i++)
		events[i] = event_at((uint64_t)i);
	events[0].type = (enum lull_event_type)0;
	events[1].type = (enum lull_event_type)9;
	events[2].slot_index = 16;
	events[3].slot_tag ^= 1;
	events[4].slot_index = (events[4].slot_index + 1) % 16; /* an empty slot */
	for (int i = 0; i < 5; i++)
		ring_record(segment, &events[i]);
	CU_ASSERT_EQUAL(lull_event_read(table, &number, &event), LULL_END);
	CU_ASSERT_EQUAL(number, 5);
	end();
}

static void test_values_out_of_range_are_shown_as_none(void)
{
	struct ring_event odd;
	struct lull_event event;
	uint64_t number = 0;

	begin();
	odd = event_at(1);
	odd.cause = 31;
	odd.http_status = 1000;
	ring_record(segment, &odd);
	CU_ASSERT_EQUAL(lull_event_read(table, &number, &event), 0);
	CU_ASSERT_EQUAL(event.cause, 0);
	CU_ASSERT_EQUAL(event.http_status, 0);
	end();
}

static void test_any_head_ends_the_reading(void)
{
	static const uint64_t heads[] = {0, 1, 1023, 1024, 1025, UINT64_C(1) << 63, UINT64_MAX};
	struct lull_event event;

	begin();
	record(1);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		for (size_t k = 0; k < sizeof(heads) / sizeof(heads[0]); k++) {
			uint64_t number = heads[k];
			int steps = 0;

			atomic_store(&segment->header->ring_head, heads[i]);
			while (lull_event_read(table, &number, &event) == 0)
				steps++;
			CU_ASSERT(steps <= 1);
		}
	}
	end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_an_event_reads_back_whole),
		CUNIT_TEST(test_the_last_1024_are_kept_in_order),
		CUNIT_TEST(test_a_number_ahead_of_the_table_starts_at_the_oldest),
		CUNIT_TEST(test_a_killed_writers_record_is_passed_over),
		CUNIT_TEST(test_a_torn_record_is_not_believed),
		CUNIT_TEST(test_a_record_left_from_the_last_round_is_not_this_rounds),
		CUNIT_TEST(test_what_a_record_cannot_mean_is_skipped),
		CUNIT_TEST(test_values_out_of_range_are_shown_as_none),
		CUNIT_TEST(test_any_head_ends_the_reading),
	};

	return CUNIT_MAIN("ring", tests);
}
