/* SPDX-License-Identifier: MIT */
/* Lines and rows: see batch_rows.h. */
#include "batch_rows.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../src/json_scan.h"
#include "../src/splice.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"      /* as some editors begin a file */
#define READ_BYTES      ((size_t)256 << 10) /* at a time */

/* ---- lines */

void lines_init(struct line_reader *reader, int fd, bool may_block)
{
	*reader = (struct line_reader){.fd = fd, .may_block = may_block};
}

void lines_deinit(struct line_reader *reader)
{
	free(reader->bytes);
	*reader = (struct line_reader){.fd = -1};
}

uint64_t lines_used_bytes(const struct line_reader *reader)
{
	return reader->read_bytes - (reader->to - reader->from);
}

/* For READ_BYTES more. A line that grows too long is dropped but for its beginning. */
static int make_room(struct line_reader *reader)
{
	char *grown;

	if (reader->bytes && reader->from > 0) {
		memmove(reader->bytes, reader->bytes + reader->from, reader->to - reader->from);
		reader->to -= reader->from;
		reader->from = 0;
	}
	if (reader->to > LINE_BYTES_MAX) {
		reader->skipping = true;
		reader->to = reader->searched = ROW_ERROR_BYTES;
	}
	if (reader->room - reader->to >= READ_BYTES)
		return 0;
	grown = realloc(reader->bytes, reader->to + 2 * READ_BYTES);
	if (!grown)
		return -ENOMEM;
	reader->bytes = grown;
	reader->room = reader->to + 2 * READ_BYTES;
	return 0;
}

static int read_more(struct line_reader *reader)
{
	struct pollfd fd = {.fd = reader->fd, .events = POLLIN};
	ssize_t size;
	int rc = make_room(reader);

	if (rc != 0)
		return rc;
	if (reader->may_block && poll(&fd, 1, 0) == 0)
		return LINES_WAIT;
	do {
		size = read(reader->fd, reader->bytes + reader->to, READ_BYTES);
	} while (size < 0 && errno == EINTR);
	if (size < 0)
		return errno == EAGAIN ? LINES_WAIT : -errno;
	reader->to += (size_t)size;
	reader->read_bytes += (size_t)size;
	reader->at_end = size == 0;
	return 0;
}

/* Takes `size` bytes off, the last of which may be a newline. */
static void take_line(struct line_reader *reader, size_t size, bool has_newline,
		      struct line *ret_line)
{
	*ret_line = (struct line){
		.bytes = reader->bytes + reader->from,
		.size = size - has_newline,
		.number = ++reader->line_count,
		.too_long = reader->skipping,
		.unfinished = !has_newline,
	};
	reader->from += size;
	reader->searched = 0;
	reader->skipping = false;
}

static bool is_blank(const struct line *line)
{
	for (size_t i = 0; i < line->size; i++)
		if (!strchr(" \t\r", line->bytes[i]) || !line->bytes[i])
			return false;
	return !line->unfinished;
}

int lines_next(struct line_reader *reader, struct line *ret_line)
{
	for (;;) {
		const size_t size = reader->to - reader->from;
		const char *start = reader->bytes ? reader->bytes + reader->from : "";
		const char *newline =
			size > 0 ? memchr(start + reader->searched, '\n', size - reader->searched)
				 : NULL;
		int rc;

		if (reader->line_count == 0 && size >= 3 &&
		    memcmp(start, BYTE_ORDER_MARK, 3) == 0) {
			reader->from += 3;
			reader->searched = 0;
			continue;
		}
		if (newline || (reader->at_end && size > 0)) {
			take_line(reader, newline ? (size_t)(newline - start) + 1 : size,
				  newline != NULL, ret_line);
			if (is_blank(ret_line))
				continue;
			return 0;
		}
		if (reader->at_end)
			return LINES_END;
		reader->searched = size;
		rc = read_more(reader);
		if (rc != 0)
			return rc;
	}
}

/* ---- texts */

int row_text(const char *token, size_t size, struct row_text *ret_text)
{
	const struct json_token whole = {
		.type = JSON_TOKEN_STRING, .start = token, .size = size, .line = 1};
	struct json_object *decoded;

	*ret_text = (struct row_text){.bytes = token + 1, .size = size - 2};
	if (!memchr(token, '\\', size))
		return 0;
	decoded = json_token_string(&whole);
	if (!decoded)
		return -ENOMEM;
	ret_text->decoded = decoded;
	ret_text->bytes = json_object_get_string(decoded);
	ret_text->size = (size_t)json_object_get_string_len(decoded);
	return 0;
}

void row_text_deinit(struct row_text *text)
{
	json_object_put(text->decoded);
	*text = (struct row_text){0};
}

static bool is_string(const struct splice *member)
{
	return member->count > 0 && *member->value == '"';
}

static size_t size_of(const struct splice *member)
{
	return (size_t)(member->value_end - member->value);
}

/* 1 it is that text; 0; -ENOMEM */
static int is_text(const struct splice *member, const char *wanted)
{
	struct row_text text;
	int rc;

	if (!is_string(member))
		return 0;
	rc = row_text(member->value, size_of(member), &text);
	if (rc == 0)
		rc = text.size == strlen(wanted) && memcmp(text.bytes, wanted, text.size) == 0;
	row_text_deinit(&text);
	return rc;
}

/* ---- rows */

enum { MEMBER_ID, MEMBER_METHOD, MEMBER_URL, MEMBER_BODY, MEMBER_COUNT };

static int nameless(char *error, const char *what)
{
	(void)snprintf(error, ROW_ERROR_BYTES, "%s", what);
	return ROW_NAMELESS;
}

static int refuse(struct row_view *row, char *error, const char *code, const char *what)
{
	row->code = code;
	(void)snprintf(error, ROW_ERROR_BYTES, "%s", what);
	return ROW_REFUSED;
}

/* Says what json-c has against it; the scan that has failed says nothing. */
static int not_an_object(const struct line *line, char *error)
{
	const char *problem = NULL;
	unsigned at;
	struct json_object *json = json_parse(line->bytes, line->size, &at, &problem);

	(void)snprintf(error, ROW_ERROR_BYTES, "no JSON object%s%s", problem ? ": " : "",
		       problem ? problem : "");
	json_object_put(json);
	return ROW_NAMELESS;
}

/* What OpenAI's batches take, and whether it is spoken here. */
static int check_url(const struct splice *url, struct row_view *row, char *error)
{
	static const char *const others[] = {"/v1/embeddings", "/v1/completions", "/v1/responses",
					     "/v1/moderations"};
	int is = is_text(url, "/v1/chat/completions");

	if (is != 0)
		return is < 0 ? is : 0;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		is = is_text(url, others[i]);
		if (is < 0)
			return is;
		if (is)
			return refuse(row, error, "unsupported_url",
				      "requests to this url are not made by lull, only those to "
				      "/v1/chat/completions");
	}
	return refuse(row, error, "invalid_url", "'url' is not /v1/chat/completions");
}

static int check_twice(const struct splice *members, struct row_view *row, char *error)
{
	char what[64];

	for (size_t i = MEMBER_ID + 1; i < MEMBER_COUNT; i++) {
		if (members[i].count < 2)
			continue;
		(void)snprintf(what, sizeof(what), "it has '%s' more than once", members[i].name);
		return refuse(row, error, "duplicate_member", what);
	}
	return 0;
}

static int check_members(const struct splice *members, struct row_view *row, char *error)
{
	const struct splice *method = &members[MEMBER_METHOD], *body = &members[MEMBER_BODY];
	int rc = check_twice(members, row, error);

	if (rc == 0)
		rc = check_url(&members[MEMBER_URL], row, error);
	if (rc != 0)
		return rc;
	rc = method->count > 0 ? is_text(method, "POST") : 1;
	if (rc <= 0)
		return rc < 0 ? rc : refuse(row, error, "invalid_method", "'method' is not POST");
	if (body->count == 0 || *body->value != '{')
		return refuse(row, error, "invalid_body", "'body' is no object");
	row->body = body->value;
	row->body_bytes = size_of(body);
	return 0;
}

int row_read(const struct line *line, struct row_view *ret_row, char *error)
{
	struct splice members[MEMBER_COUNT] = {
		[MEMBER_ID] = {.name = "custom_id"},
		[MEMBER_METHOD] = {.name = "method"},
		[MEMBER_URL] = {.name = "url"},
		[MEMBER_BODY] = {.name = "body"},
	};
	int rc;

	*ret_row = (struct row_view){0};
	if (line->too_long)
		return nameless(error, "longer than 32 MiB");
	rc = splice_find(line->bytes, line->size, members, MEMBER_COUNT);
	if (rc != 0)
		return rc == -ENOMEM ? rc : not_an_object(line, error);
	if (members[MEMBER_ID].count > 1)
		return nameless(error, "it has 'custom_id' more than once");
	if (!is_string(&members[MEMBER_ID]) || size_of(&members[MEMBER_ID]) == 2)
		return nameless(error, members[MEMBER_ID].count == 0
					       ? "it has no 'custom_id'"
					       : "'custom_id' is no text, or empty");
	ret_row->id = members[MEMBER_ID].value;
	ret_row->id_bytes = size_of(&members[MEMBER_ID]);
	return check_members(members, ret_row, error);
}

int row_output_id(const struct line *line, struct row_text *ret_id)
{
	struct splice members[] = {{.name = "custom_id"}, {.name = "response"}};
	int rc = line->too_long ? -EINVAL : splice_find(line->bytes, line->size, members, 2);

	if (rc == 0 && (!is_string(&members[0]) || members[1].count == 0))
		rc = -EINVAL;
	return rc == 0 ? row_text(members[0].value, size_of(&members[0]), ret_id) : rc;
}
