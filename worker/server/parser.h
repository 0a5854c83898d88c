/* SPDX-License-Identifier: MIT */
/*
 * One request of HTTP/1.1, from bytes to head and body. Knows no sockets and no time, so that tests
 * and fuzzers feed it byte by byte.
 *
 * Two readers of one request must not differ on where it ends: that is how requests are smuggled
 * past a proxy. So whatever is read in more than one way by anybody is refused here.
 */
#ifndef LULL_SERVER_PARSER_H
#define LULL_SERVER_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <llhttp.h>

#define PARSER_HEAD_BYTES_MAX (32u << 10)
#define PARSER_BODY_BYTES_MAX (32u << 20)
#define PARSER_HEADERS_MAX    100u /* arbitrary; clients of models send some 20 */

struct parser_header {
	char *name; /* NUL-terminated, as it came */
	char *value;
};

struct parser {
	/* of the head, once it is whole */
	const char *method;
	char *target; /* path and query, as they came */
	struct parser_header headers[PARSER_HEADERS_MAX];
	size_t header_count;
	uint64_t announced_bytes; /* Content-Length; 0: none, or chunked */
	bool chunked;
	bool is_1_0, is_1_x;
	bool keeps_alive;      /* the client wants the connection to stay */
	bool expects_continue; /* it sends its body when it was told to */
	bool whole;            /* head and body */
	char *body;            /* NUL-terminated; NULL: none */
	size_t body_bytes;
	const char *error; /* what was wrong, static */
	/*
	 * Asked before memory for a body is taken: once for one whose size was announced, again and
	 * again while another grows. False: there is none. NULL: always.
	 */
	bool (*room)(size_t bytes, void *userdata);
	void *userdata;
	/* inside */
	llhttp_t llhttp;
	char *head;
	size_t scanned; /* bytes of the head that were looked at */
	size_t body_room;
	int failure;   /* negative errno out of a callback */
	uint8_t place; /* in the head */
	bool after_cr;
	bool in_body;
};

void parser_init(struct parser *parser);
void parser_deinit(struct parser *parser);
/* For the next request on the connection. Keeps `room`. */
void parser_reset(struct parser *parser);

/*
 * All bytes of the head that have come so far, from its first on; nothing of them is kept until it
 * is whole.
 * Return: 1 it is whole, and *ret_used bytes were its; 0 more are needed; -EBADMSG it is none that
 * is read in one way only; -E2BIG; -EPROTONOSUPPORT another version; and as parser_body(). Failures
 * leave a sentence in parser->error.
 */
int parser_head(struct parser *parser, const char *bytes, size_t size, size_t *ret_used);

/*
 * The next bytes of the body. Return: 1 it is whole; 0 more are needed; -EBADMSG; -EMSGSIZE;
 * -ENOBUFS there was no room; -ENOMEM.
 */
int parser_body(struct parser *parser, const char *bytes, size_t size, size_t *ret_used);

/* The first header of that name, in any case; NULL none. */
const char *parser_header_get(const struct parser *parser, const char *name);

#endif
