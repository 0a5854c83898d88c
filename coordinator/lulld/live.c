/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "../src/duration.h"
#include "../src/out.h"
#include "live.h"

#define TICK_MS 1000

struct viewer {
	LIST_ENTRY(viewer) link;
	struct exchange *exchange;
};

struct live {
	const struct admin_source *source;
	struct event *tick; /* pending while anybody looks */
	LIST_HEAD(, viewer) viewers;
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
	for (char *line = data, *rest = data; (line = strsep(&rest, "\n")) != NULL;) {
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

/* One who does not read what there is gets no more of it. */
static void send_collected(const struct live *live, const char *name)
{
	const struct viewer *viewer;
	size_t size = 0;
	char *const event = collected_event(name, &size);

	LIST_FOREACH(viewer, &live->viewers, link)
	if (event != NULL && !exchange_is_full(viewer->exchange))
		exchange_send(viewer->exchange, event, size);
	free(event);
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
	(void)fd;
	(void)what;
	send_workers(userdata);
}

void live_begin(struct live *live, struct exchange *exchange)
{
	static const struct timeval tick = {.tv_sec = TICK_MS / 1000,
					    .tv_usec = TICK_MS % 1000 * 1000};
	static const struct server_header headers[] = {{"Content-Type", "text/event-stream"},
						       {"Cache-Control", "no-store"}};
	const struct server_answer head = {.status = 200, .headers = headers, .header_count = 2};
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

struct live *live_new(struct event_base *base, const struct admin_source *source)
{
	struct live *const live = calloc(1, sizeof(*live));

	if (live == NULL)
		return NULL;
	live->source = source;
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
