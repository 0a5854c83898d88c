/* SPDX-License-Identifier: MIT */
/*
 * Asking lull-worker for the keys of a name. This costs its whole start-up, so it is done only for
 * names of which the table has no route.
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
#include "say.h"

#define NOT_CONFIGURED 1 /* lull-worker's exit status for a name that it does not know */

extern char **environ;

static const char *const endings[] = {"yaml", "yml", "json"};

static bool config_exists_in(const char *directory, const char *below)
{
	char path[PROGRAM_PATH_BYTES_MAX];

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		const int length = snprintf(path, sizeof(path), "%s%s/lull/config.%s", directory,
					    below, endings[i]);

		if (length > 0 && (size_t)length < sizeof(path) && access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static const char *environment(const char *name)
{
	const char *const value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

bool resolve_is_possible(const char *name)
{
	const char *directory;

	if (environment("LULL_CONFIG") != NULL || strchr(name, '/') != NULL)
		return true;
	directory = environment("XDG_CONFIG_HOME");
	if (directory != NULL && config_exists_in(directory, ""))
		return true;
	if (directory == NULL && environment("HOME") != NULL &&
	    config_exists_in(environment("HOME"), "/.config"))
		return true;
	return config_exists_in("/etc", "");
}

/* Starts the worker with its stdout into a pipe; stdin is ours, and stderr unless nobody wants it.
 */
static int start(const char *path, const char *name, bool quiet, pid_t *ret_pid, int *ret_fd)
{
	char *const argv[] = {(char *)path, (char *)"resolve", (char *)"--", (char *)name, NULL};
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

static int read_keys(FILE *from, resolve_key_fn found, void *userdata)
{
	char *line = NULL;
	size_t capacity = 0;
	int result = 0;

	while (result == 0 && getline(&line, &capacity, from) >= 0) {
		uint32_t kind;
		const char *key;

		line[strcspn(line, "\n")] = '\0';
		if (lull_key_parse(line, &kind, &key) == 0)
			result = found(kind, key, userdata);
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

int resolve_name(const char *name, bool quiet, resolve_key_fn found, void *userdata)
{
	char path[PROGRAM_PATH_BYTES_MAX];
	FILE *from;
	pid_t pid = -1;
	int fd = -1, error, status, result = 0;

	error = program_find(PROGRAM_WORKER, path);
	if (error == 0)
		error = start(path, name, quiet, &pid, &fd);
	if (error < 0) {
		if (!quiet)
			say("%s cannot be asked what '%s' is configured as (%s); going by the "
			    "table alone",
			    PROGRAM_WORKER, name, strerror(-error));
		return 0;
	}
	from = fdopen(fd, "r");
	if (from != NULL) {
		result = read_keys(from, found, userdata);
		(void)fclose(from);
	} else {
		(void)close(fd);
	}
	status = wait_for(pid);
	if (status != 0 && status != NOT_CONFIGURED && !quiet)
		say("%s was asked what '%s' is configured as and ended with %d; going by the table "
		    "alone",
		    PROGRAM_WORKER, name, status);
	return result;
}
