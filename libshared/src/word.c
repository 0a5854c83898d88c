/* SPDX-License-Identifier: MIT */
/*
 * The word's transitions. Each is a pure function from the word found to the word wanted: no clock,
 * no memory, no table. They are tested cell by cell, model-checked in tests/model/word.pml, and run
 * as compare-and-swap by segment_change().
 *
 * What the cells protect, and why they look careful:
 *   - A failure may lengthen a live cooldown or lease, never shorten it: a straggler's short hint
 *     must not let everybody back in early, or start a second probe beside a live one.
 *   - A soft failure never touches COOL or somebody else's PROBE: writing SOFT there would open the
 *     key to all without a probe. Its own PROBE it cools again, but for that of a rate limit.
 *   - A hard failure ignores the window of a SOFT word: one soft failure before must not turn a
 *     50 ms hint into 60 s.
 *   - The success of a prober whose lease has lapsed opens the key if nobody has failed since (same
 *     strikes): else a route whose answers take longer than the lease would never open. Strikes
 *     saturate at 63, where equality proves nothing.
 */
#include "word.h"

#include <lull/table.h>

#define UNTIL_BITS 40
#define UNTIL_MAX  ((UINT64_C(1) << UNTIL_BITS) - 1)

static uint64_t bits_get(uint64_t bits, unsigned shift, unsigned width)
{
	return (bits >> shift) & ((UINT64_C(1) << width) - 1);
}

static uint64_t bits_put(uint64_t value, unsigned shift, unsigned width)
{
	return (value & ((UINT64_C(1) << width) - 1)) << shift;
}

static bool kind_is_soft(uint32_t kind)
{
	return kind == WORD_SOFT || kind == WORD_SOFT_LATE;
}

uint64_t word_pack(const struct word *w)
{
	uint64_t middle = kind_is_soft(w->kind)
				  ? bits_put(w->starts, 19, 5) | bits_put(w->fails, 14, 5)
				  : bits_put(w->http, 14, 10);
	uint64_t until = w->until_ms < UNTIL_MAX ? w->until_ms : UNTIL_MAX;

	return bits_put(until, 24, UNTIL_BITS) | middle | bits_put(w->strikes, 8, 6) |
	       bits_put(w->cause, 3, 5) | bits_put(w->kind, 0, 3);
}

struct word word_unpack(uint64_t bits)
{
	struct word w = {
		.until_ms = bits_get(bits, 24, UNTIL_BITS),
		.strikes = (uint32_t)bits_get(bits, 8, 6),
		.cause = (uint32_t)bits_get(bits, 3, 5),
		.kind = (uint32_t)bits_get(bits, 0, 3),
	};

	if (kind_is_soft(w.kind)) {
		w.starts = (uint32_t)bits_get(bits, 19, 5);
		w.fails = (uint32_t)bits_get(bits, 14, 5);
	} else {
		w.http = (uint32_t)bits_get(bits, 14, 10);
	}
	return w;
}

/* Until when the word binds anybody; 0 for what has ended, says nothing, or cannot be true. */
static uint64_t live_until(const struct word *w, uint64_t now_ms)
{
	static const uint64_t horizon_ms[8] = {
		[WORD_COOL] = WORD_HORIZON_MS,
		[WORD_PROBE] = WORD_LEASE_MS + WORD_STALL_MS,
		[WORD_SOFT] = WORD_SOFT_WINDOW_MS + WORD_STALL_MS,
		[WORD_SOFT_LATE] = WORD_SOFT_WINDOW_MS + WORD_STALL_MS,
	};

	if (w->until_ms <= now_ms || w->until_ms - now_ms > horizon_ms[w->kind & 7])
		return 0;
	return w->until_ms;
}

uint64_t word_ready_in_ms(uint64_t bits, uint64_t now_ms)
{
	struct word w = word_unpack(bits);
	uint64_t until_ms;

	if (w.kind == WORD_HOLD)
		return LULL_NEVER;
	if (w.kind != WORD_COOL && w.kind != WORD_PROBE)
		return 0;
	until_ms = live_until(&w, now_ms);
	return until_ms ? until_ms - now_ms : 0;
}

uint32_t word_state(uint64_t bits, uint64_t now_ms)
{
	if (word_ready_in_ms(bits, now_ms) == 0)
		return LULL_STATE_READY;
	switch (word_unpack(bits).kind) {
	case WORD_HOLD:
		return LULL_STATE_HELD;
	case WORD_PROBE:
		return LULL_STATE_PROBING;
	default:
		return LULL_STATE_COOLING;
	}
}

uint64_t word_length_ms(uint32_t for_ms, uint32_t for_cap_ms, uint32_t strikes)
{
	uint64_t length_ms = for_ms;

	while (strikes-- > 0 && length_ms < for_cap_ms)
		length_ms *= 2;
	return for_cap_ms > for_ms && length_ms > for_cap_ms ? for_cap_ms : length_ms;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint32_t one_more_strike(uint32_t strikes)
{
	return strikes < WORD_STRIKES_MAX ? strikes + 1 : strikes;
}

static struct word_step stay(uint64_t from, enum word_verdict verdict)
{
	return (struct word_step){.to = from, .verdict = verdict};
}

static struct word_step become(const struct word *w, enum word_verdict verdict)
{
	return (struct word_step){.to = word_pack(w), .verdict = verdict};
}

static struct word_step become_ready(enum word_verdict verdict, bool wakes)
{
	return (struct word_step){.to = 0, .verdict = verdict, .wakes = wakes};
}

/* ------------------------------------------------------------------ admit */

static struct word_step take_lease(struct word w, uint64_t now_ms)
{
	w.kind = WORD_PROBE;
	w.until_ms = now_ms +
		     (w.cause == LULL_CLASS_RATE_LIMITED ? WORD_LEASE_LIMITED_MS : WORD_LEASE_MS);
	return become(&w, WORD_GO_PROBE);
}

static void ratio_halve(struct word *w)
{
	if (w->starts >= WORD_RATIO_MAX || w->fails >= WORD_RATIO_MAX) {
		w->starts /= 2;
		w->fails /= 2;
	}
}

static struct word_step admit_soft(uint64_t from, struct word w, uint64_t now_ms)
{
	if (!live_until(&w, now_ms))
		return stay(from, WORD_GO);
	w.starts++;
	ratio_halve(&w);
	return become(&w, WORD_GO_COUNTED);
}

/* uses now_ms, probe_off */
struct word_step word_admit(uint64_t from, const struct word_event *e)
{
	struct word w = word_unpack(from);
	bool live;

	if (from == 0)
		return stay(from, WORD_GO);
	live = live_until(&w, e->now_ms) != 0;
	switch (w.kind) {
	case WORD_HOLD:
		return stay(from, WORD_SKIP);
	case WORD_SOFT:
	case WORD_SOFT_LATE:
		return admit_soft(from, w, e->now_ms);
	case WORD_COOL:
		if (live)
			return stay(from, WORD_SKIP);
		break;
	case WORD_PROBE:
		if (live)
			return stay(from, e->probe_off ? WORD_GO : WORD_SKIP);
		/* a rate limit refuses within its short lease or not at all: silence opens */
		if (w.cause == LULL_CLASS_RATE_LIMITED)
			return become_ready(WORD_GO, false);
		break;
	default:
		return become_ready(WORD_GO, false);
	}
	return e->probe_off ? become_ready(WORD_GO, false) : take_lease(w, e->now_ms);
}

/* ------------------------------------------------------------------ success */

/* Does this attempt's lease still speak for the word found: its own, or lapsed and unrefuted? */
static bool lease_speaks(uint64_t from, const struct word *w, const struct word_event *e)
{
	struct word lease;

	if (!e->lease)
		return false;
	if (from == e->lease)
		return true;
	lease = word_unpack(e->lease);
	if (lease.until_ms > e->now_ms) /* it runs: somebody cleared the word, and it failed anew */
		return false;
	if (w->strikes != lease.strikes || w->strikes >= WORD_STRIKES_MAX)
		return false;
	return w->kind == WORD_PROBE || (w->kind == WORD_COOL && !live_until(w, e->now_ms));
}

static bool cooled_after_headers(const struct word *w)
{
	return w->http >= 200 && w->http < 300;
}

/*
 * Did the headers come after the last counted failure? Within one millisecond nobody can tell, and
 * the doubt is the route's. Also when the window is over: an attempt that began inside it may still
 * fail, and is not in a row then.
 */
static bool headers_are_newer(const struct word *w, const struct word_event *e)
{
	return e->headers_ms != LULL_NEVER && e->headers_ms + WORD_SOFT_WINDOW_MS >= w->until_ms;
}

/* uses now_ms, headers_ms (LULL_NEVER: proves nothing about a soft count), lease */
struct word_step word_headers(uint64_t from, const struct word_event *e)
{
	struct word w = word_unpack(from);

	if (w.kind == WORD_SOFT && headers_are_newer(&w, e))
		return become_ready(WORD_FORGOTTEN, false);
	if (lease_speaks(from, &w, e) && !cooled_after_headers(&w))
		return become_ready(WORD_OPENED, true);
	return stay(from, WORD_UNTOUCHED);
}

/* uses now_ms, headers_ms, lease, tried */
struct word_step word_answered(uint64_t from, const struct word_event *e)
{
	struct word w = word_unpack(from);

	if (kind_is_soft(w.kind) && headers_are_newer(&w, e))
		return become_ready(WORD_FORGOTTEN, false);
	if (lease_speaks(from, &w, e))
		return become_ready(WORD_OPENED, true);
	if (e->tried && e->tried == from && w.cause != LULL_CLASS_MANUAL &&
	    (w.kind == WORD_COOL || w.kind == WORD_PROBE))
		return become_ready(WORD_OPENED, true);
	return stay(from, WORD_UNTOUCHED);
}

/* uses now_ms, lease */
struct word_step word_hand_back(uint64_t from, const struct word_event *e)
{
	struct word w = word_unpack(from);
	struct word_step step;

	if (!e->lease || from != e->lease)
		return stay(from, WORD_UNTOUCHED);
	w.kind = WORD_COOL;
	w.until_ms = e->now_ms;
	step = become(&w, WORD_RETURNED);
	step.wakes = true;
	return step;
}

/* ------------------------------------------------------------------ failure */

static struct word_step cool_anew(uint32_t strikes, const struct word_event *e)
{
	struct word w = {
		.until_ms = e->now_ms + word_length_ms(e->for_ms, e->for_cap_ms, strikes),
		.http = e->http,
		.strikes = strikes,
		.cause = e->cause,
		.kind = WORD_COOL,
	};

	return become(&w, WORD_COOLED);
}

/* A live cooldown or somebody else's live lease: longer if need be, never shorter. */
static struct word_step lengthen(uint64_t from, struct word w, const struct word_event *e)
{
	uint64_t until_ms = e->now_ms + word_length_ms(e->for_ms, e->for_cap_ms, w.strikes);
	bool was_probe = w.kind == WORD_PROBE;

	if (w.kind == WORD_COOL && until_ms <= w.until_ms)
		return stay(from, WORD_UNTOUCHED);
	/* an operator's cooldown stays an operator's, so that no `try` success ends it early */
	if (w.kind != WORD_COOL || w.cause != LULL_CLASS_MANUAL) {
		w.cause = e->cause;
		w.http = e->http;
	}
	w.until_ms = later(until_ms, w.until_ms);
	w.kind = WORD_COOL;
	if (!was_probe)
		return become(&w, WORD_LENGTHENED);
	/* a newer failure than the leases before it: none of them may open the key any more */
	w.strikes = one_more_strike(w.strikes);
	return become(&w, WORD_COOLED);
}

/* uses now_ms, lease, cause, http, for_ms, for_cap_ms */
struct word_step word_fail_hard(uint64_t from, const struct word_event *e)
{
	struct word w = word_unpack(from);

	switch (w.kind) {
	case WORD_HOLD:
		return stay(from, WORD_UNTOUCHED);
	case WORD_COOL:
	case WORD_PROBE:
		if (live_until(&w, e->now_ms) && from != e->lease)
			return lengthen(from, w, e);
		return cool_anew(one_more_strike(w.strikes), e);
	default:
		return cool_anew(0, e);
	}
}

static struct word_step count_first(uint64_t from, const struct word_event *e)
{
	struct word w = {
		.until_ms = e->now_ms + WORD_SOFT_WINDOW_MS,
		.strikes = 1,
		.cause = e->cause,
		.kind = e->late ? WORD_SOFT_LATE : WORD_SOFT,
	};

	if (e->counted_before)
		return stay(from, WORD_UNTOUCHED);
	if (e->soft_failures <= 1)
		return cool_anew(0, e);
	return become(&w, WORD_COUNTED);
}

/*
 * The probe of a rate limit was not refused, it met another fault: the limit is over, and the fault
 * counts as it would have on a healthy word. Short limits are probed so often that their probes meet
 * every rare 500, and each would shut the key for a minute.
 */
static struct word_step open_counted(const struct word *w, const struct word_event *e)
{
	struct word_step step;

	if (e->soft_failures <= 1)
		return cool_anew(one_more_strike(w->strikes), e);
	if (e->counted_before)
		return become_ready(WORD_OPENED, true);
	step = count_first(0, e);
	step.wakes = true;
	return step;
}

/*
 * One more on a count that stands. In a row means: of another call, begun after the last counted
 * one was reported, and at most the window after it. Sixteen requests on one dropped connection are
 * one failure, but each of them counts for the ratio, else a busy outage would never reach a third.
 */
static struct word_step count_next(uint64_t from, struct word w, const struct word_event *e)
{
	uint64_t counted_at_ms = w.until_ms - WORD_SOFT_WINDOW_MS;
	bool is_later = e->start_ms > counted_at_ms ||
			(e->ours && e->now_ms >= counted_at_ms + WORD_OURS_APART_MS);
	bool ratio_holds;

	if (e->counted_start && !e->ours) {
		w.fails++;
		ratio_halve(&w);
	}
	if (!is_later || e->counted_before)
		return word_pack(&w) == from ? stay(from, WORD_UNTOUCHED) : become(&w, WORD_NOTED);
	w.strikes = one_more_strike(w.strikes);
	ratio_holds = e->ours || w.fails * 3 >= w.starts;
	if (w.strikes >= e->soft_failures && ratio_holds)
		return cool_anew(0, e);
	w.until_ms = e->now_ms + WORD_SOFT_WINDOW_MS;
	w.cause = e->cause;
	w.kind = e->late ? WORD_SOFT_LATE : WORD_SOFT;
	return become(&w, WORD_COUNTED);
}

/* uses now_ms, start_ms, lease, soft_failures, ours, counted_start, counted_before, late, cause,
 * http, for_ms, for_cap_ms */
struct word_step word_fail_soft(uint64_t from, const struct word_event *e)
{
	struct word w = word_unpack(from);

	switch (w.kind) {
	case WORD_HOLD:
	case WORD_COOL:
		return stay(from, WORD_UNTOUCHED);
	case WORD_PROBE:
		if (from != e->lease)
			return stay(from, WORD_UNTOUCHED);
		if (w.cause == LULL_CLASS_RATE_LIMITED)
			return open_counted(&w, e);
		return cool_anew(one_more_strike(w.strikes), e);
	case WORD_SOFT:
	case WORD_SOFT_LATE:
		/* beyond the horizon is damage; begun after the window is a new row */
		if (w.until_ms > e->now_ms + WORD_SOFT_WINDOW_MS + WORD_STALL_MS ||
		    w.until_ms < WORD_SOFT_WINDOW_MS || e->start_ms >= w.until_ms)
			return count_first(from, e);
		return count_next(from, w, e);
	default:
		return count_first(from, e);
	}
}

/* ------------------------------------------------------------------ an operator */

/* uses now_ms, for_ms */
struct word_step word_operator_cool(uint64_t from, const struct word_event *e)
{
	struct word w = word_unpack(from);
	uint64_t until_ms = e->now_ms + e->for_ms;
	bool binds = w.kind == WORD_COOL || w.kind == WORD_PROBE;
	struct word cool = {
		.until_ms = binds ? later(until_ms, live_until(&w, e->now_ms)) : until_ms,
		.strikes = binds ? w.strikes : 0,
		.cause = LULL_CLASS_MANUAL,
		.kind = WORD_COOL,
	};

	if (w.kind == WORD_HOLD)
		return stay(from, WORD_REFUSED);
	return become(&cool, WORD_OPERATOR_COOLED);
}

struct word_step word_operator_hold(uint64_t from, const struct word_event *e)
{
	struct word hold = {.cause = LULL_CLASS_MANUAL, .kind = WORD_HOLD};

	(void)e;
	if (word_unpack(from).kind == WORD_HOLD)
		return stay(from, WORD_UNTOUCHED);
	return become(&hold, WORD_OPERATOR_HELD);
}

/* uses now_ms */
struct word_step word_operator_clear(uint64_t from, const struct word_event *e)
{
	if (from == 0)
		return stay(from, WORD_UNTOUCHED);
	return become_ready(WORD_OPERATOR_CLEARED, word_ready_in_ms(from, e->now_ms) > 0);
}
