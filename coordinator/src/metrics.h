/* SPDX-License-Identifier: MIT */
/* The table as Prometheus reads it: version 0.0.4 of its text format. */
#ifndef LULL_COORDINATOR_METRICS_H
#define LULL_COORDINATOR_METRICS_H

#include <stddef.h>

#include <lull/table.h>

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* The whole text, new, for free(). NULL: no memory. */
char *metrics_text(struct lull_table *table, size_t *ret_size);

#endif
