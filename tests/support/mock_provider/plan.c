/* SPDX-License-Identifier: MIT */
/*
 * A response -> a plan: the very bytes of the answer, framed, cut where the response says so, with
 * its pauses and its ending. After this nothing about the script is needed any more, so a script
 * may be replaced while answers are under way.
 *
 * Where the response has no body of its own, one is made up in OpenAI's form: a chat.completion (or
 * its chunks, if the request asks for a stream) that says which model answered, or the error that
 * fits the status.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mock.h"

#define REPEAT_BYTES (64u << 10) /* an endless body goes out in writes of this size */

/* ---- bodies made up */

static const struct error_row {
	uint32_t status;
	const char *type;
	const char *code; /* NULL null */
	const char *message;
} error_rows[] = {
	{400, "invalid_request_error", "invalid_value", "Invalid value."},
	{401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."},
	{404, "invalid_request_error", "model_not_found", "The model does not exist."},
	{413, "invalid_request_error", NULL, "Request too large."},
	{429, "requests", "rate_limit_exceeded", "Rate limit reached."},
	{503, "service_unavailable_error", "server_is_overloaded", "Servers are overloaded."},
	{0, "server_error", NULL, "The server had an error."},
};

static struct json_object *string_or_null(const char *text)
{
	return text ? json_object_new_string(text) : NULL;
}

static void print_json(struct bytes *bytes, struct json_object *json)
{
	bytes_print(bytes, "%s",
		    json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
								 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(json);
}

static void make_error(uint32_t status, struct bytes *body)
{
	const struct error_row *row = error_rows;
	struct json_object *json = json_object_new_object(), *error = json_object_new_object();

	while (row->status != 0 && row->status != status)
		row++;
	json_object_object_add(error, "message", json_object_new_string(row->message));
	json_object_object_add(error, "type", json_object_new_string(row->type));
	json_object_object_add(error, "param", NULL);
	json_object_object_add(error, "code", string_or_null(row->code));
	json_object_object_add(json, "error", error);
	print_json(body, json);
}

/* What a completion and each chunk of a stream have in common. */
static struct json_object *make_head(const struct request *request, const char *object)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "id", json_object_new_string("chatcmpl-mock"));
	json_object_object_add(json, "object", json_object_new_string(object));
	json_object_object_add(json, "created", json_object_new_int64((int64_t)time(NULL)));
	json_object_object_add(json, "model", json_object_new_string(request->model));
	return json;
}

static void add_choice(struct json_object *json, const char *name, struct json_object *message,
		       const char *finish_reason)
{
	struct json_object *choices = json_object_new_array(), *choice = json_object_new_object();

	json_object_object_add(choice, "index", json_object_new_int(0));
	json_object_object_add(choice, name, message);
	json_object_object_add(choice, "logprobs", NULL);
	json_object_object_add(choice, "finish_reason", string_or_null(finish_reason));
	json_object_array_add(choices, choice);
	json_object_object_add(json, "choices", choices);
}

/* Roughly: four bytes a token in, one word a token out. */
static struct json_object *make_usage(const struct request *request, const char *text)
{
	struct json_object *usage = json_object_new_object();
	int64_t prompt = (int64_t)(request->body_bytes / 4), completion = 1;

	for (; *text; text++)
		completion += *text == ' ';
	json_object_object_add(usage, "prompt_tokens", json_object_new_int64(prompt));
	json_object_object_add(usage, "completion_tokens", json_object_new_int64(completion));
	json_object_object_add(usage, "total_tokens", json_object_new_int64(prompt + completion));
	return usage;
}

static void make_completion(const struct request *request, const char *text, struct bytes *body)
{
	struct json_object *json = make_head(request, "chat.completion");
	struct json_object *message = json_object_new_object();

	json_object_object_add(message, "role", json_object_new_string("assistant"));
	json_object_object_add(message, "content", json_object_new_string(text));
	json_object_object_add(message, "refusal", NULL);
	add_choice(json, "message", message, "stop");
	json_object_object_add(json, "usage", make_usage(request, text));
	print_json(body, json);
}

static void add_chunk(const struct request *request, struct json_object *delta,
		      const char *finish_reason, struct bytes *body)
{
	struct json_object *json = make_head(request, "chat.completion.chunk");

	add_choice(json, "delta", delta, finish_reason);
	if (request->include_usage)
		json_object_object_add(json, "usage", NULL);
	bytes_print(body, "data: ");
	print_json(body, json);
	bytes_print(body, "\n\n");
}

static struct json_object *make_delta(const char *name, const char *text, size_t size)
{
	struct json_object *delta = json_object_new_object();

	json_object_object_add(delta, name, json_object_new_string_len(text, (int)size));
	return delta;
}

/* A role, a chunk for each word, the finish reason, usage if asked for, and the end mark. */
static void make_stream(const struct request *request, const char *text, struct bytes *body)
{
	struct json_object *role = make_delta("role", "assistant", strlen("assistant"));

	json_object_object_add(role, "content", json_object_new_string(""));
	add_chunk(request, role, NULL, body);
	for (const char *word = text; *word;) {
		size_t size = strspn(word, " ") + strcspn(word + strspn(word, " "), " ");

		add_chunk(request, make_delta("content", word, size), NULL, body);
		word += size;
	}
	add_chunk(request, json_object_new_object(), "stop", body);
	if (request->include_usage) {
		struct json_object *json = make_head(request, "chat.completion.chunk");

		json_object_object_add(json, "choices", json_object_new_array());
		json_object_object_add(json, "usage", make_usage(request, text));
		bytes_print(body, "data: ");
		print_json(body, json);
		bytes_print(body, "\n\n");
	}
	bytes_print(body, "data: [DONE]\n\n");
}

static void make_body(const struct response *response, const struct request *request,
		      struct bytes *body)
{
	struct bytes said = {0};

	if (response->status >= 400 || !request->model) {
		make_error(response->status, body);
		return;
	}
	if (response->text)
		bytes_print(&said, "%s", response->text);
	else
		bytes_print(&said, "Answer from %s.", request->model);
	(request->stream ? make_stream : make_completion)(request, said.at ? said.at : "", body);
	bytes_free(&said);
}

/* ---- framing */

/* How many bytes of the body are sent. */
static size_t cut_of(const struct response *response, const struct bytes *body)
{
	size_t size = body->size;

	if (response->send_events != UNSET && size > 0) {
		const char *at = body->at, *end = at;

		for (uint32_t i = 0; end && i < response->send_events; i++) {
			end = strstr(at, "\n\n");
			at = end ? end + 2 : at;
		}
		size = end ? (size_t)(at - body->at) : size / 2;
	}
	return size < response->send_bytes ? size : response->send_bytes;
}

static bool is_stream(const struct bytes *headers)
{
	size_t size;
	const char *type = header_find(headers->at, "Content-Type", &size);

	return type &&
	       (memmem(type, size, "stream", strlen("stream")) || memmem(type, size, "ndjson", 6));
}

static enum framing framing_of(const struct response *response, const struct bytes *headers)
{
	if (response->framing != FRAMING_AUTO)
		return response->framing;
	return response->repeat_ms != UNSET || is_stream(headers) ? FRAMING_CHUNKED
								  : FRAMING_LENGTH;
}

static enum ending ending_of(const struct response *response, enum framing framing, bool is_cut,
			     bool keep_alive)
{
	if (response->ending == ENDING_KEEP || response->ending == ENDING_AUTO)
		return response->raw || is_cut || framing == FRAMING_CLOSE || !keep_alive
			       ? ENDING_CLOSE
			       : ENDING_KEEP;
	return response->ending;
}

static const char *reason_of(uint32_t status)
{
	static const struct {
		uint32_t status;
		const char *reason;
	} reasons[] = {
		{100, "Continue"},
		{103, "Early Hints"},
		{200, "OK"},
		{302, "Found"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{404, "Not Found"},
		{408, "Request Timeout"},
		{429, "Too Many Requests"},
		{500, "Internal Server Error"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Status";
}

static void add_head(const struct response *response, const struct bytes *headers,
		     enum framing framing, size_t body_bytes, bool keep_alive, struct bytes *wire)
{
	size_t size;

	for (size_t i = 0; response->interim[i]; i++)
		bytes_print(wire, "HTTP/1.1 %u %s\r\n\r\n", response->interim[i],
			    reason_of(response->interim[i]));
	bytes_print(wire, "HTTP/1.1 %u %s\r\n", response->status, reason_of(response->status));
	bytes_add(wire, headers->at, headers->size);
	if (!header_find(headers->at, "Date", &size)) {
		time_t now = time(NULL);
		struct tm tm;
		char date[40];

		(void)gmtime_r(&now, &tm);
		(void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		bytes_print(wire, "Date: %s\r\n", date);
	}
	if (framing == FRAMING_LENGTH)
		bytes_print(wire, "Content-Length: %zu\r\n", body_bytes);
	if (framing == FRAMING_CHUNKED)
		bytes_print(wire, "Transfer-Encoding: chunked\r\n");
	if (framing == FRAMING_CLOSE || !keep_alive)
		bytes_print(wire, "Connection: close\r\n");
	bytes_print(wire, "\r\n");
}

/* The first `sent` bytes of the body; a body that is cut lacks its end in every framing. */
static void add_body(const struct bytes *body, size_t sent, enum framing framing, bool ends,
		     struct bytes *wire)
{
	if (framing != FRAMING_CHUNKED) {
		bytes_add(wire, body->at, sent);
		return;
	}
	if (sent > 0) {
		bytes_print(wire, "%zx\r\n", sent);
		bytes_add(wire, body->at, sent);
		bytes_print(wire, "\r\n");
	}
	if (ends)
		bytes_print(wire, "0\r\n\r\n");
}

static void frame(const struct response *response, const struct bytes *headers,
		  const struct bytes *body, bool keep_alive, struct plan *plan)
{
	enum framing framing = framing_of(response, headers);
	bool repeats = response->repeat_ms != UNSET;
	size_t sent = cut_of(response, body);
	bool is_cut = sent < body->size;

	plan->ending = ending_of(response, framing, is_cut, keep_alive);
	plan->status = response->status;
	if (!response->raw)
		add_head(response, headers, framing, body->size,
			 keep_alive || plan->ending != ENDING_CLOSE, &plan->wire);
	plan->head_bytes = plan->repeat_from = plan->wire.size;
	if (response->raw)
		framing = FRAMING_CLOSE;
	do {
		add_body(body, sent, framing, !is_cut && !repeats && plan->ending != ENDING_RESET,
			 &plan->wire);
	} while (repeats && sent > 0 && response->repeat_ms == 0 &&
		 plan->wire.size - plan->repeat_from < REPEAT_BYTES);
	if (response->raw && sscanf(body->at ? body->at : "", "HTTP/1.%*d %u", &plan->status) != 1)
		plan->status = 0;
}

void plan_response(const struct response *response, const struct request *request, struct plan *ret)
{
	struct bytes made = {0}, headers = {0};
	size_t size;

	*ret = (struct plan){
		.delay_ms = response->delay_ms,
		.body_delay_ms = response->body_delay_ms,
		.repeat_ms = response->repeat_ms,
		.pieces = response->pieces,
		.drip_bytes = response->drip_bytes,
		.drip_ms = response->drip_ms,
	};
	if (!response->has_body)
		make_body(response, request, &made);
	bytes_add(&headers, response->headers.at, response->headers.size);
	if (!header_find(headers.at, "Content-Type", &size))
		bytes_print(&headers, "Content-Type: %s\r\n",
			    !response->has_body && response->status < 400 && request->stream
				    ? "text/event-stream"
				    : "application/json");
	frame(response, &headers, response->has_body ? &response->body : &made, request->keep_alive,
	      ret);
	bytes_free(&made);
	bytes_free(&headers);
}

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text), end_size = strlen(end);

	return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

void plan_default(const struct request *request, struct plan *ret)
{
	bool is_chat = ends_with(request->path, "/chat/completions") && request->model;
	const struct response response = {
		.status = is_chat ? 200 : 404,
		.send_bytes = UNSET,
		.send_events = UNSET,
		.repeat_ms = UNSET,
	};

	plan_response(&response, request, ret);
}

void plan_json(uint32_t status, struct json_object *body, bool keep_alive, struct plan *ret)
{
	struct response response = {
		.status = status,
		.has_body = true,
		.send_bytes = UNSET,
		.send_events = UNSET,
		.repeat_ms = UNSET,
	};
	const struct request request = {.keep_alive = keep_alive};

	print_json(&response.body, body);
	bytes_print(&response.body, "\n");
	plan_response(&response, &request, ret);
	bytes_free(&response.body);
}

void plan_deinit(struct plan *plan)
{
	bytes_free(&plan->wire);
	*plan = (struct plan){0};
}
