/* SPDX-License-Identifier: MIT */
/*
 * A configuration as it is kept once read: what the file said, typed, and nothing else. The schema
 * fills it, config.c and resolve.c use it. All strings live in the tree's arena.
 */
#ifndef LULL_WORKER_SETTINGS_H
#define LULL_WORKER_SETTINGS_H

#include <sys/types.h>

#include "node.h"
#include "route.h"

/* Numbers: LULL_UNSET = the file does not say. Strings and lists: NULL, count 0. */

struct limits { /* of a route, where LiteLLM has no name for them */
	uint32_t connect_ms, first_content_ms, idle_ms, total_ms;
	uint32_t stream_upstream;      /* 0, 1 */
	struct lull_limits credential; /* rpm, tpm, parallel */
	uint32_t burst_ms;             /* of both kinds of rates */
	const char *ca_file;
	const char *proxy; /* "" = none, whatever the environment says */
};

struct header {
	const char *name;
	const char *value;
};

struct entry { /* of model_list */
	unsigned line;
	bool is_pattern; /* model_name has a '*': it stands for many, and is no model itself */
	const char *model_name;
	const char *alias; /* of a call: what it said for model_name; NULL: just that */
	const char *model;
	const char *api_base;
	const char *api_key; /* as written: a key, "os.environ/NAME" or "file:/path" */
	unsigned api_key_line;
	const char *token; /* azure_ad_token, written as api_key is */
	const char *api_version, *vertex_project, *vertex_location, *aws_region_name;
	const char *organization;
	const char *provider; /* custom_llm_provider */
	const char *id;
	const char *problem; /* why no call can use it: one sentence; NULL none */
	uint32_t timeout_ms, stream_timeout_ms, cooldown_ms, order;
	struct lull_limits together; /* rpm, tpm, parallel: of all processes */
	struct header *headers;
	size_t header_count;
	const char *defaults;   /* members of a JSON object, without its braces */
	const char *extra_body; /* JSON */
	struct limits limits;
};

struct name_list {
	const char **names;
	unsigned line;
	size_t count;
};

struct fallback {
	const char *name; /* who falls back; "*" = whoever has none of its own */
	unsigned line;
	struct name_list to;
};

struct fallback_list {
	struct fallback *items;
	size_t count;
};

struct pair {
	const char *name;
	const char *value; /* may be a secret */
	unsigned line;
};

struct pair_list {
	struct pair *items;
	size_t count;
};

/* Somebody who may ask the gateway. */
struct gateway_key {
	unsigned line;
	const char *name;
	const char *key;         /* as an api_key is written, or "sha256:HEX"; NULL: none */
	const char *user;        /* of this host, at the other end of a unix socket; NULL: none */
	struct name_list models; /* none: all of them */
};

struct gateway_settings {
	const char *master_key; /* LiteLLM's: a key for everything */
	struct gateway_key *keys;
	size_t key_count;
	uint32_t max_connections, max_memory_mib;
	uint32_t head_timeout_ms, body_timeout_ms, idle_timeout_ms;
};

struct settings {
	struct pair_list variables; /* environment_variables */
	struct entry *entries;
	size_t entry_count;
	struct pair_list aliases; /* to names, taken as if they stood there themselves */
	struct fallback_list fallbacks, context_window_fallbacks, content_policy_fallbacks;
	struct name_list default_fallbacks;
	uint32_t budget_ms, when_cooling, policy, probe, soft_failures, allowed_fails;
	uint32_t cooldown_ms, max_cooldown_ms, num_retries, timeout_ms, stream_timeout_ms;
	uint32_t disable_cooldowns;
	uint32_t max_parallel; /* of routes that say none */
	const char *table;     /* without a '/' in front */
	unsigned table_line;
	const char *on_event; /* a command; NULL: none */
	struct lull_rule *rules;
	uint32_t rule_count;
	struct limits limits; /* of routes that say nothing themselves */
	struct gateway_settings gateway;
};

struct config {
	struct tree tree;
	struct settings settings;
	const struct entry **by_order; /* all entries: by `order`, then as listed */
	char *path;                    /* NULL: no file */
	char *own_table;               /* policy tutorial without a table; else NULL */
};

void settings_init(struct settings *settings);       /* all unset */
void entry_init(struct entry *entry, unsigned line); /* likewise */

/*
 * config_check.c: reports to config->tree.report, sets config->own_table.
 * @mode: permissions of the file; 0: there is none
 */
void config_check(struct config *config, mode_t mode);

/* config_routes.c: what the name stands for where it is an alias, else the name. */
const char *config_alias(const struct settings *settings, const char *name);
/* config_routes.c: whether an entry has that name, or a pattern that it fits. Return: 1; 0; -ENOMEM
 */
int config_has(const struct settings *settings, const char *name);

/* config_check.c: the model_name or alias that may have been meant; NULL: none is near. */
const char *config_near(const struct settings *settings, const char *name);

/*
 * Variables of the environment, or else of the file: LiteLLM puts the latter into the environment
 * where they are not set. NULL: neither has it, or it is empty. Borrowed.
 */
const char *settings_variable(const struct settings *settings, const char *name);
/* The first of the names (NULL ends them) that the file has. NULL none */
const char *settings_own_variable(const struct settings *settings, const char *const *names,
				  const char **ret_name);

/*
 * What a configured secret stands for: itself, or what "os.environ/NAME" or "file:/path" lead to.
 * Owned by the caller, text_free_secret(). Return: 0; -ENOENT a variable that is not set, -EINVAL
 * there is nothing, or no text; else why the file cannot be read.
 */
int settings_secret(const struct settings *settings, const char *text, char **ret);

#define REFERENCE_VARIABLE "os.environ/"
#define REFERENCE_FILE     "file:"
#define REFERENCE_DIGEST   "sha256:" /* of a key of the gateway */

/* resolve.c: an entry as a route; what is not usable gets a problem. Return: 0; -ENOMEM. */
int resolve_entry(const struct config *config, const struct entry *entry, uint32_t after_classes,
		  struct http_route *ret_route);
void http_route_deinit(struct http_route *route);

#endif
