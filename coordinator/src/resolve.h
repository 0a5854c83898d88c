/* SPDX-License-Identifier: MIT */
/*
 * What only the configuration knows. Reading configuration is lull-worker's: it is asked, and
 * answers in lines. For a name it prints its keys: for each route its route key, followed by those
 * of its credential and endpoint and by all names that close it.
 */
#ifndef LULL_COORDINATOR_RESOLVE_H
#define LULL_COORDINATOR_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int (*resolve_key_fn)(uint32_t kind, const char *key, void *userdata);

/*
 * Asks `lull-worker resolve NAME`; calls `found` for each key, until one returns non-zero.
 * Return: 0, also when it cannot be asked (told on stderr, as `quiet` allows); what `found` said.
 */
int resolve_name(const char *name, bool quiet, resolve_key_fn found, void *userdata);

/*
 * Asks `lull-worker resolve --table` which table the configuration names.
 * @ret_table: "" if it names none
 *
 * Return: 0; negative errno: it could not be asked; lull-worker's exit status.
 */
int resolve_table(bool quiet, char *ret_table, size_t table_size);

#endif
