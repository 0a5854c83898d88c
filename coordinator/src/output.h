/* SPDX-License-Identifier: MIT */
/*
 * Printing. A verb finds out the facts once, puts them into a report, and prints that through one
 * of two vtables: text for people, JSON for programs. Neither asks the table for anything.
 */
#ifndef LULL_COORDINATOR_OUTPUT_H
#define LULL_COORDINATOR_OUTPUT_H

#include <lull/call.h>

#include "findings.h"
#include "follow.h"
#include "keys.h"

/* One moment on the table's clock and on the wall's: what turns the one's times into the other's.
 */
struct moment {
	uint64_t table_ms;
	uint64_t unix_ms;
};

struct check_report {
	const struct lull_table_info *table;
	const struct meaning *meanings;
	size_t count;
	bool ready; /* what the exit status says */
};

struct status_row {
	struct lull_key_state state;
	struct key_text stands_on[2]; /* routes: credential, endpoint; else empty */
};

struct status_report {
	const struct lull_table_info *table;
	const struct status_row *rows; /* in the order to print */
	size_t count;
	struct moment now;
};

struct events_report {
	const struct lull_table_info *table;
	const struct lull_event *events; /* oldest first */
	size_t count;
	struct moment now;
};

struct doctor_report {
	const struct lull_table_info *table;
	const char *problem; /* why it is not shared, or NULL */
	const struct finding *findings;
	size_t count;
	bool healthy;
};

struct dry_run_report {
	const struct lull_table_info *table;
	const struct meaning *meanings;
	char **const *commands; /* one for each meaning */
	size_t count;
};

/* What `lull run` did; printed on stderr. */
struct run_report {
	const struct lull_trail_entry *steps;
	size_t count;
	const struct lull_route *routes; /* what the steps are about */
	uint32_t result;                 /* enum lull_result */
	int exit_code;
	const char *name;   /* that it succeeded with; NULL none */
	const char *reason; /* why with none; NULL */
	uint64_t for_ms;
	uint64_t ready_in_ms;
};

struct output {
	void (*check)(const struct check_report *report);
	void (*status)(const struct status_report *report);
	void (*events)(const struct events_report *report);
	void (*event)(const struct lull_event *event, const struct moment *now); /* one line */
	void (*news)(const struct news *news, const struct lull_table *table);   /* if no event */
	void (*doctor)(const struct doctor_report *report);
	void (*dry_run)(const struct dry_run_report *report);
	void (*run)(const struct run_report *report);
};

extern const struct output output_text;
extern const struct output output_json;

const char *output_state_name(uint32_t state);           /* "ready", "cooling", … */
const char *output_event_name(uint32_t type);            /* "cooled", "probe", … */
const char *output_level_name(enum finding_level level); /* "ok", "note", "problem" */
const char *output_cause_name(uint32_t cause); /* "rate_limited"; NULL: nothing is known */

const char *output_class_name(uint32_t class_id); /* "answered" too */
const char *output_result_name(uint32_t result);  /* "answered", "failed", … */

struct moment moment_now(void);
/* When it was on the wall; 0 if it is not known. */
uint64_t moment_unix_ms(const struct moment *now, uint64_t at_ms);

/* "cooling for 29.8 s, rate_limited (HTTP 429)", for people */
struct state_text {
	char text[96];
};
struct state_text output_state_text(const struct lull_key_state *state);

/* The same on stdout. */
void output_state(const struct lull_key_state *state);

#endif
