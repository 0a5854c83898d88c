/* SPDX-License-Identifier: MIT */
/* Internal: the tool calls of one choice of a stream. See tool_calls.c. */
#ifndef LULL_WORKER_TOOL_CALLS_H
#define LULL_WORKER_TOOL_CALLS_H

#include "wire.h"

struct tool_call;

struct tool_calls { /* begins as {0} */
	struct tool_call *list;
	size_t count;
};

/* The tool_calls of a delta. Return: 0; -E2BIG more calls than any model makes; -EMSGSIZE; -ENOMEM.
 */
int tool_calls_merge(struct tool_calls *calls, struct json_object *fragments);
/* As member tool_calls of the message; nothing if there are none. 0; -ENOMEM. */
int tool_calls_write(struct tool_calls *calls, struct json_object *message);
void tool_calls_deinit(struct tool_calls *calls);

#endif
