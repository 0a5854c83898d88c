/* SPDX-License-Identifier: MIT */
/*
 * What the verbs that make calls have in common: options, and the handle that they open.
 */
#ifndef LULL_WORKER_CALL_OPTIONS_H
#define LULL_WORKER_CALL_OPTIONS_H

#include <lull/http.h>

#include "log.h"
#include "options.h"

#define BUDGET_MS_MAX 86400000u /* one day, as <lull/call.h> */

struct call_settings {
	const char *model;
	struct text_list fallbacks;
	uint32_t budget_ms;
	uint32_t when_cooling; /* LULL_UNSET: not said */
	struct text_list limits;
	uint32_t log_level;
	const char *config_path;
	const char *table_name;
};

extern const struct option_choice when_cooling_choices[];

/* Rows of a table of options, for verbs whose `struct settings` has a `struct call_settings call`. */
/* clang-format off */
#define CALL_OPTIONS_WHOM                                                                          \
	{"fallback", 'f', OPTION_TEXT_LIST, 0, offsetof(struct settings, call.fallbacks), "MODEL", \
	 NULL,                                                                                     \
	 "asked if those before it give no answer; may be repeated; default: the configured ones"}
#define CALL_OPTIONS_HOW                                                                           \
	{"when-cooling", 0, OPTION_CHOICE, 0, offsetof(struct settings, call.when_cooling),        \
	 "WHAT", when_cooling_choices,                                                             \
	 "when every model is cooling: wait (default), fail, or try the soonest"},                 \
	{"limit", 0, OPTION_TEXT_LIST, 0, offsetof(struct settings, call.limits), "NAME:LIMITS",   \
	 NULL, "rpm=N, tpm=N, parallel=N, by all processes together; may be repeated"}
#define CALL_OPTIONS_WHERE                                                                         \
	{"quiet", 'q', OPTION_FLAG, LOG_LEVEL_QUIET, offsetof(struct settings, call.log_level),    \
	 NULL, NULL, "no warnings"},                                                               \
	{"verbose", 'v', OPTION_FLAG, LOG_LEVEL_VERBOSE,                                           \
	 offsetof(struct settings, call.log_level), NULL, NULL, "say more on stderr"},             \
	{"config", 'c', OPTION_TEXT, 0, offsetof(struct settings, call.config_path), "FILE", NULL, \
	 "default: $LULL_CONFIG, ~/.config/lull/config.yaml, /etc/lull/config.yaml"},              \
	{"table", 0, OPTION_TEXT, 0, offsetof(struct settings, call.table_name), "NAME", NULL,     \
	 "the shared table; default: $LULL_SHM_NAME, else your own"}
/* clang-format on */

void call_settings_init(struct call_settings *settings);
void call_settings_deinit(struct call_settings *settings);

/* Return: 0, or the exit code of the program, everything having been said. */
int call_open(const struct call_settings *settings, struct lull_http **ret_http);

/* Lets a parent see which signal ended us; returns only if it is blocked. */
int end_by_signal(int signal_number);

#endif
