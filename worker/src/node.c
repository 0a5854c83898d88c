/* SPDX-License-Identifier: MIT */
/* Making and reading nodes: see node.h. */
#include "node.h"

#include <string.h>

static const char merge_key[] = "<<";

struct node *node_new(struct tree *tree, enum node_type type, unsigned line)
{
	struct node *node;

	if (tree->node_count == NODE_COUNT_MAX) {
		report_error(tree->report, line, "more than %d values, aliases included",
			     NODE_COUNT_MAX);
		tree->node_count++;
	}
	if (tree->node_count > NODE_COUNT_MAX)
		return NULL;
	node = arena_alloc(&tree->arena, 1, sizeof(*node));
	if (!node) {
		tree->report->out_of_memory = true;
		return NULL;
	}
	tree->node_count++;
	node->type = type;
	node->line = line;
	return node;
}

struct node *node_new_scalar(struct tree *tree, const char *bytes, size_t size, bool plain,
			     unsigned line)
{
	struct node *node = node_new(tree, NODE_SCALAR, line);

	if (!node)
		return NULL;
	if (memchr(bytes, '\0', size)) {
		report_error(tree->report, line, "a text with a NUL in it");
		size = 0;
	}
	node->plain = plain;
	node->text = arena_text(&tree->arena, bytes, size);
	if (!node->text)
		tree->report->out_of_memory = true;
	return node->text ? node : NULL;
}

/* Its depth is that of the tree it copies, at most NODE_DEPTH_MAX. */
struct node *node_copy(struct tree *tree, const struct node *node)
{
	struct node *copy = node_new(tree, node->type, node->line);

	if (!copy)
		return NULL;
	copy->plain = node->plain;
	copy->text = node->text;
	for (const struct node *child = node->first; child; child = child->next) {
		struct node *child_copy = node_copy(tree, child);

		if (!child_copy)
			return NULL;
		child_copy->key = child->key;
		child_copy->key_line = child->key_line;
		node_append(copy, child_copy);
	}
	return copy;
}

void node_append(struct node *list, struct node *child)
{
	if (list->last)
		list->last->next = child;
	else
		list->first = child;
	list->last = child;
	list->count++;
	if (list->height <= child->height)
		list->height = child->height + 1;
}

void node_insert(struct tree *tree, struct node *map, const char *key, unsigned key_line,
		 struct node *child)
{
	const struct node *before = node_member(map, key);

	if (before) {
		report_error(tree->report, key_line, "key '%.64s' stands twice, first on line %u",
			     key, before->key_line);
		return;
	}
	if (map->count == NODE_MEMBERS_MAX) {
		report_error(tree->report, key_line, "more than %d keys in one map",
			     NODE_MEMBERS_MAX);
		map->count++;
	}
	if (map->count > NODE_MEMBERS_MAX)
		return;
	child->key = key;
	child->key_line = key_line;
	node_append(map, child);
}

struct node *node_member(const struct node *map, const char *key)
{
	for (struct node *child = map->first; child; child = child->next)
		if (strcmp(child->key, key) == 0)
			return child;
	return NULL;
}

static struct node *take_out(struct node *map, const char *key)
{
	struct node *before = NULL;

	for (struct node *child = map->first; child; before = child, child = child->next) {
		if (strcmp(child->key, key) != 0)
			continue;
		if (before)
			before->next = child->next;
		else
			map->first = child->next;
		if (map->last == child)
			map->last = before;
		map->count--;
		child->next = NULL;
		return child;
	}
	return NULL;
}

static void merge_one(struct tree *tree, struct node *map, const struct node *from)
{
	if (from->type != NODE_MAP) {
		report_error(tree->report, from->line, "<< merges no map, expected *NAME of one");
		return;
	}
	for (const struct node *member = from->first; member; member = member->next) {
		struct node *copy;

		if (node_member(map, member->key))
			continue;
		copy = node_copy(tree, member);
		if (!copy)
			return;
		node_insert(tree, map, member->key, member->key_line, copy);
	}
}

void node_merge(struct tree *tree, struct node *map)
{
	const struct node *from = take_out(map, merge_key);

	if (!from)
		return;
	if (from->type != NODE_LIST) {
		merge_one(tree, map, from);
		return;
	}
	for (const struct node *item = from->first; item; item = item->next)
		merge_one(tree, map, item);
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

bool node_is_null(const struct node *node)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};

	return node->type == NODE_SCALAR && node->plain && is_one_of(node->text, words);
}

bool text_is_bool(const char *text, bool *ret_value)
{
	static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes",
					  "YES",  "on",   "On",   "ON",  NULL};
	static const char *const no[] = {"false", "False", "FALSE", "no",  "No",
					 "NO",    "off",   "Off",   "OFF", NULL};

	*ret_value = is_one_of(text, yes);
	return *ret_value || is_one_of(text, no);
}
