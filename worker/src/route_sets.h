/* SPDX-License-Identifier: MIT */
/*
 * Routes of a name, kept for whoever asks for it again: to find them takes longer than to ask a
 * provider. They are made anew after a minute, since some keys live for an hour.
 */
#ifndef LULL_WORKER_ROUTE_SETS_H
#define LULL_WORKER_ROUTE_SETS_H

#include "route.h"

struct route_set {
	struct route_set *next;
	char *name; /* NULL: one user's own */
	struct route_list list;
	uint64_t made_at_ms;
	uint32_t user_count;
	/* for who lets all users of a set wait */
	uint64_t paused_until_ms; /* 0: they do not */
	uint32_t paused_serial;
};

struct route_sets {
	struct route_set *first;
};

/* Fills a list. Return: 0; negative errno. */
typedef int (*route_set_fn)(struct route_list *ret_list, void *userdata);

/*
 * The set of that name, or a new one; NULL: one that no other user gets. It stays until
 * route_set_leave(). Return: 0; -ENOMEM, or what make() returned.
 */
int route_sets_use(struct route_sets *sets, const char *name, route_set_fn make, void *userdata,
		   struct route_set **ret_set);
void route_set_leave(struct route_set *set);

/* All of them, used or not. */
void route_sets_deinit(struct route_sets *sets);

#endif
