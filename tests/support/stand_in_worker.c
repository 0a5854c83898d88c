/* SPDX-License-Identifier: MIT */
/*
 * A lull-worker for tests of the supervisor: it keeps the contract of a gateway, has no need of a
 * provider, and misbehaves as its configuration says. Tests put it beside a copy of lulld.
 *
 *     config check --for-serve FILE
 *                         its "table" and "on_event"; exit 78 where it has a line "broken"
 *     resolve --table     the value of "table" in $LULL_CONFIG
 *     gateway -c FILE ... accepts from $LISTEN_FDS, says "ready" on $LULL_CONTROL_FD, and when it
 *                         is asked for its stats, how often it was asked as its "requests"
 *
 * Lines of FILE: "answer: TEXT", what GET / has; "exit: PATH", end with the code that stands in PATH
 * where there is such a file, "9s" being signal 9; "deaf", never say ready; "stubborn", take no
 * SIGTERM. GET /about: pid, arguments, what was handed over. GET /until/PATH: a stream that ends
 * when there is a file PATH.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define LISTENERS_MAX   8
#define TURN_MS         20

static char config[65536];

struct connection {
	int fd; /* -1: none */
	char head[4096];
	size_t used;
	const char *until; /* in head: the stream ends when that file is there */
};

static struct connection connections[CONNECTIONS_MAX];
static int listeners[LISTENERS_MAX];
static int listener_count, control = -1, arguments;
static char **argument;
static volatile sig_atomic_t terms;

static void on_term(int number)
{
	(void)number;
	terms++;
}

/* ------------------------------------------------------------------ the configuration */

static void read_config(const char *path)
{
	FILE *const file = path != NULL ? fopen(path, "re") : NULL;

	if (file == NULL)
		return;
	config[fread(config, 1, sizeof(config) - 1, file)] = '\0';
	(void)fclose(file);
}

/* The rest of the line that begins so; NULL: there is none. */
static const char *config_line(const char *begin)
{
	static char value[512];

	for (const char *at = config; at != NULL && *at != '\0'; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, begin, strlen(begin)) != 0)
			continue;
		at += strlen(begin);
		(void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\n"), at);
		return value;
	}
	return NULL;
}

static void end_if_told(void)
{
	const char *const path = config_line("exit: ");
	FILE *const file = path != NULL ? fopen(path, "re") : NULL;
	int code = 0;
	char kind = ' ';

	if (file == NULL)
		return;
	if (fscanf(file, "%d%c", &code, &kind) < 1)
		code = 1;
	(void)fclose(file);
	if (kind == 's')
		(void)raise(code);
	_exit(code);
}

static int check(const char *path)
{
	char name[512];
	const ssize_t length = readlink(path, name, sizeof(name) - 1);

	read_config(path);
	if (config_line("broken") == NULL) {
		if (config_line("table: ") != NULL)
			(void)printf("table %s\n", config_line("table: "));
		if (config_line("on_event: ") != NULL)
			(void)printf("on_event %s\n", config_line("on_event: "));
		return 0;
	}
	name[length > 0 ? length : 0] = '\0';
	(void)fprintf(stderr, "%s:1: broken, expected something whole\n", name);
	return 78;
}

/* ------------------------------------------------------------------ answers */

static void give(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		return; /* the client's loss */
}

static void hang_up(struct connection *connection)
{
	(void)close(connection->fd);
	connection->fd = -1;
}

static const char *environment(const char *name)
{
	const char *const value = getenv(name);

	return value != NULL ? value : "-";
}

static void give_about(int fd)
{
	char text[4096];
	int used = snprintf(text, sizeof(text),
			    "pid=%d\nlisten_fds=%s\nnames=%s\nnotify=%s\nfile=%s\narguments=",
			    (int)getpid(), environment("LISTEN_FDS"), environment("LISTEN_FDNAMES"),
			    environment("NOTIFY_SOCKET"), environment("LULL_CONFIG"));

	for (int i = 1; i < arguments && used < (int)sizeof(text) - 256; i++)
		used += snprintf(text + used, sizeof(text) - (size_t)used, "%.200s ", argument[i]);
	give(fd, text);
	give(fd, "\n");
}

static void answer(struct connection *connection)
{
	char *const path = strchr(connection->head, ' ');
	char *const end = path != NULL ? strchr(path + 1, ' ') : NULL;

	if (end == NULL) {
		hang_up(connection);
		return;
	}
	*end = '\0';
	give(connection->fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	if (strncmp(path + 1, "/until/", 7) == 0) {
		connection->until = path + 7;
		give(connection->fd, "begin\n");
		return;
	}
	if (strcmp(path + 1, "/about") == 0) {
		give_about(connection->fd);
	} else {
		const char *const text = config_line("answer: ");

		give(connection->fd, text != NULL ? text : "hello");
		give(connection->fd, "\n");
	}
	hang_up(connection);
}

static void take_bytes(struct connection *connection)
{
	const ssize_t got = recv(connection->fd, connection->head + connection->used,
				 sizeof(connection->head) - 1 - connection->used, MSG_DONTWAIT);

	if (got <= 0) {
		hang_up(connection);
		return;
	}
	connection->used += (size_t)got;
	connection->head[connection->used] = '\0';
	if (connection->until == NULL && strstr(connection->head, "\r\n\r\n") != NULL)
		answer(connection);
}

static void go_on(struct connection *connection)
{
	if (connection->fd < 0 || connection->until == NULL || access(connection->until, F_OK) != 0)
		return;
	give(connection->fd, "end\n");
	hang_up(connection);
}

static void take_connection(int listener)
{
	const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	for (int i = 0; fd >= 0 && i < CONNECTIONS_MAX; i++) {
		if (connections[i].fd < 0) {
			connections[i] = (struct connection){.fd = fd};
			return;
		}
	}
	if (fd >= 0)
		(void)close(fd);
}

/* ------------------------------------------------------------------ the loop */

static bool is_idle(void)
{
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		if (connections[i].fd >= 0)
			return false;
	return true;
}

static void stop_accepting(void)
{
	while (listener_count > 0)
		(void)close(listeners[--listener_count]);
}

/* Whether the supervisor is there, and what it asks. */
static void listen_to_control(void)
{
	static unsigned int asked;
	char bytes[256], text[128];
	const ssize_t got = recv(control, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (got >= 7 && memcmp(bytes, "stats?\n", 7) == 0) {
		(void)snprintf(text, sizeof(text),
			       "stats {\"v\":1,\"pid\":%d,\"connections\":2,\"requests\":%u}\n",
			       (int)getpid(), ++asked);
		give(control, text);
	}
	if (got != 0)
		return;
	(void)close(control);
	control = -1;
	stop_accepting();
}

static void turn(void)
{
	struct pollfd polled[LISTENERS_MAX + 1 + CONNECTIONS_MAX];
	const int count = listener_count;
	const nfds_t all = (nfds_t)count + 1 + CONNECTIONS_MAX;

	for (int i = 0; i < count; i++)
		polled[i] = (struct pollfd){.fd = listeners[i], .events = POLLIN};
	polled[count] = (struct pollfd){.fd = control, .events = POLLIN};
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		polled[count + 1 + i] = (struct pollfd){.fd = connections[i].fd, .events = POLLIN};
	if (poll(polled, all, is_idle() ? -1 : TURN_MS) < 0)
		return;
	for (int i = 0; i < count; i++)
		if (polled[i].revents != 0)
			take_connection(listeners[i]);
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		if (polled[count + 1 + i].revents != 0)
			take_bytes(&connections[i]);
	if (polled[count].revents != 0)
		listen_to_control();
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		go_on(&connections[i]);
}

static const char *option(const char *name)
{
	for (int i = 1; i + 1 < arguments; i++)
		if (strcmp(argument[i], name) == 0)
			return argument[i + 1];
	return NULL;
}

static int gateway(void)
{
	const struct sigaction action = {.sa_handler = on_term}; /* poll() is to end */

	if (strtol(environment("LISTEN_PID"), NULL, 10) != getpid())
		return 64;
	read_config(option("-c"));
	end_if_told();
	listener_count = (int)strtol(environment("LISTEN_FDS"), NULL, 10);
	for (int i = 0; i < listener_count && i < LISTENERS_MAX; i++)
		listeners[i] = 3 + i;
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		connections[i].fd = -1;
	control = (int)strtol(environment("LULL_CONTROL_FD"), NULL, 10);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	if (config_line("deaf") == NULL)
		give(control, "ready\n");
	for (;;) {
		const bool drains = (terms > 0 && config_line("stubborn") == NULL) || control < 0;

		if (drains)
			stop_accepting();
		if (drains && (terms > 1 || is_idle()))
			return 0;
		turn();
	}
}

int main(int argc, char **argv)
{
	argument = argv;
	arguments = argc;
	if (argc > 4 && strcmp(argv[1], "config") == 0)
		return check(argv[4]);
	if (argc > 1 && strcmp(argv[1], "gateway") == 0)
		return gateway();
	if (argc > 1 && strcmp(argv[1], "resolve") == 0) {
		read_config(getenv("LULL_CONFIG"));
		(void)printf("%s\n", config_line("table: ") != NULL ? config_line("table: ") : "");
		return 0;
	}
	return 64;
}
