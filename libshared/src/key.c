/* SPDX-License-Identifier: MIT */
/*
 * Keys: what people type, what the loop derives, and what both become in the table. A key is 1 to
 * 184 bytes without control characters. A name that is longer is an error: cut, two models would
 * share a slot. A derived key that is longer keeps a readable head and ends in a hash of the whole.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "key.h"

#define EVERY_BYTE(value) (UINT64_C(0x0101010101010101) * (value))
#define HASH_DIGITS       16u

/* The top bit of some byte is set if any byte is below 0x20, or DEL; exact for a whole word. Other
 * bits say nothing. */
static uint64_t control_bits(uint64_t word)
{
	uint64_t below = word - EVERY_BYTE(0x20);
	uint64_t del = (word & EVERY_BYTE(0x7f)) + EVERY_BYTE(1);

	return (below | del) & ~word;
}

/* Hashes the key's words and checks its bytes on the way; false: a control character. */
static bool key_digest(struct key *key)
{
	const unsigned char *bytes = (const unsigned char *)key->bytes;
	uint32_t whole = key->length / 8, rest = key->length % 8;
	uint64_t sum = hash_term(key_head(key->kind, key->length), 0), control = 0;

	for (uint32_t i = 0; i < whole; i++) {
		uint64_t word = load_le64(bytes + (size_t)8 * i);

		control |= control_bits(word);
		sum += hash_term(word, i + 1);
	}
	if (rest) {
		uint64_t tail = load_le64_tail(bytes, key->length);

		/* its zeros stand for no byte: seen as blanks they pass */
		control |= control_bits(tail | EVERY_BYTE(0x20) << (8 * rest));
		sum += hash_term(tail, whole + 1);
	}
	key->hash = hash_end(sum);
	return (control & EVERY_BYTE(0x80)) == 0;
}

static bool kind_is_known(uint64_t kind)
{
	return kind >= LULL_KIND_ROUTE && kind <= LULL_KIND_NAME;
}

int key_init(struct key *key, uint32_t kind, const char *text)
{
	size_t length;

	if (!kind_is_known(kind) || !text || !*text)
		return -EINVAL;
	length = strnlen(text, LULL_KEY_BYTES_MAX + 1);
	if (length > LULL_KEY_BYTES_MAX)
		return -ENAMETOOLONG;
	*key = (struct key){.kind = kind, .length = (uint32_t)length, .bytes = text};
	return key_digest(key) ? 0 : -EINVAL;
}

bool key_unpack(const uint64_t words[LAYOUT_KEY_WORDS], char *text, struct key *ret_key)
{
	uint64_t kind = words[0] >> 8, length = words[0] & 0xff;

	if (!kind_is_known(kind) || length == 0 || length > LULL_KEY_BYTES_MAX)
		return false;
	for (uint32_t i = 0; i < length; i++)
		text[i] = (char)(words[1 + i / 8] >> (8 * (i % 8)) & 0xff);
	text[length] = '\0';
	/* a word not written yet is zeros, and a zero is a control character */
	return key_init(ret_key, (uint32_t)kind, text) == 0 && ret_key->length == length;
}

int lull_key_parse(const char *text, uint32_t *ret_kind, const char **ret_key)
{
	uint32_t kind = LULL_KIND_NAME;
	const char *bytes = text;
	struct key key;
	int err;

	if (!text || !ret_kind || !ret_key)
		return -EINVAL;
	for (uint32_t k = LULL_KIND_ROUTE; k <= LULL_KIND_NAME; k++) {
		size_t length = strlen(lull_kind_name(k));

		if (strncmp(text, lull_kind_name(k), length) == 0 && text[length] == ':') {
			kind = k;
			bytes = text + length + 1;
		}
	}
	err = key_init(&key, kind, bytes);
	if (err)
		return err;
	*ret_kind = kind;
	*ret_key = bytes;
	return 0;
}

int lull_key_format(uint32_t kind, const char *key, char *ret)
{
	struct key checked;
	int err = ret ? key_init(&checked, kind, key) : -EINVAL;

	if (err)
		return err;
	(void)snprintf(ret, LULL_KEY_TEXT_BYTES_MAX, "%s:%s", lull_kind_name(kind), key);
	return 0;
}

static bool text_has_control(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			return true;
	return false;
}

/* Not more than `length` bytes, and no part of a UTF-8 character. */
static size_t head_length(const char *text, size_t length)
{
	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	return length;
}

int lull_key_derive(const char *text, char *ret)
{
	static const uint64_t no_secret[2] = {0, 0};
	size_t size, head;

	if (!text || !*text || !ret || text_has_control(text))
		return -EINVAL;
	size = strlen(text);
	if (size <= LULL_KEY_BYTES_MAX) {
		memcpy(ret, text, size + 1);
		return 0;
	}
	head = head_length(text, LULL_KEY_BYTES_MAX - HASH_DIGITS - 1);
	memcpy(ret, text, head);
	ret[head] = '~';
	hash_hex(siphash24(no_secret, text, size), ret + head + 1);
	return 0;
}

/* Bytes before the last '@' that stands before "http", or all. */
static size_t model_length(const char *key)
{
	size_t length = strlen(key);

	for (size_t i = length; i-- > 0;)
		if (strncmp(key + i, "@http", 5) == 0)
			return i;
	return length;
}

void key_model(uint32_t kind, const char *key, char *ret)
{
	size_t length = 0;

	if (kind == LULL_KIND_ROUTE)
		length = model_length(key);
	else if (kind == LULL_KIND_NAME)
		length = strlen(key);
	memcpy(ret, key, length);
	ret[length] = '\0';
}

int lull_key_model(uint32_t kind, const char *key, char *ret)
{
	struct key checked;
	int err = ret ? key_init(&checked, kind, key) : -EINVAL;

	if (!err)
		key_model(kind, key, ret);
	return err;
}

int lull_fingerprint(const void *secret, size_t size_bytes, char *ret)
{
	uint64_t boot_key[2];

	if ((!secret && size_bytes > 0) || !ret)
		return -EINVAL;
	clock_boot_key(boot_key);
	hash_hex(siphash24(boot_key, secret, size_bytes), ret);
	return 0;
}
