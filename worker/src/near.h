/* SPDX-License-Identifier: MIT */
/* "did you mean": the candidate that is fewest slips of the finger away from what was typed. */
#ifndef LULL_WORKER_NEAR_H
#define LULL_WORKER_NEAR_H

#include <stddef.h>

#define NEAR_BYTES_MAX 64 /* longer words are not compared */

struct near {
	const char *word;
	const char *best; /* NULL: none is near */
	unsigned distance;
};

void near_init(struct near *near, const char *word);
/* Keeps the candidate if it is nearer than those before, and near at all. It is borrowed. */
void near_offer(struct near *near, const char *candidate);

#endif
