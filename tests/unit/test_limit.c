/* SPDX-License-Identifier: MIT */
/*
 * Permits and buckets on process-local memory and a clock that moves when told: what must hold
 * however holders come, stop, vanish and read their clocks late.
 */
#include <errno.h>
#include <string.h>

#include "cunit_main.h"
#include "limit.h"
#include "mapping.h"

#define NOW     UINT64_C(1000000000) /* any uptime, in ms */
#define NOW_NS  (NOW * 1000000)
#define S_NS    UINT64_C(1000000000)
#define HOUR_NS (3600 * S_NS)
#define LEASE   ((uint64_t)LULL_PERMIT_LEASE_MS)

static struct segment segment;
static struct layout_slot *slot;
static uint64_t random_state = 1;

static void begin(void)
{
	CU_ASSERT_EQUAL_FATAL(segment_map_local(&segment, LAYOUT_SLOTS_MIN), 0);
	slot = &segment.slots[0];
}

static void end(void)
{
	segment_unmap(&segment);
}

static uint32_t below(uint32_t bound)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)((random_state >> 33) % bound);
}

/* ------------------------------------------------------------------ permits */

static bool take(uint32_t count, uint32_t tag, uint64_t now_ms, struct permit *permit)
{
	return permit_take(slot->permits, count, tag, now_ms, permit);
}

static void test_there_are_as_many_permits_as_the_limit_says(void)
{
	static const uint32_t counts[] = {1, 2, 4, 63, 64};
	struct permit permits[LULL_PARALLEL_MAX], none;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		uint32_t count = counts[i];

		begin();
		for (uint32_t j = 0; j < count; j++) {
			CU_ASSERT_EQUAL(permit_room_in_ms(slot->permits, count, NOW), 0);
			CU_ASSERT_TRUE(take(count, j * 7, NOW, &permits[j]));
		}
		CU_ASSERT_EQUAL(permit_held_count(slot->permits, NOW), count);
		CU_ASSERT_FALSE(take(count, 1, NOW, &none));
		CU_ASSERT_EQUAL(permit_room_in_ms(slot->permits, count, NOW + 1), LEASE - 1);
		CU_ASSERT_TRUE(permit_release(slot->permits, &permits[count / 2]));
		CU_ASSERT_EQUAL(permit_room_in_ms(slot->permits, count, NOW), 0);
		CU_ASSERT_TRUE(take(count, 1, NOW, &none));
		end();
	}
}

static void test_a_permit_whose_holder_vanished_is_free_when_its_lease_ends(void)
{
	struct permit vanished, next;

	begin();
	CU_ASSERT_TRUE(take(1, 1, NOW, &vanished));
	CU_ASSERT_FALSE(take(1, 2, NOW + LEASE - 1, &next));
	CU_ASSERT_TRUE(take(1, 2, NOW + LEASE, &next));
	end();
}

static void test_a_renewed_permit_stays(void)
{
	struct permit mine, other;

	begin();
	CU_ASSERT_TRUE(take(1, 1, NOW, &mine));
	for (uint64_t ms = 3000; ms < 60000; ms += 3000) {
		CU_ASSERT_TRUE(permit_renew(slot->permits, &mine, NOW + ms));
		CU_ASSERT_FALSE(take(1, 2, NOW + ms + LEASE - 1, &other));
	}
	CU_ASSERT_TRUE(permit_release(slot->permits, &mine));
	CU_ASSERT_FALSE(permit_release(slot->permits, &mine));
	CU_ASSERT_EQUAL(permit_held_count(slot->permits, NOW), 0);
	end();
}

static void test_a_clock_that_was_read_late_does_not_shorten_a_lease(void)
{
	struct permit mine;

	begin();
	CU_ASSERT_TRUE(take(1, 1, NOW, &mine));
	CU_ASSERT_TRUE(permit_renew(slot->permits, &mine, NOW - 5000));
	CU_ASSERT_EQUAL(permit_room_in_ms(slot->permits, 1, NOW), LEASE);
	end();
}

/* A holder that was stopped finds its permit gone, and leaves the next one's alone. */
static void test_who_comes_back_too_late_touches_nothing(void)
{
	struct permit late, late_too, next;
	uint64_t word;

	begin();
	CU_ASSERT_TRUE(take(1, 1, NOW, &late));
	late_too = late;
	CU_ASSERT_TRUE(take(1, 1, NOW + LEASE, &next)); /* even with the same tag */
	word = atomic_load(&slot->permits[0]);
	CU_ASSERT_FALSE(permit_renew(slot->permits, &late, NOW + LEASE + 1));
	CU_ASSERT_FALSE(permit_release(slot->permits, &late_too));
	CU_ASSERT_EQUAL(atomic_load(&slot->permits[0]), word);
	CU_ASSERT_TRUE(permit_release(slot->permits, &next));
	end();
}

static void test_an_ended_lease_that_nobody_took_is_still_its_holders(void)
{
	struct permit mine;

	begin();
	CU_ASSERT_TRUE(take(1, 1, NOW, &mine));
	CU_ASSERT_TRUE(permit_renew(slot->permits, &mine, NOW + 3 * LEASE));
	CU_ASSERT_EQUAL(permit_room_in_ms(slot->permits, 1, NOW + 3 * LEASE), LEASE);
	end();
}

/* What no holder can have written shuts nobody out. */
static void test_a_lease_too_far_ahead_is_damage(void)
{
	static const struct {
		uint64_t ahead_ms;
		bool is_free;
	} cases[] = {
		{0, true},
		{1, false},
		{LEASE, false},
		{LEASE + WORD_STALL_MS, false}, /* the reader was stopped since it read its clock */
		{LEASE + WORD_STALL_MS + 1, true},
		{UINT64_C(1) << 39, true},
	};
	struct permit permit;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin();
		atomic_store(&slot->permits[0], (NOW + cases[i].ahead_ms) << PERMIT_TAG_BITS | 5);
		CU_ASSERT_EQUAL(permit_room_in_ms(slot->permits, 1, NOW) == 0, cases[i].is_free);
		CU_ASSERT_EQUAL(take(1, 1, NOW, &permit), cases[i].is_free);
		end();
	}
}

#define HOLDERS 24u

/* A process: it may read its clock late, stop, or vanish without a word. */
struct holder {
	struct permit permit;
	uint64_t behind_ms, renewed_ms;
};

static uint64_t lease_end_ms(const struct holder *h)
{
	return h->permit.word >> PERMIT_TAG_BITS;
}

static void holder_acts(struct holder *h, uint32_t count, uint64_t now_ms)
{
	uint64_t its_ms = now_ms - h->behind_ms;

	if (!h->permit.word) {
		if (take(count, below(3), its_ms, &h->permit))
			h->renewed_ms = its_ms;
		return;
	}
	switch (below(8)) {
	case 0: /* killed, and started anew */
		*h = (struct holder){.behind_ms = below(3) ? 0 : below(4000)};
		break;
	case 1:
	case 2:
		(void)permit_release(slot->permits, &h->permit);
		break;
	default:
		if (its_ms - h->renewed_ms < LULL_PERMIT_RENEW_MS)
			break;
		h->renewed_ms = its_ms;
		if (!permit_renew(slot->permits, &h->permit, its_ms))
			h->permit.word = 0;
	}
}

/* I4: an unexpired lease is its holder's alone, so there are never more than words for them. */
static bool leases_are_kept(const struct holder *holders, uint32_t count, uint64_t now_ms)
{
	uint32_t live = 0;

	for (uint32_t i = 0; i < HOLDERS; i++) {
		const struct permit *p = &holders[i].permit;

		if (!p->word || lease_end_ms(&holders[i]) <= now_ms)
			continue;
		live++;
		if (p->index >= count || atomic_load(&slot->permits[p->index]) != p->word)
			return false;
	}
	return live <= count && permit_held_count(slot->permits, now_ms) <= count;
}

static void test_never_more_permits_than_the_limit_and_never_fewer_for_longer_than_a_lease(void)
{
	for (uint32_t script = 0; script < 300; script++) {
		struct holder holders[HOLDERS] = {0};
		uint32_t count = 1 + below(8);
		uint64_t now_ms = NOW;
		struct permit permit;
		bool kept = true;

		begin();
		for (uint32_t i = 0; i < 2000 && kept; i++) {
			holder_acts(&holders[below(HOLDERS)], count, now_ms);
			now_ms += below(20) ? below(300) : below(15000);
			kept = leases_are_kept(holders, count, now_ms);
		}
		CU_ASSERT_TRUE(kept);
		now_ms += LEASE; /* all vanish */
		for (uint32_t i = 0; i < count; i++)
			CU_ASSERT_TRUE(take(count, i, now_ms, &permit));
		CU_ASSERT_FALSE(take(count, 0, now_ms, &permit));
		end();
	}
}

/* ------------------------------------------------------------------ buckets */

static void test_a_bucket_holds_its_burst_and_fills_at_its_rate(void)
{
	static const struct {
		struct rate rate;
		uint32_t at_once;
		uint64_t next_ns;
	} cases[] = {
		{{600, 0}, 10, S_NS / 10},
		{{60, 0}, 1, S_NS},
		{{6, 0}, 1, 10 * S_NS},
		{{1, 0}, 1, 60 * S_NS},
		{{600, 1}, 1, S_NS / 10},
		{{600, 60000}, 600, S_NS / 10},
		{{90000, 0}, 1499, S_NS / 1500 + 1}, /* a unit is rounded up */
		{{7, 30000}, 3, 60 * S_NS / 7 + 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_Atomic uint64_t bucket = 0;
		uint64_t room_ns;

		for (uint32_t n = 0; n < cases[i].at_once; n++)
			CU_ASSERT_TRUE(bucket_take(&bucket, cases[i].rate, 1, NOW_NS));
		CU_ASSERT_FALSE(bucket_take(&bucket, cases[i].rate, 1, NOW_NS));
		room_ns = bucket_room_in_ns(bucket, cases[i].rate, NOW_NS);
		CU_ASSERT_TRUE(room_ns > 0 && room_ns <= cases[i].next_ns);
		CU_ASSERT_FALSE(bucket_take(&bucket, cases[i].rate, 1, NOW_NS + room_ns - 1));
		CU_ASSERT_TRUE(bucket_take(&bucket, cases[i].rate, 1, NOW_NS + room_ns));
	}
}

static void test_a_bucket_that_is_not_empty_admits_any_size(void)
{
	const struct rate rate = {60000, 0}; /* 1000 a second */
	_Atomic uint64_t bucket = 0;

	CU_ASSERT_TRUE(bucket_take(&bucket, rate, 999, NOW_NS));
	CU_ASSERT_TRUE(bucket_take(&bucket, rate, 20000, NOW_NS));
	CU_ASSERT_FALSE(bucket_take(&bucket, rate, 0, NOW_NS));
	CU_ASSERT_EQUAL(bucket_room_in_ns(bucket, rate, NOW_NS), 20 * S_NS);
	CU_ASSERT_TRUE(bucket_take(&bucket, rate, 1, NOW_NS + 20 * S_NS));
}

/* No debt is forgotten for being large, and none shuts for ever. */
static void test_the_largest_debt_ends_within_a_day(void)
{
	const struct rate rate = {1, 0};
	_Atomic uint64_t bucket = 0;
	uint64_t room_ns;

	CU_ASSERT_TRUE(bucket_take(&bucket, rate, UINT32_MAX, NOW_NS));
	room_ns = bucket_room_in_ns(bucket, rate, NOW_NS);
	CU_ASSERT_EQUAL(room_ns, 23 * HOUR_NS);
	bucket_settle(&bucket, rate, 0, UINT32_MAX, NOW_NS + S_NS);
	CU_ASSERT_EQUAL(bucket_room_in_ns(bucket, rate, NOW_NS + S_NS), 23 * HOUR_NS);
}

static void test_a_bucket_too_far_ahead_is_damage(void)
{
	const uint64_t day_ns = 24 * HOUR_NS;
	const struct rate rate = {60, 0};
	_Atomic uint64_t bucket = NOW_NS + day_ns;

	CU_ASSERT_NOT_EQUAL(bucket_room_in_ns(bucket, rate, NOW_NS), 0);
	for (uint64_t i = 0; i < 7; i++) {
		uint64_t bits = NOW_NS + day_ns + 1 + i * (UINT64_MAX / 7);

		bucket = bits;
		CU_ASSERT_EQUAL(bucket_room_in_ns(bucket, rate, NOW_NS), 0);
		bucket_settle(&bucket, rate, 0, 5, NOW_NS);
		CU_ASSERT_EQUAL(bucket, bits);
		CU_ASSERT_TRUE(bucket_take(&bucket, rate, 1, NOW_NS));
		CU_ASSERT_EQUAL(bucket, NOW_NS + S_NS);
		bucket = bits;
		bucket_drain(&bucket, rate, NOW_NS + 5 * S_NS, NOW_NS);
		CU_ASSERT_EQUAL(bucket_room_in_ns(bucket, rate, NOW_NS), 5 * S_NS);
	}
}

static void test_a_drained_bucket_has_room_when_it_was_told_to(void)
{
	const struct rate rate = {600, 0};
	_Atomic uint64_t bucket = 0;

	bucket_drain(&bucket, rate, NOW_NS + 5 * S_NS, NOW_NS);
	CU_ASSERT_EQUAL(bucket_room_in_ns(bucket, rate, NOW_NS), 5 * S_NS);
	bucket_drain(&bucket, rate, NOW_NS + 2 * S_NS, NOW_NS); /* never earlier */
	CU_ASSERT_EQUAL(bucket_room_in_ns(bucket, rate, NOW_NS), 5 * S_NS);
	CU_ASSERT_TRUE(bucket_take(&bucket, rate, 1, NOW_NS + 5 * S_NS)); /* from there, its rate */
	CU_ASSERT_FALSE(bucket_take(&bucket, rate, 1, NOW_NS + 5 * S_NS));
	bucket_drain(&bucket, rate, NOW_NS + 90000 * S_NS, NOW_NS);
	CU_ASSERT_EQUAL(bucket_room_in_ns(bucket, rate, NOW_NS), 23 * HOUR_NS - 9 * S_NS / 10);
}

static void test_what_is_settled_is_as_if_it_had_been_charged_so(void)
{
	static const uint32_t charges[] = {0, 1, 7, 1000, 4000};
	const struct rate rate = {90000, 0}; /* a token is no whole number of nanoseconds */

	for (size_t i = 0; i < 5; i++) {
		for (size_t j = 0; j < 5; j++) {
			_Atomic uint64_t settled = 0, direct = 0;

			(void)bucket_take(&settled, rate, charges[i], NOW_NS);
			(void)bucket_take(&direct, rate, charges[j], NOW_NS);
			bucket_settle(&settled, rate, charges[i], charges[j], NOW_NS + 7 * S_NS);
			CU_ASSERT_EQUAL(settled, direct);
		}
	}
}

/* Requests that come as fast as they may: in any span t no more than rate * t + burst, and no fewer
 * than rate * t. */
static void test_a_bucket_admits_its_rate_in_any_span(void)
{
	static const struct rate rates[] = {{600, 0}, {60, 5000}, {37, 10000}, {12000, 100}};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		static uint64_t at_ns[600];
		const uint64_t unit_ns = 60 * S_NS / rates[i].per_minute;
		const uint64_t burst_ns =
			(rates[i].burst_ms ? rates[i].burst_ms : LULL_BURST_MS) * (S_NS / 1000);
		uint64_t now_ns = NOW_NS;
		_Atomic uint64_t bucket = 0;
		bool holds = true;
		size_t n = 0;

		while (n < 600) {
			uint64_t room_ns;

			/* now and then nobody comes for a while */
			now_ns += below(40) ? 0 : below(10000) * (S_NS / 1000);
			while (n < 600 && bucket_take(&bucket, rates[i], 1, now_ns))
				at_ns[n++] = now_ns;
			room_ns = bucket_room_in_ns(bucket, rates[i], now_ns);
			holds &= room_ns <= unit_ns + 1;
			now_ns += room_ns;
		}
		for (size_t from = 0; from < n; from++)
			for (size_t to = from; to < n; to++)
				holds &= (to - from + 1) * unit_ns <=
					 at_ns[to] - at_ns[from] + burst_ns;
		CU_ASSERT_TRUE(holds);
	}
}

#define FLYING 200u

/* Estimates are wrong both ways, and set right while further calls come: at any time what has been
 * used, and what is still only estimated, stays with the rate. */
static void test_settling_keeps_the_mean(void)
{
	/* one a millisecond; so many at once that what comes back never finds it full */
	const struct rate rate = {60000, 60000};
	struct {
		uint64_t end_ms;
		uint32_t charged, used;
	} flying[FLYING] = {0};
	_Atomic uint64_t bucket = 0;
	uint64_t total = 0; /* used, or estimated */

	for (uint64_t ms = 0; ms < 600000; ms++) {
		uint64_t now_ns = (NOW + ms) * 1000000;
		bool taken = false;

		for (uint32_t i = 0; i < FLYING; i++) {
			if (flying[i].end_ms != 0 && flying[i].end_ms <= ms) {
				total += flying[i].used - (uint64_t)flying[i].charged;
				bucket_settle(&bucket, rate, flying[i].charged, flying[i].used,
					      now_ns);
				flying[i].end_ms = 0;
			}
			if (flying[i].end_ms != 0 || taken)
				continue;
			flying[i].charged = below(4000);
			flying[i].used = below(2 * flying[i].charged + 1);
			taken = bucket_take(&bucket, rate, flying[i].charged, now_ns);
			/* admitted only while within the rate; refused only while it is used */
			if (taken ? total > ms + 59999 : total < ms + 60000)
				CU_FAIL_FATAL("the bucket lost count");
			if (!taken)
				break;
			total += flying[i].charged;
			flying[i].end_ms = ms + 1 + below(20000);
		}
	}
	CU_ASSERT_TRUE(total >= 600000);
}

/* ------------------------------------------------------------------ all of a slot's */

static const struct lull_limits all = {.rpm = 600, .tpm = 60000, .parallel = 4};

static bool take_all(uint32_t tokens, uint64_t now_ms, struct hold *hold)
{
	return limits_take(&segment, slot, &all, 1, tokens, now_ms, hold);
}

static void settle(uint32_t requests, uint32_t tokens, uint64_t now_ms, struct hold *hold)
{
	limits_settle(&segment, slot, &all, requests, tokens, now_ms, hold);
}

static void test_the_limit_that_lasts_longest_is_told(void)
{
	struct permit permit;
	uint32_t limit;

	begin();
	CU_ASSERT_EQUAL(limits_room_in_ms(slot, &all, NOW, &limit), 0);
	CU_ASSERT_EQUAL(limit, LULL_LIMIT_NONE);
	bucket_drain(&slot->request_bucket, (struct rate){600, 0}, NOW_NS + 2 * S_NS, NOW_NS);
	CU_ASSERT_EQUAL(limits_room_in_ms(slot, &all, NOW, &limit), 2000);
	CU_ASSERT_EQUAL(limit, LULL_LIMIT_RPM);
	bucket_drain(&slot->token_bucket, (struct rate){60000, 0}, NOW_NS + 3 * S_NS + 1, NOW_NS);
	CU_ASSERT_EQUAL(limits_room_in_ms(slot, &all, NOW, &limit), 3001); /* never too early */
	CU_ASSERT_EQUAL(limit, LULL_LIMIT_TPM);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT_TRUE(take(4, i, NOW, &permit));
	CU_ASSERT_EQUAL(limits_room_in_ms(slot, &all, NOW, &limit), LEASE);
	CU_ASSERT_EQUAL(limit, LULL_LIMIT_PARALLEL);
	end();
}

static void test_all_limits_are_taken_or_none(void)
{
	struct hold hold, held[4];

	begin();
	bucket_drain(&slot->token_bucket, (struct rate){60000, 0}, NOW_NS + S_NS, NOW_NS);
	CU_ASSERT_FALSE(take_all(10, NOW, &hold));
	CU_ASSERT_EQUAL(permit_held_count(slot->permits, NOW), 0);
	CU_ASSERT_EQUAL(slot->request_bucket, NOW_NS); /* as full as it was */
	end();
	begin();
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT_TRUE(take_all(10, NOW, &held[i]));
	CU_ASSERT_EQUAL(slot->request_bucket, NOW_NS + 4 * S_NS / 10);
	CU_ASSERT_FALSE(take_all(10, NOW, &hold));
	CU_ASSERT_EQUAL(slot->request_bucket, NOW_NS + 4 * S_NS / 10);
	CU_ASSERT_EQUAL(slot->token_bucket, NOW_NS + 40 * S_NS / 1000);
	settle(1, 30, NOW, &held[0]); /* sent, and used more than thought */
	settle(0, 0, NOW, &held[1]);  /* never sent */
	CU_ASSERT_EQUAL(permit_held_count(slot->permits, NOW), 2);
	CU_ASSERT_EQUAL(slot->request_bucket, NOW_NS + 3 * S_NS / 10);
	CU_ASSERT_EQUAL(slot->token_bucket, NOW_NS + 50 * S_NS / 1000);
	CU_ASSERT_TRUE(take_all(10, NOW, &hold));
	end();
}

static void test_a_lost_permit_is_taken_anew_where_one_is_free(void)
{
	const struct lull_limits one = {.parallel = 1};
	struct hold stopped, other;

	begin();
	CU_ASSERT_TRUE(limits_take(&segment, slot, &one, 1, 0, NOW, &stopped));
	CU_ASSERT_TRUE(limits_take(&segment, slot, &one, 2, 0, NOW + LEASE, &other));
	limits_renew(slot, &one, 1, NOW + LEASE, &stopped);
	CU_ASSERT_EQUAL(stopped.permit.word, 0); /* it goes on without one */
	limits_settle(&segment, slot, &one, 1, 0, NOW + LEASE, &other);
	limits_renew(slot, &one, 1, NOW + LEASE, &stopped);
	CU_ASSERT_NOT_EQUAL(stopped.permit.word, 0);
	CU_ASSERT_EQUAL(permit_held_count(slot->permits, NOW + LEASE), 1);
	end();
}

static uint32_t serial(void)
{
	return atomic_load(&segment.header->serial);
}

static void test_only_who_waits_for_room_is_woken(void)
{
	struct hold hold;
	uint32_t before;

	begin();
	before = serial();
	CU_ASSERT_TRUE(take_all(10, NOW, &hold));
	settle(1, 10, NOW, &hold);
	CU_ASSERT_EQUAL(serial(), before); /* nobody waits */
	CU_ASSERT_TRUE(take_all(10, NOW, &hold));
	limits_await(slot);
	limits_await(slot);
	settle(1, 10, NOW, &hold);
	CU_ASSERT_EQUAL(serial(), before + 1);
	CU_ASSERT_TRUE(take_all(10, NOW, &hold));
	settle(1, 10, NOW, &hold);
	CU_ASSERT_EQUAL(serial(), before + 1); /* whoever still waits says so again */
	end();
}

static void test_tokens_that_come_back_wake_too(void)
{
	const struct lull_limits tokens = {.tpm = 60000};
	struct hold hold;
	uint32_t before;

	begin();
	before = serial();
	CU_ASSERT_TRUE(limits_take(&segment, slot, &tokens, 1, 5000, NOW, &hold));
	limits_await(slot);
	limits_settle(&segment, slot, &tokens, 1, 6000, NOW, &hold);
	CU_ASSERT_EQUAL(serial(), before); /* more was used: no room by that */
	(void)limits_take(&segment, slot, &tokens, 1, 5000, NOW + 7000, &hold);
	limits_settle(&segment, slot, &tokens, 1, 4000, NOW + 7000, &hold);
	CU_ASSERT_EQUAL(serial(), before + 1);
	end();
}

static void test_a_request_that_does_not_take_place_wakes_too(void)
{
	const struct lull_limits requests = {.rpm = 60};
	struct hold hold;
	uint32_t before;

	begin();
	before = serial();
	CU_ASSERT_TRUE(limits_take(&segment, slot, &requests, 1, 0, NOW, &hold));
	limits_await(slot);
	limits_settle(&segment, slot, &requests, 0, 0, NOW, &hold);
	CU_ASSERT_EQUAL(serial(), before + 1);
	CU_ASSERT_TRUE(limits_take(&segment, slot, &requests, 1, 0, NOW, &hold));
	end();
}

static void test_limits_are_told_to_readers_and_rubbish_is_not(void)
{
	struct lull_limits told;
	struct hold hold;

	begin();
	told = limits_told(slot);
	CU_ASSERT_FALSE(limits_are_set(&told));
	(void)take_all(1, NOW, &hold);
	told = limits_told(slot);
	CU_ASSERT_EQUAL(memcmp(&told, &all, sizeof(all)), 0);
	atomic_store(&slot->caps, UINT64_MAX);
	told = limits_told(slot);
	CU_ASSERT_FALSE(limits_are_set(&told));
	end();
}

/* ------------------------------------------------------------------ in words */

static void test_limits_are_read_as_people_write_them(void)
{
	static const struct {
		const char *text;
		size_t name_bytes;
		struct lull_limits limits; /* over 1, 2, 3, 4 */
	} cases[] = {
		{"gpt-4o:rpm=60,tpm=90000,parallel=4", 6, {60, 90000, 4, 4}},
		{"m:tpm=1000000000", 1, {1, 1000000000, 3, 4}},
		{"m:parallel=64", 1, {1, 2, 64, 4}},
		{"ollama/llama3.1:8b:rpm=007", 18, {7, 2, 3, 4}},
		{"m:rpm=5,rpm=6", 1, {6, 2, 3, 4}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lull_limits limits = {1, 2, 3, 4};
		char error[128] = "";
		size_t name_bytes = 0;

		CU_ASSERT_EQUAL(lull_limits_parse(cases[i].text, &name_bytes, &limits, error,
						  sizeof(error)),
				0);
		CU_ASSERT_EQUAL(name_bytes, cases[i].name_bytes);
		CU_ASSERT_EQUAL(memcmp(&limits, &cases[i].limits, sizeof(limits)), 0);
		CU_ASSERT_STRING_EQUAL(error, "");
	}
}

static void test_what_is_no_limit_is_said(void)
{
	static const char form[] = "expected NAME:rpm=N,tpm=N,parallel=N";
	static const char rpm[] = "expected rpm=N, a whole number from 1 to 1000000000";
	static const char parallel[] = "expected parallel=N, a whole number from 1 to 64";
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"", form},
		{"gpt-4o", form},
		{"gpt-4o:", form},
		{":rpm=1", form},
		{"m:rpm", rpm},
		{"m:rpm=", rpm},
		{"m:rpm=0", rpm},
		{"m:rpm=-1", rpm},
		{"m:rpm=1.5", rpm},
		{"m:rpm=1000000001", rpm},
		{"m:rpm=99999999999999999999999999", rpm},
		{"m:parallel=65", parallel},
		{"m:rpm=1,", "'' is no limit, expected rpm, tpm or parallel"},
		{"m:rpm=1,burst=2", "'burst' is no limit, expected rpm, tpm or parallel"},
		{"m:none=2", "'none' is no limit, expected rpm, tpm or parallel"},
		{"m:RPM=2", "'RPM' is no limit, expected rpm, tpm or parallel"},
		{"m:8b", "'8b' is no limit, expected rpm, tpm or parallel"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lull_limits limits = {1, 2, 3, 4}, before = limits;
		char error[128] = "";
		size_t name_bytes = 99;

		CU_ASSERT_EQUAL(lull_limits_parse(cases[i].text, &name_bytes, &limits, error,
						  sizeof(error)),
				-EINVAL);
		CU_ASSERT_STRING_EQUAL(error, cases[i].error);
		CU_ASSERT_EQUAL(name_bytes, 99);
		CU_ASSERT_EQUAL(memcmp(&limits, &before, sizeof(limits)), 0);
	}
}

static void test_limits_have_names(void)
{
	static const struct {
		uint32_t limit, value;
		const char *name, *unit;
	} cases[] = {
		{LULL_LIMIT_NONE, 0, "none", ""},
		{LULL_LIMIT_RPM, 600, "rpm", "requests a minute"},
		{LULL_LIMIT_TPM, 60000, "tpm", "tokens a minute"},
		{LULL_LIMIT_PARALLEL, 4, "parallel", "requests at once"},
		{LULL_LIMIT_PARALLEL + 1, 0, "none", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CU_ASSERT_STRING_EQUAL(lull_limit_name(cases[i].limit), cases[i].name);
		CU_ASSERT_STRING_EQUAL(lull_limit_unit(cases[i].limit), cases[i].unit);
		CU_ASSERT_EQUAL(lull_limits_get(&all, cases[i].limit), cases[i].value);
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_there_are_as_many_permits_as_the_limit_says),
		CUNIT_TEST(test_a_permit_whose_holder_vanished_is_free_when_its_lease_ends),
		CUNIT_TEST(test_a_renewed_permit_stays),
		CUNIT_TEST(test_a_clock_that_was_read_late_does_not_shorten_a_lease),
		CUNIT_TEST(test_who_comes_back_too_late_touches_nothing),
		CUNIT_TEST(test_an_ended_lease_that_nobody_took_is_still_its_holders),
		CUNIT_TEST(test_a_lease_too_far_ahead_is_damage),
		CUNIT_TEST(
			test_never_more_permits_than_the_limit_and_never_fewer_for_longer_than_a_lease),
		CUNIT_TEST(test_a_bucket_holds_its_burst_and_fills_at_its_rate),
		CUNIT_TEST(test_a_bucket_that_is_not_empty_admits_any_size),
		CUNIT_TEST(test_the_largest_debt_ends_within_a_day),
		CUNIT_TEST(test_a_bucket_too_far_ahead_is_damage),
		CUNIT_TEST(test_a_drained_bucket_has_room_when_it_was_told_to),
		CUNIT_TEST(test_what_is_settled_is_as_if_it_had_been_charged_so),
		CUNIT_TEST(test_a_bucket_admits_its_rate_in_any_span),
		CUNIT_TEST(test_settling_keeps_the_mean),
		CUNIT_TEST(test_the_limit_that_lasts_longest_is_told),
		CUNIT_TEST(test_all_limits_are_taken_or_none),
		CUNIT_TEST(test_a_lost_permit_is_taken_anew_where_one_is_free),
		CUNIT_TEST(test_only_who_waits_for_room_is_woken),
		CUNIT_TEST(test_tokens_that_come_back_wake_too),
		CUNIT_TEST(test_a_request_that_does_not_take_place_wakes_too),
		CUNIT_TEST(test_limits_are_told_to_readers_and_rubbish_is_not),
		CUNIT_TEST(test_limits_are_read_as_people_write_them),
		CUNIT_TEST(test_what_is_no_limit_is_said),
		CUNIT_TEST(test_limits_have_names),
	};

	return CUNIT_MAIN("limit", tests);
}
