/* SPDX-License-Identifier: MIT */
/*
 * The chunks of a stream put together again: what the same request would have got unstreamed.
 *
 * A delta's members are of four kinds. Texts that grow (content, refusal, arguments ...) are
 * joined; tool calls are joined by index; other lists are appended to; of anything else the latest
 * value counts. So what a vendor adds to the form (citations, reasoning) is not lost. Null says
 * nothing.
 */
#include "assembly.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json_build.h"
#include "openai.h"
#include "tool_calls.h"
#include "wire_error.h"

#define CHOICES_MAX 128 /* OpenAI's largest n */

enum text {
	CONTENT,
	REFUSAL,
	REASONING_CONTENT,
	REASONING,
	ARGUMENTS,
	SOUND,
	TRANSCRIPT,
	TEXT_COUNT
};

/* clang-format off */
static const struct {
	const char *parent; /* NULL: the message itself */
	const char *name;
} texts[TEXT_COUNT] = {
	[CONTENT]           = {NULL, "content"},
	[REFUSAL]           = {NULL, "refusal"},
	[REASONING_CONTENT] = {NULL, "reasoning_content"},
	[REASONING]         = {NULL, "reasoning"},
	[ARGUMENTS]         = {"function_call", "arguments"},
	[SOUND]             = {"audio", "data"},
	[TRANSCRIPT]        = {"audio", "transcript"},
};
/* clang-format on */

struct choice {
	int64_t index;
	struct json_object *message; /* all but texts and tool calls */
	struct json_object *logprobs;
	struct json_object *finish_reason;
	struct buffer texts[TEXT_COUNT];
	struct tool_calls calls;
	bool says_something;
};

struct assembly {
	struct json_object *head; /* what stands beside the choices */
	struct choice *choices;
	size_t choice_count;
	bool judges_only;
	bool keeps_empty;
};

/* ---- merging members */

static int append(struct json_object *into, const char *name, struct json_object *list)
{
	struct json_object *all = wire_member(into, name);
	int rc = 0;

	if (!json_object_is_type(all, json_type_array)) {
		rc = json_set_new(into, name, json_object_new_array());
		all = wire_member(into, name);
	}
	for (size_t i = 0; rc == 0 && i < json_object_array_length(list); i++)
		rc = json_append(all, json_object_get(json_object_array_get_idx(list, i)));
	return rc;
}

static struct buffer *text_of(struct choice *choice, const char *parent, const char *name)
{
	for (size_t i = 0; i < TEXT_COUNT; i++) {
		bool same_parent = parent && texts[i].parent ? strcmp(parent, texts[i].parent) == 0
							     : parent == texts[i].parent;

		if (same_parent && strcmp(name, texts[i].name) == 0)
			return &choice->texts[i];
	}
	return NULL;
}

/* One member of the delta (parent NULL) or of an object in it, which is as deep as merging goes. */
static int merge_member(struct choice *choice, const char *parent, struct json_object *into,
			const char *name, struct json_object *value);

static int merge_members(struct choice *choice, const char *parent, struct json_object *into,
			 struct json_object *from)
{
	if (!into)
		return -ENOMEM;
	json_object_object_foreach(from, name, value)
	{
		int rc = value ? merge_member(choice, parent, into, name, value) : 0;

		if (rc != 0)
			return rc;
	}
	return 0;
}

static int merge_member(struct choice *choice, const char *parent, struct json_object *into,
			const char *name, struct json_object *value)
{
	struct buffer *text = text_of(choice, parent, name);

	if (text)
		return openai_add_text(value, text);
	if (json_object_is_type(value, json_type_array))
		return !parent && strcmp(name, "tool_calls") == 0
			       ? tool_calls_merge(&choice->calls, value)
			       : append(into, name, value);
	if (json_object_is_type(value, json_type_object) && !parent)
		return merge_members(choice, name, json_child(into, name), value);
	return json_set(into, name, json_object_get(value));
}

/* ---- choices and what stands beside them */

static struct choice *choice_at(struct assembly *assembly, int64_t index)
{
	struct choice *choices, *choice;

	for (size_t i = 0; i < assembly->choice_count; i++)
		if (assembly->choices[i].index == index)
			return &assembly->choices[i];
	if (assembly->choice_count == CHOICES_MAX)
		return NULL;
	choices = realloc(assembly->choices, (assembly->choice_count + 1) * sizeof(*choices));
	if (!choices)
		return NULL;
	assembly->choices = choices;
	choice = &choices[assembly->choice_count];
	*choice = (struct choice){.index = index, .message = json_object_new_object()};
	for (size_t i = 0; i < TEXT_COUNT; i++)
		buffer_init(&choice->texts[i], WIRE_BODY_BYTES_MAX);
	if (!choice->message)
		return NULL;
	assembly->choice_count++;
	return choice;
}

static int merge_logprobs(struct choice *choice, struct json_object *logprobs)
{
	if (!json_object_is_type(logprobs, json_type_object))
		return 0;
	if (!choice->logprobs)
		choice->logprobs = json_object_new_object();
	return merge_members(choice, "logprobs", choice->logprobs, logprobs);
}

static int merge_choice(struct assembly *assembly, struct json_object *from)
{
	struct json_object *index = wire_member(from, "index");
	struct json_object *delta = wire_member(from, "delta");
	struct json_object *finish = wire_member(from, "finish_reason");
	struct choice *choice = choice_at(assembly, json_object_get_int64(index));
	int rc = 0;

	if (!choice)
		return assembly->choice_count == CHOICES_MAX ? -E2BIG : -ENOMEM;
	if (json_object_is_type(delta, json_type_object)) {
		choice->says_something = choice->says_something || openai_says_something(delta);
		if (!assembly->judges_only)
			rc = merge_members(choice, NULL, choice->message, delta);
	}
	if (rc == 0 && !assembly->judges_only)
		rc = merge_logprobs(choice, wire_member(from, "logprobs"));
	if (json_object_is_type(finish, json_type_string) && !json_is_empty_text(finish)) {
		json_object_put(choice->finish_reason);
		choice->finish_reason = json_object_get(finish);
	}
	return rc;
}

/* The first chunk of some vendors has an empty id and model, and 0 for the time. */
static bool is_identity(const char *name)
{
	return strcmp(name, "id") == 0 || strcmp(name, "created") == 0 ||
	       strcmp(name, "model") == 0;
}

static bool says_nothing(struct json_object *value)
{
	return json_is_empty_text(value) ||
	       (json_object_is_type(value, json_type_int) && json_object_get_int64(value) <= 0);
}

static int merge_head(struct assembly *assembly, struct json_object *chunk)
{
	json_object_object_foreach(chunk, name, value)
	{
		if (!value || strcmp(name, "choices") == 0 || strcmp(name, "object") == 0 ||
		    strcmp(name, "obfuscation") == 0)
			continue;
		if (is_identity(name) && (says_nothing(value) || wire_member(assembly->head, name)))
			continue;
		if (json_set(assembly->head, name, json_object_get(value)) != 0)
			return -ENOMEM;
	}
	return 0;
}

int assembly_add(struct assembly *assembly, struct json_object *chunk)
{
	struct json_object *choices = wire_member(chunk, "choices");
	int rc = merge_head(assembly, chunk);

	if (!json_object_is_type(choices, json_type_array))
		return rc;
	for (size_t i = 0; rc == 0 && i < json_object_array_length(choices); i++)
		rc = merge_choice(assembly, json_object_array_get_idx(choices, i));
	return rc;
}

/* ---- judging */

bool assembly_is_whole(const struct assembly *assembly)
{
	for (size_t i = 0; i < assembly->choice_count; i++)
		if (!assembly->choices[i].finish_reason)
			return false;
	return assembly->choice_count > 0;
}

bool assembly_says_something(const struct assembly *assembly)
{
	for (size_t i = 0; i < assembly->choice_count; i++)
		if (assembly->choices[i].says_something)
			return true;
	return false;
}

const char *assembly_explained(const struct assembly *assembly)
{
	for (size_t i = 0; i < assembly->choice_count; i++) {
		const char *finish = json_object_get_string(assembly->choices[i].finish_reason);

		if (openai_finish_explains(finish))
			return finish;
	}
	return NULL;
}

static const struct choice *first_choice(const struct assembly *assembly)
{
	const struct choice *first = assembly->choices;

	for (size_t i = 1; i < assembly->choice_count; i++)
		if (assembly->choices[i].index < first->index)
			first = &assembly->choices[i];
	return first;
}

const char *assembly_finish(const struct assembly *assembly)
{
	const struct choice *first = first_choice(assembly);

	return openai_finish(first ? json_object_get_string(first->finish_reason) : NULL);
}

/* ---- writing */

static int write_texts(struct choice *choice, bool keeps_empty)
{
	bool has_else =
		!keeps_empty && (choice->calls.count > 0 || choice->texts[REFUSAL].size > 0);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < TEXT_COUNT; i++) {
		const struct buffer *text = &choice->texts[i];
		struct json_object *into = choice->message;

		if (!text->bytes)
			continue;
		if (text->size == 0 && !texts[i].parent && (i != CONTENT || has_else))
			continue;
		if (texts[i].parent)
			into = json_child(choice->message, texts[i].parent);
		rc = into ? json_set_text(into, texts[i].name, text) : -ENOMEM;
	}
	return rc;
}

/* With what OpenAI's own answers always have, where nothing of it came. */
static int write_message(const struct assembly *assembly, struct choice *choice,
			 struct json_object *into)
{
	struct json_object *message = choice->message;
	int rc = write_texts(choice, assembly->keeps_empty);

	if (rc == 0)
		rc = tool_calls_write(&choice->calls, message);
	if (rc == 0 && !wire_member(message, "role"))
		rc = json_set_new(message, "role", json_object_new_string("assistant"));
	if (rc == 0 && !wire_member(message, "content"))
		rc = json_set(message, "content", NULL);
	if (rc == 0 && !wire_member(message, "refusal"))
		rc = json_set(message, "refusal", NULL);
	if (rc == 0 && !wire_member(message, "annotations"))
		rc = json_set_new(message, "annotations", json_object_new_array());
	return rc == 0 ? json_set(into, "message", json_object_get(message)) : rc;
}

static int write_choice(const struct assembly *assembly, struct choice *choice,
			struct json_object *list)
{
	struct json_object *into = json_object_new_object();
	int rc = json_set_new(into, "index", json_object_new_int64(choice->index));

	if (rc == 0)
		rc = write_message(assembly, choice, into);
	if (rc == 0)
		rc = json_set(into, "logprobs", json_object_get(choice->logprobs));
	if (rc == 0)
		rc = json_set(into, "finish_reason", json_object_get(choice->finish_reason));
	if (rc == 0)
		return json_append(list, into);
	json_object_put(into);
	return rc;
}

static int by_index(const void *a, const void *b)
{
	const struct choice *left = a, *right = b;

	return (left->index > right->index) - (left->index < right->index);
}

static int write_choices(struct assembly *assembly, struct json_object *into)
{
	struct json_object *list = json_object_new_array();
	int rc = json_set_new(into, "choices", list);

	qsort(assembly->choices, assembly->choice_count, sizeof(*assembly->choices), by_index);
	for (size_t i = 0; rc == 0 && i < assembly->choice_count; i++)
		rc = write_choice(assembly, &assembly->choices[i], list);
	if (rc == 0) /* arguments that came in no delta are none */
		rc = openai_straighten(list);
	return rc < 0 ? rc : 0;
}

static int write_head(const struct assembly *assembly, int64_t now_unix_s, struct json_object *into)
{
	struct json_object *id = wire_member(assembly->head, "id");
	struct json_object *created = wire_member(assembly->head, "created");
	struct json_object *model = wire_member(assembly->head, "model");
	int rc;

	rc = json_set_new(into, "id", id ? json_object_get(id) : json_object_new_string(""));
	if (rc == 0)
		rc = json_set_new(into, "object", json_object_new_string("chat.completion"));
	if (rc == 0)
		rc = json_set_new(into, "created",
				  created ? json_object_get(created)
					  : json_object_new_int64(now_unix_s));
	if (rc == 0)
		rc = json_set_new(into, "model",
				  model ? json_object_get(model) : json_object_new_string(""));
	return rc;
}

/* usage, system_fingerprint, and what vendors add */
static int write_rest(const struct assembly *assembly, struct json_object *into)
{
	json_object_object_foreach(assembly->head, name, value)
	{
		if (!is_identity(name) && json_set(into, name, json_object_get(value)) != 0)
			return -ENOMEM;
	}
	return 0;
}

static char *memdup(const char *bytes, size_t size)
{
	char *copy = malloc(size);

	return copy ? memcpy(copy, bytes, size) : NULL;
}

static int copy_out(struct json_object *completion, const struct buffer *text, struct answer *ret)
{
	const char *json = json_line(completion, &ret->json_bytes);

	ret->json = json ? strdup(json) : NULL;
	ret->text = text->size > 0 ? memdup(text->bytes, text->size + 1) : NULL;
	ret->text_bytes = text->size;
	return ret->json && (ret->text || text->size == 0) ? 0 : -ENOMEM;
}

int assembly_write(struct assembly *assembly, int64_t now_unix_s, struct answer *ret)
{
	struct json_object *completion = json_object_new_object();
	const struct buffer *text;
	int rc = completion ? write_head(assembly, now_unix_s, completion) : -ENOMEM;

	*ret = (struct answer){.finish = assembly_finish(assembly)};
	if (rc == 0)
		rc = write_choices(assembly, completion);
	if (rc == 0)
		rc = write_rest(assembly, completion);
	if (rc == 0) {
		text = &assembly->choices[0].texts[CONTENT];
		if (text->size == 0)
			text = &assembly->choices[0].texts[REFUSAL];
		rc = copy_out(completion, text, ret);
	}
	if (rc != 0)
		answer_deinit(ret);
	json_object_put(completion);
	return rc;
}

uint32_t assembly_tokens_used(const struct assembly *assembly)
{
	return openai_tokens_used(wire_member(assembly->head, "usage"));
}

/* ---- life */

struct assembly *assembly_new(void)
{
	struct assembly *assembly = calloc(1, sizeof(*assembly));

	if (!assembly)
		return NULL;
	assembly->head = json_object_new_object();
	return assembly->head ? assembly : assembly_free(assembly);
}

void assembly_keep_empty(struct assembly *assembly)
{
	assembly->keeps_empty = true;
}

void assembly_judge_only(struct assembly *assembly)
{
	assembly->judges_only = true;
}

static void free_choice(struct choice *choice)
{
	for (size_t i = 0; i < TEXT_COUNT; i++)
		buffer_deinit(&choice->texts[i]);
	tool_calls_deinit(&choice->calls);
	json_object_put(choice->message);
	json_object_put(choice->logprobs);
	json_object_put(choice->finish_reason);
}

struct assembly *assembly_free(struct assembly *assembly)
{
	if (!assembly)
		return NULL;
	for (size_t i = 0; i < assembly->choice_count; i++)
		free_choice(&assembly->choices[i]);
	free(assembly->choices);
	json_object_put(assembly->head);
	free(assembly);
	return NULL;
}
