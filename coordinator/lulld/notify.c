/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "notify.h"

#define MESSAGE_BYTES_MAX 1024u

/* A path, or after an '@' a name that is in no file system. Length of the address; 0: none. */
static socklen_t notify_address(struct sockaddr_un *ret)
{
	const char *const name = getenv("NOTIFY_SOCKET");
	const size_t length = name != NULL ? strlen(name) : 0;

	if (length < 2 || length >= sizeof(ret->sun_path) || (name[0] != '/' && name[0] != '@'))
		return 0;
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(ret->sun_path, name, length);
	if (name[0] == '@')
		ret->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

static void send_message(const char *message)
{
	struct sockaddr_un address;
	const socklen_t length = notify_address(&address);
	int fd;

	if (length == 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&address,
		     length);
	(void)close(fd);
}

void notify(const char *state, const char *status)
{
	char message[MESSAGE_BYTES_MAX];

	(void)snprintf(message, sizeof(message), "%s%s%.*s", state, status != NULL ? "STATUS=" : "",
		       (int)(sizeof(message) - 64), status != NULL ? status : "");
	send_message(message);
}

void notify_reloading(const char *status)
{
	struct timespec now = {0};
	char state[64];

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%llu\n",
		       (unsigned long long)now.tv_sec * 1000000u +
			       (unsigned long long)now.tv_nsec / 1000u);
	notify(state, status);
}

uint64_t notify_watchdog_ms(void)
{
	const char *const for_us = getenv("WATCHDOG_USEC"), *const pid = getenv("WATCHDOG_PID");

	if (for_us == NULL || (pid != NULL && strtol(pid, NULL, 10) != getpid()))
		return 0;
	return strtoull(for_us, NULL, 10) / 1000;
}
