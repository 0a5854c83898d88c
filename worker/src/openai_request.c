/* SPDX-License-Identifier: MIT */
/*
 * The request of an attempt in OpenAI's form: the caller's own bytes, with the few members changed
 * that differ from route to route.
 *
 *   model             the route's own
 *   stream            where the attempt needs another one than the caller asked for
 *   stream_options    with usage, where the stream is our wish; gone where there is no stream
 *   max_completion_tokens   under its old name for vendors that know no other
 *   whatever the route's extra_body says
 */
#include "openai.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headers.h"
#include "json_build.h"
#include "splice.h"
#include "text.h"

#define USAGE "{\"include_usage\":true}"

enum member { MODEL, STREAM, STREAM_OPTIONS, MAX_TOKENS, MAX_COMPLETION_TOKENS, MEMBER_COUNT };

static const char *const names[MEMBER_COUNT] = {
	[MODEL] = "model",
	[STREAM] = "stream",
	[STREAM_OPTIONS] = "stream_options",
	[MAX_TOKENS] = "max_tokens",
	[MAX_COMPLETION_TOKENS] = "max_completion_tokens",
};

struct draft {
	const struct http_route *route;
	const char *request;
	size_t request_bytes;
	struct splice *members; /* the ones above, then those of extra_body */
	size_t count;
	struct json_object *model; /* texts of members are borrowed from these */
	struct json_object *extra;
	struct buffer options;
	char *error;
};

static int fail(const struct draft *draft, const char *what)
{
	(void)snprintf(draft->error, REQUEST_ERROR_BYTES, "%s", what);
	return -EINVAL;
}

static void set(struct splice *member, enum splice_action action, const char *text)
{
	member->action = action;
	member->text = text;
}

/* ---- members */

/* {"include_usage":true}, with what the caller's own options hold besides */
static int ask_for_usage(struct draft *draft)
{
	struct splice *options = &draft->members[STREAM_OPTIONS];
	struct splice usage = {.name = "include_usage", .action = SPLICE_SET, .text = "true"};
	size_t size = (size_t)(options->value_end - options->value);
	int rc;

	if (options->count == 0 || splice_find(options->value, size, &usage, 1) != 0) {
		set(options, SPLICE_SET, USAGE);
		return 0;
	}
	rc = splice_write(options->value, size, &usage, 1, &draft->options);
	if (rc == 0)
		set(options, SPLICE_SET, draft->options.bytes);
	return rc;
}

/* A caller who streams himself has said what options he wants. */
static int decide_stream(struct draft *draft, bool stream)
{
	bool streams = splice_is(&draft->members[STREAM], "true");
	int rc = 0;

	if (stream != streams)
		set(&draft->members[STREAM], SPLICE_SET, stream ? "true" : "false");
	if (stream && !streams && draft->members[STREAM_OPTIONS].action == SPLICE_KEEP)
		rc = ask_for_usage(draft);
	if (!stream)
		set(&draft->members[STREAM_OPTIONS], SPLICE_REMOVE, NULL);
	return rc;
}

/* One limit by two names. What extra_body says comes before what the caller says by the other. */
static void decide_max_tokens(struct draft *draft)
{
	struct splice *older = &draft->members[MAX_TOKENS];
	struct splice *newer = &draft->members[MAX_COMPLETION_TOKENS];

	if (older->action == SPLICE_SET || newer->action == SPLICE_SET) {
		if (older->action == SPLICE_KEEP)
			set(older, SPLICE_REMOVE, NULL);
		if (newer->action == SPLICE_KEEP)
			set(newer, SPLICE_REMOVE, NULL);
	} else if (draft->route->provider->max_tokens_only) {
		if (older->count > 0)
			set(newer, SPLICE_REMOVE, NULL);
		else
			set(newer, SPLICE_RENAME, "\"max_tokens\"");
	}
}

static int decide_model(struct draft *draft)
{
	draft->model = json_object_new_string(draft->route->model);
	if (!draft->model)
		return -ENOMEM;
	set(&draft->members[MODEL], SPLICE_SET, json_line(draft->model, NULL));
	return draft->members[MODEL].text ? 0 : -ENOMEM;
}

/* ---- extra_body */

static struct splice *own_member(struct draft *draft, const char *name)
{
	for (size_t i = 0; i < MEMBER_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return &draft->members[i];
	return NULL;
}

static int add_extra(struct draft *draft, const char *name, struct json_object *value)
{
	struct splice *member = own_member(draft, name);
	const char *text;

	if (member == &draft->members[MODEL] || member == &draft->members[STREAM])
		return fail(draft, "extra_body cannot set 'model' or 'stream'");
	text = json_line(value, NULL);
	if (!text)
		return -ENOMEM;
	if (!member) {
		member = &draft->members[draft->count++];
		member->name = name;
	}
	set(member, SPLICE_SET, text);
	return 0;
}

static int add_all_extra(struct draft *draft)
{
	json_object_object_foreach(draft->extra, name, value)
	{
		int rc = add_extra(draft, name, value);

		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Room for all members, and their names: those of extra_body come with their values. */
static int list_members(struct draft *draft)
{
	const char *extra_body = draft->route->extra_body;
	char problem[128];
	size_t extra_count = 0;

	if (extra_body) {
		draft->extra = json_read(extra_body, strlen(extra_body), problem);
		if (!json_object_is_type(draft->extra, json_type_object))
			return fail(draft, "extra_body is no JSON object");
		extra_count = (size_t)json_object_object_length(draft->extra);
	}
	draft->members = calloc(MEMBER_COUNT + extra_count, sizeof(*draft->members));
	if (!draft->members)
		return -ENOMEM;
	for (; draft->count < MEMBER_COUNT; draft->count++)
		draft->members[draft->count].name = names[draft->count];
	return extra_count > 0 ? add_all_extra(draft) : 0;
}

/* ---- the body */

static int find_members(struct draft *draft)
{
	int rc = splice_find(draft->request, draft->request_bytes, draft->members, draft->count);

	if (rc == -EINVAL)
		return fail(draft, "the request is no JSON object");
	for (size_t i = 0; rc == 0 && i < draft->count; i++) {
		if (draft->members[i].count > 1) {
			(void)snprintf(draft->error, REQUEST_ERROR_BYTES,
				       "the request holds '%.64s' more than once",
				       draft->members[i].name);
			rc = -EINVAL;
		}
	}
	return rc;
}

static int write_body(struct draft *draft, bool stream, struct buffer *out)
{
	int rc = list_members(draft);

	if (rc == 0)
		rc = find_members(draft);
	if (rc == 0)
		rc = decide_model(draft);
	if (rc == 0)
		rc = decide_stream(draft, stream);
	if (rc == 0)
		decide_max_tokens(draft);
	if (rc == 0)
		rc = splice_write(draft->request, draft->request_bytes, draft->members,
				  draft->count, out);
	if (rc == -EMSGSIZE)
		(void)snprintf(draft->error, REQUEST_ERROR_BYTES, "the request is over %u MiB",
			       WIRE_BODY_BYTES_MAX >> 20);
	free(draft->members);
	buffer_deinit(&draft->options);
	json_object_put(draft->model);
	json_object_put(draft->extra);
	return rc;
}

/* Where chat completions are, others are beside them: also on Azure, in the middle of a path. New,
 * owned by the caller; NULL without memory. */
static char *path_of(const struct http_route *route)
{
	static const char chat[] = "/chat/completions";
	static const char *const paths[] = {
		[ENDPOINT_CHAT] = chat,
		[ENDPOINT_COMPLETIONS] = "/completions",
		[ENDPOINT_EMBEDDINGS] = "/embeddings",
	};
	const char *at = route->path ? strstr(route->path, chat) : NULL;

	if (!at)
		return strdup(route->path ? route->path : paths[route->endpoint]);
	return text_format("%.*s%s%s", (int)(at - route->path), route->path, paths[route->endpoint],
			   at + sizeof(chat) - 1);
}

int openai_write_request(const struct http_route *route, const char *request, size_t request_bytes,
			 bool stream, struct http_request *ret, char *error)
{
	struct draft draft = {
		.route = route,
		.request = request,
		.request_bytes = request_bytes,
		.error = error,
	};
	char *path = path_of(route);
	int rc = path ? 0 : -ENOMEM;

	buffer_init(&draft.options, WIRE_BODY_BYTES_MAX);
	if (rc == 0)
		rc = write_body(&draft, stream, &ret->body);
	if (rc == 0)
		rc = headers_write(route, path, stream, ret, error);
	free(path);
	return rc;
}
