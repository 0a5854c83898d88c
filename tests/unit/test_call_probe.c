/* SPDX-License-Identifier: MIT */
/*
 * The probe: when a cooldown has ended, one process finds out for all. Who gets the lease, what
 * ends it, what hands it back, and what a process leaves behind that is killed with it.
 */
#include "call_fixture.h"
#include "cunit_main.h"

#define MINUTE   UINT64_C(60000)
#define LEASE_MS 10000u

static struct lull_outcome proven(uint32_t class_id, uint32_t proof)
{
	struct lull_outcome outcome = outcome_of(class_id);

	outcome.proof = proof;
	return outcome;
}

/* A world of route_count routes whose route 0 has just stopped cooling, of a 503. */
static void world_with_cooled(struct world *w, uint32_t route_count)
{
	struct lull_outcome overloaded = proven(LULL_CLASS_OVERLOADED, LULL_PROOF_HARD);

	world_make(w, route_count);
	meanwhile_outcome(w, &overloaded);
	w->now_ms += MINUTE;
}

static bool is_open(const struct world *w, uint32_t kind)
{
	return word_bits_of(w, kind, world_key(w, kind, 0)) == 0;
}

static uint32_t state_of(const struct world *w, uint32_t kind)
{
	return key_state(w, kind, 0).state;
}

/* ------------------------------------------------------------------ taking it */

static void test_the_first_to_come_probes_and_the_others_skip(void)
{
	struct world w;
	struct caller first, c;

	world_with_cooled(&w, 2);
	caller_begin(&first, &w);
	EXPECT_TRY(&first, 0);
	CU_ASSERT_EQUAL(last_entry(&first, LULL_TRAIL_ATTEMPT).probe, 1);
	for (int i = 0; i < 64; i++) {
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 1);
		CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_SKIP).state, LULL_STATE_PROBING);
		caller_end(&c);
	}
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ROUTE, 0).probes, 1);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), LEASE_MS);
	caller_end(&first);
	world_end(&w);
}

static void test_a_killed_prober_costs_one_lease(void)
{
	struct world w;
	struct caller killed, c;

	world_with_cooled(&w, 2);
	caller_begin(&killed, &w);
	EXPECT_TRY(&killed, 0);
	w.now_ms += LEASE_MS - 1; /* nothing more is heard of it */
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 1);
	caller_end(&c);
	w.now_ms += 1;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_ATTEMPT).probe, 1);
	caller_end(&c);
	caller_end(&killed);
	world_end(&w);
}

static void test_a_rate_limits_lease_is_short_and_silence_opens(void)
{
	struct world w;
	struct caller c, later[2];

	world_make(&w, 2);
	meanwhile(&w, LULL_CLASS_RATE_LIMITED);
	w.now_ms += MINUTE;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), 1000);
	w.now_ms += 1000; /* no refusal came */
	for (int i = 0; i < 2; i++) {
		caller_begin(&later[i], &w);
		EXPECT_TRY(&later[i], 0);
		CU_ASSERT_EQUAL(last_entry(&later[i], LULL_TRAIL_ATTEMPT).probe, 0);
	}
	for (int i = 0; i < 2; i++)
		caller_end(&later[i]);
	caller_end(&c);
	world_end(&w);
}

static void test_probe_off_opens_it_to_all(void)
{
	struct world w;
	struct caller c[3];

	world_with_cooled(&w, 2);
	w.options.probe = 0;
	for (int i = 0; i < 3; i++) {
		caller_begin(&c[i], &w);
		EXPECT_TRY(&c[i], 0);
		CU_ASSERT_EQUAL(last_entry(&c[i], LULL_TRAIL_ATTEMPT).probe, 0);
	}
	for (int i = 0; i < 3; i++)
		caller_end(&c[i]);
	world_end(&w);
}

static void test_probe_off_heeds_nobodys_lease(void)
{
	struct world w;
	struct caller prober, c;

	world_with_cooled(&w, 2);
	caller_begin(&prober, &w);
	EXPECT_TRY(&prober, 0);
	w.options.probe = 0;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(state_of(&w, LULL_KIND_ROUTE), LULL_STATE_PROBING); /* and leaves it */
	caller_end(&c);
	caller_end(&prober);
	world_end(&w);
}

/* All words are read first: a lease is not taken on one key while another is shut. */
static void test_no_lease_unless_all_keys_are_ready(void)
{
	struct world w;
	struct caller c;
	uint64_t before;

	world_with_cooled(&w, 2);
	cool_by_hand(&w, LULL_KIND_CREDENTIAL, 0, MINUTE);
	before = word_bits_of(&w, LULL_KIND_ROUTE, w.routes[0].route_key);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 1);
	CU_ASSERT_EQUAL(word_bits_of(&w, LULL_KIND_ROUTE, w.routes[0].route_key), before);
	caller_end(&c);
	world_end(&w);
}

static void test_one_attempt_may_hold_several_leases(void)
{
	static const uint32_t kinds[] = {LULL_KIND_ENDPOINT, LULL_KIND_CREDENTIAL, LULL_KIND_ROUTE,
					 LULL_KIND_NAME};
	struct world w;
	struct caller c;

	world_make(&w, 1);
	w.routes[0].names[0] = "fast";
	for (int i = 0; i < 4; i++)
		cool_by_hand(&w, kinds[i], 0, 1000);
	w.now_ms += 1000;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(state_of(&w, kinds[i]), LULL_STATE_PROBING);
	answer(&c);
	for (int i = 0; i < 4; i++)
		CU_ASSERT(is_open(&w, kinds[i]));
	caller_end(&c);
	world_end(&w);
}

/* "gpt-4o" asked for by its own name: configured and upstream name are one key, and one lease. */
static void test_a_name_given_twice_is_one_key(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 1);
	w.routes[0].names[0] = w.routes[0].names[2] = "gpt-4o";
	w.routes[0].names[1] = "openai/gpt-4o";
	cool_by_hand(&w, LULL_KIND_NAME, 0, 1000);
	w.now_ms += 1000;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_NAME, 0).probes, 1);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_NAME, 0).attempts, 1);
	caller_end(&c);
	world_end(&w);
}

/* ------------------------------------------------------------------ what ends it */

static void test_headers_open(void)
{
	struct world w;
	struct caller c, other;

	world_with_cooled(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	w.now_ms += 800;
	progress(&c, LULL_PROGRESS_CONNECTED);
	CU_ASSERT_EQUAL(state_of(&w, LULL_KIND_ROUTE), LULL_STATE_PROBING);
	progress(&c, LULL_PROGRESS_ACCEPTED);
	CU_ASSERT(is_open(&w, LULL_KIND_ROUTE));
	caller_begin(&other, &w);
	EXPECT_TRY(&other, 0);
	caller_end(&other);
	caller_end(&c);
	world_end(&w);
}

static void test_an_answer_opens_a_driver_without_progress(void)
{
	struct world w;
	struct caller c;

	world_with_cooled(&w, 1);
	w.options.connection_driver = 0;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_ANSWERED);
	CU_ASSERT(is_open(&w, LULL_KIND_ROUTE));
	caller_end(&c);
	world_end(&w);
}

/* Cooled by failures that came after 2xx headers: headers prove nothing then. */
static void test_what_failed_after_headers_opens_to_an_answer_only(void)
{
	static const uint32_t classes[] = {LULL_CLASS_MALFORMED_RESPONSE,
					   LULL_CLASS_TRUNCATED_STREAM};

	for (size_t i = 0; i < 2; i++) {
		struct lull_outcome outcome = proven(classes[i], LULL_PROOF_HARD);
		struct world w;
		struct caller c;

		world_make(&w, 1);
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 0);
		progress(&c, LULL_PROGRESS_ACCEPTED);
		report_outcome(&c, &outcome);
		caller_end(&c);
		w.now_ms += MINUTE;
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 0);
		progress(&c, LULL_PROGRESS_CONNECTED);
		progress(&c, LULL_PROGRESS_ACCEPTED);
		CU_ASSERT_EQUAL(state_of(&w, LULL_KIND_ROUTE), LULL_STATE_PROBING);
		progress(&c, LULL_PROGRESS_CONTENT);
		CU_ASSERT_EQUAL(state_of(&w, LULL_KIND_ROUTE), LULL_STATE_PROBING);
		report(&c, LULL_CLASS_ANSWERED);
		CU_ASSERT(is_open(&w, LULL_KIND_ROUTE));
		caller_end(&c);
		world_end(&w);
	}
}

static void test_a_failing_probe_cools_again_at_once(void)
{
	static const uint32_t classes[] = {LULL_CLASS_SERVER_ERROR, LULL_CLASS_RATE_LIMITED,
					   LULL_CLASS_TIMEOUT, LULL_CLASS_MODEL_NOT_FOUND};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		struct world w;
		struct caller c;

		world_with_cooled(&w, 2);
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 0);
		report(&c, classes[i]);
		CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), MINUTE);
		CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ROUTE, 0).strikes, 1);
		EXPECT_TRY(&c, 1);
		caller_end(&c);
		world_end(&w);
	}
}

static void test_failure_after_the_headers_opened_it_counts_anew(void)
{
	struct world w;
	struct caller c;

	world_with_cooled(&w, 1);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	progress(&c, LULL_PROGRESS_ACCEPTED);
	w.now_ms += 5000;
	report(&c, LULL_CLASS_TRUNCATED_STREAM);
	CU_ASSERT_EQUAL(state_of(&w, LULL_KIND_ROUTE), LULL_STATE_READY);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ROUTE, 0).strikes, 1);
	caller_end(&c);
	world_end(&w);
}

/* Without this a route whose answers take longer than the lease would never open. */
static void test_an_answer_that_takes_25_s_still_opens(void)
{
	struct world w;
	struct caller c[3];

	world_with_cooled(&w, 1);
	w.options.when_cooling = LULL_WHEN_COOLING_FAIL;
	for (int i = 0; i < 3; i++) { /* each finds the lease before it lapsed */
		caller_begin(&c[i], &w);
		EXPECT_TRY(&c[i], 0);
		w.now_ms += LEASE_MS;
	}
	w.now_ms -= 5000; /* the third's lease runs */
	CU_ASSERT_EQUAL(state_of(&w, LULL_KIND_ROUTE), LULL_STATE_PROBING);
	progress(&c[0], LULL_PROGRESS_ACCEPTED);
	CU_ASSERT(is_open(&w, LULL_KIND_ROUTE));
	report(&c[0], LULL_CLASS_ANSWERED);
	for (int i = 0; i < 3; i++)
		caller_end(&c[i]);
	world_end(&w);
}

static void test_a_slow_answer_does_not_open_what_failed_since(void)
{
	struct world w;
	struct caller slow, c;

	world_with_cooled(&w, 2);
	caller_begin(&slow, &w);
	EXPECT_TRY(&slow, 0);
	w.now_ms += LEASE_MS;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_SERVER_ERROR);
	caller_end(&c);
	w.now_ms += 2000;
	answer(&slow);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), MINUTE - 2000);
	caller_end(&slow);
	world_end(&w);
}

static void test_a_slow_failure_leaves_the_next_prober_alone(void)
{
	struct world w;
	struct caller slow, next;
	uint64_t lease;

	world_with_cooled(&w, 2);
	caller_begin(&slow, &w);
	EXPECT_TRY(&slow, 0);
	w.now_ms += LEASE_MS;
	caller_begin(&next, &w);
	EXPECT_TRY(&next, 0);
	lease = word_bits_of(&w, LULL_KIND_ROUTE, w.routes[0].route_key);
	report(&slow, LULL_CLASS_SERVER_ERROR);
	CU_ASSERT_EQUAL(word_bits_of(&w, LULL_KIND_ROUTE, w.routes[0].route_key), lease);
	answer(&next);
	CU_ASSERT(is_open(&w, LULL_KIND_ROUTE));
	caller_end(&slow);
	caller_end(&next);
	world_end(&w);
}

/* ------------------------------------------------------------------ what hands it back */

static void expect_handed_back(const struct lull_outcome *outcome)
{
	struct world w;
	struct caller c;
	uint32_t serial;

	world_with_cooled(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	serial = lull_table_serial(w.table);
	w.now_ms += 3000;
	report_outcome(&c, outcome);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), 0);
	CU_ASSERT_FALSE(is_open(&w, LULL_KIND_ROUTE)); /* free for the next prober, not for all */
	CU_ASSERT_NOT_EQUAL(lull_table_serial(w.table), serial); /* sleepers hear of it */
	caller_end(&c);
	world_end(&w);
}

static void test_what_says_nothing_hands_the_lease_back(void)
{
	static const uint32_t classes[] = {
		LULL_CLASS_CANCELLED,   LULL_CLASS_SUSPENDED,      LULL_CLASS_DEADLINE,
		LULL_CLASS_LOCAL,       LULL_CLASS_CONTEXT_WINDOW, LULL_CLASS_CONTENT_POLICY,
		LULL_CLASS_BAD_REQUEST, LULL_CLASS_TOO_LARGE,
	};
	struct lull_outcome outcome;

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		outcome = outcome_of(classes[i]);
		expect_handed_back(&outcome);
	}
	outcome = outcome_of(LULL_CLASS_TIMEOUT); /* 3 s: proves nothing */
	outcome.ours = 1;
	outcome.http_status = 0;
	expect_handed_back(&outcome);
	outcome = outcome_of(LULL_CLASS_RATE_LIMITED); /* a length of 0 */
	outcome.hint_ms = 0;
	expect_handed_back(&outcome);
	outcome = outcome_of(LULL_CLASS_AUTH); /* another scope */
	expect_handed_back(&outcome);
	outcome = proven(LULL_CLASS_NETWORK, LULL_PROOF_HARD);
	expect_handed_back(&outcome);
}

static void test_leaving_hands_the_lease_back(void)
{
	struct world w;
	struct caller c, next;

	world_with_cooled(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	w.now_ms += 3000;
	caller_end(&c); /* Ctrl-C */
	caller_begin(&next, &w);
	EXPECT_TRY(&next, 0);
	CU_ASSERT_EQUAL(last_entry(&next, LULL_TRAIL_ATTEMPT).probe, 1);
	caller_end(&next);
	world_end(&w);
}

static void test_what_was_opened_is_not_handed_back(void)
{
	struct world w;
	struct caller c;

	world_with_cooled(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	progress(&c, LULL_PROGRESS_ACCEPTED);
	caller_end(&c);
	CU_ASSERT(is_open(&w, LULL_KIND_ROUTE));
	world_end(&w);
}

static void test_a_sleeper_gets_the_lease_that_is_handed_back(void)
{
	struct world w;
	struct caller prober, sleeper;

	world_with_cooled(&w, 1);
	caller_begin(&prober, &w);
	EXPECT_TRY(&prober, 0);
	caller_begin(&sleeper, &w);
	CU_ASSERT_EQUAL(caller_next(&sleeper)->action, LULL_ACTION_SLEEP);
	w.now_ms += 700;
	report(&prober, LULL_CLASS_CANCELLED);
	EXPECT_TRY(&sleeper, 0);
	caller_end(&sleeper);
	caller_end(&prober);
	world_end(&w);
}

/* ------------------------------------------------------------------ the other kinds of key */

static void cool_and_wait(struct world *w, uint32_t kind)
{
	cool_by_hand(w, kind, 0, 1000);
	w->now_ms += 1000;
}

/* Other models of that server need not wait for this one's answer. */
static void test_an_endpoints_lease_ends_with_the_connection(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	cool_and_wait(&w, LULL_KIND_ENDPOINT);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	CU_ASSERT_EQUAL(state_of(&w, LULL_KIND_ENDPOINT), LULL_STATE_PROBING);
	progress(&c, LULL_PROGRESS_CONNECTED);
	CU_ASSERT(is_open(&w, LULL_KIND_ENDPOINT));
	caller_end(&c);
	world_end(&w);
}

/* ... unless what came over such connections was an edge's page with status 200. */
static void test_a_connection_does_not_open_what_failed_after_headers(void)
{
	struct lull_outcome page = proven(LULL_CLASS_MALFORMED_RESPONSE, LULL_PROOF_HARD);
	struct world w;
	struct caller c;

	page.scope = LULL_KIND_ENDPOINT;
	world_make(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	progress(&c, LULL_PROGRESS_ACCEPTED);
	report_outcome(&c, &page);
	caller_end(&c);
	w.now_ms += MINUTE;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	progress(&c, LULL_PROGRESS_CONNECTED);
	progress(&c, LULL_PROGRESS_ACCEPTED);
	CU_ASSERT_EQUAL(state_of(&w, LULL_KIND_ENDPOINT), LULL_STATE_PROBING);
	report(&c, LULL_CLASS_ANSWERED);
	CU_ASSERT(is_open(&w, LULL_KIND_ENDPOINT));
	caller_end(&c);
	world_end(&w);
}

static void test_any_status_line_opens_an_endpoint(void)
{
	static const uint32_t classes[] = {LULL_CLASS_RATE_LIMITED, LULL_CLASS_AUTH,
					   LULL_CLASS_SERVER_ERROR, LULL_CLASS_BAD_REQUEST,
					   LULL_CLASS_CONTENT_POLICY};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		struct world w;
		struct caller c;

		world_make(&w, 2);
		cool_and_wait(&w, LULL_KIND_ENDPOINT);
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 0);
		report(&c, classes[i]);
		CU_ASSERT(is_open(&w, LULL_KIND_ENDPOINT));
		caller_end(&c);
		world_end(&w);
	}
}

static void test_an_endpoint_that_said_nothing_is_handed_back(void)
{
	static const uint32_t classes[] = {LULL_CLASS_CANCELLED, LULL_CLASS_LOCAL,
					   LULL_CLASS_DEADLINE};

	for (size_t i = 0; i < 2 * sizeof(classes) / sizeof(classes[0]); i++) {
		struct world w;
		struct caller c;

		world_make(&w, 2);
		w.options.connection_driver = i % 2; /* with or without connections */
		cool_and_wait(&w, LULL_KIND_ENDPOINT);
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 0);
		report(&c, classes[i / 2]);
		CU_ASSERT_FALSE(is_open(&w, LULL_KIND_ENDPOINT));
		CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ENDPOINT, 0), 0);
		caller_end(&c);
		world_end(&w);
	}
}

/* Bindings see neither connection nor status line, only what became of it. */
static void test_without_connections_an_endpoints_lease_ends_at_report(void)
{
	struct lull_outcome outcome = outcome_of(LULL_CLASS_RATE_LIMITED);
	struct world w;
	struct caller c;

	world_make(&w, 2);
	w.options.connection_driver = 0;
	outcome.http_status = 0;
	cool_and_wait(&w, LULL_KIND_ENDPOINT);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report_outcome(&c, &outcome);
	CU_ASSERT(is_open(&w, LULL_KIND_ENDPOINT));
	caller_end(&c);
	world_end(&w);
}

static void test_what_proves_a_credential(void)
{
	static const struct {
		uint32_t class_id;
		bool opens;
	} rows[] = {
		{LULL_CLASS_RATE_LIMITED, true}, {LULL_CLASS_MODEL_NOT_FOUND, true},
		{LULL_CLASS_SERVER_ERROR, true}, {LULL_CLASS_NETWORK, false},
		{LULL_CLASS_LOCAL, false},       {LULL_CLASS_BAD_REQUEST, false},
		{LULL_CLASS_CANCELLED, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;
		struct caller c;

		world_make(&w, 2);
		cool_and_wait(&w, LULL_KIND_CREDENTIAL);
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 0);
		report(&c, rows[i].class_id);
		CU_ASSERT_EQUAL(is_open(&w, LULL_KIND_CREDENTIAL), rows[i].opens);
		CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_CREDENTIAL, 0), 0);
		caller_end(&c);
		world_end(&w);
	}
}

/* An edge's error page says nothing about the key behind it. */
static void test_a_failure_of_the_endpoint_proves_no_credential(void)
{
	struct lull_outcome page = outcome_of(LULL_CLASS_SERVER_ERROR);
	struct world w;
	struct caller c;

	page.scope = LULL_KIND_ENDPOINT;
	world_make(&w, 2);
	cool_and_wait(&w, LULL_KIND_CREDENTIAL);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report_outcome(&c, &page);
	CU_ASSERT_FALSE(is_open(&w, LULL_KIND_CREDENTIAL));
	caller_end(&c);
	world_end(&w);
}

static void test_a_failing_probe_of_a_credential_cools_it_again(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	cool_and_wait(&w, LULL_KIND_CREDENTIAL);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_AUTH);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_CREDENTIAL, 0), MINUTE);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_CREDENTIAL, 0).strikes, 1);
	caller_end(&c);
	world_end(&w);
}

/* A name is judged as its route, by whoever probes it. */
static void test_a_probed_name_is_judged_as_its_route(void)
{
	static const struct {
		uint32_t class_id;
		uint64_t shut_ms;
		bool opens;
	} rows[] = {
		{LULL_CLASS_ANSWERED, 0, true},           {LULL_CLASS_RATE_LIMITED, MINUTE, false},
		{LULL_CLASS_SERVER_ERROR, MINUTE, false}, {LULL_CLASS_AUTH, 0, false},
		{LULL_CLASS_BAD_REQUEST, 0, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;
		struct caller c;

		world_make(&w, 2);
		w.routes[0].names[0] = "fast";
		cool_and_wait(&w, LULL_KIND_NAME);
		caller_begin(&c, &w);
		EXPECT_TRY(&c, 0);
		report(&c, rows[i].class_id);
		CU_ASSERT_EQUAL(is_open(&w, LULL_KIND_NAME), rows[i].opens);
		CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_NAME, 0), rows[i].shut_ms);
		caller_end(&c);
		world_end(&w);
	}
}

/* A name may stand for other routes too; those have not failed. */
static void test_a_name_that_was_not_probed_is_not_charged(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	w.routes[0].names[0] = w.routes[1].names[0] = "fast";
	(void)lull_key_cool(w.table, LULL_KIND_NAME, "fast", 1000, w.now_ms);
	(void)lull_key_clear(w.table, LULL_KIND_NAME, "fast", w.now_ms);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_RATE_LIMITED);
	EXPECT_TRY(&c, 1);
	answer(&c);
	caller_end(&c);
	world_end(&w);
}

static void test_a_route_is_not_probed_while_its_key_is(void)
{
	struct world w;
	struct caller first, second;

	world_make(&w, 3);
	w.routes[1].credential_key = w.routes[0].credential_key;
	cool_by_hand(&w, LULL_KIND_CREDENTIAL, 0, 1000);
	cool_by_hand(&w, LULL_KIND_ROUTE, 1, 1000);
	w.now_ms += 1000;
	caller_begin(&first, &w);
	EXPECT_TRY(&first, 0); /* probes the credential */
	caller_begin(&second, &w);
	EXPECT_TRY(&second, 2); /* 1 is ready itself, but its credential is being probed */
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 1), 0);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ROUTE, 1).probes, 0);
	caller_end(&first);
	caller_end(&second);
	world_end(&w);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_the_first_to_come_probes_and_the_others_skip),
		CUNIT_TEST(test_a_killed_prober_costs_one_lease),
		CUNIT_TEST(test_a_rate_limits_lease_is_short_and_silence_opens),
		CUNIT_TEST(test_probe_off_opens_it_to_all),
		CUNIT_TEST(test_probe_off_heeds_nobodys_lease),
		CUNIT_TEST(test_no_lease_unless_all_keys_are_ready),
		CUNIT_TEST(test_one_attempt_may_hold_several_leases),
		CUNIT_TEST(test_a_name_given_twice_is_one_key),
		CUNIT_TEST(test_headers_open),
		CUNIT_TEST(test_an_answer_opens_a_driver_without_progress),
		CUNIT_TEST(test_what_failed_after_headers_opens_to_an_answer_only),
		CUNIT_TEST(test_a_failing_probe_cools_again_at_once),
		CUNIT_TEST(test_failure_after_the_headers_opened_it_counts_anew),
		CUNIT_TEST(test_an_answer_that_takes_25_s_still_opens),
		CUNIT_TEST(test_a_slow_answer_does_not_open_what_failed_since),
		CUNIT_TEST(test_a_slow_failure_leaves_the_next_prober_alone),
		CUNIT_TEST(test_what_says_nothing_hands_the_lease_back),
		CUNIT_TEST(test_leaving_hands_the_lease_back),
		CUNIT_TEST(test_what_was_opened_is_not_handed_back),
		CUNIT_TEST(test_a_sleeper_gets_the_lease_that_is_handed_back),
		CUNIT_TEST(test_an_endpoints_lease_ends_with_the_connection),
		CUNIT_TEST(test_a_connection_does_not_open_what_failed_after_headers),
		CUNIT_TEST(test_any_status_line_opens_an_endpoint),
		CUNIT_TEST(test_an_endpoint_that_said_nothing_is_handed_back),
		CUNIT_TEST(test_without_connections_an_endpoints_lease_ends_at_report),
		CUNIT_TEST(test_what_proves_a_credential),
		CUNIT_TEST(test_a_failure_of_the_endpoint_proves_no_credential),
		CUNIT_TEST(test_a_failing_probe_of_a_credential_cools_it_again),
		CUNIT_TEST(test_a_probed_name_is_judged_as_its_route),
		CUNIT_TEST(test_a_name_that_was_not_probed_is_not_charged),
		CUNIT_TEST(test_a_route_is_not_probed_while_its_key_is),
	};

	return CUNIT_MAIN("call: probe", tests);
}
