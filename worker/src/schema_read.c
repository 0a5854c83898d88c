/* SPDX-License-Identifier: MIT */
/*
 * From nodes to settings, by the table of schema.c: one walk for all maps. Whatever is wrong is
 * reported and left unset, and the reading goes on, so that people see all of it at once.
 */
#include <stdio.h>
#include <string.h>

#include "near.h"
#include "schema_read.h"

#define SECTION_BYTES 64 /* "model_list[].litellm_params" */

struct inert_seen {
	struct inert_seen *next;
	const char *section;
	const char *key;
};

static void read_section(struct reading *r, const struct place *place, const struct node *map);

static const struct schema_row *find_row(const char *section, const char *key)
{
	const struct schema_row *row;

	for (size_t i = 0; (row = schema_at(i)); i++)
		if (strcmp(row->section, section) == 0 && strcmp(row->key, key) == 0)
			return row;
	return NULL;
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
		     "%s%s%s: '%.64s' is no class of errors%s%s%s", place->shown, place_dot(place),
		     row->key, member->key,
		     near.best ? ", did you mean '" : ", expected one such as content_policy",
		     near.best ? near.best : "", near.best ? "'?" : "");
}

/* "content_policy: next" is short for "content_policy: {go: next}", and told by what was written. */
static void read_short_rule(struct reading *r, const struct node *member, struct lull_rule *rule)
{
	const struct place place = {"lull.on.CLASS", "lull.on", rule};
	struct schema_row row = *find_row(place.section, "go");

	row.key = member->key;
	read_choice(r, &place, &row, member, &rule->go);
}

static void read_rule(struct reading *r, const struct node *member, struct lull_rule *rule)
{
	char shown[SECTION_BYTES];
	const struct place place = {"lull.on.CLASS", shown, rule};

	(void)snprintf(shown, sizeof(shown), "lull.on.%s", member->key);
	if (member->type == NODE_MAP)
		read_section(r, &place, member);
	else
		read_short_rule(r, member, rule);
}

static void read_rules(struct reading *r, const struct place *place, const struct schema_row *row,
		       const struct node *node, void *ret)
{
	struct settings *settings = ret;

	settings->rules = reading_items(r, place, row, node, NODE_MAP, sizeof(*settings->rules));
	if (!settings->rules)
		return;
	for (const struct node *member = node->first; member; member = member->next) {
		int class_id = lull_class_by_name(member->key);
		struct lull_rule *rule = &settings->rules[settings->rule_count];

		if (!is_rule_class(class_id)) {
			unknown_class(r, place, row, member);
			continue;
		}
		*rule = (struct lull_rule){(uint32_t)class_id, LULL_UNSET, LULL_UNSET, LULL_UNSET,
					   LULL_UNSET};
		read_rule(r, member, rule);
		settings->rule_count++;
	}
}

static struct lull_rule *rule_of(struct settings *settings, uint32_t class_id)
{
	for (uint32_t i = 0; i < settings->rule_count; i++)
		if (settings->rules[i].class_id == class_id)
			return &settings->rules[i];
	return NULL;
}

/* disable_cooldowns, as rules: proof of nothing, wherever the file gives none. */
static void cool_nothing(struct reading *r, struct settings *settings)
{
	struct lull_rule *all = reading_alloc(r, LULL_CLASS_COUNT, sizeof(*all));
	uint32_t count = 0;

	if (!all)
		return;
	for (uint32_t id = 0; id <= LULL_CLASS_TOO_LARGE; id++) {
		const struct lull_rule *said = rule_of(settings, id);
		struct lull_rule *rule = &all[count];

		if (!said && lull_class_info(id)->proof == LULL_PROOF_NONE)
			continue;
		*rule = said ? *said
			     : (struct lull_rule){id, LULL_UNSET, LULL_UNSET, LULL_UNSET,
						  LULL_UNSET};
		if (rule->proof == LULL_UNSET)
			rule->proof = LULL_PROOF_NONE;
		count++;
	}
	settings->rules = all;
	settings->rule_count = count;
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
		report_mistyped(r, place, row, node);
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
static void check_entry(struct reading *r, const struct node *item, struct entry *entry)
{
	const struct node *params = node_member(item, "litellm_params");
	const char *star = entry->model_name ? strchr(entry->model_name, '*') : NULL;
	struct report *report = r->tree->report;

	if (is_missing(item, "model_name") || (!entry->model_name && entry->problem))
		report_error(report, entry->line,
			     "an entry of model_list without model_name, expected one");
	if (is_missing(item, "litellm_params") ||
	    (params->type == NODE_MAP && is_missing(params, "model")))
		report_error(report, entry->line,
			     "an entry of model_list without model, expected litellm_params: "
			     "{model: PROVIDER/NAME}");
	entry->is_pattern = star != NULL;
	if (star && strchr(star + 1, '*'))
		report_warning(report, entry->line,
			       "model_name '%.64s' has more than one * and matches nothing, "
			       "expected one",
			       entry->model_name);
}

static void read_entries(struct reading *r, const struct place *place, const struct schema_row *row,
			 const struct node *node, void *ret)
{
	struct settings *settings = ret;

	settings->entries =
		reading_items(r, place, row, node, NODE_LIST, sizeof(*settings->entries));
	if (!settings->entries)
		return;
	for (const struct node *item = node->first; item; item = item->next) {
		struct entry *entry = &settings->entries[settings->entry_count];
		struct place inner = {"model_list[]", "model_list", entry};

		if (item->type != NODE_MAP) {
			report_mistyped(r, place, row, item);
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

static void check_key(struct reading *r, const struct gateway_key *key)
{
	struct report *report = r->tree->report;

	if (!key->name)
		report_error(report, key->line, "a key of lull.gateway without name, expected one");
	if (!key->key && !key->user)
		report_error(report, key->line,
			     "a key of lull.gateway without key and user, expected one of them");
}

static void read_keys(struct reading *r, const struct place *place, const struct schema_row *row,
		      const struct node *node, void *ret)
{
	struct gateway_settings *settings = ret;

	settings->keys = reading_items(r, place, row, node, NODE_LIST, sizeof(*settings->keys));
	if (!settings->keys)
		return;
	for (const struct node *item = node->first; item; item = item->next) {
		struct gateway_key *key = &settings->keys[settings->key_count];
		const struct place inner = {"lull.gateway.keys[]", "lull.gateway.keys", key};

		if (item->type != NODE_MAP) {
			report_mistyped(r, place, row, item);
			continue;
		}
		key->line = item->line;
		settings->key_count++;
		read_section(r, &inner, item);
		check_key(r, key);
	}
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
	seen = reading_alloc(r, 1, sizeof(*seen));
	if (!seen)
		return true;
	*seen = (struct inert_seen){r->seen, reading_text(r, section, strlen(section)), key};
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
				       "%s%s%s has no effect in Lull", place->shown,
				       place_dot(place), member->key);
	}
}

static const value_fn readers[SCHEMA_TYPE_COUNT] = {
	[SCHEMA_SECTION] = read_nested,      [SCHEMA_ENTRIES] = read_entries,
	[SCHEMA_TEXT] = read_text,           [SCHEMA_TABLE] = read_table,
	[SCHEMA_SECRET] = read_secret,       [SCHEMA_URL] = read_url,
	[SCHEMA_PROXY] = read_proxy,         [SCHEMA_DURATION] = read_duration,
	[SCHEMA_COUNT] = read_count,         [SCHEMA_SWITCH] = read_switch,
	[SCHEMA_CHOICE] = read_choice,       [SCHEMA_NAMES] = read_names,
	[SCHEMA_FALLBACKS] = read_fallbacks, [SCHEMA_VARIABLES] = read_variables,
	[SCHEMA_ALIASES] = read_aliases,     [SCHEMA_HEADERS] = read_headers,
	[SCHEMA_BODY] = read_body,           [SCHEMA_MEMBER] = read_member,
	[SCHEMA_RULES] = read_rules,         [SCHEMA_KEYS] = read_keys,
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
	struct reading reading = {.tree = tree, .settings = settings};
	struct place top = {"", "", settings};

	if (root->type == NODE_MAP)
		read_section(&reading, &top, root);
	if (settings->disable_cooldowns == 1)
		cool_nothing(&reading, settings);
	if (root->type != NODE_MAP)
		report_error(tree->report, root->line,
			     "no map at the top, expected keys such as model_list");
}
