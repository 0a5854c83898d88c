/* SPDX-License-Identifier: MIT */
/*
 * Soft failures: proof that may be chance. What is in a row over all processes of the host, what a
 * success in between clears, and when a third failure says nothing because most others went well.
 */
#include "call_fixture.h"
#include "cunit_main.h"

#define MINUTE UINT64_C(60000)

static uint32_t count_of(const struct world *w)
{
	return key_state(w, LULL_KIND_ROUTE, 0).strikes;
}

static bool is_cooling(const struct world *w)
{
	return shut_ms(w, LULL_KIND_ROUTE, 0) > 0;
}

/* Another process's attempt at route 0, from start to end. */
static void attempt(struct world *w, uint64_t ran_ms, uint32_t class_id)
{
	struct caller c;

	w->now_ms += 1;
	caller_begin(&c, w);
	EXPECT_TRY(&c, 0);
	w->now_ms += ran_ms;
	report(&c, class_id);
	caller_end(&c);
}

static void attempt_answered(struct world *w)
{
	struct caller c;

	w->now_ms += 1;
	caller_begin(&c, w);
	EXPECT_TRY(&c, 0);
	w->now_ms += 100;
	answer(&c);
	caller_end(&c);
}

/* ------------------------------------------------------------------ in a row */

static void test_three_processes_in_a_row(void)
{
	struct world w;

	world_make(&w, 1);
	for (uint32_t i = 1; i < 3; i++) {
		attempt(&w, 1000, LULL_CLASS_SERVER_ERROR);
		CU_ASSERT_EQUAL(count_of(&w), i);
		CU_ASSERT_FALSE(is_cooling(&w));
	}
	attempt(&w, 1000, LULL_CLASS_SERVER_ERROR);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), MINUTE);
	world_end(&w);
}

static void test_the_count_that_cools_is_configured(void)
{
	static const uint32_t counts[] = {1, 2, 5, 31};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct world w;

		world_make(&w, 1);
		w.options.soft_failures = counts[i];
		for (uint32_t n = 1; n <= counts[i]; n++) {
			CU_ASSERT_FALSE(is_cooling(&w));
			attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
		}
		CU_ASSERT(is_cooling(&w));
		world_end(&w);
	}
}

static void test_different_classes_are_in_one_row(void)
{
	struct world w;

	world_make(&w, 1);
	attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
	attempt(&w, 10, LULL_CLASS_MALFORMED_RESPONSE);
	attempt(&w, 10, LULL_CLASS_OVERLOADED);
	CU_ASSERT(is_cooling(&w));
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ROUTE, 0).cause, LULL_CLASS_OVERLOADED);
	world_end(&w);
}

static void test_sixteen_on_one_connection_are_one_failure(void)
{
	struct caller c[16];
	struct world w;

	world_make(&w, 1);
	for (int i = 0; i < 16; i++) {
		caller_begin(&c[i], &w);
		EXPECT_TRY(&c[i], 0);
	}
	w.now_ms += 1000;
	for (int i = 0; i < 16; i++) {
		report(&c[i], LULL_CLASS_SERVER_ERROR);
		caller_end(&c[i]);
	}
	CU_ASSERT_EQUAL(count_of(&w), 1);
	world_end(&w);
}

/* Begun after the failure before was reported: not with it, and not before. */
static void test_overlapping_attempts_are_not_in_a_row(void)
{
	struct caller before, after;
	struct world w;

	world_make(&w, 1);
	caller_begin(&before, &w);
	EXPECT_TRY(&before, 0);
	w.now_ms += 1;
	attempt(&w, 1000, LULL_CLASS_SERVER_ERROR);
	w.now_ms += 1000;
	report(&before, LULL_CLASS_SERVER_ERROR);
	CU_ASSERT_EQUAL(count_of(&w), 1);
	caller_begin(&after, &w);
	EXPECT_TRY(&after, 0);
	report(&after, LULL_CLASS_SERVER_ERROR);
	CU_ASSERT_EQUAL(count_of(&w), 2);
	caller_end(&before);
	caller_end(&after);
	world_end(&w);
}

static void test_a_minute_apart_is_not_in_a_row(void)
{
	struct world w;

	world_make(&w, 1);
	attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
	w.now_ms += MINUTE - 10;
	attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
	CU_ASSERT_EQUAL(count_of(&w), 2);
	w.now_ms += MINUTE + 1;
	attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
	CU_ASSERT_EQUAL(count_of(&w), 1);
	CU_ASSERT_FALSE(is_cooling(&w));
	world_end(&w);
}

/* It began inside the minute; that it took long does not matter. */
static void test_a_slow_failure_is_in_the_row_it_began_in(void)
{
	struct world w;

	world_make(&w, 1);
	w.options.budget_ms = 120000;
	attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
	attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
	w.now_ms += MINUTE - 1000;
	attempt(&w, 20000, LULL_CLASS_SERVER_ERROR);
	CU_ASSERT(is_cooling(&w));
	world_end(&w);
}

static void test_the_attempts_of_one_call_count_once(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 1);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_SERVER_ERROR);
	for (int pass = 0; pass < 2; pass++) {
		(void)caller_next(&c);
		w.now_ms = c.step.until_ms;
		EXPECT_TRY(&c, 0);
		w.now_ms += 100;
		report(&c, LULL_CLASS_SERVER_ERROR);
	}
	EXPECT_DONE(&c, LULL_RESULT_FAILED);
	CU_ASSERT_EQUAL(count_of(&w), 1);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ROUTE, 0).failures, 3);
	caller_end(&c);
	world_end(&w);
}

/* One server, two models of it in the list: what resets is the server, once. */
static void test_one_call_counts_once_on_a_key_of_two_routes(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	w.routes[1].endpoint_key = w.routes[0].endpoint_key;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_NETWORK);
	w.now_ms += 10;
	EXPECT_TRY(&c, 1);
	w.now_ms += 10;
	report(&c, LULL_CLASS_NETWORK);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ENDPOINT, 0).strikes, 1);
	caller_end(&c);
	world_end(&w);
}

/* An attempt that was not in a row does not use up the call's one count. */
static void test_an_uncounted_attempt_leaves_the_calls_count(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 1);
	w.options.num_retries = 1;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	w.now_ms += 10;
	w.options.num_retries = 0;
	attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
	report(&c, LULL_CLASS_SERVER_ERROR); /* begun before that was reported */
	CU_ASSERT_EQUAL(count_of(&w), 1);
	w.now_ms += 10;
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_SERVER_ERROR);
	CU_ASSERT_EQUAL(count_of(&w), 2);
	caller_end(&c);
	world_end(&w);
}

/* ------------------------------------------------------------------ successes in between */

static void test_a_success_in_between_clears_the_count(void)
{
	struct world w;

	world_make(&w, 1);
	attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
	attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
	attempt_answered(&w);
	CU_ASSERT_EQUAL(count_of(&w), 0);
	attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
	attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
	CU_ASSERT_FALSE(is_cooling(&w));
	world_end(&w);
}

static void test_headers_clear_the_count_at_once(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 1);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0); /* begun before the failure, but its headers come after it */
	w.now_ms += 5;
	attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
	w.now_ms += 10;
	progress(&c, LULL_PROGRESS_ACCEPTED);
	CU_ASSERT_EQUAL(count_of(&w), 0);
	caller_end(&c);
	world_end(&w);
}

static void test_headers_from_before_the_failure_clear_nothing(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 1);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	w.now_ms += 5;
	progress(&c, LULL_PROGRESS_ACCEPTED);
	attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
	w.now_ms += 1000;
	report(&c, LULL_CLASS_ANSWERED); /* the answer is new, but what it proves is older */
	CU_ASSERT_EQUAL(count_of(&w), 1);
	caller_end(&c);
	world_end(&w);
}

static void fail_after_headers(struct world *w, uint32_t class_id)
{
	struct caller c;

	w->now_ms += 1;
	caller_begin(&c, w);
	EXPECT_TRY(&c, 0);
	progress(&c, LULL_PROGRESS_ACCEPTED);
	w->now_ms += 100;
	report(&c, class_id);
	caller_end(&c);
}

static void test_failures_after_headers_are_cleared_by_an_answer_only(void)
{
	static const uint32_t classes[] = {LULL_CLASS_MALFORMED_RESPONSE,
					   LULL_CLASS_TRUNCATED_STREAM};

	for (size_t i = 0; i < 2; i++) {
		struct world w;
		struct caller c;

		world_make(&w, 1);
		fail_after_headers(&w, classes[i]);
		fail_after_headers(&w, classes[i]);
		CU_ASSERT_EQUAL(count_of(&w), 2); /* though each had headers */
		w.now_ms += 1;
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 0);
		w.now_ms += 1;
		progress(&c, LULL_PROGRESS_ACCEPTED);
		CU_ASSERT_EQUAL(count_of(&w), 2);
		report(&c, LULL_CLASS_ANSWERED);
		CU_ASSERT_EQUAL(count_of(&w), 0);
		caller_end(&c);
		world_end(&w);
	}
}

static void test_three_cut_streams_cool(void)
{
	struct world w;

	world_make(&w, 1);
	for (int i = 0; i < 3; i++)
		fail_after_headers(&w, LULL_CLASS_TRUNCATED_STREAM);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), MINUTE);
	world_end(&w);
}

/* Any status line is a word of the endpoint's: it works. */
static void test_a_status_line_clears_an_endpoints_count(void)
{
	struct world w;

	world_make(&w, 1);
	attempt(&w, 10, LULL_CLASS_NETWORK);
	attempt(&w, 10, LULL_CLASS_NETWORK);
	attempt(&w, 10, LULL_CLASS_RATE_LIMITED);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ENDPOINT, 0).strikes, 0);
	world_end(&w);
}

static void test_a_connection_clears_no_count(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 1);
	attempt(&w, 10, LULL_CLASS_NETWORK); /* empty replies: they too had a connection */
	w.now_ms += 10;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	w.now_ms += 10;
	progress(&c, LULL_PROGRESS_CONNECTED);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ENDPOINT, 0).strikes, 1);
	report(&c, LULL_CLASS_NETWORK);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ENDPOINT, 0).strikes, 2);
	caller_end(&c);
	world_end(&w);
}

static void test_a_refused_request_clears_no_count(void)
{
	struct world w;

	world_make(&w, 1);
	attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
	attempt(&w, 10, LULL_CLASS_BAD_REQUEST);
	CU_ASSERT_EQUAL(count_of(&w), 1);
	world_end(&w);
}

/* ------------------------------------------------------------------ what a count is not */

static void test_a_hard_failure_does_not_inherit_the_window(void)
{
	struct lull_outcome outcome = outcome_of(LULL_CLASS_RATE_LIMITED);
	struct world w;

	world_make(&w, 1);
	attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
	outcome.hint_ms = 200;
	meanwhile_outcome(&w, &outcome);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), 200);
	world_end(&w);
}

static void test_a_straggler_neither_lengthens_nor_opens(void)
{
	struct caller c[2];
	struct world w;
	uint64_t before;

	world_make(&w, 2);
	for (int i = 0; i < 2; i++) {
		caller_begin(&c[i], &w);
		EXPECT_TRY(&c[i], 0);
	}
	meanwhile(&w, LULL_CLASS_RATE_LIMITED);
	before = word_bits_of(&w, LULL_KIND_ROUTE, w.routes[0].route_key);
	w.now_ms += 30000;
	report(&c[0], LULL_CLASS_SERVER_ERROR); /* live */
	w.now_ms += 30000;
	report(&c[1], LULL_CLASS_SERVER_ERROR); /* ended, not yet probed */
	CU_ASSERT_EQUAL(word_bits_of(&w, LULL_KIND_ROUTE, w.routes[0].route_key), before);
	for (int i = 0; i < 2; i++)
		caller_end(&c[i]);
	world_end(&w);
}

/* ------------------------------------------------------------------ the ratio */

/* Attempts that begin in between and run on: what they find is not known when the third fails. */
static void test_a_third_among_many_attempts_cools_nothing(void)
{
	for (int others = 0; others <= 6; others++) {
		struct caller running[6];
		struct world w;

		world_make(&w, 1);
		attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
		for (int i = 0; i < others; i++) {
			w.now_ms += 1;
			caller_begin(&running[i], &w);
			EXPECT_TRY(&running[i], 0);
		}
		attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
		attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
		/* 2 failed of the 2 + others begun since the first was reported */
		CU_ASSERT_EQUAL(is_cooling(&w), 2 * 3 >= 2 + others);
		if (others > 4)
			CU_ASSERT_EQUAL(count_of(&w), 3);
		if (others > 4)
			attempt(&w, 10, LULL_CLASS_SERVER_ERROR); /* 3 of 3 + others */
		CU_ASSERT(is_cooling(&w));
		for (int i = 0; i < others; i++)
			caller_end(&running[i]);
		world_end(&w);
	}
}

/* An outage that everybody meets is one, however many meet it at once. */
static void test_overlapping_failures_are_failures_of_the_ratio(void)
{
	struct caller c[10];
	struct world w;

	world_make(&w, 1);
	attempt(&w, 10, LULL_CLASS_SERVER_ERROR);
	for (int round = 0; round < 2; round++) {
		w.now_ms += 10;
		for (int i = 0; i < 10; i++) {
			caller_begin(&c[i], &w);
			EXPECT_TRY(&c[i], 0);
		}
		w.now_ms += 1000;
		for (int i = 0; i < 10; i++) {
			report(&c[i], LULL_CLASS_SERVER_ERROR);
			caller_end(&c[i]);
		}
	}
	/* the third in a row: the 11th of 20 begun has failed */
	CU_ASSERT(is_cooling(&w));
	world_end(&w);
}

/* With num_retries: 3, a dead route is seen to be dead all the same. */
static void test_retries_are_failures_of_the_ratio(void)
{
	for (uint32_t retries = 0; retries <= 5; retries++) {
		struct world w;

		world_make(&w, 1);
		w.options.num_retries = retries;
		w.options.budget_ms = 200; /* no time for further passes */
		for (int i = 0; i < 3; i++) {
			struct caller c;

			CU_ASSERT_FALSE(is_cooling(&w));
			caller_begin(&c, &w);
			while (caller_next(&c)->action == LULL_ACTION_TRY) {
				w.now_ms += 10;
				report(&c, LULL_CLASS_SERVER_ERROR);
			}
			caller_end(&c);
			w.now_ms += 10;
		}
		CU_ASSERT(is_cooling(&w));
		world_end(&w);
	}
}

/* ------------------------------------------------------------------ our own time-outs */

static void test_our_timeouts_count_a_second_apart_whenever_they_began(void)
{
	struct caller c[4];
	struct world w;

	world_make(&w, 1);
	for (int i = 0; i < 4; i++) { /* all within a second of each other */
		caller_begin(&c[i], &w);
		EXPECT_TRY(&c[i], 0);
		w.now_ms += 300;
	}
	w.now_ms = WORLD_START_MS + 30000;
	report_our_timeout(&c[0]);
	w.now_ms += 999;
	report_our_timeout(&c[1]);
	CU_ASSERT_EQUAL(count_of(&w), 1);
	w.now_ms += 1;
	report_our_timeout(&c[2]);
	CU_ASSERT_EQUAL(count_of(&w), 2);
	w.now_ms += 1000;
	report_our_timeout(&c[3]);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), MINUTE);
	for (int i = 0; i < 4; i++)
		caller_end(&c[i]);
	world_end(&w);
}

/* A silent route: by the time the first ones are reported, many more have begun. */
static void test_our_timeouts_need_no_ratio(void)
{
	struct caller c[33];
	struct world w;
	int n = 0;

	world_make(&w, 1);
	for (n = 0; n < 33; n++) {
		caller_begin(&c[n], &w);
		EXPECT_TRY(&c[n], 0);
		w.now_ms += 1000;
		if (n >= 30)
			report_our_timeout(&c[n - 30]);
		CU_ASSERT_EQUAL(is_cooling(&w), n == 32);
	}
	while (n-- > 0)
		caller_end(&c[n]);
	world_end(&w);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_three_processes_in_a_row),
		CUNIT_TEST(test_the_count_that_cools_is_configured),
		CUNIT_TEST(test_different_classes_are_in_one_row),
		CUNIT_TEST(test_sixteen_on_one_connection_are_one_failure),
		CUNIT_TEST(test_overlapping_attempts_are_not_in_a_row),
		CUNIT_TEST(test_a_minute_apart_is_not_in_a_row),
		CUNIT_TEST(test_a_slow_failure_is_in_the_row_it_began_in),
		CUNIT_TEST(test_the_attempts_of_one_call_count_once),
		CUNIT_TEST(test_one_call_counts_once_on_a_key_of_two_routes),
		CUNIT_TEST(test_an_uncounted_attempt_leaves_the_calls_count),
		CUNIT_TEST(test_a_success_in_between_clears_the_count),
		CUNIT_TEST(test_headers_clear_the_count_at_once),
		CUNIT_TEST(test_headers_from_before_the_failure_clear_nothing),
		CUNIT_TEST(test_failures_after_headers_are_cleared_by_an_answer_only),
		CUNIT_TEST(test_three_cut_streams_cool),
		CUNIT_TEST(test_a_status_line_clears_an_endpoints_count),
		CUNIT_TEST(test_a_connection_clears_no_count),
		CUNIT_TEST(test_a_refused_request_clears_no_count),
		CUNIT_TEST(test_a_hard_failure_does_not_inherit_the_window),
		CUNIT_TEST(test_a_straggler_neither_lengthens_nor_opens),
		CUNIT_TEST(test_a_third_among_many_attempts_cools_nothing),
		CUNIT_TEST(test_overlapping_failures_are_failures_of_the_ratio),
		CUNIT_TEST(test_retries_are_failures_of_the_ratio),
		CUNIT_TEST(test_our_timeouts_count_a_second_apart_whenever_they_began),
		CUNIT_TEST(test_our_timeouts_need_no_ratio),
	};

	return CUNIT_MAIN("call: soft failures", tests);
}
