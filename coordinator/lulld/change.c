/* SPDX-License-Identifier: MIT */
#include "change.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../src/keys.h"
#include "../src/output.h"

static bool is_meant(const struct lull_key_state *state, uint32_t kind, const char *key)
{
	if (kind == LULL_KIND_NAME && state->kind == LULL_KIND_ROUTE)
		return strcmp(state->model, key) == 0;
	return state->kind == kind && strcmp(state->key, key) == 0;
}

static int clear(struct lull_table *table, uint32_t kind, const char *key, uint64_t now_ms)
{
	struct lull_key_state state = {.abi_version = LULL_ABI_VERSION};
	uint64_t cursor = 0;
	int error = 0;

	while (error >= 0 && lull_key_at(table, &cursor, now_ms, &state) == 0)
		if (is_meant(&state, kind, key))
			error = key_clear_with_links(table, &state, now_ms);
	return error;
}

static int make(struct lull_table *table, enum change_type type, uint32_t kind, const char *key,
		uint64_t for_ms)
{
	const uint64_t now_ms = lull_clock_ms();

	switch (type) {
	case CHANGE_HOLD:
		return lull_key_hold(table, kind, key, now_ms);
	case CHANGE_COOL:
		return lull_key_cool(table, kind, key, for_ms, now_ms);
	default:
		return clear(table, kind, key, now_ms);
	}
}

static const char *reason_of(int error)
{
	switch (error) {
	case -EBUSY:
		return "is held until cleared; clear ends the hold";
	case -ENOSPC:
		return "was not changed: the table is full";
	default:
		return "was not changed";
	}
}

/* What is in the memory of this process alone would be no change for anybody. */
static bool is_shared(struct lull_table *table)
{
	struct lull_table_info info = {.abi_version = LULL_ABI_VERSION};

	(void)lull_table_refresh(table);
	return lull_table_info(table, &info) == 0 && info.shared != 0;
}

int change_make(struct lull_table *table, enum change_type type, const char *text, uint64_t for_ms,
		char *ret_text)
{
	struct lull_key_state state = {.abi_version = LULL_ABI_VERSION};
	struct key_text name;
	uint32_t kind;
	const char *key;
	int error;

	if (lull_key_parse(text, &kind, &key) < 0) {
		(void)snprintf(ret_text, CHANGE_TEXT_BYTES,
			       "no name and no key: expected 1 to %u bytes without control "
			       "characters",
			       LULL_KEY_BYTES_MAX);
		return -EINVAL;
	}
	if (!is_shared(table)) {
		(void)snprintf(ret_text, CHANGE_TEXT_BYTES, "nothing was changed: %.200s",
			       lull_table_problem(table) != NULL ? lull_table_problem(table)
								 : "there is no table");
		return -ENOENT;
	}
	name = key_text(kind, key);
	error = make(table, type, kind, key, for_ms);
	if (error < 0) {
		(void)snprintf(ret_text, CHANGE_TEXT_BYTES, "%s %s", name.text, reason_of(error));
		return error;
	}
	(void)lull_key_read(table, kind, key, lull_clock_ms(), &state);
	(void)snprintf(ret_text, CHANGE_TEXT_BYTES, "%s: %s", name.text,
		       output_state_text(&state).text);
	return 0;
}
