/* SPDX-License-Identifier: MIT */
/*
 * One thread that sleeps on the table for others: see watch.h. Arming it while it still sleeps on
 * an older serial needs no waking: had the table moved since, it would be awake.
 */
#include "watch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NAP_MS 1000u /* the longest that it takes to notice that nobody wants it any more */

struct watch {
	struct lull_table *table;
	int fd;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	bool armed;
	bool stopping;
	uint32_t serial;
};

/* One sleep, without the lock. */
static void sleep_once(struct watch *watch)
{
	const uint32_t serial = watch->serial;
	int outcome;

	(void)pthread_mutex_unlock(&watch->lock);
	outcome = lull_table_wait(watch->table, serial, lull_clock_ms() + NAP_MS);
	(void)pthread_mutex_lock(&watch->lock);
	if (outcome != LULL_WOKEN || !watch->armed || watch->serial != serial)
		return;
	watch->armed = false;
	(void)eventfd_write(watch->fd, 1);
}

static void *sleep_for_others(void *userdata)
{
	struct watch *watch = userdata;

	(void)pthread_mutex_lock(&watch->lock);
	while (!watch->stopping) {
		if (watch->armed)
			sleep_once(watch);
		else
			(void)pthread_cond_wait(&watch->changed, &watch->lock);
	}
	(void)pthread_mutex_unlock(&watch->lock);
	return NULL;
}

/* Signals are for the threads of whoever is served. */
static int start_thread(struct watch *watch)
{
	sigset_t all, before;
	int err;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&watch->thread, NULL, sleep_for_others, watch);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	watch->has_thread = err == 0;
	return -err;
}

int watch_new(struct lull_table *table, struct watch **ret_watch)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	int err;

	if (!watch)
		return -ENOMEM;
	watch->table = table;
	watch->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (watch->fd < 0) {
		err = errno;
		free(watch);
		return -err;
	}
	(void)pthread_mutex_init(&watch->lock, NULL);
	(void)pthread_cond_init(&watch->changed, NULL);
	*ret_watch = watch;
	return 0;
}

struct watch *watch_free(struct watch *watch)
{
	if (!watch)
		return NULL;
	if (watch->has_thread) {
		(void)pthread_mutex_lock(&watch->lock);
		watch->stopping = true;
		(void)pthread_cond_signal(&watch->changed);
		(void)pthread_mutex_unlock(&watch->lock);
		(void)pthread_join(watch->thread, NULL);
	}
	(void)pthread_cond_destroy(&watch->changed);
	(void)pthread_mutex_destroy(&watch->lock);
	(void)close(watch->fd);
	free(watch);
	return NULL;
}

int watch_fd(const struct watch *watch)
{
	return watch->fd;
}

int watch_arm(struct watch *watch, uint32_t serial)
{
	int rc = watch->has_thread ? 0 : start_thread(watch);

	if (rc != 0)
		return rc;
	(void)pthread_mutex_lock(&watch->lock);
	watch->serial = serial;
	watch->armed = true;
	(void)pthread_cond_signal(&watch->changed);
	(void)pthread_mutex_unlock(&watch->lock);
	return 0;
}

void watch_clear(struct watch *watch)
{
	eventfd_t count;

	(void)eventfd_read(watch->fd, &count);
}
