/* SPDX-License-Identifier: MIT */
/*
 * `lull explain-error FILE`: what Lull would make of a provider's response. The verdict comes from
 * the very tables that calls use; and what it would cool, for how long, is not computed here but
 * watched: a call on a table of this process's own is told that its attempt ended so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include <lull/lull.h>

#include "../src/classify.h"
#include "../src/http_text.h"
#include "../src/json_build.h"
#include "cmd.h"
#include "log.h"
#include "options.h"

#define FILE_BYTES_MAX (WIRE_BODY_BYTES_MAX + (1u << 20)) /* a body and its head */

struct settings {
	const char *provider;
	uint32_t json;
};

static const struct option_row options[] = {
	{"provider", 'p', OPTION_TEXT, 0, offsetof(struct settings, provider), "NAME", NULL,
	 "whose response it is, by name or prefix (default: openai)"},
	{"json", 0, OPTION_FLAG, 1, offsetof(struct settings, json), NULL, NULL,
	 "print one JSON object"},
	{0},
};

static const struct command command = {
	.name = "explain-error",
	.summary = "say what a response would do to its route, and by which rule",
	.operands = "FILE",
	.options = options,
	.description =
		"FILE (or - for stdin) is an HTTP response as `curl -i` prints it: status line, "
		"headers, a blank\nline, the body. Exit code 0; 64 usage; 65 FILE cannot be read "
		"or is no HTTP response.\n",
	.examples =
		"  lull explain-error 429.http\n"
		"  lull explain-error --provider groq --json 429.http\n"
		"  curl -si https://api.example.com/v1/chat/completions -d @request.json | lull "
		"explain-error -\n",
};

/* what it would do */
struct effect {
	uint32_t cooled_kind; /* LULL_KIND_NONE: nothing */
	uint32_t proof;
	uint64_t for_ms;
};

/* ---- input */

static int read_stream(FILE *file, struct buffer *ret)
{
	char bytes[65536];
	size_t size;
	int rc = 0;

	while (rc == 0 && (size = fread(bytes, 1, sizeof(bytes), file)) > 0)
		rc = buffer_add(ret, bytes, size);
	return rc == 0 && ferror(file) ? -errno : rc;
}

static int read_file(const char *path, struct buffer *ret)
{
	FILE *file;
	int rc;

	if (strcmp(path, "-") == 0)
		return read_stream(stdin, ret);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	rc = read_stream(file, ret);
	(void)fclose(file);
	return rc;
}

static const struct provider *find_provider(const char *name)
{
	const struct provider *provider = provider_said(name);
	char names[512] = "";
	size_t used = 0;

	if (provider)
		return provider;
	for (size_t i = 0; (provider = provider_at(i)) != NULL && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
					 i > 0 ? ", " : "", provider->name);
	log_error("explain-error: unknown provider '%s', expected one of %s", name, names);
	return NULL;
}

/* ---- the verdict */

static int take_event(const struct stream_event *event, void *userdata)
{
	(void)event;
	(void)userdata;
	return 0;
}

static void judge_stream(const struct http_route *route, const struct wire_response *response,
			 struct verdict *ret)
{
	struct stream_reader *reader = stream_new(route, response);

	verdict_set(ret, LULL_CLASS_LOCAL, "memory", "out of memory");
	if (!reader)
		return;
	(void)stream_feed(reader, response->body, response->body_bytes, take_event, NULL);
	stream_end(reader, response, false, ret);
	stream_free(reader);
}

static void judge_as(const struct provider *provider, enum endpoint endpoint,
		     const struct wire_response *response, struct verdict *ret)
{
	const struct http_route route = {.provider = provider, .endpoint = endpoint};
	struct answer answer;

	if (response->status >= 300)
		classify_response(provider, response, ret);
	else if (wire_is_event_stream(response))
		judge_stream(&route, response, ret);
	else if (answer_read(&route, response, &answer, ret) == 0)
		answer_deinit(&answer);
}

static bool is_read(const struct verdict *verdict)
{
	return verdict->outcome.class_id != LULL_CLASS_MALFORMED_RESPONSE &&
	       verdict->outcome.class_id != LULL_CLASS_TRUNCATED_STREAM;
}

static void judge_by_vendor(const char *vendor, enum endpoint endpoint,
			    const struct wire_response *response, struct verdict *ret)
{
	const struct provider *provider;

	for (size_t i = 0; !is_read(ret) && (provider = provider_at(i)) != NULL; i++)
		if (strcmp(provider_vendor_name(provider), vendor) == 0)
			judge_as(provider, endpoint, response, ret);
}

/* What cannot be read as a chat's answer in the provider's form may be in another one of the
 * vendor's, or that of another endpoint. */
static void judge(const struct provider *provider, const struct wire_response *response,
		  struct verdict *ret)
{
	judge_as(provider, ENDPOINT_CHAT, response, ret);
	for (int endpoint = ENDPOINT_CHAT; endpoint <= ENDPOINT_EMBEDDINGS; endpoint++)
		judge_by_vendor(provider_vendor_name(provider), (enum endpoint)endpoint, response,
				ret);
	if (!is_read(ret))
		judge_as(provider, ENDPOINT_CHAT, response, ret);
}

/* ---- the effect */

/* One attempt that ends so. One soft failure is made to cool, to see for how long the third would.
 */
static int watch(struct lull_table *table, const struct lull_outcome *outcome, struct effect *ret)
{
	const uint64_t now_ms = lull_clock_ms();
	struct lull_call_options call_options;
	struct lull_trail_entry entry;
	struct lull_route route;
	struct lull_step step;
	struct lull_call *call;
	int rc;

	lull_route_init(&route);
	route.label = route.route_key = "a route";
	route.credential_key = "its credential";
	route.endpoint_key = "its endpoint";
	lull_call_options_init(&call_options);
	call_options.soft_failures = 1;
	rc = lull_call_begin(&call, table, &route, 1, &call_options, now_ms);
	if (rc != 0)
		return rc;
	rc = lull_call_next(call, now_ms, &step);
	if (rc == 0)
		rc = lull_call_report(call, now_ms, outcome);
	if (rc == 0)
		rc = lull_call_trail_at(call, 0, &entry);
	if (rc == 0 && entry.cooled_kind != LULL_KIND_NONE) {
		ret->cooled_kind = entry.cooled_kind;
		ret->for_ms = entry.ready_in_ms;
	}
	lull_call_end(call, now_ms);
	return rc;
}

static int find_effect(const struct lull_outcome *outcome, struct effect *ret)
{
	struct lull_table_options table_options;
	struct lull_table *table;
	int rc;

	*ret = (struct effect){.proof = outcome->proof};
	if (ret->proof == LULL_UNSET)
		ret->proof = lull_class_info(outcome->class_id)->proof;
	if (outcome->class_id == LULL_CLASS_ANSWERED)
		return 0;
	lull_table_options_init(&table_options);
	table_options.flags = LULL_TABLE_LOCAL;
	rc = lull_table_open(&table_options, &table);
	if (rc != 0)
		return rc;
	rc = watch(table, outcome, ret);
	lull_table_close(table);
	return rc;
}

/* ---- output */

static const char *proof_name(uint32_t proof)
{
	static const char *const names[] = {"none", "soft", "hard"};

	return names[proof <= LULL_PROOF_HARD ? proof : LULL_PROOF_NONE];
}

/* "59.9 s", and short waits to the millisecond */
static void print_seconds(const char *before, uint64_t ms)
{
	(void)printf("%s%.*f s", before, ms < 10000 ? 3 : 1, (double)ms / 1000);
}

static void print_text(const struct verdict *verdict, const struct effect *effect)
{
	const struct lull_class_info *info = lull_class_info(verdict->outcome.class_id);
	bool believed = verdict->outcome.hint_ms >= 0;

	(void)printf("class  %s (%s)\n", info->name, info->text);
	(void)printf("rule   %s\n", verdict->rule);
	if (verdict->detail[0] != '\0')
		(void)printf("says   %s\n", verdict->detail);
	if (verdict->hint_said_ms >= 0) {
		print_seconds("asks   to wait ", (uint64_t)verdict->hint_said_ms);
		(void)printf(" (%s)%s\n", verdict->hint_from,
			     believed ? "" : ", which is not believed");
	}
	if (effect->cooled_kind == LULL_KIND_NONE) {
		(void)printf("cools  nothing\n");
		return;
	}
	(void)printf("cools  the %s", lull_kind_name(effect->cooled_kind));
	print_seconds(" for ", effect->for_ms);
	(void)printf(", %s\n", effect->proof == LULL_PROOF_HARD ? "at once"
								: "at the third failure in a row");
}

static int fill_json(struct json_object *object, const struct verdict *verdict,
		     const struct effect *effect)
{
	const char *class_name = lull_class_info(verdict->outcome.class_id)->name;
	const char *cools = lull_kind_name(effect->cooled_kind);
	int64_t hint_ms = verdict->hint_said_ms;
	int rc = json_set_new(object, "v", json_object_new_int(1));

	if (rc == 0)
		rc = json_set_new(object, "class", json_object_new_string(class_name));
	if (rc == 0)
		rc = json_set_new(object, "cools", json_object_new_string(cools));
	if (rc == 0)
		rc = json_set_new(object, "proof",
				  json_object_new_string(proof_name(effect->proof)));
	if (rc == 0)
		rc = json_set_new(object, "for_ms", json_object_new_uint64(effect->for_ms));
	if (rc == 0)
		rc = json_set(object, "hint_ms",
			      hint_ms >= 0 ? json_object_new_int64(hint_ms) : NULL);
	if (rc == 0)
		rc = json_set_new(object, "rule", json_object_new_string(verdict->rule));
	return rc;
}

static int print_json(const struct verdict *verdict, const struct effect *effect)
{
	struct json_object *object = json_object_new_object();
	int rc = fill_json(object, verdict, effect);
	const char *line = rc == 0 ? json_line(object, NULL) : NULL;

	if (line)
		(void)puts(line);
	json_object_put(object);
	return line ? 0 : -ENOMEM;
}

/* ---- the verb */

static int explain(const struct settings *settings, const struct provider *provider,
		   const struct wire_response *response)
{
	struct verdict verdict;
	struct effect effect;

	judge(provider, response, &verdict);
	if (find_effect(&verdict.outcome, &effect) != 0) {
		log_error("explain-error: out of memory");
		return EX_SOFTWARE;
	}
	if (!settings->json)
		print_text(&verdict, &effect);
	else if (print_json(&verdict, &effect) != 0)
		return EX_SOFTWARE;
	return EX_OK;
}

static int explain_bytes(const struct settings *settings, const struct provider *provider,
			 const char *path, const struct buffer *bytes)
{
	struct http_text text;
	const char *expected;
	int rc = http_text_parse(bytes->bytes ? bytes->bytes : "", bytes->size, &text, &expected);

	if (rc == -EINVAL)
		log_error("explain-error: %s is no HTTP response: expected %s", path, expected);
	else if (rc != 0)
		log_error("explain-error: out of memory");
	if (rc != 0)
		return rc == -EINVAL ? EX_DATAERR : EX_SOFTWARE;
	text.response.now_unix_ms = (int64_t)time(NULL) * 1000;
	rc = explain(settings, provider, &text.response);
	http_text_deinit(&text);
	return rc;
}

static int explain_file(const struct settings *settings, const struct provider *provider,
			const char *path)
{
	struct buffer bytes;
	int code = EX_DATAERR;
	int rc;

	buffer_init(&bytes, FILE_BYTES_MAX);
	rc = read_file(path, &bytes);
	if (rc != 0)
		log_error("explain-error: cannot read %s: %s", path,
			  rc == -EMSGSIZE ? "it has more than 33 MiB" : strerror(-rc));
	else
		code = explain_bytes(settings, provider, path, &bytes);
	buffer_deinit(&bytes);
	return code;
}

int cmd_explain_error(int argc, char **argv)
{
	struct settings settings = {.provider = "openai"};
	const struct provider *provider;
	int first;
	int rc = options_read(&command, argc, argv, &settings, &first);

	if (rc == OPTIONS_HELP)
		return EX_OK;
	if (rc != 0)
		return rc == -ENOMEM ? EX_SOFTWARE : EX_USAGE;
	provider = find_provider(settings.provider);
	if (!provider)
		return EX_USAGE;
	if (argc - first != 1) {
		log_error("explain-error: expected one FILE; see lull explain-error --help");
		return EX_USAGE;
	}
	return explain_file(&settings, provider, argv[first]);
}
