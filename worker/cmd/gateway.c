/* SPDX-License-Identifier: MIT */
/*
 * `lull-worker gateway`: any client of OpenAI's becomes one of Lull's. One process, one event loop;
 * several of them may share their sockets, and share the table with everybody.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "call_options.h"
#include "cmd.h"
#include "gateway.h"
#include "log.h"

#define DRAIN_MS        30000u
#define DRAIN_MS_MAX    86400000u
#define SIGNALS         2u
#define DESCRIPTORS_MIN 256u /* besides two for each connection */

struct settings {
	struct call_settings call;
	struct text_list listen;
	uint32_t drain_ms;
	uint32_t log;
};

static const struct option_choice logs[] = {
	{"logfmt", GATEWAY_LOG_LOGFMT},
	{"json", GATEWAY_LOG_JSON},
	{"none", GATEWAY_LOG_NONE},
	{NULL, 0},
};

/* clang-format off */
#define AT(member) offsetof(struct settings, member)
static const struct option_row options[] = {
	{"listen", 0, OPTION_TEXT_LIST, 0, AT(listen), "ADDRESS", NULL,
	 "HOST:PORT, [IPV6]:PORT or unix:/path; may be repeated"},
	{"budget", 0, OPTION_DURATION, BUDGET_MS_MAX, AT(call.budget_ms), "TIME", NULL,
	 "of a call, until its first content; default: the configured one, else 45s"},
	{"drain", 0, OPTION_DURATION, DRAIN_MS_MAX, AT(drain_ms), "TIME", NULL,
	 "for what is under way when it is told to end; default: 30s"},
	{"log", 0, OPTION_CHOICE, 0, AT(log), "FORM", logs,
	 "a line for each request: logfmt (default), json, or none"},
	CALL_OPTIONS_WHERE,
	{0},
};
#undef AT
/* clang-format on */

static const struct command command = {
	.name = "gateway",
	.summary =
		"Answer clients of OpenAI's interface, falling back to other models. Models that "
		"are cooling are skipped.",
	.operands = "",
	.options = options,
	.description =
		"Sockets may also be handed over, as systemd does it. SIGTERM ends it when "
		"what is under way has ended.\n"
		"exit codes: 0 told to end, 64 usage, 71 an address cannot be listened on, 78 "
		"configuration\n",
	.examples = "  lull-worker gateway --listen 127.0.0.1:4000 -c lull.yaml\n",
};

/* ---- its end */

static void on_emptied(void *userdata)
{
	const struct gateway *gateway = userdata;

	(void)event_base_loopbreak(gateway->base);
}

static void on_deadline(evutil_socket_t fd, short what, void *userdata)
{
	const struct gateway *gateway = userdata;

	(void)fd, (void)what;
	log_warn("gateway: %u connections are cut: their time to end has passed",
		 server_connection_count(gateway->server));
	(void)event_base_loopbreak(gateway->base);
}

static void on_counted(uint32_t connections, void *userdata)
{
	const struct gateway *gateway = userdata;

	gateway_board_write(gateway->board, connections);
}

static bool holds_back(uint32_t connections, void *userdata)
{
	const struct gateway *gateway = userdata;

	return gateway_board_holds_back(gateway->board, connections);
}

void gateway_stop(struct gateway *gateway)
{
	const struct timeval time = {.tv_sec = (time_t)(gateway->drain_ms / 1000),
				     .tv_usec = (suseconds_t)(gateway->drain_ms % 1000 * 1000)};

	if (gateway->stopping)
		return;
	gateway->stopping = true;
	gateway_board_leave(gateway->board);
	(void)event_add(gateway->deadline, &time);
	server_stop(gateway->server);
}

/* The first one lets what is under way come to its end, the second does not. */
static void on_signal(evutil_socket_t number, short what, void *userdata)
{
	struct gateway *gateway = userdata;

	(void)what;
	if (!gateway->was_told) { /* a supervisor that leaves may have said so already */
		gateway->was_told = true;
		gateway_stop(gateway);
		return;
	}
	gateway->signal_number = (int)number;
	(void)event_base_loopbreak(gateway->base);
}

/* ---- the loop */

static void on_table_moved(evutil_socket_t fd, short what, void *userdata)
{
	struct gateway *gateway = userdata;

	(void)fd, (void)what;
	watch_clear(gateway->watch);
	gateway_wake_sleepers(gateway);
	gateway_advance_moved(gateway);
}

static struct event_base *make_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	/* libcurl takes back a socket after each answer, and watches it again with the next request */
	if (config &&
	    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK |
						  EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0)
		base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	return base;
}

static int watch_table(struct gateway *gateway)
{
	int rc = watch_new(gateway->http->table, &gateway->watch);

	if (rc != 0)
		return rc;
	gateway->table_moved = event_new(gateway->base, watch_fd(gateway->watch),
					 EV_READ | EV_PERSIST, on_table_moved, gateway);
	return gateway->table_moved && event_add(gateway->table_moved, NULL) == 0 ? 0 : -ENOMEM;
}

/* One for each client, and one for each model that is asked for it. Returns for how many clients there are enough. */
static uint32_t raise_descriptor_limit(uint32_t connections_max)
{
	struct rlimit limit;
	const rlim_t wanted = 2 * (rlim_t)connections_max + DESCRIPTORS_MIN;
	rlim_t enough_for = 1;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return connections_max;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == wanted)
		return connections_max;
	if (limit.rlim_cur > DESCRIPTORS_MIN + 2)
		enough_for = (limit.rlim_cur - DESCRIPTORS_MIN) / 2;
	log_warn("gateway: %u connections at once, not %u: the hard limit of descriptors is "
		 "%ju, expected %ju",
		 (unsigned)enough_for, connections_max, (uintmax_t)limit.rlim_cur,
		 (uintmax_t)wanted);
	return (uint32_t)enough_for;
}

static int begin(struct gateway *gateway, struct listen_list *listeners)
{
	struct server_events events = gateway_events;
	struct server_limits limits;
	int rc;

	gateway_limits(gateway->http->config, &limits, &gateway->memory.bytes_max);
	TAILQ_INIT(&gateway->calls);
	TAILQ_INIT(&gateway->moved);
	limits.connections_max = raise_descriptor_limit(limits.connections_max);
	gateway->base = make_base();
	if (!gateway->base)
		return -ENOMEM;
	events.userdata = gateway;
	events.emptied = on_emptied;
	events.counted = on_counted;
	events.holds_back = holds_back;
	rc = gateway_loop_new(gateway, &gateway->loop);
	if (rc == 0)
		rc = gateway_memory_begin(gateway);
	if (rc == 0)
		rc = watch_table(gateway);
	if (rc == 0)
		rc = gateway_control_new(gateway, &gateway->control);
	if (rc == 0)
		rc = gateway_board_new(&gateway->board);
	gateway->deadline = evtimer_new(gateway->base, on_deadline, gateway);
	if (rc == 0 && !gateway->deadline)
		rc = -ENOMEM;
	if (rc == 0)
		rc = server_new(gateway->base, &events, &limits, &gateway->server);
	for (size_t i = 0; rc == 0 && i < listeners->count; i++) {
		rc = server_listen(gateway->server, listeners->fds[i]);
		if (rc == 0)
			listeners->fds[i] = -1; /* the server's now */
	}
	return rc;
}

static void end(struct gateway *gateway)
{
	server_free(gateway->server);
	gateway_memory_end(gateway);
	gateway_control_free(gateway->control);
	gateway_board_free(gateway->board);
	if (gateway->deadline)
		event_free(gateway->deadline);
	if (gateway->table_moved)
		event_free(gateway->table_moved);
	watch_free(gateway->watch);
	route_sets_deinit(&gateway->sets);
	gateway_access_free(gateway->access);
	lull_http_close(gateway->http);
	gateway_loop_free(gateway->loop);
	if (gateway->base)
		event_base_free(gateway->base);
}

static int loop(struct gateway *gateway)
{
	static const int signals[SIGNALS] = {SIGTERM, SIGINT};
	struct event *events[SIGNALS] = {NULL};
	int rc = 0;

	for (size_t i = 0; i < SIGNALS; i++) {
		events[i] = evsignal_new(gateway->base, signals[i], on_signal, gateway);
		if (!events[i] || event_add(events[i], NULL) != 0)
			rc = -ENOMEM;
	}
	if (rc == 0) {
		gateway_control_ready(gateway->control);
		rc = event_base_dispatch(gateway->base) < 0 ? -EIO : 0;
	}
	for (size_t i = 0; i < SIGNALS; i++)
		if (events[i])
			event_free(events[i]);
	return rc;
}

static int run(const struct settings *settings, struct lull_http *http,
	       struct gateway_access *access, struct listen_list *listeners)
{
	struct gateway gateway = {
		.http = http,
		.access = access,
		.budget_ms = settings->call.budget_ms,
		.log = (enum gateway_log)settings->log,
		.drain_ms = settings->drain_ms,
	};
	int rc = begin(&gateway, listeners);

	if (rc == 0) {
		gateway_log_messages(gateway.log);
		rc = loop(&gateway);
	}
	if (rc != 0)
		log_error("gateway: it cannot go on: %s", strerror(-rc));
	end(&gateway);
	if (gateway.signal_number)
		return end_by_signal(gateway.signal_number);
	return rc == 0 ? EX_OK : EX_SOFTWARE;
}

static int gateway(const struct settings *settings)
{
	struct listen_list listeners = {0};
	struct gateway_access *access = NULL;
	struct lull_http *http = NULL;
	int code = call_open(&settings->call, &http);

	if (code == 0)
		code = gateway_access_new(http->config, &access);
	if (code == 0)
		code = gateway_listen(&settings->listen, &listeners);
	for (size_t i = 0; code == 0 && i < listeners.count; i++)
		code = gateway_access_check_socket(access, listeners.fds[i]);
	if (code == 0) {
		(void)http_tell_table(http);
		code = run(settings, http, access, &listeners);
	} else {
		gateway_access_free(access);
		lull_http_close(http);
	}
	gateway_unlisten(&listeners);
	return code;
}

int cmd_gateway(int argc, char **argv)
{
	struct settings settings = {.drain_ms = DRAIN_MS, .log = GATEWAY_LOG_LOGFMT};
	int first = 0;
	int code;

	call_settings_init(&settings.call);
	code = options_read(&command, argc, argv, &settings, &first);
	if (code == 0 && first < argc) {
		log_error("gateway: '%s' is unexpected; see lull-worker gateway --help",
			  argv[first]);
		code = -EINVAL;
	}
	if (code == 0) {
		log_set_level((enum log_level)settings.call.log_level);
		code = gateway(&settings);
	} else {
		code = code == OPTIONS_HELP ? EX_OK : EX_USAGE;
	}
	text_list_deinit(&settings.listen);
	call_settings_deinit(&settings.call);
	return code;
}
