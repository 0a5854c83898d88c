/* SPDX-License-Identifier: MIT */
/*
 * A world for tests of the call: one table, one clock that only moves when told, a list of routes,
 * and callers that stand for processes. Nothing in it waits, so an hour takes a microsecond.
 *
 *     world_make(&w, 2);                      two routes, each with its own key, server and vendor
 *     caller_begin(&c, &w);
 *     EXPECT_TRY(&c, 0);
 *     report(&c, LULL_CLASS_RATE_LIMITED);    as the wire would say it: with its usual HTTP status
 *     EXPECT_TRY(&c, 1);
 *     answer(&c);
 *     EXPECT_DONE(&c, LULL_RESULT_ANSWERED);
 *     caller_end(&c);
 *     world_end(&w);
 */
#ifndef LULL_TESTS_CALL_FIXTURE_H
#define LULL_TESTS_CALL_FIXTURE_H

#include <stdbool.h>

#include <CUnit/CUnit.h>
#include <lull/lull.h>

#define WORLD_START_MS UINT64_C(1000000000) /* any uptime */
#define WORLD_ROUTES   8u

struct world {
	struct lull_table *table;
	uint64_t now_ms;
	uint32_t route_count;
	struct lull_route routes[WORLD_ROUTES];
	struct lull_call_options options; /* a fixed seed; else as lull_call_options_init() */
};

/* Routes 0 to route_count - 1, on a table of this process alone. */
void world_make(struct world *w, uint32_t route_count);
/* The same on a table that is given, and still belongs to whoever gave it. */
void world_make_on(struct world *w, uint32_t route_count, struct lull_table *table);
void world_end(struct world *w);

/* One process with one call. */
struct caller {
	struct world *world;
	struct lull_call *call;
	struct lull_step step; /* the last one */
};

void caller_begin(struct caller *c, struct world *w);
void caller_end(struct caller *c);
/* lull_call_next() at the world's time. */
const struct lull_step *caller_next(struct caller *c);

/* ---- what must come next; on a mismatch the test fails and says what came instead */

#define EXPECT_TRY(c, route)   expect_try(c, route, __FILE__, __LINE__)
#define EXPECT_DONE(c, result) expect_done(c, result, __FILE__, __LINE__)
/* a SLEEP of least_ms to most_ms; the clock moves to its end */
#define EXPECT_SLEEP(c, least_ms, most_ms) expect_sleep(c, least_ms, most_ms, __FILE__, __LINE__)

void expect_try(struct caller *c, uint32_t route, const char *file, unsigned line);
void expect_done(struct caller *c, uint32_t result, const char *file, unsigned line);
void expect_sleep(struct caller *c, uint64_t least_ms, uint64_t most_ms, const char *file,
		  unsigned line);

/* ---- what becomes of an attempt */

void progress(struct caller *c, enum lull_progress progress);
/* An outcome with the status line that usually comes with it; all else is the class's own. */
struct lull_outcome outcome_of(uint32_t class_id);
void report(struct caller *c, uint32_t class_id);
void report_outcome(struct caller *c, const struct lull_outcome *outcome);
/* A limit of ours has passed: class timeout, without a status line. */
void report_our_timeout(struct caller *c);
/* Connected, 2xx headers, content, and the answer, all now. */
void answer(struct caller *c);
/* Another process makes a call, meets this at its first route, now, and leaves. */
void meanwhile(struct world *w, uint32_t class_id);
void meanwhile_outcome(struct world *w, const struct lull_outcome *outcome);

/* ---- the table */

/* Key of that kind on which route `route` stands. */
const char *world_key(const struct world *w, uint32_t kind, uint32_t route);
void cool_by_hand(struct world *w, uint32_t kind, uint32_t route, uint64_t for_ms);
/* How long it is shut: 0 ready, LULL_NEVER held. */
uint64_t shut_ms(const struct world *w, uint32_t kind, uint32_t route);
struct lull_key_state key_state(const struct world *w, uint32_t kind, uint32_t route);
/* The word itself; 0 also where the key is not in the table. */
uint64_t word_bits_of(const struct world *w, uint32_t kind, const char *key);

/* ---- the trail */

/* The last entry of that type; fails the test if there is none. */
struct lull_trail_entry last_entry(const struct caller *c, enum lull_trail_type type);
uint32_t entry_count(const struct caller *c, enum lull_trail_type type);

#endif
