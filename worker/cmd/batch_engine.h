/* SPDX-License-Identifier: MIT */
/*
 * Many calls in flight in one process, over one transport.
 *
 * A row waits until its turn comes; then its call begins, and so its budget. Where nothing of its
 * list is ready the call is dropped again before anything was sent, and the rows of that list
 * pause, until the time that the call would have slept to or until the table moves.
 *
 * How many go on at once adapts: one more for each round of answers, half as many when a provider
 * says "too many"; what was under way at that moment counts once.
 */
#ifndef LULL_WORKER_BATCH_ENGINE_H
#define LULL_WORKER_BATCH_ENGINE_H

#include "../src/host.h"
#include "batch_result.h"
#include "call_options.h"

struct engine_settings {
	struct lull_http *http;           /* all borrowed */
	const struct call_settings *call; /* model: in place of each row's own */
	uint32_t jobs;                    /* calls at once, at most */
	/* a report, see row_report_read(); borrowed */
	void (*ended)(const char *bytes, size_t size, void *userdata);
	/* until_ms: LULL_NEVER: all are held; 0: it goes on */
	void (*paused)(const char *model, uint64_t until_ms, void *userdata);
	void *userdata;
};

/* One that runs and one that is at hand when it ends, for each call at once; and those whose calls
 * wait for a model, which must not keep others from being made. */
#define ENGINE_ROWS_PER_JOB 2u
#define ENGINE_ROWS_WAITING 256u

struct engine;

/* Return: 0; negative errno. */
int engine_new(const struct engine_settings *settings, struct engine **ret_engine);
/* Calls under way are dropped. NULL is fine. */
struct engine *engine_free(struct engine *engine);

/* Rows in it, running or waiting: at most ENGINE_ROWS_PER_JOB for each of jobs,
 * and ENGINE_ROWS_WAITING. */
uint32_t engine_count(const struct engine *engine);
uint32_t engine_running_count(const struct engine *engine);

/* body: borrowed until it has ended. slot: comes back with its result. Return: 0; -ENOMEM. */
int engine_submit(struct engine *engine, uint32_t slot, const char *body, size_t body_bytes);
/* Rows that wait are forgotten, and so are calls that sleep; those that talk go on, unless
 * `at_once`. */
void engine_stop(struct engine *engine, bool at_once);

/* As far as all go without waiting. Return: 0; negative errno: it cannot go on. */
int engine_advance(struct engine *engine);
/* Until something happens to one of them, or to the descriptors. Return: 0; negative errno. */
int engine_wait(struct engine *engine, uint64_t until_ms, struct pollfd *fds, size_t count);

#endif
