/* SPDX-License-Identifier: MIT */
/*
 * Internal: the parts of `lull-worker gateway`.
 *
 *   gateway.c         options, signals, the loop's beginning and end
 *   gateway_listen.c  sockets: named, or handed over by whoever started this process
 *   gateway_access.c  who may ask, and how much
 *   gateway_visit.c   one exchange with a client: what it wants, whether it may
 *   gateway_call.c    one call to models, from the client's request to the client's answer
 *   gateway_answer.c  answers in OpenAI's form: headers, errors
 *   gateway_memory.c  how much of it there is, and that it goes back
 *   gateway_board.c   how busy the others are on the same sockets
 *   gateway_control.c the line to whoever supervises this process
 *   gateway_loop.c    libcurl's sockets and timers on the event loop
 *   gateway_log.c     one line a request
 */
#ifndef LULL_WORKER_GATEWAY_H
#define LULL_WORKER_GATEWAY_H

#include <sys/queue.h>

#include <event2/event.h>

#include "../src/host.h"
#include "../src/route_sets.h"
#include "../src/watch.h"
#include "options.h"
#include "server.h"

struct caller;
struct gateway_access;
struct gateway_board;
struct gateway_call;
struct gateway_control;
struct gateway_endpoint;
struct gateway_loop;

TAILQ_HEAD(gateway_calls, gateway_call);

enum gateway_log { GATEWAY_LOG_LOGFMT = 1, GATEWAY_LOG_JSON, GATEWAY_LOG_NONE };

struct gateway_memory {
	size_t bytes_max;
	size_t promised_bytes; /* to bodies that are on their way */
	size_t counted_bytes;  /* used, when it was last counted */
	uint64_t counted_at_ms;
	struct event *tidy;
	uint64_t worked_at_ms;
	bool is_warm; /* what only the start needed has been given back */
};

struct gateway_counts {
	uint32_t calls, streams;                            /* under way */
	uint64_t requests, answered, refused, failed, left; /* since the start */
};

struct gateway {
	struct event_base *base;
	struct lull_http *http;
	struct server *server;
	struct gateway_loop *loop;
	struct gateway_access *access;
	struct gateway_board *board;     /* NULL: it is alone, as far as it knows */
	struct gateway_control *control; /* NULL: nobody supervises */
	struct gateway_memory memory;
	struct gateway_counts counts;
	struct watch *watch;
	struct event *table_moved;
	struct route_sets sets;
	struct gateway_calls moved; /* something has happened to these */
	struct gateway_calls calls; /* all others that are under way */
	uint32_t armed_serial;      /* of the table, on which calls sleep */
	uint32_t sleeping_count;
	uint32_t budget_ms; /* 0: the configured one */
	enum gateway_log log;
	uint32_t drain_ms;
	struct event *deadline; /* of what is under way, once it stops */
	int signal_number;      /* that ended it at once; 0 none */
	bool was_told;          /* by a signal, to stop */
	bool stopping;
};

#define GATEWAY_ID_BYTES 48

/* What is known of a request, for its answer and for its line in the log. No prompt, no key. */
struct gateway_visit {
	struct gateway *gateway;
	struct exchange *exchange; /* NULL: the client has left, or has all of its answer */
	const struct gateway_endpoint *endpoint;   /* NULL: none that is known */
	const struct caller *caller;               /* NULL: there are no keys */
	struct gateway_call *call;                 /* NULL: it asks no model */
	const char *id, *traceparent, *tracestate; /* the exchange's; NULL: none */
	char own_id[GATEWAY_ID_BYTES];             /* where the client brings none */
	size_t promised_bytes;                     /* of memory, see gateway_memory.c */
	uint64_t begin_ms;
	uint64_t content_ms; /* since then: the first content left; LULL_NEVER: none did */
	int status;          /* of the answer; 0: none yet */
	bool streams;
	char *model;       /* asked for; NULL none */
	char *route;       /* that answered; NULL none */
	char *trail;       /* NULL: none */
	const char *error; /* class of the failure; NULL none; static */
	uint32_t attempts;
	uint32_t tokens; /* LULL_UNSET: not known */
};

/* ---- gateway_access.c */
/* Return: 0, or the exit code of the program, everything having been said. */
int gateway_access_new(const struct config *config, struct gateway_access **ret_access);
struct gateway_access *gateway_access_free(struct gateway_access *access);
/* On stderr: each key that a gateway of this host could not know. */
void gateway_access_print_problems(const struct config *config);
/* Likewise: whether that socket may be listened on with the keys that there are. */
int gateway_access_check_socket(const struct gateway_access *access, int fd);
/* Whether it may ask at all. *ret_caller: NULL: there are no keys. */
bool gateway_access_find(const struct gateway_access *access, const struct exchange *exchange,
			 const struct caller **ret_caller);
const char *gateway_caller_name(const struct caller *caller); /* NULL for NULL */
bool gateway_caller_may(const struct caller *caller, const char *model);
void gateway_limits(const struct config *config, struct server_limits *ret, size_t *ret_memory);

/* ---- gateway.c */
/* Takes no further connection, and ends when what is under way has. */
void gateway_stop(struct gateway *gateway);

/* ---- gateway_memory.c */
size_t gateway_memory_bytes(const struct gateway *gateway);
/* For so many bytes more of a body. False: there is none. */
bool gateway_memory_promise(struct gateway *gateway, struct gateway_visit *visit, size_t bytes);
/* They are there, or will not come. */
void gateway_memory_settle(struct gateway *gateway, struct gateway_visit *visit);
int gateway_memory_begin(struct gateway *gateway); /* 0; -ENOMEM */
void gateway_memory_end(struct gateway *gateway);
/* A call has ended: there may be something to give back. */
void gateway_memory_worked(struct gateway *gateway);

/* ---- gateway_board.c */
/* The page that $LULL_BOARD_FD is. *ret_board stays where there is none. Return: 0; negative errno. */
int gateway_board_new(struct gateway_board **ret_board);
struct gateway_board *gateway_board_free(struct gateway_board *board);
/* It takes no more: nobody need hold back for it. */
void gateway_board_leave(struct gateway_board *board);
void gateway_board_write(struct gateway_board *board, uint32_t connections);
/* Another one has fewer. */
bool gateway_board_holds_back(struct gateway_board *board, uint32_t connections);

/* ---- gateway_control.c */
/* Where $LULL_CONTROL_FD says. *ret_control stays where there is none. Return: 0; negative errno. */
int gateway_control_new(struct gateway *gateway, struct gateway_control **ret_control);
struct gateway_control *gateway_control_free(struct gateway_control *control);
void gateway_control_ready(const struct gateway_control *control);

/* ---- gateway_visit.c */
extern const struct server_events gateway_events;
/* The exchange is over, and so is what it asked for: logs it and frees it. */
void gateway_visit_end(struct gateway_visit *visit);

/* ---- gateway_call.c */
void gateway_call_start(struct gateway_visit *visit, enum endpoint endpoint);
void gateway_call_drained(struct gateway_call *call);
/* The client has left. */
void gateway_call_leave(struct gateway_call *call);
/* Goes on with those to which something has happened. */
void gateway_advance_moved(struct gateway *gateway);
/* The table has moved: whoever sleeps on it looks again. */
void gateway_wake_sleepers(struct gateway *gateway);

/* ---- gateway_answer.c */
struct gateway_error {
	int status;
	const char *type; /* as OpenAI's */
	const char *code; /* NULL: null */
	const char *message;
	uint64_t ready_in_ms; /* for retry-after; LULL_NEVER none */
	bool is_final;        /* asking again would not help: the client's library should not */
	bool closes;
};
void gateway_answer_error(struct gateway_visit *visit, const struct gateway_error *error);
/* {"error":{...}} on one line: new; NULL without memory */
char *gateway_error_json(const struct gateway_error *error);
void gateway_answer_json(struct gateway_visit *visit, const char *json, size_t size);
void gateway_begin_stream(struct gateway_visit *visit);
/* How a call that was not answered is told. *message: new, to be freed; NULL without memory. */
void gateway_error_of(const struct driver_result *result, const struct route_list *routes,
		      struct gateway_error *ret, char **message);
/* Its trail on one line, for a header and the log. NULL without memory. */
char *gateway_trail_line(const struct lull_trail_entry *trail, uint32_t count,
			 const struct route_list *routes, bool is_running);

/* ---- gateway_loop.c */
/* Return: 0; -ENOMEM. */
int gateway_loop_new(struct gateway *gateway, struct gateway_loop **ret_loop);
struct gateway_loop *gateway_loop_free(struct gateway_loop *loop);

/* ---- gateway_log.c */
/* A text that grows in memory of its owner's; what no longer fits is left out. Always ends in NUL. */
struct line {
	char *bytes;
	size_t size, size_max;
};
void line_print(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
void line_add(struct line *line, const char *text);
void gateway_log_visit(const struct gateway_visit *visit, bool sent);
/* From now on what the program has to say, too, is in that form. */
void gateway_log_messages(enum gateway_log form);

/* ---- gateway_listen.c */
struct listen_list {
	int *fds;
	size_t count;
};
/* Those handed over by systemd's protocol, and these. Return: 0, or the exit code of the program,
 * everything having been said. */
int gateway_listen(const struct text_list *addresses, struct listen_list *ret);
void gateway_unlisten(struct listen_list *list);

#endif
