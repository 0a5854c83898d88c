/* SPDX-License-Identifier: MIT */
/*
 * Mistral's chat completions, written. They are OpenAI's but for a few names, and refuse what they
 * do not know, at any depth. So a request is not passed on with some bytes changed, but written
 * anew. Ids of tool calls, which may come from another vendor's answer, have a form of their own.
 */
#include "mistral.h"

#include <stdint.h>
#include <string.h>

#include "chat.h"
#include "json_build.h"
#include "openai.h"
#include "text.h"

/* ---- ids of tool calls: nine letters or digits */

#define ID_SIZE 9

static const char id_characters[] =
	"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static bool is_id(const char *text)
{
	return strlen(text) == ID_SIZE && strspn(text, id_characters) == ID_SIZE;
}

/* Another one that is always the same for the same text: by FNV-1a, to base 62. */
static void make_id(const char *text, char *ret)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
	for (size_t i = 0; i < ID_SIZE; i++, hash /= sizeof(id_characters) - 1)
		ret[i] = id_characters[hash % (sizeof(id_characters) - 1)];
	ret[ID_SIZE] = '\0';
}

static int change_id(struct json_object *object, const char *name)
{
	struct json_object *id = wire_member(object, name);
	char made[ID_SIZE + 1];

	if (!openai_is_text(id) || is_id(json_object_get_string(id)))
		return 0;
	make_id(json_object_get_string(id), made);
	return json_set_string(object, name, made);
}

/* In the request itself, which is ours: calls and results find each other as before. */
static int change_ids(struct chat *chat)
{
	struct json_object *messages = wire_member(chat->request, "messages");
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < json_length(messages); i++) {
		struct json_object *message = json_object_array_get_idx(messages, i);
		struct json_object *calls = wire_member(message, "tool_calls");

		rc = change_id(message, "tool_call_id");
		for (size_t k = 0; rc == 0 && k < json_length(calls); k++)
			rc = change_id(json_object_array_get_idx(calls, k), "id");
	}
	return rc;
}

/* ---- messages */

static struct json_object *new_part(const char *type, const char *value)
{
	struct json_object *part = json_object_new_object();
	int rc = json_set_string(part, "type", type);

	return json_or_null(part, rc == 0 ? json_set_string(part, type, value) : rc);
}

static struct json_object *file_part(struct chat *chat, const struct chat_part *part)
{
	const char *url = wire_text(wire_member(part->from, "file"), "file_data");
	struct json_object *written = new_part("document_url", url);

	(void)chat;
	if (!part->file_name)
		return written;
	return json_or_null(written, json_set_string(written, "document_name", part->file_name));
}

static struct json_object *audio_part(struct chat *chat, const struct chat_part *part)
{
	(void)chat;
	return new_part("input_audio", part->data);
}

/* The vendor answers users and tools; the beginning of an answer has to be marked as one. */
static int check_last(struct chat *chat, struct json_object *last)
{
	struct json_object *messages = wire_member(chat->request, "messages");
	struct json_object *from =
		json_object_array_get_idx(messages, json_object_array_length(messages) - 1);

	if (!text_is(wire_text(last, "role"), "assistant"))
		return 0;
	if (json_object_get_boolean(wire_member(from, "prefix")))
		return json_set_new(last, "prefix", json_object_new_boolean(1));
	return chat_refuse(chat, "the last message is the assistant's, which has no form in %s",
			   chat->form->name);
}

/* ---- parameters */

static int write_temperature(struct chat *chat, const struct chat_param *param,
			     struct json_object *value)
{
	if (json_object_get_double(value) <= 1.5)
		return chat_set(chat, param->path, json_object_get(value));
	chat_omit(chat, "temperature above 1.5");
	return chat_set(chat, param->path, json_object_new_double(1.5));
}

/* clang-format off */
static const struct chat_param params[] = {
	{"max_tokens",            "max_tokens",          chat_write_max_tokens},
	{"max_completion_tokens", "max_tokens",          NULL},
	{"temperature",           "temperature",         write_temperature},
	{"top_p",                 "top_p",               NULL},
	{"frequency_penalty",     "frequency_penalty",   NULL},
	{"presence_penalty",      "presence_penalty",    NULL},
	{"seed",                  "random_seed",         NULL},
	{"stop",                  "stop",                NULL},
	{"n",                     "n",                   NULL},
	{"response_format",       "response_format",     NULL},
	{"reasoning_effort",      "reasoning_effort",    NULL},
	{"parallel_tool_calls",   "parallel_tool_calls", NULL},
	{"prompt_cache_key",      "prompt_cache_key",    NULL},
	/* its own */
	{"guardrails",            "guardrails",          NULL},
	{"prompt_mode",           "prompt_mode",         NULL},
	{"random_seed",           "random_seed",         NULL},
	{"safe_prompt",           "safe_prompt",         NULL},
	{NULL,                    NULL,                  NULL},
};
/* clang-format on */

/* ---- tools */

static struct json_object *write_tool(struct chat *chat, struct json_object *function)
{
	struct json_object *tool = chat_openai_tool(chat, function);
	struct json_object *strict = wire_member(function, "strict");

	if (!strict)
		return tool;
	return json_or_null(
		tool, json_set(json_child(tool, "function"), "strict", json_object_get(strict)));
}

/* The choice has OpenAI's words. */
static int place_tools(struct chat *chat, struct json_object *tools, enum chat_choice choice,
		       const char *name)
{
	int rc = chat_set(chat, "tools", tools);

	(void)name;
	if (rc != 0 || choice == CHAT_CHOICE_UNSAID)
		return rc;
	return chat_set(chat, "tool_choice",
			json_object_get(wire_member(chat->request, "tool_choice")));
}

/* ---- the whole */

/* No message is without its content. */
static int finish(struct chat *chat)
{
	struct json_object *messages = wire_member(chat->body, "messages"), *message = NULL;
	int rc = chat_shorten_texts(chat);

	for (size_t i = 0; rc == 0 && i < json_object_array_length(messages); i++) {
		message = json_object_array_get_idx(messages, i);
		if (!wire_member(message, "content"))
			rc = json_set(message, "content", NULL);
	}
	return rc == 0 ? check_last(chat, message) : rc;
}

const struct chat_form mistral_form = {
	.name = "mistral",
	.messages = "messages",
	.assistant = "assistant",
	.parts = "content",
	.lists = {[CHAT_CALL] = "tool_calls"},
	.keeps_messages = true,
	.prepare = change_ids,
	.write = {[CHAT_TEXT] = chat_openai_text,
		  [CHAT_IMAGE] = chat_openai_image,
		  [CHAT_FILE] = file_part,
		  [CHAT_AUDIO] = audio_part,
		  [CHAT_CALL] = chat_openai_call,
		  [CHAT_RESULT] = chat_openai_text},
	.params = params,
	.write_tool = write_tool,
	.place_tools = place_tools,
	.finish = finish,
	.path = "/chat/completions",
};
