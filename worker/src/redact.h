/* SPDX-License-Identifier: MIT */
/*
 * Providers quote in their errors what they were sent. mask.h hides what looks like a secret; this
 * hides what is known to be one: the caller's own words.
 */
#ifndef LULL_WORKER_REDACT_H
#define LULL_WORKER_REDACT_H

#include <stddef.h>

/*
 * Replaces in @text, in place (@text_size with its NUL; what no longer fits is cut), whatever also
 * stands in the messages, prompt or input of @request (a request in OpenAI's form): runs of 14
 * letters and digits, and shorter ones where the text was cut; messages that are shorter than that,
 * and their lines of several words; what is put in quotes; words with capitals, digits or dashes in
 * them. Blanks, line breaks, escapes and capitals may be others than the caller's (squeeze.h).
 * Names of models and parameters stay. A word of the prompt without quotes stays, too: it may be
 * the sentence's own; and so does a message of less than four letters.
 */
void redact(char *text, size_t text_size, const char *request, size_t request_bytes);

#endif
