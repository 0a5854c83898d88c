/* SPDX-License-Identifier: MIT */
/*
 * lull clear: ready for all, now. Whoever clears a model wants it to be called, so what it stands
 * on is cleared too where that keeps it shut; each key that was changed is named.
 */
#include <string.h>

#include "exits.h"
#include "out.h"
#include "output.h"
#include "shared.h"

struct clearing {
	const struct invocation *invocation;
	struct lull_table *table;
	uint64_t now_ms;
	size_t changed_count;
};

static void confirm(const struct lull_key_state *was)
{
	out_safe(key_text(was->kind, was->key).text);
	out(": ready (was ");
	output_state(was);
	if (was->state == LULL_STATE_READY)
		out(" after %s", output_cause_name(was->cause));
	out(")\n");
}

/* A ready key without a cause is well: there is nothing to clear, and nothing to say. One with a
 * cause has soft failures counted, or waits for its probe. */
static bool has_something_to_clear(const struct lull_key_state *state)
{
	return state->state != LULL_STATE_READY || output_cause_name(state->cause) != NULL;
}

static int clear_key(struct clearing *clearing, const struct lull_key_state *state)
{
	int error;

	if (!has_something_to_clear(state))
		return 0;
	error = lull_key_clear(clearing->table, state->kind, state->key, clearing->now_ms);
	if (error < 0)
		return shared_explain_change(state->kind, state->key, error);
	clearing->changed_count++;
	if (!clearing->invocation->set.quiet)
		confirm(state);
	return 0;
}

/* Several routes may stand on one credential. */
static bool came_before(const struct meaning *meaning, size_t index)
{
	const struct lull_key_state *const state = &meaning->members[index].state;

	for (size_t i = 0; i < index; i++)
		if (meaning->members[i].state.kind == state->kind &&
		    strcmp(meaning->members[i].state.key, state->key) == 0)
			return true;
	return false;
}

/* What a route stands on is cleared if it keeps the route shut; else it is another's business. */
static bool is_meant(const struct member *member)
{
	const uint32_t kind = member->state.kind;

	if (!member->in_table)
		return false;
	if (member->part == 0 || kind == LULL_KIND_ROUTE || kind == LULL_KIND_NAME)
		return true;
	return member->state.state != LULL_STATE_READY;
}

static int clear_meaning(struct clearing *clearing, const char *text)
{
	struct meaning meaning;
	int status = meaning_init(&meaning, clearing->invocation, clearing->table, text,
				  MEANING_WHOLE, clearing->now_ms);

	for (size_t i = 0; status == 0 && i < meaning.count; i++)
		if (is_meant(&meaning.members[i]) && !came_before(&meaning, i))
			status = clear_key(clearing, &meaning.members[i].state);
	if (status == 0 && clearing->changed_count == 0 && !clearing->invocation->set.quiet) {
		out_safe(text);
		out(meaning_is_in_table(&meaning) ? ": ready already\n"
						  : ": ready already (not in the table)\n");
	}
	meaning_deinit(&meaning);
	return status;
}

static int clear_everything(struct clearing *clearing)
{
	struct lull_key_state state = {.abi_version = LULL_ABI_VERSION};
	uint64_t cursor = 0;
	int status = 0;

	while (status == 0 && lull_key_at(clearing->table, &cursor, clearing->now_ms, &state) == 0)
		status = clear_key(clearing, &state);
	if (status == 0 && clearing->changed_count == 0 && !clearing->invocation->set.quiet)
		out("every key is ready already\n");
	return status;
}

static int clear(const struct invocation *invocation)
{
	struct clearing clearing = {.invocation = invocation, .now_ms = lull_clock_ms()};
	int status = shared_open_to_change(invocation, LULL_TABLE_NO_CREATE, &clearing.table);

	if (status != 0)
		return status;
	if (invocation->set.all)
		status = clear_everything(&clearing);
	else
		status = clear_meaning(&clearing, invocation->operands[0]);
	lull_table_close(clearing.table);
	return status;
}

static const struct option_row clear_options[] = {
	{.name = "all",
	 .member = OPTION_SETS(all),
	 .among_operands = true,
	 .help = "clear every key of the table"},
	OPTION_END,
};

const struct verb verb_clear = {
	.name = "clear",
	.operands = "NAME|KEY|--all",
	.operands_min = 1,
	.operands_max = 1,
	.all_instead_of_operands = true,
	.summary = "make a model ready at once, for every process of this host",
	.details =
		"A name clears its name key, all routes of that model, their other names, and the\n"
		"credentials and servers that keep them shut. Calls that wait are woken.\n",
	.options = clear_options,
	.examples = "  lull clear gpt-4o\n"
		    "      end its cooldown or hold, whatever the cause\n"
		    "  lull clear --all\n"
		    "      forget all cooldowns\n",
	.run = clear,
};
