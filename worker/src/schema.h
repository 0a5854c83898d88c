/* SPDX-License-Identifier: MIT */
/*
 * Every key of the configuration, one row each, for YAML and JSON alike. The table makes the
 * reading, the messages about types, ranges and unknown keys, and the reference in the manual.
 */
#ifndef LULL_WORKER_SCHEMA_H
#define LULL_WORKER_SCHEMA_H

#include "settings.h"

enum schema_type {
	SCHEMA_SECTION = 1, /* a map with rows of its own */
	SCHEMA_ENTRIES,     /* model_list */
	SCHEMA_KEYS,        /* struct gateway_settings' keys */
	SCHEMA_TEXT,        /* const char * */
	SCHEMA_TABLE,       /* struct settings' table and its line */
	SCHEMA_SECRET,      /* const char *: never quoted, resolved later */
	SCHEMA_URL,         /* const char *: never quoted, may hold a secret by mistake */
	SCHEMA_PROXY,       /* const char *: never quoted, may hold a password; "" = none */
	SCHEMA_DURATION,    /* uint32_t milliseconds */
	SCHEMA_COUNT,       /* uint32_t */
	SCHEMA_SWITCH,      /* uint32_t 0, 1 */
	SCHEMA_CHOICE,      /* uint32_t: `min` + the place among the choices */
	SCHEMA_NAMES,       /* struct name_list */
	SCHEMA_FALLBACKS,   /* struct fallback_list */
	SCHEMA_VARIABLES,   /* struct pair_list: never quoted */
	SCHEMA_ALIASES,     /* struct pair_list */
	SCHEMA_HEADERS,     /* struct entry's headers */
	SCHEMA_BODY,        /* const char *: a map as JSON */
	SCHEMA_MEMBER,      /* const char *: members of an object as JSON, the row's added */
	SCHEMA_RULES,       /* `on`: class names, each with a word or a section of rules */
	SCHEMA_TYPE_COUNT
};

struct schema_row {
	const char *section; /* "lull"; "" = top level; "model_list[]" = each of its items */
	const char *key;
	enum schema_type type;
	size_t offset;       /* of the value in the section's struct */
	uint32_t min, max;   /* ms, count, bytes of text */
	const char *choices; /* "wait|fail|try" */
	const char *initial; /* the default, for people; "" none */
	const char *text;    /* what it is for, for people */
};

const struct schema_row *schema_at(size_t index); /* NULL past the end */

/* Keys that LiteLLM knows and that mean nothing here: space-separated, by section. */
struct schema_inert {
	const char *section;
	const char *keys; /* "*": the section is free-form, anything may stand in it */
};
const struct schema_inert *schema_inert(const char *section); /* NULL: none in that section */

/* "expected ..." of a row: its type with unit and range. @ret: SCHEMA_EXPECTED_BYTES */
#define SCHEMA_EXPECTED_BYTES 160
void schema_expected(const struct schema_row *row, char *ret);

/* Reads the whole tree into *settings. What is wrong goes to tree->report. */
void schema_read(struct tree *tree, const struct node *root, struct settings *settings);

#endif
