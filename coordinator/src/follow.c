/* SPDX-License-Identifier: MIT */
/*
 * A record may be missing for two reasons. The recorder was faster by a whole round; or its writer
 * is not done, while the next one is. The latter takes microseconds, unless the writer is stopped or
 * was killed: so a gap gets a moment to close before it is called a loss.
 */
#include "follow.h"

#include <errno.h>

#include <lull/table.h>

#define GAP_MS      100u  /* far longer than a record takes, short for people */
#define GAP_NAP_MS  5u    /* looks at a gap */
#define NAP_MS      1000u /* looks at the table's file */
#define RING_EVENTS 1024u /* what the recorder keeps */

static struct lull_table_info info_of(const struct lull_table *table)
{
	struct lull_table_info info = {.abi_version = LULL_ABI_VERSION};

	(void)lull_table_info(table, &info); /* fails on NULL only */
	return info;
}

static uint64_t id_of(const struct lull_table_info *info)
{
	return info->shared != 0 ? info->create_id : 0;
}

void follower_init(struct follower *follower, struct lull_table *table)
{
	const struct lull_table_info info = info_of(table);

	*follower = (struct follower){
		.table = table,
		.create_id = id_of(&info),
		.number = info.event_count,
		.serial = lull_event_serial(table),
	};
}

/* Is the event that is missing still to be hoped for? */
static bool gap_may_close(struct follower *follower)
{
	const uint64_t now_ms = lull_clock_ms();

	if (follower->gap_since_ms == 0)
		follower->gap_since_ms = now_ms;
	return now_ms - follower->gap_since_ms < GAP_MS &&
	       info_of(follower->table).event_count - follower->number <= RING_EVENTS;
}

static int read_event(struct follower *follower, struct news *ret_news)
{
	struct lull_event event = {.abi_version = LULL_ABI_VERSION};
	uint64_t next = follower->number;
	const int outcome = lull_event_read(follower->table, &next, &event);

	if (outcome == 0 && event.number > follower->number) {
		if (gap_may_close(follower))
			return LULL_END;
		*ret_news = (struct news){.type = NEWS_LOST,
					  .lost_count = event.number - follower->number};
		next = event.number;
	} else if (outcome == 0) {
		*ret_news = (struct news){.type = NEWS_EVENT, .event = event};
	}
	follower->gap_since_ms = 0;
	follower->number = next;
	return outcome;
}

/* Whether the table is another one now. Nothing is asked of one whose serial has not moved. */
static int look_at_table(struct follower *follower, struct news *ret_news)
{
	const uint32_t serial = follower->serial;
	struct lull_table_info info;
	int outcome;

	(void)lull_table_refresh(follower->table);
	follower->serial = lull_event_serial(follower->table);
	if (follower->serial == serial)
		return LULL_END;
	info = info_of(follower->table);
	if (id_of(&info) == follower->create_id)
		return LULL_END;
	*ret_news = (struct news){.type = NEWS_REPLACED, .is_there = info.shared != 0};
	outcome = follower->create_id != 0 ? 0 : LULL_END; /* the first is no news */
	follower->create_id = id_of(&info);
	follower->number = 0;
	return outcome;
}

int follower_read(struct follower *follower, struct news *ret_news)
{
	int outcome = read_event(follower, ret_news);

	if (outcome != LULL_END || follower->gap_since_ms != 0)
		return outcome;
	outcome = look_at_table(follower, ret_news);
	/* what came between the last look at the events and the new serial */
	return outcome != LULL_END ? outcome : read_event(follower, ret_news);
}

int follower_wait(struct follower *follower)
{
	const uint32_t span_ms = follower->gap_since_ms != 0 ? GAP_NAP_MS : NAP_MS;
	/* while a gap is looked at the serial has moved already */
	const uint32_t serial =
		follower->gap_since_ms != 0 ? lull_event_serial(follower->table) : follower->serial;
	const int outcome = lull_event_wait(follower->table, serial, lull_clock_ms() + span_ms);

	return outcome < 0 ? outcome : 0;
}
