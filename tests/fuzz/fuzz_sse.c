/* SPDX-License-Identifier: MIT */
/* Any bytes as an event stream: the events do not depend on how the bytes are cut. */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "wire.h"

#define EVENT_BYTES_MAX 512

static int write_event(const struct sse_event *event, void *userdata)
{
	struct buffer *out = userdata;

	CHECK(event->data[event->data_bytes] == '\0');
	CHECK(event->data_bytes > 0 && event->data_bytes <= EVENT_BYTES_MAX);
	CHECK(buffer_add(out, event->event, strlen(event->event) + 1) == 0);
	CHECK(buffer_add(out, event->data, event->data_bytes) == 0);
	return 0;
}

static int feed(const uint8_t *data, size_t size, size_t piece_size, struct buffer *out)
{
	struct sse *sse = sse_new(EVENT_BYTES_MAX);
	int rc = 0;

	CHECK(sse);
	for (size_t at = 0; at < size && rc == 0; at += piece_size)
		rc = sse_feed(sse, (const char *)data + at,
			      size - at < piece_size ? size - at : piece_size, write_event, out);
	CHECK(rc == 0 || rc == -EMSGSIZE);
	sse_free(sse);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer whole, pieces;

	buffer_init(&whole, 1u << 30);
	buffer_init(&pieces, 1u << 30);
	for (size_t piece_size = 1; piece_size <= 8; piece_size = piece_size * 2 + 1) {
		whole.size = pieces.size = 0;
		CHECK(feed(data, size, SIZE_MAX, &whole) == feed(data, size, piece_size, &pieces));
		CHECK(whole.size == pieces.size);
		CHECK(whole.size == 0 || memcmp(whole.bytes, pieces.bytes, whole.size) == 0);
	}
	buffer_deinit(&whole);
	buffer_deinit(&pieces);
	return 0;
}
