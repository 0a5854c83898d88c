/* SPDX-License-Identifier: MIT */
/* lull events: the flight recorder, what happened to the table's keys and who did it. */
#include <stdlib.h>

#include "exits.h"
#include "output.h"
#include "say.h"
#include "shared.h"

#define EVENTS_DEFAULT 20u   /* a screenful */
#define EVENTS_MAX     1024u /* what the recorder keeps */

/* The last `wanted` events, oldest first. Those that come while we read are left for next time. */
static size_t read_last(struct lull_table *table, uint64_t recorded, size_t wanted,
			struct lull_event *ret_events)
{
	uint64_t number = recorded > wanted ? recorded - wanted : 0;
	size_t count = 0;

	while (count < wanted) {
		struct lull_event event = {.abi_version = LULL_ABI_VERSION};

		if (lull_event_read(table, &number, &event) != 0 || event.number >= recorded)
			break;
		ret_events[count++] = event;
	}
	return count;
}

static int events(const struct invocation *invocation)
{
	const size_t wanted =
		invocation->set.count != 0 ? (size_t)invocation->set.count : EVENTS_DEFAULT;
	struct lull_event *const found = calloc(wanted, sizeof(*found));
	struct lull_table *table = NULL;
	int status;

	if (found == NULL) {
		say("out of memory");
		return EXIT_BUG;
	}
	status = shared_open(invocation, true, &table);
	if (status == 0) {
		const struct lull_table_info info = shared_info(table);
		const struct events_report report = {
			.table = &info,
			.events = found,
			.count = read_last(table, info.event_count, wanted, found),
			.now = moment_now(),
		};

		invocation->output->events(&report);
		if (report.count == 0 && !invocation->set.quiet && !lull_table_problem(table))
			say("no events in %s", info.path);
	}
	lull_table_close(table);
	free(found);
	return status;
}

static const struct option_row events_options[] = {
	{.letter = 'n',
	 .argument = "N",
	 .type = OPTION_NUMBER,
	 .member = OPTION_SETS(count),
	 .min = 1,
	 .max = EVENTS_MAX,
	 .help = "the last N events, 1 to 1024; 20 if not given"},
	OPTION_JSON,
	OPTION_END,
};

const struct verb verb_events = {
	.name = "events",
	.summary = "show what happened to the table's keys, and which process did it",
	.details = "Oldest first. The table keeps the last 1024 events.\n",
	.options = events_options,
	.examples = "  lull events -n 100\n"
		    "      the last hundred\n"
		    "  lull events --json | jq -r '.events[] | select(.type == \"cooled\")'\n"
		    "      for programs\n",
	.run = events,
};
