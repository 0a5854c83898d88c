/* SPDX-License-Identifier: MIT */
/* Settings of which nothing is said: see settings.h. */
#include "settings.h"

static void limits_init(struct limits *limits)
{
	*limits = (struct limits){LULL_UNSET, LULL_UNSET, LULL_UNSET, LULL_UNSET,
				  LULL_UNSET, NULL,       NULL};
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
	};
	limits_init(&settings->limits);
}

void entry_init(struct entry *entry, unsigned line)
{
	*entry = (struct entry){
		.line = line,
		.timeout_ms = LULL_UNSET,
		.stream_timeout_ms = LULL_UNSET,
		.cooldown_ms = LULL_UNSET,
		.order = LULL_UNSET,
	};
	limits_init(&entry->limits);
}
