/* SPDX-License-Identifier: MIT */
/*
 * Amazon Bedrock's Converse, read: a message is a list of blocks, and what a block is, is the name
 * of its only member. A stream tells of blocks by number, one after the other; blocks of text begin
 * without a word. What is unknown is skipped.
 */
#include "bedrock.h"

#include <errno.h>

#include "chunk_writer.h"

static int finish(struct chunk_writer *out, struct json_object *message)
{
	static const struct finish_name finishes[] = {
		{"end_turn", "stop"},
		{"stop_sequence", "stop"},
		{"max_tokens", "length"},
		{"model_context_window_exceeded", "length"},
		{"tool_use", "tool_calls"},
		{"guardrail_intervened", "content_filter"},
		{"content_filtered", "content_filter"},
		{NULL, NULL},
	};
	const char *reason = wire_text(message, "stopReason");

	return reason ? chunk_finish(out, 0, finishes, reason) : 0;
}

/* What was read from a cache, or written to one, counts as prompt, too. */
static int write_usage(struct chunk_writer *out, struct json_object *message)
{
	int rc = chunk_note_usage(out, wire_member(message, "usage"));
	struct chunk_usage usage = {
		.cached = chunk_noted(out, "cacheReadInputTokens"),
		.completion = chunk_noted(out, "outputTokens"),
	};

	usage.prompt = chunk_noted(out, "inputTokens") + usage.cached +
		       chunk_noted(out, "cacheWriteInputTokens");
	return rc == 0 ? chunk_usage(out, &usage) : rc;
}

/* As it begins in a stream, or as a whole. */
static int read_call(struct chunk_writer *out, struct json_object *call)
{
	return chunk_call(out, 0, wire_text(call, "toolUseId"), wire_text(call, "name"),
			  wire_member(call, "input"));
}

/* ---- whole answers */

static int read_block(struct chunk_writer *out, struct json_object *block)
{
	struct json_object *reasoning = wire_member(block, "reasoningContent");
	struct json_object *call = wire_member(block, "toolUse");

	if (call)
		return read_call(out, call);
	if (reasoning)
		return chunk_text(out, 0, "reasoning_content",
				  wire_member(wire_member(reasoning, "reasoningText"), "text"));
	return chunk_text(out, 0, "content", wire_member(block, "text"));
}

int bedrock_translate_answer(struct chunk_writer *out, struct json_object *root)
{
	struct json_object *message = wire_member(wire_member(root, "output"), "message");
	struct json_object *content = wire_member(message, "content");
	int rc = 0;

	if (!json_object_is_type(content, json_type_array))
		return -EBADMSG;
	for (size_t i = 0; rc == 0 && i < json_object_array_length(content); i++) {
		rc = read_block(out, json_object_array_get_idx(content, i));
		if (rc == 0)
			rc = chunk_call_end(out, 0);
	}
	if (rc == 0)
		rc = finish(out, root);
	return rc == 0 ? write_usage(out, root) : rc;
}

/* ---- streams */

static int read_block_start(struct chunk_writer *out, struct json_object *event)
{
	struct json_object *call = wire_member(wire_member(event, "start"), "toolUse");

	return call ? read_call(out, call) : 0;
}

static int read_delta(struct chunk_writer *out, struct json_object *event)
{
	struct json_object *delta = wire_member(event, "delta");
	struct json_object *reasoning = wire_member(delta, "reasoningContent");
	struct json_object *call = wire_member(delta, "toolUse");

	if (call)
		return chunk_arguments(out, 0, wire_member(call, "input"));
	if (reasoning)
		return chunk_text(out, 0, "reasoning_content", wire_member(reasoning, "text"));
	return chunk_text(out, 0, "content", wire_member(delta, "text"));
}

static int read_block_stop(struct chunk_writer *out, struct json_object *event)
{
	(void)event;
	return chunk_call_end(out, 0);
}

/* The usage may still follow; it comes at once, or came before. */
static int read_message_stop(struct chunk_writer *out, struct json_object *event)
{
	out->is_done = true;
	return finish(out, event);
}

int bedrock_translate_event(struct chunk_writer *out, const char *event, struct json_object *root)
{
	static const struct event_reader readers[] = {
		{"contentBlockStart", read_block_start},
		{"contentBlockDelta", read_delta},
		{"contentBlockStop", read_block_stop},
		{"messageStop", read_message_stop},
		{"metadata", write_usage},
		{NULL, NULL},
	};

	return chunk_event(out, readers, event, root);
}
