/* SPDX-License-Identifier: MIT */
/*
 * What shows only when all of a configuration is read: names that lead nowhere, a table that is not
 * free, keys that others may read.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <lull/table.h>

#include "near.h"
#include "settings.h"
#include "text.h"

#define DIGEST_DIGITS 64 /* of SHA-256, FIPS 180-4 */
#define HEX_DIGITS    "0123456789abcdefABCDEF"

/*
 * The name of the table that is used when nobody says one: liblull knows, from the user, the group
 * and the environment. NULL without memory.
 */
static char *usual_table(void)
{
	struct lull_table_info info = {.abi_version = LULL_ABI_VERSION};
	struct lull_table_options options;
	struct lull_table *table;
	const char *slash;

	lull_table_options_init(&options);
	options.flags = LULL_TABLE_READ_ONLY; /* to look only: nothing is made */
	if (lull_table_open(&options, &table) != 0)
		return NULL;
	(void)lull_table_info(table, &info);
	lull_table_close(table);
	slash = strrchr(info.path, '/');
	return strdup(slash ? slash + 1 : info.path);
}

/*
 * The tutorial's rule cools on anything: shared with calls that follow another rule, it would shut
 * their models too. So it has a table of its own.
 */
static void check_table(struct config *config)
{
	const struct settings *settings = &config->settings;
	struct report *report = config->tree.report;
	char *usual;

	if (settings->policy != LULL_POLICY_TUTORIAL)
		return;
	usual = usual_table();
	if (!usual) {
		report->out_of_memory = true;
		return;
	}
	if (!settings->table) {
		config->own_table = text_format("%s-tutorial", usual);
		if (!config->own_table)
			report->out_of_memory = true;
	} else if (strcmp(settings->table, usual) == 0) {
		report_error(report, settings->table_line,
			     "lull.table is the default table, expected another one for policy "
			     "tutorial");
	}
	free(usual);
}

static bool is_literal_key(const char *key)
{
	return key && strncmp(key, REFERENCE_VARIABLE, strlen(REFERENCE_VARIABLE)) != 0 &&
	       strncmp(key, REFERENCE_FILE, strlen(REFERENCE_FILE)) != 0;
}

static void check_digest(struct config *config, unsigned line, const char *name, const char *key)
{
	const size_t prefix = strlen(REFERENCE_DIGEST);

	if (key && strncmp(key, REFERENCE_DIGEST, prefix) == 0 &&
	    (strlen(key) != prefix + DIGEST_DIGITS ||
	     strspn(key + prefix, HEX_DIGITS) != DIGEST_DIGITS))
		report_error(config->tree.report, line,
			     "key '%s' of the gateway is no digest, expected " REFERENCE_DIGEST
			     " and %d digits in hex",
			     name, DIGEST_DIGITS);
}

static void check_digests(struct config *config)
{
	const struct gateway_settings *gateway = &config->settings.gateway;

	check_digest(config, 0, "master", gateway->master_key);
	for (size_t i = 0; i < gateway->key_count; i++)
		check_digest(config, gateway->keys[i].line, gateway->keys[i].name,
			     gateway->keys[i].key);
}

static void check_gateway_keys(struct config *config, mode_t mode)
{
	const struct gateway_settings *gateway = &config->settings.gateway;

	for (size_t i = 0; i < gateway->key_count; i++) {
		const struct gateway_key *key = &gateway->keys[i];

		if (!is_literal_key(key->key) ||
		    strncmp(key->key, REFERENCE_DIGEST, strlen(REFERENCE_DIGEST)) == 0)
			continue;
		report_warning(config->tree.report, key->line,
			       "others may read the key here (mode %04o), expected chmod 600, "
			       "os.environ/NAME or sha256:HEX",
			       (unsigned)(mode & 07777));
		return;
	}
}

static void check_permissions(struct config *config, mode_t mode)
{
	const struct pair_list *variables = &config->settings.variables;

	if (!(mode & (S_IRGRP | S_IROTH)))
		return;
	if (variables->count > 0)
		report_warning(config->tree.report, variables->items[0].line,
			       "others may read the environment_variables here (mode %04o), "
			       "expected chmod 600",
			       (unsigned)(mode & 07777));
	check_gateway_keys(config, mode);
	for (size_t i = 0; i < config->settings.entry_count; i++) {
		const struct entry *entry = &config->settings.entries[i];

		if (!is_literal_key(entry->api_key) && !is_literal_key(entry->token))
			continue;
		report_warning(config->tree.report, entry->api_key_line,
			       "others may read the %s here (mode %04o), expected chmod 600 "
			       "or os.environ/NAME",
			       is_literal_key(entry->api_key) ? "api_key" : "azure_ad_token",
			       (unsigned)(mode & 07777));
		return;
	}
}

const char *config_near(const struct settings *settings, const char *name)
{
	struct near near;

	near_init(&near, name);
	for (size_t i = 0; i < settings->entry_count; i++)
		near_offer(&near, settings->entries[i].model_name);
	for (size_t i = 0; i < settings->aliases.count; i++) /* an alias is no target of another */
		if (strcmp(settings->aliases.items[i].name, name) != 0)
			near_offer(&near, settings->aliases.items[i].name);
	return near.best;
}

static void check_name(struct config *config, const char *name, unsigned line)
{
	const struct provider *provider;
	char near_provider[PROVIDER_NEAR_BYTES];
	const char *model, *best;

	int r = strcmp(name, "*") == 0 ? 1 : config_has(&config->settings, name);

	if (r < 0)
		config->tree.report->out_of_memory = true;
	if (r != 0 ||
	    provider_map(name, NULL, &provider, &model, near_provider, sizeof(near_provider)) == 0)
		return;
	best = config_near(&config->settings, name);
	best = best ? best : near_provider;
	report_warning(config->tree.report, line,
		       "'%.64s' is no model_name of model_list and no known model%s%s%s", name,
		       best[0] ? ", did you mean '" : "", best, best[0] ? "'?" : "");
}

/* Where an alias leads is checked where it stands. */
static void check_listed(struct config *config, const char *name, unsigned line)
{
	if (config_alias(&config->settings, name) == name)
		check_name(config, name, line);
}

static void check_names(struct config *config, const struct name_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		check_listed(config, list->names[i], list->line);
}

static void check_fallbacks(struct config *config, const struct fallback_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		check_listed(config, list->items[i].name, list->items[i].line);
		check_names(config, &list->items[i].to);
	}
}

void config_check(struct config *config, mode_t mode)
{
	const struct settings *settings = &config->settings;

	check_table(config);
	check_digests(config);
	check_permissions(config, mode);
	if (config->tree.report->errors > 0)
		return; /* the names of broken entries are not to be relied upon */
	for (size_t i = 0; i < settings->aliases.count; i++)
		check_name(config, settings->aliases.items[i].value,
			   settings->aliases.items[i].line);
	check_fallbacks(config, &settings->fallbacks);
	check_fallbacks(config, &settings->context_window_fallbacks);
	check_fallbacks(config, &settings->content_policy_fallbacks);
	check_names(config, &settings->default_fallbacks);
}
