/* SPDX-License-Identifier: MIT */
/* Progress and summary: see batch_progress.h. Counts are plain numbers, times seconds. */
#include "batch_progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "../src/json_build.h"
#include "log.h"

#define EACH_MS       10000u
#define EACH_TTY_MS   250u
#define PAUSE_TELL_MS 1000u /* a shorter one, or while something goes on, is nothing to tell */
#define LINE_BYTES    1024
#define COLUMNS       80u
#define COOLING_MAX   4u /* models named in one line */

struct model_stats {
	char label[sizeof(((struct route_note *)0)->label)];
	char key[LULL_KEY_BYTES_MAX + 1];
	uint64_t rows, fallbacks, cooled, saved;
};

static struct progress *on_terminal; /* whose line might stand there; NULL: nobody's */

/* For log_set_writer(): a sentence does not stand behind the line. */
static bool make_way(enum log_level level, const char *text)
{
	(void)level, (void)text;
	progress_hide(on_terminal);
	return false;
}

void progress_init(struct progress *progress, enum progress_mode mode, struct lull_table *table)
{
	if (mode == PROGRESS_AUTO)
		mode = isatty(STDERR_FILENO) ? PROGRESS_TTY : PROGRESS_PLAIN;
	*progress = (struct progress){.mode = mode, .table = table, .begin_ms = lull_clock_ms()};
	progress->next_ms = mode == PROGRESS_TTY ? 0 : progress->begin_ms + EACH_MS;
	if (mode != PROGRESS_TTY)
		return;
	on_terminal = progress;
	log_set_writer(make_way);
}

void progress_deinit(struct progress *progress)
{
	if (on_terminal == progress)
		log_set_writer(NULL);
	free(progress->models);
	*progress = (struct progress){0};
}

/* ---- counting */

static struct model_stats *stats_of(struct progress *progress, const struct route_note *note)
{
	struct model_stats *grown;

	for (size_t i = 0; i < progress->model_count; i++)
		if (strcmp(progress->models[i].key, note->key) == 0 &&
		    strcmp(progress->models[i].label, note->label) == 0)
			return &progress->models[i];
	grown = reallocarray(progress->models, progress->model_count + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	progress->models = grown;
	grown += progress->model_count++;
	*grown = (struct model_stats){0};
	(void)snprintf(grown->label, sizeof(grown->label), "%s", note->label);
	(void)snprintf(grown->key, sizeof(grown->key), "%s", note->key);
	return grown;
}

static uint64_t done_count(const struct progress *progress)
{
	return progress->ok_count + progress->failed_count - progress->lost_count;
}

/* Rows in all; an estimate by bytes until the input has ended. 0: not known */
static uint64_t total_count(const struct progress *progress)
{
	const uint64_t most = progress->before_count + progress->rows_max;
	uint64_t count = 0;

	if (progress->input_ended)
		return progress->read_count;
	if (progress->input_bytes > 0 && progress->used_bytes > 0)
		count = (uint64_t)((double)progress->read_count * (double)progress->input_bytes /
				   (double)progress->used_bytes);
	return progress->rows_max > 0 && (count == 0 || count > most) ? most : count;
}

static double seconds_since_begin(const struct progress *progress)
{
	return (double)(lull_clock_ms() - progress->begin_ms) / 1000 + 0.001;
}

static double rate_of(const struct progress *progress, uint64_t count)
{
	return (double)count / seconds_since_begin(progress);
}

static double seconds_paused(const struct progress *progress)
{
	uint64_t for_ms = progress->paused_for_ms;

	if (progress->paused_until_ms != 0)
		for_ms += lull_clock_ms() - progress->paused_since_ms;
	return (double)for_ms / 1000;
}

static uint64_t left_of_pause(const struct progress *progress)
{
	const uint64_t now_ms = lull_clock_ms();

	if (progress->paused_until_ms == LULL_NEVER)
		return LULL_NEVER;
	return progress->paused_until_ms > now_ms ? progress->paused_until_ms - now_ms : 0;
}

/* Seconds; negative: not known. What rows took while there was no pause, and what is left of this one. */
static double time_left(const struct progress *progress)
{
	const uint64_t total = total_count(progress);
	const uint64_t done = done_count(progress) + progress->before_count;
	const uint64_t pause_ms = left_of_pause(progress);
	const double worked_s = seconds_since_begin(progress) - seconds_paused(progress);

	if (total < done || done_count(progress) == 0 || pause_ms == LULL_NEVER)
		return -1;
	return (double)pause_ms / 1000 +
	       (double)(total - done) * worked_s / (double)done_count(progress);
}

/* ---- what cools */

static uint64_t ready_in_ms(struct lull_table *table, const struct model_stats *model)
{
	const uint64_t now_ms = lull_clock_ms();
	struct lull_key_state state = {.abi_version = LULL_ABI_VERSION}, linked = state;
	uint64_t longest_ms;

	if (lull_key_read(table, LULL_KIND_ROUTE, model->key, now_ms, &state) != 0)
		return 0;
	longest_ms = state.ready_in_ms;
	for (size_t i = 0; i < sizeof(state.links) / sizeof(state.links[0]); i++) {
		uint64_t cursor = state.links[i];

		if (cursor != LULL_NEVER && lull_key_at(table, &cursor, now_ms, &linked) == 0 &&
		    linked.ready_in_ms > longest_ms)
			longest_ms = linked.ready_in_ms;
	}
	return longest_ms;
}

static const char *clock_text(uint64_t in_ms, char *ret, size_t size)
{
	struct timespec now;
	struct tm tm;
	time_t at;

	if (in_ms == LULL_NEVER) {
		(void)snprintf(ret, size, "cleared");
		return ret;
	}
	(void)clock_gettime(CLOCK_REALTIME, &now);
	at = now.tv_sec + (time_t)((in_ms + (uint64_t)now.tv_nsec / 1000000 + 999) / 1000);
	if (!localtime_r(&at, &tm) || strftime(ret, size, "%H:%M:%S", &tm) == 0)
		(void)snprintf(ret, size, "%.0f s", (double)in_ms / 1000);
	return ret;
}

struct line {
	char bytes[LINE_BYTES];
	size_t size;
};

static void put(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct line *line, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(line->bytes + line->size, sizeof(line->bytes) - line->size, format,
		      arguments);
	va_end(arguments);
	if (n > 0)
		line->size += (size_t)n;
	if (line->size >= sizeof(line->bytes))
		line->size = sizeof(line->bytes) - 1;
}

/* As many as there is room for, each whole. */
static void put_cooling(struct line *line, const struct progress *progress, size_t columns)
{
	const char *before = "; cooling: ";
	unsigned named = 0;

	for (size_t i = 0; i < progress->model_count; i++) {
		const struct model_stats *model = &progress->models[i];
		const uint64_t left_ms = ready_in_ms(progress->table, model);
		char until[32];
		size_t size;

		if (left_ms == 0 || named++ >= COOLING_MAX)
			continue;
		(void)clock_text(left_ms, until, sizeof(until));
		size = strlen(before) + strlen(model->label) + strlen(" until ") + strlen(until);
		if (line->size + size >= columns)
			continue;
		put(line, "%s%s until %s", before, model->label, until);
		before = ", ";
	}
}

static size_t cooling_size(const struct progress *progress)
{
	struct line line = {.size = 0};

	put_cooling(&line, progress, sizeof(line.bytes));
	return line.size;
}

/* ---- the line */

/* What can be done without where the line is narrow, the first first. */
enum narrowness { ALL, NO_TOKENS, NO_RATES, NO_RATES_AND_OK, NARROWEST = NO_RATES_AND_OK };

static void put_total(struct line *line, const struct progress *progress)
{
	const uint64_t total = total_count(progress);

	if (total > 0)
		put(line, "/%s%" PRIu64, progress->input_ended ? "" : "~", total);
}

static void put_figures(struct line *line, const struct progress *progress,
			enum narrowness narrowness)
{
	const double left = time_left(progress);
	char until[32];

	put(line, "%" PRIu64, done_count(progress) + progress->before_count);
	put_total(line, progress);
	put(line, " rows, ");
	if (narrowness < NO_RATES_AND_OK)
		put(line, "%" PRIu64 " ok, ", progress->ok_count);
	put(line, "%" PRIu64 " failed", progress->failed_count);
	if (left_of_pause(progress) > 0) /* here, as narrow terminals cut the end */
		put(line, ", %s paused until %s", progress->paused_model,
		    clock_text(left_of_pause(progress), until, sizeof(until)));
	if (narrowness < NO_RATES)
		put(line, ", %.1f rows/s", rate_of(progress, done_count(progress)));
	if (narrowness < NO_TOKENS && progress->tokens > 0)
		put(line, ", %.0f tokens/s", rate_of(progress, progress->tokens));
	if (left >= 0)
		put(line, ", ETA %.0f s", left);
	put(line, ", %" PRIu32 " in flight", progress->running_count);
}

static void show_on_terminal(struct progress *progress)
{
	struct line line = {.size = 0};
	struct winsize window = {0};
	const unsigned columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1
					 ? window.ws_col
					 : COLUMNS;

	for (enum narrowness narrowness = ALL; narrowness <= NARROWEST; narrowness++) {
		line.size = 0;
		put_figures(&line, progress, narrowness);
		if (line.size + cooling_size(progress) < columns)
			break;
	}
	put_cooling(&line, progress, columns);
	if (line.size >= columns)
		line.bytes[columns - 1] = '\0';
	(void)fprintf(stderr, "\r%s\033[K", line.bytes);
	(void)fflush(stderr);
	progress->line_is_shown = true;
}

void progress_hide(struct progress *progress)
{
	if (!progress->line_is_shown)
		return;
	(void)fputs("\r\033[K", stderr);
	(void)fflush(stderr);
	progress->line_is_shown = false;
	progress->next_ms = 0;
}

/* ---- JSON */

static struct json_object *begin_json(const char *step)
{
	struct json_object *line = json_object_new_object();

	(void)json_set(line, "v", json_object_new_int(1));
	(void)json_set_string(line, "step", step);
	return line;
}

static void set_count(struct json_object *line, const char *name, uint64_t count)
{
	(void)json_set(line, name, json_object_new_int64((int64_t)count));
}

static void set_time(struct json_object *line, const char *name, uint64_t ms)
{
	(void)json_set(line, name, ms == LULL_NEVER ? NULL : json_object_new_int64((int64_t)ms));
}

static void end_json(struct json_object *line)
{
	const char *text = json_object_to_json_string_ext(
		line, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (line && text)
		(void)fprintf(stderr, "%s\n", text);
	json_object_put(line);
}

static void set_figures(struct json_object *line, const struct progress *progress)
{
	const uint64_t total = total_count(progress);

	set_count(line, "done", done_count(progress) + progress->before_count);
	(void)json_set(line, "total", total ? json_object_new_int64((int64_t)total) : NULL);
	(void)json_set(line, "total_is_exact", json_object_new_boolean(progress->input_ended));
	set_count(line, "done_before", progress->before_count);
	set_count(line, "ok", progress->ok_count);
	set_count(line, "failed", progress->failed_count);
	set_count(line, "not_written", progress->lost_count);
	set_count(line, "bad_lines", progress->bad_count);
	set_count(line, "tokens", progress->tokens);
	set_count(line, "for_ms", lull_clock_ms() - progress->begin_ms);
}

static void set_cooling(struct json_object *line, const struct progress *progress)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < progress->model_count; i++) {
		const uint64_t left_ms = ready_in_ms(progress->table, &progress->models[i]);
		struct json_object *model;

		if (left_ms == 0)
			continue;
		model = json_object_new_object();
		(void)json_set_string(model, "model", progress->models[i].label);
		set_time(model, "ready_in_ms", left_ms);
		(void)json_append(list, model);
	}
	(void)json_set(line, "cooling", list);
}

static void show_json(const struct progress *progress)
{
	const double left = time_left(progress);
	struct json_object *line = begin_json("progress");

	set_figures(line, progress);
	set_count(line, "in_flight", progress->running_count);
	(void)json_set(line, "eta_s", left < 0 ? NULL : json_object_new_int64((int64_t)left));
	set_cooling(line, progress);
	end_json(line);
}

/* ---- when */

static void tell_pause(struct progress *progress)
{
	const uint64_t left_ms = left_of_pause(progress);
	struct json_object *line;
	char until[32];

	if (progress->mode == PROGRESS_JSON) {
		line = begin_json("paused");
		(void)json_set_string(line, "model", progress->paused_model);
		set_time(line, "ready_in_ms", left_ms);
		end_json(line);
	} else if (progress->mode == PROGRESS_PLAIN) {
		(void)fprintf(stderr,
			      "lull: paused: nothing that could answer for %s is ready; it goes on "
			      "when it is, %s %s\n",
			      progress->paused_model, left_ms == LULL_NEVER ? "or is" : "or at",
			      clock_text(left_ms, until, sizeof(until)));
	}
}

static void tell_going_on(struct progress *progress)
{
	struct json_object *line;

	if (progress->mode == PROGRESS_JSON) {
		line = begin_json("resumed");
		(void)json_set_string(line, "model", progress->paused_model);
		end_json(line);
	} else if (progress->mode == PROGRESS_PLAIN) {
		(void)fprintf(stderr, "lull: %s goes on\n", progress->paused_model);
	}
}

/* One that ends only to begin again was one pause, so its end is told with the next result. */
void progress_paused(struct progress *progress, const char *model, uint64_t until_ms)
{
	const uint64_t now_ms = lull_clock_ms();

	if (until_ms != 0 && progress->paused_until_ms == 0 && !progress->pause_was_told)
		progress->paused_at_ms = now_ms;
	if (progress->paused_until_ms != 0)
		progress->paused_for_ms += now_ms - progress->paused_since_ms;
	progress->paused_since_ms = now_ms;
	progress->paused_until_ms = until_ms;
	if (until_ms != 0)
		(void)snprintf(progress->paused_model, sizeof(progress->paused_model), "%s", model);
}

/* Return: when to ask again */
static uint64_t tell_pause_if_long(struct progress *progress)
{
	const uint64_t at_ms = progress->paused_at_ms + PAUSE_TELL_MS;

	if (progress->paused_until_ms == 0 || progress->pause_was_told ||
	    progress->running_count > 0)
		return LULL_NEVER;
	if (lull_clock_ms() < at_ms)
		return at_ms;
	progress->pause_was_told = true;
	tell_pause(progress);
	return LULL_NEVER;
}

static void show(struct progress *progress)
{
	struct line line = {.size = 0};

	if (progress->mode == PROGRESS_JSON) {
		show_json(progress);
	} else if (progress->mode == PROGRESS_TTY) {
		show_on_terminal(progress);
	} else {
		put_figures(&line, progress, ALL);
		put_cooling(&line, progress, sizeof(line.bytes));
		(void)fprintf(stderr, "lull: %s\n", line.bytes);
	}
}

uint64_t progress_tick(struct progress *progress)
{
	const uint64_t now_ms = lull_clock_ms();
	uint64_t pause_ms;

	if (progress->mode == PROGRESS_NONE)
		return LULL_NEVER;
	pause_ms = tell_pause_if_long(progress);
	if (now_ms >= progress->next_ms) {
		progress->next_ms =
			now_ms + (progress->mode == PROGRESS_TTY ? EACH_TTY_MS : EACH_MS);
		show(progress);
	}
	return pause_ms < progress->next_ms ? pause_ms : progress->next_ms;
}

static void end_of_pause(struct progress *progress)
{
	if (progress->pause_was_told)
		tell_going_on(progress);
	progress->pause_was_told = false;
}

int progress_note(struct progress *progress, const struct row_report *report)
{
	const struct row_result *result = report->result;
	const bool answered = result->result == LULL_RESULT_ANSWERED;

	end_of_pause(progress);
	progress->ok_count += answered;
	progress->failed_count += !answered;
	if (answered && result->tokens != LULL_UNSET)
		progress->tokens += result->tokens;
	for (uint32_t i = 0; i < result->note_count; i++) {
		const struct route_note *note = &report->notes[i];
		struct model_stats *stats = stats_of(progress, note);

		if (!stats)
			return -ENOMEM;
		stats->rows += note->answered;
		stats->fallbacks += note->is_fallback;
		stats->cooled += note->cooled;
		stats->saved += note->saved;
	}
	return 0;
}

/* ---- the end */

static void summary_json(const struct progress *progress)
{
	struct json_object *line = begin_json("summary"), *list = json_object_new_array();

	set_figures(line, progress);
	for (size_t i = 0; i < progress->model_count; i++) {
		const struct model_stats *stats = &progress->models[i];
		struct json_object *model = json_object_new_object();

		(void)json_set_string(model, "model", stats->label);
		set_count(model, "rows", stats->rows);
		set_count(model, "as_fallback", stats->fallbacks);
		set_count(model, "cooldowns", stats->cooled);
		set_count(model, "saved_calls", stats->saved);
		(void)json_append(list, model);
	}
	(void)json_set(line, "models", list);
	end_json(line);
}

static void summary_text(const struct progress *progress)
{
	const uint64_t done = done_count(progress) + progress->before_count;
	struct line of = {.size = 0};

	if (done != total_count(progress)) /* it was ended before all were done */
		put_total(&of, progress);
	(void)fprintf(stderr, "lull: %" PRIu64 "%s rows: %" PRIu64 " answered, %" PRIu64 " failed",
		      done, of.bytes, progress->ok_count, progress->failed_count);
	if (progress->lost_count > 0)
		(void)fprintf(stderr, ", %" PRIu64 " not written", progress->lost_count);
	if (progress->before_count > 0)
		(void)fprintf(stderr, ", %" PRIu64 " done before", progress->before_count);
	if (progress->bad_count > 0)
		(void)fprintf(stderr, "; %" PRIu64 " %s", progress->bad_count,
			      progress->bad_count == 1 ? "line is no row" : "lines are no rows");
	(void)fprintf(stderr, "; %.1f s, %.1f rows/s\n", seconds_since_begin(progress),
		      rate_of(progress, done_count(progress)));
	if (progress->model_count > 0)
		(void)fprintf(stderr, "lull:   %10s %12s %10s %12s  %s\n", "rows", "as fallback",
			      "cooldowns", "saved calls", "model");
	for (size_t i = 0; i < progress->model_count; i++) {
		const struct model_stats *stats = &progress->models[i];

		(void)fprintf(
			stderr,
			"lull:   %10" PRIu64 " %12" PRIu64 " %10" PRIu64 " %12" PRIu64 "  %s\n",
			stats->rows, stats->fallbacks, stats->cooled, stats->saved, stats->label);
	}
}

void progress_summary(struct progress *progress)
{
	progress_hide(progress);
	if (progress->mode == PROGRESS_JSON)
		summary_json(progress);
	else
		summary_text(progress);
}
