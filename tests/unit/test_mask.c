/* SPDX-License-Identifier: MIT */
/*
 * Messages made fit to be shown: keys and quoted prose are hidden, what people need to read is not,
 * and nothing of it moves a cursor.
 */
#include <stdlib.h>
#include <string.h>

#include "cunit_main.h"
#include "mask.h"

static void check(const char *message, const char *secret, const char *expected)
{
	char out[160];

	mask_write(out, sizeof(out), message, secret);
	CU_ASSERT_STRING_EQUAL(out, expected);
}

static void test_words_that_look_like_keys_are_hidden(void)
{
	static const char *const keys[] = {
		"sk-abcd",
		"sk-proj-AbCd_1234-5678",
		"sk-wire*********************0000",
		"sk_test_1234",
		"gsk_abcdefgh",
		"xai-abcdefgh",
		"csk-abcdefgh",
		"pplx-abcdefgh",
		"nvapi-abcd-efgh",
		"hf_abcdefgh",
		"AIzaSyA1234",
		"0123456789abcdef0123456789abcdef",
		"abcdefghijklmnopqrstuvwx1",
	};
	char message[128], quoted[128];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		(void)snprintf(message, sizeof(message), "Incorrect key: %s.", keys[i]);
		check(message, NULL, "Incorrect key: [hidden].");
		(void)snprintf(quoted, sizeof(quoted), "Key '%s' is bad", keys[i]);
		check(quoted, NULL, "Key '[hidden]' is bad");
		check(keys[i], NULL, "[hidden]");
	}
}

static void test_what_people_need_is_not_hidden(void)
{
	static const char *const messages[] = {
		"The model `gpt-4o-mini-2024-07-18` does not exist",
		"model meta-llama/Llama-3.3-70B-Instruct-Turbo",
		"model anthropic.claude-3-5-haiku-20241022-v1:0",
		"Your team 00000000-0000-4000-8000-0000000000e2 has no access",
		"Unsupported value: 'max_completion_tokens'. Supported are: 'a', 'b' and 'c'.",
		"This model's maximum context isn't that long; the callers' inputs are",
		"task-sk-1 and risk-based are no keys, sk-1 is too short",
		"Requests to the ChatCompletions_Create Operation have exceeded",
		"Limit 30000, Requested 36278",
		"",
	};

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		check(messages[i], NULL, messages[i]);
}

static void test_quoted_prose_is_hidden(void)
{
	check("Invalid value: got 'please explain it'.", NULL, "Invalid value: got [hidden].");
	check("got \"it's my prompt\" there", NULL, "got [hidden] there");
	check("got 'it's my prompt' there", NULL, "got [hidden] there");
	check("got `a\nb`", NULL, "got [hidden]");
	check("got 'never closed, and on", NULL, "got [hidden]");
	check("got 'closed' and 'not closed", NULL, "got 'closed' and [hidden]");
	check("'' and '' and ''", NULL, "'' and '' and ''");
}

static void test_the_given_secret_is_hidden_in_any_form(void)
{
	check("key hunter2 and xhunter2y", "hunter2", "key [hidden] and x[hidden]y");
	check("hunter2hunter2", "hunter2", "[hidden][hidden]");
	check("key none is not a key", "none", "key none is not a key");
	check("key is unset", "", "key is unset");
	check("key ending in 9abcdefXYZ.", "sk0123456789abcdefXYZ", "key ending in [hidden].");
	check("key SK0123456789ABCdefxyz is wrong", "sk0123456789abcdefXYZ",
	      "key [hidden] is wrong");
	check("key 0123...fXYZ", "sk0123456789abcdefXYZ", "key 0123...fXYZ");
}

static void test_control_characters_become_blanks(void)
{
	check("a\033[31mb\007\r\n\tc\x7f", NULL, "a [31mb c");
	check("a\xC2\x9B"
	      "31mb",
	      NULL, "a 31mb");
	check("  a  \n\n  b  ", NULL, "a b");
	check("a\u202Eb\u2066c\u200fd", NULL, "a b c d");
}

static void test_long_messages_are_cut_between_characters(void)
{
	static const char euros[] =
		"\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac";
	char message[64], out[32];
	size_t length;

	for (int lead = 0; lead < 4; lead++) {
		(void)snprintf(message, sizeof(message), "%.*s%s", lead, "xxxx", euros);
		mask_write(out, sizeof(out), message, NULL);
		length = strlen(out);
		CU_ASSERT_TRUE(length < sizeof(out));
		CU_ASSERT_STRING_EQUAL(out + length - 3, "\u2026");
		CU_ASSERT_EQUAL((length - (size_t)lead) % 3, 0);
	}
	mask_write(out, sizeof(out), "sk-aaaaaaaa sk-bbbbbbbb sk-cccccccc sk-dddddddd", NULL);
	CU_ASSERT_STRING_EQUAL(out, "[hidden] [hidden] [hidden]\u2026");
}

/* Nothing of a message makes it take longer than its size: 32 MiB of what has to be looked through.
 */
static void test_hostile_messages_take_no_longer_than_others(void)
{
	static const char *const units[] = {"'a", "-'a",  "\"", "a'", "sk-",
					    "_",  "\xE2", "' ", " ",  "\n"};
	const size_t size = 8u << 20;
	char *message = malloc(size + 1);
	char out[160], secret[8192];

	CU_ASSERT_PTR_NOT_NULL_FATAL(message);
	message[size] = '\0';
	memset(secret, 'k', sizeof(secret));
	secret[sizeof(secret) - 1] = '\0';
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t unit_size = strlen(units[i]);

		for (size_t at = 0; at < size; at++)
			message[at] = units[i][at % unit_size];
		mask_write(out, sizeof(out), message, secret);
		CU_ASSERT_TRUE(strlen(out) < sizeof(out));
	}
	CU_ASSERT_STRING_EQUAL(out, "\u2026");
	free(message);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_words_that_look_like_keys_are_hidden),
		CUNIT_TEST(test_what_people_need_is_not_hidden),
		CUNIT_TEST(test_quoted_prose_is_hidden),
		CUNIT_TEST(test_the_given_secret_is_hidden_in_any_form),
		CUNIT_TEST(test_control_characters_become_blanks),
		CUNIT_TEST(test_long_messages_are_cut_between_characters),
		CUNIT_TEST(test_hostile_messages_take_no_longer_than_others),
	};

	return CUNIT_MAIN("mask", tests);
}
