/* SPDX-License-Identifier: MIT */
/* Internal: the form of Gemini's generateContent. See gemini_request.c and gemini_answer.c. */
#ifndef LULL_WORKER_GEMINI_H
#define LULL_WORKER_GEMINI_H

#include "wire.h"

extern const struct chat_form gemini_form;
int gemini_translate_answer(struct chunk_writer *out, struct json_object *root);
int gemini_translate_event(struct chunk_writer *out, const char *event, struct json_object *root);

#endif
