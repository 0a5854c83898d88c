/* SPDX-License-Identifier: MIT */
/*
 * A call's result and its trail, in words and in JSON.
 */
#ifndef LULL_WORKER_TRAIL_H
#define LULL_WORKER_TRAIL_H

#include <stdio.h>

#include "driver.h"

/* One line per step, each begun with `prefix`. */
void trail_print_text(const struct driver_result *result, const struct route_list *routes,
		      const char *prefix, FILE *out);

/* One JSON object per step, and a last one for the result, each on its line. */
void trail_print_json(const struct driver_result *result, const struct route_list *routes,
		      FILE *out);

/* One line per route that did not answer: what became of it last, class and HTTP status. */
void trail_print_routes(const struct driver_result *result, const struct route_list *routes,
			const char *prefix, FILE *out);

/*
 * One line per route that somebody has to look after although another one may have answered: those
 * that cannot be used, and those whose key or account was refused.
 */
void trail_print_warnings(const struct driver_result *result, const struct route_list *routes,
			  const char *prefix, FILE *out);

/* Why there is no answer, in one sentence; and what one can do about it, in another. */
void trail_print_reason(const struct driver_result *result, FILE *out);
const char *trail_advice(const struct driver_result *result);

/* HTTP status for a client of ours. */
int trail_http_status(const struct driver_result *result);

#endif
