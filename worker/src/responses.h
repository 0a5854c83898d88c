/* SPDX-License-Identifier: MIT */
/* Internal: the form of OpenAI's Responses API. See responses_request.c and responses_answer.c. */
#ifndef LULL_WORKER_RESPONSES_H
#define LULL_WORKER_RESPONSES_H

#include "wire.h"

int responses_write_request(const struct http_route *route, const char *request,
			    size_t request_bytes, bool stream, struct http_request *ret,
			    char *error);
int responses_translate_answer(struct chunk_writer *out, struct json_object *root);
int responses_translate_event(struct chunk_writer *out, const char *event,
			      struct json_object *root);

#endif
