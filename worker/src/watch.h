/* SPDX-License-Identifier: MIT */
/*
 * A descriptor that becomes readable when the table moves: for who sleeps on the table and on
 * sockets at once. A futex cannot be polled, so one thread sleeps in lull_table_wait() and passes
 * the word on. It is started when it is first needed, and sleeps otherwise.
 */
#ifndef LULL_WORKER_WATCH_H
#define LULL_WORKER_WATCH_H

#include <lull/table.h>

struct watch;

/* table: borrowed until watch_free(). Return: 0; negative errno. */
int watch_new(struct lull_table *table, struct watch **ret_watch);
/* May take a second, if it was armed. NULL is fine. */
struct watch *watch_free(struct watch *watch);

int watch_fd(const struct watch *watch); /* to poll for input */
/*
 * Readable as soon as the table's serial is another than this one, which was read before the words
 * that are slept on. To be armed again after that. Return: 0; negative errno: no thread to be had.
 */
int watch_arm(struct watch *watch, uint32_t serial);
/* Takes note: no longer readable. */
void watch_clear(struct watch *watch);

#endif
