/* SPDX-License-Identifier: MIT */
/*
 * Many random scripts: several processes make calls on one table, an operator interferes, and all
 * of it is mixed, down to the moment between a call's look at the words and its change of one. What
 * may come of it is not said call by call but as properties that no script may break:
 *
 *     - never two holders of an unexpired lease on one word
 *     - nothing but an operator and a `try` that was answered shortens a running cooldown;
 *       another's lease is ended by an older prober's success only; a soft count never opens what
 *       is shut, but for its own probe of a rate limit
 *     - a skip does not touch the word it met
 *     - what cools nothing changes no word, but for leases handed back and endpoints that have
 *       shown that they work; what cools for sure leaves a key shut; an attempt leaves no lease
 *       behind (all of this in word_watch.c, at every change of a word)
 *     - a route is handed out only if all its keys are ready, or as the last resort of `try`
 *     - no call sleeps or gives up while an untried route is ready, and none tries a failed route
 *       again before that
 *     - a call that has handed out nothing ends inside its budget; none spins
 *     - the result and the exit code fit what was met
 *
 *     test_call_random [SCRIPTS [FIRST_SEED]]
 *
 * A failure prints its seed: `test_call_random 1 SEED` runs that script alone.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "call_fixture.h"
#include "cooldown.h"
#include "cunit_main.h"
#include "word_watch.h"

#define PROCESSES 5u
#define CALLS     3u     /* of one process, at most */
#define STEPS     20000u /* of one script: far more than any takes */
#define NOBODY    UINT32_MAX
#define OPERATOR  (WATCH_PROCESSES - 1)

static uint64_t script_count = 20000, first_seed = 1;
static uint64_t seed, random_state;
static bool broken; /* a property was broken: the script ends */

void watch_broken(const char *format, ...)
{
	va_list args;

	if (!broken) {
		fprintf(stderr, "seed %" PRIu64 ": ", seed);
		va_start(args, format);
		vfprintf(stderr, format, args);
		va_end(args);
		fprintf(stderr, "\n");
		CU_FAIL("a property of the call does not hold");
	}
	broken = true;
}
#define fail watch_broken

static uint32_t below(uint32_t bound)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)((random_state >> 33) % bound);
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

/* A time of any order of magnitude up to most_ms, often 0. */
static uint32_t some_ms(uint32_t most_ms)
{
	return one_in(4) ? 0 : below(1 + (most_ms >> below(12)));
}

/* ------------------------------------------------------------------ processes */

enum stage { IDLE, DECIDING, ATTEMPTING, SLEEPING, GONE };

/* What the attempt that is running will meet, as far as its limits let it. */
struct plan {
	struct lull_outcome outcome;
	uint64_t connected_ms, accepted_ms, content_ms, end_ms; /* absolute; LULL_NEVER not */
};

struct process {
	enum stage stage;
	bool busy; /* inside a function of the call */
	uint64_t due_ms;
	uint32_t calls_left;
	struct caller caller;
	struct lull_call_options options; /* of the call */
	struct plan plan;

	/* what this call has seen */
	uint64_t begin_ms;
	bool tried[WORLD_ROUTES];
	uint32_t attempts, met, last_class;
	bool content;
	uint32_t steps, steps_now; /* in all, and at one instant */
	uint64_t step_at_ms;
};

static struct world w;
static struct process processes[PROCESSES];
static uint32_t process_count;
static uint64_t operations; /* so far; shows whether others acted in between */

static void act_as(uint32_t id, enum watch_phase phase)
{
	const struct process *p = &processes[id < PROCESSES ? id : 0];

	operations++;
	watch_actor = (struct watch_actor){
		.process = id,
		.phase = phase,
		.now_ms = w.now_ms,
		.probes = p->options.probe != 0,
		.tries = p->options.when_cooling == LULL_WHEN_COOLING_TRY,
	};
}

static bool is_usable(uint32_t route)
{
	return !(w.routes[route].flags & LULL_ROUTE_UNUSABLE);
}

/* Is the route ready, as this process sees it? */
static bool is_ready(const struct process *p, uint32_t route)
{
	const struct lull_route *r = &w.routes[route];
	bool heeds = p->options.probe != 0;

	return !watch_is_shut(LULL_KIND_ROUTE, r->route_key, heeds) &&
	       !watch_is_shut(LULL_KIND_CREDENTIAL, r->credential_key, heeds) &&
	       !watch_is_shut(LULL_KIND_ENDPOINT, r->endpoint_key, heeds) &&
	       !watch_is_shut(LULL_KIND_NAME, r->names[0], heeds);
}

/* ------------------------------------------------------------------ an attempt */

static bool comes_after_headers(uint32_t class_id)
{
	return class_id == LULL_CLASS_ANSWERED || class_id == LULL_CLASS_MALFORMED_RESPONSE ||
	       class_id == LULL_CLASS_TRUNCATED_STREAM;
}

static bool cools_nothing(uint32_t class_id)
{
	return class_id != LULL_CLASS_ANSWERED &&
	       lull_class_info(class_id)->proof == LULL_PROOF_NONE;
}

static struct lull_outcome some_outcome(void)
{
	/* all that an attempt can report; the common ones more often */
	static const uint32_t classes[] = {
		LULL_CLASS_ANSWERED,
		LULL_CLASS_ANSWERED,
		LULL_CLASS_ANSWERED,
		LULL_CLASS_RATE_LIMITED,
		LULL_CLASS_RATE_LIMITED,
		LULL_CLASS_RATE_LIMITED,
		LULL_CLASS_OVERLOADED,
		LULL_CLASS_SERVER_ERROR,
		LULL_CLASS_SERVER_ERROR,
		LULL_CLASS_MALFORMED_RESPONSE,
		LULL_CLASS_TRUNCATED_STREAM,
		LULL_CLASS_NETWORK,
		LULL_CLASS_NETWORK,
		LULL_CLASS_QUOTA_EXHAUSTED,
		LULL_CLASS_AUTH,
		LULL_CLASS_PERMISSION,
		LULL_CLASS_MODEL_NOT_FOUND,
		LULL_CLASS_TIMEOUT,
		LULL_CLASS_LOCAL,
		LULL_CLASS_CONTEXT_WINDOW,
		LULL_CLASS_CONTENT_POLICY,
		LULL_CLASS_BAD_REQUEST,
		LULL_CLASS_BAD_REQUEST,
		LULL_CLASS_TOO_LARGE,
		LULL_CLASS_CANCELLED,
		LULL_CLASS_SUSPENDED,
		LULL_CLASS_COMMAND,
	};
	struct lull_outcome outcome =
		outcome_of(classes[below(sizeof(classes) / sizeof(classes[0]))]);

	if (one_in(2))
		outcome.hint_ms = some_ms(20000);
	if (cools_nothing(outcome.class_id))
		return outcome;
	if (one_in(5))
		outcome.proof = below(3);
	if (one_in(5))
		outcome.scope = LULL_KIND_ROUTE + below(3);
	return outcome;
}

static void plan_attempt(struct process *p)
{
	struct plan *plan = &p->plan;
	uint64_t at_ms = w.now_ms;

	*plan = (struct plan){some_outcome(), LULL_NEVER, LULL_NEVER, LULL_NEVER, 0};
	if (plan->outcome.class_id != LULL_CLASS_NETWORK)
		plan->connected_ms = at_ms += some_ms(2000);
	if (comes_after_headers(plan->outcome.class_id)) {
		plan->accepted_ms = at_ms += some_ms(30000);
		if (plan->outcome.class_id == LULL_CLASS_ANSWERED || one_in(2))
			plan->content_ms = at_ms += some_ms(5000);
	}
	plan->end_ms = at_ms + some_ms(60000);
}

/* The next event of the plan; its time there. */
static uint64_t *next_event(struct plan *plan)
{
	if (plan->connected_ms != LULL_NEVER)
		return &plan->connected_ms;
	if (plan->accepted_ms != LULL_NEVER)
		return &plan->accepted_ms;
	return plan->content_ms != LULL_NEVER ? &plan->content_ms : &plan->end_ms;
}

static uint64_t limit_of(const struct process *p)
{
	const struct lull_step *step = &p->caller.step;

	if (p->content)
		return LULL_NEVER;
	if (p->plan.connected_ms != LULL_NEVER)
		return step->connect_by_ms;
	return p->plan.accepted_ms != LULL_NEVER || !comes_after_headers(p->plan.outcome.class_id)
		       ? step->headers_by_ms
		       : step->budget_by_ms;
}

static uint64_t attempt_due_ms(struct process *p)
{
	uint64_t event_ms = *next_event(&p->plan), limit_ms = limit_of(p);

	return event_ms < limit_ms ? event_ms : limit_ms;
}

/* ------------------------------------------------------------------ what is checked at a step */

/* What a process saw before its step. */
struct sight {
	bool ready[WORLD_ROUTES];
};

static struct sight look(const struct process *p)
{
	struct sight sight = {{false}};

	for (uint32_t i = 0; i < w.route_count; i++)
		sight.ready[i] = is_usable(i) && is_ready(p, i);
	return sight;
}

static bool an_untried_route_was_ready(const struct process *p, const struct sight *sight)
{
	for (uint32_t i = 0; i < w.route_count; i++)
		if (sight->ready[i] && !p->tried[i])
			return true;
	return false;
}

static void check_try(const struct process *p, const struct sight *sight)
{
	uint32_t route = p->caller.step.route;
	bool other_was_ready = !p->tried[route] ? false : an_untried_route_was_ready(p, sight);

	if (!sight->ready[route] && p->options.when_cooling != LULL_WHEN_COOLING_TRY)
		fail("route %u is handed out although it is shut", route);
	if (!sight->ready[route] && an_untried_route_was_ready(p, sight))
		fail("route %u is shut, and is tried although another is ready", route);
	if (other_was_ready && p->options.num_retries == 0)
		fail("route %u is tried again before an untried one", route);
}

static void check_limits(const struct process *p)
{
	uint64_t deadline_ms = p->begin_ms + p->options.budget_ms;

	if (!is_usable(p->caller.step.route))
		fail("an unusable route is handed out");
	if (w.now_ms >= deadline_ms)
		fail("an attempt begins after the deadline");
	if (p->caller.step.headers_by_ms > deadline_ms ||
	    p->caller.step.connect_by_ms > deadline_ms)
		fail("an attempt may pass the deadline");
}

static void check_sleep(const struct process *p)
{
	if (p->caller.step.until_ms <= w.now_ms)
		fail("a sleep that is over before it begins");
	if (p->caller.step.until_ms > p->begin_ms + p->options.budget_ms)
		fail("a sleep beyond the budget");
}

static bool has_met(const struct process *p, uint32_t class_id)
{
	return p->met >> class_id & 1;
}

/* The classes of the request's own fault among those given. */
static uint32_t refusals(uint32_t met)
{
	uint32_t found = 0;

	for (uint32_t id = 0; id < LULL_CLASS_COUNT; id++)
		if (met >> id & 1 && lull_class_info(id)->blames_request)
			found |= 1u << id;
	return found;
}

static bool any_is_usable(void)
{
	for (uint32_t i = 0; i < w.route_count; i++)
		if (is_usable(i))
			return true;
	return false;
}

static bool all_were_tried(const struct process *p)
{
	for (uint32_t i = 0; i < w.route_count; i++)
		if (is_usable(i) && !p->tried[i])
			return false;
	return true;
}

static bool result_fits(const struct process *p)
{
	bool late = w.now_ms >= p->begin_ms + p->options.budget_ms;
	bool only_refusals = p->met && p->met == refusals(p->met);

	switch (p->caller.step.result) {
	case LULL_RESULT_ANSWERED:
		return p->last_class == LULL_CLASS_ANSWERED;
	case LULL_RESULT_FAILED: /* with nothing but refusals, somebody was not asked */
		return p->attempts > 0 && !(only_refusals && all_were_tried(p));
	case LULL_RESULT_DEADLINE:
		return late || has_met(p, LULL_CLASS_SUSPENDED);
	case LULL_RESULT_COOLING:
		return p->attempts == 0 && any_is_usable();
	case LULL_RESULT_REFUSED:
		return refusals(p->met) != 0;
	case LULL_RESULT_AUTH:
		return p->met == 1u << LULL_CLASS_AUTH;
	case LULL_RESULT_CONFIG:
		return !any_is_usable();
	case LULL_RESULT_CANCELLED:
		return has_met(p, LULL_CLASS_CANCELLED);
	default:
		return false;
	}
}

static void check_done(const struct process *p)
{
	static const int codes[] = {0, 69, 124, 75, 65, 77, 78, 130};
	const struct lull_step *step = &p->caller.step;

	if (!result_fits(p) || step->exit_code != codes[step->result])
		fail("result %u, exit code %d after %u attempts that met %x", step->result,
		     step->exit_code, p->attempts, p->met);
	if ((step->result == LULL_RESULT_ANSWERED) != has_met(p, LULL_CLASS_ANSWERED))
		fail("an answer is not what the call says");
	if (!p->content && w.now_ms > p->begin_ms + p->options.budget_ms)
		fail("a call of %u ms ends after %" PRIu64, p->options.budget_ms,
		     w.now_ms - p->begin_ms);
}

static bool gives_up(const struct process *p)
{
	uint32_t result = p->caller.step.result;

	return p->caller.step.action == LULL_ACTION_DONE && !p->content &&
	       (result == LULL_RESULT_FAILED || result == LULL_RESULT_COOLING ||
		result == LULL_RESULT_AUTH);
}

/* A number of steps that only a call that spins would need. */
static void check_steps(struct process *p)
{
	uint32_t tries = w.route_count * (3 + p->options.num_retries);
	uint32_t at_once = 8 * (tries + PROCESSES);
	uint64_t expiries = (w.now_ms - p->begin_ms) / COOLDOWN_FLOOR_MS + 1;

	p->steps++;
	p->steps_now = w.now_ms == p->step_at_ms ? p->steps_now + 1 : 1;
	p->step_at_ms = w.now_ms;
	if (p->steps_now > at_once)
		fail("%u steps at one instant", p->steps_now);
	if (p->steps > at_once + expiries * 2 * watch_key_count())
		fail("%u steps", p->steps);
}

/* What another process did in the middle of the step would be held against this one. */
static void check_step(struct process *p, const struct sight *sight, bool undisturbed)
{
	switch (p->caller.step.action) {
	case LULL_ACTION_TRY:
		check_limits(p);
		if (undisturbed)
			check_try(p, sight);
		break;
	case LULL_ACTION_SLEEP:
		check_sleep(p);
		if (undisturbed && an_untried_route_was_ready(p, sight))
			fail("a sleep while an untried route is ready");
		break;
	default:
		check_done(p);
		if (undisturbed && gives_up(p) && an_untried_route_was_ready(p, sight))
			fail("a call gives up while an untried route is ready");
	}
	check_steps(p);
}

/* ------------------------------------------------------------------ the steps of a process */

static void process_ends_call(struct process *p, uint32_t id)
{
	act_as(id, WATCH_NOTHING);
	caller_end(&p->caller);
	watch_attempt_ended(id);
	p->stage = --p->calls_left ? IDLE : GONE;
	p->due_ms = w.now_ms + some_ms(10000);
}

static void process_decides(struct process *p, uint32_t id)
{
	uint64_t sleeps_until_ms = p->stage == SLEEPING ? p->caller.step.until_ms : 0;
	struct sight sight;
	uint64_t operation;

	act_as(id, WATCH_NEXT);
	operation = operations;
	sight = look(p);
	p->busy = true;
	(void)caller_next(&p->caller);
	p->busy = false;
	if (sleeps_until_ms > w.now_ms && p->caller.step.until_ms == sleeps_until_ms)
		return; /* woken for nothing, it sleeps on */
	check_step(p, &sight, operation == operations);
	switch (p->caller.step.action) {
	case LULL_ACTION_TRY:
		p->attempts++;
		p->stage = ATTEMPTING;
		plan_attempt(p);
		p->due_ms = attempt_due_ms(p);
		break;
	case LULL_ACTION_SLEEP:
		p->stage = SLEEPING;
		p->due_ms = p->caller.step.until_ms;
		break;
	default:
		process_ends_call(p, id);
	}
}

/* Said by the provider about itself, and nobody says "0". */
static bool cools_for_sure(const struct process *p, const struct lull_outcome *outcome)
{
	return lull_class_info(outcome->class_id)->proof == LULL_PROOF_HARD &&
	       (outcome->proof == LULL_UNSET || outcome->proof == LULL_PROOF_HARD) &&
	       outcome->hint_ms != 0 && p->options.cooldown_ms != 0 &&
	       w.routes[p->caller.step.route].cooldown_ms != 0;
}

static enum watch_phase phase_of(const struct lull_outcome *outcome)
{
	if (outcome->class_id == LULL_CLASS_ANSWERED)
		return WATCH_ANSWER;
	return cools_nothing(outcome->class_id) ? WATCH_NOTHING : WATCH_ATTEMPT;
}

static void process_reports(struct process *p, uint32_t id, const struct lull_outcome *outcome)
{
	struct lull_trail_entry entry;

	act_as(id, phase_of(outcome));
	watch_actor.status_came = outcome->http_status != 0;
	report_outcome(&p->caller, outcome);
	watch_attempt_ended(id);
	entry = last_entry(&p->caller, LULL_TRAIL_ATTEMPT);
	if (cools_for_sure(p, outcome) && entry.ready_in_ms == 0)
		fail("class %u has cooled nothing", outcome->class_id);
	p->tried[p->caller.step.route] = true;
	p->met |= 1u << entry.class_id;
	p->last_class = entry.class_id;
	p->stage = DECIDING;
	p->due_ms = w.now_ms;
}

static void process_meets_a_limit(struct process *p, uint32_t id)
{
	bool connecting = p->plan.connected_ms != LULL_NEVER;
	struct lull_outcome limit =
		outcome_of(connecting ? LULL_CLASS_NETWORK : LULL_CLASS_TIMEOUT);

	limit.http_status = 0;
	limit.ours = 1;
	process_reports(p, id, &limit);
}

static void process_goes_on(struct process *p, uint32_t id)
{
	uint64_t *event_ms = next_event(&p->plan);

	if (one_in(60)) { /* the user leaves */
		process_ends_call(p, id);
		return;
	}
	if (w.now_ms < *event_ms) {
		process_meets_a_limit(p, id);
		return;
	}
	if (event_ms == &p->plan.end_ms) {
		process_reports(p, id, &p->plan.outcome);
		return;
	}
	act_as(id, WATCH_ATTEMPT);
	if (event_ms == &p->plan.connected_ms)
		progress(&p->caller, LULL_PROGRESS_CONNECTED);
	else if (event_ms == &p->plan.accepted_ms)
		progress(&p->caller, LULL_PROGRESS_ACCEPTED);
	else
		progress(&p->caller, LULL_PROGRESS_CONTENT);
	p->content |= event_ms == &p->plan.content_ms;
	*event_ms = LULL_NEVER;
	p->due_ms = attempt_due_ms(p);
}

static void process_begins_call(struct process *p)
{
	struct lull_call_options *o = &w.options;

	o->seed = 1 + below(1000000);
	o->when_cooling = below(3);
	o->policy = one_in(4) ? LULL_POLICY_ADAPTIVE : LULL_POLICY_DEFAULT;
	o->budget_ms = one_in(3) ? 45000 : 1 + some_ms(100000);
	o->num_retries = one_in(4) ? below(4) : 0;
	o->soft_failures = 1 + below(4);
	o->probe = !one_in(8);
	o->connection_driver = !one_in(4);
	o->cooldown_ms = one_in(3) ? some_ms(10000) : LULL_UNSET;
	o->max_cooldown_ms = one_in(3) ? 50 + some_ms(10000) : LULL_MAX_COOLDOWN_MS;
	*p = (struct process){.calls_left = p->calls_left,
			      .options = *o,
			      .begin_ms = w.now_ms,
			      .last_class = LULL_CLASS_COUNT,
			      .stage = DECIDING,
			      .due_ms = w.now_ms};
	caller_begin(&p->caller, &w);
}

static void process_step(uint32_t id)
{
	struct process *p = &processes[id];

	switch (p->stage) {
	case IDLE:
		process_begins_call(p);
		break;
	case DECIDING:
	case SLEEPING:
		process_decides(p, id);
		break;
	case ATTEMPTING:
		process_goes_on(p, id);
		break;
	case GONE:
		break;
	}
}

/* Another process acts in the middle of a step: one that begins, looks again, or is due. */
static void meanwhile_another(void)
{
	uint32_t id = below(process_count);
	struct process *p = &processes[id];

	if (!one_in(4) || p->busy || p->stage == GONE ||
	    (p->stage == ATTEMPTING && p->due_ms > w.now_ms))
		return;
	process_step(id);
}

static void operator_acts(void)
{
	uint32_t kind;
	const char *key;

	watch_key_at(below(watch_key_count()), &kind, &key);
	act_as(OPERATOR, WATCH_OPERATOR);
	switch (below(4)) {
	case 0:
		(void)lull_key_cool(w.table, kind, key, 1 + some_ms(20000), w.now_ms);
		break;
	case 1:
		(void)lull_key_hold(w.table, kind, key, w.now_ms);
		break;
	default:
		(void)lull_key_clear(w.table, kind, key, w.now_ms);
	}
}

/* ------------------------------------------------------------------ a script */

/* Who is due first; of several, any. A sleeper is due at once when something became ready early. */
static uint32_t who_is_due(void)
{
	uint64_t soonest_ms = UINT64_MAX;
	uint32_t due = NOBODY, rivals = 0;

	for (uint32_t i = 0; i < process_count; i++) {
		struct process *p = &processes[i];

		if (p->stage == SLEEPING && lull_table_serial(w.table) != p->caller.step.serial)
			p->due_ms = w.now_ms;
		if (p->stage == GONE || p->due_ms > soonest_ms)
			continue;
		rivals = p->due_ms < soonest_ms ? 1 : rivals + 1;
		soonest_ms = p->due_ms;
		if (one_in(rivals))
			due = i;
	}
	if (due != NOBODY && soonest_ms > w.now_ms)
		w.now_ms = soonest_ms;
	return due;
}

static void routes_make(void)
{
	for (uint32_t i = 0; i < w.route_count; i++) {
		struct lull_route *r = &w.routes[i];

		if (i > 0 && one_in(3))
			r->credential_key = w.routes[below(i)].credential_key;
		if (i > 0 && one_in(3))
			r->endpoint_key = w.routes[below(i)].endpoint_key;
		if (one_in(6))
			r->credential_key = NULL;
		if (one_in(3))
			r->names[0] = one_in(2) ? "fast" : "slow";
		if (one_in(10))
			r->flags = LULL_ROUTE_UNUSABLE;
		else if (one_in(5))
			r->flags = LULL_ROUTE_LOOPBACK;
		r->vendor = below(4);
		r->timeout_ms = one_in(4) ? 1 + some_ms(20000) : 0;
		r->cooldown_ms = one_in(4) ? some_ms(10000) : LULL_UNSET;
		watch_key(LULL_KIND_ROUTE, r->route_key);
		watch_key(LULL_KIND_CREDENTIAL, r->credential_key);
		watch_key(LULL_KIND_ENDPOINT, r->endpoint_key);
		watch_key(LULL_KIND_NAME, r->names[0]);
	}
}

static void script_begin(void)
{
	random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
	broken = false;
	world_make(&w, 1 + below(5));
	watch_begin(w.table, one_in(2) ? meanwhile_another : NULL);
	routes_make();
	process_count = 1 + below(PROCESSES);
	for (uint32_t i = 0; i < process_count; i++)
		processes[i] = (struct process){.calls_left = 1 + below(CALLS),
						.due_ms = w.now_ms + some_ms(3000)};
}

/* What was met over all scripts: a property that never had a chance to break says nothing. */
static struct {
	uint64_t steps, attempts, sleeps, leases, results[LULL_RESULT_CANCELLED + 1];
} seen;

static void script_end(void)
{
	for (uint32_t i = 0; i < process_count; i++) {
		act_as(i, WATCH_NOTHING);
		caller_end(&processes[i].caller);
	}
	seen.leases += watch_end();
	world_end(&w);
}

static void see(const struct process *p)
{
	const struct lull_step *step = &p->caller.step;

	seen.steps++;
	seen.attempts += p->stage == ATTEMPTING;
	seen.sleeps += p->stage == SLEEPING;
	if (step->action == LULL_ACTION_DONE && step->result <= LULL_RESULT_CANCELLED)
		seen.results[step->result]++;
}

static void script_run(void)
{
	uint32_t steps, id;

	script_begin();
	for (steps = 0; steps < STEPS && !broken && (id = who_is_due()) != NOBODY; steps++) {
		process_step(id);
		see(&processes[id]);
		if (one_in(25))
			operator_acts();
	}
	if (steps == STEPS)
		fail("the script does not end");
	script_end();
}

static void test_random_scripts(void)
{
	for (seed = first_seed; seed < first_seed + script_count; seed++) {
		script_run();
		if (broken)
			return;
	}
	printf("%" PRIu64 " scripts, %" PRIu64 " steps, %" PRIu64 " of attempts, %" PRIu64
	       " sleeps, %" PRIu64 " leases\n",
	       script_count, seen.steps, seen.attempts, seen.sleeps, seen.leases);
	if (script_count < 1000)
		return;
	for (uint32_t i = 0; i <= LULL_RESULT_CANCELLED; i++)
		CU_ASSERT(seen.results[i] > script_count / 1000);
	CU_ASSERT(seen.leases > script_count / 10);
	CU_ASSERT(seen.sleeps > script_count / 10);
}

int main(int argc, char **argv)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_random_scripts),
	};

	if (argc > 1)
		script_count = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		first_seed = strtoull(argv[2], NULL, 10);
	return CUNIT_MAIN("call: random scripts", tests);
}
