/* SPDX-License-Identifier: MIT */
/* Internal: the rows by which errors are classified. See rules.c. */
#ifndef LULL_WORKER_RULES_H
#define LULL_WORKER_RULES_H

#include "wire_error.h"

typedef bool (*rule_fact_fn)(const struct wire_error *error, const char *value);

/* A row holds if all that it names holds. */
struct rule {
	const char *name;     /* for `lull explain-error` */
	const char *provider; /* NULL: any */
	int statuses[4];      /* none: any; a single digit stands for its hundred */
	const char *code;     /* one of the error's codes; may begin or end with '*' */
	const char *says;  /* in the message, any case; "a*b": in that order; "^a": it begins so */
	rule_fact_fn fact; /* anything else */
	const char *value; /* of the fact */
	uint32_t class_id;
	uint32_t scope; /* enum lull_kind, or LULL_UNSET: the class's own */
	uint32_t proof; /* enum lull_proof, or LULL_UNSET: the class's own */
	bool disbelieves_hint;
};

/* The first row that holds; NULL: only the status says anything. */
const struct rule *rule_find(const struct wire_error *error);

/* The finish reason itself if it means that the answer failed, else NULL. NULL is fine. */
const char *rule_failed_finish(const char *finish);

/* Whether a status is that of a row; a single digit stands for its hundred. */
bool rule_status_is(int status, int row);

#endif
