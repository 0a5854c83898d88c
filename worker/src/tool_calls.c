/* SPDX-License-Identifier: MIT */
/*
 * Tool calls come in fragments, joined by index; only the first is meant to carry id, type and
 * name.
 *
 * Vendors are not strict about it. Some repeat id and name in every fragment, some leave the index
 * out, some give all parallel calls index 0, some make a new id for each fragment: a fragment with
 * a name and another id begins a call, whatever its index.
 */
#include "tool_calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json_build.h"
#include "openai.h"
#include "wire_error.h"

#define CALLS_MAX 256 /* in one answer; twice as many as OpenAI allows tools */

struct tool_call {
	int64_t index;
	struct json_object *head; /* all but the text: id, type, function: {name} */
	bool is_custom;           /* "custom": {name, input}, not "function": {name, arguments} */
	struct buffer text;       /* arguments or input */
};

static struct tool_call *new_call(struct tool_calls *calls, int64_t index)
{
	struct tool_call *list, *call;

	list = realloc(calls->list, (calls->count + 1) * sizeof(*list));
	if (!list)
		return NULL;
	calls->list = list;
	call = &list[calls->count];
	*call = (struct tool_call){.index = index, .head = json_object_new_object()};
	buffer_init(&call->text, WIRE_BODY_BYTES_MAX);
	if (!call->head)
		return NULL;
	calls->count++;
	return call;
}

/* latest first: an index that was given twice means the later call */
static struct tool_call *call_at(struct tool_calls *calls, int64_t index)
{
	for (size_t i = calls->count; i > 0; i--)
		if (calls->list[i - 1].index == index)
			return &calls->list[i - 1];
	return NULL;
}

static bool begins_call(const struct tool_call *call, struct json_object *fragment)
{
	const char *id = wire_text(fragment, "id");
	const char *name = wire_text(wire_member(fragment, "function"), "name");
	const char *known = call ? wire_text(call->head, "id") : NULL;

	if (!id || *id == '\0' || !name || *name == '\0')
		return false;
	return !known || strcmp(known, id) != 0;
}

static struct tool_call *call_of(struct tool_calls *calls, struct json_object *fragment)
{
	struct json_object *index = wire_member(fragment, "index");
	int64_t at = index ? json_object_get_int64(index) : (int64_t)calls->count - 1;
	struct tool_call *call = call_at(calls, at);

	if (call && !begins_call(call, fragment))
		return call;
	if (calls->count == CALLS_MAX)
		return NULL;
	return new_call(calls, index ? at : (int64_t)calls->count);
}

static bool is_body(const char *name)
{
	return strcmp(name, "function") == 0 || strcmp(name, "custom") == 0;
}

static int merge_body_member(struct tool_call *call, struct json_object *head, const char *name,
			     struct json_object *value)
{
	if (strcmp(name, "arguments") == 0 || strcmp(name, "input") == 0)
		return openai_add_text(value, &call->text);
	return wire_member(head, name) ? 0 : json_set(head, name, json_object_get(value));
}

/* "function": {name, arguments}, "custom": {name, input} */
static int merge_body(struct tool_call *call, const char *kind, struct json_object *body)
{
	struct json_object *head = json_child(call->head, kind);

	if (!head)
		return -ENOMEM;
	call->is_custom = strcmp(kind, "custom") == 0;
	json_object_object_foreach(body, name, value)
	{
		int rc = value ? merge_body_member(call, head, name, value) : 0;

		if (rc != 0)
			return rc;
	}
	return 0;
}

static int merge_fragment(struct tool_call *call, struct json_object *fragment)
{
	json_object_object_foreach(fragment, name, value)
	{
		int rc = 0;

		if (strcmp(name, "index") == 0 || !value || json_is_empty_text(value))
			continue;
		if (is_body(name) && json_object_is_type(value, json_type_object))
			rc = merge_body(call, name, value);
		else if (!wire_member(call->head, name))
			rc = json_set(call->head, name, json_object_get(value));
		if (rc != 0)
			return rc;
	}
	return 0;
}

int tool_calls_merge(struct tool_calls *calls, struct json_object *list)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *fragment = json_object_array_get_idx(list, i);
		struct tool_call *call;
		int rc;

		if (!json_object_is_type(fragment, json_type_object))
			continue;
		call = call_of(calls, fragment);
		if (!call)
			return calls->count == CALLS_MAX ? -E2BIG : -ENOMEM;
		rc = merge_fragment(call, fragment);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* ---- writing */

static int write_call(struct tool_call *call, struct json_object *list)
{
	struct json_object *body = json_child(call->head, call->is_custom ? "custom" : "function");
	int rc = body ? 0 : -ENOMEM;

	if (rc == 0 && call->text.bytes)
		rc = json_set_text(body, call->is_custom ? "input" : "arguments", &call->text);
	if (rc == 0 && !wire_member(call->head, "type"))
		rc = json_set_new(call->head, "type", json_object_new_string("function"));
	if (rc == 0)
		rc = json_append(list, json_object_get(call->head));
	return rc;
}

int tool_calls_write(struct tool_calls *calls, struct json_object *message)
{
	struct json_object *list;
	int rc = 0;

	if (calls->count == 0)
		return 0;
	list = json_object_new_array();
	if (json_set_new(message, "tool_calls", list) != 0)
		return -ENOMEM;
	for (size_t i = 0; rc == 0 && i < calls->count; i++)
		rc = write_call(&calls->list[i], list);
	return rc;
}

void tool_calls_deinit(struct tool_calls *calls)
{
	for (size_t i = 0; i < calls->count; i++) {
		json_object_put(calls->list[i].head);
		buffer_deinit(&calls->list[i].text);
	}
	free(calls->list);
	*calls = (struct tool_calls){0};
}
