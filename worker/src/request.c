/* SPDX-License-Identifier: MIT */
/* What a request says to Lull, and what is left of it: see request.h. */
#include "request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_build.h"
#include "json_scan.h"
#include "splice.h"
#include "text.h"
#include "wire_error.h"

#define SECONDS_MAX 86400 /* one day, as in the configuration: more is as good as none */

struct reader {
	struct request *request;
	char *error;
};

static int refuse(const struct reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse(const struct reader *reader, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(reader->error, REQUEST_ERROR_BYTES, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* ---- the list */

/* NULL: it is no text that could be a name, as find_provider() of resolve.c has it */
static const char *name_of(struct json_object *value)
{
	const char *name =
		json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;

	if (!name || strlen(name) != (size_t)json_object_get_string_len(value))
		return NULL;
	return name[0] && text_is_plain(name) ? name : NULL;
}

/* Room for so many more. A list of none is one, too. */
static int grow_list(const struct reader *reader, const char *member, size_t more)
{
	struct request *request = reader->request;
	size_t count = request->fallback_count + more;
	struct listed_model *grown;

	if (count > LULL_ROUTES_MAX)
		return refuse(reader, "'%s' holds too many models, expected %u at most", member,
			      LULL_ROUTES_MAX);
	grown = reallocarray(request->fallbacks, count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	request->fallbacks = grown;
	return 0;
}

static void list_model(struct request *request, const char *name, const char *members)
{
	request->fallbacks[request->fallback_count++] = (struct listed_model){name, members};
}

/* OpenRouter's. Without a `model` the first one is it. */
static int read_models(const struct reader *reader, const char *member, struct json_object *value)
{
	struct request *request = reader->request;
	int rc;

	if (!json_object_is_type(value, json_type_array))
		return refuse(reader, "'%s' is no list, expected names of models", member);
	rc = grow_list(reader, member, json_object_array_length(value));
	for (size_t i = 0; rc == 0 && i < json_object_array_length(value); i++) {
		const char *name = name_of(json_object_array_get_idx(value, i));

		if (!name)
			return refuse(reader, "%s[%zu] is no name of a model", member, i);
		if (request->model)
			list_model(request, name, NULL);
		else
			request->model = name;
	}
	return rc;
}

/* Where a model is, and with what key, is said by the configuration. */
static const char *const addresses[] = {
	"api_key",
	"azure_ad_token",
	"client_secret",
	"vertex_credentials",
	"aws_access_key_id",
	"aws_secret_access_key",
	"aws_session_token",
	"api_base",
	"base_url",
	"aws_bedrock_runtime_endpoint",
	"custom_llm_provider",
	"organization",
	"api_version",
	"vertex_project",
	"vertex_location",
	"aws_region_name",
	"headers",
	"extra_headers",
	"extra_body",
};
#define ADDRESS_COUNT (sizeof(addresses) / sizeof(addresses[0]))

/* The rest is the call's. */
static const char *forbidden_in(struct json_object *object)
{
	static const char *const names[] = {"stream",      "models",  "fallbacks",
					    "num_retries", "timeout", "disable_fallbacks"};

	for (size_t i = 0; i < ADDRESS_COUNT; i++)
		if (json_object_object_get_ex(object, addresses[i], NULL))
			return addresses[i];
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_object_object_get_ex(object, names[i], NULL))
			return names[i];
	return NULL;
}

const char *request_address_member(const struct request *request)
{
	json_object_object_foreach(request->parsed, name, value)
	{
		(void)value;
		for (size_t i = 0; i < ADDRESS_COUNT; i++)
			if (strcmp(name, addresses[i]) == 0)
				return addresses[i];
	}
	return NULL;
}

/* {"model": NAME, ...}: the other members are put into the requests to its routes. */
static int read_object(const struct reader *reader, const char *member, size_t index,
		       struct json_object *object)
{
	const char *name = name_of(wire_member(object, "model")), *forbidden;
	const char *members;

	forbidden = forbidden_in(object);
	if (forbidden)
		return refuse(reader, "%s[%zu] sets '%s', which cannot be set for one model",
			      member, index, forbidden);
	members = json_line(object, NULL);
	if (!members)
		return -ENOMEM;
	list_model(reader->request, name, members);
	return 0;
}

/* LiteLLM's */
static int read_fallbacks(const struct reader *reader, const char *member,
			  struct json_object *value)
{
	int rc;

	if (!json_object_is_type(value, json_type_array))
		return refuse(reader, "'%s' is no list, expected names of models", member);
	rc = grow_list(reader, member, json_object_array_length(value));
	for (size_t i = 0; rc == 0 && i < json_object_array_length(value); i++) {
		struct json_object *item = json_object_array_get_idx(value, i);

		if (name_of(item))
			list_model(reader->request, name_of(item), NULL);
		else if (name_of(wire_member(item, "model")))
			rc = read_object(reader, member, i, item);
		else
			rc = refuse(reader,
				    "%s[%zu] is no model, expected a name or {\"model\": NAME}",
				    member, i);
	}
	return rc;
}

static int read_disabled(const struct reader *reader, const char *member, struct json_object *value)
{
	int rc = 0;

	if (!json_object_is_type(value, json_type_boolean))
		return refuse(reader, "'%s' is neither true nor false", member);
	if (!json_object_get_boolean(value))
		return 0;
	if (!reader->request->fallbacks)
		rc = grow_list(reader, member, 0);
	reader->request->fallback_count = 0;
	return rc;
}

/* ---- the rest of what it says */

static int read_retries(const struct reader *reader, const char *member, struct json_object *value)
{
	int64_t count = json_object_get_int64(value);

	if (!json_object_is_type(value, json_type_int) || count < 0)
		return refuse(reader, "'%s' is no whole number from 0", member);
	reader->request->num_retries =
		count < LULL_RETRIES_MAX ? (uint32_t)count : LULL_RETRIES_MAX;
	return 0;
}

static int read_timeout(const struct reader *reader, const char *member, struct json_object *value)
{
	double seconds = json_object_get_double(value);

	if ((!json_object_is_type(value, json_type_int) &&
	     !json_object_is_type(value, json_type_double)) ||
	    !(seconds > 0))
		return refuse(reader, "'%s' is no number of seconds above 0", member);
	if (seconds > SECONDS_MAX)
		seconds = SECONDS_MAX;
	reader->request->timeout_ms = (uint32_t)(seconds * 1000 + 0.999); /* rounded up */
	return 0;
}

static int read_model(const struct reader *reader, const char *member, struct json_object *value)
{
	reader->request->model = name_of(value);
	if (!reader->request->model)
		return refuse(reader, "'%s' is no name of a model", member);
	return 0;
}

/* In the order in which they are read: one may build on those before it. */
static const struct own_member {
	const char *name;
	int (*read)(const struct reader *reader, const char *member, struct json_object *value);
	bool goes_on; /* upstream, too */
} own_members[] = {
	{"model", read_model, true},          {"models", read_models, false},
	{"fallbacks", read_fallbacks, false}, {"disable_fallbacks", read_disabled, false},
	{"num_retries", read_retries, false}, {"timeout", read_timeout, false},
};
#define OWN_COUNT (sizeof(own_members) / sizeof(own_members[0]))

/* Of a handful: looking through them takes less time than hashing a name. */
static bool has_member(struct json_object *object, const char *name, struct json_object **ret)
{
	json_object_object_foreach(object, key, value)
	{
		*ret = value;
		if (strcmp(key, name) == 0)
			return true;
	}
	return false;
}

/* A null says nothing. */
static int read_members(const struct reader *reader)
{
	struct json_object *value;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < OWN_COUNT; i++)
		if (has_member(reader->request->parsed, own_members[i].name, &value) && value)
			rc = own_members[i].read(reader, own_members[i].name, value);
	return rc;
}

/* Takes out what is for Lull, unless nothing is. */
static int take_out(struct request *request)
{
	struct splice members[OWN_COUNT];
	struct json_object *value;
	size_t count = 0;
	int rc;

	for (size_t i = 0; i < OWN_COUNT; i++)
		if (!own_members[i].goes_on &&
		    has_member(request->parsed, own_members[i].name, &value))
			members[count++] = (struct splice){.name = own_members[i].name,
							   .action = SPLICE_REMOVE};
	if (count == 0)
		return 0;
	rc = splice_find(request->bytes, request->size, members, count);
	if (rc == 0)
		rc = splice_write(request->bytes, request->size, members, count, &request->rest);
	request->bytes = request->rest.bytes;
	request->size = request->rest.size;
	return rc;
}

/* ---- reading */

/* Two names for one limit, of which a request may hold one. */
static const char *const max_tokens[] = {"max_tokens", "max_completion_tokens"};
#define MAX_TOKENS_COUNT (sizeof(max_tokens) / sizeof(max_tokens[0]))

/* The member that stands there, if it is looked at here. */
static const char *member_at(const struct json_place *place)
{
	size_t size;
	const char *name = json_place_name(place, 0, &size);

	for (size_t i = 0; i < OWN_COUNT; i++)
		if (json_name_is(name, size, own_members[i].name))
			return own_members[i].name;
	for (size_t i = 0; i < ADDRESS_COUNT; i++)
		if (json_name_is(name, size, addresses[i]))
			return addresses[i];
	for (size_t i = 0; i < MAX_TOKENS_COUNT; i++)
		if (json_name_is(name, size, max_tokens[i]))
			return max_tokens[i];
	return json_name_is(name, size, "stream") ? "stream" : NULL;
}

/* NULL without memory. Most are texts that mean themselves. */
static struct json_object *parse_value(const char *value, size_t size)
{
	char error[128];

	return *value == '"' && !memchr(value, '\\', size)
		       ? json_object_new_string_len(value + 1, (int)size - 2)
		       : json_read(value, size, error);
}

struct some {
	struct json_object *members;
	const char *end; /* of the text that they are in */
};

static bool see(const struct json_place *place, const struct json_token *value, void *userdata)
{
	const struct some *some = userdata;
	const char *name = json_place_depth(place) == 1 ? member_at(place) : NULL;
	size_t size;

	if (!name)
		return true;
	size = json_value_size(value->start, some->end);
	if (size == 4 && memcmp(value->start, "null", size) == 0)
		return json_set(some->members, name, NULL) == 0;
	return size > 0 && json_set_new(some->members, name, parse_value(value->start, size)) == 0;
}

/* Those that are looked at here: a request may hold megabytes besides. NULL: it is not known how
 * they are read, or there is no memory. */
static struct json_object *parse_some(const char *bytes, size_t size)
{
	struct some some = {json_object_new_object(), bytes + size};
	const bool is_plain = some.members && json_see_plain_object(bytes, size, see, &some);

	return json_or_null(some.members, is_plain ? 0 : -EBADMSG);
}

/* Return: 0; -EBADMSG it is no JSON object, see error; -ENOMEM */
static int parse_request(const char *bytes, size_t size, struct request *ret, char *error)
{
	ret->parsed = parse_some(bytes, size);
	if (ret->parsed)
		return 0;
	ret->parsed = json_read(bytes, size, error);
	if (json_object_is_type(ret->parsed, json_type_object))
		return 0;
	if (ret->parsed)
		(void)snprintf(error, REQUEST_ERROR_BYTES, "another JSON value");
	return -EBADMSG;
}

int request_read(const char *bytes, size_t size, struct request *ret, char *error)
{
	struct reader reader = {ret, error};
	int rc;

	*ret = (struct request){
		.bytes = bytes,
		.size = size,
		.num_retries = LULL_UNSET,
		.timeout_ms = LULL_UNSET,
	};
	buffer_init(&ret->rest, WIRE_BODY_BYTES_MAX);
	rc = parse_request(bytes, size, ret, error);
	if (rc == 0)
		rc = read_members(&reader);
	return rc == 0 ? take_out(ret) : rc;
}

bool request_streams(const struct request *request, bool *ret_is_known)
{
	struct json_object *stream = wire_member(request->parsed, "stream");

	*ret_is_known = !stream || json_object_is_type(stream, json_type_boolean);
	return json_object_get_boolean(stream);
}

void request_deinit(struct request *request)
{
	json_object_put(request->parsed);
	free(request->fallbacks);
	buffer_deinit(&request->rest);
	*request = (struct request){0};
}

/* ---- for one route */

static bool is_max_tokens(const char *name)
{
	return strcmp(name, max_tokens[0]) == 0 || strcmp(name, max_tokens[1]) == 0;
}

uint32_t request_tokens_expected(const struct request *request)
{
	uint64_t tokens = (request->size + 3) / 4;

	for (size_t i = 0; i < MAX_TOKENS_COUNT; i++) {
		struct json_object *most = wire_member(request->parsed, max_tokens[i]);
		int64_t number =
			json_object_is_type(most, json_type_int) ? json_object_get_int64(most) : 0;

		if (number > 0) {
			tokens += (uint64_t)number;
			break;
		}
	}
	return tokens < LULL_UNSET ? (uint32_t)tokens : LULL_UNSET - 1;
}

/* What is put into a request: the list's members, then the defaults. Texts are borrowed. */
struct additions {
	struct json_object *members;
	struct json_object *defaults;
	struct splice *list;
	size_t count;
	size_t first_default;
};

/* NULL gives NULL. */
static int parse(const char *text, struct json_object **ret)
{
	char problem[128];

	*ret = text ? json_read(text, strlen(text), problem) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

static size_t size_of(struct json_object *object)
{
	return object ? (size_t)json_object_object_length(object) : 0;
}

static int add_all(struct additions *additions, struct json_object *object)
{
	json_object_object_foreach(object, name, value)
	{
		const char *text = json_line(value, NULL);

		if (!text)
			return -ENOMEM;
		additions->list[additions->count++] =
			(struct splice){.name = name, .action = SPLICE_SET, .text = text};
	}
	return 0;
}

/* The list's limit takes the place of the caller's, whichever name that goes by. */
static void replace_max_tokens(struct additions *additions)
{
	for (size_t i = 0; i < MAX_TOKENS_COUNT; i++) {
		const char *name = max_tokens[i], *other = max_tokens[MAX_TOKENS_COUNT - 1 - i];

		if (json_object_object_get_ex(additions->members, other, NULL) &&
		    !json_object_object_get_ex(additions->members, name, NULL))
			additions->list[additions->count++] =
				(struct splice){.name = name, .action = SPLICE_REMOVE};
	}
}

static int list_additions(const struct http_route *route, struct additions *ret)
{
	int rc = parse(route->members, &ret->members);

	if (rc == 0)
		rc = parse(route->defaults, &ret->defaults);
	if (rc != 0)
		return rc;
	ret->list = calloc(size_of(ret->members) + size_of(ret->defaults) + 2 * MAX_TOKENS_COUNT,
			   sizeof(*ret->list));
	if (!ret->list)
		return -ENOMEM;
	if (ret->members)
		rc = add_all(ret, ret->members);
	replace_max_tokens(ret);
	ret->first_default = ret->count;
	if (rc == 0 && ret->defaults)
		rc = add_all(ret, ret->defaults);
	for (size_t i = 0; i < MAX_TOKENS_COUNT; i++) /* only to see whether they are there */
		ret->list[ret->count++] = (struct splice){.name = max_tokens[i]};
	return rc;
}

/* What that default says is said already: by the caller, by his list or by a default before it,
 * under this name or the other one. */
static bool is_said(const struct additions *additions, size_t at)
{
	const char *name = additions->list[at].name;

	for (size_t i = 0; i < additions->count; i++) {
		const struct splice *other = &additions->list[i];
		bool is_set = i < additions->first_default ||
			      (i < at && other->action == SPLICE_SET) || other->count > 0;

		if (is_set && (strcmp(other->name, name) == 0 ||
			       (is_max_tokens(other->name) && is_max_tokens(name))))
			return true;
	}
	return false;
}

static int put_in(struct additions *additions, const char *bytes, size_t size, struct buffer *out)
{
	int rc = splice_find(bytes, size, additions->list, additions->count);

	for (size_t i = additions->first_default; i < additions->count; i++)
		if (is_said(additions, i))
			additions->list[i].action = SPLICE_KEEP;
	return rc == 0 ? splice_write(bytes, size, additions->list, additions->count, out) : rc;
}

int request_for_route(const struct http_route *route, const char **bytes, size_t *size,
		      struct buffer *out, char *error)
{
	struct additions additions = {0};
	int rc;

	if (!route->members && !route->defaults)
		return 0;
	rc = list_additions(route, &additions);
	if (rc == 0)
		rc = put_in(&additions, *bytes, *size, out);
	if (rc == -EMSGSIZE || rc == -EINVAL)
		(void)snprintf(error, REQUEST_ERROR_BYTES, "%s",
			       rc == -EINVAL ? "the request is no JSON object"
					     : "the request is too large with what is put into it");
	free(additions.list);
	json_object_put(additions.members);
	json_object_put(additions.defaults);
	*bytes = out->bytes;
	*size = out->size;
	return rc;
}
