/* SPDX-License-Identifier: MIT */
/* From names to the routes of a call: what the model list has under a name, and who falls back to
 * whom. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "resolve.h"
#include "text.h"

/* ---- lists */

/* A place at the list's end. NULL: *ret_error says why. */
static struct http_route *list_add(struct route_list *list, int *ret_error)
{
	struct http_route *grown;

	*ret_error = -E2BIG;
	if (list->count == LULL_ROUTES_MAX)
		return NULL;
	*ret_error = -ENOMEM;
	grown = reallocarray(list->routes, list->count + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	list->routes = grown;
	return &grown[list->count];
}

/* A name of the list that is made. */
struct wanted {
	const char *name;
	const char *alias; /* what was said for it; NULL: just that */
	uint32_t after_classes;
};

static int add_entry(const struct config *config, const struct entry *entry,
		     const struct wanted *wanted, struct route_list *list)
{
	struct entry called = *entry;
	int r;
	struct http_route *route = list_add(list, &r);

	if (!route)
		return r;
	called.alias = wanted->alias;
	r = resolve_entry(config, &called, wanted->after_classes, route);
	if (r == 0)
		list->count++;
	return r;
}

/* By the rules of provider.h and the environment. */
static int add_unlisted(const struct config *config, const struct wanted *wanted,
			struct route_list *list)
{
	struct entry entry;

	entry_init(&entry, 0);
	entry.model_name = entry.model = wanted->name;
	return add_entry(config, &entry, wanted, list);
}

const char *config_alias(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->aliases.count; i++)
		if (strcmp(settings->aliases.items[i].name, name) == 0)
			return settings->aliases.items[i].value;
	return name;
}

/* ---- patterns */

/* In the path of an address "." and ".." are another path, and no model. */
static bool is_dots(const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *last = slash ? slash + 1 : name;

	return strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
}

/* What of the name stands for the '*'. NULL: it does not fit. */
static const char *fit(const char *pattern, const char *name, size_t *ret_size)
{
	const char *star = strchr(pattern, '*');
	size_t head = (size_t)(star - pattern), tail = strlen(star + 1), size = strlen(name);

	if (size < head + tail || memcmp(name, pattern, head) != 0 ||
	    memcmp(name + size - tail, star + 1, tail) != 0 || is_dots(name))
		return NULL;
	*ret_size = size - head - tail;
	return name + head;
}

bool config_name_fits(const char *pattern, const char *name)
{
	size_t size;

	return strchr(pattern, '*') ? fit(pattern, name, &size) != NULL
				    : strcmp(pattern, name) == 0;
}

/* The longest that fits, as LiteLLM takes it; a '*' that somebody typed is none of a name. */
static const char *longest_pattern(const struct settings *settings, const char *name)
{
	const char *longest = NULL;
	size_t size;

	for (size_t i = 0; i < settings->entry_count && !strchr(name, '*'); i++) {
		const struct entry *entry = &settings->entries[i];

		if (entry->is_pattern && fit(entry->model_name, name, &size) &&
		    (!longest || strlen(entry->model_name) > strlen(longest)))
			longest = entry->model_name;
	}
	return longest;
}

struct match {
	const char *pattern; /* borrowed; NULL: none fits */
	char *name;          /* what fitted: the name, or with its provider before it */
};

/* "gpt-4o" is openai/gpt-4o, too, where it fits nothing by itself. Return: 0; -ENOMEM */
static int find_match(const struct settings *settings, const char *name, struct match *ret)
{
	const struct provider *provider;
	char near[PROVIDER_NEAR_BYTES];
	const char *model;

	ret->pattern = longest_pattern(settings, name);
	if (ret->pattern)
		ret->name = strdup(name);
	else if (provider_map(name, NULL, &provider, &model, near, sizeof(near)) == 0)
		ret->name = text_format("%s%s", provider->prefixes[0], model);
	else
		return 0;
	if (ret->name && !ret->pattern)
		ret->pattern = longest_pattern(settings, ret->name);
	return ret->name ? 0 : -ENOMEM;
}

/* The entry as it is for that name: what stood for its '*' stands for its model's. */
static int add_matching(const struct config *config, const struct entry *pattern,
			const struct match *match, const struct wanted *wanted,
			struct route_list *list)
{
	struct entry entry = *pattern;
	size_t size = 0, head = strcspn(pattern->model, "*");
	const char *part = fit(pattern->model_name, match->name, &size);
	char *model = NULL;
	int r;

	if (pattern->model[head]) {
		model = text_format("%.*s%.*s%s", (int)head, pattern->model, (int)size, part,
				    pattern->model + head + 1);
		if (!model)
			return -ENOMEM;
		entry.model = model;
	}
	entry.model_name = wanted->name;
	entry.is_pattern = false;
	r = add_entry(config, &entry, wanted, list);
	free(model);
	return r;
}

/* ---- names */

/* All entries of that name. *ret_found: whether there is one. */
static int add_exact(const struct config *config, const struct wanted *wanted,
		     struct route_list *list, bool *ret_found)
{
	int r = 0;

	*ret_found = false;
	for (size_t i = 0; r == 0 && i < config->settings.entry_count; i++) {
		const struct entry *entry = config->by_order[i];

		if (entry->is_pattern || strcmp(entry->model_name, wanted->name) != 0)
			continue;
		*ret_found = true;
		r = add_entry(config, entry, wanted, list);
	}
	return r;
}

/* All entries of the pattern that the name fits best. */
static int add_matches(const struct config *config, const struct wanted *wanted,
		       struct route_list *list, bool *ret_found)
{
	struct match match = {0};
	int r = find_match(&config->settings, wanted->name, &match);

	*ret_found = match.pattern != NULL;
	for (size_t i = 0; r == 0 && *ret_found && i < config->settings.entry_count; i++)
		if (strcmp(config->by_order[i]->model_name, match.pattern) == 0)
			r = add_matching(config, config->by_order[i], &match, wanted, list);
	free(match.name);
	return r;
}

static bool has_exact(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->entry_count; i++)
		if (strcmp(settings->entries[i].model_name, name) == 0)
			return true;
	return false;
}

int config_has(const struct settings *settings, const char *name)
{
	struct match match = {0};
	int r;

	if (has_exact(settings, name))
		return 1;
	r = find_match(settings, name, &match);
	free(match.name);
	return r == 0 ? match.pattern != NULL : r;
}

/* The routes of the model list, or else the name by itself. */
static int add_name(const struct config *config, const char *said, uint32_t after_classes,
		    struct route_list *list)
{
	struct wanted wanted = {config_alias(&config->settings, said), NULL, after_classes};
	bool found;
	int r;

	if (wanted.name != said)
		wanted.alias = said;
	r = add_exact(config, &wanted, list, &found);
	if (r == 0 && !found)
		r = add_matches(config, &wanted, list, &found);
	return r == 0 && !found ? add_unlisted(config, &wanted, list) : r;
}

static int add_names(const struct config *config, const char *const *names, size_t count,
		     uint32_t after_classes, struct route_list *list)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_name(config, names[i], after_classes, list);
	return r;
}

/* ---- fallbacks */

static const struct name_list *fallbacks_under(const struct fallback_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].name, name) == 0)
			return &list->items[i].to;
	return NULL;
}

/* What the list says of a name under the first of these that it has. NULL: nothing. */
static const struct name_list *fallbacks_of(const struct fallback_list *list,
					    const char *const *names)
{
	const struct name_list *to = NULL;

	for (; !to && *names; names++)
		to = fallbacks_under(list, *names);
	return to;
}

/* @names: all that the primary goes by, the nearest first; NULL ends them */
static int add_fallbacks_of(const struct config *config, const char *const *names,
			    struct route_list *list)
{
	const struct settings *settings = &config->settings;
	const struct {
		const struct fallback_list *list;
		const struct name_list *otherwise;
		uint32_t after_classes;
	} kinds[] = {
		{&settings->fallbacks, &settings->default_fallbacks, 0},
		{&settings->context_window_fallbacks, NULL, 1u << LULL_CLASS_CONTEXT_WINDOW},
		{&settings->content_policy_fallbacks, NULL, 1u << LULL_CLASS_CONTENT_POLICY},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct name_list *to = fallbacks_of(kinds[i].list, names);

		if (!to)
			to = kinds[i].otherwise;
		if (to)
			r = add_names(config, to->names, to->count, kinds[i].after_classes, list);
	}
	return r;
}

static int add_configured_fallbacks(const struct config *config, const char *primary,
				    struct route_list *list)
{
	const char *name = config_alias(&config->settings, primary);
	struct match match = {0};
	int r = find_match(&config->settings, name, &match);

	if (r == 0) {
		const char *any = match.pattern ? match.pattern : "*";
		const char *const names[] = {primary, name, any, "*", NULL};

		r = add_fallbacks_of(config, names, list);
	}
	free(match.name);
	return r;
}

static int add_listed(const struct config *config, const struct listed_model *listed,
		      struct route_list *list)
{
	uint32_t first = list->count;
	int r = add_name(config, listed->name, 0, list);

	for (uint32_t i = first; r == 0 && i < list->count; i++)
		r = copy_text(listed->members, &list->routes[i].members);
	return r;
}

int config_routes(const struct config *config, const char *primary,
		  const struct listed_model *fallbacks, size_t fallback_count,
		  struct route_list *ret_list)
{
	struct route_list list = {0};
	int r = add_name(config, primary, 0, &list);

	for (size_t i = 0; r == 0 && i < fallback_count; i++)
		r = add_listed(config, &fallbacks[i], &list);
	if (r == 0 && !fallbacks)
		r = add_configured_fallbacks(config, primary, &list);
	if (r == 0)
		*ret_list = list;
	else
		route_list_deinit(&list);
	return r;
}

/* ---- what is configured */

/* More than one call could use, so without that limit. */
int config_all_routes(const struct config *config, struct route_list *ret_list)
{
	struct route_list list = {0};
	size_t count = config->settings.entry_count;
	int r = 0;

	list.routes = calloc(count ? count : 1, sizeof(*list.routes));
	if (!list.routes)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = resolve_entry(config, &config->settings.entries[i], 0,
				  &list.routes[list.count]);
		if (r == 0)
			list.count++;
	}
	if (r == 0)
		*ret_list = list;
	else
		route_list_deinit(&list);
	return r;
}

/* What has a '*' is a pattern's, which stands for no model. */
static bool has_name(const struct http_route *route, const char *name)
{
	if (strchr(name, '*'))
		return false;
	if (strcmp(route->name, name) == 0)
		return true;
	for (size_t i = 0; i < LULL_NAMES_MAX && route->call.names[i]; i++)
		if (strcmp(route->call.names[i], name) == 0)
			return true;
	return false;
}

/* Leaves the routes that have the name. */
static void keep_named(struct route_list *list, const char *name)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		if (has_name(&list->routes[i], name))
			list->routes[kept++] = list->routes[i];
		else
			http_route_deinit(&list->routes[i]);
	}
	list->count = kept;
}

/* The name by itself, unless it has a problem. */
static int add_usable(const struct config *config, const struct wanted *wanted,
		      struct route_list *list)
{
	int r = add_unlisted(config, wanted, list);

	if (r == 0 && list->routes[list->count - 1].problem)
		http_route_deinit(&list->routes[--list->count]);
	return r;
}

int config_named_routes(const struct config *config, const char *said, struct route_list *ret_list)
{
	struct wanted wanted = {.name = config_alias(&config->settings, said)};
	struct route_list list = {0};
	int r = config_all_routes(config, &list);
	bool found;

	if (r < 0)
		return r;
	keep_named(&list, wanted.name);
	found = list.count > 0;
	if (!found)
		r = add_matches(config, &wanted, &list, &found);
	if (r == 0 && !found)
		r = add_usable(config, &wanted, &list);
	if (r == 0)
		*ret_list = list;
	else
		route_list_deinit(&list);
	return r;
}

int route_list_limit(struct route_list *list, const char *text, char *error)
{
	char name[LULL_KEY_BYTES_MAX + 1], what[128];
	struct lull_limits checked = {0};
	size_t size = 0;
	bool found = false;

	if (lull_limits_parse(text, &size, &checked, what, sizeof(what)) != 0) {
		(void)snprintf(error, CONFIG_MESSAGE_BYTES_MAX, "'%s': %s", text, what);
		return -EINVAL;
	}
	(void)snprintf(name, sizeof(name), "%.*s", (int)size, text);
	for (uint32_t i = 0; i < list->count && size < sizeof(name); i++) {
		struct lull_limits *limits = &list->routes[i].call.limits;

		if (!has_name(&list->routes[i], name))
			continue;
		(void)lull_limits_parse(text, &size, limits, what, sizeof(what));
		found = true;
	}
	if (found)
		return 0;
	(void)snprintf(error, CONFIG_MESSAGE_BYTES_MAX,
		       "'%s': no model of this call is called '%s'", text, name);
	return -EINVAL;
}

static bool is_told_before(const struct settings *settings, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(settings->entries[i].model_name, settings->entries[index].model_name) ==
		    0)
			return true;
	return false;
}

int config_names(const struct config *config, int (*fn)(const char *name, void *userdata),
		 void *userdata)
{
	const struct settings *settings = &config->settings;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < settings->entry_count; i++)
		if (!settings->entries[i].is_pattern && !is_told_before(settings, i))
			rc = fn(settings->entries[i].model_name, userdata);
	for (size_t i = 0; rc == 0 && i < settings->aliases.count; i++)
		rc = fn(settings->aliases.items[i].name, userdata);
	return rc;
}

/* Whom to ask, the environment says by a key; where none is needed, by an address. */
static int environment_lists(const struct settings *settings, const char *name)
{
	const struct provider *provider;
	char near[PROVIDER_NEAR_BYTES];
	const char *model, *variable;

	if (provider_map(name, NULL, &provider, &model, near, sizeof(near)) != 0 ||
	    !provider->local)
		return 1;
	return environment_first(provider->base_variables, &variable) ||
	       settings_own_variable(settings, provider->base_variables, &variable);
}

/* It fits a '*' that leaves the provider, and so the address, to who asks. */
static int is_open(const struct settings *settings, const char *name)
{
	struct match match = {0};
	int r = has_exact(settings, name) ? 0 : find_match(settings, name, &match);

	for (size_t i = 0; r == 0 && match.pattern && i < settings->entry_count; i++) {
		const struct entry *entry = &settings->entries[i];

		r = strcmp(entry->model_name, match.pattern) == 0 && entry->model[0] == '*' &&
		    !entry->api_base;
	}
	free(match.name);
	return r;
}

int config_lists(const struct config *config, const char *name)
{
	const struct settings *settings = &config->settings;
	int r;

	name = config_alias(settings, name);
	if (settings->entry_count == 0)
		return environment_lists(settings, name);
	r = config_has(settings, name);
	if (r != 1)
		return r;
	r = is_open(settings, name);
	return r == 1 ? environment_lists(settings, name) : r == 0 ? 1 : r;
}

const char *config_first_model(const struct config *config)
{
	for (size_t i = 0; i < config->settings.entry_count; i++)
		if (!config->settings.entries[i].is_pattern)
			return config->settings.entries[i].model_name;
	return NULL;
}

int route_keys(const struct http_route *route,
	       int (*fn)(uint32_t kind, const char *key, void *userdata), void *userdata)
{
	const struct lull_route *call = &route->call;
	const struct {
		enum lull_kind kind;
		const char *key;
	} keys[] = {
		{LULL_KIND_ROUTE, call->route_key},
		{LULL_KIND_CREDENTIAL, call->credential_key},
		{LULL_KIND_ENDPOINT, call->endpoint_key},
	};
	int r = 0;

	if (!call->route_key)
		return 0;
	for (size_t i = 0; r == 0 && i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].key)
			r = fn(keys[i].kind, keys[i].key, userdata);
	for (size_t i = 0; r == 0 && i < LULL_NAMES_MAX && call->names[i]; i++)
		r = fn(LULL_KIND_NAME, call->names[i], userdata);
	return r;
}
