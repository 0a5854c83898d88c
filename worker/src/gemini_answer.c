/* SPDX-License-Identifier: MIT */
/*
 * Gemini's generateContent, read. A whole answer and an event of a stream have the same shape: an
 * event has the next parts of each candidate, and the tokens used so far. Without SSE, a stream is
 * one list of such events.
 *
 * Parts of other kinds than text and calls are skipped, as are those to come.
 */
#include "gemini.h"

#include <errno.h>

#include "chunk_writer.h"
#include "json_build.h"

#define REFUSED "content_filter"

/* The names that mean a failed answer are not here: see rules.c. */
static const struct finish_name finishes[] = {
	{"STOP", "stop"},
	{"MAX_TOKENS", "length"},
	{"SAFETY", REFUSED},
	{"RECITATION", REFUSED},
	{"BLOCKLIST", REFUSED},
	{"PROHIBITED_CONTENT", REFUSED},
	{"SPII", REFUSED},
	{"LANGUAGE", REFUSED},
	{"MODEL_ARMOR", REFUSED},
	{"IMAGE_SAFETY", REFUSED},
	{"IMAGE_PROHIBITED_CONTENT", REFUSED},
	{"IMAGE_RECITATION", REFUSED},
	{"IMAGE_OTHER", REFUSED},
	{"NO_IMAGE", REFUSED},
	{NULL, NULL},
};

/* ---- parts */

/* {"google": {"thought_signature": ...}}: where Google's own OpenAI-compatible face has it. */
static struct json_object *new_extra(const char *signature)
{
	struct json_object *extra = json_object_new_object();
	struct json_object *google = json_child(extra, "google");

	return json_or_null(extra, json_set_string(google, "thought_signature", signature));
}

static int read_call(struct chunk_writer *out, uint32_t choice, struct json_object *part)
{
	struct json_object *call = wire_member(part, "functionCall");
	const char *signature = wire_text(part, "thoughtSignature");
	struct json_object *extra = signature ? new_extra(signature) : NULL;

	if (signature && !extra)
		return -ENOMEM;
	return chunk_call_with(out, choice, wire_text(call, "id"), wire_text(call, "name"),
			       wire_member(call, "args"), extra);
}

static int read_part(struct chunk_writer *out, uint32_t choice, struct json_object *part)
{
	const bool is_thought = json_object_get_boolean(wire_member(part, "thought"));

	if (json_object_is_type(wire_member(part, "functionCall"), json_type_object))
		return read_call(out, choice, part);
	return chunk_text(out, choice, is_thought ? "reasoning_content" : "content",
			  wire_member(part, "text"));
}

/* ---- logprobs */

static struct json_object *new_token(struct json_object *from)
{
	struct json_object *token = json_object_new_object();
	struct json_object *logprob = wire_member(from, "logProbability");
	int rc = json_set(token, "token", json_object_get(wire_member(from, "token")));

	if (rc == 0)
		rc = json_set(token, "logprob", json_object_get(logprob));
	if (rc == 0)
		rc = json_set(token, "bytes", NULL);
	return json_or_null(token, rc);
}

/* Takes the token. top: what else it might have been. */
static int add_token(struct json_object *list, struct json_object *token, struct json_object *top)
{
	struct json_object *others = json_object_new_array(), *other;
	int rc = json_set_new(token, "top_logprobs", others);

	for (size_t i = 0; rc == 0 && i < json_length(top); i++) {
		other = new_token(json_object_array_get_idx(top, i));
		rc = other ? json_append(others, other) : -ENOMEM;
	}
	if (rc == 0)
		return json_append(list, token);
	json_object_put(token);
	return rc;
}

static int read_logprobs(struct chunk_writer *out, uint32_t choice, struct json_object *result)
{
	struct json_object *chosen = wire_member(result, "chosenCandidates");
	struct json_object *tops = wire_member(result, "topCandidates"), *list, *top;
	int rc = 0;

	if (json_length(chosen) == 0)
		return 0;
	list = json_object_new_array();
	for (size_t i = 0; rc == 0 && i < json_length(chosen); i++) {
		top = i < json_length(tops) ? json_object_array_get_idx(tops, i) : NULL;
		rc = add_token(list, new_token(json_object_array_get_idx(chosen, i)),
			       wire_member(top, "candidates"));
	}
	if (rc == 0)
		return chunk_logprobs(out, choice, list);
	json_object_put(list);
	return rc;
}

/* ---- candidates */

static int read_candidate(struct chunk_writer *out, struct json_object *candidate)
{
	struct json_object *parts = wire_member(wire_member(candidate, "content"), "parts");
	const int64_t index = json_object_get_int64(wire_member(candidate, "index"));
	const char *reason = wire_text(candidate, "finishReason");
	const uint32_t choice = (uint32_t)index;
	int rc = 0;

	if (index < 0 || index >= CHUNK_CHOICES_MAX)
		return -EBADMSG;
	for (size_t i = 0; rc == 0 && i < json_length(parts); i++)
		rc = read_part(out, choice, json_object_array_get_idx(parts, i));
	if (rc == 0)
		rc = read_logprobs(out, choice, wire_member(candidate, "logprobsResult"));
	return rc == 0 && reason ? chunk_finish(out, choice, finishes, reason) : rc;
}

static int write_usage(struct chunk_writer *out)
{
	const int64_t thoughts = chunk_noted(out, "thoughtsTokenCount");
	const struct chunk_usage usage = {
		.prompt = chunk_noted(out, "promptTokenCount") +
			  chunk_noted(out, "toolUsePromptTokenCount"),
		.completion = chunk_noted(out, "candidatesTokenCount") + thoughts,
		.cached = chunk_noted(out, "cachedContentTokenCount"),
		.reasoning = thoughts,
	};

	return chunk_usage(out, &usage);
}

/* Every event has the tokens so far. They are written with the end of a candidate, and where they
 * come alone behind it. A prompt that was refused has no candidates. */
static int read_response(struct chunk_writer *out, struct json_object *root)
{
	struct json_object *candidates = wire_member(root, "candidates"), *candidate;
	const char *blocked = wire_text(wire_member(root, "promptFeedback"), "blockReason");
	bool is_end = json_length(candidates) == 0 && (blocked || out->has_finished);
	int rc = chunk_note_usage(out, wire_member(root, "usageMetadata"));

	if (rc == 0)
		rc = chunk_identify(out, wire_text(root, "responseId"),
				    wire_text(root, "modelVersion"));
	for (size_t i = 0; rc == 0 && i < json_length(candidates); i++) {
		candidate = json_object_array_get_idx(candidates, i);
		rc = read_candidate(out, candidate);
		is_end = is_end || wire_text(candidate, "finishReason");
	}
	if (rc == 0 && blocked && json_length(candidates) == 0)
		rc = chunk_finish(out, 0, finishes, "SAFETY");
	return rc == 0 && is_end ? write_usage(out) : rc;
}

int gemini_translate_answer(struct chunk_writer *out, struct json_object *root)
{
	int rc = 0;

	if (wire_member(root, "candidates") || wire_member(root, "promptFeedback"))
		return read_response(out, root);
	if (!json_object_is_type(root, json_type_array))
		return -EBADMSG;
	for (size_t i = 0; rc == 0 && i < json_length(root); i++)
		rc = read_response(out, json_object_array_get_idx(root, i));
	return rc;
}

int gemini_translate_event(struct chunk_writer *out, const char *event, struct json_object *root)
{
	(void)event; /* has no name */
	return read_response(out, root);
}
