/* SPDX-License-Identifier: MIT */
/*
 * Server-sent events: bytes in any pieces become events. A piece may end anywhere, also inside a
 * line end or a character, so nothing is decided before a whole line is there.
 *
 * Lines end with LF, CRLF or CR, mixed as the server likes. A byte-order mark may come first. Lines
 * of one event gather: `data` lines are joined by LF, the last `event` line names it, a blank line
 * dispatches it. Comments (": ...") and unknown fields are skipped. An event without its blank line
 * at the end of the body is never dispatched: it may have been cut.
 *
 * One thing beyond the standard: old builds of llama.cpp's server report a failure in a line
 * "error: {...}". It is read as data of an event named "error", which newer builds send.
 */
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct sse {
	struct buffer line;  /* the line so far */
	struct buffer data;  /* data lines so far, joined by LF */
	struct buffer event; /* name of the event so far */
	bool has_data;       /* a data line was seen, even an empty one */
	bool after_cr;       /* the last line ended with CR: a LF that follows belongs to it */
	bool started;        /* the first line was seen, with or without a byte-order mark */
};

struct sse *sse_new(size_t event_bytes_max)
{
	struct sse *sse = calloc(1, sizeof(*sse));

	if (!sse)
		return NULL;
	buffer_init(&sse->line, event_bytes_max);
	buffer_init(&sse->data, event_bytes_max);
	buffer_init(&sse->event, event_bytes_max);
	return sse;
}

struct sse *sse_free(struct sse *sse)
{
	if (!sse)
		return NULL;
	buffer_deinit(&sse->line);
	buffer_deinit(&sse->data);
	buffer_deinit(&sse->event);
	free(sse);
	return NULL;
}

static int add_data(struct sse *sse, const char *value, size_t size)
{
	int rc = sse->has_data ? buffer_add(&sse->data, "\n", 1) : 0;

	sse->has_data = true;
	return rc < 0 ? rc : buffer_add(&sse->data, value, size);
}

static int set_event(struct sse *sse, const char *value, size_t size)
{
	sse->event.size = 0;
	return buffer_add(&sse->event, value, size);
}

static bool is_field(const char *line, size_t name_size, const char *field)
{
	return name_size == strlen(field) && memcmp(line, field, name_size) == 0;
}

/* one line that is neither blank nor a comment: "name: value", "name:value" or "name" */
static int read_field(struct sse *sse, const char *line, size_t size)
{
	const char *colon = memchr(line, ':', size);
	size_t name_size = colon ? (size_t)(colon - line) : size;
	const char *value = colon ? colon + 1 : line + size;
	size_t value_size = (size_t)(line + size - value);
	int rc;

	if (value_size > 0 && *value == ' ') {
		value++;
		value_size--;
	}
	if (is_field(line, name_size, "data"))
		return add_data(sse, value, value_size);
	if (is_field(line, name_size, "event"))
		return set_event(sse, value, value_size);
	if (is_field(line, name_size, "error")) {
		rc = set_event(sse, "error", strlen("error"));
		return rc < 0 ? rc : add_data(sse, value, value_size);
	}
	return 0;
}

static int dispatch(struct sse *sse, sse_event_fn fn, void *userdata)
{
	const char *name = sse->event.size > 0 ? sse->event.bytes : "";
	struct sse_event event = {
		.event = name,
		.is_error = strcasecmp(name, "error") == 0,
		.data = sse->data.bytes,
		.data_bytes = sse->data.size,
	};
	int rc = sse->has_data && sse->data.size > 0 ? fn(&event, userdata) : 0;

	sse->has_data = false;
	sse->data.size = 0;
	sse->event.size = 0;
	return rc;
}

static int end_line(struct sse *sse, sse_event_fn fn, void *userdata)
{
	const char *line = sse->line.size > 0 ? sse->line.bytes : "";
	size_t size = sse->line.size;

	sse->line.size = 0;
	if (!sse->started && size >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0) {
		line += 3;
		size -= 3;
	}
	sse->started = true;
	if (size == 0)
		return dispatch(sse, fn, userdata);
	return *line == ':' ? 0 : read_field(sse, line, size);
}

static size_t line_length(const char *bytes, size_t size)
{
	size_t length = 0;

	while (length < size && bytes[length] != '\n' && bytes[length] != '\r')
		length++;
	return length;
}

int sse_feed(struct sse *sse, const char *bytes, size_t size, sse_event_fn fn, void *userdata)
{
	size_t length;
	int rc;

	while (size > 0) {
		if (sse->after_cr && *bytes == '\n') {
			bytes++;
			size--;
		}
		sse->after_cr = false;
		length = line_length(bytes, size);
		if (length > 0) {
			rc = buffer_add(&sse->line, bytes, length);
			if (rc < 0)
				return rc;
		}
		if (length == size)
			return 0;
		sse->after_cr = bytes[length] == '\r';
		bytes += length + 1;
		size -= length + 1;
		rc = end_line(sse, fn, userdata);
		if (rc != 0)
			return rc;
	}
	return 0;
}
