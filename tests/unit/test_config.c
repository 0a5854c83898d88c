/* SPDX-License-Identifier: MIT */
/*
 * Reading configuration: every message that the manual promises is provoked here, with its line,
 * from YAML and from JSON.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../worker/src/config.h"
#include "../../worker/src/schema.h"
#include "cunit_main.h"
#include "repeat.h"

#define MESSAGES_BYTES 16384

/* All messages, each as "E line\n" or "W line\n". */
struct messages {
	char text[MESSAGES_BYTES];
};

static void collect(const char *line, bool is_error, void *userdata)
{
	struct messages *messages = userdata;
	size_t used = strlen(messages->text);

	(void)snprintf(messages->text + used, sizeof(messages->text) - used, "%c %s\n",
		       is_error ? 'E' : 'W', line);
}

static int read_text(const char *text, bool is_json, struct messages *messages,
		     struct config **ret_config)
{
	messages->text[0] = '\0';
	*ret_config = NULL;
	return config_read_bytes("f", text, strlen(text), is_json, collect, messages, ret_config);
}

struct message_case {
	const char *text;
	const char *messages; /* "" = none */
};

static void check_messages(const struct message_case *cases, size_t count, bool is_json)
{
	for (size_t i = 0; i < count; i++) {
		struct messages messages;
		struct config *config;
		bool wrong = strncmp(cases[i].messages, "E ", 2) == 0 ||
			     strstr(cases[i].messages, "\nE ") != NULL;
		int r = read_text(cases[i].text, is_json, &messages, &config);

		CU_ASSERT_EQUAL(r, wrong ? -EINVAL : 0);
		CU_ASSERT_STRING_EQUAL(messages.text, cases[i].messages);
		if (strcmp(messages.text, cases[i].messages) != 0)
			fprintf(stderr, "--- of\n%s\n--- came\n%s", cases[i].text, messages.text);
		config_free(config);
	}
}
#define CHECK_MESSAGES(cases, is_json) \
	check_messages(cases, sizeof(cases) / sizeof((cases)[0]), is_json)

/* clang-format off */

/* ---- the file as a whole */

static void test_empty_files_are_empty_configurations(void)
{
	static const struct message_case yaml[] = {
		{"", ""},
		{"# nothing\n", ""},
		{"---\n", ""},
		{"null\n", ""},
		{"{}", ""},
		{"model_list:\n", ""},
		{"model_list: []\nlull: ~\n", ""},
		{"\xef\xbb\xbfmodel_list: []\n", ""}, /* a byte-order mark */
	};
	static const struct message_case json[] = {
		{"{}", ""},
		{"{\"model_list\":[],\"lull\":null}", ""},
	};

	CHECK_MESSAGES(yaml, false);
	CHECK_MESSAGES(json, true);
}

static void test_what_is_no_yaml_is_said_with_its_line(void)
{
	static const struct message_case cases[] = {
		{"- a\n", "E f:1: no map at the top, expected keys such as model_list\n"},
		{"text\n", "E f:1: no map at the top, expected keys such as model_list\n"},
		{"lull:\n  budget: 1\n policy: default\n",
		 "E f:3: no YAML: did not find expected key while parsing a block mapping that begins on line 1\n"},
		{"lull: {\n", "E f:2: no YAML: did not find expected node content while parsing a flow node that begins on line 2\n"},
		{"lull:\n\tbudget: 1\n",
		 "E f:2: no YAML: found character that cannot start any token while scanning for the next token that begins on line 2\n"},
		{"a: \"\xff\"\n", "E f:1: no YAML: invalid leading UTF-8 octet, expected UTF-8 text\n"},
		{"a: 1\nb: \"\x01\"\n", "E f:2: no YAML: control characters are not allowed, expected UTF-8 text\n"},
		{"lull: {}\n---\nlull: {}\n", "E f:2: a second document, expected one\n"},
		{"lull: {budget: 1}\nlull: {budget: 2}\n", "E f:2: key 'lull' stands twice, first on line 1\n"},
		{"? [a]\n: 1\n", "E f:1: a key that is no text\n"},
		{"lull: {budget: !secret x}\n", "E f:1: tag '!secret' is not understood, expected none\n"
						 "E f:1: lull.budget is 'x', expected seconds or a duration such as 45s, from 1ms to 24h\n"},
		{"lull: !!python/object:os.system {}\n",
		 "E f:1: tag 'tag:yaml.org,2002:python/object:os.system' is not understood, expected none\n"},
		{"lull: !!map {budget: !!str 45s, probe: !!bool true}\n", ""},
		{"lull: {table: \"a\\0b\"}\n", "E f:1: a text with a NUL in it\n"
					       "E f:1: lull.table is '', expected a name of at most 200 bytes without '/' inside\n"},
	};

	CHECK_MESSAGES(cases, false);
}

static void test_what_is_no_json_is_said_with_its_line(void)
{
	static const struct message_case cases[] = {
		{"", "E f:1: no JSON: unexpected end of data\n"},
		{"null", "E f:1: no JSON: null, expected a value\n"},
		{"[]", "E f:1: no map at the top, expected keys such as model_list\n"},
		{"{\n\"lull\": {\n\"budget\": 1,\n}}", "E f:4: no JSON: unexpected character\n"},
		{"{\n\"lull\": {} // no\n}", "E f:2: no JSON: a character that begins no value\n"},
		{"{\"lull\": {\"budget\": NaN}}", "E f:1: no JSON: a character that begins no value\n"},
		{"{\"a\": \"\xff\"}", "E f:1: no JSON: bytes that are not UTF-8\n"},
		{"{\n\"a\": \"\xc3\"}", "E f:2: no JSON: bytes that are not UTF-8\n"},
		{"{\"lull\": {},\n\"lull\": {}}", "E f:2: key 'lull' stands twice, first on line 1\n"},
		{"{\"lull\": {},\n\n\"l\\u0075ll\": {}}", "E f:3: key 'lull' stands twice, first on line 1\n"},
		{"{\"lull\": {\"table\": \"a\\u0000b\"}}",
		 "E f:1: a text with a NUL in it\n"
		 "E f:1: lull.table is '', expected a name of at most 200 bytes without '/' inside\n"},
		{"{\"lull\": {\"table\": \"\\ud83d\\ude00\"}}", ""}, /* a surrogate pair is one character */
		{"{\"lull\":\n{\"budget\"\n:\n\"soon\"}}",
		 "E f:4: lull.budget is 'soon', expected seconds or a duration such as 45s, from 1ms to 24h\n"},
		/* what YAML would take for something else is text here */
		{"{\"lull\": {\"<<\": {\"budget\": 1}}}", "W f:1: unknown key '<<' in lull\n"},
	};

	CHECK_MESSAGES(cases, true);
}

/* ---- unknown keys, keys without effect */

static void test_unknown_keys_are_warned_of_with_what_was_meant(void)
{
	static const struct message_case yaml[] = {
		{"modle_list: []\n", "W f:1: unknown key 'modle_list', did you mean 'model_list'?\n"},
		{"zzz: 1\n", "W f:1: unknown key 'zzz'\n"},
		{"lull:\n  budgit: 1\n  Budget: 2\n  xx: 3\n",
		 "W f:2: unknown key 'budgit' in lull, did you mean 'budget'?\n"
		 "W f:3: unknown key 'Budget' in lull, did you mean 'budget'?\n"
		 "W f:4: unknown key 'xx' in lull\n"},
		{"router_settings: {falbacks: []}\n",
		 "W f:1: unknown key 'falbacks' in router_settings, did you mean 'fallbacks'?\n"},
		{"general_settings: {mastr_key: 1}\n",
		 "W f:1: unknown key 'mastr_key' in general_settings, did you mean 'master_key'?\n"},
		{"model_list:\n- model_name: a\n  litelm_params: {}\n  litellm_params:\n    model: openai/x\n    api_bass: http://h\n  lull: {ca_fil: x}\n",
		 "W f:3: unknown key 'litelm_params' in model_list, did you mean 'litellm_params'?\n"
		 "W f:6: unknown key 'api_bass' in litellm_params, did you mean 'api_base'?\n"
		 "W f:7: unknown key 'ca_fil' in lull, did you mean 'ca_file'?\n"},
		{"\"modle\\e[2J_list\": []\nlull: {\"a\\nb\\x7f\": 1}\n",
		 "W f:1: unknown key 'modle?[2J_list'\n"
		 "W f:2: unknown key 'a?b?' in lull\n"},
		{"lull: {on: {timeout: {goo: next}}}\n",
		 "W f:1: unknown key 'goo' in lull.on.timeout, did you mean 'go'?\n"},
	};
	static const struct message_case json[] = {
		{"{\n\"modle_list\": []}", "W f:2: unknown key 'modle_list', did you mean 'model_list'?\n"},
		{"{\"lull\": {\n\"budgit\":\n1}}", "W f:2: unknown key 'budgit' in lull, did you mean 'budget'?\n"},
	};

	CHECK_MESSAGES(yaml, false);
	CHECK_MESSAGES(json, true);
}

static void test_keys_without_effect_are_named_once(void)
{
	static const struct message_case cases[] = {
		{"general_settings:\n  master_key: sk-1\n  database_url: x\n",
		 "W f:3: general_settings.database_url has no effect in Lull\n"},
		{"environment_variables: {A: b}\n", ""},
		{"prompts: []\n", "W f:1: prompts has no effect in Lull\n"},
		{"model_list:\n"
		 "- {model_name: a, litellm_params: {model: openai/a, weight: 1}}\n"
		 "- {model_name: b, litellm_params: {model: openai/b, weight: 2, tags: [c]}}\n",
		 "W f:2: litellm_params.weight has no effect in Lull\n"
		 "W f:3: litellm_params.tags has no effect in Lull\n"},
		{"router_settings: {set_verbose: true}\nlitellm_settings: {set_verbose: true}\n",
		 "W f:1: router_settings.set_verbose has no effect in Lull\n"
		 "W f:2: litellm_settings.set_verbose has no effect in Lull\n"},
		/* model_info is free-form */
		{"model_list: [{model_name: a, litellm_params: {model: openai/a}, model_info: {mode: chat, any: 1}}]\n", ""},
	};

	CHECK_MESSAGES(cases, false);
}

/* ---- types and ranges */

#define SECONDS(range) "expected seconds or a duration such as 45s, from " range "\n"

static void test_values_of_a_wrong_type_are_named_with_what_was_expected(void)
{
	static const struct message_case yaml[] = {
		{"lull: {budget: soon}", "E f:1: lull.budget is 'soon', " SECONDS("1ms to 24h")},
		{"lull: {budget: 0}", "E f:1: lull.budget is '0', " SECONDS("1ms to 24h")},
		{"lull: {budget: 25h}", "E f:1: lull.budget is '25h', " SECONDS("1ms to 24h")},
		{"lull: {budget: -1}", "E f:1: lull.budget is '-1', " SECONDS("1ms to 24h")},
		{"lull: {budget: [1]}", "E f:1: lull.budget is a list, " SECONDS("1ms to 24h")},
		{"lull: {budget: {a: 1}}", "E f:1: lull.budget is a map, " SECONDS("1ms to 24h")},
		{"lull: {budget: ''}", "E f:1: lull.budget is '', " SECONDS("1ms to 24h")},
		{"lull: {max_cooldown: 49ms}", "E f:1: lull.max_cooldown is '49ms', " SECONDS("50ms to 23h")},
		{"lull: {max_cooldown: 24h}", "E f:1: lull.max_cooldown is '24h', " SECONDS("50ms to 23h")},
		{"lull: {idle_timeout: 0}", "E f:1: lull.idle_timeout is '0', " SECONDS("1ms to 24h")},
		{"lull: {soft_failures: 0}", "E f:1: lull.soft_failures is '0', expected a whole number from 1 to 31\n"},
		{"lull: {soft_failures: 32}", "E f:1: lull.soft_failures is '32', expected a whole number from 1 to 31\n"},
		{"lull: {soft_failures: 1.5}", "E f:1: lull.soft_failures is '1.5', expected a whole number from 1 to 31\n"},
		{"lull: {soft_failures: 99999999999999999999999}",
		 "E f:1: lull.soft_failures is '99999999999999999999999', expected a whole number from 1 to 31\n"},
		{"lull: {credential_max_parallel_requests: 65}",
		 "E f:1: lull.credential_max_parallel_requests is '65', expected a whole number from 1 to 64\n"},
		{"lull: {credential_rpm: 0}",
		 "E f:1: lull.credential_rpm is '0', expected a whole number from 1 to 1000000000\n"},
		{"lull: {burst: 61s}", "E f:1: lull.burst is '61s', " SECONDS("1ms to 1m")},
		{"model_list:\n- model_name: a\n  litellm_params: {model: openai/a, rpm: -1}\n  tpm: []\n",
		 "E f:3: litellm_params.rpm is '-1', expected a whole number from 1 to 1000000000\n"
		 "E f:4: model_list.tpm is a list, expected a whole number from 1 to 1000000000\n"},
		{"lull: {policy: turbo}", "E f:1: lull.policy is 'turbo', expected default, tutorial or adaptive\n"},
		{"lull: {when_cooling: Wait}", "E f:1: lull.when_cooling is 'Wait', expected wait, fail or try\n"},
		{"lull: {when_cooling: wai}", "E f:1: lull.when_cooling is 'wai', expected wait, fail or try\n"},
		{"lull: {probe: maybe}", "E f:1: lull.probe is 'maybe', expected true or false\n"},
		{"lull: {probe: 1}", "E f:1: lull.probe is '1', expected true or false\n"},
		{"lull: {table: a/b}", "E f:1: lull.table is 'a/b', expected a name of at most 200 bytes without '/' inside\n"},
		{"lull: {table: /}", "E f:1: lull.table is '/', expected a name of at most 200 bytes without '/' inside\n"},
		{"lull: {proxy: 'ftp://user:secret@x'}",
		 "E f:1: lull.proxy is not usable, expected http://, https:// or socks5h://, a host and a port, or nothing\n"},
		{"environment_variables: [sk-1]",
		 "E f:1: environment_variables is a list, expected a map of names to values\n"},
		{"environment_variables: sk-1",
		 "E f:1: environment_variables is not usable, expected a map of names to values\n"},
		{"environment_variables: {A: [sk-1]}",
		 "E f:1: environment_variables is a list, expected a map of names to values\n"},
		{"lull: 5", "E f:1: lull is '5', expected a map\n"},
		{"lull: []", "E f:1: lull is a list, expected a map\n"},
		{"router_settings: {num_retries: many}",
		 "E f:1: router_settings.num_retries is 'many', expected a whole number from 0 to 16\n"},
		{"router_settings: {num_retries: -1}",
		 "E f:1: router_settings.num_retries is '-1', expected a whole number from 0 to 16\n"},
		{"litellm_settings: {request_timeout: x}",
		 "E f:1: litellm_settings.request_timeout is 'x', " SECONDS("1ms to 24h")},
		{"lull: {policy: \"a\\nb\"}", "E f:1: lull.policy is 'a?b', expected default, tutorial or adaptive\n"},
		{"lull: {policy: 0123456789012345678901234567890123456789012345\xc3\xa9\xc3\xa9}",
		 "E f:1: lull.policy is '0123456789012345678901234567890123456789012345\xc3\xa9...', expected default, tutorial or adaptive\n"},
		{"lull: {policy: 01234567890123456789012345678901234567890123456\xc3\xa9}",
		 "E f:1: lull.policy is '01234567890123456789012345678901234567890123456...', expected default, tutorial or adaptive\n"},
	};
	static const struct message_case json[] = {
		{"{\"lull\": {\"budget\": true}}", "E f:1: lull.budget is 'true', " SECONDS("1ms to 24h")},
		{"{\"lull\": {\"budget\": 1e3}}", "E f:1: lull.budget is '1e3', " SECONDS("1ms to 24h")},
		{"{\"lull\":\n{\"probe\":\n[]}}", "E f:3: lull.probe is a list, expected true or false\n"},
	};

	CHECK_MESSAGES(yaml, false);
	CHECK_MESSAGES(json, true);
}

/* LiteLLM takes any number: its file is read all the same. */
static void test_numbers_of_litellm_beyond_the_range_are_brought_to_its_end(void)
{
	static const struct {
		struct message_case message;
		uint32_t num_retries, soft_failures, cooldown_ms;
	} cases[] = {
		{{"router_settings: {num_retries: 16, allowed_fails: 30, cooldown_time: 23h}", ""},
		 16, 31, 82800000},
		{{"router_settings: {num_retries: 17}",
		  "W f:1: router_settings.num_retries is '17', 16 holds\n"}, 16, 3, LULL_UNSET},
		{{"litellm_settings: {allowed_fails: 99999999999999999999}",
		  "W f:1: litellm_settings.allowed_fails is '99999999999999999999', 30 holds\n"}, 0, 31, LULL_UNSET},
		{{"router_settings: {cooldown_time: 86400}",
		  "W f:1: router_settings.cooldown_time is '86400', 23h holds\n"}, 0, 3, 82800000},
		{{"router_settings: {timeout: 0, stream_timeout: 9999999999999}",
		  "W f:1: router_settings.timeout is '0', the default holds\n"
		  "W f:1: router_settings.stream_timeout is '9999999999999', 24h holds\n"}, 0, 3, LULL_UNSET},
		{{"model_list: [{model_name: a, litellm_params: {model: openai/a, timeout: 0.0, order: 1000001}}]",
		  "W f:1: litellm_params.timeout is '0.0', the default holds\n"
		  "W f:1: litellm_params.order is '1000001', 1000000 holds\n"}, 0, 3, LULL_UNSET},
		{{"model_list: [{model_name: a, litellm_params: {model: openai/a, rpm: 0, max_parallel_requests: 100}}]",
		  "W f:1: litellm_params.rpm is '0', the default holds\n"
		  "W f:1: litellm_params.max_parallel_requests is '100', 64 holds\n"}, 0, 3, LULL_UNSET},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lull_call_options options;
		struct messages messages;
		struct config *config;

		check_messages(&cases[i].message, 1, false);
		CU_ASSERT_EQUAL_FATAL(read_text(cases[i].message.text, false, &messages, &config), 0);
		lull_call_options_init(&options);
		config_call_options(config, &options);
		CU_ASSERT_EQUAL(options.num_retries, cases[i].num_retries);
		CU_ASSERT_EQUAL(options.soft_failures, cases[i].soft_failures);
		CU_ASSERT_EQUAL(options.cooldown_ms, cases[i].cooldown_ms);
		config_free(config);
	}
}

static void test_all_errors_are_reported_by_line(void)
{
	static const struct message_case cases[] = {
		{"lull:\n  budget: x\n  probe: y\n  nope: 1\nrouter_settings:\n  timeout: z\nmodel_list:\n- {}\n",
		 "E f:2: lull.budget is 'x', " SECONDS("1ms to 24h")
		 "E f:3: lull.probe is 'y', expected true or false\n"
		 "W f:4: unknown key 'nope' in lull\n"
		 "E f:6: router_settings.timeout is 'z', " SECONDS("1ms to 24h")
		 "E f:8: an entry of model_list without model_name, expected one\n"
		 "E f:8: an entry of model_list without model, expected litellm_params: {model: PROVIDER/NAME}\n"},
	};

	CHECK_MESSAGES(cases, false);
}

/* ---- model_list */

#define ENTRY(params) "model_list:\n- model_name: a\n  litellm_params: {model: openai/x, " params "}\n"

static void test_entries_are_checked(void)
{
	static const struct message_case cases[] = {
		{"model_list: {a: 1}",
		 "E f:1: model_list is a map, expected a list of maps with model_name and litellm_params\n"},
		{"model_list: [a]",
		 "E f:1: model_list is 'a', expected a list of maps with model_name and litellm_params\n"},
		{"model_list:\n- model_name: a\n",
		 "E f:2: an entry of model_list without model, expected litellm_params: {model: PROVIDER/NAME}\n"},
		{"model_list:\n- litellm_params: {model: openai/x}\n",
		 "E f:2: an entry of model_list without model_name, expected one\n"},
		{"model_list:\n- {model_name: , litellm_params: {model: openai/x}}\n",
		 "E f:2: an entry of model_list without model_name, expected one\n"},
		{"model_list:\n- {model_name: '', litellm_params: {model: openai/x}}\n",
		 "E f:2: model_list.model_name is '', expected text of 1 to 184 bytes without control characters\n"},
		{"model_list:\n- {model_name: os.environ/CONFIG_TEST_UNSET, litellm_params: {model: openai/x}}\n",
		 "E f:2: an entry of model_list without model_name, expected one\n"},
		{"model_list:\n- {model_name: a, litellm_params: x}\n",
		 "E f:2: model_list.litellm_params is 'x', expected a map\n"},
		{ENTRY("api_base: [http://h]"),
		 "E f:3: litellm_params.api_base is a list, expected http:// or https://, a host, no user name and no query\n"},
		{ENTRY("api_key: [secret]"),
		 "E f:3: litellm_params.api_key is a list, expected a key, os.environ/NAME or file:/path\n"},
		{ENTRY("api_key: os.environ/"),
		 "E f:3: litellm_params.api_key is not usable, expected a key, os.environ/NAME or file:/path\n"},
		{ENTRY("api_key: 'file:secret'"),
		 "E f:3: litellm_params.api_key is not usable, expected a key, os.environ/NAME or file:/path\n"},
		{ENTRY("api_key: \"secret\\nX: y\""),
		 "E f:3: litellm_params.api_key is not usable, expected a key, os.environ/NAME or file:/path\n"},
		{ENTRY("order: first"), "E f:3: litellm_params.order is 'first', expected a whole number from 0 to 1000000\n"},
		{ENTRY("extra_headers: [a]"),
		 "E f:3: litellm_params.extra_headers is a list, expected a map of header names to values\n"},
		{ENTRY("extra_headers: {X-A: [secret]}"),
		 "E f:3: litellm_params.extra_headers is a list, expected a map of header names to values\n"},
		{ENTRY("extra_body: 5"), "E f:3: litellm_params.extra_body is '5', expected a map\n"},
		{"model_list:\n- model_name: openai/*\n  litellm_params: {model: openai/*}\n", ""},
		{"model_list:\n- model_name: \"*/*\"\n  litellm_params: {model: openai/*}\n",
		 "W f:2: model_name '*/*' has more than one * and matches nothing, expected one\n"},
	};

	CHECK_MESSAGES(cases, false);
}

/* ---- fallbacks */

#define MODELS "model_list:\n- {model_name: fast, litellm_params: {model: openai/a}}\n- {model_name: slow, litellm_params: {model: openai/b}}\n"

static void test_fallbacks_are_checked(void)
{
	static const struct message_case cases[] = {
		{MODELS "router_settings: {fallbacks: [{fast: [slow]}, {slow: [fast, gpt-4o, openai/x]}, {'*': [fast]}]}\n", ""},
		{MODELS "router_settings: {fallbacks: {fast: [slow]}}\n",
		 "E f:4: router_settings.fallbacks is a map, expected a list such as [{MODEL: [OTHER, ANOTHER]}]\n"},
		{MODELS "router_settings: {fallbacks: [fast]}\n",
		 "E f:4: router_settings.fallbacks is 'fast', expected a list such as [{MODEL: [OTHER, ANOTHER]}]\n"},
		{MODELS "router_settings: {fallbacks: [{fast: slow}]}\n",
		 "E f:4: router_settings.fallbacks is 'slow', expected a list such as [{MODEL: [OTHER, ANOTHER]}]\n"},
		{MODELS "router_settings: {fallbacks: [{fast: }]}\n",
		 "E f:4: router_settings.fallbacks is '', expected a list such as [{MODEL: [OTHER, ANOTHER]}]\n"},
		{MODELS "router_settings: {fallbacks: [{fast: [[slow], '', ~]}]}\n",
		 "E f:4: router_settings.fallbacks holds no model name here, expected 1 to 184 bytes\n"
		 "E f:4: router_settings.fallbacks holds no model name here, expected 1 to 184 bytes\n"
		 "E f:4: router_settings.fallbacks holds no model name here, expected 1 to 184 bytes\n"},
		{MODELS "router_settings:\n  fallbacks:\n  - fast: [slow]\n  - fast: [gpt-4o]\n",
		 "W f:7: router_settings.fallbacks has 'fast' twice, the first one on line 6 holds\n"},
		{MODELS "router_settings:\n  default_fallbacks: fast\n",
		 "E f:5: router_settings.default_fallbacks is 'fast', expected a list of model names\n"},
		{MODELS "router_settings:\n  default_fallbacks: [slwo]\n",
		 "W f:5: 'slwo' is no model_name of model_list and no known model, did you mean 'slow'?\n"},
		{MODELS "litellm_settings:\n  context_window_fallbacks: [{fst: [qqqqqq]}]\n  content_policy_fallbacks: [{fast: [gtp-4o]}]\n",
		 "W f:5: 'fst' is no model_name of model_list and no known model, did you mean 'fast'?\n"
		 "W f:5: 'qqqqqq' is no model_name of model_list and no known model\n"
		 "W f:6: 'gtp-4o' is no model_name of model_list and no known model, did you mean 'gpt-4o'?\n"},
	};

	CHECK_MESSAGES(cases, false);
}

static void test_aliases_are_checked(void)
{
	static const struct message_case cases[] = {
		{MODELS "router_settings: {model_group_alias: {a: fast, b: {model: slow, hidden: true}, c: gpt-4o}}\n", ""},
		{MODELS "router_settings: {model_group_alias: }\n", ""},
		{MODELS "router_settings: {model_group_alias: [a]}\n",
		 "E f:4: router_settings.model_group_alias is a list, expected a map such as {ALIAS: MODEL}\n"},
		{MODELS "router_settings:\n  model_group_alias:\n    a: [fast]\n    b: {hidden: true}\n    c: ~\n    d: {model: []}\n",
		 "E f:6: router_settings.model_group_alias: 'a' stands for no model name, expected 1 to 184 bytes\n"
		 "E f:7: router_settings.model_group_alias: 'b' stands for no model name, expected 1 to 184 bytes\n"
		 "E f:8: router_settings.model_group_alias: 'c' stands for no model name, expected 1 to 184 bytes\n"
		 "E f:9: router_settings.model_group_alias: 'd' stands for no model name, expected 1 to 184 bytes\n"},
		{"model_list: [{model_name: 'x*', litellm_params: {model: 'ollama/*'}}]\n"
		 "router_settings: {model_group_alias: {a: x1}, fallbacks: [{x2: [x3, y3]}, {'x*': [x4]}]}\n",
		 "W f:2: 'y3' is no model_name of model_list and no known model\n"},
		/* where it leads is said once; it is followed once */
		{MODELS "router_settings:\n  model_group_alias: {a: fsat, b: a}\n  fallbacks: [{a: [b]}, {aa: [fast]}]\n",
		 "W f:5: 'fsat' is no model_name of model_list and no known model, did you mean 'fast'?\n"
		 "W f:5: 'a' is no model_name of model_list and no known model\n"
		 "W f:6: 'aa' is no model_name of model_list and no known model\n"},
		{MODELS "router_settings:\n  model_group_alias: {quick: fast}\n  fallbacks: [{quikc: [fast]}]\n",
		 "W f:6: 'quikc' is no model_name of model_list and no known model, did you mean 'quick'?\n"},
	};

	CHECK_MESSAGES(cases, false);
}

/* ---- lull.on */

static void test_rules_are_checked(void)
{
	static const struct message_case cases[] = {
		{"lull: {on: next}", "E f:1: lull.on is 'next', expected a map of classes such as {content_policy: next}\n"},
		{"lull: {on: {content_polcy: next}}",
		 "E f:1: lull.on: 'content_polcy' is no class of errors, did you mean 'content_policy'?\n"},
		{"lull: {on: {whatever: next}}",
		 "E f:1: lull.on: 'whatever' is no class of errors, expected one such as content_policy\n"},
		{"lull: {on: {answered: next}}",
		 "E f:1: lull.on: 'answered' is no class of errors, expected one such as content_policy\n"},
		{"lull: {on: {cancelled: next, manual: stop}}",
		 "E f:1: lull.on: 'cancelled' is no class of errors, expected one such as content_policy\n"
		 "E f:1: lull.on: 'manual' is no class of errors, expected one such as content_policy\n"},
		{"lull: {on: {timeout: go}}", "E f:1: lull.on.timeout is 'go', expected stop or next\n"},
		{"lull: {on: {timeout: [next]}}", "E f:1: lull.on.timeout is a list, expected stop or next\n"},
		{"lull: {on: {timeout: {go: go}}}", "E f:1: lull.on.timeout.go is 'go', expected stop or next\n"},
		{"lull: {on: {rate_limited: 8s}}", "E f:1: lull.on.rate_limited is '8s', expected stop or next\n"},
		{"lull: {on: {timeout: {proof: firm}}}", "E f:1: lull.on.timeout.proof is 'firm', expected none, soft or hard\n"},
		{"lull: {on: {timeout: {scope: name}}}",
		 "E f:1: lull.on.timeout.scope is 'name', expected route, credential or endpoint\n"},
		{"lull: {on: {timeout: {cooldown: 24h}}}", "E f:1: lull.on.timeout.cooldown is '24h', " SECONDS("0s to 23h")},
	};

	CHECK_MESSAGES(cases, false);
}

/* clang-format on */

/* ---- bounds */

/* As repeat(), with a number in each piece, which begins with `piece` and ends in `end`. */
static char *number(const char *head, const char *piece, int count, const char *end,
		    const char *tail)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	(void)fputs(head, out);
	for (int i = 0; i < count; i++)
		(void)fprintf(out, "%s%d%s", piece, i, end);
	(void)fputs(tail, out);
	CU_ASSERT_EQUAL_FATAL(fclose(out), 0);
	return text;
}

static void check_one(char *text, bool is_json, const char *expected)
{
	struct message_case one = {text, expected};

	check_messages(&one, 1, is_json);
	free(text);
}

static void test_depth_is_bounded(void)
{
	static const char error[] = "E f:1: nested deeper than 64 levels\n";

	check_one(repeat("a: ", "[", 100000, ""), false, error);
	check_one(repeat("{\"a\": ", "[", 100,
			 "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
			 "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}"),
		  true, error);
	check_one(repeat("{\"a\": ", "[", 1000, ""), true, "E f:1: no JSON: nesting too deep\n");
}

/* Of a text without end a message quotes the beginning, and no half of a character. */
static void test_messages_stay_short(void)
{
	check_one(repeat("lull: {budget: ", "x", 1000000, "}"), false,
		  "E f:1: lull.budget is 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...', "
		  "expected seconds or a duration such as 45s, from 1ms to 24h\n");
	check_one(repeat("", "x", 1000000, ": 1"), false,
		  "E f:1: no YAML: mapping values are not allowed in this context\n");
	check_one(
		repeat("{\"x", "\xc3\xa9", 400000, "\": 1}"), true,
		"W f:1: unknown key "
		"'x\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		"\xc3\xa9\xc3\xa9"
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9?'\n");
}

/* Each alias stands for all that its anchor marked, and so counts for as much. */
static void test_a_billion_laughs_are_few(void)
{
	struct messages messages;
	struct config *config;
	static const char text[] = "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
				   "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
				   "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
				   "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
				   "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
				   "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n";

	CU_ASSERT_EQUAL(read_text(text, false, &messages, &config), -EINVAL);
	CU_ASSERT_STRING_EQUAL(messages.text, "E f:1: more than 100000 values, aliases included\n");
}

/* An alias brings its anchor's depth with it. */
static void test_aliases_do_not_go_deeper(void)
{
	static const char text[] = "a: &a "
				   "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]]]"
				   "]]]]]]]]]]]]]]]]]]\n"
				   "b: &b "
				   "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[*a]]]]]]]]]]]]]]]]]]]]]"
				   "]]]]]]]]]]]]]]]]]]]\n";
	struct messages messages;
	struct config *config;

	CU_ASSERT_EQUAL(read_text(text, false, &messages, &config), -EINVAL);
	CU_ASSERT_STRING_EQUAL(messages.text, "E f:2: nested deeper than 64 levels\n");
}

static void test_counts_are_bounded(void)
{
	check_one(number("model_list: [{model_name: a, litellm_params: {model: openai/x}, "
			 "model_info: {",
			 "k", 1002, ": 1,\n", "}}]\n"),
		  false, "E f:1001: more than 1000 keys in one map\n");
	check_one(number("x:\n", "- &a", 1001, " x\n", ""), false,
		  "W f:1: unknown key 'x'\n"
		  "E f:1002: more than 1000 anchors\n");
}

static void test_size_is_bounded(void)
{
	check_one(repeat("#", "x", 1 << 20, ""), false, "E f: over 1048576 bytes\n");
	check_one(repeat("#", "x", (1 << 20) - 1, ""), false, "");
}

/* ---- anchors and merge keys */

static void test_anchors_and_merge_keys_are_understood(void)
{
	static const char text[] = "model_list:\n"
				   "- model_name: a\n"
				   "  litellm_params: &p\n"
				   "    model: openai/a\n"
				   "    timeout: 5\n"
				   "    api_base: &u http://h:1/v1\n"
				   "    api_key: k\n"
				   "- model_name: b\n"
				   "  litellm_params: &q\n"
				   "    <<: *p\n"
				   "    model: openai/b\n"
				   "    cooldown_time: 7\n"
				   "- model_name: c\n"
				   "  litellm_params:\n"
				   "    order: 1\n"
				   "    <<: [{timeout: 9}, *q, {order: 2}]\n"
				   "- model_name: d\n"
				   "  litellm_params: {model: openai/d, api_base: *u}\n"
				   "- model_name: e\n"
				   "  litellm_params: *p\n";
	static const struct {
		const char *name, *model, *base;
		uint32_t timeout_ms, cooldown_ms;
	} expected[] = {
		{"a", "a", "http://h:1/v1", 5000, LULL_UNSET},
		{"b", "b", "http://h:1/v1", 5000, 7000},
		{"c", "b", "http://h:1/v1", 9000, 7000},
		{"d", "d", "http://h:1/v1", 0, LULL_UNSET},
		{"e", "a", "http://h:1/v1", 5000, LULL_UNSET},
	};
	struct messages messages;
	struct config *config;
	struct route_list list;

	CU_ASSERT_EQUAL_FATAL(read_text(text, false, &messages, &config), 0);
	CU_ASSERT_STRING_EQUAL(messages.text, "");
	CU_ASSERT_EQUAL_FATAL(config_all_routes(config, &list), 0);
	CU_ASSERT_EQUAL_FATAL(list.count, 5);
	for (size_t i = 0; i < 5; i++) {
		CU_ASSERT_STRING_EQUAL(list.routes[i].name, expected[i].name);
		CU_ASSERT_STRING_EQUAL(list.routes[i].model, expected[i].model);
		CU_ASSERT_STRING_EQUAL(list.routes[i].base_url, expected[i].base);
		CU_ASSERT_EQUAL(list.routes[i].call.timeout_ms, expected[i].timeout_ms);
		CU_ASSERT_EQUAL(list.routes[i].call.cooldown_ms, expected[i].cooldown_ms);
	}
	route_list_deinit(&list);
	config_free(config);
}

static void test_broken_anchors_are_named(void)
{
	/* clang-format off */
	static const struct message_case cases[] = {
		{"a: *nobody\n", "E f:1: *nobody names no anchor that stands before it\n"},
		{"a: &a [*a]\n", "E f:1: *a names no anchor that stands before it\n"},
		{"lull:\n  <<: 5\n", "E f:2: << merges no map, expected *NAME of one\n"},
		{"lull:\n  <<: [{budget: 1}, x]\n", "E f:2: << merges no map, expected *NAME of one\n"},
		{"lull:\n  '<<': {budget: 1}\n", "W f:2: unknown key '<<' in lull\n"},
		{"lull:\n  <<: {budget: 1}\n  <<: {probe: on}\n", "E f:3: key '<<' stands twice, first on line 2\n"},
		/* the message leads to where the value stands */
		{"x: &x {budget: soon}\nlull: *x\n",
		 "E f:1: lull.budget is 'soon', " SECONDS("1ms to 24h")
		 "W f:1: unknown key 'x'\n"},
	};
	/* clang-format on */

	CHECK_MESSAGES(cases, false);
}

/* ---- settings */

static void test_settings_reach_the_call(void)
{
	static const char text[] =
		"litellm_settings: {num_retries: 1, allowed_fails: 9, "
		"cooldown_time: 1, request_timeout: 600}\n"
		"lull:\n"
		"  budget: 30s\n"
		"  when_cooling: try\n"
		"  policy: adaptive\n"
		"  probe: off\n"
		"  soft_failures: 5\n"
		"  max_cooldown: 10m\n"
		"  table: /mine\n"
		"  on:\n"
		"    content_policy: next\n"
		"    timeout: {go: stop, proof: hard, scope: endpoint, cooldown: 0}\n"
		"    overloaded: {}\n"
		"router_settings: {num_retries: 2, cooldown_time: 90, timeout: 20}\n";
	struct lull_call_options options;
	struct messages messages;
	struct config *config;

	CU_ASSERT_EQUAL_FATAL(read_text(text, false, &messages, &config), 0);
	CU_ASSERT_STRING_EQUAL(messages.text, "");
	lull_call_options_init(&options);
	config_call_options(config, &options);
	CU_ASSERT_EQUAL(options.budget_ms, 30000);
	CU_ASSERT_EQUAL(options.when_cooling, LULL_WHEN_COOLING_TRY);
	CU_ASSERT_EQUAL(options.policy, LULL_POLICY_ADAPTIVE);
	CU_ASSERT_EQUAL(options.probe, 0);
	CU_ASSERT_EQUAL(options.soft_failures, 5); /* lull wins */
	CU_ASSERT_EQUAL(options.num_retries, 2);   /* router_settings wins, wherever it stands */
	CU_ASSERT_EQUAL(options.cooldown_ms, 90000);
	CU_ASSERT_EQUAL(options.max_cooldown_ms, 600000);
	CU_ASSERT_STRING_EQUAL(config_table(config), "mine");
	CU_ASSERT_EQUAL_FATAL(options.rule_count, 3);
	CU_ASSERT_EQUAL(options.rules[0].class_id, LULL_CLASS_CONTENT_POLICY);
	CU_ASSERT_EQUAL(options.rules[0].go, LULL_GO_NEXT);
	CU_ASSERT_EQUAL(options.rules[0].proof, LULL_UNSET);
	CU_ASSERT_EQUAL(options.rules[1].class_id, LULL_CLASS_TIMEOUT);
	CU_ASSERT_EQUAL(options.rules[1].go, LULL_GO_STOP);
	CU_ASSERT_EQUAL(options.rules[1].proof, LULL_PROOF_HARD);
	CU_ASSERT_EQUAL(options.rules[1].scope, LULL_KIND_ENDPOINT);
	CU_ASSERT_EQUAL(options.rules[1].for_ms, 0);
	CU_ASSERT_EQUAL(options.rules[2].for_ms, LULL_UNSET);
	config_free(config);
}

/* Whatever would cool has no proof, unless the file gives it some. */
static void test_disabled_cooldowns_are_rules(void)
{
	struct lull_call_options options;
	struct messages messages;
	struct config *config;
	uint32_t count = 0;

	CU_ASSERT_EQUAL_FATAL(
		read_text("router_settings: {disable_cooldowns: true}\n"
			  "lull: {on: {auth: {proof: hard}, timeout: stop, bad_request: stop}}\n",
			  false, &messages, &config),
		0);
	lull_call_options_init(&options);
	config_call_options(config, &options);
	for (uint32_t i = 0; i < options.rule_count; i++) {
		const struct lull_rule *rule = &options.rules[i];

		CU_ASSERT_EQUAL(rule->proof, rule->class_id == LULL_CLASS_AUTH ? LULL_PROOF_HARD
									       : LULL_PROOF_NONE);
		CU_ASSERT_EQUAL(rule->go, rule->class_id == LULL_CLASS_TIMEOUT ||
							  rule->class_id == LULL_CLASS_BAD_REQUEST
						  ? LULL_GO_STOP
						  : LULL_UNSET);
		count += lull_class_info(rule->class_id)->proof != LULL_PROOF_NONE;
	}
	CU_ASSERT_EQUAL(options.rule_count, count + 1); /* bad_request cools nothing anyway */
	for (uint32_t id = 0; id <= LULL_CLASS_TOO_LARGE; id++)
		count -= lull_class_info(id)->proof != LULL_PROOF_NONE;
	CU_ASSERT_EQUAL(count, 0);
	config_free(config);
	CU_ASSERT_EQUAL_FATAL(
		read_text("router_settings: {disable_cooldowns: false}", false, &messages, &config),
		0);
	config_call_options(config, &options);
	CU_ASSERT_EQUAL(options.rule_count, 0);
	config_free(config);
}

static void test_what_the_file_does_not_say_stays(void)
{
	struct lull_call_options options, before;
	/* to the last member, without the padding behind it */
	size_t size = offsetof(struct lull_call_options, rule_count) + sizeof(options.rule_count);
	struct messages messages;
	struct config *config;

	CU_ASSERT_EQUAL_FATAL(read_text("{}", false, &messages, &config), 0);
	lull_call_options_init(&before);
	before.when_cooling = LULL_WHEN_COOLING_FAIL;
	before.seed = 7;
	options = before;
	config_call_options(config, &options);
	CU_ASSERT_EQUAL(memcmp(&options, &before, size), 0);
	CU_ASSERT_PTR_NULL(config_table(config));
	CU_ASSERT_STRING_EQUAL(config_path(config), "f");
	config_free(config);
}

static void test_allowed_fails_is_one_less_than_soft_failures(void)
{
	struct lull_call_options options;
	struct messages messages;
	struct config *config;

	CU_ASSERT_EQUAL_FATAL(
		read_text("router_settings: {allowed_fails: 0}", false, &messages, &config), 0);
	lull_call_options_init(&options);
	config_call_options(config, &options);
	CU_ASSERT_EQUAL(options.soft_failures, 1);
	config_free(config);
}

static void test_the_tutorial_has_a_table_of_its_own(void)
{
	char expected[64], text[128], error[256];
	struct messages messages;
	struct config *config;

	(void)unsetenv("LULL_SHM_NAME");
	(void)unsetenv("LULL_SHM_GROUP");
	(void)snprintf(expected, sizeof(expected), "lull1-u%u-tutorial", (unsigned)geteuid());
	CU_ASSERT_EQUAL_FATAL(read_text("lull: {policy: tutorial}", false, &messages, &config), 0);
	CU_ASSERT_STRING_EQUAL(config_table(config), expected);
	config_free(config);

	CU_ASSERT_EQUAL_FATAL(
		read_text("lull: {policy: tutorial, table: mine}", false, &messages, &config), 0);
	CU_ASSERT_STRING_EQUAL(config_table(config), "mine");
	config_free(config);

	(void)snprintf(text, sizeof(text), "lull:\n  policy: tutorial\n  table: /lull1-u%u\n",
		       (unsigned)geteuid());
	(void)snprintf(error, sizeof(error),
		       "E f:3: lull.table is the default table, expected another one for policy "
		       "tutorial\n");
	CU_ASSERT_EQUAL(read_text(text, false, &messages, &config), -EINVAL);
	CU_ASSERT_STRING_EQUAL(messages.text, error);

	(void)setenv("LULL_SHM_GROUP", "0", 1);
	CU_ASSERT_EQUAL_FATAL(read_text("lull: {policy: tutorial}", false, &messages, &config), 0);
	CU_ASSERT_STRING_EQUAL(config_table(config), "lull1-g0-tutorial");
	config_free(config);
	(void)unsetenv("LULL_SHM_GROUP");

	(void)setenv("LULL_SHM_NAME", "/other", 1);
	CU_ASSERT_EQUAL_FATAL(read_text("lull: {policy: tutorial}", false, &messages, &config), 0);
	CU_ASSERT_STRING_EQUAL(config_table(config), "other-tutorial");
	config_free(config);
	CU_ASSERT_EQUAL(
		read_text("lull: {policy: tutorial, table: other}", false, &messages, &config),
		-EINVAL);
	(void)unsetenv("LULL_SHM_NAME");
}

static void test_values_may_stand_in_the_environment(void)
{
	static const char text[] = "lull: {budget: os.environ/CONFIG_TEST_BUDGET}\n"
				   "router_settings: {timeout: os.environ/CONFIG_TEST_UNSET}\n";
	struct lull_call_options options;
	struct messages messages;
	struct config *config;

	(void)unsetenv("CONFIG_TEST_UNSET");
	(void)setenv("CONFIG_TEST_BUDGET", "7s", 1);
	CU_ASSERT_EQUAL_FATAL(read_text(text, false, &messages, &config), 0);
	CU_ASSERT_STRING_EQUAL(messages.text, "W f:2: router_settings.timeout: $CONFIG_TEST_UNSET "
					      "is not set, the default holds\n");
	lull_call_options_init(&options);
	config_call_options(config, &options);
	CU_ASSERT_EQUAL(options.budget_ms, 7000);
	config_free(config);

	(void)setenv("CONFIG_TEST_BUDGET", "soon", 1); /* the file is quoted, not the variable */
	CU_ASSERT_EQUAL(read_text("lull: {budget: os.environ/CONFIG_TEST_BUDGET}\n", false,
				  &messages, &config),
			-EINVAL);
	CU_ASSERT_STRING_EQUAL(
		messages.text,
		"E f:1: lull.budget is 'os.environ/CONFIG_TEST_BUDGET', " SECONDS("1ms to 24h"));
	(void)unsetenv("CONFIG_TEST_BUDGET");
}

/* ---- files */

static char scratch[] = "/tmp/lull-test-config-XXXXXX";

static const char *in_scratch(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", scratch, name);
	return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	FILE *file = fopen(in_scratch(name), "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT(fputs(text, file) >= 0);
	CU_ASSERT_EQUAL(fclose(file), 0);
	CU_ASSERT_EQUAL(chmod(in_scratch(name), mode), 0);
}

static int load(const char *path, struct messages *messages, struct config **ret_config)
{
	messages->text[0] = '\0';
	*ret_config = NULL;
	return config_load(path, collect, messages, ret_config);
}

static void test_files_are_read_by_their_ending(void)
{
	struct messages messages;
	struct config *config;
	char path[256];

	write_file("a.json", "{\"lull\": {\"budget\": 3}}", 0600);
	CU_ASSERT_EQUAL_FATAL(load(in_scratch("a.json"), &messages, &config), 0);
	CU_ASSERT_STRING_EQUAL(config_path(config), in_scratch("a.json"));
	config_free(config);
	write_file("b.json", "lull: {budget: 3}", 0600);
	CU_ASSERT_EQUAL(load(in_scratch("b.json"), &messages, &config), -EINVAL);
	write_file("c.yaml", "lull: {budget: 3}", 0600);
	CU_ASSERT_EQUAL_FATAL(load(in_scratch("c.yaml"), &messages, &config), 0);
	config_free(config);
	write_file("d", "{\"lull\": {\"budget\": x}}", 0600);
	(void)snprintf(path, sizeof(path), "%s", in_scratch("d"));
	CU_ASSERT_EQUAL(load(path, &messages, &config), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(messages.text, "/d:1: lull.budget is 'x'"));
}

static void test_files_that_cannot_be_read_are_named(void)
{
	struct messages messages;
	struct config *config;
	char expected[512];

	CU_ASSERT_EQUAL(load(in_scratch("nobody.yaml"), &messages, &config), -ENOENT);
	(void)snprintf(expected, sizeof(expected),
		       "E %s: cannot be read: No such file or directory\n",
		       in_scratch("nobody.yaml"));
	CU_ASSERT_STRING_EQUAL(messages.text, expected);
	CU_ASSERT_EQUAL(load(scratch, &messages, &config), -EINVAL);
	(void)snprintf(expected, sizeof(expected), "E %s: cannot be read: Is a directory\n",
		       scratch);
	CU_ASSERT_STRING_EQUAL(messages.text, expected);
}

static void test_a_key_that_others_may_read_is_warned_of_once(void)
{
	static const char text[] =
		"model_list:\n"
		"- {model_name: v, litellm_params: {model: openai/a, api_key: os.environ/A}}\n"
		"- {model_name: f, litellm_params: {model: openai/a, api_key: 'file:/a'}}\n"
		"- {model_name: a, litellm_params: {model: openai/a, api_key: sk-literal}}\n"
		"- {model_name: b, litellm_params: {model: openai/a, api_key: sk-literal}}\n";
	char expected[512];
	struct messages messages;
	struct config *config;

	write_file("open.yaml", text, 0640);
	CU_ASSERT_EQUAL_FATAL(load(in_scratch("open.yaml"), &messages, &config), 0);
	(void)snprintf(
		expected, sizeof(expected),
		"W %s:4: others may read the api_key here (mode 0640), expected chmod 600 or "
		"os.environ/NAME\n",
		in_scratch("open.yaml"));
	CU_ASSERT_STRING_EQUAL(messages.text, expected);
	config_free(config);
	write_file("open.yaml", "environment_variables:\n  A: sk-literal\n", 0644);
	CU_ASSERT_EQUAL_FATAL(load(in_scratch("open.yaml"), &messages, &config), 0);
	(void)snprintf(expected, sizeof(expected),
		       "W %s:2: others may read the environment_variables here (mode 0644), "
		       "expected chmod 600\n",
		       in_scratch("open.yaml"));
	CU_ASSERT_STRING_EQUAL(messages.text, expected);
	config_free(config);
	write_file("open.yaml", text, 0600);
	CU_ASSERT_EQUAL_FATAL(load(in_scratch("open.yaml"), &messages, &config), 0);
	CU_ASSERT_STRING_EQUAL(messages.text, "");
	config_free(config);
}

static void test_the_configuration_is_found(void)
{
	struct messages messages;
	struct config *config;

	(void)mkdir(in_scratch("xdg"), 0700);
	(void)mkdir(in_scratch("xdg/lull"), 0700);
	(void)mkdir(in_scratch(".config"), 0700);
	(void)mkdir(in_scratch(".config/lull"), 0700);
	(void)unsetenv("LULL_CONFIG");
	(void)unsetenv("XDG_CONFIG_HOME");
	(void)setenv("HOME", scratch, 1);

	if (access("/etc/lull", F_OK) != 0) { /* this host has a configuration of its own else */
		CU_ASSERT_EQUAL_FATAL(load(NULL, &messages, &config), 0);
		CU_ASSERT_PTR_NULL(config_path(config));
		CU_ASSERT_STRING_EQUAL(messages.text, "");
		config_free(config);
	}
	write_file(".config/lull/config.json", "{}", 0600);
	CU_ASSERT_EQUAL_FATAL(load(NULL, &messages, &config), 0);
	CU_ASSERT_STRING_EQUAL(config_path(config), in_scratch(".config/lull/config.json"));
	config_free(config);
	write_file(".config/lull/config.yml", "", 0600);
	CU_ASSERT_EQUAL_FATAL(load(NULL, &messages, &config), 0);
	CU_ASSERT_STRING_EQUAL(config_path(config), in_scratch(".config/lull/config.yml"));
	config_free(config);
	write_file("xdg/lull/config.yaml", "", 0600);
	(void)setenv("XDG_CONFIG_HOME", in_scratch("xdg"), 1);
	CU_ASSERT_EQUAL_FATAL(load(NULL, &messages, &config), 0);
	CU_ASSERT_STRING_EQUAL(config_path(config), in_scratch("xdg/lull/config.yaml"));
	config_free(config);
	write_file("own.yaml", "", 0600);
	(void)setenv("LULL_CONFIG", in_scratch("own.yaml"), 1);
	CU_ASSERT_EQUAL_FATAL(load(NULL, &messages, &config), 0);
	CU_ASSERT_STRING_EQUAL(config_path(config), in_scratch("own.yaml"));
	config_free(config);
	CU_ASSERT_EQUAL_FATAL(load(in_scratch("xdg/lull/config.yaml"), &messages, &config), 0);
	CU_ASSERT_STRING_EQUAL(config_path(config), in_scratch("xdg/lull/config.yaml"));
	config_free(config);
	(void)setenv("LULL_CONFIG", in_scratch("nobody"), 1);
	CU_ASSERT_EQUAL(load(NULL, &messages, &config), -ENOENT);
	(void)unsetenv("LULL_CONFIG");
}

/* ---- the table itself */

static void test_the_table_of_keys_is_consistent(void)
{
	const struct schema_row *row;

	for (size_t i = 0; (row = schema_at(i)); i++) {
		const struct schema_inert *inert = schema_inert(row->section);
		char expected[SCHEMA_EXPECTED_BYTES] = "";

		schema_expected(row, expected);
		CU_ASSERT_NOT_EQUAL(expected[0], '\0');
		CU_ASSERT_NOT_EQUAL(row->text[0], '\0');
		CU_ASSERT_EQUAL(row->type == SCHEMA_CHOICE, row->choices != NULL);
		if (row->type == SCHEMA_DURATION || row->type == SCHEMA_COUNT)
			CU_ASSERT(row->min < row->max);
		for (size_t k = 0; k < i; k++)
			CU_ASSERT_FALSE(strcmp(schema_at(k)->section, row->section) == 0 &&
					strcmp(schema_at(k)->key, row->key) == 0);
		if (inert) { /* what has an effect is not said to have none */
			char padded[128], keys[8192];

			(void)snprintf(padded, sizeof(padded), " %s ", row->key);
			(void)snprintf(keys, sizeof(keys), " %s ", inert->keys);
			CU_ASSERT_PTR_NULL(strstr(keys, padded));
		}
	}
}

/* ---- the manual */

static char *read_document(const char *name)
{
	char path[512];
	FILE *file;
	char *text = calloc(1, 1 << 20);

	(void)snprintf(path, sizeof(path), "%s/%s", LULL_DOCS_DIR, name);
	file = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT(fread(text, 1, (1 << 20) - 1, file) > 0);
	(void)fclose(file);
	return text;
}

/* A row as a line of the reference's tables. */
static void reference_line(const struct schema_row *row, char *ret, size_t size)
{
	char expected[SCHEMA_EXPECTED_BYTES];

	schema_expected(row, expected);
	(void)snprintf(ret, size, "| `%s` | %s | %s | %s |\n", row->key, expected, row->initial,
		       row->text);
}

/* Each section's rows stand in a table of their own, behind its name as a heading. */
static void test_the_reference_has_every_key_as_it_is(void)
{
	char *document = read_document("configuration.md");
	const struct schema_row *row;

	for (size_t i = 0; (row = schema_at(i)); i++) {
		char heading[80], line[512];
		const char *section, *found, *next;

		(void)snprintf(heading, sizeof(heading),
			       row->section[0] ? "\n### `%s`\n" : "\n### The top level%s\n",
			       row->section);
		reference_line(row, line, sizeof(line));
		section = strstr(document, heading);
		found = section ? strstr(section, line) : NULL;
		next = section ? strstr(section + 1, "\n### ") : NULL;
		CU_ASSERT_PTR_NOT_NULL(found);
		CU_ASSERT(!next || !found || found < next);
		if (!found)
			fprintf(stderr, "%s%s", heading + 1, line);
	}
	free(document);
}

static void print_words(FILE *out, const char *const *words)
{
	if (!words[0])
		(void)fputs("\u2013", out);
	for (const char *const *word = words; *word; word++)
		(void)fprintf(out, "%s`%s`", word == words ? "" : ", ", *word);
}

/* A provider as a line of the reference's table. */
static void provider_line(const struct provider *provider, char *ret, size_t size)
{
	FILE *out = fmemopen(ret, size, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	(void)fputs("\n| ", out);
	print_words(out, provider->prefixes);
	(void)fprintf(out, " | `%s`", provider->base_url);
	if (provider->base_variables[0]) {
		(void)fputs("; ", out);
		print_words(out, provider->base_variables);
	}
	(void)fputs(" | ", out);
	if (provider->key_variables[0] || !provider->token_variables[0])
		print_words(out, provider->key_variables);
	if (provider->token_variables[0]) {
		(void)fputs(provider->key_variables[0] ? "; tokens: " : "tokens: ", out);
		print_words(out, provider->token_variables);
	}
	(void)fputs(" |\n", out);
	CU_ASSERT_EQUAL_FATAL(fclose(out), 0);
}

static void test_the_reference_has_every_provider_as_it_is(void)
{
	char *document = read_document("configuration.md");
	const struct provider *provider;

	for (size_t i = 0; (provider = provider_at(i)); i++) {
		char line[512];

		provider_line(provider, line, sizeof(line));
		CU_ASSERT_PTR_NOT_NULL(strstr(document, line));
		if (!strstr(document, line))
			fprintf(stderr, "%s", line);
	}
	free(document);
}

static void test_the_manual_page_names_every_key(void)
{
	char *document = read_document("man/lull.yaml.5.scd");
	const struct schema_row *row;

	for (size_t i = 0; (row = schema_at(i)); i++) {
		char name[80];

		(void)snprintf(name, sizeof(name), "*%s*", row->key);
		CU_ASSERT_PTR_NOT_NULL(strstr(document, name));
		if (!strstr(document, name))
			fprintf(stderr, "%s.%s\n", row->section, row->key);
	}
	free(document);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_empty_files_are_empty_configurations),
		CUNIT_TEST(test_what_is_no_yaml_is_said_with_its_line),
		CUNIT_TEST(test_what_is_no_json_is_said_with_its_line),
		CUNIT_TEST(test_unknown_keys_are_warned_of_with_what_was_meant),
		CUNIT_TEST(test_keys_without_effect_are_named_once),
		CUNIT_TEST(test_values_of_a_wrong_type_are_named_with_what_was_expected),
		CUNIT_TEST(test_numbers_of_litellm_beyond_the_range_are_brought_to_its_end),
		CUNIT_TEST(test_all_errors_are_reported_by_line),
		CUNIT_TEST(test_entries_are_checked),
		CUNIT_TEST(test_fallbacks_are_checked),
		CUNIT_TEST(test_aliases_are_checked),
		CUNIT_TEST(test_rules_are_checked),
		CUNIT_TEST(test_depth_is_bounded),
		CUNIT_TEST(test_messages_stay_short),
		CUNIT_TEST(test_a_billion_laughs_are_few),
		CUNIT_TEST(test_aliases_do_not_go_deeper),
		CUNIT_TEST(test_counts_are_bounded),
		CUNIT_TEST(test_size_is_bounded),
		CUNIT_TEST(test_anchors_and_merge_keys_are_understood),
		CUNIT_TEST(test_broken_anchors_are_named),
		CUNIT_TEST(test_settings_reach_the_call),
		CUNIT_TEST(test_disabled_cooldowns_are_rules),
		CUNIT_TEST(test_what_the_file_does_not_say_stays),
		CUNIT_TEST(test_allowed_fails_is_one_less_than_soft_failures),
		CUNIT_TEST(test_the_tutorial_has_a_table_of_its_own),
		CUNIT_TEST(test_values_may_stand_in_the_environment),
		CUNIT_TEST(test_files_are_read_by_their_ending),
		CUNIT_TEST(test_files_that_cannot_be_read_are_named),
		CUNIT_TEST(test_a_key_that_others_may_read_is_warned_of_once),
		CUNIT_TEST(test_the_configuration_is_found),
		CUNIT_TEST(test_the_table_of_keys_is_consistent),
		CUNIT_TEST(test_the_reference_has_every_key_as_it_is),
		CUNIT_TEST(test_the_reference_has_every_provider_as_it_is),
		CUNIT_TEST(test_the_manual_page_names_every_key),
	};
	char command[64];
	int r;

	if (!mkdtemp(scratch))
		return EXIT_FAILURE;
	r = CUNIT_MAIN("config", tests);
	(void)snprintf(command, sizeof(command), "rm -rf %s", scratch);
	return system(command) == 0 ? r : EXIT_FAILURE;
}
