/* SPDX-License-Identifier: MIT */
/*
 * The messages of a request in OpenAI's form, read part by part, and written by a form: see chat.h.
 *
 * Most other forms know two roles that take turns. System messages have a place of their own there,
 * what a tool has said belongs to the user's turn, and a call's arguments are an object, not text.
 * A few keep the messages as OpenAI has them.
 */
#include "chat.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "json_build.h"
#include "openai.h"
#include "text.h"
#include "wire_error.h"

struct reading {
	struct chat *chat;
	struct json_object *turns;
	struct json_object *turn; /* the last one; NULL none */
	const char *role;         /* of it */
	size_t message;           /* that began it */
	bool is_said;             /* the message that is read has a part */
};

/* A string member that is one, not a number. */
static const char *string_of(struct json_object *object, const char *name)
{
	struct json_object *value = wire_member(object, name);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

/* ---- turns */

/* The turn to which a message of that role adds. NULL without memory. */
static struct json_object *turn_of(struct reading *reading, const char *role)
{
	if (reading->turn && text_is(reading->role, role) &&
	    (!reading->chat->form->keeps_messages || reading->message == reading->chat->message))
		return reading->turn;
	reading->turn = json_object_new_object();
	reading->role = role;
	reading->message = reading->chat->message;
	if (json_append(reading->turns, reading->turn) != 0)
		return NULL;
	return json_set_string(reading->turn, "role", role) == 0 ? reading->turn : NULL;
}

/* A list in it. */
static struct json_object *list_of(struct reading *reading, const char *role, const char *name)
{
	struct json_object *turn = turn_of(reading, role), *list = wire_member(turn, name);

	if (list)
		return list;
	return json_set_new(turn, name, json_object_new_array()) == 0 ? wire_member(turn, name)
								      : NULL;
}

/* Behind what `list` has, which is NULL without memory. */
static int append_part(struct chat *chat, const struct chat_part *part, struct json_object *list)
{
	static const char *const names[CHAT_PART_TYPE_COUNT] = {
		[CHAT_TEXT] = "text has",   [CHAT_IMAGE] = "images have",
		[CHAT_FILE] = "files have", [CHAT_AUDIO] = "sound has",
		[CHAT_CALL] = "calls have", [CHAT_RESULT] = "results have",
	};
	struct json_object *written;

	if (!chat->form->write[part->type])
		return chat_refuse(chat, "messages[%zu]: %s no form in %s", chat->message,
				   names[part->type], chat->form->name);
	written = chat->form->write[part->type](chat, part);
	if (!written)
		return chat->is_refused ? -EINVAL : -ENOMEM;
	return json_append(list, written);
}

static int add_part(struct reading *reading, const char *role, const struct chat_part *part)
{
	const struct chat_form *form = reading->chat->form;
	const char *list = form->lists[part->type] ? form->lists[part->type] : form->parts;

	reading->is_said = true;
	if (form->has_items && (part->type == CHAT_CALL || part->type == CHAT_RESULT)) {
		reading->turn = NULL;
		return append_part(reading->chat, part, reading->turns);
	}
	return append_part(reading->chat, part, list_of(reading, role, list));
}

static int add_text(struct reading *reading, const char *role, const char *text)
{
	const struct chat_part part = {.type = CHAT_TEXT, .role = role, .text = text};

	return text && *text ? add_part(reading, role, &part) : 0;
}

/* ---- parts */

/* "data:image/png;base64,..." in two. */
static int split_data_url(struct chat *chat, const char *url, struct chat_part *part)
{
	const char *type = url + strlen("data:");
	const char *comma = strchr(type, ',');
	size_t size = strcspn(type, ";,");
	int rc;

	if (!comma || comma - type < 7 || strncmp(comma - 7, ";base64", 7) != 0)
		return chat_refuse(chat, "messages[%zu]: a data URL without ';base64,'",
				   chat->message);
	chat->scratch.size = 0;
	rc = buffer_add(&chat->scratch, type, size);
	part->media_type = chat->scratch.bytes;
	part->data = comma + 1;
	return rc;
}

static int read_image(struct chat *chat, struct json_object *from, struct chat_part *part)
{
	const char *url = string_of(wire_member(from, "image_url"), "url");

	part->type = CHAT_IMAGE;
	if (url && strncasecmp(url, "data:", 5) == 0)
		return split_data_url(chat, url, part);
	part->url = url;
	if (url && (strncasecmp(url, "https://", 8) == 0 || strncasecmp(url, "http://", 7) == 0))
		return 0;
	return chat_refuse(chat, "messages[%zu]: an image whose URL is neither http(s) nor data",
			   chat->message);
}

static int read_file(struct chat *chat, struct json_object *from, struct chat_part *part)
{
	struct json_object *file = wire_member(from, "file");
	const char *data = string_of(file, "file_data");

	part->type = CHAT_FILE;
	part->file_name = string_of(file, "filename");
	if (data && strncasecmp(data, "data:", 5) == 0)
		return split_data_url(chat, data, part);
	return chat_refuse(chat, "messages[%zu]: a file that is not in the request itself",
			   chat->message);
}

static int read_audio(struct chat *chat, struct json_object *from, struct chat_part *part)
{
	struct json_object *audio = wire_member(from, "input_audio");
	const char *format = string_of(audio, "format");
	int rc;

	part->type = CHAT_AUDIO;
	part->data = string_of(audio, "data");
	if (!part->data || !format)
		return chat_refuse(chat, "messages[%zu]: sound without data or format",
				   chat->message);
	chat->scratch.size = 0;
	rc = buffer_add(&chat->scratch, "audio/", 6);
	if (rc == 0)
		rc = buffer_add(&chat->scratch, format, strlen(format));
	part->media_type = chat->scratch.bytes;
	return rc;
}

static int read_part(struct chat *chat, struct json_object *from, struct chat_part *part)
{
	const char *type = string_of(from, "type");

	part->from = from;
	if (text_is(type, "text"))
		part->text = string_of(from, "text");
	else if (text_is(type, "refusal"))
		part->text = string_of(from, "refusal");
	else if (text_is(type, "image_url"))
		return read_image(chat, from, part);
	else if (text_is(type, "file"))
		return read_file(chat, from, part);
	else if (text_is(type, "input_audio"))
		return read_audio(chat, from, part);
	if (part->text)
		return 0;
	return chat_refuse(chat,
			   "messages[%zu]: a part of type '%.32s' cannot be translated for %s",
			   chat->message, type ? type : "", chat->form->name);
}

static int add_content(struct reading *reading, const char *role, struct json_object *content)
{
	int rc = 0;

	if (json_object_is_type(content, json_type_string))
		return add_text(reading, role, json_object_get_string(content));
	if (!json_object_is_type(content, json_type_array))
		return content ? chat_refuse(reading->chat,
					     "messages[%zu]: content is neither text nor a list",
					     reading->chat->message)
			       : 0;
	for (size_t i = 0; rc == 0 && i < json_object_array_length(content); i++) {
		struct chat_part part = {.type = CHAT_TEXT, .role = role};

		rc = read_part(reading->chat, json_object_array_get_idx(content, i), &part);
		if (rc == 0 && !text_is(part.text, ""))
			rc = add_part(reading, role, &part);
	}
	return rc;
}

/* Of a message that holds nothing but text, or a list of texts: added to *out. */
static int read_texts(struct chat *chat, struct json_object *content, struct buffer *out)
{
	if (content && !json_object_is_type(content, json_type_array) &&
	    !json_object_is_type(content, json_type_string))
		return chat_refuse(chat, "messages[%zu]: content is neither text nor a list",
				   chat->message);
	for (size_t i = 0; i < json_length(content); i++)
		if (!string_of(json_object_array_get_idx(content, i), "text"))
			return chat_refuse(chat,
					   "messages[%zu]: nothing but text has a form here in %s",
					   chat->message, chat->form->name);
	return openai_add_text(content, out);
}

/* ---- tools: a call by the assistant, its result as a message of its own */

static int parse_arguments(struct chat *chat, const char *text, struct json_object **ret)
{
	char problem[128];

	*ret = text && text[strspn(text, " \t\r\n")] ? json_read(text, strlen(text), problem)
						     : json_object_new_object();
	if (json_object_is_type(*ret, json_type_object))
		return 0;
	json_object_put(*ret);
	*ret = NULL;
	return chat_refuse(chat, "messages[%zu]: a tool call whose arguments are no JSON object",
			   chat->message);
}

static int add_call(struct reading *reading, struct json_object *call)
{
	struct chat *chat = reading->chat;
	struct json_object *function = wire_member(call, "function");
	struct chat_part part = {
		.type = CHAT_CALL,
		.id = string_of(call, "id"),
		.name = string_of(function, "name"),
		.from = call,
	};
	int rc;

	if (!part.id || !part.name)
		return chat_refuse(chat,
				   "messages[%zu]: a tool call that is no function with an id",
				   chat->message);
	rc = reading->chat->form->has_items
		     ? 0
		     : parse_arguments(chat, string_of(function, "arguments"), &part.arguments);
	if (rc == 0)
		rc = json_set_new(chat->names, part.id, json_object_new_string(part.name));
	if (rc == 0)
		rc = add_part(reading, reading->chat->form->assistant, &part);
	json_object_put(part.arguments);
	return rc;
}

static int add_calls(struct reading *reading, struct json_object *message)
{
	struct json_object *calls = wire_member(message, "tool_calls");
	int rc = 0;

	if (wire_member(message, "function_call"))
		return chat_refuse(
			reading->chat,
			"messages[%zu]: 'function_call' has no form in %s; use tool_calls",
			reading->chat->message, reading->chat->form->name);
	for (size_t i = 0; rc == 0 && i < json_length(calls); i++)
		rc = add_call(reading, json_object_array_get_idx(calls, i));
	return rc;
}

/* A result that stays a message says whose it is. */
static int label_result(struct reading *reading, const struct chat_part *part)
{
	int rc = json_set_string(reading->turn, "tool_call_id", part->id);

	if (rc == 0 && reading->chat->form->names_results)
		rc = json_set_string(reading->turn, "tool_name", part->name);
	return rc;
}

static int add_result(struct reading *reading, struct json_object *message)
{
	struct chat *chat = reading->chat;
	const struct chat_form *form = reading->chat->form;
	struct buffer text;
	struct chat_part part = {.type = CHAT_RESULT, .id = string_of(message, "tool_call_id")};
	int rc;

	part.name = part.id ? string_of(chat->names, part.id) : NULL;
	if (!part.name)
		return chat_refuse(chat,
				   "messages[%zu]: the result of a tool call that is not "
				   "in the messages before it",
				   chat->message);
	buffer_init(&text, WIRE_BODY_BYTES_MAX);
	rc = read_texts(chat, wire_member(message, "content"), &text);
	part.text = text.bytes ? text.bytes : "";
	if (rc == 0)
		rc = add_part(reading, form->keeps_messages ? "tool" : "user", &part);
	if (rc == 0 && form->keeps_messages && !form->has_items)
		rc = label_result(reading, &part);
	buffer_deinit(&text);
	return rc;
}

/* ---- messages */

static int add_system(struct reading *reading, const char *role, struct json_object *message)
{
	struct chat *chat = reading->chat;
	const struct chat_form *form = reading->chat->form;
	struct json_object *whole;
	struct buffer text;
	int rc;

	if (form->keeps_messages)
		return add_content(reading, form->has_items ? role : "system",
				   wire_member(message, "content"));
	buffer_init(&text, WIRE_BODY_BYTES_MAX);
	rc = read_texts(chat, wire_member(message, "content"), &text);
	if (rc == 0 && text.size > 0) {
		whole = json_object_new_string_len(text.bytes, (int)text.size);
		rc = whole ? json_append(chat->system, whole) : -ENOMEM;
	}
	buffer_deinit(&text);
	return rc;
}

static int add_assistant(struct reading *reading, struct json_object *message)
{
	const char *role = reading->chat->form->assistant;
	int rc = add_content(reading, role, wire_member(message, "content"));

	if (rc == 0)
		rc = add_text(reading, role, string_of(message, "refusal"));
	return rc == 0 ? add_calls(reading, message) : rc;
}

static int add_message(struct reading *reading, struct json_object *message)
{
	const char *role = string_of(message, "role");

	if (text_is(role, "system") || text_is(role, "developer"))
		return add_system(reading, role, message);
	if (text_is(role, "user"))
		return add_content(reading, "user", wire_member(message, "content"));
	if (text_is(role, "assistant"))
		return add_assistant(reading, message);
	if (text_is(role, "tool"))
		return add_result(reading, message);
	return chat_refuse(reading->chat, "messages[%zu]: the role '%.32s' has no form in %s",
			   reading->chat->message, role ? role : "", reading->chat->form->name);
}

/* A user's last turn without a word: what stood before it would be asked, or be a prefill. */
static int check_last_turn(const struct reading *reading)
{
	struct json_object *messages = wire_member(reading->chat->request, "messages"), *last;
	const size_t count = json_object_array_length(messages);

	if (count == 0 || reading->is_said)
		return 0;
	last = json_object_array_get_idx(messages, count - 1);
	return text_is(wire_text(last, "role"), "user")
		       ? chat_refuse(reading->chat,
				     "messages[%zu]: the last message is empty, which has no form "
				     "in %s",
				     count - 1, reading->chat->form->name)
		       : 0;
}

int chat_messages(struct chat *chat)
{
	struct json_object *messages = wire_member(chat->request, "messages");
	struct reading reading = {.chat = chat, .turns = json_object_new_array()};
	int rc;

	if (!json_object_is_type(messages, json_type_array)) {
		json_object_put(reading.turns);
		return chat_refuse(chat, "'messages' is %s, expected a list",
				   messages ? "no list" : "missing");
	}
	rc = chat_set(chat, chat->form->messages, reading.turns);
	for (size_t i = 0; rc == 0 && i < json_object_array_length(messages); i++) {
		chat->message = i;
		reading.is_said = false;
		rc = add_message(&reading, json_object_array_get_idx(messages, i));
	}
	if (rc == 0)
		rc = check_last_turn(&reading);
	if (rc == 0 && json_object_array_length(reading.turns) == 0)
		rc = chat_refuse(chat,
				 "the messages hold nothing but instructions, and %s wants a "
				 "user's turn",
				 chat->form->name);
	return rc;
}

int chat_system(struct chat *chat)
{
	const size_t count = json_object_array_length(chat->system);
	struct json_object *list;
	int rc;

	if (count == 0 || !chat->form->system)
		return 0;
	list = json_object_new_array();
	rc = chat_set(chat, chat->form->system, list);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct json_object *from = json_object_array_get_idx(chat->system, i);
		const struct chat_part part = {.type = CHAT_TEXT,
					       .text = json_object_get_string(from)};

		rc = append_part(chat, &part, list);
	}
	return rc;
}

/* ---- in OpenAI's shape */

struct json_object *chat_openai_text(struct chat *chat, const struct chat_part *part)
{
	struct json_object *text = json_object_new_object();
	int rc = json_set_string(text, "type", "text");

	(void)chat;
	return json_or_null(text, rc == 0 ? json_set_string(text, "text", part->text) : rc);
}

/* With nothing that other vendors read in a part. */
struct json_object *chat_openai_image(struct chat *chat, const struct chat_part *part)
{
	struct json_object *image = json_object_new_object();
	int rc = json_set_string(image, "type", "image_url");

	(void)chat;
	if (rc == 0)
		rc = json_set(image, "image_url",
			      json_object_get(wire_member(part->from, "image_url")));
	return json_or_null(image, rc);
}

struct json_object *chat_openai_call(struct chat *chat, const struct chat_part *part)
{
	struct json_object *call = json_object_new_object();
	const char *arguments;
	int rc = json_set_string(call, "id", part->id);

	(void)chat;
	if (rc == 0)
		rc = json_set_string(call, "type", "function");
	if (rc == 0)
		rc = json_set_string(json_child(call, "function"), "name", part->name);
	arguments = json_line(part->arguments, NULL);
	if (rc == 0)
		rc = arguments
			     ? json_set_string(json_child(call, "function"), "arguments", arguments)
			     : -ENOMEM;
	return json_or_null(call, rc);
}

int chat_shorten_texts(struct chat *chat)
{
	struct json_object *messages = wire_member(chat->body, "messages");
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < json_object_array_length(messages); i++) {
		struct json_object *message = json_object_array_get_idx(messages, i);
		struct json_object *parts = wire_member(message, "content");
		struct json_object *text =
			openai_is_list(parts)
				? wire_member(json_object_array_get_idx(parts, 0), "text")
				: NULL;

		if (text && json_object_array_length(parts) == 1)
			rc = json_set(message, "content", json_object_get(text));
	}
	return rc;
}
