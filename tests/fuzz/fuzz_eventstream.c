/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as Amazon's binary events, and any headers and payloads under right sums, which random
 * bytes never have: the events, and the end, do not depend on how the bytes are cut.
 */
#include <errno.h>
#include <string.h>

#include "event_message.h"
#include "eventstream.h"
#include "fuzz.h"

#define MESSAGE_BYTES_MAX 512

static int write_event(const struct sse_event *event, void *userdata)
{
	struct buffer *out = userdata;

	CHECK(event->data[event->data_bytes] == '\0');
	CHECK(event->is_error || event->data_bytes > 0);
	CHECK(event->data_bytes <= MESSAGE_BYTES_MAX);
	CHECK(buffer_add(out, event->event, strlen(event->event) + 1) == 0);
	CHECK(buffer_add(out, event->data, event->data_bytes) == 0);
	return 0;
}

static int feed(const char *bytes, size_t size, size_t piece_size, struct buffer *out)
{
	struct eventstream *stream = eventstream_new(MESSAGE_BYTES_MAX);
	int rc = 0;

	CHECK(stream);
	out->size = 0;
	for (size_t at = 0; at < size && rc == 0; at += piece_size)
		rc = eventstream_feed(stream, bytes + at,
				      size - at < piece_size ? size - at : piece_size, write_event,
				      out);
	CHECK(rc == 0 || rc == -EBADMSG || rc == -EMSGSIZE);
	eventstream_free(stream);
	return rc;
}

static void compare(const char *bytes, size_t size)
{
	struct buffer whole, pieces;

	buffer_init(&whole, 1u << 30);
	buffer_init(&pieces, 1u << 30);
	for (size_t piece_size = 1; piece_size <= 8; piece_size = piece_size * 2 + 1) {
		CHECK(feed(bytes, size, SIZE_MAX, &whole) ==
		      feed(bytes, size, piece_size, &pieces));
		CHECK(whole.size == pieces.size);
		CHECK(whole.size == 0 || memcmp(whole.bytes, pieces.bytes, whole.size) == 0);
	}
	buffer_deinit(&whole);
	buffer_deinit(&pieces);
}

static struct event_bytes take(const char **at, size_t *left)
{
	struct event_bytes taken = {*at, 0};

	if (*left > 0) {
		taken = (struct event_bytes){*at + 1, (unsigned char)**at};
		taken.size = taken.size < *left ? taken.size : *left - 1;
		*at += 1 + taken.size;
		*left -= 1 + taken.size;
	}
	return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data;
	size_t left = size;
	struct buffer framed;

	compare(at, size);
	buffer_init(&framed, 1u << 30);
	while (left > 0) {
		const struct event_bytes headers = take(&at, &left);

		event_message_frame(&framed, headers, take(&at, &left));
	}
	compare(framed.bytes, framed.size);
	buffer_deinit(&framed);
	return 0;
}
