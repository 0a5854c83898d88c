/* SPDX-License-Identifier: MIT */
/*
 * fork() and exec of other programs, and which descriptors they find where. A gateway gets its
 * sockets as systemd hands them to a service, so that it needs nothing of ours to be tried out:
 *
 *     3 …            listeners: LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES
 *     3 + listeners  the control channel: LULL_CONTROL_FD
 *     then           the configuration, -c /proc/self/fd/N
 *     then           the page by which they share connections evenly: LULL_BOARD_FD
 *
 * Every other descriptor of ours is close-on-exec: a gateway that held a sibling's channel open would
 * hide our end from it.
 */
#ifndef LULL_LULLD_LAUNCH_H
#define LULL_LULLD_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "listener.h"

/* What is the same for all of them. Borrowed texts. */
struct launch {
	const char *program; /* lull-worker */
	const struct listener_list *listeners;
	const char *table; /* NULL: as configured */
	const char *log;   /* NULL: the gateway's default */
	uint64_t drain_ms;
	uint64_t budget_ms; /* 0: as configured */
	int board_fd;       /* -1: none */
	bool quiet;
	sigset_t signals_before; /* the mask that children start with */
};

/* A page of zeros that the gateways share. Return: a descriptor; -1: none, which is no harm. */
int launch_board(void);

/* A gateway. Return: its pid; negative errno. */
pid_t launch_gateway(const struct launch *launch, int config_fd, int control_fd);

/* `lull-worker config check --for-serve` of a copy, with its stdout and stderr to these. Return: its
 * pid; negative errno. */
pid_t launch_check(const struct launch *launch, int config_fd, int out_fd, int error_fd);

/*
 * `lull watch` that runs `command` on cooldowns that need a person. It ends with this process: what
 * comes after it would have one of its own, and people would be told twice.
 * @program: lull; @table: NULL: the usual one. Return: its pid; negative errno.
 */
pid_t launch_watch(const struct launch *launch, const char *program, const char *table,
		   const char *command);

#endif
