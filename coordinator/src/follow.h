/* SPDX-License-Identifier: MIT */
/*
 * Following the flight recorder: each event once, in order, and a word where some are missing or
 * the table has become another.
 */
#ifndef LULL_COORDINATOR_FOLLOW_H
#define LULL_COORDINATOR_FOLLOW_H

#include <stdbool.h>

#include <lull/table.h>

struct follower {
	struct lull_table *table; /* borrowed */
	uint64_t number;          /* of the event to come */
	uint64_t create_id;       /* of the segment that counts so; 0: there is none */
	uint32_t serial;          /* of the events, as read before them */
	uint64_t gap_since_ms;    /* an event that is there behind one that is not; 0: none */
};

enum news_type {
	NEWS_EVENT,
	NEWS_LOST,    /* events that nobody can read any more */
	NEWS_REPLACED /* from here on the events of the table's successor, from its first */
};

struct news {
	enum news_type type;
	struct lull_event event; /* NEWS_EVENT */
	uint64_t lost_count;     /* NEWS_LOST */
	bool is_there;           /* NEWS_REPLACED: false: it was deleted, and there is none yet */
};

/* From now on; a table that is not there yet: from its first event. */
void follower_init(struct follower *follower, struct lull_table *table);

/* 0; LULL_END: no news. */
int follower_read(struct follower *follower, struct news *ret_news);

/*
 * Asleep until there may be news, but not for longer than a second: nobody tells when a table's
 * file is deleted. After follower_read() has said LULL_END.
 * Return: 0; -EINTR.
 */
int follower_wait(struct follower *follower);

#endif
