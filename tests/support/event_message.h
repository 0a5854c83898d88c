/* SPDX-License-Identifier: MIT */
/* Messages of Amazon's binary streams, written: what worker/src/eventstream.c reads. */
#ifndef LULL_TESTS_EVENT_MESSAGE_H
#define LULL_TESTS_EVENT_MESSAGE_H

#include "wire.h"

struct event_bytes {
	const char *bytes;
	size_t size;
};

/* All end the program without memory. */

/* The first 12 bytes of a message of these sizes, with their sum. */
void event_message_begin(struct buffer *out, size_t size, size_t headers_bytes);

/* A message of that block of headers and that payload, with the right sums. */
void event_message_frame(struct buffer *out, struct event_bytes headers,
			 struct event_bytes payload);
/* kind: "event" or "exception"; name: its type */
void event_message_add(struct buffer *out, const char *kind, const char *name,
		       struct event_bytes payload);

#endif
