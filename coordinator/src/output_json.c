/* SPDX-License-Identifier: MIT */
/*
 * JSON for programs: one object, "v":1, one element of its list a line. Members are only ever
 * added; whoever reads must pass over those he does not know. Times left are seconds with three
 * decimals, null where there is no end by itself; points in time are UTC.
 */
#include "duration.h"
#include "out.h"
#include "output.h"

static void string_member(const char *name, const char *value)
{
	out(",\"%s\":", name);
	if (value == NULL || value[0] == '\0')
		out("null");
	else
		out_json_string(value);
}

static void number_member(const char *name, uint64_t value)
{
	out(",\"%s\":%llu", name, (unsigned long long)value);
}

/* A number for which 0 means "none". */
static void some_member(const char *name, uint64_t value)
{
	if (value == 0)
		out(",\"%s\":null", name);
	else
		number_member(name, value);
}

static void bool_member(const char *name, bool value)
{
	out(",\"%s\":%s", name, value ? "true" : "false");
}

static void seconds_member(const char *name, uint64_t ms)
{
	out(",\"%s\":%s", name, ms == LULL_NEVER ? "null" : duration_json(ms).text);
}

static void time_member(const char *name, uint64_t unix_ms)
{
	string_member(name, unix_ms == 0 ? NULL : moment_json(unix_ms).text);
}

static void begin(const struct lull_table_info *table)
{
	out("{\"v\":1");
	string_member("table", table->path);
	bool_member("shared", table->shared != 0);
}

static void begin_list(const char *name)
{
	out(",\"%s\":[", name);
}

static void begin_element(size_t index)
{
	out_string(index == 0 ? "\n{" : ",\n{");
}

static void end_list(void)
{
	out("\n]}\n");
}

/* state, seconds_left, cause, status: the members that check and status share */
static void state_members(const struct lull_key_state *state)
{
	string_member("state", output_state_name(state->state));
	seconds_member("seconds_left", state->ready_in_ms);
	string_member("cause", output_cause_name(state->cause));
	some_member("status", state->http_status);
}

/* ------------------------------------------------------------------ the reports */

static void check(const struct check_report *report)
{
	begin(report->table);
	bool_member("ready", report->ready);
	begin_list("names");
	for (size_t i = 0; i < report->count; i++) {
		const struct meaning *const meaning = &report->meanings[i];
		const struct lull_key_state *const state = meaning_deciding(meaning);

		begin_element(i);
		out("\"name\":");
		out_json_string(meaning->text);
		state_members(state);
		string_member("key", key_text(state->kind, state->key).text);
		bool_member("in_table", meaning_is_in_table(meaning));
		out("}");
	}
	end_list();
}

/* null: no such limit */
static void limit_members(const struct lull_key_state *state)
{
	const struct lull_limits *const limits = &state->limits;

	some_member("rpm", limits->rpm);
	seconds_member("rpm_room_in", limits->rpm == 0 ? LULL_NEVER : state->rpm_room_in_ms);
	some_member("tpm", limits->tpm);
	seconds_member("tpm_room_in", limits->tpm == 0 ? LULL_NEVER : state->tpm_room_in_ms);
	some_member("parallel", limits->parallel);
	number_member("parallel_used", state->parallel_used);
	number_member("limited", state->limited);
}

static void print_status_row(const struct status_row *row, const struct moment *now)
{
	const struct lull_key_state *const state = &row->state;

	out("\"key\":");
	out_json_string(key_text(state->kind, state->key).text);
	string_member("kind", lull_kind_name(state->kind));
	string_member("model", state->model);
	state_members(state);
	number_member("strikes", state->strikes);
	number_member("attempts", state->attempts);
	number_member("answers", state->answers);
	number_member("failures", state->failures);
	number_member("skips", state->skips);
	number_member("cooldowns", state->cooldowns);
	number_member("probes", state->probes);
	some_member("usual_ms", state->usual_ms);
	some_member("usual_limit_ms", state->usual_limit_ms);
	some_member("reported_by", state->reported_by_pid);
	time_member("reported_at", moment_unix_ms(now, state->reported_at_ms));
	string_member("credential", row->stands_on[0].text);
	string_member("endpoint", row->stands_on[1].text);
	limit_members(state);
}

static void status(const struct status_report *report)
{
	begin(report->table);
	begin_list("keys");
	for (size_t i = 0; i < report->count; i++) {
		begin_element(i);
		print_status_row(&report->rows[i], &report->now);
		out("}");
	}
	end_list();
}

static void event_members(const struct lull_event *event, const struct moment *now)
{
	out("\"number\":%llu", (unsigned long long)event->number);
	time_member("at", moment_unix_ms(now, event->at_ms));
	string_member("type", output_event_name(event->type));
	string_member("key", key_text(event->kind, event->key).text);
	string_member("kind", lull_kind_name(event->kind));
	string_member("cause", output_cause_name(event->cause));
	some_member("status", event->http_status);
	number_member("strikes", event->strikes);
	out(",\"seconds\":%s", event->for_ms == 0 ? "null" : duration_json(event->for_ms).text);
	some_member("pid", event->pid);
}

static void events(const struct events_report *report)
{
	begin(report->table);
	begin_list("events");
	for (size_t i = 0; i < report->count; i++) {
		const struct lull_event *const event = &report->events[i];

		begin_element(i);
		event_members(event, &report->now);
		out("}");
	}
	end_list();
}

static void event_line(const struct lull_event *event, const struct moment *now)
{
	out("{\"v\":1,");
	event_members(event, now);
	out("}\n");
}

static void news_line(const struct news *news, const struct lull_table *table)
{
	struct lull_table_info info = {.abi_version = LULL_ABI_VERSION};

	(void)lull_table_info(table, &info);
	if (news->type == NEWS_LOST) {
		out("{\"v\":1,\"type\":\"lost\"");
		number_member("count", news->lost_count);
	} else {
		out("{\"v\":1,\"type\":\"replaced\"");
		string_member("table", info.path);
		bool_member("shared", news->is_there);
	}
	out("}\n");
}

static void doctor(const struct doctor_report *report)
{
	const struct lull_table_info *const table = report->table;

	begin(table);
	bool_member("healthy", report->healthy);
	string_member("problem", report->problem);
	if (table->shared != 0) {
		number_member("owner_uid", table->owner_uid);
		number_member("owner_gid", table->owner_gid);
		out(",\"mode\":\"%04o\"", (unsigned int)(table->mode & 07777));
		time_member("made_at", table->created_unix_s * 1000);
		number_member("slots", table->slot_count);
		number_member("slots_used", table->slots_used);
		number_member("size_bytes", table->size_bytes);
		number_member("full_rejects", table->full_rejects);
		number_member("events", table->event_count);
	}
	begin_list("findings");
	for (size_t i = 0; i < report->count; i++) {
		const struct finding *const finding = &report->findings[i];

		begin_element(i);
		out("\"about\":");
		out_json_string(finding->about);
		string_member("level", output_level_name(finding->level));
		string_member("text", finding->text);
		string_member("next", finding->next);
		out("}");
	}
	end_list();
}

static void dry_run(const struct dry_run_report *report)
{
	begin(report->table);
	begin_list("names");
	for (size_t i = 0; i < report->count; i++) {
		begin_element(i);
		out("\"name\":");
		out_json_string(report->meanings[i].text);
		state_members(meaning_deciding(&report->meanings[i]));
		begin_list("command");
		for (size_t w = 0; report->commands[i][w] != NULL; w++) {
			out_string(w == 0 ? "" : ",");
			out_json_string(report->commands[i][w]);
		}
		out("]}");
	}
	end_list();
}

/* Members of a trail are in milliseconds, as those of complete's. */
static void ms_member(const char *name, uint64_t ms)
{
	if (ms == LULL_NEVER)
		out(",\"%s\":null", name);
	else
		number_member(name, ms);
}

static void attempt_members(const struct lull_trail_entry *step)
{
	ms_member("for_ms", step->for_ms);
	string_member("class", output_class_name(step->class_id));
	string_member("cooled", step->cooled_kind == 0 ? NULL : lull_kind_name(step->cooled_kind));
	ms_member("cooled_for_ms", step->cooled_kind == 0 ? 0 : step->ready_in_ms);
	bool_member("probe", step->probe != 0);
	string_member("detail", step->detail);
}

static void skip_members(const struct lull_trail_entry *step)
{
	string_member("shut", lull_kind_name(step->cooled_kind));
	string_member("state", output_state_name(step->state));
	ms_member("ready_in_ms", step->ready_in_ms);
	string_member("class", output_class_name(step->class_id));
	number_member("http_status", step->http_status);
	string_member("limit", step->limit == 0 ? NULL : lull_limit_name(step->limit));
}

static void print_run_step(const struct run_report *report, const struct lull_trail_entry *step)
{
	static const char *const names[] = {
		[LULL_TRAIL_ATTEMPT] = "attempt",
		[LULL_TRAIL_SKIP] = "skip",
		[LULL_TRAIL_SLEEP] = "sleep",
	};

	out("{\"v\":1,\"step\":\"%s\"", names[step->type]);
	ms_member("at_ms", step->at_ms);
	if (step->type != LULL_TRAIL_SLEEP) {
		string_member("name", report->routes[step->route].label);
		number_member("pass", step->pass);
	}
	if (step->type == LULL_TRAIL_ATTEMPT)
		attempt_members(step);
	else if (step->type == LULL_TRAIL_SKIP)
		skip_members(step);
	else
		ms_member("for_ms", step->for_ms);
	out("}\n");
}

static void run(const struct run_report *report)
{
	for (size_t i = 0; i < report->count; i++)
		print_run_step(report, &report->steps[i]);
	out("{\"v\":1,\"step\":\"result\"");
	string_member("result", output_result_name(report->result));
	number_member("exit_code", (uint64_t)report->exit_code);
	string_member("name", report->name);
	ms_member("for_ms", report->for_ms);
	ms_member("ready_in_ms", report->ready_in_ms);
	string_member("reason", report->reason);
	out("}\n");
}

const struct output output_json = {
	.check = check,
	.status = status,
	.events = events,
	.event = event_line,
	.news = news_line,
	.doctor = doctor,
	.dry_run = dry_run,
	.run = run,
};
