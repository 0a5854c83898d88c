/* SPDX-License-Identifier: MIT */
/*
 * Answers in OpenAI's form as vendors bend it, made straight: finish reasons in their own words,
 * tool calls that do not say that they are functions, arguments that are no text, content that is a
 * list. Whatever is as it should be is not touched, so that most answers pass through byte for
 * byte.
 *
 * All functions return 1 something was changed; 0; -EBADMSG it cannot be made straight; -ENOMEM;
 * -EMSGSIZE.
 */
#include <errno.h>
#include <string.h>

#include "json_build.h"
#include "openai.h"
#include "text.h"
#include "wire_error.h"

static int changed(int rc)
{
	return rc == 0 ? 1 : rc;
}

/* Of two such results. */
static int either(int one, int other)
{
	if (one < 0)
		return one;
	return other < 0 ? other : one || other;
}

static const char *usual_finish(const char *finish_reason)
{
	static const struct {
		const char *vendor;
		const char *usual;
	} names[] = {
		{"eos", "stop"},            /* Together */
		{"eos_token", "stop"},      /* TGI */
		{"stop_sequence", "stop"},  /* TGI */
		{"model_length", "length"}, /* Mistral */
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (text_is(finish_reason, names[i].vendor))
			return names[i].usual;
	return NULL;
}

/* What is no text is no reason, and nobody is to take it for one. */
static int straighten_finish(struct json_object *choice)
{
	struct json_object *finish = wire_member(choice, "finish_reason");
	const char *usual;

	if (finish && !json_object_is_type(finish, json_type_string))
		return changed(json_set(choice, "finish_reason", NULL));
	usual = usual_finish(json_object_get_string(finish));
	return usual ? changed(json_set_string(choice, "finish_reason", usual)) : 0;
}

/*
 * What a tool is called with is text that holds JSON. Mistral and Ollama may have the object
 * itself, always whole.
 * @none: what a call is given that has nothing there; NULL: nothing
 */
static int straighten_text(struct json_object *body, const char *name, const char *none)
{
	struct json_object *value = wire_member(body, name);
	const char *text;

	if (!value)
		return none && wire_member(body, "name")
			       ? changed(json_set_string(body, name, none))
			       : 0;
	if (json_object_is_type(value, json_type_string))
		return 0;
	if (!json_object_is_type(value, json_type_object))
		return -EBADMSG;
	text = json_line(value, NULL);
	return text ? changed(json_set_string(body, name, text)) : -ENOMEM;
}

/* Mistral. What has no id is not the beginning of a call. */
static int name_type(struct json_object *call)
{
	if (!wire_member(call, "id") || !wire_member(call, "function") || wire_member(call, "type"))
		return 0;
	return changed(json_set_string(call, "type", "function"));
}

/* A call in a delta may have its arguments still to come. */
static int straighten_calls(struct json_object *message, bool is_whole)
{
	const char *none = is_whole ? "{}" : NULL;
	struct json_object *calls = wire_member(message, "tool_calls");
	int result = straighten_text(wire_member(message, "function_call"), "arguments", none);

	for (size_t i = 0; openai_is_list(calls) && i < json_object_array_length(calls); i++) {
		struct json_object *call = json_object_array_get_idx(calls, i);

		result = either(result, name_type(call));
		result = either(result,
				straighten_text(wire_member(call, "function"), "arguments", none));
		result =
			either(result, straighten_text(wire_member(call, "custom"), "input", NULL));
	}
	return result;
}

/* Nothing in the list would be lost but references, which nobody can follow. */
static bool is_flat(struct json_object *content)
{
	static const char *const types[] = {"text", "thinking", "reference"};

	for (size_t i = 0; i < json_object_array_length(content); i++) {
		const char *type = wire_text(json_object_array_get_idx(content, i), "type");
		bool is_known = false;

		for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++)
			is_known = is_known || text_is(type, types[k]);
		if (!is_known)
			return false;
	}
	return true;
}

static int add_thinking(struct json_object *content, struct buffer *out)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < json_object_array_length(content); i++)
		rc = openai_add_text(wire_member(json_object_array_get_idx(content, i), "thinking"),
				     out);
	return rc;
}

/* Mistral: a list of texts and of what the model thinks, as two texts. */
static int flatten_content(struct json_object *message)
{
	struct json_object *content = wire_member(message, "content");
	struct buffer text, thinking;
	int rc;

	if (!openai_is_list(content) || !is_flat(content))
		return 0;
	buffer_init(&text, WIRE_BODY_BYTES_MAX);
	buffer_init(&thinking, WIRE_BODY_BYTES_MAX);
	rc = openai_add_text(content, &text);
	if (rc == 0)
		rc = add_thinking(content, &thinking);
	if (rc == 0)
		rc = text.size > 0 ? json_set_text(message, "content", &text)
				   : json_set(message, "content", NULL);
	if (rc == 0 && thinking.size > 0)
		rc = json_set_text(message, "reasoning_content", &thinking);
	buffer_deinit(&text);
	buffer_deinit(&thinking);
	return changed(rc);
}

static int straighten_choice(struct json_object *choice)
{
	struct json_object *whole = wire_member(choice, "message");
	struct json_object *message = whole ? whole : wire_member(choice, "delta");
	int result = either(straighten_finish(choice), straighten_calls(message, whole));

	return either(result, flatten_content(message));
}

int openai_straighten(struct json_object *choices)
{
	int result = 0;

	for (size_t i = 0; openai_is_list(choices) && i < json_object_array_length(choices); i++)
		result = either(result, straighten_choice(json_object_array_get_idx(choices, i)));
	return result;
}
