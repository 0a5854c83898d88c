/* SPDX-License-Identifier: MIT */
/*
 * A whole answer in OpenAI's form. What is one passes through byte for byte; what looks like one at
 * first sight and is none gets a verdict: an error under a 200, a `stop` with nothing in it, JSON
 * that breaks off.
 */
#include "openai.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classify.h"
#include "wire_error.h"

/* ---- what a message says */

bool openai_is_text(struct json_object *value)
{
	return json_object_is_type(value, json_type_string) &&
	       json_object_get_string_len(value) > 0;
}

static bool is_list(struct json_object *value)
{
	return json_object_is_type(value, json_type_array) && json_object_array_length(value) > 0;
}

bool openai_says_something(struct json_object *message)
{
	struct json_object *content = wire_member(message, "content");

	return openai_is_text(content) || is_list(content) ||
	       is_list(wire_member(message, "tool_calls")) ||
	       openai_is_text(wire_member(message, "refusal")) ||
	       json_object_is_type(wire_member(message, "function_call"), json_type_object) ||
	       json_object_is_type(wire_member(message, "audio"), json_type_object);
}

static int add_string(struct json_object *text, struct buffer *out)
{
	if (!json_object_is_type(text, json_type_string))
		return 0;
	return buffer_add(out, json_object_get_string(text),
			  (size_t)json_object_get_string_len(text));
}

int openai_add_text(struct json_object *content, struct buffer *out)
{
	int rc = 0;

	if (!json_object_is_type(content, json_type_array))
		return add_string(content, out);
	for (size_t i = 0; rc == 0 && i < json_object_array_length(content); i++)
		rc = add_string(wire_member(json_object_array_get_idx(content, i), "text"), out);
	return rc;
}

/* ---- finish reasons */

bool openai_finish_explains(const char *finish_reason)
{
	return finish_reason && (strcmp(finish_reason, "length") == 0 ||
				 strcmp(finish_reason, "content_filter") == 0);
}

static const char *usual_finish(const char *finish_reason)
{
	static const struct {
		const char *vendor;
		const char *usual;
	} names[] = {
		{"eos",           "stop"  }, /* Together */
		{"eos_token",     "stop"  }, /* TGI */
		{"stop_sequence", "stop"  }, /* TGI */
		{"model_length",  "length"}, /* Mistral */
	};

	for (size_t i = 0; finish_reason && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].vendor, finish_reason) == 0)
			return names[i].usual;
	return NULL;
}

int openai_rename_finish(struct json_object *choices)
{
	int changed = 0;

	for (size_t i = 0; i < json_object_array_length(choices); i++) {
		struct json_object *choice = json_object_array_get_idx(choices, i);
		const char *usual = usual_finish(wire_text(choice, "finish_reason"));
		struct json_object *text = usual ? json_object_new_string(usual) : NULL;

		if (!usual)
			continue;
		if (!text || json_object_object_add(choice, "finish_reason", text) != 0) {
			json_object_put(text);
			return -ENOMEM;
		}
		changed = 1;
	}
	return changed;
}

void openai_judge(bool has_choices, bool says, const char *explained, struct verdict *ret)
{
	if (!has_choices)
		verdict_set(ret, LULL_CLASS_MALFORMED_RESPONSE, "no choices", "no choices in it");
	else if (!says && !explained)
		verdict_set(ret, LULL_CLASS_MALFORMED_RESPONSE, "empty answer",
			    "finished with nothing in it");
	else
		verdict_set(ret, LULL_CLASS_ANSWERED, "answer", NULL);
	ret->filtered =
		has_choices && !says && explained && strcmp(explained, "content_filter") == 0;
}

/* ---- the answer */

const char *openai_json(struct json_object *object, size_t *ret_size)
{
	return json_object_to_json_string_length(
		object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, ret_size);
}

/* How the choices of a parsed body are to be taken: an answer if one of them is. */
static void judge_choices(struct json_object *choices, struct verdict *ret)
{
	bool says = false;
	const char *explained = NULL;

	for (size_t i = 0; is_list(choices) && i < json_object_array_length(choices); i++) {
		struct json_object *choice = json_object_array_get_idx(choices, i);
		const char *finish = wire_text(choice, "finish_reason");

		says = says || openai_says_something(wire_member(choice, "message"));
		explained = openai_finish_explains(finish) ? finish : explained;
	}
	openai_judge(is_list(choices), says, explained, ret);
}

static int copy_text(struct json_object *choices, char **ret_text)
{
	struct json_object *message = wire_member(json_object_array_get_idx(choices, 0), "message");
	struct json_object *content = wire_member(message, "content");
	struct json_object *refusal = wire_member(message, "refusal");
	struct buffer text;
	int rc;

	buffer_init(&text, WIRE_BODY_BYTES_MAX);
	rc = openai_add_text(content, &text);
	if (rc == 0 && text.size == 0)
		rc = openai_add_text(refusal, &text);
	if (rc != 0 || text.size == 0)
		buffer_deinit(&text);
	*ret_text = text.bytes;
	return rc;
}

/* The JSON text of the body, without the empty lines by which some servers show that they live. */
static int copy_json(const struct wire_response *response, struct answer *ret)
{
	const char *from = response->body;
	const char *to = response->body + response->body_bytes;

	while (from < to && strchr(" \t\r\n", *from))
		from++;
	while (from < to && strchr(" \t\r\n", to[-1]))
		to--;
	ret->json_bytes = (size_t)(to - from);
	ret->json = strndup(from, ret->json_bytes);
	return ret->json ? 0 : -ENOMEM;
}

static int write_json(struct json_object *root, struct answer *ret)
{
	const char *json = openai_json(root, &ret->json_bytes);

	ret->json = json ? strdup(json) : NULL;
	return ret->json ? 0 : -ENOMEM;
}

static int fill_answer(struct json_object *root, bool as_it_came,
		       const struct wire_response *response, struct answer *ret)
{
	int rc;

	*ret = (struct answer){0};
	rc = as_it_came ? copy_json(response, ret) : write_json(root, ret);
	if (rc == 0)
		rc = copy_text(wire_member(root, "choices"), &ret->text);
	if (rc != 0)
		answer_deinit(ret);
	return rc;
}

static void read_root(struct json_object *root, const struct wire_response *response,
		      struct answer *ret_answer, struct verdict *ret_verdict)
{
	struct json_object *choices = wire_member(root, "choices");
	int renamed = is_list(choices) ? openai_rename_finish(choices) : 0;

	judge_choices(choices, ret_verdict);
	if (ret_verdict->outcome.class_id != LULL_CLASS_ANSWERED)
		return;
	if (renamed < 0 || fill_answer(root, !renamed, response, ret_answer) != 0)
		verdict_set(ret_verdict, LULL_CLASS_LOCAL, "memory", "out of memory");
}

int openai_read_answer(const struct http_route *route, const struct wire_response *response,
		       struct answer *ret_answer, struct verdict *ret_verdict)
{
	struct wire_response known = *response;
	struct json_object *root;
	char error[128];

	known.secret = route->api_key;
	known.body = known.body ? known.body : "";
	root = json_read(known.body, known.body_bytes, error);
	if (!root || classify_is_failure(root))
		classify_response(route->provider, &known, ret_verdict);
	else
		read_root(root, &known, ret_answer, ret_verdict);
	ret_verdict->outcome.http_status = (uint32_t)response->status;
	json_object_put(root);
	return ret_verdict->outcome.class_id != LULL_CLASS_ANSWERED;
}
