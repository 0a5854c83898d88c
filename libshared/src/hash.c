/* SPDX-License-Identifier: MIT */
/* SipHash-2-4 as its authors (Aumasson, Bernstein) publish it; checked against their vectors. */
#include "hash.h"

struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate_left(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate_left(s->v1, 13) ^ s->v0;
	s->v3 = rotate_left(s->v3, 16) ^ s->v2;
	s->v0 = rotate_left(s->v0, 32) + s->v3;
	s->v2 += s->v1;
	s->v3 = rotate_left(s->v3, 21) ^ s->v0;
	s->v1 = rotate_left(s->v1, 17) ^ s->v2;
	s->v2 = rotate_left(s->v2, 32);
}

static void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

uint64_t siphash24(const uint64_t key[2], const void *bytes, size_t size_bytes)
{
	const unsigned char *p = bytes;
	struct sip s = {
		.v0 = key[0] ^ UINT64_C(0x736f6d6570736575),
		.v1 = key[1] ^ UINT64_C(0x646f72616e646f6d),
		.v2 = key[0] ^ UINT64_C(0x6c7967656e657261),
		.v3 = key[1] ^ UINT64_C(0x7465646279746573),
	};

	for (size_t i = 0; i + 8 <= size_bytes; i += 8)
		sip_word(&s, load_le64(p + i));
	sip_word(&s, (uint64_t)size_bytes << 56 | load_le64_tail(p, size_bytes));
	s.v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t hash_words(const uint64_t *words, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += hash_term(words[i], (uint32_t)i);
	return hash_end(sum);
}

void hash_hex(uint64_t hash, char *ret)
{
	for (int i = 0; i < 16; i++)
		ret[i] = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
	ret[16] = '\0';
}
