/* SPDX-License-Identifier: MIT */
/*
 * The loop, driven: asks the call what to do, does it, reports what became of it, until it is done.
 * Everything that decides is in liblull; everything that talks is in attempt.c.
 *
 * A driver is one call in flight, and never waits. Who drives many has them share one transport:
 *
 *     driver_new(&job, &driver)
 *     while (driver_advance(driver) is not DRIVER_DONE)
 *             transport_wait(transport, driver_until_ms(driver)), or less
 *     driver_end(driver, &result)
 *
 * While one sleeps, a change of the table may wake it: watch.h. driver_run() is all of that for one
 * call.
 */
#ifndef LULL_WORKER_DRIVER_H
#define LULL_WORKER_DRIVER_H

#include "attempt.h"

struct driver_job {
	struct transport *transport; /* all borrowed for the call */
	struct lull_table *table;
	const struct route_list *routes;
	const struct lull_call_options *options;
	const char *request; /* in OpenAI's form: a JSON object, checked before */
	size_t request_bytes;
	const struct sink *sink; /* NULL: one whole answer */
	/* Asked after every wait, so after every signal; NULL: never. */
	bool (*is_cancelled)(void *userdata);
	/* Something has happened to it, and driver_advance() is due; told from inside the transport,
	 * so not there. NULL: whoever drives it looks after each wait. */
	void (*moved)(void *userdata);
	void *userdata;
	const char *const *headers; /* of each request, beside the route's; NULL none */
};

struct driver_result {
	uint32_t result;   /* enum lull_result */
	uint32_t class_id; /* of the failure to tell about */
	int exit_code;
	uint64_t ready_in_ms; /* LULL_NEVER: none by itself */
	uint32_t route;       /* tried last, so the one that answered; LULL_UNSET none */
	bool handed_out;      /* some of an answer has reached the sink */
	struct answer answer; /* with a sink only its finish */
	char request_id[80];  /* of the last attempt, by the provider; "" none */
	uint32_t tokens;      /* used by the last attempt; LULL_UNSET not known */
	uint64_t for_ms;
	struct lull_trail_entry *trail;
	uint32_t trail_count;
	/* by route: what was left out of its request, see http_attempt_omitted() */
	char (*omitted)[REQUEST_OMITTED_BYTES];
};

struct driver;

enum driver_state { DRIVER_TALKING = 1, DRIVER_SLEEPING = 2, DRIVER_DONE = 3 };

/* The job is copied; its budget runs from now. Return: 0; -EINVAL an option is out of range;
 * -ENOMEM. */
int driver_new(const struct driver_job *job, struct driver **ret_driver);
/* As far as it goes without waiting. Return: enum driver_state; -ECHILD the transport belongs to
 * another process. */
int driver_advance(struct driver *driver);
/* Not done: when to advance it, should nothing happen before. */
uint64_t driver_until_ms(const struct driver *driver);
/* What it sleeps on, for watch_arm(). */
uint32_t driver_serial(const struct driver *driver);
/* The sink's reader is slow, see http_attempt_pause(). */
void driver_pause(struct driver *driver, bool pause);
/* What it did so far; the attempt that runs is the last of it. *ret_trail: free(). Return: 0; -ENOMEM */
int driver_trail(const struct driver *driver, struct lull_trail_entry **ret_trail,
		 uint32_t *ret_count);
/* It has asked a route, or tried to. */
bool driver_has_tried(const struct driver *driver);
/* transport_wait() has failed: an attempt that is under way has no chance. */
void driver_give_up_attempt(struct driver *driver);
/*
 * Ends it at any step and frees it. ret_result: filled when it was done; NULL: not wanted.
 * Return: 0; -ENOMEM.
 */
int driver_end(struct driver *driver, struct driver_result *ret_result);

/* Return: 0, whatever became of the call; -ECHILD; -EINVAL an option is out of range; -ENOMEM. */
int driver_run(const struct driver_job *job, struct driver_result *ret_result);
void driver_result_deinit(struct driver_result *result);

#endif
