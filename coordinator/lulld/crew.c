/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <lull/table.h>

#include "../src/duration.h"
#include "crew.h"
#include "note.h"

#define START_LIMIT_MS  30000u /* for the first word; a start takes some milliseconds */
#define DRAIN_MARGIN_MS 1000u  /* a gateway keeps the deadline itself; this is for one that hangs */
#define HURRY_MS        1000u
#define LINE_BYTES_MAX  65536u /* of the control channel */
#define STATS           "stats "
#define STATS_QUESTION  "stats?\n"

struct worker {
	struct crew *crew;
	unsigned int number; /* from 1 on */
	enum worker_state state;
	uint64_t since_ms;   /* of the state */
	pid_t pid;           /* 0: there is no process */
	unsigned int deaths; /* in a row */
	unsigned long deaths_ever;
	struct worker_cause last_death;
	uint64_t stats[CREW_STATS];
	bool has_stats; /* of this process */
	struct bufferevent *control;
	struct event *timer;
};

struct crew {
	struct crew_world *world;
	int config_fd;
	unsigned int count;
	struct worker workers[];
};

static void tell(struct worker *worker, enum worker_event event);

/* ------------------------------------------------------------------ what a gateway says */

static void hang_up(struct worker *worker)
{
	if (worker->control != NULL)
		bufferevent_free(worker->control);
	worker->control = NULL;
}

const char *crew_stat_name(enum crew_stat stat)
{
	static const char *const names[CREW_STATS] = {
		[STAT_CONNECTIONS] = "connections",
		[STAT_CALLS] = "calls",
		[STAT_STREAMS] = "streams",
		[STAT_REQUESTS] = "requests",
		[STAT_ANSWERED] = "answered",
		[STAT_REFUSED] = "refused",
		[STAT_FAILED] = "failed",
		[STAT_LEFT] = "left",
		[STAT_MEMORY_BYTES] = "memory_bytes",
	};

	return names[stat];
}

/* One object of numbers, whose names contain no quote: to be looked up, not parsed. */
static void take_stats(struct worker *worker, const char *json)
{
	char member[32];

	for (unsigned int i = 0; i < CREW_STATS; i++) {
		const int length = snprintf(member, sizeof(member), "\"%s\":", crew_stat_name(i));
		const char *const at = strstr(json, member);

		worker->stats[i] = at != NULL ? strtoull(at + length, NULL, 10) : 0;
	}
	worker->has_stats = true;
}

static void on_words(struct bufferevent *control, void *userdata)
{
	struct evbuffer *const input = bufferevent_get_input(control);
	struct worker *const worker = userdata;
	char *line;

	while ((line = evbuffer_readln(input, NULL, EVBUFFER_EOL_LF)) != NULL) {
		if (strcmp(line, "ready") == 0)
			tell(worker, WORKER_SAID_READY);
		else if (strncmp(line, STATS, strlen(STATS)) == 0)
			take_stats(worker, line + strlen(STATS));
		free(line);
	}
	if (evbuffer_get_length(input) >= LINE_BYTES_MAX) /* that will be no line any more */
		(void)evbuffer_drain(input, evbuffer_get_length(input));
}

/* What its end means is not known from this: SIGCHLD says it. */
static void on_hang_up(struct bufferevent *control, short what, void *userdata)
{
	(void)control;
	(void)what;
	hang_up(userdata);
}

/* Both ends; that of the gateway is for it alone. */
static int open_control(struct worker *worker, int *ret_theirs)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	(void)evutil_make_socket_nonblocking(ends[0]);
	worker->control =
		bufferevent_socket_new(worker->crew->world->base, ends[0], BEV_OPT_CLOSE_ON_FREE);
	if (worker->control == NULL) {
		(void)close(ends[0]);
		(void)close(ends[1]);
		return -ENOMEM;
	}
	bufferevent_setwatermark(worker->control, EV_READ, 0, LINE_BYTES_MAX);
	bufferevent_setcb(worker->control, on_words, NULL, on_hang_up, worker);
	(void)bufferevent_enable(worker->control, EV_READ);
	*ret_theirs = ends[1];
	return 0;
}

/* ------------------------------------------------------------------ what is done about it */

static void set_timer(struct worker *worker, uint64_t for_ms)
{
	const struct timeval for_time = {.tv_sec = (time_t)(for_ms / 1000),
					 .tv_usec = (suseconds_t)(for_ms % 1000 * 1000)};

	(void)evtimer_add(worker->timer, &for_time);
}

static void do_nothing(struct worker *worker)
{
	(void)worker;
}

static void do_start(struct worker *worker)
{
	struct crew *const crew = worker->crew;
	int theirs = -1;
	int error = open_control(worker, &theirs);

	worker->has_stats = false;
	if (error == 0) {
		worker->pid = launch_gateway(crew->world->launch, crew->config_fd, theirs);
		error = worker->pid < 0 ? (int)worker->pid : 0;
		(void)close(theirs);
	}
	if (error == 0) {
		set_timer(worker, START_LIMIT_MS);
		return;
	}
	worker->pid = 0;
	worker->deaths++;
	hang_up(worker);
	NOTE(NOTE_ERROR, "worker_not_started", NOTE_NUMBER("worker", worker->number),
	     NOTE_TEXT("cause", strerror(-error)));
	tell(worker, WORKER_DIED);
}

static void do_serve(struct worker *worker)
{
	(void)evtimer_del(worker->timer);
	NOTE(NOTE_INFO, "worker_ready", NOTE_NUMBER("worker", worker->number),
	     NOTE_NUMBER("pid", worker->pid));
}

static void do_back_off(struct worker *worker)
{
	const uint64_t for_ms = worker_back_off_ms(worker->deaths);

	NOTE(NOTE_INFO, "worker_restarts", NOTE_NUMBER("worker", worker->number),
	     NOTE_NUMBER("after_ms", for_ms));
	set_timer(worker, for_ms);
}

static void do_terminate(struct worker *worker)
{
	(void)kill(worker->pid, SIGTERM);
	set_timer(worker, worker->crew->world->launch->drain_ms + DRAIN_MARGIN_MS);
}

/* Two signals, as one alone may only be the first that it hears. */
static void do_hurry(struct worker *worker)
{
	(void)kill(worker->pid, SIGTERM);
	(void)kill(worker->pid, SIGINT);
	set_timer(worker, HURRY_MS);
}

static void do_kill(struct worker *worker)
{
	NOTE(NOTE_WARNING, "worker_out_of_time", NOTE_NUMBER("worker", worker->number),
	     NOTE_NUMBER("pid", worker->pid), NOTE_TEXT("state", worker_state_name(worker->state)));
	(void)kill(worker->pid, SIGKILL);
}

static void do_bury(struct worker *worker)
{
	(void)evtimer_del(worker->timer);
}

static void tell(struct worker *worker, enum worker_event event)
{
	static void (*const steps[])(struct worker *) = {
		[STEP_NONE] = do_nothing,        [STEP_START] = do_start,
		[STEP_SERVE] = do_serve,         [STEP_BACK_OFF] = do_back_off,
		[STEP_TERMINATE] = do_terminate, [STEP_HURRY] = do_hurry,
		[STEP_KILL] = do_kill,           [STEP_BURY] = do_bury,
	};
	const struct worker_rule rule = worker_rule(worker->state, event);

	if (rule.next != worker->state) {
		worker->state = rule.next;
		worker->since_ms = lull_clock_ms();
		event_active(worker->crew->world->changed, EV_TIMEOUT, 0);
	}
	steps[rule.step](worker);
}

static void on_time_up(evutil_socket_t fd, short what, void *userdata)
{
	(void)fd;
	(void)what;
	tell(userdata, WORKER_TIME_UP);
}

/* ------------------------------------------------------------------ deaths */

/* One that nobody asked for. */
static void record_death(struct worker *worker, int status)
{
	struct crew_world *const world = worker->crew->world;
	const bool refused = worker_death_event(status) == WORKER_REFUSED;
	const struct worker_cause cause = worker_cause(status);
	const uint64_t for_ms = lull_clock_ms() - worker->since_ms;

	if (worker->state == WORKER_READY && for_ms >= WORKER_STEADY_MS)
		worker->deaths = 0;
	worker->deaths++;
	worker->deaths_ever++;
	worker->last_death = cause;
	world->deaths++;
	world->last_death_unix_ms = unix_now_ms();
	if (refused)
		world->refusal = WEXITSTATUS(status);
	(void)snprintf(world->last_death, sizeof(world->last_death), "worker %u (pid %d): %s",
		       worker->number, (int)worker->pid, cause.text);
	NOTE(refused ? NOTE_ERROR : NOTE_WARNING, refused ? "worker_refused" : "worker_died",
	     NOTE_NUMBER("worker", worker->number), NOTE_NUMBER("pid", worker->pid),
	     NOTE_TEXT("cause", cause.text), NOTE_TEXT("state", worker_state_name(worker->state)),
	     NOTE_NUMBER("for_ms", for_ms));
}

static void note_end(const struct worker *worker, int status)
{
	NOTE(status == 0 ? NOTE_INFO : NOTE_WARNING, "worker_ended",
	     NOTE_NUMBER("worker", worker->number), NOTE_NUMBER("pid", worker->pid),
	     NOTE_TEXT("cause", worker_cause(status).text),
	     NOTE_NUMBER("drained_for_ms", lull_clock_ms() - worker->since_ms));
}

bool crew_reap(struct crew *crew, pid_t pid, int status)
{
	for (unsigned int i = 0; crew != NULL && i < crew->count; i++) {
		struct worker *const worker = &crew->workers[i];

		if (worker->pid != pid)
			continue;
		if (worker->state == WORKER_DRAINING)
			note_end(worker, status);
		else
			record_death(worker, status);
		worker->pid = 0;
		hang_up(worker);
		tell(worker, worker_death_event(status));
		return true;
	}
	return false;
}

/* ------------------------------------------------------------------ a crew */

struct crew *crew_new(struct crew_world *world, int config_fd, unsigned int count)
{
	struct crew *crew = calloc(1, sizeof(*crew) + count * sizeof(crew->workers[0]));

	if (crew == NULL) {
		(void)close(config_fd);
		return NULL;
	}
	crew->world = world;
	crew->config_fd = config_fd;
	crew->count = count;
	for (unsigned int i = 0; i < count; i++) {
		struct worker *const worker = &crew->workers[i];

		*worker =
			(struct worker){.crew = crew, .number = i + 1, .state = WORKER_BACKING_OFF};
		worker->timer = evtimer_new(world->base, on_time_up, worker);
		if (worker->timer == NULL) {
			crew_free(crew);
			return NULL;
		}
	}
	for (unsigned int i = 0; i < count; i++)
		tell(&crew->workers[i], WORKER_TIME_UP);
	return crew;
}

void crew_free(struct crew *crew)
{
	if (crew == NULL)
		return;
	for (unsigned int i = 0; i < crew->count; i++) {
		hang_up(&crew->workers[i]);
		if (crew->workers[i].timer != NULL)
			event_free(crew->workers[i].timer);
	}
	(void)close(crew->config_fd);
	free(crew);
}

void crew_tell(struct crew *crew, enum worker_event event)
{
	for (unsigned int i = 0; crew != NULL && i < crew->count; i++)
		tell(&crew->workers[i], event);
}

void crew_ask(struct crew *crew)
{
	for (unsigned int i = 0; i < crew->count; i++) {
		struct worker *const worker = &crew->workers[i];
		const bool listens =
			worker->state == WORKER_READY || worker->state == WORKER_DRAINING;

		/* one that does not read is not asked again and again */
		if (listens && worker->control != NULL &&
		    evbuffer_get_length(bufferevent_get_output(worker->control)) == 0)
			(void)bufferevent_write(worker->control, STATS_QUESTION,
						strlen(STATS_QUESTION));
	}
}

bool crew_view(const struct crew *crew, unsigned int index, struct worker_view *ret)
{
	const struct worker *const worker = &crew->workers[index];

	if (index >= crew->count)
		return false;
	*ret = (struct worker_view){
		.number = worker->number,
		.state = worker->state,
		.for_ms = lull_clock_ms() - worker->since_ms,
		.pid = worker->pid,
		.deaths = worker->deaths_ever,
		.last_death = worker->last_death.text,
		.stats = worker->pid != 0 && worker->has_stats ? worker->stats : NULL,
	};
	return true;
}

unsigned int crew_count(const struct crew *crew, enum worker_state state)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < crew->count; i++)
		count += crew->workers[i].state == state;
	return count;
}

unsigned int crew_size(const struct crew *crew)
{
	return crew->count;
}

bool crew_is_over(const struct crew *crew)
{
	return crew_count(crew, WORKER_GONE) == crew->count;
}

bool crew_is_up(const struct crew *crew)
{
	const unsigned int ready = crew_count(crew, WORKER_READY);

	return ready > 0 && ready + crew_count(crew, WORKER_GONE) == crew->count;
}

bool crew_has_lost_any(const struct crew *crew)
{
	return crew_count(crew, WORKER_BACKING_OFF) + crew_count(crew, WORKER_GONE) > 0;
}
