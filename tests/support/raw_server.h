/* SPDX-License-Identifier: MIT */
/*
 * A server inside the test: one thread that answers with exactly the bytes it was given. For what
 * happens to single connections; whole conversations with programs have the mock provider.
 */
#ifndef LULL_TESTS_RAW_SERVER_H
#define LULL_TESTS_RAW_SERVER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum raw_then {
	RAW_KEEP = 0, /* the next request may come on this connection */
	RAW_CLOSE,
	RAW_RESET,
	RAW_HANG, /* open and silent, until the client leaves */
	RAW_AGAIN /* the same bytes again and again, until the client leaves */
};

/* What one request gets, in the order in which requests come. The last one stays. */
struct raw_turn {
	const char *bytes; /* NULL: none */
	enum raw_then then;
};

struct raw_server;

struct raw_server *raw_server_start(const struct raw_turn *turns, size_t count);
void raw_server_stop(struct raw_server *server); /* after the client's connections are closed */
uint16_t raw_server_port(const struct raw_server *server);
unsigned raw_server_connections(const struct raw_server *server);
unsigned raw_server_requests(const struct raw_server *server);
/* The last request as it came, NUL-terminated; read it when nothing is under way. */
const char *raw_server_request(const struct raw_server *server);

#endif
