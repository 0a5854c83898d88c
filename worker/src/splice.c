/* SPDX-License-Identifier: MIT */
/*
 * Splicing: see splice.h. An object is seen as segments, divided by its commas: each holds one
 * member and the blanks around it. Whole runs of segments are copied; only those of named members
 * are looked into.
 */
#include "splice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json_scan.h"

/* ---- finding */

/* "mod\u0065l" is model, too */
static int key_is(const struct json_token *key, bool is_escaped, const char *name)
{
	struct json_object *text;
	int is;

	if (!is_escaped)
		return json_name_is(key->start + 1, key->size - 2, name);
	text = json_token_string(key);
	if (!text)
		return -ENOMEM;
	is = strcmp(json_object_get_string(text), name) == 0;
	json_object_put(text);
	return is;
}

static int note(struct splice *members, size_t count, const struct json_token *key,
		const struct splice *found)
{
	const bool is_escaped = memchr(key->start, '\\', key->size) != NULL;

	for (size_t i = 0; i < count; i++) {
		struct splice *member = &members[i];
		int is = key_is(key, is_escaped, member->name);

		if (is < 0)
			return is;
		if (!is || member->count++ > 0)
			continue;
		member->segment = found->segment;
		member->segment_end = found->segment_end;
		member->key = key->start;
		member->key_end = key->start + key->size;
		member->value = found->value;
		member->value_end = found->value_end;
	}
	return 0;
}

static bool is_mark(const struct json_token *token, const char *marks)
{
	return token->type == JSON_TOKEN_PUNCTUATION && strchr(marks, *token->start);
}

/* "key" : value, from *token on, which is the comma or brace behind it afterwards */
static int read_segment(struct json_scanner *scanner, struct json_token *token,
			struct splice *found, struct json_token *ret_key)
{
	*ret_key = *token;
	if (token->type != JSON_TOKEN_STRING || json_scan(scanner, token) != 1 ||
	    !is_mark(token, ":") || json_scan(scanner, token) != 1 || is_mark(token, "}],:"))
		return -EINVAL;
	found->value = token->start;
	if (json_scan_rest(scanner, token) != 1)
		return -EINVAL;
	found->value_end = token->start + token->size;
	if (json_scan(scanner, token) != 1 || !is_mark(token, ",}"))
		return -EINVAL;
	found->segment_end = token->start;
	return 0;
}

/* Behind a brace or comma: the next token. An object ends after its brace, not after a comma. */
static int begin_segment(struct json_scanner *scanner, struct json_token *token,
			 struct splice *found)
{
	bool after_comma = is_mark(token, ",");

	found->segment = token->start + 1;
	if (json_scan(scanner, token) != 1 || (after_comma && is_mark(token, "}")))
		return -EINVAL;
	return 0;
}

int splice_find(const char *object, size_t size, struct splice *members, size_t count)
{
	struct json_scanner scanner;
	struct json_token token, key;
	struct splice found;
	int rc;

	json_scan_init(&scanner, object, size);
	if (json_scan(&scanner, &token) != 1 || !is_mark(&token, "{"))
		return -EINVAL;
	rc = begin_segment(&scanner, &token, &found);
	while (rc == 0 && !is_mark(&token, "}")) {
		rc = read_segment(&scanner, &token, &found, &key);
		if (rc == 0)
			rc = note(members, count, &key, &found);
		if (rc == 0 && is_mark(&token, ","))
			rc = begin_segment(&scanner, &token, &found);
	}
	return rc == 0 && json_scan(&scanner, &token) != 0 ? -EINVAL : rc;
}

bool splice_is(const struct splice *member, const char *value)
{
	size_t size = strlen(value);

	return member->count > 0 && (size_t)(member->value_end - member->value) == size &&
	       memcmp(member->value, value, size) == 0;
}

/* ---- writing */

struct writer {
	struct buffer *out;
	bool has_member; /* the next one needs a comma */
	int rc;
};

static void put(struct writer *writer, const char *from, const char *to)
{
	if (writer->rc == 0)
		writer->rc = buffer_add(writer->out, from, (size_t)(to - from));
}

static void put_text(struct writer *writer, const char *text)
{
	put(writer, text, text + strlen(text));
}

static void put_comma(struct writer *writer)
{
	if (writer->has_member)
		put_text(writer, ",");
	writer->has_member = true;
}

static void put_new(struct writer *writer, const struct splice *member)
{
	struct json_object *name;
	const char *text;

	if (member->count > 0 || member->action != SPLICE_SET)
		return;
	name = json_object_new_string(member->name);
	text = name ? json_object_to_json_string_ext(name, JSON_C_TO_STRING_PLAIN) : NULL;
	writer->rc = text ? writer->rc : -ENOMEM;
	put_comma(writer);
	put_text(writer, text ? text : "");
	put_text(writer, ":");
	put_text(writer, member->text);
	json_object_put(name);
}

static void put_changed(struct writer *writer, const struct splice *member)
{
	bool renames = member->action == SPLICE_RENAME;

	if (member->action == SPLICE_REMOVE)
		return;
	put_comma(writer);
	put(writer, member->segment, renames ? member->key : member->value);
	put_text(writer, member->text);
	put(writer, renames ? member->key_end : member->value_end, member->segment_end);
}

/* untouched segments with the commas between them */
static void put_run(struct writer *writer, const char *from, const char *to)
{
	if (from >= to)
		return;
	put_comma(writer);
	put(writer, from, to);
}

/* as they stand; those that are not there come last */
static int by_place(const void *a, const void *b)
{
	const struct splice *left = a, *right = b;

	if (!left->count || !right->count)
		return (right->count > 0) - (left->count > 0);
	return (left->segment > right->segment) - (left->segment < right->segment);
}

static bool is_blank(const char *from, const char *to)
{
	while (from < to && strchr(" \t\r\n", *from))
		from++;
	return from == to;
}

int splice_write(const char *object, size_t size, struct splice *members, size_t count,
		 struct buffer *out)
{
	const char *open = memchr(object, '{', size);
	const char *close = memrchr(object, '}', size);
	const char *at = open + 1;
	struct writer writer = {.out = out};

	qsort(members, count, sizeof(*members), by_place);
	put(&writer, object, at);
	for (size_t i = 0; i < count; i++)
		put_new(&writer, &members[i]);
	for (size_t i = 0; i < count && members[i].count > 0; i++) {
		if (members[i].action == SPLICE_KEEP)
			continue;
		put_run(&writer, at, members[i].segment - 1);
		put_changed(&writer, &members[i]);
		at = members[i].segment_end + 1;
	}
	if (is_blank(open + 1, close))
		put(&writer, at, close);
	else
		put_run(&writer, at, close);
	put(&writer, close, object + size);
	return writer.rc;
}
