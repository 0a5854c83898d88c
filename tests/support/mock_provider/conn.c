/* SPDX-License-Identifier: MIT */
/*
 * One connection: read a request, then follow its plan. The states and what moves them:
 *
 *     READ   bytes came: a whole request -> its plan -> PAUSE
 *     PAUSE  its time came -> SEND
 *     SEND   one write; then PAUSE, SEND again, or the plan's ending: READ, gone, or STALL
 *     STALL  nothing any more; the client has to leave
 *
 * A client that closes its side while it is being answered is gone. That is harsh on half-closing
 * clients, but none of those under test is one, and a caller who leaves must be seen at once.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mock.h"

enum state { STATE_READ, STATE_PAUSE, STATE_SEND, STATE_STALL };

struct conn {
	struct conn *next, **link;
	int epoll_fd, fd;
	enum state state;
	uint32_t watched; /* epoll events asked for */
	uint64_t number;
	uint64_t wake_ms; /* PAUSE */
	struct bytes in;
	struct plan plan;
	size_t sent; /* bytes of the plan */
	struct journal_entry *entry;
	uint64_t requests; /* counted ones */
};

static struct conn *conns;
static uint64_t numbers;

static void conn_free(struct conn *conn, bool aborted)
{
	journal_end(conn->entry, aborted);
	*conn->link = conn->next;
	if (conn->next)
		conn->next->link = conn->link;
	(void)close(conn->fd);
	bytes_free(&conn->in);
	plan_deinit(&conn->plan);
	free(conn);
}

/* Asks epoll for what the state waits for. */
static void watch(struct conn *conn)
{
	static const uint32_t wanted[] = {
		[STATE_READ] = EPOLLIN,
		[STATE_PAUSE] = EPOLLRDHUP,
		[STATE_SEND] = EPOLLOUT | EPOLLRDHUP,
		[STATE_STALL] = EPOLLRDHUP,
	};
	struct epoll_event event = {.events = wanted[conn->state], .data.ptr = conn};

	if (event.events == conn->watched)
		return;
	(void)epoll_ctl(conn->epoll_fd, conn->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, conn->fd,
			&event);
	conn->watched = event.events;
}

static void pause_for(struct conn *conn, uint32_t for_ms)
{
	conn->state = for_ms > 0 ? STATE_PAUSE : STATE_SEND;
	conn->wake_ms = mock_now_ms() + for_ms;
}

void conn_accept(int epoll_fd, int listen_fd)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int on = 1;

	if (fd < 0)
		return; /* gone again, or out of descriptors: the client waits in the queue */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

	struct conn *conn = mock_alloc(sizeof(*conn));

	conn->epoll_fd = epoll_fd;
	conn->fd = fd;
	conn->number = numbers++;
	conn->next = conns;
	conn->link = &conns;
	if (conns)
		conns->link = &conn->next;
	conns = conn;
	watch(conn);
}

/* ---- READ */

static void begin_answer(struct conn *conn, struct request *request)
{
	if (control_wants(request)) {
		control_answer(request, &conn->plan);
		request_deinit(request);
	} else {
		request->reused = conn->requests++ > 0;
		if (!request->reused)
			journal_connection();

		const struct response *response = script_next(mock.script, request);

		if (response)
			plan_response(response, request, &conn->plan);
		else
			plan_default(request, &conn->plan);
		conn->entry = journal_begin(request, conn->number, conn->plan.status);
	}
	conn->sent = 0;
	pause_for(conn, conn->plan.delay_ms);
}

static void refuse(struct conn *conn)
{
	plan_json(400, json_object_new_string("an HTTP/1.1 request was expected"), false,
		  &conn->plan);
	conn->sent = 0;
	pause_for(conn, 0);
}

/* What is in the buffer may be a part of a request, or a whole one. */
static void take_request(struct conn *conn)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct request request;

	switch (request_take(&conn->in, &request)) {
	case REQUEST_DONE:
		begin_answer(conn, &request);
		break;
	case REQUEST_EXPECTS_100:
		(void)send(conn->fd, go_on, strlen(go_on), MSG_NOSIGNAL);
		break;
	case REQUEST_BAD:
		refuse(conn);
		break;
	case REQUEST_MORE:
		break;
	}
}

/* False: the connection is gone. */
static bool receive(struct conn *conn)
{
	char buffer[64u << 10];
	ssize_t got = recv(conn->fd, buffer, sizeof(buffer), 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (got <= 0) {
		conn_free(conn, false);
		return false;
	}
	bytes_add(&conn->in, buffer, (size_t)got);
	take_request(conn);
	return true;
}

/* ---- SEND */

static size_t write_size(const struct conn *conn)
{
	const struct plan *plan = &conn->plan;
	size_t rest = plan->wire.size - conn->sent;
	uint32_t at_most = plan->pieces;

	if (conn->sent >= plan->head_bytes && plan->drip_bytes > 0)
		at_most = plan->drip_bytes;
	else if (conn->sent < plan->head_bytes && (plan->drip_bytes || plan->body_delay_ms))
		rest = plan->head_bytes - conn->sent; /* the body has a pace of its own */
	return at_most > 0 && at_most < rest ? at_most : rest;
}

/* The last byte was sent. False: the connection is gone. */
static bool end_answer(struct conn *conn)
{
	const struct linger abort_at_close = {.l_onoff = 1};

	switch (conn->plan.ending) {
	case ENDING_KEEP:
		journal_end(conn->entry, false);
		conn->entry = NULL;
		plan_deinit(&conn->plan);
		conn->state = STATE_READ;
		take_request(conn);
		return true;
	case ENDING_STALL:
		conn->state = STATE_STALL;
		return true;
	case ENDING_RESET:
		(void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &abort_at_close,
				 sizeof(abort_at_close));
		break;
	default:
		break;
	}
	conn_free(conn, false);
	return false;
}

/* Bytes that the client's kernel does not have yet: a reset would take them back. */
static bool is_underway(const struct conn *conn)
{
	int size = 0;

	return ioctl(conn->fd, SIOCOUTQ, &size) == 0 && size > 0;
}

static bool after_write(struct conn *conn)
{
	const struct plan *plan = &conn->plan;

	if (conn->sent == plan->wire.size && plan->repeat_ms != UNSET) {
		conn->sent = plan->repeat_from;
		pause_for(conn, plan->repeat_ms);
	} else if (conn->sent == plan->wire.size && plan->ending == ENDING_RESET &&
		   is_underway(conn)) {
		pause_for(conn, 1);
	} else if (conn->sent == plan->wire.size) {
		return end_answer(conn);
	} else if (conn->sent == plan->head_bytes) {
		pause_for(conn, plan->body_delay_ms);
	} else if (conn->sent > plan->head_bytes && plan->drip_bytes > 0) {
		pause_for(conn, plan->drip_ms);
	}
	return true;
}

/* One write, then back to the loop: each piece is a packet of its own. */
static bool send_some(struct conn *conn)
{
	size_t size = write_size(conn);

	if (size > 0) {
		ssize_t sent = send(conn->fd, conn->plan.wire.at + conn->sent, size, MSG_NOSIGNAL);

		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (sent < 0) {
			conn_free(conn, true);
			return false;
		}
		conn->sent += (size_t)sent;
	}
	return after_write(conn);
}

/* ---- what moves a connection */

void conn_event(struct conn *conn, uint32_t events)
{
	bool is_there = true;

	if (conn->state == STATE_READ)
		is_there = receive(conn);
	else if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		conn_free(conn, true);
		is_there = false;
	}
	if (is_there && conn->state == STATE_SEND)
		is_there = send_some(conn);
	if (is_there)
		watch(conn);
}

int conn_timers(void)
{
	uint64_t now_ms = mock_now_ms(), soonest_ms = UINT64_MAX;
	struct conn *next;

	for (struct conn *conn = conns; conn; conn = next) {
		next = conn->next;
		if (conn->state == STATE_PAUSE && conn->wake_ms <= now_ms) {
			conn->state = STATE_SEND;
			if (!send_some(conn))
				continue;
			watch(conn);
		}
		if (conn->state == STATE_PAUSE && conn->wake_ms < soonest_ms)
			soonest_ms = conn->wake_ms;
	}
	if (soonest_ms == UINT64_MAX)
		return -1;
	return soonest_ms > now_ms ? (int)(soonest_ms - now_ms) : 0;
}

void conn_close_all(void)
{
	while (conns)
		conn_free(conns, false);
}
