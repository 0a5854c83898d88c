/* SPDX-License-Identifier: MIT */
/* What callers see of a key, and what an operator may do to it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cunit_main.h"
#include "key.h"
#include "mapping.h"
#include "scratch_table.h"

#define NOW   UINT64_C(7000000)
#define MODEL "gpt-4o"
#define ROUTE "gpt-4o@https://api.openai.com/v1#0123456789abcdef"
#define NAME  LULL_KIND_NAME
#define TOO_LONG                                                                                  \
	"a name of more than a hundred and eighty-four bytes, which is an error and is never "    \
	"cut, "                                                                                   \
	"because two long names that begin alike would then be one key and bench each other, as " \
	"happened elsewhere"

static struct scratch scratch;
static struct lull_table *table;
static struct lull_key_state state;

static void begin(void)
{
	scratch_make(&scratch);
	table = scratch_table(16);
	memset(&state, 0xff, sizeof(state));
}

static void end(void)
{
	lull_table_close(table);
	scratch_remove(&scratch);
}

/* The key's slot, inserted. */
static struct layout_slot *slot_of(uint32_t kind, const char *text)
{
	struct segment *segment = table_pin(table);
	struct layout_slot *slot = NULL;
	struct key key;

	if (key_init(&key, kind, text) == 0)
		slot = segment_insert(segment, &key);
	segment_unpin(segment);
	CU_ASSERT_PTR_NOT_NULL_FATAL(slot);
	return slot;
}

static void put_word(const char *name, struct word w)
{
	atomic_store(&slot_of(NAME, name)->word, word_pack(&w));
}

static uint32_t slots_used(void)
{
	struct lull_table_info info;

	CU_ASSERT_EQUAL(lull_table_info(table, &info), 0);
	return info.slots_used;
}

/* ------------------------------------------------------------------ reading */

static void test_reading_never_inserts(void)
{
	uint64_t ready_in_ms = 7;

	begin();
	CU_ASSERT_EQUAL(lull_key_read(table, NAME, MODEL, NOW, &state), LULL_ABSENT);
	CU_ASSERT_EQUAL(state.state, LULL_STATE_READY);
	CU_ASSERT_EQUAL(state.ready_in_ms, 0);
	CU_ASSERT_STRING_EQUAL(state.key, MODEL);
	CU_ASSERT_STRING_EQUAL(state.model, MODEL);
	CU_ASSERT_EQUAL(state.attempts, 0);
	CU_ASSERT_EQUAL(state.links[0], LULL_NEVER);
	CU_ASSERT_EQUAL(lull_key_ready_in_ms(table, NAME, MODEL, &ready_in_ms), LULL_ABSENT);
	CU_ASSERT_EQUAL(ready_in_ms, 0);
	CU_ASSERT_EQUAL(lull_key_clear(table, NAME, MODEL, NOW), LULL_ABSENT);
	CU_ASSERT_EQUAL(slots_used(), 0);
	end();
}

static void test_bad_arguments_are_refused(void)
{
	uint64_t number = 0;
	struct lull_slot *slot;

	begin();
	CU_ASSERT_EQUAL(lull_key_read(NULL, NAME, MODEL, NOW, &state), -EINVAL);
	CU_ASSERT_EQUAL(lull_key_read(table, NAME, MODEL, NOW, NULL), -EINVAL);
	CU_ASSERT_EQUAL(lull_key_read(table, NAME, "", NOW, &state), -EINVAL);
	CU_ASSERT_EQUAL(lull_key_read(table, NAME, TOO_LONG, NOW, &state), -ENAMETOOLONG);
	CU_ASSERT_EQUAL(lull_key_at(NULL, &number, NOW, &state), -EINVAL);
	CU_ASSERT_EQUAL(lull_key_at(table, NULL, NOW, &state), -EINVAL);
	CU_ASSERT_EQUAL(lull_key_at(table, &number, NOW, NULL), -EINVAL);
	CU_ASSERT_EQUAL(lull_key_ready_in_ms(NULL, NAME, MODEL, &number), -EINVAL);
	CU_ASSERT_EQUAL(lull_key_ready_in_ms(table, NAME, MODEL, NULL), -EINVAL);
	CU_ASSERT_EQUAL(lull_key_ready_in_ms(table, NAME, TOO_LONG, &number), -ENAMETOOLONG);
	CU_ASSERT_EQUAL(lull_key_cool(NULL, NAME, MODEL, 1, NOW), -EINVAL);
	CU_ASSERT_EQUAL(lull_key_cool(table, NAME, TOO_LONG, 1, NOW), -ENAMETOOLONG);
	CU_ASSERT_EQUAL(lull_key_cool(table, NAME, MODEL, 0, NOW), -ERANGE);
	CU_ASSERT_EQUAL(lull_key_cool(table, NAME, MODEL, LULL_COOL_FOR_MS_MAX + 1, NOW), -ERANGE);
	CU_ASSERT_EQUAL(lull_key_cool(table, NAME, MODEL, UINT64_C(1) << 32, NOW), -ERANGE);
	CU_ASSERT_EQUAL(lull_key_hold(NULL, NAME, MODEL, NOW), -EINVAL);
	CU_ASSERT_EQUAL(lull_key_hold(table, 99, MODEL, NOW), -EINVAL);
	CU_ASSERT_EQUAL(lull_key_clear(NULL, NAME, MODEL, NOW), -EINVAL);
	CU_ASSERT_EQUAL(lull_key_clear(table, NAME, TOO_LONG, NOW), -ENAMETOOLONG);
	CU_ASSERT_EQUAL(lull_slot_open(NULL, NAME, MODEL, &slot), -EINVAL);
	CU_ASSERT_EQUAL(lull_slot_open(table, NAME, MODEL, NULL), -EINVAL);
	CU_ASSERT_EQUAL(lull_slot_open(table, NAME, TOO_LONG, &slot), -ENAMETOOLONG);
	lull_slot_close(NULL);
	CU_ASSERT_EQUAL(slots_used(), 0);
	end();
}

static void test_what_each_word_looks_like(void)
{
	const struct {
		struct word word;
		uint32_t state;
		uint64_t ready_in_ms;
		uint32_t cause, http, strikes;
	} cases[] = {
		{{.kind = WORD_COOL, .until_ms = NOW + 5000, .cause = 1, .http = 429, .strikes = 2},
		 LULL_STATE_COOLING,
		 5000,
		 1,
		 429,
		 2},
		/* ended: ready, and still of interest what it was */
		{{.kind = WORD_COOL, .until_ms = NOW, .cause = 1, .http = 429, .strikes = 2},
		 LULL_STATE_READY,
		 0,
		 1,
		 429,
		 2},
		/* beyond the horizon: damage */
		{{.kind = WORD_COOL,
		  .until_ms = NOW + WORD_HORIZON_MS + 1,
		  .cause = 1,
		  .http = 429},
		 LULL_STATE_READY,
		 0,
		 0,
		 0,
		 0},
		{{.kind = WORD_PROBE,
		  .until_ms = NOW + 9000,
		  .cause = 8,
		  .http = 500,
		  .strikes = 1},
		 LULL_STATE_PROBING,
		 9000,
		 8,
		 500,
		 1},
		{{.kind = WORD_PROBE,
		  .until_ms = NOW + WORD_LEASE_MS + WORD_STALL_MS + 1,
		  .cause = 8},
		 LULL_STATE_READY,
		 0,
		 0,
		 0,
		 0},
		{{.kind = WORD_HOLD, .cause = LULL_CLASS_MANUAL},
		 LULL_STATE_HELD,
		 LULL_NEVER,
		 LULL_CLASS_MANUAL,
		 0,
		 0},
		{{.kind = WORD_SOFT,
		  .until_ms = NOW + 59000,
		  .cause = 8,
		  .strikes = 2,
		  .starts = 31},
		 LULL_STATE_READY,
		 0,
		 8,
		 0,
		 2},
		{{.kind = WORD_SOFT_LATE,
		  .until_ms = NOW + 1,
		  .cause = 9,
		  .strikes = 1,
		  .fails = 7},
		 LULL_STATE_READY,
		 0,
		 9,
		 0,
		 1},
		{{.kind = WORD_SOFT, .until_ms = NOW, .cause = 8, .strikes = 2},
		 LULL_STATE_READY,
		 0,
		 0,
		 0,
		 0},
		{{.kind = WORD_SOFT, .until_ms = NOW + 60001, .cause = 8, .strikes = 2},
		 LULL_STATE_READY,
		 0,
		 0,
		 0,
		 0},
		{{.kind = WORD_COOL, .until_ms = NOW + 1, .cause = LULL_CLASS_COUNT},
		 LULL_STATE_COOLING,
		 1,
		 0,
		 0,
		 0},
		{{.kind = 7, .until_ms = NOW + 1, .cause = 1}, LULL_STATE_READY, 0, 0, 0, 0},
		{{.kind = WORD_NONE}, LULL_STATE_READY, 0, 0, 0, 0},
	};

	begin();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_word(MODEL, cases[i].word);
		CU_ASSERT_EQUAL(lull_key_read(table, NAME, MODEL, NOW, &state), 0);
		CU_ASSERT_EQUAL(state.state, cases[i].state);
		CU_ASSERT_EQUAL(state.ready_in_ms, cases[i].ready_in_ms);
		CU_ASSERT_EQUAL(state.cause, cases[i].cause);
		CU_ASSERT_EQUAL(state.http_status, cases[i].http);
		CU_ASSERT_EQUAL(state.strikes, cases[i].strikes);
	}
	end();
}

static void test_the_other_facts_of_a_key(void)
{
	struct layout_slot *route, *credential, *endpoint;
	struct segment *segment;
	uint64_t cursor;

	begin();
	route = slot_of(LULL_KIND_ROUTE, ROUTE);
	credential = slot_of(LULL_KIND_CREDENTIAL, "0123456789abcdef");
	endpoint = slot_of(LULL_KIND_ENDPOINT, "https://api.openai.com:443");
	segment = table_pin(table);
	segment_link(segment, route, credential, endpoint);
	segment_unpin(segment);
	for (unsigned c = SLOT_ATTEMPTS; c <= SLOT_PROBES; c++)
		for (unsigned i = 0; i < 10 + c; i++)
			slot_count(route, c);
	slot_usual_add(route, 800);
	atomic_store(&route->reporter, (NOW - 3000) << REPORTER_PID_BITS | 4321);

	CU_ASSERT_EQUAL(lull_key_read(table, LULL_KIND_ROUTE, ROUTE, NOW, &state), 0);
	CU_ASSERT_EQUAL(state.abi_version, LULL_ABI_VERSION);
	CU_ASSERT_EQUAL(state.kind, LULL_KIND_ROUTE);
	CU_ASSERT_STRING_EQUAL(state.key, ROUTE);
	CU_ASSERT_STRING_EQUAL(state.model, MODEL);
	CU_ASSERT_EQUAL(state.attempts, 10);
	CU_ASSERT_EQUAL(state.answers, 11);
	CU_ASSERT_EQUAL(state.failures, 12);
	CU_ASSERT_EQUAL(state.skips, 13);
	CU_ASSERT_EQUAL(state.cooldowns, 14);
	CU_ASSERT_EQUAL(state.probes, 15);
	CU_ASSERT_EQUAL(state.usual_ms, 800);
	CU_ASSERT_EQUAL(state.usual_limit_ms, 3200);
	CU_ASSERT_EQUAL(state.reported_at_ms, NOW - 3000);
	CU_ASSERT_EQUAL(state.reported_by_pid, 4321);

	cursor = state.links[0];
	CU_ASSERT_EQUAL(lull_key_at(table, &cursor, NOW, &state), 0);
	CU_ASSERT_EQUAL(state.kind, LULL_KIND_CREDENTIAL);
	CU_ASSERT_STRING_EQUAL(state.model, "");
	(void)lull_key_read(table, LULL_KIND_ROUTE, ROUTE, NOW, &state);
	cursor = state.links[1];
	CU_ASSERT_EQUAL(lull_key_at(table, &cursor, NOW, &state), 0);
	CU_ASSERT_STRING_EQUAL(state.key, "https://api.openai.com:443");
	CU_ASSERT_EQUAL(state.links[0], LULL_NEVER);
	end();
}

static void test_forged_links_lead_nowhere(void)
{
	struct layout_slot *route;
	uint64_t own;

	begin();
	route = slot_of(LULL_KIND_ROUTE, ROUTE);
	(void)slot_of(NAME, MODEL);
	for (own = 0; own < 40; own++) {
		atomic_store(&route->links, own << 32 | own);
		(void)lull_key_read(table, LULL_KIND_ROUTE, ROUTE, NOW, &state);
		CU_ASSERT_EQUAL(state.links[0], LULL_NEVER); /* itself, a name, or nothing */
		CU_ASSERT_EQUAL(state.links[1], LULL_NEVER);
	}
	atomic_store(&route->links, UINT64_MAX);
	(void)lull_key_read(table, LULL_KIND_ROUTE, ROUTE, NOW, &state);
	CU_ASSERT_EQUAL(state.links[1], LULL_NEVER);
	end();
}

static void test_a_forged_time_of_report_is_no_time(void)
{
	struct layout_slot *slot;

	begin();
	slot = slot_of(NAME, MODEL);
	atomic_store(&slot->reporter, (NOW + WORD_HORIZON_MS + 1) << REPORTER_PID_BITS | 5);
	(void)lull_key_read(table, NAME, MODEL, NOW, &state);
	CU_ASSERT_EQUAL(state.reported_at_ms, 0);
	CU_ASSERT_EQUAL(state.reported_by_pid, 0);
	/* reported after the reader looked at its clock: now, and never in the future */
	atomic_store(&slot->reporter, (NOW + 2) << REPORTER_PID_BITS | 5);
	(void)lull_key_read(table, NAME, MODEL, NOW, &state);
	CU_ASSERT_EQUAL(state.reported_at_ms, NOW);
	CU_ASSERT_EQUAL(state.reported_by_pid, 5);
	end();
}

static void test_all_keys_one_by_one(void)
{
	unsigned seen = 0, steps = 0;
	uint64_t cursor = 0;

	begin();
	for (unsigned i = 0; i < 20; i++) { /* four of them in the overflow */
		char name[] = "key-a";

		name[4] = (char)('a' + i);
		(void)slot_of(NAME, name);
	}
	while (lull_key_at(table, &cursor, NOW, &state) == 0 && steps++ < 100)
		seen |= 1u << (state.key[4] - 'a');
	CU_ASSERT_EQUAL(seen, (1u << 20) - 1);
	CU_ASSERT_EQUAL(steps, 20);
	CU_ASSERT_EQUAL(lull_key_at(table, &cursor, NOW, &state), LULL_END);
	cursor = LULL_NEVER;
	CU_ASSERT_EQUAL(lull_key_at(table, &cursor, NOW, &state), LULL_END);
	end();
}

/* ------------------------------------------------------------------ an operator */

static void test_cool_hold_and_clear(void)
{
	begin();
	CU_ASSERT_EQUAL(lull_key_cool(table, NAME, MODEL, 60000, NOW), 0);
	CU_ASSERT_EQUAL(lull_key_read(table, NAME, MODEL, NOW + 1000, &state), 0);
	CU_ASSERT_EQUAL(state.state, LULL_STATE_COOLING);
	CU_ASSERT_EQUAL(state.ready_in_ms, 59000);
	CU_ASSERT_EQUAL(state.cause, LULL_CLASS_MANUAL);
	CU_ASSERT_EQUAL(state.reported_by_pid, (uint32_t)getpid());
	CU_ASSERT_EQUAL(state.reported_at_ms, NOW);
	CU_ASSERT_EQUAL(lull_key_cool(table, NAME, MODEL, 1000, NOW), 0); /* the longer one stays */
	(void)lull_key_read(table, NAME, MODEL, NOW, &state);
	CU_ASSERT_EQUAL(state.ready_in_ms, 60000);

	CU_ASSERT_EQUAL(lull_key_hold(table, NAME, MODEL, NOW), 0);
	(void)lull_key_read(table, NAME, MODEL, NOW, &state);
	CU_ASSERT_EQUAL(state.state, LULL_STATE_HELD);
	CU_ASSERT_EQUAL(state.ready_in_ms, LULL_NEVER);
	CU_ASSERT_EQUAL(lull_key_cool(table, NAME, MODEL, 1000, NOW), -EBUSY);

	CU_ASSERT_EQUAL(lull_key_clear(table, NAME, MODEL, NOW), 0);
	(void)lull_key_read(table, NAME, MODEL, NOW, &state);
	CU_ASSERT_EQUAL(state.state, LULL_STATE_READY);
	CU_ASSERT_EQUAL(lull_key_cool(table, NAME, MODEL, LULL_COOL_FOR_MS_MAX, NOW), 0);
	(void)lull_key_read(table, NAME, MODEL, NOW, &state);
	CU_ASSERT_EQUAL(state.ready_in_ms, LULL_COOL_FOR_MS_MAX);
	end();
}

static void test_an_operators_events(void)
{
	static const uint32_t types[] = {LULL_EVENT_OPERATOR_COOLED, LULL_EVENT_HELD,
					 LULL_EVENT_CLEARED};
	struct lull_event event;
	uint64_t number = 0;

	begin();
	(void)lull_key_cool(table, NAME, MODEL, 60000, NOW);
	(void)lull_key_hold(table, NAME, MODEL, NOW + 1);
	(void)lull_key_clear(table, NAME, MODEL, NOW + 2);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL_FATAL(lull_event_read(table, &number, &event), 0);
		CU_ASSERT_EQUAL(event.type, types[i]);
		CU_ASSERT_EQUAL(event.at_ms, NOW + i);
		CU_ASSERT_EQUAL(event.for_ms, i == 0 ? 60000 : 0);
		CU_ASSERT_EQUAL(event.cause, LULL_CLASS_MANUAL);
		CU_ASSERT_EQUAL(event.pid, (uint32_t)getpid());
		CU_ASSERT_STRING_EQUAL(event.key, MODEL);
	}
	end();
}

static void test_clear_moves_the_serial_only_if_something_was_shut(void)
{
	uint32_t serial;

	begin();
	(void)lull_key_cool(table, NAME, MODEL, 60000, NOW);
	serial = lull_table_serial(table);
	CU_ASSERT_EQUAL(lull_key_clear(table, NAME, MODEL, NOW), 0);
	CU_ASSERT_NOT_EQUAL(lull_table_serial(table), serial);
	serial = lull_table_serial(table);
	CU_ASSERT_EQUAL(lull_key_clear(table, NAME, MODEL, NOW), 0);
	CU_ASSERT_EQUAL(lull_table_serial(table), serial);
	end();
}

/* What an operator says must reach all: a full table has no place for it. */
static void test_a_full_table_takes_no_new_operators_words(void)
{
	begin();
	for (unsigned i = 0; i < 16; i++) {
		char name[] = "key-a";

		name[4] = (char)('a' + i);
		CU_ASSERT_EQUAL(lull_key_hold(table, NAME, name, NOW), 0);
	}
	CU_ASSERT_EQUAL(lull_key_hold(table, NAME, MODEL, NOW), -ENOSPC);
	CU_ASSERT_EQUAL(lull_key_cool(table, NAME, MODEL, 1, NOW), -ENOSPC);
	CU_ASSERT_EQUAL(lull_key_cool(table, NAME, "key-a", 1, NOW), -EBUSY);
	CU_ASSERT_PTR_NULL(lull_table_problem(table));
	(void)slot_of(NAME, MODEL); /* a call's own key finds local memory, and that is a problem */
	CU_ASSERT_PTR_NOT_NULL_FATAL(lull_table_problem(table));
	CU_ASSERT_PTR_NOT_NULL(strstr(lull_table_problem(table), "is full"));
	CU_ASSERT_EQUAL(lull_key_hold(table, NAME, MODEL, NOW), 0);
	end();
}

static void test_a_read_only_table_is_only_read(void)
{
	struct lull_table_options options;
	struct lull_table *reader;
	struct lull_slot *slot;
	uint64_t number = 0;
	struct lull_event event;

	begin();
	(void)lull_key_cool(table, NAME, MODEL, 60000, lull_clock_ms());
	lull_table_options_init(&options);
	options.name = "test";
	options.flags = LULL_TABLE_READ_ONLY;
	CU_ASSERT_EQUAL_FATAL(lull_table_open(&options, &reader), 0);
	CU_ASSERT_PTR_NULL(lull_table_problem(reader));
	CU_ASSERT_EQUAL(lull_key_read(reader, NAME, MODEL, lull_clock_ms(), &state), 0);
	CU_ASSERT_EQUAL(state.state, LULL_STATE_COOLING);
	CU_ASSERT_EQUAL(lull_event_read(reader, &number, &event), 0);
	CU_ASSERT_EQUAL(lull_key_cool(reader, NAME, MODEL, 1, NOW), -EROFS);
	CU_ASSERT_EQUAL(lull_key_hold(reader, NAME, MODEL, NOW), -EROFS);
	CU_ASSERT_EQUAL(lull_key_clear(reader, NAME, MODEL, NOW), -EROFS);
	CU_ASSERT_EQUAL(lull_table_wait(reader, lull_table_serial(reader), lull_clock_ms() + 5), 0);
	CU_ASSERT_EQUAL(lull_slot_open(reader, NAME, "absent", &slot), -EROFS);
	CU_ASSERT_EQUAL_FATAL(lull_slot_open(reader, NAME, MODEL, &slot), 0);
	CU_ASSERT(lull_slot_ready_in_ms(slot) > 50000);
	lull_slot_close(slot);
	lull_table_close(reader);
	end();
}

/* ------------------------------------------------------------------ by handle and by name */

static void test_a_handle_and_a_name_say_the_same(void)
{
	uint64_t by_name, by_handle, now = lull_clock_ms();
	struct lull_slot *slot;

	begin();
	CU_ASSERT_EQUAL_FATAL(lull_slot_open(table, NAME, MODEL, &slot), 0);
	CU_ASSERT_EQUAL(lull_slot_ready_in_ms(slot), 0);
	CU_ASSERT_EQUAL(lull_key_ready_in_ms(table, NAME, MODEL, &by_name), 0);
	CU_ASSERT_EQUAL(by_name, 0);
	(void)lull_key_cool(table, NAME, MODEL, 60000, now);
	by_handle = lull_slot_ready_in_ms(slot);
	CU_ASSERT_EQUAL(lull_key_ready_in_ms(table, NAME, MODEL, &by_name), 0);
	CU_ASSERT(by_handle > 0 && by_handle <= 60000 && by_name > 0 && by_name <= by_handle);
	(void)lull_key_hold(table, NAME, MODEL, now);
	CU_ASSERT_EQUAL(lull_slot_ready_in_ms(slot), LULL_NEVER);
	(void)lull_key_ready_in_ms(table, NAME, MODEL, &by_name);
	CU_ASSERT_EQUAL(by_name, LULL_NEVER);
	lull_slot_close(slot);
	end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_reading_never_inserts),
		CUNIT_TEST(test_bad_arguments_are_refused),
		CUNIT_TEST(test_what_each_word_looks_like),
		CUNIT_TEST(test_the_other_facts_of_a_key),
		CUNIT_TEST(test_forged_links_lead_nowhere),
		CUNIT_TEST(test_a_forged_time_of_report_is_no_time),
		CUNIT_TEST(test_all_keys_one_by_one),
		CUNIT_TEST(test_cool_hold_and_clear),
		CUNIT_TEST(test_an_operators_events),
		CUNIT_TEST(test_clear_moves_the_serial_only_if_something_was_shut),
		CUNIT_TEST(test_a_full_table_takes_no_new_operators_words),
		CUNIT_TEST(test_a_read_only_table_is_only_read),
		CUNIT_TEST(test_a_handle_and_a_name_say_the_same),
	};

	return CUNIT_MAIN("state", tests);
}
