/* SPDX-License-Identifier: MIT */
/*
 * Requests in Mistral's form, beyond what the samples of tests/wire show: every kind of message,
 * ids, every parameter, what is refused and what is left out. Its answers are in OpenAI's form:
 * test_adapter_openai.c.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lull/lull.h>

#include "adapter_fixture.h"
#include "cunit_main.h"

/* clang-format off */
static void test_messages(void)
{
	static const struct request_case cases[] = {
		{"{" ASKS "}", "{\"model\":\"mistral-small\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}]}", NULL},
		{"{\"messages\":[{\"role\":\"developer\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\",\"name\":\"ada\"},{\"role\":\"assistant\",\"content\":\"c\",\"refusal\":null,\"annotations\":[],\"reasoning_content\":\"hm\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"d\",\"cache_control\":{}},{\"type\":\"text\",\"text\":\"e\"}]}]}",
		 "{\"messages\":[{\"role\":\"system\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"},{\"role\":\"assistant\",\"content\":\"c\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"d\"},{\"type\":\"text\",\"text\":\"e\"}]}]}", NULL},
		{SAYS("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"}},{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AA==\",\"format\":\"wav\"}}]"),
		 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"}},{\"type\":\"input_audio\",\"input_audio\":\"AA==\"}]}]}", NULL},
		{SAYS("[{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":\"data:application/pdf;base64,JVBE\"}},{\"type\":\"file\",\"file\":{\"file_data\":\"data:text/csv;base64,AA\"}}]"),
		 "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"document_url\",\"document_url\":\"data:application/pdf;base64,JVBE\",\"document_name\":\"a.pdf\"},{\"type\":\"document_url\",\"document_url\":\"data:text/csv;base64,AA\"}]}]}", NULL},
		/* the beginning of an answer, marked as such */
		{"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\",\"prefix\":true}]}",
		 "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\",\"prefix\":true}]}", NULL},
		/* nothing that it would know is changed in an id that it could have made */
		{"{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"index\":0,\"id\":\"abcDEF123\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]},{\"role\":\"tool\",\"name\":\"f\",\"tool_call_id\":\"abcDEF123\",\"content\":\"4\"}]}",
		 "{\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"abcDEF123\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"content\":\"4\",\"tool_call_id\":\"abcDEF123\"}]}", NULL},
	};

	CHECK_ALL(adapter_check_request, cases);
}

static void test_parameters(void)
{
	static const struct request_case cases[] = {
		{"{" ASKS ",\"max_completion_tokens\":6,\"max_tokens\":5}", "{\"max_tokens\":6}", NULL},
		{"{" ASKS ",\"max_tokens\":5}", "{\"max_tokens\":5}", NULL},
		{"{" ASKS ",\"temperature\":1.5}", "{\"temperature\":1.5}", NULL},
		{"{" ASKS ",\"temperature\":2}", "{\"temperature\":1.5}", "temperature above 1.5"},
		{"{" ASKS ",\"seed\":7,\"top_p\":1,\"stop\":\"END\",\"n\":2,\"frequency_penalty\":-0.5,\"presence_penalty\":0.5}", "{\"random_seed\":7,\"top_p\":1,\"stop\":\"END\",\"n\":2,\"frequency_penalty\":-0.5,\"presence_penalty\":0.5}", NULL},
		{"{" ASKS ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{},\"strict\":true}},\"reasoning_effort\":\"high\",\"prompt_cache_key\":\"k\"}",
		 "{\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{},\"strict\":true}},\"reasoning_effort\":\"high\",\"prompt_cache_key\":\"k\"}", NULL},
		{"{" ASKS ",\"random_seed\":7,\"safe_prompt\":true,\"prompt_mode\":\"reasoning\"}", "{\"random_seed\":7,\"safe_prompt\":true,\"prompt_mode\":\"reasoning\"}", NULL},
		{"{" ASKS ",\"logprobs\":true,\"top_logprobs\":2,\"logit_bias\":{\"1\":1},\"verbosity\":\"low\"}", "{}", "logprobs, top_logprobs, logit_bias, verbosity"},
		{"{" ASKS "," TOOL ",\"tool_choice\":\"required\",\"parallel_tool_calls\":false}",
		 "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}}],\"tool_choice\":\"required\",\"parallel_tool_calls\":false}", NULL},
		{"{" ASKS ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true,\"parameters\":{}}}],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}}",
		 "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{},\"strict\":true}}],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}}", NULL},
	};

	CHECK_ALL(adapter_check_request, cases);
}

static void test_what_the_form_cannot_carry_is_refused(void)
{
	static const struct refusal_case cases[] = {
		{"[]", "the request is no JSON object"},
		{"{\"messages\":7}", "'messages' is no list, expected a list"},
		{"{\"messages\":[7]}", "messages[0]: the role '' has no form in mistral"},
		{"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]}", "the last message is the assistant's, which has no form in mistral"},
		{"{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[7]}]}", "messages[0]: a tool call that is no function with an id"},
		{"{\"messages\":[" CALLS ",{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"\"}]}", "messages[1]: the result of a tool call that is not in the messages before it"},
		{SAYS("[{\"type\":\"file\",\"file\":{\"file_id\":\"file-1\"}}]"), "messages[0]: a file that is not in the request itself"},
		{"{" ASKS ",\"modalities\":[\"text\",\"audio\"]}", "'modalities' as given has no form in mistral"},
		{"{" ASKS "," TOOL ",\"tool_choice\":{\"type\":\"allowed_tools\"}}", "'tool_choice' as given has no form in mistral"},
		{"{" ASKS ",\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"f\"}}]}", "tools[0]: only functions with a name have a form in mistral"},
	};

	CHECK_ALL(adapter_check_refusal, cases);
}
/* clang-format on */

/* ---- ids */

static struct json_object *member(struct json_object *object, const char *name)
{
	struct json_object *found = NULL;

	(void)json_object_object_get_ex(object, name, &found);
	return found;
}

static struct json_object *messages_for(const char *text)
{
	const struct http_route route = adapter_route("mistral", "mistral-small");
	char error[REQUEST_ERROR_BYTES];
	struct json_object *body, *messages;
	struct http_request request;

	CU_ASSERT_EQUAL_FATAL(request_write(&route, text, strlen(text), false, &request, error), 0);
	body = json_read(request.body.bytes, request.body.size, error);
	messages = json_object_get(member(body, "messages"));
	json_object_put(body);
	http_request_deinit(&request);
	return messages;
}

static const char *text_of(struct json_object *messages, size_t i, const char *name)
{
	return json_object_get_string(member(json_object_array_get_idx(messages, i), name));
}

static const char *call_id_of(struct json_object *messages, size_t call)
{
	struct json_object *calls = member(json_object_array_get_idx(messages, 0), "tool_calls");

	return json_object_get_string(member(json_object_array_get_idx(calls, call), "id"));
}

static void check_made(const char *id)
{
	CU_ASSERT_EQUAL_FATAL(strlen(id), 9);
	for (size_t i = 0; i < 9; i++)
		CU_ASSERT_TRUE(isalnum((unsigned char)id[i]));
}

/* clang-format off */
#define A_CALL(id)   "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}"
#define A_RESULT(id) "{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":\"" id "\"}"
/* clang-format on */

static void test_ids_of_others_become_its_own_in_both_places(void)
{
	static const char *const ids[][2] = {
		{"call_aaaaaaaaaaaaaaaaaaaaaaaa", "call_aaaaaaaaaaaaaaaaaaaaaaab"},
		{"toolu_01", "get_weather_dqgshstja6p9"},
		{"abcdefgh-", "abcdefgh"},
		{"1", "\xc3\xa9\xc3\xa9\xc3\xa9"},
	};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct json_object *messages, *again;
		char text[1024];

		(void)snprintf(
			text, sizeof(text),
			"{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[" A_CALL(
				"%s") "," A_CALL("%s") "]}," A_RESULT("%s") "," A_RESULT("%s") "]}",
			ids[i][0], ids[i][1], ids[i][1], ids[i][1], ids[i][0], ids[i][0]);
		messages = messages_for(text);
		again = messages_for(text);
		check_made(call_id_of(messages, 0));
		check_made(call_id_of(messages, 1));
		CU_ASSERT_STRING_NOT_EQUAL(call_id_of(messages, 0), call_id_of(messages, 1));
		CU_ASSERT_STRING_EQUAL(text_of(messages, 1, "tool_call_id"),
				       call_id_of(messages, 1));
		CU_ASSERT_STRING_EQUAL(text_of(messages, 1, "content"), ids[i][1]);
		CU_ASSERT_STRING_EQUAL(text_of(messages, 2, "tool_call_id"),
				       call_id_of(messages, 0));
		CU_ASSERT_TRUE(json_object_equal(messages, again));
		json_object_put(messages);
		json_object_put(again);
	}
}

/* ---- what is not in a body of tests/wire */

static void test_streams_are_asked_for_without_options(void)
{
	static const char text[] =
		"{" ASKS ",\"user\":\"u\",\"metadata\":{},\"stream\":true,"
		"\"stream_options\":{\"include_usage\":true},\"tool_choice\":\"auto\"}";
	const struct http_route route = adapter_route("mistral", "mistral-small");
	char error[REQUEST_ERROR_BYTES];
	struct http_request request;

	for (int stream = 0; stream < 2; stream++) {
		CU_ASSERT_EQUAL_FATAL(
			request_write(&route, text, strlen(text), stream, &request, error), 0);
		CU_ASSERT_STRING_EQUAL(request.url, "https://host/v1/chat/completions");
		CU_ASSERT_TRUE(adapter_has_header(&request, "Authorization: Bearer secret-key"));
		CU_ASSERT_STRING_EQUAL(
			request.body.bytes,
			stream ? "{\"model\":\"mistral-small\",\"messages\":[{\"role\":\"user\","
				 "\"content\":\"q\"}],\"stream\":true}"
			       : "{\"model\":\"mistral-small\",\"messages\":[{\"role\":\"user\","
				 "\"content\":\"q\"}]}");
		CU_ASSERT_STRING_EQUAL(request.omitted, "");
		http_request_deinit(&request);
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_messages),
		CUNIT_TEST(test_parameters),
		CUNIT_TEST(test_what_the_form_cannot_carry_is_refused),
		CUNIT_TEST(test_ids_of_others_become_its_own_in_both_places),
		CUNIT_TEST(test_streams_are_asked_for_without_options),
	};

	const struct http_route route = adapter_route("mistral", "mistral-small");

	adapter_use(&route);
	return CUNIT_MAIN("adapter_mistral", tests);
}
