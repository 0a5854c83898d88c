/* SPDX-License-Identifier: MIT */
/*
 * Objects of json-c built with memory running out in mind: json-c reports it in each call, or not
 * at all. Each function here takes the value it is given, whatever it returns.
 */
#ifndef LULL_WORKER_JSON_BUILD_H
#define LULL_WORKER_JSON_BUILD_H

#include "wire.h"

/* All return 0 or -ENOMEM, which is also the answer to an object that is NULL.
 * value: NULL is JSON's null */
int json_set(struct json_object *object, const char *name, struct json_object *value);
/* value: just made, so NULL is memory that ran out */
int json_set_new(struct json_object *object, const char *name, struct json_object *value);
int json_set_string(struct json_object *object, const char *name, const char *text);
int json_set_text(struct json_object *object, const char *name, const struct buffer *text);
int json_append(struct json_object *list, struct json_object *value);

/* The object, if all went well with it (rc 0); else NULL, and it is put. */
struct json_object *json_or_null(struct json_object *object, int rc);

/* The object of that name, made where it is none. Borrowed; NULL without memory. */
struct json_object *json_child(struct json_object *object, const char *name);

/* As JSON on one line, "/" as it is. Borrowed from the value; NULL without memory.
 * ret_size: NULL is fine */
const char *json_line(struct json_object *value, size_t *ret_size);

/* Of what is no list: 0 */
size_t json_length(struct json_object *list);

bool json_is_empty_text(struct json_object *value);

#endif
