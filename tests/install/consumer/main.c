/* SPDX-License-Identifier: MIT */
/* What a user of liblull does first: open the table, cool a model, look at it. */
#include <lull/lull.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
	struct lull_table *table;
	struct lull_key_state state;
	uint64_t now_ms = lull_clock_ms();

	if (lull_abi_version() != LULL_ABI_VERSION || lull_table_open(NULL, &table) != 0)
		return 1;
	if (lull_table_problem(table)) {
		fprintf(stderr, "%s\n", lull_table_problem(table));
		return 2;
	}
	if (lull_key_cool(table, LULL_KIND_NAME, "gpt-4o", 60000, now_ms) != 0 ||
	    lull_key_read(table, LULL_KIND_NAME, "gpt-4o", now_ms, &state) != 0)
		return 3;
	lull_table_close(table);
	return state.state == LULL_STATE_COOLING && strlen(lull_version()) > 0 ? 0 : 4;
}
