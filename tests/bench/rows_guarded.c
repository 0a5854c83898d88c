/* SPDX-License-Identifier: MIT */
/*
 * What a lock would cost: the same lookup by name, in a plain table of shared memory without any
 * atomics, behind each of the locks that processes can share. See rows.h.
 */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <lull/table.h>

#include "hash.h"
#include "rows.h"

#define SLOTS     64u /* power of two */
#define KEY_WORDS 24u

struct plain_slot {
	uint64_t hash; /* 0: empty */
	uint64_t until_ms;
	char key[8 * KEY_WORDS];
};

struct plain_table {
	pthread_mutex_t mutex;
	sem_t semaphore;
	struct plain_slot slots[SLOTS];
};

static struct plain_table *plain;
static sem_t *named = SEM_FAILED;
static int lock_file = -1;

/* ------------------------------------------------------------------ the plain table */

static uint64_t plain_hash(const char *key)
{
	uint64_t words[KEY_WORDS] = {0}, sum = 0;
	size_t length = strlen(key);

	memcpy(words, key, length);
	for (uint32_t i = 0; i < (length + 7) / 8; i++)
		sum += hash_term(words[i], i);
	return hash_end(sum);
}

/* The key's slot, or the empty one where it belongs. */
static struct plain_slot *plain_find(const char *key)
{
	uint64_t hash = plain_hash(key);
	struct plain_slot *slot;

	do
		slot = &plain->slots[hash++ & (SLOTS - 1)];
	while (slot->hash != 0 && strcmp(slot->key, key) != 0);
	return slot;
}

static void plain_insert(const char *key)
{
	struct plain_slot *slot = plain_find(key);

	slot->hash = plain_hash(key);
	(void)snprintf(slot->key, sizeof(slot->key), "%s", key);
}

static uint64_t plain_ready_in_ms(const char *key)
{
	uint64_t until_ms = plain_find(key)->until_ms, now_ms;

	if (until_ms == 0)
		return 0;
	now_ms = lull_clock_ms();
	return until_ms > now_ms ? until_ms - now_ms : 0;
}

/* ------------------------------------------------------------------ the locks */

static const char *mutex_begin(void)
{
	pthread_mutexattr_t attributes;

	(void)pthread_mutexattr_init(&attributes);
	(void)pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	(void)pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	(void)pthread_mutex_init(&plain->mutex, &attributes);
	(void)pthread_mutexattr_destroy(&attributes);
	return NULL;
}

static const char *semaphores_begin(void)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "/lull-bench-%d", (int)getpid());
	named = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
	(void)sem_unlink(name);
	if (named == SEM_FAILED || sem_init(&plain->semaphore, 1, 1) != 0)
		return "no semaphore is to be had";
	return NULL;
}

static const char *lock_file_begin(void)
{
	char path[] = "/tmp/lull-bench-XXXXXX";

	lock_file = mkostemp(path, O_CLOEXEC);
	if (lock_file < 0)
		return "no file to lock is to be had";
	(void)unlink(path);
	return NULL;
}

static const char *guarded_begin(void)
{
	char other[] = BENCH_KEY "-0";
	const char *why;

	plain = mmap(NULL, sizeof(*plain), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (plain == MAP_FAILED) {
		plain = NULL;
		return "no memory";
	}
	plain_insert(BENCH_KEY);
	for (uint32_t i = 0; i < BENCH_OTHER_KEYS; i++, other[sizeof(other) - 2]++)
		plain_insert(other);
	why = mutex_begin();
	if (!why)
		why = semaphores_begin();
	return why ? why : lock_file_begin();
}

static void guarded_end(void)
{
	if (lock_file >= 0)
		(void)close(lock_file);
	if (named != SEM_FAILED)
		(void)sem_close(named);
	if (plain)
		(void)munmap(plain, sizeof(*plain));
}

static void file_lock(short type)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_len = 1};

	if (fcntl(lock_file, F_SETLKW, &lock) != 0)
		abort();
}

/* ------------------------------------------------------------------ lookups */

static void behind_nothing(uint32_t operations)
{
	for (uint32_t i = 0; i < operations; i++)
		row_keep(plain_ready_in_ms(BENCH_KEY));
}

static void behind_mutex(uint32_t operations)
{
	for (uint32_t i = 0; i < operations; i++) {
		(void)pthread_mutex_lock(&plain->mutex);
		row_keep(plain_ready_in_ms(BENCH_KEY));
		(void)pthread_mutex_unlock(&plain->mutex);
	}
}

static void behind_semaphore(sem_t *semaphore, uint32_t operations)
{
	for (uint32_t i = 0; i < operations; i++) {
		(void)sem_wait(semaphore);
		row_keep(plain_ready_in_ms(BENCH_KEY));
		(void)sem_post(semaphore);
	}
}

static void behind_unnamed_semaphore(uint32_t operations)
{
	behind_semaphore(&plain->semaphore, operations);
}

static void behind_named_semaphore(uint32_t operations)
{
	behind_semaphore(named, operations);
}

static void behind_file_lock(uint32_t operations)
{
	for (uint32_t i = 0; i < operations; i++) {
		file_lock(F_RDLCK);
		row_keep(plain_ready_in_ms(BENCH_KEY));
		file_lock(F_UNLCK);
	}
}

static const struct row rows[] = {
	{"behind nothing", 40000, NULL, behind_nothing},
	{"behind a robust pshared mutex", 20000, NULL, behind_mutex},
	{"behind an unnamed semaphore", 20000, NULL, behind_unnamed_semaphore},
	{"behind a named semaphore", 20000, NULL, behind_named_semaphore},
	{"behind an fcntl lock, for reading", 1000, NULL, behind_file_lock},
};

const struct group guarded_group = {guarded_begin, guarded_end, rows,
				    sizeof(rows) / sizeof(rows[0]), true};
