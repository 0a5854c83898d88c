/* SPDX-License-Identifier: MIT */
/*
 * The segment as a file: made, attached, replaced.
 *
 * It is made without a name, filled, and only then linked: whoever finds the name finds a whole
 * segment, and a creator killed on the way leaves nothing. There is no "ready" flag to wait for,
 * and no lock that a dead process could hold. Space is taken before the name exists, so that a full
 * tmpfs is an error here and not a SIGBUS later. Attaching never uses O_CREAT (in a sticky
 * directory the kernel refuses that for another user's file) and keeps no descriptor.
 *
 * What is found under the name is input. It must be a regular file of the right owner and mode
 * whose header holds together; sizes are copied from there once. Our own file that fails this is
 * replaced by rename; somebody else's is left alone, and so is a file of ours that nothing marks as
 * a table.
 *
 * Whoever may write the file may also make it shorter, and the next access is SIGBUS: guard.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "guard.h"
#include "hash.h"
#include "mapping.h"

#define OBTAIN_TRIES   8   /* attach, make, lose the race, attach: more is somebody else's game */
#define ALLOCATE_TRIES 100 /* interrupted by signals; a profiler sends a thousand a second */
#define SUM_WORDS      (offsetof(struct layout_header, sum) / sizeof(uint64_t))
#define CONSTANT_BYTES offsetof(struct layout_header, serial)
#define MODE_BITS      07777u
#define MODE_ALONE     0600u
#define MODE_GROUPED   0660u

static size_t total_size(uint32_t slot_count)
{
	return sizeof(struct layout_header) + slot_count * sizeof(struct layout_slot) +
	       LAYOUT_RING_RECORDS * sizeof(struct layout_record);
}

static void segment_point(struct segment *segment, void *base, uint32_t slot_count)
{
	segment->header = base;
	segment->slots = (struct layout_slot *)((char *)base + sizeof(struct layout_header));
	segment->ring = (struct layout_record *)(segment->slots + slot_count);
	segment->slot_count = slot_count;
	segment->size_bytes = total_size(slot_count);
}

static uint64_t random_number(void)
{
	uint64_t number[2] = {clock_boottime_ns(), clock_pid()};

	if (getrandom(number, sizeof(number[0]), GRND_NONBLOCK) < 0)
		return hash_words(number, 2); /* unique enough for one host */
	return number[0];
}

int segment_map_local(struct segment *ret_segment, uint32_t slot_count)
{
	void *base = mmap(NULL, total_size(slot_count), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		return -ENOMEM;
	*ret_segment = (struct segment){.create_id = random_number()};
	segment_point(ret_segment, base, slot_count);
	return 0;
}

struct segment *segment_new_local(uint32_t slot_count)
{
	struct segment *made = mmap(NULL, sizeof(*made), PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (made == MAP_FAILED)
		return NULL;
	if (segment_map_local(made, slot_count) == 0)
		return made;
	(void)munmap(made, sizeof(*made));
	return NULL;
}

void segment_free_local(struct segment *segment)
{
	if (!segment)
		return;
	segment_unmap(segment);
	(void)munmap(segment, sizeof(*segment));
}

void segment_unmap(struct segment *segment)
{
	segment_free_local(atomic_load_explicit(&segment->overflow, memory_order_acquire));
	if (segment->header) {
		guard_remove(segment->header);
		(void)munmap(segment->header, segment->size_bytes);
	}
	segment->header = NULL;
}

/* ------------------------------------------------------------------ attaching */

/* A file's standing and first bytes. */
struct file_head {
	struct stat st;              /* zeros: it could not be opened */
	struct layout_header header; /* zeros where the file is shorter */
};

static uint64_t header_sum(const struct layout_header *header)
{
	uint64_t words[SUM_WORDS];

	memcpy(words, header, sizeof(words));
	return hash_words(words, SUM_WORDS);
}

static mode_t mode_expected(const struct place *place)
{
	return place->grouped ? MODE_GROUPED : MODE_ALONE;
}

/*
 * In group mode the owner is a member or root: nobody else can give a file to the group. (A
 * directory that is set-group-id and writable for all would break that; do not make one.)
 */
static int owner_check(const struct stat *st, const struct place *place, struct problem *problem)
{
	if (place->grouped && st->st_gid != place->gid) {
		problem_set(problem, "%s belongs to group %lu, expected group %lu", place->path,
			    (unsigned long)st->st_gid, (unsigned long)place->gid);
		return -EACCES;
	}
	if (!place->grouped && st->st_uid != place->uid) {
		problem_set(problem, "%s belongs to user %lu, expected user %lu", place->path,
			    (unsigned long)st->st_uid, (unsigned long)place->uid);
		return -EACCES;
	}
	if ((st->st_mode & MODE_BITS) & ~mode_expected(place)) {
		problem_set(problem, "%s has mode %04o, expected %04o", place->path,
			    (unsigned)(st->st_mode & MODE_BITS), (unsigned)mode_expected(place));
		return -EACCES;
	}
	return 0;
}

/* -EPROTONOSUPPORT: a sound table of another version, not ours to touch. */
static int version_check(const struct layout_header *h, const char *path, struct problem *problem)
{
	if (h->version == LULL_LAYOUT_VERSION && h->incompat == 0)
		return 0;
	problem_set(problem,
		    "%s is a table of another version of Lull (layout %u, features %#x), expected "
		    "layout %u",
		    path, h->version, h->incompat, LULL_LAYOUT_VERSION);
	return -EPROTONOSUPPORT;
}

/* -EBADMSG: not a whole table. -ESTALE: whole, but of an earlier boot. */
static int header_check(const struct file_head *head, const char *path, struct problem *problem)
{
	const struct layout_header *h = &head->header;
	const char *wrong = NULL;
	uint64_t boot = clock_boot_hash();

	if (head->st.st_size < (off_t)sizeof(*h))
		wrong = "is cut short";
	else if (h->magic != LAYOUT_MAGIC)
		wrong = "does not begin like a table";
	else if (h->sum != header_sum(h))
		wrong = "has a header whose sum is wrong";
	else if (h->header_size != sizeof(struct layout_header) ||
		 h->slot_size != sizeof(struct layout_slot) ||
		 h->ring_count != LAYOUT_RING_RECORDS ||
		 !segment_slot_count_is_valid(h->slot_count))
		wrong = "has a header with impossible sizes";
	else if (h->total_size != total_size(h->slot_count) ||
		 (uint64_t)head->st.st_size != h->total_size)
		wrong = "has the wrong length";
	if (wrong) {
		problem_set(problem, "%s %s (%lld bytes)", path, wrong,
			    (long long)head->st.st_size);
		return -EBADMSG;
	}
	/* who cannot read the boot id takes what others, who can, keep up to date */
	if (h->boot_hash != boot && h->boot_hash != CLOCK_BOOT_UNKNOWN &&
	    boot != CLOCK_BOOT_UNKNOWN) {
		problem_set(problem, "%s is from an earlier boot", path);
		return -ESTALE;
	}
	return 0;
}

static int file_read(int fd, const char *path, struct file_head *ret_head, struct problem *problem)
{
	*ret_head = (struct file_head){0};
	if (fstat(fd, &ret_head->st) != 0 ||
	    (S_ISREG(ret_head->st.st_mode) &&
	     pread(fd, &ret_head->header, sizeof(ret_head->header), 0) < 0)) {
		problem_set(problem, "cannot read %s: %s", path, strerror(errno));
		return -EIO;
	}
	if (!S_ISREG(ret_head->st.st_mode)) {
		problem_set(problem, "%s is not a regular file", path);
		return -EINVAL;
	}
	return ret_head->st.st_nlink > 0 ? 0 : -ENOENT; /* deleted since it was opened */
}

/* Ours, and nobody's treasure: empty, or marked as a table, or under our own name. */
static bool file_is_replaceable(const struct file_head *head, const struct place *place)
{
	return S_ISREG(head->st.st_mode) && head->st.st_uid == place->uid &&
	       (head->st.st_size == 0 || head->header.magic == LAYOUT_MAGIC || place->name_is_ours);
}

static int file_check(const struct file_head *head, const struct place *place,
		      struct problem *problem)
{
	int err = owner_check(&head->st, place, problem);

	if (!err && head->header.magic == LAYOUT_MAGIC &&
	    head->st.st_size >= (off_t)offsetof(struct layout_header, total_size))
		err = version_check(&head->header, place->path, problem);
	if (!err)
		err = header_check(head, place->path, problem);
	if ((err == -EBADMSG || err == -ESTALE) && !file_is_replaceable(head, place))
		err = -EPERM;
	return err;
}

static int file_map(int fd, const struct file_head *head, const struct place *place,
		    struct segment *ret_segment, struct problem *problem)
{
	int protection = place->read_only ? PROT_READ : PROT_READ | PROT_WRITE;
	void *base = mmap(NULL, head->header.total_size, protection, MAP_SHARED, fd, 0);

	if (base == MAP_FAILED) {
		problem_set(problem, "cannot map %s: %s", place->path, strerror(errno));
		return -ENOMEM;
	}
	*ret_segment = (struct segment){
		.shared = true,
		.read_only = place->read_only,
		.create_id = head->header.create_id,
		.created_unix_s = head->header.created_unix_s,
		.dev = head->st.st_dev,
		.ino = head->st.st_ino,
		.uid = head->st.st_uid,
		.gid = head->st.st_gid,
		.mode = head->st.st_mode & MODE_BITS,
	};
	segment_point(ret_segment, base, head->header.slot_count);
	guard_add(base, ret_segment->size_bytes);
	return 0;
}

/*
 * 0; -ENOENT no such name; -EBADMSG or -ESTALE ours to replace; else not to be had. ret_head is
 * filled as far as the file could be read.
 */
static int segment_attach(struct segment *ret_segment, const struct place *place,
			  struct file_head *ret_head, struct problem *problem)
{
	int access = place->read_only ? O_RDONLY : O_RDWR;
	int fd = open(place->path, access | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int err;

	*ret_head = (struct file_head){0};
	if (fd < 0) {
		err = -errno;
		problem_set(problem, "cannot open %s: %s", place->path, strerror(-err));
		return err;
	}
	err = file_read(fd, place->path, ret_head, problem);
	if (!err)
		err = file_check(ret_head, place, problem);
	if (!err)
		err = file_map(fd, ret_head, place, ret_segment, problem);
	(void)close(fd);
	return err;
}

/* ------------------------------------------------------------------ making */

/* A segment that is being made. */
struct draft {
	int fd;
	char name[sizeof(((struct place *)0)->path) + 20]; /* "" while it has none */
};

static void draft_name(struct draft *draft, const struct place *place)
{
	(void)snprintf(draft->name, sizeof(draft->name), "%s.%016llx", place->path,
		       (unsigned long long)random_number());
}

static int draft_open_nameless(struct draft *draft, const struct place *place)
{
	char dir[sizeof(place->path)];

	memcpy(dir, place->path, sizeof(dir));
	*strrchr(dir, '/') = '\0';
	draft->fd = open(*dir ? dir : "/", O_TMPFILE | O_RDWR | O_CLOEXEC, MODE_ALONE);
	return draft->fd < 0 ? -errno : 0;
}

/* For filesystems without nameless files. A creator killed here leaves this name, not the table's.
 */
static int draft_open_named(struct draft *draft, const struct place *place)
{
	draft_name(draft, place);
	draft->fd =
		open(draft->name, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, MODE_ALONE);
	if (draft->fd >= 0)
		return 0;
	draft->name[0] = '\0';
	return -errno;
}

/* Beyond a limit on file sizes (ulimit -f) the kernel would end the process, not the call. */
static int allocate(int fd, size_t size)
{
	struct rlimit limit;
	int err = EINTR;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < size)
		return -EFBIG;
	for (int i = 0; err == EINTR && i < ALLOCATE_TRIES; i++)
		err = posix_fallocate(fd, 0, (off_t)size);
	return -err;
}

static int draft_fill(const struct draft *draft, const struct place *place)
{
	struct layout_header header = {
		.magic = LAYOUT_MAGIC,
		.version = LULL_LAYOUT_VERSION,
		.header_size = sizeof(struct layout_header),
		.slot_size = sizeof(struct layout_slot),
		.slot_count = place->slot_count,
		.ring_count = LAYOUT_RING_RECORDS,
		.total_size = total_size(place->slot_count),
		.create_id = random_number(),
		.boot_hash = clock_boot_hash(),
		.created_ms = lull_clock_ms(),
		.created_unix_s = (uint64_t)time(NULL),
		.creator_uid = place->uid,
	};
	int err = allocate(draft->fd, header.total_size);

	if (err)
		return err;
	header.sum = header_sum(&header);
	if (pwrite(draft->fd, &header, CONSTANT_BYTES, 0) != (ssize_t)CONSTANT_BYTES)
		return -EIO;
	/* before it has its name: the umask must not have a say, nor anybody see it half open */
	if (place->grouped && fchown(draft->fd, (uid_t)-1, place->gid) != 0)
		return -errno;
	return fchmod(draft->fd, mode_expected(place)) == 0 ? 0 : -errno;
}

/* Gives a nameless file a name that must not be taken. */
static int link_nameless(int fd, const char *path)
{
	char self[64];

	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno == EEXIST)
		return -EEXIST;
	/* no /proc: newer kernels do without, older ones want a capability */
	return linkat(fd, "", AT_FDCWD, path, AT_EMPTY_PATH) == 0 ? 0 : -errno;
}

/* Moves a file to a name that must not be taken. */
static int move_named(const char *from, const char *path)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EEXIST)
		return -EEXIST;
	/* a filesystem without that: two links for a moment, and then unlink (draft_end()) */
	return link(from, path) == 0 ? 0 : -errno;
}

static int draft_publish(struct draft *draft, const struct place *place)
{
	if (draft->name[0])
		return move_named(draft->name, place->path);
	return link_nameless(draft->fd, place->path);
}

/* The same over a name that is taken. */
static int draft_publish_over(struct draft *draft, const struct place *place)
{
	int err;

	if (!draft->name[0]) {
		draft_name(draft, place);
		err = link_nameless(draft->fd, draft->name);
		if (err)
			return err;
	}
	return rename(draft->name, place->path) == 0 ? 0 : -errno;
}

/* Afterwards nothing is left of the draft but what was published. */
static void draft_end(struct draft *draft)
{
	int errno_before = errno;

	if (draft->name[0])
		(void)unlink(draft->name);
	if (draft->fd >= 0)
		(void)close(draft->fd);
	errno = errno_before;
}

typedef int (*draft_open_fn)(struct draft *draft, const struct place *place);
typedef int (*draft_publish_fn)(struct draft *draft, const struct place *place);

/* 0; -EEXIST somebody else was first; else negative errno and a problem. */
static int segment_make(const struct place *place, draft_publish_fn publish,
			struct problem *problem)
{
	static const draft_open_fn ways[] = {draft_open_nameless, draft_open_named};
	int err = -EIO;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct draft draft = {.fd = -1};

		err = ways[i](&draft, place);
		if (!err)
			err = draft_fill(&draft, place);
		if (!err)
			err = publish(&draft, place);
		draft_end(&draft);
		if (!err || err == -EEXIST)
			return err;
	}
	problem_set(problem, "cannot make %s (%zu bytes%s): %s", place->path,
		    total_size(place->slot_count), place->grouped ? ", shared by a group" : "",
		    strerror(-err));
	return err;
}

/* Is the file that was found to be broken still the one under the name? */
static bool name_still_means(const struct place *place, const struct file_head *head)
{
	struct stat st;

	return lstat(place->path, &st) == 0 && st.st_dev == head->st.st_dev &&
	       st.st_ino == head->st.st_ino;
}

int segment_map_shared(struct segment *ret_segment, const struct place *place,
		       struct problem *ret_problem)
{
	enum segment_origin origin = SEGMENT_FOUND;

	for (int i = 0; i < OBTAIN_TRIES; i++) {
		struct file_head head;
		int err = segment_attach(ret_segment, place, &head, ret_problem);
		bool repair = err == -EBADMSG || err == -ESTALE;

		if (!err)
			return (int)origin;
		if (!place->may_create || (err != -ENOENT && !repair))
			return err;
		if (!repair) {
			err = segment_make(place, draft_publish, ret_problem);
			if (!err && origin == SEGMENT_FOUND)
				origin = SEGMENT_MADE;
		} else if (name_still_means(place, &head)) {
			origin = err == -ESTALE ? SEGMENT_MADE : SEGMENT_REPAIRED;
			err = segment_make(place, draft_publish_over, ret_problem);
		} else {
			continue;
		}
		if (err && err != -EEXIST)
			return err;
	}
	problem_set(ret_problem, "%s is replaced again and again by somebody else", place->path);
	return -EAGAIN;
}

int segment_reset(const struct place *place, struct problem *ret_problem)
{
	struct segment old = {0};
	struct file_head head;
	int err = segment_attach(&old, place, &head, ret_problem);

	/* not whole, or of another version, or with another mode: all good reasons for a reset */
	if (err && err != -ENOENT && !file_is_replaceable(&head, place))
		return err;
	err = segment_make(place, draft_publish_over, ret_problem);
	if (!err && old.header) {
		atomic_store_explicit(&old.header->retired, 1, memory_order_release);
		segment_wake(&old);
		ring_wake(&old);
	}
	segment_unmap(&old);
	return err;
}
