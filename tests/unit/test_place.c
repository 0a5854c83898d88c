/* SPDX-License-Identifier: MIT */
/* Where the segment lies: options before environment, the default name, groups, and /run/lull. */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cunit_main.h"
#include "layout.h"
#include "place.h"

#define NO_DIR "/nowhere/at/all"

int __real_getgrnam_r(const char *name, struct group *group, char *buffer, size_t size,
		      struct group **ret_group);
int __wrap_getgrnam_r(const char *name, struct group *group, char *buffer, size_t size,
		      struct group **ret_group);

static size_t group_needs_bytes; /* of buffer; 0: the real function */

int __wrap_getgrnam_r(const char *name, struct group *group, char *buffer, size_t size,
		      struct group **ret_group)
{
	if (!group_needs_bytes)
		return __real_getgrnam_r(name, group, buffer, size, ret_group);
	*ret_group = NULL;
	if (size < group_needs_bytes)
		return ERANGE;
	*group = (struct group){.gr_gid = 4711};
	*ret_group = group;
	return 0;
}

static struct lull_table_options options;
static struct place place;
static struct problem problem;
static char long_dir[300];

static void begin(void)
{
	static const char *const variables[] = {"LULL_SHM_NAME", "LULL_SHM_DIR", "LULL_SHM_GROUP",
						"LULL_DISABLE"};

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		(void)unsetenv(variables[i]);
	lull_table_options_init(&options);
	problem.text[0] = '\0';
	group_needs_bytes = 0;
}

static int resolve(const char *preferred_dir)
{
	return place_resolve(&options, preferred_dir, &place, &problem);
}

static const char *default_path(const char *dir)
{
	static char path[300];

	(void)snprintf(path, sizeof(path), "%s/lull1-u%lu", dir, (unsigned long)geteuid());
	return path;
}

static void test_the_default_is_one_table_a_user(void)
{
	begin();
	CU_ASSERT_EQUAL(resolve(NO_DIR), PLACE_USABLE);
	CU_ASSERT_STRING_EQUAL(place.path, default_path("/dev/shm"));
	CU_ASSERT_TRUE(place.name_is_ours);
	CU_ASSERT_FALSE(place.grouped);
	CU_ASSERT_TRUE(place.may_create);
	CU_ASSERT_EQUAL(place.slot_count, LAYOUT_SLOTS_DEFAULT);
	CU_ASSERT_EQUAL(place.uid, geteuid());
}

static void test_a_made_directory_is_preferred_for_the_default_name_only(void)
{
	char dir[] = "/tmp/lull-place-XXXXXX";

	begin();
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	CU_ASSERT_EQUAL(resolve(dir), PLACE_USABLE);
	CU_ASSERT_STRING_EQUAL(place.path, default_path(dir));
	(void)setenv("LULL_SHM_NAME", "x", 1);
	CU_ASSERT_EQUAL(resolve(dir), PLACE_USABLE);
	CU_ASSERT_STRING_EQUAL(place.path, "/dev/shm/x");
	(void)rmdir(dir);
	begin();
	CU_ASSERT_EQUAL(resolve("/dev/null"), PLACE_USABLE); /* no directory */
	CU_ASSERT_STRING_EQUAL(place.path, default_path("/dev/shm"));
}

static void test_names_and_directories(void)
{
	const struct {
		const char *name, *dir, *name_variable, *dir_variable;
		int outcome;
		const char *path; /* or words of the problem */
	} cases[] = {
		{NULL, NULL, "x", NULL, PLACE_USABLE, "/dev/shm/x"},
		{NULL, NULL, "/x", NULL, PLACE_USABLE, "/dev/shm/x"},
		{"y", NULL, "x", NULL, PLACE_USABLE, "/dev/shm/y"},
		{"/y", "/d", "x", "/e", PLACE_USABLE, "/d/y"},
		{NULL, NULL, "x", "/e", PLACE_USABLE, "/e/x"},
		{NULL, NULL, "", "", PLACE_USABLE, NULL},
		{"", NULL, NULL, NULL, -EINVAL, "the table's name is \"\""},
		{"a/b", NULL, NULL, NULL, -EINVAL, "the table's name is \"a/b\""},
		{"//b", NULL, NULL, NULL, -EINVAL, "1 to 200 bytes"},
		{".", NULL, NULL, NULL, -EINVAL, "1 to 200 bytes"},
		{"..", NULL, NULL, NULL, -EINVAL, "1 to 200 bytes"},
		{"/", NULL, NULL, NULL, -EINVAL, "1 to 200 bytes"},
		{long_dir, NULL, NULL, NULL, -EINVAL, "1 to 200 bytes"},
		{NULL, "relative", NULL, NULL, -EINVAL, "begins with '/'"},
		{NULL, "", NULL, NULL, -EINVAL, "begins with '/'"},
		{NULL, NULL, "a/b", NULL, PLACE_NONE, "LULL_SHM_NAME is \"a/b\""},
		{NULL, NULL, NULL, "relative", PLACE_NONE, "LULL_SHM_DIR is \"relative\""},
		{NULL, NULL, NULL, long_dir, PLACE_NONE, "too long"},
	};

	memset(long_dir, 'd', sizeof(long_dir) - 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin();
		long_dir[0] = cases[i].dir_variable == long_dir ? '/' : 'd';
		options.name = cases[i].name;
		options.dir = cases[i].dir;
		if (cases[i].name_variable)
			(void)setenv("LULL_SHM_NAME", cases[i].name_variable, 1);
		if (cases[i].dir_variable)
			(void)setenv("LULL_SHM_DIR", cases[i].dir_variable, 1);
		CU_ASSERT_EQUAL(resolve(NO_DIR), cases[i].outcome);
		if (cases[i].outcome == PLACE_USABLE) {
			CU_ASSERT_STRING_EQUAL(place.path, cases[i].path
								   ? cases[i].path
								   : default_path("/dev/shm"));
		} else {
			CU_ASSERT_PTR_NOT_NULL(strstr(problem.text, cases[i].path));
		}
	}
	begin();
}

static void test_the_longest_name_is_200_bytes(void)
{
	static char name[202];

	begin();
	memset(name, 'n', sizeof(name));
	name[200] = '\0';
	options.name = name;
	CU_ASSERT_EQUAL(resolve(NO_DIR), PLACE_USABLE);
	name[200] = 'n';
	name[201] = '\0';
	CU_ASSERT_EQUAL(resolve(NO_DIR), -EINVAL);
}

static void test_a_group_by_number_or_name(void)
{
	begin();
	options.group = "4321";
	CU_ASSERT_EQUAL(resolve(NO_DIR), PLACE_USABLE);
	CU_ASSERT_TRUE(place.grouped);
	CU_ASSERT_EQUAL(place.gid, 4321);
	/* one table for the group, not one for each of its members */
	CU_ASSERT_STRING_EQUAL(place.path, "/dev/shm/lull1-g4321");

	begin();
	(void)setenv("LULL_SHM_GROUP", "root", 1);
	CU_ASSERT_EQUAL(resolve(NO_DIR), PLACE_USABLE);
	CU_ASSERT_EQUAL(place.gid, 0);

	begin();
	(void)setenv("LULL_SHM_GROUP", "no-such-group", 1);
	CU_ASSERT_EQUAL(resolve(NO_DIR), PLACE_NONE);
	CU_ASSERT_PTR_NOT_NULL(strstr(problem.text, "no-such-group"));

	begin();
	options.group = "99999999999";
	CU_ASSERT_EQUAL(resolve(NO_DIR), PLACE_NONE);
	options.group = "-1";
	CU_ASSERT_EQUAL(resolve(NO_DIR), PLACE_NONE);
	options.group = "12x";
	CU_ASSERT_EQUAL(resolve(NO_DIR), PLACE_NONE);
	begin();
}

static void test_a_group_of_many_members_is_read(void)
{
	begin();
	options.group = "crowd";
	group_needs_bytes = 500000;
	CU_ASSERT_EQUAL(resolve(NO_DIR), PLACE_USABLE);
	CU_ASSERT_EQUAL(place.gid, 4711);
	group_needs_bytes = SIZE_MAX;
	CU_ASSERT_EQUAL(resolve(NO_DIR), PLACE_NONE);
	begin();
}

static void test_slot_counts(void)
{
	static const struct {
		uint32_t count;
		int outcome;
	} cases[] = {
		{0, PLACE_USABLE}, {16, PLACE_USABLE}, {65536, PLACE_USABLE}, {8, -EINVAL},
		{17, -EINVAL},     {131072, -EINVAL},  {UINT32_MAX, -EINVAL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin();
		options.slot_count = cases[i].count;
		CU_ASSERT_EQUAL(resolve(NO_DIR), cases[i].outcome);
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(problem.text, "power of two"));
}

static void test_flags(void)
{
	begin();
	options.flags = LULL_TABLE_NO_CREATE;
	CU_ASSERT_EQUAL(resolve(NO_DIR), PLACE_USABLE);
	CU_ASSERT_FALSE(place.may_create);
	CU_ASSERT_FALSE(place.read_only);
	options.flags = LULL_TABLE_READ_ONLY;
	CU_ASSERT_EQUAL(resolve(NO_DIR), PLACE_USABLE);
	CU_ASSERT_FALSE(place.may_create);
	CU_ASSERT_TRUE(place.read_only);
}

static void test_disabled_by_the_environment(void)
{
	begin();
	(void)setenv("LULL_DISABLE", "1", 1);
	CU_ASSERT_EQUAL(resolve(NO_DIR), PLACE_NONE);
	CU_ASSERT_STRING_EQUAL(problem.text, "LULL_DISABLE is set");
	CU_ASSERT_STRING_EQUAL(place.path, default_path("/dev/shm"));
	(void)setenv("LULL_DISABLE", "0", 1);
	CU_ASSERT_EQUAL(resolve(NO_DIR), PLACE_USABLE);
	(void)setenv("LULL_DISABLE", "", 1);
	CU_ASSERT_EQUAL(resolve(NO_DIR), PLACE_USABLE);
	begin();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_the_default_is_one_table_a_user),
		CUNIT_TEST(test_a_made_directory_is_preferred_for_the_default_name_only),
		CUNIT_TEST(test_names_and_directories),
		CUNIT_TEST(test_the_longest_name_is_200_bytes),
		CUNIT_TEST(test_a_group_by_number_or_name),
		CUNIT_TEST(test_a_group_of_many_members_is_read),
		CUNIT_TEST(test_slot_counts),
		CUNIT_TEST(test_flags),
		CUNIT_TEST(test_disabled_by_the_environment),
	};

	return CUNIT_MAIN("place", tests);
}
