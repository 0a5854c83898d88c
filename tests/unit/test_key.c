/* SPDX-License-Identifier: MIT */
/* Keys: what is taken, what is refused, and that what people read is what was meant. */
#include <errno.h>
#include <string.h>

#include "cunit_main.h"
#include "key.h"

/* n times 'k', in a static buffer */
static const char *key_of_length(size_t n)
{
	static char text[1024];

	memset(text, 'k', n);
	text[n] = '\0';
	return text;
}

static void test_key_init_takes_and_refuses(void)
{
	const struct {
		uint32_t kind;
		const char *text;
		int expected;
	} cases[] = {
		{LULL_KIND_ROUTE, "gpt-4o@https://api.openai.com/v1#0123456789abcdef", 0},
		{LULL_KIND_NAME, "a", 0},
		{LULL_KIND_NAME, "a name with blanks ~", 0},
		{LULL_KIND_NAME,
		 "gr\xc3\xb6\xc3\x9f"
		 "er",
		 0},
		{LULL_KIND_NAME, "", -EINVAL},
		{LULL_KIND_NAME, NULL, -EINVAL},
		{LULL_KIND_NONE, "a", -EINVAL},
		{LULL_KIND_NAME + 1, "a", -EINVAL},
		{UINT32_MAX, "a", -EINVAL},
		{LULL_KIND_NAME, "\x1f", -EINVAL},
		{LULL_KIND_NAME, "\x7f", -EINVAL},
		{LULL_KIND_NAME, "1234567\n", -EINVAL},
		{LULL_KIND_NAME, "12345678\n", -EINVAL},
		{LULL_KIND_NAME, "1234567890\x1b[31m", -EINVAL},
		{LULL_KIND_NAME,
		 "\x7f"
		 "2345678",
		 -EINVAL},
	};
	struct key key;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CU_ASSERT_EQUAL(key_init(&key, cases[i].kind, cases[i].text), cases[i].expected);
	CU_ASSERT_EQUAL(key_init(&key, LULL_KIND_NAME, key_of_length(LULL_KEY_BYTES_MAX)), 0);
	CU_ASSERT_EQUAL(key.length, LULL_KEY_BYTES_MAX);
	CU_ASSERT_EQUAL(key_init(&key, LULL_KIND_NAME, key_of_length(LULL_KEY_BYTES_MAX + 1)),
			-ENAMETOOLONG);
}

/* every byte value at every place of the first two words */
static void test_key_init_finds_every_control_character(void)
{
	for (size_t at = 0; at < 16; at++) {
		for (int byte = 1; byte < 256; byte++) {
			bool control = byte < 0x20 || byte == 0x7f;
			char text[17] = "abcdefghijklmnop";
			struct key key;

			text[at] = (char)byte;
			CU_ASSERT_EQUAL(key_init(&key, LULL_KIND_NAME, text),
					control ? -EINVAL : 0);
		}
	}
}

static uint64_t hash_of(uint32_t kind, const char *text)
{
	struct key key;

	CU_ASSERT_EQUAL_FATAL(key_init(&key, kind, text), 0);
	CU_ASSERT_NOT_EQUAL(key.hash, 0);
	return key.hash;
}

static void test_hash_tells_kinds_and_lengths_apart(void)
{
	CU_ASSERT_EQUAL(hash_of(LULL_KIND_NAME, "gpt-4o"), hash_of(LULL_KIND_NAME, "gpt-4o"));
	CU_ASSERT_NOT_EQUAL(hash_of(LULL_KIND_NAME, "gpt-4o"), hash_of(LULL_KIND_ROUTE, "gpt-4o"));
	CU_ASSERT_NOT_EQUAL(hash_of(LULL_KIND_NAME, "gpt-4o"), hash_of(LULL_KIND_NAME, "gpt-4p"));
	for (size_t n = 1; n < LULL_KEY_BYTES_MAX; n++) {
		uint64_t shorter = hash_of(LULL_KIND_NAME, key_of_length(n));

		CU_ASSERT_NOT_EQUAL(shorter, hash_of(LULL_KIND_NAME, key_of_length(n + 1)));
	}
}

/* The layout: a process of another build must find the same slot. */
static void test_words_and_hash_are_the_layouts(void)
{
	struct key key;

	CU_ASSERT_EQUAL_FATAL(key_init(&key, LULL_KIND_ENDPOINT, "abcdefghijk"), 0);
	CU_ASSERT_EQUAL(key_word_count(key.length), 2);
	CU_ASSERT_EQUAL(key_word(&key, 0), 0x30b);
	CU_ASSERT_EQUAL(key_word(&key, 1), UINT64_C(0x6867666564636261));
	CU_ASSERT_EQUAL(key_word(&key, 2), UINT64_C(0x6b6a69));
	CU_ASSERT_EQUAL(key.hash, UINT64_C(0xca89263b00309d10));
}

static void test_words_read_back_as_the_key(void)
{
	for (size_t n = 1; n <= LULL_KEY_BYTES_MAX; n++) {
		uint64_t words[LAYOUT_KEY_WORDS] = {0};
		char text[LULL_KEY_BYTES_MAX + 1];
		struct key key, read;

		CU_ASSERT_EQUAL_FATAL(key_init(&key, LULL_KIND_ROUTE, key_of_length(n)), 0);
		for (uint32_t i = 0; i <= key_word_count(key.length); i++)
			words[i] = key_word(&key, i);
		CU_ASSERT_TRUE(key_unpack(words, text, &read));
		CU_ASSERT_STRING_EQUAL(text, key.bytes);
		CU_ASSERT_EQUAL(read.hash, key.hash);
		CU_ASSERT_EQUAL(read.kind, key.kind);
		words[key_word_count(key.length)] = 0;
		CU_ASSERT_FALSE(key_unpack(words, text, &read));
	}
}

static void test_rubbish_words_are_no_key(void)
{
	static const uint64_t heads[] = {
		0,     0x100,      0x1b9,
		0x1ff, 0x501,      0x601,
		0x001, UINT64_MAX, UINT64_C(0x1000000000000101),
	};
	char text[LULL_KEY_BYTES_MAX + 1];
	struct key key;

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		uint64_t words[LAYOUT_KEY_WORDS];

		memset(words, 'x', sizeof(words));
		words[0] = heads[i];
		CU_ASSERT_FALSE(key_unpack(words, text, &key));
	}
}

static void test_parse_knows_the_four_kinds(void)
{
	static const struct {
		const char *text;
		int expected;
		uint32_t kind;
		const char *key;
	} cases[] = {
		{"route:m@http://x#f", 0, LULL_KIND_ROUTE, "m@http://x#f"},
		{"credential:0123", 0, LULL_KIND_CREDENTIAL, "0123"},
		{"endpoint:https://h:443", 0, LULL_KIND_ENDPOINT, "https://h:443"},
		{"name:gpt-4o", 0, LULL_KIND_NAME, "gpt-4o"},
		{"gpt-4o", 0, LULL_KIND_NAME, "gpt-4o"},
		{"llama3:8b", 0, LULL_KIND_NAME, "llama3:8b"},
		{"routes:x", 0, LULL_KIND_NAME, "routes:x"},
		{"name:route:x", 0, LULL_KIND_NAME, "route:x"},
		{"route:", -EINVAL, 0, NULL},
		{"", -EINVAL, 0, NULL},
		{"a\tb", -EINVAL, 0, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *key = NULL;
		uint32_t kind = 0;

		CU_ASSERT_EQUAL(lull_key_parse(cases[i].text, &kind, &key), cases[i].expected);
		CU_ASSERT_EQUAL(kind, cases[i].kind);
		CU_ASSERT(key == cases[i].key || strcmp(key, cases[i].key) == 0);
	}
	CU_ASSERT_EQUAL(lull_key_parse(key_of_length(300), &(uint32_t){0}, &(const char *){0}),
			-ENAMETOOLONG);
	CU_ASSERT_EQUAL(lull_key_parse(NULL, NULL, NULL), -EINVAL);
}

static void test_format_is_what_parse_reads(void)
{
	char text[LULL_KEY_TEXT_BYTES_MAX];
	const char *longest = key_of_length(LULL_KEY_BYTES_MAX), *key;
	uint32_t kind;

	for (uint32_t k = LULL_KIND_ROUTE; k <= LULL_KIND_NAME; k++) {
		CU_ASSERT_EQUAL(lull_key_format(k, longest, text), 0);
		CU_ASSERT_EQUAL(lull_key_parse(text, &kind, &key), 0);
		CU_ASSERT_EQUAL(kind, k);
		CU_ASSERT_STRING_EQUAL(key, longest);
	}
	CU_ASSERT_EQUAL(lull_key_format(LULL_KIND_NONE, "a", text), -EINVAL);
	CU_ASSERT_EQUAL(lull_key_format(LULL_KIND_NAME, "a", NULL), -EINVAL);
	CU_ASSERT_EQUAL(lull_key_format(LULL_KIND_NAME, key_of_length(185), text), -ENAMETOOLONG);
}

static void test_a_long_derived_key_keeps_a_head_and_ends_in_a_hash(void)
{
	char a[LULL_KEY_BYTES_MAX + 1], b[LULL_KEY_BYTES_MAX + 1];
	char text[600];

	CU_ASSERT_EQUAL(lull_key_derive("short", a), 0);
	CU_ASSERT_STRING_EQUAL(a, "short");
	CU_ASSERT_EQUAL(lull_key_derive(key_of_length(LULL_KEY_BYTES_MAX), a), 0);
	CU_ASSERT_STRING_EQUAL(a, key_of_length(LULL_KEY_BYTES_MAX));

	memset(text, 'm', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CU_ASSERT_EQUAL(lull_key_derive(text, a), 0);
	CU_ASSERT_EQUAL(strlen(a), LULL_KEY_BYTES_MAX);
	CU_ASSERT_EQUAL(strncmp(a, text, LULL_KEY_BYTES_MAX - 17), 0);
	CU_ASSERT_EQUAL(a[LULL_KEY_BYTES_MAX - 17], '~');
	text[sizeof(text) - 2] = 'n';
	CU_ASSERT_EQUAL(lull_key_derive(text, b), 0);
	CU_ASSERT_STRING_NOT_EQUAL(a, b);

	CU_ASSERT_EQUAL(lull_key_derive("", a), -EINVAL);
	CU_ASSERT_EQUAL(lull_key_derive(NULL, a), -EINVAL);
	CU_ASSERT_EQUAL(lull_key_derive("a", NULL), -EINVAL);
	CU_ASSERT_EQUAL(lull_key_derive("a\nb", a), -EINVAL);
}

static void test_a_long_derived_key_never_ends_inside_a_character(void)
{
	char text[600], key[LULL_KEY_BYTES_MAX + 1];

	for (size_t shift = 0; shift < 3; shift++) {
		size_t head;

		memset(text, 'm', sizeof(text));
		for (size_t i = shift; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "\xe2\x82\xac", 3);
		text[sizeof(text) - 1] = '\0';
		CU_ASSERT_EQUAL(lull_key_derive(text, key), 0);
		head = (size_t)(strchr(key, '~') - key);
		CU_ASSERT_EQUAL((head - shift) % 3, 0);
		CU_ASSERT(strlen(key) <= LULL_KEY_BYTES_MAX && strlen(key) == head + 17);
	}
}

static void test_model_is_what_stands_before_the_base_url(void)
{
	static const struct {
		uint32_t kind;
		const char *key, *model;
	} cases[] = {
		{LULL_KIND_ROUTE, "gpt-4o@https://api.openai.com/v1#0123", "gpt-4o"},
		{LULL_KIND_ROUTE, "user@host/model@http://127.0.0.1:8080/v1#", "user@host/model"},
		{LULL_KIND_ROUTE, "a@http@http://x", "a@http"},
		{LULL_KIND_ROUTE, "no-url", "no-url"},
		{LULL_KIND_NAME, "gpt@https://x", "gpt@https://x"},
		{LULL_KIND_CREDENTIAL, "0123", ""},
		{LULL_KIND_ENDPOINT, "https://h:443", ""},
	};
	char model[LULL_KEY_BYTES_MAX + 1];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CU_ASSERT_EQUAL(lull_key_model(cases[i].kind, cases[i].key, model), 0);
		CU_ASSERT_STRING_EQUAL(model, cases[i].model);
	}
	CU_ASSERT_EQUAL(lull_key_model(LULL_KIND_ROUTE, "", model), -EINVAL);
	CU_ASSERT_EQUAL(lull_key_model(LULL_KIND_ROUTE, "a", NULL), -EINVAL);
}

static void test_a_fingerprint_does_not_show_its_secret(void)
{
	char a[17], again[17], b[17];

	CU_ASSERT_EQUAL(lull_fingerprint("sk-planted-secret", 17, a), 0);
	CU_ASSERT_EQUAL(lull_fingerprint("sk-planted-secret", 17, again), 0);
	CU_ASSERT_EQUAL(lull_fingerprint("sk-planted-secres", 17, b), 0);
	CU_ASSERT_EQUAL(strlen(a), 16);
	CU_ASSERT_EQUAL(strspn(a, "0123456789abcdef"), 16);
	CU_ASSERT_STRING_EQUAL(a, again);
	CU_ASSERT_STRING_NOT_EQUAL(a, b);
	CU_ASSERT_EQUAL(lull_fingerprint("", 0, a), 0);
	CU_ASSERT_EQUAL(lull_fingerprint(NULL, 1, a), -EINVAL);
	CU_ASSERT_EQUAL(lull_fingerprint("x", 1, NULL), -EINVAL);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_key_init_takes_and_refuses),
		CUNIT_TEST(test_key_init_finds_every_control_character),
		CUNIT_TEST(test_hash_tells_kinds_and_lengths_apart),
		CUNIT_TEST(test_words_and_hash_are_the_layouts),
		CUNIT_TEST(test_words_read_back_as_the_key),
		CUNIT_TEST(test_rubbish_words_are_no_key),
		CUNIT_TEST(test_parse_knows_the_four_kinds),
		CUNIT_TEST(test_format_is_what_parse_reads),
		CUNIT_TEST(test_a_long_derived_key_keeps_a_head_and_ends_in_a_hash),
		CUNIT_TEST(test_a_long_derived_key_never_ends_inside_a_character),
		CUNIT_TEST(test_model_is_what_stands_before_the_base_url),
		CUNIT_TEST(test_a_fingerprint_does_not_show_its_secret),
	};

	return CUNIT_MAIN("key", tests);
}
