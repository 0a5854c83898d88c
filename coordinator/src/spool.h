/* SPDX-License-Identifier: MIT */
/*
 * Bytes that are kept to be read again: in memory while they are few, in a file without a name when
 * they are many. Either way behind a descriptor, so that a child can have them as its stdin.
 */
#ifndef LULL_COORDINATOR_SPOOL_H
#define LULL_COORDINATOR_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPOOL_MEMORY_BYTES (UINT64_C(4) << 20) /* beyond that: a file in $TMPDIR, or /tmp */

#define SPOOL_BYTES_MAX \
	(UINT64_C(1) << 30) /* arbitrary: a command gone wild is not to fill the disk */

struct spool {
	int fd; /* at its end; -1 while nothing was kept */
	uint64_t size_bytes;
	bool in_file;
	int error; /* negative errno of what could not be kept; the rest was not tried */
};

void spool_init(struct spool *spool);
void spool_deinit(struct spool *spool);

/* Keeps them all, or notes in spool->error why not. */
void spool_add(struct spool *spool, const void *bytes, size_t size);

/* Reads `from` to its end. 0; negative errno, also of what could not be kept. */
int spool_read_all(struct spool *spool, int from);

/* Writes everything to `to`. 0; negative errno. */
int spool_write_all(const struct spool *spool, int to);

/* The last bytes, at most `size`. Return: how many. */
size_t spool_tail(const struct spool *spool, char *ret, size_t size);

/* Writes all bytes. 0; negative errno. */
int write_all(int fd, const void *bytes, size_t size);

#endif
