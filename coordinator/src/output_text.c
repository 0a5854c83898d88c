/* SPDX-License-Identifier: MIT */
/*
 * Text for people. The key stands last in a row: it is the one column without a width, and so it
 * can be pasted whole into the next command.
 */
#include <stdio.h>
#include <string.h>

#include "duration.h"
#include "out.h"
#include "output.h"
#include "say.h"

/* ------------------------------------------------------------------ colour */

#define COLOUR_NONE   ""
#define COLOUR_RED    "\033[31m"
#define COLOUR_YELLOW "\033[33m"
#define COLOUR_GREEN  "\033[32m"

static const char *const state_colours[] = {
	[LULL_STATE_READY] = COLOUR_NONE,
	[LULL_STATE_COOLING] = COLOUR_YELLOW,
	[LULL_STATE_PROBING] = COLOUR_YELLOW,
	[LULL_STATE_HELD] = COLOUR_RED,
};

static const char *const level_colours[] = {
	[FINDING_OK] = COLOUR_GREEN,
	[FINDING_NOTE] = COLOUR_NONE,
	[FINDING_PROBLEM] = COLOUR_RED,
};

/* A word in its colour, filled up to `width` behind it. */
static void coloured(const char *colour, const char *word, size_t width)
{
	const size_t length = strlen(word);
	const int fill = length < width ? (int)(width - length) : 0;

	if (colour[0] == '\0' || !out_is_colourful())
		out("%s%*s", word, fill, "");
	else
		out("%s%s\033[0m%*s", colour, word, fill, "");
}

/* ------------------------------------------------------------------ check */

/* "… on credential:x": said where the key that decides is not what people named. */
static void print_where(const struct meaning *meaning, const struct lull_key_state *state)
{
	const struct key_text key = key_text(state->kind, state->key);

	if (state->state == LULL_STATE_READY || strcmp(key.text, meaning->text) == 0 ||
	    strcmp(state->key, meaning->text) == 0 || state->kind == LULL_KIND_ROUTE)
		return;
	out(" on ");
	out_safe(key.text);
}

static void check(const struct check_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct meaning *const meaning = &report->meanings[i];
		const struct lull_key_state *const state = meaning_deciding(meaning);

		out_safe(meaning->text);
		out(": ");
		output_state(state);
		print_where(meaning, state);
		if (!meaning_is_in_table(meaning))
			out(" (not in the table)");
		out("\n");
	}
}

/* ------------------------------------------------------------------ status */

static void print_reported(const struct lull_key_state *state, const struct moment *now)
{
	const uint64_t at = moment_unix_ms(now, state->reported_at_ms);

	if (at == 0)
		out("%-27s", "-");
	else
		out("%s %-7u", moment_local(at, false).text, (unsigned int)state->reported_by_pid);
}

static void print_status_row(const struct lull_key_state *state, const struct moment *now)
{
	const char *const cause = output_cause_name(state->cause);
	struct duration_text left = {"-"};
	char http[12] = "-";

	if (state->state != LULL_STATE_READY && state->state != LULL_STATE_HELD)
		left = duration_seconds(state->ready_in_ms);
	if (state->http_status != 0)
		(void)snprintf(http, sizeof(http), "%u", (unsigned int)state->http_status);
	coloured(state_colours[state->state], output_state_name(state->state), 8);
	out("%9s  %-18s %4s %7u %8llu %8llu %6llu  ", left.text, cause != NULL ? cause : "-", http,
	    (unsigned int)state->strikes, (unsigned long long)state->attempts,
	    (unsigned long long)state->failures, (unsigned long long)state->skips);
	print_reported(state, now);
	out("  ");
	out_safe(key_text(state->kind, state->key).text);
	out("\n");
}

/* A rate, and when it has room: "500", "0.8 s" */
static void print_rate(uint32_t per_minute, uint64_t room_in_ms)
{
	char rate[12] = "-";

	if (per_minute != 0)
		(void)snprintf(rate, sizeof(rate), "%u", (unsigned int)per_minute);
	out("%10s  %-8s ", rate,
	    per_minute == 0   ? "-"
	    : room_in_ms == 0 ? "now"
			      : duration_seconds(room_in_ms).text);
}

static void print_limits_row(const struct lull_key_state *state)
{
	char places[24] = "-";

	if (state->limits.parallel != 0)
		(void)snprintf(places, sizeof(places), "%u of %u",
			       (unsigned int)state->parallel_used,
			       (unsigned int)state->limits.parallel);
	print_rate(state->limits.rpm, state->rpm_room_in_ms);
	print_rate(state->limits.tpm, state->tpm_room_in_ms);
	out("%8s %8llu  ", places, (unsigned long long)state->limited);
	out_safe(key_text(state->kind, state->key).text);
	out("\n");
}

static bool has_limits(const struct lull_key_state *state)
{
	return state->limits.rpm != 0 || state->limits.tpm != 0 || state->limits.parallel != 0;
}

/* A table of its own: most keys have none. */
static void print_limits(const struct status_report *report)
{
	bool has_head = false;

	for (size_t i = 0; i < report->count; i++) {
		if (!has_limits(&report->rows[i].state))
			continue;
		if (!has_head)
			out("\n%10s  %-8s %10s  %-8s %8s %8s  %s\n", "RPM", "ROOM IN", "TPM",
			    "ROOM IN", "AT ONCE", "LIMITED", "KEY");
		has_head = true;
		print_limits_row(&report->rows[i].state);
	}
}

static void status(const struct status_report *report)
{
	if (report->count == 0)
		return;
	out("%-8s%9s  %-18s %4s %7s %8s %8s %6s  %-27s  %s\n", "STATE", "LEFT", "CAUSE", "HTTP",
	    "STRIKES", "ATTEMPTS", "FAILURES", "SKIPS", "REPORTED            BY PID", "KEY");
	for (size_t i = 0; i < report->count; i++)
		print_status_row(&report->rows[i].state, &report->now);
	print_limits(report);
}

/* ------------------------------------------------------------------ events */

static void event_line(const struct lull_event *event, const struct moment *now)
{
	const char *const cause = output_cause_name(event->cause);
	const uint64_t at = moment_unix_ms(now, event->at_ms);

	out("%s  %-15s  ", moment_local(at, true).text, output_event_name(event->type));
	out_safe(key_text(event->kind, event->key).text);
	if (event->for_ms != 0)
		out(" for %s", duration_seconds(event->for_ms).text);
	if (cause != NULL)
		out(", %s", cause);
	if (event->http_status != 0)
		out(" (HTTP %u)", (unsigned int)event->http_status);
	if (event->strikes != 0)
		out(", strikes %u", (unsigned int)event->strikes);
	out(", by %u\n", (unsigned int)event->pid);
}

static void events(const struct events_report *report)
{
	for (size_t i = 0; i < report->count; i++)
		event_line(&report->events[i], &report->now);
}

/* stdout is for events, all of one form. */
static void news_line(const struct news *news, const struct lull_table *table)
{
	struct lull_table_info info = {.abi_version = LULL_ABI_VERSION};

	(void)lull_table_info(table, &info);
	if (news->type == NEWS_LOST)
		say("%llu %s lost: overwritten before anybody looked, or never written whole",
		    (unsigned long long)news->lost_count,
		    news->lost_count == 1 ? "event was" : "events were");
	else if (news->is_there)
		say("%s was replaced; its successor's events are shown", info.path);
	else
		say("%s was deleted; its successor's events will be shown", info.path);
}

/* ------------------------------------------------------------------ doctor */

static void doctor(const struct doctor_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct finding *const finding = &report->findings[i];

		coloured(level_colours[finding->level], output_level_name(finding->level), 9);
		out("%-13s ", finding->about);
		out_safe(finding->text);
		out("\n");
		if (finding->next != NULL)
			out("%23snext: %s\n", "", finding->next);
	}
}

/* ------------------------------------------------------------------ run */

static bool needs_quotes(const char *word)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "%+,-./:=@_";

	return word[0] == '\0' || word[strspn(word, plain)] != '\0';
}

/* As it would be typed into a shell. */
static void print_word(const char *word)
{
	if (!needs_quotes(word)) {
		out_string(word);
		return;
	}
	out("'");
	for (; *word != '\0'; word++)
		if (*word == '\'')
			out("'\\''");
		else
			out_bytes(word, 1);
	out("'");
}

static void dry_run(const struct dry_run_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct meaning *const meaning = &report->meanings[i];

		out_safe(meaning->text);
		out(": ");
		output_state(meaning_deciding(meaning));
		out(":");
		for (char *const *word = report->commands[i]; *word != NULL; word++) {
			out(" ");
			print_word(*word);
		}
		out("\n");
	}
}

static void print_attempt(const struct lull_trail_entry *step)
{
	out("%s after %s s", output_class_name(step->class_id), duration_json(step->for_ms).text);
	if (step->probe != 0)
		out(", as the probe");
	if (step->cooled_kind != 0)
		out("; %s cools for %s", lull_kind_name(step->cooled_kind),
		    duration_seconds(step->ready_in_ms).text);
	if (step->detail[0] != '\0') {
		out(": ");
		out_safe(step->detail);
	}
}

/* When runs at once end, nobody knows. */
static void print_limited(const struct lull_trail_entry *step, const struct lull_limits *limits)
{
	out("skipped: %s at its limit of %u %s", lull_kind_name(step->cooled_kind),
	    (unsigned int)lull_limits_get(limits, step->limit), lull_limit_unit(step->limit));
	if (step->limit != LULL_LIMIT_PARALLEL)
		out(", room in %s", duration_seconds(step->ready_in_ms).text);
}

static void print_skip(const struct lull_trail_entry *step)
{
	const struct lull_key_state state = {
		.state = step->state,
		.ready_in_ms = step->ready_in_ms,
		.cause = step->class_id,
		.http_status = step->http_status,
	};

	out("skipped: %s ", lull_kind_name(step->cooled_kind));
	output_state(&state);
}

static void run(const struct run_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct lull_trail_entry *const step = &report->steps[i];

		out("lull: %7s s  ", duration_json(step->at_ms).text);
		if (step->type == LULL_TRAIL_SLEEP) {
			out("slept %s s\n", duration_json(step->for_ms).text);
			continue;
		}
		out_safe(report->routes[step->route].label);
		out(": ");
		if (step->type == LULL_TRAIL_ATTEMPT)
			print_attempt(step);
		else if (step->state == LULL_STATE_LIMITED)
			print_limited(step, &report->routes[step->route].limits);
		else
			print_skip(step);
		out("\n");
	}
	if (report->reason != NULL)
		out("lull: %s\n", report->reason);
}

const struct output output_text = {
	.check = check,
	.status = status,
	.events = events,
	.event = event_line,
	.news = news_line,
	.doctor = doctor,
	.dry_run = dry_run,
	.run = run,
};
