/* SPDX-License-Identifier: MIT */
/* Internal: requests in Mistral's form. Its answers are in OpenAI's. See mistral_request.c. */
#ifndef LULL_WORKER_MISTRAL_H
#define LULL_WORKER_MISTRAL_H

#include "wire.h"

int mistral_write_request(const struct http_route *route, const char *request, size_t request_bytes,
			  bool stream, struct http_request *ret, char *error);

#endif
