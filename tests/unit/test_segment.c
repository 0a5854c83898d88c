/* SPDX-License-Identifier: MIT */
/*
 * The segment as a file: every way to make it, every step that can fail or be the last of a killed
 * process, and everything that can be found under its name.
 *
 * The library's system calls go through the wrappers below, which can fail, or kill the process.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "cunit_main.h"
#include "hash.h"
#include "mapping.h"
#include "scratch_table.h"

#define STRANGER 54321u

/* ------------------------------------------------------------------ system calls that fail or kill
 */

enum call {
	OPEN_NAMELESS,
	OPEN_NEW,
	OPEN_OLD,
	FALLOCATE,
	PWRITE,
	PREAD,
	FCHOWN,
	FCHMOD,
	LINK_PROC,
	LINK_FD,
	RENAMEAT2,
	LINK,
	RENAME,
	UNLINK,
	MMAP,
	GETRANDOM,
	CALLS
};
static int fail_with[CALLS]; /* errno; 0: the real call */
static int calls_left;       /* to the one that kills; 0: none does */

/* Whether the call fails by order of the test; kills the process if its time has come. */
static bool falls(enum call call)
{
	if (calls_left > 0 && --calls_left == 0)
		(void)raise(SIGKILL);
	errno = fail_with[call];
	return fail_with[call] != 0;
}

/* Declares the real function and the one that the library calls in its place. */
#define WRAP(type, name, ...)            \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

WRAP(int, open, const char *path, int flags, ...)
{
	bool nameless = (flags & O_TMPFILE) == O_TMPFILE;
	mode_t mode = 0;
	va_list args;

	if (nameless || flags & O_CREAT) {
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	if (falls(nameless ? OPEN_NAMELESS : flags & O_CREAT ? OPEN_NEW : OPEN_OLD))
		return -1;
	return __real_open(path, flags, mode);
}

WRAP(int, posix_fallocate, int fd, off_t offset, off_t length)
{
	return falls(FALLOCATE) ? errno : __real_posix_fallocate(fd, offset, length);
}

WRAP(ssize_t, pwrite, int fd, const void *bytes, size_t size, off_t offset)
{
	return falls(PWRITE) ? -1 : __real_pwrite(fd, bytes, size, offset);
}

WRAP(ssize_t, pread, int fd, void *bytes, size_t size, off_t offset)
{
	return falls(PREAD) ? -1 : __real_pread(fd, bytes, size, offset);
}

WRAP(int, fchown, int fd, uid_t uid, gid_t gid)
{
	return falls(FCHOWN) ? -1 : __real_fchown(fd, uid, gid);
}

WRAP(int, fchmod, int fd, mode_t mode)
{
	return falls(FCHMOD) ? -1 : __real_fchmod(fd, mode);
}

WRAP(int, linkat, int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	if (falls(flags & AT_EMPTY_PATH ? LINK_FD : LINK_PROC))
		return -1;
	return __real_linkat(from_fd, from, to_fd, to, flags);
}

WRAP(int, renameat2, int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	return falls(RENAMEAT2) ? -1 : __real_renameat2(from_fd, from, to_fd, to, flags);
}

WRAP(int, link, const char *from, const char *to)
{
	return falls(LINK) ? -1 : __real_link(from, to);
}

WRAP(int, rename, const char *from, const char *to)
{
	return falls(RENAME) ? -1 : __real_rename(from, to);
}

WRAP(int, unlink, const char *path)
{
	return falls(UNLINK) ? -1 : __real_unlink(path);
}

WRAP(void *, mmap, void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	return falls(MMAP) ? MAP_FAILED : __real_mmap(at, size, protection, flags, fd, offset);
}

WRAP(ssize_t, getrandom, void *bytes, size_t size, unsigned flags)
{
	return falls(GETRANDOM) ? -1 : __real_getrandom(bytes, size, flags);
}

/* ------------------------------------------------------------------ helpers */

static struct scratch scratch;
static struct place place; /* of the table "test" in the scratch directory */
static struct problem problem;

static void begin(void)
{
	memset(fail_with, 0, sizeof(fail_with));
	calls_left = 0;
	scratch_make(&scratch);
	place = (struct place){
		.slot_count = LAYOUT_SLOTS_MIN, .uid = geteuid(), .may_create = true};
	(void)snprintf(place.path, sizeof(place.path), "%s/test", scratch.dir);
	problem.text[0] = '\0';
}

static void end(void)
{
	memset(fail_with, 0, sizeof(fail_with));
	calls_left = 0;
	scratch_remove(&scratch);
}

static int files_in_scratch(void)
{
	DIR *dir = opendir(scratch.dir);
	int count = -2; /* . and .. */

	if (!dir)
		return -1;
	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count;
}

/* Maps and unmaps; what segment_map_shared() said. */
static int obtain(void)
{
	struct segment segment = {0};
	int origin = segment_map_shared(&segment, &place, &problem);

	segment_unmap(&segment);
	return origin;
}

static struct stat stat_of(const char *path)
{
	struct stat st = {0};

	CU_ASSERT_EQUAL(lstat(path, &st), 0);
	return st;
}

static struct layout_header header_read(void)
{
	struct layout_header header;
	int fd = open(place.path, O_RDONLY);

	CU_ASSERT_EQUAL(read(fd, &header, sizeof(header)), sizeof(header));
	(void)close(fd);
	return header;
}

static void header_sign(struct layout_header *header)
{
	uint64_t words[offsetof(struct layout_header, sum) / 8];

	memcpy(words, header, sizeof(words));
	header->sum = hash_words(words, sizeof(words) / 8);
}

static void header_write(const struct layout_header *header)
{
	int fd = open(place.path, O_WRONLY);

	CU_ASSERT_EQUAL(write(fd, header, sizeof(*header)), sizeof(*header));
	(void)close(fd);
}

static void file_write(const char *text)
{
	int fd = open(place.path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static bool problem_says(const char *words)
{
	bool says = strstr(problem.text, words) != NULL;

	if (!says)
		printf("\n    expected \"%s\" in: %s", words, problem.text);
	return says;
}

/* ------------------------------------------------------------------ making */

static void test_a_segment_is_made_whole(void)
{
	struct segment segment;
	struct stat st;

	begin();
	CU_ASSERT_EQUAL_FATAL(segment_map_shared(&segment, &place, &problem), SEGMENT_MADE);
	st = stat_of(place.path);
	CU_ASSERT_EQUAL(st.st_mode, S_IFREG | 0600);
	CU_ASSERT_EQUAL(st.st_uid, geteuid());
	CU_ASSERT_EQUAL(st.st_nlink, 1);
	CU_ASSERT_EQUAL(st.st_size, 256 + 16 * 1024 + 1024 * 64);
	CU_ASSERT_EQUAL((uint64_t)st.st_blocks * 512 / (uint64_t)st.st_size, 1); /* no holes */
	CU_ASSERT_EQUAL(segment.size_bytes, (size_t)st.st_size);
	CU_ASSERT_EQUAL(segment.slot_count, LAYOUT_SLOTS_MIN);
	CU_ASSERT_TRUE(segment.shared);
	CU_ASSERT_FALSE(segment.read_only);
	CU_ASSERT_EQUAL(segment.ino, st.st_ino);
	CU_ASSERT_EQUAL(segment.create_id, header_read().create_id);
	CU_ASSERT_EQUAL(files_in_scratch(), 1);
	segment_unmap(&segment);
	CU_ASSERT_EQUAL(obtain(), SEGMENT_FOUND);
	end();
}

static void test_the_umask_has_no_say(void)
{
	mode_t before;

	begin();
	before = umask(0777);
	CU_ASSERT_EQUAL(obtain(), SEGMENT_MADE);
	(void)umask(before);
	CU_ASSERT_EQUAL(stat_of(place.path).st_mode, S_IFREG | 0600);
	end();
}

/* Calls that fail on some hosts, and how it is made there all the same. */
static void test_every_way_to_make_it_works(void)
{
	static const struct {
		const char *host;
		enum call fails[4];
		int errors[4];
	} hosts[] = {
		{"no /proc", {LINK_PROC}, {ENOENT}},
		{"no nameless files", {OPEN_NAMELESS}, {EOPNOTSUPP}},
		{"no way to name them", {LINK_PROC, LINK_FD}, {ENOENT, ENOENT}},
		{"no renameat2", {OPEN_NAMELESS, RENAMEAT2}, {EISDIR, EINVAL}},
		{"no random numbers", {GETRANDOM, OPEN_NAMELESS}, {ENOSYS, EOPNOTSUPP}},
	};

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		begin();
		for (int k = 0; k < 4 && hosts[i].errors[k]; k++)
			fail_with[hosts[i].fails[k]] = hosts[i].errors[k];
		CU_ASSERT_EQUAL(obtain(), SEGMENT_MADE);
		CU_ASSERT_EQUAL(stat_of(place.path).st_nlink, 1);
		CU_ASSERT_EQUAL(files_in_scratch(), 1);
		/* and over a name that is taken */
		CU_ASSERT_EQUAL(segment_reset(&place, &problem), 0);
		CU_ASSERT_EQUAL(files_in_scratch(), 1);
		CU_ASSERT_EQUAL(obtain(), SEGMENT_FOUND);
		end();
	}
}

/* Without a look at the limit, SIGXFSZ would have ended this program. */
static void test_a_limit_on_file_sizes_is_told(void)
{
	struct rlimit before, small;

	begin();
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){.rlim_cur = 4096, .rlim_max = before.rlim_max};
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &small), 0);
	CU_ASSERT_EQUAL(obtain(), -EFBIG);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &before), 0);
	CU_ASSERT_TRUE(problem_says(strerror(EFBIG)));
	CU_ASSERT_EQUAL(files_in_scratch(), 0);
	end();
}

static void test_what_cannot_be_made_is_told_and_leaves_nothing(void)
{
	static const struct {
		enum call call;
		int error;
		bool over; /* in a reset */
	} cases[] = {
		{FALLOCATE, ENOSPC, false}, {FALLOCATE, EINTR, false}, {PWRITE, EIO, false},
		{FCHMOD, EPERM, false},     {FALLOCATE, ENOSPC, true}, {RENAME, EPERM, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin();
		fail_with[cases[i].call] = cases[i].error;
		CU_ASSERT_EQUAL(cases[i].over ? segment_reset(&place, &problem) : obtain(),
				-cases[i].error);
		CU_ASSERT_TRUE(problem_says(place.path));
		CU_ASSERT_TRUE(problem_says(strerror(cases[i].error)));
		CU_ASSERT_EQUAL(files_in_scratch(), 0);
		end();
	}
}

static void test_no_directory_and_no_memory_are_told(void)
{
	begin();
	(void)snprintf(place.path, sizeof(place.path), "%s/none/test", scratch.dir);
	CU_ASSERT_EQUAL(obtain(), -ENOENT);
	CU_ASSERT_TRUE(problem_says("cannot make"));
	end();

	begin();
	CU_ASSERT_EQUAL(obtain(), SEGMENT_MADE);
	fail_with[MMAP] = ENOMEM;
	CU_ASSERT_EQUAL(obtain(), -ENOMEM);
	CU_ASSERT_TRUE(problem_says("cannot map"));
	CU_ASSERT_EQUAL(segment_map_local(&(struct segment){0}, 16), -ENOMEM);
	end();

	begin();
	CU_ASSERT_EQUAL(obtain(), SEGMENT_MADE);
	fail_with[PREAD] = EIO;
	CU_ASSERT_EQUAL(obtain(), -EIO);
	CU_ASSERT_TRUE(problem_says("cannot read"));
	end();

	begin();
	fail_with[OPEN_OLD] = EMFILE;
	CU_ASSERT_EQUAL(obtain(), -EMFILE);
	CU_ASSERT_TRUE(problem_says("cannot open"));
	end();
}

/* Runs the making in a child that is killed at its n-th system call; false: it got through. */
static bool killed_at(int n, int (*make)(void))
{
	int status = 0;

	(void)fflush(stdout);
	if (fork() == 0) {
		calls_left = n;
		_exit(make() < 0);
	}
	(void)wait(&status);
	CU_ASSERT(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

static int reset(void)
{
	return segment_reset(&place, &problem);
}

static void test_a_creator_killed_anywhere_leaves_nothing_or_all(void)
{
	bool killed = true;
	int n;

	for (n = 1; killed; n++) {
		begin();
		killed = killed_at(n, obtain);
		CU_ASSERT(files_in_scratch() <= 1);
		CU_ASSERT(access(place.path, F_OK) != 0 || obtain() == SEGMENT_FOUND);
		CU_ASSERT(obtain() >= 0);
		end();
	}
	CU_ASSERT(n > 6); /* it was killed at all */
}

static void test_a_killed_reset_leaves_the_old_or_the_new(void)
{
	bool killed = true;

	for (int n = 1; killed; n++) {
		begin();
		CU_ASSERT_EQUAL(obtain(), SEGMENT_MADE);
		killed = killed_at(n, reset);
		CU_ASSERT_EQUAL(obtain(), SEGMENT_FOUND);
		end();
	}
}

/* On a filesystem without nameless files a killed creator may leave a draft, never half a table. */
static void test_a_killed_creator_of_named_drafts_leaves_no_half(void)
{
	bool killed = true;

	for (int n = 1; killed; n++) {
		begin();
		fail_with[OPEN_NAMELESS] = EOPNOTSUPP;
		killed = killed_at(n, obtain);
		CU_ASSERT(access(place.path, F_OK) != 0 || obtain() == SEGMENT_FOUND);
		end();
	}
}

/* The losers of the race find the winner's. */
static int obtain_create_id(uint64_t *ret_create_id)
{
	struct segment segment = {0};
	int origin = segment_map_shared(&segment, &place, &problem);

	*ret_create_id = segment.create_id;
	segment_unmap(&segment);
	return origin;
}

static void test_all_of_a_race_get_one_segment(void)
{
	enum { PROCESSES = 8, ROUNDS = 20 };

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t ids[PROCESSES] = {0};
		int go[2], told[2], made = 0;

		begin();
		CU_ASSERT_EQUAL_FATAL(pipe(go), 0);
		CU_ASSERT_EQUAL_FATAL(pipe(told), 0);
		for (int i = 0; i < PROCESSES; i++) {
			if (fork() == 0) {
				uint64_t said[2];
				char byte;

				(void)close(go[1]);
				(void)!read(go[0], &byte, 1); /* ends for all at once */
				said[1] = (uint64_t)obtain_create_id(&said[0]);
				_exit(write(told[1], said, sizeof(said)) != sizeof(said));
			}
		}
		(void)close(go[0]);
		(void)close(go[1]);
		for (int i = 0; i < PROCESSES; i++) {
			uint64_t said[2] = {0};

			CU_ASSERT_EQUAL(read(told[0], said, sizeof(said)), sizeof(said));
			ids[i] = said[0];
			made += said[1] == SEGMENT_MADE;
			CU_ASSERT_EQUAL(ids[i], ids[0]);
		}
		while (wait(NULL) > 0)
			;
		CU_ASSERT_EQUAL(made, 1);
		CU_ASSERT_EQUAL(files_in_scratch(), 1);
		(void)close(told[0]);
		(void)close(told[1]);
		end();
	}
}

static void test_a_name_that_never_settles_is_given_up(void)
{
	begin();
	fail_with[LINK_PROC] = EEXIST; /* always somebody else's, and always gone again */
	CU_ASSERT_EQUAL(obtain(), -EAGAIN);
	CU_ASSERT_TRUE(problem_says("again and again"));
	CU_ASSERT_EQUAL(files_in_scratch(), 0);
	end();
}

/* ------------------------------------------------------------------ what can be found there */

struct found {
	const char *what;
	void (*put)(struct layout_header *header);
	bool keep_sum;
	int expected;     /* origin or error */
	const char *says; /* NULL: nothing */
};

static void wrong_magic(struct layout_header *h)
{
	h->magic ^= 1;
}
static void other_version(struct layout_header *h)
{
	h->version = 2;
}
static void needs_something(struct layout_header *h)
{
	h->incompat = 4;
}
static void knows_something(struct layout_header *h)
{
	h->compat = 4;
}
static void scribbled(struct layout_header *h)
{
	h->create_id++;
}
static void other_header_size(struct layout_header *h)
{
	h->header_size = 128;
}
static void other_slot_size(struct layout_header *h)
{
	h->slot_size = 512;
}
static void odd_slot_count(struct layout_header *h)
{
	h->slot_count = 17;
}
static void no_slots(struct layout_header *h)
{
	h->slot_count = 0;
}
static void too_many_slots(struct layout_header *h)
{
	h->slot_count = 1u << 31;
}
static void more_slots_than_bytes(struct layout_header *h)
{
	h->slot_count = 32;
}
static void other_ring(struct layout_header *h)
{
	h->ring_count = 1;
}
static void other_total(struct layout_header *h)
{
	h->total_size += 64;
}
static void earlier_boot(struct layout_header *h)
{
	h->boot_hash ^= UINT64_C(1) << 40;
}
static void unknown_boot(struct layout_header *h)
{
	h->boot_hash = CLOCK_BOOT_UNKNOWN;
}

static void test_a_header_must_hold_together(void)
{
	static const struct found cases[] = {
		{"magic", wrong_magic, false, -EPERM, "does not begin like a table"},
		{"version", other_version, false, -EPROTONOSUPPORT, "(layout 2, "},
		{"incompat", needs_something, false, -EPROTONOSUPPORT, "0x4"},
		{"compat", knows_something, false, SEGMENT_FOUND, NULL},
		{"sum", scribbled, true, SEGMENT_REPAIRED, "sum is wrong"},
		{"header_size", other_header_size, false, SEGMENT_REPAIRED, "impossible sizes"},
		{"slot_size", other_slot_size, false, SEGMENT_REPAIRED, "impossible sizes"},
		{"17 slots", odd_slot_count, false, SEGMENT_REPAIRED, "impossible sizes"},
		{"0 slots", no_slots, false, SEGMENT_REPAIRED, "impossible sizes"},
		{"2^31 slots", too_many_slots, false, SEGMENT_REPAIRED, "impossible sizes"},
		{"32 slots", more_slots_than_bytes, false, SEGMENT_REPAIRED, "wrong length"},
		{"ring", other_ring, false, SEGMENT_REPAIRED, "impossible sizes"},
		{"total", other_total, false, SEGMENT_REPAIRED, "wrong length"},
		{"boot", earlier_boot, false, SEGMENT_MADE, NULL},
		{"no boot id", unknown_boot, false, SEGMENT_FOUND, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct layout_header header;
		ino_t before;

		begin();
		CU_ASSERT_EQUAL(obtain(), SEGMENT_MADE);
		before = stat_of(place.path).st_ino;
		header = header_read();
		cases[i].put(&header);
		if (!cases[i].keep_sum)
			header_sign(&header);
		header_write(&header);
		CU_ASSERT_EQUAL(obtain(), cases[i].expected);
		if (cases[i].says)
			CU_ASSERT_TRUE(problem_says(cases[i].says));
		if (cases[i].expected == SEGMENT_MADE || cases[i].expected == SEGMENT_REPAIRED) {
			CU_ASSERT_EQUAL(obtain(), SEGMENT_FOUND);
			CU_ASSERT_EQUAL(files_in_scratch(), 1);
		} else {
			CU_ASSERT_EQUAL(stat_of(place.path).st_ino, before);
		}
		end();
	}
}

static void test_a_wrong_length_is_repaired(void)
{
	static const off_t lengths[] = {
		0, 1, 8, 255, 256, 4096, 256 + 16 * 1024 + 1024 * 64 - 1, 1 << 20};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		begin();
		CU_ASSERT_EQUAL(obtain(), SEGMENT_MADE);
		CU_ASSERT_EQUAL(truncate(place.path, lengths[i]), 0);
		/* one byte of the magic is not enough to know it for a table */
		place.name_is_ours = lengths[i] == 1;
		CU_ASSERT_EQUAL(obtain(), SEGMENT_REPAIRED);
		CU_ASSERT_TRUE(problem_says("bytes)"));
		CU_ASSERT_EQUAL(obtain(), SEGMENT_FOUND);
		end();
	}
}

static void test_a_file_that_is_no_table_is_left_alone(void)
{
	struct stat before;

	begin();
	file_write("a thesis, the only copy");
	before = stat_of(place.path);
	CU_ASSERT_EQUAL(obtain(), -EPERM);
	CU_ASSERT_TRUE(problem_says("cut short"));
	CU_ASSERT_EQUAL(segment_reset(&place, &problem), -EPERM);
	CU_ASSERT_EQUAL(stat_of(place.path).st_ino, before.st_ino);
	CU_ASSERT_EQUAL(stat_of(place.path).st_size, before.st_size);
	/* under the default name nothing but a table was ever meant to be */
	place.name_is_ours = true;
	CU_ASSERT_EQUAL(obtain(), SEGMENT_REPAIRED);
	end();
}

static void test_only_a_regular_file_will_do(void)
{
	begin();
	CU_ASSERT_EQUAL(mkfifo(place.path, 0600), 0);
	CU_ASSERT_EQUAL(obtain(), -EINVAL);
	CU_ASSERT_TRUE(problem_says("not a regular file"));
	end();

	begin();
	CU_ASSERT_EQUAL(mkdir(place.path, 0700), 0);
	CU_ASSERT_EQUAL(obtain(), -EISDIR);
	end();

	begin();
	CU_ASSERT_EQUAL(symlink("/dev/null", place.path), 0);
	CU_ASSERT_EQUAL(obtain(), -ELOOP);
	CU_ASSERT_TRUE(problem_says("cannot open"));
	CU_ASSERT_EQUAL(segment_reset(&place, &problem), -ELOOP);
	end();
}

static void test_a_strangers_file_is_refused(void)
{
	begin();
	CU_ASSERT_EQUAL(obtain(), SEGMENT_MADE);
	place.uid++; /* now it is somebody else's */
	CU_ASSERT_EQUAL(obtain(), -EACCES);
	CU_ASSERT_TRUE(problem_says("belongs to user"));
	CU_ASSERT_EQUAL(segment_reset(&place, &problem), -EACCES);
	CU_ASSERT_EQUAL(truncate(place.path, 0), 0);
	CU_ASSERT_EQUAL(obtain(), -EACCES);
	end();
}

static void test_wrong_mode_bits_are_refused_until_reset(void)
{
	static const mode_t modes[] = {0640, 0604, 0660, 0666, 0700, 01600, 04600};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		begin();
		CU_ASSERT_EQUAL(obtain(), SEGMENT_MADE);
		CU_ASSERT_EQUAL(chmod(place.path, modes[i]), 0);
		CU_ASSERT_EQUAL(obtain(), -EACCES);
		CU_ASSERT_TRUE(problem_says("expected 0600"));
		CU_ASSERT_EQUAL(segment_reset(&place, &problem), 0);
		CU_ASSERT_EQUAL(obtain(), SEGMENT_FOUND);
		end();
	}
}

/* Our own group always; another one where we may give files away. */
static void test_a_group_shares_with_mode_0660(void)
{
	mode_t before = umask(0077);

	begin();
	place.grouped = true;
	place.gid = geteuid() == 0 ? STRANGER : getegid();
	CU_ASSERT_EQUAL(obtain(), SEGMENT_MADE);
	CU_ASSERT_EQUAL(stat_of(place.path).st_mode, S_IFREG | 0660);
	CU_ASSERT_EQUAL(stat_of(place.path).st_gid, place.gid);
	CU_ASSERT_EQUAL(obtain(), SEGMENT_FOUND);
	place.uid++; /* as another member of the group sees it */
	CU_ASSERT_EQUAL(obtain(), SEGMENT_FOUND);
	CU_ASSERT_EQUAL(truncate(place.path, 0), 0);
	CU_ASSERT_EQUAL(obtain(), -EPERM); /* not his to replace */
	place.uid--;
	CU_ASSERT_EQUAL(obtain(), SEGMENT_REPAIRED);
	place.gid++;
	CU_ASSERT_EQUAL(obtain(), -EACCES);
	CU_ASSERT_TRUE(problem_says("belongs to group"));
	end();
	(void)umask(before);
}

static void test_a_group_that_is_not_ours_to_give_is_told(void)
{
	begin();
	place.grouped = true;
	place.gid = STRANGER;
	fail_with[FCHOWN] = EPERM;
	CU_ASSERT_EQUAL(obtain(), -EPERM);
	CU_ASSERT_TRUE(problem_says("shared by a group"));
	CU_ASSERT_EQUAL(files_in_scratch(), 0);
	end();
}

static void test_without_leave_to_create_nothing_is_made(void)
{
	begin();
	place.may_create = false;
	CU_ASSERT_EQUAL(obtain(), -ENOENT);
	CU_ASSERT_EQUAL(files_in_scratch(), 0);
	file_write("");
	CU_ASSERT_EQUAL(obtain(), -EBADMSG);
	CU_ASSERT_EQUAL(stat_of(place.path).st_size, 0);
	end();
}

static void test_read_only_maps_for_reading(void)
{
	struct segment segment;

	begin();
	CU_ASSERT_EQUAL(obtain(), SEGMENT_MADE);
	CU_ASSERT_EQUAL(chmod(place.path, 0400), 0);
	place.read_only = true;
	place.may_create = false;
	CU_ASSERT_EQUAL_FATAL(segment_map_shared(&segment, &place, &problem), SEGMENT_FOUND);
	CU_ASSERT_TRUE(segment.read_only);
	segment_unmap(&segment);
	end();
}

static void test_no_descriptor_is_kept(void)
{
	struct segment segment;
	int before, after;

	begin();
	before = dup(0);
	(void)close(before);
	CU_ASSERT_EQUAL_FATAL(segment_map_shared(&segment, &place, &problem), SEGMENT_MADE);
	after = dup(0);
	(void)close(after);
	CU_ASSERT_EQUAL(before, after);
	segment_unmap(&segment);
	end();
}

/* ------------------------------------------------------------------ reset */

static void test_reset_retires_the_old_one_and_wakes_its_sleepers(void)
{
	struct segment old, fresh;
	uint32_t serial;

	begin();
	CU_ASSERT_EQUAL_FATAL(segment_map_shared(&old, &place, &problem), SEGMENT_MADE);
	serial = atomic_load(&old.header->serial);
	place.slot_count = 64;
	CU_ASSERT_EQUAL(segment_reset(&place, &problem), 0);
	CU_ASSERT_EQUAL(atomic_load(&old.header->retired), 1);
	CU_ASSERT_EQUAL(atomic_load(&old.header->serial), serial + 1);
	CU_ASSERT_EQUAL_FATAL(segment_map_shared(&fresh, &place, &problem), SEGMENT_FOUND);
	CU_ASSERT_NOT_EQUAL(fresh.create_id, old.create_id);
	CU_ASSERT_EQUAL(fresh.slot_count, 64);
	CU_ASSERT_EQUAL(atomic_load(&fresh.header->retired), 0);
	segment_unmap(&old);
	segment_unmap(&fresh);
	end();
}

static void test_reset_makes_what_is_not_there(void)
{
	begin();
	CU_ASSERT_EQUAL(segment_reset(&place, &problem), 0);
	CU_ASSERT_EQUAL(obtain(), SEGMENT_FOUND);
	end();
}

static void test_reset_replaces_another_version(void)
{
	struct layout_header header;

	begin();
	CU_ASSERT_EQUAL(obtain(), SEGMENT_MADE);
	header = header_read();
	header.version = 7;
	header_write(&header);
	CU_ASSERT_EQUAL(obtain(), -EPROTONOSUPPORT);
	CU_ASSERT_EQUAL(segment_reset(&place, &problem), 0);
	CU_ASSERT_EQUAL(obtain(), SEGMENT_FOUND);
	end();
}

/* ------------------------------------------------------------------ local */

static void test_local_memory_has_the_same_layout(void)
{
	struct segment segment;

	CU_ASSERT_EQUAL_FATAL(segment_map_local(&segment, 32), 0);
	CU_ASSERT_FALSE(segment.shared);
	CU_ASSERT_EQUAL(segment.slot_count, 32);
	CU_ASSERT_EQUAL((char *)segment.slots - (char *)segment.header, 256);
	CU_ASSERT_EQUAL((char *)segment.ring - (char *)segment.slots, 32768);
	CU_ASSERT_EQUAL(segment.size_bytes, 256 + 32 * 1024 + 1024 * 64);
	segment_unmap(&segment);
	segment_unmap(&segment); /* once more does no harm */
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_a_segment_is_made_whole),
		CUNIT_TEST(test_the_umask_has_no_say),
		CUNIT_TEST(test_every_way_to_make_it_works),
		CUNIT_TEST(test_a_limit_on_file_sizes_is_told),
		CUNIT_TEST(test_what_cannot_be_made_is_told_and_leaves_nothing),
		CUNIT_TEST(test_no_directory_and_no_memory_are_told),
		CUNIT_TEST(test_a_creator_killed_anywhere_leaves_nothing_or_all),
		CUNIT_TEST(test_a_killed_reset_leaves_the_old_or_the_new),
		CUNIT_TEST(test_a_killed_creator_of_named_drafts_leaves_no_half),
		CUNIT_TEST(test_all_of_a_race_get_one_segment),
		CUNIT_TEST(test_a_name_that_never_settles_is_given_up),
		CUNIT_TEST(test_a_header_must_hold_together),
		CUNIT_TEST(test_a_wrong_length_is_repaired),
		CUNIT_TEST(test_a_file_that_is_no_table_is_left_alone),
		CUNIT_TEST(test_only_a_regular_file_will_do),
		CUNIT_TEST(test_a_strangers_file_is_refused),
		CUNIT_TEST(test_wrong_mode_bits_are_refused_until_reset),
		CUNIT_TEST(test_a_group_shares_with_mode_0660),
		CUNIT_TEST(test_a_group_that_is_not_ours_to_give_is_told),
		CUNIT_TEST(test_without_leave_to_create_nothing_is_made),
		CUNIT_TEST(test_read_only_maps_for_reading),
		CUNIT_TEST(test_no_descriptor_is_kept),
		CUNIT_TEST(test_reset_retires_the_old_one_and_wakes_its_sleepers),
		CUNIT_TEST(test_reset_makes_what_is_not_there),
		CUNIT_TEST(test_reset_replaces_another_version),
		CUNIT_TEST(test_local_memory_has_the_same_layout),
	};

	return CUNIT_MAIN("segment", tests);
}
