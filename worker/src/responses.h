/* SPDX-License-Identifier: MIT */
/* Internal: the form of OpenAI's Responses API. See responses_request.c and responses_answer.c. */
#ifndef LULL_WORKER_RESPONSES_H
#define LULL_WORKER_RESPONSES_H

#include "wire.h"

extern const struct chat_form responses_form;
int responses_translate_answer(struct chunk_writer *out, struct json_object *root);
int responses_translate_event(struct chunk_writer *out, const char *event,
			      struct json_object *root);

#endif
