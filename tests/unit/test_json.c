/* SPDX-License-Identifier: MIT */
/* JSON made strict: what RFC 8259 allows is read, what it forbids is not, and the line is said. */
#include <string.h>

#include "../../worker/src/json_scan.h"
#include "../../worker/src/wire.h"
#include "cunit_main.h"

static struct json_object *read_text(const char *text, char *error)
{
	error[0] = '\0';
	return json_read(text, strlen(text), error);
}

static void test_what_is_json_is_read(void)
{
	/* clang-format off */
	static const struct {
		const char *text;
		const char *printed; /* by json-c */
	} cases[] = {
		{"{}", "{}"},
		{"[]", "[]"},
		{"0", "0"},
		{"-0", "0"},
		{"123", "123"},
		{" 123 ", "123"},
		{"\t\r\n[1,2]\r\n", "[1,2]"},
		{"1.5e+3", "1.5e+3"},
		{"1E2", "1E2"},
		{"true", "true"},
		{"false", "false"},
		{"\"\"", "\"\""},
		{"[null]", "[null]"},
		{"{\"a\":{\"b\":[1,\"x\",null,true]}}", "{\"a\":{\"b\":[1,\"x\",null,true]}}"},
		{"{\"a\" : 1}", "{\"a\":1}"},
		{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\xc3\xa9\""},
		{"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
		{"\"\x7f\"", "\"\x7f\""},
		{"\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"",
		 "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""},
		{"\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""},
		{"{\"\":1}", "{\"\":1}"},
		{"[{\"a\":1},{\"a\":2}]", "[{\"a\":1},{\"a\":2}]"},
		{"{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":{\"a\":{\"a\":1}}}"},
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[JSON_ERROR_BYTES];
		struct json_object *object = read_text(cases[i].text, error);

		if (!object)
			fprintf(stderr, "%s: %s\n", cases[i].text, error);
		CU_ASSERT_PTR_NOT_NULL_FATAL(object);
		CU_ASSERT_STRING_EQUAL(
			json_object_to_json_string_ext(
				object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
			cases[i].printed);
		json_object_put(object);
	}
}

static void test_what_is_no_json_is_refused(void)
{
	/* clang-format off */
	static const struct {
		const char *text;
		const char *error;
	} cases[] = {
		{"", "line 1: unexpected end of data"},
		{"  \n", "line 2: unexpected end of data"},
		{"null", "line 1: null, expected a value"},
		{"{", "line 1: unexpected end of data"},
		{"[1,\n2,", "line 2: unexpected end of data"},
		{"[1,]", "line 1: unexpected character"},
		{"{\"a\":1,}", "line 1: unexpected character"},
		{"{a:1}", "line 1: a character that begins no value"},
		{"{'a':1}", "line 1: a character that begins no value"},
		{"{\"a\"\n1}", "line 2: object property name separator ':' expected"},
		{"{\"a\":1\n\n\"b\":2}", "line 3: object value separator ',' expected"},
		{"[1\n2]", "line 2: array value separator ',' expected"},
		{"1 2", "line 1: unexpected character"},
		{"{} {}", "line 1: unexpected character"},
		{"[1]x", "line 1: a character that begins no value"},
		{"NaN", "line 1: a character that begins no value"},
		{"[\n-Infinity]", "line 2: a number that JSON does not know"},
		{"TRUE", "line 1: a character that begins no value"},
		{"nul", "line 1: a character that begins no value"},
		{"01", "line 1: a number that JSON does not know"},
		{"-", "line 1: a number that JSON does not know"},
		{"+1", "line 1: a character that begins no value"},
		{".5", "line 1: a character that begins no value"},
		{"1.", "line 1: a number that ends in its decimal point"},
		{"1e", "line 1: a number without its exponent"},
		{"1e+", "line 1: a number without its exponent"},
		{"[1] // no", "line 1: a character that begins no value"},
		{"\"a", "line 1: a string without its closing quote"},
		{"\"\\", "line 1: an escape that JSON does not know"},
		{"\"\\x\"", "line 1: an escape that JSON does not know"},
		{"\"\\u12g4\"", "line 1: an escape that JSON does not know"},
		{"\"\\u12\"", "line 1: an escape that JSON does not know"},
		{"[\n\"\x01\"]", "line 2: a control character in a string, expected an escape"},
		{"[\"a\nb\"]", "line 1: a control character in a string, expected an escape"},
		{"\"\x80\"", "line 1: bytes that are not UTF-8"},
		{"\"\xc0\xaf\"", "line 1: bytes that are not UTF-8"}, /* overlong */
		{"\"\xe0\x9f\xbf\"", "line 1: bytes that are not UTF-8"}, /* overlong */
		{"\"\xf0\x8f\xbf\xbf\"", "line 1: bytes that are not UTF-8"},
		{"\"\xed\xa0\x80\"", "line 1: bytes that are not UTF-8"}, /* surrogate */
		{"\"\xf4\x90\x80\x80\"", "line 1: bytes that are not UTF-8"}, /* beyond the end */
		{"\"\xe2\x82\"", "line 1: bytes that are not UTF-8"},
		{"\"\xe2\x82", "line 1: bytes that are not UTF-8"},
		{"\"\xe2\x82z\"", "line 1: bytes that are not UTF-8"},
		{"\xef\xbb\xbf{}",
		 "line 1: a character that begins no value"}, /* a byte-order mark */
		{"{\"a\":1,\"a\":2}", "an object has the same key twice"},
		{"[{\"a\":1,\"\\u0061\":2}]", "an object has the same key twice"},
		{"{\"a\\u0000b\":1}", "line 1: a NUL in a key"},
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[JSON_ERROR_BYTES];
		struct json_object *object = read_text(cases[i].text, error);

		CU_ASSERT_PTR_NULL(object);
		CU_ASSERT_STRING_EQUAL(error, cases[i].error);
		if (strcmp(error, cases[i].error) != 0)
			fprintf(stderr, "%s: %s\n", cases[i].text, error);
		json_object_put(object);
	}
}

static void test_a_nul_byte_ends_nothing(void)
{
	char error[JSON_ERROR_BYTES];

	CU_ASSERT_PTR_NULL(json_read("{}\0", 3, error));
	CU_ASSERT_PTR_NULL(json_read("\0", 1, error));
	CU_ASSERT_PTR_NULL(json_read("\"\0\"", 3, error));
	CU_ASSERT_STRING_EQUAL(error,
			       "line 1: a control character in a string, expected an escape");
}

/* The bytes stand at the very end of their memory, so that valgrind or ASan sees one too many. */
static void test_nothing_behind_the_text_is_read(void)
{
	static const char *const texts[] = {"123",        "true",    "\"a\"", "[1]",
					    "\"\xe2\x82", "\"\\u12", "-"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t size = strlen(texts[i]);
		char *bytes = malloc(size), error[JSON_ERROR_BYTES];

		CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
		memcpy(bytes, texts[i], size);
		json_object_put(json_read(bytes, size, error));
		free(bytes);
	}
}

static void test_a_nul_in_a_value_is_kept(void)
{
	char error[JSON_ERROR_BYTES];
	struct json_object *object = read_text("\"a\\u0000b\"", error);

	CU_ASSERT_PTR_NOT_NULL_FATAL(object);
	CU_ASSERT_EQUAL(json_object_get_string_len(object), 3);
	json_object_put(object);
}

static struct json_object *read_nested(size_t depth, char *error)
{
	char text[2 * (JSON_DEPTH_MAX + 8)];

	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	error[0] = '\0';
	return json_read(text, 2 * depth, error);
}

static void test_depth_is_bounded(void)
{
	char error[JSON_ERROR_BYTES];
	struct json_object *object = read_nested(JSON_DEPTH_MAX, error);

	CU_ASSERT_PTR_NOT_NULL(object);
	json_object_put(object);
	object = read_nested(JSON_DEPTH_MAX + 1, error);
	CU_ASSERT_PTR_NULL(object);
	CU_ASSERT_STRING_EQUAL(error, "line 1: nesting too deep");
	json_object_put(object);
}

/* Of objects that one pass is sure of; what it is not sure of may be one all the same. */
static void test_plain_objects_are_known_in_one_pass(void)
{
	/* clang-format off */
	static const struct {
		const char *text;
		bool is_plain;
	} cases[] = {
		{"{}", true},
		{" {\"a\":1} ", true},
		{"{\"a\":[],\"b\":{},\"c\":[1,{\"a\":null}]}", true},
		{"{\"a\":\"0123456789 \xc3\xa4 \\u0000 \\\" 0123456789\"}", true},
		{"{\"a\":{\"a\":1},\"b\":{\"a\":1}}", true},
		{"[]", false}, {"1", false}, {"", false}, {"{", false}, {"}", false}, {"{}}", false}, {"{}{}", false},
		{"{\"a\"}", false}, {"{\"a\":}", false}, {"{\"a\":1,}", false}, {"{,}", false}, {"{1:1}", false},
		{"{\"a\":1 \"b\":1}", false}, {"{\"a\"::1}", false}, {"{\"a\":[1,]}", false}, {"{\"a\":[1 2]}", false},
		{"{\"a\":[1}", false}, {"{\"a\":{]}", false}, {"{\"a\":1]", false}, {"{\"a\":[1:2]}", false},
		{"{\"a\":1,\"a\":2}", false}, {"{\"b\":{\"a\":1,\"a\":2}}", false}, {"{\"\\u0061\":1}", false},
		{"{\"a\":\"0123456\x01\"}", false}, {"{\"a\":\"01234567\n\"}", false}, {"{\"a\":\"0123456\xff\"}", false},
		{"{\"a\":\"01234567", false},
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const bool is_plain =
			json_see_plain_object(cases[i].text, strlen(cases[i].text), NULL, NULL);
		char error[JSON_ERROR_BYTES];
		struct json_object *object = read_text(cases[i].text, error);

		if (is_plain != cases[i].is_plain)
			fprintf(stderr, "%s\n", cases[i].text);
		CU_ASSERT_EQUAL(is_plain, cases[i].is_plain);
		CU_ASSERT_TRUE(!is_plain || json_object_is_type(object, json_type_object));
		json_object_put(object);
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_what_is_json_is_read),
		CUNIT_TEST(test_what_is_no_json_is_refused),
		CUNIT_TEST(test_a_nul_byte_ends_nothing),
		CUNIT_TEST(test_nothing_behind_the_text_is_read),
		CUNIT_TEST(test_a_nul_in_a_value_is_kept),
		CUNIT_TEST(test_depth_is_bounded),
		CUNIT_TEST(test_plain_objects_are_known_in_one_pass),
	};

	return CUNIT_MAIN("json", tests);
}
