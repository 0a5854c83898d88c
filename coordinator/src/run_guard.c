/* SPDX-License-Identifier: MIT */
/* See run_guard.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_guard.h"

/* Nobody but lull holds the other end, so its end is lull's end. A pid is written in one piece. */
static void keep_guard(int fd)
{
	sigset_t all;
	pid_t group = 0;
	ssize_t got;

	(void)setsid(); /* neither the terminal nor lull's group is to end it */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	do
		got = read(fd, &group, sizeof(group));
	while (got > 0);
	if (group > 0)
		(void)kill(-group, SIGKILL);
	_exit(0);
}

int run_guard_start(struct run_guard *guard)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	guard->pid = fork();
	if (guard->pid == 0) {
		(void)close(ends[1]);
		keep_guard(ends[0]);
	}
	(void)close(ends[0]);
	guard->fd = ends[1];
	if (guard->pid < 0) {
		const int error = -errno;

		(void)close(ends[1]);
		return error;
	}
	return 0;
}

void run_guard_watch(const struct run_guard *guard, pid_t group)
{
	/* SIGPIPE is ignored; without its guard the command still has PR_SET_PDEATHSIG */
	if (write(guard->fd, &group, sizeof(group)) < 0)
		return;
}

void run_guard_stop(struct run_guard *guard)
{
	(void)close(guard->fd);
	while (waitpid(guard->pid, NULL, 0) < 0 && errno == EINTR)
		;
}
