/* SPDX-License-Identifier: MIT */
/*
 * One exchange with a client, from its head to its line in the log. What there is to be asked for is
 * a table.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../src/json_build.h"
#include "gateway.h"

struct gateway_endpoint {
	const char *method;
	const char *path;
	void (*answer)(struct gateway_visit *visit);
	bool is_open;  /* needs no key */
	bool is_quiet; /* asked every few seconds by machines: not logged while all is well */
};

static void ask_chat(struct gateway_visit *visit);
static void ask_completions(struct gateway_visit *visit);
static void ask_embeddings(struct gateway_visit *visit);
static void answer_models(struct gateway_visit *visit);
static void answer_live(struct gateway_visit *visit);
static void answer_ready(struct gateway_visit *visit);

static const struct gateway_endpoint endpoints[] = {
	{"POST", "/v1/chat/completions", ask_chat, false, false},
	{"POST", "/v1/completions", ask_completions, false, false},
	{"POST", "/v1/embeddings", ask_embeddings, false, false},
	{"GET", "/v1/models", answer_models, false, false},
	{"GET", "/health/live", answer_live, true, true},
	{"GET", "/health/ready", answer_ready, true, true},
};
#define ENDPOINT_COUNT (sizeof(endpoints) / sizeof(endpoints[0]))

/* ---- what is known of it */

#define ID_BYTES_MAX    128u /* arbitrary; longer ones are not passed on */
#define TRACE_BYTES_MAX 512u /* W3C's Trace Context wants that much to be passed on */

/* What may stand in a header, and in a line of the log; NULL: nothing does. */
static const char *plain_header(const struct exchange *exchange, const char *name, size_t size_max)
{
	const char *value = exchange_header(exchange, name);
	const char *at = value;

	if (!value)
		return NULL;
	while (*at >= 0x20 && *at <= 0x7e)
		at++;
	return *at == '\0' && at != value && (size_t)(at - value) <= size_max ? value : NULL;
}

/* The client's own, else one that no other process has. */
static void name_visit(struct gateway_visit *visit)
{
	static uint64_t process, count;
	const struct exchange *exchange = visit->exchange;

	visit->id = plain_header(exchange, "x-request-id", ID_BYTES_MAX);
	visit->traceparent = plain_header(exchange, "traceparent", TRACE_BYTES_MAX);
	visit->tracestate = plain_header(exchange, "tracestate", TRACE_BYTES_MAX);
	if (visit->id)
		return;
	if (process == 0)
		(void)getrandom(&process, sizeof(process), GRND_NONBLOCK);
	(void)snprintf(visit->own_id, sizeof(visit->own_id), "lull-%016" PRIx64 "-%" PRIx64,
		       process, ++count);
	visit->id = visit->own_id;
}

static struct gateway_visit *visit_new(struct gateway *gateway, struct exchange *exchange)
{
	struct gateway_visit *visit = calloc(1, sizeof(*visit));

	if (!visit)
		return NULL;
	visit->gateway = gateway;
	visit->exchange = exchange;
	visit->begin_ms = lull_clock_ms();
	visit->content_ms = LULL_NEVER;
	visit->tokens = LULL_UNSET;
	name_visit(visit);
	exchange_set_userdata(exchange, visit);
	return visit;
}

/* The one that the exchange has, else a new one. NULL without memory. */
static struct gateway_visit *visit_of(struct gateway *gateway, struct exchange *exchange)
{
	struct gateway_visit *visit = exchange_userdata(exchange);

	return visit ? visit : visit_new(gateway, exchange);
}

static void visit_free(struct gateway_visit *visit)
{
	gateway_memory_settle(visit->gateway, visit);
	free(visit->model);
	free(visit->route);
	free(visit->trail);
	free(visit);
}

/* ---- what it wants */

static bool is_path(const char *target, const char *path)
{
	const size_t size = strlen(path);

	return strncmp(target, path, size) == 0 && (target[size] == '\0' || target[size] == '?');
}

static void refuse_target(struct gateway_visit *visit, bool path_is_known)
{
	gateway_answer_error(
		visit, &(const struct gateway_error){
			       .status = path_is_known ? 405 : 404,
			       .type = "invalid_request_error",
			       .code = path_is_known ? "method_not_allowed" : "unknown_url",
			       .message = path_is_known ? "another method is expected here"
							: "nothing is here; expected "
							  "/v1/chat/completions, /v1/completions, "
							  "/v1/embeddings, /v1/models, "
							  "/health/live or /health/ready",
			       .ready_in_ms = LULL_NEVER,
		       });
}

static void find_endpoint(struct gateway_visit *visit)
{
	const char *method = exchange_method(visit->exchange);
	const char *target = exchange_target(visit->exchange);
	bool path_is_known = false;

	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (size_t i = 0; i < ENDPOINT_COUNT && !visit->endpoint; i++) {
		if (!is_path(target, endpoints[i].path))
			continue;
		path_is_known = true;
		if (strcmp(method, endpoints[i].method) == 0)
			visit->endpoint = &endpoints[i];
	}
	if (!visit->endpoint)
		refuse_target(visit, path_is_known);
}

static void check_caller(struct gateway_visit *visit)
{
	if (visit->endpoint->is_open ||
	    gateway_access_find(visit->gateway->access, visit->exchange, &visit->caller))
		return;
	gateway_answer_error(visit, &(const struct gateway_error){
					    .status = 401,
					    .type = "invalid_request_error",
					    .code = "invalid_api_key",
					    .message = "no key of this gateway, expected "
						       "Authorization: Bearer KEY",
					    .ready_in_ms = LULL_NEVER,
				    });
}

static void ask_chat(struct gateway_visit *visit)
{
	gateway_call_start(visit, ENDPOINT_CHAT);
}

static void ask_completions(struct gateway_visit *visit)
{
	gateway_call_start(visit, ENDPOINT_COMPLETIONS);
}

static void ask_embeddings(struct gateway_visit *visit)
{
	gateway_call_start(visit, ENDPOINT_EMBEDDINGS);
}

/* ---- answers that ask no model */

static void answer_live(struct gateway_visit *visit)
{
	static const char alive[] = "{\"status\":\"alive\"}";

	gateway_answer_json(visit, alive, sizeof(alive) - 1);
}

static void answer_ready(struct gateway_visit *visit)
{
	static const char ready[] = "{\"status\":\"ready\"}";

	if (!visit->gateway->stopping) {
		gateway_answer_json(visit, ready, sizeof(ready) - 1);
		return;
	}
	gateway_answer_error(
		visit, &(const struct gateway_error){.status = 503,
						     .type = "server_error",
						     .code = "stopping",
						     .message = "it takes no further requests",
						     .ready_in_ms = 1000});
}

struct model_list {
	struct json_object *models;
	const struct caller *caller;
};

static int add_model(const char *name, void *userdata)
{
	const struct model_list *list = userdata;
	struct json_object *model;
	int rc;

	if (!gateway_caller_may(list->caller, name))
		return 0;
	model = json_object_new_object();
	rc = json_set_string(model, "id", name);
	if (rc == 0)
		rc = json_set_string(model, "object", "model");
	if (rc == 0)
		rc = json_set_new(model, "created", json_object_new_int64(0));
	if (rc == 0)
		rc = json_set_string(model, "owned_by", "lull");
	model = json_or_null(model, rc);
	return model ? json_append(list->models, model) : -1;
}

static void answer_models(struct gateway_visit *visit)
{
	struct json_object *root = json_object_new_object();
	struct model_list list = {json_object_new_array(), visit->caller};
	const char *json = NULL;
	size_t size = 0;

	if (json_set_string(root, "object", "list") == 0 && list.models &&
	    config_names(visit->gateway->http->config, add_model, &list) == 0 &&
	    json_set(root, "data", json_object_get(list.models)) == 0)
		json = json_line(root, &size);
	if (json)
		gateway_answer_json(visit, json, size);
	else
		gateway_answer_error(visit,
				     &(const struct gateway_error){.status = 503,
								   .type = "server_error",
								   .message = "out of memory",
								   .ready_in_ms = 1000});
	json_object_put(list.models);
	json_object_put(root);
}

/* ---- what the server tells */

static void on_head(struct exchange *exchange, void *userdata)
{
	struct gateway_visit *visit = visit_of(userdata, exchange);
	const struct server_answer answer = {.status = 503, .closes = true};

	if (!visit) {
		exchange_answer(exchange, &answer, "", 0);
		return;
	}
	find_endpoint(visit);
	if (visit->endpoint)
		check_caller(visit);
}

static void on_request(struct exchange *exchange, void *userdata)
{
	struct gateway_visit *visit = exchange_userdata(exchange);

	gateway_memory_settle(userdata, visit);
	visit->endpoint->answer(visit);
}

static void on_refused(struct exchange *exchange, int status, const char *why, void *userdata)
{
	struct gateway_visit *visit = visit_of(userdata, exchange);
	const struct server_answer answer = {.status = status, .closes = true};

	if (!visit) {
		exchange_answer(exchange, &answer, "", 0);
		return;
	}
	gateway_answer_error(
		visit, &(const struct gateway_error){
			       .status = status,
			       .type = status < 500 ? "invalid_request_error" : "server_error",
			       .code = status < 500 ? "malformed_request" : "no_memory",
			       .message = why,
			       .ready_in_ms = status == 503 ? 1000 : LULL_NEVER,
			       .closes = true,
		       });
}

static bool has_room(struct exchange *exchange, size_t bytes, void *userdata)
{
	struct gateway_visit *visit = visit_of(userdata, exchange);

	return visit && gateway_memory_promise(userdata, visit, bytes);
}

static void count(struct gateway_counts *counts, const struct gateway_visit *visit, bool sent)
{
	counts->requests++;
	if (!sent)
		counts->left++;
	else if (visit->status < 400 && !visit->error)
		counts->answered++;
	else if (visit->status >= 400 && visit->status < 500)
		counts->refused++;
	else
		counts->failed++;
}

static void on_drained(struct exchange *exchange, void *userdata)
{
	struct gateway_visit *visit = exchange_userdata(exchange);

	(void)userdata;
	if (visit->call)
		gateway_call_drained(visit->call);
}

static void on_ended(struct exchange *exchange, bool sent, void *userdata)
{
	struct gateway_visit *visit = exchange_userdata(exchange);

	(void)userdata;
	if (!visit)
		return;
	if (visit->call)
		gateway_call_leave(visit->call);
	count(&visit->gateway->counts, visit, sent);
	if (!visit->endpoint || !visit->endpoint->is_quiet || visit->status != 200)
		gateway_log_visit(visit, sent);
	visit_free(visit);
}

const struct server_events gateway_events = {
	.head = on_head,
	.request = on_request,
	.refused = on_refused,
	.room = has_room,
	.drained = on_drained,
	.ended = on_ended,
};
