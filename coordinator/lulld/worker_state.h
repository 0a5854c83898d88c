/* SPDX-License-Identifier: MIT */
/*
 * What may happen to a gateway process, and what is done about it: states × events, as data. Nothing
 * here starts, signals or waits for anything, so every cell is tested.
 *
 *     starting     forked; has not said yet that it accepts
 *     ready        accepts
 *     draining     told to end: accepts no more, finishes what it has
 *     backing off  dead; another is started when the time is up
 *     gone         dead, and nobody follows
 */
#ifndef LULL_LULLD_WORKER_STATE_H
#define LULL_LULLD_WORKER_STATE_H

#include <stdbool.h>
#include <stdint.h>

enum worker_state {
	WORKER_STARTING,
	WORKER_READY,
	WORKER_DRAINING,
	WORKER_BACKING_OFF,
	WORKER_GONE,
	WORKER_STATES
};

enum worker_event {
	WORKER_SAID_READY,
	WORKER_DIED,     /* or could not be started */
	WORKER_REFUSED,  /* died, and said by its exit code that the next one would, too */
	WORKER_TIME_UP,  /* of the state it is in */
	WORKER_TO_DRAIN, /* it is wanted no more */
	WORKER_TO_END,   /* the same, at once */
	WORKER_EVENTS
};

enum worker_step {
	STEP_NONE,
	STEP_START,
	STEP_SERVE,     /* no time is set any more */
	STEP_BACK_OFF,  /* until worker_back_off_ms() */
	STEP_TERMINATE, /* until the drain's deadline */
	STEP_HURRY,     /* until a moment later */
	STEP_KILL,
	STEP_BURY
};

struct worker_rule {
	enum worker_state next;
	enum worker_step step;
};

struct worker_rule worker_rule(enum worker_state state, enum worker_event event);

const char *worker_state_name(enum worker_state state);

/* What a death is: WORKER_REFUSED for the exit codes of a usage or a configuration that will not
 * get better by trying again. @status: from waitpid() */
enum worker_event worker_death_event(int status);

/* "exit code 3", "signal 9 (Killed)" */
struct worker_cause {
	char text[64];
};
struct worker_cause worker_cause(int status);

/* How long to wait before the next start, after so many deaths in a row: the first is made good at
 * once, then 100 ms, doubling to 30 s. */
uint64_t worker_back_off_ms(unsigned int deaths);

/* A row of deaths ends with one that has served for so long. */
#define WORKER_STEADY_MS 10000u

#endif
