/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <unistd.h>

#include "../src/duration.h"
#include "../src/out.h"
#include "note.h"

static bool is_json, is_quiet;

void note_init(bool json, bool quiet)
{
	is_json = json;
	is_quiet = quiet;
	out_to(STDERR_FILENO);
}

/* logfmt leaves the quotes away where nothing needs them. */
static void put_text(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-_.:/,[]@%+";

	if (is_json || text[0] == '\0' || text[strspn(text, plain)] != '\0')
		out_json_string(text);
	else
		out_string(text);
}

static void put_field(const struct note_field *field, bool first)
{
	if (!first)
		out_string(is_json ? "," : " ");
	out(is_json ? "\"%s\":" : "%s=", field->name);
	if (field->text != NULL)
		put_text(field->text);
	else
		out("%lld", (long long)field->number);
}

void note(enum note_level level, const char *event, const struct note_field *fields)
{
	static const char *const names[] = {
		[NOTE_INFO] = "info", [NOTE_WARNING] = "warning", [NOTE_ERROR] = "error"};
	const struct duration_text now = moment_json(unix_now_ms());
	const struct note_field head[] = {NOTE_TEXT("time", now.text),
					  NOTE_TEXT("level", names[level]),
					  NOTE_TEXT("event", event)};

	if (is_quiet && level != NOTE_ERROR)
		return;
	if (is_json)
		out_string("{");
	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		put_field(&head[i], i == 0);
	for (; fields->name != NULL; fields++)
		put_field(fields, false);
	out_string(is_json ? "}\n" : "\n");
	(void)out_flush(); /* whoever reads the log may come back */
}
