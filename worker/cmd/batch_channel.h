/* SPDX-License-Identifier: MIT */
/*
 * Messages between the parent of a batch and a worker process, over a socket pair. Neither end
 * waits for the other: what the socket does not take at once is kept. Both are one program, so a
 * message is memory as it lies; its bytes are aligned as malloc() does.
 */
#ifndef LULL_WORKER_BATCH_CHANNEL_H
#define LULL_WORKER_BATCH_CHANNEL_H

#include "../src/wire.h"

enum frame_type {
	FRAME_ROW = 1,   /* to a worker: a row's body */
	FRAME_STOP = 2,  /* to a worker: no further calls are begun, and at their end it leaves */
	FRAME_ENDED = 3, /* from a worker: a row's report */
	FRAME_PAUSED = 4 /* from a worker: struct pause, then the model's name */
};

struct frame {
	uint32_t type; /* enum frame_type */
	uint32_t slot;
	uint64_t size; /* of what follows, without its padding */
};

struct channel {
	int fd; /* -1: closed */
	struct buffer in, out;
	size_t in_at;
};

void channel_init(struct channel *channel, int fd);
void channel_close(struct channel *channel);

/* In two pieces, the second of which may be empty. Return: 0; negative errno: the other has gone.
 */
int channel_send(struct channel *channel, const struct frame *frame, const void *head,
		 size_t head_size, const void *rest);
bool channel_has_more(const struct channel *channel); /* to send, when the socket takes it */
int channel_flush(struct channel *channel);           /* 0; negative errno */
/* What has come. Return: 0; -EPIPE the other has gone; negative errno. */
int channel_receive(struct channel *channel);
/* The next whole message, or NULL. *ret_bytes: borrowed until channel_receive(). */
const struct frame *channel_next(struct channel *channel, const char **ret_bytes);

#endif
