/* SPDX-License-Identifier: MIT */
/*
 * A route whose answers take longer than the lease opens all the same.
 *
 * The cooldown has ended and the route is well again, but an answer takes ANSWER ticks and a lease
 * only LEASE: two and a half leases, as 25 s against 10 s. CALLERS callers, each as often as it is
 * free, ask for the route once a tick; up to DEATHS of them die with a lease in their hands. Checked
 * after every tick:
 *
 *   the route is open to all as soon as the first prober that lives has its answer
 *   until then it is asked once a lease, no oftener
 */
#ifndef CALLERS
#define CALLERS 4
#endif
#ifndef DEATHS
#define DEATHS 2
#endif

#define LEASE          4
#define LEASE_LIMITED  1
#define LEASE_HORIZON  LEASE
#define WINDOW         20
#define WINDOW_HORIZON WINDOW
#define OURS_APART     1
#define HORIZON        100
#define STRIKES_MAX    63
#define RATIO_MAX      32
#define ANSWER         10
#define ENDS_AT        1
#define TICKS          (ENDS_AT + DEATHS * LEASE + ANSWER + 2)

#include "word_steps.pml"

int word;
byte t, acted, dead, asked;

inline event(lease, start)
{
	from = word;
	e_now = t;
	e_start = start;
	e_headers = t;
	e_lease = lease;
	e_tried = 0;
	e_probe_off = false
}

proctype caller()
{
	int lease;
	byte start, acted_at, way;
	bool busy, alive = true;

	do
	:: acted_at == TICKS -> break
	:: acted_at < t ->
		atomic {
			acted_at = t;
			acted++;
			if
			:: alive && !busy ->
				d_step {
					event(0, t);
					admit();
					word = to;
					way = verdict;
					lease = (way == GO_PROBE -> to : 0);
					busy = way != SKIP;
					start = t
				}
				if
				:: way == GO_PROBE -> asked++
				:: way == GO_PROBE && dead < DEATHS -> asked++; alive = false; dead++
				:: way != GO_PROBE
				fi;
				way = 0
			:: alive && busy && t == start + ANSWER ->
				d_step {
					event(lease, start);
					headers();
					word = to;
					event(lease, start);
					answered();
					word = to;
					busy = false;
					lease = 0;
					start = 0
				}
			:: else
			fi
		}
	od
}

init
{
	byte i;

	atomic {
		if
		:: word = PACK(ENDS_AT, 0, 0, 0, OTHER, COOL)
		:: word = PACK(ENDS_AT, 0, 1, 3, OTHER, COOL) /* cooled after headers */
		fi;
		for (i : 1 .. CALLERS) {
			run caller()
		}
		acted = CALLERS
	}
	do
	:: acted == CALLERS ->
		assert(word == 0 || t < ENDS_AT + dead * LEASE + ANSWER);
		assert(asked <= 1 + t / LEASE);
		if
		:: t < TICKS ->
			atomic {
				acted = 0;
				t++
			}
		:: else -> break
		fi
	od
}
