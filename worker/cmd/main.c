/* SPDX-License-Identifier: MIT */
/*
 * lull-worker: the program that talks to models and reads configuration. People type `lull VERB`;
 * lull hands the verbs below over to this program by exec. One table of verbs, nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include <lull/lull.h>

#include "cmd.h"
#include "log.h"

struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

static const struct verb verbs[] = {
	{"batch", cmd_batch, "answer a file of requests, falling back to other models"},
	{"complete", cmd_complete, "ask a model, falling back to others"},
	{"config", cmd_config, "check a configuration, show what it means"},
	{"explain-error", cmd_explain_error, "say what an error response would do, and why"},
	{"gateway", cmd_gateway,
	 "answer clients of OpenAI's interface, falling back to other models"},
	{"resolve", cmd_resolve, "print the keys of a name, as the table has them"},
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static void print_help(FILE *out)
{
	(void)fprintf(
		out, "usage: lull-worker VERB [OPTION...]\n\nverbs that talk to models or read the "
		     "configuration:\n");
	for (size_t i = 0; i < VERB_COUNT; i++)
		(void)fprintf(out, "  %-16s%s\n", verbs[i].name, verbs[i].help);
	(void)fprintf(out,
		      "\n`lull-worker VERB --help` says more; `lull --help` knows all verbs.\n");
}

/*
 * No core dump may hold a key or a prompt. The limit is 1 byte and not 0, because for a
 * core_pattern that is a pipe the kernel knows only the limit of 1 as a "no". Not PR_SET_DUMPABLE
 * at once: it would also take strace and gdb from the user whose process this is. It is the way out
 * where the hard limit forbids a 1.
 */
static void forbid_core_dumps(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) == 0) {
		limit.rlim_cur = 1;
		if (setrlimit(RLIMIT_CORE, &limit) == 0)
			return;
	}
	(void)prctl(PR_SET_DUMPABLE, 0);
}

/*
 * A program that was started without one of them would open its table or a socket in that place,
 * and print the answer into it. What nobody can read stays unwritable: the answer then has an
 * error.
 */
static void keep_standard_descriptors(void)
{
	static const int modes[] = {O_RDONLY, O_RDONLY, O_WRONLY};

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			_exit(EX_OSERR);
	}
}

/*
 * The end of every verb. A build for use leaves without the exit handlers of the thirty libraries
 * behind libcurl: they have nothing to do for us and take 4 % of a short call. A build for
 * debugging keeps them, because leak checkers and coverage report from there.
 */
static int leave(int code)
{
	if (fflush(stdout) != 0 && code == EX_OK) {
		log_error("cannot write to stdout: %s", strerror(errno));
		code = EX_IOERR;
	}
#ifdef NDEBUG
	_exit(code);
#endif
	return code;
}

int main(int argc, char **argv)
{
	keep_standard_descriptors();
	forbid_core_dumps();
	(void)signal(SIGPIPE, SIG_IGN); /* a failing write says so by itself */
	(void)lull_table_guard();
	if (argc < 2) {
		print_help(stderr);
		return EX_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help(stdout);
		return EX_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		(void)printf("lull-worker %s\n", lull_version());
		return EX_OK;
	}
	for (size_t i = 0; i < VERB_COUNT; i++) {
		if (strcmp(argv[1], verbs[i].name) == 0)
			return leave(verbs[i].run(argc - 1, argv + 1));
	}
	log_error("unknown verb '%s'; see lull --help", argv[1]);
	return EX_USAGE;
}
