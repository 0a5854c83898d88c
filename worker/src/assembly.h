/* SPDX-License-Identifier: MIT */
/* Internal: the chunks of a stream put together. See assembly.c. */
#ifndef LULL_WORKER_ASSEMBLY_H
#define LULL_WORKER_ASSEMBLY_H

#include "wire.h"

struct assembly;

struct assembly *assembly_new(void);
struct assembly *assembly_free(struct assembly *assembly);
/* Nobody will want it written: what choices say is not kept, only that they do. */
void assembly_judge_only(struct assembly *assembly);

/* They are of a whole answer: a text that is empty beside calls or a refusal was meant. */
void assembly_keep_empty(struct assembly *assembly);

/* Return: 0; -E2BIG more choices or tool calls than any model gives; -EMSGSIZE; -ENOMEM. */
int assembly_add(struct assembly *assembly, struct json_object *chunk);

/* A choice was seen, and a finish reason for each that was. */
bool assembly_is_whole(const struct assembly *assembly);
/* See openai_judge(). */
bool assembly_says_something(const struct assembly *assembly);
const char *assembly_explained(const struct assembly *assembly); /* borrowed */
/* See struct answer. */
const char *assembly_finish(const struct assembly *assembly);

/* See openai_tokens_used(). */
uint32_t assembly_tokens_used(const struct assembly *assembly);

/* The chat.completion object. now_unix_s: where the wire had no time. 0; -ENOMEM. */
int assembly_write(struct assembly *assembly, int64_t now_unix_s, struct answer *ret);

#endif
