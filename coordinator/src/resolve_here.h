/* SPDX-License-Identifier: MIT */
/* Reading the configuration in this process, where that is enough: see resolve_here.c. */
#ifndef LULL_COORDINATOR_RESOLVE_HERE_H
#define LULL_COORDINATOR_RESOLVE_HERE_H

#include "resolve.h"

/* As resolve_name(). Return: false: only lull-worker knows, or can say what is wrong; `found` was
 * not called. */
bool resolve_name_here(const char *name, bool quiet, resolve_key_fn found, void *userdata,
		       int *ret_result);

/* As resolve_table(). */
bool resolve_table_here(char *ret_table, size_t table_size);

#endif
