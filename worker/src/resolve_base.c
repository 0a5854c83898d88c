/* SPDX-License-Identifier: MIT */
/*
 * The base URL of a route, and what stands behind it: from the configuration, from the environment,
 * or the provider's own. Some providers' addresses name a region, a project, a version; these words
 * stand in braces in the provider's row, and their values come from litellm_params or the
 * environment, too.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resolve.h"
#include "text.h"
#include "wire.h"

#define ADDRESS_BYTES_MAX 2048u /* as api_base */

/* ---- words in braces */

static const struct word {
	const char *name;
	const char *option; /* of litellm_params, and where it is; NULL none */
	size_t in_entry;
	const char *variables[4];
	const char *otherwise; /* NULL: it has to be said */
} words[] = {
	{"resource", NULL, 0, {"AZURE_RESOURCE_NAME"}, NULL},
	/* the last version of the older interface that is no preview */
	{"version",
	 "api_version",
	 offsetof(struct entry, api_version),
	 {"AZURE_API_VERSION", "OPENAI_API_VERSION"},
	 "2024-10-21"},
	{"project",
	 "vertex_project",
	 offsetof(struct entry, vertex_project),
	 {"VERTEXAI_PROJECT", "GOOGLE_CLOUD_PROJECT"},
	 NULL},
	{"location",
	 "vertex_location",
	 offsetof(struct entry, vertex_location),
	 {"VERTEXAI_LOCATION", "GOOGLE_CLOUD_LOCATION"},
	 NULL},
	{"region",
	 "aws_region_name",
	 offsetof(struct entry, aws_region_name),
	 {"AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"},
	 NULL},
};

static const struct word *find_word(const char *name, size_t size)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].name) == size && strncmp(words[i].name, name, size) == 0)
			return &words[i];
	return NULL;
}

/* Letters, digits and "._:-": with anything else it would be another address. */
static bool is_plain(const char *value)
{
	for (; *value; value++)
		if (!isalnum((unsigned char)*value) && !strchr("._:-", *value))
			return false;
	return true;
}

static int word_value(struct making *m, const struct word *word, const char **ret)
{
	const char *variable, *value = NULL;

	if (word->option)
		value = *(const char *const *)((const char *)m->entry + word->in_entry);
	if (!value)
		value = environment_first(word->variables, &variable);
	if (!value)
		value = settings_own_variable(&m->config->settings, word->variables, &variable);
	if (!value)
		value = word->otherwise;
	if (!value)
		return unusable(m, "no %s for %s, expected litellm_params.%s or $%s", word->name,
				m->route->provider->name, word->option ? word->option : "api_base",
				word->variables[0]);
	if (!is_plain(value))
		return unusable(m,
				"the %s of %s is no part of an address, expected letters, digits "
				"and . _ : -",
				word->name, m->route->provider->name);
	*ret = value;
	return 0;
}

/* Adds what {NAME} stands for. {NAME-} is for the start of a host: nothing if it is "global". */
static int add_word(struct making *m, const char *name, size_t size, struct buffer *out)
{
	const bool is_start = size > 0 && name[size - 1] == '-';
	const char *value = "";
	int r;

	if (strncmp(name, "model", size) == 0) {
		char *escaped = text_percent_encoded(m->route->model);

		r = escaped ? buffer_add(out, escaped, strlen(escaped)) : -ENOMEM;
		free(escaped);
		return r;
	}
	r = word_value(m, find_word(name, size - is_start), &value);
	if (r != 0 || (is_start && strcmp(value, "global") == 0))
		return r;
	r = buffer_add(out, value, strlen(value));
	return r == 0 && is_start ? buffer_add(out, "-", 1) : r;
}

/* 0: *ret is new; UNUSABLE; negative errno */
static int fill_in(struct making *m, const char *pattern, char **ret)
{
	struct buffer out;
	int r = 0;

	buffer_init(&out, ADDRESS_BYTES_MAX);
	while (r == 0 && *pattern) {
		const size_t plain = strcspn(pattern, "{");

		r = buffer_add(&out, pattern, plain);
		pattern += plain;
		if (r == 0 && *pattern) {
			const size_t size = strcspn(++pattern, "}");

			r = add_word(m, pattern, size, &out);
			pattern += size + 1;
		}
	}
	if (r == -EMSGSIZE)
		r = unusable(m, "an address of over %u bytes", ADDRESS_BYTES_MAX);
	if (r == 0)
		*ret = out.bytes;
	else
		buffer_deinit(&out);
	return r;
}

/* ---- base URL */

/* OLLAMA_HOST may be "myhost" or "0.0.0.0:11434": scheme and port of the default hold then. */
static char *complete_base(const struct provider *provider, const char *text)
{
	const char *port = "";

	if (!provider->local || strstr(text, "://"))
		return strdup(text);
	if (!strchr(text, ':'))
		port = strrchr(provider->base_url, ':');
	return text_format("http://%s%.*s", text, (int)strcspn(port, "/"), port);
}

static bool has_path(const char *url)
{
	return strchr(strstr(url, "://") + 3, '/') != NULL;
}

static int parse_base(struct making *m, const char *text, const char *source)
{
	const struct provider *provider = m->route->provider;
	const char *path = "";
	char *whole = complete_base(provider, text);
	int r;

	if (!whole)
		return -ENOMEM;
	r = url_parse(whole, &m->base);
	free(whole);
	if (r == -EINVAL)
		return unusable(m, "%s is no base URL, expected %s", source, URL_EXPECTED);
	if (r < 0)
		return r;
	m->base_own = provider_by_host(m->base.host) == provider;
	if (provider->base_path && !has_path(m->base.text))
		path = provider->base_path;
	m->route->base_url = text_format("%s%s", m->base.text, path);
	return m->route->base_url ? 0 : -ENOMEM;
}

static int default_base(struct making *m)
{
	char *base = NULL;
	int r = fill_in(m, m->route->provider->base_url, &base);

	if (r == 0)
		r = parse_base(m, base, "the default");
	free(base);
	return r;
}

int find_base(struct making *m)
{
	const struct provider *provider = m->route->provider;
	const char *variable, *value;
	char source[64];

	if (m->entry->api_base) {
		m->base_configured = true;
		return parse_base(m, m->entry->api_base, "api_base");
	}
	value = environment_first(provider->base_variables, &variable);
	if (value) {
		(void)snprintf(source, sizeof(source), "$%s", variable);
		return parse_base(m, value, source);
	}
	value = settings_own_variable(&m->config->settings, provider->base_variables, &variable);
	if (value) {
		m->base_configured = true;
		return parse_base(m, value, variable);
	}
	return default_base(m);
}

/* ---- behind it */

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text), end_size = strlen(end);

	return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

int find_path(struct making *m)
{
	const struct provider *provider = m->route->provider;

	if (!provider->path ||
	    (provider->plain_base && ends_with(m->route->base_url, provider->plain_base)))
		return 0;
	return fill_in(m, provider->path, &m->route->path);
}
