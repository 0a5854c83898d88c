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

/* Of what there is to say of the table. */
enum http_tells {
	HTTP_TELLS_NEWS = 0, /* what nobody of this host was told within the hour */
	HTTP_TELLS_ALL,
	HTTP_TELLS_NOTHING
};

#define HTTP_PROBLEM_BYTES 512

struct lull_http {
	struct config *config;
	struct lull_table *table;
	struct transport *transport;
	void (*message)(const char *line, int is_error, void *userdata);
	void *userdata;
	enum http_tells tells;
	char problem[HTTP_PROBLEM_BYTES]; /* seen last; "": none */
	uint64_t problem_at_ms;           /* that was */
};

/*
 * Tells why the table is not shared, or not with all of its keys, or what was repaired. It may be
 * deleted at any time and is found full only by a call, so this is asked with every call; it costs
 * nothing while there is no problem. Return: true: it was told.
 */
bool http_tell_table(struct lull_http *http);

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
