/* SPDX-License-Identifier: MIT */
/*
 * lull cool and lull hold: an operator takes a model out, for a while or until further notice. A
 * name shuts its name key, which every call made by that name honours; a key shuts just that key.
 */
#include <errno.h>

#include "duration.h"
#include "exits.h"
#include "options.h"
#include "out.h"
#include "output.h"
#include "say.h"
#include "shared.h"

/* What the key is now: another's longer cooldown may have stayed. */
static void confirm(const struct invocation *invocation, struct lull_table *table, uint32_t kind,
		    const char *key, uint64_t for_ms)
{
	struct lull_key_state state = {.abi_version = LULL_ABI_VERSION};

	if (invocation->set.quiet || lull_key_read(table, kind, key, lull_clock_ms(), &state) < 0)
		return;
	out_safe(key_text(kind, key).text);
	out(": ");
	output_state(&state);
	if (state.state != LULL_STATE_HELD && state.ready_in_ms > for_ms)
		out(" (a longer cooldown was running and stays)");
	out("\n");
}

static int shut(const struct invocation *invocation, uint64_t for_ms)
{
	struct lull_table *table = NULL;
	uint32_t kind;
	const char *key;
	int status, error;

	status = shared_parse_key(invocation, invocation->operands[0], &kind, &key);
	if (status == 0)
		status = shared_open_to_change(invocation, 0, &table);
	if (status != 0)
		return status;
	if (for_ms == LULL_NEVER)
		error = lull_key_hold(table, kind, key, lull_clock_ms());
	else
		error = lull_key_cool(table, kind, key, for_ms, lull_clock_ms());
	status = shared_explain_change(kind, key, error);
	if (status == 0)
		confirm(invocation, table, kind, key, for_ms);
	lull_table_close(table);
	return status;
}

static int cool(const struct invocation *invocation)
{
	const char *const text = invocation->operands[1];
	uint64_t for_ms;
	int error = duration_parse_ms(text, &for_ms);

	if (error == 0 && for_ms > LULL_COOL_FOR_MS_MAX)
		error = -ERANGE;
	if (error == -ERANGE) {
		say("'%s' is too long: a cooldown takes up to 23h; 'lull hold %s' shuts it until "
		    "it is cleared",
		    text, invocation->operands[0]);
		return options_usage_error(invocation->verb);
	}
	if (error < 0 || for_ms == 0) {
		say("'%s' is no length of a cooldown: expected 1ms to 23h, such as 100ms, 45s, 10m "
		    "or 1h",
		    text);
		return options_usage_error(invocation->verb);
	}
	return shut(invocation, for_ms);
}

static int hold(const struct invocation *invocation)
{
	return shut(invocation, LULL_NEVER);
}

const struct verb verb_cool = {
	.name = "cool",
	.operands = "NAME|KEY DURATION",
	.operands_min = 2,
	.operands_max = 2,
	.summary = "shut a model for a while, for every process of this host",
	.details =
		"DURATION is 100ms, 45s, 10m or 1h, up to 23h. A longer cooldown that is running\n"
		"stays as it is.\n",
	.examples = "  lull cool gpt-4o 10m\n"
		    "      calls take their fallbacks for ten minutes\n"
		    "  lull cool endpoint:https://api.openai.com:443 45s\n"
		    "      every route at that address\n",
	.run = cool,
};

const struct verb verb_hold = {
	.name = "hold",
	.operands = "NAME|KEY",
	.operands_min = 1,
	.operands_max = 1,
	.summary = "shut a model until it is cleared, for every process of this host",
	.examples = "  lull hold gpt-4o\n"
		    "      no calls to it until 'lull clear gpt-4o'\n",
	.run = hold,
};
