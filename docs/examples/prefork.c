/* SPDX-License-Identifier: MIT */
/*
 * A small pre-forked HTTP server that answers through lull_complete().
 *
 *     cc -o prefork prefork.c $(pkg-config --cflags --libs lull-http json-c)
 *     OPENAI_API_KEY=... ./prefork 8080 4 gpt-4o gpt-4o-mini
 *     curl -d '{"prompt":"Say hello"}' http://127.0.0.1:8080/
 *
 * The parent listens and forks; each worker accepts by itself, and asks the first model, or the
 * ones after it. What one worker learns (a rate limit, a bad key, a server that is down) the others
 * know at their next call, because all of them read one table: nothing here has to be done for it.
 *
 * Things to copy: the handle is opened in the worker, after fork(); SIGTERM ends a running call as
 * cancelled, so nobody is blamed for it; a failure becomes a status and a Retry-After; whoever cuts
 * off the table's file ends no worker.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lull/http.h>

#define REQUEST_BYTES_MAX 1048576
#define WORKERS_MAX       64

/* accept() and recv() come back after this: a silent client must not keep a worker, and a signal
 * that came just before accept() must not be slept over */
static const struct timeval patience = {.tv_sec = 5};

static volatile sig_atomic_t stopping;

static void on_stop(int signal_number)
{
	(void)signal_number;
	stopping = 1;
}

static int is_stopping(void *userdata)
{
	(void)userdata;
	return stopping;
}

/* ---- HTTP, as little of it as will do */

/* Reads one request; *ret_body points into `bytes`. Return: size of the body; -1 it is no use. */
static ssize_t read_request(int fd, char *bytes, char **ret_body)
{
	size_t size = 0;

	for (;;) {
		ssize_t got = recv(fd, bytes + size, REQUEST_BYTES_MAX - size, 0);
		const char *length;
		char *body;
		size_t expected;

		if (got <= 0)
			return -1;
		size += (size_t)got;
		bytes[size] = '\0';
		body = strstr(bytes, "\r\n\r\n");
		if (!body)
			continue;
		body += 4;
		length = strcasestr(bytes, "\r\ncontent-length:");
		expected = length && length < body ? strtoul(length + 17, NULL, 10) : 0;
		if (expected > REQUEST_BYTES_MAX - (size_t)(body - bytes))
			return -1;
		if (size - (size_t)(body - bytes) < expected)
			continue;
		*ret_body = body;
		return strncmp(bytes, "POST ", 5) == 0 ? (ssize_t)expected : -1;
	}
}

static void send_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		bytes += sent;
		size -= (size_t)sent;
	}
}

static void reply(int fd, int status, uint64_t retry_after_s, const char *body, size_t body_size)
{
	char head[256];
	char retry[48] = "";
	int size;

	if (retry_after_s > 0)
		(void)snprintf(retry, sizeof(retry), "Retry-After: %" PRIu64 "\r\n", retry_after_s);
	size = snprintf(head, sizeof(head),
			"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n%s"
			"X-Worker: %ld\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
			status, status == 200 ? "OK" : "Error", retry, (long)getpid(), body_size);
	send_all(fd, head, (size_t)size);
	send_all(fd, body, body_size);
}

static void reply_error(int fd, int status, uint64_t retry_after_s, const char *message)
{
	struct json_object *outer = json_object_new_object();
	struct json_object *error = json_object_new_object();
	const char *body;

	json_object_object_add(error, "message", json_object_new_string(message));
	json_object_object_add(outer, "error", error);
	body = json_object_to_json_string(outer);
	reply(fd, status, retry_after_s, body, strlen(body));
	json_object_put(outer);
}

/* ---- one request */

/* {"prompt": "..."} becomes a request in OpenAI's form; anything else is taken for one. */
static struct json_object *to_request(const char *body, size_t size)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *request = json_tokener_parse_ex(tokener, body, (int)size);
	struct json_object *prompt, *message, *messages;

	json_tokener_free(tokener);
	if (!json_object_object_get_ex(request, "prompt", &prompt))
		return request;
	message = json_object_new_object();
	json_object_object_add(message, "role", json_object_new_string("user"));
	json_object_object_add(message, "content", json_object_get(prompt));
	messages = json_object_new_array();
	json_object_array_add(messages, message);
	json_object_put(request);
	request = json_object_new_object();
	json_object_object_add(request, "messages", messages);
	return request;
}

static void answer(int fd, struct lull_http *http, const struct lull_complete_options *options,
		   const char *body, size_t size)
{
	struct json_object *object = to_request(body, size);
	const char *request = json_object_to_json_string(object);
	struct lull_completion completion;
	int rc = lull_complete(http, request, strlen(request), options, &completion);

	json_object_put(object);
	if (rc != 0) {
		reply_error(fd, rc == -EBADMSG || rc == -EMSGSIZE ? 400 : 500, 0, strerror(-rc));
		return;
	}
	(void)fprintf(stderr, "%ld\n%s", (long)getpid(), completion.trail_text);
	if (completion.result == LULL_RESULT_ANSWERED)
		reply(fd, 200, 0, completion.json, completion.json_bytes);
	else
		reply_error(fd, completion.http_status,
			    completion.ready_in_ms == LULL_NEVER
				    ? 0
				    : (completion.ready_in_ms + 999) / 1000,
			    completion.message);
	lull_completion_clear(&completion);
}

/* ---- processes */

static void say(const char *line, int is_error, void *userdata)
{
	(void)userdata;
	(void)fprintf(stderr, "prefork: %s%s\n", is_error ? "error: " : "", line);
}

static int work(int listening, char *const *models, uint32_t model_count)
{
	struct lull_http_options http_options;
	struct lull_complete_options options;
	struct lull_http *http = NULL;
	char *bytes = malloc(REQUEST_BYTES_MAX + 1);

	lull_http_options_init(&http_options);
	http_options.message = say;
	lull_complete_options_init(&options);
	options.model = model_count > 0 ? models[0] : NULL;
	options.fallbacks = model_count > 1 ? (const char *const *)(models + 1) : NULL;
	options.fallback_count = model_count > 1 ? model_count - 1 : 0;
	options.is_cancelled = is_stopping;
	if (!bytes || lull_http_open(&http_options, &http) != 0)
		return EXIT_FAILURE;
	while (!stopping) {
		int fd = accept(listening, NULL, NULL);
		char *body = NULL;
		ssize_t size;

		if (fd < 0)
			continue;
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		size = read_request(fd, bytes, &body);
		if (size < 0)
			reply_error(fd, 400, 0, "expected POST with a JSON body");
		else
			answer(fd, http, &options, body, (size_t)size);
		(void)close(fd);
	}
	lull_http_close(http);
	free(bytes);
	return EXIT_SUCCESS;
}

static pid_t start_worker(int listening, char *const *models, uint32_t model_count)
{
	const struct sigaction stop = {.sa_handler = on_stop}; /* no SA_RESTART: accept() returns */
	const pid_t parent = getpid();
	sigset_t none;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)sigaction(SIGTERM, &stop, NULL);
	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	exit(work(listening, models, model_count));
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 128) != 0) {
		perror("prefork: listen");
		exit(EXIT_FAILURE);
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)getsockname(fd, (struct sockaddr *)&address, &size);
	(void)printf("listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
	(void)fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	pid_t workers[WORKERS_MAX] = {0};
	uint32_t model_count;
	int count, listening;
	sigset_t signals;
	pid_t dead;

	if (argc < 3 || (count = atoi(argv[2])) < 1 || count > WORKERS_MAX) {
		(void)fprintf(stderr, "usage: prefork PORT WORKERS [MODEL [FALLBACK...]]\n");
		return EXIT_FAILURE;
	}
	model_count = (uint32_t)(argc - 3);
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	(void)lull_table_guard();
	listening = listen_on((uint16_t)atoi(argv[1]));
	for (int i = 0; i < count; i++)
		workers[i] = start_worker(listening, argv + 3, model_count);
	while (sigwaitinfo(&signals, NULL) == SIGCHLD) {
		(void)sleep(1); /* one that dies at once must not make us spin */
		while ((dead = waitpid(-1, NULL, WNOHANG)) > 0) {
			for (int i = 0; i < count; i++) {
				if (workers[i] == dead)
					workers[i] = start_worker(listening, argv + 3, model_count);
			}
		}
	}
	for (int i = 0; i < count; i++)
		(void)kill(workers[i], SIGTERM);
	while (wait(NULL) > 0)
		;
	return EXIT_SUCCESS;
}
