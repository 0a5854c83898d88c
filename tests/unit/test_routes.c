/* SPDX-License-Identifier: MIT */
/*
 * From configuration and environment to routes: order, fallbacks, keys and where they come from,
 * and what a route is called in the table.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lull/lull.h>

#include "../../worker/src/config.h"
#include "../../worker/src/settings.h"
#include "../../worker/src/text.h"
#include "../../worker/src/url.h"
#include "cunit_main.h"

#define KEY       "sk-planted-0123456789"
#define OTHER_KEY "sk-other-9876543210"

/* Nothing of this shell's may decide: every variable the providers know is unset. */
static void clear_environment(void)
{
	static const char *const others[] = {"http_proxy",        "https_proxy",
					     "HTTPS_PROXY",       "all_proxy",
					     "ALL_PROXY",         "no_proxy",
					     "NO_PROXY",          "ROUTES_KEY",
					     "ROUTES_OTHER",      "AZURE_RESOURCE_NAME",
					     "AZURE_API_VERSION", "OPENAI_API_VERSION",
					     "VERTEXAI_PROJECT",  "GOOGLE_CLOUD_PROJECT",
					     "VERTEXAI_LOCATION", "GOOGLE_CLOUD_LOCATION",
					     "AWS_REGION_NAME",   "AWS_REGION",
					     "AWS_DEFAULT_REGION"};
	const struct provider *provider;

	for (size_t i = 0; (provider = provider_at(i)); i++) {
		for (const char *const *name = provider->base_variables; *name; name++)
			(void)unsetenv(*name);
		for (const char *const *name = provider->key_variables; *name; name++)
			(void)unsetenv(*name);
		for (const char *const *name = provider->token_variables; *name; name++)
			(void)unsetenv(*name);
		for (size_t k = 0; provider->headers[k].name; k++)
			(void)unsetenv(provider->headers[k].variable);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		(void)unsetenv(others[i]);
}

static void print_message(const char *line, bool is_error, void *userdata)
{
	(void)is_error;
	(void)userdata;
	fprintf(stderr, "%s\n", line);
}

static struct config *read_config(const char *text)
{
	struct config *config = NULL;

	CU_ASSERT_EQUAL_FATAL(
		config_read_bytes("f", text, strlen(text), false, print_message, NULL, &config), 0);
	return config;
}

/* The names of a call's routes as "a b c", with "!" where a class leads to one. */
static const char *route_names(const struct config *config, const char *primary)
{
	static char names[512];
	FILE *out = fmemopen(names, sizeof(names), "w");
	struct route_list list = {0};

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	CU_ASSERT_EQUAL_FATAL(config_routes(config, primary, NULL, 0, &list), 0);
	for (uint32_t i = 0; i < list.count; i++) {
		const struct http_route *route = &list.routes[i];

		(void)fprintf(out, "%s%s", i ? " " : "", route->id ? route->id : route->name);
		if (route->call.after_classes == 1u << LULL_CLASS_CONTEXT_WINDOW)
			(void)fputs("!window", out);
		else if (route->call.after_classes == 1u << LULL_CLASS_CONTENT_POLICY)
			(void)fputs("!policy", out);
		else
			CU_ASSERT_EQUAL(route->call.after_classes, 0);
	}
	route_list_deinit(&list);
	CU_ASSERT_EQUAL_FATAL(fclose(out), 0);
	return names;
}

/* The one route of a name. */
static struct route_list one_route(const struct config *config, const char *name)
{
	struct route_list list = {0};

	CU_ASSERT_EQUAL_FATAL(config_routes(config, name, NULL, 0, &list), 0);
	CU_ASSERT_EQUAL_FATAL(list.count, 1);
	return list;
}

/* The one entry's route, from its litellm_params. */
static struct route_list entry_route(const char *params)
{
	char text[2048];
	struct config *config;
	struct route_list list;

	(void)snprintf(text, sizeof(text), "model_list:\n- model_name: m\n  litellm_params: {%s}\n",
		       params);
	config = read_config(text);
	list = one_route(config, "m");
	config_free(config);
	return list;
}

static void check_problem(const struct route_list *list, const char *problem)
{
	const struct http_route *route = &list->routes[0];

	CU_ASSERT_PTR_NOT_NULL_FATAL(route->problem);
	CU_ASSERT_STRING_EQUAL(route->problem, problem);
	if (strcmp(route->problem, problem) != 0)
		fprintf(stderr, "%s\n", route->problem);
	CU_ASSERT(route->call.flags & LULL_ROUTE_UNUSABLE);
	CU_ASSERT_PTR_NOT_NULL(route->call.label);
	CU_ASSERT_PTR_NULL(strstr(route->problem, "sk-"));
}

static void check_no_problem(const struct route_list *list)
{
	CU_ASSERT_PTR_NULL(list->routes[0].problem);
	CU_ASSERT_FALSE(list->routes[0].call.flags & LULL_ROUTE_UNUSABLE);
	if (list->routes[0].problem)
		fprintf(stderr, "%s\n", list->routes[0].problem);
}

static const char *fingerprint(const char *secret)
{
	static char text[17];

	CU_ASSERT(lull_fingerprint(secret, strlen(secret), text) >= 0);
	return text;
}

/* ---- order and fallbacks */

static const char models[] =
	"model_list:\n"
	"- {model_name: a, litellm_params: {model: ollama/x}, model_info: {id: a3}}\n"
	"- {model_name: b, litellm_params: {model: ollama/y}, model_info: {id: b1}}\n"
	"- {model_name: a, litellm_params: {model: ollama/x, order: 2}, model_info: {id: a1}}\n"
	"- {model_name: a, litellm_params: {model: ollama/x}, model_info: {id: a4}}\n"
	"- {model_name: a, litellm_params: {model: ollama/x, order: 2}, model_info: {id: a2}}\n"
	"- {model_name: a, litellm_params: {model: ollama/x, order: 0}, model_info: {id: a0}}\n"
	"- {model_name: c, litellm_params: {model: ollama/z}, model_info: {id: c1}}\n";

static struct config *read_with_models(const char *settings)
{
	char text[2048];

	(void)snprintf(text, sizeof(text), "%s%s", models, settings);
	return read_config(text);
}

static void test_entries_of_one_name_are_tried_by_order_then_as_listed(void)
{
	struct config *config = read_with_models("");

	CU_ASSERT_STRING_EQUAL(route_names(config, "a"), "a0 a1 a2 a3 a4");
	CU_ASSERT_STRING_EQUAL(route_names(config, "b"), "b1");
	config_free(config);
}

static void test_configured_fallbacks_follow(void)
{
	struct config *config =
		read_with_models("router_settings:\n"
				 "  fallbacks: [{b: [c, a]}, {c: [gpt-4o]}]\n"
				 "  default_fallbacks: [b]\n"
				 "  context_window_fallbacks: [{b: [c]}]\n"
				 "  content_policy_fallbacks: [{b: [a]}, {'*': [c]}]\n");

	CU_ASSERT_STRING_EQUAL(
		route_names(config, "b"),
		"b1 c1 a0 a1 a2 a3 a4 c1!window a0!policy a1!policy a2!policy a3!policy a4!policy");
	CU_ASSERT_STRING_EQUAL(route_names(config, "c"), "c1 gpt-4o c1!policy");
	CU_ASSERT_STRING_EQUAL(route_names(config, "a"), "a0 a1 a2 a3 a4 b1 c1!policy");
	CU_ASSERT_STRING_EQUAL(route_names(config, "o1"), "o1 b1 c1!policy");
	config_free(config);
}

static void test_given_fallbacks_replace_the_configured_ones(void)
{
	static const struct listed_model given[] = {{"c", "{\"a\":1}"}, {"bad-model", NULL}};
	struct config *config = read_with_models(
		"router_settings: {fallbacks: [{b: [a]}], context_window_fallbacks: [{b: [a]}]}\n");
	struct route_list list = {0};

	CU_ASSERT_EQUAL_FATAL(config_routes(config, "b", given, 2, &list), 0);
	CU_ASSERT_EQUAL_FATAL(list.count, 3);
	CU_ASSERT_STRING_EQUAL(list.routes[0].name, "b");
	CU_ASSERT_STRING_EQUAL(list.routes[1].name, "c");
	CU_ASSERT_STRING_EQUAL(list.routes[2].name, "bad-model");
	CU_ASSERT_PTR_NOT_NULL(list.routes[2].problem);
	CU_ASSERT_PTR_NULL(list.routes[0].members);
	CU_ASSERT_STRING_EQUAL(list.routes[1].members, "{\"a\":1}");
	route_list_deinit(&list);
	CU_ASSERT_EQUAL_FATAL(config_routes(config, "b", given, 0, &list), 0);
	CU_ASSERT_EQUAL(list.count, 1); /* none are given, and that was said */
	route_list_deinit(&list);
	config_free(config);
}

static void test_an_alias_is_another_name(void)
{
	struct config *config = read_with_models("router_settings:\n"
						 "  model_group_alias: {quick: b, odd: {model: c, "
						 "hidden: true}, gone: nobody, a: c}\n"
						 "  fallbacks: [{b: [c]}, {odd: [quick]}]\n");
	struct route_list list = {0};

	CU_ASSERT_STRING_EQUAL(route_names(config, "quick"), "b1 c1");
	CU_ASSERT_STRING_EQUAL(route_names(config, "odd"), "c1 b1");
	CU_ASSERT_STRING_EQUAL(route_names(config, "gone"), "nobody");
	CU_ASSERT_STRING_EQUAL(route_names(config, "a"), "c1"); /* before any model_name */
	CU_ASSERT_EQUAL_FATAL(config_routes(config, "quick", NULL, 0, &list), 0);
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.names[0], "b");
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.names[1], "y");
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.names[2], "ollama/y");
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.names[3], "quick");
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.label, "b1");
	route_list_deinit(&list);
	CU_ASSERT_EQUAL_FATAL(config_named_routes(config, "quick", &list), 0);
	CU_ASSERT_EQUAL(list.count, 1);
	route_list_deinit(&list);
	config_free(config);
}

/* Two names, and the alias is no provider/upstream. */
static void test_an_alias_is_no_part_of_the_label(void)
{
	struct config *config =
		read_config("model_list: [{model_name: x, litellm_params: {model: ollama/x}}]\n"
			    "router_settings: {model_group_alias: {quick: x}}\n");
	struct route_list list = one_route(config, "quick");

	CU_ASSERT_STRING_EQUAL(list.routes[0].call.label, "x");
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.names[2], "quick");
	route_list_deinit(&list);
	config_free(config);
}

/* PROVIDER MODEL of each route that a name leads to, and what it is called. */
static const char *matched(const struct config *config, const char *name)
{
	static char text[512];
	struct route_list list = {0};

	text[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(config_routes(config, name, NULL, 0, &list), 0);
	for (uint32_t i = 0; i < list.count; i++) {
		const struct http_route *route = &list.routes[i];

		if (i == 0)
			CU_ASSERT_STRING_EQUAL(route->name, name);
		(void)sprintf(text + strlen(text), "%s%s %s", i ? ", " : "",
			      route->provider ? route->provider->name : "-",
			      route->model ? route->model : "-");
		if (route->id)
			(void)sprintf(text + strlen(text), " %s", route->id);
	}
	route_list_deinit(&list);
	return text;
}

static void test_patterns_stand_for_many_names(void)
{
	/* clang-format off */
	static const struct {
		const char *name;
		const char *routes;
	} cases[] = {
		{"openai/gpt-4o", "openai gpt-4o o1, openai gpt-4o o2, openai gpt-4o o3"},
		{"openai/org/x", "openai org/x o1, openai org/x o2, openai org/x o3"},
		{"gpt-4o", "openai gpt-4o o1, openai gpt-4o o2, openai gpt-4o o3"}, /* by its provider */
		{"openai/gpt-5", "groq exactly e"},               /* a name comes first */
		{"openai/o1-mini", "openai o1-mini long"},        /* then the longest */
		{"team-x-prod", "mistral x t"},
		{"team--prod", "- - t"},                          /* the part may be empty */
		{"team-prod", "- -"},
		{"local", "ollama fixed f"},
		{"local-x", "ollama fixed f"},
		{"groq/x", "groq x"},                             /* nothing fits */
		{"openai/*", "- -"},
		{"*", "- -"},
		{"a*c", "- -"},
	};
	/* clang-format on */
	struct config *config = read_config("model_list:\n"
					    "- {model_name: openai/*, litellm_params: {model: "
					    "openai/*, order: 2}, model_info: {id: o2}}\n"
					    "- {model_name: openai/*, litellm_params: {model: "
					    "openai/*}, model_info: {id: o3}}\n"
					    "- {model_name: openai/*, litellm_params: {model: "
					    "openai/*, order: 1}, model_info: {id: o1}}\n"
					    "- {model_name: openai/gpt-5, litellm_params: {model: "
					    "groq/exactly}, model_info: {id: e}}\n"
					    "- {model_name: openai/o1-*, litellm_params: {model: "
					    "openai/o1-*}, model_info: {id: long}}\n"
					    "- {model_name: 'team-*-prod', litellm_params: {model: "
					    "mistral/*}, model_info: {id: t}}\n"
					    "- {model_name: 'local*', litellm_params: {model: "
					    "ollama/fixed}, model_info: {id: f}}\n");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *routes = matched(config, cases[i].name);

		CU_ASSERT_STRING_EQUAL(routes, cases[i].routes);
		if (strcmp(routes, cases[i].routes) != 0)
			fprintf(stderr, "%s: %s\n", cases[i].name, routes);
	}
	CU_ASSERT_STRING_EQUAL(config_first_model(config), "openai/gpt-5");
	config_free(config);
}

/* "*" leads to what the name says by itself, with the entry's own settings. */
static void test_a_star_alone_takes_what_is_left(void)
{
	struct config *config = read_config("model_list: [{model_name: '*', litellm_params: "
					    "{model: '*', api_key: k, timeout: 7}}]\n"
					    "router_settings: {fallbacks: [{'*': [claude-3]}], "
					    "model_group_alias: {quick: groq/x}}\n");
	struct route_list list = {0};

	CU_ASSERT_STRING_EQUAL(matched(config, "gpt-4o"), "openai gpt-4o, anthropic claude-3");
	CU_ASSERT_STRING_EQUAL(matched(config, "bad-model"), "- -, anthropic claude-3");
	CU_ASSERT_EQUAL_FATAL(config_routes(config, "quick", NULL, 0, &list), 0);
	CU_ASSERT_STRING_EQUAL(list.routes[0].api_key, "k");
	CU_ASSERT_EQUAL(list.routes[0].call.timeout_ms, 7000);
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.names[0], "groq/x");
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.names[1], "x");
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.names[2], "quick");
	route_list_deinit(&list);
	CU_ASSERT_PTR_NULL(config_first_model(config));
	config_free(config);
}

static void test_fallbacks_of_a_pattern_are_those_of_what_fits(void)
{
	struct config *config =
		read_config("model_list:\n"
			    "- {model_name: x/*, litellm_params: {model: ollama/*}}\n"
			    "- {model_name: y, litellm_params: {model: ollama/y}}\n"
			    "router_settings: {fallbacks: [{x/*: [y]}, {x/1: [x/2]}]}\n");

	CU_ASSERT_STRING_EQUAL(route_names(config, "x/1"), "x/1 x/2");
	CU_ASSERT_STRING_EQUAL(route_names(config, "x/3"), "x/3 y");
	CU_ASSERT_STRING_EQUAL(route_names(config, "y"), "y");
	config_free(config);
}

static void test_people_mean_what_fits_a_pattern(void)
{
	struct config *config = read_config(
		"model_list:\n"
		"- {model_name: x/*, litellm_params: {model: hosted_vllm/*}}\n"
		"- {model_name: openai/*, litellm_params: {model: openai/*, api_key: k}}\n"
		"- {model_name: y, litellm_params: {model: hosted_vllm/z}}\n");
	/* clang-format off */
	static const struct {
		const char *name;
		uint32_t count;
		const char *model;
	} cases[] = {
		{"x/1", 1, "1"}, {"gpt-4o", 1, "gpt-4o"}, {"y", 1, "z"}, {"z", 1, "z"},
		{"x/*", 0, ""}, {"*", 0, ""}, {"nobody", 0, ""},
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct route_list list = {0};

		CU_ASSERT_EQUAL_FATAL(config_named_routes(config, cases[i].name, &list), 0);
		CU_ASSERT_EQUAL(list.count, cases[i].count);
		if (list.count > 0)
			CU_ASSERT_STRING_EQUAL(list.routes[0].model, cases[i].model);
		route_list_deinit(&list);
	}
	config_free(config);
}

static void test_people_mean_all_routes_of_a_name(void)
{
	/* clang-format off */
	static const struct {
		const char *name;
		uint32_t count;
	} cases[] = {
		{"a", 5},
		{"x", 5},
		{"ollama/x", 5},
		{"b", 1},
		{"ollama/y", 1},
		{"gpt-4o", 1}, /* by the environment alone */
		{"openai/gpt-4o", 1},
		{"command-r", 0}, /* no key */
		{"bad-model", 0},
		{"", 0},
	};
	/* clang-format on */
	struct config *config = read_with_models("router_settings: {default_fallbacks: [b]}\n");

	clear_environment();
	(void)setenv("OPENAI_API_KEY", KEY, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct route_list list = {0};

		CU_ASSERT_EQUAL_FATAL(config_named_routes(config, cases[i].name, &list), 0);
		CU_ASSERT_EQUAL(list.count, cases[i].count);
		route_list_deinit(&list);
	}
	config_free(config);
	clear_environment();
}

static void test_router_settings_replace_those_of_the_library(void)
{
	struct config *config = read_with_models("litellm_settings: {fallbacks: [{b: [a]}], "
						 "default_fallbacks: [b]}\n"
						 "router_settings: {fallbacks: [{b: [c]}]}\n");

	CU_ASSERT_STRING_EQUAL(route_names(config, "b"), "b1 c1");
	CU_ASSERT_STRING_EQUAL(route_names(config, "c"), "c1 b1");
	config_free(config);
}

static void test_a_list_that_is_too_long_is_refused(void)
{
	struct config *config = read_with_models("");
	struct listed_model names[LULL_ROUTES_MAX + 1];
	struct route_list list = {0};

	for (size_t i = 0; i <= LULL_ROUTES_MAX; i++)
		names[i] = (struct listed_model){"b", NULL};
	CU_ASSERT_EQUAL(config_routes(config, "b", names, LULL_ROUTES_MAX - 1, &list), 0);
	CU_ASSERT_EQUAL(list.count, LULL_ROUTES_MAX);
	route_list_deinit(&list);
	CU_ASSERT_EQUAL(config_routes(config, "b", names, LULL_ROUTES_MAX, &list), -E2BIG);
	CU_ASSERT_PTR_NULL(list.routes);
	config_free(config);
}

/* The tutorial's own call: bad-model never leaves the host, the others are mapped. */
static void test_the_tutorials_call_is_mapped(void)
{
	static const struct listed_model fallbacks[] = {{"gpt-3.5-turbo", NULL},
							{"command-nightly", NULL}};
	struct config *config = read_config("");
	struct route_list list = {0};

	clear_environment();
	(void)setenv("OPENAI_API_KEY", KEY, 1);
	CU_ASSERT_EQUAL_FATAL(config_routes(config, "bad-model", fallbacks, 2, &list), 0);
	CU_ASSERT_EQUAL_FATAL(list.count, 3);
	check_problem(&list, "unable to map 'bad-model' to a provider, expected a prefix such as "
			     "openai/");
	CU_ASSERT_PTR_NULL(list.routes[0].provider);
	CU_ASSERT_PTR_NULL(list.routes[0].call.route_key);
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.label, "bad-model");
	CU_ASSERT_PTR_NULL(list.routes[1].problem);
	CU_ASSERT_STRING_EQUAL(list.routes[1].base_url, "https://api.openai.com/v1");
	CU_ASSERT_STRING_EQUAL(list.routes[1].api_key, KEY);
	CU_ASSERT_STRING_EQUAL(list.routes[1].key_source, "$OPENAI_API_KEY");
	CU_ASSERT_STRING_EQUAL(list.routes[2].provider->name, "cohere");
	CU_ASSERT_STRING_EQUAL(list.routes[2].problem,
			       "no key for cohere, expected $COHERE_API_KEY");
	route_list_deinit(&list);
	config_free(config);
	clear_environment();
}

/* ---- what is not usable says why */

static void test_routes_that_cannot_be_used_say_why(void)
{
	/* clang-format off */
	static const struct {
		const char *name;
		const char *problem;
	} cases[] = {
		{"opneai/gpt-4o", "unable to map 'opneai/gpt-4o' to a provider, expected a prefix such as openai/; did you mean 'openai/gpt-4o'?"},
		{"", "a model name that is empty, has control characters or is no UTF-8"},
		{"a\nb", "a model name that is empty, has control characters or is no UTF-8"},
		{"gpt-4o\xff", "a model name that is empty, has control characters or is no UTF-8"},
		{"openai/*", "'openai/*' names no model, expected one without *"},
		{"*", "'*' names no model, expected one without *"},
		{"claude-3", "no key for anthropic, expected $ANTHROPIC_API_KEY"},
		{"azure/x", "no resource for azure, expected litellm_params.api_base or $AZURE_RESOURCE_NAME"},
		{"bedrock/x", "no region for bedrock, expected litellm_params.aws_region_name or $AWS_REGION_NAME"},
		{"vertex_ai/x", "no location for vertex_ai, expected litellm_params.vertex_location or $VERTEXAI_LOCATION"},
		{"gpt-4o", "no key for openai, expected $OPENAI_API_KEY"},
		{"groq/x", "no key for groq, expected $GROQ_API_KEY"},
	};
	/* clang-format on */
	struct config *config = read_config("");

	clear_environment();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct route_list list = one_route(config, cases[i].name);

		check_problem(&list, cases[i].problem);
		route_list_deinit(&list);
	}
	config_free(config);
}

static void test_a_typed_name_may_have_meant_a_configured_one(void)
{
	struct config *config = read_config(
		"model_list:\n- {model_name: fast-one, litellm_params: {model: ollama/x}}\n"
		"- {model_name: other, litellm_params: {model: fast-onn}}\n");
	struct route_list list = one_route(config, "fsat-one");

	check_problem(&list, "unable to map 'fsat-one' to a provider, expected a prefix such as "
			     "openai/; did you mean 'fast-one'?");
	route_list_deinit(&list);
	list = one_route(config, "other");
	check_problem(&list, "unable to map 'fast-onn' to a provider, expected a prefix such as "
			     "openai/");
	route_list_deinit(&list);
	config_free(config);
}

/* What LiteLLM's form allows and Lull cannot do costs the route, not the file. */
static void test_entries_that_cannot_be_used_say_why(void)
{
	/* clang-format off */
	static const struct {
		const char *params;
		const char *problem;
	} cases[] = {
		{"model: openai/x, api_base: api.openai.com",
		 "api_base is no base URL, expected http:// or https://, a host, no user name and no query (f:3)"},
		{"model: openai/x, base_url: 'https://me:sk-secret@host/'",
		 "base_url is no base URL, expected http:// or https://, a host, no user name and no query (f:3)"},
		{"model: azure/x, api_base: 'https://h/openai/deployments/x?api-version=2024-06-01'",
		 "api_base is no base URL, expected http:// or https://, a host, no user name and no query (f:3)"},
		{"model: openai/x, custom_llm_provider: nobody",
		 "custom_llm_provider 'nobody' is not known, expected one such as openai (f:2)"},
		{"model: openai/x, timeout: os.environ/ROUTES_OTHER", "$ROUTES_OTHER is not set (f:3)"},
		{"model: os.environ/ROUTES_OTHER", "$ROUTES_OTHER is not set (f:3)"},
		{"model: openai/x, extra_headers: {'AI-Resource Group': c}", "'AI-Resource Group' is no header name (f:3)"},
		{"model: openai/x, extra_headers: {'': c}", "'' is no header name (f:3)"},
		{"model: openai/x, extra_headers: {authorization: sk-1}",
		 "header authorization is set by Lull itself, expected another one (f:3)"},
		{"model: openai/x, extra_headers: {X-A: \"sk-1\\r\\nB: c\"}",
		 "header X-A has control characters in its value (f:3)"},
		{"model: openai/x, extra_body: {a: {model: x}, model: x, stream: true}",
		 "'model' in extra_body is set by Lull itself, expected another one (f:3)"},
		{"model: openai/x, extra_body: {stream: true}",
		 "'stream' in extra_body is set by Lull itself, expected another one (f:3)"},
	};
	/* clang-format on */

	clear_environment();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct route_list list = entry_route(cases[i].params);

		check_problem(&list, cases[i].problem);
		route_list_deinit(&list);
	}
}

/* ---- addresses with words in braces */

static void test_an_address_is_filled_in(void)
{
	/* clang-format off */
	static const struct {
		const char *params;
		const char *base;
		const char *path; /* NULL: the usual one */
	} cases[] = {
		{"model: azure/my-gpt, api_key: k, api_base: 'https://R.openai.azure.com/'",
		 "https://r.openai.azure.com", "/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21"},
		{"model: azure/a b, api_key: k, api_version: 2025-01-01-preview, api_base: 'https://r.openai.azure.com'",
		 "https://r.openai.azure.com", "/openai/deployments/a%20b/chat/completions?api-version=2025-01-01-preview"},
		{"model: azure/my-gpt, api_key: k, api_base: 'https://r.openai.azure.com/openai/v1/'",
		 "https://r.openai.azure.com/openai/v1", NULL},
		{"model: openai/x, api_key: k, api_version: 2025-01-01-preview", "https://api.openai.com/v1", NULL},
	};
	/* clang-format on */

	clear_environment();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct route_list list = entry_route(cases[i].params);
		const struct http_route *route = &list.routes[0];

		check_no_problem(&list);
		CU_ASSERT_STRING_EQUAL(route->base_url, cases[i].base);
		CU_ASSERT_EQUAL(!route->path, !cases[i].path);
		if (route->path && cases[i].path)
			CU_ASSERT_STRING_EQUAL(route->path, cases[i].path);
		route_list_deinit(&list);
	}
}

static void test_words_of_an_address_come_from_the_environment_too(void)
{
	struct config *config = read_config("");
	struct route_list list;

	clear_environment();
	(void)setenv("AZURE_RESOURCE_NAME", "res", 1);
	(void)setenv("AZURE_API_KEY", KEY, 1);
	(void)setenv("OPENAI_API_VERSION", "2024-06-01", 1);
	list = one_route(config, "azure/d");
	check_no_problem(&list);
	CU_ASSERT_STRING_EQUAL(list.routes[0].base_url, "https://res.openai.azure.com");
	CU_ASSERT_STRING_EQUAL(list.routes[0].path,
			       "/openai/deployments/d/chat/completions?api-version=2024-06-01");
	CU_ASSERT_FALSE(list.routes[0].key_is_token);
	route_list_deinit(&list);
	(void)setenv("AZURE_RESOURCE_NAME", "evil.example/", 1);
	list = one_route(config, "azure/d");
	check_problem(&list, "the resource of azure is no part of an address, expected letters, "
			     "digits and . _ : -");
	route_list_deinit(&list);
	config_free(config);
	clear_environment();
}

/* A token lives for an hour: where it comes from is what stays the same. */
static void test_tokens_are_identified_by_their_source(void)
{
	struct route_list before, after, configured;

	clear_environment();
	(void)setenv("AZURE_AD_TOKEN", KEY, 1);
	before = entry_route("model: azure/d, api_base: 'https://r.openai.azure.com'");
	(void)setenv("AZURE_AD_TOKEN", OTHER_KEY, 1);
	after = entry_route("model: azure/d, api_base: 'https://r.openai.azure.com'");
	configured = entry_route("model: azure/d, api_base: 'https://h', "
				 "azure_ad_token: os.environ/AZURE_AD_TOKEN");
	check_no_problem(&before);
	check_no_problem(&after);
	check_no_problem(&configured);
	CU_ASSERT_STRING_EQUAL(after.routes[0].api_key, OTHER_KEY);
	CU_ASSERT(after.routes[0].key_is_token && configured.routes[0].key_is_token);
	CU_ASSERT_STRING_EQUAL(before.routes[0].call.credential_key,
			       after.routes[0].call.credential_key);
	CU_ASSERT_STRING_EQUAL(configured.routes[0].call.credential_key,
			       after.routes[0].call.credential_key);
	CU_ASSERT_STRING_EQUAL(before.routes[0].call.credential_key,
			       fingerprint("$AZURE_AD_TOKEN"));
	route_list_deinit(&before);
	route_list_deinit(&after);
	route_list_deinit(&configured);
	(void)setenv("AZURE_API_KEY", KEY, 1);
	before = entry_route("model: azure/d, api_base: 'https://r.openai.azure.com'");
	CU_ASSERT_FALSE(before.routes[0].key_is_token); /* a key comes first */
	CU_ASSERT_STRING_EQUAL(before.routes[0].key_source, "$AZURE_API_KEY");
	route_list_deinit(&before);
	clear_environment();
}

static void test_names_are_never_cut(void)
{
	char name[400], problem[128];
	struct config *config = read_config("");
	struct route_list list;

	clear_environment();
	memset(name, 'x', sizeof(name));
	memcpy(name, "ollama/", 7);
	name[184] = '\0';
	list = one_route(config, name);
	check_no_problem(&list);
	route_list_deinit(&list);
	name[184] = 'x';
	name[185] = '\0';
	list = one_route(config, name);
	check_problem(&list, "a model name of 185 bytes, expected at most 184");
	route_list_deinit(&list);
	memset(name, 'y', 184);
	memcpy(name, "gpt-", 4); /* with openai/ before it, it is too long */
	name[184] = '\0';
	(void)setenv("OPENAI_API_KEY", KEY, 1);
	list = one_route(config, name);
	(void)snprintf(problem, sizeof(problem),
		       "a model name of 191 bytes ('openai/%.25s...'), expected at most 184", name);
	check_problem(&list, problem);
	route_list_deinit(&list);
	config_free(config);
	clear_environment();
}

/* ---- base URLs */

static void test_the_base_comes_from_file_environment_or_default(void)
{
	/* clang-format off */
	static const struct {
		const char *params;
		const char *variable, *value;
		const char *base; /* NULL: see problem */
		const char *problem;
	} cases[] = {
		{"model: openai/x", NULL, NULL, "https://api.openai.com/v1", NULL},
		{"model: openai/x", "OPENAI_BASE_URL", "http://H:1/V1/", "http://h:1/V1", NULL},
		{"model: openai/x", "OPENAI_API_BASE", "http://h:2", "http://h:2", NULL},
		{"model: openai/x", "OPENAI_BASE_URL", "", "https://api.openai.com/v1", NULL},
		{"model: openai/x, api_base: http://f:3/v1", "OPENAI_BASE_URL", "http://h:1", "http://f:3/v1", NULL},
		{"model: openai/x, base_url: http://f:4/v1", NULL, NULL, "http://f:4/v1", NULL},
		{"model: openai/x", "OPENAI_BASE_URL", "nonsense", NULL,
		 "$OPENAI_BASE_URL is no base URL, expected http:// or https://, a host, no user name and no query"},
		{"model: openai/x", "OPENAI_BASE_URL", "https://me:sk-x@h/", NULL,
		 "$OPENAI_BASE_URL is no base URL, expected http:// or https://, a host, no user name and no query"},
		{"model: ollama/x", NULL, NULL, "http://localhost:11434/v1", NULL},
		{"model: ollama/x", "OLLAMA_HOST", "gpu1", "http://gpu1:11434/v1", NULL},
		{"model: ollama_chat/x", NULL, NULL, "http://localhost:11434", NULL},
		{"model: ollama_chat/x", "OLLAMA_HOST", "gpu1", "http://gpu1:11434", NULL},
		{"model: ollama_chat/x", "OLLAMA_API_BASE", "http://gpu1:1/other", "http://gpu1:1/other", NULL},
		{"model: ollama_chat/x, api_base: 'http://gpu2:11434/'", NULL, NULL, "http://gpu2:11434", NULL},
		{"model: ollama/x", "OLLAMA_HOST", "0.0.0.0:99", "http://0.0.0.0:99/v1", NULL},
		{"model: ollama/x", "OLLAMA_HOST", "https://gpu1", "https://gpu1/v1", NULL},
		{"model: ollama/x", "OLLAMA_API_BASE", "http://gpu1:1/other", "http://gpu1:1/other", NULL},
		{"model: ollama/x, api_base: 'http://gpu2:11434/'", NULL, NULL, "http://gpu2:11434/v1", NULL},
		{"model: hosted_vllm/x", "HOSTED_VLLM_API_BASE", "http://gpu3:8000/v1", "http://gpu3:8000/v1", NULL},
		{"model: gemini/x, api_key: k", NULL, NULL, "https://generativelanguage.googleapis.com/v1beta", NULL},
		{"model: gemini/x, api_key: k", "GEMINI_API_BASE", "https://h:1", "https://h:1/v1beta", NULL},
		{"model: gemini/x, api_key: k", "GOOGLE_GEMINI_BASE_URL", "https://h/v1", "https://h/v1", NULL},
		{"model: command-r, api_key: k", NULL, NULL, "https://api.cohere.com/v2", NULL},
		{"model: command-r, api_key: k", "COHERE_API_BASE", "http://h:1", "http://h:1/v2", NULL},
		{"model: openai/x, api_base: os.environ/ROUTES_OTHER", "ROUTES_OTHER", "http://e:5/v1", "http://e:5/v1", NULL},
		{"model: openai/x, api_base: os.environ/ROUTES_OTHER", NULL, NULL, NULL, "$ROUTES_OTHER is not set (f:3)"},
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct route_list list;

		clear_environment();
		(void)setenv("OPENAI_API_KEY", KEY, 1);
		if (cases[i].variable)
			(void)setenv(cases[i].variable, cases[i].value, 1);
		list = entry_route(cases[i].params);
		if (cases[i].problem) {
			check_problem(&list, cases[i].problem);
		} else {
			check_no_problem(&list);
			CU_ASSERT_PTR_NOT_NULL_FATAL(list.routes[0].base_url);
			CU_ASSERT_STRING_EQUAL(list.routes[0].base_url, cases[i].base);
		}
		route_list_deinit(&list);
	}
	clear_environment();
}

/* ---- keys */

static void check_key(const char *params, const char *key, const char *source)
{
	struct route_list list = entry_route(params);
	const struct http_route *route = &list.routes[0];

	check_no_problem(&list);
	if (!key) {
		CU_ASSERT_PTR_NULL(route->api_key);
		CU_ASSERT_PTR_NULL(route->key_source);
		CU_ASSERT_PTR_NULL(route->call.credential_key);
	} else {
		CU_ASSERT_PTR_NOT_NULL_FATAL(route->api_key);
		CU_ASSERT_STRING_EQUAL(route->api_key, key);
		CU_ASSERT_STRING_EQUAL(route->key_source, source);
		CU_ASSERT_STRING_EQUAL(route->call.credential_key, fingerprint(key));
	}
	route_list_deinit(&list);
}

static void test_keys_come_from_file_or_environment(void)
{
	clear_environment();
	(void)setenv("OPENAI_API_KEY", KEY, 1);
	(void)setenv("ROUTES_KEY", OTHER_KEY, 1);
	(void)setenv("TOGETHER_AI_TOKEN", "t1", 1);
	check_key("model: openai/x", KEY, "$OPENAI_API_KEY");
	check_key("model: openai/x, api_key: os.environ/ROUTES_KEY", OTHER_KEY, "$ROUTES_KEY");
	check_key("model: openai/x, api_key: literal", "literal", "f:3");
	check_key("model: openai/x, api_key: ''", KEY, "$OPENAI_API_KEY");
	check_key("model: together_ai/x", "t1", "$TOGETHER_AI_TOKEN");
	(void)setenv("TOGETHER_API_KEY", "t2", 1);
	check_key("model: together_ai/x", "t2", "$TOGETHER_API_KEY");
	check_key("model: ollama/x", NULL, NULL);
	check_key("model: ollama_chat/x", NULL, NULL);
	(void)setenv("ROUTES_KEY", "  " OTHER_KEY "\n",
		     1); /* as `export X=$(cat file)` may leave it */
	check_key("model: openai/x, api_key: os.environ/ROUTES_KEY", OTHER_KEY, "$ROUTES_KEY");
	clear_environment();
}

static void test_keys_from_the_environment_stay_with_their_vendor(void)
{
	struct route_list list;

	clear_environment();
	(void)setenv("OPENAI_API_KEY", KEY, 1);
	(void)setenv("GROQ_API_KEY", OTHER_KEY, 1);
	(void)setenv("HOSTED_VLLM_API_KEY", "v", 1);
	check_key("model: openai/x, api_base: http://gpu1:8000/v1", NULL, NULL);
	check_key("model: openai/x, api_base: 'https://api.openai.com/v1/'", KEY,
		  "$OPENAI_API_KEY");
	check_key("model: x, api_base: 'https://api.groq.com/openai/v1'", OTHER_KEY,
		  "$GROQ_API_KEY");
	check_key("model: openai/x, api_base: 'https://api.groq.com/openai/v1'", NULL, NULL);
	check_key("model: hosted_vllm/x, api_base: http://gpu1:8000/v1", "v",
		  "$HOSTED_VLLM_API_KEY");
	list = entry_route("model: groq/x, api_base: http://gateway/v1");
	check_problem(&list, "no key: $GROQ_API_KEY is not sent to gateway, expected "
			     "litellm_params.api_key");
	route_list_deinit(&list);
	/* both from the environment: whoever set the one has set the other */
	(void)setenv("OPENAI_BASE_URL", "http://gateway:9/v1", 1);
	check_key("model: openai/x", KEY, "$OPENAI_API_KEY");
	(void)unsetenv("OPENAI_API_KEY");
	check_key("model: openai/x", NULL, NULL);
	clear_environment();
}

static void test_the_file_may_hold_variables(void)
{
	/* clang-format off */
	static const struct {
		const char *variables, *params;
		const char *base_url, *api_key, *source;
	} cases[] = {
		{"OPENAI_API_KEY: f", "model: openai/x", "https://api.openai.com/v1", "f", "$OPENAI_API_KEY"},
		{"MINE: f", "model: openai/x, api_key: os.environ/MINE", "https://api.openai.com/v1", "f", "$MINE"},
		{"MINE: 'http://h/v1'", "model: hosted_vllm/x, api_base: os.environ/MINE", "http://h/v1", NULL, NULL},
		/* the environment comes first */
		{"GROQ_API_KEY: f", "model: groq/x", "https://api.groq.com/openai/v1", KEY, "$GROQ_API_KEY"},
		{"ROUTES_KEY: f", "model: groq/x, api_key: os.environ/ROUTES_KEY", "https://api.groq.com/openai/v1", OTHER_KEY, "$ROUTES_KEY"},
		/* the environment's key goes to no host of the file, the file's may */
		{"OPENAI_API_BASE: 'http://h/v1'", "model: openai/x", "http://h/v1", NULL, NULL},
		{"GROQ_API_BASE: 'http://h/v1', GROQ_API_KEY: f", "model: groq/x", "http://h/v1", "f", "$GROQ_API_KEY"},
		{"GROQ_API_KEY: f", "model: groq/x, api_base: http://h/v1", "http://h/v1", "f", "$GROQ_API_KEY"},
		/* and it may itself stand elsewhere */
		{"OPENAI_API_KEY: os.environ/ROUTES_KEY", "model: openai/x", "https://api.openai.com/v1", OTHER_KEY, "$OPENAI_API_KEY"},
		{"OPENAI_API_KEY: 5, OTHER: ~, EMPTY: ''", "model: openai/x", "https://api.openai.com/v1", "5", "$OPENAI_API_KEY"},
	};
	/* clang-format on */

	clear_environment();
	(void)setenv("GROQ_API_KEY", KEY, 1);
	(void)setenv("ROUTES_KEY", OTHER_KEY, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];
		struct config *config;
		struct route_list list;

		(void)snprintf(text, sizeof(text),
			       "model_list: [{model_name: m, litellm_params: {%s}}]\n"
			       "environment_variables: {%s}\n",
			       cases[i].params, cases[i].variables);
		config = read_config(text);
		list = one_route(config, "m");
		check_no_problem(&list);
		CU_ASSERT_STRING_EQUAL(list.routes[0].base_url, cases[i].base_url);
		CU_ASSERT(
			text_is(list.routes[0].api_key, cases[i].api_key ? cases[i].api_key : "") ||
			(!list.routes[0].api_key && !cases[i].api_key));
		CU_ASSERT(text_is(list.routes[0].key_source,
				  cases[i].source ? cases[i].source : "") ||
			  (!list.routes[0].key_source && !cases[i].source));
		route_list_deinit(&list);
		config_free(config);
	}
	CU_ASSERT_PTR_NULL(getenv("OPENAI_API_KEY"));
	clear_environment();
}

static void test_missing_keys_are_named(void)
{
	struct route_list list;

	clear_environment();
	list = entry_route("model: openai/x, api_key: os.environ/ROUTES_KEY");
	check_problem(&list, "no key: $ROUTES_KEY is not set (f:3)");
	route_list_deinit(&list);
	(void)setenv("ROUTES_KEY", " \n", 1);
	list = entry_route("model: openai/x, api_key: os.environ/ROUTES_KEY");
	check_problem(&list, "the key in $ROUTES_KEY is empty or has control characters");
	route_list_deinit(&list);
	(void)setenv("ROUTES_KEY", "sk-x\r\nX-Evil: 1", 1);
	list = entry_route("model: openai/x, api_key: os.environ/ROUTES_KEY");
	check_problem(&list, "the key in $ROUTES_KEY is empty or has control characters");
	route_list_deinit(&list);
	clear_environment();
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT(fputs(text, file) >= 0);
	CU_ASSERT_EQUAL(fclose(file), 0);
}

/* A key file is renewed in place, so the file is the identity, not its content. */
static void test_key_files_are_identified_by_their_path(void)
{
	char path[] = "/tmp/lull-test-key-XXXXXX", params[128], identity[64];
	struct route_list before, after;
	int fd = mkstemp(path);

	CU_ASSERT_FATAL(fd >= 0);
	(void)close(fd);
	clear_environment();
	(void)snprintf(params, sizeof(params), "model: openai/x, api_key: 'file:%s'", path);
	(void)snprintf(identity, sizeof(identity), "file:%s", path);
	write_file(path, KEY "\n");
	before = entry_route(params);
	write_file(path, OTHER_KEY "\n");
	after = entry_route(params);
	check_no_problem(&before);
	check_no_problem(&after);
	CU_ASSERT_STRING_EQUAL(before.routes[0].api_key, KEY);
	CU_ASSERT_STRING_EQUAL(after.routes[0].api_key, OTHER_KEY);
	CU_ASSERT_STRING_EQUAL(after.routes[0].key_source, path);
	CU_ASSERT_STRING_EQUAL(before.routes[0].call.credential_key, fingerprint(identity));
	CU_ASSERT_STRING_EQUAL(before.routes[0].call.credential_key,
			       after.routes[0].call.credential_key);
	CU_ASSERT_STRING_EQUAL(before.routes[0].call.route_key, after.routes[0].call.route_key);
	route_list_deinit(&before);
	route_list_deinit(&after);
	(void)unlink(path);
}

static void test_key_files_that_cannot_be_read_are_named(void)
{
	char path[] = "/tmp/lull-test-key-XXXXXX", params[128], problem[256];
	char *large = calloc(1, 65537);
	struct route_list list;

	CU_ASSERT_PTR_NOT_NULL_FATAL(large);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(path));
	clear_environment();
	(void)snprintf(params, sizeof(params), "model: openai/x, api_key: 'file:%s/k'", path);

	(void)snprintf(problem, sizeof(problem),
		       "no key: %s/k cannot be read: No such file or directory", path);
	list = entry_route(params);
	check_problem(&list, problem);
	route_list_deinit(&list);

	(void)snprintf(problem, sizeof(problem), "%s/k", path);
	CU_ASSERT_EQUAL(mkfifo(problem, 0600), 0); /* without a writer: it must not wait */
	(void)snprintf(problem, sizeof(problem), "no key: %s/k cannot be read: Invalid argument",
		       path);
	list = entry_route(params);
	check_problem(&list, problem);
	route_list_deinit(&list);

	(void)snprintf(problem, sizeof(problem), "%s/k", path);
	(void)unlink(problem);
	memset(large, 'k', 65536);
	write_file(problem, large);
	(void)snprintf(problem, sizeof(problem), "no key: %s/k cannot be read: File too large",
		       path);
	list = entry_route(params);
	check_problem(&list, problem);
	route_list_deinit(&list);

	(void)snprintf(problem, sizeof(problem), "%s/k", path);
	write_file(problem, "");
	(void)snprintf(problem, sizeof(problem),
		       "the key in %s/k is empty or has control characters", path);
	list = entry_route(params);
	check_problem(&list, problem);
	route_list_deinit(&list);

	(void)snprintf(problem, sizeof(problem), "%s/k", path);
	(void)unlink(problem);
	(void)rmdir(path);
	free(large);
}

/* ---- identity */

static void test_keys_of_the_table_are_as_documented(void)
{
	struct route_list list;
	const struct lull_route *call;
	char expected[256];

	clear_environment();
	list = entry_route("model: groq/llama-3.1, api_key: " KEY
			   ", api_base: 'HTTPS://API.Groq.com:443/openai/v1/'");
	call = &list.routes[0].call;
	check_no_problem(&list);
	(void)snprintf(expected, sizeof(expected), "llama-3.1@https://api.groq.com/openai/v1#%s",
		       fingerprint(KEY));
	CU_ASSERT_STRING_EQUAL(call->route_key, expected);
	CU_ASSERT_STRING_EQUAL(call->credential_key, fingerprint(KEY));
	CU_ASSERT_STRING_EQUAL(call->endpoint_key, "https://api.groq.com:443");
	CU_ASSERT_STRING_EQUAL(call->names[0], "m");
	CU_ASSERT_STRING_EQUAL(call->names[1], "llama-3.1");
	CU_ASSERT_STRING_EQUAL(call->names[2], "groq/llama-3.1");
	CU_ASSERT_STRING_EQUAL(call->label, "m (groq/llama-3.1)");
	CU_ASSERT_EQUAL(call->flags, 0);
	CU_ASSERT_EQUAL(call->vendor, provider_vendor("groq"));
	CU_ASSERT_EQUAL(call->abi_version, LULL_ABI_VERSION);
	route_list_deinit(&list);
}

/* The other form of a vendor may have models that the usual one has not; the key is one. */
static void test_a_vendors_other_form_is_a_route_of_its_own(void)
{
	struct route_list chat, responses;
	char expected[256];

	clear_environment();
	(void)setenv("OPENAI_API_KEY", KEY, 1);
	chat = entry_route("model: openai/gpt-5");
	responses = entry_route("model: openai/responses/gpt-5");
	check_no_problem(&responses);
	(void)snprintf(expected, sizeof(expected), "gpt-5@https://api.openai.com/v1[responses]#%s",
		       fingerprint(KEY));
	CU_ASSERT_STRING_EQUAL(responses.routes[0].call.route_key, expected);
	CU_ASSERT_STRING_NOT_EQUAL(chat.routes[0].call.route_key, expected);
	CU_ASSERT_STRING_EQUAL(responses.routes[0].call.credential_key,
			       chat.routes[0].call.credential_key);
	CU_ASSERT_STRING_EQUAL(responses.routes[0].call.endpoint_key,
			       chat.routes[0].call.endpoint_key);
	CU_ASSERT_EQUAL(responses.routes[0].call.vendor, chat.routes[0].call.vendor);
	CU_ASSERT_STRING_EQUAL(responses.routes[0].call.names[2], "openai/responses/gpt-5");
	route_list_deinit(&chat);
	route_list_deinit(&responses);
	clear_environment();
}

static void test_names_stand_once(void)
{
	struct config *config = read_config("");
	struct route_list list;

	clear_environment();
	(void)setenv("OPENAI_API_KEY", KEY, 1);
	list = one_route(config, "gpt-4o");
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.names[0], "gpt-4o");
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.names[1], "openai/gpt-4o");
	CU_ASSERT_PTR_NULL(list.routes[0].call.names[2]);
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.label, "gpt-4o");
	route_list_deinit(&list);
	list = one_route(config, "openai/gpt-4o");
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.names[0], "openai/gpt-4o");
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.names[1], "gpt-4o");
	CU_ASSERT_PTR_NULL(list.routes[0].call.names[2]);
	route_list_deinit(&list);
	config_free(config);
	clear_environment();
}

static void test_loopback_carries_its_network_namespace(void)
{
	char expected[256];
	struct route_list list;

	clear_environment();
	CU_ASSERT_NOT_EQUAL(network_namespace(), 0);
	list = entry_route("model: openai/x, api_base: http://127.0.0.1:8000/v1");
	CU_ASSERT(list.routes[0].call.flags & LULL_ROUTE_LOOPBACK);
	(void)snprintf(expected, sizeof(expected), "http://127.0.0.1:8000[net:%lu]",
		       network_namespace());
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.endpoint_key, expected);
	(void)snprintf(expected, sizeof(expected), "x@http://127.0.0.1:8000/v1[net:%lu]",
		       network_namespace());
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.route_key, expected);
	CU_ASSERT_PTR_NULL(list.routes[0].call.credential_key);
	CU_ASSERT_STRING_EQUAL(list.routes[0].base_url, "http://127.0.0.1:8000/v1");
	route_list_deinit(&list);
}

static void test_a_proxied_endpoint_is_the_proxy(void)
{
	char expected[256];
	struct route_list list;

	clear_environment();
	(void)setenv("https_proxy", "http://me:sk-secret@Proxy:3128", 1);
	(void)setenv("OPENAI_API_KEY", KEY, 1);
	list = entry_route("model: openai/x");
	check_no_problem(&list);
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.endpoint_key, "proxy:http://proxy:3128");
	CU_ASSERT_STRING_EQUAL(list.routes[0].proxy, "http://me:sk-secret@Proxy:3128");
	CU_ASSERT_EQUAL(list.routes[0].call.flags, 0);
	route_list_deinit(&list);

	(void)setenv("no_proxy", "openai.com", 1);
	list = entry_route("model: openai/x");
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.endpoint_key, "https://api.openai.com:443");
	CU_ASSERT_PTR_NULL(list.routes[0].proxy);
	route_list_deinit(&list);
	(void)unsetenv("no_proxy");

	(void)setenv("https_proxy", "127.0.0.1:9", 1); /* what is behind it is not on this host */
	list = entry_route("model: openai/x");
	(void)snprintf(expected, sizeof(expected), "proxy:http://127.0.0.1:9[net:%lu]",
		       network_namespace());
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.endpoint_key, expected);
	CU_ASSERT_EQUAL(list.routes[0].call.flags, 0);
	route_list_deinit(&list);

	(void)setenv("https_proxy", "ftp://me:sk-secret@x", 1);
	list = entry_route("model: openai/x");
	check_problem(&list,
		      "$https_proxy is no proxy, expected http://, https:// or socks5h://, a "
		      "host and a port");
	route_list_deinit(&list);
	clear_environment();
}

static void test_the_files_proxy_overrules_the_environment(void)
{
	static const char text[] =
		"lull: {proxy: 'socks5h://all'}\n"
		"model_list:\n"
		"- {model_name: own, litellm_params: {model: openai/a}, lull: {proxy: 'own:1'}}\n"
		"- {model_name: none, litellm_params: {model: openai/a}, lull: {proxy: ''}}\n"
		"- {model_name: all, litellm_params: {model: openai/a}}\n";
	struct config *config = read_config(text);
	struct route_list list;

	clear_environment();
	(void)setenv("OPENAI_API_KEY", KEY, 1);
	(void)setenv("https_proxy", "http://environment:1", 1);
	CU_ASSERT_EQUAL_FATAL(config_all_routes(config, &list), 0);
	CU_ASSERT_EQUAL_FATAL(list.count, 3);
	CU_ASSERT_STRING_EQUAL(list.routes[0].call.endpoint_key, "proxy:http://own:1");
	CU_ASSERT_STRING_EQUAL(list.routes[1].call.endpoint_key, "https://api.openai.com:443");
	CU_ASSERT_STRING_EQUAL(list.routes[2].call.endpoint_key, "proxy:socks5h://all:1080");
	route_list_deinit(&list);
	config_free(config);
	clear_environment();
}

static void test_long_keys_keep_a_readable_head(void)
{
	char params[1024], path[600];
	struct route_list list;

	clear_environment();
	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	(void)snprintf(params, sizeof(params), "model: openai/x, api_base: 'http://host/%s'", path);
	list = entry_route(params);
	check_no_problem(&list);
	CU_ASSERT(strlen(list.routes[0].call.route_key) <= LULL_KEY_BYTES_MAX);
	CU_ASSERT_EQUAL(strncmp(list.routes[0].call.route_key, "x@http://host/ppp", 17), 0);
	route_list_deinit(&list);
}

static void test_vendors_are_told_apart(void)
{
	/* clang-format off */
	static const struct {
		const char *params;
		const char *vendor;
	} cases[] = {
		{"model: openai/x, api_key: k", "openai"},
		{"model: openai/x, api_base: http://gpu1:8000/v1", "gpu1"},
		{"model: openai/x, api_base: http://gpu1:9000/v1", "gpu1"},
		{"model: openai/x, api_base: http://gpu2:8000/v1", "gpu2"},
		{"model: openai/x, api_base: 'https://api.groq.com/openai/v1'", "groq"},
		{"model: groq/x, api_key: k", "groq"},
		{"model: groq/x, api_key: k, api_base: http://gateway/v1", "groq"},
		{"model: ollama/x", "ollama"},
		{"model: ollama_chat/x", "ollama"},
	};
	/* clang-format on */

	clear_environment();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct route_list list = entry_route(cases[i].params);

		CU_ASSERT_EQUAL(list.routes[0].call.vendor, provider_vendor(cases[i].vendor));
		route_list_deinit(&list);
	}
}

/* ---- limits and additions */

static void test_limits_reach_the_route(void)
{
	static const char text[] =
		"router_settings: {timeout: 20, stream_timeout: 7}\n"
		"lull: {connect_timeout: 1, idle_timeout: 2, total_timeout: 3, ca_file: /all.pem}\n"
		"model_list:\n"
		"- model_name: a\n"
		"  litellm_params: {model: ollama/a, timeout: 4, stream_timeout: 5, cooldown_time: "
		"0}\n"
		"  lull: {connect_timeout: 600ms, first_content_timeout: 9, total_timeout: 0,\n"
		"         stream_upstream: yes, ca_file: /own.pem}\n"
		"- model_name: b\n"
		"  litellm_params: {model: ollama/b}\n";
	struct config *config = read_config(text);
	struct route_list list;
	const struct http_route *a, *b;

	clear_environment();
	CU_ASSERT_EQUAL_FATAL(config_all_routes(config, &list), 0);
	CU_ASSERT_EQUAL_FATAL(list.count, 2);
	a = &list.routes[0];
	b = &list.routes[1];
	CU_ASSERT_EQUAL(a->call.timeout_ms, 4000);
	CU_ASSERT_EQUAL(a->stream_timeout_ms, 5000);
	CU_ASSERT_EQUAL(a->call.cooldown_ms, 0);
	CU_ASSERT_EQUAL(a->call.connect_ms, 600);
	CU_ASSERT_EQUAL(a->call.first_content_ms, 9000);
	CU_ASSERT_EQUAL(a->call.idle_ms, 2000);
	CU_ASSERT_EQUAL(a->call.total_ms, 0);
	CU_ASSERT_TRUE(a->stream_upstream);
	CU_ASSERT_STRING_EQUAL(a->ca_file, "/own.pem");
	CU_ASSERT_EQUAL(b->call.timeout_ms, 20000);
	CU_ASSERT_EQUAL(b->stream_timeout_ms, 7000);
	CU_ASSERT_EQUAL(b->call.cooldown_ms, LULL_UNSET);
	CU_ASSERT_EQUAL(b->call.connect_ms, 1000);
	CU_ASSERT_EQUAL(b->call.first_content_ms, 0);
	CU_ASSERT_EQUAL(b->call.total_ms, 3000);
	CU_ASSERT_FALSE(b->stream_upstream);
	CU_ASSERT_STRING_EQUAL(b->ca_file, "/all.pem");
	route_list_deinit(&list);
	config_free(config);
}

/* Where LiteLLM looks for them: in the entry, in litellm_params, in model_info. */
static void test_limits_for_all_processes_reach_the_route(void)
{
	static const char text[] =
		"router_settings: {default_max_parallel_requests: 5}\n"
		"lull: {credential_rpm: 600, credential_max_parallel_requests: 64, burst: 3s}\n"
		"model_list:\n"
		"- {model_name: a, rpm: 1, model_info: {rpm: 3, tpm: 4},\n"
		"   litellm_params: {model: openai/a, api_key: k, rpm: 2, tpm: \"90000\", "
		"max_parallel_requests: 7}}\n"
		"- {model_name: b, model_info: {rpm: 3, tpm: 4}, litellm_params: {model: openai/b, "
		"api_key: k},\n"
		"   lull: {credential_rpm: 60, credential_tpm: 9, burst: 500ms}}\n";
	static const struct {
		struct lull_limits route, credential;
	} expected[] = {
		{{1, 90000, 7, 3000}, {600, 0, 64, 3000}},
		{{3, 4, 5, 500}, {60, 9, 64, 500}},
	};
	struct config *config = read_config(text);
	struct route_list list;

	CU_ASSERT_EQUAL_FATAL(config_all_routes(config, &list), 0);
	CU_ASSERT_EQUAL_FATAL(list.count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct lull_route *call = &list.routes[i].call;

		CU_ASSERT_EQUAL(
			memcmp(&call->limits, &expected[i].route, sizeof(struct lull_limits)), 0);
		CU_ASSERT_EQUAL(memcmp(&call->credential_limits, &expected[i].credential,
				       sizeof(struct lull_limits)),
				0);
	}
	route_list_deinit(&list);
	config_free(config);
	config = read_config("model_list: [{model_name: a, litellm_params: {model: ollama/a}}]\n");
	CU_ASSERT_EQUAL_FATAL(config_all_routes(config, &list), 0);
	CU_ASSERT_EQUAL(memcmp(&list.routes[0].call.limits, &(struct lull_limits){0},
			       sizeof(struct lull_limits)),
			0);
	route_list_deinit(&list);
	config_free(config);
}

static void test_a_call_may_bring_limits_by_name(void)
{
	static const struct {
		const char *text;
		int rc;
		struct lull_limits first, second;
		const char *error;
	} cases[] = {
		{"fast:parallel=3", 0, {500, 900, 3, 0}, {0, 0, 3, 0}, ""},
		{"ollama/a:rpm=7", 0, {7, 900, 0, 0}, {0, 0, 0, 0}, ""}, /* provider/upstream */
		{"a:rpm=7,tpm=8,parallel=9", 0, {7, 8, 9, 0}, {0, 0, 0, 0}, ""},
		{"alias:tpm=5", 0, {500, 5, 0, 0}, {0, 5, 0, 0}, ""},
		{"fats:rpm=7",
		 -EINVAL,
		 {500, 900, 0, 0},
		 {0, 0, 0, 0},
		 "'fats:rpm=7': no model of this call is called 'fats'"},
		{"fast:rpm=0",
		 -EINVAL,
		 {500, 900, 0, 0},
		 {0, 0, 0, 0},
		 "'fast:rpm=0': expected rpm=N, a whole number from 1 to 1000000000"},
	};
	struct config *config = read_config(
		"router_settings: {model_group_alias: {alias: fast}}\n"
		"model_list:\n"
		"- {model_name: fast, litellm_params: {model: ollama/a, rpm: 500, tpm: 900}}\n"
		"- {model_name: fast, litellm_params: {model: ollama/b}}\n");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[CONFIG_MESSAGE_BYTES_MAX] = "";
		struct route_list list;

		CU_ASSERT_EQUAL_FATAL(config_routes(config, "alias", NULL, 0, &list), 0);
		CU_ASSERT_EQUAL_FATAL(list.count, 2);
		CU_ASSERT_EQUAL(route_list_limit(&list, cases[i].text, error), cases[i].rc);
		CU_ASSERT_STRING_EQUAL(error, cases[i].error);
		CU_ASSERT_EQUAL(memcmp(&list.routes[0].call.limits, &cases[i].first,
				       sizeof(struct lull_limits)),
				0);
		CU_ASSERT_EQUAL(memcmp(&list.routes[1].call.limits, &cases[i].second,
				       sizeof(struct lull_limits)),
				0);
		route_list_deinit(&list);
	}
	config_free(config);
}

/* Of a name that is too long to be one, the head is no name either. */
static void test_a_limit_of_a_name_that_is_too_long_is_of_none(void)
{
	char name[LULL_KEY_BYTES_MAX + 1], text[LULL_KEY_BYTES_MAX + 32];
	char error[CONFIG_MESSAGE_BYTES_MAX];
	struct http_route route = {.name = name};
	struct route_list list = {&route, 1};

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	(void)snprintf(text, sizeof(text), "%s:rpm=1", name);
	CU_ASSERT_EQUAL(route_list_limit(&list, text, error), 0);
	(void)snprintf(text, sizeof(text), "%sx:rpm=2", name);
	CU_ASSERT_EQUAL(route_list_limit(&list, text, error), -EINVAL);
	CU_ASSERT_EQUAL(route.call.limits.rpm, 1);
}

static void test_the_provider_may_be_named_apart(void)
{
	/* clang-format off */
	static const struct {
		const char *params;
		const char *provider;
		const char *model;
	} cases[] = {
		{"model: my-model, custom_llm_provider: groq, api_key: k", "groq", "my-model"},
		{"model: groq/my-model, custom_llm_provider: groq, api_key: k", "groq", "my-model"},
		{"model: gpt-4o, custom_llm_provider: openai, api_key: k", "openai", "gpt-4o"},
		{"model: openai/gpt-4o, custom_llm_provider: openrouter, api_key: k", "openrouter", "openai/gpt-4o"},
		{"model: llama3, custom_llm_provider: ollama_chat", "ollama_chat", "llama3"},
		{"model: gpt-5, custom_llm_provider: openai/responses, api_key: k", "openai/responses", "gpt-5"},
	};
	/* clang-format on */

	clear_environment();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct route_list list = entry_route(cases[i].params);

		check_no_problem(&list);
		CU_ASSERT_STRING_EQUAL(list.routes[0].provider->name, cases[i].provider);
		CU_ASSERT_STRING_EQUAL(list.routes[0].model, cases[i].model);
		route_list_deinit(&list);
	}
}

static void test_openrouter_is_told_who_asks(void)
{
	static const struct {
		const char *params;
		const char *first; /* headers; NULL none */
		const char *second;
	} cases[] = {
		{"model: openrouter/a/b, api_key: k", "HTTP-Referer: https://me.example",
		 "X-Title: my program"},
		{"model: openrouter/a/b, api_key: k, extra_headers: {x-title: other}",
		 "x-title: other", "HTTP-Referer: https://me.example"},
		{"model: groq/a, api_key: k", NULL, NULL},
	};

	clear_environment();
	(void)setenv("OR_SITE_URL", "https://me.example", 1);
	(void)setenv("OR_APP_NAME", "my program", 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct route_list list = entry_route(cases[i].params);
		char **headers = list.routes[0].headers;

		check_no_problem(&list);
		if (cases[i].first) {
			CU_ASSERT_PTR_NOT_NULL_FATAL(headers);
			CU_ASSERT_STRING_EQUAL(headers[0], cases[i].first);
			CU_ASSERT_STRING_EQUAL(headers[1], cases[i].second);
			CU_ASSERT_PTR_NULL(headers[2]);
		} else {
			CU_ASSERT_PTR_NULL(headers);
		}
		route_list_deinit(&list);
	}
	clear_environment();
}

static void test_openrouter_is_told_what_the_file_says(void)
{
	struct config *config =
		read_config("model_list: [{model_name: m, litellm_params: "
			    "{model: openrouter/a/b, api_key: k}}]\n"
			    "environment_variables: {OR_SITE_URL: 'https://f.example', "
			    "OR_APP_NAME: f}\n");
	struct route_list list;

	clear_environment();
	(void)setenv("OR_APP_NAME", "my program", 1);
	list = one_route(config, "m");
	check_no_problem(&list);
	CU_ASSERT_PTR_NOT_NULL_FATAL(list.routes[0].headers[0]);
	CU_ASSERT_STRING_EQUAL(list.routes[0].headers[0], "HTTP-Referer: https://f.example");
	CU_ASSERT_STRING_EQUAL(list.routes[0].headers[1], "X-Title: my program");
	route_list_deinit(&list);
	config_free(config);
	clear_environment();
}

static void test_fireworks_models_have_a_place(void)
{
	static const struct {
		const char *params;
		const char *model;
	} cases[] = {
		{"model: fireworks_ai/llama-v3p1-8b-instruct, api_key: k",
		 "accounts/fireworks/models/llama-v3p1-8b-instruct"},
		{"model: fireworks_ai/accounts/me/models/x, api_key: k", "accounts/me/models/x"},
		{"model: groq/llama-3.1-8b-instant, api_key: k", "llama-3.1-8b-instant"},
	};

	clear_environment();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct route_list list = entry_route(cases[i].params);

		check_no_problem(&list);
		CU_ASSERT_STRING_EQUAL(list.routes[0].model, cases[i].model);
		route_list_deinit(&list);
	}
}

static void test_defaults_reach_the_route(void)
{
	/* clang-format off */
	static const struct {
		const char *params;
		const char *defaults; /* NULL none */
	} cases[] = {
		{"model: ollama/x", NULL},
		{"model: ollama/x, temperature: ~", NULL},
		{"model: ollama/x, temperature: 0.20", "{\"temperature\":0.20}"},
		{"model: ollama/x, stop: [a, 'b\"'], max_tokens: 5, user: yes, top_p: '1'",
		 "{\"top_p\":\"1\",\"max_tokens\":5,\"stop\":[\"a\",\"b\\\"\"],\"user\":true}"},
		{"model: ollama/x, seed: os.environ/ROUTES_OTHER, thinking: {budget_tokens: os.environ/ROUTES_OTHER}",
		 "{\"seed\":7,\"thinking\":{\"budget_tokens\":7}}"},
	};
	/* clang-format on */
	struct route_list list;

	clear_environment();
	(void)setenv("ROUTES_OTHER", "7", 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		list = entry_route(cases[i].params);
		check_no_problem(&list);
		CU_ASSERT_EQUAL(!list.routes[0].defaults, !cases[i].defaults);
		if (list.routes[0].defaults && cases[i].defaults)
			CU_ASSERT_STRING_EQUAL(list.routes[0].defaults, cases[i].defaults);
		route_list_deinit(&list);
	}
	clear_environment();
	list = entry_route("model: ollama/x, seed: os.environ/ROUTES_OTHER");
	check_problem(&list, "$ROUTES_OTHER is not set (f:3)");
	route_list_deinit(&list);
	list = entry_route("model: ollama/x, extra_body: {a: [os.environ/ROUTES_OTHER]}");
	check_problem(&list, "$ROUTES_OTHER is not set (f:3)");
	route_list_deinit(&list);
}

static void test_additions_reach_the_route(void)
{
	struct route_list list;
	const struct http_route *route;

	clear_environment();
	(void)setenv("ROUTES_OTHER", "org-1", 1);
	list = entry_route(
		"model: my-model, custom_llm_provider: openai, api_key: k, organization: "
		"os.environ/ROUTES_OTHER, extra_headers: {X-A: 1, X-B: os.environ/ROUTES_OTHER}, "
		"extra_body: {a: 1, b: [yes, 'yes', ~, 1.50, -0, 0x1, 1e999, text], c: {}}");
	route = &list.routes[0];
	check_no_problem(&list);
	CU_ASSERT_STRING_EQUAL(route->model, "my-model");
	CU_ASSERT_STRING_EQUAL(route->organization, "org-1");
	CU_ASSERT_PTR_NOT_NULL_FATAL(route->headers);
	CU_ASSERT_STRING_EQUAL(route->headers[0], "X-A: 1");
	CU_ASSERT_STRING_EQUAL(route->headers[1], "X-B: org-1");
	CU_ASSERT_PTR_NULL(route->headers[2]);
	CU_ASSERT_STRING_EQUAL(
		route->extra_body,
		"{\"a\":1,\"b\":[true,\"yes\",null,1.50,0,\"0x1\",1e999,\"text\"],\"c\":{}}");
	route_list_deinit(&list);
	clear_environment();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_entries_of_one_name_are_tried_by_order_then_as_listed),
		CUNIT_TEST(test_configured_fallbacks_follow),
		CUNIT_TEST(test_given_fallbacks_replace_the_configured_ones),
		CUNIT_TEST(test_an_alias_is_another_name),
		CUNIT_TEST(test_an_alias_is_no_part_of_the_label),
		CUNIT_TEST(test_patterns_stand_for_many_names),
		CUNIT_TEST(test_a_star_alone_takes_what_is_left),
		CUNIT_TEST(test_fallbacks_of_a_pattern_are_those_of_what_fits),
		CUNIT_TEST(test_people_mean_what_fits_a_pattern),
		CUNIT_TEST(test_people_mean_all_routes_of_a_name),
		CUNIT_TEST(test_router_settings_replace_those_of_the_library),
		CUNIT_TEST(test_a_list_that_is_too_long_is_refused),
		CUNIT_TEST(test_the_tutorials_call_is_mapped),
		CUNIT_TEST(test_routes_that_cannot_be_used_say_why),
		CUNIT_TEST(test_a_typed_name_may_have_meant_a_configured_one),
		CUNIT_TEST(test_entries_that_cannot_be_used_say_why),
		CUNIT_TEST(test_an_address_is_filled_in),
		CUNIT_TEST(test_words_of_an_address_come_from_the_environment_too),
		CUNIT_TEST(test_tokens_are_identified_by_their_source),
		CUNIT_TEST(test_names_are_never_cut),
		CUNIT_TEST(test_the_base_comes_from_file_environment_or_default),
		CUNIT_TEST(test_keys_come_from_file_or_environment),
		CUNIT_TEST(test_keys_from_the_environment_stay_with_their_vendor),
		CUNIT_TEST(test_the_file_may_hold_variables),
		CUNIT_TEST(test_missing_keys_are_named),
		CUNIT_TEST(test_key_files_are_identified_by_their_path),
		CUNIT_TEST(test_key_files_that_cannot_be_read_are_named),
		CUNIT_TEST(test_keys_of_the_table_are_as_documented),
		CUNIT_TEST(test_a_vendors_other_form_is_a_route_of_its_own),
		CUNIT_TEST(test_names_stand_once),
		CUNIT_TEST(test_loopback_carries_its_network_namespace),
		CUNIT_TEST(test_a_proxied_endpoint_is_the_proxy),
		CUNIT_TEST(test_the_files_proxy_overrules_the_environment),
		CUNIT_TEST(test_long_keys_keep_a_readable_head),
		CUNIT_TEST(test_vendors_are_told_apart),
		CUNIT_TEST(test_limits_reach_the_route),
		CUNIT_TEST(test_limits_for_all_processes_reach_the_route),
		CUNIT_TEST(test_a_call_may_bring_limits_by_name),
		CUNIT_TEST(test_a_limit_of_a_name_that_is_too_long_is_of_none),
		CUNIT_TEST(test_the_provider_may_be_named_apart),
		CUNIT_TEST(test_openrouter_is_told_who_asks),
		CUNIT_TEST(test_openrouter_is_told_what_the_file_says),
		CUNIT_TEST(test_fireworks_models_have_a_place),
		CUNIT_TEST(test_defaults_reach_the_route),
		CUNIT_TEST(test_additions_reach_the_route),
	};

	return CUNIT_MAIN("routes", tests);
}
