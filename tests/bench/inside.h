/* SPDX-License-Identifier: MIT */
/*
 * Steps of the table that callers reach only as parts of a call, one by one, on a key of their own.
 * They live in a library of their own around the static liblull, so that the program beside them
 * can use the shared one like everybody else.
 */
#ifndef LULL_BENCH_INSIDE_H
#define LULL_BENCH_INSIDE_H

#include <stdint.h>

#define INSIDE_API __attribute__((visibility("default")))

/* 0, or negative errno. The table "bench" of $LULL_SHM_DIR. */
INSIDE_API int inside_begin(void);
INSIDE_API void inside_end(void);

/* As often as said: */
INSIDE_API void inside_admit_ready(uint32_t times);    /* admitted by a healthy word */
INSIDE_API void inside_fail_hard(uint32_t times);      /* a failure that lengthens the cooldown */
INSIDE_API void inside_probe_and_open(uint32_t times); /* a lease taken, and ended by 2xx headers */
INSIDE_API void inside_record(uint32_t times);         /* one event into the flight recorder */

#endif
