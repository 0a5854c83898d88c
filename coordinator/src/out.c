/* SPDX-License-Identifier: MIT */
/*
 * A buffer in front of write(2). stdio would do the same, but costs start-up time that `lull check`
 * in a shell loop would feel, and hides when a write failed.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "out.h"
#include "utf8.h"

static char buffer[16384];
static size_t buffer_used;
static int first_error;
static int target = STDOUT_FILENO;
static FILE *memory; /* in place of the target; NULL: none */
static char *memory_bytes;
static size_t memory_size;

static void flush_to_memory(void)
{
	(void)fwrite(buffer, 1, buffer_used, memory);
	buffer_used = 0;
}

static void flush_to_target(void)
{
	size_t done = 0;

	while (done < buffer_used && first_error == 0) {
		const ssize_t written = write(target, buffer + done, buffer_used - done);

		if (written >= 0)
			done += (size_t)written;
		else if (errno != EINTR)
			first_error = -errno;
	}
	buffer_used = 0;
}

static void flush(void)
{
	if (memory != NULL)
		flush_to_memory();
	else
		flush_to_target();
}

void out_bytes(const char *bytes, size_t size)
{
	while (size > 0) {
		size_t piece = sizeof(buffer) - buffer_used;

		if (piece > size)
			piece = size;
		memcpy(buffer + buffer_used, bytes, piece);
		buffer_used += piece;
		bytes += piece;
		size -= piece;
		if (buffer_used == sizeof(buffer))
			flush();
	}
}

void out_string(const char *text)
{
	out_bytes(text, strlen(text));
}

void out(const char *format, ...)
{
	char piece[OUT_PIECE_BYTES_MAX];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(piece, sizeof(piece), format, arguments);
	va_end(arguments);
	if (length > 0)
		out_bytes(piece,
			  (size_t)length < sizeof(piece) ? (size_t)length : sizeof(piece) - 1);
}

static bool is_control(unsigned char byte)
{
	return byte < 0x20 || byte == 0x7f;
}

void out_safe(const char *text)
{
	for (; *text != '\0'; text++)
		out_bytes(is_control((unsigned char)*text) ? "?" : text, 1);
}

void out_json_string(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	out_string("\"");
	while (*at != '\0') {
		const size_t length = utf8_length(at);

		if (length == 0)
			out_string("\\ufffd");
		else if (is_control(*at))
			out("\\u%04x", *at);
		else if (*at == '"' || *at == '\\')
			out("\\%c", *at);
		else
			out_bytes((const char *)at, length);
		at += length == 0 ? 1 : length;
	}
	out_string("\"");
}

bool out_is_colourful(void)
{
	const char *const no_color = getenv("NO_COLOR");
	const char *const terminal = getenv("TERM");

	if (no_color != NULL && no_color[0] != '\0')
		return false;
	return terminal != NULL && strcmp(terminal, "dumb") != 0 && isatty(STDOUT_FILENO);
}

void out_to(int fd)
{
	flush();
	target = fd;
}

/* Without memory even for this, all goes nowhere, as out_collected() will say. */
void out_collect(void)
{
	flush();
	memory_bytes = NULL;
	memory = open_memstream(&memory_bytes, &memory_size);
	if (memory == NULL)
		memory = fopen("/dev/null", "we");
}

char *out_collected(size_t *ret_size)
{
	bool is_whole;

	if (memory == NULL) {
		buffer_used = 0;
		return NULL;
	}
	flush();
	is_whole = ferror(memory) == 0;
	is_whole = fclose(memory) == 0 && is_whole;
	memory = NULL;
	if (!is_whole) {
		free(memory_bytes);
		memory_bytes = NULL;
	}
	*ret_size = memory_size;
	return memory_bytes;
}

int out_finish(void)
{
	flush();
	return first_error;
}

int out_flush(void)
{
	const int error = out_finish();

	first_error = 0;
	return error;
}
