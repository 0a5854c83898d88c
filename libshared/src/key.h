/* SPDX-License-Identifier: MIT */
/*
 * A key as the words it is stored in: word 0 is kind << 8 | byte count, then the bytes, eight to a
 * word, little-endian on every machine, the last one padded with zeros. No byte is NUL and no word
 * is zero, so that 0 can mean "not written yet". Internal; struct key is in segment.h.
 */
#ifndef LULL_KEY_H
#define LULL_KEY_H

#include <stdbool.h>

#include "hash.h"
#include "segment.h"

static inline uint64_t key_head(uint32_t kind, uint32_t length)
{
	return (uint64_t)kind << 8 | length;
}

/* words that hold bytes; word 0 not counted */
static inline uint32_t key_word_count(uint32_t length)
{
	return (length + 7) / 8;
}

/* Word i of the key, 0 to key_word_count(). */
static inline uint64_t key_word(const struct key *key, uint32_t i)
{
	const unsigned char *bytes = (const unsigned char *)key->bytes;

	if (i == 0)
		return key_head(key->kind, key->length);
	if (i * 8 <= key->length)
		return load_le64(bytes + (i - 1) * (size_t)8);
	return load_le64_tail(bytes, key->length);
}

/* Words that came from the segment, as a key; false: they are none. `text`: 185 bytes. */
bool key_unpack(const uint64_t words[LAYOUT_KEY_WORDS], char *text, struct key *ret_key);

/* The model that a key of this kind names; "" for credentials and endpoints. `ret`: 185 bytes. */
void key_model(uint32_t kind, const char *key, char *ret);

#endif
