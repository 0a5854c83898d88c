/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 for programs that listen: on an event loop of theirs, requests come in and answers go
 * out. Knows nothing of models.
 *
 * An exchange is one request and its answer. A connection has one at a time; what a client sends
 * ahead waits. Its life, as the program is told of it:
 *
 *     head()     the head is whole. Answered here, the body is never read
 *     request()  all of it is there: to be answered now or later, whole or as a stream
 *     drained()  the reader of a stream has caught up
 *     ended()    the answer has left, or the client has: in every phase, once. It is gone then
 *
 * What is refused before it comes to that (a malformed head, one too slow or too large) is told by
 * refused(), so that the program gives it a body in its own form; then ended() follows.
 */
#ifndef LULL_SERVER_H
#define LULL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct event_base;
struct server;
struct exchange;

struct server_limits {
	uint32_t connections_max;
	uint32_t
		head_for_ms; /* a connection without a request, and the first byte to the head's end */
	uint32_t idle_for_ms; /* a connection between two requests */
	/* a body, from the head's end, before it has to come with SERVER_BODY_BYTES_PER_S at least */
	uint32_t body_for_ms;
	uint32_t stall_for_ms; /* a reader that takes nothing of what waits for it */
};
void server_limits_init(struct server_limits *limits);
#define SERVER_BODY_BYTES_PER_S (16u << 10)

struct server_events {
	void (*head)(struct exchange *exchange, void *userdata);
	void (*request)(struct exchange *exchange, void *userdata);
	/* To be answered with that status; why: a sentence, static. */
	void (*refused)(struct exchange *exchange, int status, const char *why, void *userdata);
	void (*drained)(struct exchange *exchange, void *userdata);
	/* sent: all of the answer has been taken by the kernel */
	void (*ended)(struct exchange *exchange, bool sent, void *userdata);
	/* May so many bytes more be taken for a body? See parser.h. NULL: always */
	bool (*room)(struct exchange *exchange, size_t bytes, void *userdata);
	/* There are so many connections now. NULL: nobody needs to know */
	void (*counted)(uint32_t connections, void *userdata);
	/* Another process that waits on the same sockets may be a better one to take the next
	 * connection: it has a millisecond for it. NULL: never */
	bool (*holds_back)(uint32_t connections, void *userdata);
	void (*emptied)(void *userdata); /* after server_stop(): the last connection has gone */
	void *userdata;
};

/* events, limits: copied. Return: 0; -ENOMEM */
int server_new(struct event_base *base, const struct server_events *events,
	       const struct server_limits *limits, struct server **ret_server);
/* Cuts all connections; of open exchanges ended() is told. NULL is fine. */
struct server *server_free(struct server *server);

/* A socket that listens, and is the server's from now on. Return: 0; negative errno. */
int server_listen(struct server *server, int fd);
/* Takes no further connection, closes those that have been idle for half a second, and each other one
 * after its exchange. */
void server_stop(struct server *server);
uint32_t server_connection_count(const struct server *server);

/* ---- the request; borrowed until ended() */
const char *exchange_method(const struct exchange *exchange); /* "": refused before it was known */
const char *exchange_target(const struct exchange *exchange); /* path and query, likewise */
const char *exchange_header(const struct exchange *exchange, const char *name); /* NULL none */
const char *exchange_body(const struct exchange *exchange, size_t *ret_size);   /* "" none */
uint64_t exchange_announced_bytes(const struct exchange *exchange); /* of the body; 0 not known */

struct exchange_peer {
	bool is_unix; /* then the kernel says who: */
	uid_t uid;
	pid_t pid;
};
const struct exchange_peer *exchange_peer(const struct exchange *exchange);

void exchange_set_userdata(struct exchange *exchange, void *userdata);
void *exchange_userdata(const struct exchange *exchange); /* NULL at first */

/* ---- the answer */
struct server_header {
	const char *name;
	const char *value; /* NULL: the header is left out */
};

struct server_answer {
	int status;
	const struct server_header *headers;
	size_t header_count;
	bool closes; /* the connection, afterwards */
};

/* All of it. `body` is copied. To HEAD only the head is sent. */
void exchange_answer(struct exchange *exchange, const struct server_answer *answer,
		     const char *body, size_t size);
/* The same with a body that comes in pieces: begin, send ..., finish. */
void exchange_begin(struct exchange *exchange, const struct server_answer *answer);
void exchange_send(struct exchange *exchange, const char *bytes, size_t size);
void exchange_finish(struct exchange *exchange);
/* So much waits to be read that no more should be sent until drained(). */
bool exchange_is_full(const struct exchange *exchange);
size_t exchange_waiting_bytes(const struct exchange *exchange);

#endif
