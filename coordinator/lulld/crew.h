/* SPDX-License-Identifier: MIT */
/*
 * A crew: the gateways that were started with one configuration. A supervisor has one that serves;
 * while it changes over another beside it; and those that are leaving, with streams to finish.
 *
 * What a gateway does next is in worker_state.h; here is how it is done.
 */
#ifndef LULL_LULLD_CREW_H
#define LULL_LULLD_CREW_H

#include <stdbool.h>

#include <event2/event.h>

#include "launch.h"
#include "worker_state.h"

struct crew;

/* What all crews have in common. */
struct crew_world {
	struct event_base *base;
	const struct launch *launch;
	struct event *changed; /* made active when any worker's state has changed */
	/* deaths that nobody asked for */
	unsigned long deaths;
	char last_death[128]; /* "worker 2 (pid 4711): signal 9 (Killed)"; "": none */
	int refusal;          /* the last "do not start me again"; 0: none */
};

/* Starts `count` of them. @config_fd: taken. NULL: no memory. */
struct crew *crew_new(struct crew_world *world, int config_fd, unsigned int count);
void crew_free(struct crew *crew); /* NULL is fine; all must be gone */

/* WORKER_TO_DRAIN or WORKER_TO_END, to all. NULL is fine. */
void crew_tell(struct crew *crew, enum worker_event event);

/* A child has ended. True: it was one of the crew's. NULL is fine: it was not. */
bool crew_reap(struct crew *crew, pid_t pid, int status);

unsigned int crew_count(const struct crew *crew, enum worker_state state);
unsigned int crew_size(const struct crew *crew);

/* Nobody of it is left, or will come back. */
bool crew_is_over(const struct crew *crew);
/* All that will ever serve do so, and there are some. */
bool crew_is_up(const struct crew *crew);
/* Not all are as they were meant to be. */
bool crew_has_lost_any(const struct crew *crew);

#endif
