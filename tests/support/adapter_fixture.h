/* SPDX-License-Identifier: MIT */
/*
 * What the tests of forms other than OpenAI's share: cases of requests, refusals and answers, and
 * how each is checked. A test says its route first.
 */
#ifndef LULL_TESTS_ADAPTER_FIXTURE_H
#define LULL_TESTS_ADAPTER_FIXTURE_H

#include "wire.h"

/* clang-format off */
#define CHECK_ALL(check, cases) \
	for (size_t i = 0; i < sizeof(cases) / sizeof((cases)[0]); i++) \
		check(&(cases)[i])

/* pieces of requests in OpenAI's form */
#define ASKS       "\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]"
#define SAYS(text) "{\"messages\":[{\"role\":\"user\",\"content\":" text "}]}"
#define TOOL       "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]"
#define CALLS      "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}"
/* clang-format on */

/* A route of that provider to https://host/v1, with the key "secret-key" and that model. */
struct http_route adapter_route(const char *provider, const char *model);

struct request_case {
	const char *request;  /* in OpenAI's form */
	const char *expected; /* members that the body has, with just these values */
	const char *omitted;  /* what is named as left out; NULL nothing */
};

struct refusal_case {
	const char *request;
	const char *error;
};

struct answer_case {
	const char *body;
	uint32_t class_id;
	const char *expected; /* stands in the JSON of the answer; NULL nothing to see */
};

/* Each with the route that was said last. */
void adapter_use(const struct http_route *route);
void adapter_check_request(const struct request_case *c);
void adapter_check_refusal(const struct refusal_case *c);
void adapter_check_answer(const struct answer_case *c);
/* The body is a stream that ends cleanly; the answer is what was put together of it. */
void adapter_check_stream(const struct answer_case *c);

bool adapter_has_header(const struct http_request *request, const char *line);

#endif
