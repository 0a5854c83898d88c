/* SPDX-License-Identifier: MIT */
/*
 * Requests as they come in: what is understood, and what is refused because two readers might read
 * it in two ways. Each one comes in pieces of every size.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cunit_main.h"
#include "parser.h"

#define POST   "POST /v1/chat/completions HTTP/1.1\r\n"
#define HOST   "Host: gateway\r\n"
#define TE     "Transfer-Encoding: chunked\r\n"
#define CHUNKS "\r\n5\r\nhello\r\n0\r\n\r\n"

struct row {
	const char *name;
	const char *bytes;
	size_t size; /* 0: up to the NUL */
	int rc;      /* 1: a request */
	const char *body;
};

/* clang-format off */
static const struct row rows[] = {
	{"no body", "GET /health/live HTTP/1.1\r\n" HOST "\r\n", 0, 1, ""},
	{"a length", POST HOST "Content-Length: 5\r\n\r\nhello", 0, 1, "hello"},
	{"chunks", POST HOST TE CHUNKS, 0, 1, "hello"},
	{"chunks in upper case", POST HOST "transfer-encoding: CHUNKED\r\n" CHUNKS, 0, 1, "hello"},
	{"two chunks", POST HOST TE "\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", 0, 1, "hello"},
	{"a chunk extension", POST HOST TE "\r\n5;a=b\r\nhello\r\n0\r\n\r\n", 0, 1, "hello"},
	{"a length of zero", POST HOST "Content-Length: 0\r\n\r\n", 0, 1, ""},
	{"empty lines before it", "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 0, 1, ""},
	{"an offer to upgrade", "POST / HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello", 0, 1, "hello"},
	{"an offer to upgrade without a body", "GET / HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 0, 1, ""},
	{"1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 0, 1, ""},
	{"UTF-8 in a value", "GET / HTTP/1.1\r\n" HOST "X-Name: \xc3\xa4\r\n\r\n", 0, 1, ""},

	{"both framings", POST HOST "Content-Length: 5\r\n" TE CHUNKS, 0, -EBADMSG, NULL},
	{"both framings, the other way round", POST HOST TE "Content-Length: 5\r\n" CHUNKS, 0, -EBADMSG, NULL},
	{"two lengths", POST HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 0, -EBADMSG, NULL},
	{"two lengths, alike", POST HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 0, -EBADMSG, NULL},
	{"a list of lengths", POST HOST "Content-Length: 5, 5\r\n\r\nhello", 0, -EBADMSG, NULL},
	{"a length with a sign", POST HOST "Content-Length: +5\r\n\r\nhello", 0, -EBADMSG, NULL},
	{"a negative length", POST HOST "Content-Length: -5\r\n\r\nhello", 0, -EBADMSG, NULL},
	{"a length with a blank inside", POST HOST "Content-Length: 5 5\r\n\r\nhello", 0, -EBADMSG, NULL},
	{"a length in hex", POST HOST "Content-Length: 0x5\r\n\r\nhello", 0, -EBADMSG, NULL},
	{"a length beyond 64 bits", POST HOST "Content-Length: 18446744073709551621\r\n\r\nhello", 0, -EBADMSG, NULL},
	{"xchunked", POST HOST "Transfer-Encoding: xchunked\r\n" CHUNKS, 0, -EBADMSG, NULL},
	{"chunked twice", POST HOST TE TE CHUNKS, 0, -EBADMSG, NULL},
	{"gzip, chunked", POST HOST "Transfer-Encoding: gzip, chunked\r\n" CHUNKS, 0, -EBADMSG, NULL},
	{"chunked, identity", POST HOST "Transfer-Encoding: chunked, identity\r\n" CHUNKS, 0, -EBADMSG, NULL},
	{"chunks under 1.0", "POST / HTTP/1.0\r\n" HOST TE CHUNKS, 0, -EBADMSG, NULL},
	{"bare LF after the request line", "GET / HTTP/1.1\nHost: gateway\r\n\r\n", 0, -EBADMSG, NULL},
	{"bare LF after a header", "GET / HTTP/1.1\r\nHost: gateway\n\r\n", 0, -EBADMSG, NULL},
	{"bare LF at the end", "GET / HTTP/1.1\r\nHost: gateway\r\n\n", 0, -EBADMSG, NULL},
	{"a blank before the colon", POST HOST "Content-Length : 5\r\n\r\nhello", 0, -EBADMSG, NULL},
	{"a tab before the colon", POST HOST "Content-Length\t: 5\r\n\r\nhello", 0, -EBADMSG, NULL},
	{"a folded line", "GET / HTTP/1.1\r\n" HOST "X-A: b\r\n c\r\n\r\n", 0, -EBADMSG, NULL},
	{"a blank before the first header", "GET / HTTP/1.1\r\n Host: gateway\r\n\r\n", 0, -EBADMSG, NULL},
	{"no Host", POST "Content-Length: 5\r\n\r\nhello", 0, -EBADMSG, NULL},
	{"two Hosts", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 0, -EBADMSG, NULL},
	{"LF in a chunk extension", POST HOST TE "\r\n5;a\nb\r\nhello\r\n0\r\n\r\n", 0, -EBADMSG, NULL},
	{"bare LF after a chunk's size", POST HOST TE "\r\n5\nhello\r\n0\r\n\r\n", 0, -EBADMSG, NULL},
	{"bare LF after a chunk", POST HOST TE "\r\n5\r\nhello\n0\r\n\r\n", 0, -EBADMSG, NULL},
	{"a chunk longer than it says", POST HOST TE "\r\n5\r\nhelloo\r\n0\r\n\r\n", 0, -EBADMSG, NULL},
	{"a chunk size with a sign", POST HOST TE "\r\n+5\r\nhello\r\n0\r\n\r\n", 0, -EBADMSG, NULL},
	{"a chunk size in 0x", POST HOST TE "\r\n0x5\r\nhello\r\n0\r\n\r\n", 0, -EBADMSG, NULL},
	{"a chunk size beyond 64 bits", POST HOST TE "\r\n10000000000000005\r\nhello\r\n0\r\n\r\n", 0, -EBADMSG, NULL},
	{"a trailer", POST HOST TE "\r\n5\r\nhello\r\n0\r\nX-A: b\r\n\r\n", 0, -EBADMSG, NULL},
	{"bare CR in a header", "GET / HTTP/1.1\r\n" HOST "X-A: b\rc\r\n\r\n", 0, -EBADMSG, NULL},
	{"CR CR", "GET / HTTP/1.1\r\r\n" HOST "\r\n", 0, -EBADMSG, NULL},
	{"CR CR at the end", "GET / HTTP/1.1\r\n" HOST "\r\r\n", 0, -EBADMSG, NULL},
	{"NUL in a value", "GET / HTTP/1.1\r\n" HOST "X-A: b\0c\r\n\r\n", 43, -EBADMSG, NULL},
	{"NUL in a name", "GET / HTTP/1.1\r\n" HOST "X\0A: b\r\n\r\n", 41, -EBADMSG, NULL},
	{"a header without a colon", "GET / HTTP/1.1\r\n" HOST "nothing\r\n\r\n", 0, -EBADMSG, NULL},
	{"a header without a name", "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n", 0, -EBADMSG, NULL},
	{"two blanks in the request line", "GET  / HTTP/1.1\r\n" HOST "\r\n", 0, -EBADMSG, NULL},
	{"three parts too many", "GET / x HTTP/1.1\r\n" HOST "\r\n", 0, -EBADMSG, NULL},
	{"no version", "GET /\r\n" HOST "\r\n", 0, -EBADMSG, NULL},
	{"a tunnel", "CONNECT gateway:80 HTTP/1.1\r\n" HOST "\r\n", 0, -EBADMSG, NULL},
	{"no HTTP", "\x16\x03\x01\x02\x01", 0, -EBADMSG, NULL},
	{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, -EPROTONOSUPPORT, NULL},
	{"more than 32 MiB", POST HOST "Content-Length: 33554433\r\n\r\n", 0, -EMSGSIZE, NULL},
};
/* clang-format on */

/* What a connection does with its bytes. Return: 1 a request; 0 more is needed; negative errno */
static int feed(struct parser *parser, const char *bytes, size_t size, size_t piece_size)
{
	size_t used = 0, come = 0;
	bool has_head = false;
	int rc = 0;

	while (rc == 0 && come < size) {
		size_t n;
		char *piece; /* its own, so that reading over its end is seen */

		come = come + piece_size < size ? come + piece_size : size;
		piece = malloc(come - used);
		CU_ASSERT_PTR_NOT_NULL_FATAL(piece);
		memcpy(piece, bytes + used, come - used);
		if (has_head) {
			rc = parser_body(parser, piece, come - used, &n);
			used += n;
		} else {
			rc = parser_head(parser, piece, come - used, &n);
			if (rc == 1) {
				has_head = true;
				used += n;
				rc = parser->whole;
				come = used;
			}
		}
		free(piece);
	}
	return rc;
}

static void check(const struct row *row, size_t piece_size)
{
	const size_t size = row->size ? row->size : strlen(row->bytes);
	struct parser parser;
	int rc;

	parser_init(&parser);
	rc = feed(&parser, row->bytes, size, piece_size);
	if (rc != row->rc)
		(void)fprintf(stderr, "%s, in pieces of %zu: %d, expected %d (%s)\n", row->name,
			      piece_size, rc, row->rc, parser.error ? parser.error : "no error");
	CU_ASSERT_EQUAL(rc, row->rc);
	if (rc == 1)
		CU_ASSERT_STRING_EQUAL(parser.body ? parser.body : "", row->body);
	if (rc < 0)
		CU_ASSERT_PTR_NOT_NULL(parser.error);
	parser_deinit(&parser);
}

static void test_requests_are_read_or_refused_wherever_they_are_cut(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const size_t size = rows[i].size ? rows[i].size : strlen(rows[i].bytes);

		for (size_t piece = 1; piece <= size; piece++)
			check(&rows[i], piece);
	}
}

static void test_a_head_has_parts(void)
{
	static const char bytes[] = "POST /v1/x?a=b HTTP/1.1\r\nHost:  gateway \t\r\nX-Empty:\r\n"
				    "Authorization: Bearer k\r\nExpect: 100-continue\r\n"
				    "Connection: close\r\nContent-Length: 5\r\n\r\n";
	struct parser parser;

	parser_init(&parser);
	CU_ASSERT_EQUAL(feed(&parser, bytes, sizeof(bytes) - 1, sizeof(bytes)), 0);
	CU_ASSERT_STRING_EQUAL(parser.method, "POST");
	CU_ASSERT_STRING_EQUAL(parser.target, "/v1/x?a=b");
	CU_ASSERT_STRING_EQUAL(parser_header_get(&parser, "host"), "gateway");
	CU_ASSERT_STRING_EQUAL(parser_header_get(&parser, "X-EMPTY"), "");
	CU_ASSERT_STRING_EQUAL(parser_header_get(&parser, "authorization"), "Bearer k");
	CU_ASSERT_PTR_NULL(parser_header_get(&parser, "x"));
	CU_ASSERT_EQUAL(parser.announced_bytes, 5);
	CU_ASSERT_TRUE(parser.expects_continue);
	CU_ASSERT_FALSE(parser.keeps_alive);
	CU_ASSERT_FALSE(parser.whole);
	parser_deinit(&parser);
}

static void test_what_comes_behind_a_request_is_left(void)
{
	static const char bytes[] =
		"GET /a HTTP/1.1\r\n" HOST "\r\nGET /b HTTP/1.1\r\n" HOST "\r\n";
	struct parser parser;
	size_t used, first = (sizeof(bytes) - 1) / 2;

	parser_init(&parser);
	CU_ASSERT_EQUAL(parser_head(&parser, bytes, sizeof(bytes) - 1, &used), 1);
	CU_ASSERT_TRUE(parser.whole && parser.keeps_alive);
	CU_ASSERT_EQUAL(used, first);
	parser_reset(&parser);
	CU_ASSERT_EQUAL(parser_head(&parser, bytes + used, sizeof(bytes) - 1 - used, &used), 1);
	CU_ASSERT_STRING_EQUAL(parser.target, "/b");
	parser_deinit(&parser);
}

/* ---- limits */

static void test_a_head_is_bounded(void)
{
	static char bytes[PARSER_HEAD_BYTES_MAX + 100];
	struct parser parser;
	size_t size = (size_t)snprintf(bytes, sizeof(bytes), "GET / HTTP/1.1\r\n" HOST "X: ");

	memset(bytes + size, 'x', sizeof(bytes) - size);
	parser_init(&parser);
	CU_ASSERT_EQUAL(feed(&parser, bytes, sizeof(bytes), 1000), -E2BIG);
	parser_deinit(&parser);
	for (size_t i = 0; i <= PARSER_HEADERS_MAX && size + 10 < sizeof(bytes); i++)
		size += (size_t)snprintf(bytes + size, sizeof(bytes) - size, "a\r\nX: ");
	size += (size_t)snprintf(bytes + size, sizeof(bytes) - size, "a\r\n\r\n");
	parser_init(&parser);
	CU_ASSERT_EQUAL(feed(&parser, bytes, size, size), -E2BIG);
	parser_deinit(&parser);
}

static bool up_to_8_kib(size_t bytes, void *userdata)
{
	size_t *taken = userdata;

	*taken += bytes;
	return *taken <= 8192;
}

static void test_memory_for_a_body_is_asked_for(void)
{
	static char chunk[6000];
	struct parser parser;
	size_t taken = 0, used;
	static const char large[] = POST HOST "Content-Length: 9000\r\n\r\n";
	static const char chunked[] = POST HOST TE "\r\n1770\r\n";

	parser_init(&parser);
	parser.room = up_to_8_kib;
	parser.userdata = &taken;
	CU_ASSERT_EQUAL(parser_head(&parser, large, sizeof(large) - 1, &used), -ENOBUFS);
	parser_reset(&parser);
	taken = 0;
	CU_ASSERT_EQUAL(feed(&parser, chunked, sizeof(chunked) - 1, sizeof(chunked)), 0);
	memset(chunk, 'x', sizeof(chunk));
	CU_ASSERT_EQUAL(parser_body(&parser, chunk, 3000, &used), 0);
	CU_ASSERT_EQUAL(taken, 4096);
	CU_ASSERT_EQUAL(parser_body(&parser, chunk, 3000, &used), 0);
	CU_ASSERT_EQUAL(taken, 8192);
	CU_ASSERT_EQUAL(parser_body(&parser, "\r\n1770\r\n", 8, &used), 0);
	CU_ASSERT_EQUAL(parser_body(&parser, chunk, 6000, &used), -ENOBUFS);
	parser_deinit(&parser);
}

static void test_chunks_are_bounded_together(void)
{
	static char chunk[1u << 20];
	struct parser parser;
	static const char head[] = POST HOST TE "\r\n";
	size_t used;
	int rc = feed((parser_init(&parser), &parser), head, sizeof(head) - 1, sizeof(head));

	memset(chunk, 'x', sizeof(chunk));
	for (unsigned i = 0; rc == 0 && i < 40; i++) {
		rc = parser_body(&parser, "100000\r\n", 8, &used);
		if (rc == 0)
			rc = parser_body(&parser, chunk, sizeof(chunk), &used);
		if (rc == 0)
			rc = parser_body(&parser, "\r\n", 2, &used);
	}
	CU_ASSERT_EQUAL(rc, -EMSGSIZE);
	CU_ASSERT_EQUAL(parser.body_bytes, PARSER_BODY_BYTES_MAX);
	parser_deinit(&parser);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_requests_are_read_or_refused_wherever_they_are_cut),
		CUNIT_TEST(test_a_head_has_parts),
		CUNIT_TEST(test_what_comes_behind_a_request_is_left),
		CUNIT_TEST(test_a_head_is_bounded),
		CUNIT_TEST(test_memory_for_a_body_is_asked_for),
		CUNIT_TEST(test_chunks_are_bounded_together),
	};

	return CUNIT_MAIN("parser", tests);
}
