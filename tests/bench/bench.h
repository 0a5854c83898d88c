/* SPDX-License-Identifier: MIT */
/*
 * What the benchmarks share. The machine they run on is never quiet, so they all work alike: what
 * is compared takes turns within one run, many times, and the median is what counts. Above each
 * table stands what else the machine had to do meanwhile.
 */
#ifndef LULL_BENCH_H
#define LULL_BENCH_H

#include <stddef.h>
#include <stdint.h>

/* CLOCK_MONOTONIC; one clock for all processes of the host. */
uint64_t bench_now_ns(void);

void bench_sort(double *values, size_t count);
/* Of sorted values; at: 0 the least, 0.5 the median, 1 the largest. */
double bench_quantile(const double *sorted, size_t count, double at);

unsigned bench_cpu_count(void); /* that this process may use */

/*
 * Puts this process on one of the CPUs it may use, counted from the last one: 0 is the CPU of what
 * is measured, 1 the one of its counterpart. With one CPU both share it.
 */
void bench_pin(unsigned from_last);

/*
 * Asks for real-time priority, for this process and its children: what else the machine does is not
 * what is measured. Root gets it. Prints "AMD EPYC, 2 CPUs, Linux 6.1, load 0.3, real-time
 * priority" and an empty line.
 */
void bench_begin(void);

#endif
