/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <lull/class.h>

#include "../src/exits.h"
#include "../src/say.h"
#include "launch.h"

#define FIRST_FD      3
#define ARGUMENTS_MAX 16u
#define NUMBER_BYTES  32u
#define HANDED_MAX    3    /* besides listeners */
#define BOARD_BYTES   4096 /* what a gateway expects */

/* What a child is to have: descriptors from FIRST_FD on, in this order. */
struct handover {
	int fds[LISTENERS_MAX + HANDED_MAX];
	int count;
};

static int add(struct handover *handover, int fd)
{
	handover->fds[handover->count] = fd;
	return FIRST_FD + handover->count++;
}

/* ------------------------------------------------------------------ in the child */

/* First all out of the way of where they go to, then to their places; what dup2() makes stays open
 * at exec. */
static int place(const struct handover *handover)
{
	int away[LISTENERS_MAX + HANDED_MAX];

	for (int i = 0; i < handover->count; i++) {
		away[i] = fcntl(handover->fds[i], F_DUPFD_CLOEXEC, FIRST_FD + handover->count);
		if (away[i] < 0)
			return -errno;
	}
	for (int i = 0; i < handover->count; i++)
		if (dup2(away[i], FIRST_FD + i) < 0)
			return -errno;
	return 0;
}

/* @fd: becomes a place that takes everything and has nothing */
static int make_null(int fd)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	return null < 0 || dup2(null, fd) < 0 ? -errno : 0;
}

static void set_number(const char *name, long number)
{
	char text[NUMBER_BYTES];

	(void)snprintf(text, sizeof(text), "%ld", number);
	(void)setenv(name, text, 1);
}

static void set_listeners(const struct listener_list *listeners)
{
	char names[LISTENERS_MAX * sizeof(listeners->items[0].name)] = "";
	size_t used = 0;

	for (size_t i = 0; i < listeners->count; i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
					 i == 0 ? "" : ":", listeners->items[i].name);
	(void)setenv("LISTEN_FDNAMES", names, 1);
	set_number("LISTEN_FDS", (long)listeners->count);
	set_number("LISTEN_PID", getpid());
}

/* Never returns. A group of its own: Ctrl-C is for the supervisor, which tells its gateways. */
static void become(const struct launch *launch, char **argv, const struct handover *handover)
{
	int error = place(handover);

	(void)setpgid(0, 0);
	(void)unsetenv("NOTIFY_SOCKET"); /* these speak of us */
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	if (error == 0)
		error = make_null(STDIN_FILENO);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &launch->signals_before, NULL);
	if (error == 0) {
		(void)execv(argv[0], argv);
		error = -errno;
	}
	say("unable to start %s: %s", argv[0], strerror(-error));
	_exit(error == -ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_START);
}

/* ------------------------------------------------------------------ gateways */

struct arguments {
	char *argv[ARGUMENTS_MAX];
	size_t count;
};

static void say_word(struct arguments *arguments, const char *word)
{
	arguments->argv[arguments->count++] = (char *)word;
}

static void say_option(struct arguments *arguments, const char *option, const char *value)
{
	if (value == NULL)
		return;
	say_word(arguments, option);
	say_word(arguments, value);
}

int launch_board(void)
{
	const int fd = memfd_create("lull-board", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, BOARD_BYTES) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

pid_t launch_gateway(const struct launch *launch, int config_fd, int control_fd)
{
	struct handover handover = {.count = 0};
	struct arguments arguments = {.count = 0};
	char config[NUMBER_BYTES], drain[NUMBER_BYTES], budget[NUMBER_BYTES];
	int control, board = -1;
	pid_t pid;

	for (size_t i = 0; i < launch->listeners->count; i++)
		(void)add(&handover, launch->listeners->items[i].fd);
	control = add(&handover, control_fd);
	(void)snprintf(config, sizeof(config), "/proc/self/fd/%d", add(&handover, config_fd));
	if (launch->board_fd >= 0)
		board = add(&handover, launch->board_fd);
	(void)snprintf(drain, sizeof(drain), "%llums", (unsigned long long)launch->drain_ms);
	(void)snprintf(budget, sizeof(budget), "%llums", (unsigned long long)launch->budget_ms);
	say_word(&arguments, launch->program);
	say_word(&arguments, "gateway");
	say_option(&arguments, "-c", config);
	say_option(&arguments, "--drain", drain);
	say_option(&arguments, "--table", launch->table);
	say_option(&arguments, "--budget", launch->budget_ms > 0 ? budget : NULL);
	say_option(&arguments, "--log", launch->log);
	pid = fork();
	if (pid != 0)
		return pid < 0 ? -errno : pid;
	set_listeners(launch->listeners);
	set_number("LULL_CONTROL_FD", control);
	if (board >= 0)
		set_number("LULL_BOARD_FD", board);
	become(launch, arguments.argv, &handover);
	return 0;
}

/* ------------------------------------------------------------------ the check */

pid_t launch_check(const struct launch *launch, int config_fd, int out_fd, int error_fd)
{
	struct handover handover = {.count = 0};
	char config[NUMBER_BYTES];
	char *argv[] = {(char *)launch->program, (char *)"config", (char *)"check",
			(char *)"--for-serve",   config,           NULL};
	pid_t pid;

	(void)snprintf(config, sizeof(config), "/proc/self/fd/%d", add(&handover, config_fd));
	pid = fork();
	if (pid != 0)
		return pid < 0 ? -errno : pid;
	if (dup2(error_fd, STDERR_FILENO) < 0 || dup2(out_fd, STDOUT_FILENO) < 0)
		_exit(EXIT_CANNOT_START);
	become(launch, argv, &handover);
	return 0;
}

/* ------------------------------------------------------------------ the hook */

/* Of what shuts a key: nobody but its owner can put that right. */
static void say_causes(struct arguments *arguments)
{
	for (uint32_t id = 0; id < LULL_CLASS_COUNT; id++) {
		const struct lull_class_info *info = lull_class_info(id);

		if (info->scope == LULL_KIND_CREDENTIAL)
			say_option(arguments, "--cause", info->name);
	}
}

pid_t launch_watch(const struct launch *launch, const char *program, const char *table,
		   const char *command)
{
	const struct handover handover = {.count = 0};
	struct arguments arguments = {.count = 0};
	const pid_t parent = getpid();
	pid_t pid;

	say_word(&arguments, program);
	say_word(&arguments, "watch");
	if (launch->quiet)
		say_word(&arguments, "-q");
	say_option(&arguments, "--table", table);
	say_option(&arguments, "--type", "cooled");
	say_causes(&arguments);
	say_option(&arguments, "--exec", command);
	pid = fork();
	if (pid != 0)
		return pid < 0 ? -errno : pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_CANNOT_START);
	become(launch, arguments.argv, &handover);
	return 0;
}
