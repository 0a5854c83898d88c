/* SPDX-License-Identifier: MIT */
/*
 * The tokens of a JSON text, with their lines. json-c knows the grammar but no lines, and lets
 * through what RFC 8259 forbids (NaN, control characters, broken UTF-8, "1."). So every text is
 * read twice: the scanner is strict about each token and says where it stands, json-c about how
 * they go together. A text is JSON when both agree.
 */
#ifndef LULL_WORKER_JSON_SCAN_H
#define LULL_WORKER_JSON_SCAN_H

#include <json.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define JSON_DEPTH_MAX   128 /* arrays and objects inside each other; tool schemas need some 30 */
#define JSON_ERROR_BYTES 128

enum json_token_type {
	JSON_TOKEN_PUNCTUATION = 1, /* one of {}[]:, which is start[0] */
	JSON_TOKEN_STRING,          /* with its quotes, escapes as written */
	JSON_TOKEN_NUMBER,
	JSON_TOKEN_WORD /* true, false, null */
};

struct json_token {
	enum json_token_type type;
	const char *start; /* points into the text */
	size_t size;
	unsigned line; /* 1 is the first */
	bool has_nul;  /* STRING: it has the escape of a NUL */
};

/* It is that punctuation. */
static inline bool json_token_is(const struct json_token *token, char mark)
{
	return token->type == JSON_TOKEN_PUNCTUATION && *token->start == mark;
}

struct json_scanner {
	const char *at;
	const char *end;
	unsigned line;
	const char *error; /* after -EINVAL: what is wrong at `line`; static */
};

void json_scan_init(struct json_scanner *scanner, const char *bytes, size_t size);

/* Return: 1 *ret_token is the next token; 0 the text has ended; -EINVAL see scanner->error. */
int json_scan(struct json_scanner *scanner, struct json_token *ret_token);

/* Reads on to the end of the value that *token begins; *token is its last one then. Return: as
 * json_scan(). */
int json_scan_rest(struct json_scanner *scanner, struct json_token *token);

/*
 * As json_read() (wire.h), but says the line, and lets a key stand twice in one object.
 * @ret_error: what is wrong at *ret_line, static; NULL when memory ran out
 */
struct json_object *json_parse(const char *bytes, size_t size, unsigned *ret_line,
			       const char **ret_error);

/* Where a value stands: how many objects and arrays it is in, and at what name in each. */
struct json_place;
unsigned json_place_depth(const struct json_place *place);
/* Level 0 is the outermost. NULL: that is an array; else its name there, as written. */
const char *json_place_name(const struct json_place *place, unsigned level, size_t *ret_size);

/* Most names differ in their first letter. */
static inline bool json_name_is(const char *bytes, size_t size, const char *name)
{
	return *bytes == *name && strncmp(bytes, name, size) == 0 && name[size] == '\0';
}

static inline bool json_place_is(const struct json_place *place, unsigned level, const char *name)
{
	size_t size;
	const char *bytes = json_place_name(place, level, &size);

	return bytes && json_name_is(bytes, size, name);
}

/* A value, or the bracket that opens it. False ends it. */
typedef bool (*json_seen_fn)(const struct json_place *place, const struct json_token *value,
			     void *userdata);
/* It is an object that json_read() would read. fn: is told of each value on the way; NULL: nobody
 * is. False: it is not known, or fn said so. */
bool json_see_plain_object(const char *bytes, size_t size, json_seen_fn fn, void *userdata);

/* How long the value is that begins there. 0: it is none. */
size_t json_value_size(const char *value, const char *end);

/* The text of a STRING token, as json-c unescapes it. NULL without memory. Caller puts. */
struct json_object *json_token_string(const struct json_token *token);

#endif
