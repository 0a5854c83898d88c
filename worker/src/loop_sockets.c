/* SPDX-License-Identifier: MIT */
/*
 * libcurl lets go of a socket after each request, and takes it up again with the next, though the
 * connection stays. To an event loop that means two calls of the system a request for nothing. So
 * a connection's socket is watched until it is closed, or until something comes that nobody waits
 * for: mostly the server's end of it.
 */
#include "loop_sockets.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define ROOM_MIN 64u

struct loop_socket {
	void *watched; /* NULL: it is not */
	short events;
	bool is_connection; /* else it is not told when libcurl closes it: a resolver's, say */
	bool at_rest;       /* libcurl has let go of it */
};

static struct loop_socket *find(const struct loop_sockets *sockets, int fd)
{
	struct loop_socket *socket = (size_t)fd < sockets->room ? &sockets->by_fd[fd] : NULL;

	return socket && socket->is_connection ? socket : NULL;
}

static void *tell(const struct loop_sockets *sockets, int fd, short events, void *watched)
{
	return sockets->loop.watch(fd, events, watched, sockets->loop.userdata);
}

static void watch(const struct loop_sockets *sockets, int fd, short events)
{
	struct loop_socket *socket = find(sockets, fd);

	socket->at_rest = events == 0;
	if (socket->at_rest || (socket->watched && socket->events == events))
		return;
	socket->watched = tell(sockets, fd, events, socket->watched);
	socket->events = events;
}

static void unwatch(const struct loop_sockets *sockets, int fd)
{
	struct loop_socket *socket = find(sockets, fd);

	if (socket->watched)
		socket->watched = tell(sockets, fd, 0, socket->watched);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *watched)
{
	static const short events[] = {
		[CURL_POLL_NONE] = 0,      [CURL_POLL_IN] = POLLIN,
		[CURL_POLL_OUT] = POLLOUT, [CURL_POLL_INOUT] = POLLIN | POLLOUT,
		[CURL_POLL_REMOVE] = 0,
	};
	const struct loop_sockets *sockets = userdata;

	(void)easy;
	/* `watched` is what libcurl keeps for those that are none of ours */
	if (find(sockets, fd))
		watch(sockets, fd, events[what]);
	else
		(void)curl_multi_assign(sockets->multi, fd,
					tell(sockets, fd, events[what], watched));
	return 0;
}

static int on_timer(CURLM *multi, long for_ms, void *userdata)
{
	const struct transport_loop *loop = &((const struct loop_sockets *)userdata)->loop;

	(void)multi;
	loop->wake(for_ms < 0 ? LULL_NEVER : (uint64_t)for_ms, loop->userdata);
	return 0;
}

int loop_sockets_join(struct loop_sockets *sockets, CURLM *multi)
{
	sockets->multi = multi;
	if (curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
	    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, sockets) == CURLM_OK &&
	    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
	    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, sockets) == CURLM_OK)
		return 0;
	return -ENOMEM;
}

/* For that descriptor. */
static bool make_room(struct loop_sockets *sockets, size_t fd)
{
	size_t room = sockets->room ? sockets->room : ROOM_MIN;
	struct loop_socket *grown;

	if (fd < sockets->room)
		return true;
	while (room <= fd)
		room *= 2;
	grown = reallocarray(sockets->by_fd, room, sizeof(*grown));
	if (!grown)
		return false;
	for (; sockets->room < room; sockets->room++)
		grown[sockets->room] = (struct loop_socket){0};
	sockets->by_fd = grown;
	return true;
}

void loop_sockets_opened(struct loop_sockets *sockets, int fd)
{
	if (sockets->loop.watch && make_room(sockets, (size_t)fd))
		sockets->by_fd[fd] = (struct loop_socket){.is_connection = true};
}

int loop_sockets_close(void *userdata, curl_socket_t fd)
{
	struct loop_sockets *sockets = userdata;

	if (find(sockets, fd)) {
		unwatch(sockets, fd);
		sockets->by_fd[fd] = (struct loop_socket){0};
	}
	return close(fd);
}

bool loop_sockets_dismiss(struct loop_sockets *sockets, int fd)
{
	const struct loop_socket *socket = find(sockets, fd);

	if (!socket || !socket->at_rest)
		return false;
	unwatch(sockets, fd);
	return true;
}

void loop_sockets_deinit(struct loop_sockets *sockets)
{
	free(sockets->by_fd);
	sockets->by_fd = NULL;
	sockets->room = 0;
}
