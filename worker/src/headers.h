/* SPDX-License-Identifier: MIT */
/* Internal: where a request goes, and its headers. See headers.c. */
#ifndef LULL_WORKER_HEADERS_H
#define LULL_WORKER_HEADERS_H

#include "wire.h"

/*
 * Fills ret->url (the route's base URL and `path` behind it) and ret->headers.
 * @error: REQUEST_ERROR_BYTES
 * Return: 0; -EINVAL a header or the key holds a control character; -ENOMEM
 */
int headers_write(const struct http_route *route, const char *path, bool stream,
		  struct http_request *ret, char *error);

#endif
