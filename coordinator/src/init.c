/* SPDX-License-Identifier: MIT */
/*
 * lull init and lull reset: the table is made by whoever comes first, so neither is needed. init is
 * for those who want another size or a group, and reset for a table that is full.
 */
#include <stdio.h>

#include "exits.h"
#include "options.h"
#include "out.h"
#include "say.h"
#include "shared.h"

#define SLOTS_MIN   16u
#define SLOTS_MAX   65536u
#define ERROR_BYTES 512u

static int check_slots(const struct invocation *invocation)
{
	const uint64_t slots = invocation->set.slots;

	if ((slots & (slots - 1)) == 0)
		return 0;
	say("'%llu' slots: expected a power of two, such as 1024 or 4096",
	    (unsigned long long)slots);
	return options_usage_error(invocation->verb);
}

static void confirm(const struct invocation *invocation, const char *how)
{
	struct lull_table_info info;

	if (invocation->set.quiet || !shared_peek(invocation, &info))
		return;
	out_safe(info.path);
	out(": %s, %u slots, mode %04o\n", how, (unsigned int)info.slot_count,
	    (unsigned int)(info.mode & 07777));
}

static int init(const struct invocation *invocation)
{
	const struct lull_table_options options = shared_options(invocation, 0);
	char error[ERROR_BYTES];
	int created;
	const int status = check_slots(invocation);

	if (status != 0)
		return status;
	if (lull_table_make(&options, &created, error, sizeof(error)) < 0) {
		say("%s", error);
		return EXIT_UNAVAILABLE;
	}
	confirm(invocation, created ? "made" : "was there already");
	return EXIT_DONE;
}

/* What is not asked to change stays: the size, and the group if it has one. */
static void keep_as_it_was(const struct invocation *invocation, struct lull_table_options *options,
			   char *group, size_t group_size)
{
	struct lull_table_info info;

	if (!shared_peek(invocation, &info))
		return;
	if (options->slot_count == 0)
		options->slot_count = info.slot_count;
	if ((info.mode & 0070) != 0) {
		(void)snprintf(group, group_size, "%u", (unsigned int)info.owner_gid);
		options->group = group;
	}
}

static int reset(const struct invocation *invocation)
{
	struct lull_table_options options = shared_options(invocation, 0);
	char error[ERROR_BYTES];
	char group[16];
	const int status = check_slots(invocation);

	if (status != 0)
		return status;
	keep_as_it_was(invocation, &options, group, sizeof(group));
	if (lull_table_reset(&options, error, sizeof(error)) < 0) {
		say("%s", error);
		return EXIT_UNAVAILABLE;
	}
	confirm(invocation, "made anew");
	return EXIT_DONE;
}

/* clang-format off */
#define OPTION_SLOTS(otherwise) \
	{.name = "slots", .argument = "N", .type = OPTION_NUMBER, .member = OPTION_SETS(slots), \
	 .min = SLOTS_MIN, .max = SLOTS_MAX, \
	 .help = "room for N keys: a power of two, 16 to 65536" otherwise}
/* clang-format on */

static const struct option_row init_options[] = {
	OPTION_SLOTS("; 1024 if not given"),
	{.name = "group",
	 .argument = "GROUP",
	 .type = OPTION_TEXT,
	 .member = OPTION_SETS(group),
	 .help = "share it with that group, by name or number (mode 0660)"},
	OPTION_END,
};

const struct verb verb_init = {
	.name = "init",
	.summary = "make the table now, instead of at the first call",
	.details = "A table that is there already stays as it is.\n",
	.options = init_options,
	.examples = "  lull init\n"
		    "      make it if it is not there\n"
		    "  lull init --group www-data\n"
		    "      one table for all users of a group; each sets LULL_SHM_GROUP=www-data\n",
	.run = init,
};

static const struct option_row reset_options[] = {
	OPTION_SLOTS(""),
	OPTION_END,
};

const struct verb verb_reset = {
	.name = "reset",
	.summary = "replace the table by a fresh, empty one",
	.details =
		"Its size and group stay, unless --slots says otherwise. Running processes move\n"
		"over at their next call. All cooldowns, holds and counters are forgotten.\n",
	.options = reset_options,
	.examples = "  lull reset\n"
		    "      start anew\n"
		    "  lull reset --slots 4096\n"
		    "      a larger one, when 'lull doctor' says it is full\n",
	.run = reset,
};
