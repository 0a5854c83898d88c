/* SPDX-License-Identifier: MIT */
/*
 * From nodes to settings, by the table of schema.c: one function a type, one walk for all maps.
 * Whatever is wrong is reported and left unset, and the reading goes on, so that people see all of
 * it at once.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json_scan.h"
#include "near.h"
#include "schema.h"
#include "text.h"
#include "url.h"

#define SECTION_BYTES 64 /* "model_list[].litellm_params" */

struct inert_seen {
	struct inert_seen *next;
	const char *section;
	const char *key;
};

struct reading {
	struct tree *tree;
	struct entry *entry;     /* of model_list, while one is read */
	struct inert_seen *seen; /* keys without effect that were named already */
};

/* One map and where it goes. */
struct place {
	const char *section; /* as in the table */
	const char *shown;   /* as people write it: "litellm_params", "lull.on.timeout"; "" top */
	void *target;        /* the section's struct */
};

typedef void (*value_fn)(struct reading *r, const struct place *place, const struct schema_row *row,
			 const struct node *node, void *ret);

static void read_section(struct reading *r, const struct place *place, const struct node *map);

static void *allocate(struct reading *r, size_t count, size_t size)
{
	void *memory = arena_alloc(&r->tree->arena, count, size);

	if (!memory)
		r->tree->report->out_of_memory = true;
	return memory;
}

static const char *keep(struct reading *r, const char *text, size_t size)
{
	const char *copy = arena_text(&r->tree->arena, text, size);

	if (!copy)
		r->tree->report->out_of_memory = true;
	return copy;
}

static const struct schema_row *find_row(const char *section, const char *key)
{
	const struct schema_row *row;

	for (size_t i = 0; (row = schema_at(i)); i++)
		if (strcmp(row->section, section) == 0 && strcmp(row->key, key) == 0)
			return row;
	return NULL;
}

/* ---- messages */

static const char *dot(const struct place *place)
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
	if (row->type == SCHEMA_SECRET || row->type == SCHEMA_URL || row->type == SCHEMA_PROXY) {
		(void)snprintf(ret, size, " is not usable");
		return;
	}
	kept = quoted_size(node->text);
	(void)snprintf(ret, size, " is '%.*s%s'", (int)kept, node->text,
		       node->text[kept] ? "..." : "");
	for (; *ret; ret++)
		if (iscntrl((unsigned char)*ret))
			*ret = '?';
}

static void mistyped(struct reading *r, const struct place *place, const struct schema_row *row,
		     const struct node *node)
{
	char what[80], expected[SCHEMA_EXPECTED_BYTES];

	describe(row, node, what, sizeof(what));
	schema_expected(row, expected);
	report_error(r->tree->report, node->line, "%s%s%s%s, expected %s", place->shown, dot(place),
		     row->key, what, expected);
}

/* ---- scalars */

/* A route without the value that its file wants must not be used with another one. */
static void note_unset(struct reading *r, const struct place *place, const struct schema_row *row,
		       const struct node *node, const char *variable)
{
	if (r->entry) {
		if (!r->entry->unset_variable)
			r->entry->unset_variable = variable;
		return;
	}
	report_warning(r->tree->report, node->line, "%s%s%s: $%.64s is not set, the default holds",
		       place->shown, dot(place), row->key, variable);
}

/* The scalar's text, with "os.environ/NAME" replaced. NULL: none, which was noted. */
static const char *scalar(struct reading *r, const struct place *place,
			  const struct schema_row *row, const struct node *node)
{
	const size_t prefix = sizeof(REFERENCE_VARIABLE) - 1;
	const char *value;

	if (node->type != NODE_SCALAR) {
		mistyped(r, place, row, node);
		return NULL;
	}
	if (strncmp(node->text, REFERENCE_VARIABLE, prefix) != 0)
		return node->text;
	value = getenv(node->text + prefix);
	if (value && value[0])
		return keep(r, value, strlen(value));
	note_unset(r, place, row, node, node->text + prefix);
	return NULL;
}

static bool is_plain_text(const char *text, const struct schema_row *row)
{
	size_t size = strlen(text);

	return size >= row->min && size <= row->max && !text_has_control(text);
}

static void read_text(struct reading *r, const struct place *place, const struct schema_row *row,
		      const struct node *node, void *ret)
{
	const char *text = scalar(r, place, row, node);

	if (!text)
		return;
	if (is_plain_text(text, row))
		*(const char **)ret = text;
	else
		mistyped(r, place, row, node);
}

/* As lull_table_open() takes it: a '/' in front does not matter. */
static void read_table(struct reading *r, const struct place *place, const struct schema_row *row,
		       const struct node *node, void *ret)
{
	const char *text = scalar(r, place, row, node);
	struct settings *settings = ret;

	if (!text)
		return;
	if (text[0] == '/')
		text++;
	if (!is_plain_text(text, row) || strchr(text, '/')) {
		mistyped(r, place, row, node);
		return;
	}
	settings->table = text;
	settings->table_line = node->line;
}

/* Whether the reference leads anywhere is seen when the route is made. */
static void read_secret(struct reading *r, const struct place *place, const struct schema_row *row,
			const struct node *node, void *ret)
{
	const size_t file = sizeof(REFERENCE_FILE) - 1;

	if (node->type != NODE_SCALAR || text_has_control(node->text) ||
	    strlen(node->text) > row->max || strcmp(node->text, REFERENCE_VARIABLE) == 0 ||
	    (strncmp(node->text, REFERENCE_FILE, file) == 0 && node->text[file] != '/')) {
		mistyped(r, place, row, node);
		return;
	}
	if (!node->text[0])
		return;
	*(const char **)ret = node->text;
	r->entry->api_key_line = node->line;
}

static void read_url(struct reading *r, const struct place *place, const struct schema_row *row,
		     const struct node *node, void *ret)
{
	const char *text = scalar(r, place, row, node);
	struct url url;
	int error;

	if (!text)
		return;
	if (!is_plain_text(text, row)) {
		mistyped(r, place, row, node);
		return;
	}
	if (row->type == SCHEMA_PROXY && !text[0]) {
		*(const char **)ret = text;
		return;
	}
	error = row->type == SCHEMA_PROXY ? proxy_parse(text, &url) : url_parse(text, &url);
	if (error == -ENOMEM)
		r->tree->report->out_of_memory = true;
	else if (error)
		mistyped(r, place, row, node);
	if (error)
		return;
	url_deinit(&url);
	*(const char **)ret = text;
}

static void read_duration(struct reading *r, const struct place *place,
			  const struct schema_row *row, const struct node *node, void *ret)
{
	const char *text = scalar(r, place, row, node);
	uint32_t ms;

	if (!text)
		return;
	if (duration_parse(text, &ms) == 0 && ms >= row->min && ms <= row->max)
		*(uint32_t *)ret = ms;
	else
		mistyped(r, place, row, node);
}

static void read_count(struct reading *r, const struct place *place, const struct schema_row *row,
		       const struct node *node, void *ret)
{
	const char *text = scalar(r, place, row, node);
	uint64_t value = 0;
	size_t digits = 0;

	if (!text)
		return;
	for (; isdigit((unsigned char)text[digits]) && value <= row->max; digits++)
		value = value * 10 + (uint64_t)(text[digits] - '0');
	if (digits > 0 && !text[digits] && value >= row->min && value <= row->max)
		*(uint32_t *)ret = (uint32_t)value;
	else
		mistyped(r, place, row, node);
}

static void read_switch(struct reading *r, const struct place *place, const struct schema_row *row,
			const struct node *node, void *ret)
{
	const char *text = scalar(r, place, row, node);
	bool value;

	if (!text)
		return;
	if (text_is_bool(text, &value))
		*(uint32_t *)ret = value;
	else
		mistyped(r, place, row, node);
}

static void read_choice(struct reading *r, const struct place *place, const struct schema_row *row,
			const struct node *node, void *ret)
{
	const char *text = scalar(r, place, row, node);
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
	mistyped(r, place, row, node);
}

/* ---- lists of models */

static bool is_name(const struct node *node)
{
	return node->type == NODE_SCALAR && !node_is_null(node) && node->text[0] &&
	       strlen(node->text) <= LULL_KEY_BYTES_MAX && !text_has_control(node->text);
}

static void read_names(struct reading *r, const struct place *place, const struct schema_row *row,
		       const struct node *node, void *ret)
{
	struct name_list list = {.line = node->line};

	if (node->type != NODE_LIST) {
		mistyped(r, place, row, node);
		return;
	}
	list.names = allocate(r, node->count, sizeof(*list.names));
	if (!list.names)
		return;
	for (const struct node *item = node->first; item; item = item->next) {
		if (is_name(item))
			list.names[list.count++] = item->text;
		else
			report_error(r->tree->report, item->line,
				     "%s%s%s holds no model name here, expected 1 to %u bytes",
				     place->shown, dot(place), row->key, LULL_KEY_BYTES_MAX);
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
			       place->shown, dot(place), row->key, member->key,
			       list->items[i].line);
		return;
	}
	item->name = member->key;
	item->line = member->key_line;
	if (node_is_null(member))
		mistyped(r, place, row, member);
	else
		read_names(r, place, row, member, &item->to);
	list->count++;
}

static void read_fallbacks(struct reading *r, const struct place *place,
			   const struct schema_row *row, const struct node *node, void *ret)
{
	struct fallback_list list = {0};
	size_t count = 0;

	if (node->type != NODE_LIST) {
		mistyped(r, place, row, node);
		return;
	}
	for (const struct node *item = node->first; item; item = item->next) {
		if (item->type != NODE_MAP) {
			mistyped(r, place, row, item);
			return;
		}
		count += item->count;
	}
	list.items = allocate(r, count, sizeof(*list.items));
	if (!list.items)
		return;
	for (const struct node *item = node->first; item; item = item->next)
		for (const struct node *member = item->first; member; member = member->next)
			add_fallback(r, place, row, member, &list);
	*(struct fallback_list *)ret = list;
}

/* ---- additions to the request */

/* RFC 9110's token */
static bool is_header_name(const char *name)
{
	if (!*name)
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("!#$%&'*+-.^_`|~", *name))
			return false;
	return true;
}

/* What the request's own writer decides; a second one would be ambiguous. */
static bool is_own_header(const char *name)
{
	static const char *const own[] = {"Authorization",  "Content-Type",      "Content-Length",
					  "Host",           "Transfer-Encoding", "Connection",
					  "Accept-Encoding"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcasecmp(name, own[i]) == 0)
			return true;
	return false;
}

static void read_headers(struct reading *r, const struct place *place, const struct schema_row *row,
			 const struct node *node, void *ret)
{
	struct entry *entry = ret;
	struct report *report = r->tree->report;

	if (node->type != NODE_MAP) {
		mistyped(r, place, row, node);
		return;
	}
	entry->headers = allocate(r, node->count, sizeof(*entry->headers));
	if (!entry->headers)
		return;
	for (const struct node *member = node->first; member; member = member->next) {
		const char *value = scalar(r, place, row, member);

		if (!value)
			continue;
		if (!is_header_name(member->key))
			report_error(report, member->key_line, "'%.64s' is no header name",
				     member->key);
		else if (is_own_header(member->key))
			report_error(report, member->key_line,
				     "header %s is set by Lull itself, expected another one",
				     member->key);
		else if (text_has_control(value))
			report_error(report, member->line,
				     "header %.64s has control characters in its value",
				     member->key);
		else
			entry->headers[entry->header_count++] = (struct header){member->key, value};
	}
}

/* What a plain YAML scalar means in JSON: null, a truth value, a number, else text. */
static struct json_object *scalar_to_json(const struct node *node)
{
	struct json_object *number = NULL;
	const char *error;
	unsigned line;
	bool value;

	if (!node->plain)
		return json_object_new_string(node->text);
	if (text_is_bool(node->text, &value))
		return json_object_new_boolean(value);
	if (node->text[0] == '-' || isdigit((unsigned char)node->text[0]))
		number = json_parse(node->text, strlen(node->text), &line, &error);
	return number ? number : json_object_new_string(node->text);
}

/* False: no memory. A null is a NULL object. */
static bool node_to_json(const struct node *node, struct json_object **ret)
{
	bool is_list = node->type == NODE_LIST;
	struct json_object *object;

	*ret = NULL;
	if (node->type == NODE_SCALAR) {
		if (!node_is_null(node))
			*ret = scalar_to_json(node);
		return *ret || node_is_null(node);
	}
	object = is_list ? json_object_new_array() : json_object_new_object();
	if (!object)
		return false;
	for (const struct node *child = node->first; child; child = child->next) {
		struct json_object *value;

		if (!node_to_json(child, &value) ||
		    (is_list ? json_object_array_add(object, value)
			     : json_object_object_add(object, child->key, value)) != 0) {
			json_object_put(object);
			return false;
		}
	}
	*ret = object;
	return true;
}

/* What the route and the caller decide cannot be set once more. */
static void check_body(struct reading *r, const struct node *map)
{
	static const char *const own[] = {"model", "stream"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		const struct node *member = node_member(map, own[i]);

		if (member)
			report_error(r->tree->report, member->key_line,
				     "'%s' in extra_body is set by Lull itself, expected another "
				     "one",
				     own[i]);
	}
}

static void read_body(struct reading *r, const struct place *place, const struct schema_row *row,
		      const struct node *node, void *ret)
{
	struct json_object *object;
	const char *text;

	if (node->type != NODE_MAP) {
		mistyped(r, place, row, node);
		return;
	}
	check_body(r, node);
	if (!node_to_json(node, &object)) {
		r->tree->report->out_of_memory = true;
		return;
	}
	text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
							      JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text)
		*(const char **)ret = keep(r, text, strlen(text));
	else
		r->tree->report->out_of_memory = true;
	json_object_put(object);
}

/* ---- rules */

/* Only what an attempt can meet and a call can go on from. */
static bool is_rule_class(int class_id)
{
	return class_id > LULL_CLASS_ANSWERED && class_id <= LULL_CLASS_TOO_LARGE;
}

static void unknown_class(struct reading *r, const struct place *place,
			  const struct schema_row *row, const struct node *member)
{
	struct near near;

	near_init(&near, member->key);
	for (int id = 0; id < LULL_CLASS_COUNT; id++)
		if (is_rule_class(id))
			near_offer(&near, lull_class_info((uint32_t)id)->name);
	report_error(r->tree->report, member->key_line,
		     "%s%s%s: '%.64s' is no class of errors%s%s%s", place->shown, dot(place),
		     row->key, member->key,
		     near.best ? ", did you mean '" : ", expected one such as content_policy",
		     near.best ? near.best : "", near.best ? "'?" : "");
}

/* "content_policy: next" is short for "content_policy: {go: next}". */
static void read_rule(struct reading *r, const char *shown, const struct node *node,
		      struct lull_rule *rule)
{
	struct place place = {"lull.on.CLASS", shown, rule};

	if (node->type == NODE_MAP)
		read_section(r, &place, node);
	else
		read_choice(r, &place, find_row(place.section, "go"), node, &rule->go);
}

static void read_rules(struct reading *r, const struct place *place, const struct schema_row *row,
		       const struct node *node, void *ret)
{
	struct settings *settings = ret;

	if (node->type != NODE_MAP) {
		mistyped(r, place, row, node);
		return;
	}
	settings->rules = allocate(r, node->count, sizeof(*settings->rules));
	if (!settings->rules)
		return;
	for (const struct node *member = node->first; member; member = member->next) {
		int class_id = lull_class_by_name(member->key);
		struct lull_rule *rule = &settings->rules[settings->rule_count];
		char shown[SECTION_BYTES];

		if (!is_rule_class(class_id)) {
			unknown_class(r, place, row, member);
			continue;
		}
		*rule = (struct lull_rule){(uint32_t)class_id, LULL_UNSET, LULL_UNSET, LULL_UNSET,
					   LULL_UNSET};
		(void)snprintf(shown, sizeof(shown), "lull.on.%s", member->key);
		read_rule(r, shown, member, rule);
		settings->rule_count++;
	}
}

/* ---- maps */

/* "model_list[]" + "litellm_params" */
static void read_nested(struct reading *r, const struct place *place, const struct schema_row *row,
			const struct node *node, void *ret)
{
	char section[SECTION_BYTES];
	struct place inner = {section, row->key, place->target};

	(void)ret;
	if (node->type != NODE_MAP) {
		mistyped(r, place, row, node);
		return;
	}
	(void)snprintf(section, sizeof(section), "%s%s%s", place->section,
		       place->section[0] ? "." : "", row->key);
	read_section(r, &inner, node);
}

static bool is_missing(const struct node *map, const char *key)
{
	const struct node *member = node_member(map, key);

	return !member || node_is_null(member);
}

/* What no row of the table can say: which keys an entry must have, and what they mean together. */
static void check_entry(struct reading *r, const struct node *item, const struct entry *entry)
{
	const struct node *params = node_member(item, "litellm_params");
	struct report *report = r->tree->report;

	if (is_missing(item, "model_name") || (!entry->model_name && entry->unset_variable))
		report_error(report, entry->line,
			     "an entry of model_list without model_name, expected one");
	if (is_missing(item, "litellm_params") ||
	    (params->type == NODE_MAP && is_missing(params, "model")))
		report_error(report, entry->line,
			     "an entry of model_list without model, expected litellm_params: "
			     "{model: PROVIDER/NAME}");
	if (entry->provider && !provider_by_name(entry->provider))
		report_error(report, entry->line,
			     "custom_llm_provider '%.64s' is not known, expected one such as "
			     "openai",
			     entry->provider);
	if (entry->model_name && strchr(entry->model_name, '*'))
		report_warning(report, entry->line,
			       "model_name '%.64s': names with * match nothing in Lull, expected "
			       "one entry for each model",
			       entry->model_name);
}

static void read_entries(struct reading *r, const struct place *place, const struct schema_row *row,
			 const struct node *node, void *ret)
{
	struct settings *settings = ret;

	if (node->type != NODE_LIST) {
		mistyped(r, place, row, node);
		return;
	}
	settings->entries = allocate(r, node->count, sizeof(*settings->entries));
	if (!settings->entries)
		return;
	for (const struct node *item = node->first; item; item = item->next) {
		struct entry *entry = &settings->entries[settings->entry_count];
		struct place inner = {"model_list[]", "model_list", entry};

		if (item->type != NODE_MAP) {
			mistyped(r, place, row, item);
			continue;
		}
		entry_init(entry, item->line);
		settings->entry_count++;
		r->entry = entry;
		read_section(r, &inner, item);
		check_entry(r, item, entry);
	}
	r->entry = NULL;
}

/* ---- keys without a row */

/* Is `key` one of the space-separated words? */
static bool has_word(const char *words, const char *key)
{
	size_t size = strlen(key);

	for (const char *at = words; (at = strstr(at, key)) && size > 0; at += size)
		if ((at == words || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0'))
			return true;
	return false;
}

/* True the first time. */
static bool is_news(struct reading *r, const char *section, const char *key)
{
	struct inert_seen *seen;

	for (seen = r->seen; seen; seen = seen->next)
		if (strcmp(seen->section, section) == 0 && strcmp(seen->key, key) == 0)
			return false;
	seen = allocate(r, 1, sizeof(*seen));
	if (!seen)
		return true;
	*seen = (struct inert_seen){r->seen, keep(r, section, strlen(section)), key};
	r->seen = seen;
	return true;
}

/* LiteLLM's own words are offered too. The best of them is kept in `ret`, NEAR_BYTES_MAX + 1. */
static void offer_words(struct near *near, const char *words, char *ret)
{
	char word[NEAR_BYTES_MAX + 1];

	for (const char *at = words; *at;) {
		size_t size = strcspn(at, " ");

		(void)snprintf(word, sizeof(word), "%.*s", (int)size, at);
		near_offer(near, word);
		if (near->best == word) {
			(void)snprintf(ret, NEAR_BYTES_MAX + 1, "%s", word);
			near->best = ret;
		}
		at += size;
		at += strspn(at, " ");
	}
}

static void unknown_key(struct reading *r, const struct place *place, const struct node *member,
			const struct schema_inert *inert)
{
	char word[NEAR_BYTES_MAX + 1];
	const struct schema_row *row;
	struct near near;

	near_init(&near, member->key);
	for (size_t i = 0; (row = schema_at(i)); i++)
		if (strcmp(row->section, place->section) == 0)
			near_offer(&near, row->key);
	if (inert)
		offer_words(&near, inert->keys, word);
	report_warning(r->tree->report, member->key_line, "unknown key '%.64s'%s%s%s%s%s",
		       member->key, place->shown[0] ? " in " : "", place->shown,
		       near.best ? ", did you mean '" : "", near.best ? near.best : "",
		       near.best ? "'?" : "");
}

static void name_the_rest(struct reading *r, const struct place *place, const struct node *map)
{
	const struct schema_inert *inert = schema_inert(place->section);

	if (inert && strcmp(inert->keys, "*") == 0)
		return;
	for (const struct node *member = map->first; member; member = member->next) {
		if (find_row(place->section, member->key))
			continue;
		if (!inert || !has_word(inert->keys, member->key))
			unknown_key(r, place, member, inert);
		else if (is_news(r, place->section, member->key))
			report_warning(r->tree->report, member->key_line,
				       "%s%s%s has no effect in Lull", place->shown, dot(place),
				       member->key);
	}
}

static const value_fn readers[SCHEMA_TYPE_COUNT] = {
	[SCHEMA_SECTION] = read_nested,      [SCHEMA_ENTRIES] = read_entries,
	[SCHEMA_TEXT] = read_text,           [SCHEMA_TABLE] = read_table,
	[SCHEMA_SECRET] = read_secret,       [SCHEMA_URL] = read_url,
	[SCHEMA_PROXY] = read_url,           [SCHEMA_DURATION] = read_duration,
	[SCHEMA_COUNT] = read_count,         [SCHEMA_SWITCH] = read_switch,
	[SCHEMA_CHOICE] = read_choice,       [SCHEMA_NAMES] = read_names,
	[SCHEMA_FALLBACKS] = read_fallbacks, [SCHEMA_HEADERS] = read_headers,
	[SCHEMA_BODY] = read_body,           [SCHEMA_RULES] = read_rules,
};

/* In the order of the table, not of the file: where two keys fill one value, the table decides. */
static void read_section(struct reading *r, const struct place *place, const struct node *map)
{
	const struct schema_row *row;

	for (size_t i = 0; (row = schema_at(i)); i++) {
		const struct node *member;

		if (strcmp(row->section, place->section) != 0)
			continue;
		member = node_member(map, row->key);
		if (member && !node_is_null(member))
			readers[row->type](r, place, row, member,
					   (char *)place->target + row->offset);
	}
	name_the_rest(r, place, map);
}

void schema_read(struct tree *tree, const struct node *root, struct settings *settings)
{
	struct reading reading = {.tree = tree};
	struct place top = {"", "", settings};

	if (root->type == NODE_MAP)
		read_section(&reading, &top, root);
	else
		report_error(tree->report, root->line,
			     "no map at the top, expected keys such as model_list");
}
