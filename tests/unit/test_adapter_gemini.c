/* SPDX-License-Identifier: MIT */
/*
 * The form of Gemini's generateContent, beyond what the samples of tests/wire show: every part,
 * every parameter, what is refused and what is left out; answers and streams that break the form.
 */
#include <errno.h>
#include <string.h>

#include <lull/lull.h>

#include "adapter_fixture.h"
#include "cunit_main.h"

/* clang-format off */
#define GENERATION(members) "{\"generationConfig\":{" members "}}"
#define PARTS(parts)        "{\"contents\":[{\"role\":\"user\",\"parts\":[" parts "]}]}"
#define QUESTION            "{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}"
#define CALL(id, more)      "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}" more "}"
#define SIGNED              ",\"extra_content\":{\"google\":{\"thought_signature\":\"c2ln\"}}"
#define ASKED_AND_CALLED(calls) "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"tool_calls\":[" calls "]}]}"
#define CALLED(parts)       "{\"contents\":[" QUESTION ",{\"role\":\"model\",\"parts\":[" parts "]}]}"
#define WIRE_CALL           "{\"functionCall\":{\"name\":\"f\",\"args\":{}}}"
#define WIRE_SIGNED(text)   "{\"functionCall\":{\"name\":\"f\",\"args\":{}},\"thoughtSignature\":\"" text "\"}"
#define DUMMY               "skip_thought_signature_validator"
#define RESULT(content)     "{\"messages\":[" CALLS ",{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":" content "}]}"
#define ANSWERED(response)  "{\"contents\":[{\"role\":\"model\",\"parts\":[" WIRE_CALL "]},{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":" response "}}]}]}"

static void test_messages(void)
{
	static const struct request_case cases[] = {
		{"{" ASKS "}", "{\"contents\":[" QUESTION "]}", NULL},
		/* instructions, wherever they stand */
		{"{\"messages\":[{\"role\":\"system\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":\"b\"},{\"type\":\"text\",\"text\":\"c\"}]}]}",
		 "{\"systemInstruction\":{\"parts\":[{\"text\":\"a\"},{\"text\":\"bc\"}]},\"contents\":[" QUESTION "]}", NULL},
		/* turns of one role are one, and what says nothing is none */
		{"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"},{\"role\":\"assistant\",\"content\":\"\"},{\"role\":\"user\",\"content\":\"c\"}]}",
		 PARTS("{\"text\":\"a\"},{\"text\":\"b\"},{\"text\":\"c\"}"), NULL},
		{"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"x\",\"reasoning_content\":\"hm\",\"refusal\":\"no\"}]}",
		 CALLED("{\"text\":\"x\"},{\"text\":\"no\"}"), NULL},
		/* what is in the request itself */
		{SAYS("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA==\",\"detail\":\"low\"}}]"),
		 PARTS("{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AA==\"}}"), NULL},
		{SAYS("[{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":\"data:application/pdf;name=a.pdf;base64,JVBE\"}}]"),
		 PARTS("{\"inlineData\":{\"mimeType\":\"application/pdf\",\"data\":\"JVBE\"}}"), NULL},
		{SAYS("[{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"UklG\",\"format\":\"wav\"}}]"),
		 PARTS("{\"inlineData\":{\"mimeType\":\"audio/wav\",\"data\":\"UklG\"}}"), NULL},
		/* what is elsewhere, with the type that its name tells */
		{SAYS("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/a.b/y.JPG?size=9.png#z\"}}]"),
		 PARTS("{\"fileData\":{\"fileUri\":\"https://x/a.b/y.JPG?size=9.png#z\",\"mimeType\":\"image/jpeg\"}}"), NULL},
		{SAYS("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/picture\"}}]"),
		 PARTS("{\"fileData\":{\"fileUri\":\"https://x/picture\"}}"), NULL},
	};

	CHECK_ALL(adapter_check_request, cases);
}

static void test_calls_and_results(void)
{
	static const struct request_case cases[] = {
		{ASKED_AND_CALLED(CALL("a", "") "," CALL("b", "")), CALLED(WIRE_CALL "," WIRE_CALL), NULL},
		{ASKED_AND_CALLED(CALL("a", SIGNED) "," CALL("b", "")), CALLED(WIRE_SIGNED("c2ln") "," WIRE_CALL), NULL},
		{ASKED_AND_CALLED(CALL("a", ",\"extra_content\":{\"google\":7}")), CALLED(WIRE_CALL), NULL},
		{RESULT("\"{\\\"t\\\":-4}\""), ANSWERED("{\"t\":-4}"), NULL},
		{RESULT("\"snow\""), ANSWERED("{\"output\":\"snow\"}"), NULL},
		{RESULT("\"[1]\""), ANSWERED("{\"output\":\"[1]\"}"), NULL},
		{RESULT("\"\""), ANSWERED("{\"output\":\"\"}"), NULL},
		{RESULT("[{\"type\":\"text\",\"text\":\"{\\\"a\\\":\"},{\"type\":\"text\",\"text\":\"1}\"}]"), ANSWERED("{\"a\":1}"), NULL},
	};

	CHECK_ALL(adapter_check_request, cases);
}

/* Gemini 3 wants each turn's first call sealed: by the model, or by the documented text. */
static void test_calls_that_are_not_its_own_are_marked_for_gemini_3(void)
{
	static const char *const models[] = {"gemini-3-pro-preview", "models/gemini-3.1-flash",
					     "gemini-10-pro", "gemini-flash-latest"};
	static const struct request_case cases[] = {
		{ASKED_AND_CALLED(CALL("a", "") "," CALL("b", "")), CALLED(WIRE_SIGNED(DUMMY) "," WIRE_CALL), NULL},
		{ASKED_AND_CALLED(CALL("a", SIGNED) "," CALL("b", "")), CALLED(WIRE_SIGNED("c2ln") "," WIRE_CALL), NULL},
		{"{\"messages\":[{\"role\":\"assistant\",\"content\":\"x\",\"tool_calls\":[" CALL("a", "") "]}]}",
		 "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"text\":\"x\"}," WIRE_SIGNED(DUMMY) "]}]}", NULL},
		{"{\"messages\":[" CALLS ",{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"{}\"}," CALLS "]}",
		 "{\"contents\":[{\"role\":\"model\",\"parts\":[" WIRE_SIGNED(DUMMY) "]},{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{}}}]},"
		 "{\"role\":\"model\",\"parts\":[" WIRE_SIGNED(DUMMY) "]}]}", NULL},
	};
	static const struct request_case unmarked[] = {
		{ASKED_AND_CALLED(CALL("a", "")), CALLED(WIRE_CALL), NULL},
	};
	static const char *const others[] = {"gemini-2.5-pro", "gemini-1.5-flash-latest", "gemini-pro",
					     "gemma-3-27b-it", "3"};
	struct http_route route;

	for (size_t j = 0; j < sizeof(models) / sizeof(models[0]); j++) {
		route = adapter_route("gemini", models[j]);
		adapter_use(&route);
		CHECK_ALL(adapter_check_request, cases);
	}
	for (size_t j = 0; j < sizeof(others) / sizeof(others[0]); j++) {
		route = adapter_route("gemini", others[j]);
		adapter_use(&route);
		CHECK_ALL(adapter_check_request, unmarked);
	}
}

static void test_parameters(void)
{
	static const struct request_case cases[] = {
		{"{" ASKS ",\"max_tokens\":5}", GENERATION("\"maxOutputTokens\":5"), NULL},
		{"{" ASKS ",\"max_completion_tokens\":6,\"max_tokens\":5}", GENERATION("\"maxOutputTokens\":6"), NULL},
		{"{" ASKS ",\"temperature\":1.5,\"top_p\":0.5,\"top_k\":3,\"seed\":0}", GENERATION("\"temperature\":1.5,\"topP\":0.5,\"topK\":3,\"seed\":0"), NULL},
		{"{" ASKS ",\"stop\":\"END\"}", GENERATION("\"stopSequences\":[\"END\"]"), NULL},
		{"{" ASKS ",\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\"]}", GENERATION("\"stopSequences\":[\"1\",\"2\",\"3\",\"4\",\"5\"]"), NULL},
		{"{" ASKS ",\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\"]}", GENERATION("\"stopSequences\":[\"1\",\"2\",\"3\",\"4\",\"5\"]"), "a stop beyond 5"},
		{"{" ASKS ",\"n\":2,\"presence_penalty\":-0.5,\"frequency_penalty\":0.5}", GENERATION("\"candidateCount\":2,\"presencePenalty\":-0.5,\"frequencyPenalty\":0.5"), NULL},
		{"{" ASKS ",\"n\":1,\"presence_penalty\":0,\"frequency_penalty\":0.0,\"logprobs\":false,\"top_logprobs\":0}", GENERATION("\"candidateCount\":1"), NULL},
		{"{" ASKS ",\"logprobs\":true,\"top_logprobs\":2}", GENERATION("\"responseLogprobs\":true,\"logprobs\":2"), NULL},
		{"{" ASKS ",\"temperature\":0,\"response_format\":{\"type\":\"text\"},\"user\":\"u\",\"metadata\":{\"a\":\"b\"},\"store\":true}", GENERATION("\"temperature\":0"), NULL},
		{"{" ASKS ",\"response_format\":{\"type\":\"json_object\"}}", GENERATION("\"responseMimeType\":\"application/json\""), NULL},
		{"{" ASKS ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"strict\":true,\"schema\":{\"type\":\"object\",\"additionalProperties\":false}}}}",
		 GENERATION("\"responseMimeType\":\"application/json\",\"responseJsonSchema\":{\"type\":\"object\",\"additionalProperties\":false}"), NULL},
		{"{" ASKS ",\"response_format\":{\"type\":\"grammar\"},\"seed\":1}", GENERATION("\"seed\":1"), "response_format"},
		{"{" ASKS ",\"response_format\":7}", "{}", "response_format"},
		{"{" ASKS ",\"logit_bias\":{\"1\":1},\"parallel_tool_calls\":false,\"some_new_wish\":true}", "{}", "logit_bias, parallel_tool_calls, some_new_wish"},
	};

	CHECK_ALL(adapter_check_request, cases);
}

static void test_reasoning_effort(void)
{
	static const struct {
		const char *model;
		struct request_case c;
	} cases[] = {
#define ASKED_TO_THINK(effort) "{" ASKS ",\"seed\":1,\"reasoning_effort\":" effort "}"
#define THINKS(config)  GENERATION("\"seed\":1,\"thinkingConfig\":{" config "}")
		{"gemini-2.5-flash", {ASKED_TO_THINK("\"minimal\""), THINKS("\"thinkingBudget\":1024"), NULL}},
		{"gemini-2.5-pro", {ASKED_TO_THINK("\"low\""), THINKS("\"thinkingBudget\":1024"), NULL}},
		{"models/gemini-2.5-pro", {ASKED_TO_THINK("\"medium\""), THINKS("\"thinkingBudget\":8192"), NULL}},
		{"gemini-2.5-pro", {ASKED_TO_THINK("\"high\""), THINKS("\"thinkingBudget\":24576"), NULL}},
		{"gemini-2.5-pro", {ASKED_TO_THINK("\"none\""), GENERATION("\"seed\":1"), "reasoning_effort"}},
		{"gemini-3-pro", {ASKED_TO_THINK("\"low\""), THINKS("\"thinkingLevel\":\"low\""), NULL}},
		{"gemini-3-pro", {ASKED_TO_THINK("\"high\""), THINKS("\"thinkingLevel\":\"high\""), NULL}},
		{"gemini-3-pro", {ASKED_TO_THINK("\"medium\""), GENERATION("\"seed\":1"), "reasoning_effort"}},
		{"gemini-3-pro", {ASKED_TO_THINK("7"), GENERATION("\"seed\":1"), "reasoning_effort"}},
		{"gemini-2.0-flash", {ASKED_TO_THINK("\"low\""), GENERATION("\"seed\":1"), "reasoning_effort"}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_route route = adapter_route("gemini", cases[i].model);

		adapter_use(&route);
		adapter_check_request(&cases[i].c);
	}
}

static void test_tools(void)
{
#define CHOICE(members) "{\"toolConfig\":{\"functionCallingConfig\":{" members "}}}"
	static const struct request_case cases[] = {
		{"{" ASKS "," TOOL "}", "{\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}]}", NULL},
		{"{" ASKS ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\",\"strict\":true,\"parameters\":{\"$ref\":\"#/x\"}}},{\"type\":\"function\",\"function\":{\"name\":\"g\"}}]}",
		 "{\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\",\"parametersJsonSchema\":{\"$ref\":\"#/x\"}},{\"name\":\"g\"}]}]}", NULL},
		{"{" ASKS "," TOOL ",\"tool_choice\":\"auto\"}", CHOICE("\"mode\":\"AUTO\""), NULL},
		{"{" ASKS "," TOOL ",\"tool_choice\":\"required\"}", CHOICE("\"mode\":\"ANY\""), NULL},
		{"{" ASKS "," TOOL ",\"tool_choice\":\"none\"}", CHOICE("\"mode\":\"NONE\""), NULL},
		{"{" ASKS "," TOOL ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}}", CHOICE("\"mode\":\"ANY\",\"allowedFunctionNames\":[\"f\"]"), NULL},
		{"{" ASKS ",\"tools\":[],\"tool_choice\":\"auto\"}", "{}", NULL},
	};

	CHECK_ALL(adapter_check_request, cases);
}

static void test_what_the_form_cannot_carry_is_refused(void)
{
	static const struct refusal_case cases[] = {
		{"[]", "the request is no JSON object"},
		{"{\"messages\":[{\"role\":\"system\",\"content\":\"a\"}]}", "the messages hold nothing but instructions, and gemini wants a user's turn"},
		{SAYS("[{\"type\":\"file\",\"file\":{\"file_id\":\"file-1\"}}]"), "messages[0]: a file that is not in the request itself"},
		{SAYS("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"gs://x/y.png\"}}]"), "messages[0]: an image whose URL is neither http(s) nor data"},
		{"{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"[1]\"}}]}]}", "messages[0]: a tool call whose arguments are no JSON object"},
		{"{\"messages\":[" CALLS ",{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"\"}]}", "messages[1]: the result of a tool call that is not in the messages before it"},
		{"{" ASKS ",\"modalities\":[\"text\",\"audio\"]}", "'modalities' as given has no form in gemini"},
		{"{" ASKS ",\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"f\"}}]}", "tools[0]: only functions with a name have a form in gemini"},
		{"{" ASKS "," TOOL ",\"tool_choice\":{\"type\":\"allowed_tools\"}}", "'tool_choice' as given has no form in gemini"},
	};

	CHECK_ALL(adapter_check_refusal, cases);
}
/* clang-format on */

static void test_where_it_goes(void)
{
	static const struct {
		const char *model;
		bool stream;
		const char *url;
	} cases[] = {
		{"gemini-2.5-flash", false,
		 "https://host/v1/models/gemini-2.5-flash:generateContent"},
		{"gemini-2.5-flash", true,
		 "https://host/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse"},
		{"models/x", false, "https://host/v1/models/x:generateContent"},
		{"tunedModels/x", true,
		 "https://host/v1/tunedModels/x:streamGenerateContent?alt=sse"},
		{"a/b:c?d", false, "https://host/v1/models/a%2Fb%3Ac%3Fd:generateContent"},
		{"models/../x", false, "https://host/v1/models/..%2Fx:generateContent"},
		{"models/", false, "https://host/v1/models/models%2F:generateContent"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_route route = adapter_route("gemini", cases[i].model);
		char error[REQUEST_ERROR_BYTES];
		struct http_request request;

		CU_ASSERT_EQUAL_FATAL(request_write(&route, "{" ASKS "}", strlen("{" ASKS "}"),
						    cases[i].stream, &request, error),
				      0);
		CU_ASSERT_STRING_EQUAL(request.url, cases[i].url);
		http_request_deinit(&request);
	}
}

static void test_with_which_headers_and_extra_body(void)
{
	static const char body[] = "{" ASKS ",\"seed\":1,\"stream\":true}";
	static const struct {
		const char *provider;
		const char *header;
	} cases[] = {
		{"gemini", "x-goog-api-key: secret-key"},
		{"vertex_ai", "Authorization: Bearer secret-key"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_route route = adapter_route(cases[i].provider, "m");
		char error[REQUEST_ERROR_BYTES];
		struct http_request request;

		route.extra_body =
			(char *)"{\"safetySettings\":[],\"generationConfig\":{\"topK\":3}}";
		CU_ASSERT_EQUAL_FATAL(
			request_write(&route, body, strlen(body), true, &request, error), 0);
		for (size_t j = 0; j < sizeof(cases) / sizeof(cases[0]); j++)
			CU_ASSERT_EQUAL(adapter_has_header(&request, cases[j].header), i == j);
		CU_ASSERT_STRING_EQUAL(
			request.body.bytes,
			"{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"q\"}]}],"
			"\"generationConfig\":{\"seed\":1,\"topK\":3},\"safetySettings\":[]}");
		http_request_deinit(&request);
	}
}

/* ---- answers */

/* clang-format off */
#define OF(candidates)  "{\"candidates\":[" candidates "]}"
#define SAID(parts, finish)  OF("{\"content\":{\"role\":\"model\",\"parts\":[" parts "]},\"finishReason\":\"" finish "\"}")
#define ENDED(finish)   OF("{\"finishReason\":\"" finish "\"}")
#define FINISH(name)    "\"finish_reason\":\"" name "\""
#define A_TEXT          "{\"text\":\"a\"}"

static void test_answers(void)
{
	static const struct answer_case cases[] = {
		{SAID(A_TEXT ",{\"executableCode\":{\"code\":\"1\"}},null,7,{\"text\":\"b\"}", "STOP"), LULL_CLASS_ANSWERED, "\"content\":\"ab\""},
		{SAID("{\"text\":\"hm\",\"thought\":true}," A_TEXT, "STOP"), LULL_CLASS_ANSWERED, "\"reasoning_content\":\"hm\""},
		{SAID("{\"text\":\"hm\",\"thought\":true}", "STOP"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		/* calls */
		{SAID("{\"functionCall\":{\"id\":\"i1\",\"name\":\"f\",\"args\":{\"a\":\"x/y\"}}}", "STOP"), LULL_CLASS_ANSWERED,
		 "\"tool_calls\":[{\"id\":\"i1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":\\\"x/y\\\"}\"}}]"},
		{SAID("{\"functionCall\":{\"name\":\"f\"}}", "STOP"), LULL_CLASS_ANSWERED, "\"arguments\":\"{}\""},
		{SAID("{\"functionCall\":{\"name\":\"f\",\"args\":[1]}}", "STOP"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{SAID("{\"functionCall\":{\"name\":\"f\",\"args\":\"{\\\"a\\\":1}\"}}", "STOP"), LULL_CLASS_ANSWERED, "\"arguments\":\"{\\\"a\\\":1}\""},
		{SAID("{\"functionCall\":{\"name\":\"f\"}}", "STOP"), LULL_CLASS_ANSWERED, "\"id\":\"call_"},
		{SAID("{\"functionCall\":{\"name\":\"f\"}}", "STOP"), LULL_CLASS_ANSWERED, FINISH("tool_calls")},
		{SAID("{\"functionCall\":{\"name\":\"f\"}}", "SOMETHING_NEW"), LULL_CLASS_ANSWERED, FINISH("tool_calls")},
		{SAID("{\"functionCall\":{\"name\":\"f\"}}", "MAX_TOKENS"), LULL_CLASS_ANSWERED, FINISH("length")},
		{SAID("{\"functionCall\":{\"name\":\"f\"},\"thoughtSignature\":\"c2ln\"}", "STOP"), LULL_CLASS_ANSWERED, "\"extra_content\":{\"google\":{\"thought_signature\":\"c2ln\"}}"},
		/* how it ended */
		{SAID(A_TEXT, "OTHER"), LULL_CLASS_ANSWERED, FINISH("stop")},
		{SAID(A_TEXT, "FINISH_REASON_UNSPECIFIED"), LULL_CLASS_ANSWERED, FINISH("stop")},
		{SAID(A_TEXT, "SOMETHING_NEW"), LULL_CLASS_ANSWERED, FINISH("stop")},
		{SAID(A_TEXT, "RECITATION"), LULL_CLASS_ANSWERED, FINISH("content_filter")},
		{ENDED("MAX_TOKENS"), LULL_CLASS_ANSWERED, FINISH("length")},
		{ENDED("SAFETY"), LULL_CLASS_ANSWERED, FINISH("content_filter")},
		{ENDED("BLOCKLIST"), LULL_CLASS_ANSWERED, FINISH("content_filter")},
		{ENDED("PROHIBITED_CONTENT"), LULL_CLASS_ANSWERED, FINISH("content_filter")},
		{ENDED("SPII"), LULL_CLASS_ANSWERED, FINISH("content_filter")},
		{ENDED("LANGUAGE"), LULL_CLASS_ANSWERED, FINISH("content_filter")},
		{ENDED("MODEL_ARMOR"), LULL_CLASS_ANSWERED, FINISH("content_filter")},
		{ENDED("IMAGE_SAFETY"), LULL_CLASS_ANSWERED, FINISH("content_filter")},
		{ENDED("IMAGE_PROHIBITED_CONTENT"), LULL_CLASS_ANSWERED, FINISH("content_filter")},
		{ENDED("IMAGE_RECITATION"), LULL_CLASS_ANSWERED, FINISH("content_filter")},
		{ENDED("IMAGE_OTHER"), LULL_CLASS_ANSWERED, FINISH("content_filter")},
		{ENDED("NO_IMAGE"), LULL_CLASS_ANSWERED, FINISH("content_filter")},
		{ENDED("STOP"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{ENDED("OTHER"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{ENDED("SOMETHING_NEW"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{SAID(A_TEXT, "UNEXPECTED_TOOL_CALL"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{SAID(A_TEXT, "TOO_MANY_TOOL_CALLS"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{OF("{\"content\":{\"parts\":[" A_TEXT "]}}"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		/* the prompt was refused */
		{"{\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}", LULL_CLASS_ANSWERED, FINISH("content_filter")},
		{"{\"candidates\":[],\"promptFeedback\":{\"blockReason\":\"SOMETHING_NEW\"}}", LULL_CLASS_ANSWERED, FINISH("content_filter")},
		{"{\"promptFeedback\":{\"safetyRatings\":[]}}", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		/* several */
		{OF("{\"index\":1,\"content\":{\"parts\":[{\"text\":\"b\"}]},\"finishReason\":\"STOP\"},{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"finishReason\":\"MAX_TOKENS\"}"), LULL_CLASS_ANSWERED,
		 "\"content\":\"b\""},
		{OF("{\"index\":7,\"content\":{\"parts\":[" A_TEXT "]},\"finishReason\":\"STOP\"}"), LULL_CLASS_ANSWERED, "\"index\":7"},
		{OF("{\"index\":8,\"content\":{\"parts\":[" A_TEXT "]},\"finishReason\":\"STOP\"}"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{OF("{\"index\":-1,\"content\":{\"parts\":[" A_TEXT "]},\"finishReason\":\"STOP\"}"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{OF("{\"index\":4294967296,\"content\":{\"parts\":[" A_TEXT "]},\"finishReason\":\"STOP\"}"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		/* a stream without SSE */
		{"[" OF("{\"content\":{\"parts\":[" A_TEXT "]}}") "," SAID("{\"text\":\"b\"}", "STOP") "]", LULL_CLASS_ANSWERED, "\"content\":\"ab\""},
		{"[" OF("{\"content\":{\"parts\":[" A_TEXT "]}}") "]", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"[" OF("{\"content\":{\"parts\":[" A_TEXT "]}}") ",{\"error\":{\"code\":503,\"message\":\"The model is overloaded.\",\"status\":\"UNAVAILABLE\"}}]", LULL_CLASS_OVERLOADED, NULL},
		{"[{\"error\":{\"code\":429,\"status\":\"RESOURCE_EXHAUSTED\"}}]", LULL_CLASS_RATE_LIMITED, NULL},
		/* none of this form */
		{"{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"[]", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"[[],null,{}]", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"\"text\"", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"{\"candidates\":{\"finishReason\":\"STOP\"}}", LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{OF("7,null,{\"content\":[],\"finishReason\":[]},{\"content\":{\"parts\":{}},\"finishReason\":\"STOP\"}"), LULL_CLASS_MALFORMED_RESPONSE, NULL},
		{"{\"error\":{\"code\":400,\"status\":\"INVALID_ARGUMENT\"}}", LULL_CLASS_BAD_REQUEST, NULL},
	};

	CHECK_ALL(adapter_check_answer, cases);
}

static void test_what_was_used(void)
{
#define USED(members) "{\"candidates\":[{\"content\":{\"parts\":[" A_TEXT "]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{" members "}}"
	static const struct answer_case cases[] = {
		{USED("\"promptTokenCount\":1,\"toolUsePromptTokenCount\":2,\"candidatesTokenCount\":4,\"thoughtsTokenCount\":8,\"cachedContentTokenCount\":1,\"totalTokenCount\":99"), LULL_CLASS_ANSWERED,
		 "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":12,\"total_tokens\":15,\"prompt_tokens_details\":{\"cached_tokens\":1},\"completion_tokens_details\":{\"reasoning_tokens\":8}}"},
		{USED("\"promptTokenCount\":9223372036854775807,\"toolUsePromptTokenCount\":9223372036854775807,\"candidatesTokenCount\":-5"), LULL_CLASS_ANSWERED, "\"completion_tokens\":0"},
		{USED("\"promptTokenCount\":\"x\",\"candidatesTokenCount\":{}"), LULL_CLASS_ANSWERED, "\"prompt_tokens\":0"},
		{SAID(A_TEXT, "STOP"), LULL_CLASS_ANSWERED, FINISH("stop") "}]}"},
	};

	CHECK_ALL(adapter_check_answer, cases);
}

static void test_how_likely_tokens_were(void)
{
#define LIKELY(result) "{\"candidates\":[{\"content\":{\"parts\":[" A_TEXT "]},\"finishReason\":\"STOP\",\"logprobsResult\":" result "}]}"
	static const struct answer_case cases[] = {
		{LIKELY("{\"chosenCandidates\":[{\"token\":\"a\",\"tokenId\":7,\"logProbability\":-0.5},{\"token\":\"b\",\"logProbability\":-1}],\"topCandidates\":[{\"candidates\":[{\"token\":\"a\",\"logProbability\":-0.5},{\"token\":\"z\",\"logProbability\":-2}]}]}"), LULL_CLASS_ANSWERED,
		 "\"logprobs\":{\"content\":[{\"token\":\"a\",\"logprob\":-0.5,\"bytes\":null,\"top_logprobs\":[{\"token\":\"a\",\"logprob\":-0.5,\"bytes\":null},{\"token\":\"z\",\"logprob\":-2,\"bytes\":null}]},"
		 "{\"token\":\"b\",\"logprob\":-1,\"bytes\":null,\"top_logprobs\":[]}]}"},
		{LIKELY("{\"chosenCandidates\":[null,7],\"topCandidates\":[{\"candidates\":[null]},[]]}"), LULL_CLASS_ANSWERED, "\"content\":\"a\""},
		{LIKELY("{\"avgLogprobs\":-1}"), LULL_CLASS_ANSWERED, "\"logprobs\":null"},
	};

	CHECK_ALL(adapter_check_answer, cases);
}

/* ---- streams */

struct streamed {
	unsigned usage_count;
	unsigned finish_count;
	char text[64];
};

static int watch(const struct stream_event *event, void *userdata)
{
	struct streamed *streamed = userdata;

	streamed->usage_count += strstr(event->json, "\"usage\":") != NULL;
	streamed->finish_count += event->finish;
	if (event->text)
		(void)strncat(streamed->text, event->text, 8);
	return 0;
}

static void test_streams(void)
{
#define DATA(json)   "data: " json "\r\n\r\n"
#define PIECE(text, more) "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" text "\"}]}" more "}],\"usageMetadata\":{\"promptTokenCount\":1}}"
	static const struct {
		const char *body;
		uint32_t class_id;
		const char *text;
		unsigned usage_count;
		unsigned finish_count;
	} cases[] = {
		{DATA(PIECE("a", "")) DATA(PIECE("b", ",\"finishReason\":\"STOP\"")), LULL_CLASS_ANSWERED, "ab", 1, 1},
		/* tokens alone: before the answer, and behind it */
		{DATA("{\"usageMetadata\":{\"promptTokenCount\":1}}") DATA(PIECE("a", ",\"finishReason\":\"STOP\"")), LULL_CLASS_ANSWERED, "a", 1, 1},
		{DATA("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"finishReason\":\"STOP\"}]}") DATA("{\"usageMetadata\":{\"promptTokenCount\":1}}"), LULL_CLASS_ANSWERED, "a", 1, 1},
		{DATA(PIECE("a", ",\"finishReason\":\"STOP\"")) DATA(PIECE("z", ",\"index\":1")), LULL_CLASS_TRUNCATED_STREAM, "a", 1, 1},
		{DATA(PIECE("a", ",\"finishReason\":\"STOP\"")) DATA(PIECE("z", ",\"index\":1,\"finishReason\":\"STOP\"")), LULL_CLASS_ANSWERED, "a", 2, 2},
		{DATA("{\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"usageMetadata\":{\"promptTokenCount\":1}}"), LULL_CLASS_ANSWERED, "", 1, 1},
		{DATA(PIECE("a", "")), LULL_CLASS_TRUNCATED_STREAM, "a", 0, 0},
		{DATA(PIECE("a", ",\"finishReason\":\"MALFORMED_FUNCTION_CALL\"")), LULL_CLASS_MALFORMED_RESPONSE, "", 0, 0},
		{DATA(PIECE("a", ",\"index\":8")), LULL_CLASS_MALFORMED_RESPONSE, "", 0, 0},
		{DATA(PIECE("a", "")) DATA("[{\"error\":{\"code\":503}}]"), LULL_CLASS_OVERLOADED, "a", 0, 0},
		{DATA(PIECE("a", ",\"finishReason\":\"STOP\"")) DATA("[{\"error\":{\"code\":503}}]"), LULL_CLASS_ANSWERED, "a", 1, 1},
		/* one choice of the event is well, the other is not */
		{DATA("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"finishReason\":\"STOP\"},{\"index\":8}]}"), LULL_CLASS_MALFORMED_RESPONSE, "a", 0, 1},
		{DATA("7") DATA("{\"new\":1}") DATA(PIECE("a", ",\"finishReason\":\"STOP\"")), LULL_CLASS_ANSWERED, "a", 1, 1},
		/* without SSE: one list, handed out when it is whole */
		{"[" PIECE("a", "") "\r\n,\r\n" PIECE("b", ",\"finishReason\":\"STOP\"") "]", LULL_CLASS_ANSWERED, "ab", 1, 1},
		{"[" PIECE("a", "") ",{\"error\":{\"code\":503}}]", LULL_CLASS_OVERLOADED, "", 0, 0},
		{"[" PIECE("a", "") ",", LULL_CLASS_MALFORMED_RESPONSE, "", 0, 0},
	};
	const struct http_route route = adapter_route("gemini", "m");
	const struct wire_response head = {.status = 200};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stream_reader *reader = stream_new(&route, &head);
		struct streamed streamed = {0};
		struct verdict verdict;

		CU_ASSERT_PTR_NOT_NULL_FATAL(reader);
		(void)stream_feed(reader, cases[i].body, strlen(cases[i].body), watch, &streamed);
		stream_end(reader, &head, false, &verdict);
		if (verdict.outcome.class_id != cases[i].class_id)
			(void)printf("    %s: %s\n", cases[i].body, verdict.rule);
		CU_ASSERT_EQUAL(verdict.outcome.class_id, cases[i].class_id);
		CU_ASSERT_STRING_EQUAL(streamed.text, cases[i].text);
		CU_ASSERT_EQUAL(streamed.usage_count, cases[i].usage_count);
		CU_ASSERT_EQUAL(streamed.finish_count, cases[i].finish_count);
		stream_free(reader);
	}
}

/* What a client keeps of a call is what its first chunk says of it. */
static int see_call(const struct stream_event *event, void *userdata)
{
	if (strstr(event->json, "\"id\":\"i1\"") && strstr(event->json, "\"thought_signature\":\"c2ln\""))
		++*(unsigned *)userdata;
	return 0;
}

static void test_a_streamed_call_comes_with_its_signature(void)
{
	static const char body[] = DATA(SAID("{\"functionCall\":{\"id\":\"i1\",\"name\":\"f\"},\"thoughtSignature\":\"c2ln\"}", "STOP"));
	const struct http_route route = adapter_route("gemini", "m");
	const struct wire_response head = {.status = 200};
	struct stream_reader *reader = stream_new(&route, &head);
	unsigned seen_count = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(reader);
	CU_ASSERT_EQUAL(stream_feed(reader, body, strlen(body), see_call, &seen_count), 0);
	CU_ASSERT_EQUAL(seen_count, 1);
	stream_free(reader);
}
/* clang-format on */

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_messages),
		CUNIT_TEST(test_calls_and_results),
		CUNIT_TEST(test_parameters),
		CUNIT_TEST(test_tools),
		CUNIT_TEST(test_what_the_form_cannot_carry_is_refused),
		CUNIT_TEST(test_where_it_goes),
		CUNIT_TEST(test_with_which_headers_and_extra_body),
		CUNIT_TEST(test_answers),
		CUNIT_TEST(test_what_was_used),
		CUNIT_TEST(test_how_likely_tokens_were),
		CUNIT_TEST(test_streams),
		CUNIT_TEST(test_a_streamed_call_comes_with_its_signature),
		/* these two say routes of their own */
		CUNIT_TEST(test_calls_that_are_not_its_own_are_marked_for_gemini_3),
		CUNIT_TEST(test_reasoning_effort),
	};

	const struct http_route route = adapter_route("gemini", "gemini-2.5-flash");

	adapter_use(&route);
	return CUNIT_MAIN("adapter_gemini", tests);
}
