/* SPDX-License-Identifier: MIT */
/*
 * Limits that hold for the sum of all processes of the host: requests a minute, tokens a minute,
 * requests at once.
 *
 * Each process says what limit it knows of (struct lull_route in <lull/call.h>); what has been used
 * of it stands in the table, in the slot of the route or of the credential, as the time until its
 * bucket is full again. So all should know the same limits of a key: one request by a process that
 * knows rpm=1 shuts it for a minute, for those that know rpm=600 as well.
 *
 *   - A bucket fills at its rate and holds `burst_ms` of it, at least one request. A call may go
 *     ahead as long as the bucket is not empty, and is charged whole: what it takes beyond that is
 *     a debt. So a big request is never too big, and never starves behind small ones. In any span t
 *     there are at most rate * t + burst requests; of tokens, one call's more.
 *   - Tokens are charged when the attempt begins, by the caller's estimate, and set right by what
 *     was used when it ends; what comes back to a bucket that is full is lost. A caller that is
 *     killed in between leaves the estimate charged, once.
 *   - A permit is a lease of LULL_PERMIT_LEASE_MS that its holder renews; one whose holder was
 *     killed is free again after that time at the latest. A holder that is stopped for longer than
 *     its lease may lose it, and its request then runs beside the others.
 *
 * Where the table is process-local, or the key found no slot in it, limits hold for one process.
 */
#ifndef LULL_LIMIT_H
#define LULL_LIMIT_H

#include <lull/export.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LULL_PARALLEL_MAX    64u    /* permits of a key in the table */
#define LULL_BURST_MS        1000u  /* what a bucket holds, unless said otherwise */
#define LULL_BURST_MS_MAX    60000u /* a whole minute's at once */
#define LULL_PERMIT_LEASE_MS 10000u /* the longest that a killed holder's permit is missing */
#define LULL_PERMIT_RENEW_MS 3000u  /* how often a holder renews: twice may fail */

/* what people may write for a rate a minute; far above any provider's */
#define LULL_RATE_MAX 1000000000u

enum lull_limit {
	LULL_LIMIT_NONE = 0,
	LULL_LIMIT_RPM = 1,
	LULL_LIMIT_TPM = 2,
	LULL_LIMIT_PARALLEL = 3
};

/* 0 everywhere = no such limit */
struct lull_limits {
	uint32_t rpm;      /* requests a minute */
	uint32_t tpm;      /* tokens a minute, of prompts and answers */
	uint32_t parallel; /* requests at once; at most LULL_PARALLEL_MAX */
	/* how much of the rate may be used at once; 0 = LULL_BURST_MS, at most LULL_BURST_MS_MAX */
	uint32_t burst_ms;
};

/** lull_limit_name() - "rpm", "tpm", "parallel"; "none" for anything else */
LULL_API const char *lull_limit_name(uint32_t limit);
/** lull_limit_unit() - "requests a minute", "tokens a minute", "requests at once"; "" for anything
 * else */
LULL_API const char *lull_limit_unit(uint32_t limit);
/** lull_limits_get() - one of them, by enum lull_limit; 0 = no such limit */
LULL_API uint32_t lull_limits_get(const struct lull_limits *limits, uint32_t limit);

/**
 * lull_limits_parse() - what a person typed: "gpt-4o:rpm=60,tpm=90000,parallel=4"
 * @ret_name_bytes: length of the name, which stands before the last ':'
 * @limits:         those that are named are set, the others stay as they are
 * @error:          a part of a sentence, if it is none: what is wrong, what was expected
 *
 * Return: 0; -EINVAL, and nothing but @error was written.
 * Threads: safe.  Signals: not from handlers.
 */
LULL_API int lull_limits_parse(const char *text, size_t *ret_name_bytes, struct lull_limits *limits,
			       char *error, size_t error_size);

#ifdef __cplusplus
}
#endif
#endif
