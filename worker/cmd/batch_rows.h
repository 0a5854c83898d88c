/* SPDX-License-Identifier: MIT */
/*
 * The lines of a batch file, and what a row of OpenAI's form says. A line is parsed only as far as
 * to find its members; its body goes on in its own bytes.
 */
#ifndef LULL_WORKER_BATCH_ROWS_H
#define LULL_WORKER_BATCH_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A body of the size that a request may have, and its row around it. */
#define LINE_BYTES_MAX ((32u << 20) + (64u << 10))

struct line {
	const char *bytes; /* without its newline; borrowed until the next one is asked for */
	size_t size;
	uint64_t number; /* 1 is the first */
	bool too_long;   /* and so not kept: bytes is its beginning */
	bool unfinished; /* the file ends without a newline */
};

struct line_reader {
	int fd;
	bool may_block; /* no file: it is only read while there is something to read */
	char *bytes;
	size_t room, from, to; /* what was read, and not handed out yet */
	size_t searched;       /* of it: has no newline */
	uint64_t line_count;
	uint64_t read_bytes;
	bool skipping; /* the rest of a line that is too long */
	bool at_end;
};

enum line_outcome {
	LINES_WAIT = 1, /* nothing to read now; poll the descriptor */
	LINES_END = 2
};

/* fd: borrowed */
void lines_init(struct line_reader *reader, int fd, bool may_block);
/* Return: 0; enum line_outcome; negative errno. Blank lines are counted, and not handed out. */
int lines_next(struct line_reader *reader, struct line *ret_line);
uint64_t lines_used_bytes(const struct line_reader *reader);
void lines_deinit(struct line_reader *reader);

#define ROW_ERROR_BYTES 256

/* All of it points into the line. */
struct row_view {
	const char *id; /* as it is written, with its quotes */
	size_t id_bytes;
	const char *body; /* begins with a brace; more is not known of it */
	size_t body_bytes;
	const char *code; /* of a row that is refused; static */
};

enum row_outcome {
	ROW_REFUSED = 1, /* it has an id, but cannot be sent: code and error say why */
	ROW_NAMELESS = 2 /* nothing by which its result could be found; error says why */
};

/* error: ROW_ERROR_BYTES. Return: 0; enum row_outcome; -ENOMEM. */
int row_read(const struct line *line, struct row_view *ret_row, char *error);

/* A text as it is meant: decoded where it has escapes. */
struct row_text {
	const char *bytes;
	size_t size;
	void *decoded; /* what owns them, or NULL: borrowed from the token */
};
/* token: a JSON string with its quotes. Return: 0; -ENOMEM. */
int row_text(const char *token, size_t size, struct row_text *ret_text);
void row_text_deinit(struct row_text *text);

/* The custom_id of a line of output. Return: 0; -EINVAL it is none; -ENOMEM. */
int row_output_id(const struct line *line, struct row_text *ret_id);

#endif
