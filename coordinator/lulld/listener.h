/* SPDX-License-Identifier: MIT */
/*
 * The sockets that gateways accept from. They are opened here, once, and every gateway gets the same
 * ones.
 *
 * One shared queue and not SO_REUSEPORT's one for each process, for two reasons. A connection that
 * waits in a queue belongs to the socket, and the socket outlives any gateway: one that dies or
 * drains takes no connection along, where a socket of its own would reset those. And whoever is idle
 * comes first: a kernel that deals connections out by a hash gives a gateway that is busy with long
 * streams as many as one that sleeps.
 */
#ifndef LULL_LULLD_LISTENER_H
#define LULL_LULLD_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LISTENERS_MAX 32u /* arbitrary; a host has fewer addresses that anybody names */

struct listener {
	int fd;         /* close-on-exec, does not block */
	char text[128]; /* "127.0.0.1:4000", "[::1]:4000", "unix:/run/lull/gateway.sock" */
	char name[64];  /* LISTEN_FDNAMES */
	char path[108]; /* of a socket file that is ours to remove; "": none */
	dev_t device;   /* … and is removed only while it is this one */
	ino_t inode;
};

struct listener_list {
	struct listener items[LISTENERS_MAX];
	size_t count;
};

#define LISTENER_ERROR_BYTES 256u

/*
 * Opens one more: "127.0.0.1:4000", "[::1]:4000", "unix:/path". A socket file that nobody listens to
 * any more is replaced. An address that is still in use is tried for two seconds: the gateways of a
 * predecessor that was killed need a moment to let go of it.
 * @mode: of a socket file
 * @error: LISTENER_ERROR_BYTES, a sentence
 *
 * Return: 0; -EINVAL @address is none; another negative errno.
 */
int listener_open(struct listener_list *list, const char *address, mode_t mode, char *error);

/* Takes what systemd has opened (sd_listen_fds(3)) and was meant for this process; the variables are
 * removed. Return: 0; negative errno, with a sentence in @error: one is no listening socket. */
int listener_inherit(struct listener_list *list, char *error);

/* Whether only programs of this host can connect to it. */
bool listener_is_local(const struct listener *listener);

/* Nobody can connect any more, unless somebody else holds the sockets open; files are removed. */
void listener_close_all(struct listener_list *list);

#endif
