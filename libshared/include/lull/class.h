/* SPDX-License-Identifier: MIT */
/*
 * Classes: what can become of an attempt, and what each does.
 *
 * Two questions are kept apart. Does the outcome cool something, for every process of the host? And
 * does this call go on to its next route? The answers are one table (class.c), one row a class;
 * configuration may override a row (`on:`), nothing else in the program decides on a class.
 */
#ifndef LULL_CLASS_H
#define LULL_CLASS_H

#include <lull/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Values are part of the shared table's layout (5 bits): append, never renumber. */
enum lull_class {
	/* an answer: with content, a tool call, a refusal, or a finish reason that explains why
	 * there is none */
	LULL_CLASS_ANSWERED = 0,
	LULL_CLASS_RATE_LIMITED = 1,    /* too many requests or tokens; passes by itself */
	LULL_CLASS_QUOTA_EXHAUSTED = 2, /* out of credit; no short wait helps */
	LULL_CLASS_OVERLOADED = 3,      /* the provider's load, not the caller's limit */
	LULL_CLASS_AUTH = 4,            /* the key is not accepted */
	LULL_CLASS_PERMISSION = 5,      /* the key is fine, but not for this model or region */
	LULL_CLASS_MODEL_NOT_FOUND = 6, /* or not for this account */
	LULL_CLASS_TIMEOUT = 7,         /* the provider says so, or our limit passed in silence */
	LULL_CLASS_SERVER_ERROR = 8,    /* 5xx without a better reason */
	LULL_CLASS_MALFORMED_RESPONSE = 9, /* 2xx that is no answer */
	LULL_CLASS_TRUNCATED_STREAM = 10,  /* a stream that ended without its finish reason */
	LULL_CLASS_NETWORK = 11,           /* the endpoint could not be reached */
	LULL_CLASS_LOCAL = 12,  /* our own host: CA file, proxy setting, descriptors, no network */
	LULL_CLASS_CONFIG = 13, /* unknown model name, no key: never left the host */
	LULL_CLASS_CONTEXT_WINDOW = 14, /* the request's own fault from here on */
	LULL_CLASS_CONTENT_POLICY = 15,
	LULL_CLASS_BAD_REQUEST = 16,
	LULL_CLASS_TOO_LARGE = 17,
	LULL_CLASS_CANCELLED = 18, /* the caller left */
	LULL_CLASS_SUSPENDED = 19, /* the host slept during the attempt */
	LULL_CLASS_DEADLINE = 20,  /* the call's budget ended the attempt */
	/* an operator's word in the table; never the outcome of an attempt */
	LULL_CLASS_MANUAL = 21,
	LULL_CLASS_COMMAND = 22, /* `lull run`: the command's own exit code said so */
	LULL_CLASS_COUNT = 23
};

/* What is shut for everybody. Also the four kinds of key in the table. Part of the layout. */
enum lull_kind {
	LULL_KIND_NONE = 0,
	LULL_KIND_ROUTE = 1,      /* base URL + upstream model + key fingerprint */
	LULL_KIND_CREDENTIAL = 2, /* key fingerprint: every route with that key */
	LULL_KIND_ENDPOINT = 3,   /* scheme, host, port: every route at that address */
	LULL_KIND_NAME = 4        /* what people and `lull run` call a model */
};

enum lull_proof {
	LULL_PROOF_NONE = 0, /* cools nothing */
	LULL_PROOF_SOFT = 1, /* may be chance: cools at the third in a row */
	LULL_PROOF_HARD = 2  /* the provider said it about itself: cools at once */
};

/* What the call does after an outcome of the class. */
enum lull_go {
	LULL_GO_STOP = 0, /* the call ends */
	LULL_GO_NEXT = 1  /* the next route is tried */
};

/* One row of the table of classes. Static, read-only, valid for the life of the process. */
struct lull_class_info {
	uint32_t class_id;
	const char *name; /* as in configuration and JSON: "rate_limited" */
	const char *text; /* for people: "rate limited" */
	uint8_t proof;    /* enum lull_proof: default where the wire's row names none */
	uint8_t scope;    /* enum lull_kind: default where the wire's row names none */
	uint8_t go;       /* enum lull_go */
	/* 1: a configured cooldown_time replaces the length (route classes only) */
	uint8_t takes_cooldown_time;
	uint8_t blames_request; /* 1: the request's own fault; nothing is ever written */
	/* 1: the same call may try the route again even if nothing cooled; 0: it would fail
	 * again, or do twice what a command does */
	uint8_t comes_again;
	/* 1: it passes without anybody's doing, so that the same request may well be answered
	 * some time later */
	uint8_t passes;
	uint32_t for_ms; /* cooldown if nobody says otherwise; 0 = cools nothing */
	/* doubles with each failed probe up to this; == for_ms: does not double */
	uint32_t for_cap_ms;
	uint32_t endpoint_for_ms; /* the same when charged to an endpoint (a busy local server) */
	uint32_t adaptive_for_ms; /* policy adaptive: start; 0 = as default */
	uint32_t adaptive_for_cap_ms;
	int exit_code;   /* of a call in which only this class was met */
	int http_status; /* of a gateway's answer, likewise */
};

/**
 * lull_class_info() - the row of a class
 * @class_id: enum lull_class; anything else gives NULL
 *
 * Threads, fork, signals: safe.
 */
LULL_API const struct lull_class_info *lull_class_info(uint32_t class_id);

/**
 * lull_class_by_name() - the class with that configuration name
 *
 * Return: enum lull_class; -ENOENT unknown; -EINVAL @name is NULL.  Threads, fork, signals: safe.
 */
LULL_API int lull_class_by_name(const char *name);

/**
 * lull_kind_name() - "route", "credential", "endpoint", "name"; "none" for anything else
 */
LULL_API const char *lull_kind_name(uint32_t kind);

/**
 * lull_kind_by_name() - the kind with that name
 *
 * Return: enum lull_kind; -ENOENT unknown; -EINVAL @name is NULL.
 */
LULL_API int lull_kind_by_name(const char *name);

#ifdef __cplusplus
}
#endif
#endif
