/* SPDX-License-Identifier: MIT */
/* See hook.h. The attempt of `lull run` does the rest: limits, signals, and that nothing is left. */
#include "hook.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "duration.h"
#include "exits.h"
#include "out.h"
#include "run_attempt.h"
#include "say.h"

int hook_init(struct hook *hook, const char *command, bool quiet)
{
	int error;

	*hook = (struct hook){.command = strdup(command), .quiet = quiet};
	error = hook->command == NULL ? -ENOMEM : run_guard_start(&hook->guard);
	if (error == 0)
		return 0;
	free(hook->command);
	say("unable to start a process: %s", strerror(-error));
	return EXIT_BUG;
}

void hook_deinit(struct hook *hook)
{
	run_guard_stop(&hook->guard);
	free(hook->command);
}

static void set(const char *name, const char *value)
{
	(void)setenv(name, value != NULL ? value : "", 1);
}

static void set_number(const char *name, uint64_t value)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)value);
	set(name, number);
}

/* LULL_MODEL and LULL_BUDGET_MS are the attempt's. */
static void set_environment(const struct lull_event *event, const struct moment *now)
{
	set("LULL_EVENT", output_event_name(event->type));
	set("LULL_EVENT_AT", moment_json(moment_unix_ms(now, event->at_ms)).text);
	set("LULL_EVENT_KEY", key_text(event->kind, event->key).text);
	set("LULL_EVENT_KIND", lull_kind_name(event->kind));
	set("LULL_EVENT_CAUSE", output_cause_name(event->cause));
	set_number("LULL_EVENT_STATUS", event->http_status);
	set_number("LULL_EVENT_STRIKES", event->strikes);
	set("LULL_EVENT_SECONDS", duration_json(event->for_ms).text);
	set_number("LULL_EVENT_PID", event->pid);
}

/* The line of JSON, in memory. A descriptor; -1 */
static int event_file(const struct lull_event *event, const struct moment *now)
{
	const int fd = memfd_create("lull-event", MFD_CLOEXEC);

	if (fd < 0)
		return fd;
	out_to(fd);
	output_json.event(event, now);
	(void)out_finish();
	out_to(STDOUT_FILENO);
	return fd;
}

static void tell_end(const struct hook *hook, const struct attempt_end *end,
		     const struct lull_event *event)
{
	const struct key_text key = key_text(event->kind, event->key);
	const char *const type = output_event_name(event->type);

	if (hook->quiet)
		return;
	if (end->how == ATTEMPT_NOT_STARTED)
		say("unable to start /bin/sh for %s of %s: %s", type, key.text,
		    strerror(end->code));
	else if (end->how == ATTEMPT_TIMED_OUT)
		say("the command for %s of %s was ended: it had not ended after %u s", type,
		    key.text, HOOK_SECONDS);
	else if (end->how == ATTEMPT_ENDED && end->code != 0)
		say("the command for %s of %s ended with exit status %d", type, key.text,
		    end->code);
}

int hook_run(const struct hook *hook, const struct lull_event *event, const struct moment *now)
{
	char shell[] = "/bin/sh", dash_c[] = "-c";
	char *const argv[] = {shell, dash_c, hook->command, NULL};
	char model[LULL_KEY_BYTES_MAX + 1];
	const struct spool input = {.fd = event_file(event, now)};
	const struct attempt_job job = {
		.argv = argv,
		.model = model,
		.budget_ms = HOOK_SECONDS * UINT64_C(1000),
		.by_ms = lull_clock_ms() + HOOK_SECONDS * UINT64_C(1000),
		.input = &input,
		.guard = &hook->guard,
	};
	struct attempt_end end;
	int error;

	if (lull_key_model(event->kind, event->key, model) < 0)
		model[0] = '\0';
	set_environment(event, now);
	error = attempt_run(&job, &end);
	if (input.fd >= 0)
		(void)close(input.fd);
	if (error < 0) {
		say("unable to run the command: %s", strerror(-error));
		return 0;
	}
	tell_end(hook, &end, event);
	return end.how == ATTEMPT_INTERRUPTED ? end.code : 0;
}
