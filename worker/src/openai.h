/* SPDX-License-Identifier: MIT */
/*
 * Internal: the form of OpenAI's chat completions. It is one of the forms on the wire, and the one
 * into which all others are translated.
 */
#ifndef LULL_WORKER_OPENAI_H
#define LULL_WORKER_OPENAI_H

#include "wire.h"

/* ---- openai_request.c */
int openai_write_request(const struct http_route *route, const char *request, size_t request_bytes,
			 bool stream, struct http_request *ret, char *error);

/* ---- openai_form.c */
/* A string that is not empty. */
bool openai_is_text(struct json_object *value);
/* A list that is not empty. */
bool openai_is_list(struct json_object *value);
/* A message or a delta holds content, a tool call, a refusal or sound. */
bool openai_says_something(struct json_object *message);
/* Fills the verdict: an answer has choices, and one of them says something, or (explained: its
 * finish reason) explains why it does not. */
void openai_judge(bool has_choices, bool says, const char *explained, struct verdict *ret);
/* A choice is an answer without saying anything, because its finish reason explains that. */
bool openai_finish_explains(const char *finish_reason);
/* OpenAI's own word of that name, static; NULL: it has none. */
const char *openai_finish(const char *finish_reason);
/* `content` is text, or a list of parts some of which are: the text, added to *out. */
int openai_add_text(struct json_object *content, struct buffer *out);
/* Tokens of prompt and answer by an answer's `usage`; LULL_UNSET: it does not say. */
uint32_t openai_tokens_used(struct json_object *usage);

/* ---- openai_answer.c */
/* Where a vendor bends the form in its choices, makes them what OpenAI's are. Return: 1 something
 * was changed; 0; -EBADMSG it cannot be; -ENOMEM; -EMSGSIZE. */
int openai_straighten(struct json_object *choices);

#endif
