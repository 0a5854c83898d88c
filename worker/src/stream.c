/* SPDX-License-Identifier: MIT */
/*
 * A streamed answer: bytes in, chunks in OpenAI's form out, and at the end the question whether it
 * was whole. The events of another form are translated; all else is the same for every form.
 *
 * Only finish reasons make it whole, one for each choice that has begun. "[DONE]" proves nothing
 * (some servers send it after an error), its absence harms nothing, and a connection that ends
 * cleanly may still have lost half the answer: Ollama ends so when its runner has crashed. What is
 * whole stays so, whatever comes after it: its reader has the finish reason already.
 *
 * An error may come at any event, and ends the stream: {"error": ...}, an event named "error" or a
 * binary exception, a choice whose finish reason is "error". It is kept, and classified at the end,
 * when the headers are at hand.
 *
 * A server may also answer with one JSON body and call it a stream. Then nothing here is an event:
 * the body is gathered until its last brace, and handed out as one chunk.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assembly.h"
#include "chunk.h"
#include "chunk_writer.h"
#include "classify.h"
#include "eventstream.h"
#include "json_build.h"
#include "json_scan.h"
#include "openai.h"
#include "wire_error.h"

enum form {
	UNKNOWN, /* nothing but blanks and a byte-order mark came */
	EVENTS,
	ONE_BODY /* JSON, or a page */
};

/* one JSON text that comes in pieces: is it all there? */
struct braces {
	unsigned depth;
	bool in_string;
	bool escaped;
};

struct stream_reader {
	const struct http_route *route;
	const struct adapter *adapter;
	struct chunk_writer writer; /* of forms that are translated */
	enum form form;
	bool failed;         /* the stream has ended itself: nothing further is read */
	const char *problem; /* why, if it was no error of the server's: rule and text; else NULL */
	const char *problem_text;
	char unreadable[JSON_ERROR_BYTES + 64]; /* the text for an event that json_read() refused */
	bool had_event;
	bool was_whole; /* after the last event that did not fail */
	struct sse *sse;
	struct eventstream *eventstream; /* instead, of forms whose events are binary */
	struct assembly *assembly;
	struct buffer body; /* the event that failed; or, of form ONE_BODY, the body */
	struct braces braces;
	struct answer answer; /* of form ONE_BODY, when its last brace has come */
	uint32_t tokens_used; /* by that one */
	int64_t now_unix_s;   /* at the end */
	struct buffer object; /* of FRAMING_OBJECTS, the event so far */
	struct buffer line;   /* an event's data on one line */
	struct buffer text;   /* an event's text */
	stream_event_fn fn;   /* during a feed */
	void *userdata;
};

/* ---- streams that end themselves */

/* What came is no answer. Return: 1, for stream_feed() to return. */
static int fail(struct stream_reader *reader, const char *problem, const char *text)
{
	reader->failed = true;
	reader->problem = problem;
	reader->problem_text = text;
	return 1;
}

/* An error came. It is kept as a body of its own. */
static int fail_with(struct stream_reader *reader, const char *json, size_t size)
{
	int rc;

	reader->failed = true;
	reader->body.size = 0;
	rc = buffer_add(&reader->body, json, size);
	return rc == 0 ? 1 : rc;
}

/* Takes the error, which stands alone. */
static int fail_with_error(struct stream_reader *reader, struct json_object *error)
{
	struct json_object *wrapped = json_object_new_object();
	const char *json;
	size_t size;
	int rc = json_set_new(wrapped, "error", error);

	if (rc == 0) {
		json = json_line(wrapped, &size);
		rc = json ? fail_with(reader, json, size) : -ENOMEM;
	}
	json_object_put(wrapped);
	return rc;
}

/* An event named "error" may hold the bare error: {"code": ..., "message": ...} or a text. */
static int fail_by_event(struct stream_reader *reader, struct json_object *root,
			 const struct sse_event *event)
{
	if (wire_error_in(root))
		return fail_with(reader, event->data, event->data_bytes);
	return fail_with_error(reader,
			       root ? json_object_get(root) : json_object_new_string(event->data));
}

/* The name of a binary one is the error's type. */
static int fail_by_exception(struct stream_reader *reader, struct json_object *root,
			     const struct sse_event *event)
{
	bool is_object = json_object_is_type(root, json_type_object);
	struct json_object *error = is_object ? json_object_get(root) : json_object_new_object();
	int rc = is_object ? 0 : json_set_string(error, "message", event->data);

	if (rc == 0)
		rc = json_set_string(error, "type", event->event);
	if (rc == 0)
		return fail_with_error(reader, error);
	json_object_put(error);
	return rc;
}

/* ---- chunks */

/* The event's data as one line: in JSON, a line end is a blank. Borrowed until the next event. */
static int one_line(struct stream_reader *reader, const struct sse_event *event, const char **ret)
{
	int rc;

	*ret = event->data;
	if (!memchr(event->data, '\n', event->data_bytes))
		return 0;
	reader->line.size = 0;
	rc = buffer_add(&reader->line, event->data, event->data_bytes);
	for (size_t i = 0; rc == 0 && i < reader->line.size; i++)
		if (reader->line.bytes[i] == '\n')
			reader->line.bytes[i] = ' ';
	*ret = reader->line.bytes;
	return rc;
}

static bool shows_reasoning(struct json_object *delta)
{
	return openai_is_text(wire_member(delta, "reasoning_content")) ||
	       openai_is_text(wire_member(delta, "reasoning"));
}

static int describe(struct stream_reader *reader, struct json_object *choices,
		    struct stream_event *event)
{
	int rc = 0;

	reader->text.size = 0;
	for (size_t i = 0; rc == 0 && i < json_object_array_length(choices); i++) {
		struct json_object *choice = json_object_array_get_idx(choices, i);
		struct json_object *delta = wire_member(choice, "delta");

		event->content =
			event->content || openai_says_something(delta) || shows_reasoning(delta);
		event->finish =
			event->finish || openai_is_text(wire_member(choice, "finish_reason"));
		if (json_object_get_int64(wire_member(choice, "index")) != 0)
			continue;
		rc = openai_add_text(wire_member(delta, "content"), &reader->text);
		if (rc == 0 && reader->text.size == 0)
			rc = openai_add_text(wire_member(delta, "refusal"), &reader->text);
	}
	if (reader->text.size > 0) {
		event->text = reader->text.bytes;
		event->text_bytes = reader->text.size;
	}
	return rc;
}

/* @json: the chunk as it came; NULL: it is to be written anew */
static int hand_out(struct stream_reader *reader, struct json_object *chunk, const char *json,
		    size_t json_bytes)
{
	struct stream_event event = {.type = STREAM_CHUNK, .json = json, .json_bytes = json_bytes};
	int rc = assembly_add(reader->assembly, chunk);

	if (rc == -E2BIG)
		return fail(reader, "too many choices",
			    "more choices or tool calls than any model gives");
	if (!json)
		event.json = json_line(chunk, &event.json_bytes);
	if (!event.json)
		return -ENOMEM;
	if (rc == 0)
		rc = describe(reader, wire_member(chunk, "choices"), &event);
	return rc == 0 ? reader->fn(&event, reader->userdata) : rc;
}

static int hand_out_written(struct json_object *chunk, void *userdata)
{
	return hand_out(userdata, chunk, NULL, 0);
}

static int fail_of_form(struct stream_reader *reader)
{
	return fail(reader, "not of this form", "an event that is none of this provider's form");
}

/* A text completion's chunk has its text beside where a chat's has a delta. */
static int add_deltas(struct json_object *choices)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < json_object_array_length(choices); i++) {
		struct json_object *choice = json_object_array_get_idx(choices, i);
		struct json_object *delta = json_child(choice, "delta");

		rc = delta ? json_set(delta, "content",
				      json_object_get(wire_member(choice, "text")))
			   : -ENOMEM;
	}
	return rc;
}

/* Passes through; what is read into it is for the assembly and the verdict. */
static int hand_out_text(struct stream_reader *reader, struct json_object *chunk,
			 const struct sse_event *event)
{
	const char *json;
	int rc = one_line(reader, event, &json);

	if (rc == 0)
		rc = add_deltas(wire_member(chunk, "choices"));
	return rc == 0 ? hand_out(reader, chunk, json, event->data_bytes) : rc;
}

static int hand_out_as_it_is(struct stream_reader *reader, struct json_object *chunk,
			     const struct sse_event *event)
{
	const char *json = NULL;
	int rc = openai_straighten(wire_member(chunk, "choices"));

	if (rc == 0)
		rc = one_line(reader, event, &json);
	if (rc == -EBADMSG)
		return fail_of_form(reader);
	return rc < 0 ? rc : hand_out(reader, chunk, json, event->data_bytes);
}

static int translate(struct stream_reader *reader, struct json_object *root,
		     const struct sse_event *event)
{
	int rc = reader->adapter->translate_event(&reader->writer, event->event, root);

	if (rc == -EBADMSG)
		return fail_of_form(reader);
	return rc == 0 && reader->writer.is_done
		       ? reader->fn(&(const struct stream_event){.type = STREAM_DONE},
				    reader->userdata)
		       : rc;
}

static int fail_unreadable(struct stream_reader *reader, const char *error)
{
	(void)snprintf(reader->unreadable, sizeof(reader->unreadable),
		       "an event of the stream cannot be read: %s", error);
	return fail(reader, "event is no JSON", reader->unreadable);
}

/* root: NULL the event is no JSON, and `error` says why */
static int read_event(struct stream_reader *reader, struct json_object *root,
		      const struct sse_event *event, const char *error)
{
	if (event->is_error)
		return reader->eventstream ? fail_by_exception(reader, root, event)
					   : fail_by_event(reader, root, event);
	if (!root)
		return fail_unreadable(reader, error);
	if (classify_is_failure(root))
		return fail_with(reader, event->data, event->data_bytes);
	if (reader->adapter->translate_event)
		return translate(reader, root, event);
	if (json_object_is_type(wire_member(root, "choices"), json_type_array) &&
	    reader->route->endpoint == ENDPOINT_COMPLETIONS)
		return hand_out_text(reader, root, event);
	if (json_object_is_type(wire_member(root, "choices"), json_type_array))
		return hand_out_as_it_is(reader, root, event);
	return json_object_is_type(root, json_type_object) ? assembly_add(reader->assembly, root)
							   : 0;
}

static int on_event(const struct sse_event *event, void *userdata)
{
	struct stream_reader *reader = userdata;
	struct json_object *root;
	char error[JSON_ERROR_BYTES];
	int rc;

	reader->had_event = true;
	if (strcmp(event->data, "[DONE]") == 0)
		return reader->fn(&(const struct stream_event){.type = STREAM_DONE},
				  reader->userdata);
	root = json_read(event->data, event->data_bytes, error);
	rc = read_event(reader, root, event, error);
	if (rc == 0)
		reader->was_whole = assembly_is_whole(reader->assembly);
	json_object_put(root);
	return rc;
}

/* ---- one body instead of a stream */

static void see(struct braces *braces, char c)
{
	bool outside = !braces->in_string;

	if (braces->escaped) {
		braces->escaped = false;
		return;
	}
	switch (c) {
	case '\\':
		braces->escaped = !outside;
		break;
	case '"':
		braces->in_string = outside;
		break;
	case '{':
	case '[':
		braces->depth += outside;
		break;
	case '}':
	case ']':
		braces->depth -= outside && braces->depth > 0;
		break;
	default:
		break;
	}
}

/* How many bytes belong to the text. *ret_closed: its last brace is the last of them. */
static size_t size_until_closed(struct braces *braces, const char *bytes, size_t size,
				bool *ret_closed)
{
	for (size_t i = 0; i < size; i++) {
		see(braces, bytes[i]);
		*ret_closed = (bytes[i] == '}' || bytes[i] == ']') && braces->depth == 0;
		if (*ret_closed)
			return i + 1;
	}
	return size;
}

static int read_body(const struct stream_reader *reader, const struct wire_response *head,
		     struct answer *ret_answer, struct verdict *ret_verdict)
{
	struct wire_response response = *head;

	response.body = reader->body.bytes;
	response.body_bytes = reader->body.size;
	return answer_read(reader->route, &response, ret_answer, ret_verdict);
}

/* The whole body is there: as one chunk, if it is an answer. */
static int hand_out_body(struct stream_reader *reader)
{
	const struct wire_response head = {.status = 200};
	struct stream_event event = {.type = STREAM_CHUNK, .content = true, .finish = true};
	struct verdict verdict;
	char *json;
	int rc;

	if (read_body(reader, &head, &reader->answer, &verdict) != 0) {
		reader->failed = true;
		return 1;
	}
	reader->tokens_used = verdict.outcome.tokens;
	rc = chunk_from_answer(&reader->answer, &json);
	if (rc != 0)
		return rc == -EINVAL ? fail(reader, "broken choices", "choices without a message")
				     : rc;
	event.json = json;
	event.json_bytes = strlen(json);
	event.text = reader->answer.text;
	event.text_bytes = reader->answer.text_bytes;
	rc = reader->fn(&event, reader->userdata);
	free(json);
	return rc;
}

static int feed_body(struct stream_reader *reader, const char *bytes, size_t size)
{
	bool closed = false;
	int rc;

	if (reader->answer.json)
		return 0;
	size = size_until_closed(&reader->braces, bytes, size, &closed);
	rc = buffer_add(&reader->body, bytes, size);
	return rc == 0 && closed ? hand_out_body(reader) : rc;
}

/* ---- reading */

/* By its first byte that is no blank and no byte-order mark. No event begins like a body, where
 * events are not objects. */
static enum form form_of(const struct stream_reader *reader, char first)
{
	if (first != '\0' && strchr(" \t\r\n\xEF\xBB\xBF", first))
		return UNKNOWN;
	if (first == '{' && reader->adapter->framing == FRAMING_OBJECTS)
		return EVENTS;
	return first == '{' || first == '[' || first == '<' ? ONE_BODY : EVENTS;
}

static size_t blank_size(const char *bytes, size_t size)
{
	static const char blanks[] = {' ', '\t', '\r', '\n'};
	size_t blank = 0;

	while (blank < size && memchr(blanks, bytes[blank], sizeof(blanks)))
		blank++;
	return blank;
}

/* Each is an event when its last brace has come. */
static int feed_objects(struct stream_reader *reader, const char *bytes, size_t size)
{
	struct buffer *object = &reader->object;
	int rc = 0;

	while (rc == 0 && size > 0) {
		size_t used = object->size == 0 ? blank_size(bytes, size) : 0;
		bool closed = false;

		if (used == 0 && object->size == 0 && *bytes != '{')
			return -EBADMSG;
		if (used == 0) {
			used = size_until_closed(&reader->braces, bytes, size, &closed);
			rc = buffer_add(object, bytes, used);
		}
		if (rc == 0 && closed) {
			rc = on_event(&(const struct sse_event){.event = "",
								.data = object->bytes,
								.data_bytes = object->size},
				      reader);
			object->size = 0;
		}
		bytes += used;
		size -= used;
	}
	return rc;
}

static int feed_framed(struct stream_reader *reader, const char *bytes, size_t size)
{
	switch (reader->adapter->framing) {
	case FRAMING_BINARY:
		return eventstream_feed(reader->eventstream, bytes, size, on_event, reader);
	case FRAMING_OBJECTS:
		return feed_objects(reader, bytes, size);
	case FRAMING_SSE:
		break;
	}
	return sse_feed(reader->sse, bytes, size, on_event, reader);
}

static int feed_events(struct stream_reader *reader, const char *bytes, size_t size)
{
	int rc = feed_framed(reader, bytes, size);

	return rc == -EBADMSG ? fail(reader, "damaged event", "an event of the stream is damaged")
			      : rc;
}

int stream_feed(struct stream_reader *reader, const char *bytes, size_t size, stream_event_fn fn,
		void *userdata)
{
	int rc;

	for (; reader->form == UNKNOWN && size > 0; bytes++, size--) {
		reader->form = form_of(reader, *bytes);
		if (reader->form != UNKNOWN)
			break;
	}
	if (reader->failed || size == 0)
		return reader->failed;
	reader->fn = fn;
	reader->userdata = userdata;
	rc = reader->form == EVENTS ? feed_events(reader, bytes, size)
				    : feed_body(reader, bytes, size);
	if (rc == -EMSGSIZE)
		return fail(reader, "over the cap", "more than fits into memory for one answer");
	return rc;
}

/* ---- the end */

static bool is_labelled_otherwise(const struct wire_response *head)
{
	return wire_header_get(head, "content-type") && !wire_is_event_stream(head);
}

/* No event came. */
static void judge_silence(const struct stream_reader *reader, const struct wire_response *head,
			  bool cut, struct verdict *ret)
{
	if (!cut && reader->form == UNKNOWN) {
		verdict_set(ret, LULL_CLASS_MALFORMED_RESPONSE, "empty answer", "no body");
	} else if (!cut && is_labelled_otherwise(head)) {
		verdict_set(ret, LULL_CLASS_MALFORMED_RESPONSE, "no event stream",
			    "something else than an event stream");
		ret->outcome.scope = LULL_KIND_ENDPOINT;
	} else {
		verdict_set(ret, LULL_CLASS_TRUNCATED_STREAM, "stream without an event",
			    "the stream ended before its first event");
	}
}

/* What came is a body or an error, and no answer. */
static void judge_body(const struct stream_reader *reader, const struct wire_response *head,
		       struct verdict *ret)
{
	struct answer none;

	if (read_body(reader, head, &none, ret) != 0)
		return;
	answer_deinit(&none);
	verdict_set(ret, LULL_CLASS_LOCAL, "memory", "out of memory");
}

/* Also if the event that failed began a choice. */
bool stream_is_whole(const struct stream_reader *reader)
{
	return reader->was_whole && assembly_is_whole(reader->assembly);
}

static void judge_failure(const struct stream_reader *reader, const struct wire_response *head,
			  bool cut, struct verdict *ret)
{
	if (reader->problem)
		verdict_set(ret, LULL_CLASS_MALFORMED_RESPONSE, reader->problem,
			    reader->problem_text);
	else if (reader->answer.json)
		verdict_set(ret, LULL_CLASS_ANSWERED, "answer", NULL);
	else if (reader->failed || reader->form == ONE_BODY)
		judge_body(reader, head, ret);
	else if (!reader->had_event)
		judge_silence(reader, head, cut, ret);
	else
		verdict_set(ret, LULL_CLASS_TRUNCATED_STREAM, "stream without a finish reason",
			    "the stream ended without a finish reason");
}

/* Of a whole stream with nothing in it, an error that came says more. */
static void judge(const struct stream_reader *reader, const struct wire_response *head, bool cut,
		  struct verdict *ret)
{
	if (stream_is_whole(reader)) {
		openai_judge(true, assembly_says_something(reader->assembly),
			     assembly_explained(reader->assembly), ret);
		if (ret->outcome.class_id == LULL_CLASS_ANSWERED || !reader->failed)
			return;
	}
	judge_failure(reader, head, cut, ret);
}

void stream_end(struct stream_reader *reader, const struct wire_response *head, bool cut,
		struct verdict *ret_verdict)
{
	judge(reader, head, cut, ret_verdict);
	ret_verdict->outcome.tokens =
		reader->answer.json ? reader->tokens_used : assembly_tokens_used(reader->assembly);
	ret_verdict->outcome.http_status = (uint32_t)head->status;
	reader->now_unix_s = head->now_unix_ms / 1000;
}

int stream_answer(struct stream_reader *reader, struct answer *ret_answer)
{
	if (!reader->answer.json)
		return assembly_write(reader->assembly, reader->now_unix_s, ret_answer);
	*ret_answer = reader->answer;
	reader->answer = (struct answer){0};
	return 0;
}

const char *stream_finish(const struct stream_reader *reader)
{
	return reader->answer.json ? reader->answer.finish : assembly_finish(reader->assembly);
}

/* ---- life */

static int make_parts(struct stream_reader *reader, const struct wire_response *head)
{
	const struct adapter *adapter = reader->adapter;

	if (adapter->framing == FRAMING_BINARY)
		reader->eventstream = eventstream_new(WIRE_BODY_BYTES_MAX);
	else
		reader->sse = sse_new(WIRE_BODY_BYTES_MAX);
	reader->assembly = assembly_new();
	if (!reader->assembly || (!reader->eventstream && !reader->sse))
		return -ENOMEM;
	return chunk_identify_by(&reader->writer, head, adapter->id_header);
}

struct stream_reader *stream_new(const struct http_route *route, const struct wire_response *head)
{
	struct stream_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->route = route;
	reader->adapter = adapter_of(route);
	chunk_writer_init(&reader->writer, route->model, hand_out_written, reader);
	buffer_init(&reader->body, WIRE_BODY_BYTES_MAX);
	buffer_init(&reader->object, WIRE_BODY_BYTES_MAX);
	buffer_init(&reader->line, WIRE_BODY_BYTES_MAX);
	buffer_init(&reader->text, WIRE_BODY_BYTES_MAX);
	return make_parts(reader, head) == 0 ? reader : stream_free(reader);
}

void stream_want_chunks_only(struct stream_reader *reader)
{
	assembly_judge_only(reader->assembly);
}

struct stream_reader *stream_free(struct stream_reader *reader)
{
	if (!reader)
		return NULL;
	sse_free(reader->sse);
	eventstream_free(reader->eventstream);
	assembly_free(reader->assembly);
	chunk_writer_deinit(&reader->writer);
	answer_deinit(&reader->answer);
	buffer_deinit(&reader->body);
	buffer_deinit(&reader->object);
	buffer_deinit(&reader->line);
	buffer_deinit(&reader->text);
	free(reader);
	return NULL;
}
