/* SPDX-License-Identifier: MIT */
/* Chunks in OpenAI's form: see chunk_writer.h. */
#include "chunk_writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "json_build.h"
#include "openai.h"
#include "text.h"

#define ID_BYTES  32
#define COUNT_MAX (INT64_C(1) << 53) /* tokens: what a wire claims can be added up */

void chunk_writer_init(struct chunk_writer *writer, const char *model,
		       int (*emit)(struct json_object *chunk, void *userdata), void *userdata)
{
	*writer = (struct chunk_writer){.emit = emit, .userdata = userdata, .model = model};
}

void chunk_writer_deinit(struct chunk_writer *writer)
{
	json_object_put(writer->head);
	json_object_put(writer->usage);
}

int chunk_event(struct chunk_writer *writer, const struct event_reader *readers, const char *name,
		struct json_object *event)
{
	for (; readers->name; readers++)
		if (text_is(name, readers->name))
			return readers->read(writer, event);
	return 0;
}

/* ---- who answers */

static void make_id(const char *prefix, char *ret)
{
	uint64_t random = 0;

	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	(void)snprintf(ret, ID_BYTES, "%s%016llx", prefix, (unsigned long long)random);
}

static int begin_head(struct chunk_writer *writer)
{
	char id[ID_BYTES];
	int rc;

	if (writer->head)
		return 0;
	make_id("chatcmpl-", id);
	writer->head = json_object_new_object();
	rc = json_set_string(writer->head, "id", id);
	if (rc == 0)
		rc = json_set_string(writer->head, "object", "chat.completion.chunk");
	if (rc == 0)
		rc = json_set_new(writer->head, "created", json_object_new_int64(time(NULL)));
	if (rc == 0)
		rc = json_set_string(writer->head, "model", writer->model ? writer->model : "");
	return rc;
}

int chunk_identify(struct chunk_writer *writer, const char *id, const char *model)
{
	int rc = begin_head(writer);

	if (rc == 0 && id && *id)
		rc = json_set_string(writer->head, "id", id);
	if (rc == 0 && model && *model)
		rc = json_set_string(writer->head, "model", model);
	return rc;
}

/* A header may hold bytes that are no UTF-8. */
static bool is_ascii(const char *text)
{
	while (*text >= ' ' && *text <= '~')
		text++;
	return *text == '\0';
}

int chunk_identify_by(struct chunk_writer *writer, const struct wire_response *head,
		      const char *header)
{
	const char *id = header ? wire_header_get(head, header) : NULL;

	return id && is_ascii(id) ? chunk_identify(writer, id, NULL) : 0;
}

/* ---- chunks */

static int new_chunk(struct chunk_writer *writer, struct json_object **ret)
{
	struct json_object *chunk;
	int rc = begin_head(writer);

	*ret = NULL;
	if (rc != 0)
		return rc;
	chunk = json_object_new_object();
	if (!chunk)
		return -ENOMEM;
	json_object_object_foreach(writer->head, name, value)
	{
		rc = rc == 0 ? json_set(chunk, name, json_object_get(value)) : rc;
	}
	if (rc == 0)
		rc = json_set_new(chunk, "choices", json_object_new_array());
	*ret = chunk;
	return rc;
}

/* Takes the chunk. */
static int emit(struct chunk_writer *writer, struct json_object *chunk, int rc)
{
	if (rc == 0)
		rc = writer->emit(chunk, writer->userdata);
	json_object_put(chunk);
	return rc;
}

/* Takes delta and logprobs (NULL none), and emits them as the only choice of a chunk. finish: NULL
 * none. */
static int emit_choice(struct chunk_writer *writer, uint32_t choice, struct json_object *delta,
		       int rc, const char *finish, struct json_object *logprobs)
{
	struct json_object *chunk = NULL, *entry = json_object_new_object();
	bool needs_role = !writer->choices[choice].has_role;

	writer->choices[choice].has_role = true;
	if (rc == 0 && needs_role)
		rc = json_set_string(delta, "role", "assistant");
	if (rc == 0)
		rc = json_set_new(entry, "index", json_object_new_int64(choice));
	if (rc == 0)
		rc = json_set_new(entry, "delta", json_object_get(delta));
	if (rc == 0)
		rc = finish ? json_set_string(entry, "finish_reason", finish)
			    : json_set(entry, "finish_reason", NULL);
	if (rc == 0 && logprobs)
		rc = json_set(entry, "logprobs", json_object_get(logprobs));
	if (rc == 0)
		rc = new_chunk(writer, &chunk);
	if (rc == 0)
		rc = json_append(wire_member(chunk, "choices"), json_object_get(entry));
	json_object_put(delta);
	json_object_put(logprobs);
	json_object_put(entry);
	return emit(writer, chunk, rc);
}

static int emit_delta(struct chunk_writer *writer, uint32_t choice, struct json_object *delta,
		      int rc, const char *finish)
{
	return emit_choice(writer, choice, delta, rc, finish, NULL);
}

/* ---- texts */

int chunk_text(struct chunk_writer *writer, uint32_t choice, const char *member,
	       struct json_object *text)
{
	const bool says_empty =
		writer->is_answer && strcmp(member, "content") == 0 && json_is_empty_text(text);
	struct json_object *delta;

	if (!openai_is_text(text) && !says_empty)
		return 0;
	delta = json_object_new_object();
	return emit_delta(writer, choice, delta, json_set(delta, member, json_object_get(text)),
			  NULL);
}

int chunk_logprobs(struct chunk_writer *writer, uint32_t choice, struct json_object *content)
{
	struct json_object *logprobs;
	int rc;

	if (!content)
		return 0;
	logprobs = json_object_new_object();
	rc = json_set(logprobs, "content", content);
	return emit_choice(writer, choice, json_object_new_object(), rc, NULL, logprobs);
}

/* ---- tool calls */

static int set_call(struct json_object *call, const char *id, const char *name)
{
	char made[ID_BYTES];
	int rc;

	if (!id || !*id)
		make_id("call_", made);
	rc = json_set_string(call, "id", id && *id ? id : made);
	if (rc == 0)
		rc = json_set_string(call, "type", "function");
	if (rc == 0)
		rc = json_set_string(json_child(call, "function"), "name", name);
	return rc;
}

/* Takes the call: one fragment of it. */
static int emit_call(struct chunk_writer *writer, uint32_t choice, struct json_object *call, int rc,
		     const char *arguments)
{
	struct json_object *delta = json_object_new_object(), *list = json_object_new_array();
	int64_t index = (int64_t)writer->choices[choice].call_count - 1;

	if (rc == 0)
		rc = json_set_new(call, "index", json_object_new_int64(index));
	if (rc == 0)
		rc = json_set_string(json_child(call, "function"), "arguments", arguments);
	if (rc == 0)
		rc = json_append(list, json_object_get(call));
	if (rc == 0)
		rc = json_set_new(delta, "tool_calls", json_object_get(list));
	json_object_put(call);
	json_object_put(list);
	return emit_delta(writer, choice, delta, rc, NULL);
}

/* *ret: borrowed from the value; NULL: none, or none so far. Return: 0; -EBADMSG; -ENOMEM. */
static int arguments_text(struct json_object *value, const char **ret)
{
	*ret = NULL;
	if (!value || json_is_empty_text(value))
		return 0;
	if (json_object_is_type(value, json_type_string)) {
		*ret = json_object_get_string(value);
		return 0;
	}
	if (!json_object_is_type(value, json_type_object))
		return -EBADMSG;
	if (json_object_object_length(value) > 0) {
		*ret = json_line(value, NULL);
		return *ret ? 0 : -ENOMEM;
	}
	return 0;
}

/* Takes extra_content. */
static int begin_call(struct chunk_writer *writer, uint32_t choice, const char *id,
		      const char *name, const char *arguments, struct json_object *extra_content)
{
	struct json_object *call = json_object_new_object();
	int rc = extra_content ? json_set(call, "extra_content", extra_content) : 0;

	writer->choices[choice].call_count++;
	writer->choices[choice].lacks_arguments = !arguments;
	if (rc == 0)
		rc = set_call(call, id, name ? name : "");
	return emit_call(writer, choice, call, rc, arguments ? arguments : "");
}

int chunk_call(struct chunk_writer *writer, uint32_t choice, const char *id, const char *name,
	       struct json_object *arguments)
{
	const char *text;
	int rc = arguments_text(arguments, &text);

	return rc == 0 ? begin_call(writer, choice, id, name, text, NULL) : rc;
}

int chunk_call_with(struct chunk_writer *writer, uint32_t choice, const char *id, const char *name,
		    struct json_object *arguments, struct json_object *extra_content)
{
	const char *text;
	int rc = arguments_text(arguments, &text);

	if (rc == 0)
		return begin_call(writer, choice, id, name, text ? text : "{}", extra_content);
	json_object_put(extra_content);
	return rc;
}

int chunk_arguments(struct chunk_writer *writer, uint32_t choice, struct json_object *arguments)
{
	const char *text;
	int rc = arguments_text(arguments, &text);

	if (!text || writer->choices[choice].call_count == 0)
		return rc;
	writer->choices[choice].lacks_arguments = false;
	return emit_call(writer, choice, json_object_new_object(), 0, text);
}

int chunk_call_end(struct chunk_writer *writer, uint32_t choice)
{
	bool lacks_arguments = writer->choices[choice].lacks_arguments;

	writer->choices[choice].lacks_arguments = false;
	return lacks_arguments ? emit_call(writer, choice, json_object_new_object(), 0, "{}") : 0;
}

/* ---- the end */

int chunk_finish(struct chunk_writer *writer, uint32_t choice, const struct finish_name *names,
		 const char *wire)
{
	const char *openai = "stop";

	for (; names->wire; names++)
		if (strcmp(names->wire, wire) == 0)
			openai = names->openai;
	if (writer->choices[choice].call_count > 0 && strcmp(openai, "stop") == 0)
		openai = "tool_calls";
	writer->has_finished = true;
	return emit_delta(writer, choice, json_object_new_object(), 0, openai);
}

int chunk_note_usage(struct chunk_writer *writer, struct json_object *usage)
{
	int rc = 0;

	if (!json_object_is_type(usage, json_type_object))
		return 0;
	if (!writer->usage)
		writer->usage = json_object_new_object();
	json_object_object_foreach(usage, name, value)
	{
		if (rc == 0 && value)
			rc = json_set(writer->usage, name, json_object_get(value));
	}
	return rc;
}

int64_t chunk_noted(const struct chunk_writer *writer, const char *member)
{
	const int64_t count = json_object_get_int64(wire_member(writer->usage, member));

	return count < 0 ? 0 : count < COUNT_MAX ? count : COUNT_MAX;
}

static int set_count(struct json_object *object, const char *name, int64_t count)
{
	return json_set_new(object, name, json_object_new_int64(count));
}

int chunk_usage(struct chunk_writer *writer, const struct chunk_usage *usage)
{
	struct json_object *chunk, *into;
	int rc;

	if (!writer->usage)
		return 0;
	rc = new_chunk(writer, &chunk);
	into = rc == 0 ? json_child(chunk, "usage") : NULL;
	if (rc == 0)
		rc = set_count(into, "prompt_tokens", usage->prompt);
	if (rc == 0)
		rc = set_count(into, "completion_tokens", usage->completion);
	if (rc == 0)
		rc = set_count(into, "total_tokens", usage->prompt + usage->completion);
	if (rc == 0 && usage->cached > 0)
		rc = set_count(json_child(into, "prompt_tokens_details"), "cached_tokens",
			       usage->cached);
	if (rc == 0 && usage->reasoning > 0)
		rc = set_count(json_child(into, "completion_tokens_details"), "reasoning_tokens",
			       usage->reasoning);
	return emit(writer, chunk, rc);
}
