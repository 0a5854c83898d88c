/* SPDX-License-Identifier: MIT */
/* What an operator's button does to the table: as lull hold, cool and clear, of what the table has. */
#ifndef LULL_LULLD_CHANGE_H
#define LULL_LULLD_CHANGE_H

#include <stdint.h>

#include <lull/table.h>

enum change_type { CHANGE_HOLD, CHANGE_COOL, CHANGE_CLEAR };

#define CHANGE_TEXT_BYTES (LULL_KEY_TEXT_BYTES_MAX + 256u)

/*
 * @text:     NAME or KEY, as typed
 * @for_ms:   of CHANGE_COOL: 1 to LULL_COOL_FOR_MS_MAX
 * @ret_text: CHANGE_TEXT_BYTES: what the key is now, or why nothing was changed
 *
 * A name that is cleared is cleared with the routes of that model, and a route with what keeps it
 * shut. Return: 0; -EINVAL @text is none; another negative errno.
 */
int change_make(struct lull_table *table, enum change_type type, const char *text, uint64_t for_ms,
		char *ret_text);

#endif
