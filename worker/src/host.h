/* SPDX-License-Identifier: MIT */
/*
 * What stands behind a struct lull_http, for the programs of the worker: they use the same handle
 * as everybody, and reach for its parts where the public call does not do (streams).
 */
#ifndef LULL_WORKER_HOST_H
#define LULL_WORKER_HOST_H

#include <lull/http.h>

#include "config.h"
#include "driver.h"
#include "request.h"

struct lull_http {
	struct config *config;
	struct lull_table *table;
	struct transport *transport;
	void (*message)(const char *line, int is_error, void *userdata);
	void *userdata;
};

/*
 * Tells why the table is not shared, or not with all of its keys: once an hour and host, or every
 * time. A table may be found full only by the call, so ask again after it, unless it was told.
 * Return: true: it was told.
 */
bool http_tell_table(const struct lull_http *http, bool every_time);

/* The call's settings: liblull's defaults, then the configuration's, then the request's, then what
 * is given here. */
void http_call_options(const struct lull_http *http, const struct request *request,
		       uint32_t default_when_cooling, uint32_t budget_ms, uint32_t when_cooling,
		       struct lull_call_options *ret_options);

/*
 * Routes of `model`, else of the request's, else of the first one configured; then of these
 * fallbacks (count 0: none are given), else of the request's, else of the configured ones. ret_list
 * ends with route_list_deinit(). Return: 0; -EINVAL no model is named anywhere; -E2BIG; -ENOMEM.
 */
int http_routes(const struct lull_http *http, const struct request *request, const char *model,
		const char *const *fallbacks, size_t fallback_count, struct route_list *ret_list);

/* What is asked of all of them. */
void http_ask_for(struct route_list *list, enum endpoint endpoint);

#endif
