/* SPDX-License-Identifier: MIT */
/*
 * Amazon's binary events: bytes in any pieces become events. Each is one message:
 *
 *   u32 size of it all   u32 size of the headers   u32 sum of these 8 bytes
 *   headers, each: u8 size, name, u8 type, value
 *   payload, here always JSON
 *   u32 sum of all before
 *
 * Numbers are big-endian, sums are zlib's crc32(). Nothing of a message is believed before its sum,
 * not even its size, so a damaged one never makes this reader wait for bytes that will not come.
 *
 * Headers say what a message is: an event, an exception (an error that the service declares) or an
 * error (another one, whose text is a header, too). Messages without a payload say nothing.
 */
#include "eventstream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define PRELUDE_BYTES 12u
#define SUM_BYTES     4u

struct eventstream {
	struct buffer message; /* so far */
};

struct span {
	char *bytes;
	size_t size;
};

struct headers {
	struct span message_type;
	struct span event_type;
	struct span exception_type;
	struct span error_code;
	struct span error_message;
};

struct eventstream *eventstream_new(size_t message_bytes_max)
{
	struct eventstream *stream = calloc(1, sizeof(*stream));

	if (stream)
		buffer_init(&stream->message, message_bytes_max);
	return stream;
}

struct eventstream *eventstream_free(struct eventstream *stream)
{
	if (!stream)
		return NULL;
	buffer_deinit(&stream->message);
	free(stream);
	return NULL;
}

/* ---- numbers */

static uint32_t read_u32(const char *at)
{
	const unsigned char *byte = (const unsigned char *)at;

	return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
}

static size_t read_u16(const char *at)
{
	const unsigned char *byte = (const unsigned char *)at;

	return (size_t)byte[0] << 8 | byte[1];
}

/* The sum stands behind the bytes. */
static bool sum_is_right(const char *bytes, size_t size)
{
	return crc32(0, (const Bytef *)bytes, (uInt)size) == read_u32(bytes + size);
}

/* ---- headers */

/* A piece of that size from the front of *rest; false: it is not all there. */
static bool take(struct span *rest, size_t size, struct span *ret)
{
	if (size > rest->size)
		return false;
	*ret = (struct span){rest->bytes, size};
	rest->bytes += size;
	rest->size -= size;
	return true;
}

static bool take_value(struct span *rest, unsigned type, struct span *ret)
{
	/* true, false, byte, short, integer, long, bytes, string, timestamp, uuid */
	static const size_t sizes[] = {0, 0, 1, 2, 4, 8, 2, 2, 8, 16};

	if (type >= sizeof(sizes) / sizeof(sizes[0]) || !take(rest, sizes[type], ret))
		return false;
	return (type != 6 && type != 7) || take(rest, read_u16(ret->bytes), ret);
}

static bool take_header(struct span *rest, struct span *ret_name, struct span *ret_value)
{
	struct span byte;

	return take(rest, 1, &byte) && take(rest, (unsigned char)*byte.bytes, ret_name) &&
	       take(rest, 1, &byte) && take_value(rest, (unsigned char)*byte.bytes, ret_value);
}

static bool span_is(const struct span *span, const char *text)
{
	return span->size == strlen(text) && memcmp(span->bytes, text, span->size) == 0;
}

static bool read_headers(struct span rest, struct headers *ret)
{
	const struct {
		const char *name;
		struct span *value;
	} known[] = {
		{":message-type", &ret->message_type},     {":event-type", &ret->event_type},
		{":exception-type", &ret->exception_type}, {":error-code", &ret->error_code},
		{":error-message", &ret->error_message},
	};
	struct span name, value;

	while (rest.size > 0) {
		if (!take_header(&rest, &name, &value))
			return false;
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (span_is(&name, known[i].name))
				*known[i].value = value;
	}
	return true;
}

/* Moved one byte to the front, onto its own size, there is room for its end. */
static const char *as_string(struct span *span)
{
	if (!span->bytes)
		return "";
	memmove(span->bytes - 1, span->bytes, span->size);
	span->bytes--;
	span->bytes[span->size] = '\0';
	return span->bytes;
}

/* ---- messages */

static int dispatch(struct headers *headers, const struct span *payload, sse_event_fn fn,
		    void *userdata)
{
	struct sse_event event = {.data = payload->bytes, .data_bytes = payload->size};

	if (span_is(&headers->message_type, "exception")) {
		event.event = as_string(&headers->exception_type);
		event.is_error = true;
	} else if (span_is(&headers->message_type, "error")) {
		event.event = as_string(&headers->error_code);
		event.is_error = true;
		event.data = as_string(&headers->error_message);
		event.data_bytes = strlen(event.data);
	} else {
		event.event = as_string(&headers->event_type);
	}
	return event.is_error || payload->size > 0 ? fn(&event, userdata) : 0;
}

static int read_message(struct buffer *message, sse_event_fn fn, void *userdata)
{
	const size_t size = message->size - SUM_BYTES;
	const struct span block = {message->bytes + PRELUDE_BYTES, read_u32(message->bytes + 4)};
	const struct span payload = {block.bytes + block.size, size - PRELUDE_BYTES - block.size};
	struct headers headers = {0};

	if (!sum_is_right(message->bytes, size) || !read_headers(block, &headers))
		return -EBADMSG;
	message->bytes[size] = '\0'; /* for the payload: the sum behind it has done its work */
	return dispatch(&headers, &payload, fn, userdata);
}

/* The prelude is there: is it one? */
static int check_prelude(const struct buffer *message)
{
	const size_t size = read_u32(message->bytes);
	const size_t headers_bytes = read_u32(message->bytes + 4);

	if (!sum_is_right(message->bytes, PRELUDE_BYTES - SUM_BYTES) ||
	    size < PRELUDE_BYTES + SUM_BYTES || size - PRELUDE_BYTES - SUM_BYTES < headers_bytes)
		return -EBADMSG;
	return size > message->size_max ? -EMSGSIZE : 0;
}

static size_t size_wanted(const struct buffer *message)
{
	return message->size < PRELUDE_BYTES ? PRELUDE_BYTES : read_u32(message->bytes);
}

/* What was wanted is there: a prelude, or the rest. */
static int read_part(struct buffer *message, sse_event_fn fn, void *userdata)
{
	int rc;

	if (message->size == PRELUDE_BYTES)
		return check_prelude(message);
	rc = read_message(message, fn, userdata);
	message->size = 0;
	return rc;
}

int eventstream_feed(struct eventstream *stream, const char *bytes, size_t size, sse_event_fn fn,
		     void *userdata)
{
	struct buffer *message = &stream->message;
	int rc = 0;

	while (size > 0 && rc == 0) {
		const size_t missing = size_wanted(message) - message->size;
		const size_t piece = size < missing ? size : missing;

		rc = buffer_add(message, bytes, piece);
		if (rc == 0 && piece == missing)
			rc = read_part(message, fn, userdata);
		bytes += piece;
		size -= piece;
	}
	return rc;
}
