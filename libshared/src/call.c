/* SPDX-License-Identifier: MIT */
/*
 * A call from its beginning to its end: settings checked, memory taken once, progress noted. What
 * is decided in between stands in decide.c; what an outcome means, in report.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "call_internal.h"
#include "clock.h"

#define TRAIL_ENTRIES           64u /* plus TRAIL_ENTRIES_PER_ROUTE for each route */
#define TRAIL_ENTRIES_PER_ROUTE 4u
#define BUDGET_MS_MAX           86400000u /* one day: the horizon of the table */

/* ------------------------------------------------------------------ settings */

void lull_route_init(struct lull_route *route)
{
	*route = (struct lull_route){
		.abi_version = LULL_ABI_VERSION,
		.cooldown_ms = LULL_UNSET,
	};
}

void lull_call_options_init(struct lull_call_options *options)
{
	*options = (struct lull_call_options){
		.abi_version = LULL_ABI_VERSION,
		.policy = LULL_POLICY_DEFAULT,
		.when_cooling = LULL_WHEN_COOLING_WAIT,
		.budget_ms = LULL_BUDGET_MS,
		.soft_failures = LULL_SOFT_FAILURES,
		.probe = 1,
		.max_cooldown_ms = LULL_MAX_COOLDOWN_MS,
		.cooldown_ms = LULL_UNSET,
		.connection_driver = 1,
	};
}

void lull_outcome_init(struct lull_outcome *outcome)
{
	*outcome = (struct lull_outcome){
		.abi_version = LULL_ABI_VERSION,
		.scope = LULL_UNSET,
		.proof = LULL_UNSET,
		.hint_ms = -1,
		.tokens = LULL_UNSET,
	};
}

static bool options_are_valid(const struct lull_call_options *o)
{
	return o->abi_version == LULL_ABI_VERSION && o->policy <= LULL_POLICY_ADAPTIVE &&
	       o->when_cooling <= LULL_WHEN_COOLING_TRY && o->budget_ms >= 1 &&
	       o->budget_ms <= BUDGET_MS_MAX && o->num_retries <= LULL_RETRIES_MAX &&
	       o->soft_failures >= 1 && o->soft_failures <= 31 &&
	       o->max_cooldown_ms >= COOLDOWN_FLOOR_MS &&
	       o->max_cooldown_ms <= LULL_COOL_FOR_MS_MAX && (o->rules || o->rule_count == 0);
}

static bool rule_is_valid(const struct lull_rule *rule)
{
	return rule->class_id != LULL_CLASS_ANSWERED && rule->class_id != LULL_CLASS_MANUAL &&
	       rule->class_id < LULL_CLASS_COUNT &&
	       (rule->proof <= LULL_PROOF_HARD || rule->proof == LULL_UNSET) &&
	       (rule->scope <= LULL_KIND_NAME || rule->scope == LULL_UNSET) &&
	       (rule->go <= LULL_GO_NEXT || rule->go == LULL_UNSET);
}

static int rules_apply(struct lull_call *call, const struct lull_call_options *options)
{
	for (uint32_t id = 0; id < LULL_CLASS_COUNT; id++)
		call->rules[id] =
			(struct lull_rule){id, LULL_UNSET, LULL_UNSET, LULL_UNSET, LULL_UNSET};
	for (uint32_t i = 0; i < options->rule_count; i++) {
		const struct lull_rule *rule = &options->rules[i];

		if (!rule_is_valid(rule))
			return -EINVAL;
		call->rules[rule->class_id] = *rule;
	}
	return 0;
}

/* ------------------------------------------------------------------ begin, end */

/* For the pauses, unless the caller gave a seed, and for the permits' tag, always: two processes
 * may have been given the same seed. */
void call_draw(struct lull_call *call)
{
	uint64_t drawn[2] = {0};

	if (call->is_drawn)
		return;
	if (getrandom(drawn, sizeof(drawn), GRND_NONBLOCK) != (ssize_t)sizeof(drawn))
		drawn[0] = drawn[1] = clock_boottime_ns() ^ (uint64_t)clock_pid() << 32;
	call->random = call->options.seed ? call->options.seed : drawn[0];
	call->permit_tag = (uint32_t)drawn[1];
	call->is_drawn = true;
}

static bool is_duplicate(const struct lull_call *call, const struct call_route *r)
{
	const struct key *key = &charged_word(r)->key;

	for (uint32_t i = 0; i < call->route_count; i++) {
		const struct key *other = &charged_word(&call->routes[i])->key;

		if (other->kind == key->kind && strcmp(other->bytes, key->bytes) == 0)
			return true;
	}
	return false;
}

/* Room for the words of all ways. */
static int way_words_new(struct lull_call *call, const struct lull_route *routes, uint32_t count)
{
	size_t total = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (routes[i].abi_version != LULL_ABI_VERSION ||
		    (routes[i].way_key_count > 0 && !routes[i].ways))
			return -EINVAL;
		total += routes[i].way_key_count;
	}
	if (total == 0)
		return 0;
	call->way_words = calloc(total, sizeof(*call->way_words));
	return call->way_words ? 0 : -ENOMEM;
}

static int routes_add(struct lull_call *call, const struct lull_route *routes, uint32_t count)
{
	size_t used = 0; /* of the words of ways */

	for (uint32_t i = 0; i < count; i++) {
		struct call_route *r = &call->routes[call->route_count];
		int err;

		*r = (struct call_route){.route = routes[i], .index = i};
		if (routes[i].flags & LULL_ROUTE_UNUSABLE) {
			struct lull_trail_entry *entry = trail_entry(
				call, trail_add(call, call->begin_ms, LULL_TRAIL_UNUSABLE, i));

			entry->class_id = LULL_CLASS_CONFIG;
			continue;
		}
		err = route_words_init(r, call->way_words ? &call->way_words[used] : NULL);
		if (err)
			return err;
		used += routes[i].way_key_count;
		if (!is_duplicate(call, r))
			call->route_count++;
	}
	return 0;
}

int lull_call_begin(struct lull_call **ret_call, struct lull_table *table,
		    const struct lull_route *routes, uint32_t route_count,
		    const struct lull_call_options *options, uint64_t now_ms)
{
	uint32_t trail_capacity = TRAIL_ENTRIES + TRAIL_ENTRIES_PER_ROUTE * route_count;
	struct lull_call *call;
	int err;

	if (!ret_call || !table || !routes || !options || route_count < 1 ||
	    route_count > LULL_ROUTES_MAX || !options_are_valid(options))
		return -EINVAL;
	call = calloc(1, sizeof(*call) + route_count * sizeof(call->routes[0]));
	if (!call)
		return -ENOMEM;
	call->trail.capacity = trail_capacity;
	/* some 20 KiB, of which most calls use the first entries: each is filled when it is added */
	call->trail.entries = malloc(trail_capacity * sizeof(call->trail.entries[0]));
	if (!call->trail.entries) {
		free(call);
		return -ENOMEM;
	}
	call->options = *options;
	call->options.rules = NULL;
	if (options->policy == LULL_POLICY_TUTORIAL)
		call->options.probe = 0;
	call->begin_ms = now_ms;
	call->deadline_ms = now_ms + options->budget_ms;
	call->retry_route = LULL_UNSET;
	(void)lull_table_refresh(table);
	call->segment = table_pin(table);
	err = segment_is_read_only(call->segment) ? -EROFS : rules_apply(call, options);
	if (!err)
		err = way_words_new(call, routes, route_count);
	if (!err)
		err = routes_add(call, routes, route_count);
	if (err) {
		lull_call_end(call, now_ms);
		return err;
	}
	*ret_call = call;
	return 0;
}

void lull_call_end(struct lull_call *call, uint64_t now_ms)
{
	struct lull_outcome cancelled;

	if (!call)
		return;
	if (call->attempt.running) {
		lull_outcome_init(&cancelled);
		cancelled.class_id = LULL_CLASS_CANCELLED;
		(void)lull_call_report(call, now_ms, &cancelled);
	}
	segment_unpin(call->segment);
	free(call->way_words);
	free(call->trail.entries);
	free(call);
}

/* ------------------------------------------------------------------ progress */

int lull_call_progress(struct lull_call *call, uint64_t now_ms, uint32_t progress)
{
	struct lull_trail_entry *entry;
	struct call_route *r;

	if (!call || !call->attempt.running)
		return -EINVAL;
	r = &call->routes[call->attempt.route];
	entry = trail_entry(call, call->attempt.trail);
	switch (progress) {
	case LULL_PROGRESS_CONNECTED:
		attempt_connected(call, r, now_ms);
		return 0;
	case LULL_PROGRESS_ACCEPTED:
		if (call->attempt.accepted)
			return 0;
		call->attempt.accepted = true;
		call->attempt.headers_ms = now_ms;
		entry->headers_ms = now_ms - call->attempt.start_ms;
		attempt_accepted(call, r, now_ms);
		return 0;
	case LULL_PROGRESS_CONTENT:
		if (call->attempt.content)
			return 0;
		call->attempt.content = true;
		entry->content_ms = now_ms - call->attempt.start_ms;
		return 0;
	case LULL_PROGRESS_RESENT:
		entry->resent = 1;
		return 0;
	case LULL_PROGRESS_RUNNING:
		attempt_renew(call, r, now_ms);
		return 0;
	default:
		return -EINVAL;
	}
}

int lull_call_emptied(struct lull_call *call, uint64_t now_ms, uint32_t limit, uint64_t for_ms)
{
	if (!call || !call->attempt.running || (limit != LULL_LIMIT_RPM && limit != LULL_LIMIT_TPM))
		return -EINVAL;
	if (for_ms > 0)
		attempt_emptied(call, &call->routes[call->attempt.route], limit, for_ms, now_ms);
	return 0;
}
