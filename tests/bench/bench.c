/* SPDX-License-Identifier: MIT */
/* See bench.h. */
#include "bench.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

uint64_t bench_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void bench_sort(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
}

double bench_quantile(const double *sorted, size_t count, double at)
{
	return sorted[(size_t)((double)(count - 1) * at + 0.5)];
}

/* The CPUs this process began with. */
static const cpu_set_t *cpus_allowed(void)
{
	static cpu_set_t allowed;

	if (CPU_COUNT(&allowed) == 0)
		(void)sched_getaffinity(0, sizeof(allowed), &allowed);
	return &allowed;
}

unsigned bench_cpu_count(void)
{
	return (unsigned)CPU_COUNT(cpus_allowed());
}

void bench_pin(unsigned from_last)
{
	unsigned skip = from_last % bench_cpu_count();
	cpu_set_t one;

	for (unsigned cpu = CPU_SETSIZE; cpu-- > 0;) {
		if (!CPU_ISSET(cpu, cpus_allowed()) || skip-- > 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		(void)sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

/* The processor's name, from the first line of /proc/cpuinfo that has one. */
static void processor_name(char *name, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	(void)snprintf(name, size, "unknown processor");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		const char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) == 0 && colon) {
			(void)snprintf(name, size, "%.*s", (int)strcspn(colon + 2, "\n"),
				       colon + 2);
			break;
		}
	}
	(void)fclose(file);
}

void bench_begin(void)
{
	const struct sched_param least = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};
	const bool urgent = sched_setscheduler(0, SCHED_FIFO, &least) == 0;
	struct utsname kernel = {0};
	double load = 0;
	char name[128];

	processor_name(name, sizeof(name));
	(void)uname(&kernel);
	(void)getloadavg(&load, 1);
	(void)printf("%s, %u CPUs, %s %s, load %.1f, %s priority\n\n", name, bench_cpu_count(),
		     kernel.sysname, kernel.release, load, urgent ? "real-time" : "ordinary");
}
