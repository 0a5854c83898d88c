/* SPDX-License-Identifier: MIT */
/*
 * Error bodies. Every vendor has a form of its own, some have three; here they become one struct,
 * on which the rows of rules.c can be short:
 *
 *   {"error":{...}}            OpenAI and most others; Anthropic beside "type", OpenRouter beside
 *                              "choices"
 *   [{"error":{...}}]          Gemini's OpenAI-compatible face, and its streams without SSE, whose
 *                              events before it are no errors
 *   {"response":{"error":...}} a failed response in a stream of the Responses API
 *   {"type":"error","message":...}  and an error there, its code beside
 *   {"choices":[{"error":..}]} OpenRouter, when a model failed in the middle of its answer
 *   {"error":"text"}           Ollama, vLLM's 401, LM Studio; xAI with "code" beside
 *   {"message":...}, {"detail":...}  flat: Cohere, Mistral, Cerebras, Bedrock, FastAPI servers;
 *                              {"Message":...} from Amazon's gateway
 */
#include "wire_error.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json_build.h"
#include "text.h"

static struct json_object *first_of(struct json_object *array)
{
	return json_length(array) > 0 ? json_object_array_get_idx(array, 0) : NULL;
}

/* an object or a text that says something */
static bool says_something(struct json_object *error)
{
	if (json_object_is_type(error, json_type_object))
		return json_object_object_length(error) > 0;
	return json_object_is_type(error, json_type_string) &&
	       json_object_get_string_len(error) > 0;
}

static struct json_object *error_of(struct json_object *object)
{
	struct json_object *error = wire_member(object, "error");

	return says_something(error) ? error : NULL;
}

static struct json_object *error_among(struct json_object *list)
{
	struct json_object *error = NULL;

	for (size_t i = 0; !error && i < json_length(list); i++)
		error = error_of(json_object_array_get_idx(list, i));
	return error;
}

/* OpenAI's Responses say so in the type; Mistral and older vLLM in the object, where the message
 * may be an object, too. */
static bool is_error(struct json_object *root)
{
	return wire_member(root, "message") && (text_is(wire_text(root, "type"), "error") ||
						text_is(wire_text(root, "object"), "error"));
}

struct json_object *wire_error_in(struct json_object *root)
{
	struct json_object *error = error_of(root);

	if (!error)
		error = error_among(root);
	if (!error)
		error = error_of(wire_member(root, "response"));
	if (!error)
		error = error_among(wire_member(root, "choices"));
	if (!error && is_error(root))
		error = root;
	return error;
}

/* ---- the parts of an error */

/* FastAPI: "detail" is a text, or a list of {loc, msg, type} */
static const char *detail_text(struct json_object *detail)
{
	if (json_object_is_type(detail, json_type_string))
		return json_object_get_string(detail);
	return wire_text(first_of(detail), "msg");
}

static const char *message_of(struct json_object *object)
{
	const char *name = wire_member(object, "Message") ? "Message" : "message";
	struct json_object *message = wire_member(object, name);

	if (json_object_is_type(object, json_type_string))
		return json_object_get_string(object);
	if (json_object_is_type(message, json_type_object))
		return json_line(message, NULL);
	if (!message)
		return detail_text(wire_member(object, "detail"));
	return wire_text(object, name);
}

static void add_code(struct wire_error *error, const char *code)
{
	if (code && error->code_count < WIRE_ERROR_CODES_MAX)
		error->codes[error->code_count++] = code;
}

/* Google: details[].reason */
static const char *reason_of(struct json_object *object)
{
	struct json_object *details = wire_member(object, "details");
	const char *reason = NULL;

	for (size_t i = 0; !reason && i < json_length(details); i++)
		reason = wire_text(json_object_array_get_idx(details, i), "reason");
	return reason;
}

static void read_codes(struct wire_error *error)
{
	add_code(error, wire_text(error->object, "type"));
	add_code(error, wire_text(error->object, "code"));
	add_code(error, wire_text(error->object, "status"));
	add_code(error, reason_of(error->object));
	add_code(error, wire_text(wire_member(error->object, "innererror"), "code"));
	add_code(error, wire_text(wire_member(error->object, "details"), "error_code"));
	add_code(error, wire_header_get(error->response, "x-amzn-errortype"));
}

bool wire_code_is(const char *code, const char *name)
{
	size_t size = strcspn(code, ":");
	size_t name_size = strlen(name);

	if (*name == '*')
		return size >= name_size - 1 &&
		       strncasecmp(code + size - (name_size - 1), name + 1, name_size - 1) == 0;
	if (name_size > 0 && name[name_size - 1] == '*')
		return strncasecmp(code, name, name_size - 1) == 0;
	return size == name_size && strncasecmp(code, name, size) == 0;
}

/* ---- the status under a 200 */

static int status_from_text(const char *text)
{
	char *end;
	long status = text ? strtol(text, &end, 10) : 0;

	return text && *end == '\0' && status >= 100 && status <= 599 ? (int)status : 0;
}

static int status_of_name(const char *name)
{
	static const struct {
		const char *name;
		int status;
	} names[] = {
		{"invalid_request_error", 400},
		{"ValidationException", 400},
		{"authentication_error", 401},
		{"billing_error", 402},
		{"permission_error", 403},
		{"not_found_error", 404},
		{"ResourceNotFoundException", 404},
		{"ModelTimeoutException", 408},
		{"request_too_large", 413},
		{"rate_limit_error", 429},
		{"rate_limit_exceeded", 429},
		{"requests", 429},
		{"tokens", 429},
		{"ThrottlingException", 429},
		{"server_error", 500},
		{"api_error", 500},
		{"overloaded_error", 503},
		{"unavailable_error", 503},
		{"ServiceUnavailableException", 503},
		{"timeout_error", 504},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (wire_code_is(name, names[i].name))
			return names[i].status;
	return 0;
}

static int stated_status(const struct wire_error *error)
{
	int status = error->inner_status;

	if (status == 0)
		status = status_from_text(wire_text(error->object, "http_status"));
	for (size_t i = 0; status == 0 && i < error->code_count; i++)
		status = status_of_name(error->codes[i]);
	return status ? status : 500;
}

/* ---- the whole */

/* What calls itself JSON is the provider's own, however broken: no edge's page does. */
static bool is_labelled_json(const struct wire_response *response)
{
	const char *type = wire_header_get(response, "content-type");

	return type && strncasecmp(type, "application/json", 16) == 0;
}

static enum wire_body body_kind(const struct wire_response *response, struct json_object *root)
{
	size_t at = 0;

	while (at < response->body_bytes && strchr(" \t\r\n", response->body[at]) &&
	       response->body[at] != '\0')
		at++;
	if (at == response->body_bytes)
		return WIRE_BODY_EMPTY;
	if (response->body[at] != '{' && response->body[at] != '[' && !is_labelled_json(response))
		return WIRE_BODY_TEXT;
	return root ? WIRE_BODY_JSON : WIRE_BODY_BROKEN;
}

/* {"error":"text","code":...}: what is beside the text belongs to it */
static struct json_object *with_members(struct json_object *error, struct json_object *root)
{
	return json_object_is_type(error, json_type_string) ? root : error;
}

/* A sentence may quote what the caller wrote. It is no hint where waiting does not help. */
static bool asks_to_wait(int status)
{
	return status == 429 || status == 503 || status == 529;
}

void wire_error_read(const struct provider *provider, const struct wire_response *response,
		     struct json_object *root, const char *finish, struct wire_error *ret)
{
	struct json_object *found = wire_error_in(root);
	bool succeeded = response->status >= 200 && response->status <= 299;

	*ret = (struct wire_error){
		.provider = provider,
		.response = response,
		.body = body_kind(response, root),
		.status = response->status,
		.finish = finish,
	};
	if (!found && !succeeded)
		found = json_object_is_type(root, json_type_array) ? first_of(root) : root;
	ret->message = message_of(found);
	ret->object = with_members(found, root);
	read_codes(ret);
	ret->inner_status = status_from_text(wire_text(ret->object, "code"));
	if (succeeded && (found || finish))
		ret->status = stated_status(ret);
	ret->hint_ms = hint_read(
		provider, response, ret->object,
		asks_to_wait(ret->status) || asks_to_wait(ret->inner_status) ? ret->message : NULL,
		&ret->hint_from);
}
