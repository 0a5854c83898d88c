/* SPDX-License-Identifier: MIT */
/*
 * The shared algorithms among threads on one mapping: what a thread sanitizer can see, which it
 * cannot between processes. Each test also checks what must hold however the threads interleave.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cunit_main.h"
#include "key.h"
#include "limit.h"
#include "mapping.h"
#include "scratch_table.h"

#define THREADS 4
#define NAME    LULL_KIND_NAME
#define NOW     UINT64_C(9000000)

static struct scratch scratch;
static struct lull_table *table;
static pthread_barrier_t start;

/* CUnit's asserts are not for threads: they count here what went wrong. */
static _Atomic unsigned wrong;

static void begin(void)
{
	scratch_make(&scratch);
	table = scratch_table(64);
	atomic_store(&wrong, 0);
	CU_ASSERT_EQUAL_FATAL(pthread_barrier_init(&start, NULL, THREADS), 0);
}

static void end(void)
{
	CU_ASSERT_EQUAL(atomic_load(&wrong), 0);
	(void)pthread_barrier_destroy(&start);
	lull_table_close(table);
	scratch_remove(&scratch);
}

static void expect(bool holds)
{
	if (!holds)
		atomic_fetch_add(&wrong, 1);
}

/* Runs f in all threads at once; each is told its number. */
static void run(void *(*f)(void *))
{
	static unsigned numbers[THREADS];
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		numbers[i] = i;
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, f, &numbers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(threads[i], NULL);
}

static const char *name_of(unsigned n, char text[24])
{
	(void)snprintf(text, 24, "a-model-number-%u", n);
	return text;
}

/* ------------------------------------------------------------------ inserting */

#define KEYS 80u /* more than the 64 slots: some go to the overflow */

static struct layout_slot *inserted[THREADS][KEYS];

static void *insert_all(void *number)
{
	struct segment *segment = table_pin(table);
	unsigned thread = *(const unsigned *)number;

	(void)pthread_barrier_wait(&start);
	for (unsigned i = 0; i < KEYS; i++) {
		unsigned n = thread % 2 ? i : KEYS - 1 - i;
		struct key key;
		char text[24];

		expect(key_init(&key, NAME, name_of(n, text)) == 0);
		key.hash = key.hash % 7 + 1; /* many of one hash */
		inserted[thread][n] = segment_insert(segment, &key);
		expect(inserted[thread][n] && segment_find(segment, &key) == inserted[thread][n]);
	}
	segment_unpin(segment);
	return NULL;
}

static void test_all_threads_find_one_slot_for_each_key(void)
{
	for (int round = 0; round < 20; round++) {
		begin();
		run(insert_all);
		for (unsigned i = 0; i < KEYS; i++)
			for (unsigned t = 1; t < THREADS; t++)
				/* a key may land in both only where the table filled up meanwhile
				 */
				CU_ASSERT_PTR_EQUAL(inserted[t][i], inserted[0][i]);
		end();
	}
}

/* ------------------------------------------------------------------ changing */

#define CHANGES UINT64_C(5000)

static struct word_step count_up(uint64_t from, const struct word_event *e)
{
	(void)e;
	return (struct word_step){.to = from + 1, .verdict = WORD_COOLED, .wakes = true};
}

static void *change_often(void *number)
{
	struct segment *segment = table_pin(table);
	struct word_event e = {.now_ms = NOW};
	struct layout_slot *slot;
	struct key key;

	(void)number;
	expect(key_init(&key, NAME, "gpt-4o") == 0);
	(void)pthread_barrier_wait(&start);
	slot = segment_insert(segment, &key);
	for (unsigned i = 0; slot && i < CHANGES; i++) {
		expect(segment_change(segment, slot, count_up, &e, NULL).verdict == WORD_COOLED);
		slot_usual_add(slot, i);
		slot_count(slot, SLOT_ATTEMPTS);
	}
	segment_unpin(segment);
	return NULL;
}

static void test_no_change_is_lost(void)
{
	struct lull_key_state state;
	struct lull_table_info info;
	struct segment *segment;

	begin();
	run(change_often);
	segment = table_pin(table);
	CU_ASSERT_EQUAL(lull_key_read(table, NAME, "gpt-4o", NOW, &state), 0);
	CU_ASSERT_EQUAL(state.cooldowns, THREADS * CHANGES);
	CU_ASSERT_EQUAL(state.attempts, THREADS * CHANGES);
	CU_ASSERT_EQUAL(atomic_load(&segment->header->serial), THREADS * CHANGES);
	(void)lull_table_info(table, &info);
	CU_ASSERT_EQUAL(info.event_count, THREADS * CHANGES);
	segment_unpin(segment);
	end();
}

#define STEPS UINT64_C(200000)

static struct word_step step_up(uint64_t from, const struct word_event *e)
{
	(void)e;
	return (struct word_step){.to = from + 1, .verdict = WORD_GO_COUNTED};
}

static void *change_without_a_pause(void *number)
{
	struct segment *segment = table_pin(table);
	struct word_event e = {.now_ms = NOW};
	struct layout_slot *slot;
	struct key key;

	(void)number;
	expect(key_init(&key, NAME, "gpt-4o") == 0);
	slot = segment_insert(segment, &key);
	(void)pthread_barrier_wait(&start);
	/* whoever has lost too many races in a row is told that nothing was changed */
	for (unsigned i = 0; slot && i < STEPS;)
		i += segment_change(segment, slot, step_up, &e, NULL).verdict == WORD_GO_COUNTED;
	segment_unpin(segment);
	return NULL;
}

static void test_no_change_of_a_contested_word_is_lost(void)
{
	struct segment *segment;
	struct key key;

	begin();
	run(change_without_a_pause);
	segment = table_pin(table);
	CU_ASSERT_EQUAL(key_init(&key, NAME, "gpt-4o"), 0);
	CU_ASSERT_EQUAL(atomic_load(&segment_find(segment, &key)->word), THREADS * STEPS);
	segment_unpin(segment);
	end();
}

/* ------------------------------------------------------------------ one probe at a time */

static _Atomic int probing;
static _Atomic unsigned probes;

static void *probe_often(void *number)
{
	struct segment *segment = table_pin(table);
	struct word_event e = {.now_ms = NOW};
	struct layout_slot *slot;
	struct key key;

	(void)number;
	expect(key_init(&key, NAME, "gpt-4o") == 0);
	slot = segment_insert(segment, &key);
	(void)pthread_barrier_wait(&start);
	for (unsigned i = 0; slot && i < CHANGES; i++) {
		struct word_step step = segment_change(segment, slot, word_admit, &e, NULL);

		if (step.verdict != WORD_GO_PROBE)
			continue;
		expect(atomic_fetch_add(&probing, 1) == 0);
		atomic_fetch_add(&probes, 1);
		expect(atomic_fetch_sub(&probing, 1) == 1);
		e.lease = step.to;
		expect(segment_change(segment, slot, word_hand_back, &e, NULL).verdict ==
		       WORD_RETURNED);
	}
	segment_unpin(segment);
	return NULL;
}

static void test_one_thread_at_a_time_holds_the_lease(void)
{
	struct word ended = {.kind = WORD_COOL, .until_ms = NOW - 1, .cause = 8};
	struct segment *segment;
	struct key key;

	begin();
	segment = table_pin(table);
	CU_ASSERT_EQUAL(key_init(&key, NAME, "gpt-4o"), 0);
	atomic_store(&segment_insert(segment, &key)->word, word_pack(&ended));
	segment_unpin(segment);
	run(probe_often);
	CU_ASSERT(atomic_load(&probes) > 0);
	end();
}

/* ------------------------------------------------------------------ the recorder */

static void *write_or_read_events(void *number)
{
	bool writer = *(const unsigned *)number % 2 == 0;
	struct lull_event event;
	uint64_t from = 0, last = 0;

	(void)pthread_barrier_wait(&start);
	for (unsigned i = 0; i < CHANGES; i++) {
		if (writer) {
			char text[24];

			(void)lull_key_cool(table, NAME, name_of(i % 8, text), 1000 + i, NOW + i);
		} else if (lull_event_read(table, &from, &event) == 0) {
			/* a whole record: its length is what its time says, within the merge */
			expect(event.type == LULL_EVENT_OPERATOR_COOLED);
			expect(event.at_ms >= NOW && event.for_ms >= 1000);
			expect(event.number >= last && from == event.number + 1);
			last = event.number;
		} else {
			from = 0;
			last = 0;
		}
	}
	return NULL;
}

static void test_events_are_read_whole_or_not_at_all(void)
{
	begin();
	run(write_or_read_events);
	end();
}

/* ------------------------------------------------------------------ replacing under everybody */

static void *use_or_replace(void *number)
{
	struct lull_table_options options;
	struct lull_key_state state;
	char error[256], text[24];
	uint64_t ready_in_ms;

	lull_table_options_init(&options);
	options.name = "test";
	options.slot_count = 64;
	(void)pthread_barrier_wait(&start);
	for (unsigned i = 0; i < 300; i++) {
		const char *name = name_of(i % 8, text);
		struct lull_slot *slot;
		uint64_t cursor = 0;

		if (*(const unsigned *)number == 0 && i % 4 == 0)
			expect(lull_table_reset(&options, error, sizeof(error)) == 0);
		expect(lull_table_refresh(table) == 0);
		expect(lull_slot_open(table, NAME, name, &slot) == 0);
		expect(lull_key_cool(table, NAME, name, 60000, lull_clock_ms()) == 0);
		expect(lull_slot_ready_in_ms(slot) <= 60000);
		expect(lull_key_ready_in_ms(table, NAME, name, &ready_in_ms) >= 0);
		expect(lull_key_at(table, &cursor, NOW, &state) >= 0);
		(void)lull_table_wait(table, lull_table_serial(table), 0);
		expect(lull_table_problem(table) == NULL);
		lull_slot_close(slot);
	}
	return NULL;
}

static void test_a_table_is_replaced_under_its_users(void)
{
	begin();
	run(use_or_replace);
	end();
}

/* ------------------------------------------------------------------ limits */

#define PARALLEL 2

static struct layout_slot *limited;
static _Atomic int holding;
static _Atomic unsigned admitted;

static void *hold_and_release(void *number)
{
	const struct lull_limits limits = {.rpm = 60000, .tpm = 60000, .parallel = PARALLEL};
	struct segment *segment = table_pin(table);
	unsigned thread = *(const unsigned *)number;

	(void)pthread_barrier_wait(&start);
	for (unsigned i = 0; i < 5000; i++) {
		struct hold hold;

		if (!limits_take(segment, limited, &limits, thread, 1, NOW, &hold)) {
			limits_await(limited);
			continue;
		}
		expect(atomic_fetch_add(&holding, 1) < PARALLEL);
		limits_renew(limited, &limits, thread, NOW + i, &hold);
		expect(hold.permit.word != 0);
		atomic_fetch_sub(&holding, 1);
		if (i % 2) {
			atomic_fetch_add(&admitted, 1);
			limits_settle(segment, limited, &limits, 1, 1, NOW, &hold);
		} else { /* it did not take place */
			limits_settle(segment, limited, &limits, 0, 0, NOW, &hold);
		}
	}
	segment_unpin(segment);
	return NULL;
}

/* At one instant a bucket admits its burst, whoever gives back what; and every permit is free at
 * the end. */
static void test_limits_hold_among_threads(void)
{
	struct segment *segment;
	struct key key;

	begin();
	segment = table_pin(table);
	CU_ASSERT_EQUAL_FATAL(key_init(&key, NAME, "gpt-4o"), 0);
	limited = segment_insert(segment, &key);
	atomic_store(&admitted, 0);
	run(hold_and_release);
	CU_ASSERT_EQUAL(permit_held_count(limited->permits, NOW), 0);
	CU_ASSERT_EQUAL(atomic_load(&limited->request_bucket),
			NOW * 1000000 + atomic_load(&admitted) * UINT64_C(1000000));
	CU_ASSERT_EQUAL(atomic_load(&limited->token_bucket), atomic_load(&limited->request_bucket));
	CU_ASSERT_TRUE(atomic_load(&admitted) <= 1000);
	segment_unpin(segment);
	end();
}

/* ------------------------------------------------------------------ the first use of the clock */

static void *read_clock(void *number)
{
	uint64_t before;

	(void)number;
	(void)pthread_barrier_wait(&start);
	before = lull_clock_ms();
	expect(lull_clock_ms() >= before);
	return NULL;
}

static void test_the_clock_may_be_read_first_by_many(void)
{
	CU_ASSERT_EQUAL_FATAL(pthread_barrier_init(&start, NULL, THREADS), 0);
	run(read_clock);
	(void)pthread_barrier_destroy(&start);
	CU_ASSERT_EQUAL(atomic_load(&wrong), 0);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_the_clock_may_be_read_first_by_many), /* before anybody has */
		CUNIT_TEST(test_all_threads_find_one_slot_for_each_key),
		CUNIT_TEST(test_no_change_is_lost),
		CUNIT_TEST(test_no_change_of_a_contested_word_is_lost),
		CUNIT_TEST(test_one_thread_at_a_time_holds_the_lease),
		CUNIT_TEST(test_events_are_read_whole_or_not_at_all),
		CUNIT_TEST(test_limits_hold_among_threads),
		CUNIT_TEST(test_a_table_is_replaced_under_its_users),
	};

	return CUNIT_MAIN("threads", tests);
}
