/* SPDX-License-Identifier: MIT */
/*
 * Where a request goes and its headers: the same for every form, but for the header that holds the
 * key, and one that a vendor may want besides. Both are data in the vendor's row.
 */
#include "headers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <lull/lull.h>

#include "eventstream.h"
#include "text.h"

#define OWN_HEADERS_MAX 6

struct header_list {
	const struct http_route *route;
	char **headers;
	size_t count;
};

static bool is_header(const char *line, const char *name)
{
	size_t size = strlen(name);

	return strncasecmp(line, name, size) == 0 && line[size] == ':';
}

static size_t count_headers(char *const *headers)
{
	size_t count = 0;

	while (headers && headers[count])
		count++;
	return count;
}

/* A line end in a value would begin another header. */
static bool is_clean(const char *value)
{
	for (; *value != '\0'; value++)
		if (((unsigned char)*value < 0x20 && *value != '\t') || *value == 0x7f)
			return false;
	return true;
}

/* One of ours, unless the route brings its own. */
static int add_header(struct header_list *list, const char *name, const char *scheme,
		      const char *value)
{
	char *const *own = list->route->headers;

	for (; own && *own; own++)
		if (is_header(*own, name))
			return 0;
	if (!is_clean(value))
		return -EINVAL;
	list->headers[list->count] = text_join(name, ": ", scheme, value);
	return list->headers[list->count++] ? 0 : -ENOMEM;
}

static int add_route_headers(struct header_list *list)
{
	char *const *own = list->route->headers;

	for (; own && *own; own++) {
		if (!is_clean(*own))
			return -EINVAL;
		list->headers[list->count] = strdup(*own);
		if (!list->headers[list->count++])
			return -ENOMEM;
	}
	return 0;
}

static int add_key(struct header_list *list)
{
	const char *name = list->route->provider->key_header;

	return name && !list->route->key_is_token
		       ? add_header(list, name, "", list->route->api_key)
		       : add_header(list, "Authorization", "Bearer ", list->route->api_key);
}

static const char *accepted(const struct http_route *route, bool stream)
{
	static const char *const types[] = {
		[FRAMING_SSE] = "text/event-stream",
		[FRAMING_BINARY] = EVENTSTREAM_TYPE,
		[FRAMING_OBJECTS] = "application/x-ndjson",
	};

	return stream ? types[adapter_of(route)->framing] : "application/json";
}

static int write_all(const struct http_route *route, bool stream, char **headers)
{
	struct header_list list = {.route = route, .headers = headers};
	int rc = add_header(&list, "Content-Type", "", "application/json");

	if (rc == 0)
		rc = add_header(&list, "Accept", "", accepted(route, stream));
	if (rc == 0)
		rc = add_header(&list, "User-Agent", "lull/", lull_version());
	if (rc == 0 && route->api_key)
		rc = add_key(&list);
	if (rc == 0 && route->provider->header)
		rc = add_header(&list, route->provider->header, "", route->provider->header_value);
	if (rc == 0 && route->organization)
		rc = add_header(&list, "OpenAI-Organization", "", route->organization);
	return rc == 0 ? add_route_headers(&list) : rc;
}

/* Some people write the whole address where a base is asked for: its path stands there once. */
static int write_url(const char *base, const char *path, char **ret)
{
	const size_t size = strlen(base), path_size = strlen(path);
	const bool is_whole = size > path_size && strcmp(base + size - path_size, path) == 0;

	*ret = text_join(base, is_whole ? "" : path);
	return *ret ? 0 : -ENOMEM;
}

int headers_write(const struct http_route *route, const char *path, bool stream,
		  struct http_request *ret, char *error)
{
	int rc;

	ret->headers =
		calloc(OWN_HEADERS_MAX + count_headers(route->headers) + 1, sizeof(*ret->headers));
	rc = ret->headers ? write_all(route, stream, ret->headers) : -ENOMEM;
	if (rc == -EINVAL)
		(void)snprintf(error, REQUEST_ERROR_BYTES,
			       "a header or the key of the route holds a control character");
	return rc == 0 ? write_url(route->base_url, path, &ret->url) : rc;
}
