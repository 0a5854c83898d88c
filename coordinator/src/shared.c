/* SPDX-License-Identifier: MIT */
/*
 * Coming to the table. Reading never makes a segment and never adds a key: `lull check` must be
 * safe to run anywhere, at any time, by anybody.
 */
#include <errno.h>
#include <string.h>

#include "exits.h"
#include "keys.h"
#include "options.h"
#include "say.h"
#include "shared.h"

struct lull_table_options shared_options(const struct invocation *invocation, uint32_t flags)
{
	struct lull_table_options options;

	lull_table_options_init(&options);
	options.flags = flags;
	options.name = invocation->set.table;
	options.group = invocation->set.group;
	options.slot_count = (uint32_t)invocation->set.slots;
	return options;
}

int shared_open_silently(const struct invocation *invocation, uint32_t flags,
			 struct lull_table **ret_table)
{
	const struct lull_table_options options = shared_options(invocation, flags);
	const int error = lull_table_open(&options, ret_table);

	if (error == -EINVAL) {
		say("a table's name is 1 to 200 bytes without '/' inside");
		return options_usage_error(invocation->verb);
	}
	if (error < 0) {
		say("unable to open the table: %s", strerror(-error));
		return EXIT_BUG;
	}
	return 0;
}

/* A problem is told as often as people want to hear it, and with -v which table it is. */
static void tell_problem(const struct invocation *invocation, const struct lull_table *table,
			 bool every_time)
{
	const char *const problem = lull_table_problem(table);

	if (problem != NULL && !invocation->set.quiet &&
	    (every_time || invocation->set.verbose || lull_table_problem_is_news(table)))
		say("%s", problem);
	else if (invocation->set.verbose)
		say("table: %s", shared_info(table).path);
}

int shared_open(const struct invocation *invocation, bool every_time, struct lull_table **ret_table)
{
	const int status = shared_open_silently(invocation, LULL_TABLE_READ_ONLY, ret_table);

	if (status == 0)
		tell_problem(invocation, *ret_table, every_time);
	return status;
}

int shared_open_to_call(const struct invocation *invocation, struct lull_table **ret_table)
{
	const int status = shared_open_silently(invocation, 0, ret_table);

	if (status == 0)
		tell_problem(invocation, *ret_table, false);
	return status;
}

int shared_open_to_change(const struct invocation *invocation, uint32_t flags,
			  struct lull_table **ret_table)
{
	struct lull_table *table;
	const int status = shared_open_silently(invocation, flags, &table);
	const char *problem;

	if (status != 0)
		return status;
	problem = lull_table_problem(table);
	if (problem != NULL && shared_info(table).shared == 0) {
		say("nothing was changed: %s", problem);
		lull_table_close(table);
		return EXIT_UNAVAILABLE;
	}
	if (problem != NULL && !invocation->set.quiet) /* it has been repaired */
		say("%s", problem);
	if (invocation->set.verbose)
		say("table: %s", shared_info(table).path);
	*ret_table = table;
	return 0;
}

int shared_explain_change(uint32_t kind, const char *key, int error)
{
	const struct key_text text = key_text(kind, key);

	switch (error) {
	case 0:
		return 0;
	case -EBUSY:
		say("%s is held until cleared; 'lull clear' ends the hold", text.text);
		return EXIT_UNAVAILABLE;
	case -ENOSPC:
		say("the table is full, so %s was not changed; 'lull reset --slots N' makes a "
		    "larger one",
		    text.text);
		return EXIT_UNAVAILABLE;
	default:
		say("unable to change %s: %s", text.text, strerror(-error));
		return EXIT_UNAVAILABLE;
	}
}

bool shared_peek(const struct invocation *invocation, struct lull_table_info *ret_info)
{
	const struct lull_table_options options = shared_options(invocation, LULL_TABLE_READ_ONLY);
	struct lull_table *table;

	if (lull_table_open(&options, &table) < 0)
		return false;
	*ret_info = shared_info(table);
	lull_table_close(table);
	return ret_info->shared != 0;
}

struct lull_table_info shared_info(const struct lull_table *table)
{
	struct lull_table_info info = {.abi_version = LULL_ABI_VERSION};

	(void)lull_table_info(table, &info); /* fails on NULL only */
	return info;
}

int shared_parse_key(const struct invocation *invocation, const char *text, uint32_t *ret_kind,
		     const char **ret_key)
{
	switch (lull_key_parse(text, ret_kind, ret_key)) {
	case 0:
		return 0;
	case -ENAMETOOLONG:
		say("'%s' is too long: a name or key has at most %u bytes", text,
		    LULL_KEY_BYTES_MAX);
		break;
	default:
		say("'%s' is no name and no key: expected 1 to %u bytes without control characters",
		    text, LULL_KEY_BYTES_MAX);
		break;
	}
	return options_usage_error(invocation->verb);
}
