/* SPDX-License-Identifier: MIT */
/* See spool.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "spool.h"

#define PIECE_BYTES 65536u

void spool_init(struct spool *spool)
{
	*spool = (struct spool){.fd = -1};
}

void spool_deinit(struct spool *spool)
{
	if (spool->fd >= 0)
		(void)close(spool->fd);
	spool_init(spool);
}

int write_all(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		const ssize_t written = write(fd, at, size);

		if (written < 0 && errno != EINTR)
			return -errno;
		if (written < 0)
			continue;
		at += written;
		size -= (size_t)written;
	}
	return 0;
}

/* ------------------------------------------------------------------ keeping */

/* Return: a descriptor; negative errno. */
static int file_open(void)
{
	const char *const directory = getenv("TMPDIR");
	const char *const place = directory != NULL && directory[0] != '\0' ? directory : "/tmp";
	char path[4096];
	int fd = open(place, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	/* a file system without nameless files: with a name, for a moment */
	if ((size_t)snprintf(path, sizeof(path), "%s/lull-XXXXXX", place) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	(void)unlink(path);
	return fd;
}

static int move_to_file(struct spool *spool)
{
	const int fd = file_open();
	int error = fd < 0 ? fd : spool_write_all(spool, fd);

	if (error < 0) {
		if (fd >= 0)
			(void)close(fd);
		return error;
	}
	if (spool->fd >= 0)
		(void)close(spool->fd);
	spool->fd = fd;
	spool->in_file = true;
	return 0;
}

/* Makes sure that there is a place for that many bytes more. */
static int make_room(struct spool *spool, size_t size)
{
	if (spool->size_bytes + size > SPOOL_BYTES_MAX)
		return -EFBIG;
	if (spool->in_file)
		return 0;
	if (spool->size_bytes + size <= SPOOL_MEMORY_BYTES) {
		if (spool->fd < 0)
			spool->fd = memfd_create("lull", MFD_CLOEXEC);
		if (spool->fd >= 0)
			return 0;
	}
	return move_to_file(spool);
}

void spool_add(struct spool *spool, const void *bytes, size_t size)
{
	if (spool->error != 0 || size == 0)
		return;
	spool->error = make_room(spool, size);
	if (spool->error == 0)
		spool->error = write_all(spool->fd, bytes, size);
	if (spool->error == 0)
		spool->size_bytes += size;
}

int spool_read_all(struct spool *spool, int from)
{
	char piece[PIECE_BYTES];
	ssize_t got = 1;

	while (got != 0 && spool->error == 0) {
		got = read(from, piece, sizeof(piece));
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0)
			spool_add(spool, piece, (size_t)got);
	}
	return spool->error;
}

/* ------------------------------------------------------------------ giving back */

int spool_write_all(const struct spool *spool, int to)
{
	char piece[PIECE_BYTES];
	uint64_t done = 0;
	int error = 0;

	while (error == 0 && done < spool->size_bytes) {
		const ssize_t got = pread(spool->fd, piece, sizeof(piece), (off_t)done);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			return -EIO; /* somebody has cut it off */
		if (got > 0) {
			error = write_all(to, piece, (size_t)got);
			done += (uint64_t)got;
		}
	}
	return error;
}

size_t spool_tail(const struct spool *spool, char *ret, size_t size)
{
	const uint64_t from = spool->size_bytes > size ? spool->size_bytes - size : 0;
	size_t done = 0;

	while (from + done < spool->size_bytes) {
		const ssize_t got = pread(spool->fd, ret + done, size - done, (off_t)(from + done));

		if (got <= 0 && !(got < 0 && errno == EINTR))
			break;
		if (got > 0)
			done += (size_t)got;
	}
	return done;
}
