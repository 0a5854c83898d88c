/* SPDX-License-Identifier: MIT */
/*
 * Requests: see parser.h. A head is read twice. The scanner here looks at every byte as it comes:
 * line ends, names, what may stand in a line at all. llhttp then says what the head means, and takes
 * the body apart. Version 8 of it lets some things pass that others read otherwise: a blank before
 * a colon, a folded line, a head without Host.
 */
#include "parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BODY_ROOM_MIN     4096u
#define BODY_ROOM_AT_ONCE (1u << 20) /* beyond, a body has to come before it gets its memory */

/* ---- the scanner */

enum place { BEFORE, REQUEST_LINE, LINE_START, NAME, VALUE };

static int refuse(struct parser *parser, int error, const char *why)
{
	parser->error = why;
	return error;
}

/* RFC 9110, 5.6.2: what names of headers are made of */
static bool is_token_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* The line has ended. Return: 1 so has the head */
static int scan_line_end(struct parser *parser)
{
	const bool is_blank = parser->place == LINE_START;

	if (parser->place == NAME)
		return refuse(parser, -EBADMSG, "a header line without a colon");
	if (parser->place != BEFORE) /* empty lines before a request are harmless */
		parser->place = LINE_START;
	return is_blank;
}

static int scan_name(struct parser *parser, unsigned char c)
{
	const bool begins = parser->place == LINE_START;

	if (begins && (c == ' ' || c == '\t'))
		return refuse(parser, -EBADMSG, "a folded header line");
	if (c == ':' && !begins) {
		parser->place = VALUE;
		return 0;
	}
	if (!is_token_char(c))
		return refuse(parser, -EBADMSG, "a header's name with something else in it");
	parser->place = NAME;
	return 0;
}

/* Return: 1 the head is whole; 0; -EBADMSG */
static int scan(struct parser *parser, unsigned char c)
{
	if (parser->after_cr) {
		parser->after_cr = false;
		return c == '\n' ? scan_line_end(parser)
				 : refuse(parser, -EBADMSG, "a CR without its LF");
	}
	if (c == '\r') {
		parser->after_cr = true;
		return 0;
	}
	if (c == '\n')
		return refuse(parser, -EBADMSG, "an LF without its CR");
	if ((c < 0x20 && c != '\t') || c == 0x7f)
		return refuse(parser, -EBADMSG, "a control character in the head");
	if (parser->place == LINE_START || parser->place == NAME)
		return scan_name(parser, c);
	if (parser->place == BEFORE)
		parser->place = REQUEST_LINE;
	return 0;
}

/* Most of a head is what nothing has to be said about. */
static void skip_plain(struct parser *parser, const char *bytes, size_t end)
{
	if (parser->after_cr || (parser->place != VALUE && parser->place != REQUEST_LINE))
		return;
	while (parser->scanned < end && (unsigned char)bytes[parser->scanned] >= 0x20 &&
	       bytes[parser->scanned] != 0x7f)
		parser->scanned++;
}

/* ---- what llhttp tells */

static struct parser *parser_of(llhttp_t *llhttp)
{
	return llhttp->data;
}

/* Of the head, those are split below; then there are only trailers. */
static int on_header_field(llhttp_t *llhttp, const char *at, size_t size)
{
	struct parser *parser = parser_of(llhttp);

	(void)at, (void)size;
	if (!parser->in_body)
		return 0;
	parser->failure = refuse(parser, -EBADMSG, "a header behind the body");
	return -1;
}

static int on_headers_complete(llhttp_t *llhttp)
{
	struct parser *parser = parser_of(llhttp);

	llhttp->upgrade = 0; /* to another protocol: that is no duty */
	parser->method = llhttp_method_name((llhttp_method_t)llhttp->method);
	parser->is_1_0 = llhttp->http_major == 1 && llhttp->http_minor == 0;
	parser->is_1_x = llhttp->http_major == 1 && llhttp->http_minor <= 1;
	parser->chunked = (llhttp->flags & F_CHUNKED) != 0;
	parser->announced_bytes = parser->chunked ? 0 : llhttp->content_length;
	parser->keeps_alive = llhttp_should_keep_alive(llhttp) != 0;
	return 0;
}

static int make_room(struct parser *parser, size_t size)
{
	size_t room = parser->body_room ? parser->body_room : BODY_ROOM_MIN;
	char *grown;

	if (!parser->body_room && parser->announced_bytes < BODY_ROOM_AT_ONCE)
		room = (size_t)parser->announced_bytes + BODY_ROOM_MIN;
	while (room < size)
		room *= 2;
	if (room == parser->body_room)
		return 0;
	if (parser->chunked && parser->room &&
	    !parser->room(room - parser->body_room, parser->userdata))
		return refuse(parser, -ENOBUFS, "no memory to be had for the body");
	grown = realloc(parser->body, room);
	if (!grown)
		return refuse(parser, -ENOMEM, "out of memory");
	parser->body = grown;
	parser->body_room = room;
	return 0;
}

static int on_body(llhttp_t *llhttp, const char *at, size_t size)
{
	struct parser *parser = parser_of(llhttp);

	if (size > PARSER_BODY_BYTES_MAX - parser->body_bytes)
		parser->failure = refuse(parser, -EMSGSIZE, "a body of more than 32 MiB");
	else
		parser->failure = make_room(parser, parser->body_bytes + size + 1);
	if (parser->failure != 0)
		return -1;
	memcpy(parser->body + parser->body_bytes, at, size);
	parser->body_bytes += size;
	parser->body[parser->body_bytes] = '\0';
	return 0;
}

static int on_message_complete(llhttp_t *llhttp)
{
	parser_of(llhttp)->whole = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_header_field = on_header_field,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* Return: 1 the request is whole; 0; negative errno */
static int run(struct parser *parser, const char *bytes, size_t size, size_t *ret_used)
{
	const enum llhttp_errno error = llhttp_execute(&parser->llhttp, bytes, size);

	*ret_used = size;
	if (error == HPE_PAUSED && parser->whole) {
		*ret_used = (size_t)(llhttp_get_error_pos(&parser->llhttp) - bytes);
		return 1;
	}
	if (error == HPE_OK)
		return 0;
	if (parser->failure == 0)
		parser->failure =
			refuse(parser, -EBADMSG, llhttp_get_error_reason(&parser->llhttp));
	return parser->failure;
}

/* ---- the parts of a head that is whole */

/* Up to the line's end, which becomes a NUL; the next line begins at *ret_next. */
static char *cut_line(char *line, char **ret_next)
{
	char *end = strchr(line, '\r'); /* the scanner saw that an LF follows */

	*end = '\0';
	*ret_next = end + 2;
	return line;
}

/* METHOD SP TARGET SP VERSION */
static int split_request_line(struct parser *parser, char *line)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version || version == target + 1 || strchr(version + 1, ' '))
		return refuse(parser, -EBADMSG, "a request line with other than two blanks");
	*version = '\0';
	parser->target = target + 1;
	return 0;
}

static char *trimmed(char *value)
{
	size_t size;

	value += strspn(value, " \t");
	for (size = strlen(value); size > 0 && strchr(" \t", value[size - 1]);)
		value[--size] = '\0';
	return value;
}

static int split_headers(struct parser *parser, char *line)
{
	char *next;

	for (; *line != '\r'; line = next) {
		char *colon = strchr(cut_line(line, &next), ':');

		if (parser->header_count == PARSER_HEADERS_MAX)
			return refuse(parser, -E2BIG, "too many headers");
		*colon = '\0'; /* the scanner saw it */
		parser->headers[parser->header_count++] =
			(struct parser_header){.name = line, .value = trimmed(colon + 1)};
	}
	return 0;
}

static unsigned count_of(const struct parser *parser, const char *name)
{
	unsigned count = 0;

	for (size_t i = 0; i < parser->header_count; i++)
		count += strcasecmp(parser->headers[i].name, name) == 0;
	return count;
}

static bool is_header(const struct parser *parser, const char *name, const char *value)
{
	const char *own = parser_header_get(parser, name);

	return own && strcasecmp(own, value) == 0;
}

/* What the grammar allows, and nobody means well with. */
static int check_meaning(struct parser *parser)
{
	const unsigned hosts = count_of(parser, "Host");
	const unsigned encodings = count_of(parser, "Transfer-Encoding");

	if (!parser->is_1_x)
		return refuse(parser, -EPROTONOSUPPORT, "another version than HTTP/1.1");
	if (strcmp(parser->method, "CONNECT") == 0)
		return refuse(parser, -EBADMSG, "a tunnel was asked for");
	if (hosts > 1 || (hosts == 0 && !parser->is_1_0))
		return refuse(parser, -EBADMSG, "expected one Host");
	if (encodings > 0 &&
	    (parser->is_1_0 || encodings > 1 || !is_header(parser, "Transfer-Encoding", "chunked")))
		return refuse(parser, -EBADMSG, "expected no Transfer-Encoding but chunked");
	if (encodings > 0 && count_of(parser, "Content-Length") > 0)
		return refuse(parser, -EBADMSG, "two framings of one body");
	return 0;
}

static int check_size(struct parser *parser)
{
	if (parser->announced_bytes > PARSER_BODY_BYTES_MAX)
		return refuse(parser, -EMSGSIZE, "a body of more than 32 MiB");
	if (parser->announced_bytes > 0 && parser->room &&
	    !parser->room((size_t)parser->announced_bytes, parser->userdata))
		return refuse(parser, -ENOBUFS, "no memory to be had for the body");
	return 0;
}

/* Return: 1; negative errno */
static int read_head(struct parser *parser, const char *bytes)
{
	size_t used;
	char *line, *next;
	int rc;

	while (*bytes == '\r') { /* empty lines before it */
		bytes += 2;
		parser->scanned -= 2;
	}
	parser->head = strndup(bytes, parser->scanned);
	if (!parser->head)
		return refuse(parser, -ENOMEM, "out of memory");
	rc = run(parser, parser->head, parser->scanned, &used);
	if (rc < 0)
		return rc;
	parser->in_body = true;
	line = cut_line(parser->head, &next);
	rc = split_request_line(parser, line);
	if (rc == 0)
		rc = split_headers(parser, next);
	if (rc == 0)
		rc = check_meaning(parser);
	if (rc == 0)
		rc = check_size(parser);
	parser->expects_continue = !parser->is_1_0 && is_header(parser, "Expect", "100-continue");
	return rc == 0 ? 1 : rc;
}

/* ---- for the connection */

int parser_head(struct parser *parser, const char *bytes, size_t size, size_t *ret_used)
{
	const size_t end = size < PARSER_HEAD_BYTES_MAX ? size : PARSER_HEAD_BYTES_MAX;
	int rc = 0;

	while (rc == 0 && parser->scanned < end) {
		rc = scan(parser, (unsigned char)bytes[parser->scanned++]);
		skip_plain(parser, bytes, end);
	}
	if (rc == 0 && size > end)
		return refuse(parser, -E2BIG, "a head of more than 32 KiB");
	*ret_used = parser->scanned;
	return rc == 1 ? read_head(parser, bytes) : rc;
}

int parser_body(struct parser *parser, const char *bytes, size_t size, size_t *ret_used)
{
	return run(parser, bytes, size, ret_used);
}

const char *parser_header_get(const struct parser *parser, const char *name)
{
	for (size_t i = 0; i < parser->header_count; i++)
		if (strcasecmp(parser->headers[i].name, name) == 0)
			return parser->headers[i].value;
	return NULL;
}

void parser_init(struct parser *parser)
{
	*parser = (struct parser){0};
	llhttp_init(&parser->llhttp, HTTP_REQUEST, &settings);
	parser->llhttp.data = parser;
}

/* Heads and bodies hold keys and prompts. */
void parser_deinit(struct parser *parser)
{
	if (parser->head)
		explicit_bzero(parser->head, parser->scanned);
	if (parser->body)
		explicit_bzero(parser->body, parser->body_bytes);
	free(parser->head);
	free(parser->body);
	parser->head = parser->body = NULL;
}

void parser_reset(struct parser *parser)
{
	bool (*room)(size_t bytes, void *userdata) = parser->room;
	void *userdata = parser->userdata;

	parser_deinit(parser);
	parser_init(parser);
	parser->room = room;
	parser->userdata = userdata;
}
