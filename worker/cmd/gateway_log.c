/* SPDX-License-Identifier: MIT */
/*
 * One line a request, on stderr, when its answer has left or its client has. What was asked and
 * what was answered is in none of them.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../src/json_build.h"
#include "gateway.h"
#include "log.h"

#define LINE_BYTES 6144 /* a trail, an id and a trace at their longest, in quotes */

/* ---- lines */

void line_print(struct line *line, const char *format, ...)
{
	const size_t room = line->size_max - line->size;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(line->bytes + line->size, room, format, arguments);
	va_end(arguments);
	if (n > 0)
		line->size += (size_t)n < room ? (size_t)n : room - 1;
}

void line_add(struct line *line, const char *text)
{
	const size_t room = line->size_max - line->size - 1;
	const size_t size = strnlen(text, room);

	memcpy(line->bytes + line->size, text, size);
	line->size += size;
	line->bytes[line->size] = '\0';
}

/* ---- what is told */

enum kind { TEXT, NUMBER, FLAG };

struct fact {
	const char *name;
	enum kind kind;
	const char *text; /* NULL: the line does without */
	uint64_t number;  /* LULL_NEVER: likewise */
};
#define FACTS_MAX 20

struct facts {
	struct fact items[FACTS_MAX];
	size_t count;
	char time[40];
};

static void add_text(struct facts *facts, const char *name, const char *text)
{
	if (text && *text)
		facts->items[facts->count++] = (struct fact){name, TEXT, text, 0};
}

static void add_number(struct facts *facts, const char *name, uint64_t number)
{
	if (number != LULL_NEVER)
		facts->items[facts->count++] = (struct fact){name, NUMBER, NULL, number};
}

static void add_flag(struct facts *facts, const char *name, bool is_set)
{
	if (is_set)
		facts->items[facts->count++] = (struct fact){name, FLAG, NULL, 1};
}

static const char *write_time(char *ret, size_t size)
{
	struct timespec now;
	struct tm parts;
	size_t used;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &parts);
	used = strftime(ret, size, "%Y-%m-%dT%H:%M:%S", &parts);
	(void)snprintf(ret + used, size - used, ".%03ldZ", now.tv_nsec / 1000000);
	return ret;
}

static void collect(const struct gateway_visit *visit, bool sent, struct facts *facts)
{
	const char *target = exchange_target(visit->exchange);
	static char path[256];

	(void)snprintf(path, sizeof(path), "%.*s", (int)strcspn(target, "?"), target);
	add_text(facts, "time", write_time(facts->time, sizeof(facts->time)));
	add_text(facts, "id", visit->id);
	add_text(facts, "trace", visit->traceparent);
	add_text(facts, "key", gateway_caller_name(visit->caller));
	add_text(facts, "method", exchange_method(visit->exchange));
	add_text(facts, "path", path);
	add_number(facts, "status", sent ? (uint64_t)visit->status : 499);
	add_flag(facts, "stream", visit->streams);
	add_text(facts, "model", visit->model);
	add_text(facts, "route", visit->route);
	if (visit->model)
		add_number(facts, "attempts", visit->attempts);
	add_text(facts, "trail", visit->trail);
	add_text(facts, "error", visit->error);
	if (visit->tokens != LULL_UNSET)
		add_number(facts, "tokens", visit->tokens);
	add_number(facts, "content_ms", visit->content_ms);
	add_number(facts, "total_ms", lull_clock_ms() - visit->begin_ms);
}

/* ---- logfmt */

static bool needs_quotes(const char *text)
{
	return text[strcspn(text, " \"=")] != '\0';
}

static void print_text(const char *text, struct line *out)
{
	if (!needs_quotes(text)) {
		line_add(out, text);
		return;
	}
	line_add(out, "\"");
	for (; *text; text++)
		line_print(out, "%s%c", *text == '"' || *text == '\\' ? "\\" : "",
			   (unsigned char)*text < 0x20 ? '?' : *text);
	line_add(out, "\"");
}

static void print_logfmt(const struct facts *facts, struct line *out)
{
	for (size_t i = 0; i < facts->count; i++) {
		const struct fact *fact = &facts->items[i];

		line_print(out, "%s%s=", i == 0 ? "" : " ", fact->name);
		if (fact->kind == TEXT)
			print_text(fact->text, out);
		else if (fact->kind == FLAG)
			line_add(out, "true");
		else
			line_print(out, "%" PRIu64, fact->number);
	}
}

/* ---- JSON */

static void print_json(const struct facts *facts, struct line *out)
{
	struct json_object *line = json_object_new_object();
	const char *text;

	for (size_t i = 0; i < facts->count; i++) {
		const struct fact *fact = &facts->items[i];
		struct json_object *value = fact->kind == TEXT ? json_object_new_string(fact->text)
					    : fact->kind == FLAG
						    ? json_object_new_boolean(1)
						    : json_object_new_int64((int64_t)fact->number);

		(void)json_set_new(line, fact->name, value);
	}
	text = json_line(line, NULL);
	line_add(out, text ? text : "{}");
	json_object_put(line);
}

/* In one write, so that the lines of several workers stay whole. */
static void write_line(enum gateway_log form, const struct facts *facts)
{
	char bytes[LINE_BYTES + 2];
	struct line line = {bytes, 0, LINE_BYTES};

	if (form == GATEWAY_LOG_JSON)
		print_json(facts, &line);
	else
		print_logfmt(facts, &line);
	bytes[line.size] = '\n';
	if (write(STDERR_FILENO, bytes, line.size + 1) < 0)
		return; /* nowhere to say so */
}

void gateway_log_visit(const struct gateway_visit *visit, bool sent)
{
	struct facts facts = {0};

	if (visit->gateway->log == GATEWAY_LOG_NONE)
		return;
	collect(visit, sent, &facts);
	write_line(visit->gateway->log, &facts);
}

/* ---- what is no request's */

static enum gateway_log message_form;

static bool write_message(enum log_level level, const char *text)
{
	struct facts facts = {0};

	add_text(&facts, "time", write_time(facts.time, sizeof(facts.time)));
	add_text(&facts, "level", log_level_name(level));
	add_text(&facts, "event", "message");
	add_text(&facts, "text", text);
	write_line(message_form, &facts);
	return true;
}

void gateway_log_messages(enum gateway_log form)
{
	message_form = form;
	log_set_writer(form == GATEWAY_LOG_NONE ? NULL : write_message);
}
