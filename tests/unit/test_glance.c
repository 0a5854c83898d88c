/* SPDX-License-Identifier: MIT */
/* What is seen of an answer at a glance is what reading it in full would find. */
#include <string.h>

#include "cunit_main.h"
#include "glance.h"

#define PLAIN(choices) "{\"choices\":[" choices "],\"usage\":{\"total_tokens\":7}}"
#define CHOICE         "{\"finish_reason\":\"stop\",\"message\":{\"content\":\"hi\"}}"

static const struct http_route *openai(void)
{
	static struct http_route route;

	route.provider = provider_by_name("openai");
	return &route;
}

static void read_both(const char *body)
{
	const struct wire_response response = {
		.status = 200, .body = body, .body_bytes = strlen(body)};
	struct answer seen, full;
	struct verdict seen_verdict, full_verdict;
	int rc = answer_read(openai(), &response, &seen, &seen_verdict);

	CU_ASSERT_EQUAL(answer_read_in_full(openai(), &response, &full, &full_verdict), rc);
	CU_ASSERT_EQUAL(seen_verdict.outcome.class_id, full_verdict.outcome.class_id);
	CU_ASSERT_STRING_EQUAL(seen_verdict.rule, full_verdict.rule);
	CU_ASSERT_STRING_EQUAL(seen_verdict.detail, full_verdict.detail);
	if (rc != 0)
		return;
	CU_ASSERT_EQUAL(seen_verdict.outcome.tokens, full_verdict.outcome.tokens);
	CU_ASSERT_EQUAL(seen_verdict.outcome.http_status, full_verdict.outcome.http_status);
	CU_ASSERT_EQUAL(seen_verdict.filtered, full_verdict.filtered);
	CU_ASSERT_STRING_EQUAL(seen.json, full.json);
	CU_ASSERT_EQUAL(seen.json_bytes, full.json_bytes);
	CU_ASSERT_PTR_EQUAL(seen.finish, full.finish);
	CU_ASSERT_EQUAL(seen.text_bytes, full.text_bytes);
	CU_ASSERT_TRUE(seen.text && full.text ? strcmp(seen.text, full.text) == 0
					      : seen.text == full.text);
	answer_deinit(&seen);
	answer_deinit(&full);
}

/* Sure or not, both readers agree. */
static void test_both_readers_agree(void)
{
	/* clang-format off */
	static const struct {
		const char *body;
		bool is_sure;
	} cases[] = {
		{PLAIN(CHOICE), true},
		{"\r\n " PLAIN(CHOICE) "\n\n", true},
		{PLAIN(CHOICE "," CHOICE), true},
		{"{\"id\":\"x\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,"
		 "\"message\":{\"role\":\"assistant\",\"content\":\"a\",\"refusal\":null,\"annotations\":[],\"tool_calls\":[]},"
		 "\"logprobs\":{\"content\":[{\"token\":\"a\",\"error\":1}]},\"finish_reason\":\"length\"}],"
		 "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3,\"details\":{\"total_tokens\":9}},"
		 "\"service_tier\":null,\"system_fingerprint\":\"f\"}", true},
		{PLAIN("{\"finish_reason\":\"stop\",\"message\":{\"content\":\"a \\\"b\\\" \\u00e9\\n\"}}"), true},
		{PLAIN("{\"finish_reason\":\"content_filter\",\"message\":{\"content\":\"hi\"}}"), true},
		{PLAIN("{\"finish_reason\":\"tool_calls\",\"message\":{\"content\":\"hi\",\"function_call\":null}}"), true},
		{PLAIN("{\"finish_reason\":\"stop\",\"message\":{\"content\":\"hi\",\"name\":\"x\"}}"), false},
		/* reasons to end that are not OpenAI's, or none */
		{PLAIN("{\"finish_reason\":\"eos\",\"message\":{\"content\":\"hi\"}}"), false},
		{PLAIN("{\"finish_reason\":\"error\",\"message\":{\"content\":\"hi\"}}"), false},
		{PLAIN("{\"finish_reason\":null,\"message\":{\"content\":\"hi\"}}"), false},
		{PLAIN("{\"message\":{\"content\":\"hi\"}}"), false},
		{PLAIN("{\"finish_reason\":\"a reason that is far too long\",\"message\":{\"content\":\"hi\"}}"), false},
		/* nothing said, or not as text */
		{PLAIN("{\"finish_reason\":\"stop\",\"message\":{\"content\":\"\"}}"), false},
		{PLAIN("{\"finish_reason\":\"stop\",\"message\":{\"content\":null}}"), false},
		{PLAIN("{\"finish_reason\":\"stop\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}}"), false},
		{PLAIN("{\"finish_reason\":\"stop\",\"message\":{\"content\":\"a\\u0000b\"}}"), false},
		{PLAIN("{\"finish_reason\":\"stop\",\"message\":{\"refusal\":\"no\"}}"), false},
		{PLAIN("{\"finish_reason\":\"stop\",\"message\":\"hi\"}"), false},
		{PLAIN(CHOICE ",{\"finish_reason\":\"stop\",\"message\":{}}"), false},
		{PLAIN(CHOICE ",null"), false},
		{PLAIN(""), false},
		/* tools */
		{PLAIN("{\"finish_reason\":\"tool_calls\",\"message\":{\"content\":\"hi\",\"tool_calls\":[{\"id\":\"1\"}]}}"), false},
		{PLAIN("{\"finish_reason\":\"stop\",\"message\":{\"content\":\"hi\",\"function_call\":{\"name\":\"f\"}}}"), false},
		{PLAIN("{\"finish_reason\":\"stop\",\"message\":{\"content\":\"hi\",\"audio\":[1]}}"), false},
		/* errors under a 200 */
		{"{\"error\":{\"message\":\"no\"},\"choices\":[" CHOICE "],\"usage\":{\"total_tokens\":7}}", false},
		{"{\"error\":null,\"choices\":[" CHOICE "],\"usage\":{\"total_tokens\":7}}", false},
		{"{\"response\":{\"error\":\"no\"},\"choices\":[" CHOICE "],\"usage\":{\"total_tokens\":7}}", false},
		{PLAIN("{\"error\":{\"code\":500},\"finish_reason\":\"stop\",\"message\":{\"content\":\"hi\"}}"), false},
		{"{\"object\":\"error\",\"choices\":[" CHOICE "],\"usage\":{\"total_tokens\":7}}", false},
		/* usage */
		{"{\"choices\":[" CHOICE "]}", false},
		{"{\"choices\":[" CHOICE "],\"usage\":null}", false},
		{"{\"choices\":[" CHOICE "],\"usage\":{\"prompt_tokens\":3}}", false},
		{"{\"choices\":[" CHOICE "],\"usage\":{\"total_tokens\":0}}", false},
		{"{\"choices\":[" CHOICE "],\"usage\":{\"total_tokens\":-5}}", false},
		{"{\"choices\":[" CHOICE "],\"usage\":{\"total_tokens\":1e3}}", false},
		{"{\"choices\":[" CHOICE "],\"usage\":{\"total_tokens\":99999999999}}", false},
		{"{\"choices\":[" CHOICE "],\"usage\":{\"total_tokens\":\"7\"}}", false},
		/* no JSON, or not of this form */
		{"", false},
		{"[" PLAIN(CHOICE) "]", false},
		{PLAIN(CHOICE) "x", false},
		{"{\"choices\":[" CHOICE "],\"usage\":{\"total_tokens\":7}", false},
		{"{\"choices\":[" CHOICE "],\"choices\":[],\"usage\":{\"total_tokens\":7}}", false},
		{"{\"choices\":" CHOICE ",\"usage\":{\"total_tokens\":7}}", false},
		{PLAIN("[" CHOICE "]"), false},
	};
	/* clang-format on */
	struct glance glance;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const bool is_sure = glance_at(cases[i].body, strlen(cases[i].body), &glance);

		if (is_sure != cases[i].is_sure)
			fprintf(stderr, "%s\n", cases[i].body);
		CU_ASSERT_EQUAL(is_sure, cases[i].is_sure);
		read_both(cases[i].body);
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_both_readers_agree),
	};

	return CUNIT_MAIN("glance", tests);
}
