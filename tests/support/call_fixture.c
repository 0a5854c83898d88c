/* SPDX-License-Identifier: MIT */
/* See call_fixture.h. */
#include "call_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "segment.h"
#include "word.h"

static const char *const route_keys[WORLD_ROUTES] = {
	"model-0@https://0.example/v1#0000", "model-1@https://1.example/v1#1111",
	"model-2@https://2.example/v1#2222", "model-3@https://3.example/v1#3333",
	"model-4@https://4.example/v1#4444", "model-5@https://5.example/v1#5555",
	"model-6@https://6.example/v1#6666", "model-7@https://7.example/v1#7777",
};
static const char *const credential_keys[WORLD_ROUTES] = {
	"0000", "1111", "2222", "3333", "4444", "5555", "6666", "7777",
};
static const char *const endpoint_keys[WORLD_ROUTES] = {
	"https://0.example:443", "https://1.example:443", "https://2.example:443",
	"https://3.example:443", "https://4.example:443", "https://5.example:443",
	"https://6.example:443", "https://7.example:443",
};

/* ------------------------------------------------------------------ the world */

void world_make_on(struct world *w, uint32_t route_count, struct lull_table *table)
{
	*w = (struct world){.table = table, .now_ms = WORLD_START_MS, .route_count = route_count};
	for (uint32_t i = 0; i < WORLD_ROUTES; i++) {
		lull_route_init(&w->routes[i]);
		w->routes[i].label = route_keys[i];
		w->routes[i].route_key = route_keys[i];
		w->routes[i].credential_key = credential_keys[i];
		w->routes[i].endpoint_key = endpoint_keys[i];
		w->routes[i].vendor = i + 1;
	}
	lull_call_options_init(&w->options);
	w->options.seed = 1;
}

void world_make(struct world *w, uint32_t route_count)
{
	struct lull_table_options options;
	struct lull_table *table;

	lull_table_options_init(&options);
	options.flags = LULL_TABLE_LOCAL;
	options.slot_count = 64;
	if (lull_table_open(&options, &table) != 0) {
		fprintf(stderr, "world_make: lull_table_open failed\n");
		exit(EXIT_FAILURE);
	}
	world_make_on(w, route_count, table);
}

void world_end(struct world *w)
{
	lull_table_close(w->table);
}

/* ------------------------------------------------------------------ callers */

void caller_begin(struct caller *c, struct world *w)
{
	*c = (struct caller){.world = w};
	CU_ASSERT_EQUAL_FATAL(lull_call_begin(&c->call, w->table, w->routes, w->route_count,
					      &w->options, w->now_ms),
			      0);
}

void caller_end(struct caller *c)
{
	if (c->call)
		lull_call_end(c->call, c->world->now_ms);
	c->call = NULL;
}

const struct lull_step *caller_next(struct caller *c)
{
	CU_ASSERT_EQUAL(lull_call_next(c->call, c->world->now_ms, &c->step), 0);
	return &c->step;
}

static const char *step_text(const struct caller *c)
{
	static char text[128];
	const struct lull_step *step = &c->step;

	switch (step->action) {
	case LULL_ACTION_TRY:
		(void)snprintf(text, sizeof(text), "TRY route %" PRIu32, step->route);
		break;
	case LULL_ACTION_SLEEP:
		(void)snprintf(text, sizeof(text), "SLEEP %" PRIu64 " ms",
			       step->until_ms - c->world->now_ms);
		break;
	default:
		(void)snprintf(text, sizeof(text),
			       "DONE result %" PRIu32 " exit %d class %" PRIu32 " ready in %" PRIu64
			       " ms",
			       step->result, step->exit_code, step->class_id, step->ready_in_ms);
	}
	return text;
}

static void expect(const struct caller *c, bool met, const char *wanted, const char *file,
		   unsigned line)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "expected %s, but came %s", wanted, step_text(c));
	CU_assertImplementation(met, line, text, file, "", CU_FALSE);
}

void expect_try(struct caller *c, uint32_t route, const char *file, unsigned line)
{
	char wanted[32];

	(void)caller_next(c);
	(void)snprintf(wanted, sizeof(wanted), "TRY route %" PRIu32, route);
	expect(c, c->step.action == LULL_ACTION_TRY && c->step.route == route, wanted, file, line);
}

void expect_done(struct caller *c, uint32_t result, const char *file, unsigned line)
{
	char wanted[32];

	(void)caller_next(c);
	(void)snprintf(wanted, sizeof(wanted), "DONE result %" PRIu32, result);
	expect(c, c->step.action == LULL_ACTION_DONE && c->step.result == result, wanted, file,
	       line);
}

void expect_sleep(struct caller *c, uint64_t least_ms, uint64_t most_ms, const char *file,
		  unsigned line)
{
	uint64_t for_ms;
	char wanted[64];

	(void)caller_next(c);
	for_ms = c->step.until_ms - c->world->now_ms;
	(void)snprintf(wanted, sizeof(wanted), "SLEEP %" PRIu64 " to %" PRIu64 " ms", least_ms,
		       most_ms);
	expect(c,
	       c->step.action == LULL_ACTION_SLEEP && for_ms > 0 && for_ms >= least_ms &&
		       for_ms <= most_ms,
	       wanted, file, line);
	if (c->step.action == LULL_ACTION_SLEEP)
		c->world->now_ms = c->step.until_ms;
}

/* ------------------------------------------------------------------ attempts */

void progress(struct caller *c, enum lull_progress progress)
{
	CU_ASSERT_EQUAL(lull_call_progress(c->call, c->world->now_ms, progress), 0);
}

struct lull_outcome outcome_of(uint32_t class_id)
{
	static const uint32_t status[LULL_CLASS_COUNT] = {
		[LULL_CLASS_ANSWERED] = 200,
		[LULL_CLASS_RATE_LIMITED] = 429,
		[LULL_CLASS_QUOTA_EXHAUSTED] = 402,
		[LULL_CLASS_OVERLOADED] = 503,
		[LULL_CLASS_AUTH] = 401,
		[LULL_CLASS_PERMISSION] = 403,
		[LULL_CLASS_MODEL_NOT_FOUND] = 404,
		[LULL_CLASS_TIMEOUT] = 504,
		[LULL_CLASS_SERVER_ERROR] = 500,
		[LULL_CLASS_MALFORMED_RESPONSE] = 200,
		[LULL_CLASS_TRUNCATED_STREAM] = 200,
		[LULL_CLASS_CONTEXT_WINDOW] = 400,
		[LULL_CLASS_CONTENT_POLICY] = 400,
		[LULL_CLASS_BAD_REQUEST] = 400,
		[LULL_CLASS_TOO_LARGE] = 413,
	};
	struct lull_outcome outcome;

	lull_outcome_init(&outcome);
	outcome.class_id = class_id;
	outcome.http_status = status[class_id];
	return outcome;
}

void report_outcome(struct caller *c, const struct lull_outcome *outcome)
{
	CU_ASSERT_EQUAL(lull_call_report(c->call, c->world->now_ms, outcome), 0);
}

void report(struct caller *c, uint32_t class_id)
{
	struct lull_outcome outcome = outcome_of(class_id);

	report_outcome(c, &outcome);
}

void report_our_timeout(struct caller *c)
{
	struct lull_outcome outcome = outcome_of(LULL_CLASS_TIMEOUT);

	outcome.http_status = 0;
	outcome.ours = 1;
	report_outcome(c, &outcome);
}

void answer(struct caller *c)
{
	progress(c, LULL_PROGRESS_CONNECTED);
	progress(c, LULL_PROGRESS_ACCEPTED);
	progress(c, LULL_PROGRESS_CONTENT);
	report(c, LULL_CLASS_ANSWERED);
}

void meanwhile_outcome(struct world *w, const struct lull_outcome *outcome)
{
	struct caller c;

	caller_begin(&c, w);
	CU_ASSERT_EQUAL(caller_next(&c)->action, LULL_ACTION_TRY);
	report_outcome(&c, outcome);
	caller_end(&c);
}

void meanwhile(struct world *w, uint32_t class_id)
{
	struct lull_outcome outcome = outcome_of(class_id);

	meanwhile_outcome(w, &outcome);
}

/* ------------------------------------------------------------------ the table */

const char *world_key(const struct world *w, uint32_t kind, uint32_t route)
{
	const struct lull_route *r = &w->routes[route];

	switch (kind) {
	case LULL_KIND_ROUTE:
		return r->route_key;
	case LULL_KIND_CREDENTIAL:
		return r->credential_key;
	case LULL_KIND_ENDPOINT:
		return r->endpoint_key;
	default:
		return r->names[0];
	}
}

struct lull_key_state key_state(const struct world *w, uint32_t kind, uint32_t route)
{
	struct lull_key_state state;

	CU_ASSERT(lull_key_read(w->table, kind, world_key(w, kind, route), w->now_ms, &state) >= 0);
	return state;
}

void cool_by_hand(struct world *w, uint32_t kind, uint32_t route, uint64_t for_ms)
{
	CU_ASSERT_EQUAL(lull_key_cool(w->table, kind, world_key(w, kind, route), for_ms, w->now_ms),
			0);
}

uint64_t shut_ms(const struct world *w, uint32_t kind, uint32_t route)
{
	return key_state(w, kind, route).ready_in_ms;
}

uint64_t word_bits_of(const struct world *w, uint32_t kind, const char *key)
{
	struct segment *segment = table_pin(w->table);
	struct layout_slot *slot = NULL;
	uint64_t bits = 0;
	struct key k;

	if (key && key_init(&k, kind, key) == 0)
		slot = segment_find(segment, &k);
	if (slot)
		bits = atomic_load(&slot->word);
	segment_unpin(segment);
	return bits;
}

/* ------------------------------------------------------------------ the trail */

uint32_t entry_count(const struct caller *c, enum lull_trail_type type)
{
	struct lull_trail_entry entry;
	uint32_t count = 0;

	for (uint32_t i = 0; lull_call_trail_at(c->call, i, &entry) == 0; i++)
		count += entry.type == type;
	return count;
}

struct lull_trail_entry last_entry(const struct caller *c, enum lull_trail_type type)
{
	struct lull_trail_entry entry, last = {0};

	for (uint32_t i = 0; lull_call_trail_at(c->call, i, &entry) == 0; i++)
		if (entry.type == type)
			last = entry;
	CU_ASSERT_EQUAL(last.type, type);
	return last;
}
