/* SPDX-License-Identifier: MIT */
/* Internal: the form of Ollama's own chat. See ollama_request.c and ollama_answer.c. */
#ifndef LULL_WORKER_OLLAMA_H
#define LULL_WORKER_OLLAMA_H

#include "wire.h"

extern const struct chat_form ollama_form;
int ollama_translate_answer(struct chunk_writer *out, struct json_object *root);
int ollama_translate_event(struct chunk_writer *out, const char *event, struct json_object *root);

#endif
