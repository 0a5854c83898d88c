/* SPDX-License-Identifier: MIT */
/*
 * OpenAI's Responses API, written. The input is a list of items: messages, and beside them calls of
 * tools and their results. Names differ more than meanings do, but two defaults are other ones, so
 * what chat completions mean by saying nothing is said: nothing is stored, and the parameters of a
 * tool need not be strict.
 */
#include "responses.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "chat.h"
#include "json_build.h"
#include "text.h"

#define MAX_TOKENS_MIN 16 /* fewer are refused by the vendor */

/* ---- items and parts */

/* Members of OpenAI's form, or of this one: copied as they are. */
struct copy {
	const char *name;
	struct json_object *value; /* NULL: it is not there */
};

static struct json_object *new_typed(const char *type, const struct copy *copies, size_t count)
{
	struct json_object *object = json_object_new_object();
	int rc = json_set_string(object, "type", type);

	for (size_t i = 0; rc == 0 && i < count; i++)
		if (copies[i].value)
			rc = json_set(object, copies[i].name, json_object_get(copies[i].value));
	return json_or_null(object, rc);
}

static struct json_object *text_part(struct chat *chat, const struct chat_part *part)
{
	const bool is_answer = text_is(part->role, "assistant");
	struct json_object *text = new_typed(is_answer ? "output_text" : "input_text", NULL, 0);

	(void)chat;
	return json_or_null(text, json_set_string(text, "text", part->text));
}

static struct json_object *image_part(struct chat *chat, const struct chat_part *part)
{
	struct json_object *from = wire_member(part->from, "image_url");
	const struct copy copies[] = {
		{"image_url", wire_member(from, "url")},
		{"detail", wire_member(from, "detail")},
	};

	(void)chat;
	return new_typed("input_image", copies, sizeof(copies) / sizeof(copies[0]));
}

static struct json_object *file_part(struct chat *chat, const struct chat_part *part)
{
	struct json_object *from = wire_member(part->from, "file");
	const struct copy copies[] = {
		{"filename", wire_member(from, "filename")},
		{"file_data", wire_member(from, "file_data")},
	};

	(void)chat;
	return new_typed("input_file", copies, sizeof(copies) / sizeof(copies[0]));
}

static struct json_object *call_item(struct chat *chat, const struct chat_part *part)
{
	const char *arguments = wire_text(wire_member(part->from, "function"), "arguments");
	const bool is_blank = !arguments || !arguments[strspn(arguments, " \t\r\n")];
	struct json_object *item = new_typed("function_call", NULL, 0);
	int rc = json_set_string(item, "call_id", part->id);

	(void)chat;
	if (rc == 0)
		rc = json_set_string(item, "name", part->name);
	if (rc == 0)
		rc = json_set_string(item, "arguments", is_blank ? "{}" : arguments);
	return json_or_null(item, rc);
}

static struct json_object *result_item(struct chat *chat, const struct chat_part *part)
{
	struct json_object *item = new_typed("function_call_output", NULL, 0);
	int rc = json_set_string(item, "call_id", part->id);

	(void)chat;
	return json_or_null(item, rc == 0 ? json_set_string(item, "output", part->text) : rc);
}

/* ---- parameters */

static int write_max_tokens(struct chat *chat, const struct chat_param *param,
			    struct json_object *value)
{
	const bool is_too_few = json_object_is_type(value, json_type_int) &&
				json_object_get_int64(value) < MAX_TOKENS_MIN;
	char omitted[64];

	if (strcmp(param->name, "max_tokens") == 0 &&
	    wire_member(chat->request, "max_completion_tokens"))
		return 0;
	if (!is_too_few)
		return chat_set(chat, param->path, json_object_get(value));
	(void)snprintf(omitted, sizeof(omitted), "%s below %d", param->name, MAX_TOKENS_MIN);
	chat_omit(chat, omitted);
	return chat_set(chat, param->path, json_object_new_int(MAX_TOKENS_MIN));
}

static int write_logprobs(struct chat *chat, const struct chat_param *param,
			  struct json_object *value)
{
	struct json_object *included;
	int rc;

	if (!json_object_get_boolean(value))
		return 0;
	included = json_object_new_string("message.output_text.logprobs");
	rc = included ? chat_write_list(chat, param, included) : -ENOMEM;
	json_object_put(included);
	return rc;
}

/* What stands in "json_schema" there stands beside the type here. */
static int write_format(struct chat *chat, const struct chat_param *param,
			struct json_object *value)
{
	struct json_object *schema = wire_member(value, "json_schema");
	const bool has_schema = json_object_is_type(schema, json_type_object);
	const char *type = wire_text(value, "type");
	int rc = 0;

	if (text_is(type, "text"))
		return 0;
	if (!text_is(type, "json_object") && !has_schema) {
		chat_omit(chat, param->name);
		return 0;
	}
	if (has_schema)
		rc = chat_set(chat, "text.format", json_object_get(schema));
	return rc == 0 ? chat_set(chat, "text.format.type",
				  json_object_new_string(has_schema ? "json_schema" : type))
		       : rc;
}

/* clang-format off */
static const struct chat_param params[] = {
	{"max_tokens",             "max_output_tokens",      write_max_tokens},
	{"max_completion_tokens",  "max_output_tokens",      write_max_tokens},
	{"temperature",            "temperature",            NULL},
	{"top_p",                  "top_p",                  NULL},
	{"logprobs",               "include",                write_logprobs},
	{"top_logprobs",           "top_logprobs",           NULL},
	{"reasoning_effort",       "reasoning.effort",       NULL},
	{"verbosity",              "text.verbosity",         NULL},
	{"response_format",        NULL,                     write_format},
	{"parallel_tool_calls",    "parallel_tool_calls",    NULL},
	{"store",                  "store",                  NULL},
	{"metadata",               "metadata",               NULL},
	{"user",                   "user",                   NULL},
	{"safety_identifier",      "safety_identifier",      NULL},
	{"service_tier",           "service_tier",           NULL},
	{"prompt_cache_key",       "prompt_cache_key",       NULL},
	{"prompt_cache_retention", "prompt_cache_retention", NULL},
	{NULL,                     NULL,                     NULL},
};
/* clang-format on */

/* ---- tools */

static struct json_object *write_tool(struct chat *chat, struct json_object *function)
{
	struct json_object *strict = wire_member(function, "strict");
	const struct copy copies[] = {
		{"name", wire_member(function, "name")},
		{"description", wire_member(function, "description")},
	};
	struct json_object *tool =
		new_typed("function", copies, sizeof(copies) / sizeof(copies[0]));
	int rc = json_set_new(tool, "parameters", chat_tool_parameters(function));

	(void)chat;
	if (rc == 0)
		rc = json_set_new(tool, "strict",
				  strict ? json_object_get(strict) : json_object_new_boolean(0));
	return json_or_null(tool, rc);
}

static int place_tools(struct chat *chat, struct json_object *tools, enum chat_choice choice,
		       const char *name)
{
	static const char *const words[] = {
		[CHAT_CHOICE_UNSAID] = NULL,         [CHAT_CHOICE_AUTO] = "auto",
		[CHAT_CHOICE_REQUIRED] = "required", [CHAT_CHOICE_NONE] = "none",
		[CHAT_CHOICE_NAMED] = NULL,
	};
	int rc = chat_set(chat, "tools", tools);

	if (rc == 0 && words[choice])
		rc = chat_set(chat, "tool_choice", json_object_new_string(words[choice]));
	if (rc == 0 && name)
		rc = chat_set(chat, "tool_choice.type", json_object_new_string("function"));
	if (rc == 0 && name)
		rc = chat_set(chat, "tool_choice.name", json_object_new_string(name));
	return rc;
}

/* ---- the whole */

static int store_nothing(struct chat *chat)
{
	return chat_set(chat, "store", json_object_new_boolean(0));
}

const struct chat_form responses_form = {
	.name = "the Responses API",
	.messages = "input",
	.assistant = "assistant",
	.parts = "content",
	.keeps_messages = true,
	.has_items = true,
	.prepare = store_nothing, /* unless the caller says so */
	.write = {[CHAT_TEXT] = text_part,
		  [CHAT_IMAGE] = image_part,
		  [CHAT_FILE] = file_part,
		  [CHAT_CALL] = call_item,
		  [CHAT_RESULT] = result_item},
	.params = params,
	.write_tool = write_tool,
	.place_tools = place_tools,
	.path = "/responses",
	.says_no_stream = true,
};
