/* SPDX-License-Identifier: MIT */
/*
 * The mock provider: an HTTP/1.1 server that answers as badly as it is told to.
 *
 * Every answer, good or bad, is turned into a *plan* before its first byte is sent: one run of
 * bytes, how to cut it into writes, where to pause, and how to end. A fault is therefore no code of
 * its own but a plan that stops early, or whose bytes are wrong. The parts, in the order in which
 * a request meets them:
 *
 *     request.c  bytes of a connection -> one request
 *     script.c   the rules in force, and which response is due for this request
 *     plan.c     a response -> the bytes and pauses on the wire
 *     conn.c     one connection: read, wait, send, end
 *     journal.c  what was seen on the wire, for tests to count
 *     control.c  /__mock/...: how tests read the journal and change the script
 *
 * One process, one thread, one epoll loop (mock_provider.c). It trusts its caller: it listens on
 * 127.0.0.1, unless told otherwise, and running out of memory ends it.
 */
#ifndef MOCK_H
#define MOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <json.h>

#define MOCK_HEAD_BYTES_MAX (64u << 10) /* arbitrary; far above any client's head */
#define MOCK_BODY_BYTES_MAX (64u << 20) /* twice what the worker sends at most */
#define MOCK_JSON_DEPTH     128         /* as deep as the worker reads */
#define MOCK_ERROR_BYTES    256

uint64_t mock_now_ms(void);                     /* monotonic */
void *mock_alloc(size_t size);                  /* zeroed; ends the program when there is none */
char *mock_copy(const char *text, size_t size); /* NUL-terminated copy; NULL stays NULL */

/* ---- bytes.c: a growing buffer, NUL-terminated while not empty */
struct bytes {
	char *at;
	size_t size;
	size_t room;
};
void bytes_add(struct bytes *bytes, const void *from, size_t size);
void bytes_print(struct bytes *bytes, const char *format, ...)
	__attribute__((nonnull, format(printf, 2, 3)));
void bytes_drop(struct bytes *bytes, size_t size); /* from the front */
void bytes_free(struct bytes *bytes);
bool bytes_read_file(struct bytes *bytes, const char *path); /* false: errno says why */

/* ---- request.c */
struct request {
	char *method;
	char *path;
	char *query; /* without '?'; "" none */
	char *head;  /* all of it as it came, up to and without the blank line */
	char *key;   /* the bearer token or API key; NULL none */
	char *model; /* the body's "model"; NULL none */
	char *body;
	size_t body_bytes;
	bool stream;        /* the body asks for a stream */
	bool include_usage; /* ... with a chunk of usage */
	bool keep_alive;
	bool reused; /* not the first on its connection */
};
enum request_state { REQUEST_MORE, REQUEST_EXPECTS_100, REQUEST_BAD, REQUEST_DONE };
/* Takes one request off the front of `in`; *ret is filled at REQUEST_DONE only. */
enum request_state request_take(struct bytes *in, struct request *ret);
void request_deinit(struct request *request);
/* The value of a header in a block of lines; its length in *size. NULL none. */
const char *header_find(const char *block, const char *name, size_t *size);

/* ---- script.c */
enum framing { FRAMING_AUTO, FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE };
enum ending { ENDING_AUTO, ENDING_KEEP, ENDING_CLOSE, ENDING_RESET, ENDING_STALL };

#define UNSET UINT32_MAX

struct response {
	uint32_t times; /* this many requests get it, then the next of the list is due */
	uint32_t status;
	struct bytes headers; /* lines with CRLF */
	struct bytes body;    /* empty and !has_body: a chat answer is made up */
	bool has_body;
	bool raw;   /* body is all there is: no status line, no headers */
	char *text; /* of the chat answer; NULL: says which model answered */
	uint32_t framing;
	uint32_t ending;
	uint32_t send_bytes;  /* of the body, then the ending; UNSET all */
	uint32_t send_events; /* likewise, in server-sent events */
	uint32_t delay_ms;    /* before the first byte */
	uint32_t body_delay_ms;
	uint32_t repeat_ms;  /* the body again and again, with this pause; UNSET once */
	uint32_t pieces;     /* bytes per write; 0 all */
	uint32_t drip_bytes; /* the body: this many at a time ... */
	uint32_t drip_ms;    /* ... with this pause */
	uint32_t interim[4]; /* 1xx before the real status; 0 ends */
};

/* A row of faults.c. `script` is a response in the script's own language. */
struct fault {
	const char *name;
	const char *how;
	const char *script;
	int listener; /* enum listener that has it, for those that happen before HTTP */
};
enum listener {
	LISTENER_NONE,
	LISTENER_MAIN,    /* the port that answers */
	LISTENER_REFUSED, /* bound, not listening */
	LISTENER_FULL,    /* listening, its queue already full */
	LISTENER_DEAF,    /* listening, never accepting */
	LISTENER_COUNT
};
const struct fault *fault_by_name(const char *name);
const struct fault *fault_at(size_t index); /* NULL past the end */

struct script;
/* `text` is the script; wire_dir is where "file" is looked for. NULL and a sentence in error. */
struct script *script_read(const char *text, const char *wire_dir, unsigned port, char *error);
struct script *script_free(struct script *script);
size_t script_rule_count(const struct script *script);
/* The response that is due, counting this request; NULL: no rule fits. Valid until script_free. */
const struct response *script_next(struct script *script, const struct request *request);

/* ---- plan.c */
struct plan {
	struct bytes wire;
	size_t head_bytes;
	size_t repeat_from; /* start of what is sent again and again */
	uint32_t delay_ms, body_delay_ms, repeat_ms, pieces, drip_bytes, drip_ms;
	uint32_t ending; /* KEEP, CLOSE, RESET or STALL */
	uint32_t status; /* for the journal; 0 none was sent */
};
void plan_response(const struct response *response, const struct request *request,
		   struct plan *ret);
void plan_default(const struct request *request, struct plan *ret); /* no rule fitted */
void plan_json(uint32_t status, struct json_object *body, bool keep_alive, struct plan *ret);
void plan_deinit(struct plan *plan);

/* ---- journal.c */
struct journal_entry;          /* one request that is being answered */
void journal_connection(void); /* one more connection that carries requests */
/* Takes the request over. */
struct journal_entry *journal_begin(struct request *request, uint64_t connection, uint32_t status);
void journal_end(struct journal_entry *entry, bool aborted);
void journal_reset(void);
void journal_free(void);
struct json_object *journal_counts(void);
struct json_object *journal_requests(bool full);

/* ---- control.c */
bool control_wants(const struct request *request);
void control_answer(const struct request *request, struct plan *ret);

/* ---- conn.c */
struct conn;
void conn_accept(int epoll_fd, int listen_fd);
void conn_event(struct conn *conn, uint32_t events);
/* Runs every timer that is due; returns ms until the next one, -1 none. */
int conn_timers(void);
void conn_close_all(void);

/* ---- mock_provider.c */
struct mock {
	struct script *script;
	const char *wire_dir;
	const char *address; /* all listeners' */
	unsigned ports[LISTENER_COUNT];
};
extern struct mock mock;

#endif
