/* SPDX-License-Identifier: MIT */
/*
 * stderr, one line per event: see log.h. A line leaves in a single write, so that the lines of
 * several processes on one terminal or log file stay whole.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "log.h"

#define LOG_LINE_BYTES_MAX 2048 /* arbitrary; longer lines are cut */

static enum log_level current_level = LOG_LEVEL_NORMAL;

void log_set_level(enum log_level level)
{
	current_level = level;
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_BYTES_MAX];
	int saved_errno = errno;
	va_list arguments;

	if (level > current_level)
		return;
	va_start(arguments, format);
	(void)vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	(void)fprintf(stderr, "lull: %s\n", line);
	errno = saved_errno;
}
