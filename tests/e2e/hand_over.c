/* SPDX-License-Identifier: MIT */
/*
 * hand-over COMMAND...: plays the supervisor of a gateway. Opens a socket on a free port, hands it
 * over as systemd does, and keeps the control line: what comes on stdin goes out on it, and what
 * comes back is printed. Its first line of output is the port. When stdin ends, so does the line.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTENER 3
#define CONTROL  4

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

static void become(char **command, int listener, int control)
{
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (dup2(listener, 10) < 0 || dup2(control, 11) < 0 || dup2(10, LISTENER) < 0 ||
	    dup2(11, CONTROL) < 0)
		fail("dup2");
	for (int fd = CONTROL + 1; fd < 20; fd++)
		(void)close(fd);
	(void)setenv("LISTEN_FDS", "1", 1);
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LULL_CONTROL_FD", "4", 1);
	(void)execvp(command[0], command);
	fail(command[0]);
}

/* False: there is no more. */
static int pass_on(int from, int to)
{
	char bytes[4096];
	ssize_t n = read(from, bytes, sizeof(bytes));

	return n > 0 && write(to, bytes, (size_t)n) == n;
}

static void talk(int control)
{
	struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
				{.fd = control, .events = POLLIN}};

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		if (poll(fds, 2, -1) < 0)
			fail("poll");
		if (fds[0].revents && !pass_on(STDIN_FILENO, control)) {
			(void)shutdown(control, SHUT_WR);
			fds[0].fd = -1;
		}
		if (fds[1].revents && !pass_on(control, STDOUT_FILENO))
			fds[1].fd = -1;
	}
}

int main(int argc, char **argv)
{
	int pair[2], status, listener = listen_somewhere();
	pid_t child;

	if (argc < 2 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		fail("socketpair");
	child = fork();
	if (child == 0)
		become(argv + 1, listener, pair[1]);
	(void)close(listener);
	(void)close(pair[1]);
	talk(pair[0]);
	if (waitpid(child, &status, 0) < 0)
		fail("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
