/* SPDX-License-Identifier: MIT */
/*
 * The one place where a program of the worker speaks to people about itself: stderr, one line per
 * event. The library never logs; it returns.
 */
#ifndef LULL_WORKER_LOG_H
#define LULL_WORKER_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_QUIET = 0,  /* errors only */
	LOG_LEVEL_NORMAL = 1, /* and warnings */
	LOG_LEVEL_VERBOSE = 2 /* and what is being done */
};

void log_set_level(enum log_level level);

/* "error", "warning", "info" */
const char *log_level_name(enum log_level level);

/* Writes a line in the form of those that it stands among; false: it cannot. */
typedef bool (*log_write_fn)(enum log_level level, const char *text);
void log_set_writer(log_write_fn write); /* NULL: sentences for people */
/* {"v":1,"step":"message","level":"error|warning|info","text":...} */
bool log_write_json(enum log_level level, const char *text);

/* "lull: " + the sentence + newline, in one write, unless the level is above the one set. errno is
 * kept. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_QUIET, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_NORMAL, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_VERBOSE, __VA_ARGS__)

#endif
