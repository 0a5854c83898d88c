/* SPDX-License-Identifier: MIT */
/* Internal: the form of Amazon Bedrock's Converse. See bedrock_request.c and bedrock_answer.c. */
#ifndef LULL_WORKER_BEDROCK_H
#define LULL_WORKER_BEDROCK_H

#include "wire.h"

extern const struct chat_form bedrock_form;
int bedrock_translate_answer(struct chunk_writer *out, struct json_object *root);
int bedrock_translate_event(struct chunk_writer *out, const char *event, struct json_object *root);

#endif
