/* SPDX-License-Identifier: MIT */
/*
 * One poll() for all that can happen: output, the end of the command, a limit, a signal to lull.
 * Signals are blocked from before the fork to after the end and read as events, so none is lost and
 * no handler runs; outside of an attempt they do what they always do. See run_attempt.h.
 */
#include "run_attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lull/table.h>

#define GRACE_MS 5000u /* between SIGTERM and SIGKILL */
#define DRAIN_MS \
	1000u /* for output after the command's end: something it left behind may hold the pipe */
#define PIECE_BYTES 65536u

enum phase {
	PHASE_RUNNING,
	PHASE_ENDING, /* told to end */
	PHASE_KILLED,
	PHASE_DRAINING, /* the command is gone, what it wrote may not be all here */
	PHASE_OVER
};

enum source { SOURCE_OUT, SOURCE_ERR, SOURCE_SIGNAL, SOURCE_TIMER, SOURCES };

struct attempt {
	const struct attempt_job *job;
	struct attempt_end *end;
	enum phase phase;
	pid_t pid; /* of the command, and of its group */
	sigset_t signals_before;
	struct pollfd sources[SOURCES]; /* fd -1: none */
	uint64_t renew_at_ms;           /* LULL_NEVER: never */
};

/* ------------------------------------------------------------------ beginning */

/* The signals that end or stop lull and are passed on, and SIGCHLD; those that are ignored stay so. */
static void signals_block(struct attempt *attempt, sigset_t *ret_signals)
{
	static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
	struct sigaction action;

	(void)sigemptyset(ret_signals);
	(void)sigaddset(ret_signals, SIGCHLD);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		if (sigaction(passed_on[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			(void)sigaddset(ret_signals, passed_on[i]);
	(void)sigprocmask(SIG_BLOCK, ret_signals, &attempt->signals_before);
}

static void set_timer(const struct attempt *attempt, uint64_t for_ms)
{
	const struct itimerspec spec = {
		.it_value = {.tv_sec = (time_t)(for_ms / 1000),
			     .tv_nsec = (long)(for_ms % 1000) * 1000000 + 1}, /* 0 would disarm */
	};

	(void)timerfd_settime(attempt->sources[SOURCE_TIMER].fd, 0, &spec, NULL);
}

/* A pipe for what the command writes, if that is kept. @ret_end: its end for the command; -1 none
 */
static int open_pipe(struct attempt *attempt, enum source source, int *ret_end)
{
	int ends[2];

	*ret_end = -1;
	if (attempt->job->kept[source] == NULL)
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	attempt->sources[source].fd = ends[0];
	*ret_end = ends[1];
	return 0;
}

static void close_sources(struct attempt *attempt)
{
	for (size_t i = 0; i < SOURCES; i++)
		if (attempt->sources[i].fd >= 0)
			(void)close(attempt->sources[i].fd);
}

/* ------------------------------------------------------------------ the command's side */

static int input_for_command(const struct spool *input)
{
	if (input->fd < 0)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	return lseek(input->fd, 0, SEEK_SET) < 0 ? -1 : input->fd;
}

static void set_environment(const struct attempt_job *job)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)job->budget_ms);
	(void)setenv("LULL_MODEL", job->model, 1);
	(void)setenv("LULL_BUDGET_MS", number, 1);
}

/* Never returns: the command, or an errno in `report`. */
static void become_command(const struct attempt *attempt, const int ends[2], int report,
			   pid_t parent)
{
	const int input = input_for_command(attempt->job->input);
	int error;

	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it was killed before that */
		_exit(125);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &attempt->signals_before, NULL);
	set_environment(attempt->job);
	if (input >= 0 && dup2(input, STDIN_FILENO) >= 0 &&
	    (ends[0] < 0 || dup2(ends[0], STDOUT_FILENO) >= 0) &&
	    (ends[1] < 0 || dup2(ends[1], STDERR_FILENO) >= 0))
		(void)execvp(attempt->job->argv[0], attempt->job->argv);
	error = errno;
	if (write(report, &error, sizeof(error)) < 0)
		_exit(125);
	_exit(126);
}

/* The errno with which exec failed; 0: it runs. */
static int exec_error(int report)
{
	int error = 0;
	ssize_t got;

	do
		got = read(report, &error, sizeof(error));
	while (got < 0 && errno == EINTR);
	return got == (ssize_t)sizeof(error) ? error : 0;
}

static int start_command(struct attempt *attempt, const int ends[2])
{
	const pid_t parent = getpid();
	int report[2];
	int error;

	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	attempt->pid = fork();
	if (attempt->pid == 0)
		become_command(attempt, ends, report[1], parent);
	error = attempt->pid < 0 ? -errno : 0;
	(void)close(report[1]);
	if (error == 0) {
		(void)setpgid(attempt->pid, attempt->pid); /* whoever comes first */
		run_guard_watch(attempt->job->guard, attempt->pid);
		attempt->end->code = exec_error(report[0]);
	}
	(void)close(report[0]);
	if (error == 0 && attempt->end->code != 0) {
		attempt->end->how = ATTEMPT_NOT_STARTED;
		attempt->phase = PHASE_OVER;
		while (waitpid(attempt->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return error;
}

/* ------------------------------------------------------------------ what happens */

static void signal_group(const struct attempt *attempt, int number)
{
	(void)kill(-attempt->pid, number);
	(void)kill(-attempt->pid, SIGCONT); /* what is stopped could not hear it */
}

static void tell_to_end(struct attempt *attempt, int number)
{
	signal_group(attempt, number);
	if (attempt->phase != PHASE_RUNNING)
		return;
	attempt->phase = PHASE_ENDING;
	set_timer(attempt, GRACE_MS);
}

static void on_timer(struct attempt *attempt)
{
	uint64_t times;

	if (read(attempt->sources[SOURCE_TIMER].fd, &times, sizeof(times)) < 0)
		return;
	switch (attempt->phase) {
	case PHASE_RUNNING:
		attempt->end->how = ATTEMPT_TIMED_OUT;
		tell_to_end(attempt, SIGTERM);
		break;
	case PHASE_ENDING:
		(void)kill(-attempt->pid, SIGKILL);
		attempt->phase = PHASE_KILLED;
		break;
	default:
		attempt->phase = PHASE_OVER;
		break;
	}
}

/* Has the command ended? It is looked at before it is reaped: until then its group is its own. */
static void on_child(struct attempt *attempt)
{
	siginfo_t info = {.si_pid = 0};
	int status;

	if (attempt->phase >= PHASE_DRAINING ||
	    waitid(P_PID, (id_t)attempt->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	    info.si_pid == 0)
		return;
	if (attempt->phase != PHASE_RUNNING)
		(void)kill(-attempt->pid, SIGKILL); /* what it has started had its time too */
	run_guard_watch(attempt->job->guard, 0);
	if (waitpid(attempt->pid, &status, 0) == attempt->pid && attempt->end->how == ATTEMPT_ENDED)
		attempt->end->code =
			WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	attempt->phase = PHASE_DRAINING;
	set_timer(attempt, DRAIN_MS);
}

/* Ctrl-Z: the terminal reaches lull only, the command has a group of its own. */
static void stop_both(const struct attempt *attempt)
{
	(void)kill(-attempt->pid, SIGTSTP);
	(void)raise(SIGSTOP);
	(void)kill(-attempt->pid, SIGCONT); /* lull goes on, by fg or bg */
}

static void on_signal(struct attempt *attempt)
{
	struct signalfd_siginfo info;

	if (read(attempt->sources[SOURCE_SIGNAL].fd, &info, sizeof(info)) < 0)
		return;
	if (info.ssi_signo == SIGCHLD) {
		on_child(attempt);
		return;
	}
	if (info.ssi_signo == SIGTSTP) {
		stop_both(attempt);
		return;
	}
	attempt->end->how = ATTEMPT_INTERRUPTED;
	attempt->end->code = (int)info.ssi_signo;
	if (attempt->phase >= PHASE_DRAINING)
		attempt->phase = PHASE_OVER;
	else
		tell_to_end(attempt, (int)info.ssi_signo);
}

/* poll(), and what has to be done now and then while it waits. */
static int wait_for(struct attempt *attempt, struct pollfd *fds, nfds_t count)
{
	const struct attempt_job *const job = attempt->job;
	uint64_t now_ms = lull_clock_ms();
	int for_ms = -1;
	int ready;

	if (attempt->renew_at_ms != LULL_NEVER)
		for_ms = attempt->renew_at_ms > now_ms ? (int)(attempt->renew_at_ms - now_ms) : 0;
	ready = poll(fds, count, for_ms);
	now_ms = lull_clock_ms();
	if (now_ms >= attempt->renew_at_ms) {
		job->renew(job->userdata);
		attempt->renew_at_ms = now_ms + job->renew_ms;
	}
	return ready;
}

/* Shows it at once. Whoever reads it may be slow: signals and limits are heard all the same. */
static void show(struct attempt *attempt, int to, const char *bytes, size_t size)
{
	while (size > 0 && attempt->phase != PHASE_OVER) {
		struct pollfd fds[3] = {
			{.fd = to, .events = POLLOUT},
			attempt->sources[SOURCE_TIMER],
			attempt->sources[SOURCE_SIGNAL],
		};
		const size_t part = size < PIPE_BUF ? size : PIPE_BUF; /* has room, if any has */
		int error;

		if (wait_for(attempt, fds, 3) < 0)
			continue;
		if (fds[1].revents != 0)
			on_timer(attempt);
		if (fds[2].revents != 0)
			on_signal(attempt);
		if (fds[0].revents == 0)
			continue;
		error = write_all(to, bytes, part);
		if (error < 0 && to == STDOUT_FILENO)
			attempt->end->show_error = error;
		if (error < 0)
			return;
		bytes += part;
		size -= part;
	}
}

static void on_output(struct attempt *attempt, enum source source)
{
	char piece[PIECE_BYTES];
	const ssize_t got = read(attempt->sources[source].fd, piece, sizeof(piece));

	if (got < 0 && errno == EINTR)
		return;
	if (got <= 0) {
		(void)close(attempt->sources[source].fd);
		attempt->sources[source].fd = -1;
		return;
	}
	spool_add(attempt->job->kept[source], piece, (size_t)got);
	if (attempt->job->live)
		show(attempt, source == SOURCE_OUT ? STDOUT_FILENO : STDERR_FILENO, piece,
		     (size_t)got);
}

static bool is_over(const struct attempt *attempt)
{
	if (attempt->phase == PHASE_DRAINING)
		return attempt->sources[SOURCE_OUT].fd < 0 && attempt->sources[SOURCE_ERR].fd < 0;
	return attempt->phase == PHASE_OVER;
}

static void watch_command(struct attempt *attempt)
{
	struct pollfd *const sources = attempt->sources;

	while (!is_over(attempt)) {
		if (wait_for(attempt, sources, SOURCES) < 0)
			continue; /* EINTR; for anything else the next turn is as good */
		if (sources[SOURCE_OUT].revents != 0)
			on_output(attempt, SOURCE_OUT);
		if (sources[SOURCE_ERR].revents != 0)
			on_output(attempt, SOURCE_ERR);
		if (sources[SOURCE_TIMER].revents != 0)
			on_timer(attempt);
		if (sources[SOURCE_SIGNAL].revents != 0)
			on_signal(attempt);
	}
}

/* ------------------------------------------------------------------ one attempt */

static int attempt_begin(struct attempt *attempt)
{
	const uint64_t now_ms = lull_clock_ms();
	int ends[2] = {-1, -1};
	int error;

	attempt->sources[SOURCE_TIMER].fd =
		timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (attempt->sources[SOURCE_TIMER].fd < 0)
		return -errno;
	set_timer(attempt, attempt->job->by_ms > now_ms ? attempt->job->by_ms - now_ms : 0);
	error = open_pipe(attempt, SOURCE_OUT, &ends[0]);
	if (error == 0)
		error = open_pipe(attempt, SOURCE_ERR, &ends[1]);
	if (error == 0)
		error = start_command(attempt, ends);
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			(void)close(ends[i]);
	return error;
}

int attempt_run(const struct attempt_job *job, struct attempt_end *ret_end)
{
	struct attempt attempt = {
		.job = job,
		.end = ret_end,
		.renew_at_ms = job->renew_ms > 0 ? lull_clock_ms() + job->renew_ms : LULL_NEVER,
	};
	sigset_t signals;
	int error;

	*ret_end = (struct attempt_end){.how = ATTEMPT_ENDED};
	for (size_t i = 0; i < SOURCES; i++)
		attempt.sources[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	signals_block(&attempt, &signals);
	attempt.sources[SOURCE_SIGNAL].fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	error = attempt.sources[SOURCE_SIGNAL].fd < 0 ? -errno : attempt_begin(&attempt);
	if (error == 0)
		watch_command(&attempt);
	close_sources(&attempt);
	(void)sigprocmask(SIG_SETMASK, &attempt.signals_before, NULL);
	return error;
}
