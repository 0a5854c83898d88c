/* SPDX-License-Identifier: MIT */
/*
 * What became of a row: its line of output, and what the summary wants to know. One flat piece of
 * memory, since it may come from another process.
 */
#ifndef LULL_WORKER_BATCH_RESULT_H
#define LULL_WORKER_BATCH_RESULT_H

#include "../src/driver.h"

/* What a row met at one of its routes. */
struct route_note {
	char label[96]; /* as people know it */
	char key[LULL_KEY_BYTES_MAX + 1];
	bool answered;
	bool is_fallback; /* it has answered, and another one was before it */
	uint32_t cooled;  /* cooldowns that began with its attempts */
	uint32_t saved;   /* times that it was passed over, because somebody knew */
};

struct row_result {
	uint32_t slot;   /* the row's, as it was submitted */
	uint32_t result; /* enum lull_result */
	int exit_code;
	uint32_t tokens; /* LULL_UNSET: not known */
	uint32_t note_count;
	size_t text_bytes;
	size_t why_bytes; /* 0: answered */
};

/* A result, and what belongs to it; all borrowed. */
struct row_report {
	const struct row_result *result;
	const struct route_note *notes;
	const char *text; /* of its line, all behind the custom_id, newline and all */
	const char *why;  /* for people; ends with a NUL */
};

/* One after the other: a result, its notes, text, why. To be read with row_report_read(). */
int row_report_write(struct buffer *out, struct row_result *result,
		     const struct driver_result *call, const struct route_list *routes);
/* The same for a row that no call was made for: it is refused, and that is why. */
int row_report_refusal(struct buffer *out, struct row_result *result, const char *why);
/* bytes: aligned as malloc() does. Return: 0; -EINVAL it is none. */
int row_report_read(const char *bytes, size_t size, struct row_report *ret);

/*
 * A row that was not even tried: `"response":null,"error":{code, message}` and the rest of its
 * line, to `out`. Return: 0; -ENOMEM.
 */
int row_text_not_run(struct buffer *out, const char *code, const char *message);

#endif
