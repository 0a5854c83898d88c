/* SPDX-License-Identifier: MIT */
/*
 * One call in flight: a driver on the event loop, between a client that waits and models that may
 * answer.
 *
 * It goes on when something has happened to it (a transfer told so), when its time has come, or, if
 * it sleeps, when the table has moved. It ends when the driver is done, or the client has left.
 *
 * A client sees the first byte when the first content is there: until then another model may still
 * answer, with another status. Later failures come as the stream's last event.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../src/text.h"
#include "gateway.h"
#include "log.h"

#define PENDING_BYTES_MAX  ((size_t)2 * WIRE_BODY_BYTES_MAX)
#define PENDING_BYTES_FULL (64u << 10) /* libcurl hands over up to 1.6 MB without a pause */
#define PING_MS            15000u /* proxies between cut what is silent for a minute, some sooner */
#define HEADERS_MAX        3

struct gateway_call {
	TAILQ_ENTRY(gateway_call) link;
	struct gateway *gateway;
	struct gateway_visit *visit;
	enum endpoint endpoint;
	struct request request;
	struct route_set *set; /* NULL: not found yet */
	struct lull_call_options options;
	struct sink sink;
	struct driver *driver;
	struct event *timer;
	uint64_t due_ms;       /* what the timer is set to; LULL_NEVER: it is not */
	struct buffer pending; /* of the stream, not yet given to the client */
	uint64_t sent_at_ms;   /* the last of it */
	char *headers[HEADERS_MAX + 1];
	bool is_moved; /* in the gateway's list of those */
	bool sleeps;
	bool began;  /* the client has its headers */
	bool paused; /* because of its reader */
	bool left;   /* the client has */
};

/* ---- refusals before a call */

static void refuse(struct gateway_visit *visit, int status, const char *code, const char *message)
{
	gateway_answer_error(
		visit, &(const struct gateway_error){
			       .status = status,
			       .type = status < 500 ? "invalid_request_error" : "server_error",
			       .code = code,
			       .message = message,
			       .ready_in_ms = status == 503 ? 1000 : LULL_NEVER,
		       });
}

/* ---- its end */

static void call_free(struct gateway_call *call)
{
	struct gateway *gateway = call->gateway;

	TAILQ_REMOVE(call->is_moved ? &gateway->moved : &gateway->calls, call, link);
	gateway->sleeping_count -= call->sleeps;
	gateway->counts.calls--;
	gateway->counts.streams -= call->began;
	if (call->driver)
		(void)driver_end(call->driver, NULL);
	if (call->timer)
		event_free(call->timer);
	for (size_t i = 0; i < HEADERS_MAX; i++)
		free(call->headers[i]);
	buffer_deinit(&call->pending);
	if (call->set)
		route_set_leave(call->set);
	request_deinit(&call->request);
	call->visit->call = NULL;
	free(call);
	gateway_memory_worked(gateway);
}

static void note_trail(struct gateway_call *call, const struct lull_trail_entry *trail,
		       uint32_t count, bool is_running)
{
	struct gateway_visit *visit = call->visit;

	visit->attempts = 0;
	for (uint32_t i = 0; i < count; i++)
		visit->attempts += trail[i].type == LULL_TRAIL_ATTEMPT;
	free(visit->trail);
	visit->trail = gateway_trail_line(trail, count, &call->set->list, is_running);
}

static void note_route(struct gateway_call *call, uint32_t route)
{
	free(call->visit->route);
	call->visit->route = route < call->set->list.count
				     ? strdup(call->set->list.routes[route].call.label)
				     : NULL;
}

static void note_result(struct gateway_call *call, const struct driver_result *result)
{
	const struct lull_class_info *info = lull_class_info(result->class_id);

	note_trail(call, result->trail, result->trail_count, false);
	if (result->result == LULL_RESULT_ANSWERED)
		note_route(call, result->route);
	else
		call->visit->error = info ? info->name : NULL;
	call->visit->tokens = result->tokens;
}

static void send_pending(struct gateway_call *call)
{
	exchange_send(call->visit->exchange, call->pending.bytes, call->pending.size);
	call->pending.size = 0;
	call->sent_at_ms = lull_clock_ms();
}

static int add_event(struct gateway_call *call, const char *json, size_t size)
{
	int rc = buffer_add(&call->pending, "data: ", 6);

	if (rc == 0)
		rc = buffer_add(&call->pending, json, size);
	return rc == 0 ? buffer_add(&call->pending, "\n\n", 2) : rc;
}

static void end_stream(struct gateway_call *call, const struct gateway_error *error)
{
	char *json = error ? gateway_error_json(error) : NULL;

	if (json)
		(void)add_event(call, json, strlen(json));
	else if (!error)
		(void)add_event(call, "[DONE]", 6);
	free(json);
	send_pending(call);
	exchange_finish(call->visit->exchange);
}

static void tell_failure(struct gateway_call *call, const struct driver_result *result)
{
	struct gateway_error error;
	char *message;

	gateway_error_of(result, &call->set->list, &error, &message);
	if (call->began)
		end_stream(call, &error);
	else
		gateway_answer_error(call->visit, &error);
	free(message);
}

static void begin(struct gateway_call *call)
{
	gateway_begin_stream(call->visit);
	call->began = true;
	call->gateway->counts.streams++;
}

static void tell_result(struct gateway_call *call, const struct driver_result *result)
{
	if (result->result != LULL_RESULT_ANSWERED) {
		tell_failure(call, result);
	} else if (call->visit->streams) {
		if (!call->began)
			begin(call);
		end_stream(call, NULL);
	} else {
		call->visit->content_ms = lull_clock_ms() - call->visit->begin_ms;
		gateway_answer_json(call->visit, result->answer.json, result->answer.json_bytes);
	}
}

static void finish(struct gateway_call *call)
{
	struct driver_result result;
	int rc = driver_end(call->driver, &result);

	call->driver = NULL;
	if (rc == 0) {
		note_result(call, &result);
		if (!call->left)
			tell_result(call, &result);
		driver_result_deinit(&result);
	} else if (!call->left && !call->began) {
		refuse(call->visit, 503, "no_memory", "out of memory");
	} else if (!call->left) {
		exchange_finish(call->visit->exchange);
	}
	call_free(call);
}

/* ---- the stream */

/* No more is read of it than its reader takes. */
static void pause_reading(struct gateway_call *call, bool pause)
{
	if (call->paused == pause)
		return;
	call->paused = pause;
	driver_pause(call->driver, pause);
}

static int on_chunk(const struct stream_event *event, void *userdata)
{
	struct gateway_call *call = userdata;
	int rc = call->left ? -1 : add_event(call, event->json, event->json_bytes);

	if (call->pending.size > PENDING_BYTES_FULL)
		pause_reading(call, true);
	return rc;
}

/* Who is answering, and what was before. */
static void note_running(struct gateway_call *call)
{
	struct lull_trail_entry *trail;
	uint32_t count;

	if (driver_trail(call->driver, &trail, &count) != 0)
		return;
	note_trail(call, trail, count, true);
	if (count > 0)
		note_route(call, trail[count - 1].route);
	free(trail);
}

static void hand_out(struct gateway_call *call)
{
	if (call->pending.size == 0 || call->left)
		return;
	if (!call->began) {
		note_running(call);
		call->visit->content_ms = lull_clock_ms() - call->visit->begin_ms;
		begin(call);
	}
	send_pending(call);
	pause_reading(call, exchange_is_full(call->visit->exchange));
}

/* When the client has to hear something again. A reader that is slow hears enough. */
static uint64_t ping_at_ms(const struct gateway_call *call)
{
	return call->began && !call->paused ? call->sent_at_ms + PING_MS : LULL_NEVER;
}

/* So that nobody between takes silence for the end. */
static void ping(struct gateway_call *call)
{
	static const char comment[] = ": ping\n\n";
	const uint64_t at_ms = ping_at_ms(call);

	if (at_ms == LULL_NEVER || lull_clock_ms() < at_ms)
		return;
	exchange_send(call->visit->exchange, comment, sizeof(comment) - 1);
	call->sent_at_ms = lull_clock_ms();
}

/* ---- going on */

static void mark_moved(struct gateway_call *call)
{
	struct gateway *gateway = call->gateway;

	if (call->is_moved)
		return;
	call->is_moved = true;
	TAILQ_REMOVE(&gateway->calls, call, link);
	TAILQ_INSERT_TAIL(&gateway->moved, call, link);
}

static void on_moved(void *userdata)
{
	mark_moved(userdata);
}

static bool has_left(void *userdata)
{
	const struct gateway_call *call = userdata;

	return call->left;
}

void gateway_wake_sleepers(struct gateway *gateway)
{
	for (struct gateway_call *next, *call = TAILQ_FIRST(&gateway->calls); call; call = next) {
		next = TAILQ_NEXT(call, link);
		if (call->sleeps)
			mark_moved(call);
	}
}

/* All sleep on one serial: if that has become another one, those before look again. */
static void note_sleep(struct gateway_call *call, bool sleeps)
{
	struct gateway *gateway = call->gateway;
	const uint32_t serial = driver_serial(call->driver);

	gateway->sleeping_count -= call->sleeps;
	call->sleeps = false;
	if (!sleeps)
		return;
	if (gateway->sleeping_count > 0 && gateway->armed_serial != serial)
		gateway_wake_sleepers(gateway);
	call->sleeps = true;
	gateway->sleeping_count++;
	gateway->armed_serial = serial;
	(void)watch_arm(gateway->watch, serial); /* without a thread its time still comes */
}

static void set_timer(struct gateway_call *call)
{
	uint64_t until_ms = driver_until_ms(call->driver), now_ms;
	struct timeval time;

	if (ping_at_ms(call) < until_ms)
		until_ms = ping_at_ms(call);
	if (until_ms == call->due_ms)
		return;
	call->due_ms = until_ms;
	if (until_ms == LULL_NEVER) {
		(void)event_del(call->timer);
		return;
	}
	now_ms = lull_clock_ms();
	until_ms = until_ms > now_ms ? until_ms - now_ms : 0;
	time = (struct timeval){.tv_sec = (time_t)(until_ms / 1000),
				.tv_usec = (suseconds_t)(until_ms % 1000 * 1000)};
	(void)event_add(call->timer, &time);
}

static void advance(struct gateway_call *call)
{
	int state = driver_advance(call->driver);

	hand_out(call);
	if (state != DRIVER_TALKING && state != DRIVER_SLEEPING) {
		finish(call);
		return;
	}
	ping(call);
	note_sleep(call, state == DRIVER_SLEEPING);
	set_timer(call);
}

void gateway_advance_moved(struct gateway *gateway)
{
	struct gateway_call *call;

	while ((call = TAILQ_FIRST(&gateway->moved)) != NULL) {
		TAILQ_REMOVE(&gateway->moved, call, link);
		TAILQ_INSERT_TAIL(&gateway->calls, call, link);
		call->is_moved = false;
		advance(call);
	}
}

/* What libcurl has kept meanwhile comes at once; and limits bind again. */
void gateway_call_drained(struct gateway_call *call)
{
	if (!call->paused)
		return;
	pause_reading(call, false);
	mark_moved(call);
	gateway_advance_moved(call->gateway);
}

static void on_time(evutil_socket_t fd, short what, void *userdata)
{
	struct gateway_call *call = userdata;
	struct gateway *gateway = call->gateway;

	(void)fd, (void)what;
	call->due_ms = LULL_NEVER;
	mark_moved(call);
	gateway_advance_moved(gateway);
}

void gateway_call_leave(struct gateway_call *call)
{
	call->left = true;
	(void)driver_advance(call->driver);
	finish(call);
}

/* ---- its beginning */

static int write_headers(struct gateway_call *call)
{
	const struct gateway_visit *visit = call->visit;
	const struct {
		const char *name;
		const char *value;
	} all[HEADERS_MAX] = {
		{"x-request-id", visit->id},
		{"traceparent", visit->traceparent},
		{"tracestate", visit->tracestate},
	};
	size_t count = 0;

	for (size_t i = 0; i < HEADERS_MAX; i++) {
		if (!all[i].value)
			continue;
		call->headers[count] = text_join(all[i].name, ": ", all[i].value);
		if (!call->headers[count++])
			return -ENOMEM;
	}
	return 0;
}

static int start(struct gateway_call *call)
{
	const struct lull_http *http = call->gateway->http;
	const struct driver_job job = {
		.transport = http->transport,
		.table = http->table,
		.routes = &call->set->list,
		.options = &call->options,
		.request = call->request.bytes,
		.request_bytes = call->request.size,
		.sink = call->visit->streams ? &call->sink : NULL,
		.is_cancelled = has_left,
		.moved = on_moved,
		.userdata = call,
		.headers = (const char *const *)call->headers,
	};
	int rc = write_headers(call);

	http_call_options(http, &call->request, LULL_WHEN_COOLING_FAIL, call->gateway->budget_ms,
			  LULL_UNSET, &call->options);
	call->timer = evtimer_new(call->gateway->base, on_time, call);
	if (rc == 0 && !call->timer)
		rc = -ENOMEM;
	if (rc == 0)
		rc = driver_new(&job, &call->driver);
	if (rc == 0)
		(void)http_tell_table(call->gateway->http);
	return rc;
}

/* Return: 0; -EINVAL: refused, which was told; -ENOMEM; -E2BIG */
static int read_request(struct gateway_call *call)
{
	struct gateway_visit *visit = call->visit;
	char error[REQUEST_ERROR_BYTES];
	bool streams, is_known;
	size_t size;
	const char *bytes = exchange_body(visit->exchange, &size);
	int rc = request_read(bytes, size, &call->request, error);

	if (rc == -EBADMSG || rc == -EINVAL) {
		refuse(visit, 400, NULL, error);
		return -EINVAL;
	}
	if (rc != 0)
		return rc;
	streams = request_streams(&call->request, &is_known);
	if (!is_known) {
		refuse(visit, 400, NULL, "'stream' is neither true nor false");
		return -EINVAL;
	}
	visit->streams = streams && call->endpoint != ENDPOINT_EMBEDDINGS;
	return 0;
}

/* What asks for an address or brings a key would reach what nobody has configured. */
static int check_members(struct gateway_call *call)
{
	const char *member = request_address_member(&call->request);
	char message[128];

	if (!member)
		return 0;
	(void)snprintf(message, sizeof(message),
		       "'%s' cannot be set by a request, only by the configuration", member);
	refuse(call->visit, 400, "unsupported_parameter", message);
	return -EINVAL;
}

/* Return: 0; -EINVAL: refused, which was told; -ENOMEM */
static int check_model(struct gateway_call *call, const char *name)
{
	struct gateway_visit *visit = call->visit;
	const int is_listed = config_lists(call->gateway->http->config, name);
	char message[LULL_KEY_BYTES_MAX + 128];

	if (is_listed < 0)
		return is_listed;
	if (is_listed && gateway_caller_may(visit->caller, name))
		return 0;
	if (is_listed)
		(void)snprintf(message, sizeof(message), "the key '%s' may not ask for '%.200s'",
			       gateway_caller_name(visit->caller), name);
	else
		(void)snprintf(message, sizeof(message),
			       "there is no model '%.200s'; GET /v1/models lists those there are",
			       name);
	refuse(visit, is_listed ? 403 : 404, is_listed ? "model_not_allowed" : "model_not_found",
	       message);
	return -EINVAL;
}

static int check_models(struct gateway_call *call, const char *model)
{
	int rc = check_model(call, model);

	for (size_t i = 0; rc == 0 && i < call->request.fallback_count; i++)
		rc = check_model(call, call->request.fallbacks[i].name);
	return rc;
}

/* Return: 0; -E2BIG; -ENOMEM */
static int find_routes(struct route_list *ret_list, void *userdata)
{
	const struct gateway_call *call = userdata;
	int rc = http_routes(call->gateway->http, &call->request, NULL, NULL, 0, ret_list);

	if (rc == 0)
		http_ask_for(ret_list, call->endpoint);
	return rc;
}

/* Who says no more than the model asks as others do. */
static int use_routes(struct gateway_call *call, const char *model)
{
	const struct request *request = &call->request;
	const bool asks_alike = request->timeout_ms == LULL_UNSET && !request->fallbacks;
	const char endpoint[] = {(char)('0' + (int)call->endpoint), '\0'};
	char *name = asks_alike ? text_join(endpoint, model) : NULL;
	int rc = asks_alike && !name ? -ENOMEM
				     : route_sets_use(&call->gateway->sets, name, find_routes, call,
						      &call->set);

	free(name);
	return rc;
}

/* Return: 0; -EINVAL: refused, which was told; -ENOMEM */
static int choose_routes(struct gateway_call *call)
{
	struct gateway_visit *visit = call->visit;
	const char *model = call->request.model ? call->request.model
						: config_first_model(call->gateway->http->config);
	int rc = check_members(call);

	if (rc == 0 && !model) {
		refuse(visit, 400, NULL, "no model is named");
		return -EINVAL;
	}
	if (rc == 0)
		rc = check_models(call, model);
	if (rc != 0)
		return rc;
	visit->model = strdup(model);
	rc = visit->model ? use_routes(call, model) : -ENOMEM;
	if (rc != -E2BIG)
		return rc;
	refuse(visit, 400, NULL, "its list leads to too many models");
	return -EINVAL;
}

void gateway_call_start(struct gateway_visit *visit, enum endpoint endpoint)
{
	struct gateway *gateway = visit->gateway;
	struct gateway_call *call = calloc(1, sizeof(*call));
	int rc = -ENOMEM;

	if (!call) {
		refuse(visit, 503, "no_memory", "out of memory");
		return;
	}
	call->gateway = gateway;
	call->visit = visit;
	call->endpoint = endpoint;
	call->due_ms = LULL_NEVER;
	call->sink = (struct sink){.chunk = on_chunk, .userdata = call};
	buffer_init(&call->pending, PENDING_BYTES_MAX);
	TAILQ_INSERT_TAIL(&gateway->calls, call, link);
	gateway->counts.calls++;
	rc = read_request(call);
	if (rc == 0)
		rc = choose_routes(call);
	if (rc == 0) {
		visit->call = call;
		rc = start(call);
	}
	if (rc == 0) {
		advance(call);
		gateway_advance_moved(gateway);
		return;
	}
	if (rc != -EINVAL)
		refuse(visit, 503, "no_memory", strerror(-rc));
	call_free(call);
}
