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

#define STATUS_BYTES 512u
#define LEAVING_MAX  4u /* arbitrary; a further change waits until one of them is gone */

/* `lull-worker config check` of a copy, while it runs. */
struct check {
	pid_t pid; /* 0: it has ended, or there is none */
	int status;
	struct bufferevent *words; /* its stderr; NULL: all has been read */
	int config_fd;             /* what is being checked; -1: none is */
	char problem[256];         /* the first thing that it said */
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
	bool found = crew_reap(supervisor->current, pid, status) ||
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

static void start_crew(struct supervisor *supervisor, int config_fd)
{
	const struct supervisor_options *const options = supervisor->options;
	struct crew *crew;

	if (supervisor->current == NULL) {
		supervisor->table = options->make_table(options->userdata);
		admin_set_table(supervisor->admin, supervisor->table);
	}
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
	return check->pid == 0 && check->words == NULL;
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

static void on_check_silent(struct bufferevent *words, short what, void *userdata)
{
	struct supervisor *const supervisor = userdata;

	(void)what;
	bufferevent_free(words);
	supervisor->check.words = NULL;
	if (check_is_over(&supervisor->check))
		on_checked(supervisor);
}

static int start_check(struct supervisor *supervisor, int config_fd)
{
	struct check *const check = &supervisor->check;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	(void)evutil_make_socket_nonblocking(ends[0]);
	check->words =
		bufferevent_socket_new(supervisor->world.base, ends[0], BEV_OPT_CLOSE_ON_FREE);
	pid = check->words != NULL ? launch_check(&supervisor->options->launch, config_fd, ends[1])
				   : -ENOMEM;
	(void)close(ends[1]);
	if (pid < 0) {
		if (check->words != NULL)
			bufferevent_free(check->words);
		else
			(void)close(ends[0]);
		check->words = NULL;
		return (int)pid;
	}
	check->pid = pid;
	check->config_fd = config_fd;
	check->problem[0] = '\0';
	bufferevent_setcb(check->words, on_check_words, NULL, on_check_silent, supervisor);
	(void)bufferevent_enable(check->words, EV_READ);
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
		if (!is_anybody_left(supervisor) && supervisor->check.config_fd < 0)
			(void)event_base_loopbreak(supervisor->world.base);
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
	return event_add(*ret_signals, NULL) == 0 &&
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
