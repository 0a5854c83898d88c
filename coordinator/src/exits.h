/* SPDX-License-Identifier: MIT */
/*
 * The exit codes of lull's own verbs. Those that are handed over to lull-worker have theirs from
 * there; both are described in lull(1).
 */
#ifndef LULL_COORDINATOR_EXITS_H
#define LULL_COORDINATOR_EXITS_H

enum exit_status {
	EXIT_DONE = 0,
	EXIT_PROBLEMS = 1,       /* doctor: something needs attention */
	EXIT_USAGE = 64,         /* the command line makes no sense */
	EXIT_UNAVAILABLE = 69,   /* the table could not be changed as asked */
	EXIT_BUG = 70,           /* out of memory and other things that cannot be */
	EXIT_OUTPUT = 74,        /* stdout could not be written */
	EXIT_COOLING = 75,       /* check, run: not ready; try again later */
	EXIT_TIMED_OUT = 124,    /* wait: not ready in time; run: the budget is spent */
	EXIT_NO_RUN = 125,       /* run: lull itself failed */
	EXIT_CANNOT_START = 126, /* a program of Lull's, or run's command, did not start */
	EXIT_NOT_FOUND = 127     /* … was not found */
};

#endif
