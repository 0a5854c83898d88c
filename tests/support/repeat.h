/* SPDX-License-Identifier: MIT */
/* Long texts, for tests of what is bounded. */
#ifndef LULL_TESTS_REPEAT_H
#define LULL_TESTS_REPEAT_H

#include <string.h>

#include "cunit_main.h"

/* The head, then the piece so often, then the tail. The caller frees it. */
static inline char *repeat(const char *head, const char *piece, size_t count, const char *tail)
{
	size_t size = strlen(piece);
	char *text = malloc(strlen(head) + size * count + strlen(tail) + 1), *at;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	at = mempcpy(text, head, strlen(head));
	while (count-- > 0)
		at = mempcpy(at, piece, size);
	memcpy(at, tail, strlen(tail) + 1);
	return text;
}

#endif
