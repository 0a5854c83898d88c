/* SPDX-License-Identifier: MIT */
/*
 * The blocking driver: one call at a time, in this thread. See driver.h.
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
	const struct driver_job *job;
	struct lull_call *call;
	struct driver_result *result;
};

static bool is_cancelled(const struct driver *driver)
{
	return driver->job->is_cancelled && driver->job->is_cancelled(driver->job->userdata);
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

/* renew_ms: how often to say that it still runs; 0: nobody needs to know */
static int wait_for_end(struct driver *driver, struct http_attempt *attempt, uint32_t renew_ms)
{
	uint64_t renew_at_ms = renew_ms ? lull_clock_ms() + renew_ms : LULL_NEVER;
	int rc = 0;

	while (rc == 0 && !http_attempt_ended(attempt)) {
		if (is_cancelled(driver)) {
			http_attempt_cancel(attempt);
			break;
		}
		rc = transport_wait(driver->job->transport,
				    sooner(http_attempt_until_ms(attempt), renew_at_ms));
		http_attempt_check(attempt, lull_clock_ms());
		if (lull_clock_ms() >= renew_at_ms) {
			on_progress(LULL_PROGRESS_RUNNING, driver);
			renew_at_ms = lull_clock_ms() + renew_ms;
		}
	}
	return rc;
}

static int report_end(struct driver *driver, struct http_attempt *attempt)
{
	const char *members = driver->job->routes->routes[driver->result->route].members;
	struct verdict verdict;

	http_attempt_finish(attempt, &driver->result->answer, &verdict);
	driver->result->handed_out = http_attempt_handed_out(attempt);
	redact(verdict.detail, sizeof(verdict.detail), driver->job->request,
	       driver->job->request_bytes);
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

static int run_attempt(struct driver *driver, const struct lull_step *step)
{
	const struct http_attempt_job job = {
		.route = &driver->job->routes->routes[step->route],
		.request = driver->job->request,
		.request_bytes = driver->job->request_bytes,
		.sink = driver->job->sink,
		.filtered_fails = leads_from(driver->job->routes, LULL_CLASS_CONTENT_POLICY),
		.progress = on_progress,
		.emptied = on_emptied,
		.userdata = driver,
		.tokens = driver->job->options->tokens,
	};
	char error[HTTP_ATTEMPT_ERROR_BYTES];
	struct http_attempt *attempt = NULL;
	int rc = http_attempt_start(driver->job->transport, &job, step, &attempt, error);

	driver->result->route = step->route;
	if (rc == -ECHILD)
		return rc;
	if (rc != 0)
		return report_unsent(driver, rc, error);
	memcpy(driver->result->omitted[step->route], http_attempt_omitted(attempt),
	       REQUEST_OMITTED_BYTES);
	rc = wait_for_end(driver, attempt, step->renew_ms);
	rc = rc == 0 ? report_end(driver, attempt) : report_unsent(driver, rc, "libcurl failed");
	http_attempt_free(attempt);
	return rc;
}

/* ---- the loop */

/* Return: 0; -ECANCELED */
static int sleep_until(struct driver *driver, const struct lull_step *step)
{
	(void)lull_table_wait(driver->job->table, step->serial, step->until_ms);
	return is_cancelled(driver) ? -ECANCELED : 0;
}

static void note_done(struct driver_result *result, const struct lull_step *step)
{
	result->result = step->result;
	result->class_id = step->class_id;
	result->exit_code = step->exit_code;
	result->ready_in_ms = step->ready_in_ms;
}

/* The call was asleep, so there is no attempt to report: it just ends. */
static void note_cancelled(struct driver_result *result)
{
	result->result = LULL_RESULT_CANCELLED;
	result->class_id = LULL_CLASS_CANCELLED;
	result->exit_code = 130;
	result->ready_in_ms = LULL_NEVER;
}

static int run_loop(struct driver *driver)
{
	struct lull_step step = {.abi_version = LULL_ABI_VERSION};

	int rc;

	while ((rc = lull_call_next(driver->call, lull_clock_ms(), &step)) == 0) {
		if (step.action == LULL_ACTION_DONE) {
			note_done(driver->result, &step);
			return 0;
		}
		rc = step.action == LULL_ACTION_TRY ? run_attempt(driver, &step)
						    : sleep_until(driver, &step);
		if (rc == -ECANCELED) {
			note_cancelled(driver->result);
			return 0;
		}
		if (rc != 0)
			break;
	}
	return rc;
}

static int copy_trail(struct driver *driver)
{
	struct driver_result *result = driver->result;
	const uint32_t count = lull_call_trail_count(driver->call);

	result->trail = calloc(count ? count : 1, sizeof(*result->trail));
	if (!result->trail)
		return -ENOMEM;
	while (result->trail_count < count) {
		struct lull_trail_entry *entry = &result->trail[result->trail_count];

		entry->abi_version = LULL_ABI_VERSION;
		if (lull_call_trail_at(driver->call, result->trail_count, entry) != 0)
			break;
		result->trail_count++;
	}
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

int driver_run(const struct driver_job *job, struct driver_result *ret_result)
{
	struct driver driver = {.job = job, .result = ret_result};
	const uint64_t begin_ms = lull_clock_ms();
	struct lull_route *routes = NULL;
	struct sigpipe_guard guard;
	int rc;

	*ret_result = (struct driver_result){.route = LULL_UNSET};
	ret_result->omitted = calloc(job->routes->count, sizeof(*ret_result->omitted));
	rc = ret_result->omitted ? list_routes(job, &routes) : -ENOMEM;
	if (rc == 0)
		rc = lull_call_begin(&driver.call, job->table, routes, job->routes->count,
				     job->options, begin_ms);
	if (rc != 0)
		goto out;
	sigpipe_block(&guard);
	rc = run_loop(&driver);
	sigpipe_restore(&guard);
	ret_result->for_ms = lull_clock_ms() - begin_ms;
	if (rc == 0)
		rc = copy_trail(&driver);
	lull_call_end(driver.call, lull_clock_ms());
out:
	free(routes);
	if (rc != 0)
		driver_result_deinit(ret_result);
	return rc;
}

void driver_result_deinit(struct driver_result *result)
{
	answer_deinit(&result->answer);
	free(result->trail);
	free(result->omitted);
	*result = (struct driver_result){.route = LULL_UNSET};
}
