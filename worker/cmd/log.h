/* SPDX-License-Identifier: MIT */
/*
 * The one place where a program of the worker speaks to people about itself: stderr, one line per
 * event. The library never logs; it returns.
 */
#ifndef LULL_WORKER_LOG_H
#define LULL_WORKER_LOG_H

enum log_level {
	LOG_LEVEL_QUIET = 0,  /* errors only */
	LOG_LEVEL_NORMAL = 1, /* and warnings */
	LOG_LEVEL_VERBOSE = 2 /* and what is being done */
};

void log_set_level(enum log_level level);

/* "lull: " + the sentence + newline, in one write. errno is kept. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
