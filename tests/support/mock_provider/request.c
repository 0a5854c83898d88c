/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a connection -> one request. Enough of HTTP/1.1 for the clients under test: a request
 * line, headers, a body with Content-Length. Whatever else comes (TLS, another protocol, a chunked
 * request) is a bad request, and the connection ends.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mock.h"

const char *header_find(const char *block, const char *name, size_t *size)
{
	size_t name_size = strlen(name);

	for (const char *line = block; line && *line; line = strstr(line, "\r\n")) {
		line += line != block ? 2 : 0;
		if (strncasecmp(line, name, name_size) != 0 || line[name_size] != ':')
			continue;

		const char *value = line + name_size + 1;

		value += strspn(value, " \t");
		*size = strcspn(value, "\r\n");
		return value;
	}
	return NULL;
}

static bool header_says(const char *head, const char *name, const char *value)
{
	size_t size;
	const char *found = header_find(head, name, &size);

	return found && size == strlen(value) && strncasecmp(found, value, size) == 0;
}

/* The key, in whichever header the vendor's form has it. */
static char *read_key(const char *head)
{
	static const char *const names[] = {"Authorization", "x-api-key", "api-key",
					    "x-goog-api-key"};
	static const char bearer[] = "Bearer ";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t size;
		const char *value = header_find(head, names[i], &size);

		if (!value)
			continue;
		if (size >= strlen(bearer) && strncasecmp(value, bearer, strlen(bearer)) == 0) {
			value += strlen(bearer);
			size -= strlen(bearer);
		}
		return mock_copy(value, size);
	}
	return NULL;
}

static bool read_body_size(const char *head, size_t *ret_size)
{
	size_t size;
	const char *value = header_find(head, "Content-Length", &size);
	unsigned long long number = 0;

	if (header_find(head, "Transfer-Encoding", &size))
		return false;
	if (value) {
		char *end;

		number = strtoull(value, &end, 10);
		if (end == value || (*end != '\r' && *end != '\0') || *value == '-')
			return false;
	}
	*ret_size = (size_t)number;
	return number <= MOCK_BODY_BYTES_MAX;
}

/* "POST /v1/x?y HTTP/1.1" */
static bool read_request_line(const char *head, struct request *request)
{
	size_t line = strcspn(head, "\r");
	size_t method = strcspn(head, " \r");
	const char *target = head + method + 1;

	if (method == 0 || method >= line)
		return false;

	size_t target_size = strcspn(target, " \r");
	size_t path_size = strcspn(target, " \r?");
	const char *version = target + target_size + 1;

	if (*target != '/' || target + target_size >= head + line)
		return false;
	if (strncmp(version, "HTTP/1.1\r", 9) != 0 && strncmp(version, "HTTP/1.0\r", 9) != 0)
		return false;
	request->method = mock_copy(head, method);
	request->path = mock_copy(target, path_size);
	request->query = path_size < target_size
				 ? mock_copy(target + path_size + 1, target_size - path_size - 1)
				 : mock_copy("", 0);
	request->keep_alive = version[7] == '1' && !header_says(head, "Connection", "close");
	return true;
}

static bool json_says(struct json_object *object, const char *name)
{
	return json_object_get_boolean(json_object_object_get(object, name));
}

static void read_body(const char *body, size_t size, struct request *request)
{
	struct json_tokener *tokener = json_tokener_new_ex(MOCK_JSON_DEPTH);
	struct json_object *json = NULL, *model = NULL;

	if (tokener)
		json = json_tokener_parse_ex(tokener, body, (int)size);
	if (json_object_is_type(json, json_type_object)) {
		if (json_object_object_get_ex(json, "model", &model) &&
		    json_object_is_type(model, json_type_string))
			request->model = mock_copy(json_object_get_string(model),
						   (size_t)json_object_get_string_len(model));
		request->stream = json_says(json, "stream");
		request->include_usage =
			json_says(json_object_object_get(json, "stream_options"), "include_usage");
	}
	json_object_put(json);
	if (tokener)
		json_tokener_free(tokener);
	request->body = mock_copy(body, size);
	request->body_bytes = size;
}

enum request_state request_take(struct bytes *in, struct request *ret)
{
	struct request request = {0};
	size_t body_size;

	if (in->size == 0)
		return REQUEST_MORE;

	char *end = memmem(in->at, in->size, "\r\n\r\n", 4);

	if (!end)
		return in->size < MOCK_HEAD_BYTES_MAX && isupper((unsigned char)in->at[0])
			       ? REQUEST_MORE
			       : REQUEST_BAD; /* no method begins like that: TLS, most likely */

	size_t head_size = (size_t)(end - in->at);
	char *head = mock_copy(in->at, head_size + 2); /* with the last line's end */

	if (strlen(head) != head_size + 2 || !read_body_size(head, &body_size) ||
	    !read_request_line(head, &request)) {
		free(head);
		return REQUEST_BAD;
	}
	if (in->size < head_size + 4 + body_size) {
		bool expects =
			in->size == head_size + 4 && header_says(head, "Expect", "100-continue");

		free(head);
		request_deinit(&request);
		return expects ? REQUEST_EXPECTS_100 : REQUEST_MORE;
	}
	request.head = head;
	request.key = read_key(head);
	read_body(in->at + head_size + 4, body_size, &request);
	bytes_drop(in, head_size + 4 + body_size);
	*ret = request;
	return REQUEST_DONE;
}

void request_deinit(struct request *request)
{
	free(request->method);
	free(request->path);
	free(request->query);
	free(request->head);
	free(request->key);
	free(request->model);
	free(request->body);
	*request = (struct request){0};
}
