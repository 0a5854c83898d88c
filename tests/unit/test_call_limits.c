/* SPDX-License-Identifier: MIT */
/*
 * Calls within limits that hold for all processes together: a route without room is passed over, a
 * call sleeps until the first has room, what was taken comes back.
 */
#include <errno.h>

#include "call_fixture.h"
#include "cunit_main.h"
#include "limit.h"

#define SCATTER_MS 10 /* who waits for room may wake that much later */

#define ROUTE LULL_KIND_ROUTE

static struct world w;
static struct caller a, b;

static void begin(uint32_t route_count, struct lull_limits limits)
{
	world_make(&w, route_count);
	w.routes[0].limits = limits;
}

static void end(void)
{
	caller_end(&a);
	caller_end(&b);
	world_end(&w);
}

/* A call that has its answer at once. */
static void call_through(void)
{
	struct caller c;

	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	answer(&c);
	caller_end(&c);
}

/* ------------------------------------------------------------------ no room */

static void test_a_route_without_room_is_passed_over(void)
{
	static const struct {
		struct lull_limits limits;
		uint32_t limit;
		uint64_t ready_in_ms;
	} cases[] = {
		{{.rpm = 60}, LULL_LIMIT_RPM, 1000},
		{{.tpm = 60000}, LULL_LIMIT_TPM, 4001},
		{{.parallel = 1}, LULL_LIMIT_PARALLEL, LULL_PERMIT_LEASE_MS},
		{{.rpm = 60, .tpm = 60000, .parallel = 4}, LULL_LIMIT_TPM, 4001},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lull_trail_entry skip;

		begin(2, cases[i].limits);
		w.options.tokens = 5000;
		caller_begin(&a, &w);
		EXPECT_TRY(&a, 0);
		CU_ASSERT_EQUAL(a.step.renew_ms,
				cases[i].limits.parallel ? LULL_PERMIT_RENEW_MS : 0);
		caller_begin(&b, &w);
		EXPECT_TRY(&b, 1);
		CU_ASSERT_EQUAL(b.step.renew_ms, 0);
		skip = last_entry(&b, LULL_TRAIL_SKIP);
		CU_ASSERT_EQUAL(skip.route, 0);
		CU_ASSERT_EQUAL(skip.state, LULL_STATE_LIMITED);
		CU_ASSERT_EQUAL(skip.limit, cases[i].limit);
		CU_ASSERT_EQUAL(skip.cooled_kind, ROUTE);
		CU_ASSERT_EQUAL(skip.class_id, LULL_CLASS_RATE_LIMITED);
		CU_ASSERT_EQUAL(skip.ready_in_ms, cases[i].ready_in_ms);
		CU_ASSERT_EQUAL(key_state(&w, ROUTE, 0).limited, 1);
		CU_ASSERT_EQUAL(key_state(&w, ROUTE, 0).skips, 0);
		CU_ASSERT_EQUAL(key_state(&w, ROUTE, 0).state, LULL_STATE_READY);
		end();
	}
}

static void test_a_call_sleeps_until_the_first_route_has_room(void)
{
	begin(2, (struct lull_limits){.rpm = 30});
	w.routes[1].limits.rpm = 60;
	caller_begin(&a, &w);
	EXPECT_TRY(&a, 0);
	caller_begin(&b, &w);
	EXPECT_TRY(&b, 1);
	answer(&a);
	answer(&b);
	caller_end(&a);
	caller_begin(&a, &w);
	EXPECT_SLEEP(&a, 1000, 1000 + SCATTER_MS); /* hardly scattered: little is to be lost */
	EXPECT_TRY(&a, 1);
	CU_ASSERT(last_entry(&a, LULL_TRAIL_SLEEP).for_ms <= 1000 + SCATTER_MS);
	end();
}

static void test_room_ends_a_sleep_before_a_cooldown_does(void)
{
	begin(2, (struct lull_limits){.rpm = 60});
	call_through();
	cool_by_hand(&w, ROUTE, 1, 500); /* would be slept for with up to 2 s of scatter */
	caller_begin(&a, &w);
	(void)caller_next(&a);
	CU_ASSERT_EQUAL(a.step.action, LULL_ACTION_SLEEP);
	CU_ASSERT_TRUE(a.step.until_ms <= w.now_ms + 1000);
	end();
}

static void test_a_permit_given_back_wakes_who_waits_for_it(void)
{
	begin(1, (struct lull_limits){.parallel = 1});
	caller_begin(&a, &w);
	EXPECT_TRY(&a, 0);
	caller_begin(&b, &w);
	CU_ASSERT_EQUAL(caller_next(&b)->action, LULL_ACTION_SLEEP);
	CU_ASSERT(b.step.until_ms >= w.now_ms + LULL_PERMIT_LEASE_MS);
	CU_ASSERT(b.step.until_ms <= w.now_ms + LULL_PERMIT_LEASE_MS + SCATTER_MS);
	CU_ASSERT_EQUAL(lull_table_serial(w.table), b.step.serial);
	w.now_ms += 100;
	answer(&a);
	CU_ASSERT_NOT_EQUAL(lull_table_serial(w.table), b.step.serial);
	EXPECT_TRY(&b, 0);
	end();
}

static void test_a_failure_is_known_before_its_permit_is_free(void)
{
	begin(2, (struct lull_limits){.parallel = 1});
	cool_by_hand(&w, ROUTE, 1, 60000);
	caller_begin(&a, &w);
	EXPECT_TRY(&a, 0);
	caller_begin(&b, &w);
	CU_ASSERT_EQUAL(caller_next(&b)->action, LULL_ACTION_SLEEP);
	report(&a, LULL_CLASS_RATE_LIMITED);
	EXPECT_DONE(&b, LULL_RESULT_COOLING); /* both cool for longer than the budget */
	end();
}

static void test_no_room_and_no_time_to_wait_for_it_ends_the_call(void)
{
	static const struct {
		uint32_t when_cooling, budget_ms, rpm;
		bool sleeps;
	} cases[] = {
		{LULL_WHEN_COOLING_WAIT, 45000, 2, true},   /* 30 s */
		{LULL_WHEN_COOLING_WAIT, 45000, 1, false},  /* 60 s */
		{LULL_WHEN_COOLING_WAIT, 34999, 2, false},  /* a useful rest is left, or nothing */
		{LULL_WHEN_COOLING_FAIL, 45000, 60, false}, /* not even a second */
		{LULL_WHEN_COOLING_TRY, 45000, 60, true},   /* what holds, holds */
		{LULL_WHEN_COOLING_TRY, 45000, 1, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t wait_ms = 60000 / cases[i].rpm;

		begin(1, (struct lull_limits){.rpm = cases[i].rpm});
		w.options.when_cooling = cases[i].when_cooling;
		w.options.budget_ms = cases[i].budget_ms;
		call_through();
		caller_begin(&a, &w);
		if (cases[i].sleeps) {
			EXPECT_SLEEP(&a, wait_ms, wait_ms + SCATTER_MS);
			EXPECT_TRY(&a, 0);
		} else {
			EXPECT_DONE(&a, LULL_RESULT_COOLING);
			CU_ASSERT_EQUAL(a.step.exit_code, 75);
			CU_ASSERT_EQUAL(a.step.class_id, LULL_CLASS_RATE_LIMITED);
			CU_ASSERT_EQUAL(a.step.ready_in_ms, wait_ms);
		}
		end();
	}
}

static void test_a_permit_is_waited_for_as_long_as_it_is_of_use(void)
{
	begin(1, (struct lull_limits){.parallel = 1});
	w.options.budget_ms = 8000; /* less than a lease: it may come at any moment all the same */
	caller_begin(&a, &w);
	EXPECT_TRY(&a, 0);
	caller_begin(&b, &w);
	EXPECT_SLEEP(&b, 6000, 6000 + SCATTER_MS);
	EXPECT_DONE(&b, LULL_RESULT_COOLING);
	end();
}

static void test_try_goes_past_a_cooldown_but_not_past_a_limit(void)
{
	begin(1, (struct lull_limits){.rpm = 60});
	w.options.when_cooling = LULL_WHEN_COOLING_TRY;
	call_through();
	cool_by_hand(&w, ROUTE, 0, 60000);
	caller_begin(&a, &w);
	EXPECT_SLEEP(&a, 1000, 1000 + SCATTER_MS);
	EXPECT_TRY(&a, 0);
	end();
}

static void test_try_takes_the_soonest_that_has_room(void)
{
	begin(2, (struct lull_limits){.rpm = 1});
	w.options.when_cooling = LULL_WHEN_COOLING_TRY;
	call_through();
	cool_by_hand(&w, ROUTE, 0, 20000);
	cool_by_hand(&w, ROUTE, 1, 60000);
	caller_begin(&a, &w);
	EXPECT_TRY(&a, 1);
	end();
}

static void test_a_retry_waits_for_room(void)
{
	begin(1, (struct lull_limits){.rpm = 60});
	w.options.num_retries = 1;
	caller_begin(&a, &w);
	EXPECT_TRY(&a, 0);
	report(&a, LULL_CLASS_SERVER_ERROR);
	EXPECT_SLEEP(&a, 1000, 1000 + SCATTER_MS);
	EXPECT_TRY(&a, 0);
	end();
}

static void test_a_route_that_failed_softly_still_has_its_pause(void)
{
	begin(1, (struct lull_limits){.rpm = 6000});
	caller_begin(&a, &w);
	EXPECT_TRY(&a, 0);
	report(&a, LULL_CLASS_SERVER_ERROR);
	EXPECT_SLEEP(&a, 250, 750);
	EXPECT_TRY(&a, 0);
	end();
}

/* ------------------------------------------------------------------ permits */

static void test_a_killed_holders_permit_comes_back_with_its_lease(void)
{
	struct caller killed;

	begin(1, (struct lull_limits){.parallel = 1});
	caller_begin(&killed, &w);
	EXPECT_TRY(&killed, 0);
	caller_begin(&b, &w);
	EXPECT_SLEEP(&b, LULL_PERMIT_LEASE_MS, LULL_PERMIT_LEASE_MS + SCATTER_MS);
	EXPECT_TRY(&b, 0);
	caller_end(&killed); /* it had only been stopped: too late to give anything back */
	CU_ASSERT_EQUAL(key_state(&w, ROUTE, 0).parallel_used, 1);
	caller_begin(&a, &w);
	CU_ASSERT_EQUAL(caller_next(&a)->action, LULL_ACTION_SLEEP);
	end();
}

static void test_a_permit_is_held_as_long_as_its_call_runs(void)
{
	begin(2, (struct lull_limits){.parallel = 1});
	caller_begin(&a, &w);
	EXPECT_TRY(&a, 0);
	for (uint32_t i = 0; i < 12; i++) {
		w.now_ms += LULL_PERMIT_RENEW_MS;
		progress(&a, LULL_PROGRESS_RUNNING);
		caller_begin(&b, &w);
		EXPECT_TRY(&b, 1);
		caller_end(&b);
	}
	caller_end(&a);
	caller_begin(&b, &w);
	EXPECT_TRY(&b, 0);
	end();
}

/* ------------------------------------------------------------------ tokens, requests */

static uint64_t tokens_short_ms(const struct lull_outcome *outcome)
{
	uint64_t room_in_ms;

	begin(1, (struct lull_limits){.tpm = 60000});
	w.options.tokens = 5000;
	caller_begin(&a, &w);
	EXPECT_TRY(&a, 0);
	report_outcome(&a, outcome);
	room_in_ms = key_state(&w, ROUTE, 0).tpm_room_in_ms;
	end();
	return room_in_ms;
}

static void test_tokens_are_settled_by_what_was_used(void)
{
	static const struct {
		uint32_t class_id, tokens;
		uint64_t short_ms;
	} cases[] = {
		{LULL_CLASS_ANSWERED, LULL_UNSET, 4001},
		{LULL_CLASS_ANSWERED, 5000, 4001},
		{LULL_CLASS_ANSWERED, 100, 0},
		{LULL_CLASS_ANSWERED, 8000, 7001},
		{LULL_CLASS_RATE_LIMITED, LULL_UNSET, 0}, /* refused: nothing was made */
		{LULL_CLASS_SERVER_ERROR, LULL_UNSET, 0},
		{LULL_CLASS_LOCAL, LULL_UNSET, 0}, /* never left the host */
		{LULL_CLASS_TRUNCATED_STREAM, LULL_UNSET, 4001},
		{LULL_CLASS_TIMEOUT, LULL_UNSET, 4001}, /* it may be working on it */
		{LULL_CLASS_CANCELLED, LULL_UNSET, 4001},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lull_outcome outcome = outcome_of(cases[i].class_id);

		if (cases[i].class_id == LULL_CLASS_TIMEOUT)
			outcome.http_status = 0;
		outcome.tokens = cases[i].tokens;
		CU_ASSERT_EQUAL(tokens_short_ms(&outcome), cases[i].short_ms);
	}
}

static void test_an_emptied_limit_has_room_when_the_provider_says(void)
{
	static const struct {
		struct lull_limits limits;
		uint32_t limit;
		uint64_t for_ms, sleep_ms;
	} cases[] = {
		{{.rpm = 600}, LULL_LIMIT_RPM, 7000, 7000},
		{{.tpm = 60000}, LULL_LIMIT_TPM, 7000, 7000},
		{{.rpm = 600}, LULL_LIMIT_TPM, 7000, 0}, /* has no such limit */
		{{.rpm = 600}, LULL_LIMIT_RPM, 0, 0},
		{{.rpm = 600}, LULL_LIMIT_RPM, LULL_NEVER, 20000}, /* believed up to the cap */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(1, cases[i].limits);
		w.options.max_cooldown_ms = 20000;
		caller_begin(&a, &w);
		CU_ASSERT_EQUAL(lull_call_emptied(a.call, w.now_ms, LULL_LIMIT_RPM, 1), -EINVAL);
		EXPECT_TRY(&a, 0);
		CU_ASSERT_EQUAL(lull_call_emptied(a.call, w.now_ms, LULL_LIMIT_PARALLEL, 1),
				-EINVAL);
		CU_ASSERT_EQUAL(
			lull_call_emptied(a.call, w.now_ms, cases[i].limit, cases[i].for_ms), 0);
		answer(&a);
		caller_begin(&b, &w);
		if (cases[i].sleep_ms)
			EXPECT_SLEEP(&b, cases[i].sleep_ms, cases[i].sleep_ms + SCATTER_MS);
		EXPECT_TRY(&b, 0);
		end();
	}
}

/* ------------------------------------------------------------------ whose limit */

static void test_a_credentials_limit_holds_for_all_its_routes(void)
{
	begin(2, (struct lull_limits){0});
	w.routes[1].credential_key = w.routes[0].credential_key;
	w.routes[0].credential_limits.rpm = 60;
	w.routes[1].credential_limits.rpm = 60;
	call_through();
	caller_begin(&a, &w);
	EXPECT_SLEEP(&a, 1000, 1000 + SCATTER_MS);
	CU_ASSERT_EQUAL(last_entry(&a, LULL_TRAIL_SKIP).cooled_kind, LULL_KIND_CREDENTIAL);
	EXPECT_TRY(&a, 0);
	end();
}

static uint32_t takes_before_b; /* b takes the route within that one; 0 no more */

bool __real_limits_take(struct segment *segment, struct layout_slot *slot,
			const struct lull_limits *limits, uint32_t tag, uint32_t tokens,
			uint64_t now_ms, struct hold *ret_hold);
bool __wrap_limits_take(struct segment *segment, struct layout_slot *slot,
			const struct lull_limits *limits, uint32_t tag, uint32_t tokens,
			uint64_t now_ms, struct hold *ret_hold);

bool __wrap_limits_take(struct segment *segment, struct layout_slot *slot,
			const struct lull_limits *limits, uint32_t tag, uint32_t tokens,
			uint64_t now_ms, struct hold *ret_hold)
{
	if (takes_before_b > 0 && --takes_before_b == 0) {
		caller_begin(&b, &w);
		EXPECT_TRY(&b, 0);
	}
	return __real_limits_take(segment, slot, limits, tag, tokens, now_ms, ret_hold);
}

/* Another process takes the last permit after the credential's request was charged. */
static void test_a_lost_race_for_room_costs_nothing(void)
{
	begin(2, (struct lull_limits){.parallel = 1});
	w.routes[0].credential_limits.rpm = 120; /* two at once */
	caller_begin(&a, &w);
	takes_before_b = 2;
	EXPECT_TRY(&a, 1);
	CU_ASSERT_EQUAL(last_entry(&a, LULL_TRAIL_SKIP).limit, LULL_LIMIT_PARALLEL);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_CREDENTIAL, 0).rpm_room_in_ms, 0);
	answer(&b);
	caller_end(&b);
	caller_begin(&b, &w);
	EXPECT_TRY(&b, 0);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_CREDENTIAL, 0).rpm_room_in_ms, 500);
	end();
}

/* Of a route's and a credential's limit both are taken, or neither. */
static void test_a_limit_without_room_costs_the_others_nothing(void)
{
	begin(2, (struct lull_limits){.parallel = 1});
	w.routes[0].credential_limits.rpm = 6000;
	caller_begin(&a, &w);
	EXPECT_TRY(&a, 0);
	for (uint32_t i = 0; i < 200; i++) {
		caller_begin(&b, &w);
		EXPECT_TRY(&b, 1);
		caller_end(&b);
	}
	answer(&a);
	caller_begin(&b, &w);
	EXPECT_TRY(&b, 0); /* 200 refusals have cost no request */
	end();
}

static void test_limits_out_of_range_are_refused(void)
{
	static const struct lull_limits bad[] = {
		{.parallel = LULL_PARALLEL_MAX + 1},
		{.rpm = 1, .burst_ms = LULL_BURST_MS_MAX + 1},
	};
	struct lull_call *call;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin(1, bad[i]);
		CU_ASSERT_EQUAL(lull_call_begin(&call, w.table, w.routes, 1, &w.options, w.now_ms),
				-EINVAL);
		w.routes[0].limits = (struct lull_limits){0};
		w.routes[0].credential_limits = bad[i];
		CU_ASSERT_EQUAL(lull_call_begin(&call, w.table, w.routes, 1, &w.options, w.now_ms),
				-EINVAL);
		end();
	}
}

static void test_limits_and_their_use_can_be_read(void)
{
	struct lull_key_state state;

	begin(1, (struct lull_limits){.rpm = 60, .tpm = 60000, .parallel = 3});
	w.options.tokens = 2000;
	caller_begin(&a, &w);
	EXPECT_TRY(&a, 0);
	state = key_state(&w, ROUTE, 0);
	CU_ASSERT_EQUAL(state.limits.rpm, 60);
	CU_ASSERT_EQUAL(state.limits.tpm, 60000);
	CU_ASSERT_EQUAL(state.limits.parallel, 3);
	CU_ASSERT_EQUAL(state.parallel_used, 1);
	CU_ASSERT_EQUAL(state.rpm_room_in_ms, 1000);
	CU_ASSERT_EQUAL(state.tpm_room_in_ms, 1001);
	answer(&a);
	CU_ASSERT_EQUAL(key_state(&w, ROUTE, 0).parallel_used, 0);
	end();
}

/* ------------------------------------------------------------------ many processes */

#define PROCESSES 16u
#define RUN_MS    120000u
#define RPM       600u
#define PARALLEL  4u

struct process {
	struct caller caller;
	uint64_t due_ms; /* of its next deed */
	uint64_t end_ms; /* of its attempt; 0 none is running */
};

static struct {
	uint32_t sent, at_once, most_at_once, idle_ms;
} counted;

/* One process that makes one call after another, and is killed one time in twenty. */
static void process_acts(struct process *p, uint32_t *dice)
{
	struct caller *c = &p->caller;

	*dice = *dice * 1664525u + 1013904223u;
	if (p->end_ms && w.now_ms < p->end_ms) {
		progress(c, LULL_PROGRESS_RUNNING);
		p->due_ms = w.now_ms + LULL_PERMIT_RENEW_MS;
		if (p->due_ms > p->end_ms)
			p->due_ms = p->end_ms;
		return;
	}
	if (p->end_ms) {
		p->end_ms = 0;
		counted.at_once--;
		answer(c);
		caller_end(c);
	}
	if (!c->call)
		caller_begin(c, &w);
	(void)caller_next(c);
	p->due_ms = c->step.until_ms;
	if (c->step.action == LULL_ACTION_SLEEP)
		return;
	if (c->step.action == LULL_ACTION_DONE) { /* no room for a whole budget */
		caller_end(c);
		p->due_ms = w.now_ms + 1;
		return;
	}
	counted.sent++;
	if (++counted.at_once > counted.most_at_once)
		counted.most_at_once = counted.at_once;
	p->end_ms = p->due_ms = w.now_ms + 1 + (*dice >> 16) % 600;
}

static bool is_woken(const struct process *p)
{
	return !p->end_ms && p->caller.call && p->caller.step.action == LULL_ACTION_SLEEP &&
	       p->caller.step.serial != lull_table_serial(w.table);
}

/* Sixteen processes that want more than both limits allow: the rate is used up to the last
 * request and never exceeded, and no more are ever at it at once than may be. */
static void test_many_processes_stay_within_the_limits_and_use_them_up(void)
{
	static const struct {
		struct lull_limits limits;
		uint32_t least, most;
	} cases[] = {
		{{.rpm = RPM}, 1200, 1210},
		/* 4 at once of 300 ms each on the average */
		{{.parallel = PARALLEL}, 1400, 1900},
		{{.rpm = RPM, .parallel = PARALLEL}, 1150, 1210},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct process processes[PROCESSES] = {0};
		uint32_t dice = 1;

		begin(1, cases[i].limits);
		counted.sent = counted.at_once = counted.most_at_once = 0;
		for (uint32_t ms = 0; ms < RUN_MS; ms++, w.now_ms++)
			for (uint32_t p = 0; p < PROCESSES; p++)
				if (w.now_ms >= processes[p].due_ms || is_woken(&processes[p]))
					process_acts(&processes[p], &dice);
		CU_ASSERT_TRUE(counted.sent >= cases[i].least && counted.sent <= cases[i].most);
		if (cases[i].limits.parallel)
			CU_ASSERT_EQUAL(counted.most_at_once, PARALLEL);
		for (uint32_t p = 0; p < PROCESSES; p++)
			caller_end(&processes[p].caller);
		end();
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_a_route_without_room_is_passed_over),
		CUNIT_TEST(test_a_call_sleeps_until_the_first_route_has_room),
		CUNIT_TEST(test_room_ends_a_sleep_before_a_cooldown_does),
		CUNIT_TEST(test_a_permit_given_back_wakes_who_waits_for_it),
		CUNIT_TEST(test_a_failure_is_known_before_its_permit_is_free),
		CUNIT_TEST(test_no_room_and_no_time_to_wait_for_it_ends_the_call),
		CUNIT_TEST(test_a_permit_is_waited_for_as_long_as_it_is_of_use),
		CUNIT_TEST(test_try_goes_past_a_cooldown_but_not_past_a_limit),
		CUNIT_TEST(test_try_takes_the_soonest_that_has_room),
		CUNIT_TEST(test_a_retry_waits_for_room),
		CUNIT_TEST(test_a_route_that_failed_softly_still_has_its_pause),
		CUNIT_TEST(test_a_killed_holders_permit_comes_back_with_its_lease),
		CUNIT_TEST(test_a_permit_is_held_as_long_as_its_call_runs),
		CUNIT_TEST(test_tokens_are_settled_by_what_was_used),
		CUNIT_TEST(test_an_emptied_limit_has_room_when_the_provider_says),
		CUNIT_TEST(test_a_credentials_limit_holds_for_all_its_routes),
		CUNIT_TEST(test_a_lost_race_for_room_costs_nothing),
		CUNIT_TEST(test_a_limit_without_room_costs_the_others_nothing),
		CUNIT_TEST(test_limits_out_of_range_are_refused),
		CUNIT_TEST(test_limits_and_their_use_can_be_read),
		CUNIT_TEST(test_many_processes_stay_within_the_limits_and_use_them_up),
	};

	return CUNIT_MAIN("call limits", tests);
}
