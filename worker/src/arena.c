/* SPDX-License-Identifier: MIT */
/* Blocks in a list, filled from the front: see arena.h. */
#include "arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK_BYTES 16384 /* arbitrary: most configurations fit one */

struct arena_block {
	struct arena_block *next;
	size_t size;
	size_t used;
	alignas(max_align_t) unsigned char bytes[];
};

static struct arena_block *add_block(struct arena *arena, size_t need)
{
	size_t size = need > ARENA_BLOCK_BYTES ? need : ARENA_BLOCK_BYTES;
	struct arena_block *block = calloc(1, sizeof(*block) + size);

	if (!block)
		return NULL;
	block->size = size;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
	struct arena_block *block = arena->blocks;
	size_t need;
	void *result;

	if (__builtin_mul_overflow(count, size, &need) || need > SIZE_MAX / 2)
		return NULL;
	need = (need + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
	if (!block || block->size - block->used < need)
		block = add_block(arena, need);
	if (!block)
		return NULL;
	result = block->bytes + block->used;
	block->used += need;
	return result;
}

char *arena_text(struct arena *arena, const char *bytes, size_t size)
{
	char *text = arena_alloc(arena, size + 1, 1);

	if (text)
		memcpy(text, bytes, size);
	return text;
}

void arena_deinit(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->next;
		explicit_bzero(block->bytes, block->used);
		free(block);
	}
}
