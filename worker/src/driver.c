/* SPDX-License-Identifier: MIT */
/*
 * One call in flight, and the blocking way to drive it. See driver.h.
 */
#include "driver.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "redact.h"

struct driver {
	struct driver_job job;
	struct lull_call *call;
	struct lull_step step;
	struct http_attempt *attempt; /* NULL: asleep, done, or about to decide */
	bool given_up;                /* the attempt */
	uint64_t renew_at_ms;         /* likewise */
	uint64_t begin_ms;
	struct driver_result result;
};

static bool is_cancelled(const struct driver *driver)
{
	return driver->job.is_cancelled && driver->job.is_cancelled(driver->job.userdata);
}

static void on_progress(uint32_t progress, void *userdata)
{
	struct driver *driver = userdata;

	(void)lull_call_progress(driver->call, lull_clock_ms(), progress);
}

static void on_emptied(uint32_t limit, uint64_t for_ms, void *userdata)
{
	struct driver *driver = userdata;

	(void)lull_call_emptied(driver->call, lull_clock_ms(), limit, for_ms);
}

static void on_moved(void *userdata)
{
	const struct driver *driver = userdata;

	driver->job.moved(driver->job.userdata);
}

/* ---- one attempt */

/* Nothing left this host: the route cannot take the request, or the host cannot send it. */
static int report_unsent(struct driver *driver, int rc, const char *error)
{
	struct lull_outcome outcome;

	lull_outcome_init(&outcome);
	outcome.class_id = rc == -EINVAL     ? LULL_CLASS_BAD_REQUEST
			   : rc == -EMSGSIZE ? LULL_CLASS_TOO_LARGE
					     : LULL_CLASS_LOCAL;
	outcome.detail = error;
	return lull_call_report(driver->call, lull_clock_ms(), &outcome);
}

static uint64_t sooner(uint64_t a_ms, uint64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

static int report_end(struct driver *driver, struct http_attempt *attempt)
{
	const char *members = driver->job.routes->routes[driver->result.route].members;
	const char *request_id = http_attempt_request_id(attempt);
	struct verdict verdict;

	http_attempt_finish(attempt, &driver->result.answer, &verdict);
	driver->result.handed_out = http_attempt_handed_out(attempt);
	driver->result.tokens = verdict.outcome.tokens;
	(void)snprintf(driver->result.request_id, sizeof(driver->result.request_id), "%s",
		       request_id ? request_id : "");
	redact(verdict.detail, sizeof(verdict.detail), driver->job.request,
	       driver->job.request_bytes);
	if (members) /* may hold other messages */
		redact(verdict.detail, sizeof(verdict.detail), members, strlen(members));
	return lull_call_report(driver->call, lull_clock_ms(), &verdict.outcome);
}

/* Is there a route that such a refusal leads to? */
static bool leads_from(const struct route_list *routes, uint32_t class_id)
{
	for (uint32_t i = 0; i < routes->count; i++) {
		if (routes->routes[i].call.after_classes & (UINT32_C(1) << class_id))
			return true;
	}
	return false;
}

/* When to say that it still runs; never, where nobody needs to know. */
static void renew_later(struct driver *driver)
{
	const uint32_t renew_ms = driver->step.renew_ms;

	driver->renew_at_ms = renew_ms ? lull_clock_ms() + renew_ms : LULL_NEVER;
}

/* Is there a limit that a provider's word could move? */
static bool has_rates(const struct lull_route *route)
{
	return route->limits.rpm || route->limits.tpm || route->credential_limits.rpm ||
	       route->credential_limits.tpm;
}

/* Return: 0, also when it ended before it began; -ECHILD */
static int start_attempt(struct driver *driver)
{
	const uint32_t route = driver->step.route;
	const struct http_route *http_route = &driver->job.routes->routes[route];
	const struct http_attempt_job job = {
		.route = http_route,
		.request = driver->job.request,
		.request_bytes = driver->job.request_bytes,
		.sink = driver->job.sink,
		.filtered_fails = leads_from(driver->job.routes, LULL_CLASS_CONTENT_POLICY),
		.progress = on_progress,
		.emptied = has_rates(&http_route->call) ? on_emptied : NULL,
		.moved = driver->job.moved ? on_moved : NULL,
		.userdata = driver,
		.headers = driver->job.headers,
		.tokens = driver->job.options->tokens,
	};
	char error[HTTP_ATTEMPT_ERROR_BYTES];
	int rc = http_attempt_start(driver->job.transport, &job, &driver->step, &driver->attempt,
				    error);

	driver->result.route = route;
	renew_later(driver);
	if (rc == -ECHILD)
		return rc;
	if (rc != 0)
		return report_unsent(driver, rc, error);
	memcpy(driver->result.omitted[route], http_attempt_omitted(driver->attempt),
	       REQUEST_OMITTED_BYTES);
	return 0;
}

static int end_attempt(struct driver *driver)
{
	int rc = driver->given_up ? report_unsent(driver, -EIO, "libcurl failed")
				  : report_end(driver, driver->attempt);

	driver->attempt = http_attempt_free(driver->attempt);
	driver->given_up = false;
	return rc;
}

static bool attempt_is_over(struct driver *driver)
{
	http_attempt_check(driver->attempt, lull_clock_ms());
	if (!http_attempt_ended(driver->attempt) && is_cancelled(driver))
		http_attempt_cancel(driver->attempt);
	if (driver->given_up || http_attempt_ended(driver->attempt))
		return true;
	if (driver->renew_at_ms != LULL_NEVER && lull_clock_ms() >= driver->renew_at_ms) {
		on_progress(LULL_PROGRESS_RUNNING, driver);
		renew_later(driver);
	}
	return false;
}

/* ---- the loop */

static void note_done(struct driver *driver)
{
	const struct lull_step *step = &driver->step;

	driver->result.result = step->result;
	driver->result.class_id = step->class_id;
	driver->result.exit_code = step->exit_code;
	driver->result.ready_in_ms = step->ready_in_ms;
	driver->result.for_ms = lull_clock_ms() - driver->begin_ms;
}

/* The call is asleep, so there is no attempt to report: it just ends. */
static void cancel_sleep(struct driver *driver)
{
	driver->step.action = LULL_ACTION_DONE;
	driver->step.result = LULL_RESULT_CANCELLED;
	driver->step.class_id = LULL_CLASS_CANCELLED;
	driver->step.exit_code = 130;
	driver->step.ready_in_ms = LULL_NEVER;
}

/* What the call wants now. Return: enum driver_state, or 0: it has to be asked again; -ECHILD */
static int take_step(struct driver *driver)
{
	const bool was_asleep = driver->step.action == LULL_ACTION_SLEEP;
	int rc = 0;

	if (was_asleep && is_cancelled(driver))
		cancel_sleep(driver);
	else
		rc = lull_call_next(driver->call, lull_clock_ms(), &driver->step);
	if (rc != 0)
		return rc;
	if (driver->step.action == LULL_ACTION_SLEEP)
		return DRIVER_SLEEPING;
	if (driver->step.action == LULL_ACTION_TRY)
		return start_attempt(driver);
	note_done(driver);
	return DRIVER_DONE;
}

int driver_advance(struct driver *driver)
{
	int rc = driver->step.action == LULL_ACTION_DONE ? DRIVER_DONE : 0;

	while (rc == 0) {
		if (!driver->attempt)
			rc = take_step(driver);
		else if (attempt_is_over(driver))
			rc = end_attempt(driver);
		else
			rc = DRIVER_TALKING;
	}
	return rc;
}

uint64_t driver_until_ms(const struct driver *driver)
{
	if (!driver->attempt)
		return driver->step.until_ms;
	return sooner(http_attempt_until_ms(driver->attempt), driver->renew_at_ms);
}

uint32_t driver_serial(const struct driver *driver)
{
	return driver->step.serial;
}

void driver_pause(struct driver *driver, bool pause)
{
	if (driver->attempt)
		http_attempt_pause(driver->attempt, pause);
}

bool driver_has_tried(const struct driver *driver)
{
	return driver->result.route != LULL_UNSET;
}

void driver_give_up_attempt(struct driver *driver)
{
	driver->given_up = driver->attempt != NULL;
}

/* ---- beginning and end */

int driver_trail(const struct driver *driver, struct lull_trail_entry **ret_trail,
		 uint32_t *ret_count)
{
	const uint32_t count = lull_call_trail_count(driver->call);
	struct lull_trail_entry *trail = calloc(count ? count : 1, sizeof(*trail));
	uint32_t copied = 0;

	if (!trail)
		return -ENOMEM;
	for (; copied < count; copied++) {
		trail[copied].abi_version = LULL_ABI_VERSION;
		if (lull_call_trail_at(driver->call, copied, &trail[copied]) != 0)
			break;
	}
	*ret_trail = trail;
	*ret_count = copied;
	return 0;
}

/* The loop knows one limit until headers; LiteLLM's form has another one for streams. */
static int list_routes(const struct driver_job *job, struct lull_route **ret_routes)
{
	const struct route_list *list = job->routes;
	struct lull_route *routes = calloc(list->count, sizeof(*routes));

	if (!routes)
		return -ENOMEM;
	for (uint32_t i = 0; i < list->count; i++) {
		const struct http_route *route = &list->routes[i];

		routes[i] = route->call;
		if ((job->sink || route->stream_upstream) && route->stream_timeout_ms)
			routes[i].timeout_ms = route->stream_timeout_ms;
	}
	*ret_routes = routes;
	return 0;
}

int driver_new(const struct driver_job *job, struct driver **ret_driver)
{
	struct driver *driver = calloc(1, sizeof(*driver));
	struct lull_route *routes = NULL;
	int rc;

	if (!driver)
		return -ENOMEM;
	driver->job = *job;
	driver->begin_ms = lull_clock_ms();
	driver->step.abi_version = LULL_ABI_VERSION;
	driver->result.route = driver->result.tokens = LULL_UNSET;
	driver->result.omitted = calloc(job->routes->count, sizeof(*driver->result.omitted));
	rc = driver->result.omitted ? list_routes(job, &routes) : -ENOMEM;
	if (rc == 0)
		rc = lull_call_begin(&driver->call, job->table, routes, job->routes->count,
				     job->options, driver->begin_ms);
	free(routes);
	if (rc == 0)
		*ret_driver = driver;
	else
		(void)driver_end(driver, NULL);
	return rc;
}

int driver_end(struct driver *driver, struct driver_result *ret_result)
{
	int rc = ret_result
			 ? driver_trail(driver, &driver->result.trail, &driver->result.trail_count)
			 : 0;

	http_attempt_free(driver->attempt);
	lull_call_end(driver->call, lull_clock_ms());
	if (ret_result && rc == 0)
		*ret_result = driver->result;
	else
		driver_result_deinit(&driver->result);
	free(driver);
	return rc;
}

void driver_result_deinit(struct driver_result *result)
{
	answer_deinit(&result->answer);
	free(result->trail);
	free(result->omitted);
	*result = (struct driver_result){.route = LULL_UNSET};
}

/* ---- SIGPIPE: OpenSSL writes to sockets without MSG_NOSIGNAL, and libcurl leaves signals to us */

struct sigpipe_guard {
	sigset_t before;
	bool was_pending;
};

static void sigpipe_block(struct sigpipe_guard *guard)
{
	sigset_t pending, pipe_only;

	(void)sigemptyset(&pipe_only);
	(void)sigaddset(&pipe_only, SIGPIPE);
	(void)sigpending(&pending);
	guard->was_pending = sigismember(&pending, SIGPIPE) == 1;
	(void)pthread_sigmask(SIG_BLOCK, &pipe_only, &guard->before);
}

static void sigpipe_restore(const struct sigpipe_guard *guard)
{
	const struct timespec at_once = {0};
	sigset_t pipe_only;

	(void)sigemptyset(&pipe_only);
	(void)sigaddset(&pipe_only, SIGPIPE);
	if (!guard->was_pending)
		(void)sigtimedwait(&pipe_only, NULL, &at_once);
	(void)pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}

/* Return: DRIVER_DONE; -ECHILD */
static int drive(struct driver *driver)
{
	const struct driver_job *job = &driver->job;
	int state;

	while ((state = driver_advance(driver)) == DRIVER_TALKING || state == DRIVER_SLEEPING) {
		const uint64_t until_ms = driver_until_ms(driver);

		if (state == DRIVER_SLEEPING)
			(void)lull_table_wait(job->table, driver->step.serial, until_ms);
		else if (transport_wait(job->transport, until_ms) != 0)
			driver_give_up_attempt(driver);
	}
	return state;
}

int driver_run(const struct driver_job *job, struct driver_result *ret_result)
{
	struct sigpipe_guard guard;
	struct driver *driver;
	int state, rc = driver_new(job, &driver);

	if (rc != 0)
		return rc;
	sigpipe_block(&guard);
	state = drive(driver);
	sigpipe_restore(&guard);
	rc = driver_end(driver, state == DRIVER_DONE ? ret_result : NULL);
	return state == DRIVER_DONE ? rc : state;
}
