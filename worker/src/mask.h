/* SPDX-License-Identifier: MIT */
/* Internal: a provider's sentence made fit to be shown. See mask.c. */
#ifndef LULL_WORKER_MASK_H
#define LULL_WORKER_MASK_H

#include <stddef.h>

#define MASK_HIDDEN "[hidden]" /* stands where something was */

/* Writes at most size - 1 bytes and a NUL. secret: the route's key, or NULL. */
void mask_write(char *out, size_t size, const char *message, const char *secret);

#endif
