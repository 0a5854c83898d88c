/* SPDX-License-Identifier: MIT */
/*
 * A growing buffer. Running out of memory ends the mock provider: there is nothing a test could
 * learn from one that limps on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mock.h"

static void out_of_memory(void)
{
	fputs("mock-provider: out of memory\n", stderr);
	abort();
}

void *mock_alloc(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		out_of_memory();
	return memory;
}

char *mock_copy(const char *text, size_t size)
{
	if (!text)
		return NULL;

	char *copy = mock_alloc(size + 1);

	memcpy(copy, text, size);
	return copy;
}

static void make_room(struct bytes *bytes, size_t size)
{
	size_t needed = bytes->size + size + 1;

	if (needed <= bytes->room)
		return;
	bytes->room = needed < 2 * bytes->room ? 2 * bytes->room : needed;
	bytes->at = realloc(bytes->at, bytes->room);
	if (!bytes->at)
		out_of_memory();
}

void bytes_add(struct bytes *bytes, const void *from, size_t size)
{
	make_room(bytes, size);
	if (size > 0)
		memcpy(bytes->at + bytes->size, from, size);
	bytes->size += size;
	bytes->at[bytes->size] = '\0';
}

void bytes_print(struct bytes *bytes, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int size = vsnprintf(NULL, 0, format, args);

	if (size > 0) {
		make_room(bytes, (size_t)size);
		(void)vsnprintf(bytes->at + bytes->size, (size_t)size + 1, format, again);
		bytes->size += (size_t)size;
	}
	va_end(again);
	va_end(args);
}

void bytes_drop(struct bytes *bytes, size_t size)
{
	if (size == 0)
		return;
	bytes->size -= size;
	memmove(bytes->at, bytes->at + size, bytes->size + 1);
}

void bytes_free(struct bytes *bytes)
{
	free(bytes->at);
	*bytes = (struct bytes){0};
}

bool bytes_read_file(struct bytes *bytes, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return false;
	do {
		make_room(bytes, 64u << 10);
		got = read(fd, bytes->at + bytes->size, 64u << 10);
		if (got > 0)
			bytes->size += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	bytes->at[bytes->size] = '\0';

	int error = errno;

	(void)close(fd);
	errno = error;
	return got == 0;
}
