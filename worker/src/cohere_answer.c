/* SPDX-License-Identifier: MIT */
/*
 * Cohere's chat, version 2, read. A stream has an event for each thing that begins, goes on or
 * ends; each holds a message with the one member that it adds to.
 *
 * What the model says before it calls a tool (its tool plan) is no part of the answer: it comes out
 * as reasoning, as what it thinks does.
 */
#include "cohere.h"

#include <errno.h>

#include "chunk_writer.h"
#include "json_build.h"
#include "text.h"

/* ERROR and TIMEOUT are failures, and never get here. */
static const struct finish_name finishes[] = {
	{"COMPLETE", "stop"},
	{"STOP_SEQUENCE", "stop"},
	{"MAX_TOKENS", "length"},
	{"TOOL_CALL", "tool_calls"},
	{NULL, NULL},
};

/* Reason and usage: of a whole answer, or of the delta at the end of a stream. */
static int finish(struct chunk_writer *out, struct json_object *from)
{
	struct json_object *said = wire_member(from, "usage");
	const char *reason = wire_text(from, "finish_reason");
	int rc = reason ? chunk_finish(out, 0, finishes, reason) : 0;
	struct chunk_usage usage;

	if (rc == 0)
		rc = chunk_note_usage(out, said);
	if (rc == 0)
		rc = chunk_note_usage(out, wire_member(said, "tokens"));
	usage = (struct chunk_usage){
		.prompt = chunk_noted(out, "input_tokens"),
		.completion = chunk_noted(out, "output_tokens"),
		.cached = chunk_noted(out, "cached_tokens"),
	};
	return rc == 0 ? chunk_usage(out, &usage) : rc;
}

static int read_block(struct chunk_writer *out, struct json_object *block)
{
	int rc = chunk_text(out, 0, "reasoning_content", wire_member(block, "thinking"));

	return rc == 0 ? chunk_text(out, 0, "content", wire_member(block, "text")) : rc;
}

static int read_plan(struct chunk_writer *out, struct json_object *message)
{
	return chunk_text(out, 0, "reasoning_content", wire_member(message, "tool_plan"));
}

/* A call without arguments has none, or "null" for them. */
static bool lacks_arguments(struct json_object *function)
{
	return text_is(wire_text(function, "arguments"), "null");
}

static int read_call(struct chunk_writer *out, struct json_object *call)
{
	struct json_object *function = wire_member(call, "function");

	return chunk_call(out, 0, wire_text(call, "id"), wire_text(function, "name"),
			  lacks_arguments(function) ? NULL : wire_member(function, "arguments"));
}

/* ---- whole answers */

int cohere_translate_answer(struct chunk_writer *out, struct json_object *root)
{
	struct json_object *message = wire_member(root, "message");
	struct json_object *content = wire_member(message, "content");
	struct json_object *calls = wire_member(message, "tool_calls");
	int rc;

	if (!json_object_is_type(message, json_type_object))
		return -EBADMSG;
	rc = chunk_identify(out, wire_text(root, "id"), NULL);
	if (rc == 0)
		rc = read_plan(out, message);
	for (size_t i = 0; rc == 0 && i < json_length(content); i++)
		rc = read_block(out, json_object_array_get_idx(content, i));
	for (size_t i = 0; rc == 0 && i < json_length(calls); i++) {
		rc = read_call(out, json_object_array_get_idx(calls, i));
		if (rc == 0)
			rc = chunk_call_end(out, 0);
	}
	return rc == 0 ? finish(out, root) : rc;
}

/* ---- streams */

static int on_start(struct chunk_writer *out, struct json_object *event)
{
	return chunk_identify(out, wire_text(event, "id"), NULL);
}

static struct json_object *message_of(struct json_object *event)
{
	return wire_member(wire_member(event, "delta"), "message");
}

static int on_content(struct chunk_writer *out, struct json_object *event)
{
	return read_block(out, wire_member(message_of(event), "content"));
}

static int on_plan(struct chunk_writer *out, struct json_object *event)
{
	return read_plan(out, message_of(event));
}

static int on_call(struct chunk_writer *out, struct json_object *event)
{
	return read_call(out, wire_member(message_of(event), "tool_calls"));
}

/* "null" stands for none where it comes first; later it is a value in the arguments. */
static int on_arguments(struct chunk_writer *out, struct json_object *event)
{
	struct json_object *calls = wire_member(message_of(event), "tool_calls");
	struct json_object *function = wire_member(calls, "function");

	if (out->choices[0].lacks_arguments && lacks_arguments(function))
		return 0;
	return chunk_arguments(out, 0, wire_member(function, "arguments"));
}

static int on_call_end(struct chunk_writer *out, struct json_object *event)
{
	(void)event;
	return chunk_call_end(out, 0);
}

static int on_end(struct chunk_writer *out, struct json_object *event)
{
	out->is_done = true;
	return finish(out, wire_member(event, "delta"));
}

int cohere_translate_event(struct chunk_writer *out, const char *event, struct json_object *root)
{
	static const struct event_reader readers[] = {
		{"message-start", on_start},
		{"content-start", on_content},
		{"content-delta", on_content},
		{"tool-plan-delta", on_plan},
		{"tool-call-start", on_call},
		{"tool-call-delta", on_arguments},
		{"tool-call-end", on_call_end},
		{"message-end", on_end},
		{NULL, NULL},
	};

	(void)event; /* the data repeats it */
	return chunk_event(out, readers, wire_text(root, "type"), root);
}
