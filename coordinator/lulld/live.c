/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <lull/lull.h>

#include "../src/duration.h"
#include "../src/follow.h"
#include "../src/out.h"
#include "../src/output.h"
#include "../src/rows.h"
#include "live.h"

#define TICK_MS       250
#define TICKS_A_BEAT  4u                /* status and workers come with each beat */
#define EVENTS_BEFORE 50u               /* a screenful, for one who begins to look */
#define RETRY         "retry: 1000\n\n" /* when it is to come again, in ms */

struct viewer {
	LIST_ENTRY(viewer) link;
	struct exchange *exchange;
	struct follower follower;
	bool follows; /* the table that there is */
};

struct live {
	const struct admin_source *source;
	const char *token;
	struct lull_table *table; /* NULL: none yet */
	struct event *tick;       /* pending while anybody looks */
	unsigned int ticks;
	LIST_HEAD(viewer_list, viewer) viewers;
};

/* ------------------------------------------------------------------ the form of an event */

/* What was printed since out_collect(), as an event: new. NULL: no memory */
static char *collected_event(const char *name, size_t *ret_size)
{
	size_t size = 0;
	char *const data = out_collected(&size);

	if (data == NULL)
		return NULL;
	out_collect();
	out("event: %s\n", name);
	for (char *rest = data; rest != NULL;) {
		const char *const line = strsep(&rest, "\n");

		if (rest == NULL && line[0] == '\0') /* behind the last line's end */
			break;
		out_string("data: ");
		out_string(line);
		out_string("\n");
	}
	out_string("\n");
	free(data);
	return out_collected(ret_size);
}

static void send_collected_to(const struct viewer *viewer, const char *name)
{
	size_t size = 0;
	char *const event = collected_event(name, &size);

	if (event != NULL)
		exchange_send(viewer->exchange, event, size);
	free(event);
}

/* One who does not read what there is gets no more of it. */
static void send_collected(const struct live *live, const char *name)
{
	const struct viewer *viewer;
	size_t size = 0;
	char *const event = collected_event(name, &size);

	for (viewer = LIST_FIRST(&live->viewers); viewer != NULL; viewer = LIST_NEXT(viewer, link))
		if (event != NULL && !exchange_is_full(viewer->exchange))
			exchange_send(viewer->exchange, event, size);
	free(event);
}

/* ------------------------------------------------------------------ the table */

static void send_hello(const struct live *live, const struct viewer *viewer)
{
	out_collect();
	out("{\"v\":1,\"version\":\"%s\",\"pid\":%d,\"token\":\"%s\"}\n", lull_version(),
	    (int)getpid(), live->token);
	send_collected_to(viewer, "hello");
}

static void send_news(const struct viewer *viewer, const struct news *news)
{
	const struct moment now = moment_now();

	out_collect();
	if (news->type == NEWS_EVENT)
		output_json.event(&news->event, &now);
	else
		output_json.news(news, viewer->follower.table);
	send_collected_to(viewer, news->type == NEWS_EVENT ? "event" : "news");
}

static void begin_to_follow(const struct live *live, struct viewer *viewer)
{
	struct follower *const follower = &viewer->follower;

	send_hello(live, viewer);
	follower_init(follower, live->table);
	follower->number -= follower->number < EVENTS_BEFORE ? follower->number : EVENTS_BEFORE;
	viewer->follows = true;
}

/* Whether there was anything. */
static bool send_all_news(const struct live *live, struct viewer *viewer)
{
	struct news news;
	bool was_any = false;

	if (live->table == NULL)
		return false;
	if (!viewer->follows)
		begin_to_follow(live, viewer);
	while (!exchange_is_full(viewer->exchange) &&
	       follower_read(&viewer->follower, &news) == 0) {
		send_news(viewer, &news);
		was_any = true;
	}
	return was_any;
}

static void send_status(const struct live *live)
{
	struct lull_table_info info = {.abi_version = LULL_ABI_VERSION};
	struct status_report report = {.table = &info, .now = moment_now()};
	struct rows rows = {.rows = NULL};

	if (live->table == NULL)
		return;
	(void)lull_table_refresh(live->table);
	(void)lull_table_info(live->table, &info);
	if (rows_add_all(&rows, live->table, report.now.table_ms) == 0) {
		rows_sort(&rows);
		report.rows = rows.rows;
		report.count = rows.count;
		out_collect();
		output_json.status(&report);
		send_collected(live, "status");
	}
	rows_deinit(&rows);
}

/* ------------------------------------------------------------------ the gateways */

static void print_worker(const struct worker_view *view, bool is_first)
{
	out("%s\n{\"worker\":%u,\"state\":\"%s\",\"seconds\":%s", is_first ? "" : ",", view->number,
	    worker_state_name(view->state), duration_json(view->for_ms).text);
	if (view->pid != 0)
		out(",\"pid\":%d", (int)view->pid);
	else
		out_string(",\"pid\":null");
	out(",\"deaths\":%lu,\"last_death\":", view->deaths);
	if (view->last_death[0] != '\0')
		out_json_string(view->last_death);
	else
		out_string("null");
	for (unsigned int i = 0; view->stats != NULL && i < CREW_STATS; i++)
		out(",\"%s\":%llu", crew_stat_name(i), (unsigned long long)view->stats[i]);
	out_string("}");
}

static void print_workers(const struct live *live, struct crew *const *crews, size_t count)
{
	const struct crew_world *const world = live->source->world;
	struct worker_view view;
	bool is_first = true;

	out("{\"v\":1,\"deaths\":%lu,\"last_death\":", world->deaths);
	if (world->deaths > 0) {
		out_json_string(world->last_death);
		out(",\"last_death_at\":\"%s\"", moment_json(world->last_death_unix_ms).text);
	} else {
		out_string("null,\"last_death_at\":null");
	}
	out_string(",\"workers\":[");
	for (size_t i = 0; i < count; i++) {
		for (unsigned int w = 0; crew_view(crews[i], w, &view); w++) {
			/* of a crew that leaves, those that have left */
			if (i > 0 && view.state == WORKER_GONE)
				continue;
			print_worker(&view, is_first);
			is_first = false;
		}
	}
	out_string("\n]}\n");
}

/* As they answered the last time; what they are asked now is for the next. */
static void send_workers(const struct live *live)
{
	struct crew *crews[ADMIN_CREWS_MAX];
	const size_t count = live->source->crews(live->source->userdata, crews);

	out_collect();
	print_workers(live, crews, count);
	send_collected(live, "workers");
	for (size_t i = 0; i < count; i++)
		crew_ask(crews[i]);
}

/* ------------------------------------------------------------------ who looks */

static void on_tick(evutil_socket_t fd, short what, void *userdata)
{
	struct live *const live = userdata;
	struct viewer *viewer;
	bool is_due = ++live->ticks % TICKS_A_BEAT == 0;

	(void)fd;
	(void)what;
	if (is_due)
		send_workers(live);
	for (viewer = LIST_FIRST(&live->viewers); viewer != NULL; viewer = LIST_NEXT(viewer, link))
		is_due |= send_all_news(live, viewer);
	if (is_due)
		send_status(live);
}

void live_begin(struct live *live, struct exchange *exchange)
{
	static const struct timeval tick = {.tv_usec = TICK_MS * 1000L};
	/* the token is in it: no script of another page may load it as one of its own */
	static const struct server_header headers[] = {
		{"Content-Type", "text/event-stream"},
		{"Cache-Control", "no-store"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"X-Content-Type-Options", "nosniff"},
	};
	const struct server_answer head = {.status = 200,
					   .headers = headers,
					   .header_count = sizeof(headers) / sizeof(headers[0])};
	struct viewer *const viewer = calloc(1, sizeof(*viewer));

	exchange_begin(exchange, &head);
	if (viewer == NULL) { /* it will come again */
		exchange_finish(exchange);
		return;
	}
	if (LIST_EMPTY(&live->viewers))
		(void)event_add(live->tick, &tick);
	viewer->exchange = exchange;
	exchange_set_userdata(exchange, viewer);
	LIST_INSERT_HEAD(&live->viewers, viewer, link);
	exchange_send(exchange, RETRY, strlen(RETRY));
	(void)send_all_news(live, viewer);
	send_status(live);
	send_workers(live);
}

void live_ended(struct live *live, struct exchange *exchange)
{
	struct viewer *const viewer = exchange_userdata(exchange);

	if (viewer == NULL)
		return;
	LIST_REMOVE(viewer, link);
	free(viewer);
	if (LIST_EMPTY(&live->viewers))
		(void)event_del(live->tick);
}

/* ------------------------------------------------------------------ life */

void live_set_table(struct live *live, struct lull_table *table)
{
	struct viewer *viewer;

	live->table = table;
	for (viewer = LIST_FIRST(&live->viewers); viewer != NULL; viewer = LIST_NEXT(viewer, link))
		viewer->follows = false;
}

struct live *live_new(struct event_base *base, const struct admin_source *source, const char *token)
{
	struct live *const live = calloc(1, sizeof(*live));

	if (live == NULL)
		return NULL;
	live->source = source;
	live->token = token;
	LIST_INIT(&live->viewers);
	live->tick = event_new(base, -1, EV_PERSIST, on_tick, live);
	return live->tick != NULL ? live : live_free(live);
}

struct live *live_free(struct live *live)
{
	if (live == NULL)
		return NULL;
	if (live->tick != NULL)
		event_free(live->tick);
	free(live);
	return NULL;
}
