/* SPDX-License-Identifier: MIT */
/*
 * Time: the budget of a call, how much of it an attempt may use, and what a time-out of ours
 * proves.
 */
#include "call_fixture.h"
#include "cunit_main.h"

#define BUDGET ((uint64_t)LULL_BUDGET_MS)

static uint64_t headers_limit_ms(const struct caller *c)
{
	return c->step.headers_by_ms - c->world->now_ms;
}

/* ------------------------------------------------------------------ the limits of a step */

static void test_limits_of_a_plain_step(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 1);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(c.step.abi_version, LULL_ABI_VERSION);
	CU_ASSERT_EQUAL(c.step.connect_by_ms, w.now_ms + 5000);
	CU_ASSERT_EQUAL(c.step.headers_by_ms, w.now_ms + 45000);
	CU_ASSERT_EQUAL(c.step.budget_by_ms, w.now_ms + 45000);
	CU_ASSERT_EQUAL(c.step.content_by_ms, LULL_NEVER);
	CU_ASSERT_EQUAL(c.step.total_by_ms, LULL_NEVER);
	CU_ASSERT_EQUAL(c.step.idle_ms, 30000);
	caller_end(&c);
	world_end(&w);
}

static void test_limits_of_a_route(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	w.routes[0].timeout_ms = 40000;
	w.routes[0].connect_ms = 700;
	w.routes[0].first_content_ms = 8000;
	w.routes[0].idle_ms = 9000;
	w.routes[0].total_ms = 90000;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(c.step.connect_by_ms, w.now_ms + 700);
	CU_ASSERT_EQUAL(c.step.headers_by_ms, w.now_ms + 40000); /* though another is ready */
	CU_ASSERT_EQUAL(c.step.content_by_ms, w.now_ms + 8000);
	CU_ASSERT_EQUAL(c.step.idle_ms, 9000);
	CU_ASSERT_EQUAL(c.step.total_by_ms, w.now_ms + 90000);
	CU_ASSERT_EQUAL(c.step.budget_by_ms, w.now_ms + 45000);
	caller_end(&c);
	world_end(&w);
}

static void test_a_routes_timeout_is_capped_by_what_is_left(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 1);
	w.routes[0].timeout_ms = 600000;
	caller_begin(&c, &w);
	w.now_ms += 44000;
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(headers_limit_ms(&c), 1000);
	CU_ASSERT(c.step.connect_by_ms <= c.step.headers_by_ms);
	caller_end(&c);
	world_end(&w);
}

/* What is left minus 10 s for each further ready route; at least half of it; a quarter of the
 * budget. */
static void test_one_silent_route_must_not_eat_the_budget(void)
{
	static const struct {
		uint32_t routes, budget_ms;
		uint64_t gone_ms, limit_ms;
	} rows[] = {
		{1, 45000, 0, 45000},     {2, 45000, 0, 35000},     {3, 45000, 0, 25000},
		{4, 45000, 0, 22500},     {8, 45000, 0, 22500},     {2, 45000, 20000, 15000},
		{3, 45000, 20000, 12500}, {2, 45000, 25000, 11250}, /* half were 10 s: a quarter of
			  the budget is more */
		{3, 45000, 33000, 11250}, {3, 45000, 37000, 8000},  /* all that is left */
		{2, 4000, 0, 2000},       {1, 4000, 3000, 1000},    {2, 120000, 0, 110000},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;
		struct caller c;

		world_make(&w, rows[i].routes);
		w.options.budget_ms = rows[i].budget_ms;
		caller_begin(&c, &w);
		w.now_ms += rows[i].gone_ms;
		EXPECT_TRY(&c, 0);
		CU_ASSERT_EQUAL(headers_limit_ms(&c), rows[i].limit_ms);
		caller_end(&c);
		world_end(&w);
	}
}

static void test_only_further_ready_routes_count(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 4);
	cool_by_hand(&w, LULL_KIND_ROUTE, 2, 60000);
	cool_by_hand(&w, LULL_KIND_CREDENTIAL, 3, 60000);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(headers_limit_ms(&c), 35000);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_TRY(&c, 1); /* the last possible one */
	CU_ASSERT_EQUAL(headers_limit_ms(&c), 45000);
	caller_end(&c);
	world_end(&w);
}

static void test_tutorial_gives_all_that_is_left(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 4);
	w.options.policy = LULL_POLICY_TUTORIAL;
	caller_begin(&c, &w);
	w.now_ms += 5000;
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(headers_limit_ms(&c), 40000);
	caller_end(&c);
	world_end(&w);
}

/* ------------------------------------------------------------------ the usual time */

/* As many good answers as given, whose headers took headers_ms. */
static void learn(struct world *w, int count, uint64_t headers_ms)
{
	for (int i = 0; i < count; i++) {
		struct caller c;

		caller_begin(&c, w);
		EXPECT_TRY(&c, 0);
		w->now_ms += headers_ms;
		answer(&c);
		caller_end(&c);
	}
}

static uint64_t limit_of_a_new_call(struct world *w)
{
	struct caller c;
	uint64_t limit_ms;

	caller_begin(&c, w);
	EXPECT_TRY(&c, 0);
	limit_ms = headers_limit_ms(&c);
	caller_end(&c);
	return limit_ms;
}

static void test_the_usual_time_is_the_limit(void)
{
	struct world w;

	world_make(&w, 3);
	learn(&w, 200, 14000);
	CU_ASSERT(limit_of_a_new_call(&w) >= 14000 && limit_of_a_new_call(&w) <= 14100);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ROUTE, 0).usual_ms, 14000);
	world_end(&w);
}

static void test_the_usual_limit_is_at_least_a_quarter_of_the_budget(void)
{
	struct world w;

	world_make(&w, 3);
	learn(&w, 200, 500);
	CU_ASSERT_EQUAL(limit_of_a_new_call(&w), BUDGET / 4);
	world_end(&w);
}

static void test_the_usual_limit_is_at_most_what_is_left(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 3);
	learn(&w, 200, 30000);
	caller_begin(&c, &w);
	w.now_ms += 25000;
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(headers_limit_ms(&c), 20000);
	caller_end(&c);
	world_end(&w);
}

/* Mean + 6 mean deviations: a route whose times vary is given more. */
static void test_the_usual_limit_allows_for_variation(void)
{
	struct world w;

	world_make(&w, 3);
	for (int i = 0; i < 100; i++) {
		learn(&w, 1, 12000);
		learn(&w, 1, 14000);
	}
	CU_ASSERT(limit_of_a_new_call(&w) > 18000 && limit_of_a_new_call(&w) < 20000);
	world_end(&w);
}

static void test_the_usual_time_is_forgotten_at_a_timeout(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 3);
	learn(&w, 200, 14000);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	w.now_ms = c.step.headers_by_ms;
	report_our_timeout(&c);
	caller_end(&c);
	CU_ASSERT_EQUAL(limit_of_a_new_call(&w), 25000);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ROUTE, 0).usual_ms, 0);
	world_end(&w);
}

static void test_a_routes_own_timeout_goes_before_the_usual_time(void)
{
	struct world w;

	world_make(&w, 3);
	learn(&w, 200, 14000);
	w.routes[0].timeout_ms = 3000;
	CU_ASSERT_EQUAL(limit_of_a_new_call(&w), 3000);
	world_end(&w);
}

/* ------------------------------------------------------------------ at the deadline */

/* Two silent routes, 4 s: the first is left after 2 s, the call ends at 4 s. */
static void test_two_silent_routes(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	w.options.budget_ms = 4000;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	w.now_ms = c.step.headers_by_ms;
	CU_ASSERT_EQUAL(w.now_ms, WORLD_START_MS + 2000);
	report_our_timeout(&c);
	EXPECT_TRY(&c, 1);
	w.now_ms = c.step.headers_by_ms;
	CU_ASSERT_EQUAL(w.now_ms, WORLD_START_MS + 4000);
	report_our_timeout(&c);
	EXPECT_DONE(&c, LULL_RESULT_DEADLINE);
	CU_ASSERT_EQUAL(c.step.exit_code, 124);
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_ATTEMPT).class_id, LULL_CLASS_DEADLINE);
	CU_ASSERT_EQUAL(word_bits_of(&w, LULL_KIND_ROUTE, w.routes[0].route_key), 0);
	CU_ASSERT_EQUAL(word_bits_of(&w, LULL_KIND_ROUTE, w.routes[1].route_key), 0);
	caller_end(&c);
	world_end(&w);
}

static void test_time_ran_out_before_a_ready_route_was_asked(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	w.now_ms += BUDGET;
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_DONE(&c, LULL_RESULT_DEADLINE);
	caller_end(&c);
	world_end(&w);
}

static void test_models_ran_out_before_time_did(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_RATE_LIMITED);
	EXPECT_TRY(&c, 1);
	w.now_ms += BUDGET;
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_DONE(&c, LULL_RESULT_FAILED);
	caller_end(&c);
	world_end(&w);
}

/* Cooling is excluded: with more time it would have been passed over all the same. */
static void test_a_cooling_route_is_no_untried_one(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	cool_by_hand(&w, LULL_KIND_ROUTE, 1, 120000);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	w.now_ms += BUDGET;
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_DONE(&c, LULL_RESULT_FAILED);
	CU_ASSERT_EQUAL(c.step.exit_code, 69);
	caller_end(&c);
	world_end(&w);
}

/* A driver that comes back too late, to a call that has not asked anybody yet. */
static void test_a_call_that_overslept(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 1);
	caller_begin(&c, &w);
	w.now_ms += BUDGET;
	EXPECT_DONE(&c, LULL_RESULT_DEADLINE);
	caller_end(&c);

	cool_by_hand(&w, LULL_KIND_ROUTE, 0, 600000);
	caller_begin(&c, &w);
	w.now_ms += BUDGET;
	EXPECT_DONE(&c, LULL_RESULT_COOLING);
	caller_end(&c);
	world_end(&w);
}

/* Once content was handed out the budget has done its work. */
static void test_the_budget_ends_with_the_first_content(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	progress(&c, LULL_PROGRESS_CONNECTED);
	progress(&c, LULL_PROGRESS_ACCEPTED);
	progress(&c, LULL_PROGRESS_CONTENT);
	w.now_ms += 10 * BUDGET;
	EXPECT_TRY(&c, 0); /* still running */
	report(&c, LULL_CLASS_ANSWERED);
	EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
	caller_end(&c);

	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	progress(&c, LULL_PROGRESS_ACCEPTED);
	progress(&c, LULL_PROGRESS_CONTENT);
	w.now_ms += 10 * BUDGET;
	report_our_timeout(&c); /* the idle limit */
	EXPECT_DONE(&c, LULL_RESULT_FAILED);
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_ATTEMPT).class_id, LULL_CLASS_TIMEOUT);
	caller_end(&c);
	world_end(&w);
}

static void test_after_headers_the_attempt_may_use_all_that_is_left(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(headers_limit_ms(&c), 35000);
	w.now_ms += 1000;
	progress(&c, LULL_PROGRESS_ACCEPTED);
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(c.step.budget_by_ms, WORLD_START_MS + BUDGET);
	w.now_ms = WORLD_START_MS + BUDGET;
	report_our_timeout(&c);
	EXPECT_DONE(&c, LULL_RESULT_DEADLINE);
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_ATTEMPT).class_id, LULL_CLASS_DEADLINE);
	caller_end(&c);
	world_end(&w);
}

/* ------------------------------------------------------------------ what a time-out of ours proves
 */

/* One attempt of a fresh call that runs into a limit of ours after ran_ms: was it counted? */
static bool timeout_is_counted(struct world *w, uint64_t ran_ms, bool accepted)
{
	uint64_t before = word_bits_of(w, LULL_KIND_ROUTE, w->routes[0].route_key), after;
	struct caller c;

	caller_begin(&c, w);
	EXPECT_TRY(&c, 0);
	if (accepted)
		progress(&c, LULL_PROGRESS_ACCEPTED);
	w->now_ms += ran_ms;
	report_our_timeout(&c);
	caller_end(&c);
	after = word_bits_of(w, LULL_KIND_ROUTE, w->routes[0].route_key);
	(void)lull_key_clear(w->table, LULL_KIND_ROUTE, w->routes[0].route_key, w->now_ms);
	return before != after;
}

static void test_our_timeout_needs_half_the_budget(void)
{
	struct world w;

	world_make(&w, 2);
	CU_ASSERT_FALSE(timeout_is_counted(&w, 22499, false));
	CU_ASSERT(timeout_is_counted(&w, 22500, false));
	w.options.budget_ms = 120000;
	CU_ASSERT_FALSE(timeout_is_counted(&w, 59999, false));
	CU_ASSERT(timeout_is_counted(&w, 60000, false));
	world_end(&w);
}

static void test_our_timeout_is_never_evidence_under_10_s(void)
{
	struct world w;

	world_make(&w, 2);
	w.options.budget_ms = 12000; /* an impatient caller */
	CU_ASSERT_FALSE(timeout_is_counted(&w, 9999, false));
	CU_ASSERT(timeout_is_counted(&w, 10000, false));
	w.options.budget_ms = 100;
	CU_ASSERT_FALSE(timeout_is_counted(&w, 100, false));
	world_end(&w);
}

static void test_our_timeout_is_evidence_after_the_usual_time(void)
{
	struct world w;

	world_make(&w, 2);
	learn(&w, 300, 15000); /* mean 15 s, no deviation left to speak of */
	CU_ASSERT_FALSE(timeout_is_counted(&w, 14999, false));
	learn(&w, 300, 15000); /* forgotten at the time-out */
	CU_ASSERT(timeout_is_counted(&w, 15100, false));
	learn(&w, 300, 100);
	CU_ASSERT_FALSE(timeout_is_counted(&w, 9999, false));
	learn(&w, 300, 100);
	CU_ASSERT(timeout_is_counted(&w, 10000, false));
	world_end(&w);
}

static void test_our_timeout_proves_nothing_on_loopback(void)
{
	struct world w;

	world_make(&w, 2);
	w.routes[0].flags = LULL_ROUTE_LOOPBACK;
	CU_ASSERT_FALSE(timeout_is_counted(&w, 40000, false));
	world_end(&w);
}

/* The vendor's own word is another matter: it says so about itself. */
static void test_a_vendors_timeout_counts_however_short(void)
{
	struct world w;

	world_make(&w, 2);
	w.routes[0].flags = LULL_ROUTE_LOOPBACK;
	meanwhile(&w, LULL_CLASS_TIMEOUT);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ROUTE, 0).strikes, 1);
	world_end(&w);
}

static void test_the_budget_as_a_limit(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 1);
	CU_ASSERT_FALSE(timeout_is_counted(&w, BUDGET, true)); /* it had 2xx headers: deadline */
	CU_ASSERT(timeout_is_counted(&w, BUDGET, false));      /* silent all along: time-out */

	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	w.now_ms += BUDGET;
	report_our_timeout(&c);
	EXPECT_DONE(&c, LULL_RESULT_DEADLINE); /* time ran out, whatever it proved */
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_ATTEMPT).class_id, LULL_CLASS_TIMEOUT);
	caller_end(&c);
	world_end(&w);
}

/* Our limit on connecting, at its usual length or longer, speaks of the server; a shorter one of
 * us. */
static void test_our_limit_on_connecting(void)
{
	static const struct {
		uint64_t ran_ms;
		uint32_t strikes;
	} rows[] = {
		{200, 0},
		{4999, 0},
		{5000, 1},
		{8000, 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lull_outcome outcome = outcome_of(LULL_CLASS_NETWORK);
		struct world w;
		struct caller c;

		world_make(&w, 2);
		outcome.ours = 1;
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 0);
		w.now_ms += rows[i].ran_ms;
		report_outcome(&c, &outcome);
		CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ENDPOINT, 0).strikes, rows[i].strikes);
		EXPECT_TRY(&c, 1);
		caller_end(&c);
		world_end(&w);
	}
}

static void test_the_budget_while_connecting(void)
{
	struct lull_outcome outcome = outcome_of(LULL_CLASS_NETWORK);
	struct world w;
	struct caller c;

	world_make(&w, 2);
	w.options.budget_ms = 3000;
	outcome.ours = 1;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	w.now_ms += 3000;
	report_outcome(&c, &outcome);
	EXPECT_DONE(&c, LULL_RESULT_DEADLINE);
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_ATTEMPT).class_id, LULL_CLASS_DEADLINE);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ENDPOINT, 0).strikes, 0);
	caller_end(&c);
	world_end(&w);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_limits_of_a_plain_step),
		CUNIT_TEST(test_limits_of_a_route),
		CUNIT_TEST(test_a_routes_timeout_is_capped_by_what_is_left),
		CUNIT_TEST(test_one_silent_route_must_not_eat_the_budget),
		CUNIT_TEST(test_only_further_ready_routes_count),
		CUNIT_TEST(test_tutorial_gives_all_that_is_left),
		CUNIT_TEST(test_the_usual_time_is_the_limit),
		CUNIT_TEST(test_the_usual_limit_is_at_least_a_quarter_of_the_budget),
		CUNIT_TEST(test_the_usual_limit_is_at_most_what_is_left),
		CUNIT_TEST(test_the_usual_limit_allows_for_variation),
		CUNIT_TEST(test_the_usual_time_is_forgotten_at_a_timeout),
		CUNIT_TEST(test_a_routes_own_timeout_goes_before_the_usual_time),
		CUNIT_TEST(test_two_silent_routes),
		CUNIT_TEST(test_time_ran_out_before_a_ready_route_was_asked),
		CUNIT_TEST(test_models_ran_out_before_time_did),
		CUNIT_TEST(test_a_cooling_route_is_no_untried_one),
		CUNIT_TEST(test_a_call_that_overslept),
		CUNIT_TEST(test_the_budget_ends_with_the_first_content),
		CUNIT_TEST(test_after_headers_the_attempt_may_use_all_that_is_left),
		CUNIT_TEST(test_our_timeout_needs_half_the_budget),
		CUNIT_TEST(test_our_timeout_is_never_evidence_under_10_s),
		CUNIT_TEST(test_our_timeout_is_evidence_after_the_usual_time),
		CUNIT_TEST(test_our_timeout_proves_nothing_on_loopback),
		CUNIT_TEST(test_a_vendors_timeout_counts_however_short),
		CUNIT_TEST(test_the_budget_as_a_limit),
		CUNIT_TEST(test_our_limit_on_connecting),
		CUNIT_TEST(test_the_budget_while_connecting),
	};

	return CUNIT_MAIN("call: budget", tests);
}
