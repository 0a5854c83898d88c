/* SPDX-License-Identifier: MIT */
/* Edit distance with neighbours swapped counting as one slip: see near.h. */
#include "near.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Upper and lower case are one letter: they are confused most easily. */
static bool differ(char a, char b)
{
	return tolower((unsigned char)a) != tolower((unsigned char)b);
}

/* Insertions, deletions, replacements and swaps of two neighbours. Both at most NEAR_BYTES_MAX. */
static unsigned distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	unsigned rows[3][NEAR_BYTES_MAX + 1];
	unsigned *before2 = rows[0], *before = rows[1], *now = rows[2];

	for (size_t j = 0; j <= b_size; j++)
		before[j] = (unsigned)j;
	for (size_t i = 1; i <= a_size; i++) {
		unsigned *spare = before2;

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b_size; j++) {
			now[j] = least(before[j] + 1, now[j - 1] + 1,
				       before[j - 1] + differ(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && !differ(a[i - 1], b[j - 2]) &&
			    !differ(a[i - 2], b[j - 1]) && before2[j - 2] + 1 < now[j])
				now[j] = before2[j - 2] + 1;
		}
		before2 = before;
		before = now;
		now = spare;
	}
	return before[b_size];
}

/* One slip in three letters at most: "bad" is not near "gpt". */
void near_init(struct near *near, const char *word)
{
	*near = (struct near){.word = word, .distance = (unsigned)(strlen(word) / 3) + 1};
}

void near_offer(struct near *near, const char *candidate)
{
	size_t word_size = strlen(near->word), size = strlen(candidate);
	size_t apart = word_size > size ? word_size - size : size - word_size;
	unsigned d;

	if (word_size > NEAR_BYTES_MAX || size > NEAR_BYTES_MAX || apart >= near->distance)
		return;
	d = distance(near->word, word_size, candidate, size);
	if (d < near->distance) {
		near->distance = d;
		near->best = candidate;
	}
}
