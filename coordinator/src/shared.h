/* SPDX-License-Identifier: MIT */
/* How the verbs come to the table, and what they say when it is not to be had. */
#ifndef LULL_COORDINATOR_SHARED_H
#define LULL_COORDINATOR_SHARED_H

#include <lull/table.h>

#include "verb.h"

/* The options of liblull that the command line asks for. */
struct lull_table_options shared_options(const struct invocation *invocation, uint32_t flags);

/* Opens the table. 0; an exit status after saying on stderr why not (a bad name, no memory). */
int shared_open_silently(const struct invocation *invocation, uint32_t flags,
			 struct lull_table **ret_table);

/*
 * The same, for reading; a problem is told as often as people want to hear it (-v: always, -q:
 * never, else once an hour), and the handle works all the same.
 * @every_time: for verbs that show the table itself, an empty one must not look like good news
 *
 * Return: 0; an exit status after saying on stderr why not.
 */
int shared_open(const struct invocation *invocation, bool every_time,
		struct lull_table **ret_table);

/* The same for a call, which writes what it meets; the segment is made if need be. */
int shared_open_to_call(const struct invocation *invocation, struct lull_table **ret_table);

/*
 * For verbs that change the table: a change of process-local memory would be lost at exit, so where
 * the table is not to be had they say so and fail.
 * @flags: 0 makes a missing segment; LULL_TABLE_NO_CREATE gives an empty table instead
 *
 * Return: 0; an exit status after saying on stderr why not.
 */
int shared_open_to_change(const struct invocation *invocation, uint32_t flags,
			  struct lull_table **ret_table);

/* The facts of the table as it is, without a word about problems. False: it is not there. */
bool shared_peek(const struct invocation *invocation, struct lull_table_info *ret_info);

/* lull_table_info() with its abi_version filled. */
struct lull_table_info shared_info(const struct lull_table *table);

/* What an operator's change of a key came to: 0, or an exit status after saying why it failed. */
int shared_explain_change(uint32_t kind, const char *key, int error);

/* Parses what a person typed as NAME or KEY. 0; EXIT_USAGE after saying what is wrong with it. */
int shared_parse_key(const struct invocation *invocation, const char *text, uint32_t *ret_kind,
		     const char **ret_key);

#endif
