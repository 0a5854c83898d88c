/* SPDX-License-Identifier: MIT */
/*
 * The handle: a table always opens, follows its segment when that is deleted, truncated, replaced
 * or reset, and keeps old mappings for exactly as long as somebody stands on them.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cunit_main.h"
#include "mapping.h"
#include "scratch_table.h"

#define NAME     LULL_KIND_NAME
#define STRANGER 54321u

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static struct {
	int64_t ahead_s;      /* of the clock */
	int open_errno;       /* of every open() */
	bool no_memory;       /* for mappings */
	bool no_heap;         /* for handles */
	const char *stops_at; /* open() of that path waits for `go_on`, and says so */
	sem_t stopped, go_on;
} played;

int __wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) {
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	if (played.stops_at && strcmp(path, played.stops_at) == 0) {
		played.stops_at = NULL;
		(void)sem_post(&played.stopped);
		(void)sem_wait(&played.go_on);
	}
	errno = played.open_errno;
	return played.open_errno ? -1 : __real_open(path, flags, mode);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = __real_clock_gettime(clock, now);

	now->tv_sec += played.ahead_s;
	return result;
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	if (played.no_memory)
		return MAP_FAILED;
	return __real_mmap(at, size, protection, flags, fd, offset);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return played.no_heap ? NULL : __real_aligned_alloc(alignment, size);
}

static struct scratch scratch;
static struct lull_table_options options; /* of the table "test" */
static struct lull_table *table;
static char path[256], error[512];

static void begin_without_table(void)
{
	memset(&played, 0, sizeof(played));
	(void)lull_clock_ms(); /* reads /proc before open() is played with */
	scratch_make(&scratch);
	lull_table_options_init(&options);
	options.name = "test";
	options.slot_count = 16;
	(void)snprintf(path, sizeof(path), "%s/test", scratch.dir);
	error[0] = '\0';
	table = NULL;
}

static void begin(void)
{
	begin_without_table();
	table = scratch_table(16);
}

static void end(void)
{
	memset(&played, 0, sizeof(played));
	lull_table_close(table);
	scratch_remove(&scratch);
}

static struct lull_table_info info_of(const struct lull_table *of)
{
	struct lull_table_info info = {0};

	CU_ASSERT_EQUAL(lull_table_info(of, &info), 0);
	return info;
}

static bool is_shared(void)
{
	return info_of(table).shared;
}

static bool problem_says(const char *words)
{
	const char *problem = lull_table_problem(table);
	bool says = problem && strstr(problem, words);

	if (!says)
		printf("\n    expected \"%s\" in: %s", words, problem ? problem : "(none)");
	return says;
}

static void hold(const char *name)
{
	CU_ASSERT_EQUAL(lull_key_hold(table, NAME, name, lull_clock_ms()), 0);
}

static uint32_t state_of(const char *name)
{
	struct lull_key_state state;

	CU_ASSERT(lull_key_read(table, NAME, name, lull_clock_ms(), &state) >= 0);
	return state.state;
}

/* Mappings of segments in the scratch directory, deleted ones too. */
static int mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[1024];
	int count = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(maps);
	while (fgets(line, sizeof(line), maps))
		count += strstr(line, scratch.dir) != NULL;
	(void)fclose(maps);
	return count;
}

static void reset(void)
{
	CU_ASSERT_EQUAL(lull_table_reset(&options, error, sizeof(error)), 0);
}

/* ------------------------------------------------------------------ opening */

static void test_a_table_opens_shared(void)
{
	struct lull_table_info info;
	struct lull_table *second;

	begin();
	info = info_of(table);
	CU_ASSERT_EQUAL(info.abi_version, LULL_ABI_VERSION);
	CU_ASSERT_EQUAL(info.shared, 1);
	CU_ASSERT_STRING_EQUAL(info.path, path);
	CU_ASSERT_EQUAL(info.slot_count, 16);
	CU_ASSERT_EQUAL(info.slots_used, 0);
	CU_ASSERT_EQUAL(info.size_bytes, 256 + 16 * 1024 + 65536);
	CU_ASSERT_EQUAL(info.owner_uid, geteuid());
	CU_ASSERT_EQUAL(info.owner_gid, getegid());
	CU_ASSERT_EQUAL(info.mode, 0600);
	CU_ASSERT(info.created_unix_s > 1700000000);
	CU_ASSERT_EQUAL(info.full_rejects, 0);
	CU_ASSERT_EQUAL(info.event_count, 0);
	CU_ASSERT_PTR_NULL(lull_table_problem(table));
	CU_ASSERT_EQUAL(lull_table_problem_is_news(table), 0);

	hold("gpt-4o");
	CU_ASSERT_EQUAL_FATAL(lull_table_open(&options, &second), 0);
	CU_ASSERT_EQUAL(info_of(second).create_id, info.create_id);
	CU_ASSERT_EQUAL(info_of(second).slots_used, 1);
	CU_ASSERT_EQUAL(info_of(second).event_count, 1);
	lull_table_close(second);
	CU_ASSERT_EQUAL(mappings(), 1);
	end();
}

static void test_bad_options_are_the_callers_mistake(void)
{
	struct lull_table *opened = NULL;

	begin_without_table();
	CU_ASSERT_EQUAL(lull_table_open(&options, NULL), -EINVAL);
	options.abi_version = 0;
	CU_ASSERT_EQUAL(lull_table_open(&options, &opened), -EINVAL);
	lull_table_options_init(&options);
	options.name = "a/b";
	CU_ASSERT_EQUAL(lull_table_open(&options, &opened), -EINVAL);
	lull_table_options_init(&options);
	options.slot_count = 100;
	CU_ASSERT_EQUAL(lull_table_open(&options, &opened), -EINVAL);
	CU_ASSERT_PTR_NULL(opened);
	CU_ASSERT_PTR_NULL(lull_table_problem(NULL));
	CU_ASSERT_EQUAL(lull_table_info(NULL, NULL), -EINVAL);
	CU_ASSERT_EQUAL(lull_table_refresh(NULL), -EINVAL);
	lull_table_close(NULL);
	end();
}

static void test_no_memory_at_all_is_an_error(void)
{
	begin_without_table();
	played.no_heap = true;
	CU_ASSERT_EQUAL(lull_table_open(&options, &table), -ENOMEM);
	played.no_heap = false;
	played.no_memory = true;
	CU_ASSERT_EQUAL(lull_table_open(&options, &table), -ENOMEM);
	CU_ASSERT_PTR_NULL(table);
	end();
}

static void test_local_on_purpose_is_no_problem(void)
{
	begin_without_table();
	(void)setenv("LULL_DISABLE", "1", 1);
	options.flags = LULL_TABLE_LOCAL;
	CU_ASSERT_EQUAL_FATAL(lull_table_open(&options, &table), 0);
	CU_ASSERT_FALSE(is_shared());
	CU_ASSERT_PTR_NULL(lull_table_problem(table));
	hold("gpt-4o");
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_EQUAL(state_of("gpt-4o"), LULL_STATE_HELD);
	CU_ASSERT_EQUAL(access(path, F_OK), -1);
	end();
}

static void test_disabled_works_and_is_a_problem(void)
{
	begin_without_table();
	(void)setenv("LULL_DISABLE", "1", 1);
	CU_ASSERT_EQUAL_FATAL(lull_table_open(&options, &table), 0);
	CU_ASSERT_TRUE(problem_says("LULL_DISABLE"));
	CU_ASSERT_FALSE(is_shared());
	CU_ASSERT_STRING_EQUAL(info_of(table).path, path);
	played.ahead_s = 60;
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_TRUE(problem_says("LULL_DISABLE"));
	hold("gpt-4o");
	CU_ASSERT_EQUAL(state_of("gpt-4o"), LULL_STATE_HELD);
	end();
}

static void test_a_senseless_environment_is_a_problem(void)
{
	begin_without_table();
	(void)setenv("LULL_SHM_NAME", "a/b", 1);
	CU_ASSERT_EQUAL_FATAL(lull_table_open(NULL, &table), 0);
	CU_ASSERT_TRUE(problem_says("LULL_SHM_NAME is \"a/b\""));
	CU_ASSERT_FALSE(is_shared());
	end();
}

/* ------------------------------------------------------------------ following the segment */

static void test_a_deleted_segment_is_made_anew(void)
{
	uint64_t before;

	begin();
	before = info_of(table).create_id;
	hold("gpt-4o");
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL(state_of("gpt-4o"), LULL_STATE_HELD); /* the mapping still works */
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_TRUE(is_shared());
	CU_ASSERT_NOT_EQUAL(info_of(table).create_id, before);
	CU_ASSERT_EQUAL(state_of("gpt-4o"), LULL_STATE_READY);
	CU_ASSERT_EQUAL(mappings(), 1);
	CU_ASSERT_TRUE(problem_says("was deleted while in use"));
	/* which is news for a moment only */
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_TRUE(problem_says("was deleted while in use"));
	played.ahead_s = 10;
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_PTR_NULL(lull_table_problem(table));
	CU_ASSERT_TRUE(is_shared());
	end();
}

static void test_a_segment_made_anew_by_another_is_joined(void)
{
	struct lull_table *other;

	begin();
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL_FATAL(lull_table_open(&options, &other), 0);
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_EQUAL(info_of(table).create_id, info_of(other).create_id);
	CU_ASSERT_PTR_NULL(lull_table_problem(table));
	lull_table_close(other);
	end();
}

static void test_a_reset_segment_is_left(void)
{
	uint64_t before;

	begin();
	before = info_of(table).create_id;
	hold("gpt-4o");
	options.slot_count = 32;
	reset();
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_NOT_EQUAL(info_of(table).create_id, before);
	CU_ASSERT_EQUAL(info_of(table).slot_count, 32);
	CU_ASSERT_EQUAL(state_of("gpt-4o"), LULL_STATE_READY);
	CU_ASSERT_PTR_NULL(lull_table_problem(table));
	end();
}

static void test_the_retired_mark_alone_is_enough(void)
{
	struct segment *old;

	begin();
	old = table_pin(table);
	atomic_store(&old->header->retired, 1); /* the name, seen from here, has not changed */
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_NOT_EQUAL(lull_table_serial(table), segment_serial(old));
	segment_unpin(old);
	end();
}

static void test_a_segment_truncated_in_use_is_repaired(void)
{
	static const off_t lengths[] = {0, 100, 4096};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		begin();
		CU_ASSERT_EQUAL(truncate(path, lengths[i]), 0);
		CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
		CU_ASSERT_TRUE(is_shared());
		CU_ASSERT_TRUE(problem_says("replaced by an empty table"));
		hold("gpt-4o");
		CU_ASSERT_EQUAL(state_of("gpt-4o"), LULL_STATE_HELD);
		end();
	}
}

static void test_a_damaged_segment_is_repaired_with_one_sentence(void)
{
	begin();
	lull_table_close(table);
	CU_ASSERT_EQUAL(truncate(path, 1000), 0);
	table = scratch_table(16);
	CU_ASSERT_TRUE(is_shared());
	CU_ASSERT_TRUE(problem_says("has the wrong length (1000 bytes)"));
	CU_ASSERT_TRUE(problem_says(path));
	end();
}

static void test_an_unchanged_segment_is_kept(void)
{
	struct segment *first, *second;

	begin();
	first = table_pin(table);
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	second = table_pin(table);
	CU_ASSERT_PTR_EQUAL(first, second);
	segment_unpin(first);
	segment_unpin(second);
	end();
}

static void test_an_old_mapping_stays_while_somebody_stands_on_it(void)
{
	struct lull_slot *slot;
	struct segment *pinned;

	begin();
	hold("gpt-4o");
	CU_ASSERT_EQUAL_FATAL(lull_slot_open(table, NAME, "gpt-4o", &slot), 0);
	pinned = table_pin(table);
	reset();
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_EQUAL(mappings(), 2);
	CU_ASSERT_EQUAL(lull_slot_ready_in_ms(slot), LULL_NEVER);
	lull_slot_close(slot);
	CU_ASSERT_EQUAL(mappings(), 2);
	segment_unpin(pinned);
	CU_ASSERT_EQUAL(mappings(), 1);
	end();
}

static void test_a_slot_may_outlive_its_table(void)
{
	struct lull_slot *slot;

	begin();
	CU_ASSERT_EQUAL_FATAL(lull_slot_open(table, NAME, "gpt-4o", &slot), 0);
	lull_table_close(table);
	table = NULL;
	CU_ASSERT_EQUAL(mappings(), 1);
	CU_ASSERT_EQUAL(lull_slot_ready_in_ms(slot), 0);
	lull_slot_close(slot);
	CU_ASSERT_EQUAL(mappings(), 0);
	end();
}

static void test_too_many_old_mappings_keep_the_handle_where_it_is(void)
{
	struct lull_slot *slots[40];
	uint64_t last = 0;

	begin();
	for (int i = 0; i < 40; i++) {
		CU_ASSERT_EQUAL_FATAL(lull_slot_open(table, NAME, "gpt-4o", &slots[i]), 0);
		last = info_of(table).create_id;
		reset();
		CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	}
	CU_ASSERT_EQUAL(info_of(table).create_id, last);
	CU_ASSERT_EQUAL(mappings(), 32);
	lull_slot_close(slots[0]);
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_NOT_EQUAL(info_of(table).create_id, last);
	for (int i = 1; i < 40; i++)
		lull_slot_close(slots[i]);
	CU_ASSERT_EQUAL(mappings(), 1);
	end();
}

/* ------------------------------------------------------------------ local for want of a segment */

static void test_without_a_segment_it_works_and_tries_again_after_10_s(void)
{
	begin_without_table();
	played.open_errno = EMFILE;
	CU_ASSERT_EQUAL_FATAL(lull_table_open(&options, &table), 0);
	CU_ASSERT_FALSE(is_shared());
	CU_ASSERT_TRUE(problem_says("cooldowns are not shared with other processes: cannot open"));
	hold("gpt-4o");
	played.ahead_s = 10;
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_FALSE(is_shared());
	/* a try that fails again costs nothing that was known */
	CU_ASSERT_EQUAL(state_of("gpt-4o"), LULL_STATE_HELD);
	played.open_errno = 0;
	played.ahead_s = 19;
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_FALSE(is_shared());
	played.ahead_s = 20;
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_TRUE(is_shared());
	CU_ASSERT_PTR_NULL(lull_table_problem(table));
	CU_ASSERT_EQUAL(state_of("gpt-4o"), LULL_STATE_READY);
	end();
}

static void test_a_strangers_segment_is_not_joined(void)
{
	if (geteuid() != 0) {
		printf(" (needs root) ");
		return;
	}
	begin();
	lull_table_close(table);
	CU_ASSERT_EQUAL(chown(path, STRANGER, STRANGER), 0);
	table = scratch_table(16);
	CU_ASSERT_FALSE(is_shared());
	CU_ASSERT_TRUE(problem_says("belongs to user 54321, expected user 0"));
	CU_ASSERT_EQUAL(lull_table_make(&options, NULL, error, sizeof(error)), -EACCES);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "belongs to user 54321"));
	CU_ASSERT_EQUAL(chown(path, 0, 0), 0);
	played.ahead_s = 10;
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_TRUE(is_shared());
	end();
}

static void test_a_segment_that_became_a_strangers_is_left(void)
{
	if (geteuid() != 0) {
		printf(" (needs root) ");
		return;
	}
	begin();
	hold("gpt-4o");
	reset();
	CU_ASSERT_EQUAL(chown(path, STRANGER, STRANGER), 0);
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_FALSE(is_shared());
	CU_ASSERT_TRUE(problem_says("belongs to user"));
	end();
}

static void test_attach_only_waits_for_somebody_to_make_it(void)
{
	struct lull_table *maker;

	begin_without_table();
	options.flags = LULL_TABLE_NO_CREATE;
	CU_ASSERT_EQUAL_FATAL(lull_table_open(&options, &table), 0);
	CU_ASSERT_FALSE(is_shared());
	CU_ASSERT_PTR_NULL(lull_table_problem(table));
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_FALSE(is_shared());
	CU_ASSERT_EQUAL(access(path, F_OK), -1);
	maker = scratch_table(16);
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_TRUE(is_shared());
	/* and when it is deleted, none is made */
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_FALSE(is_shared());
	CU_ASSERT_PTR_NULL(lull_table_problem(table));
	lull_table_close(maker);
	end();
}

static void test_read_only_without_a_segment_is_empty_and_read_only(void)
{
	begin_without_table();
	options.flags = LULL_TABLE_READ_ONLY;
	CU_ASSERT_EQUAL_FATAL(lull_table_open(&options, &table), 0);
	CU_ASSERT_PTR_NULL(lull_table_problem(table));
	CU_ASSERT_EQUAL(lull_key_hold(table, NAME, "x", 1), -EROFS);
	end();
}

/* ------------------------------------------------------------------ threads and forks at a refresh
 */

static void *refresh_thread(void *unused)
{
	(void)lull_table_refresh(table);
	return unused;
}

/* One thread is in the middle of replacing; the others neither wait nor do it too. */
static void test_only_one_thread_replaces_and_nobody_waits(void)
{
	pthread_t thread;
	uint64_t before;
	int status = -1;

	begin();
	before = info_of(table).create_id;
	(void)sem_init(&played.stopped, 0, 0);
	(void)sem_init(&played.go_on, 0, 0);
	reset();
	played.stops_at = path;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, refresh_thread, NULL), 0);
	(void)sem_wait(&played.stopped);
	CU_ASSERT_EQUAL(lull_table_refresh(table), 0);
	CU_ASSERT_EQUAL(info_of(table).create_id, before);
	/* a child forked right now has no such thread: it replaces by itself */
	if (fork() == 0) {
		(void)lull_table_refresh(table);
		_exit(info_of(table).create_id != before ? 0 : 1);
	}
	(void)wait(&status);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	(void)sem_post(&played.go_on);
	(void)pthread_join(thread, NULL);
	CU_ASSERT_NOT_EQUAL(info_of(table).create_id, before);
	CU_ASSERT_EQUAL(mappings(), 1);
	end();
}

static void test_a_child_shares_its_parents_table(void)
{
	int status = -1;

	begin();
	if (fork() == 0)
		_exit(lull_key_hold(table, NAME, "gpt-4o", lull_clock_ms()));
	(void)wait(&status);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CU_ASSERT_EQUAL(state_of("gpt-4o"), LULL_STATE_HELD);
	end();
}

/* ------------------------------------------------------------------ an operator's verbs */

static void test_make_says_whether_it_was_there(void)
{
	int created = -1;

	begin_without_table();
	CU_ASSERT_EQUAL(lull_table_make(&options, &created, error, sizeof(error)), 0);
	CU_ASSERT_EQUAL(created, 1);
	CU_ASSERT_EQUAL(lull_table_make(&options, &created, error, sizeof(error)), 0);
	CU_ASSERT_EQUAL(created, 0);
	CU_ASSERT_EQUAL(mappings(), 0);
	CU_ASSERT_EQUAL(truncate(path, 0), 0);
	CU_ASSERT_EQUAL(lull_table_make(&options, &created, NULL, 0), 0);
	CU_ASSERT_EQUAL(created, 1);
	options.flags = LULL_TABLE_LOCAL | LULL_TABLE_READ_ONLY; /* make no sense here */
	CU_ASSERT_EQUAL(lull_table_make(&options, NULL, error, sizeof(error)), 0);
	end();
}

static void test_make_and_reset_say_why_not(void)
{
	begin_without_table();
	options.name = "a/b";
	CU_ASSERT_EQUAL(lull_table_make(&options, NULL, error, sizeof(error)), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "a/b"));
	options.name = "test";
	options.slot_count = 3;
	CU_ASSERT_EQUAL(lull_table_reset(&options, error, sizeof(error)), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "power of two"));
	options.slot_count = 0;
	(void)setenv("LULL_DISABLE", "1", 1);
	CU_ASSERT_EQUAL(lull_table_reset(&options, error, sizeof(error)), -ECANCELED);
	CU_ASSERT_STRING_EQUAL(error, "LULL_DISABLE is set");
	CU_ASSERT_EQUAL(lull_table_make(&options, NULL, NULL, 0), -ECANCELED);
	(void)unsetenv("LULL_DISABLE");
	played.open_errno = EACCES;
	CU_ASSERT_EQUAL(lull_table_reset(&options, error, sizeof(error)), -EACCES);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, path));
	end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_a_table_opens_shared),
		CUNIT_TEST(test_bad_options_are_the_callers_mistake),
		CUNIT_TEST(test_no_memory_at_all_is_an_error),
		CUNIT_TEST(test_local_on_purpose_is_no_problem),
		CUNIT_TEST(test_disabled_works_and_is_a_problem),
		CUNIT_TEST(test_a_senseless_environment_is_a_problem),
		CUNIT_TEST(test_a_deleted_segment_is_made_anew),
		CUNIT_TEST(test_a_segment_made_anew_by_another_is_joined),
		CUNIT_TEST(test_a_reset_segment_is_left),
		CUNIT_TEST(test_the_retired_mark_alone_is_enough),
		CUNIT_TEST(test_a_segment_truncated_in_use_is_repaired),
		CUNIT_TEST(test_a_damaged_segment_is_repaired_with_one_sentence),
		CUNIT_TEST(test_an_unchanged_segment_is_kept),
		CUNIT_TEST(test_an_old_mapping_stays_while_somebody_stands_on_it),
		CUNIT_TEST(test_a_slot_may_outlive_its_table),
		CUNIT_TEST(test_too_many_old_mappings_keep_the_handle_where_it_is),
		CUNIT_TEST(test_without_a_segment_it_works_and_tries_again_after_10_s),
		CUNIT_TEST(test_a_strangers_segment_is_not_joined),
		CUNIT_TEST(test_a_segment_that_became_a_strangers_is_left),
		CUNIT_TEST(test_attach_only_waits_for_somebody_to_make_it),
		CUNIT_TEST(test_read_only_without_a_segment_is_empty_and_read_only),
		CUNIT_TEST(test_only_one_thread_replaces_and_nobody_waits),
		CUNIT_TEST(test_a_child_shares_its_parents_table),
		CUNIT_TEST(test_make_says_whether_it_was_there),
		CUNIT_TEST(test_make_and_reset_say_why_not),
	};

	return CUNIT_MAIN("table", tests);
}
