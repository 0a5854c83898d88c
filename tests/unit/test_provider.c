/* SPDX-License-Identifier: MIT */
/* Names to providers; base URLs and proxies in one form. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../worker/src/url.h"
#include "../../worker/src/url_parts.h"
#include "../../worker/src/wire.h"
#include "cunit_main.h"

/* ---- names */

static void test_names_are_mapped(void)
{
	/* clang-format off */
	static const struct {
		const char *name;
		const char *api_base;
		const char *provider;
		const char *model;
	} cases[] = {
		/* a prefix wins */
		{"anthropic/claude-3", NULL, "anthropic", "claude-3"},
		{"gemini/gemini-2.5-pro", NULL, "gemini", "gemini-2.5-pro"},
		{"mistral/mistral-large", NULL, "mistral", "mistral-large"},
		{"groq/llama-3.1-8b", NULL, "groq", "llama-3.1-8b"},
		{"deepseek/deepseek-chat", NULL, "deepseek", "deepseek-chat"},
		{"xai/grok-4", NULL, "xai", "grok-4"},
		{"perplexity/sonar", NULL, "perplexity", "sonar"},
		{"cerebras/x", NULL, "cerebras", "x"},
		{"nvidia_nim/meta/llama3", NULL, "nvidia_nim", "meta/llama3"},
		{"deepinfra/meta/llama3", NULL, "deepinfra", "meta/llama3"},
		{"huggingface/org/model", NULL, "huggingface", "org/model"},
		{"moonshot/kimi-k2", NULL, "moonshot", "kimi-k2"},
		{"openai/ft:gpt-4o-mini:org::id", NULL, "openai", "ft:gpt-4o-mini:org::id"},
		{"azure/command-r", NULL, "azure", "command-r"},
		{"openai/gpt-4o", NULL, "openai", "gpt-4o"},
		{"openai/my-model", "https://api.groq.com/openai/v1", "openai", "my-model"},
		{"openai/responses/gpt-5-pro", NULL, "openai/responses", "gpt-5-pro"},
		{"openai/responses/gpt-5", "http://host/v1", "openai/responses", "gpt-5"},
		{"openai/responses", NULL, "openai", "responses"},
		{"openrouter/openai/gpt-4o", NULL, "openrouter", "openai/gpt-4o"},
		{"cohere/command-r", NULL, "cohere", "command-r"},
		{"cohere_chat/command-r", NULL, "cohere", "command-r"},
		{"together_ai/meta-llama/Llama-3", NULL, "together_ai", "meta-llama/Llama-3"},
		{"fireworks_ai/accounts/fireworks/models/x", NULL, "fireworks_ai",
		 "accounts/fireworks/models/x"},
		{"azure/my-deployment", NULL, "azure", "my-deployment"},
		{"bedrock/anthropic.claude-v2:1", NULL, "bedrock", "anthropic.claude-v2:1"},
		{"vertex_ai/gemini-pro", NULL, "vertex_ai", "gemini-pro"},
		{"bedrock/converse/amazon.nova", NULL, "bedrock", "amazon.nova"},
		{"x", "https://bedrock-runtime.eu-west-1.amazonaws.com", "bedrock", "x"},
		{"x", "https://bedrock-runtime.eu.west.amazonaws.com", "openai", "x"},
		{"x", "https://bedrock-runtime..amazonaws.com", "openai", "x"},
		{"x", "https://evil.amazonaws.com", "openai", "x"},
		{"x", "https://europe-west4-aiplatform.googleapis.com/v1", "vertex_ai", "x"},
		{"x", "https://r.openai.azure.com.evil.example", "openai", "x"},
		{"ollama/llama3", NULL, "ollama", "llama3"},
		{"ollama_chat/llama3", NULL, "ollama_chat", "llama3"},
		{"hosted_vllm/facebook/opt", NULL, "hosted_vllm", "facebook/opt"},
		{"lm_studio/x", NULL, "lm_studio", "x"},
		{"llamafile/x", NULL, "llamafile", "x"},
		/* then the host of the base */
		{"llama-3.1-8b", "https://api.groq.com/openai/v1", "groq", "llama-3.1-8b"},
		{"gpt-4o", "https://Router.HuggingFace.co/v1", "huggingface", "gpt-4o"},
		{"my-deployment", "https://x.openai.azure.com/", "azure", "my-deployment"},
		{"x", "https://api.together.ai/v1", "together_ai", "x"},
		/* then the family */
		{"gpt-3.5-turbo", NULL, "openai", "gpt-3.5-turbo"},
		{"gpt-4o", "http://localhost:8000/v1", "openai", "gpt-4o"},
		{"o1", NULL, "openai", "o1"},
		{"o3-mini", NULL, "openai", "o3-mini"},
		{"chatgpt-4o-latest", NULL, "openai", "chatgpt-4o-latest"},
		{"ft:gpt-3.5-turbo:org::id", NULL, "openai", "ft:gpt-3.5-turbo:org::id"},
		{"ft:gpt-4o-2024-08-06:org:name:id", NULL, "openai", "ft:gpt-4o-2024-08-06:org:name:id"},
		{"o4-mini", NULL, "openai", "o4-mini"},
		{"command-r-plus", NULL, "cohere", "command-r-plus"},
		{"ministral-8b-latest", NULL, "mistral", "ministral-8b-latest"},
		{"magistral-medium", NULL, "mistral", "magistral-medium"},
		{"pixtral-12b", NULL, "mistral", "pixtral-12b"},
		{"claude-3-opus", NULL, "anthropic", "claude-3-opus"},
		{"gemini-2.0-flash", NULL, "gemini", "gemini-2.0-flash"},
		{"command", NULL, "cohere", "command"},
		{"command-nightly", NULL, "cohere", "command-nightly"},
		{"mistral-large", NULL, "mistral", "mistral-large"},
		{"open-mistral-7b", NULL, "mistral", "open-mistral-7b"},
		{"codestral-latest", NULL, "mistral", "codestral-latest"},
		{"deepseek-chat", NULL, "deepseek", "deepseek-chat"},
		{"grok-4", NULL, "xai", "grok-4"},
		/* then any base at all: an OpenAI-compatible server */
		{"bad-model", "http://localhost:8000/v1", "openai", "bad-model"},
		{"meta-llama/Llama-3", "http://gpu1:8000/v1", "openai", "meta-llama/Llama-3"},
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char near[PROVIDER_NEAR_BYTES];
		const struct provider *provider;
		const char *model;

		CU_ASSERT_EQUAL(provider_map(cases[i].name, cases[i].api_base, &provider, &model,
					     near, sizeof(near)),
				0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(provider);
		CU_ASSERT_STRING_EQUAL(provider->name, cases[i].provider);
		CU_ASSERT_STRING_EQUAL(model, cases[i].model);
		CU_ASSERT_STRING_EQUAL(near, "");
	}
}

static void test_unknown_names_come_with_a_near_one(void)
{
	/* clang-format off */
	static const struct {
		const char *name;
		const char *near;
	} cases[] = {
		{"bad-model", ""},
		{"llama3", ""},
		{"commander", ""},
		{"o", ""},
		{"oops", ""},
		{"", ""},
		{"/", ""},
		{"openai/", ""},
		{"unknown/gpt-4o", ""},
		{"opneai/gpt-4o", "openai/gpt-4o"},
		{"OpenAI/gpt-4o", "openai/gpt-4o"},
		{"GPT-4o", "gpt-4o"},
		{"gorq/llama", "groq/llama"},
		{"anthropc/claude-3", "anthropic/claude-3"},
		{"gtp-4o", "gpt-4o"},
		{"cluade-3", "claude-3"},
		{"gemni-pro", "gemini-pro"},
		/* as another router names it */
		{"google/gemini-2.5-flash", "gemini/gemini-2.5-flash"},
		{"x-ai/grok-4", "xai/grok-4"},
		{"vllm/facebook/opt", "hosted_vllm/facebook/opt"},
		{"together/x", "together_ai/x"},
		{"google/", ""},
		{"google", ""},
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char near[PROVIDER_NEAR_BYTES] = "?";
		const struct provider *provider;
		const char *model;

		CU_ASSERT_EQUAL(
			provider_map(cases[i].name, NULL, &provider, &model, near, sizeof(near)),
			-ENOENT);
		CU_ASSERT_PTR_NULL(provider);
		CU_ASSERT_STRING_EQUAL(near, cases[i].near);
		if (strcmp(near, cases[i].near) != 0)
			fprintf(stderr, "%s: %s\n", cases[i].name, near);
	}
}

static void test_providers_are_known_by_all_their_names(void)
{
	/* clang-format off */
	static const struct {
		const char *said;
		const char *provider; /* NULL unknown */
	} cases[] = {
		{"openai", "openai"}, {"openai/", "openai"},
		{"openai/responses", "openai/responses"}, {"openai/responses/", "openai/responses"},
		{"cohere_chat", "cohere"}, {"cohere_chat/", "cohere"},
		{"ollama", "ollama"}, {"ollama_chat", "ollama_chat"}, {"together", "together_ai"},
		{"google", "gemini"}, {"vertex/", "vertex_ai"},
		{"", NULL}, {"/", NULL}, {"openai//", NULL}, {"open", NULL},
		{"openai/gpt-4o", NULL}, {"nobody", NULL},
	};
	/* clang-format on */
	const struct provider *provider;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		provider = provider_said(cases[i].said);
		CU_ASSERT_PTR_EQUAL(provider,
				    cases[i].provider ? provider_by_name(cases[i].provider) : NULL);
	}
	for (size_t i = 0; (provider = provider_at(i)); i++)
		for (const char *const *prefix = provider->prefixes; *prefix; prefix++)
			CU_ASSERT_PTR_EQUAL(provider_said(*prefix), provider);
}

static void test_a_long_name_is_no_trouble(void)
{
	char name[1000], near[PROVIDER_NEAR_BYTES];
	const struct provider *provider;
	const char *model;

	memset(name, 'x', sizeof(name));
	memcpy(name, "opneai/", 7);
	name[sizeof(name) - 1] = '\0';
	CU_ASSERT_EQUAL(provider_map(name, NULL, &provider, &model, near, sizeof(near)), -ENOENT);
	CU_ASSERT_STRING_EQUAL(near, ""); /* it does not fit, and half of it is no name */
	name[6] = '-';
	CU_ASSERT_EQUAL(provider_map(name, NULL, &provider, &model, near, sizeof(near)), -ENOENT);
	memset(name, 'x', sizeof(name) - 1);
	CU_ASSERT_EQUAL(provider_map(name, NULL, &provider, &model, near, sizeof(near)), -ENOENT);
}

/* ---- the table itself */

static void test_the_table_is_consistent(void)
{
	const struct provider *provider;
	size_t count = 0;

	for (; (provider = provider_at(count)); count++) {
		char prefix[64];

		(void)snprintf(prefix, sizeof(prefix), "%s/", provider->name);
		CU_ASSERT_STRING_EQUAL(provider->prefixes[0], prefix);
		CU_ASSERT_PTR_EQUAL(provider_by_name(provider->name), provider);
		CU_ASSERT_PTR_NOT_NULL(adapter_by_name(provider->adapter));
		CU_ASSERT_PTR_NULL(provider->prefixes[2]);
		CU_ASSERT_PTR_NULL(provider->base_variables[2]);
		CU_ASSERT_PTR_NULL(provider->key_variables[PROVIDER_VARIABLES_MAX - 1]);
		CU_ASSERT_PTR_NULL(provider->token_variables[2]);
		CU_ASSERT_PTR_NULL(provider->hosts[4]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(provider->base_url);
		if (!strchr(provider->base_url, '{')) {
			struct url url = {0};

			CU_ASSERT_EQUAL(url_parse(provider->base_url, &url), 0);
			CU_ASSERT_PTR_NOT_NULL_FATAL(url.text);
			CU_ASSERT_STRING_EQUAL(url.text, provider->base_url);
			CU_ASSERT_EQUAL(url.loopback, provider->local);
			if (!provider->local)
				CU_ASSERT_PTR_EQUAL(
					provider_by_host(url.host),
					provider_by_name(provider_vendor_name(provider)));
			url_deinit(&url);
		}
		for (size_t i = 0; i < count; i++)
			CU_ASSERT_NOT_EQUAL(provider_vendor(provider_at(i)->name),
					    provider_vendor(provider->name));
	}
	CU_ASSERT(count >= 24);
	CU_ASSERT_PTR_NULL(provider_at(count + 1));
	CU_ASSERT_PTR_NULL(provider_by_name("nobody"));
	CU_ASSERT_PTR_NULL(provider_by_host("openai.azure.com"));
}

static void test_a_vendor_is_never_zero_and_leaves_the_top_bit(void)
{
	static const char *const texts[] = {"", "a", "openai", "127.0.0.1", "[::1]"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		uint32_t vendor = provider_vendor(texts[i]);

		CU_ASSERT(vendor > 0 && vendor <= INT32_MAX);
		CU_ASSERT_EQUAL(vendor, provider_vendor(texts[i]));
	}
}

/* ---- base URLs */

static void test_base_urls_get_one_form(void)
{
	/* clang-format off */
	static const struct {
		const char *text;
		const char *form;
		const char *origin;
		bool loopback;
	} cases[] = {
		{"https://api.openai.com/v1", "https://api.openai.com/v1", "https://api.openai.com:443", false},
		{"HTTPS://API.OpenAI.com:443/v1/", "https://api.openai.com/v1", "https://api.openai.com:443", false},
		{"https://api.openai.com", "https://api.openai.com", "https://api.openai.com:443", false},
		{"https://api.openai.com///", "https://api.openai.com", "https://api.openai.com:443", false},
		{"http://host:80/", "http://host", "http://host:80", false},
		{"http://host:443/", "http://host:443", "http://host:443", false},
		{"https://host:8443/A/b", "https://host:8443/A/b", "https://host:8443", false},
		{"http://localhost:11434/v1", "http://localhost:11434/v1", "http://localhost:11434", true},
		{"http://LOCALHOST/", "http://localhost", "http://localhost:80", true},
		{"http://a.localhost/", "http://a.localhost", "http://a.localhost:80", true},
		{"http://notlocalhost/", "http://notlocalhost", "http://notlocalhost:80", false},
		{"http://127.0.0.1:1/", "http://127.0.0.1:1", "http://127.0.0.1:1", true},
		{"http://127.255.0.9/", "http://127.255.0.9", "http://127.255.0.9:80", true},
		{"http://128.0.0.1/", "http://128.0.0.1", "http://128.0.0.1:80", false},
		{"http://0.0.0.0:5/", "http://0.0.0.0:5", "http://0.0.0.0:5", true},
		{"http://192.168.0.1/", "http://192.168.0.1", "http://192.168.0.1:80", false},
		{"http://[::1]:8080/v1", "http://[::1]:8080/v1", "http://[::1]:8080", true},
		{"http://[0:0:0:0:0:0:0:1]/", "http://[::1]", "http://[::1]:80", true},
		{"http://[::ffff:127.0.0.1]/", "http://[::ffff:127.0.0.1]", "http://[::ffff:127.0.0.1]:80", true},
		{"http://[::]/", "http://[::]", "http://[::]:80", true},
		{"http://[2001:db8::1]/", "http://[2001:db8::1]", "http://[2001:db8::1]:80", false},
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct url url = {0};

		CU_ASSERT_EQUAL(url_parse(cases[i].text, &url), 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(url.text);
		CU_ASSERT_STRING_EQUAL(url.text, cases[i].form);
		CU_ASSERT_STRING_EQUAL(url.origin, cases[i].origin);
		CU_ASSERT_EQUAL(url.loopback, cases[i].loopback);
		if (strcmp(url.text, cases[i].form) != 0)
			fprintf(stderr, "%s: %s\n", cases[i].text, url.text);
		url_deinit(&url);
	}
}

/* As libcurl alone would have read it. */
static bool reads_alike(const char *text)
{
	static const struct url_scheme schemes[] = {{"http", "80"}, {"https", "443"}, {NULL, NULL}};
	struct url ours = {0}, libcurls = {0};
	const int r = url_parse(text, &ours);
	bool alike = url_read_fully(text, schemes, false, &libcurls) == r;

	if (alike && r == 0)
		alike = strcmp(ours.text, libcurls.text) == 0 &&
			strcmp(ours.origin, libcurls.origin) == 0 &&
			strcmp(ours.host, libcurls.host) == 0 && ours.loopback == libcurls.loopback;
	url_deinit(&ours);
	url_deinit(&libcurls);
	return alike;
}

static void test_a_plain_url_is_what_libcurl_would_make_of_it(void)
{
	static const char *const pieces[] = {
		"http", "https", "://", ":",     "/",     "//",    "a",         "example", ".com",
		".",    "..",    "-",   "_",     "~",     "1",     "0",         "127",     ".0.0.1",
		"0x7f", "8080",  "443", "80",    "65535", "65536", "A",         "%41",     "@",
		"?",    "#",     " ",   "[::1]", "v1",    "/v1/",  "localhost", "/.",      "/..",
		"/./",  ":0443", ":0",  "+",     "=",     "\\",    "\303\244",
	};
	const size_t count = sizeof(pieces) / sizeof(pieces[0]);
	unsigned bad = 0;

	srandom(1);
	for (int i = 0; i < 200000; i++) {
		static const char *const beginnings[] = {"", "http://", "http://", "https://"};
		char text[160];
		int size = snprintf(text, sizeof(text), "%s", beginnings[random() % 4]);

		for (long k = random() % 8; k > 0; k--)
			size += snprintf(text + size, sizeof(text) - (size_t)size, "%s",
					 pieces[(size_t)random() % count]);
		if (!reads_alike(text) && bad++ < 5)
			fprintf(stderr, "read otherwise: '%s'\n", text);
	}
	CU_ASSERT_EQUAL(bad, 0);
}

static void test_what_is_no_base_url_is_refused(void)
{
	static const char *const texts[] = {
		"",
		"api.openai.com/v1",
		"//host/v1",
		"ftp://host/",
		"file:///etc/passwd",
		"unix:/run/x",
		"http://",
		"https://user:password@host/v1",
		"https://user@host/v1",
		"https://:password@host/v1",
		"https://host/v1?key=secret",
		"https://host/v1#part",
		"https://host:port/",
		"https://host:99999/",
		"https://ho st/",
		"https://host/\n",
		"https://[::1/",
		"https://ho%7fst/",
		"https://ho%east/",
		"https://host/v\xea",
		"https://host/v\x7f",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct url url = {0};

		CU_ASSERT_EQUAL(url_parse(texts[i], &url), -EINVAL);
		CU_ASSERT_PTR_NULL(url.text);
		if (url.text)
			fprintf(stderr, "%s\n", texts[i]);
		url_deinit(&url);
	}
}

/* ---- proxies */

static void test_proxies_get_one_form_without_their_password(void)
{
	/* clang-format off */
	static const struct {
		const char *text;
		const char *origin; /* NULL: refused */
	} cases[] = {
		{"http://Proxy:3128", "http://proxy:3128"},
		{"proxy:3128", "http://proxy:3128"},
		{"proxy", "http://proxy:1080"}, /* curl's own default port */
		{"http://proxy/", "http://proxy:1080"},
		{"https://proxy", "https://proxy:443"},
		{"socks5h://proxy", "socks5h://proxy:1080"},
		{"socks5://10.0.0.1:99", "socks5://10.0.0.1:99"},
		{"socks4a://proxy", "socks4a://proxy:1080"},
		{"http://user:secret@proxy:3128", "http://proxy:3128"},
		{"user:secret@proxy:3128", "http://proxy:3128"},
		{"ftp://proxy", NULL},
		{"http://", NULL},
		{"http://proxy?x", NULL},
		{"http://pro xy", NULL},
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct url url = {0};
		int r = proxy_parse(cases[i].text, &url);

		CU_ASSERT_EQUAL(r, cases[i].origin ? 0 : -EINVAL);
		if (r == 0 && cases[i].origin) {
			CU_ASSERT_STRING_EQUAL(url.origin, cases[i].origin);
			CU_ASSERT_PTR_NULL(strstr(url.text, "secret"));
		}
		url_deinit(&url);
	}
}

static const char *const proxy_variables[] = {"http_proxy",  "HTTP_PROXY", "https_proxy",
					      "HTTPS_PROXY", "all_proxy",  "ALL_PROXY",
					      "no_proxy",    "NO_PROXY"};

static void clear_environment(void)
{
	for (size_t i = 0; i < sizeof(proxy_variables) / sizeof(proxy_variables[0]); i++)
		(void)unsetenv(proxy_variables[i]);
}

/* The variable that gives the proxy for that URL; "" none. */
static const char *proxy_variable(const char *text)
{
	const char *variable = "";
	struct url url = {0};

	CU_ASSERT_EQUAL_FATAL(url_parse(text, &url), 0);
	if (!proxy_from_environment(&url, &variable))
		variable = "";
	url_deinit(&url);
	return variable;
}

static void test_the_proxy_comes_from_the_variable_that_curl_takes(void)
{
	clear_environment();
	CU_ASSERT_STRING_EQUAL(proxy_variable("https://host/"), "");
	(void)setenv("HTTP_PROXY", "http://cgi:1", 1); /* a request's header, under CGI */
	CU_ASSERT_STRING_EQUAL(proxy_variable("http://host/"), "");
	(void)setenv("ALL_PROXY", "http://p:1", 1);
	CU_ASSERT_STRING_EQUAL(proxy_variable("http://host/"), "ALL_PROXY");
	CU_ASSERT_STRING_EQUAL(proxy_variable("https://host/"), "ALL_PROXY");
	(void)setenv("all_proxy", "http://p:2", 1);
	CU_ASSERT_STRING_EQUAL(proxy_variable("https://host/"), "all_proxy");
	(void)setenv("HTTPS_PROXY", "http://p:3", 1);
	CU_ASSERT_STRING_EQUAL(proxy_variable("https://host/"), "HTTPS_PROXY");
	CU_ASSERT_STRING_EQUAL(proxy_variable("http://host/"), "all_proxy");
	(void)setenv("https_proxy", "http://p:4", 1);
	CU_ASSERT_STRING_EQUAL(proxy_variable("https://host/"), "https_proxy");
	(void)setenv("https_proxy", "", 1); /* empty is as good as unset */
	CU_ASSERT_STRING_EQUAL(proxy_variable("https://host/"), "HTTPS_PROXY");
	(void)setenv("http_proxy", "http://p:5", 1);
	CU_ASSERT_STRING_EQUAL(proxy_variable("http://host/"), "http_proxy");
	(void)setenv("NO_PROXY", "host", 1);
	CU_ASSERT_STRING_EQUAL(proxy_variable("http://host/"), "");
	(void)setenv("no_proxy", "other", 1);
	CU_ASSERT_STRING_EQUAL(proxy_variable("http://host/"), "http_proxy");
	clear_environment();
}

/*
 * Each row was tried on the curl program, 7.88.1. It differs in one: it never matches a network of
 * IPv6, which its manual promises and later versions do.
 */
static void test_no_proxy_means_what_it_means_to_curl(void)
{
	/* clang-format off */
	static const struct {
		const char *no_proxy;
		const char *url;
		bool proxied;
	} cases[] = {
		{"b.test", "http://b.test/", false},
		{"b.test", "http://B.TEST/", false},
		{"b.test", "http://x.b.test/", false},
		{"b.test", "http://xb.test/", true},
		{".b.test", "http://x.b.test/", false},
		{".b.test", "http://b.test/", false},
		{"b.test.", "http://b.test/", false},
		{"b.test", "http://b.test./", false},
		{"b.test:80", "http://b.test/", true},
		{"a.test b.test", "http://b.test/", false},
		{"a.test,b.test", "http://b.test/", false},
		{"a.test, b.test", "http://b.test/", false},
		{" ,b.test", "http://b.test/", false},
		{"*", "http://b.test/", false},
		{"*,x", "http://b.test/", true},
		{".", "http://b.test/", true},
		{"127.0.0.1", "http://localhost:9/", true},
		{"localhost", "http://localhost:9/", false},
		{"10.0.0.0/8", "http://10.1.1.1/", false},
		{"10.0.0.0/8", "http://11.1.1.1/", true},
		{"10.1.2.0/23", "http://10.1.3.4/", false},
		{"10.1.2.0/23", "http://10.1.4.4/", true},
		{"10.0.0.0/0", "http://10.1.1.1/", true},
		{"10.0.0.1/32", "http://10.0.0.1/", false},
		{"10.0.0.1/33", "http://10.0.0.1/", true},
		{"10.0.0.1", "http://10.0.0.1/", false},
		{"0.0.1", "http://10.0.0.1/", true}, /* an address has no domain */
		{"::1", "http://[::1]:9/", false},
		{"[::1]", "http://[::1]:9/", true},
		{"2001:db8::/32", "http://[2001:db8::7]/", false},
		{"2001:db8::/32", "http://[2001:db9::7]/", true},
	};
	/* clang-format on */

	clear_environment();
	(void)setenv("http_proxy", "http://p:1", 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)setenv("no_proxy", cases[i].no_proxy, 1);
		CU_ASSERT_EQUAL(proxy_variable(cases[i].url)[0] != '\0', cases[i].proxied);
		if ((proxy_variable(cases[i].url)[0] != '\0') != cases[i].proxied)
			fprintf(stderr, "%s %s\n", cases[i].no_proxy, cases[i].url);
	}
	clear_environment();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_names_are_mapped),
		CUNIT_TEST(test_unknown_names_come_with_a_near_one),
		CUNIT_TEST(test_providers_are_known_by_all_their_names),
		CUNIT_TEST(test_a_long_name_is_no_trouble),
		CUNIT_TEST(test_the_table_is_consistent),
		CUNIT_TEST(test_a_vendor_is_never_zero_and_leaves_the_top_bit),
		CUNIT_TEST(test_base_urls_get_one_form),
		CUNIT_TEST(test_a_plain_url_is_what_libcurl_would_make_of_it),
		CUNIT_TEST(test_what_is_no_base_url_is_refused),
		CUNIT_TEST(test_proxies_get_one_form_without_their_password),
		CUNIT_TEST(test_the_proxy_comes_from_the_variable_that_curl_takes),
		CUNIT_TEST(test_no_proxy_means_what_it_means_to_curl),
	};

	return CUNIT_MAIN("provider", tests);
}
