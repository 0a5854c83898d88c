/* SPDX-License-Identifier: MIT */
/* Internal: the form of Amazon Bedrock's Converse. See bedrock_request.c and bedrock_answer.c. */
#ifndef LULL_WORKER_BEDROCK_H
#define LULL_WORKER_BEDROCK_H

#include "wire.h"

int bedrock_write_request(const struct http_route *route, const char *request, size_t request_bytes,
			  bool stream, struct http_request *ret, char *error);
int bedrock_translate_answer(struct chunk_writer *out, struct json_object *root);
int bedrock_translate_event(struct chunk_writer *out, const char *event, struct json_object *root);

#endif
