/* SPDX-License-Identifier: MIT */
/*
 * What the supervisor shows, and to whom: HTTP at addresses of its own, in its own loop.
 *
 * Whoever can connect is trusted as one who may type `lull hold`; so the addresses are loopback and
 * socket files. One who cannot connect, but whose page is open in a browser that can, is not: the Host
 * has to be this host's by number or as "localhost", so that no name that was made to point here
 * will do; and what changes the table wants the Origin of our page, and the token that only it can
 * have read.
 */
#ifndef LULL_LULLD_ADMIN_H
#define LULL_LULLD_ADMIN_H

#include <stdbool.h>

#include <event2/event.h>
#include <lull/table.h>

#include "crew.h"
#include "listener.h"

struct admin;

struct admin_health {
	unsigned int workers, ready;
	unsigned long deaths;
	const char *last_death; /* "": none */
	const char *failure;    /* why the last reload changed nothing; "": it did */
};

#define ADMIN_CREWS_MAX 8u

/* Where the facts come from. */
struct admin_source {
	const struct crew_world *world;
	/* Those that there are, the one that serves first. @ret: ADMIN_CREWS_MAX. Return: how many */
	size_t (*crews)(void *userdata, struct crew **ret);
	struct admin_health (*health)(void *userdata);
	void *userdata;
};

/* @listeners: opened, and borrowed while it is there. NULL: no memory, or no descriptors */
struct admin *admin_new(struct event_base *base, const struct listener_list *listeners,
			const struct admin_source *source);
/* Cuts all connections. NULL is fine. Return: NULL. */
struct admin *admin_free(struct admin *admin);

/* The table from now on. Borrowed; NULL: there is none yet. */
void admin_set_table(struct admin *admin, struct lull_table *table);

#endif
