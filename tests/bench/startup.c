/* SPDX-License-Identifier: MIT */
/*
 * How long do whole processes take, from spawn to reaped? For comparing programs that end in under
 * a millisecond, where a loop in a shell measures the shell.
 *
 *     bench-startup ROUNDS COMMAND [ARGUMENT...] , COMMAND [ARGUMENT...] [, ...]
 *
 * The commands take turns in each round, so that what else the machine does meets all alike; output
 * goes to /dev/null. Prints the median, the 10th and the 90th percentile, and the ratio of each
 * command's median to the first one's. So, for the price of asking:
 *
 *     bench-startup 1000 true , lull check gpt-4o
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define COMMANDS_MAX 16

struct command {
	char **argv;
	double *taken_us; /* of each round */
};

static double now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double run(char **argv, const posix_spawn_file_actions_t *actions)
{
	const double begin_us = now_us();
	pid_t pid;
	int status;
	const int error = posix_spawnp(&pid, argv[0], actions, NULL, argv, environ);

	if (error != 0) {
		(void)fprintf(stderr, "bench-startup: %s: %s\n", argv[0], strerror(error));
		exit(1);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return now_us() - begin_us;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Cuts argv at "," into commands; returns how many, 0 if one of them is empty or they are too many.
 */
static size_t cut(char **argv, struct command *commands)
{
	size_t count = 0;

	while (*argv != NULL) {
		if (count == COMMANDS_MAX || strcmp(*argv, ",") == 0)
			return 0;
		commands[count++].argv = argv;
		do
			argv++;
		while (*argv != NULL && strcmp(*argv, ",") != 0);
		if (*argv != NULL)
			*argv++ = NULL;
	}
	return count;
}

static void measure(const struct command *commands, size_t count, size_t rounds)
{
	posix_spawn_file_actions_t actions;

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	for (size_t c = 0; c < count; c++)
		(void)run(commands[c].argv, &actions); /* the first time reads from disk */
	for (size_t round = 0; round < rounds; round++)
		for (size_t c = 0; c < count; c++)
			commands[c].taken_us[round] = run(commands[c].argv, &actions);
	(void)posix_spawn_file_actions_destroy(&actions);
}

static void print(const struct command *commands, size_t count, size_t rounds)
{
	(void)printf("%10s %10s %10s %7s  command\n", "median us", "p10", "p90", "ratio");
	for (size_t c = 0; c < count; c++)
		qsort(commands[c].taken_us, rounds, sizeof(double), compare);
	for (size_t c = 0; c < count; c++) {
		const double *const taken_us = commands[c].taken_us;

		(void)printf("%10.0f %10.0f %10.0f %7.2f ", taken_us[rounds / 2],
			     taken_us[rounds / 10], taken_us[rounds * 9 / 10],
			     taken_us[rounds / 2] / commands[0].taken_us[rounds / 2]);
		for (char **word = commands[c].argv; *word != NULL; word++)
			(void)printf(" %s", *word);
		(void)printf("\n");
	}
}

int main(int argc, char **argv)
{
	const size_t rounds = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	struct command commands[COMMANDS_MAX];
	const size_t count = rounds > 0 ? cut(argv + 2, commands) : 0;
	double *taken_us;

	if (count == 0) {
		(void)fprintf(stderr, "usage: bench-startup ROUNDS COMMAND... , COMMAND...\n");
		return 64;
	}
	taken_us = calloc(count * rounds, sizeof(*taken_us));
	if (taken_us == NULL)
		return 70;
	for (size_t c = 0; c < count; c++)
		commands[c].taken_us = taken_us + c * rounds;
	measure(commands, count, rounds);
	print(commands, count, rounds);
	free(taken_us);
	return 0;
}
