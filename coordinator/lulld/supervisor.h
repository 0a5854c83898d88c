/* SPDX-License-Identifier: MIT */
/*
 * The supervisor: keeps a crew of gateways alive, replaces it when the configuration changes, and
 * lets it finish what it has when all ends. It does no request's work and talks to no provider, so
 * there is nothing in it that a request could break; and the cooldowns stand in the shared table,
 * which needs no supervisor.
 *
 *     SIGHUP            the file is copied and checked; a second crew is started with the copy; when
 *                       all of it accepts, the first one drains. Whatever goes wrong on the way, the
 *                       first crew stays, with the configuration that it has
 *     SIGTERM, SIGINT   all drain; a second one ends them at once
 *     SIGCHLD           who died is replaced, as worker_state.h has it
 */
#ifndef LULL_LULLD_SUPERVISOR_H
#define LULL_LULLD_SUPERVISOR_H

#include <stdbool.h>
#include <signal.h>

#include <lull/table.h>

#include "launch.h"

struct supervisor_options {
	const char *config; /* NULL: where lull-worker would find it */
	unsigned int workers;
	struct launch launch;
	struct listener_list *admin; /* where it shows what it does; empty: nowhere */
	/* Called with each configuration that names another. Return: the table, to look at; NULL:
	 * there is none. @name: NULL: the usual one */
	struct lull_table *(*make_table)(const char *name, void *userdata);
	void *userdata;
};

/* The signals that it takes care of: to be blocked before. */
void supervisor_signals(sigset_t *ret);

/* Runs until all is over, and closes the listeners. Return: an exit status. */
int supervisor_run(const struct supervisor_options *options, struct listener_list *listeners);

#endif
