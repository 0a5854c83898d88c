/* SPDX-License-Identifier: MIT */
/* lull status: all that the table knows, key by key. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"
#include "output.h"
#include "say.h"
#include "shared.h"

struct rows {
	struct status_row *rows;
	size_t count, capacity;
};

static int add(struct rows *rows, struct lull_table *table, const struct lull_key_state *state,
	       uint64_t now_ms)
{
	struct status_row *row;

	if (rows->count == rows->capacity) {
		const size_t capacity = rows->capacity == 0 ? 16 : 2 * rows->capacity;
		struct status_row *const larger = realloc(rows->rows, capacity * sizeof(*larger));

		if (larger == NULL) {
			say("out of memory");
			return EXIT_BUG;
		}
		rows->rows = larger;
		rows->capacity = capacity;
	}
	row = &rows->rows[rows->count++];
	*row = (struct status_row){.state = *state};
	for (size_t i = 0; i < 2; i++) {
		struct lull_key_state link = {.abi_version = LULL_ABI_VERSION};
		uint64_t cursor = state->links[i];

		if (state->kind == LULL_KIND_ROUTE && cursor != LULL_NEVER &&
		    lull_key_at(table, &cursor, now_ms, &link) == 0)
			row->stands_on[i] = key_text(link.kind, link.key);
	}
	return 0;
}

static bool has(const struct rows *rows, const struct lull_key_state *state)
{
	for (size_t i = 0; i < rows->count; i++)
		if (rows->rows[i].state.kind == state->kind &&
		    strcmp(rows->rows[i].state.key, state->key) == 0)
			return true;
	return false;
}

static int add_all(struct rows *rows, struct lull_table *table, uint64_t now_ms)
{
	struct lull_key_state state = {.abi_version = LULL_ABI_VERSION};
	uint64_t cursor = 0;
	int status = 0;

	while (status == 0 && lull_key_at(table, &cursor, now_ms, &state) == 0)
		status = add(rows, table, &state, now_ms);
	return status;
}

/* What the table knows of all that `text` means, each key once. */
static int add_meaning(struct rows *rows, const struct invocation *invocation,
		       struct lull_table *table, const char *text, uint64_t now_ms)
{
	struct meaning meaning;
	int status = meaning_init(&meaning, invocation, table, text, MEANING_WHOLE, now_ms);

	for (size_t i = 0; status == 0 && i < meaning.count; i++) {
		const struct member *const member = &meaning.members[i];

		if (member->in_table && !has(rows, &member->state))
			status = add(rows, table, &member->state, now_ms);
	}
	if (status == 0 && !meaning_is_in_table(&meaning) && !invocation->set.quiet &&
	    !lull_table_problem(table))
		say("%s is not in the table, so it is ready", text);
	meaning_deinit(&meaning);
	return status;
}

/* What is shut comes first, then kind by kind. */
static int compare(const void *a, const void *b)
{
	const struct lull_key_state *const x = &((const struct status_row *)a)->state;
	const struct lull_key_state *const y = &((const struct status_row *)b)->state;
	const bool x_is_shut = x->state != LULL_STATE_READY;
	const bool y_is_shut = y->state != LULL_STATE_READY;

	if (x_is_shut != y_is_shut)
		return x_is_shut ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return strcmp(x->key, y->key);
}

static int collect(struct rows *rows, const struct invocation *invocation, struct lull_table *table,
		   uint64_t now_ms)
{
	int status = 0;

	if (invocation->operand_count == 0)
		return add_all(rows, table, now_ms);
	for (int i = 0; status == 0 && i < invocation->operand_count; i++)
		status = add_meaning(rows, invocation, table, invocation->operands[i], now_ms);
	return status;
}

static void print(const struct invocation *invocation, const struct lull_table *table,
		  const struct rows *rows, const struct moment *now)
{
	const struct lull_table_info info = shared_info(table);
	const struct status_report report = {
		.table = &info, .rows = rows->rows, .count = rows->count, .now = *now};

	invocation->output->status(&report);
	if (rows->count == 0 && invocation->operand_count == 0 && !invocation->set.quiet &&
	    !lull_table_problem(table))
		say("no keys in %s: nothing has been reported yet, so every model is ready",
		    info.path);
}

static int run_status(const struct invocation *invocation)
{
	const struct moment now = moment_now();
	struct rows rows = {.rows = NULL};
	struct lull_table *table = NULL;
	int status = shared_open(invocation, true, &table);

	if (status == 0)
		status = collect(&rows, invocation, table, now.table_ms);
	if (status == 0) {
		if (rows.count > 1)
			qsort(rows.rows, rows.count, sizeof(*rows.rows), compare);
		print(invocation, table, &rows, &now);
	}
	free(rows.rows);
	lull_table_close(table);
	return status;
}

static const struct option_row status_options[] = {
	OPTION_JSON,
	OPTION_END,
};

const struct verb verb_status = {
	.name = "status",
	.operands = "[NAME|KEY...]",
	.operands_max = INT32_MAX,
	.summary = "show every key of the table: what is shut, why, and for how long",
	.details = "With names or keys: only those and what they stand on. What is shut comes "
		   "first.\n",
	.options = status_options,
	.examples = "  lull status\n"
		    "      all keys\n"
		    "  lull status gpt-4o\n"
		    "      the routes of that model, their keys and servers\n"
		    "  lull status --json | jq -r '.keys[] | select(.state != \"ready\") | .key'\n"
		    "      what is shut at this moment, ready to be pasted\n",
	.run = run_status,
};
