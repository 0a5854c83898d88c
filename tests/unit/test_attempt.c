/* SPDX-License-Identifier: MIT */
/*
 * An attempt against a server that misbehaves in one way at a time: which limit binds when, what is
 * handed out, and whose word counts. Limits are short and lower bounds; nothing here is timed.
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <lull/lull.h>

#include "attempt.h"
#include "cunit_main.h"
#include "openai.h"
#include "raw_server.h"

#define SOON_MS 120u

#define JSON_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define SSE_HEAD  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
#define ANSWER                                                                                     \
	"{\"id\":\"a\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[" \
	"{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"hi\"},\"finish_reason\":"  \
	"\"stop\"}]}"
#define CHUNK(delta, finish)                                                                      \
	"data: {\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\"," \
	"\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":" finish "}]}\n\n"
#define ROLE   CHUNK("{\"role\":\"assistant\",\"content\":\"\"}", "null")
#define WORD   CHUNK("{\"content\":\"hi\"}", "null")
#define FINISH CHUNK("{}", "\"stop\"")

struct seen {
	char text[256]; /* handed out */
	unsigned chunks, progress[8], chunks_before_content;
	bool leave;                         /* the reader leaves at its first chunk */
	struct http_attempt *const *paused; /* by its reader, at each chunk */
};

static void on_progress(uint32_t progress, void *userdata)
{
	((struct seen *)userdata)->progress[progress]++;
}

static int on_chunk(const struct stream_event *event, void *userdata)
{
	struct seen *seen = userdata;

	seen->chunks++;
	if (event->text)
		(void)strncat(seen->text, event->text, sizeof(seen->text) - strlen(seen->text) - 1);
	if (seen->paused)
		http_attempt_pause(*seen->paused, true);
	return seen->leave;
}

/* One attempt. Limits that are 0 are off. */
struct trial {
	const char *bytes;
	enum raw_then then;
	bool stream;
	bool reader_leaves;
	bool cancel;
	bool pause;         /* once there is content */
	bool pause_at_each; /* chunk, and go on after it */
	uint32_t connect_ms, headers_ms, content_ms, budget_ms, total_ms, idle_ms;
	const char *proxy;
};

struct found {
	struct verdict verdict;
	struct seen seen;
	char answer[512];
	const char *finish;
	bool handed_out;
	unsigned requests;
};

static uint64_t limit(uint64_t now_ms, uint32_t for_ms)
{
	return for_ms ? now_ms + for_ms : LULL_NEVER;
}

static void run(const struct trial *trial, struct found *found)
{
	const struct raw_turn turn = {trial->bytes, trial->then};
	struct raw_server *server = raw_server_start(&turn, 1);
	const char *request = "{\"model\":\"m\",\"messages\":[]}";
	const struct sink sink = {.chunk = on_chunk, .userdata = &found->seen};
	char url[64], key[] = "sk-test", model[] = "m";
	struct http_route route = {.provider = provider_by_name("openai"),
				   .model = model,
				   .base_url = url,
				   .api_key = key,
				   .proxy = (char *)trial->proxy};
	const struct http_attempt_job job = {.route = &route,
					     .request = request,
					     .request_bytes = strlen(request),
					     .sink = trial->stream ? &sink : NULL,
					     .progress = on_progress,
					     .userdata = &found->seen};
	const uint64_t now_ms = lull_clock_ms();
	const struct lull_step step = {
		.connect_by_ms = limit(now_ms, trial->connect_ms),
		.headers_by_ms = limit(now_ms, trial->headers_ms),
		.content_by_ms = limit(now_ms, trial->content_ms),
		.budget_by_ms = limit(now_ms, trial->budget_ms ? trial->budget_ms : 20000),
		.total_by_ms = limit(now_ms, trial->total_ms),
		.idle_ms = trial->idle_ms ? trial->idle_ms : 20000,
	};
	char error[HTTP_ATTEMPT_ERROR_BYTES];
	struct transport *transport = NULL;
	struct http_attempt *attempt = NULL;
	struct answer answer = {0};

	memset(found, 0, sizeof(*found));
	found->seen.leave = trial->reader_leaves;
	found->seen.paused = trial->pause_at_each ? &attempt : NULL;
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", raw_server_port(server));
	CU_ASSERT_EQUAL_FATAL(transport_new(&transport), 0);
	CU_ASSERT_EQUAL_FATAL(http_attempt_start(transport, &job, &step, &attempt, error), 0);
	while (!http_attempt_ended(attempt)) {
		CU_ASSERT_EQUAL_FATAL(transport_wait(transport, http_attempt_until_ms(attempt)), 0);
		http_attempt_check(attempt, lull_clock_ms());
		if (trial->cancel)
			http_attempt_cancel(attempt);
		if (trial->pause && http_attempt_handed_out(attempt))
			http_attempt_pause(attempt, true);
		if (trial->pause_at_each)
			http_attempt_pause(attempt, false);
	}
	http_attempt_finish(attempt, &answer, &found->verdict);
	found->handed_out = http_attempt_handed_out(attempt);
	(void)snprintf(found->answer, sizeof(found->answer), "%s", answer.json ? answer.json : "");
	found->finish = answer.finish;
	answer_deinit(&answer);
	http_attempt_free(attempt);
	transport_free(transport);
	found->requests = raw_server_requests(server);
	raw_server_stop(server);
}

static struct found found;

static uint32_t class_of(struct trial trial)
{
	run(&trial, &found);
	return found.verdict.outcome.class_id;
}

/* ---- answers */

static void test_an_answer_is_an_answer(void)
{
	CU_ASSERT_EQUAL(
		class_of((struct trial){.bytes = JSON_HEAD "\r\n" ANSWER, .then = RAW_CLOSE}),
		LULL_CLASS_ANSWERED);
	CU_ASSERT_PTR_NOT_NULL(strstr(found.answer, "\"hi\""));
	CU_ASSERT_EQUAL(found.verdict.outcome.http_status, 200);
	CU_ASSERT_EQUAL(found.seen.progress[LULL_PROGRESS_CONNECTED], 1);
	CU_ASSERT_EQUAL(found.seen.progress[LULL_PROGRESS_ACCEPTED], 1);
	CU_ASSERT_EQUAL(found.seen.progress[LULL_PROGRESS_CONTENT], 0);
	CU_ASSERT_FALSE(found.handed_out);
}

static void test_a_stream_is_handed_out(void)
{
	CU_ASSERT_EQUAL(class_of((struct trial){.bytes = SSE_HEAD ROLE WORD WORD FINISH,
						.then = RAW_CLOSE,
						.stream = true}),
			LULL_CLASS_ANSWERED);
	CU_ASSERT_STRING_EQUAL(found.seen.text, "hihi");
	CU_ASSERT_EQUAL(found.seen.chunks, 4);
	CU_ASSERT_EQUAL(found.seen.progress[LULL_PROGRESS_CONTENT], 1);
	CU_ASSERT(found.handed_out);
	CU_ASSERT_STRING_EQUAL(found.answer, "");
}

static void test_a_stream_nobody_asked_for_becomes_one_answer(void)
{
	CU_ASSERT_EQUAL(
		class_of((struct trial){.bytes = SSE_HEAD ROLE WORD FINISH, .then = RAW_CLOSE}),
		LULL_CLASS_ANSWERED);
	CU_ASSERT_PTR_NOT_NULL(strstr(found.answer, "\"chat.completion\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(found.answer, "\"hi\""));
	CU_ASSERT_FALSE(found.handed_out);
}

static void test_one_answer_to_a_stream_request_is_handed_out_as_one_chunk(void)
{
	CU_ASSERT_EQUAL(class_of((struct trial){.bytes = JSON_HEAD "\r\n" ANSWER,
						.then = RAW_CLOSE,
						.stream = true}),
			LULL_CLASS_ANSWERED);
	CU_ASSERT_EQUAL(found.seen.chunks, 1);
	CU_ASSERT_STRING_EQUAL(found.seen.text, "hi");
	CU_ASSERT(found.handed_out);
	CU_ASSERT_STRING_EQUAL(found.answer, "");
	CU_ASSERT_PTR_EQUAL(found.finish, openai_finish("stop"));
}

static void test_nothing_is_handed_out_before_the_first_content(void)
{
	CU_ASSERT_EQUAL(
		class_of((struct trial){.bytes = SSE_HEAD ROLE, .then = RAW_CLOSE, .stream = true}),
		LULL_CLASS_TRUNCATED_STREAM);
	CU_ASSERT_EQUAL(found.seen.chunks, 0);
	CU_ASSERT_FALSE(found.handed_out);
}

static void test_an_answer_without_a_word_is_handed_out_at_its_end(void)
{
	CU_ASSERT_EQUAL(class_of((struct trial){.bytes = SSE_HEAD ROLE CHUNK("{}", "\"length\""),
						.then = RAW_CLOSE,
						.stream = true}),
			LULL_CLASS_ANSWERED);
	CU_ASSERT_EQUAL(found.seen.chunks, 2);
	CU_ASSERT_PTR_EQUAL(found.finish, openai_finish("length"));
}

static void test_a_cut_stream_never_looks_complete(void)
{
	CU_ASSERT_EQUAL(class_of((struct trial){
				.bytes = SSE_HEAD ROLE WORD, .then = RAW_CLOSE, .stream = true}),
			LULL_CLASS_TRUNCATED_STREAM);
	CU_ASSERT(found.handed_out);
	CU_ASSERT_EQUAL(class_of((struct trial){
				.bytes = SSE_HEAD ROLE WORD, .then = RAW_RESET, .stream = true}),
			LULL_CLASS_TRUNCATED_STREAM);
}

static void test_a_cut_body_is_called_what_it_was_not_what_was_asked_for(void)
{
	const char *cut_json = JSON_HEAD "Content-Length: 999\r\n\r\n{\"id\"";

	CU_ASSERT_EQUAL(class_of((struct trial){.bytes = SSE_HEAD ROLE WORD, .then = RAW_RESET}),
			LULL_CLASS_TRUNCATED_STREAM);
	CU_ASSERT_EQUAL(
		class_of((struct trial){.bytes = cut_json, .then = RAW_CLOSE, .stream = true}),
		LULL_CLASS_MALFORMED_RESPONSE);
}

static void test_an_endless_event_is_no_answer(void)
{
	static char bytes[65536 + 1];
	const size_t head = (size_t)snprintf(bytes, sizeof(bytes), "%s", SSE_HEAD "data: ");

	memset(bytes + head, 'x', sizeof(bytes) - 1 - head);
	CU_ASSERT_EQUAL(class_of((struct trial){.bytes = bytes, .then = RAW_AGAIN, .stream = true}),
			LULL_CLASS_MALFORMED_RESPONSE);
	CU_ASSERT_FALSE(found.handed_out);
}

static void test_a_refusal_too_large_to_be_kept_is_that_refusal(void)
{
	static char bytes[65536 + 1];
	const size_t head =
		(size_t)snprintf(bytes, sizeof(bytes), "HTTP/1.1 429 No\r\n\r\n{\"a\":\"");

	memset(bytes + head, 'x', sizeof(bytes) - 1 - head);
	CU_ASSERT_EQUAL(class_of((struct trial){.bytes = bytes, .then = RAW_AGAIN}),
			LULL_CLASS_RATE_LIMITED);
	CU_ASSERT_STRING_EQUAL(found.verdict.detail, "a body of more than 32 MiB");
}

/* ---- limits */

static bool is_ours(void)
{
	return found.verdict.outcome.ours == 1;
}

static void test_silence_before_headers(void)
{
	CU_ASSERT_EQUAL(class_of((struct trial){.then = RAW_HANG, .headers_ms = SOON_MS}),
			LULL_CLASS_TIMEOUT);
	CU_ASSERT(is_ours());
	CU_ASSERT_STRING_EQUAL(found.verdict.rule, "limit headers");
	CU_ASSERT_EQUAL(found.seen.progress[LULL_PROGRESS_CONNECTED], 1);
	CU_ASSERT_EQUAL(found.seen.progress[LULL_PROGRESS_ACCEPTED], 0);
}

static void test_headers_in_time_leave_the_rest_to_the_budget(void)
{
	CU_ASSERT_EQUAL(class_of((struct trial){.bytes = JSON_HEAD "\r\n{",
						.then = RAW_HANG,
						.headers_ms = SOON_MS / 2,
						.budget_ms = SOON_MS * 2}),
			LULL_CLASS_TIMEOUT);
	CU_ASSERT(is_ours());
	CU_ASSERT_STRING_EQUAL(found.verdict.rule, "limit budget");
}

static void test_half_of_the_headers_are_no_headers(void)
{
	CU_ASSERT_EQUAL(class_of((struct trial){
				.bytes = JSON_HEAD, .then = RAW_HANG, .headers_ms = SOON_MS}),
			LULL_CLASS_TIMEOUT);
	CU_ASSERT_STRING_EQUAL(found.verdict.rule, "limit headers");
}

static void test_comments_and_roles_are_no_content(void)
{
	CU_ASSERT_EQUAL(class_of((struct trial){.bytes = SSE_HEAD ROLE ": ping\n\n",
						.then = RAW_HANG,
						.stream = true,
						.content_ms = SOON_MS}),
			LULL_CLASS_TIMEOUT);
	CU_ASSERT(is_ours());
	CU_ASSERT_STRING_EQUAL(found.verdict.rule, "limit content");
}

static void test_comments_are_no_deltas(void)
{
	CU_ASSERT_EQUAL(class_of((struct trial){.bytes = SSE_HEAD ROLE WORD ": ping\n\n",
						.then = RAW_HANG,
						.stream = true,
						.budget_ms = SOON_MS / 2,
						.idle_ms = SOON_MS}),
			LULL_CLASS_TIMEOUT);
	CU_ASSERT_STRING_EQUAL(found.verdict.rule, "limit idle");
	CU_ASSERT(found.handed_out);
}

static void test_the_silence_of_a_slow_reader_is_not_the_providers(void)
{
	CU_ASSERT_EQUAL(class_of((struct trial){.bytes = SSE_HEAD ROLE WORD,
						.then = RAW_HANG,
						.stream = true,
						.pause = true,
						.idle_ms = SOON_MS,
						.total_ms = SOON_MS * 2}),
			LULL_CLASS_CANCELLED);
	CU_ASSERT(found.handed_out);
}

static void test_total_holds_always(void)
{
	CU_ASSERT_EQUAL(class_of((struct trial){.bytes = SSE_HEAD ROLE WORD,
						.then = RAW_HANG,
						.stream = true,
						.total_ms = SOON_MS}),
			LULL_CLASS_TIMEOUT);
	CU_ASSERT_STRING_EQUAL(found.verdict.rule, "limit total");
}

/* A port on which connecting hangs: its queue is full and nobody accepts. */
struct full_port {
	int listening, waiting[4];
	char url[64];
};

static void full_port_open(struct full_port *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	port->listening = socket(AF_INET, SOCK_STREAM, 0);
	CU_ASSERT_EQUAL_FATAL(bind(port->listening, (struct sockaddr *)&address, size), 0);
	CU_ASSERT_EQUAL_FATAL(listen(port->listening, 0), 0);
	(void)getsockname(port->listening, (struct sockaddr *)&address, &size);
	for (size_t i = 0; i < 4; i++) {
		port->waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(port->waiting[i], (struct sockaddr *)&address, size);
	}
	(void)snprintf(port->url, sizeof(port->url), "http://127.0.0.1:%u",
		       ntohs(address.sin_port));
}

static void full_port_close(struct full_port *port)
{
	for (size_t i = 0; i < 4; i++)
		close(port->waiting[i]);
	close(port->listening);
}

static void test_a_budget_that_ends_while_connecting_is_the_budget(void)
{
	struct full_port port;

	full_port_open(&port);
	CU_ASSERT_EQUAL(class_of((struct trial){.proxy = port.url,
						.connect_ms = SOON_MS,
						.headers_ms = SOON_MS,
						.budget_ms = SOON_MS}),
			LULL_CLASS_TIMEOUT);
	CU_ASSERT(is_ours());
	CU_ASSERT_STRING_EQUAL(found.verdict.rule, "limit budget");
	full_port_close(&port);
}

static void test_connecting_too_long_is_the_network(void)
{
	struct full_port port;

	full_port_open(&port);
	CU_ASSERT_EQUAL(class_of((struct trial){.proxy = port.url,
						.connect_ms = SOON_MS,
						.budget_ms = 10 * SOON_MS}),
			LULL_CLASS_NETWORK);
	CU_ASSERT(is_ours());
	CU_ASSERT_EQUAL(found.verdict.outcome.proof, LULL_PROOF_SOFT);
	CU_ASSERT_EQUAL(found.seen.progress[LULL_PROGRESS_CONNECTED], 0);
	full_port_close(&port);
}

/* ---- whose word counts */

static void test_a_refusal_whose_body_never_ends_is_that_refusal(void)
{
	CU_ASSERT_EQUAL(class_of((struct trial){
				.bytes = "HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\n\r\n{\"err",
				.then = RAW_HANG,
				.headers_ms = SOON_MS}),
			LULL_CLASS_RATE_LIMITED);
	CU_ASSERT_EQUAL(found.verdict.outcome.hint_ms, 7000);
	CU_ASSERT_FALSE(is_ours());
	CU_ASSERT_EQUAL(found.seen.progress[LULL_PROGRESS_ACCEPTED], 0);
}

static void test_a_whole_stream_that_is_not_closed_is_an_answer(void)
{
	CU_ASSERT_EQUAL(class_of((struct trial){.bytes = SSE_HEAD ROLE WORD FINISH,
						.then = RAW_HANG,
						.stream = true,
						.idle_ms = SOON_MS}),
			LULL_CLASS_ANSWERED);
}

static void test_an_error_event_ends_the_stream_at_once(void)
{
	CU_ASSERT_EQUAL(class_of((struct trial){.bytes = SSE_HEAD ROLE
						"data: {\"error\":{\"message\":\"x\",\"type\":"
						"\"rate_limit_error\"}}\n\n",
						.then = RAW_HANG,
						.stream = true}),
			LULL_CLASS_RATE_LIMITED);
}

/* Whoever reads along has seen the finish reason. */
/* Its bytes came while the reader was behind, and are read when it goes on. */
static void test_an_error_event_after_a_pause_ends_the_stream_at_once(void)
{
	static const char error[] = "data: {\"error\":{\"message\":\"x\",\"code\":500}}\n\n";
	const uint64_t begin_ms = lull_clock_ms();
	char bytes[2048];

	(void)snprintf(bytes, sizeof(bytes),
		       "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n%zx\r\n%s\r\n%zx\r\n%s\r\n",
		       strlen(ROLE WORD), ROLE WORD, strlen(error), error);
	CU_ASSERT_EQUAL(
		class_of((struct trial){
			.bytes = bytes, .then = RAW_HANG, .stream = true, .pause_at_each = true}),
		LULL_CLASS_SERVER_ERROR);
	CU_ASSERT_STRING_EQUAL(found.seen.text, "hi");
	CU_ASSERT(lull_clock_ms() - begin_ms < 10000); /* not by the limit of silence */
}

static void test_what_comes_after_the_finish_reason_takes_nothing_back(void)
{
	static const char *const endings[] = {
		"data: {\"error\":{\"type\":\"rate_limit_error\"}}\n\n", "data: garbage\n\n",
		"data: {\"cut"};
	char bytes[2048];

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		(void)snprintf(bytes, sizeof(bytes), "%s%s", SSE_HEAD ROLE WORD FINISH, endings[i]);
		CU_ASSERT_EQUAL(
			class_of((struct trial){.bytes = bytes, .then = RAW_CLOSE, .stream = true}),
			LULL_CLASS_ANSWERED);
		CU_ASSERT_EQUAL(found.seen.chunks, 3);
		CU_ASSERT_PTR_NOT_NULL_FATAL(found.finish);
		CU_ASSERT_STRING_EQUAL(found.finish, "stop");
	}
}

static void test_a_reader_that_leaves_cancels(void)
{
	CU_ASSERT_EQUAL(class_of((struct trial){.bytes = SSE_HEAD ROLE WORD WORD FINISH,
						.then = RAW_CLOSE,
						.stream = true,
						.reader_leaves = true}),
			LULL_CLASS_CANCELLED);
	CU_ASSERT_EQUAL(found.seen.chunks, 1);
}

static void test_cancelling_blames_nobody(void)
{
	CU_ASSERT_EQUAL(class_of((struct trial){.then = RAW_HANG, .cancel = true}),
			LULL_CLASS_CANCELLED);
}

/* ---- suspend */

static uint64_t slept_ms;

static uint64_t sleeping_clock(void)
{
	return slept_ms += 5000;
}

static uint64_t waking_clock(void)
{
	return 0;
}

static void test_a_host_that_slept_proves_nothing(void)
{
	http_attempt_slept_ms = sleeping_clock;
	CU_ASSERT_EQUAL(class_of((struct trial){.then = RAW_HANG, .headers_ms = SOON_MS}),
			LULL_CLASS_SUSPENDED);
	CU_ASSERT_EQUAL(class_of((struct trial){.then = RAW_RESET}), LULL_CLASS_SUSPENDED);
	CU_ASSERT_EQUAL(class_of((struct trial){
				.bytes = SSE_HEAD ROLE WORD, .then = RAW_CLOSE, .stream = true}),
			LULL_CLASS_TRUNCATED_STREAM);
	http_attempt_slept_ms = waking_clock;
}

static void test_what_came_in_spite_of_sleep_counts(void)
{
	http_attempt_slept_ms = sleeping_clock;
	CU_ASSERT_EQUAL(
		class_of((struct trial){.bytes = JSON_HEAD "\r\n" ANSWER, .then = RAW_CLOSE}),
		LULL_CLASS_ANSWERED);
	CU_ASSERT_EQUAL(
		class_of((struct trial){.bytes = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
					.then = RAW_CLOSE}),
		LULL_CLASS_AUTH);
	http_attempt_slept_ms = waking_clock;
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_an_answer_is_an_answer),
		CUNIT_TEST(test_a_stream_is_handed_out),
		CUNIT_TEST(test_a_stream_nobody_asked_for_becomes_one_answer),
		CUNIT_TEST(test_one_answer_to_a_stream_request_is_handed_out_as_one_chunk),
		CUNIT_TEST(test_nothing_is_handed_out_before_the_first_content),
		CUNIT_TEST(test_an_answer_without_a_word_is_handed_out_at_its_end),
		CUNIT_TEST(test_a_cut_stream_never_looks_complete),
		CUNIT_TEST(test_a_cut_body_is_called_what_it_was_not_what_was_asked_for),
		CUNIT_TEST(test_an_endless_event_is_no_answer),
		CUNIT_TEST(test_a_refusal_too_large_to_be_kept_is_that_refusal),
		CUNIT_TEST(test_silence_before_headers),
		CUNIT_TEST(test_headers_in_time_leave_the_rest_to_the_budget),
		CUNIT_TEST(test_half_of_the_headers_are_no_headers),
		CUNIT_TEST(test_comments_and_roles_are_no_content),
		CUNIT_TEST(test_comments_are_no_deltas),
		CUNIT_TEST(test_the_silence_of_a_slow_reader_is_not_the_providers),
		CUNIT_TEST(test_total_holds_always),
		CUNIT_TEST(test_a_budget_that_ends_while_connecting_is_the_budget),
		CUNIT_TEST(test_connecting_too_long_is_the_network),
		CUNIT_TEST(test_a_refusal_whose_body_never_ends_is_that_refusal),
		CUNIT_TEST(test_a_whole_stream_that_is_not_closed_is_an_answer),
		CUNIT_TEST(test_an_error_event_ends_the_stream_at_once),
		CUNIT_TEST(test_an_error_event_after_a_pause_ends_the_stream_at_once),
		CUNIT_TEST(test_what_comes_after_the_finish_reason_takes_nothing_back),
		CUNIT_TEST(test_a_reader_that_leaves_cancels),
		CUNIT_TEST(test_cancelling_blames_nobody),
		CUNIT_TEST(test_a_host_that_slept_proves_nothing),
		CUNIT_TEST(test_what_came_in_spite_of_sleep_counts),
	};

	http_attempt_slept_ms = waking_clock;
	return CUNIT_MAIN("attempt", tests);
}
