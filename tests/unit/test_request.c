/* SPDX-License-Identifier: MIT */
/*
 * What a request says to Lull: who is asked in which order, and that none of it goes upstream,
 * while every other byte does.
 */
#include <errno.h>
#include <string.h>

#include "../../worker/src/request.h"
#include "cunit_main.h"
#include "repeat.h"

static int read_text(const char *text, struct request *request, char *error)
{
	error[0] = '\0';
	return request_read(text, strlen(text), request, error);
}

/* "model | fallback fallback{members} | bytes that go upstream"; "-" is none. */
static void describe(const struct request *request, char *ret)
{
	ret += sprintf(ret, "%s |", request->model ? request->model : "-");
	if (!request->fallbacks)
		ret += sprintf(ret, " -");
	for (size_t i = 0; request->fallbacks && i < request->fallback_count; i++) {
		const struct listed_model *listed = &request->fallbacks[i];

		ret += sprintf(ret, " %s%s", listed->name, listed->members ? listed->members : "");
	}
	(void)sprintf(ret, " | %.*s", (int)request->size, request->bytes);
}

static void test_the_list_is_read_and_taken_out(void)
{
	/* clang-format off */
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{"{}", "- | - | {}"},
		{"{\"model\":\"a\"}", "a | - | {\"model\":\"a\"}"},
		{"{\"model\":null,\"n\":1}", "- | - | {\"model\":null,\"n\":1}"},
		/* LiteLLM's */
		{"{\"model\":\"a\", \"fallbacks\":[\"b\",\"c\"], \"n\": 1.0 }", "a | b c | {\"model\":\"a\", \"n\": 1.0 }"},
		{"{\"fallbacks\":[\"b\"]}", "- | b | {}"},
		{"{\"fallbacks\":[],\"n\":1}", "- | | {\"n\":1}"},
		{"{\"n\":1,\"fallbacks\":null}", "- | - | {\"n\":1}"},
		{"{\"fallbacks\":[{\"model\":\"b\"},{\"model\":\"c\",\"temperature\":1.0,\"messages\":[]},\"d\"]}",
		 "- | b{\"model\":\"b\"} c{\"model\":\"c\",\"temperature\":1.0,\"messages\":[]} d | {}"},
		/* OpenRouter's */
		{"{\"models\":[\"a\",\"b\"]}", "a | b | {}"},
		{"{\"models\":[\"a\"]}", "a | | {}"},
		{"{\"models\":[],\"n\":1}", "- | | {\"n\":1}"},
		{"{\"model\":\"a\",\"models\":[\"a\",\"b\"]}", "a | a b | {\"model\":\"a\"}"},
		{"{\"fallbacks\":[\"c\"],\"models\":[\"a\",\"b\"]}", "a | b c | {}"},
		{"{\"m\\u006fdels\":[\"a\"],\"x\":[\"models\"]}", "a | | {\"x\":[\"models\"]}"},
		/* neither */
		{"{\"fallbacks\":[\"b\"],\"disable_fallbacks\":true}", "- | | {}"},
		{"{\"models\":[\"a\",\"b\"],\"disable_fallbacks\":true}", "a | | {}"},
		{"{\"disable_fallbacks\":true}", "- | | {}"},
		{"{\"disable_fallbacks\":false,\"n\":1}", "- | - | {\"n\":1}"},
		{"{\"disable_fallbacks\":false,\"fallbacks\":[\"b\"]}", "- | b | {}"},
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[REQUEST_ERROR_BYTES], description[512];
		struct request request;

		CU_ASSERT_EQUAL(read_text(cases[i].text, &request, error), 0);
		describe(&request, description);
		CU_ASSERT_STRING_EQUAL(description, cases[i].expected);
		if (strcmp(description, cases[i].expected) != 0)
			fprintf(stderr, "%s\n%s\n", cases[i].text, description);
		request_deinit(&request);
	}
}

static void test_retries_and_a_time_are_read_and_taken_out(void)
{
	static const struct {
		const char *text;
		uint32_t num_retries, timeout_ms;
	} cases[] = {
		{"{}", LULL_UNSET, LULL_UNSET},
		{"{\"num_retries\":0}", 0, LULL_UNSET},
		{"{\"num_retries\":3,\"timeout\":20}", 3, 20000},
		{"{\"num_retries\":17}", 16, LULL_UNSET},
		{"{\"num_retries\":99999999999999999999}", 16, LULL_UNSET},
		{"{\"num_retries\":null,\"timeout\":null}", LULL_UNSET, LULL_UNSET},
		{"{\"timeout\":0.5}", LULL_UNSET, 500},
		{"{\"timeout\":0.0001}", LULL_UNSET, 1},
		{"{\"timeout\":1e300}", LULL_UNSET, 86400000},
		{"{\"timeout\":99999999999999999999}", LULL_UNSET, 86400000},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[REQUEST_ERROR_BYTES];
		struct request request;

		CU_ASSERT_EQUAL(read_text(cases[i].text, &request, error), 0);
		CU_ASSERT_EQUAL(request.num_retries, cases[i].num_retries);
		CU_ASSERT_EQUAL(request.timeout_ms, cases[i].timeout_ms);
		CU_ASSERT(request.size == 2 && memcmp(request.bytes, "{}", 2) == 0);
		request_deinit(&request);
	}
}

static void test_unknown_forms_are_refused_with_a_sentence(void)
{
	/* clang-format off */
	static const struct {
		const char *text;
		const char *error;
	} cases[] = {
		{"{\"model\":5}", "'model' is no name of a model"},
		{"{\"model\":\"a\\u0000b\"}", "'model' is no name of a model"},
		{"{\"model\":\"a\\r\\nb\"}", "'model' is no name of a model"},
		{"{\"model\":\"\"}", "'model' is no name of a model"},
		{"{\"models\":\"a\"}", "'models' is no list, expected names of models"},
		{"{\"models\":[\"a\",5]}", "models[1] is no name of a model"},
		{"{\"models\":[{\"model\":\"a\"}]}", "models[0] is no name of a model"},
		{"{\"fallbacks\":\"a\"}", "'fallbacks' is no list, expected names of models"},
		{"{\"fallbacks\":{\"a\":[\"b\"]}}", "'fallbacks' is no list, expected names of models"},
		{"{\"fallbacks\":[\"a\",null]}", "fallbacks[1] is no model, expected a name or {\"model\": NAME}"},
		{"{\"fallbacks\":[{\"a\":[\"b\"]}]}", "fallbacks[0] is no model, expected a name or {\"model\": NAME}"},
		{"{\"fallbacks\":[{\"model\":1}]}", "fallbacks[0] is no model, expected a name or {\"model\": NAME}"},
		{"{\"fallbacks\":[{\"model\":\"a\",\"api_key\":\"sk-secret\"}]}",
		 "fallbacks[0] sets 'api_key', which cannot be set for one model"},
		{"{\"fallbacks\":[{\"model\":\"a\",\"azure_ad_token\":\"t\"}]}",
		 "fallbacks[0] sets 'azure_ad_token', which cannot be set for one model"},
		{"{\"fallbacks\":[{\"model\":\"a\",\"aws_secret_access_key\":\"t\"}]}",
		 "fallbacks[0] sets 'aws_secret_access_key', which cannot be set for one model"},
		{"{\"fallbacks\":[{\"model\":\"a\",\"fallbacks\":[]}]}",
		 "fallbacks[0] sets 'fallbacks', which cannot be set for one model"},
		{"{\"fallbacks\":[{\"model\":\"a\",\"stream\":true}]}",
		 "fallbacks[0] sets 'stream', which cannot be set for one model"},
		{"{\"disable_fallbacks\":1}", "'disable_fallbacks' is neither true nor false"},
		{"{\"num_retries\":-1}", "'num_retries' is no whole number from 0"},
		{"{\"num_retries\":1.5}", "'num_retries' is no whole number from 0"},
		{"{\"num_retries\":\"3\"}", "'num_retries' is no whole number from 0"},
		{"{\"timeout\":0}", "'timeout' is no number of seconds above 0"},
		{"{\"timeout\":-1e9}", "'timeout' is no number of seconds above 0"},
		{"{\"timeout\":\"20\"}", "'timeout' is no number of seconds above 0"},
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[REQUEST_ERROR_BYTES];
		struct request request;

		CU_ASSERT_EQUAL(read_text(cases[i].text, &request, error), -EINVAL);
		CU_ASSERT_STRING_EQUAL(error, cases[i].error);
		if (strcmp(error, cases[i].error) != 0)
			fprintf(stderr, "%s\n%s\n", cases[i].text, error);
		request_deinit(&request);
	}
}

static void test_what_is_no_object_is_refused(void)
{
	static const char *const texts[] = {
		"", "null", "[]", "5", "{", "{\"a\":1,\"a\":2}", "{\"a\":\"\xff\"}", "{\"a\":1}x",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char error[REQUEST_ERROR_BYTES];
		struct request request;

		CU_ASSERT_EQUAL(read_text(texts[i], &request, error), -EBADMSG);
		CU_ASSERT_NOT_EQUAL(error[0], '\0');
		request_deinit(&request);
	}
}

static void test_sizes_are_bounded(void)
{
	/* clang-format off */
	static const struct {
		const char *head, *piece;
		size_t count;
		const char *tail;
		int rc;
		const char *error;
	} cases[] = {
		{"{\"fallbacks\":[\"a\"", ",\"a\"", LULL_ROUTES_MAX - 1, "]}", 0, ""},
		{"{\"fallbacks\":[\"a\"", ",\"a\"", LULL_ROUTES_MAX, "]}", -EINVAL,
		 "'fallbacks' holds too many models, expected 256 at most"},
		{"{\"models\":[\"a\"],\"fallbacks\":[\"a\"", ",\"a\"", LULL_ROUTES_MAX, "]}", -EINVAL,
		 "'fallbacks' holds too many models, expected 256 at most"},
		{"{\"a\":", "[", 100000, "", -EBADMSG, "line 1: nesting too deep"},
		/* one string of nearly all that a request may have */
		{"{\"model\":\"", "x", (32u << 20) - 13, "\"}", 0, ""},
		{"{\"models\":[\"a\"],\"messages\":\"", "x", (32u << 20) - 32, "\"}", 0, ""},
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[REQUEST_ERROR_BYTES];
		struct request request;
		char *text = repeat(cases[i].head, cases[i].piece, cases[i].count, cases[i].tail);

		CU_ASSERT_EQUAL(read_text(text, &request, error), cases[i].rc);
		CU_ASSERT_STRING_EQUAL(error, cases[i].error);
		if (strcmp(error, cases[i].error) != 0)
			fprintf(stderr, "%s\n", error);
		request_deinit(&request);
		free(text);
	}
}

static void test_members_of_the_list_and_defaults_are_put_in(void)
{
	/* clang-format off */
	static const struct {
		const char *members, *defaults;
		const char *request;
		const char *expected;
	} cases[] = {
		{NULL, NULL, "{ \"n\":1 }", "{ \"n\":1 }"},
		{"{\"model\":\"b\"}", NULL, "{\"model\":\"a\", \"n\": 1.0}", "{\"model\":\"b\", \"n\": 1.0}"},
		{"{\"temperature\":0.50,\"n\":null}", NULL, "{ \"n\":1,\"x\":[1.0] }", "{\"temperature\":0.50, \"n\":null,\"x\":[1.0] }"},
		{"{}", NULL, "{ \"n\":1 }", "{ \"n\":1 }"},
		{NULL, "{\"n\":2,\"seed\":7}", "{ \"n\":1.0 }", "{\"seed\":7, \"n\":1.0 }"},
		{NULL, "{\"n\":2}", "{ \"n\":null }", "{ \"n\":null }"},
		{"{\"n\":3}", "{\"n\":2,\"seed\":7}", "{}", "{\"n\":3,\"seed\":7}"},
		{"{\"n\":3}", "{\"n\":2}", "{\"n\":1}", "{\"n\":3}"},
		/* one limit by two names */
		{NULL, "{\"max_tokens\":9}", "{}", "{\"max_tokens\":9}"},
		{NULL, "{\"max_tokens\":9}", "{\"max_completion_tokens\":1}", "{\"max_completion_tokens\":1}"},
		{NULL, "{\"max_completion_tokens\":9}", "{\"max_tokens\":1}", "{\"max_tokens\":1}"},
		{"{\"max_completion_tokens\":5}", "{\"max_tokens\":9}", "{}", "{\"max_completion_tokens\":5}"},
		{"{\"max_tokens\":5}", NULL, "{\"max_completion_tokens\":1,\"n\":1}", "{\"max_tokens\":5,\"n\":1}"},
		{"{\"max_completion_tokens\":5}", "{\"max_tokens\":9}", "{\"max_tokens\":1}", "{\"max_completion_tokens\":5}"},
		{"{\"max_tokens\":5}", NULL, "{\"max_completion_tokens\":1,\"max_tokens\":2}", "{\"max_tokens\":5}"},
		{"{\"max_tokens\":5,\"max_completion_tokens\":6}", NULL, "{}", "{\"max_tokens\":5,\"max_completion_tokens\":6}"},
		{NULL, "{\"max_tokens\":5,\"max_completion_tokens\":6}", "{}", "{\"max_tokens\":5}"},
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_route route = {.members = (char *)cases[i].members,
						 .defaults = (char *)cases[i].defaults};
		char error[REQUEST_ERROR_BYTES];
		const char *bytes = cases[i].request;
		size_t size = strlen(bytes);
		struct buffer out;

		buffer_init(&out, WIRE_BODY_BYTES_MAX);
		CU_ASSERT_EQUAL(request_for_route(&route, &bytes, &size, &out, error), 0);
		CU_ASSERT_EQUAL(size, strlen(cases[i].expected));
		CU_ASSERT_NSTRING_EQUAL(bytes, cases[i].expected, size);
		if (strncmp(bytes, cases[i].expected, size) != 0)
			fprintf(stderr, "%.*s\n", (int)size, bytes);
		buffer_deinit(&out);
	}
}

static void test_a_request_that_grows_too_large_is_refused(void)
{
	const struct http_route route = {.members = (char *)"{\"user\":\"me\"}"};
	char error[REQUEST_ERROR_BYTES];
	char *text = repeat("{\"a\":\"", "x", WIRE_BODY_BYTES_MAX - 8, "\"}");
	const char *bytes = text;
	size_t size = strlen(text);
	struct buffer out;

	buffer_init(&out, WIRE_BODY_BYTES_MAX);
	CU_ASSERT_EQUAL(request_for_route(&route, &bytes, &size, &out, error), -EMSGSIZE);
	CU_ASSERT_STRING_EQUAL(error, "the request is too large with what is put into it");
	buffer_deinit(&out);
	free(text);
}

static void test_what_a_request_may_use_is_estimated(void)
{
	static const struct {
		const char *text;
		uint32_t tokens;
	} cases[] = {
		{"{}", 1},
		{"{\"a\":1}", 2}, /* 7 bytes */
		{"{\"a\":12}", 2},
		{"{\"a\":123}", 3},
		{"{\"max_tokens\":1000}", 1005},
		{"{\"max_completion_tokens\":1000}", 1008},
		{"{\"max_completion_tokens\":0,\"max_tokens\":7}", 7 + 11},
		{"{\"max_tokens\":-1}", 5},
		{"{\"max_tokens\":\"9\"}", 5},
		{"{\"max_tokens\":null}", 5},
		{"{\"max_tokens\":9223372036854775807}", UINT32_MAX - 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[REQUEST_ERROR_BYTES];
		struct request request;

		CU_ASSERT_EQUAL_FATAL(read_text(cases[i].text, &request, error), 0);
		CU_ASSERT_EQUAL(request_tokens_expected(&request), cases[i].tokens);
		if (request_tokens_expected(&request) != cases[i].tokens)
			fprintf(stderr, "%s: %u\n", cases[i].text,
				request_tokens_expected(&request));
		request_deinit(&request);
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_the_list_is_read_and_taken_out),
		CUNIT_TEST(test_retries_and_a_time_are_read_and_taken_out),
		CUNIT_TEST(test_unknown_forms_are_refused_with_a_sentence),
		CUNIT_TEST(test_what_is_no_object_is_refused),
		CUNIT_TEST(test_sizes_are_bounded),
		CUNIT_TEST(test_members_of_the_list_and_defaults_are_put_in),
		CUNIT_TEST(test_a_request_that_grows_too_large_is_refused),
		CUNIT_TEST(test_what_a_request_may_use_is_estimated),
	};

	return CUNIT_MAIN("request", tests);
}
