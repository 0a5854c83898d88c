/* SPDX-License-Identifier: MIT */
/*
 * Amazon Bedrock's Converse, written: the model stands in the path, instructions are a list of
 * their own, a message is a list of blocks, and the results of tools open the user's next turn.
 *
 * It is one form for models of many vendors. What only some of them take has no place in it but
 * additionalModelRequestFields, and that is the route's extra_body to fill.
 */
#include "bedrock.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "chat.h"
#include "json_build.h"
#include "openai.h"
#include "text.h"

#define DOCUMENT_NAME_BYTES 200 /* and no more, by its documentation */

/* ---- blocks */

struct format {
	const char *media_type; /* NULL ends the list */
	const char *name;
};

static const struct format images[] = {
	{"image/png", "png"}, {"image/jpeg", "jpeg"}, {"image/jpg", "jpeg"},
	{"image/gif", "gif"}, {"image/webp", "webp"}, {NULL, NULL},
};

/* clang-format off */
static const struct format documents[] = {
	{"application/pdf", "pdf"},
	{"text/csv", "csv"},
	{"text/html", "html"},
	{"text/markdown", "md"},
	{"text/plain", "txt"},
	{"application/msword", "doc"},
	{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"},
	{"application/vnd.ms-excel", "xls"},
	{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"},
	{NULL, NULL},
};
/* clang-format on */

static const char *format_of(const struct format *formats, const char *media_type)
{
	while (formats->media_type && strcasecmp(formats->media_type, media_type) != 0)
		formats++;
	return formats->name;
}

/* A block whose only member has that name; that member in *ret_content, NULL without memory. */
static struct json_object *new_block(const char *name, struct json_object **ret_content)
{
	struct json_object *block = json_object_new_object();

	*ret_content = json_child(block, name);
	return block;
}

static struct json_object *text_block(struct chat *chat, const struct chat_part *part)
{
	struct json_object *block = json_object_new_object();

	(void)chat;
	return json_or_null(block, json_set_string(block, "text", part->text));
}

/* name: NULL none */
static struct json_object *bytes_block(const char *type, const char *format, const char *name,
				       const char *data)
{
	struct json_object *content, *block = new_block(type, &content);
	int rc = json_set_string(content, "format", format);

	if (rc == 0 && name)
		rc = json_set_string(content, "name", name);
	if (rc == 0)
		rc = json_set_string(json_child(content, "source"), "bytes", data);
	return json_or_null(block, rc);
}

static struct json_object *image_block(struct chat *chat, const struct chat_part *part)
{
	const char *format = part->url ? NULL : format_of(images, part->media_type);

	if (format)
		return bytes_block("image", format, NULL, part->data);
	(void)chat_refuse(chat,
			  part->url ? "messages[%zu]: %s takes images as data URLs only"
				    : "messages[%zu]: of images, %s takes PNG, JPEG, GIF and WebP",
			  chat->message, chat->form->name);
	return NULL;
}

/* Letters, digits, hyphens: few characters are allowed, and a dot is not among them. */
static void write_document_name(const char *file_name, char *ret)
{
	const char *from = file_name && *file_name ? file_name : "document";
	size_t size = strnlen(from, DOCUMENT_NAME_BYTES);

	for (size_t i = 0; i < size; i++)
		ret[i] = isalnum((unsigned char)from[i]) ? from[i] : '-';
	ret[size] = '\0';
}

static struct json_object *document_block(struct chat *chat, const struct chat_part *part)
{
	const char *format = format_of(documents, part->media_type);
	char name[DOCUMENT_NAME_BYTES + 1];

	write_document_name(part->file_name, name);
	if (format)
		return bytes_block("document", format, name, part->data);
	(void)chat_refuse(chat, "messages[%zu]: a file of type '%.64s' has no form in %s",
			  chat->message, part->media_type, chat->form->name);
	return NULL;
}

static struct json_object *call_block(struct chat *chat, const struct chat_part *part)
{
	struct json_object *content, *block = new_block("toolUse", &content);
	int rc = json_set_string(content, "toolUseId", part->id);

	(void)chat;
	if (rc == 0)
		rc = json_set_string(content, "name", part->name);
	if (rc == 0)
		rc = json_set(content, "input", json_object_get(part->arguments));
	return json_or_null(block, rc);
}

/* JSON, if it is an object: other values are refused there. */
static struct json_object *result_content(struct chat *chat, const struct chat_part *part)
{
	char problem[128];
	struct json_object *json = json_read(part->text, strlen(part->text), problem), *block;

	if (!json_object_is_type(json, json_type_object)) {
		json_object_put(json);
		return text_block(chat, part);
	}
	block = json_object_new_object();
	return json_or_null(block, json_set(block, "json", json));
}

/* Takes the block; NULL is memory that ran out. */
static struct json_object *list_of(struct json_object *block)
{
	struct json_object *list = block ? json_object_new_array() : NULL;

	return block ? json_or_null(list, json_append(list, block)) : NULL;
}

static struct json_object *result_block(struct chat *chat, const struct chat_part *part)
{
	struct json_object *content, *block = new_block("toolResult", &content);
	int rc = json_set_string(content, "toolUseId", part->id);

	if (rc == 0)
		rc = json_set_new(content, "content", list_of(result_content(chat, part)));
	if (rc == 0)
		rc = json_set_string(content, "status", "success");
	return json_or_null(block, rc);
}

/* ---- parameters */

/* clang-format off */
static const struct chat_param params[] = {
	{"max_tokens",            "inferenceConfig.maxTokens",     chat_write_max_tokens},
	{"max_completion_tokens", "inferenceConfig.maxTokens",     NULL},
	{"temperature",           "inferenceConfig.temperature",   chat_write_unit},
	{"top_p",                 "inferenceConfig.topP",          NULL},
	{"stop",                  "inferenceConfig.stopSequences", chat_write_list},
	{NULL,                    NULL,                            NULL},
};
/* clang-format on */

/* ---- tools */

static struct json_object *write_tool(struct chat *chat, struct json_object *function)
{
	struct json_object *description = wire_member(function, "description");
	struct json_object *content, *tool = new_block("toolSpec", &content);
	int rc = json_set(content, "name", json_object_get(wire_member(function, "name")));

	(void)chat;
	if (rc == 0 && openai_is_text(description))
		rc = json_set(content, "description", json_object_get(description));
	if (rc == 0)
		rc = json_set_new(json_child(content, "inputSchema"), "json",
				  chat_tool_parameters(function));
	return json_or_null(tool, rc);
}

static int write_choice(struct chat *chat, enum chat_choice choice, const char *name)
{
	switch (choice) {
	case CHAT_CHOICE_AUTO:
		return chat_set(chat, "toolConfig.toolChoice.auto", json_object_new_object());
	case CHAT_CHOICE_REQUIRED:
		return chat_set(chat, "toolConfig.toolChoice.any", json_object_new_object());
	case CHAT_CHOICE_NAMED:
		return chat_set(chat, "toolConfig.toolChoice.tool.name",
				json_object_new_string(name));
	case CHAT_CHOICE_NONE:
		chat_omit(chat, "tool_choice");
		break;
	case CHAT_CHOICE_UNSAID:
		break;
	}
	return 0;
}

/* "none" has no form there: the tools are left out. Messages with calls in them are refused
 * without tools, so then it is the choice that is left out. */
static int place_tools(struct chat *chat, struct json_object *tools, enum chat_choice choice,
		       const char *name)
{
	int rc;

	if (choice == CHAT_CHOICE_NONE && json_object_object_length(chat->names) == 0) {
		json_object_put(tools);
		return 0;
	}
	rc = chat_set(chat, "toolConfig.tools", tools);
	return rc == 0 ? write_choice(chat, choice, name) : rc;
}

/* ---- the whole */

static char *make_path(const struct chat *chat)
{
	char *model = text_percent_encoded(chat->route->model), *path = NULL;

	if (model)
		path = text_format("/model/%s/converse%s", model, chat->stream ? "-stream" : "");
	free(model);
	return path;
}

const struct chat_form bedrock_form = {
	.name = "bedrock",
	.messages = "messages",
	.assistant = "assistant",
	.parts = "content",
	.system = "system",
	.write = {[CHAT_TEXT] = text_block,
		  [CHAT_IMAGE] = image_block,
		  [CHAT_FILE] = document_block,
		  [CHAT_CALL] = call_block,
		  [CHAT_RESULT] = result_block},
	.params = params,
	.write_tool = write_tool,
	.place_tools = place_tools,
	.make_path = make_path,
};
