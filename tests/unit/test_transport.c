/* SPDX-License-Identifier: MIT */
/*
 * The transport against single connections: what is told, how often, and what never happens.
 */
#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lull/lull.h>

#include "../../worker/src/transport.h"
#include "cunit_main.h"
#include "raw_server.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define OK_TWO  OK_HEAD "Content-Length: 2\r\n\r\n{}"

struct seen {
	int connected, resent, heads, status, body_calls;
	size_t body_bytes;
	char body[256];
	char type[64];
	int ended;
	int stop_at_head; /* non-zero: on_head ends the transfer */
	bool is_stream;
	struct transfer *transfer;
};

static void on_connected(void *userdata)
{
	((struct seen *)userdata)->connected++;
}

static void on_resent(void *userdata)
{
	((struct seen *)userdata)->resent++;
}

static int on_head(const struct wire_response *head, void *userdata)
{
	struct seen *seen = userdata;
	const char *type = wire_header_get(head, "CONTENT-type");

	seen->heads++;
	seen->status = head->status;
	(void)snprintf(seen->type, sizeof(seen->type), "%s", type ? type : "");
	if (seen->is_stream)
		transfer_expect_stream(seen->transfer);
	return seen->stop_at_head;
}

static int on_body(const char *bytes, size_t size, void *userdata)
{
	struct seen *seen = userdata;

	seen->body_calls++;
	if (seen->body_bytes + size < sizeof(seen->body))
		memcpy(seen->body + seen->body_bytes, bytes, size);
	seen->body_bytes += size;
	return 0;
}

static const struct transfer_events events = {
	.connected = on_connected,
	.resent = on_resent,
	.head = on_head,
	.body = on_body,
};

/* One exchange with 127.0.0.1:port. Return: as transfer_failure(). */
static bool exchange_with(struct transport *transport, const struct http_route *route,
			  const char *scheme, uint16_t port, struct seen *seen,
			  struct transport_failure *failure)
{
	char url[64];
	char *headers[] = {(char[]){"Authorization: Bearer planted"}, NULL};
	struct http_request request = {.url = url, .headers = headers};
	const struct transfer_job job = {
		.route = route,
		.request = &request,
		.connect_for_ms = 5000,
		.events = &events,
		.userdata = seen,
	};
	struct transfer *transfer = NULL;
	const uint64_t end_ms = lull_clock_ms() + 20000;
	bool failed;

	(void)snprintf(url, sizeof(url), "%s://127.0.0.1:%u/v1", scheme, port);
	request.body = (struct buffer){.bytes = (char[]){"{\"a\":1}"}, .size = 7};
	*failure = (struct transport_failure){0};
	CU_ASSERT_EQUAL_FATAL(transfer_start(transport, &job, &transfer), 0);
	seen->transfer = transfer;
	while (!transfer_ended(transfer) && lull_clock_ms() < end_ms)
		CU_ASSERT_EQUAL(transport_wait(transport, end_ms), 0);
	CU_ASSERT(transfer_ended(transfer));
	failed = transfer_failure(transfer, failure);
	transfer_free(transfer);
	return failed;
}

static bool exchange(struct transport *transport, const struct raw_server *server,
		     struct seen *seen, struct transport_failure *failure)
{
	const struct http_route route = {0};

	*seen = (struct seen){0};
	return exchange_with(transport, &route, "http", raw_server_port(server), seen, failure);
}

/* A transport and a server that plays `turns`. */
struct fixture {
	struct transport *transport;
	struct raw_server *server;
	struct seen seen;
	struct transport_failure failure;
};

static struct fixture begin(const struct raw_turn *turns, size_t count)
{
	struct fixture f = {.server = raw_server_start(turns, count)};

	CU_ASSERT_EQUAL_FATAL(transport_new(&f.transport), 0);
	return f;
}

static void end(struct fixture *f)
{
	transport_free(f->transport);
	raw_server_stop(f->server);
}

#define BEGIN(turns) begin(turns, sizeof(turns) / sizeof((turns)[0]))

static void test_an_answer_is_told_whole(void)
{
	static const struct raw_turn turns[] = {{OK_TWO, RAW_KEEP}};
	struct fixture f = BEGIN(turns);

	CU_ASSERT_FALSE(exchange(f.transport, f.server, &f.seen, &f.failure));
	CU_ASSERT_EQUAL(f.seen.connected, 1);
	CU_ASSERT_EQUAL(f.seen.resent, 0);
	CU_ASSERT_EQUAL(f.seen.heads, 1);
	CU_ASSERT_EQUAL(f.seen.status, 200);
	CU_ASSERT_STRING_EQUAL(f.seen.type, "application/json");
	CU_ASSERT_STRING_EQUAL(f.seen.body, "{}");
	end(&f);
}

static void test_a_request_is_plain_http_1_1(void)
{
	static const struct raw_turn turns[] = {{OK_TWO, RAW_KEEP}};
	struct fixture f = BEGIN(turns);
	const char *request = raw_server_request(f.server);

	CU_ASSERT_FALSE(exchange(f.transport, f.server, &f.seen, &f.failure));
	CU_ASSERT_EQUAL(strncmp(request, "POST /v1 HTTP/1.1\r\n", 19), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(request, "Authorization: Bearer planted\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(request, "Accept-Encoding: gzip\r\n"));
	CU_ASSERT_PTR_NULL(strcasestr(request, "expect:"));
	CU_ASSERT_PTR_NULL(strcasestr(request, "user-agent:")); /* that is the request's to say */
	CU_ASSERT_PTR_NOT_NULL(strstr(request, "\r\n\r\n{\"a\":1}"));
	end(&f);
}

/* By zlib, asked for or not. */
static void test_a_packed_answer_is_unpacked(void)
{
	static const struct raw_turn turns[] = {
		{OK_HEAD "Content-Encoding: deflate\r\nContent-Length: 64\r\n\r\n"
			 "\x78\xda\x05\xc1\x41\x0a\x80\x30\x0c\x04\xc0\xaf\x2c\x39\x7b\x17\xfc"
			 "\x4d\xec\x56\x22\x42\x56\x9a\x43\x11\xf1\xef\xce\xbc\x76\x7b\xbb\x3a"
			 "\x6d\xb3\x15\x53\x83\x05\x1d\x98\x71\xb6\x40\x6a\x17\x1f\x84\x17\xa2"
			 "\xfb\xe0\x02\x4f\xa2\x04\xa5\x7d\x3f\x32\xf6\x13\x7a",
		 RAW_KEEP}};
	struct fixture f = BEGIN(turns);

	for (int i = 0; i < 2; i++) {
		CU_ASSERT_FALSE(exchange(f.transport, f.server, &f.seen, &f.failure));
		CU_ASSERT_STRING_EQUAL(f.seen.body, "{\"packed\":\"7 words of which nobody has "
						    "heard, and so on\"}");
	}
	end(&f);
}

static void test_a_connection_is_used_again(void)
{
	static const struct raw_turn turns[] = {{OK_TWO, RAW_KEEP}};
	struct fixture f = BEGIN(turns);

	for (int i = 0; i < 3; i++) {
		CU_ASSERT_FALSE(exchange(f.transport, f.server, &f.seen, &f.failure));
		CU_ASSERT_EQUAL(f.seen.connected, 1);
	}
	CU_ASSERT_EQUAL(raw_server_connections(f.server), 1);
	CU_ASSERT_EQUAL(raw_server_requests(f.server), 3);
	end(&f);
}

/* Handles are used again: nothing of a request before may be in the next one. */
static void test_each_request_is_by_its_own_route(void)
{
	static const struct raw_turn turns[] = {{OK_TWO, RAW_CLOSE}};
	struct fixture f = BEGIN(turns);
	const uint16_t port = raw_server_port(f.server);
	char proxy[64], missing[] = "/nonexistent";
	const struct http_route direct = {0}, through = {.proxy = proxy},
				untrusting = {.ca_file = missing};
	const char *request;

	(void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", port);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_FALSE(
			exchange_with(f.transport, &through, "http", port, &f.seen, &f.failure));
		request = raw_server_request(f.server);
		CU_ASSERT_PTR_EQUAL(strstr(request, "POST http://127.0.0.1"), request);
		CU_ASSERT_FALSE(
			exchange_with(f.transport, &direct, "http", port, &f.seen, &f.failure));
		request = raw_server_request(f.server);
		CU_ASSERT_PTR_EQUAL(strstr(request, "POST /v1 "), request);
		CU_ASSERT_TRUE(exchange_with(f.transport, &untrusting, "https", port, &f.seen,
					     &f.failure));
		CU_ASSERT_EQUAL(f.failure.curl_code, CURLE_SSL_CACERT_BADFILE);
		CU_ASSERT_FALSE(
			exchange_with(f.transport, &direct, "http", port, &f.seen, &f.failure));
	}
	end(&f);
}

/* More than there are handles for: those that were used last stay. */
static void test_many_routes_take_turns(void)
{
	static const struct raw_turn turns[] = {{OK_TWO, RAW_KEEP}};
	struct fixture f = BEGIN(turns);
	char file[16];
	const struct http_route route = {.ca_file = file};

	for (unsigned i = 0; i < 120; i++) {
		f.seen = (struct seen){0};
		(void)snprintf(file, sizeof(file), "/%u", i % 50);
		CU_ASSERT_FALSE(exchange_with(f.transport, &route, "http",
					      raw_server_port(f.server), &f.seen, &f.failure));
		CU_ASSERT_STRING_EQUAL(f.seen.body, "{}");
	}
	CU_ASSERT_EQUAL(raw_server_requests(f.server), 120);
	end(&f);
}

static void test_a_rest_closes_connections_and_no_more(void)
{
	static const struct raw_turn turns[] = {{OK_TWO, RAW_KEEP}};
	struct fixture f = BEGIN(turns);

	transport_rest(f.transport); /* there is nothing to close */
	for (unsigned i = 1; i <= 3; i++) {
		CU_ASSERT_FALSE(exchange(f.transport, f.server, &f.seen, &f.failure));
		CU_ASSERT_EQUAL(f.seen.status, 200);
		CU_ASSERT_EQUAL(raw_server_connections(f.server), i);
		transport_rest(f.transport);
	}
	end(&f);
}

static void test_a_dead_reused_connection_is_replaced_once(void)
{
	static const struct raw_turn turns[] = {
		{OK_TWO, RAW_KEEP}, {NULL, RAW_CLOSE}, {OK_TWO, RAW_KEEP}};
	struct fixture f = BEGIN(turns);

	CU_ASSERT_FALSE(exchange(f.transport, f.server, &f.seen, &f.failure));
	CU_ASSERT_FALSE(exchange(f.transport, f.server, &f.seen, &f.failure));
	CU_ASSERT_EQUAL(f.seen.connected, 1);
	CU_ASSERT_EQUAL(f.seen.resent, 1);
	CU_ASSERT_EQUAL(f.seen.status, 200);
	CU_ASSERT_EQUAL(raw_server_requests(f.server), 3);
	end(&f);
}

static void test_a_fresh_connection_that_dies_is_a_failure(void)
{
	static const struct raw_turn turns[] = {{NULL, RAW_CLOSE}};
	struct fixture f = BEGIN(turns);

	CU_ASSERT(exchange(f.transport, f.server, &f.seen, &f.failure));
	CU_ASSERT_EQUAL(f.failure.curl_code, CURLE_GOT_NOTHING);
	CU_ASSERT(f.failure.connected);
	CU_ASSERT_FALSE(f.failure.got_status);
	CU_ASSERT_EQUAL(raw_server_requests(f.server), 1);
	end(&f);
}

static void test_nothing_is_sent_a_third_time(void)
{
	static const struct raw_turn turns[] = {{OK_TWO, RAW_KEEP}, {NULL, RAW_CLOSE}};
	struct fixture f = BEGIN(turns);

	CU_ASSERT_FALSE(exchange(f.transport, f.server, &f.seen, &f.failure));
	CU_ASSERT(exchange(f.transport, f.server, &f.seen, &f.failure));
	CU_ASSERT_EQUAL(f.seen.resent, 1);
	CU_ASSERT_EQUAL(raw_server_requests(f.server), 3);
	end(&f);
}

static void test_a_redirect_is_not_followed(void)
{
	static const struct raw_turn turns[] = {
		{"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
		 RAW_KEEP}};
	struct fixture f = BEGIN(turns);

	CU_ASSERT_FALSE(exchange(f.transport, f.server, &f.seen, &f.failure));
	CU_ASSERT_EQUAL(f.seen.status, 302);
	CU_ASSERT_EQUAL(raw_server_requests(f.server), 1);
	end(&f);
}

static void test_interim_answers_are_passed_over(void)
{
	static const struct raw_turn turns[] = {
		{"HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\n"
		 "HTTP/1.1 103 Early Hints\r\nContent-Type: text/html\r\n\r\n" OK_TWO,
		 RAW_KEEP}};
	struct fixture f = BEGIN(turns);

	CU_ASSERT_FALSE(exchange(f.transport, f.server, &f.seen, &f.failure));
	CU_ASSERT_EQUAL(f.seen.heads, 1);
	CU_ASSERT_EQUAL(f.seen.status, 200);
	CU_ASSERT_STRING_EQUAL(f.seen.type, "application/json");
	end(&f);
}

static void test_trailers_are_no_headers(void)
{
	static const struct raw_turn turns[] = {
		{OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
			 "Content-Type: text/html\r\n\r\n",
		 RAW_KEEP}};
	struct fixture f = BEGIN(turns);

	CU_ASSERT_FALSE(exchange(f.transport, f.server, &f.seen, &f.failure));
	CU_ASSERT_EQUAL(f.seen.heads, 1);
	CU_ASSERT_STRING_EQUAL(f.seen.body, "{}");
	end(&f);
}

static void test_headers_cut_off_are_never_told(void)
{
	static const struct raw_turn turns[] = {{"HTTP/1.1 200 OK\r\nContent-Ty", RAW_CLOSE}};
	struct fixture f = BEGIN(turns);

	CU_ASSERT_FALSE(exchange(f.transport, f.server, &f.seen, &f.failure));
	CU_ASSERT_EQUAL(f.seen.heads, 0);
	end(&f);
}

static void test_endless_bodies_end_at_the_cap(void)
{
	static char turn_bytes[65536 + 1]; /* a body without length needs no framing */
	static const struct raw_turn endless[] = {{turn_bytes, RAW_AGAIN}};
	struct fixture f;
	size_t head;

	head = (size_t)snprintf(turn_bytes, sizeof(turn_bytes), "%s", OK_HEAD "\r\n");
	memset(turn_bytes + head, 'x', sizeof(turn_bytes) - 1 - head);
	f = BEGIN(endless);
	CU_ASSERT(exchange(f.transport, f.server, &f.seen, &f.failure));
	CU_ASSERT(f.failure.body_cap);
	CU_ASSERT_EQUAL(f.failure.curl_code, CURLE_WRITE_ERROR);
	CU_ASSERT(f.seen.body_bytes <= WIRE_BODY_BYTES_MAX);
	CU_ASSERT(f.seen.body_bytes > WIRE_BODY_BYTES_MAX - 65536);
	end(&f);
}

static void test_streams_may_be_longer(void)
{
	static char turn_bytes[65536 + 1];
	static const struct raw_turn endless[] = {{turn_bytes, RAW_AGAIN}};
	const struct http_route route = {0};
	struct fixture f;
	size_t head;

	head = (size_t)snprintf(turn_bytes, sizeof(turn_bytes), "%s", OK_HEAD "\r\n");
	memset(turn_bytes + head, 'x', sizeof(turn_bytes) - 1 - head);
	f = BEGIN(endless);
	f.seen.is_stream = true;
	CU_ASSERT(exchange_with(f.transport, &route, "http", raw_server_port(f.server), &f.seen,
				&f.failure));
	CU_ASSERT(f.failure.body_cap);
	CU_ASSERT(f.seen.body_bytes <= WIRE_STREAM_BYTES_MAX);
	CU_ASSERT(f.seen.body_bytes > WIRE_STREAM_BYTES_MAX - 65536);
	end(&f);
}

static void test_endless_headers_end_at_the_cap(void)
{
	static char line[1024];
	static char head[4096];
	static const struct raw_turn turns[] = {{head, RAW_AGAIN}};
	struct fixture f;

	memset(line, 'x', sizeof(line) - 1);
	(void)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nX-Long: %s\r\n", line);
	f = BEGIN(turns);
	CU_ASSERT(exchange(f.transport, f.server, &f.seen, &f.failure));
	CU_ASSERT_EQUAL(f.seen.heads, 0);
	end(&f);
}

/* Which libcurl takes for a lack of memory. */
static void test_a_line_that_is_too_long_is_the_servers_fault(void)
{
	static char head[140000];
	static const char *const beginnings[] = {"HTTP/1.1 200 OK\r\nX-Long: ", "HTTP/1.1 200 "};
	const struct raw_turn turn = {head, RAW_HANG};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		struct fixture f;

		memset(head, 'x', sizeof(head) - 1);
		memcpy(head, beginnings[i], strlen(beginnings[i]));
		f = begin(&turn, 1);
		CU_ASSERT(exchange(f.transport, f.server, &f.seen, &f.failure));
		CU_ASSERT_EQUAL(f.failure.curl_code, CURLE_WRITE_ERROR);
		CU_ASSERT(f.failure.body_cap);
		CU_ASSERT_EQUAL(f.seen.heads, 0);
		end(&f);
	}
}

static void test_the_environment_sets_no_proxy(void)
{
	static const struct raw_turn turns[] = {{OK_TWO, RAW_KEEP}};
	struct fixture f = BEGIN(turns);

	(void)setenv("http_proxy", "http://127.0.0.1:1", 1);
	(void)setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	CU_ASSERT_FALSE(exchange(f.transport, f.server, &f.seen, &f.failure));
	(void)unsetenv("http_proxy");
	(void)unsetenv("ALL_PROXY");
	end(&f);
}

static void test_a_proxy_of_the_route_is_used_whatever_no_proxy_says(void)
{
	static const struct raw_turn turns[] = {{OK_TWO, RAW_KEEP}};
	struct fixture f = BEGIN(turns);
	char proxy[64];
	const struct http_route route = {.proxy = proxy};

	(void)setenv("no_proxy", "*", 1);
	(void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", raw_server_port(f.server));
	CU_ASSERT_FALSE(exchange_with(f.transport, &route, "http", 1, &f.seen, &f.failure));
	CU_ASSERT_EQUAL(
		strncmp(raw_server_request(f.server), "POST http://127.0.0.1:1/v1 HTTP/1.1", 35),
		0);
	(void)unsetenv("no_proxy");
	end(&f);
}

static void test_a_proxy_that_refuses_gets_no_key(void)
{
	static const struct raw_turn turns[] = {
		{"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", RAW_CLOSE}};
	struct fixture f = BEGIN(turns);
	char proxy[64];
	const struct http_route route = {.proxy = proxy};

	(void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", raw_server_port(f.server));
	CU_ASSERT(exchange_with(f.transport, &route, "https", 1, &f.seen, &f.failure));
	CU_ASSERT(f.failure.proxied);
	CU_ASSERT_EQUAL(f.seen.heads, 0);
	CU_ASSERT_EQUAL(f.seen.connected, 0);
	CU_ASSERT_EQUAL(strncmp(raw_server_request(f.server), "CONNECT ", 8), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(raw_server_request(f.server), "User-Agent: lull/"));
	CU_ASSERT_PTR_NULL(strstr(raw_server_request(f.server), "planted"));
	end(&f);
}

static void test_refused_connections_say_so(void)
{
	static const struct raw_turn turns[] = {{OK_TWO, RAW_KEEP}};
	struct fixture f = BEGIN(turns);
	const struct http_route route = {0};
	uint16_t port = raw_server_port(f.server);

	raw_server_stop(f.server);
	CU_ASSERT(exchange_with(f.transport, &route, "http", port, &f.seen, &f.failure));
	CU_ASSERT_EQUAL(f.failure.curl_code, CURLE_COULDNT_CONNECT);
	CU_ASSERT_EQUAL(f.failure.os_errno, ECONNREFUSED);
	CU_ASSERT_FALSE(f.failure.connected);
	transport_free(f.transport);
}

static void test_a_missing_ca_file_is_a_local_failure(void)
{
	static const struct raw_turn turns[] = {{OK_TWO, RAW_KEEP}};
	struct fixture f = BEGIN(turns);
	const struct http_route route = {.ca_file = (char[]){"/nonexistent/ca.pem"}};

	CU_ASSERT(exchange_with(f.transport, &route, "https", raw_server_port(f.server), &f.seen,
				&f.failure));
	CU_ASSERT_EQUAL(f.failure.curl_code, CURLE_SSL_CACERT_BADFILE);
	CU_ASSERT_EQUAL(f.seen.connected, 0);
	end(&f);
}

/* The descriptors that the transport itself needs are opened by a first exchange. */
static void test_no_descriptors_left_is_told_by_errno(void)
{
	static const struct raw_turn turns[] = {{OK_TWO, RAW_CLOSE}};
	struct fixture f = BEGIN(turns);
	struct rlimit before, none;

	CU_ASSERT_FALSE(exchange(f.transport, f.server, &f.seen, &f.failure));
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 3;
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &none), 0);
	CU_ASSERT(exchange(f.transport, f.server, &f.seen, &f.failure));
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &before), 0);
	CU_ASSERT_EQUAL(f.failure.curl_code, CURLE_COULDNT_CONNECT);
	CU_ASSERT_EQUAL(f.failure.os_errno, EMFILE);
	end(&f);
}

static int start_in_child(struct transport *transport, uint16_t port)
{
	char url[64];
	struct http_request request = {.url = url};
	const struct http_route route = {0};
	struct seen seen = {0};
	const struct transfer_job job = {
		.route = &route, .request = &request, .events = &events, .userdata = &seen};
	struct transfer *transfer = NULL;
	int status = -1;
	pid_t child;

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", port);
	child = fork();
	CU_ASSERT_FATAL(child >= 0);
	if (child == 0) {
		int rc = transfer_start(transport, &job, &transfer);

		transfer_free(transfer);
		transport_free(transport);
		_exit(-rc);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_a_child_is_refused_and_harms_nobody(void)
{
	static const struct raw_turn turns[] = {{OK_TWO, RAW_KEEP}};
	struct fixture f = BEGIN(turns);

	CU_ASSERT_FALSE(exchange(f.transport, f.server, &f.seen, &f.failure));
	CU_ASSERT_EQUAL(start_in_child(f.transport, raw_server_port(f.server)), ECHILD);
	CU_ASSERT_FALSE(exchange(f.transport, f.server, &f.seen, &f.failure));
	CU_ASSERT_EQUAL(raw_server_connections(f.server), 1);
	end(&f);
}

static void test_an_unused_transport_goes_with_a_child(void)
{
	static const struct raw_turn turns[] = {{OK_TWO, RAW_KEEP}};
	struct fixture f = BEGIN(turns);

	CU_ASSERT_EQUAL(start_in_child(f.transport, raw_server_port(f.server)), 0);
	end(&f);
}

static void test_an_event_may_end_the_transfer(void)
{
	static const struct raw_turn turns[] = {{OK_TWO, RAW_KEEP}};
	struct fixture f = BEGIN(turns);
	const struct http_route route = {0};

	f.seen = (struct seen){.stop_at_head = 1};
	CU_ASSERT(exchange_with(f.transport, &route, "http", raw_server_port(f.server), &f.seen,
				&f.failure));
	CU_ASSERT_EQUAL(f.failure.curl_code, CURLE_WRITE_ERROR);
	CU_ASSERT_EQUAL(f.seen.body_calls, 0);
	end(&f);
}

/* ---- an event loop of somebody else's */

#define WATCHED_MAX 8

/* The smallest there is: poll(). */
struct small_loop {
	struct pollfd fds[WATCHED_MAX];
	uint64_t wake_at_ms;
	unsigned watches; /* how often it was told of one */
};

static void *watch_fd_of(int fd, short what, void *watched, void *userdata)
{
	struct small_loop *loop = userdata;
	struct pollfd *place = watched;

	for (size_t i = 0; !place && i < WATCHED_MAX; i++)
		if (loop->fds[i].fd < 0)
			place = &loop->fds[i];
	CU_ASSERT_PTR_NOT_NULL_FATAL(place);
	loop->watches++;
	*place = (struct pollfd){.fd = what ? fd : -1, .events = what};
	return what ? place : NULL;
}

static void wake_in(uint64_t for_ms, void *userdata)
{
	((struct small_loop *)userdata)->wake_at_ms =
		for_ms == LULL_NEVER ? LULL_NEVER : lull_clock_ms() + for_ms;
}

static int until_ms(uint64_t at_ms, int most_ms)
{
	const uint64_t now_ms = lull_clock_ms();

	if (at_ms <= now_ms)
		return 0;
	return at_ms - now_ms < (uint64_t)most_ms ? (int)(at_ms - now_ms) : most_ms;
}

static void turn_loop(struct small_loop *loop, struct transport *transport)
{
	const int n = poll(loop->fds, WATCHED_MAX, until_ms(loop->wake_at_ms, 1000));

	CU_ASSERT_TRUE_FATAL(n >= 0);
	if (loop->wake_at_ms <= lull_clock_ms()) {
		loop->wake_at_ms = LULL_NEVER;
		CU_ASSERT_EQUAL(transport_ready(transport, -1, 0), 0);
	}
	for (size_t i = 0; i < WATCHED_MAX; i++)
		if (loop->fds[i].fd >= 0 && loop->fds[i].revents)
			CU_ASSERT_EQUAL(
				transport_ready(transport, loop->fds[i].fd, loop->fds[i].revents),
				0);
}

static void on_ended(void *userdata)
{
	((struct seen *)userdata)->ended++;
}

struct driven {
	struct small_loop loop;
	struct raw_server *server;
	struct transport *transport;
	struct transfer *transfer;
	struct http_request request;
	struct seen seen;
	char url[64];
};

static void ask_driven(struct driven *d)
{
	static const struct http_route route;
	static const char *const further[] = {"X-Request-Id: abc", NULL};
	static struct transfer_events told;
	const struct transfer_job job = {.route = &route,
					 .request = &d->request,
					 .headers = further,
					 .connect_for_ms = 5000,
					 .events = &told,
					 .userdata = &d->seen};

	told = events;
	told.ended = on_ended;
	CU_ASSERT_EQUAL_FATAL(transfer_start(d->transport, &job, &d->transfer), 0);
}

static void begin_driven(struct driven *d, const struct raw_turn *turns, size_t count)
{
	const struct transport_loop loop = {
		.watch = watch_fd_of, .wake = wake_in, .userdata = &d->loop};

	*d = (struct driven){.loop.wake_at_ms = LULL_NEVER};
	for (size_t i = 0; i < WATCHED_MAX; i++)
		d->loop.fds[i].fd = -1;
	d->server = raw_server_start(turns, count);
	(void)snprintf(d->url, sizeof(d->url), "http://127.0.0.1:%u", raw_server_port(d->server));
	d->request.url = d->url;
	CU_ASSERT_EQUAL_FATAL(transport_new(&d->transport), 0);
	transport_use_loop(d->transport, &loop);
	ask_driven(d);
}

static void end_driven(struct driven *d)
{
	transfer_free(d->transfer);
	transport_free(d->transport);
	raw_server_stop(d->server);
	for (size_t i = 0; i < WATCHED_MAX; i++)
		CU_ASSERT_EQUAL(d->loop.fds[i].fd, -1);
}

static void test_somebody_elses_loop_may_drive_it(void)
{
	static const struct raw_turn turn = {OK_TWO, RAW_KEEP};
	struct driven d;

	begin_driven(&d, &turn, 1);
	while (!transfer_ended(d.transfer))
		turn_loop(&d.loop, d.transport);
	CU_ASSERT_EQUAL(d.seen.ended, 1);
	CU_ASSERT_EQUAL(d.seen.status, 200);
	CU_ASSERT_STRING_EQUAL(d.seen.body, "{}");
	CU_ASSERT_PTR_NOT_NULL(strstr(raw_server_request(d.server), "\r\nX-Request-Id: abc\r\n"));
	end_driven(&d);
}

/* An answer, and the transfer done away with. */
static void finish_driven(struct driven *d)
{
	while (!transfer_ended(d->transfer))
		turn_loop(&d->loop, d->transport);
	CU_ASSERT_EQUAL(d->seen.status, 200);
	d->transfer = transfer_free(d->transfer);
}

static void test_a_loop_watches_a_connection_until_it_ends(void)
{
	static const struct raw_turn turns[] = {
		{OK_TWO, RAW_KEEP}, {OK_TWO, RAW_CLOSE}, {OK_TWO, RAW_KEEP}};
	struct driven d;
	unsigned watches;

	begin_driven(&d, turns, 3);
	finish_driven(&d);
	watches = d.loop.watches;
	ask_driven(&d);
	finish_driven(&d);
	CU_ASSERT_EQUAL(d.loop.watches, watches);
	while (d.loop.watches == watches) /* the server closes it, and nobody waits for that */
		turn_loop(&d.loop, d.transport);
	for (size_t i = 0; i < WATCHED_MAX; i++)
		CU_ASSERT_EQUAL(d.loop.fds[i].fd, -1);
	CU_ASSERT_EQUAL(d.loop.watches, watches + 1);
	ask_driven(&d);
	finish_driven(&d);
	CU_ASSERT_EQUAL(raw_server_connections(d.server), 2);
	end_driven(&d);
}

static void test_a_paused_transfer_takes_no_more_until_it_goes_on(void)
{
	static char bytes[(2u << 20) + 1];
	static const struct raw_turn turn = {bytes, RAW_CLOSE};
	size_t head = (size_t)snprintf(bytes, sizeof(bytes), OK_HEAD "\r\n"), taken;
	struct driven d;

	memset(bytes + head, 'x', sizeof(bytes) - 1 - head);
	begin_driven(&d, &turn, 1);
	while (d.seen.body_bytes == 0)
		turn_loop(&d.loop, d.transport);
	transfer_pause(d.transfer, true);
	taken = d.seen.body_bytes;
	for (int i = 0; i < 3; i++) {
		d.loop.wake_at_ms = LULL_NEVER;
		(void)poll(NULL, 0, 20);
		CU_ASSERT_EQUAL(transport_ready(d.transport, -1, 0), 0);
	}
	CU_ASSERT_EQUAL(d.seen.body_bytes, taken);
	CU_ASSERT_FALSE(transfer_ended(d.transfer));
	transfer_pause(d.transfer, false);
	while (!transfer_ended(d.transfer))
		turn_loop(&d.loop, d.transport);
	CU_ASSERT_EQUAL(d.seen.body_bytes, sizeof(bytes) - 1 - head);
	end_driven(&d);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		CUNIT_TEST(test_an_answer_is_told_whole),
		CUNIT_TEST(test_a_request_is_plain_http_1_1),
		CUNIT_TEST(test_a_packed_answer_is_unpacked),
		CUNIT_TEST(test_a_connection_is_used_again),
		CUNIT_TEST(test_each_request_is_by_its_own_route),
		CUNIT_TEST(test_many_routes_take_turns),
		CUNIT_TEST(test_a_rest_closes_connections_and_no_more),
		CUNIT_TEST(test_a_dead_reused_connection_is_replaced_once),
		CUNIT_TEST(test_a_fresh_connection_that_dies_is_a_failure),
		CUNIT_TEST(test_nothing_is_sent_a_third_time),
		CUNIT_TEST(test_a_redirect_is_not_followed),
		CUNIT_TEST(test_interim_answers_are_passed_over),
		CUNIT_TEST(test_trailers_are_no_headers),
		CUNIT_TEST(test_headers_cut_off_are_never_told),
		CUNIT_TEST(test_endless_bodies_end_at_the_cap),
		CUNIT_TEST(test_streams_may_be_longer),
		CUNIT_TEST(test_endless_headers_end_at_the_cap),
		CUNIT_TEST(test_a_line_that_is_too_long_is_the_servers_fault),
		CUNIT_TEST(test_the_environment_sets_no_proxy),
		CUNIT_TEST(test_a_proxy_of_the_route_is_used_whatever_no_proxy_says),
		CUNIT_TEST(test_a_proxy_that_refuses_gets_no_key),
		CUNIT_TEST(test_refused_connections_say_so),
		CUNIT_TEST(test_a_missing_ca_file_is_a_local_failure),
		CUNIT_TEST(test_no_descriptors_left_is_told_by_errno),
		CUNIT_TEST(test_a_child_is_refused_and_harms_nobody),
		CUNIT_TEST(test_an_unused_transport_goes_with_a_child),
		CUNIT_TEST(test_an_event_may_end_the_transfer),
		CUNIT_TEST(test_somebody_elses_loop_may_drive_it),
		CUNIT_TEST(test_a_loop_watches_a_connection_until_it_ends),
		CUNIT_TEST(test_a_paused_transfer_takes_no_more_until_it_goes_on),
	};

	return CUNIT_MAIN("transport", tests);
}
