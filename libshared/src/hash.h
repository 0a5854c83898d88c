/* SPDX-License-Identifier: MIT */
/*
 * Two hashes. The fast one is no secret: it finds slots, and guards against torn or truncated
 * bytes. SipHash-2-4 is keyed: its output stands for a secret without giving it away.
 *
 * The fast one is a sum over words, each made unlike the others by its position, then stirred: no
 * word waits for the one before it, which is what makes a lookup by name quick. Each step can be
 * undone, so that two inputs that differ in one word never agree. It is part of the layout (every
 * process must find the same slot), so it uses 64-bit arithmetic only and gives the same value on
 * every machine.
 */
#ifndef LULL_HASH_H
#define LULL_HASH_H

#include <stddef.h>
#include <stdint.h>

/* odd, half of the bits set, no pattern; any such number would do */
#define HASH_MULTIPLIER UINT64_C(0x9fb21c651e98df25)

/* What one word adds to the sum. */
static inline uint64_t hash_term(uint64_t word, uint32_t position)
{
	return (word ^ word >> 32) * (HASH_MULTIPLIER * (2 * (uint64_t)position + 1));
}

/* Never 0: in the table 0 means "empty". */
static inline uint64_t hash_end(uint64_t sum)
{
	sum = (sum ^ sum >> 32) * HASH_MULTIPLIER;
	sum = (sum ^ sum >> 29) * HASH_MULTIPLIER;
	sum ^= sum >> 32;
	return sum ? sum : 1;
}

/* over whole words, as they lie in memory */
uint64_t hash_words(const uint64_t *words, size_t count);

uint64_t siphash24(const uint64_t key[2], const void *bytes, size_t size_bytes);

/* 16 hex digits and NUL */
void hash_hex(uint64_t hash, char *ret);

/* Eight bytes as a little-endian number, whatever the machine; compiles to one load on most. */
static inline uint64_t load_le64(const unsigned char *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
	       (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
	       (uint64_t)p[7] << 56;
}

/* The last 0 to 7 of size_bytes bytes, zero-padded. */
static inline uint64_t load_le64_tail(const unsigned char *bytes, size_t size_bytes)
{
	size_t rest = size_bytes % 8;
	uint64_t word = 0;

	if (rest == 0)
		return 0;
	if (size_bytes >= 8) /* one load that overlaps the word before */
		return load_le64(bytes + (size_bytes - 8)) >> (8 * (8 - rest));
	for (size_t i = 0; i < rest; i++)
		word |= (uint64_t)bytes[i] << (8 * i);
	return word;
}

#endif
