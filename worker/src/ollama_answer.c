/* SPDX-License-Identifier: MIT */
/*
 * Ollama's own chat, read. A whole answer and each line of a stream are the same object, with a
 * piece of the message in it, or all of it; the last has "done", a reason and what was used.
 */
#include "ollama.h"

#include <errno.h>

#include "chunk_writer.h"
#include "json_build.h"
#include "text.h"

static const struct finish_name finishes[] = {
	{"stop", "stop"},
	{"length", "length"},
	{NULL, NULL},
};

static int read_call(struct chunk_writer *out, struct json_object *call)
{
	struct json_object *function = wire_member(call, "function");

	return chunk_call_with(out, 0, wire_text(call, "id"), wire_text(function, "name"),
			       wire_member(function, "arguments"), NULL);
}

static int read_message(struct chunk_writer *out, struct json_object *message)
{
	struct json_object *calls = wire_member(message, "tool_calls");
	int rc = chunk_text(out, 0, "reasoning_content", wire_member(message, "thinking"));

	if (rc == 0)
		rc = chunk_text(out, 0, "content", wire_member(message, "content"));
	for (size_t i = 0; rc == 0 && i < json_length(calls); i++)
		rc = read_call(out, json_object_array_get_idx(calls, i));
	return rc;
}

/* Of a prompt that was in memory already there is no count. */
static int read_usage(struct chunk_writer *out, struct json_object *root)
{
	struct chunk_usage usage;
	int rc;

	if (!wire_member(root, "prompt_eval_count") && !wire_member(root, "eval_count"))
		return 0;
	rc = chunk_note_usage(out, root);
	usage = (struct chunk_usage){
		.prompt = chunk_noted(out, "prompt_eval_count"),
		.completion = chunk_noted(out, "eval_count"),
	};
	return rc == 0 ? chunk_usage(out, &usage) : rc;
}

/* The model was only taken into memory, or out of it. */
static bool is_no_answer(const char *reason)
{
	return text_is(reason, "load") || text_is(reason, "unload");
}

/* Older servers say no reason. */
static int finish(struct chunk_writer *out, struct json_object *root)
{
	const char *reason = wire_text(root, "done_reason");
	int rc =
		is_no_answer(reason) ? 0 : chunk_finish(out, 0, finishes, reason ? reason : "stop");

	return rc == 0 ? read_usage(out, root) : rc;
}

static int read_object(struct chunk_writer *out, struct json_object *root)
{
	int rc = chunk_identify(out, NULL, wire_text(root, "model"));

	if (rc == 0)
		rc = read_message(out, wire_member(root, "message"));
	if (rc != 0 || !json_object_get_boolean(wire_member(root, "done")))
		return rc;
	out->is_done = true;
	return finish(out, root);
}

int ollama_translate_answer(struct chunk_writer *out, struct json_object *root)
{
	if (!json_object_is_type(wire_member(root, "message"), json_type_object))
		return -EBADMSG;
	return read_object(out, root);
}

int ollama_translate_event(struct chunk_writer *out, const char *event, struct json_object *root)
{
	(void)event; /* lines have no names */
	return read_object(out, root);
}
