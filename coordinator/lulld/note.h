/* SPDX-License-Identifier: MIT */
/*
 * The supervisor's log: stderr, an event a line, in the form that the gateways' lines have. What
 * happened is a word, what is known of it are fields, so that nobody has to parse sentences.
 *
 *     NOTE(NOTE_WARNING, "worker_died", NOTE_NUMBER("pid", pid), NOTE_TEXT("cause", cause));
 *     time=2025-11-29T12:00:00.123Z level=warning event=worker_died pid=4711 cause="signal 9 (Killed)"
 */
#ifndef LULL_LULLD_NOTE_H
#define LULL_LULLD_NOTE_H

#include <stdbool.h>
#include <stdint.h>

enum note_level { NOTE_INFO, NOTE_WARNING, NOTE_ERROR };

struct note_field {
	const char *name; /* NULL ends the list */
	const char *text; /* NULL: the number */
	int64_t number;
};

/* @quiet: errors only */
void note_init(bool json, bool quiet);

void note(enum note_level level, const char *event, const struct note_field *fields);

/* clang-format off */
#define NOTE_TEXT(name, text)     {(name), (text), 0}
#define NOTE_NUMBER(name, number) {(name), NULL, (int64_t)(number)}
#define NOTE(level, event, ...) \
	note((level), (event), (const struct note_field[]){__VA_ARGS__, {NULL, NULL, 0}})
/* clang-format on */

#endif
