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
 * Servers run on the other CPU.
 */
#include <stdio.h>
#include <stdlib.h>

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
	{"shared table",                &lull_group     },
	{"inside a call",               &inside_group   },
	{"plain table, by name, ready", &guarded_group  },
	{"LMDB",			&lmdb_group     },
	{"Redis, unix socket",          &redis_group    },
	{"memcached, unix socket",      &memcached_group},
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

struct line {
	const char *group;
	const struct row *row;
	double *taken_ns; /* an operation, in each repetition */
};

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
			lines[count++] = (struct line){groups[g].name, &group->rows[r], NULL};
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

static void lines_measure(const struct line *lines, size_t count, size_t repetitions)
{
	for (size_t l = 0; l < count; l++)
		(void)measure(lines[l].row);
	for (size_t i = 0; i < repetitions; i++)
		for (size_t l = 0; l < count; l++)
			lines[l].taken_ns[i] = measure(lines[l].row);
}

static void lines_print(const struct line *lines, size_t count, size_t repetitions)
{
	const char *group = NULL;
	double first_ns;

	for (size_t l = 0; l < count; l++)
		bench_sort(lines[l].taken_ns, repetitions);
	first_ns = bench_quantile(lines[0].taken_ns, repetitions, 0.5);
	(void)printf("%-38s %10s %10s %10s %9s\n", "", "median ns", "p10", "p90", "ratio");
	for (size_t l = 0; l < count; l++) {
		const double *taken_ns = lines[l].taken_ns;
		double median_ns = bench_quantile(taken_ns, repetitions, 0.5);

		if (lines[l].group != group)
			(void)printf("%s\n", lines[l].group);
		group = lines[l].group;
		(void)printf("  %-36s %10.1f %10.1f %10.1f %9.1f\n", lines[l].row->name, median_ns,
			     bench_quantile(taken_ns, repetitions, 0.1),
			     bench_quantile(taken_ns, repetitions, 0.9), median_ns / first_ns);
	}
}

static int compare_rows(size_t repetitions)
{
	struct line lines[LINES_MAX];
	const size_t count = lines_begin(lines);
	double *taken_ns = calloc(count * repetitions, sizeof(*taken_ns));

	if (taken_ns && count > 0) {
		for (size_t l = 0; l < count; l++)
			lines[l].taken_ns = taken_ns + l * repetitions;
		lines_measure(lines, count, repetitions);
		lines_print(lines, count, repetitions);
	}
	free(taken_ns);
	groups_end();
	return taken_ns && count > 0 ? 0 : 70;
}

int main(int argc, char **argv)
{
	const size_t repetitions = argc > 1 ? strtoul(argv[1], NULL, 10) : REPETITIONS;
	struct scratch scratch;
	int code;

	if (argc > 2 || repetitions < REPETITIONS_MIN) {
		(void)fprintf(stderr, "usage: bench-table [REPETITIONS], at least %u\n",
			      REPETITIONS_MIN);
		return 64;
	}
	scratch_make(&scratch);
	bench_print_machine();
	bench_pin(0);
	code = compare_rows(repetitions);
	scratch_remove(&scratch);
	return code;
}
