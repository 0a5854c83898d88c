/* SPDX-License-Identifier: MIT */
/* A server inside the test: see raw_server.h. One connection at a time, in one thread. */
#include "raw_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_BYTES_MAX 65536

struct raw_server {
	const struct raw_turn *turns;
	size_t turn_count;
	int fd;
	int stop[2]; /* pipe: closed to stop */
	uint16_t port;
	pthread_t thread;
	_Atomic unsigned connections;
	_Atomic unsigned requests;
	char incoming[REQUEST_BYTES_MAX];
	char request[REQUEST_BYTES_MAX]; /* the last whole one */
};

static void must(bool is_true, const char *what)
{
	if (is_true)
		return;
	perror(what);
	exit(EXIT_FAILURE);
}

/* false: it is time to stop */
static bool wait_readable(const struct raw_server *server, int fd)
{
	struct pollfd fds[] = {{.fd = server->stop[0]}, {.fd = fd, .events = POLLIN}};

	while (poll(fds, 2, -1) < 0)
		;
	return fds[0].revents == 0;
}

static bool is_whole(const char *request)
{
	const char *end = strstr(request, "\r\n\r\n");
	const char *length = strcasestr(request, "content-length:");

	return end && (!length || strlen(end + 4) >= strtoul(length + 15, NULL, 10));
}

static bool read_request(struct raw_server *server, int fd)
{
	size_t size = 0;

	server->incoming[0] = '\0';
	while (!is_whole(server->incoming)) {
		ssize_t got;

		if (size + 1 >= REQUEST_BYTES_MAX || !wait_readable(server, fd))
			return false;
		got = recv(fd, server->incoming + size, REQUEST_BYTES_MAX - 1 - size, 0);
		if (got <= 0)
			return false;
		size += (size_t)got;
		server->incoming[size] = '\0';
	}
	memcpy(server->request, server->incoming, size + 1);
	return true;
}

static bool send_all(int fd, const char *bytes)
{
	size_t left = strlen(bytes);

	while (left > 0) {
		ssize_t sent = send(fd, bytes, left, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		bytes += sent;
		left -= (size_t)sent;
	}
	return true;
}

/* false: the connection has had its last answer */
static bool play(struct raw_server *server, int fd, const struct raw_turn *turn)
{
	const struct linger at_once = {.l_onoff = 1};
	char byte;

	if (turn->bytes && !send_all(fd, turn->bytes))
		return false;
	switch (turn->then) {
	case RAW_KEEP:
		return true;
	case RAW_RESET:
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		return false;
	case RAW_HANG:
		while (wait_readable(server, fd) && recv(fd, &byte, 1, 0) > 0)
			;
		return false;
	case RAW_AGAIN:
		while (turn->bytes && send_all(fd, turn->bytes))
			;
		return false;
	case RAW_CLOSE:
		return false;
	}
	return false;
}

static void serve(struct raw_server *server, int fd)
{
	bool goes_on = true;

	while (goes_on && read_request(server, fd)) {
		size_t turn = atomic_fetch_add(&server->requests, 1);

		if (turn >= server->turn_count)
			turn = server->turn_count - 1;
		goes_on = play(server, fd, &server->turns[turn]);
	}
}

static void *run(void *userdata)
{
	struct raw_server *server = userdata;

	while (wait_readable(server, server->fd)) {
		int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			continue;
		atomic_fetch_add(&server->connections, 1);
		serve(server, fd);
		close(fd);
	}
	return NULL;
}

struct raw_server *raw_server_start(const struct raw_turn *turns, size_t count)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);
	struct raw_server *server = calloc(1, sizeof(*server));

	must(server && count > 0, "raw_server_start");
	server->turns = turns;
	server->turn_count = count;
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(server->fd >= 0 && pipe(server->stop) == 0, "socket");
	must(bind(server->fd, (struct sockaddr *)&address, size) == 0, "bind");
	must(listen(server->fd, 16) == 0, "listen");
	must(getsockname(server->fd, (struct sockaddr *)&address, &size) == 0, "getsockname");
	server->port = ntohs(address.sin_port);
	must(pthread_create(&server->thread, NULL, run, server) == 0, "pthread_create");
	return server;
}

void raw_server_stop(struct raw_server *server)
{
	close(server->stop[1]);
	must(pthread_join(server->thread, NULL) == 0, "pthread_join");
	close(server->stop[0]);
	close(server->fd);
	free(server);
}

uint16_t raw_server_port(const struct raw_server *server)
{
	return server->port;
}

unsigned raw_server_connections(const struct raw_server *server)
{
	return atomic_load(&server->connections);
}

unsigned raw_server_requests(const struct raw_server *server)
{
	return atomic_load(&server->requests);
}

const char *raw_server_request(const struct raw_server *server)
{
	return server->request;
}
