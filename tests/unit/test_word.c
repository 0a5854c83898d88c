/* SPDX-License-Identifier: MIT */
/*
 * The word's transitions, cell by cell: each event on each of the states a word can be in. A cell
 * says the word found, what happened, and the word that must stand there afterwards; "the same
 * word" is written SAME. Below the cells, the rules that take more than one step: soft failures in
 * a row, their ratio, leases that lapse, and contents that cannot be true.
 */
#include <stdio.h>
#include <string.h>

#include <lull/lull.h>

#include "cunit_main.h"
#include "word.h"

#define NOW  1000000000u /* any time; far from 0, so that damage on either side can be told */
#define HOUR 3600000u
#define D    30000u /* length of the cooldowns here */

/* clang-format off */
/* what cooled it */
#define BY_ERROR .cause = LULL_CLASS_SERVER_ERROR, .http = 503
#define BY_LIMIT .cause = LULL_CLASS_RATE_LIMITED, .http = 429
#define BY_LATE  .cause = LULL_CLASS_SERVER_ERROR, .http = 200 /* failed after its 2xx headers */
#define BY_HAND  .cause = LULL_CLASS_MANUAL

/* what stands there; `until` is a time, L that of the last counted soft failure */
#define WORD(k, until, n, ...) \
	{.kind = WORD_##k, .until_ms = (until), .strikes = (n), __VA_ARGS__}
#define COOL(until, strikes_count, ...)  WORD(COOL, until, strikes_count, __VA_ARGS__)
#define PROBE(until, strikes_count, ...) WORD(PROBE, until, strikes_count, __VA_ARGS__)
#define RATIO(f, s) .cause = LULL_CLASS_SERVER_ERROR, .fails = (f), .starts = (s)
#define SOFT(L, n, ...)                  WORD(SOFT, (L) + WORD_SOFT_WINDOW_MS, n, __VA_ARGS__)
#define SOFT_LATE(L, n, ...)             WORD(SOFT_LATE, (L) + WORD_SOFT_WINDOW_MS, n, __VA_ARGS__)
#define HOLD                             {.kind = WORD_HOLD, .cause = LULL_CLASS_MANUAL}
#define EMPTY                            {0}
#define SAME                             {.kind = KIND_SAME}
/* clang-format on */

#define KIND_SAME 99u /* no kind of the word: stands for "as it was" */

struct cell {
	const char *name;
	struct word from;
	struct word_event event; /* only what matters: see event_of() */
	struct word lease, tried;
	struct word to;
	enum word_verdict verdict;
	bool wakes;
};

static uint64_t bits_or_none(const struct word *w)
{
	return w->kind == WORD_NONE ? 0 : word_pack(w);
}

static void print_word(const char *what, uint64_t bits)
{
	struct word w = word_unpack(bits);

	fprintf(stderr, "  %s kind %u until NOW%+lld strikes %u cause %u http %u ratio %u/%u\n",
		what, w.kind, (long long)w.until_ms - (long long)NOW, w.strikes, w.cause, w.http,
		w.fails, w.starts);
}

/* What a cell does not say: an attempt that began just now, and a server error that cools for D. */
static struct word_event event_of(const struct cell *cell)
{
	struct word_event e = cell->event;

	e.now_ms = NOW;
	e.start_ms = e.start_ms ? e.start_ms : NOW - 1;
	e.lease = bits_or_none(&cell->lease);
	e.tried = bits_or_none(&cell->tried);
	e.soft_failures = e.soft_failures ? e.soft_failures : 3;
	e.cause = LULL_CLASS_SERVER_ERROR;
	e.http = e.late ? 200 : 503;
	e.for_ms = e.for_ms ? e.for_ms : D;
	e.for_cap_ms = e.for_ms;
	return e;
}

static void check_cell(word_fn fn, const struct cell *cell)
{
	struct word_event event = event_of(cell);
	uint64_t from = bits_or_none(&cell->from), to;
	struct word_step step;

	to = cell->to.kind == KIND_SAME ? from : bits_or_none(&cell->to);
	step = fn(from, &event);
	if (step.to == to && step.verdict == cell->verdict && step.wakes == cell->wakes)
		return;
	fprintf(stderr, "%s: verdict %d, expected %d; wakes %d, expected %d\n", cell->name,
		(int)step.verdict, (int)cell->verdict, step.wakes, cell->wakes);
	print_word("found   ", from);
	print_word("wrote   ", step.to);
	print_word("expected", to);
	CU_FAIL("a cell of the transition table");
}

static void check_cells(word_fn fn, const struct cell *cells, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_cell(fn, &cells[i]);
}
#define CHECK_CELLS(fn, cells) check_cells(fn, cells, sizeof(cells) / sizeof((cells)[0]))

/* ------------------------------------------------------------------ the bits */

static void test_layout_of_the_bits(void)
{
	const struct word cool = {.until_ms = 5,
				  .http = 429,
				  .strikes = 3,
				  .cause = LULL_CLASS_RATE_LIMITED,
				  .kind = WORD_COOL};
	const struct word soft = {.until_ms = 7,
				  .starts = 9,
				  .fails = 4,
				  .strikes = 2,
				  .cause = LULL_CLASS_SERVER_ERROR,
				  .kind = WORD_SOFT};

	CU_ASSERT_EQUAL(word_pack(&cool), UINT64_C(5) << 24 | 429u << 14 | 3u << 8 | 1u << 3 | 1u);
	CU_ASSERT_EQUAL(word_pack(&soft),
			UINT64_C(7) << 24 | 9u << 19 | 4u << 14 | 2u << 8 | 8u << 3 | 4u);
}

static void test_words_survive_packing(void)
{
	static const struct word words[] = {
		COOL(NOW, 63, BY_ERROR),
		COOL((UINT64_C(1) << 40) - 1, 0, .http = 999, .cause = 31),
		PROBE(NOW + 10000, 1, BY_ERROR),
		HOLD,
		SOFT(NOW, 3, RATIO(30, 31)),
		SOFT_LATE(NOW, 63, RATIO(0, 1)),
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct word back = word_unpack(word_pack(&words[i]));

		CU_ASSERT(memcmp(&back, &words[i], sizeof(back)) == 0);
	}
}

static void test_every_bit_pattern_reads_as_itself(void)
{
	uint64_t bits = UINT64_C(0x9e3779b97f4a7c15);

	for (int i = 0; i < 100000; i++) {
		struct word w = word_unpack(bits);

		if (word_pack(&w) != bits) {
			CU_FAIL("unpacked and packed again, a word has changed");
			return;
		}
		bits = bits * UINT64_C(6364136223846793005) + 1442695040888963407u;
	}
}

static void test_times_beyond_forty_bits_are_the_last_one(void)
{
	const struct word w = COOL(UINT64_MAX, 1, BY_ERROR);

	CU_ASSERT_EQUAL(word_unpack(word_pack(&w)).until_ms, (UINT64_C(1) << 40) - 1);
	CU_ASSERT_EQUAL(word_unpack(word_pack(&w)).strikes, 1);
}

static void test_words_order_by_time(void)
{
	const struct word sooner = COOL(NOW, 63, BY_HAND), later = PROBE(NOW + 1, 0, BY_ERROR);

	CU_ASSERT(word_pack(&sooner) < word_pack(&later));
}

/* clang-format off */

/* ------------------------------------------------------------------ admit */

static void test_admit(void)
{
	static const struct cell cells[] = {
		{"healthy",
		 EMPTY, .to = EMPTY, .verdict = WORD_GO},
		{"soft",
		 SOFT(NOW - 1, 2, RATIO(2, 4)), .to = SOFT(NOW - 1, 2, RATIO(2, 5)),
		 .verdict = WORD_GO_COUNTED},
		{"soft late",
		 SOFT_LATE(NOW - 1, 1, RATIO(0, 0)), .to = SOFT_LATE(NOW - 1, 1, RATIO(0, 1)),
		 .verdict = WORD_GO_COUNTED},
		{"soft, the 32nd start halves both",
		 SOFT(NOW - 1, 2, RATIO(11, 31)), .to = SOFT(NOW - 1, 2, RATIO(5, 16)),
		 .verdict = WORD_GO_COUNTED},
		{"soft, window over",
		 SOFT(NOW - WORD_SOFT_WINDOW_MS, 2, RATIO(0, 0)), .to = SAME, .verdict = WORD_GO},
		{"cooling",
		 COOL(NOW + 1, 0, BY_ERROR), .to = SAME, .verdict = WORD_SKIP},
		{"cooling, 24 h away",
		 COOL(NOW + WORD_HORIZON_MS, 0, BY_ERROR), .to = SAME, .verdict = WORD_SKIP},
		{"cooling, probe off",
		 COOL(NOW + 1, 0, BY_ERROR), {.probe_off = true}, .to = SAME, .verdict = WORD_SKIP},
		{"cooled",
		 COOL(NOW, 4, BY_ERROR), .to = PROBE(NOW + 10000, 4, BY_ERROR),
		 .verdict = WORD_GO_PROBE},
		{"cooled for a rate limit",
		 COOL(NOW - 5, 4, BY_LIMIT), .to = PROBE(NOW + 1000, 4, BY_LIMIT),
		 .verdict = WORD_GO_PROBE},
		{"cooled, probe off",
		 COOL(NOW, 4, BY_ERROR), {.probe_off = true}, .to = EMPTY, .verdict = WORD_GO},
		{"probing",
		 PROBE(NOW + 1, 4, BY_ERROR), .to = SAME, .verdict = WORD_SKIP},
		{"probing, probe off",
		 PROBE(NOW + 1, 4, BY_ERROR), {.probe_off = true}, .to = SAME, .verdict = WORD_GO},
		{"lease over",
		 PROBE(NOW, 4, BY_ERROR), .to = PROBE(NOW + 10000, 4, BY_ERROR),
		 .verdict = WORD_GO_PROBE},
		{"lease over, rate limit: no refusal came, so it is open",
		 PROBE(NOW, 4, BY_LIMIT), .to = EMPTY, .verdict = WORD_GO},
		{"lease over, probe off",
		 PROBE(NOW, 4, BY_ERROR), {.probe_off = true}, .to = EMPTY, .verdict = WORD_GO},
		{"held",
		 HOLD, .to = SAME, .verdict = WORD_SKIP},
		{"held, probe off",
		 HOLD, {.probe_off = true}, .to = SAME, .verdict = WORD_SKIP},
	};

	CHECK_CELLS(word_admit, cells);
}

/* ------------------------------------------------------------------ success */

static void test_headers(void)
{
	static const struct cell cells[] = {
		{"healthy",
		 EMPTY, {.headers_ms = NOW}, .to = SAME},
		{"soft, headers after the failure",
		 SOFT(NOW - 10, 2, RATIO(0, 0)), {.headers_ms = NOW - 9}, .to = EMPTY,
		 .verdict = WORD_FORGOTTEN},
		{"soft, headers with the failure",
		 SOFT(NOW - 10, 2, RATIO(0, 0)), {.headers_ms = NOW - 10}, .to = EMPTY,
		 .verdict = WORD_FORGOTTEN},
		{"soft, headers before the failure",
		 SOFT(NOW - 10, 2, RATIO(0, 0)), {.headers_ms = NOW - 11}, .to = SAME},
		{"soft, window over: a straggler may still count on it",
		 SOFT(NOW - WORD_SOFT_WINDOW_MS - 5, 2, RATIO(0, 0)), {.headers_ms = NOW},
		 .to = EMPTY, .verdict = WORD_FORGOTTEN},
		{"soft, failed after headers",
		 SOFT_LATE(NOW - 10, 2, RATIO(0, 0)), {.headers_ms = NOW}, .to = SAME},
		{"cooling",
		 COOL(NOW + 1, 1, BY_ERROR), {.headers_ms = NOW}, .to = SAME},
		{"cooling, lapsed prober",
		 COOL(NOW + 1, 1, BY_ERROR), {.headers_ms = NOW},
		 .lease = PROBE(NOW - 5000, 1, BY_ERROR), .to = SAME},
		{"cooled, nobody's prober",
		 COOL(NOW, 1, BY_ERROR), {.headers_ms = NOW}, .to = SAME},
		{"cooled, lapsed prober",
		 COOL(NOW, 1, BY_ERROR), {.headers_ms = NOW},
		 .lease = PROBE(NOW - 5000, 1, BY_ERROR), .to = EMPTY, .verdict = WORD_OPENED,
		 .wakes = true},
		{"cooled, lapsed prober, a failure since",
		 COOL(NOW, 2, BY_ERROR), {.headers_ms = NOW},
		 .lease = PROBE(NOW - 5000, 1, BY_ERROR), .to = SAME},
		{"cooled, lapsed prober, saturated",
		 COOL(NOW, 63, BY_ERROR), {.headers_ms = NOW},
		 .lease = PROBE(NOW - 5000, 63, BY_ERROR), .to = SAME},
		{"cooled, lapsed prober, after headers",
		 COOL(NOW, 1, BY_LATE), {.headers_ms = NOW}, .lease = PROBE(NOW - 5000, 1, BY_LATE),
		 .to = SAME},
		{"my lease",
		 PROBE(NOW + 10, 1, BY_ERROR), {.headers_ms = NOW},
		 .lease = PROBE(NOW + 10, 1, BY_ERROR), .to = EMPTY, .verdict = WORD_OPENED,
		 .wakes = true},
		{"my lease, saturated",
		 PROBE(NOW + 10, 63, BY_ERROR), {.headers_ms = NOW},
		 .lease = PROBE(NOW + 10, 63, BY_ERROR), .to = EMPTY, .verdict = WORD_OPENED,
		 .wakes = true},
		{"my lease, over but untouched",
		 PROBE(NOW - 10, 1, BY_ERROR), {.headers_ms = NOW},
		 .lease = PROBE(NOW - 10, 1, BY_ERROR), .to = EMPTY, .verdict = WORD_OPENED,
		 .wakes = true},
		{"my lease, after headers",
		 PROBE(NOW + 10, 1, BY_LATE), {.headers_ms = NOW},
		 .lease = PROBE(NOW + 10, 1, BY_LATE), .to = SAME},
		{"probing, no prober",
		 PROBE(NOW + 10, 1, BY_ERROR), {.headers_ms = NOW}, .to = SAME},
		{"probing, lapsed prober",
		 PROBE(NOW + 10, 1, BY_ERROR), {.headers_ms = NOW},
		 .lease = PROBE(NOW - 5000, 1, BY_ERROR), .to = EMPTY, .verdict = WORD_OPENED,
		 .wakes = true},
		{"probing, lapsed prober, a failure since",
		 PROBE(NOW + 10, 2, BY_ERROR), {.headers_ms = NOW},
		 .lease = PROBE(NOW - 5000, 1, BY_ERROR), .to = SAME},
		{"probing, lapsed prober, saturated",
		 PROBE(NOW + 10, 63, BY_ERROR), {.headers_ms = NOW},
		 .lease = PROBE(NOW - 5000, 63, BY_ERROR), .to = SAME},
		{"lease over, lapsed prober",
		 PROBE(NOW, 1, BY_ERROR), {.headers_ms = NOW},
		 .lease = PROBE(NOW - 5000, 1, BY_ERROR), .to = EMPTY, .verdict = WORD_OPENED,
		 .wakes = true},
		{"lease over, no prober",
		 PROBE(NOW, 1, BY_ERROR), {.headers_ms = NOW}, .to = SAME},
		{"held",
		 HOLD, {.headers_ms = NOW}, .lease = PROBE(NOW - 5000, 0, BY_ERROR), .to = SAME},
	};

	CHECK_CELLS(word_headers, cells);
}

static void test_answered(void)
{
	static const struct cell cells[] = {
		{"healthy",
		 EMPTY, {.headers_ms = NOW - 20}, .to = SAME},
		{"soft, headers after the failure",
		 SOFT(NOW - 10, 2, RATIO(0, 0)), {.headers_ms = NOW - 9}, .to = EMPTY,
		 .verdict = WORD_FORGOTTEN},
		{"soft, headers before the failure",
		 SOFT(NOW - 10, 2, RATIO(0, 0)), {.headers_ms = NOW - 20}, .to = SAME},
		{"soft, failed after headers: a whole answer proves more",
		 SOFT_LATE(NOW - 10, 2, RATIO(0, 0)), {.headers_ms = NOW - 9}, .to = EMPTY,
		 .verdict = WORD_FORGOTTEN},
		{"soft, failed after headers, older answer",
		 SOFT_LATE(NOW - 10, 2, RATIO(0, 0)), {.headers_ms = NOW - 11}, .to = SAME},
		{"cooling",
		 COOL(NOW + 1, 1, BY_ERROR), {.headers_ms = NOW}, .to = SAME},
		{"cooling, lapsed prober",
		 COOL(NOW + 1, 1, BY_ERROR), {.headers_ms = NOW},
		 .lease = PROBE(NOW - 5000, 1, BY_ERROR), .to = SAME},
		{"cooling, tried all the same",
		 COOL(NOW + 1, 1, BY_ERROR), {.headers_ms = NOW},
		 .tried = COOL(NOW + 1, 1, BY_ERROR), .to = EMPTY, .verdict = WORD_OPENED,
		 .wakes = true},
		{"cooling, tried, a failure since",
		 COOL(NOW + 2, 1, BY_ERROR), {.headers_ms = NOW},
		 .tried = COOL(NOW + 1, 1, BY_ERROR), .to = SAME},
		{"cooling by an operator, tried",
		 COOL(NOW + 1, 0, BY_HAND), {.headers_ms = NOW}, .tried = COOL(NOW + 1, 0, BY_HAND),
		 .to = SAME},
		{"cooled, nobody's prober",
		 COOL(NOW, 1, BY_ERROR), {.headers_ms = NOW}, .to = SAME},
		{"cooled, lapsed prober",
		 COOL(NOW, 1, BY_ERROR), {.headers_ms = NOW},
		 .lease = PROBE(NOW - 5000, 1, BY_ERROR), .to = EMPTY, .verdict = WORD_OPENED,
		 .wakes = true},
		{"cooled after headers, lapsed prober",
		 COOL(NOW, 1, BY_LATE), {.headers_ms = NOW}, .lease = PROBE(NOW - 5000, 1, BY_LATE),
		 .to = EMPTY, .verdict = WORD_OPENED, .wakes = true},
		{"cooled, lapsed prober, a failure since",
		 COOL(NOW, 2, BY_ERROR), {.headers_ms = NOW},
		 .lease = PROBE(NOW - 5000, 1, BY_ERROR), .to = SAME},
		{"cooled, lapsed prober, saturated",
		 COOL(NOW, 63, BY_ERROR), {.headers_ms = NOW},
		 .lease = PROBE(NOW - 5000, 63, BY_ERROR), .to = SAME},
		{"my lease",
		 PROBE(NOW + 10, 1, BY_ERROR), {.headers_ms = NOW},
		 .lease = PROBE(NOW + 10, 1, BY_ERROR), .to = EMPTY, .verdict = WORD_OPENED,
		 .wakes = true},
		{"my lease, after headers",
		 PROBE(NOW + 10, 1, BY_LATE), {.headers_ms = NOW},
		 .lease = PROBE(NOW + 10, 1, BY_LATE), .to = EMPTY, .verdict = WORD_OPENED,
		 .wakes = true},
		{"probing, lapsed prober",
		 PROBE(NOW + 10, 1, BY_ERROR), {.headers_ms = NOW},
		 .lease = PROBE(NOW - 5000, 1, BY_ERROR), .to = EMPTY, .verdict = WORD_OPENED,
		 .wakes = true},
		{"probing, no prober",
		 PROBE(NOW + 10, 1, BY_ERROR), {.headers_ms = NOW}, .to = SAME},
		{"probing, tried all the same",
		 PROBE(NOW + 10, 1, BY_ERROR), {.headers_ms = NOW},
		 .tried = PROBE(NOW + 10, 1, BY_ERROR), .to = EMPTY, .verdict = WORD_OPENED,
		 .wakes = true},
		{"lease over, lapsed prober",
		 PROBE(NOW, 1, BY_ERROR), {.headers_ms = NOW},
		 .lease = PROBE(NOW - 5000, 1, BY_ERROR), .to = EMPTY, .verdict = WORD_OPENED,
		 .wakes = true},
		{"held",
		 HOLD, {.headers_ms = NOW}, .tried = HOLD, .to = SAME},
	};

	CHECK_CELLS(word_answered, cells);
}

static void test_hand_back(void)
{
	static const struct cell cells[] = {
		{"healthy",
		 EMPTY, .lease = PROBE(NOW + 10, 0, BY_ERROR), .to = SAME},
		{"soft",
		 SOFT(NOW - 10, 1, RATIO(0, 0)), .lease = PROBE(NOW + 10, 0, BY_ERROR), .to = SAME},
		{"cooling",
		 COOL(NOW + 10, 1, BY_ERROR), .lease = PROBE(NOW + 10, 1, BY_ERROR), .to = SAME},
		{"cooled",
		 COOL(NOW, 1, BY_ERROR), .lease = PROBE(NOW + 10, 1, BY_ERROR), .to = SAME},
		{"my lease",
		 PROBE(NOW + 10, 3, BY_LATE), .lease = PROBE(NOW + 10, 3, BY_LATE),
		 .to = COOL(NOW, 3, BY_LATE), .verdict = WORD_RETURNED, .wakes = true},
		{"my lease, over but untouched",
		 PROBE(NOW - 10, 3, BY_ERROR), .lease = PROBE(NOW - 10, 3, BY_ERROR),
		 .to = COOL(NOW, 3, BY_ERROR), .verdict = WORD_RETURNED, .wakes = true},
		{"another's lease",
		 PROBE(NOW + 20, 3, BY_ERROR), .lease = PROBE(NOW + 10, 3, BY_ERROR), .to = SAME},
		{"another's lease, none of mine",
		 PROBE(NOW + 20, 3, BY_ERROR), .to = SAME},
		{"another's lease, over",
		 PROBE(NOW, 3, BY_ERROR), .lease = PROBE(NOW - 10, 3, BY_ERROR), .to = SAME},
		{"held",
		 HOLD, .lease = PROBE(NOW + 10, 0, BY_ERROR), .to = SAME},
	};

	CHECK_CELLS(word_hand_back, cells);
}

/* ------------------------------------------------------------------ failure */

static void test_fail_hard(void)
{
	static const struct cell cells[] = {
		{"healthy",
		 EMPTY, {0}, .to = COOL(NOW + D, 0, BY_ERROR), .verdict = WORD_COOLED},
		{"soft: its window is no cooldown",
		 SOFT(NOW - 1, 2, RATIO(0, 0)), {0}, .to = COOL(NOW + D, 0, BY_ERROR),
		 .verdict = WORD_COOLED},
		{"soft late",
		 SOFT_LATE(NOW - 1, 2, RATIO(0, 0)), {0}, .to = COOL(NOW + D, 0, BY_ERROR),
		 .verdict = WORD_COOLED},
		{"cooling for less",
		 COOL(NOW + 10, 2, .cause = LULL_CLASS_TIMEOUT, .http = 504), {0},
		 .to = COOL(NOW + D, 2, BY_ERROR), .verdict = WORD_LENGTHENED},
		{"cooling as long",
		 COOL(NOW + D, 2, BY_ERROR), {0}, .to = SAME},
		{"cooling for longer",
		 COOL(NOW + D + 1, 2, BY_ERROR), {0}, .to = SAME},
		{"cooling by an operator for less",
		 COOL(NOW + 10, 0, BY_HAND), {0}, .to = COOL(NOW + D, 0, BY_HAND),
		 .verdict = WORD_LENGTHENED},
		{"cooling by an operator for longer",
		 COOL(NOW + HOUR, 0, BY_HAND), {0}, .to = SAME},
		{"cooled",
		 COOL(NOW, 2, BY_ERROR), {0}, .to = COOL(NOW + D, 3, BY_ERROR),
		 .verdict = WORD_COOLED},
		{"my lease",
		 PROBE(NOW + 10, 2, BY_ERROR), {0}, .lease = PROBE(NOW + 10, 2, BY_ERROR),
		 .to = COOL(NOW + D, 3, BY_ERROR), .verdict = WORD_COOLED},
		{"my lease, a short length",
		 PROBE(NOW + 9000, 2, BY_ERROR), {.for_ms = 50},
		 .lease = PROBE(NOW + 9000, 2, BY_ERROR), .to = COOL(NOW + 50, 3, BY_ERROR),
		 .verdict = WORD_COOLED},
		{"lease over",
		 PROBE(NOW, 2, BY_ERROR), {0}, .to = COOL(NOW + D, 3, BY_ERROR),
		 .verdict = WORD_COOLED},
		{"held",
		 HOLD, {0}, .to = SAME},
	};

	CHECK_CELLS(word_fail_hard, cells);
}

/* The strikes go up here too: else the prober whose lease this was could still open it. */
static void test_fail_hard_on_another_lease(void)
{
	static const struct cell cells[] = {
		{"another's lease, longer",
		 PROBE(NOW + 10, 2, BY_ERROR), {0}, .to = COOL(NOW + D, 3, BY_ERROR),
		 .verdict = WORD_COOLED},
		{"another's lease, never shorter",
		 PROBE(NOW + 10000, 2, BY_ERROR), {.for_ms = 50},
		 .to = COOL(NOW + 10000, 3, BY_ERROR), .verdict = WORD_COOLED},
		{"another's lease, lapsed prober",
		 PROBE(NOW + 10, 2, BY_ERROR), {0}, .lease = PROBE(NOW - 10, 2, BY_ERROR),
		 .to = COOL(NOW + D, 3, BY_ERROR), .verdict = WORD_COOLED},
	};

	CHECK_CELLS(word_fail_hard, cells);
}

static void test_fail_soft(void)
{
	static const struct cell cells[] = {
		{"healthy",
		 EMPTY, {0}, .to = SOFT(NOW, 1, RATIO(0, 0)), .verdict = WORD_COUNTED},
		{"healthy, failed after headers",
		 EMPTY, {.late = true}, .to = SOFT_LATE(NOW, 1, RATIO(0, 0)),
		 .verdict = WORD_COUNTED},
		{"healthy, one is enough",
		 EMPTY, {.soft_failures = 1}, .to = COOL(NOW + D, 0, BY_ERROR),
		 .verdict = WORD_COOLED},
		{"soft, began before the last was reported",
		 SOFT(NOW - 10, 1, RATIO(0, 0)), {.start_ms = NOW - 11}, .to = SAME},
		{"soft, began as the last was reported",
		 SOFT(NOW - 10, 1, RATIO(0, 0)), {.start_ms = NOW - 10}, .to = SAME},
		{"soft, began after the last was reported",
		 SOFT(NOW - 10, 1, RATIO(0, 0)), {.start_ms = NOW - 9},
		 .to = SOFT(NOW, 2, RATIO(0, 0)), .verdict = WORD_COUNTED},
		{"soft, the second after headers",
		 SOFT(NOW - 10, 1, RATIO(0, 0)), {.start_ms = NOW - 9, .late = true},
		 .to = SOFT_LATE(NOW, 2, RATIO(0, 0)), .verdict = WORD_COUNTED},
		{"soft late, the second before headers",
		 SOFT_LATE(NOW - 10, 1, RATIO(0, 0)), {.start_ms = NOW - 9},
		 .to = SOFT(NOW, 2, RATIO(0, 0)), .verdict = WORD_COUNTED},
		{"soft, the third",
		 SOFT(NOW - 10, 2, RATIO(0, 0)), {.start_ms = NOW - 9},
		 .to = COOL(NOW + D, 0, BY_ERROR), .verdict = WORD_COOLED},
		{"soft late, the third",
		 SOFT_LATE(NOW - 10, 2, RATIO(0, 0)), {.start_ms = NOW - 9},
		 .to = COOL(NOW + D, 0, BY_ERROR), .verdict = WORD_COOLED},
		{"soft, the second of two",
		 SOFT(NOW - 10, 1, RATIO(0, 0)), {.start_ms = NOW - 9, .soft_failures = 2},
		 .to = COOL(NOW + D, 0, BY_ERROR), .verdict = WORD_COOLED},
		{"soft, window over, begun inside",
		 SOFT(NOW - 60010, 2, RATIO(0, 0)), {.start_ms = NOW - 11},
		 .to = COOL(NOW + D, 0, BY_ERROR), .verdict = WORD_COOLED},
		{"soft, begun after the window",
		 SOFT(NOW - 60010, 2, RATIO(0, 0)), {.start_ms = NOW - 9},
		 .to = SOFT(NOW, 1, RATIO(0, 0)), .verdict = WORD_COUNTED},
		{"healthy, this call's second failure",
		 EMPTY, {.counted_before = true}, .to = SAME},
		{"soft, this call's second failure: for the ratio only",
		 SOFT(NOW - 10, 2, RATIO(1, 3)),
		 {.start_ms = NOW - 9, .counted_before = true, .counted_start = true},
		 .to = SOFT(NOW - 10, 2, RATIO(2, 3)), .verdict = WORD_NOTED},
		{"my lease, this call's second failure",
		 PROBE(NOW + 10, 2, BY_ERROR), {.counted_before = true},
		 .lease = PROBE(NOW + 10, 2, BY_ERROR), .to = COOL(NOW + D, 3, BY_ERROR),
		 .verdict = WORD_COOLED},
		{"cooling",
		 COOL(NOW + 10, 2, BY_ERROR), {0}, .to = SAME},
		{"cooled: it would open without a probe",
		 COOL(NOW, 2, BY_ERROR), {0}, .to = SAME},
		{"cooled, lapsed prober",
		 COOL(NOW, 2, BY_ERROR), {0}, .lease = PROBE(NOW - 10, 2, BY_ERROR), .to = SAME},
		{"my lease",
		 PROBE(NOW + 10, 2, BY_ERROR), {0}, .lease = PROBE(NOW + 10, 2, BY_ERROR),
		 .to = COOL(NOW + D, 3, BY_ERROR), .verdict = WORD_COOLED},
		{"my lease, over but untouched",
		 PROBE(NOW - 10, 2, BY_ERROR), {0}, .lease = PROBE(NOW - 10, 2, BY_ERROR),
		 .to = COOL(NOW + D, 3, BY_ERROR), .verdict = WORD_COOLED},
		{"my lease of a rate limit: it is over, and the failure counts",
		 PROBE(NOW + 10, 2, BY_LIMIT), {0}, .lease = PROBE(NOW + 10, 2, BY_LIMIT),
		 .to = SOFT(NOW, 1, RATIO(0, 0)), .verdict = WORD_COUNTED, .wakes = true},
		{"my lease of a rate limit, failed after headers",
		 PROBE(NOW + 10, 2, BY_LIMIT), {.late = true},
		 .lease = PROBE(NOW + 10, 2, BY_LIMIT), .to = SOFT_LATE(NOW, 1, RATIO(0, 0)),
		 .verdict = WORD_COUNTED, .wakes = true},
		{"my lease of a rate limit, this call's second failure",
		 PROBE(NOW + 10, 2, BY_LIMIT), {.counted_before = true},
		 .lease = PROBE(NOW + 10, 2, BY_LIMIT), .to = EMPTY, .verdict = WORD_OPENED,
		 .wakes = true},
		{"my lease of a rate limit, one is enough",
		 PROBE(NOW + 10, 2, BY_LIMIT), {.soft_failures = 1},
		 .lease = PROBE(NOW + 10, 2, BY_LIMIT), .to = COOL(NOW + D, 3, BY_ERROR),
		 .verdict = WORD_COOLED},
		{"another's lease",
		 PROBE(NOW + 10, 2, BY_ERROR), {0}, .lease = PROBE(NOW - 10, 2, BY_ERROR),
		 .to = SAME},
		{"another's lease of a rate limit",
		 PROBE(NOW + 10, 2, BY_LIMIT), {0}, .lease = PROBE(NOW - 10, 2, BY_LIMIT),
		 .to = SAME},
		{"another's lease, over",
		 PROBE(NOW, 2, BY_ERROR), {0}, .to = SAME},
		{"held",
		 HOLD, {0}, .to = SAME},
	};

	CHECK_CELLS(word_fail_soft, cells);
}

/* ------------------------------------------------------------------ an operator */

static void test_operator_cool(void)
{
	static const struct cell cells[] = {
		{"healthy",
		 EMPTY, {0}, .to = COOL(NOW + D, 0, BY_HAND), .verdict = WORD_OPERATOR_COOLED},
		{"soft",
		 SOFT(NOW - 1, 2, RATIO(0, 0)), {0}, .to = COOL(NOW + D, 0, BY_HAND),
		 .verdict = WORD_OPERATOR_COOLED},
		{"cooling for less",
		 COOL(NOW + 1, 2, BY_ERROR), {0}, .to = COOL(NOW + D, 2, BY_HAND),
		 .verdict = WORD_OPERATOR_COOLED},
		{"cooling for longer",
		 COOL(NOW + HOUR, 2, BY_ERROR), {.for_ms = D}, .to = COOL(NOW + HOUR, 2, BY_HAND),
		 .verdict = WORD_OPERATOR_COOLED},
		{"cooled",
		 COOL(NOW, 2, BY_ERROR), {0}, .to = COOL(NOW + D, 2, BY_HAND),
		 .verdict = WORD_OPERATOR_COOLED},
		{"probing",
		 PROBE(NOW + 1, 2, BY_ERROR), {0}, .to = COOL(NOW + D, 2, BY_HAND),
		 .verdict = WORD_OPERATOR_COOLED},
		{"probing for longer",
		 PROBE(NOW + 10000, 2, BY_ERROR), {.for_ms = 50},
		 .to = COOL(NOW + 10000, 2, BY_HAND), .verdict = WORD_OPERATOR_COOLED},
		{"lease over",
		 PROBE(NOW, 2, BY_ERROR), {0}, .to = COOL(NOW + D, 2, BY_HAND),
		 .verdict = WORD_OPERATOR_COOLED},
		{"held",
		 HOLD, {0}, .to = SAME, .verdict = WORD_REFUSED},
	};

	CHECK_CELLS(word_operator_cool, cells);
}

static void test_operator_hold(void)
{
	static const struct cell cells[] = {
		{"healthy",
		 EMPTY, .to = HOLD, .verdict = WORD_OPERATOR_HELD},
		{"soft",
		 SOFT(NOW - 1, 2, RATIO(0, 0)), .to = HOLD, .verdict = WORD_OPERATOR_HELD},
		{"cooling",
		 COOL(NOW + 1, 2, BY_ERROR), .to = HOLD, .verdict = WORD_OPERATOR_HELD},
		{"cooled",
		 COOL(NOW, 2, BY_ERROR), .to = HOLD, .verdict = WORD_OPERATOR_HELD},
		{"probing",
		 PROBE(NOW + 1, 2, BY_ERROR), .to = HOLD, .verdict = WORD_OPERATOR_HELD},
		{"lease over",
		 PROBE(NOW, 2, BY_ERROR), .to = HOLD, .verdict = WORD_OPERATOR_HELD},
		{"held",
		 HOLD, .to = SAME},
	};

	CHECK_CELLS(word_operator_hold, cells);
}

static void test_operator_clear(void)
{
	static const struct cell cells[] = {
		{"healthy",
		 EMPTY, .to = SAME},
		{"soft",
		 SOFT(NOW - 1, 2, RATIO(0, 0)), .to = EMPTY, .verdict = WORD_OPERATOR_CLEARED},
		{"cooling",
		 COOL(NOW + 1, 2, BY_ERROR), .to = EMPTY, .verdict = WORD_OPERATOR_CLEARED,
		 .wakes = true},
		{"cooled",
		 COOL(NOW, 2, BY_ERROR), .to = EMPTY, .verdict = WORD_OPERATOR_CLEARED},
		{"probing",
		 PROBE(NOW + 1, 2, BY_ERROR), .to = EMPTY, .verdict = WORD_OPERATOR_CLEARED,
		 .wakes = true},
		{"lease over",
		 PROBE(NOW, 2, BY_ERROR), .to = EMPTY, .verdict = WORD_OPERATOR_CLEARED},
		{"held",
		 HOLD, .to = EMPTY, .verdict = WORD_OPERATOR_CLEARED, .wakes = true},
	};

	CHECK_CELLS(word_operator_clear, cells);
}

/* clang-format on */

/* ------------------------------------------------------------------ more than one step */

/* A word, and the events that meet it one after the other. */
struct story {
	uint64_t word;
	struct word_event event;
	enum word_verdict verdict;
};

static struct story story_begin(uint64_t word)
{
	return (struct story){.word = word,
			      .event = {.now_ms = NOW,
					BY_ERROR,
					.for_ms = D,
					.for_cap_ms = D,
					.headers_ms = LULL_NEVER,
					.soft_failures = 3}};
}

static void meet(struct story *s, word_fn fn)
{
	struct word_step step = fn(s->word, &s->event);

	s->word = step.to;
	s->verdict = step.verdict;
}

/* An attempt begun now: is it counted for the ratio? */
static bool begin_attempt(struct story *s)
{
	meet(s, word_admit);
	s->event.start_ms = s->event.now_ms;
	return s->verdict == WORD_GO_COUNTED;
}

/* One attempt from its start to a soft failure a second later. */
static void fail_in_a_second(struct story *s)
{
	s->event.now_ms += 1;
	s->event.counted_start = begin_attempt(s);
	s->event.now_ms += 1000;
	meet(s, word_fail_soft);
}

static void test_three_in_a_row_cool(void)
{
	struct story s = story_begin(0);

	fail_in_a_second(&s);
	fail_in_a_second(&s);
	CU_ASSERT_EQUAL(s.verdict, WORD_COUNTED);
	CU_ASSERT_EQUAL(word_ready_in_ms(s.word, s.event.now_ms), 0);
	fail_in_a_second(&s);
	CU_ASSERT_EQUAL(s.verdict, WORD_COOLED);
	CU_ASSERT_EQUAL(word_ready_in_ms(s.word, s.event.now_ms), D);
}

static void test_sixteen_on_one_connection_are_one(void)
{
	struct story s = story_begin(0);

	s.event.start_ms = NOW;
	s.event.now_ms = NOW + 100;
	for (int i = 0; i < 16; i++)
		meet(&s, word_fail_soft);
	CU_ASSERT_EQUAL(word_unpack(s.word).strikes, 1);
}

/* The attempts of a busy host overlap. The ones not in a row count for the ratio all the same. */
static void test_overlapping_failures_count_for_the_ratio(void)
{
	struct story s = story_begin(0);

	s.event.start_ms = NOW;
	meet(&s, word_fail_soft);
	s.event.now_ms += 1;
	for (int i = 0; i < 4; i++)
		(void)begin_attempt(&s);
	s.event.counted_start = true;
	s.event.now_ms += 100;
	for (int i = 0; i < 4; i++)
		meet(&s, word_fail_soft);
	CU_ASSERT_EQUAL(word_unpack(s.word).strikes, 2);
	CU_ASSERT_EQUAL(word_unpack(s.word).starts, 4);
	CU_ASSERT_EQUAL(word_unpack(s.word).fails, 4);
	CU_ASSERT_EQUAL(s.verdict, WORD_NOTED);
}

/* 2 % random failures: the third comes, but nine of ten attempts in between went well. */
static void test_the_third_of_many_attempts_cools_nothing(void)
{
	struct story s = story_begin(0);

	fail_in_a_second(&s);
	fail_in_a_second(&s);
	s.event.now_ms++;
	for (int i = 0; i < 5; i++)
		(void)begin_attempt(&s);
	s.event.counted_start = true;
	s.event.now_ms++;
	meet(&s, word_fail_soft); /* 2 failed of 6 begun since the first */
	CU_ASSERT_EQUAL(s.verdict, WORD_COOLED);

	s = story_begin(0);
	fail_in_a_second(&s);
	fail_in_a_second(&s);
	s.event.now_ms++;
	for (int i = 0; i < 6; i++)
		(void)begin_attempt(&s);
	s.event.counted_start = true;
	s.event.now_ms++;
	meet(&s, word_fail_soft); /* 2 of 7 */
	CU_ASSERT_EQUAL(s.verdict, WORD_COUNTED);
	CU_ASSERT_EQUAL(word_unpack(s.word).strikes, 3);
}

static void test_our_own_timeouts(void)
{
	struct story s = story_begin(0);
	const struct word soft = SOFT(NOW, 2, RATIO(0, 30));

	/* begun before the last one was counted, as slow as all the others */
	s.event.start_ms = NOW - 30000;
	s.event.ours = true;
	meet(&s, word_fail_soft);
	s.event.now_ms = NOW + WORD_OURS_APART_MS - 1;
	meet(&s, word_fail_soft);
	CU_ASSERT_EQUAL(word_unpack(s.word).strikes, 1);
	s.event.now_ms = NOW + WORD_OURS_APART_MS;
	meet(&s, word_fail_soft);
	CU_ASSERT_EQUAL(word_unpack(s.word).strikes, 2);
	s.word = word_pack(&soft); /* few of the many that hang have been reported: no ratio */
	meet(&s, word_fail_soft);
	CU_ASSERT_EQUAL(s.verdict, WORD_COOLED);
}

/* "Begun since the first was reported, a third of them failed" holds at any number. */
static void test_ratio_is_halved_and_stays_one(void)
{
	struct story s = story_begin(0);

	s.event.soft_failures = 31;
	fail_in_a_second(&s);
	for (int i = 0; i < 29; i++)
		fail_in_a_second(&s);
	CU_ASSERT_EQUAL(word_unpack(s.word).starts, 29);
	CU_ASSERT_EQUAL(word_unpack(s.word).fails, 29);
	for (int i = 0; i < 2; i++)
		(void)begin_attempt(&s);
	CU_ASSERT_EQUAL(word_unpack(s.word).starts, 31);
	(void)begin_attempt(&s);
	CU_ASSERT_EQUAL(word_unpack(s.word).starts, 16);
	CU_ASSERT_EQUAL(word_unpack(s.word).fails, 14);
}

static void test_soft_count_saturates(void)
{
	struct story s = story_begin(0);
	const struct word soft = SOFT(NOW, 63, RATIO(2, 31));

	s.word = word_pack(&soft);
	s.event.now_ms = NOW + 1;
	s.event.start_ms = NOW + 1;
	meet(&s, word_fail_soft);
	CU_ASSERT_EQUAL(s.verdict, WORD_COUNTED);
	CU_ASSERT_EQUAL(word_unpack(s.word).strikes, 63);
}

static void test_strikes_saturate(void)
{
	struct story s = story_begin(0);

	for (int i = 0; i < 70; i++) {
		meet(&s, word_fail_hard);
		s.event.now_ms += D;
	}
	CU_ASSERT_EQUAL(word_unpack(s.word).strikes, 63);
	CU_ASSERT_EQUAL(word_unpack(s.word).until_ms, s.event.now_ms);
}

static void test_success_between_begins_anew(void)
{
	struct story s = story_begin(0);

	fail_in_a_second(&s);
	fail_in_a_second(&s);
	s.event.headers_ms = s.event.now_ms + 1;
	s.event.now_ms += 1;
	meet(&s, word_headers);
	CU_ASSERT_EQUAL(s.word, 0);
	fail_in_a_second(&s);
	fail_in_a_second(&s);
	CU_ASSERT_EQUAL(word_ready_in_ms(s.word, s.event.now_ms), 0);
}

/* The attempt began inside the window, so it counts, unless a success came in between. */
static void test_straggler_after_the_window(void)
{
	const struct word soft = SOFT(NOW, 2, RATIO(1, 1));
	struct story s = story_begin(word_pack(&soft));

	s.event.now_ms = NOW + 50000;
	s.event.counted_start = begin_attempt(&s);
	s.event.now_ms = NOW + 65000;
	s.event.headers_ms = s.event.now_ms; /* of somebody else */
	meet(&s, word_headers);
	s.event.now_ms++;
	meet(&s, word_fail_soft);
	CU_ASSERT_EQUAL(s.verdict, WORD_COUNTED);
	CU_ASSERT_EQUAL(word_unpack(s.word).strikes, 1);
}

static void test_slow_prober_opens_what_nobody_refuted(void)
{
	const struct word cool = COOL(NOW, 2, BY_ERROR);
	struct story s = story_begin(word_pack(&cool));
	uint64_t mine;

	meet(&s, word_admit);
	mine = s.word;
	s.event.now_ms += 15000;
	meet(&s, word_admit); /* the next prober */
	CU_ASSERT_EQUAL(s.verdict, WORD_GO_PROBE);
	CU_ASSERT_NOT_EQUAL(s.word, mine);
	s.event.now_ms += 5000;
	s.event.lease = mine;
	meet(&s, word_answered);
	CU_ASSERT_EQUAL(s.word, 0);
}

static void test_slow_prober_does_not_open_what_failed_since(void)
{
	const struct word cool = COOL(NOW, 2, BY_ERROR);
	struct story s = story_begin(word_pack(&cool));
	uint64_t mine;

	meet(&s, word_admit);
	mine = s.word;
	s.event.now_ms += 15000;
	meet(&s, word_admit);
	s.event.lease = s.word;
	meet(&s, word_fail_soft); /* the next prober met a failure */
	s.event.now_ms += D;
	s.event.lease = mine;
	meet(&s, word_answered);
	CU_ASSERT_EQUAL(s.verdict, WORD_UNTOUCHED);
	CU_ASSERT_EQUAL(word_unpack(s.word).kind, WORD_COOL);
}

/* A prober's own clock runs; only a lease that has lapsed may speak for a word not its own. */
static void test_running_lease_speaks_for_its_own_word_only(void)
{
	const struct word found = PROBE(NOW + 9000, 0, BY_ERROR),
			  lease = PROBE(NOW + 5000, 0, BY_ERROR);
	struct story s = story_begin(word_pack(&found));

	s.event.headers_ms = NOW;
	s.event.lease = word_pack(&lease);
	meet(&s, word_headers);
	CU_ASSERT_EQUAL(s.verdict, WORD_UNTOUCHED);
	meet(&s, word_answered);
	CU_ASSERT_EQUAL(s.verdict, WORD_UNTOUCHED);
	s.event.now_ms = NOW + 5000;
	meet(&s, word_headers);
	CU_ASSERT_EQUAL(s.word, 0);
}

static void test_handed_back_lease_is_free_at_once(void)
{
	const struct word cool = COOL(NOW, 2, BY_LIMIT);
	struct story s = story_begin(word_pack(&cool));

	meet(&s, word_admit);
	s.event.now_ms += 10;
	s.event.lease = s.word;
	meet(&s, word_hand_back);
	CU_ASSERT_EQUAL(word_ready_in_ms(s.word, s.event.now_ms), 0);
	meet(&s, word_admit);
	CU_ASSERT_EQUAL(s.verdict, WORD_GO_PROBE);
	CU_ASSERT_EQUAL(word_unpack(s.word).strikes, 2);
}

/* ------------------------------------------------------------------ lengths */

static void test_length_doubles_with_strikes_up_to_its_cap(void)
{
	static const uint64_t network_ms[] = {1000, 2000, 4000, 8000, 10000, 10000};

	for (uint32_t strikes = 0; strikes < 6; strikes++)
		CU_ASSERT_EQUAL(word_length_ms(1000, 10000, strikes), network_ms[strikes]);
	CU_ASSERT_EQUAL(word_length_ms(1000, 10000, 63), 10000);
	CU_ASSERT_EQUAL(word_length_ms(60000, 60000, 63), 60000);
	CU_ASSERT_EQUAL(word_length_ms(1, UINT32_MAX, 63), UINT32_MAX);
}

static void test_failed_probes_lengthen(void)
{
	struct story s = story_begin(0);
	uint64_t length_ms[4];

	s.event.for_ms = 1000;
	s.event.for_cap_ms = 10000;
	for (int i = 0; i < 4; i++) {
		meet(&s, i == 0 ? word_fail_hard : word_fail_soft);
		length_ms[i] = word_ready_in_ms(s.word, s.event.now_ms);
		s.event.now_ms += length_ms[i];
		meet(&s, word_admit);
		s.event.lease = s.word;
	}
	CU_ASSERT(length_ms[0] == 1000 && length_ms[1] == 2000 && length_ms[2] == 4000 &&
		  length_ms[3] == 8000);
	s.event.headers_ms = s.event.now_ms;
	meet(&s, word_headers);
	meet(&s, word_fail_hard);
	CU_ASSERT_EQUAL(word_ready_in_ms(s.word, s.event.now_ms), 1000);
}

/* One more refusal of the same outage is as long as those before it. */
static void test_lengthening_keeps_the_strikes(void)
{
	const struct word cool = COOL(NOW + 100, 2, BY_ERROR);
	struct story s = story_begin(word_pack(&cool));

	s.event.for_ms = 1000;
	s.event.for_cap_ms = 10000;
	meet(&s, word_fail_hard);
	CU_ASSERT_EQUAL(word_unpack(s.word).strikes, 2);
	CU_ASSERT_EQUAL(word_ready_in_ms(s.word, NOW), 4000);
}

/* ------------------------------------------------------------------ reading, and damage */

static void test_states_as_people_see_them(void)
{
	static const struct {
		struct word word;
		uint64_t ready_in_ms;
		uint32_t state;
	} rows[] = {
		/* clang-format off */
		{EMPTY,                         0,          LULL_STATE_READY  },
		{SOFT(NOW, 2, RATIO(0, 0)),     0,          LULL_STATE_READY  },
		{SOFT_LATE(NOW, 2, RATIO(0, 0)), 0,         LULL_STATE_READY  },
		{COOL(NOW + D, 0, BY_ERROR),    D,          LULL_STATE_COOLING},
		{COOL(NOW, 0, BY_ERROR),        0,          LULL_STATE_READY  },
		{PROBE(NOW + 7, 0, BY_ERROR),   7,          LULL_STATE_PROBING},
		{PROBE(NOW, 0, BY_ERROR),       0,          LULL_STATE_READY  },
		{HOLD,                          LULL_NEVER, LULL_STATE_HELD   },
		/* clang-format on */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t bits = bits_or_none(&rows[i].word);

		CU_ASSERT_EQUAL(word_ready_in_ms(bits, NOW), rows[i].ready_in_ms);
		CU_ASSERT_EQUAL(word_state(bits, NOW), rows[i].state);
	}
}

/*
 * A process reads its clock, is stopped, and goes on a minute later: what others have written in
 * between lies further ahead of its time than they could have written it then. It is no damage.
 */
static void test_an_old_clock_takes_no_live_lease_for_damage(void)
{
	static const struct cell cells[] = {
		/* clang-format off */
		{"a lease given since",
		 PROBE(NOW + WORD_LEASE_MS + WORD_STALL_MS, 1, BY_ERROR), .to = SAME,
		 .verdict = WORD_SKIP},
		{"a soft failure counted since",
		 SOFT(NOW + WORD_STALL_MS, 2, RATIO(1, 2)),
		 .to = SOFT(NOW + WORD_STALL_MS, 2, RATIO(1, 3)), .verdict = WORD_GO_COUNTED},
		{"more than that: damage",
		 PROBE(NOW + WORD_LEASE_MS + WORD_STALL_MS + 1, 1, BY_ERROR),
		 .to = PROBE(NOW + WORD_LEASE_MS, 1, BY_ERROR), .verdict = WORD_GO_PROBE},
		{"more than that: damage, and no count",
		 SOFT(NOW + WORD_STALL_MS + 1, 2, RATIO(1, 2)), .to = SAME, .verdict = WORD_GO},
		/* clang-format on */
	};

	CHECK_CELLS(word_admit, cells);
}

/* What no process can have written. It reads as ended, and the next failure counts from there. */
static void test_damage_heals(void)
{
	static const struct word damaged[] = {
		COOL(NOW + WORD_HORIZON_MS + 1, 1, BY_ERROR),
		COOL((UINT64_C(1) << 40) - 1, 63, BY_ERROR),
		PROBE(NOW + HOUR, 1, BY_ERROR),
		SOFT(NOW + HOUR, 2, RATIO(3, 3)),
		SOFT_LATE(NOW + HOUR, 2, RATIO(0, 0)),
		{.kind = 6, .until_ms = NOW + D, .strikes = 3},
		{.kind = 7, .until_ms = NOW + D},
		{.kind = WORD_NONE, .until_ms = NOW + D, .strikes = 9},
	};

	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		struct story s = story_begin(word_pack(&damaged[i]));
		uint64_t found = s.word;

		CU_ASSERT_EQUAL(word_ready_in_ms(found, NOW), 0);
		CU_ASSERT_EQUAL(word_state(found, NOW), LULL_STATE_READY);
		meet(&s, word_admit);
		CU_ASSERT_NOT_EQUAL(s.verdict, WORD_SKIP);
		s.word = found;
		meet(&s, word_fail_hard);
		CU_ASSERT_EQUAL(word_ready_in_ms(s.word, NOW), D);
		s.word = found;
		meet(&s, word_operator_cool);
		CU_ASSERT_EQUAL(word_ready_in_ms(s.word, NOW), D);
		s.word = found;
		meet(&s, word_operator_clear);
		CU_ASSERT_EQUAL(s.word, 0);
	}
}

static void test_damaged_soft_counts_begin_anew(void)
{
	static const struct word damaged[] = {
		SOFT(NOW + HOUR, 2, RATIO(0, 0)),
		{.kind = WORD_SOFT, .until_ms = WORD_SOFT_WINDOW_MS - 1, .strikes = 2}, /* L < 0 */
		{.kind = 6, .until_ms = NOW + D, .strikes = 3},
	};

	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		struct story s = story_begin(word_pack(&damaged[i]));

		s.event.start_ms = NOW - 1;
		meet(&s, word_fail_soft);
		CU_ASSERT_EQUAL(s.verdict, WORD_COUNTED);
		CU_ASSERT_EQUAL(word_unpack(s.word).strikes, 1);
	}
}

/* Whatever bits are found, no event but an operator's and a try's success shortens a cooldown. */
static void test_no_failure_shortens(void)
{
	static const word_fn failures[] = {word_fail_hard, word_fail_soft, word_hand_back};
	uint64_t random = 1;

	for (int i = 0; i < 300000; i++) {
		struct story s = story_begin(0);
		uint64_t before_ms;

		random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		s.word = (NOW - D + (random >> 33) % UINT64_C(90000)) << 24 | (random & 0xffffff);
		s.event.start_ms = NOW - (random >> 20) % D;
		s.event.for_ms = s.event.for_cap_ms = 50 + (uint32_t)(random >> 40) % D;
		before_ms = word_ready_in_ms(s.word, NOW);
		meet(&s, failures[(random >> 60) % 3]);
		if (word_ready_in_ms(s.word, NOW) < before_ms) {
			print_word("shortened to", s.word);
			CU_FAIL("a failure has shortened a cooldown");
			return;
		}
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_layout_of_the_bits),
		CUNIT_TEST(test_words_survive_packing),
		CUNIT_TEST(test_every_bit_pattern_reads_as_itself),
		CUNIT_TEST(test_times_beyond_forty_bits_are_the_last_one),
		CUNIT_TEST(test_words_order_by_time),
		CUNIT_TEST(test_admit),
		CUNIT_TEST(test_headers),
		CUNIT_TEST(test_answered),
		CUNIT_TEST(test_hand_back),
		CUNIT_TEST(test_fail_hard),
		CUNIT_TEST(test_fail_hard_on_another_lease),
		CUNIT_TEST(test_fail_soft),
		CUNIT_TEST(test_operator_cool),
		CUNIT_TEST(test_operator_hold),
		CUNIT_TEST(test_operator_clear),
		CUNIT_TEST(test_three_in_a_row_cool),
		CUNIT_TEST(test_sixteen_on_one_connection_are_one),
		CUNIT_TEST(test_overlapping_failures_count_for_the_ratio),
		CUNIT_TEST(test_the_third_of_many_attempts_cools_nothing),
		CUNIT_TEST(test_our_own_timeouts),
		CUNIT_TEST(test_ratio_is_halved_and_stays_one),
		CUNIT_TEST(test_soft_count_saturates),
		CUNIT_TEST(test_strikes_saturate),
		CUNIT_TEST(test_success_between_begins_anew),
		CUNIT_TEST(test_straggler_after_the_window),
		CUNIT_TEST(test_slow_prober_opens_what_nobody_refuted),
		CUNIT_TEST(test_slow_prober_does_not_open_what_failed_since),
		CUNIT_TEST(test_running_lease_speaks_for_its_own_word_only),
		CUNIT_TEST(test_handed_back_lease_is_free_at_once),
		CUNIT_TEST(test_length_doubles_with_strikes_up_to_its_cap),
		CUNIT_TEST(test_failed_probes_lengthen),
		CUNIT_TEST(test_lengthening_keeps_the_strikes),
		CUNIT_TEST(test_states_as_people_see_them),
		CUNIT_TEST(test_an_old_clock_takes_no_live_lease_for_damage),
		CUNIT_TEST(test_damage_heals),
		CUNIT_TEST(test_damaged_soft_counts_begin_anew),
		CUNIT_TEST(test_no_failure_shortens),
	};

	return CUNIT_MAIN("word", tests);
}
