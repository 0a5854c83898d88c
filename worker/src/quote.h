/* SPDX-License-Identifier: MIT */
/* Internal: whether a provider says something itself, or quotes it. See quote.c. */
#ifndef LULL_WORKER_QUOTE_H
#define LULL_WORKER_QUOTE_H

#include "wire.h"

/* The texts of what was sent, for quote_is_of(). To be freed; NULL: no memory. */
char *quote_source(const struct wire_response *response, size_t *ret_size);

/* Whether they have it, too, in whatever spelling. What is longer than any sentence that is asked for counts as quoted. */
bool quote_is_of(const char *source, size_t source_size, const char *text, size_t size);

#endif
