/* SPDX-License-Identifier: MIT */
/* Reading what a route adds to its requests: headers, and members of the body. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json_build.h"
#include "json_scan.h"
#include "schema_read.h"
#include "text.h"

/* ---- headers */

/* RFC 9110's token */
static bool is_header_name(const char *name)
{
	if (!*name)
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("!#$%&'*+-.^_`|~", *name))
			return false;
	return true;
}

/* What the request's own writer decides; a second one would be ambiguous. */
static bool is_own_header(const char *name)
{
	static const char *const own[] = {"Authorization",  "Content-Type",      "Content-Length",
					  "Host",           "Transfer-Encoding", "Connection",
					  "Accept-Encoding"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcasecmp(name, own[i]) == 0)
			return true;
	return false;
}

void read_headers(struct reading *r, const struct place *place, const struct schema_row *row,
		  const struct node *node, void *ret)
{
	struct entry *entry = ret;

	entry->headers = reading_items(r, place, row, node, NODE_MAP, sizeof(*entry->headers));
	if (!entry->headers)
		return;
	for (const struct node *member = node->first; member; member = member->next) {
		const char *value = read_scalar(r, place, row, member);

		if (!value)
			continue;
		if (!is_header_name(member->key))
			entry_problem(r, member->key_line, "'%.64s' is no header name",
				      member->key);
		else if (is_own_header(member->key))
			entry_problem(r, member->key_line,
				      "header %s is set by Lull itself, expected another one",
				      member->key);
		else if (text_has_control(value))
			entry_problem(r, member->line,
				      "header %.64s has control characters in its value",
				      member->key);
		else
			entry->headers[entry->header_count++] = (struct header){member->key, value};
	}
}

/* ---- body */

/* What a scalar means in JSON: where it is plain, or comes from the environment, null, a truth
 * value, a number, else text. */
static struct json_object *text_to_json(const char *text, bool plain)
{
	struct json_object *number = NULL;
	const char *error;
	unsigned line;
	bool value;

	if (!plain)
		return json_object_new_string(text);
	if (text_is_bool(text, &value))
		return json_object_new_boolean(value);
	if (text[0] == '-' || isdigit((unsigned char)text[0]))
		number = json_parse(text, strlen(text), &line, &error);
	return number ? number : json_object_new_string(text);
}

/* False: no memory. A null is a NULL object; so is a variable that is not set, which was noted. */
static bool node_to_json(struct reading *r, const struct place *place, const struct schema_row *row,
			 const struct node *node, struct json_object **ret)
{
	bool is_list = node->type == NODE_LIST;
	struct json_object *object;

	*ret = NULL;
	if (node->type == NODE_SCALAR) {
		const char *text = node_is_null(node) ? NULL : read_scalar(r, place, row, node);

		if (text)
			*ret = text_to_json(text, node->plain || text != node->text);
		return *ret || !text;
	}
	object = is_list ? json_object_new_array() : json_object_new_object();
	if (!object)
		return false;
	for (const struct node *child = node->first; child; child = child->next) {
		struct json_object *value;

		if (!node_to_json(r, place, row, child, &value) ||
		    (is_list ? json_object_array_add(object, value)
			     : json_object_object_add(object, child->key, value)) != 0) {
			json_object_put(object);
			return false;
		}
	}
	*ret = object;
	return true;
}

/* In the arena. NULL: no memory, which was noted. */
static const char *node_text(struct reading *r, const struct place *place,
			     const struct schema_row *row, const struct node *node)
{
	struct json_object *object;
	const char *text = NULL;

	if (node_to_json(r, place, row, node, &object)) {
		text = json_line(object, NULL);
		text = text ? reading_text(r, text, strlen(text)) : NULL;
		json_object_put(object);
	}
	if (!text)
		r->tree->report->out_of_memory = true;
	return text;
}

/* What the route and the caller decide cannot be set once more. */
static void check_body(struct reading *r, const struct node *map)
{
	static const char *const own[] = {"model", "stream"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		const struct node *member = node_member(map, own[i]);

		if (member)
			entry_problem(r, member->key_line,
				      "'%s' in extra_body is set by Lull itself, expected another "
				      "one",
				      own[i]);
	}
}

void read_body(struct reading *r, const struct place *place, const struct schema_row *row,
	       const struct node *node, void *ret)
{
	if (node->type != NODE_MAP) {
		report_mistyped(r, place, row, node);
		return;
	}
	check_body(r, node);
	*(const char **)ret = node_text(r, place, row, node);
}

void read_member(struct reading *r, const struct place *place, const struct schema_row *row,
		 const struct node *node, void *ret)
{
	const char *value = node_text(r, place, row, node), **members = ret;
	char *text;

	if (!value)
		return;
	text = text_format("%s%s\"%s\":%s", *members ? *members : "", *members ? "," : "", row->key,
			   value);
	if (text)
		*members = reading_text(r, text, strlen(text));
	else
		r->tree->report->out_of_memory = true;
	free(text);
}
