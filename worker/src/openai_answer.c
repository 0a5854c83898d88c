/* SPDX-License-Identifier: MIT */
/*
 * Answers in OpenAI's form as vendors bend it, made straight: finish reasons in their own words,
 * tool calls that do not say that they are functions, content that is a list. Whatever is as it
 * should be is not touched, so that most answers pass through byte for byte.
 *
 * All functions return 1 something was changed; 0; -ENOMEM; -EMSGSIZE.
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

static int rename_finish(struct json_object *choice)
{
	const char *usual = usual_finish(wire_text(choice, "finish_reason"));

	return usual ? changed(json_set_string(choice, "finish_reason", usual)) : 0;
}

/* Mistral. What has no id is not the beginning of a call. */
static int complete_calls(struct json_object *message)
{
	struct json_object *calls = wire_member(message, "tool_calls");
	int result = 0;

	for (size_t i = 0; openai_is_list(calls) && i < json_object_array_length(calls); i++) {
		struct json_object *call = json_object_array_get_idx(calls, i);

		if (!wire_member(call, "id") || !wire_member(call, "function") ||
		    wire_member(call, "type"))
			continue;
		if (json_set_string(call, "type", "function") != 0)
			return -ENOMEM;
		result = 1;
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
	struct json_object *message = wire_member(choice, "message");
	int renamed = rename_finish(choice), completed, flattened;

	message = message ? message : wire_member(choice, "delta");
	completed = renamed < 0 ? renamed : complete_calls(message);
	flattened = completed < 0 ? completed : flatten_content(message);
	return flattened < 0 ? flattened : renamed || completed || flattened;
}

int openai_straighten(struct json_object *choices)
{
	int result = 0;

	for (size_t i = 0; openai_is_list(choices) && i < json_object_array_length(choices); i++) {
		int rc = straighten_choice(json_object_array_get_idx(choices, i));

		if (rc < 0)
			return rc;
		result = result || rc;
	}
	return result;
}
