/* SPDX-License-Identifier: MIT */
/* Internal: what an error body says, whatever its form. See wire_error.c. */
#ifndef LULL_WORKER_WIRE_ERROR_H
#define LULL_WORKER_WIRE_ERROR_H

#include "wire.h"

#define WIRE_ERROR_CODES_MAX 8

enum wire_body {
	WIRE_BODY_EMPTY,
	WIRE_BODY_TEXT,   /* HTML or text: not the provider's own words, most likely */
	WIRE_BODY_BROKEN, /* begins like JSON and is none */
	WIRE_BODY_JSON
};

struct wire_error {
	const struct provider *provider; /* NULL unknown */
	const struct wire_response *response;
	enum wire_body body;
	int status; /* of the answer; under a 2xx what stands in for it */
	struct json_object
		*object; /* the error object; NULL none. All below are borrowed from it */
	const char *codes[WIRE_ERROR_CODES_MAX]; /* type, code, status, reason ...: exact words */
	size_t code_count;
	const char *message;   /* NULL none */
	const char *finish;    /* a finish reason that means failure; NULL none */
	int inner_status;      /* error.code, where that is an HTTP status; 0 none */
	const char *hint_from; /* see hint_read() */
	int64_t hint_ms;
};

/* Fills *ret; `root` is the parsed body (NULL none) and must outlive it. finish: see above. */
void wire_error_read(const struct provider *provider, const struct wire_response *response,
		     struct json_object *root, const char *finish, struct wire_error *ret);

/* The error object (or error text) in a body that came with a 2xx, NULL none. */
struct json_object *wire_error_in(struct json_object *root);

/* Whether a code is that name, in any case. A name may begin or end with '*'. Of Amazon's codes
 * ("ThrottlingException:http://...") only the part before the colon counts. */
bool wire_code_is(const char *code, const char *name);

#endif
