/* SPDX-License-Identifier: MIT */
/*
 * Answers as OpenAI's clients read them. The headers tell what became of the call: who answered,
 * after how many attempts, who was skipped and why; and, if nobody did, when to come again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/json_build.h"
#include "../src/text.h"
#include "../src/trail.h"
#include "gateway.h"

#define TRAIL_BYTES_MAX 2048 /* many servers and clients take no longer header */
#define HEADERS_MAX     12

/* ---- headers */

struct headers {
	struct server_header items[HEADERS_MAX];
	size_t count;
	char attempts[16];
	char retry_after[24], retry_after_ms[24];
};

static void add(struct headers *headers, const char *name, const char *value)
{
	headers->items[headers->count++] = (struct server_header){name, value};
}

static void add_facts(struct headers *headers, const struct gateway_visit *visit)
{
	add(headers, "x-request-id", visit->id);
	if (!visit->call)
		return;
	(void)snprintf(headers->attempts, sizeof(headers->attempts), "%" PRIu32, visit->attempts);
	add(headers, "x-lull-model", visit->route);
	add(headers, "x-lull-attempts", headers->attempts);
	add(headers, "x-lull-trail", visit->trail);
}

/* Rounded up: who comes at that time finds it ready. */
static void add_wait(struct headers *headers, uint64_t ready_in_ms)
{
	if (ready_in_ms == LULL_NEVER)
		return;
	(void)snprintf(headers->retry_after, sizeof(headers->retry_after), "%" PRIu64,
		       (ready_in_ms + 999) / 1000);
	(void)snprintf(headers->retry_after_ms, sizeof(headers->retry_after_ms), "%" PRIu64,
		       ready_in_ms);
	add(headers, "retry-after", headers->retry_after);
	add(headers, "retry-after-ms", headers->retry_after_ms);
}

static void send_out(struct gateway_visit *visit, const struct headers *headers, int status,
		     bool closes, const char *body, size_t size)
{
	const struct server_answer answer = {
		.status = status,
		.headers = headers->items,
		.header_count = headers->count,
		.closes = closes,
	};

	visit->status = status;
	if (body)
		exchange_answer(visit->exchange, &answer, body, size);
	else
		exchange_begin(visit->exchange, &answer);
}

void gateway_answer_json(struct gateway_visit *visit, const char *json, size_t size)
{
	struct headers headers = {0};

	add(&headers, "Content-Type", "application/json");
	add_facts(&headers, visit);
	send_out(visit, &headers, 200, false, json, size);
}

void gateway_begin_stream(struct gateway_visit *visit)
{
	struct headers headers = {0};

	add(&headers, "Content-Type", "text/event-stream; charset=utf-8");
	add(&headers, "Cache-Control", "no-cache");
	add(&headers, "X-Accel-Buffering", "no"); /* nginx would hold it back */
	add_facts(&headers, visit);
	send_out(visit, &headers, 200, false, NULL, 0);
}

/* ---- errors */

char *gateway_error_json(const struct gateway_error *error)
{
	struct json_object *root = json_object_new_object();
	struct json_object *body = json_child(root, "error");
	const char *line;
	char *json = NULL;

	if (json_set_string(body, "message", error->message ? error->message : "") == 0 &&
	    json_set_string(body, "type", error->type) == 0 && json_set(body, "param", NULL) == 0 &&
	    (error->code ? json_set_string(body, "code", error->code)
			 : json_set(body, "code", NULL)) == 0) {
		line = json_line(root, NULL);
		json = line ? strdup(line) : NULL;
	}
	json_object_put(root);
	return json;
}

void gateway_answer_error(struct gateway_visit *visit, const struct gateway_error *error)
{
	static const char no_memory[] = "{\"error\":{\"message\":\"out of memory\",\"type\":"
					"\"server_error\",\"param\":null,\"code\":null}}";
	char *json = gateway_error_json(error);
	const char *body = json ? json : no_memory;
	struct headers headers = {0};

	add(&headers, "Content-Type", "application/json");
	add_facts(&headers, visit);
	add_wait(&headers, error->ready_in_ms);
	if (error->is_final)
		add(&headers, "x-should-retry", "false");
	if (error->status == 401)
		add(&headers, "WWW-Authenticate", "Bearer");
	if (!visit->error)
		visit->error = error->code;
	send_out(visit, &headers, error->status, error->closes, body, strlen(body));
	free(json);
}

/* What OpenAI calls a class; NULL: as its status and its own name say. */
static const struct {
	uint32_t class_id;
	const char *type;
	const char *code;
} names[] = {
	{LULL_CLASS_RATE_LIMITED, "requests", "rate_limit_exceeded"},
	{LULL_CLASS_QUOTA_EXHAUSTED, "insufficient_quota", "insufficient_quota"},
	{LULL_CLASS_CONTEXT_WINDOW, "invalid_request_error", "context_length_exceeded"},
	{LULL_CLASS_CONTENT_POLICY, "invalid_request_error", "content_filter"},
};

static void name_class(uint32_t class_id, struct gateway_error *ret)
{
	const struct lull_class_info *info = lull_class_info(class_id);

	ret->type = ret->status < 500 ? "invalid_request_error" : "server_error";
	ret->code = info ? info->name : NULL;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].class_id != class_id)
			continue;
		ret->type = names[i].type;
		ret->code = names[i].code;
	}
}

/* The reason, and what became of each route, in one line. */
static char *message_of(const struct driver_result *result, const struct route_list *routes)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	trail_print_reason(result, out);
	(void)fputc('\n', out);
	trail_print_routes(result, routes, " ", out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	while (size > 0 && text[size - 1] == '\n')
		text[--size] = '\0';
	for (char *at = text; *at; at++)
		if (*at == '\n')
			*at = ';';
	return text;
}

void gateway_error_of(const struct driver_result *result, const struct route_list *routes,
		      struct gateway_error *ret, char **message)
{
	*message = message_of(result, routes);
	*ret = (struct gateway_error){
		.status = trail_http_status(result),
		.message = *message,
		.ready_in_ms = LULL_NEVER,
		.is_final = true, /* all that helps was tried */
	};
	if (result->result == LULL_RESULT_COOLING)
		ret->status = 429;
	name_class(result->class_id, ret);
	if (result->result == LULL_RESULT_COOLING) {
		ret->type = "requests";
		ret->code = "cooling";
	} else if (result->result == LULL_RESULT_DEADLINE) {
		ret->code = "deadline";
	} else if (result->result == LULL_RESULT_CONFIG) {
		ret->code = "config";
	}
	if (ret->status == 429 || ret->status >= 500)
		ret->ready_in_ms = result->ready_in_ms;
}

/* ---- the trail on one line */

static const char *class_name(uint32_t class_id)
{
	const struct lull_class_info *info = lull_class_info(class_id);

	return info ? info->name : "unknown";
}

static void print_skip(const struct lull_trail_entry *entry, struct line *out)
{
	if (entry->state == LULL_STATE_HELD) {
		line_add(out, "held");
		return;
	}
	if (entry->state == LULL_STATE_LIMITED)
		line_print(out, "at its limit %s", lull_limit_name(entry->limit));
	else
		line_print(out, "%s %s", entry->state == LULL_STATE_PROBING ? "probed" : "cooling",
			   class_name(entry->class_id));
	if (entry->ready_in_ms != LULL_NEVER)
		line_print(out, " %.1fs", (double)entry->ready_in_ms / 1000);
}

static void print_attempt(const struct lull_trail_entry *entry, struct line *out)
{
	line_add(out, class_name(entry->class_id));
	if (entry->http_status)
		line_print(out, " %" PRIu32, entry->http_status);
	line_print(out, " %" PRIu64 ".%03" PRIu64 "s", entry->for_ms / 1000, entry->for_ms % 1000);
}

static void print_entry(const struct lull_trail_entry *entry, const struct route_list *routes,
			bool is_running, struct line *out)
{
	if (entry->type == LULL_TRAIL_SLEEP) {
		line_print(out, "slept %.3fs", (double)entry->for_ms / 1000);
		return;
	}
	line_add(out, entry->route < routes->count ? routes->routes[entry->route].call.label : "?");
	line_add(out, ": ");
	if (entry->type == LULL_TRAIL_UNUSABLE)
		line_add(out, "left out config");
	else if (entry->type == LULL_TRAIL_SKIP)
		print_skip(entry, out);
	else if (is_running)
		line_add(out, "answering");
	else
		print_attempt(entry, out);
}

char *gateway_trail_line(const struct lull_trail_entry *trail, uint32_t count,
			 const struct route_list *routes, bool is_running)
{
	char bytes[TRAIL_BYTES_MAX];
	struct line line = {bytes, 0, sizeof(bytes) - 4};

	bytes[0] = '\0';
	for (uint32_t i = 0; i < count; i++) {
		line_add(&line, i == 0 ? "" : "; ");
		print_entry(&trail[i], routes, is_running && i == count - 1, &line);
	}
	if (line.size + 1 == line.size_max)
		(void)memcpy(bytes + line.size, "...", 4);
	text_make_plain(bytes);
	return strdup(bytes);
}
