/* SPDX-License-Identifier: MIT */
/*
 * One connection: bytes in, requests to the program, answers out.
 *
 *   HEAD -> BODY -> BUSY -> STREAM -> FLUSH -> HEAD ...       or, in place of the last step, LINGER
 *
 * It is read from in every phase, so that its end is noticed in every phase: who asked and left need
 * not be answered. What comes ahead of its turn is kept, up to a limit.
 *
 * Nothing ends inside a call of the program: what follows a sent answer, or a write that failed, is
 * left to the next turn of the loop. One timer serves for that, and for the limit of the phase.
 */
#include "connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

/* Of further requests, while one is being answered. Who sends more gets that answer, and has to connect again: were the
 * rest left unread, nobody would hear that he has left. */
#define AHEAD_BYTES_MAX (64u << 10)
#define FULL_BYTES      (64u << 10) /* of a stream, not yet taken by its reader ... */
#define DRAINED_BYTES   (16u << 10) /* ... until no more of it than this is left */
#define WIND_UP_MS      500         /* who asks again and again does so within that time */
#define LINGER_MS       2000        /* for a client that still sends to see what it was told */
#define READ_BYTES      (64u << 10)
#define HEAD_BYTES_MAX  8192u /* of an answer; most clients take 8 KiB */
#define HEAD_BYTES_REST 128u  /* for its last lines */

enum phase { HEAD, BODY, BUSY, STREAM, FLUSH, LINGER };

struct exchange {
	struct connection *connection;
	void *userdata;
	bool is_open; /* the program was told of it */
};

struct connection {
	TAILQ_ENTRY(connection) link;
	struct server *server;
	int fd;
	struct event *readable, *writable, *timer;
	struct evbuffer *in, *out;
	struct parser parser;
	struct exchange exchange;
	struct exchange_peer peer;
	enum phase phase;
	uint64_t since_ms; /* it is idle, or its body comes */
	bool is_idle;      /* in the server's list of those */
	bool is_due;       /* the timer was set off by hand */
	bool is_broken;    /* nothing can be written any more */
	bool has_ended;    /* the client sends nothing any more */
	bool closes;       /* after this answer */
	bool overran;      /* it has sent too much ahead: no more of that is taken */
	bool chunked;      /* the answer */
	bool bodiless;     /* likewise: the request is a HEAD */
	bool was_full;
	bool asked; /* a request has been answered on it before */
};

static size_t waiting(const struct connection *connection)
{
	return evbuffer_get_length(connection->out);
}

/* ---- the timer */

static void set_timer(struct connection *connection, uint64_t for_ms)
{
	const struct timeval time = {.tv_sec = (time_t)(for_ms / 1000),
				     .tv_usec = (suseconds_t)(for_ms % 1000 * 1000)};

	(void)event_add(connection->timer, &time);
}

/* In the next turn of the loop. */
static void set_off(struct connection *connection)
{
	connection->is_due = true;
	event_active(connection->timer, EV_TIMEOUT, 1);
}

static void set_idle(struct connection *connection, bool is_idle)
{
	struct server *server = connection->server;

	if (connection->is_idle == is_idle)
		return;
	TAILQ_REMOVE(is_idle ? &server->busy : &server->idle, connection, link);
	TAILQ_INSERT_TAIL(is_idle ? &server->idle : &server->busy, connection, link);
	connection->is_idle = is_idle;
}

struct connection *connection_after(const struct connection *connection)
{
	return TAILQ_NEXT(connection, link);
}

uint64_t connection_idle_for_ms(const struct connection *connection)
{
	return server_now_ms() - connection->since_ms;
}

/* ---- its end */

static void connection_free(struct connection *connection)
{
	if (connection->readable)
		event_free(connection->readable);
	if (connection->writable)
		event_free(connection->writable);
	if (connection->timer)
		event_free(connection->timer);
	if (connection->in)
		evbuffer_free(connection->in);
	if (connection->out)
		evbuffer_free(connection->out);
	parser_deinit(&connection->parser);
	(void)close(connection->fd);
	free(connection);
}

static void tell_end(struct connection *connection, bool sent)
{
	const struct server_events *events = &connection->server->events;

	if (!connection->exchange.is_open)
		return;
	connection->exchange.is_open = false;
	events->ended(&connection->exchange, sent, events->userdata);
}

void connection_cut(struct connection *connection)
{
	struct server *server = connection->server;

	tell_end(connection, false);
	TAILQ_REMOVE(connection->is_idle ? &server->idle : &server->busy, connection, link);
	connection_free(connection);
	server_count(server, -1);
}

void connection_wind_up(struct connection *connection)
{
	const uint64_t idle_ms = connection_idle_for_ms(connection);

	if (idle_ms >= WIND_UP_MS)
		connection_cut(connection);
	else
		set_timer(connection, WIND_UP_MS - idle_ms);
}

/* A client that still sends would get a reset in place of the answer. */
static void linger(struct connection *connection)
{
	(void)shutdown(connection->fd, SHUT_WR);
	connection->phase = LINGER;
	(void)evbuffer_drain(connection->in, evbuffer_get_length(connection->in));
	(void)event_add(connection->readable, NULL);
	set_timer(connection, LINGER_MS);
}

/* ---- what goes out */

/* As much as goes without waiting. */
static void write_out(struct connection *connection)
{
	int n = 0;

	while (waiting(connection) > 0 && (n = evbuffer_write(connection->out, connection->fd)) > 0)
		;
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		connection->is_broken = true;
		(void)evbuffer_drain(connection->out, waiting(connection));
		set_off(connection);
		return;
	}
	if (waiting(connection) > 0) {
		(void)event_add(connection->writable, NULL);
		set_timer(connection, connection->server->limits.stall_for_ms);
		return;
	}
	if (connection->phase == FLUSH)
		set_off(connection);
	else
		(void)event_del(connection->timer);
}

static const char *reason_of(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{200, "OK"},
		{204, "No Content"},
		{303, "See Other"},
		{304, "Not Modified"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{413, "Content Too Large"},
		{415, "Unsupported Media Type"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

static const char *date_of(struct server *server)
{
	const time_t now = time(NULL);
	struct tm parts;

	if (now != server->date_s && gmtime_r(&now, &parts)) {
		(void)strftime(server->date, sizeof(server->date), "%a, %d %b %Y %H:%M:%S GMT",
			       &parts);
		server->date_s = now;
	}
	return server->date;
}

/* A head that is written. What no longer fits is left out, from a header's beginning on. */
struct head {
	char bytes[HEAD_BYTES_MAX];
	size_t size;
};

static void add_bytes(struct head *head, const char *bytes, size_t size)
{
	const size_t room = HEAD_BYTES_MAX - head->size;

	size = size < room ? size : room;
	memcpy(head->bytes + head->size, bytes, size);
	head->size += size;
}

static void add_text(struct head *head, const char *text)
{
	add_bytes(head, text, strlen(text));
}

/* A line end in a value would begin another header. */
static void add_header(struct head *head, const char *name, const char *value)
{
	const size_t name_size = strlen(name), size = value ? strlen(value) : 0;
	char *at;

	if (!value || head->size + name_size + size + 4 > HEAD_BYTES_MAX - HEAD_BYTES_REST)
		return;
	add_bytes(head, name, name_size);
	add_bytes(head, ": ", 2);
	at = head->bytes + head->size;
	add_bytes(head, value, size);
	for (; at < head->bytes + head->size; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = ' ';
	add_bytes(head, "\r\n", 2);
}

static void add_number(struct head *head, size_t number)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	add_bytes(head, digits + at, sizeof(digits) - at);
}

static void add_status(struct head *head, int status)
{
	add_text(head, "HTTP/1.1 ");
	add_number(head, (size_t)status);
	add_text(head, " ");
	add_text(head, reason_of(status));
	add_text(head, "\r\n");
}

static void add_length(struct head *head, size_t size)
{
	add_text(head, "Content-Length: ");
	add_number(head, size);
	add_text(head, "\r\n");
}

/* body_bytes: SIZE_MAX: it comes in pieces */
static void add_head(struct connection *connection, const struct server_answer *answer,
		     size_t body_bytes)
{
	const struct parser *parser = &connection->parser;
	const bool streams = body_bytes == SIZE_MAX;
	struct head head;

	connection->bodiless = parser->method && strcmp(parser->method, "HEAD") == 0;
	connection->chunked = streams && !parser->is_1_0;
	connection->closes = answer->closes || connection->overran || !parser->whole ||
			     !parser->keeps_alive || parser->is_1_0 || connection->server->stopping;
	head.size = 0;
	add_status(&head, answer->status);
	add_header(&head, "Date", date_of(connection->server));
	for (size_t i = 0; i < answer->header_count; i++)
		add_header(&head, answer->headers[i].name, answer->headers[i].value);
	if (connection->chunked)
		add_text(&head, "Transfer-Encoding: chunked\r\n");
	else if (!streams)
		add_length(&head, body_bytes);
	if (connection->closes)
		add_text(&head, "Connection: close\r\n");
	add_text(&head, "\r\n");
	(void)evbuffer_add(connection->out, head.bytes, head.size);
}

void exchange_answer(struct exchange *exchange, const struct server_answer *answer,
		     const char *body, size_t size)
{
	struct connection *connection = exchange->connection;

	add_head(connection, answer, size);
	if (!connection->bodiless)
		(void)evbuffer_add(connection->out, body, size);
	connection->phase = FLUSH;
	write_out(connection);
}

void exchange_begin(struct exchange *exchange, const struct server_answer *answer)
{
	struct connection *connection = exchange->connection;

	add_head(connection, answer, SIZE_MAX);
	connection->phase = STREAM;
}

void exchange_send(struct exchange *exchange, const char *bytes, size_t size)
{
	struct connection *connection = exchange->connection;

	if (size == 0 || connection->bodiless || connection->is_broken)
		return;
	if (connection->chunked)
		(void)evbuffer_add_printf(connection->out, "%zx\r\n", size);
	(void)evbuffer_add(connection->out, bytes, size);
	if (connection->chunked)
		(void)evbuffer_add(connection->out, "\r\n", 2);
	write_out(connection);
	connection->was_full |= exchange_is_full(exchange);
}

void exchange_finish(struct exchange *exchange)
{
	struct connection *connection = exchange->connection;

	if (connection->chunked && !connection->bodiless && !connection->is_broken)
		(void)evbuffer_add(connection->out, "0\r\n\r\n", 5);
	connection->phase = FLUSH;
	write_out(connection);
}

bool exchange_is_full(const struct exchange *exchange)
{
	return waiting(exchange->connection) > FULL_BYTES;
}

size_t exchange_waiting_bytes(const struct exchange *exchange)
{
	return waiting(exchange->connection);
}

static void on_writable(evutil_socket_t fd, short what, void *userdata)
{
	struct connection *connection = userdata;
	const struct server_events *events = &connection->server->events;

	(void)fd, (void)what;
	write_out(connection);
	if (!connection->was_full || waiting(connection) > DRAINED_BYTES)
		return;
	connection->was_full = false;
	if (connection->phase == STREAM && !connection->is_broken)
		events->drained(&connection->exchange, events->userdata);
}

/* ---- what comes in */

static void await_head(struct connection *connection)
{
	const struct server_limits *limits = &connection->server->limits;

	parser_reset(&connection->parser);
	connection->exchange = (struct exchange){.connection = connection};
	connection->phase = HEAD;
	connection->was_full = false;
	set_idle(connection, true);
	connection->since_ms = server_now_ms();
	set_timer(connection, connection->asked ? limits->idle_for_ms : limits->head_for_ms);
}

/* Told by the program in its own words, after which the connection closes. */
static void refuse(struct connection *connection, int status, const char *why)
{
	const struct server_events *events = &connection->server->events;

	set_idle(connection, false);
	(void)event_del(connection->timer);
	connection->exchange.is_open = true;
	connection->phase = BUSY;
	connection->parser.whole = false; /* where the next request begins, nobody knows */
	events->refused(&connection->exchange, status, why, events->userdata);
}

static void refuse_for(struct connection *connection, int rc)
{
	static const struct {
		int rc;
		int status;
	} statuses[] = {
		{-EBADMSG, 400},         {-E2BIG, 431},   {-EMSGSIZE, 413},
		{-EPROTONOSUPPORT, 505}, {-ENOBUFS, 503}, {-ENOMEM, 503},
	};
	int status = 400;

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].rc == rc)
			status = statuses[i].status;
	refuse(connection, status, connection->parser.error);
}

static void hand_over(struct connection *connection)
{
	const struct server_events *events = &connection->server->events;

	(void)event_del(connection->timer);
	connection->phase = BUSY;
	events->request(&connection->exchange, events->userdata);
}

/* It has to come in a time that grows with what has come. */
static void set_body_timer(struct connection *connection)
{
	const uint64_t until_ms = connection->since_ms + connection->server->limits.body_for_ms +
				  connection->parser.body_bytes * 1000 / SERVER_BODY_BYTES_PER_S;
	const uint64_t now = server_now_ms();

	set_timer(connection, until_ms > now ? until_ms - now : 0);
}

/* has_come: some of it is there. */
static void await_body(struct connection *connection, bool has_come)
{
	connection->phase = BODY;
	connection->since_ms = server_now_ms();
	if (has_come)
		return;
	set_body_timer(connection);
	if (connection->parser.expects_continue) {
		(void)evbuffer_add_printf(connection->out, "HTTP/1.1 100 Continue\r\n\r\n");
		write_out(connection);
		set_body_timer(connection);
	}
}

static void await_rest_of_head(struct connection *connection)
{
	if (!connection->is_idle)
		return;
	set_idle(connection, false);
	set_timer(connection, connection->server->limits.head_for_ms);
}

/* Return: how many bytes were taken: none of a head that is not whole, which comes again. */
static size_t take_head(struct connection *connection, const char *bytes, size_t size)
{
	const struct server_events *events = &connection->server->events;
	size_t used;
	int rc = parser_head(&connection->parser, bytes, size, &used);

	if (rc == 0) {
		await_rest_of_head(connection);
		return 0;
	}
	if (rc < 0) {
		refuse_for(connection, rc);
		return 0;
	}
	set_idle(connection, false);
	connection->exchange.is_open = true;
	events->head(&connection->exchange, events->userdata);
	if (connection->phase == HEAD && connection->parser.whole)
		hand_over(connection);
	else if (connection->phase == HEAD)
		await_body(connection, used < size);
	return used;
}

/* Return: how many bytes were taken; then the phase may be another one. */
static size_t take_body(struct connection *connection, const char *bytes, size_t size)
{
	size_t used = 0;
	int rc = parser_body(&connection->parser, bytes, size, &used);

	if (rc < 0)
		refuse_for(connection, rc);
	else if (rc == 1)
		hand_over(connection);
	else
		set_body_timer(connection);
	return used;
}

/* Return: how many bytes were taken */
static size_t take(struct connection *connection, const char *bytes, size_t size)
{
	size_t taken = 0, used = 1;

	while (used > 0 && taken < size) {
		used = connection->phase == HEAD
			       ? take_head(connection, bytes + taken, size - taken)
		       : connection->phase == BODY
			       ? take_body(connection, bytes + taken, size - taken)
			       : 0;
		taken += used;
	}
	return taken;
}

/* What is kept of what came: a head in one piece, a body in those that it is in. */
static void advance(struct connection *connection)
{
	struct evbuffer *in = connection->in;
	size_t used = 1;

	while (used > 0 && evbuffer_get_length(in) > 0 &&
	       (connection->phase == HEAD || connection->phase == BODY)) {
		const size_t size = connection->phase == HEAD ? evbuffer_get_length(in)
							      : evbuffer_get_contiguous_space(in);
		const unsigned char *bytes = evbuffer_pullup(in, (ev_ssize_t)size);

		if (!bytes) {
			refuse(connection, 503, "out of memory");
			return;
		}
		used = take(connection, (const char *)bytes, size);
		(void)evbuffer_drain(in, used);
	}
	if (evbuffer_get_length(in) > AHEAD_BYTES_MAX) {
		connection->overran = connection->closes = true;
		(void)evbuffer_drain(in, evbuffer_get_length(in));
	}
}

/* Only what cannot be taken yet is kept. */
static void keep(struct connection *connection, const char *bytes, size_t size)
{
	const size_t used =
		evbuffer_get_length(connection->in) == 0 ? take(connection, bytes, size) : 0;

	if (used == size)
		return;
	if (evbuffer_add(connection->in, bytes + used, size - used) != 0)
		connection_cut(connection);
	else
		advance(connection);
}

/* The client sends nothing any more: it has left, unless its answer is already on the way. */
static void end_of_input(struct connection *connection)
{
	if (connection->phase != FLUSH) {
		connection_cut(connection);
		return;
	}
	connection->has_ended = true;
	(void)event_del(connection->readable);
}

static void on_readable(evutil_socket_t fd, short what, void *userdata)
{
	static char bytes[READ_BYTES];
	struct connection *connection = userdata;
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		connection_cut(connection);
	} else if (n == 0) {
		end_of_input(connection);
	} else if (connection->phase != LINGER && !connection->overran) {
		keep(connection, bytes, (size_t)n);
	}
}

/* ---- limits, and what was left to the next turn */

/* The answer has left. */
static void end_exchange(struct connection *connection)
{
	const bool unread = !connection->parser.whole || connection->overran ||
			    evbuffer_get_length(connection->in) > 0;

	tell_end(connection, true);
	connection->asked = true;
	if (connection->has_ended || (connection->closes && !unread)) {
		connection_cut(connection);
	} else if (connection->closes) {
		linger(connection);
	} else {
		await_head(connection);
		advance(connection);
	}
}

/* The limit of its phase has passed. */
static void end_of_time(struct connection *connection)
{
	if (connection->phase == HEAD && !connection->is_idle)
		refuse(connection, 408, "the head did not come in time");
	else if (connection->phase == BODY)
		refuse(connection, 408, "the body did not come in time");
	else
		connection_cut(connection);
}

static void on_time(evutil_socket_t fd, short what, void *userdata)
{
	struct connection *connection = userdata;

	(void)fd, (void)what;
	if (connection->is_broken) {
		connection_cut(connection);
	} else if (!connection->is_due) {
		end_of_time(connection);
	} else {
		connection->is_due = false;
		if (connection->phase == FLUSH && waiting(connection) == 0)
			end_exchange(connection);
	}
}

/* ---- life */

static bool room_for_body(size_t bytes, void *userdata)
{
	struct connection *connection = userdata;
	const struct server_events *events = &connection->server->events;

	return !events->room || events->room(&connection->exchange, bytes, events->userdata);
}

static bool make_parts(struct connection *connection)
{
	struct event_base *base = connection->server->base;

	connection->in = evbuffer_new();
	connection->out = evbuffer_new();
	connection->readable =
		event_new(base, connection->fd, EV_READ | EV_PERSIST, on_readable, connection);
	connection->writable = event_new(base, connection->fd, EV_WRITE, on_writable, connection);
	connection->timer = evtimer_new(base, on_time, connection);
	return connection->in && connection->out && connection->readable && connection->writable &&
	       connection->timer && event_add(connection->readable, NULL) == 0;
}

int connection_new(struct server *server, int fd, const struct exchange_peer *peer)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection) {
		(void)close(fd);
		return -ENOMEM;
	}
	connection->server = server;
	connection->fd = fd;
	connection->peer = *peer;
	parser_init(&connection->parser);
	connection->parser.room = room_for_body;
	connection->parser.userdata = connection;
	if (!make_parts(connection)) {
		connection_free(connection);
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(&server->busy, connection, link);
	server_count(server, 1);
	await_head(connection);
	return 0;
}

/* ---- what the program asks of an exchange */

const char *exchange_method(const struct exchange *exchange)
{
	const char *method = exchange->connection->parser.method;

	return method ? method : "";
}

const char *exchange_target(const struct exchange *exchange)
{
	const char *target = exchange->connection->parser.target;

	return target ? target : "";
}

const char *exchange_header(const struct exchange *exchange, const char *name)
{
	return parser_header_get(&exchange->connection->parser, name);
}

const char *exchange_body(const struct exchange *exchange, size_t *ret_size)
{
	const struct parser *parser = &exchange->connection->parser;

	*ret_size = parser->body_bytes;
	return parser->body ? parser->body : "";
}

uint64_t exchange_announced_bytes(const struct exchange *exchange)
{
	return exchange->connection->parser.announced_bytes;
}

const struct exchange_peer *exchange_peer(const struct exchange *exchange)
{
	return &exchange->connection->peer;
}

void exchange_set_userdata(struct exchange *exchange, void *userdata)
{
	exchange->userdata = userdata;
}

void *exchange_userdata(const struct exchange *exchange)
{
	return exchange->userdata;
}
