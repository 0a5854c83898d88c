/* SPDX-License-Identifier: MIT */
/*
 * Who makes the calls of a batch: this process, or worker processes that it has forked. Either way
 * rows go in, results come out, and nothing else is shared but the table.
 *
 * Workers are forked before libcurl and threads are used here, which with workers is never. Each
 * gets rows over a socket pair and leaves when that closes, so also when this process is killed.
 * One that dies is replaced, and its rows are told as lost. The signals that this process takes
 * care of are blocked in them: Ctrl-C reaches all, but only the parent decides.
 */
#ifndef LULL_WORKER_BATCH_CREW_H
#define LULL_WORKER_BATCH_CREW_H

#include "batch_engine.h"

struct crew_settings {
	struct engine_settings engine; /* userdata is everybody's */
	uint32_t worker_count;         /* 0: this process; at most jobs */
	/* The worker that had the row has died. */
	/* may_be_at_fault: it may have been under way; others only waited for their turn */
	void (*lost)(uint32_t slot, bool may_be_at_fault, void *userdata);
	/* In a worker: closes what is the parent's. */
	void (*in_child)(void *userdata);
};

#define CREW_WORKERS_MAX 64u

struct crew;

/* Return: 0; negative errno. */
int crew_new(const struct crew_settings *settings, struct crew **ret_crew);
/* Calls under way are dropped. NULL is fine. */
struct crew *crew_free(struct crew *crew);

/* Slots for rows: their numbers are 0 to this. */
uint32_t crew_capacity(const struct crew *crew);
/* A slot that is free, for a row whose body is borrowed until it is told to have ended, or lost.
 * Return: 0; negative errno. */
int crew_submit(struct crew *crew, uint32_t slot, const char *body, size_t body_bytes);
/* As engine_stop(). */
int crew_stop(struct crew *crew);
/* A row is under way that will be told about. */
bool crew_is_busy(const struct crew *crew);
uint32_t crew_running_count(const struct crew *crew);
/* As far as all go without waiting. Return: 0; negative errno: it cannot go on. */
int crew_advance(struct crew *crew);
/* Until something happens to them, or to the descriptors. Return: likewise. */
int crew_wait(struct crew *crew, uint64_t until_ms, struct pollfd *fds, size_t count);

#endif
