/* SPDX-License-Identifier: MIT */
/*
 * Memory of a call: taken at its beginning, given back at its end, and not touched in between. The
 * test stands in for the allocator, counts, and lets chosen requests fail.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "call_fixture.h"
#include "cunit_main.h"

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
void __wrap_free(void *memory);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
void __real_free(void *memory);

static uint32_t taken;       /* requests so far */
static int live;             /* what was taken and not given back */
static uint32_t refuse_from; /* the request with this number and all later get nothing; 0 none */

static bool grant(void)
{
	taken++;
	return !refuse_from || taken < refuse_from;
}

static void *count(void *memory)
{
	live += memory != NULL;
	return memory;
}

void *__wrap_malloc(size_t size)
{
	return grant() ? count(__real_malloc(size)) : NULL;
}

void *__wrap_calloc(size_t number, size_t size)
{
	return grant() ? count(__real_calloc(number, size)) : NULL;
}

void *__wrap_realloc(void *old, size_t size)
{
	return grant() ? __real_realloc(old, size) : NULL;
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	return grant() ? __real_mmap(address, size, protection, flags, fd, offset) : MAP_FAILED;
}

void __wrap_free(void *memory)
{
	live -= memory != NULL;
	__real_free(memory);
}

static void watch(uint32_t from)
{
	taken = 0;
	refuse_from = from;
}

/* A call that goes through everything a call can: skips, sleeps, probes, passes, retries, rules. */
static void live_through_all(struct world *w)
{
	static const uint32_t met[] = {
		LULL_CLASS_RATE_LIMITED, LULL_CLASS_SERVER_ERROR,    LULL_CLASS_BAD_REQUEST,
		LULL_CLASS_NETWORK,      LULL_CLASS_QUOTA_EXHAUSTED, LULL_CLASS_CONTEXT_WINDOW,
		LULL_CLASS_TIMEOUT,      LULL_CLASS_LOCAL,           LULL_CLASS_AUTH,
	};
	uint32_t n = 0;
	struct caller c;

	caller_begin(&c, w);
	watch(0);
	while (caller_next(&c)->action != LULL_ACTION_DONE) {
		if (c.step.action == LULL_ACTION_SLEEP) {
			w->now_ms = c.step.until_ms;
			continue;
		}
		progress(&c, LULL_PROGRESS_CONNECTED);
		progress(&c, LULL_PROGRESS_ACCEPTED);
		w->now_ms += 100;
		report(&c, met[n++ % (sizeof(met) / sizeof(met[0]))]);
		CU_ASSERT(lull_call_trail_count(c.call) > 0);
	}
	CU_ASSERT(n >= w->route_count);
	CU_ASSERT_EQUAL(taken, 0);
	caller_end(&c);
}

static void test_nothing_is_taken_between_begin_and_end(void)
{
	struct world w;

	world_make(&w, WORLD_ROUTES);
	w.options.num_retries = 1;
	cool_by_hand(&w, LULL_KIND_ROUTE, 3, 5000);
	for (uint32_t policy = 0; policy <= LULL_POLICY_ADAPTIVE; policy++) {
		w.options.policy = policy;
		live_through_all(&w);
		w.now_ms += 3600000;
	}
	world_end(&w);
}

static void test_all_is_given_back_wherever_it_ends(void)
{
	struct world w;
	struct caller c;
	int before;

	world_make(&w, 2);
	before = live;
	for (int steps = 0; steps < 3; steps++) {
		caller_begin(&c, &w);
		CU_ASSERT_EQUAL(live, before + 2); /* the call and its trail */
		if (steps > 0)
			EXPECT_TRY(&c, 0);
		if (steps > 1)
			report(&c, LULL_CLASS_SERVER_ERROR);
		caller_end(&c);
		CU_ASSERT_EQUAL(live, before);
	}
	world_end(&w);
}

static void test_without_memory_there_is_no_call(void)
{
	static const struct lull_way_key way = {1, LULL_KIND_NAME, "a"};
	struct lull_call *call = NULL;
	struct world w;
	int before;

	world_make(&w, 2);
	w.routes[1].ways = &way;
	w.routes[1].way_key_count = 1;
	before = live;
	for (uint32_t n = 1; n <= 3; n++) { /* the call, its trail, the words of its ways */
		watch(n);
		CU_ASSERT_EQUAL(lull_call_begin(&call, w.table, w.routes, 2, &w.options, w.now_ms),
				-ENOMEM);
		CU_ASSERT_EQUAL(taken, n);
		CU_ASSERT_PTR_NULL(call);
		CU_ASSERT_EQUAL(live, before);
	}
	watch(0);
	w.routes[1].abi_version = 0; /* and none is kept by a call that is refused */
	CU_ASSERT_EQUAL(lull_call_begin(&call, w.table, w.routes, 2, &w.options, w.now_ms),
			-EINVAL);
	CU_ASSERT_EQUAL(live, before);
	world_end(&w);
}

/* No slot is left, and no memory for more: nothing can be remembered, and the call works. */
static void test_a_full_table_without_memory(void)
{
	char name[32];
	struct world w;
	struct caller c;

	world_make(&w, 2);
	for (int i = 0; i < 64; i++) {
		(void)snprintf(name, sizeof(name), "filler-%d", i);
		(void)lull_key_cool(w.table, LULL_KIND_NAME, name, 1000, w.now_ms);
	}
	for (uint32_t policy = 0; policy <= LULL_POLICY_TUTORIAL; policy++) {
		w.options.policy = policy;
		caller_begin(&c, &w);
		watch(1);
		EXPECT_TRY(&c, 0);
		report(&c, LULL_CLASS_RATE_LIMITED);
		EXPECT_TRY(&c, 1);
		progress(&c, LULL_PROGRESS_ACCEPTED);
		report(&c, LULL_CLASS_ANSWERED);
		EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
		watch(0);
		caller_end(&c);
	}
	world_end(&w);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_nothing_is_taken_between_begin_and_end),
		CUNIT_TEST(test_all_is_given_back_wherever_it_ends),
		CUNIT_TEST(test_without_memory_there_is_no_call),
		CUNIT_TEST(test_a_full_table_without_memory),
	};

	return CUNIT_MAIN("call: memory", tests);
}
