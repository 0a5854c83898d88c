/* SPDX-License-Identifier: MIT */
/*
 * Any bytes anywhere in the segment, then everything a process may do with it.
 *
 * The input is a small program: pokes, which put arbitrary bytes into the segment or well-formed
 * nonsense where the library looks for sense (a tag with its key, a word, a record with its sum),
 * mixed with operations, which read and write it as any process does. Whatever it holds, no
 * operation may crash, hang, or return what its description rules out; every loop comes to its end,
 * and whatever is shut without being held ends within a day. Programs that begin with ATTACH are a
 * file instead: a sound segment with bytes of the input laid over it, to be opened by name.
 *
 * The segment is allocated on the heap here, so that AddressSanitizer watches its edges.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lull/lull.h>

#include "fuzz.h"
#include "mapping.h"
#include "scratch_table.h"

#define SLOTS      16u
#define ATTACH     0xffu
#define DAY_MS     86400000u
#define STEPS_MAX  2000u /* of one call; far more than any list of two routes needs */
#define KEYS       6u
#define START_MS   UINT64_C(4000000000)
#define TABLE_NAME "fuzz"

/* ------------------------------------------------------------------ memory */

void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t size);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *at, size_t size);

static void *on_heap[8];

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	if (!(flags & MAP_NORESERVE))
		return __real_mmap(at, size, protection, flags, fd, offset);
	for (size_t i = 0; i < sizeof(on_heap) / sizeof(on_heap[0]); i++) {
		if (on_heap[i])
			continue;
		on_heap[i] = aligned_alloc(LAYOUT_LINE, size);
		CHECK(on_heap[i]);
		memset(on_heap[i], 0, size);
		return on_heap[i];
	}
	return MAP_FAILED;
}

int __wrap_munmap(void *at, size_t size)
{
	for (size_t i = 0; i < sizeof(on_heap) / sizeof(on_heap[0]); i++) {
		if (on_heap[i] != at)
			continue;
		free(at);
		on_heap[i] = NULL;
		return 0;
	}
	return __real_munmap(at, size);
}

/* ------------------------------------------------------------------ the input */

struct input {
	const uint8_t *data;
	size_t size;
};

/* What is missing at the end reads as 0. */
static uint64_t take(struct input *in, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes && in->size > 0; i++, in->data++, in->size--)
		value |= (uint64_t)*in->data << (8 * i);
	return value;
}

static uint32_t take_below(struct input *in, uint32_t limit)
{
	return (uint32_t)take(in, 1) % limit;
}

/* ------------------------------------------------------------------ the segment */

static struct lull_table *table;
static struct segment *segment;
static char header_before[offsetof(struct layout_header, serial)];
static uint64_t now_ms;

#define TEN     "0123456789"
#define SIXTY   TEN TEN TEN TEN TEN TEN
#define LONGEST SIXTY SIXTY SIXTY "0123" /* 184 bytes */

/* Two of one length that agree for long; the shortest and the longest. */
static const char *const key_texts[KEYS] = {
	"gpt-4o@https://api.example.com#0123456789abcdef",
	"gpt-4o@https://api.example.com#0123456789abcdeg",
	"0123456789abcdef",
	"https://api.example.com:443",
	"m",
	LONGEST,
};

static struct key key_number(uint32_t number)
{
	static const uint32_t kinds[KEYS] = {LULL_KIND_ROUTE,      LULL_KIND_ROUTE,
					     LULL_KIND_CREDENTIAL, LULL_KIND_ENDPOINT,
					     LULL_KIND_NAME,       LULL_KIND_NAME};
	struct key key;

	CHECK(key_init(&key, kinds[number], key_texts[number]) == 0);
	return key;
}

static void segment_blank(void)
{
	segment_free_local(atomic_load(&segment->overflow));
	atomic_store(&segment->overflow, NULL);
	memcpy(segment->header, header_before, sizeof(header_before));
	memset((char *)segment->header + sizeof(header_before), 0,
	       segment->size_bytes - sizeof(header_before));
	now_ms = START_MS;
}

static struct scratch scratch;

static void tidy_up(void)
{
	scratch_remove(&scratch);
}

static void begin_once(void)
{
	struct lull_table_options options;

	if (table)
		return;
	scratch_make(&scratch);
	CHECK(atexit(tidy_up) == 0);
	lull_table_options_init(&options);
	options.flags = LULL_TABLE_LOCAL;
	options.slot_count = SLOTS;
	CHECK(lull_table_open(&options, &table) == 0);
	segment = table_pin(table);
	memcpy(header_before, segment->header, sizeof(header_before));
}

/* ------------------------------------------------------------------ pokes */

static void poke_anywhere(struct input *in)
{
	size_t at = (size_t)take(in, 3) % (segment->size_bytes - sizeof(uint64_t));
	uint64_t value = take(in, 8);

	memcpy((char *)segment->header + at, &value, sizeof(value));
}

static struct layout_slot *poke_slot(struct input *in)
{
	return &segment->slots[take_below(in, SLOTS)];
}

/* No slot is free: what follows goes to the overflow. */
static void poke_full(struct input *in)
{
	uint64_t tag = 1 + take(in, 1);

	for (uint32_t i = 0; i < SLOTS; i++)
		if (atomic_load(&segment->slots[i].tag) == 0)
			atomic_store(&segment->slots[i].tag, tag);
}

/* A key where it does not belong, twice, half, or with a hash that is not its own. */
static void poke_key(struct input *in)
{
	struct layout_slot *slot = poke_slot(in);
	struct key key = key_number(take_below(in, KEYS));
	uint32_t words = take_below(in, LAYOUT_KEY_WORDS + 1);
	uint64_t length_and_kind = take(in, 2);

	atomic_store(&slot->tag, key.hash + take_below(in, 2));
	for (uint32_t i = 1; i < words; i++) {
		size_t at = (i - 1) * sizeof(uint64_t);
		uint64_t word = 0;

		if (at < key.length)
			memcpy(&word, key.bytes + at,
			       key.length - at < sizeof(word) ? key.length - at : sizeof(word));
		atomic_store(&slot->key[i], word);
	}
	atomic_store(&slot->key[0],
		     length_and_kind ? length_and_kind : (uint64_t)key.kind << 8 | key.length);
}

static void poke_word(struct input *in)
{
	struct key key = key_number(take_below(in, KEYS));
	struct layout_slot *slot = segment_find(segment, &key);
	struct word w = {
		/* on either side of now, near and far */
		.until_ms = now_ms + take(in, 4) - take(in, 4),
		.strikes = take_below(in, 64),
		.cause = take_below(in, 32),
		.kind = take_below(in, 8),
	};
	uint64_t middle = take(in, 2);

	if (slot)
		atomic_store(&slot->word, word_pack(&w) ^ (middle & 0x3ff) << 14);
}

static void poke_beside_word(struct input *in)
{
	struct key key = key_number(take_below(in, KEYS));
	struct layout_slot *slot = segment_find(segment, &key);
	uint32_t which = take_below(in, 4);
	uint64_t value = take(in, 8);

	if (!slot)
		return;
	if (which == 0)
		atomic_store(&slot->usual, value);
	else if (which == 1)
		atomic_store(&slot->reporter, value);
	else if (which == 2)
		atomic_store(&slot->links, value);
	else
		atomic_store(&slot->counters[take_below(in, SLOT_COUNTERS)], value);
}

/* Buckets and permits on either side of now, near and far, and any limits. */
static void poke_limits(struct input *in)
{
	struct key key = key_number(take_below(in, KEYS));
	struct layout_slot *slot = segment_find(segment, &key);
	uint32_t which = take_below(in, 6);
	uint64_t near_ms = now_ms + take(in, 3) - take(in, 3), any = take(in, 8);

	if (!slot)
		return;
	if (which == 0)
		atomic_store(&slot->request_bucket, near_ms * 1000000 + any % 1000000);
	else if (which == 1)
		atomic_store(&slot->token_bucket, near_ms * 1000000 + any % 1000000);
	else if (which == 2)
		atomic_store(&slot->rates, any);
	else if (which == 3)
		atomic_store(&slot->caps, any & 0xffffff0000ffff);
	else if (which == 4)
		atomic_store(&slot->awaited, any);
	else
		for (uint32_t i = 0; i < LAYOUT_PERMITS; i++)
			atomic_store(&slot->permits[i], (near_ms + i) << 24 | (any & 0xffffff));
}

/* A record that is whole and says nonsense. */
static void poke_record(struct input *in)
{
	struct ring_event event = {
		.at_ms = take(in, 8),
		.for_ms = take(in, 8),
		.type = (enum lull_event_type)take(in, 1),
		.slot_index = (uint32_t)take(in, 4),
		.slot_tag = take(in, 1) ? take(in, 8) : atomic_load(&segment->slots[0].tag),
		.cause = (uint32_t)take(in, 1),
		.http_status = (uint32_t)take(in, 4),
		.strikes = (uint32_t)take(in, 2),
	};

	ring_record(segment, &event);
}

static void poke_ring_head(struct input *in)
{
	atomic_store(&segment->header->ring_head, take(in, 8));
}

/* ------------------------------------------------------------------ operations */

static void check_text(const char *text, size_t size)
{
	CHECK(memchr(text, '\0', size) != NULL);
}

static void check_state(const struct lull_key_state *state)
{
	check_text(state->key, sizeof(state->key));
	check_text(state->model, sizeof(state->model));
	CHECK(state->state <= LULL_STATE_HELD);
	CHECK((state->state == LULL_STATE_READY) == (state->ready_in_ms == 0));
	CHECK((state->state == LULL_STATE_HELD) == (state->ready_in_ms == LULL_NEVER));
	CHECK(state->ready_in_ms <= DAY_MS || state->state == LULL_STATE_HELD);
	CHECK(state->cause < LULL_CLASS_COUNT);
	CHECK(state->reported_at_ms <= now_ms);
	CHECK(state->parallel_used <= LULL_PARALLEL_MAX);
	CHECK(state->rpm_room_in_ms <= DAY_MS && state->tpm_room_in_ms <= DAY_MS);
}

static void do_read(struct input *in)
{
	struct key key = key_number(take_below(in, KEYS));
	struct lull_key_state state;
	uint64_t ready_in_ms;

	CHECK(lull_key_read(table, key.kind, key.bytes, now_ms, &state) >= 0);
	check_state(&state);
	CHECK(lull_key_ready_in_ms(table, key.kind, key.bytes, &ready_in_ms) >= 0);
}

static void do_read_all(struct input *in)
{
	uint64_t cursor = take(in, 1) ? take(in, 8) : 0;
	struct lull_key_state state;
	uint32_t count = 0;

	while (lull_key_at(table, &cursor, now_ms, &state) == 0) {
		check_state(&state);
		CHECK(state.kind >= LULL_KIND_ROUTE && state.kind <= LULL_KIND_NAME);
		CHECK(++count <= SLOTS + LAYOUT_SLOTS_DEFAULT);
	}
}

static void do_operator(struct input *in)
{
	struct key key = key_number(take_below(in, KEYS));
	uint64_t for_ms = take(in, 4);
	int err;

	switch (take_below(in, 3)) {
	case 0:
		(void)lull_key_cool(table, key.kind, key.bytes, for_ms, now_ms);
		break;
	case 1:
		err = lull_key_hold(table, key.kind, key.bytes, now_ms);
		CHECK(err == 0 || err == -ENOSPC);
		break;
	default:
		CHECK(lull_key_clear(table, key.kind, key.bytes, now_ms) >= 0);
		break;
	}
}

static void do_slot(struct input *in)
{
	struct key key = key_number(take_below(in, KEYS));
	struct lull_slot *slot;

	CHECK(lull_slot_open(table, key.kind, key.bytes, &slot) == 0);
	CHECK(segment_find(segment, &key) != NULL); /* finding and inserting agree */
	(void)lull_slot_ready_in_ms(slot);
	lull_slot_close(slot);
}

static void do_read_events(struct input *in)
{
	uint64_t number = take(in, 1) ? take(in, 8) : 0;
	struct lull_event event;
	uint32_t count = 0;

	while (lull_event_read(table, &number, &event) == 0) {
		check_text(event.key, sizeof(event.key));
		CHECK(event.type >= LULL_EVENT_COOLED && event.type <= LULL_EVENT_CLEARED);
		CHECK(event.kind >= LULL_KIND_ROUTE && event.kind <= LULL_KIND_NAME);
		CHECK(event.cause < LULL_CLASS_COUNT);
		CHECK(++count <= LAYOUT_RING_RECORDS);
	}
}

static void do_facts(struct input *in)
{
	struct lull_table_info info;

	(void)in;
	CHECK(lull_table_info(table, &info) == 0);
	CHECK(info.slots_used <= SLOTS);
	CHECK(lull_table_refresh(table) == 0);
	(void)lull_table_problem(table);
	(void)lull_table_wait(table, lull_table_serial(table), 0);
}

static void do_time(struct input *in)
{
	now_ms += take(in, 1) ? take(in, 4) : take(in, 2);
}

/* ---- a call */

static void routes_init(struct lull_route routes[2], struct input *in)
{
	for (uint32_t i = 0; i < 2; i++) {
		lull_route_init(&routes[i]);
		routes[i].route_key = key_texts[i];
		routes[i].credential_key = key_texts[2];
		routes[i].endpoint_key = key_texts[3];
		routes[i].names[0] = key_texts[4 + i];
		routes[i].flags = take_below(in, 2); /* loopback */
		if (take_below(in, 2) == 0)
			continue;
		routes[i].limits.rpm = (uint32_t)take(in, 2);
		routes[i].limits.parallel = take_below(in, LULL_PARALLEL_MAX + 1);
		routes[i].credential_limits.tpm = (uint32_t)take(in, 4);
		routes[i].credential_limits.burst_ms = (uint32_t)take(in, 2) % LULL_BURST_MS_MAX;
	}
}

static struct lull_call_options options_of(struct input *in)
{
	struct lull_call_options options;

	lull_call_options_init(&options);
	options.seed = 1;
	options.policy = take_below(in, 3);
	options.when_cooling = take_below(in, 3);
	options.num_retries = take_below(in, 3);
	options.probe = take_below(in, 4) != 0;
	options.connection_driver = take_below(in, 2);
	options.tokens = (uint32_t)take(in, 2);
	return options;
}

static void attempt_run(struct lull_call *call, struct input *in)
{
	struct lull_outcome outcome;
	uint32_t progress = take_below(in, 4);

	for (uint32_t i = LULL_PROGRESS_CONNECTED; i <= progress; i++)
		(void)lull_call_progress(call, now_ms, i);
	if (take_below(in, 4) == 0)
		(void)lull_call_emptied(call, now_ms, 1 + take_below(in, 2), take(in, 4));
	now_ms += take(in, 2);
	(void)lull_call_progress(call, now_ms, LULL_PROGRESS_RUNNING);
	lull_outcome_init(&outcome);
	outcome.class_id = take_below(in, LULL_CLASS_COUNT);
	outcome.http_status = (uint32_t)take(in, 2) % 600;
	outcome.hint_ms = (int64_t)(int32_t)take(in, 4);
	outcome.ours = take_below(in, 2);
	outcome.tokens = (uint32_t)take(in, 4);
	if (lull_call_report(call, now_ms, &outcome) != 0) {
		outcome.class_id = LULL_CLASS_CANCELLED;
		(void)lull_call_report(call, now_ms, &outcome);
	}
}

static void trail_check(const struct lull_call *call)
{
	struct lull_trail_entry entry;

	for (uint32_t i = 0; i < lull_call_trail_count(call); i++) {
		CHECK(lull_call_trail_at(call, i, &entry) == 0);
		check_text(entry.detail, sizeof(entry.detail));
		CHECK(entry.class_id < LULL_CLASS_COUNT);
		CHECK(entry.type == LULL_TRAIL_SLEEP || entry.route < 2);
	}
}

static void do_call(struct input *in)
{
	struct lull_call_options options = options_of(in);
	struct lull_route routes[2];
	struct lull_call *call;
	struct lull_step step = {.action = 0};

	routes_init(routes, in);
	CHECK(lull_call_begin(&call, table, routes, 2, &options, now_ms) == 0);
	for (uint32_t i = 0; step.action != LULL_ACTION_DONE && in->size > 0; i++) {
		CHECK(i < STEPS_MAX);
		CHECK(lull_call_next(call, now_ms, &step) == 0);
		if (step.action == LULL_ACTION_TRY) {
			attempt_run(call, in);
		} else if (step.action == LULL_ACTION_SLEEP) {
			CHECK(step.until_ms > now_ms);
			now_ms = step.until_ms;
		}
	}
	trail_check(call);
	lull_call_end(call, now_ms);
}

/* ------------------------------------------------------------------ a file */

/* A sound segment with bytes laid over it, cut or stretched. */
static void file_write(const char *path, struct input *in)
{
	int cut = (int)take_below(in, 8);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK(write(fd, header_before, sizeof(header_before)) == (ssize_t)sizeof(header_before));
	CHECK(ftruncate(fd, (off_t)segment->size_bytes) == 0);
	while (in->size > 0) {
		off_t at = (off_t)take(in, 1) * (off_t)take(in, 1);
		uint64_t value = take(in, 8);

		CHECK(pwrite(fd, &value, sizeof(value), at) == (ssize_t)sizeof(value));
	}
	CHECK(cut != 1 || ftruncate(fd, (off_t)segment->size_bytes / 2) == 0);
	CHECK(cut != 2 || ftruncate(fd, 100) == 0);
	CHECK(cut != 3 || ftruncate(fd, 0) == 0);
	CHECK(cut != 4 || ftruncate(fd, (off_t)segment->size_bytes + 1) == 0);
	CHECK(close(fd) == 0);
}

static void attach(struct input *in)
{
	struct lull_table_options options;
	struct lull_table *opened;
	struct lull_key_state state;
	uint64_t cursor = 0;
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/" TABLE_NAME, getenv("LULL_SHM_DIR"));
	lull_table_options_init(&options);
	options.name = TABLE_NAME;
	options.slot_count = SLOTS;
	options.flags = take_below(in, 2) ? LULL_TABLE_READ_ONLY : 0;
	file_write(path, in);
	CHECK(lull_table_open(&options, &opened) == 0);
	while (lull_key_at(opened, &cursor, now_ms, &state) == 0)
		check_state(&state);
	(void)lull_key_cool(opened, LULL_KIND_NAME, "m", 1000, now_ms);
	lull_table_close(opened);
	CHECK(unlink(path) == 0);
}

/* ------------------------------------------------------------------ */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const deeds[])(struct input * in) = {
		poke_anywhere,    poke_full,   poke_key,       poke_word,
		poke_beside_word, poke_record, poke_ring_head, do_read,
		do_read_all,      do_operator, do_slot,        do_read_events,
		do_facts,         do_time,     do_call,        poke_limits,
	};
	struct input in = {data, size};

	begin_once();
	segment_blank();
	if (size > 0 && data[0] == ATTACH) {
		(void)take(&in, 1);
		attach(&in);
		return 0;
	}
	while (in.size > 0)
		deeds[take_below(&in, sizeof(deeds) / sizeof(deeds[0]))](&in);
	return 0;
}
