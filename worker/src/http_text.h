/* SPDX-License-Identifier: MIT */
/*
 * An HTTP/1.1 response kept as text: status line, headers, a blank line, the body's bytes. So are
 * the samples in tests/wire kept, and so does `curl -i` save what it got.
 */
#ifndef LULL_WORKER_HTTP_TEXT_H
#define LULL_WORKER_HTTP_TEXT_H

#include "wire.h"

#define HTTP_TEXT_HEADERS_MAX 128

struct http_text {
	struct wire_response response; /* points into bytes and headers */
	struct wire_header headers[HTTP_TEXT_HEADERS_MAX];
	char *bytes;
};

/*
 * Lines of the head end with CRLF or LF. Interim responses (1xx) before the final one are skipped.
 * @bytes: copied
 * @ret_expected: on -EINVAL what was expected, for a sentence; static
 * Return: 0; -EINVAL; -ENOMEM. *ret must not be copied by value.
 */
int http_text_parse(const char *bytes, size_t size, struct http_text *ret,
		    const char **ret_expected);
void http_text_deinit(struct http_text *text);

#endif
