/* SPDX-License-Identifier: MIT */
/*
 * Providers quote in their errors what they were sent. mask.h hides what looks like a secret; this
 * hides what is known to be one: the caller's own words.
 */
#ifndef LULL_WORKER_REDACT_H
#define LULL_WORKER_REDACT_H

#include <stddef.h>

/*
 * Replaces in @text, in place (@text_size with its NUL; what no longer fits is cut), whatever
 * also stands in the messages, prompt or input of @request (a request in OpenAI's form): runs of 16 bytes and more,
 * whole short messages, what is put in quotes, and words with digits or dashes in them. Names of
 * models and parameters stay. A word of the prompt without quotes stays, too: it may be the
 * sentence's own.
 */
void redact(char *text, size_t text_size, const char *request, size_t request_bytes);

#endif
