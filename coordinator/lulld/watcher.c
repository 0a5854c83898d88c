/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <lull/table.h>

#include "../src/programs.h"
#include "note.h"
#include "watcher.h"

#define END_MS 1000u /* for the command that it may be running */

static void set_timer(struct watcher *watcher, uint64_t for_ms)
{
	const struct timeval for_time = {.tv_sec = (time_t)(for_ms / 1000),
					 .tv_usec = (suseconds_t)(for_ms % 1000 * 1000)};

	(void)evtimer_add(watcher->timer, &for_time);
}

static void back_off(struct watcher *watcher)
{
	watcher->deaths++;
	set_timer(watcher, worker_back_off_ms(watcher->deaths));
}

static void start(struct watcher *watcher)
{
	char program[PROGRAM_PATH_BYTES_MAX];
	pid_t pid;
	int error;

	if (watcher->command == NULL)
		return;
	error = program_find(PROGRAM_LULL, program);
	pid = error < 0 ? (pid_t)error
			: launch_watch(watcher->world->launch, program, watcher->table,
				       watcher->command);
	if (pid < 0) {
		NOTE(NOTE_ERROR, "hook_not_started", NOTE_TEXT("cause", strerror(-pid)));
		back_off(watcher);
		return;
	}
	watcher->pid = pid;
	watcher->since_ms = lull_clock_ms();
	NOTE(NOTE_INFO, "hook_watches", NOTE_NUMBER("pid", pid));
}

static void end(struct watcher *watcher)
{
	watcher->is_to_end = true;
	(void)kill(watcher->pid, SIGTERM);
	set_timer(watcher, END_MS);
}

static void on_time_up(evutil_socket_t fd, short what, void *userdata)
{
	struct watcher *const watcher = userdata;

	(void)fd;
	(void)what;
	if (watcher->pid != 0)
		(void)kill(watcher->pid, SIGKILL);
	else
		start(watcher);
}

static bool is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static char *copy_of(const char *text)
{
	return text != NULL ? strdup(text) : NULL;
}

void watcher_set(struct watcher *watcher, const char *table, const char *command)
{
	const bool is_other =
		!is_same(watcher->table, table) || !is_same(watcher->command, command);

	if (is_other) {
		free(watcher->table);
		free(watcher->command);
		watcher->table = copy_of(table);
		watcher->command = copy_of(command);
		if (command != NULL && watcher->command == NULL)
			NOTE(NOTE_ERROR, "hook_not_started", NOTE_TEXT("cause", "out of memory"));
	}
	if (watcher->pid == 0) {
		(void)evtimer_del(watcher->timer);
		watcher->deaths = 0;
		start(watcher);
	} else if (is_other) {
		end(watcher);
	}
}

/* One that nobody asked to end. Exit code 64 says that another would do no better. */
static void record_death(struct watcher *watcher, pid_t pid, int status)
{
	const bool is_refused = worker_death_event(status) == WORKER_REFUSED;

	NOTE(is_refused ? NOTE_ERROR : NOTE_WARNING, is_refused ? "hook_refused" : "hook_died",
	     NOTE_NUMBER("pid", pid), NOTE_TEXT("cause", worker_cause(status).text));
	if (lull_clock_ms() - watcher->since_ms >= WORKER_STEADY_MS)
		watcher->deaths = 0;
	if (!is_refused)
		back_off(watcher);
}

bool watcher_reap(struct watcher *watcher, pid_t pid, int status)
{
	if (pid != watcher->pid)
		return false;
	watcher->pid = 0;
	if (watcher->is_to_end) {
		(void)evtimer_del(watcher->timer);
		watcher->is_to_end = false;
		start(watcher);
	} else {
		record_death(watcher, pid, status);
	}
	return true;
}

bool watcher_init(struct watcher *watcher, const struct crew_world *world)
{
	*watcher = (struct watcher){.world = world};
	watcher->timer = evtimer_new(world->base, on_time_up, watcher);
	return watcher->timer != NULL;
}

void watcher_deinit(struct watcher *watcher)
{
	if (watcher->timer != NULL)
		event_free(watcher->timer);
	free(watcher->table);
	free(watcher->command);
}
