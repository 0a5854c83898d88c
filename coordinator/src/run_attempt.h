/* SPDX-License-Identifier: MIT */
/*
 * One attempt of `lull run`: a command, in a process group of its own, until it has ended or been
 * ended.
 *
 * As timeout(1) does it: at the limit the group gets SIGTERM, and five seconds later SIGKILL. What
 * ends lull itself is passed on to the group in the same way.
 */
#ifndef LULL_COORDINATOR_RUN_ATTEMPT_H
#define LULL_COORDINATOR_RUN_ATTEMPT_H

#include <stdint.h>

#include "run_guard.h"
#include "spool.h"

struct attempt_job {
	char *const *argv;
	const char *model;  /* LULL_MODEL */
	uint64_t budget_ms; /* LULL_BUDGET_MS */
	uint64_t by_ms;     /* the limit, on lull_clock_ms() */
	const struct spool *input;
	struct spool *kept[2]; /* stdout and stderr; NULL: they are ours */
	bool live;             /* what is kept is shown at once too */
	uint32_t renew_ms;     /* how often to call renew(); 0: never */
	void (*renew)(void *userdata);
	void *userdata;
	const struct run_guard *guard; /* all borrowed for the attempt */
};

enum attempt_how {
	ATTEMPT_ENDED,       /* code: exit status; 128 + signal */
	ATTEMPT_NOT_STARTED, /* code: errno of exec */
	ATTEMPT_TIMED_OUT,   /* by the limit */
	ATTEMPT_INTERRUPTED  /* code: the signal that lull got */
};

struct attempt_end {
	enum attempt_how how;
	int code;
	int show_error; /* negative errno: what was to be shown could not be written to stdout */
};

/* Return: 0; negative errno: this host could not even try. */
int attempt_run(const struct attempt_job *job, struct attempt_end *ret_end);

#endif
