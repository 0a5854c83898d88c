/* SPDX-License-Identifier: MIT */
/* Responses kept as text: see http_text.h. The head is cut into strings in place. */
#include "http_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The line at *at without its end, NUL-terminated; *at moves behind it. NULL: no whole line. */
static char *take_line(char **at, char *end)
{
	char *line = *at;
	char *line_end = memchr(line, '\n', (size_t)(end - line));

	if (!line_end)
		return NULL;
	*at = line_end + 1;
	if (line_end > line && line_end[-1] == '\r')
		line_end--;
	*line_end = '\0';
	return line;
}

/* "HTTP/1.1 429 Too Many Requests"; 0: it is none */
static int read_status(const char *line)
{
	const char *code = line ? strchr(line, ' ') : NULL;
	char *end;
	long status;

	if (!code || strncmp(line, "HTTP/", 5) != 0)
		return 0;
	status = strtol(code + 1, &end, 10);
	return (*end == '\0' || *end == ' ') && status >= 100 && status <= 999 ? (int)status : 0;
}

static const char *read_header(char *line, struct http_text *text)
{
	struct wire_header *header = &text->headers[text->response.header_count];
	char *colon = strchr(line, ':');
	char *end = line + strlen(line);

	if (!colon || colon == line)
		return "a header, 'Name: value'";
	if (text->response.header_count == HTTP_TEXT_HEADERS_MAX)
		return "at most 128 headers";
	*colon++ = '\0';
	while (end > colon && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	header->name = line;
	header->value = colon + strspn(colon, " \t");
	text->response.header_count++;
	return NULL;
}

/* One head, up to and with its blank line. NULL; or what was expected. */
static const char *read_head(char **at, char *end, struct http_text *text)
{
	const char *expected = NULL;
	char *line;

	text->response.header_count = 0;
	text->response.status = read_status(take_line(at, end));
	if (text->response.status == 0)
		return "a status line, 'HTTP/1.1 200 OK'";
	do {
		line = take_line(at, end);
		if (!line)
			return "a blank line after the headers";
		if (*line != '\0')
			expected = read_header(line, text);
	} while (*line != '\0' && !expected);
	return expected;
}

int http_text_parse(const char *bytes, size_t size, struct http_text *ret,
		    const char **ret_expected)
{
	char *at, *end;

	*ret = (struct http_text){0};
	ret->bytes = malloc(size + 1);
	if (!ret->bytes)
		return -ENOMEM;
	memcpy(ret->bytes, bytes, size);
	ret->bytes[size] = '\0';
	at = ret->bytes;
	end = at + size;
	do {
		*ret_expected = read_head(&at, end, ret);
		/* interim answers, and a proxy's "200 Connection established" */
	} while (!*ret_expected && (ret->response.status <= 199 || strncmp(at, "HTTP/", 5) == 0));
	if (*ret_expected) {
		http_text_deinit(ret);
		return -EINVAL;
	}
	ret->response.headers = ret->headers;
	ret->response.body = at;
	ret->response.body_bytes = (size_t)(end - at);
	return 0;
}

void http_text_deinit(struct http_text *text)
{
	free(text->bytes);
	text->bytes = NULL;
}
