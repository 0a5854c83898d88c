/* SPDX-License-Identifier: MIT */
/*
 * The loop, driven: asks the call what to do, does it, reports what became of it, until it is done.
 * Everything that decides is in liblull; everything that talks is in attempt.c.
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
	void *userdata;
};

struct driver_result {
	uint32_t result;   /* enum lull_result */
	uint32_t class_id; /* of the failure to tell about */
	int exit_code;
	uint64_t ready_in_ms; /* LULL_NEVER: none by itself */
	uint32_t route;       /* tried last, so the one that answered; LULL_UNSET none */
	bool handed_out;      /* some of an answer has reached the sink */
	struct answer answer; /* with a sink only its finish */
	uint64_t for_ms;
	struct lull_trail_entry *trail;
	uint32_t trail_count;
	/* by route: what was left out of its request, see http_attempt_omitted() */
	char (*omitted)[REQUEST_OMITTED_BYTES];
};

/* Return: 0, whatever became of the call; -ECHILD; -EINVAL an option is out of range; -ENOMEM. */
int driver_run(const struct driver_job *job, struct driver_result *ret_result);
void driver_result_deinit(struct driver_result *result);

#endif
