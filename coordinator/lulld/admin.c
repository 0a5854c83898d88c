/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <server.h>

#include "../src/metrics.h"
#include "../src/out.h"
#include "admin.h"
#include "live.h"

#define CONNECTIONS_MAX 64u
#define BODY_BYTES_MAX  4096u
#define HOST_BYTES_MAX  64u

#define TYPE_JSON "application/json"
#define TYPE_TEXT "text/plain; charset=utf-8"

struct admin {
	struct server *server;
	struct admin_source source;
	struct lull_table *table; /* NULL: none yet */
	struct live *live;
};

/* ------------------------------------------------------------------ answers */

static void answer(struct exchange *exchange, int status, const char *type, const char *body,
		   size_t size)
{
	const struct server_header headers[] = {
		{"Content-Type", type},
		{"Cache-Control", "no-store"},
		{"X-Content-Type-Options", "nosniff"},
	};
	const struct server_answer head = {.status = status,
					   .headers = headers,
					   .header_count = sizeof(headers) / sizeof(headers[0])};

	exchange_answer(exchange, &head, body, size);
}

/* A sentence. */
static void answer_text(struct exchange *exchange, int status, const char *text)
{
	char line[256];

	(void)snprintf(line, sizeof(line), "%.250s\n", text);
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

/* ------------------------------------------------------------------ requests */

static const struct page {
	const char *method;
	const char *path;
	void (*answer)(struct admin *admin, struct exchange *exchange);
} pages[] = {
	{"GET", "/events", answer_events},
	{"GET", "/health", answer_health},
	{"GET", "/metrics", answer_metrics},
};
#define PAGES (sizeof(pages) / sizeof(pages[0]))

static bool has_path(const struct page *page, const char *target)
{
	const size_t length = strcspn(target, "?");

	return strlen(page->path) == length && strncmp(page->path, target, length) == 0;
}

static bool has_method(const struct page *page, const char *method)
{
	return strcmp(page->method, strcmp(method, "HEAD") == 0 ? "GET" : method) == 0;
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

	for (size_t i = 0; i < PAGES; i++) {
		if (!has_path(&pages[i], target))
			continue;
		is_known = true;
		if (has_method(&pages[i], exchange_method(exchange))) {
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
	admin->live = live_new(base, &admin->source);
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
	if (admin != NULL)
		admin->table = table;
}
