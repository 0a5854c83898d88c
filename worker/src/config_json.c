/* SPDX-License-Identifier: MIT */
/*
 * JSON to nodes. json-c proves that the text is JSON; then the tokens are walked once more, because
 * json-c keeps neither lines nor the second of two equal keys. What is walked is known to be well
 * formed, so nothing here checks grammar.
 */
#include <string.h>

#include "json_scan.h"
#include "node.h"

struct json_reader {
	struct json_scanner scanner;
	struct json_token token; /* the current one */
	struct tree *tree;
};

static struct node *read_value(struct json_reader *reader, unsigned depth);

static void advance(struct json_reader *reader)
{
	(void)json_scan(&reader->scanner, &reader->token);
}

static bool at(const struct json_reader *reader, char punctuation)
{
	return reader->token.start[0] == punctuation;
}

/* The current string or other scalar as a node. */
static struct node *read_scalar(struct json_reader *reader)
{
	const struct json_token *token = &reader->token;
	struct json_object *string;
	struct node *node;

	if (token->type != JSON_TOKEN_STRING)
		return node_new_scalar(reader->tree, token->start, token->size, true, token->line);
	string = json_token_string(token);
	if (!string) {
		reader->tree->report->out_of_memory = true;
		return NULL;
	}
	node = node_new_scalar(reader->tree, json_object_get_string(string),
			       (size_t)json_object_get_string_len(string), false, token->line);
	json_object_put(string);
	return node;
}

/* The current token is behind the opening bracket; afterwards it is the closing one. */
static bool read_items(struct json_reader *reader, struct node *list, unsigned depth)
{
	while (!at(reader, ']')) {
		struct node *child = read_value(reader, depth);

		if (!child)
			return false;
		node_append(list, child);
		advance(reader);
		if (at(reader, ','))
			advance(reader);
	}
	return true;
}

static bool read_members(struct json_reader *reader, struct node *map, unsigned depth)
{
	while (!at(reader, '}')) {
		struct node *key = read_scalar(reader), *child;

		if (!key)
			return false;
		advance(reader); /* the colon */
		advance(reader);
		child = read_value(reader, depth);
		if (!child)
			return false;
		node_insert(reader->tree, map, key->text, key->line, child);
		advance(reader);
		if (at(reader, ','))
			advance(reader);
	}
	return true;
}

/* Afterwards the current token is the value's last. */
static struct node *read_value(struct json_reader *reader, unsigned depth)
{
	unsigned line = reader->token.line;
	bool is_map = at(reader, '{');
	struct node *node;

	if (!is_map && !at(reader, '['))
		return read_scalar(reader);
	if (depth == NODE_DEPTH_MAX) {
		report_error(reader->tree->report, line, "nested deeper than %d levels",
			     NODE_DEPTH_MAX);
		return NULL;
	}
	node = node_new(reader->tree, is_map ? NODE_MAP : NODE_LIST, line);
	if (!node)
		return NULL;
	advance(reader);
	if (is_map ? !read_members(reader, node, depth + 1) : !read_items(reader, node, depth + 1))
		return NULL;
	return node;
}

struct node *json_read_tree(struct tree *tree, const char *bytes, size_t size)
{
	struct json_reader reader = {.tree = tree};
	const char *error = NULL;
	struct json_object *parsed;
	unsigned line;

	parsed = json_parse(bytes, size, &line, &error);
	if (!parsed) {
		if (error)
			report_error(tree->report, line, "no JSON: %s", error);
		else
			tree->report->out_of_memory = true;
		return NULL;
	}
	json_object_put(parsed);
	json_scan_init(&reader.scanner, bytes, size);
	advance(&reader);
	return read_value(&reader, 0);
}
