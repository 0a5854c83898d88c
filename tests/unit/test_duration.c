/* SPDX-License-Identifier: MIT */
/* Durations as people write them. */
#include <errno.h>
#include <inttypes.h>

#include "../../worker/src/config.h"
#include "cunit_main.h"

static void test_durations_are_read(void)
{
	/* clang-format off */
	static const struct {
		const char *text;
		uint32_t ms;
	} cases[] = {
		{"0", 0},
		{"0s", 0},
		{"45", 45000},
		{"45s", 45000},
		{"1.5", 1500},
		{"1.5s", 1500},
		{"0.1", 100},
		{"100ms", 100},
		{"1.2ms", 2}, /* up: what was not nothing stays more than nothing */
		{"0.001ms", 1},
		{"0.0001s", 1},
		{"10m", 600000},
		{"1h", 3600000},
		{"0.5h", 1800000},
		{"007s", 7000},
		{"4294967.295", UINT32_MAX},
		{"4294967295ms", UINT32_MAX},
		{"1.0000000000000000000000000000001s", 1000}, /* the tenth digit on is dropped */
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t ms = 12345;

		CU_ASSERT_EQUAL(duration_parse(cases[i].text, &ms), 0);
		CU_ASSERT_EQUAL(ms, cases[i].ms);
		if (ms != cases[i].ms)
			fprintf(stderr, "%s is %" PRIu32 "\n", cases[i].text, ms);
	}
}

static void test_what_is_no_duration_is_refused(void)
{
	/* clang-format off */
	static const struct {
		const char *text;
		int error;
	} cases[] = {
		{NULL, -EINVAL},
		{"", -EINVAL},
		{"s", -EINVAL},
		{".5", -EINVAL},
		{"1.", -EINVAL},
		{"1.s", -EINVAL},
		{"-1", -EINVAL},
		{"+1", -EINVAL},
		{" 1", -EINVAL},
		{"1 s", -EINVAL},
		{"1 ", -EINVAL},
		{"1S", -EINVAL},
		{"1d", -EINVAL},
		{"1m30s", -EINVAL},
		{"1e3", -EINVAL},
		{"0x10", -EINVAL},
		{"1,5", -EINVAL},
		{"soon", -EINVAL},
		{"4294967296ms", -ERANGE},
		{"4294967.296", -ERANGE},
		{"1194h", -ERANGE},
		{"99999999999999999999999999", -ERANGE},
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t ms = 12345;

		CU_ASSERT_EQUAL(duration_parse(cases[i].text, &ms), cases[i].error);
		CU_ASSERT_EQUAL(ms, 12345);
	}
}

static void test_durations_are_shown_in_the_largest_unit(void)
{
	/* clang-format off */
	static const struct {
		uint32_t ms;
		const char *text;
	} cases[] = {
		{0, "0s"},
		{1, "1ms"},
		{1500, "1500ms"},
		{45000, "45s"},
		{90000, "90s"},
		{600000, "10m"},
		{3600000, "1h"},
		{86400000, "24h"},
		{3661000, "3661s"},
		{UINT32_MAX, "4294967295ms"},
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[DURATION_BYTES_MAX];
		uint32_t ms;

		duration_format(cases[i].ms, text);
		CU_ASSERT_STRING_EQUAL(text, cases[i].text);
		CU_ASSERT_EQUAL(duration_parse(text, &ms), 0);
		CU_ASSERT_EQUAL(ms, cases[i].ms);
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_durations_are_read),
		CUNIT_TEST(test_what_is_no_duration_is_refused),
		CUNIT_TEST(test_durations_are_shown_in_the_largest_unit),
	};

	return CUNIT_MAIN("duration", tests);
}
