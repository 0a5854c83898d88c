/* SPDX-License-Identifier: MIT */
/*
 * The form of Cohere's chat, version 2, beyond what the samples of tests/wire show: every kind of
 * message, every parameter, what is refused and what is left out; and answers and streams that
 * break the form.
 */
#include <errno.h>
#include <string.h>

#include <lull/lull.h>

#include "adapter_fixture.h"
#include "cunit_main.h"

/* clang-format off */
static void test_messages(void)
{
	static const struct request_case cases[] = {
		{"{" ASKS "}", "{\"model\":\"command\",\"stream\":false,\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}", NULL},
		/* each stays one, in its place */
		{"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"},{\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":\"c\"},{\"type\":\"text\",\"text\":\"d\"}]},{\"role\":\"assistant\",\"content\":\"e\"}]}",
		 "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"},{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"c\"},{\"type\":\"text\",\"text\":\"d\"}]},{\"role\":\"assistant\",\"content\":\"e\"}]}", NULL},
		/* no member that it does not know; no message that says nothing */
		{"{\"messages\":[{\"role\":\"user\",\"content\":\"a\",\"name\":\"ada\"},{\"role\":\"assistant\",\"content\":\"\"},{\"role\":\"assistant\",\"content\":null,\"refusal\":\"no\",\"annotations\":[]},{\"role\":\"user\",\"content\":\"b\"}]}",
		 "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"no\"},{\"role\":\"user\",\"content\":\"b\"}]}", NULL},
		{SAYS("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"},\"cache_control\":{}}]"),
		 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"}}]}]}", NULL},
		{SAYS("[{\"type\":\"text\",\"text\":\"\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA==\",\"detail\":\"high\"}},{\"type\":\"text\",\"text\":\"t\"}]"),
		 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA==\",\"detail\":\"high\"}},{\"type\":\"text\",\"text\":\"t\"}]}]}", NULL},
		/* what is said beside a call; a call without arguments; a result of nothing, and one of two texts */
		{"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"I look\",\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}},{\"id\":\"c2\",\"function\":{\"name\":\"g\",\"arguments\":\" {\\\"a\\\": 1.0}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":[{\"type\":\"text\",\"text\":\"4\"},{\"type\":\"text\",\"text\":\"5\"}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"\"}]}",
		 "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"I look\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},{\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{\\\"a\\\":1.0}\"}}]},"
		 "{\"role\":\"tool\",\"content\":\"45\",\"tool_call_id\":\"c2\"},{\"role\":\"tool\",\"content\":\"\",\"tool_call_id\":\"c1\"}]}", NULL},
	};

	CHECK_ALL(adapter_check_request, cases);
}

static void test_parameters(void)
{
	static const struct request_case cases[] = {
		{"{" ASKS ",\"max_tokens\":5}", "{\"max_tokens\":5}", NULL},
		{"{" ASKS ",\"max_completion_tokens\":6,\"max_tokens\":5}", "{\"max_tokens\":6}", NULL},
		{"{" ASKS ",\"temperature\":1.5}", "{\"temperature\":1}", "temperature above 1"},
		{"{" ASKS ",\"frequency_penalty\":-0.5,\"presence_penalty\":0.5}", "{\"frequency_penalty\":0,\"presence_penalty\":0.5}", "frequency_penalty below 0"},
		{"{" ASKS ",\"top_p\":0.5,\"top_k\":3,\"seed\":7}", "{\"p\":0.5,\"k\":3,\"seed\":7}", NULL},
		{"{" ASKS ",\"top_p\":1}", "{\"p\":0.99}", NULL},
		{"{" ASKS ",\"top_p\":0}", "{\"p\":0.01}", NULL},
		{"{" ASKS ",\"stop\":\"END\"}", "{\"stop_sequences\":[\"END\"]}", NULL},
		{"{" ASKS ",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}", "{\"stop_sequences\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}", NULL},
		{"{" ASKS ",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\"]}", "{\"stop_sequences\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}", "a stop beyond 5"},
		{"{" ASKS ",\"user\":\"u\",\"metadata\":{\"a\":\"b\"},\"store\":true,\"service_tier\":\"flex\"}", "{}", NULL},
		{"{" ASKS ",\"logprobs\":true,\"top_logprobs\":2,\"logit_bias\":{\"1\":1},\"reasoning_effort\":\"low\",\"parallel_tool_calls\":false}", "{}",
		 "logprobs, top_logprobs, logit_bias, reasoning_effort, parallel_tool_calls"},
		{"{" ASKS ",\"seed\":null,\"logprobs\":false,\"n\":1,\"modalities\":[\"text\"],\"parallel_tool_calls\":true}", "{}", NULL},
		{"{" ASKS ",\"safety_mode\":\"STRICT\",\"thinking\":{\"type\":\"disabled\"},\"strict_tools\":true,\"priority\":2,\"documents\":[\"d\"],\"citation_options\":{\"mode\":\"off\"}}",
		 "{\"safety_mode\":\"STRICT\",\"thinking\":{\"type\":\"disabled\"},\"strict_tools\":true,\"priority\":2,\"documents\":[\"d\"],\"citation_options\":{\"mode\":\"off\"}}", NULL},
		{"{" ASKS ",\"response_format\":{\"type\":\"json_object\"}}", "{\"response_format\":{\"type\":\"json_object\"}}", NULL},
		{"{" ASKS ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":\"object\"}}}}",
		 "{\"response_format\":{\"type\":\"json_object\",\"json_schema\":{\"type\":\"object\"}}}", NULL},
		{"{" ASKS "," TOOL ",\"response_format\":{\"type\":\"json_object\"}}", "{}", "response_format"},
		{"{" ASKS "," TOOL ",\"response_format\":{\"type\":\"text\"}}", "{}", NULL},
		{"{" ASKS ",\"response_format\":{\"type\":\"grammar\"}}", "{}", "response_format"},
	};

	CHECK_ALL(adapter_check_request, cases);
}

#define TWO_TOOLS "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true}},{\"type\":\"function\",\"function\":{\"name\":\"g\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}}]"
#define F "{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}}"
#define G "{\"type\":\"function\",\"function\":{\"name\":\"g\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}}"

static void test_tools(void)
{
	static const struct request_case cases[] = {
		{"{" ASKS "," TWO_TOOLS "}", "{\"tools\":[" F "," G "]}", NULL},
		{"{" ASKS "," TWO_TOOLS ",\"tool_choice\":\"required\"}", "{\"tools\":[" F "," G "],\"tool_choice\":\"REQUIRED\"}", NULL},
		{"{" ASKS "," TWO_TOOLS ",\"tool_choice\":\"none\"}", "{\"tools\":[" F "," G "],\"tool_choice\":\"NONE\"}", NULL},
		{"{" ASKS "," TWO_TOOLS ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"g\"}}}", "{\"tools\":[" G "],\"tool_choice\":\"REQUIRED\"}", NULL},
	};

	CHECK_ALL(adapter_check_request, cases);
}

static void test_what_the_form_cannot_carry_is_refused(void)
{
	static const struct refusal_case cases[] = {
		{"{\"messages\":[]}", "the messages hold nothing but instructions, and cohere wants a user's turn"},
		{SAYS("[{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AA\",\"format\":\"wav\"}}]"), "messages[0]: sound has no form in cohere"},
		{SAYS("[{\"type\":\"file\",\"file\":{\"file_data\":\"data:application/pdf;base64,AA\"}}]"), "messages[0]: files have no form in cohere"},
		{SAYS("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"file:///etc/passwd\"}}]"), "messages[0]: an image whose URL is neither http(s) nor data"},
		{"{\"messages\":[" CALLS ",{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"\"}]}", "messages[1]: the result of a tool call that is not in the messages before it"},
		{"{" ASKS ",\"n\":2}", "'n' as given has no form in cohere"},
		{"{" ASKS "," TOOL ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{}}}}", "a schema for the answer beside tools has no form in cohere"},
		{"{" ASKS "," TOOL ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"h\"}}}", "'tool_choice' names a tool that is not among 'tools'"},
		{"{" ASKS "," TOOL ",\"tool_choice\":{\"type\":\"allowed_tools\"}}", "'tool_choice' as given has no form in cohere"},
		{"{" ASKS ",\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"f\"}}]}", "tools[0]: only functions with a name have a form in cohere"},
	};

	CHECK_ALL(adapter_check_refusal, cases);
}
/* clang-format on */

static void test_auto_is_not_said(void)
{
	static const char *const requests[] = {"{" ASKS "," TOOL ",\"tool_choice\":\"auto\"}",
					       "{" ASKS "," TOOL "}",
					       "{" ASKS ",\"tool_choice\":\"required\"}"};
	const struct http_route route = adapter_route("cohere", "command");

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		char error[REQUEST_ERROR_BYTES];
		struct http_request request;

		CU_ASSERT_EQUAL_FATAL(request_write(&route, requests[i], strlen(requests[i]), false,
						    &request, error),
				      0);
		CU_ASSERT_PTR_NULL(strstr(request.body.bytes, "tool_choice"));
		http_request_deinit(&request);
	}
}

static void test_where_it_goes_and_with_which_headers(void)
{
	static const char text[] = "{" ASKS ",\"temperature\":0.5}";
	struct http_route route = adapter_route("cohere", "command");
	char error[REQUEST_ERROR_BYTES];
	struct http_request request;

	route.extra_body = (char *)"{\"k\":3,\"temperature\":0.1}";
	CU_ASSERT_EQUAL_FATAL(request_write(&route, text, strlen(text), true, &request, error), 0);
	CU_ASSERT_STRING_EQUAL(request.url, "https://host/v1/chat");
	CU_ASSERT_TRUE(adapter_has_header(&request, "Authorization: Bearer secret-key"));
	CU_ASSERT_TRUE(adapter_has_header(&request, "Accept: text/event-stream"));
	CU_ASSERT_PTR_NOT_NULL(strstr(request.body.bytes, "\"stream\":true"));
	CU_ASSERT_PTR_NOT_NULL(strstr(request.body.bytes, "\"k\":3"));
	CU_ASSERT_PTR_NOT_NULL(strstr(request.body.bytes, "\"temperature\":0.1"));
	http_request_deinit(&request);
}

/* ---- answers */

/* clang-format off */
#define SAID(message) "{\"id\":\"i\",\"message\":" message ",\"finish_reason\":\"COMPLETE\"}"

static void test_answers(void)
{
	static const struct answer_case cases[] = {
		{SAID("{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"new\"},{\"type\":\"text\",\"text\":\"b\"}]}"), LULL_CLASS_ANSWERED, "\"content\":\"ab\""},
		{SAID("{\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"},{\"type\":\"text\",\"text\":\"b\"}]}"), LULL_CLASS_ANSWERED, "\"reasoning_content\":\"hm\""},
		{SAID("{\"tool_plan\":\"first\",\"tool_calls\":[{\"id\":\"t\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}"), LULL_CLASS_ANSWERED, "\"reasoning_content\":\"first\""},
		{SAID("{\"tool_calls\":[{\"id\":\"t\",\"function\":{\"name\":\"f\"}}]}"), LULL_CLASS_ANSWERED, "\"arguments\":\"{}\""},
		{SAID("{\"tool_calls\":[{\"id\":\"t\",\"function\":{\"name\":\"f\",\"arguments\":\"null\"}}]}"), LULL_CLASS_ANSWERED, "\"arguments\":\"{}\""},
		/* calls, whatever it says about its end */
		{SAID("{\"tool_calls\":[{\"id\":\"t\",\"function\":{\"name\":\"f\"}}]}"), LULL_CLASS_ANSWERED, "\"finish_reason\":\"tool_calls\""},
		{"{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},\"finish_reason\":\"STOP_SEQUENCE\"}", LULL_CLASS_ANSWERED, "\"finish_reason\":\"stop\""},
		{"{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},\"finish_reason\":\"SOMETHING_NEW\"}", LULL_CLASS_ANSWERED, "\"finish_reason\":\"stop\""},
		{"{\"message\":{\"content\":[]},\"finish_reason\":\"MAX_TOKENS\"}", LULL_CLASS_ANSWERED, "\"finish_reason\":\"length\""},
		{"{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},\"finish_reason\":\"COMPLETE\",\"usage\":{\"billed_units\":{\"input_tokens\":1,\"output_tokens\":2},\"tokens\":{\"input_tokens\":10,\"output_tokens\":20},\"cached_tokens\":4}}", LULL_CLASS_ANSWERED,
		 "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":20,\"total_tokens\":30,\"prompt_tokens_details\":{\"cached_tokens\":4}}"},
		/* no usage is none, not 0 */
		{SAID("{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}"), LULL_CLASS_ANSWERED, "\"finish_reason\":\"stop\"}]}"},
		{SAID("{\"content\":[]}"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{SAID("{\"content\":[1,null,{\"text\":{}}],\"tool_calls\":7}"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{SAID("\"a\""), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}}", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"[]", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},\"finish_reason\":\"ERROR\"}", LULL_CLASS_SERVER_ERROR, NULL},
		{"{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},\"finish_reason\":\"TIMEOUT\"}", LULL_CLASS_TIMEOUT, NULL},
	};

	CHECK_ALL(adapter_check_answer, cases);
}

#define EVENT(json) "data: " json "\n\n"
#define ADDS(type, member) EVENT("{\"type\":\"" type "\",\"delta\":{\"message\":" member "}}")
#define CALL(arguments) ADDS("tool-call-start", "{\"tool_calls\":{\"id\":\"t\",\"function\":{\"name\":\"f\",\"arguments\":" arguments "}}}")
#define MORE(arguments) ADDS("tool-call-delta", "{\"tool_calls\":{\"function\":{\"arguments\":" arguments "}}}")
#define CALL_END EVENT("{\"type\":\"tool-call-end\"}")
#define END(reason) EVENT("{\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"" reason "\"}}")

static void test_streams(void)
{
	static const struct answer_case cases[] = {
		{ADDS("content-start", "{\"content\":{\"type\":\"text\",\"text\":\"a\"}}") ADDS("content-delta", "{\"content\":{\"text\":\"b\"}}") END("COMPLETE"), LULL_CLASS_ANSWERED, "\"content\":\"ab\""},
		{ADDS("content-delta", "{\"content\":{\"thinking\":\"hm\"}}") ADDS("content-delta", "{\"content\":{\"text\":\"b\"}}") END("COMPLETE"), LULL_CLASS_ANSWERED, "\"reasoning_content\":\"hm\""},
		{ADDS("tool-plan-delta", "{\"tool_plan\":\"fi\"}") ADDS("tool-plan-delta", "{\"tool_plan\":\"rst\"}") CALL("\"\"") CALL_END END("TOOL_CALL"), LULL_CLASS_ANSWERED, "\"reasoning_content\":\"first\""},
		{CALL("\"\"") CALL_END END("TOOL_CALL"), LULL_CLASS_ANSWERED, "\"arguments\":\"{}\""},
		{CALL("\"\"") MORE("\"null\"") CALL_END END("TOOL_CALL"), LULL_CLASS_ANSWERED, "\"arguments\":\"{}\""},
		{CALL("\"null\"") CALL_END END("TOOL_CALL"), LULL_CLASS_ANSWERED, "\"arguments\":\"{}\""},
		{CALL("\"\"") MORE("\"{\\\"a\\\":\"") MORE("\"null\"") MORE("\"}\"") CALL_END END("TOOL_CALL"), LULL_CLASS_ANSWERED, "\"arguments\":\"{\\\"a\\\":null}\""},
		{ADDS("content-delta", "{\"content\":{\"text\":\"b\"}}") EVENT("{\"type\":\"citation-start\",\"delta\":{}}") EVENT("{\"type\":\"something-new\"}") END("COMPLETE") "data: [DONE]\n\n", LULL_CLASS_ANSWERED, "\"content\":\"b\""},
		{ADDS("content-delta", "{\"content\":{\"text\":\"b\"}}") "data: [DONE]\n\n", LULL_CLASS_TRUNCATED_STREAM, NULL},
		{ADDS("content-delta", "{\"content\":{\"text\":\"b\"}}") EVENT("{\"type\":\"message-end\"}"), LULL_CLASS_TRUNCATED_STREAM, NULL},
		{ADDS("content-delta", "{\"content\":{\"text\":\"b\"}}") END("COMPLETE") EVENT("{\"message\":\"x\""), LULL_CLASS_ANSWERED, "\"content\":\"b\""},
		{MORE("\"{}\"") CALL_END END("TOOL_CALL"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{ADDS("content-delta", "7") EVENT("[]") EVENT("{\"type\":\"content-delta\",\"delta\":\"x\"}") END("COMPLETE"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{ADDS("content-delta", "{\"content\":{\"text\":\"b\"}}") END("TIMEOUT"), LULL_CLASS_TIMEOUT, NULL},
	};

	CHECK_ALL(adapter_check_stream, cases);
}
/* clang-format on */

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_messages),
		CUNIT_TEST(test_parameters),
		CUNIT_TEST(test_tools),
		CUNIT_TEST(test_what_the_form_cannot_carry_is_refused),
		CUNIT_TEST(test_auto_is_not_said),
		CUNIT_TEST(test_where_it_goes_and_with_which_headers),
		CUNIT_TEST(test_answers),
		CUNIT_TEST(test_streams),
	};

	const struct http_route route = adapter_route("cohere", "command");

	adapter_use(&route);
	return CUNIT_MAIN("adapter_cohere", tests);
}
