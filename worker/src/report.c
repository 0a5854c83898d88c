/* SPDX-License-Identifier: MIT */
/* Findings kept until all are known: see report.h. */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "text.h"

struct report_line {
	unsigned line;
	size_t number; /* as found: keeps the order within a line */
	bool is_error;
	char *text;
};

static struct report_line *add_line(struct report *report)
{
	struct report_line *grown =
		reallocarray(report->lines, report->count + 1, sizeof(*report->lines));

	if (!grown)
		return NULL;
	report->lines = grown;
	return &grown[report->count];
}

__attribute__((format(printf, 4, 0))) static void add(struct report *report, unsigned line,
						      bool is_error, const char *format,
						      va_list arguments)
{
	struct report_line *entry = add_line(report);
	char what[CONFIG_MESSAGE_BYTES_MAX];
	char *text;

	if (is_error)
		report->errors++;
	(void)vsnprintf(what, sizeof(what), format, arguments);
	text_make_plain(what); /* it may quote the file */
	if (line == 0)
		text = text_format("%s: %s", report->file, what);
	else
		text = text_format("%s:%u: %s", report->file, line, what);
	if (!entry || !text) {
		report->out_of_memory = true;
		free(text);
		return;
	}
	*entry = (struct report_line){line, report->count++, is_error, text};
}

void report_error(struct report *report, unsigned line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add(report, line, true, format, arguments);
	va_end(arguments);
}

void report_warning(struct report *report, unsigned line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add(report, line, false, format, arguments);
	va_end(arguments);
}

static int by_line(const void *a, const void *b)
{
	const struct report_line *left = a, *right = b;

	if (left->line != right->line)
		return left->line < right->line ? -1 : 1;
	return left->number < right->number ? -1 : 1;
}

void report_deliver(struct report *report, config_message_fn message, void *userdata)
{
	if (report->count > 0)
		qsort(report->lines, report->count, sizeof(*report->lines), by_line);
	for (size_t i = 0; i < report->count; i++) {
		if (message)
			message(report->lines[i].text, report->lines[i].is_error, userdata);
		free(report->lines[i].text);
	}
	free(report->lines);
	report->lines = NULL;
	report->count = 0;
}
