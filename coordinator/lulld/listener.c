/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "listener.h"

#define UNIX_PREFIX     "unix:"
#define INHERITED_FIRST 3 /* SD_LISTEN_FDS_START */
#define IN_USE_TRIES    20
#define IN_USE_PAUSE_NS 100000000

struct address {
	struct sockaddr_storage bytes;
	socklen_t size;
};

/* ------------------------------------------------------------------ addresses as text */

/* "HOST:PORT" or "[HOST]:PORT", both as numbers: no name server is asked. */
static int parse_tcp(const char *text, struct address *ret)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				       .ai_socktype = SOCK_STREAM};
	const char *const colon = strrchr(text, ':');
	struct addrinfo *found = NULL;
	char host[64];
	size_t length;

	if (colon == NULL || colon[1] == '\0')
		return -EINVAL;
	length = (size_t)(colon - text);
	if (length > 2 && text[0] == '[' && colon[-1] == ']') {
		text++;
		length -= 2;
	} else if (memchr(text, ':', length) != NULL) {
		return -EINVAL; /* which of the colons is it? */
	}
	if (length == 0 || length >= sizeof(host))
		return -EINVAL;
	(void)snprintf(host, sizeof(host), "%.*s", (int)length, text);
	/* glibc takes 65537 for 1 */
	if (strtoul(colon + 1, NULL, 10) > UINT16_MAX ||
	    getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return -EINVAL;
	memcpy(&ret->bytes, found->ai_addr, found->ai_addrlen);
	ret->size = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static int parse_unix(const char *path, struct address *ret)
{
	struct sockaddr_un *const address = (struct sockaddr_un *)(void *)&ret->bytes;

	if (path[0] != '/' || strlen(path) >= sizeof(address->sun_path))
		return -EINVAL;
	*ret = (struct address){.size = sizeof(*address)};
	address->sun_family = AF_UNIX;
	(void)snprintf(address->sun_path, sizeof(address->sun_path), "%s", path);
	return 0;
}

static bool is_unix(const struct address *address)
{
	return address->bytes.ss_family == AF_UNIX;
}

static const char *path_of(const struct address *address)
{
	return ((const struct sockaddr_un *)(const void *)&address->bytes)->sun_path;
}

/* What the socket is bound to, which for port 0 the kernel knows only. */
static void describe(struct listener *listener)
{
	struct address bound = {.size = sizeof(bound.bytes)};
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getsockname(listener->fd, (struct sockaddr *)&bound.bytes, &bound.size) < 0)
		return;
	if (is_unix(&bound))
		(void)snprintf(listener->text, sizeof(listener->text), UNIX_PREFIX "%s",
			       path_of(&bound));
	else if (getnameinfo((struct sockaddr *)&bound.bytes, bound.size, host, sizeof(host), port,
			     sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		(void)snprintf(listener->text, sizeof(listener->text),
			       bound.bytes.ss_family == AF_INET6 ? "[%.64s]:%.8s" : "%.64s:%.8s",
			       host, port);
}

/* ------------------------------------------------------------------ opening */

/* The file is there, and nobody would answer. */
static bool is_stale(const struct address *address)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool stale;

	if (fd < 0)
		return false;
	stale = connect(fd, (const struct sockaddr *)&address->bytes, address->size) < 0 &&
		errno == ECONNREFUSED;
	(void)close(fd);
	return stale;
}

/* The mode is the file's from its first moment on. */
static int bind_unix(int fd, const struct address *address, mode_t mode)
{
	const mode_t before = umask(0777 & ~mode);
	int error = 0;

	if (bind(fd, (const struct sockaddr *)&address->bytes, address->size) < 0)
		error = -errno;
	(void)umask(before);
	return error;
}

static int bind_once(int fd, const struct address *address, mode_t mode)
{
	struct stat file;

	if (!is_unix(address))
		return bind(fd, (const struct sockaddr *)&address->bytes, address->size) < 0
			       ? -errno
			       : 0;
	if (lstat(path_of(address), &file) == 0 && S_ISSOCK(file.st_mode) && is_stale(address))
		(void)unlink(path_of(address));
	return bind_unix(fd, address, mode);
}

static int bind_soon(int fd, const struct address *address, mode_t mode)
{
	static const struct timespec pause = {.tv_nsec = IN_USE_PAUSE_NS};
	int error = bind_once(fd, address, mode);

	for (int tries = 1; error == -EADDRINUSE && tries < IN_USE_TRIES; tries++) {
		(void)nanosleep(&pause, NULL);
		error = bind_once(fd, address, mode);
	}
	return error;
}

static void set_options(int fd, int family)
{
	const int on = 1;

	if (family != AF_UNIX) /* connections of before that linger are no hindrance */
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET6) /* 0.0.0.0 and [::] are two addresses */
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
}

static int open_socket(const struct address *address, mode_t mode, int *ret_fd)
{
	const int family = address->bytes.ss_family;
	const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return -errno;
	set_options(fd, family);
	error = bind_soon(fd, address, mode);
	if (error == 0 && listen(fd, SOMAXCONN) < 0)
		error = -errno;
	if (error == 0)
		*ret_fd = fd;
	else
		(void)close(fd);
	return error;
}

/* Whose file it is, so that a successor's is not removed. */
static void remember_file(struct listener *listener, const char *path)
{
	struct stat file;

	if (lstat(path, &file) < 0)
		return;
	(void)snprintf(listener->path, sizeof(listener->path), "%s", path);
	listener->device = file.st_dev;
	listener->inode = file.st_ino;
}

int listener_open(struct listener_list *list, const char *text, mode_t mode, char *error)
{
	const bool is_path = strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
	struct listener *const listener = &list->items[list->count];
	struct address address = {.size = 0};
	int r = is_path ? parse_unix(text + strlen(UNIX_PREFIX), &address)
			: parse_tcp(text, &address);

	if (r < 0) {
		(void)snprintf(error, LISTENER_ERROR_BYTES,
			       "'%.120s' is no address: expected 127.0.0.1:4000, [::1]:4000 or "
			       "unix:/path of at most 107 bytes",
			       text);
		return r;
	}
	if (list->count == LISTENERS_MAX) {
		(void)snprintf(error, LISTENER_ERROR_BYTES, "more than %u addresses",
			       LISTENERS_MAX);
		return -EINVAL;
	}
	*listener = (struct listener){.name = "listen"};
	r = open_socket(&address, mode, &listener->fd);
	if (r < 0) {
		(void)snprintf(error, LISTENER_ERROR_BYTES, "unable to listen on %.120s: %s", text,
			       strerror(-r));
		return r;
	}
	list->count++;
	describe(listener);
	if (is_unix(&address))
		remember_file(listener, path_of(&address));
	return 0;
}

/* ------------------------------------------------------------------ inheriting */

static bool is_listening_stream(int fd)
{
	int type = 0, listens = 0;
	socklen_t size = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0;
}

static int adopt(struct listener_list *list, int fd, const char *name, size_t name_length,
		 char *error)
{
	struct listener *const listener = &list->items[list->count];

	if (!is_listening_stream(fd)) {
		(void)snprintf(
			error, LISTENER_ERROR_BYTES,
			"descriptor %d of $LISTEN_FDS is no listening stream socket: expected "
			"ListenStream= and Accept=no",
			fd);
		return -EINVAL;
	}
	*listener = (struct listener){.fd = fd};
	(void)snprintf(listener->name, sizeof(listener->name), "%.*s", (int)name_length, name);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	list->count++;
	describe(listener);
	return 0;
}

static long number_in(const char *variable)
{
	const char *const text = getenv(variable);

	return text != NULL ? strtol(text, NULL, 10) : 0;
}

int listener_inherit(struct listener_list *list, char *error)
{
	const long count = number_in("LISTEN_PID") == getpid() ? number_in("LISTEN_FDS") : 0;
	const char *name = getenv("LISTEN_FDNAMES");
	int r = 0;

	if (count < 0 || count > (long)(LISTENERS_MAX - list->count)) {
		(void)snprintf(error, LISTENER_ERROR_BYTES,
			       "$LISTEN_FDS is %ld: expected at most %u sockets", count,
			       LISTENERS_MAX);
		return -EINVAL;
	}
	for (int i = 0; r == 0 && i < count; i++) {
		const size_t length = name != NULL ? strcspn(name, ":") : 0;

		r = adopt(list, INHERITED_FIRST + i, name != NULL ? name : "", length, error);
		if (name != NULL)
			name = name[length] == ':' ? name + length + 1 : NULL;
	}
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	return r;
}

/* ------------------------------------------------------------------ whom it is for */

bool listener_is_local(const struct listener *listener)
{
	struct address bound = {.size = sizeof(bound.bytes)};
	const struct sockaddr_in *const four = (const void *)&bound.bytes;
	const struct sockaddr_in6 *const six = (const void *)&bound.bytes;

	if (getsockname(listener->fd, (struct sockaddr *)&bound.bytes, &bound.size) < 0)
		return false;
	if (bound.bytes.ss_family == AF_INET)
		return ntohl(four->sin_addr.s_addr) >> 24 == 127;
	if (bound.bytes.ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
	return is_unix(&bound);
}

/* ------------------------------------------------------------------ closing */

static void remove_file(const struct listener *listener)
{
	struct stat file;

	if (listener->path[0] != '\0' && lstat(listener->path, &file) == 0 &&
	    file.st_dev == listener->device && file.st_ino == listener->inode)
		(void)unlink(listener->path);
}

void listener_close_all(struct listener_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		remove_file(&list->items[i]);
		(void)close(list->items[i].fd);
	}
	list->count = 0;
}
