/* SPDX-License-Identifier: MIT */
/*
 * liblull-http: one blocking call that asks a list of models over HTTP and gives back one answer.
 * For programs in C that pre-fork: each worker process asks through this, and all of them share
 * what they learn of cooling models through the table of <lull/table.h>.
 *
 *     struct lull_http *http;
 *     struct lull_completion completion;
 *
 *     lull_http_open(NULL, &http);                        // once, before or after fork()
 *     lull_complete(http, request, size, NULL, &completion);
 *     if (completion.result == LULL_RESULT_ANSWERED)
 *             send(completion.json, completion.json_bytes);
 *     lull_completion_clear(&completion);
 *     lull_http_close(http);
 *
 * Caveats first:
 *
 *   - Fork: open before fork() or after, but make the first call after it. A handle that has made a
 *     call belongs to that process: elsewhere lull_complete() answers -ECHILD, and
 *     lull_http_close() does nothing.
 *   - Threads: a handle is used by one thread at a time. Several handles in one process are fine.
 *   - Signals: SIGPIPE is kept away from the caller. Another signal interrupts a wait only to ask
 *     lull_complete_options.is_cancelled. Nothing here may be called from a handler.
 *   - libcurl: the first call runs curl_global_init(), which is never undone.
 *   - Keys come from the configuration and the environment. They stay in this process's heap, as
 *     do requests and answers: a program that writes core dumps writes them too.
 */
#ifndef LULL_HTTP_H
#define LULL_HTTP_H

#include <lull/call.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LULL_REQUEST_BYTES_MAX 33554432u /* 32 MiB each way: requests, and answers */

struct lull_http; /* opaque: configuration, table and connections of one process */

struct lull_http_options {
	uint32_t abi_version;
	/* NULL: $LULL_CONFIG, then the XDG and /etc places; none there: well-known names from
	 * the environment. Borrowed for the call */
	const char *config_path;
	/* NULL: the configuration's, else as lull_table_open(). Borrowed for the call */
	const char *table_name;
	/* Told each warning and error, a line without newline: of the configuration, and why the
	 * table is not shared (once an hour and host). NULL: nobody is told. No key ever is in it
	 */
	void (*message)(const char *line, int is_error, void *userdata);
	void *userdata;
};
LULL_API void lull_http_options_init(struct lull_http_options *options);

/**
 * lull_http_open() - read the configuration, attach to the table
 * @options:  NULL for defaults
 * @ret_http: owned by the caller, ends with lull_http_close()
 *
 * Return: 0; -ENOENT the named configuration file does not exist; -EINVAL the configuration has
 * errors (all told by message), or a bad option; -ENOMEM.
 * Threads: safe.  Fork: see above.  Signals: not from handlers.
 */
LULL_API int lull_http_open(const struct lull_http_options *options, struct lull_http **ret_http);

/** lull_http_close() - ends its connections and frees it. NULL is fine. */
LULL_API void lull_http_close(struct lull_http *http);

struct lull_complete_options {
	uint32_t abi_version;
	/* NULL: the request's `model`, or the first of its `models`; else the configuration's
	 * first. All pointers are borrowed for the call */
	const char *model;
	/* NULL: the request's (`models`, `fallbacks`), else the configured ones */
	const char *const *fallbacks;
	uint32_t fallback_count;
	uint32_t budget_ms; /* 0: configured, else LULL_BUDGET_MS */
	/* enum lull_when_cooling; LULL_UNSET: configured, else fail: a pool of sleeping workers
	 * is a site that is down */
	uint32_t when_cooling;
	/* Asked after every wait, so after every signal that came: non-zero ends the call as
	 * cancelled, which benches no model. NULL: never */
	int (*is_cancelled)(void *userdata);
	void *userdata;
};
LULL_API void lull_complete_options_init(struct lull_complete_options *options);

/* What became of a call. The caller's memory; what it points to is owned by it. */
struct lull_completion {
	uint32_t abi_version;
	uint32_t result;   /* enum lull_result */
	uint32_t class_id; /* enum lull_class of the failure to tell about; ANSWERED if none */
	int exit_code;     /* as `lull complete` would exit with it: 0 65 69 75 77 78 124 130 */
	int http_status;   /* for an answer to a client of one's own: 200, 429, 503, 504 ... */
	/* not answered: until the soonest route is ready, for a Retry-After; LULL_NEVER none by
	 * itself */
	uint64_t ready_in_ms;
	char *json; /* the chat.completion object; NULL unless answered */
	size_t json_bytes;
	char *text;       /* its text, or the text of its refusal; NULL: it has none */
	char *route;      /* label of the route that answered; NULL unless answered */
	char *message;    /* one sentence for people when not answered, else NULL */
	char *trail_text; /* what was tried or skipped, why, how long: a line per step */
	char *trail_json; /* the same as JSON lines */
};

/**
 * lull_complete() - ask the models of the list for one answer, until one has answered or the budget
 * is spent
 * @http:           opened handle; its table is read before each attempt
 * @request:        a chat completion request in OpenAI's form, a JSON object; borrowed for the call
 * @request_bytes:  its size, at most LULL_REQUEST_BYTES_MAX
 * @options:        NULL for defaults
 * @ret_completion: filled when 0 is returned; give back with lull_completion_clear()
 *
 * What the request says to Lull itself (models, fallbacks, disable_fallbacks, num_retries, timeout:
 * see the configuration's manual) is taken out of what is sent.
 *
 * No streaming: `stream` in the request is ignored. Waits at most the budget and 50 ms, also when
 * name resolution hangs.
 *
 * Return: 0 whatever became of the call; -EBADMSG @request is no JSON object, or says something to
 * Lull in no known form (told by lull_http_options.message); -EMSGSIZE it is too large; -EINVAL a
 * bad option, or no model is named anywhere; -E2BIG more than LULL_ROUTES_MAX routes; -ECHILD the
 * handle belongs to another process; -ENOMEM.
 * Threads: one at a time per handle.  Fork: see above.  Signals: not from handlers.
 */
LULL_API int lull_complete(struct lull_http *http, const char *request, size_t request_bytes,
			   const struct lull_complete_options *options,
			   struct lull_completion *ret_completion);

/** lull_completion_clear() - frees what it points to. Of a cleared or zeroed one too. */
LULL_API void lull_completion_clear(struct lull_completion *completion);

#ifdef __cplusplus
}
#endif
#endif
