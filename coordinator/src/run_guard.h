/* SPDX-License-Identifier: MIT */
/*
 * A process beside `lull run` that does nothing but outlive it: when lull is gone, killed at
 * whatever moment, it kills the process group of the command that was running. The kernel's own
 * means (PR_SET_PDEATHSIG) reaches the command, but not what the command has started.
 */
#ifndef LULL_COORDINATOR_RUN_GUARD_H
#define LULL_COORDINATOR_RUN_GUARD_H

#include <sys/types.h>

struct run_guard {
	pid_t pid;
	int fd;
};

/* Starts it. 0; negative errno. */
int run_guard_start(struct run_guard *guard);
/* From now on that group is to die with lull; 0: none. */
void run_guard_watch(const struct run_guard *guard, pid_t group);
/* Ends it. */
void run_guard_stop(struct run_guard *guard);

#endif
