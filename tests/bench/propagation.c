/* SPDX-License-Identifier: MIT */
/*
 * How soon do other processes know? One process cools a key, and 1, 4 or 15 others see it; one
 * clears a key on which another sleeps in lull_table_wait().
 *
 *     bench-propagation [ROUNDS]
 *
 * A round: the watchers are set, the writer waits a random moment, notes the time and changes the
 * key; each watcher notes the time when it knows. Pollers ask lull_slot_ready_in_ms() again and
 * again, so a sample holds the write, the way between the CPUs and a part of a poll. "the last" is
 * the watcher that was last in its round. The times are CLOCK_MONOTONIC, in a page of shared memory
 * that is the benchmark's own.
 *
 * The writer has a CPU to itself, the watchers share the others. Where several share one, they
 * yield after each poll, and nearly all that is measured is how the kernel gives each its turn. A
 * sleeper is woken once on another CPU and once on the writer's.
 */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lull/lull.h>

#include "bench.h"
#include "scratch_table.h"

#define ROUNDS         10000u
#define WATCHERS_MAX   15u
#define KEY            LULL_KIND_NAME, "watched"
#define COOL_FOR_MS    3600000u /* no round lasts as long */
#define POLL_PAUSE_NS  20000u   /* the random moment: longer than a poll, so that none locks in */
#define SLEEP_PAUSE_NS 300000u  /* likewise, and enough to fall asleep in the kernel */
#define NS_PER_US      1e3

struct experiment {
	const char *name;
	unsigned watchers;
	bool asleep;
	bool beside_writer; /* on its CPU */
};

static const struct experiment experiments[] = {
	{"cooling, seen by 1 other", 1, false, false},
	{"cooling, seen by 4 others", 4, false, false},
	{"cooling, seen by 15 others", 15, false, false},
	{"a sleeper woken on another CPU", 1, true, false},
	{"a sleeper woken on the same CPU", 1, true, true},
};
#define EXPERIMENTS (sizeof(experiments) / sizeof(experiments[0]))

/* What writer and watchers tell each other: counts that only grow, each on a line of its own. */
struct board {
	_Alignas(64) _Atomic uint64_t set_count;  /* watchers ready for a round */
	_Alignas(64) _Atomic uint64_t knew_count; /* watchers at the end of one */
	struct {
		_Alignas(64) _Atomic uint64_t knew_ns;
	} watchers[WATCHERS_MAX];
};

static struct board *board;
static struct lull_table *table;
static struct lull_slot *slot;

static bool is_cooling(void)
{
	return lull_slot_ready_in_ms(slot) > 0;
}

static void key_change(bool to_cooling)
{
	if (to_cooling)
		(void)lull_key_cool(table, KEY, COOL_FOR_MS, lull_clock_ms());
	else
		(void)lull_key_clear(table, KEY, lull_clock_ms());
}

/* ------------------------------------------------------------------ watchers */

static void know_by_poll(bool yields)
{
	while (!is_cooling())
		if (yields)
			(void)sched_yield();
}

static void know_by_sleep(uint32_t serial)
{
	while (lull_table_wait(table, serial, lull_clock_ms() + COOL_FOR_MS) != LULL_WOKEN)
		;
}

static unsigned watcher_cpu(const struct experiment *e, unsigned index)
{
	const unsigned others = bench_cpu_count() - 1;

	return e->beside_writer || others == 0 ? 0 : 1 + index % others;
}

static void watch(const struct experiment *e, unsigned index, size_t rounds)
{
	const bool yields = e->watchers + 1 > bench_cpu_count();

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	bench_pin(watcher_cpu(e, index));
	for (size_t round = 0; round < rounds; round++) {
		uint32_t serial;

		while (is_cooling() != e->asleep)
			(void)sched_yield();
		serial = lull_table_serial(table);
		atomic_fetch_add(&board->set_count, 1);
		if (e->asleep)
			know_by_sleep(serial);
		else
			know_by_poll(yields);
		atomic_store(&board->watchers[index].knew_ns, bench_now_ns());
		atomic_fetch_add(&board->knew_count, 1);
	}
}

static bool watchers_start(const struct experiment *e, size_t rounds)
{
	(void)fflush(stdout);
	for (unsigned i = 0; i < e->watchers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return false;
		if (pid == 0) {
			watch(e, i, rounds);
			_exit(0);
		}
	}
	return true;
}

/* ------------------------------------------------------------------ the writer */

static void await(const _Atomic uint64_t *count, uint64_t wanted)
{
	while (atomic_load(count) < wanted)
		(void)sched_yield();
}

static void pause_ns(uint64_t for_ns)
{
	const uint64_t until_ns = bench_now_ns() + for_ns;

	while (bench_now_ns() < until_ns)
		(void)sched_yield();
}

/* Microseconds until each watcher knew, and until the last one did. */
struct samples {
	double *each_us; /* rounds x watchers */
	double *last_us; /* rounds */
};

static void write_rounds(const struct experiment *e, size_t rounds, const struct samples *samples)
{
	const uint32_t longest_ns = e->asleep ? SLEEP_PAUSE_NS : POLL_PAUSE_NS;
	const uint32_t least_ns = e->asleep ? SLEEP_PAUSE_NS : 0;
	double *each_us = samples->each_us;

	for (size_t round = 0; round < rounds; round++) {
		const uint64_t wanted = (round + 1) * e->watchers;
		double *last_us = &samples->last_us[round];
		uint64_t begin_ns;

		key_change(e->asleep);
		await(&board->set_count, wanted);
		pause_ns(least_ns + (uint32_t)rand() % longest_ns);
		begin_ns = bench_now_ns();
		key_change(!e->asleep);
		await(&board->knew_count, wanted);
		for (unsigned i = 0; i < e->watchers; i++, each_us++) {
			*each_us = (double)(board->watchers[i].knew_ns - begin_ns) / NS_PER_US;
			if (*each_us > *last_us)
				*last_us = *each_us;
		}
	}
}

/* ------------------------------------------------------------------ the table of results */

static void line_print(const char *name, double *values_us, size_t count)
{
	bench_sort(values_us, count);
	(void)printf("%-40s %9.1f %9.1f %9.1f %9.1f\n", name, bench_quantile(values_us, count, 0.5),
		     bench_quantile(values_us, count, 0.9), bench_quantile(values_us, count, 0.99),
		     bench_quantile(values_us, count, 1));
}

static bool experiment_run(const struct experiment *e, size_t rounds)
{
	struct samples samples = {
		.each_us = calloc(rounds * e->watchers, sizeof(double)),
		.last_us = calloc(rounds, sizeof(double)),
	};
	bool ran = samples.each_us && samples.last_us;

	atomic_store(&board->set_count, 0);
	atomic_store(&board->knew_count, 0);
	key_change(e->asleep);
	ran = ran && watchers_start(e, rounds);
	if (ran) {
		write_rounds(e, rounds, &samples);
		line_print(e->name, samples.each_us, rounds * e->watchers);
		if (e->watchers > 1)
			line_print("  the last of them", samples.last_us, rounds);
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
	free(samples.each_us);
	free(samples.last_us);
	return ran;
}

static int experiments_run(size_t rounds)
{
	bool ran = true;

	(void)printf("%-40s %9s %9s %9s %9s\n", "microseconds", "p50", "p90", "p99", "max");
	for (size_t i = 0; ran && i < EXPERIMENTS; i++)
		ran = experiment_run(&experiments[i], rounds);
	return ran ? 0 : 70;
}

int main(int argc, char **argv)
{
	const size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : ROUNDS;
	struct scratch scratch;
	int code = 70;

	if (argc > 2 || rounds == 0) {
		(void)fprintf(stderr, "usage: bench-propagation [ROUNDS]\n");
		return 64;
	}
	scratch_make(&scratch);
	bench_begin();
	table = scratch_table(64);
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (board != MAP_FAILED && lull_slot_open(table, KEY, &slot) == 0) {
		bench_pin(0);
		code = experiments_run(rounds);
		lull_slot_close(slot);
	}
	lull_table_close(table);
	scratch_remove(&scratch);
	return code;
}
