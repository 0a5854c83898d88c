/* SPDX-License-Identifier: MIT */
/*
 * stderr without stdio: a line is put together and written at once, so that lines of processes that
 * share a terminal or a log file never mix.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "say.h"

#define SAY_BYTES_MAX 2048u /* the longest sentence holds a path (256) and a problem (512) */

void say(const char *format, ...)
{
	static const char prefix[] = "lull: ";
	const int error = errno;
	char line[SAY_BYTES_MAX];
	const size_t start = sizeof(prefix) - 1;
	const size_t room = sizeof(line) - start - 1; /* one for the newline */
	va_list arguments;
	int wanted;
	size_t length;

	memcpy(line, prefix, start);
	va_start(arguments, format);
	wanted = vsnprintf(line + start, room, format, arguments);
	va_end(arguments);
	length = wanted < 0 ? 0 : (size_t)wanted;
	if (length >= room)
		length = room - 1;
	line[start + length] = '\n';
	if (write(STDERR_FILENO, line, start + length + 1) < 0) {
		/* nobody is left to tell */
	}
	errno = error;
}
