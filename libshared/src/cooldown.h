/* SPDX-License-Identifier: MIT */
/* Internal: how long an outcome cools. See cooldown.c. */
#ifndef LULL_COOLDOWN_H
#define LULL_COOLDOWN_H

#include <stdbool.h>

#include <lull/call.h>

#define COOLDOWN_FLOOR_MS 50u /* shorter is not worth a skip: an attempt takes longer */

/* length at strikes 0, doubling with each failed probe up to cap_ms; for_ms 0 = cools nothing */
struct cooldown {
	uint32_t for_ms;
	uint32_t cap_ms;
};

/* what configuration has to say about lengths */
struct cooldown_settings {
	uint32_t policy;          /* enum lull_policy */
	uint32_t route_ms;        /* the route's cooldown_time, or LULL_UNSET */
	uint32_t router_ms;       /* the router's cooldown_time, or LULL_UNSET */
	uint32_t class_ms;        /* `on:` for this class, or LULL_UNSET */
	uint32_t max_cooldown_ms; /* cap of all but an operator's */
};

/* hint_ms: what the server asked for; negative = nothing */
struct cooldown cooldown_length(const struct lull_class_info *info, uint32_t scope, int64_t hint_ms,
				const struct cooldown_settings *settings);

#endif
