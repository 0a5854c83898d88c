/* SPDX-License-Identifier: MIT */
/*
 * The word and its transitions, written a second time.
 *
 * libshared/src/word.c says the same in C. word_same.pml shows, cell by cell, that both say the
 * same; word.pml and word_slow.pml then explore what follows from it when several processes apply
 * these steps to one word. Times are ticks: the including file says how long things last.
 *
 * A word is one integer, so that "the word I wrote" is one comparison, as in the table:
 *
 *     until | starts:5 | fails:5 | strikes:6 | cause:2 | kind:3
 *
 * A COOL or PROBE word has no starts and fails; there, fails is 1 if it was cooled by a failure that
 * came after 2xx headers.
 */
#define NONE      0
#define COOL      1
#define PROBE     2
#define HOLD      3
#define SOFT      4
#define SOFT_LATE 5

#define OTHER   0 /* any cause but these two */
#define LIMITED 1
#define MANUAL  2

#define NEVER 1023 /* no headers came */

#define KIND(w)    ((w) & 7)
#define CAUSE(w)   (((w) >> 3) & 3)
#define STRIKES(w) (((w) >> 5) & 63)
#define FAILS(w)   (((w) >> 11) & 31)
#define LATE(w)    FAILS(w)
#define STARTS(w)  (((w) >> 16) & 31)
#define UNTIL(w)   ((w) >> 21)
#define PACK(until, starts, fails, strikes, cause, kind) \
	(((until) << 21) | ((starts) << 16) | ((fails) << 11) | ((strikes) << 5) | ((cause) << 3) | (kind))

#define MAX(a, b) ((a) > (b) -> (a) : (b))
#define MIN(a, b) ((a) < (b) -> (a) : (b))

/* Verdicts, numbered as enum word_verdict. */
#define UNTOUCHED        0
#define GO               1
#define GO_COUNTED       2
#define GO_PROBE         3
#define SKIP             4
#define COOLED           5
#define LENGTHENED       6
#define COUNTED          7
#define NOTED            8
#define OPENED           9
#define FORGOTTEN        10
#define RETURNED         11
#define OPERATOR_COOLED  12
#define OPERATOR_HELD    13
#define OPERATOR_CLEARED 14
#define REFUSED          15

/* Known mistakes, one at a time. Spin must find each of them. */
#ifndef MUTANT
#define MUTANT 0
#endif
#define FAILURE_SHORTENS_LEASE   1 /* a straggler's failure replaces a live lease */
#define FAILURE_SHORTENS_COOL    2 /* the last failure's length holds, not the later end */
#define SOFT_OPENS_ENDED_COOL    3 /* a soft failure writes SOFT over an ended COOL */
#define LAPSED_OPENS_LIVE_COOL   4 /* a lapsed prober's success ends a cooldown that runs */
#define LAPSED_IGNORES_STRIKES   5 /* ... or one that a newer failure began */
#define LAPSED_AT_SATURATION     6 /* ... or trusts strikes that cannot grow any more */
#define LAPSED_NEVER_OPENS       7 /* only a prober whose lease runs opens */
#define OVERLAPPING_COUNT        8 /* failures on one dropped connection are many */
#define TRY_ENDS_MANUAL          9 /* a try's success ends an operator's cooldown */
#define SUCCESS_KEEPS_COUNT     10 /* 2xx headers leave a soft count standing */
#define HEADERS_CLEAR_LATE      11 /* 2xx headers clear a count of failures that came after them */
#define HORIZON_IS_LEASE        12 /* a clock read a moment ago takes a live lease for damage */
#define FAILURE_ENDS_HOLD       13 /* a hard failure replaces an operator's hold */
#define ANY_HAND_BACK           14 /* a lease is handed back by who does not hold it */
#define MUTANTS                 14

/* What a transition looks at. Scratch: outside of a step these mean nothing. */
hidden int from, to, e_lease, e_tried;
hidden short e_now, e_start, e_headers, e_for, e_cap;
hidden byte e_soft_failures, e_cause, e_probe_off, e_ours, e_counted_start, e_counted_before, e_late, verdict, wakes;
hidden short x_until;
hidden byte x_starts, x_fails, x_strikes, x_in_a_row;

#define IS_SOFT(w) (KIND(w) == SOFT || KIND(w) == SOFT_LATE)
#define SHUTS(w)   (KIND(w) == COOL || KIND(w) == PROBE)
#if MUTANT == HORIZON_IS_LEASE
#define HORIZON_OF(w) (KIND(w) == PROBE -> LEASE : (IS_SOFT(w) -> WINDOW_HORIZON : HORIZON))
#else
#define HORIZON_OF(w) (KIND(w) == PROBE -> LEASE_HORIZON : (IS_SOFT(w) -> WINDOW_HORIZON : HORIZON))
#endif
#define LIVE(w) (UNTIL(w) > e_now && UNTIL(w) - e_now <= HORIZON_OF(w))

#define LENGTH(strikes) (e_cap > e_for -> MIN(e_for << MIN(strikes, 5), e_cap) : e_for)
#define MORE(strikes)   ((strikes) + ((strikes) < STRIKES_MAX))

inline stay(what)
{
	to = from;
	verdict = what;
	wakes = false
}

inline become(word, what)
{
	to = word;
	verdict = what;
	wakes = false
}

inline become_ready(what, wake)
{
	to = 0;
	verdict = what;
	wakes = wake
}

inline halve_ratio()
{
	if
	:: x_starts >= RATIO_MAX || x_fails >= RATIO_MAX ->
		x_starts = x_starts / 2;
		x_fails = x_fails / 2
	:: else
	fi
}

/* ---- admit */

inline admit()
{
	if
	:: from == 0 -> stay(GO)
	:: KIND(from) == HOLD -> stay(SKIP)
	:: IS_SOFT(from) && !LIVE(from) -> stay(GO)
	:: IS_SOFT(from) && LIVE(from) ->
		x_starts = STARTS(from) + 1;
		x_fails = FAILS(from);
		halve_ratio();
		become(PACK(UNTIL(from), x_starts, x_fails, STRIKES(from), CAUSE(from), KIND(from)),
		       GO_COUNTED)
	:: KIND(from) == COOL && LIVE(from) -> stay(SKIP)
	:: KIND(from) == PROBE && LIVE(from) && e_probe_off -> stay(GO)
	:: KIND(from) == PROBE && LIVE(from) && !e_probe_off -> stay(SKIP)
	:: SHUTS(from) && !LIVE(from) ->
		if
		:: e_probe_off || (KIND(from) == PROBE && CAUSE(from) == LIMITED) ->
			become_ready(GO, false)
		:: else ->
			x_until = e_now + (CAUSE(from) == LIMITED -> LEASE_LIMITED : LEASE);
			become(PACK(x_until, 0, LATE(from), STRIKES(from), CAUSE(from), PROBE),
			       GO_PROBE)
		fi
	:: else -> become_ready(GO, false)
	fi
}

/* ---- success */

#if MUTANT == LAPSED_OPENS_LIVE_COOL
#define LAPSED_MAY_OPEN SHUTS(from)
#elif MUTANT == LAPSED_NEVER_OPENS
#define LAPSED_MAY_OPEN false
#else
#define LAPSED_MAY_OPEN (KIND(from) == PROBE || (KIND(from) == COOL && !LIVE(from)))
#endif
#if MUTANT == LAPSED_IGNORES_STRIKES
#define UNREFUTED true
#elif MUTANT == LAPSED_AT_SATURATION
#define UNREFUTED (STRIKES(from) == STRIKES(e_lease))
#else
#define UNREFUTED (STRIKES(from) == STRIKES(e_lease) && STRIKES(from) < STRIKES_MAX)
#endif
/* Its own lease, or a lapsed one that no newer failure has refuted. While a lease runs, another word
 * can stand in its place only after a clear and a new failure. */
#define LEASE_SPEAKS \
	(e_lease != 0 && (from == e_lease || (UNTIL(e_lease) <= e_now && UNREFUTED && LAPSED_MAY_OPEN)))

#if MUTANT == SUCCESS_KEEPS_COUNT
#define HEADERS_ARE_NEWER false
#else
/* Also when the window is over: an attempt that began inside it may still fail. */
#define HEADERS_ARE_NEWER (e_headers != NEVER && e_headers + WINDOW >= UNTIL(from))
#endif
#if MUTANT == HEADERS_CLEAR_LATE
#define HEADERS_PROVE(w) IS_SOFT(w)
#else
#define HEADERS_PROVE(w) (KIND(w) == SOFT)
#endif

inline headers()
{
	if
	:: HEADERS_PROVE(from) && HEADERS_ARE_NEWER -> become_ready(FORGOTTEN, false)
	:: SHUTS(from) && LEASE_SPEAKS && !LATE(from) -> become_ready(OPENED, true)
	:: else -> stay(UNTOUCHED)
	fi
}

#if MUTANT == TRY_ENDS_MANUAL
#define TRY_SPEAKS (e_tried != 0 && e_tried == from && SHUTS(from))
#else
#define TRY_SPEAKS (e_tried != 0 && e_tried == from && SHUTS(from) && CAUSE(from) != MANUAL)
#endif

inline answered()
{
	if
	:: IS_SOFT(from) && HEADERS_ARE_NEWER -> become_ready(FORGOTTEN, false)
	:: SHUTS(from) && (LEASE_SPEAKS || TRY_SPEAKS) -> become_ready(OPENED, true)
	:: else -> stay(UNTOUCHED)
	fi
}

inline hand_back()
{
	if
#if MUTANT == ANY_HAND_BACK
	:: KIND(from) == PROBE ->
#else
	:: e_lease != 0 && from == e_lease ->
#endif
		become(PACK(e_now, 0, LATE(from), STRIKES(from), CAUSE(from), COOL), RETURNED);
		wakes = true
	:: else -> stay(UNTOUCHED)
	fi
}

/* ---- failure */

inline cool_anew(strikes)
{
	x_strikes = strikes;
	x_until = e_now + LENGTH(x_strikes);
	become(PACK(x_until, 0, e_late, x_strikes, e_cause, COOL), COOLED)
}

inline lengthen()
{
#if MUTANT == FAILURE_SHORTENS_COOL
	x_until = e_now + LENGTH(STRIKES(from));
#elif MUTANT == FAILURE_SHORTENS_LEASE
	x_until = (KIND(from) == PROBE -> e_now + LENGTH(STRIKES(from))
				       : MAX(UNTIL(from), e_now + LENGTH(STRIKES(from))));
#else
	x_until = MAX(UNTIL(from), e_now + LENGTH(STRIKES(from)));
#endif
	if
	:: KIND(from) == COOL && x_until == UNTIL(from) -> stay(UNTOUCHED)
	:: KIND(from) == COOL && x_until != UNTIL(from) && CAUSE(from) == MANUAL ->
		become(PACK(x_until, 0, LATE(from), STRIKES(from), MANUAL, COOL), LENGTHENED)
	:: KIND(from) == COOL && x_until != UNTIL(from) && CAUSE(from) != MANUAL ->
		become(PACK(x_until, 0, e_late, STRIKES(from), e_cause, COOL), LENGTHENED)
	:: KIND(from) == PROBE ->
		/* a newer failure than the leases before it: none may open the key any more */
		become(PACK(x_until, 0, e_late, MORE(STRIKES(from)), e_cause, COOL), COOLED)
	fi
}

inline fail_hard()
{
	if
#if MUTANT != FAILURE_ENDS_HOLD
	:: KIND(from) == HOLD -> stay(UNTOUCHED)
#endif
	:: SHUTS(from) && LIVE(from) && from != e_lease -> lengthen()
	:: SHUTS(from) && !(LIVE(from) && from != e_lease) -> cool_anew(MORE(STRIKES(from)))
	:: else -> cool_anew(0)
	fi
}

inline count_first()
{
	if
	:: e_counted_before -> stay(UNTOUCHED)
	:: !e_counted_before && e_soft_failures <= 1 -> cool_anew(0)
	:: else ->
		become(PACK(e_now + WINDOW, 0, 0, 1, e_cause, SOFT + e_late), COUNTED)
	fi
}

#define COUNTED_AT (UNTIL(from) - WINDOW)
#if MUTANT == OVERLAPPING_COUNT
#define IS_LATER true
#else
#define IS_LATER (e_start > COUNTED_AT || (e_ours && e_now >= COUNTED_AT + OURS_APART))
#endif

inline count_next()
{
	x_in_a_row = IS_LATER && !e_counted_before;
	x_starts = STARTS(from);
	x_fails = FAILS(from);
	if
	:: e_counted_start && !e_ours ->
		x_fails++;
		halve_ratio()
	:: else
	fi;
	x_strikes = MORE(STRIKES(from));
	if
	:: !x_in_a_row ->
		to = PACK(UNTIL(from), x_starts, x_fails, STRIKES(from), CAUSE(from), KIND(from));
		verdict = (to == from -> UNTOUCHED : NOTED);
		wakes = false
	:: x_in_a_row && x_strikes >= e_soft_failures && (e_ours || x_fails * 3 >= x_starts) ->
		cool_anew(0)
	:: else ->
		become(PACK(e_now + WINDOW, x_starts, x_fails, x_strikes, e_cause,
			    SOFT + e_late),
		       COUNTED)
	fi
}

inline fail_soft()
{
	if
#if MUTANT == SOFT_OPENS_ENDED_COOL
	:: KIND(from) == COOL && !LIVE(from) -> count_first()
	:: KIND(from) == HOLD || (KIND(from) == COOL && LIVE(from)) -> stay(UNTOUCHED)
#else
	:: KIND(from) == HOLD || KIND(from) == COOL -> stay(UNTOUCHED)
#endif
	:: KIND(from) == PROBE && from != e_lease -> stay(UNTOUCHED)
	:: KIND(from) == PROBE && from == e_lease &&
	   (CAUSE(from) != LIMITED || e_soft_failures <= 1) ->
		cool_anew(MORE(STRIKES(from)))
	:: KIND(from) == PROBE && from == e_lease && CAUSE(from) == LIMITED && e_soft_failures > 1 ->
		if
		:: e_counted_before -> become_ready(OPENED, true)
		:: else ->
			count_first();
			wakes = true
		fi
	:: IS_SOFT(from) ->
		if
		:: UNTIL(from) > e_now + WINDOW_HORIZON || UNTIL(from) < WINDOW ||
		   e_start >= UNTIL(from) ->
			count_first()
		:: else -> count_next()
		fi
	:: else -> count_first()
	fi
}

/* ---- an operator */

inline operator_cool()
{
	if
	:: KIND(from) == HOLD -> stay(REFUSED)
	:: SHUTS(from) ->
		x_until = MAX(e_now + e_for, (LIVE(from) -> UNTIL(from) : 0));
		become(PACK(x_until, 0, 0, STRIKES(from), MANUAL, COOL), OPERATOR_COOLED)
	:: else -> become(PACK(e_now + e_for, 0, 0, 0, MANUAL, COOL), OPERATOR_COOLED)
	fi
}

inline operator_hold()
{
	if
	:: KIND(from) == HOLD -> stay(UNTOUCHED)
	:: else -> become(PACK(0, 0, 0, 0, MANUAL, HOLD), OPERATOR_HELD)
	fi
}

inline operator_clear()
{
	if
	:: from == 0 -> stay(UNTOUCHED)
	:: from != 0 && (KIND(from) == HOLD || (SHUTS(from) && LIVE(from))) ->
		become_ready(OPERATOR_CLEARED, true)
	:: else -> become_ready(OPERATOR_CLEARED, false)
	fi
}
