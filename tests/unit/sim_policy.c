/* SPDX-License-Identifier: MIT */
/*
 * What the rules are for: hours of a busy host under different rules, and what the primary and the
 * callers get out of it. Each rule of docs/behaviour.md about soft failures, probes and lengths is
 * there because of a line in the table that this prints:
 *
 *     asked     requests to the primary, in percent of the calls
 *     served    calls that the primary answered, in percent
 *     wasted    requests to the primary that failed
 *     failed    calls without any answer
 *
 * A run is made SEEDS times, and the counts are the means. The assertions leave room: they hold for
 * any seed tried, and fail where a rule stops working.
 */
#include <stdbool.h>
#include <stddef.h>

#include "cunit_main.h"
#include "host_sim.h"

#define SEEDS      2u
#define MINUTE_MS  UINT64_C(60000)
#define OUT_AT_MS  MINUTE_MS
#define OUT_FOR_MS (5 * MINUTE_MS)

/* ------------------------------------------------------------------ rules */

enum rule { DEFAULT, TUTORIAL, ADAPTIVE, NO_PROBE, EACH_ALONE };

static const struct {
	const char *name;
	uint32_t policy;
	uint32_t probe;
	bool table_each;
} rules[] = {
	[DEFAULT] = {"default", LULL_POLICY_DEFAULT, 1, false},
	[TUTORIAL] = {"tutorial", LULL_POLICY_TUTORIAL, 1, false},
	[ADAPTIVE] = {"adaptive", LULL_POLICY_ADAPTIVE, 1, false},
	[NO_PROBE] = {"default, no probe", LULL_POLICY_DEFAULT, 0, false},
	[EACH_ALONE] = {"default, not shared", LULL_POLICY_DEFAULT, 1, true},
};

/* ------------------------------------------------------------------ servers */

static struct host_reply failure(uint32_t class_id, uint32_t http_status, uint64_t after_ms)
{
	return (struct host_reply){
		.class_id = class_id,
		.http_status = http_status,
		.hint_ms = -1,
		.headers_after_ms = after_ms,
		.end_after_ms = after_ms,
	};
}

static struct host_reply server_error(struct host *host)
{
	return failure(LULL_CLASS_SERVER_ERROR, 500, host_random(host, 50, 150));
}

static struct host_reply refusal(struct host *host)
{
	return failure(LULL_CLASS_RATE_LIMITED, 429, host_random(host, 200, 400));
}

static struct host_reply whole(struct host *host)
{
	return host_whole_answer(host, 1000, 9000);
}

static struct host_reply streamed(struct host *host)
{
	return host_streamed_answer(host, 1000, 9000);
}

static struct host_reply cut_off(struct host *host)
{
	struct host_reply reply = streamed(host);

	reply.class_id = LULL_CLASS_TRUNCATED_STREAM;
	reply.end_after_ms = host_random(host, reply.headers_after_ms, reply.end_after_ms);
	return reply;
}

static bool is_out(uint64_t at_ms)
{
	return at_ms >= OUT_AT_MS && at_ms < OUT_AT_MS + OUT_FOR_MS;
}

/* Two requests in a hundred fail, at random. */
static struct host_reply flaky_whole(struct host *host, uint64_t at_ms, void *context)
{
	(void)at_ms;
	(void)context;
	return host_chance(host, 0.02) ? server_error(host) : whole(host);
}

static struct host_reply flaky_streamed(struct host *host, uint64_t at_ms, void *context)
{
	(void)at_ms;
	(void)context;
	return host_chance(host, 0.02) ? cut_off(host) : streamed(host);
}

/* More often, on a host that has little to do. */
static struct host_reply shaky(struct host *host, uint64_t at_ms, void *context)
{
	(void)at_ms;
	(void)context;
	return host_chance(host, 0.15) ? server_error(host) : host_whole_answer(host, 500, 1500);
}

/* An outage of five minutes, in one way or another. */
static struct host_reply out_streamed(struct host *host, uint64_t at_ms, void *context)
{
	(void)context;
	return is_out(at_ms) ? server_error(host) : streamed(host);
}

static struct host_reply out_whole(struct host *host, uint64_t at_ms, void *context)
{
	(void)context;
	return is_out(at_ms) ? server_error(host) : whole(host);
}

static struct host_reply out_cut(struct host *host, uint64_t at_ms, void *context)
{
	(void)context;
	return is_out(at_ms) ? cut_off(host) : streamed(host);
}

static struct host_reply out_silent(struct host *host, uint64_t at_ms, void *context)
{
	(void)context;
	return is_out(at_ms) ? failure(LULL_CLASS_TIMEOUT, 504, 10 * MINUTE_MS) : streamed(host);
}

static struct host_reply out_refusing(struct host *host, uint64_t at_ms, void *context)
{
	(void)context;
	return is_out(at_ms) ? refusal(host) : host_whole_answer(host, 500, 1500);
}

static struct host_reply out_with_hint(struct host *host, uint64_t at_ms, void *context)
{
	struct host_reply reply = out_refusing(host, at_ms, context);

	if (is_out(at_ms))
		reply.hint_ms = 30000;
	return reply;
}

/* Busy for a second, and says so; from then on each answer takes longer than a probe's lease. */
static struct host_reply slow(struct host *host, uint64_t at_ms, void *context)
{
	struct host_reply reply = failure(LULL_CLASS_OVERLOADED, 503, 200);

	(void)context;
	reply.hint_ms = 10000;
	return at_ms < 1000 ? reply : host_whole_answer(host, 20000, 25000);
}

/* 300 requests a minute, said to nobody: a bucket that fills all the time, or one count a minute.
 */
struct limit {
	double left;
	uint64_t since_ms;
};

static struct host_reply limited(struct host *host, struct limit *limit)
{
	if (limit->left < 1)
		return refusal(host);
	limit->left--;
	return whole(host);
}

static struct host_reply limited_bucket(struct host *host, uint64_t at_ms, void *context)
{
	struct limit *limit = context;

	limit->left += (double)(at_ms - limit->since_ms) * 300 / (double)MINUTE_MS;
	limit->left = limit->left < 10 ? limit->left : 10;
	limit->since_ms = at_ms;
	return limited(host, limit);
}

/* The bucket says how soon there is room, which is soon, and two requests in a hundred fail. */
static struct host_reply limited_flaky(struct host *host, uint64_t at_ms, void *context)
{
	struct host_reply reply = limited_bucket(host, at_ms, context);

	if (reply.class_id == LULL_CLASS_RATE_LIMITED)
		reply.hint_ms = 200;
	else if (host_chance(host, 0.02))
		return server_error(host);
	return reply;
}

static struct host_reply limited_window(struct host *host, uint64_t at_ms, void *context)
{
	struct limit *limit = context;

	if (at_ms >= limit->since_ms + MINUTE_MS)
		*limit = (struct limit){300, at_ms - at_ms % MINUTE_MS};
	return limited(host, limit);
}

/* ------------------------------------------------------------------ runs */

struct result {
	const char *scenario;
	enum rule rule;
	uint32_t workers;
	double calls, asked, served, wasted, failed; /* a run; asked, served: percent */
	double accepted_at_s;
};

static struct result results[64];
static size_t result_count;

struct scenario {
	const char *name;
	host_server_fn primary;
	uint32_t workers;
	double calls_per_s;
	uint32_t minutes;
};

static struct result run(const struct scenario *scenario, enum rule rule)
{
	struct result r = {.scenario = scenario->name, .rule = rule, .workers = scenario->workers};
	struct lull_call_options options;

	lull_call_options_init(&options);
	options.policy = rules[rule].policy;
	options.probe = rules[rule].probe;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct limit limit = {.left = 300};
		struct host_count count = host_run(&(struct host_plan){
			.workers = scenario->workers,
			.table_each = rules[rule].table_each,
			.calls_per_s = scenario->calls_per_s,
			.for_ms = scenario->minutes * MINUTE_MS,
			.seed = seed,
			.primary = scenario->primary,
			.context = &limit,
			.options = &options,
		});
		double calls = (double)count.calls;

		r.calls += calls / SEEDS;
		r.asked += 100 * (double)count.asked / calls / SEEDS;
		r.served += 100 * (double)count.by_primary / calls / SEEDS;
		r.wasted += (double)count.wasted / SEEDS;
		r.failed += (double)(count.calls - count.answered) / SEEDS;
		r.accepted_at_s += (double)count.accepted_at_ms / 1000 / SEEDS;
	}
	results[result_count++] = r;
	return r;
}

static void results_print(void)
{
	const char *scenario = NULL;

	(void)printf("\n%-44s %7s  %-20s %7s %7s %7s %7s %7s\n", "the primary", "workers", "rule",
		     "calls", "asked%", "served%", "wasted", "failed");
	for (size_t i = 0; i < result_count; i++) {
		const struct result *r = &results[i];

		(void)printf("%-44s %7u  %-20s %7.0f %7.1f %7.1f %7.1f %7.1f\n",
			     r->scenario == scenario ? "" : r->scenario, r->workers,
			     rules[r->rule].name, r->calls, r->asked, r->served, r->wasted,
			     r->failed);
		scenario = r->scenario;
	}
}

/* ------------------------------------------------------------------ what must hold */

/* One tutorial's set for all would bench a primary for a minute at each chance failure. */
static void stays_with_a_primary_that_fails_at_random(const struct scenario *scenario)
{
	struct result by_default = run(scenario, DEFAULT);
	struct result tutorial = run(scenario, TUTORIAL);

	CU_ASSERT(by_default.asked >= 99);
	CU_ASSERT(by_default.served >= 97);
	CU_ASSERT(by_default.failed == 0);
	CU_ASSERT(tutorial.asked < 15);
}

static void test_random_500s_do_not_bench_the_primary(void)
{
	stays_with_a_primary_that_fails_at_random(
		&(struct scenario){"2 % fail with 500, answers whole", flaky_whole, 128, 10, 20});
}

static void test_random_cuts_do_not_bench_the_primary(void)
{
	stays_with_a_primary_that_fails_at_random(
		&(struct scenario){"2 % cut off, answers streamed", flaky_streamed, 128, 10, 20});
}

static void test_answers_between_failures_speak_for_the_primary(void)
{
	const struct scenario rare = {"15 % fail with 500, a call in 5 s", shaky, 8, 0.2, 600};
	struct result by_default = run(&rare, DEFAULT);
	struct result tutorial = run(&rare, TUTORIAL);

	CU_ASSERT(by_default.asked > 93);
	CU_ASSERT(tutorial.asked < 60);
}

/* The same patience costs little when the primary is really out. */
static void test_an_outage_costs_about_what_it_costs_the_tutorial(void)
{
	const struct scenario scenarios[] = {
		{"out for 5 min with 500, answers streamed", out_streamed, 128, 10, 10},
		{"out for 5 min, each stream cut off", out_cut, 128, 10, 10},
	};

	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		struct result by_default = run(&scenarios[i], DEFAULT);
		struct result tutorial = run(&scenarios[i], TUTORIAL);

		CU_ASSERT(by_default.wasted < 2 * tutorial.wasted);
		CU_ASSERT(by_default.failed == 0);
	}
}

/* Answers begun before an outage speak for the primary until the last of them has come. */
static void test_an_outage_is_noticed_when_the_last_answer_from_before_it_has_come(void)
{
	const struct scenario out = {"out for 5 min with 500, answers whole", out_whole, 128, 10,
				     10};
	struct result by_default = run(&out, DEFAULT);

	(void)run(&out, TUTORIAL);
	CU_ASSERT(by_default.wasted < 9 * 10 + 30); /* as long as the longest answer, and probes */
	CU_ASSERT(by_default.failed == 0);
}

/* A primary that says nothing must not take the whole budget with it. */
static void test_silence_costs_no_call_its_answer(void)
{
	const struct scenario silent = {"out for 5 min in silence", out_silent, 512, 10, 10};
	struct result by_default = run(&silent, DEFAULT);
	struct result tutorial = run(&silent, TUTORIAL);

	CU_ASSERT(by_default.failed == 0);
	CU_ASSERT(tutorial.failed > 100);
}

static void test_a_hint_is_kept_and_probed_once(void)
{
	const struct scenario hint = {"429 for 5 min, Retry-After: 30", out_with_hint, 128, 10, 10};
	struct result by_default = run(&hint, DEFAULT);
	struct result tutorial = run(&hint, TUTORIAL);

	CU_ASSERT(by_default.wasted < tutorial.wasted);
	CU_ASSERT(by_default.served > 45);
}

static void test_adaptive_serves_limits_without_hints_better(void)
{
	const struct scenario bucket = {"300 a minute, a bucket, no hint", limited_bucket, 128, 10,
					20};
	const struct scenario window = {"300 a minute, counted, no hint", limited_window, 128, 10,
					20};
	struct result by_default = run(&bucket, DEFAULT);
	struct result adaptive = run(&bucket, ADAPTIVE);

	CU_ASSERT(adaptive.served > 2 * by_default.served);
	by_default = run(&window, DEFAULT);
	adaptive = run(&window, ADAPTIVE);
	CU_ASSERT(adaptive.served > by_default.served);
}

/* Without the rule for lapsed leases it would never open. */
/* A short limit is probed so often that its probes meet every rare failure. */
static void test_short_limits_do_not_make_random_500s_worse(void)
{
	const struct scenario short_limits = {"300 a minute, 200 ms said, 2 % fail with 500",
					      limited_flaky, 128, 10, 20};
	struct result by_default = run(&short_limits, DEFAULT);

	CU_ASSERT(by_default.served > 40);
}

static void test_answers_slower_than_a_lease_open_the_primary(void)
{
	const struct scenario slow_answers = {"cooled for 10 s, then answers of 20 to 25 s", slow,
					      256, 5, 20};
	struct result r = run(&slow_answers, DEFAULT);

	CU_ASSERT(r.accepted_at_s < 10 + 26);
	CU_ASSERT(r.served > 95);
}

static void test_sharing_and_probing_spare_an_outage_its_repetition(void)
{
	for (uint32_t workers = 4; workers <= 64; workers *= 4) {
		const struct scenario out = {"429 for 5 min, no hint", out_refusing, workers,
					     0.7 * workers, 10};
		struct result alone = run(&out, EACH_ALONE);
		struct result no_probe = run(&out, NO_PROBE);
		struct result shared = run(&out, DEFAULT);

		CU_ASSERT(alone.wasted >= 4.5 * workers);
		CU_ASSERT(no_probe.wasted < alone.wasted / 2);
		CU_ASSERT(shared.wasted < no_probe.wasted);
		CU_ASSERT(shared.wasted < 5 + 0.4 * workers);
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_random_500s_do_not_bench_the_primary),
		CUNIT_TEST(test_random_cuts_do_not_bench_the_primary),
		CUNIT_TEST(test_answers_between_failures_speak_for_the_primary),
		CUNIT_TEST(test_an_outage_costs_about_what_it_costs_the_tutorial),
		CUNIT_TEST(test_an_outage_is_noticed_when_the_last_answer_from_before_it_has_come),
		CUNIT_TEST(test_silence_costs_no_call_its_answer),
		CUNIT_TEST(test_a_hint_is_kept_and_probed_once),
		CUNIT_TEST(test_adaptive_serves_limits_without_hints_better),
		CUNIT_TEST(test_short_limits_do_not_make_random_500s_worse),
		CUNIT_TEST(test_answers_slower_than_a_lease_open_the_primary),
		CUNIT_TEST(test_sharing_and_probing_spare_an_outage_its_repetition),
	};
	int failed = CUNIT_MAIN("policy", tests);

	results_print();
	return failed;
}
