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

struct chat {
	const struct http_route *route;
	const char *form;            /* its name, for sentences */
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

/*
 * Begins a translation of the caller's request.
 * Return: 0; -EINVAL; -ENOMEM. In any case chat_deinit() is due.
 */
int chat_init(struct chat *chat, const char *form, const struct http_route *route,
	      const char *request, size_t request_bytes);
void chat_deinit(struct chat *chat);

/* All below: 0; -EINVAL the route cannot take the request, chat->error says why; -ENOMEM. */

/* Says why. Return: -EINVAL. */
int chat_refuse(struct chat *chat, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Names a wish that is left out. */
void chat_omit(struct chat *chat, const char *name);

/* Sets a member of the body, below objects by '.': "generationConfig.topP". Takes the value; NULL:
 * out of memory. */
int chat_set(struct chat *chat, const char *path, struct json_object *value);

/* ---- messages (chat_messages.c) */
struct chat_form {
	const char *messages;  /* "messages", "contents" */
	const char *assistant; /* the model's role; the other is "user" everywhere */
	const char *parts;     /* "content", "parts" */
	/* Where the parts of a type have a list of their own, beside `parts`; NULL: they do not. */
	const char *lists[CHAT_PART_TYPE_COUNT];
	/* Messages stay what they are, in OpenAI's shape: of system and tool, too. */
	bool keeps_messages;
	/* And of calls and results, which stand in the list of messages on their own. Developers
	 * are not made systems then, and arguments are the text that they were. */
	bool has_items;
	bool names_results; /* a kept result says its tool's name, beside its call's id */
	/* A part of each type: new; NULL: after chat_refuse(), or out of memory. What has no writer
	 * is refused. */
	struct json_object *(*write[CHAT_PART_TYPE_COUNT])(struct chat *chat,
							   const struct chat_part *part);
};

/* Turns of one role become one, and system messages are gathered in chat->system, unless the form
 * keeps messages. */
int chat_messages(struct chat *chat, const struct chat_form *form);

/* chat->system as a list of the form's texts. */
int chat_write_system(struct chat *chat, const struct chat_form *form, const char *path);

/* For chat_form.write: in OpenAI's shape. */
struct json_object *chat_openai_text(struct chat *chat, const struct chat_part *part);
struct json_object *chat_openai_image(struct chat *chat, const struct chat_part *part);
struct json_object *chat_openai_call(struct chat *chat, const struct chat_part *part);

/* One text alone is written as text, not as a list of one part. For forms whose messages have
 * "content". */
int chat_shorten_texts(struct chat *chat);

/* ---- parameters (chat_params.c) */
struct chat_param {
	const char *name; /* OpenAI's; NULL ends the list */
	const char *path; /* as in chat_set(); NULL without write: it is said elsewhere */
	/* NULL: the value as it is */
	int (*write)(struct chat *chat, const struct chat_param *param, struct json_object *value);
};

/* Each parameter by its row; those without one by the rule above. */
int chat_params(struct chat *chat, const struct chat_param *params);

/* For chat_param.write: cut to 0 to 1; a text as a list of one; a list of five at most; older than
 * max_completion_tokens. */
int chat_write_unit(struct chat *chat, const struct chat_param *param, struct json_object *value);
int chat_write_list(struct chat *chat, const struct chat_param *param, struct json_object *value);
int chat_write_five(struct chat *chat, const struct chat_param *param, struct json_object *value);
int chat_write_max_tokens(struct chat *chat, const struct chat_param *param,
			  struct json_object *value);

/*
 * @write: one tool, from the object of its name, description and parameters; new, NULL as in part
 * @ret_list: new, owned by the caller; NULL: the request has no tools
 */
int chat_tools(struct chat *chat,
	       struct json_object *(*write)(struct chat *chat, struct json_object *function),
	       struct json_object **ret_list);
/* For chat_tools(): in OpenAI's shape. */
struct json_object *chat_openai_tool(struct chat *chat, struct json_object *function);
/* The schema of a tool's parameters; of one that has none, an object without members. New; NULL
 * without memory. */
struct json_object *chat_tool_parameters(struct json_object *function);

enum chat_choice {
	CHAT_CHOICE_UNSAID,
	CHAT_CHOICE_AUTO,
	CHAT_CHOICE_REQUIRED,
	CHAT_CHOICE_NONE,
	CHAT_CHOICE_NAMED
};
/* @ret_name: the tool's, of CHAT_CHOICE_NAMED */
int chat_tool_choice(struct chat *chat, enum chat_choice *ret_choice, const char **ret_name);
/* parallel_tool_calls is false */
bool chat_one_call_only(const struct chat *chat);

/* ---- the request (chat.c) */

/* The route's model as one segment of a path: new, owned by the caller; NULL without memory. */
char *chat_model_segment(const struct chat *chat);

/*
 * The body as it is now, with what the route's extra_body adds, to where `path` stands behind the
 * route's base URL.
 */
int chat_finish(struct chat *chat, const char *path);

#endif
