/* SPDX-License-Identifier: MIT */
/*
 * The clock all processes of the host share: boottime. It counts suspend (a monotonic clock would
 * wake a laptop with a stale ban), and it never steps (the wall clock may shut a model for years).
 *
 * A time namespace shifts it, so a process corrects its own reading by the offsets the kernel tells
 * it. They are read once and kept in a page that the kernel wipes at fork: a child may have landed
 * in another namespace, and has another pid. So nothing has to be hooked into fork, and every
 * function here may be used in a signal handler. Where the page is not to be had (Linux before
 * 4.14), nothing is kept: right, but slow.
 *
 * The kernel tells the offsets that children get; a process that has just called
 * unshare(CLONE_NEWTIME), and neither forked nor executed anything since, is misled.
 */
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <lull/table.h>

#include "hash.h"

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

/* What a fork changes. */
struct facts {
	uint32_t pid;
	int64_t offset_ns; /* of this time namespace's boottime to the host's */
};

/* The same, kept. All zero: not read yet by this process. */
struct facts_page {
	_Atomic uint32_t known; /* 1: the rest holds */
	_Atomic uint32_t pid;
	_Atomic int64_t offset_ns;
};

static struct facts_page *_Atomic kept_facts; /* inherited by fork; its contents are not */

/* Reads a small file of /proc as text. 0, or -1: no text. */
static int proc_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -1;
	got = read(fd, text, size - 1);
	(void)close(fd);
	if (got <= 0)
		return -1;
	text[got] = '\0';
	return 0;
}

/* A decimal number after blanks; moves *text behind it. Digits beyond 64 bits wrap, harmlessly. */
static int64_t parse_number(const char **text)
{
	const char *p = *text + strspn(*text, " \t");
	bool negative = *p == '-';
	uint64_t value = 0;

	for (p += negative; *p >= '0' && *p <= '9'; p++)
		value = value * 10 + (uint64_t)(*p - '0');
	*text = p;
	return (int64_t)(negative ? -value : value);
}

static int64_t offset_read(void)
{
	static const char label[] = "boottime";
	char text[256];
	const char *p;
	uint64_t seconds, nanoseconds;

	if (proc_read("/proc/self/timens_offsets", text, sizeof(text)) != 0)
		return 0; /* a kernel without time namespaces, or no /proc */
	p = strstr(text, label);
	if (!p)
		return 0;
	p += sizeof(label) - 1;
	seconds = (uint64_t)parse_number(&p);
	nanoseconds = (uint64_t)parse_number(&p);
	return (int64_t)(seconds * (uint64_t)NS_PER_S + nanoseconds);
}

static struct facts_page *page_make(void)
{
	struct facts_page *found = NULL;
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	if (madvise(page, size, MADV_WIPEONFORK) == 0 &&
	    atomic_compare_exchange_strong(&kept_facts, &found, page))
		return page;
	(void)munmap(page, size);
	return found; /* another thread's, or none */
}

/* Out of line: the first use in a process. Two threads may both fill the page, with the same. */
static __attribute__((noinline)) struct facts facts_read(struct facts_page *page)
{
	int errno_before = errno; /* may be asked from a signal handler */
	struct facts facts = {.pid = (uint32_t)getpid(), .offset_ns = offset_read()};

	if (!page)
		page = page_make();
	if (page) {
		atomic_store_explicit(&page->pid, facts.pid, memory_order_relaxed);
		atomic_store_explicit(&page->offset_ns, facts.offset_ns, memory_order_relaxed);
		/* pairs with the acquire in facts_get() */
		atomic_store_explicit(&page->known, 1, memory_order_release);
	}
	errno = errno_before;
	return facts;
}

static struct facts facts_get(void)
{
	struct facts_page *page = atomic_load_explicit(&kept_facts, memory_order_acquire);

	if (!page || !atomic_load_explicit(&page->known, memory_order_acquire))
		return facts_read(page);
	return (struct facts){
		.pid = atomic_load_explicit(&page->pid, memory_order_relaxed),
		.offset_ns = atomic_load_explicit(&page->offset_ns, memory_order_relaxed),
	};
}

uint64_t clock_boottime_ns(void)
{
	int64_t offset_ns = facts_get().offset_ns;
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now); /* cannot fail: Linux has it since 2.6.39 */
	return (uint64_t)now.tv_sec * (uint64_t)NS_PER_S + (uint64_t)now.tv_nsec -
	       (uint64_t)offset_ns;
}

uint64_t lull_clock_ms(void)
{
	return clock_boottime_ns() / NS_PER_MS;
}

uint32_t clock_pid(void)
{
	return facts_get().pid;
}

/* The boot id's text as SipHash key material; the same in every process, so forks do not matter. */
static struct {
	_Atomic uint32_t known;
	_Atomic uint64_t hash;
	_Atomic uint64_t key[2];
} boot;

static void boot_read(void)
{
	static const uint64_t first[2] = {1, 0}, second[2] = {2, 0}, third[2] = {3, 0};
	char id[64] = "";
	size_t size;
	uint64_t hash;
	bool told;

	if (atomic_load_explicit(&boot.known, memory_order_acquire))
		return;
	told = proc_read("/proc/sys/kernel/random/boot_id", id, sizeof(id)) == 0;
	size = strlen(id);
	hash = siphash24(first, id, size);
	if (hash <= CLOCK_BOOT_UNKNOWN)
		hash = CLOCK_BOOT_UNKNOWN + 1;
	atomic_store_explicit(&boot.hash, told ? hash : CLOCK_BOOT_UNKNOWN, memory_order_relaxed);
	atomic_store_explicit(&boot.key[0], siphash24(second, id, size), memory_order_relaxed);
	atomic_store_explicit(&boot.key[1], siphash24(third, id, size), memory_order_relaxed);
	atomic_store_explicit(&boot.known, 1, memory_order_release);
}

uint64_t clock_boot_hash(void)
{
	boot_read();
	return atomic_load_explicit(&boot.hash, memory_order_relaxed);
}

void clock_boot_key(uint64_t ret_key[2])
{
	boot_read();
	ret_key[0] = atomic_load_explicit(&boot.key[0], memory_order_relaxed);
	ret_key[1] = atomic_load_explicit(&boot.key[1], memory_order_relaxed);
}
