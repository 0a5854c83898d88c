/* SPDX-License-Identifier: MIT */
/*
 * `config show`: the configuration as it is understood, defaults included and secrets hidden. What
 * is known is put into one JSON object; programs get that, people get the same as indented lines.
 * Keys that end in _ms are milliseconds; people see "45s".
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <json.h>

#include "config.h"
#include "json_build.h"
#include "settings.h"
#include "text.h"
#include "url.h"

static const char hidden[] = "(hidden)";

/* ---- an object with every failure remembered */

struct builder {
	bool failed; /* no memory */
};

static struct json_object *new_object(struct builder *b)
{
	struct json_object *object = json_object_new_object();

	b->failed |= !object;
	return object;
}

/* Takes the value. */
static void put(struct builder *b, struct json_object *object, const char *key,
		struct json_object *value)
{
	if (!value || !object || json_object_object_add(object, key, value) != 0) {
		b->failed = true;
		json_object_put(value);
	}
}

static void put_text(struct builder *b, struct json_object *object, const char *key,
		     const char *text)
{
	char *plain = text ? strdup(text) : NULL;

	if (plain)
		text_make_plain(plain); /* the path of a file may be of any bytes */
	if (text)
		put(b, object, key, plain ? json_object_new_string(plain) : NULL);
	free(plain);
}

static void put_number(struct builder *b, struct json_object *object, const char *key,
		       uint32_t number)
{
	put(b, object, key, json_object_new_int64(number));
}

/* 0 and unset: nothing was said */
static void put_limit(struct builder *b, struct json_object *object, const char *key,
		      uint32_t limit)
{
	if (limit != 0 && limit != LULL_UNSET)
		put_number(b, object, key, limit);
}

static void put_names(struct builder *b, struct json_object *object, const char *key,
		      const struct name_list *list)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < list->count; i++) {
		struct json_object *name = json_object_new_string(list->names[i]);

		if (!name || json_object_array_add(array, name) != 0) {
			b->failed = true;
			json_object_put(name);
		}
	}
	put(b, object, key, array);
}

static void put_fallbacks(struct builder *b, struct json_object *object, const char *key,
			  const struct fallback_list *list)
{
	struct json_object *map;

	if (list->count == 0)
		return;
	map = new_object(b);
	for (size_t i = 0; i < list->count; i++)
		put_names(b, map, list->items[i].name, &list->items[i].to);
	put(b, object, key, map);
}

static void put_pairs(struct builder *b, struct json_object *object, const char *key,
		      const struct pair_list *list, bool is_secret)
{
	struct json_object *map;

	if (list->count == 0)
		return;
	map = new_object(b);
	for (size_t i = 0; i < list->count; i++)
		put_text(b, map, list->items[i].name, is_secret ? hidden : list->items[i].value);
	put(b, object, key, map);
}

/* ---- what there is to show */

static const char *word(const char *const *words, size_t count, uint32_t value)
{
	return value < count ? words[value] : "?";
}
#define WORD(words, value) word(words, sizeof(words) / sizeof((words)[0]), value)

static struct json_object *settings_object(struct builder *b, const struct config *config)
{
	static const char *const when_cooling[] = {"wait", "fail", "try"};
	static const char *const policies[] = {"default", "tutorial", "adaptive"};
	struct json_object *object = new_object(b);
	struct lull_call_options options;

	lull_call_options_init(&options);
	config_call_options(config, &options);
	put_number(b, object, "budget_ms", options.budget_ms);
	put_text(b, object, "when_cooling", WORD(when_cooling, options.when_cooling));
	put_text(b, object, "policy", WORD(policies, options.policy));
	put(b, object, "probe", json_object_new_boolean(options.probe != 0));
	put_number(b, object, "soft_failures", options.soft_failures);
	put_number(b, object, "num_retries", options.num_retries);
	put_number(b, object, "max_cooldown_ms", options.max_cooldown_ms);
	if (options.cooldown_ms != LULL_UNSET)
		put_number(b, object, "cooldown_time_ms", options.cooldown_ms);
	return object;
}

static struct json_object *key_object(struct builder *b, const struct gateway_key *key)
{
	struct json_object *object = new_object(b);

	put_text(b, object, "name", key->name);
	put_text(b, object, "key", key->key ? hidden : NULL);
	put_text(b, object, "user", key->user);
	if (key->models.count > 0)
		put_names(b, object, "models", &key->models);
	return object;
}

/* Only what the file says: the rest is the gateway's own. */
static void put_gateway(struct builder *b, struct json_object *object,
			const struct gateway_settings *settings)
{
	struct json_object *gateway = new_object(b);
	struct json_object *keys = settings->key_count > 0 ? json_object_new_array() : NULL;

	put_text(b, gateway, "master_key", settings->master_key ? hidden : NULL);
	put_limit(b, gateway, "max_connections", settings->max_connections);
	put_limit(b, gateway, "max_memory_mib", settings->max_memory_mib);
	put_limit(b, gateway, "head_timeout_ms", settings->head_timeout_ms);
	put_limit(b, gateway, "body_timeout_ms", settings->body_timeout_ms);
	put_limit(b, gateway, "idle_timeout_ms", settings->idle_timeout_ms);
	for (size_t i = 0; keys && i < settings->key_count; i++)
		b->failed |= json_append(keys, key_object(b, &settings->keys[i])) != 0;
	if (settings->key_count > 0)
		put(b, gateway, "keys", keys);
	if (gateway && json_object_object_length(gateway) > 0)
		put(b, object, "gateway", gateway);
	else
		json_object_put(gateway);
}

static struct json_object *rule_object(struct builder *b, const struct lull_rule *rule)
{
	static const char *const go[] = {"stop", "next"};
	static const char *const proof[] = {"none", "soft", "hard"};
	struct json_object *object = new_object(b);

	if (rule->go != LULL_UNSET)
		put_text(b, object, "go", WORD(go, rule->go));
	if (rule->proof != LULL_UNSET)
		put_text(b, object, "proof", WORD(proof, rule->proof));
	if (rule->scope != LULL_UNSET)
		put_text(b, object, "scope", lull_kind_name(rule->scope));
	if (rule->for_ms != LULL_UNSET)
		put_number(b, object, "cooldown_ms", rule->for_ms);
	return object;
}

static void put_rules(struct builder *b, struct json_object *object,
		      const struct settings *settings)
{
	struct json_object *rules;

	if (settings->rule_count == 0)
		return;
	rules = new_object(b);
	for (uint32_t i = 0; i < settings->rule_count; i++)
		put(b, rules, lull_class_info(settings->rules[i].class_id)->name,
		    rule_object(b, &settings->rules[i]));
	put(b, object, "on", rules);
}

/* Its scheme, host and port: a password may stand before them. */
static void put_proxy(struct builder *b, struct json_object *object, const char *proxy)
{
	struct url url;
	int r;

	if (!proxy)
		return;
	r = proxy_parse(proxy, &url);
	b->failed |= r == -ENOMEM;
	put_text(b, object, "proxy", r == 0 ? url.origin : hidden);
	if (r == 0)
		url_deinit(&url);
}

static void put_headers(struct builder *b, struct json_object *object, char *const *headers)
{
	struct json_object *map;

	if (!headers || !*headers)
		return;
	map = new_object(b);
	for (; *headers; headers++) {
		char *name = strndup(*headers, strcspn(*headers, ":"));

		b->failed |= !name;
		if (name)
			put_text(b, map, name, hidden);
		free(name);
	}
	put(b, object, "extra_headers", map);
}

static struct json_object *route_object(struct builder *b, const struct http_route *route)
{
	struct json_object *object = new_object(b);
	const struct lull_route *call = &route->call;

	put_text(b, object, "name", route->name);
	put_text(b, object, "id", route->id);
	put(b, object, "usable", json_object_new_boolean(!route->problem));
	put_text(b, object, "problem", route->problem);
	put_text(b, object, "provider", route->provider ? route->provider->name : NULL);
	put_text(b, object, "model", route->model);
	put_text(b, object, "base_url", route->base_url);
	put_text(b, object, "api_key", route->api_key ? hidden : NULL);
	put_text(b, object, "api_key_from", route->key_source);
	put_text(b, object, "organization", route->organization);
	put_limit(b, object, "timeout_ms", call->timeout_ms);
	put_limit(b, object, "stream_timeout_ms", route->stream_timeout_ms);
	put_limit(b, object, "connect_timeout_ms", call->connect_ms);
	put_limit(b, object, "first_content_timeout_ms", call->first_content_ms);
	put_limit(b, object, "idle_timeout_ms", call->idle_ms);
	put_limit(b, object, "total_timeout_ms", call->total_ms);
	if (call->cooldown_ms != LULL_UNSET)
		put_number(b, object, "cooldown_time_ms", call->cooldown_ms);
	put_limit(b, object, "rpm", call->limits.rpm);
	put_limit(b, object, "tpm", call->limits.tpm);
	put_limit(b, object, "max_parallel_requests", call->limits.parallel);
	put_limit(b, object, "credential_rpm", call->credential_limits.rpm);
	put_limit(b, object, "credential_tpm", call->credential_limits.tpm);
	put_limit(b, object, "credential_max_parallel_requests", call->credential_limits.parallel);
	put_limit(b, object, "burst_ms", call->limits.burst_ms);
	if (route->stream_upstream)
		put(b, object, "stream_upstream", json_object_new_boolean(1));
	put_text(b, object, "ca_file", route->ca_file);
	put_proxy(b, object, route->proxy);
	put_headers(b, object, route->headers);
	if (route->defaults)
		put(b, object, "request_defaults", json_tokener_parse(route->defaults));
	if (route->extra_body)
		put(b, object, "extra_body", json_tokener_parse(route->extra_body));
	return object;
}

static struct json_object *routes_array(struct builder *b, const struct route_list *list)
{
	struct json_object *array = json_object_new_array();

	for (uint32_t i = 0; array && i < list->count; i++) {
		struct json_object *route = route_object(b, &list->routes[i]);

		if (!route || json_object_array_add(array, route) != 0) {
			b->failed = true;
			json_object_put(route);
		}
	}
	return array;
}

static struct json_object *config_object(struct builder *b, const struct config *config,
					 const struct route_list *list)
{
	const struct settings *settings = &config->settings;
	struct json_object *object = new_object(b);

	put_number(b, object, "v", 1);
	put_text(b, object, "file", config->path);
	put_text(b, object, "table", config_table(config));
	put_text(b, object, "on_event", settings->on_event);
	put(b, object, "settings", settings_object(b, config));
	put_rules(b, object, settings);
	put_gateway(b, object, &settings->gateway);
	put_pairs(b, object, "environment_variables", &settings->variables, true);
	put_pairs(b, object, "model_group_alias", &settings->aliases, false);
	put_fallbacks(b, object, "fallbacks", &settings->fallbacks);
	if (settings->default_fallbacks.count > 0)
		put_names(b, object, "default_fallbacks", &settings->default_fallbacks);
	put_fallbacks(b, object, "context_window_fallbacks", &settings->context_window_fallbacks);
	put_fallbacks(b, object, "content_policy_fallbacks", &settings->content_policy_fallbacks);
	put(b, object, "routes", routes_array(b, list));
	return object;
}

/* ---- for people */

/* What would break the line, or move a cursor, is shown as JSON writes it. */
static const char *scalar_text(struct json_object *value)
{
	const char *text = value ? json_object_get_string(value) : "null";

	return text_has_control(text) ? json_line(value, NULL) : text;
}

static bool is_collection(struct json_object *value)
{
	return json_object_is_type(value, json_type_object) ||
	       json_object_is_type(value, json_type_array);
}

static bool ends_in(const char *text, const char *tail)
{
	size_t size = strlen(text), tail_size = strlen(tail);

	return size > tail_size && strcmp(text + size - tail_size, tail) == 0;
}

static void print_lines(FILE *out, struct json_object *value, int indent);

static void print_member(FILE *out, const char *key, struct json_object *value, int indent)
{
	char duration[DURATION_BYTES_MAX];

	if (is_collection(value)) {
		(void)fprintf(out, "%s:\n", key);
		print_lines(out, value, indent + 2);
	} else if (ends_in(key, "_ms") && json_object_is_type(value, json_type_int)) {
		duration_format((uint32_t)json_object_get_int64(value), duration);
		(void)fprintf(out, "%.*s: %s\n", (int)strlen(key) - 3, key, duration);
	} else {
		(void)fprintf(out, "%s: %s\n", key, scalar_text(value));
	}
}

/* A list's maps begin behind their dash, as in YAML. */
static void print_item(FILE *out, struct json_object *value, int indent)
{
	bool first = true;

	(void)fprintf(out, "%*s- ", indent, "");
	if (!json_object_is_type(value, json_type_object)) {
		(void)fprintf(out, "%s\n", scalar_text(value));
		return;
	}
	json_object_object_foreach(value, key, member)
	{
		(void)fprintf(out, "%*s", first ? 0 : indent + 2, "");
		print_member(out, key, member, indent + 2);
		first = false;
	}
}

static void print_lines(FILE *out, struct json_object *value, int indent)
{
	if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++)
			print_item(out, json_object_array_get_idx(value, i), indent);
		return;
	}
	json_object_object_foreach(value, key, member)
	{
		(void)fprintf(out, "%*s", indent, "");
		print_member(out, key, member, indent);
	}
}

/* ---- */

/* Return: 0; -ENOMEM. */
static int print(FILE *out, struct json_object *object, bool json)
{
	const char *line = json ? json_line(object, NULL) : NULL;

	if (line)
		(void)fprintf(out, "%s\n", line);
	if (json)
		return line ? 0 : -ENOMEM;
	json_object_object_del(object, "v");
	print_lines(out, object, 0);
	return 0;
}

int config_show(const struct config *config, bool json, FILE *out)
{
	struct builder b = {0};
	struct route_list list;
	struct json_object *object;
	int r = config_all_routes(config, &list);

	if (r < 0)
		return r;
	object = config_object(&b, config, &list);
	route_list_deinit(&list);
	r = b.failed ? -ENOMEM : print(out, object, json);
	json_object_put(object);
	if (r == 0 && (fflush(out) != 0 || ferror(out)))
		r = -EIO;
	return r;
}
