/* SPDX-License-Identifier: MIT */
/*
 * A storm: workers use the table as fast as they can, and are killed and stopped at random.
 *
 *     storm [SECONDS [WORKERS]]     5 seconds and 12 workers, if not said
 *
 * Each worker writes down what it is about to do and what it has done, in memory that outlives it.
 * From those ledgers oracles tell whether what the table says can be true:
 *
 *   I1  one slot per key               a table of names, reset again and again, is searched for
 *                                      doubles while everybody inserts
 *   I2  a cooldown never ends early    on a key that only fails, `until` must never be below what a
 *                                      failure that has returned asked for, nor above what any
 *                                      failure ever began to ask for: a register that only grows
 *   I3  one lease at a time            of each key, no lease was given while another ran that its
 *                                      holder had not begun to end
 *   -   counters lose nothing          begun >= counted >= done
 *   -   the recorder tells no lies     events carry a check sum of ours in their own fields
 *   I5  nobody waits for anybody       whoever was killed or is stopped: of each kind of work some is
 *                                      done all the time
 *   I7  a killed creator leaves        no name or a whole segment: every opener finds a sound table
 *       and nothing beside it
 *
 * Time is sped up, so that leases lapse while we watch: a millisecond of the table is 20 us.
 * Permits (I4) are killed in kill_steps and played at random in test_limit; arbitrary contents (I6)
 * are the fuzzer's.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <lull/lull.h>

#include "mapping.h"
#include "scratch_table.h"

#define WORKERS_MAX     64u
#define SECONDS_DEFAULT 5u
#define WORKERS_DEFAULT 12u
#define NS_PER_TABLE_MS 20000u /* a lease of 10 s lasts 200 ms */
#define LEASE_KEYS      8u
#define NAMES           48u /* of 64 slots: probing goes far, and nothing is full */
#define NAME_SLOTS      64u
#define MAIN_SLOTS      64u
#define LEASES_MAX      65536u /* written down by each worker; the rest goes unwatched */
#define SILENCE_NS      UINT64_C(3000000000) /* so long none of a kind of work was done by anybody */
#define RESET_EVERY_NS  UINT64_C(20000000)
#define DAWDLE_NS       3000000u /* longest pause between reading the clock and the table */
#define HOUR_MS         3600000u
#define MAIN_TABLE      "main"
#define NAME_TABLE      "names"
#define BORN_TABLE      "born"

/* ------------------------------------------------------------------ ledgers */

enum finding {
	FOUND_DOUBLE_KEY,
	FOUND_EARLY_END,
	FOUND_UNASKED_END,
	FOUND_TORN_EVENT,
	FOUND_UNSOUND_TABLE,
	FINDINGS
};

static const char *const finding_texts[FINDINGS] = {
	[FOUND_DOUBLE_KEY] = "two slots with one key",
	[FOUND_EARLY_END] = "a cooldown that ended earlier than a failure had asked for",
	[FOUND_UNASKED_END] = "a cooldown that nobody had asked for",
	[FOUND_TORN_EVENT] = "an event that nobody had recorded",
	[FOUND_UNSOUND_TABLE] = "an opener that found no sound table",
};

/* A lease that was given, or a moment at which somebody may have opened the key. */
struct lease {
	uint64_t given_by_ns;     /* it had been given at this time */
	uint64_t until_ns;        /* it lapses; 0: not a lease but an opening */
	_Atomic uint64_t ends_ns; /* its holder may have ended it from here on; UINT64_MAX: never */
	uint32_t key;
};

struct ledger {
	_Atomic uint64_t asked_until_ms, got_until_ms; /* of the register; the largest so far */
	_Atomic uint64_t counts_begun, counts_done;
	_Atomic uint64_t inserts, opens, register_reads, event_reads;
	_Atomic uint32_t findings[FINDINGS];
	_Atomic uint32_t lease_count;
	struct lease leases[LEASES_MAX];
};

static struct ledger *ledgers; /* of all workers; outlive them */
static unsigned worker_count = WORKERS_DEFAULT;

/* The sum of one number over all ledgers. */
#define LEDGER_SUM(member) ledger_sum(offsetof(struct ledger, member))

static uint64_t ledger_sum(size_t offset)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < worker_count; i++)
		sum += atomic_load((_Atomic uint64_t *)(void *)((char *)&ledgers[i] + offset));
	return sum;
}

/* What is done all the time, whoever is killed or stopped meanwhile. */
static const struct {
	const char *what;
	size_t offset;
} works[] = {
	{"counts", offsetof(struct ledger, counts_done)},
	{"register reads", offsetof(struct ledger, register_reads)},
	{"events read", offsetof(struct ledger, event_reads)},
	{"inserts", offsetof(struct ledger, inserts)},
	{"opens", offsetof(struct ledger, opens)},
};
#define WORK_KINDS (sizeof(works) / sizeof(works[0]))

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static uint64_t table_ms(void)
{
	return now_ns() / NS_PER_TABLE_MS;
}

static void sleep_ns(uint64_t ns)
{
	struct timespec span = {.tv_sec = 0, .tv_nsec = (long)ns};

	(void)nanosleep(&span, NULL);
}

/* ------------------------------------------------------------------ oracles */

/* By the time somebody was certain to have it. */
static int lease_compare(const void *a, const void *b)
{
	const struct lease *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->given_by_ns < y->given_by_ns ? -1 : x->given_by_ns > y->given_by_ns;
}

static uint64_t lease_end_ns(const struct lease *lease)
{
	uint64_t ends_ns = atomic_load(&lease->ends_ns);

	return ends_ns < lease->until_ns ? ends_ns : lease->until_ns;
}

/* Leases of one key that were certain to run at the same time. Sorts them. */
static unsigned oracle_leases(struct lease *leases, size_t count)
{
	uint64_t running_until_ns = 0;
	unsigned overlaps = 0;

	qsort(leases, count, sizeof(leases[0]), lease_compare);
	for (size_t i = 0; i < count; i++) {
		const struct lease *lease = &leases[i];

		if (i == 0 || lease->key != leases[i - 1].key)
			running_until_ns = 0;
		if (lease->until_ns == 0) { /* opened: whatever ran has ended */
			running_until_ns = 0;
			continue;
		}
		if (lease->given_by_ns < running_until_ns &&
		    lease->given_by_ns < lease_end_ns(lease))
			overlaps++;
		if (lease_end_ns(lease) > running_until_ns)
			running_until_ns = lease_end_ns(lease);
	}
	return overlaps;
}

/* What is wrong with a register that reads `seen`; FINDINGS: nothing. */
static enum finding oracle_register(uint64_t got_before, uint64_t seen, uint64_t asked_after)
{
	if (seen < got_before)
		return FOUND_EARLY_END;
	return seen > asked_after ? FOUND_UNASKED_END : FINDINGS;
}

/* The check sum that an event of ours carries. */
static uint64_t event_sum(uint64_t at_ms)
{
	return (at_ms * UINT64_C(0x9e3779b97f4a7c15)) >> 24;
}

static bool oracle_event(const struct lull_event *event)
{
	return event->for_ms == event_sum(event->at_ms) &&
	       event->http_status == event->at_ms % 1000 && event->strikes == event->at_ms % 60000;
}

static bool oracle_doubles(const struct segment *segment)
{
	char texts[NAME_SLOTS][LULL_KEY_BYTES_MAX + 1];
	uint32_t count = 0;
	struct key key;

	for (uint32_t i = 0; i < segment->slot_count && i < NAME_SLOTS; i++) {
		if (!slot_key(&segment->slots[i], texts[count], &key))
			continue;
		for (uint32_t j = 0; j < count; j++)
			if (strcmp(texts[j], texts[count]) == 0)
				return true;
		count++;
	}
	return false;
}

/* ------------------------------------------------------------------ a worker */

struct worker {
	struct ledger *ledger;
	uint64_t random;
	struct lull_table *main, *names;
	struct segment *segment; /* of main */
	struct layout_slot *reg, *counter, *recorded, *leased[LEASE_KEYS];
	uint64_t event_number;
};

static uint64_t draw(struct worker *w, uint64_t below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random % below;
}

/* The time as a process knows it by the moment it changes the word: now, or, rarely, a while ago.
 */
static uint64_t known_ms(struct worker *w)
{
	uint64_t ms = table_ms();

	if (draw(w, 300) == 0)
		sleep_ns(draw(w, DAWDLE_NS));
	return ms;
}

static void find(struct worker *w, enum finding finding)
{
	atomic_fetch_add(&w->ledger->findings[finding], 1);
}

static struct lull_table *table_named(const char *name, uint32_t slot_count)
{
	struct lull_table_options options;
	struct lull_table *table;

	lull_table_options_init(&options);
	options.name = name;
	options.slot_count = slot_count;
	if (lull_table_open(&options, &table) != 0)
		die("lull_table_open");
	return table;
}

static struct layout_slot *slot_named(struct segment *segment, const char *name)
{
	struct layout_slot *slot;
	struct key key;

	if (key_init(&key, LULL_KIND_NAME, name) != 0)
		die("key_init");
	slot = segment_insert(segment, &key);
	if (!slot)
		die("segment_insert");
	return slot;
}

static void worker_init(struct worker *w, unsigned index, uint64_t seed)
{
	*w = (struct worker){.ledger = &ledgers[index], .random = seed | 1};
	w->main = table_named(MAIN_TABLE, MAIN_SLOTS);
	w->names = table_named(NAME_TABLE, NAME_SLOTS);
	w->segment = table_pin(w->main);
	w->reg = slot_named(w->segment, "register");
	w->counter = slot_named(w->segment, "counter");
	w->recorded = slot_named(w->segment, "recorded");
	for (uint32_t i = 0; i < LEASE_KEYS; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "lease-%u", i);
		w->leased[i] = slot_named(w->segment, name);
	}
}

static struct word_event failure(uint64_t at_ms, uint32_t for_ms)
{
	return (struct word_event){
		.now_ms = at_ms,
		.start_ms = at_ms,
		.headers_ms = at_ms,
		.soft_failures = LULL_SOFT_FAILURES,
		.cause = LULL_CLASS_OVERLOADED,
		.http = 503,
		.for_ms = for_ms,
		.for_cap_ms = for_ms,
	};
}

static void raise_to(_Atomic uint64_t *largest, uint64_t value)
{
	if (atomic_load(largest) < value) /* only its owner writes */
		atomic_store(largest, value);
}

static void do_register_write(struct worker *w)
{
	struct word_event e =
		failure(known_ms(w), HOUR_MS + (uint32_t)draw(w, UINT64_C(10) * HOUR_MS));
	uint64_t until_ms = e.now_ms + e.for_ms;

	raise_to(&w->ledger->asked_until_ms, until_ms);
	(void)segment_change(w->segment, w->reg, word_fail_hard, &e, NULL);
	raise_to(&w->ledger->got_until_ms, until_ms);
}

static void do_register_read(struct worker *w)
{
	uint64_t got_ms = 0, asked_ms = 0, seen_ms;
	enum finding finding;

	for (unsigned i = 0; i < worker_count; i++) {
		uint64_t ms = atomic_load(&ledgers[i].got_until_ms);

		got_ms = ms > got_ms ? ms : got_ms;
	}
	seen_ms = word_unpack(atomic_load(&w->reg->word)).until_ms;
	for (unsigned i = 0; i < worker_count; i++) {
		uint64_t ms = atomic_load(&ledgers[i].asked_until_ms);

		asked_ms = ms > asked_ms ? ms : asked_ms;
	}
	finding = oracle_register(got_ms, seen_ms, asked_ms);
	if (finding != FINDINGS)
		find(w, finding);
	atomic_fetch_add(&w->ledger->register_reads, 1);
}

static void do_count(struct worker *w)
{
	atomic_fetch_add(&w->ledger->counts_begun, 1);
	slot_count(w->counter, SLOT_ATTEMPTS);
	atomic_fetch_add(&w->ledger->counts_done, 1);
}

static void do_record(struct worker *w)
{
	uint64_t at_ms = draw(w, UINT64_C(1) << 40);
	struct ring_event event = {
		.at_ms = at_ms,
		.for_ms = event_sum(at_ms),
		.type = LULL_EVENT_SOFT,
		.slot_index = (uint32_t)segment_slot_index(w->segment, w->recorded),
		.slot_tag = atomic_load(&w->recorded->tag),
		.http_status = (uint32_t)(at_ms % 1000),
		.strikes = (uint32_t)(at_ms % 60000),
	};

	ring_record(w->segment, &event);
}

static void do_read_events(struct worker *w)
{
	struct lull_event event;

	for (unsigned i = 0; i < 100; i++) {
		if (lull_event_read(w->main, &w->event_number, &event) != 0)
			return;
		if (strcmp(event.key, "recorded") == 0 && !oracle_event(&event))
			find(w, FOUND_TORN_EVENT);
		atomic_fetch_add(&w->ledger->event_reads, 1);
	}
}

/* ---- leases */

static struct lease *lease_note(struct worker *w, uint32_t key, uint64_t until_ns)
{
	uint32_t count = atomic_load(&w->ledger->lease_count);
	struct lease *lease = &w->ledger->leases[count];

	if (count == LEASES_MAX)
		return NULL;
	lease->key = key;
	lease->until_ns = until_ns;
	atomic_store(&lease->ends_ns, UINT64_MAX);
	lease->given_by_ns = now_ns();
	atomic_store(&w->ledger->lease_count, count + 1);
	return lease;
}

/* What a prober may do; from the first moment on the lease is not counted on any more. */
static void lease_end(struct worker *w, uint32_t k, uint64_t word, struct lease *note)
{
	struct word_event e = failure(0, 50);
	word_fn fn;

	if (draw(w, 4) == 0)
		sleep_ns(draw(w, DAWDLE_NS));
	e.lease = word;
	switch (draw(w, 50)) {
	case 0: /* as if killed */
		return;
	case 1 ... 20:
		fn = word_hand_back;
		break;
	case 21 ... 35:
		fn = word_fail_hard;
		break;
	case 36 ... 42:
		fn = word_fail_soft;
		break;
	default:
		/* may open the key over another's lease, if its own has lapsed: as it should */
		(void)lease_note(w, k, 0);
		fn = word_answered;
		break;
	}
	atomic_store(&note->ends_ns, now_ns());
	e.now_ms = known_ms(w);
	(void)segment_change(w->segment, w->leased[k], fn, &e, NULL);
}

/* A failure of an attempt that has nothing to do with the lease; rarely one that outlasts it. */
static void lease_disturb(struct worker *w, uint32_t k)
{
	static const uint32_t lengths_ms[] = {50, 50, 50, 50, 50, 50, 500, 12000};
	struct word_event e = failure(known_ms(w), lengths_ms[draw(w, 8)]);

	(void)segment_change(w->segment, w->leased[k], draw(w, 2) ? word_fail_hard : word_fail_soft,
			     &e, NULL);
}

static void do_lease(struct worker *w)
{
	uint32_t k = (uint32_t)draw(w, LEASE_KEYS);
	struct word_event e = failure(known_ms(w), 50);
	struct word_step step = segment_change(w->segment, w->leased[k], word_admit, &e, NULL);
	struct lease *note;

	if (step.verdict == WORD_GO_PROBE) {
		note = lease_note(w, k, word_unpack(step.to).until_ms * NS_PER_TABLE_MS);
		if (note)
			lease_end(w, k, step.to, note);
	} else if (step.verdict != WORD_SKIP ||
		   (word_unpack(step.to).kind == WORD_PROBE && draw(w, 100) == 0)) {
		lease_disturb(w, k);
	}
}

/* ---- names, and tables that come and go */

static void do_insert(struct worker *w)
{
	struct segment *segment;
	struct layout_slot *slot;
	char name[LULL_KEY_BYTES_MAX + 1];
	struct key key;

	/* alike for long, so that half-written keys of others agree with ours for a while */
	(void)snprintf(name, sizeof(name), "%0*u", 8 + (int)draw(w, 3) * 60,
		       (unsigned)draw(w, NAMES / 3));
	(void)lull_table_refresh(w->names);
	if (lull_table_problem(w->names))
		find(w, FOUND_UNSOUND_TABLE);
	segment = table_pin(w->names);
	if (key_init(&key, LULL_KIND_NAME, name) != 0)
		die("key_init");
	slot = segment_insert(segment, &key);
	if (slot != segment_find(segment, &key) || oracle_doubles(segment))
		find(w, FOUND_DOUBLE_KEY);
	segment_unpin(segment);
	atomic_fetch_add(&w->ledger->inserts, 1);
}

static void do_open(struct worker *w)
{
	char path[512];
	struct lull_table *table;

	(void)snprintf(path, sizeof(path), "%s/" BORN_TABLE, getenv("LULL_SHM_DIR"));
	if (draw(w, 4) == 0)
		(void)unlink(path);
	table = table_named(BORN_TABLE, 16);
	if (lull_table_problem(table))
		find(w, FOUND_UNSOUND_TABLE);
	lull_table_close(table);
	atomic_fetch_add(&w->ledger->opens, 1);
}

static _Noreturn void worker_run(unsigned index, uint64_t seed)
{
	static const struct {
		void (*does)(struct worker *w);
		unsigned times;
	} deeds[] = {
		{do_register_write, 20}, {do_register_read, 5}, {do_count, 20}, {do_record, 20},
		{do_read_events, 1},     {do_lease, 100},       {do_insert, 2}, {do_open, 1},
	};
	struct worker worker;

	worker_init(&worker, index, seed);
	for (;;) {
		for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
			for (unsigned j = 0; j < deeds[i].times; j++)
				deeds[i].does(&worker);
		}
	}
}

/* ------------------------------------------------------------------ the weather */

struct weather {
	pid_t pids[WORKERS_MAX];
	uint64_t done_seen[WORK_KINDS], done_at_ns[WORK_KINDS];
	uint64_t random;
	unsigned long kills, stops, resets, silences;
};

static uint64_t weather_draw(struct weather *weather, uint64_t below)
{
	struct worker w = {.random = weather->random};
	uint64_t drawn = draw(&w, below);

	weather->random = w.random;
	return drawn;
}

static void worker_start(struct weather *weather, unsigned index)
{
	uint64_t seed = weather_draw(weather, UINT64_MAX);
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		(void)nice(10); /* the weather is not to be starved */
		worker_run(index, seed);
	}
	weather->pids[index] = pid;
}

static void workers_kill(const struct weather *weather, unsigned first, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		(void)kill(weather->pids[(first + i) % worker_count], SIGKILL);
	for (unsigned i = 0; i < count; i++) {
		unsigned index = (first + i) % worker_count;
		int status = 0;

		if (waitpid(weather->pids[index], &status, 0) >= 0 && WIFSIGNALED(status) &&
		    WTERMSIG(status) == SIGKILL)
			continue;
		printf("FAILED: worker %u ended by itself, status %#x\n", index, (unsigned)status);
		exit(EXIT_FAILURE);
	}
}

/* Workers come and go, so it is not one of them that must get on, but the work. */
static void watch_progress(struct weather *weather)
{
	uint64_t now = now_ns();

	for (unsigned i = 0; i < WORK_KINDS; i++) {
		uint64_t done = ledger_sum(works[i].offset);

		if (done != weather->done_seen[i] || weather->done_at_ns[i] == 0) {
			weather->done_seen[i] = done;
			weather->done_at_ns[i] = now;
		} else if (now - weather->done_at_ns[i] > SILENCE_NS) {
			weather->silences++;
			weather->done_at_ns[i] = now;
		}
	}
}

static void replace_some(struct weather *weather)
{
	unsigned first = (unsigned)weather_draw(weather, worker_count);
	unsigned count = 1 + (unsigned)weather_draw(weather, (worker_count + 2) / 3);

	workers_kill(weather, first, count);
	for (unsigned i = 0; i < count; i++)
		worker_start(weather, (first + i) % worker_count);
	weather->kills += count;
}

static void stop_some(struct weather *weather)
{
	unsigned first = (unsigned)weather_draw(weather, worker_count);
	unsigned count = 1 + (unsigned)weather_draw(weather, worker_count / 2);

	for (unsigned i = 0; i < count; i++)
		(void)kill(weather->pids[(first + i) % worker_count], SIGSTOP);
	sleep_ns(weather_draw(weather, 20000000));
	for (unsigned i = 0; i < count; i++)
		(void)kill(weather->pids[(first + i) % worker_count], SIGCONT);
	weather->stops += count;
}

static void names_reset(struct weather *weather)
{
	struct lull_table_options options;
	char error[256];

	lull_table_options_init(&options);
	options.name = NAME_TABLE;
	options.slot_count = NAME_SLOTS;
	if (lull_table_reset(&options, error, sizeof(error)) != 0)
		die(error);
	weather->resets++;
}

static void weather_blow(struct weather *weather, unsigned seconds)
{
	uint64_t end_ns = now_ns() + seconds * UINT64_C(1000000000), reset_ns = 0;

	for (unsigned i = 0; i < worker_count; i++)
		worker_start(weather, i);
	while (now_ns() < end_ns) {
		sleep_ns(weather_draw(weather, 4000000));
		if (weather_draw(weather, 8) == 0)
			stop_some(weather);
		else
			replace_some(weather);
		if (now_ns() >= reset_ns) {
			names_reset(weather);
			reset_ns = now_ns() + RESET_EVERY_NS;
		}
		watch_progress(weather);
	}
	workers_kill(weather, 0, worker_count);
}

/* ------------------------------------------------------------------ the reckoning */

static unsigned failures;

static void fail(const char *what, uint64_t count)
{
	printf("FAILED: %s, %llu times\n", what, (unsigned long long)count);
	failures++;
}

static size_t reckon_leases(void)
{
	size_t count = 0, at = 0;
	struct lease *all;
	unsigned overlaps;

	for (unsigned i = 0; i < worker_count; i++)
		count += atomic_load(&ledgers[i].lease_count);
	all = malloc((count + 1) * sizeof(*all));
	if (!all)
		die("malloc");
	for (unsigned i = 0; i < worker_count; i++) {
		size_t n = atomic_load(&ledgers[i].lease_count);

		memcpy(&all[at], ledgers[i].leases, n * sizeof(*all));
		at += n;
	}
	overlaps = oracle_leases(all, count);
	if (overlaps)
		fail("two leases of one key at a time", overlaps);
	free(all);
	return count;
}

static void reckon_counter(void)
{
	struct lull_table *table = table_named(MAIN_TABLE, MAIN_SLOTS);
	struct lull_key_state state;
	uint64_t begun = LEDGER_SUM(counts_begun), done = LEDGER_SUM(counts_done);

	if (lull_key_read(table, LULL_KIND_NAME, "counter", table_ms(), &state) != 0)
		fail("the counter's key was lost", 1);
	else if (state.attempts < done || state.attempts > begun)
		fail("a counter that is out of range", 1);
	lull_table_close(table);
}

static void reckon_files(const struct scratch *scratch)
{
	DIR *dir = opendir(scratch->dir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, MAIN_TABLE) != 0 &&
		    strcmp(entry->d_name, NAME_TABLE) != 0 &&
		    strcmp(entry->d_name, BORN_TABLE) != 0)
			fail("a file that a killed creator left", 1);
	if (dir)
		(void)closedir(dir);
}

static void reckon(const struct weather *weather, const struct scratch *scratch, unsigned seconds)
{
	size_t leases = reckon_leases();

	reckon_counter();
	reckon_files(scratch);
	for (enum finding f = 0; f < FINDINGS; f++) {
		uint64_t count = 0;

		for (unsigned i = 0; i < worker_count; i++)
			count += atomic_load(&ledgers[i].findings[f]);
		if (count)
			fail(finding_texts[f], count);
	}
	if (weather->silences)
		fail("a kind of work that nobody got on with", weather->silences);
	for (unsigned i = 0; i < WORK_KINDS; i++)
		if (ledger_sum(works[i].offset) == 0)
			fail(works[i].what, 0);
	printf("%u workers, %u s: %lu kills, %lu stops; ", worker_count, seconds, weather->kills,
	       weather->stops);
	for (unsigned i = 0; i < WORK_KINDS; i++)
		printf("%llu %s, ", (unsigned long long)ledger_sum(works[i].offset), works[i].what);
	printf("%zu leases, %lu resets; %u failures\n", leases, weather->resets, failures);
}

/* ------------------------------------------------------------------ can the oracles fail? */

static void expect(bool holds, const char *what)
{
	if (holds)
		return;
	printf("FAILED: an oracle %s\n", what);
	exit(EXIT_FAILURE);
}

static void oracles_check(void)
{
	struct lease apart[] = {{100, 200, 150, 1}, {160, 260, UINT64_MAX, 1}, {170, 270, 200, 2}};
	struct lease overlapping[] = {{160, 260, UINT64_MAX, 1}, {100, 200, UINT64_MAX, 1}};
	struct lease opened[] = {
		{100, 200, UINT64_MAX, 1}, {120, 0, UINT64_MAX, 1}, {160, 260, UINT64_MAX, 1}};
	struct lull_event event = {
		.at_ms = 12345, .for_ms = event_sum(12345), .http_status = 345, .strikes = 12345};
	struct segment segment;
	struct layout_slot *slot;

	expect(oracle_leases(apart, 3) == 0, "sees two leases where they were apart");
	expect(oracle_leases(opened, 3) == 0, "does not know that an opening ends a lease");
	expect(oracle_leases(overlapping, 2) == 1, "misses two leases at a time");
	expect(oracle_register(10, 10, 10) == FINDINGS, "refuses a register that is right");
	expect(oracle_register(10, 9, 10) == FOUND_EARLY_END, "misses an early end");
	expect(oracle_register(10, 11, 10) == FOUND_UNASKED_END, "misses an end nobody asked for");
	expect(oracle_event(&event), "refuses an event that is right");
	event.for_ms ^= 1;
	expect(!oracle_event(&event), "misses a torn event");

	if (segment_map_local(&segment, NAME_SLOTS) != 0)
		die("segment_map_local");
	slot = slot_named(&segment, "a");
	(void)slot_named(&segment, "b");
	expect(!oracle_doubles(&segment), "sees doubles where there are none");
	memcpy(slot == &segment.slots[0] ? &segment.slots[1] : &segment.slots[0], slot,
	       sizeof(*slot));
	expect(oracle_doubles(&segment), "misses a second slot for a key");
	segment_unmap(&segment);
}

static unsigned number_of(const char *text, unsigned most)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*end || number < 1 || number > most) {
		fprintf(stderr, "usage: storm [SECONDS [WORKERS]]; workers: 1 to %u\n",
			WORKERS_MAX);
		exit(64);
	}
	return (unsigned)number;
}

int main(int argc, char **argv)
{
	unsigned seconds = argc > 1 ? number_of(argv[1], 86400) : SECONDS_DEFAULT;
	struct weather weather = {.random = now_ns() | 1};
	struct scratch scratch;

	worker_count = argc > 2 ? number_of(argv[2], WORKERS_MAX) : WORKERS_DEFAULT;
	setvbuf(stdout, NULL, _IOLBF, 0);
	oracles_check();
	scratch_make(&scratch);
	ledgers = shared_memory(worker_count * sizeof(ledgers[0]));
	weather_blow(&weather, seconds);
	reckon(&weather, &scratch, seconds);
	scratch_remove(&scratch);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
