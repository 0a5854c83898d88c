/* SPDX-License-Identifier: MIT */
/*
 * The OpenAI form: requests of which only the named members change, answers that are ones and that
 * only look so, streams put together from what vendors make of the form.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lull/lull.h>

#include "cunit_main.h"
#include "wire.h"

static struct http_route route_of(const char *provider)
{
	return (struct http_route){
		.provider = provider_by_name(provider),
		.model = (char *)"upstream/m\"1",
		.base_url = (char *)"https://host/v1",
		.api_key = (char *)"secret-key",
	};
}

/* ---- requests */

struct request_case {
	const char *provider;
	bool stream;
	const char *extra_body;
	const char *request;
	const char *expected;
};

#define MODEL "\"model\":\"upstream/m\\\"1\""

static void check_request(const struct request_case *c)
{
	struct http_route route = route_of(c->provider);
	struct http_request request;
	char error[256];
	int rc;

	route.extra_body = (char *)c->extra_body;
	rc = request_write(&route, c->request, strlen(c->request), c->stream, &request, error);
	CU_ASSERT_EQUAL(rc, 0);
	if (rc != 0) {
		(void)printf("    %s: %s\n", c->request, error);
		return;
	}
	if (strcmp(request.body.bytes, c->expected) != 0)
		(void)printf("    got %s\n    not %s\n", request.body.bytes, c->expected);
	CU_ASSERT_STRING_EQUAL(request.body.bytes, c->expected);
	CU_ASSERT_EQUAL(strlen(request.body.bytes), request.body.size);
	http_request_deinit(&request);
}

/* clang-format off */
#define CHECK_ALL(check, cases) \
	for (size_t i = 0; i < sizeof(cases) / sizeof((cases)[0]); i++) \
		check(&(cases)[i])

static void test_only_the_model_changes(void)
{
	static const struct request_case cases[] = {
		{"openai", false, NULL, "{\"model\":\"a\",\"messages\":[]}", "{" MODEL ",\"messages\":[]}"},
		{"openai", false, NULL, " {\n\t\"messages\" : [ ] ,\r\n \"model\" : \"a\"\n}\n", " {\n\t\"messages\" : [ ] ,\r\n \"model\" : \"upstream/m\\\"1\"\n}\n"},
		{"openai", false, NULL, "{\"n\":1.000e0,\"x\":\"\\u00e5\\/\xC3\xA5\",\"model\":null}", "{\"n\":1.000e0,\"x\":\"\\u00e5\\/\xC3\xA5\"," MODEL "}"},
		{"openai", false, NULL, "{\"mod\\u0065l\":\"a\"}", "{\"mod\\u0065l\":\"upstream/m\\\"1\"}"},
		{"openai", false, NULL, "{\"messages\":[{\"model\":\"b\",\"content\":\"\\\"model\\\":1\"}],\"model\":{\"model\":[\"}\"]}}", "{\"messages\":[{\"model\":\"b\",\"content\":\"\\\"model\\\":1\"}]," MODEL "}"},
		{"openai", false, NULL, "{\"tools\":[]}", "{" MODEL ",\"tools\":[]}"},
		{"openai", false, NULL, "{}", "{" MODEL "}"},
		{"openai", false, NULL, "{ }", "{" MODEL " }"},
		{"openai", false, NULL, "{\"fallbacks\":[\"x\"],\"num_retries\":2,\"model\":\"a\"}", "{\"fallbacks\":[\"x\"],\"num_retries\":2," MODEL "}"},
	};

	CHECK_ALL(check_request, cases);
}

static void test_the_stream_is_the_attempts_and_not_the_callers(void)
{
	static const struct request_case cases[] = {
		/* as the caller has it: no byte changes */
		{"openai", true, NULL, "{\"model\":1,\"stream\":true}", "{" MODEL ",\"stream\":true}"},
		{"openai", true, NULL, "{\"model\":1,\"stream\" : true,\"stream_options\":{\"include_usage\":false}}", "{" MODEL ",\"stream\" : true,\"stream_options\":{\"include_usage\":false}}"},
		{"openai", false, NULL, "{\"model\":1,\"stream\":false}", "{" MODEL ",\"stream\":false}"},
		/* a stream is our wish: with usage */
		{"openai", true, NULL, "{\"model\":1}", "{\"stream\":true,\"stream_options\":{\"include_usage\":true}," MODEL "}"},
		{"openai", true, NULL, "{\"model\":1,\"stream\":false}", "{\"stream_options\":{\"include_usage\":true}," MODEL ",\"stream\":true}"},
		{"openai", true, NULL, "{\"model\":1,\"stream\":null,\"stream_options\":null}", "{" MODEL ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"},
		{"openai", true, NULL, "{\"model\":1,\"stream_options\":{ \"include_obfuscation\" : false }}", "{\"stream\":true," MODEL ",\"stream_options\":{\"include_usage\":true, \"include_obfuscation\" : false }}"},
		{"openai", true, NULL, "{\"model\":1,\"stream_options\":{\"include_usage\":false}}", "{\"stream\":true," MODEL ",\"stream_options\":{\"include_usage\":true}}"},
		/* no stream is our wish: its options go with it */
		{"openai", false, NULL, "{\"stream\":true,\"stream_options\":{\"include_usage\":true},\"model\":1}", "{\"stream\":false," MODEL "}"},
		{"openai", false, NULL, "{\"stream_options\":{},\"model\":1}", "{" MODEL "}"},
		{"openai", false, NULL, "{\"model\":1,\"stream_options\":{}}", "{" MODEL "}"},
		{"openai", false, NULL, "{\"model\":1, \"stream_options\":{} , \"n\":1}", "{" MODEL ", \"n\":1}"},
	};

	CHECK_ALL(check_request, cases);
}

static void test_vendors_get_max_tokens_under_the_name_they_know(void)
{
	static const struct request_case cases[] = {
		{"deepseek", false, NULL, "{\"model\":1,\"max_completion_tokens\" : 5}", "{" MODEL ",\"max_tokens\" : 5}"},
		{"deepseek", false, NULL, "{\"model\":1,\"max_tokens\":4,\"max_completion_tokens\":5}", "{" MODEL ",\"max_tokens\":4}"},
		{"deepseek", false, NULL, "{\"max_completion_tokens\":5,\"max_tokens\":4,\"model\":1}", "{\"max_tokens\":4," MODEL "}"},
		{"deepseek", false, NULL, "{\"model\":1,\"max_tokens\":4}", "{" MODEL ",\"max_tokens\":4}"},
		{"openai", false, NULL, "{\"model\":1,\"max_completion_tokens\":5}", "{" MODEL ",\"max_completion_tokens\":5}"},
	};

	CHECK_ALL(check_request, cases);
}

static void test_extra_body_is_merged(void)
{
	static const struct request_case cases[] = {
		{"openai", false, "{\"top_k\":5}", "{\"model\":1}", "{\"top_k\":5," MODEL "}"},
		{"openai", false, "{\"top_k\":5,\"a\\\"b\":{\"c\":[1,\"/\"]}}", "{\"top_k\" : 7,\"model\":1}", "{\"a\\\"b\":{\"c\":[1,\"/\"]},\"top_k\" : 5," MODEL "}"},
		{"openai", false, "{\"x\":null}", "{\"model\":1,\"x\":7}", "{" MODEL ",\"x\":null}"},
		{"openai", false, "{}", "{\"model\":1}", "{" MODEL "}"},
		{"openai", true, "{\"stream_options\":{\"include_usage\":false}}", "{\"model\":1}", "{\"stream\":true,\"stream_options\":{\"include_usage\":false}," MODEL "}"},
		{"openai", false, "{\"max_tokens\":9}", "{\"model\":1,\"max_tokens\":4}", "{" MODEL ",\"max_tokens\":9}"},
		/* one limit by two names: what is said here stays, under its name */
		{"openai", false, "{\"max_tokens\":9}", "{\"model\":1,\"max_completion_tokens\":4}", "{\"max_tokens\":9," MODEL "}"},
		{"deepseek", false, "{\"max_tokens\":9}", "{\"model\":1,\"max_completion_tokens\":4}", "{\"max_tokens\":9," MODEL "}"},
		{"deepseek", false, "{\"max_completion_tokens\":9}", "{\"model\":1,\"max_tokens\":4}", "{\"max_completion_tokens\":9," MODEL "}"},
		{"deepseek", false, "{\"max_completion_tokens\":9}", "{\"model\":1,\"max_completion_tokens\":4}", "{" MODEL ",\"max_completion_tokens\":9}"},
	};

	CHECK_ALL(check_request, cases);
}

static void test_requests_that_cannot_be_put_are_refused_with_a_sentence(void)
{
	static const struct {
		const char *request;
		const char *extra_body;
		const char *api_key;
		const char *error;
	} cases[] = {
		{"{\"model\":1,\"model\":2}", NULL, NULL, "the request holds 'model' more than once"},
		{"{\"model\":1,\"mod\\u0065l\":2}", NULL, NULL, "the request holds 'model' more than once"},
		{"{\"stream\":true,\"stream\":true}", NULL, NULL, "the request holds 'stream' more than once"},
		{"{\"x\":1,\"x\":1}", "{\"x\":2}", NULL, "the request holds 'x' more than once"},
		{"[]", NULL, NULL, "the request is no JSON object"},
		{"", NULL, NULL, "the request is no JSON object"},
		{"{\"model\":1", NULL, NULL, "the request is no JSON object"},
		{"{\"model\":1,}", NULL, NULL, "the request is no JSON object"},
		{"{\"model\"}", NULL, NULL, "the request is no JSON object"},
		{"{\"model\":}", NULL, NULL, "the request is no JSON object"},
		{"{\"model\":1}x", NULL, NULL, "the request is no JSON object"},
		{"{\"model\":1 \"x\":2}", NULL, NULL, "the request is no JSON object"},
		{"{\"model\":1}", "[]", NULL, "extra_body is no JSON object"},
		{"{\"model\":1}", "{", NULL, "extra_body is no JSON object"},
		{"{\"model\":1}", "{\"model\":2}", NULL, "extra_body cannot set 'model' or 'stream'"},
		{"{\"model\":1}", "{\"stream\":true}", NULL, "extra_body cannot set 'model' or 'stream'"},
		{"{\"model\":1}", NULL, "two\r\nx-lines: 1", "a header or the key of the route holds a control character"},
	};
	struct http_request request;
	char error[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_route route = route_of("openai");

		route.extra_body = (char *)cases[i].extra_body;
		route.api_key = (char *)cases[i].api_key;
		CU_ASSERT_EQUAL(request_write(&route, cases[i].request,
							 strlen(cases[i].request), false, &request, error),
				-EINVAL);
		CU_ASSERT_STRING_EQUAL(error, cases[i].error);
		CU_ASSERT_PTR_NULL(request.headers);
		CU_ASSERT_PTR_NULL(request.url);
	}
}
/* clang-format on */

static void test_a_request_over_the_cap_is_refused(void)
{
	struct http_route route = route_of("openai");
	struct http_request request;
	struct buffer text;
	char error[256];
	int rc = 0;

	buffer_init(&text, WIRE_BODY_BYTES_MAX + 4096);
	(void)buffer_add(&text, "{\"a\":\"", 6);
	while (rc == 0 && text.size < WIRE_BODY_BYTES_MAX - 2)
		rc = buffer_add(&text, "x", 1);
	(void)buffer_add(&text, "\"}", 2);
	CU_ASSERT_EQUAL(request_write(&route, text.bytes, text.size, false, &request, error),
			-EMSGSIZE);
	CU_ASSERT_STRING_EQUAL(error, "the request is over 32 MiB");
	buffer_deinit(&text);
}

static const char *header_of(const struct http_request *request, const char *name)
{
	for (char **header = request->headers; *header; header++)
		if (strncmp(*header, name, strlen(name)) == 0)
			return *header + strlen(name);
	return "";
}

static void test_headers_are_the_routes_own(void)
{
	char *own[] = {(char *)"X-Title: lull", (char *)"user-agent: other/1", NULL};
	struct http_route route = route_of("openai");
	struct http_request request;
	char expected[64];
	char error[256];

	CU_ASSERT_EQUAL_FATAL(request_write(&route, "{}", 2, true, &request, error), 0);
	CU_ASSERT_STRING_EQUAL(request.url, "https://host/v1/chat/completions");
	CU_ASSERT_STRING_EQUAL(header_of(&request, "Authorization: "), "Bearer secret-key");
	CU_ASSERT_STRING_EQUAL(header_of(&request, "Content-Type: "), "application/json");
	CU_ASSERT_STRING_EQUAL(header_of(&request, "Accept: "), "text/event-stream");
	(void)snprintf(expected, sizeof(expected), "lull/%s", lull_version());
	CU_ASSERT_STRING_EQUAL(header_of(&request, "User-Agent: "), expected);
	CU_ASSERT_STRING_EQUAL(header_of(&request, "OpenAI-Organization: "), "");
	http_request_deinit(&request);

	route.api_key = NULL;
	route.organization = (char *)"org-1";
	route.headers = own;
	CU_ASSERT_EQUAL_FATAL(request_write(&route, "{}", 2, false, &request, error), 0);
	CU_ASSERT_STRING_EQUAL(header_of(&request, "Authorization: "), "");
	CU_ASSERT_STRING_EQUAL(header_of(&request, "Accept: "), "application/json");
	CU_ASSERT_STRING_EQUAL(header_of(&request, "OpenAI-Organization: "), "org-1");
	CU_ASSERT_STRING_EQUAL(header_of(&request, "X-Title: "), "lull");
	CU_ASSERT_STRING_EQUAL(header_of(&request, "User-Agent: "), "");
	CU_ASSERT_STRING_EQUAL(header_of(&request, "user-agent: "), "other/1");
	http_request_deinit(&request);
}

static void test_a_whole_address_is_a_base_too(void)
{
	struct http_route route = route_of("openai");
	struct http_request request;
	char error[256];

	route.base_url = (char *)"https://host/v1/chat/completions";
	CU_ASSERT_EQUAL_FATAL(request_write(&route, "{}", 2, false, &request, error), 0);
	CU_ASSERT_STRING_EQUAL(request.url, "https://host/v1/chat/completions");
	http_request_deinit(&request);
}

static void test_azure_has_a_header_and_a_path_of_its_own(void)
{
	struct http_route route = route_of("azure");
	struct http_request request;
	char error[256];

	route.base_url = (char *)"https://r.openai.azure.com";
	route.path = (char *)"/openai/deployments/d/chat/completions?api-version=v";
	CU_ASSERT_EQUAL_FATAL(request_write(&route, "{}", 2, false, &request, error), 0);
	CU_ASSERT_STRING_EQUAL(
		request.url,
		"https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=v");
	CU_ASSERT_STRING_EQUAL(header_of(&request, "api-key: "), "secret-key");
	CU_ASSERT_STRING_EQUAL(header_of(&request, "Authorization: "), "");
	http_request_deinit(&request);
	route.key_is_token = true;
	CU_ASSERT_EQUAL_FATAL(request_write(&route, "{}", 2, false, &request, error), 0);
	CU_ASSERT_STRING_EQUAL(header_of(&request, "api-key: "), "");
	CU_ASSERT_STRING_EQUAL(header_of(&request, "Authorization: "), "Bearer secret-key");
	http_request_deinit(&request);
}

/* ---- whole answers */

static int read_answer(const char *body, struct answer *answer, struct verdict *verdict)
{
	const struct http_route route = route_of("openai");
	const struct wire_response response = {
		.status = 200, .body = body, .body_bytes = strlen(body)};

	return answer_read(&route, &response, answer, verdict);
}

/* clang-format off */
#define WHOLE(message, finish) "{\"choices\":[{\"message\":" message ",\"finish_reason\":" finish "}]}"

#define WHOLE_CALL(arguments) WHOLE("{\"tool_calls\":[{\"id\":\"t\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":" arguments "}}]}", "\"tool_calls\"")

static void test_answers_pass_through_byte_for_byte(void)
{
	static const struct {
		const char *body;
		const char *json; /* NULL: as the body */
		const char *text;
	} cases[] = {
		{WHOLE("{\"content\":\"hi\"}", "\"stop\""), NULL, "hi"},
		{WHOLE("{ \"content\" : \"\\u0068i\\/\" }", "\"stop\"") , NULL, "hi/"},
		{"\n\n\r\n \t" WHOLE("{\"content\":\"hi\"}", "\"stop\"") "\n", WHOLE("{\"content\":\"hi\"}", "\"stop\""), "hi"},
		{WHOLE("{\"content\":\"hi\"}", "null"), NULL, "hi"},
		{WHOLE("{\"content\":null,\"refusal\":\"no\"}", "\"stop\""), NULL, "no"},
		{WHOLE("{\"content\":\"\",\"refusal\":\"no\"}", "\"stop\""), NULL, "no"},
		{WHOLE("{\"content\":null,\"tool_calls\":[{}]}", "\"tool_calls\""), NULL, NULL},
		{WHOLE("{\"content\":null,\"function_call\":{}}", "\"function_call\""), NULL, NULL},
		{WHOLE("{\"content\":null,\"audio\":{}}", "\"stop\""), NULL, NULL},
		{WHOLE("{\"content\":[{\"type\":\"thinking\"},{\"text\":\"h\"},{\"text\":\"i\"}]}", "\"stop\""), NULL, "hi"},
		{WHOLE("{\"content\":\"\"}", "\"length\""), NULL, NULL},
		{WHOLE_CALL("\"not JSON\""), NULL, NULL},
		{WHOLE_CALL("\"\""), NULL, NULL},
		{WHOLE_CALL("{ \"a\": {\"b/\": [1.50, null]}}"), WHOLE_CALL("\"{\\\"a\\\":{\\\"b/\\\":[1.50,null]}}\""), NULL},
		{WHOLE_CALL("{}"), WHOLE_CALL("\"{}\""), NULL},
		{WHOLE_CALL("null"), WHOLE_CALL("\"{}\""), NULL},
		{WHOLE("{\"tool_calls\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}", "\"stop\""), WHOLE("{\"tool_calls\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}", "\"stop\""), NULL},
		{WHOLE("{\"function_call\":{\"name\":\"f\",\"arguments\":{\"a\":1}}}", "\"function_call\""), WHOLE("{\"function_call\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}", "\"function_call\""), NULL},
		{WHOLE("{\"tool_calls\":[{\"type\":\"custom\",\"custom\":{\"name\":\"f\",\"input\":{\"a\":1}}}]}", "\"stop\""), WHOLE("{\"tool_calls\":[{\"type\":\"custom\",\"custom\":{\"name\":\"f\",\"input\":\"{\\\"a\\\":1}\"}}]}", "\"stop\""), NULL},
		{WHOLE("{\"tool_calls\":[{\"type\":\"custom\",\"custom\":{\"name\":\"f\"}}]}", "\"stop\""), NULL, NULL},
		{WHOLE("{\"content\":null}", "\"content_filter\""), NULL, NULL},
		{"{\"choices\":[{\"message\":{}},{\"message\":{\"content\":\"second\"}}]}", NULL, NULL},
		{WHOLE("{\"content\":\"hi\"}", "\"eos\""), WHOLE("{\"content\":\"hi\"}", "\"stop\""), "hi"},
		{WHOLE("{\"content\":\"\"}", "\"model_length\""), WHOLE("{\"content\":\"\"}", "\"length\""), NULL},
		{"{\"error\":null,\"x\":1.50,\"choices\":[{\"message\":{\"content\":\"a/b\"},\"finish_reason\":\"eos\"}]}", "{\"error\":null,\"x\":1.50,\"choices\":[{\"message\":{\"content\":\"a/b\"},\"finish_reason\":\"stop\"}]}", "a/b"},
		{WHOLE("{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"h\"},{\"type\":\"text\",\"text\":\"m\"}]},{\"type\":\"text\",\"text\":\"h\"},{\"type\":\"reference\",\"reference_ids\":[1]},{\"type\":\"text\",\"text\":\"i\"}]}", "\"stop\""), WHOLE("{\"content\":\"hi\",\"reasoning_content\":\"hm\"}", "\"stop\""), "hi"},
		{WHOLE("{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"h\"},{\"type\":\"text\",\"text\":\"m\"}]}]}", "\"length\""), WHOLE("{\"content\":null,\"reasoning_content\":\"hm\"}", "\"length\""), NULL},
		{WHOLE("{\"content\":[{\"type\":\"thinking\",\"thinking\":7},{\"type\":\"text\",\"text\":\"hi\"}]}", "\"stop\""), WHOLE("{\"content\":\"hi\"}", "\"stop\""), "hi"},
		{WHOLE("{\"content\":[{\"type\":\"image_url\",\"image_url\":\"u\"},{\"type\":\"text\",\"text\":\"hi\"}]}", "\"stop\""), NULL, "hi"},
		{WHOLE("{\"tool_calls\":[7,{\"id\":\"t\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},{\"id\":\"u\",\"type\":\"custom\",\"custom\":{}}]}", "\"tool_calls\""), WHOLE("{\"tool_calls\":[7,{\"id\":\"t\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"},\"type\":\"function\"},{\"id\":\"u\",\"type\":\"custom\",\"custom\":{}}]}", "\"tool_calls\""), NULL},
	};
	struct verdict verdict;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *json = cases[i].json ? cases[i].json : cases[i].body;
		struct answer answer = {0};

		CU_ASSERT_EQUAL_FATAL(read_answer(cases[i].body, &answer, &verdict), 0);
		CU_ASSERT_EQUAL(verdict.outcome.class_id, LULL_CLASS_ANSWERED);
		CU_ASSERT_STRING_EQUAL(answer.json, json);
		CU_ASSERT_EQUAL(answer.json_bytes, strlen(json));
		CU_ASSERT_TRUE(!cases[i].text == !answer.text);
		if (cases[i].text && answer.text)
			CU_ASSERT_STRING_EQUAL(answer.text, cases[i].text);
		answer_deinit(&answer);
	}
}

static void test_what_only_looks_like_an_answer_is_none(void)
{
	static const struct {
		const char *body;
		const char *rule;
		uint32_t class_id;
	} cases[] = {
		{WHOLE("{\"content\":\"\"}", "\"stop\""), "empty answer", LULL_CLASS_MALFORMED_RESPONSE},
		{WHOLE("{\"content\":null}", "\"tool_calls\""), "empty answer", LULL_CLASS_MALFORMED_RESPONSE},
		{WHOLE("{\"content\":null,\"tool_calls\":[]}", "\"stop\""), "empty answer", LULL_CLASS_MALFORMED_RESPONSE},
		{WHOLE("{\"content\":[]}", "\"stop\""), "empty answer", LULL_CLASS_MALFORMED_RESPONSE},
		{WHOLE("{\"content\":[[],{},7,{\"type\":\"text\"},{\"type\":\"text\",\"text\":\"\"}]}", "\"stop\""), "empty answer", LULL_CLASS_MALFORMED_RESPONSE},
		{WHOLE("{\"content\":7}", "\"stop\""), "empty answer", LULL_CLASS_MALFORMED_RESPONSE},
		{WHOLE("{\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"}]}", "\"stop\""), "empty answer", LULL_CLASS_MALFORMED_RESPONSE},
		{WHOLE("null", "null"), "empty answer", LULL_CLASS_MALFORMED_RESPONSE},
		{WHOLE_CALL("7"), "not of this form", LULL_CLASS_MALFORMED_RESPONSE},
		{WHOLE_CALL("true"), "not of this form", LULL_CLASS_MALFORMED_RESPONSE},
		{WHOLE_CALL("[{}]"), "not of this form", LULL_CLASS_MALFORMED_RESPONSE},
		{WHOLE("{\"content\":\"hi\",\"function_call\":{\"name\":\"f\",\"arguments\":[1]}}", "\"stop\""), "not of this form", LULL_CLASS_MALFORMED_RESPONSE},
		{WHOLE("{\"tool_calls\":[{\"custom\":{\"name\":\"f\",\"input\":7}}]}", "\"stop\""), "not of this form", LULL_CLASS_MALFORMED_RESPONSE},
		{"{\"choices\":[]}", "no choices", LULL_CLASS_MALFORMED_RESPONSE},
		{"{\"choices\":{}}", "no choices", LULL_CLASS_MALFORMED_RESPONSE},
		{"{\"choices\":null}", "no choices", LULL_CLASS_MALFORMED_RESPONSE},
		{"{}", "no choices", LULL_CLASS_MALFORMED_RESPONSE},
		{"[]", "no choices", LULL_CLASS_MALFORMED_RESPONSE},
		{"7", "no choices", LULL_CLASS_MALFORMED_RESPONSE},
		{"{\"choices\":[7,null,\"x\"]}", "empty answer", LULL_CLASS_MALFORMED_RESPONSE},
		{"", "empty answer", LULL_CLASS_MALFORMED_RESPONSE},
		{"{\"choices\":[{\"message\":{\"content\":\"hi", "broken JSON", LULL_CLASS_MALFORMED_RESPONSE},
		{"{\"choices\":[{\"message\":{\"content\":\"\xff\"}}]}", "broken JSON", LULL_CLASS_MALFORMED_RESPONSE},
		{"{\"choices\":[{\"message\":{\"content\":\"hi\",\"content\":\"\"}}]}", "broken JSON", LULL_CLASS_MALFORMED_RESPONSE},
		{"<html>", "page instead of an answer", LULL_CLASS_MALFORMED_RESPONSE},
		{"{\"error\":{\"type\":\"insufficient_quota\"},\"choices\":[{\"message\":{\"content\":\"hi\"}}]}", "openai insufficient_quota", LULL_CLASS_QUOTA_EXHAUSTED},
		{WHOLE("{\"content\":\"partial\"}", "\"error\""), "finish error", LULL_CLASS_SERVER_ERROR},
		{WHOLE("{\"content\":\"partial\"}", "\"insufficient_system_resource\""), "finish insufficient_system_resource", LULL_CLASS_OVERLOADED},
	};
	struct verdict verdict;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct answer answer = {0};

		CU_ASSERT_EQUAL(read_answer(cases[i].body, &answer, &verdict), 1);
		CU_ASSERT_STRING_EQUAL(verdict.rule, cases[i].rule);
		CU_ASSERT_EQUAL(verdict.outcome.class_id, cases[i].class_id);
		CU_ASSERT_EQUAL(verdict.outcome.http_status, 200);
		CU_ASSERT_PTR_NULL(answer.json);
	}
}

static void test_a_filtered_answer_is_told_apart(void)
{
	struct answer answer;
	struct verdict verdict;

	CU_ASSERT_EQUAL_FATAL(read_answer(WHOLE("{\"content\":null}", "\"content_filter\""), &answer, &verdict), 0);
	CU_ASSERT_TRUE(verdict.filtered);
	answer_deinit(&answer);
	CU_ASSERT_EQUAL_FATAL(read_answer(WHOLE("{\"content\":\"a\"}", "\"content_filter\""), &answer, &verdict), 0);
	CU_ASSERT_FALSE(verdict.filtered);
	answer_deinit(&answer);
}

/* ---- streams */

#define EVENT(json)       "data: " json "\n\n"
#define CHUNK(choices)    EVENT("{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":9,\"model\":\"m\",\"choices\":[" choices "]}")
#define DELTA(delta)      CHUNK("{\"index\":0,\"delta\":" delta ",\"finish_reason\":null}")
#define ARGUMENTS(value)  DELTA("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":" value "}}]}")
#define END(finish)       CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":\"" finish "\"}")
/* clang-format on */

struct seen {
	unsigned chunks;
	unsigned contents;
	unsigned finishes;
	char text[256];
	char last[1024];
	int stop_at; /* chunk at which the reader stops; 0 never */
};

static int see(const struct stream_event *event, void *userdata)
{
	struct seen *seen = userdata;

	if (event->type == STREAM_DONE)
		return 0;
	seen->chunks++;
	seen->contents += event->content;
	seen->finishes += event->finish;
	(void)snprintf(seen->last, sizeof(seen->last), "%s", event->json);
	if (event->text)
		(void)strncat(seen->text, event->text, sizeof(seen->text) - strlen(seen->text) - 1);
	return (int)seen->chunks == seen->stop_at ? -ECANCELED : 0;
}

struct streamed {
	struct stream_reader *reader;
	struct verdict verdict;
	struct seen seen;
	int fed;
};

static void stream(const char *body, const char *content_type, bool cut, size_t piece_size,
		   struct streamed *ret)
{
	static struct http_route route;
	const struct wire_header header = {"content-type", content_type};
	const struct wire_response head = {.status = 200,
					   .headers = &header,
					   .header_count = content_type ? 1 : 0,
					   .now_unix_ms = 1234567};
	size_t size = strlen(body);

	route = route_of("openai");
	*ret = (struct streamed){.reader = stream_new(&route, &head)};
	CU_ASSERT_PTR_NOT_NULL_FATAL(ret->reader);
	for (size_t at = 0; at < size && ret->fed == 0; at += piece_size)
		ret->fed = stream_feed(ret->reader, body + at,
				       size - at < piece_size ? size - at : piece_size, see,
				       &ret->seen);
	stream_end(ret->reader, &head, cut, &ret->verdict);
}

static void check_stream(const char *body, uint32_t class_id, const char *rule)
{
	struct streamed streamed;

	for (size_t piece_size = 1; piece_size < 200; piece_size += 66) {
		stream(body, "text/event-stream", false, piece_size, &streamed);
		CU_ASSERT_EQUAL(streamed.verdict.outcome.class_id, class_id);
		CU_ASSERT_EQUAL(streamed.verdict.outcome.http_status, 200);
		if (strcmp(streamed.verdict.rule, rule) != 0)
			(void)printf("    %s: %s\n", body, streamed.verdict.rule);
		CU_ASSERT_STRING_EQUAL(streamed.verdict.rule, rule);
		stream_free(streamed.reader);
	}
}

/* clang-format off */
static void test_only_finish_reasons_make_a_stream_whole(void)
{
	static const char no_finish[] = "stream without a finish reason";

	check_stream(DELTA("{\"content\":\"a\"}") END("stop"), LULL_CLASS_ANSWERED, "answer");
	check_stream(DELTA("{\"content\":\"a\"}") END("stop") EVENT("[DONE]"), LULL_CLASS_ANSWERED, "answer");
	check_stream(DELTA("{\"content\":\"a\"}") EVENT("[DONE]"), LULL_CLASS_TRUNCATED_STREAM, no_finish);
	check_stream(DELTA("{\"content\":\"a\"}"), LULL_CLASS_TRUNCATED_STREAM, no_finish);
	check_stream(EVENT("[DONE]"), LULL_CLASS_TRUNCATED_STREAM, no_finish);
	check_stream(CHUNK(""), LULL_CLASS_TRUNCATED_STREAM, no_finish);
	check_stream(": ping\n\n", LULL_CLASS_TRUNCATED_STREAM, "stream without an event");
	check_stream("", LULL_CLASS_MALFORMED_RESPONSE, "empty answer");
	check_stream("\n \r\n", LULL_CLASS_MALFORMED_RESPONSE, "empty answer");
	/* a later null does not take it back, a second choice needs its own */
	check_stream(DELTA("{\"content\":\"a\"}") END("stop") DELTA("{}"), LULL_CLASS_ANSWERED, "answer");
	check_stream(CHUNK("{\"index\":1,\"delta\":{\"content\":\"a\"}}") END("stop"), LULL_CLASS_TRUNCATED_STREAM, no_finish);
	/* the last event lacks its blank line: it may be cut */
	check_stream(DELTA("{\"content\":\"a\"}") "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n", LULL_CLASS_TRUNCATED_STREAM, no_finish);
}

static void test_a_whole_stream_has_to_say_something(void)
{
	check_stream(DELTA("{\"role\":\"assistant\",\"content\":\"\"}") END("stop"), LULL_CLASS_MALFORMED_RESPONSE, "empty answer");
	check_stream(DELTA("{\"reasoning_content\":\"hm\"}") END("stop"), LULL_CLASS_MALFORMED_RESPONSE, "empty answer");
	check_stream(END("length"), LULL_CLASS_ANSWERED, "answer");
	check_stream(END("content_filter"), LULL_CLASS_ANSWERED, "answer");
	check_stream(DELTA("{\"refusal\":\"no\"}") END("stop"), LULL_CLASS_ANSWERED, "answer");
	check_stream(DELTA("{\"tool_calls\":[{\"index\":0}]}") END("tool_calls"), LULL_CLASS_ANSWERED, "answer");
}

static void test_errors_end_a_stream_wherever_they_come(void)
{
	static const char first[] = DELTA("{\"content\":\"a\"}");
	static const struct {
		const char *event;
		uint32_t class_id;
		const char *rule;
	} cases[] = {
		{EVENT("{\"error\":{\"code\":429}}"), LULL_CLASS_RATE_LIMITED, "status 429"},
		{"event: error\n" EVENT("{\"error\":{\"message\":\"crashed\"}}"), LULL_CLASS_SERVER_ERROR, "status 500"},
		{"event: error\n" EVENT("{\"code\":503,\"message\":\"x\"}"), LULL_CLASS_OVERLOADED, "status 503"},
		{"event: error\n" EVENT("not even JSON"), LULL_CLASS_SERVER_ERROR, "status 500"},
		{"error: {\"code\":500,\"message\":\"Compute error.\"}\n\n", LULL_CLASS_SERVER_ERROR, "status 500"},
		{END("error"), LULL_CLASS_SERVER_ERROR, "finish error"},
		{END("insufficient_system_resource"), LULL_CLASS_OVERLOADED, "finish insufficient_system_resource"},
		{CHUNK("{\"index\":0,\"error\":{\"code\":502},\"finish_reason\":\"error\"}"), LULL_CLASS_SERVER_ERROR, "status 502"},
		{EVENT("{\"choices\":["), LULL_CLASS_MALFORMED_RESPONSE, "event is no JSON"},
		{EVENT("ping"), LULL_CLASS_MALFORMED_RESPONSE, "event is no JSON"},
		{ARGUMENTS("7"), LULL_CLASS_MALFORMED_RESPONSE, "not of this form"},
		{ARGUMENTS("false"), LULL_CLASS_MALFORMED_RESPONSE, "not of this form"},
		{ARGUMENTS("[{}]"), LULL_CLASS_MALFORMED_RESPONSE, "not of this form"},
	};
	char body[1024];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_stream(cases[i].event, cases[i].class_id, cases[i].rule);
		(void)snprintf(body, sizeof(body), "%s%s%s", first, cases[i].event, END("stop"));
		check_stream(body, cases[i].class_id, cases[i].rule);
	}
}

static void test_a_whole_stream_stays_whole(void)
{
#define SAID DELTA("{\"content\":\"a\"}")
	static const struct {
		const char *events;
		uint32_t class_id;
		const char *rule;
	} cases[] = {
		{SAID END("stop") EVENT("{\"error\":{\"code\":429}}") EVENT("[DONE]"), LULL_CLASS_ANSWERED, "answer"},
		{SAID END("stop") EVENT("[DONE]") EVENT("{\"error\":{\"code\":429}}"), LULL_CLASS_ANSWERED, "answer"},
		{SAID END("stop") "event: error\n" EVENT("crashed"), LULL_CLASS_ANSWERED, "answer"},
		{SAID END("stop") END("error"), LULL_CLASS_ANSWERED, "answer"},
		{SAID END("stop") EVENT("garbage"), LULL_CLASS_ANSWERED, "answer"},
		{SAID END("stop") ARGUMENTS("7"), LULL_CLASS_ANSWERED, "answer"},
		{END("length") EVENT("garbage"), LULL_CLASS_ANSWERED, "answer"},
		/* a choice has begun that has none, before the error or by what is wrong itself */
		{SAID CHUNK("{\"index\":1,\"delta\":{}}") END("stop") EVENT("{\"error\":{\"code\":429}}"), LULL_CLASS_RATE_LIMITED, "status 429"},
		{SAID END("stop") CHUNK("{\"index\":1,\"delta\":{}}") EVENT("garbage"), LULL_CLASS_MALFORMED_RESPONSE, "event is no JSON"},
		/* the finish reason was in the event that failed, and not handed out */
		{SAID CHUNK("{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":7}}]},\"finish_reason\":\"stop\"}"), LULL_CLASS_MALFORMED_RESPONSE, "not of this form"},
		/* nothing in it: the error says more */
		{END("stop") EVENT("{\"error\":{\"code\":429}}"), LULL_CLASS_RATE_LIMITED, "status 429"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_stream(cases[i].events, cases[i].class_id, cases[i].rule);
#undef SAID
}

static void test_what_is_wrong_with_an_event_is_told(void)
{
#define DEEP8(c)  c c c c c c c c
#define DEEP64(c) DEEP8(DEEP8(c))
	static const struct {
		const char *event;
		const char *detail;
	} cases[] = {
		{EVENT("ping"), "an event of the stream cannot be read: line 1: a character that begins no value"},
		{EVENT("{\"a\":1,\"a\":1}"), "an event of the stream cannot be read: an object has the same key twice"},
		{EVENT("{\"a\":\"\xff\"}"), "an event of the stream cannot be read: line 1: bytes that are not UTF-8"},
		{EVENT(DEEP64("[[") "[]" DEEP64("]]")), "an event of the stream cannot be read: line 1: nesting too deep"},
	};
	struct streamed s;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		stream(cases[i].event, NULL, false, SIZE_MAX, &s);
		CU_ASSERT_STRING_EQUAL(s.verdict.detail, cases[i].detail);
		stream_free(s.reader);
	}
#undef DEEP64
#undef DEEP8
}

static void test_nothing_is_read_after_an_error(void)
{
	struct streamed s;

	stream(DELTA("{\"content\":\"a\"}") EVENT("{\"error\":{\"code\":500}}") DELTA("{\"content\":\"b\"}"), NULL, false, SIZE_MAX, &s);
	CU_ASSERT_EQUAL(s.fed, 1);
	CU_ASSERT_EQUAL(s.seen.chunks, 1);
	CU_ASSERT_EQUAL(stream_feed(s.reader, DELTA("{}"), 5, see, &s.seen), 1);
	CU_ASSERT_EQUAL(s.seen.chunks, 1);
	stream_free(s.reader);
}

static void test_a_broken_connection_after_the_finish_breaks_nothing(void)
{
	struct streamed s;

	stream(DELTA("{\"content\":\"a\"}") END("stop"), NULL, true, SIZE_MAX, &s);
	CU_ASSERT_EQUAL(s.verdict.outcome.class_id, LULL_CLASS_ANSWERED);
	stream_free(s.reader);
	stream(DELTA("{\"content\":\"a\"}"), NULL, true, SIZE_MAX, &s);
	CU_ASSERT_EQUAL(s.verdict.outcome.class_id, LULL_CLASS_TRUNCATED_STREAM);
	stream_free(s.reader);
	stream("", NULL, true, SIZE_MAX, &s);
	CU_ASSERT_EQUAL(s.verdict.outcome.class_id, LULL_CLASS_TRUNCATED_STREAM);
	stream_free(s.reader);
}

static void test_chunks_tell_what_they_hold(void)
{
	static const struct {
		const char *delta;
		bool content;
		const char *text;
	} cases[] = {
		{"{}", false, ""},
		{"{\"role\":\"assistant\"}", false, ""},
		{"{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}", false, ""},
		{"{\"content\":null}", false, ""},
		{"{\"content\":\"a\\nb\"}", true, "a\nb"},
		{"{\"refusal\":\"no\"}", true, "no"},
		{"{\"content\":\"a\",\"refusal\":\"no\"}", true, "a"},
		{"{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\"}}]}", true, ""},
		{"{\"tool_calls\":[]}", false, ""},
		{"{\"reasoning_content\":\"hm\"}", true, ""},
		{"{\"reasoning\":\"hm\"}", true, ""},
		{"{\"reasoning_content\":\"\"}", false, ""},
		{"{\"content\":[{\"text\":\"a\"}]}", true, "a"},
		{"{\"audio\":{\"data\":\"AA==\"}}", true, ""},
	};
	char body[512];
	struct streamed s;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(body, sizeof(body), "data: {\"choices\":[{\"index\":0,\"delta\":%s}]}\n\n", cases[i].delta);
		stream(body, NULL, false, SIZE_MAX, &s);
		CU_ASSERT_EQUAL(s.seen.chunks, 1);
		CU_ASSERT_EQUAL(s.seen.contents, cases[i].content);
		CU_ASSERT_EQUAL(s.seen.finishes, 0);
		CU_ASSERT_STRING_EQUAL(s.seen.text, cases[i].text);
		stream_free(s.reader);
	}
}

static void test_chunks_pass_through_as_one_line(void)
{
	struct streamed s;

	stream(EVENT("{ \"choices\" : [], \"x\": 1.50, \"y\": \"a\\/b\" }"), NULL, false, 1, &s);
	CU_ASSERT_STRING_EQUAL(s.seen.last, "{ \"choices\" : [], \"x\": 1.50, \"y\": \"a\\/b\" }");
	stream_free(s.reader);
	stream("data: {\"choices\":\ndata: [],\r\ndata:\"x\":1}\n\n", NULL, false, 1, &s);
	CU_ASSERT_STRING_EQUAL(s.seen.last, "{\"choices\": [], \"x\":1}");
	stream_free(s.reader);
	/* what is no chunk is not handed out */
	stream(EVENT("{\"type\":\"ping\"}") EVENT("{}") EVENT("[]") EVENT("7"), NULL, false, 1, &s);
	CU_ASSERT_EQUAL(s.seen.chunks, 0);
	CU_ASSERT_EQUAL(s.fed, 0);
	stream_free(s.reader);
}

static void test_chunks_that_vendors_bend_are_made_straight(void)
{
	static const struct {
		const char *choice;
		const char *expected;
	} cases[] = {
		{"{\"index\":0,\"delta\":{},\"finish_reason\":\"eos\"}", "{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}"},
		{"{\"delta\":{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"hm\"}]}]}}", "{\"delta\":{\"content\":null,\"reasoning_content\":\"hm\"}}"},
		{"{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"a/\"},{\"type\":\"text\",\"text\":\"b\"}]}}", "{\"delta\":{\"content\":\"a/b\"}}"},
		{"{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"t\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}", "{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"t\",\"function\":{\"name\":\"f\",\"arguments\":\"\"},\"type\":\"function\"}]}}"},
		{"{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":{\"a/\":1}}}]}}", "{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a/\\\":1}\"}}]}}"},
		{"{\"delta\":{\"tool_calls\":[{\"index\":0,  \"function\":{\"name\":\"f\",\"arguments\":null}}]}}", "{\"delta\":{\"tool_calls\":[{\"index\":0,  \"function\":{\"name\":\"f\",\"arguments\":null}}]}}"},
		{"{\"delta\":{\"function_call\":{\"name\":\"f\",\"arguments\":{}}}}", "{\"delta\":{\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}}}"},
		{"{\"delta\":{\"tool_calls\":[{\"index\":0,  \"function\":{\"arguments\":\"{}\"}}]}}", "{\"delta\":{\"tool_calls\":[{\"index\":0,  \"function\":{\"arguments\":\"{}\"}}]}}"},
	};
	char body[512], expected[512];
	struct streamed s;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(body, sizeof(body), "data: {\"choices\":[%s]}\n\n", cases[i].choice);
		(void)snprintf(expected, sizeof(expected), "{\"choices\":[%s]}", cases[i].expected);
		stream(body, NULL, false, 1, &s);
		CU_ASSERT_STRING_EQUAL(s.seen.last, expected);
		CU_ASSERT_EQUAL(s.seen.finishes + s.seen.contents, 1);
		stream_free(s.reader);
	}
}

static void test_the_reader_of_chunks_can_stop(void)
{
	struct http_route route = route_of("openai");
	struct stream_reader *reader = stream_new(&route, &(const struct wire_response){0});
	struct seen seen = {.stop_at = 2};
	static const char body[] = DELTA("{\"content\":\"a\"}") DELTA("{\"content\":\"b\"}") DELTA("{\"content\":\"c\"}");

	CU_ASSERT_PTR_NOT_NULL_FATAL(reader);
	CU_ASSERT_EQUAL(stream_feed(reader, body, strlen(body), see, &seen), -ECANCELED);
	CU_ASSERT_EQUAL(seen.chunks, 2);
	stream_free(reader);
}

/* ---- what was used */

static void test_usage_is_read(void)
{
	static const struct {
		const char *usage;
		uint32_t used;
	} cases[] = {
		{"{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":9}", 9},
		{"{\"prompt_tokens\":3,\"completion_tokens\":4}", 7},
		{"{\"prompt_tokens\":3,\"total_tokens\":null}", 3},
		{"{\"total_tokens\":5000000000}", LULL_UNSET - 1},
		{"{\"prompt_tokens\":9223372036854775807,\"completion_tokens\":9223372036854775807}", LULL_UNSET - 1},
		{"{\"total_tokens\":0}", LULL_UNSET},
		{"{\"total_tokens\":-1}", LULL_UNSET},
		{"{\"total_tokens\":\"7\"}", LULL_UNSET},
		{"{\"total_tokens\":1.5}", LULL_UNSET},
		{"{}", LULL_UNSET},
		{"[7]", LULL_UNSET},
		{"7", LULL_UNSET},
		{"null", LULL_UNSET},
	};
	const struct http_route route = route_of("openai");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char body[512], events[600];
		struct wire_response response = {.status = 200, .body = body};
		struct verdict verdict;
		struct answer answer;
		struct streamed s;

		(void)snprintf(body, sizeof(body), "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}],\"usage\":%s}", cases[i].usage);
		response.body_bytes = strlen(body);
		CU_ASSERT_EQUAL_FATAL(answer_read(&route, &response, &answer, &verdict), 0);
		CU_ASSERT_EQUAL(verdict.outcome.tokens, cases[i].used);
		answer_deinit(&answer);
		stream(body, NULL, false, 7, &s); /* one body, and a stream was asked for */
		CU_ASSERT_EQUAL(s.verdict.outcome.tokens, cases[i].used);
		stream_free(s.reader);
		(void)snprintf(events, sizeof(events), DELTA("{\"content\":\"a\"}") END("stop") "data: {\"choices\":[],\"usage\":%s}\n\n", cases[i].usage);
		stream(events, "text/event-stream", false, 7, &s);
		CU_ASSERT_EQUAL(s.verdict.outcome.class_id, LULL_CLASS_ANSWERED);
		CU_ASSERT_EQUAL(s.verdict.outcome.tokens, cases[i].used);
		stream_free(s.reader);
	}
}

/* ---- streams put together */

static void check_answer(const char *body, const char *expected)
{
	struct streamed s;
	struct answer answer = {0};

	stream(body, "text/event-stream", false, 7, &s);
	CU_ASSERT_EQUAL_FATAL(s.verdict.outcome.class_id, LULL_CLASS_ANSWERED);
	CU_ASSERT_EQUAL_FATAL(stream_answer(s.reader, &answer), 0);
	if (strcmp(answer.json, expected) != 0)
		(void)printf("    got %s\n    not %s\n", answer.json, expected);
	CU_ASSERT_STRING_EQUAL(answer.json, expected);
	CU_ASSERT_EQUAL(answer.json_bytes, strlen(expected));
	answer_deinit(&answer);
	stream_free(s.reader);
}

#define HEAD   "{\"id\":\"c1\",\"object\":\"chat.completion\",\"created\":9,\"model\":\"m\",\"choices\":["
#define CHOICE(i, message, finish) "{\"index\":" i ",\"message\":{" message "},\"logprobs\":null,\"finish_reason\":\"" finish "\"}"
#define REST   ",\"refusal\":null,\"annotations\":[]"

static void test_deltas_are_put_together(void)
{
	check_answer(DELTA("{\"role\":\"assistant\",\"content\":\"\"}") DELTA("{\"content\":\"Hel\"}") DELTA("{\"content\":\"lo/\"}") END("stop"),
		     HEAD CHOICE("0", "\"role\":\"assistant\",\"content\":\"Hello/\"" REST, "stop") "]}");
	check_answer(DELTA("{\"content\":\"a\"}") END("stop"),
		     HEAD CHOICE("0", "\"content\":\"a\",\"role\":\"assistant\"" REST, "stop") "]}");
	check_answer(DELTA("{\"role\":\"assistant\",\"content\":\"\"}") DELTA("{\"refusal\":\"I \"}") DELTA("{\"refusal\":\"won't\"}") END("stop"),
		     HEAD CHOICE("0", "\"role\":\"assistant\",\"refusal\":\"I won't\",\"content\":null,\"annotations\":[]", "stop") "]}");
	check_answer(DELTA("{\"reasoning_content\":\"h\",\"content\":null}") DELTA("{\"reasoning_content\":\"m\"}") DELTA("{\"content\":\"a\"}") END("stop"),
		     HEAD CHOICE("0", "\"content\":\"a\",\"reasoning_content\":\"hm\",\"role\":\"assistant\"" REST, "stop") "]}");
	/* choices interleave, and come out in order */
	check_answer(CHUNK("{\"index\":1,\"delta\":{\"content\":\"b\"}},{\"index\":0,\"delta\":{\"content\":\"a\"}}") CHUNK("{\"index\":1,\"delta\":{\"content\":\"B\"},\"finish_reason\":\"length\"}") END("stop"),
		     HEAD CHOICE("0", "\"content\":\"a\",\"role\":\"assistant\"" REST, "stop") "," CHOICE("1", "\"content\":\"bB\",\"role\":\"assistant\"" REST, "length") "]}");
	/* vendors' members: lists are appended to, of the rest the latest counts */
	check_answer(DELTA("{\"content\":\"a\",\"annotations\":[1],\"x\":1}") DELTA("{\"annotations\":[2],\"x\":2}") END("stop"),
		     HEAD CHOICE("0", "\"annotations\":[1,2],\"x\":2,\"content\":\"a\",\"role\":\"assistant\",\"refusal\":null", "stop") "]}");
	check_answer(DELTA("{\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}}") DELTA("{\"function_call\":{\"arguments\":\"{}\"}}") END("function_call"),
		     HEAD CHOICE("0", "\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"},\"role\":\"assistant\",\"content\":null" REST, "function_call") "]}");
	check_answer(DELTA("{\"function_call\":{\"name\":\"f\",\"arguments\":null}}") END("function_call"),
		     HEAD CHOICE("0", "\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"},\"role\":\"assistant\",\"content\":null" REST, "function_call") "]}");
	check_answer(DELTA("{\"audio\":{\"id\":\"au\",\"data\":\"AA\"}}") DELTA("{\"audio\":{\"data\":\"BB\",\"expires_at\":5}}") END("stop"),
		     HEAD CHOICE("0", "\"audio\":{\"id\":\"au\",\"expires_at\":5,\"data\":\"AABB\"},\"role\":\"assistant\",\"content\":null" REST, "stop") "]}");
}

static void test_what_stands_beside_the_choices_is_kept(void)
{
	/* an empty first identity counts for nothing; usage comes last, and without choices */
	check_answer(EVENT("{\"id\":\"\",\"created\":0,\"model\":\"\",\"choices\":[],\"prompt_filter_results\":[1]}") DELTA("{\"content\":\"a\"}") END("stop")
		     EVENT("{\"id\":\"late\",\"model\":\"late\",\"choices\":[],\"usage\":{\"total_tokens\":3},\"obfuscation\":\"xx\"}") EVENT("[DONE]"),
		     HEAD CHOICE("0", "\"content\":\"a\",\"role\":\"assistant\"" REST, "stop") "],\"prompt_filter_results\":[1],\"usage\":{\"total_tokens\":3}}");
	/* no identity at all: the clock's time, which is 1234 s */
	check_answer(EVENT("{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}"),
		     "{\"id\":\"\",\"object\":\"chat.completion\",\"created\":1234,\"model\":\"\",\"choices\":[" CHOICE("0", "\"content\":\"a\",\"role\":\"assistant\"" REST, "stop") "]}");
	/* log probabilities are lists in an object */
	check_answer(CHUNK("{\"index\":0,\"delta\":{\"content\":\"a\"},\"logprobs\":{\"content\":[1],\"refusal\":null}}") CHUNK("{\"index\":0,\"delta\":{\"content\":\"b\"},\"logprobs\":{\"content\":[2]},\"finish_reason\":\"stop\"}"),
		     HEAD "{\"index\":0,\"message\":{\"content\":\"ab\",\"role\":\"assistant\"" REST "},\"logprobs\":{\"content\":[1,2]},\"finish_reason\":\"stop\"}]}");
}

#define CALLS(calls) "\"tool_calls\":[" calls "],\"role\":\"assistant\",\"content\":null" REST
#define CALL(id, name, arguments) "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name "\",\"arguments\":\"" arguments "\"}}"
#define PART(part) DELTA("{\"tool_calls\":[" part "]}")

static void test_tool_calls_are_put_together(void)
{
	/* as OpenAI sends them: the first fragment names the call */
	check_answer(PART("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}") PART("{\"index\":0,\"function\":{\"arguments\":\"{1\"}}") PART("{\"index\":0,\"function\":{\"arguments\":\"2}\"}}")
		     PART("{\"index\":1,\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}}") PART("{\"index\":1,\"function\":{\"arguments\":\"3\"}}") END("tool_calls"),
		     HEAD CHOICE("0", CALLS(CALL("a", "f", "{12}") "," CALL("b", "g", "3")), "tool_calls") "]}");
	/* whole, without index and type, and an object for arguments */
	check_answer(PART("{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}},{\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}}") END("tool_calls"),
		     HEAD CHOICE("0", CALLS("{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"},\"type\":\"function\"},{\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"\"},\"type\":\"function\"}"), "tool_calls") "]}");
	/* all parallel calls with index 0 */
	check_answer(PART("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"1\"}}") PART("{\"index\":0,\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"2\"}}") PART("{\"index\":0,\"function\":{\"arguments\":\"3\"}}") END("tool_calls"),
		     HEAD CHOICE("0", CALLS(CALL("a", "f", "1") "," CALL("b", "g", "23")), "tool_calls") "]}");
	/* id and name repeated, or another id in each fragment */
	check_answer(PART("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"1\"}}") PART("{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"2\"}}") PART("{\"index\":0,\"id\":\"random\",\"function\":{\"arguments\":\"3\"}}") END("tool_calls"),
		     HEAD CHOICE("0", CALLS(CALL("a", "f", "123")), "tool_calls") "]}");
	/* custom tools have an input */
	check_answer(PART("{\"index\":0,\"id\":\"a\",\"type\":\"custom\",\"custom\":{\"name\":\"f\",\"input\":\"x\"}}") PART("{\"index\":0,\"custom\":{\"input\":\"y\"}}") END("tool_calls"),
		     HEAD CHOICE("0", CALLS("{\"id\":\"a\",\"type\":\"custom\",\"custom\":{\"name\":\"f\",\"input\":\"xy\"}}"), "tool_calls") "]}");
	/* members of a vendor's own stay with the call; what is no call is no call */
	check_answer(PART("7,null,{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"extra\":{\"k\":1},\"function\":{\"name\":\"f\",\"arguments\":null}}") END("tool_calls"),
		     HEAD CHOICE("0", CALLS("{\"id\":\"a\",\"type\":\"function\",\"extra\":{\"k\":1},\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}"), "tool_calls") "]}");
}
/* clang-format on */

static void test_more_calls_and_choices_than_any_model_gives_are_refused(void)
{
	struct buffer body;
	char part[128];

	buffer_init(&body, 1u << 20);
	for (int i = 0; i < 300; i++) {
		(void)snprintf(part, sizeof(part), "data: {\"choices\":[{\"index\":%d}]}\n\n", i);
		(void)buffer_add(&body, part, strlen(part));
	}
	check_stream(body.bytes, LULL_CLASS_MALFORMED_RESPONSE, "too many choices");
	body.size = 0;
	for (int i = 0; i < 300; i++) {
		(void)snprintf(
			part, sizeof(part),
			"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%d}]}}]}\n\n",
			i);
		(void)buffer_add(&body, part, strlen(part));
	}
	check_stream(body.bytes, LULL_CLASS_MALFORMED_RESPONSE, "too many choices");
	buffer_deinit(&body);
}

/* ---- one body where a stream was expected */

static void test_one_body_instead_of_a_stream_is_one_chunk(void)
{
	static const char body[] =
		" \n{\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"a}\\\"\"},"
		"\"finish_reason\":\"stop\"}]}\n";
	struct streamed s;
	struct answer answer;

	for (size_t piece_size = 1; piece_size < sizeof(body); piece_size++) {
		stream(body, NULL, false, piece_size, &s);
		CU_ASSERT_EQUAL_FATAL(s.verdict.outcome.class_id, LULL_CLASS_ANSWERED);
		CU_ASSERT_EQUAL(s.seen.chunks, 1);
		CU_ASSERT_EQUAL(s.seen.contents, 1);
		CU_ASSERT_EQUAL(s.seen.finishes, 1);
		CU_ASSERT_STRING_EQUAL(s.seen.text, "a}\"");
		CU_ASSERT_PTR_NOT_NULL(strstr(s.seen.last, "chat.completion.chunk"));
		CU_ASSERT_EQUAL_FATAL(stream_answer(s.reader, &answer), 0);
		CU_ASSERT_EQUAL(answer.json_bytes, strlen(body) - 3);
		CU_ASSERT_STRING_EQUAL(answer.text, "a}\"");
		answer_deinit(&answer);
		stream_free(s.reader);
	}
}

static void test_one_body_that_is_no_answer_is_judged_as_such(void)
{
	check_stream("{\"error\":{\"code\":429}}", LULL_CLASS_RATE_LIMITED, "status 429");
	check_stream("\xEF\xBB\xBF{\"error\":{\"code\":429}}", LULL_CLASS_RATE_LIMITED,
		     "status 429");
	check_stream("[{\"error\":{\"code\":503}}]", LULL_CLASS_OVERLOADED, "status 503");
	check_stream("{\"choices\":[]}", LULL_CLASS_MALFORMED_RESPONSE, "no choices");
	check_stream("{\"choices\":[{", LULL_CLASS_MALFORMED_RESPONSE, "broken JSON");
	check_stream("{\"choices\":[}", LULL_CLASS_MALFORMED_RESPONSE, "broken JSON");
	check_stream("<html>{}</html>", LULL_CLASS_MALFORMED_RESPONSE, "page instead of an answer");
}

static void test_text_that_is_no_stream_is_an_edges(void)
{
	struct streamed s;

	stream("Service unavailable, sorry", "text/plain", false, SIZE_MAX, &s);
	CU_ASSERT_EQUAL(s.verdict.outcome.class_id, LULL_CLASS_MALFORMED_RESPONSE);
	CU_ASSERT_EQUAL(s.verdict.outcome.scope, LULL_KIND_ENDPOINT);
	stream_free(s.reader);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_only_the_model_changes),
		CUNIT_TEST(test_the_stream_is_the_attempts_and_not_the_callers),
		CUNIT_TEST(test_vendors_get_max_tokens_under_the_name_they_know),
		CUNIT_TEST(test_extra_body_is_merged),
		CUNIT_TEST(test_requests_that_cannot_be_put_are_refused_with_a_sentence),
		CUNIT_TEST(test_a_request_over_the_cap_is_refused),
		CUNIT_TEST(test_headers_are_the_routes_own),
		CUNIT_TEST(test_a_whole_address_is_a_base_too),
		CUNIT_TEST(test_azure_has_a_header_and_a_path_of_its_own),
		CUNIT_TEST(test_answers_pass_through_byte_for_byte),
		CUNIT_TEST(test_what_only_looks_like_an_answer_is_none),
		CUNIT_TEST(test_a_filtered_answer_is_told_apart),
		CUNIT_TEST(test_only_finish_reasons_make_a_stream_whole),
		CUNIT_TEST(test_a_whole_stream_has_to_say_something),
		CUNIT_TEST(test_errors_end_a_stream_wherever_they_come),
		CUNIT_TEST(test_a_whole_stream_stays_whole),
		CUNIT_TEST(test_what_is_wrong_with_an_event_is_told),
		CUNIT_TEST(test_nothing_is_read_after_an_error),
		CUNIT_TEST(test_a_broken_connection_after_the_finish_breaks_nothing),
		CUNIT_TEST(test_chunks_tell_what_they_hold),
		CUNIT_TEST(test_chunks_pass_through_as_one_line),
		CUNIT_TEST(test_chunks_that_vendors_bend_are_made_straight),
		CUNIT_TEST(test_the_reader_of_chunks_can_stop),
		CUNIT_TEST(test_usage_is_read),
		CUNIT_TEST(test_deltas_are_put_together),
		CUNIT_TEST(test_what_stands_beside_the_choices_is_kept),
		CUNIT_TEST(test_tool_calls_are_put_together),
		CUNIT_TEST(test_more_calls_and_choices_than_any_model_gives_are_refused),
		CUNIT_TEST(test_one_body_instead_of_a_stream_is_one_chunk),
		CUNIT_TEST(test_one_body_that_is_no_answer_is_judged_as_such),
		CUNIT_TEST(test_text_that_is_no_stream_is_an_edges),
	};

	return CUNIT_MAIN("adapter_openai", tests);
}
