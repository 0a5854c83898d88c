/* SPDX-License-Identifier: MIT */
/*
 * Cohere's chat, version 2, written. Messages and tools have OpenAI's shape, and nothing more than
 * it may be in them; parameters have names and ranges of their own.
 */
#include "cohere.h"

#include "chat.h"
#include "openai.h"
#include "text.h"

/* ---- parameters */

/* Its range is 0.01 to 0.99, of which the ends mean what OpenAI's do. */
static int write_top_p(struct chat *chat, const struct chat_param *param, struct json_object *value)
{
	const double number = json_object_get_double(value);

	if (number > 0.99)
		return chat_set(chat, param->path, json_object_new_double_s(0.99, "0.99"));
	if (number < 0.01)
		return chat_set(chat, param->path, json_object_new_double_s(0.01, "0.01"));
	return chat_set(chat, param->path, json_object_get(value));
}

/* JSON mode is not to be had beside tools. */
static int write_format(struct chat *chat, const struct chat_param *param,
			struct json_object *value)
{
	struct json_object *schema = wire_member(wire_member(value, "json_schema"), "schema");
	bool has_tools = openai_is_list(wire_member(chat->request, "tools"));
	const char *type = wire_text(value, "type");
	int rc;

	if (text_is(type, "text"))
		return 0;
	if (schema && has_tools)
		return chat_refuse(chat, "a schema for the answer beside tools has no form in %s",
				   chat->form->name);
	if (!schema && (has_tools || !text_is(type, "json_object"))) {
		chat_omit(chat, param->name);
		return 0;
	}
	rc = chat_set(chat, "response_format.type", json_object_new_string("json_object"));
	if (rc == 0 && schema)
		rc = chat_set(chat, "response_format.json_schema", json_object_get(schema));
	return rc;
}

/* clang-format off */
static const struct chat_param params[] = {
	{"max_tokens",            "max_tokens",        chat_write_max_tokens},
	{"max_completion_tokens", "max_tokens",        NULL},
	{"temperature",           "temperature",       chat_write_unit},
	{"top_p",                 "p",                 write_top_p},
	{"top_k",                 "k",                 NULL},
	{"frequency_penalty",     "frequency_penalty", chat_write_unit},
	{"presence_penalty",      "presence_penalty",  chat_write_unit},
	{"seed",                  "seed",              NULL},
	{"stop",                  "stop_sequences",    chat_write_five},
	{"response_format",       NULL,                write_format},
	/* its own */
	{"citation_options",      "citation_options",  NULL},
	{"documents",             "documents",         NULL},
	{"priority",              "priority",          NULL},
	{"safety_mode",           "safety_mode",       NULL},
	{"strict_tools",          "strict_tools",      NULL},
	{"thinking",              "thinking",          NULL},
	{NULL,                    NULL,                NULL},
};
/* clang-format on */

/* ---- tools */

/* A named tool is the only one there is. */
static int keep_named(struct chat *chat, struct json_object *tools, const char *name)
{
	for (size_t i = json_object_array_length(tools); i-- > 0;) {
		struct json_object *tool = json_object_array_get_idx(tools, i);

		if (!text_is(wire_text(wire_member(tool, "function"), "name"), name))
			json_object_array_del_idx(tools, i, 1);
	}
	return openai_is_list(tools)
		       ? 0
		       : chat_refuse(chat, "'tool_choice' names a tool that is not among 'tools'");
}

static int place_tools(struct chat *chat, struct json_object *tools, enum chat_choice choice,
		       const char *name)
{
	static const char *const words[] = {
		[CHAT_CHOICE_UNSAID] = NULL,         [CHAT_CHOICE_AUTO] = NULL,
		[CHAT_CHOICE_REQUIRED] = "REQUIRED", [CHAT_CHOICE_NONE] = "NONE",
		[CHAT_CHOICE_NAMED] = "REQUIRED",
	};
	int rc = chat_set(chat, "tools", tools);

	if (rc == 0 && name)
		rc = keep_named(chat, tools, name);
	if (rc == 0 && words[choice])
		rc = chat_set(chat, "tool_choice", json_object_new_string(words[choice]));
	return rc;
}

const struct chat_form cohere_form = {
	.name = "cohere",
	.messages = "messages",
	.assistant = "assistant",
	.parts = "content",
	.lists = {[CHAT_CALL] = "tool_calls"},
	.keeps_messages = true,
	.write = {[CHAT_TEXT] = chat_openai_text,
		  [CHAT_IMAGE] = chat_openai_image,
		  [CHAT_CALL] = chat_openai_call,
		  [CHAT_RESULT] = chat_openai_text},
	.params = params,
	.write_tool = chat_openai_tool,
	.place_tools = place_tools,
	.finish = chat_shorten_texts,
	.path = "/chat",
	.says_no_stream = true,
};
