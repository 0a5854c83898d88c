/* SPDX-License-Identifier: MIT */
/* Common to the verbs that make calls: see call_options.h. */
#include "call_options.h"

#include <errno.h>
#include <signal.h>
#include <sysexits.h>

#include "../src/host.h"

const struct option_choice when_cooling_choices[] = {
	{"wait", LULL_WHEN_COOLING_WAIT},
	{"fail", LULL_WHEN_COOLING_FAIL},
	{"try", LULL_WHEN_COOLING_TRY},
	{NULL, 0},
};

void call_settings_init(struct call_settings *settings)
{
	*settings = (struct call_settings){
		.when_cooling = LULL_UNSET,
		.log_level = LOG_LEVEL_NORMAL,
	};
}

void call_settings_deinit(struct call_settings *settings)
{
	text_list_deinit(&settings->fallbacks);
	text_list_deinit(&settings->limits);
}

static void print_message(const char *line, int is_error, void *userdata)
{
	(void)userdata;
	if (is_error)
		log_error("%s", line);
	else
		log_warn("%s", line);
}

int call_open(const struct call_settings *settings, struct lull_http **ret_http)
{
	static const enum http_tells tells[] = {
		[LOG_LEVEL_QUIET] = HTTP_TELLS_NOTHING, /* what is not shown stays news */
		[LOG_LEVEL_NORMAL] = HTTP_TELLS_NEWS,
		[LOG_LEVEL_VERBOSE] = HTTP_TELLS_ALL,
	};
	struct lull_http_options http_options;
	int rc;

	lull_http_options_init(&http_options);
	http_options.config_path = settings->config_path;
	http_options.table_name = settings->table_name;
	http_options.message = print_message;
	rc = lull_http_open(&http_options, ret_http);
	if (rc != 0)
		return rc == -ENOMEM ? EX_SOFTWARE : EX_CONFIG;
	(*ret_http)->tells = tells[settings->log_level];
	return 0;
}

int end_by_signal(int signal_number)
{
	(void)signal(signal_number, SIG_DFL);
	(void)raise(signal_number);
	return 128 + signal_number;
}
