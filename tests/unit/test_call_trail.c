/* SPDX-License-Identifier: MIT */
/*
 * The trail: what a call tried or skipped, why, and how long each took.
 */
#include <errno.h>
#include <string.h>

#include "call_fixture.h"
#include "cunit_main.h"

#define MINUTE UINT64_C(60000)

static struct lull_trail_entry entry_at(const struct caller *c, uint32_t index)
{
	struct lull_trail_entry entry = {0};

	CU_ASSERT_EQUAL(lull_call_trail_at(c->call, index, &entry), 0);
	CU_ASSERT_EQUAL(entry.abi_version, LULL_ABI_VERSION);
	return entry;
}

static void test_an_attempt_and_all_that_is_known_of_it(void)
{
	struct lull_outcome outcome = outcome_of(LULL_CLASS_RATE_LIMITED);
	struct lull_trail_entry entry;
	struct world w;
	struct caller c;

	world_make(&w, 2);
	caller_begin(&c, &w);
	w.now_ms += 10;
	EXPECT_TRY(&c, 0);
	w.now_ms += 700;
	outcome.hint_ms = 30000;
	outcome.detail = "Rate limit reached for gpt-4o";
	report_outcome(&c, &outcome);
	entry = entry_at(&c, 0);
	CU_ASSERT_EQUAL(entry.type, LULL_TRAIL_ATTEMPT);
	CU_ASSERT_EQUAL(entry.route, 0);
	CU_ASSERT_EQUAL(entry.pass, 0);
	CU_ASSERT_EQUAL(entry.at_ms, 10);
	CU_ASSERT_EQUAL(entry.for_ms, 700);
	CU_ASSERT_EQUAL(entry.class_id, LULL_CLASS_RATE_LIMITED);
	CU_ASSERT_EQUAL(entry.http_status, 429);
	CU_ASSERT_EQUAL(entry.cooled_kind, LULL_KIND_ROUTE);
	CU_ASSERT_EQUAL(entry.ready_in_ms, 30000);
	CU_ASSERT_EQUAL(entry.soft_count, 0);
	CU_ASSERT_EQUAL(entry.probe, 0);
	CU_ASSERT_EQUAL(entry.resent, 0);
	CU_ASSERT_EQUAL(entry.headers_ms, LULL_NEVER);
	CU_ASSERT_EQUAL(entry.content_ms, LULL_NEVER);
	CU_ASSERT_STRING_EQUAL(entry.detail, "Rate limit reached for gpt-4o");
	caller_end(&c);
	world_end(&w);
}

static void test_an_answer_and_its_times(void)
{
	struct lull_trail_entry entry;
	struct world w;
	struct caller c;

	world_make(&w, 1);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	w.now_ms += 20;
	progress(&c, LULL_PROGRESS_CONNECTED);
	w.now_ms += 300;
	progress(&c, LULL_PROGRESS_ACCEPTED);
	w.now_ms += 5;
	progress(&c, LULL_PROGRESS_ACCEPTED); /* said twice: the first counts */
	w.now_ms += 100;
	progress(&c, LULL_PROGRESS_CONTENT);
	w.now_ms += 2000;
	progress(&c, LULL_PROGRESS_CONTENT);
	report(&c, LULL_CLASS_ANSWERED);
	entry = entry_at(&c, 0);
	CU_ASSERT_EQUAL(entry.class_id, LULL_CLASS_ANSWERED);
	CU_ASSERT_EQUAL(entry.headers_ms, 320);
	CU_ASSERT_EQUAL(entry.content_ms, 425);
	CU_ASSERT_EQUAL(entry.for_ms, 2425);
	CU_ASSERT_EQUAL(entry.cooled_kind, LULL_KIND_NONE);
	caller_end(&c);
	world_end(&w);
}

static void test_soft_counts_and_what_they_lead_to(void)
{
	struct lull_trail_entry entry;
	struct world w;
	struct caller c;

	world_make(&w, 1);
	for (uint32_t i = 1; i <= 3; i++) {
		w.now_ms += 10;
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 0);
		report(&c, LULL_CLASS_SERVER_ERROR);
		entry = last_entry(&c, LULL_TRAIL_ATTEMPT);
		CU_ASSERT_EQUAL(entry.soft_count, i < 3 ? i : 0);
		CU_ASSERT_EQUAL(entry.cooled_kind, i < 3 ? LULL_KIND_NONE : LULL_KIND_ROUTE);
		CU_ASSERT_EQUAL(entry.ready_in_ms, i < 3 ? 0 : MINUTE);
		caller_end(&c);
	}
	world_end(&w);
}

static void test_a_cooldown_begins_with_one_attempt(void)
{
	struct world w;
	struct caller first, second;

	world_make(&w, 1);
	caller_begin(&first, &w);
	caller_begin(&second, &w);
	EXPECT_TRY(&first, 0);
	EXPECT_TRY(&second, 0);
	report(&first, LULL_CLASS_RATE_LIMITED);
	report(&second, LULL_CLASS_RATE_LIMITED);
	CU_ASSERT_EQUAL(last_entry(&first, LULL_TRAIL_ATTEMPT).cooled_first, 1);
	CU_ASSERT_EQUAL(last_entry(&second, LULL_TRAIL_ATTEMPT).cooled_kind, LULL_KIND_ROUTE);
	CU_ASSERT_EQUAL(last_entry(&second, LULL_TRAIL_ATTEMPT).cooled_first, 0);
	caller_end(&first);
	caller_end(&second);
	world_end(&w);
}

static void test_a_resent_request_is_told_and_no_evidence(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 1);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	progress(&c, LULL_PROGRESS_RESENT);
	CU_ASSERT_EQUAL(word_bits_of(&w, LULL_KIND_ENDPOINT, w.routes[0].endpoint_key), 0);
	answer(&c);
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_ATTEMPT).resent, 1);
	CU_ASSERT_EQUAL(entry_count(&c, LULL_TRAIL_ATTEMPT), 1);
	caller_end(&c);
	world_end(&w);
}

static void test_a_skip_says_which_key_and_why(void)
{
	struct lull_trail_entry entry;
	struct world w;
	struct caller c;

	world_make(&w, 3);
	meanwhile(&w, LULL_CLASS_QUOTA_EXHAUSTED);
	w.now_ms += 1000;
	(void)lull_key_hold(w.table, LULL_KIND_ENDPOINT, w.routes[1].endpoint_key, w.now_ms);
	caller_begin(&c, &w);
	w.now_ms += 5;
	EXPECT_TRY(&c, 2);
	entry = entry_at(&c, 0);
	CU_ASSERT_EQUAL(entry.type, LULL_TRAIL_SKIP);
	CU_ASSERT_EQUAL(entry.route, 0);
	CU_ASSERT_EQUAL(entry.at_ms, 5);
	CU_ASSERT_EQUAL(entry.cooled_kind, LULL_KIND_CREDENTIAL);
	CU_ASSERT_EQUAL(entry.class_id, LULL_CLASS_QUOTA_EXHAUSTED);
	CU_ASSERT_EQUAL(entry.http_status, 402);
	CU_ASSERT_EQUAL(entry.state, LULL_STATE_COOLING);
	CU_ASSERT_EQUAL(entry.ready_in_ms, 600000 - 1005);
	entry = entry_at(&c, 1);
	CU_ASSERT_EQUAL(entry.route, 1);
	CU_ASSERT_EQUAL(entry.cooled_kind, LULL_KIND_ENDPOINT);
	CU_ASSERT_EQUAL(entry.class_id, LULL_CLASS_MANUAL);
	CU_ASSERT_EQUAL(entry.state, LULL_STATE_HELD);
	CU_ASSERT_EQUAL(entry.ready_in_ms, LULL_NEVER);
	caller_end(&c);
	world_end(&w);
}

/* Of several keys that are shut, the one that keeps the route shut longest is told. */
static void test_the_longest_of_several_is_told(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	cool_by_hand(&w, LULL_KIND_ROUTE, 0, 1000);
	cool_by_hand(&w, LULL_KIND_CREDENTIAL, 0, 3000);
	cool_by_hand(&w, LULL_KIND_ENDPOINT, 0, 2000);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 1);
	CU_ASSERT_EQUAL(entry_at(&c, 0).cooled_kind, LULL_KIND_CREDENTIAL);
	CU_ASSERT_EQUAL(entry_at(&c, 0).ready_in_ms, 3000);
	caller_end(&c);
	world_end(&w);
}

static void test_a_skip_is_told_once_between_attempts(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 3);
	cool_by_hand(&w, LULL_KIND_ROUTE, 0, MINUTE);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_TRY(&c, 2);
	report(&c, LULL_CLASS_RATE_LIMITED);
	EXPECT_SLEEP(&c, 250, 750);
	EXPECT_TRY(&c, 1);
	CU_ASSERT_EQUAL(entry_count(&c, LULL_TRAIL_SKIP), 3); /* before each attempt, and no more */
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ROUTE, 0).skips, 3);
	caller_end(&c);
	world_end(&w);
}

static void test_sleeps(void)
{
	struct lull_trail_entry entry;
	struct world w;
	struct caller c;

	world_make(&w, 1);
	cool_by_hand(&w, LULL_KIND_ROUTE, 0, 3000);
	caller_begin(&c, &w);
	w.now_ms += 50;
	EXPECT_SLEEP(&c, 2950, 4950);
	w.now_ms += 7; /* the driver is a little late */
	EXPECT_TRY(&c, 0);
	entry = last_entry(&c, LULL_TRAIL_SLEEP);
	CU_ASSERT_EQUAL(entry.at_ms, 50);
	CU_ASSERT_EQUAL(entry.for_ms, w.now_ms - WORLD_START_MS - 50);
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_ATTEMPT).probe, 1);
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_ATTEMPT).at_ms, w.now_ms - WORLD_START_MS);
	caller_end(&c);
	world_end(&w);
}

static void test_details_are_cut_to_their_room(void)
{
	struct lull_outcome outcome = outcome_of(LULL_CLASS_SERVER_ERROR);
	char detail[400];
	struct world w;
	struct caller c;

	memset(detail, 'x', sizeof(detail) - 1);
	detail[sizeof(detail) - 1] = '\0';
	outcome.detail = detail;
	world_make(&w, 1);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report_outcome(&c, &outcome);
	CU_ASSERT_EQUAL(strlen(entry_at(&c, 0).detail), 159);
	caller_end(&c);
	world_end(&w);
}

/* A call that lives through many short cooldowns keeps its first entries and its last ones. */
static void test_a_long_trail_drops_from_its_middle(void)
{
	struct lull_outcome outcome = outcome_of(LULL_CLASS_RATE_LIMITED);
	struct lull_trail_entry entry;
	uint64_t last_at_ms = 0;
	struct world w;
	struct caller c;
	uint32_t attempts = 0, count;

	outcome.hint_ms = 50;
	world_make(&w, 1);
	w.options.budget_ms = 600000;
	caller_begin(&c, &w);
	while (caller_next(&c)->action != LULL_ACTION_DONE) {
		if (c.step.action == LULL_ACTION_SLEEP) {
			w.now_ms = c.step.until_ms;
			continue;
		}
		attempts++;
		last_at_ms = w.now_ms - WORLD_START_MS;
		report_outcome(&c, &outcome);
	}
	count = lull_call_trail_count(c.call);
	CU_ASSERT(attempts > 200);
	CU_ASSERT_EQUAL(count, 64 + 4);
	CU_ASSERT_EQUAL(entry_at(&c, 0).at_ms, 0);
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_ATTEMPT).at_ms, last_at_ms);
	for (uint32_t i = 1; i < count; i++)
		CU_ASSERT(entry_at(&c, i).at_ms >= entry_at(&c, i - 1).at_ms);
	CU_ASSERT_EQUAL(lull_call_trail_at(c.call, count, &entry), LULL_END);
	caller_end(&c);
	world_end(&w);
}

static void test_wrong_use(void)
{
	struct lull_trail_entry entry;
	struct world w;
	struct caller c;

	world_make(&w, 1);
	caller_begin(&c, &w);
	CU_ASSERT_EQUAL(lull_call_trail_count(c.call), 0);
	CU_ASSERT_EQUAL(lull_call_trail_count(NULL), 0);
	CU_ASSERT_EQUAL(lull_call_trail_at(c.call, 0, &entry), LULL_END);
	CU_ASSERT_EQUAL(lull_call_trail_at(NULL, 0, &entry), -EINVAL);
	CU_ASSERT_EQUAL(lull_call_trail_at(c.call, 0, NULL), -EINVAL);
	caller_end(&c);
	world_end(&w);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_an_attempt_and_all_that_is_known_of_it),
		CUNIT_TEST(test_an_answer_and_its_times),
		CUNIT_TEST(test_soft_counts_and_what_they_lead_to),
		CUNIT_TEST(test_a_cooldown_begins_with_one_attempt),
		CUNIT_TEST(test_a_resent_request_is_told_and_no_evidence),
		CUNIT_TEST(test_a_skip_says_which_key_and_why),
		CUNIT_TEST(test_the_longest_of_several_is_told),
		CUNIT_TEST(test_a_skip_is_told_once_between_attempts),
		CUNIT_TEST(test_sleeps),
		CUNIT_TEST(test_details_are_cut_to_their_room),
		CUNIT_TEST(test_a_long_trail_drops_from_its_middle),
		CUNIT_TEST(test_wrong_use),
	};

	return CUNIT_MAIN("call: trail", tests);
}
