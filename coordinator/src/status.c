/* SPDX-License-Identifier: MIT */
/* lull status: all that the table knows, key by key. */
#include <string.h>

#include "exits.h"
#include "output.h"
#include "rows.h"
#include "say.h"
#include "shared.h"

static bool has(const struct rows *rows, const struct lull_key_state *state)
{
	for (size_t i = 0; i < rows->count; i++)
		if (rows->rows[i].state.kind == state->kind &&
		    strcmp(rows->rows[i].state.key, state->key) == 0)
			return true;
	return false;
}

/* 0; an exit status after saying why. */
static int explain(int error)
{
	if (error == 0)
		return 0;
	say("out of memory");
	return EXIT_BUG;
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
			status = explain(rows_add(rows, table, &member->state, now_ms));
	}
	if (status == 0 && !meaning_is_in_table(&meaning) && !invocation->set.quiet &&
	    !lull_table_problem(table))
		say("%s is not in the table, so it is ready", text);
	meaning_deinit(&meaning);
	return status;
}

static int collect(struct rows *rows, const struct invocation *invocation, struct lull_table *table,
		   uint64_t now_ms)
{
	int status = 0;

	if (invocation->operand_count == 0)
		return explain(rows_add_all(rows, table, now_ms));
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
		rows_sort(&rows);
		print(invocation, table, &rows, &now);
	}
	rows_deinit(&rows);
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
