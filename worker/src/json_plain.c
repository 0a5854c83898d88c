/* SPDX-License-Identifier: MIT */
/*
 * Whether a text is a JSON object, and what is in it, found in one pass over its tokens: enough for
 * what goes on with the bytes that it has. A tree of it would take ten times as long.
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

struct json_place {
	json_seen_fn seen; /* NULL: nobody is told */
	void *userdata;
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

static bool is_value(enum expected expected)
{
	return expected == VALUE || expected == VALUE_OR_END;
}

static bool open_one(struct json_place *place, bool is_object)
{
	if (place->depth == DEPTH_MAX)
		return false;
	place->is_object[place->depth] = is_object;
	place->first_key[place->depth++] = place->key_count;
	place->expected = is_object ? KEY_OR_END : VALUE_OR_END;
	return true;
}

static bool close_one(struct json_place *place, bool is_object)
{
	const bool may_end = place->expected == COMMA_OR_END ||
			     place->expected == (is_object ? KEY_OR_END : VALUE_OR_END);

	if (!may_end || place->depth == 0 || place->is_object[place->depth - 1] != is_object)
		return false;
	place->key_count = place->first_key[--place->depth];
	place->expected = place->depth == 0 ? NOTHING : COMMA_OR_END;
	return true;
}

/* One that its object does not have yet. */
static bool add_key(struct json_place *place, const struct json_token *token)
{
	const size_t first = place->first_key[place->depth - 1];

	if (place->key_count == KEYS_MAX || place->key_count - first == PEERS_MAX ||
	    memchr(token->start, '\\', token->size))
		return false;
	for (size_t i = first; i < place->key_count; i++)
		if (place->keys[i].size == token->size &&
		    memcmp(place->keys[i].start, token->start, token->size) == 0)
			return false;
	place->keys[place->key_count].start = token->start;
	place->keys[place->key_count++].size = token->size;
	place->expected = COLON;
	return true;
}

static bool take_comma(struct json_place *place)
{
	if (place->expected != COMMA_OR_END)
		return false;
	place->expected = place->is_object[place->depth - 1] ? KEY : VALUE;
	return true;
}

static bool see(const struct json_place *place, const struct json_token *value)
{
	return !place->seen || place->depth == 0 || place->seen(place, value, place->userdata);
}

static bool take_scalar(struct json_place *place, const struct json_token *token)
{
	if (place->expected == KEY || place->expected == KEY_OR_END)
		return token->type == JSON_TOKEN_STRING && add_key(place, token);
	if (!is_value(place->expected) || place->depth == 0)
		return false;
	place->expected = COMMA_OR_END;
	return see(place, token);
}

static bool take(struct json_place *place, const struct json_token *token)
{
	if (token->type != JSON_TOKEN_PUNCTUATION)
		return take_scalar(place, token);
	if (json_token_is(token, '{') || json_token_is(token, '['))
		return is_value(place->expected) && see(place, token) &&
		       open_one(place, json_token_is(token, '{'));
	if (json_token_is(token, '}') || json_token_is(token, ']'))
		return close_one(place, json_token_is(token, '}'));
	if (json_token_is(token, ','))
		return take_comma(place);
	if (place->expected != COLON)
		return false;
	place->expected = VALUE;
	return true;
}

bool json_see_plain_object(const char *bytes, size_t size, json_seen_fn fn, void *userdata)
{
	struct json_scanner scanner;
	struct json_token token;
	struct json_place place;
	int rc;

	place.seen = fn;
	place.userdata = userdata;
	place.expected = VALUE;
	place.depth = 0;
	place.key_count = 0;
	json_scan_init(&scanner, bytes, size);
	rc = json_scan(&scanner, &token);
	if (rc != 1 || !json_token_is(&token, '{'))
		return false;
	for (; rc == 1; rc = json_scan(&scanner, &token))
		if (place.expected == NOTHING || !take(&place, &token))
			return false;
	return rc == 0 && place.expected == NOTHING;
}

unsigned json_place_depth(const struct json_place *place)
{
	return place->depth;
}

const char *json_place_name(const struct json_place *place, unsigned level, size_t *ret_size)
{
	const size_t next =
		level + 1 < place->depth ? place->first_key[level + 1] : place->key_count;

	if (!place->is_object[level])
		return NULL;
	*ret_size = place->keys[next - 1].size - 2;
	return place->keys[next - 1].start + 1;
}
