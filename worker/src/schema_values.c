/* SPDX-License-Identifier: MIT */
/* Reading scalars and lists of names, and what is said when one is not as expected. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema_read.h"
#include "text.h"
#include "url.h"

void *reading_alloc(struct reading *r, size_t count, size_t size)
{
	void *memory = arena_alloc(&r->tree->arena, count, size);

	if (!memory)
		r->tree->report->out_of_memory = true;
	return memory;
}

const char *reading_text(struct reading *r, const char *text, size_t size)
{
	const char *copy = arena_text(&r->tree->arena, text, size);

	if (!copy)
		r->tree->report->out_of_memory = true;
	return copy;
}

/* ---- messages */

const char *place_dot(const struct place *place)
{
	return place->shown[0] ? "." : "";
}

#define QUOTED_BYTES_MAX 48

/* How much of the text to quote: no half of a character at the cut. */
static size_t quoted_size(const char *text)
{
	size_t size = strlen(text);

	if (size <= QUOTED_BYTES_MAX)
		return size;
	for (size = QUOTED_BYTES_MAX; size > 0 && (text[size] & 0xc0) == 0x80;)
		size--;
	return size;
}

/* What stands there, for a message: " is 'soon'", " is a list"; what may be a secret stays out. */
static void describe(const struct schema_row *row, const struct node *node, char *ret, size_t size)
{
	size_t kept;

	if (node->type != NODE_SCALAR) {
		(void)snprintf(ret, size, " is a %s", node->type == NODE_LIST ? "list" : "map");
		return;
	}
	if (row->type == SCHEMA_SECRET || row->type == SCHEMA_URL || row->type == SCHEMA_PROXY ||
	    row->type == SCHEMA_VARIABLES) {
		(void)snprintf(ret, size, " is not usable");
		return;
	}
	kept = quoted_size(node->text);
	(void)snprintf(ret, size, " is '%.*s%s'", (int)kept, node->text,
		       node->text[kept] ? "..." : "");
}

void report_mistyped(struct reading *r, const struct place *place, const struct schema_row *row,
		     const struct node *node)
{
	char what[80], expected[SCHEMA_EXPECTED_BYTES];

	describe(row, node, what, sizeof(what));
	schema_expected(row, expected);
	report_error(r->tree->report, node->line, "%s%s%s%s, expected %s", place->shown,
		     place_dot(place), row->key, what, expected);
}

void entry_problem(struct reading *r, unsigned line, const char *format, ...)
{
	char what[CONFIG_MESSAGE_BYTES_MAX];
	va_list arguments;
	char *text;

	if (r->entry->problem)
		return;
	va_start(arguments, format);
	(void)vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	text_make_plain(what);
	text = text_format("%s (%s:%u)", what, r->tree->report->file, line);
	if (text)
		r->entry->problem = reading_text(r, text, strlen(text));
	else
		r->tree->report->out_of_memory = true;
	free(text);
}

void *reading_items(struct reading *r, const struct place *place, const struct schema_row *row,
		    const struct node *node, enum node_type type, size_t size)
{
	if (node->type == type)
		return reading_alloc(r, node->count, size);
	report_mistyped(r, place, row, node);
	return NULL;
}

/* ---- scalars */

/* A route without the value that its file wants must not be used with another one. */
static void note_unset(struct reading *r, const struct place *place, const struct schema_row *row,
		       const struct node *node, const char *variable)
{
	if (r->entry) {
		entry_problem(r, node->line, "$%.64s is not set", variable);
		return;
	}
	report_warning(r->tree->report, node->line, "%s%s%s: $%.64s is not set, the default holds",
		       place->shown, place_dot(place), row->key, variable);
}

const char *read_scalar(struct reading *r, const struct place *place, const struct schema_row *row,
			const struct node *node)
{
	const size_t prefix = sizeof(REFERENCE_VARIABLE) - 1;
	const char *value;

	if (node->type != NODE_SCALAR) {
		report_mistyped(r, place, row, node);
		return NULL;
	}
	if (strncmp(node->text, REFERENCE_VARIABLE, prefix) != 0)
		return node->text;
	value = settings_variable(r->settings, node->text + prefix);
	if (value)
		return reading_text(r, value, strlen(value));
	note_unset(r, place, row, node, node->text + prefix);
	return NULL;
}

static bool is_plain_text(const char *text, const struct schema_row *row)
{
	size_t size = strlen(text);

	return size >= row->min && size <= row->max && !text_has_control(text);
}

void read_text(struct reading *r, const struct place *place, const struct schema_row *row,
	       const struct node *node, void *ret)
{
	const char *text = read_scalar(r, place, row, node);

	if (!text)
		return;
	if (is_plain_text(text, row))
		*(const char **)ret = text;
	else
		report_mistyped(r, place, row, node);
}

/* As lull_table_open() takes it: a '/' in front does not matter. */
void read_table(struct reading *r, const struct place *place, const struct schema_row *row,
		const struct node *node, void *ret)
{
	const char *text = read_scalar(r, place, row, node);
	struct settings *settings = ret;

	if (!text)
		return;
	if (text[0] == '/')
		text++;
	if (!is_plain_text(text, row) || strchr(text, '/')) {
		report_mistyped(r, place, row, node);
		return;
	}
	settings->table = text;
	settings->table_line = node->line;
}

/* Whether the reference leads anywhere is seen when the route is made. */
void read_secret(struct reading *r, const struct place *place, const struct schema_row *row,
		 const struct node *node, void *ret)
{
	const size_t file = sizeof(REFERENCE_FILE) - 1;

	if (node->type != NODE_SCALAR || text_has_control(node->text) ||
	    strlen(node->text) > row->max || strcmp(node->text, REFERENCE_VARIABLE) == 0 ||
	    (strncmp(node->text, REFERENCE_FILE, file) == 0 && node->text[file] != '/')) {
		report_mistyped(r, place, row, node);
		return;
	}
	if (!node->text[0])
		return;
	*(const char **)ret = node->text;
	if (r->entry)
		r->entry->api_key_line = node->line;
}

void read_url(struct reading *r, const struct place *place, const struct schema_row *row,
	      const struct node *node, void *ret)
{
	const char *text = read_scalar(r, place, row, node);
	struct url url = {0};
	int error;

	if (!text || !text[0])
		return;
	error = is_plain_text(text, row) ? url_parse(text, &url) : -EINVAL;
	url_deinit(&url);
	if (error == -ENOMEM)
		r->tree->report->out_of_memory = true;
	else if (error)
		entry_problem(r, node->line, "%s is no base URL, expected %s", row->key,
			      URL_EXPECTED);
	else
		*(const char **)ret = text;
}

void read_proxy(struct reading *r, const struct place *place, const struct schema_row *row,
		const struct node *node, void *ret)
{
	const char *text = read_scalar(r, place, row, node);
	struct url url = {0};
	int error = 0;

	if (!text)
		return;
	if (text[0])
		error = is_plain_text(text, row) ? proxy_parse(text, &url) : -EINVAL;
	url_deinit(&url);
	if (error == -ENOMEM)
		r->tree->report->out_of_memory = true;
	else if (error)
		report_mistyped(r, place, row, node);
	else
		*(const char **)ret = text;
}

/* ---- numbers: what LiteLLM takes and Lull does not is no fault of the file */

/* "16", "24h" */
static void number_text(const struct schema_row *row, uint32_t value, char *ret, size_t size)
{
	char duration[DURATION_BYTES_MAX];

	duration_format(value, duration);
	if (row->type == SCHEMA_DURATION)
		(void)snprintf(ret, size, "%s", duration);
	else
		(void)snprintf(ret, size, "%" PRIu32, value);
}

static void set_number(struct reading *r, const struct place *place, const struct schema_row *row,
		       const struct node *node, uint64_t value, uint32_t *ret)
{
	bool is_lulls = strstr(row->section, "lull") != NULL;
	bool is_over = value > row->max;
	char what[80], bound[32] = "the default";

	if (value >= row->min && !is_over) {
		*ret = (uint32_t)value;
		return;
	}
	if (is_lulls) {
		report_mistyped(r, place, row, node);
		return;
	}
	if (is_over) {
		*ret = row->max;
		number_text(row, row->max, bound, sizeof(bound));
	}
	describe(row, node, what, sizeof(what));
	report_warning(r->tree->report, node->line, "%s%s%s%s, %s holds", place->shown,
		       place_dot(place), row->key, what, bound);
}

void read_duration(struct reading *r, const struct place *place, const struct schema_row *row,
		   const struct node *node, void *ret)
{
	const char *text = read_scalar(r, place, row, node);
	uint32_t ms = UINT32_MAX;
	int error;

	if (!text)
		return;
	error = duration_parse(text, &ms);
	if (error == 0 || error == -ERANGE)
		set_number(r, place, row, node, ms, ret);
	else
		report_mistyped(r, place, row, node);
}

void read_count(struct reading *r, const struct place *place, const struct schema_row *row,
		const struct node *node, void *ret)
{
	const char *text = read_scalar(r, place, row, node);
	uint64_t value = 0;
	size_t digits = 0;

	if (!text)
		return;
	for (; isdigit((unsigned char)text[digits]); digits++)
		if (value <= row->max)
			value = value * 10 + (uint64_t)(text[digits] - '0');
	if (digits > 0 && !text[digits])
		set_number(r, place, row, node, value, ret);
	else
		report_mistyped(r, place, row, node);
}

void read_switch(struct reading *r, const struct place *place, const struct schema_row *row,
		 const struct node *node, void *ret)
{
	const char *text = read_scalar(r, place, row, node);
	bool value;

	if (!text)
		return;
	if (text_is_bool(text, &value))
		*(uint32_t *)ret = value;
	else
		report_mistyped(r, place, row, node);
}

void read_choice(struct reading *r, const struct place *place, const struct schema_row *row,
		 const struct node *node, void *ret)
{
	const char *text = read_scalar(r, place, row, node);
	uint32_t value = row->min;

	if (!text)
		return;
	for (const char *choice = row->choices; *choice; value++) {
		size_t size = strcspn(choice, "|");

		if (strlen(text) == size && memcmp(text, choice, size) == 0) {
			*(uint32_t *)ret = value;
			return;
		}
		choice += size + (choice[size] == '|');
	}
	report_mistyped(r, place, row, node);
}

/* ---- lists of models */

static bool is_name(const struct node *node)
{
	return node->type == NODE_SCALAR && !node_is_null(node) && node->text[0] &&
	       strlen(node->text) <= LULL_KEY_BYTES_MAX && !text_has_control(node->text);
}

void read_names(struct reading *r, const struct place *place, const struct schema_row *row,
		const struct node *node, void *ret)
{
	struct name_list list = {.line = node->line};

	list.names = reading_items(r, place, row, node, NODE_LIST, sizeof(*list.names));
	if (!list.names)
		return;
	for (const struct node *item = node->first; item; item = item->next) {
		if (is_name(item))
			list.names[list.count++] = item->text;
		else
			report_error(r->tree->report, item->line,
				     "%s%s%s holds no model name here, expected 1 to %u bytes",
				     place->shown, place_dot(place), row->key, LULL_KEY_BYTES_MAX);
	}
	*(struct name_list *)ret = list;
}

/* One "MODEL: [OTHER, ANOTHER]". */
static void add_fallback(struct reading *r, const struct place *place, const struct schema_row *row,
			 const struct node *member, struct fallback_list *list)
{
	struct fallback *item = &list->items[list->count];

	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->items[i].name, member->key) != 0)
			continue;
		report_warning(r->tree->report, member->key_line,
			       "%s%s%s has '%.64s' twice, the first one on line %u holds",
			       place->shown, place_dot(place), row->key, member->key,
			       list->items[i].line);
		return;
	}
	item->name = member->key;
	item->line = member->key_line;
	if (node_is_null(member))
		report_mistyped(r, place, row, member);
	else
		read_names(r, place, row, member, &item->to);
	list->count++;
}

void read_fallbacks(struct reading *r, const struct place *place, const struct schema_row *row,
		    const struct node *node, void *ret)
{
	struct fallback_list list = {0};
	size_t count = 0;

	if (node->type != NODE_LIST) {
		report_mistyped(r, place, row, node);
		return;
	}
	for (const struct node *item = node->first; item; item = item->next) {
		if (item->type != NODE_MAP) {
			report_mistyped(r, place, row, item);
			return;
		}
		count += item->count;
	}
	list.items = reading_alloc(r, count, sizeof(*list.items));
	if (!list.items)
		return;
	for (const struct node *item = node->first; item; item = item->next)
		for (const struct node *member = item->first; member; member = member->next)
			add_fallback(r, place, row, member, &list);
	*(struct fallback_list *)ret = list;
}

/* ---- names and what they stand for */

typedef const char *(*pair_fn)(struct reading *r, const struct place *place,
			       const struct schema_row *row, const struct node *member);

/* Each member with the value that `value_of` reads; one without (NULL) is left out. */
static void read_pairs(struct reading *r, const struct place *place, const struct schema_row *row,
		       const struct node *node, pair_fn value_of, struct pair_list *ret)
{
	struct pair_list list = {0};

	list.items = reading_items(r, place, row, node, NODE_MAP, sizeof(*list.items));
	if (!list.items)
		return;
	for (const struct node *member = node->first; member; member = member->next) {
		const char *value = value_of(r, place, row, member);

		if (value)
			list.items[list.count++] =
				(struct pair){member->key, value, member->key_line};
	}
	*ret = list;
}

/* "ALIAS: MODEL" or "ALIAS: {model: MODEL, hidden: true}"; there is no list that it could be hidden
 * from. */
static const char *alias_value(struct reading *r, const struct place *place,
			       const struct schema_row *row, const struct node *member)
{
	const struct node *target =
		member->type == NODE_MAP ? node_member(member, "model") : member;

	if (target && is_name(target))
		return target->text;
	report_error(r->tree->report, member->line,
		     "%s%s%s: '%.64s' stands for no model name, expected 1 to %u bytes",
		     place->shown, place_dot(place), row->key, member->key, LULL_KEY_BYTES_MAX);
	return NULL;
}

void read_aliases(struct reading *r, const struct place *place, const struct schema_row *row,
		  const struct node *node, void *ret)
{
	read_pairs(r, place, row, node, alias_value, ret);
}

static const char *variable_value(struct reading *r, const struct place *place,
				  const struct schema_row *row, const struct node *member)
{
	return node_is_null(member) ? NULL : read_scalar(r, place, row, member);
}

void read_variables(struct reading *r, const struct place *place, const struct schema_row *row,
		    const struct node *node, void *ret)
{
	read_pairs(r, place, row, node, variable_value, ret);
}
