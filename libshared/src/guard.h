/* SPDX-License-Identifier: MIT */
/*
 * Internal: the mappings that lull_table_guard() looks after. Where one has lost its file, its
 * bytes become zeros that are this process's own: every key is as new there, work goes on, and the
 * next lull_table_refresh() finds that the file is too short, and replaces it.
 */
#ifndef LULL_GUARD_H
#define LULL_GUARD_H

#include <stddef.h>

void guard_add(void *base, size_t size);
void guard_remove(void *base); /* before it is unmapped; one that was not added is fine */

#endif
