/* SPDX-License-Identifier: MIT */
/* What `lull top` shows: rates, what decides, which rows in which order, and what is selected. */
#include <string.h>
#include <time.h>

#include "cunit_main.h"
#include "mapping.h"
#include "scratch_table.h"
#include "view.h"

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

static uint64_t now_ms;

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	if (clock != CLOCK_BOOTTIME)
		return __real_clock_gettime(clock, now);
	now->tv_sec = (time_t)(now_ms / 1000);
	now->tv_nsec = (long)(now_ms % 1000) * 1000000;
	return 0;
}

static struct scratch scratch;
static struct lull_table *table;
static struct view view;

static void begin(void)
{
	now_ms = 5000000;
	scratch_make(&scratch);
	table = scratch_table(64);
	memset(&view, 0, sizeof(view));
}

static void end(void)
{
	view_deinit(&view);
	lull_table_close(table);
	scratch_remove(&scratch);
}

/* The key's slot, made if need be. */
static struct layout_slot *slot_of(uint32_t kind, const char *text)
{
	struct segment *segment = table_pin(table);
	struct layout_slot *slot;
	struct key key;

	CU_ASSERT_EQUAL_FATAL(key_init(&key, kind, text), 0);
	slot = segment_insert(segment, &key);
	CU_ASSERT_PTR_NOT_NULL_FATAL(slot);
	segment_unpin(segment);
	return slot;
}

static void count(const char *route, uint32_t attempts, uint32_t failures)
{
	(void)slot_of(LULL_KIND_ROUTE, route);
	for (uint32_t i = 0; i < attempts; i++)
		slot_count(slot_of(LULL_KIND_ROUTE, route), SLOT_ATTEMPTS);
	for (uint32_t i = 0; i < failures; i++)
		slot_count(slot_of(LULL_KIND_ROUTE, route), SLOT_FAILURES);
}

static void cool(uint32_t kind, const char *key, uint64_t for_ms)
{
	CU_ASSERT_EQUAL(lull_key_cool(table, kind, key, for_ms, now_ms), 0);
}

static void sample_after(uint64_t ms)
{
	now_ms += ms;
	CU_ASSERT_EQUAL_FATAL(view_sample(&view, table), 0);
}

static const struct view_row *row_of(const char *key)
{
	static const struct view_row none;

	for (size_t i = 0; i < view.count; i++)
		if (strcmp(view.rows[i].own->key, key) == 0)
			return &view.rows[i];
	CU_FAIL("no such row");
	return &none;
}

/* The keys of the rows, in order: "b a c" */
static const char *order(void)
{
	static char text[512];

	text[0] = '\0';
	for (size_t i = 0; i < view.count; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			       i == 0 ? "" : " ", view.rows[i].own->key);
	return text;
}

/* ------------------------------------------------------------------ rates */

static void test_a_rate_is_that_of_the_last_ten_seconds(void)
{
	begin();
	count("a", 1000, 500); /* before anybody looked */
	sample_after(0);
	CU_ASSERT_EQUAL(row_of("a")->attempts_rate, 0);
	count("a", 3, 1);
	sample_after(1000);
	CU_ASSERT_EQUAL(row_of("a")->attempts_rate, 3000);
	CU_ASSERT_EQUAL(row_of("a")->failures_rate, 1000);
	sample_after(500);
	CU_ASSERT_EQUAL(row_of("a")->attempts_rate, 2000);
	for (int i = 0; i < 8; i++)
		sample_after(1000);
	CU_ASSERT_EQUAL(row_of("a")->attempts_rate, 3000 * 1000 / 9500);
	sample_after(1000);
	CU_ASSERT_EQUAL(row_of("a")->attempts_rate, 0);
	CU_ASSERT_EQUAL(row_of("a")->failures_rate, 0);
	end();
}

/* A key is not lost when others come in before it, and a new one began from nothing. */
static void test_rates_stay_with_their_keys(void)
{
	begin();
	count("m", 10, 0);
	sample_after(0);
	count("m", 4, 2);
	count("a", 5, 0);
	count("z", 6, 6);
	sample_after(1000);
	CU_ASSERT_EQUAL(row_of("a")->attempts_rate, 5000);
	CU_ASSERT_EQUAL(row_of("m")->attempts_rate, 4000);
	CU_ASSERT_EQUAL(row_of("m")->failures_rate, 2000);
	CU_ASSERT_EQUAL(row_of("z")->failures_rate, 6000);
	end();
}

static void test_a_table_made_anew_begins_anew(void)
{
	struct lull_table_options options;
	char error[256];

	begin();
	count("a", 1000, 0);
	sample_after(0);
	lull_table_options_init(&options);
	options.name = "test";
	CU_ASSERT_EQUAL(lull_table_reset(&options, error, sizeof(error)), 0);
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	sample_after(1000);
	CU_ASSERT_EQUAL(view.count, 0);
	count("a", 7, 0);
	sample_after(1000);
	CU_ASSERT_EQUAL(row_of("a")->attempts_rate, 7000);
	end();
}

/* ------------------------------------------------------------------ rows */

static void link_route(const char *route, const char *credential, const char *endpoint)
{
	struct segment *segment = table_pin(table);

	segment_link(segment, slot_of(LULL_KIND_ROUTE, route),
		     slot_of(LULL_KIND_CREDENTIAL, credential),
		     slot_of(LULL_KIND_ENDPOINT, endpoint));
	segment_unpin(segment);
}

static void test_a_route_shows_what_keeps_it_shut(void)
{
	begin();
	link_route("a", "cred", "https://x:443");
	cool(LULL_KIND_ROUTE, "a", 10000);
	sample_after(0);
	CU_ASSERT_EQUAL(row_of("a")->deciding.kind, LULL_KIND_ROUTE);
	cool(LULL_KIND_CREDENTIAL, "cred", 20000);
	sample_after(0);
	CU_ASSERT_EQUAL(row_of("a")->deciding.kind, LULL_KIND_CREDENTIAL);
	CU_ASSERT_EQUAL(row_of("a")->deciding.ready_in_ms, 20000);
	CU_ASSERT_EQUAL(lull_key_hold(table, LULL_KIND_ENDPOINT, "https://x:443", now_ms), 0);
	sample_after(0);
	CU_ASSERT_EQUAL(row_of("a")->deciding.kind, LULL_KIND_ENDPOINT);
	CU_ASSERT_EQUAL(row_of("a")->deciding.state, LULL_STATE_HELD);
	CU_ASSERT_EQUAL(row_of("a")->own->state, LULL_STATE_COOLING);
	end();
}

static void test_rows_are_chosen_and_sorted(void)
{
	static const struct {
		enum view_sort sort;
		bool all_kinds;
		const char *filter, *order;
	} cases[] = {
		{VIEW_BY_STATE, false, "", "b c shut a n"},
		{VIEW_BY_STATE, true, "", "b c shut a well https://x n"},
		{VIEW_BY_KEY, false, "", "a b c shut n"},
		{VIEW_BY_LEFT, false, "", "c b shut a n"},
		{VIEW_BY_ATTEMPTS, false, "", "a b c shut n"},
		{VIEW_BY_FAILURES, false, "", "b a c shut n"},
		{VIEW_BY_STATE, false, "held", "c"},
		{VIEW_BY_STATE, false, "manual", "b c shut"},
		{VIEW_BY_STATE, false, "n", "b c shut n"}, /* "n", "manual" */
		{VIEW_BY_STATE, true, "https", "https://x"},
		{VIEW_BY_STATE, false, "nothing", ""},
	};

	begin();
	count("a", 0, 0);
	count("b", 0, 0);
	(void)slot_of(LULL_KIND_NAME, "n");
	(void)slot_of(LULL_KIND_CREDENTIAL, "well");
	(void)slot_of(LULL_KIND_ENDPOINT, "https://x");
	cool(LULL_KIND_ROUTE, "b", 60000);
	cool(LULL_KIND_CREDENTIAL, "shut", 30000);
	CU_ASSERT_EQUAL(lull_key_hold(table, LULL_KIND_ROUTE, "c", now_ms), 0);
	sample_after(0);
	count("a", 9, 1);
	count("b", 2, 2);
	sample_after(1000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		view.sort = cases[i].sort;
		view.all_kinds = cases[i].all_kinds;
		(void)snprintf(view.filter, sizeof(view.filter), "%s", cases[i].filter);
		view_arrange(&view);
		CU_ASSERT_STRING_EQUAL(order(), cases[i].order);
	}
	end();
}

/* ------------------------------------------------------------------ selection */

/* Whoever presses a key means the key that he sees, wherever it has moved. */
static void test_the_selected_key_stays_selected(void)
{
	begin();
	view_arrange(&view); /* nothing there at all */
	count("a", 0, 0);
	count("b", 0, 0);
	count("c", 0, 0);
	sample_after(0);
	CU_ASSERT_STRING_EQUAL(view.selected_key, "a");
	cool(LULL_KIND_ROUTE, "c", 5000); /* comes first now */
	sample_after(0);
	CU_ASSERT_STRING_EQUAL(order(), "c a b");
	CU_ASSERT_EQUAL(view.selected, 1);
	view_select(&view, 2);
	CU_ASSERT_STRING_EQUAL(view.selected_key, "b");
	view_select(&view, SIZE_MAX);
	CU_ASSERT_STRING_EQUAL(view.selected_key, "b");
	(void)snprintf(view.filter, sizeof(view.filter), "%s", "manual");
	view_arrange(&view); /* not shown any more: its neighbour, and that one stays */
	CU_ASSERT_STRING_EQUAL(order(), "c");
	CU_ASSERT_STRING_EQUAL(view.selected_key, "c");
	view.filter[0] = '\0';
	view_arrange(&view);
	CU_ASSERT_STRING_EQUAL(view.rows[view.selected].own->key, "c");
	end();
}

/* ------------------------------------------------------------------ stillness */

static void test_what_stands_still_is_told_from_what_runs(void)
{
	begin();
	count("a", 3, 0);
	sample_after(0);
	CU_ASSERT_FALSE(view_is_as_before(&view));
	sample_after(1000);
	CU_ASSERT_TRUE(view_is_as_before(&view));
	CU_ASSERT_EQUAL(lull_key_hold(table, LULL_KIND_ROUTE, "a", now_ms), 0);
	sample_after(1000);
	CU_ASSERT_FALSE(view_is_as_before(&view));
	sample_after(1000);
	CU_ASSERT_TRUE(view_is_as_before(&view));
	CU_ASSERT_EQUAL(lull_key_clear(table, LULL_KIND_ROUTE, "a", now_ms), 0);
	cool(LULL_KIND_ROUTE, "a", 2500);
	for (int i = 0; i < 3; i++) {
		sample_after(1000);
		CU_ASSERT_FALSE(view_is_as_before(&view));
	}
	sample_after(1000);
	CU_ASSERT_TRUE(view_is_as_before(&view));
	count("a", 1, 0); /* a rate that falls, until it is 0 */
	for (int i = 0; i < 10; i++) {
		sample_after(1000);
		CU_ASSERT_FALSE(view_is_as_before(&view));
	}
	sample_after(1000);
	CU_ASSERT_TRUE(view_is_as_before(&view));
	end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_a_rate_is_that_of_the_last_ten_seconds),
		CUNIT_TEST(test_rates_stay_with_their_keys),
		CUNIT_TEST(test_a_table_made_anew_begins_anew),
		CUNIT_TEST(test_a_route_shows_what_keeps_it_shut),
		CUNIT_TEST(test_rows_are_chosen_and_sorted),
		CUNIT_TEST(test_the_selected_key_stays_selected),
		CUNIT_TEST(test_what_stands_still_is_told_from_what_runs),
	};

	return CUNIT_MAIN("top_view", tests);
}
