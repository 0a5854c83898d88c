/* SPDX-License-Identifier: MIT */
/*
 * SIGKILL at every machine instruction of every operation on the table.
 *
 *     kill_steps [EVERY]     every EVERY-th instruction; 1, which is all of them, if not said
 *
 * A child carries out one operation under ptrace. It is stepped k instructions far and then killed,
 * for k = 1, 2, 3 ... until it comes to its end alive; each time on a table made anew. What it
 * leaves is then looked at by the survivor:
 *
 *     one slot per key, and inserting the key gives just that slot
 *     the word is the one from before or the one from after (a call: or its lease), never else
 *     counters and the recorder's head stand between before and after
 *     every event that can be read is one that was meant
 *     of limits at most what one attempt takes is missing, and of permits none a lease later
 *     a lease later the survivor carries out the same operation, and the table is as it should be
 *     nothing stays shut: whatever was left ends by itself (a hold: when cleared)
 *     a killed creator leaves no name, or a whole segment, and no rubbish beside it
 *
 * Creating, attaching and whole calls are thousands of instructions long; there every 13th of those
 * is taken.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lull/lull.h>

#include "limit.h"
#include "mapping.h"
#include "sanitized.h"
#include "scratch_table.h"

#define SLOTS        16u
#define KEY          "gpt-4o"
#define NOW          UINT64_C(1000000000) /* any time; the operations do not read a clock */
#define COOL_FOR_MS  30000u
#define LONG_EVERY   13u
#define STEPS_MAX    1000000u /* far more than any operation: a child that never ends is a failure */
#define EVENTS_MAX   16u
#define TOKENS       5000u
#define SECOND_TABLE "made"

/* ------------------------------------------------------------------ the stage */

struct stage {
	struct scratch scratch;
	struct lull_table *table;
	struct segment *segment;
	struct key key;
	struct layout_slot *slot;  /* of the key; NULL where the operation inserts it */
	uint64_t lease;            /* the PROBE word, where there is one */
	struct lull_limits limits; /* of the route, where the operation has any */
	struct hold hold;          /* of them, where some is taken */
	struct lull_call *call;    /* begun, where the operation is to run it */
	uint64_t now_ms;
};

static struct stage stage;
static const char *operation_name;
static unsigned failures;
static bool failures_are_expected;

static void fail(unsigned long step, const char *what)
{
	failures++;
	if (failures_are_expected)
		return;
	printf("FAILED: %s, killed after %lu instructions: %s\n", operation_name, step, what);
}

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void stage_make(void)
{
	scratch_make(&stage.scratch);
	stage.table = scratch_table(SLOTS);
	stage.segment = table_pin(stage.table);
	if (!stage.segment->shared || key_init(&stage.key, LULL_KIND_ROUTE, KEY) != 0)
		die("stage_make: no shared memory");
}

static void stage_remove(void)
{
	lull_call_end(stage.call, NOW);
	segment_unpin(stage.segment);
	lull_table_close(stage.table);
	scratch_remove(&stage.scratch);
}

/* Everything of the segment that changes, in one piece: from the serial on. */
static char *stage_bytes(void)
{
	return (char *)stage.segment->header + offsetof(struct layout_header, serial);
}

static size_t stage_size(void)
{
	return stage.segment->size_bytes - offsetof(struct layout_header, serial);
}

static void stage_blank(void)
{
	memset(stage_bytes(), 0, stage_size());
	stage.slot = NULL;
	stage.lease = 0;
	stage.hold = (struct hold){0};
	stage.limits = (struct lull_limits){0};
	stage.now_ms = NOW;
	lull_call_end(stage.call, NOW);
	stage.call = NULL;
}

/* A copy without what differs from process to process: who reported. */
static char *stage_copy(void)
{
	size_t lead = offsetof(struct layout_header, serial);
	char *copy = malloc(stage_size());
	struct layout_slot *slots;
	struct layout_record *ring;

	if (!copy)
		die("stage_copy");
	memcpy(copy, stage_bytes(), stage_size());
	slots = (struct layout_slot *)(copy + sizeof(struct layout_header) - lead);
	ring = (struct layout_record *)(slots + SLOTS);
	for (uint32_t i = 0; i < SLOTS; i++)
		atomic_store(&slots[i].reporter, atomic_load(&slots[i].reporter) != 0);
	for (uint32_t i = 0; i < LAYOUT_RING_RECORDS; i++) {
		atomic_store(&ring[i].payload[3], 0);
		atomic_store(&ring[i].sum, atomic_load(&ring[i].sum) != 0);
	}
	return copy;
}

/* ------------------------------------------------------------------ putting a word there */

static struct word_event event_at(uint64_t now_ms)
{
	return (struct word_event){
		.now_ms = now_ms,
		.start_ms = now_ms,
		.headers_ms = now_ms,
		.lease = stage.lease,
		.soft_failures = LULL_SOFT_FAILURES,
		.counted_start = true,
		.cause = LULL_CLASS_SERVER_ERROR,
		.http = 500,
		.for_ms = COOL_FOR_MS,
		.for_cap_ms = COOL_FOR_MS,
	};
}

static void change_at(word_fn fn, uint64_t now_ms)
{
	struct word_event e = event_at(now_ms);

	(void)segment_change(stage.segment, stage.slot, fn, &e, NULL);
}

static void change(word_fn fn)
{
	change_at(fn, stage.now_ms);
}

static void given_nothing(void)
{
}

static void given_healthy(void)
{
	stage.slot = segment_insert(stage.segment, &stage.key);
}

/* as a process left it that was killed while it inserted */
static void given_half_a_key(void)
{
	given_healthy();
	for (uint32_t i = 1; i < LAYOUT_KEY_WORDS; i++)
		atomic_store(&stage.slot->key[i], 0);
	stage.slot = NULL;
}

static void given_cooling(void)
{
	given_healthy();
	change_at(word_fail_hard, NOW - 1000);
}

static void given_cooled(void)
{
	given_healthy();
	change_at(word_fail_hard, NOW - COOL_FOR_MS);
}

static void given_own_lease(void)
{
	given_cooled();
	change(word_admit);
	stage.lease = atomic_load(&stage.slot->word);
}

static void given_other_lease(void)
{
	given_own_lease();
	stage.lease = 0;
}

static void given_soft_failures(uint64_t count)
{
	given_healthy();
	for (uint64_t i = count; i > 0; i--) {
		change_at(word_admit, NOW - i * 100);
		change_at(word_fail_soft, NOW - i * 100);
	}
}

static void given_one_soft_failure(void)
{
	given_soft_failures(1);
}

static void given_two_soft_failures(void)
{
	given_soft_failures(2);
}

static void given_hold(void)
{
	given_healthy();
	change(word_operator_hold);
}

/* on three keys; its beginning, which only takes memory, is not part of the operation */
static void given_a_call(void)
{
	struct lull_call_options options;
	struct lull_route route;

	lull_call_options_init(&options);
	options.seed = 1;
	options.tokens = TOKENS;
	lull_route_init(&route);
	route.limits = stage.limits;
	route.route_key = KEY;
	route.credential_key = "0123456789abcdef";
	route.endpoint_key = "https://api.example.com:443";
	if (lull_call_begin(&stage.call, stage.table, &route, 1, &options, NOW) != 0)
		die("lull_call_begin");
}

static void given_limits(void)
{
	given_healthy();
	stage.limits = (struct lull_limits){.rpm = 600, .tpm = 60000, .parallel = 1};
}

static void given_limits_taken(void)
{
	given_limits();
	(void)limits_take(stage.segment, stage.slot, &stage.limits, 1, TOKENS, NOW, &stage.hold);
	limits_await(stage.slot);
}

static void given_a_call_with_limits(void)
{
	given_limits();
	given_a_call();
}

static void given_a_call_and_cooled(void)
{
	given_a_call();
	given_cooled();
}

/* ------------------------------------------------------------------ the operations */

static void does_insert(void)
{
	stage.slot = segment_insert(stage.segment, &stage.key);
}

static void does_admit(void)
{
	change(word_admit);
}

static void does_headers(void)
{
	change(word_headers);
}

static void does_answered(void)
{
	change(word_answered);
}

static void does_hand_back(void)
{
	change(word_hand_back);
}

static void does_fail_hard(void)
{
	change(word_fail_hard);
}

static void does_fail_soft(void)
{
	change(word_fail_soft);
}

static void does_cool(void)
{
	(void)lull_key_cool(stage.table, LULL_KIND_ROUTE, KEY, COOL_FOR_MS, stage.now_ms);
}

static void does_hold(void)
{
	(void)lull_key_hold(stage.table, LULL_KIND_ROUTE, KEY, stage.now_ms);
}

static void does_clear(void)
{
	(void)lull_key_clear(stage.table, LULL_KIND_ROUTE, KEY, stage.now_ms);
}

static void does_count(void)
{
	slot_count(stage.slot, SLOT_ATTEMPTS);
}

static void does_learn_usual_time(void)
{
	slot_usual_add(stage.slot, 1234);
}

static void does_link(void)
{
	segment_link(stage.segment, stage.slot, stage.slot, stage.slot);
}

static void does_record(void)
{
	struct ring_event event = {
		.at_ms = NOW,
		.for_ms = COOL_FOR_MS,
		.type = LULL_EVENT_COOLED,
		.slot_index = (uint32_t)segment_slot_index(stage.segment, stage.slot),
		.slot_tag = stage.key.hash,
		.cause = LULL_CLASS_SERVER_ERROR,
		.http_status = 500,
	};

	ring_record(stage.segment, &event);
}

static void does_take_limits(void)
{
	struct hold hold;

	(void)limits_take(stage.segment, stage.slot, &stage.limits, 2, TOKENS, stage.now_ms, &hold);
}

static void does_renew_permit(void)
{
	limits_renew(stage.slot, &stage.limits, 1, stage.now_ms + LULL_PERMIT_RENEW_MS,
		     &stage.hold);
}

/* as for a provider who says that nothing is left; so far that check_limits() allows it */
static void does_drain_limits(void)
{
	const uint64_t until_ms = stage.now_ms - LULL_BURST_MS + 150;

	(void)limits_drain(stage.slot, &stage.limits, LULL_LIMIT_RPM, until_ms, stage.now_ms);
	(void)limits_drain(stage.slot, &stage.limits, LULL_LIMIT_TPM, until_ms, stage.now_ms);
}

/* as a call's end does it */
static void does_settle_limits(void)
{
	limits_settle(stage.segment, stage.slot, &stage.limits, 1, 100, stage.now_ms, &stage.hold);
}

/* What follows the begin of a call whose one attempt ends in that class. */
static void does_call(uint32_t class_id)
{
	uint64_t now_ms = stage.now_ms;
	struct lull_outcome outcome;
	struct lull_step step;

	lull_outcome_init(&outcome);
	outcome.class_id = class_id;
	outcome.http_status = class_id == LULL_CLASS_ANSWERED ? 200 : 429;
	(void)lull_call_next(stage.call, now_ms, &step);
	if (step.action != LULL_ACTION_TRY)
		return;
	(void)lull_call_progress(stage.call, now_ms, LULL_PROGRESS_CONNECTED);
	if (class_id == LULL_CLASS_ANSWERED)
		(void)lull_call_progress(stage.call, now_ms, LULL_PROGRESS_ACCEPTED);
	(void)lull_call_report(stage.call, now_ms, &outcome);
}

static void does_answered_call(void)
{
	does_call(LULL_CLASS_ANSWERED);
}

static void does_limited_call(void)
{
	does_call(LULL_CLASS_RATE_LIMITED);
}

/* ------------------------------------------------------------------ what must hold afterwards */

struct facts {
	uint64_t word;
	uint64_t counters[SLOT_COUNTERS];
	uint32_t outcomes[LULL_CLASS_COUNT];
	uint64_t ring_head;
	uint32_t event_count;
	struct lull_event events[EVENTS_MAX];
};

static struct facts facts_now(void)
{
	struct layout_slot *slot = segment_find(stage.segment, &stage.key);
	struct facts facts = {.ring_head = atomic_load(&stage.segment->header->ring_head)};
	uint64_t number = 0;

	while (facts.event_count < EVENTS_MAX &&
	       lull_event_read(stage.table, &number, &facts.events[facts.event_count]) == 0)
		facts.event_count++;
	if (!slot)
		return facts;
	facts.word = atomic_load(&slot->word);
	for (uint32_t i = 0; i < SLOT_COUNTERS; i++)
		facts.counters[i] = atomic_load(&slot->counters[i]);
	for (uint32_t i = 0; i < LULL_CLASS_COUNT; i++)
		facts.outcomes[i] = slot_outcomes(slot, i);
	return facts;
}

static bool event_was_meant(const struct lull_event *event, const struct facts *after)
{
	for (uint32_t i = 0; i < after->event_count; i++) {
		const struct lull_event *meant = &after->events[i];

		if (event->number == meant->number && event->at_ms == meant->at_ms &&
		    event->type == meant->type && event->kind == meant->kind &&
		    strcmp(event->key, meant->key) == 0 && event->cause == meant->cause &&
		    event->http_status == meant->http_status && event->strikes == meant->strikes &&
		    event->for_ms == meant->for_ms)
			return true;
	}
	return false;
}

static uint32_t slots_with_key(void)
{
	char text[LULL_KEY_BYTES_MAX + 1];
	uint32_t count = 0;
	struct key key;

	for (uint32_t i = 0; i < SLOTS; i++)
		count += slot_key(&stage.segment->slots[i], text, &key) &&
			 key.kind == stage.key.kind && strcmp(text, KEY) == 0;
	return count;
}

/* A lease that was taken at NOW. */
static bool word_is_lease(uint64_t word)
{
	struct word w = word_unpack(word);

	return w.kind == WORD_PROBE && w.until_ms == NOW + WORD_LEASE_MS;
}

static void check_word_and_counters(unsigned long step, const struct facts *before,
				    const struct facts *after)
{
	struct facts found = facts_now();

	if (found.word != before->word && found.word != after->word &&
	    !(stage.call && word_is_lease(found.word)))
		fail(step, "the word is neither the one from before nor the one from after");
	for (uint32_t i = 0; i < SLOT_COUNTERS; i++)
		if (found.counters[i] < before->counters[i] ||
		    found.counters[i] > after->counters[i])
			fail(step, "a counter stands outside of before and after");
	for (uint32_t i = 0; i < LULL_CLASS_COUNT; i++)
		if (found.outcomes[i] < before->outcomes[i] ||
		    found.outcomes[i] > after->outcomes[i])
			fail(step, "a class's counter stands outside of before and after");
	if (found.ring_head < before->ring_head || found.ring_head > after->ring_head)
		fail(step, "the recorder's head stands outside of before and after");
	if (found.event_count < before->event_count)
		fail(step, "an earlier event was lost");
	for (uint32_t i = 0; i < found.event_count; i++)
		if (!event_was_meant(&found.events[i], after))
			fail(step, "an event reads as what nobody recorded");
}

static void check_key(unsigned long step)
{
	struct layout_slot *slot = segment_insert(stage.segment, &stage.key);

	if (!slot || slot != segment_find(stage.segment, &stage.key))
		fail(step, "the survivor cannot insert the key");
	if (slots_with_key() != 1)
		fail(step, "there is not exactly one slot with the key");
	stage.slot = slot;
}

#define REQUEST_NS (UINT64_C(60000000000) / 600)
#define TOKENS_NS  (TOKENS * UINT64_C(60000000000) / 60000)

/* What a killed attempt leaves of its limits, at most. */
static void check_limits(unsigned long step)
{
	struct layout_slot *slot = segment_find(stage.segment, &stage.key);

	if (!slot || !limits_are_set(&stage.limits))
		return;
	if (permit_held_count(slot->permits, NOW) > stage.limits.parallel)
		fail(step, "more permits are held than there are");
	if (permit_room_in_ms(slot->permits, stage.limits.parallel,
			      NOW + LULL_PERMIT_RENEW_MS + LULL_PERMIT_LEASE_MS) > 0)
		fail(step, "a lease later a dead holder still has its permit");
	if (atomic_load(&slot->request_bucket) > NOW * 1000000 + REQUEST_NS)
		fail(step, "more than one request is missing");
	if (atomic_load(&slot->token_bucket) > NOW * 1000000 + TOKENS_NS)
		fail(step, "more tokens are missing than one attempt takes");
}

/* The day after tomorrow everything is ready again. */
static void check_nothing_stays_shut(unsigned long step)
{
	struct lull_key_state state;
	uint64_t cursor = 0;

	while (lull_key_at(stage.table, &cursor, NOW + LULL_COOL_FOR_MS_MAX, &state) == 0) {
		if (state.state == LULL_STATE_HELD)
			(void)lull_key_clear(stage.table, state.kind, state.key, NOW);
		else if (state.state != LULL_STATE_READY)
			fail(step, "a key stays shut");
	}
}

/* What the survivor of a killed child does, and what it must find. */
static void check_survivor(unsigned long step, void (*does)(void), const struct facts *before,
			   const struct facts *after)
{
	struct facts found;

	check_word_and_counters(step, before, after);
	check_key(step);
	check_limits(step);
	stage.now_ms = NOW + WORD_LEASE_MS;
	does();
	found = facts_now();
	if (word_unpack(found.word).kind != word_unpack(after->word).kind)
		fail(step, "the survivor's own operation left another kind of word");
	check_nothing_stays_shut(step);
}

/* ------------------------------------------------------------------ killing */

enum ending { KILLED, ENDED_BY_ITSELF };

static pid_t child_start(void (*does)(void))
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(EXIT_FAILURE);
		(void)raise(SIGSTOP);
		does();
		_exit(EXIT_SUCCESS);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) {
		printf("this host does not let a process trace its child: skipped\n");
		exit(77);
	}
	return pid;
}

static enum ending child_kill(pid_t pid)
{
	int status;

	(void)kill(pid, SIGKILL);
	do {
		if (waitpid(pid, &status, 0) != pid)
			die("waitpid");
	} while (!WIFSIGNALED(status));
	return KILLED;
}

/* Steps the child `steps` instructions far, then kills it. */
static enum ending child_run(void (*does)(void), unsigned long steps)
{
	pid_t pid = child_start(does);

	for (unsigned long i = 0; i < steps; i++) {
		int status;

		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0 ||
		    waitpid(pid, &status, 0) != pid)
			die("ptrace");
		if (WIFEXITED(status)) {
			if (WEXITSTATUS(status) != EXIT_SUCCESS)
				fail(i, "the operation itself failed");
			return ENDED_BY_ITSELF;
		}
		if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) {
			fail(i, "the child stopped for another reason than a step");
			return child_kill(pid);
		}
	}
	return child_kill(pid);
}

struct tally {
	unsigned long instructions, kills, untouched, between, done;
};

static struct tally totals;

static void tally_print(const char *name, const struct tally *t)
{
	printf("%-34s %12lu %7lu %10lu %8lu %7lu\n", name, t->instructions, t->kills, t->untouched,
	       t->between, t->done);
}

static void tally_add(const struct tally *t)
{
	totals.instructions += t->instructions;
	totals.kills += t->kills;
	totals.untouched += t->untouched;
	totals.between += t->between;
	totals.done += t->done;
}

struct operation {
	const char *name;
	void (*given)(void);
	void (*does)(void);
	unsigned every;
};

static void tally_state(struct tally *t, const char *before, const char *after)
{
	char *found = stage_copy();

	if (memcmp(found, before, stage_size()) == 0)
		t->untouched++;
	else if (memcmp(found, after, stage_size()) == 0)
		t->done++;
	else
		t->between++;
	free(found);
}

static void stage_set(const struct operation *op)
{
	stage_blank();
	op->given();
}

/* `first`: the instruction to begin with, so that samples of several operations differ. */
static void operation_check(const struct operation *op, unsigned every, unsigned first)
{
	struct facts before, after;
	struct tally tally = {0};
	char *bytes_before, *bytes_after;
	unsigned long step = 1 + first % every;

	operation_name = op->name;
	stage_set(op);
	before = facts_now();
	bytes_before = stage_copy();
	if (child_run(op->does, STEPS_MAX) != ENDED_BY_ITSELF)
		fail(STEPS_MAX, "the operation does not end");
	after = facts_now();
	bytes_after = stage_copy();
	for (;; step += every) {
		stage_set(op);
		if (child_run(op->does, step) == ENDED_BY_ITSELF)
			break;
		tally.kills++;
		tally_state(&tally, bytes_before, bytes_after);
		check_survivor(step, op->does, &before, &after);
	}
	free(bytes_before);
	free(bytes_after);
	if (failures_are_expected)
		return;
	tally.instructions = step;
	tally_print(op->name, &tally);
	tally_add(&tally);
}

static const struct operation operations[] = {
	{"insert", given_nothing, does_insert, 1},
	{"insert, half of it there", given_half_a_key, does_insert, 1},
	{"admit, healthy", given_healthy, does_admit, 1},
	{"admit, soft failures counted", given_one_soft_failure, does_admit, 1},
	{"admit, cooling", given_cooling, does_admit, 1},
	{"admit, cooled: takes the lease", given_cooled, does_admit, 1},
	{"2xx headers, own lease", given_own_lease, does_headers, 1},
	{"2xx headers, soft failures", given_two_soft_failures, does_headers, 1},
	{"answered, own lease", given_own_lease, does_answered, 1},
	{"hand back", given_own_lease, does_hand_back, 1},
	{"fail hard, healthy", given_healthy, does_fail_hard, 1},
	{"fail hard, cooling: lengthens", given_cooling, does_fail_hard, 1},
	{"fail hard, own lease", given_own_lease, does_fail_hard, 1},
	{"fail hard, another's lease", given_other_lease, does_fail_hard, 1},
	{"fail soft, first", given_healthy, does_fail_soft, 1},
	{"fail soft, third: cools", given_two_soft_failures, does_fail_soft, 1},
	{"fail soft, own lease", given_own_lease, does_fail_soft, 1},
	{"operator cool, new key", given_nothing, does_cool, 1},
	{"operator cool, healthy", given_healthy, does_cool, 1},
	{"operator hold, cooling", given_cooling, does_hold, 1},
	{"operator clear, cooling", given_cooling, does_clear, 1},
	{"operator clear, hold", given_hold, does_clear, 1},
	{"record an event", given_healthy, does_record, 1},
	{"count", given_healthy, does_count, 1},
	{"learn the usual time", given_healthy, does_learn_usual_time, 1},
	{"link", given_healthy, does_link, 1},
	{"take limits", given_limits, does_take_limits, 1},
	{"renew a permit", given_limits_taken, does_renew_permit, 1},
	{"drain limits", given_limits, does_drain_limits, 1},
	{"settle limits, somebody waits", given_limits_taken, does_settle_limits, 1},
	{"a call within limits", given_a_call_with_limits, does_answered_call, LONG_EVERY},
	{"a call, answered by a probe", given_a_call_and_cooled, does_answered_call, LONG_EVERY},
	{"a call, rate limited", given_a_call, does_limited_call, LONG_EVERY},
};

/* ------------------------------------------------------------------ can these checks fail? */

static void bad_two_halves(void)
{
	const struct word cool = {.until_ms = NOW + COOL_FOR_MS, .kind = WORD_COOL};
	uint64_t bits = word_pack(&cool);

	atomic_store(&stage.slot->word, bits & UINT32_MAX);
	atomic_store(&stage.slot->word, bits);
}

static void bad_second_slot(void)
{
	struct layout_slot *other = stage.slot == &stage.segment->slots[0]
					    ? &stage.segment->slots[1]
					    : &stage.segment->slots[0];

	for (uint32_t i = 0; i < LAYOUT_KEY_WORDS; i++)
		atomic_store(&other->key[i], atomic_load(&stage.slot->key[i]));
	atomic_store(&other->tag, stage.key.hash);
}

static void bad_count_on_the_way(void)
{
	atomic_store(&stage.slot->counters[SLOT_ATTEMPTS], 2);
	atomic_store(&stage.slot->counters[SLOT_ATTEMPTS], 1);
}

static void bad_event_on_the_way(void)
{
	does_record();
	atomic_store(&stage.segment->ring[0].stamp, 0);
	atomic_store(&stage.segment->header->ring_head, 0);
}

static void bad_two_permits(void)
{
	struct permit permit;

	for (uint32_t i = 0; i < 2; i++)
		(void)permit_take(stage.slot->permits, 2, i, NOW, &permit);
}

static void bad_charge_taken_back(void)
{
	(void)bucket_take(&stage.slot->token_bucket, (struct rate){60000, 0}, 2 * TOKENS,
			  NOW * 1000000);
	bucket_settle(&stage.slot->token_bucket, (struct rate){60000, 0}, 2 * TOKENS, 0,
		      NOW * 1000000);
}

/* Each of these does what no operation may; a check that does not notice is no check. */
static void checks_check(void)
{
	static const struct operation bad[] = {
		{"a word in two halves", given_healthy, bad_two_halves, 1},
		{"a second slot for a key", given_healthy, bad_second_slot, 1},
		{"a counter that runs ahead", given_healthy, bad_count_on_the_way, 1},
		{"more permits than there are", given_limits, bad_two_permits, 1},
		{"a charge taken back", given_limits, bad_charge_taken_back, 1},
		{"an event taken back", given_healthy, bad_event_on_the_way, 1},
	};

	failures_are_expected = true;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		failures = 0;
		operation_check(&bad[i], 1, 0);
		if (failures == 0) {
			printf("FAILED: the checks do not notice %s\n", bad[i].name);
			exit(EXIT_FAILURE);
		}
	}
	failures = 0;
	failures_are_expected = false;
}

/* ------------------------------------------------------------------ the file */

static struct lull_table_options second_options(void)
{
	struct lull_table_options options;

	lull_table_options_init(&options);
	options.name = SECOND_TABLE;
	options.slot_count = SLOTS;
	return options;
}

static void does_make(void)
{
	struct lull_table_options options = second_options();
	char error[256];

	if (lull_table_make(&options, NULL, error, sizeof(error)) != 0)
		_exit(EXIT_FAILURE);
}

static void does_reset(void)
{
	struct lull_table_options options = second_options();
	char error[256];

	if (lull_table_reset(&options, error, sizeof(error)) != 0)
		_exit(EXIT_FAILURE);
}

static void given_no_file(void)
{
	(void)unlink(scratch_path(&stage.scratch, SECOND_TABLE));
}

static void given_a_file(void)
{
	does_make();
}

/* Files whose name begins with the second table's; all but the table itself are removed. */
static unsigned files_beside_the_table(void)
{
	DIR *dir = opendir(stage.scratch.dir);
	struct dirent *entry;
	unsigned count = 0;

	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, SECOND_TABLE ".", sizeof(SECOND_TABLE)) != 0)
			continue;
		count++;
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		(void)closedir(dir);
	return count;
}

/* No name, or a whole segment: whatever was there would have been told of as repaired. */
static bool check_file(unsigned long step)
{
	struct lull_table_options options = second_options();
	bool had_name = access(scratch_path(&stage.scratch, SECOND_TABLE), F_OK) == 0;
	struct lull_table_info info;
	struct lull_table *table;

	if (lull_table_open(&options, &table) != 0)
		die("lull_table_open");
	if (lull_table_problem(table) || lull_table_info(table, &info) != 0 || !info.shared)
		fail(step, "what was left under the name is not a whole segment");
	lull_table_close(table);
	return had_name;
}

static void file_check(const struct operation *op, unsigned every, bool may_leave_draft)
{
	struct tally tally = {0};
	unsigned long step = 1;

	operation_name = op->name;
	for (;; step += every) {
		op->given();
		if (child_run(op->does, step) == ENDED_BY_ITSELF)
			break;
		tally.kills++;
		if (check_file(step))
			tally.done++;
		else
			tally.untouched++;
		/* a table is replaced by renaming a file over it, which has a name before that */
		if (files_beside_the_table() > 0 && !may_leave_draft)
			fail(step, "a file without use was left behind");
	}
	tally.instructions = step;
	tally_print(op->name, &tally);
	tally_add(&tally);
}

static void files_check(unsigned every)
{
	static const struct operation create = {"create", given_no_file, does_make, 0};
	static const struct operation attach = {"attach", given_a_file, does_make, 0};
	static const struct operation reset = {"reset", given_a_file, does_reset, 0};

	file_check(&create, every, false);
	file_check(&attach, every, false);
	file_check(&reset, every, true);
}

int main(int argc, char **argv)
{
	unsigned every = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;

	if (argc > 2 || every < 1) {
		fprintf(stderr, "usage: kill_steps [EVERY]\n");
		return 64;
	}
	if (SANITIZED) {
		printf("instrumented code is not what ships: skipped\n");
		return 77;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	stage_make();
	checks_check();
	printf("%-34s %12s %7s %10s %8s %7s\n", "operation", "instructions", "kills", "untouched",
	       "between", "done");
	for (unsigned i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		const struct operation *op = &operations[i];

		operation_check(op, op->every * every, i * 5);
	}
	files_check(LONG_EVERY * every);
	tally_print("all", &totals);
	printf("%lu kills, %lu states in between seen and healed, %u failures\n", totals.kills,
	       totals.between, failures);
	stage_remove();
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
