/* SPDX-License-Identifier: MIT */
/*
 * How a call ends: the result, the exit code that goes with it, the class to tell the caller about,
 * and in how long the soonest route is ready.
 */
#include "call_fixture.h"
#include "cunit_main.h"

#define MINUTE UINT64_C(60000)

/* What route 0, 1 and 2 meet; CONFIG: the route is unusable; MANUAL: it is cooling. */
struct row {
	uint32_t met[3];
	uint32_t result;
	int exit_code;
	uint32_t told; /* class */
};

#define UNUSABLE  LULL_CLASS_CONFIG
#define IN_LULL   LULL_CLASS_MANUAL
#define ANSWERED  LULL_CLASS_ANSWERED
#define LIMITED   LULL_CLASS_RATE_LIMITED
#define QUOTA     LULL_CLASS_QUOTA_EXHAUSTED
#define ERROR_500 LULL_CLASS_SERVER_ERROR
#define AUTH      LULL_CLASS_AUTH
#define LOCAL     LULL_CLASS_LOCAL
#define BAD       LULL_CLASS_BAD_REQUEST
#define WINDOW    LULL_CLASS_CONTEXT_WINDOW
#define LARGE     LULL_CLASS_TOO_LARGE
#define POLICY    LULL_CLASS_CONTENT_POLICY
#define CANCELLED LULL_CLASS_CANCELLED

static void check(const struct row *row)
{
	struct world w;
	struct caller c;

	world_make(&w, 3);
	w.options.when_cooling = LULL_WHEN_COOLING_FAIL;
	w.options.budget_ms = 200; /* no time for further passes */
	for (uint32_t i = 0; i < 3; i++) {
		if (row->met[i] == UNUSABLE)
			w.routes[i].flags = LULL_ROUTE_UNUSABLE;
		if (row->met[i] == IN_LULL)
			cool_by_hand(&w, LULL_KIND_ROUTE, i, (i + 1) * MINUTE);
	}
	caller_begin(&c, &w);
	while (caller_next(&c)->action == LULL_ACTION_TRY)
		report(&c, row->met[c.step.route]);
	if (c.step.result != row->result || c.step.exit_code != row->exit_code ||
	    c.step.class_id != row->told)
		fprintf(stderr, "%u %u %u: result %u exit %d told %u\n", row->met[0], row->met[1],
			row->met[2], c.step.result, c.step.exit_code, c.step.class_id);
	CU_ASSERT_EQUAL(c.step.action, LULL_ACTION_DONE);
	CU_ASSERT_EQUAL(c.step.result, row->result);
	CU_ASSERT_EQUAL(c.step.exit_code, row->exit_code);
	CU_ASSERT_EQUAL(c.step.class_id, row->told);
	caller_end(&c);
	world_end(&w);
}

static void test_results(void)
{
	/* clang-format off */
	static const struct row rows[] = {
		{{ANSWERED,  0,         0        }, LULL_RESULT_ANSWERED,  0,   ANSWERED },
		{{LIMITED,   BAD,       ANSWERED }, LULL_RESULT_ANSWERED,  0,   ANSWERED },
		{{UNUSABLE,  IN_LULL,   ANSWERED }, LULL_RESULT_ANSWERED,  0,   ANSWERED },
		/* every model failed */
		{{LIMITED,   LIMITED,   LIMITED  }, LULL_RESULT_FAILED,    69,  LIMITED  },
		{{LIMITED,   QUOTA,     ERROR_500}, LULL_RESULT_FAILED,    69,  ERROR_500},
		{{LIMITED,   UNUSABLE,  UNUSABLE }, LULL_RESULT_FAILED,    69,  LIMITED  },
		{{LIMITED,   IN_LULL,   IN_LULL  }, LULL_RESULT_FAILED,    69,  LIMITED  },
		{{LOCAL,     LOCAL,     LOCAL    }, LULL_RESULT_FAILED,    69,  LOCAL    },
		{{AUTH,      ERROR_500, AUTH     }, LULL_RESULT_FAILED,    69,  AUTH     },
		{{AUTH,      BAD,       AUTH     }, LULL_RESULT_FAILED,    69,  AUTH     },
		{{BAD,       ERROR_500, WINDOW   }, LULL_RESULT_FAILED,    69,  WINDOW   },
		/* one refusal is not every route's */
		{{BAD,       IN_LULL,   IN_LULL  }, LULL_RESULT_FAILED,    69,  BAD      },
		/* every route refused the request itself */
		{{BAD,       BAD,       ANSWERED }, LULL_RESULT_REFUSED,   65,  BAD      },
		{{WINDOW,    WINDOW,    WINDOW   }, LULL_RESULT_REFUSED,   65,  WINDOW   },
		{{WINDOW,    LARGE,     BAD      }, LULL_RESULT_REFUSED,   65,  BAD      },
		{{BAD,       UNUSABLE,  UNUSABLE }, LULL_RESULT_REFUSED,   65,  BAD      },
		{{POLICY,    ANSWERED,  ANSWERED }, LULL_RESULT_REFUSED,   65,  POLICY   },
		{{LIMITED,   POLICY,    ANSWERED }, LULL_RESULT_REFUSED,   65,  POLICY   },
		{{LIMITED,   BAD,       BAD      }, LULL_RESULT_REFUSED,   65,  BAD      },
		/* nothing was attempted */
		{{IN_LULL,   IN_LULL,   IN_LULL  }, LULL_RESULT_COOLING,   75,  LULL_CLASS_MANUAL},
		{{UNUSABLE,  IN_LULL,   UNUSABLE }, LULL_RESULT_COOLING,   75,  LULL_CLASS_MANUAL},
		/* nothing but auth errors */
		{{AUTH,      AUTH,      AUTH     }, LULL_RESULT_AUTH,      77,  AUTH     },
		{{AUTH,      UNUSABLE,  UNUSABLE }, LULL_RESULT_AUTH,      77,  AUTH     },
		/* no route has a known name and a key */
		{{UNUSABLE,  UNUSABLE,  UNUSABLE }, LULL_RESULT_CONFIG,    78,  UNUSABLE },
		{{CANCELLED, ANSWERED,  ANSWERED }, LULL_RESULT_CANCELLED, 130, CANCELLED},
		{{LIMITED,   CANCELLED, ANSWERED }, LULL_RESULT_CANCELLED, 130, CANCELLED},
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
}

/* Seconds until the soonest, whatever the call ended with. */
static void test_in_how_long_the_soonest_is_ready(void)
{
	struct lull_outcome outcome = outcome_of(LULL_CLASS_RATE_LIMITED);
	struct world w;
	struct caller c;

	world_make(&w, 3);
	w.options.when_cooling = LULL_WHEN_COOLING_FAIL;
	caller_begin(&c, &w);
	outcome.hint_ms = 30000;
	EXPECT_TRY(&c, 0);
	report_outcome(&c, &outcome);
	outcome.hint_ms = 20000;
	EXPECT_TRY(&c, 1);
	report_outcome(&c, &outcome);
	w.now_ms += 5000;
	EXPECT_TRY(&c, 2);
	report(&c, LULL_CLASS_AUTH);
	EXPECT_DONE(&c, LULL_RESULT_FAILED);
	CU_ASSERT_EQUAL(c.step.ready_in_ms, 15000);
	caller_end(&c);

	caller_begin(&c, &w);
	EXPECT_DONE(&c, LULL_RESULT_COOLING);
	CU_ASSERT_EQUAL(c.step.ready_in_ms, 15000);
	CU_ASSERT_EQUAL(c.step.class_id, LULL_CLASS_RATE_LIMITED);
	caller_end(&c);
	world_end(&w);
}

static void test_a_route_that_never_cooled_is_ready_now(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	w.options.when_cooling = LULL_WHEN_COOLING_FAIL;
	w.options.budget_ms = 200;
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_RATE_LIMITED);
	EXPECT_TRY(&c, 1);
	report(&c, LULL_CLASS_SERVER_ERROR);
	EXPECT_DONE(&c, LULL_RESULT_FAILED);
	CU_ASSERT_EQUAL(c.step.ready_in_ms, 0);
	caller_end(&c);
	world_end(&w);
}

/* An operator holds it all: no time can be told, but why. */
static void test_what_is_told_of_what_is_held(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 1);
	(void)lull_key_hold(w.table, LULL_KIND_ROUTE, w.routes[0].route_key, w.now_ms);
	caller_begin(&c, &w);
	EXPECT_DONE(&c, LULL_RESULT_COOLING);
	CU_ASSERT_EQUAL(c.step.class_id, LULL_CLASS_MANUAL);
	CU_ASSERT_EQUAL(c.step.ready_in_ms, LULL_NEVER);
	caller_end(&c);
	world_end(&w);
}

/* The primary has no key, and what is left are fallbacks of an error that it cannot meet. */
static void test_fallbacks_of_an_error_alone_are_no_list(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 2);
	w.routes[0].flags = LULL_ROUTE_UNUSABLE;
	w.routes[1].after_classes = 1u << LULL_CLASS_CONTEXT_WINDOW;
	caller_begin(&c, &w);
	EXPECT_DONE(&c, LULL_RESULT_CONFIG);
	CU_ASSERT_EQUAL(c.step.exit_code, 78);
	CU_ASSERT_EQUAL(c.step.class_id, LULL_CLASS_CONFIG);
	caller_end(&c);
	world_end(&w);
}

/* A call may be left at any step; none leaves anything behind. */
static void test_leaving_at_every_step(void)
{
	struct world w;
	struct caller c;

	world_make(&w, 1);
	caller_begin(&c, &w);
	caller_end(&c); /* before the first step */
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	caller_end(&c); /* in an attempt */
	CU_ASSERT_EQUAL(word_bits_of(&w, LULL_KIND_ROUTE, w.routes[0].route_key), 0);
	caller_begin(&c, &w);
	EXPECT_TRY(&c, 0);
	report(&c, LULL_CLASS_SERVER_ERROR);
	caller_end(&c); /* between attempts */
	cool_by_hand(&w, LULL_KIND_ROUTE, 0, 20000);
	caller_begin(&c, &w);
	CU_ASSERT_EQUAL(caller_next(&c)->action, LULL_ACTION_SLEEP);
	caller_end(&c); /* asleep */
	CU_ASSERT_EQUAL(shut_ms(&w, LULL_KIND_ROUTE, 0), 20000);
	world_end(&w);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_results),
		CUNIT_TEST(test_in_how_long_the_soonest_is_ready),
		CUNIT_TEST(test_a_route_that_never_cooled_is_ready_now),
		CUNIT_TEST(test_what_is_told_of_what_is_held),
		CUNIT_TEST(test_fallbacks_of_an_error_alone_are_no_list),
		CUNIT_TEST(test_leaving_at_every_step),
	};

	return CUNIT_MAIN("call: results", tests);
}
