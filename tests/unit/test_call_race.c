/* SPDX-License-Identifier: MIT */
/*
 * What happens between two instructions of a call: another process takes the lease that was free a
 * moment ago, or gives it back. The test stands in for segment_change(), through which every word
 * is changed, and lets somebody else act right before chosen changes.
 */
#include "call_fixture.h"
#include "cunit_main.h"
#include "segment.h"

struct word_step __wrap_segment_change(struct segment *segment, struct layout_slot *slot,
				       word_fn fn, const struct word_event *e, uint64_t *ret_from);
struct word_step __real_segment_change(struct segment *segment, struct layout_slot *slot,
				       word_fn fn, const struct word_event *e, uint64_t *ret_from);

typedef void (*act_fn)(void *userdata);

/* Who acts before the change number n of the call under test, counted from 1. */
static struct {
	act_fn before[4];
	void *userdata;
	uint32_t count;
	bool armed;
} interference;

struct word_step __wrap_segment_change(struct segment *segment, struct layout_slot *slot,
				       word_fn fn, const struct word_event *e, uint64_t *ret_from)
{
	if (interference.armed && interference.count < 4) {
		act_fn act = interference.before[interference.count++];

		if (act) {
			interference.armed = false; /* its own changes are not interfered with */
			act(interference.userdata);
			interference.armed = true;
		}
	}
	return __real_segment_change(segment, slot, fn, e, ret_from);
}

static void interfere(act_fn first, act_fn second, act_fn third, void *userdata)
{
	interference.before[0] = first;
	interference.before[1] = second;
	interference.before[2] = third;
	interference.before[3] = NULL;
	interference.userdata = userdata;
	interference.count = 0;
	interference.armed = true;
}

/* Another process with a call of its own on route 0 alone. */
struct rival {
	struct world *world;
	struct caller caller;
};

static void rival_takes_the_lease(void *userdata)
{
	struct rival *rival = userdata;
	uint32_t route_count = rival->world->route_count;

	rival->world->route_count = 1;
	caller_begin(&rival->caller, rival->world);
	rival->world->route_count = route_count;
	EXPECT_TRY(&rival->caller, 0);
	CU_ASSERT_EQUAL(last_entry(&rival->caller, LULL_TRAIL_ATTEMPT).probe, 1);
}

static void rival_gives_it_back(void *userdata)
{
	struct rival *rival = userdata;

	caller_end(&rival->caller);
}

static void cool_and_wait(struct world *w, uint32_t kind)
{
	cool_by_hand(w, kind, 0, 1000);
	w->now_ms += 1000;
}

static void test_a_lease_lost_in_the_last_moment(void)
{
	struct world w;
	struct rival rival = {&w, {.world = &w}};
	struct caller c;

	world_make(&w, 2);
	cool_and_wait(&w, LULL_KIND_ROUTE);
	caller_begin(&c, &w);
	interfere(rival_takes_the_lease, NULL, NULL, &rival);
	EXPECT_TRY(&c, 1);
	interference.armed = false;
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_SKIP).route, 0);
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_SKIP).state, LULL_STATE_PROBING);
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ROUTE, 0).probes, 1);
	answer(&rival.caller);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), 0);
	caller_end(&rival.caller);
	caller_end(&c);
	world_end(&w);
}

/* The leases taken before the one that was lost are put back. */
static void test_what_was_taken_before_the_loss_is_put_back(void)
{
	struct world w;
	struct rival rival = {&w, {.world = &w}};
	struct caller c;

	world_make(&w, 2);
	cool_by_hand(&w, LULL_KIND_ENDPOINT, 0, 1000);
	cool_and_wait(&w, LULL_KIND_ROUTE);
	caller_begin(&c, &w);
	w.routes[0].endpoint_key = NULL; /* the rival goes another way to the same route */
	interfere(NULL, rival_takes_the_lease, NULL, &rival);
	EXPECT_TRY(&c, 1);
	interference.armed = false;
	w.routes[0].endpoint_key = "https://0.example:443";
	CU_ASSERT_EQUAL(key_state(&w, LULL_KIND_ENDPOINT, 0).probes, 1);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ENDPOINT, 0), 0);
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), 10000); /* the rival's */
	caller_end(&rival.caller);
	caller_end(&c);
	world_end(&w);
}

/* Lost, and free again before the call has looked a second time. */
static void lose_and_find_free(struct world *w, struct caller *c, uint32_t when_cooling)
{
	struct rival rival;

	world_make(w, 1);
	rival = (struct rival){.world = w};
	w->options.when_cooling = when_cooling;
	cool_by_hand(w, LULL_KIND_ENDPOINT, 0, 1000);
	cool_and_wait(w, LULL_KIND_ROUTE);
	caller_begin(c, w);
	w->routes[0].endpoint_key = NULL;
	interfere(NULL, rival_takes_the_lease, rival_gives_it_back, &rival);
	(void)caller_next(c);
	interference.armed = false;
	CU_ASSERT_EQUAL(entry_count(c, LULL_TRAIL_SKIP), 0);
}

static void test_a_lease_lost_and_free_again(void)
{
	struct world w;
	struct caller c;

	lose_and_find_free(&w, &c, LULL_WHEN_COOLING_WAIT); /* it looks once more, soon */
	CU_ASSERT_EQUAL(c.step.action, LULL_ACTION_SLEEP);
	CU_ASSERT(c.step.until_ms > w.now_ms && c.step.until_ms <= w.now_ms + 2001);
	w.now_ms = c.step.until_ms;
	EXPECT_TRY(&c, 0);
	caller_end(&c);
	world_end(&w);

	lose_and_find_free(&w, &c, LULL_WHEN_COOLING_FAIL);
	CU_ASSERT_EQUAL(c.step.action, LULL_ACTION_DONE);
	CU_ASSERT_EQUAL(c.step.result, LULL_RESULT_COOLING);
	CU_ASSERT_EQUAL(c.step.ready_in_ms, 1);
	caller_end(&c);
	world_end(&w);

	lose_and_find_free(&w, &c, LULL_WHEN_COOLING_TRY);
	CU_ASSERT_EQUAL(c.step.action, LULL_ACTION_TRY);
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_ATTEMPT).probe, 0);
	caller_end(&c);
	world_end(&w);
}

static void test_a_further_pass_lost_in_the_last_moment(void)
{
	struct lull_outcome outcome = outcome_of(LULL_CLASS_RATE_LIMITED);
	struct world w;
	struct rival rival = {&w, {.world = &w}};
	struct caller c;

	outcome.hint_ms = 500;
	world_make(&w, 2);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report_outcome(&c, &outcome);
	EXPECT_TRY(&c, 1);
	w.now_ms += 500;
	report(&c, LULL_CLASS_RATE_LIMITED);
	interfere(rival_takes_the_lease, NULL, NULL, &rival);
	CU_ASSERT_EQUAL(caller_next(&c)->action, LULL_ACTION_SLEEP); /* a second, and the scatter */
	interference.armed = false;
	CU_ASSERT(c.step.until_ms >= w.now_ms + 1000 && c.step.until_ms <= w.now_ms + 3000);
	w.now_ms = c.step.until_ms;
	EXPECT_TRY(&c, 0); /* no refusal came in that second: open */
	caller_end(&rival.caller);
	caller_end(&c);
	world_end(&w);
}

static void test_a_retry_lost_in_the_last_moment(void)
{
	struct lull_outcome outcome = outcome_of(LULL_CLASS_TIMEOUT);
	struct world w;
	struct rival rival = {&w, {.world = &w}};
	struct caller c;

	outcome.ours = 1; /* proves nothing: the lease is handed back, and a retry is due */
	world_make(&w, 2);
	w.options.num_retries = 1;
	cool_and_wait(&w, LULL_KIND_ROUTE);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report_outcome(&c, &outcome);
	interfere(rival_takes_the_lease, NULL, NULL, &rival);
	EXPECT_TRY(&c, 1);
	interference.armed = false;
	caller_end(&rival.caller);
	caller_end(&c);
	world_end(&w);
}

static void rival_opens(void *userdata)
{
	rival_takes_the_lease(userdata);
	answer(&((struct rival *)userdata)->caller);
	caller_end(&((struct rival *)userdata)->caller);
}

/* The word is healthy by the time it is admitted: go, without a lease. */
static void test_opened_in_the_last_moment(void)
{
	struct world w;
	struct rival rival = {&w, {.world = &w}};
	struct caller c;

	world_make(&w, 2);
	cool_and_wait(&w, LULL_KIND_ROUTE);
	caller_begin(&c, &w);
	interfere(rival_opens, NULL, NULL, &rival);
	EXPECT_TRY(&c, 0);
	interference.armed = false;
	CU_ASSERT_EQUAL(last_entry(&c, LULL_TRAIL_ATTEMPT).probe, 0);
	caller_end(&c);
	world_end(&w);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_a_lease_lost_in_the_last_moment),
		CUNIT_TEST(test_what_was_taken_before_the_loss_is_put_back),
		CUNIT_TEST(test_a_lease_lost_and_free_again),
		CUNIT_TEST(test_a_further_pass_lost_in_the_last_moment),
		CUNIT_TEST(test_a_retry_lost_in_the_last_moment),
		CUNIT_TEST(test_opened_in_the_last_moment),
	};

	return CUNIT_MAIN("call: races", tests);
}
