/* SPDX-License-Identifier: MIT */
/*
 * Ollama's own chat, written. Messages have OpenAI's shape, but their content is one text, images
 * stand beside it, and the arguments of a call are an object. Results go by the tool's name; ids,
 * which tell two calls of one tool apart, are known since version 0.12.10 and ignored before. What
 * tunes an answer is in "options", with what the OpenAI-compatible face has no place for, such as
 * the size of the context.
 */
#include "ollama.h"

#include "chat.h"
#include "json_build.h"
#include "openai.h"
#include "text.h"

/* ---- messages */

static struct json_object *write_image(struct chat *chat, const struct chat_part *part)
{
	if (part->data)
		return json_object_new_string(part->data);
	(void)chat_refuse(chat, "messages[%zu]: %s takes images as data URLs only", chat->message,
			  chat->form->name);
	return NULL;
}

static struct json_object *write_call(struct chat *chat, const struct chat_part *part)
{
	struct json_object *call = json_object_new_object();
	struct json_object *function = json_child(call, "function");
	int rc = json_set_string(call, "id", part->id);

	(void)chat;
	if (rc == 0)
		rc = json_set_string(function, "name", part->name);
	if (rc == 0)
		rc = json_set(function, "arguments", json_object_get(part->arguments));
	return json_or_null(call, rc);
}

/* An empty one where there is none. */
static int join_texts(struct json_object *message)
{
	struct buffer text;
	int rc;

	buffer_init(&text, WIRE_BODY_BYTES_MAX);
	rc = openai_add_text(wire_member(message, "content"), &text);
	if (rc == 0)
		rc = json_set_text(message, "content", &text);
	buffer_deinit(&text);
	return rc;
}

/* ---- parameters */

static int write_format(struct chat *chat, const struct chat_param *param,
			struct json_object *value)
{
	struct json_object *schema = wire_member(wire_member(value, "json_schema"), "schema");
	const char *type = wire_text(value, "type");

	if (text_is(type, "text"))
		return 0;
	if (schema)
		return chat_set(chat, param->path, json_object_get(schema));
	if (text_is(type, "json_object"))
		return chat_set(chat, param->path, json_object_new_string("json"));
	chat_omit(chat, param->name);
	return 0;
}

static int write_effort(struct chat *chat, const struct chat_param *param,
			struct json_object *value)
{
	static const char *const efforts[] = {"low", "medium", "high"};
	const char *effort = json_object_get_string(value);

	if (text_is(effort, "none"))
		return chat_set(chat, param->path, json_object_new_boolean(false));
	for (size_t i = 0; i < sizeof(efforts) / sizeof(efforts[0]); i++)
		if (text_is(effort, efforts[i]))
			return chat_set(chat, param->path, json_object_get(value));
	chat_omit(chat, param->name);
	return 0;
}

/* clang-format off */
static const struct chat_param params[] = {
	{"max_tokens",            "options.num_predict",       chat_write_max_tokens},
	{"max_completion_tokens", "options.num_predict",       NULL},
	{"temperature",           "options.temperature",       NULL},
	{"top_p",                 "options.top_p",             NULL},
	{"top_k",                 "options.top_k",             NULL},
	{"seed",                  "options.seed",              NULL},
	{"stop",                  "options.stop",              chat_write_list},
	{"presence_penalty",      "options.presence_penalty",  NULL},
	{"frequency_penalty",     "options.frequency_penalty", NULL},
	{"response_format",       "format",                    write_format},
	{"reasoning_effort",      "think",                     write_effort},
	/* its own */
	{"keep_alive",            "keep_alive",                NULL},
	{"think",                 "think",                     NULL},
	{"num_ctx",               "options.num_ctx",           NULL},
	{"num_predict",           "options.num_predict",       NULL},
	{"num_keep",              "options.num_keep",          NULL},
	{"min_p",                 "options.min_p",             NULL},
	{"typical_p",             "options.typical_p",         NULL},
	{"repeat_last_n",         "options.repeat_last_n",     NULL},
	{"repeat_penalty",        "options.repeat_penalty",    NULL},
	{"penalize_newline",      "options.penalize_newline",  NULL},
	{"mirostat",              "options.mirostat",          NULL},
	{"mirostat_eta",          "options.mirostat_eta",      NULL},
	{"mirostat_tau",          "options.mirostat_tau",      NULL},
	{"num_gpu",               "options.num_gpu",           NULL},
	{"num_thread",            "options.num_thread",        NULL},
	{NULL,                    NULL,                        NULL},
};
/* clang-format on */

/* ---- tools */

/* None is said by leaving them out; that one has to be called cannot be said. */
static int place_tools(struct chat *chat, struct json_object *tools, enum chat_choice choice,
		       const char *name)
{
	(void)name;
	if (choice == CHAT_CHOICE_UNSAID || choice == CHAT_CHOICE_AUTO)
		return chat_set(chat, "tools", tools);
	json_object_put(tools);
	return choice == CHAT_CHOICE_NONE
		       ? 0
		       : chat_refuse(chat, "'tool_choice' as given has no form in %s",
				     chat->form->name);
}

/* ---- the whole */

static int finish(struct chat *chat)
{
	struct json_object *messages = wire_member(chat->body, "messages");
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < json_object_array_length(messages); i++)
		rc = join_texts(json_object_array_get_idx(messages, i));
	return rc;
}

const struct chat_form ollama_form = {
	.name = "ollama",
	.messages = "messages",
	.assistant = "assistant",
	.parts = "content",
	.lists = {[CHAT_IMAGE] = "images", [CHAT_CALL] = "tool_calls"},
	.keeps_messages = true,
	.names_results = true,
	.write = {[CHAT_TEXT] = chat_openai_text,
		  [CHAT_IMAGE] = write_image,
		  [CHAT_CALL] = write_call,
		  [CHAT_RESULT] = chat_openai_text},
	.params = params,
	.write_tool = chat_openai_tool,
	.place_tools = place_tools,
	.finish = finish,
	.path = "/api/chat",
	.says_no_stream = true, /* it streams unless told not to */
};
