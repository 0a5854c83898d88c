/* SPDX-License-Identifier: MIT */
/*
 * What an answer that is none says about the route, the key and the server. The body becomes a
 * struct wire_error, a row of rules.c decides, and where none does, the status.
 */
#include "classify.h"

#include <stdio.h>
#include <string.h>

#include "json_build.h"
#include "json_scan.h"
#include "mask.h"
#include "rules.h"

/* clang-format off */
static const struct status_default {
	int status; /* a single digit stands for its hundred */
	uint32_t class_id;
	const char *name;
} status_defaults[] = {
	{400, LULL_CLASS_BAD_REQUEST, "status 400"},
	{401, LULL_CLASS_AUTH, "status 401"},
	{402, LULL_CLASS_QUOTA_EXHAUSTED, "status 402"},
	{403, LULL_CLASS_PERMISSION, "status 403"},
	{404, LULL_CLASS_MODEL_NOT_FOUND, "status 404"},
	{408, LULL_CLASS_TIMEOUT, "status 408"},
	{410, LULL_CLASS_MODEL_NOT_FOUND, "status 410"},
	{413, LULL_CLASS_TOO_LARGE, "status 413"},
	{414, LULL_CLASS_TOO_LARGE, "status 414"},
	{425, LULL_CLASS_RATE_LIMITED, "status 425"},
	{429, LULL_CLASS_RATE_LIMITED, "status 429"},
	{431, LULL_CLASS_TOO_LARGE, "status 431"},
	{499, LULL_CLASS_SERVER_ERROR, "status 499"},
	{500, LULL_CLASS_SERVER_ERROR, "status 500"},
	{501, LULL_CLASS_BAD_REQUEST, "status 501"},
	{502, LULL_CLASS_SERVER_ERROR, "status 502"},
	{503, LULL_CLASS_OVERLOADED, "status 503"},
	{504, LULL_CLASS_TIMEOUT, "status 504"},
	{522, LULL_CLASS_TIMEOUT, "status 522"},
	{524, LULL_CLASS_TIMEOUT, "status 524"},
	{529, LULL_CLASS_OVERLOADED, "status 529"},
	{4, LULL_CLASS_BAD_REQUEST, "status 4xx"},
	{5, LULL_CLASS_SERVER_ERROR, "status 5xx"},
};
/* clang-format on */

static const struct status_default *find_default(int status)
{
	static const struct status_default no_answer = {0, LULL_CLASS_MALFORMED_RESPONSE,
							"no answer in it"};

	for (size_t i = 0; i < sizeof(status_defaults) / sizeof(status_defaults[0]); i++)
		if (rule_status_is(status, status_defaults[i].status))
			return &status_defaults[i];
	return &no_answer;
}

static void decide(const struct wire_error *error, struct verdict *ret)
{
	const struct rule *rule = rule_find(error);
	const struct status_default *by_status = find_default(error->status);
	struct lull_outcome *outcome = &ret->outcome;

	outcome->class_id = rule ? rule->class_id : by_status->class_id;
	outcome->scope = rule ? rule->scope : LULL_UNSET;
	outcome->proof = rule ? rule->proof : LULL_UNSET;
	outcome->hint_ms = rule && rule->disbelieves_hint ? -1 : error->hint_ms;
	ret->rule = rule ? rule->name : by_status->name;
	if (outcome->class_id != LULL_CLASS_OVERLOADED)
		return;
	if (outcome->proof == LULL_UNSET && error->hint_ms >= 0)
		outcome->proof = LULL_PROOF_HARD;
	if (outcome->scope == LULL_UNSET && error->provider && error->provider->local)
		outcome->scope = LULL_KIND_ENDPOINT;
}

void verdict_set(struct verdict *ret, uint32_t class_id, const char *rule, const char *detail)
{
	*ret = (struct verdict){.rule = rule, .hint_said_ms = -1};
	lull_outcome_init(&ret->outcome);
	ret->outcome.class_id = class_id;
	ret->outcome.detail = ret->detail;
	mask_write(ret->detail, sizeof(ret->detail), detail ? detail : "", NULL);
}

/* ---- failures under a 200 */

static const char *failed_finish_among(struct json_object *list, const char *name)
{
	const char *finish = NULL;

	for (size_t i = 0; !finish && i < json_length(list); i++)
		finish = rule_failed_finish(wire_text(json_object_array_get_idx(list, i), name));
	return finish;
}

/* in the order: OpenAI, Gemini, Cohere, Cohere's stream, Bedrock */
static const char *failed_finish_of(struct json_object *root)
{
	const char *finish = failed_finish_among(wire_member(root, "choices"), "finish_reason");

	if (!finish)
		finish = failed_finish_among(wire_member(root, "candidates"), "finishReason");
	if (!finish)
		finish = rule_failed_finish(wire_text(root, "finish_reason"));
	if (!finish)
		finish = rule_failed_finish(wire_text(wire_member(root, "delta"), "finish_reason"));
	if (!finish)
		finish = rule_failed_finish(wire_text(root, "stopReason"));
	return finish;
}

/* Gemini's streams without SSE are a list of events. */
static const char *failed_finish_in(struct json_object *root)
{
	const char *finish = NULL;

	if (!json_object_is_type(root, json_type_array))
		return failed_finish_of(root);
	for (size_t i = 0; !finish && i < json_object_array_length(root); i++)
		finish = failed_finish_of(json_object_array_get_idx(root, i));
	return finish;
}

bool classify_is_failure(struct json_object *root)
{
	return wire_error_in(root) || failed_finish_in(root);
}

/* ---- the entry */

#define SCRATCH_BYTES 160 /* as verdict.detail */

/* Where to, but for path and query, and for a user's name: these may hold secrets. */
static const char *describe_redirect(const struct wire_error *error, char *text, size_t size)
{
	const char *location = wire_header_get(error->response, "location");
	size_t host = location ? strcspn(location, ":/?#") : 0, end = 0;

	if (location && strncmp(location + host, "://", 3) == 0) {
		host += 3;
		end = host + strcspn(location + host, "/?#");
	}
	if (end && memchr(location + host, '@', end - host))
		end = 0;
	(void)snprintf(text, size,
		       "a redirect%s%.*s, which is not followed: the key would go along",
		       end ? " to " : "", (int)(end < size ? end : size), end ? location : "");
	return text;
}

/* @problem: of json_read(), where the body is broken */
static const char *describe(const struct wire_error *error, const char *problem, char *scratch)
{
	if (error->response->status >= 300 && error->response->status <= 399)
		return describe_redirect(error, scratch, SCRATCH_BYTES);
	if (error->message)
		return error->message;
	if (error->finish)
		return error->finish;
	switch (error->body) {
	case WIRE_BODY_EMPTY:
		return "no body";
	case WIRE_BODY_TEXT:
		return "a page or text instead of JSON";
	case WIRE_BODY_BROKEN:
		(void)snprintf(scratch, SCRATCH_BYTES, "JSON that cannot be read: %s", problem);
		return scratch;
	case WIRE_BODY_JSON:
		break;
	}
	return "";
}

void classify_response(const struct provider *provider, const struct wire_response *response,
		       struct verdict *ret)
{
	char problem[JSON_ERROR_BYTES];
	const char *body = response->body ? response->body : "";
	struct json_object *root = json_read(body, response->body_bytes, problem);
	bool succeeded = response->status >= 200 && response->status <= 299;
	const char *finish = succeeded && !wire_error_in(root) ? failed_finish_in(root) : NULL;
	char scratch[SCRATCH_BYTES];
	struct wire_error error;

	wire_error_read(provider, response, root, finish, &error);
	verdict_set(ret, LULL_CLASS_SERVER_ERROR, NULL, NULL);
	decide(&error, ret);
	ret->outcome.http_status = (uint32_t)response->status;
	ret->hint_said_ms = error.hint_ms;
	ret->hint_from = error.hint_from;
	mask_write(ret->detail, sizeof(ret->detail), describe(&error, problem, scratch),
		   response->secret);
	json_object_put(root);
}
