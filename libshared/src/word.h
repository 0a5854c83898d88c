/* SPDX-License-Identifier: MIT */
/*
 * The word: the whole cooldown state of one key in 64 bits, and every way it can change.
 *
 *     until:40 | http:10 | strikes:6 | cause:5 | kind:3          COOL, PROBE, HOLD
 *     until:40 | starts:5 | fails:5 | count:6 | cause:5 | kind:3 SOFT, SOFT_LATE
 *
 * `until` is milliseconds of boottime (34 years). 0 is "healthy, nothing known", so a healthy key
 * needs no clock. Each transition below is a pure function from the word found to the word wanted;
 * word_change() runs it as one compare-and-swap and starts again from the word found when it loses.
 * So a process killed at any instruction leaves the old word or the new one.
 *
 * Kinds:
 *   COOL       skipped until `until`; after that the first to come gets a lease (PROBE), the
 *              others go on skipping
 *   PROBE      a lease: a cooldown that ends by itself, with no owner written anywhere. The prober
 *              knows its lease by the word it wrote
 *   HOLD       an operator's; until cleared
 *   SOFT       a count of soft failures; admits like a healthy word. until - 60 s is when the last
 *              one was counted (L)
 *   SOFT_LATE  the same, when the last failure came after its 2xx headers: headers prove nothing
 *              then, only a whole answer does
 *
 * A COOL or PROBE word whose http is 2xx was likewise cooled after headers.
 *
 * Anything impossible (a PROBE beyond the longest lease, a SOFT beyond its window, both with a
 * minute to spare; any time beyond 24 h; an unknown kind) is damage and reads as ended.
 */
#ifndef LULL_WORD_H
#define LULL_WORD_H

#include <stdbool.h>
#include <stdint.h>

enum word_kind {
	WORD_NONE = 0,
	WORD_COOL = 1,
	WORD_PROBE = 2,
	WORD_HOLD = 3,
	WORD_SOFT = 4,
	WORD_SOFT_LATE = 5
};

/* a prober's lease: long enough for slow headers, short enough that a killed prober costs little */
#define WORD_LEASE_MS         10000u
#define WORD_LEASE_LIMITED_MS 1000u  /* on a rate limit: refusals come in under a second */
#define WORD_SOFT_WINDOW_MS   60000u /* soft failures further apart than this are not in a row */
/* our own time-outs count when this far apart, whenever they began */
#define WORD_OURS_APART_MS 1000u
#define WORD_HORIZON_MS    86400000u /* 24 h: nothing honest reaches further */
/* a process may have been stopped that long since it read its clock: what others wrote in the
 * meantime lies ahead of its time, and is no damage */
#define WORD_STALL_MS    60000u
#define WORD_STRIKES_MAX 63u
#define WORD_RATIO_MAX   32u /* starts and fails are both halved here */

struct word {
	uint64_t until_ms;
	uint32_t http;    /* COOL, PROBE */
	uint32_t starts;  /* SOFT: attempts begun since the first failure was reported */
	uint32_t fails;   /* SOFT: those of them that failed */
	uint32_t strikes; /* SOFT: the count in a row */
	uint32_t cause;   /* enum lull_class */
	uint32_t kind;
};

uint64_t word_pack(const struct word *w);
struct word word_unpack(uint64_t bits);

/* What a transition may look at. Each function names what it uses. */
struct word_event {
	uint64_t now_ms;
	uint64_t start_ms;   /* fail, success: when the attempt began */
	uint64_t headers_ms; /* headers, answered: when 2xx headers came */
	uint64_t lease;      /* the PROBE word this attempt wrote; 0 = it holds no lease */
	uint64_t tried;      /* the word this attempt went past under when_cooling: try; 0 = none */
	uint32_t soft_failures; /* fail_soft: the count that cools */
	bool probe_off;         /* admit */
	bool ours;              /* fail_soft: our own time-out */
	bool counted_start;     /* fail_soft: admit added this attempt to `starts` */
	bool counted_before;    /* fail_soft: this call has one counted already */
	bool late;              /* fail: it came after 2xx headers */
	uint32_t cause;         /* fail, operator: enum lull_class */
	uint32_t http;          /* fail */
	uint32_t for_ms;        /* fail: length at strikes 0 ... */
	uint32_t for_cap_ms;    /* ... doubling with each strike up to this */
};

/* What a change means: segment_change() records and counts by this, nothing else. */
enum word_verdict {
	WORD_UNTOUCHED = 0, /* nothing changed */
	WORD_GO,            /* admit: go ahead */
	WORD_GO_COUNTED,    /* admit: go ahead, and the start was counted */
	WORD_GO_PROBE,      /* admit: go ahead; the word written is your lease */
	WORD_SKIP,          /* admit: not now */
	WORD_COOLED,        /* a new cooldown */
	WORD_LENGTHENED,    /* the same cooldown, now longer: one more failure of one outage */
	WORD_COUNTED,       /* fail_soft: one more soft failure in a row */
	WORD_NOTED,         /* fail_soft: one more for the ratio only */
	WORD_OPENED,        /* a success ended the cooldown */
	WORD_FORGOTTEN,     /* a success ended a soft count */
	WORD_RETURNED,      /* a lease was handed back */
	WORD_OPERATOR_COOLED,
	WORD_OPERATOR_HELD,
	WORD_OPERATOR_CLEARED,
	WORD_REFUSED /* operator cool on a held key */
};

struct word_step {
	uint64_t to;
	enum word_verdict verdict;
	bool wakes; /* became ready earlier than announced: bump the serial */
};

typedef struct word_step (*word_fn)(uint64_t from, const struct word_event *e);

struct word_step word_admit(uint64_t from, const struct word_event *e);
/* this key works: 2xx headers; for an endpoint also a connection, or any status line */
struct word_step word_headers(uint64_t from, const struct word_event *e);
struct word_step word_answered(uint64_t from, const struct word_event *e);
struct word_step word_fail_hard(uint64_t from, const struct word_event *e);
struct word_step word_fail_soft(uint64_t from, const struct word_event *e);
struct word_step word_hand_back(uint64_t from, const struct word_event *e);
struct word_step word_operator_cool(uint64_t from, const struct word_event *e); /* for_ms */
struct word_step word_operator_hold(uint64_t from, const struct word_event *e);
struct word_step word_operator_clear(uint64_t from, const struct word_event *e);

/* milliseconds until a reader would be admitted: 0 ready (a lease may be due), UINT64_MAX held */
uint64_t word_ready_in_ms(uint64_t bits, uint64_t now_ms);
/* enum lull_state as people see it */
uint32_t word_state(uint64_t bits, uint64_t now_ms);
/* length of a cooldown with that many strikes */
uint64_t word_length_ms(uint32_t for_ms, uint32_t for_cap_ms, uint32_t strikes);

#endif
