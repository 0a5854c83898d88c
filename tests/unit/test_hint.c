/* SPDX-License-Identifier: MIT */
/*
 * Hints: the places in their order, the notations, and numbers that no sane server sends, which
 * come out as the number they are.
 */
#include <string.h>

#include "cunit_main.h"
#include "wire.h"

#define NOW_UNIX_MS INT64_C(1770934000000) /* Thu, 12 Feb 2026 22:06:40 GMT */
#define NONE        INT64_C(-1)

struct hint_case {
	const char *provider; /* NULL: none known */
	int status;
	const char *headers; /* "name: value" lines */
	const char *error;   /* the error object */
	const char *message;
	int64_t ms;
	const char *from;
};

/* the headers of one case, cut into strings in place */
static size_t cut_headers(char *lines, struct wire_header *headers)
{
	size_t count = 0;

	for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n")) {
		char *colon = strchr(line, ':');

		*colon = '\0';
		headers[count].name = line;
		headers[count++].value = colon + 2;
	}
	return count;
}

static void check(const struct hint_case *hint_case)
{
	struct wire_header headers[8];
	char lines[512], error[128];
	struct wire_response response = {
		.status = hint_case->status ? hint_case->status : 429,
		.headers = headers,
		.now_unix_ms = NOW_UNIX_MS,
	};
	struct json_object *object = NULL;
	const char *from = "unset";
	int64_t ms;

	(void)snprintf(lines, sizeof(lines), "%s", hint_case->headers ? hint_case->headers : "");
	response.header_count = cut_headers(lines, headers);
	if (hint_case->error) {
		object = json_read(hint_case->error, strlen(hint_case->error), error);
		CU_ASSERT_PTR_NOT_NULL_FATAL(object);
	}
	ms = hint_read(hint_case->provider ? provider_by_name(hint_case->provider) : NULL,
		       &response, object, hint_case->message, &from);
	if (ms != hint_case->ms)
		(void)printf("    %s | %s | %s: %lld, expected %lld\n", hint_case->headers,
			     hint_case->error, hint_case->message, (long long)ms,
			     (long long)hint_case->ms);
	CU_ASSERT_EQUAL(ms, hint_case->ms);
	if (hint_case->ms == NONE) {
		CU_ASSERT_PTR_NULL(from);
	} else {
		CU_ASSERT_PTR_NOT_NULL_FATAL(from);
		if (hint_case->from)
			CU_ASSERT_STRING_EQUAL(from, hint_case->from);
	}
	json_object_put(object);
}

#define CHECK_ALL(cases)                                                \
	for (size_t i = 0; i < sizeof(cases) / sizeof((cases)[0]); i++) \
	check(&(cases)[i])

/* rows that leave members out make clang-format 14 crash */
/* clang-format off */

static void test_seconds_and_milliseconds_are_read_exactly_and_rounded_up(void)
{
	static const struct hint_case cases[] = {
		{.headers = "retry-after: 30", .ms = 30000, .from = "retry-after"},
		{.headers = "Retry-After: 0", .ms = 0, .from = "retry-after"},
		{.headers = "retry-after: 1.5", .ms = 1500},
		{.headers = "retry-after:  18.642 ", .ms = 18642},
		{.headers = "retry-after: .25", .ms = 250},
		{.headers = "retry-after: 0.0001", .ms = 1},
		{.headers = "retry-after: 0.00000000000000000000001", .ms = 1},
		{.headers = "retry-after: 1.0000000001", .ms = 1001},
		{.headers = "retry-after: +7", .ms = 7000},
		{.headers = "retry-after: 1e2", .ms = 100000},
		{.headers = "retry-after: 2E-3", .ms = 2},
		{.headers = "retry-after-ms: 120", .ms = 120, .from = "retry-after-ms"},
		{.headers = "retry-after-ms: 120.2", .ms = 121},
		{.headers = "retry-after-ms: 0.3", .ms = 1},
	};

	CHECK_ALL(cases);
}

static void test_absurd_numbers_are_the_numbers_they_are(void)
{
	static const struct hint_case cases[] = {
		{.headers = "retry-after: 86400", .ms = 86400000},
		{.headers = "retry-after: 99999999", .ms = INT64_C(99999999000)},
		{.headers = "retry-after: 18446744073709551616", .ms = INT64_MAX},
		{.headers = "retry-after: 1e300", .ms = INT64_MAX},
		{.headers = "retry-after: 1e99999999999999999999", .ms = INT64_MAX},
		{.headers = "retry-after: 1e-99999999999999999999", .ms = 1},
		{.headers = "retry-after: 0e99999", .ms = 0},
		{.headers = "retry-after: 99999999999999999999999999999999999999", .ms = INT64_MAX},
		{.headers = "retry-after: 0.99999999999999999999999999999999", .ms = 1000},
		{.headers = "retry-after: Wed, 21 Oct 2099 07:28:00 GMT",
		 .ms = INT64_C(4096250880000) - NOW_UNIX_MS},
	};

	CHECK_ALL(cases);
}

static void test_what_is_no_wait_is_passed_over(void)
{
	static const struct hint_case cases[] = {
		{.headers = NULL, .ms = NONE},
		{.headers = "retry-after: -5", .ms = NONE},
		{.headers = "retry-after: -0", .ms = 0},
		{.headers = "retry-after: -1e-9", .ms = NONE},
		{.headers = "retry-after: soon", .ms = NONE},
		{.headers = "retry-after: 5 s", .ms = NONE},
		{.headers = "retry-after: 5s", .ms = NONE},
		{.headers = "retry-after: 1e", .ms = NONE},
		{.headers = "retry-after: 0x10", .ms = NONE},
		{.headers = "retry-after: inf", .ms = NONE},
		{.headers = "retry-after: nan", .ms = NONE},
		{.headers = "retry-after: 1,5", .ms = NONE},
		{.headers = "retry-after: .", .ms = NONE},
		{.headers = "retry-after:  ", .ms = NONE},
		{.headers = "retry-after: Wed, 21 Oct 2015 07:28:00 GMT", .ms = NONE},
		{.headers = "retry-after-ms: never\nretry-after: 7", .ms = 7000},
		{.headers = "retry-after-ms: -1\nretry-after: 7", .ms = 7000},
		{.headers = "retry-after: -1", .message = "try again in 2s", .ms = 2000},
	};

	CHECK_ALL(cases);
}

static void test_dates_are_measured_by_the_answers_own_clock(void)
{
	static const struct hint_case cases[] = {
		{.headers = "retry-after: Thu, 12 Feb 2026 22:07:10 GMT",
		 .ms = 30000,
		 .from = "retry-after (HTTP date)"},
		{.headers = "retry-after: Wed, 01 Jan 2020 00:00:09 GMT\n"
			    "date: Wed, 01 Jan 2020 00:00:00 GMT",
		 .ms = 9000},
		{.headers = "retry-after: Thu, 12 Feb 2026 22:07:10 GMT\n"
			    "date: Thu, 12 Feb 2026 22:07:10 GMT",
		 .ms = 0},
		{.headers = "retry-after: Thu, 12 Feb 2026 22:07:10 GMT\ndate: yesterday", .ms = 30000},
		{.headers = "retry-after: Thursday, 12-Feb-26 22:07:10 GMT", .ms = 30000},
		{.headers = "retry-after: Thu Feb 12 22:07:10 2026", .ms = 30000},
	};

	CHECK_ALL(cases);
}

static void test_bodies_say_it_in_their_own_ways(void)
{
	static const struct hint_case cases[] = {
		{.error = "{\"details\":[{\"@type\":\"x\"},{\"retryDelay\":\"34s\"}]}",
		 .ms = 34000,
		 .from = "RetryInfo"},
		{.error = "{\"details\":[{\"retryDelay\":\"34.4s\"}]}", .ms = 34400},
		{.error = "{\"details\":[{\"retryDelay\":34}]}", .ms = NONE},
		{.error = "{\"details\":[{\"retryDelay\":null}]}", .ms = NONE},
		{.error = "{\"details\":{\"retryDelay\":\"34s\"}}", .ms = NONE},
		{.error = "{\"details\":[1,null,\"x\"]}", .ms = NONE},
		{.error = "{\"availability\":{\"retry_after\":40}}",
		 .ms = 40000,
		 .from = "availability.retry_after"},
		{.error = "{\"availability\":{\"retry_after\":1.5}}", .ms = 1500},
		{.error = "{\"availability\":{\"retry_after\":null}}", .ms = NONE},
		{.error = "{\"availability\":{\"retry_after\":-1}}", .ms = NONE},
		{.error = "{\"availability\":7}", .ms = NONE},
		{.error = "[]", .ms = NONE},
	};

	CHECK_ALL(cases);
}

static void test_one_reset_header_means_another_thing_to_each_vendor(void)
{
	static const struct hint_case cases[] = {
		{.provider = "together_ai", .headers = "x-ratelimit-reset: 4", .ms = 4000, .from = "x-ratelimit-reset"},
		{.provider = "openrouter", .headers = "x-ratelimit-reset: 1770934002500", .ms = 2500},
		{.provider = "cohere", .headers = "x-ratelimit-reset: 1770934003", .ms = 3000},
		{.provider = "cohere", .headers = "x-ratelimit-reset: 1770933003", .ms = NONE},
		{.provider = "openai", .headers = "x-ratelimit-reset: 4", .ms = NONE},
		{.headers = "x-ratelimit-reset: 4", .ms = NONE},
		{.provider = "together_ai", .status = 200, .headers = "x-ratelimit-reset: 4", .ms = NONE},
		{.provider = "together_ai", .status = 503, .headers = "x-ratelimit-reset: 4", .ms = NONE},
	};

	CHECK_ALL(cases);
}

static void test_only_an_empty_bucket_makes_wait(void)
{
	static const struct hint_case cases[] = {
		{.headers = "x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 1m0s\n"
			    "x-ratelimit-remaining-tokens: 29000\nx-ratelimit-reset-tokens: 2s",
		 .ms = 60000,
		 .from = "x-ratelimit-reset-requests"},
		{.headers = "x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 1s\n"
			    "x-ratelimit-remaining-tokens: 0\nx-ratelimit-reset-tokens: 2m59.56s",
		 .ms = 179560,
		 .from = "x-ratelimit-reset-tokens"},
		{.headers = "x-ratelimit-remaining-requests: 3\nx-ratelimit-reset-requests: 1m0s", .ms = NONE},
		{.headers = "x-ratelimit-remaining-requests: -1\nx-ratelimit-reset-requests: 1m0s", .ms = NONE},
		{.headers = "x-ratelimit-reset-requests: 1m0s", .ms = NONE},
		{.headers = "x-ratelimit-remaining-requests: 0", .ms = NONE},
		{.status = 500,
		 .headers = "x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 1m0s",
		 .ms = NONE},
		{.headers = "x-ratelimit-remaining-tokens: 0\nx-ratelimit-reset-tokens: 60", .ms = NONE},
		{.provider = "azure",
		 .headers = "x-ratelimit-remaining-tokens: 0\nx-ratelimit-reset-tokens: 60",
		 .ms = 60000},
		{.headers = "anthropic-ratelimit-requests-remaining: 0\n"
			    "anthropic-ratelimit-requests-reset: 2026-02-12T22:06:47Z",
		 .ms = 7000,
		 .from = "anthropic-ratelimit-requests-reset"},
		{.headers = "anthropic-ratelimit-input-tokens-remaining: 0\n"
			    "anthropic-ratelimit-input-tokens-reset: 2026-02-12T23:06:47.25+01:00",
		 .ms = 7250},
		{.headers = "anthropic-ratelimit-input-tokens-remaining: 0\n"
			    "anthropic-ratelimit-input-tokens-reset: 2026-02-12T21:06:47-01:00",
		 .ms = 7000},
		{.headers = "anthropic-priority-output-tokens-remaining: 0\n"
			    "anthropic-priority-output-tokens-reset: 2026-02-12T22:06:40Z",
		 .ms = 0},
		{.headers = "anthropic-ratelimit-tokens-remaining: 0\n"
			    "anthropic-ratelimit-tokens-reset: tomorrow",
		 .ms = NONE},
		{.headers = "anthropic-ratelimit-tokens-remaining: 0\n"
			    "anthropic-ratelimit-tokens-reset: 2020-01-01T00:00:00Z",
		 .ms = NONE},
	};

	CHECK_ALL(cases);
}

static void test_a_prompts_sentence_is_no_hint(void)
{
	static const struct {
		const char *request, *message;
		int64_t ms;
	} cases[] = {
		{"say: try again in 1h", "cannot handle 'try again in 1h' now", NONE},
		{"say: try again in 1h", "cannot handle 'try again in 1h', try again in 2s", 2000},
		{"say: Try again in 1H", "cannot handle 'try Again in 1h'", NONE},
		{"say: retry after 20 seconds", "busy with 'retry after 20 seconds'", NONE},
		{"when to try again in general", "Please try again in 120ms.", 120},
		{"say: try again in 11h", "Please try again in 1h", 3600000},
		{"say: try again in 1hour", "Please try again in 1h", NONE}, /* rather than the other way */
		/* by other letters */
		{"{\"content\":\"try again in 1\\u0068\"}", "busy: try again in 1h", NONE},
		{"{\"content\":\"\\u0074RY \\u0041gain in 1h\"}", "busy: try again in 1h", NONE},
		{"{\"content\":\"try again\\nin 1h\"}", "busy: try again in 1h", NONE},
		{"{\"content\":\"try again\\u000ain\\t1h\"}", "busy: try again in 1h", NONE},
		{"{\"content\":\"try  again \\\"in\\\" 1 h\"}", "busy: try again in 1h", NONE},
		{"{\"arguments\":\"{\\\"a\\\":\\\"try again\\\\nin 1\\\\u0068\\\"}\"}",
		 "busy: try again in 1h", NONE},
		/* in two parts, or two messages; but not across what else is said */
		{"[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"try again \"},"
		 "{\"text\":\"in 1h\",\"type\":\"text\"}]}]", "busy: try again in 1h", NONE},
		{"[{\"role\":\"user\",\"content\":\"try again\"},{\"role\":\"user\",\"content\":\"in 1h\"}]",
		 "busy: try again in 1h", NONE},
		{"{\"a\":\"try again\",\"b\":\"and again\",\"c\":\"in 1h\"}", "busy: try again in 1h", 3600000},
		{"{\"try again in\":\"1h\"}", "busy: try again in 1h", 3600000}, /* a key is no text */
		/* what is no escape is none */
		{"{\"content\":\"try again in 1\\u00\"}", "busy: try again in 1h", 3600000},
		{"try again in 1\\u006", "busy: try again in 1h", 3600000},
		{"try again in 1\\", "busy: try again in 1h", 3600000},
		{"try again in 1\\u1068", "busy: try again in 1h", 3600000},
		/* nobody writes a wait of so many digits */
		{"", "try again in 00000000000000000000000000000000000000000000000000000000000000000000000"
		     "00000000000000000000000000000000000000000000000000000000000000000000000000000001s", NONE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct wire_response response = {.status = 429, .request = cases[i].request,
						       .request_bytes = strlen(cases[i].request)};
		const char *from;

		CU_ASSERT_EQUAL(hint_read(NULL, &response, NULL, cases[i].message, &from), cases[i].ms);
	}
}

static void test_sentences_say_it_last(void)
{
	static const struct hint_case cases[] = {
		{.message = "Limit 5. Please try again in 18.642s. Visit us.", .ms = 18642, .from = "message"},
		{.message = "Please try again in 120ms.", .ms = 120},
		{.message = "try again in 7m12s", .ms = 432000},
		{.message = "try again in 17h3m20s", .ms = 61400000},
		{.message = "try again in 1d2h", .ms = 93600000},
		{.message = "TRY AGAIN IN 9m38.016s.", .ms = 578016},
		{.message = "retry in 34.074824224s", .ms = 34075},
		{.message = "Please retry after 86400 seconds. Then", .ms = 86400000},
		{.message = "Try again in 20 seconds", .ms = 20000},
		{.message = "try again in 1 second", .ms = 1000},
		{.message = "try again in 5 minutes", .ms = 300000},
		{.message = "try again in 250\u00b5s", .ms = 1},
		{.message = "try again in 0s", .ms = 0},
		{.message = "try again in a while, or try again in 3s", .ms = 3000},
		{.message = "try again in -3s", .ms = NONE},
		{.message = "try again in 3", .ms = NONE},
		{.message = "try again in 3 lightyears", .ms = NONE},
		{.message = "try again in 3small", .ms = NONE},
		{.message = "try again in 3secondhand", .ms = NONE},
		{.message = "try again in ", .ms = NONE},
		{.message = "try again in 9999999999999999999999h", .ms = INT64_MAX},
		{.message = "try again in 584y", .ms = NONE},
		{.message = "please explain HTTP 429", .ms = NONE},
		{.message = "", .ms = NONE},
		{.headers = "retry-after: 1", .message = "try again in 9s", .ms = 1000},
	};

	CHECK_ALL(cases);
}

static void test_the_places_are_asked_in_order(void)
{
	static const struct hint_case cases[] = {
		{"together_ai", 429,
		 "retry-after-ms: 1\nretry-after: 2\nx-ratelimit-reset: 5",
		 "{\"details\":[{\"retryDelay\":\"3s\"}],\"availability\":{\"retry_after\":4}}",
		 "retry in 7s", 1, "retry-after-ms"},
		{"together_ai", 429, "retry-after: 2\nx-ratelimit-reset: 5",
		 "{\"details\":[{\"retryDelay\":\"3s\"}],\"availability\":{\"retry_after\":4}}",
		 "retry in 7s", 2000, "retry-after"},
		{"together_ai", 429, "x-ratelimit-reset: 5",
		 "{\"details\":[{\"retryDelay\":\"3s\"}],\"availability\":{\"retry_after\":4}}",
		 "retry in 7s", 3000, "RetryInfo"},
		{"together_ai", 429, "x-ratelimit-reset: 5", "{\"availability\":{\"retry_after\":4}}",
		 "retry in 7s", 4000, "availability.retry_after"},
		{"together_ai", 429,
		 "x-ratelimit-reset: 5\nx-ratelimit-remaining-requests: 0\n"
		 "x-ratelimit-reset-requests: 6s",
		 NULL, "retry in 7s", 5000, "x-ratelimit-reset"},
		{"openai", 429, "x-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 6s",
		 NULL, "retry in 7s", 6000, "x-ratelimit-reset-requests"},
		{"openai", 429, NULL, NULL, "retry in 7s", 7000, "message"},
	};

	CHECK_ALL(cases);
}

/* ---- limits of which nothing is left */

#define OPENAI(remaining, reset) "x-ratelimit-remaining-requests: " remaining "\nx-ratelimit-reset-requests: " reset "\n"
#define TOKENS(remaining, reset) "x-ratelimit-remaining-tokens: " remaining "\nx-ratelimit-reset-tokens: " reset "\n"
#define CLAUDE(what, remaining, reset) "anthropic-ratelimit-" what "-remaining: " remaining "\nanthropic-ratelimit-" what "-reset: " reset "\n"

static void test_what_is_used_up_is_told_on_any_response(void)
{
	static const struct {
		const char *provider, *headers;
		uint32_t limit, units;
		int64_t ms;
	} cases[] = {
		/* the reset is that of a full bucket: one of 500 is there sooner */
		{NULL, OPENAI("0", "1m0s") "x-ratelimit-limit-requests: 500", LULL_LIMIT_RPM, 1, 120},
		{NULL, OPENAI("0", "1s") "x-ratelimit-limit-requests: 7", LULL_LIMIT_RPM, 1, 143}, /* rounded up */
		{NULL, TOKENS("0", "60s") "x-ratelimit-limit-tokens: 30000", LULL_LIMIT_TPM, 1000, 2000},
		{NULL, TOKENS("0", "6s") "x-ratelimit-limit-tokens: 30000", LULL_LIMIT_TPM, 40000, 6000},
		{NULL, TOKENS("0", "6s") "x-ratelimit-limit-tokens: 30000", LULL_LIMIT_TPM, 0, 0},
		/* without its size all of it */
		{NULL, OPENAI("0", "30s"), LULL_LIMIT_RPM, 1, 30000},
		{NULL, OPENAI("0", "30s") "x-ratelimit-limit-requests: many", LULL_LIMIT_RPM, 1, 30000},
		{NULL, OPENAI("0", "30s") "x-ratelimit-limit-requests: 0", LULL_LIMIT_RPM, 1, 30000},
		/* a bucket of a day says little about the next minute */
		{"groq", OPENAI("0", "24h0m0s") "x-ratelimit-limit-requests: 14400", LULL_LIMIT_RPM, 1, 6000},
		{NULL, OPENAI("0", "24h0m0s"), LULL_LIMIT_RPM, 1, 86400000},
		{"azure", OPENAI("0", "12"), LULL_LIMIT_RPM, 1, 12000},
		{"openai", OPENAI("0", "12"), LULL_LIMIT_RPM, 1, NONE},
		{"anthropic", CLAUDE("requests", "0", "2026-02-12T22:06:50Z") "anthropic-ratelimit-requests-limit: 10", LULL_LIMIT_RPM, 1, 1000},
		{"anthropic", CLAUDE("input-tokens", "0", "2026-02-12T22:06:45Z") CLAUDE("output-tokens", "0", "2026-02-12T22:06:47Z"), LULL_LIMIT_TPM, 1, 7000},
		{"anthropic", CLAUDE("requests", "0", "2026-02-12T22:06:00Z"), LULL_LIMIT_RPM, 1, NONE}, /* has passed */
		/* something is left, or it is the other limit, or nothing is said */
		{NULL, OPENAI("1", "30s"), LULL_LIMIT_RPM, 1, NONE},
		{NULL, OPENAI("-1", "30s"), LULL_LIMIT_RPM, 1, NONE},
		{NULL, OPENAI("0", "30s"), LULL_LIMIT_TPM, 1, NONE},
		{NULL, TOKENS("0", "30s"), LULL_LIMIT_RPM, 1, NONE},
		{NULL, TOKENS("0", "30s"), LULL_LIMIT_PARALLEL, 1, NONE},
		{NULL, "x-ratelimit-remaining-requests: 0", LULL_LIMIT_RPM, 1, NONE},
		{NULL, OPENAI("0", "soon"), LULL_LIMIT_RPM, 1, NONE},
		{NULL, "", LULL_LIMIT_RPM, 1, NONE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_header headers[8];
		char lines[512];
		struct wire_response response = {.status = 200, .headers = headers, .now_unix_ms = NOW_UNIX_MS};
		const struct provider *provider = cases[i].provider ? provider_by_name(cases[i].provider) : NULL;
		int64_t ms;

		(void)snprintf(lines, sizeof(lines), "%s", cases[i].headers);
		response.header_count = cut_headers(lines, headers);
		ms = hint_emptied(provider, &response, cases[i].limit, cases[i].units);
		if (ms != cases[i].ms)
			(void)printf("    %s: %lld, expected %lld\n", cases[i].headers, (long long)ms, (long long)cases[i].ms);
		CU_ASSERT_EQUAL(ms, cases[i].ms);
	}
}

/* clang-format on */

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_seconds_and_milliseconds_are_read_exactly_and_rounded_up),
		CUNIT_TEST(test_absurd_numbers_are_the_numbers_they_are),
		CUNIT_TEST(test_what_is_no_wait_is_passed_over),
		CUNIT_TEST(test_dates_are_measured_by_the_answers_own_clock),
		CUNIT_TEST(test_bodies_say_it_in_their_own_ways),
		CUNIT_TEST(test_one_reset_header_means_another_thing_to_each_vendor),
		CUNIT_TEST(test_only_an_empty_bucket_makes_wait),
		CUNIT_TEST(test_a_prompts_sentence_is_no_hint),
		CUNIT_TEST(test_sentences_say_it_last),
		CUNIT_TEST(test_the_places_are_asked_in_order),
		CUNIT_TEST(test_what_is_used_up_is_told_on_any_response),
	};

	return CUNIT_MAIN("hint", tests);
}
