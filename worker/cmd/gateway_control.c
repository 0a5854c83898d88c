/* SPDX-License-Identifier: MIT */
/*
 * The line to whoever supervises this process: a socket it has inherited, on which lines of text go
 * both ways. Its end means that the supervisor is gone; then this process makes room for those that
 * a new one starts.
 *
 *   here -> there   ready                 connections are taken
 *                   stats {JSON}          the answer to
 *   there -> here   stats?
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway.h"
#include "log.h"

#define LINE_BYTES 256

struct gateway_control {
	struct gateway *gateway;
	int fd;
	struct event *readable;
	char line[LINE_BYTES];
	size_t line_bytes;
};

/* A supervisor that does not read is told nothing: nobody waits for it. */
static void say(const struct gateway_control *control, const char *text)
{
	(void)send(control->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void say_stats(const struct gateway_control *control)
{
	const struct gateway *gateway = control->gateway;
	const struct gateway_counts *counts = &gateway->counts;
	char text[512];

	(void)snprintf(text, sizeof(text),
		       "stats {\"v\":1,\"pid\":%d,\"connections\":%" PRIu32 ",\"calls\":%" PRIu32
		       ",\"streams\":%" PRIu32 ",\"requests\":%" PRIu64 ",\"answered\":%" PRIu64
		       ",\"refused\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"left\":%" PRIu64
		       ",\"memory_bytes\":%zu,\"stopping\":%s}\n",
		       (int)getpid(), server_connection_count(gateway->server), counts->calls,
		       counts->streams, counts->requests, counts->answered, counts->refused,
		       counts->failed, counts->left, gateway_memory_bytes(gateway),
		       gateway->stopping ? "true" : "false");
	say(control, text);
}

static void take_line(struct gateway_control *control)
{
	control->line[control->line_bytes] = '\0';
	control->line_bytes = 0;
	if (strcmp(control->line, "stats?") == 0)
		say_stats(control);
}

static void take(struct gateway_control *control, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] == '\n')
			take_line(control);
		else if (control->line_bytes < LINE_BYTES - 1)
			control->line[control->line_bytes++] = bytes[i];
	}
}

static void on_readable(evutil_socket_t fd, short what, void *userdata)
{
	struct gateway_control *control = userdata;
	char bytes[LINE_BYTES];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	(void)what;
	if (n > 0) {
		take(control, bytes, (size_t)n);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	(void)event_del(control->readable);
	gateway_stop(control->gateway);
}

int gateway_control_new(struct gateway *gateway, struct gateway_control **ret_control)
{
	const char *text = getenv("LULL_CONTROL_FD");
	struct gateway_control *control;
	int fd;

	if (!text)
		return 0;
	fd = atoi(text);
	(void)unsetenv("LULL_CONTROL_FD");
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return -errno;
	control = calloc(1, sizeof(*control));
	if (!control)
		return -ENOMEM;
	control->gateway = gateway;
	control->fd = fd;
	*ret_control = control;
	control->readable =
		event_new(gateway->base, fd, EV_READ | EV_PERSIST, on_readable, control);
	return control->readable && event_add(control->readable, NULL) == 0 ? 0 : -ENOMEM;
}

struct gateway_control *gateway_control_free(struct gateway_control *control)
{
	if (!control)
		return NULL;
	if (control->readable)
		event_free(control->readable);
	(void)close(control->fd);
	free(control);
	return NULL;
}

void gateway_control_ready(const struct gateway_control *control)
{
	if (control)
		say(control, "ready\n");
}
