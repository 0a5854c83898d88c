/* SPDX-License-Identifier: MIT */
/*
 * An attempt: one request to one route, held to the limits of its step, and judged at its end.
 *
 *     http_attempt_start(transport, &job, &attempt)
 *     while (!http_attempt_ended(attempt)) {
 *             transport_wait(transport, http_attempt_until_ms(attempt))
 *             http_attempt_check(attempt, now)
 *     }
 *     http_attempt_finish(attempt, &answer, &verdict)
 *     http_attempt_free(attempt)
 */
#ifndef LULL_WORKER_ATTEMPT_H
#define LULL_WORKER_ATTEMPT_H

#include "transport.h"

/* Where the pieces of a streamed answer are handed out. */
struct sink {
	/* event: borrowed. Non-zero: the reader has gone, and the attempt ends as cancelled */
	int (*chunk)(const struct stream_event *event, void *userdata);
	void *userdata;
};

struct http_attempt_job {
	const struct http_route *route; /* all borrowed until http_attempt_free() */
	const char *request;            /* the caller's, in OpenAI's form */
	size_t request_bytes;
	const struct sink *sink; /* NULL: the caller wants one whole answer */
	bool filtered_fails;     /* an answer of which a content filter left nothing is a failure */
	/* enum lull_progress, as it happens */
	void (*progress)(uint32_t progress, void *userdata);
	/* the provider says that nothing is left of a limit, see lull_call_emptied(); NULL: nobody
	 * needs to know */
	void (*emptied)(uint32_t limit, uint64_t for_ms, void *userdata);
	/* something has come of it, so its limits are others, or it is at its end; NULL: nobody needs
	 * to be told */
	void (*moved)(void *userdata);
	void *userdata;
	const char *const *headers; /* beside the request's own, see transfer_job; NULL none */
	uint32_t tokens;            /* what it is expected to use */
};

#define HTTP_ATTEMPT_ERROR_BYTES REQUEST_ERROR_BYTES

struct http_attempt;

/*
 * Return: 0; negative errno with a sentence in error[HTTP_ATTEMPT_ERROR_BYTES]: -EINVAL, -EMSGSIZE
 * the request cannot be put to this route; anything else is this host's trouble.
 */
int http_attempt_start(struct transport *transport, const struct http_attempt_job *job,
		       const struct lull_step *step, struct http_attempt **ret_attempt,
		       char *error);
struct http_attempt *http_attempt_free(struct http_attempt *attempt);

bool http_attempt_ended(const struct http_attempt *attempt);
/* When its next limit passes. */
uint64_t http_attempt_until_ms(const struct http_attempt *attempt);
/* Ends it if one has passed. */
void http_attempt_check(struct http_attempt *attempt, uint64_t now_ms);
void http_attempt_cancel(struct http_attempt *attempt);
/* Its reader is slow: while it is paused no more is taken, and no silence counts. */
void http_attempt_pause(struct http_attempt *attempt, bool pause);

/*
 * What became of it. Class answered: *ret_answer is filled; where there is a sink, which has got
 * all of it by then, with the finish only. verdict->outcome.detail may point into *ret_verdict: do
 * not copy that struct.
 */
void http_attempt_finish(struct http_attempt *attempt, struct answer *ret_answer,
			 struct verdict *ret_verdict);
/* What the caller asked for and this route's form cannot say; "" nothing. */
const char *http_attempt_omitted(const struct http_attempt *attempt);
/* The provider's own name for the request, by which its support finds it; NULL none. Borrowed. */
const char *http_attempt_request_id(const struct http_attempt *attempt);
/* Some of it has reached the sink. */
bool http_attempt_handed_out(const struct http_attempt *attempt);

/* How far boottime is ahead of the clock that stops while the host sleeps. Replaceable in tests. */
extern uint64_t (*http_attempt_slept_ms)(void);

#endif
