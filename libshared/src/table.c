/* SPDX-License-Identifier: MIT */
/*
 * The handle: which segment this process stands on now.
 *
 * A segment can be replaced under a running process (deleted at a logout, reset by an operator),
 * and a process that had none may get one. Then the handle moves to a new mapping, and the old one
 * must stay for whoever works on it. So mappings are generations, counted without a lock: `current`
 * holds the index of the newest and, above it, how often it was pinned. Pinning is one fetch_add,
 * which tells the index and counts at once. Unpinning counts down in the generation's own count;
 * while it is current that is a balance below REFS_CURRENT. When it is replaced, the number of pins
 * is added and REFS_CURRENT taken away: from then on the count is that of its users, and the last
 * one unmaps. The handle itself lives until it is closed and its last generation is gone.
 *
 * Only one thread at a time replaces, and nobody waits for it: the others go on with what they
 * have. The mark it sets is its process's pid, so that a child forked at that moment does not find
 * the door shut for ever.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "mapping.h"

#define PREFERRED_DIR   "/run/lull"
#define GENERATIONS     32u /* arbitrary; replaced segments that somebody still uses */
#define GENERATION_BITS 8u
#define GENERATION_MASK ((1u << GENERATION_BITS) - 1)
#define REFS_FREE       0                  /* no mapping */
#define REFS_ENDING     1                  /* no user; being unmapped. Users count above this */
#define REFS_CURRENT    (INT64_C(1) << 62) /* more than any number of pins */
#define REVIEW_MS       10000u             /* a problem is looked at again */
#define PROBLEMS        8u /* sentences kept, so that a reader's outlives the next few */

struct lull_table {
	_Alignas(LAYOUT_LINE) _Atomic uint64_t current; /* pins : 56 | generation : 8 */
	_Alignas(LAYOUT_LINE) _Atomic int64_t refs[GENERATIONS];
	struct segment generations[GENERATIONS];
	_Atomic uint32_t users; /* generations in use, and 1 until the handle is closed */

	struct place place;
	bool local;                 /* process-local for good: on purpose, or there is no place */
	_Atomic uint32_t refresher; /* pid of the process that is replacing; 0 nobody */
	_Atomic uint64_t review_at_ms; /* of the problem */

	const char *_Atomic problem; /* NULL: none */
	struct problem problems[PROBLEMS];
	struct problem when_full;
	uint32_t problem_count;
};

/* ------------------------------------------------------------------ generations */

static void table_release(struct lull_table *table)
{
	if (atomic_fetch_sub_explicit(&table->users, 1, memory_order_acq_rel) == 1)
		free(table);
}

static _Atomic int64_t *segment_refs(const struct segment *segment)
{
	return &segment->table->refs[segment->generation];
}

/* The last user has left. */
static void generation_end(struct segment *segment)
{
	struct lull_table *table = segment->table;

	segment_unmap(segment);
	/* pairs with the acquire in generation_free(): whoever reuses it finds it unmapped */
	atomic_store_explicit(segment_refs(segment), REFS_FREE, memory_order_release);
	table_release(table);
}

struct segment *table_pin(struct lull_table *table)
{
	/* pairs with the exchange in table_move_to() */
	uint64_t current = atomic_fetch_add_explicit(
		&table->current, UINT64_C(1) << GENERATION_BITS, memory_order_acquire);

	return &table->generations[current & GENERATION_MASK];
}

struct segment *table_pin_generation(struct lull_table *table, uint32_t generation)
{
	_Atomic int64_t *refs = &table->refs[generation % GENERATIONS];
	int64_t found = atomic_load_explicit(refs, memory_order_relaxed);

	while (found > REFS_ENDING)
		if (atomic_compare_exchange_weak_explicit(
			    refs, &found, found + 1, memory_order_acquire, memory_order_relaxed))
			return &table->generations[generation % GENERATIONS];
	return NULL;
}

void segment_unpin(struct segment *segment)
{
	/* acq_rel: the end comes after all that any user did */
	if (atomic_fetch_sub_explicit(segment_refs(segment), 1, memory_order_acq_rel) ==
	    REFS_ENDING + 1)
		generation_end(segment);
}

bool segment_is_read_only(const struct segment *segment)
{
	return segment->read_only;
}

/* Turns the balance of a generation that is not current any more into the count of its users. */
static void generation_retire(struct lull_table *table, uint64_t current)
{
	struct segment *segment = &table->generations[current & GENERATION_MASK];
	int64_t change = (int64_t)(current >> GENERATION_BITS) - REFS_CURRENT;

	if (atomic_fetch_add_explicit(segment_refs(segment), change, memory_order_acq_rel) +
		    change ==
	    REFS_ENDING)
		generation_end(segment);
}

/* An unused place among the generations; NULL: none. */
static struct segment *generation_free(struct lull_table *table)
{
	for (uint32_t i = 0; i < GENERATIONS; i++)
		if (atomic_load_explicit(&table->refs[i], memory_order_acquire) == REFS_FREE)
			return &table->generations[i];
	return NULL;
}

/* Makes a filled place the generation that is pinned next. */
static uint64_t table_move_to(struct lull_table *table, struct segment *segment)
{
	uint32_t generation = (uint32_t)(segment - table->generations);

	segment->table = table;
	segment->generation = generation;
	atomic_fetch_add_explicit(&table->users, 1, memory_order_relaxed);
	atomic_store_explicit(&table->refs[generation], REFS_CURRENT + REFS_ENDING,
			      memory_order_release);
	/* pairs with the fetch_add in table_pin() */
	return atomic_exchange_explicit(&table->current, generation, memory_order_acq_rel);
}

/* ------------------------------------------------------------------ problems */

static void table_tell(struct lull_table *table, const struct problem *problem)
{
	const char *told = atomic_load_explicit(&table->problem, memory_order_relaxed);
	struct problem *kept;

	if (!problem->text[0]) {
		atomic_store_explicit(&table->problem, NULL, memory_order_release);
		return;
	}
	atomic_store_explicit(&table->review_at_ms, lull_clock_ms() + REVIEW_MS,
			      memory_order_relaxed);
	if (told && strcmp(told, problem->text) == 0)
		return;
	kept = &table->problems[table->problem_count++ % PROBLEMS];
	*kept = *problem;
	/* pairs with the acquire in lull_table_problem() */
	atomic_store_explicit(&table->problem, kept->text, memory_order_release);
}

static void table_tell_alone(struct lull_table *table, const struct problem *why)
{
	struct problem told = {""};

	problem_set(&told, "cooldowns are not shared with other processes: %.400s", why->text);
	table_tell(table, &told);
}

const char *lull_table_problem(const struct lull_table *table)
{
	/* a handle is never a constant object; pinning only counts */
	struct lull_table *counted = (struct lull_table *)table;
	const char *problem;
	struct segment *segment;

	if (!table)
		return NULL;
	problem = atomic_load_explicit(&counted->problem, memory_order_acquire);
	if (problem)
		return problem;
	segment = table_pin(counted);
	if (segment->shared &&
	    atomic_load_explicit(&segment->overflow, memory_order_relaxed) != NULL)
		problem = table->when_full.text;
	segment_unpin(segment);
	return problem;
}

/* ------------------------------------------------------------------ opening */

void lull_table_options_init(struct lull_table_options *options)
{
	*options = (struct lull_table_options){.abi_version = LULL_ABI_VERSION};
}

/* What a caller gave, or the defaults. */
static struct lull_table_options options_of(const struct lull_table_options *options)
{
	struct lull_table_options defaults;

	lull_table_options_init(&defaults);
	return options ? *options : defaults;
}

/* Process-local memory, with the handle's own rules. */
static int table_map_local(const struct lull_table *table, struct segment *segment)
{
	int err = segment_map_local(segment, table->place.slot_count);

	segment->read_only = table->place.read_only;
	return err;
}

/*
 * The segment, if it can be had now; tells what is wrong. `deleted`: the handle stood on one whose
 * name is gone. 0, or negative errno.
 */
static int table_map_shared(struct lull_table *table, struct segment *segment, bool deleted)
{
	struct problem why = {""}, told = {""};
	int origin = segment_map_shared(segment, &table->place, &why);

	if (origin == -ENOENT && !table->place.may_create) {
		table_tell(table, &told);
		return origin;
	}
	if (origin < 0) {
		table_tell_alone(table, &why);
		return origin;
	}
	if (origin == SEGMENT_REPAIRED)
		problem_set(&told, "%.400s; it has been replaced by an empty table", why.text);
	else if (origin == SEGMENT_MADE && deleted)
		problem_set(&told, "%s was deleted while in use; an empty table has been made",
			    table->place.path);
	table_tell(table, &told);
	return 0;
}

static struct lull_table *table_new(void)
{
	struct lull_table *table = aligned_alloc(_Alignof(struct lull_table), sizeof(*table));

	if (table) {
		memset(table, 0, sizeof(*table));
		atomic_init(&table->users, 1);
	}
	return table;
}

static int table_open(struct lull_table *table, const struct lull_table_options *options)
{
	struct segment *first = &table->generations[0];
	struct problem why = {""};
	int err = place_resolve(options, PREFERRED_DIR, &table->place, &why);

	if (err < 0)
		return err;
	problem_set(&table->when_full,
		    "%s is full: further keys are kept by this process alone, until it is made "
		    "anew by `lull reset`",
		    table->place.path);
	table->local = err == PLACE_NONE || options->flags & LULL_TABLE_LOCAL;
	if (err == PLACE_NONE && !(options->flags & LULL_TABLE_LOCAL))
		table_tell_alone(table, &why);
	if (table->local || table_map_shared(table, first, false) != 0)
		err = table_map_local(table, first);
	else
		err = 0;
	if (!err)
		(void)table_move_to(table, first);
	return err;
}

int lull_table_open(const struct lull_table_options *options, struct lull_table **ret_table)
{
	struct lull_table_options set = options_of(options);
	struct lull_table *table;
	int err;

	if (!ret_table || set.abi_version == 0)
		return -EINVAL;
	table = table_new();
	if (!table)
		return -ENOMEM;
	err = table_open(table, &set);
	if (err)
		table_release(table);
	else
		*ret_table = table;
	return err;
}

void lull_table_close(struct lull_table *table)
{
	if (!table)
		return;
	generation_retire(table, atomic_load_explicit(&table->current, memory_order_acquire));
	table_release(table);
}

/* ------------------------------------------------------------------ refreshing */

enum standing {
	STANDS,   /* the name still means this segment */
	DELETED,  /* the name is gone */
	REPLACED, /* another file has the name, or will */
};

static enum standing segment_standing(const struct segment *segment, const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT || errno == ENOTDIR ? DELETED : STANDS;
	if (st.st_dev != segment->dev || st.st_ino != segment->ino)
		return REPLACED;
	/* truncated: not to be touched any more; attaching will repair it */
	if ((uint64_t)st.st_size != segment->size_bytes)
		return REPLACED;
	return atomic_load_explicit(&segment->header->retired, memory_order_acquire) == 1 ? REPLACED
											  : STANDS;
}

/* What went wrong some time ago: to be tried again, or, if it was repaired, no news any more. */
static bool problem_is_due(struct lull_table *table)
{
	return lull_clock_ms() >= atomic_load_explicit(&table->review_at_ms, memory_order_relaxed);
}

static bool has_problem(struct lull_table *table)
{
	return atomic_load_explicit(&table->problem, memory_order_relaxed) != NULL;
}

/* For a handle on local memory. Without a problem nobody has made a segment yet: as soon as one is
 * there. */
static bool retry_is_due(struct lull_table *table)
{
	struct stat st;

	if (table->local)
		return false;
	return has_problem(table) ? problem_is_due(table) : lstat(table->place.path, &st) == 0;
}

static bool refresher_enter(struct lull_table *table)
{
	uint32_t pid = clock_pid(), found = 0;

	if (atomic_compare_exchange_strong(&table->refresher, &found, pid))
		return true;
	/* a mark of another pid came along by fork: its thread does not exist here */
	return found != pid && atomic_compare_exchange_strong(&table->refresher, &found, pid);
}

static void refresher_leave(struct lull_table *table)
{
	atomic_store(&table->refresher, 0);
}

/* Moves the handle from `segment` to what can be had now. */
static void table_replace(struct lull_table *table, const struct segment *segment,
			  enum standing standing)
{
	uint64_t current = atomic_load_explicit(&table->current, memory_order_acquire);
	struct segment *next = generation_free(table);

	/* another thread was faster, or all generations are in use: some other time */
	if ((current & GENERATION_MASK) != segment->generation || !next)
		return;
	if (table_map_shared(table, next, standing == DELETED) != 0 &&
	    (!segment->shared || table_map_local(table, next) != 0))
		return; /* what is known here is worth more than a fresh local table */
	generation_retire(table, table_move_to(table, next));
}

int lull_table_refresh(struct lull_table *table)
{
	static const struct problem none;
	enum standing standing = STANDS;
	struct segment *segment;
	bool over;

	if (!table)
		return -EINVAL;
	segment = table_pin(table);
	if (segment->shared)
		standing = segment_standing(segment, table->place.path);
	else if (retry_is_due(table))
		standing = REPLACED;
	over = standing == STANDS && segment->shared && has_problem(table) && problem_is_due(table);
	if ((standing != STANDS || over) && refresher_enter(table)) {
		if (over)
			table_tell(table, &none);
		else
			table_replace(table, segment, standing);
		refresher_leave(table);
	}
	segment_unpin(segment);
	return 0;
}

/* ------------------------------------------------------------------ facts, and an operator's verbs
 */

static uint32_t slots_used(const struct segment *segment)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < segment->slot_count; i++)
		used += atomic_load_explicit(&segment->slots[i].tag, memory_order_relaxed) != 0;
	return used;
}

int lull_table_info(const struct lull_table *table, struct lull_table_info *ret_info)
{
	struct lull_table *counted = (struct lull_table *)table;
	struct segment *segment;

	if (!table || !ret_info)
		return -EINVAL;
	segment = table_pin(counted);
	*ret_info = (struct lull_table_info){
		.abi_version = LULL_ABI_VERSION,
		.shared = segment->shared,
		.slot_count = segment->slot_count,
		.slots_used = slots_used(segment),
		.size_bytes = segment->size_bytes,
		.create_id = segment->create_id,
		.created_unix_s = segment->created_unix_s,
		.owner_uid = segment->uid,
		.owner_gid = segment->gid,
		.mode = segment->mode,
		.full_rejects =
			atomic_load_explicit(&segment->header->full_rejects, memory_order_relaxed),
		.event_count =
			atomic_load_explicit(&segment->header->ring_head, memory_order_relaxed),
	};
	memcpy(ret_info->path, table->place.path, sizeof(ret_info->path));
	segment_unpin(segment);
	return 0;
}

static int place_of(const struct lull_table_options *options, struct place *ret_place,
		    struct problem *ret_problem)
{
	struct lull_table_options set = options_of(options);
	int err;

	set.flags = 0;
	err = place_resolve(&set, PREFERRED_DIR, ret_place, ret_problem);
	return err == PLACE_NONE ? -ECANCELED : err;
}

static int answer(int err, const struct problem *problem, char *error, size_t error_size)
{
	if (err < 0 && error)
		(void)snprintf(error, error_size, "%s", problem->text);
	return err;
}

int lull_table_make(const struct lull_table_options *options, int *ret_created, char *error,
		    size_t error_size)
{
	struct segment segment = {0};
	struct problem problem = {""};
	struct place place;
	int err = place_of(options, &place, &problem);

	if (!err)
		err = segment_map_shared(&segment, &place, &problem);
	if (err < 0)
		return answer(err, &problem, error, error_size);
	segment_unmap(&segment);
	if (ret_created)
		*ret_created = err != SEGMENT_FOUND;
	return 0;
}

int lull_table_reset(const struct lull_table_options *options, char *error, size_t error_size)
{
	struct problem problem = {""};
	struct place place;
	int err = place_of(options, &place, &problem);

	if (!err)
		err = segment_reset(&place, &problem);
	return answer(err, &problem, error, error_size);
}
