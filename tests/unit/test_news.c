/* SPDX-License-Identifier: MIT */
/* A problem is news once an hour, per user and table, and the marker leads nobody astray. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cunit_main.h"
#include "scratch_table.h"

static struct scratch scratch;
static struct lull_table *table;
static char marker[512];

static struct lull_table *disabled_table(const char *name)
{
	struct lull_table_options options;
	struct lull_table *opened = NULL;

	lull_table_options_init(&options);
	options.name = name;
	CU_ASSERT_EQUAL_FATAL(lull_table_open(&options, &opened), 0);
	return opened;
}

/* A table with a problem, without its marker. */
static void begin(void)
{
	scratch_make(&scratch);
	(void)setenv("LULL_DISABLE", "1", 1);
	table = disabled_table("test");
	CU_ASSERT_PTR_NOT_NULL(lull_table_problem(table));
}

static void end(void)
{
	lull_table_close(table);
	scratch_remove(&scratch);
}

/* The only file that there is. */
static void marker_find(void)
{
	DIR *dir = opendir(scratch.dir);
	struct dirent *entry;

	marker[0] = '\0';
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			(void)snprintf(marker, sizeof(marker), "%s/%s", scratch.dir, entry->d_name);
	if (dir)
		(void)closedir(dir);
	CU_ASSERT_NOT_EQUAL(marker[0], '\0');
}

static void marker_age(time_t age_s)
{
	struct timespec times[2];

	times[0].tv_sec = times[1].tv_sec = time(NULL) - age_s;
	times[0].tv_nsec = times[1].tv_nsec = 0;
	CU_ASSERT_EQUAL(utimensat(AT_FDCWD, marker, times, 0), 0);
}

static void test_a_problem_is_news_once_an_hour(void)
{
	struct stat st;

	begin();
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 1);
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 0);
	marker_find();
	CU_ASSERT_EQUAL(stat(marker, &st), 0);
	CU_ASSERT_EQUAL(st.st_size, 0);
	CU_ASSERT_EQUAL(st.st_mode, S_IFREG | 0600);
	marker_age(3500);
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 0);
	marker_age(3700);
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 1);
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 0);
	marker_age(-100); /* the wall clock was set back */
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 1);
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 0);
	end();
}

/* Sixteen processes ask at once. Return: to how many it was news. */
static int ask_at_once(void)
{
	pid_t children[16];
	int gate[2], told = 0;
	char byte;

	CU_ASSERT_EQUAL_FATAL(pipe(gate), 0);
	for (size_t i = 0; i < sizeof(children) / sizeof(children[0]); i++) {
		children[i] = fork();
		if (children[i] == 0) {
			(void)close(gate[1]);
			(void)!read(gate[0], &byte, 1); /* until the other end is closed */
			_exit(lull_table_problem_is_news(table));
		}
	}
	(void)close(gate[0]);
	(void)close(gate[1]);
	for (size_t i = 0; i < sizeof(children) / sizeof(children[0]); i++) {
		int status = 0;

		CU_ASSERT_EQUAL(waitpid(children[i], &status, 0), children[i]);
		told += WEXITSTATUS(status);
	}
	return told;
}

static void test_many_at_once_tell_it_once(void)
{
	begin();
	for (int round = 0; round < 20; round++) {
		CU_ASSERT_EQUAL(ask_at_once(), 1);
		marker_find();
		marker_age(3700);
		CU_ASSERT_EQUAL(ask_at_once(), 1);
		CU_ASSERT_EQUAL(unlink(marker), 0);
	}
	end();
}

static void test_each_table_has_its_own_news(void)
{
	struct lull_table *other;

	begin();
	other = disabled_table("other");
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 1);
	CU_ASSERT_EQUAL(lull_table_problem_is_news(other), 1);
	CU_ASSERT_EQUAL(lull_table_problem_is_news(other), 0);
	lull_table_close(other);
	end();
}

/* A table replaced this morning must not silence that it cannot be read any more. */
static void test_each_problem_of_a_table_is_news(void)
{
	char path[512];
	struct lull_table *other;

	begin();
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 1);
	(void)unsetenv("LULL_DISABLE");
	(void)snprintf(path, sizeof(path), "%s/test", scratch.dir);
	CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
	other = disabled_table("test"); /* by what stands in its place */
	CU_ASSERT_PTR_NOT_NULL(lull_table_problem(other));
	CU_ASSERT_EQUAL(lull_table_problem_is_news(other), 1);
	CU_ASSERT_EQUAL(lull_table_problem_is_news(other), 0);
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 0);
	lull_table_close(other);
	CU_ASSERT_EQUAL(rmdir(path), 0);
	end();
}

static void test_no_problem_is_no_news(void)
{
	begin();
	lull_table_close(table);
	(void)unsetenv("LULL_DISABLE");
	table = disabled_table("test");
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 0);
	CU_ASSERT_EQUAL(lull_table_problem_is_news(NULL), 0);
	end();
}

/* A link in the marker's place is neither followed nor touched; /tmp does instead. */
static void test_a_link_is_not_followed(void)
{
	struct stat before, after;
	char target[600];

	begin();
	(void)lull_table_problem_is_news(table);
	marker_find();
	(void)snprintf(target, sizeof(target), "%s/target", scratch.dir);
	CU_ASSERT_EQUAL(rename(marker, target), 0);
	CU_ASSERT_EQUAL(symlink(target, marker), 0);
	CU_ASSERT_EQUAL(stat(target, &before), 0);
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 1);
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 0);
	CU_ASSERT_EQUAL(stat(target, &after), 0);
	CU_ASSERT_EQUAL(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	(void)snprintf(target, sizeof(target), "/tmp%s", strrchr(marker, '/'));
	CU_ASSERT_EQUAL(unlink(target), 0);
	end();
}

static void test_a_strangers_marker_is_not_believed(void)
{
	char in_tmp[600];

	if (geteuid() != 0) {
		printf(" (needs root) ");
		return;
	}
	begin();
	(void)lull_table_problem_is_news(table);
	marker_find();
	CU_ASSERT_EQUAL(chown(marker, 54321, 54321), 0);
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 1);
	(void)snprintf(in_tmp, sizeof(in_tmp), "/tmp%s", strrchr(marker, '/'));
	CU_ASSERT_EQUAL(unlink(in_tmp), 0);
	/* nor one in /tmp: then it is news each time */
	CU_ASSERT_EQUAL(mkdir(in_tmp, 0700), 0);
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 1);
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 1);
	CU_ASSERT_EQUAL(rmdir(in_tmp), 0);
	end();
}

static void test_without_a_runtime_directory_tmp_will_do(void)
{
	char in_tmp[600];

	begin();
	(void)lull_table_problem_is_news(table);
	marker_find();
	(void)snprintf(in_tmp, sizeof(in_tmp), "/tmp%s", strrchr(marker, '/'));
	(void)setenv("XDG_RUNTIME_DIR", "relative", 1);
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 1);
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 0);
	CU_ASSERT_EQUAL(unlink(in_tmp), 0);
	(void)unsetenv("XDG_RUNTIME_DIR");
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 1);
	CU_ASSERT_EQUAL(unlink(in_tmp), 0);
	end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_a_problem_is_news_once_an_hour),
		CUNIT_TEST(test_many_at_once_tell_it_once),
		CUNIT_TEST(test_each_table_has_its_own_news),
		CUNIT_TEST(test_each_problem_of_a_table_is_news),
		CUNIT_TEST(test_no_problem_is_no_news),
		CUNIT_TEST(test_a_link_is_not_followed),
		CUNIT_TEST(test_a_strangers_marker_is_not_believed),
		CUNIT_TEST(test_without_a_runtime_directory_tmp_will_do),
	};

	return CUNIT_MAIN("news", tests);
}
