/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as an answer with hints in its headers and in its body: what is read is -1 with no
 * place, or a wait of 0 or more with one; and until limits hold so many again: for more it takes no less.
 */
#include <string.h>

#include "fuzz.h"
#include "http_text.h"

static void check(const struct provider *provider, const struct wire_response *response,
		  struct json_object *error, const char *message)
{
	const char *from = "unset";
	int64_t wait_ms = hint_read(provider, response, error, message, &from);

	CHECK(wait_ms >= -1);
	CHECK((wait_ms == -1) == (from == NULL));
	for (uint32_t limit = LULL_LIMIT_NONE; limit <= LULL_LIMIT_PARALLEL; limit++) {
		int64_t one_ms = hint_emptied(provider, response, limit, 1);
		int64_t many_ms = hint_emptied(provider, response, limit, 4000000000u);

		CHECK(-1 <= one_ms && one_ms <= many_ms);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *expected;
	struct http_text text;
	struct json_object *error;
	char problem[128];

	if (http_text_parse((const char *)data, size, &text, &expected) != 0)
		return 0;
	text.response.now_unix_ms = INT64_C(1770934000000);
	error = json_read(text.response.body, text.response.body_bytes, problem);
	for (size_t i = 0; provider_at(i); i++)
		check(provider_at(i), &text.response, error, text.response.body);
	text.response.status = 429;
	check(NULL, &text.response, error, text.response.body);
	text.response.request = (const char *)data; /* it quotes all that it says */
	text.response.request_bytes = size;
	check(NULL, &text.response, error, text.response.body);
	json_object_put(error);
	http_text_deinit(&text);
	return 0;
}
