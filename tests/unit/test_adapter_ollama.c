/* SPDX-License-Identifier: MIT */
/*
 * The form of Ollama's own chat, beyond what the samples of tests/wire show: every kind of message,
 * every parameter, what is refused and what is left out; and answers and streams that break the
 * form, or break off.
 */
#include <string.h>

#include <lull/lull.h>

#include "adapter_fixture.h"
#include "cunit_main.h"

/* clang-format off */
#define IMAGE(url) "{\"type\":\"image_url\",\"image_url\":{\"url\":\"" url "\"}}"

static void test_messages(void)
{
	static const struct request_case cases[] = {
		{"{" ASKS "}", "{\"model\":\"llama3.2\",\"stream\":false,\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}", NULL},
		/* each stays one, in its place, and has one text */
		{"{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"},{\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":\"c\"},{\"type\":\"text\",\"text\":\"d\"}]},{\"role\":\"assistant\",\"content\":\"e\"}]}",
		 "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"},{\"role\":\"system\",\"content\":\"cd\"},{\"role\":\"assistant\",\"content\":\"e\"}]}", NULL},
		/* no member that it does not know; no message that says nothing */
		{"{\"messages\":[{\"role\":\"user\",\"content\":\"a\",\"name\":\"ada\"},{\"role\":\"assistant\",\"content\":\"\"},{\"role\":\"assistant\",\"content\":null,\"refusal\":\"no\",\"annotations\":[],\"reasoning_content\":\"hm\"},{\"role\":\"user\",\"content\":\"b\"}]}",
		 "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"no\"},{\"role\":\"user\",\"content\":\"b\"}]}", NULL},
		/* images stand beside the text */
		{SAYS("[" IMAGE("data:image/png;base64,AAAA") ",{\"type\":\"text\",\"text\":\"t\"}," IMAGE("data:image/webp;base64,BB==") ",{\"type\":\"text\",\"text\":\"u\"}]"),
		 "{\"messages\":[{\"role\":\"user\",\"images\":[\"AAAA\",\"BB==\"],\"content\":\"tu\"}]}", NULL},
		{SAYS("[" IMAGE("data:image/png;base64,AAAA") "]"), "{\"messages\":[{\"role\":\"user\",\"images\":[\"AAAA\"],\"content\":\"\"}]}", NULL},
		/* what is said beside a call; a call without arguments; results go by name, too: one of nothing, and one of two texts */
		{"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"I look\",\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}},{\"id\":\"c2\",\"function\":{\"name\":\"g\",\"arguments\":\" {\\\"a\\\": [1.0]}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":[{\"type\":\"text\",\"text\":\"4\"},{\"type\":\"text\",\"text\":\"5\"}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"\"}]}",
		 "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"I look\",\"tool_calls\":[{\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":{}}},{\"id\":\"c2\",\"function\":{\"name\":\"g\",\"arguments\":{\"a\":[1.0]}}}]},"
		 "{\"role\":\"tool\",\"content\":\"45\",\"tool_call_id\":\"c2\",\"tool_name\":\"g\"},{\"role\":\"tool\",\"content\":\"\",\"tool_call_id\":\"c1\",\"tool_name\":\"f\"}]}", NULL},
		{"{\"messages\":[" CALLS ",{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"r\"}]}",
		 "{\"messages\":[{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":{}}}]},{\"role\":\"tool\",\"content\":\"r\",\"tool_call_id\":\"c1\",\"tool_name\":\"f\"}]}", NULL},
	};

	CHECK_ALL(adapter_check_request, cases);
}

static void test_parameters(void)
{
	static const struct request_case cases[] = {
		{"{" ASKS ",\"max_tokens\":5}", "{\"options\":{\"num_predict\":5}}", NULL},
		{"{" ASKS ",\"max_completion_tokens\":6,\"max_tokens\":5}", "{\"options\":{\"num_predict\":6}}", NULL},
		{"{" ASKS ",\"temperature\":1.5,\"top_p\":0.5,\"top_k\":3,\"seed\":7,\"presence_penalty\":-0.5,\"frequency_penalty\":2}",
		 "{\"options\":{\"temperature\":1.5,\"top_p\":0.5,\"top_k\":3,\"seed\":7,\"presence_penalty\":-0.5,\"frequency_penalty\":2}}", NULL},
		{"{" ASKS ",\"temperature\":0}", "{\"options\":{\"temperature\":0}}", NULL},
		{"{" ASKS ",\"stop\":\"END\"}", "{\"options\":{\"stop\":[\"END\"]}}", NULL},
		{"{" ASKS ",\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]}", "{\"options\":{\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]}}", NULL},
		{"{" ASKS ",\"response_format\":{\"type\":\"json_object\"}}", "{\"format\":\"json\"}", NULL},
		{"{" ASKS ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"strict\":true,\"schema\":{\"type\":\"object\"}}}}", "{\"format\":{\"type\":\"object\"}}", NULL},
		{"{" ASKS ",\"response_format\":{\"type\":\"grammar\"}}", "{}", "response_format"},
		{"{" ASKS ",\"reasoning_effort\":\"none\"}", "{\"think\":false}", NULL},
		{"{" ASKS ",\"reasoning_effort\":\"low\"}", "{\"think\":\"low\"}", NULL},
		{"{" ASKS ",\"reasoning_effort\":\"medium\"}", "{\"think\":\"medium\"}", NULL},
		{"{" ASKS ",\"reasoning_effort\":\"high\"}", "{\"think\":\"high\"}", NULL},
		{"{" ASKS ",\"reasoning_effort\":\"minimal\"}", "{}", "reasoning_effort"},
		{"{" ASKS ",\"user\":\"u\",\"metadata\":{\"a\":\"b\"},\"store\":true,\"service_tier\":\"flex\"}", "{}", NULL},
		{"{" ASKS ",\"logprobs\":true,\"top_logprobs\":2,\"logit_bias\":{\"1\":1},\"parallel_tool_calls\":false,\"verbosity\":\"low\"}", "{}",
		 "logprobs, top_logprobs, logit_bias, parallel_tool_calls, verbosity"},
		/* its own */
		{"{" ASKS ",\"keep_alive\":\"10m\",\"think\":true}", "{\"keep_alive\":\"10m\",\"think\":true}", NULL},
		{"{" ASKS ",\"num_ctx\":8192,\"num_predict\":-1,\"num_keep\":4,\"min_p\":0.1,\"typical_p\":0.7,\"repeat_last_n\":33,\"repeat_penalty\":1.2,\"penalize_newline\":true,\"mirostat\":2,\"mirostat_eta\":0.1,\"mirostat_tau\":5,\"num_gpu\":0,\"num_thread\":8}",
		 "{\"options\":{\"num_ctx\":8192,\"num_predict\":-1,\"num_keep\":4,\"min_p\":0.1,\"typical_p\":0.7,\"repeat_last_n\":33,\"repeat_penalty\":1.2,\"penalize_newline\":true,\"mirostat\":2,\"mirostat_eta\":0.1,\"mirostat_tau\":5,\"num_gpu\":0,\"num_thread\":8}}", NULL},
	};

	CHECK_ALL(adapter_check_request, cases);
}

#define TWO_TOOLS "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true}},{\"type\":\"function\",\"function\":{\"name\":\"g\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}}]"
#define WRITTEN "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}},{\"type\":\"function\",\"function\":{\"name\":\"g\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}}]"

static void test_tools(void)
{
	static const struct request_case cases[] = {
		{"{" ASKS "," TWO_TOOLS "}", "{" WRITTEN "}", NULL},
		{"{" ASKS "," TWO_TOOLS ",\"tool_choice\":\"auto\"}", "{" WRITTEN "}", NULL},
		{"{" ASKS ",\"tools\":[],\"tool_choice\":\"required\"}", "{}", NULL},
	};

	CHECK_ALL(adapter_check_request, cases);
}

static void test_what_the_form_cannot_carry_is_refused(void)
{
	static const struct refusal_case cases[] = {
		{"{\"messages\":[]}", "the messages hold nothing but instructions, and ollama wants a user's turn"},
		{SAYS("[" IMAGE("https://x/y.png") "]"), "messages[0]: ollama takes images as data URLs only"},
		{SAYS("[{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AA\",\"format\":\"wav\"}}]"), "messages[0]: sound has no form in ollama"},
		{SAYS("[{\"type\":\"file\",\"file\":{\"file_data\":\"data:application/pdf;base64,AA\"}}]"), "messages[0]: files have no form in ollama"},
		{"{\"messages\":[" CALLS ",{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"\"}]}", "messages[1]: the result of a tool call that is not in the messages before it"},
		{"{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"[1]\"}}]}]}", "messages[0]: a tool call whose arguments are no JSON object"},
		{"{" ASKS ",\"n\":2}", "'n' as given has no form in ollama"},
		{"{" ASKS "," TOOL ",\"tool_choice\":\"required\"}", "'tool_choice' as given has no form in ollama"},
		{"{" ASKS "," TOOL ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}}", "'tool_choice' as given has no form in ollama"},
		{"{" ASKS "," TOOL ",\"tool_choice\":{\"type\":\"allowed_tools\"}}", "'tool_choice' as given has no form in ollama"},
		{"{" ASKS ",\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"f\"}}]}", "tools[0]: only functions with a name have a form in ollama"},
	};

	CHECK_ALL(adapter_check_refusal, cases);
}
/* clang-format on */

static void test_what_is_not_said(void)
{
	/* clang-format off */
	static const struct {
		const char *request;
		const char *member;
	} cases[] = {
		{"{" ASKS "," TOOL ",\"tool_choice\":\"none\"}", "tools"},
		{"{" ASKS "," TOOL ",\"tool_choice\":\"auto\"}", "tool_choice"},
		{"{" ASKS ",\"response_format\":{\"type\":\"text\"}}", "format"},
		{"{" ASKS ",\"reasoning_effort\":\"xhigh\"}", "think"},
		{"{" ASKS ",\"max_tokens\":null,\"seed\":null,\"user\":\"u\"}", "options"},
	};
	/* clang-format on */
	const struct http_route route = adapter_route("ollama_chat", "llama3.2");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[REQUEST_ERROR_BYTES];
		struct http_request request;

		CU_ASSERT_EQUAL_FATAL(request_write(&route, cases[i].request,
						    strlen(cases[i].request), false, &request,
						    error),
				      0);
		CU_ASSERT_PTR_NULL(strstr(request.body.bytes, cases[i].member));
		http_request_deinit(&request);
	}
}

static void test_where_it_goes_and_with_which_headers(void)
{
	static const char text[] = "{" ASKS ",\"temperature\":0.5,\"seed\":1}";
	struct http_route route = adapter_route("ollama_chat", "llama3.2");
	char error[REQUEST_ERROR_BYTES];
	struct http_request request;

	route.base_url = (char *)"http://localhost:11434";
	route.api_key = NULL;
	route.extra_body = (char *)"{\"keep_alive\":-1,\"options\":{\"num_ctx\":8192,\"seed\":2}}";
	CU_ASSERT_EQUAL_FATAL(request_write(&route, text, strlen(text), true, &request, error), 0);
	CU_ASSERT_STRING_EQUAL(request.url, "http://localhost:11434/api/chat");
	CU_ASSERT_TRUE(adapter_has_header(&request, "Accept: application/x-ndjson"));
	CU_ASSERT_PTR_NOT_NULL(strstr(request.body.bytes, "\"stream\":true"));
	CU_ASSERT_PTR_NOT_NULL(strstr(request.body.bytes, "\"keep_alive\":-1"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(request.body.bytes,
		       "\"options\":{\"temperature\":0.5,\"seed\":2,\"num_ctx\":8192}"));
	http_request_deinit(&request);
}

/* ---- answers */

/* clang-format off */
#define LINE(message, more) "{\"model\":\"m:8b\",\"created_at\":\"2026-01-15T12:00:00Z\",\"message\":" message "," more "}\n"
#define SAID(message) LINE("{\"role\":\"assistant\"," message "}", "\"done\":true,\"done_reason\":\"stop\"")
#define PIECE(message) LINE("{\"role\":\"assistant\"," message "}", "\"done\":false")
#define END(reason) LINE("{\"role\":\"assistant\",\"content\":\"\"}", "\"done\":true,\"done_reason\":\"" reason "\"")
#define CALL(arguments) "\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":" arguments "}}]"

static void test_answers(void)
{
	static const struct answer_case cases[] = {
		{SAID("\"content\":\"a\""), LULL_CLASS_ANSWERED, "\"content\":\"a\""},
		{SAID("\"content\":\"a\""), LULL_CLASS_ANSWERED, "\"model\":\"m:8b\""},
		{SAID("\"content\":\"b\",\"thinking\":\"hm\""), LULL_CLASS_ANSWERED, "\"reasoning_content\":\"hm\""},
		{SAID(CALL("{\"a\":{\"b\":1.0}}")), LULL_CLASS_ANSWERED, "\"arguments\":\"{\\\"a\\\":{\\\"b\\\":1.0}}\""},
		{SAID(CALL("{}")), LULL_CLASS_ANSWERED, "\"arguments\":\"{}\""},
		{SAID(CALL("null")), LULL_CLASS_ANSWERED, "\"arguments\":\"{}\""},
		/* an id, where there is one */
		{SAID("\"tool_calls\":[{\"id\":\"call_x\",\"function\":{\"index\":0,\"name\":\"f\",\"arguments\":{}}}]"), LULL_CLASS_ANSWERED, "\"id\":\"call_x\""},
		/* calls, whatever it says about its end */
		{SAID(CALL("{}")), LULL_CLASS_ANSWERED, "\"finish_reason\":\"tool_calls\""},
		{LINE("{\"content\":\"a\"}", "\"done\":true"), LULL_CLASS_ANSWERED, "\"finish_reason\":\"stop\""},
		{LINE("{\"content\":\"a\"}", "\"done\":true,\"done_reason\":\"something_new\""), LULL_CLASS_ANSWERED, "\"finish_reason\":\"stop\""},
		{END("length"), LULL_CLASS_ANSWERED, "\"finish_reason\":\"length\""},
		{LINE("{\"content\":\"a\"}", "\"done\":true,\"prompt_eval_count\":10,\"eval_count\":20,\"total_duration\":7"), LULL_CLASS_ANSWERED,
		 "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":20,\"total_tokens\":30}"},
		{LINE("{\"content\":\"a\"}", "\"done\":true,\"eval_count\":20"), LULL_CLASS_ANSWERED,
		 "\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":20,\"total_tokens\":20}"},
		/* no usage is none, not 0 */
		{SAID("\"content\":\"a\""), LULL_CLASS_ANSWERED, "\"finish_reason\":\"stop\"}]}"},
		{END("stop"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{END("load"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{END("unload"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{PIECE("\"content\":\"a\""), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{SAID("\"content\":7,\"tool_calls\":{}"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{SAID(CALL("[1]")), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{LINE("\"a\"", "\"done\":true"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"{\"model\":\"m\",\"response\":\"a\",\"done\":true}", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"[]", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"{\"error\":\"something went wrong\"}", LULL_CLASS_SERVER_ERROR, NULL},
	};

	CHECK_ALL(adapter_check_answer, cases);
}

static void test_streams(void)
{
	static const struct answer_case cases[] = {
		{PIECE("\"content\":\"a\"") PIECE("\"content\":\"b\"") END("stop"), LULL_CLASS_ANSWERED, "\"content\":\"ab\""},
		{PIECE("\"content\":\"a\"") END("length"), LULL_CLASS_ANSWERED, "\"finish_reason\":\"length\""},
		{PIECE("\"content\":\"\",\"thinking\":\"h\"") PIECE("\"content\":\"\",\"thinking\":\"m\"") PIECE("\"content\":\"b\"") END("stop"), LULL_CLASS_ANSWERED, "\"reasoning_content\":\"hm\""},
		{PIECE("\"content\":\"b\"") LINE("{}", "\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":1,\"eval_count\":2"), LULL_CLASS_ANSWERED,
		 "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}"},
		/* a call, two in one line, one each in two lines; said to have stopped */
		{PIECE(CALL("{\"a\":1}")) END("stop"), LULL_CLASS_ANSWERED, "\"arguments\":\"{\\\"a\\\":1}\""},
		{PIECE(CALL("{\"a\":1}")) END("stop"), LULL_CLASS_ANSWERED, "\"finish_reason\":\"tool_calls\""},
		{PIECE("\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":{}}},{\"id\":\"2\",\"function\":{\"name\":\"g\",\"arguments\":{}}}]") END("stop"), LULL_CLASS_ANSWERED,
		 "\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},{\"id\":\"2\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]"},
		{PIECE("\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":{\"a\":1}}}]") PIECE("\"tool_calls\":[{\"id\":\"2\",\"function\":{\"name\":\"g\",\"arguments\":{}}}]") END("stop"), LULL_CLASS_ANSWERED,
		 "\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}},{\"id\":\"2\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]"},
		/* one whole answer in place of a stream */
		{SAID("\"content\":\"a\""), LULL_CLASS_ANSWERED, "\"content\":\"a\""},
		/* only the last line makes it whole */
		{PIECE("\"content\":\"a\""), LULL_CLASS_TRUNCATED_STREAM, NULL},
		{PIECE("\"content\":\"a\"") "{\"model\":\"m\",\"done\":tr", LULL_CLASS_TRUNCATED_STREAM, NULL},
		{PIECE("\"content\":\"a\"") END("unload"), LULL_CLASS_TRUNCATED_STREAM, NULL},
		{END("load"), LULL_CLASS_TRUNCATED_STREAM, NULL},
		{END("stop"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		/* errors, before content and after; what is whole takes no harm from one */
		{"{\"error\":\"model runner has unexpectedly stopped\"}\n", LULL_CLASS_SERVER_ERROR, NULL},
		{PIECE("\"content\":\"a\"") "{\"error\":\"an error was encountered while running the model: unexpected EOF\"}\n", LULL_CLASS_SERVER_ERROR, NULL},
		{PIECE("\"content\":\"a\"") END("stop") "{\"error\":\"x\"}\n", LULL_CLASS_ANSWERED, "\"content\":\"a\""},
		{END("stop") "{\"error\":\"x\"}\n", LULL_CLASS_SERVER_ERROR, NULL},
		{PIECE(CALL("7")) END("stop"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"data: " PIECE("\"content\":\"a\"") END("stop"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
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
		CUNIT_TEST(test_what_is_not_said),
		CUNIT_TEST(test_where_it_goes_and_with_which_headers),
		CUNIT_TEST(test_answers),
		CUNIT_TEST(test_streams),
	};

	const struct http_route route = adapter_route("ollama_chat", "llama3.2");

	adapter_use(&route);
	return CUNIT_MAIN("adapter_ollama", tests);
}
