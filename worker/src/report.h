/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with a configuration: every finding, not only the first, handed out by line when
 * the reading is over. A line is "FILE:LINE: what, what was expected"; no key ever stands in one.
 */
#ifndef LULL_WORKER_REPORT_H
#define LULL_WORKER_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

struct report_line;

struct report {
	const char *file; /* as people know it; borrowed */
	struct report_line *lines;
	size_t count;
	size_t errors;
	bool out_of_memory; /* set by whoever met it; the reading then ends with -ENOMEM */
};

/* @line: 0 = the file as a whole */
void report_error(struct report *report, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void report_warning(struct report *report, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Hands out all lines, sorted by line number, and forgets them. */
void report_deliver(struct report *report, config_message_fn message, void *userdata);

#endif
