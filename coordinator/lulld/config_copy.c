/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_copy.h"

#define NAME_BYTES_MAX 249u       /* of a memfd */
#define FILE_BYTES_MAX (1u << 20) /* what lull-worker reads at the most; it refuses one more */
#define PIECE_BYTES    16384u
#define NO_FILE        "(no configuration)"

/* Of a long path the end is kept: the ending says how it is to be read. */
static const char *name_of(const char *path)
{
	const size_t length = strlen(path);

	return length > NAME_BYTES_MAX ? path + length - NAME_BYTES_MAX : path;
}

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		const ssize_t written = write(fd, bytes, size);

		if (written < 0)
			return -errno;
		bytes += written;
		size -= (size_t)written;
	}
	return 0;
}

static int copy(int from, int to)
{
	char piece[PIECE_BYTES];
	size_t copied = 0;
	ssize_t got = 1;
	int error = 0;

	while (error == 0 && got > 0 && copied <= FILE_BYTES_MAX) {
		got = read(from, piece, sizeof(piece));
		if (got < 0)
			error = -errno;
		else
			error = write_all(to, piece, (size_t)got);
		copied += got > 0 ? (size_t)got : 0;
	}
	explicit_bzero(piece, sizeof(piece));
	return error;
}

/* Its mode goes along, as its check warns of keys that others may read. */
static int copy_file(const char *path, int to)
{
	/* a FIFO must not hold up whoever supervises */
	const int from = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;
	int error;

	if (from < 0)
		return -errno;
	if (fstat(from, &status) < 0)
		error = -errno;
	else if (!S_ISREG(status.st_mode))
		error = -EINVAL;
	else
		error = copy(from, to);
	if (error == 0 && fchmod(to, (status.st_mode & 0777) | S_IRUSR) < 0)
		error = -errno;
	(void)close(from);
	return error;
}

int config_copy_take(const char *path, int *ret_fd)
{
	const int fd = memfd_create(path != NULL ? name_of(path) : NO_FILE,
				    MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error;

	if (fd < 0)
		return -errno;
	error = path != NULL ? copy_file(path, fd) : 0;
	if (error == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		error = -errno;
	if (error == 0)
		*ret_fd = fd;
	else
		(void)close(fd);
	return error;
}
