/* SPDX-License-Identifier: MIT */
/*
 * /__mock/...: how tests drive the mock provider while it runs. These requests are not counted.
 */
#include <string.h>

#include "mock.h"

#define PREFIX "/__mock/"

static struct json_object *error_json(const char *sentence)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "error", json_object_new_string(sentence));
	return json;
}

static struct json_object *get_counts(const struct request *request, uint32_t *status)
{
	(void)request;
	(void)status;
	return journal_counts();
}

static struct json_object *get_requests(const struct request *request, uint32_t *status)
{
	(void)status;
	return journal_requests(strcmp(request->query, "full=1") == 0);
}

static struct json_object *post_reset(const struct request *request, uint32_t *status)
{
	(void)request;
	(void)status;
	journal_reset();
	return journal_counts();
}

/* The script in force stays when the new one is wrong. */
static struct json_object *post_rules(const struct request *request, uint32_t *status)
{
	char error[MOCK_ERROR_BYTES];
	struct script *script =
		script_read(request->body, mock.wire_dir, mock.ports[LISTENER_MAIN], error);

	if (!script) {
		*status = 400;
		return error_json(error);
	}
	(void)script_free(mock.script);
	mock.script = script;

	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "rules",
			       json_object_new_int64((int64_t)script_rule_count(script)));
	return json;
}

static struct json_object *fault_json(const struct fault *fault)
{
	struct json_object *json = json_object_new_object();
	char url[64] = "http://mock.invalid";

	json_object_object_add(json, "how", json_object_new_string(fault->how));
	if (fault->script)
		return json;
	if (fault->listener != LISTENER_NONE)
		(void)snprintf(url, sizeof(url), "%s://%s:%u",
			       fault->listener == LISTENER_MAIN ? "https" : "http", mock.address,
			       mock.ports[fault->listener]);
	json_object_object_add(json, "url", json_object_new_string(url));
	return json;
}

static struct json_object *get_faults(const struct request *request, uint32_t *status)
{
	struct json_object *json = json_object_new_object();
	const struct fault *fault;

	(void)request;
	(void)status;
	for (size_t i = 0; (fault = fault_at(i)); i++)
		json_object_object_add(json, fault->name, fault_json(fault));
	return json;
}

static const struct control {
	const char *method;
	const char *name;
	struct json_object *(*answer)(const struct request *request, uint32_t *status);
} controls[] = {
	{"GET", "counts", get_counts}, {"GET", "requests", get_requests},
	{"GET", "faults", get_faults}, {"POST", "rules", post_rules},
	{"POST", "reset", post_reset},
};

bool control_wants(const struct request *request)
{
	return strncmp(request->path, PREFIX, strlen(PREFIX)) == 0;
}

void control_answer(const struct request *request, struct plan *ret)
{
	const char *name = request->path + strlen(PREFIX);
	struct json_object *body = NULL;
	uint32_t status = 200;

	for (size_t i = 0; !body && i < sizeof(controls) / sizeof(controls[0]); i++)
		if (strcmp(controls[i].name, name) == 0 &&
		    strcmp(controls[i].method, request->method) == 0)
			body = controls[i].answer(request, &status);
	if (!body) {
		status = 404;
		body = error_json(
			"GET counts, requests, faults, or POST rules, reset was expected");
	}
	plan_json(status, body, request->keep_alive, ret);
}
