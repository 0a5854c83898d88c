/* SPDX-License-Identifier: MIT */
/*
 * OpenAI's Responses API, read. A response is a list of items: messages, reasoning, calls. A stream
 * tells how each item grows, and at its end has the response as a whole, of which only how it ended
 * and what it used is news.
 *
 * Items, parts and events of other kinds are skipped, as are those to come. Failures are told apart
 * before anything gets here: see wire_error.c.
 */
#include "responses.h"

#include <errno.h>

#include "chunk_writer.h"
#include "json_build.h"
#include "openai.h"
#include "text.h"

/* ---- what a whole answer and a stream share */

static int identify(struct chunk_writer *out, struct json_object *response)
{
	const int64_t created_s = json_object_get_int64(wire_member(response, "created_at"));
	int rc = chunk_identify(out, wire_text(response, "id"), wire_text(response, "model"));

	return rc == 0 && created_s > 0
		       ? json_set_new(out->head, "created", json_object_new_int64(created_s))
		       : rc;
}

static int write_usage(struct chunk_writer *out, struct json_object *usage)
{
	int rc = chunk_note_usage(out, usage);
	struct chunk_usage said;

	if (rc == 0)
		rc = chunk_note_usage(out, wire_member(usage, "input_tokens_details"));
	if (rc == 0)
		rc = chunk_note_usage(out, wire_member(usage, "output_tokens_details"));
	said = (struct chunk_usage){
		.prompt = chunk_noted(out, "input_tokens"),
		.completion = chunk_noted(out, "output_tokens"),
		.cached = chunk_noted(out, "cached_tokens"),
		.reasoning = chunk_noted(out, "reasoning_tokens"),
	};
	return rc == 0 ? chunk_usage(out, &said) : rc;
}

/* @status: the response's, or what the event says of it */
static int finish(struct chunk_writer *out, struct json_object *response, const char *status)
{
	static const struct finish_name finishes[] = {
		{"completed", "stop"},
		{"incomplete", "length"},
		{"content_filter", "content_filter"},
		{NULL, NULL},
	};
	const char *why = wire_text(wire_member(response, "incomplete_details"), "reason");
	const bool is_filtered = text_is(status, "incomplete") && text_is(why, "content_filter");
	int rc = chunk_finish(out, 0, finishes, is_filtered ? why : status);

	return rc == 0 ? write_usage(out, wire_member(response, "usage")) : rc;
}

/* A text, or a piece of one, and how likely its tokens were: in OpenAI's form already. */
static int read_text(struct chunk_writer *out, struct json_object *from, const char *name)
{
	struct json_object *logprobs = wire_member(from, "logprobs");
	int rc = chunk_text(out, 0, "content", wire_member(from, name));

	return rc == 0 && openai_is_list(logprobs)
		       ? chunk_logprobs(out, 0, json_object_get(logprobs))
		       : rc;
}

/* Parts of a summary are paragraphs. */
static int separate(struct chunk_writer *out)
{
	struct json_object *line = json_object_new_string("\n\n");
	int rc = line ? chunk_text(out, 0, "reasoning_content", line) : -ENOMEM;

	json_object_put(line);
	return rc;
}

/* As it begins in a stream, or as a whole. */
static int read_call(struct chunk_writer *out, struct json_object *item)
{
	return chunk_call(out, 0, wire_text(item, "call_id"), wire_text(item, "name"),
			  wire_member(item, "arguments"));
}

static bool is_call(struct json_object *item)
{
	return text_is(wire_text(item, "type"), "function_call");
}

/* ---- whole answers */

static int read_part(struct chunk_writer *out, struct json_object *part)
{
	const char *type = wire_text(part, "type");

	if (text_is(type, "output_text"))
		return read_text(out, part, "text");
	if (text_is(type, "refusal"))
		return chunk_text(out, 0, "refusal", wire_member(part, "refusal"));
	if (text_is(type, "reasoning_text") || text_is(type, "summary_text"))
		return chunk_text(out, 0, "reasoning_content", wire_member(part, "text"));
	return 0;
}

static int read_parts(struct chunk_writer *out, struct json_object *parts, bool are_paragraphs)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < json_length(parts); i++) {
		if (are_paragraphs && i > 0)
			rc = separate(out);
		if (rc == 0)
			rc = read_part(out, json_object_array_get_idx(parts, i));
	}
	return rc;
}

static int read_item(struct chunk_writer *out, struct json_object *item)
{
	int rc;

	if (is_call(item)) {
		rc = read_call(out, item);
		return rc == 0 ? chunk_call_end(out, 0) : rc;
	}
	rc = read_parts(out, wire_member(item, "summary"), true);
	return rc == 0 ? read_parts(out, wire_member(item, "content"), false) : rc;
}

/* What is queued, in progress or cancelled is no answer. */
int responses_translate_answer(struct chunk_writer *out, struct json_object *root)
{
	struct json_object *output = wire_member(root, "output");
	const char *status = wire_text(root, "status");
	int rc;

	if (!json_object_is_type(output, json_type_array) ||
	    (!text_is(status, "completed") && !text_is(status, "incomplete")))
		return -EBADMSG;
	rc = identify(out, root);
	for (size_t i = 0; rc == 0 && i < json_object_array_length(output); i++)
		rc = read_item(out, json_object_array_get_idx(output, i));
	return rc == 0 ? finish(out, root, status) : rc;
}

/* ---- streams */

static int on_created(struct chunk_writer *out, struct json_object *event)
{
	return identify(out, wire_member(event, "response"));
}

static int on_text(struct chunk_writer *out, struct json_object *event)
{
	return read_text(out, event, "delta");
}

static int on_refusal(struct chunk_writer *out, struct json_object *event)
{
	return chunk_text(out, 0, "refusal", wire_member(event, "delta"));
}

static int on_reasoning(struct chunk_writer *out, struct json_object *event)
{
	return chunk_text(out, 0, "reasoning_content", wire_member(event, "delta"));
}

static int on_summary_part(struct chunk_writer *out, struct json_object *event)
{
	return json_object_get_int64(wire_member(event, "summary_index")) > 0 ? separate(out) : 0;
}

static int on_item(struct chunk_writer *out, struct json_object *event)
{
	struct json_object *item = wire_member(event, "item");

	return is_call(item) ? read_call(out, item) : 0;
}

static int on_arguments(struct chunk_writer *out, struct json_object *event)
{
	return chunk_arguments(out, 0, wire_member(event, "delta"));
}

/* The item as a whole: of its arguments no piece may have come. */
static int on_item_end(struct chunk_writer *out, struct json_object *event)
{
	struct json_object *item = wire_member(event, "item");
	int rc = 0;

	if (!is_call(item))
		return 0;
	if (out->choices[0].lacks_arguments)
		rc = chunk_arguments(out, 0, wire_member(item, "arguments"));
	return rc == 0 ? chunk_call_end(out, 0) : rc;
}

static int on_completed(struct chunk_writer *out, struct json_object *event)
{
	out->is_done = true;
	return finish(out, wire_member(event, "response"), "completed");
}

static int on_incomplete(struct chunk_writer *out, struct json_object *event)
{
	out->is_done = true;
	return finish(out, wire_member(event, "response"), "incomplete");
}

/* And does not say why, or it would not have come here. */
static int on_failed(struct chunk_writer *out, struct json_object *event)
{
	(void)out;
	(void)event;
	return -EBADMSG;
}

int responses_translate_event(struct chunk_writer *out, const char *event, struct json_object *root)
{
	static const struct event_reader readers[] = {
		{"response.created", on_created},
		{"response.output_text.delta", on_text},
		{"response.refusal.delta", on_refusal},
		{"response.reasoning_text.delta", on_reasoning},
		{"response.reasoning_summary_text.delta", on_reasoning},
		{"response.reasoning_summary_part.added", on_summary_part},
		{"response.output_item.added", on_item},
		{"response.function_call_arguments.delta", on_arguments},
		{"response.output_item.done", on_item_end},
		{"response.completed", on_completed},
		{"response.incomplete", on_incomplete},
		{"response.failed", on_failed},
		{NULL, NULL},
	};

	(void)event; /* the data repeats it */
	return chunk_event(out, readers, wire_text(root, "type"), root);
}
