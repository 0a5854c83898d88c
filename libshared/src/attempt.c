/* SPDX-License-Identifier: MIT */
/*
 * What an attempt does to the table. A route stands on up to seven words (endpoint, credential,
 * route, three names); it is ready when all of them are. An attempt takes the leases that are due,
 * tells each word what it has learned on the way (connected, 2xx headers), and at its end either an
 * answer speaks well of all of them, or a failure is charged to one kind of key and the others get
 * what the failure says about them:
 *
 *     endpoint     works, if any status line came
 *     credential   works, if the failure was the route's own
 *     the rest     nothing was learned: a lease is handed back
 *
 * What the attempt takes of limits is settled with it, after the words: whoever is woken by that
 * finds what this attempt has learned.
 *
 * A name is judged as its route, but only when this attempt was its probe: a name may stand for
 * routes with other keys and servers, and those have not failed.
 */
#include <errno.h>
#include <string.h>

#include "call_internal.h"

#define EMPTIED_MS_MAX 60000u /* by then, what a minute allows is there again */

static int word_add(struct call_route *r, uint32_t kind, const char *text)
{
	struct route_word word = {0};
	int err;

	if (!text || !*text)
		return 0;
	err = key_init(&word.key, kind, text);
	if (err)
		return err;
	for (uint32_t i = 0; i < r->word_count; i++)
		if (r->words[i].key.kind == kind && strcmp(r->words[i].key.bytes, text) == 0)
			return 0;
	r->words[r->word_count++] = word;
	return 0;
}

static int way_words_init(struct call_route *r, struct route_word *words)
{
	int err = 0;

	r->way_words = words;
	for (uint32_t i = 0; !err && i < r->route.way_key_count; i++) {
		words[i] = (struct route_word){0};
		err = key_init(&words[i].key, r->route.ways[i].kind, r->route.ways[i].key);
	}
	return err;
}

static int limits_init(struct call_route *r)
{
	const struct lull_route *route = &r->route;

	if (!limits_are_valid(&route->limits) || !limits_are_valid(&route->credential_limits))
		return -EINVAL;
	for (uint32_t i = 0; i < r->word_count; i++) {
		if (i == r->charged && limits_are_set(&route->limits))
			r->words[i].limits = &route->limits;
		else if (r->words[i].key.kind == LULL_KIND_CREDENTIAL &&
			 limits_are_set(&route->credential_limits))
			r->words[i].limits = &route->credential_limits;
		r->limited |= r->words[i].limits != NULL;
	}
	return 0;
}

int route_words_init(struct call_route *r, struct route_word *way_words)
{
	int err;

	r->word_count = 0;
	err = word_add(r, LULL_KIND_ENDPOINT, r->route.endpoint_key);
	if (!err)
		err = word_add(r, LULL_KIND_CREDENTIAL, r->route.credential_key);
	r->charged = r->word_count;
	if (!err)
		err = word_add(r, LULL_KIND_ROUTE, r->route.route_key);
	for (uint32_t i = 0; !err && i < LULL_NAMES_MAX; i++)
		err = word_add(r, LULL_KIND_NAME, r->route.names[i]);
	if (!err && r->charged == r->word_count)
		err = -EINVAL;
	if (!err)
		err = limits_init(r);
	return err ? err : way_words_init(r, way_words);
}

static struct layout_slot *word_slot(struct lull_call *call, struct route_word *word)
{
	if (!word->slot)
		word->slot = segment_find(call->segment, &word->key);
	return word->slot;
}

static uint64_t word_bits(struct lull_call *call, struct route_word *word)
{
	struct layout_slot *slot = word_slot(call, word);

	return slot ? atomic_load_explicit(&slot->word, memory_order_relaxed) : 0;
}

/* 0: all of them ready. Else how long the longest lasts, and which it is */
static uint64_t words_ready_in_ms(struct lull_call *call, struct route_word *words, uint32_t count,
				  uint64_t now_ms, const struct route_word **ret_shut)
{
	uint64_t longest_ms = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t bits = word_bits(call, &words[i]);
		uint64_t ready_in_ms = bits ? word_ready_in_ms(bits, now_ms) : 0;

		if (ready_in_ms > 0 && !call->options.probe &&
		    word_state(bits, now_ms) == LULL_STATE_PROBING)
			ready_in_ms = 0; /* without probes nobody's lease keeps others out */
		if (ready_in_ms > longest_ms) {
			longest_ms = ready_in_ms;
			*ret_shut = &words[i];
		}
	}
	return longest_ms;
}

/* Of the ways that a name stands for, the one that is ready first. */
static uint64_t ways_ready_in_ms(struct lull_call *call, struct call_route *r, uint64_t now_ms,
				 const struct route_word **ret_shut)
{
	const struct lull_way_key *ways = r->route.ways;
	uint32_t count = r->route.way_key_count, end;
	uint64_t soonest_ms = count > 0 ? LULL_NEVER : 0;

	for (uint32_t begin = 0; begin < count; begin = end) {
		const struct route_word *shut = NULL;
		uint64_t ready_in_ms;

		for (end = begin; end < count && ways[end].way == ways[begin].way;)
			end++;
		ready_in_ms =
			words_ready_in_ms(call, &r->way_words[begin], end - begin, now_ms, &shut);
		if (begin == 0 || ready_in_ms < soonest_ms) {
			soonest_ms = ready_in_ms;
			*ret_shut = shut;
		}
	}
	return soonest_ms;
}

uint64_t route_ready_in_ms(struct lull_call *call, struct call_route *r, uint64_t now_ms,
			   const struct route_word **ret_shut)
{
	const struct route_word *shut = NULL;
	uint64_t own_ms = words_ready_in_ms(call, r->words, r->word_count, now_ms, ret_shut);
	uint64_t ways_ms = ways_ready_in_ms(call, r, now_ms, &shut);

	if (ways_ms <= own_ms)
		return own_ms;
	*ret_shut = shut;
	return ways_ms;
}

/* ------------------------------------------------------------------ limits */

struct room route_room(struct lull_call *call, struct call_route *r, uint64_t now_ms)
{
	struct room room = {0};

	for (uint32_t i = 0; r->limited && i < r->word_count; i++) {
		struct route_word *word = &r->words[i];
		uint64_t in_ms;
		uint32_t limit;

		if (!word->limits || !word_slot(call, word))
			continue;
		in_ms = limits_room_in_ms(word->slot, word->limits, now_ms, &limit);
		if (in_ms > room.in_ms)
			room = (struct room){in_ms, limit, word};
	}
	return room;
}

void route_await_room(struct lull_call *call, struct call_route *r)
{
	for (uint32_t i = 0; r->limited && i < r->word_count; i++)
		if (r->words[i].limits && word_slot(call, &r->words[i]))
			limits_await(r->words[i].slot);
}

/* As far as they were taken: so many requests (0: the attempt does not take place) and tokens. */
static void route_limits_settle(struct lull_call *call, struct call_route *r, uint32_t requests,
				uint32_t tokens, uint64_t now_ms)
{
	for (uint32_t i = 0; r->limited && i < r->word_count; i++) {
		struct route_word *word = &r->words[i];

		if (word->limits && word->slot)
			limits_settle(call->segment, word->slot, word->limits, requests, tokens,
				      now_ms, &word->hold);
	}
}

/* All or nothing. Without memory for the key's slot there is nothing to hold anybody to. */
static bool route_limits_take(struct lull_call *call, struct call_route *r, uint64_t now_ms)
{
	for (uint32_t i = 0; r->limited && i < r->word_count; i++) {
		struct route_word *word = &r->words[i];

		if (!word->limits)
			continue;
		if (!word_slot(call, word))
			word->slot = segment_insert(call->segment, &word->key);
		call_draw(call);
		if (word->slot &&
		    !limits_take(call->segment, word->slot, word->limits, call->permit_tag,
				 call->options.tokens, now_ms, &word->hold)) {
			route_limits_settle(call, r, 0, 0, now_ms);
			return false;
		}
	}
	return true;
}

bool attempt_holds_permit(const struct call_route *r)
{
	for (uint32_t i = 0; r->limited && i < r->word_count; i++)
		if (r->words[i].hold.permit.word)
			return true;
	return false;
}

void attempt_renew(struct lull_call *call, struct call_route *r, uint64_t now_ms)
{
	for (uint32_t i = 0; i < r->word_count; i++) {
		struct route_word *word = &r->words[i];

		if (word->limits && word->slot)
			limits_renew(word->slot, word->limits, call->permit_tag, now_ms,
				     &word->hold);
	}
}

void attempt_emptied(struct lull_call *call, struct call_route *r, uint32_t limit, uint64_t for_ms,
		     uint64_t now_ms)
{
	if (for_ms > call->options.max_cooldown_ms)
		for_ms = call->options.max_cooldown_ms;
	if (for_ms > EMPTIED_MS_MAX)
		for_ms = EMPTIED_MS_MAX;
	/* the route's own, else the credential's, which stands before it */
	for (uint32_t i = r->charged + 1; i-- > 0;)
		if (r->words[i].limits && r->words[i].slot &&
		    limits_drain(r->words[i].slot, r->words[i].limits, limit, now_ms + for_ms,
				 now_ms))
			return;
}

/* ------------------------------------------------------------------ taking a route */

/* The keys an attempt stands on are kept in the table; names only where somebody else put them. */
static void words_insert(struct lull_call *call, struct call_route *r)
{
	struct layout_slot *by_kind[LULL_KIND_NAME + 1] = {0};

	for (uint32_t i = 0; i < r->word_count; i++) {
		struct route_word *word = &r->words[i];

		if (!word_slot(call, word) && (word->key.kind != LULL_KIND_NAME || i == r->charged))
			word->slot = segment_insert(call->segment, &word->key);
		if (!word->slot)
			continue;
		slot_count(word->slot, SLOT_ATTEMPTS);
		by_kind[word->key.kind] = word->slot;
	}
	if (by_kind[LULL_KIND_ROUTE])
		segment_link(call->segment, by_kind[LULL_KIND_ROUTE], by_kind[LULL_KIND_CREDENTIAL],
			     by_kind[LULL_KIND_ENDPOINT]);
}

static struct word_event event_of(const struct lull_call *call, const struct route_word *word,
				  uint64_t now_ms)
{
	return (struct word_event){
		.now_ms = now_ms,
		.start_ms = call->attempt.start_ms,
		.headers_ms = call->attempt.headers_ms,
		.lease = word->lease,
		.tried = word->tried,
		.soft_failures = call->options.soft_failures,
		.probe_off = !call->options.probe,
		.counted_start = word->counted_start,
		.late = call->attempt.accepted,
	};
}

static struct word_step word_apply(struct lull_call *call, struct route_word *word, word_fn fn,
				   const struct word_event *e)
{
	struct word_step step = {.verdict = WORD_UNTOUCHED};

	if (!word_slot(call, word))
		return step;
	step = segment_change(call->segment, word->slot, fn, e, NULL);
	if (step.verdict == WORD_OPENED)
		word->lease = 0; /* used up: it must not open what fails from now on */
	return step;
}

static void words_forget_attempt(struct call_route *r)
{
	for (uint32_t i = 0; i < r->word_count; i++) {
		r->words[i].lease = 0;
		r->words[i].tried = 0;
		r->words[i].counted_start = false;
	}
}

static void leases_hand_back(struct lull_call *call, struct call_route *r, uint64_t now_ms)
{
	for (uint32_t i = 0; i < r->word_count; i++) {
		struct word_event e = event_of(call, &r->words[i], now_ms);

		if (r->words[i].lease)
			(void)word_apply(call, &r->words[i], word_hand_back, &e);
	}
	words_forget_attempt(r);
}

static bool word_acquire(struct lull_call *call, struct route_word *word, uint64_t now_ms)
{
	struct word_event e = event_of(call, word, now_ms);
	struct word_step step;

	if (word_bits(call, word) == 0)
		return true;
	step = segment_change(call->segment, word->slot, word_admit, &e, NULL);
	if (step.verdict == WORD_GO_PROBE)
		word->lease = step.to;
	word->counted_start = step.verdict == WORD_GO_COUNTED;
	return step.verdict != WORD_SKIP;
}

bool attempt_acquire(struct lull_call *call, struct call_route *r, uint64_t now_ms)
{
	words_forget_attempt(r);
	if (route_room(call, r, now_ms).in_ms > 0)
		return false;
	for (uint32_t i = 0; i < r->word_count; i++) {
		if (!word_acquire(call, &r->words[i], now_ms)) {
			leases_hand_back(call, r, now_ms);
			return false;
		}
	}
	if (!route_limits_take(call, r, now_ms)) {
		leases_hand_back(call, r, now_ms);
		return false;
	}
	words_insert(call, r);
	return true;
}

bool attempt_go_past(struct lull_call *call, struct call_route *r, uint64_t now_ms)
{
	words_forget_attempt(r);
	if (!route_limits_take(call, r, now_ms))
		return false;
	for (uint32_t i = 0; i < r->word_count; i++)
		r->words[i].tried = word_bits(call, &r->words[i]);
	words_insert(call, r);
	return true;
}

bool attempt_holds_lease(const struct call_route *r)
{
	for (uint32_t i = 0; i < r->word_count; i++)
		if (r->words[i].lease)
			return true;
	return false;
}

/* An endpoint's lease ends here: other models of that server need not wait for this one's answer.
 */
void attempt_connected(struct lull_call *call, struct call_route *r, uint64_t now_ms)
{
	for (uint32_t i = 0; i < r->word_count; i++) {
		struct word_event e = event_of(call, &r->words[i], now_ms);

		e.headers_ms = LULL_NEVER; /* a connection says nothing about requests */
		if (r->words[i].key.kind == LULL_KIND_ENDPOINT)
			(void)word_apply(call, &r->words[i], word_headers, &e);
	}
}

void attempt_accepted(struct lull_call *call, struct call_route *r, uint64_t now_ms)
{
	struct layout_slot *slot = r->words[r->charged].slot;

	for (uint32_t i = 0; i < r->word_count; i++) {
		struct word_event e = event_of(call, &r->words[i], now_ms);

		(void)word_apply(call, &r->words[i], word_headers, &e);
	}
	if (slot)
		slot_usual_add(slot, now_ms - call->attempt.start_ms);
}

/* ------------------------------------------------------------------ the end of an attempt */

static bool route_has_kind(const struct call_route *r, uint32_t kind)
{
	for (uint32_t i = 0; i < r->word_count; i++)
		if (r->words[i].key.kind == kind)
			return true;
	return false;
}

static bool is_charged(const struct call_route *r, uint32_t i, uint32_t scope)
{
	const struct route_word *word = &r->words[i];

	if (scope == LULL_KIND_CREDENTIAL || scope == LULL_KIND_ENDPOINT)
		return word->key.kind == scope;
	return i == r->charged || (word->key.kind == LULL_KIND_NAME && word->lease);
}

/* The same key may carry several routes of the list: a call counts once on it. */
static bool soft_is_counted(struct lull_call *call, const struct layout_slot *slot)
{
	for (uint32_t i = 0; i < call->route_count; i++)
		for (uint32_t j = 0; j < call->routes[i].word_count; j++)
			if (call->routes[i].words[j].slot == slot &&
			    call->routes[i].words[j].soft_counted)
				return true;
	return false;
}

static void word_charge(struct lull_call *call, struct route_word *word,
			const struct charge *charge, uint64_t now_ms, struct charged *ret)
{
	struct word_event e = event_of(call, word, now_ms);
	struct word_step step;
	uint64_t ready_in_ms;

	if (!word_slot(call, word))
		word->slot = segment_insert(call->segment, &word->key);
	if (!word->slot)
		return;
	slot_count(word->slot, SLOT_FAILURES);
	e.cause = charge->class_id;
	e.http = charge->http_status;
	e.ours = charge->ours;
	e.for_ms = charge->cooldown.for_ms;
	e.for_cap_ms = charge->cooldown.cap_ms;
	if (charge->proof == LULL_PROOF_HARD) {
		step = word_apply(call, word, word_fail_hard, &e);
	} else {
		e.counted_before = soft_is_counted(call, word->slot);
		step = word_apply(call, word, word_fail_soft, &e);
		word->soft_counted |= step.verdict == WORD_COUNTED || step.verdict == WORD_COOLED;
	}
	ready_in_ms = word_ready_in_ms(step.to, now_ms);
	if (ready_in_ms > ret->ready_in_ms) {
		ret->kind = word->key.kind;
		ret->ready_in_ms = ready_in_ms;
		ret->is_first = step.verdict == WORD_COOLED;
	}
	if (step.verdict == WORD_COUNTED)
		ret->soft_count = word_unpack(step.to).strikes;
}

static bool word_is_proven(const struct lull_call *call, uint32_t kind, const struct charge *charge)
{
	bool status_came = charge->http_status > 0;

	switch (kind) {
	case LULL_KIND_ENDPOINT:
		/* where connections are not seen, status lines are not either: a verdict will do */
		return status_came ||
		       (!call->options.connection_driver && charge->proof != LULL_PROOF_NONE);
	case LULL_KIND_CREDENTIAL:
		return status_came && charge->scope == LULL_KIND_ROUTE;
	default:
		return false;
	}
}

static void word_spare(struct lull_call *call, struct route_word *word, const struct charge *charge,
		       uint64_t now_ms)
{
	struct word_event e = event_of(call, word, now_ms);

	if (word_is_proven(call, word->key.kind, charge)) {
		if (word->key.kind == LULL_KIND_ENDPOINT && e.headers_ms == LULL_NEVER)
			e.headers_ms = now_ms; /* a status line came, if not a 2xx */
		(void)word_apply(call, word, word_headers, &e);
	}
	(void)word_apply(call, word, word_hand_back, &e); /* nothing, where it opened */
}

static void answer_finish(struct lull_call *call, struct call_route *r, uint64_t now_ms)
{
	for (uint32_t i = 0; i < r->word_count; i++) {
		struct word_event e = event_of(call, &r->words[i], now_ms);

		if (e.headers_ms == LULL_NEVER)
			e.headers_ms = e.start_ms; /* a driver without headers */
		(void)word_apply(call, &r->words[i], word_answered, &e);
		if (r->words[i].slot)
			slot_count(r->words[i].slot, SLOT_ANSWERS);
	}
}

static struct charged failure_finish(struct lull_call *call, struct call_route *r,
				     const struct charge *charge, uint64_t now_ms)
{
	struct charged charged = {0};
	uint32_t scope = charge->scope;
	bool cools = charge->proof != LULL_PROOF_NONE && charge->cooldown.for_ms > 0;

	if (!route_has_kind(r, scope))
		scope = LULL_KIND_ROUTE; /* a keyless route's "credential" is the route */
	for (uint32_t i = 0; i < r->word_count; i++) {
		if (cools && is_charged(r, i, scope))
			word_charge(call, &r->words[i], charge, now_ms, &charged);
		else
			word_spare(call, &r->words[i], charge, now_ms);
	}
	return charged;
}

struct charged attempt_finish(struct lull_call *call, struct call_route *r,
			      const struct charge *charge, uint64_t now_ms)
{
	struct charged charged = {0};

	if (charge->class_id == LULL_CLASS_ANSWERED)
		answer_finish(call, r, now_ms);
	else
		charged = failure_finish(call, r, charge, now_ms);
	if (charged_word(r)->slot)
		slot_count_outcome(charged_word(r)->slot, charge->class_id);
	words_forget_attempt(r);
	route_limits_settle(call, r, 1, charge->tokens, now_ms);
	return charged;
}
