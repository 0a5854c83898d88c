/* SPDX-License-Identifier: MIT */
/*
 * Permits and buckets of one slot. Internal; see limit.c, and <lull/limit.h> for what they mean.
 *
 *     a permit   until:40 | tag:24     a lease: free when 0, ended, or beyond the longest lease
 *     a bucket   64 bits               when it will be full again, in ns of boottime
 *
 * Every change is one compare-and-swap, as everywhere in the table.
 */
#ifndef LULL_LIMIT_INTERNAL_H
#define LULL_LIMIT_INTERNAL_H

#include <stdbool.h>

#include "segment.h"

#define PERMIT_TAG_BITS 24u

/* ---- permits */

/* What a holder knows of its lease: the word it wrote, and where. */
struct permit {
	uint64_t word; /* 0: none is held */
	uint32_t index;
};

/* One of the first `count` permits, which are at most LULL_PARALLEL_MAX. `tag`: any number of the
 * holder's. */
bool permit_take(_Atomic uint64_t *permits, uint32_t count, uint32_t tag, uint64_t now_ms,
		 struct permit *ret_permit);
/* Ten more seconds from now; false: it had ended, and is somebody else's. */
bool permit_renew(_Atomic uint64_t *permits, struct permit *permit, uint64_t now_ms);
/* true: one more is free now. */
bool permit_release(_Atomic uint64_t *permits, struct permit *permit);
/* 0: one is free; else until the first lease ends, unless it is renewed. */
uint64_t permit_room_in_ms(const _Atomic uint64_t *permits, uint32_t count, uint64_t now_ms);
uint32_t permit_held_count(const _Atomic uint64_t *permits, uint64_t now_ms);

/* ---- buckets */

struct rate {
	uint32_t per_minute; /* not 0 */
	uint32_t burst_ms;   /* 0 = LULL_BURST_MS */
};

/* 0: not empty. */
uint64_t bucket_room_in_ns(uint64_t bucket, struct rate rate, uint64_t now_ns);
/* Charges `units`; false: it is empty. */
bool bucket_take(_Atomic uint64_t *bucket, struct rate rate, uint32_t units, uint64_t now_ns);
/* What was charged is made what was used, as if it had been so from the start. */
void bucket_settle(_Atomic uint64_t *bucket, struct rate rate, uint32_t charged, uint32_t used,
		   uint64_t now_ns);
/* No room before until_ns, whatever stands there. */
void bucket_drain(_Atomic uint64_t *bucket, struct rate rate, uint64_t until_ns, uint64_t now_ns);

/* ---- all limits of a slot */

/* What one attempt has taken of them. */
struct hold {
	struct permit permit;
	bool request;    /* one was charged */
	bool has_tokens; /* `tokens` were charged, if perhaps 0 */
	uint32_t tokens;
};

bool limits_are_set(const struct lull_limits *limits);
bool limits_are_valid(const struct lull_limits *limits);
/* 0: there is room; else how long until there is, at the latest, and which limit lasts longest. */
uint64_t limits_room_in_ms(const struct layout_slot *slot, const struct lull_limits *limits,
			   uint64_t now_ms, uint32_t *ret_limit);
/* All of them, or false and nothing. */
bool limits_take(struct segment *segment, struct layout_slot *slot,
		 const struct lull_limits *limits, uint32_t tag, uint32_t tokens, uint64_t now_ms,
		 struct hold *ret_hold);
/* Renews the permit; one that was lost is taken anew, where one is free. */
void limits_renew(struct layout_slot *slot, const struct lull_limits *limits, uint32_t tag,
		  uint64_t now_ms, struct hold *hold);
/* The attempt has ended: the permit is free, and so many requests (0: it did not take place) and
 * tokens were used. Wakes who waits for room. */
void limits_settle(struct segment *segment, struct layout_slot *slot,
		   const struct lull_limits *limits, uint32_t requests, uint32_t tokens,
		   uint64_t now_ms, struct hold *hold);
/* Nothing is left of the limit before until_ms; false: there is none such. */
bool limits_drain(struct layout_slot *slot, const struct lull_limits *limits, uint32_t limit,
		  uint64_t until_ms, uint64_t now_ms);
/* Whoever means to sleep until there is room says so, then looks once more, then sleeps on the
 * serial that it read before. */
void limits_await(struct layout_slot *slot);

uint64_t limits_request_room_in_ms(const struct layout_slot *slot, const struct lull_limits *limits,
				   uint64_t now_ms);
uint64_t limits_token_room_in_ms(const struct layout_slot *slot, const struct lull_limits *limits,
				 uint64_t now_ms);
/* As the last process to take had them; for people. All 0: none, or rubbish. */
struct lull_limits limits_told(const struct layout_slot *slot);

#endif
