/* SPDX-License-Identifier: MIT */
/*
 * The public call, lull_complete(), as a program in C meets it.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lull/http.h>
#include <lull/lull.h>

#include "cunit_main.h"
#include "raw_server.h"
#include "scratch_table.h"

#define REQUEST "{\"model\":\"openai/m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
#define BODY                                                                                       \
	"{\"id\":\"a\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[" \
	"{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"hello\"},\"finish_"        \
	"reason\":"                                                                                \
	"\"stop\"}]}"
#define ANSWER \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 157\r\n\r\n" BODY
#define LIMITED "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"

_Static_assert(sizeof(BODY) - 1 == 157, "the length in ANSWER is that of BODY");

static const struct raw_turn answers[] = {{ANSWER, RAW_KEEP}};

struct fixture {
	struct scratch scratch;
	struct raw_server *server;
	struct lull_http *http;
};

static void begin(struct fixture *f, const struct raw_turn *turns, size_t count)
{
	char url[64];

	scratch_make(&f->scratch);
	f->server = raw_server_start(turns, count);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", raw_server_port(f->server));
	(void)setenv("OPENAI_BASE_URL", url, 1);
	(void)setenv("OPENAI_API_KEY", "sk-test-0123456789", 1);
	(void)setenv("HOME", f->scratch.dir, 1);
	(void)unsetenv("XDG_CONFIG_HOME");
	CU_ASSERT_EQUAL_FATAL(lull_http_open(NULL, &f->http), 0);
}

static void end(struct fixture *f)
{
	lull_http_close(f->http);
	raw_server_stop(f->server);
	scratch_remove(&f->scratch);
}

static int complete(struct lull_http *http, const char *request,
		    const struct lull_complete_options *options, struct lull_completion *ret)
{
	memset(ret, 0, sizeof(*ret));
	return lull_complete(http, request, strlen(request), options, ret);
}

static void test_an_answer_comes_with_all_that_is_promised(void)
{
	struct lull_completion c;
	struct fixture f;

	begin(&f, answers, 1);
	CU_ASSERT_EQUAL_FATAL(complete(f.http, REQUEST, NULL, &c), 0);
	CU_ASSERT_EQUAL(c.result, LULL_RESULT_ANSWERED);
	CU_ASSERT_EQUAL(c.class_id, LULL_CLASS_ANSWERED);
	CU_ASSERT_EQUAL(c.exit_code, 0);
	CU_ASSERT_EQUAL(c.http_status, 200);
	CU_ASSERT_STRING_EQUAL(c.json, BODY);
	CU_ASSERT_EQUAL(c.json_bytes, strlen(BODY));
	CU_ASSERT_STRING_EQUAL(c.text, "hello");
	CU_ASSERT_STRING_EQUAL(c.route, "openai/m");
	CU_ASSERT_PTR_NULL(c.message);
	CU_ASSERT_PTR_NOT_NULL(strstr(c.trail_text, "openai/m: answered (HTTP 200)"));
	CU_ASSERT_PTR_NOT_NULL(strstr(c.trail_json, "\"step\":\"result\",\"result\":\"answered\""));
	lull_completion_clear(&c);
	CU_ASSERT_PTR_NULL(c.json);
	lull_completion_clear(&c);
	end(&f);
}

static void test_the_model_is_the_option_s_or_the_request_s(void)
{
	struct lull_complete_options options;
	struct lull_completion c;
	struct fixture f;

	begin(&f, answers, 1);
	lull_complete_options_init(&options);
	CU_ASSERT_EQUAL(complete(f.http, "{\"messages\":[]}", &options, &c), -EINVAL);
	CU_ASSERT_EQUAL(raw_server_requests(f.server), 0);
	options.model = "openai/other";
	CU_ASSERT_EQUAL_FATAL(complete(f.http, REQUEST, &options, &c), 0);
	CU_ASSERT_STRING_EQUAL(c.route, "openai/other");
	CU_ASSERT_PTR_NOT_NULL(strstr(raw_server_request(f.server), "{\"model\":\"other\","));
	lull_completion_clear(&c);
	end(&f);
}

/* An object of the list may bring other messages than the request's. */
static void test_no_word_of_a_listed_model_s_messages_is_shown(void)
{
	static const char request[] =
		"{\"model\":\"openai/a\",\"messages\":[],\"fallbacks\":[{\"model\":\"openai/b\","
		"\"messages\":[{\"role\":\"user\",\"content\":\"words of the second model\"}]}]}";
	static const struct raw_turn turns[] = {
		{LIMITED, RAW_KEEP},
		{"HTTP/1.1 400 Bad Request\r\nContent-Length: 61\r\n\r\n"
		 "{\"error\":{\"message\":\"cannot read words of the second model\"}}",
		 RAW_KEEP},
	};
	struct lull_completion c;
	struct fixture f;

	begin(&f, turns, 2);
	CU_ASSERT_EQUAL_FATAL(complete(f.http, request, NULL, &c), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(raw_server_request(f.server), "words of the second model"));
	CU_ASSERT_PTR_NOT_NULL(strstr(c.trail_text, "cannot read [hidden]"));
	CU_ASSERT_PTR_NULL(strstr(c.trail_json, "second model"));
	lull_completion_clear(&c);
	end(&f);
}

static void test_the_list_is_the_option_s_or_the_request_s(void)
{
	static const char request[] = "{\"models\":[\"openai/a\",\"openai/b\"],\"messages\":[]}";
	static const char *const given[] = {"openai/c"};
	static const struct raw_turn turns[] = {
		{LIMITED, RAW_KEEP}, {ANSWER, RAW_KEEP}, {ANSWER, RAW_KEEP}};
	struct lull_complete_options options;
	struct lull_completion c;
	struct fixture f;

	begin(&f, turns, 3);
	CU_ASSERT_EQUAL_FATAL(complete(f.http, request, NULL, &c), 0);
	CU_ASSERT_STRING_EQUAL(c.route, "openai/b");
	CU_ASSERT_PTR_NOT_NULL(
		strstr(raw_server_request(f.server), "{\"model\":\"b\",\"messages\":[]}"));
	lull_completion_clear(&c);
	lull_complete_options_init(&options);
	options.fallbacks = given;
	options.fallback_count = 1;
	CU_ASSERT_EQUAL_FATAL(complete(f.http, request, &options, &c), 0);
	CU_ASSERT_STRING_EQUAL(c.route, "openai/c"); /* a cools */
	lull_completion_clear(&c);
	CU_ASSERT_EQUAL(raw_server_requests(f.server), 3);
	end(&f);
}

static void test_what_is_no_request_is_refused(void)
{
	static const char *const requests[] = {"",
					       "[]",
					       "nonsense",
					       "{\"model\":",
					       "null",
					       "{} {}",
					       "{\"model\":\"a\",\"fallbacks\":5}"};
	struct lull_completion c;
	struct fixture f;

	begin(&f, answers, 1);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		CU_ASSERT_EQUAL(complete(f.http, requests[i], NULL, &c), -EBADMSG);
	CU_ASSERT_EQUAL(lull_complete(f.http, "{}", LULL_REQUEST_BYTES_MAX + 1, NULL, &c),
			-EMSGSIZE);
	CU_ASSERT_EQUAL(lull_complete(f.http, NULL, 0, NULL, &c), -EINVAL);
	CU_ASSERT_EQUAL(lull_complete(NULL, REQUEST, 1, NULL, &c), -EINVAL);
	CU_ASSERT_EQUAL(lull_complete(f.http, REQUEST, 1, NULL, NULL), -EINVAL);
	CU_ASSERT_EQUAL(raw_server_requests(f.server), 0);
	end(&f);
}

static void test_cooling_ends_at_once_unless_told_to_wait(void)
{
	static const struct raw_turn turns[] = {{LIMITED, RAW_KEEP}};
	struct lull_completion c;
	struct fixture f;

	begin(&f, turns, 1);
	CU_ASSERT_EQUAL_FATAL(complete(f.http, REQUEST, NULL, &c), 0);
	CU_ASSERT_EQUAL(c.result, LULL_RESULT_FAILED);
	CU_ASSERT_EQUAL(c.class_id, LULL_CLASS_RATE_LIMITED);
	CU_ASSERT_EQUAL(c.http_status, 429);
	CU_ASSERT_STRING_EQUAL(c.message, "models ran out: none of the list has answered");
	CU_ASSERT_PTR_NULL(c.json);
	CU_ASSERT_PTR_NULL(c.route);
	lull_completion_clear(&c);
	CU_ASSERT_EQUAL_FATAL(complete(f.http, REQUEST, NULL, &c), 0);
	CU_ASSERT_EQUAL(c.result, LULL_RESULT_COOLING);
	CU_ASSERT_EQUAL(c.exit_code, 75);
	CU_ASSERT(c.ready_in_ms > 20000 && c.ready_in_ms <= 30000);
	CU_ASSERT_EQUAL(raw_server_requests(f.server), 1);
	lull_completion_clear(&c);
	end(&f);
}

static int yes(void *userdata)
{
	++*(int *)userdata;
	return 1;
}

static void test_a_cancelled_call_blames_nobody(void)
{
	static const struct raw_turn turns[] = {{NULL, RAW_HANG}};
	struct lull_complete_options options;
	struct lull_key_state state = {.abi_version = LULL_ABI_VERSION};
	struct lull_table *table = NULL;
	struct lull_completion c;
	struct fixture f;
	uint64_t cursor = 0;
	int asked = 0;

	begin(&f, turns, 1);
	lull_complete_options_init(&options);
	options.is_cancelled = yes;
	options.userdata = &asked;
	CU_ASSERT_EQUAL_FATAL(complete(f.http, REQUEST, &options, &c), 0);
	CU_ASSERT_EQUAL(c.result, LULL_RESULT_CANCELLED);
	CU_ASSERT(asked > 0);
	lull_completion_clear(&c);
	CU_ASSERT_EQUAL_FATAL(lull_table_open(NULL, &table), 0);
	while (lull_key_at(table, &cursor, lull_clock_ms(), &state) == 0) {
		CU_ASSERT_EQUAL(state.state, LULL_STATE_READY);
		CU_ASSERT_EQUAL(state.strikes, 0);
	}
	lull_table_close(table);
	end(&f);
}

/* Runs one call in a child. Return: -rc, or 100 + result. */
static int complete_in_child(struct lull_http *http)
{
	int status = -1;
	pid_t child = fork();

	CU_ASSERT_FATAL(child >= 0);
	if (child == 0) {
		struct lull_completion c;
		int rc = complete(http, REQUEST, NULL, &c);

		rc = rc == 0 ? 100 + (int)c.result : -rc;
		lull_completion_clear(&c);
		lull_http_close(http);
		_exit(rc);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_a_handle_opened_before_fork_works_in_the_children(void)
{
	struct fixture f;

	begin(&f, answers, 1);
	CU_ASSERT_EQUAL(complete_in_child(f.http), 100 + LULL_RESULT_ANSWERED);
	CU_ASSERT_EQUAL(complete_in_child(f.http), 100 + LULL_RESULT_ANSWERED);
	end(&f);
}

static void test_a_used_handle_is_refused_in_a_child(void)
{
	struct lull_completion c;
	struct fixture f;

	begin(&f, answers, 1);
	CU_ASSERT_EQUAL_FATAL(complete(f.http, REQUEST, NULL, &c), 0);
	lull_completion_clear(&c);
	CU_ASSERT_EQUAL(complete_in_child(f.http), ECHILD);
	CU_ASSERT_EQUAL_FATAL(complete(f.http, REQUEST, NULL, &c), 0);
	CU_ASSERT_EQUAL(c.result, LULL_RESULT_ANSWERED);
	CU_ASSERT_EQUAL(raw_server_connections(f.server), 1);
	lull_completion_clear(&c);
	end(&f);
}

static void test_signals_are_as_before(void)
{
	struct lull_completion c;
	sigset_t before, after;
	struct fixture f;

	begin(&f, answers, 1);
	(void)sigprocmask(SIG_SETMASK, NULL, &before);
	CU_ASSERT_EQUAL_FATAL(complete(f.http, REQUEST, NULL, &c), 0);
	(void)sigprocmask(SIG_SETMASK, NULL, &after);
	CU_ASSERT_EQUAL(sigismember(&before, SIGPIPE), sigismember(&after, SIGPIPE));
	lull_completion_clear(&c);
	end(&f);
}

static void count_line(const char *line, int is_error, void *userdata)
{
	int *counts = userdata;

	CU_ASSERT_PTR_NOT_NULL(strchr(line, ' '));
	counts[is_error ? 1 : 0]++;
}

static void test_messages_are_told(void)
{
	struct lull_http_options options;
	struct lull_http *http = NULL;
	struct lull_completion c;
	int counts[2] = {0, 0};
	struct fixture f;

	begin(&f, answers, 1);
	lull_http_options_init(&options);
	options.message = count_line;
	options.userdata = counts;
	options.config_path = "/nonexistent/lull.yaml";
	CU_ASSERT_EQUAL(lull_http_open(&options, &http), -ENOENT);
	CU_ASSERT_EQUAL(counts[1], 1);
	options.config_path = NULL;
	options.table_name = "no/slash";
	CU_ASSERT_EQUAL(lull_http_open(&options, &http), -EINVAL);
	CU_ASSERT_EQUAL(counts[1], 2);
	options.table_name = NULL;
	(void)setenv("LULL_DISABLE", "1", 1);
	CU_ASSERT_EQUAL_FATAL(lull_http_open(&options, &http), 0);
	CU_ASSERT_EQUAL_FATAL(complete(http, REQUEST, NULL, &c), 0);
	CU_ASSERT_EQUAL(c.result, LULL_RESULT_ANSWERED);
	CU_ASSERT_EQUAL(counts[0], 1);
	(void)unsetenv("LULL_DISABLE");
	lull_completion_clear(&c);
	lull_http_close(http);
	end(&f);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_an_answer_comes_with_all_that_is_promised),
		CUNIT_TEST(test_the_model_is_the_option_s_or_the_request_s),
		CUNIT_TEST(test_the_list_is_the_option_s_or_the_request_s),
		CUNIT_TEST(test_no_word_of_a_listed_model_s_messages_is_shown),
		CUNIT_TEST(test_what_is_no_request_is_refused),
		CUNIT_TEST(test_cooling_ends_at_once_unless_told_to_wait),
		CUNIT_TEST(test_a_cancelled_call_blames_nobody),
		CUNIT_TEST(test_a_handle_opened_before_fork_works_in_the_children),
		CUNIT_TEST(test_a_used_handle_is_refused_in_a_child),
		CUNIT_TEST(test_signals_are_as_before),
		CUNIT_TEST(test_messages_are_told),
	};

	return CUNIT_MAIN("complete", tests);
}
