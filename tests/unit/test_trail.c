/* SPDX-License-Identifier: MIT */
/*
 * The trail in words and in JSON, against golden text.
 */
#include <string.h>

#include "../../worker/src/trail.h"
#include "cunit_main.h"

static struct http_route route_rows[] = {
	{.call = {.label = "alpha"}, .name = (char[]){"gpt-4o"}},
	{.call = {.label = "beta", .limits = {.rpm = 60}, .credential_limits = {.parallel = 4}},
	 .name = (char[]){"claude"}},
	{.call = {.label = "bad-model"},
	 .name = (char[]){"bad-model"},
	 .problem = (char[]){"unable to map 'bad-model' to a provider"}},
};
static const struct route_list routes = {.routes = route_rows, .count = 3};

static struct lull_trail_entry entry_rows[] = {
	{.type = LULL_TRAIL_UNUSABLE, .route = 2, .class_id = LULL_CLASS_CONFIG},
	{.type = LULL_TRAIL_SKIP,
	 .route = 0,
	 .at_ms = 1,
	 .class_id = LULL_CLASS_RATE_LIMITED,
	 .http_status = 429,
	 .cooled_kind = LULL_KIND_ROUTE,
	 .state = LULL_STATE_COOLING,
	 .ready_in_ms = 29840},
	{.type = LULL_TRAIL_ATTEMPT,
	 .route = 1,
	 .at_ms = 2,
	 .for_ms = 1234,
	 .class_id = LULL_CLASS_SERVER_ERROR,
	 .http_status = 500,
	 .headers_ms = LULL_NEVER,
	 .content_ms = LULL_NEVER,
	 .soft_count = 2,
	 .detail = "boom"},
	{.type = LULL_TRAIL_SLEEP, .at_ms = 1300, .for_ms = 500},
	{.type = LULL_TRAIL_ATTEMPT,
	 .route = 1,
	 .pass = 1,
	 .at_ms = 1800,
	 .for_ms = 60,
	 .class_id = LULL_CLASS_RATE_LIMITED,
	 .http_status = 429,
	 .cooled_kind = LULL_KIND_ROUTE,
	 .ready_in_ms = 30000,
	 .headers_ms = LULL_NEVER,
	 .content_ms = LULL_NEVER,
	 .probe = 1,
	 .resent = 1},
	{.type = LULL_TRAIL_ATTEMPT,
	 .route = 0,
	 .pass = 1,
	 .at_ms = 62000,
	 .for_ms = 840,
	 .class_id = LULL_CLASS_ANSWERED,
	 .http_status = 200,
	 .headers_ms = 310,
	 .content_ms = 330},
	{.type = LULL_TRAIL_SKIP,
	 .route = 1,
	 .cooled_kind = LULL_KIND_NAME,
	 .state = LULL_STATE_HELD,
	 .class_id = LULL_CLASS_MANUAL,
	 .ready_in_ms = LULL_NEVER},
	{.type = LULL_TRAIL_SKIP,
	 .route = 1,
	 .cooled_kind = LULL_KIND_ENDPOINT,
	 .state = LULL_STATE_PROBING,
	 .class_id = LULL_CLASS_NETWORK,
	 .ready_in_ms = 9950},
	{.type = LULL_TRAIL_SKIP,
	 .route = 1,
	 .cooled_kind = LULL_KIND_ROUTE,
	 .state = LULL_STATE_LIMITED,
	 .limit = LULL_LIMIT_RPM,
	 .class_id = LULL_CLASS_RATE_LIMITED,
	 .ready_in_ms = 840},
	{.type = LULL_TRAIL_SKIP,
	 .route = 1,
	 .cooled_kind = LULL_KIND_CREDENTIAL,
	 .state = LULL_STATE_LIMITED,
	 .limit = LULL_LIMIT_PARALLEL,
	 .class_id = LULL_CLASS_RATE_LIMITED,
	 .ready_in_ms = 9000},
};

static char omitted_rows[3][REQUEST_OMITTED_BYTES] = {[1] = "seed, logprobs"};

static const struct driver_result answered = {
	.result = LULL_RESULT_ANSWERED,
	.class_id = LULL_CLASS_ANSWERED,
	.route = 0,
	.for_ms = 62840,
	.trail = entry_rows,
	.trail_count = sizeof(entry_rows) / sizeof(entry_rows[0]),
	.omitted = omitted_rows,
};

static char printed[8192];

static FILE *open_printed(void)
{
	memset(printed, 0, sizeof(printed));
	return fmemopen(printed, sizeof(printed) - 1, "w");
}

static void test_each_step_is_one_line(void)
{
	FILE *out = open_printed();

	trail_print_text(&answered, &routes, "> ", out);
	(void)fclose(out);
	CU_ASSERT_STRING_EQUAL(
		printed,
		">   0.000 s  bad-model: left out: config: unable to map 'bad-model' to a "
		"provider\n"
		">   0.001 s  alpha: skipped: route cooling, 29.8 s left: rate_limited (HTTP 429)\n"
		">   0.002 s  beta: server_error (HTTP 500) after 1.234 s, without seed, "
		"logprobs; counted, 2 in a row: "
		"boom\n"
		">   1.300 s  slept 0.500 s\n"
		">   1.800 s  beta: rate_limited (HTTP 429) after 0.060 s, without seed, "
		"logprobs, sent twice: a reused connection was dead, as the probe; route cools for "
		"30.0 s\n"
		">  62.000 s  alpha: answered (HTTP 200) after 0.840 s, headers at 0.310 s, "
		"content "
		"at "
		"0.330 s\n"
		">   0.000 s  beta: skipped: name held until cleared\n"
		">   0.000 s  beta: skipped: endpoint being probed, 9.9 s left: network\n"
		">   0.000 s  beta: skipped: route at its limit of 60 requests a minute, room in "
		"0.8 s\n"
		">   0.000 s  beta: skipped: credential at its limit of 4 requests at once\n");
}

static void test_each_route_has_its_last_word(void)
{
	FILE *out = open_printed();

	trail_print_routes(&answered, &routes, "- ", out);
	(void)fclose(out);
	CU_ASSERT_STRING_EQUAL(
		printed,
		"- alpha: answered (HTTP 200) after 0.840 s, headers at 0.310 s, content at 0.330 "
		"s\n"
		"- beta: skipped: credential at its limit of 4 requests at once\n"
		"- bad-model: left out: config: unable to map 'bad-model' to a provider\n");
}

static void test_what_needs_a_hand_is_warned_of_once(void)
{
	struct lull_trail_entry entries[] = {
		entry_rows[0],
		entry_rows[1],
		{.type = LULL_TRAIL_ATTEMPT,
		 .route = 1,
		 .class_id = LULL_CLASS_AUTH,
		 .http_status = 401,
		 .cooled_kind = LULL_KIND_CREDENTIAL,
		 .ready_in_ms = 60000,
		 .detail = "bad key"},
		{.type = LULL_TRAIL_ATTEMPT, .route = 1, .pass = 1, .class_id = LULL_CLASS_AUTH},
		{.type = LULL_TRAIL_ATTEMPT, .route = 0, .class_id = LULL_CLASS_QUOTA_EXHAUSTED},
	};
	const struct driver_result result = {.trail = entries, .trail_count = 5};
	FILE *out = open_printed();

	trail_print_warnings(&result, &routes, "! ", out);
	(void)fclose(out);
	CU_ASSERT_STRING_EQUAL(printed,
			       "! bad-model: left out: unable to map 'bad-model' to a provider\n"
			       "! beta: auth (HTTP 401); credential cools for 60.0 s: bad key\n"
			       "! alpha: quota_exhausted\n");
}

static void test_json_has_a_line_per_step_and_one_for_the_result(void)
{
	static const char *const lines[] = {
		"{\"v\":1,\"step\":\"unusable\",\"at_ms\":0,\"route\":\"bad-model\",\"name\":"
		"\"bad-model\",\"pass\":0,\"detail\":\"unable to map 'bad-model' to a provider\"}",
		"{\"v\":1,\"step\":\"skip\",\"at_ms\":1,\"route\":\"alpha\",\"name\":\"gpt-4o\","
		"\"pass\":0,\"shut\":\"route\",\"state\":\"cooling\",\"ready_in_ms\":29840,"
		"\"class\":"
		"\"rate_limited\",\"http_status\":429,\"limit\":null}",
		"{\"v\":1,\"step\":\"attempt\",\"at_ms\":2,\"route\":\"beta\",\"name\":\"claude\","
		"\"pass\":0,\"for_ms\":1234,\"class\":\"server_error\",\"http_status\":500,"
		"\"headers_ms\":null,\"content_ms\":null,\"cooled\":null,\"cooled_for_ms\":0,"
		"\"soft_count\":2,\"probe\":false,\"resent\":false,"
		"\"omitted\":\"seed, logprobs\",\"detail\":\"boom\"}",
		"{\"v\":1,\"step\":\"sleep\",\"at_ms\":1300,\"for_ms\":500}",
		"\"state\":\"held\",\"ready_in_ms\":null",
		"\"shut\":\"route\",\"state\":\"limited\",\"ready_in_ms\":840,\"class\":"
		"\"rate_limited\",\"http_status\":0,\"limit\":\"rpm\"}",
		"{\"v\":1,\"step\":\"result\",\"result\":\"answered\",\"exit_code\":0,\"class\":"
		"\"answered\",\"route\":\"alpha\",\"name\":\"gpt-4o\",\"for_ms\":62840,"
		"\"ready_in_ms\":0,\"handed_out\":false}\n",
	};
	FILE *out = open_printed();

	trail_print_json(&answered, &routes, out);
	(void)fclose(out);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		CU_ASSERT_PTR_NOT_NULL(strstr(printed, lines[i]));
		if (!strstr(printed, lines[i]))
			printf("missing: %s\n in %s", lines[i], printed);
	}
}

static const struct {
	struct driver_result result;
	const char *reason;
	int http_status;
} reasons[] = {
	{{.result = LULL_RESULT_FAILED, .class_id = LULL_CLASS_SERVER_ERROR},
	 "models ran out: none of the list has answered",
	 502},
	{{.result = LULL_RESULT_DEADLINE, .class_id = LULL_CLASS_DEADLINE, .for_ms = 4001},
	 "time ran out: the budget is spent, 4.001 s",
	 504},
	{{.result = LULL_RESULT_DEADLINE, .class_id = LULL_CLASS_SUSPENDED},
	 "the host slept, or this process was stopped, during the attempt",
	 504},
	{{.result = LULL_RESULT_COOLING, .class_id = LULL_CLASS_RATE_LIMITED, .ready_in_ms = 59900},
	 "nothing was attempted: every model is cooling; the soonest is ready in 59.9 s",
	 503},
	{{.result = LULL_RESULT_COOLING, .class_id = LULL_CLASS_MANUAL, .ready_in_ms = LULL_NEVER},
	 "nothing was attempted: every model is cooling; all are held until cleared",
	 503},
	{{.result = LULL_RESULT_COOLING,
	  .ready_in_ms = 840,
	  .trail = &entry_rows[8],
	  .trail_count = 1},
	 "nothing was attempted: every model is at its limit; the soonest is ready in 0.8 s",
	 503},
	{{.result = LULL_RESULT_COOLING,
	  .ready_in_ms = 840,
	  .trail = &entry_rows[7],
	  .trail_count = 2},
	 "nothing was attempted: every model is cooling or at its limit; the soonest is ready in "
	 "0.8 s",
	 503},
	{{.result = LULL_RESULT_COOLING, .trail = &entry_rows[9], .trail_count = 1},
	 "nothing was attempted: every model is at its limit; a request may end, and make room, at "
	 "any moment",
	 503},
	{{.result = LULL_RESULT_REFUSED, .class_id = LULL_CLASS_TOO_LARGE},
	 "the request itself was refused: too_large",
	 413},
	{{.result = LULL_RESULT_FAILED, .class_id = LULL_CLASS_TIMEOUT, .handed_out = true},
	 "the answer broke off: timeout",
	 504},
	{{.result = LULL_RESULT_CANCELLED, .class_id = LULL_CLASS_CANCELLED}, "cancelled", 499},
};

static void test_the_reason_is_one_sentence(void)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		FILE *out = open_printed();

		trail_print_reason(&reasons[i].result, out);
		(void)fclose(out);
		CU_ASSERT_STRING_EQUAL(printed, reasons[i].reason);
		CU_ASSERT_EQUAL(trail_http_status(&reasons[i].result), reasons[i].http_status);
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_each_step_is_one_line),
		CUNIT_TEST(test_each_route_has_its_last_word),
		CUNIT_TEST(test_what_needs_a_hand_is_warned_of_once),
		CUNIT_TEST(test_json_has_a_line_per_step_and_one_for_the_result),
		CUNIT_TEST(test_the_reason_is_one_sentence),
	};

	return CUNIT_MAIN("trail", tests);
}
