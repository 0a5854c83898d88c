/* SPDX-License-Identifier: MIT */
/* Internal: what adapters and the transport's classifier share with classify.c. */
#ifndef LULL_WORKER_CLASSIFY_H
#define LULL_WORKER_CLASSIFY_H

#include "wire.h"

/* Fills *ret: scope and proof are the class's own, nothing was hinted. rule: static; detail: text
 * of ours, NULL none. */
void verdict_set(struct verdict *ret, uint32_t class_id, const char *rule, const char *detail);

/* Whether a parsed 2xx body or stream event reports a failure: an error, or a finish reason that
 * means one. */
bool classify_is_failure(struct json_object *root);

#endif
