/* SPDX-License-Identifier: MIT */
/*
 * word_steps.pml and libshared/src/word.c say the same.
 *
 * Every transition is run on both, for every combination of the values below: those on and beside
 * each edge that a rule speaks of. Compared are the word wanted, the verdict, and whether sleepers
 * are woken. A tick is a second. So what word.pml proves of the model holds for the code.
 */
#define TICK_MS        1000
#define LEASE          10
#define LEASE_LIMITED  1
#define STALL          60 /* a process may be stopped that long between clock and swap */
#define LEASE_HORIZON  (LEASE + STALL)
#define WINDOW         60
#define WINDOW_HORIZON (WINDOW + STALL)
#define OURS_APART     1
#define HORIZON        900
#define STRIKES_MAX    63
#define RATIO_MAX      32
#define NOW            100

#include "word_steps.pml"

c_decl {
\#include "word.h"
\#include <lull/class.h>
}

c_code {
static uint64_t to_table(int bits)
{
	static const uint32_t cause[] = { LULL_CLASS_SERVER_ERROR, LULL_CLASS_RATE_LIMITED,
					  LULL_CLASS_MANUAL };
	struct word w = {
		.until_ms = (uint64_t)(bits >> 21) * 1000,
		.strikes = (bits >> 5) & 63,
		.cause = cause[(bits >> 3) & 3],
		.kind = bits & 7,
		.starts = (bits >> 16) & 31,
		.fails = (bits >> 11) & 31,
		.http = (bits >> 11) & 31 ? 200 : 500,
	};

	return bits ? word_pack(&w) : 0;
}

static int same_word(int bits, uint64_t table)
{
	struct word w = word_unpack(table);
	struct word v = word_unpack(to_table(bits));

	if (v.kind == WORD_HOLD || v.kind == WORD_NONE)
		return v.kind == w.kind && v.cause == w.cause;
	if (v.cause == LULL_CLASS_MANUAL)
		w.http = v.http;
	return w.until_ms == v.until_ms && w.kind == v.kind && w.cause == v.cause &&
	       w.strikes == v.strikes && w.starts == v.starts && w.fails == v.fails &&
	       w.http / 100 == v.http / 100;
}
};

#define OPS 9
byte op;
hidden byte same;

inline both()
{
	if
	:: op == 0 -> admit()
	:: op == 1 -> headers()
	:: op == 2 -> answered()
	:: op == 3 -> hand_back()
	:: op == 4 -> fail_hard()
	:: op == 5 -> fail_soft()
	:: op == 6 -> operator_cool()
	:: op == 7 -> operator_hold()
	:: op == 8 -> operator_clear()
	fi;
	c_code {
		static const word_fn fns[] = { word_admit, word_headers, word_answered,
					       word_hand_back, word_fail_hard, word_fail_soft,
					       word_operator_cool, word_operator_hold,
					       word_operator_clear };
		static const uint32_t cause[] = { LULL_CLASS_SERVER_ERROR,
						  LULL_CLASS_RATE_LIMITED, LULL_CLASS_MANUAL };
		struct word_event e = {
			.now_ms = e_now * 1000u,
			.start_ms = e_start * 1000u,
			.headers_ms = e_headers == 1023 ? UINT64_MAX : e_headers * 1000u,
			.lease = to_table(e_lease),
			.tried = to_table(e_tried),
			.soft_failures = e_soft_failures,
			.probe_off = e_probe_off,
			.ours = e_ours,
			.counted_start = e_counted_start,
			.counted_before = e_counted_before,
			.late = e_late,
			.cause = cause[e_cause],
			.http = e_late ? 200 : 500,
			.for_ms = e_for * 1000u,
			.for_cap_ms = e_cap * 1000u,
		};
		struct word_step step = fns[now.op](to_table(from), &e);

		same = same_word(to, step.to) && step.verdict == verdict && step.wakes == wakes;
		if (!same)
			printf("op %d from %x lease %x: model %x verdict %d wakes %d, code until %g kind %d strikes %d starts %d fails %d cause %d verdict %d wakes %d\n",
			       now.op, from, e_lease, to, verdict, wakes,
			       word_unpack(step.to).until_ms / 1000.0, word_unpack(step.to).kind,
			       word_unpack(step.to).strikes, word_unpack(step.to).starts,
			       word_unpack(step.to).fails, word_unpack(step.to).cause, step.verdict,
			       step.wakes);
	};
	assert(same)
}

/* A word, and the event that meets it. */
short until, start, hdrs;
int lease, tried;
byte kind, cause, strikes, starts, fails, length, cap, soft_failures, e_cause_id;
bool late, ours, counted, before;

inline choose_word()
{
	if :: kind = COOL :: kind = PROBE :: kind = HOLD :: kind = SOFT :: kind = SOFT_LATE
	   :: kind = 7 fi;
	if :: until = 0 :: until = WINDOW - 1 :: until = WINDOW :: until = NOW - 1 :: until = NOW
	   :: until = NOW + 1 :: until = NOW + LEASE :: until = NOW + LEASE + 1
	   :: until = NOW + LEASE_HORIZON :: until = NOW + LEASE_HORIZON + 1
	   :: until = NOW + WINDOW - 1 :: until = NOW + WINDOW :: until = NOW + WINDOW + 1
	   :: until = NOW + WINDOW_HORIZON :: until = NOW + WINDOW_HORIZON + 1 fi;
	if :: cause = OTHER :: cause = LIMITED :: cause = MANUAL fi;
	if :: strikes = 1 :: strikes = 2 :: strikes = STRIKES_MAX - 1 :: strikes = STRIKES_MAX fi;
	if
	:: kind == SOFT || kind == SOFT_LATE ->
		if :: starts = 0 :: starts = 3 :: starts = 4 :: starts = 30 :: starts = 31 fi;
		if :: fails = 0 :: fails = 1 :: fails = 31 fi
	:: kind == COOL || kind == PROBE ->
		if :: fails = 0 :: fails = 1 fi
	:: else
	fi
}

inline choose_event()
{
	if
	:: op >= 1 && op <= 5 ->
		if
		:: lease = 0
		:: kind == PROBE -> lease = PACK(until, starts, fails, strikes, cause, kind)
		:: lease = PACK(NOW - 1, 0, 0, strikes, OTHER, PROBE)
		:: lease = PACK(NOW, 0, 0, strikes, OTHER, PROBE)
		:: lease = PACK(NOW + 1, 0, 0, strikes, OTHER, PROBE)
		:: lease = PACK(NOW - 1, 0, 0, 3, OTHER, PROBE)
		fi
	:: else
	fi;
	if
	:: op == 2 ->
		if :: tried = 0 :: tried = PACK(until, starts, fails, strikes, cause, kind)
		   :: tried = PACK(until, starts, fails, 3, cause, kind) fi
	:: else
	fi;
	if
	:: op >= 1 && op <= 2 ->
		if :: hdrs = NEVER :: hdrs = NOW :: hdrs = until - WINDOW :: hdrs = until - WINDOW + 1 fi;
		if :: hdrs < 0 -> hdrs = 0 :: else fi
	:: else
	fi;
	if
	:: op == 5 ->
		if :: start = NOW - 30 :: start = until - WINDOW :: start = until - WINDOW + 1
		   :: start = until - 1 :: start = until fi;
		if :: start < 0 -> start = 0 :: start > NOW -> start = NOW :: else fi;
		if :: ours = true :: ours = false fi;
		if :: counted = true :: counted = false fi;
		if :: before = true :: before = false fi;
		if :: soft_failures = 1 :: soft_failures = 2 :: soft_failures = 3 fi
	:: else
	fi;
	if
	:: op == 4 || op == 5 ->
		if :: late = true :: late = false fi;
		if :: e_cause_id = OTHER :: e_cause_id = LIMITED fi
	:: else
	fi;
	if
	:: op == 4 || op == 6 ->
		if :: length = 1; cap = 1 :: length = 11; cap = 11 :: length = 1; cap = 10
		   :: length = 60; cap = 60 fi
	:: else -> length = 5; cap = 30
	fi;
	if :: op == 0 -> if :: ours = true :: ours = false fi :: else fi /* probe off */
}

init
{
	atomic {
		do :: op < OPS - 1 -> op++ :: break od;
		if
		:: choose_word()
		:: kind = NONE /* the word 0 */
		fi;
		choose_event();
		d_step {
			from = PACK(until, starts, fails, strikes, cause, kind);
			e_now = NOW;
			e_start = start;
			e_headers = hdrs;
			e_lease = lease;
			e_tried = tried;
			e_soft_failures = soft_failures;
			e_probe_off = ours;
			e_ours = ours;
			e_counted_start = counted;
			e_counted_before = before;
			e_late = late;
			e_cause = e_cause_id;
			e_for = length;
			e_cap = cap;
			both()
		};
		d_step {
			op = 0; until = 0; start = 0; hdrs = 0; lease = 0; tried = 0; kind = 0;
			cause = 0; strikes = 0; starts = 0; fails = 0; length = 0; cap = 0;
			soft_failures = 0; e_cause_id = 0; late = 0; ours = 0; counted = 0; before = 0
		}
	}
}
