/* SPDX-License-Identifier: MIT */
/*
 * The clock: boottime of the host in every time namespace, right again after fork. What /proc says
 * is played by files of the test; one test enters a real time namespace where it may.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <lull/table.h>

#include "clock.h"
#include "cunit_main.h"

#define SKIP     77
#define OFFSETS  "/proc/self/timens_offsets"
#define BOOT_ID  "/proc/sys/kernel/random/boot_id"
#define CLOSE_MS 2000 /* two readings, one after the other, on a busy machine */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_madvise(void *address, size_t size, int advice);
int __real_madvise(void *address, size_t size, int advice);

/* What a path of /proc is to say; NULL text: it cannot be opened. */
static struct {
	const char *path, *text;
} played;
static bool madvise_fails;
static const char *program; /* argv[0] */

int __wrap_open(const char *path, int flags, ...)
{
	int fds[2];

	if (!played.path || strcmp(path, played.path) != 0)
		return __real_open(path, flags);
	if (!played.text || pipe(fds) != 0) {
		errno = ENOENT;
		return -1;
	}
	(void)!write(fds[1], played.text, strlen(played.text));
	(void)close(fds[1]);
	return fds[0];
}

int __wrap_madvise(void *address, size_t size, int advice)
{
	if (!madvise_fails)
		return __real_madvise(address, size, advice);
	errno = EINVAL;
	return -1;
}

static uint64_t here_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* What a child of this process reads as lull_clock_ms(), seen from this process's boottime. */
static int64_t child_shift_ms(void)
{
	int64_t shift = INT64_MIN;
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	if (fork() == 0) {
		shift = (int64_t)(lull_clock_ms() - here_ms());
		_exit(write(fds[1], &shift, sizeof(shift)) != sizeof(shift));
	}
	CU_ASSERT_EQUAL(read(fds[0], &shift, sizeof(shift)), sizeof(shift));
	(void)close(fds[0]);
	(void)close(fds[1]);
	(void)wait(NULL);
	return shift;
}

static bool is_close(int64_t a_ms, int64_t b_ms)
{
	return a_ms - b_ms < CLOSE_MS && b_ms - a_ms < CLOSE_MS;
}

static uint64_t child_boot_hash(const char *boot_id)
{
	uint64_t hash = 0;
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	played.path = BOOT_ID;
	played.text = boot_id;
	if (fork() == 0) {
		hash = clock_boot_hash();
		_exit(write(fds[1], &hash, sizeof(hash)) != sizeof(hash));
	}
	played.path = NULL;
	CU_ASSERT_EQUAL(read(fds[0], &hash, sizeof(hash)), sizeof(hash));
	(void)close(fds[0]);
	(void)close(fds[1]);
	(void)wait(NULL);
	return hash;
}

/* First: it wants a process that has not read the boot id yet. */
static void test_boot_hash_is_of_the_boot_id(void)
{
	uint64_t hash = child_boot_hash("3c8f7c1e-0000-4000-8000-000000000001\n");

	CU_ASSERT(hash > CLOCK_BOOT_UNKNOWN);
	CU_ASSERT_EQUAL(child_boot_hash("3c8f7c1e-0000-4000-8000-000000000001\n"), hash);
	CU_ASSERT_NOT_EQUAL(child_boot_hash("3c8f7c1e-0000-4000-8000-000000000002\n"), hash);
	CU_ASSERT_EQUAL(child_boot_hash(NULL), CLOCK_BOOT_UNKNOWN);
	CU_ASSERT(clock_boot_hash() > CLOCK_BOOT_UNKNOWN);
	CU_ASSERT_EQUAL(clock_boot_hash(), clock_boot_hash());
}

static void test_boot_key_is_stable_within_a_boot(void)
{
	uint64_t a[2], b[2];

	clock_boot_key(a);
	clock_boot_key(b);
	CU_ASSERT_EQUAL(memcmp(a, b, sizeof(a)), 0);
	CU_ASSERT_NOT_EQUAL(a[0], a[1]);
}

static void test_clock_is_boottime(void)
{
	uint64_t before = here_ms(), now = lull_clock_ms(), after = here_ms();

	CU_ASSERT(now >= before && now <= after);
	now = clock_boottime_ns();
	CU_ASSERT(clock_boottime_ns() >= now);
}

static void test_offsets_are_taken_away(void)
{
	static const struct {
		const char *text;
		int64_t shift_ms;
	} cases[] = {
		{"monotonic           0         0\nboottime            0         0\n", 0},
		{"monotonic        7000         0\nboottime           20         0\n", -20000},
		{"monotonic           0         0\nboottime           20 500000000\n", -20500},
		{"boottime -50 250000000\n", 49750},
		{"boottime\n", 0},
		{"boottime x y\n", 0},
		{"nothing of interest\n", 0},
		{"", 0},
		{NULL, 0},
	};

	(void)lull_clock_ms(); /* this process knows its own; its children must not believe that */
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		played.path = OFFSETS;
		played.text = cases[i].text;
		CU_ASSERT(is_close(child_shift_ms(), cases[i].shift_ms));
		played.path = NULL;
	}
	CU_ASSERT(is_close((int64_t)(lull_clock_ms() - here_ms()), 0));
}

/* Runs f in a child, which answers by its exit status. */
static int in_child(int (*f)(void))
{
	int status = -1;

	if (fork() == 0)
		_exit(f());
	(void)wait(&status);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int pid_is_right(void)
{
	return clock_pid() == (uint32_t)getpid() ? 0 : 1;
}

static int errno_is_kept(void)
{
	errno = EXDEV;
	(void)lull_clock_ms();
	return errno == EXDEV ? 0 : 1;
}

static void test_pid_is_the_childs_after_fork(void)
{
	CU_ASSERT_EQUAL(pid_is_right(), 0);
	CU_ASSERT_EQUAL(in_child(pid_is_right), 0);
	CU_ASSERT_EQUAL(pid_is_right(), 0);
}

static void test_errno_is_kept(void)
{
	played.path = OFFSETS;
	played.text = NULL;
	CU_ASSERT_EQUAL(in_child(errno_is_kept), 0);
	played.path = NULL;
}

static int read_anew_each_time(void)
{
	played.path = OFFSETS;
	played.text = "boottime 10 0\n";
	if (!is_close((int64_t)(lull_clock_ms() - here_ms()), -10000))
		return 1;
	played.text = "boottime 20 0\n";
	if (!is_close((int64_t)(lull_clock_ms() - here_ms()), -20000))
		return 2;
	return pid_is_right();
}

/* Executed anew, so that it has no page yet; argv[1] says so. */
static void test_a_kernel_that_cannot_wipe_keeps_nothing(void)
{
	int status = -1;

	if (fork() == 0) {
		(void)execl(program, program, "cannot-wipe", (char *)NULL);
		_exit(127);
	}
	(void)wait(&status);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* In a fresh time namespace 1000 s ahead; its grandchild reads the clock there. */
static int real_time_namespace(void)
{
	uint64_t host_ms = lull_clock_ms();
	int fd, status = -1;

	if (unshare(CLONE_NEWTIME) != 0)
		return SKIP;
	fd = __real_open(OFFSETS, O_WRONLY);
	if (fd < 0 || write(fd, "boottime 1000 0", 15) != 15)
		return SKIP;
	(void)close(fd);
	if (fork() == 0) {
		if (here_ms() < host_ms + 900000)
			_exit(2); /* not in there */
		_exit(is_close((int64_t)lull_clock_ms(), (int64_t)host_ms) ? 0 : 1);
	}
	(void)wait(&status);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

static void test_clock_in_a_real_time_namespace(void)
{
	int result = in_child(real_time_namespace);

	if (result == SKIP)
		printf(" (no time namespaces here) ");
	CU_ASSERT(result == 0 || result == SKIP);
}

int main(int argc, char **argv)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_boot_hash_is_of_the_boot_id),
		CUNIT_TEST(test_boot_key_is_stable_within_a_boot),
		CUNIT_TEST(test_clock_is_boottime),
		CUNIT_TEST(test_offsets_are_taken_away),
		CUNIT_TEST(test_pid_is_the_childs_after_fork),
		CUNIT_TEST(test_errno_is_kept),
		CUNIT_TEST(test_a_kernel_that_cannot_wipe_keeps_nothing),
		CUNIT_TEST(test_clock_in_a_real_time_namespace),
	};

	program = argv[0];
	if (argc > 1 && strcmp(argv[1], "cannot-wipe") == 0) {
		madvise_fails = true;
		return read_anew_each_time();
	}
	return CUNIT_MAIN("clock", tests);
}
