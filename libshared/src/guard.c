/* SPDX-License-Identifier: MIT */
/*
 * A file that is made shorter while it is mapped ends whoever touches the rest of it, by SIGBUS. A
 * program may have itself spared: see guard.h.
 */
#include "guard.h"

#include <errno.h>
#include <lull/table.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#define MAPPINGS_MAX \
	64u /* a handle has one, and some more while it moves; others are not guarded */

static struct {
	char *_Atomic begin; /* NULL: none */
	_Atomic size_t size;
} mappings[MAPPINGS_MAX];

static char reserved; /* the begin of one that is being added */
static _Atomic bool is_set;
static struct sigaction before;

void guard_add(void *base, size_t size)
{
	for (size_t i = 0; i < MAPPINGS_MAX; i++) {
		char *found = NULL;

		if (!atomic_compare_exchange_strong(&mappings[i].begin, &found, &reserved))
			continue;
		atomic_store(&mappings[i].size, size);
		atomic_store(&mappings[i].begin, (char *)base);
		return;
	}
}

void guard_remove(void *base)
{
	for (size_t i = 0; i < MAPPINGS_MAX; i++)
		if (atomic_load(&mappings[i].begin) == base)
			atomic_store(&mappings[i].begin, NULL);
}

/* Puts memory of this process alone, all zeros, over the mapping that has that byte. */
static bool replace_mapping_of(const void *byte)
{
	for (size_t i = 0; i < MAPPINGS_MAX; i++) {
		char *const begin = atomic_load(&mappings[i].begin);
		const size_t size = atomic_load(&mappings[i].size);
		const uintptr_t offset = (uintptr_t)byte - (uintptr_t)begin;

		if (begin && begin != &reserved && offset < size)
			return mmap(begin, size, PROT_READ | PROT_WRITE,
				    MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
				    0) != MAP_FAILED;
	}
	return false;
}

static void on_sigbus(int signal, siginfo_t *info, void *context)
{
	const int errno_before = errno;
	const bool is_fault = info->si_code > 0;

	(void)context;
	if (!is_fault || !replace_mapping_of(info->si_addr)) {
		/* a fault happens again, and then to who was there before; what was sent is sent on */
		(void)sigaction(signal, &before, NULL);
		if (!is_fault)
			(void)raise(signal);
	}
	errno = errno_before;
}

int lull_table_guard(void)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};

	if (atomic_exchange(&is_set, true))
		return 0;
	action.sa_sigaction = on_sigbus;
	(void)sigemptyset(&action.sa_mask);
	return sigaction(SIGBUS, &action, &before) == 0 ? 0 : -errno;
}
