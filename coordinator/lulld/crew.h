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
	char last_death[128];        /* "worker 2 (pid 4711): signal 9 (Killed)"; "": none */
	uint64_t last_death_unix_ms; /* 0: none */
	int refusal;                 /* the last "do not start me again"; 0: none */
};

/* Starts `count` of them. @config_fd: taken. NULL: no memory. */
struct crew *crew_new(struct crew_world *world, int config_fd, unsigned int count);
void crew_free(struct crew *crew); /* NULL is fine; all must be gone */

/* WORKER_TO_DRAIN or WORKER_TO_END, to all. NULL is fine. */
void crew_tell(struct crew *crew, enum worker_event event);

/* A child has ended. True: it was one of the crew's. NULL is fine: it was not. */
bool crew_reap(struct crew *crew, pid_t pid, int status);

/* What gateways say of themselves, when they are asked to. */
enum crew_stat {
	STAT_CONNECTIONS,
	STAT_CALLS,
	STAT_STREAMS,
	STAT_REQUESTS,
	STAT_ANSWERED,
	STAT_REFUSED,
	STAT_FAILED,
	STAT_LEFT,
	STAT_MEMORY_BYTES,
	CREW_STATS
};
const char *crew_stat_name(enum crew_stat stat);

/* Asks those that accept, and those that drain. What they answer is there a moment later. */
void crew_ask(struct crew *crew);

struct worker_view {
	unsigned int number;
	enum worker_state state;
	uint64_t for_ms;        /* in that state */
	pid_t pid;              /* 0: there is no process */
	unsigned long deaths;   /* of those that had this number in the crew */
	const char *last_death; /* its cause; "": none */
	const uint64_t
		*stats; /* CREW_STATS; NULL: it has not answered yet. Borrowed for a moment */
};
/* False: there are not so many. */
bool crew_view(const struct crew *crew, unsigned int index, struct worker_view *ret);

unsigned int crew_count(const struct crew *crew, enum worker_state state);
unsigned int crew_size(const struct crew *crew);

/* Nobody of it is left, or will come back. */
bool crew_is_over(const struct crew *crew);
/* All that will ever serve do so, and there are some. */
bool crew_is_up(const struct crew *crew);
/* Not all are as they were meant to be. */
bool crew_has_lost_any(const struct crew *crew);

#endif
