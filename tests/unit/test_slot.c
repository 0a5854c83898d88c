/* SPDX-License-Identifier: MIT */
/*
 * Slots on process-local memory: finding, inserting by helping, the overflow, changing a word and
 * what follows from a change, the usual time. Everything is also tried on slots full of rubbish.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cunit_main.h"
#include "key.h"
#include "mapping.h"

#define SLOTS 16u

void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);

static struct segment segment;
static int mappings_left = -1; /* before there is no memory; -1: no end */

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	if (mappings_left == 0)
		return MAP_FAILED;
	mappings_left -= mappings_left > 0;
	return __real_mmap(at, size, protection, flags, fd, offset);
}

static void begin(void)
{
	CU_ASSERT_EQUAL_FATAL(segment_map_local(&segment, SLOTS), 0);
}

static void end(void)
{
	segment_unmap(&segment);
}

static struct key key_of(uint32_t kind, const char *text)
{
	struct key key = {0};

	CU_ASSERT_EQUAL_FATAL(key_init(&key, kind, text), 0);
	return key;
}

/* The n-th of many keys; `text` must live as long as the key. */
static struct key key_number(unsigned n, char text[32])
{
	(void)snprintf(text, 32, "model-number-%u", n);
	return key_of(LULL_KIND_NAME, text);
}

/* ------------------------------------------------------------------ finding and inserting */

static void test_a_key_is_found_where_it_was_put(void)
{
	struct key route = key_of(LULL_KIND_ROUTE, "gpt-4o@https://api.openai.com/v1#01");
	struct key name = key_of(LULL_KIND_NAME, "gpt-4o@https://api.openai.com/v1#01");
	struct layout_slot *slot;

	begin();
	CU_ASSERT_PTR_NULL(segment_find(&segment, &route));
	slot = segment_insert(&segment, &route);
	CU_ASSERT_PTR_NOT_NULL_FATAL(slot);
	CU_ASSERT_PTR_EQUAL(segment_find(&segment, &route), slot);
	CU_ASSERT_PTR_EQUAL(segment_insert(&segment, &route), slot);
	CU_ASSERT_PTR_NULL(segment_find(&segment, &name));
	CU_ASSERT_NOT_EQUAL(segment_insert(&segment, &name), slot);
	end();
}

static void test_a_slot_tells_its_key(void)
{
	struct key key = key_of(LULL_KIND_ENDPOINT, "https://api.openai.com:443"), read;
	char text[LULL_KEY_BYTES_MAX + 1];
	struct layout_slot *slot;

	begin();
	slot = segment_insert(&segment, &key);
	CU_ASSERT_TRUE(slot_key(slot, text, &read));
	CU_ASSERT_STRING_EQUAL(text, key.bytes);
	CU_ASSERT_EQUAL(read.kind, LULL_KIND_ENDPOINT);
	CU_ASSERT_FALSE(slot_key(segment_slot_at(&segment, slot == segment.slots), text, &read));
	atomic_fetch_xor(&slot->tag, 2); /* a key that no lookup could find is not shown either */
	CU_ASSERT_FALSE(slot_key(slot, text, &read));
	end();
}

/* A process was killed after each single write of an insertion; the next one completes it. */
static void test_a_half_written_key_is_finished_by_who_needs_it(void)
{
	struct key key = key_of(LULL_KIND_NAME, "a-key-of-four-words-altogether");
	uint32_t words = key_word_count(key.length);

	for (uint32_t written = 0; written <= words; written++) {
		struct layout_slot *slot;

		begin();
		slot = &segment.slots[key.hash % SLOTS];
		atomic_store(&slot->tag, key.hash);
		for (uint32_t i = 0; i < written; i++)
			atomic_store(&slot->key[i], key_word(&key, i));
		CU_ASSERT_PTR_NULL(segment_find(&segment, &key));
		CU_ASSERT_PTR_EQUAL(segment_insert(&segment, &key), slot);
		CU_ASSERT_PTR_EQUAL(segment_find(&segment, &key), slot);
		for (uint32_t i = 0; i <= words; i++)
			CU_ASSERT_EQUAL(atomic_load(&slot->key[i]), key_word(&key, i));
		end();
	}
}

/* Two keys with one hash that agree up to some word: each gets its own slot, whoever was first. */
static void test_keys_of_one_hash_stay_apart(void)
{
	struct key a = key_of(LULL_KIND_NAME, "same-first-words-and-then-A");
	struct key b = key_of(LULL_KIND_NAME, "same-first-words-and-then-B");
	struct key longer = key_of(LULL_KIND_NAME, "same-first-words-and-then-AA");
	struct layout_slot *of_a, *of_b, *of_longer;

	b.hash = longer.hash = a.hash;
	for (uint32_t written = 0; written <= key_word_count(a.length); written++) {
		begin();
		of_a = &segment.slots[a.hash % SLOTS];
		atomic_store(&of_a->tag, a.hash); /* a's writer was killed here */
		for (uint32_t i = 0; i < written; i++)
			atomic_store(&of_a->key[i], key_word(&a, i));
		of_b = segment_insert(&segment, &b);
		of_a = segment_insert(&segment, &a);
		of_longer = segment_insert(&segment, &longer);
		CU_ASSERT(of_a && of_b && of_longer);
		CU_ASSERT(of_a != of_b && of_b != of_longer && of_longer != of_a);
		CU_ASSERT_PTR_EQUAL(segment_find(&segment, &a), of_a);
		CU_ASSERT_PTR_EQUAL(segment_find(&segment, &b), of_b);
		CU_ASSERT_PTR_EQUAL(segment_find(&segment, &longer), of_longer);
		end();
	}
}

/* The bytes agree as far as the shorter one goes; only kind and length tell these apart. */
static void test_kind_and_length_are_part_of_the_key(void)
{
	struct key keys[] = {
		key_of(LULL_KIND_NAME, "of-16-bytes-each"),
		key_of(LULL_KIND_ROUTE, "of-16-bytes-each"),
		key_of(LULL_KIND_NAME, "of-16-bytes-each-and-some"),
	};
	struct layout_slot *slots[3];

	begin();
	for (int i = 0; i < 3; i++) {
		keys[i].hash = keys[0].hash;
		CU_ASSERT_PTR_NULL(segment_find(&segment, &keys[i]));
		slots[i] = segment_insert(&segment, &keys[i]);
	}
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_PTR_EQUAL(segment_find(&segment, &keys[i]), slots[i]);
		CU_ASSERT_NOT_EQUAL(slots[i], slots[(i + 1) % 3]);
	}
	end();
}

static void test_every_slot_can_be_used(void)
{
	char texts[SLOTS][32];
	struct layout_slot *slots[SLOTS];

	begin();
	for (unsigned i = 0; i < SLOTS; i++) {
		struct key key = key_number(i, texts[i]);

		slots[i] = segment_insert(&segment, &key);
		CU_ASSERT(slots[i] >= segment.slots && slots[i] < segment.slots + SLOTS);
		for (unsigned k = 0; k < i; k++)
			CU_ASSERT_NOT_EQUAL(slots[i], slots[k]);
	}
	CU_ASSERT_PTR_NULL(atomic_load(&segment.overflow));
	end();
}

static void test_a_full_table_overflows_into_local_memory(void)
{
	char text[32];
	struct key key;
	struct layout_slot *slot;

	begin();
	for (unsigned i = 0; i < SLOTS; i++) {
		key = key_number(i, text);
		CU_ASSERT_PTR_NOT_NULL(segment_insert_own(&segment, &key));
	}
	key = key_number(SLOTS, text);
	CU_ASSERT_PTR_NULL(segment_find(&segment, &key));
	CU_ASSERT_PTR_NULL(segment_insert_own(&segment, &key));
	CU_ASSERT_EQUAL(segment_slot_limit(&segment), SLOTS);
	slot = segment_insert(&segment, &key);
	CU_ASSERT_PTR_NOT_NULL_FATAL(slot);
	CU_ASSERT_PTR_EQUAL(segment_find(&segment, &key), slot);
	CU_ASSERT_PTR_EQUAL(segment_insert(&segment, &key), slot);
	CU_ASSERT_EQUAL(atomic_load(&segment.header->full_rejects), 1);
	CU_ASSERT_EQUAL(segment_slot_limit(&segment), SLOTS + LAYOUT_SLOTS_DEFAULT);
	CU_ASSERT(segment_slot_index(&segment, slot) >= SLOTS);
	CU_ASSERT_PTR_EQUAL(segment_slot_at(&segment, segment_slot_index(&segment, slot)), slot);
	CU_ASSERT_PTR_NULL(segment_slot_at(&segment, segment_slot_limit(&segment)));
	CU_ASSERT_PTR_NULL(segment_slot_at(&segment, UINT64_MAX));
	CU_ASSERT_EQUAL(segment_slot_index(&segment, slot + LAYOUT_SLOTS_DEFAULT), UINT64_MAX);
	end();
}

static void test_an_overflow_can_be_full_too(void)
{
	char text[32];
	struct key key;

	begin();
	for (unsigned i = 0; i < SLOTS + LAYOUT_SLOTS_DEFAULT; i++) {
		key = key_number(i, text);
		CU_ASSERT_PTR_NOT_NULL(segment_insert(&segment, &key));
	}
	key = key_number(SLOTS + LAYOUT_SLOTS_DEFAULT, text);
	CU_ASSERT_PTR_NULL(segment_insert(&segment, &key));
	end();
}

static void test_without_memory_there_is_no_overflow(void)
{
	char text[32];
	struct key key;

	begin();
	for (unsigned i = 0; i < SLOTS; i++) {
		key = key_number(i, text);
		(void)segment_insert(&segment, &key);
	}
	key = key_number(SLOTS, text);
	for (mappings_left = 0; mappings_left < 2; mappings_left++) {
		int left = mappings_left;

		CU_ASSERT_PTR_NULL(segment_insert(&segment, &key));
		mappings_left = left;
	}
	mappings_left = -1;
	CU_ASSERT_PTR_NOT_NULL(segment_insert(&segment, &key));
	end();
}

static void test_nothing_is_inserted_into_what_is_read_only(void)
{
	struct key key = key_of(LULL_KIND_NAME, "x");

	begin();
	segment.read_only = true;
	CU_ASSERT_PTR_NULL(segment_insert(&segment, &key));
	CU_ASSERT_PTR_NULL(segment_insert_own(&segment, &key));
	end();
}

/* Any bytes in the slots: nothing crashes or hangs, and what is inserted is found again. */
static void test_rubbish_slots_do_no_harm(void)
{
	unsigned found_again = 0;

	srandom(1);
	for (int round = 0; round < 300; round++) {
		char text[32], read[LULL_KEY_BYTES_MAX + 1];
		struct key key = key_number((unsigned)round, text), other;
		struct layout_slot *slot;

		begin();
		for (uint32_t i = 0; i < SLOTS * sizeof(struct layout_slot) / 8; i++)
			if (random() % 4 == 0)
				((uint64_t *)segment.slots)[i] =
					random() % 2 ? key.hash : (uint64_t)random() << 32;
		for (uint32_t i = 0; i < SLOTS; i++)
			(void)slot_key(&segment.slots[i], read, &other);
		slot = segment_insert(&segment, &key);
		CU_ASSERT_PTR_NOT_NULL_FATAL(slot);
		found_again += segment_find(&segment, &key) == slot;
		end();
	}
	CU_ASSERT_EQUAL(found_again, 300);
}

static void test_links_are_kept_as_far_as_others_can_follow(void)
{
	struct key route = key_of(LULL_KIND_ROUTE, "r"), credential, endpoint;
	struct layout_slot *r, *c, *e;
	char text[32];

	credential = key_of(LULL_KIND_CREDENTIAL, "c");
	endpoint = key_of(LULL_KIND_ENDPOINT, "e");
	begin();
	r = segment_insert(&segment, &route);
	c = segment_insert(&segment, &credential);
	for (unsigned i = 0; i < SLOTS - 2; i++) {
		struct key key = key_number(i, text);

		(void)segment_insert(&segment, &key);
	}
	e = segment_insert(&segment, &endpoint); /* in the overflow */
	segment_link(&segment, r, c, e);
	CU_ASSERT_EQUAL(atomic_load(&r->links), (segment_slot_index(&segment, c) + 1) << 32);
	segment_link(&segment, e, c, r);
	CU_ASSERT_EQUAL(atomic_load(&e->links), (segment_slot_index(&segment, c) + 1) << 32 |
							(segment_slot_index(&segment, r) + 1));
	segment_link(&segment, r, NULL, NULL);
	CU_ASSERT_EQUAL(atomic_load(&r->links), 0);
	segment.read_only = true;
	segment_link(&segment, r, c, NULL);
	CU_ASSERT_EQUAL(atomic_load(&r->links), 0);
	end();
}

/* ------------------------------------------------------------------ changing */

#define NOW UINT64_C(5000000)

static struct layout_slot *slot_named(const char *name)
{
	struct key key = key_of(LULL_KIND_NAME, name);
	struct layout_slot *slot = segment_insert(&segment, &key);

	CU_ASSERT_PTR_NOT_NULL_FATAL(slot);
	return slot;
}

static uint64_t word_now(uint64_t until_ms, uint32_t kind, uint32_t cause, uint32_t http,
			 uint32_t strikes)
{
	return word_pack(&(struct word){.until_ms = until_ms,
					.kind = kind,
					.cause = cause,
					.http = http,
					.strikes = strikes});
}

/* A transition whose whole outcome the test chooses. */
static struct word_step chosen;

static struct word_step as_chosen(uint64_t from, const struct word_event *e)
{
	(void)from;
	(void)e;
	return chosen;
}

static void test_what_a_change_brings_along(void)
{
	uint64_t cool = word_now(NOW + 30000, WORD_COOL, LULL_CLASS_RATE_LIMITED, 429, 2);
	uint64_t soft = word_now(NOW + 60000, WORD_SOFT, LULL_CLASS_SERVER_ERROR, 0, 1);
	const struct {
		enum word_verdict verdict;
		uint64_t to;
		uint32_t event; /* 0: none */
		int counter;    /* -1: none */
		bool reports;
		uint32_t http; /* of the event */
	} cases[] = {
		{WORD_GO, 0, 0, -1, false, 0},
		{WORD_GO_COUNTED, soft, 0, -1, false, 0},
		{WORD_GO_PROBE, cool, LULL_EVENT_PROBE, SLOT_PROBES, false, 429},
		{WORD_COOLED, cool, LULL_EVENT_COOLED, SLOT_COOLDOWNS, true, 429},
		{WORD_LENGTHENED, cool, 0, -1, true, 0},
		{WORD_COUNTED, soft, LULL_EVENT_SOFT, -1, true, 529},
		{WORD_NOTED, soft, 0, -1, false, 0},
		{WORD_OPENED, 0, LULL_EVENT_OPENED, -1, true, 401},
		{WORD_FORGOTTEN, 0, 0, -1, false, 0},
		{WORD_RETURNED, cool, LULL_EVENT_RETURNED, -1, false, 429},
		{WORD_OPERATOR_COOLED, cool, LULL_EVENT_OPERATOR_COOLED, -1, true, 429},
		{WORD_OPERATOR_HELD, cool, LULL_EVENT_HELD, -1, true, 429},
		{WORD_OPERATOR_CLEARED, 0, LULL_EVENT_CLEARED, -1, true, 401},
	};
	struct word_event e = {.now_ms = NOW, .http = 529};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct layout_slot *slot;
		uint64_t events;

		begin();
		slot = slot_named("x");
		atomic_store(&slot->word, word_now(1, WORD_COOL, LULL_CLASS_AUTH, 401, 1));
		chosen = (struct word_step){.to = cases[i].to, .verdict = cases[i].verdict};
		CU_ASSERT_EQUAL(segment_change(&segment, slot, as_chosen, &e, NULL).verdict,
				cases[i].verdict);
		CU_ASSERT_EQUAL(atomic_load(&slot->word), cases[i].to);
		for (int c = 0; c < SLOT_COUNTERS; c++)
			CU_ASSERT_EQUAL(atomic_load(&slot->counters[c]), c == cases[i].counter);
		CU_ASSERT_EQUAL(atomic_load(&slot->reporter) >> REPORTER_PID_BITS,
				cases[i].reports ? NOW : 0);
		events = atomic_load(&segment.header->ring_head);
		CU_ASSERT_EQUAL(events, cases[i].event != 0);
		CU_ASSERT_EQUAL(atomic_load(&segment.ring[0].payload[4]) >> 56, cases[i].event);
		CU_ASSERT_EQUAL((uint32_t)atomic_load(&segment.ring[0].payload[4]), cases[i].http);
		CU_ASSERT_EQUAL(atomic_load(&segment.header->serial), 0);
		end();
	}
}

static void test_a_change_that_wakes_moves_the_serial(void)
{
	struct word_event e = {.now_ms = NOW};
	struct layout_slot *slot;

	begin();
	slot = slot_named("x");
	chosen = (struct word_step){.to = 8, .verdict = WORD_RETURNED, .wakes = true};
	(void)segment_change(&segment, slot, as_chosen, &e, NULL);
	CU_ASSERT_EQUAL(atomic_load(&segment.header->serial), 1);
	/* the same word again: nothing has changed, nobody is woken */
	(void)segment_change(&segment, slot, as_chosen, &e, NULL);
	CU_ASSERT_EQUAL(atomic_load(&segment.header->serial), 1);
	CU_ASSERT_EQUAL(atomic_load(&segment.header->ring_head), 1);
	end();
}

static void test_a_change_in_the_overflow_is_not_told_to_others(void)
{
	struct word_event e = {.now_ms = NOW};
	struct layout_slot *slot = NULL;
	char text[32];

	begin();
	for (unsigned i = 0; i <= SLOTS; i++) {
		struct key key = key_number(i, text);

		slot = segment_insert(&segment, &key);
	}
	chosen = (struct word_step){.to = 8, .verdict = WORD_COOLED, .wakes = true};
	(void)segment_change(&segment, slot, as_chosen, &e, NULL);
	CU_ASSERT_EQUAL(atomic_load(&slot->word), 8);
	CU_ASSERT_EQUAL(atomic_load(&slot->counters[SLOT_COOLDOWNS]), 1);
	CU_ASSERT_EQUAL(atomic_load(&segment.header->ring_head), 0);
	CU_ASSERT_EQUAL(atomic_load(&segment.header->serial), 1); /* threads of this process */
	end();
}

/* Loses the first races: another process writes between the transition's reading and its swap. */
static struct layout_slot *contested;
static unsigned rivals;

static struct word_step against_rivals(uint64_t from, const struct word_event *e)
{
	(void)e;
	if (rivals > 0) {
		rivals--;
		atomic_fetch_add(&contested->word, 1);
	}
	return (struct word_step){.to = from + 1000000, .verdict = WORD_COOLED};
}

static void test_a_lost_race_starts_again_from_the_word_found(void)
{
	struct word_event e = {.now_ms = NOW};
	struct word_step step;
	uint64_t from = 0;

	begin();
	contested = slot_named("x");
	rivals = 7;
	step = segment_change(&segment, contested, against_rivals, &e, &from);
	CU_ASSERT_EQUAL(from, 7);
	CU_ASSERT_EQUAL(step.to, 1000007);
	CU_ASSERT_EQUAL(atomic_load(&contested->word), 1000007);
	end();
}

static void test_endless_races_are_given_up(void)
{
	struct word_event e = {.now_ms = NOW};

	begin();
	contested = slot_named("x");
	rivals = UINT32_MAX;
	CU_ASSERT_EQUAL(segment_change(&segment, contested, against_rivals, &e, NULL).verdict,
			WORD_UNTOUCHED);
	CU_ASSERT_EQUAL(rivals, UINT32_MAX - 4096);
	CU_ASSERT_EQUAL(atomic_load(&contested->counters[SLOT_COOLDOWNS]), 0);
	end();
}

static void test_what_is_read_only_is_not_changed(void)
{
	struct word_event e = {.now_ms = NOW};
	uint64_t ended = word_now(NOW - 1, WORD_COOL, LULL_CLASS_TIMEOUT, 504, 0);
	struct layout_slot *slot;

	begin();
	slot = slot_named("x");
	segment.read_only = true;
	CU_ASSERT_EQUAL(segment_change(&segment, slot, word_admit, &e, NULL).verdict, WORD_GO);
	atomic_store(&slot->word, ended);
	CU_ASSERT_EQUAL(segment_change(&segment, slot, word_admit, &e, NULL).verdict, WORD_SKIP);
	CU_ASSERT_EQUAL(segment_change(&segment, slot, word_operator_hold, &e, NULL).verdict,
			WORD_UNTOUCHED);
	CU_ASSERT_EQUAL(atomic_load(&slot->word), ended);
	end();
}

static void test_an_unknown_verdict_brings_nothing_along(void)
{
	struct word_event e = {.now_ms = NOW};
	struct layout_slot *slot;

	begin();
	slot = slot_named("x");
	chosen = (struct word_step){.to = 8, .verdict = (enum word_verdict)99};
	(void)segment_change(&segment, slot, as_chosen, &e, NULL);
	CU_ASSERT_EQUAL(atomic_load(&segment.header->ring_head), 0);
	end();
}

/* ------------------------------------------------------------------ usual time */

static void test_usual_time_follows_the_samples(void)
{
	struct layout_slot *slot;

	begin();
	slot = slot_named("x");
	CU_ASSERT_EQUAL(slot_usual_limit_ms(slot), 0);
	CU_ASSERT_EQUAL(slot_usual_ms(slot), 0);
	slot_usual_add(slot, 1000);
	CU_ASSERT_EQUAL(slot_usual_ms(slot), 1000);
	CU_ASSERT_EQUAL(slot_usual_limit_ms(slot), 4000); /* mean + 6 x half of it */
	for (int i = 0; i < 200; i++)
		slot_usual_add(slot, 1000);
	CU_ASSERT_EQUAL(slot_usual_ms(slot), 1000);
	CU_ASSERT(slot_usual_limit_ms(slot) < 1010); /* steady: little above the mean */
	slot_usual_add(slot, 1160);
	CU_ASSERT_EQUAL(slot_usual_ms(slot), 1010); /* a sixteenth of the way */
	for (int i = 0; i < 300; i++)
		slot_usual_add(slot, 200);
	CU_ASSERT(slot_usual_ms(slot) >= 200 && slot_usual_ms(slot) <= 201);
	slot_usual_forget(slot);
	CU_ASSERT_EQUAL(slot_usual_limit_ms(slot), 0);
	end();
}

static void test_usual_time_has_no_bad_ends(void)
{
	struct layout_slot *slot;

	begin();
	slot = slot_named("x");
	slot_usual_add(slot, 0);
	CU_ASSERT_EQUAL(slot_usual_limit_ms(slot), 1); /* known, and more than nothing */
	slot_usual_add(slot, UINT64_MAX);
	CU_ASSERT(slot_usual_ms(slot) > 1);
	atomic_store(&slot->usual, UINT64_MAX);
	CU_ASSERT_EQUAL(slot_usual_limit_ms(slot), (UINT64_C(7) * UINT32_MAX + 999) / 1000);
	slot_usual_add(slot, 1);
	CU_ASSERT(slot_usual_ms(slot) < (UINT64_C(1) << 32) / 1000);
	atomic_store(&slot->usual, 77); /* a deviation from nothing */
	CU_ASSERT_EQUAL(slot_usual_limit_ms(slot), 0);
	end();
}

/* Two lines of the slot hold them: no class lies on another's, or on anything else. */
static void test_each_class_has_a_counter_of_its_own(void)
{
	struct key key = key_of(LULL_KIND_ROUTE, "gpt-4o@https://api.openai.com/v1#01"), read;
	char text[LULL_KEY_BYTES_MAX + 1];
	struct layout_slot *slot;

	begin();
	slot = segment_insert(&segment, &key);
	CU_ASSERT_PTR_NOT_NULL_FATAL(slot);
	for (uint32_t counted = 0; counted < LULL_CLASS_COUNT; counted++)
		for (uint32_t i = 0; i <= counted; i++)
			slot_count_outcome(slot, counted);
	for (uint32_t class_id = 0; class_id < LULL_CLASS_COUNT; class_id++)
		CU_ASSERT_EQUAL(slot_outcomes(slot, class_id), class_id + 1);
	CU_ASSERT_EQUAL(atomic_load(&slot->awaited), 0);
	for (int i = 0; i < SLOT_COUNTERS; i++)
		CU_ASSERT_EQUAL(atomic_load(&slot->counters[i]), 0);
	CU_ASSERT_TRUE(slot_key(slot, text, &read));
	CU_ASSERT_STRING_EQUAL(text, key.bytes);
	end();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_a_key_is_found_where_it_was_put),
		CUNIT_TEST(test_a_slot_tells_its_key),
		CUNIT_TEST(test_a_half_written_key_is_finished_by_who_needs_it),
		CUNIT_TEST(test_keys_of_one_hash_stay_apart),
		CUNIT_TEST(test_kind_and_length_are_part_of_the_key),
		CUNIT_TEST(test_every_slot_can_be_used),
		CUNIT_TEST(test_a_full_table_overflows_into_local_memory),
		CUNIT_TEST(test_an_overflow_can_be_full_too),
		CUNIT_TEST(test_without_memory_there_is_no_overflow),
		CUNIT_TEST(test_nothing_is_inserted_into_what_is_read_only),
		CUNIT_TEST(test_rubbish_slots_do_no_harm),
		CUNIT_TEST(test_links_are_kept_as_far_as_others_can_follow),
		CUNIT_TEST(test_what_a_change_brings_along),
		CUNIT_TEST(test_a_change_that_wakes_moves_the_serial),
		CUNIT_TEST(test_a_change_in_the_overflow_is_not_told_to_others),
		CUNIT_TEST(test_a_lost_race_starts_again_from_the_word_found),
		CUNIT_TEST(test_endless_races_are_given_up),
		CUNIT_TEST(test_what_is_read_only_is_not_changed),
		CUNIT_TEST(test_an_unknown_verdict_brings_nothing_along),
		CUNIT_TEST(test_each_class_has_a_counter_of_its_own),
		CUNIT_TEST(test_usual_time_follows_the_samples),
		CUNIT_TEST(test_usual_time_has_no_bad_ends),
	};

	return CUNIT_MAIN("slot", tests);
}
