/* SPDX-License-Identifier: MIT */
/* A request in another form than OpenAI's, from its first byte to its last: see chat.h. */
#include "chat.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headers.h"
#include "json_build.h"
#include "text.h"
#include "wire_error.h"

static int chat_init(struct chat *chat, const char *request, size_t request_bytes)
{
	char problem[128];

	buffer_init(&chat->scratch, WIRE_BODY_BYTES_MAX);
	chat->request = json_read(request, request_bytes, problem);
	if (!json_object_is_type(chat->request, json_type_object))
		return chat_refuse(chat, "the request is no JSON object");
	chat->body = json_object_new_object();
	chat->system = json_object_new_array();
	chat->names = json_object_new_object();
	return chat->body && chat->system && chat->names ? 0 : -ENOMEM;
}

static void chat_deinit(struct chat *chat)
{
	json_object_put(chat->request);
	json_object_put(chat->body);
	json_object_put(chat->system);
	json_object_put(chat->names);
	buffer_deinit(&chat->scratch);
}

int chat_refuse(struct chat *chat, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(chat->error, REQUEST_ERROR_BYTES, format, arguments);
	va_end(arguments);
	text_make_plain(chat->error); /* it may quote the request */
	chat->is_refused = true;
	return -EINVAL;
}

/* What does not fit is not named, but for dots that end the list. */
void chat_omit(struct chat *chat, const char *name)
{
	static const char more[] = " ...";
	char *omitted = chat->out->omitted, added[80];
	const size_t used = strlen(omitted), room = REQUEST_OMITTED_BYTES - used;

	if (used >= sizeof(more) && strcmp(omitted + used - (sizeof(more) - 1), more) == 0)
		return;
	(void)snprintf(added, sizeof(added), "%s%.64s", used > 0 ? ", " : "", name);
	text_make_plain(added);
	(void)snprintf(omitted + used, room, "%s",
		       strlen(added) + sizeof(more) > room ? more : added);
}

int chat_set(struct chat *chat, const char *path, struct json_object *value)
{
	struct json_object *object = chat->body;
	char name[64];
	size_t size;

	for (; path[size = strcspn(path, ".")] != '\0'; path += size + 1) {
		(void)snprintf(name, sizeof(name), "%.*s", (int)size, path);
		object = json_child(object, name);
	}
	if (!object)
		json_object_put(value);
	return object ? json_set_new(object, path, value) : -ENOMEM;
}

/* ---- the end */

static int merge(struct json_object *into, struct json_object *from)
{
	int rc = 0;

	json_object_object_foreach(from, name, value)
	{
		struct json_object *there = wire_member(into, name);

		if (rc != 0)
			break;
		if (json_object_is_type(value, json_type_object) &&
		    json_object_is_type(there, json_type_object))
			rc = merge(there, value);
		else
			rc = json_set(into, name, json_object_get(value));
	}
	return rc;
}

static int merge_extra_body(struct chat *chat)
{
	const char *text = chat->route->extra_body;
	struct json_object *extra;
	char problem[128];
	int rc;

	if (!text)
		return 0;
	extra = json_read(text, strlen(text), problem);
	rc = json_object_is_type(extra, json_type_object)
		     ? merge(chat->body, extra)
		     : chat_refuse(chat, "extra_body is no JSON object");
	json_object_put(extra);
	return rc;
}

static int write_body(struct chat *chat)
{
	size_t size;
	const char *json = json_line(chat->body, &size);
	int rc = json ? buffer_add(&chat->out->body, json, size) : -ENOMEM;

	if (rc == -EMSGSIZE)
		(void)snprintf(chat->error, REQUEST_ERROR_BYTES, "the request is over %u MiB",
			       WIRE_BODY_BYTES_MAX >> 20);
	return rc;
}

/* The body as it is now, with what the route's extra_body adds, to where it goes. */
static int write_out(struct chat *chat)
{
	const struct chat_form *form = chat->form;
	char *path = form->path ? strdup(form->path) : form->make_path(chat);
	int rc = path ? merge_extra_body(chat) : -ENOMEM;

	if (rc == 0)
		rc = write_body(chat);
	if (rc == 0)
		rc = headers_write(chat->route, path, chat->stream, chat->out, chat->error);
	free(path);
	return rc;
}

/* ---- the whole */

/* Both only where the path does not say them. */
static int write_model(struct chat *chat)
{
	return chat->form->path
		       ? chat_set(chat, "model", json_object_new_string(chat->route->model))
		       : 0;
}

static int write_stream(struct chat *chat)
{
	return chat->form->path && (chat->stream || chat->form->says_no_stream)
		       ? chat_set(chat, "stream", json_object_new_boolean(chat->stream))
		       : 0;
}

int chat_write(const struct chat_form *form, const struct http_route *route, const char *request,
	       size_t request_bytes, bool stream, struct http_request *ret, char *error)
{
	static int (*const steps[])(struct chat *) = {
		write_model, chat_messages, chat_system, chat_params, chat_tools, write_stream,
	};
	struct chat chat = {
		.form = form, .route = route, .out = ret, .error = error, .stream = stream};
	int rc = chat_init(&chat, request, request_bytes);

	if (rc == 0 && form->prepare)
		rc = form->prepare(&chat);
	for (size_t i = 0; rc == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		rc = steps[i](&chat);
	if (rc == 0 && form->finish)
		rc = form->finish(&chat);
	if (rc == 0)
		rc = write_out(&chat);
	chat_deinit(&chat);
	return rc;
}
