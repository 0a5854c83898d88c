/* SPDX-License-Identifier: MIT */
/*
 * The table of providers, and the rules by which a name belongs to one: see provider.h.
 */
#include "provider.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "near.h"
#include "url.h"

/* clang-format off */
static const struct provider providers[] = {
	{
		.name = "openai", .prefixes = {"openai/"}, .adapter = "openai",
		.base_url = "https://api.openai.com/v1",
		.base_variables = {"OPENAI_BASE_URL", "OPENAI_API_BASE"},
		.key_variables = {"OPENAI_API_KEY"},
		.hosts = {"api.openai.com"}, .keyless_elsewhere = true,
	},
	{
		.name = "openai/responses", .prefixes = {"openai/responses/"},
		.vendor = "openai", .adapter = "responses",
		.base_url = "https://api.openai.com/v1",
		.base_variables = {"OPENAI_BASE_URL", "OPENAI_API_BASE"},
		.key_variables = {"OPENAI_API_KEY"},
		.keyless_elsewhere = true,
	},
	{
		.name = "anthropic", .prefixes = {"anthropic/"}, .adapter = "anthropic",
		.base_url = "https://api.anthropic.com/v1", .base_path = "/v1",
		.base_variables = {"ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE"},
		.key_variables = {"ANTHROPIC_API_KEY"}, .key_header = "x-api-key",
		.token_variables = {"ANTHROPIC_AUTH_TOKEN"},
		.header = "anthropic-version", .header_value = "2023-06-01",
		.hosts = {"api.anthropic.com"},
	},
	{
		.name = "gemini", .prefixes = {"gemini/"}, .adapter = "gemini",
		.base_url = "https://generativelanguage.googleapis.com/v1beta", .base_path = "/v1beta",
		.base_variables = {"GEMINI_API_BASE", "GOOGLE_GEMINI_BASE_URL"},
		.key_variables = {"GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"},
		.key_header = "x-goog-api-key",
		.hosts = {"generativelanguage.googleapis.com"},
	},
	{
		.name = "vertex_ai", .prefixes = {"vertex_ai/"}, .adapter = "gemini",
		.base_url = "https://{location-}aiplatform.googleapis.com/v1/projects/{project}"
			    "/locations/{location}/publishers/google",
		.token_variables = {"GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN"},
		.hosts = {"aiplatform.googleapis.com", "*-aiplatform.googleapis.com"},
	},
	{
		.name = "bedrock", .prefixes = {"bedrock/", "bedrock/converse/"},
		.adapter = "bedrock",
		.base_url = "https://bedrock-runtime.{region}.amazonaws.com",
		.base_variables = {"AWS_BEDROCK_RUNTIME_ENDPOINT"},
		.key_variables = {"AWS_BEARER_TOKEN_BEDROCK"},
		.hosts = {"bedrock-runtime.*.amazonaws.com", "bedrock-runtime-fips.*.amazonaws.com",
			  "bedrock-mantle.*.api.aws"},
	},
	{
		.name = "azure", .prefixes = {"azure/"}, .adapter = "openai",
		.base_url = "https://{resource}.openai.azure.com",
		.base_variables = {"AZURE_API_BASE", "AZURE_OPENAI_ENDPOINT"},
		.path = "/openai/deployments/{model}/chat/completions?api-version={version}",
		.plain_base = "/openai/v1",
		.key_variables = {"AZURE_API_KEY", "AZURE_OPENAI_API_KEY"}, .key_header = "api-key",
		.token_variables = {"AZURE_AD_TOKEN"},
		.hosts = {"*.openai.azure.com", "*.services.ai.azure.com",
			  "*.cognitiveservices.azure.com", "*.openai.azure.us"},
		.buckets_in_s = true,
	},
	{
		.name = "cohere", .prefixes = {"cohere/", "cohere_chat/"}, .adapter = "cohere",
		.base_url = "https://api.cohere.com/v2", .base_path = "/v2",
		.base_variables = {"COHERE_API_BASE"},
		.key_variables = {"COHERE_API_KEY", "CO_API_KEY"},
		.hosts = {"api.cohere.ai", "api.cohere.com"},
		.reset = PROVIDER_RESET_AT_S,
	},
	{
		.name = "mistral", .prefixes = {"mistral/"}, .adapter = "mistral",
		.base_url = "https://api.mistral.ai/v1", .base_path = "/v1",
		.base_variables = {"MISTRAL_API_BASE"},
		.key_variables = {"MISTRAL_API_KEY"},
		.hosts = {"api.mistral.ai"},
	},
	{
		.name = "groq", .prefixes = {"groq/"}, .adapter = "openai",
		.base_url = "https://api.groq.com/openai/v1",
		.base_variables = {"GROQ_API_BASE"},
		.key_variables = {"GROQ_API_KEY"},
		.hosts = {"api.groq.com"},
	},
	{
		.name = "together_ai", .prefixes = {"together_ai/"}, .adapter = "openai",
		.base_url = "https://api.together.xyz/v1",
		.base_variables = {"TOGETHER_AI_API_BASE"},
		.key_variables = {"TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY",
				  "TOGETHER_AI_TOKEN"},
		.hosts = {"api.together.xyz", "api.together.ai"},
		.max_tokens_only = true, .reset = PROVIDER_RESET_IN_S,
	},
	{
		.name = "fireworks_ai", .prefixes = {"fireworks_ai/"}, .adapter = "openai",
		.base_url = "https://api.fireworks.ai/inference/v1",
		.base_variables = {"FIREWORKS_AI_API_BASE", "FIREWORKS_API_BASE"},
		.key_variables = {"FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY",
				  "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN"},
		.hosts = {"api.fireworks.ai"}, .model_prefix = "accounts/fireworks/models/",
		.max_tokens_only = true,
	},
	{
		.name = "deepseek", .prefixes = {"deepseek/"}, .adapter = "openai",
		.base_url = "https://api.deepseek.com",
		.base_variables = {"DEEPSEEK_API_BASE"},
		.key_variables = {"DEEPSEEK_API_KEY"},
		.hosts = {"api.deepseek.com"},
		.max_tokens_only = true,
	},
	{
		.name = "xai", .prefixes = {"xai/"}, .adapter = "openai",
		.base_url = "https://api.x.ai/v1",
		.base_variables = {"XAI_API_BASE"},
		.key_variables = {"XAI_API_KEY"},
		.hosts = {"api.x.ai"},
	},
	{
		.name = "openrouter", .prefixes = {"openrouter/"}, .adapter = "openai",
		.base_url = "https://openrouter.ai/api/v1",
		.base_variables = {"OPENROUTER_API_BASE"},
		.key_variables = {"OPENROUTER_API_KEY"},
		.hosts = {"openrouter.ai"},
		.headers = {{"HTTP-Referer", "OR_SITE_URL"}, {"X-Title", "OR_APP_NAME"}},
		.reset = PROVIDER_RESET_AT_MS,
	},
	{
		.name = "perplexity", .prefixes = {"perplexity/"}, .adapter = "openai",
		.base_url = "https://api.perplexity.ai",
		.base_variables = {"PERPLEXITY_API_BASE"},
		.key_variables = {"PERPLEXITY_API_KEY", "PERPLEXITYAI_API_KEY"},
		.hosts = {"api.perplexity.ai"},
		.max_tokens_only = true,
	},
	{
		.name = "cerebras", .prefixes = {"cerebras/"}, .adapter = "openai",
		.base_url = "https://api.cerebras.ai/v1",
		.base_variables = {"CEREBRAS_API_BASE"},
		.key_variables = {"CEREBRAS_API_KEY"},
		.hosts = {"api.cerebras.ai"},
	},
	{
		.name = "huggingface", .prefixes = {"huggingface/"}, .adapter = "openai",
		.base_url = "https://router.huggingface.co/v1",
		.base_variables = {"HUGGINGFACE_API_BASE"},
		.key_variables = {"HF_TOKEN", "HUGGINGFACE_API_KEY"},
		.hosts = {"router.huggingface.co"},
		.max_tokens_only = true,
	},
	{
		.name = "nvidia_nim", .prefixes = {"nvidia_nim/"}, .adapter = "openai",
		.base_url = "https://integrate.api.nvidia.com/v1",
		.base_variables = {"NVIDIA_NIM_API_BASE"},
		.key_variables = {"NVIDIA_NIM_API_KEY"},
		.hosts = {"integrate.api.nvidia.com"},
		.max_tokens_only = true,
	},
	{
		.name = "deepinfra", .prefixes = {"deepinfra/"}, .adapter = "openai",
		.base_url = "https://api.deepinfra.com/v1/openai",
		.base_variables = {"DEEPINFRA_API_BASE"},
		.key_variables = {"DEEPINFRA_API_KEY"},
		.hosts = {"api.deepinfra.com"},
		.max_tokens_only = true,
	},
	{
		.name = "moonshot", .prefixes = {"moonshot/"}, .adapter = "openai",
		.base_url = "https://api.moonshot.ai/v1",
		.base_variables = {"MOONSHOT_API_BASE"},
		.key_variables = {"MOONSHOT_API_KEY"},
		.hosts = {"api.moonshot.ai"},
		.max_tokens_only = true,
	},
	{
		.name = "ollama", .prefixes = {"ollama/"}, .adapter = "openai",
		.base_url = "http://localhost:11434/v1", .base_path = "/v1",
		.base_variables = {"OLLAMA_API_BASE", "OLLAMA_HOST"},
		.local = true, .max_tokens_only = true,
	},
	{
		.name = "ollama_chat", .vendor = "ollama", .prefixes = {"ollama_chat/"},
		.adapter = "ollama",
		.base_url = "http://localhost:11434",
		.base_variables = {"OLLAMA_API_BASE", "OLLAMA_HOST"},
		.local = true,
	},
	{
		.name = "hosted_vllm", .prefixes = {"hosted_vllm/"}, .adapter = "openai",
		.base_url = "http://localhost:8000/v1",
		.base_variables = {"HOSTED_VLLM_API_BASE"},
		.key_variables = {"HOSTED_VLLM_API_KEY"},
		.local = true,
	},
	{
		.name = "lm_studio", .prefixes = {"lm_studio/"}, .adapter = "openai",
		.base_url = "http://localhost:1234/v1",
		.base_variables = {"LM_STUDIO_API_BASE"},
		.key_variables = {"LM_STUDIO_API_KEY"},
		.local = true, .max_tokens_only = true,
	},
	{
		.name = "llamafile", .prefixes = {"llamafile/"}, .adapter = "openai",
		.base_url = "http://localhost:8080/v1",
		.base_variables = {"LLAMAFILE_API_BASE"},
		.key_variables = {"LLAMAFILE_API_KEY"},
		.local = true, .max_tokens_only = true,
	},
};
#define PROVIDER_COUNT (sizeof(providers) / sizeof(providers[0]))

/* Beginnings of bare names. Lists of models age, families last. '#' stands for a digit. */
static const struct family {
	const char *start;
	const char *provider;
} families[] = {
	{"gpt-",           "openai"},
	{"chatgpt-",       "openai"},
	{"ft:gpt-",        "openai"},
	{"o#",             "openai"},
	{"claude-",        "anthropic"},
	{"gemini-",        "gemini"},
	{"command",        "cohere"},
	{"mistral-",       "mistral"},
	{"ministral-",     "mistral"},
	{"codestral-",     "mistral"},
	{"magistral-",     "mistral"},
	{"pixtral-",       "mistral"},
	{"open-mistral-",  "mistral"},
	{"deepseek-",      "deepseek"},
	{"grok-",          "xai"},
};
#define FAMILY_COUNT (sizeof(families) / sizeof(families[0]))

/* What people, and other routers, call a vendor: no prefix here, but known whom they mean. */
static const struct nickname {
	const char *name;
	const char *provider;
} nicknames[] = {
	{"google",     "gemini"},
	{"vertex",     "vertex_ai"},
	{"aws",        "bedrock"},
	{"mistralai",  "mistral"},
	{"together",   "together_ai"},
	{"fireworks",  "fireworks_ai"},
	{"x-ai",       "xai"},
	{"nvidia",     "nvidia_nim"},
	{"moonshotai", "moonshot"},
	{"vllm",       "hosted_vllm"},
	{"lmstudio",   "lm_studio"},
	{"llamacpp",   "llamafile"},
};
#define NICKNAME_COUNT (sizeof(nicknames) / sizeof(nicknames[0]))
/* clang-format on */

const struct provider *provider_at(size_t index)
{
	return index < PROVIDER_COUNT ? &providers[index] : NULL;
}

const struct provider *provider_by_name(const char *name)
{
	for (size_t i = 0; i < PROVIDER_COUNT; i++)
		if (strcmp(providers[i].name, name) == 0)
			return &providers[i];
	return NULL;
}

static const struct provider *by_nickname(const char *name, size_t size)
{
	for (size_t i = 0; i < NICKNAME_COUNT; i++)
		if (strlen(nicknames[i].name) == size && memcmp(nicknames[i].name, name, size) == 0)
			return provider_by_name(nicknames[i].provider);
	return NULL;
}

const struct provider *provider_said(const char *name)
{
	size_t size = strlen(name);

	if (size > 0 && name[size - 1] == '/')
		size--;
	for (size_t i = 0; i < PROVIDER_COUNT && size > 0; i++)
		for (const char *const *prefix = providers[i].prefixes; *prefix; prefix++)
			if (strncmp(*prefix, name, size) == 0 && strcmp(*prefix + size, "/") == 0)
				return &providers[i];
	return by_nickname(name, size);
}

/* "*" in the known one stands for one character or more, none of them a dot. */
static bool host_is(const char *host, const char *known)
{
	const size_t head = strcspn(known, "*");
	const char *tail = known + head + 1;
	size_t skipped;

	if (!known[head])
		return strcasecmp(host, known) == 0;
	if (strncasecmp(host, known, head) != 0)
		return false;
	skipped = strcspn(host + head, ".");
	while (skipped > 0 && strncasecmp(host + head + skipped, tail, strlen(tail)) != 0)
		skipped--;
	return skipped > 0 && host[head + skipped + strlen(tail)] == '\0';
}

const struct provider *provider_by_host(const char *host)
{
	for (size_t i = 0; i < PROVIDER_COUNT; i++)
		for (const char *const *known = providers[i].hosts; *known; known++)
			if (host_is(host, *known))
				return &providers[i];
	return NULL;
}

const char *provider_vendor_name(const struct provider *provider)
{
	return provider->vendor ? provider->vendor : provider->name;
}

/* FNV-1a: arbitrary, but the same everywhere. The top bit is the loop's, for routes without one. */
uint32_t provider_vendor(const char *text)
{
	uint32_t hash = 2166136261u;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	hash &= INT32_MAX;
	return hash ? hash : 1;
}

/* ---- names */

/* The longest that fits: "bedrock/converse/" is a prefix, too. */
static const struct provider *by_prefix(const char *name, const char **ret_model)
{
	const struct provider *provider = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < PROVIDER_COUNT; i++) {
		for (const char *const *prefix = providers[i].prefixes; *prefix; prefix++) {
			size_t size = strlen(*prefix);

			if (strncmp(name, *prefix, size) != 0 || !name[size] || size < longest)
				continue;
			longest = size;
			provider = &providers[i];
		}
	}
	*ret_model = name + longest;
	return provider;
}

static const struct provider *by_base(const char *api_base)
{
	const struct provider *provider;
	struct url url;

	if (url_parse(api_base, &url) != 0)
		return NULL;
	provider = provider_by_host(url.host);
	url_deinit(&url);
	return provider;
}

/* "command" is a name of its own and the beginning of "command-r", not of "commander". */
static bool starts(const char *name, const char *start)
{
	for (; *start; start++, name++)
		if (*start == '#' ? !isdigit((unsigned char)*name) : *name != *start)
			return false;
	return start[-1] == '-' || start[-1] == '#' || *name == '\0' || *name == '-';
}

static const struct provider *by_family(const char *name)
{
	for (size_t i = 0; i < FAMILY_COUNT; i++)
		if (starts(name, families[i].start))
			return provider_by_name(families[i].provider);
	return NULL;
}

/* "google/gemini-2.0" */
static bool suggest_prefix(const char *name, char *ret, size_t size)
{
	size_t head_size = strcspn(name, "/");
	const struct provider *provider = by_nickname(name, head_size);

	return provider && name[head_size] && name[head_size + 1] &&
	       snprintf(ret, size, "%s%s", provider->prefixes[0], name + head_size + 1) < (int)size;
}

/* The head of the name (up to and with its first '/' or '-') against what heads there are. */
static void suggest(const char *name, char *ret, size_t size)
{
	size_t head_size = strcspn(name, "/-");
	char head[NEAR_BYTES_MAX + 1];
	struct near near;

	if (suggest_prefix(name, ret, size))
		return;
	ret[0] = '\0';
	if (!name[head_size] || !name[head_size + 1] || head_size >= sizeof(head) - 1)
		return;
	memcpy(head, name, ++head_size);
	head[head_size] = '\0';
	near_init(&near, head);
	for (size_t i = 0; i < PROVIDER_COUNT; i++)
		for (const char *const *prefix = providers[i].prefixes; *prefix; prefix++)
			near_offer(&near, *prefix);
	for (size_t i = 0; i < FAMILY_COUNT; i++)
		near_offer(&near, families[i].start);
	if (near.best && strchr("/-", near.best[strlen(near.best) - 1]) &&
	    snprintf(ret, size, "%s%s", near.best, name + head_size) >= (int)size)
		ret[0] = '\0';
}

int provider_map(const char *name, const char *api_base, const struct provider **ret_provider,
		 const char **ret_model, char *near, size_t near_size)
{
	const struct provider *provider;

	near[0] = '\0';
	*ret_model = name;
	provider = by_prefix(name, ret_model);
	if (!provider && api_base)
		provider = by_base(api_base);
	if (!provider)
		provider = by_family(name);
	if (!provider && api_base)
		provider = provider_by_name("openai");
	*ret_provider = provider;
	if (provider)
		return 0;
	suggest(name, near, near_size);
	return -ENOENT;
}
