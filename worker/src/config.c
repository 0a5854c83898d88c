/* SPDX-License-Identifier: MIT */
/*
 * The configuration as a whole: where it is, reading it, and the questions that the rest of the
 * worker asks: which routes, which options, which table.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema.h"
#include "text.h"

/* ---- making */

static struct config *config_new(struct report *report)
{
	struct config *config = calloc(1, sizeof(*config));

	if (!config)
		return NULL;
	config->tree.report = report;
	settings_init(&config->settings);
	return config;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	arena_deinit(&config->tree.arena);
	free(config->by_order);
	free(config->path);
	free(config->own_table);
	free(config);
}

/* ---- order */

static int by_order(const void *a, const void *b)
{
	const struct entry *left = *(const struct entry *const *)a;
	const struct entry *right = *(const struct entry *const *)b;

	if (left->order != right->order)
		return left->order < right->order ? -1 : 1;
	return left < right ? -1 : 1; /* as listed: they stand in one array */
}

static int sort_entries(struct config *config)
{
	size_t count = config->settings.entry_count;

	if (count == 0)
		return 0;
	config->by_order = calloc(count, sizeof(struct entry *));
	if (!config->by_order)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		config->by_order[i] = &config->settings.entries[i];
	qsort(config->by_order, count, sizeof(struct entry *), by_order);
	return 0;
}

/* ---- reading */

static int read_into(struct config *config, const char *bytes, size_t size, bool is_json,
		     mode_t mode)
{
	struct tree *tree = &config->tree;
	struct node *root;

	if (size > NODE_BYTES_MAX) {
		report_error(tree->report, 0, "over %u bytes", NODE_BYTES_MAX);
		return 0;
	}
	root = is_json ? json_read_tree(tree, bytes, size) : yaml_read_tree(tree, bytes, size);
	if (root && !node_is_null(root))
		schema_read(tree, root, &config->settings);
	if (!tree->report->out_of_memory)
		config_check(config, mode);
	return tree->report->errors == 0 ? sort_entries(config) : 0;
}

/* @mode: of the file; 0: there is none */
static int read_bytes(const char *name, const char *bytes, size_t size, bool is_json, mode_t mode,
		      config_message_fn message, void *userdata, struct config **ret_config)
{
	struct report report = {.file = name};
	struct config *config = config_new(&report);
	int r;

	if (!config)
		return -ENOMEM;
	config->path = strdup(name);
	r = config->path ? read_into(config, bytes, size, is_json, mode) : -ENOMEM;
	if (r == 0 && report.out_of_memory)
		r = -ENOMEM;
	if (r == 0 && report.errors > 0)
		r = -EINVAL;
	report_deliver(&report, message, userdata);
	config->tree.report = NULL;
	if (r == 0)
		*ret_config = config;
	else
		config_free(config);
	return r;
}

int config_read_bytes(const char *name, const char *bytes, size_t size, bool is_json,
		      config_message_fn message, void *userdata, struct config **ret_config)
{
	return read_bytes(name, bytes, size, is_json, 0, message, userdata, ret_config);
}

/* ---- files */

struct file {
	char *bytes; /* may hold keys */
	size_t size;
	mode_t mode; /* 0: no regular file */
};

static void file_deinit(struct file *file)
{
	if (file->bytes)
		explicit_bzero(file->bytes, file->size);
	free(file->bytes);
}

/* One byte more than allowed is read, so that a longer file shows. Return: 0; negative errno. */
static int file_read(const char *path, struct file *ret)
{
	struct file file = {.bytes = malloc(NODE_BYTES_MAX + 1)};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat status;
	ssize_t n = 1;
	int r = 0;

	if (fd < 0 || fstat(fd, &status) != 0)
		r = -errno;
	else if (!file.bytes)
		r = -ENOMEM;
	else if (S_ISREG(status.st_mode))
		file.mode = status.st_mode;
	while (r == 0 && n > 0 && file.size <= NODE_BYTES_MAX) {
		n = read(fd, file.bytes + file.size, NODE_BYTES_MAX + 1 - file.size);
		if (n < 0)
			r = -errno;
		else
			file.size += (size_t)n;
	}
	if (fd >= 0)
		(void)close(fd);
	if (r == 0)
		*ret = file;
	else
		file_deinit(&file);
	return r;
}

static bool is_json_name(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && strcasecmp(dot, ".json") == 0;
}

static void cannot_read(const char *path, int error, config_message_fn message, void *userdata)
{
	char line[CONFIG_MESSAGE_BYTES_MAX];

	(void)snprintf(line, sizeof(line), "%s: cannot be read: %s", path, strerror(-error));
	if (message)
		message(line, true, userdata);
}

static int load_file(const char *path, config_message_fn message, void *userdata,
		     struct config **ret_config)
{
	struct file file = {0};
	int r = file_read(path, &file);

	if (r < 0) {
		cannot_read(path, r, message, userdata);
		return r == -ENOENT || r == -ENOMEM ? r : -EINVAL;
	}
	r = read_bytes(path, file.bytes, file.size, is_json_name(path), file.mode, message,
		       userdata, ret_config);
	file_deinit(&file);
	return r;
}

/* DIR/lull/config.{yaml,yml,json}. Return: 0 and *ret_path, NULL when there is none; -ENOMEM. */
static int find_in(const char *directory, const char *below, char **ret_path)
{
	static const char *const endings[] = {"yaml", "yml", "json"};

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		char *path = text_format("%s%s/lull/config.%s", directory, below, endings[i]);

		if (!path)
			return -ENOMEM;
		if (access(path, F_OK) == 0) {
			*ret_path = path;
			return 0;
		}
		free(path);
	}
	return 0;
}

static int find_file(char **ret_path)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int r = 0;

	*ret_path = NULL;
	if (xdg && xdg[0] == '/')
		r = find_in(xdg, "", ret_path);
	else if (home && home[0] == '/')
		r = find_in(home, "/.config", ret_path);
	if (r == 0 && !*ret_path)
		r = find_in("/etc", "", ret_path);
	return r;
}

int config_load(const char *path, config_message_fn message, void *userdata,
		struct config **ret_config)
{
	const char *variable = getenv("LULL_CONFIG");
	char *found;
	int r;

	if (path)
		return load_file(path, message, userdata, ret_config);
	if (variable && variable[0])
		return load_file(variable, message, userdata, ret_config);
	r = find_file(&found);
	if (r < 0)
		return r;
	if (!found) {
		*ret_config = config_new(NULL);
		return *ret_config ? 0 : -ENOMEM;
	}
	r = load_file(found, message, userdata, ret_config);
	free(found);
	return r;
}

const char *config_path(const struct config *config)
{
	return config->path;
}

/* ---- routes */

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

static int add_entry(const struct config *config, const struct entry *entry, uint32_t after_classes,
		     struct route_list *list)
{
	int r;
	struct http_route *route = list_add(list, &r);

	if (!route)
		return r;
	r = resolve_entry(config, entry, after_classes, route);
	if (r == 0)
		list->count++;
	return r;
}

/* All entries of that name, or the name by itself. */
static int add_name(const struct config *config, const char *name, uint32_t after_classes,
		    struct route_list *list)
{
	struct http_route *route;
	bool found = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->settings.entry_count; i++) {
		if (strcmp(config->by_order[i]->model_name, name) != 0)
			continue;
		found = true;
		r = add_entry(config, config->by_order[i], after_classes, list);
	}
	if (found)
		return r;
	route = list_add(list, &r);
	if (!route)
		return r;
	r = resolve_name(config, name, after_classes, route);
	if (r == 0)
		list->count++;
	return r;
}

static int add_names(const struct config *config, const char *const *names, size_t count,
		     uint32_t after_classes, struct route_list *list)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_name(config, names[i], after_classes, list);
	return r;
}

/* What the list says of that name, or else of "*". NULL: nothing. */
static const struct name_list *fallbacks_of(const struct fallback_list *list, const char *name)
{
	const struct name_list *any = NULL;

	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->items[i].name, name) == 0)
			return &list->items[i].to;
		if (strcmp(list->items[i].name, "*") == 0)
			any = &list->items[i].to;
	}
	return any;
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
		const struct name_list *to = fallbacks_of(kinds[i].list, primary);

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
	int r;
	struct http_route *route = list_add(list, &r);

	if (!route)
		return r;
	r = resolve_name(config, name, 0, route);
	if (r == 0 && route->problem)
		http_route_deinit(route);
	else if (r == 0)
		list->count++;
	return r;
}

int config_named_routes(const struct config *config, const char *name, struct route_list *ret_list)
{
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

/* ---- options */

static void set_if_said(uint32_t *option, uint32_t said)
{
	if (said != LULL_UNSET)
		*option = said;
}

void config_call_options(const struct config *config, struct lull_call_options *options)
{
	const struct settings *settings = &config->settings;

	set_if_said(&options->policy, settings->policy);
	set_if_said(&options->when_cooling, settings->when_cooling);
	set_if_said(&options->budget_ms, settings->budget_ms);
	set_if_said(&options->num_retries, settings->num_retries);
	if (settings->allowed_fails != LULL_UNSET)
		options->soft_failures = settings->allowed_fails + 1;
	set_if_said(&options->soft_failures, settings->soft_failures);
	set_if_said(&options->probe, settings->probe);
	set_if_said(&options->max_cooldown_ms, settings->max_cooldown_ms);
	set_if_said(&options->cooldown_ms, settings->cooldown_ms);
	options->rules = settings->rules;
	options->rule_count = settings->rule_count;
}

const char *config_table(const struct config *config)
{
	return config->settings.table ? config->settings.table : config->own_table;
}
