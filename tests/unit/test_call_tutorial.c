/* SPDX-License-Identifier: MIT */
/*
 * Policy `tutorial`: the rule of the tutorial that Lull grew from, to the letter. Its loop stands
 * here a second time, in thirty lines, and for random scripts the call must make the same attempts
 * at the same times. The tutorial looks at its clock only between two walks over the list, so the
 * scripts are those whose attempts end inside the budget.
 *
 *     test_call_tutorial [SCRIPTS [FIRST_SEED]]
 */
#include <inttypes.h>
#include <stdlib.h>

#include "call_fixture.h"
#include "cunit_main.h"

#define MINUTE   UINT64_C(60000)
#define ATTEMPTS 400u /* of one script, at most */

static uint64_t script_count = 20000, first_seed = 1;

/* ------------------------------------------------------------------ the tutorial's loop */

struct attempt_made {
	uint32_t route;
	uint64_t at_ms;
};

/* What is decided beforehand: how long each attempt takes, and whether it is answered. */
struct script {
	uint32_t route_count;
	uint32_t unusable; /* bits: names that map to no provider */
	uint32_t budget_ms;
	uint32_t cooling_ms[WORLD_ROUTES]; /* at the start; 0 not */
	uint32_t takes_ms[ATTEMPTS];
	bool answered[ATTEMPTS];
};

static uint64_t soonest(const uint64_t *expires_ms, uint32_t count)
{
	uint64_t soonest_ms = UINT64_MAX;

	for (uint32_t model = 0; model < count; model++)
		if (expires_ms[model] < soonest_ms)
			soonest_ms = expires_ms[model];
	return soonest_ms;
}

/* while response == None and time.time() - start_time < 45: for model in fallbacks: ... */
static uint32_t tutorial(const struct script *s, uint64_t start_ms, struct attempt_made *made)
{
	uint64_t expires_ms[WORLD_ROUTES] = {0}, now_ms = start_ms;
	uint32_t count = 0;

	for (uint32_t model = 0; model < s->route_count; model++)
		expires_ms[model] =
			s->unusable >> model & 1 ? UINT64_MAX : start_ms + s->cooling_ms[model];
	while (now_ms - start_ms < s->budget_ms) {
		bool tried = false;

		for (uint32_t model = 0; model < s->route_count; model++) {
			if (now_ms < expires_ms[model])
				continue; /* skip model */
			tried = true;
			made[count] = (struct attempt_made){model, now_ms};
			now_ms += s->takes_ms[count];
			if (s->answered[count++] || count == ATTEMPTS)
				return count;
			expires_ms[model] = now_ms + MINUTE;
		}
		if (!tried) /* it spins until then */
			now_ms = soonest(expires_ms, s->route_count);
	}
	return count;
}

/* ------------------------------------------------------------------ the same by a call */

static uint64_t random_state;

static uint32_t random_below(uint32_t bound)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)((random_state >> 33) % bound);
}

static bool one_in(uint32_t n)
{
	return random_below(n) == 0;
}

static void script_make(struct script *s, uint64_t seed)
{
	uint32_t slow_ms;

	random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
	*s = (struct script){.route_count = 1 + random_below(WORLD_ROUTES),
			     .budget_ms = one_in(2) ? 45000 : 1000 + random_below(400000)};
	slow_ms = one_in(4) ? 1 : 1 + random_below(s->budget_ms / 2);
	for (uint32_t i = 0; i < s->route_count; i++) {
		if (one_in(3))
			s->cooling_ms[i] = 1 + random_below(90000);
		if (one_in(12))
			s->unusable |= 1u << i;
	}
	for (uint32_t i = 0; i < ATTEMPTS; i++) {
		s->takes_ms[i] = random_below(slow_ms);
		s->answered[i] = one_in(8);
	}
}

/* Anything that a program in Python would have met as an exception. */
static struct lull_outcome any_exception(void)
{
	static const uint32_t classes[] = {
		LULL_CLASS_RATE_LIMITED,
		LULL_CLASS_QUOTA_EXHAUSTED,
		LULL_CLASS_OVERLOADED,
		LULL_CLASS_AUTH,
		LULL_CLASS_PERMISSION,
		LULL_CLASS_MODEL_NOT_FOUND,
		LULL_CLASS_TIMEOUT,
		LULL_CLASS_SERVER_ERROR,
		LULL_CLASS_MALFORMED_RESPONSE,
		LULL_CLASS_TRUNCATED_STREAM,
		LULL_CLASS_NETWORK,
		LULL_CLASS_LOCAL,
		LULL_CLASS_CONTEXT_WINDOW,
		LULL_CLASS_CONTENT_POLICY,
		LULL_CLASS_BAD_REQUEST,
		LULL_CLASS_TOO_LARGE,
	};
	struct lull_outcome outcome =
		outcome_of(classes[random_below(sizeof(classes) / sizeof(classes[0]))]);

	if (one_in(3))
		outcome.hint_ms = random_below(200000);
	if (one_in(4))
		outcome.proof = random_below(3);
	if (one_in(4))
		outcome.scope = random_below(5);
	return outcome;
}

/* Returns the number of attempts made. */
static uint32_t call(const struct script *s, struct world *w, struct attempt_made *made)
{
	struct lull_outcome outcome;
	uint32_t count = 0;
	struct caller c;

	caller_begin(&c, w);
	while (caller_next(&c)->action != LULL_ACTION_DONE && count < ATTEMPTS) {
		if (c.step.action == LULL_ACTION_SLEEP) {
			CU_ASSERT_FATAL(c.step.until_ms > w->now_ms);
			w->now_ms = c.step.until_ms;
			continue;
		}
		made[count] = (struct attempt_made){c.step.route, w->now_ms};
		if (one_in(2))
			progress(&c, LULL_PROGRESS_CONNECTED);
		w->now_ms += s->takes_ms[count];
		outcome = s->answered[count] ? outcome_of(LULL_CLASS_ANSWERED) : any_exception();
		if (outcome.http_status == 200 && one_in(2))
			progress(&c, LULL_PROGRESS_ACCEPTED);
		report_outcome(&c, &outcome);
		count++;
	}
	caller_end(&c);
	return count;
}

static void world_set_up(struct world *w, const struct script *s)
{
	world_make(w, s->route_count);
	w->options.policy = LULL_POLICY_TUTORIAL;
	w->options.budget_ms = s->budget_ms;
	w->options.num_retries = random_below(3); /* whatever is configured */
	w->options.cooldown_ms = one_in(2) ? random_below(5000) : LULL_UNSET;
	w->options.max_cooldown_ms = one_in(2) ? 50 + random_below(5000) : LULL_MAX_COOLDOWN_MS;
	w->options.soft_failures = 1 + random_below(5);
	for (uint32_t i = 0; i < s->route_count; i++) {
		w->routes[i].cooldown_ms = one_in(2) ? random_below(5000) : LULL_UNSET;
		w->routes[i].timeout_ms = one_in(2) ? 1 + random_below(5000) : 0;
		if (s->unusable >> i & 1)
			w->routes[i].flags = LULL_ROUTE_UNUSABLE;
		else if (s->cooling_ms[i])
			cool_by_hand(w, LULL_KIND_ROUTE, i, s->cooling_ms[i]);
	}
}

/* Do the attempts of the script end inside the budget? (Else the tutorial goes on beyond it.) */
static bool is_inside(const struct script *s, const struct attempt_made *made, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (made[i].at_ms + s->takes_ms[i] - WORLD_START_MS >= s->budget_ms)
			return false;
	return true;
}

static bool is_same(const struct attempt_made *a, uint32_t a_count, const struct attempt_made *b,
		    uint32_t b_count)
{
	for (uint32_t i = 0; i < a_count && i < b_count; i++)
		if (a[i].route != b[i].route || a[i].at_ms != b[i].at_ms)
			return false;
	return a_count == b_count;
}

static void print_made(const char *who, const struct attempt_made *made, uint32_t count)
{
	fprintf(stderr, "  %s:", who);
	for (uint32_t i = 0; i < count; i++)
		fprintf(stderr, " %" PRIu32 " at %" PRIu64, made[i].route,
			made[i].at_ms - WORLD_START_MS);
	fprintf(stderr, "\n");
}

static void test_the_tutorials_attempts(void)
{
	static struct attempt_made expected[ATTEMPTS], made[ATTEMPTS];
	uint64_t compared = 0, long_ones = 0, of_cooling = 0;

	for (uint64_t seed = first_seed; seed < first_seed + script_count; seed++) {
		uint32_t expected_count, made_count;
		struct script s;
		struct world w;

		script_make(&s, seed);
		expected_count = tutorial(&s, WORLD_START_MS, expected);
		if (!is_inside(&s, expected, expected_count))
			continue;
		world_set_up(&w, &s);
		made_count = call(&s, &w, made);
		world_end(&w);
		compared++;
		long_ones += expected_count > s.route_count;
		of_cooling += s.cooling_ms[0] > 0;
		if (is_same(expected, expected_count, made, made_count))
			continue;
		fprintf(stderr, "seed %" PRIu64 ":\n", seed);
		print_made("tutorial", expected, expected_count);
		print_made("call", made, made_count);
		CU_FAIL("a call under policy tutorial makes other attempts than the tutorial");
		return;
	}
	/* the scripts are no use if they are all alike */
	CU_ASSERT(compared >= script_count / 3);
	CU_ASSERT(long_ones >= script_count / 50);
	CU_ASSERT(of_cooling >= script_count / 20);
}

/* ------------------------------------------------------------------ what the loop does not show */

static void test_any_exception_cools_its_route_for_60_s(void)
{
	static const uint32_t kinds[] = {LULL_KIND_CREDENTIAL, LULL_KIND_ENDPOINT};

	random_state = 1;
	for (int i = 0; i < 500; i++) {
		struct lull_outcome outcome = any_exception();
		struct world w;
		struct caller c;

		world_make(&w, 2);
		w.options.policy = LULL_POLICY_TUTORIAL;
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 0);
		report_outcome(&c, &outcome);
		CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), MINUTE);
		for (int k = 0; k < 2; k++)
			CU_ASSERT_EQUAL(shut_ms(&w, kinds[k], 0), 0);
		EXPECT_TRY(&c, 1); /* and it always goes on */
		caller_end(&c);
		world_end(&w);
	}
}

static void test_two_refusals_are_no_answer(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 3);
	w.options.policy = LULL_POLICY_TUTORIAL;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_BAD_REQUEST);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_CONTENT_POLICY);
	EXPECT_TRY(&c, 2);
	answer(&c);
	EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
	caller_end(&c);
	world_end(&w);
}

static void test_no_probe(void)
{
	struct caller c[3];
	struct world w;

	world_make(&w, 1);
	w.options.policy = LULL_POLICY_TUTORIAL;
	meanwhile(&w, LULL_CLASS_RATE_LIMITED);
	w.now_ms += MINUTE;
	for (int i = 0; i < 3; i++) {
		caller_begin(&c[i], &w);
		EXPECT_TRY(&c[i], 0);
		CU_ASSERT_EQUAL(last_entry(&c[i], LULL_TRAIL_ATTEMPT).probe, 0);
	}
	for (int i = 0; i < 3; i++)
		caller_end(&c[i]);
	world_end(&w);
}

static void test_what_the_caller_did_is_no_exception(void)
{
	static const uint32_t classes[] = {LULL_CLASS_CANCELLED, LULL_CLASS_SUSPENDED,
					   LULL_CLASS_DEADLINE};

	for (size_t i = 0; i < 3; i++) {
		struct world w;
		struct caller c;

		world_make(&w, 2);
		w.options.policy = LULL_POLICY_TUTORIAL;
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 0);
		report(&c, classes[i]);
		CU_ASSERT_EQUAL(caller_next(&c)->action, LULL_ACTION_DONE);
		CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), 0);
		caller_end(&c);
		world_end(&w);
	}
}

static void test_no_fallback_after_content(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	w.options.policy = LULL_POLICY_TUTORIAL;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	progress(&c, LULL_PROGRESS_ACCEPTED);
	progress(&c, LULL_PROGRESS_CONTENT);
	report(&c, LULL_CLASS_TRUNCATED_STREAM);
	EXPECT_DONE(&c, LULL_RESULT_FAILED);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), MINUTE);
	caller_end(&c);
	world_end(&w);
}

int main(int argc, char **argv)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_the_tutorials_attempts),
		CUNIT_TEST(test_any_exception_cools_its_route_for_60_s),
		CUNIT_TEST(test_two_refusals_are_no_answer),
		CUNIT_TEST(test_no_probe),
		CUNIT_TEST(test_what_the_caller_did_is_no_exception),
		CUNIT_TEST(test_no_fallback_after_content),
	};

	if (argc > 1)
		script_count = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		first_seed = strtoull(argv[2], NULL, 10);
	return CUNIT_MAIN("call: policy tutorial", tests);
}
