/* SPDX-License-Identifier: MIT */
/*
 * The form of Anthropic's Messages, beyond what the samples of tests/wire show: every part, every
 * parameter, what is refused and what is left out; and answers that break the form.
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
		{"{" ASKS "}", "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}", NULL},
		/* instructions, wherever they stand */
		{"{\"messages\":[{\"role\":\"system\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":\"b\"},{\"type\":\"text\",\"text\":\"c\"}]}]}",
		 "{\"system\":\"a\\n\\nbc\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}", NULL},
		/* turns of one role are one */
		{"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"},{\"role\":\"assistant\",\"content\":\"\"},{\"role\":\"user\",\"content\":\"c\"}]}",
		 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"},{\"type\":\"text\",\"text\":\"c\"}]}]}", NULL},
		{"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":null,\"refusal\":\"no\"},{\"role\":\"user\",\"content\":\"b\"}]}",
		 "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"no\"},{\"role\":\"user\",\"content\":\"b\"}]}", NULL},
		/* images and documents */
		{SAYS("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"}}]"),
		 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"https://x/y.png\"}}]}]}", NULL},
		{SAYS("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA==\"}},{\"type\":\"text\",\"text\":\"\"}]"),
		 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"AA==\"}}]}]}", NULL},
		{SAYS("[{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":\"data:application/pdf;name=a.pdf;base64,JVBE\"}}]"),
		 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":\"application/pdf\",\"data\":\"JVBE\"}}]}]}", NULL},
		/* a call without arguments, and its result */
		{"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}," CALLS ",{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":[{\"type\":\"text\",\"text\":\"4\"}]}]}",
		 "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"c1\",\"name\":\"f\",\"input\":{}}]},"
		 "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"c1\",\"content\":\"4\"}]}]}", NULL},
	};

	CHECK_ALL(adapter_check_request, cases);
}

#define TEN   "ten_bytes_"
#define FIFTY TEN TEN TEN TEN TEN

static void test_parameters(void)
{
	static const struct request_case cases[] = {
		{"{" ASKS ",\"max_tokens\":5}", "{\"max_tokens\":5}", NULL},
		{"{" ASKS ",\"max_completion_tokens\":6,\"max_tokens\":5}", "{\"max_tokens\":6}", NULL},
		{"{" ASKS "}", "{\"max_tokens\":4096}", NULL},
		{"{" ASKS ",\"max_tokens\":null}", "{\"max_tokens\":4096}", NULL},
		{"{" ASKS ",\"temperature\":1.5}", "{\"temperature\":1}", "temperature above 1"},
		{"{" ASKS ",\"temperature\":1.0,\"top_p\":0.5}", "{\"temperature\":1.0,\"top_p\":0.5}", NULL},
		{"{" ASKS ",\"stop\":\"END\"}", "{\"stop_sequences\":[\"END\"]}", NULL},
		{"{" ASKS ",\"stop\":[\"a\",\" \\n\",\"b\"]}", "{\"stop_sequences\":[\"a\",\"b\"]}", "a stop of blanks"},
		{"{" ASKS ",\"user\":\"u\"}", "{\"metadata\":{\"user_id\":\"u\"}}", NULL},
		{"{" ASKS ",\"metadata\":{\"a\":\"b\"},\"store\":true,\"service_tier\":\"flex\",\"prompt_cache_key\":\"k\"}", "{}", NULL},
		{"{" ASKS ",\"seed\":7,\"logprobs\":true,\"top_logprobs\":2,\"logit_bias\":{\"1\":1},\"frequency_penalty\":0.1}", "{}",
		 "seed, logprobs, top_logprobs, logit_bias, frequency_penalty"},
		{"{" ASKS ",\"seed\":null,\"logprobs\":false,\"logit_bias\":{},\"frequency_penalty\":0,\"n\":1,\"modalities\":[\"text\"],\"response_format\":{\"type\":\"text\"}}", "{}", NULL},
		{"{" ASKS ",\"response_format\":{\"type\":\"json_object\"}}", "{}", "response_format"},
		{"{" ASKS ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":\"object\"}}}}",
		 "{\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}}}}", NULL},
		{"{" ASKS ",\"some_new_wish\":{\"a\":1}}", "{}", "some_new_wish"},
		{"{" ASKS ",\"web_search_options\":{}}", "{}", "web_search_options"},
		/* a list that is cut says so */
		{"{" ASKS ",\"a_wish_of_more_than_sixty_letters_is_what_it_takes_to_fill_a_1\":1,\"a_wish_of_more_than_sixty_letters_is_what_it_takes_to_fill_a_2\":1,"
		 "\"a_wish_of_more_than_sixty_letters_is_what_it_takes_to_fill_a_3\":1,\"a_wish_of_more_than_sixty_letters_is_what_it_takes_to_fill_a_4\":1,"
		 "\"a_wish_of_more_than_sixty_letters_is_what_it_takes_to_fill_a_5\":1,\"a_wish_of_more_than_sixty_letters_is_what_it_takes_to_fill_a_6\":1,\"b\":1}", "{}",
		 "a_wish_of_more_than_sixty_letters_is_what_it_takes_to_fill_a_1, a_wish_of_more_than_sixty_letters_is_what_it_takes_to_fill_a_2, "
		 "a_wish_of_more_than_sixty_letters_is_what_it_takes_to_fill_a_3, a_wish_of_more_than_sixty_letters_is_what_it_takes_to_fill_a_4, "
		 "a_wish_of_more_than_sixty_letters_is_what_it_takes_to_fill_a_5 ..."},
		{"{" ASKS ",\"a.\":1,\"b\":1}", "{}", "a., b"},
		/* a name of any length is named, by its beginning */
		{"{" ASKS ",\"" FIFTY TEN "0123" FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY "\":1,\"b\":1}", "{}", FIFTY TEN "0123, b"},
		{"{" ASKS ",\"\u00fc\\u001b[31m\\n\":{\"a\":1}}", "{}", "\u00fc?[31m?"},
	};

	CHECK_ALL(adapter_check_request, cases);
}

static void test_tools(void)
{
	static const struct request_case cases[] = {
		{"{" ASKS ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true}}]}",
		 "{\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{}},\"strict\":true}]}", NULL},
		{"{" ASKS "," TOOL "}", "{\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}]}", NULL},
		{"{" ASKS "," TOOL ",\"tool_choice\":\"auto\"}", "{\"tool_choice\":{\"type\":\"auto\"}}", NULL},
		{"{" ASKS "," TOOL ",\"tool_choice\":\"required\"}", "{\"tool_choice\":{\"type\":\"any\"}}", NULL},
		{"{" ASKS "," TOOL ",\"tool_choice\":\"none\",\"parallel_tool_calls\":false}", "{\"tool_choice\":{\"type\":\"none\"}}", NULL},
		{"{" ASKS "," TOOL ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}}", "{\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"}}", NULL},
		{"{" ASKS "," TOOL ",\"parallel_tool_calls\":false}", "{\"tool_choice\":{\"type\":\"auto\",\"disable_parallel_tool_use\":true}}", NULL},
		{"{" ASKS ",\"tools\":[],\"tool_choice\":\"auto\"}", "{}", NULL},
	};

	CHECK_ALL(adapter_check_request, cases);
}

static void test_what_the_form_cannot_carry_is_refused(void)
{
	static const struct refusal_case cases[] = {
		{"[]", "the request is no JSON object"},
		{"{}", "'messages' is missing, expected a list"},
		{"{\"messages\":\"hello\"}", "'messages' is no list, expected a list"},
		{"{\"messages\":[{\"role\":\"assistant\",\"content\":\"hi\"},{\"role\":\"user\",\"content\":\"\"}]}", "messages[1]: the last message is empty, which has no form in anthropic"},
		{SAYS("\"\""), "messages[0]: the last message is empty, which has no form in anthropic"},
		{"{\"messages\":[]}", "the messages hold nothing but instructions, and anthropic wants a user's turn"},
		{"{\"messages\":[{\"role\":\"system\",\"content\":\"a\"}]}", "the messages hold nothing but instructions, and anthropic wants a user's turn"},
		{"{\"messages\":[{\"role\":\"function\",\"name\":\"f\",\"content\":\"a\"}]}", "messages[0]: the role 'function' has no form in anthropic"},
		{"{\"messages\":[{\"role\":\"\\u001b[31m\"}]}", "messages[0]: the role '?[31m' has no form in anthropic"},
		{"{\"messages\":[{\"role\":\"0123456789abcdef0123456789abcde\u00fc\"}]}", "messages[0]: the role '0123456789abcdef0123456789abcde?' has no form in anthropic"},
		{"{\"messages\":[1]}", "messages[0]: the role '' has no form in anthropic"},
		{SAYS("7"), "messages[0]: content is neither text nor a list"},
		{"{\"messages\":[{\"role\":\"system\",\"content\":7}]}", "messages[0]: content is neither text nor a list"},
		{"{\"messages\":[{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"}}]}]}", "messages[0]: nothing but text has a form here in anthropic"},
		{"{\"messages\":[" CALLS ",{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"}}]}]}", "messages[1]: nothing but text has a form here in anthropic"},
		{SAYS("[{\"type\":\"video\"}]"), "messages[0]: a part of type 'video' cannot be translated for anthropic"},
		{SAYS("[{\"type\":\"text\"}]"), "messages[0]: a part of type 'text' cannot be translated for anthropic"},
		{SAYS("[{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AA\",\"format\":\"wav\"}}]"), "messages[0]: sound has no form in anthropic"},
		{SAYS("[{\"type\":\"input_audio\",\"input_audio\":{}}]"), "messages[0]: sound without data or format"},
		{SAYS("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"file:///etc/passwd\"}}]"), "messages[0]: an image whose URL is neither http(s) nor data"},
		{SAYS("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png,x\"}}]"), "messages[0]: a data URL without ';base64,'"},
		{SAYS("[{\"type\":\"file\",\"file\":{\"file_id\":\"file-1\"}}]"), "messages[0]: a file that is not in the request itself"},
		{SAYS("[{\"type\":\"file\",\"file\":{\"file_data\":\"data:text/csv;base64,AA\"}}]"), "messages[0]: of files, anthropic takes PDF only"},
		{"{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"custom\",\"custom\":{}}]}]}", "messages[0]: a tool call that is no function with an id"},
		{"{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}]}", "messages[0]: a tool call whose arguments are no JSON object"},
		{"{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"[1]\"}}]}]}", "messages[0]: a tool call whose arguments are no JSON object"},
		{"{\"messages\":[{\"role\":\"assistant\",\"function_call\":{\"name\":\"f\"}}]}", "messages[0]: 'function_call' has no form in anthropic; use tool_calls"},
		{"{\"messages\":[" CALLS ",{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"\"}]}", "messages[1]: the result of a tool call that is not in the messages before it"},
		{"{" ASKS ",\"n\":2}", "'n' as given has no form in anthropic"},
		{"{" ASKS ",\"modalities\":[\"text\",\"audio\"]}", "'modalities' as given has no form in anthropic"},
		{"{" ASKS ",\"functions\":[{\"name\":\"f\"}]}", "'functions' as given has no form in anthropic"},
		{"{" ASKS ",\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"f\"}}]}", "tools[0]: only functions with a name have a form in anthropic"},
		{"{" ASKS "," TOOL ",\"tool_choice\":{\"type\":\"allowed_tools\"}}", "'tool_choice' as given has no form in anthropic"},
	};

	CHECK_ALL(adapter_check_refusal, cases);
}
/* clang-format on */

static void test_where_it_goes_and_with_which_headers(void)
{
	struct http_route route = adapter_route("anthropic", "claude");
	char error[REQUEST_ERROR_BYTES];
	struct http_request request;

	route.extra_body = (char *)"{\"top_k\":3,\"metadata\":{\"b\":1}}";
	CU_ASSERT_EQUAL_FATAL(request_write(&route, "{" ASKS ",\"user\":\"u\"}",
					    strlen("{" ASKS ",\"user\":\"u\"}"), true, &request,
					    error),
			      0);
	CU_ASSERT_STRING_EQUAL(request.url, "https://host/v1/messages");
	CU_ASSERT_TRUE(adapter_has_header(&request, "x-api-key: secret-key"));
	CU_ASSERT_TRUE(adapter_has_header(&request, "anthropic-version: 2023-06-01"));
	CU_ASSERT_FALSE(adapter_has_header(&request, "Authorization: Bearer secret-key"));
	CU_ASSERT_PTR_NOT_NULL(strstr(request.body.bytes, "\"stream\":true"));
	CU_ASSERT_PTR_NOT_NULL(strstr(request.body.bytes, "\"top_k\":3"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(request.body.bytes, "\"metadata\":{\"user_id\":\"u\",\"b\":1}"));
	http_request_deinit(&request);
	route.extra_body = (char *)"[]";
	CU_ASSERT_EQUAL(
		request_write(&route, "{" ASKS "}", strlen("{" ASKS "}"), true, &request, error),
		-EINVAL);
	CU_ASSERT_STRING_EQUAL(error, "extra_body is no JSON object");
}

/* ---- answers */

/* clang-format off */
static void test_answers(void)
{
	static const struct answer_case cases[] = {
		{"{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"new_block\"},{\"type\":\"text\",\"text\":\"b\"}],\"stop_reason\":\"end_turn\"}", LULL_CLASS_ANSWERED, "\"content\":\"ab\""},
		{"{\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"},{\"type\":\"text\",\"text\":\"b\"}],\"stop_reason\":\"end_turn\"}", LULL_CLASS_ANSWERED, "\"reasoning_content\":\"hm\""},
		{"{\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":null}],\"stop_reason\":\"tool_use\"}", LULL_CLASS_ANSWERED, "\"arguments\":\"{}\""},
		/* arguments are never lost in silence */
		{"{\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":[1]}],\"stop_reason\":\"tool_use\"}", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"{\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":\"{\\\"a\\\":1}\"}],\"stop_reason\":\"tool_use\"}", LULL_CLASS_ANSWERED, "\"arguments\":\"{\\\"a\\\":1}\""},
		/* nor is text behind a NUL */
		{"{\"content\":[{\"type\":\"text\",\"text\":\"A\\u0000 and the rest\"}],\"stop_reason\":\"end_turn\"}", LULL_CLASS_ANSWERED, "A\\u0000 and the rest"},
		{"{\"content\":[{\"type\":\"text\",\"text\":\"a\"}],\"stop_reason\":\"max_tokens\"}", LULL_CLASS_ANSWERED, "\"finish_reason\":\"length\""},
		{"{\"content\":[],\"stop_reason\":\"max_tokens\"}", LULL_CLASS_ANSWERED, "\"finish_reason\":\"length\""},
		{"{\"content\":[{\"type\":\"text\",\"text\":\"a\"}],\"stop_reason\":\"something_new\"}", LULL_CLASS_ANSWERED, "\"finish_reason\":\"stop\""},
		{"{\"content\":[{\"type\":\"text\",\"text\":\"a\"}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":9223372036854775807,\"cache_read_input_tokens\":9223372036854775807,\"output_tokens\":-5}}", LULL_CLASS_ANSWERED, "\"completion_tokens\":0"},
		{"{\"content\":[{\"type\":\"text\",\"text\":\"a\"}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":1,\"cache_read_input_tokens\":2,\"cache_creation_input_tokens\":4,\"output_tokens\":8}}", LULL_CLASS_ANSWERED,
		 "\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":8,\"total_tokens\":15,\"prompt_tokens_details\":{\"cached_tokens\":2}}"},
		/* no usage is none, not 0 */
		{"{\"content\":[{\"type\":\"text\",\"text\":\"a\"}],\"stop_reason\":\"end_turn\"}", LULL_CLASS_ANSWERED, "\"finish_reason\":\"stop\"}]}"},
		{"{\"content\":[],\"stop_reason\":\"end_turn\"}", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"{\"content\":\"a\",\"stop_reason\":\"end_turn\"}", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"[]", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"{\"content\":[1,null,{\"type\":\"text\",\"text\":{}}],\"stop_reason\":\"end_turn\"}", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}", LULL_CLASS_OVERLOADED, NULL},
	};

	CHECK_ALL(adapter_check_answer, cases);
}

#define EVENT(json)     "data: " json "\n\n"
#define CALL(arguments) EVENT("{\"type\":\"content_block_start\",\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":" arguments "}}")
#define MORE(arguments) EVENT("{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":" arguments "}}")
#define END             EVENT("{\"type\":\"content_block_stop\"}") EVENT("{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}")

static void test_arguments_in_pieces(void)
{
	static const struct answer_case cases[] = {
		{CALL("{}") MORE("\"\"") MORE("\"{\\\"a\\\":\"") MORE("\"1}\"") END, LULL_CLASS_ANSWERED, "\"arguments\":\"{\\\"a\\\":1}\""},
		{CALL("{}") END, LULL_CLASS_ANSWERED, "\"arguments\":\"{}\""},
		{CALL("{}") MORE("null") END, LULL_CLASS_ANSWERED, "\"arguments\":\"{}\""},
		{CALL("{\"a\":1}") END, LULL_CLASS_ANSWERED, "\"arguments\":\"{\\\"a\\\":1}\""},
		{CALL("{}") MORE("{\"a\":1}") END, LULL_CLASS_ANSWERED, "\"arguments\":\"{\\\"a\\\":1}\""},
		{CALL("{}") MORE("7") END, LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{CALL("[1]") END, LULL_CLASS_MALFORMED_RESPONSE, NULL},
	};

	CHECK_ALL(adapter_check_stream, cases);
}

#define FAILS EVENT("{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}")

static void test_an_error_after_the_stop_reason_takes_nothing_back(void)
{
	static const struct answer_case cases[] = {
		{CALL("{}") FAILS END, LULL_CLASS_OVERLOADED, NULL},
		{CALL("{}") END FAILS, LULL_CLASS_ANSWERED, "\"finish_reason\":\"tool_calls\""},
		{CALL("{}") END EVENT("{\"type\":\"message_stop\"}") FAILS, LULL_CLASS_ANSWERED, "\"finish_reason\":\"tool_calls\""},
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
		CUNIT_TEST(test_arguments_in_pieces),
		CUNIT_TEST(test_an_error_after_the_stop_reason_takes_nothing_back),
	};

	const struct http_route route = adapter_route("anthropic", "claude");

	adapter_use(&route);
	return CUNIT_MAIN("adapter_anthropic", tests);
}
