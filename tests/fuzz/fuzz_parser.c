/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as requests: what they are does not depend on how they are cut, and a body is as long as
 * its head says.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "parser.h"

struct outcome {
	int rc;
	size_t used;
	size_t body_bytes;
	char method[16];
};

static void note(const struct parser *parser, int rc, size_t used, struct outcome *ret)
{
	ret->rc = rc;
	ret->used = rc == 1 ? used : 0;
	ret->body_bytes = rc == 1 ? parser->body_bytes : 0;
	(void)snprintf(ret->method, sizeof(ret->method), "%s", rc == 1 ? parser->method : "");
}

/* As a connection does: a head from its beginning each time, a body as it comes. */
static void feed(const uint8_t *data, size_t size, size_t piece_size, struct outcome *ret)
{
	struct parser parser;
	size_t used = 0, come = 0, n = 0;
	bool has_head = false;
	int rc = 0;

	parser_init(&parser);
	while (rc == 0 && come < size) {
		const char *bytes = (const char *)data + used;

		come = size - come < piece_size ? size : come + piece_size;
		rc = has_head ? parser_body(&parser, bytes, come - used, &n)
			      : parser_head(&parser, bytes, come - used, &n);
		if (rc < 0 || (rc == 0 && !has_head))
			continue;
		used += n;
		if (!has_head) {
			has_head = true;
			rc = parser.whole;
			come = used;
		}
	}
	CHECK(rc >= 0 || parser.error);
	CHECK(rc != 1 || parser.chunked || parser.body_bytes == parser.announced_bytes);
	CHECK(rc != 1 || (parser.target && parser.target[0]));
	note(&parser, rc, used, ret);
	parser_deinit(&parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole = {0}, pieces = {0};

	feed(data, size, SIZE_MAX, &whole);
	for (size_t piece_size = 1; piece_size <= 8; piece_size = piece_size * 2 + 1) {
		feed(data, size, piece_size, &pieces);
		CHECK(whole.rc == pieces.rc);
		CHECK(whole.used == pieces.used && whole.body_bytes == pieces.body_bytes);
		CHECK(strcmp(whole.method, pieces.method) == 0);
	}
	return 0;
}
