/* SPDX-License-Identifier: MIT */
/* The parameters and the tools of a request in OpenAI's form: see chat.h. */
#include "chat.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "json_build.h"
#include "openai.h"

/* ---- what all forms share */

/* Not wishes: read elsewhere, or without a meaning for the answer. */
/* clang-format off */
static const char *const unremarkable[] = {
	"model", "messages", "stream", "stream_options", "tools", "tool_choice",
	"user", "safety_identifier", "metadata", "store", "service_tier", "moderation",
	"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "prediction", "audio",
};
/* clang-format on */

static bool is_unremarkable(const char *name)
{
	for (size_t i = 0; i < sizeof(unremarkable) / sizeof(unremarkable[0]); i++)
		if (strcmp(unremarkable[i], name) == 0)
			return true;
	return false;
}

static bool is(struct json_object *value, const char *text)
{
	return json_object_is_type(value, json_type_string) &&
	       strcmp(json_object_get_string(value), text) == 0;
}

/* What says no more than leaving it out. */
static bool is_default(const char *name, struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_null:
		return true;
	case json_type_boolean:
		return json_object_get_boolean(value) == (strcmp(name, "parallel_tool_calls") == 0);
	case json_type_int:
	case json_type_double:
		return json_object_get_double(value) == 0 ||
		       (strcmp(name, "n") == 0 && json_object_get_double(value) == 1);
	case json_type_string:
		return json_object_get_string_len(value) == 0;
	case json_type_array:
		return json_object_array_length(value) == 0 ||
		       (strcmp(name, "modalities") == 0 && json_object_array_length(value) == 1 &&
			is(json_object_array_get_idx(value, 0), "text"));
	case json_type_object:
		return (json_object_object_length(value) == 0 &&
			strcmp(name, "web_search_options") != 0) ||
		       (strcmp(name, "response_format") == 0 &&
			is(wire_member(value, "type"), "text"));
	}
	return false;
}

/* The caller's program would misread an answer without it. */
static bool is_relied_on(const char *name, struct json_object *value)
{
	static const char *const names[] = {"n", "modalities", "functions", "function_call"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return strcmp(name, "response_format") == 0 &&
	       is(wire_member(value, "type"), "json_schema");
}

static const struct chat_param *find_param(const struct chat_param *params, const char *name)
{
	for (; params->name; params++)
		if (strcmp(params->name, name) == 0)
			return params;
	return NULL;
}

static int write_param(struct chat *chat, const char *name, struct json_object *value)
{
	const struct chat_param *param = find_param(chat->form->params, name);

	if (!value)
		return 0;
	if (param && param->write)
		return param->write(chat, param, value);
	if (param && !param->path)
		return 0;
	if (param)
		return chat_set(chat, param->path, json_object_get(value));
	if (is_unremarkable(name) || is_default(name, value))
		return 0;
	if (is_relied_on(name, value))
		return chat_refuse(chat, "'%s' as given has no form in %s", name, chat->form->name);
	chat_omit(chat, name);
	return 0;
}

int chat_params(struct chat *chat)
{
	int rc = 0;

	json_object_object_foreach(chat->request, name, value)
	{
		rc = rc == 0 ? write_param(chat, name, value) : rc;
	}
	return rc;
}

/* ---- values */

int chat_write_unit(struct chat *chat, const struct chat_param *param, struct json_object *value)
{
	const double number = json_object_get_double(value);
	char omitted[64];

	if (number >= 0 && number <= 1)
		return chat_set(chat, param->path, json_object_get(value));
	(void)snprintf(omitted, sizeof(omitted), "%s %s", param->name,
		       number > 1 ? "above 1" : "below 0");
	chat_omit(chat, omitted);
	return chat_set(chat, param->path, json_object_new_int(number > 1));
}

int chat_write_list(struct chat *chat, const struct chat_param *param, struct json_object *value)
{
	struct json_object *list;
	int rc;

	if (json_object_is_type(value, json_type_array))
		return chat_set(chat, param->path, json_object_get(value));
	list = json_object_new_array();
	rc = json_append(list, json_object_get(value));
	if (rc == 0)
		return chat_set(chat, param->path, list);
	json_object_put(list);
	return rc;
}

int chat_write_five(struct chat *chat, const struct chat_param *param, struct json_object *value)
{
	const size_t count = openai_is_list(value) ? json_object_array_length(value) : 0;
	char omitted[64];

	if (count > 5) {
		(void)snprintf(omitted, sizeof(omitted), "a %s beyond 5", param->name);
		chat_omit(chat, omitted);
		(void)json_object_array_del_idx(value, 5, count - 5);
	}
	return chat_write_list(chat, param, value);
}

int chat_write_max_tokens(struct chat *chat, const struct chat_param *param,
			  struct json_object *value)
{
	if (wire_member(chat->request, "max_completion_tokens"))
		return 0;
	return chat_set(chat, param->path, json_object_get(value));
}

/* ---- tools */

static int add_tool(struct chat *chat, size_t index, struct json_object *tool,
		    struct json_object *list)
{
	struct json_object *function = wire_member(tool, "function"), *written;

	if (!is(wire_member(tool, "type"), "function") ||
	    !openai_is_text(wire_member(function, "name")))
		return chat_refuse(chat, "tools[%zu]: only functions with a name have a form in %s",
				   index, chat->form->name);
	written = chat->form->write_tool(chat, function);
	if (written)
		return json_append(list, written);
	return chat->is_refused ? -EINVAL : -ENOMEM;
}

struct json_object *chat_tool_parameters(struct json_object *function)
{
	static const char none[] = "{\"type\":\"object\",\"properties\":{}}";
	struct json_object *parameters = wire_member(function, "parameters");

	return parameters ? json_object_get(parameters) : json_tokener_parse(none);
}

struct json_object *chat_openai_tool(struct chat *chat, struct json_object *function)
{
	struct json_object *description = wire_member(function, "description");
	struct json_object *tool = json_object_new_object(), *written;
	int rc = json_set_string(tool, "type", "function");

	(void)chat;
	written = json_child(tool, "function");
	if (rc == 0)
		rc = json_set(written, "name", json_object_get(wire_member(function, "name")));
	if (rc == 0 && description)
		rc = json_set(written, "description", json_object_get(description));
	if (rc == 0)
		rc = json_set_new(written, "parameters", chat_tool_parameters(function));
	return json_or_null(tool, rc);
}

static int read_choice(struct chat *chat, enum chat_choice *ret_choice, const char **ret_name)
{
	static const char *const words[] = {
		[CHAT_CHOICE_AUTO] = "auto",
		[CHAT_CHOICE_REQUIRED] = "required",
		[CHAT_CHOICE_NONE] = "none",
	};
	struct json_object *choice = wire_member(chat->request, "tool_choice");
	struct json_object *name = wire_member(wire_member(choice, "function"), "name");

	*ret_choice = CHAT_CHOICE_UNSAID;
	*ret_name = NULL;
	if (!choice)
		return 0;
	for (enum chat_choice i = CHAT_CHOICE_AUTO; i <= CHAT_CHOICE_NONE; i++) {
		if (is(choice, words[i])) {
			*ret_choice = i;
			return 0;
		}
	}
	if (!openai_is_text(name))
		return chat_refuse(chat, "'tool_choice' as given has no form in %s",
				   chat->form->name);
	*ret_choice = CHAT_CHOICE_NAMED;
	*ret_name = json_object_get_string(name);
	return 0;
}

int chat_tools(struct chat *chat)
{
	struct json_object *tools = wire_member(chat->request, "tools"), *list;
	enum chat_choice choice;
	const char *name;
	int rc = 0;

	if (!openai_is_list(tools))
		return 0;
	list = json_object_new_array();
	for (size_t i = 0; rc == 0 && i < json_object_array_length(tools); i++)
		rc = add_tool(chat, i, json_object_array_get_idx(tools, i), list);
	if (rc == 0)
		rc = read_choice(chat, &choice, &name);
	if (rc == 0)
		return chat->form->place_tools(chat, list, choice, name);
	json_object_put(list);
	return rc;
}

bool chat_one_call_only(const struct chat *chat)
{
	struct json_object *parallel = wire_member(chat->request, "parallel_tool_calls");

	return json_object_is_type(parallel, json_type_boolean) &&
	       !json_object_get_boolean(parallel);
}
