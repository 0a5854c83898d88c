/* SPDX-License-Identifier: MIT */
/*
 * Which route comes next: the list and its duplicates, further passes and their pauses, retries,
 * the routes that an error leads to, and what ends a call.
 */
#include <errno.h>
#include <string.h>
#include <sys/types.h>

#include "call_fixture.h"
#include "cunit_main.h"

/* ------------------------------------------------------------------ the list */

static void test_primary_then_fallbacks(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 3);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_RATE_LIMITED);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_TRY(&c, 2);
	answer(&c);
	EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
	CU_ASSERT_EQUAL(c.step.exit_code, 0);
	caller_end(&c);
	world_end(&w);
}

static void test_next_repeats_itself(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	w.now_ms += 1000;
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(c.step.budget_by_ms, WORLD_START_MS + LULL_BUDGET_MS);
	CU_ASSERT_EQUAL(entry_count(&c, LULL_TRAIL_ATTEMPT), 1);
	answer(&c);
	EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
	w.now_ms += 3600000;
	EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
	caller_end(&c);
	world_end(&w);
}

static void test_duplicates_are_dropped(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 4);
	w.routes[1].route_key = w.routes[0].route_key; /* by another name, or with other limits */
	w.routes[3].route_key = w.routes[2].route_key;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_RATE_LIMITED);
	EXPECT_TRY(&c, 2);
	report(&c, LULL_CLASS_RATE_LIMITED);
	EXPECT_DONE(&c, LULL_RESULT_FAILED);
	caller_end(&c);
	world_end(&w);
}

/* `lull run A B A`: names only, no routes. */
static void test_duplicate_names_are_dropped(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 3);
	for (uint32_t i = 0; i < 3; i++) {
		lull_route_init(&w.routes[i]);
		w.routes[i].names[0] = i == 1 ? "b" : "a";
	}
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_COMMAND);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_COMMAND);
	EXPECT_DONE(&c, LULL_RESULT_FAILED);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_NAME, 0), 60000);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_NAME, 1), 60000);
	caller_end(&c);
	world_end(&w);
}

/* What `lull run` wraps may do things: once a model, unless a cooldown said to come again. */
static void test_a_command_that_failed_is_not_run_again(void)
{
	struct lull_outcome failed = outcome_of(LULL_CLASS_COMMAND);
	struct world w;
	struct caller c;

	failed.proof = LULL_PROOF_NONE;
	world_make(&w, 2);
	w.options.num_retries = 1;
	w.routes[1].cooldown_ms = 1000;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report_outcome(&c, &failed);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), 0);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_COMMAND);
	EXPECT_SLEEP(&c, 1000, 3000);
	EXPECT_TRY(&c, 1);
	report_outcome(&c, &failed);
	EXPECT_DONE(&c, LULL_RESULT_FAILED);
	caller_end(&c);
	world_end(&w);
}

/* The tutorial's own "bad-model": it maps to nothing, and never leaves the host. */
static void test_unusable_routes_are_passed_over(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	w.routes[0].flags = LULL_ROUTE_UNUSABLE;
	w.routes[0].route_key = NULL;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 1);
	answer(&c);
	EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_UNUSABLE).route, 0);
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_UNUSABLE).class_id, LULL_CLASS_CONFIG);
	caller_end(&c);
	world_end(&w);
}

/* ------------------------------------------------------------------ further passes */

static void test_two_further_passes_after_pauses(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_SLEEP(&c, 250, 750);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_SLEEP(&c, 1000, 3000);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_DONE(&c, LULL_RESULT_FAILED);
	CU_ASSERT_EQUAL(c.step.exit_code, 69);
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_ATTEMPT).pass, 2);
	caller_end(&c);
	world_end(&w);
}

static void test_pauses_are_spread(void)
{
	uint64_t least_ms[2] = {UINT64_MAX, UINT64_MAX}, most_ms[2] = {0, 0};
	struct world w;
	struct caller c;

	world_make(&w, 1);
	for (uint64_t seed = 1; seed <= 500; seed++) {
		w.options.seed = seed;
		caller_begin(&c, &w);
		for (int i = 0; i < 2; i++) {
			uint64_t for_ms;

			EXPECT_TRY(&c, 0);
			report(&c, LULL_CLASS_SERVER_ERROR);
			for_ms = caller_next(&c)->until_ms - w.now_ms;
			least_ms[i] = for_ms < least_ms[i] ? for_ms : least_ms[i];
			most_ms[i] = for_ms > most_ms[i] ? for_ms : most_ms[i];
			w.now_ms = c.step.until_ms;
		}
		caller_end(&c);
		(void)lull_key_clear(w.table, LULL_KIND_ROUTE, w.routes[0].route_key, w.now_ms);
	}
	CU_ASSERT(least_ms[0] >= 250 && least_ms[0] < 260 && most_ms[0] > 740 && most_ms[0] <= 750);
	CU_ASSERT(least_ms[1] >= 1000 && least_ms[1] < 1040 && most_ms[1] > 2960 &&
		  most_ms[1] <= 3000);
	world_end(&w);
}

static void test_no_pass_without_time_for_its_pause(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 1);
	w.options.budget_ms = 200;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_DONE(&c, LULL_RESULT_FAILED);
	CU_ASSERT_EQUAL(c.step.exit_code, 69);
	caller_end(&c);
	world_end(&w);
}

static void test_a_pass_is_for_routes_that_did_not_cool(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 3);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_RATE_LIMITED);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_TRY(&c, 2);
	report(&c, LULL_CLASS_BAD_REQUEST);
	EXPECT_SLEEP(&c, 250, 750);
	EXPECT_TRY(&c, 1);
	answer(&c);
	EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
	caller_end(&c);
	world_end(&w);
}

static void report_hint(struct caller *c, uint32_t class_id, int64_t hint_ms)
{
	struct lull_outcome outcome = outcome_of(class_id);

	outcome.hint_ms = hint_ms;
	report_outcome(c, &outcome);
}

static void test_no_pause_for_a_route_whose_cooldown_has_ended(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report_hint(&c, LULL_CLASS_RATE_LIMITED, 2000);
	EXPECT_TRY(&c, 1);
	w.now_ms += 3000;
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_ATTEMPT).pass, 1);
	report_hint(&c, LULL_CLASS_RATE_LIMITED, 60000);
	EXPECT_SLEEP(&c, 250, 750); /* route 1 never cooled */
	EXPECT_TRY(&c, 1);
	answer(&c);
	caller_end(&c);
	world_end(&w);
}

static void test_without_a_sleep_there_are_two_passes(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	w.options.when_cooling = LULL_WHEN_COOLING_FAIL;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report_hint(&c, LULL_CLASS_RATE_LIMITED, 500);
	for (uint32_t i = 1; i <= 3; i++) { /* while one is asked, the other's cooldown ends */
		EXPECT_TRY(&c, i % 2);
		CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_ATTEMPT).pass, i - 1);
		w.now_ms += 1000;
		report_hint(&c, LULL_CLASS_RATE_LIMITED, 500);
	}
	EXPECT_DONE(&c, LULL_RESULT_FAILED);
	CU_ASSERT_EQUAL(c.step.ready_in_ms, 0);
	caller_end(&c);
	world_end(&w);
}

static void test_a_pass_after_a_sleep_is_free(void)
{
	struct world w;
	struct caller c;
	int attempts = 0;

	world_make(&w, 1);
	caller_begin(&c, &w);
	while (caller_next(&c)->action != LULL_ACTION_DONE) {
		if (c.step.action == LULL_ACTION_SLEEP) {
			w.now_ms = c.step.until_ms;
			continue;
		}
		attempts++;
		report_hint(&c, LULL_CLASS_RATE_LIMITED, 3000);
	}
	CU_ASSERT_EQUAL(c.step.result, LULL_RESULT_FAILED);
	CU_ASSERT(attempts >= 8 && attempts <= 14); /* 3 to 5 s apart, for 40 s */
	CU_ASSERT(w.now_ms <= WORLD_START_MS + LULL_BUDGET_MS);
	caller_end(&c);
	world_end(&w);
}

static void test_an_untried_route_goes_before_the_rest_of_a_pass(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 3);
	cool_by_hand(&w, LULL_KIND_ROUTE, 2, 2000);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_SLEEP(&c, 250, 750);
	EXPECT_TRY(&c, 0);
	w.now_ms += 2000;
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_TRY(&c, 2);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_TRY(&c, 1);
	answer(&c);
	EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
	caller_end(&c);
	world_end(&w);
}

static void test_a_refused_or_local_failure_is_no_candidate_for_a_pass(void)
{
	static const uint32_t classes[] = {LULL_CLASS_BAD_REQUEST, LULL_CLASS_TOO_LARGE,
					   LULL_CLASS_CONTEXT_WINDOW, LULL_CLASS_LOCAL};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		struct world w;
		struct caller c;

		world_make(&w, 1);
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 0);
		report(&c, classes[i]);
		CU_ASSERT_EQUAL(caller_next(&c)->action, LULL_ACTION_DONE);
		caller_end(&c);
		world_end(&w);
	}
}

/* ------------------------------------------------------------------ retries */

static void test_retries_of_the_same_route_are_opt_in(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	w.options.num_retries = 2;
	caller_begin(&c, &w);
	for (int i = 0; i < 3; i++) {
		EXPECT_TRY(&c, 0);
		report(&c, LULL_CLASS_SERVER_ERROR);
	}
	for (int i = 0; i < 3; i++) {
		EXPECT_TRY(&c, 1);
		report(&c, LULL_CLASS_SERVER_ERROR);
	}
	EXPECT_SLEEP(&c, 250, 750);
	EXPECT_TRY(&c, 0);
	answer(&c);
	caller_end(&c);
	world_end(&w);
}

static void test_a_cooled_or_refusing_route_is_not_retried(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 4);
	w.options.num_retries = 2;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_RATE_LIMITED);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_BAD_REQUEST);
	EXPECT_TRY(&c, 2);
	report(&c, LULL_CLASS_LOCAL);
	EXPECT_TRY(&c, 3);
	report(&c, LULL_CLASS_SERVER_ERROR);
	meanwhile(&w, LULL_CLASS_SERVER_ERROR); /* of others' routes: 1, now that 0 is shut */
	EXPECT_TRY(&c, 3);
	caller_end(&c);
	world_end(&w);
}

static void test_a_retry_skips_what_others_have_cooled(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	w.options.num_retries = 2;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_SERVER_ERROR);
	cool_by_hand(&w, LULL_KIND_ROUTE, 0, 60000);
	EXPECT_TRY(&c, 1);
	caller_end(&c);
	world_end(&w);
}

/* ------------------------------------------------------------------ routes that an error leads to
 */

static void test_context_window_fallbacks_come_first(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 3);
	w.routes[2].after_classes = 1u << LULL_CLASS_CONTEXT_WINDOW;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_CONTEXT_WINDOW);
	EXPECT_TRY(&c, 2);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_TRY(&c, 1);
	answer(&c);
	EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
	caller_end(&c);
	world_end(&w);
}

static void test_without_the_error_its_fallbacks_stay_out(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 3);
	w.routes[2].after_classes = 1u << LULL_CLASS_CONTEXT_WINDOW;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_RATE_LIMITED);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_RATE_LIMITED);
	EXPECT_DONE(&c, LULL_RESULT_FAILED);
	caller_end(&c);
	world_end(&w);
}

static void test_content_policy_ends_the_call(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_CONTENT_POLICY);
	EXPECT_DONE(&c, LULL_RESULT_REFUSED);
	CU_ASSERT_EQUAL(c.step.exit_code, 65);
	CU_ASSERT_EQUAL(c.step.class_id, LULL_CLASS_CONTENT_POLICY);
	caller_end(&c);
	world_end(&w);
}

static void test_content_policy_goes_on_where_asked_to(void)
{
	const struct lull_rule next = {LULL_CLASS_CONTENT_POLICY, LULL_UNSET, LULL_UNSET,
				       LULL_GO_NEXT, LULL_UNSET};
	struct world w;
	struct caller c;

	world_make(&w, 2);
	w.options.rules = &next;
	w.options.rule_count = 1;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_CONTENT_POLICY);
	EXPECT_TRY(&c, 1);
	answer(&c);
	EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
	caller_end(&c);
	world_end(&w);
}

static void test_content_policy_fallbacks(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 4);
	w.routes[2].after_classes = 1u << LULL_CLASS_CONTENT_POLICY;
	w.routes[3].after_classes = 1u << LULL_CLASS_CONTENT_POLICY;
	w.routes[3].vendor = w.routes[0].vendor;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_CONTENT_POLICY);
	EXPECT_TRY(&c, 2); /* not 1: only what this error leads to goes on */
	report(&c, LULL_CLASS_RATE_LIMITED);
	EXPECT_TRY(&c, 3);
	answer(&c);
	EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
	caller_end(&c);
	world_end(&w);
}

/* ------------------------------------------------------------------ what ends a call */

static void test_two_vendors_refusing_is_an_answer(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 3);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_BAD_REQUEST);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_BAD_REQUEST);
	EXPECT_DONE(&c, LULL_RESULT_REFUSED);
	CU_ASSERT_EQUAL(c.step.exit_code, 65);
	CU_ASSERT_EQUAL(c.step.class_id, LULL_CLASS_BAD_REQUEST);
	caller_end(&c);
	world_end(&w);
}

/* A driver whose forms cannot carry the request has asked nobody. */
static void test_what_was_not_sent_is_refused_by_nobody(void)
{
	struct lull_outcome unsent = outcome_of(LULL_CLASS_BAD_REQUEST);
	struct world w;
	struct caller c;

	unsent.http_status = 0;
	world_make(&w, 4);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report_outcome(&c, &unsent);
	EXPECT_TRY(&c, 1);
	report_outcome(&c, &unsent);
	EXPECT_TRY(&c, 2);
	report(&c, LULL_CLASS_BAD_REQUEST);
	EXPECT_TRY(&c, 3);
	answer(&c);
	EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
	caller_end(&c);
	world_end(&w);
}

static void test_one_vendor_refusing_twice_is_one(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 4);
	w.routes[0].vendor = w.routes[1].vendor = 7;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_BAD_REQUEST);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_BAD_REQUEST);
	EXPECT_TRY(&c, 2);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_TRY(&c, 3);
	report(&c, LULL_CLASS_CONTENT_POLICY);
	EXPECT_DONE(&c, LULL_RESULT_REFUSED);
	caller_end(&c);
	world_end(&w);
}

static void test_routes_without_a_vendor_are_vendors_of_their_own(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 3);
	w.routes[0].vendor = w.routes[1].vendor = 0;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_BAD_REQUEST);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_BAD_REQUEST);
	EXPECT_DONE(&c, LULL_RESULT_REFUSED);
	caller_end(&c);
	world_end(&w);
}

/* A window or a size is the route's own; the next one may be larger, whatever the vendors say. */
static void test_sizes_are_no_refusals_of_vendors(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 3);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_CONTEXT_WINDOW);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_TOO_LARGE);
	EXPECT_TRY(&c, 2);
	answer(&c);
	EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
	caller_end(&c);
	world_end(&w);
}

static void test_no_fallback_after_content(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	progress(&c, LULL_PROGRESS_CONNECTED);
	progress(&c, LULL_PROGRESS_ACCEPTED);
	progress(&c, LULL_PROGRESS_CONTENT);
	report(&c, LULL_CLASS_TRUNCATED_STREAM);
	EXPECT_DONE(&c, LULL_RESULT_FAILED);
	CU_ASSERT_EQUAL(c.step.exit_code, 69);
	CU_ASSERT_EQUAL(c.step.class_id, LULL_CLASS_TRUNCATED_STREAM);
	caller_end(&c);
	world_end(&w);
}

static void test_fallback_after_headers_without_content(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	progress(&c, LULL_PROGRESS_CONNECTED);
	progress(&c, LULL_PROGRESS_ACCEPTED);
	report(&c, LULL_CLASS_TRUNCATED_STREAM);
	EXPECT_TRY(&c, 1);
	caller_end(&c);
	world_end(&w);
}

static void test_cancelled_suspended_and_deadline_end_the_call(void)
{
	static const struct {
		uint32_t class_id, result;
		int exit_code;
	} rows[] = {
		{LULL_CLASS_CANCELLED, LULL_RESULT_CANCELLED, 130},
		{LULL_CLASS_SUSPENDED, LULL_RESULT_DEADLINE, 124},
		{LULL_CLASS_DEADLINE, LULL_RESULT_DEADLINE, 124},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;
		struct caller c;

		world_make(&w, 2);
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 0);
		report(&c, rows[i].class_id);
		EXPECT_DONE(&c, rows[i].result);
		CU_ASSERT_EQUAL(c.step.exit_code, rows[i].exit_code);
		caller_end(&c);
		world_end(&w);
	}
}

/* Any class may be told to stop or to go on. */
static void test_rules_say_whether_to_go_on(void)
{
	const struct lull_rule rules[] = {
		{LULL_CLASS_SERVER_ERROR, LULL_UNSET, LULL_UNSET, LULL_GO_STOP, LULL_UNSET},
		{LULL_CLASS_COMMAND, LULL_UNSET, LULL_UNSET, LULL_GO_STOP, LULL_UNSET},
	};

	for (int i = 0; i < 2; i++) {
		struct world w;
		struct caller c;

		world_make(&w, 2);
		w.options.rules = rules;
		w.options.rule_count = 2;
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 0);
		report(&c, rules[i].class_id);
		EXPECT_DONE(&c, LULL_RESULT_FAILED);
		caller_end(&c);
		world_end(&w);
	}
}

/* ------------------------------------------------------------------ wrong use */

typedef void (*change_fn)(struct lull_call_options *options);

static void budget_of_0(struct lull_call_options *o)
{
	o->budget_ms = 0;
}

static void budget_over_a_day(struct lull_call_options *o)
{
	o->budget_ms = 86400001;
}

static void unknown_policy(struct lull_call_options *o)
{
	o->policy = 3;
}

static void unknown_when_cooling(struct lull_call_options *o)
{
	o->when_cooling = 3;
}

static void no_soft_failure(struct lull_call_options *o)
{
	o->soft_failures = 0;
}

static void too_many_soft_failures(struct lull_call_options *o)
{
	o->soft_failures = 32;
}

static void too_many_retries(struct lull_call_options *o)
{
	o->num_retries = LULL_RETRIES_MAX + 1;
}

static void cap_under_the_floor(struct lull_call_options *o)
{
	o->max_cooldown_ms = 49;
}

static void cap_over_23_hours(struct lull_call_options *o)
{
	o->max_cooldown_ms = LULL_COOL_FOR_MS_MAX + 1;
}

static void other_abi(struct lull_call_options *o)
{
	o->abi_version = LULL_ABI_VERSION + 1;
}

static void rules_without_an_array(struct lull_call_options *o)
{
	o->rule_count = 1;
}

static void test_options_out_of_range(void)
{
	static const change_fn changes[] = {
		budget_of_0,
		budget_over_a_day,
		unknown_policy,
		unknown_when_cooling,
		no_soft_failure,
		too_many_soft_failures,
		too_many_retries,
		cap_under_the_floor,
		cap_over_23_hours,
		other_abi,
		rules_without_an_array,
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct lull_call *call = NULL;
		struct world w;

		world_make(&w, 1);
		changes[i](&w.options);
		CU_ASSERT_EQUAL(lull_call_begin(&call, w.table, w.routes, 1, &w.options, w.now_ms),
				-EINVAL);
		CU_ASSERT_PTR_NULL(call);
		world_end(&w);
	}
}

static void test_options_at_their_ends(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 1);
	w.options.budget_ms = 1;
	w.options.soft_failures = 31;
	w.options.num_retries = LULL_RETRIES_MAX;
	w.options.max_cooldown_ms = LULL_COOL_FOR_MS_MAX;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(c.step.headers_by_ms, w.now_ms + 1);
	caller_end(&c);
	world_end(&w);
}

static void test_rules_out_of_range(void)
{
	static const struct lull_rule rules[] = {
		{LULL_CLASS_ANSWERED, LULL_UNSET, LULL_UNSET, LULL_UNSET, LULL_UNSET},
		{LULL_CLASS_MANUAL, LULL_UNSET, LULL_UNSET, LULL_UNSET, LULL_UNSET},
		{LULL_CLASS_COUNT, LULL_UNSET, LULL_UNSET, LULL_UNSET, LULL_UNSET},
		{LULL_CLASS_RATE_LIMITED, 3, LULL_UNSET, LULL_UNSET, LULL_UNSET},
		{LULL_CLASS_RATE_LIMITED, LULL_UNSET, 5, LULL_UNSET, LULL_UNSET},
		{LULL_CLASS_RATE_LIMITED, LULL_UNSET, LULL_UNSET, 2, LULL_UNSET},
	};
	struct lull_call *call = NULL;
	struct world w;

	world_make(&w, 1);
	w.options.rule_count = 1;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		w.options.rules = &rules[i];
		CU_ASSERT_EQUAL(lull_call_begin(&call, w.table, w.routes, 1, &w.options, w.now_ms),
				-EINVAL);
	}
	world_end(&w);
}

static void test_a_table_for_reading_takes_no_call(void)
{
	struct lull_table_options read_only;
	struct lull_table *table = NULL;
	struct lull_call *call = NULL;
	struct world w;

	lull_table_options_init(&read_only);
	read_only.name = "lull-no-such-table";
	read_only.flags = LULL_TABLE_READ_ONLY;
	CU_ASSERT_EQUAL_FATAL(lull_table_open(&read_only, &table), 0);
	world_make(&w, 1);
	CU_ASSERT_EQUAL(lull_call_begin(&call, table, w.routes, 1, &w.options, 0), -EROFS);
	world_end(&w);
	lull_table_close(table);
}

static void test_ways_out_of_range(void)
{
	char long_key[LULL_KEY_BYTES_MAX + 2];
	struct lull_way_key way = {1, LULL_KIND_ROUTE, ""};
	struct lull_call *call = NULL;
	struct world w;

	world_make(&w, 1);
	w.routes[0].way_key_count = 1;
	CU_ASSERT_EQUAL(lull_call_begin(&call, w.table, w.routes, 1, &w.options, w.now_ms),
			-EINVAL);
	w.routes[0].ways = &way;
	CU_ASSERT_EQUAL(lull_call_begin(&call, w.table, w.routes, 1, &w.options, w.now_ms),
			-EINVAL);
	memset(long_key, 'x', sizeof(long_key) - 1);
	long_key[sizeof(long_key) - 1] = '\0';
	way.key = long_key;
	CU_ASSERT_EQUAL(lull_call_begin(&call, w.table, w.routes, 1, &w.options, w.now_ms),
			-ENAMETOOLONG);
	CU_ASSERT_PTR_NULL(call);
	world_end(&w);
}

static void test_routes_out_of_range(void)
{
	static char long_key[LULL_KEY_BYTES_MAX + 2];
	struct lull_call *call = NULL;
	struct world w;

	memset(long_key, 'k', sizeof(long_key) - 1);
	world_make(&w, 2);
	CU_ASSERT_EQUAL(lull_call_begin(&call, w.table, w.routes, 0, &w.options, 0), -EINVAL);
	CU_ASSERT_EQUAL(
		lull_call_begin(&call, w.table, w.routes, LULL_ROUTES_MAX + 1, &w.options, 0),
		-EINVAL);
	CU_ASSERT_EQUAL(lull_call_begin(&call, NULL, w.routes, 1, &w.options, 0), -EINVAL);
	CU_ASSERT_EQUAL(lull_call_begin(&call, w.table, NULL, 1, &w.options, 0), -EINVAL);
	CU_ASSERT_EQUAL(lull_call_begin(&call, w.table, w.routes, 1, NULL, 0), -EINVAL);
	CU_ASSERT_EQUAL(lull_call_begin(NULL, w.table, w.routes, 1, &w.options, 0), -EINVAL);
	w.routes[1].credential_key = long_key;
	CU_ASSERT_EQUAL(lull_call_begin(&call, w.table, w.routes, 2, &w.options, 0), -ENAMETOOLONG);
	w.routes[1].credential_key = NULL;
	w.routes[1].names[2] = "with a\ttab";
	CU_ASSERT_EQUAL(lull_call_begin(&call, w.table, w.routes, 2, &w.options, 0), -EINVAL);
	w.routes[1].names[2] = NULL;
	w.routes[1].abi_version = 0;
	CU_ASSERT_EQUAL(lull_call_begin(&call, w.table, w.routes, 2, &w.options, 0), -EINVAL);
	lull_route_init(&w.routes[1]); /* nothing to charge a failure to */
	CU_ASSERT_EQUAL(lull_call_begin(&call, w.table, w.routes, 2, &w.options, 0), -EINVAL);
	CU_ASSERT_PTR_NULL(call);
	world_end(&w);
}

static void test_steps_out_of_turn(void)
{
	struct lull_outcome outcome = outcome_of(LULL_CLASS_RATE_LIMITED);
	struct world w;
	struct caller c;

	world_make(&w, 1);
	caller_begin(&c, &w);
	CU_ASSERT_EQUAL(lull_call_report(c.call, w.now_ms, &outcome), -EINVAL);
	CU_ASSERT_EQUAL(lull_call_progress(c.call, w.now_ms, LULL_PROGRESS_CONNECTED), -EINVAL);
	CU_ASSERT_EQUAL(lull_call_next(NULL, w.now_ms, &c.step), -EINVAL);
	CU_ASSERT_EQUAL(lull_call_next(c.call, w.now_ms, NULL), -EINVAL);
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(lull_call_progress(c.call, w.now_ms, LULL_PROGRESS_RUNNING + 1), -EINVAL);
	CU_ASSERT_EQUAL(lull_call_progress(c.call, w.now_ms, 0), -EINVAL);
	CU_ASSERT_EQUAL(lull_call_progress(NULL, w.now_ms, LULL_PROGRESS_CONNECTED), -EINVAL);
	CU_ASSERT_EQUAL(lull_call_report(c.call, w.now_ms, NULL), -EINVAL);
	CU_ASSERT_EQUAL(lull_call_report(NULL, w.now_ms, &outcome), -EINVAL);
	outcome.class_id = LULL_CLASS_CONFIG; /* never leaves the host */
	CU_ASSERT_EQUAL(lull_call_report(c.call, w.now_ms, &outcome), -EINVAL);
	outcome.class_id = LULL_CLASS_MANUAL;
	CU_ASSERT_EQUAL(lull_call_report(c.call, w.now_ms, &outcome), -EINVAL);
	outcome.class_id = LULL_CLASS_COUNT;
	CU_ASSERT_EQUAL(lull_call_report(c.call, w.now_ms, &outcome), -EINVAL);
	outcome = outcome_of(LULL_CLASS_RATE_LIMITED);
	outcome.abi_version = 0;
	CU_ASSERT_EQUAL(lull_call_report(c.call, w.now_ms, &outcome), -EINVAL);
	EXPECT_TRY(&c, 0);
	caller_end(&c);
	lull_call_end(NULL, w.now_ms);
	world_end(&w);
}

ssize_t __wrap_getrandom(void *buffer, size_t size, unsigned flags);
ssize_t __real_getrandom(void *buffer, size_t size, unsigned flags);

static bool randomness_is_refused;

ssize_t __wrap_getrandom(void *buffer, size_t size, unsigned flags)
{
	if (!randomness_is_refused)
		return __real_getrandom(buffer, size, flags);
	errno = ENOSYS;
	return -1;
}

/* Without a seed the pauses come from the kernel: two calls do not pause alike for ever. */
static void test_seed_from_the_kernel(void)
{
	struct world w;
	struct caller c;
	uint64_t first_ms = 0;
	int others = 0;

	world_make(&w, 1);
	w.options.seed = 0;
	for (int i = 0; i < 20; i++) {
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 0);
		report(&c, LULL_CLASS_TIMEOUT);
		(void)caller_next(&c);
		first_ms = first_ms ? first_ms : c.step.until_ms;
		others += c.step.until_ms != first_ms;
		caller_end(&c);
		(void)lull_key_clear(w.table, LULL_KIND_ROUTE, w.routes[0].route_key, w.now_ms);
	}
	CU_ASSERT(others > 0);
	world_end(&w);
}

/* A kernel or a sandbox that gives no randomness costs the spread, not the call. */
static void test_no_seed_from_the_kernel(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 1);
	w.options.seed = 0;
	randomness_is_refused = true;
	caller_begin(&c, &w);
	randomness_is_refused = false;
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_SLEEP(&c, 250, 750);
	caller_end(&c);
	world_end(&w);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_primary_then_fallbacks),
		CUNIT_TEST(test_next_repeats_itself),
		CUNIT_TEST(test_duplicates_are_dropped),
		CUNIT_TEST(test_duplicate_names_are_dropped),
		CUNIT_TEST(test_a_command_that_failed_is_not_run_again),
		CUNIT_TEST(test_unusable_routes_are_passed_over),
		CUNIT_TEST(test_two_further_passes_after_pauses),
		CUNIT_TEST(test_pauses_are_spread),
		CUNIT_TEST(test_no_pass_without_time_for_its_pause),
		CUNIT_TEST(test_a_pass_is_for_routes_that_did_not_cool),
		CUNIT_TEST(test_no_pause_for_a_route_whose_cooldown_has_ended),
		CUNIT_TEST(test_without_a_sleep_there_are_two_passes),
		CUNIT_TEST(test_a_pass_after_a_sleep_is_free),
		CUNIT_TEST(test_an_untried_route_goes_before_the_rest_of_a_pass),
		CUNIT_TEST(test_a_refused_or_local_failure_is_no_candidate_for_a_pass),
		CUNIT_TEST(test_retries_of_the_same_route_are_opt_in),
		CUNIT_TEST(test_a_cooled_or_refusing_route_is_not_retried),
		CUNIT_TEST(test_a_retry_skips_what_others_have_cooled),
		CUNIT_TEST(test_context_window_fallbacks_come_first),
		CUNIT_TEST(test_without_the_error_its_fallbacks_stay_out),
		CUNIT_TEST(test_content_policy_ends_the_call),
		CUNIT_TEST(test_content_policy_goes_on_where_asked_to),
		CUNIT_TEST(test_content_policy_fallbacks),
		CUNIT_TEST(test_two_vendors_refusing_is_an_answer),
		CUNIT_TEST(test_what_was_not_sent_is_refused_by_nobody),
		CUNIT_TEST(test_one_vendor_refusing_twice_is_one),
		CUNIT_TEST(test_routes_without_a_vendor_are_vendors_of_their_own),
		CUNIT_TEST(test_sizes_are_no_refusals_of_vendors),
		CUNIT_TEST(test_no_fallback_after_content),
		CUNIT_TEST(test_fallback_after_headers_without_content),
		CUNIT_TEST(test_cancelled_suspended_and_deadline_end_the_call),
		CUNIT_TEST(test_rules_say_whether_to_go_on),
		CUNIT_TEST(test_options_out_of_range),
		CUNIT_TEST(test_options_at_their_ends),
		CUNIT_TEST(test_rules_out_of_range),
		CUNIT_TEST(test_routes_out_of_range),
		CUNIT_TEST(test_ways_out_of_range),
		CUNIT_TEST(test_a_table_for_reading_takes_no_call),
		CUNIT_TEST(test_steps_out_of_turn),
		CUNIT_TEST(test_seed_from_the_kernel),
		CUNIT_TEST(test_no_seed_from_the_kernel),
	};

	return CUNIT_MAIN("call: order", tests);
}
