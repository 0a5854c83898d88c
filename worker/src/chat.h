/* SPDX-License-Identifier: MIT */
/*
 * Internal: the caller's request, for the forms that are not OpenAI's. A form says by tables and by
 * small functions how it writes a part of a message, a tool, a parameter. What all of them have in
 * common is here: reading OpenAI's form, making turns, matching tool results with their calls, and
 * one rule for what a form cannot say:
 *
 *   - content, and what the caller's program relies on (parts of messages, tools, more than one
 *     choice, a schema): the route cannot take the request, and another one gets it;
 *   - wishes (sampling, effort, JSON without a schema): left out, and named in the trail;
 *   - what does not change the answer (user, metadata, store ...): left out.
 */
#ifndef LULL_WORKER_CHAT_H
#define LULL_WORKER_CHAT_H

#include "wire.h"

enum chat_part_type {
	CHAT_TEXT,
	CHAT_IMAGE,
	CHAT_FILE,
	CHAT_AUDIO,
	CHAT_CALL,   /* of a tool, by the assistant */
	CHAT_RESULT, /* of a call */
	CHAT_PART_TYPE_COUNT
};

/* A piece of a message. All is borrowed, and NULL where it has none. */
struct chat_part {
	enum chat_part_type type;
	const char *role;              /* TEXT to AUDIO: of its message, in the form's word */
	const char *text;              /* TEXT, RESULT */
	const char *url;               /* IMAGE: where it is to be fetched; else it is in data */
	const char *media_type;        /* IMAGE, FILE, AUDIO: "image/png" */
	const char *data;              /* IMAGE, FILE, AUDIO: base64 */
	const char *file_name;         /* FILE */
	const char *id;                /* CALL, RESULT */
	const char *name;              /* CALL, RESULT: of the tool */
	struct json_object *arguments; /* CALL: an object; not where calls are items */
	struct json_object *from;      /* as the caller wrote it */
};

struct chat_form;

struct chat {
	const struct chat_form *form;
	const struct http_route *route;
	struct json_object *request; /* in OpenAI's form */
	struct json_object *body;    /* in the other form */
	struct json_object *system;  /* list of texts: the system and developer messages */
	struct json_object *names;   /* of tools, by the id of the call */
	struct http_request *out;
	char *error;    /* REQUEST_ERROR_BYTES */
	size_t message; /* the one that is read */
	bool stream;
	bool is_refused; /* error says why */
	struct buffer scratch;
};

enum chat_choice {
	CHAT_CHOICE_UNSAID,
	CHAT_CHOICE_AUTO,
	CHAT_CHOICE_REQUIRED,
	CHAT_CHOICE_NONE,
	CHAT_CHOICE_NAMED
};

struct chat_param {
	const char *name; /* OpenAI's; NULL ends the list */
	const char *path; /* as in chat_set(); NULL without write: it is said elsewhere */
	/* NULL: the value as it is */
	int (*write)(struct chat *chat, const struct chat_param *param, struct json_object *value);
};

/* In the order in which it is used. NULL and false stand for what a form has not. */
struct chat_form {
	const char *name; /* for sentences */

	/* Sets what the caller's request may set otherwise, or changes the request. */
	int (*prepare)(struct chat *chat);

	/* Messages. */
	const char *messages;  /* "messages", "contents" */
	const char *assistant; /* the model's role; the other is "user" everywhere */
	const char *parts;     /* "content", "parts" */
	/* Where the parts of a type have a list of their own, beside `parts`; NULL: they do not. */
	const char *lists[CHAT_PART_TYPE_COUNT];
	/* Messages stay what they are, in OpenAI's shape: of system and tool, too. Else turns of
	 * one role become one, and system messages are gathered in chat->system. */
	bool keeps_messages;
	/* And of calls and results, which stand in the list of messages on their own. Developers
	 * are not made systems then, and arguments are the text that they were. */
	bool has_items;
	bool names_results; /* a kept result says its tool's name, beside its call's id */
	/* A part of each type: new; NULL: after chat_refuse(), or out of memory. What has no writer
	 * is refused. */
	struct json_object *(*write[CHAT_PART_TYPE_COUNT])(struct chat *chat,
							   const struct chat_part *part);
	const char *system; /* as in chat_set(): where a list of chat->system's texts goes */

	/* Parameters: each by its row; those without one by the rule above. */
	const struct chat_param *params;

	/* One tool, from the object of its name, description and parameters: as in `write`. */
	struct json_object *(*write_tool)(struct chat *chat, struct json_object *function);
	/* All of them (taken) and the choice; `name`: the tool's, of CHAT_CHOICE_NAMED. */
	int (*place_tools)(struct chat *chat, struct json_object *tools, enum chat_choice choice,
			   const char *name);

	/* Changes the body that has all of this. */
	int (*finish)(struct chat *chat);

	/* Behind the route's base URL. The body then says the model and whether it streams; else
	 * the path that make_path() gives does: new, owned by the caller; NULL without memory. */
	const char *path;
	char *(*make_path)(const struct chat *chat);
	bool says_no_stream; /* "stream" stands in the body when it is false, too */
};

/*
 * The caller's request, in a form.
 * @ret, @error: as in request_write(), which has emptied *ret and frees it on failure
 * Return: as all below, and what headers_write() returns.
 */
int chat_write(const struct chat_form *form, const struct http_route *route, const char *request,
	       size_t request_bytes, bool stream, struct http_request *ret, char *error);

/* All below: 0; -EINVAL the route cannot take the request, chat->error says why; -ENOMEM. */

/* ---- for a form's functions */

/* Says why. Return: -EINVAL. */
int chat_refuse(struct chat *chat, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Names a wish that is left out. */
void chat_omit(struct chat *chat, const char *name);

/* Sets a member of the body, below objects by '.': "generationConfig.topP". Takes the value; NULL:
 * out of memory. */
int chat_set(struct chat *chat, const char *path, struct json_object *value);

/* For chat_form.write: in OpenAI's shape. */
struct json_object *chat_openai_text(struct chat *chat, const struct chat_part *part);
struct json_object *chat_openai_image(struct chat *chat, const struct chat_part *part);
struct json_object *chat_openai_call(struct chat *chat, const struct chat_part *part);
/* For chat_form.write_tool: in OpenAI's shape. */
struct json_object *chat_openai_tool(struct chat *chat, struct json_object *function);
/* The schema of a tool's parameters; of one that has none, an object without members. New; NULL
 * without memory. */
struct json_object *chat_tool_parameters(struct json_object *function);

/* For chat_form.finish: one text alone is written as text, not as a list of one part. For forms
 * whose messages have "content". */
int chat_shorten_texts(struct chat *chat);

/* For chat_param.write: cut to 0 to 1; a text as a list of one; a list of five at most; older than
 * max_completion_tokens. */
int chat_write_unit(struct chat *chat, const struct chat_param *param, struct json_object *value);
int chat_write_list(struct chat *chat, const struct chat_param *param, struct json_object *value);
int chat_write_five(struct chat *chat, const struct chat_param *param, struct json_object *value);
int chat_write_max_tokens(struct chat *chat, const struct chat_param *param,
			  struct json_object *value);

/* parallel_tool_calls is false */
bool chat_one_call_only(const struct chat *chat);

/* ---- the steps of chat_write() */

int chat_messages(struct chat *chat); /* chat_messages.c */
int chat_system(struct chat *chat);
int chat_params(struct chat *chat); /* chat_params.c */
int chat_tools(struct chat *chat);

#endif
