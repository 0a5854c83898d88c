/* SPDX-License-Identifier: MIT */
/*
 * Listeners. Several processes may wait on the same one; each takes one connection at a time, so
 * that a burst is shared among them.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/util.h>

#include "connection.h"

#define IDLE_MS_MIN  100
#define HOLD_BACK_MS 1
#define HELD_BACK_MS 2u  /* so long after that it is time */
#define PAUSE_MS     100 /* after an accept() that failed: descriptors may come free */

uint64_t server_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct listener {
	struct listener *next;
	struct server *server;
	struct event *readable;
	int fd;
};

void server_limits_init(struct server_limits *limits)
{
	*limits = (struct server_limits){
		.connections_max = 1024,
		.head_for_ms = 10000,
		.idle_for_ms = 75000,
		.body_for_ms = 20000,
		.stall_for_ms = 60000,
	};
}

/* ---- accepting, or not */

static void watch_listeners(const struct server *server, bool watch)
{
	for (const struct listener *listener = server->listeners; listener;
	     listener = listener->next) {
		if (watch)
			(void)event_add(listener->readable, NULL);
		else
			(void)event_del(listener->readable);
	}
}

static void pause_accepting(struct server *server, long for_ms)
{
	const struct timeval time = {.tv_usec = for_ms * 1000};

	watch_listeners(server, false);
	(void)event_add(server->pause, &time);
}

static void on_pause_over(evutil_socket_t fd, short what, void *userdata)
{
	const struct server *server = userdata;

	(void)fd, (void)what;
	if (!server->stopping && !server->is_full)
		watch_listeners(server, true);
}

/* One that has been idle makes room for one that may not be; a new one has a while to begin. */
static bool has_room(struct server *server)
{
	struct connection *idle = TAILQ_FIRST(&server->idle);

	if (server->connection_count < server->limits.connections_max)
		return true;
	if (idle && connection_idle_for_ms(idle) >= IDLE_MS_MIN) {
		connection_cut(idle);
		return true;
	}
	if (idle) {
		pause_accepting(server, PAUSE_MS);
		return false;
	}
	server->is_full = true;
	watch_listeners(server, false);
	return false;
}

/* Once, and then it is time. */
static bool holds_back(struct server *server)
{
	const struct server_events *events = &server->events;
	const uint64_t now_ms = server_now_ms();

	if (!events->holds_back || now_ms - server->held_back_at_ms <= HELD_BACK_MS ||
	    !events->holds_back(server->connection_count, events->userdata))
		return false;
	server->held_back_at_ms = now_ms;
	pause_accepting(server, HOLD_BACK_MS);
	return true;
}

void server_count(struct server *server, int more)
{
	const struct server_events *events = &server->events;

	server->connection_count = (uint32_t)((int64_t)server->connection_count + more);
	if (events->counted)
		events->counted(server->connection_count, events->userdata);
	if (more < 0 && server->is_full && !server->stopping) {
		server->is_full = false;
		watch_listeners(server, true);
	}
	if (server->stopping && server->connection_count == 0 && events->emptied)
		events->emptied(events->userdata);
}

/* Who is at the other end, where the kernel knows it. */
static void know_peer(int fd, int family, struct exchange_peer *ret)
{
	struct ucred credentials;
	socklen_t size = sizeof(credentials);
	const int on = 1;

	*ret = (struct exchange_peer){.is_unix = family == AF_UNIX, .uid = (uid_t)-1, .pid = -1};
	if (!ret->is_unix) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
		ret->uid = credentials.uid;
		ret->pid = credentials.pid;
	}
}

/* Another process may have been quicker, and a client may have left again. */
static bool is_harmless(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == ECONNABORTED || error == EINTR ||
	       error == EPROTO;
}

static void on_readable(evutil_socket_t listening_fd, short what, void *userdata)
{
	struct listener *listener = userdata;
	struct server *server = listener->server;
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);
	struct exchange_peer peer;
	int fd;

	(void)what;
	if (holds_back(server) || !has_room(server))
		return;
	fd = accept4(listening_fd, (struct sockaddr *)&address, &size,
		     SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (!is_harmless(errno))
			pause_accepting(server, PAUSE_MS);
		return;
	}
	know_peer(fd, address.ss_family, &peer);
	if (connection_new(server, fd, &peer) != 0)
		pause_accepting(server, PAUSE_MS);
}

/* ---- life */

int server_listen(struct server *server, int fd)
{
	struct listener *listener = calloc(1, sizeof(*listener));

	if (!listener)
		return -ENOMEM;
	listener->server = server;
	listener->fd = fd;
	listener->readable =
		event_new(server->base, fd, EV_READ | EV_PERSIST, on_readable, listener);
	if (!listener->readable || evutil_make_socket_nonblocking(fd) != 0 ||
	    event_add(listener->readable, NULL) != 0) {
		if (listener->readable)
			event_free(listener->readable);
		free(listener);
		return -ENOMEM;
	}
	listener->next = server->listeners;
	server->listeners = listener;
	return 0;
}

static void close_listeners(struct server *server)
{
	for (struct listener *next, *listener = server->listeners; listener; listener = next) {
		next = listener->next;
		event_free(listener->readable);
		(void)close(listener->fd);
		free(listener);
	}
	server->listeners = NULL;
}

static void cut_all(struct connection_list *list)
{
	while (!TAILQ_EMPTY(list))
		connection_cut(TAILQ_FIRST(list));
}

void server_stop(struct server *server)
{
	server->stopping = true;
	close_listeners(server);
	if (server->connection_count == 0 && server->events.emptied)
		server->events.emptied(server->events.userdata);
	for (struct connection *next, *connection = TAILQ_FIRST(&server->idle); connection;
	     connection = next) {
		next = connection_after(connection);
		connection_wind_up(connection);
	}
}

uint32_t server_connection_count(const struct server *server)
{
	return server->connection_count;
}

int server_new(struct event_base *base, const struct server_events *events,
	       const struct server_limits *limits, struct server **ret_server)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		return -ENOMEM;
	server->base = base;
	server->events = *events;
	server->limits = *limits;
	server->date_s = -1;
	TAILQ_INIT(&server->idle);
	TAILQ_INIT(&server->busy);
	server->pause = evtimer_new(base, on_pause_over, server);
	if (!server->pause) {
		free(server);
		return -ENOMEM;
	}
	*ret_server = server;
	return 0;
}

struct server *server_free(struct server *server)
{
	if (!server)
		return NULL;
	server->events.emptied = NULL;
	server->stopping = true;
	close_listeners(server);
	cut_all(&server->idle);
	cut_all(&server->busy);
	event_free(server->pause);
	free(server);
	return NULL;
}
