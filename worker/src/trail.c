/* SPDX-License-Identifier: MIT */
/*
 * What a call did, for people and for programs: see trail.h. Times are "0.84 s", never minutes, so
 * that they sort and compare by eye.
 */
#include "trail.h"

#include <inttypes.h>
#include <stdlib.h>

#include "json_build.h"

static const char *const state_names[] = {
	[LULL_STATE_READY] = "ready",     [LULL_STATE_COOLING] = "cooling",
	[LULL_STATE_PROBING] = "probing", [LULL_STATE_HELD] = "held",
	[LULL_STATE_LIMITED] = "limited",
};

/* One row a result: its name, why there is no answer, what to do, HTTP status (0: the class's). */
/* clang-format off */
static const struct {
	const char *name;
	const char *reason;
	const char *advice;
	int http_status;
} results[] = {
[LULL_RESULT_ANSWERED]  = {"answered", NULL, NULL, 200},
[LULL_RESULT_FAILED]    = {"failed", "models ran out: none of the list has answered",
			   "`lull status` shows what is cooling; -f MODEL adds a fallback", 0},
[LULL_RESULT_DEADLINE]  = {"deadline", "time ran out: the budget is spent",
			   "--budget gives more time, -f MODEL adds a fallback", 504},
[LULL_RESULT_COOLING]   = {"cooling", "nothing was attempted", /* print_shut() */
			   "ask again then, or open one by `lull clear MODEL`; with a --budget that leaves "
			   "time for it, the call waits", 503},
[LULL_RESULT_REFUSED]   = {"refused", "the request itself was refused",
			   "change the request: asking again will not help", 0},
[LULL_RESULT_AUTH]      = {"auth", "no provider accepts its key",
			   "check the keys; `lull config show` says where each comes from", 0},
[LULL_RESULT_CONFIG]    = {"config", "no model of the list can be used as set up",
			   "check names and keys; `lull config show` prints what is set up", 500},
[LULL_RESULT_CANCELLED] = {"cancelled", "cancelled", NULL, 499},
};
/* clang-format on */

static const char *class_name(uint32_t class_id)
{
	const struct lull_class_info *info = lull_class_info(class_id);

	return info ? info->name : "unknown";
}

static const char *label_of(const struct route_list *routes, uint32_t route)
{
	return route < routes->count ? routes->routes[route].call.label : "?";
}

static const char *problem_of(const struct route_list *routes, uint32_t route)
{
	const char *problem = route < routes->count ? routes->routes[route].problem : NULL;

	return problem ? problem : "it cannot be used";
}

/* ---- text */

static double seconds(uint64_t ms)
{
	return (double)ms / 1000.0;
}

static void print_class(const struct lull_trail_entry *entry, FILE *out)
{
	(void)fputs(class_name(entry->class_id), out);
	if (entry->http_status)
		(void)fprintf(out, " (HTTP %" PRIu32 ")", entry->http_status);
}

static void print_cooled(const struct lull_trail_entry *entry, FILE *out)
{
	if (entry->cooled_kind)
		(void)fprintf(out, "; %s cools for %.1f s", lull_kind_name(entry->cooled_kind),
			      seconds(entry->ready_in_ms));
}

static const char *omitted_of(const struct driver_result *result, uint32_t route)
{
	return result->omitted ? result->omitted[route] : "";
}

static void print_attempt(const struct driver_result *result, const struct lull_trail_entry *entry,
			  FILE *out)
{
	print_class(entry, out);
	(void)fprintf(out, " after %.3f s", seconds(entry->for_ms));
	if (entry->headers_ms != LULL_NEVER)
		(void)fprintf(out, ", headers at %.3f s", seconds(entry->headers_ms));
	if (entry->content_ms != LULL_NEVER)
		(void)fprintf(out, ", content at %.3f s", seconds(entry->content_ms));
	if (*omitted_of(result, entry->route))
		(void)fprintf(out, ", without %s", omitted_of(result, entry->route));
	if (entry->resent)
		(void)fputs(", sent twice: a reused connection was dead", out);
	if (entry->probe)
		(void)fputs(", as the probe", out);
	print_cooled(entry, out);
	if (!entry->cooled_kind && entry->soft_count)
		(void)fprintf(out, "; counted, %" PRIu32 " in a row", entry->soft_count);
	if (entry->detail[0])
		(void)fprintf(out, ": %s", entry->detail);
}

/* How much of the limit that keeps it back the route or its credential may use. */
static uint32_t limit_of(const struct lull_trail_entry *entry, const struct route_list *routes)
{
	const struct lull_route *route;

	if (entry->state != LULL_STATE_LIMITED || entry->route >= routes->count)
		return 0;
	route = &routes->routes[entry->route].call;
	return lull_limits_get(entry->cooled_kind == LULL_KIND_CREDENTIAL
				       ? &route->credential_limits
				       : &route->limits,
			       entry->limit);
}

/* When requests at once end, nobody knows. */
static void print_limited(const struct lull_trail_entry *entry, const struct route_list *routes,
			  FILE *out)
{
	(void)fprintf(out, "skipped: %s at its limit of %" PRIu32 " %s",
		      lull_kind_name(entry->cooled_kind), limit_of(entry, routes),
		      lull_limit_unit(entry->limit));
	if (entry->limit != LULL_LIMIT_PARALLEL)
		(void)fprintf(out, ", room in %.1f s", seconds(entry->ready_in_ms));
}

static void print_skip(const struct lull_trail_entry *entry, const struct route_list *routes,
		       FILE *out)
{
	const char *kind = lull_kind_name(entry->cooled_kind);

	if (entry->state == LULL_STATE_LIMITED) {
		print_limited(entry, routes, out);
		return;
	}
	if (entry->state == LULL_STATE_HELD) {
		(void)fprintf(out, "skipped: %s held until cleared", kind);
		return;
	}
	(void)fprintf(out, "skipped: %s %s, %.1f s left: ", kind,
		      entry->state == LULL_STATE_PROBING ? "being probed" : "cooling",
		      seconds(entry->ready_in_ms));
	print_class(entry, out);
}

static void print_step(const struct driver_result *result, const struct lull_trail_entry *entry,
		       const struct route_list *routes, FILE *out)
{
	switch ((enum lull_trail_type)entry->type) {
	case LULL_TRAIL_ATTEMPT:
		(void)fprintf(out, "%s: ", label_of(routes, entry->route));
		print_attempt(result, entry, out);
		break;
	case LULL_TRAIL_SKIP:
		(void)fprintf(out, "%s: ", label_of(routes, entry->route));
		print_skip(entry, routes, out);
		break;
	case LULL_TRAIL_SLEEP:
		(void)fprintf(out, "slept %.3f s", seconds(entry->for_ms));
		break;
	case LULL_TRAIL_UNUSABLE:
		(void)fprintf(out, "%s: left out: config: %s", label_of(routes, entry->route),
			      problem_of(routes, entry->route));
		break;
	}
	(void)fputc('\n', out);
}

void trail_print_text(const struct driver_result *result, const struct route_list *routes,
		      const char *prefix, FILE *out)
{
	for (uint32_t i = 0; i < result->trail_count; i++) {
		(void)fprintf(out, "%s%7.3f s  ", prefix, seconds(result->trail[i].at_ms));
		print_step(result, &result->trail[i], routes, out);
	}
}

static const struct lull_trail_entry *last_of_route(const struct driver_result *result,
						    uint32_t route)
{
	for (uint32_t i = result->trail_count; i-- > 0;) {
		const struct lull_trail_entry *entry = &result->trail[i];

		if (entry->type != LULL_TRAIL_SLEEP && entry->route == route)
			return entry;
	}
	return NULL;
}

void trail_print_routes(const struct driver_result *result, const struct route_list *routes,
			const char *prefix, FILE *out)
{
	for (uint32_t route = 0; route < routes->count; route++) {
		const struct lull_trail_entry *entry = last_of_route(result, route);

		if (!entry)
			continue;
		(void)fputs(prefix, out);
		print_step(result, entry, routes, out);
	}
}

static bool needs_a_hand(const struct lull_trail_entry *entry)
{
	return entry->type == LULL_TRAIL_UNUSABLE ||
	       (entry->type == LULL_TRAIL_ATTEMPT &&
		(entry->class_id == LULL_CLASS_AUTH ||
		 entry->class_id == LULL_CLASS_QUOTA_EXHAUSTED));
}

static bool was_warned_of(const struct driver_result *result, uint32_t index)
{
	for (uint32_t i = 0; i < index; i++) {
		if (needs_a_hand(&result->trail[i]) &&
		    result->trail[i].route == result->trail[index].route)
			return true;
	}
	return false;
}

static void print_warning(const struct lull_trail_entry *entry, const struct route_list *routes,
			  FILE *out)
{
	(void)fprintf(out, "%s: ", label_of(routes, entry->route));
	if (entry->type == LULL_TRAIL_UNUSABLE) {
		(void)fprintf(out, "left out: %s\n", problem_of(routes, entry->route));
		return;
	}
	print_class(entry, out);
	print_cooled(entry, out);
	if (entry->detail[0])
		(void)fprintf(out, ": %s", entry->detail);
	(void)fputc('\n', out);
}

void trail_print_warnings(const struct driver_result *result, const struct route_list *routes,
			  const char *prefix, FILE *out)
{
	for (uint32_t i = 0; i < result->trail_count; i++) {
		if (!needs_a_hand(&result->trail[i]) || was_warned_of(result, i))
			continue;
		(void)fputs(prefix, out);
		print_warning(&result->trail[i], routes, out);
	}
}

/* What keeps the routes of a call back that attempted nothing. */
struct shut {
	bool cooling;  /* or held, or being probed */
	bool limited;  /* at a limit */
	bool parallel; /* at a limit of requests at once */
};

static struct shut shut_of(const struct driver_result *result)
{
	struct shut shut = {0};

	for (uint32_t i = 0; i < result->trail_count; i++) {
		const struct lull_trail_entry *entry = &result->trail[i];

		if (entry->type != LULL_TRAIL_SKIP)
			continue;
		shut.cooling |= entry->state != LULL_STATE_LIMITED;
		shut.limited |= entry->state == LULL_STATE_LIMITED;
		shut.parallel |= entry->limit == LULL_LIMIT_PARALLEL;
	}
	return shut;
}

static void print_shut(const struct driver_result *result, FILE *out)
{
	const struct shut shut = shut_of(result);

	(void)fprintf(
		out, ": every model is %s%s%s", shut.cooling || !shut.limited ? "cooling" : "",
		shut.cooling && shut.limited ? " or " : "", shut.limited ? "at its limit" : "");
	if (shut.parallel)
		(void)fputs("; a request may end, and make room, at any moment", out);
	else if (result->ready_in_ms == LULL_NEVER)
		(void)fputs("; all are held until cleared", out);
	else
		(void)fprintf(out, "; the soonest is ready in %.1f s",
			      seconds(result->ready_in_ms));
}

void trail_print_reason(const struct driver_result *result, FILE *out)
{
	const char *class = class_name(result->class_id);

	if (result->handed_out) {
		(void)fprintf(out, "the answer broke off: %s", class);
		return;
	}
	if (result->class_id == LULL_CLASS_SUSPENDED) {
		(void)fputs("the host slept, or this process was stopped, during the attempt", out);
		return;
	}
	(void)fputs(results[result->result].reason, out);
	if (result->result == LULL_RESULT_DEADLINE)
		(void)fprintf(out, ", %.3f s", seconds(result->for_ms));
	if (result->result == LULL_RESULT_REFUSED)
		(void)fprintf(out, ": %s", class);
	if (result->result == LULL_RESULT_COOLING)
		print_shut(result, out);
}

const char *trail_advice(const struct driver_result *result)
{
	if (result->handed_out)
		return "what has come so far is not the whole answer; ask again";
	if (result->class_id == LULL_CLASS_SUSPENDED)
		return "ask again";
	if (result->result == LULL_RESULT_FAILED && result->class_id == LULL_CLASS_LOCAL)
		return "look after this host: no provider is at fault";
	if (result->result == LULL_RESULT_COOLING && result->ready_in_ms == LULL_NEVER)
		return "`lull clear MODEL` ends a hold";
	if (result->result == LULL_RESULT_COOLING && shut_of(result).limited)
		return "ask again later; with a --budget that leaves time for it, the call waits";
	return results[result->result].advice;
}

/* Every route that was asked wants to be paid first. */
static bool all_are_money(const struct driver_result *result)
{
	for (uint32_t i = 0; i < result->trail_count; i++)
		if (result->trail[i].type == LULL_TRAIL_ATTEMPT &&
		    result->trail[i].http_status != 402)
			return false;
	return true;
}

int trail_http_status(const struct driver_result *result)
{
	const struct lull_class_info *info = lull_class_info(result->class_id);
	const int status = results[result->result].http_status;

	if (status || !info)
		return status;
	return result->class_id == LULL_CLASS_QUOTA_EXHAUSTED && all_are_money(result)
		       ? 402
		       : info->http_status;
}

/* ---- JSON */

static void add_text(struct json_object *line, const char *name, const char *text)
{
	(void)json_object_object_add(line, name, text ? json_object_new_string(text) : NULL);
}

static void add_number(struct json_object *line, const char *name, uint64_t number)
{
	(void)json_object_object_add(line, name, json_object_new_int64((int64_t)number));
}

static void add_time(struct json_object *line, const char *name, uint64_t ms)
{
	if (ms == LULL_NEVER)
		add_text(line, name, NULL);
	else
		add_number(line, name, ms);
}

static void add_flag(struct json_object *line, const char *name, bool is_set)
{
	(void)json_object_object_add(line, name, json_object_new_boolean(is_set));
}

static void add_route(struct json_object *line, const struct route_list *routes, uint32_t index)
{
	const struct http_route *route = index < routes->count ? &routes->routes[index] : NULL;

	add_text(line, "route", route ? route->call.label : NULL);
	add_text(line, "name", route ? route->name : NULL);
}

static void add_attempt(struct json_object *line, const struct driver_result *result,
			const struct lull_trail_entry *entry)
{
	add_number(line, "for_ms", entry->for_ms);
	add_text(line, "class", class_name(entry->class_id));
	add_number(line, "http_status", entry->http_status);
	add_time(line, "headers_ms", entry->headers_ms);
	add_time(line, "content_ms", entry->content_ms);
	add_text(line, "cooled", entry->cooled_kind ? lull_kind_name(entry->cooled_kind) : NULL);
	add_number(line, "cooled_for_ms", entry->cooled_kind ? entry->ready_in_ms : 0);
	add_number(line, "soft_count", entry->soft_count);
	add_flag(line, "probe", entry->probe != 0);
	add_flag(line, "resent", entry->resent != 0);
	add_text(line, "omitted", omitted_of(result, entry->route));
	add_text(line, "detail", entry->detail);
}

static void add_skip(struct json_object *line, const struct lull_trail_entry *entry)
{
	add_text(line, "shut", lull_kind_name(entry->cooled_kind));
	add_text(line, "state",
		 entry->state <= LULL_STATE_LIMITED ? state_names[entry->state] : "unknown");
	add_time(line, "ready_in_ms", entry->ready_in_ms);
	add_text(line, "class", class_name(entry->class_id));
	add_number(line, "http_status", entry->http_status);
	add_text(line, "limit", entry->limit ? lull_limit_name(entry->limit) : NULL);
}

static const char *const step_names[] = {
	[LULL_TRAIL_ATTEMPT] = "attempt",
	[LULL_TRAIL_SKIP] = "skip",
	[LULL_TRAIL_SLEEP] = "sleep",
	[LULL_TRAIL_UNUSABLE] = "unusable",
};

static struct json_object *step_line(const struct driver_result *result,
				     const struct lull_trail_entry *entry,
				     const struct route_list *routes)
{
	struct json_object *line = json_object_new_object();

	add_number(line, "v", 1);
	add_text(line, "step", step_names[entry->type]);
	add_number(line, "at_ms", entry->at_ms);
	if (entry->type != LULL_TRAIL_SLEEP) {
		add_route(line, routes, entry->route);
		add_number(line, "pass", entry->pass);
	}
	if (entry->type == LULL_TRAIL_ATTEMPT)
		add_attempt(line, result, entry);
	if (entry->type == LULL_TRAIL_SKIP)
		add_skip(line, entry);
	if (entry->type == LULL_TRAIL_SLEEP)
		add_number(line, "for_ms", entry->for_ms);
	if (entry->type == LULL_TRAIL_UNUSABLE)
		add_text(line, "detail", routes->routes[entry->route].problem);
	return line;
}

/* The sentence for people; without memory for it the line does without. */
static void add_reason(struct json_object *line, const struct driver_result *result)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out) {
		trail_print_reason(result, out);
		(void)fclose(out);
	}
	add_text(line, "reason", text);
	free(text);
}

static struct json_object *result_line(const struct driver_result *result,
				       const struct route_list *routes)
{
	const bool answered = result->result == LULL_RESULT_ANSWERED;
	struct json_object *line = json_object_new_object();

	add_number(line, "v", 1);
	add_text(line, "step", "result");
	add_text(line, "result", results[result->result].name);
	add_number(line, "exit_code", (uint64_t)result->exit_code);
	add_text(line, "class", class_name(result->class_id));
	add_route(line, routes, answered ? result->route : LULL_UNSET);
	add_number(line, "for_ms", result->for_ms);
	add_time(line, "ready_in_ms", result->ready_in_ms);
	add_flag(line, "handed_out", result->handed_out);
	if (!answered) {
		add_reason(line, result);
		add_text(line, "advice", trail_advice(result));
	}
	return line;
}

static void print_line(struct json_object *line, FILE *out)
{
	const char *text = json_line(line, NULL);

	if (text)
		(void)fprintf(out, "%s\n", text);
	json_object_put(line);
}

void trail_print_json(const struct driver_result *result, const struct route_list *routes,
		      FILE *out)
{
	for (uint32_t i = 0; i < result->trail_count; i++)
		print_line(step_line(result, &result->trail[i], routes), out);
	print_line(result_line(result, routes), out);
}
