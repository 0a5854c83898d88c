/* SPDX-License-Identifier: MIT */
/*
 * hand_over COUNT COMMAND...: plays the supervisor of so many gateways. Opens a socket on a free
 * port, hands it over as systemd does, with a page of memory for all of them, and keeps a control
 * line to each: what comes on stdin goes out on all of them, and what comes back is printed. Its
 * first line of output is the port. When stdin ends, so do the lines.
 */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTENER  3
#define CONTROL   4
#define BOARD     5
#define COUNT_MAX 8

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int listen_somewhere(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 128) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		fail("listen");
	(void)printf("%u\n", ntohs(address.sin_port));
	(void)fflush(stdout);
	return fd;
}

static int make_board(void)
{
	int fd = memfd_create("board", 0);

	if (fd < 0 || ftruncate(fd, 4096) != 0)
		fail("memfd_create");
	return fd;
}

static void become(char **command, const int *fds)
{
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	for (int i = 0; i < 3; i++)
		if (dup2(fds[i], 40 + i) < 0)
			fail("dup2");
	for (int i = 0; i < 3; i++)
		if (dup2(40 + i, LISTENER + i) < 0)
			fail("dup2");
	for (int fd = BOARD + 1; fd < 50; fd++)
		(void)close(fd);
	(void)setenv("LISTEN_FDS", "1", 1);
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LULL_CONTROL_FD", "4", 1);
	(void)setenv("LULL_BOARD_FD", "5", 1);
	(void)execvp(command[0], command);
	fail(command[0]);
}

static int start(char **command, int listener, int board)
{
	int pair[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		fail("socketpair");
	child = fork();
	if (child == 0)
		become(command, (const int[]){listener, pair[1], board});
	(void)close(pair[1]);
	return pair[0];
}

static void pass_back(struct pollfd *line)
{
	char bytes[4096];
	ssize_t n = read(line->fd, bytes, sizeof(bytes));

	if (n <= 0 || write(STDOUT_FILENO, bytes, (size_t)n) != n)
		line->fd = -1;
}

static void pass_on(struct pollfd *input, const struct pollfd *lines, int count)
{
	char bytes[4096];
	ssize_t n = read(input->fd, bytes, sizeof(bytes));

	if (n <= 0)
		input->fd = -1;
	for (int i = 0; i < count; i++) {
		if (n <= 0)
			(void)shutdown(lines[i].fd, SHUT_WR);
		else if (write(lines[i].fd, bytes, (size_t)n) != n)
			fail("write");
	}
}

static void talk(struct pollfd *fds, int count)
{
	int left = count;

	while (left > 0) {
		if (poll(fds, (nfds_t)count + 1, -1) < 0)
			fail("poll");
		left = 0;
		for (int i = 1; i <= count; i++) {
			if (fds[i].fd >= 0 && fds[i].revents)
				pass_back(&fds[i]);
			left += fds[i].fd >= 0;
		}
		if (fds[0].fd >= 0 && fds[0].revents)
			pass_on(&fds[0], fds + 1, count);
	}
}

int main(int argc, char **argv)
{
	struct pollfd fds[COUNT_MAX + 1] = {{.fd = STDIN_FILENO, .events = POLLIN}};
	const int count = argc > 2 ? atoi(argv[1]) : 0;
	int status, code = 0, listener = listen_somewhere(), board = make_board();

	if (count < 1 || count > COUNT_MAX)
		return 64;
	for (int i = 1; i <= count; i++)
		fds[i] = (struct pollfd){.fd = start(argv + 2, listener, board), .events = POLLIN};
	(void)close(listener);
	talk(fds, count);
	while (wait(&status) > 0)
		code |= WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return code;
}
