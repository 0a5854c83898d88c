/* SPDX-License-Identifier: MIT */
/* Rows of the shared table, through liblull.so as any program calls it; see rows.h, inside.h. */
#include <stdio.h>
#include <stdlib.h>

#include <lull/lull.h>

#include "inside.h"
#include "rows.h"

#define BATCH       512u /* keys of which each is changed once */
#define COOL_FOR_MS 600000u

static struct lull_table *table;
static struct lull_slot *ready_slot, *cooling_slot;
static char batch_keys[BATCH][32];

static const char *lull_begin(void)
{
	struct lull_table_options options;

	lull_table_options_init(&options);
	options.name = "bench";
	if (lull_table_open(&options, &table) != 0 || lull_table_problem(table))
		return "no shared table is to be had";
	if (lull_slot_open(table, LULL_KIND_ROUTE, BENCH_KEY, &ready_slot) != 0 ||
	    lull_slot_open(table, LULL_KIND_CREDENTIAL, BENCH_KEY, &cooling_slot) != 0)
		return "the table has no room";
	(void)lull_key_cool(table, LULL_KIND_CREDENTIAL, BENCH_KEY, COOL_FOR_MS, lull_clock_ms());
	for (uint32_t i = 0; i < BATCH; i++)
		(void)snprintf(batch_keys[i], sizeof(batch_keys[i]), "batch-%03u", i);
	return NULL;
}

static void lull_end(void)
{
	lull_slot_close(ready_slot);
	lull_slot_close(cooling_slot);
	lull_table_close(table);
}

/* ------------------------------------------------------------------ lookups */

static void by_handle(const struct lull_slot *slot, uint32_t operations)
{
	for (uint32_t i = 0; i < operations; i++)
		row_keep(lull_slot_ready_in_ms(slot));
}

static void by_handle_ready(uint32_t operations)
{
	by_handle(ready_slot, operations);
}

static void by_handle_cooling(uint32_t operations)
{
	by_handle(cooling_slot, operations);
}

/* What a cooling key costs beyond a ready one: somebody has to know what time it is. */
static void clock_alone(uint32_t operations)
{
	for (uint32_t i = 0; i < operations; i++)
		row_keep(lull_clock_ms());
}

static void by_name(uint32_t kind, uint32_t operations)
{
	uint64_t ready_in_ms = 0;

	for (uint32_t i = 0; i < operations; i++) {
		(void)lull_key_ready_in_ms(table, kind, BENCH_KEY, &ready_in_ms);
		row_keep(ready_in_ms);
	}
}

static void by_name_ready(uint32_t operations)
{
	by_name(LULL_KIND_ROUTE, operations);
}

static void by_name_cooling(uint32_t operations)
{
	by_name(LULL_KIND_CREDENTIAL, operations);
}

/* ------------------------------------------------------------------ changes */

static void clear_batch(uint32_t operations)
{
	for (uint32_t i = 0; i < operations; i++)
		(void)lull_key_clear(table, LULL_KIND_NAME, batch_keys[i], lull_clock_ms());
}

static void cool_batch(uint32_t operations)
{
	for (uint32_t i = 0; i < operations; i++)
		(void)lull_key_cool(table, LULL_KIND_NAME, batch_keys[i], COOL_FOR_MS,
				    lull_clock_ms());
}

/* Two routes of one server and key; the first answers. All that a call costs but the network. */
static void whole_call(uint32_t operations)
{
	struct lull_call_options options;
	struct lull_route routes[2];
	struct lull_outcome outcome;
	struct lull_step step;
	struct lull_call *call;

	lull_call_options_init(&options);
	lull_outcome_init(&outcome);
	outcome.http_status = 200;
	for (uint32_t i = 0; i < 2; i++) {
		lull_route_init(&routes[i]);
		routes[i].route_key = i == 0 ? "primary" : "fallback";
		routes[i].credential_key = "1f0c9a77e3b25d84";
		routes[i].endpoint_key = "https://api.openai.com:443";
	}
	for (uint32_t i = 0; i < operations; i++) {
		if (lull_call_begin(&call, table, routes, 2, &options, lull_clock_ms()) != 0)
			abort();
		(void)lull_call_next(call, lull_clock_ms(), &step);
		(void)lull_call_progress(call, lull_clock_ms(), LULL_PROGRESS_CONNECTED);
		(void)lull_call_progress(call, lull_clock_ms(), LULL_PROGRESS_ACCEPTED);
		(void)lull_call_report(call, lull_clock_ms(), &outcome);
		(void)lull_call_next(call, lull_clock_ms(), &step);
		lull_call_end(call, lull_clock_ms());
	}
}

static const struct row rows[] = {
	{"lookup by handle, ready", 200000, NULL, by_handle_ready},
	{"lookup by handle, cooling", 40000, NULL, by_handle_cooling},
	{"  of which lull_clock_ms()", 40000, NULL, clock_alone},
	{"lookup by name, ready", 40000, NULL, by_name_ready},
	{"lookup by name, cooling", 20000, NULL, by_name_cooling},
	{"lull_key_cool(), by name", BATCH, clear_batch, cool_batch},
	{"lull_key_clear(), by name", BATCH, cool_batch, clear_batch},
	{"a whole call, all but the network", 500, NULL, whole_call},
};

const struct group lull_group = {lull_begin, lull_end, rows, sizeof(rows) / sizeof(rows[0]), true};

/* ------------------------------------------------------------------ from inside */

static const char *begin_inside(void)
{
	return inside_begin() == 0 ? NULL : "the library could not begin";
}

static const struct row inside_rows[] = {
	{"admit, ready", 100000, NULL, inside_admit_ready},
	{"a failure that cools", 20000, NULL, inside_fail_hard},
	{"a probe: lease taken and opened", 2000, NULL, inside_probe_and_open},
	{"one event recorded", 20000, NULL, inside_record},
};

const struct group inside_group = {begin_inside, inside_end, inside_rows,
				   sizeof(inside_rows) / sizeof(inside_rows[0]), true};
