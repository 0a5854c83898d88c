/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a refusal, from each provider: a verdict that a call would take, with a line of text
 * that holds neither the route's key nor anything that moves a cursor.
 */
#include <string.h>

#include <lull/lull.h>

#include "fuzz.h"
#include "http_text.h"

#define SECRET "hunter2"

static void check(const struct provider *provider, const struct wire_response *response)
{
	struct verdict verdict;
	const struct lull_outcome *outcome = &verdict.outcome;

	classify_response(provider, response, &verdict);
	CHECK(lull_class_info(outcome->class_id));
	CHECK(outcome->class_id != LULL_CLASS_ANSWERED && outcome->class_id != LULL_CLASS_MANUAL);
	CHECK(outcome->scope == LULL_UNSET || outcome->scope <= LULL_KIND_ENDPOINT);
	CHECK(outcome->proof == LULL_UNSET || outcome->proof <= LULL_PROOF_HARD);
	CHECK(outcome->hint_ms == -1 || outcome->hint_ms == verdict.hint_said_ms);
	CHECK(verdict.hint_said_ms >= -1);
	CHECK(verdict.rule && outcome->detail == verdict.detail);
	CHECK(memchr(verdict.detail, '\0', sizeof(verdict.detail)));
	CHECK(!strstr(verdict.detail, SECRET));
	for (const char *c = verdict.detail; *c != '\0'; c++)
		CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *expected;
	struct http_text text = {0};
	struct wire_response response = {
		.status = size > 0 ? 200 + data[size - 1] * 2 : 200,
		.body = (const char *)data,
		.body_bytes = size,
	};

	if (http_text_parse((const char *)data, size, &text, &expected) == 0)
		response = text.response;
	response.secret = SECRET;
	response.now_unix_ms = INT64_C(1770934000000);
	check(NULL, &response);
	for (size_t i = 0; provider_at(i); i++)
		check(provider_at(i), &response);
	http_text_deinit(&text);
	return 0;
}
