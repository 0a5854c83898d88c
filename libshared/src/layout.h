/* SPDX-License-Identifier: MIT */
/*
 * The bytes of the segment. Layout 1.
 *
 *     0        header, 256 bytes
 *     256      slots, slot_count x 1 KiB
 *     then     the flight recorder, 1024 records x 64 bytes
 *
 * Rules: only fixed-width fields and lock-free atomics; offsets or indexes, no pointers; hot words
 * and counters on different cache lines; reserved bytes are zero. What never changes is copied to
 * the handle at attach and not read again. A change of any offset, or of what a field means, is a
 * new LULL_LAYOUT_VERSION, which is part of the segment's name: two versions run side by side, each
 * with its own knowledge. Reserved bytes may come to mean something without that, where 0 goes on
 * meaning "nothing known".
 */
#ifndef LULL_LAYOUT_H
#define LULL_LAYOUT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define LULL_LAYOUT_VERSION 1u
#define LAYOUT_MAGIC \
	UINT64_C(0x314c4c554c0a1a00) /* NUL, SUB, LF, "LULL1": a text tool's mangling shows */
#define LAYOUT_LINE          64u
#define LAYOUT_SLOTS_DEFAULT 1024u
#define LAYOUT_SLOTS_MIN     16u
#define LAYOUT_SLOTS_MAX     65536u
#define LAYOUT_RING_RECORDS  1024u
#define LAYOUT_KEY_WORDS     24u /* word 0: kind << 8 | byte count; then up to 184 bytes */
#define LAYOUT_PERMITS       64u
#define LAYOUT_OUTCOMES      16u
#define LAYOUT_LATE_OUTCOMES 14u

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "the table needs lock-free 64-bit atomics");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "the table needs lock-free 32-bit atomics");

struct layout_header {
	/* line 0 and 1: constant once the name exists */
	uint64_t magic;
	uint32_t version;
	uint32_t header_size;
	uint32_t slot_size;
	uint32_t slot_count; /* power of two */
	uint32_t ring_count;
	uint32_t incompat; /* bits a reader must know; 0 */
	uint64_t total_size;
	uint64_t create_id; /* random */
	/* of /proc/sys/kernel/random/boot_id: a file-backed table does not outlive a boot */
	uint64_t boot_hash;
	uint64_t created_ms; /* boottime */
	uint64_t created_unix_s;
	uint32_t creator_uid;
	uint32_t compat; /* bits a reader may not know; 0 */
	uint64_t reserved0[5];
	uint64_t sum; /* over all before */
	/* line 2: hot */
	_Alignas(LAYOUT_LINE) _Atomic uint32_t
		serial;           /* futex: "something became ready early"; any process */
	_Atomic uint32_t retired; /* 1: replaced by `lull reset`; attach anew */
	_Atomic uint64_t full_rejects;
	uint64_t reserved1[6];
	/* line 3: hot */
	_Alignas(LAYOUT_LINE) _Atomic uint64_t
		ring_head;            /* number of the next record; fetch_add by writers */
	_Atomic uint32_t ring_serial; /* futex: "a record is whole"; any process */
	uint32_t reserved2;
	uint64_t reserved3[6];
};
_Static_assert(sizeof(struct layout_header) == 256, "header is 256 bytes");
_Static_assert(offsetof(struct layout_header, sum) == 120, "sum ends the constant part");
_Static_assert(offsetof(struct layout_header, serial) == 128, "serial opens line 2");
_Static_assert(offsetof(struct layout_header, ring_head) == 192, "ring_head opens line 3");
_Static_assert(offsetof(struct layout_header, ring_serial) == 200, "and ring_serial follows it");

enum slot_counter {
	SLOT_ATTEMPTS = 0,
	SLOT_ANSWERS,
	SLOT_FAILURES, /* outcomes charged to this key */
	SLOT_SKIPS,
	SLOT_COOLDOWNS,
	SLOT_PROBES,
	SLOT_LIMITED, /* passed over, or waited for, for want of room within a limit */
	SLOT_COUNTERS = 8
};

struct layout_slot {
	/* line 0: all that a lookup touches */
	_Alignas(LAYOUT_LINE) _Atomic uint64_t
		tag; /* hash of kind and key, never 0 when taken; CAS 0 -> hash, never back */
	_Atomic uint64_t word; /* the cooldown: word.h; CAS only */
	/* mean_us:32 | deviation_us:32 of the time to 2xx headers; 0 = not known; one CAS try */
	_Atomic uint64_t usual;
	_Atomic uint64_t reporter; /* at_ms:40 | pid:24 of the last change; advisory, for people */
	/* routes: (credential slot + 1):32 | (endpoint slot + 1):32; advisory, range-checked by
	 * readers */
	_Atomic uint64_t links;
	uint64_t reserved0[3];
	/* line 1: limit.h */
	_Atomic uint64_t request_bucket; /* ns of boottime at which it is full again; CAS only */
	_Atomic uint64_t token_bucket;   /* likewise */
	/* rpm:32 | tpm:32, as the last process to use them has them; advisory, for people */
	_Atomic uint64_t rates;
	_Atomic uint64_t caps; /* burst_ms:32 | parallel:32, likewise */
	uint64_t reserved1[4];
	/* lines 2 to 9 */
	_Atomic uint64_t permits[LAYOUT_PERMITS]; /* until_ms:40 | tag:24; CAS only */
	/* line 10 */
	_Atomic uint64_t awaited; /* 1: somebody sleeps until there is room */
	/* as outcomes below, of the classes from 16 on; relaxed fetch_add */
	_Atomic uint32_t late_outcomes[LAYOUT_LATE_OUTCOMES];
	/* line 11 */
	_Atomic uint64_t counters[SLOT_COUNTERS]; /* relaxed fetch_add */
	/* lines 12 to 14 */
	/* CAS 0 -> bytes, word by word, by whoever needs the key: insertion by helping */
	_Atomic uint64_t key[LAYOUT_KEY_WORDS];
	/* line 15: what became of attempts, by class, where the key is what was tried: a route, or
	 * a command's name. Relaxed fetch_add; after 4,294,967,295 of a class from 0 again */
	_Atomic uint32_t outcomes[LAYOUT_OUTCOMES];
};
_Static_assert(sizeof(struct layout_slot) == 1024, "a slot is 1 KiB");
_Static_assert(offsetof(struct layout_slot, request_bucket) == 64, "the buckets begin line 1");
_Static_assert(offsetof(struct layout_slot, permits) == 128, "the permits begin line 2");
_Static_assert(offsetof(struct layout_slot, awaited) == 640, "line 10");
_Static_assert(offsetof(struct layout_slot, counters) == 704, "counters have their own line");
_Static_assert(offsetof(struct layout_slot, key) == 768, "the key begins line 12");
_Static_assert(offsetof(struct layout_slot, outcomes) == 960, "outcomes are line 15");

struct layout_record {
	_Alignas(LAYOUT_LINE) _Atomic uint64_t
		stamp; /* number + 1 when whole; 0 while being written */
	_Atomic uint64_t payload[6];
	_Atomic uint64_t sum; /* over payload and number */
};
_Static_assert(sizeof(struct layout_record) == 64, "a record is one line");

#endif
