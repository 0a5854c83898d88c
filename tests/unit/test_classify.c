/* SPDX-License-Identifier: MIT */
/*
 * Each row of the rules, and each default by status, with an answer that reaches it; then what must
 * not reach them: sentences that a message only quotes, statuses they do not belong to, bodies that
 * are broken on purpose.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classify.h"
#include "cunit_main.h"

#define ANY  NULL
#define SOFT LULL_PROOF_SOFT
#define HARD LULL_PROOF_HARD
#define OWN  LULL_UNSET /* the class's own */

struct classify_case {
	const char *provider;
	int status;
	const char *header; /* "name: value", or NULL */
	const char *body;
	const char *rule;
	const char *class_name;
	uint32_t scope;
	uint32_t proof;
};

static void classify(const struct classify_case *c, struct verdict *ret)
{
	char line[128];
	struct wire_header header = {.name = line};
	const struct wire_response response = {
		.status = c->status,
		.headers = &header,
		.header_count = c->header ? 1 : 0,
		.body = c->body,
		.body_bytes = strlen(c->body),
		.now_unix_ms = INT64_C(1770934000000),
	};

	if (c->header) {
		(void)snprintf(line, sizeof(line), "%s", c->header);
		header.value = strchr(line, ' ') + 1;
		*strchr(line, ':') = '\0';
	}
	classify_response(c->provider ? provider_by_name(c->provider) : NULL, &response, ret);
}

static void check(const struct classify_case *c)
{
	struct verdict verdict;
	const char *class_name;

	CU_ASSERT_TRUE(!c->provider || provider_by_name(c->provider));
	classify(c, &verdict);
	class_name = lull_class_info(verdict.outcome.class_id)->name;
	if (strcmp(verdict.rule, c->rule) != 0 || strcmp(class_name, c->class_name) != 0)
		(void)printf("    %s %d %s: %s by '%s', expected %s by '%s'\n",
			     c->provider ? c->provider : "any", c->status, c->body, class_name,
			     verdict.rule, c->class_name, c->rule);
	CU_ASSERT_STRING_EQUAL(verdict.rule, c->rule);
	CU_ASSERT_STRING_EQUAL(class_name, c->class_name);
	CU_ASSERT_EQUAL(verdict.outcome.scope, c->scope);
	CU_ASSERT_EQUAL(verdict.outcome.proof, c->proof);
	CU_ASSERT_EQUAL(verdict.outcome.http_status, (uint32_t)c->status);
	CU_ASSERT_PTR_EQUAL(verdict.outcome.detail, verdict.detail);
}

#define CHECK_ALL(cases)                                                \
	for (size_t i = 0; i < sizeof(cases) / sizeof((cases)[0]); i++) \
	check(&(cases)[i])

/* clang-format off */
#define CODE(c)    "{\"error\":{\"code\":\"" c "\"}}"
#define TYPE(t)    "{\"error\":{\"type\":\"" t "\"}}"
#define GOOGLE(status, text) "{\"error\":{\"message\":\"" text "\",\"status\":\"" status "\"}}"
#define SAYS(m)    "{\"error\":{\"message\":\"" m "\"}}"
#define FLAT(m)    "{\"message\":\"" m "\"}"
#define META(t)    "{\"error\":{\"metadata\":{\"error_type\":\"" t "\"}}}"
#define AVAILABLE(c) "{\"error\":{\"availability\":{\"code\":\"" c "\"}}}"
#define REASON(r)  "{\"error\":{\"details\":[{\"reason\":\"" r "\"}]}}"
#define FINISH(f)  "{\"choices\":[{\"finish_reason\":\"" f "\"}]}"
#define AMAZON(t)  "x-amzn-errortype: " t ":http://internal"

static void test_every_rule_holds_for_its_answer(void)
{
	static const struct classify_case cases[] = {
		{ANY, 200, NULL, FINISH("insufficient_system_resource"), "finish insufficient_system_resource", "overloaded", OWN, OWN},
		{ANY, 200, NULL, "{\"finish_reason\":\"TIMEOUT\"}", "finish timeout", "timeout", OWN, OWN},
		{ANY, 200, NULL, FINISH("error"), "finish error", "server_error", OWN, OWN},
		{ANY, 200, NULL, "{\"delta\":{\"finish_reason\":\"ERROR\"}}", "finish error", "server_error", OWN, OWN},
		{ANY, 200, NULL, "{\"candidates\":[{\"finishReason\":\"MALFORMED_FUNCTION_CALL\"}]}", "finish malformed", "malformed_response", OWN, OWN},
		{ANY, 200, NULL, "[{\"candidates\":[{}]},{\"candidates\":[{\"finishReason\":\"MALFORMED_FUNCTION_CALL\"}]}]", "finish malformed", "malformed_response", OWN, OWN},
		{ANY, 200, NULL, "{\"stopReason\":\"malformed_tool_use\"}", "finish malformed", "malformed_response", OWN, OWN},
		{ANY, 200, NULL, "{\"candidates\":[{\"finishReason\":\"UNEXPECTED_TOOL_CALL\"}]}", "finish unexpected_tool_call", "malformed_response", OWN, OWN},
		{ANY, 200, NULL, "{\"candidates\":[{\"finishReason\":\"TOO_MANY_TOOL_CALLS\"}]}", "finish too_many_tool_calls", "malformed_response", OWN, OWN},

		{"openrouter", 404, NULL, SAYS("No endpoints found that support tool use."), "openrouter 404 no endpoints that support", "bad_request", OWN, OWN},
		{"openrouter", 404, NULL, SAYS("No endpoints found for x/y."), "status 404", "model_not_found", OWN, OWN},
		{"openrouter", 402, NULL, SAYS("requires more credits. You can only afford 12"), "openrouter 402 can only afford", "quota_exhausted", LULL_KIND_CREDENTIAL, SOFT},
		{"openrouter", 403, NULL, "{\"error\":{\"metadata\":{\"reasons\":[\"x\"]}}}", "openrouter 403 moderation", "content_policy", OWN, OWN},
		{"openrouter", 403, NULL, "{\"error\":{\"metadata\":{\"patterns\":[\"x\"]}}}", "openrouter 403 guardrail", "content_policy", OWN, OWN},
		{"openrouter", 429, NULL, SAYS("Rate limit exceeded: free-models-per-day."), "openrouter 429 free-models-per-day", "quota_exhausted", LULL_KIND_ROUTE, OWN},
		{"openrouter", 404, NULL, "{\"error\":{\"availability\":{\"code\":\"new\",\"retryable\":true}}}", "openrouter availability retryable", "overloaded", OWN, OWN},
		{"openrouter", 429, NULL, AVAILABLE("capacity_exhausted"), "openrouter availability capacity_exhausted", "overloaded", OWN, OWN},
		{"openrouter", 503, NULL, AVAILABLE("temporarily_unavailable"), "openrouter availability temporarily_unavailable", "overloaded", OWN, OWN},
		{"openrouter", 400, NULL, AVAILABLE("model_not_found"), "openrouter availability model_not_found", "model_not_found", OWN, OWN},
		{"openrouter", 400, NULL, AVAILABLE("wrong_endpoint"), "openrouter availability wrong_endpoint", "model_not_found", OWN, OWN},
		{"openrouter", 404, NULL, AVAILABLE("no_endpoints"), "openrouter availability no_endpoints", "model_not_found", OWN, OWN},
		{"openrouter", 404, NULL, AVAILABLE("model_deprecated"), "openrouter availability model_deprecated", "model_not_found", OWN, OWN},
		{"openrouter", 404, NULL, AVAILABLE("model_unavailable_upstream"), "openrouter availability model_unavailable_upstream", "model_not_found", OWN, OWN},
		{"openrouter", 404, NULL, AVAILABLE("privacy_restricted"), "openrouter availability privacy_restricted", "model_not_found", OWN, OWN},
		{"openrouter", 404, NULL, AVAILABLE("constraint_filtered"), "openrouter availability constraint_filtered", "bad_request", OWN, OWN},
		{"openrouter", 404, NULL, AVAILABLE("free_variant_ended"), "openrouter availability free_variant_ended", "model_not_found", OWN, OWN},
		{"openrouter", 403, NULL, AVAILABLE("region_restricted"), "openrouter availability region_restricted", "permission", OWN, OWN},
		{"openrouter", 400, NULL, META("context_length_exceeded"), "openrouter context_length_exceeded", "context_window", OWN, OWN},
		{"openrouter", 400, NULL, META("max_tokens_exceeded"), "openrouter max_tokens_exceeded", "context_window", OWN, OWN},
		{"openrouter", 400, NULL, META("token_limit_exceeded"), "openrouter token_limit_exceeded", "context_window", OWN, OWN},
		{"openrouter", 400, NULL, META("string_too_long"), "openrouter string_too_long", "context_window", OWN, OWN},
		{"openrouter", 400, NULL, META("invalid_request"), "openrouter invalid_request", "bad_request", OWN, OWN},
		{"openrouter", 400, NULL, META("invalid_prompt"), "openrouter invalid_prompt", "content_policy", OWN, OWN},
		{"openrouter", 400, NULL, META("content_policy_violation"), "openrouter content_policy_violation", "content_policy", OWN, OWN},
		{"openrouter", 400, NULL, META("refusal"), "openrouter refusal", "content_policy", OWN, OWN},
		{"openrouter", 400, NULL, META("image_too_large"), "openrouter image_too_large", "too_large", OWN, OWN},
		{"openrouter", 404, NULL, META("image_not_found"), "openrouter image error", "bad_request", OWN, OWN},
		{"openrouter", 400, NULL, META("invalid_image"), "openrouter invalid_image", "bad_request", OWN, OWN},
		{"openrouter", 400, NULL, META("unsupported_image_format"), "openrouter unsupported_image_format", "bad_request", OWN, OWN},
		{"openrouter", 401, NULL, META("authentication"), "openrouter authentication", "auth", OWN, OWN},
		{"openrouter", 402, NULL, META("payment_required"), "openrouter payment_required", "quota_exhausted", OWN, OWN},
		{"openrouter", 403, NULL, META("permission_denied"), "openrouter permission_denied", "permission", OWN, OWN},
		{"openrouter", 404, NULL, META("not_found"), "openrouter not_found", "model_not_found", OWN, OWN},
		{"openrouter", 412, NULL, META("precondition_failed"), "openrouter precondition_failed", "bad_request", OWN, OWN},
		{"openrouter", 413, NULL, META("payload_too_large"), "openrouter payload_too_large", "too_large", OWN, OWN},
		{"openrouter", 422, NULL, META("unprocessable"), "openrouter unprocessable", "bad_request", OWN, OWN},
		{"openrouter", 429, NULL, "{\"error\":{\"error_type\":\"rate_limit_exceeded\"}}", "openrouter rate_limit_exceeded", "rate_limited", OWN, OWN},
		{"openrouter", 500, NULL, META("server"), "openrouter server", "server_error", OWN, OWN},
		{"openrouter", 500, NULL, META("unmapped"), "openrouter unmapped", "server_error", OWN, OWN},
		{"openrouter", 502, NULL, META("provider_unavailable"), "openrouter provider_unavailable", "server_error", OWN, OWN},
		{"openrouter", 503, NULL, META("provider_overloaded"), "openrouter provider_overloaded", "overloaded", OWN, OWN},
		{"openrouter", 504, NULL, META("timeout"), "openrouter timeout", "timeout", OWN, OWN},

		{ANY, 429, NULL, SAYS("Request too large for gpt-4o"), "request too large", "too_large", OWN, OWN},
		{ANY, 413, NULL, "{\"error\":{\"message\":\"Request too large for x\",\"code\":\"rate_limit_exceeded\"}}", "request too large", "too_large", OWN, OWN},
		{ANY, 429, NULL, "{\"error\":{\"message\":\"TPM: Limit 30,000, Requested 36278.\",\"code\":\"rate_limit_exceeded\"}}", "requested over the limit", "too_large", OWN, OWN},

		{ANY, 429, NULL, TYPE("insufficient_quota"), "openai insufficient_quota", "quota_exhausted", OWN, OWN},
		{ANY, 429, NULL, CODE("billing_hard_limit_reached"), "openai billing_hard_limit_reached", "quota_exhausted", OWN, OWN},
		{ANY, 429, NULL, CODE("credit_balance_exhausted"), "openai credit_balance_exhausted", "quota_exhausted", OWN, OWN},
		{ANY, 429, NULL, CODE("project_spend_limit_exceeded"), "openai spend_limit_exceeded", "quota_exhausted", OWN, OWN},
		{ANY, 429, NULL, CODE("organization_usage_limit_exceeded"), "openai organization_usage_limit_exceeded", "quota_exhausted", OWN, OWN},
		{ANY, 429, NULL, CODE("rate_limit_exceeded"), "openai rate_limit_exceeded", "rate_limited", OWN, OWN},
		{ANY, 502, NULL, CODE("rate_limit_exceeded"), "openai rate_limit_exceeded", "rate_limited", OWN, OWN},
		{ANY, 429, NULL, CODE("slow_down"), "openai slow_down", "rate_limited", OWN, OWN},
		{ANY, 401, NULL, CODE("invalid_api_key"), "openai invalid_api_key", "auth", OWN, OWN},
		{ANY, 200, NULL, "{\"error\":{\"type\":\"invalid_request_error\",\"code\":\"invalid_api_key\"}}", "openai invalid_api_key", "auth", OWN, OWN},
		{ANY, 403, NULL, CODE("model_not_found"), "openai model_not_found", "model_not_found", OWN, OWN},
		{ANY, 400, NULL, CODE("context_length_exceeded"), "openai context_length_exceeded", "context_window", OWN, OWN},
		{ANY, 400, NULL, CODE("string_above_max_length"), "openai string_above_max_length", "too_large", OWN, OWN},
		{ANY, 400, NULL, CODE("content_policy_violation"), "openai content_policy_violation", "content_policy", OWN, OWN},
		{ANY, 400, NULL, CODE("invalid_prompt"), "openai invalid_prompt", "content_policy", OWN, OWN},
		{ANY, 400, NULL, CODE("content_filter"), "openai content_filter", "content_policy", OWN, OWN},
		{ANY, 200, NULL, CODE("image_content_policy_violation"), "openai image_content_policy_violation", "content_policy", OWN, OWN},
		{ANY, 200, NULL, CODE("image_too_large"), "openai image_too_large", "too_large", OWN, OWN},
		{ANY, 200, NULL, CODE("image_file_too_large"), "openai image_file_too_large", "too_large", OWN, OWN},
		{ANY, 200, NULL, CODE("image_parse_error"), "openai image error", "bad_request", OWN, OWN},
		{ANY, 200, NULL, CODE("invalid_image_url"), "openai invalid_image", "bad_request", OWN, OWN},
		{ANY, 200, NULL, CODE("invalid_base64_image"), "openai invalid_base64_image", "bad_request", OWN, OWN},
		{ANY, 200, NULL, CODE("unsupported_image_media_type"), "openai unsupported_image_media_type", "bad_request", OWN, OWN},
		{ANY, 200, NULL, CODE("empty_image_file"), "openai empty_image_file", "bad_request", OWN, OWN},
		{ANY, 200, NULL, CODE("failed_to_download_image"), "openai failed_to_download_image", "bad_request", OWN, OWN},
		{ANY, 403, NULL, CODE("unsupported_country_region_territory"), "openai unsupported_country_region_territory", "permission", LULL_KIND_CREDENTIAL, OWN},
		{ANY, 503, NULL, CODE("server_is_overloaded"), "openai server_is_overloaded", "overloaded", OWN, OWN},
		{ANY, 400, NULL, "{\"error\":{\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\"}}}", "azure ResponsibleAIPolicyViolation", "content_policy", OWN, OWN},
		{ANY, 404, NULL, CODE("DeploymentNotFound"), "azure DeploymentNotFound", "model_not_found", OWN, OWN},
		{ANY, 429, NULL, "{\"error\":{\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}}", "anthropic enforced_spend_limit_reached", "quota_exhausted", OWN, OWN},
		{ANY, 200, NULL, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}", "anthropic overloaded_error", "overloaded", OWN, OWN},
		{ANY, 400, NULL, REASON("API_KEY_INVALID"), "gemini API_KEY_INVALID", "auth", OWN, OWN},
		{ANY, 400, NULL, REASON("API_KEY_EXPIRED"), "gemini API_KEY_EXPIRED", "auth", OWN, OWN},
		{ANY, 403, NULL, REASON("API_KEY_SERVICE_BLOCKED"), "gemini API_KEY_SERVICE_BLOCKED", "auth", OWN, OWN},
		{ANY, 403, NULL, REASON("SERVICE_DISABLED"), "gemini SERVICE_DISABLED", "auth", OWN, OWN},
		{ANY, 403, NULL, REASON("CONSUMER_SUSPENDED"), "gemini CONSUMER_SUSPENDED", "auth", OWN, OWN},
		{ANY, 401, NULL, REASON("ACCESS_TOKEN_EXPIRED"), "vertex ACCESS_TOKEN_EXPIRED", "auth", OWN, OWN},
		{ANY, 400, NULL, GOOGLE("FAILED_PRECONDITION", "User location is not supported for the API use."), "gemini 400 location", "permission", LULL_KIND_CREDENTIAL, OWN},
		{ANY, 400, NULL, GOOGLE("FAILED_PRECONDITION", "Please enable billing on project 7."), "gemini 400 billing", "permission", LULL_KIND_CREDENTIAL, OWN},
		{ANY, 400, NULL, GOOGLE("FAILED_PRECONDITION", "Gemini API free tier is not available in your country."), "gemini 400 no free tier", "permission", LULL_KIND_CREDENTIAL, OWN},
		{ANY, 400, NULL, GOOGLE("FAILED_PRECONDITION", "Invalid value: 'why does it say User location is not supported'"), "status 400", "bad_request", OWN, OWN},
		{"openai", 404, NULL, SAYS("No such File object: file-1"), "openai 404 file object", "bad_request", OWN, OWN},
		{"openai", 404, NULL, SAYS("File file-1 not found"), "openai 404 file", "bad_request", OWN, OWN},
		{"gemini", 404, NULL, SAYS("File files/abc not found."), "gemini 404 file", "bad_request", OWN, OWN},
		{"openrouter", 404, NULL, SAYS("No allowed providers are available for the selected model."), "openrouter 404 no allowed providers", "bad_request", OWN, OWN},
		{"anthropic", 404, NULL, SAYS("File not found: file_1"), "anthropic 404 file", "bad_request", OWN, OWN},
		{ANY, 400, NULL, GOOGLE("FAILED_PRECONDITION", "The File x is not in an ACTIVE state and usage is not allowed."), "status 400", "bad_request", OWN, OWN},
		{ANY, 403, NULL, GOOGLE("PERMISSION_DENIED", "You do not have permission to access the File x or it may not exist."), "gemini 403 file", "bad_request", OWN, OWN},
		{ANY, 403, NULL, GOOGLE("PERMISSION_DENIED", "CachedContent not found (or permission denied)"), "gemini 403 cached content", "bad_request", OWN, OWN},
		{ANY, 403, NULL, GOOGLE("PERMISSION_DENIED", "The caller does not have permission"), "status 403", "permission", OWN, OWN},
		{ANY, 429, NULL, "{\"error\":{\"details\":[{},{\"violations\":[{},{\"quotaId\":\"RequestsPerDayX\"}]}]}}", "gemini 429 quota per day", "quota_exhausted", LULL_KIND_ROUTE, OWN},
		{ANY, 429, NULL, "{\"error\":{\"details\":[{\"violations\":[{\"quotaValue\":\"0\"}]}]}}", "gemini 429 quota of 0", "quota_exhausted", LULL_KIND_ROUTE, OWN},
		{ANY, 429, NULL, REASON("MODEL_CAPACITY_EXHAUSTED"), "gemini MODEL_CAPACITY_EXHAUSTED", "overloaded", OWN, OWN},
		{"bedrock", 400, AMAZON("ServiceQuotaExceededException"), "{}", "bedrock ServiceQuotaExceededException", "quota_exhausted", LULL_KIND_ROUTE, OWN},
		{"bedrock", 403, AMAZON("ExpiredTokenException"), "{}", "bedrock expired token", "auth", OWN, OWN},
		{"bedrock", 403, AMAZON("InvalidSignatureException"), "{}", "bedrock invalid signature", "auth", OWN, OWN},
		{"bedrock", 403, AMAZON("UnrecognizedClientException"), "{}", "bedrock unrecognized client", "auth", OWN, OWN},
		{"bedrock", 403, AMAZON("AccessDeniedException"), "{}", "bedrock AccessDeniedException", "permission", OWN, OWN},
		{"bedrock", 424, AMAZON("ModelErrorException"), "{}", "bedrock ModelErrorException", "server_error", OWN, OWN},
		{"bedrock", 424, AMAZON("ModelStreamErrorException"), "{}", "bedrock ModelStreamErrorException", "server_error", OWN, OWN},
		{"bedrock", 429, AMAZON("ModelNotReadyException"), "{}", "bedrock ModelNotReadyException", "overloaded", OWN, OWN},
		{"bedrock", 429, AMAZON("ThrottlingException"), FLAT("Too many tokens per day, wait"), "bedrock ThrottlingException per day", "quota_exhausted", LULL_KIND_ROUTE, OWN},
		{"bedrock", 429, AMAZON("ThrottlingException"), "{\"Message\":\"Too many tokens per day, wait\"}", "bedrock ThrottlingException per day", "quota_exhausted", LULL_KIND_ROUTE, OWN},
		{"bedrock", 429, AMAZON("throttlingException"), FLAT("Too many tokens, please wait"), "bedrock ThrottlingException", "rate_limited", OWN, OWN},
		{"bedrock", 400, AMAZON("ValidationException"), FLAT("Invocation of model ID m with on-demand throughput isn't supported."), "bedrock on-demand throughput", "model_not_found", OWN, OWN},
		{"bedrock", 400, AMAZON("ValidationException"), FLAT("The provided model identifier is invalid."), "bedrock invalid model identifier", "model_not_found", OWN, OWN},
		{"mistral", 400, NULL, "{\"object\":\"error\",\"type\":\"invalid_model\",\"message\":\"x\"}", "mistral invalid_model", "model_not_found", OWN, OWN},
		{"mistral", 429, NULL, "{\"type\":\"service_tier_capacity_exceeded\",\"message\":\"x\"}", "mistral service_tier_capacity_exceeded", "overloaded", OWN, OWN},
		{ANY, 400, NULL, CODE("tool_use_failed"), "groq tool_use_failed", "malformed_response", LULL_KIND_NONE, LULL_PROOF_NONE},
		{ANY, 400, NULL, CODE("model_decommissioned"), "groq model_decommissioned", "model_not_found", OWN, OWN},
		{ANY, 429, NULL, "{\"code\":\"queue_exceeded\",\"message\":\"x\"}", "cerebras queue_exceeded", "overloaded", OWN, OWN},
		{ANY, 503, NULL, TYPE("unavailable_error"), "llama.cpp unavailable_error", "overloaded", LULL_KIND_ENDPOINT, OWN},
		{ANY, 400, NULL, TYPE("exceed_context_size_error"), "llama.cpp exceed_context_size_error", "context_window", OWN, OWN},

		{"openai", 500, NULL, SAYS("The engine is currently overloaded"), "openai overloaded", "overloaded", OWN, OWN},
		{"openai", 200, NULL, "{\"error\":{\"type\":\"server_error\",\"message\":\"currently overloaded\"}}", "openai overloaded", "overloaded", OWN, OWN},
		{"azure", 400, NULL, SAYS("triggering Azure OpenAI's content management policy"), "azure 400 content management", "content_policy", OWN, OWN},
		{"azure", 404, NULL, SAYS("Resource not found"), "azure 404 resource not found", "model_not_found", OWN, OWN},
		{"azure", 429, NULL, SAYS("System is experiencing high demand"), "azure 429 high demand", "overloaded", OWN, OWN},
		{"azure", 429, "retry-after: 3600", SAYS("x"), "azure 429 wait of hours", "rate_limited", LULL_KIND_ROUTE, SOFT},
		{"azure", 429, "retry-after: 3599", SAYS("x"), "status 429", "rate_limited", OWN, OWN},
		{"anthropic", 400, NULL, SAYS("Your credit balance is too low to access"), "anthropic 400 credit balance", "quota_exhausted", OWN, OWN},
		{"anthropic", 400, NULL, SAYS("You have reached your specified API usage limits."), "anthropic 400 usage limits", "quota_exhausted", OWN, OWN},
		{"anthropic", 400, NULL, SAYS("Output blocked by content filtering policy"), "anthropic 400 content filtering", "content_policy", OWN, OWN},
		{"anthropic", 500, NULL, "{\"error\":{\"type\":\"api_error\",\"message\":\"Overloaded\"}}", "anthropic 500 overloaded", "overloaded", OWN, OWN},
		{"gemini", 403, NULL, SAYS("Method doesn't allow unregistered callers"), "gemini 403 unregistered callers", "auth", OWN, OWN},
		{"gemini", 429, NULL, SAYS("No capacity available for model"), "gemini 429 no capacity", "overloaded", OWN, OWN},
		{"vertex_ai", 429, NULL, SAYS("No capacity available for model"), "vertex 429 no capacity", "overloaded", OWN, OWN},
		{"cohere", 429, NULL, FLAT("limited to 1000 API calls / month."), "cohere 429 per month", "quota_exhausted", OWN, OWN},
		{"cohere", 498, NULL, FLAT("x"), "cohere 498", "content_policy", OWN, OWN},
		{"mistral", 503, NULL, "{\"code\":\"3505\",\"message\":\"x\"}", "mistral 3505", "overloaded", OWN, OWN},
		{"mistral", 429, NULL, FLAT("Service tier capacity exceeded for this model."), "mistral capacity exceeded", "overloaded", OWN, OWN},
		{"mistral", 429, "x-ratelimit-limit-req-minute: 0", FLAT("x"), "mistral 429 no allowance", "quota_exhausted", LULL_KIND_ROUTE, OWN},
		{"mistral", 429, NULL, "{\"type\":\"rate_limited\",\"message\":\"x\"}", "mistral 429 rate_limited", "rate_limited", OWN, OWN},
		{"mistral", 429, NULL, FLAT("Requests rate limit exceeded"), "mistral 429 plain", "rate_limited", LULL_KIND_CREDENTIAL, OWN},
		{"groq", 498, NULL, CODE("capacity_exceeded"), "groq 498 capacity_exceeded", "overloaded", OWN, OWN},
		{"together_ai", 403, NULL, SAYS("x"), "together 403 over the context", "context_window", OWN, OWN},
		{"together_ai", 429, NULL, TYPE("credit_limit"), "together 429 credit_limit", "rate_limited", LULL_KIND_CREDENTIAL, OWN},
		{"fireworks_ai", 412, NULL, SAYS("Account suspended"), "fireworks 412", "quota_exhausted", OWN, OWN},
		{"xai", 400, NULL, "{\"error\":\"Incorrect API key provided: x\"}", "xai 400 incorrect key", "auth", OWN, OWN},
		{"xai", 403, NULL, "{\"code\":\"The caller does not have permission\",\"error\":\"Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO\"}", "xai usage guidelines", "content_policy", OWN, OWN},
		{"xai", 403, NULL, "{\"error\":\"Your newly created team doesn't have any credits yet\"}", "xai credits", "quota_exhausted", OWN, OWN},
		{"xai", 429, NULL, "{\"error\":\"Your team t has either used all or reached its monthly spending limit\"}", "xai spending limit", "quota_exhausted", OWN, OWN},
		{"ollama", 503, NULL, SAYS("server busy. maximum pending requests exceeded"), "ollama 503 queue full", "overloaded", LULL_KIND_ENDPOINT, OWN},
		{"ollama", 400, NULL, SAYS("llama2 does not support tools"), "ollama 400 not supported", "bad_request", OWN, OWN},
		{"ollama_chat", 503, NULL, "{\"error\":\"server busy, please try again.  maximum pending requests exceeded\"}", "ollama 503 queue full", "overloaded", LULL_KIND_ENDPOINT, OWN},
		{"lm_studio", 400, NULL, "{\"error\":\"No models loaded. Load one\"}", "lm_studio no model loaded", "overloaded", LULL_KIND_ENDPOINT, OWN},
		{"cerebras", 413, NULL, " \n", "cerebras no body", "context_window", OWN, OWN},

		{ANY, 503, NULL, "{\"error\":{\"code\":429,\"message\":\"x\"}}", "proxy passing on a 429", "rate_limited", OWN, OWN},
		{ANY, 524, NULL, "<html>", "edge time-out page", "timeout", OWN, OWN},
		{ANY, 403, NULL, "<html>", "page with a 403", "permission", LULL_KIND_ROUTE, SOFT},
		{ANY, 502, NULL, "<html>", "edge page", "server_error", LULL_KIND_ENDPOINT, SOFT},
		{ANY, 503, "retry-after: 5", "busy", "edge page", "server_error", LULL_KIND_ENDPOINT, SOFT},
		{ANY, 200, NULL, "<html>", "page instead of an answer", "malformed_response", LULL_KIND_ENDPOINT, OWN},
		{ANY, 302, "location: https://elsewhere", "", "redirect", "malformed_response", LULL_KIND_ENDPOINT, OWN},
		{ANY, 200, NULL, "", "empty answer", "malformed_response", OWN, OWN},
		{ANY, 200, NULL, "{\"choices\":[{", "broken JSON", "malformed_response", OWN, OWN},
		{ANY, 200, NULL, "{}", "no answer in it", "malformed_response", OWN, OWN},
	};

	CHECK_ALL(cases);
}

static void test_the_status_decides_where_no_rule_does(void)
{
	static const struct {
		int status;
		const char *rule;
		const char *class_name;
	} defaults[] = {
		{400, "status 400", "bad_request"},    {405, "status 4xx", "bad_request"},
		{401, "status 401", "auth"},           {402, "status 402", "quota_exhausted"},
		{403, "status 403", "permission"},     {404, "status 404", "model_not_found"},
		{406, "status 4xx", "bad_request"},    {408, "status 408", "timeout"},
		{409, "status 4xx", "bad_request"},    {410, "status 410", "model_not_found"},
		{413, "status 413", "too_large"},      {414, "status 414", "too_large"},
		{415, "status 4xx", "bad_request"},    {418, "status 4xx", "bad_request"},
		{422, "status 4xx", "bad_request"},    {425, "status 425", "rate_limited"},
		{429, "status 429", "rate_limited"},   {431, "status 431", "too_large"},
		{498, "status 4xx", "bad_request"},    {499, "status 499", "server_error"},
		{500, "status 500", "server_error"},   {501, "status 501", "bad_request"},
		{502, "status 502", "server_error"},   {503, "status 503", "overloaded"},
		{504, "status 504", "timeout"},        {505, "status 5xx", "server_error"},
		{520, "status 5xx", "server_error"},   {522, "status 522", "timeout"},
		{524, "status 524", "timeout"},        {529, "status 529", "overloaded"},
		{600, "no answer in it", "malformed_response"},
	};

	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		const struct classify_case c = {ANY, defaults[i].status, NULL, SAYS("x"),
						defaults[i].rule, defaults[i].class_name, OWN, OWN};

		check(&c);
	}
}

static void test_under_a_200_the_error_names_the_status(void)
{
	static const struct classify_case cases[] = {
		{ANY, 200, NULL, "{\"error\":{\"code\":401}}", "status 401", "auth", OWN, OWN},
		{ANY, 200, NULL, "{\"error\":{\"code\":\"503\"}}", "status 503", "overloaded", OWN, OWN},
		{ANY, 200, NULL, "{\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"m\"}", "openai rate_limit_exceeded", "rate_limited", OWN, OWN},
		{ANY, 200, NULL, "{\"type\":\"error\",\"code\":null,\"message\":\"m\"}", "status 500", "server_error", OWN, OWN},
		{ANY, 200, NULL, "{\"object\":\"error\",\"code\":429,\"message\":\"m\"}", "status 429", "rate_limited", OWN, OWN},
		{ANY, 200, NULL, "{\"object\":\"error\",\"message\":{\"detail\":\"m\"}}", "status 500", "server_error", OWN, OWN},
		{ANY, 200, NULL, "{\"type\":\"new\",\"code\":\"401\",\"message\":\"m\"}", "no answer in it", "malformed_response", OWN, OWN},
		{ANY, 200, NULL, "{\"error\":{\"code\":7}}", "status 500", "server_error", OWN, OWN},
		{ANY, 200, NULL, "{\"error\":{\"code\":600}}", "status 500", "server_error", OWN, OWN},
		{ANY, 200, NULL, "{\"error\":{\"http_status\":404}}", "status 404", "model_not_found", OWN, OWN},
		{ANY, 200, NULL, TYPE("invalid_request_error"), "status 400", "bad_request", OWN, OWN},
		{ANY, 200, NULL, TYPE("authentication_error"), "status 401", "auth", OWN, OWN},
		{ANY, 200, NULL, TYPE("billing_error"), "status 402", "quota_exhausted", OWN, OWN},
		{ANY, 200, NULL, TYPE("permission_error"), "status 403", "permission", OWN, OWN},
		{ANY, 200, NULL, TYPE("not_found_error"), "status 404", "model_not_found", OWN, OWN},
		{ANY, 200, NULL, TYPE("request_too_large"), "status 413", "too_large", OWN, OWN},
		{ANY, 200, NULL, TYPE("rate_limit_error"), "status 429", "rate_limited", OWN, OWN},
		{ANY, 200, NULL, TYPE("requests"), "status 429", "rate_limited", OWN, OWN},
		{ANY, 200, NULL, TYPE("api_error"), "status 500", "server_error", OWN, OWN},
		{ANY, 200, NULL, TYPE("validationException"), "status 400", "bad_request", OWN, OWN},
		{ANY, 200, NULL, TYPE("resourceNotFoundException"), "status 404", "model_not_found", OWN, OWN},
		{ANY, 200, NULL, TYPE("modelTimeoutException"), "status 408", "timeout", OWN, OWN},
		{ANY, 200, NULL, TYPE("internalServerException"), "status 500", "server_error", OWN, OWN},
		{ANY, 200, NULL, TYPE("serviceUnavailableException"), "status 503", "overloaded", OWN, OWN},
		{ANY, 200, NULL, TYPE("timeout_error"), "status 504", "timeout", OWN, OWN},
		{ANY, 200, NULL, TYPE("whatever"), "status 500", "server_error", OWN, OWN},
		{ANY, 200, NULL, "{\"error\":\"text\"}", "status 500", "server_error", OWN, OWN},
		{ANY, 200, NULL, "[{\"error\":{\"code\":429}}]", "status 429", "rate_limited", OWN, OWN},
		{ANY, 200, NULL, "[7,{\"candidates\":[]},{\"error\":{\"code\":503}}]", "status 503", "overloaded", OWN, OWN},
		{ANY, 200, NULL, "{\"response\":{\"error\":{\"code\":\"rate_limit_exceeded\"}}}", "openai rate_limit_exceeded", "rate_limited", OWN, OWN},
		{ANY, 200, NULL, "{\"choices\":[{},{\"error\":{\"code\":502}}]}", "status 502", "server_error", OWN, OWN},
		{ANY, 200, NULL, "{\"error\":null}", "no answer in it", "malformed_response", OWN, OWN},
		{ANY, 200, NULL, "{\"error\":\"\"}", "no answer in it", "malformed_response", OWN, OWN},
		{ANY, 200, NULL, "{\"error\":{}}", "no answer in it", "malformed_response", OWN, OWN},
	};

	CHECK_ALL(cases);
}

static void test_every_sentence_of_a_full_context_is_known(void)
{
	static const char *const sentences[] = {
		"This model's maximum context length is 128000 tokens.",
		"context length exceeded",
		"Your input exceeds the context window of this model",
		"Input tokens exceed the configured limit of 5 tokens",
		"the model's maximum context limit",
		"prompt is too long: 213462 tokens > 200000 maximum",
		"input length and `max_tokens` exceed context limit",
		"Input is too long for requested model.",
		"The input token count (5) exceeds the maximum number of tokens allowed (4).",
		"This model's maximum prompt length is 131072",
		"Please reduce the length of the messages or completion.",
		"Your input is longer than the model's context length",
		"`inputs` tokens + `max_new_tokens` must be <= 8193",
		"Prompt contains 9 tokens, too large for model with 5 maximum context length",
		"too many tokens: total number of tokens cannot exceed 5",
		"request (5120 tokens) exceeds the available context size (4096 tokens)",
		"is greater than the context length",
		"Trying to keep the first 5 tokens when context the overflows.",
		"prompt too long; exceeded max context length by 4 tokens",
		"Your request exceeded model token limit: 8192",
		"invalid params, context window exceeds limit",
		"Range of input length should be [1, 5]",
	};
	static const int statuses[] = {400, 413, 422};
	char body[256];

	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
		(void)snprintf(body, sizeof(body), SAYS("%s"), sentences[i]);
		for (size_t k = 0; k < 3; k++) {
			const struct classify_case c = {ANY, statuses[k], NULL, body, "over the context",
							"context_window", OWN, OWN};

			check(&c);
		}
		const struct classify_case rate = {ANY, 429, NULL, body, "status 429", "rate_limited",
						   OWN, OWN};

		check(&rate);
	}
}

static void test_a_message_that_quotes_the_caller_changes_nothing(void)
{
	static const struct classify_case cases[] = {
		{"openai", 400, NULL, SAYS("Invalid value: got 'HTTP 429 rate limit exceeded and 503 overloaded'"), "status 400", "bad_request", OWN, OWN},
		{"openai", 400, NULL, SAYS("got 'insufficient_quota, Incorrect API key, model_not_found'"), "status 400", "bad_request", OWN, OWN},
		{"lm_studio", 400, NULL, "{\"error\":\"Bad input: No models loaded\"}", "status 400", "bad_request", OWN, OWN},
		{"openai", 400, NULL, SAYS("got 'No models loaded'"), "status 400", "bad_request", OWN, OWN},
		{"groq", 400, NULL, SAYS("got 'Request too large'"), "status 400", "bad_request", OWN, OWN},
		{"openai", 400, NULL, SAYS("got 'Your credit balance is too low'"), "status 400", "bad_request", OWN, OWN},
		{"anthropic", 401, NULL, SAYS("got 'Your credit balance is too low'"), "status 401", "auth", OWN, OWN},
		{"anthropic", 400, NULL, SAYS("messages.0: got 'Your credit balance is too low'"), "status 400", "bad_request", OWN, OWN},
		{"anthropic", 400, NULL, SAYS("got 'You have reached your API usage limits'"), "status 400", "bad_request", OWN, OWN},
		{"xai", 400, NULL, "{\"error\":\"got 'Incorrect API key provided'\"}", "status 400", "bad_request", OWN, OWN},
		{"bedrock", 400, AMAZON("ValidationException"), FLAT("Value 'The provided model identifier is invalid.' at 'messages.1' failed"), "status 400", "bad_request", OWN, OWN},
		{"bedrock", 400, AMAZON("ValidationException"), FLAT("Value 'with on-demand throughput' at 'messages.1' failed"), "status 400", "bad_request", OWN, OWN},
		{"xai", 403, NULL, "{\"error\":\"Content about credits is not permitted\"}", "status 403", "permission", OWN, OWN},
		{"xai", 404, NULL, "{\"error\":\"model credits does not exist\"}", "status 404", "model_not_found", OWN, OWN},
		{"openai", 429, NULL, SAYS("Limit 30000, Used 21567, Requested 37754."), "status 429", "rate_limited", OWN, OWN},
		{"openai", 429, NULL, SAYS("Limit 30000, Requested 29999."), "status 429", "rate_limited", OWN, OWN},
		{"openai", 400, NULL, SAYS("Limit 30000, Requested 36278."), "status 400", "bad_request", OWN, OWN},
	};

	CHECK_ALL(cases);
}

static void test_a_sentence_of_the_request_shuts_nothing(void)
{
	static const struct {
		const char *provider;
		int status;
		const char *body;
		const char *request;
		uint32_t class_id;
	} cases[] = {
		{"cohere", 429, FLAT("You are limited to 1000 API calls / month"), "{\"a\":\"hi\"}", LULL_CLASS_QUOTA_EXHAUSTED},
		{"cohere", 429, FLAT("Too busy for: limited to 1000 API calls / month"), "{\"a\":\"limited to 1000 API calls \\/ month\"}", LULL_CLASS_RATE_LIMITED},
		{"openrouter", 429, SAYS("Rate limit exceeded: free-models-per-day"), "{\"a\":\"what is free models per day?\"}", LULL_CLASS_RATE_LIMITED},
		{"openai", 429, SAYS("Request too large for gpt-4o"), "{\"a\":\"request too large\"}", LULL_CLASS_TOO_LARGE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct wire_response response = {
			.status = cases[i].status,
			.body = cases[i].body,
			.body_bytes = strlen(cases[i].body),
			.request = cases[i].request,
			.request_bytes = strlen(cases[i].request),
		};
		struct verdict verdict;

		classify_response(provider_by_name(cases[i].provider), &response, &verdict);
		CU_ASSERT_EQUAL(verdict.outcome.class_id, cases[i].class_id);
	}
}

static void test_error_bodies_of_every_form_are_found(void)
{
	static const struct {
		const char *body;
		const char *detail;
	} forms[] = {
		{"{\"error\":{\"message\":\"said\"}}", "said"},
		{"{\"type\":\"error\",\"error\":{\"message\":\"said\"}}", "said"},
		{"[{\"error\":{\"message\":\"said\"}}]", "said"},
		{"{\"message\":\"said\"}", "said"},
		{"[{\"message\":\"said\"}]", "said"},
		{"{\"object\":\"error\",\"message\":{\"detail\":1}}", "{\"detail\":1}"},
		{"{\"detail\":\"said\"}", "said"},
		{"{\"detail\":[{\"loc\":[],\"msg\":\"said\"}]}", "said"},
		{"{\"error\":\"said\"}", "said"},
		{"{\"code\":\"a sentence\",\"error\":\"said\"}", "said"},
		{"{\"error\":{\"message\":null}}", ""},
		{"{\"error\":{\"message\":[1]}}", ""},
		{"{\"error\":{\"message\":42}}", "42"},
		{"{\"error\":7}", ""},
		{"[]", ""},
		{"[7]", ""},
		{"{}", ""},
		{"null", "a page or text instead of JSON"},
		{"7", "a page or text instead of JSON"},
		{"\"said\"", "said"},
		{"<html>secret</html>", "a page or text instead of JSON"},
		{"{\"error\":\n{", "JSON that cannot be read: line 2: unexpected end of data"},
		{"{\"a\":1,\"a\":2}", "JSON that cannot be read: an object has the same key twice"},
		{"{\"a\":\"\xff\"}", "JSON that cannot be read: line 1: bytes that are not UTF-8"},
		{"", "no body"},
		{"\r\n\t ", "no body"},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const struct classify_case c = {ANY, 400, NULL, forms[i].body, "", "", 0, 0};
		struct verdict verdict;

		classify(&c, &verdict);
		CU_ASSERT_EQUAL(verdict.outcome.class_id, LULL_CLASS_BAD_REQUEST);
		CU_ASSERT_STRING_EQUAL(verdict.detail, forms[i].detail);
	}
}
/* clang-format on */

static void test_overload_is_proven_by_a_wait_and_local_ones_shut_the_server(void)
{
	static const struct classify_case cases[] = {
		{"openai", 503, NULL, SAYS("x"), "status 503", "overloaded", OWN, OWN},
		{"openai", 503, "retry-after: 5", SAYS("x"), "status 503", "overloaded", OWN, HARD},
		{"openai", 529, "retry-after: 0", SAYS("x"), "status 529", "overloaded", OWN, HARD},
		{"hosted_vllm", 503, NULL, SAYS("x"), "status 503", "overloaded",
		 LULL_KIND_ENDPOINT, OWN},
		{"hosted_vllm", 503, "retry-after: 5", SAYS("x"), "status 503", "overloaded",
		 LULL_KIND_ENDPOINT, HARD},
		{"hosted_vllm", 429, NULL, SAYS("x"), "status 429", "rate_limited", OWN, OWN},
	};

	CHECK_ALL(cases);
}

static void test_a_wait_that_is_not_believed_is_told_and_not_handed_on(void)
{
	static const struct classify_case azure = {
		"azure", 429, "retry-after: 86400", SAYS("x"), "", "", 0, 0};
	static const struct classify_case openai = {
		"openai", 429, "retry-after: 86400", SAYS("x"), "", "", 0, 0};
	struct verdict verdict;

	classify(&azure, &verdict);
	CU_ASSERT_EQUAL(verdict.hint_said_ms, 86400000);
	CU_ASSERT_EQUAL(verdict.outcome.hint_ms, -1);
	classify(&openai, &verdict);
	CU_ASSERT_EQUAL(verdict.hint_said_ms, 86400000);
	CU_ASSERT_EQUAL(verdict.outcome.hint_ms, 86400000);
	CU_ASSERT_STRING_EQUAL(verdict.hint_from, "retry-after");
}

/* A soft failure that took its length from what a prompt said would shut a route for an hour. */
static void test_a_sentence_is_a_hint_only_where_waiting_helps(void)
{
	static const struct {
		int status;
		int64_t hint_ms;
	} cases[] = {
		{400, -1}, {401, -1}, {403, -1}, {404, -1}, {413, -1},      {429, 3600000},
		{500, -1}, {502, -1}, {504, -1}, {200, -1}, {503, 3600000}, {529, 3600000},
	};
	struct verdict verdict;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct classify_case c = {
			"hosted_vllm",
			cases[i].status,
			NULL,
			SAYS("cannot handle 'rate limit exceeded, try again in 1h'"),
			"",
			"",
			0,
			0};

		classify(&c, &verdict);
		CU_ASSERT_EQUAL(verdict.hint_said_ms, cases[i].hint_ms);
		CU_ASSERT_EQUAL(verdict.outcome.hint_ms, cases[i].hint_ms);
	}
}

/* An edge's page shuts the server; the provider's own broken JSON shuts its route. */
static void test_what_calls_itself_json_is_the_providers(void)
{
	static const struct classify_case cases[] = {
		{ANY, 200, "content-type: application/json", "this is {not json", "broken JSON",
		 "malformed_response", OWN, OWN},
		{ANY, 200, "content-type: text/plain", "this is {not json",
		 "page instead of an answer", "malformed_response", LULL_KIND_ENDPOINT, OWN},
		{ANY, 200, NULL, "this is {not json", "page instead of an answer",
		 "malformed_response", LULL_KIND_ENDPOINT, OWN},
		{ANY, 500, "content-type: application/json; charset=utf-8", "oops", "status 500",
		 "server_error", OWN, OWN},
		{ANY, 500, "content-type: text/html", "oops", "edge page", "server_error",
		 LULL_KIND_ENDPOINT, SOFT},
	};

	CHECK_ALL(cases);
}

static void test_a_redirect_is_told_without_its_secrets(void)
{
	static const struct {
		const char *header;
		const char *detail;
	} cases[] = {
		{"location: https://other.example/v1?key=s3cret",
		 "a redirect to https://other.example, which is not followed: the key would go "
		 "along"},
		{"location: https://me:pw@other.example/",
		 "a redirect, which is not followed: the key would go along"},
		{"location: /elsewhere",
		 "a redirect, which is not followed: the key would go along"},
		{"location: /login?token=secret&next=https://other.example",
		 "a redirect, which is not followed: the key would go along"},
		{NULL, "a redirect, which is not followed: the key would go along"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct classify_case c = {
			ANY, 302, cases[i].header, "<html>moved</html>", "", "", 0, 0};
		struct verdict verdict;

		classify(&c, &verdict);
		CU_ASSERT_EQUAL(verdict.outcome.class_id, LULL_CLASS_MALFORMED_RESPONSE);
		CU_ASSERT_STRING_EQUAL(verdict.detail, cases[i].detail);
	}
}

static void test_the_routes_own_key_is_hidden_wherever_it_is_echoed(void)
{
	const char body[] = SAYS("Bad key hunter2hunter2, or xhunter2hunter2x?");
	const struct wire_response response = {
		.status = 401,
		.body = body,
		.body_bytes = strlen(body),
		.secret = "hunter2hunter2",
	};
	struct verdict verdict;

	classify_response(NULL, &response, &verdict);
	CU_ASSERT_STRING_EQUAL(verdict.detail, "Bad key [hidden], or x[hidden]x?");
}

static void test_huge_and_deep_bodies_get_a_verdict(void)
{
	const size_t size = WIRE_BODY_BYTES_MAX;
	char *body = malloc(size + 1);
	struct wire_response response = {.status = 500, .body = body, .body_bytes = size};
	struct verdict verdict;

	CU_ASSERT_PTR_NOT_NULL_FATAL(body);
	memset(body, '[', size);
	body[size] = '\0';
	classify_response(NULL, &response, &verdict);
	CU_ASSERT_STRING_EQUAL(verdict.detail,
			       "JSON that cannot be read: line 1: nesting too deep");
	memset(body, '"', size);
	memcpy(body, "{\"error\":{\"message\":\"", 21);
	memset(body + 21, '\'', size - 21);
	memcpy(body + size - 4, "\"}}", 4);
	response.body_bytes = size - 1;
	classify_response(NULL, &response, &verdict);
	CU_ASSERT_EQUAL(verdict.outcome.class_id, LULL_CLASS_SERVER_ERROR);
	CU_ASSERT_TRUE(strlen(verdict.detail) > 100);
	free(body);
}

static void test_transport_failures_by_their_code(void)
{
	static const struct {
		struct transport_failure failure;
		uint32_t class_id;
		uint32_t scope;
		uint32_t proof;
	} cases[] = {
		{{.curl_code = 7, .os_errno = ECONNREFUSED}, LULL_CLASS_NETWORK, OWN, HARD},
		{{.curl_code = 7, .os_errno = EHOSTUNREACH}, LULL_CLASS_NETWORK, OWN, SOFT},
		{{.curl_code = 7, .os_errno = ETIMEDOUT}, LULL_CLASS_NETWORK, OWN, SOFT},
		{{.curl_code = 7}, LULL_CLASS_NETWORK, OWN, SOFT},
		{{.curl_code = 7, .proxied = true}, LULL_CLASS_LOCAL, OWN, OWN},
		{{.curl_code = 7, .os_errno = ECONNREFUSED, .proxied = true},
		 LULL_CLASS_NETWORK,
		 OWN,
		 HARD},
		{{.curl_code = 7, .os_errno = ENETUNREACH}, LULL_CLASS_LOCAL, OWN, OWN},
		{{.curl_code = 7, .os_errno = EADDRNOTAVAIL}, LULL_CLASS_LOCAL, OWN, OWN},
		{{.curl_code = 7, .os_errno = EMFILE}, LULL_CLASS_LOCAL, OWN, OWN},
		{{.curl_code = 5}, LULL_CLASS_LOCAL, OWN, OWN},
		{{.curl_code = 6}, LULL_CLASS_NETWORK, OWN, SOFT},
		{{.curl_code = 77}, LULL_CLASS_LOCAL, OWN, OWN},
		{{.curl_code = 35, .connected = true}, LULL_CLASS_NETWORK, OWN, HARD},
		{{.curl_code = 35, .os_errno = ECONNRESET}, LULL_CLASS_NETWORK, OWN, SOFT},
		{{.curl_code = 60}, LULL_CLASS_NETWORK, OWN, HARD},
		{{.curl_code = 56, .proxy_status = 407}, LULL_CLASS_LOCAL, OWN, OWN},
		{{.curl_code = 56, .proxy_status = 503}, LULL_CLASS_NETWORK, OWN, SOFT},
		{{.curl_code = 56, .connected = true}, LULL_CLASS_NETWORK, OWN, SOFT},
		{{.curl_code = 55, .connected = true}, LULL_CLASS_NETWORK, OWN, SOFT},
		{{.curl_code = 56, .got_status = true, .streamed = true},
		 LULL_CLASS_TRUNCATED_STREAM,
		 OWN,
		 OWN},
		{{.curl_code = 18, .got_status = true}, LULL_CLASS_MALFORMED_RESPONSE, OWN, OWN},
		{{.curl_code = 1}, LULL_CLASS_LOCAL, OWN, OWN},
		{{.curl_code = 1, .connected = true},
		 LULL_CLASS_MALFORMED_RESPONSE,
		 LULL_KIND_ENDPOINT,
		 OWN},
		{{.curl_code = 8, .connected = true},
		 LULL_CLASS_MALFORMED_RESPONSE,
		 LULL_KIND_ENDPOINT,
		 OWN},
		{{.curl_code = 23, .body_cap = true}, LULL_CLASS_MALFORMED_RESPONSE, OWN, OWN},
		{{.curl_code = 23}, LULL_CLASS_CANCELLED, OWN, OWN},
		{{.curl_code = 42}, LULL_CLASS_CANCELLED, OWN, OWN},
		{{.curl_code = 27}, LULL_CLASS_LOCAL, OWN, OWN},
		{{.curl_code = 4711}, LULL_CLASS_NETWORK, OWN, SOFT},
	};
	struct verdict verdict;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		classify_transport(&cases[i].failure, &verdict);
		CU_ASSERT_EQUAL(verdict.outcome.class_id, cases[i].class_id);
		CU_ASSERT_EQUAL(verdict.outcome.scope, cases[i].scope);
		CU_ASSERT_EQUAL(verdict.outcome.proof, cases[i].proof);
		CU_ASSERT_EQUAL(verdict.outcome.hint_ms, -1);
		CU_ASSERT_TRUE(verdict.detail[0] != '\0');
		CU_ASSERT_PTR_NOT_NULL(verdict.rule);
	}
}

static void test_only_a_time_out_of_transport_is_ours(void)
{
	const struct transport_failure silent = {
		.curl_code = 28, .connected = true, .got_status = true, .status = 200};
	const struct transport_failure unconnected = {.curl_code = 28};
	struct verdict verdict;

	classify_transport(&silent, &verdict);
	CU_ASSERT_EQUAL(verdict.outcome.class_id, LULL_CLASS_TIMEOUT);
	CU_ASSERT_EQUAL(verdict.outcome.ours, 1);
	CU_ASSERT_EQUAL(verdict.outcome.http_status, 200);
	classify_transport(&unconnected, &verdict);
	CU_ASSERT_EQUAL(verdict.outcome.class_id, LULL_CLASS_NETWORK);
	CU_ASSERT_EQUAL(verdict.outcome.ours, 0);
	CU_ASSERT_EQUAL(verdict.outcome.http_status, 0);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_every_rule_holds_for_its_answer),
		CUNIT_TEST(test_the_status_decides_where_no_rule_does),
		CUNIT_TEST(test_under_a_200_the_error_names_the_status),
		CUNIT_TEST(test_every_sentence_of_a_full_context_is_known),
		CUNIT_TEST(test_a_message_that_quotes_the_caller_changes_nothing),
		CUNIT_TEST(test_a_sentence_of_the_request_shuts_nothing),
		CUNIT_TEST(test_error_bodies_of_every_form_are_found),
		CUNIT_TEST(test_overload_is_proven_by_a_wait_and_local_ones_shut_the_server),
		CUNIT_TEST(test_a_wait_that_is_not_believed_is_told_and_not_handed_on),
		CUNIT_TEST(test_a_sentence_is_a_hint_only_where_waiting_helps),
		CUNIT_TEST(test_what_calls_itself_json_is_the_providers),
		CUNIT_TEST(test_a_redirect_is_told_without_its_secrets),
		CUNIT_TEST(test_the_routes_own_key_is_hidden_wherever_it_is_echoed),
		CUNIT_TEST(test_huge_and_deep_bodies_get_a_verdict),
		CUNIT_TEST(test_transport_failures_by_their_code),
		CUNIT_TEST(test_only_a_time_out_of_transport_is_ours),
	};

	return CUNIT_MAIN("classify", tests);
}
