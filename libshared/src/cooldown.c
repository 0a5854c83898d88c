/* SPDX-License-Identifier: MIT */
/*
 * How long an outcome cools: one function, so that the loop and `lull explain-error` cannot differ.
 *
 * The first of these that says something wins: the route's own cooldown_time, the server's hint,
 * the class's length from `on:`, the router's cooldown_time, the class's default. A configured
 * cooldown_time speaks for the route classes only: nobody who writes "cooldown_time: 5" means that
 * an account out of credit is to be asked every five seconds. A hint above the cap is not believed
 * (a single oversized request can be told to wait a day), but a quota really may last that long:
 * there the cap holds.
 */
#include "cooldown.h"

#define TUTORIAL_MS 60000u /* "allow it to cooldown for 60s", whatever the error */

static struct cooldown constant(uint64_t for_ms, uint32_t max_ms)
{
	uint32_t length_ms = for_ms < max_ms ? (uint32_t)for_ms : max_ms;

	if (length_ms > 0 && length_ms < COOLDOWN_FLOOR_MS)
		length_ms = COOLDOWN_FLOOR_MS;
	return (struct cooldown){.for_ms = length_ms, .cap_ms = length_ms};
}

static struct cooldown unsaid(const struct lull_class_info *info, uint32_t scope,
			      const struct cooldown_settings *settings)
{
	uint32_t max_ms = settings->max_cooldown_ms;
	struct cooldown doubling = {.for_ms = info->for_ms, .cap_ms = info->for_cap_ms};

	if (settings->class_ms != LULL_UNSET)
		return constant(settings->class_ms, max_ms);
	if (info->takes_cooldown_time && settings->router_ms != LULL_UNSET)
		return constant(settings->router_ms, max_ms);
	if (scope == LULL_KIND_ENDPOINT && info->endpoint_for_ms != info->for_ms)
		return constant(info->endpoint_for_ms, max_ms);
	if (settings->policy == LULL_POLICY_ADAPTIVE && info->adaptive_for_ms)
		doubling = (struct cooldown){info->adaptive_for_ms, info->adaptive_for_cap_ms};
	if (doubling.for_ms >= max_ms)
		return constant(max_ms, max_ms);
	if (doubling.cap_ms > max_ms)
		doubling.cap_ms = max_ms;
	return doubling;
}

struct cooldown cooldown_length(const struct lull_class_info *info, uint32_t scope, int64_t hint_ms,
				const struct cooldown_settings *settings)
{
	uint32_t max_ms = settings->max_cooldown_ms;
	bool is_quota = info->class_id == LULL_CLASS_QUOTA_EXHAUSTED;
	struct cooldown length;

	if (settings->policy == LULL_POLICY_TUTORIAL)
		return (struct cooldown){TUTORIAL_MS, TUTORIAL_MS};
	if (info->takes_cooldown_time && settings->route_ms != LULL_UNSET)
		return constant(settings->route_ms, max_ms);
	length = unsaid(info, scope, settings);
	if (hint_ms < 0 || (hint_ms > max_ms && !is_quota))
		return length;
	if (is_quota && (uint64_t)hint_ms < length.for_ms)
		return length;
	return constant((uint64_t)hint_ms, max_ms);
}
