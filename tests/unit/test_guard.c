/* SPDX-License-Identifier: MIT */
/* A table whose file is made shorter ends nobody who asked to be guarded; other faults go where they went. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cunit_main.h"
#include "scratch_table.h"

#define BY_ITS_OWN_HANDLER 7
#define KEY                "gpt-4o"

static struct scratch scratch;
static struct lull_table *table;
static struct lull_table_info info;

static void open_table(void)
{
	CU_ASSERT_EQUAL_FATAL(lull_table_open(NULL, &table), 0);
	CU_ASSERT_EQUAL_FATAL(lull_table_info(table, &info), 0);
	CU_ASSERT_EQUAL(info.shared, 1);
}

static void own_handler(int signal)
{
	(void)signal;
	_exit(BY_ITS_OWN_HANDLER);
}

/* What a process of its own comes to that does this, guarded, with a handler of its own from before. */
static int status_of(int (*run)(void))
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		(void)signal(SIGBUS, own_handler);
		for (int i = 0; i < 2; i++)
			if (lull_table_guard() != 0)
				_exit(100);
		_exit(run());
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_TRUE(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static uint64_t ready_in_ms(void)
{
	uint64_t left_ms = 1;

	return lull_key_ready_in_ms(table, LULL_KIND_NAME, KEY, &left_ms) < 0 ? 2 : left_ms;
}

/* 0; else the number of what was not so. */
static int lose_the_file(void)
{
	const char *problem;

	if (lull_key_cool(table, LULL_KIND_NAME, KEY, 60000, lull_clock_ms()) != 0 ||
	    ready_in_ms() == 0)
		return 1;
	if (truncate(info.path, 0) != 0)
		return 2;
	if (ready_in_ms() != 0) /* of memory that has just become its own */
		return 3;
	if (lull_key_cool(table, LULL_KIND_NAME, KEY, 60000, lull_clock_ms()) != 0 ||
	    ready_in_ms() == 0)
		return 4;
	if (lull_table_wait(table, lull_table_serial(table), lull_clock_ms() + 5) != 0)
		return 5;
	if (lull_table_refresh(table) != 0)
		return 6;
	problem = lull_table_problem(table);
	if (!problem || !strstr(problem, "it has been replaced by an empty table"))
		return 7;
	if (lull_table_info(table, &info) != 0 || !info.shared || ready_in_ms() != 0)
		return 8;
	return 0;
}

static int lose_it_again_and_again(void)
{
	for (int i = 0; i < 100; i++) {
		if (truncate(info.path, 4096) != 0 ||
		    lull_key_cool(table, LULL_KIND_NAME, KEY, 60000, lull_clock_ms()) != 0)
			return 1;
		if (lull_table_refresh(table) != 0 || lull_table_info(table, &info) != 0 ||
		    !info.shared)
			return 2;
	}
	return 0;
}

static int touch_another_file(void)
{
	int fd = open(scratch.dir, O_TMPFILE | O_RDWR, 0600);
	volatile char *byte;

	if (fd < 0 || ftruncate(fd, 4096) != 0)
		return 1;
	byte = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (byte == MAP_FAILED || ftruncate(fd, 0) != 0)
		return 2;
	return *byte ? 3 : 4;
}

static int be_sent_one(void)
{
	(void)raise(SIGBUS);
	return 1;
}

/* The place of a mapping that is gone is free for the next. */
static int lose_the_file_of_another_handle(void)
{
	for (int i = 0; i < 100; i++) {
		lull_table_close(table);
		if (lull_table_open(NULL, &table) != 0)
			return 20;
	}
	return lose_the_file();
}

static void test_a_call_goes_on_without_its_file(void)
{
	scratch_make(&scratch);
	open_table();
	CU_ASSERT_EQUAL(status_of(lose_the_file), 0);
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_EQUAL(status_of(lose_it_again_and_again), 0);
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_EQUAL(status_of(lose_the_file_of_another_handle), 0);
	lull_table_close(table);
	scratch_remove(&scratch);
}

static void test_what_is_about_no_table_goes_to_who_was_there_before(void)
{
	scratch_make(&scratch);
	open_table();
	CU_ASSERT_EQUAL(status_of(touch_another_file), BY_ITS_OWN_HANDLER);
	CU_ASSERT_EQUAL(status_of(be_sent_one), BY_ITS_OWN_HANDLER);
	lull_table_close(table);
	scratch_remove(&scratch);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_a_call_goes_on_without_its_file),
		CUNIT_TEST(test_what_is_about_no_table_goes_to_who_was_there_before),
	};

	return CUNIT_MAIN("guard", tests);
}
