/* SPDX-License-Identifier: MIT */
/*
 * The table of options: every type of row, read and misread.
 */
#include <errno.h>
#include <string.h>

#include "../../worker/cmd/log.h"
#include "../../worker/cmd/options.h"
#include "cunit_main.h"

struct settings {
	uint32_t flag;
	uint32_t level;
	const char *text;
	struct text_list list;
	uint32_t duration_ms;
	uint32_t choice;
	uint32_t number;
};

static const struct option_choice colours[] = {{"red", 1}, {"blue", 2}, {NULL, 0}};

/* clang-format off */
#define AT(member) offsetof(struct settings, member)
static const struct option_row rows[] = {
	{"flag", 0, OPTION_FLAG, 1, AT(flag), NULL, NULL, "sets the flag"},
	{"no-flag", 0, OPTION_FLAG, 0, AT(flag), NULL, NULL, "clears it"},
	{"verbose", 'v', OPTION_FLAG, 2, AT(level), NULL, NULL, "level 2"},
	{"text", 't', OPTION_TEXT, 0, AT(text), "TEXT", NULL, "a text"},
	{"list", 'l', OPTION_TEXT_LIST, 0, AT(list), "TEXT", NULL, "texts"},
	{"time", 0, OPTION_DURATION, 60000, AT(duration_ms), "TIME", NULL, "a duration"},
	{"colour", 0, OPTION_CHOICE, 0, AT(choice), "COLOUR", colours, "a colour"},
	{"coats", 'n', OPTION_NUMBER, 9, AT(number), "N", NULL, "a number"},
	{0},
};
/* clang-format on */

static const struct command command = {
	.name = "paint",
	.summary = "Paint.",
	.operands = "[WALL...]",
	.options = rows,
	.examples = "  lull paint --colour red\n",
};

/* argv[0] is the verb; at most 15 words. getopt reorders, so the copy is read afterwards. */
static char *words[16];

static int read_words(struct settings *settings, int *first, const char *const *from)
{
	int count = 0;

	words[count++] = (char *)"paint";
	for (; *from; from++)
		words[count++] = (char *)*from;
	words[count] = NULL;
	return options_read(&command, count, words, settings, first);
}

#define READ(settings, first, ...) \
	read_words(settings, first, (const char *const[]){__VA_ARGS__, NULL})

static void test_each_type_is_stored(void)
{
	struct settings s = {0};
	int first = 0;

	CU_ASSERT_EQUAL(READ(&s, &first, "--flag", "-v", "-t", "hi", "-l", "a", "--list=b",
			     "--time", "1.5s", "--colour", "blue", "-n9"),
			0);
	CU_ASSERT_EQUAL(s.flag, 1);
	CU_ASSERT_EQUAL(s.level, 2);
	CU_ASSERT_STRING_EQUAL(s.text, "hi");
	CU_ASSERT_EQUAL_FATAL(s.list.count, 2);
	CU_ASSERT_STRING_EQUAL(s.list.texts[0], "a");
	CU_ASSERT_STRING_EQUAL(s.list.texts[1], "b");
	CU_ASSERT_EQUAL(s.duration_ms, 1500);
	CU_ASSERT_EQUAL(s.choice, 2);
	CU_ASSERT_EQUAL(s.number, 9);
	text_list_deinit(&s.list);
}

static void test_the_last_of_two_flags_holds(void)
{
	struct settings s = {0};
	int first = 0;

	CU_ASSERT_EQUAL(READ(&s, &first, "--flag", "--no-flag"), 0);
	CU_ASSERT_EQUAL(s.flag, 0);
}

static void test_defaults_stay(void)
{
	struct settings s = {.level = 1, .text = "before"};
	int first = 0;

	CU_ASSERT_EQUAL(READ(&s, &first, "wall"), 0);
	CU_ASSERT_EQUAL(s.level, 1);
	CU_ASSERT_STRING_EQUAL(s.text, "before");
}

static void test_operands_may_stand_anywhere(void)
{
	struct settings s = {0};
	int first = 0;

	CU_ASSERT_EQUAL(READ(&s, &first, "north", "-t", "hi", "south", "--", "--flag"), 0);
	CU_ASSERT_STRING_EQUAL(s.text, "hi");
	CU_ASSERT_EQUAL(s.flag, 0);
	CU_ASSERT_STRING_EQUAL(words[first], "north");
	CU_ASSERT_STRING_EQUAL(words[first + 1], "south");
	CU_ASSERT_STRING_EQUAL(words[first + 2], "--flag");
	CU_ASSERT_PTR_NULL(words[first + 3]);
}

static void test_it_reads_more_than_once(void)
{
	for (int i = 0; i < 3; i++)
		test_operands_may_stand_anywhere();
}

/* What is printed to stderr while `from` is misread. */
static const char *misread(const char *const *from)
{
	static char text[512];
	struct settings s = {0};
	FILE *before = stderr;
	int first = 0;

	memset(text, 0, sizeof(text));
	stderr = fmemopen(text, sizeof(text) - 1, "w");
	CU_ASSERT_EQUAL(read_words(&s, &first, from), -EINVAL);
	(void)fclose(stderr);
	stderr = before;
	text_list_deinit(&s.list);
	return text;
}

#define MISREAD(...) misread((const char *const[]){__VA_ARGS__, NULL})

static void test_errors_are_one_clear_sentence(void)
{
	CU_ASSERT_STRING_EQUAL(MISREAD("--colr"),
			       "lull: paint: unknown option --colr; see lull paint --help\n");
	CU_ASSERT_STRING_EQUAL(MISREAD("-x"),
			       "lull: paint: unknown option -x; see lull paint --help\n");
	CU_ASSERT_STRING_EQUAL(MISREAD("--text"),
			       "lull: paint: --text needs an argument; see lull paint --help\n");
	CU_ASSERT_STRING_EQUAL(MISREAD("-t"),
			       "lull: paint: --text needs an argument; see lull paint --help\n");
	CU_ASSERT_STRING_EQUAL(MISREAD("--flag=1"),
			       "lull: paint: --flag takes no argument; see lull paint --help\n");
	CU_ASSERT_STRING_EQUAL(MISREAD("--colour", "green"),
			       "lull: paint: --colour 'green' is not one of: red, blue\n");
	CU_ASSERT_STRING_EQUAL(
		MISREAD("--time", "soon"),
		"lull: paint: --time 'soon' is not a duration; write 500ms, 45s, 10m or 1h\n");
	CU_ASSERT_STRING_EQUAL(MISREAD("--time", "2m"),
			       "lull: paint: --time '2m' is out of range; expected 1ms to 60s\n");
	CU_ASSERT_STRING_EQUAL(MISREAD("--time", "0"),
			       "lull: paint: --time '0' is out of range; expected 1ms to 60s\n");
}

static void test_a_number_is_whole_and_in_range(void)
{
	static const char *const bad[] = {
		"", "0", "10", "-1", " 1", "1x", "1.5", "+1", "99999999999999999999"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char expected[128];

		(void)snprintf(expected, sizeof(expected),
			       "lull: paint: --coats '%s' is no number from 1 to 9\n", bad[i]);
		CU_ASSERT_STRING_EQUAL(MISREAD("--coats", bad[i]), expected);
	}
}

static void test_help_names_every_option(void)
{
	char text[4096] = "";
	FILE *out = fmemopen(text, sizeof(text) - 1, "w");

	options_print_help(&command, out);
	(void)fclose(out);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "usage: lull paint [OPTION...] [WALL...]\n"));
	for (const struct option_row *row = rows; row->name; row++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "--%s", row->name);
		CU_ASSERT_PTR_NOT_NULL(strstr(text, name));
		CU_ASSERT_PTR_NOT_NULL(strstr(text, row->help));
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "examples:\n  lull paint --colour red\n"));
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_each_type_is_stored),
		CUNIT_TEST(test_the_last_of_two_flags_holds),
		CUNIT_TEST(test_defaults_stay),
		CUNIT_TEST(test_operands_may_stand_anywhere),
		CUNIT_TEST(test_it_reads_more_than_once),
		CUNIT_TEST(test_errors_are_one_clear_sentence),
		CUNIT_TEST(test_a_number_is_whole_and_in_range),
		CUNIT_TEST(test_help_names_every_option),
	};

	return CUNIT_MAIN("options", tests);
}
