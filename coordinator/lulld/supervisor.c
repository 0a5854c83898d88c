/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "../src/configuration.h"
#include "../src/exits.h"
#include "admin.h"
#include "crew.h"
#include "note.h"
#include "notify.h"
#include "config_copy.h"
#include "supervisor.h"
#include "watcher.h"

#define STATUS_BYTES 512u
#define LEAVING_MAX  4u /* arbitrary; a further change waits until one of them is gone */

#define ON_EVENT_BYTES_MAX 4097u /* as lull-worker has it, and a NUL */
#define TOLD_TABLE         "table "
#define TOLD_ON_EVENT      "on_event "

/* What its check has to say of a configuration. */
struct told {
	char table[TABLE_NAME_BYTES_MAX];  /* "": it names none */
	char on_event[ON_EVENT_BYTES_MAX]; /* "": likewise */
};

/* `lull-worker config check` of a copy, while it runs. */
struct check {
	pid_t pid; /* 0: it has ended, or there is none */
	int status;
	struct bufferevent *words; /* its stderr; NULL: all has been read */
	struct bufferevent *facts; /* its stdout, likewise */
	int config_fd;             /* what is being checked; -1: none is */
	char problem[256];         /* the first thing that it said */
	struct told told;          /* stays until the next check */
};

struct supervisor {
	const struct supervisor_options *options;
	struct listener_list *listeners;
	struct crew_world world;
	struct lull_table *table;          /* to look at; NULL: none yet */
	struct admin *admin;               /* NULL: nobody is to look */
	struct crew *current;              /* NULL: the first configuration is being checked */
	struct crew *next;                 /* while changing over */
	struct crew *leaving[LEAVING_MAX]; /* drain */
	struct check check;
	struct told told; /* of the configuration that serves */
	struct watcher watcher;
	bool change_is_wanted; /* SIGHUP came while another change was under way */
	bool was_up;
	bool is_stopping;
	int exit_status;
	char failure[256]; /* why the last change did not come about; "": it did */
};

/* ------------------------------------------------------------------ telling systemd */

static void describe(const struct supervisor *supervisor, char *ret)
{
	const struct crew_world *const world = &supervisor->world;
	int used = 0;

	if (supervisor->current != NULL)
		used = snprintf(ret, STATUS_BYTES, "%u of %u workers ready",
				crew_count(supervisor->current, WORKER_READY),
				crew_size(supervisor->current));
	else
		used = snprintf(ret, STATUS_BYTES, "checking the configuration");
	if (world->deaths > 0)
		used += snprintf(ret + used, STATUS_BYTES - (size_t)used, "; %lu died, last %s",
				 world->deaths, world->last_death);
	if (supervisor->failure[0] != '\0')
		(void)snprintf(ret + used, STATUS_BYTES - (size_t)used,
			       "; the last reload changed nothing: %s", supervisor->failure);
}

static void tell_systemd(const struct supervisor *supervisor, const char *state)
{
	char status[STATUS_BYTES];

	describe(supervisor, status);
	notify(state, status);
}

/* ------------------------------------------------------------------ crews */

static void tell_all(struct supervisor *supervisor, enum worker_event event)
{
	crew_tell(supervisor->current, event);
	crew_tell(supervisor->next, event);
	for (size_t i = 0; i < LEAVING_MAX; i++)
		crew_tell(supervisor->leaving[i], event);
}

static void reap_one(struct supervisor *supervisor, pid_t pid, int status)
{
	bool found = watcher_reap(&supervisor->watcher, pid, status) ||
		     crew_reap(supervisor->current, pid, status) ||
		     crew_reap(supervisor->next, pid, status);

	for (size_t i = 0; !found && i < LEAVING_MAX; i++)
		found = crew_reap(supervisor->leaving[i], pid, status);
}

static void free_if_over(struct crew **crew)
{
	if (*crew == NULL || !crew_is_over(*crew))
		return;
	crew_free(*crew);
	*crew = NULL;
}

/* A place for one that leaves; NULL: all are taken. */
static struct crew **leaving_place(struct supervisor *supervisor)
{
	for (size_t i = 0; i < LEAVING_MAX; i++)
		if (supervisor->leaving[i] == NULL)
			return &supervisor->leaving[i];
	return NULL;
}

static bool is_anybody_left(struct supervisor *supervisor)
{
	bool left = supervisor->current != NULL || supervisor->next != NULL;

	for (size_t i = 0; i < LEAVING_MAX; i++)
		left = left || supervisor->leaving[i] != NULL;
	return left;
}

/* There is always a place: no change begins without one. */
static void let_go(struct supervisor *supervisor, struct crew *crew)
{
	*leaving_place(supervisor) = crew;
	crew_tell(crew, WORKER_TO_DRAIN);
}

/* ------------------------------------------------------------------ the end */

static void stop(struct supervisor *supervisor, int exit_status)
{
	struct check *const check = &supervisor->check;

	supervisor->is_stopping = true;
	supervisor->exit_status = exit_status;
	notify(NOTIFY_STOPPING, "draining");
	listener_close_all(supervisor->listeners);
	listener_close_all(supervisor->options->admin);
	supervisor->admin = admin_free(supervisor->admin);
	if (check->pid != 0)
		(void)kill(check->pid, SIGKILL);
	tell_all(supervisor, WORKER_TO_DRAIN);
	event_active(supervisor->world.changed, EV_TIMEOUT, 0);
}

static void on_stop_signal(struct supervisor *supervisor, const char *name)
{
	NOTE(NOTE_INFO, supervisor->is_stopping ? "ending_at_once" : "draining",
	     NOTE_TEXT("signal", name));
	if (supervisor->is_stopping)
		tell_all(supervisor, WORKER_TO_END);
	else
		stop(supervisor, EXIT_DONE);
}

/* ------------------------------------------------------------------ another configuration */

/* The first configuration has to be good; a later one that is not changes nothing. */
static void change_failed(struct supervisor *supervisor, const char *why)
{
	(void)snprintf(supervisor->failure, sizeof(supervisor->failure), "%s", why);
	if (supervisor->current == NULL) {
		NOTE(NOTE_ERROR, "configuration_unusable", NOTE_TEXT("cause", why));
		stop(supervisor, EX_CONFIG);
		return;
	}
	NOTE(NOTE_ERROR, "reload_failed", NOTE_TEXT("cause", why),
	     NOTE_TEXT("serving", "the configuration of before"));
	tell_systemd(supervisor, NOTIFY_READY);
}

/* What was checked is what serves from now on. */
static void adopt(struct supervisor *supervisor, const struct told *told)
{
	const struct supervisor_options *const options = supervisor->options;
	const char *const configured = told->table[0] != '\0' ? told->table : NULL;
	const char *const name = options->launch.table != NULL ? options->launch.table : configured;
	struct lull_table *const before = supervisor->table;

	if (before == NULL || strcmp(told->table, supervisor->told.table) != 0) {
		supervisor->table = options->make_table(name, options->userdata);
		admin_set_table(supervisor->admin, supervisor->table);
		lull_table_close(before);
	}
	watcher_set(&supervisor->watcher, name, told->on_event[0] != '\0' ? told->on_event : NULL);
	supervisor->told = *told;
}

static void start_crew(struct supervisor *supervisor, int config_fd)
{
	const struct supervisor_options *const options = supervisor->options;
	struct crew *crew;

	if (supervisor->current == NULL)
		adopt(supervisor, &supervisor->check.told);
	crew = crew_new(&supervisor->world, config_fd, options->workers);
	if (crew == NULL)
		change_failed(supervisor, "out of memory");
	else if (supervisor->current == NULL)
		supervisor->current = crew;
	else
		supervisor->next = crew;
}

static void on_checked(struct supervisor *supervisor)
{
	struct check *const check = &supervisor->check;
	const int config_fd = check->config_fd;

	check->config_fd = -1;
	event_active(supervisor->world.changed, EV_TIMEOUT, 0);
	if (check->status == 0 && !supervisor->is_stopping) {
		/* that others may read the file has been said; not by each gateway again */
		(void)fchmod(config_fd, S_IRUSR);
		start_crew(supervisor, config_fd);
		return;
	}
	(void)close(config_fd);
	if (supervisor->is_stopping)
		return;
	if (check->problem[0] == '\0')
		(void)snprintf(check->problem, sizeof(check->problem), "its check ended with %s",
			       worker_cause(check->status).text);
	change_failed(supervisor, check->problem);
}

static bool check_is_over(const struct check *check)
{
	return check->pid == 0 && check->words == NULL && check->facts == NULL;
}

static void on_check_words(struct bufferevent *words, void *userdata)
{
	struct evbuffer *const input = bufferevent_get_input(words);
	struct check *const check = &((struct supervisor *)userdata)->check;
	char *line;

	while ((line = evbuffer_readln(input, NULL, EVBUFFER_EOL_LF)) != NULL) {
		NOTE(NOTE_WARNING, "configuration", NOTE_TEXT("text", line));
		if (check->problem[0] == '\0')
			(void)snprintf(check->problem, sizeof(check->problem), "%s", line);
		free(line);
	}
}

/* "table NAME", "on_event COMMAND" */
static void on_check_facts(struct bufferevent *facts, void *userdata)
{
	struct evbuffer *const input = bufferevent_get_input(facts);
	struct told *const told = &((struct supervisor *)userdata)->check.told;
	char *line;

	while ((line = evbuffer_readln(input, NULL, EVBUFFER_EOL_LF)) != NULL) {
		if (strncmp(line, TOLD_TABLE, strlen(TOLD_TABLE)) == 0)
			(void)snprintf(told->table, sizeof(told->table), "%s",
				       line + strlen(TOLD_TABLE));
		else if (strncmp(line, TOLD_ON_EVENT, strlen(TOLD_ON_EVENT)) == 0)
			(void)snprintf(told->on_event, sizeof(told->on_event), "%s",
				       line + strlen(TOLD_ON_EVENT));
		free(line);
	}
}

static void on_check_silent(struct bufferevent *pipe, short what, void *userdata)
{
	struct supervisor *const supervisor = userdata;
	struct check *const check = &supervisor->check;

	(void)what;
	*(pipe == check->words ? &check->words : &check->facts) = NULL;
	bufferevent_free(pipe);
	if (check_is_over(check))
		on_checked(supervisor);
}

/* Its end of a pipe in *ret_theirs; ours is read by lines. Return: 0; negative errno */
static int open_pipe(struct supervisor *supervisor, bufferevent_data_cb on_lines,
		     struct bufferevent **ret, int *ret_theirs)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	(void)evutil_make_socket_nonblocking(ends[0]);
	*ret = bufferevent_socket_new(supervisor->world.base, ends[0], BEV_OPT_CLOSE_ON_FREE);
	if (*ret == NULL) {
		(void)close(ends[0]);
		(void)close(ends[1]);
		return -ENOMEM;
	}
	bufferevent_setcb(*ret, on_lines, NULL, on_check_silent, supervisor);
	(void)bufferevent_enable(*ret, EV_READ);
	*ret_theirs = ends[1];
	return 0;
}

static void close_pipe(struct bufferevent **pipe)
{
	if (*pipe != NULL)
		bufferevent_free(*pipe);
	*pipe = NULL;
}

static int start_check(struct supervisor *supervisor, int config_fd)
{
	struct check *const check = &supervisor->check;
	int words = -1, facts = -1;
	pid_t pid = open_pipe(supervisor, on_check_words, &check->words, &words);

	if (pid == 0)
		pid = open_pipe(supervisor, on_check_facts, &check->facts, &facts);
	if (pid == 0)
		pid = launch_check(&supervisor->options->launch, config_fd, facts, words);
	if (words >= 0)
		(void)close(words);
	if (facts >= 0)
		(void)close(facts);
	if (pid < 0) {
		close_pipe(&check->words);
		close_pipe(&check->facts);
		return (int)pid;
	}
	check->pid = pid;
	check->config_fd = config_fd;
	check->problem[0] = '\0';
	check->told = (struct told){.table = ""};
	return 0;
}

/* The file as it is now, copied and checked; on_checked() goes on. */
static void take_configuration(struct supervisor *supervisor)
{
	const char *path = supervisor->options->config;
	char found[PROGRAM_PATH_BYTES_MAX], why[512];
	int config_fd = -1;
	int error;

	if (path == NULL && configuration_find(found))
		path = found;
	error = config_copy_take(path, &config_fd);
	if (error < 0) {
		(void)snprintf(why, sizeof(why), "%.256s: cannot be read: %s", path,
			       error == -EINVAL ? "no regular file" : strerror(-error));
		change_failed(supervisor, why);
		return;
	}
	error = start_check(supervisor, config_fd);
	if (error == 0)
		return;
	(void)close(config_fd);
	(void)snprintf(why, sizeof(why), "%.256s: cannot be checked: %s",
		       supervisor->options->launch.program, strerror(-error));
	change_failed(supervisor, why);
}

static bool can_change(struct supervisor *supervisor)
{
	return supervisor->current != NULL && supervisor->next == NULL &&
	       supervisor->check.config_fd < 0 && leaving_place(supervisor) != NULL;
}

static void reload(struct supervisor *supervisor)
{
	supervisor->change_is_wanted = false;
	supervisor->failure[0] = '\0';
	NOTE(NOTE_INFO, "reloading", NOTE_NUMBER("workers", supervisor->options->workers));
	notify_reloading("reloading");
	take_configuration(supervisor);
}

static void on_reload_signal(struct supervisor *supervisor)
{
	if (supervisor->is_stopping)
		return;
	if (can_change(supervisor)) {
		reload(supervisor);
		return;
	}
	supervisor->change_is_wanted = true;
	NOTE(NOTE_INFO, "reload_waits", NOTE_TEXT("for", "the change that is under way"));
}

/* ------------------------------------------------------------------ after something has changed */

static void look_at_next(struct supervisor *supervisor)
{
	struct crew *const next = supervisor->next;

	if (next == NULL || supervisor->is_stopping)
		return;
	if (crew_has_lost_any(next)) {
		supervisor->next = NULL;
		let_go(supervisor, next);
		change_failed(supervisor, supervisor->world.last_death);
	} else if (crew_is_up(next)) {
		let_go(supervisor, supervisor->current);
		supervisor->current = next;
		supervisor->next = NULL;
		adopt(supervisor, &supervisor->check.told);
		NOTE(NOTE_INFO, "reloaded", NOTE_NUMBER("workers", crew_size(next)));
		tell_systemd(supervisor, NOTIFY_READY);
	}
}

static void look_at_current(struct supervisor *supervisor)
{
	struct crew *const current = supervisor->current;

	if (current == NULL || supervisor->is_stopping)
		return;
	if (crew_is_over(current) && supervisor->next == NULL && supervisor->check.config_fd < 0) {
		NOTE(NOTE_ERROR, "no_worker_left",
		     NOTE_TEXT("cause", supervisor->world.last_death));
		stop(supervisor, supervisor->world.refusal);
	} else if (crew_is_up(current) && !supervisor->was_up) {
		supervisor->was_up = true;
		NOTE(NOTE_INFO, "ready", NOTE_NUMBER("workers", crew_count(current, WORKER_READY)));
		tell_systemd(supervisor, NOTIFY_READY);
	} else {
		tell_systemd(supervisor, "");
	}
}

/* The last to go is who tells of what the others have met. */
static void end_if_all_is_over(struct supervisor *supervisor)
{
	if (is_anybody_left(supervisor) || supervisor->check.config_fd >= 0)
		return;
	watcher_set(&supervisor->watcher, NULL, NULL);
	if (supervisor->watcher.pid == 0)
		(void)event_base_loopbreak(supervisor->world.base);
}

static void on_change(evutil_socket_t fd, short what, void *userdata)
{
	struct supervisor *const supervisor = userdata;

	(void)fd;
	(void)what;
	look_at_next(supervisor);
	look_at_current(supervisor);
	for (size_t i = 0; i < LEAVING_MAX; i++)
		free_if_over(&supervisor->leaving[i]);
	if (supervisor->is_stopping) {
		free_if_over(&supervisor->next);
		free_if_over(&supervisor->current);
		end_if_all_is_over(supervisor);
	} else if (supervisor->change_is_wanted && can_change(supervisor)) {
		reload(supervisor);
	}
}

/* ------------------------------------------------------------------ signals, the watchdog */

static void reap(struct supervisor *supervisor)
{
	struct check *const check = &supervisor->check;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == check->pid) {
			check->pid = 0;
			check->status = status;
			if (check_is_over(check))
				on_checked(supervisor);
		} else {
			reap_one(supervisor, pid, status);
		}
	}
	event_active(supervisor->world.changed, EV_TIMEOUT, 0);
}

static void on_signal(evutil_socket_t fd, short what, void *userdata)
{
	struct supervisor *const supervisor = userdata;
	struct signalfd_siginfo info;

	(void)what;
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			reap(supervisor);
			break;
		case SIGHUP:
			on_reload_signal(supervisor);
			break;
		default:
			on_stop_signal(supervisor,
				       info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
			break;
		}
	}
}

static void on_watchdog(evutil_socket_t fd, short what, void *userdata)
{
	(void)fd;
	(void)what;
	(void)userdata;
	notify(NOTIFY_WATCHDOG, NULL);
}

void supervisor_signals(sigset_t *ret)
{
	(void)sigemptyset(ret);
	(void)sigaddset(ret, SIGCHLD);
	(void)sigaddset(ret, SIGHUP);
	(void)sigaddset(ret, SIGINT);
	(void)sigaddset(ret, SIGTERM);
}

/* ------------------------------------------------------------------ being looked at */

static struct admin_health health(void *userdata)
{
	const struct supervisor *const supervisor = userdata;
	const struct crew *const current = supervisor->current;

	return (struct admin_health){
		.workers = current != NULL ? crew_size(current) : 0,
		.ready = current != NULL ? crew_count(current, WORKER_READY) : 0,
		.deaths = supervisor->world.deaths,
		.last_death = supervisor->world.last_death,
		.failure = supervisor->failure,
	};
}

static size_t crews(void *userdata, struct crew **ret)
{
	const struct supervisor *const supervisor = userdata;
	size_t count = 0;

	if (supervisor->current != NULL)
		ret[count++] = supervisor->current;
	if (supervisor->next != NULL)
		ret[count++] = supervisor->next;
	for (size_t i = 0; i < LEAVING_MAX; i++)
		if (supervisor->leaving[i] != NULL)
			ret[count++] = supervisor->leaving[i];
	return count;
}

static bool be_looked_at(struct supervisor *supervisor)
{
	const struct listener_list *const listeners = supervisor->options->admin;
	const struct admin_source source = {.world = &supervisor->world,
					    .crews = crews,
					    .health = health,
					    .userdata = supervisor};

	_Static_assert(LEAVING_MAX + 2 <= ADMIN_CREWS_MAX, "there is room for all crews");

	if (listeners->count == 0)
		return true;
	supervisor->admin = admin_new(supervisor->world.base, listeners, &source);
	return supervisor->admin != NULL;
}

/* ------------------------------------------------------------------ running */

static bool watch(struct supervisor *supervisor, struct event **ret_signals,
		  struct event **ret_watchdog)
{
	const uint64_t half_ms = notify_watchdog_ms() / 2;
	const struct timeval half = {.tv_sec = (time_t)(half_ms / 1000),
				     .tv_usec = (suseconds_t)(half_ms % 1000 * 1000)};
	struct crew_world *const world = &supervisor->world;
	sigset_t signals;
	int fd;

	supervisor_signals(&signals);
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	world->base = event_base_new();
	if (fd < 0 || world->base == NULL)
		return false;
	world->changed = event_new(world->base, -1, 0, on_change, supervisor);
	*ret_signals = event_new(world->base, fd, EV_READ | EV_PERSIST, on_signal, supervisor);
	*ret_watchdog = event_new(world->base, -1, EV_PERSIST, on_watchdog, NULL);
	if (world->changed == NULL || *ret_signals == NULL || *ret_watchdog == NULL)
		return false;
	return watcher_init(&supervisor->watcher, world) && event_add(*ret_signals, NULL) == 0 &&
	       (half_ms == 0 || event_add(*ret_watchdog, &half) == 0);
}

static void unwatch(struct supervisor *supervisor, struct event *signals, struct event *watchdog)
{
	if (signals != NULL) {
		(void)close(event_get_fd(signals));
		event_free(signals);
	}
	if (watchdog != NULL)
		event_free(watchdog);
	watcher_deinit(&supervisor->watcher);
	if (supervisor->world.changed != NULL)
		event_free(supervisor->world.changed);
	if (supervisor->world.base != NULL)
		event_base_free(supervisor->world.base);
}

int supervisor_run(const struct supervisor_options *options, struct listener_list *listeners)
{
	struct supervisor supervisor = {
		.options = options,
		.listeners = listeners,
		.world = {.launch = &options->launch},
		.check = {.config_fd = -1},
		.exit_status = EXIT_BUG,
	};
	struct event *signals = NULL, *watchdog = NULL;

	if (watch(&supervisor, &signals, &watchdog) && be_looked_at(&supervisor)) {
		take_configuration(&supervisor);
		(void)event_base_dispatch(supervisor.world.base);
	} else {
		NOTE(NOTE_ERROR, "not_started", NOTE_TEXT("cause", "out of memory or descriptors"));
	}
	listener_close_all(listeners);
	listener_close_all(options->admin);
	(void)admin_free(supervisor.admin);
	lull_table_close(supervisor.table);
	unwatch(&supervisor, signals, watchdog);
	return supervisor.exit_status;
}
