/* SPDX-License-Identifier: MIT */
/*
 * Configuration: LiteLLM's form (model_list, router_settings, litellm_settings, general_settings)
 * plus Lull's own settings under `lull:`, from YAML or JSON, by one schema table. Without a file,
 * well-known names work from the environment.
 */
#ifndef LULL_WORKER_CONFIG_H
#define LULL_WORKER_CONFIG_H

#include <stdio.h>

#include "route.h"

struct config; /* immutable once loaded */

#define CONFIG_MESSAGE_BYTES_MAX 512

/* Called once per warning or error with the whole line ("lull.yaml:12: unknown key 'modle_list',
 * did you mean 'model_list'?"), no newline. */
typedef void (*config_message_fn)(const char *line, bool is_error, void *userdata);

/*
 * Finds and reads the configuration.
 * @path: from -c; NULL: $LULL_CONFIG, $XDG_CONFIG_HOME/lull/config.{yaml,yml,json} (~/.config),
 * /etc/lull/config.…; none there = empty configuration
 *
 * Return: 0; -ENOENT @path (or $LULL_CONFIG) does not exist; -EINVAL anything else is wrong with
 * it; -ENOMEM. Every error but a lack of memory was reported, and all of the file's, not only the
 * first.
 */
int config_load(const char *path, config_message_fn message, void *userdata,
		struct config **ret_config);
/* The same for bytes in memory, at most 1 MiB. @name: stands in messages. 0; -EINVAL; -ENOMEM. */
int config_read_bytes(const char *name, const char *bytes, size_t size, bool is_json,
		      config_message_fn message, void *userdata, struct config **ret_config);
void config_free(struct config *config);
const char *config_path(const struct config *config); /* NULL: none was read */

/* A model of a list that a caller gives. */
struct listed_model {
	const char *name;
	const char *members; /* JSON object: to be put into the requests to it; NULL: nothing */
};

/*
 * Routes for a call, in order: every entry of `primary` (by `order`, then as listed), then of each
 * fallback; without fallbacks given (NULL) the configured ones (router_settings.fallbacks /
 * litellm_settings.fallbacks for that name, else default_fallbacks), context_window_fallbacks and
 * content_policy_fallbacks with their call.after_classes. A name is an alias, a model_name, fits
 * the '*' of one, or else is mapped by provider_map() and the environment; what cannot be used
 * stays in the list with its `problem`.
 * Return: 0; -ENOMEM; -E2BIG more than LULL_ROUTES_MAX.
 */
int config_routes(const struct config *config, const char *primary,
		  const struct listed_model *fallbacks, size_t fallback_count,
		  struct route_list *ret_list);

/*
 * Limits of all routes of a name, as a person types them: "fast:rpm=60,parallel=4", before what the
 * configuration says of them.
 * @error: CONFIG_MESSAGE_BYTES_MAX, a sentence
 * Return: 0; -EINVAL it is none, or no route of the list has that name.
 */
int route_list_limit(struct route_list *list, const char *text, char *error);

/* The model_name listed first; NULL: there is none but patterns. Borrowed from config. */
const char *config_first_model(const struct config *config);

/*
 * Tells every name that can be asked for: each model_name once, but patterns, then the aliases.
 * Borrowed from config. Return: 0, or the first other value that fn returned.
 */
int config_names(const struct config *config, int (*fn)(const char *name, void *userdata),
		 void *userdata);
/* It is that name, or fits its '*'. */
bool config_name_fits(const char *pattern, const char *name);
/*
 * A name, an alias or what fits a pattern of the model list; without a list, any name but of a
 * provider that needs no key and whose address nobody has said. Return: 1; 0; -ENOMEM.
 */
int config_lists(const struct config *config, const char *name);

/* Every configured route, as listed (for `config show`); a pattern's has '*' in its names, and is
 * none that could be called. Return: 0; -ENOMEM. */
int config_all_routes(const struct config *config, struct route_list *ret_list);

/*
 * The routes that a person means by a name: those with that model_name, upstream name or
 * provider/upstream; else, where the environment alone makes it usable, the name by itself. None:
 * an empty list. Return: 0; -ENOMEM.
 */
int config_named_routes(const struct config *config, const char *name, struct route_list *ret_list);

/* Fills what the file says, leaves the rest; *options was made by lull_call_options_init(). Rules
 * are borrowed from config. */
void config_call_options(const struct config *config, struct lull_call_options *options);
/* Table name of the file (`lull: {table:}`), or one of its own for policy tutorial, else NULL.
 * Borrowed from config. */
const char *config_table(const struct config *config);
/* The command that `lull serve` is to run; NULL: none. Borrowed. */
const char *config_on_event(const struct config *config);

/* `lull config show`: resolved routes and settings, secrets as "(hidden)"; json: {"v":1,…} */
int config_show(const struct config *config, bool json, FILE *out);

/* Durations: "100ms", "45s", "10m", "1h", "1.5s"; a bare number is seconds. 0; -EINVAL; -ERANGE
 * beyond uint32_t milliseconds. */
int duration_parse(const char *text, uint32_t *ret_ms);
/* The same the other way, in the largest unit that divides: "45s", "1500ms". @ret:
 * DURATION_BYTES_MAX */
#define DURATION_BYTES_MAX 16
void duration_format(uint32_t ms, char *ret);

#endif
