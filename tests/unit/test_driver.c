/* SPDX-License-Identifier: MIT */
/*
 * Calls in flight side by side, over one transport, and what wakes those that sleep on the table.
 */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <lull/lull.h>

#include "cunit_main.h"
#include "host.h"
#include "raw_server.h"
#include "scratch_table.h"
#include "watch.h"

#define CALLS   8u
#define REQUEST "{\"model\":\"openai/m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
#define BODY                                                                                       \
	"{\"id\":\"a\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[" \
	"{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"hello\"},\"finish_"        \
	"reason\":\"stop\"}]}"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" BODY

static const struct raw_turn answers[] = {{ANSWER, RAW_CLOSE}};

struct fixture {
	struct scratch scratch;
	struct raw_server *server;
	struct lull_http *http;
	struct request request;
	struct route_list routes;
	struct lull_call_options options;
	struct driver_job job;
};

static void begin(struct fixture *f)
{
	char url[64], error[REQUEST_ERROR_BYTES];

	scratch_make(&f->scratch);
	f->server = raw_server_start(answers, 1);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", raw_server_port(f->server));
	(void)setenv("OPENAI_BASE_URL", url, 1);
	(void)setenv("OPENAI_API_KEY", "sk-test-0123456789", 1);
	(void)setenv("HOME", f->scratch.dir, 1);
	(void)unsetenv("XDG_CONFIG_HOME");
	CU_ASSERT_EQUAL_FATAL(lull_http_open(NULL, &f->http), 0);
	CU_ASSERT_EQUAL_FATAL(request_read(REQUEST, strlen(REQUEST), &f->request, error), 0);
	CU_ASSERT_EQUAL_FATAL(http_routes(f->http, &f->request, NULL, NULL, 0, &f->routes), 0);
	http_call_options(f->http, &f->request, LULL_WHEN_COOLING_WAIT, 0, LULL_UNSET, &f->options);
	f->job = (struct driver_job){
		.transport = f->http->transport,
		.table = f->http->table,
		.routes = &f->routes,
		.options = &f->options,
		.request = f->request.bytes,
		.request_bytes = f->request.size,
	};
}

static void end(struct fixture *f)
{
	route_list_deinit(&f->routes);
	request_deinit(&f->request);
	lull_http_close(f->http);
	raw_server_stop(f->server);
	scratch_remove(&f->scratch);
}

/* One step of all that are not done. Return: how many are not. */
static unsigned advance_all(struct driver **drivers, unsigned count)
{
	unsigned left = 0;

	for (unsigned i = 0; i < count; i++)
		left += driver_advance(drivers[i]) != DRIVER_DONE;
	return left;
}

static void test_many_calls_share_one_transport(void)
{
	struct driver *drivers[CALLS];
	struct fixture f;

	begin(&f);
	for (unsigned i = 0; i < CALLS; i++)
		CU_ASSERT_EQUAL_FATAL(driver_new(&f.job, &drivers[i]), 0);
	CU_ASSERT_FALSE(driver_has_tried(drivers[0]));
	CU_ASSERT_EQUAL(advance_all(drivers, CALLS), CALLS);
	CU_ASSERT_TRUE(driver_has_tried(drivers[0]));
	while (advance_all(drivers, CALLS) > 0)
		CU_ASSERT_EQUAL_FATAL(transport_wait(f.job.transport, lull_clock_ms() + 20000), 0);
	for (unsigned i = 0; i < CALLS; i++) {
		struct driver_result result;

		CU_ASSERT_EQUAL_FATAL(driver_end(drivers[i], &result), 0);
		CU_ASSERT_EQUAL(result.result, LULL_RESULT_ANSWERED);
		CU_ASSERT_STRING_EQUAL(result.answer.text, "hello");
		CU_ASSERT_EQUAL(result.trail_count, 1);
		driver_result_deinit(&result);
	}
	end(&f);
}

static void test_a_call_may_end_at_any_step(void)
{
	struct driver *driver;
	struct fixture f;

	begin(&f);
	CU_ASSERT_EQUAL_FATAL(driver_new(&f.job, &driver), 0);
	CU_ASSERT_EQUAL(driver_end(driver, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(driver_new(&f.job, &driver), 0);
	CU_ASSERT_EQUAL(driver_advance(driver), DRIVER_TALKING);
	CU_ASSERT_EQUAL(driver_end(driver, NULL), 0);
	CU_ASSERT_EQUAL(
		lull_key_cool(f.http->table, LULL_KIND_NAME, "openai/m", 20000, lull_clock_ms()),
		0);
	CU_ASSERT_EQUAL_FATAL(driver_new(&f.job, &driver), 0);
	CU_ASSERT_EQUAL(driver_advance(driver), DRIVER_SLEEPING);
	CU_ASSERT_FALSE(driver_has_tried(driver));
	CU_ASSERT_TRUE(driver_until_ms(driver) > lull_clock_ms());
	CU_ASSERT_EQUAL(driver_end(driver, NULL), 0);
	end(&f);
}

static bool is_readable(const struct watch *watch, int for_ms)
{
	struct pollfd fd = {.fd = watch_fd(watch), .events = POLLIN};

	return poll(&fd, 1, for_ms) == 1;
}

static void test_a_change_of_the_table_wakes_a_sleeping_call(void)
{
	const uint64_t now_ms = lull_clock_ms();
	struct driver *driver;
	struct watch *watch;
	struct fixture f;
	uint32_t serial;

	begin(&f);
	CU_ASSERT_EQUAL_FATAL(watch_new(f.http->table, &watch), 0);
	CU_ASSERT_EQUAL(lull_key_cool(f.http->table, LULL_KIND_NAME, "openai/m", 20000, now_ms), 0);
	CU_ASSERT_EQUAL_FATAL(driver_new(&f.job, &driver), 0);
	serial = lull_table_serial(f.http->table);
	CU_ASSERT_EQUAL(driver_advance(driver), DRIVER_SLEEPING);
	CU_ASSERT_EQUAL(watch_arm(watch, serial), 0);
	CU_ASSERT_EQUAL(watch_arm(watch, serial), 0);
	CU_ASSERT_FALSE(is_readable(watch, 0));
	CU_ASSERT_EQUAL(lull_key_clear(f.http->table, LULL_KIND_NAME, "openai/m", now_ms), 0);
	CU_ASSERT_TRUE(is_readable(watch, 20000));
	CU_ASSERT_EQUAL(driver_advance(driver), DRIVER_TALKING);
	watch_clear(watch);
	CU_ASSERT_FALSE(is_readable(watch, 0));
	CU_ASSERT_EQUAL(watch_arm(watch, serial), 0); /* an old one: at once */
	CU_ASSERT_TRUE(is_readable(watch, 20000));
	CU_ASSERT_EQUAL(driver_end(driver, NULL), 0);
	CU_ASSERT_PTR_NULL(watch_free(watch));
	end(&f);
}

static void test_other_descriptors_end_a_wait(void)
{
	struct transport *transport;
	struct pollfd fd = {.events = POLLIN};
	int pipe_fds[2];

	CU_ASSERT_EQUAL_FATAL(transport_new(&transport), 0);
	CU_ASSERT_EQUAL_FATAL(pipe(pipe_fds), 0);
	fd.fd = pipe_fds[0];
	CU_ASSERT_EQUAL(transport_wait_with(transport, lull_clock_ms(), &fd, 1), 0);
	CU_ASSERT_EQUAL(fd.revents, 0);
	CU_ASSERT_EQUAL(write(pipe_fds[1], "x", 1), 1);
	CU_ASSERT_EQUAL(transport_wait_with(transport, lull_clock_ms() + 20000, &fd, 1), 0);
	CU_ASSERT_EQUAL(fd.revents, POLLIN);
	(void)close(pipe_fds[0]);
	(void)close(pipe_fds[1]);
	CU_ASSERT_PTR_NULL(transport_free(transport));
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_many_calls_share_one_transport),
		CUNIT_TEST(test_a_call_may_end_at_any_step),
		CUNIT_TEST(test_a_change_of_the_table_wakes_a_sleeping_call),
		CUNIT_TEST(test_other_descriptors_end_a_wait),
	};

	return CUNIT_MAIN("driver", tests);
}
