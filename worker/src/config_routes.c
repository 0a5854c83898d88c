/* SPDX-License-Identifier: MIT */
/* From names to the routes of a call: what the model list has under a name, and who falls back to
 * whom. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "settings.h"

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

static int add_entry(const struct config *config, const struct entry *entry, const char *alias,
		     uint32_t after_classes, struct route_list *list)
{
	struct entry called = *entry;
	int r;
	struct http_route *route = list_add(list, &r);

	if (!route)
		return r;
	called.alias = alias;
	r = resolve_entry(config, &called, after_classes, route);
	if (r == 0)
		list->count++;
	return r;
}

static int add_unlisted(const struct config *config, const char *name, const char *alias,
			uint32_t after_classes, struct route_list *list)
{
	struct entry entry;

	entry_init(&entry, 0);
	entry.model_name = entry.model = name;
	return add_entry(config, &entry, alias, after_classes, list);
}

const char *config_alias(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->aliases.count; i++)
		if (strcmp(settings->aliases.items[i].name, name) == 0)
			return settings->aliases.items[i].to;
	return name;
}

/* All entries of that name, or the name by itself. */
static int add_name(const struct config *config, const char *said, uint32_t after_classes,
		    struct route_list *list)
{
	const char *name = config_alias(&config->settings, said);
	const char *alias = name == said ? NULL : said;
	bool found = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->settings.entry_count; i++) {
		if (strcmp(config->by_order[i]->model_name, name) != 0)
			continue;
		found = true;
		r = add_entry(config, config->by_order[i], alias, after_classes, list);
	}
	return found ? r : add_unlisted(config, name, alias, after_classes, list);
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

/* What the list says of that name, of what it is an alias for, or else of "*". NULL: nothing. */
static const struct name_list *fallbacks_of(const struct settings *settings,
					    const struct fallback_list *list, const char *said)
{
	const char *const names[] = {said, config_alias(settings, said), "*"};
	const struct name_list *to = NULL;

	for (size_t i = 0; !to && i < sizeof(names) / sizeof(names[0]); i++)
		to = fallbacks_under(list, names[i]);
	return to;
}

static int add_configured_fallbacks(const struct config *config, const char *primary,
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
		const struct name_list *to = fallbacks_of(settings, kinds[i].list, primary);

		if (!to)
			to = kinds[i].otherwise;
		if (to)
			r = add_names(config, to->names, to->count, kinds[i].after_classes, list);
	}
	return r;
}

int config_routes(const struct config *config, const char *primary, const char *const *fallbacks,
		  size_t fallback_count, struct route_list *ret_list)
{
	struct route_list list = {0};
	int r = add_name(config, primary, 0, &list);

	if (r == 0 && fallback_count > 0)
		r = add_names(config, fallbacks, fallback_count, 0, &list);
	else if (r == 0)
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

static bool has_name(const struct http_route *route, const char *name)
{
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

/* The name by itself, by the rules of provider.h and the environment, unless it has a problem. */
static int add_usable(const struct config *config, const char *name, struct route_list *list)
{
	int r = add_unlisted(config, name, NULL, 0, list);

	if (r == 0 && list->routes[list->count - 1].problem)
		http_route_deinit(&list->routes[--list->count]);
	return r;
}

int config_named_routes(const struct config *config, const char *said, struct route_list *ret_list)
{
	const char *name = config_alias(&config->settings, said);
	struct route_list list = {0};
	int r = config_all_routes(config, &list);

	if (r < 0)
		return r;
	keep_named(&list, name);
	if (list.count == 0)
		r = add_usable(config, name, &list);
	if (r == 0)
		*ret_list = list;
	else
		route_list_deinit(&list);
	return r;
}
