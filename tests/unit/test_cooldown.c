/* SPDX-License-Identifier: MIT */
/*
 * How long an outcome cools, by who has a say: the route's cooldown_time, the server's hint, the
 * class's length from `on:`, the router's cooldown_time, the class's default.
 */
#include "cooldown.h"
#include "cunit_main.h"

#define HOUR     3600000u
#define NO_HINT  (-1)
#define AT_LEAST 50u     /* floor */
#define MINUTE   60000u  /* the default of most classes */
#define TEN      600000u /* that of quota_exhausted */

/* What configuration says; 0 stands for "nothing" in a row, COOLS_NOTHING for a configured 0. */
#define COOLS_NOTHING UINT32_MAX
struct row {
	const char *name;
	uint32_t class_id;
	uint32_t scope; /* enum lull_kind */
	uint32_t route_ms, router_ms, class_ms;
	int64_t hint_ms;
	uint32_t policy;
	uint32_t max_ms;
	uint32_t for_ms, cap_ms; /* expected; cap_ms 0: no doubling */
};

static uint32_t configured(uint32_t in_row)
{
	if (in_row == COOLS_NOTHING)
		return 0;
	return in_row ? in_row : LULL_UNSET;
}

static void check(const struct row *row)
{
	const struct cooldown_settings settings = {
		.policy = row->policy,
		.route_ms = configured(row->route_ms),
		.router_ms = configured(row->router_ms),
		.class_ms = configured(row->class_ms),
		.max_cooldown_ms = row->max_ms ? row->max_ms : HOUR,
	};
	struct cooldown length = cooldown_length(lull_class_info(row->class_id), row->scope,
						 row->hint_ms, &settings);
	uint32_t cap_ms = row->cap_ms ? row->cap_ms : row->for_ms;

	if (length.for_ms != row->for_ms || length.cap_ms != cap_ms)
		fprintf(stderr, "%s: %u to %u ms, expected %u to %u\n", row->name, length.for_ms,
			length.cap_ms, row->for_ms, cap_ms);
	CU_ASSERT(length.for_ms == row->for_ms && length.cap_ms == cap_ms);
}

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check(&rows[i]);
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

#define RATE     .class_id = LULL_CLASS_RATE_LIMITED, .scope = LULL_KIND_ROUTE
#define QUOTA    .class_id = LULL_CLASS_QUOTA_EXHAUSTED, .scope = LULL_KIND_CREDENTIAL
#define AUTH     .class_id = LULL_CLASS_AUTH, .scope = LULL_KIND_CREDENTIAL
#define NETWORK  .class_id = LULL_CLASS_NETWORK, .scope = LULL_KIND_ENDPOINT
#define LOADED   .class_id = LULL_CLASS_OVERLOADED, .scope = LULL_KIND_ROUTE
#define BUSY     .class_id = LULL_CLASS_OVERLOADED, .scope = LULL_KIND_ENDPOINT
#define BROKEN   .class_id = LULL_CLASS_SERVER_ERROR, .scope = LULL_KIND_ROUTE
#define UNHINTED .hint_ms = NO_HINT

/* clang-format off */

static void test_who_has_the_say(void)
{
	static const struct row rows[] = {
		{"nobody",                 RATE, UNHINTED, .for_ms = MINUTE},
		{"the router",             RATE, UNHINTED, .router_ms = 7000, .for_ms = 7000},
		{"on: above the router",   RATE, UNHINTED, .router_ms = 7000, .class_ms = 8000, .for_ms = 8000},
		{"hint above on:",         RATE, .hint_ms = 9000, .router_ms = 7000, .class_ms = 8000, .for_ms = 9000},
		{"hint above the router",  RATE, .hint_ms = 9000, .router_ms = 7000, .for_ms = 9000},
		{"the route above all",    RATE, .hint_ms = 9000, .router_ms = 7000, .class_ms = 8000,
		 .route_ms = 6000, .for_ms = 6000},
		{"a shorter hint",         RATE, .hint_ms = 300, .for_ms = 300},
		{"a longer hint",          RATE, .hint_ms = 1800000, .for_ms = 1800000},
		{"on: with a longer time", BROKEN, UNHINTED, .class_ms = 90000, .for_ms = 90000},
	};

	CHECK_ROWS(rows);
}

/* "cooldown_time: 5" does not mean: ask an account out of credit every five seconds. */
static void test_a_configured_time_is_for_the_route_classes(void)
{
	static const struct row rows[] = {
		{"quota, route",    QUOTA,   UNHINTED, .route_ms = 5000, .for_ms = TEN},
		{"quota, router",   QUOTA,   UNHINTED, .router_ms = 5000, .for_ms = TEN},
		{"auth, route",     AUTH,    UNHINTED, .route_ms = 5000, .for_ms = MINUTE},
		{"auth, router",    AUTH,    UNHINTED, .router_ms = 5000, .for_ms = MINUTE},
		{"network, route",  NETWORK, UNHINTED, .route_ms = 5000, .for_ms = 1000, .cap_ms = 10000},
		{"network, router", NETWORK, UNHINTED, .router_ms = 5000, .for_ms = 1000, .cap_ms = 10000},
		{"on: is for any",  AUTH,    UNHINTED, .class_ms = 5000, .for_ms = 5000},
		{"on: quota",       QUOTA,   UNHINTED, .class_ms = 5000, .for_ms = 5000},
		{"on: network",     NETWORK, UNHINTED, .class_ms = 5000, .for_ms = 5000},
	};

	CHECK_ROWS(rows);
	for (uint32_t id = 0; id < LULL_CLASS_COUNT; id++) {
		const struct lull_class_info *info = lull_class_info(id);
		const struct row row = {.name = info->name, .class_id = id, .scope = info->scope, UNHINTED,
			.route_ms = 5000, .router_ms = 6000,
			.for_ms = info->takes_cooldown_time ? 5000 : info->for_ms,
			.cap_ms = info->takes_cooldown_time ? 5000 : info->for_cap_ms};

		check(&row);
	}
}

static void test_quota_lasts_the_longer_of_both(void)
{
	static const struct row rows[] = {
		{"hint of 15 s (a daily quota that says so)", QUOTA, .hint_ms = 15000, .for_ms = TEN},
		{"hint of 0",                                 QUOTA, .hint_ms = 0, .for_ms = TEN},
		{"hint of half an hour",                      QUOTA, .hint_ms = 1800000, .for_ms = 1800000},
		{"hint above the cap: it may be true",        QUOTA, .hint_ms = 86400000, .for_ms = HOUR},
		{"longer of on: and the hint",                QUOTA, .hint_ms = 15000, .class_ms = 20000, .for_ms = 20000},
		{"cap under the default",                     QUOTA, UNHINTED, .max_ms = 120000, .for_ms = 120000},
	};

	CHECK_ROWS(rows);
}

static void test_floor_and_cap(void)
{
	static const struct row rows[] = {
		{"hint under the floor",           RATE, .hint_ms = 1, .for_ms = AT_LEAST},
		{"hint on the floor",              RATE, .hint_ms = 50, .for_ms = 50},
		{"configured under the floor",     RATE, UNHINTED, .route_ms = 7, .for_ms = AT_LEAST},
		{"router under the floor",         RATE, UNHINTED, .router_ms = 7, .for_ms = AT_LEAST},
		{"on: under the floor",            RATE, UNHINTED, .class_ms = 7, .for_ms = AT_LEAST},
		{"hint on the cap",                RATE, .hint_ms = HOUR, .for_ms = HOUR},
		{"hint above: not believed",       RATE, .hint_ms = HOUR + 1, .for_ms = MINUTE},
		{"hint of a day: not believed",    RATE, .hint_ms = 86400000, .router_ms = 7000, .for_ms = 7000},
		{"hint beyond any number",         RATE, .hint_ms = INT64_MAX, .for_ms = MINUTE},
		{"hint above a smaller cap",       RATE, .hint_ms = 30000, .max_ms = 20000, .for_ms = 20000},
		{"configured above the cap",       RATE, UNHINTED, .route_ms = 2 * HOUR, .for_ms = HOUR},
		{"router above the cap",           RATE, UNHINTED, .router_ms = 2 * HOUR, .for_ms = HOUR},
		{"default above the cap",          RATE, UNHINTED, .max_ms = 10000, .for_ms = 10000},
		{"doubling up to the cap",         NETWORK, UNHINTED, .max_ms = 3000, .for_ms = 1000, .cap_ms = 3000},
		{"doubling from above the cap",    NETWORK, UNHINTED, .max_ms = 500, .for_ms = 500},
	};

	CHECK_ROWS(rows);
}

static void test_zero_cools_nothing(void)
{
	static const struct row rows[] = {
		{"the route",           RATE, .hint_ms = 9000, .route_ms = COOLS_NOTHING, .for_ms = 0},
		{"the router",          RATE, UNHINTED, .router_ms = COOLS_NOTHING, .for_ms = 0},
		{"on:",                 RATE, UNHINTED, .class_ms = COOLS_NOTHING, .for_ms = 0},
		{"the server",          RATE, .hint_ms = 0, .for_ms = 0},
		{"a hint against on:",  RATE, .hint_ms = 9000, .class_ms = COOLS_NOTHING, .for_ms = 9000},
		{"not for a quota",     QUOTA, UNHINTED, .route_ms = COOLS_NOTHING, .router_ms = COOLS_NOTHING, .for_ms = TEN},
		{"request's own fault", .class_id = LULL_CLASS_BAD_REQUEST, UNHINTED, .for_ms = 0},
		{"cancelled",           .class_id = LULL_CLASS_CANCELLED, UNHINTED, .router_ms = 5000, .for_ms = 0},
	};

	CHECK_ROWS(rows);
}

static void test_endpoints(void)
{
	static const struct row rows[] = {
		{"overloaded, a model of a vendor",       LOADED, UNHINTED, .for_ms = MINUTE},
		{"overloaded, a server of one's own",     BUSY, UNHINTED, .for_ms = 2000},
		{"overloaded, that server says how long", BUSY, .hint_ms = 500, .for_ms = 500},
		{"an edge's page",                        .class_id = LULL_CLASS_SERVER_ERROR, .scope = LULL_KIND_ENDPOINT,
		 UNHINTED, .for_ms = MINUTE},
		{"network doubles",                       NETWORK, UNHINTED, .for_ms = 1000, .cap_ms = 10000},
		{"network does not with a hint",          NETWORK, .hint_ms = 3000, .for_ms = 3000},
	};

	CHECK_ROWS(rows);
}

static void test_adaptive(void)
{
#define ADAPTIVE .policy = LULL_POLICY_ADAPTIVE
	static const struct row rows[] = {
		{"nobody said a length",  RATE, UNHINTED, ADAPTIVE, .for_ms = 5000, .cap_ms = 30000},
		{"server error",          BROKEN, UNHINTED, ADAPTIVE, .for_ms = 5000, .cap_ms = 30000},
		{"a hint",                RATE, .hint_ms = 9000, ADAPTIVE, .for_ms = 9000},
		{"a hint not believed",   RATE, .hint_ms = 7200000, ADAPTIVE, .for_ms = 5000, .cap_ms = 30000},
		{"the route",             RATE, UNHINTED, .route_ms = 7000, ADAPTIVE, .for_ms = 7000},
		{"the router",            RATE, UNHINTED, .router_ms = 7000, ADAPTIVE, .for_ms = 7000},
		{"on:",                   RATE, UNHINTED, .class_ms = 7000, ADAPTIVE, .for_ms = 7000},
		{"auth as by default",    AUTH, UNHINTED, ADAPTIVE, .for_ms = MINUTE},
		{"quota as by default",   QUOTA, UNHINTED, ADAPTIVE, .for_ms = TEN},
		{"network as by default", NETWORK, UNHINTED, ADAPTIVE, .for_ms = 1000, .cap_ms = 10000},
		{"a busy endpoint too",   BUSY, UNHINTED, ADAPTIVE, .for_ms = 2000},
		{"up to the cap",         RATE, UNHINTED, ADAPTIVE, .max_ms = 12000, .for_ms = 5000, .cap_ms = 12000},
	};

	CHECK_ROWS(rows);
}

static void test_tutorial_is_always_sixty_seconds(void)
{
#define TUTORIAL .policy = LULL_POLICY_TUTORIAL
	static const struct row rows[] = {
		{"whatever was hinted",     RATE, .hint_ms = 5, TUTORIAL, .for_ms = MINUTE},
		{"whatever is configured",  RATE, UNHINTED, .route_ms = 5000, .router_ms = 6000, .class_ms = 7000, TUTORIAL,
		 .for_ms = MINUTE},
		{"whatever class",          QUOTA, UNHINTED, TUTORIAL, .for_ms = MINUTE},
		{"and none is harmless",    .class_id = LULL_CLASS_BAD_REQUEST, UNHINTED, TUTORIAL, .for_ms = MINUTE},
		{"and 0 cools too",         RATE, .hint_ms = 0, .route_ms = COOLS_NOTHING, TUTORIAL, .for_ms = MINUTE},
	};

	CHECK_ROWS(rows);
}

/* clang-format on */

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_who_has_the_say),
		CUNIT_TEST(test_a_configured_time_is_for_the_route_classes),
		CUNIT_TEST(test_quota_lasts_the_longer_of_both),
		CUNIT_TEST(test_floor_and_cap),
		CUNIT_TEST(test_zero_cools_nothing),
		CUNIT_TEST(test_endpoints),
		CUNIT_TEST(test_adaptive),
		CUNIT_TEST(test_tutorial_is_always_sixty_seconds),
	};

	return CUNIT_MAIN("cooldown", tests);
}
