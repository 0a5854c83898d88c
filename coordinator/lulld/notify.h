/* SPDX-License-Identifier: MIT */
/*
 * What systemd wants to hear of a service, sd_notify(3): a few lines of text in a datagram. By hand,
 * as libsystemd would bring its compressors and its crypto along. Without $NOTIFY_SOCKET all of it
 * does nothing.
 */
#ifndef LULL_LULLD_NOTIFY_H
#define LULL_LULLD_NOTIFY_H

#include <stdint.h>

#define NOTIFY_READY    "READY=1\n"
#define NOTIFY_STOPPING "STOPPING=1\n"
#define NOTIFY_WATCHDOG "WATCHDOG=1\n"

/* @state: one of the above, or ""; @status: one line for `systemctl status`, NULL: none */
void notify(const char *state, const char *status);

/* RELOADING=1, with the time that systemd tells two of them apart by. READY=1 ends it. */
void notify_reloading(const char *status);

/* How often WATCHDOG=1 is expected; 0: never. */
uint64_t notify_watchdog_ms(void);

#endif
