/* SPDX-License-Identifier: MIT */
/*
 * What an outcome means: which key it is charged to, with what proof and for how long (the wire's
 * word, the class's row and the configuration's `on:`, put together), and whether the call goes on.
 */
#include <errno.h>
#include <string.h>

#include "call_internal.h"

#define EVIDENCE_MS 10000u /* a shorter time-out of ours proves nothing */

/* What a rule says, else what the wire says, else the class's own. */
static uint32_t first_set(uint32_t rule, uint32_t wire, uint32_t own)
{
	if (rule != LULL_UNSET)
		return rule;
	return wire != LULL_UNSET ? wire : own;
}

/* ------------------------------------------------------------------ report */

/*
 * A limit of ours has passed. If it was the call's budget, that is nobody's fault, unless the route
 * was silent for so long that it is a time-out anyway. It is evidence only if the route had its
 * usual time (unknown: half the budget), never under 10 s, and never on this host.
 */
static bool our_timeout_is_evidence(const struct lull_call *call, const struct call_route *r,
				    uint64_t ran_ms)
{
	const struct layout_slot *slot = charged_word(r)->slot;
	uint64_t usual_ms = slot ? slot_usual_limit_ms(slot) : 0;

	if (r->route.flags & LULL_ROUTE_LOOPBACK)
		return false;
	return ran_ms >= EVIDENCE_MS &&
	       ran_ms >= (usual_ms ? usual_ms : call->options.budget_ms / 2);
}

static void judge_our_limit(struct lull_call *call, const struct call_route *r, uint64_t now_ms,
			    struct charge *charge)
{
	uint64_t ran_ms = now_ms - call->attempt.start_ms;
	bool budget_ended = now_ms >= call->deadline_ms && !call->attempt.content;

	if (budget_ended) {
		call->out_of_time = true;
		if (call->attempt.accepted || ran_ms < EVIDENCE_MS)
			charge->class_id = LULL_CLASS_DEADLINE;
	}
	if (charge->class_id == LULL_CLASS_NETWORK) { /* connecting took too long */
		if (ran_ms < LULL_CONNECT_MS)
			charge->proof = LULL_PROOF_NONE;
	} else if (!our_timeout_is_evidence(call, r, ran_ms)) {
		charge->proof = LULL_PROOF_NONE;
	}
}

/* The tutorial's `except Exception`: what a provider, a network or a configuration did wrong. */
static bool is_exception(uint32_t class_id)
{
	return class_id != LULL_CLASS_CANCELLED && class_id != LULL_CLASS_DEADLINE &&
	       class_id != LULL_CLASS_SUSPENDED;
}

/* What the attempt has used of the tokens it was charged. Who refuses has made none. */
static uint32_t tokens_used(const struct lull_call *call, const struct lull_outcome *outcome)
{
	if (outcome->tokens != LULL_UNSET)
		return outcome->tokens;
	if (outcome->http_status >= 300 || outcome->class_id == LULL_CLASS_LOCAL)
		return 0;
	return call->options.tokens;
}

static struct charge charge_of(struct lull_call *call, const struct call_route *r,
			       const struct lull_outcome *outcome, uint64_t now_ms)
{
	struct charge charge = {
		.class_id = outcome->class_id,
		.scope = outcome->scope,
		.proof = outcome->proof,
		.http_status = outcome->http_status,
		.tokens = tokens_used(call, outcome),
		.ours = outcome->ours != 0,
		.once = outcome->once != 0,
	};
	const struct lull_class_info *info;
	const struct lull_rule *rule;

	if (charge.ours)
		judge_our_limit(call, r, now_ms, &charge);
	info = lull_class_info(charge.class_id);
	rule = &call->rules[charge.class_id];
	if (charge.class_id == LULL_CLASS_OVERLOADED && charge.proof == LULL_UNSET &&
	    outcome->hint_ms >= 0)
		charge.proof = LULL_PROOF_HARD; /* it says for how long */
	charge.scope = first_set(rule->scope, charge.scope, info->scope);
	if (charge.proof != LULL_PROOF_NONE)
		charge.proof = first_set(rule->proof, charge.proof, info->proof);
	if (is_tutorial(call)) {
		charge.scope = LULL_KIND_ROUTE;
		charge.proof = is_exception(charge.class_id) ? LULL_PROOF_HARD : LULL_PROOF_NONE;
	}
	charge.cooldown = cooldown_length(info, charge.scope, outcome->hint_ms,
					  &(struct cooldown_settings){
						  .policy = call->options.policy,
						  .route_ms = r->route.cooldown_ms,
						  .router_ms = call->options.cooldown_ms,
						  .class_ms = rule->for_ms,
						  .max_cooldown_ms = call->options.max_cooldown_ms,
					  });
	return charge;
}

static void trail_close(struct lull_call *call, const struct lull_outcome *outcome,
			const struct charge *charge, const struct charged *charged, uint64_t now_ms)
{
	struct lull_trail_entry *entry = trail_entry(call, call->attempt.trail);

	entry->for_ms = now_ms - call->attempt.start_ms;
	entry->class_id = charge->class_id;
	entry->http_status = charge->http_status;
	entry->cooled_kind = charged->kind;
	entry->cooled_first = charged->is_first;
	entry->ready_in_ms = charged->ready_in_ms;
	entry->soft_count = charged->soft_count;
	if (outcome->detail)
		strncpy(entry->detail, outcome->detail, sizeof(entry->detail) - 1);
}

/* Two vendors that refuse the same request are an answer. */
static void count_refusal(struct lull_call *call, const struct call_route *r)
{
	uint32_t vendor = r->route.vendor;

	if (!vendor)
		vendor = (UINT32_C(1) << 31) | (r->index + 1);
	if (call->refused_by && call->refused_by != vendor)
		call->refused_twice = true;
	call->refused_by = call->refused_by ? call->refused_by : vendor;
}

static bool leads_somewhere(const struct lull_call *call, uint32_t class_id)
{
	for (uint32_t i = 0; i < call->route_count; i++)
		if (call->routes[i].route.after_classes & bit_of(class_id))
			return true;
	return false;
}

static bool goes_on(struct lull_call *call, uint32_t class_id)
{
	const struct lull_rule *rule = &call->rules[class_id];

	if (is_tutorial(call))
		return is_exception(class_id);
	if (first_set(rule->go, LULL_UNSET, lull_class_info(class_id)->go) == LULL_GO_NEXT)
		return true;
	if (!blames_request(class_id) || !leads_somewhere(call, class_id))
		return false;
	call->only_classes |= bit_of(class_id);
	return true;
}

/* What becomes of a route in this call after its failure. */
static void route_failed(struct lull_call *call, struct call_route *r, const struct charge *charge,
			 const struct charged *charged)
{
	r->cooled = charged->kind != LULL_KIND_NONE;
	if (is_tutorial(call)) { /* the table alone decides when it comes again */
		r->state = r->cooled ? ROUTE_FRESH : ROUTE_OUT;
		return;
	}
	if (!r->cooled && (charge->once || !lull_class_info(charge->class_id)->comes_again)) {
		r->state = ROUTE_OUT;
		return;
	}
	r->state = ROUTE_FAILED;
	if (!r->cooled && r->retries < call->options.num_retries) {
		r->retries++;
		call->retry_route = call->attempt.route;
	}
}

static void go_on(struct lull_call *call, struct call_route *r, const struct charge *charge,
		  const struct charged *charged)
{
	const uint32_t class_id = charge->class_id;

	call->seen_classes |= bit_of(class_id);
	route_failed(call, r, charge, charged);
	/* what never left this host was refused by nobody */
	if ((class_id == LULL_CLASS_BAD_REQUEST || class_id == LULL_CLASS_CONTENT_POLICY) &&
	    charge->http_status > 0)
		count_refusal(call, r);
	if (class_id == LULL_CLASS_SUSPENDED || class_id == LULL_CLASS_DEADLINE)
		call->out_of_time = true;
	if (call->attempt.content)
		call->out_of_time = false; /* the budget had done its work */
	call->stopped = !goes_on(call, class_id) || call->attempt.content;
	if (call->refused_twice && !is_tutorial(call))
		call->stopped = true;
}

int lull_call_report(struct lull_call *call, uint64_t now_ms, const struct lull_outcome *outcome)
{
	struct call_route *r;
	struct charge charge;
	struct charged charged;

	if (!call || !outcome || !call->attempt.running ||
	    outcome->abi_version != LULL_ABI_VERSION || outcome->class_id >= LULL_CLASS_COUNT ||
	    outcome->class_id == LULL_CLASS_CONFIG || outcome->class_id == LULL_CLASS_MANUAL)
		return -EINVAL;
	r = &call->routes[call->attempt.route];
	charge = charge_of(call, r, outcome, now_ms);
	charged = attempt_finish(call, r, &charge, now_ms);
	if (charge.ours && charge.class_id == LULL_CLASS_TIMEOUT && charged_word(r)->slot)
		slot_usual_forget(charged_word(r)->slot);
	trail_close(call, outcome, &charge, &charged, now_ms);
	call->met_classes |= bit_of(charge.class_id);
	call->last_class = charge.class_id;
	if (charge.class_id == LULL_CLASS_ANSWERED)
		call->stopped = true;
	else
		go_on(call, r, &charge, &charged);
	call->attempt.running = false;
	return 0;
}
