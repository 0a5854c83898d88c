/* SPDX-License-Identifier: MIT */
/*
 * Most answers are plain: in OpenAI's form, each choice with a text and a usual reason to end, and
 * no tool is called. That is seen in one pass over the tokens; a tree of the answer, which takes
 * several times as long and as much memory, is then not needed.
 *
 * It is sure or it is not. Whatever has a member that is not known here, in any place that could
 * matter, is for answer_read() to look at in full.
 */
#ifndef LULL_WORKER_GLANCE_H
#define LULL_WORKER_GLANCE_H

#include "wire.h"

struct glance {
	const char *finish; /* of the first choice, as in struct answer */
	const char *text;   /* its content: a JSON string without its quotes; borrowed */
	size_t text_bytes;
	bool text_is_escaped; /* there are escapes in it */
	uint32_t tokens;      /* used */
};

/* False: not sure. */
bool glance_at(const char *body, size_t size, struct glance *ret);

/* answer_read() without a glance. */
int answer_read_in_full(const struct http_route *route, const struct wire_response *response,
			struct answer *ret_answer, struct verdict *ret_verdict);

#endif
