/* SPDX-License-Identifier: MIT */
/*
 * lull watch: the flight recorder, event by event. Asleep on the table, so an event is shown at
 * once, and none costs no CPU. What ends it is what ends any program: a signal, or nobody who reads.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"
#include "follow.h"
#include "hook.h"
#include "options.h"
#include "out.h"
#include "output.h"
#include "say.h"
#include "shared.h"

struct watch {
	const struct invocation *invocation;
	struct lull_table *table;
	struct follower follower;
	struct hook *hook;        /* NULL: events are printed */
	uint32_t types;           /* bit 1 << enum lull_event_type; 0: all */
	uint32_t causes;          /* bit 1 << enum lull_class; 0: all */
	struct meaning *meanings; /* one an operand; none: all keys */
	size_t meaning_count;
	uint64_t create_id; /* of the table, and its size, that they were found in */
	uint32_t slots_used;
};

/* ------------------------------------------------------------------ which events */

static int parse_type(const char *text, uint32_t *ret_bits)
{
	for (uint32_t type = LULL_EVENT_COOLED; type <= LULL_EVENT_CLEARED; type++) {
		if (strcmp(text, output_event_name(type)) == 0) {
			*ret_bits |= UINT32_C(1) << type;
			return 0;
		}
	}
	say("'%s' is no type of event: expected cooled, soft_failure, probe, opened, returned, "
	    "operator_cooled, held or cleared",
	    text);
	return EXIT_USAGE;
}

static int parse_cause(const char *text, uint32_t *ret_bits)
{
	const int class_id = lull_class_by_name(text);

	if (class_id > LULL_CLASS_ANSWERED) {
		*ret_bits |= UINT32_C(1) << class_id;
		return 0;
	}
	say("'%s' is no cause: expected rate_limited, quota_exhausted, auth, or another class of "
	    "failure",
	    text);
	return EXIT_USAGE;
}

static int parse_list(const struct invocation *invocation, const struct text_list *list,
		      int (*parse)(const char *text, uint32_t *ret_bits), uint32_t *ret_bits)
{
	for (size_t i = 0; i < list->count; i++)
		if (parse(list->texts[i], ret_bits) != 0)
			return options_usage_error(invocation->verb);
	return 0;
}

static void forget_meanings(struct watch *watch)
{
	for (size_t i = 0; i < watch->meaning_count; i++)
		meaning_deinit(&watch->meanings[i]);
	watch->meaning_count = 0;
}

/* What the operands mean in the table as it is now. */
static int find_meanings(struct watch *watch)
{
	const struct invocation *const invocation = watch->invocation;
	const struct lull_table_info info = shared_info(watch->table);
	int status = 0;

	forget_meanings(watch);
	watch->create_id = info.create_id;
	watch->slots_used = info.slots_used;
	for (int i = 0; status == 0 && i < invocation->operand_count; i++)
		status = meaning_init(&watch->meanings[watch->meaning_count++], invocation,
				      watch->table, invocation->operands[i], MEANING_WHOLE,
				      lull_clock_ms());
	return status;
}

static bool is_meant(const struct watch *watch, const struct lull_event *event)
{
	for (size_t i = 0; i < watch->meaning_count; i++) {
		const struct meaning *const meaning = &watch->meanings[i];

		for (size_t m = 0; m < meaning->count; m++)
			if (meaning->members[m].state.kind == event->kind &&
			    strcmp(meaning->members[m].state.key, event->key) == 0)
				return true;
	}
	return false;
}

/* A table that has got further keys may hold further routes of a name. */
static bool has_grown(const struct watch *watch)
{
	const struct lull_table_info info = shared_info(watch->table);

	return info.create_id != watch->create_id || info.slots_used != watch->slots_used;
}

static bool is_wanted(struct watch *watch, const struct lull_event *event)
{
	if (watch->types != 0 && (watch->types & UINT32_C(1) << event->type) == 0)
		return false;
	if (watch->causes != 0 && (watch->causes & UINT32_C(1) << event->cause) == 0)
		return false;
	if (watch->invocation->operand_count == 0 || is_meant(watch, event))
		return true;
	return has_grown(watch) && find_meanings(watch) == 0 && is_meant(watch, event);
}

/* ------------------------------------------------------------------ telling */

/* 0; the signal that is to end this program. */
static int tell(struct watch *watch, const struct news *news)
{
	const struct moment now = moment_now();
	const bool is_event = news->type == NEWS_EVENT;

	if (is_event && !is_wanted(watch, &news->event))
		return 0;
	if (is_event && watch->hook != NULL)
		return hook_run(watch->hook, &news->event, &now);
	if (is_event)
		watch->invocation->output->event(&news->event, &now);
	else if (watch->hook == NULL && watch->invocation->set.json)
		output_json.news(news, watch->table);
	else if (!watch->invocation->set.quiet)
		output_text.news(news, watch->table);
	return 0;
}

/* Of a pipe, before there is anything to write. */
static bool reader_is_gone(const struct watch *watch)
{
	struct pollfd fd = {.fd = STDOUT_FILENO};

	return watch->hook == NULL && poll(&fd, 1, 0) == 1 && (fd.revents & POLLERR) != 0;
}

/* Returns when it is to end: an exit status. */
static int follow(struct watch *watch)
{
	struct news news;
	int error = 0;

	while (error == 0 && !reader_is_gone(watch)) {
		while (follower_read(&watch->follower, &news) == 0) {
			const int number = tell(watch, &news);

			if (number != 0)
				return 128 + number;
		}
		error = out_finish();
		if (error == 0)
			(void)follower_wait(&watch->follower);
	}
	/* `lull watch | head -n 1` is no error to speak of; main() says what other ones are */
	return EXIT_OUTPUT;
}

static int watch_begin(struct watch *watch)
{
	const struct invocation *const invocation = watch->invocation;
	int status;

	status = parse_list(invocation, &invocation->set.types, parse_type, &watch->types);
	if (status == 0)
		status = parse_list(invocation, &invocation->set.causes, parse_cause,
				    &watch->causes);
	if (status == 0)
		status = shared_open(invocation, true, &watch->table);
	if (status != 0)
		return status;
	watch->meanings = calloc((size_t)invocation->operand_count + 1, sizeof(*watch->meanings));
	if (watch->meanings == NULL) {
		say("out of memory");
		return EXIT_BUG;
	}
	follower_init(&watch->follower, watch->table);
	status = find_meanings(watch);
	if (status == 0 && invocation->set.verbose)
		say("from event %llu on", (unsigned long long)watch->follower.number);
	return status;
}

static int watch_events(const struct invocation *invocation)
{
	struct watch watch = {.invocation = invocation};
	struct hook hook;
	int status = watch_begin(&watch);

	if (status == 0 && invocation->set.exec != NULL) {
		status = hook_init(&hook, invocation->set.exec, invocation->set.quiet);
		watch.hook = status == 0 ? &hook : NULL;
	}
	if (status == 0)
		status = follow(&watch);
	if (watch.hook != NULL)
		hook_deinit(&hook);
	forget_meanings(&watch);
	free(watch.meanings);
	lull_table_close(watch.table);
	return status;
}

static const struct option_row watch_options[] = {
	{.name = "type",
	 .argument = "TYPE",
	 .type = OPTION_TEXT_LIST,
	 .member = OPTION_SETS(types),
	 .help = "only events of that type, such as cooled; may be repeated"},
	{.name = "cause",
	 .argument = "CLASS",
	 .type = OPTION_TEXT_LIST,
	 .member = OPTION_SETS(causes),
	 .help = "only events with that cause, such as auth; may be repeated"},
	{.name = "exec",
	 .argument = "COMMAND",
	 .type = OPTION_TEXT,
	 .member = OPTION_SETS(exec),
	 .help = "run it for each event, by /bin/sh, instead of printing"},
	OPTION_JSON,
	OPTION_END,
};

const struct verb verb_watch = {
	.name = "watch",
	.operands = "[NAME|KEY...]",
	.operands_max = INT32_MAX,
	.summary = "show what happens to the table's keys, as it happens",
	.details =
		"With names or keys: only what happens to those, and to what they stand on.\n"
		"Begins now; 'lull events' shows what was before. --exec runs one command after\n"
		"the other, for 60 s each at the most, with LULL_EVENT, LULL_EVENT_KEY and others\n"
		"in its environment and the event's JSON on its stdin. Ends by Ctrl-C.\n",
	.options = watch_options,
	.examples = "  lull watch\n"
		    "      everything, for people\n"
		    "  lull watch --json --type cooled gpt-4o | jq --unbuffered -r .cause\n"
		    "      the cooldowns of one model, for programs\n"
		    "  lull watch --type cooled --cause auth --cause quota_exhausted \\\n"
		    "      --exec 'mail -s \"$LULL_EVENT_CAUSE: $LULL_EVENT_KEY\" root'\n"
		    "      tell somebody that a key is not accepted, or out of credit\n",
	.run = watch_events,
};
