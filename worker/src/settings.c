/* SPDX-License-Identifier: MIT */
/* Settings of which nothing is said: see settings.h. */
#include "settings.h"

#include <stdlib.h>
#include <string.h>

static const struct lull_limits no_limits = {LULL_UNSET, LULL_UNSET, LULL_UNSET, LULL_UNSET};

static void limits_init(struct limits *limits)
{
	*limits = (struct limits){
		.connect_ms = LULL_UNSET,
		.first_content_ms = LULL_UNSET,
		.idle_ms = LULL_UNSET,
		.total_ms = LULL_UNSET,
		.stream_upstream = LULL_UNSET,
		.credential = no_limits,
		.burst_ms = LULL_UNSET,
	};
}

void settings_init(struct settings *settings)
{
	*settings = (struct settings){
		.budget_ms = LULL_UNSET,
		.when_cooling = LULL_UNSET,
		.policy = LULL_UNSET,
		.probe = LULL_UNSET,
		.soft_failures = LULL_UNSET,
		.allowed_fails = LULL_UNSET,
		.cooldown_ms = LULL_UNSET,
		.max_cooldown_ms = LULL_UNSET,
		.num_retries = LULL_UNSET,
		.timeout_ms = LULL_UNSET,
		.stream_timeout_ms = LULL_UNSET,
		.disable_cooldowns = LULL_UNSET,
		.max_parallel = LULL_UNSET,
	};
	limits_init(&settings->limits);
	settings->gateway = (struct gateway_settings){
		.max_connections = LULL_UNSET,
		.max_memory_mib = LULL_UNSET,
		.head_timeout_ms = LULL_UNSET,
		.body_timeout_ms = LULL_UNSET,
		.idle_timeout_ms = LULL_UNSET,
	};
}

void entry_init(struct entry *entry, unsigned line)
{
	*entry = (struct entry){
		.line = line,
		.timeout_ms = LULL_UNSET,
		.stream_timeout_ms = LULL_UNSET,
		.cooldown_ms = LULL_UNSET,
		.order = LULL_UNSET,
		.together = no_limits,
	};
	limits_init(&entry->limits);
}

static const char *own_variable(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->variables.count; i++)
		if (strcmp(settings->variables.items[i].name, name) == 0 &&
		    settings->variables.items[i].value[0])
			return settings->variables.items[i].value;
	return NULL;
}

const char *settings_variable(const struct settings *settings, const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : own_variable(settings, name);
}

const char *settings_own_variable(const struct settings *settings, const char *const *names,
				  const char **ret_name)
{
	const char *value = NULL;

	for (; !value && *names; names++) {
		value = own_variable(settings, *names);
		*ret_name = *names;
	}
	return value;
}
