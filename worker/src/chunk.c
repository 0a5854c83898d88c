/* SPDX-License-Identifier: MIT */
/*
 * From chat.completion to chat.completion.chunk: see chunk.h. The two differ in the name of the
 * object, in `message` against `delta`, and in the index that each tool call of a delta has.
 */
#include "chunk.h"

#include <errno.h>
#include <string.h>

#include "json_build.h"
#include "text.h"

static int number_tool_calls(struct json_object *message)
{
	struct json_object *calls = NULL;

	if (!json_object_object_get_ex(message, "tool_calls", &calls) ||
	    !json_object_is_type(calls, json_type_array))
		return 0;
	for (size_t i = 0; i < json_object_array_length(calls); i++) {
		struct json_object *call = json_object_array_get_idx(calls, i);

		if (!json_object_is_type(call, json_type_object))
			return -EINVAL;
		if (json_object_object_add(call, "index", json_object_new_int64((int64_t)i)) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* The message is moved, not copied. */
static int message_to_delta(struct json_object *choice)
{
	struct json_object *message = NULL;
	int rc;

	if (!json_object_is_type(choice, json_type_object) ||
	    !json_object_object_get_ex(choice, "message", &message) ||
	    !json_object_is_type(message, json_type_object))
		return -EINVAL;
	rc = number_tool_calls(message);
	if (rc != 0)
		return rc;
	message = json_object_get(message);
	json_object_object_del(choice, "message");
	if (json_object_object_add(choice, "delta", message) != 0) {
		json_object_put(message);
		return -ENOMEM;
	}
	return 0;
}

static int to_chunk(struct json_object *completion)
{
	struct json_object *choices = NULL;
	int rc = 0;

	if (text_is(wire_text(completion, "object"), "text_completion"))
		return 0; /* its chunks have its own form */
	if (!json_object_object_get_ex(completion, "choices", &choices) ||
	    !json_object_is_type(choices, json_type_array))
		return -EINVAL;
	for (size_t i = 0; rc == 0 && i < json_object_array_length(choices); i++)
		rc = message_to_delta(json_object_array_get_idx(choices, i));
	if (rc == 0 && json_object_object_add(completion, "object",
					      json_object_new_string("chat.completion.chunk")) != 0)
		rc = -ENOMEM;
	return rc;
}

int chunk_from_answer(const struct answer *answer, char **ret_json)
{
	char error[128];
	struct json_object *completion = json_read(answer->json, answer->json_bytes, error);
	const char *line;
	int rc = completion ? to_chunk(completion) : -EINVAL;

	if (rc == 0) {
		line = json_line(completion, NULL);
		*ret_json = line ? strdup(line) : NULL;
		rc = *ret_json ? 0 : -ENOMEM;
	}
	json_object_put(completion);
	return rc;
}
