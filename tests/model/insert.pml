/* SPDX-License-Identifier: MIT */
/*
 * Insertion by helping, in the worst case: every key has the same hash.
 *
 * A slot belongs to whoever wrote its words first. The tag is set by compare-and-swap, then the
 * key's words one by one, in order; whoever meets a half-written key goes on writing its own words
 * into it, until one differs: then the slot is another key's, and the next slot's turn comes. Until
 * that difference the loser has written only what the winner would have written.
 *
 * PROCS processes each take any of the KEYS keys, insert it or only look for it, and may die before
 * any step. When all have ended, one survivor inserts every key. Two keys share their first word,
 * two their second, so slots are contended at each depth. Checked:
 *
 *   one slot per key     all who get a slot for a key, at any time, get the same one
 *   no stranger          the slot that is returned holds the key, whole
 *   find agrees          once somebody has a key's slot, a later find finds that slot
 *   nothing leaks        after the survivor every slot that was begun is a whole key
 *   full is said         with SLOTS < KEYS an insert that finds no slot says so, and others are
 *                        unharmed
 *
 * MUTANT=n turns a step into a known mistake; each must be found.
 */
#ifndef SLOTS
#define SLOTS 3
#endif
#ifndef PROCS
#define PROCS 4
#endif
#ifndef MUTANT
#define MUTANT 0
#endif
#define STORE_WITHOUT_CAS 1 /* a word read as 0 is then simply stored */
#define NO_HELPING        2 /* a half-written slot is passed over */
#define LOSER_MOVES_ON    3 /* who loses the race for a tag takes the next slot */
#define MUTANTS           3

#define KEYS    3
#define WORDS   3
#define NOWHERE 255

/* Word w of key k. Word 0 says how many follow, as the length does in the table. */
#define KEY(k, w) ((w) == 0 -> ((k) == 2 -> 2 : 1) : ((w) == 1 -> ((k) == 1 -> 8 : 7) : 9))
#define LAST(k)   KEY(k, 0)
#define WORD(s, w) word[(s) * WORDS + (w)]

bit tag[SLOTS];
byte word[SLOTS * WORDS];
byte running = PROCS;
byte known_at[KEYS] = NOWHERE; /* where somebody was told that the key is */

inline holds_key(s, k)
{
	assert(tag[s] == 1);
	assert(WORD(s, 0) == KEY(k, 0) && WORD(s, 1) == KEY(k, 1));
	assert(LAST(k) < 2 || WORD(s, 2) == KEY(k, 2));
}

inline told(s, k)
{
	d_step {
		holds_key(s, k);
		assert(known_at[k] == NOWHERE || known_at[k] == s);
		known_at[k] = s;
	}
}

/*
 * A process. Each atomic below is one access to the table, with what follows from it locally; the
 * process may be killed before any of them.
 */
#define MAY_DIE if :: true :: mortal -> goto died fi

proctype opener(bit mortal, inserts; byte key)
{
	byte s, w, seen, known;

	known = known_at[key];
next_slot:
	atomic {
		MAY_DIE;
		if
		:: s == SLOTS ->
			assert(!inserts || SLOTS < KEYS);
			assert(known == NOWHERE);
			goto died
		:: else
		fi;
		seen = tag[s];
		if
		:: seen == 0 && !inserts ->
			/* A slot never becomes empty again: the key cannot be further on. */
			assert(known == NOWHERE);
			goto died
		:: else
		fi;
#if MUTANT == NO_HELPING
		if
		:: seen && WORD(s, LAST(key)) == 0 -> s++; goto next_slot
		:: else
		fi;
#endif
		if
		:: seen -> goto read_word
		:: else
		fi
	};
	atomic {
		MAY_DIE;
		seen = tag[s];
		tag[s] = 1;
#if MUTANT == LOSER_MOVES_ON
		if
		:: seen -> s++; goto next_slot
		:: else
		fi
#endif
	};
read_word:
	atomic {
		MAY_DIE;
		seen = WORD(s, w);
		if
		:: seen == 0 && inserts -> goto write_word
		:: else -> goto compare
		fi
	};
write_word:
	atomic {
		MAY_DIE;
#if MUTANT == STORE_WITHOUT_CAS
		seen = 0;
#else
		seen = WORD(s, w);
#endif
		if
		:: seen == 0 -> WORD(s, w) = KEY(key, w); seen = KEY(key, w)
		:: else
		fi;
compare:
		if
		:: seen != KEY(key, w) -> s++; w = 0; goto next_slot
		:: seen == KEY(key, w) && w < LAST(key) -> w++; goto read_word
		:: else -> told(s, key)
		fi
	};
died:
	atomic {
		s = 0;
		w = 0;
		seen = 0;
		known = 0;
		running--
	}
}

/* Processes are alike, so of each set of (key, what it does) one order is enough. */
init
{
	byte i, does;

	atomic {
		for (i : 1 .. PROCS) {
			do
			:: does < 2 * KEYS - 1 -> does++
			:: break
			od;
			run opener(1, does % 2, does / 2)
		}
	}
	running == 0;
	for (i : 0 .. KEYS - 1) {
		running = 1;
		run opener(0, 1, i);
		running == 0
	}
#if SLOTS >= KEYS
	atomic {
		for (i : 0 .. KEYS - 1) {
			assert(known_at[i] != NOWHERE)
		}
		for (i : 0 .. SLOTS - 1) {
			assert(tag[i] == 0 || i == known_at[0] || i == known_at[1] ||
			       i == known_at[2])
		}
	}
#endif
	skip
}
