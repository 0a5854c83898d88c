/* SPDX-License-Identifier: MIT */
/*
 * The decision loop as a state machine: which route next, how long it may take, when to sleep, when
 * to stop. No I/O, no clock, no allocation after begin.
 *
 * A route is FRESH until this call has tried it, then FAILED (it may come again; AGAIN when a
 * further pass has begun) or OUT (it may not: it refused the request itself, or cannot be used).
 * lull_call_next() looks, in this order, for
 *
 *     1. a fresh route that is ready, in the order of the list; routes that an error leads to
 *        (context_window_fallbacks and the like) come before the list once that error was met.
 *        Then, likewise, one of the pass that has begun
 *     2. a failed route whose cooldown has ended: a further pass, at once
 *     3. when_cooling: try: the cooling route that ends first
 *     4. a failed route that never cooled: a further pass, after a pause
 *     5. when_cooling: wait: a cooling route whose end leaves a useful rest of the budget
 *
 * and ends the call when there is none. A route whose limits (requests or tokens a minute, requests
 * at once) have no room is passed over like one that cools; if all that could be tried are, the
 * call sleeps until the first has room again, or somebody makes some.
 *
 * Every step consumes something finite: a fresh route, one of two passes, or time; a sleep always
 * lies ahead. So no call spins.
 *
 * Policy `tutorial` runs through the same code with other settings: any exception cools its route
 * for 60 s, no probe, no further passes, the whole rest of the budget for each attempt.
 */
#include <errno.h>

#include "call_internal.h"

#define PASSES_MAX       2u     /* further passes over routes that failed */
#define PAUSE_FIRST_MS   500u   /* before the first, times 0.5 to 1.5 */
#define PAUSE_SECOND_MS  2000u  /* before the second, likewise */
#define USEFUL_REST_MS   5000u  /* a sleep must leave this, or a quarter of the budget if less */
#define ROOM_SCATTER_MS  10u    /* several times what programs differ by when they wake */
#define FURTHER_ROUTE_MS 10000u /* kept back for each further ready route */

/* splitmix64: pauses need spread, not secrecy */
static uint32_t random_below(struct lull_call *call, uint32_t bound)
{
	uint64_t z;

	call_draw(call);
	z = (call->random += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return (uint32_t)(z % bound);
}

/* ------------------------------------------------------------------ what is ready */

/* Has an error led to this route, or does it stand in the list anyway? */
static bool is_open_to_call(const struct lull_call *call, const struct call_route *r)
{
	if (call->only_classes)
		return r->route.after_classes & call->only_classes;
	return !r->route.after_classes || (r->route.after_classes & call->seen_classes);
}

/*
 * The routes open to the call, one after another: those that an error leads to first. The tutorial
 * goes on behind the route that failed. Start with *turn = 0; NULL at the end.
 */
static struct call_route *route_next(struct lull_call *call, uint32_t *turn)
{
	uint32_t first = is_tutorial(call) ? call->cursor : 0;
	uint32_t count = call->route_count;

	while (count > 0 && *turn < 2 * count) {
		struct call_route *r = &call->routes[(*turn + first) % count];
		bool led = *turn < count;

		(*turn)++;
		if ((r->route.after_classes != 0) == led && is_open_to_call(call, r))
			return r;
	}
	return NULL;
}

static uint32_t further_ready_count(struct lull_call *call, const struct call_route *chosen,
				    uint64_t now_ms)
{
	const struct route_word *shut;
	struct call_route *r;
	uint32_t count = 0;

	for (uint32_t turn = 0; (r = route_next(call, &turn));)
		if (r != chosen && is_due(r) && route_ready_in_ms(call, r, now_ms, &shut) == 0 &&
		    route_room(call, r, now_ms).in_ms == 0)
			count++;
	return count;
}

/* What could still be waited for. */
struct waiting {
	struct call_route *soonest; /* shut, ends first; NULL none */
	uint64_t soonest_ms;        /* from now; LULL_NEVER none */
	uint64_t room_ms; /* until the first due route that lacks only room has some; LULL_NEVER */
	bool for_permit;  /* a permit is among that: any moment may bring one */
	bool ended;       /* a failed route's cooldown has ended */
	bool softly;      /* a failed route is ready and never cooled */
	bool any_ready;   /* a route that could be asked again by a new call */
};

/* Is it a limit that keeps the route back, rather than a cooldown? */
static bool waits_for_room(struct lull_call *call, struct call_route *r, uint64_t ready_in_ms,
			   uint64_t now_ms, struct waiting *waiting)
{
	struct room room = route_room(call, r, now_ms);

	if (call->options.when_cooling == LULL_WHEN_COOLING_TRY)
		ready_in_ms = 0;
	if (room.in_ms == 0 || room.in_ms < ready_in_ms)
		return false;
	if (room.in_ms < waiting->room_ms)
		waiting->room_ms = room.in_ms;
	waiting->for_permit |= room.limit == LULL_LIMIT_PARALLEL;
	return true;
}

static struct waiting waiting_for(struct lull_call *call, uint64_t now_ms)
{
	struct waiting waiting = {.soonest_ms = LULL_NEVER, .room_ms = LULL_NEVER};
	const struct route_word *shut;
	struct call_route *r;

	for (uint32_t turn = 0; (r = route_next(call, &turn));) {
		uint64_t ready_in_ms;

		if (r->state == ROUTE_OUT)
			continue;
		ready_in_ms = route_ready_in_ms(call, r, now_ms, &shut);
		if (is_due(r) && waits_for_room(call, r, ready_in_ms, now_ms, &waiting))
			continue;
		if (is_due(r) && ready_in_ms == 0)
			ready_in_ms = 1; /* lost to another process, and free again already */
		if (ready_in_ms > 0 && (!waiting.soonest || ready_in_ms < waiting.soonest_ms)) {
			waiting.soonest_ms = ready_in_ms;
			waiting.soonest = r;
		}
		waiting.any_ready |= ready_in_ms == 0;
		if (ready_in_ms > 0)
			r->cooled = true; /* by us or by others: no pause after its end */
		else if (r->state == ROUTE_FAILED && r->cooled)
			waiting.ended = true;
		else if (r->state == ROUTE_FAILED)
			waiting.softly = true;
	}
	return waiting;
}

/* ------------------------------------------------------------------ steps */

static uint64_t at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t at_least(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* One silent route must not eat the budget: the limit until 2xx headers. */
static uint64_t headers_limit_ms(struct lull_call *call, const struct call_route *r,
				 uint32_t further_count, uint64_t left_ms)
{
	uint64_t quarter_ms = call->options.budget_ms / 4;
	uint64_t kept_back_ms = (uint64_t)FURTHER_ROUTE_MS * further_count;
	uint64_t limit_ms = left_ms > kept_back_ms ? left_ms - kept_back_ms : 0;
	const struct layout_slot *slot = charged_word(r)->slot;
	uint64_t usual_ms = slot ? slot_usual_limit_ms(slot) : 0;

	if (is_tutorial(call))
		return left_ms;
	if (r->route.timeout_ms)
		return at_most(r->route.timeout_ms, left_ms);
	if (further_count == 0)
		return left_ms;
	limit_ms = usual_ms ? usual_ms : at_least(limit_ms, left_ms / 2);
	return at_most(at_least(limit_ms, quarter_ms), left_ms);
}

static uint64_t limit_at(uint64_t now_ms, uint32_t limit_ms)
{
	return limit_ms ? now_ms + limit_ms : LULL_NEVER;
}

static void step_try(struct lull_call *call, struct call_route *r, uint64_t now_ms)
{
	uint64_t left_ms = call->deadline_ms - now_ms;
	uint32_t further = further_ready_count(call, r, now_ms);
	uint32_t connect_ms = r->route.connect_ms ? r->route.connect_ms : LULL_CONNECT_MS;
	uint64_t headers_by_ms;
	struct lull_trail_entry *entry;

	headers_by_ms = now_ms + headers_limit_ms(call, r, further, left_ms);
	call->step = (struct lull_step){
		.abi_version = LULL_ABI_VERSION,
		.action = LULL_ACTION_TRY,
		.route = r->index,
		.connect_by_ms = at_most(now_ms + connect_ms, headers_by_ms),
		.headers_by_ms = headers_by_ms,
		.content_by_ms = limit_at(now_ms, r->route.first_content_ms),
		.budget_by_ms = call->deadline_ms,
		.total_by_ms = limit_at(now_ms, r->route.total_ms),
		.idle_ms = r->route.idle_ms ? r->route.idle_ms : LULL_IDLE_MS,
		.renew_ms = attempt_holds_permit(r) ? LULL_PERMIT_RENEW_MS : 0,
	};
	call->attempt = (struct attempt){
		.running = true,
		.route = (uint32_t)(r - call->routes),
		.start_ms = now_ms,
		.headers_ms = LULL_NEVER,
		.trail = trail_add(call, now_ms, LULL_TRAIL_ATTEMPT, r->index),
	};
	entry = trail_entry(call, call->attempt.trail);
	entry->probe = attempt_holds_lease(r);
	call->cursor = (call->attempt.route + 1) % call->route_count;
	call->retry_route = LULL_UNSET;
}

static void step_sleep(struct lull_call *call, uint64_t now_ms, uint64_t until_ms, uint32_t serial)
{
	call->asleep = true;
	call->sleep_from_ms = now_ms;
	call->sleep_serial = serial;
	call->step = (struct lull_step){
		.abi_version = LULL_ABI_VERSION,
		.action = LULL_ACTION_SLEEP,
		.until_ms = until_ms,
		.serial = serial,
	};
}

/* Is there a route that has not said no to the request itself? */
static bool any_is_left(struct lull_call *call)
{
	struct call_route *r;

	for (uint32_t turn = 0; (r = route_next(call, &turn));)
		if (r->state != ROUTE_OUT)
			return true;
	return false;
}

/* Would more time have given one more attempt? What cools is excluded, not untried. */
static bool any_is_untried(struct lull_call *call, uint64_t now_ms)
{
	const struct route_word *shut;
	struct call_route *r;

	for (uint32_t turn = 0; (r = route_next(call, &turn));)
		if (r->state == ROUTE_FRESH && route_ready_in_ms(call, r, now_ms, &shut) == 0 &&
		    route_room(call, r, now_ms).in_ms == 0)
			return true;
	return false;
}

/* What the caller is told, from what was met. */
static uint32_t result_of(struct lull_call *call)
{
	uint32_t met = call->met_classes;
	uint32_t refusals = 0;

	for (uint32_t id = 0; id < LULL_CLASS_COUNT; id++)
		if (blames_request(id))
			refusals |= bit_of(id);
	if (met & bit_of(LULL_CLASS_ANSWERED))
		return LULL_RESULT_ANSWERED;
	if (met & bit_of(LULL_CLASS_CANCELLED))
		return LULL_RESULT_CANCELLED;
	if (call->out_of_time)
		return LULL_RESULT_DEADLINE;
	if (call->route_count == 0)
		return LULL_RESULT_CONFIG;
	if (met == 0) /* none is left: errors lead to them all, and there was none */
		return any_is_left(call) ? LULL_RESULT_COOLING : LULL_RESULT_CONFIG;
	if (call->refused_twice || (call->only_classes & refusals) ||
	    (call->stopped && blames_request(call->last_class)))
		return LULL_RESULT_REFUSED;
	if ((met & ~refusals) == 0 && !any_is_left(call))
		return LULL_RESULT_REFUSED;
	return met == bit_of(LULL_CLASS_AUTH) ? LULL_RESULT_AUTH : LULL_RESULT_FAILED;
}

static const int exit_codes[] = {
	[LULL_RESULT_ANSWERED] = 0, [LULL_RESULT_FAILED] = 69,     [LULL_RESULT_DEADLINE] = 124,
	[LULL_RESULT_COOLING] = 75, [LULL_RESULT_REFUSED] = 65,    [LULL_RESULT_AUTH] = 77,
	[LULL_RESULT_CONFIG] = 78,  [LULL_RESULT_CANCELLED] = 130,
};

/* The class to tell the caller about: the last failure, or what keeps the soonest route shut. */
static uint32_t class_to_tell(struct lull_call *call, uint32_t result,
			      const struct waiting *waiting, uint64_t now_ms)
{
	const struct route_word *shut = NULL;

	if (result == LULL_RESULT_CONFIG)
		return LULL_CLASS_CONFIG;
	if (result == LULL_RESULT_COOLING && waiting->room_ms < waiting->soonest_ms)
		return LULL_CLASS_RATE_LIMITED; /* by ourselves */
	if (result == LULL_RESULT_COOLING)
		(void)route_ready_in_ms(call, waiting->soonest, now_ms, &shut);
	if (!shut)
		return call->last_class;
	return word_unpack(atomic_load_explicit(&shut->slot->word, memory_order_relaxed)).cause;
}

static void finish(struct lull_call *call, uint64_t now_ms)
{
	struct waiting waiting = waiting_for(call, now_ms);
	uint32_t result = result_of(call);

	call->step = (struct lull_step){
		.abi_version = LULL_ABI_VERSION,
		.action = LULL_ACTION_DONE,
		.result = result,
		.exit_code = exit_codes[result],
		.class_id = class_to_tell(call, result, &waiting, now_ms),
		.ready_in_ms = result == LULL_RESULT_ANSWERED || waiting.any_ready
				       ? 0
				       : at_most(waiting.soonest_ms, waiting.room_ms),
	};
}

/* ------------------------------------------------------------------ deciding */

/* The same route once more, where that was asked for (num_retries). */
static bool try_retry(struct lull_call *call, uint64_t now_ms)
{
	const struct route_word *shut;
	struct call_route *r;

	if (call->retry_route == LULL_UNSET)
		return false;
	r = &call->routes[call->retry_route];
	call->retry_route = LULL_UNSET;
	if (route_ready_in_ms(call, r, now_ms, &shut) > 0)
		return false;
	if (route_room(call, r, now_ms).in_ms > 0)
		r->state = ROUTE_AGAIN; /* as soon as there is room */
	if (r->state == ROUTE_AGAIN || !attempt_acquire(call, r, now_ms))
		return false;
	step_try(call, r, now_ms);
	return true;
}

/* Why a route was passed over: what shuts it, else the limit that has no room. */
static void note_skip(struct lull_call *call, struct call_route *r, const struct route_word *shut,
		      uint64_t ready_in_ms, uint64_t now_ms)
{
	struct room room;

	if (shut) {
		if (trail_skip(call, r, shut, ready_in_ms, now_ms))
			slot_count(shut->slot, SLOT_SKIPS);
		return;
	}
	room = route_room(call, r, now_ms);
	if (room.in_ms > 0 && trail_limited(call, r, &room, now_ms))
		slot_count(room.word->slot, SLOT_LIMITED);
}

static bool try_in_state(struct lull_call *call, uint64_t now_ms, enum route_state state)
{
	struct call_route *r;

	for (uint32_t turn = 0; (r = route_next(call, &turn));) {
		const struct route_word *shut = NULL;
		uint64_t ready_in_ms;

		if (r->state != state)
			continue;
		ready_in_ms = route_ready_in_ms(call, r, now_ms, &shut);
		if (ready_in_ms == 0 && attempt_acquire(call, r, now_ms)) {
			step_try(call, r, now_ms);
			return true;
		}
		if (ready_in_ms == 0) /* lost the lease to another process just now */
			ready_in_ms = route_ready_in_ms(call, r, now_ms, &shut);
		note_skip(call, r, shut, ready_in_ms, now_ms);
	}
	return false;
}

/* A route that failed waits until the untried ones have had their turn. */
static bool try_due(struct lull_call *call, uint64_t now_ms)
{
	return try_retry(call, now_ms) || try_in_state(call, now_ms, ROUTE_FRESH) ||
	       try_in_state(call, now_ms, ROUTE_AGAIN);
}

static bool try_anyway(struct lull_call *call, uint64_t now_ms)
{
	struct call_route *soonest = NULL, *r;
	uint64_t soonest_ms = LULL_NEVER;

	for (uint32_t turn = 0; (r = route_next(call, &turn));) {
		const struct route_word *shut;
		uint64_t ready_in_ms;

		if (!is_due(r) || route_room(call, r, now_ms).in_ms > 0)
			continue;
		ready_in_ms = route_ready_in_ms(call, r, now_ms, &shut);
		if (ready_in_ms < soonest_ms) {
			soonest_ms = ready_in_ms;
			soonest = r;
		}
	}
	if (!soonest || !attempt_go_past(call, soonest, now_ms))
		return false;
	step_try(call, soonest, now_ms);
	return true;
}

/* Failed routes come again: those whose cooldown has ended, and with `softly` those that never
 * cooled. */
static void pass_begin(struct lull_call *call, uint64_t now_ms, bool softly)
{
	const struct route_word *shut;

	for (uint32_t i = 0; i < call->route_count; i++) {
		struct call_route *r = &call->routes[i];

		if (r->state != ROUTE_FAILED || route_ready_in_ms(call, r, now_ms, &shut) > 0 ||
		    (!r->cooled && !softly))
			continue;
		r->state = ROUTE_AGAIN;
		r->cooled = false;
	}
}

static uint64_t pause_ms(struct lull_call *call)
{
	uint32_t base_ms = call->pause_count++ == 0 ? PAUSE_FIRST_MS : PAUSE_SECOND_MS;

	return base_ms / 2 + random_below(call, base_ms + 1);
}

/* What a sleep must leave of the budget, to be of use. */
static uint64_t useful_rest_ms(const struct lull_call *call)
{
	return at_most(USEFUL_REST_MS, call->options.budget_ms / 4);
}

uint64_t lull_scatter_ms(uint64_t wait_ms, uint32_t random)
{
	return random % (at_most(LULL_SCATTER_MS, wait_ms) + 1);
}

/* A sleep that ends at a cooldown's expiry; 0 = not worth it. */
static uint64_t wake_at_ms(struct lull_call *call, uint64_t now_ms, uint64_t soonest_ms)
{
	uint64_t rest_ms = useful_rest_ms(call);
	uint64_t left_ms = call->deadline_ms - now_ms;
	uint64_t spare_ms;

	if (soonest_ms == LULL_NEVER)
		return 0;
	if (is_tutorial(call)) /* the tutorial's loop spins until then; asleep it costs nothing */
		return soonest_ms < left_ms ? now_ms + soonest_ms : 0;
	if (soonest_ms + rest_ms > left_ms)
		return 0;
	spare_ms = at_most(soonest_ms, left_ms - rest_ms - soonest_ms);
	return now_ms + soonest_ms + lull_scatter_ms(spare_ms, random_below(call, UINT32_MAX));
}

/* Who waits for room wakes when there is some, or this part of the wait later: enough that not
 * always the quickest program gets it, little enough that what a bucket gives is not lost. */
static uint64_t room_scatter_ms(struct lull_call *call, uint64_t room_ms)
{
	return random_below(call, (uint32_t)at_most(ROOM_SCATTER_MS, room_ms / 8) + 1);
}

/* A sleep that ends when there is room. For a permit, as long as it is of use; 0 = not worth it. */
static uint64_t wake_for_room_ms(struct lull_call *call, uint64_t now_ms,
				 const struct waiting *waiting)
{
	uint64_t left_ms = call->deadline_ms - now_ms, rest_ms = useful_rest_ms(call);

	if (waiting->room_ms == LULL_NEVER || left_ms <= rest_ms)
		return 0;
	if (waiting->room_ms <= left_ms - rest_ms)
		return now_ms + waiting->room_ms + room_scatter_ms(call, waiting->room_ms);
	return waiting->for_permit ? call->deadline_ms - rest_ms : 0;
}

/* Before a sleep: whoever makes room from now on wakes us, and whoever has just made some is seen.
 */
static bool try_after_mark(struct lull_call *call, uint64_t now_ms)
{
	struct call_route *r;

	for (uint32_t turn = 0; (r = route_next(call, &turn));)
		if (is_due(r))
			route_await_room(call, r);
	return try_due(call, now_ms) ||
	       (call->options.when_cooling == LULL_WHEN_COOLING_TRY && try_anyway(call, now_ms));
}

static uint64_t sooner(uint64_t a_ms, uint64_t b_ms)
{
	return a_ms && b_ms ? at_most(a_ms, b_ms) : at_least(a_ms, b_ms);
}

static bool passes_are_left(const struct lull_call *call)
{
	return call->passes < PASSES_MAX && !is_tutorial(call);
}

/* Nothing is ready. A further pass, a sleep, or the end. */
static void decide_without_due(struct lull_call *call, uint64_t now_ms, uint32_t serial)
{
	struct waiting waiting = waiting_for(call, now_ms);
	uint64_t wake_ms = 0;

	if (waiting.ended && (passes_are_left(call) || call->passing)) {
		if (!call->passing)
			call->passes++;
		pass_begin(call, now_ms, false);
		if (try_due(call, now_ms))
			return;
		waiting = waiting_for(call, now_ms); /* lost it to another process */
	}
	if (call->options.when_cooling == LULL_WHEN_COOLING_TRY && try_anyway(call, now_ms))
		return;
	if (call->options.when_cooling == LULL_WHEN_COOLING_WAIT)
		wake_ms = wake_at_ms(call, now_ms, waiting.soonest_ms);
	if (call->options.when_cooling != LULL_WHEN_COOLING_FAIL && waiting.room_ms != LULL_NEVER) {
		if (try_after_mark(call, now_ms))
			return;
		wake_ms = sooner(wake_ms, wake_for_room_ms(call, now_ms, &waiting));
	}
	if (waiting.softly && passes_are_left(call)) {
		if (!call->pause_until_ms)
			call->pause_until_ms = now_ms + pause_ms(call);
		if (call->pause_until_ms < call->deadline_ms)
			wake_ms = sooner(wake_ms, call->pause_until_ms);
	}
	if (wake_ms > now_ms)
		step_sleep(call, now_ms, wake_ms, serial);
	else
		finish(call, now_ms);
}

static void decide(struct lull_call *call, uint64_t now_ms)
{
	uint32_t serial = segment_serial(call->segment); /* before the words: no wake-up is lost */

	if (call->stopped || call->route_count == 0) {
		finish(call, now_ms);
		return;
	}
	if (now_ms >= call->deadline_ms) {
		call->out_of_time |= any_is_untried(call, now_ms);
		finish(call, now_ms);
		return;
	}
	if (try_due(call, now_ms))
		return;
	if (call->pause_until_ms && now_ms >= call->pause_until_ms) {
		call->pause_until_ms = 0;
		call->passes++;
		pass_begin(call, now_ms, true);
		if (try_due(call, now_ms))
			return;
	}
	decide_without_due(call, now_ms, serial);
}

/* Is the sleep over? Asking early repeats the step, so a driver's spurious wake-up costs nothing.
 */
static bool still_asleep(struct lull_call *call, uint64_t now_ms)
{
	return call->asleep && now_ms < call->step.until_ms &&
	       segment_serial(call->segment) == call->sleep_serial;
}

static void wake_up(struct lull_call *call, uint64_t now_ms)
{
	struct lull_trail_entry *entry = NULL;

	call->asleep = false;
	call->cursor = 0;
	if (call->trail.count > 0)
		entry = trail_entry(call, call->trail.count - 1);
	if (entry && entry->type == LULL_TRAIL_SLEEP) {
		entry->for_ms += now_ms - call->sleep_from_ms;
		return;
	}
	entry = trail_entry(call,
			    trail_add(call, call->sleep_from_ms, LULL_TRAIL_SLEEP, LULL_UNSET));
	entry->for_ms = now_ms - call->sleep_from_ms;
}

int lull_call_next(struct lull_call *call, uint64_t now_ms, struct lull_step *ret_step)
{
	if (!call || !ret_step)
		return -EINVAL;
	if (!call->attempt.running && call->step.action != LULL_ACTION_DONE &&
	    !still_asleep(call, now_ms)) {
		call->passing = call->asleep; /* a pass entered after a sleep is free */
		if (call->asleep)
			wake_up(call, now_ms);
		decide(call, now_ms);
		call->passing = false;
	}
	*ret_step = call->step;
	return 0;
}
