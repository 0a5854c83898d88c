/* SPDX-License-Identifier: MIT */
/* See host_sim.h. */
#include "host_sim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define START_MS          UINT64_C(1000000000) /* any uptime */
#define CONNECT_MS        10u
#define ROUTES            2u
#define FALLBACK_LEAST_MS 500u
#define FALLBACK_MOST_MS  1500u

enum stage {
	IDLE,
	ASLEEP,     /* until the step's end */
	CONNECTING, /* until the connection stands */
	WAITING,    /* for the status line */
	READING,    /* the body */
};

struct worker {
	struct lull_table *table;
	struct lull_call *call; /* NULL: idle */
	struct lull_step step;
	struct host_reply reply; /* to the request under way */
	uint64_t begin_ms;       /* of that request */
	enum stage stage;
	uint64_t due_ms; /* when the stage ends; LULL_NEVER: idle */
	bool too_late;   /* it ends by a limit of ours */
};

struct host {
	const struct host_plan *plan;
	uint64_t now_ms, random;
	struct lull_route routes[ROUTES];
	struct worker workers[HOST_WORKERS_MAX];
	struct host_count count;
};

static void must(bool done, const char *what)
{
	if (done)
		return;
	(void)fprintf(stderr, "host_run: %s failed\n", what);
	exit(EXIT_FAILURE);
}

/* ------------------------------------------------------------------ randomness */

/* splitmix64 */
static uint64_t random_next(struct host *host)
{
	uint64_t z = (host->random += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0 to 1, without the 1 */
static double random_share(struct host *host)
{
	return (double)(random_next(host) >> 11) * 0x1p-53;
}

uint64_t host_random(struct host *host, uint64_t least, uint64_t most)
{
	return least + random_next(host) % (most - least + 1);
}

bool host_chance(struct host *host, double probability)
{
	return random_share(host) < probability;
}

struct host_reply host_whole_answer(struct host *host, uint64_t least_ms, uint64_t most_ms)
{
	uint64_t headers_after_ms = host_random(host, least_ms, most_ms);

	return (struct host_reply){
		.class_id = LULL_CLASS_ANSWERED,
		.http_status = 200,
		.hint_ms = -1,
		.headers_after_ms = headers_after_ms,
		.end_after_ms = headers_after_ms + 10,
	};
}

struct host_reply host_streamed_answer(struct host *host, uint64_t least_ms, uint64_t most_ms)
{
	struct host_reply reply = host_whole_answer(host, least_ms, most_ms);

	reply.headers_after_ms = host_random(host, 300, 700);
	reply.end_after_ms += reply.headers_after_ms;
	return reply;
}

/* ------------------------------------------------------------------ one attempt */

static bool is_accepted(const struct host_reply *reply)
{
	return reply->http_status >= 200 && reply->http_status < 300;
}

/* The stage that begins now ends then, or at the limit that comes before. */
static void stage_begin(struct worker *w, enum stage stage, uint64_t due_ms, uint64_t limit_ms)
{
	w->stage = stage;
	w->too_late = due_ms > limit_ms;
	w->due_ms = w->too_late ? limit_ms : due_ms;
}

static uint64_t sooner(uint64_t a_ms, uint64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

static void attempt_begin(struct host *host, struct worker *w)
{
	w->begin_ms = host->now_ms;
	if (w->step.route == 0) {
		host->count.asked++;
		w->reply = host->plan->primary(host, host->now_ms - START_MS, host->plan->context);
	} else {
		w->reply = host_whole_answer(host, FALLBACK_LEAST_MS, FALLBACK_MOST_MS);
	}
	stage_begin(w, CONNECTING, host->now_ms + CONNECT_MS, w->step.connect_by_ms);
}

static void attempt_report(struct host *host, struct worker *w)
{
	struct lull_outcome outcome;

	lull_outcome_init(&outcome);
	outcome.class_id = w->too_late ? (uint32_t)LULL_CLASS_TIMEOUT : w->reply.class_id;
	outcome.ours = w->too_late;
	if (!w->too_late) {
		outcome.http_status = w->reply.http_status;
		outcome.hint_ms = w->reply.hint_ms;
	}
	host->count.wasted += w->step.route == 0 && outcome.class_id != LULL_CLASS_ANSWERED;
	must(lull_call_report(w->call, host->now_ms, &outcome) == 0, "lull_call_report()");
}

static void attempt_progress(struct host *host, struct worker *w, enum lull_progress progress)
{
	must(lull_call_progress(w->call, host->now_ms, progress) == 0, "lull_call_progress()");
}

/* ------------------------------------------------------------------ one call */

static void call_end(struct host *host, struct worker *w)
{
	if (w->step.result == LULL_RESULT_ANSWERED) {
		host->count.answered++;
		host->count.by_primary += w->step.route == 0;
	}
	lull_call_end(w->call, host->now_ms);
	w->call = NULL;
	w->stage = IDLE;
	w->due_ms = LULL_NEVER;
}

/* To the next attempt, sleep or end. */
static void call_go_on(struct host *host, struct worker *w)
{
	const uint32_t route = w->step.route;

	must(lull_call_next(w->call, host->now_ms, &w->step) == 0, "lull_call_next()");
	switch (w->step.action) {
	case LULL_ACTION_TRY:
		attempt_begin(host, w);
		break;
	case LULL_ACTION_SLEEP:
		stage_begin(w, ASLEEP, w->step.until_ms, LULL_NEVER);
		break;
	default:
		w->step.route = route; /* the one that was tried last */
		call_end(host, w);
	}
}

static void call_begin(struct host *host, struct worker *w)
{
	struct lull_call_options options = *host->plan->options;

	options.seed = random_next(host) | 1;
	must(lull_call_begin(&w->call, w->table, host->routes, ROUTES, &options, host->now_ms) == 0,
	     "lull_call_begin()");
	host->count.calls++;
	call_go_on(host, w);
}

/* The end of a worker's stage. */
static void worker_advance(struct host *host, struct worker *w)
{
	if (w->too_late) {
		attempt_report(host, w);
		call_go_on(host, w);
		return;
	}
	switch (w->stage) {
	case CONNECTING:
		attempt_progress(host, w, LULL_PROGRESS_CONNECTED);
		stage_begin(w, WAITING, w->begin_ms + w->reply.headers_after_ms,
			    sooner(w->step.headers_by_ms, w->step.budget_by_ms));
		return;
	case WAITING:
		if (!is_accepted(&w->reply))
			break;
		attempt_progress(host, w, LULL_PROGRESS_ACCEPTED);
		if (w->step.route == 0 && host->count.accepted_at_ms == LULL_NEVER)
			host->count.accepted_at_ms = host->now_ms - START_MS;
		stage_begin(w, READING, w->begin_ms + w->reply.end_after_ms, w->step.budget_by_ms);
		return;
	case READING:
	default: /* asleep */
		break;
	}
	if (w->stage != ASLEEP)
		attempt_report(host, w);
	call_go_on(host, w);
}

/* ------------------------------------------------------------------ the host */

static struct lull_table *table_make(void)
{
	struct lull_table_options options;
	struct lull_table *table;

	lull_table_options_init(&options);
	options.flags = LULL_TABLE_LOCAL;
	options.slot_count = 16;
	must(lull_table_open(&options, &table) == 0, "lull_table_open()");
	return table;
}

static struct host *host_make(const struct host_plan *plan)
{
	static const char *const keys[ROUTES][3] = {
		{"primary@https://primary.example#1111", "1111", "https://primary.example:443"},
		{"fallback@https://fallback.example#2222", "2222", "https://fallback.example:443"},
	};
	struct host *host = calloc(1, sizeof(*host));

	must(host && plan->workers >= 1 && plan->workers <= HOST_WORKERS_MAX, "host_make()");
	host->plan = plan;
	host->now_ms = START_MS;
	host->random = plan->seed;
	host->count.accepted_at_ms = LULL_NEVER;
	for (uint32_t i = 0; i < ROUTES; i++) {
		lull_route_init(&host->routes[i]);
		host->routes[i].route_key = keys[i][0];
		host->routes[i].credential_key = keys[i][1];
		host->routes[i].endpoint_key = keys[i][2];
	}
	for (uint32_t i = 0; i < plan->workers; i++) {
		struct worker *w = &host->workers[i];

		w->due_ms = LULL_NEVER;
		w->table = i == 0 || plan->table_each ? table_make() : host->workers[0].table;
	}
	return host;
}

static void host_free(struct host *host)
{
	for (uint32_t i = 0; i < host->plan->workers; i++)
		if (i == 0 || host->plan->table_each)
			lull_table_close(host->workers[i].table);
	free(host);
}

/* An idle worker, any; NULL: all are busy. */
static struct worker *worker_idle(struct host *host)
{
	const uint32_t workers = host->plan->workers;
	const uint32_t first = (uint32_t)host_random(host, 0, workers - 1);

	for (uint32_t i = 0; i < workers; i++)
		if (host->workers[(first + i) % workers].stage == IDLE)
			return &host->workers[(first + i) % workers];
	return NULL;
}

/* The worker whose stage ends first. */
static struct worker *worker_next(struct host *host)
{
	struct worker *next = &host->workers[0];

	for (uint32_t i = 1; i < host->plan->workers; i++)
		if (host->workers[i].due_ms < next->due_ms)
			next = &host->workers[i];
	return next;
}

static uint64_t next_arrival_ms(struct host *host, uint64_t from_ms)
{
	const double pause_s = -log(1 - random_share(host)) / host->plan->calls_per_s;
	const uint64_t at_ms = from_ms + (uint64_t)(pause_s * 1000);

	return at_ms < START_MS + host->plan->for_ms ? at_ms : LULL_NEVER;
}

static void call_arrives(struct host *host)
{
	struct worker *w = worker_idle(host);

	if (w)
		call_begin(host, w);
}

struct host_count host_run(const struct host_plan *plan)
{
	struct host *host = host_make(plan);
	uint64_t arrival_ms = next_arrival_ms(host, START_MS);
	struct host_count count;

	for (;;) {
		struct worker *w = worker_next(host);

		host->now_ms = sooner(w->due_ms, arrival_ms);
		if (host->now_ms == LULL_NEVER)
			break;
		if (w->due_ms <= arrival_ms) {
			worker_advance(host, w);
			continue;
		}
		call_arrives(host);
		arrival_ms = next_arrival_ms(host, host->now_ms);
	}
	count = host->count;
	host_free(host);
	return count;
}
