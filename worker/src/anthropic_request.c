/* SPDX-License-Identifier: MIT */
/*
 * Anthropic's Messages, written. Instructions stand at the top, a message is a list of blocks, the
 * results of tools open the user's next turn, and the length of an answer must be stated.
 */
#include "anthropic.h"

#include <string.h>

#include "chat.h"
#include "json_build.h"
#include "openai.h"
#include "wire_error.h"

#define MAX_TOKENS_DEFAULT 4096 /* every model of the vendor gives that much */

/* ---- blocks */

static struct json_object *new_block(const char *type)
{
	struct json_object *block = json_object_new_object();

	return json_or_null(block, json_set_string(block, "type", type));
}

static struct json_object *text_block(struct chat *chat, const struct chat_part *part)
{
	struct json_object *block = new_block("text");

	(void)chat;
	return json_or_null(block, json_set_string(block, "text", part->text));
}

/* An image, or a document: type and place of its bytes. */
static struct json_object *source_block(const char *type, const struct chat_part *part)
{
	struct json_object *block = new_block(type);
	struct json_object *source = json_child(block, "source");
	int rc = json_set_string(source, "type", part->url ? "url" : "base64");

	if (rc == 0 && part->url)
		return json_or_null(block, json_set_string(source, "url", part->url));
	if (rc == 0)
		rc = json_set_string(source, "media_type", part->media_type);
	if (rc == 0)
		rc = json_set_string(source, "data", part->data);
	return json_or_null(block, rc);
}

static struct json_object *image_block(struct chat *chat, const struct chat_part *part)
{
	(void)chat;
	return source_block("image", part);
}

static struct json_object *document_block(struct chat *chat, const struct chat_part *part)
{
	if (strcmp(part->media_type, "application/pdf") == 0)
		return source_block("document", part);
	(void)chat_refuse(chat, "messages[%zu]: of files, %s takes PDF only", chat->message,
			  chat->form->name);
	return NULL;
}

static struct json_object *call_block(struct chat *chat, const struct chat_part *part)
{
	struct json_object *block = new_block("tool_use");
	int rc = json_set_string(block, "id", part->id);

	(void)chat;
	if (rc == 0)
		rc = json_set_string(block, "name", part->name);
	if (rc == 0)
		rc = json_set(block, "input", json_object_get(part->arguments));
	return json_or_null(block, rc);
}

static struct json_object *result_block(struct chat *chat, const struct chat_part *part)
{
	struct json_object *block = new_block("tool_result");
	int rc = json_set_string(block, "tool_use_id", part->id);

	(void)chat;
	if (rc == 0)
		rc = json_set_string(block, "content", part->text);
	return json_or_null(block, rc);
}

/* All instructions in order, an empty line between them. */
static int write_system(struct chat *chat)
{
	struct buffer text;
	int rc = 0;

	buffer_init(&text, WIRE_BODY_BYTES_MAX);
	for (size_t i = 0; rc == 0 && i < json_object_array_length(chat->system); i++) {
		rc = i > 0 ? buffer_add(&text, "\n\n", 2) : 0;
		if (rc == 0)
			rc = openai_add_text(json_object_array_get_idx(chat->system, i), &text);
	}
	if (rc == 0 && text.size > 0)
		rc = json_set_text(chat->body, "system", &text);
	buffer_deinit(&text);
	return rc;
}

/* ---- parameters */

/* Stop sequences of nothing but blanks are refused by the vendor. */
static int write_stop(struct chat *chat, const struct chat_param *param, struct json_object *value)
{
	struct json_object *list;
	int rc = chat_write_list(chat, param, value);

	list = wire_member(chat->body, param->path);
	for (size_t i = rc == 0 ? json_object_array_length(list) : 0; i-- > 0;) {
		const char *text = json_object_get_string(json_object_array_get_idx(list, i));

		if (text && text[strspn(text, " \t\r\n")] != '\0')
			continue;
		chat_omit(chat, "a stop of blanks");
		json_object_array_del_idx(list, i, 1);
	}
	return rc;
}

static int write_format(struct chat *chat, const struct chat_param *param,
			struct json_object *value)
{
	struct json_object *schema = wire_member(wire_member(value, "json_schema"), "schema");
	const char *type = wire_text(value, "type");
	int rc;

	if (!schema) {
		if (type && strcmp(type, "json_object") == 0)
			chat_omit(chat, param->name);
		return 0;
	}
	rc = chat_set(chat, "output_config.format.type", json_object_new_string("json_schema"));
	return rc == 0 ? chat_set(chat, "output_config.format.schema", json_object_get(schema))
		       : rc;
}

/* clang-format off */
static const struct chat_param params[] = {
	{"max_tokens",            "max_tokens",       chat_write_max_tokens},
	{"max_completion_tokens", "max_tokens",       NULL},
	{"temperature",           "temperature",      chat_write_unit},
	{"top_p",                 "top_p",            NULL},
	{"top_k",                 "top_k",            NULL},
	{"stop",                  "stop_sequences",   write_stop},
	{"user",                  "metadata.user_id", NULL},
	{"safety_identifier",     "metadata.user_id", NULL},
	{"thinking",              "thinking",         NULL},
	{"response_format",       NULL,               write_format},
	{"parallel_tool_calls",   NULL,               NULL},
	{NULL,                    NULL,               NULL},
};
/* clang-format on */

/* ---- tools */

static struct json_object *write_tool(struct chat *chat, struct json_object *function)
{
	struct json_object *description = wire_member(function, "description");
	struct json_object *strict = wire_member(function, "strict");
	struct json_object *tool = json_object_new_object();
	int rc = json_set(tool, "name", json_object_get(wire_member(function, "name")));

	(void)chat;
	if (rc == 0 && description)
		rc = json_set(tool, "description", json_object_get(description));
	if (rc == 0)
		rc = json_set_new(tool, "input_schema", chat_tool_parameters(function));
	if (rc == 0 && strict)
		rc = json_set(tool, "strict", json_object_get(strict));
	return json_or_null(tool, rc);
}

static int place_tools(struct chat *chat, struct json_object *tools, enum chat_choice choice,
		       const char *name)
{
	static const char *const types[] = {
		[CHAT_CHOICE_UNSAID] = "auto",  [CHAT_CHOICE_AUTO] = "auto",
		[CHAT_CHOICE_REQUIRED] = "any", [CHAT_CHOICE_NONE] = "none",
		[CHAT_CHOICE_NAMED] = "tool",
	};
	const bool one_only = chat_one_call_only(chat);
	int rc = chat_set(chat, "tools", tools);

	if (rc != 0 || (choice == CHAT_CHOICE_UNSAID && !one_only))
		return rc;
	rc = chat_set(chat, "tool_choice.type", json_object_new_string(types[choice]));
	if (rc == 0 && name)
		rc = chat_set(chat, "tool_choice.name", json_object_new_string(name));
	if (rc == 0 && one_only && choice != CHAT_CHOICE_NONE)
		rc = chat_set(chat, "tool_choice.disable_parallel_tool_use",
			      json_object_new_boolean(1));
	return rc;
}

/* ---- the whole */

static int finish(struct chat *chat)
{
	int rc = chat_shorten_texts(chat);

	if (rc == 0)
		rc = write_system(chat);
	if (rc == 0 && !wire_member(chat->body, "max_tokens"))
		rc = chat_set(chat, "max_tokens", json_object_new_int(MAX_TOKENS_DEFAULT));
	return rc;
}

const struct chat_form anthropic_form = {
	.name = "anthropic",
	.messages = "messages",
	.assistant = "assistant",
	.parts = "content",
	.write = {[CHAT_TEXT] = text_block,
		  [CHAT_IMAGE] = image_block,
		  [CHAT_FILE] = document_block,
		  [CHAT_CALL] = call_block,
		  [CHAT_RESULT] = result_block},
	.params = params,
	.write_tool = write_tool,
	.place_tools = place_tools,
	.finish = finish,
	.path = "/messages",
};
