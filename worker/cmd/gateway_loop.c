/* SPDX-License-Identifier: MIT */
/*
 * libcurl's sockets and timers on libevent's loop: what transport.h asks of an event loop.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include <lull/lull.h>

#include "gateway.h"
#include "log.h"

struct gateway_loop {
	struct gateway *gateway;
	struct event *timer;
	struct event *soon; /* in this turn of the loop; it has no time of its own */
	bool in_libcurl;
};

static void move_on(struct gateway_loop *loop, int fd, short events)
{
	struct gateway *gateway = loop->gateway;

	loop->in_libcurl = true;
	if (transport_ready(gateway->http->transport, fd, events) != 0)
		log_error("gateway: libcurl failed");
	loop->in_libcurl = false;
	gateway_advance_moved(gateway);
}

static void on_ready(evutil_socket_t fd, short what, void *userdata)
{
	const short events =
		(short)((what & EV_READ ? POLLIN : 0) | (what & EV_WRITE ? POLLOUT : 0));

	move_on(userdata, fd, events);
}

static void on_time(evutil_socket_t fd, short what, void *userdata)
{
	(void)fd, (void)what;
	move_on(userdata, -1, 0);
}

static void *watch(int fd, short events, void *watched, void *userdata)
{
	struct gateway_loop *loop = userdata;
	const short what = (short)(EV_PERSIST | (events & POLLIN ? EV_READ : 0) |
				   (events & POLLOUT ? EV_WRITE : 0));
	struct event *event = watched;

	if (events == 0) {
		if (event)
			event_free(event);
		return NULL;
	}
	if (!event)
		event = event_new(loop->gateway->base, fd, what, on_ready, loop);
	else if (event_del(event) != 0 ||
		 event_assign(event, loop->gateway->base, fd, what, on_ready, loop) != 0)
		return event;
	if (event) /* else the attempt runs into its limit */
		(void)event_add(event, NULL);
	return event;
}

static void wake(uint64_t for_ms, void *userdata)
{
	struct gateway_loop *loop = userdata;
	const struct timeval time = {.tv_sec = (time_t)(for_ms / 1000),
				     .tv_usec = (suseconds_t)(for_ms % 1000 * 1000)};

	/* A request that begins is sent at once; what libcurl wants for itself waits for the next
	 * turn, so that others get theirs. */
	if (for_ms == 0 && !loop->in_libcurl)
		event_active(loop->soon, EV_TIMEOUT, 0);
	else if (for_ms == LULL_NEVER)
		(void)event_del(loop->timer);
	else
		(void)event_add(loop->timer, &time);
}

int gateway_loop_new(struct gateway *gateway, struct gateway_loop **ret_loop)
{
	struct gateway_loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->gateway = gateway;
	loop->timer = evtimer_new(gateway->base, on_time, loop);
	loop->soon = evtimer_new(gateway->base, on_time, loop);
	if (!loop->timer || !loop->soon) {
		gateway_loop_free(loop);
		return -ENOMEM;
	}
	transport_use_loop(
		gateway->http->transport,
		&(const struct transport_loop){.watch = watch, .wake = wake, .userdata = loop});
	*ret_loop = loop;
	return 0;
}

struct gateway_loop *gateway_loop_free(struct gateway_loop *loop)
{
	if (!loop)
		return NULL;
	if (loop->timer)
		event_free(loop->timer);
	if (loop->soon)
		event_free(loop->soon);
	free(loop);
	return NULL;
}
