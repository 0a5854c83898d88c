/* SPDX-License-Identifier: MIT */
/* Rows and their calls: see batch_engine.h. */
#include "batch_engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../src/route_sets.h"
#include "../src/watch.h"

#define TURNS_MAX       3u                                /* of a row; arbitrary */
#define TURN_WAIT_MS    5000u                             /* for one; arbitrary */
#define RETRY_MS        1000u                             /* a pause of no stated length */
#define BODY_REPORT_MAX ((size_t)4 * WIRE_BODY_BYTES_MAX) /* an answer, and text around it */

struct flight {
	uint32_t slot;
	struct request request;
	struct route_set *set;
	struct lull_call_options options;
	struct driver *driver; /* NULL: waits for its turn */
	uint64_t number;       /* of its start */
	uint32_t turn_count;   /* that have failed */
	uint64_t answers_seen; /* of the engine, at its last failure */
	bool sleeps;
};

struct engine {
	struct engine_settings settings;
	struct watch *watch;
	struct route_sets sets;
	struct flight **flights; /* in the order in which they came */
	uint32_t count;
	uint32_t running_count;       /* that talk; others sleep, or wait for their turn */
	uint64_t start_count, cut_at; /* of the last start that a cut has counted for */
	uint64_t answer_count;
	double window; /* how many may run */
	bool is_stopping;
	bool is_asleep;  /* nothing is under way but calls that wait */
	uint32_t serial; /* of the table, before what is now decided */
	struct buffer report;
};

/* ---- sets of routes */

/* Does the row say no more than what another one with that model would? */
static bool asks_alike(const struct engine *engine, const struct request *request)
{
	return request->timeout_ms == LULL_UNSET &&
	       (!request->fallbacks || engine->settings.call->fallbacks.count > 0);
}

/* A limit of a model that is not in this list is one for other rows. */
static void limit_routes(const struct call_settings *call, struct route_list *list)
{
	char error[CONFIG_MESSAGE_BYTES_MAX];

	for (size_t i = 0; i < call->limits.count; i++)
		(void)route_list_limit(list, call->limits.texts[i], error);
}

struct wish {
	const struct engine *engine;
	const struct request *request;
};

/* Return: 0; -EINVAL no model is named; -E2BIG; -ENOMEM */
static int find_routes(struct route_list *ret_list, void *userdata)
{
	const struct wish *wish = userdata;
	const struct call_settings *call = wish->engine->settings.call;
	int rc = http_routes(wish->engine->settings.http, wish->request, call->model,
			     call->fallbacks.texts, call->fallbacks.count, ret_list);

	if (rc == 0)
		limit_routes(call, ret_list);
	return rc;
}

static int use_set(struct engine *engine, struct flight *flight)
{
	const struct request *request = &flight->request;
	const char *call_model = engine->settings.call->model;
	const char *model = call_model ? call_model : request->model;
	struct wish wish = {engine, request};

	return route_sets_use(&engine->sets, asks_alike(engine, request) ? model : NULL,
			      find_routes, &wish, &flight->set);
}

/* ---- flights */

static void flight_free(struct flight *flight)
{
	if (flight->driver)
		(void)driver_end(flight->driver, NULL);
	if (flight->set)
		route_set_leave(flight->set);
	request_deinit(&flight->request);
	free(flight);
}

static void tell_end(struct engine *engine, int rc)
{
	if (rc == 0)
		engine->settings.ended(engine->report.bytes, engine->report.size,
				       engine->settings.userdata);
	engine->report.size = 0;
}

/* No call is made for it. Return: 0; -ENOMEM */
static int refuse(struct engine *engine, uint32_t slot, const char *why)
{
	struct row_result result = {.slot = slot};
	int rc = row_report_refusal(&engine->report, &result, why);

	tell_end(engine, rc);
	return rc;
}

static const char *no_routes(int rc)
{
	return rc == -EINVAL ? "no model is named: neither by the row, nor by -m, nor configured"
			     : "its list leads to too many routes";
}

int engine_submit(struct engine *engine, uint32_t slot, const char *body, size_t body_bytes)
{
	const struct engine_settings *settings = &engine->settings;
	struct flight *flight = calloc(1, sizeof(*flight));
	char error[REQUEST_ERROR_BYTES];
	int rc;

	if (!flight)
		return -ENOMEM;
	flight->slot = slot;
	flight->answers_seen = engine->answer_count;
	rc = request_read(body, body_bytes, &flight->request, error);
	if (rc == 0) {
		rc = use_set(engine, flight);
		if (rc != 0)
			(void)snprintf(error, sizeof(error), "%s", no_routes(rc));
	}
	if (rc != 0) {
		flight_free(flight);
		return rc == -ENOMEM ? rc : refuse(engine, slot, error);
	}
	http_call_options(settings->http, &flight->request, LULL_WHEN_COOLING_WAIT,
			  settings->call->budget_ms, settings->call->when_cooling,
			  &flight->options);
	engine->flights[engine->count++] = flight;
	return 0;
}

/* ---- pauses */

static void tell_pause(const struct engine *engine, const struct route_set *set)
{
	const char *model = set->list.count > 0 ? set->list.routes[0].name : "";

	engine->settings.paused(model, set->paused_until_ms, engine->settings.userdata);
}

static void pause_set(struct engine *engine, struct route_set *set, uint64_t until_ms)
{
	set->paused_until_ms = until_ms;
	set->paused_serial = engine->serial;
	tell_pause(engine, set);
}

static void end_pauses(struct engine *engine)
{
	const uint64_t now_ms = lull_clock_ms();

	for (struct route_set *set = engine->sets.first; set; set = set->next) {
		if (!set->paused_until_ms ||
		    (now_ms < set->paused_until_ms && set->paused_serial == engine->serial))
			continue;
		set->paused_until_ms = 0;
		tell_pause(engine, set);
	}
}

/* Calls that have met a limit wait for its end themselves, and for as long as nothing else goes on
 * that is a pause like any other. */
static void tell_sleep(struct engine *engine)
{
	const struct flight *first = NULL;
	bool is_asleep;

	for (uint32_t i = 0; i < engine->count; i++) {
		const struct flight *flight = engine->flights[i];

		if (flight->driver &&
		    (!first || driver_until_ms(flight->driver) < driver_until_ms(first->driver)))
			first = flight;
	}
	is_asleep = first && engine->running_count == 0;
	if (is_asleep != engine->is_asleep && first)
		engine->settings.paused(first->set->list.routes[0].name,
					is_asleep ? driver_until_ms(first->driver) : 0,
					engine->settings.userdata);
	engine->is_asleep = is_asleep;
}

/* ---- how many at once */

static bool met_a_rate_limit(const struct driver_result *call)
{
	for (uint32_t i = 0; i < call->trail_count; i++)
		if (call->trail[i].type == LULL_TRAIL_ATTEMPT &&
		    call->trail[i].class_id == LULL_CLASS_RATE_LIMITED)
			return true;
	return false;
}

static void adapt(struct engine *engine, const struct flight *flight,
		  const struct driver_result *call)
{
	const double most = engine->settings.jobs;

	if (!met_a_rate_limit(call)) {
		engine->window += 1 / engine->window;
		if (engine->window > most)
			engine->window = most;
	} else if (flight->number > engine->cut_at) {
		engine->window = engine->window > 2 ? engine->window / 2 : 1;
		engine->cut_at = engine->start_count;
	}
}

/* ---- one flight */

static bool waits_when_cooling(const struct flight *flight)
{
	return flight->options.when_cooling == LULL_WHEN_COOLING_WAIT;
}

/* A call that sleeps takes nobody's place, and goes on when there is one. */
static void set_sleeps(struct engine *engine, struct flight *flight, bool sleeps)
{
	if (sleeps && !flight->sleeps)
		engine->running_count--;
	if (!sleeps && flight->sleeps)
		engine->running_count++;
	flight->sleeps = sleeps;
}

/* Its turn will come again: nothing was sent. */
static void put_back(struct engine *engine, struct flight *flight)
{
	(void)driver_end(flight->driver, NULL);
	flight->driver = NULL;
	set_sleeps(engine, flight, true);
	flight->sleeps = false;
}

static uint64_t after_ms(uint64_t for_ms)
{
	return for_ms == LULL_NEVER ? LULL_NEVER : lull_clock_ms() + (for_ms ? for_ms : RETRY_MS);
}

/*
 * Among a million rows some meet nothing but failures that would have passed: those have further
 * turns. What failed at the row itself is not waited for: it may be the row that is at fault. A limit
 * never is, and while nobody is answered it is a pause, in which some row has to find out whether it
 * is over.
 */
static bool has_another_turn(const struct engine *engine, struct flight *flight,
			     const struct driver_result *call)
{
	const bool is_limit = call->class_id == LULL_CLASS_RATE_LIMITED ||
			      call->class_id == LULL_CLASS_OVERLOADED;
	const bool is_pause = is_limit && flight->answers_seen == engine->answer_count;

	if (!lull_class_info(call->class_id)->passes)
		return false;
	flight->turn_count += !is_pause;
	flight->answers_seen = engine->answer_count;
	return flight->turn_count < TURNS_MAX && (is_limit || call->ready_in_ms <= TURN_WAIT_MS);
}

/* Where nothing was ready, the row is as good as before. */
static bool is_to_be_done_again(const struct engine *engine, struct flight *flight,
				const struct driver_result *call)
{
	if (!waits_when_cooling(flight))
		return false;
	return call->result == LULL_RESULT_COOLING ||
	       (call->result == LULL_RESULT_FAILED && has_another_turn(engine, flight, call));
}

/* Return: 1 it has ended and was told; 0 it waits again; negative errno */
static int end_flight(struct engine *engine, struct flight *flight)
{
	struct row_result result = {.slot = flight->slot};
	struct driver_result call;
	int rc = driver_end(flight->driver, &call);

	flight->driver = NULL;
	set_sleeps(engine, flight, true);
	flight->sleeps = false;
	if (rc != 0)
		return rc;
	if (call.result != LULL_RESULT_COOLING)
		adapt(engine, flight, &call);
	engine->answer_count += call.result == LULL_RESULT_ANSWERED;
	if (is_to_be_done_again(engine, flight, &call)) {
		if (call.result == LULL_RESULT_COOLING)
			pause_set(engine, flight->set, after_ms(call.ready_in_ms));
		driver_result_deinit(&call);
		return 0;
	}
	rc = row_report_write(&engine->report, &result, &call, &flight->set->list);
	driver_result_deinit(&call);
	tell_end(engine, rc);
	return rc == 0 ? 1 : rc;
}

/* Return: 1 it has ended; 0 it goes on, or waits again; negative errno */
static int advance(struct engine *engine, struct flight *flight)
{
	int state = driver_advance(flight->driver);
	uint64_t until_ms;

	set_sleeps(engine, flight, state == DRIVER_SLEEPING);
	if (state == DRIVER_DONE)
		return end_flight(engine, flight);
	if (!flight->sleeps)
		return state < 0 ? state : 0;
	if (engine->is_stopping) /* no cooldown's end is waited for any more */
		return 1;
	if (!driver_has_tried(flight->driver) && waits_when_cooling(flight)) {
		until_ms = driver_until_ms(flight->driver);
		put_back(engine, flight);
		pause_set(engine, flight->set, until_ms);
	}
	return 0;
}

static int start(struct engine *engine, struct flight *flight)
{
	const struct driver_job job = {
		.transport = engine->settings.http->transport,
		.table = engine->settings.http->table,
		.routes = &flight->set->list,
		.options = &flight->options,
		.request = flight->request.bytes,
		.request_bytes = flight->request.size,
	};
	int rc = driver_new(&job, &flight->driver);

	if (rc != 0)
		return rc;
	(void)http_tell_table(engine->settings.http);
	flight->number = ++engine->start_count;
	engine->running_count++;
	return advance(engine, flight);
}

static bool has_place(const struct engine *engine)
{
	return engine->running_count < (uint32_t)engine->window;
}

/* ---- all of them */

/* What is under way first: it makes room for those that wait. */
static int step(struct engine *engine, struct flight *flight, bool starting)
{
	const bool is_under_way = flight->driver != NULL;

	if (starting == is_under_way || ((flight->sleeps || starting) && !has_place(engine)))
		return 0;
	if (is_under_way)
		return advance(engine, flight);
	return flight->set->paused_until_ms ? 0 : start(engine, flight);
}

/* In the order in which they came; those that have ended leave. */
static int step_all(struct engine *engine, bool starting)
{
	uint32_t kept = 0;
	int rc = 0;

	for (uint32_t i = 0; i < engine->count; i++) {
		struct flight *flight = engine->flights[i];
		int ended = rc == 0 ? step(engine, flight, starting) : 0;

		if (ended < 0)
			rc = ended;
		if (ended == 1)
			flight_free(flight);
		else
			engine->flights[kept++] = flight;
	}
	engine->count = kept;
	return rc;
}

int engine_advance(struct engine *engine)
{
	int rc;

	engine->serial = lull_table_serial(engine->settings.http->table);
	end_pauses(engine);
	rc = step_all(engine, false);
	if (rc == 0)
		rc = step_all(engine, true);
	if (rc == 0)
		tell_sleep(engine);
	return rc;
}

static uint64_t sooner(uint64_t a_ms, uint64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

/* When the next of them has to be looked at; and whether the table may be what they wait for. */
static uint64_t until_of_all(const struct engine *engine, uint64_t until_ms, bool *ret_sleeps)
{
	for (uint32_t i = 0; i < engine->count; i++) {
		const struct flight *flight = engine->flights[i];

		*ret_sleeps |= flight->sleeps || flight->set->paused_until_ms;
		if (flight->sleeps && !has_place(engine))
			continue; /* somebody's end will say when */
		if (flight->driver)
			until_ms = sooner(until_ms, driver_until_ms(flight->driver));
		else if (flight->set->paused_until_ms)
			until_ms = sooner(until_ms, flight->set->paused_until_ms);
	}
	return until_ms;
}

/* libcurl does not go on. */
static void give_up_attempts(struct engine *engine)
{
	for (uint32_t i = 0; i < engine->count; i++)
		if (engine->flights[i]->driver)
			driver_give_up_attempt(engine->flights[i]->driver);
}

int engine_wait(struct engine *engine, uint64_t until_ms, struct pollfd *fds, size_t count)
{
	struct pollfd all[TRANSPORT_FDS_MAX] = {{.fd = watch_fd(engine->watch), .events = POLLIN}};
	bool sleeps = false;
	int rc = 0;

	memcpy(&all[1], fds, count * sizeof(*fds));
	until_ms = until_of_all(engine, until_ms, &sleeps);
	if (sleeps)
		rc = watch_arm(engine->watch, engine->serial);
	if (rc == 0)
		rc = transport_wait_with(engine->settings.http->transport, until_ms, all,
					 count + 1);
	if (rc == -EIO)
		give_up_attempts(engine);
	if (rc != 0)
		return rc == -EIO ? 0 : rc;
	if (all[0].revents)
		watch_clear(engine->watch);
	memcpy(fds, &all[1], count * sizeof(*fds));
	return 0;
}

void engine_stop(struct engine *engine, bool at_once)
{
	uint32_t kept = 0;

	engine->is_stopping = true;
	for (uint32_t i = 0; i < engine->count; i++) {
		struct flight *flight = engine->flights[i];

		if (flight->driver && !flight->sleeps && !at_once) {
			engine->flights[kept++] = flight;
			continue;
		}
		engine->running_count -= flight->driver && !flight->sleeps;
		flight_free(flight);
	}
	engine->count = kept;
}

uint32_t engine_count(const struct engine *engine)
{
	return engine->count;
}

uint32_t engine_running_count(const struct engine *engine)
{
	return engine->running_count;
}

int engine_new(const struct engine_settings *settings, struct engine **ret_engine)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	int rc = -ENOMEM;

	if (!engine)
		return rc;
	engine->settings = *settings;
	engine->window = settings->jobs;
	buffer_init(&engine->report, BODY_REPORT_MAX);
	engine->flights = calloc((size_t)ENGINE_ROWS_PER_JOB * settings->jobs + ENGINE_ROWS_WAITING,
				 sizeof(struct flight *));
	if (engine->flights)
		rc = watch_new(settings->http->table, &engine->watch);
	if (rc == 0)
		*ret_engine = engine;
	else
		engine_free(engine);
	return rc;
}

struct engine *engine_free(struct engine *engine)
{
	if (!engine)
		return NULL;
	if (engine->flights)
		engine_stop(engine, true);
	route_sets_deinit(&engine->sets);
	watch_free(engine->watch);
	buffer_deinit(&engine->report);
	free(engine->flights);
	free(engine);
	return NULL;
}
