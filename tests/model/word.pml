/* SPDX-License-Identifier: MIT */
/*
 * One word, several processes: what may never happen to a cooldown.
 *
 * WORKERS workers (at most 3) make REQUESTS attempts each, and an operator interferes OPERATIONS times. Between
 * reading the clock and the compare-and-swap a process may be stopped for up to STALL ticks, anywhere
 * else for any time, and after any step it may be gone for good. The clock is coarse: any number of steps fit into a
 * tick. The word starts as any of a few, so that what a longer past could have left is met too.
 *
 * A transition is a pure function of the word found and of the event, and a compare-and-swap that
 * loses starts again from the word found. So reading and swapping are one step here: what another
 * process did in between has the same effect as if it had come before the read.
 *
 * Checked at every step, by ghosts that know more than the word does:
 *
 *   I2    a live cooldown never ends earlier, except by an operator's clear or hold, or by the
 *         success of a try, and that never ends an operator's
 *   I3    never two leases at once: none is given while another runs that nobody has ended
 *         (its own prober, a success that opened the key, or an operator)
 *   -     nobody is let in during a cooldown or a hold
 *   -     a soft failure never opens what is shut, but for its own probe of a rate limit
 *   -     only a clear ends a hold
 *   -     a prober whose lease has lapsed opens the key only where no failure has cooled it since
 *         (a key that has been open in between has forgotten what happened)
 *   -     soft failures in a row: each began after the one before was reported, or is our own
 *         time-out and comes a while later; none is counted over a success in between
 *   -     a lease is handed back by its holder only
 *
 * and at the end that nobody is stuck. MUTANT=n (word_steps.pml) breaks one rule; each must be found.
 */
#ifndef WORKERS
#define WORKERS 3
#endif
#ifndef REQUESTS
#define REQUESTS 1
#endif
#ifndef OPERATIONS
#define OPERATIONS 0
#endif
#ifndef SOFT_FAILURES
#define SOFT_FAILURES 2
#endif
#ifndef TICKS
#define TICKS 6
#endif
#ifndef STALL
#define STALL 2
#endif
#ifndef HARD
#define HARD 1 /* workers meet hard failures */
#endif
#ifndef TRIES
#define TRIES 0 /* workers go past cooldowns */
#endif

#define LEASE          2
#define LEASE_LIMITED  1
#define LEASE_HORIZON  (LEASE + STALL)
#define WINDOW         3
#define WINDOW_HORIZON (WINDOW + STALL)
#define OURS_APART     1
#define HORIZON        100
#define STRIKES_MAX    2
#define RATIO_MAX      8

#include "word_steps.pml"

/* the operations, for the ghosts */
#define ADMIT          0
#define HEADERS        1
#define ANSWERED       2
#define HAND_BACK      3
#define FAIL_HARD      4
#define FAIL_SOFT      5
#define OPERATOR_COOL  6
#define OPERATOR_HOLD  7
#define OPERATOR_CLEAR 8

int word;
byte t = 1; /* the clock; 0 is before all */

byte begun;         /* workers are alike: they begin in order */
byte clock_read[4]; /* what a process that is between clock and swap has read; 0: none is */

/* ghosts */
byte lease_ends;       /* when the lease that was given last ends; 0: it has ended */
byte counted_at;       /* while soft failures are counted: when the last in a row was reported */
bool success_since;    /* an attempt whose success clears the count has succeeded since */
byte refuted[WORKERS]; /* a prober's lease: NOT_YET, REFUTED by a newer failure, or OPEN_SINCE */
#define NOT_YET    0
#define REFUTED    1
#define OPEN_SINCE 2

#define OPERATOR 3 /* its place in clock_read */

#define TRULY_LIVE(w) (UNTIL(w) > t)

inline judge_shut(op)
{
	/* I2 */
	assert(!(KIND(from) == COOL && TRULY_LIVE(from) && to != from) || op == OPERATOR_CLEAR ||
	       op == OPERATOR_HOLD || (KIND(to) == COOL && UNTIL(to) >= UNTIL(from)) ||
	       (op == ANSWERED && from == e_tried && CAUSE(from) != MANUAL));
	assert(!(KIND(from) == HOLD && to != from) || op == OPERATOR_CLEAR);
	/* nobody is let in */
	assert(op != ADMIT || verdict == SKIP || KIND(from) != HOLD);
	assert(op != ADMIT || verdict == SKIP || KIND(from) != COOL || !TRULY_LIVE(from));
	assert(op != ADMIT || verdict == SKIP || KIND(from) != PROBE || !TRULY_LIVE(from));
	/* what is soft opens nothing but its own probe of a rate limit */
	assert(op != FAIL_SOFT || !(SHUTS(from) || KIND(from) == HOLD) || to == from ||
	       KIND(to) == COOL || (from == e_lease && CAUSE(from) == LIMITED));
	assert(op != HAND_BACK || to == from || from == e_lease);
	/* headers prove nothing where failures come after them */
	assert(op != HEADERS || to == from || (KIND(from) != SOFT_LATE && !(SHUTS(from) && LATE(from))))
}

inline judge_lease(op, me)
{
	if
	:: verdict == GO_PROBE ->
		assert(lease_ends <= t); /* I3 */
		lease_ends = UNTIL(to)
	:: from != to && (to == 0 || KIND(to) == HOLD || from == e_lease) -> lease_ends = 0
	:: else
	fi;
	if
	:: verdict == OPENED && from != e_lease && from != e_tried ->
		assert(KIND(from) == PROBE || !TRULY_LIVE(from));
		assert(refuted[me] != REFUTED)
	:: else
	fi;
	if
	:: lease_ends <= t -> lease_ends = 0
	:: else
	fi
}

inline judge_soft(op)
{
	if
	:: op == FAIL_SOFT && IS_SOFT(from) && verdict == COUNTED && STRIKES(to) == 1 ->
		counted_at = e_now;
		success_since = false
	:: op == FAIL_SOFT && IS_SOFT(from) &&
	   (verdict == COOLED || (verdict == COUNTED && STRIKES(to) > 1)) ->
		assert(e_start > counted_at || (e_ours && e_now >= counted_at + OURS_APART));
		assert(!success_since);
		counted_at = e_now
	:: op == FAIL_SOFT && !IS_SOFT(from) && verdict == COUNTED ->
		counted_at = e_now;
		success_since = false
	:: IS_SOFT(from) && e_headers != NEVER && e_headers > counted_at &&
	   (op == ANSWERED || (op == HEADERS && KIND(from) == SOFT)) ->
		success_since = true
	:: else
	fi;
	if
	:: !IS_SOFT(to) -> counted_at = 0; success_since = false
	:: else
	fi
}

/* What a change means for the leases that others still hold. */
inline remember_failure(op, me)
{
	x_starts = 0;
	do
	:: x_starts == WORKERS -> break
	:: else ->
		if
		:: from != to && (to == 0 || KIND(to) == HOLD) -> refuted[x_starts] = OPEN_SINCE
		:: verdict == COOLED && x_starts != me &&
		   refuted[x_starts] == NOT_YET ->
			refuted[x_starts] = REFUTED
		:: else
		fi;
		x_starts++
	od
}

inline apply(op, me)
{
	from = word;
	if
	:: op == ADMIT -> admit()
	:: op == HEADERS -> headers()
	:: op == ANSWERED -> answered()
	:: op == HAND_BACK -> hand_back()
	:: op == FAIL_HARD -> fail_hard()
	:: op == FAIL_SOFT -> fail_soft()
	:: op == OPERATOR_COOL -> operator_cool()
	:: op == OPERATOR_HOLD -> operator_hold()
	:: op == OPERATOR_CLEAR -> operator_clear()
	fi;
	printf("t=%d process %d, clock read %d: operation %d on kind %d until %d strikes %d -> kind %d until %d strikes %d, verdict %d\n",
	       t, me, e_now, op, KIND(from), UNTIL(from), STRIKES(from), KIND(to), UNTIL(to),
	       STRIKES(to), verdict);
	judge_shut(op);
	judge_lease(op, me);
	judge_soft(op);
	remember_failure(op, me);
	word = to;
	clock_read[me] = 0
}

/* How an attempt goes on. */
inline choose_outcome()
{
	if
	:: op = HAND_BACK
	:: accepted_at == 0 -> op = HEADERS
	:: op = ANSWERED
	:: op = FAIL_SOFT; ours = false; length = 2; cap = 2; cause = OTHER
	:: op = FAIL_SOFT; ours = true; length = 2; cap = 2; cause = OTHER
#if HARD
	:: op = FAIL_HARD; length = 1; cap = 1; cause = LIMITED
	:: op = FAIL_HARD; length = 1; cap = 2; cause = OTHER
	:: op = FAIL_HARD; length = 3; cap = 3; cause = OTHER
#endif
	fi
}

/*
 * A process that is killed is one that takes no further step: as every state is looked at with
 * whoever goes on from there, death needs no step of its own.
 */
proctype worker(byte me)
{
	int lease, tried;
	byte start, accepted_at, requests, op, length, cap, cause;
	bool counted, ours;

	do
	:: begun >= me && requests < REQUESTS ->
		atomic {
			clock_read[me] = t;
			begun = MAX(begun, me + 1)
		};
		atomic {
			requests++;
			d_step {
				start = clock_read[me];
				e_now = start;
				e_probe_off = false;
				e_lease = 0;
				e_tried = 0;
				e_headers = NEVER;
				apply(ADMIT, me);
				counted = verdict == GO_COUNTED;
				lease = (verdict == GO_PROBE -> to : 0);
				tried = (verdict == SKIP -> from : 0);
				refuted[me] = (verdict == GO_PROBE -> NOT_YET : OPEN_SINCE);
				op = verdict
			};
			if
#if TRIES
			:: op = 0
#else
			:: op == SKIP -> goto next
			:: else -> op = 0
#endif
			fi
		};
goes_on:
		clock_read[me] = t;
		atomic {
			choose_outcome();
			d_step {
				e_now = clock_read[me];
				if
				:: op == HEADERS -> accepted_at = e_now
				:: else
				fi;
				e_start = start;
				e_headers = (accepted_at -> accepted_at :
							    (op == ANSWERED -> start : NEVER));
				e_lease = lease;
				e_tried = tried;
				e_soft_failures = SOFT_FAILURES;
				e_ours = ours;
				e_counted_start = counted;
				e_counted_before = false;
				e_late = accepted_at != 0;
				e_cause = cause;
				e_for = length;
				e_cap = cap;
				apply(op, me);
				ours = false;
				length = 0;
				cap = 0;
				cause = 0
			};
			if
			:: op == HEADERS -> op = 0; goto goes_on
			:: else
			fi;
next:
			lease = 0;
			tried = 0;
			start = 0;
			accepted_at = 0;
			counted = false;
			op = 0;
			refuted[me] = OPEN_SINCE
		}
	:: requests == REQUESTS -> break
	od
}

proctype operator()
{
	byte op, operations;

	do
	:: operations < OPERATIONS -> clock_read[OPERATOR] = t;
		atomic {
			operations++;
			if
			:: op = OPERATOR_COOL
			:: op = OPERATOR_HOLD
			:: op = OPERATOR_CLEAR
			fi;
			d_step {
				e_now = clock_read[OPERATOR];
				e_lease = 0;
				e_tried = 0;
				e_headers = NEVER;
				e_for = 2;
				apply(op, OPERATOR);
				op = 0
			}
		}
	:: else -> break
	od
}

/* Time passes, but not past a process that has been stopped for STALL ticks. */
#define LAGS(i) (clock_read[i] != 0 && t >= clock_read[i] + STALL)

proctype clock()
{
end:	do
	:: t < TICKS && !LAGS(0) && !LAGS(1) && !LAGS(2) && !LAGS(3) -> t++
	od
}

init
{
	byte i;

	atomic {
		if
		:: word = 0
		:: word = PACK(1, 0, 0, 0, OTHER, COOL)
		:: word = PACK(1, 0, 0, STRIKES_MAX - 1, LIMITED, COOL)
		:: word = PACK(1, 0, 1, STRIKES_MAX - 1, OTHER, COOL)
		:: word = PACK(2, 0, 0, STRIKES_MAX, OTHER, COOL)
		:: word = PACK(3, 0, 0, 0, MANUAL, COOL)
		:: word = PACK(WINDOW, 0, 0, 1, OTHER, SOFT)
		:: word = PACK(WINDOW, 4, 1, 1, OTHER, SOFT_LATE)
		fi;
		for (i : 0 .. WORKERS - 1) {
			refuted[i] = OPEN_SINCE;
			run worker(i)
		}
#if OPERATIONS
		run operator();
#endif
		run clock()
	}
}
