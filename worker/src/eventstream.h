/* SPDX-License-Identifier: MIT */
/* Amazon's binary streams of events, application/vnd.amazon.eventstream: see eventstream.c. */
#ifndef LULL_WORKER_EVENTSTREAM_H
#define LULL_WORKER_EVENTSTREAM_H

#include "wire.h"

#define EVENTSTREAM_TYPE "application/vnd.amazon.eventstream"

struct eventstream;
/* @message_bytes_max: of a whole message, frame and all; below 4 GiB. NULL without memory. */
struct eventstream *eventstream_new(size_t message_bytes_max);
struct eventstream *eventstream_free(struct eventstream *stream); /* NULL, which it also takes */
/*
 * As sse_feed(). An exception is an event that is_error, named by its type.
 * Return: 0; -EBADMSG bytes that are no message, or a damaged one; -EMSGSIZE; -ENOMEM; fn's value.
 * After a negative value there is nothing to be read any more.
 */
int eventstream_feed(struct eventstream *stream, const char *bytes, size_t size, sse_event_fn fn,
		     void *userdata);

#endif
