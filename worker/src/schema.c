/* SPDX-License-Identifier: MIT */
/*
 * The table of keys: see schema.h. Where two rows fill the same value, the later one wins, so
 * `lull` overrules router_settings, and that litellm_settings, as in LiteLLM itself.
 */
#include "schema.h"

#include <stdio.h>
#include <string.h>

#include <lull/table.h>

#include "url.h"

#define MS       1u
#define SECOND   1000u
#define HOUR     3600000u
#define TIME_MAX (24 * HOUR) /* of a limit; the budget's own maximum */

#define LITELLM "litellm_settings"
#define ROUTER  "router_settings"
#define LULL    "lull"
#define RULE    "lull.on.CLASS"
#define ENTRY   "model_list[]"
#define PARAMS  "model_list[].litellm_params"
#define INFO    "model_list[].model_info"
#define EXTRAS  "model_list[].lull"
#define GATEWAY "lull.gateway"
#define KEYS    "lull.gateway.keys[]"

#define IN_SETTINGS(member) offsetof(struct settings, member)
#define IN_ENTRY(member)    offsetof(struct entry, member)
#define IN_RULE(member)     offsetof(struct lull_rule, member)
#define IN_KEY(member)      offsetof(struct gateway_key, member)

#define NAME_BYTES LULL_KEY_BYTES_MAX

/* clang-format off */

/* Both in router_settings and in litellm_settings. */
#define SHARED_ROWS(section) \
	{section, "fallbacks", SCHEMA_FALLBACKS, IN_SETTINGS(fallbacks), 0, 0, NULL, "", \
	 "models to go on with when one fails, for each model"}, \
	{section, "default_fallbacks", SCHEMA_NAMES, IN_SETTINGS(default_fallbacks), 0, 0, NULL, "", \
	 "models to go on with for every model without fallbacks of its own"}, \
	{section, "context_window_fallbacks", SCHEMA_FALLBACKS, IN_SETTINGS(context_window_fallbacks), 0, 0, NULL, "", \
	 "models to try when the request is too long for one"}, \
	{section, "content_policy_fallbacks", SCHEMA_FALLBACKS, IN_SETTINGS(content_policy_fallbacks), 0, 0, NULL, "", \
	 "models to try when one refuses the content"}, \
	{section, "num_retries", SCHEMA_COUNT, IN_SETTINGS(num_retries), 0, LULL_RETRIES_MAX, NULL, "0", \
	 "further attempts at the same route before the next one"}, \
	{section, "allowed_fails", SCHEMA_COUNT, IN_SETTINGS(allowed_fails), 0, 30, NULL, "2", \
	 "failures in a row, any of which may be chance, before a route cools; soft_failures less one"}, \
	{section, "cooldown_time", SCHEMA_DURATION, IN_SETTINGS(cooldown_ms), 0, LULL_COOL_FOR_MS_MAX, NULL, "", \
	 "how long a route cools when neither it nor the provider says; 0 cools nothing"}

/* Both in lull and in a model's own lull. */
#define LIMIT_ROWS(section, base) \
	{section, "connect_timeout", SCHEMA_DURATION, (base) + offsetof(struct limits, connect_ms), 1, TIME_MAX, NULL, "5s", \
	 "until the connection stands"}, \
	{section, "first_content_timeout", SCHEMA_DURATION, (base) + offsetof(struct limits, first_content_ms), 0, TIME_MAX, NULL, "0", \
	 "until the first content, comments and empty chunks not counted; 0 is off"}, \
	{section, "idle_timeout", SCHEMA_DURATION, (base) + offsetof(struct limits, idle_ms), 1, TIME_MAX, NULL, "30s", \
	 "longest silence within a stream"}, \
	{section, "total_timeout", SCHEMA_DURATION, (base) + offsetof(struct limits, total_ms), 0, TIME_MAX, NULL, "0", \
	 "the whole attempt, also after the first content; 0 is off"}, \
	{section, "stream_upstream", SCHEMA_SWITCH, (base) + offsetof(struct limits, stream_upstream), 0, 0, NULL, "false", \
	 "ask the provider for a stream even when the caller wants none"}, \
	{section, "credential_rpm", SCHEMA_COUNT, (base) + offsetof(struct limits, credential.rpm), 1, LULL_RATE_MAX, NULL, "", \
	 "requests a minute by one key, all its routes and all processes of the host together"}, \
	{section, "credential_tpm", SCHEMA_COUNT, (base) + offsetof(struct limits, credential.tpm), 1, LULL_RATE_MAX, NULL, "", \
	 "tokens a minute by one key, likewise"}, \
	{section, "credential_max_parallel_requests", SCHEMA_COUNT, (base) + offsetof(struct limits, credential.parallel), 1, LULL_PARALLEL_MAX, NULL, "", \
	 "requests at once by one key, likewise"}, \
	{section, "burst", SCHEMA_DURATION, (base) + offsetof(struct limits, burst_ms), 1, LULL_BURST_MS_MAX, NULL, "1s", \
	 "how much of the rates a minute may be used at once: what they allow in this time, or one request"}, \
	{section, "ca_file", SCHEMA_TEXT, (base) + offsetof(struct limits, ca_file), 1, 4096, NULL, "", \
	 "certificates to trust instead of the system's"}, \
	{section, "proxy", SCHEMA_PROXY, (base) + offsetof(struct limits, proxy), 0, 2048, NULL, "", \
	 "proxy instead of the environment's; empty is none"}

/* Wherever LiteLLM looks for them. */
#define RATE_ROWS(section) \
	{section, "rpm", SCHEMA_COUNT, IN_ENTRY(together.rpm), 1, LULL_RATE_MAX, NULL, "", \
	 "requests a minute, by all processes of the host together"}, \
	{section, "tpm", SCHEMA_COUNT, IN_ENTRY(together.tpm), 1, LULL_RATE_MAX, NULL, "", \
	 "tokens a minute, of prompts and answers, likewise"}

/* LiteLLM's defaults of a request, by the names that they have in it. */
#define DEFAULT_ROW(name) \
	{PARAMS, name, SCHEMA_MEMBER, IN_ENTRY(defaults), 0, 0, NULL, "", "said in the request where the caller does not"}

static const struct schema_row rows[] = {
	/* before all that may refer to them */
	{"", "environment_variables", SCHEMA_VARIABLES, IN_SETTINGS(variables), 0, 0, NULL, "",
	 "variables where the environment has none of that name"},
	{"", LITELLM, SCHEMA_SECTION, 0, 0, 0, NULL, "", "settings of LiteLLM's library"},
	{"", ROUTER, SCHEMA_SECTION, 0, 0, 0, NULL, "", "settings of LiteLLM's router"},
	{"", "general_settings", SCHEMA_SECTION, 0, 0, 0, NULL, "", "settings of LiteLLM's server; only master_key is read"},
	{"", LULL, SCHEMA_SECTION, 0, 0, 0, NULL, "", "Lull's own settings"},
	{"", "model_list", SCHEMA_ENTRIES, 0, 0, 0, NULL, "", "the routes"},

	SHARED_ROWS(LITELLM),
	{LITELLM, "request_timeout", SCHEMA_DURATION, IN_SETTINGS(timeout_ms), 1, TIME_MAX, NULL, "",
	 "limit of one attempt until 2xx headers come"},

	SHARED_ROWS(ROUTER),
	{ROUTER, "timeout", SCHEMA_DURATION, IN_SETTINGS(timeout_ms), 1, TIME_MAX, NULL, "",
	 "limit of one attempt until 2xx headers come; not the budget"},
	{ROUTER, "stream_timeout", SCHEMA_DURATION, IN_SETTINGS(stream_timeout_ms), 1, TIME_MAX, NULL, "",
	 "the same for attempts that ask for a stream"},
	{ROUTER, "model_group_alias", SCHEMA_ALIASES, IN_SETTINGS(aliases), 0, 0, NULL, "",
	 "further names of models"},
	{ROUTER, "default_max_parallel_requests", SCHEMA_COUNT, IN_SETTINGS(max_parallel), 1, LULL_PARALLEL_MAX, NULL, "",
	 "max_parallel_requests of routes that have none"},
	{ROUTER, "disable_cooldowns", SCHEMA_SWITCH, IN_SETTINGS(disable_cooldowns), 0, 0, NULL, "false",
	 "calls by this file cool nothing, but where lull.on gives a proof; what others left cooling is skipped"},

	{LULL, "budget", SCHEMA_DURATION, IN_SETTINGS(budget_ms), 1, TIME_MAX, NULL, "45s",
	 "longest time of one call, all attempts and waits together"},
	{LULL, "when_cooling", SCHEMA_CHOICE, IN_SETTINGS(when_cooling), LULL_WHEN_COOLING_WAIT, 0, "wait|fail|try", "wait",
	 "when every route is cooling: wait for the first, fail at once, or try it all the same"},
	{LULL, "policy", SCHEMA_CHOICE, IN_SETTINGS(policy), LULL_POLICY_DEFAULT, 0, "default|tutorial|adaptive", "default",
	 "rules by which errors cool"},
	{LULL, "on", SCHEMA_RULES, 0, 0, 0, NULL, "", "what classes of errors do, where the default does not suit"},
	{LULL, "probe", SCHEMA_SWITCH, IN_SETTINGS(probe), 0, 0, NULL, "on",
	 "after a cooldown one call asks first; off: the route is open to all"},
	{LULL, "soft_failures", SCHEMA_COUNT, IN_SETTINGS(soft_failures), 1, 31, NULL, "3",
	 "failures in a row, any of which may be chance, before a route cools"},
	{LULL, "max_cooldown", SCHEMA_DURATION, IN_SETTINGS(max_cooldown_ms), 50 * MS, LULL_COOL_FOR_MS_MAX, NULL, "1h",
	 "no error cools anything for longer"},
	{LULL, "table", SCHEMA_TABLE, 0, 1, 200, NULL, "",
	 "name of the shared table"},
	{LULL, "on_event", SCHEMA_TEXT, IN_SETTINGS(on_event), 1, 4096, NULL, "",
	 "command that lull serve runs when a key is not accepted, or its credit is used up"},
	LIMIT_ROWS(LULL, IN_SETTINGS(limits)),

	{LULL, "gateway", SCHEMA_SECTION, 0, 0, 0, NULL, "", "who may ask the gateway, and how much"},

	{"general_settings", "master_key", SCHEMA_SECRET, IN_SETTINGS(gateway.master_key), 1, 65536, NULL, "",
	 "a key for all that the gateway has, or where it is"},

	{GATEWAY, "keys", SCHEMA_KEYS, IN_SETTINGS(gateway), 0, 0, NULL, "",
	 "who may ask; without any, everybody on this host"},
	{GATEWAY, "max_connections", SCHEMA_COUNT, IN_SETTINGS(gateway.max_connections), 1, 1000000, NULL, "1024",
	 "connections of one worker process"},
	{GATEWAY, "max_memory_mib", SCHEMA_COUNT, IN_SETTINGS(gateway.max_memory_mib), 1, 1048576, NULL, "512",
	 "memory of one worker process; beyond it further requests are answered 503"},
	{GATEWAY, "head_timeout", SCHEMA_DURATION, IN_SETTINGS(gateway.head_timeout_ms), 1, TIME_MAX, NULL, "10s",
	 "until the head of a request is there"},
	{GATEWAY, "body_timeout", SCHEMA_DURATION, IN_SETTINGS(gateway.body_timeout_ms), 1, TIME_MAX, NULL, "20s",
	 "until its body is; a second more for each 16 KiB of it"},
	{GATEWAY, "idle_timeout", SCHEMA_DURATION, IN_SETTINGS(gateway.idle_timeout_ms), 1, TIME_MAX, NULL, "75s",
	 "how long a connection may wait for its next request"},

	{KEYS, "name", SCHEMA_TEXT, IN_KEY(name), 1, 64, NULL, "", "whose it is, for the log"},
	{KEYS, "key", SCHEMA_SECRET, IN_KEY(key), 1, 65536, NULL, "",
	 "the key, where it is, or sha256: and its digest in hex"},
	{KEYS, "user", SCHEMA_TEXT, IN_KEY(user), 1, 64, NULL, "",
	 "a user of this host, by name or number, who needs no key on a unix socket"},
	{KEYS, "models", SCHEMA_NAMES, IN_KEY(models), 0, 0, NULL, "",
	 "names that may be asked for, with * for any text; without it, all"},

	{RULE, "go", SCHEMA_CHOICE, IN_RULE(go), LULL_GO_STOP, 0, "stop|next", "",
	 "whether the call ends or goes on with its next route"},
	{RULE, "proof", SCHEMA_CHOICE, IN_RULE(proof), LULL_PROOF_NONE, 0, "none|soft|hard", "",
	 "cools nothing, after soft_failures of them, or at once"},
	{RULE, "scope", SCHEMA_CHOICE, IN_RULE(scope), LULL_KIND_ROUTE, 0, "route|credential|endpoint", "",
	 "what cools"},
	{RULE, "cooldown", SCHEMA_DURATION, IN_RULE(for_ms), 0, LULL_COOL_FOR_MS_MAX, NULL, "",
	 "for how long, if the provider does not say; 0 cools nothing"},

	{ENTRY, "model_name", SCHEMA_TEXT, IN_ENTRY(model_name), 1, NAME_BYTES, NULL, "",
	 "what people call it; several entries may share one name"},
	{ENTRY, "model_info", SCHEMA_SECTION, 0, 0, 0, NULL, "", "free-form; only id, rpm and tpm are read"},
	{ENTRY, "litellm_params", SCHEMA_SECTION, 0, 0, 0, NULL, "", "what LiteLLM knows of the route"},
	{ENTRY, "lull", SCHEMA_SECTION, 0, 0, 0, NULL, "", "what LiteLLM has no name for"},
	RATE_ROWS(ENTRY),

	{PARAMS, "model", SCHEMA_TEXT, IN_ENTRY(model), 1, NAME_BYTES, NULL, "",
	 "provider and upstream name: openai/gpt-4o"},
	{PARAMS, "base_url", SCHEMA_URL, IN_ENTRY(api_base), 1, 2048, NULL, "", "another name of api_base"},
	{PARAMS, "api_base", SCHEMA_URL, IN_ENTRY(api_base), 1, 2048, NULL, "",
	 "base URL, instead of the provider's own"},
	{PARAMS, "api_key", SCHEMA_SECRET, IN_ENTRY(api_key), 1, 65536, NULL, "",
	 "the key, or where it is: os.environ/NAME, file:/path"},
	{PARAMS, "azure_ad_token", SCHEMA_SECRET, IN_ENTRY(token), 1, 65536, NULL, "",
	 "a token of Entra in place of a key, or where it is"},
	{PARAMS, "api_version", SCHEMA_TEXT, IN_ENTRY(api_version), 1, 64, NULL, "2024-10-21",
	 "version of Azure's interface, where it is part of the address"},
	{PARAMS, "vertex_project", SCHEMA_TEXT, IN_ENTRY(vertex_project), 1, 64, NULL, "",
	 "Google Cloud project of vertex_ai/"},
	{PARAMS, "vertex_location", SCHEMA_TEXT, IN_ENTRY(vertex_location), 1, 64, NULL, "",
	 "location of vertex_ai/, or global"},
	{PARAMS, "aws_region_name", SCHEMA_TEXT, IN_ENTRY(aws_region_name), 1, 64, NULL, "",
	 "region of bedrock/"},
	{PARAMS, "aws_bedrock_runtime_endpoint", SCHEMA_URL, IN_ENTRY(api_base), 1, 2048, NULL, "",
	 "another name of api_base"},
	{PARAMS, "organization", SCHEMA_TEXT, IN_ENTRY(organization), 1, 256, NULL, "",
	 "sent as OpenAI-Organization"},
	{PARAMS, "custom_llm_provider", SCHEMA_TEXT, IN_ENTRY(provider), 1, 64, NULL, "",
	 "provider of a model that is named without prefix"},
	{PARAMS, "timeout", SCHEMA_DURATION, IN_ENTRY(timeout_ms), 1, TIME_MAX, NULL, "",
	 "limit of one attempt until 2xx headers come, instead of the computed one"},
	{PARAMS, "stream_timeout", SCHEMA_DURATION, IN_ENTRY(stream_timeout_ms), 1, TIME_MAX, NULL, "",
	 "the same for attempts that ask for a stream"},
	{PARAMS, "cooldown_time", SCHEMA_DURATION, IN_ENTRY(cooldown_ms), 0, LULL_COOL_FOR_MS_MAX, NULL, "",
	 "how long this route cools, whatever the provider says; 0 cools nothing"},
	{PARAMS, "order", SCHEMA_COUNT, IN_ENTRY(order), 0, 1000000, NULL, "",
	 "lower is tried first among entries of one name; those without come last"},
	RATE_ROWS(PARAMS),
	{PARAMS, "max_parallel_requests", SCHEMA_COUNT, IN_ENTRY(together.parallel), 1, LULL_PARALLEL_MAX, NULL, "",
	 "requests at once, by all processes of the host together"},
	{PARAMS, "extra_headers", SCHEMA_HEADERS, 0, 0, 0, NULL, "", "further headers of the request"},
	{PARAMS, "extra_body", SCHEMA_BODY, IN_ENTRY(extra_body), 0, 0, NULL, "",
	 "members put into the request, whatever the caller says"},
	DEFAULT_ROW("temperature"),
	DEFAULT_ROW("top_p"),
	DEFAULT_ROW("top_k"),
	DEFAULT_ROW("max_tokens"),
	DEFAULT_ROW("max_completion_tokens"),
	DEFAULT_ROW("stop"),
	DEFAULT_ROW("seed"),
	DEFAULT_ROW("n"),
	DEFAULT_ROW("presence_penalty"),
	DEFAULT_ROW("frequency_penalty"),
	DEFAULT_ROW("logit_bias"),
	DEFAULT_ROW("logprobs"),
	DEFAULT_ROW("top_logprobs"),
	DEFAULT_ROW("response_format"),
	DEFAULT_ROW("tools"),
	DEFAULT_ROW("tool_choice"),
	DEFAULT_ROW("parallel_tool_calls"),
	DEFAULT_ROW("user"),
	DEFAULT_ROW("reasoning_effort"),
	DEFAULT_ROW("thinking"),
	DEFAULT_ROW("service_tier"),

	{INFO, "id", SCHEMA_TEXT, IN_ENTRY(id), 1, NAME_BYTES, NULL, "", "a label, shown in the trail"},
	RATE_ROWS(INFO),

	LIMIT_ROWS(EXTRAS, IN_ENTRY(limits)),
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const struct schema_inert inert[] = {
	{"", "callback_settings credential_list guardrails mcp_servers mcp_tools "
	     "vector_store_registry files_settings finetune_settings assistant_settings search_tools "
	     "prompts policies policy_attachments agents include"},
	{LITELLM,
	 "success_callback failure_callback callbacks service_callbacks turn_off_message_logging "
	 "redact_user_api_key_info langfuse_default_tags modify_params enable_preview_features "
	 "set_verbose json_logs force_ipv4 mcp_aliases cache cache_params drop_params telemetry "
	 "disable_end_user_cost_tracking disable_end_user_cost_tracking_prometheus_only "
	 "key_generation_settings disable_add_transform_inline_image_block "
	 "use_chat_completions_url_for_anthropic_messages disable_hf_tokenizer_download "
	 "enable_json_schema_validation enable_key_alias_format_validation "
	 "disable_copilot_system_to_assistant LITELLM_DISABLE_STOP_SEQUENCE_LIMIT max_budget "
	 "budget_duration max_internal_user_budget internal_user_budget_duration "
	 "default_internal_user_params default_team_settings upperbound_key_generate_params "
	 "ssl_verify ssl_certificate ssl_security_level tag_budget_config custom_prometheus_tags "
	 "custom_prometheus_metadata_labels prometheus_metrics_config s3_callback_params "
	 "model_group_settings public_model_groups store_audit_logs cost_discount_config "
	 "cost_margin_config add_function_to_prompt suppress_debug_info default_max_internal_user_budget "
	 "max_end_user_budget max_ui_session_budget user_url_validation return_response_headers "
	 "guardrails check_provider_endpoint custom_provider_map aws_sqs_callback_params model_alias_map forward_traceparent_to_llm_provider"},
	{ROUTER,
	 "routing_strategy routing_strategy_args routing_groups redis_url redis_host redis_password "
	 "redis_port redis_db cache_responses cache_kwargs caching_groups client_ttl "
	 "enable_pre_call_check enable_pre_call_checks enable_tag_filtering tag_filtering_match_any "
	 "retry_policy model_group_retry_policy allowed_fails_policy retry_after "
	 "max_fallbacks max_retries default_priority "
	 "polling_interval default_litellm_params debug_level set_verbose optional_pre_call_checks "
	 "provider_budget_config alerting_config assistants_config search_tools guardrail_list "
	 "router_general_settings deployment_affinity_ttl_seconds model_group_affinity_config "
	 "ignore_invalid_deployments weights tag_routing_prefix"},
	{"general_settings",
	 "completion_model database_url database_connection_pool_limit "
	 "database_connection_timeout database_type database_args store_model_in_db "
	 "supported_db_objects disable_spend_logs disable_spend_updates disable_error_logs "
	 "disable_master_key_return disable_retry_on_max_parallel_request_limit_error "
	 "disable_reset_budget disable_adding_master_key_hash_to_db disable_responses_id_security "
	 "enable_jwt_auth enforce_user_param reject_clientside_metadata_tags allowed_routes "
	 "key_management_system key_management_settings allow_requests_on_db_unavailable custom_auth "
	 "max_parallel_requests global_max_parallel_requests infer_model_from_keys "
	 "background_health_checks health_check_interval health_check_details alerting "
	 "alerting_threshold alerting_args alert_types alert_to_webhook_url spend_report_frequency "
	 "use_client_credentials_pass_through_routes pass_through_endpoints public_routes "
	 "admin_only_routes enforced_params enable_oauth2_auth enable_oauth2_proxy_auth "
	 "oauth2_config_mappings use_x_forwarded_for service_account_settings image_generation_model "
	 "embedding_model moderation_model user_mcp_management_mode store_prompts_in_spend_logs "
	 "max_request_size_mb max_response_size_mb proxy_budget_rescheduler_min_time "
	 "proxy_budget_rescheduler_max_time proxy_batch_write_at proxy_batch_polling_interval "
	 "custom_key_generate custom_sso custom_ui_sso_sign_in_handler allowed_ips "
	 "default_team_disabled allow_user_auth user_api_key_cache_ttl disable_prisma_schema_update "
	 "litellm_key_header_name allow_client_side_credentials use_azure_key_vault use_google_kms "
	 "ui_access_mode litellm_jwtauth litellm_license forward_openai_org_id "
	 "forward_client_headers_to_llm_api maximum_spend_logs_retention_period "
	 "maximum_spend_logs_retention_interval use_redis_transaction_buffer pass_through_request_timeout"},
	{PARAMS,
	 "itpm otpm max_retries num_retries retry_policy "
	 "drop_params additional_drop_params allowed_openai_params modify_params mock_response "
	 "litellm_credential_name configurable_clientside_auth_params use_in_pass_through "
	 "use_litellm_proxy merge_reasoning_content_in_choices weight tags max_budget budget_duration "
	 "input_cost_per_token output_cost_per_token input_cost_per_second output_cost_per_second "
	 "base_model model_info "
	 "stream stream_options metadata safety_settings cache_control_injection_points "
	 "tenant_id client_id client_secret azure_scope azure_username azure_password "
	 "vertex_credentials region_name "
	 "aws_access_key_id aws_secret_access_key aws_session_token aws_session_name "
	 "aws_profile_name aws_role_name aws_web_identity_token aws_sts_endpoint aws_external_id "
	 "watsonx_region_name project_id keep_alive"},
	{INFO, "*"},
};
#define INERT_COUNT (sizeof(inert) / sizeof(inert[0]))

/* clang-format on */

const struct schema_row *schema_at(size_t index)
{
	return index < ROW_COUNT ? &rows[index] : NULL;
}

const struct schema_inert *schema_inert(const char *section)
{
	for (size_t i = 0; i < INERT_COUNT; i++)
		if (strcmp(inert[i].section, section) == 0)
			return &inert[i];
	return NULL;
}

/* ---- "expected ..." */

/* "wait|fail|try" as "wait, fail or try" */
static void expected_choice(const char *choices, char *ret)
{
	size_t used = 0;

	for (const char *at = choices; *at;) {
		size_t size = strcspn(at, "|");
		const char *separator = at == choices ? "" : at[size] ? ", " : " or ";
		int n = snprintf(ret + used, SCHEMA_EXPECTED_BYTES - used, "%s%.*s", separator,
				 (int)size, at);

		if (n < 0 || (size_t)n >= SCHEMA_EXPECTED_BYTES - used)
			return;
		used += (size_t)n;
		at += size + (at[size] == '|');
	}
}

static void expected_duration(const struct schema_row *row, char *ret)
{
	char min[DURATION_BYTES_MAX], max[DURATION_BYTES_MAX];

	duration_format(row->min, min);
	duration_format(row->max, max);
	(void)snprintf(ret, SCHEMA_EXPECTED_BYTES,
		       "seconds or a duration such as 45s, from %s to %s", min, max);
}

void schema_expected(const struct schema_row *row, char *ret)
{
	static const char proxy[] = PROXY_EXPECTED ", or nothing";
	static const char *const plain[SCHEMA_TYPE_COUNT] = {
		[SCHEMA_SECTION] = "a map",
		[SCHEMA_ENTRIES] = "a list of maps with model_name and litellm_params",
		[SCHEMA_KEYS] = "a list of maps with name, and key or user",
		[SCHEMA_SECRET] = "a key, os.environ/NAME or file:/path",
		[SCHEMA_URL] = URL_EXPECTED,
		[SCHEMA_PROXY] = proxy,
		[SCHEMA_SWITCH] = "true or false",
		[SCHEMA_NAMES] = "a list of model names",
		[SCHEMA_FALLBACKS] = "a list such as [{MODEL: [OTHER, ANOTHER]}]",
		[SCHEMA_VARIABLES] = "a map of names to values",
		[SCHEMA_ALIASES] = "a map such as {ALIAS: MODEL}",
		[SCHEMA_HEADERS] = "a map of header names to values",
		[SCHEMA_BODY] = "a map",
		[SCHEMA_MEMBER] = "as in a request",
		[SCHEMA_RULES] = "a map of classes such as {content_policy: next}",
	};

	switch (row->type) {
	case SCHEMA_TEXT:
		(void)snprintf(ret, SCHEMA_EXPECTED_BYTES,
			       "text of %u to %u bytes without control characters", row->min,
			       row->max);
		break;
	case SCHEMA_TABLE:
		(void)snprintf(ret, SCHEMA_EXPECTED_BYTES,
			       "a name of at most %u bytes without '/' inside", row->max);
		break;
	case SCHEMA_COUNT:
		(void)snprintf(ret, SCHEMA_EXPECTED_BYTES, "a whole number from %u to %u", row->min,
			       row->max);
		break;
	case SCHEMA_DURATION:
		expected_duration(row, ret);
		break;
	case SCHEMA_CHOICE:
		expected_choice(row->choices, ret);
		break;
	default:
		(void)snprintf(ret, SCHEMA_EXPECTED_BYTES, "%s", plain[row->type]);
	}
}
