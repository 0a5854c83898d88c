/* SPDX-License-Identifier: MIT */
/*
 * What messages and choices in OpenAI's form say, and whether they are an answer.
 */
#include "openai.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classify.h"
#include "json_build.h"
#include "text.h"

/* ---- what a message says */

bool openai_is_text(struct json_object *value)
{
	return json_object_is_type(value, json_type_string) &&
	       json_object_get_string_len(value) > 0;
}

bool openai_is_list(struct json_object *value)
{
	return json_object_is_type(value, json_type_array) && json_object_array_length(value) > 0;
}

static bool part_says_something(struct json_object *part)
{
	struct json_object *text = wire_member(part, "text");

	if (text || text_is(wire_text(part, "type"), "text"))
		return openai_is_text(text);
	return json_object_is_type(part, json_type_object) && json_object_object_length(part) > 0;
}

static bool content_says_something(struct json_object *content)
{
	bool says = openai_is_text(content);

	for (size_t i = 0; !says && i < json_length(content); i++)
		says = part_says_something(json_object_array_get_idx(content, i));
	return says;
}

bool openai_says_something(struct json_object *message)
{
	return content_says_something(wire_member(message, "content")) ||
	       openai_is_list(wire_member(message, "tool_calls")) ||
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

/* ---- usage */

static uint64_t count_of(struct json_object *usage, const char *name)
{
	struct json_object *count = wire_member(usage, name);
	int64_t number =
		json_object_is_type(count, json_type_int) ? json_object_get_int64(count) : 0;

	return number > 0 ? (uint64_t)number : 0;
}

uint32_t openai_tokens_used(struct json_object *usage)
{
	uint64_t used = count_of(usage, "total_tokens");

	if (used == 0)
		used = count_of(usage, "prompt_tokens") + count_of(usage, "completion_tokens");
	if (used == 0) /* nobody answers for nothing */
		return LULL_UNSET;
	return used < LULL_UNSET ? (uint32_t)used : LULL_UNSET - 1;
}

/* ---- finish reasons */

const char *openai_finish(const char *finish_reason)
{
	static const char *const known[] = {"stop", "length", "tool_calls", "content_filter",
					    "function_call"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (text_is(finish_reason, known[i]))
			return known[i];
	return NULL;
}

bool openai_finish_explains(const char *finish_reason)
{
	return finish_reason && (strcmp(finish_reason, "length") == 0 ||
				 strcmp(finish_reason, "content_filter") == 0);
}

void openai_judge(bool has_choices, bool says, const char *explained, struct verdict *ret)
{
	if (!has_choices)
		verdict_set(ret, LULL_CLASS_MALFORMED_RESPONSE, "no choices",
			    "no choices in it, or one that does not say why it ended");
	else if (!says && !explained)
		verdict_set(ret, LULL_CLASS_MALFORMED_RESPONSE, "empty answer",
			    "finished with nothing in it");
	else
		verdict_set(ret, LULL_CLASS_ANSWERED, "answer", NULL);
	ret->filtered =
		has_choices && !says && explained && strcmp(explained, "content_filter") == 0;
}
