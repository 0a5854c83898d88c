/* SPDX-License-Identifier: MIT */
/*
 * JSON made strict: json-c behind the scanner of json_scan.h. What comes out is UTF-8, at most
 * JSON_DEPTH_MAX deep, and means the same to whoever reads it next: no key stands twice.
 *
 * json-c's own strictness is left off, because that of 0.18 takes every byte from 0x80 on for a
 * control character. What json-c then lets through is caught here: a comma with nothing after it,
 * and a second value.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "json_scan.h"
#include "wire.h"

/* The line of the byte at `offset`. */
static unsigned line_at(const char *bytes, size_t size, size_t offset)
{
	unsigned line = 1;

	for (size_t i = 0; i < size && i < offset; i++)
		if (bytes[i] == '\n')
			line++;
	return line;
}

static const char unexpected[] = "unexpected character";

static bool is_end(const struct json_token *token)
{
	return token->start[0] == '}' || token->start[0] == ']';
}

/*
 * One pass over the tokens. `ret_keys` = how many keys there are; `ret_depth`: how deep it is, for
 * json-c takes memory for each level beforehand. A NUL in a key is refused, because json-c would cut
 * the key there and read another one.
 */
static int check_tokens(struct json_scanner *scanner, size_t *ret_keys, int *ret_depth)
{
	struct json_token token, before = {0};
	size_t keys = 0;
	int r, depth = 0;

	while ((r = json_scan(scanner, &token)) == 1) {
		depth += token.start[0] == '{' || token.start[0] == '[';
		depth -= is_end(&token);
		if (depth > *ret_depth)
			*ret_depth = depth;
		if (token.start[0] == ':') {
			keys++;
			if (before.has_nul) {
				scanner->error = "a NUL in a key";
				return -EINVAL;
			}
		}
		if (is_end(&token) && before.start && before.start[0] == ',') {
			scanner->error = unexpected;
			return -EINVAL;
		}
		before = token;
	}
	*ret_keys = keys;
	return r;
}

static bool is_blank(const char *bytes, size_t size)
{
	struct json_scanner scanner;
	struct json_token token;

	json_scan_init(&scanner, bytes, size);
	return json_scan(&scanner, &token) == 0;
}

/*
 * The whole text through json-c; scanner->line is the last line on entry, that of the error on
 * return. A number at the very end is complete only once a NUL follows.
 */
static struct json_object *parse_all(struct json_tokener *tokener, const char *bytes, size_t size,
				     struct json_scanner *scanner)
{
	struct json_object *object = json_tokener_parse_ex(tokener, bytes, (int)size);
	enum json_tokener_error result = json_tokener_get_error(tokener);
	size_t end = json_tokener_get_parse_end(tokener);

	if (result == json_tokener_continue) {
		object = json_tokener_parse_ex(tokener, "", 1);
		result = json_tokener_get_error(tokener);
	} else if (result != json_tokener_success) {
		scanner->line = line_at(bytes, size, end);
	} else if (!is_blank(bytes + end, size - end)) {
		scanner->line = line_at(bytes, size, end);
		scanner->error = unexpected;
		json_object_put(object);
		return NULL;
	}
	if (result != json_tokener_success)
		scanner->error = json_tokener_error_desc(result);
	else if (!object)
		scanner->error = "null, expected a value";
	return object;
}

/* NULL: scanner->error says why, or is NULL when memory ran out. */
static struct json_object *parse(const char *bytes, size_t size, struct json_scanner *scanner,
				 size_t *ret_keys)
{
	struct json_tokener *tokener;
	struct json_object *object;
	int depth = 0;

	json_scan_init(scanner, bytes, size);
	if (size > INT_MAX) {
		scanner->error = "over 2 GiB";
		return NULL;
	}
	if (check_tokens(scanner, ret_keys, &depth) != 0)
		return NULL;
	tokener = json_tokener_new_ex(depth + 1 < JSON_DEPTH_MAX ? depth + 1 : JSON_DEPTH_MAX);
	if (!tokener)
		return NULL;
	object = parse_all(tokener, bytes, size, scanner);
	json_tokener_free(tokener);
	return object;
}

struct json_object *json_parse(const char *bytes, size_t size, unsigned *ret_line,
			       const char **ret_error)
{
	struct json_scanner scanner;
	size_t keys;
	struct json_object *object = parse(bytes, size, &scanner, &keys);

	*ret_line = scanner.line;
	*ret_error = scanner.error;
	return object;
}

static size_t count_members(struct json_object *value)
{
	size_t count = 0;

	if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++)
			count += count_members(json_object_array_get_idx(value, i));
	} else if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, member)
		{
			(void)key;
			count += 1 + count_members(member);
		}
	}
	return count;
}

/* json-c keeps the last of two members with one key, so a missing member is a key that stood
 * twice. */
struct json_object *json_read(const char *bytes, size_t size, char *error)
{
	struct json_scanner scanner;
	size_t keys;
	struct json_object *object = parse(bytes, size, &scanner, &keys);

	if (!object) {
		(void)snprintf(error, JSON_ERROR_BYTES, "line %u: %s", scanner.line,
			       scanner.error ? scanner.error : "out of memory");
	} else if (count_members(object) != keys) {
		(void)snprintf(error, JSON_ERROR_BYTES, "an object has the same key twice");
		json_object_put(object);
		object = NULL;
	}
	return object;
}

struct json_object *json_token_string(const struct json_token *token)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object;

	if (!tokener)
		return NULL;
	object = json_tokener_parse_ex(tokener, token->start, (int)token->size);
	json_tokener_free(tokener);
	return object;
}
