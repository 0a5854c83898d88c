/* SPDX-License-Identifier: MIT */
/*
 * The trail: what a call tried or skipped, why, and how long each took. Its room is taken at begin,
 * so a call that lives through many short cooldowns keeps its first entries and its last ones, and
 * drops from the middle.
 */
#include <errno.h>
#include <string.h>

#include "call_internal.h"

/* Where entry `number` stands: the first half for good, the second half in turn. */
static uint32_t trail_place(const struct trail *trail, uint64_t number)
{
	uint32_t kept = trail->capacity / 2;

	if (number < kept)
		return (uint32_t)number;
	return kept + (uint32_t)((number - kept) % (trail->capacity - kept));
}

static bool trail_has(const struct trail *trail, uint64_t number)
{
	uint64_t kept = trail->capacity / 2;

	return number < trail->count &&
	       (number < kept || trail->count - number <= trail->capacity - kept);
}

struct lull_trail_entry *trail_entry(struct lull_call *call, uint64_t number)
{
	if (!trail_has(&call->trail, number))
		return NULL;
	return &call->trail.entries[trail_place(&call->trail, number)];
}

uint64_t trail_add(struct lull_call *call, uint64_t now_ms, uint32_t type, uint32_t route)
{
	uint64_t number = call->trail.count++;

	call->trail.entries[trail_place(&call->trail, number)] = (struct lull_trail_entry){
		.abi_version = LULL_ABI_VERSION,
		.type = type,
		.route = route,
		.pass = call->passes,
		.at_ms = now_ms - call->begin_ms,
		.headers_ms = LULL_NEVER,
		.content_ms = LULL_NEVER,
	};
	return number;
}

static struct lull_trail_entry *last_skip(struct lull_call *call, uint32_t route)
{
	for (uint64_t number = call->trail.count; number-- > 0;) {
		struct lull_trail_entry *entry = trail_entry(call, number);

		if (!entry || entry->type == LULL_TRAIL_ATTEMPT)
			return NULL;
		if (entry->type == LULL_TRAIL_SKIP && entry->route == route)
			return entry;
	}
	return NULL;
}

/* The entry for a skip of that route; true: a new one. */
static bool skip_entry(struct lull_call *call, const struct call_route *r, uint64_t now_ms,
		       struct lull_trail_entry **ret_entry)
{
	*ret_entry = last_skip(call, r->index);
	if (*ret_entry)
		return false;
	*ret_entry = trail_entry(call, trail_add(call, now_ms, LULL_TRAIL_SKIP, r->index));
	return true;
}

bool trail_skip(struct lull_call *call, const struct call_route *r, const struct route_word *shut,
		uint64_t ready_in_ms, uint64_t now_ms)
{
	uint64_t bits = atomic_load_explicit(&shut->slot->word, memory_order_relaxed);
	struct word w = word_unpack(bits);
	struct lull_trail_entry *entry;
	bool is_new = skip_entry(call, r, now_ms, &entry);

	entry->class_id = w.cause < LULL_CLASS_COUNT ? w.cause : 0;
	entry->http_status = w.http;
	entry->cooled_kind = shut->key.kind;
	entry->state = word_state(bits, now_ms);
	entry->limit = LULL_LIMIT_NONE;
	entry->ready_in_ms = ready_in_ms;
	return is_new;
}

bool trail_limited(struct lull_call *call, const struct call_route *r, const struct room *room,
		   uint64_t now_ms)
{
	struct lull_trail_entry *entry;
	bool is_new = skip_entry(call, r, now_ms, &entry);

	entry->class_id = LULL_CLASS_RATE_LIMITED; /* by ourselves */
	entry->http_status = 0;
	entry->cooled_kind = room->word->key.kind;
	entry->state = LULL_STATE_LIMITED;
	entry->limit = room->limit;
	entry->ready_in_ms = room->in_ms;
	return is_new;
}

uint32_t lull_call_trail_count(const struct lull_call *call)
{
	if (!call)
		return 0;
	return call->trail.count < call->trail.capacity ? (uint32_t)call->trail.count
							: call->trail.capacity;
}

int lull_call_trail_at(const struct lull_call *call, uint32_t index,
		       struct lull_trail_entry *ret_entry)
{
	uint64_t number = index;

	if (!call || !ret_entry)
		return -EINVAL;
	if (index >= lull_call_trail_count(call))
		return LULL_END;
	if (call->trail.count > call->trail.capacity && index >= call->trail.capacity / 2)
		number += call->trail.count - call->trail.capacity;
	*ret_entry = call->trail.entries[trail_place(&call->trail, number)];
	return 0;
}
