/* SPDX-License-Identifier: MIT */
/*
 * Names that only the configuration knows. Reading configuration is lull-worker's: it is asked, and
 * prints one key a line: for each route its route key, followed by those of its credential and
 * endpoint and by the names that close it.
 */
#ifndef LULL_COORDINATOR_RESOLVE_H
#define LULL_COORDINATOR_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

typedef int (*resolve_key_fn)(uint32_t kind, const char *key, void *userdata);

/*
 * Whether asking can tell more than the table: a configuration file exists, or the name says its
 * provider ("openai/gpt-4o").
 */
bool resolve_is_possible(const char *name);

/*
 * Asks `lull-worker resolve NAME`; calls `found` for each key, until one returns non-zero.
 * Return: 0, also when it cannot be asked (told on stderr, as `quiet` allows); what `found` said.
 */
int resolve_name(const char *name, bool quiet, resolve_key_fn found, void *userdata);

#endif
