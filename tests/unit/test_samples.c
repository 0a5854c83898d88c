/* SPDX-License-Identifier: MIT */
/*
 * Every sample of tests/wire against what index.json says of it: class, scope, proof and hint of
 * the errors; of the answers in OpenAI's form the answer itself, streams in pieces of 1, 7 and all
 * bytes. How many were read is printed: a test that skips everything would pass, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <lull/lull.h>

#include "classify.h"
#include "cunit_main.h"
#include "glance.h"
#include "http_text.h"

/* 2026-02-12T22:06:40Z: before the reset of openrouter/429_free_per_day */
#define NOW_UNIX_MS INT64_C(1770934000000)

static const size_t piece_sizes[] = {1, 7, SIZE_MAX};
#define PIECE_SIZE_COUNT (sizeof(piece_sizes) / sizeof(piece_sizes[0]))

static unsigned error_count, answer_count, usage_count, elsewhere_count, glance_count;

/* ---- files */

static char *read_file(const char *name, size_t *ret_size)
{
	char path[512];
	char *bytes;
	FILE *file;
	long size;

	(void)snprintf(path, sizeof(path), "%s/%s", LULL_WIRE_DIR, name);
	file = fopen(path, "re");
	if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
		(void)fprintf(stderr, "cannot read %s\n", path);
		exit(EXIT_FAILURE);
	}
	rewind(file);
	bytes = malloc((size_t)size + 1);
	if (!bytes || fread(bytes, 1, (size_t)size, file) != (size_t)size)
		exit(EXIT_FAILURE);
	bytes[size] = '\0';
	(void)fclose(file);
	*ret_size = (size_t)size;
	return bytes;
}

static struct json_object *read_json(const char *name)
{
	size_t size;
	char *bytes = read_file(name, &size);
	char error[128];
	struct json_object *json = json_read(bytes, size, error);

	if (!json)
		(void)fprintf(stderr, "%s: %s\n", name, error);
	free(bytes);
	return json;
}

static void read_response(const char *name, struct http_text *ret)
{
	const char *expected;
	size_t size;
	char *bytes = read_file(name, &size);

	CU_ASSERT_EQUAL_FATAL(http_text_parse(bytes, size, ret, &expected), 0);
	ret->response.now_unix_ms = NOW_UNIX_MS;
	free(bytes);
}

/* ---- a case of the index */

static struct json_object *member(struct json_object *object, const char *name)
{
	struct json_object *found = NULL;

	(void)json_object_object_get_ex(object, name, &found);
	return found;
}

static const char *text(struct json_object *object, const char *name)
{
	return json_object_get_string(member(object, name));
}

static bool is(struct json_object *object, const char *name, const char *value)
{
	const char *found = text(object, name);

	return found && strcmp(found, value) == 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text), end_size = strlen(end);

	return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* The folder's name, which for some is not the provider's. A vendor's other form is known by the path, or by
 * the adapter. */
static const struct provider *provider_of(struct json_object *wire_case)
{
	static const struct {
		const char *folder;
		const char *provider;
		const char *adapter; /* NULL any */
	} names[] = {
		{"together", "together_ai", NULL},   {"fireworks", "fireworks_ai", NULL},
		{"vertex", "vertex_ai", NULL},       {"lmstudio", "lm_studio", NULL},
		{"vllm", "hosted_vllm", NULL},       {"llamacpp", "llamafile", NULL},
		{"ollama", "ollama_chat", "ollama"},
	};
	char folder[64];
	const char *file = text(wire_case, "file");

	if (ends_with(text(wire_case, "api"), "/responses"))
		return provider_by_name("openai/responses");
	(void)snprintf(folder, sizeof(folder), "%.*s", (int)strcspn(file, "/"), file);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].folder, folder) == 0 &&
		    (!names[i].adapter || is(wire_case, "adapter", names[i].adapter)))
			return provider_by_name(names[i].provider);
	return provider_by_name(folder);
}

static const char *class_name(const struct verdict *verdict)
{
	return lull_class_info(verdict->outcome.class_id)->name;
}

static const char *strength_name(const struct verdict *verdict)
{
	static const char *const names[] = {"-", "soft", "hard"};
	const struct lull_class_info *info = lull_class_info(verdict->outcome.class_id);
	uint32_t proof = verdict->outcome.proof;

	return names[proof == LULL_UNSET ? info->proof : proof];
}

static const char *scope_name(const struct verdict *verdict)
{
	const struct lull_class_info *info = lull_class_info(verdict->outcome.class_id);
	uint32_t scope = verdict->outcome.scope;

	return lull_kind_name(scope == LULL_UNSET ? info->scope : scope);
}

static bool class_is_right(struct json_object *expect, const struct verdict *verdict)
{
	struct json_object *also = member(expect, "also");

	if (is(expect, "class", class_name(verdict)))
		return true;
	for (size_t i = 0; also && i < json_object_array_length(also); i++)
		if (strcmp(json_object_get_string(json_object_array_get_idx(also, i)),
			   class_name(verdict)) == 0)
			return true;
	return false;
}

/* A hint that depends on the clock has a place and no number in the index. */
static bool hint_is_right(struct json_object *expect, const struct verdict *verdict)
{
	struct json_object *hint = member(expect, "hint_ms");
	const char *from = text(expect, "hint_from");

	if (!from)
		return verdict->hint_said_ms == -1 && !verdict->hint_from;
	if (!verdict->hint_from || strcasecmp(verdict->hint_from, from) != 0)
		return false;
	return hint ? verdict->hint_said_ms == json_object_get_int64(hint)
		    : verdict->hint_said_ms > 0;
}

static void check_verdict(struct json_object *wire_case, const struct verdict *verdict)
{
	struct json_object *expect = member(wire_case, "expect");
	bool right = class_is_right(expect, verdict) && is(expect, "cool", scope_name(verdict)) &&
		     is(expect, "strength", strength_name(verdict)) &&
		     hint_is_right(expect, verdict);

	if (!right)
		(void)printf("    %s: %s %s %s %lld from %s by '%s', expected %s\n",
			     text(wire_case, "file"), class_name(verdict), scope_name(verdict),
			     strength_name(verdict), (long long)verdict->hint_said_ms,
			     verdict->hint_from ? verdict->hint_from : "-", verdict->rule,
			     json_object_get_string(expect));
	CU_ASSERT_TRUE(right);
	CU_ASSERT_PTR_NOT_NULL(verdict->rule);
}

/* ---- answers */

static bool is_string(struct json_object *value, const char *other)
{
	return json_object_is_type(value, json_type_string) &&
	       strcmp(json_object_get_string(value), other) == 0;
}

/* Where the wire has no time, the index has 0, and the answer ours. */
static bool is_our_time(const char *name, struct json_object *expected)
{
	return strcmp(name, "created") == 0 && json_object_get_int64(expected) == 0;
}

/* "*" is any text but none. All that is expected is there; null may be missing, and more may be
 * there. */
static bool holds(struct json_object *expected, struct json_object *actual)
{
	if (!expected)
		return !actual;
	if (!actual || json_object_get_type(expected) != json_object_get_type(actual))
		return false;
	if (json_object_is_type(expected, json_type_array)) {
		size_t count = json_object_array_length(expected);
		bool same = json_object_array_length(actual) == count;

		for (size_t i = 0; same && i < count; i++)
			same = holds(json_object_array_get_idx(expected, i),
				     json_object_array_get_idx(actual, i));
		return same;
	}
	if (is_string(expected, "*"))
		return json_object_get_string_len(actual) > 0;
	if (!json_object_is_type(expected, json_type_object))
		return json_object_equal(expected, actual);
	json_object_object_foreach(expected, name, value)
	{
		if (!is_our_time(name, value) && !holds(value, member(actual, name)))
			return false;
	}
	return true;
}

/* As its usage says, in OpenAI's form. */
static void check_tokens_used(struct json_object *answer, uint32_t used)
{
	struct json_object *total = member(member(answer, "usage"), "total_tokens");

	CU_ASSERT_EQUAL(used, total ? json_object_get_uint64(total) : LULL_UNSET);
	usage_count += total != NULL;
}

static void check_answer(struct json_object *wire_case, const struct answer *answer,
			 const struct verdict *verdict)
{
	struct json_object *expected, *actual, *choice, *message;
	const char *said;
	char error[128];

	CU_ASSERT_PTR_NOT_NULL_FATAL(answer->json);
	CU_ASSERT_EQUAL(strlen(answer->json), answer->json_bytes);
	actual = json_read(answer->json, answer->json_bytes, error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(actual);
	check_tokens_used(actual, verdict->outcome.tokens);
	choice = json_object_array_get_idx(member(actual, "choices"), 0);
	CU_ASSERT_TRUE(
		is(choice, "finish_reason", text(member(wire_case, "expect"), "finish_reason")));
	CU_ASSERT_PTR_NOT_NULL_FATAL(answer->finish);
	CU_ASSERT_TRUE(is(choice, "finish_reason", answer->finish));
	if (member(wire_case, "openai")) {
		expected = read_json(text(wire_case, "openai"));
		if (!holds(expected, actual))
			(void)printf("    %s: got %s\n", text(wire_case, "file"), answer->json);
		CU_ASSERT_TRUE(holds(expected, actual));
		message = member(json_object_array_get_idx(member(expected, "choices"), 0),
				 "message");
		said = text(message, "content") ? text(message, "content")
						: text(message, "refusal");
		CU_ASSERT_TRUE(said && *said ? answer->text && strcmp(said, answer->text) == 0
					     : !answer->text || *answer->text == '\0');
		json_object_put(expected);
	}
	json_object_put(actual);
}

/* What was seen at a glance is what reading in full finds. */
static void check_in_full(const struct http_route *route, const struct wire_response *response,
			  const struct answer *answer, const struct verdict *verdict)
{
	struct verdict full_verdict;
	struct answer full;
	struct glance glance;

	if (adapter_of(route)->translate_answer) /* with an id of our own making */
		return;
	glance_count += glance_at(response->body, response->body_bytes, &glance);
	CU_ASSERT_EQUAL_FATAL(answer_read_in_full(route, response, &full, &full_verdict), 0);
	CU_ASSERT_EQUAL(full_verdict.outcome.tokens, verdict->outcome.tokens);
	CU_ASSERT_PTR_EQUAL(full.finish, answer->finish);
	CU_ASSERT_STRING_EQUAL(full.json, answer->json);
	CU_ASSERT_TRUE(full.text && answer->text ? strcmp(full.text, answer->text) == 0
						 : full.text == answer->text);
	answer_deinit(&full);
}

static void read_whole(struct json_object *wire_case, const struct http_route *route,
		       const struct wire_response *response)
{
	struct verdict verdict;
	struct answer answer = {0};
	int rc = answer_read(route, response, &answer, &verdict);

	if (is(member(wire_case, "expect"), "class", "ok")) {
		CU_ASSERT_EQUAL(rc, 0);
		CU_ASSERT_EQUAL(verdict.outcome.class_id, LULL_CLASS_ANSWERED);
		if (rc == 0) {
			check_answer(wire_case, &answer, &verdict);
			check_in_full(route, response, &answer, &verdict);
		}
		answer_count++;
		answer_deinit(&answer);
		return;
	}
	CU_ASSERT_EQUAL(rc, 1);
	check_verdict(wire_case, &verdict);
	error_count++;
}

/* ---- streams */

struct gathered {
	struct buffer text;
	bool content;
	bool finish;
};

static int gather(const struct stream_event *event, void *userdata)
{
	struct gathered *gathered = userdata;
	struct json_object *chunk;
	char error[128];

	if (event->type == STREAM_DONE)
		return 0;
	CU_ASSERT_EQUAL(event->type, STREAM_CHUNK);
	CU_ASSERT_EQUAL(strlen(event->json), event->json_bytes);
	CU_ASSERT_PTR_NULL(strchr(event->json, '\n'));
	chunk = json_read(event->json, event->json_bytes, error);
	CU_ASSERT_PTR_NOT_NULL(chunk);
	json_object_put(chunk);
	if (event->text)
		(void)buffer_add(&gathered->text, event->text, strlen(event->text));
	gathered->content = gathered->content || event->content;
	gathered->finish = gathered->finish || event->finish;
	return 0;
}

/* The body in pieces, each in memory of its own, so that reading over its end is seen. */
static void feed(struct stream_reader *reader, const struct wire_response *response,
		 size_t piece_size, struct gathered *gathered)
{
	size_t size;
	int rc = 0;

	for (size_t at = 0; at < response->body_bytes && rc == 0; at += size) {
		char *piece;

		size = response->body_bytes - at < piece_size ? response->body_bytes - at
							      : piece_size;
		piece = malloc(size);
		CU_ASSERT_PTR_NOT_NULL_FATAL(piece);
		memcpy(piece, response->body + at, size);
		rc = stream_feed(reader, piece, size, gather, gathered);
		free(piece);
	}
	CU_ASSERT_TRUE(rc == 0 || rc == 1);
}

static void check_stream_answer(struct json_object *wire_case, struct stream_reader *reader,
				const struct verdict *verdict, const struct gathered *gathered)
{
	struct answer answer = {0};
	const char *finish;

	finish = stream_finish(reader);
	CU_ASSERT_EQUAL_FATAL(stream_answer(reader, &answer), 0);
	CU_ASSERT_PTR_EQUAL(finish, answer.finish);
	check_answer(wire_case, &answer, verdict);
	if (gathered->text.size > 0)
		CU_ASSERT_STRING_EQUAL(gathered->text.bytes, answer.text);
	answer_deinit(&answer);
}

/* Who wants only the chunks is told the same of their end. */
static void check_stream_end(struct json_object *wire_case, struct stream_reader *reader,
			     const struct verdict *verdict, const struct gathered *gathered)
{
	CU_ASSERT_TRUE(is(member(wire_case, "expect"), "finish_reason", stream_finish(reader)));
	CU_ASSERT_TRUE(gathered->finish);
	CU_ASSERT_EQUAL(gathered->content, !verdict->filtered);
}

static void read_stream(struct json_object *wire_case, const struct http_route *route,
			const struct wire_response *response, size_t piece_size, bool chunks_only)
{
	struct stream_reader *reader = stream_new(route, response);
	struct gathered gathered = {0};
	struct verdict verdict;
	bool answered;

	CU_ASSERT_PTR_NOT_NULL_FATAL(reader);
	if (chunks_only)
		stream_want_chunks_only(reader);
	buffer_init(&gathered.text, WIRE_BODY_BYTES_MAX);
	feed(reader, response, piece_size, &gathered);
	stream_end(reader, response, is(wire_case, "end", "reset"), &verdict);
	answered = verdict.outcome.class_id == LULL_CLASS_ANSWERED;
	if (!is(member(wire_case, "expect"), "class", "ok"))
		check_verdict(wire_case, &verdict);
	else if (answered)
		check_stream_end(wire_case, reader, &verdict, &gathered);
	else
		CU_FAIL("a whole stream is no answer");
	if (is(member(wire_case, "expect"), "class", "ok") && !answered)
		(void)printf("    %s: %s\n", text(wire_case, "file"), verdict.rule);
	if (answered && !chunks_only)
		check_stream_answer(wire_case, reader, &verdict, &gathered);
	stream_free(reader);
	buffer_deinit(&gathered.text);
}

static void read_stream_in_pieces(struct json_object *wire_case, const struct http_route *route,
				  const struct wire_response *response)
{
	for (size_t i = 0; i < PIECE_SIZE_COUNT; i++)
		read_stream(wire_case, route, response, piece_sizes[i], false);
	read_stream(wire_case, route, response, SIZE_MAX, true);
	if (is(member(wire_case, "expect"), "class", "ok"))
		answer_count++;
	else
		error_count++;
}

/* ---- errors inside the answers of other wire forms: found by hand, judged by the same rules */

struct found {
	const struct provider *provider;
	const struct wire_response *response;
	struct verdict verdict;
	bool failed;
};

static void judge_piece(struct found *found, const char *bytes, size_t size, bool is_error)
{
	struct wire_response response = *found->response;
	char error[128];
	struct json_object *root = json_read(bytes, size, error);

	if (!found->failed && (is_error || classify_is_failure(root))) {
		response.body = bytes;
		response.body_bytes = size;
		classify_response(found->provider, &response, &found->verdict);
		found->failed = true;
	}
	json_object_put(root);
}

static int judge_event(const struct sse_event *event, void *userdata)
{
	judge_piece(userdata, event->data, event->data_bytes, strcmp(event->event, "error") == 0);
	return 0;
}

static void judge_events(struct found *found)
{
	struct sse *sse = sse_new(WIRE_BODY_BYTES_MAX);

	CU_ASSERT_PTR_NOT_NULL_FATAL(sse);
	CU_ASSERT_EQUAL(sse_feed(sse, found->response->body, found->response->body_bytes,
				 judge_event, found),
			0);
	sse_free(sse);
}

/* false: only an adapter of that form can tell that something is missing */
static bool judge_other_form(struct json_object *wire_case, const struct provider *provider,
			     const struct wire_response *response)
{
	struct found found = {.provider = provider, .response = response};

	judge_events(&found);
	if (found.failed)
		check_verdict(wire_case, &found.verdict);
	return found.failed;
}

/* ---- all of them */

/* of a form for which there is an adapter; of OpenAI's, chat only */
static bool is_read_here(struct json_object *wire_case, const struct provider *provider)
{
	const struct adapter *adapter = adapter_by_name(provider->adapter);

	if (adapter && provider->vendor)
		return true;
	if (adapter && strcmp(adapter->name, "openai") == 0)
		return strstr(text(wire_case, "api"), "/chat/completions");
	return adapter && is(wire_case, "adapter", adapter->name);
}

/* The model that was asked for: some forms do not repeat it. */
static struct json_object *read_model(struct json_object *wire_case)
{
	struct json_object *expected =
		member(wire_case, "openai") ? read_json(text(wire_case, "openai")) : NULL;
	struct json_object *model = json_object_get(member(expected, "model"));

	json_object_put(expected);
	return model;
}

static void check_answered(struct json_object *wire_case, const struct provider *provider,
			   const struct wire_response *response)
{
	struct json_object *model = read_model(wire_case);
	const struct http_route route = {
		.provider = provider,
		.base_url = (char *)"https://host/v1",
		.model = (char *)json_object_get_string(model),
	};

	if (json_object_get_boolean(member(wire_case, "stream")))
		read_stream_in_pieces(wire_case, &route, response);
	else
		read_whole(wire_case, &route, response);
	json_object_put(model);
}

static void check_case(struct json_object *wire_case)
{
	const struct provider *provider = provider_of(wire_case);
	bool is_answer = is(member(wire_case, "expect"), "class", "ok");
	struct http_text http;
	struct verdict verdict;

	CU_ASSERT_PTR_NOT_NULL_FATAL(provider);
	read_response(text(wire_case, "file"), &http);
	CU_ASSERT_EQUAL(http.response.status, json_object_get_int(member(wire_case, "status")));
	if (http.response.status >= 300) {
		classify_response(provider, &http.response, &verdict);
		check_verdict(wire_case, &verdict);
		error_count++;
	} else if (is_read_here(wire_case, provider)) {
		check_answered(wire_case, provider, &http.response);
	} else if (!is_answer && judge_other_form(wire_case, provider, &http.response)) {
		error_count++;
	} else {
		elsewhere_count++;
	}
	http_text_deinit(&http);
}

static void test_every_sample_gives_what_the_index_says(void)
{
	struct json_object *index = read_json("index.json");
	struct json_object *cases = member(index, "cases");
	size_t count = cases ? json_object_array_length(cases) : 0;

	for (size_t i = 0; i < count; i++)
		check_case(json_object_array_get_idx(cases, i));
	(void)printf("\n    %zu samples: %u errors judged, %u answers read, "
		     "%u of wire forms that are not read here ... ",
		     count, error_count, answer_count, elsewhere_count);
	CU_ASSERT_EQUAL(count, 220);
	CU_ASSERT_EQUAL(error_count + answer_count + elsewhere_count, 220);
	CU_ASSERT_EQUAL(elsewhere_count, 1);
	CU_ASSERT(usage_count > 0);
	CU_ASSERT(glance_count > 0);
	json_object_put(index);
}

/* ---- requests */

/* The first that speaks it. */
static const struct provider *provider_of_form(const char *adapter)
{
	size_t i = 0;

	while (provider_at(i) && strcmp(provider_at(i)->adapter, adapter) != 0)
		i++;
	return provider_at(i);
}

/* The canonical request in that form. Order is of no matter. */
static void check_request(const char *form, const char *name)
{
	char file[128], error[REQUEST_ERROR_BYTES];
	struct json_object *expected, *written;
	struct http_request request;
	struct http_route route = {
		.provider = provider_of_form(form),
		.base_url = (char *)"https://host/v1",
	};
	size_t size;
	char *bytes;

	(void)snprintf(file, sizeof(file), "%s/%s", form, name);
	expected = read_json(file);
	route.model = (char *)text(expected, "model");
	route.model = route.model ? route.model : (char *)"model";
	if (strcmp(name, "request_native.json") == 0) /* by another name the same */
		name = "request_simple.json";
	(void)snprintf(file, sizeof(file), "canonical/%s", name);
	bytes = read_file(file, &size);
	CU_ASSERT_EQUAL_FATAL(request_write(&route, bytes, size, false, &request, error), 0);
	written = json_read(request.body.bytes, request.body.size, error);
	if (!json_object_equal(expected, written))
		(void)printf("    %s/%s: got %s\n", form, name, request.body.bytes);
	CU_ASSERT_TRUE(json_object_equal(expected, written));
	json_object_put(expected);
	json_object_put(written);
	http_request_deinit(&request);
	free(bytes);
}

static void test_every_request_is_what_the_provider_wants(void)
{
	static const char *const files[][2] = {
		{"anthropic", "request_simple.json"}, {"anthropic", "request_full.json"},
		{"bedrock", "request_simple.json"},   {"bedrock", "request_full.json"},
		{"cohere", "request_simple.json"},    {"cohere", "request_full.json"},
		{"gemini", "request_simple.json"},    {"gemini", "request_full.json"},
		{"mistral", "request_full.json"},     {"ollama", "request_full.json"},
		{"ollama", "request_native.json"},
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		check_request(files[i][0], files[i][1]);
}

/* ---- below HTTP */

/* what the transport would tell of each fault; those it does not name never get that far */
static bool failure_of(const char *fault, struct transport_failure *ret)
{
	static const struct {
		const char *fault;
		struct transport_failure failure;
	} failures[] = {
		{"connect_refused", {.curl_code = 7, .os_errno = 111}},
		{"dns_failure", {.curl_code = 6}},
		{"connect_timeout", {.curl_code = 28}},
		{"tls_failure", {.curl_code = 60, .connected = true}},
		{"reset_before_status", {.curl_code = 56, .connected = true}},
		{"close_before_status", {.curl_code = 52, .connected = true}},
		{"not_http", {.curl_code = 1, .connected = true}},
		{"close_delimited_cut", {.connected = true, .got_status = true, .streamed = true}},
		{"close_mid_chunked",
		 {.curl_code = 18, .connected = true, .got_status = true, .streamed = true}},
		{"reset_mid_body",
		 {.curl_code = 56, .connected = true, .got_status = true, .streamed = true}},
		{"short_content_length", {.curl_code = 18, .connected = true, .got_status = true}},
		{"bad_chunk_size", {.curl_code = 56, .connected = true, .got_status = true}},
		{"gzip_garbage", {.curl_code = 61, .connected = true, .got_status = true}},
		{"huge_body",
		 {.curl_code = 23, .connected = true, .got_status = true, .body_cap = true}},
		{"stall_before_status", {.curl_code = 28, .connected = true}},
		{"stall_mid_stream",
		 {.curl_code = 28, .connected = true, .got_status = true, .streamed = true}},
		{"comments_only",
		 {.curl_code = 28, .connected = true, .got_status = true, .streamed = true}},
		{"caller_gone", {.curl_code = 23, .connected = true, .got_status = true}},
	};

	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		if (strcmp(failures[i].fault, fault) == 0) {
			*ret = failures[i].failure;
			return true;
		}
	}
	return false;
}

static void test_every_transport_fault_gives_what_the_list_says(void)
{
	struct json_object *list = read_json("transport/faults.json");
	struct json_object *faults = member(list, "faults");
	struct transport_failure failure;
	struct verdict verdict;
	unsigned judged = 0;

	for (size_t i = 0; i < json_object_array_length(faults); i++) {
		struct json_object *fault = json_object_array_get_idx(faults, i);

		json_object_object_add(fault, "file", json_object_get(member(fault, "fault")));
		if (!failure_of(text(fault, "fault"), &failure))
			continue;
		classify_transport(&failure, &verdict);
		check_verdict(fault, &verdict);
		judged++;
	}
	(void)printf("\n    %u faults judged ... ", judged);
	CU_ASSERT_EQUAL(judged, 18);
	json_object_put(list);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_every_sample_gives_what_the_index_says),
		CUNIT_TEST(test_every_request_is_what_the_provider_wants),
		CUNIT_TEST(test_every_transport_fault_gives_what_the_list_says),
	};

	return CUNIT_MAIN("samples", tests);
}
