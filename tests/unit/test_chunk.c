/* SPDX-License-Identifier: MIT */
/*
 * A whole answer as one chunk.
 */
#include <errno.h>
#include <string.h>

#include "../../worker/src/chunk.h"
#include "cunit_main.h"

static const struct {
	const char *answer;
	int rc;
	const char *chunk;
} cases[] = {
	{"{\"id\":\"a\",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":"
	 "{\"role\":\"assistant\",\"content\":\"a/b\"},\"finish_reason\":\"stop\"}]}",
	 0,
	 "{\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,"
	 "\"finish_reason\":\"stop\",\"delta\":{\"role\":\"assistant\",\"content\":\"a/b\"}}]}"},
	{"{\"choices\":[{\"message\":{\"tool_calls\":[{\"id\":\"x\"},{\"id\":\"y\"}]}}]}", 0,
	 "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"x\",\"index\":0},{\"id\":\"y\","
	 "\"index\":1}]}}],\"object\":\"chat.completion.chunk\"}"},
	{"{\"choices\":[]}", 0, "{\"choices\":[],\"object\":\"chat.completion.chunk\"}"},
	{"{}", -EINVAL, NULL},
	{"[]", -EINVAL, NULL},
	{"{\"choices\":[1]}", -EINVAL, NULL},
	{"{\"choices\":[{\"message\":{\"tool_calls\":[1]}}]}", -EINVAL, NULL},
};

static void test_cases(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct answer answer = {
			.json = (char *)cases[i].answer,
			.json_bytes = strlen(cases[i].answer),
		};
		char *json = NULL;

		CU_ASSERT_EQUAL(chunk_from_answer(&answer, &json), cases[i].rc);
		CU_ASSERT_STRING_EQUAL(json ? json : "none",
				       cases[i].chunk ? cases[i].chunk : "none");
		free(json);
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {CUNIT_TEST(test_cases)};

	return CUNIT_MAIN("chunk", tests);
}
