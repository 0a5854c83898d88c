/* SPDX-License-Identifier: MIT */
/* What every reader of the wire asks of a response: a header, a member. See wire.h. */
#include "wire.h"

#include <string.h>
#include <strings.h>

#include "eventstream.h"

const char *wire_header_get(const struct wire_response *response, const char *name)
{
	for (size_t i = 0; i < response->header_count; i++)
		if (strcasecmp(response->headers[i].name, name) == 0)
			return response->headers[i].value;
	return NULL;
}

bool wire_is_event_stream(const struct wire_response *response)
{
	const char *type = wire_header_get(response, "content-type");

	return type && (strcasestr(type, "event-stream") || strcasestr(type, EVENTSTREAM_TYPE) ||
			strcasestr(type, "ndjson"));
}

const char *wire_text(struct json_object *object, const char *name)
{
	struct json_object *member;

	if (!json_object_object_get_ex(object, name, &member))
		return NULL;
	if (!json_object_is_type(member, json_type_string) &&
	    !json_object_is_type(member, json_type_int))
		return NULL;
	return json_object_get_string(member);
}

struct json_object *wire_member(struct json_object *object, const char *name)
{
	struct json_object *member;

	return json_object_object_get_ex(object, name, &member) ? member : NULL;
}
