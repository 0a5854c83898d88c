/* SPDX-License-Identifier: MIT */
/* The distance between what was typed and what could have been meant. */
#include <stddef.h>
#include <string.h>

#include "near.h"

#define NEAR_BYTES_MAX 24u /* longer than any verb or option */

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: insertions, deletions, substitutions, exchanges of neighbours. */
static unsigned int distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	unsigned int cost[NEAR_BYTES_MAX + 1][NEAR_BYTES_MAX + 1];

	for (size_t i = 0; i <= a_size; i++)
		cost[i][0] = (unsigned int)i;
	for (size_t j = 0; j <= b_size; j++)
		cost[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= a_size; i++) {
		for (size_t j = 1; j <= b_size; j++) {
			unsigned int best = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			best = least(best, cost[i - 1][j] + 1);
			best = least(best, cost[i][j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = least(best, cost[i - 2][j - 2] + 1);
			cost[i][j] = best;
		}
	}
	return cost[a_size][b_size];
}

bool near_to(const char *typed, const char *word)
{
	const size_t typed_size = strlen(typed), word_size = strlen(word);

	if (typed_size > NEAR_BYTES_MAX || word_size > NEAR_BYTES_MAX)
		return false;
	return distance(typed, typed_size, word, word_size) <= (word_size <= 4 ? 1u : 2u);
}
