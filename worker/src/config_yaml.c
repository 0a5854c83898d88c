/* SPDX-License-Identifier: MIT */
/*
 * YAML to nodes: libyaml's events, nothing of its document or schema layer. Anchors, aliases and
 * merge keys are understood, since LiteLLM's files share parameters by them; an alias is a copy of
 * what its anchor marked, so that a small file cannot grow without bound. What a scalar means is
 * the schema's business.
 */
#include <string.h>
#include <yaml.h>

#include "node.h"

struct anchor {
	struct anchor *next;
	const char *name;
	const struct node *node;
};

struct yaml_reader {
	yaml_parser_t parser;
	struct tree *tree;
	struct anchor *anchors; /* the latest first */
	size_t anchor_count;
	const char *bytes;
	size_t size;
};

static struct node *read_value(struct yaml_reader *reader, const yaml_event_t *event,
			       unsigned depth);

static unsigned line_of(yaml_mark_t mark)
{
	return (unsigned)mark.line + 1;
}

/* ---- events */

/* The reader below the scanner knows the byte that it could not read, not its line. */
static unsigned line_of_byte(const struct yaml_reader *reader, size_t offset)
{
	unsigned line = 1;

	for (size_t i = 0; i < reader->size && i < offset; i++)
		if (reader->bytes[i] == '\n')
			line++;
	return line;
}

static void report_syntax(struct yaml_reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	struct report *report = reader->tree->report;
	const char *problem = parser->problem ? parser->problem : "not readable";

	if (parser->error == YAML_MEMORY_ERROR)
		report->out_of_memory = true;
	else if (parser->error == YAML_READER_ERROR)
		report_error(report, line_of_byte(reader, parser->problem_offset),
			     "no YAML: %s, expected UTF-8 text", problem);
	else if (parser->context)
		report_error(report, line_of(parser->problem_mark),
			     "no YAML: %s %s that begins on line %u", problem, parser->context,
			     line_of(parser->context_mark));
	else
		report_error(report, line_of(parser->problem_mark), "no YAML: %s", problem);
}

/* The caller deletes the event. */
static bool next_event(struct yaml_reader *reader, yaml_event_t *ret_event)
{
	if (yaml_parser_parse(&reader->parser, ret_event))
		return true;
	report_syntax(reader);
	return false;
}

/* ---- anchors */

static void remember(struct yaml_reader *reader, const yaml_char_t *name, const struct node *node)
{
	struct tree *tree = reader->tree;
	struct anchor *anchor;

	if (!name)
		return;
	if (reader->anchor_count == NODE_ANCHORS_MAX) {
		report_error(tree->report, node->line, "more than %d anchors", NODE_ANCHORS_MAX);
		return;
	}
	anchor = arena_alloc(&tree->arena, 1, sizeof(*anchor));
	if (anchor)
		anchor->name =
			arena_text(&tree->arena, (const char *)name, strlen((const char *)name));
	if (!anchor || !anchor->name) {
		tree->report->out_of_memory = true;
		return;
	}
	anchor->node = node;
	anchor->next = reader->anchors;
	reader->anchors = anchor;
	reader->anchor_count++;
}

/* An anchor is known once its node is complete, so nothing can hold itself. */
static struct node *read_alias(struct yaml_reader *reader, const yaml_event_t *event,
			       unsigned depth)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct report *report = reader->tree->report;
	unsigned line = line_of(event->start_mark);

	for (const struct anchor *anchor = reader->anchors; anchor; anchor = anchor->next) {
		if (strcmp(anchor->name, name) != 0)
			continue;
		if (depth + anchor->node->height > NODE_DEPTH_MAX) {
			report_error(report, line, "nested deeper than %d levels", NODE_DEPTH_MAX);
			return NULL;
		}
		return node_copy(reader->tree, anchor->node);
	}
	report_error(report, line, "*%.64s names no anchor that stands before it", name);
	return NULL;
}

/* ---- values */

/* Only YAML's own types: "!!python/object" and "!secret" ask for what is not done here. */
static void check_tag(struct yaml_reader *reader, const yaml_char_t *tag, unsigned line)
{
	static const char own[] = "tag:yaml.org,2002:";
	static const char *const types[] = {"str",  "int", "float", "bool",
					    "null", "map", "seq",   NULL};
	const char *name = (const char *)tag;

	if (!tag || strcmp(name, "!") == 0)
		return;
	if (strncmp(name, own, sizeof(own) - 1) == 0)
		for (const char *const *type = types; *type; type++)
			if (strcmp(name + sizeof(own) - 1, *type) == 0)
				return;
	report_error(reader->tree->report, line, "tag '%.64s' is not understood, expected none",
		     name);
}

static struct node *read_scalar(struct yaml_reader *reader, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	bool plain = event->data.scalar.plain_implicit;
	struct node *node;

	check_tag(reader, event->data.scalar.tag, line_of(event->start_mark));
	node = node_new_scalar(reader->tree, text, event->data.scalar.length, plain,
			       line_of(event->start_mark));
	if (node)
		remember(reader, event->data.scalar.anchor, node);
	return node;
}

/* Reads children up to the list's end. False: reading cannot go on. */
static bool read_items(struct yaml_reader *reader, struct node *list, unsigned depth)
{
	for (;;) {
		struct node *child = NULL;
		yaml_event_t event;
		bool ended;

		if (!next_event(reader, &event))
			return false;
		ended = event.type == YAML_SEQUENCE_END_EVENT;
		if (!ended)
			child = read_value(reader, &event, depth);
		yaml_event_delete(&event);
		if (ended)
			return true;
		if (!child)
			return false;
		node_append(list, child);
	}
}

/* A key: its text, in the arena. NULL: reading cannot go on. */
static const char *read_key(struct yaml_reader *reader, const yaml_event_t *event, bool *ret_merge)
{
	struct node *key;

	if (event->type != YAML_SCALAR_EVENT) {
		report_error(reader->tree->report, line_of(event->start_mark),
			     "a key that is no text");
		return NULL;
	}
	key = read_scalar(reader, event);
	if (!key)
		return NULL;
	if (key->plain && strcmp(key->text, "<<") == 0)
		*ret_merge = true;
	return key->text;
}

static bool read_members(struct yaml_reader *reader, struct node *map, unsigned depth)
{
	bool merge = false;

	for (;;) {
		struct node *child;
		const char *key = NULL;
		yaml_event_t event;
		unsigned key_line;
		bool ended;

		if (!next_event(reader, &event))
			return false;
		key_line = line_of(event.start_mark);
		ended = event.type == YAML_MAPPING_END_EVENT;
		if (!ended)
			key = read_key(reader, &event, &merge);
		yaml_event_delete(&event);
		if (ended)
			break;
		if (!key || !next_event(reader, &event))
			return false;
		child = read_value(reader, &event, depth);
		yaml_event_delete(&event);
		if (!child)
			return false;
		node_insert(reader->tree, map, key, key_line, child);
	}
	if (merge)
		node_merge(reader->tree, map);
	return true;
}

static struct node *read_collection(struct yaml_reader *reader, const yaml_event_t *event,
				    unsigned depth)
{
	bool is_map = event->type == YAML_MAPPING_START_EVENT;
	const yaml_char_t *anchor =
		is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
	unsigned line = line_of(event->start_mark);
	struct node *node;

	if (depth == NODE_DEPTH_MAX) {
		report_error(reader->tree->report, line, "nested deeper than %d levels",
			     NODE_DEPTH_MAX);
		return NULL;
	}
	check_tag(reader, is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag,
		  line);
	node = node_new(reader->tree, is_map ? NODE_MAP : NODE_LIST, line);
	if (!node)
		return NULL;
	if (is_map ? !read_members(reader, node, depth + 1) : !read_items(reader, node, depth + 1))
		return NULL;
	remember(reader, anchor, node);
	return node;
}

static struct node *read_value(struct yaml_reader *reader, const yaml_event_t *event,
			       unsigned depth)
{
	if (event->type == YAML_ALIAS_EVENT)
		return read_alias(reader, event, depth);
	if (event->type == YAML_SCALAR_EVENT)
		return read_scalar(reader, event);
	return read_collection(reader, event, depth);
}

/*
 * STREAM-START, then DOCUMENT-START, a value and DOCUMENT-END, then STREAM-END. A file without a
 * document is an empty configuration; a second document would be read by nobody.
 */
static struct node *read_document(struct yaml_reader *reader)
{
	struct node *root = NULL;

	for (;;) {
		yaml_event_t event;
		bool ended = false;

		if (!next_event(reader, &event))
			return NULL;
		switch (event.type) {
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		case YAML_STREAM_END_EVENT:
			ended = true;
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (!root)
				break;
			report_error(reader->tree->report, line_of(event.start_mark),
				     "a second document, expected one");
			ended = true;
			break;
		default:
			root = read_value(reader, &event, 0);
			ended = !root;
		}
		yaml_event_delete(&event);
		if (ended)
			return root;
	}
}

struct node *yaml_read_tree(struct tree *tree, const char *bytes, size_t size)
{
	struct yaml_reader reader = {.tree = tree, .bytes = bytes, .size = size};
	struct node *root;

	if (!yaml_parser_initialize(&reader.parser)) {
		tree->report->out_of_memory = true;
		return NULL;
	}
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)bytes, size);
	root = read_document(&reader);
	yaml_parser_delete(&reader.parser);
	return root;
}
