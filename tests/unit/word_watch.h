/* SPDX-License-Identifier: MIT */
/*
 * Watches every change of a word while calls of several processes run on one table: who may make
 * what of it, and who holds which lease. Stands in for segment_change(), so a test that uses it is
 * linked with --wrap=segment_change; there it also lets another process act, between the moment
 * when a call has read the words and the moment when it changes one.
 */
#ifndef LULL_TESTS_WORD_WATCH_H
#define LULL_TESTS_WORD_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <lull/call.h>

#define WATCH_PROCESSES 8u

enum watch_phase {
	WATCH_NEXT,    /* a call looks for a route */
	WATCH_ATTEMPT, /* an attempt goes on, or ends in a failure */
	WATCH_ANSWER,  /* an attempt ends in an answer */
	WATCH_NOTHING, /* an attempt ends in what says nothing about anybody's keys */
	WATCH_OPERATOR
};

/* Who acts now; set before each operation. */
struct watch_actor {
	uint32_t process;
	enum watch_phase phase;
	uint64_t now_ms;
	bool probes;      /* options.probe */
	bool tries;       /* when_cooling: try */
	bool status_came; /* WATCH_NOTHING: with a status line */
};
extern struct watch_actor watch_actor;

/* Told when a rule is broken; the test's own. */
void watch_broken(const char *format, ...) __attribute__((format(printf, 1, 2)));

typedef void (*watch_meanwhile_fn)(void);

/* meanwhile: called before a change while a call looks for a route, to let others act; NULL nobody
 */
void watch_begin(struct lull_table *table, watch_meanwhile_fn meanwhile);
/* Returns how many leases were given. */
uint64_t watch_end(void);
void watch_key(uint32_t kind, const char *text);
uint32_t watch_key_count(void);
void watch_key_at(uint32_t index, uint32_t *ret_kind, const char **ret_text);

/* The key is shut, as a call sees it that heeds leases or not. NULL and unknown keys are not. */
bool watch_is_shut(uint32_t kind, const char *text, bool heeds_leases);
/* The process's attempt has ended: it may hold nothing any more. */
void watch_attempt_ended(uint32_t process);

#endif
