/* SPDX-License-Identifier: MIT */
/* Internal: the form of Cohere's chat, version 2. See cohere_request.c and cohere_answer.c. */
#ifndef LULL_WORKER_COHERE_H
#define LULL_WORKER_COHERE_H

#include "wire.h"

extern const struct chat_form cohere_form;
int cohere_translate_answer(struct chunk_writer *out, struct json_object *root);
int cohere_translate_event(struct chunk_writer *out, const char *event, struct json_object *root);

#endif
