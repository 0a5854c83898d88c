/* SPDX-License-Identifier: MIT */
/*
 * The call: the fallback loop as a decision, without I/O.
 *
 * A call is what a user asked for: one answer, from whichever route of the list gives it first. An
 * attempt is one request to one route. This header decides which route is next, how long it may
 * take, what its outcome does to the table, and when to stop; the program around it talks to the
 * network:
 *
 *     lull_call_begin(&call, table, routes, n, &options, now)
 *     for (;;) {
 *             lull_call_next(call, now, &step);
 *             TRY:    make the request to routes[step.route] within the step's limits;
 *                     on the way lull_call_progress(), at its end lull_call_report()
 *             SLEEP:  lull_table_wait(table, step.serial, step.until_ms)
 *             DONE:   step.result, step.exit_code; break
 *     }
 *     lull_call_end(call)
 *
 * It has no clock of its own: every function takes `now_ms` (lull_clock_ms(); a test's own clock).
 * It allocates nothing after begin, never waits, never spins: each SLEEP lies in the future, and
 * the number of steps of one call is bounded.
 *
 * A call is used by one thread at a time. After fork() only one of the two processes may go on with
 * it.
 */
#ifndef LULL_CALL_H
#define LULL_CALL_H

#include <lull/limit.h>
#include <lull/table.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LULL_BUDGET_MS 45000u /* the tutorial's 45 seconds */
/* 1 h: no error shuts a route for longer, whatever a server claims */
#define LULL_MAX_COOLDOWN_MS 3600000u
#define LULL_SOFT_FAILURES   3u     /* LiteLLM's allowed_fails (2 there) + 1 */
#define LULL_CONNECT_MS      5000u  /* as the vendors' SDKs */
#define LULL_IDLE_MS         30000u /* between two deltas of a stream */
#define LULL_SCATTER_MS      2000u  /* see lull_scatter_ms() */
#define LULL_NAMES_MAX       4u   /* configured name, upstream name, provider/upstream, an alias */
#define LULL_ROUTES_MAX      256u /* arbitrary; far above any list seen */
#define LULL_RETRIES_MAX     16u  /* arbitrary: keeps the number of steps of a call bounded */

enum lull_policy {
	LULL_POLICY_DEFAULT = 0,
	/* any exception cools its route for 60 s, always goes on, no probe, no further passes;
	 * needs a table of its own */
	LULL_POLICY_TUTORIAL = 1,
	/* as default, but a length nobody said starts at 5 s and doubles to 30 s */
	LULL_POLICY_ADAPTIVE = 2
};

enum lull_when_cooling {
	/* sleep to the soonest expiry, if that leaves a useful rest of the budget */
	LULL_WHEN_COOLING_WAIT = 0,
	LULL_WHEN_COOLING_FAIL = 1, /* end at once */
	LULL_WHEN_COOLING_TRY = 2   /* take the one whose cooldown ends first */
};

enum lull_route_flag {
	LULL_ROUTE_LOOPBACK = 1, /* on this host: our own time-outs prove nothing */
	/* no known name, or no key: recorded in the trail as class config, never handed out */
	LULL_ROUTE_UNUSABLE = 2
};

/* One key of those that a name stands for: a name may be reached in several ways (a route each),
 * and each way stands on several keys. */
struct lull_way_key {
	uint32_t way;  /* equal numbers, one after another, are one way */
	uint32_t kind; /* enum lull_kind */
	const char *key;
};

struct lull_route {
	uint32_t abi_version;
	uint32_t flags;    /* enum lull_route_flag */
	const char *label; /* shown in the trail; all strings are borrowed until lull_call_end() */
	const char *route_key; /* keys without their kind; NULL or "" = this kind does not apply */
	const char *credential_key;
	const char *endpoint_key;
	/* names the call honours; judged as the route. A route without route_key charges
	 * names[0] */
	const char *names[LULL_NAMES_MAX];
	/* equal numbers are one vendor (rule of two refusals); 0 = a vendor of its own */
	uint32_t vendor;
	/* bit 1 << class for each class that leads to this route; 0 = always in the list */
	uint32_t after_classes;
	/* limit until 2xx headers, instead of the computed one; 0 = computed */
	uint32_t timeout_ms;
	uint32_t connect_ms;       /* 0 = LULL_CONNECT_MS */
	uint32_t first_content_ms; /* 0 = off */
	uint32_t idle_ms;          /* 0 = LULL_IDLE_MS */
	uint32_t total_ms;         /* 0 = off */
	/* the route's configured cooldown_time; LULL_UNSET = none, 0 = cools nothing */
	uint32_t cooldown_ms;
	/* for a route that is only a name: while each of its ways is shut for others, so is the
	 * route. Only read, never charged; borrowed until lull_call_end() */
	const struct lull_way_key *ways;
	uint32_t way_key_count;
	struct lull_limits limits; /* of the route, for all processes together; 0 = none */
	struct lull_limits credential_limits; /* of all routes with credential_key */
};
LULL_API void lull_route_init(struct lull_route *route);

/* `on:` of the configuration: overrides parts of a class's row for one call */
struct lull_rule {
	uint32_t class_id;
	uint32_t proof; /* enum lull_proof, or LULL_UNSET: the wire's */
	uint32_t scope; /* enum lull_kind, or LULL_UNSET: the wire's */
	uint32_t go;    /* enum lull_go, or LULL_UNSET */
	/* or LULL_UNSET; 0 = cools nothing. Replaces the class's length, not a hint */
	uint32_t for_ms;
};

struct lull_call_options {
	uint32_t abi_version;
	uint32_t policy;       /* enum lull_policy */
	uint32_t when_cooling; /* enum lull_when_cooling */
	uint32_t budget_ms;    /* 1 to 86,400,000 */
	/* further attempts of the same route at once, after a failure that cooled nothing; 0 to
	 * LULL_RETRIES_MAX */
	uint32_t num_retries;
	uint32_t soft_failures;   /* 1 to 31 */
	uint32_t probe;           /* 0: an ended cooldown opens the route to all */
	uint32_t max_cooldown_ms; /* 50 to 82,800,000 */
	uint32_t cooldown_ms;     /* the router's cooldown_time; LULL_UNSET = none */
	/* 1: the driver reports CONNECTED, so an endpoint's lease ends there; 0: it ends at
	 * report */
	uint32_t connection_driver;
	uint64_t seed;                 /* of the random pauses; 0 = from the kernel */
	const struct lull_rule *rules; /* borrowed until lull_call_begin() returns */
	uint32_t rule_count;
	/* what the request is expected to use of `tpm` limits, prompt and answer; 0 = a route is
	 * charged only what was used, afterwards */
	uint32_t tokens;
};
LULL_API void lull_call_options_init(struct lull_call_options *options);

struct lull_call; /* opaque */

/**
 * lull_call_begin() - start a call: its budget runs from @now_ms
 * @routes: primary, then fallbacks, in order; route_count 1 to LULL_ROUTES_MAX. Routes with the
 * same route_key (or, without one, the same names[0]) after the first are dropped: a duplicate is
 * no fallback
 * @ret_call: owned by the caller, ends with lull_call_end()
 *
 * Return: 0; -EINVAL an option or a route out of range; -ENAMETOOLONG a key over
 * LULL_KEY_BYTES_MAX; -EROFS @table is mapped for reading only; -ENOMEM.
 * Threads: safe on different calls of one table.  Signals: not from handlers.
 */
LULL_API int lull_call_begin(struct lull_call **ret_call, struct lull_table *table,
			     const struct lull_route *routes, uint32_t route_count,
			     const struct lull_call_options *options, uint64_t now_ms);

enum lull_action { LULL_ACTION_TRY = 1, LULL_ACTION_SLEEP = 2, LULL_ACTION_DONE = 3 };

enum lull_result {
	LULL_RESULT_ANSWERED = 0,
	LULL_RESULT_FAILED = 1,   /* models ran out */
	LULL_RESULT_DEADLINE = 2, /* time ran out */
	/* nothing was attempted: every model is cooling, or its limit has no room */
	LULL_RESULT_COOLING = 3,
	LULL_RESULT_REFUSED = 4, /* the request itself was refused */
	LULL_RESULT_AUTH = 5,    /* providers answered with nothing but auth errors */
	LULL_RESULT_CONFIG = 6,  /* no route has a known name and a key */
	LULL_RESULT_CANCELLED = 7
};

struct lull_step {
	uint32_t abi_version;
	uint32_t action; /* enum lull_action */
	/* TRY; all times absolute, LULL_NEVER = no such limit */
	uint32_t route; /* index into routes[] as given to begin */
	uint64_t connect_by_ms;
	uint64_t headers_by_ms; /* until 2xx headers; passing it is a time-out of ours */
	uint64_t content_by_ms; /* until the first content (not comments, not role-only chunks) */
	/* the call's deadline; holds until the first content was handed out */
	uint64_t budget_by_ms;
	uint64_t total_by_ms; /* holds always */
	uint32_t idle_ms;     /* longest silence between deltas after the first content */
	/* 0, or report RUNNING at least this often: the attempt holds a permit */
	uint32_t renew_ms;
	/* SLEEP */
	uint64_t until_ms; /* later than now */
	uint32_t serial;   /* for lull_table_wait() */
	/* DONE */
	uint32_t result; /* enum lull_result */
	int exit_code;   /* 0 65 69 75 77 78 124 130 */
	/* of the failure to tell the caller about; LULL_CLASS_ANSWERED if none */
	uint32_t class_id;
	/* when not answered: until the soonest route is ready; LULL_NEVER = none by itself */
	uint64_t ready_in_ms;
};

/**
 * lull_call_next() - what to do now
 *
 * Between TRY and lull_call_report() it repeats the step. After DONE it repeats that.
 * Return: 0; -EINVAL.  Threads: one at a time.  Signals: not from handlers.  Waits: never.
 */
LULL_API int lull_call_next(struct lull_call *call, uint64_t now_ms, struct lull_step *ret_step);

enum lull_progress {
	LULL_PROGRESS_CONNECTED = 1, /* the connection stands (TLS too); a reused one: at once */
	LULL_PROGRESS_ACCEPTED = 2,  /* 2xx headers */
	LULL_PROGRESS_CONTENT = 3,   /* the first content was handed out: no fallback after this */
	LULL_PROGRESS_RESENT = 4, /* a reused connection had died before any byte: sent once more */
	LULL_PROGRESS_RUNNING = 5 /* still at it: renews what the attempt holds (step.renew_ms) */
};

/** lull_call_progress() - an event of the running attempt. Return: 0; -EINVAL no attempt is
 * running. */
LULL_API int lull_call_progress(struct lull_call *call, uint64_t now_ms, uint32_t progress);

struct lull_outcome {
	uint32_t abi_version;
	uint32_t class_id; /* enum lull_class */
	uint32_t scope;    /* enum lull_kind; LULL_UNSET = the class's own */
	uint32_t proof;    /* enum lull_proof; LULL_UNSET = the class's own */
	/* 0 = no status line was seen; then a refusal of the request is the driver's own, and no
	 * vendor's (rule of two refusals) */
	uint32_t http_status;
	int64_t hint_ms; /* what the server asked to wait; negative = nothing */
	/* 1: a limit of the step passed (class timeout; network while not yet connected). The
	 * call decides what that proves, and whether it was the budget */
	uint32_t ours;
	/* 1: it may have done what must not be done twice: this call does not try the route again,
	 * unless the failure cooled it and that has ended */
	uint32_t once;
	/* used, prompt and answer; LULL_UNSET = not known: as expected, or none where the
	 * provider refused */
	uint32_t tokens;
	/* one line for the trail, without secrets; copied, at most 159 bytes; may be NULL */
	const char *detail;
};
LULL_API void lull_outcome_init(struct lull_outcome *outcome);

/**
 * lull_call_report() - the attempt has ended
 *
 * Writes the table; other processes see it at once. Return: 0; -EINVAL no attempt is running, or a
 * class that no attempt can have.
 */
LULL_API int lull_call_report(struct lull_call *call, uint64_t now_ms,
			      const struct lull_outcome *outcome);

/**
 * lull_call_emptied() - the running attempt's provider says that nothing is left of a limit
 * @limit:  LULL_LIMIT_RPM or LULL_LIMIT_TPM
 * @for_ms: until there is some again; believed up to max_cooldown_ms, and up to a minute, after
 *          which what a minute allows is there again
 *
 * No process that knows of the limit has room before that. Where neither the route nor its
 * credential has such a limit, nothing happens.
 * Return: 0; -EINVAL no attempt is running, or another limit.
 */
LULL_API int lull_call_emptied(struct lull_call *call, uint64_t now_ms, uint32_t limit,
			       uint64_t for_ms);

/**
 * lull_scatter_ms() - how much longer than a cooldown lasts its sleeper sleeps
 * @wait_ms: until the cooldown ends
 * @random:  any number; each of them another moment
 *
 * Those who sleep for one cooldown would else all wake at once. The calls here do so by themselves;
 * this is for who waits with lull_table_wait().
 * Return: 0 to LULL_SCATTER_MS, and never more than @wait_ms: who waits 50 ms for a short rate limit
 * need not wait a second more.  Threads, fork, signals: safe.
 */
LULL_API uint64_t lull_scatter_ms(uint64_t wait_ms, uint32_t random);

/** lull_call_end() - at any step: hands back what leases and permits are held (as if cancelled)
 * and frees. NULL
 * is fine. */
LULL_API void lull_call_end(struct lull_call *call, uint64_t now_ms);

/* ------------------------------------------------------------------ the trail: what was tried or
 * skipped, why, how long each took */

enum lull_trail_type {
	LULL_TRAIL_ATTEMPT = 1,
	/* cooling, probing, held or limited; a skip repeated without an attempt between is
	 * one entry */
	LULL_TRAIL_SKIP = 2,
	LULL_TRAIL_SLEEP = 3,   /* waited for a cooldown, for room, or between two passes */
	LULL_TRAIL_UNUSABLE = 4 /* class config: no known name, or no key */
};

struct lull_trail_entry {
	uint32_t abi_version;
	uint32_t type;     /* enum lull_trail_type */
	uint32_t route;    /* index; not for SLEEP */
	uint32_t pass;     /* 0, 1, 2 */
	uint64_t at_ms;    /* since the call began */
	uint64_t for_ms;   /* ATTEMPT, SLEEP: how long */
	uint32_t class_id; /* ATTEMPT: outcome; SKIP: cause of the cooldown */
	uint32_t http_status;
	/* ATTEMPT: kind of the key that this outcome left cooling, 0 = nothing; SKIP: kind of
	 * the key that is shut */
	uint32_t cooled_kind;
	uint32_t cooled_first; /* ATTEMPT: 1 that cooldown began with it; 0 it was there already */
	uint32_t state;        /* SKIP: enum lull_state */
	uint32_t limit;        /* SKIP: LULL_STATE_LIMITED: enum lull_limit; else 0 */
	/* ATTEMPT: how long it is left cooling; SKIP: time left (a permit: at most); LULL_NEVER
	 * held */
	uint64_t ready_in_ms;
	/* ATTEMPT: soft failures counted so far, this one included; 0 = not counted, or it was
	 * the one that cooled */
	uint32_t soft_count;
	uint32_t probe;      /* ATTEMPT: 1 it held a probe lease */
	uint32_t resent;     /* ATTEMPT: 1 */
	uint64_t headers_ms; /* ATTEMPT: from its start to 2xx headers; LULL_NEVER = none came */
	uint64_t content_ms; /* ATTEMPT: to its first content, likewise */
	char detail[160];
};

/** lull_call_trail_count() - entries so far; a call keeps its first and its last ones, 64 + 4 per
 * route in all */
LULL_API uint32_t lull_call_trail_count(const struct lull_call *call);
/** lull_call_trail_at() - entry @index. Return: 0; LULL_END; -EINVAL. */
LULL_API int lull_call_trail_at(const struct lull_call *call, uint32_t index,
				struct lull_trail_entry *ret_entry);

#ifdef __cplusplus
}
#endif
#endif
