/* SPDX-License-Identifier: MIT */
/*
 * Anthropic's Messages, read: a message is a list of blocks, and a stream of one tells the life of
 * each block. Unknown blocks, deltas and events are skipped, as its documentation asks for.
 */
#include "anthropic.h"

#include <errno.h>

#include "chunk_writer.h"
#include "text.h"

static const struct finish_name finishes[] = {
	{"end_turn", "stop"},
	{"stop_sequence", "stop"},
	{"pause_turn", "stop"},
	{"max_tokens", "length"},
	{"model_context_window_exceeded", "length"},
	{"tool_use", "tool_calls"},
	{"refusal", "content_filter"},
	{NULL, NULL},
};

static int finish(struct chunk_writer *out, struct json_object *message)
{
	const char *reason = wire_text(message, "stop_reason");

	return reason ? chunk_finish(out, 0, finishes, reason) : 0;
}

/* What was read from a cache, or written to one, counts as prompt, too. */
static int write_usage(struct chunk_writer *out)
{
	const int64_t cached = chunk_noted(out, "cache_read_input_tokens");
	const struct chunk_usage usage = {
		.prompt = chunk_noted(out, "input_tokens") + cached +
			  chunk_noted(out, "cache_creation_input_tokens"),
		.completion = chunk_noted(out, "output_tokens"),
		.cached = cached,
	};

	return chunk_usage(out, &usage);
}

/* A block as it begins in a stream, or as a whole. */
static int read_block(struct chunk_writer *out, struct json_object *block)
{
	const char *type = wire_text(block, "type");

	if (text_is(type, "text"))
		return chunk_text(out, 0, "content", wire_member(block, "text"));
	if (text_is(type, "thinking"))
		return chunk_text(out, 0, "reasoning_content", wire_member(block, "thinking"));
	if (text_is(type, "tool_use"))
		return chunk_call(out, 0, wire_text(block, "id"), wire_text(block, "name"),
				  wire_member(block, "input"));
	return 0;
}

int anthropic_translate_answer(struct chunk_writer *out, struct json_object *root)
{
	struct json_object *content = wire_member(root, "content");
	int rc;

	if (!json_object_is_type(content, json_type_array))
		return -EBADMSG;
	rc = chunk_identify(out, wire_text(root, "id"), wire_text(root, "model"));
	for (size_t i = 0; rc == 0 && i < json_object_array_length(content); i++) {
		rc = read_block(out, json_object_array_get_idx(content, i));
		if (rc == 0)
			rc = chunk_call_end(out, 0);
	}
	if (rc == 0)
		rc = finish(out, root);
	if (rc == 0)
		rc = chunk_note_usage(out, wire_member(root, "usage"));
	return rc == 0 ? write_usage(out) : rc;
}

/* ---- streams */

static int read_start(struct chunk_writer *out, struct json_object *event)
{
	struct json_object *message = wire_member(event, "message");
	int rc = chunk_note_usage(out, wire_member(message, "usage"));

	return rc == 0 ? chunk_identify(out, wire_text(message, "id"), wire_text(message, "model"))
		       : rc;
}

static int read_block_start(struct chunk_writer *out, struct json_object *event)
{
	return read_block(out, wire_member(event, "content_block"));
}

static int read_delta(struct chunk_writer *out, struct json_object *event)
{
	struct json_object *delta = wire_member(event, "delta");
	const char *type = wire_text(delta, "type");

	if (text_is(type, "text_delta"))
		return chunk_text(out, 0, "content", wire_member(delta, "text"));
	if (text_is(type, "thinking_delta"))
		return chunk_text(out, 0, "reasoning_content", wire_member(delta, "thinking"));
	if (text_is(type, "input_json_delta"))
		return chunk_arguments(out, 0, wire_member(delta, "partial_json"));
	return 0;
}

static int read_block_stop(struct chunk_writer *out, struct json_object *event)
{
	(void)event;
	return chunk_call_end(out, 0);
}

/* Its usage is that of the whole message so far, not of a part of it. */
static int read_message_delta(struct chunk_writer *out, struct json_object *event)
{
	int rc = chunk_note_usage(out, wire_member(event, "usage"));

	if (rc == 0)
		rc = finish(out, wire_member(event, "delta"));
	return rc == 0 ? write_usage(out) : rc;
}

static int read_stop(struct chunk_writer *out, struct json_object *event)
{
	(void)event;
	out->is_done = true;
	return 0;
}

int anthropic_translate_event(struct chunk_writer *out, const char *event, struct json_object *root)
{
	static const struct event_reader readers[] = {
		{"message_start", read_start},
		{"content_block_start", read_block_start},
		{"content_block_delta", read_delta},
		{"content_block_stop", read_block_stop},
		{"message_delta", read_message_delta},
		{"message_stop", read_stop},
		{NULL, NULL},
	};

	(void)event; /* the data repeats it */
	return chunk_event(out, readers, wire_text(root, "type"), root);
}
