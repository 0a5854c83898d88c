/* SPDX-License-Identifier: MIT */
/*
 * stdout, or stderr where that has more to say than sentences: buffered, and strict about it. What
 * could not be written (a full disk, a closed pipe) is an error of the whole command, never
 * silence.
 */
#ifndef LULL_COORDINATOR_OUT_H
#define LULL_COORDINATOR_OUT_H

#include <stdbool.h>
#include <stddef.h>

void out_bytes(const char *bytes, size_t size);
void out_string(const char *text);

/* A short formatted piece: at most OUT_PIECE_BYTES_MAX - 1 bytes come out. */
#define OUT_PIECE_BYTES_MAX 1024u
void out(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Text of unknown origin for a person's terminal: control characters become '?'. */
void out_safe(const char *text);

/* A JSON string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void out_json_string(const char *text);

/* Whether a person with a colour terminal is looking, who has not set NO_COLOR. */
bool out_is_colourful(void);

/* From here on to that descriptor, instead of stdout. */
void out_to(int fd);

/* From here on into memory, instead of a descriptor. */
void out_collect(void);

/* What was printed since then: new, NUL-terminated, for free(); NULL: no memory. What comes next goes
 * where all went before. */
char *out_collected(size_t *ret_size);

/* Writes what is left. 0; negative errno of the first write that failed. */
int out_finish(void);

/* The same for a program that goes on: what comes next is tried anew. */
int out_flush(void);

#endif
