/* SPDX-License-Identifier: MIT */
/*
 * Between the walk over a configuration's maps (schema_read.c) and the readers of single values:
 * one function a type of the table, for scalars and lists of names in schema_values.c, for what is
 * added to a request in schema_request.c.
 */
#ifndef LULL_WORKER_SCHEMA_READ_H
#define LULL_WORKER_SCHEMA_READ_H

#include "schema.h"

struct inert_seen;

struct reading {
	struct tree *tree;
	const struct settings *settings; /* as far as they are read */
	struct entry *entry;             /* of model_list, while one is read */
	struct inert_seen *seen;         /* keys without effect that were named already */
};

/* One map and where it goes. */
struct place {
	const char *section; /* as in the table */
	const char *shown;   /* as people write it: "litellm_params", "lull.on.timeout"; "" top */
	void *target;        /* the section's struct */
};

/* Between the place and its key, for messages: "." or, at the top, "". */
const char *place_dot(const struct place *place);

/* In the tree's arena. NULL without memory, which is noted. */
void *reading_alloc(struct reading *r, size_t count, size_t size);
const char *reading_text(struct reading *r, const char *text, size_t size);

/* Room for each member of a map, or item of a list. NULL: `node` is no such thing, or no memory;
 * that was noted. */
void *reading_items(struct reading *r, const struct place *place, const struct schema_row *row,
		    const struct node *node, enum node_type type, size_t size);

/*
 * Reads a value of the row's type from `node`, which is no null, to *ret. What is wrong with it is
 * reported, and *ret left as it is.
 */
typedef void (*value_fn)(struct reading *r, const struct place *place, const struct schema_row *row,
			 const struct node *node, void *ret);

#define VALUE_READER(name)                                                                    \
	void name(struct reading *r, const struct place *place, const struct schema_row *row, \
		  const struct node *node, void *ret)
VALUE_READER(read_text);
VALUE_READER(read_table);
VALUE_READER(read_secret);
VALUE_READER(read_url);
VALUE_READER(read_proxy);
VALUE_READER(read_duration);
VALUE_READER(read_count);
VALUE_READER(read_switch);
VALUE_READER(read_choice);
VALUE_READER(read_names);
VALUE_READER(read_fallbacks);
VALUE_READER(read_variables);
VALUE_READER(read_aliases);
VALUE_READER(read_headers);
VALUE_READER(read_body);
VALUE_READER(read_member);
#undef VALUE_READER

/* The scalar's text, with "os.environ/NAME" replaced. NULL: none, which was noted. */
const char *read_scalar(struct reading *r, const struct place *place, const struct schema_row *row,
			const struct node *node);

/*
 * Why no call can use the entry that is read: one sentence, to which its place is added; the first
 * one stays. The file is used all the same, since LiteLLM's form allows it.
 */
void entry_problem(struct reading *r, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* "lull.budget is 'soon', expected ..." */
void report_mistyped(struct reading *r, const struct place *place, const struct schema_row *row,
		     const struct node *node);

#endif
