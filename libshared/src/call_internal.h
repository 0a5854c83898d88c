/* SPDX-License-Identifier: MIT */
/*
 * Inside a call. These files share these structs:
 *
 *     call.c     beginning, progress, end
 *     decide.c   the state machine: which route, how long, when to sleep, when to stop
 *     report.c   what an outcome means
 *     attempt.c  what a route's attempt does to its words in the table
 *     trail.c    the record of it all
 */
#ifndef LULL_CALL_INTERNAL_H
#define LULL_CALL_INTERNAL_H

#include <stdbool.h>

#include <lull/call.h>

#include "cooldown.h"
#include "limit.h"
#include "segment.h"

/* endpoint, credential, route, names: the order in which leases are taken */
#define ROUTE_WORDS_MAX (3u + LULL_NAMES_MAX)

/* One key that a route stands on, and what this call has done to its word. */
struct route_word {
	struct key key;
	struct layout_slot *slot; /* NULL: the key is not in the table */
	uint64_t lease;           /* the PROBE word this attempt wrote; 0 none */
	uint64_t tried;           /* the word this attempt went past (when_cooling: try); 0 none */
	bool counted_start;       /* admit counted this attempt on a SOFT word */
	bool soft_counted;        /* a soft failure of this call was counted here: once a call */
	const struct lull_limits *limits; /* of this key; NULL none */
	struct hold hold;                 /* what this attempt has taken of them */
};

enum route_state {
	ROUTE_FRESH = 0, /* not tried */
	ROUTE_AGAIN,     /* failed, and comes again in this pass */
	ROUTE_FAILED,    /* failed; may come again in a further pass */
	ROUTE_OUT        /* not again in this call */
};

struct call_route {
	struct lull_route route;
	uint32_t index; /* in the caller's list */
	uint32_t state; /* enum route_state */
	bool cooled;    /* the last failure of this call left it cooling */
	bool limited;   /* one of its words has limits */
	uint32_t retries;
	uint32_t word_count;
	uint32_t charged; /* index of the word that failures of the route go to */
	struct route_word words[ROUTE_WORDS_MAX];
	struct route_word *way_words; /* one for each of route.ways */
};

struct attempt {
	bool running;
	bool content;
	bool accepted;
	uint32_t route; /* index into call->routes */
	uint64_t start_ms;
	uint64_t headers_ms; /* LULL_NEVER until 2xx headers */
	uint64_t trail;      /* number of its entry */
};

struct trail {
	struct lull_trail_entry *entries;
	uint32_t capacity;
	uint64_t count; /* ever added */
};

struct lull_call {
	struct segment *segment;
	struct lull_call_options options;
	struct lull_rule rules[LULL_CLASS_COUNT]; /* `on:`; LULL_UNSET where it says nothing */

	uint64_t begin_ms, deadline_ms;
	uint64_t random;     /* see call_draw() */
	uint32_t permit_tag; /* likewise */
	bool is_drawn;
	uint32_t route_count, passes, pause_count;
	uint32_t cursor;      /* policy tutorial goes on after the route that failed */
	uint32_t retry_route; /* LULL_UNSET none */
	/* bits of the failures met: they open the routes that wait for them */
	uint32_t seen_classes;
	/* a class that stops, met: only the routes it leads to go on; 0 none */
	uint32_t only_classes;
	uint32_t met_classes; /* bits of all outcomes of attempts */
	uint32_t refused_by;  /* vendor of the first refusal; 0 none */
	bool refused_twice, stopped, out_of_time, passing;
	uint32_t last_class;

	bool asleep;
	uint64_t sleep_from_ms, pause_until_ms;
	uint32_t sleep_serial;
	struct attempt attempt;
	struct lull_step step; /* the last one; repeated until something happens */
	struct trail trail;
	struct route_word *way_words; /* of all routes */
	struct call_route routes[];
};

/* ---- what all of them ask */

static inline bool is_tutorial(const struct lull_call *call)
{
	return call->options.policy == LULL_POLICY_TUTORIAL;
}

static inline bool is_due(const struct call_route *r)
{
	return r->state == ROUTE_FRESH || r->state == ROUTE_AGAIN;
}

static inline uint32_t bit_of(uint32_t class_id)
{
	return UINT32_C(1) << class_id;
}

static inline bool blames_request(uint32_t class_id)
{
	return lull_class_info(class_id)->blames_request;
}

static inline const struct route_word *charged_word(const struct call_route *r)
{
	return &r->words[r->charged];
}

/* ---- call.c */

/* `random` and `permit_tag`, for whoever is about to use one of them: most calls need neither. */
void call_draw(struct lull_call *call);

/* ---- attempt.c */

/* @way_words: room for one word for each of the route's way keys; stays the caller's */
int route_words_init(struct call_route *r, struct route_word *way_words);
/* 0: all words ready. Else how long the longest lasts, and which it is */
uint64_t route_ready_in_ms(struct lull_call *call, struct call_route *r, uint64_t now_ms,
			   const struct route_word **ret_shut);
/* Which of a route's limits has no room for the longest. */
struct room {
	uint64_t in_ms; /* 0: there is room. For a permit, at the latest */
	uint32_t limit; /* enum lull_limit */
	const struct route_word *word;
};
struct room route_room(struct lull_call *call, struct call_route *r, uint64_t now_ms);
/* Leaves word that the call means to sleep until the route's limits have room. Look again after
 * it. */
void route_await_room(struct lull_call *call, struct call_route *r);
/* Takes what leases are due, and of all limits; false: lost a race or no room, nothing held. */
bool attempt_acquire(struct lull_call *call, struct call_route *r, uint64_t now_ms);
/* Goes past cooling words without a lease, but within the limits; false: no room. */
bool attempt_go_past(struct lull_call *call, struct call_route *r, uint64_t now_ms);
bool attempt_holds_lease(const struct call_route *r);
bool attempt_holds_permit(const struct call_route *r);
/* Still running: renews permits. */
void attempt_renew(struct lull_call *call, struct call_route *r, uint64_t now_ms);
void attempt_emptied(struct lull_call *call, struct call_route *r, uint32_t limit, uint64_t for_ms,
		     uint64_t now_ms);
void attempt_connected(struct lull_call *call, struct call_route *r, uint64_t now_ms);
void attempt_accepted(struct lull_call *call, struct call_route *r, uint64_t now_ms);

/* An outcome with nothing left to the class's defaults. */
struct charge {
	uint32_t class_id, scope, proof, http_status;
	struct cooldown cooldown;
	uint32_t tokens; /* used */
	bool ours, once;
};
/* What the outcome left behind, for the trail. */
struct charged {
	uint32_t kind; /* of the key it left cooling; 0 = nothing */
	bool is_first;
	uint64_t ready_in_ms;
	uint32_t soft_count;
};
struct charged attempt_finish(struct lull_call *call, struct call_route *r,
			      const struct charge *charge, uint64_t now_ms);

/* ---- trail.c */

uint64_t trail_add(struct lull_call *call, uint64_t now_ms, uint32_t type, uint32_t route);
struct lull_trail_entry *trail_entry(struct lull_call *call, uint64_t number); /* NULL: dropped */
/* Notes a skip, once until the next attempt; true if it is a new one. */
bool trail_skip(struct lull_call *call, const struct call_route *r, const struct route_word *shut,
		uint64_t ready_in_ms, uint64_t now_ms);
bool trail_limited(struct lull_call *call, const struct call_route *r, const struct room *room,
		   uint64_t now_ms);

#endif
