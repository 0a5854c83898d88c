/* SPDX-License-Identifier: MIT */
/*
 * The form of Amazon Bedrock's Converse, beyond what the samples of tests/wire show: every part,
 * every parameter, what is refused and what is left out; answers and streams that break the form.
 */
#include <errno.h>
#include <string.h>

#include <lull/lull.h>

#include "adapter_fixture.h"
#include "cunit_main.h"
#include "event_message.h"

static struct http_route route;

/* clang-format off */
#define IMAGE(url)       "[{\"type\":\"image_url\",\"image_url\":{\"url\":\"" url "\"}}]"
#define FILE_PART(members) "[{\"type\":\"file\",\"file\":{" members "}}]"
#define RESULT(content)  "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"}," CALLS ",{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":" content "}]}"
#define TURN(block)      "{\"messages\":[{\"role\":\"user\",\"content\":[" block "]}]}"
#define RESULT_TURNS(block) "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]},{\"role\":\"assistant\",\"content\":[{\"toolUse\":{\"toolUseId\":\"c1\",\"name\":\"f\",\"input\":{}}}]}," \
	"{\"role\":\"user\",\"content\":[{\"toolResult\":{\"toolUseId\":\"c1\",\"content\":[" block "],\"status\":\"success\"}}]}]}"

static void test_messages(void)
{
	static const struct request_case cases[] = {
		{"{" ASKS "}", TURN("{\"text\":\"q\"}"), NULL},
		/* instructions, wherever they stand */
		{"{\"messages\":[{\"role\":\"system\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":\"b\"},{\"type\":\"text\",\"text\":\"c\"}]}]}",
		 "{\"system\":[{\"text\":\"a\"},{\"text\":\"bc\"}],\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"q\"}]}]}", NULL},
		/* turns of one role are one */
		{"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"},{\"role\":\"assistant\",\"content\":\"\"},{\"role\":\"user\",\"content\":\"c\"}]}",
		 TURN("{\"text\":\"a\"},{\"text\":\"b\"},{\"text\":\"c\"}"), NULL},
		/* images and documents */
		{SAYS(IMAGE("data:image/jpeg;base64,AA==")), TURN("{\"image\":{\"format\":\"jpeg\",\"source\":{\"bytes\":\"AA==\"}}}"), NULL},
		{SAYS(IMAGE("data:IMAGE/WEBP;base64,AA==")), TURN("{\"image\":{\"format\":\"webp\",\"source\":{\"bytes\":\"AA==\"}}}"), NULL},
		{SAYS(FILE_PART("\"filename\":\"my report_1.pdf\",\"file_data\":\"data:application/pdf;base64,JVBE\"")),
		 TURN("{\"document\":{\"format\":\"pdf\",\"name\":\"my-report-1-pdf\",\"source\":{\"bytes\":\"JVBE\"}}}"), NULL},
		{SAYS(FILE_PART("\"filename\":\"\",\"file_data\":\"data:text/csv;base64,QQ==\"")),
		 TURN("{\"document\":{\"format\":\"csv\",\"name\":\"document\",\"source\":{\"bytes\":\"QQ==\"}}}"), NULL},
		/* a call without arguments; results that are objects, and others */
		{RESULT("\"{\\\"n\\\":4}\""), RESULT_TURNS("{\"json\":{\"n\":4}}"), NULL},
		{RESULT("\"[4]\""), RESULT_TURNS("{\"text\":\"[4]\"}"), NULL},
		{RESULT("\"4\""), RESULT_TURNS("{\"text\":\"4\"}"), NULL},
		{RESULT("\"{\""), RESULT_TURNS("{\"text\":\"{\"}"), NULL},
		{RESULT("[{\"type\":\"text\",\"text\":\"4\"}]"), RESULT_TURNS("{\"text\":\"4\"}"), NULL},
		{RESULT("null"), RESULT_TURNS("{\"text\":\"\"}"), NULL},
	};

	CHECK_ALL(adapter_check_request, cases);
}

static void test_parameters(void)
{
	static const struct request_case cases[] = {
		{"{" ASKS ",\"max_tokens\":5}", "{\"inferenceConfig\":{\"maxTokens\":5}}", NULL},
		{"{" ASKS ",\"max_completion_tokens\":6,\"max_tokens\":5}", "{\"inferenceConfig\":{\"maxTokens\":6}}", NULL},
		{"{" ASKS ",\"temperature\":1.5}", "{\"inferenceConfig\":{\"temperature\":1}}", "temperature above 1"},
		{"{" ASKS ",\"temperature\":0,\"top_p\":0.5}", "{\"inferenceConfig\":{\"temperature\":0,\"topP\":0.5}}", NULL},
		{"{" ASKS ",\"stop\":\"END\"}", "{\"inferenceConfig\":{\"stopSequences\":[\"END\"]}}", NULL},
		{"{" ASKS ",\"stop\":[\"a\",\"b\"]}", "{\"inferenceConfig\":{\"stopSequences\":[\"a\",\"b\"]}}", NULL},
		{"{" ASKS ",\"user\":\"u\",\"metadata\":{\"a\":\"b\"},\"store\":true,\"service_tier\":\"flex\"}", "{}", NULL},
		{"{" ASKS ",\"seed\":7,\"logprobs\":true,\"top_k\":2,\"thinking\":{\"type\":\"enabled\"},\"reasoning_effort\":\"low\"}", "{}",
		 "seed, logprobs, top_k, thinking, reasoning_effort"},
		{"{" ASKS ",\"response_format\":{\"type\":\"json_object\"}}", "{}", "response_format"},
		{"{" ASKS ",\"response_format\":{\"type\":\"text\"},\"n\":1}", "{}", NULL},
	};

	CHECK_ALL(adapter_check_request, cases);
}

#define SPEC    "\"tools\":[{\"toolSpec\":{\"name\":\"f\",\"inputSchema\":{\"json\":{\"type\":\"object\",\"properties\":{}}}}}]"
#define CALLED  "\"messages\":[{\"role\":\"user\",\"content\":\"q\"}," CALLS ",{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"4\"}]"

static void test_tools(void)
{
	static const struct request_case cases[] = {
		{"{" ASKS "," TOOL "}", "{\"toolConfig\":{" SPEC "}}", NULL},
		{"{" ASKS ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}}]}",
		 "{\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"f\",\"description\":\"d\",\"inputSchema\":{\"json\":{\"type\":\"object\"}}}}]}}", NULL},
		{"{" ASKS ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"\"}}]}", "{\"toolConfig\":{" SPEC "}}", NULL},
		{"{" ASKS "," TOOL ",\"tool_choice\":\"auto\"}", "{\"toolConfig\":{" SPEC ",\"toolChoice\":{\"auto\":{}}}}", NULL},
		{"{" ASKS "," TOOL ",\"tool_choice\":\"required\"}", "{\"toolConfig\":{" SPEC ",\"toolChoice\":{\"any\":{}}}}", NULL},
		{"{" ASKS "," TOOL ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}}", "{\"toolConfig\":{" SPEC ",\"toolChoice\":{\"tool\":{\"name\":\"f\"}}}}", NULL},
		{"{" CALLED "," TOOL ",\"tool_choice\":\"none\"}", "{\"toolConfig\":{" SPEC "}}", "tool_choice"},
		{"{" ASKS "," TOOL ",\"parallel_tool_calls\":false}", "{\"toolConfig\":{" SPEC "}}", "parallel_tool_calls"},
		{"{" ASKS ",\"tools\":[],\"tool_choice\":\"auto\"}", "{}", NULL},
	};

	CHECK_ALL(adapter_check_request, cases);
}

static void test_what_the_form_cannot_carry_is_refused(void)
{
	static const struct refusal_case cases[] = {
		{"{\"messages\":[{\"role\":\"system\",\"content\":\"a\"}]}", "the messages hold nothing but instructions, and bedrock wants a user's turn"},
		{SAYS(IMAGE("https://x/y.png")), "messages[0]: bedrock takes images as data URLs only"},
		{SAYS(IMAGE("data:image/tiff;base64,AA==")), "messages[0]: of images, bedrock takes PNG, JPEG, GIF and WebP"},
		{SAYS(IMAGE("data:;base64,AA==")), "messages[0]: of images, bedrock takes PNG, JPEG, GIF and WebP"},
		{SAYS(FILE_PART("\"file_data\":\"data:application/zip;base64,AA\"")), "messages[0]: a file of type 'application/zip' has no form in bedrock"},
		{SAYS(FILE_PART("\"file_id\":\"file-1\"")), "messages[0]: a file that is not in the request itself"},
		{SAYS("[{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AA\",\"format\":\"wav\"}}]"), "messages[0]: sound has no form in bedrock"},
		{"{" ASKS ",\"n\":2}", "'n' as given has no form in bedrock"},
		{"{" ASKS ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{}}}}", "'response_format' as given has no form in bedrock"},
		{"{" ASKS "," TOOL ",\"tool_choice\":{\"type\":\"allowed_tools\"}}", "'tool_choice' as given has no form in bedrock"},
	};

	CHECK_ALL(adapter_check_refusal, cases);
}
/* clang-format on */

static void write_it(const char *text, bool stream, struct http_request *ret)
{
	char error[REQUEST_ERROR_BYTES];

	CU_ASSERT_EQUAL_FATAL(request_write(&route, text, strlen(text), stream, ret, error), 0);
}

static void test_without_calls_before_no_tool_may_be_used_means_no_tools(void)
{
	struct http_request request;

	write_it("{" ASKS "," TOOL ",\"tool_choice\":\"none\"}", false, &request);
	CU_ASSERT_PTR_NULL(strstr(request.body.bytes, "tool"));
	CU_ASSERT_STRING_EQUAL(request.omitted, "");
	http_request_deinit(&request);
}

static void test_where_it_goes_and_with_which_headers(void)
{
	struct http_request request;

	route.extra_body = (char *)"{\"additionalModelRequestFields\":{\"top_k\":3}}";
	write_it("{" ASKS "}", true, &request);
	CU_ASSERT_STRING_EQUAL(request.url, "https://host/v1/model/vendor.model-v1%3A0%2Fx/"
					    "converse-stream");
	CU_ASSERT_TRUE(adapter_has_header(&request, "Authorization: Bearer secret-key"));
	CU_ASSERT_TRUE(adapter_has_header(&request, "Accept: application/vnd.amazon.eventstream"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(request.body.bytes, "\"additionalModelRequestFields\":{\"top_k\":3}"));
	CU_ASSERT_PTR_NULL(strstr(request.body.bytes, "\"stream\""));
	CU_ASSERT_PTR_NULL(strstr(request.body.bytes, "\"model\""));
	http_request_deinit(&request);
	route.extra_body = NULL;
	write_it("{" ASKS "}", false, &request);
	CU_ASSERT_STRING_EQUAL(request.url,
			       "https://host/v1/model/vendor.model-v1%3A0%2Fx/converse");
	CU_ASSERT_TRUE(adapter_has_header(&request, "Accept: application/json"));
	http_request_deinit(&request);
}

/* ---- answers */

/* clang-format off */
#define ANSWER(blocks, more) "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[" blocks "]}}" more "}"
#define ENDS(reason) ",\"stopReason\":\"" reason "\""

static void test_answers(void)
{
	static const struct answer_case cases[] = {
		{ANSWER("{\"text\":\"a\"},{\"newBlock\":{}},{\"text\":\"b\"}", ENDS("end_turn")), LULL_CLASS_ANSWERED, "\"content\":\"ab\""},
		{ANSWER("{\"reasoningContent\":{\"reasoningText\":{\"text\":\"hm\",\"signature\":\"s\"}}},{\"text\":\"b\"}", ENDS("end_turn")), LULL_CLASS_ANSWERED, "\"reasoning_content\":\"hm\""},
		{ANSWER("{\"reasoningContent\":{\"redactedContent\":\"AA==\"}},{\"text\":\"b\"}", ENDS("end_turn")), LULL_CLASS_ANSWERED, "\"content\":\"b\""},
		{ANSWER("{\"toolUse\":{\"toolUseId\":\"t\",\"name\":\"f\"}}", ENDS("tool_use")), LULL_CLASS_ANSWERED, "\"arguments\":\"{}\""},
		{ANSWER("{\"toolUse\":{\"name\":\"f\",\"input\":{\"a\":1}}}", ENDS("end_turn")), LULL_CLASS_ANSWERED, "\"finish_reason\":\"tool_calls\""},
		{ANSWER("{\"text\":\"a\"}", ENDS("stop_sequence")), LULL_CLASS_ANSWERED, "\"finish_reason\":\"stop\""},
		{ANSWER("{\"text\":\"a\"}", ENDS("max_tokens")), LULL_CLASS_ANSWERED, "\"finish_reason\":\"length\""},
		{ANSWER("{\"text\":\"a\"}", ENDS("model_context_window_exceeded")), LULL_CLASS_ANSWERED, "\"finish_reason\":\"length\""},
		{ANSWER("", ENDS("content_filtered")), LULL_CLASS_ANSWERED, "\"finish_reason\":\"content_filter\""},
		{ANSWER("", ENDS("guardrail_intervened")), LULL_CLASS_ANSWERED, "\"finish_reason\":\"content_filter\""},
		{ANSWER("{\"text\":\"a\"}", ENDS("something_new")), LULL_CLASS_ANSWERED, "\"finish_reason\":\"stop\""},
		{ANSWER("{\"text\":\"a\"}", ENDS("end_turn") ",\"usage\":{\"inputTokens\":1,\"cacheReadInputTokens\":2,\"cacheWriteInputTokens\":4,\"outputTokens\":8}"), LULL_CLASS_ANSWERED,
		 "\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":8,\"total_tokens\":15,\"prompt_tokens_details\":{\"cached_tokens\":2}}"},
		{ANSWER("{\"text\":\"a\"}", ENDS("malformed_model_output")), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{ANSWER("{\"text\":\"a\"}", ENDS("malformed_tool_use")), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{ANSWER("", ENDS("end_turn")), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{ANSWER("{\"text\":\"a\"}", ""), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{ANSWER("1,null,{\"text\":{}},{\"toolUse\":7}", ""), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"{\"output\":{\"message\":{\"content\":\"a\"}}" ENDS("end_turn") "}", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"{\"output\":7}", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"[]", LULL_CLASS_MALFORMED_RESPONSE, NULL},
	};

	CHECK_ALL(adapter_check_answer, cases);
}

static void test_the_id_is_in_a_header(void)
{
	static const struct {
		const char *header;
		const char *id;
	} cases[] = {
		{"b1-c2", "\"id\":\"b1-c2\""},
		{"", "\"id\":\"chatcmpl-"},
		{"\xff", "\"id\":\"chatcmpl-"}, /* no UTF-8, so no JSON */
		{"\t", "\"id\":\"chatcmpl-"},
	};
	static const char body[] = ANSWER("{\"text\":\"a\"}", ENDS("end_turn"));

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct wire_header header = {"X-Amzn-RequestId", cases[i].header};
		const struct wire_response response = {.status = 200,
						       .headers = &header,
						       .header_count = 1,
						       .body = body,
						       .body_bytes = strlen(body)};
		struct verdict verdict;
		struct answer answer;

		CU_ASSERT_EQUAL_FATAL(answer_read(&route, &response, &answer, &verdict), 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(answer.json, cases[i].id));
		answer_deinit(&answer);
	}
}

/* ---- streams */

struct event {
	const char *name; /* of an exception, where it ends so; NULL ends the list */
	const char *payload;
};

#define TEXT_DELTA(text)  {"contentBlockDelta", "{\"contentBlockIndex\":0,\"delta\":{\"text\":\"" text "\"}}"}
#define CALL_START(id)    {"contentBlockStart", "{\"contentBlockIndex\":1,\"start\":{\"toolUse\":{\"toolUseId\":\"" id "\",\"name\":\"f\"}}}"}
#define CALL_DELTA(text)  {"contentBlockDelta", "{\"contentBlockIndex\":1,\"delta\":{\"toolUse\":{\"input\":\"" text "\"}}}"}
#define BLOCK_STOP        {"contentBlockStop", "{\"contentBlockIndex\":1}"}
#define STOP(reason)      {"messageStop", "{\"stopReason\":\"" reason "\"}"}
#define USAGE             {"metadata", "{\"usage\":{\"inputTokens\":1,\"outputTokens\":2},\"metrics\":{\"latencyMs\":5}}"}

static const struct stream_case {
	struct event events[8];
	uint32_t class_id;
	const char *expected; /* stands in the answer, or in the detail; NULL nothing to see */
} stream_cases[] = {
	{{TEXT_DELTA("a"), BLOCK_STOP, STOP("end_turn"), USAGE}, LULL_CLASS_ANSWERED, "\"total_tokens\":3"},
	{{USAGE, TEXT_DELTA("a"), STOP("end_turn")}, LULL_CLASS_ANSWERED, "\"total_tokens\":3"},
	{{TEXT_DELTA("a"), STOP("end_turn")}, LULL_CLASS_ANSWERED, "\"content\":\"a\""},
	{{{"contentBlockDelta", "{\"delta\":{\"reasoningContent\":{\"text\":\"hm\"}}}"}, {"contentBlockDelta", "{\"delta\":{\"reasoningContent\":{\"signature\":\"s\"}}}"}, BLOCK_STOP, TEXT_DELTA("a"), STOP("end_turn")},
	 LULL_CLASS_ANSWERED, "\"reasoning_content\":\"hm\""},
	{{CALL_START("c1"), CALL_DELTA("{}"), BLOCK_STOP, CALL_START("c2"), CALL_DELTA("{\\\"a\\\":"), CALL_DELTA("1}"), BLOCK_STOP, STOP("tool_use")}, LULL_CLASS_ANSWERED,
	 "\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},{\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}]"},
	{{CALL_START("c1"), BLOCK_STOP, STOP("tool_use")}, LULL_CLASS_ANSWERED, "\"arguments\":\"{}\""},
	{{TEXT_DELTA("a"), {"somethingNew", "{}"}, STOP("max_tokens")}, LULL_CLASS_ANSWERED, "\"finish_reason\":\"length\""},
	{{TEXT_DELTA("a"), {"contentBlockDelta", "[]"}, {"contentBlockStart", "7"}, {"metadata", "null"}, STOP("end_turn")}, LULL_CLASS_MALFORMED_RESPONSE, "an event of the stream cannot be read: line 1: null, expected a value"},
	{{TEXT_DELTA("a"), {"contentBlockDelta", "[]"}, {"contentBlockStart", "7"}, {"metadata", "{\"usage\":7}"}, STOP("end_turn")}, LULL_CLASS_ANSWERED, "\"content\":\"a\""},
	{{TEXT_DELTA("a"), USAGE}, LULL_CLASS_TRUNCATED_STREAM, NULL},
	{{STOP("end_turn")}, LULL_CLASS_MALFORMED_RESPONSE, NULL},
	{{TEXT_DELTA("a"), STOP("malformed_tool_use")}, LULL_CLASS_MALFORMED_RESPONSE, "malformed_tool_use"},
	/* exceptions, wherever they come before the finish reason: their name is their code */
	{{{"throttlingException", "{\"message\":\"Too many tokens, please wait before trying again.\"}"}}, LULL_CLASS_RATE_LIMITED, "Too many tokens, please wait"},
	{{TEXT_DELTA("a"), {"throttlingException", "{\"message\":\"Too many tokens per day\"}"}}, LULL_CLASS_QUOTA_EXHAUSTED, "per day"},
	{{TEXT_DELTA("a"), {"internalServerException", "{\"message\":\"x\"}"}}, LULL_CLASS_SERVER_ERROR, "x"},
	{{TEXT_DELTA("a"), STOP("end_turn"), {"internalServerException", "{\"message\":\"x\"}"}}, LULL_CLASS_ANSWERED, "\"content\":\"a\""},
	{{{"modelStreamErrorException", "{\"message\":\"x\",\"originalStatusCode\":400}"}}, LULL_CLASS_SERVER_ERROR, "x"},
	{{{"modelTimeoutException", "{}"}}, LULL_CLASS_TIMEOUT, NULL},
	{{{"serviceUnavailableException", "{\"message\":\"x\"}"}}, LULL_CLASS_OVERLOADED, "x"},
	{{{"validationException", "{\"message\":\"x\"}"}}, LULL_CLASS_BAD_REQUEST, "x"},
	{{{"validationException", "{\"message\":\"Input is too long for requested model.\"}"}}, LULL_CLASS_CONTEXT_WINDOW, "Input is too long"},
	{{{"accessDeniedException", "no JSON"}}, LULL_CLASS_PERMISSION, "no JSON"},
	{{{"throttlingException", ""}}, LULL_CLASS_RATE_LIMITED, NULL},
	{{{"throttlingException", "{\"error\":{\"type\":\"x\"}}"}}, LULL_CLASS_RATE_LIMITED, NULL},
	{{{"someException", "[]"}}, LULL_CLASS_SERVER_ERROR, NULL},
};
/* clang-format on */

static void write_stream(const struct stream_case *c, struct buffer *ret)
{
	buffer_init(ret, 1u << 20);
	for (const struct event *event = c->events; event->name; event++)
		event_message_add(ret, strstr(event->name, "Exception") ? "exception" : "event",
				  event->name,
				  (struct event_bytes){event->payload, strlen(event->payload)});
}

static int see_chunk(const struct stream_event *event, void *userdata)
{
	unsigned *done_count = userdata;

	*done_count += event->type == STREAM_DONE;
	return 0;
}

/* Return: how often it was said that nothing follows. */
static unsigned read_stream(const struct buffer *bytes, struct answer *ret_answer,
			    struct verdict *ret)
{
	static const struct wire_header type = {"content-type",
						"application/vnd.amazon.eventstream"};
	const struct wire_response head = {.status = 200, .headers = &type, .header_count = 1};
	struct stream_reader *reader = stream_new(&route, &head);
	unsigned done_count = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(reader);
	(void)stream_feed(reader, bytes->bytes, bytes->size, see_chunk, &done_count);
	stream_end(reader, &head, false, ret);
	*ret_answer = (struct answer){0};
	if (ret->outcome.class_id == LULL_CLASS_ANSWERED)
		CU_ASSERT_EQUAL(stream_answer(reader, ret_answer), 0);
	stream_free(reader);
	return done_count;
}

static void test_streams(void)
{
	for (size_t i = 0; i < sizeof(stream_cases) / sizeof(stream_cases[0]); i++) {
		const struct stream_case *c = &stream_cases[i];
		struct answer answer;
		struct verdict verdict;
		struct buffer bytes;
		const char *said;

		write_stream(c, &bytes);
		(void)read_stream(&bytes, &answer, &verdict);
		said = answer.json ? answer.json : verdict.detail;
		if (verdict.outcome.class_id != c->class_id ||
		    (c->expected && !strstr(said, c->expected)))
			(void)printf("    case %zu: %s: %s\n", i, verdict.rule, said);
		CU_ASSERT_EQUAL(verdict.outcome.class_id, c->class_id);
		CU_ASSERT_TRUE(!c->expected || strstr(said, c->expected));
		answer_deinit(&answer);
		buffer_deinit(&bytes);
	}
}

static void test_a_stream_says_that_it_ends(void)
{
	struct answer answer;
	struct verdict verdict;
	struct buffer bytes;

	write_stream(&stream_cases[2], &bytes);
	CU_ASSERT_EQUAL(read_stream(&bytes, &answer, &verdict), 1);
	answer_deinit(&answer);
	buffer_deinit(&bytes);
	write_stream(&(const struct stream_case){{TEXT_DELTA("a"), BLOCK_STOP, USAGE}, 0, NULL},
		     &bytes);
	CU_ASSERT_EQUAL(read_stream(&bytes, &answer, &verdict), 0);
	buffer_deinit(&bytes);
}

/* Cut or damaged anywhere, also before the first event: neither is an answer, nor the other. */
static void test_streams_that_break(void)
{
	struct answer answer;
	struct verdict verdict;
	struct buffer bytes;

	write_stream(&(const struct stream_case){{TEXT_DELTA("a"), STOP("end_turn")}, 0, NULL},
		     &bytes);
	for (size_t size = bytes.size - 1; size > 0; size--) {
		struct buffer cut = bytes;

		cut.size = size;
		(void)read_stream(&cut, &answer, &verdict);
		CU_ASSERT_EQUAL(verdict.outcome.class_id, LULL_CLASS_TRUNCATED_STREAM);
	}
	for (size_t i = 0; i < bytes.size; i++) {
		bytes.bytes[i] ^= 0x08;
		(void)read_stream(&bytes, &answer, &verdict);
		CU_ASSERT_EQUAL(verdict.outcome.class_id, LULL_CLASS_MALFORMED_RESPONSE);
		CU_ASSERT_STRING_EQUAL(verdict.rule, "damaged event");
		bytes.bytes[i] ^= 0x08;
	}
	buffer_deinit(&bytes);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_messages),
		CUNIT_TEST(test_parameters),
		CUNIT_TEST(test_tools),
		CUNIT_TEST(test_what_the_form_cannot_carry_is_refused),
		CUNIT_TEST(test_without_calls_before_no_tool_may_be_used_means_no_tools),
		CUNIT_TEST(test_where_it_goes_and_with_which_headers),
		CUNIT_TEST(test_answers),
		CUNIT_TEST(test_the_id_is_in_a_header),
		CUNIT_TEST(test_streams),
		CUNIT_TEST(test_a_stream_says_that_it_ends),
		CUNIT_TEST(test_streams_that_break),
	};

	route = adapter_route("bedrock", "vendor.model-v1:0/x");
	adapter_use(&route);
	return CUNIT_MAIN("adapter_bedrock", tests);
}
