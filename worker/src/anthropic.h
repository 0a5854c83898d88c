/* SPDX-License-Identifier: MIT */
/* Internal: the form of Anthropic's Messages. See anthropic_request.c and anthropic_answer.c. */
#ifndef LULL_WORKER_ANTHROPIC_H
#define LULL_WORKER_ANTHROPIC_H

#include "wire.h"

extern const struct chat_form anthropic_form;
int anthropic_translate_answer(struct chunk_writer *out, struct json_object *root);
int anthropic_translate_event(struct chunk_writer *out, const char *event,
			      struct json_object *root);

#endif
