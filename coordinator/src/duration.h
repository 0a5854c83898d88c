/* SPDX-License-Identifier: MIT */
/*
 * Lengths of time as people type and read them, and points in time as clocks on the wall show them.
 * They are read as 100ms, 45s, 10m, 1h and printed as seconds, never as minutes: one unit compares
 * at a glance, and scripts need no parser.
 */
#ifndef LULL_COORDINATOR_DURATION_H
#define LULL_COORDINATOR_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* "100ms", "45s", "1.5s", "10m", "1h"; a bare number is seconds. 0; -EINVAL; -ERANGE. */
int duration_parse_ms(const char *text, uint64_t *ret_ms);

struct duration_text {
	char text[32];
};

/* "59.9 s"; rounded up, so that whoever waits as long as it says does not come too early. */
struct duration_text duration_seconds(uint64_t ms);

/* "59.912", for JSON */
struct duration_text duration_json(uint64_t ms);

/* "2025-11-22 10:37:03" in local time, with milliseconds on demand */
struct duration_text moment_local(uint64_t unix_ms, bool milliseconds);

/* "2025-11-22T10:37:03.123Z", for JSON */
struct duration_text moment_json(uint64_t unix_ms);

uint64_t unix_now_ms(void);

#endif
