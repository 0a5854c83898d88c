/* SPDX-License-Identifier: MIT */
/* See event_message.h. */
#include "event_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void add(struct buffer *out, const char *bytes, size_t size)
{
	if (buffer_add(out, bytes, size) != 0)
		abort();
}

static void add_u32(struct buffer *out, size_t number)
{
	const char bytes[] = {(char)(number >> 24), (char)(number >> 16), (char)(number >> 8),
			      (char)number};

	add(out, bytes, sizeof(bytes));
}

static void add_sum(struct buffer *out, size_t from)
{
	add_u32(out, crc32(0, (const Bytef *)out->bytes + from, (uInt)(out->size - from)));
}

void event_message_begin(struct buffer *out, size_t size, size_t headers_bytes)
{
	const size_t from = out->size;

	add_u32(out, size);
	add_u32(out, headers_bytes);
	add_sum(out, from);
}

void event_message_frame(struct buffer *out, struct event_bytes headers, struct event_bytes payload)
{
	const size_t from = out->size;

	event_message_begin(out, 12 + headers.size + payload.size + 4, headers.size);
	add(out, headers.bytes, headers.size);
	add(out, payload.bytes, payload.size);
	add_sum(out, from);
}

/* A header whose value is a text, type 7. */
static void add_header(struct buffer *out, const char *name, const char *value)
{
	const size_t size = strlen(value);
	const char before[] = {7, (char)(size >> 8), (char)size};
	const char name_size = (char)strlen(name);

	add(out, &name_size, 1);
	add(out, name, strlen(name));
	add(out, before, sizeof(before));
	add(out, value, size);
}

void event_message_add(struct buffer *out, const char *kind, const char *name,
		       struct event_bytes payload)
{
	struct buffer headers;
	char type_header[32];

	buffer_init(&headers, 1u << 20);
	(void)snprintf(type_header, sizeof(type_header), ":%s-type", kind);
	add_header(&headers, type_header, name);
	add_header(&headers, ":content-type", "application/json");
	add_header(&headers, ":message-type", kind);
	event_message_frame(out, (struct event_bytes){headers.bytes, headers.size}, payload);
	buffer_deinit(&headers);
}
