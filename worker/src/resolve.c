/* SPDX-License-Identifier: MIT */
/*
 * From an entry of the configuration, or a bare name and the environment, to a route: provider,
 * base URL, key, proxy, and from these the keys it has in the table.
 *
 * A route that cannot be used is made all the same, with one sentence on why, so that the trail of
 * a call and `config show` can say it. No key ever stands in such a sentence.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "resolve.h"
#include "text.h"

int unusable(struct making *m, const char *format, ...)
{
	va_list arguments;
	char *problem;
	int r;

	va_start(arguments, format);
	r = vasprintf(&problem, format, arguments);
	va_end(arguments);
	if (r < 0)
		return -ENOMEM;
	text_make_plain(problem); /* it may quote what somebody typed */
	m->route->problem = problem;
	m->route->call.flags |= LULL_ROUTE_UNUSABLE;
	return UNUSABLE;
}

int copy_text(const char *text, char **ret)
{
	if (!text)
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

/* ---- provider and names */

/* Of a name that somebody typed, a model_name may have been meant as well. */
static int unknown_name(struct making *m, const char *near_provider)
{
	const char *name = m->entry->model, *near = NULL;

	if (m->entry->line == 0)
		near = config_near(&m->config->settings, name);
	near = near ? near : near_provider;
	return unusable(m,
			"unable to map '%s' to a provider, expected a prefix such as openai/%s%s%s",
			name, near[0] ? "; did you mean '" : "", near, near[0] ? "'?" : "");
}

/* As the upstream calls it. */
static int set_model(struct http_route *route, const char *name)
{
	const char *prefix = route->provider->model_prefix;

	if (!prefix || strchr(name, '/'))
		return copy_text(name, &route->model);
	route->model = text_format("%s%s", prefix, name);
	return route->model ? 0 : -ENOMEM;
}

static int map_name(struct making *m)
{
	char near[PROVIDER_NEAR_BYTES];
	const char *model, *name = m->entry->model;
	int r;

	if (strchr(name, '*') && !m->entry->is_pattern)
		return unusable(m, "'%s' names no model, expected one without *", name);
	r = provider_map(name, m->entry->api_base, &m->route->provider, &model, near, sizeof(near));
	if (m->entry->provider) { /* it wins; a prefix that says the same is no part of the name */
		const struct provider *said = provider_said(m->entry->provider);

		if (!said)
			return unusable(m,
					"custom_llm_provider '%.64s' is not known, expected one "
					"such as openai (%s:%u)",
					m->entry->provider, m->config->path, m->entry->line);
		model = m->route->provider == said ? model : name;
		m->route->provider = said;
		r = 0;
	}
	if (r == 0)
		return set_model(m->route, model);
	if (m->entry->is_pattern)
		return UNUSABLE; /* and no problem: what fits it says its provider */
	return unknown_name(m, near);
}

static int find_provider(struct making *m)
{
	const char *name = m->entry->model_name;

	if (strlen(name) > LULL_KEY_BYTES_MAX)
		return unusable(m, "a model name of %zu bytes, expected at most %u", strlen(name),
				LULL_KEY_BYTES_MAX);
	if (!name[0] || !text_is_plain(name))
		return unusable(
			m, "a model name that is empty, has control characters or is no UTF-8");
	if (m->entry->problem)
		return unusable(m, "%s", m->entry->problem);
	return map_name(m);
}

/* A name the call honours, unless it has it already. */
static int add_name(struct making *m, const char *text)
{
	const char **names = m->route->call.names;
	size_t i = 0;
	char *name;

	for (; i < LULL_NAMES_MAX && names[i]; i++)
		if (strcmp(names[i], text) == 0)
			return 0;
	if (strlen(text) > LULL_KEY_BYTES_MAX)
		return unusable(m, "a model name of %zu bytes ('%.32s...'), expected at most %u",
				strlen(text), text, LULL_KEY_BYTES_MAX);
	name = strdup(text);
	if (!name)
		return -ENOMEM;
	names[i] = name;
	return 0;
}

static int name_route(struct making *m)
{
	struct http_route *route = m->route;
	char *full = text_format("%s%s", route->provider->prefixes[0], route->model);
	int r;

	if (!full)
		return -ENOMEM;
	r = add_name(m, route->name);
	if (r == 0)
		r = add_name(m, route->model);
	if (r == 0)
		r = add_name(m, full);
	if (r == 0 && m->entry->alias)
		r = add_name(m, m->entry->alias);
	free(full);
	return r;
}

/* What the trail shows: the id, or the name, with the upstream's where it is another one. */
static int label_route(struct making *m)
{
	struct http_route *route = m->route;
	const char *full = route->call.names[2], *alias = m->entry->alias;

	if (full && alias && strcmp(full, alias) == 0)
		full = NULL;
	if (route->id)
		route->call.label = strdup(route->id);
	else if (full)
		route->call.label = text_format("%s (%s)", route->name, full);
	else
		route->call.label = strdup(route->name);
	return route->call.label ? 0 : -ENOMEM;
}

/* ---- proxy */

static int find_proxy(struct making *m)
{
	const char *text = m->entry->limits.proxy, *variable = NULL;
	int r;

	if (!text)
		text = m->config->settings.limits.proxy;
	if (!text)
		text = proxy_from_environment(&m->base, &variable);
	if (!text || !text[0])
		return 0;
	r = proxy_parse(text, &m->proxy);
	if (r == -EINVAL)
		return unusable(m, "%s%s is no proxy, expected %s", variable ? "$" : "",
				variable ? variable : "proxy", PROXY_EXPECTED);
	return r < 0 ? r : copy_text(text, &m->route->proxy);
}

/* ---- limits and additions */

static uint32_t first_said(uint32_t first, uint32_t second, uint32_t otherwise)
{
	return first != LULL_UNSET ? first : second != LULL_UNSET ? second : otherwise;
}

/* Those that hold for all processes together. */
static void set_limits_together(struct making *m)
{
	const struct lull_limits *route = &m->entry->together;
	const struct settings *settings = &m->config->settings;
	const struct limits *own = &m->entry->limits, *all = &settings->limits;
	const struct lull_limits *key = &own->credential, *keys = &all->credential;
	uint32_t burst_ms = first_said(own->burst_ms, all->burst_ms, 0);

	m->route->call.limits = (struct lull_limits){
		.rpm = first_said(route->rpm, LULL_UNSET, 0),
		.tpm = first_said(route->tpm, LULL_UNSET, 0),
		.parallel = first_said(route->parallel, settings->max_parallel, 0),
		.burst_ms = burst_ms,
	};
	m->route->call.credential_limits = (struct lull_limits){
		.rpm = first_said(key->rpm, keys->rpm, 0),
		.tpm = first_said(key->tpm, keys->tpm, 0),
		.parallel = first_said(key->parallel, keys->parallel, 0),
		.burst_ms = burst_ms,
	};
}

static void set_limits(struct making *m)
{
	const struct entry *entry = m->entry;
	const struct settings *settings = &m->config->settings;
	const struct limits *own = &entry->limits, *all = &settings->limits;
	struct lull_route *call = &m->route->call;

	call->timeout_ms = first_said(entry->timeout_ms, settings->timeout_ms, 0);
	m->route->stream_timeout_ms =
		first_said(entry->stream_timeout_ms, settings->stream_timeout_ms, 0);
	call->cooldown_ms = entry->cooldown_ms;
	call->connect_ms = first_said(own->connect_ms, all->connect_ms, 0);
	call->first_content_ms = first_said(own->first_content_ms, all->first_content_ms, 0);
	call->idle_ms = first_said(own->idle_ms, all->idle_ms, 0);
	call->total_ms = first_said(own->total_ms, all->total_ms, 0);
	m->route->stream_upstream = first_said(own->stream_upstream, all->stream_upstream, 0);
}

static bool has_header(const struct entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->header_count; i++)
		if (strcasecmp(entry->headers[i].name, name) == 0)
			return true;
	return false;
}

static int add_header(char **last, const char *name, const char *value)
{
	while (*last)
		last++;
	*last = text_format("%s: %s", name, value);
	return *last ? 0 : -ENOMEM;
}

/* The entry's own, and those of the provider whose variables are set. */
static int set_headers(struct making *m)
{
	const struct provider_header *asked = m->route->provider->headers;
	const struct entry *entry = m->entry;
	int r = 0;

	if (entry->header_count == 0 && !asked->name)
		return 0;
	m->route->headers = calloc(entry->header_count + PROVIDER_HEADERS_MAX + 1, sizeof(char *));
	if (!m->route->headers)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < entry->header_count; i++)
		r = add_header(m->route->headers, entry->headers[i].name, entry->headers[i].value);
	for (; r == 0 && asked->name; asked++) {
		const char *value = settings_variable(&m->config->settings, asked->variable);

		if (value && !has_header(entry, asked->name))
			r = add_header(m->route->headers, asked->name, value);
	}
	return r;
}

static int set_additions(struct making *m)
{
	const struct entry *entry = m->entry;
	const struct limits *all = &m->config->settings.limits;
	struct http_route *route = m->route;

	set_limits(m);
	set_limits_together(m);
	if (entry->defaults) {
		route->defaults = text_format("{%s}", entry->defaults);
		if (!route->defaults)
			return -ENOMEM;
	}
	if (copy_text(entry->organization, &route->organization) != 0 ||
	    copy_text(entry->limits.ca_file ? entry->limits.ca_file : all->ca_file,
		      &route->ca_file) != 0 ||
	    copy_text(entry->extra_body, &route->extra_body) != 0)
		return -ENOMEM;
	return set_headers(m);
}

/* ---- identity */

/* "[net:4026531840]" behind what is another server in another network namespace, else "". */
#define NAMESPACE_BYTES 32
static void namespace_mark(const struct url *url, char *ret)
{
	ret[0] = '\0';
	if (url->loopback)
		(void)snprintf(ret, NAMESPACE_BYTES, "[net:%lu]", network_namespace());
}

/* Takes `text`, which is NULL without memory. */
static int derive(char *text, const char **ret)
{
	char key[LULL_KEY_BYTES_MAX + 1];
	int r;

	if (!text)
		return -ENOMEM;
	r = lull_key_derive(text, key);
	free(text);
	if (r < 0)
		return r;
	*ret = strdup(key);
	return *ret ? 0 : -ENOMEM;
}

static int set_credential_key(struct making *m, char *ret_fingerprint)
{
	const char *identity = m->key_identity ? m->key_identity : m->route->api_key;

	ret_fingerprint[0] = '\0';
	if (!identity)
		return 0;
	if (lull_fingerprint(identity, strlen(identity), ret_fingerprint) < 0)
		return -EINVAL;
	m->route->call.credential_key = strdup(ret_fingerprint);
	return m->route->call.credential_key ? 0 : -ENOMEM;
}

static int set_endpoint_key(struct making *m)
{
	bool proxied = m->proxy.text != NULL;
	const struct url *url = proxied ? &m->proxy : &m->base;
	char mark[NAMESPACE_BYTES];

	namespace_mark(url, mark);
	return derive(text_format("%s%s%s", proxied ? "proxy:" : "", url->origin, mark),
		      &m->route->call.endpoint_key);
}

/* A vendor's other form may have models that the usual one has not, so the key says which it is. */
static int set_route_key(struct making *m, const char *fingerprint)
{
	const struct provider *provider = m->route->provider;
	char mark[NAMESPACE_BYTES], form[32] = "";

	namespace_mark(&m->base, mark);
	if (provider->vendor)
		(void)snprintf(form, sizeof(form), "[%s]", provider->adapter);
	return derive(text_format("%s@%s%s%s%s%s", m->route->model, m->route->base_url, form, mark,
				  fingerprint[0] ? "#" : "", fingerprint),
		      &m->route->call.route_key);
}

static int set_keys(struct making *m)
{
	char fingerprint[17];
	int r;

	r = set_credential_key(m, fingerprint);
	if (r == 0)
		r = set_endpoint_key(m);
	if (r == 0)
		r = set_route_key(m, fingerprint);
	return r;
}

/* One vendor by whatever name: openai/ at a known vendor's host is that vendor. */
static int set_vendor(struct making *m)
{
	const struct provider *provider = m->route->provider;
	const struct provider *at_host = provider_by_host(m->base.host);
	const char *vendor = provider_vendor_name(provider);

	if (at_host)
		vendor = provider_vendor_name(at_host);
	else if (provider->keyless_elsewhere)
		vendor = m->base.host;
	m->route->call.vendor = provider_vendor(vendor);
	if (m->base.loopback && !m->proxy.text)
		m->route->call.flags |= LULL_ROUTE_LOOPBACK;
	return 0;
}

/* ---- the whole */

/* Each step: 0; UNUSABLE; negative errno. What the later ones use, the earlier ones have set. */
static int (*const steps[])(struct making *m) = {
	find_provider, name_route, find_base, find_path,     find_key,
	find_proxy,    set_vendor, set_keys,  set_additions,
};

int resolve_entry(const struct config *config, const struct entry *entry, uint32_t after_classes,
		  struct http_route *ret_route)
{
	struct http_route route = {0};
	struct making m = {.config = config, .entry = entry, .route = &route};
	int r = 0;

	lull_route_init(&route.call);
	route.call.after_classes = after_classes;
	if (copy_text(entry->model_name, &route.name) != 0 || copy_text(entry->id, &route.id) != 0)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		r = steps[i](&m);
	if (r == UNUSABLE)
		text_make_plain(route.name); /* it will only be shown */
	if (r >= 0)
		r = label_route(&m);
	url_deinit(&m.base);
	url_deinit(&m.proxy);
	free(m.key_identity);
	if (r < 0)
		http_route_deinit(&route);
	else
		*ret_route = route;
	return r;
}

/* ---- the end of a route */

/* lull_route's strings are const for its readers; here they are owned. */
static void free_const(const char *text)
{
	free((char *)text);
}

void http_route_deinit(struct http_route *route)
{
	free_const(route->call.label);
	free_const(route->call.route_key);
	free_const(route->call.credential_key);
	free_const(route->call.endpoint_key);
	for (size_t i = 0; i < LULL_NAMES_MAX; i++)
		free_const(route->call.names[i]);
	free(route->name);
	free(route->model);
	free(route->base_url);
	free(route->path);
	text_free_secret(route->api_key);
	free(route->key_source);
	free(route->organization);
	free(route->id);
	free(route->ca_file);
	text_free_secret(route->proxy);
	free(route->problem);
	for (char **header = route->headers; header && *header; header++)
		text_free_secret(*header);
	free(route->headers);
	free(route->defaults);
	free(route->members);
	free(route->extra_body);
	*route = (struct http_route){0};
}

void route_list_deinit(struct route_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		http_route_deinit(&list->routes[i]);
	free(list->routes);
	*list = (struct route_list){0};
}
