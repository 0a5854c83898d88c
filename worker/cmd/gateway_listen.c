/* SPDX-License-Identifier: MIT */
/*
 * Sockets that listen. Whoever starts this process may have opened them and hand them over as
 * systemd does (sd_listen_fds(3)); others are opened here.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "gateway.h"
#include "log.h"

#define FIRST_FD   3
#define FDS_MAX    64   /* arbitrary */
#define UNIX_MASK  0117 /* user and group may ask */
#define ADDRESS_IS "HOST:PORT, [IPV6]:PORT or unix:/path"

static int add(struct listen_list *list, int fd)
{
	int *grown = reallocarray(list->fds, list->count + 1, sizeof(*grown));

	if (!grown)
		return EX_SOFTWARE;
	list->fds = grown;
	list->fds[list->count++] = fd;
	return 0;
}

/* ---- handed over */

static long number_of(const char *text)
{
	char *end = NULL;
	const long number = text ? strtol(text, &end, 10) : -1;

	return text && *text && !*end ? number : -1;
}

static int take_over(struct listen_list *list)
{
	const long count = number_of(getenv("LISTEN_FDS"));
	const bool is_ours = number_of(getenv("LISTEN_PID")) == getpid();
	int code = 0;

	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDNAMES");
	if (!is_ours || count <= 0 || count > FDS_MAX)
		return 0;
	for (int fd = FIRST_FD; code == 0 && fd < FIRST_FD + count; fd++) {
		int listens = 0;
		socklen_t size = sizeof(listens);

		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || !listens) {
			log_error("gateway: descriptor %d was handed over, and does not listen",
				  fd);
			return EX_CONFIG;
		}
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
		code = add(list, fd);
	}
	return code;
}

/* ---- opened here */

static int complain(const char *address, const char *why)
{
	log_error("gateway: cannot listen on %s: %s", address, why);
	return EX_OSERR;
}

/* One that a process has left behind: nobody listens there. */
static void remove_stale(const struct sockaddr_un *name)
{
	struct stat status;
	int fd;

	if (lstat(name->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)name, sizeof(*name)) != 0 &&
	    errno == ECONNREFUSED)
		(void)unlink(name->sun_path);
	if (fd >= 0)
		(void)close(fd);
}

static int open_unix(const char *path, int *ret_fd)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	mode_t before;
	int rc;

	if (strlen(path) >= sizeof(name.sun_path))
		return -ENAMETOOLONG;
	memcpy(name.sun_path, path, strlen(path));
	remove_stale(&name);
	*ret_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*ret_fd < 0)
		return -errno;
	before = umask(UNIX_MASK);
	rc = bind(*ret_fd, (const struct sockaddr *)&name, sizeof(name)) == 0 ? 0 : -errno;
	(void)umask(before);
	return rc;
}

static int open_inet(const struct addrinfo *info, int *ret_fd)
{
	const int on = 1;

	*ret_fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*ret_fd < 0)
		return -errno;
	(void)setsockopt(*ret_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (info->ai_family == AF_INET6)
		(void)setsockopt(*ret_fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	return bind(*ret_fd, info->ai_addr, info->ai_addrlen) == 0 ? 0 : -errno;
}

/* Return: 0; negative errno; positive: as getaddrinfo(), but -EAI_... turned round */
static int open_host(const char *address, int *ret_fd)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	const char *colon = strrchr(address, ':');
	struct addrinfo *info;
	char host[256];
	int rc;

	if (!colon || colon == address || (size_t)(colon - address) >= sizeof(host))
		return -EINVAL;
	memcpy(host, address, (size_t)(colon - address));
	host[colon - address] = '\0';
	if (host[0] == '[' && colon[-1] == ']') {
		host[colon - address - 1] = '\0';
		memmove(host, host + 1, strlen(host));
	} else if (strchr(host, ':')) {
		return -EINVAL;
	}
	/* glibc takes 65537 for 1 */
	if (strtoul(colon + 1, NULL, 10) > UINT16_MAX ||
	    getaddrinfo(host, colon + 1, &hints, &info) != 0)
		return -EINVAL;
	rc = open_inet(info, ret_fd);
	freeaddrinfo(info);
	return rc;
}

static int open_one(const char *address, struct listen_list *list)
{
	int fd = -1;
	int rc = strncmp(address, "unix:", 5) == 0 ? open_unix(address + 5, &fd)
						   : open_host(address, &fd);

	if (rc == 0 && listen(fd, SOMAXCONN) != 0)
		rc = -errno;
	if (rc == 0)
		return add(list, fd);
	if (fd >= 0)
		(void)close(fd);
	if (rc != -EINVAL)
		return complain(address, strerror(-rc));
	log_error("gateway: --listen %s is no address, expected " ADDRESS_IS, address);
	return EX_USAGE;
}

/* Where it is, also where the port was the kernel's choice. */
static void say_address(int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);
	char host[64], port[8];

	if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		return;
	if (address.ss_family == AF_UNIX)
		log_info("gateway: listening on unix:%s",
			 ((const struct sockaddr_un *)&address)->sun_path);
	else if (getnameinfo((const struct sockaddr *)&address, size, host, sizeof(host), port,
			     sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		log_info(strchr(host, ':') ? "gateway: listening on [%s]:%s"
					   : "gateway: listening on %s:%s",
			 host, port);
}

int gateway_listen(const struct text_list *addresses, struct listen_list *ret)
{
	int code = take_over(ret);

	for (size_t i = 0; code == 0 && i < addresses->count; i++)
		code = open_one(addresses->texts[i], ret);
	if (code == 0 && ret->count == 0) {
		log_error("gateway: nowhere to listen; say --listen ADDRESS, which is " ADDRESS_IS);
		code = EX_USAGE;
	}
	for (size_t i = 0; code == 0 && i < ret->count; i++)
		say_address(ret->fds[i]);
	return code;
}

void gateway_unlisten(struct listen_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->fds[i] >= 0)
			(void)close(list->fds[i]);
	free(list->fds);
	*list = (struct listen_list){0};
}
