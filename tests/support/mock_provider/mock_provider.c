/* SPDX-License-Identifier: MIT */
/*
 * mock-provider: the program. Its listeners and its loop; mock.h says what the other files do.
 *
 * The first line on stdout, "listening on ADDRESS:PORT", is also the sign that it is ready. It
 * ends at SIGTERM or SIGINT with nothing left allocated, so that leak checkers have nothing to say.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "mock.h"

#define QUEUE_LENGTH 1024

struct mock mock;

static volatile sig_atomic_t has_to_end;
static int listen_fds[LISTENER_COUNT] = {-1, -1, -1, -1, -1};
static int filler_fds[2] = {-1, -1}; /* they fill LISTENER_FULL's queue */

uint64_t mock_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static void on_signal(int number)
{
	(void)number;
	has_to_end = 1;
}

/* ---- listeners */

static const struct {
	bool listens;
	int queue;
} listener_rows[LISTENER_COUNT] = {
	[LISTENER_MAIN] = {true, QUEUE_LENGTH},
	[LISTENER_REFUSED] = {false, 0},
	[LISTENER_FULL] = {true, 0},
	[LISTENER_DEAF] = {true, QUEUE_LENGTH},
};

/* -EINVAL: mock.address is none. */
static int make_address(unsigned port, struct sockaddr_in *ret)
{
	*ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	return inet_pton(AF_INET, mock.address, &ret->sin_addr) == 1 ? 0 : -EINVAL;
}

static int open_listener(enum listener which, unsigned port)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	listen_fds[which] = fd;
	if (make_address(port, &address) < 0)
		return -EINVAL;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, size) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0 ||
	    (listener_rows[which].listens && listen(fd, listener_rows[which].queue) < 0))
		return -errno;
	mock.ports[which] = ntohs(address.sin_port);
	return 0;
}

/* A queue of length 0 takes one connection; further ones get no answer to their SYN. */
static void fill_queue(void)
{
	struct sockaddr_in address;

	(void)make_address(mock.ports[LISTENER_FULL], &address);
	for (size_t i = 0; i < sizeof(filler_fds) / sizeof(filler_fds[0]); i++) {
		filler_fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(filler_fds[i], (struct sockaddr *)&address, sizeof(address));
	}
}

static int open_listeners(unsigned port)
{
	for (enum listener which = LISTENER_MAIN; which < LISTENER_COUNT; which++) {
		int error = open_listener(which, which == LISTENER_MAIN ? port : 0);

		if (error < 0)
			return error;
	}
	fill_queue();
	return 0;
}

static void close_listeners(void)
{
	for (size_t i = 0; i < LISTENER_COUNT; i++)
		if (listen_fds[i] >= 0)
			(void)close(listen_fds[i]);
	for (size_t i = 0; i < sizeof(filler_fds) / sizeof(filler_fds[0]); i++)
		if (filler_fds[i] >= 0)
			(void)close(filler_fds[i]);
}

/* ---- the loop */

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Signals are let in only while it waits, so none is missed between the check and the wait. */
static int serve(void)
{
	struct epoll_event events[64], listening = {.events = EPOLLIN};
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t blocked, before;
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	if (epoll_fd < 0 ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fds[LISTENER_MAIN], &listening) < 0)
		return -errno;
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGTERM);
	(void)sigaddset(&blocked, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &blocked, &before);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);

	printf("listening on %s:%u\n", mock.address, mock.ports[LISTENER_MAIN]);
	(void)fflush(stdout);
	while (!has_to_end) {
		int count = epoll_pwait(epoll_fd, events, 64, conn_timers(), &before);

		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr)
				conn_event(events[i].data.ptr, events[i].events);
			else
				conn_accept(epoll_fd, listen_fds[LISTENER_MAIN]);
		}
	}
	conn_close_all();
	(void)close(epoll_fd);
	return 0;
}

/* ---- options */

static int usage(FILE *out, int code)
{
	fputs("usage: mock-provider [--address A] [--port N] [--script FILE|JSON] [--wire DIR]\n"
	      "An HTTP/1.1 server that answers as badly as it is told to.\n"
	      "  --address A    where it listens (default: 127.0.0.1)\n"
	      "  --port N       0 (the default) takes a free one; the first line printed says "
	      "which\n"
	      "  --script S     rules: a file, or JSON that begins with '['\n"
	      "  --wire DIR     where a rule's \"file\" is looked for (default: .)\n",
	      out);
	return code;
}

static bool load_script(const char *given)
{
	struct bytes text = {0};
	char error[MOCK_ERROR_BYTES] = "";

	if (*given == '[') {
		bytes_print(&text, "%s", given);
	} else if (!bytes_read_file(&text, given)) {
		(void)fprintf(stderr, "mock-provider: %s: %s\n", given, strerror(errno));
		bytes_free(&text);
		return false;
	}
	mock.script = script_read(text.at, mock.wire_dir, mock.ports[LISTENER_MAIN], error);
	if (!mock.script)
		(void)fprintf(stderr, "mock-provider: %s\n", error);
	bytes_free(&text);
	return mock.script != NULL;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"address", required_argument, NULL, 'a'}, {"port", required_argument, NULL, 'p'},
		{"script", required_argument, NULL, 's'},  {"wire", required_argument, NULL, 'w'},
		{"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
	};
	const char *script = "[]";
	unsigned long port = 0;
	int option, error;

	mock.wire_dir = ".";
	mock.address = "127.0.0.1";
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'a':
			mock.address = optarg;
			break;
		case 'p':
			port = strtoul(optarg, NULL, 10);
			break;
		case 's':
			script = optarg;
			break;
		case 'w':
			mock.wire_dir = optarg;
			break;
		default:
			return option == 'h' ? usage(stdout, 0) : usage(stderr, 64);
		}
	}
	if (optind != argc || port > 65535)
		return usage(stderr, 64);

	raise_descriptor_limit();
	error = open_listeners((unsigned)port);
	if (error == 0 && load_script(script))
		error = serve();
	else if (error == 0)
		error = -EINVAL;
	else
		(void)fprintf(stderr, "mock-provider: %s:%lu: %s\n", mock.address, port,
			      strerror(-error));
	close_listeners();
	(void)script_free(mock.script);
	journal_free();
	return error == 0 ? 0 : 1;
}
