/* SPDX-License-Identifier: MIT */
/*
 * How far a batch has come, on stderr: one line that is kept up to date on a terminal, elsewhere a
 * line now and then; and at the end what each model has done.
 */
#ifndef LULL_WORKER_BATCH_PROGRESS_H
#define LULL_WORKER_BATCH_PROGRESS_H

#include <lull/table.h>

#include "batch_result.h"

enum progress_mode {
	PROGRESS_AUTO = 0, /* tty where stderr is one, else plain */
	PROGRESS_NONE,
	PROGRESS_PLAIN,
	PROGRESS_TTY,
	PROGRESS_JSON
};

struct model_stats;

/* What is counted where it happens. */
struct progress {
	uint64_t read_count;   /* lines of the input that are rows */
	uint64_t before_count; /* of them: in the output from before */
	uint64_t ok_count;
	uint64_t failed_count;
	uint64_t lost_count; /* of both: whose results could not be written */
	uint64_t bad_count;  /* lines that are no rows */
	uint64_t tokens;
	uint64_t input_bytes; /* 0: not known */
	uint64_t used_bytes;
	uint64_t rows_max; /* to be sent; 0: all */
	bool input_ended;
	uint32_t running_count;
	/* its own */
	enum progress_mode mode;
	struct lull_table *table;
	uint64_t begin_ms, next_ms;
	bool line_is_shown;
	bool pause_was_told;
	char paused_model[96];
	uint64_t paused_at_ms;
	uint64_t paused_until_ms; /* 0: not paused */
	uint64_t paused_since_ms;
	uint64_t paused_for_ms; /* before that */
	struct model_stats *models;
	size_t model_count;
};

/* table: borrowed. On a terminal it also sets log.h's writer, so that sentences take the line's place. */
void progress_init(struct progress *progress, enum progress_mode mode, struct lull_table *table);
void progress_deinit(struct progress *progress);

/* Return: 0; -ENOMEM. */
int progress_note(struct progress *progress, const struct row_report *report);
/* As engine_settings.paused(). */
void progress_paused(struct progress *progress, const char *model, uint64_t until_ms);

/* Says how far it is, if it is time for that. Return: when it will be again. */
uint64_t progress_tick(struct progress *progress);
/* Makes way for results on the same terminal; the line comes back by itself. */
void progress_hide(struct progress *progress);
/* Once, at the end. */
void progress_summary(struct progress *progress);

#endif
