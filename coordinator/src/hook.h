/* SPDX-License-Identifier: MIT */
/*
 * A command that is told of an event. It runs in a process group of its own, after the event and
 * beside whoever caused it: a call never waits for a hook.
 */
#ifndef LULL_COORDINATOR_HOOK_H
#define LULL_COORDINATOR_HOOK_H

#include <lull/table.h>

#include "output.h"
#include "run_guard.h"

#define HOOK_SECONDS 60u /* then it is ended */

struct hook {
	char *command; /* for /bin/sh -c */
	struct run_guard guard;
	bool quiet;
};

/* 0; an exit status after saying on stderr why not. */
int hook_init(struct hook *hook, const char *command, bool quiet);
void hook_deinit(struct hook *hook);

/*
 * Runs it to its end, with the event in its environment and, as a line of JSON, on its stdin. What
 * becomes of it is told on stderr and is nobody else's trouble.
 * Return: 0; the signal that is to end this program.
 */
int hook_run(const struct hook *hook, const struct lull_event *event, const struct moment *now);

#endif
