/* SPDX-License-Identifier: MIT */
/*
 * The `on_event` of the configuration: a command for what needs a person, a key that is not accepted
 * or whose credit is used up. A child `lull watch` runs it; here that one is kept alive.
 */
#ifndef LULL_LULLD_WATCHER_H
#define LULL_LULLD_WATCHER_H

#include <stdbool.h>

#include "crew.h"

struct watcher {
	const struct crew_world *world;
	struct event *timer; /* dead: until the next start; told to end: until it is killed */
	char *table;         /* NULL: the usual one */
	char *command;       /* NULL: none is wanted */
	pid_t pid;           /* 0: there is no process */
	uint64_t since_ms;   /* of its start */
	unsigned int deaths; /* in a row */
	bool is_to_end;
};

/* @world: borrowed. False: no memory. */
bool watcher_init(struct watcher *watcher, const struct crew_world *world);
void watcher_deinit(struct watcher *watcher); /* also of one that is all zeros */

/* What is wanted from now on; command NULL: nothing. What runs by other words ends first. One that
 * would not be started again is. */
void watcher_set(struct watcher *watcher, const char *table, const char *command);

/* A child has ended. True: it was this one. */
bool watcher_reap(struct watcher *watcher, pid_t pid, int status);

#endif
