/* SPDX-License-Identifier: MIT */
/*
 * What vendors' errors mean: the table of rows, first match wins. Below it, in classify.c, stand
 * the defaults by status. The question behind each row is never "did it fail?" but "would another
 * process's request, now, fail for the same reason?". So a request's own fault must never look like
 * the route's, and the order matters:
 *
 *   - exact codes hold whatever the status, also inside a stream that began with 200;
 *   - sentences are read only where a vendor has no code, only under the statuses listed, and only
 *     in the message itself. Messages quote what the caller wrote, so one that shuts anything must not
 *     stand in the request, and under a status that is the request's own the message must begin so;
 *   - what stands between the provider and us comes last.
 *
 * Scope and proof are named only where they differ from the class's own (<lull/class.h>).
 */
#include "rules.h"

#include <stdlib.h>
#include <string.h>

#include "json_build.h"
#include "quote.h"

#define LONG_WAIT_MS 3600000 /* Azure names such waits for one oversized request */

/* ---- facts: what a code or a sentence cannot tell */

static bool finish_is(const struct wire_error *error, const char *value)
{
	return error->finish && wire_code_is(error->finish, value);
}

static bool body_is_text(const struct wire_error *error, const char *value)
{
	(void)value;
	return error->body == WIRE_BODY_TEXT;
}

static bool body_is_empty(const struct wire_error *error, const char *value)
{
	(void)value;
	return error->body == WIRE_BODY_EMPTY;
}

static bool body_is_broken(const struct wire_error *error, const char *value)
{
	(void)value;
	return error->body == WIRE_BODY_BROKEN;
}

static bool inner_status_is(const struct wire_error *error, const char *value)
{
	return error->inner_status == atoi(value);
}

static bool header_is_zero(const struct wire_error *error, const char *value)
{
	const char *header = wire_header_get(error->response, value);

	return header && strcmp(header, "0") == 0;
}

static bool wait_is_long(const struct wire_error *error, const char *value)
{
	(void)value;
	return error->hint_ms >= LONG_WAIT_MS;
}

/* OpenRouter: "error_type" stands in the error or in its metadata */
static bool error_type_is(const struct wire_error *error, const char *value)
{
	const char *type = wire_text(wire_member(error->object, "metadata"), "error_type");

	if (!type)
		type = wire_text(error->object, "error_type");
	return type && wire_code_is(type, value);
}

static bool metadata_has(const struct wire_error *error, const char *value)
{
	return wire_member(wire_member(error->object, "metadata"), value) != NULL;
}

static bool availability_is(const struct wire_error *error, const char *value)
{
	const char *code = wire_text(wire_member(error->object, "availability"), "code");

	return code && wire_code_is(code, value);
}

static bool is_retryable(const struct wire_error *error, const char *value)
{
	(void)value;
	return json_object_get_boolean(
		wire_member(wire_member(error->object, "availability"), "retryable"));
}

/* Google: details[].violations[], any member of that name that contains the value */
static bool quota_violation(const struct wire_error *error, const char *name, const char *value,
			    bool whole)
{
	struct json_object *details = wire_member(error->object, "details");

	for (size_t i = 0; i < json_length(details); i++) {
		struct json_object *list =
			wire_member(json_object_array_get_idx(details, i), "violations");

		for (size_t k = 0; k < json_length(list); k++) {
			const char *text = wire_text(json_object_array_get_idx(list, k), name);

			if (text &&
			    (whole ? strcmp(text, value) == 0 : strstr(text, value) != NULL))
				return true;
		}
	}
	return false;
}

static bool quota_id_has(const struct wire_error *error, const char *value)
{
	return quota_violation(error, "quotaId", value, false);
}

static bool quota_value_is(const struct wire_error *error, const char *value)
{
	return quota_violation(error, "quotaValue", value, true);
}

/* "a*b": a, and b after it, in any case; "^a": a at the beginning */
static bool says(const char *text, const char *parts)
{
	char part[64];
	size_t size;

	if (text && *parts == '^') {
		size = strcspn(++parts, "*");
		if (strncasecmp(text, parts, size) != 0)
			return false;
	}
	while (text && *parts != '\0') {
		size = strcspn(parts, "*");
		if (size >= sizeof(part))
			return false;
		memcpy(part, parts, size);
		part[size] = '\0';
		text = strcasestr(text, part);
		if (text)
			text += size;
		parts += size + (parts[size] == '*');
	}
	return text != NULL;
}

/* The number behind a word, thousands with or without commas; 0 none. */
static uint64_t number_after(const char *text, const char *word)
{
	const char *at = text ? strstr(text, word) : NULL;
	uint64_t number = 0;

	if (!at)
		return 0;
	for (at += strlen(word); (*at >= '0' && *at <= '9') || *at == ','; at++)
		if (*at != ',' && number < UINT64_MAX / 16)
			number = number * 10 + (uint64_t)(*at - '0');
	return number;
}

/* "Limit 30000, Requested 36278": no wait makes room for it. With "Used" it is an ordinary limit.
 */
static bool asks_over_limit(const struct wire_error *error, const char *value)
{
	uint64_t limit = number_after(error->message, "Limit ");

	(void)value;
	return limit > 0 && number_after(error->message, "Requested ") > limit &&
	       !strstr(error->message, "Used ");
}

/* Nobody has the same code for it, hence the list. */
static bool is_over_context(const struct wire_error *error, const char *value)
{
	static const char *const sentences[] = {
		"maximum context length",
		"context length exceeded",
		"context_length_exceeded",
		"exceeds the context window",
		"input tokens exceed the configured limit",
		"model's maximum context limit",
		"prompt is too long",
		"exceed context limit",
		"input is too long for requested model",
		"input token count*exceeds the maximum",
		"maximum prompt length is",
		"please reduce the length of the messages",
		"is longer than the model's context length",
		"`inputs` tokens + `max_new_tokens` must be",
		"too large for model with*maximum context length",
		"too many tokens",
		"exceeds the available context size",
		"greater than the context length",
		"when context the overflows",
		"prompt too long; exceeded max context length",
		"exceeded model token limit",
		"context window exceeds limit",
		"range of input length should be",
	};

	(void)value;
	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++)
		if (says(error->message, sentences[i]))
			return true;
	return false;
}

/* ---- the table */

#define IS(c)       .class_id = LULL_CLASS_##c, .scope = LULL_UNSET, .proof = LULL_UNSET
#define IS_OF(c, s) .class_id = LULL_CLASS_##c, .scope = LULL_KIND_##s, .proof = LULL_UNSET
#define IS_OF_BY(c, s, p) \
	.class_id = LULL_CLASS_##c, .scope = LULL_KIND_##s, .proof = LULL_PROOF_##p
#define IF(f, v) .fact = (f), .value = (v)

/* clang-format off */
static const struct rule rules[] = {

/* answers that failed on their way, and say so in their finish reason */
{"finish insufficient_system_resource", IF(finish_is, "insufficient_system_resource"), IS(OVERLOADED)},
{"finish timeout",               IF(finish_is, "timeout"),              IS(TIMEOUT)},
{"finish error",                 IF(finish_is, "error"),                IS(SERVER_ERROR)},
{"finish malformed",             IF(finish_is, "malformed_*"),          IS(MALFORMED_RESPONSE)},
{"finish unexpected_tool_call",  IF(finish_is, "unexpected_tool_call"), IS(MALFORMED_RESPONSE)},
{"finish too_many_tool_calls",   IF(finish_is, "too_many_tool_calls"),  IS(MALFORMED_RESPONSE)},

/* OpenRouter: what it says about availability, then error_type; the status is one of many vendors' */
#define OPENROUTER(what) "openrouter " what, "openrouter"
{OPENROUTER("402 can only afford"),     {402}, .says = "can only afford",       IS_OF_BY(QUOTA_EXHAUSTED, CREDENTIAL, SOFT)},
{OPENROUTER("403 moderation"),          {403}, IF(metadata_has, "reasons"),     IS(CONTENT_POLICY)},
{OPENROUTER("403 guardrail"),           {403}, IF(metadata_has, "patterns"),    IS(CONTENT_POLICY)},
{OPENROUTER("404 no endpoints that support"), {404}, .says = "^no endpoints found that support", IS(BAD_REQUEST)},
{OPENROUTER("404 no allowed providers"), {404}, .says = "^no allowed providers", IS(BAD_REQUEST)},
{OPENROUTER("429 free-models-per-day"), {429}, .says = "free-models-per-day",   IS_OF(QUOTA_EXHAUSTED, ROUTE)},
{OPENROUTER("availability retryable"),             IF(is_retryable, NULL),                           IS(OVERLOADED)},
{OPENROUTER("availability capacity_exhausted"),    IF(availability_is, "capacity_exhausted"),        IS(OVERLOADED)},
{OPENROUTER("availability temporarily_unavailable"), IF(availability_is, "temporarily_unavailable"), IS(OVERLOADED)},
{OPENROUTER("availability model_not_found"),       IF(availability_is, "model_not_found"),           IS(MODEL_NOT_FOUND)},
{OPENROUTER("availability wrong_endpoint"),        IF(availability_is, "wrong_endpoint"),            IS(MODEL_NOT_FOUND)},
{OPENROUTER("availability no_endpoints"),          IF(availability_is, "no_endpoints"),              IS(MODEL_NOT_FOUND)},
{OPENROUTER("availability model_deprecated"),      IF(availability_is, "model_deprecated"),          IS(MODEL_NOT_FOUND)},
{OPENROUTER("availability model_unavailable_upstream"), IF(availability_is, "model_unavailable_upstream"), IS(MODEL_NOT_FOUND)},
{OPENROUTER("availability privacy_restricted"),    IF(availability_is, "privacy_restricted"),        IS(MODEL_NOT_FOUND)},
{OPENROUTER("availability constraint_filtered"),   IF(availability_is, "constraint_filtered"),       IS(BAD_REQUEST)},
{OPENROUTER("availability free_variant_ended"),    IF(availability_is, "free_variant_ended"),        IS(MODEL_NOT_FOUND)},
{OPENROUTER("availability region_restricted"),     IF(availability_is, "region_restricted"),         IS(PERMISSION)},
{OPENROUTER("context_length_exceeded"),    IF(error_type_is, "context_length_exceeded"),   IS(CONTEXT_WINDOW)},
{OPENROUTER("max_tokens_exceeded"),        IF(error_type_is, "max_tokens_exceeded"),       IS(CONTEXT_WINDOW)},
{OPENROUTER("token_limit_exceeded"),       IF(error_type_is, "token_limit_exceeded"),      IS(CONTEXT_WINDOW)},
{OPENROUTER("string_too_long"),            IF(error_type_is, "string_too_long"),           IS(CONTEXT_WINDOW)},
{OPENROUTER("invalid_request"),            IF(error_type_is, "invalid_request"),           IS(BAD_REQUEST)},
{OPENROUTER("invalid_prompt"),             IF(error_type_is, "invalid_prompt"),            IS(CONTENT_POLICY)},
{OPENROUTER("content_policy_violation"),   IF(error_type_is, "content_policy_violation"),  IS(CONTENT_POLICY)},
{OPENROUTER("refusal"),                    IF(error_type_is, "refusal"),                   IS(CONTENT_POLICY)},
{OPENROUTER("image_too_large"),            IF(error_type_is, "image_too_large"),           IS(TOO_LARGE)},
{OPENROUTER("image error"),                IF(error_type_is, "image_*"),                   IS(BAD_REQUEST)},
{OPENROUTER("invalid_image"),              IF(error_type_is, "invalid_image"),             IS(BAD_REQUEST)},
{OPENROUTER("unsupported_image_format"),   IF(error_type_is, "unsupported_image_format"),  IS(BAD_REQUEST)},
{OPENROUTER("authentication"),             IF(error_type_is, "authentication"),            IS(AUTH)},
{OPENROUTER("payment_required"),           IF(error_type_is, "payment_required"),          IS(QUOTA_EXHAUSTED)},
{OPENROUTER("permission_denied"),          IF(error_type_is, "permission_denied"),         IS(PERMISSION)},
{OPENROUTER("not_found"),                  IF(error_type_is, "not_found"),                 IS(MODEL_NOT_FOUND)},
{OPENROUTER("precondition_failed"),        IF(error_type_is, "precondition_failed"),       IS(BAD_REQUEST)},
{OPENROUTER("payload_too_large"),          IF(error_type_is, "payload_too_large"),         IS(TOO_LARGE)},
{OPENROUTER("unprocessable"),              IF(error_type_is, "unprocessable"),             IS(BAD_REQUEST)},
{OPENROUTER("rate_limit_exceeded"),        IF(error_type_is, "rate_limit_exceeded"),       IS(RATE_LIMITED)},
{OPENROUTER("server"),                     IF(error_type_is, "server"),                    IS(SERVER_ERROR)},
{OPENROUTER("unmapped"),                   IF(error_type_is, "unmapped"),                  IS(SERVER_ERROR)},
{OPENROUTER("provider_unavailable"),       IF(error_type_is, "provider_unavailable"),      IS(SERVER_ERROR)},
{OPENROUTER("provider_overloaded"),        IF(error_type_is, "provider_overloaded"),       IS(OVERLOADED)},
{OPENROUTER("timeout"),                    IF(error_type_is, "timeout"),                   IS(TIMEOUT)},

/* one request over the minute's tokens: its code says rate_limit_exceeded, and no wait helps */
{"request too large",           NULL, {429, 413}, .says = "request too large", IS(TOO_LARGE)},
{"requested over the limit",    NULL, {429, 413}, IF(asks_over_limit, NULL),   IS(TOO_LARGE)},

/* exact codes: whose they are is in the name, but faces and proxies of other vendors pass them on */
{"openai insufficient_quota",          .code = "insufficient_quota",                IS(QUOTA_EXHAUSTED)},
{"openai billing_hard_limit_reached",  .code = "billing_hard_limit_reached",        IS(QUOTA_EXHAUSTED)},
{"openai credit_balance_exhausted",    .code = "credit_balance_exhausted",          IS(QUOTA_EXHAUSTED)},
{"openai spend_limit_exceeded",        .code = "*_spend_limit_exceeded",            IS(QUOTA_EXHAUSTED)},
{"openai organization_usage_limit_exceeded", .code = "organization_usage_limit_exceeded", IS(QUOTA_EXHAUSTED)},
{"openai rate_limit_exceeded",         .code = "rate_limit_exceeded",               IS(RATE_LIMITED)},
{"openai slow_down",                   .code = "slow_down",                         IS(RATE_LIMITED)},
{"openai invalid_api_key",             .code = "invalid_api_key",                   IS(AUTH)},
{"openai model_not_found",             .code = "model_not_found",                   IS(MODEL_NOT_FOUND)},
{"openai context_length_exceeded",     .code = "context_length_exceeded",           IS(CONTEXT_WINDOW)},
{"openai string_above_max_length",     .code = "string_above_max_length",           IS(TOO_LARGE)},
{"openai content_policy_violation",    .code = "content_policy_violation",          IS(CONTENT_POLICY)},
{"openai invalid_prompt",              .code = "invalid_prompt",                    IS(CONTENT_POLICY)},
{"openai content_filter",              .code = "content_filter",                    IS(CONTENT_POLICY)},
{"openai image_content_policy_violation", .code = "image_content_policy_violation",  IS(CONTENT_POLICY)},
{"openai image_too_large",             .code = "image_too_large",                   IS(TOO_LARGE)},
{"openai image_file_too_large",        .code = "image_file_too_large",              IS(TOO_LARGE)},
{"openai image error",                 .code = "image_*",                           IS(BAD_REQUEST)},
{"openai invalid_image",               .code = "invalid_image*",                    IS(BAD_REQUEST)},
{"openai invalid_base64_image",        .code = "invalid_base64_image",              IS(BAD_REQUEST)},
{"openai unsupported_image_media_type", .code = "unsupported_image_media_type",     IS(BAD_REQUEST)},
{"openai empty_image_file",            .code = "empty_image_file",                  IS(BAD_REQUEST)},
{"openai failed_to_download_image",    .code = "failed_to_download_image",          IS(BAD_REQUEST)},
{"openai unsupported_country_region_territory", .code = "unsupported_country_region_territory", IS_OF(PERMISSION, CREDENTIAL)},
{"openai server_is_overloaded",        .code = "server_is_overloaded",              IS(OVERLOADED)},
{"azure ResponsibleAIPolicyViolation", .code = "ResponsibleAIPolicyViolation",      IS(CONTENT_POLICY)},
{"azure DeploymentNotFound",           .code = "DeploymentNotFound",                IS(MODEL_NOT_FOUND)},
{"anthropic enforced_spend_limit_reached", .code = "enforced_spend_limit_reached",  IS(QUOTA_EXHAUSTED)},
{"anthropic overloaded_error",         .code = "overloaded_error",                  IS(OVERLOADED)},
{"gemini API_KEY_INVALID",             .code = "API_KEY_INVALID",                   IS(AUTH)},
{"gemini API_KEY_EXPIRED",             .code = "API_KEY_EXPIRED",                   IS(AUTH)},
{"gemini API_KEY_SERVICE_BLOCKED",     .code = "API_KEY_SERVICE_BLOCKED",           IS(AUTH)},
{"gemini SERVICE_DISABLED",            .code = "SERVICE_DISABLED",                  IS(AUTH)},
{"gemini CONSUMER_SUSPENDED",          .code = "CONSUMER_SUSPENDED",                IS(AUTH)},
{"vertex ACCESS_TOKEN_EXPIRED",        .code = "ACCESS_TOKEN_EXPIRED",              IS(AUTH)},
{"gemini 400 location",                NULL, {400}, .code = "FAILED_PRECONDITION", .says = "^user location is not supported", IS_OF(PERMISSION, CREDENTIAL)},
{"gemini 400 billing",                 NULL, {400}, .code = "FAILED_PRECONDITION", .says = "^please enable billing",     IS_OF(PERMISSION, CREDENTIAL)},
{"gemini 400 no free tier",            NULL, {400}, .code = "FAILED_PRECONDITION", .says = "^gemini api free tier is not available", IS_OF(PERMISSION, CREDENTIAL)},
{"gemini 403 file",                    NULL, {403}, .code = "PERMISSION_DENIED",   .says = "permission to access the file", IS(BAD_REQUEST)},
{"gemini 403 cached content",          NULL, {403}, .code = "PERMISSION_DENIED",   .says = "^CachedContent",            IS(BAD_REQUEST)},
{"gemini 429 quota per day",           NULL, {429}, IF(quota_id_has, "PerDay"),     IS_OF(QUOTA_EXHAUSTED, ROUTE)},
{"gemini 429 quota of 0",              NULL, {429}, IF(quota_value_is, "0"),        IS_OF(QUOTA_EXHAUSTED, ROUTE)},
{"gemini MODEL_CAPACITY_EXHAUSTED",    .code = "MODEL_CAPACITY_EXHAUSTED",          IS(OVERLOADED)},
{"bedrock ServiceQuotaExceededException", .code = "ServiceQuotaExceededException",  IS_OF(QUOTA_EXHAUSTED, ROUTE)},
{"bedrock expired token",              .code = "ExpiredToken*",                     IS(AUTH)},
{"bedrock invalid signature",          .code = "InvalidSignature*",                 IS(AUTH)},
{"bedrock unrecognized client",        .code = "UnrecognizedClient*",               IS(AUTH)},
{"bedrock AccessDeniedException",      .code = "AccessDeniedException",             IS(PERMISSION)},
{"bedrock ModelErrorException",        .code = "ModelErrorException",               IS(SERVER_ERROR)},
{"bedrock ModelStreamErrorException",  .code = "ModelStreamErrorException",         IS(SERVER_ERROR)},
{"bedrock ModelNotReadyException",     .code = "ModelNotReadyException",            IS(OVERLOADED)},
{"bedrock ThrottlingException per day", .code = "ThrottlingException", .says = "per day", IS_OF(QUOTA_EXHAUSTED, ROUTE)},
{"bedrock ThrottlingException",        .code = "ThrottlingException",               IS(RATE_LIMITED)},
{"bedrock on-demand throughput",       NULL, {400}, .code = "ValidationException", .says = "^invocation of model id*on-demand throughput", IS(MODEL_NOT_FOUND)},
{"bedrock invalid model identifier",   NULL, {400}, .code = "ValidationException", .says = "^the provided model identifier is invalid", IS(MODEL_NOT_FOUND)},
{"mistral invalid_model",              .code = "invalid_model",                     IS(MODEL_NOT_FOUND)},
{"mistral service_tier_capacity_exceeded", .code = "service_tier_capacity_exceeded", IS(OVERLOADED)},
{"groq tool_use_failed",               .code = "tool_use_failed",                   IS_OF_BY(MALFORMED_RESPONSE, NONE, NONE)},
{"groq model_decommissioned",          .code = "model_decommissioned",              IS(MODEL_NOT_FOUND)},
{"cerebras queue_exceeded",            .code = "queue_exceeded",                    IS(OVERLOADED)},
{"llama.cpp unavailable_error",        .code = "unavailable_error",                 IS_OF(OVERLOADED, ENDPOINT)},
{"llama.cpp exceed_context_size_error", .code = "exceed_context_size_error",        IS(CONTEXT_WINDOW)},

/* sentences and peculiar statuses, each vendor's own */
{"openai overloaded",              "openai",    {500, 503}, .says = "overloaded",                IS(OVERLOADED)},
{"azure 400 content management",   "azure",     {400}, .says = "content management policy",      IS(CONTENT_POLICY)},
{"azure 404 resource not found",   "azure",     {404}, .says = "resource not found",             IS(MODEL_NOT_FOUND)},
{"azure 429 high demand",          "azure",     {429}, .says = "high demand",                    IS(OVERLOADED)},
{"azure 429 wait of hours",        "azure",     {429}, IF(wait_is_long, NULL), IS_OF_BY(RATE_LIMITED, ROUTE, SOFT), .disbelieves_hint = true},
{"anthropic 400 credit balance",   "anthropic", {400}, .says = "^your credit balance is too low", IS(QUOTA_EXHAUSTED)},
{"anthropic 400 usage limits",     "anthropic", {400}, .says = "^you have reached your*api usage limits", IS(QUOTA_EXHAUSTED)},
{"anthropic 400 content filtering", "anthropic", {400}, .says = "content filtering policy",      IS(CONTENT_POLICY)},
{"anthropic 500 overloaded",       "anthropic", {500}, .says = "overloaded",                     IS(OVERLOADED)},
{"gemini 403 unregistered callers", "gemini",   {403}, .says = "unregistered callers",           IS(AUTH)},
{"gemini 429 no capacity",         "gemini",    {429}, .says = "no capacity available",          IS(OVERLOADED)},
{"vertex 429 no capacity",         "vertex_ai", {429}, .says = "no capacity available",          IS(OVERLOADED)},
{"cohere 429 per month",           "cohere",    {429}, .says = "api calls / month",              IS(QUOTA_EXHAUSTED)},
{"cohere 498",                     "cohere",    {498},                                           IS(CONTENT_POLICY)},
{"mistral 3505",                   "mistral",   {429, 503}, .code = "3505",                      IS(OVERLOADED)},
{"mistral capacity exceeded",      "mistral",   {429, 503}, .says = "capacity exceeded",         IS(OVERLOADED)},
{"mistral 429 no allowance",       "mistral",   {429}, IF(header_is_zero, "x-ratelimit-limit-req-minute"), IS_OF(QUOTA_EXHAUSTED, ROUTE)},
{"mistral 429 rate_limited",       "mistral",   {429}, .code = "rate_limited",                   IS(RATE_LIMITED)},
{"mistral 429 plain",              "mistral",   {429},                                           IS_OF(RATE_LIMITED, CREDENTIAL)},
{"groq 498 capacity_exceeded",     "groq",      {498},                                           IS(OVERLOADED)},
{"together 403 over the context",  "together_ai", {403},                                         IS(CONTEXT_WINDOW)},
{"together 429 credit_limit",      "together_ai", {429}, .code = "credit_limit",                 IS_OF(RATE_LIMITED, CREDENTIAL)},
{"fireworks 412",                  "fireworks_ai", {412},                                        IS(QUOTA_EXHAUSTED)},
{"xai 400 incorrect key",          "xai",       {400}, .says = "^incorrect api key",             IS(AUTH)},
{"openai 404 file object",         "openai",    {404}, .says = "^no such file object",           IS(BAD_REQUEST)},
{"openai 404 file",                "openai",    {404}, .says = "^file*not found",                IS(BAD_REQUEST)},
{"anthropic 404 file",             "anthropic", {404}, .says = "^file not found",                IS(BAD_REQUEST)},
{"gemini 404 file",                "gemini",    {404}, .says = "^file*not found",                IS(BAD_REQUEST)},
{"xai usage guidelines",           "xai",       {400, 403}, .says = "violates usage guidelines", IS(CONTENT_POLICY)},
{"xai credits",                    "xai",       {403, 429}, .says = "^your*credits",             IS(QUOTA_EXHAUSTED)},
{"xai spending limit",             "xai",       {403, 429}, .says = "^your*spending limit",      IS(QUOTA_EXHAUSTED)},
{"ollama 503 queue full",          "ollama",    {503}, .says = "maximum pending requests",       IS_OF(OVERLOADED, ENDPOINT)},
{"ollama 400 not supported",       "ollama",    {400}, .says = "does not support",               IS(BAD_REQUEST)},
{"lm_studio no model loaded",      "lm_studio", {400, 404}, .says = "^no models loaded",         IS_OF(OVERLOADED, ENDPOINT)},
{"cerebras no body",               "cerebras",  {400, 413}, IF(body_is_empty, NULL),             IS(CONTEXT_WINDOW)},
{"over the context",               NULL,        {400, 413, 422}, IF(is_over_context, NULL),      IS(CONTEXT_WINDOW)},

/* what stands between the provider and us. A slow origin's page is still the origin's slowness. */
{"proxy passing on a 429",         NULL, {5}, IF(inner_status_is, "429"),                        IS(RATE_LIMITED)},
{"edge time-out page",             NULL, {504, 522, 524}, IF(body_is_text, NULL),                IS(TIMEOUT)},
{"edge page",                      NULL, {5}, IF(body_is_text, NULL),                            IS_OF_BY(SERVER_ERROR, ENDPOINT, SOFT)},
{"page instead of an answer",      NULL, {2}, IF(body_is_text, NULL),                            IS_OF(MALFORMED_RESPONSE, ENDPOINT)},
{"page with a 403",                NULL, {403}, IF(body_is_text, NULL),                          IS_OF_BY(PERMISSION, ROUTE, SOFT)},
{"redirect",                       NULL, {3},                                                    IS_OF(MALFORMED_RESPONSE, ENDPOINT)},
{"empty answer",                   NULL, {2}, IF(body_is_empty, NULL),                           IS(MALFORMED_RESPONSE)},
{"broken JSON",                    NULL, {2}, IF(body_is_broken, NULL),                          IS(MALFORMED_RESPONSE)},
};
/* clang-format on */

/* ---- the search */

bool rule_status_is(int status, int row)
{
	return row < 10 ? status / 100 == row : status == row;
}

static bool status_among(int status, const int *rows, size_t count)
{
	if (rows[0] == 0)
		return true;
	for (size_t i = 0; i < count && rows[i] != 0; i++)
		if (rule_status_is(status, rows[i]))
			return true;
	return false;
}

static bool has_code(const struct wire_error *error, const char *code)
{
	for (size_t i = 0; i < error->code_count; i++)
		if (wire_code_is(error->codes[i], code))
			return true;
	return false;
}

/* A sentence that shuts nothing may be anybody's, and a message that begins with one is not the caller's. */
static bool is_own_word(const struct rule *rule, const struct wire_error *error)
{
	char *request;
	size_t request_size;
	bool is_quoted;

	if (*rule->says == '^' || lull_class_info(rule->class_id)->proof == LULL_PROOF_NONE)
		return true;
	request = quote_source(error->response, &request_size);
	is_quoted = !request || quote_is_of(request, request_size, rule->says, strlen(rule->says));
	free(request);
	return !is_quoted;
}

static bool holds(const struct rule *rule, const struct wire_error *error)
{
	const size_t status_count = sizeof(rule->statuses) / sizeof(rule->statuses[0]);

	if (rule->provider && (!error->provider ||
			       strcmp(rule->provider, provider_vendor_name(error->provider)) != 0))
		return false;
	if (!status_among(error->status, rule->statuses, status_count))
		return false;
	if (rule->code && !has_code(error, rule->code))
		return false;
	if (rule->says && !(says(error->message, rule->says) && is_own_word(rule, error)))
		return false;
	return !rule->fact || rule->fact(error, rule->value);
}

const struct rule *rule_find(const struct wire_error *error)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (holds(&rules[i], error))
			return &rules[i];
	return NULL;
}

const char *rule_failed_finish(const char *finish)
{
	const struct wire_error error = {.finish = finish};

	for (size_t i = 0; finish && i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].fact == finish_is && finish_is(&error, rules[i].value))
			return finish;
	return NULL;
}
