/* SPDX-License-Identifier: MIT */
/*
 * What does it cost to ask the shared table, and to change it? And what would it cost behind a
 * lock, or in a store that others would have used?
 *
 *     bench-table [REPETITIONS]
 *
 * All rows take turns: in each repetition each runs its number of operations once, so that what
 * else the machine does meets all alike. Printed are the median over the repetitions, in
 * nanoseconds an operation, the 10th and the 90th percentile, and the ratio of each median to that
 * of the first row. The first repetition warms up and does not count.
 *
 * One process on one CPU, caches warm, the loop included. The shared table's own rows go through
 * liblull.so, as any program's do; the steps of a call are measured where the call has them.
 * Servers run on the other CPU. "beside one" is the median while a second process does the same
 * there, on the same key.
 */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "rows.h"
#include "scratch_table.h"

#define REPETITIONS     101u
#define REPETITIONS_MIN 9u
#define LINES_MAX       64u

static const struct {
	const char *name;
	const struct group *group; /* NULL: built without its library */
} groups[] = {
	{"shared table", &lull_group},
	{"inside a call", &inside_group},
	{"plain table, by name, ready", &guarded_group},
	{"LMDB", &lmdb_group},
	{"Redis, unix socket", &redis_group},
	{"memcached, unix socket", &memcached_group},
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

struct line {
	const char *group;
	const struct row *row;
	bool has_rival;
	double *alone_ns;  /* an operation, in each repetition */
	double *beside_ns; /* likewise, beside a rival */
};

enum rival_state { RIVAL_STARTS, RIVAL_RUNS, RIVAL_ENDS };
static _Atomic int *rival; /* in memory shared with it */

/* Begins what is there; a line for each of its rows. */
static size_t lines_begin(struct line *lines)
{
	size_t count = 0;

	for (size_t g = 0; g < GROUPS; g++) {
		const struct group *group = groups[g].group;
		const char *absent = group ? group->begin() : "built without its library";

		if (absent)
			(void)printf("skipped: %s: %s\n", groups[g].name, absent);
		for (size_t r = 0; !absent && r < group->row_count && count < LINES_MAX; r++)
			lines[count++] = (struct line){
				.group = groups[g].name,
				.row = &group->rows[r],
				.has_rival = group->takes_rivals && !group->rows[r].prepare,
			};
	}
	return count;
}

static void groups_end(void)
{
	for (size_t g = 0; g < GROUPS; g++)
		if (groups[g].group)
			groups[g].group->end();
}

static double measure(const struct row *row)
{
	uint64_t begin_ns;

	if (row->prepare)
		row->prepare(row->operations);
	begin_ns = bench_now_ns();
	row->run(row->operations);
	return (double)(bench_now_ns() - begin_ns) / row->operations;
}

static void rival_run(const struct row *row)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	bench_pin(1);
	row->run(row->operations);
	atomic_store(rival, RIVAL_RUNS);
	while (atomic_load(rival) != RIVAL_ENDS)
		row->run(row->operations);
	_exit(0);
}

static double measure_beside_rival(const struct row *row)
{
	double taken_ns;
	pid_t pid;

	atomic_store(rival, RIVAL_STARTS);
	pid = fork();
	if (pid == 0)
		rival_run(row);
	if (pid < 0)
		abort();
	while (atomic_load(rival) == RIVAL_STARTS)
		(void)sched_yield();
	taken_ns = measure(row);
	atomic_store(rival, RIVAL_ENDS);
	(void)waitpid(pid, NULL, 0);
	return taken_ns;
}

static void lines_measure(const struct line *lines, size_t count, size_t repetitions)
{
	for (size_t l = 0; l < count; l++)
		(void)measure(lines[l].row);
	for (size_t i = 0; i < repetitions; i++) {
		for (size_t l = 0; l < count; l++) {
			lines[l].alone_ns[i] = measure(lines[l].row);
			if (lines[l].has_rival)
				lines[l].beside_ns[i] = measure_beside_rival(lines[l].row);
		}
	}
}

static void line_print(const struct line *line, size_t repetitions, double first_ns)
{
	const double median_ns = bench_quantile(line->alone_ns, repetitions, 0.5);

	(void)printf("  %-36s %10.1f %10.1f %10.1f %9.1f", line->row->name, median_ns,
		     bench_quantile(line->alone_ns, repetitions, 0.1),
		     bench_quantile(line->alone_ns, repetitions, 0.9), median_ns / first_ns);
	if (line->has_rival)
		(void)printf(" %10.1f", bench_quantile(line->beside_ns, repetitions, 0.5));
	(void)printf("\n");
}

static void lines_print(const struct line *lines, size_t count, size_t repetitions)
{
	const char *group = NULL;
	double first_ns;

	for (size_t l = 0; l < count; l++) {
		bench_sort(lines[l].alone_ns, repetitions);
		bench_sort(lines[l].beside_ns, repetitions);
	}
	first_ns = bench_quantile(lines[0].alone_ns, repetitions, 0.5);
	(void)printf("%-38s %10s %10s %10s %9s %10s\n", "", "median ns", "p10", "p90", "ratio",
		     "beside one");
	for (size_t l = 0; l < count; l++) {
		if (lines[l].group != group)
			(void)printf("%s\n", lines[l].group);
		group = lines[l].group;
		line_print(&lines[l], repetitions, first_ns);
	}
}

static void compare_rows(size_t repetitions)
{
	struct line lines[LINES_MAX];
	const size_t count = lines_begin(lines);
	double *taken_ns = calloc(2 * count * repetitions, sizeof(*taken_ns));

	rival = mmap(NULL, sizeof(*rival), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (!taken_ns || rival == MAP_FAILED)
		abort();
	for (size_t l = 0; l < count; l++) {
		lines[l].alone_ns = taken_ns + 2 * l * repetitions;
		lines[l].beside_ns = lines[l].alone_ns + repetitions;
	}
	lines_measure(lines, count, repetitions);
	lines_print(lines, count, repetitions);
	free(taken_ns);
	groups_end();
}

int main(int argc, char **argv)
{
	const size_t repetitions = argc > 1 ? strtoul(argv[1], NULL, 10) : REPETITIONS;
	struct scratch scratch;

	if (argc > 2 || repetitions < REPETITIONS_MIN) {
		(void)fprintf(stderr, "usage: bench-table [REPETITIONS], at least %u\n",
			      REPETITIONS_MIN);
		return 64;
	}
	scratch_make(&scratch);
	bench_begin();
	bench_pin(0);
	compare_rows(repetitions);
	scratch_remove(&scratch);
	return 0;
}
