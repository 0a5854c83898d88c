/* SPDX-License-Identifier: MIT */
/*
 * A file that results are written to, whole lines at a time. Whatever ends this process, the file
 * holds whole lines, but for a last one without a newline, which --resume cuts off.
 *
 * One process writes to a file: it holds a lock of fcntl(2), which no child inherits, and which
 * goes when the process goes.
 */
#ifndef LULL_WORKER_BATCH_OUTPUT_H
#define LULL_WORKER_BATCH_OUTPUT_H

#include <stdbool.h>

#include "../src/wire.h"
#include "batch_ids.h"

enum output_mode {
	OUTPUT_FRESH = 1, /* what is in it already is never overwritten: that is refused */
	OUTPUT_GO_ON,     /* behind what is in it, whose ids are taken up */
	OUTPUT_AGAIN      /* emptied, should it be such a file */
};

struct output {
	int fd;           /* -1: there is none */
	const char *path; /* as people know it; borrowed */
	bool is_file;     /* else a pipe, a terminal or a device */
	bool is_terminal;
	int64_t end; /* of the whole lines in it */
	struct buffer pending;
	uint64_t done_count; /* OUTPUT_GO_ON: lines that were found in it */
	uint64_t lost_count; /* lines that could not be written */
};

/*
 * path: "-" is stdout. ids: filled by OUTPUT_GO_ON.
 * Return: 0, or the exit code of the program, a sentence having been printed. output_close() is due
 * in any case.
 */
int output_open(struct output *output, const char *path, enum output_mode mode, struct id_set *ids);
/* Some of a line; it is to be ended before the next output_flush(). Return: 0; -ENOMEM. */
int output_add(struct output *output, const char *bytes, size_t size);
/*
 * Writes what is pending; to what is no file only as much as is taken at once. Return: 0; negative
 * errno: what was pending is lost, and a file is back at its last whole line.
 */
int output_flush(struct output *output);
bool output_is_waiting(const struct output *output); /* until it can be written to */
bool output_is_full(const struct output *output);    /* no more should be made for it */
void output_close(struct output *output);

#endif
