/* SPDX-License-Identifier: MIT */
/* Making a route, step by step: between resolve.c and the step that has a file of its own. */
#ifndef LULL_WORKER_RESOLVE_H
#define LULL_WORKER_RESOLVE_H

#include "settings.h"
#include "url.h"

/* a step's outcome: no further step; the route has its problem, unless it is a pattern's */
#define UNUSABLE 1

/* What is known of a route while it is being made. */
struct making {
	const struct config *config;
	const struct entry *entry;
	struct http_route *route;
	struct url base;
	bool base_configured; /* it stands in the file */
	bool base_own;        /* it is one of the provider's own hosts */
	struct url proxy;     /* text NULL: none */
	char *key_identity;   /* what stands for the key: its value, or where it is kept */
};

/* The route's problem, one sentence without secrets. Return: UNUSABLE; -ENOMEM */
int unusable(struct making *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A copy of the text, which may be NULL. Return: 0; -ENOMEM */
int copy_text(const char *text, char **ret);

/* resolve_base.c: needs the provider and its model, sets base and base_url; then the path. */
int find_base(struct making *m);
int find_path(struct making *m);

/* resolve_key.c: needs the provider and the base, sets key, source and key_identity. */
int find_key(struct making *m);

#endif
