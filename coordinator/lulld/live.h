/* SPDX-License-Identifier: MIT */
/*
 * What happens, as it happens: a stream of text/event-stream to each who looks. An event's data is
 * JSON. Nothing is read or asked while nobody looks.
 *
 *     hello     first: who this is, and the token of changes. All that came before is void
 *     event     a line of `lull watch --json`; the last ones at first
 *     news      likewise: some were lost, or the table is another one now
 *     status    `lull status --json`: each second, and after events
 *     workers   each second: the gateways, what they say of themselves, and who died last
 *
 * The loop looks for events a few times a second: a thread that sleeps on them would be one that is
 * there when gateways are forked.
 */
#ifndef LULL_LULLD_LIVE_H
#define LULL_LULLD_LIVE_H

#include <event2/event.h>
#include <server.h>

#include "admin.h"

struct live;

/* All borrowed. NULL: no memory */
struct live *live_new(struct event_base *base, const struct admin_source *source,
		      const char *token);
struct live *live_free(struct live *live); /* NULL is fine; nobody looks any more. Return: NULL */

/* From now on that one; borrowed. NULL: none yet */
void live_set_table(struct live *live, struct lull_table *table);

/* Answers an exchange by a stream; its userdata is the stream's until it has ended. */
void live_begin(struct live *live, struct exchange *exchange);
/* To be told of each exchange that ends; of others than streams it is none of its business. */
void live_ended(struct live *live, struct exchange *exchange);

#endif
