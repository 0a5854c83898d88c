/* SPDX-License-Identifier: MIT */
/*
 * What several processes make of one table, by the public interface alone: who inserts, who may
 * probe, what counts as one failure, who hears of it. Children do one thing each, all at once, and
 * answer by exit status. Where only order matters, time is given to the call and nobody waits.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lull/lull.h>

#include "cunit_main.h"
#include "scratch_table.h"

#define ROUTE        "gpt-4o@https://api.example.com#0123456789abcdef"
#define CHILDREN_MAX 64u
#define SLOTS        256u
#define LEASE_MS     10000u /* of a prober */

static struct scratch scratch;
static struct lull_table *table;

static void begin(void)
{
	scratch_make(&scratch);
	table = scratch_table(SLOTS);
	CU_ASSERT_PTR_NULL_FATAL(lull_table_problem(table));
}

static void end(void)
{
	lull_table_close(table);
	scratch_remove(&scratch);
}

/* ------------------------------------------------------------------ children */

/* What children share with each other. */
static struct board {
	_Atomic uint32_t arrived[4]; /* at the meeting points */
	_Atomic uint64_t at_ms;      /* a time they all know */
	_Atomic uint32_t numbers[CHILDREN_MAX];
} * board;

typedef int (*child_fn)(uint32_t index, uint32_t count);

static void board_clear(void)
{
	if (!board) {
		board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		CU_ASSERT_NOT_EQUAL_FATAL(board, MAP_FAILED);
	}
	memset(board, 0, sizeof(*board));
}

/* Waits until all have come to this point. */
static void meet(uint32_t point, uint32_t count)
{
	atomic_fetch_add(&board->arrived[point], 1);
	while (atomic_load(&board->arrived[point]) < count)
		(void)usleep(100);
}

static pid_t child_start(child_fn does, uint32_t index, uint32_t count)
{
	pid_t pid = fork();

	CU_ASSERT_FATAL(pid >= 0);
	if (pid == 0) {
		(void)alarm(60);
		_exit(does(index, count));
	}
	return pid;
}

static int child_end(pid_t pid)
{
	int status;

	CU_ASSERT_EQUAL_FATAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_FATAL(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The number of children that said yes (1); 0 is no, all else an error. */
static uint32_t children_run(child_fn does, uint32_t count)
{
	pid_t pids[CHILDREN_MAX];
	uint32_t yes = 0;

	CU_ASSERT_FATAL(count <= CHILDREN_MAX);
	board_clear();
	for (uint32_t i = 0; i < count; i++)
		pids[i] = child_start(does, i, count);
	for (uint32_t i = 0; i < count; i++) {
		int code = child_end(pids[i]);

		CU_ASSERT_FATAL(code == 0 || code == 1);
		yes += code == 1;
	}
	return yes;
}

/* ------------------------------------------------------------------ calls */

static struct lull_call *call_begin(uint64_t now_ms)
{
	struct lull_call_options options;
	struct lull_route route;
	struct lull_call *call;

	lull_call_options_init(&options);
	options.when_cooling = LULL_WHEN_COOLING_FAIL;
	lull_route_init(&route);
	route.route_key = ROUTE;
	return lull_call_begin(&call, table, &route, 1, &options, now_ms) == 0 ? call : NULL;
}

static bool call_tries(struct lull_call *call, uint64_t now_ms)
{
	struct lull_step step;

	return lull_call_next(call, now_ms, &step) == 0 && step.action == LULL_ACTION_TRY;
}

static void call_report(struct lull_call *call, uint32_t class_id, int64_t hint_ms, uint64_t now_ms)
{
	struct lull_outcome outcome;

	lull_outcome_init(&outcome);
	outcome.class_id = class_id;
	outcome.hint_ms = hint_ms;
	outcome.http_status = class_id == LULL_CLASS_ANSWERED ? 200 : 500;
	if (class_id == LULL_CLASS_ANSWERED)
		(void)lull_call_progress(call, now_ms, LULL_PROGRESS_ACCEPTED);
	(void)lull_call_report(call, now_ms, &outcome);
}

/* A whole call in a process of its own: what it meets at its one attempt. */
static uint32_t meets_class;
static int64_t meets_hint_ms;
static uint64_t meets_at_ms;

static int child_calls(uint32_t index, uint32_t count)
{
	struct lull_call *call = call_begin(meets_at_ms);
	bool tried = call && call_tries(call, meets_at_ms);

	(void)index;
	(void)count;
	if (tried)
		call_report(call, meets_class, meets_hint_ms, meets_at_ms);
	lull_call_end(call, meets_at_ms);
	return tried;
}

/* true: it was let in. */
static bool another_process_meets(uint32_t class_id, int64_t hint_ms, uint64_t at_ms)
{
	meets_class = class_id;
	meets_hint_ms = hint_ms;
	meets_at_ms = at_ms;
	return children_run(child_calls, 1) == 1;
}

static struct lull_key_state state_at(uint64_t now_ms)
{
	struct lull_key_state state;

	CU_ASSERT_FATAL(lull_key_read(table, LULL_KIND_ROUTE, ROUTE, now_ms, &state) >= 0);
	return state;
}

/* ------------------------------------------------------------------ insertion */

#define KEYS 200u /* of 256 slots */

static int child_inserts(uint32_t index, uint32_t count)
{
	meet(0, count);
	for (uint32_t i = 0; i < KEYS; i++) {
		/* from different ends, so that they meet at every key in turn */
		uint32_t number = (i + index * KEYS / count) % KEYS;
		struct lull_slot *slot;
		char name[64];

		(void)snprintf(name, sizeof(name), "a/rather/long/model/name-%03u", number);
		if (lull_slot_open(table, LULL_KIND_NAME, name, &slot) != 0)
			return 2;
		lull_slot_close(slot);
	}
	return 1;
}

static void test_processes_that_insert_at_once_get_one_slot_a_key(void)
{
	struct lull_table_info info;
	struct lull_key_state state;
	uint64_t cursor = 0;
	uint32_t seen[KEYS] = {0}, keys = 0, number;

	begin();
	CU_ASSERT_EQUAL(children_run(child_inserts, 16), 16);
	CU_ASSERT_EQUAL(lull_table_info(table, &info), 0);
	CU_ASSERT_EQUAL(info.slots_used, KEYS);
	CU_ASSERT_EQUAL(info.full_rejects, 0);
	while (lull_key_at(table, &cursor, 0, &state) == 0) {
		keys++;
		CU_ASSERT_EQUAL_FATAL(sscanf(state.key, "a/rather/long/model/name-%u", &number), 1);
		CU_ASSERT_FATAL(number < KEYS);
		CU_ASSERT_EQUAL(seen[number]++, 0);
	}
	CU_ASSERT_EQUAL(keys, KEYS);
	end();
}

/* ------------------------------------------------------------------ one probe */

static int child_asks_after_the_cooldown(uint32_t index, uint32_t count)
{
	uint64_t at_ms = atomic_load(&board->at_ms);
	struct lull_call *call = call_begin(lull_clock_ms());
	bool tried;

	(void)index;
	meet(0, count);
	while (lull_clock_ms() < at_ms)
		(void)usleep(50); /* all at the very millisecond */
	tried = call_tries(call, lull_clock_ms());
	meet(1, count);
	/* the lease is still held by whoever got it: a second question is answered the same */
	if (!tried) {
		lull_call_end(call, lull_clock_ms());
		call = call_begin(lull_clock_ms());
		tried = call_tries(call, lull_clock_ms());
	}
	meet(2, count);
	if (tried)
		call_report(call, LULL_CLASS_OVERLOADED, 400, lull_clock_ms());
	lull_call_end(call, lull_clock_ms());
	return tried;
}

static uint32_t probes_of_64(uint64_t cools_for_ms)
{
	pid_t pids[CHILDREN_MAX];
	uint32_t probes = 0;

	board_clear();
	atomic_store(&board->at_ms, lull_clock_ms() + cools_for_ms);
	for (uint32_t i = 0; i < CHILDREN_MAX; i++)
		pids[i] = child_start(child_asks_after_the_cooldown, i, CHILDREN_MAX);
	for (uint32_t i = 0; i < CHILDREN_MAX; i++)
		probes += child_end(pids[i]) == 1;
	return probes;
}

static void test_64_processes_after_a_cooldown_send_one_probe(void)
{
	begin();
	CU_ASSERT_FATAL(another_process_meets(LULL_CLASS_OVERLOADED, 400, lull_clock_ms()));
	/* each round's one probe fails and cools the route for the next round */
	for (uint32_t round = 0; round < 5; round++)
		CU_ASSERT_EQUAL(probes_of_64(state_at(lull_clock_ms()).ready_in_ms), 1);
	CU_ASSERT_EQUAL(state_at(lull_clock_ms()).probes, 5);
	end();
}

static int child_takes_the_lease_and_hangs(uint32_t index, uint32_t count)
{
	struct lull_call *call = call_begin(meets_at_ms);

	(void)index;
	(void)count;
	if (!call_tries(call, meets_at_ms))
		return 2;
	meet(0, 2);
	for (;;)
		(void)pause();
}

static void test_a_killed_prober_costs_one_lease(void)
{
	uint64_t now_ms = lull_clock_ms();
	int status;
	pid_t pid;

	begin();
	CU_ASSERT(another_process_meets(LULL_CLASS_OVERLOADED, 1000, now_ms));
	meets_at_ms = now_ms + 1000;
	board_clear();
	pid = child_start(child_takes_the_lease_and_hangs, 0, 1);
	meet(0, 2);
	CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(state_at(meets_at_ms).state, LULL_STATE_PROBING);
	CU_ASSERT_FALSE(
		another_process_meets(LULL_CLASS_ANSWERED, -1, now_ms + 1000 + LEASE_MS - 1));
	CU_ASSERT_TRUE(another_process_meets(LULL_CLASS_ANSWERED, -1, now_ms + 1000 + LEASE_MS));
	CU_ASSERT_EQUAL(state_at(now_ms + 1000 + LEASE_MS).state, LULL_STATE_READY);
	end();
}

static void test_a_cancelled_prober_hands_the_lease_to_another_process(void)
{
	uint64_t now_ms = lull_clock_ms();
	struct lull_call *call;

	begin();
	CU_ASSERT(another_process_meets(LULL_CLASS_OVERLOADED, 1000, now_ms));
	now_ms += 1000;
	call = call_begin(now_ms);
	CU_ASSERT_TRUE(call_tries(call, now_ms));
	CU_ASSERT_FALSE(another_process_meets(LULL_CLASS_ANSWERED, -1, now_ms + 1));
	lull_call_end(call, now_ms + 2);
	CU_ASSERT_TRUE(another_process_meets(LULL_CLASS_ANSWERED, -1, now_ms + 3));
	end();
}

static void test_an_answer_slower_than_the_lease_opens_the_route(void)
{
	uint64_t now_ms = lull_clock_ms();
	struct lull_call *call;

	begin();
	CU_ASSERT(another_process_meets(LULL_CLASS_OVERLOADED, 1000, now_ms));
	now_ms += 1000;
	call = call_begin(now_ms);
	CU_ASSERT_TRUE(call_tries(call, now_ms));
	/* two leases lapse meanwhile, in hands that never report */
	meets_at_ms = now_ms + LEASE_MS;
	CU_ASSERT_TRUE(another_process_meets(LULL_CLASS_CANCELLED, -1, meets_at_ms));
	CU_ASSERT_TRUE(another_process_meets(LULL_CLASS_CANCELLED, -1, meets_at_ms + LEASE_MS));
	call_report(call, LULL_CLASS_ANSWERED, -1, now_ms + 25000);
	lull_call_end(call, now_ms + 25000);
	CU_ASSERT_EQUAL(state_at(now_ms + 25000).state, LULL_STATE_READY);
	CU_ASSERT_TRUE(another_process_meets(LULL_CLASS_ANSWERED, -1, now_ms + 25001));
	end();
}

/* ------------------------------------------------------------------ counting failures */

static int child_fails_with_the_others(uint32_t index, uint32_t count)
{
	struct lull_call *call = call_begin(lull_clock_ms());
	bool tried = call && call_tries(call, lull_clock_ms());

	(void)index;
	meet(0, count);
	if (tried)
		call_report(call, LULL_CLASS_SERVER_ERROR, -1, lull_clock_ms());
	lull_call_end(call, lull_clock_ms());
	return tried;
}

static void test_sixteen_overlapping_failures_are_one(void)
{
	struct lull_key_state state;

	begin();
	CU_ASSERT_EQUAL(children_run(child_fails_with_the_others, 16), 16);
	state = state_at(lull_clock_ms());
	CU_ASSERT_EQUAL(state.state, LULL_STATE_READY);
	CU_ASSERT_EQUAL(state.strikes, 1);
	CU_ASSERT_EQUAL(state.failures, 16);
	CU_ASSERT_EQUAL(state.cooldowns, 0);
	end();
}

static void test_refusals_of_sixteen_processes_are_one_cooldown(void)
{
	struct lull_key_state state;

	begin();
	meets_class = LULL_CLASS_RATE_LIMITED;
	meets_hint_ms = 30000;
	meets_at_ms = lull_clock_ms();
	CU_ASSERT_TRUE(children_run(child_calls, 16) >= 1);
	state = state_at(meets_at_ms);
	CU_ASSERT_EQUAL(state.state, LULL_STATE_COOLING);
	CU_ASSERT_EQUAL(state.ready_in_ms, 30000);
	CU_ASSERT_EQUAL(state.cooldowns, 1);
	CU_ASSERT_EQUAL(state.strikes, 0);
	end();
}

static void test_errors_of_three_processes_cool(void)
{
	uint64_t now_ms = lull_clock_ms();
	struct lull_key_state state;

	begin();
	for (uint32_t i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(state_at(now_ms).state, LULL_STATE_READY);
		CU_ASSERT_TRUE(another_process_meets(LULL_CLASS_SERVER_ERROR, -1, ++now_ms));
	}
	state = state_at(now_ms);
	CU_ASSERT_EQUAL(state.state, LULL_STATE_COOLING);
	CU_ASSERT_EQUAL(state.ready_in_ms, 60000);
	CU_ASSERT_EQUAL(state.cause, LULL_CLASS_SERVER_ERROR);
	CU_ASSERT_FALSE(another_process_meets(LULL_CLASS_ANSWERED, -1, now_ms + 59999));
	CU_ASSERT_TRUE(another_process_meets(LULL_CLASS_ANSWERED, -1, now_ms + 60000));
	end();
}

static void test_a_success_of_another_process_clears_the_count(void)
{
	static const uint32_t meets[] = {LULL_CLASS_SERVER_ERROR, LULL_CLASS_SERVER_ERROR,
					 LULL_CLASS_ANSWERED, LULL_CLASS_SERVER_ERROR,
					 LULL_CLASS_SERVER_ERROR};
	uint64_t now_ms = lull_clock_ms();

	begin();
	for (uint32_t i = 0; i < sizeof(meets) / sizeof(meets[0]); i++)
		CU_ASSERT_TRUE(another_process_meets(meets[i], -1, ++now_ms));
	CU_ASSERT_EQUAL(state_at(now_ms).state, LULL_STATE_READY);
	CU_ASSERT_TRUE(another_process_meets(LULL_CLASS_SERVER_ERROR, -1, ++now_ms));
	CU_ASSERT_EQUAL(state_at(now_ms).state, LULL_STATE_COOLING);
	end();
}

/* ------------------------------------------------------------------ hearing of it */

static int child_cools(uint32_t index, uint32_t count)
{
	(void)index;
	(void)count;
	return lull_key_cool(table, LULL_KIND_ROUTE, ROUTE, 60000, lull_clock_ms()) == 0;
}

static void test_what_one_process_cools_all_see(void)
{
	struct lull_slot *slot;

	begin();
	CU_ASSERT_EQUAL_FATAL(lull_slot_open(table, LULL_KIND_ROUTE, ROUTE, &slot), 0);
	CU_ASSERT_EQUAL(lull_slot_ready_in_ms(slot), 0);
	CU_ASSERT_EQUAL(children_run(child_cools, 1), 1);
	CU_ASSERT(lull_slot_ready_in_ms(slot) > 0);
	CU_ASSERT_FALSE(another_process_meets(LULL_CLASS_ANSWERED, -1, lull_clock_ms()));
	lull_slot_close(slot);
	end();
}

static int child_sleeps(uint32_t index, uint32_t count)
{
	uint32_t serial = lull_table_serial(table);

	(void)index;
	(void)count;
	meet(0, 2);
	return lull_table_wait(table, serial, lull_clock_ms() + 50000) == LULL_WOKEN;
}

static void test_a_clear_wakes_sleepers_of_other_processes(void)
{
	pid_t pid;

	begin();
	CU_ASSERT_EQUAL(children_run(child_cools, 1), 1);
	board_clear();
	pid = child_start(child_sleeps, 0, 1);
	meet(0, 2);
	CU_ASSERT_EQUAL(lull_key_clear(table, LULL_KIND_ROUTE, ROUTE, lull_clock_ms()), 0);
	CU_ASSERT_EQUAL(child_end(pid), 1);
	end();
}

static int child_resets(uint32_t index, uint32_t count)
{
	struct lull_table_options options;
	char error[256];

	(void)index;
	(void)count;
	lull_table_options_init(&options);
	options.name = "test";
	options.slot_count = SLOTS;
	return lull_table_reset(&options, error, sizeof(error)) == 0;
}

static void test_a_reset_is_noticed_by_the_next_call_of_any_process(void)
{
	struct lull_table_info before, after;

	begin();
	CU_ASSERT_EQUAL(children_run(child_cools, 1), 1);
	CU_ASSERT_EQUAL(lull_table_info(table, &before), 0);
	CU_ASSERT_EQUAL(children_run(child_resets, 1), 1);
	lull_call_end(call_begin(lull_clock_ms()), lull_clock_ms());
	CU_ASSERT_EQUAL(lull_table_info(table, &after), 0);
	CU_ASSERT_NOT_EQUAL(before.create_id, after.create_id);
	CU_ASSERT_EQUAL(after.slots_used, 0);
	CU_ASSERT_TRUE(another_process_meets(LULL_CLASS_ANSWERED, -1, lull_clock_ms()));
	end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_processes_that_insert_at_once_get_one_slot_a_key),
		CUNIT_TEST(test_64_processes_after_a_cooldown_send_one_probe),
		CUNIT_TEST(test_a_killed_prober_costs_one_lease),
		CUNIT_TEST(test_a_cancelled_prober_hands_the_lease_to_another_process),
		CUNIT_TEST(test_an_answer_slower_than_the_lease_opens_the_route),
		CUNIT_TEST(test_sixteen_overlapping_failures_are_one),
		CUNIT_TEST(test_refusals_of_sixteen_processes_are_one_cooldown),
		CUNIT_TEST(test_errors_of_three_processes_cool),
		CUNIT_TEST(test_a_success_of_another_process_clears_the_count),
		CUNIT_TEST(test_what_one_process_cools_all_see),
		CUNIT_TEST(test_a_clear_wakes_sleepers_of_other_processes),
		CUNIT_TEST(test_a_reset_is_noticed_by_the_next_call_of_any_process),
	};

	return CUNIT_MAIN("forks", tests);
}
