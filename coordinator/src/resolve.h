/* SPDX-License-Identifier: MIT */
/*
 * What only the configuration knows: for a name its keys, for each route its route key, followed by
 * those of its credential and endpoint and by all names that close it. Where this program cannot
 * read it, lull-worker is asked, and answers in lines.
 */
#ifndef LULL_COORDINATOR_RESOLVE_H
#define LULL_COORDINATOR_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int (*resolve_key_fn)(uint32_t kind, const char *key, void *userdata);

/*
 * Calls `found` for each key of a name, until one returns non-zero.
 * Return: 0, also when nobody knows (told on stderr, as `quiet` allows); what `found` said.
 */
int resolve_name(const char *name, bool quiet, resolve_key_fn found, void *userdata);

/*
 * Which table the configuration names.
 * @ret_table: "" if it names none
 *
 * Return: 0; negative errno: lull-worker could not be asked; its exit status.
 */
int resolve_table(bool quiet, char *ret_table, size_t table_size);

#endif
