/* SPDX-License-Identifier: MIT */
/* "Did you mean …?" */
#ifndef LULL_COORDINATOR_NEAR_H
#define LULL_COORDINATOR_NEAR_H

#include <stdbool.h>

/* Whether `typed` may be a slip of the finger for `word`: at most two letters differ, or one in a
 * word of four letters or less; two neighbours exchanged count as one. */
bool near_to(const char *typed, const char *word);

#endif
