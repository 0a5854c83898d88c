/* SPDX-License-Identifier: MIT */
/*
 * The form of OpenAI's Responses API: every kind of message, every parameter, what is refused and
 * what is left out; answers, streams, and the failures that come with a 200.
 */
#include <errno.h>
#include <string.h>

#include <lull/lull.h>

#include "adapter_fixture.h"
#include "cunit_main.h"

/* clang-format off */
#define USER(content)  "{\"role\":\"user\",\"content\":[" content "]}"
#define IN(text)       "{\"type\":\"input_text\",\"text\":\"" text "\"}"
#define OUT(text)      "{\"type\":\"output_text\",\"text\":\"" text "\"}"
#define CALLED(id, arguments) "{\"type\":\"function_call\",\"call_id\":\"" id "\",\"name\":\"f\",\"arguments\":\"" arguments "\"}"
#define RESULT(id, output)    "{\"type\":\"function_call_output\",\"call_id\":\"" id "\",\"output\":\"" output "\"}"

static void test_messages(void)
{
	static const struct request_case cases[] = {
		{"{" ASKS "}", "{\"model\":\"gpt-5-pro\",\"stream\":false,\"store\":false,\"input\":[" USER(IN("q")) "]}", NULL},
		/* each stays one, in its place, and whose it was */
		{"{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"},{\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":\"c\"},{\"type\":\"text\",\"text\":\"d\"}]},{\"role\":\"assistant\",\"content\":\"e\"}]}",
		 "{\"input\":[{\"role\":\"system\",\"content\":[" IN("s") "]}," USER(IN("a")) "," USER(IN("b")) ",{\"role\":\"developer\",\"content\":[" IN("c") "," IN("d") "]},{\"role\":\"assistant\",\"content\":[" OUT("e") "]}]}", NULL},
		/* no member that it does not know; no message that says nothing */
		{"{\"messages\":[{\"role\":\"user\",\"content\":\"a\",\"name\":\"ada\"},{\"role\":\"assistant\",\"content\":\"\"},{\"role\":\"assistant\",\"content\":null,\"refusal\":\"no\",\"annotations\":[],\"reasoning_content\":\"hm\"},{\"role\":\"user\",\"content\":\"b\"}]}",
		 "{\"input\":[" USER(IN("a")) ",{\"role\":\"assistant\",\"content\":[" OUT("no") "]}," USER(IN("b")) "]}", NULL},
		{SAYS("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"},\"cache_control\":{}}]"),
		 "{\"input\":[" USER("{\"type\":\"input_image\",\"image_url\":\"https://x/y.png\"}") "]}", NULL},
		{SAYS("[{\"type\":\"text\",\"text\":\"\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA==\",\"detail\":\"high\"}},{\"type\":\"text\",\"text\":\"t\"}]"),
		 "{\"input\":[" USER("{\"type\":\"input_image\",\"image_url\":\"data:image/png;base64,AA==\",\"detail\":\"high\"}," IN("t")) "]}", NULL},
		{SAYS("[{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":\"data:application/pdf;base64,AA==\"}}]"),
		 "{\"input\":[" USER("{\"type\":\"input_file\",\"filename\":\"a.pdf\",\"file_data\":\"data:application/pdf;base64,AA==\"}") "]}", NULL},
		/* what is said beside calls, calls and results are items, in their order; of arguments what was written */
		{"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"I look\",\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\" \"}},{\"id\":\"c2\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\": 1.0}\"}},{\"id\":\"c3\",\"function\":{\"name\":\"f\",\"arguments\":\"a=1\"}}]},"
		 "{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":[{\"type\":\"text\",\"text\":\"4\"},{\"type\":\"text\",\"text\":\"5\"}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"\"},{\"role\":\"assistant\",\"content\":\"r\"}]}",
		 "{\"input\":[" USER(IN("q")) ",{\"role\":\"assistant\",\"content\":[" OUT("I look") "]}," CALLED("c1", "{}") "," CALLED("c2", "{\\\"a\\\": 1.0}") "," CALLED("c3", "a=1") "," RESULT("c2", "45") "," RESULT("c1", "") ",{\"role\":\"assistant\",\"content\":[" OUT("r") "]}]}", NULL},
	};

	CHECK_ALL(adapter_check_request, cases);
}

static void test_parameters(void)
{
	static const struct request_case cases[] = {
		{"{" ASKS ",\"max_tokens\":50}", "{\"max_output_tokens\":50}", NULL},
		{"{" ASKS ",\"max_completion_tokens\":60,\"max_tokens\":50}", "{\"max_output_tokens\":60}", NULL},
		{"{" ASKS ",\"max_tokens\":5}", "{\"max_output_tokens\":16}", "max_tokens below 16"},
		{"{" ASKS ",\"max_completion_tokens\":1}", "{\"max_output_tokens\":16}", "max_completion_tokens below 16"},
		{"{" ASKS ",\"temperature\":1.5,\"top_p\":0.5}", "{\"temperature\":1.5,\"top_p\":0.5}", NULL},
		{"{" ASKS ",\"user\":\"u\",\"metadata\":{\"a\":\"b\"},\"store\":true,\"service_tier\":\"flex\",\"prompt_cache_key\":\"k\",\"prompt_cache_retention\":\"24h\",\"safety_identifier\":\"s\",\"parallel_tool_calls\":false}",
		 "{\"user\":\"u\",\"metadata\":{\"a\":\"b\"},\"store\":true,\"service_tier\":\"flex\",\"prompt_cache_key\":\"k\",\"prompt_cache_retention\":\"24h\",\"safety_identifier\":\"s\",\"parallel_tool_calls\":false}", NULL},
		{"{" ASKS ",\"store\":null}", "{\"store\":false}", NULL},
		{"{" ASKS ",\"reasoning_effort\":\"low\"}", "{\"reasoning\":{\"effort\":\"low\"}}", NULL},
		{"{" ASKS ",\"logprobs\":true,\"top_logprobs\":2}", "{\"include\":[\"message.output_text.logprobs\"],\"top_logprobs\":2}", NULL},
		{"{" ASKS ",\"verbosity\":\"low\",\"response_format\":{\"type\":\"json_object\"}}", "{\"text\":{\"verbosity\":\"low\",\"format\":{\"type\":\"json_object\"}}}", NULL},
		{"{" ASKS ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"description\":\"d\",\"strict\":true,\"schema\":{\"type\":\"object\"}}},\"verbosity\":\"high\"}",
		 "{\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"description\":\"d\",\"strict\":true,\"schema\":{\"type\":\"object\"}},\"verbosity\":\"high\"}}", NULL},
		{"{" ASKS ",\"response_format\":{\"type\":\"grammar\"}}", "{}", "response_format"},
		{"{" ASKS ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":7}}", "{}", "response_format"},
		{"{" ASKS ",\"stop\":\"END\",\"seed\":7,\"presence_penalty\":0.5,\"frequency_penalty\":0.5,\"logit_bias\":{\"1\":1},\"web_search_options\":{}}", "{}",
		 "stop, seed, presence_penalty, frequency_penalty, logit_bias, web_search_options"},
		{"{" ASKS ",\"seed\":null,\"n\":1,\"modalities\":[\"text\"],\"prediction\":{\"type\":\"content\",\"content\":\"x\"}}", "{}", NULL},
	};

	CHECK_ALL(adapter_check_request, cases);
}

#define TWO_TOOLS "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true}},{\"type\":\"function\",\"function\":{\"name\":\"g\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}}]"
#define F "{\"type\":\"function\",\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{}},\"strict\":true}"
#define G "{\"type\":\"function\",\"name\":\"g\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"},\"strict\":false}"

static void test_tools(void)
{
	static const struct request_case cases[] = {
		{"{" ASKS "," TWO_TOOLS "}", "{\"tools\":[" F "," G "]}", NULL},
		{"{" ASKS "," TWO_TOOLS ",\"tool_choice\":\"auto\"}", "{\"tool_choice\":\"auto\"}", NULL},
		{"{" ASKS "," TWO_TOOLS ",\"tool_choice\":\"required\"}", "{\"tool_choice\":\"required\"}", NULL},
		{"{" ASKS "," TWO_TOOLS ",\"tool_choice\":\"none\"}", "{\"tools\":[" F "," G "],\"tool_choice\":\"none\"}", NULL},
		{"{" ASKS "," TWO_TOOLS ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"g\"}}}", "{\"tools\":[" F "," G "],\"tool_choice\":{\"type\":\"function\",\"name\":\"g\"}}", NULL},
	};

	CHECK_ALL(adapter_check_request, cases);
}

static void test_what_the_form_cannot_carry_is_refused(void)
{
	static const struct refusal_case cases[] = {
		{"{\"messages\":[]}", "the messages hold nothing but instructions, and the Responses API wants a user's turn"},
		{SAYS("[{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AA\",\"format\":\"wav\"}}]"), "messages[0]: sound has no form in the Responses API"},
		{SAYS("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"file:///etc/passwd\"}}]"), "messages[0]: an image whose URL is neither http(s) nor data"},
		{"{\"messages\":[" CALLS ",{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"\"}]}", "messages[1]: the result of a tool call that is not in the messages before it"},
		{"{\"messages\":[" CALLS ",{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":[{\"type\":\"image_url\"}]}]}", "messages[1]: nothing but text has a form here in the Responses API"},
		{"{\"messages\":[{\"role\":\"function\",\"name\":\"f\",\"content\":\"x\"}]}", "messages[0]: the role 'function' has no form in the Responses API"},
		{"{" ASKS ",\"n\":2}", "'n' as given has no form in the Responses API"},
		{"{" ASKS ",\"modalities\":[\"text\",\"audio\"]}", "'modalities' as given has no form in the Responses API"},
		{"{" ASKS ",\"functions\":[{\"name\":\"f\"}]}", "'functions' as given has no form in the Responses API"},
		{"{" ASKS "," TOOL ",\"tool_choice\":{\"type\":\"allowed_tools\"}}", "'tool_choice' as given has no form in the Responses API"},
		{"{" ASKS ",\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"f\"}}]}", "tools[0]: only functions with a name have a form in the Responses API"},
	};

	CHECK_ALL(adapter_check_refusal, cases);
}
/* clang-format on */

static void test_where_it_goes_and_with_which_headers(void)
{
	static const char text[] = "{" ASKS ",\"reasoning_effort\":\"low\"}";
	struct http_route route = adapter_route("openai/responses", "gpt-5-pro");
	char error[REQUEST_ERROR_BYTES];
	struct http_request request;

	route.extra_body = (char *)"{\"reasoning\":{\"summary\":\"auto\"},\"truncation\":\"auto\"}";
	CU_ASSERT_EQUAL_FATAL(request_write(&route, text, strlen(text), true, &request, error), 0);
	CU_ASSERT_STRING_EQUAL(request.url, "https://host/v1/responses");
	CU_ASSERT_TRUE(adapter_has_header(&request, "Authorization: Bearer secret-key"));
	CU_ASSERT_TRUE(adapter_has_header(&request, "Accept: text/event-stream"));
	CU_ASSERT_PTR_NOT_NULL(strstr(request.body.bytes, "\"stream\":true"));
	CU_ASSERT_PTR_NOT_NULL(strstr(request.body.bytes,
				      "\"reasoning\":{\"effort\":\"low\",\"summary\":\"auto\"}"));
	CU_ASSERT_PTR_NOT_NULL(strstr(request.body.bytes, "\"truncation\":\"auto\""));
	http_request_deinit(&request);
	route.endpoint = ENDPOINT_EMBEDDINGS;
	CU_ASSERT_EQUAL(request_write(&route, text, strlen(text), true, &request, error), -EINVAL);
	CU_ASSERT_STRING_EQUAL(error, "the form of openai/responses has no embeddings");
}

/* ---- answers */

/* clang-format off */
#define RESPONSE(status, output, more) "{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1770934000,\"status\":\"" status "\",\"error\":null,\"model\":\"gpt-5-pro-1\",\"output\":[" output "]" more "}"
#define DONE(output)    RESPONSE("completed", output, "")
#define MESSAGE(parts)  "{\"type\":\"message\",\"id\":\"msg_1\",\"role\":\"assistant\",\"content\":[" parts "]}"
#define SAID(text)      MESSAGE("{\"type\":\"output_text\",\"text\":\"" text "\",\"annotations\":[{\"type\":\"url_citation\"}],\"logprobs\":[]}")
#define CALL_ITEM(id, arguments) "{\"type\":\"function_call\",\"id\":\"fc_1\",\"call_id\":\"" id "\",\"name\":\"f\",\"arguments\":" arguments "}"
#define INCOMPLETE(reason)       ",\"incomplete_details\":{\"reason\":\"" reason "\"}"
#define ERROR(code)              "{\"code\":\"" code "\",\"message\":\"It failed.\"}"
#define FAILED(code)             "{\"id\":\"resp_1\",\"status\":\"failed\",\"error\":" ERROR(code) ",\"output\":[]}"

static void test_answers(void)
{
	static const struct answer_case cases[] = {
		{DONE(SAID("a")), LULL_CLASS_ANSWERED,
		 "{\"id\":\"resp_1\",\"object\":\"chat.completion\",\"created\":1770934000,\"model\":\"gpt-5-pro-1\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\",\"refusal\":null,\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"stop\"}]}"},
		{DONE(MESSAGE("{\"type\":\"output_text\",\"text\":\"a\"},{\"type\":\"new\",\"text\":\"x\"},{\"type\":\"output_text\",\"text\":\"b\"}") ",{\"type\":\"web_search_call\"}," SAID("c")), LULL_CLASS_ANSWERED, "\"content\":\"abc\""},
		{DONE("{\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"hm\"},{\"type\":\"summary_text\",\"text\":\"so\"}]}," SAID("a")), LULL_CLASS_ANSWERED, "\"reasoning_content\":\"hm\\n\\nso\""},
		{DONE("{\"type\":\"reasoning\",\"summary\":[],\"content\":[{\"type\":\"reasoning_text\",\"text\":\"hm\"}]}," SAID("a")), LULL_CLASS_ANSWERED, "\"reasoning_content\":\"hm\""},
		{DONE(MESSAGE("{\"type\":\"refusal\",\"refusal\":\"no\"}")), LULL_CLASS_ANSWERED, "\"content\":null,\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"stop\""},
		{DONE(MESSAGE("{\"type\":\"refusal\",\"refusal\":\"no\"}")), LULL_CLASS_ANSWERED, "\"refusal\":\"no\""},
		{DONE(MESSAGE("{\"type\":\"output_text\",\"text\":\"a\",\"logprobs\":[{\"token\":\"a\",\"logprob\":-0.5,\"bytes\":[97],\"top_logprobs\":[]}]}")), LULL_CLASS_ANSWERED,
		 "\"logprobs\":{\"content\":[{\"token\":\"a\",\"logprob\":-0.5,\"bytes\":[97],\"top_logprobs\":[]}]}"},
		{DONE(CALL_ITEM("c1", "\"{\\\"a\\\":1}\"") "," CALL_ITEM("c2", "\"\"")), LULL_CLASS_ANSWERED,
		 "\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}},{\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]"},
		{DONE(SAID("I look") "," CALL_ITEM("c1", "\"{}\"")), LULL_CLASS_ANSWERED, "\"finish_reason\":\"tool_calls\""},
		{RESPONSE("incomplete", SAID("a"), INCOMPLETE("max_output_tokens")), LULL_CLASS_ANSWERED, "\"finish_reason\":\"length\""},
		{RESPONSE("incomplete", "", INCOMPLETE("max_output_tokens")), LULL_CLASS_ANSWERED, "\"finish_reason\":\"length\""},
		{RESPONSE("incomplete", SAID("a"), INCOMPLETE("something_new")), LULL_CLASS_ANSWERED, "\"finish_reason\":\"length\""},
		{RESPONSE("incomplete", "", INCOMPLETE("content_filter")), LULL_CLASS_ANSWERED, "\"finish_reason\":\"content_filter\""},
		{RESPONSE("completed", SAID("a"), ",\"usage\":{\"input_tokens\":10,\"input_tokens_details\":{\"cached_tokens\":4},\"output_tokens\":20,\"output_tokens_details\":{\"reasoning_tokens\":8},\"total_tokens\":30}"), LULL_CLASS_ANSWERED,
		 "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":20,\"total_tokens\":30,\"prompt_tokens_details\":{\"cached_tokens\":4},\"completion_tokens_details\":{\"reasoning_tokens\":8}}"},
		/* no answers */
		{DONE(""), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{DONE("{\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"hm\"}]}"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{DONE("1,null,{\"type\":\"message\",\"content\":7},{\"type\":\"message\",\"content\":[1,{\"type\":\"output_text\",\"text\":{}}]}"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{DONE(CALL_ITEM("c1", "7")), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{RESPONSE("queued", "", ""), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{RESPONSE("in_progress", SAID("a"), ""), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{RESPONSE("cancelled", SAID("a"), ""), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{RESPONSE("failed", SAID("a"), ""), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"{\"status\":\"completed\",\"output\":\"a\"}", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"[]", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{FAILED("server_error"), LULL_CLASS_SERVER_ERROR, NULL},
		{FAILED("rate_limit_exceeded"), LULL_CLASS_RATE_LIMITED, NULL},
		{FAILED("insufficient_quota"), LULL_CLASS_QUOTA_EXHAUSTED, NULL},
		{FAILED("invalid_prompt"), LULL_CLASS_CONTENT_POLICY, NULL},
		/* the caller's own fault, though nobody says 400 */
		{FAILED("invalid_image_url"), LULL_CLASS_BAD_REQUEST, NULL},
		{FAILED("image_too_large"), LULL_CLASS_TOO_LARGE, NULL},
	};

	CHECK_ALL(adapter_check_answer, cases);
}

#define EVENT(type, members) "event: " type "\ndata: {\"type\":\"" type "\",\"sequence_number\":1" members "}\n\n"
#define BEGIN         EVENT("response.created", ",\"response\":" RESPONSE("in_progress", "", ""))
#define TEXT(text)    EVENT("response.output_text.delta", ",\"delta\":\"" text "\",\"logprobs\":[]")
#define CALL          EVENT("response.output_item.added", ",\"item\":" CALL_ITEM("c1", "\"\""))
#define MORE(text)    EVENT("response.function_call_arguments.delta", ",\"delta\":\"" text "\"")
#define CALL_END(arguments) EVENT("response.output_item.done", ",\"item\":" CALL_ITEM("c1", arguments))
#define END           EVENT("response.completed", ",\"response\":" DONE(SAID("all of it")))
#define END_AFTER(reason) EVENT("response.incomplete", ",\"response\":" RESPONSE("incomplete", "", INCOMPLETE(reason)))

static void test_streams(void)
{
	static const struct answer_case cases[] = {
		/* what was told in pieces is not told again */
		{BEGIN TEXT("a") TEXT("b") EVENT("response.output_text.done", ",\"text\":\"ab\"") END, LULL_CLASS_ANSWERED, "\"content\":\"ab\""},
		{BEGIN TEXT("a") END, LULL_CLASS_ANSWERED, "{\"id\":\"resp_1\",\"object\":\"chat.completion\",\"created\":1770934000,\"model\":\"gpt-5-pro-1\""},
		{BEGIN EVENT("response.refusal.delta", ",\"delta\":\"n\"") EVENT("response.refusal.delta", ",\"delta\":\"o\"") END, LULL_CLASS_ANSWERED, "\"refusal\":\"no\""},
		{BEGIN EVENT("response.reasoning_summary_part.added", ",\"summary_index\":0") EVENT("response.reasoning_summary_text.delta", ",\"delta\":\"hm\"")
		 EVENT("response.reasoning_summary_part.added", ",\"summary_index\":1") EVENT("response.reasoning_summary_text.delta", ",\"delta\":\"so\"") TEXT("a") END, LULL_CLASS_ANSWERED, "\"reasoning_content\":\"hm\\n\\nso\""},
		{BEGIN EVENT("response.reasoning_text.delta", ",\"delta\":\"hm\"") TEXT("a") END, LULL_CLASS_ANSWERED, "\"reasoning_content\":\"hm\""},
		{BEGIN EVENT("response.output_text.delta", ",\"delta\":\"a\",\"logprobs\":[{\"token\":\"a\",\"logprob\":-0.5}]") END, LULL_CLASS_ANSWERED, "\"logprobs\":{\"content\":[{\"token\":\"a\",\"logprob\":-0.5}]}"},
		{BEGIN CALL MORE("{\\\"a\\\":") MORE("1}") CALL_END("\"{\\\"a\\\":1}\"") END, LULL_CLASS_ANSWERED, "\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}]"},
		{BEGIN CALL CALL_END("\"{\\\"a\\\":1}\"") END, LULL_CLASS_ANSWERED, "\"arguments\":\"{\\\"a\\\":1}\""},
		{BEGIN CALL CALL_END("\"\"") END, LULL_CLASS_ANSWERED, "\"arguments\":\"{}\""},
		{BEGIN CALL MORE("{}") CALL_END("\"{}\"") END, LULL_CLASS_ANSWERED, "\"finish_reason\":\"tool_calls\""},
		{BEGIN TEXT("a") END_AFTER("max_output_tokens"), LULL_CLASS_ANSWERED, "\"finish_reason\":\"length\""},
		{BEGIN END_AFTER("content_filter"), LULL_CLASS_ANSWERED, "\"finish_reason\":\"content_filter\""},
		{BEGIN TEXT("a") EVENT("response.completed", ",\"response\":" RESPONSE("completed", "", ",\"usage\":{\"input_tokens\":3,\"output_tokens\":4}")), LULL_CLASS_ANSWERED, "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7}"},
		/* unknown events and items are skipped, and so is what they hold */
		{BEGIN EVENT("response.web_search_call.searching", "") EVENT("response.output_item.added", ",\"item\":{\"type\":\"web_search_call\"}") TEXT("a") EVENT("something.new", ",\"delta\":\"x\"") END "data: [DONE]\n\n", LULL_CLASS_ANSWERED, "\"content\":\"a\""},
		{BEGIN TEXT("a") END EVENT("error", ",\"message\":\"late\""), LULL_CLASS_ANSWERED, "\"content\":\"a\""},
		/* no answers */
		{BEGIN TEXT("a") CALL_END("\"\""), LULL_CLASS_TRUNCATED_STREAM, NULL},
		{BEGIN TEXT("a") EVENT("response.output_item.done", ",\"item\":" SAID("a")) "data: [DONE]\n\n", LULL_CLASS_TRUNCATED_STREAM, NULL},
		{BEGIN END, LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{BEGIN MORE("{}") END, LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{EVENT("response.created", ",\"response\":7") "data: []\n\n" EVENT("response.output_item.added", ",\"item\":7") EVENT("response.output_text.delta", ",\"delta\":{}") END, LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{BEGIN TEXT("a") EVENT("response.failed", ",\"response\":" RESPONSE("failed", "", "")), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{BEGIN TEXT("a") EVENT("response.failed", ",\"response\":" FAILED("rate_limit_exceeded")), LULL_CLASS_RATE_LIMITED, NULL},
		{BEGIN EVENT("response.failed", ",\"response\":" FAILED("server_error")), LULL_CLASS_SERVER_ERROR, NULL},
		/* an error has its code beside, or in an object; its event a name, or none */
		{BEGIN EVENT("error", ",\"code\":\"rate_limit_exceeded\",\"message\":\"It failed.\",\"param\":null"), LULL_CLASS_RATE_LIMITED, NULL},
		{BEGIN EVENT("error", ",\"error\":" ERROR("server_is_overloaded")), LULL_CLASS_OVERLOADED, NULL},
		{BEGIN "data: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"It failed.\"}\n\n", LULL_CLASS_RATE_LIMITED, NULL},
		{BEGIN "data: {\"type\":\"error\",\"code\":null,\"message\":\"It failed.\"}\n\n", LULL_CLASS_SERVER_ERROR, NULL},
		{BEGIN "data: {\"type\":\"error\",\"error\":" ERROR("insufficient_quota") "}\n\n", LULL_CLASS_QUOTA_EXHAUSTED, NULL},
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
		CUNIT_TEST(test_where_it_goes_and_with_which_headers),
		CUNIT_TEST(test_answers),
		CUNIT_TEST(test_streams),
	};

	const struct http_route route = adapter_route("openai/responses", "gpt-5-pro");

	adapter_use(&route);
	return CUNIT_MAIN("adapter_responses", tests);
}
