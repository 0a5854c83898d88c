/* SPDX-License-Identifier: MIT */
/*
 * The table of classes against the promise: what each outcome cools, on what proof, for how long,
 * and whether the call goes on. The rows are written a second time here, as the documentation says
 * them, so that a slip in either shows.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <lull/lull.h>

#include "cunit_main.h"

#define MINUTE 60000u

struct row {
	const char *name;
	uint32_t number; /* part of the shared table's layout */
	uint32_t proof, scope, go;
	uint32_t for_ms, cap_ms;
	bool route_class; /* a configured cooldown_time speaks for it */
	bool refusal;     /* the request's own fault */
	bool again;       /* the call may try the route again though nothing cooled */
	bool passes;      /* by itself */
	int exit_code;
};

/* clang-format off */
#define NONE LULL_PROOF_NONE
#define SOFT LULL_PROOF_SOFT
#define HARD LULL_PROOF_HARD
#define NOTHING    LULL_KIND_NONE
#define ROUTE      LULL_KIND_ROUTE
#define CREDENTIAL LULL_KIND_CREDENTIAL
#define ENDPOINT   LULL_KIND_ENDPOINT
#define NEXT LULL_GO_NEXT
#define STOP LULL_GO_STOP

static const struct row rows[] = {
	{"answered",           0,  NONE, NOTHING,    STOP, 0,           0,           false, false, false, false, 0},
	{"rate_limited",       1,  HARD, ROUTE,      NEXT, MINUTE,      MINUTE,      true,  false, true,  true,  69},
	{"quota_exhausted",    2,  HARD, CREDENTIAL, NEXT, 10 * MINUTE, 10 * MINUTE, false, false, true,  false, 69},
	{"overloaded",         3,  SOFT, ROUTE,      NEXT, MINUTE,      MINUTE,      true,  false, true,  true,  69},
	{"auth",               4,  HARD, CREDENTIAL, NEXT, MINUTE,      MINUTE,      false, false, true,  false, 77},
	{"permission",         5,  HARD, ROUTE,      NEXT, MINUTE,      MINUTE,      true,  false, true,  false, 69},
	{"model_not_found",    6,  HARD, ROUTE,      NEXT, MINUTE,      MINUTE,      true,  false, true,  false, 69},
	{"timeout",            7,  SOFT, ROUTE,      NEXT, MINUTE,      MINUTE,      true,  false, true,  true,  69},
	{"server_error",       8,  SOFT, ROUTE,      NEXT, MINUTE,      MINUTE,      true,  false, true,  true,  69},
	{"malformed_response", 9,  SOFT, ROUTE,      NEXT, MINUTE,      MINUTE,      true,  false, true,  true,  69},
	{"truncated_stream",   10, SOFT, ROUTE,      NEXT, MINUTE,      MINUTE,      true,  false, true,  true,  69},
	{"network",            11, SOFT, ENDPOINT,   NEXT, 1000,        10000,       false, false, true,  true,  69},
	{"local",              12, NONE, NOTHING,    NEXT, 0,           0,           false, false, false, false, 69},
	{"config",             13, NONE, NOTHING,    NEXT, 0,           0,           false, false, false, false, 78},
	{"context_window",     14, NONE, NOTHING,    NEXT, 0,           0,           false, true,  false, false, 65},
	{"content_policy",     15, NONE, NOTHING,    STOP, 0,           0,           false, true,  false, false, 65},
	{"bad_request",        16, NONE, NOTHING,    NEXT, 0,           0,           false, true,  false, false, 65},
	{"too_large",          17, NONE, NOTHING,    NEXT, 0,           0,           false, true,  false, false, 65},
	{"cancelled",          18, NONE, NOTHING,    STOP, 0,           0,           false, false, true,  false, 130},
	{"suspended",          19, NONE, NOTHING,    STOP, 0,           0,           false, false, true,  true,  124},
	{"deadline",           20, NONE, NOTHING,    STOP, 0,           0,           false, false, true,  false, 124},
	{"manual",             21, NONE, NOTHING,    STOP, 0,           0,           false, false, false, false, 70},
	{"command",            22, HARD, ROUTE,      NEXT, MINUTE,      MINUTE,      true,  false, false, false, 69},
};
/* clang-format on */
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void test_every_row_is_as_promised(void)
{
	CU_ASSERT_EQUAL(ROWS, LULL_CLASS_COUNT);
	for (size_t i = 0; i < ROWS; i++) {
		const struct lull_class_info *info = lull_class_info(rows[i].number);

		CU_ASSERT_PTR_NOT_NULL_FATAL(info);
		CU_ASSERT_STRING_EQUAL(info->name, rows[i].name);
		CU_ASSERT_EQUAL(info->class_id, rows[i].number);
		CU_ASSERT_EQUAL(info->proof, rows[i].proof);
		CU_ASSERT_EQUAL(info->scope, rows[i].scope);
		CU_ASSERT_EQUAL(info->go, rows[i].go);
		CU_ASSERT_EQUAL(info->for_ms, rows[i].for_ms);
		CU_ASSERT_EQUAL(info->for_cap_ms, rows[i].cap_ms);
		CU_ASSERT_EQUAL(info->takes_cooldown_time, rows[i].route_class);
		CU_ASSERT_EQUAL(info->blames_request, rows[i].refusal);
		CU_ASSERT_EQUAL(info->comes_again, rows[i].again);
		CU_ASSERT_EQUAL(info->passes, rows[i].passes);
		CU_ASSERT_EQUAL(info->exit_code, rows[i].exit_code);
	}
}

static void test_only_a_busy_endpoint_has_a_length_of_its_own(void)
{
	for (uint32_t id = 0; id < LULL_CLASS_COUNT; id++) {
		const struct lull_class_info *info = lull_class_info(id);

		CU_ASSERT_EQUAL(info->endpoint_for_ms,
				id == LULL_CLASS_OVERLOADED ? 2000 : info->for_ms);
	}
}

static void test_adaptive_lengths(void)
{
	const uint32_t adaptive = 1u << LULL_CLASS_RATE_LIMITED | 1u << LULL_CLASS_OVERLOADED |
				  1u << LULL_CLASS_TIMEOUT | 1u << LULL_CLASS_SERVER_ERROR |
				  1u << LULL_CLASS_MALFORMED_RESPONSE |
				  1u << LULL_CLASS_TRUNCATED_STREAM;

	for (uint32_t id = 0; id < LULL_CLASS_COUNT; id++) {
		const struct lull_class_info *info = lull_class_info(id);
		bool is_adaptive = adaptive & 1u << id;

		CU_ASSERT_EQUAL(info->adaptive_for_ms, is_adaptive ? 5000 : 0);
		CU_ASSERT_EQUAL(info->adaptive_for_cap_ms, is_adaptive ? 30000 : 0);
	}
}

/* A gateway answers with these; none may look like a success. */
static void test_every_failure_has_an_http_status_and_a_text(void)
{
	CU_ASSERT_EQUAL(lull_class_info(LULL_CLASS_ANSWERED)->http_status, 200);
	CU_ASSERT_EQUAL(lull_class_info(LULL_CLASS_RATE_LIMITED)->http_status, 429);
	CU_ASSERT_EQUAL(lull_class_info(LULL_CLASS_AUTH)->http_status, 502);
	for (uint32_t id = 1; id < LULL_CLASS_COUNT; id++) {
		CU_ASSERT(lull_class_info(id)->http_status >= 400);
		CU_ASSERT(strlen(lull_class_info(id)->text) > 0);
	}
}

static void test_classes_by_name(void)
{
	for (size_t i = 0; i < ROWS; i++)
		CU_ASSERT_EQUAL(lull_class_by_name(rows[i].name), (int)rows[i].number);
	CU_ASSERT_EQUAL(lull_class_by_name("rate-limited"), -ENOENT);
	CU_ASSERT_EQUAL(lull_class_by_name(""), -ENOENT);
	CU_ASSERT_EQUAL(lull_class_by_name(NULL), -EINVAL);
	CU_ASSERT_PTR_NULL(lull_class_info(LULL_CLASS_COUNT));
	CU_ASSERT_PTR_NULL(lull_class_info(UINT32_MAX));
}

static void test_kinds_by_name(void)
{
	static const char *const names[] = {"none", "route", "credential", "endpoint", "name"};

	for (uint32_t kind = 0; kind < 5; kind++)
		CU_ASSERT_STRING_EQUAL(lull_kind_name(kind), names[kind]);
	for (int kind = 1; kind < 5; kind++)
		CU_ASSERT_EQUAL(lull_kind_by_name(names[kind]), kind);
	CU_ASSERT_STRING_EQUAL(lull_kind_name(5), "none");
	CU_ASSERT_STRING_EQUAL(lull_kind_name(UINT32_MAX), "none");
	CU_ASSERT_EQUAL(lull_kind_by_name("none"), -ENOENT);
	CU_ASSERT_EQUAL(lull_kind_by_name("Route"), -ENOENT);
	CU_ASSERT_EQUAL(lull_kind_by_name(NULL), -EINVAL);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_every_row_is_as_promised),
		CUNIT_TEST(test_only_a_busy_endpoint_has_a_length_of_its_own),
		CUNIT_TEST(test_adaptive_lengths),
		CUNIT_TEST(test_every_failure_has_an_http_status_and_a_text),
		CUNIT_TEST(test_classes_by_name),
		CUNIT_TEST(test_kinds_by_name),
	};

	return CUNIT_MAIN("class", tests);
}
