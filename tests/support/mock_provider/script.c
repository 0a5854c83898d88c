/* SPDX-License-Identifier: MIT */
/*
 * The script: which response is due for a request. It is a JSON array of rules; the first that fits
 * wins; where none fits, a chat request is answered well and anything else is a 404.
 *
 *     [{"model": "primary", "status": 429, "headers": {"Retry-After": 30}},
 *      {"model": "flaky", "responses": [{"times": 2, "fault": "reset_mid_body"}, {"text": "hi"}]},
 *      {"path": "/v2/?hat", "file": "cohere/success.http", "pieces": 7}]
 *
 * A rule fits by `model`, `path` (a glob), `key`, `reused` (connection) and `percent`, as far as
 * given. Its
 * `responses` are used one after the other, each `times` times, the last for ever; what stands in
 * the rule itself holds for each of them. What a response may say is the table response_fields,
 * and README.md explains each.
 *
 * Anything not understood is an error: a test whose fault is misspelt would pass for nothing.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "mock.h"

#define TIMES_FOR_EVER UINT32_MAX

struct rule {
	char *model;
	char *path;
	char *key;
	int reused;     /* -1 either */
	double percent; /* of the requests that fit otherwise */
	struct response *responses;
	size_t response_count;
	uint64_t served;
};

struct script {
	struct rule *rules;
	size_t rule_count;
};

/* What reading a script needs at every depth. */
struct reader {
	const char *wire_dir;
	unsigned port;
	char *error;
	size_t rule;
};

static bool complain(const struct reader *reader, const char *name, const char *expected)
{
	(void)snprintf(reader->error, MOCK_ERROR_BYTES, "rule %zu: %s: %s was expected",
		       reader->rule + 1, name, expected);
	return false;
}

/* ---- fields of a response */

struct field {
	const char *name;
	bool (*read)(const struct reader *reader, const struct field *field,
		     struct json_object *value, struct response *response);
	size_t offset;
	const char *const *words;
};

static bool read_number(const struct reader *reader, const struct field *field,
			struct json_object *value, struct response *response)
{
	int64_t number = json_object_get_int64(value);
	uint32_t *target = (uint32_t *)(void *)((char *)response + field->offset);

	if (!json_object_is_type(value, json_type_int) || number < 0 || number >= UNSET)
		return complain(reader, field->name, "a number from 0");
	*target = (uint32_t)number;
	return true;
}

static bool read_word(const struct reader *reader, const struct field *field,
		      struct json_object *value, struct response *response)
{
	const char *word = json_object_get_string(value);
	uint32_t *target = (uint32_t *)(void *)((char *)response + field->offset);

	for (uint32_t i = 0; word && field->words[i]; i++) {
		if (strcmp(field->words[i], word) == 0) {
			*target = i;
			return true;
		}
	}

	char expected[80];

	(void)snprintf(expected, sizeof(expected), "%s, %s, %s or %s", field->words[1],
		       field->words[2], field->words[3],
		       field->words[4] ? field->words[4] : field->words[0]);
	return complain(reader, field->name, expected);
}

static bool read_text(const struct reader *reader, const struct field *field,
		      struct json_object *value, struct response *response)
{
	if (!json_object_is_type(value, json_type_string))
		return complain(reader, field->name, "a string");
	free(response->text);
	response->text =
		mock_copy(json_object_get_string(value), (size_t)json_object_get_string_len(value));
	return true;
}

/* A string is sent as it is, anything else as JSON. */
static bool read_body(const struct reader *reader, const struct field *field,
		      struct json_object *value, struct response *response)
{
	bytes_free(&response->body);
	response->has_body = true;
	response->raw = strcmp(field->name, "raw") == 0;
	if (json_object_is_type(value, json_type_string)) {
		bytes_add(&response->body, json_object_get_string(value),
			  (size_t)json_object_get_string_len(value));
		return true;
	}
	if (response->raw || !value)
		return complain(reader, field->name, "a string");
	bytes_print(&response->body, "%s",
		    json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
								  JSON_C_TO_STRING_NOSLASHESCAPE));
	return true;
}

/* A later value replaces an earlier one of the same name. */
static void set_header(struct bytes *headers, const char *name, const char *value)
{
	size_t size;
	const char *old = header_find(headers->at, name, &size);

	if (old) {
		const char *line = old;

		while (line > headers->at && line[-1] != '\n')
			line--;

		const char *next = old + size + 2;

		memmove(headers->at + (line - headers->at), next,
			headers->size - (size_t)(next - headers->at) + 1);
		headers->size -= (size_t)(next - line);
	}
	bytes_print(headers, "%s: %s\r\n", name, value);
}

static bool read_headers(const struct reader *reader, const struct field *field,
			 struct json_object *value, struct response *response)
{
	if (!json_object_is_type(value, json_type_object))
		return complain(reader, field->name, "an object");
	json_object_object_foreach(value, name, member)
	{
		const char *text = json_object_get_string(member);
		const char *port = text ? strstr(text, "{port}") : NULL;
		struct bytes filled = {0};

		if (!text || strpbrk(text, "\r\n") || strpbrk(name, ":\r\n "))
			return complain(reader, field->name, "a name and one line of text each");
		if (port)
			bytes_print(&filled, "%.*s%u%s", (int)(port - text), text, reader->port,
				    port + strlen("{port}"));
		set_header(&response->headers, name, port ? filled.at : text);
		bytes_free(&filled);
	}
	return true;
}

static bool read_interim(const struct reader *reader, const struct field *field,
			 struct json_object *value, struct response *response)
{
	size_t room = sizeof(response->interim) / sizeof(response->interim[0]) - 1;

	if (!json_object_is_type(value, json_type_array) || json_object_array_length(value) > room)
		return complain(reader, field->name, "an array of at most three numbers");
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		int number = json_object_get_int(json_object_array_get_idx(value, i));

		if (number < 100 || number > 199)
			return complain(reader, field->name, "a status from 100 to 199");
		response->interim[i] = (uint32_t)number;
	}
	return true;
}

/* A whole response: status line, headers, blank line, body. */
static bool read_file(const struct reader *reader, const struct field *field,
		      struct json_object *value, struct response *response)
{
	const char *name = json_object_get_string(value);
	struct bytes path = {0}, file = {0};
	char *blank = NULL;
	int status = 0;

	if (!json_object_is_type(value, json_type_string))
		return complain(reader, field->name, "the name of a file");
	bytes_print(&path, "%s/%s", reader->wire_dir, name);
	if (bytes_read_file(&file, *name == '/' ? name : path.at))
		blank = memmem(file.at, file.size, "\r\n\r\n", 4);
	if (blank && sscanf(file.at, "HTTP/1.%*d %d", &status) == 1) {
		const char *headers = strstr(file.at, "\r\n") + 2;

		response->status = (uint32_t)status;
		bytes_free(&response->headers);
		if (headers < blank + 2)
			bytes_add(&response->headers, headers, (size_t)(blank + 2 - headers));
		bytes_free(&response->body);
		bytes_add(&response->body, blank + 4, file.size - (size_t)(blank + 4 - file.at));
		response->has_body = true;
		response->raw = false;
	}
	bytes_free(&path);
	bytes_free(&file);
	return status != 0 || complain(reader, field->name, "a readable file with a response");
}

static const char *const framings[] = {"auto", "length", "chunked", "close", NULL};
static const char *const endings[] = {"auto", "keep", "close", "reset", "stall", NULL};

/* clang-format off */
#define FIELD(name, read)         {name, read, 0, NULL}
#define NUMBER(member)            {#member, read_number, offsetof(struct response, member), NULL}
#define WORD(name, member, words) {name, read_word, offsetof(struct response, member), words}
/* clang-format on */

/* In the order in which they are applied: a file first, so that the rest may change it. */
static const struct field response_fields[] = {
	FIELD("file", read_file),
	NUMBER(status),
	FIELD("headers", read_headers),
	FIELD("body", read_body),
	FIELD("raw", read_body),
	FIELD("text", read_text),
	WORD("framing", framing, framings),
	WORD("end", ending, endings),
	FIELD("interim", read_interim),
	NUMBER(times),
	NUMBER(delay_ms),
	NUMBER(body_delay_ms),
	NUMBER(send_bytes),
	NUMBER(send_events),
	NUMBER(repeat_ms),
	NUMBER(pieces),
	NUMBER(drip_bytes),
	NUMBER(drip_ms),
};
static const char *const rule_fields[] = {"model",   "path",      "key",  "reused",
					  "percent", "responses", "fault"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_field(const char *name, bool in_rule)
{
	for (size_t i = 0; i < COUNT(response_fields); i++)
		if (strcmp(response_fields[i].name, name) == 0)
			return true;
	for (size_t i = 0; in_rule && i < COUNT(rule_fields); i++)
		if (strcmp(rule_fields[i], name) == 0)
			return true;
	return !in_rule && strcmp(name, "fault") == 0;
}

static bool check_names(const struct reader *reader, struct json_object *object, bool in_rule)
{
	if (!json_object_is_type(object, json_type_object))
		return complain(reader, in_rule ? "the rule" : "responses", "an object");
	json_object_object_foreach(object, name, value)
	{
		(void)value;
		if (!is_field(name, in_rule))
			return complain(reader, name, "one of the known members");
	}
	return true;
}

static bool apply(const struct reader *reader, struct json_object *object,
		  struct response *response)
{
	for (size_t i = 0; i < COUNT(response_fields); i++) {
		const struct field *field = &response_fields[i];
		struct json_object *value;

		if (json_object_object_get_ex(object, field->name, &value) &&
		    !field->read(reader, field, value, response))
			return false;
	}
	return true;
}

static bool apply_fault(const struct reader *reader, struct json_object *name,
			struct response *response)
{
	const struct fault *fault = NULL;

	if (!name)
		return true;
	if (json_object_is_type(name, json_type_string))
		fault = fault_by_name(json_object_get_string(name));
	if (!fault || !fault->script)
		return complain(reader, "fault",
				fault ? "no fault from before HTTP (it has a URL of its own)"
				      : "the name of a fault");

	struct json_object *preset = json_tokener_parse(fault->script);
	bool done = apply(reader, preset, response);

	json_object_put(preset);
	return done;
}

static void response_init(struct response *response)
{
	*response = (struct response){
		.times = 1,
		.status = 200,
		.send_bytes = UNSET,
		.send_events = UNSET,
		.repeat_ms = UNSET,
	};
}

static void response_deinit(struct response *response)
{
	bytes_free(&response->headers);
	bytes_free(&response->body);
	free(response->text);
}

/* The fault first, then what the rule says, then what this response says. */
static bool read_response(const struct reader *reader, struct json_object *rule,
			  struct json_object *own, struct response *response)
{
	struct json_object *fault = json_object_object_get(own, "fault");

	response_init(response);
	return (own == rule || check_names(reader, own, false)) &&
	       apply_fault(reader, fault ? fault : json_object_object_get(rule, "fault"),
			   response) &&
	       apply(reader, rule, response) && (own == rule || apply(reader, own, response));
}

/* ---- rules */

static bool read_pattern(const struct reader *reader, struct json_object *object, const char *name,
			 char **ret)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, name, &value))
		return true;
	if (!json_object_is_type(value, json_type_string))
		return complain(reader, name, "a string");
	*ret = mock_copy(json_object_get_string(value), (size_t)json_object_get_string_len(value));
	return true;
}

static bool read_rule(const struct reader *reader, struct json_object *object, struct rule *rule)
{
	struct json_object *list = NULL, *reused = NULL, *percent = NULL;

	rule->reused = -1;
	rule->percent = 100;
	if (!check_names(reader, object, true) ||
	    !read_pattern(reader, object, "model", &rule->model) ||
	    !read_pattern(reader, object, "path", &rule->path) ||
	    !read_pattern(reader, object, "key", &rule->key))
		return false;
	if (json_object_object_get_ex(object, "reused", &reused)) {
		if (!json_object_is_type(reused, json_type_boolean))
			return complain(reader, "reused", "true or false");
		rule->reused = json_object_get_boolean(reused);
	}
	if (json_object_object_get_ex(object, "percent", &percent)) {
		rule->percent = json_object_get_double(percent);
		if (!(rule->percent >= 0 && rule->percent <= 100))
			return complain(reader, "percent", "a number from 0 to 100");
	}

	bool listed = json_object_object_get_ex(object, "responses", &list);

	if (listed &&
	    (!json_object_is_type(list, json_type_array) || json_object_array_length(list) == 0))
		return complain(reader, "responses", "an array of one or more");
	rule->response_count = listed ? json_object_array_length(list) : 1;
	rule->responses = mock_alloc(rule->response_count * sizeof(*rule->responses));
	for (size_t i = 0; i < rule->response_count; i++) {
		struct json_object *own = listed ? json_object_array_get_idx(list, i) : object;

		if (!read_response(reader, object, own, &rule->responses[i]))
			return false;
	}
	rule->responses[rule->response_count - 1].times = TIMES_FOR_EVER;
	return true;
}

static struct json_object *parse(const char *text, char *error)
{
	struct json_tokener *tokener = json_tokener_new_ex(MOCK_JSON_DEPTH);
	struct json_object *json = NULL;

	if (tokener) {
		json = json_tokener_parse_ex(tokener, text, -1);
		json_tokener_free(tokener);
	}
	if (!json_object_is_type(json, json_type_array)) {
		(void)snprintf(error, MOCK_ERROR_BYTES,
			       "the script: a JSON array of rules was expected");
		json_object_put(json);
		return NULL;
	}
	return json;
}

struct script *script_read(const char *text, const char *wire_dir, unsigned port, char *error)
{
	struct reader reader = {.wire_dir = wire_dir, .port = port, .error = error};
	struct json_object *json = parse(text, error);

	if (!json)
		return NULL;

	struct script *script = mock_alloc(sizeof(*script));
	bool good = true;

	script->rule_count = json_object_array_length(json);
	script->rules = mock_alloc(script->rule_count * sizeof(*script->rules) + 1);
	for (; good && reader.rule < script->rule_count; reader.rule++)
		good = read_rule(&reader, json_object_array_get_idx(json, reader.rule),
				 &script->rules[reader.rule]);
	json_object_put(json);
	return good ? script : script_free(script);
}

struct script *script_free(struct script *script)
{
	for (size_t i = 0; script && i < script->rule_count; i++) {
		struct rule *rule = &script->rules[i];

		for (size_t j = 0; rule->responses && j < rule->response_count; j++)
			response_deinit(&rule->responses[j]);
		free(rule->responses);
		free(rule->model);
		free(rule->path);
		free(rule->key);
	}
	if (script)
		free(script->rules);
	free(script);
	return NULL;
}

size_t script_rule_count(const struct script *script)
{
	return script ? script->rule_count : 0;
}

/* ---- what is due */

static bool is_same(const char *wanted, const char *found)
{
	return !wanted || (found && strcmp(wanted, found) == 0);
}

/* 0 to 100, the same numbers in each run */
static double roll(void)
{
	static uint64_t state = 1;

	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (double)(state >> 33) / (double)(UINT64_C(1) << 31) * 100;
}

static bool rule_fits(const struct rule *rule, const struct request *request)
{
	return is_same(rule->model, request->model) && is_same(rule->key, request->key) &&
	       (!rule->path || fnmatch(rule->path, request->path, 0) == 0) &&
	       (rule->reused < 0 || (rule->reused != 0) == request->reused) &&
	       (rule->percent >= 100 || roll() < rule->percent);
}

static const struct response *rule_next(struct rule *rule)
{
	const struct response *response = rule->responses;
	uint64_t before = rule->served++;

	while (response->times != TIMES_FOR_EVER && before >= response->times) {
		before -= response->times;
		response++;
	}
	return response;
}

const struct response *script_next(struct script *script, const struct request *request)
{
	for (size_t i = 0; script && i < script->rule_count; i++)
		if (rule_fits(&script->rules[i], request))
			return rule_next(&script->rules[i]);
	return NULL;
}
