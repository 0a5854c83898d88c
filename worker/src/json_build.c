/* SPDX-License-Identifier: MIT */
/* Building objects of json-c: see json_build.h. */
#include "json_build.h"

#include <errno.h>

int json_set(struct json_object *object, const char *name, struct json_object *value)
{
	if (object && json_object_object_add(object, name, value) == 0)
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

int json_set_new(struct json_object *object, const char *name, struct json_object *value)
{
	return value ? json_set(object, name, value) : -ENOMEM;
}

int json_set_string(struct json_object *object, const char *name, const char *text)
{
	return json_set_new(object, name, json_object_new_string(text));
}

int json_set_text(struct json_object *object, const char *name, const struct buffer *text)
{
	const char *bytes = text->bytes ? text->bytes : "";

	return json_set_new(object, name, json_object_new_string_len(bytes, (int)text->size));
}

int json_append(struct json_object *list, struct json_object *value)
{
	if (list && json_object_array_add(list, value) == 0)
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

struct json_object *json_or_null(struct json_object *object, int rc)
{
	if (rc == 0)
		return object;
	json_object_put(object);
	return NULL;
}

struct json_object *json_child(struct json_object *object, const char *name)
{
	struct json_object *child = wire_member(object, name);

	if (json_object_is_type(child, json_type_object))
		return child;
	return json_set_new(object, name, json_object_new_object()) == 0 ? wire_member(object, name)
									 : NULL;
}

const char *json_line(struct json_object *value, size_t *ret_size)
{
	return json_object_to_json_string_length(
		value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, ret_size);
}

size_t json_length(struct json_object *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

bool json_is_empty_text(struct json_object *value)
{
	return json_object_is_type(value, json_type_string) &&
	       json_object_get_string_len(value) == 0;
}
