/* SPDX-License-Identifier: MIT */
/*
 * What lull-worker would answer, by the same code, without its start: loading libcurl and what that
 * stands on takes several times as long as all the rest. This program has no libcurl. So a URL that
 * is not written plainly, which has to be understood as libcurl understands it, is left to
 * lull-worker; and so is a configuration with mistakes in it, since it says them best.
 */
#include <errno.h>
#include <stdio.h>

#include "../../worker/src/config.h"
#include "../../worker/src/url_parts.h"
#include "resolve_here.h"

static bool saw_unplain_url;

/* In the place of that with libcurl. */
int url_read_fully(const char *text, const struct url_scheme *schemes, bool is_proxy,
		   struct url *ret)
{
	(void)text, (void)schemes, (void)is_proxy, (void)ret;
	saw_unplain_url = true;
	return -EINVAL; /* nobody believes what comes of it */
}

static void say_nothing(const char *line, bool is_error, void *userdata)
{
	(void)line, (void)is_error, (void)userdata;
}

static struct config *load(void)
{
	struct config *config = NULL;

	saw_unplain_url = false;
	if (config_load(NULL, say_nothing, NULL, &config) != 0)
		return NULL;
	if (!saw_unplain_url)
		return config;
	config_free(config);
	return NULL;
}

static bool has_problem(const struct route_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (list->routes[i].problem != NULL)
			return true;
	return false;
}

bool resolve_name_here(const char *name, bool quiet, resolve_key_fn found, void *userdata,
		       int *ret_result)
{
	struct config *const config = load();
	struct route_list list = {.count = 0};
	int result = 0;
	bool knows;

	if (config == NULL)
		return false;
	knows = config_named_routes(config, name, &list) == 0 && !saw_unplain_url &&
		(quiet || !has_problem(&list));
	for (uint32_t i = 0; knows && result == 0 && i < list.count; i++)
		result = route_keys(&list.routes[i], found, userdata);
	route_list_deinit(&list);
	config_free(config);
	*ret_result = result;
	return knows;
}

bool resolve_table_here(char *ret_table, size_t table_size)
{
	struct config *const config = load();
	const char *table;

	if (config == NULL)
		return false;
	table = config_table(config);
	(void)snprintf(ret_table, table_size, "%s", table != NULL ? table : "");
	config_free(config);
	return true;
}
