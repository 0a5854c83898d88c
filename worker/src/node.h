/* SPDX-License-Identifier: MIT */
/*
 * A configuration as a tree of nodes with line numbers, the same from YAML and JSON. The readers
 * (config_yaml.c, config_json.c) make it, the schema (schema.c) reads it.
 *
 * A file is a stranger's: depth, number of values and size are bounded, aliases count by what they
 * copy, and no key may stand twice in a map.
 */
#ifndef LULL_WORKER_NODE_H
#define LULL_WORKER_NODE_H

#include "arena.h"
#include "report.h"

#define NODE_DEPTH_MAX   64         /* ours needs 7; the rest is for extra_body */
#define NODE_COUNT_MAX   100000     /* arbitrary: some 5,000 models */
#define NODE_MEMBERS_MAX 1000       /* of one map: finding one of them is a linear search */
#define NODE_ANCHORS_MAX 1000       /* likewise */
#define NODE_BYTES_MAX   (1u << 20) /* of the file */

enum node_type { NODE_SCALAR = 1, NODE_LIST, NODE_MAP };

struct node {
	enum node_type type;
	bool plain;       /* scalar without quotes: may be meant as number, truth value or null */
	unsigned line;    /* 1 is the first */
	const char *text; /* scalar; never NULL there */
	const char *key;  /* member of a map; NULL elsewhere */
	unsigned key_line;
	struct node *first, *last; /* list, map: the children */
	struct node *next;
	size_t count;    /* children */
	unsigned height; /* levels below this one */
};

struct tree {
	struct arena arena;
	struct report *report; /* borrowed */
	size_t node_count;
};

/* NULL: no memory or too many nodes, which was reported. */
struct node *node_new(struct tree *tree, enum node_type type, unsigned line);
/* A scalar with a copy of the text. NUL bytes inside are an error. */
struct node *node_new_scalar(struct tree *tree, const char *bytes, size_t size, bool plain,
			     unsigned line);
/* The node with all below it, but no key. NULL as above. */
struct node *node_copy(struct tree *tree, const struct node *node);

void node_append(struct node *list, struct node *child);
/* A key that the map has already is an error, and the child is left out. */
void node_insert(struct tree *tree, struct node *map, const char *key, unsigned key_line,
		 struct node *child);
/* NULL: the map has no such key */
struct node *node_member(const struct node *map, const char *key);
/* YAML's "<<": its maps' members join `map`, unless it has them itself. */
void node_merge(struct tree *tree, struct node *map);

bool node_is_null(const struct node *node); /* ~, null, or nothing at all */
/* YAML 1.1's words, as LiteLLM's reader takes them. Return: true and *ret_value; false no such. */
bool text_is_bool(const char *text, bool *ret_value);

/*
 * The readers. NULL: errors were reported, or an empty file (report->errors is 0 then). The text
 * is at most NODE_BYTES_MAX.
 */
struct node *yaml_read_tree(struct tree *tree, const char *bytes, size_t size);
struct node *json_read_tree(struct tree *tree, const char *bytes, size_t size);

#endif
