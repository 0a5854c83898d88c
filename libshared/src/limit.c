/* SPDX-License-Identifier: MIT */
/*
 * Host-wide limits: permits and buckets, without a lock and without an owner to look up.
 *
 * Permits. A key has 64 lease words; a limit of N uses the first N of them. Taking one is a
 * compare-and-swap of a word that is free (0, or ended) to "mine until now + 10 s", so that there
 * are never more than N unexpired leases, whatever happens. Nobody buries the dead: a holder that
 * was killed does not renew, and its word is free again when its lease ends. Giving back and
 * renewing are compare-and-swaps of just the word that the holder wrote: a holder that woke up too
 * late finds another word there, and touches nothing. Every word that replaces an ended one lies
 * later than it; the tag is for the rest, a word that went through 0 meanwhile.
 *
 * Buckets. The generic cell rate algorithm: the time at which the bucket will be full again says
 * all, what lies ahead of now is what is missing. Time fills it, so nothing has to.
 *
 * Waking. Who finds no room and means to sleep leaves a mark in the slot and looks again; who makes
 * room takes the mark away and moves the serial. Each writes before it reads, in one order for all
 * (the atomics here are sequentially consistent), so one of the two sees the other. Without a mark
 * nobody is woken: sleepers on other keys have nothing to do with this one. A wake-up that is lost
 * to a kill costs time only: every sleep ends with the lease, or when the bucket has room.
 */
#include "limit.h"

#include "mapping.h"

#define TRIES        4096u /* lost races; each means that somebody else got on */
#define NS_PER_MS    UINT64_C(1000000)
#define NS_PER_MIN   UINT64_C(60000000000)
#define UNITS_MAX    (UINT32_C(1) << 27) /* times a minute in ns still fits 64 bits */
#define AHEAD_NS_MAX (LULL_COOL_FOR_MS_MAX * NS_PER_MS) /* no charge reaches further */
#define HORIZON_NS   (WORD_HORIZON_MS * NS_PER_MS)      /* what does is damage */

_Static_assert(LULL_PARALLEL_MAX == LAYOUT_PERMITS, "a slot has a word for each permit");

/* ------------------------------------------------------------------ permits */

static uint64_t permit_word(uint32_t tag, uint64_t now_ms)
{
	return (now_ms + LULL_PERMIT_LEASE_MS) << PERMIT_TAG_BITS |
	       (tag & ((UINT32_C(1) << PERMIT_TAG_BITS) - 1));
}

/* 0: free. What lies further ahead than any lease, with a minute to spare, is damage. */
static uint64_t permit_left_ms(uint64_t word, uint64_t now_ms)
{
	uint64_t until_ms = word >> PERMIT_TAG_BITS;

	if (until_ms <= now_ms || until_ms - now_ms > LULL_PERMIT_LEASE_MS + WORD_STALL_MS)
		return 0;
	return until_ms - now_ms;
}

bool permit_take(_Atomic uint64_t *permits, uint32_t count, uint32_t tag, uint64_t now_ms,
		 struct permit *ret_permit)
{
	uint64_t word = permit_word(tag, now_ms);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t index = (tag + i) % count; /* not all at the same word */
		uint64_t found = atomic_load(&permits[index]);

		if (permit_left_ms(found, now_ms) > 0 ||
		    !atomic_compare_exchange_strong(&permits[index], &found, word))
			continue;
		*ret_permit = (struct permit){word, index};
		return true;
	}
	return false;
}

bool permit_renew(_Atomic uint64_t *permits, struct permit *permit, uint64_t now_ms)
{
	uint64_t found = permit->word;
	uint64_t word = permit_word((uint32_t)found, now_ms);

	if (word < found) /* a clock that was read before the last renewal's */
		return true;
	if (!atomic_compare_exchange_strong(&permits[permit->index], &found, word))
		return false;
	permit->word = word;
	return true;
}

bool permit_release(_Atomic uint64_t *permits, struct permit *permit)
{
	uint64_t found = permit->word;

	permit->word = 0;
	return found && atomic_compare_exchange_strong(&permits[permit->index], &found, 0);
}

uint64_t permit_room_in_ms(const _Atomic uint64_t *permits, uint32_t count, uint64_t now_ms)
{
	uint64_t soonest_ms = LULL_NEVER;

	for (uint32_t i = 0; i < count && soonest_ms > 0; i++) {
		uint64_t left_ms = permit_left_ms(atomic_load(&permits[i]), now_ms);

		if (left_ms < soonest_ms)
			soonest_ms = left_ms;
	}
	return soonest_ms;
}

uint32_t permit_held_count(const _Atomic uint64_t *permits, uint64_t now_ms)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < LAYOUT_PERMITS; i++)
		count += permit_left_ms(atomic_load(&permits[i]), now_ms) > 0;
	return count;
}

/* ------------------------------------------------------------------ buckets */

/* Rounded up, so that rounding never lets more through than the rate. Where there is none, nothing
 * is charged. */
static uint64_t cost_ns(struct rate rate, uint32_t units)
{
	uint64_t ns = (units < UNITS_MAX ? units : UNITS_MAX) * NS_PER_MIN;

	return rate.per_minute ? ns / rate.per_minute + (ns % rate.per_minute != 0) : 0;
}

/* How far the bucket may lie ahead of now and still hold one unit. */
static uint64_t allowed_ns(struct rate rate)
{
	uint64_t burst_ns = (rate.burst_ms ? rate.burst_ms : LULL_BURST_MS) * NS_PER_MS;
	uint64_t unit_ns = cost_ns(rate, 1);

	return burst_ns > unit_ns ? burst_ns - unit_ns : 0;
}

static bool bucket_is_damaged(uint64_t bucket, uint64_t now_ns)
{
	return bucket > now_ns && bucket - now_ns > HORIZON_NS;
}

/* Never so far ahead that it would read as damage. */
static uint64_t bucket_at(uint64_t bucket, uint64_t now_ns)
{
	return bucket < now_ns + AHEAD_NS_MAX ? bucket : now_ns + AHEAD_NS_MAX;
}

uint64_t bucket_room_in_ns(uint64_t bucket, struct rate rate, uint64_t now_ns)
{
	uint64_t room_at_ns = now_ns + allowed_ns(rate);

	if (bucket <= room_at_ns || bucket_is_damaged(bucket, now_ns))
		return 0;
	return bucket - room_at_ns;
}

bool bucket_take(_Atomic uint64_t *bucket, struct rate rate, uint32_t units, uint64_t now_ns)
{
	uint64_t found = atomic_load(bucket);

	for (uint32_t i = 0; i < TRIES && bucket_room_in_ns(found, rate, now_ns) == 0; i++) {
		bool is_full = found <= now_ns || bucket_is_damaged(found, now_ns);
		uint64_t to = (is_full ? now_ns : found) + cost_ns(rate, units);

		if (atomic_compare_exchange_strong(bucket, &found, bucket_at(to, now_ns)))
			return true;
	}
	return false;
}

void bucket_settle(_Atomic uint64_t *bucket, struct rate rate, uint32_t charged, uint32_t used,
		   uint64_t now_ns)
{
	uint64_t plus_ns = cost_ns(rate, used), minus_ns = cost_ns(rate, charged);
	uint64_t found = atomic_load(bucket);

	for (uint32_t i = 0; i < TRIES && plus_ns != minus_ns; i++) {
		uint64_t to = found + plus_ns > minus_ns ? found + plus_ns - minus_ns : 0;

		/* full of old, or damaged: nothing to set right */
		if (bucket_is_damaged(found, now_ns) ||
		    atomic_compare_exchange_strong(bucket, &found, bucket_at(to, now_ns)))
			return;
	}
}

void bucket_drain(_Atomic uint64_t *bucket, struct rate rate, uint64_t until_ns, uint64_t now_ns)
{
	uint64_t to = bucket_at(until_ns + allowed_ns(rate), now_ns);
	uint64_t found = atomic_load(bucket);

	for (uint32_t i = 0; i < TRIES; i++)
		if ((found >= to && !bucket_is_damaged(found, now_ns)) ||
		    atomic_compare_exchange_strong(bucket, &found, to))
			return;
}

/* ------------------------------------------------------------------ all limits of a slot */

bool limits_are_set(const struct lull_limits *limits)
{
	return limits->rpm || limits->tpm || limits->parallel;
}

bool limits_are_valid(const struct lull_limits *limits)
{
	return limits->parallel <= LULL_PARALLEL_MAX && limits->burst_ms <= LULL_BURST_MS_MAX;
}

static struct rate request_rate(const struct lull_limits *limits)
{
	return (struct rate){limits->rpm, limits->burst_ms};
}

static struct rate token_rate(const struct lull_limits *limits)
{
	return (struct rate){limits->tpm, limits->burst_ms};
}

static uint64_t bucket_room_in_ms(const _Atomic uint64_t *bucket, struct rate rate, uint64_t now_ms)
{
	uint64_t ns;

	if (rate.per_minute == 0)
		return 0;
	ns = bucket_room_in_ns(atomic_load(bucket), rate, now_ms * NS_PER_MS);
	return (ns + NS_PER_MS - 1) / NS_PER_MS;
}

uint64_t limits_request_room_in_ms(const struct layout_slot *slot, const struct lull_limits *limits,
				   uint64_t now_ms)
{
	return bucket_room_in_ms(&slot->request_bucket, request_rate(limits), now_ms);
}

uint64_t limits_token_room_in_ms(const struct layout_slot *slot, const struct lull_limits *limits,
				 uint64_t now_ms)
{
	return bucket_room_in_ms(&slot->token_bucket, token_rate(limits), now_ms);
}

uint64_t limits_room_in_ms(const struct layout_slot *slot, const struct lull_limits *limits,
			   uint64_t now_ms, uint32_t *ret_limit)
{
	const uint64_t in_ms[] = {
		[LULL_LIMIT_RPM] = limits_request_room_in_ms(slot, limits, now_ms),
		[LULL_LIMIT_TPM] = limits_token_room_in_ms(slot, limits, now_ms),
		[LULL_LIMIT_PARALLEL] =
			limits->parallel
				? permit_room_in_ms(slot->permits, limits->parallel, now_ms)
				: 0,
	};
	uint64_t longest_ms = 0;

	*ret_limit = LULL_LIMIT_NONE;
	for (uint32_t limit = LULL_LIMIT_RPM; limit <= LULL_LIMIT_PARALLEL; limit++) {
		if (in_ms[limit] <= longest_ms)
			continue;
		longest_ms = in_ms[limit];
		*ret_limit = limit;
	}
	return longest_ms;
}

bool limits_drain(struct layout_slot *slot, const struct lull_limits *limits, uint32_t limit,
		  uint64_t until_ms, uint64_t now_ms)
{
	bool of_requests = limit == LULL_LIMIT_RPM;
	struct rate rate = of_requests ? request_rate(limits) : token_rate(limits);

	if (rate.per_minute == 0)
		return false;
	bucket_drain(of_requests ? &slot->request_bucket : &slot->token_bucket, rate,
		     until_ms * NS_PER_MS, now_ms * NS_PER_MS);
	return true;
}

void limits_await(struct layout_slot *slot)
{
	if (!atomic_load(&slot->awaited))
		atomic_store(&slot->awaited, 1);
}

static void limits_wake(struct segment *segment, struct layout_slot *slot)
{
	if (atomic_load(&slot->awaited) && atomic_exchange(&slot->awaited, 0))
		segment_wake(segment);
}

static void tell(_Atomic uint64_t *word, uint32_t high, uint32_t low)
{
	uint64_t told = (uint64_t)high << 32 | low;

	if (atomic_load_explicit(word, memory_order_relaxed) != told)
		atomic_store_explicit(word, told, memory_order_relaxed);
}

void limits_settle(struct segment *segment, struct layout_slot *slot,
		   const struct lull_limits *limits, uint32_t requests, uint32_t tokens,
		   uint64_t now_ms, struct hold *hold)
{
	uint64_t now_ns = now_ms * NS_PER_MS;
	bool makes_room = permit_release(slot->permits, &hold->permit);

	if (hold->request && requests == 0) {
		bucket_settle(&slot->request_bucket, request_rate(limits), 1, 0, now_ns);
		makes_room = true;
	}
	if (hold->has_tokens) {
		bucket_settle(&slot->token_bucket, token_rate(limits), hold->tokens, tokens,
			      now_ns);
		makes_room |= tokens < hold->tokens;
	}
	*hold = (struct hold){0};
	if (makes_room)
		limits_wake(segment, slot);
}

bool limits_take(struct segment *segment, struct layout_slot *slot,
		 const struct lull_limits *limits, uint32_t tag, uint32_t tokens, uint64_t now_ms,
		 struct hold *ret_hold)
{
	uint64_t now_ns = now_ms * NS_PER_MS;
	struct hold hold = {0};
	bool taken;

	tell(&slot->rates, limits->rpm, limits->tpm);
	tell(&slot->caps, limits->burst_ms, limits->parallel);
	taken = !limits->parallel ||
		permit_take(slot->permits, limits->parallel, tag, now_ms, &hold.permit);
	if (taken && limits->rpm)
		taken = hold.request =
			bucket_take(&slot->request_bucket, request_rate(limits), 1, now_ns);
	if (taken && limits->tpm)
		taken = hold.has_tokens =
			bucket_take(&slot->token_bucket, token_rate(limits), tokens, now_ns);
	hold.tokens = hold.has_tokens ? tokens : 0;
	if (!taken)
		limits_settle(segment, slot, limits, 0, 0, now_ms, &hold);
	*ret_hold = hold;
	return taken;
}

void limits_renew(struct layout_slot *slot, const struct lull_limits *limits, uint32_t tag,
		  uint64_t now_ms, struct hold *hold)
{
	if (!limits->parallel)
		return;
	if (!hold->permit.word || !permit_renew(slot->permits, &hold->permit, now_ms)) {
		hold->permit.word = 0;
		(void)permit_take(slot->permits, limits->parallel, tag, now_ms, &hold->permit);
	}
}

struct lull_limits limits_told(const struct layout_slot *slot)
{
	uint64_t rates = atomic_load_explicit(&slot->rates, memory_order_relaxed);
	uint64_t caps = atomic_load_explicit(&slot->caps, memory_order_relaxed);
	struct lull_limits told = {
		.rpm = (uint32_t)(rates >> 32),
		.tpm = (uint32_t)rates,
		.burst_ms = (uint32_t)(caps >> 32),
		.parallel = (uint32_t)caps,
	};

	return limits_are_valid(&told) ? told : (struct lull_limits){0};
}
