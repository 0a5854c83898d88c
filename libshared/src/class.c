/* SPDX-License-Identifier: MIT */
/*
 * The table of classes: what each outcome cools, for how long, and whether the call goes on. One
 * row a class; whoever looks for a rule about errors finds it here, or in the row of the wire's own
 * table that set class, scope and proof.
 */
#include <lull/class.h>

#include <errno.h>
#include <string.h>

#define S          1000u
#define NEXT       LULL_GO_NEXT
#define STOP       LULL_GO_STOP
#define HARD       LULL_PROOF_HARD
#define SOFT       LULL_PROOF_SOFT
#define NONE       LULL_PROOF_NONE
#define ROUTE      LULL_KIND_ROUTE
#define CREDENTIAL LULL_KIND_CREDENTIAL
#define ENDPOINT   LULL_KIND_ENDPOINT
#define NOBODY     LULL_KIND_NONE

/*
 * Columns: name, text | proof, scope, go | cooldown_time?, request's fault?, comes again in this
 * call?, passes by itself? | length, its cap, length on an endpoint | adaptive length, its cap |
 * exit code, HTTP status.
 *
 * 60 s is the tutorial's. 600 s: an account out of credit is asked again six times an hour. Network
 * 1 s doubling to 10 s: a server that restarts is back in seconds. 2 s for an overloaded endpoint:
 * only servers of one's own are charged as a whole. 5 s to 30 s (adaptive): most limits nobody put
 * a length to pass within seconds.
 */
/* clang-format off */
#define ROW(id, name, text, proof, scope, go, time, blame, again, passes, len, cap, endpoint, alen, acap, code, status) \
	[id] = { id, name, text, proof, scope, go, time, blame, again, passes, len, cap, endpoint, alen, acap, code, status }

static const struct lull_class_info classes[LULL_CLASS_COUNT] = {
ROW(LULL_CLASS_ANSWERED,           "answered",           "answered",             NONE, NOBODY,     STOP, 0, 0, 0, 0, 0,      0,      0,      0,   0,    0,   200),
ROW(LULL_CLASS_RATE_LIMITED,       "rate_limited",       "rate limited",         HARD, ROUTE,      NEXT, 1, 0, 1, 1, 60*S,   60*S,   60*S,   5*S, 30*S, 69,  429),
ROW(LULL_CLASS_QUOTA_EXHAUSTED,    "quota_exhausted",    "out of quota",         HARD, CREDENTIAL, NEXT, 0, 0, 1, 0, 600*S,  600*S,  600*S,  0,   0,    69,  429),
ROW(LULL_CLASS_OVERLOADED,         "overloaded",         "overloaded",           SOFT, ROUTE,      NEXT, 1, 0, 1, 1, 60*S,   60*S,   2*S,    5*S, 30*S, 69,  503),
ROW(LULL_CLASS_AUTH,               "auth",               "key not accepted",     HARD, CREDENTIAL, NEXT, 0, 0, 1, 0, 60*S,   60*S,   60*S,   0,   0,    77,  502),
ROW(LULL_CLASS_PERMISSION,         "permission",         "not permitted",        HARD, ROUTE,      NEXT, 1, 0, 1, 0, 60*S,   60*S,   60*S,   0,   0,    69,  502),
ROW(LULL_CLASS_MODEL_NOT_FOUND,    "model_not_found",    "model not found",      HARD, ROUTE,      NEXT, 1, 0, 1, 0, 60*S,   60*S,   60*S,   0,   0,    69,  404),
ROW(LULL_CLASS_TIMEOUT,            "timeout",            "timed out",            SOFT, ROUTE,      NEXT, 1, 0, 1, 1, 60*S,   60*S,   60*S,   5*S, 30*S, 69,  504),
ROW(LULL_CLASS_SERVER_ERROR,       "server_error",       "server error",         SOFT, ROUTE,      NEXT, 1, 0, 1, 1, 60*S,   60*S,   60*S,   5*S, 30*S, 69,  502),
ROW(LULL_CLASS_MALFORMED_RESPONSE, "malformed_response", "no proper answer",     SOFT, ROUTE,      NEXT, 1, 0, 1, 1, 60*S,   60*S,   60*S,   5*S, 30*S, 69,  502),
ROW(LULL_CLASS_TRUNCATED_STREAM,   "truncated_stream",   "stream cut off",       SOFT, ROUTE,      NEXT, 1, 0, 1, 1, 60*S,   60*S,   60*S,   5*S, 30*S, 69,  502),
ROW(LULL_CLASS_NETWORK,            "network",            "not reachable",        SOFT, ENDPOINT,   NEXT, 0, 0, 1, 1, 1*S,    10*S,   1*S,    0,   0,    69,  502),
ROW(LULL_CLASS_LOCAL,              "local",              "a fault of this host", NONE, NOBODY,     NEXT, 0, 0, 0, 0, 0,      0,      0,      0,   0,    69,  500),
ROW(LULL_CLASS_CONFIG,             "config",             "not usable as set up", NONE, NOBODY,     NEXT, 0, 0, 0, 0, 0,      0,      0,      0,   0,    78,  500),
ROW(LULL_CLASS_CONTEXT_WINDOW,     "context_window",     "request too long for the model", NONE, NOBODY, NEXT, 0, 1, 0, 0, 0, 0,   0,      0,   0,    65,  400),
ROW(LULL_CLASS_CONTENT_POLICY,     "content_policy",     "refused by content policy", NONE, NOBODY, STOP, 0, 1, 0, 0, 0,   0,      0,      0,   0,    65,  400),
ROW(LULL_CLASS_BAD_REQUEST,        "bad_request",        "request refused",      NONE, NOBODY,     NEXT, 0, 1, 0, 0, 0,      0,      0,      0,   0,    65,  400),
ROW(LULL_CLASS_TOO_LARGE,          "too_large",          "request too large",    NONE, NOBODY,     NEXT, 0, 1, 0, 0, 0,      0,      0,      0,   0,    65,  413),
ROW(LULL_CLASS_CANCELLED,          "cancelled",          "cancelled",            NONE, NOBODY,     STOP, 0, 0, 1, 0, 0,      0,      0,      0,   0,    130, 499),
ROW(LULL_CLASS_SUSPENDED,          "suspended",          "the host was suspended", NONE, NOBODY,   STOP, 0, 0, 1, 1, 0,      0,      0,      0,   0,    124, 504),
ROW(LULL_CLASS_DEADLINE,           "deadline",           "out of time",          NONE, NOBODY,     STOP, 0, 0, 1, 0, 0,      0,      0,      0,   0,    124, 504),
ROW(LULL_CLASS_MANUAL,             "manual",             "set by an operator",   NONE, NOBODY,     STOP, 0, 0, 0, 0, 0,      0,      0,      0,   0,    70,  500),
ROW(LULL_CLASS_COMMAND,            "command",            "the command said so",  HARD, ROUTE,      NEXT, 1, 0, 0, 0, 60*S,   60*S,   60*S,   0,   0,    69,  503),
};
/* clang-format on */

static const char *const kinds[] = {"none", "route", "credential", "endpoint", "name"};

const struct lull_class_info *lull_class_info(uint32_t class_id)
{
	return class_id < LULL_CLASS_COUNT ? &classes[class_id] : NULL;
}

int lull_class_by_name(const char *name)
{
	if (!name)
		return -EINVAL;
	for (int id = 0; id < LULL_CLASS_COUNT; id++)
		if (strcmp(classes[id].name, name) == 0)
			return id;
	return -ENOENT;
}

const char *lull_kind_name(uint32_t kind)
{
	return kinds[kind <= LULL_KIND_NAME ? kind : 0];
}

int lull_kind_by_name(const char *name)
{
	if (!name)
		return -EINVAL;
	for (int kind = LULL_KIND_ROUTE; kind <= LULL_KIND_NAME; kind++)
		if (strcmp(kinds[kind], name) == 0)
			return kind;
	return -ENOENT;
}
