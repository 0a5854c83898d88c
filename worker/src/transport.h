/* SPDX-License-Identifier: MIT */
/*
 * HTTP exchanges on libcurl's multi interface. Knows connections and bytes; knows nothing of
 * models, answers or time limits (attempt.h does).
 *
 * A transport belongs to the process that first used it. Making one costs nothing: libcurl and its
 * multi handle come with the first transfer, so a transport made before fork() may be used in one
 * child (or several: each has its own copy). Once it was used, a child is refused with -ECHILD.
 */
#ifndef LULL_WORKER_TRANSPORT_H
#define LULL_WORKER_TRANSPORT_H

#include <poll.h>

#include "wire.h"

struct transport;
struct transfer; /* one exchange */

int transport_new(struct transport **ret_transport); /* 0; -ENOMEM */
/* It was used by another process: all of it is that one's. */
bool transport_is_foreign(const struct transport *transport);
/* Closes what is kept for further transfers. Not while there are any, nor if it is foreign. */
void transport_rest(struct transport *transport);
/* Ends all connections. Its transfers were freed before. A foreign one is left as it is. */
struct transport *transport_free(struct transport *transport);

/* What happens to a transfer, told from inside transport_wait() or transport_ready(). */
struct transfer_events {
	void (*connected)(void *userdata); /* the connection stands, TLS too; reused: at once */
	void (*resent)(void *userdata);    /* a reused one had died before any byte: sent again */
	/* final status and headers (never 1xx); borrowed. Non-zero ends the transfer. */
	int (*head)(const struct wire_response *head, void *userdata);
	/* a piece of the body, decoded. Non-zero ends the transfer. */
	int (*body)(const char *bytes, size_t size, void *userdata);
	void (*ended)(void *userdata); /* it is at its end, in whatever way */
};

struct transfer_job {
	const struct http_route *route;     /* CA file and proxy; borrowed until transfer_free() */
	const struct http_request *request; /* likewise */
	const char *const *headers;         /* further ones, borrowed likewise; NULL none */
	bool streamed;                      /* an event stream was asked for */
	uint64_t connect_for_ms; /* shared out among the host's addresses; it ends nothing itself */
	const struct transfer_events *events;
	void *userdata;
};

/* Return: 0; -ECHILD another process owns the transport; -ENOMEM; -EIO libcurl does not start. */
int transfer_start(struct transport *transport, const struct transfer_job *job,
		   struct transfer **ret_transfer);
/* At any time outside its own events. Ends the transfer if it is running; does not wait. */
struct transfer *transfer_free(struct transfer *transfer);

/* What comes is a stream, and may be as long as one: WIRE_STREAM_BYTES_MAX. For the event of its head. */
void transfer_expect_stream(struct transfer *transfer);

/* Takes no more of the body, until it is let go on: what the reader of a slow reader does. At any
 * time, also inside its own events to pause it. */
void transfer_pause(struct transfer *transfer, bool pause);

bool transfer_ended(const struct transfer *transfer);
/* What came: status 0 if no final status line did. The body is not in it. Borrowed. */
const struct wire_response *transfer_head(const struct transfer *transfer);
/* Of an ended transfer. Return: true: it failed in transport, and *ret says how, but for
 * `streamed`: what a body is, its reader knows. */
bool transfer_failure(const struct transfer *transfer, struct transport_failure *ret);

/*
 * Moves all transfers on, sleeping until something happens, until @until_ms (lull_clock_ms()), or
 * until a signal comes. Return: 0; -EIO.
 */
int transport_wait(struct transport *transport, uint64_t until_ms);

/* The same, and one of these descriptors may be what happens: their revents are set. At most
 * TRANSPORT_FDS_MAX. Return: 0; -EIO; -ECHILD. */
#define TRANSPORT_FDS_MAX 8u
int transport_wait_with(struct transport *transport, uint64_t until_ms, struct pollfd *fds,
			size_t count);

/* For who has an event loop of his own, in place of transport_wait(). */
struct transport_loop {
	/*
	 * From now on transport_ready() is due when the descriptor is ready for these events: POLLIN,
	 * POLLOUT; 0: no longer. @watched: what this returned for it before, NULL at first.
	 */
	void *(*watch)(int fd, short events, void *watched, void *userdata);
	/* transport_ready() is due in so long, and at no other time; LULL_NEVER: at none */
	void (*wake)(uint64_t for_ms, void *userdata);
	void *userdata;
};
/* Before the first transfer. loop: copied. */
void transport_use_loop(struct transport *transport, const struct transport_loop *loop);
/* Moves on what that descriptor belongs to, without waiting. fd: -1: it is the time that has come.
 * Return: 0; -EIO. */
int transport_ready(struct transport *transport, int fd, short events);

#endif
