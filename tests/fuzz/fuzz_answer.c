/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as an answer in each form, whole and streamed, and as a request to be written in it.
 *
 *   - a verdict for everything; an answer is in OpenAI's form, and read again it is an answer
 *     again; what is seen of one at a glance is what reading it in full finds;
 *   - a stream gives the same chunks and the same verdict however it is cut, and what is put
 *     together of a whole one is an answer by the rules of unstreamed ones;
 *   - where streams are binary, each line of the input is an event with the right sums, too;
 *   - of a request in OpenAI's form only the named members change; in another it is an object.
 *
 * Linked with --wrap=getrandom,--wrap=time: the ids and times of our own making are always the
 * same.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <lull/lull.h>

#include "event_message.h"
#include "fuzz.h"
#include "glance.h"
#include "http_text.h"

static const char *const providers[] = {"openai",  "deepseek",    "anthropic",
					"gemini",  "bedrock",     "cohere",
					"mistral", "ollama_chat", "openai/responses"};
#define PROVIDER_COUNT (sizeof(providers) / sizeof(providers[0]))

static struct http_route route = {
	.model = (char *)"the \"model\"",
	.base_url = (char *)"https://host/v1",
	.api_key = (char *)"hunter2",
};

ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags)
{
	(void)flags;
	memset(bytes, 7, size);
	return (ssize_t)size;
}

time_t __wrap_time(time_t *ret);
time_t __wrap_time(time_t *ret)
{
	(void)ret;
	return 1;
}

static bool keeps_requests(void)
{
	return adapter_of(&route) == adapter_by_name("openai");
}

/* ---- whole answers */

static void check_answer(const struct answer *answer)
{
	const struct wire_response again = {
		.status = 200, .body = answer->json, .body_bytes = answer->json_bytes};
	const struct http_route openai = {.provider = provider_by_name("openai")};
	struct verdict verdict;
	struct answer copy;

	CHECK(strlen(answer->json) == answer->json_bytes);
	CHECK(answer_read(&openai, &again, &copy, &verdict) == 0);
	CHECK(strcmp(answer->json, copy.json) == 0);
	CHECK(!answer->text == !copy.text);
	CHECK(!answer->text || strcmp(answer->text, copy.text) == 0);
	answer_deinit(&copy);
}

static void read_in_full(const struct wire_response *response, int expected_rc,
			 const struct answer *expected, const struct verdict *expected_verdict)
{
	struct verdict verdict;
	struct answer answer;

	CHECK(answer_read_in_full(&route, response, &answer, &verdict) == expected_rc);
	CHECK(strcmp(verdict.rule, expected_verdict->rule) == 0);
	CHECK(strcmp(verdict.detail, expected_verdict->detail) == 0);
	CHECK(verdict.outcome.tokens == expected_verdict->outcome.tokens);
	if (expected_rc != 0)
		return;
	CHECK(strcmp(answer.json, expected->json) == 0);
	CHECK(answer.finish == expected->finish);
	CHECK(!answer.text == !expected->text);
	CHECK(!answer.text || strcmp(answer.text, expected->text) == 0);
	answer_deinit(&answer);
}

static void read_whole(const struct wire_response *response)
{
	struct verdict verdict;
	struct answer answer;
	int rc = answer_read(&route, response, &answer, &verdict);

	CHECK(verdict.rule);
	CHECK((rc == 0) == (verdict.outcome.class_id == LULL_CLASS_ANSWERED));
	read_in_full(response, rc, &answer, &verdict);
	if (rc == 0) {
		check_answer(&answer);
		answer_deinit(&answer);
	}
}

/* ---- streams */

struct streamed {
	struct buffer chunks;
	bool finish; /* one of them has a finish reason */
	struct verdict verdict;
	struct answer answer;
};

static int write_chunk(const struct stream_event *event, void *userdata)
{
	struct streamed *out = userdata;
	char problem[128];
	struct json_object *chunk;

	if (event->type == STREAM_DONE)
		return 0;
	out->finish |= event->finish;
	chunk = json_read(event->json, event->json_bytes, problem);
	CHECK(chunk && !memchr(event->json, '\n', event->json_bytes));
	json_object_put(chunk);
	CHECK(buffer_add(&out->chunks, event->json, event->json_bytes + 1) == 0);
	return 0;
}

static void read_stream(const struct wire_response *response, size_t piece_size,
			struct streamed *ret)
{
	struct stream_reader *reader = stream_new(&route, response);
	int rc = 0;

	CHECK(reader);
	*ret = (struct streamed){0};
	buffer_init(&ret->chunks, 1u << 30);
	for (size_t at = 0; at < response->body_bytes && rc == 0; at += piece_size) {
		size_t left = response->body_bytes - at;

		rc = stream_feed(reader, response->body + at, left < piece_size ? left : piece_size,
				 write_chunk, ret);
	}
	CHECK(rc == 0 || rc == 1);
	stream_end(reader, response, false, &ret->verdict);
	CHECK(ret->verdict.rule);
	CHECK(ret->finish || ret->verdict.outcome.class_id != LULL_CLASS_ANSWERED);
	if (ret->verdict.outcome.class_id == LULL_CLASS_ANSWERED)
		CHECK(stream_answer(reader, &ret->answer) == 0);
	stream_free(reader);
}

/* Who wants only the chunks hears the same verdict. */
static void read_chunks_only(const struct wire_response *response, const struct verdict *expected)
{
	struct stream_reader *reader = stream_new(&route, response);
	struct streamed ignored = {0};
	struct verdict verdict;

	CHECK(reader);
	buffer_init(&ignored.chunks, 1u << 30);
	stream_want_chunks_only(reader);
	(void)stream_feed(reader, response->body, response->body_bytes, write_chunk, &ignored);
	stream_end(reader, response, false, &verdict);
	CHECK(strcmp(verdict.rule, expected->rule) == 0);
	CHECK(verdict.outcome.tokens == expected->outcome.tokens);
	stream_free(reader);
	buffer_deinit(&ignored.chunks);
}

static void compare_streams(const struct wire_response *response, size_t piece_size)
{
	struct streamed whole, pieces;

	read_stream(response, SIZE_MAX, &whole);
	read_stream(response, piece_size, &pieces);
	CHECK(strcmp(whole.verdict.rule, pieces.verdict.rule) == 0);
	CHECK(strcmp(whole.verdict.detail, pieces.verdict.detail) == 0);
	CHECK(whole.chunks.size == pieces.chunks.size);
	CHECK(whole.chunks.size == 0 ||
	      memcmp(whole.chunks.bytes, pieces.chunks.bytes, whole.chunks.size) == 0);
	if (whole.verdict.outcome.class_id == LULL_CLASS_ANSWERED)
		read_chunks_only(response, &whole.verdict);
	CHECK(!whole.answer.json == !pieces.answer.json);
	if (whole.answer.json) {
		CHECK(strcmp(whole.answer.json, pieces.answer.json) == 0);
		check_answer(&whole.answer);
	}
	answer_deinit(&whole.answer);
	answer_deinit(&pieces.answer);
	buffer_deinit(&whole.chunks);
	buffer_deinit(&pieces.chunks);
}

/* Each line as an event, or an exception, that its first byte names. */
static void frame_lines(const struct wire_response *response, struct buffer *out)
{
	static const char *const names[] = {"contentBlockStart", "contentBlockDelta",
					    "contentBlockStop",  "messageStop",
					    "metadata",          "throttlingException"};
	const size_t name_count = sizeof(names) / sizeof(names[0]);
	const char *at = response->body, *end = at + response->body_bytes;

	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		size_t size = (size_t)((line_end ? line_end : end) - at);
		size_t name = size > 0 ? (unsigned char)*at % name_count : 0;

		if (size > 0)
			event_message_add(out, name == name_count - 1 ? "exception" : "event",
					  names[name], (struct event_bytes){at + 1, size - 1});
		at += size + 1;
	}
}

static void compare_framed_streams(const struct wire_response *response, size_t piece_size)
{
	struct wire_response framed = *response;
	struct buffer bytes;

	buffer_init(&bytes, 1u << 30);
	frame_lines(response, &bytes);
	framed.body = bytes.bytes;
	framed.body_bytes = bytes.size;
	compare_streams(&framed, piece_size);
	buffer_deinit(&bytes);
}

/* ---- requests */

static bool may_change(const char *name)
{
	static const char *const names[] = {"model", "stream", "stream_options", "max_tokens",
					    "max_completion_tokens"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void compare_requests(struct json_object *before, struct json_object *after, bool stream)
{
	struct json_object *member;

	CHECK(json_object_object_get_ex(after, "model", &member));
	CHECK(strcmp(json_object_get_string(member), route.model) == 0);
	CHECK(json_object_object_get_ex(after, "stream", &member) || !stream);
	if (stream)
		CHECK(json_object_get_boolean(member));
	json_object_object_foreach(before, name, value)
	{
		if (may_change(name))
			continue;
		CHECK(json_object_object_get_ex(after, name, &member));
		CHECK(json_object_equal(value, member));
	}
}

static void write_request(const char *bytes, size_t size, bool stream)
{
	char problem[256];
	struct json_object *before = json_read(bytes, size, problem), *after;
	struct http_request request;
	int rc = request_write(&route, bytes, size, stream, &request, problem);

	CHECK(rc == 0 || rc == -EINVAL);
	if (rc == 0 && json_object_is_type(before, json_type_object)) {
		after = json_read(request.body.bytes, request.body.size, problem);
		CHECK(json_object_is_type(after, json_type_object));
		if (keeps_requests())
			compare_requests(before, after, stream);
		json_object_put(after);
	}
	http_request_deinit(&request);
	json_object_put(before);
}

/* The last byte chooses provider and size of the pieces. It is no part of what is read: JSON may
 * not end in just any byte. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t choice = size > 0 ? data[--size] : 0;
	const char *expected;
	struct http_text text = {0};
	struct wire_response response = {
		.status = 200, .body = (const char *)data, .body_bytes = size};

	route.provider = provider_by_name(providers[choice % PROVIDER_COUNT]);
	if (http_text_parse((const char *)data, size, &text, &expected) == 0) {
		response = text.response;
		response.status = 200;
	}
	read_whole(&response);
	compare_streams(&response, 1 + choice % 9);
	if (adapter_of(&route)->framing == FRAMING_BINARY)
		compare_framed_streams(&response, 1 + choice % 9);
	write_request(response.body, response.body_bytes, choice & 2);
	http_text_deinit(&text);
	return 0;
}
