/* SPDX-License-Identifier: MIT */
/* Internal: between the server and its connections. */
#ifndef LULL_SERVER_CONNECTION_H
#define LULL_SERVER_CONNECTION_H

#include <sys/queue.h>

#include "parser.h"
#include "server.h"

struct connection;
TAILQ_HEAD(connection_list, connection);

struct server {
	struct event_base *base;
	struct server_events events;
	struct server_limits limits;
	struct listener *listeners;
	struct event *pause;         /* over when it fires: a connection could not be taken */
	struct connection_list idle; /* those that could go at once, the longest idle first */
	struct connection_list busy;
	uint32_t connection_count;
	uint64_t held_back_at_ms;
	bool is_full;
	bool stopping;
	char date[32]; /* the Date header of this second */
	int64_t date_s;
};

/* fd: taken in any case. Return: 0; -ENOMEM. */
int connection_new(struct server *server, int fd, const struct exchange_peer *peer);
struct connection *connection_after(const struct connection *connection); /* in its list */
/* How long it has waited for a request of which nothing has come. */
uint64_t connection_idle_for_ms(const struct connection *connection);
/* It is idle, and to end: at once if it has been so for a while, else when it has. A request that is
 * on its way is answered. */
void connection_wind_up(struct connection *connection);
/* At once, whatever waits to be sent. */
void connection_cut(struct connection *connection);
void server_count(struct server *server, int more);
uint64_t server_now_ms(void);

#endif
