/* SPDX-License-Identifier: MIT */
/*
 * The supervisor's table: what becomes of a gateway. Stories first, event by event; then what holds
 * for every cell.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "../../coordinator/lulld/worker_state.h"
#include "cunit_main.h"

#define EVENTS_MAX 8

/* clang-format off */
static const struct {
	const char *story;
	enum worker_state from;
	struct {
		enum worker_event event;
		enum worker_state state;
		enum worker_step step;
	} events[EVENTS_MAX];
	int count;
} stories[] = {
	{"started, serves, ends", WORKER_BACKING_OFF, {
		{WORKER_TIME_UP, WORKER_STARTING, STEP_START},
		{WORKER_SAID_READY, WORKER_READY, STEP_SERVE},
		{WORKER_TO_DRAIN, WORKER_DRAINING, STEP_TERMINATE},
		{WORKER_DIED, WORKER_GONE, STEP_BURY}}, 4},
	{"killed, and replaced", WORKER_READY, {
		{WORKER_DIED, WORKER_BACKING_OFF, STEP_BACK_OFF},
		{WORKER_TIME_UP, WORKER_STARTING, STEP_START},
		{WORKER_DIED, WORKER_BACKING_OFF, STEP_BACK_OFF},
		{WORKER_TIME_UP, WORKER_STARTING, STEP_START},
		{WORKER_SAID_READY, WORKER_READY, STEP_SERVE}}, 5},
	{"will not be started again", WORKER_STARTING, {
		{WORKER_REFUSED, WORKER_GONE, STEP_BURY},
		{WORKER_TIME_UP, WORKER_GONE, STEP_NONE}}, 2},
	{"hangs at its start", WORKER_STARTING, {
		{WORKER_TIME_UP, WORKER_STARTING, STEP_KILL},
		{WORKER_DIED, WORKER_BACKING_OFF, STEP_BACK_OFF}}, 2},
	{"hangs at its end", WORKER_READY, {
		{WORKER_TO_DRAIN, WORKER_DRAINING, STEP_TERMINATE},
		{WORKER_TIME_UP, WORKER_DRAINING, STEP_KILL},
		{WORKER_DIED, WORKER_GONE, STEP_BURY}}, 3},
	{"told twice", WORKER_READY, {
		{WORKER_TO_DRAIN, WORKER_DRAINING, STEP_TERMINATE},
		{WORKER_TO_DRAIN, WORKER_DRAINING, STEP_NONE},
		{WORKER_TO_END, WORKER_DRAINING, STEP_HURRY},
		{WORKER_TIME_UP, WORKER_DRAINING, STEP_KILL},
		{WORKER_DIED, WORKER_GONE, STEP_BURY}}, 5},
	{"told before it was ready", WORKER_STARTING, {
		{WORKER_TO_DRAIN, WORKER_DRAINING, STEP_TERMINATE},
		{WORKER_SAID_READY, WORKER_DRAINING, STEP_NONE},
		{WORKER_DIED, WORKER_GONE, STEP_BURY}}, 3},
	{"told while there was none", WORKER_BACKING_OFF, {
		{WORKER_TO_DRAIN, WORKER_GONE, STEP_BURY},
		{WORKER_TIME_UP, WORKER_GONE, STEP_NONE}}, 2},
	{"refuses at its end", WORKER_DRAINING, {
		{WORKER_REFUSED, WORKER_GONE, STEP_BURY}}, 1},
};
/* clang-format on */

static void test_stories(void)
{
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		enum worker_state state = stories[i].from;

		for (int e = 0; e < stories[i].count; e++) {
			const struct worker_rule rule =
				worker_rule(state, stories[i].events[e].event);

			CU_ASSERT_EQUAL(rule.next, stories[i].events[e].state);
			CU_ASSERT_EQUAL(rule.step, stories[i].events[e].step);
			if (rule.next != stories[i].events[e].state ||
			    rule.step != stories[i].events[e].step)
				fprintf(stderr, "%s: event %d\n", stories[i].story, e);
			state = rule.next;
		}
	}
}

static bool has_process(enum worker_state state)
{
	return state == WORKER_STARTING || state == WORKER_READY || state == WORKER_DRAINING;
}

static bool is_death(enum worker_event event)
{
	return event == WORKER_DIED || event == WORKER_REFUSED;
}

/* There is a process exactly where the table says that one was started and has not ended. */
static void test_every_cell_knows_whether_there_is_a_process(void)
{
	for (int s = 0; s < WORKER_STATES; s++) {
		for (int e = 0; e < WORKER_EVENTS; e++) {
			const enum worker_state state = (enum worker_state)s;
			const enum worker_event event = (enum worker_event)e;
			const struct worker_rule rule = worker_rule(state, event);
			bool expected = has_process(state);

			if (is_death(event))
				expected = false;
			if (rule.step == STEP_START)
				expected = true;
			CU_ASSERT_EQUAL(has_process(rule.next), expected);
			CU_ASSERT(rule.step != STEP_START || !has_process(state));
			/* only what is there can be signalled */
			CU_ASSERT((rule.step != STEP_TERMINATE && rule.step != STEP_HURRY &&
				   rule.step != STEP_KILL) ||
				  has_process(state));
			CU_ASSERT((rule.step == STEP_BURY) ==
				  (rule.next == WORKER_GONE && state != WORKER_GONE));
		}
	}
}

/* Whoever was told to end, or said that it makes no sense, is never started again. */
static void test_there_is_no_way_back(void)
{
	static const enum worker_event finals[] = {WORKER_TO_DRAIN, WORKER_TO_END, WORKER_REFUSED};

	srand(1);
	for (int i = 0; i < 10000; i++) {
		enum worker_state state = (enum worker_state)(i % WORKER_STATES);
		const enum worker_event final = finals[i % 3];

		if (is_death(final) && !has_process(state))
			continue;
		state = worker_rule(state, final).next;
		for (int n = 0; n < 20; n++) {
			const struct worker_rule rule =
				worker_rule(state, (enum worker_event)(rand() % WORKER_EVENTS));

			CU_ASSERT_NOT_EQUAL(rule.step, STEP_START);
			CU_ASSERT_NOT_EQUAL(rule.step, STEP_BACK_OFF);
			state = rule.next;
		}
		CU_ASSERT(state == WORKER_DRAINING || state == WORKER_GONE);
	}
}

static void test_back_off_doubles_to_its_cap(void)
{
	static const struct {
		unsigned int deaths;
		uint64_t ms;
	} rows[] = {
		{0, 0},
		{1, 0},
		{2, 100},
		{3, 200},
		{4, 400},
		{9, 12800},
		{10, 25600},
		{11, 30000},
		{12, 30000},
		{1000000, 30000},
		{4294967295u, 30000},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CU_ASSERT_EQUAL(worker_back_off_ms(rows[i].deaths), rows[i].ms);
}

static void test_deaths_have_a_cause(void)
{
	static const struct {
		int status;
		enum worker_event event;
		const char *cause;
	} rows[] = {
		{W_EXITCODE(0, 0), WORKER_DIED, "exit code 0"},
		{W_EXITCODE(1, 0), WORKER_DIED, "exit code 1"},
		{W_EXITCODE(64, 0), WORKER_REFUSED, "exit code 64"},
		{W_EXITCODE(78, 0), WORKER_REFUSED, "exit code 78"},
		{W_EXITCODE(70, 0), WORKER_DIED, "exit code 70"},
		{W_EXITCODE(127, 0), WORKER_DIED, "exit code 127"},
		{W_EXITCODE(0, SIGKILL), WORKER_DIED, "signal 9 (Killed)"},
		{W_EXITCODE(0, SIGSEGV) | WCOREFLAG, WORKER_DIED, "signal 11 (Segmentation fault)"},
		{W_EXITCODE(0, 64), WORKER_DIED, "signal 64 (Real-time signal 30)"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CU_ASSERT_EQUAL(worker_death_event(rows[i].status), rows[i].event);
		CU_ASSERT_STRING_EQUAL(worker_cause(rows[i].status).text, rows[i].cause);
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_stories),
		CUNIT_TEST(test_every_cell_knows_whether_there_is_a_process),
		CUNIT_TEST(test_there_is_no_way_back),
		CUNIT_TEST(test_back_off_doubles_to_its_cap),
		CUNIT_TEST(test_deaths_have_a_cause),
	};

	return CUNIT_MAIN("worker states", tests);
}
