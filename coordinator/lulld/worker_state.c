/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "worker_state.h"

#define BACK_OFF_FIRST_MS 100u
#define BACK_OFF_MAX_MS   30000u

/* clang-format off */
#define STAY(state) {WORKER_##state, STEP_NONE}
static const struct worker_rule rules[WORKER_STATES][WORKER_EVENTS] = {
	[WORKER_STARTING] = {
		[WORKER_SAID_READY] = {WORKER_READY, STEP_SERVE},
		[WORKER_DIED]       = {WORKER_BACKING_OFF, STEP_BACK_OFF},
		[WORKER_REFUSED]    = {WORKER_GONE, STEP_BURY},
		[WORKER_TIME_UP]    = {WORKER_STARTING, STEP_KILL},
		[WORKER_TO_DRAIN]   = {WORKER_DRAINING, STEP_TERMINATE},
		[WORKER_TO_END]     = {WORKER_DRAINING, STEP_HURRY},
	},
	[WORKER_READY] = {
		[WORKER_SAID_READY] = STAY(READY),
		[WORKER_DIED]       = {WORKER_BACKING_OFF, STEP_BACK_OFF},
		[WORKER_REFUSED]    = {WORKER_GONE, STEP_BURY},
		[WORKER_TIME_UP]    = STAY(READY),
		[WORKER_TO_DRAIN]   = {WORKER_DRAINING, STEP_TERMINATE},
		[WORKER_TO_END]     = {WORKER_DRAINING, STEP_HURRY},
	},
	[WORKER_DRAINING] = {
		[WORKER_SAID_READY] = STAY(DRAINING),
		[WORKER_DIED]       = {WORKER_GONE, STEP_BURY},
		[WORKER_REFUSED]    = {WORKER_GONE, STEP_BURY},
		[WORKER_TIME_UP]    = {WORKER_DRAINING, STEP_KILL},
		[WORKER_TO_DRAIN]   = STAY(DRAINING),
		[WORKER_TO_END]     = {WORKER_DRAINING, STEP_HURRY},
	},
	[WORKER_BACKING_OFF] = {
		[WORKER_SAID_READY] = STAY(BACKING_OFF), /* its last word came after its end */
		[WORKER_DIED]       = STAY(BACKING_OFF),
		[WORKER_REFUSED]    = STAY(BACKING_OFF),
		[WORKER_TIME_UP]    = {WORKER_STARTING, STEP_START},
		[WORKER_TO_DRAIN]   = {WORKER_GONE, STEP_BURY},
		[WORKER_TO_END]     = {WORKER_GONE, STEP_BURY},
	},
	[WORKER_GONE] = {
		[WORKER_SAID_READY] = STAY(GONE),
		[WORKER_DIED]       = STAY(GONE),
		[WORKER_REFUSED]    = STAY(GONE),
		[WORKER_TIME_UP]    = STAY(GONE),
		[WORKER_TO_DRAIN]   = STAY(GONE),
		[WORKER_TO_END]     = STAY(GONE),
	},
};
/* clang-format on */

struct worker_rule worker_rule(enum worker_state state, enum worker_event event)
{
	return rules[state][event];
}

const char *worker_state_name(enum worker_state state)
{
	static const char *const names[WORKER_STATES] = {
		[WORKER_STARTING] = "starting", [WORKER_READY] = "ready",
		[WORKER_DRAINING] = "draining", [WORKER_BACKING_OFF] = "backing_off",
		[WORKER_GONE] = "gone",
	};

	return names[state];
}

enum worker_event worker_death_event(int status)
{
	const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;

	return code == EX_USAGE || code == EX_CONFIG ? WORKER_REFUSED : WORKER_DIED;
}

struct worker_cause worker_cause(int status)
{
	struct worker_cause ret;

	if (WIFSIGNALED(status))
		(void)snprintf(ret.text, sizeof(ret.text), "signal %d (%.32s)", WTERMSIG(status),
			       strsignal(WTERMSIG(status)));
	else
		(void)snprintf(ret.text, sizeof(ret.text), "exit code %d", WEXITSTATUS(status));
	return ret;
}

uint64_t worker_back_off_ms(unsigned int deaths)
{
	uint64_t ms = BACK_OFF_FIRST_MS;

	if (deaths <= 1)
		return 0;
	for (unsigned int i = 2; i < deaths && ms < BACK_OFF_MAX_MS; i++)
		ms *= 2;
	return ms < BACK_OFF_MAX_MS ? ms : BACK_OFF_MAX_MS;
}
