/* SPDX-License-Identifier: MIT */
/*
 * A host full of workers, simulated: the real lull_call_* decisions on real (process-local) tables,
 * with a clock that jumps from event to event and servers that are a function. An hour of ten calls
 * a second takes a fraction of a second, and the same seed gives the same hour.
 *
 * Calls arrive at random (Poisson) and go to any worker that is idle; where none is, they are
 * turned away and not counted. Each call has two routes: the primary, whose server is given, and a
 * fallback that always answers. Callers want whole answers, so one that is cut off half-way still
 * goes on to the fallback.
 */
#ifndef LULL_TESTS_HOST_SIM_H
#define LULL_TESTS_HOST_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include <lull/lull.h>

#define HOST_WORKERS_MAX 512u

struct host; /* one run */

/* What a server does with one request. */
struct host_reply {
	uint32_t class_id;         /* what becomes of it: enum lull_class */
	uint32_t http_status;      /* 0: there never is a status line */
	int64_t hint_ms;           /* negative: none */
	uint64_t headers_after_ms; /* status line; a failure that is not 2xx ends here */
	uint64_t end_after_ms;     /* of a 2xx: the end of its body, or of what came of it */
};

/* How a server answers a request that arrives `at_ms` after the run began. */
typedef struct host_reply (*host_server_fn)(struct host *host, uint64_t at_ms, void *context);

struct host_plan {
	uint32_t workers;
	bool table_each; /* cooldowns per process, as without Lull */
	double calls_per_s;
	uint64_t for_ms; /* calls arrive so long; all are finished */
	uint64_t seed;
	host_server_fn primary;
	void *context; /* of that server */
	const struct lull_call_options *options;
};

struct host_count {
	uint64_t calls, answered, by_primary;
	uint64_t asked;          /* requests to the primary */
	uint64_t wasted;         /* those of them that failed */
	uint64_t accepted_at_ms; /* the primary's first 2xx headers, since the run began; LULL_NEVER
				  */
};

/* A run of the plan; ends the program if the library refuses what it is asked. */
struct host_count host_run(const struct host_plan *plan);

/* ---- for servers: this run's randomness */

uint64_t host_random(struct host *host, uint64_t least, uint64_t most);
bool host_chance(struct host *host, double probability);
/* Of an answer that takes its time until its headers, or one that is streamed after quick ones. */
struct host_reply host_whole_answer(struct host *host, uint64_t least_ms, uint64_t most_ms);
struct host_reply host_streamed_answer(struct host *host, uint64_t least_ms, uint64_t most_ms);

#endif
