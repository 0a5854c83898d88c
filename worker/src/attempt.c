/* SPDX-License-Identifier: MIT */
/*
 * An attempt: the adapter writes the request, the transport carries it, the adapter reads what
 * comes, and at the end there is one verdict. Time is kept here.
 *
 * The limits of a step, and while what each of them binds:
 *
 *     total     always
 *     budget    until the first content was handed out
 *     headers   until 2xx headers came
 *     content   until the first content of a stream
 *     idle      between two deltas of a stream; bytes and comments are none
 *     connect   until the connection stands
 *     done      a second after "[DONE]": some servers forget to end
 *
 * What the provider said outranks what our clock said: a refusal whose body never ends is that
 * refusal, a stream that is whole but not closed is an answer.
 *
 * Nothing of a stream is handed out before its first content. Until then another route may still
 * answer, and a reader must not see the openings of two answers.
 */
#include "attempt.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "chunk.h"

#define DONE_MS 1000 /* time for the last bytes of a body, so that its connection can be kept */
#define WHOLE_MS \
	5000 /* for the usage behind the last finish reason, or a choice that begins late */
#define SLEPT_MS_MIN 1000 /* below, it is the two clock readings that lie apart */

enum limit_id {
	LIMIT_NONE = 0,
	LIMIT_TOTAL,
	LIMIT_BUDGET,
	LIMIT_HEADERS,
	LIMIT_CONTENT,
	LIMIT_IDLE,
	LIMIT_CONNECT,
	LIMIT_DONE
};

/* clang-format off */
static const struct {
	const char *rule;
	const char *detail;
} limits[] = {
	[LIMIT_TOTAL]   = {"limit total", "the answer was not whole within the route's total time"},
	[LIMIT_BUDGET]  = {"limit budget", "the call's budget was spent"},
	[LIMIT_HEADERS] = {"limit headers", "no 2xx headers in time"},
	[LIMIT_CONTENT] = {"limit content", "no content in time"},
	[LIMIT_IDLE]    = {"limit idle", "the stream fell silent"},
};
/* clang-format on */

struct http_attempt {
	struct http_attempt_job job;
	struct lull_step step;
	struct http_request request;
	struct transfer *transfer;
	struct stream_reader *reader; /* the answer is a stream */
	struct buffer body;           /* the answer, or the refusal, is not */
	struct buffer held;           /* chunks before the first content, each with its NUL */
	uint64_t slept_before_ms;
	uint64_t delta_at_ms; /* the last one */
	uint64_t done_at_ms;  /* of "[DONE]"; 0: it has not come */
	bool streamed;        /* a stream was asked for */
	bool connected;
	bool accepted;
	bool has_content;
	bool handed_out;
	bool error_event; /* the stream ended itself with an error */
	bool paused;      /* by its reader */
	bool overslept;   /* woke long after the limit that was waited for */
	int stopped;      /* negative errno: this side ended it; -ECANCELED the caller left */
	enum limit_id passed;
};

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint64_t boottime_ahead_ms(void)
{
	const uint64_t monotonic_ms = clock_ms(CLOCK_MONOTONIC);

	return clock_ms(CLOCK_BOOTTIME) - monotonic_ms;
}

uint64_t (*http_attempt_slept_ms)(void) = boottime_ahead_ms;

static void tell_moved(const struct http_attempt *attempt)
{
	if (attempt->job.moved)
		attempt->job.moved(attempt->job.userdata);
}

static void tell(struct http_attempt *attempt, enum lull_progress progress)
{
	attempt->job.progress(progress, attempt->job.userdata);
}

/* ---- handing out */

static int hand_out(struct http_attempt *attempt, const struct stream_event *event)
{
	const struct sink *sink = attempt->job.sink;

	assert(sink);
	return sink->chunk(event, sink->userdata) == 0 ? 0 : -ECANCELED;
}

static int hand_out_held(struct http_attempt *attempt)
{
	const char *json = attempt->held.bytes; /* each with its NUL; NULL: there is none */
	const char *end = json ? json + attempt->held.size : NULL;
	int rc = 0;

	while (rc == 0 && json != end) {
		const struct stream_event event = {
			.type = STREAM_CHUNK, .json = json, .json_bytes = strlen(json)};

		rc = hand_out(attempt, &event);
		json += event.json_bytes + 1;
	}
	buffer_deinit(&attempt->held);
	return rc;
}

/* From here on no other route may answer: said before the first piece leaves. */
static int begin_handing_out(struct http_attempt *attempt)
{
	attempt->handed_out = true;
	tell(attempt, LULL_PROGRESS_CONTENT);
	return hand_out_held(attempt);
}

static int on_event(const struct stream_event *event, void *userdata)
{
	struct http_attempt *attempt = userdata;
	int rc = 0;

	if (event->type == STREAM_DONE) {
		attempt->done_at_ms = lull_clock_ms();
		return 0;
	}
	attempt->has_content = attempt->has_content || event->content;
	if (attempt->job.sink && !attempt->has_content)
		rc = buffer_add(&attempt->held, event->json, event->json_bytes + 1);
	if (attempt->job.sink && attempt->has_content && !attempt->handed_out)
		rc = begin_handing_out(attempt);
	if (rc == 0 && attempt->handed_out)
		rc = hand_out(attempt, event);
	if (event->content || event->finish) /* empty ones only show that the server lives */
		attempt->delta_at_ms =
			lull_clock_ms(); /* after a reader that was slow to take it */
	return rc;
}

/* ---- what the transport tells */

static void on_connected(void *userdata)
{
	struct http_attempt *attempt = userdata;

	attempt->connected = true;
	tell(attempt, LULL_PROGRESS_CONNECTED);
	tell_moved(attempt);
}

static void on_resent(void *userdata)
{
	tell(userdata, LULL_PROGRESS_RESENT);
}

static bool has_type(const char *content_type, const char *type)
{
	return content_type && strncasecmp(content_type, type, strlen(type)) == 0;
}

/* The answer's own word counts; where it gives none, what was asked for. */
static bool is_stream(const struct http_attempt *attempt, const struct wire_response *head)
{
	const char *type = wire_header_get(head, "content-type");

	if (wire_is_event_stream(head))
		return true;
	return attempt->streamed && !has_type(type, "application/json") &&
	       !has_type(type, "text/html");
}

static void tell_emptied(struct http_attempt *attempt, const struct wire_response *head)
{
	const struct http_attempt_job *job = &attempt->job;
	struct wire_response now = *head;
	int64_t for_ms;

	now.now_unix_ms = (int64_t)clock_ms(CLOCK_REALTIME);
	for_ms = hint_emptied(job->route->provider, &now, LULL_LIMIT_RPM, 1);
	if (for_ms >= 0)
		job->emptied(LULL_LIMIT_RPM, (uint64_t)for_ms, job->userdata);
	for_ms = hint_emptied(job->route->provider, &now, LULL_LIMIT_TPM, job->tokens);
	if (for_ms >= 0)
		job->emptied(LULL_LIMIT_TPM, (uint64_t)for_ms, job->userdata);
}

static int on_head(const struct wire_response *head, void *userdata)
{
	struct http_attempt *attempt = userdata;

	tell_moved(attempt);
	if (attempt->job.emptied)
		tell_emptied(attempt, head);
	if (head->status < 200 || head->status > 299)
		return 0;
	attempt->accepted = true;
	tell(attempt, LULL_PROGRESS_ACCEPTED);
	if (!is_stream(attempt, head))
		return 0;
	transfer_expect_stream(attempt->transfer);
	attempt->reader = stream_new(attempt->job.route, head);
	if (attempt->reader && attempt->job.sink)
		stream_want_chunks_only(attempt->reader);
	attempt->stopped = attempt->reader ? 0 : -ENOMEM;
	return attempt->stopped;
}

static int on_body(const char *bytes, size_t size, void *userdata)
{
	struct http_attempt *attempt = userdata;
	int rc = attempt->reader ? stream_feed(attempt->reader, bytes, size, on_event, attempt)
				 : buffer_add(&attempt->body, bytes, size);

	attempt->error_event = rc > 0;
	attempt->stopped = rc < 0 ? rc : 0;
	tell_moved(attempt);
	return rc;
}

static void on_ended(void *userdata)
{
	tell_moved(userdata);
}

static const struct transfer_events transfer_events = {
	.connected = on_connected,
	.resent = on_resent,
	.head = on_head,
	.body = on_body,
	.ended = on_ended,
};

/* ---- a life of limits */

int http_attempt_start(struct transport *transport, const struct http_attempt_job *job,
		       const struct lull_step *step, struct http_attempt **ret_attempt, char *error)
{
	const struct http_route *route = job->route;
	struct http_attempt *attempt = calloc(1, sizeof(*attempt));
	const uint64_t now_ms = lull_clock_ms();
	struct transfer_job transfer_job;
	int rc = -ENOMEM;

	(void)snprintf(error, HTTP_ATTEMPT_ERROR_BYTES, "out of memory");
	if (!attempt)
		return rc;
	attempt->job = *job;
	attempt->step = *step;
	attempt->streamed = job->sink || route->stream_upstream;
	attempt->slept_before_ms = http_attempt_slept_ms();
	buffer_init(&attempt->body, WIRE_BODY_BYTES_MAX);
	buffer_init(&attempt->held, WIRE_BODY_BYTES_MAX);
	rc = request_write(route, job->request, job->request_bytes, attempt->streamed,
			   &attempt->request, error);
	if (rc != 0)
		goto fail;
	transfer_job = (struct transfer_job){
		.route = route,
		.request = &attempt->request,
		.headers = job->headers,
		.streamed = attempt->streamed,
		.connect_for_ms = step->connect_by_ms > now_ms ? step->connect_by_ms - now_ms : 0,
		.events = &transfer_events,
		.userdata = attempt,
	};
	rc = transfer_start(transport, &transfer_job, &attempt->transfer);
	if (rc != 0) {
		(void)snprintf(error, HTTP_ATTEMPT_ERROR_BYTES, "cannot start a request: %s",
			       strerror(-rc));
		goto fail;
	}
	*ret_attempt = attempt;
	return 0;
fail:
	http_attempt_free(attempt);
	return rc;
}

struct http_attempt *http_attempt_free(struct http_attempt *attempt)
{
	if (!attempt)
		return NULL;
	transfer_free(attempt->transfer);
	if (attempt->reader)
		stream_free(attempt->reader);
	http_request_deinit(&attempt->request);
	buffer_deinit(&attempt->body);
	buffer_deinit(&attempt->held);
	free(attempt);
	return NULL;
}

/* Who refuses bytes that libcurl had kept during a pause ends a transfer that libcurl says nothing of. */
bool http_attempt_ended(const struct http_attempt *attempt)
{
	return transfer_ended(attempt->transfer) || attempt->passed || attempt->stopped ||
	       attempt->error_event;
}

const char *http_attempt_omitted(const struct http_attempt *attempt)
{
	return attempt->request.omitted;
}

const char *http_attempt_request_id(const struct http_attempt *attempt)
{
	static const char *const names[] = {"x-request-id", "request-id", "apim-request-id",
					    "x-amzn-requestid"};
	const char *id = NULL;

	for (size_t i = 0; !id && i < sizeof(names) / sizeof(names[0]); i++)
		id = wire_header_get(transfer_head(attempt->transfer), names[i]);
	return id;
}

bool http_attempt_handed_out(const struct http_attempt *attempt)
{
	return attempt->handed_out;
}

void http_attempt_cancel(struct http_attempt *attempt)
{
	attempt->stopped = -ECANCELED;
}

void http_attempt_pause(struct http_attempt *attempt, bool pause)
{
	if (attempt->paused == pause)
		return;
	attempt->paused = pause;
	attempt->delta_at_ms = lull_clock_ms();
	transfer_pause(attempt->transfer, pause);
}

/* Of two limits at one moment the first of this list has passed: connect proves the most. */
static enum limit_id next_limit(const struct http_attempt *attempt, uint64_t *ret_at_ms)
{
	const struct lull_step *step = &attempt->step;
	const bool needs_content = attempt->reader && !attempt->has_content;
	const bool is_whole = attempt->reader && stream_is_whole(attempt->reader);
	const struct {
		enum limit_id id;
		bool binds;
		uint64_t at_ms;
	} all[] = {
		{LIMIT_TOTAL, true, step->total_by_ms},
		{LIMIT_BUDGET, !attempt->handed_out, step->budget_by_ms},
		{LIMIT_HEADERS, !attempt->accepted, step->headers_by_ms},
		{LIMIT_CONTENT, needs_content, step->content_by_ms},
		{LIMIT_IDLE, attempt->has_content && !attempt->paused,
		 attempt->delta_at_ms + step->idle_ms},
		{LIMIT_CONNECT, !attempt->connected, step->connect_by_ms},
		{LIMIT_DONE, attempt->done_at_ms, attempt->done_at_ms + DONE_MS},
		{LIMIT_DONE, is_whole && !attempt->paused, attempt->delta_at_ms + WHOLE_MS},
	};
	enum limit_id first = LIMIT_NONE;

	*ret_at_ms = LULL_NEVER;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i].binds && all[i].at_ms < *ret_at_ms) {
			*ret_at_ms = all[i].at_ms;
			first = all[i].id;
		}
	}
	return first;
}

uint64_t http_attempt_until_ms(const struct http_attempt *attempt)
{
	uint64_t at_ms;

	(void)next_limit(attempt, &at_ms);
	return at_ms;
}

void http_attempt_check(struct http_attempt *attempt, uint64_t now_ms)
{
	uint64_t at_ms;
	enum limit_id limit = next_limit(attempt, &at_ms);

	if (http_attempt_ended(attempt) || now_ms < at_ms)
		return;
	if (attempt->paused && limit == LIMIT_TOTAL) { /* it was not the provider who was slow */
		http_attempt_cancel(attempt);
		return;
	}
	attempt->passed = limit;
	attempt->overslept = !attempt->handed_out && now_ms - at_ms > SLEPT_MS_MIN;
}

/* ---- the verdict */

static void own_verdict(const struct http_attempt *attempt, uint32_t class_id, const char *rule,
			const char *detail, struct verdict *ret)
{
	*ret = (struct verdict){.rule = rule};
	lull_outcome_init(&ret->outcome);
	ret->outcome.class_id = class_id;
	ret->outcome.http_status = (uint32_t)transfer_head(attempt->transfer)->status;
	(void)snprintf(ret->detail, sizeof(ret->detail), "%s", detail);
	ret->outcome.detail = ret->detail;
}

static void judge_limit(const struct http_attempt *attempt, struct verdict *ret)
{
	const struct transport_failure no_connection = {
		.curl_code = CURLE_OPERATION_TIMEDOUT,
		.proxied = attempt->job.route->proxy != NULL,
	};

	if (attempt->passed == LIMIT_CONNECT)
		classify_transport(&no_connection, ret);
	else if (attempt->passed == LIMIT_HEADERS && !attempt->connected)
		own_verdict(attempt, LULL_CLASS_TIMEOUT, limits[attempt->passed].rule,
			    "no connection in the time that was left", ret);
	else
		own_verdict(attempt, LULL_CLASS_TIMEOUT, limits[attempt->passed].rule,
			    limits[attempt->passed].detail, ret);
	ret->outcome.ours = 1;
}

/* What only this side noticed: a limit that passed, a failure in transport. false: neither. */
static bool judge_our_side(const struct http_attempt *attempt, struct verdict *ret)
{
	struct transport_failure failure = {0};
	const bool failed = transfer_failure(attempt->transfer, &failure);

	if (!failed && !attempt->passed)
		return false;
	failure.streamed = attempt->reader != NULL;
	failure.body_cap |= attempt->stopped == -EMSGSIZE;
	if (attempt->overslept || http_attempt_slept_ms() > attempt->slept_before_ms + SLEPT_MS_MIN)
		own_verdict(attempt, LULL_CLASS_SUSPENDED, "suspended",
			    "the host slept, or this process was stopped", ret);
	else if (attempt->passed)
		judge_limit(attempt, ret);
	else
		classify_transport(&failure, ret);
	return true;
}

static void judge_stream(const struct http_attempt *attempt, const struct wire_response *head,
			 struct verdict *ret)
{
	struct transport_failure failure;
	const bool said_done = attempt->passed == LIMIT_DONE;
	const bool is_cut =
		(attempt->passed && !said_done) || transfer_failure(attempt->transfer, &failure);

	stream_end(attempt->reader, head, is_cut, ret);
	if (ret->outcome.class_id != LULL_CLASS_ANSWERED && !attempt->error_event && !said_done)
		(void)judge_our_side(attempt, ret);
}

/* Its status tells, also where its body is too large to be kept. */
static void judge_refusal(const struct http_attempt *attempt, const struct wire_response *response,
			  struct verdict *ret)
{
	struct transport_failure failure;

	classify_response(attempt->job.route->provider, response, ret);
	if (attempt->job.route->endpoint != ENDPOINT_CHAT &&
	    ret->outcome.class_id == LULL_CLASS_MODEL_NOT_FOUND) /* for this, perhaps */
		ret->outcome.class_id = LULL_CLASS_BAD_REQUEST;
	if (response->body_bytes > 0 && transfer_failure(attempt->transfer, &failure) &&
	    failure.body_cap)
		(void)snprintf(ret->detail, sizeof(ret->detail), "a body of more than 32 MiB");
}

static void judge_whole(const struct http_attempt *attempt, const struct wire_response *response,
			struct answer *ret_answer, struct verdict *ret)
{
	if (!judge_our_side(attempt, ret))
		(void)answer_read(attempt->job.route, response, ret_answer, ret);
}

static void judge(const struct http_attempt *attempt, struct answer *ret_answer,
		  struct verdict *ret)
{
	struct wire_response response = *transfer_head(attempt->transfer);

	response.body = attempt->body.bytes ? attempt->body.bytes : "";
	response.body_bytes = attempt->body.size;
	response.now_unix_ms = (int64_t)clock_ms(CLOCK_REALTIME);
	response.secret = attempt->job.route->api_key;
	response.request = attempt->request.body.bytes; /* which may hold more than the caller's */
	response.request_bytes = attempt->request.body.size;
	if (attempt->stopped == -ECANCELED)
		own_verdict(attempt, LULL_CLASS_CANCELLED, "cancelled",
			    "nobody waits for the answer any more", ret);
	else if (attempt->stopped == -ENOMEM)
		own_verdict(attempt, LULL_CLASS_LOCAL, "memory", "out of memory", ret);
	else if (response.status >= 300)
		judge_refusal(attempt, &response, ret);
	else if (attempt->reader)
		judge_stream(attempt, &response, ret);
	else
		judge_whole(attempt, &response, ret_answer, ret);
}

/* An answer in one piece, for a caller who wants a stream. */
static int hand_out_whole(struct http_attempt *attempt, struct answer *answer)
{
	const char *finish = answer->finish;
	char *json = NULL;
	int rc = chunk_from_answer(answer, &json);

	if (rc == 0) {
		const struct stream_event event = {
			.type = STREAM_CHUNK,
			.json = json,
			.json_bytes = strlen(json),
			.text = answer->text,
			.text_bytes = answer->text_bytes,
			.content = true,
			.finish = true,
		};

		rc = begin_handing_out(attempt);
		if (rc == 0)
			rc = hand_out(attempt, &event);
	}
	free(json);
	answer_deinit(answer);
	answer->finish = finish;
	return rc;
}

/* What is still to be delivered of an answer. */
static int deliver(struct http_attempt *attempt, struct answer *answer)
{
	if (!attempt->job.sink)
		return attempt->reader ? stream_answer(attempt->reader, answer) : 0;
	if (!attempt->reader)
		return hand_out_whole(attempt, answer);
	answer->finish = stream_finish(attempt->reader);
	return attempt->handed_out ? 0 : begin_handing_out(attempt);
}

void http_attempt_finish(struct http_attempt *attempt, struct answer *ret_answer,
			 struct verdict *ret_verdict)
{
	int rc;

	judge(attempt, ret_answer, ret_verdict);
	if (ret_verdict->outcome.class_id != LULL_CLASS_ANSWERED)
		return;
	if (ret_verdict->filtered && attempt->job.filtered_fails) {
		answer_deinit(ret_answer);
		own_verdict(attempt, LULL_CLASS_CONTENT_POLICY, "filtered",
			    "a content filter left nothing of the answer", ret_verdict);
		return;
	}
	rc = deliver(attempt, ret_answer);
	if (rc == -ECANCELED)
		own_verdict(attempt, LULL_CLASS_CANCELLED, "cancelled",
			    "nobody waits for the answer any more", ret_verdict);
	else if (rc != 0)
		own_verdict(attempt, LULL_CLASS_LOCAL, "memory", "out of memory", ret_verdict);
}
