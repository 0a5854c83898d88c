/* SPDX-License-Identifier: MIT */
/*
 * The main() of a CUnit test: one suite from one table of tests. CUnit itself never tells the shell
 * that a test failed, and an assertion in a forked child never reaches the parent: children answer
 * by exit status.
 *
 *     int main(void)
 *     {
 *             static const CU_TestInfo tests[] = {
 *                     CUNIT_TEST(test_word_orders_by_time),
 *             };
 *             return CUNIT_MAIN("word", tests);
 *     }
 */
#ifndef LULL_TESTS_CUNIT_MAIN_H
#define LULL_TESTS_CUNIT_MAIN_H

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>

/* CUnit leaves a test by longjmp() from within a function; clang's analyzer sees it come back. */
#ifdef __clang_analyzer__
#undef CU_ASSERT_PTR_NOT_NULL_FATAL
#define CU_ASSERT_PTR_NOT_NULL_FATAL(pointer) ((pointer) ? (void)0 : abort())
#undef CU_ASSERT_EQUAL_FATAL
#define CU_ASSERT_EQUAL_FATAL(actual, expected) ((actual) == (expected) ? (void)0 : abort())
#undef CU_ASSERT_TRUE_FATAL
#define CU_ASSERT_TRUE_FATAL(value) ((value) ? (void)0 : abort())
#endif

/* clang-format off */
#define CUNIT_TEST(function)     { #function, function }
#define CUNIT_MAIN(suite, tests) cunit_main(suite, tests, sizeof(tests) / sizeof((tests)[0]))
/* clang-format on */

static inline int cunit_main(const char *suite_name, const CU_TestInfo *tests, size_t count)
{
	CU_pSuite suite;
	unsigned failures;

	/* a forked child must not print once more what its parent had buffered */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (CU_initialize_registry() != CUE_SUCCESS)
		return EXIT_FAILURE;
	suite = CU_add_suite(suite_name, NULL, NULL);
	for (size_t i = 0; suite && i < count; i++)
		if (!CU_add_test(suite, tests[i].pName, tests[i].pTestFunc))
			suite = NULL;
	if (!suite) {
		fprintf(stderr, "%s: %s\n", suite_name, CU_get_error_msg());
		CU_cleanup_registry();
		return EXIT_FAILURE;
	}
	CU_basic_set_mode(CU_BRM_VERBOSE);
	(void)CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
