/* SPDX-License-Identifier: MIT */
/*
 * Opens many connections and sends nothing.
 *
 *     bench-hold PORT COUNT
 *
 * To 127.0.0.1. Prints "holding N" when all are open, or as many as could be; then waits for the end of its
 * input, and prints "left N": how many the server has not closed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define DESCRIPTORS_REST 32u

static void raise_limit(size_t count)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = count + DESCRIPTORS_REST < limit.rlim_max ? count + DESCRIPTORS_REST
								   : limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int connect_to(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static bool is_open(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);

	return n > 0 || (n < 0 && errno == EAGAIN);
}

int main(int argc, char **argv)
{
	const size_t wanted = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	int *fds = calloc(wanted + 1, sizeof(*fds));
	size_t count = 0, left = 0;
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	if (wanted == 0 || !fds) {
		(void)fprintf(stderr, "usage: bench-hold PORT COUNT\n");
		free(fds);
		return 64;
	}
	address.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	raise_limit(wanted);
	while (count < wanted && (fds[count] = connect_to(&address)) >= 0)
		count++;
	(void)printf("holding %zu\n", count);
	(void)fflush(stdout);
	while (getchar() != EOF)
		;
	for (size_t i = 0; i < count; i++)
		left += is_open(fds[i]);
	(void)printf("left %zu\n", left);
	free(fds);
	return 0;
}
