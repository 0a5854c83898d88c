/* SPDX-License-Identifier: MIT */
/*
 * Whether a text is a JSON object, found in one pass over its tokens: what a request needs whose
 * bytes go out as they came. A tree of it would take ten times as long.
 *
 * It is sure or it is not: nothing is said about texts that are deeper, have larger objects or keys
 * with escapes in them. json_read() knows.
 */
#include <string.h>

#include "json_scan.h"

#define DEPTH_MAX 32u
#define KEYS_MAX  256u /* of the objects that are open at one time */
#define PEERS_MAX 32u  /* keys of one object: each is compared with all others */

enum expected { KEY_OR_END, KEY, COLON, VALUE_OR_END, VALUE, COMMA_OR_END, NOTHING };

struct plain {
	enum expected expected;
	unsigned depth;
	bool is_object[DEPTH_MAX];
	size_t first_key[DEPTH_MAX];
	size_t key_count;
	struct {
		const char *start;
		size_t size;
	} keys[KEYS_MAX];
};

static bool is_char(const struct json_token *token, char c)
{
	return token->type == JSON_TOKEN_PUNCTUATION && *token->start == c;
}

static bool is_value(enum expected expected)
{
	return expected == VALUE || expected == VALUE_OR_END;
}

static bool open_one(struct plain *plain, bool is_object)
{
	if (plain->depth == DEPTH_MAX)
		return false;
	plain->is_object[plain->depth] = is_object;
	plain->first_key[plain->depth++] = plain->key_count;
	plain->expected = is_object ? KEY_OR_END : VALUE_OR_END;
	return true;
}

static bool close_one(struct plain *plain, bool is_object)
{
	const bool may_end = plain->expected == COMMA_OR_END ||
			     plain->expected == (is_object ? KEY_OR_END : VALUE_OR_END);

	if (!may_end || plain->depth == 0 || plain->is_object[plain->depth - 1] != is_object)
		return false;
	plain->key_count = plain->first_key[--plain->depth];
	plain->expected = plain->depth == 0 ? NOTHING : COMMA_OR_END;
	return true;
}

/* One that its object does not have yet. */
static bool add_key(struct plain *plain, const struct json_token *token)
{
	const size_t first = plain->first_key[plain->depth - 1];

	if (plain->key_count == KEYS_MAX || plain->key_count - first == PEERS_MAX ||
	    memchr(token->start, '\\', token->size))
		return false;
	for (size_t i = first; i < plain->key_count; i++)
		if (plain->keys[i].size == token->size &&
		    memcmp(plain->keys[i].start, token->start, token->size) == 0)
			return false;
	plain->keys[plain->key_count].start = token->start;
	plain->keys[plain->key_count++].size = token->size;
	plain->expected = COLON;
	return true;
}

static bool take_comma(struct plain *plain)
{
	if (plain->expected != COMMA_OR_END)
		return false;
	plain->expected = plain->is_object[plain->depth - 1] ? KEY : VALUE;
	return true;
}

static bool take_scalar(struct plain *plain, const struct json_token *token)
{
	if (plain->expected == KEY || plain->expected == KEY_OR_END)
		return token->type == JSON_TOKEN_STRING && add_key(plain, token);
	if (!is_value(plain->expected) || plain->depth == 0)
		return false;
	plain->expected = COMMA_OR_END;
	return true;
}

static bool take(struct plain *plain, const struct json_token *token)
{
	if (token->type != JSON_TOKEN_PUNCTUATION)
		return take_scalar(plain, token);
	if (is_char(token, '{') || is_char(token, '['))
		return is_value(plain->expected) && open_one(plain, is_char(token, '{'));
	if (is_char(token, '}') || is_char(token, ']'))
		return close_one(plain, is_char(token, '}'));
	if (is_char(token, ','))
		return take_comma(plain);
	if (plain->expected != COLON)
		return false;
	plain->expected = VALUE;
	return true;
}

bool json_is_plain_object(const char *bytes, size_t size)
{
	struct json_scanner scanner;
	struct json_token token;
	struct plain plain;
	int rc;

	plain.expected = VALUE;
	plain.depth = 0;
	plain.key_count = 0;
	json_scan_init(&scanner, bytes, size);
	rc = json_scan(&scanner, &token);
	if (rc != 1 || !is_char(&token, '{'))
		return false;
	for (; rc == 1; rc = json_scan(&scanner, &token))
		if (plain.expected == NOTHING || !take(&plain, &token))
			return false;
	return rc == 0 && plain.expected == NOTHING;
}
