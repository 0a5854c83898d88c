/* SPDX-License-Identifier: MIT */
/*
 * What came over the wire, and what it means. Pure functions on bytes: no socket, no clock, no
 * table. The transport feeds them, tests feed them samples.
 */
#ifndef LULL_WORKER_WIRE_H
#define LULL_WORKER_WIRE_H

#include <json.h>

#include "route.h"

#define WIRE_BODY_BYTES_MAX (32u << 20) /* each way; no model's request or answer comes near */
/* Of a stream the wire is many times its text: 128,000 tokens, the most that a model of 2026 writes, are 40 MB of
 * OpenAI's chunks, and 200 MB with 20 alternatives each. */
#define WIRE_STREAM_BYTES_MAX (256u << 20)

struct wire_header {
	const char *name; /* any case */
	const char *value;
};

struct wire_response {
	int status;
	const struct wire_header *headers;
	size_t header_count;
	const char *body; /* whole body, or what came of it */
	size_t body_bytes;
	/* our wall clock, for hints that are dates without the answer's own Date */
	int64_t now_unix_ms;
	/* the route's key, so that an error which echoes it is masked; NULL none */
	const char *secret;
	/* what was sent, so that what an error quotes of it is not taken for the provider's word;
	 * NULL: not known */
	const char *request;
	size_t request_bytes;
};

/* first header of that name, any case; NULL none */
const char *wire_header_get(const struct wire_response *response, const char *name);
/* Its headers say that the body is a stream of events. */
bool wire_is_event_stream(const struct wire_response *response);

/* A member of an object; NULL none, also where `object` is none. Borrowed. */
struct json_object *wire_member(struct json_object *object, const char *name);

/* A member that is text or a number, as text; NULL none. Borrowed from the object. */
const char *wire_text(struct json_object *object, const char *name);

/* One outcome from the wire to the exit code, with what people want to know of it. */
struct verdict {
	struct lull_outcome outcome; /* outcome.detail points to detail[] */
	char detail[160];            /* provider's sentence, cut; key-like words masked */
	/* the wait as the server said it, -1 none; outcome.hint_ms is -1 where a row does not
	 * believe it */
	int64_t hint_said_ms;
	/* which row decided: "openai 429 insufficient_quota", "status 503", "curl 7"; static */
	const char *rule;
	const char *hint_from; /* "retry-after-ms", ...; NULL none; static */
	/* an answer without a word, ended by a content filter: where content_policy_fallbacks
	 * are given, that is class content_policy */
	bool filtered;
};

/* ---- hints (hint.c) */
/* milliseconds the server asks to wait, rounded up; -1 none. Beyond 584 years: INT64_MAX. `error` =
 * the error object of the body, or NULL; message may be NULL. */
int64_t hint_read(const struct provider *provider, const struct wire_response *response,
		  struct json_object *error, const char *message, const char **ret_from);

/*
 * Whether headers, of an answer as of a refusal, say that nothing is left of a limit: milliseconds
 * until there are `units` again, as far away as they say; -1: they do not.
 * @limit: LULL_LIMIT_RPM, LULL_LIMIT_TPM
 */
int64_t hint_emptied(const struct provider *provider, const struct wire_response *response,
		     uint32_t limit, uint32_t units);

/* ---- classification (rules.c and classify.c, classify_transport.c): tables of rows, the first
 * that holds decides */
/* Any response that is not an answer: status 3xx to 5xx, or a 2xx body / stream event that holds an
 * error. */
void classify_response(const struct provider *provider, const struct wire_response *response,
		       struct verdict *ret);

struct transport_failure {
	int curl_code;
	long os_errno; /* CURLINFO_OS_ERRNO; 0 none */
	bool connected;
	bool got_status; /* a status line was seen */
	int status;
	bool streamed; /* the answer is an event stream */
	bool body_cap; /* our own write callback stopped at the cap */
	bool proxied;
	int proxy_status; /* the proxy's answer to CONNECT (CURLINFO_HTTP_CONNECTCODE); 0 none */
};
void classify_transport(const struct transport_failure *failure, struct verdict *ret);

/* ---- SSE (sse.c) */
struct sse; /* line and event assembly; every cut, LF/CRLF/CR, BOM, comments */
struct sse_event {
	const char *event; /* "" none */
	bool is_error;     /* the server calls it one; `event` may be its type */
	const char *data;  /* joined by LF, NUL-terminated; borrowed for the callback */
	size_t data_bytes;
};
typedef int (*sse_event_fn)(const struct sse_event *event,
			    void *userdata); /* non-zero stops and is returned by sse_feed */
struct sse *sse_new(size_t event_bytes_max);
struct sse *sse_free(struct sse *sse);
int sse_feed(struct sse *sse, const char *bytes, size_t size, sse_event_fn fn,
	     void *userdata); /* 0; -EMSGSIZE; fn's value */

/* ---- buffers */
struct buffer {
	char *bytes; /* NUL-terminated when not NULL */
	size_t size;
	size_t size_max; /* 0: none stated is an error */
	size_t room;     /* bytes allocated */
};
void buffer_init(struct buffer *buffer, size_t size_max);
int buffer_add(struct buffer *buffer, const void *bytes,
	       size_t size); /* 0; -EMSGSIZE over size_max; -ENOMEM */
void buffer_deinit(struct buffer *buffer);

/* ---- JSON (json.c): json-c made strict */
/* whole input consumed, UTF-8 checked, depth <= 128, no duplicate keys, no NaN. NULL and one
 * sentence in error (128 bytes) otherwise. Caller puts. */
struct json_object *json_read(const char *bytes, size_t size, char *error);

/* ---- requests (adapter.c) */
#define REQUEST_ERROR_BYTES   256
#define REQUEST_OMITTED_BYTES 384

struct http_request {
	char *url;
	/* "Name: value", NULL-terminated; holds the key: wiped by http_request_deinit() */
	char **headers;
	struct buffer body;
	/* what the caller asked for and the form cannot say: "seed, logprobs"; "" nothing */
	char omitted[REQUEST_OMITTED_BYTES];
};
/*
 * Writes the request of one attempt. `request` = the caller's OpenAI request (valid JSON object,
 * checked before). 0; -EINVAL the form cannot carry it, or the route is set up wrongly: a sentence
 * in error (REQUEST_ERROR_BYTES); -EMSGSIZE; -ENOMEM
 */
int request_write(const struct http_route *route, const char *request, size_t request_bytes,
		  bool stream, struct http_request *ret, char *error);
void http_request_deinit(struct http_request *request);

/* ---- answers (answer.c) */
struct answer {
	/* chat.completion object in OpenAI's form, NUL-terminated; owned; answer_deinit() */
	char *json;
	size_t json_bytes;
	/* choices[0].message.content (or refusal), NUL-terminated; NULL: nothing of it */
	char *text;
	size_t text_bytes;  /* there may be NULs inside */
	const char *finish; /* choices[0].finish_reason; NULL: none of OpenAI's; static */
};
void answer_deinit(struct answer *answer);
/* Reads a whole 2xx body: 0 it is an answer, 1 it is none. *ret_verdict is filled either way,
 * *ret_answer only by 0. */
int answer_read(const struct http_route *route, const struct wire_response *response,
		struct answer *ret_answer, struct verdict *ret_verdict);

/* ---- streams (stream.c) */
enum stream_event_type {
	STREAM_CHUNK = 1, /* a chat.completion.chunk in OpenAI's form */
	STREAM_DONE = 2,  /* the provider says that nothing follows; no json. Proves nothing */
};
struct stream_event {
	enum stream_event_type type;
	const char *json; /* one line, NUL-terminated; borrowed */
	size_t json_bytes;
	const char *text;  /* choices[0].delta.content (or refusal) of it, or NULL; borrowed */
	size_t text_bytes; /* there may be NULs inside */
	/* it holds content, a tool call or a refusal, not only a role, usage or a comment */
	bool content;
	bool finish; /* it holds a finish_reason */
};
typedef int (*stream_event_fn)(const struct stream_event *event, void *userdata);

/* one streamed answer: bytes in, OpenAI chunks out, and the verdict at its end */
struct stream_reader;
/* head: read here, and not kept */
struct stream_reader *stream_new(const struct http_route *route, const struct wire_response *head);
/* Before the first piece: its chunks are all that is wanted of it, and stream_answer() is not. What it
 * keeps then does not grow with the answer, so it may have any number of tool calls. */
void stream_want_chunks_only(struct stream_reader *reader);
/* 0, or fn's non-zero value, or 1 when the stream ended itself with an error event (the verdict
 * then stands in end). A server that answers with one JSON body instead of a stream is read too:
 * its answer comes out as one chunk. */
int stream_feed(struct stream_reader *reader, const char *bytes, size_t size, stream_event_fn fn,
		void *userdata);
/* Each choice has its finish reason: nothing that is still to come belongs to the answer's text. */
bool stream_is_whole(const struct stream_reader *reader);
/* The body has ended (`cut`: by a transport failure, or because a limit passed). Fills the verdict:
 * ANSWERED when whole, whatever came after its last finish reason, or is missing there. */
void stream_end(struct stream_reader *reader, const struct wire_response *head, bool cut,
		struct verdict *ret_verdict);
/* The whole stream as one chat.completion object; only after stream_end said ANSWERED. 0; -ENOMEM
 */
int stream_answer(struct stream_reader *reader, struct answer *ret_answer);
/* The answer's finish, without the rest of it. */
const char *stream_finish(const struct stream_reader *reader);
struct stream_reader *stream_free(struct stream_reader *reader);

/* ---- adapters: rows of one table, one for each form in which models are spoken to */
struct chat_form;
struct chunk_writer;

/* What divides a stream into events. */
enum framing {
	FRAMING_SSE = 0,
	FRAMING_BINARY,  /* eventstream.h */
	FRAMING_OBJECTS, /* JSON objects one behind the other, mostly one a line */
};

struct adapter {
	const char *name;
	const struct chat_form *form; /* chat.h; NULL: OpenAI's own */
	/*
	 * A parsed body, or the data of a parsed event, that is no error: what it says, written as
	 * chunks in OpenAI's form. Both NULL: it is in that form already. `event`: its name, or "".
	 * 0; -EBADMSG it is none of the form's; -ENOMEM or what the writer returned.
	 */
	int (*translate_answer)(struct chunk_writer *out, struct json_object *root);
	int (*translate_event)(struct chunk_writer *out, const char *event,
			       struct json_object *root);
	const char *id_header; /* holds an answer's id, which its body lacks; NULL none */
	enum framing framing;
};

const struct adapter *adapter_by_name(const char *name); /* NULL unknown */
/* The one that speaks to that route. */
const struct adapter *adapter_of(const struct http_route *route);

#endif
