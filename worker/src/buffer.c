/* SPDX-License-Identifier: MIT */
/*
 * Bytes that grow, up to a maximum stated when the buffer is made: whatever a peer sends, memory is
 * bounded. Room doubles, so that many small pieces cost linear time.
 */
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 256u /* arbitrary: most lines of a stream fit */

void buffer_init(struct buffer *buffer, size_t size_max)
{
	*buffer = (struct buffer){.size_max = size_max};
}

static int grow(struct buffer *buffer, size_t size)
{
	size_t room = buffer->room ? buffer->room : ROOM_MIN;
	char *bytes;

	while (room < size) {
		if (room > SIZE_MAX / 2)
			return -ENOMEM;
		room *= 2;
	}
	bytes = realloc(buffer->bytes, room);
	if (!bytes)
		return -ENOMEM;
	buffer->bytes = bytes;
	buffer->room = room;
	return 0;
}

int buffer_add(struct buffer *buffer, const void *bytes, size_t size)
{
	int rc;

	if (size > buffer->size_max - buffer->size)
		return -EMSGSIZE;
	if (size >= buffer->room - buffer->size) {
		rc = grow(buffer, buffer->size + size + 1);
		if (rc < 0)
			return rc;
	}
	if (size > 0)
		memcpy(buffer->bytes + buffer->size, bytes, size);
	buffer->size += size;
	buffer->bytes[buffer->size] = '\0';
	return 0;
}

void buffer_deinit(struct buffer *buffer)
{
	free(buffer->bytes);
	buffer_init(buffer, buffer->size_max);
}
