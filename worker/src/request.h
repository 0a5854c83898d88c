/* SPDX-License-Identifier: MIT */
/*
 * The caller's request before it meets a route. Some of its members speak to Lull and not to a
 * provider: the list of models, as OpenRouter's callers (`models`) and LiteLLM's (`fallbacks`)
 * write it, retries and a time limit. They are read here and taken out; the rest goes upstream, in
 * the caller's own bytes.
 */
#ifndef LULL_WORKER_REQUEST_H
#define LULL_WORKER_REQUEST_H

#include "config.h"
#include "wire.h"

struct request {
	const char *bytes; /* what goes upstream: the caller's, which are borrowed, or `rest` */
	size_t size;
	const char
		*model; /* whom to ask first; NULL: nobody is named. Texts live as long as this */
	struct listed_model *fallbacks; /* NULL: it has no list */
	size_t fallback_count;
	uint32_t num_retries;       /* LULL_UNSET: not said */
	uint32_t timeout_ms;        /* of one attempt; likewise */
	struct json_object *parsed; /* of its members those that are asked for here, at least */
	struct buffer rest;
};

/*
 * Reads it. request_deinit() is due in any case.
 * @error: REQUEST_ERROR_BYTES, a sentence
 *
 * Return: 0; -EBADMSG it is no JSON object; -EINVAL it is one, and says something to Lull in no
 * form that is known; -ENOMEM.
 */
int request_read(const char *bytes, size_t size, struct request *ret, char *error);
void request_deinit(struct request *request);

/* What it says of a place or a key, which only the configuration may; NULL: nothing. Static. */
const char *request_address_member(const struct request *request);
/* It asks for a stream. *ret_is_known: false: what it says of that is neither true nor false. */
bool request_streams(const struct request *request, bool *ret_is_known);

/*
 * What it is expected to use of limits on tokens a minute, until the answer says: one token for
 * every four bytes, and as many as the answer may have, where it says so.
 */
uint32_t request_tokens_expected(const struct request *request);

/*
 * The request as that route's adapter gets it: with the members that the list gives for its model
 * alone, and the route's defaults where neither says anything. Where something has to change,
 * @bytes and @size lead to @out afterwards, which was empty. Return: 0; -EINVAL it is no JSON
 * object; -EMSGSIZE; -ENOMEM. The sentence in error (REQUEST_ERROR_BYTES) stays when memory ran
 * out.
 */
int request_for_route(const struct http_route *route, const char **bytes, size_t *size,
		      struct buffer *out, char *error);

#endif
