/* SPDX-License-Identifier: MIT */
/*
 * Asking lull-worker. This costs its whole start-up, so it is done only where a look at the table,
 * at the bytes of the configuration, and at what they mean (resolve_here.c) leaves a doubt.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lull/table.h>

#include "programs.h"
#include "resolve.h"
#include "resolve_here.h"
#include "say.h"

#define NOT_CONFIGURED 1 /* lull-worker's exit status for a name that it does not know */

extern char **environ;

/* Starts the worker with its stdout into a pipe; stdin is ours, and stderr unless nobody wants it.
 */
static int start(const char *path, char *const *argv, bool quiet, pid_t *ret_pid, int *ret_fd)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t as_default;
	int ends[2];
	int error;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	(void)sigemptyset(&as_default);
	(void)sigaddset(&as_default, SIGPIPE); /* ignored in this process, not to be inherited */
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawnattr_init(&attributes);
	(void)posix_spawnattr_setsigdefault(&attributes, &as_default);
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	error = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	if (error == 0 && quiet)
		error = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
							 O_WRONLY, 0);
	if (error == 0)
		error = posix_spawn(ret_pid, path, &actions, &attributes, argv, environ);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(ends[1]);
	if (error != 0)
		(void)close(ends[0]);
	else
		*ret_fd = ends[0];
	return -error;
}

/* A line of the answer, without its newline. Non-zero: enough is known. */
typedef int (*line_fn)(const char *line, void *userdata);

static int read_lines(FILE *from, line_fn take, void *userdata)
{
	char *line = NULL;
	size_t capacity = 0;
	int result = 0;

	while (result == 0 && getline(&line, &capacity, from) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		result = take(line, userdata);
	}
	free(line);
	return result;
}

/* The child's exit status; negative errno. */
static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * `lull-worker resolve OPTION OPERAND`, line by line.
 * @ret_result: what `take` said last
 *
 * Return: lull-worker's exit status; negative errno: it could not be asked.
 */
static int ask(const char *option, const char *operand, bool quiet, line_fn take, void *userdata,
	       int *ret_result)
{
	char path[PROGRAM_PATH_BYTES_MAX];
	char *const argv[] = {path, (char *)"resolve", (char *)option, (char *)operand, NULL};
	FILE *from;
	pid_t pid = -1;
	int fd = -1, error;

	*ret_result = 0;
	error = program_find(PROGRAM_WORKER, path);
	if (error == 0)
		error = start(path, argv, quiet, &pid, &fd);
	if (error < 0)
		return error;
	from = fdopen(fd, "r");
	if (from != NULL) {
		*ret_result = read_lines(from, take, userdata);
		(void)fclose(from);
	} else {
		(void)close(fd);
	}
	return wait_for(pid);
}

/* ------------------------------------------------------------------ the keys of a name */

struct key_taker {
	resolve_key_fn found;
	void *userdata;
};

static int take_key(const char *line, void *userdata)
{
	const struct key_taker *const taker = userdata;
	uint32_t kind;
	const char *key;

	if (lull_key_parse(line, &kind, &key) < 0)
		return 0;
	return taker->found(kind, key, taker->userdata);
}

int resolve_name(const char *name, bool quiet, resolve_key_fn found, void *userdata)
{
	struct key_taker taker = {.found = found, .userdata = userdata};
	int result, status;

	if (resolve_name_here(name, quiet, found, userdata, &result))
		return result;
	status = ask("--", name, quiet, take_key, &taker, &result);
	if (status < 0 && !quiet)
		say("%s cannot be asked what '%s' is configured as (%s); going by the table alone",
		    PROGRAM_WORKER, name, strerror(-status));
	else if (status != 0 && status != NOT_CONFIGURED && !quiet)
		say("%s was asked what '%s' is configured as and ended with %d; going by the table "
		    "alone",
		    PROGRAM_WORKER, name, status);
	return result;
}

/* ------------------------------------------------------------------ the table */

struct table_taker {
	char *name;
	size_t size;
};

static int take_table(const char *line, void *userdata)
{
	const struct table_taker *const taker = userdata;

	(void)snprintf(taker->name, taker->size, "%s", line);
	return 1;
}

int resolve_table(bool quiet, char *ret_table, size_t table_size)
{
	struct table_taker taker = {.name = ret_table, .size = table_size};
	int result;

	ret_table[0] = '\0';
	if (resolve_table_here(ret_table, table_size))
		return 0;
	return ask("--table", NULL, quiet, take_table, &taker, &result);
}
