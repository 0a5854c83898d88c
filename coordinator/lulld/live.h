/* SPDX-License-Identifier: MIT */
/*
 * What happens, as it happens: a stream of text/event-stream to each who looks. An event's data is
 * JSON. Nothing is read or asked while nobody looks.
 *
 *     workers   each second: the gateways, what they say of themselves, and who died last
 */
#ifndef LULL_LULLD_LIVE_H
#define LULL_LULLD_LIVE_H

#include <event2/event.h>
#include <server.h>

#include "admin.h"

struct live;

/* @source: borrowed. NULL: no memory */
struct live *live_new(struct event_base *base, const struct admin_source *source);
struct live *live_free(struct live *live); /* NULL is fine; nobody looks any more. Return: NULL */

/* Answers an exchange by a stream; its userdata is the stream's until it has ended. */
void live_begin(struct live *live, struct exchange *exchange);
/* To be told of each exchange that ends; of others than streams it is none of its business. */
void live_ended(struct live *live, struct exchange *exchange);

#endif
