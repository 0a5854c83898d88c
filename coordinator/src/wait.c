/* SPDX-License-Identifier: MIT */
/*
 * lull wait: sleep until it is ready. Asleep on the table, so it is woken at once where somebody
 * clears a key, and uses no CPU until then.
 *
 * When a cooldown ends, it sleeps on for a random moment and looks again, as a call does: many may
 * wait for one model. A call could do without, for its lease lets one through. What follows `lull
 * wait` in a script may be any program, and then that moment is all that keeps the crowd apart.
 */
#include <sys/random.h>

#include "duration.h"
#include "exits.h"
#include "output.h"
#include "say.h"
#include "shared.h"
#include "verdict.h"

#define RELOOK_MS 60000u /* names are looked up anew: a configuration that changes wakes nobody */
#define NAP_MS    5000u  /* nor does a table's file that is deleted */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint32_t random_number(void)
{
	uint32_t number = 0;

	(void)getrandom(&number, sizeof(number), GRND_NONBLOCK); /* 0 will do */
	return number;
}

/* ------------------------------------------------------------------ what a cron mail shows */

static void tell_reason(const struct meaning *meaning, uint64_t now_ms)
{
	const struct lull_key_state *const state = meaning_deciding(meaning);
	const struct state_text reason = output_state_text(state);

	if (state->state == LULL_STATE_HELD)
		say("waiting for %s: %s", meaning->text, reason.text);
	else if (state->ready_in_ms > 0)
		say("waiting for %s: %s, until %s", meaning->text, reason.text,
		    moment_local(now_ms + state->ready_in_ms, false).text);
}

static void tell_begin(const struct verdict *verdict)
{
	const uint64_t timeout_ms = verdict->invocation->set.timeout_ms;
	const uint64_t now_ms = unix_now_ms();

	if (verdict->invocation->set.quiet)
		return;
	for (size_t i = 0; i < verdict->count; i++)
		tell_reason(&verdict->meanings[i], now_ms);
	if (timeout_ms > 0)
		say("giving up at %s", moment_local(now_ms + timeout_ms, false).text);
}

static int tell_end(const struct verdict *verdict)
{
	verdict_print(verdict);
	if (verdict->ready)
		return EXIT_DONE;
	if (!verdict->invocation->set.quiet)
		say("time ran out: not ready after %s",
		    duration_seconds(verdict->invocation->set.timeout_ms).text);
	return EXIT_TIMED_OUT;
}

/* ------------------------------------------------------------------ waiting */

/* Asleep until it is ready, or a new look is due. @serial: from before the verdict was read */
static void sleep_on_it(struct verdict *verdict, uint32_t serial, uint64_t by_ms)
{
	uint64_t now_ms = lull_clock_ms();
	uint64_t until_ms = earlier(by_ms, now_ms + RELOOK_MS), ready_at_ms = LULL_NEVER;

	if (verdict->ready_in_ms != LULL_NEVER) {
		ready_at_ms = now_ms + verdict->ready_in_ms;
		until_ms = earlier(until_ms, ready_at_ms + lull_scatter_ms(verdict->ready_in_ms,
									   random_number()));
	}
	for (; !verdict->ready && now_ms < until_ms; now_ms = lull_clock_ms()) {
		/* no look between the cooldown's end and that moment */
		(void)lull_table_wait(verdict->table, serial,
				      now_ms + NAP_MS < ready_at_ms
					      ? earlier(until_ms, now_ms + NAP_MS)
					      : until_ms);
		(void)lull_table_refresh(verdict->table);
		serial = lull_table_serial(verdict->table);
		verdict_reread(verdict);
	}
}

static int wait_in(const struct invocation *invocation, struct lull_table *table)
{
	const uint64_t timeout_ms = invocation->set.timeout_ms;
	const uint64_t by_ms = timeout_ms > 0 ? lull_clock_ms() + timeout_ms : LULL_NEVER;
	struct verdict verdict;
	bool told = false;
	uint32_t serial;
	int status;

	for (;;) {
		(void)lull_table_refresh(table);
		serial = lull_table_serial(table); /* before the words: no wake-up is lost */
		status = verdict_init(&verdict, invocation, table);
		if (status != 0 || verdict.ready || lull_clock_ms() >= by_ms)
			break;
		if (!told)
			tell_begin(&verdict);
		told = true;
		sleep_on_it(&verdict, serial, by_ms);
		verdict_deinit(&verdict);
	}
	if (status == 0)
		status = tell_end(&verdict);
	verdict_deinit(&verdict);
	return status;
}

static int wait_for_names(const struct invocation *invocation)
{
	struct lull_table *table = NULL;
	int status = shared_open(invocation, false, &table);

	if (status == 0)
		status = wait_in(invocation, table);
	lull_table_close(table);
	return status;
}

static const struct option_row wait_options[] = {
	{.name = "all", .member = OPTION_SETS(all), .help = "wait until all are ready"},
	{.name = "timeout",
	 .member = OPTION_SETS(timeout_ms),
	 .type = OPTION_DURATION,
	 .argument = "TIME",
	 .min = 1,
	 .max = UINT64_C(86400000),
	 .help = "give up after that long; without it, never"},
	OPTION_JSON,
	OPTION_END,
};

const struct verb verb_wait = {
	.name = "wait",
	.operands = "NAME|KEY...",
	.operands_min = 1,
	.operands_max = INT32_MAX,
	.summary = "sleep until a model is ready",
	.details = "Returns with 0 when one of them is ready (with --all: when all are), as 'lull\n"
		   "check' would say it, and with 124 when the time has passed. Woken at once by\n"
		   "'lull clear'; at the end of a cooldown up to 2 s later, each time another\n"
		   "moment, so that those who wait do not all start at once.\n",
	.options = wait_options,
	.examples = "  lull wait gpt-4o && ./ask.sh\n"
		    "      start as soon as it is ready\n"
		    "  lull wait --timeout 10m -q gpt-4o claude-sonnet-4 || exit 0\n"
		    "      in a cron script: one of the two within ten minutes, or come again\n",
	.run = wait_for_names,
};
