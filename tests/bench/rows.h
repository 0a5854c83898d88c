/* SPDX-License-Identifier: MIT */
/*
 * What tests/bench/table measures: rows, one an operation, in groups that begin and end together. A
 * group whose library or server is not there says so, and is passed over.
 */
#ifndef LULL_BENCH_ROWS_H
#define LULL_BENCH_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct row {
	const char *name;
	uint32_t operations;                  /* in one repetition: a millisecond's worth or so */
	void (*prepare)(uint32_t operations); /* before each repetition, unmeasured; may be NULL */
	void (*run)(uint32_t operations);
};

struct group {
	const char *(*begin)(void); /* NULL: begun; else why it cannot be measured here */
	void (*end)(void);          /* also where it could not begin */
	const struct row *rows;
	size_t row_count;
	bool takes_rivals; /* a forked child may run a row at the same time, if it prepares nothing
			    */
};

/* What all of them look up: 57 bytes, as long as route keys are. */
#define BENCH_KEY "gpt-4o-2024-08-06@https://api.openai.com#1f0c9a77e3b25d84"
/* Other keys beside it, as a host with a few models has them. */
#define BENCH_OTHER_KEYS 7u

extern const struct group lull_group;    /* the shared table, as any program uses it */
extern const struct group inside_group;  /* its steps, as parts of a call */
extern const struct group guarded_group; /* a plain table, behind one lock or another */
/* Stores that others would keep cooldowns in, asked for a key that they have. NULL: built without.
 */
extern const struct group lmdb_group __attribute__((weak));
extern const struct group redis_group __attribute__((weak));
extern const struct group memcached_group __attribute__((weak));

/* What the stores keep under the keys: an absolute time in ms, as text. */
#define BENCH_VALUE "1763806800000"

/* Keeps a result, so that the compiler keeps what gave it. */
static inline void row_keep(uint64_t result)
{
	__asm__ volatile("" : : "r"(result) : "memory");
}

#endif
