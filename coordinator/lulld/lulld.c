/* SPDX-License-Identifier: MIT */
/*
 * lulld, the program behind `lull serve`: what is typed, and what has to be there before the
 * supervisor can begin. It links no curl and reads no configuration; gateways do.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <linux/close_range.h>
#include <unistd.h>

#include <lull/lull.h>

#include "../src/descriptors.h"
#include "../src/exits.h"
#include "../src/options.h"
#include "../src/out.h"
#include "../src/programs.h"
#include "../src/say.h"
#include "../src/shared.h"
#include "note.h"
#include "supervisor.h"

#define DEFAULT_ADDRESS  "127.0.0.1:4000"
#define DEFAULT_MODE     0600
#define DEFAULT_DRAIN_MS 30000u
#define WORKERS_MAX      256u

/* ------------------------------------------------------------------ the table */

/* By whom it is made does not matter; it is made now so that what is wrong with it is said once. */
static struct lull_table *make_table(const char *name, void *userdata)
{
	const struct invocation *const invocation = userdata;
	struct invocation resolved = *invocation;
	struct lull_table_options options;
	struct lull_table *table = NULL;
	char error[512];
	bool failed;
	int created;

	resolved.set.table = name;
	options = shared_options(&resolved, 0);
	failed = lull_table_make(&options, &created, error, sizeof(error)) < 0;
	if (failed)
		NOTE(NOTE_WARNING, "table_not_shared", NOTE_TEXT("cause", error),
		     NOTE_TEXT("serving", "each worker with cooldowns of its own"));
	if (lull_table_open(&options, &table) != 0)
		return NULL;
	if (failed && !resolved.set.quiet) /* then it is no news to the gateways */
		(void)lull_table_problem_is_news(table);
	if (resolved.set.verbose && shared_info(table).shared != 0)
		NOTE(NOTE_INFO, "table", NOTE_TEXT("path", shared_info(table).path));
	return table;
}

/* ------------------------------------------------------------------ what was typed */

static unsigned int usable_cores(void)
{
	cpu_set_t cores;

	if (sched_getaffinity(0, sizeof(cores), &cores) < 0)
		return 1;
	return (unsigned int)CPU_COUNT(&cores);
}

static int parse_mode(const char *text, mode_t *ret)
{
	char *end;
	unsigned long mode;

	*ret = DEFAULT_MODE;
	if (text == NULL)
		return 0;
	mode = strtoul(text, &end, 8);
	if (text[0] < '0' || text[0] > '7' || *end != '\0' || mode > 0777) {
		say("'%s' is no mode: expected octal digits such as 0600 or 0660", text);
		return -EINVAL;
	}
	*ret = (mode_t)mode;
	return 0;
}

static int check_log(const char *text)
{
	static const char *const forms[] = {"logfmt", "json", "none"};

	for (size_t i = 0; text != NULL && i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(text, forms[i]) == 0)
			return 0;
	if (text == NULL)
		return 0;
	say("'%s' is no form of log: expected logfmt, json or none", text);
	return -EINVAL;
}

/* What was asked for, and what systemd has opened; the default where that is nothing. 0; an exit
 * status. */
static int open_listeners(const struct invocation *invocation, mode_t mode,
			  struct listener_list *listeners)
{
	const struct text_list *const asked = &invocation->set.listen;
	char error[LISTENER_ERROR_BYTES];
	int r = listener_inherit(listeners, error);

	/* what else was left open by whoever started this is no gateway's business */
	(void)close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
	for (size_t i = 0; r == 0 && i < asked->count; i++)
		r = listener_open(listeners, asked->texts[i], mode, error);
	if (r == 0 && listeners->count == 0)
		r = listener_open(listeners, DEFAULT_ADDRESS, mode, error);
	if (r == 0)
		return 0;
	listener_close_all(listeners);
	say("%s", error);
	return r == -EINVAL ? options_usage_error(invocation->verb) : EXIT_UNAVAILABLE;
}

/* Where only programs of this host can connect: there is no other key to it. 0; an exit status. */
static int open_admin(const struct invocation *invocation, struct listener_list *admin)
{
	const struct text_list *const asked = &invocation->set.admin;
	char error[LISTENER_ERROR_BYTES];
	int r = 0;

	for (size_t i = 0; r == 0 && i < asked->count; i++) {
		r = listener_open(admin, asked->texts[i], DEFAULT_MODE, error);
		if (r < 0)
			say("%s", error);
		else if (!listener_is_local(&admin->items[i])) {
			say("--admin '%s' is not for this host alone: expected 127.0.0.1:4001, "
			    "[::1]:4001 or unix:/path",
			    asked->texts[i]);
			r = -EINVAL;
		}
	}
	if (r == 0)
		return 0;
	listener_close_all(admin);
	return r == -EINVAL ? options_usage_error(invocation->verb) : EXIT_UNAVAILABLE;
}

static void note_listeners(const char *event, const struct listener_list *listeners)
{
	for (size_t i = 0; i < listeners->count; i++)
		NOTE(NOTE_INFO, event, NOTE_TEXT("address", listeners->items[i].text));
}

/* ------------------------------------------------------------------ the verb */

static int supervise(const struct invocation *invocation, const char *program,
		     struct listener_list *listeners, struct listener_list *admin)
{
	const struct settings *const set = &invocation->set;
	struct supervisor_options options = {
		.config = set->config,
		.workers = set->workers > 0 ? (unsigned int)set->workers : usable_cores(),
		.launch = {.program = program,
			   .listeners = listeners,
			   .table = set->table,
			   .log = set->log,
			   .quiet = set->quiet,
			   .drain_ms = set->drain_ms > 0 ? set->drain_ms : DEFAULT_DRAIN_MS,
			   .budget_ms = set->budget_ms,
			   .board_fd = launch_board()},
		.admin = admin,
		.make_table = make_table,
		.userdata = (void *)invocation,
	};
	sigset_t signals;

	supervisor_signals(&signals);
	(void)sigprocmask(SIG_BLOCK, &signals, &options.launch.signals_before);
	note_init(set->log != NULL && strcmp(set->log, "json") == 0, set->quiet);
	note_listeners("listening", listeners);
	note_listeners("admin", admin);
	return supervisor_run(&options, listeners);
}

static int serve(const struct invocation *invocation)
{
	static struct listener_list listeners, admin;
	char program[PROGRAM_PATH_BYTES_MAX];
	mode_t mode;
	int status;

	if (parse_mode(invocation->set.socket_mode, &mode) < 0 ||
	    check_log(invocation->set.log) < 0)
		return options_usage_error(invocation->verb);
	if (program_find(PROGRAM_WORKER, program) < 0)
		return program_missing(invocation->verb->name, PROGRAM_WORKER);
	if (invocation->set.config != NULL) /* for all that looks for it, and all that we start */
		(void)setenv("LULL_CONFIG", invocation->set.config, 1);
	status = open_listeners(invocation, mode, &listeners);
	if (status != 0)
		return status;
	status = open_admin(invocation, &admin);
	if (status == 0)
		return supervise(invocation, program, &listeners, &admin);
	listener_close_all(&listeners);
	return status;
}

static const struct option_row serve_options[] = {
	{.name = "config",
	 .letter = 'c',
	 .argument = "FILE",
	 .type = OPTION_TEXT,
	 .member = OPTION_SETS(config),
	 .help = "this configuration instead of the one that would be found"},
	{.name = "listen",
	 .argument = "ADDRESS",
	 .type = OPTION_TEXT_LIST,
	 .member = OPTION_SETS(listen),
	 .help = "127.0.0.1:4000 if not given; also [::1]:4000, unix:/path"},
	{.name = "admin",
	 .argument = "ADDRESS",
	 .type = OPTION_TEXT_LIST,
	 .member = OPTION_SETS(admin),
	 .help = "a page, metrics, health, for this host: 127.0.0.1:4001, unix:/path"},
	{.name = "socket-mode",
	 .argument = "MODE",
	 .type = OPTION_TEXT,
	 .member = OPTION_SETS(socket_mode),
	 .help = "of unix: sockets; 0600 if not given"},
	{.name = "workers",
	 .argument = "N",
	 .type = OPTION_NUMBER,
	 .member = OPTION_SETS(workers),
	 .min = 1,
	 .max = WORKERS_MAX,
	 .help = "gateway processes; as many as there are cores if not given"},
	{.name = "drain",
	 .argument = "TIME",
	 .type = OPTION_DURATION,
	 .member = OPTION_SETS(drain_ms),
	 .min = 1,
	 .max = UINT64_C(86400000),
	 .help = "for what is being answered when it is told to end; 30s if not given"},
	{.name = "budget",
	 .argument = "TIME",
	 .type = OPTION_DURATION,
	 .member = OPTION_SETS(budget_ms),
	 .min = 1,
	 .max = UINT64_C(86400000),
	 .help = "for a request until its first content, as in 'lull complete'"},
	{.name = "log",
	 .argument = "FORM",
	 .type = OPTION_TEXT,
	 .member = OPTION_SETS(log),
	 .help = "logfmt, json, or none: no line for each request"},
	OPTION_END,
};

static const struct verb verb_serve = {
	.name = "serve",
	.summary = "serve OpenAI's API on this host, with fallbacks and the shared table",
	.details =
		"Starts gateway processes that share the sockets, and replaces those that die.\n"
		"SIGHUP reads the configuration anew, and keeps the old one if the new one is not\n"
		"good; SIGTERM lets requests finish, a second one does not. Under systemd it "
		"takes\n"
		"the sockets of a socket unit and says when it is ready.\n",
	.options = serve_options,
	.examples = "  lull serve\n"
		    "      on 127.0.0.1:4000, with the configuration that would be found\n"
		    "  lull serve -c lull.yaml --listen 127.0.0.1:8080 --listen '[::1]:8080'\n"
		    "      another port, both kinds of loopback\n"
		    "  lull serve --admin 127.0.0.1:4001\n"
		    "      with a page for a browser at http://127.0.0.1:4001/\n"
		    "  lull serve --listen unix:/run/lull/gateway.sock --socket-mode 0660\n"
		    "      for the members of a group, and for a proxy in front\n"
		    "  kill -HUP \"$(pidof lulld)\"\n"
		    "      take over a changed configuration; no request fails\n",
	.run = serve,
};

/* ------------------------------------------------------------------ the program */

static int run(int argc, char **argv)
{
	struct invocation invocation;

	if (options_parse(&verb_serve, argc, argv, &invocation) < 0)
		return options_usage_error(&verb_serve);
	if (invocation.set.help)
		options_help(&verb_serve);
	else if (invocation.set.version)
		out("lulld %s\n", lull_version());
	else
		return serve(&invocation);
	return EXIT_DONE;
}

/* `lulld OPTION...`, or `lulld serve OPTION...` as lull hands it over. */
int main(int argc, char **argv)
{
	const int verb = argc > 1 && strcmp(argv[1], verb_serve.name) == 0 ? 1 : 0;
	int status, error;

	keep_standard_descriptors_taken();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)lull_table_guard();
	status = run(argc - verb, argv + verb);
	error = out_finish();
	if (error < 0 && status == EXIT_DONE) {
		say("unable to write to stdout: %s", strerror(-error));
		return EXIT_OUTPUT;
	}
	return status;
}
