/* SPDX-License-Identifier: MIT */
/*
 * The transport: what libcurl 7.88 does by default, and why most of it is set here by hand.
 *
 *   - It has no limits of its own here. First byte, first content and idle time are not libcurl's
 *     notions (LOW_SPEED counts keep-alive comments as progress, MAXFILESIZE does not see a chunked
 *     body), so time is kept by attempt.c and bytes are counted in the callbacks below.
 *   - Redirects stay off: only `Authorization` would be left behind when the host changes; an
 *     `x-api-key` would travel.
 *   - Nothing comes from the environment: no proxy, no netrc. What a route says is all there is.
 *   - A request on a reused connection that dies before any byte is sent again by libcurl. That is
 *     wanted once, and must be known: the hook before each request sees every sending. It refuses
 *     the third.
 *   - A name server that never answers would hold up the end of the transfer, and with it the
 *     process: QUICK_EXIT leaves the resolver's thread to itself.
 *   - It is not fork-safe: a child that closed a parent's TLS connection would end it for both.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include <lull/lull.h>

#include "loop_sockets.h"
#include "transport.h"

#define HEAD_BYTES_MAX   (256u << 10) /* all headers of an answer; libcurl's own cap came in 8.2 */
#define HEADERS_MAX      512u         /* arbitrary; far above any answer seen ... */
#define HEADERS_MIN      32u          /* ... most of which have fewer than so many */
#define IDLE_AGE_S       30L /* older idle connections are not reused: servers close them about then */
#define KEPT_MAX         1024L /* connections; libcurl's own would be four for each under way */
#define KEEPALIVE_IDLE_S 60L   /* an answer may take minutes in silence; NAT forgets after five */
#define SENDINGS_MAX     2u    /* the request, and once more */
#define WAIT_MS_MAX      60000u
#define LONG_WAIT_MS     1000u
#define CONNECT_MS_MAX   3600000u /* libcurl wants it to fit an int */
#define SPARE_MAX        32u      /* a handle takes 5 KiB */

/* What asks one address in one way. Making one takes longer than using it again: an address that
 * libcurl was given before it has taken apart already. */
struct handle {
	CURL *easy;
	CURLU *address;
	char *url, *proxy, *ca_file; /* the last two: NULL: none */
};

struct transport {
	pid_t owner; /* 0: not used yet */
	CURLM *multi;
	CURLSH *share; /* TLS sessions, so that a new connection to the same host is cheaper */
	struct loop_sockets sockets;
	struct handle
		*spare[SPARE_MAX]; /* of transfers that are over; the last one is the latest */
	size_t spare_count;
	size_t transfer_count;
};

struct transfer {
	struct transport *transport;
	struct handle *handle;
	struct curl_slist *header_lines; /* one piece of memory; the texts are the job's */
	struct transfer_job job;
	struct wire_response head;
	size_t head_bytes;
	size_t body_bytes, body_bytes_max;
	unsigned sending_count;
	int socket_errno; /* of the last socket() that failed, while none succeeded */
	bool socket_opened;
	bool connected;
	bool head_done;
	bool over_cap;
	bool ended;
	CURLcode code;
	size_t header_room;
	struct wire_header *headers; /* each name owns its value's memory too */
};

/* ---- the process's libcurl */

static struct handle *handle_free(struct handle *handle)
{
	if (!handle)
		return NULL;
	curl_easy_cleanup(handle->easy);
	curl_url_cleanup(handle->address);
	free(handle->url);
	free(handle->proxy);
	free(handle->ca_file);
	free(handle);
	return NULL;
}

int transport_new(struct transport **ret_transport)
{
	struct transport *transport = calloc(1, sizeof(*transport));

	if (!transport)
		return -ENOMEM;
	*ret_transport = transport;
	return 0;
}

bool transport_is_foreign(const struct transport *transport)
{
	return transport->owner != 0 && transport->owner != getpid();
}

void transport_use_loop(struct transport *transport, const struct transport_loop *loop)
{
	assert(transport->owner == 0);
	transport->sockets.loop = *loop;
}

static CURLM *make_multi(struct transport *transport)
{
	CURLM *multi = curl_multi_init();

	if (multi && (curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, KEPT_MAX) != CURLM_OK ||
		      (transport->sockets.loop.watch &&
		       loop_sockets_join(&transport->sockets, multi) != 0))) {
		(void)curl_multi_cleanup(multi);
		return NULL;
	}
	return multi;
}

static CURLSH *make_share(void)
{
	CURLSH *share = curl_share_init();

	if (share &&
	    curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK) {
		(void)curl_share_cleanup(share);
		return NULL;
	}
	return share;
}

static int transport_own(struct transport *transport)
{
	if (transport_is_foreign(transport))
		return -ECHILD;
	if (transport->owner == 0) {
		if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
			return -EIO;
		transport->owner = getpid();
	}
	if (!transport->share)
		transport->share = make_share();
	if (!transport->multi)
		transport->multi = make_multi(transport);
	return transport->share && transport->multi ? 0 : -ENOMEM;
}

void transport_rest(struct transport *transport)
{
	if (transport_is_foreign(transport) || transport->transfer_count > 0)
		return;
	while (transport->spare_count > 0)
		handle_free(transport->spare[--transport->spare_count]);
	if (transport->multi)
		(void)curl_multi_cleanup(transport->multi);
	transport->multi = NULL;
}

struct transport *transport_free(struct transport *transport)
{
	if (!transport || transport_is_foreign(transport))
		return NULL;
	assert(transport->transfer_count == 0);
	transport_rest(transport);
	if (transport->share)
		(void)curl_share_cleanup(transport->share);
	loop_sockets_deinit(&transport->sockets);
	free(transport);
	return NULL;
}

/* ---- what comes in */

static void head_clear(struct transfer *transfer)
{
	for (size_t i = 0; i < transfer->head.header_count; i++)
		free((char *)transfer->headers[i].name);
	transfer->head = (struct wire_response){.headers = transfer->headers};
	transfer->head_done = false;
}

/* For one more. */
static int head_grow(struct transfer *transfer)
{
	const size_t room = transfer->header_room ? 2 * transfer->header_room : HEADERS_MIN;
	struct wire_header *grown;

	if (transfer->head.header_count < transfer->header_room)
		return 0;
	grown = reallocarray(transfer->headers, room, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	transfer->headers = grown;
	transfer->head.headers = grown;
	transfer->header_room = room;
	return 0;
}

/* "Name: value\r\n", kept in one piece of memory. Lines of another form are not kept. */
static int head_add(struct transfer *transfer, const char *line, size_t size)
{
	const char *colon = memchr(line, ':', size);
	char *copy;
	char *value;

	if (!colon || colon == line || transfer->head.header_count == HEADERS_MAX)
		return 0;
	copy = head_grow(transfer) == 0 ? malloc(size + 1) : NULL;
	if (!copy)
		return -ENOMEM;
	memcpy(copy, line, size); /* a NUL in it ends the name, or the value, early */
	copy[size] = '\0';
	value = copy + (colon - line);
	*value++ = '\0';
	value += strspn(value, " \t");
	for (size_t n = strlen(value); n > 0 && strchr(" \t\r\n", value[n - 1]); n--)
		value[n - 1] = '\0';
	transfer->headers[transfer->head.header_count++] =
		(struct wire_header){.name = copy, .value = value};
	return 0;
}

static int head_end(struct transfer *transfer)
{
	if (transfer->head.status < 200) /* 100 Continue and its kind: the real one follows */
		return 0;
	transfer->head_done = true;
	return transfer->job.events->head(&transfer->head, transfer->job.userdata);
}

/* One line at a time, trailers of a chunked body too. Anything but `size` ends the transfer. */
static size_t on_header(char *line, size_t one, size_t size, void *userdata)
{
	struct transfer *transfer = userdata;
	long status = 0;
	int rc;

	(void)one;
	transfer->head_bytes += size;
	if (transfer->head_bytes > HEAD_BYTES_MAX) {
		transfer->over_cap = true;
		return 0;
	}
	if (transfer->head_done)
		return size;
	if (size >= 5 && strncasecmp(line, "HTTP/", 5) == 0) {
		head_clear(transfer);
		(void)curl_easy_getinfo(transfer->handle->easy, CURLINFO_RESPONSE_CODE, &status);
		transfer->head.status = (int)status;
		return size;
	}
	rc = line[0] == '\r' || line[0] == '\n' ? head_end(transfer)
						: head_add(transfer, line, size);
	return rc == 0 ? size : 0;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *userdata)
{
	struct transfer *transfer = userdata;

	(void)one;
	transfer->body_bytes += size;
	if (transfer->body_bytes > transfer->body_bytes_max) {
		transfer->over_cap = true;
		return 0;
	}
	return transfer->job.events->body(bytes, size, transfer->job.userdata) == 0 ? size : 0;
}

/* ---- what goes out */

static curl_socket_t open_socket(void *userdata, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct transfer *transfer = userdata;
	int fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);

	(void)purpose;
	if (fd < 0)
		transfer->socket_errno = errno;
	else
		transfer->socket_opened = true;
	if (fd >= 0)
		loop_sockets_opened(&transfer->transport->sockets, fd);
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* The connection stands and the request is about to be sent: also when libcurl sends it again. */
static int before_sending(void *userdata, char *peer_ip, char *own_ip, int peer_port, int own_port)
{
	struct transfer *transfer = userdata;
	const struct transfer_events *events = transfer->job.events;

	(void)peer_ip, (void)own_ip, (void)peer_port, (void)own_port;
	transfer->connected = true;
	if (++transfer->sending_count > SENDINGS_MAX)
		return CURL_PREREQFUNC_ABORT;
	if (transfer->sending_count > 1)
		events->resent(transfer->job.userdata);
	else
		events->connected(transfer->job.userdata);
	return CURL_PREREQFUNC_OK;
}

static size_t count_lines(const char *const *lines)
{
	size_t count = 0;

	while (lines && lines[count])
		count++;
	return count;
}

/* Links of one piece of memory. Return: the first, or NULL without memory. */
static struct curl_slist *link_lines(const struct transfer_job *job)
{
	/* "Expect:" takes out what libcurl would add. An answer that is waited for as a whole may
	 * come packed: "gzip" is what every server knows. */
	const char *const own[] = {
		"Expect:",
		job->streamed ? "Accept-Encoding: identity" : "Accept-Encoding: gzip",
		NULL,
	};
	const char *const *const lists[] = {own, (const char *const *)job->request->headers,
					    job->headers};
	struct curl_slist *lines;
	size_t count = 0, linked = 0;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		count += count_lines(lists[i]);
	lines = calloc(count, sizeof(*lines));
	if (!lines)
		return NULL;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (const char *const *line = lists[i]; line && *line; line++, linked++) {
			lines[linked].data = (char *)*line; /* libcurl only reads it */
			lines[linked].next = linked + 1 < count ? &lines[linked + 1] : NULL;
		}
	}
	return lines;
}

/* ---- handles */

static const struct {
	CURLoption option;
	long value;
} settings[] = {
	{CURLOPT_NOSIGNAL, 1},
	{CURLOPT_QUICK_EXIT, 1},
	{CURLOPT_FOLLOWLOCATION, 0},
	{CURLOPT_NETRC, CURL_NETRC_IGNORED},
	{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
	{CURLOPT_POST, 1},
	{CURLOPT_TCP_NODELAY, 1},
	{CURLOPT_TCP_KEEPALIVE, 1},
	{CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
	{CURLOPT_TCP_KEEPINTVL, KEEPALIVE_IDLE_S},
	{CURLOPT_MAXAGE_CONN, IDLE_AGE_S},
	{CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE}, /* a proxy gets no key */
	{CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
};

#define SET(option, value) (code = code ? code : curl_easy_setopt(easy, option, value))

/* What stays so for all its transfers. */
static CURLcode handle_configure(struct handle *handle, struct transport *transport)
{
	const bool is_plain = strncasecmp(handle->url, "http:", 5) == 0;
	CURL *easy = handle->easy;
	CURLcode code = CURLE_OK;
	char agent[32];

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]) && code == CURLE_OK; i++)
		code = curl_easy_setopt(easy, settings[i].option, settings[i].value);
	SET(CURLOPT_SHARE, transport->share);
	SET(CURLOPT_CURLU, handle->address);
	SET(CURLOPT_PROTOCOLS_STR, is_plain ? "http" : "https");
	SET(CURLOPT_PROXY, handle->proxy ? handle->proxy : "");
	SET(CURLOPT_NOPROXY, "");
	if (handle->proxy) { /* to it; the provider gets the request's own */
		(void)snprintf(agent, sizeof(agent), "lull/%s", lull_version());
		SET(CURLOPT_USERAGENT, agent);
	}
	if (handle->ca_file) { /* in place of the system's, not beside them */
		SET(CURLOPT_CAINFO, handle->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
	/* what comes packed, even unasked, is unpacked; the request's own header says what may */
	SET(CURLOPT_ACCEPT_ENCODING, "identity");
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_CLOSESOCKETFUNCTION, loop_sockets_close);
	SET(CURLOPT_CLOSESOCKETDATA, &transport->sockets);
	SET(CURLOPT_PREREQFUNCTION, before_sending);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	return code;
}

static CURLcode handle_prepare(const struct handle *handle, struct transfer *transfer)
{
	const struct http_request *request = transfer->job.request;
	/* a second more: whoever set the time ends it by himself */
	const uint64_t connect_ms = transfer->job.connect_for_ms < CONNECT_MS_MAX
					    ? transfer->job.connect_for_ms + 1000
					    : CONNECT_MS_MAX;
	CURL *easy = handle->easy;
	CURLcode code = CURLE_OK;

	SET(CURLOPT_PRIVATE, transfer);
	SET(CURLOPT_HTTPHEADER, transfer->header_lines);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
	SET(CURLOPT_POSTFIELDS, request->body.bytes ? request->body.bytes : "");
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
	SET(CURLOPT_OPENSOCKETDATA, transfer);
	SET(CURLOPT_PREREQDATA, transfer);
	SET(CURLOPT_HEADERDATA, transfer);
	SET(CURLOPT_WRITEDATA, transfer);
	return code;
}
#undef SET

/* text: NULL gives NULL */
static bool copy(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return *ret || !text;
}

static struct handle *handle_new(struct transport *transport, const struct transfer_job *job)
{
	struct handle *handle = calloc(1, sizeof(*handle));

	if (!handle)
		return NULL;
	handle->easy = curl_easy_init();
	handle->address = curl_url();
	handle->url = strdup(job->request->url);
	if (!handle->easy || !handle->address || !handle->url ||
	    !copy(job->route->proxy, &handle->proxy) ||
	    !copy(job->route->ca_file, &handle->ca_file) ||
	    curl_url_set(handle->address, CURLUPART_URL, handle->url, 0) != CURLUE_OK ||
	    handle_configure(handle, transport) != CURLE_OK)
		return handle_free(handle);
	return handle;
}

/* Two times NULL, too. */
static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool handle_fits(const struct handle *handle, const struct transfer_job *job)
{
	return is_same(handle->url, job->request->url) &&
	       is_same(handle->proxy, job->route->proxy) &&
	       is_same(handle->ca_file, job->route->ca_file);
}

static void forget_spare(struct transport *transport, size_t at)
{
	for (transport->spare_count--; at < transport->spare_count; at++)
		transport->spare[at] = transport->spare[at + 1];
}

static struct handle *take_handle(struct transport *transport, const struct transfer_job *job)
{
	for (size_t i = transport->spare_count; i-- > 0;) {
		struct handle *handle = transport->spare[i];

		if (handle_fits(handle, job)) {
			forget_spare(transport, i);
			return handle;
		}
	}
	return handle_new(transport, job);
}

static void keep_handle(struct transport *transport, struct handle *handle)
{
	if (transport->spare_count == SPARE_MAX) {
		handle_free(transport->spare[0]);
		forget_spare(transport, 0);
	}
	transport->spare[transport->spare_count++] = handle;
}

/* One that broke off in the middle, or remembers an error of the system, is not used again. */
static void give_handle(struct transfer *transfer)
{
	struct handle *handle = transfer->handle;
	long os_errno = 0;
	bool is_good;

	(void)curl_easy_getinfo(handle->easy, CURLINFO_OS_ERRNO, &os_errno);
	is_good = transfer->ended && transfer->code == CURLE_OK && os_errno == 0;
	(void)curl_multi_remove_handle(transfer->transport->multi, handle->easy);
	if (is_good && curl_easy_setopt(handle->easy, CURLOPT_HTTPHEADER, NULL) == CURLE_OK &&
	    curl_easy_setopt(handle->easy, CURLOPT_POSTFIELDS, NULL) == CURLE_OK)
		keep_handle(transfer->transport, handle);
	else
		handle_free(handle);
}

/* ---- a transfer's life */

int transfer_start(struct transport *transport, const struct transfer_job *job,
		   struct transfer **ret_transfer)
{
	struct transfer *transfer;
	int rc = transport_own(transport);

	if (rc != 0)
		return rc;
	transfer = malloc(sizeof(*transfer));
	if (!transfer)
		return -ENOMEM;
	*transfer = (struct transfer){
		.transport = transport, .job = *job, .body_bytes_max = WIRE_BODY_BYTES_MAX};
	transport->transfer_count++;
	transfer->handle = take_handle(transport, job);
	transfer->header_lines = link_lines(job);
	if (!transfer->handle || !transfer->header_lines ||
	    handle_prepare(transfer->handle, transfer) != CURLE_OK ||
	    curl_multi_add_handle(transport->multi, transfer->handle->easy) != CURLM_OK) {
		transfer_free(transfer);
		return -ENOMEM;
	}
	*ret_transfer = transfer;
	return 0;
}

struct transfer *transfer_free(struct transfer *transfer)
{
	if (!transfer)
		return NULL;
	if (transfer->handle)
		give_handle(transfer);
	transfer->transport->transfer_count--;
	free(transfer->header_lines);
	head_clear(transfer);
	free(transfer->headers);
	free(transfer);
	return NULL;
}

void transfer_expect_stream(struct transfer *transfer)
{
	transfer->body_bytes_max = WIRE_STREAM_BYTES_MAX;
}

void transfer_pause(struct transfer *transfer, bool pause)
{
	if (!transfer->ended)
		(void)curl_easy_pause(transfer->handle->easy,
				      pause ? CURLPAUSE_RECV : CURLPAUSE_CONT);
}

bool transfer_ended(const struct transfer *transfer)
{
	return transfer->ended;
}

const struct wire_response *transfer_head(const struct transfer *transfer)
{
	return &transfer->head;
}

/* 0, or the errno with which this process gets no descriptor any more. */
static int descriptor_errno(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

/* libcurl's own cap for a line of the head, 100 KiB, is told as a lack of memory. */
static bool line_was_too_long(const struct transfer *transfer)
{
	curl_off_t first_byte_us = 0;

	if (transfer->code != CURLE_OUT_OF_MEMORY || transfer->head_done)
		return false;
	(void)curl_easy_getinfo(transfer->handle->easy, CURLINFO_STARTTRANSFER_TIME_T,
				&first_byte_us);
	return first_byte_us > 0;
}

/*
 * libcurl gives no errno where it could not make a socket; and a resolver that could open nothing
 * says that the name is not known.
 */
static void explain_failure(const struct transfer *transfer, struct transport_failure *failure)
{
	if (!transfer->socket_opened && transfer->socket_errno != 0) {
		failure->os_errno = transfer->socket_errno;
	} else if (transfer->code == CURLE_COULDNT_RESOLVE_HOST && descriptor_errno() != 0) {
		failure->curl_code = CURLE_COULDNT_CONNECT;
		failure->os_errno = descriptor_errno();
	} else {
		(void)curl_easy_getinfo(transfer->handle->easy, CURLINFO_OS_ERRNO,
					&failure->os_errno);
	}
	if (transfer->sending_count > SENDINGS_MAX)
		failure->curl_code = CURLE_GOT_NOTHING;
	if (line_was_too_long(transfer)) {
		failure->curl_code = CURLE_WRITE_ERROR;
		failure->body_cap = true;
	}
}

bool transfer_failure(const struct transfer *transfer, struct transport_failure *ret)
{
	long proxy_status = 0;

	if (transfer->code == CURLE_OK)
		return false;
	(void)curl_easy_getinfo(transfer->handle->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
	*ret = (struct transport_failure){
		.curl_code = (int)transfer->code,
		.connected = transfer->connected,
		.got_status = transfer->head.status >= 200,
		.status = transfer->head.status,
		.body_cap = transfer->over_cap,
		.proxied = transfer->job.route->proxy != NULL,
		.proxy_status = (int)proxy_status,
	};
	explain_failure(transfer, ret);
	return true;
}

static void note_ends(struct transport *transport)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(transport->multi, &left)) != NULL) {
		struct transfer *transfer = NULL;

		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		if (message->msg != CURLMSG_DONE || !transfer)
			continue;
		transfer->code = message->data.result;
		transfer->ended = true;
		if (transfer->job.events->ended)
			transfer->job.events->ended(transfer->job.userdata);
	}
}

int transport_ready(struct transport *transport, int fd, short events)
{
	const int ready =
		(events & POLLIN ? CURL_CSELECT_IN : 0) | (events & POLLOUT ? CURL_CSELECT_OUT : 0);
	int running;

	if (fd >= 0 && loop_sockets_dismiss(&transport->sockets, fd))
		return 0;
	if (curl_multi_socket_action(transport->multi, fd < 0 ? CURL_SOCKET_TIMEOUT : fd, ready,
				     &running) != CURLM_OK)
		return -EIO;
	note_ends(transport);
	return 0;
}

int transport_wait_with(struct transport *transport, uint64_t until_ms, struct pollfd *fds,
			size_t count)
{
	struct curl_waitfd also[TRANSPORT_FDS_MAX];
	const uint64_t now_ms = lull_clock_ms();
	uint64_t left_ms = until_ms > now_ms ? until_ms - now_ms : 0;
	int running, rc = transport_own(transport);

	if (rc != 0)
		return rc;
	assert(count <= TRANSPORT_FDS_MAX);
	if (left_ms > WAIT_MS_MAX)
		left_ms = WAIT_MS_MAX;
	/* poll() may come late by a thousandth of its length, in a niced process by five: 70 ms of
	 * 14 s. What is left of a long one is waited for anew. */
	if (left_ms > LONG_WAIT_MS)
		left_ms -= left_ms / 16;
	for (size_t i = 0; i < count; i++) /* the same bits as poll()'s */
		also[i] = (struct curl_waitfd){.fd = fds[i].fd, .events = fds[i].events};
	if (curl_multi_poll(transport->multi, also, (unsigned)count, (int)left_ms, NULL) !=
		    CURLM_OK ||
	    curl_multi_perform(transport->multi, &running) != CURLM_OK)
		return -EIO;
	for (size_t i = 0; i < count; i++)
		fds[i].revents = also[i].revents;
	note_ends(transport);
	return 0;
}

int transport_wait(struct transport *transport, uint64_t until_ms)
{
	return transport_wait_with(transport, until_ms, NULL, 0);
}
