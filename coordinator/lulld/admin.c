/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

#include <server.h>

#include "../src/duration.h"
#include "../src/metrics.h"
#include "../src/out.h"
#include "admin.h"
#include "change.h"
#include "live.h"
#include "note.h"
#include "web.h"

#define CONNECTIONS_MAX 64u
#define BODY_BYTES_MAX  4096u
#define HOST_BYTES_MAX  64u
#define TOKEN_BYTES     16u
#define TOKEN_HEADER    "X-Lull-Token"

#define TYPE_JSON "application/json"
#define TYPE_TEXT "text/plain; charset=utf-8"

struct admin {
	struct server *server;
	struct admin_source source;
	struct lull_table *table; /* NULL: none yet */
	struct live *live;
	char token[2 * TOKEN_BYTES + 1]; /* of changes: in hex */
};

/* ------------------------------------------------------------------ answers */

/* Nothing of it is another page's, and the page is nothing but its own files: no foreign text that it
 * shows can become a script. */
static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; "
			     "img-src 'self'; connect-src 'self'; base-uri 'none'; "
			     "form-action 'none'; frame-ancestors 'none'; "
			     "require-trusted-types-for 'script'; trusted-types 'none'";

static void answer(struct exchange *exchange, int status, const char *type, const char *body,
		   size_t size)
{
	const struct server_header headers[] = {
		{"Content-Type", type},
		{"Cache-Control", "no-store"},
		{"Content-Security-Policy", policy},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Referrer-Policy", "no-referrer"},
		{"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "DENY"},
	};
	const struct server_answer head = {.status = status,
					   .headers = headers,
					   .header_count = sizeof(headers) / sizeof(headers[0])};

	exchange_answer(exchange, &head, body, size);
}

/* A sentence. */
static void answer_text(struct exchange *exchange, int status, const char *text)
{
	char line[CHANGE_TEXT_BYTES + 1];

	(void)snprintf(line, sizeof(line), "%.*s\n", (int)CHANGE_TEXT_BYTES - 1, text);
	answer(exchange, status, TYPE_TEXT, line, strlen(line));
}

/* What was printed since out_collect(). */
static void answer_collected(struct exchange *exchange, int status)
{
	size_t size = 0;
	char *const text = out_collected(&size);

	if (text != NULL)
		answer(exchange, status, TYPE_JSON, text, size);
	else
		answer_text(exchange, 503, "out of memory");
	free(text);
}

static void print_text(const char *name, const char *text)
{
	out(",\"%s\":", name);
	if (text[0] == '\0')
		out_string("null");
	else
		out_json_string(text);
}

static void answer_health(struct admin *admin, struct exchange *exchange)
{
	const struct admin_health health = admin->source.health(admin->source.userdata);
	const bool is_ready = health.ready > 0;

	out_collect();
	out("{\"v\":1,\"ready\":%s,\"workers\":%u,\"workers_ready\":%u,\"deaths\":%lu",
	    is_ready ? "true" : "false", health.workers, health.ready, health.deaths);
	print_text("last_death", health.last_death);
	print_text("last_reload_failed", health.failure);
	out_string("}\n");
	answer_collected(exchange, is_ready ? 200 : 503);
}

static void answer_metrics(struct admin *admin, struct exchange *exchange)
{
	char *text = NULL;
	size_t size;

	if (admin->table != NULL) {
		(void)lull_table_refresh(admin->table);
		text = metrics_text(admin->table, &size);
	}
	if (text != NULL)
		answer(exchange, 200, METRICS_CONTENT_TYPE, text, size);
	else
		answer_text(exchange, 503, "there is no table yet, or no memory");
	free(text);
}

static void answer_events(struct admin *admin, struct exchange *exchange)
{
	if (strcmp(exchange_method(exchange), "HEAD") == 0)
		answer(exchange, 200, "text/event-stream", "", 0);
	else
		live_begin(admin->live, exchange);
}

/* ------------------------------------------------------------------ who may ask */

/* The part before the port, without brackets. False: too long to be one of ours. */
static bool host_of(const char *header, char *ret)
{
	const char *const bracket = header[0] == '[' ? strchr(header, ']') : NULL;
	const char *const from = bracket != NULL ? header + 1 : header;
	const size_t length = bracket != NULL ? (size_t)(bracket - from) : strcspn(from, ":");

	if (length >= HOST_BYTES_MAX)
		return false;
	memcpy(ret, from, length);
	ret[length] = '\0';
	return true;
}

/* A port that is another than ours is that of a tunnel, such as ssh -L. */
static bool is_local_host(const char *header)
{
	struct in6_addr six;
	struct in_addr four;
	char host[HOST_BYTES_MAX];

	if (header == NULL || !host_of(header, host))
		return false;
	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return header[0] == '[' && inet_pton(AF_INET6, host, &six) == 1 &&
	       IN6_IS_ADDR_LOOPBACK(&six);
}

/* ------------------------------------------------------------------ changes */

/* A browser says whose page it is that asks, and a page of ours has read the token. */
static bool is_own_page(const struct admin *admin, const struct exchange *exchange)
{
	static const char scheme[] = "http://";
	const char *const origin = exchange_header(exchange, "Origin");
	const char *const token = exchange_header(exchange, TOKEN_HEADER);
	unsigned int differs = 0;

	if (origin == NULL || strncmp(origin, scheme, strlen(scheme)) != 0 ||
	    strcasecmp(origin + strlen(scheme), exchange_header(exchange, "Host")) != 0)
		return false;
	if (token == NULL || strlen(token) != strlen(admin->token))
		return false;
	for (size_t i = 0; admin->token[i] != '\0'; i++)
		differs |= (unsigned int)(token[i] ^ admin->token[i]);
	return differs == 0;
}

/* "/cool?for=10m". False: it is none. */
static bool read_duration(const char *target, uint64_t *ret_ms)
{
	static const char name[] = "?for=";
	const char *const at = strstr(target, name);

	return at != NULL && duration_parse_ms(at + strlen(name), ret_ms) == 0 && *ret_ms > 0 &&
	       *ret_ms <= LULL_COOL_FOR_MS_MAX;
}

static int status_of(int error)
{
	switch (error) {
	case 0:
		return 200;
	case -EINVAL:
		return 400;
	case -EBUSY:
		return 409;
	default:
		return 503;
	}
}

static void change(struct admin *admin, struct exchange *exchange, enum change_type type)
{
	char key[BODY_BYTES_MAX + 1], text[CHANGE_TEXT_BYTES];
	uint64_t for_ms = 0;
	size_t size;
	const char *const body = exchange_body(exchange, &size);
	int error;

	if (!is_own_page(admin, exchange)) {
		answer_text(exchange, 403,
			    "changes are for the page at / alone: expected its Origin and "
			    "the token that it was told");
		return;
	}
	if (type == CHANGE_COOL && !read_duration(exchange_target(exchange), &for_ms)) {
		answer_text(exchange, 400,
			    "no length of a cooldown: expected ?for=1ms to 23h, such as "
			    "45s, 10m or 1h");
		return;
	}
	if (admin->table == NULL) {
		answer_text(exchange, 503, "there is no table yet");
		return;
	}
	(void)snprintf(key, sizeof(key), "%s", strlen(body) == size ? body : "");
	error = change_make(admin->table, type, key, for_ms, text);
	if (error == 0)
		NOTE(NOTE_INFO, "changed", NOTE_TEXT("by", exchange_target(exchange)),
		     NOTE_TEXT("state", text));
	answer_text(exchange, status_of(error), text);
}

static void answer_hold(struct admin *admin, struct exchange *exchange)
{
	change(admin, exchange, CHANGE_HOLD);
}

static void answer_cool(struct admin *admin, struct exchange *exchange)
{
	change(admin, exchange, CHANGE_COOL);
}

static void answer_clear(struct admin *admin, struct exchange *exchange)
{
	change(admin, exchange, CHANGE_CLEAR);
}

/* ------------------------------------------------------------------ requests */

static const struct page {
	const char *method;
	const char *path;
	void (*answer)(struct admin *admin, struct exchange *exchange);
} pages[] = {
	{"GET", "/events", answer_events},   {"GET", "/health", answer_health},
	{"GET", "/metrics", answer_metrics}, {"POST", "/clear", answer_clear},
	{"POST", "/cool", answer_cool},      {"POST", "/hold", answer_hold},
};
#define PAGES (sizeof(pages) / sizeof(pages[0]))

static bool has_path(const char *path, const char *target)
{
	const size_t length = strcspn(target, "?");

	return strlen(path) == length && strncmp(path, target, length) == 0;
}

static bool has_method(const char *expected, const char *method)
{
	return strcmp(expected, strcmp(method, "HEAD") == 0 ? "GET" : method) == 0;
}

/* A file of the page. False: it is none. */
static bool answer_file(struct exchange *exchange)
{
	for (const struct web_file *file = web_files; file->path != NULL; file++) {
		if (!has_path(file->path, exchange_target(exchange)))
			continue;
		if (has_method("GET", exchange_method(exchange)))
			answer(exchange, 200, file->type, file->bytes, file->size);
		else
			answer_text(exchange, 405, "not by this method");
		return true;
	}
	return false;
}

static void on_head(struct exchange *exchange, void *userdata)
{
	(void)userdata;
	if (!is_local_host(exchange_header(exchange, "Host")))
		answer_text(exchange, 403,
			    "not for this Host: expected localhost or a loopback address");
}

static void on_request(struct exchange *exchange, void *userdata)
{
	const char *const target = exchange_target(exchange);
	bool is_known = false;

	if (answer_file(exchange))
		return;
	for (size_t i = 0; i < PAGES; i++) {
		if (!has_path(pages[i].path, target))
			continue;
		is_known = true;
		if (has_method(pages[i].method, exchange_method(exchange))) {
			pages[i].answer(userdata, exchange);
			return;
		}
	}
	answer_text(exchange, is_known ? 405 : 404,
		    is_known ? "not by this method" : "there is nothing by this name");
}

static void on_refused(struct exchange *exchange, int status, const char *why, void *userdata)
{
	(void)userdata;
	answer_text(exchange, status, why != NULL ? why : "refused");
}

static void on_drained(struct exchange *exchange, void *userdata)
{
	(void)exchange;
	(void)userdata;
}

static void on_ended(struct exchange *exchange, bool sent, void *userdata)
{
	const struct admin *const admin = userdata;

	(void)sent;
	live_ended(admin->live, exchange);
}

static bool has_room(struct exchange *exchange, size_t bytes, void *userdata)
{
	(void)exchange;
	(void)userdata;
	return bytes <= BODY_BYTES_MAX;
}

/* ------------------------------------------------------------------ life */

/* On descriptors of its own: the list's owner closes the others. */
static int listen_on(struct server *server, const struct listener_list *listeners)
{
	for (size_t i = 0; i < listeners->count; i++) {
		const int fd = fcntl(listeners->items[i].fd, F_DUPFD_CLOEXEC, 0);
		const int error = fd < 0 ? -1 : server_listen(server, fd);

		if (error < 0 && fd >= 0)
			(void)close(fd);
		if (error < 0)
			return error;
	}
	return 0;
}

static bool make_token(char *ret)
{
	unsigned char bytes[TOKEN_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return false;
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	return true;
}

struct admin *admin_new(struct event_base *base, const struct listener_list *listeners,
			const struct admin_source *source)
{
	struct admin *const admin = calloc(1, sizeof(*admin));
	const struct server_events events = {
		.head = on_head,
		.request = on_request,
		.refused = on_refused,
		.drained = on_drained,
		.ended = on_ended,
		.room = has_room,
		.userdata = admin,
	};
	struct server_limits limits;

	if (admin == NULL)
		return NULL;
	admin->source = *source;
	server_limits_init(&limits);
	limits.connections_max = CONNECTIONS_MAX;
	admin->live =
		make_token(admin->token) ? live_new(base, &admin->source, admin->token) : NULL;
	if (admin->live == NULL || server_new(base, &events, &limits, &admin->server) < 0 ||
	    listen_on(admin->server, listeners) < 0)
		return admin_free(admin);
	return admin;
}

struct admin *admin_free(struct admin *admin)
{
	if (admin == NULL)
		return NULL;
	(void)server_free(admin->server);
	(void)live_free(admin->live);
	free(admin);
	return NULL;
}

void admin_set_table(struct admin *admin, struct lull_table *table)
{
	if (admin == NULL)
		return;
	admin->table = table;
	live_set_table(admin->live, table);
}
