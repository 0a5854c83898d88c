/* SPDX-License-Identifier: MIT */
/*
 * Memory that dies together and is wiped when it does: a configuration's nodes and texts, keys
 * among them. One owner, one free, and error paths have nothing to undo.
 */
#ifndef LULL_WORKER_ARENA_H
#define LULL_WORKER_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena { /* zeroed = empty */
	struct arena_block *blocks;
};

/* Zeroed, aligned for any type, valid until arena_deinit(). NULL without memory. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);
/* A copy with a NUL behind it. */
char *arena_text(struct arena *arena, const char *bytes, size_t size);
void arena_deinit(struct arena *arena);

#endif
