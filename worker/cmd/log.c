/* SPDX-License-Identifier: MIT */
/*
 * stderr, one line per event: see log.h. A line leaves in a single write, so that the lines of
 * several processes on one terminal or log file stay whole.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "../src/json_build.h"
#include "log.h"

#define LOG_LINE_BYTES_MAX 2048 /* arbitrary; longer lines are cut */

static enum log_level current_level = LOG_LEVEL_NORMAL;
static log_write_fn current_writer;

void log_set_level(enum log_level level)
{
	current_level = level;
}

void log_set_writer(log_write_fn write)
{
	current_writer = write;
}

const char *log_level_name(enum log_level level)
{
	static const char *const names[] = {
		[LOG_LEVEL_QUIET] = "error",
		[LOG_LEVEL_NORMAL] = "warning",
		[LOG_LEVEL_VERBOSE] = "info",
	};

	return names[level];
}

bool log_write_json(enum log_level level, const char *text)
{
	struct json_object *object = json_object_new_object();
	const bool is_whole = json_set_new(object, "v", json_object_new_int(1)) == 0 &&
			      json_set_string(object, "step", "message") == 0 &&
			      json_set_string(object, "level", log_level_name(level)) == 0 &&
			      json_set_string(object, "text", text) == 0;
	const char *line = is_whole ? json_line(object, NULL) : NULL;

	if (line)
		(void)fprintf(stderr, "%s\n", line);
	json_object_put(object);
	return line != NULL;
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
	if (!current_writer || !current_writer(level, line))
		(void)fprintf(stderr, "lull: %s\n", line);
	errno = saved_errno;
}
