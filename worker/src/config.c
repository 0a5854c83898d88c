/* SPDX-License-Identifier: MIT */
/*
 * The configuration as a whole: where it is, reading it, and the questions that the rest of the
 * worker asks: which options, which table; which routes is config_routes.c's.
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

/*
 * A supervisor hands a copy of the file on: /proc/self/fd/N, a memfd that is named after the file.
 * Messages are to speak of that, and its ending says how to read it.
 * @buffer: COPY_NAME_BYTES_MAX
 */
#define COPY_NAME_BYTES_MAX 300 /* the kernel's limit is 249, and some around it */
static const char *name_of(const char *path, char *buffer)
{
	static const char proc[] = "/proc/self/fd/", begin[] = "/memfd:", end[] = " (deleted)";
	ssize_t length;

	if (strncmp(path, proc, strlen(proc)) != 0)
		return path;
	length = readlink(path, buffer, COPY_NAME_BYTES_MAX - 1);
	if (length <= (ssize_t)(strlen(begin) + strlen(end)) ||
	    strncmp(buffer, begin, strlen(begin)) != 0)
		return path;
	buffer[(size_t)length - strlen(end)] = '\0';
	return buffer + strlen(begin);
}

static int load_file(const char *path, config_message_fn message, void *userdata,
		     struct config **ret_config)
{
	struct file file = {0};
	char buffer[COPY_NAME_BYTES_MAX];
	const char *const name = name_of(path, buffer);
	int r = file_read(path, &file);

	if (r < 0) {
		cannot_read(name, r, message, userdata);
		return r == -ENOENT || r == -ENOMEM ? r : -EINVAL;
	}
	r = read_bytes(name, file.bytes, file.size, is_json_name(name), file.mode, message,
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

const char *config_on_event(const struct config *config)
{
	return config->settings.on_event;
}
