/* SPDX-License-Identifier: MIT */
/*
 * Cooldowns as a call meets and makes them: what each class shuts and for how long, skips, the
 * three ways to meet a list that is all cooling, and what leaves no trace.
 */
#include "call_fixture.h"
#include "cunit_main.h"
#include "scratch_table.h"

#define MINUTE UINT64_C(60000)

static struct lull_outcome hinted(uint32_t class_id, int64_t hint_ms)
{
	struct lull_outcome outcome = outcome_of(class_id);

	outcome.hint_ms = hint_ms;
	return outcome;
}

static struct lull_outcome proven(uint32_t class_id, uint32_t proof)
{
	struct lull_outcome outcome = outcome_of(class_id);

	outcome.proof = proof;
	return outcome;
}

/* ------------------------------------------------------------------ class by class */

static const uint32_t kinds[] = {LULL_KIND_ROUTE, LULL_KIND_CREDENTIAL, LULL_KIND_ENDPOINT};

/* How long each kind of key of route 0 is shut after one attempt with that outcome. */
static void expect_shut(const struct lull_outcome *outcome, uint32_t kind, uint64_t for_ms)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report_outcome(&c, outcome);
	for (size_t i = 0; i < 3; i++) {
		uint64_t expected_ms = kinds[i] == kind ? for_ms : 0;

		if (shut_ms(&w, kinds[i], 0) != expected_ms)
			fprintf(stderr, "class %u, kind %u: shut for %llu ms, expected %llu\n",
				outcome->class_id, kinds[i],
				(unsigned long long)shut_ms(&w, kinds[i], 0),
				(unsigned long long)expected_ms);
		CU_ASSERT_EQUAL(shut_ms(&w, kinds[i], 0), expected_ms);
	}
	EXPECT_TRY(&c, 1); /* and the call goes on */
	caller_end(&c);
	world_end(&w);
}

static void test_hard_classes_cool_at_once(void)
{
	struct lull_outcome outcome;

	outcome = outcome_of(LULL_CLASS_RATE_LIMITED);
	expect_shut(&outcome, LULL_KIND_ROUTE, MINUTE);
	outcome = outcome_of(LULL_CLASS_QUOTA_EXHAUSTED);
	expect_shut(&outcome, LULL_KIND_CREDENTIAL, 10 * MINUTE);
	outcome = outcome_of(LULL_CLASS_AUTH);
	expect_shut(&outcome, LULL_KIND_CREDENTIAL, MINUTE);
	outcome = outcome_of(LULL_CLASS_PERMISSION);
	expect_shut(&outcome, LULL_KIND_ROUTE, MINUTE);
	outcome = outcome_of(LULL_CLASS_MODEL_NOT_FOUND);
	expect_shut(&outcome, LULL_KIND_ROUTE, MINUTE);
	outcome = outcome_of(LULL_CLASS_COMMAND);
	expect_shut(&outcome, LULL_KIND_ROUTE, MINUTE);
	outcome = proven(LULL_CLASS_NETWORK, LULL_PROOF_HARD); /* refused, or TLS of the peer */
	expect_shut(&outcome, LULL_KIND_ENDPOINT, 1000);
	outcome = hinted(LULL_CLASS_OVERLOADED, 7000); /* hard, as it says for how long */
	expect_shut(&outcome, LULL_KIND_ROUTE, 7000);
}

static void test_soft_classes_do_not_cool_at_once(void)
{
	static const uint32_t classes[] = {
		LULL_CLASS_OVERLOADED,         LULL_CLASS_TIMEOUT,          LULL_CLASS_SERVER_ERROR,
		LULL_CLASS_MALFORMED_RESPONSE, LULL_CLASS_TRUNCATED_STREAM, LULL_CLASS_NETWORK,
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		struct lull_outcome outcome = outcome_of(classes[i]);

		expect_shut(&outcome, LULL_KIND_NONE, 0);
	}
}

static void test_soft_classes_cool_at_the_third(void)
{
	static const struct {
		uint32_t class_id, kind, for_ms;
	} rows[] = {
		{LULL_CLASS_OVERLOADED, LULL_KIND_ROUTE, MINUTE},
		{LULL_CLASS_TIMEOUT, LULL_KIND_ROUTE, MINUTE},
		{LULL_CLASS_SERVER_ERROR, LULL_KIND_ROUTE, MINUTE},
		{LULL_CLASS_MALFORMED_RESPONSE, LULL_KIND_ROUTE, MINUTE},
		{LULL_CLASS_TRUNCATED_STREAM, LULL_KIND_ROUTE, MINUTE},
		{LULL_CLASS_NETWORK, LULL_KIND_ENDPOINT, 1000},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;

		world_make(&w, 1);
		for (uint32_t n = 1; n <= 3; n++) {
			w.now_ms += 10;
			meanwhile(&w, rows[i].class_id);
			CU_ASSERT_EQUAL(shut_ms(&w, rows[i].kind, 0), n < 3 ? 0 : rows[i].for_ms);
		}
		CU_ASSERT_EQUAL(key_state(&w, rows[i].kind, 0).cause, rows[i].class_id);
		world_end(&w);
	}
}

/* The wire's row knows better than the class. */
static void test_the_wire_names_scope_and_proof(void)
{
	struct lull_outcome outcome;

	outcome = outcome_of(LULL_CLASS_QUOTA_EXHAUSTED); /* a quota per model */
	outcome.scope = LULL_KIND_ROUTE;
	expect_shut(&outcome, LULL_KIND_ROUTE, 10 * MINUTE);
	outcome = outcome_of(LULL_CLASS_RATE_LIMITED); /* a limit per key */
	outcome.scope = LULL_KIND_CREDENTIAL;
	expect_shut(&outcome, LULL_KIND_CREDENTIAL, MINUTE);
	outcome = proven(LULL_CLASS_OVERLOADED, LULL_PROOF_HARD); /* a server of one's own */
	outcome.scope = LULL_KIND_ENDPOINT;
	expect_shut(&outcome, LULL_KIND_ENDPOINT, 2000);
	outcome = proven(LULL_CLASS_RATE_LIMITED, LULL_PROOF_SOFT);
	expect_shut(&outcome, LULL_KIND_NONE, 0);
	outcome = proven(LULL_CLASS_RATE_LIMITED, LULL_PROOF_NONE);
	expect_shut(&outcome, LULL_KIND_NONE, 0);
	outcome = hinted(LULL_CLASS_OVERLOADED, 7000);
	outcome.proof = LULL_PROOF_SOFT; /* the row says so, whatever was hinted */
	expect_shut(&outcome, LULL_KIND_NONE, 0);
}

static void test_rules_say_more_than_the_wire(void)
{
	const struct lull_rule rules[] = {
		{LULL_CLASS_SERVER_ERROR, LULL_PROOF_HARD, LULL_KIND_CREDENTIAL, LULL_UNSET, 7000},
		{LULL_CLASS_RATE_LIMITED, LULL_PROOF_NONE, LULL_UNSET, LULL_UNSET, LULL_UNSET},
		{LULL_CLASS_BAD_REQUEST, LULL_PROOF_HARD, LULL_UNSET, LULL_UNSET, 3000},
	};
	struct lull_outcome outcome;
	struct world w;
	struct caller c;

	world_make(&w, 4);
	w.options.rules = rules;
	w.options.rule_count = 3;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	outcome = proven(LULL_CLASS_SERVER_ERROR, LULL_PROOF_SOFT);
	outcome.scope = LULL_KIND_ENDPOINT;
	report_outcome(&c, &outcome);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_CREDENTIAL, 0), 7000);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ENDPOINT, 0), 0);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_RATE_LIMITED);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 1), 0);
	EXPECT_TRY(&c, 2);
	report(&c, LULL_CLASS_BAD_REQUEST);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 2), 3000);
	caller_end(&c);
	world_end(&w);
}

static void test_configured_times_and_hints(void)
{
	struct lull_outcome outcome = hinted(LULL_CLASS_RATE_LIMITED, 9000);
	struct world w;
	struct caller c;

	world_make(&w, 4);
	w.options.cooldown_ms = 5000;
	w.options.max_cooldown_ms = 20000;
	w.routes[1].cooldown_ms = 6000;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report_outcome(&c, &outcome);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), 9000);
	EXPECT_TRY(&c, 1);
	report_outcome(&c, &outcome);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 1), 6000);
	EXPECT_TRY(&c, 2);
	outcome.hint_ms = 86400000;
	report_outcome(&c, &outcome);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 2), 5000);
	EXPECT_TRY(&c, 3);
	report(&c, LULL_CLASS_QUOTA_EXHAUSTED);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_CREDENTIAL, 3), 20000);
	caller_end(&c);
	world_end(&w);
}

static void test_cooldowns_under_a_second_work(void)
{
	struct lull_outcome outcome = hinted(LULL_CLASS_RATE_LIMITED, 120);
	struct world w;
	struct caller c;

	world_make(&w, 2);
	meanwhile_outcome(&w, &outcome);
	w.now_ms += 119;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 1);
	caller_end(&c);
	w.now_ms += 1;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	caller_end(&c);
	world_end(&w);
}

static void test_adaptive_doubles_with_each_failed_probe(void)
{
	static const uint64_t lengths_ms[] = {5000, 10000, 20000, 30000, 30000};
	struct world w;
	struct caller c;

	world_make(&w, 1);
	w.options.policy = LULL_POLICY_ADAPTIVE;
	for (size_t i = 0; i < 5; i++) {
		meanwhile(&w, LULL_CLASS_RATE_LIMITED);
		CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), lengths_ms[i]);
		w.now_ms += lengths_ms[i];
	}
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	answer(&c);
	caller_end(&c);
	meanwhile(&w, LULL_CLASS_RATE_LIMITED);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), 5000);
	world_end(&w);
}

static void test_network_doubles_with_each_failed_probe(void)
{
	static const uint64_t lengths_ms[] = {1000, 2000, 4000, 8000, 10000, 10000};
	struct lull_outcome refused = proven(LULL_CLASS_NETWORK, LULL_PROOF_HARD);
	struct world w;

	world_make(&w, 1);
	for (size_t i = 0; i < 6; i++) {
		meanwhile_outcome(&w, &refused);
		CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ENDPOINT, 0), lengths_ms[i]);
		w.now_ms += lengths_ms[i];
	}
	world_end(&w);
}

/* ------------------------------------------------------------------ whom a key shuts */

static void test_a_key_is_shared_by_routes(void)
{
	static const uint32_t classes[] = {LULL_CLASS_AUTH, LULL_CLASS_NETWORK};

	for (size_t i = 0; i < 2; i++) {
		struct lull_outcome outcome = proven(classes[i], LULL_PROOF_HARD);
		struct world w;
		struct caller c;

		world_make(&w, 3);
		w.routes[1].credential_key = w.routes[0].credential_key;
		w.routes[1].endpoint_key = w.routes[0].endpoint_key;
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 0);
		report_outcome(&c, &outcome);
		EXPECT_TRY(&c, 2); /* 1 stands on the same key and server */
		CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_SKIP).route, 1);
		caller_end(&c);
		world_end(&w);
	}
}

static void test_two_keys_of_one_model_are_two_routes(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	w.routes[0].route_key = "gpt@https://api.example/v1#aaaa";
	w.routes[1].route_key = "gpt@https://api.example/v1#bbbb";
	w.routes[1].endpoint_key = w.routes[0].endpoint_key;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_RATE_LIMITED);
	EXPECT_TRY(&c, 1);
	answer(&c);
	caller_end(&c);
	world_end(&w);
}

static void test_without_a_key_its_faults_are_the_routes(void)
{
	struct lull_outcome network = proven(LULL_CLASS_NETWORK, LULL_PROOF_HARD);
	struct world w;
	struct caller c;

	world_make(&w, 2);
	w.routes[0].credential_key = NULL;
	w.routes[1].endpoint_key = "";
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_AUTH);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), MINUTE);
	EXPECT_TRY(&c, 1);
	report_outcome(&c, &network);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 1), 1000);
	caller_end(&c);
	world_end(&w);
}

/* ------------------------------------------------------------------ names */

static void test_every_name_a_call_was_made_by_is_honoured(void)
{
	for (uint32_t i = 0; i < LULL_NAMES_MAX; i++) {
		struct world w;
		struct caller c;

		world_make(&w, 2);
		w.routes[0].names[0] = "fast";
		w.routes[0].names[1] = "gpt-4o";
		w.routes[0].names[2] = "openai/gpt-4o";
		w.routes[0].names[3] = "quick";
		CU_ASSERT_EQUAL(lull_key_cool(w.table, LULL_KIND_NAME, w.routes[0].names[i], MINUTE,
					      w.now_ms),
				0);
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 1);
		CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_SKIP).cooled_kind, LULL_KIND_NAME);
		caller_end(&c);
		world_end(&w);
	}
}

/* Names are put into the table by those who use them; a call of routes only looks. */
static void test_a_call_does_not_insert_names(void)
{
	struct lull_key_state state;
	struct world w;
	struct caller c;

	world_make(&w, 1);
	w.routes[0].names[0] = "fast";
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_RATE_LIMITED);
	caller_end(&c);
	CU_ASSERT_EQUAL(lull_key_read(w.table, LULL_KIND_NAME, "fast", w.now_ms, &state),
			LULL_ABSENT);
	CU_ASSERT_EQUAL(
		lull_key_read(w.table, LULL_KIND_ROUTE, w.routes[0].route_key, w.now_ms, &state),
		0);
	world_end(&w);
}

static void test_reading_never_inserts(void)
{
	struct lull_key_state state;
	struct world w;
	struct caller c;

	world_make(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(
		lull_key_read(w.table, LULL_KIND_ROUTE, w.routes[1].route_key, w.now_ms, &state),
		LULL_ABSENT);
	caller_end(&c);
	world_end(&w);
}

/* ------------------------------------------------------------------ skips */

static void test_a_skip_changes_nothing(void)
{
	struct world w;
	struct caller c;
	uint64_t before;

	world_make(&w, 2);
	meanwhile(&w, LULL_CLASS_RATE_LIMITED);
	before = word_bits_of(&w, LULL_KIND_ROUTE, w.routes[0].route_key);
	for (int i = 0; i < 10; i++) {
		w.now_ms += 100;
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 1);
		answer(&c);
		caller_end(&c);
	}
	CU_ASSERT_EQUAL(word_bits_of(&w, LULL_KIND_ROUTE, w.routes[0].route_key), before);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ROUTE, 0).skips, 10);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ROUTE, 0).attempts, 1);
	world_end(&w);
}

static void test_the_table_is_read_before_every_attempt(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 3);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	cool_by_hand(&w, LULL_KIND_ROUTE, 1, MINUTE); /* somebody else, just now */
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_TRY(&c, 2);
	(void)lull_key_clear(w.table, LULL_KIND_ROUTE, w.routes[1].route_key, w.now_ms);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_TRY(&c, 1);
	caller_end(&c);
	world_end(&w);
}

/* N failures of one outage from N processes are one cooldown, and are counted. */
static void test_one_outage_is_one_cooldown(void)
{
	struct caller c[16];
	struct world w;

	world_make(&w, 1);
	for (int i = 0; i < 16; i++) {
		caller_begin(&c[i], &w);
		EXPECT_TRY(&c[i], 0);
	}
	for (int i = 0; i < 16; i++) {
		w.now_ms += 3;
		report(&c[i], LULL_CLASS_RATE_LIMITED);
		caller_end(&c[i]);
	}
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ROUTE, 0).cooldowns, 1);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ROUTE, 0).failures, 16);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ROUTE, 0).strikes, 0);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), MINUTE);
	world_end(&w);
}

static void test_the_later_end_wins(void)
{
	struct lull_outcome longer = hinted(LULL_CLASS_RATE_LIMITED, 30000);
	struct lull_outcome shorter = hinted(LULL_CLASS_RATE_LIMITED, 1000);
	struct caller c[3];
	struct world w;

	world_make(&w, 1);
	for (int i = 0; i < 3; i++) {
		caller_begin(&c[i], &w);
		EXPECT_TRY(&c[i], 0);
	}
	report_outcome(&c[0], &longer);
	w.now_ms += 5000;
	report_outcome(&c[1], &shorter);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), 25000);
	report_outcome(&c[2], &longer);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), 30000);
	for (int i = 0; i < 3; i++)
		caller_end(&c[i]);
	world_end(&w);
}

/* ------------------------------------------------------------------ nothing ready: wait */

static void test_wait_sleeps_to_the_soonest_end(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 3);
	cool_by_hand(&w, LULL_KIND_ROUTE, 0, 30000);
	cool_by_hand(&w, LULL_KIND_CREDENTIAL, 1, 12000);
	(void)lull_key_hold(w.table, LULL_KIND_ROUTE, w.routes[2].route_key, w.now_ms);
	caller_begin(&c, &w);
	EXPECT_SLEEP(&c, 12000, 14000);
	EXPECT_TRY(&c, 1);
	answer(&c);
	EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
	caller_end(&c);
	world_end(&w);
}

static void test_sleepers_do_not_stampede(void)
{
	static const struct {
		uint64_t cooldown_ms, scatter_ms;
	} cases[] = {{12000, 2000}, {2000, 2000}, {400, 400}, {50, 50}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t least_ms = UINT64_MAX, most_ms = 0;
		struct world w;

		world_make(&w, 1);
		cool_by_hand(&w, LULL_KIND_ROUTE, 0, cases[i].cooldown_ms);
		for (uint64_t seed = 1; seed <= 500; seed++) {
			struct caller c;
			uint64_t more_ms;

			w.options.seed = seed;
			caller_begin(&c, &w);
			CU_ASSERT_EQUAL(caller_next(&c)->action, LULL_ACTION_SLEEP);
			more_ms = c.step.until_ms - w.now_ms - cases[i].cooldown_ms;
			least_ms = more_ms < least_ms ? more_ms : least_ms;
			most_ms = more_ms > most_ms ? more_ms : most_ms;
			caller_end(&c);
		}
		CU_ASSERT(least_ms <= cases[i].scatter_ms / 40);
		CU_ASSERT(most_ms >= cases[i].scatter_ms * 39 / 40);
		CU_ASSERT(most_ms <= cases[i].scatter_ms);
		world_end(&w);
	}
}

/* 5 s or a quarter of the budget, whichever is less, must be left after the sleep. */
static void test_wait_only_for_a_useful_rest(void)
{
	static const struct {
		uint32_t budget_ms;
		uint64_t cooling_ms;
		bool waits;
	} rows[] = {
		{45000, 40000, true}, {45000, 40001, false}, {45000, 50000, false},
		{8000, 6000, true},   {8000, 6001, false},   {1000, 750, true},
		{1000, 751, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;
		struct caller c;

		world_make(&w, 1);
		w.options.budget_ms = rows[i].budget_ms;
		cool_by_hand(&w, LULL_KIND_ROUTE, 0, rows[i].cooling_ms);
		caller_begin(&c, &w);
		if (rows[i].waits) {
			EXPECT_SLEEP(&c, rows[i].cooling_ms, rows[i].cooling_ms);
			EXPECT_TRY(&c, 0);
		} else {
			EXPECT_DONE(&c, LULL_RESULT_COOLING);
			CU_ASSERT_EQUAL(c.step.exit_code, 75);
			CU_ASSERT_EQUAL(c.step.ready_in_ms, rows[i].cooling_ms);
		}
		caller_end(&c);
		world_end(&w);
	}
}

static void test_a_clear_is_acted_on_at_once(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	cool_by_hand(&w, LULL_KIND_ROUTE, 0, 20000);
	cool_by_hand(&w, LULL_KIND_ROUTE, 1, 30000);
	caller_begin(&c, &w);
	CU_ASSERT_EQUAL(caller_next(&c)->action, LULL_ACTION_SLEEP);
	w.now_ms += 100;
	(void)lull_key_clear(w.table, LULL_KIND_ROUTE, w.routes[1].route_key, w.now_ms);
	CU_ASSERT_NOT_EQUAL(lull_table_serial(w.table), c.step.serial);
	EXPECT_TRY(&c, 1);
	caller_end(&c);
	world_end(&w);
}

static void test_waking_early_for_nothing_goes_on_sleeping(void)
{
	struct world w;
	struct caller c;
	uint64_t until_ms;

	world_make(&w, 1);
	cool_by_hand(&w, LULL_KIND_ROUTE, 0, 20000);
	caller_begin(&c, &w);
	until_ms = caller_next(&c)->until_ms;
	w.now_ms += 5000;
	CU_ASSERT_EQUAL(caller_next(&c)->until_ms, until_ms); /* a signal, say */
	(void)lull_key_cool(w.table, LULL_KIND_NAME, "other", MINUTE, w.now_ms);
	(void)lull_key_clear(w.table, LULL_KIND_NAME, "other", w.now_ms);
	EXPECT_SLEEP(&c, 15000, 17000);
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(entry_count(&c, LULL_TRAIL_SLEEP), 1);
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_SLEEP).for_ms, w.now_ms - WORLD_START_MS);
	caller_end(&c);
	world_end(&w);
}

static void test_never_sleep_while_another_is_ready(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	cool_by_hand(&w, LULL_KIND_ROUTE, 0, 100);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 1);
	caller_end(&c);
	world_end(&w);
}

static void test_wait_when_all_have_failed_and_cool(void)
{
	struct lull_outcome outcome = hinted(LULL_CLASS_RATE_LIMITED, 5000);
	struct world w;
	struct caller c;

	world_make(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report_outcome(&c, &outcome);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_RATE_LIMITED);
	EXPECT_SLEEP(&c, 5000, 7000);
	EXPECT_TRY(&c, 0);
	answer(&c);
	EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
	caller_end(&c);
	world_end(&w);
}

/* ------------------------------------------------------------------ nothing ready: fail */

static void test_fail_ends_at_once(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	w.options.when_cooling = LULL_WHEN_COOLING_FAIL;
	cool_by_hand(&w, LULL_KIND_ROUTE, 0, 3000);
	cool_by_hand(&w, LULL_KIND_ENDPOINT, 1, 2000);
	caller_begin(&c, &w);
	EXPECT_DONE(&c, LULL_RESULT_COOLING);
	CU_ASSERT_EQUAL(c.step.exit_code, 75);
	CU_ASSERT_EQUAL(c.step.ready_in_ms, 2000);
	CU_ASSERT_EQUAL(c.step.class_id, LULL_CLASS_MANUAL);
	caller_end(&c);
	world_end(&w);
}

static void test_held_is_never_ready_by_itself(void)
{
	static const uint32_t ways[] = {LULL_WHEN_COOLING_WAIT, LULL_WHEN_COOLING_FAIL,
					LULL_WHEN_COOLING_TRY};

	for (size_t i = 0; i < 3; i++) {
		struct world w;
		struct caller c;

		world_make(&w, 1);
		w.options.when_cooling = ways[i];
		(void)lull_key_hold(w.table, LULL_KIND_CREDENTIAL, w.routes[0].credential_key,
				    w.now_ms);
		caller_begin(&c, &w);
		EXPECT_DONE(&c, LULL_RESULT_COOLING);
		CU_ASSERT_EQUAL(c.step.ready_in_ms, LULL_NEVER);
		CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_SKIP).state, LULL_STATE_HELD);
		caller_end(&c);
		world_end(&w);
	}
}

/* ------------------------------------------------------------------ nothing ready: try */

static void test_try_takes_the_one_that_ends_first(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 3);
	w.options.when_cooling = LULL_WHEN_COOLING_TRY;
	cool_by_hand(&w, LULL_KIND_ROUTE, 0, 30000);
	cool_by_hand(&w, LULL_KIND_ROUTE, 1, 20000);
	(void)lull_key_hold(w.table, LULL_KIND_ROUTE, w.routes[2].route_key, w.now_ms);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_DONE(&c, LULL_RESULT_FAILED); /* each once */
	caller_end(&c);
	world_end(&w);
}

static void test_a_try_takes_no_lease(void)
{
	struct world w;
	struct caller c;
	uint64_t before;

	world_make(&w, 1);
	meanwhile(&w, LULL_CLASS_RATE_LIMITED);
	before = word_bits_of(&w, LULL_KIND_ROUTE, w.routes[0].route_key);
	w.options.when_cooling = LULL_WHEN_COOLING_TRY;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(word_bits_of(&w, LULL_KIND_ROUTE, w.routes[0].route_key), before);
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_ATTEMPT).probe, 0);
	report(&c, LULL_CLASS_BAD_REQUEST);
	CU_ASSERT_EQUAL(word_bits_of(&w, LULL_KIND_ROUTE, w.routes[0].route_key), before);
	caller_end(&c);
	world_end(&w);
}

static void test_a_try_that_succeeds_ends_the_cooldown_it_saw(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 1);
	meanwhile(&w, LULL_CLASS_RATE_LIMITED);
	w.options.when_cooling = LULL_WHEN_COOLING_TRY;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	progress(&c, LULL_PROGRESS_CONNECTED);
	progress(&c, LULL_PROGRESS_ACCEPTED);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), MINUTE); /* an answer, not headers */
	report(&c, LULL_CLASS_ANSWERED);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), 0);
	caller_end(&c);
	world_end(&w);
}

static void test_a_try_ends_no_other_cooldown(void)
{
	struct lull_outcome longer = hinted(LULL_CLASS_RATE_LIMITED, 2 * MINUTE);
	struct caller c, other;
	struct world w;

	world_make(&w, 1);
	caller_begin(&other, &w);
	EXPECT_TRY(&other, 0);
	meanwhile(&w, LULL_CLASS_RATE_LIMITED);
	w.options.when_cooling = LULL_WHEN_COOLING_TRY;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report_outcome(&other, &longer); /* another word now */
	answer(&c);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), 2 * MINUTE);
	caller_end(&c);
	caller_end(&other);
	world_end(&w);
}

static void test_a_try_never_ends_an_operators_cooldown(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 1);
	w.options.when_cooling = LULL_WHEN_COOLING_TRY;
	cool_by_hand(&w, LULL_KIND_ROUTE, 0, MINUTE);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	answer(&c);
	EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), MINUTE);
	caller_end(&c);
	world_end(&w);
}

static void test_a_try_that_fails_never_shortens(void)
{
	struct lull_outcome shorter = hinted(LULL_CLASS_RATE_LIMITED, 100);
	struct world w;
	struct caller c;

	world_make(&w, 1);
	meanwhile(&w, LULL_CLASS_RATE_LIMITED);
	w.options.when_cooling = LULL_WHEN_COOLING_TRY;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report_outcome(&c, &shorter);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), MINUTE);
	EXPECT_DONE(&c, LULL_RESULT_FAILED);
	caller_end(&c);
	world_end(&w);
}

static void test_a_try_is_the_last_resort(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	w.options.when_cooling = LULL_WHEN_COOLING_TRY;
	cool_by_hand(&w, LULL_KIND_ROUTE, 0, 100);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 1);
	caller_end(&c);
	world_end(&w);
}

/* ------------------------------------------------------------------ what leaves no trace */

struct words {
	uint64_t route, credential, endpoint;
};

static struct words words_of(const struct world *w)
{
	return (struct words){
		word_bits_of(w, LULL_KIND_ROUTE, w->routes[0].route_key),
		word_bits_of(w, LULL_KIND_CREDENTIAL, w->routes[0].credential_key),
		word_bits_of(w, LULL_KIND_ENDPOINT, w->routes[0].endpoint_key),
	};
}

/* Nothing a caller did may bench a model for everybody, nor lengthen or clear anything. */
static void test_what_cools_nothing_leaves_the_words_alone(void)
{
	static const uint32_t classes[] = {
		LULL_CLASS_LOCAL,     LULL_CLASS_CONTEXT_WINDOW, LULL_CLASS_CONTENT_POLICY,
		LULL_CLASS_TOO_LARGE, LULL_CLASS_BAD_REQUEST,    LULL_CLASS_CANCELLED,
		LULL_CLASS_SUSPENDED, LULL_CLASS_DEADLINE,
	};

	for (size_t i = 0; i < 2 * sizeof(classes) / sizeof(classes[0]); i++) {
		struct lull_outcome outcome = outcome_of(classes[i / 2]);
		struct words before, after;
		struct world w;
		struct caller c;

		world_make(&w, 1);
		w.options.cooldown_ms = 5000; /* configured, and hinted: all the same */
		outcome.hint_ms = 9000;
		if (i % 2)
			meanwhile(&w, LULL_CLASS_SERVER_ERROR); /* a soft count stands */
		w.now_ms += 1000;
		before = words_of(&w);
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 0);
		w.now_ms += 30000;
		report_outcome(&c, &outcome);
		caller_end(&c);
		after = words_of(&w);
		CU_ASSERT(before.credential == after.credential &&
			  before.endpoint == after.endpoint);
		/* the start of an attempt is counted beside soft failures; no more than that */
		CU_ASSERT_EQUAL(before.route & ~(UINT64_C(31) << 19),
				after.route & ~(UINT64_C(31) << 19));
		CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), 0);
		world_end(&w);
	}
}

static void test_a_length_of_0_cools_nothing(void)
{
	struct lull_outcome outcome = hinted(LULL_CLASS_RATE_LIMITED, 0);

	expect_shut(&outcome, LULL_KIND_NONE, 0);
}

/* ------------------------------------------------------------------ two processes, one segment */

static void test_two_handles_of_one_segment(void)
{
	struct scratch scratch;
	struct world a, b;
	struct caller c, d;

	scratch_make(&scratch);
	world_make_on(&a, 2, scratch_table(64));
	world_make_on(&b, 2, scratch_table(64));
	CU_ASSERT_PTR_NULL(lull_table_problem(a.table));
	CU_ASSERT_PTR_NULL(lull_table_problem(b.table));
	CU_ASSERT_PTR_NOT_EQUAL(a.table, b.table);
	caller_begin(&c, &a);
	caller_begin(&d, &b);
	EXPECT_TRY(&c, 0);
	EXPECT_TRY(&d, 0);
	report(&c, LULL_CLASS_RATE_LIMITED);
	CU_ASSERT_EQUAL(shut_ms(&b, LULL_KIND_ROUTE, 0), MINUTE);
	EXPECT_TRY(&c, 1);
	cool_by_hand(&b, LULL_KIND_ROUTE, 1, 20000);
	report(&c, LULL_CLASS_SERVER_ERROR);
	CU_ASSERT_EQUAL(caller_next(&c)->action, LULL_ACTION_SLEEP);
	(void)lull_key_clear(b.table, LULL_KIND_ROUTE, b.routes[0].route_key, b.now_ms);
	EXPECT_TRY(&c, 0);
	caller_end(&c);
	caller_end(&d);
	world_end(&a);
	world_end(&b);
	scratch_remove(&scratch);
}

/* A table with no room left: the call still works, on this process's own memory. */
static void test_a_full_table(void)
{
	struct scratch scratch;
	struct world w;
	struct caller c;
	char name[32];

	scratch_make(&scratch);
	world_make_on(&w, 2, scratch_table(16));
	for (int i = 0; i < 16; i++) {
		(void)snprintf(name, sizeof(name), "filler-%d", i);
		(void)lull_key_cool(w.table, LULL_KIND_NAME, name, MINUTE, w.now_ms);
	}
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_RATE_LIMITED);
	EXPECT_TRY(&c, 1);
	answer(&c);
	EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
	caller_end(&c);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 1);
	caller_end(&c);
	world_end(&w);
	scratch_remove(&scratch);
}

/* ------------------------------------------------------------------ names and their ways */

/* World with three routes: 0 and 1 are the ways of the name that alone is called. */
static void ways_world_make(struct world *w, struct lull_way_key *ways)
{
	static const uint32_t stands_on[] = {LULL_KIND_ROUTE, LULL_KIND_CREDENTIAL,
					     LULL_KIND_ENDPOINT};

	world_make(w, 3);
	for (uint32_t i = 0; i < 6; i++)
		ways[i] = (struct lull_way_key){i / 3, stands_on[i % 3],
						world_key(w, stands_on[i % 3], i / 3)};
}

/* The name's state, as a call without time to wait finds it: 0 it is tried. */
static uint64_t name_shut_ms(struct world *w, const struct lull_way_key *ways, uint32_t *ret_kind)
{
	struct lull_call_options options = w->options;
	struct lull_step step = {.abi_version = LULL_ABI_VERSION};
	struct lull_trail_entry entry = {.abi_version = LULL_ABI_VERSION};
	struct lull_route name;
	struct lull_call *call;

	lull_route_init(&name);
	name.names[0] = "fast";
	name.ways = ways;
	name.way_key_count = 6;
	options.when_cooling = LULL_WHEN_COOLING_FAIL;
	CU_ASSERT_EQUAL_FATAL(lull_call_begin(&call, w->table, &name, 1, &options, w->now_ms), 0);
	CU_ASSERT_EQUAL(lull_call_next(call, w->now_ms, &step), 0);
	CU_ASSERT_EQUAL(lull_call_trail_at(call, 0, &entry), 0);
	lull_call_end(call, w->now_ms);
	*ret_kind = entry.cooled_kind;
	if (step.action == LULL_ACTION_TRY)
		return 0;
	CU_ASSERT_EQUAL(step.result, LULL_RESULT_COOLING);
	CU_ASSERT_EQUAL(step.class_id, LULL_CLASS_MANUAL);
	return step.ready_in_ms;
}

static void test_a_name_is_shut_while_each_of_its_ways_is(void)
{
	struct lull_way_key ways[6];
	struct world w;
	uint32_t kind;

	ways_world_make(&w, ways);
	CU_ASSERT_EQUAL(name_shut_ms(&w, ways, &kind), 0); /* nothing is known of them */
	cool_by_hand(&w, LULL_KIND_ROUTE, 0, 5000);
	CU_ASSERT_EQUAL(name_shut_ms(&w, ways, &kind), 0);
	cool_by_hand(&w, LULL_KIND_ENDPOINT, 1, 3000);
	CU_ASSERT_EQUAL(name_shut_ms(&w, ways, &kind), 3000);
	CU_ASSERT_EQUAL(kind, LULL_KIND_ENDPOINT);
	cool_by_hand(&w, LULL_KIND_CREDENTIAL, 1, 9000);
	CU_ASSERT_EQUAL(name_shut_ms(&w, ways, &kind), 5000);
	CU_ASSERT_EQUAL(kind, LULL_KIND_ROUTE);
	CU_ASSERT_EQUAL(lull_key_cool(w.table, LULL_KIND_NAME, "fast", 7000, w.now_ms), 0);
	CU_ASSERT_EQUAL(name_shut_ms(&w, ways, &kind), 7000);
	CU_ASSERT_EQUAL(kind, LULL_KIND_NAME);
	world_end(&w);
}

static void test_what_becomes_of_a_name_is_not_charged_to_its_ways(void)
{
	struct lull_way_key ways[6];
	struct world w;
	struct caller c;

	ways_world_make(&w, ways);
	cool_by_hand(&w, LULL_KIND_ROUTE, 0, 5000);
	w.route_count = 1;
	lull_route_init(&w.routes[0]);
	w.routes[0].names[0] = "fast";
	w.routes[0].ways = ways;
	w.routes[0].way_key_count = 6;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_COMMAND);
	EXPECT_DONE(&c, LULL_RESULT_FAILED);
	caller_end(&c);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_NAME, 0), MINUTE);
	CU_ASSERT_EQUAL(word_bits_of(&w, LULL_KIND_ROUTE, ways[3].key), 0); /* not even inserted */
	world_end(&w);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_hard_classes_cool_at_once),
		CUNIT_TEST(test_soft_classes_do_not_cool_at_once),
		CUNIT_TEST(test_soft_classes_cool_at_the_third),
		CUNIT_TEST(test_the_wire_names_scope_and_proof),
		CUNIT_TEST(test_rules_say_more_than_the_wire),
		CUNIT_TEST(test_configured_times_and_hints),
		CUNIT_TEST(test_cooldowns_under_a_second_work),
		CUNIT_TEST(test_adaptive_doubles_with_each_failed_probe),
		CUNIT_TEST(test_network_doubles_with_each_failed_probe),
		CUNIT_TEST(test_a_key_is_shared_by_routes),
		CUNIT_TEST(test_two_keys_of_one_model_are_two_routes),
		CUNIT_TEST(test_without_a_key_its_faults_are_the_routes),
		CUNIT_TEST(test_every_name_a_call_was_made_by_is_honoured),
		CUNIT_TEST(test_a_call_does_not_insert_names),
		CUNIT_TEST(test_reading_never_inserts),
		CUNIT_TEST(test_a_skip_changes_nothing),
		CUNIT_TEST(test_the_table_is_read_before_every_attempt),
		CUNIT_TEST(test_one_outage_is_one_cooldown),
		CUNIT_TEST(test_the_later_end_wins),
		CUNIT_TEST(test_wait_sleeps_to_the_soonest_end),
		CUNIT_TEST(test_sleepers_do_not_stampede),
		CUNIT_TEST(test_wait_only_for_a_useful_rest),
		CUNIT_TEST(test_a_clear_is_acted_on_at_once),
		CUNIT_TEST(test_waking_early_for_nothing_goes_on_sleeping),
		CUNIT_TEST(test_never_sleep_while_another_is_ready),
		CUNIT_TEST(test_wait_when_all_have_failed_and_cool),
		CUNIT_TEST(test_fail_ends_at_once),
		CUNIT_TEST(test_held_is_never_ready_by_itself),
		CUNIT_TEST(test_try_takes_the_one_that_ends_first),
		CUNIT_TEST(test_a_try_takes_no_lease),
		CUNIT_TEST(test_a_try_that_succeeds_ends_the_cooldown_it_saw),
		CUNIT_TEST(test_a_try_ends_no_other_cooldown),
		CUNIT_TEST(test_a_try_never_ends_an_operators_cooldown),
		CUNIT_TEST(test_a_try_that_fails_never_shortens),
		CUNIT_TEST(test_a_try_is_the_last_resort),
		CUNIT_TEST(test_what_cools_nothing_leaves_the_words_alone),
		CUNIT_TEST(test_a_length_of_0_cools_nothing),
		CUNIT_TEST(test_two_handles_of_one_segment),
		CUNIT_TEST(test_a_full_table),
		CUNIT_TEST(test_a_name_is_shut_while_each_of_its_ways_is),
		CUNIT_TEST(test_what_becomes_of_a_name_is_not_charged_to_its_ways),
	};

	return CUNIT_MAIN("call: cooling", tests);
}
