/* SPDX-License-Identifier: MIT */
/*
 * What a failure below HTTP says, by libcurl's code: one table of rows, first match wins.
 *
 * Refused and bad TLS are the peer's own word. A reset, a silence, an unknown name may be chance. A
 * missing CA file, a proxy setting, no descriptors, no network at all are this host's faults and
 * say nothing about anybody else. A body that breaks off is judged by what it should have become: a
 * stream or one JSON text.
 */
#include "classify.h"

#include <curl/curl.h>
#include <errno.h>

enum when {
	ALWAYS,
	UNCONNECTED, /* no connection stood */
	UNANSWERED,  /* no status line was seen */
	IN_STREAM,   /* in the body of an event stream */
	AT_CAP,      /* our write callback refused what is over the cap */
	BY_PROXY,    /* the proxy refused CONNECT for a reason of ours (a 5xx is the server's) */
	UNTRIED      /* through a proxy, and no connection was even tried */
};

struct row {
	int curl_code;
	enum when when;
	long os_errno; /* 0: any */
	uint32_t class_id;
	uint32_t scope;
	uint32_t proof;
	const char *rule;
	const char *detail;
};

#define OWN LULL_UNSET /* the class's own */

#define NETWORK(proof) LULL_CLASS_NETWORK, OWN, LULL_PROOF_##proof
#define LOCAL          LULL_CLASS_LOCAL, OWN, OWN
#define TIMEOUT        LULL_CLASS_TIMEOUT, OWN, OWN
#define TRUNCATED      LULL_CLASS_TRUNCATED_STREAM, OWN, OWN
#define MALFORMED      LULL_CLASS_MALFORMED_RESPONSE, OWN, OWN
#define CANCELLED      LULL_CLASS_CANCELLED, OWN, OWN
#define NOT_HTTP       LULL_CLASS_MALFORMED_RESPONSE, LULL_KIND_ENDPOINT, OWN

/* clang-format off */
static const struct row rows[] = {
	{CURLE_COULDNT_RESOLVE_HOST, ALWAYS, 0, NETWORK(SOFT), "curl 6", "host name not found"},
	{CURLE_COULDNT_RESOLVE_PROXY, ALWAYS, 0, LOCAL, "curl 5", "the proxy's name is not found"},

	{CURLE_COULDNT_CONNECT, ALWAYS, ECONNREFUSED, NETWORK(HARD), "curl 7 refused", "connection refused"},
	{CURLE_COULDNT_CONNECT, ALWAYS, ENETUNREACH, LOCAL, "curl 7 no network", "this host has no network"},
	{CURLE_COULDNT_CONNECT, ALWAYS, ENETDOWN, LOCAL, "curl 7 no network", "this host has no network"},
	{CURLE_COULDNT_CONNECT, ALWAYS, EADDRNOTAVAIL, LOCAL, "curl 7 no address", "no local address or port is free"},
	{CURLE_COULDNT_CONNECT, ALWAYS, EMFILE, LOCAL, "curl 7 no descriptors", "this process has too many open files"},
	{CURLE_COULDNT_CONNECT, ALWAYS, ENFILE, LOCAL, "curl 7 no descriptors", "this host has too many open files"},
	{CURLE_COULDNT_CONNECT, ALWAYS, ENOBUFS, LOCAL, "curl 7 no memory", "this host is out of socket memory"},
	{CURLE_COULDNT_CONNECT, ALWAYS, ENOMEM, LOCAL, "curl 7 no memory", "this host is out of memory"},
	{CURLE_COULDNT_CONNECT, ALWAYS, EAFNOSUPPORT, LOCAL, "curl 7 no such family", "this host does not speak that IP version"},
	{CURLE_COULDNT_CONNECT, ALWAYS, EACCES, LOCAL, "curl 7 not allowed", "this host does not allow the connection"},
	{CURLE_COULDNT_CONNECT, ALWAYS, EPERM, LOCAL, "curl 7 not allowed", "this host does not allow the connection"},
	{CURLE_COULDNT_CONNECT, UNTRIED, 0, LOCAL, "curl 7 proxy", "the proxy's address cannot be used"},
	{CURLE_COULDNT_CONNECT, ALWAYS, 0, NETWORK(SOFT), "curl 7", "no connection"},

	{CURLE_OPERATION_TIMEDOUT, UNCONNECTED, 0, NETWORK(SOFT), "curl 28 unconnected", "no connection in time"},
	{CURLE_OPERATION_TIMEDOUT, ALWAYS, 0, TIMEOUT, "curl 28", "no answer in time"},

	{CURLE_SSL_CONNECT_ERROR, ALWAYS, ECONNRESET, NETWORK(SOFT), "curl 35 reset", "connection reset before TLS stood"},
	{CURLE_SSL_CONNECT_ERROR, ALWAYS, 0, NETWORK(HARD), "curl 35", "TLS failed"},
	{CURLE_PEER_FAILED_VERIFICATION, ALWAYS, 0, NETWORK(HARD), "curl 60", "the server's certificate is not valid"},
	{CURLE_SSL_INVALIDCERTSTATUS, ALWAYS, 0, NETWORK(HARD), "curl 91", "the server's certificate is not valid"},
	{CURLE_SSL_CACERT_BADFILE, ALWAYS, 0, LOCAL, "curl 77", "the CA file cannot be read"},
	{CURLE_SSL_ENGINE_INITFAILED, ALWAYS, 0, LOCAL, "curl 66", "TLS cannot be started on this host"},
	{CURLE_SSL_CIPHER, ALWAYS, 0, LOCAL, "curl 59", "TLS cannot be started on this host"},

	{CURLE_PROXY, ALWAYS, 0, LOCAL, "curl 97", "the proxy does not do what is asked"},
	{CURLE_RECV_ERROR, BY_PROXY, 0, LOCAL, "curl 56 proxy", "the proxy refused to connect"},

	{CURLE_GOT_NOTHING, ALWAYS, 0, NETWORK(SOFT), "curl 52", "connection closed without an answer"},
	{CURLE_SEND_ERROR, UNANSWERED, 0, NETWORK(SOFT), "curl 55", "connection broke while sending"},
	{CURLE_RECV_ERROR, UNANSWERED, 0, NETWORK(SOFT), "curl 56", "connection reset before an answer"},
	{CURLE_SEND_FAIL_REWIND, ALWAYS, 0, NETWORK(SOFT), "curl 65", "connection broke while sending"},

	{CURLE_SEND_ERROR, IN_STREAM, 0, TRUNCATED, "curl 55 in a stream", "connection broke in the stream"},
	{CURLE_RECV_ERROR, IN_STREAM, 0, TRUNCATED, "curl 56 in a stream", "connection broke in the stream"},
	{CURLE_PARTIAL_FILE, IN_STREAM, 0, TRUNCATED, "curl 18 in a stream", "connection closed in the stream"},
	{CURLE_SEND_ERROR, ALWAYS, 0, MALFORMED, "curl 55 in the body", "connection broke in the body"},
	{CURLE_RECV_ERROR, ALWAYS, 0, MALFORMED, "curl 56 in the body", "connection broke in the body"},
	{CURLE_PARTIAL_FILE, ALWAYS, 0, MALFORMED, "curl 18 in the body", "connection closed in the body"},
	{CURLE_OK, IN_STREAM, 0, TRUNCATED, "curl 0 in a stream", "the stream ended without being whole"},
	{CURLE_OK, ALWAYS, 0, MALFORMED, "curl 0", "the body ended without being whole"},

	{CURLE_UNSUPPORTED_PROTOCOL, UNCONNECTED, 0, LOCAL, "curl 1 unconnected", "the base URL's scheme is not known"},
	{CURLE_UNSUPPORTED_PROTOCOL, ALWAYS, 0, NOT_HTTP, "curl 1", "the server does not speak HTTP"},
	{CURLE_WEIRD_SERVER_REPLY, ALWAYS, 0, NOT_HTTP, "curl 8", "the server does not speak HTTP"},
	{CURLE_BAD_CONTENT_ENCODING, ALWAYS, 0, MALFORMED, "curl 61", "the body's encoding is broken"},
	{CURLE_FILESIZE_EXCEEDED, ALWAYS, 0, MALFORMED, "curl 63", "a body of more than 32 MiB"},
	{CURLE_WRITE_ERROR, AT_CAP, 0, MALFORMED, "curl 23 over the cap", "a body of more than 32 MiB, a head of more than 256 KiB or a line in it of more than 100 KiB"},
	{CURLE_WRITE_ERROR, ALWAYS, 0, CANCELLED, "curl 23", "the caller left"},
	{CURLE_ABORTED_BY_CALLBACK, ALWAYS, 0, CANCELLED, "curl 42", "the caller left"},

	{CURLE_FAILED_INIT, ALWAYS, 0, LOCAL, "curl 2", "libcurl cannot be started"},
	{CURLE_URL_MALFORMAT, ALWAYS, 0, LOCAL, "curl 3", "the base URL is not one"},
	{CURLE_NOT_BUILT_IN, ALWAYS, 0, LOCAL, "curl 4", "this libcurl lacks what is asked"},
	{CURLE_OUT_OF_MEMORY, ALWAYS, 0, LOCAL, "curl 27", "out of memory"},
	{CURLE_SSL_CERTPROBLEM, ALWAYS, 0, LOCAL, "curl 58", "the client certificate cannot be used"},
};
/* clang-format on */

static bool holds(enum when when, const struct transport_failure *failure)
{
	switch (when) {
	case ALWAYS:
		return true;
	case UNCONNECTED:
		return !failure->connected;
	case UNANSWERED:
		return !failure->got_status;
	case IN_STREAM:
		return failure->streamed;
	case AT_CAP:
		return failure->body_cap;
	case BY_PROXY:
		return failure->proxy_status >= 300 && failure->proxy_status <= 499;
	case UNTRIED:
		return failure->proxied && failure->os_errno == 0;
	}
	return false;
}

static const struct row *find_row(const struct transport_failure *failure)
{
	static const struct row other = {
		0, ALWAYS, 0, NETWORK(SOFT), "curl, any other", "the transfer failed"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].curl_code == failure->curl_code && holds(rows[i].when, failure) &&
		    (rows[i].os_errno == 0 || rows[i].os_errno == failure->os_errno))
			return &rows[i];
	return &other;
}

void classify_transport(const struct transport_failure *failure, struct verdict *ret)
{
	const struct row *row = find_row(failure);

	verdict_set(ret, row->class_id, row->rule, row->detail);
	ret->outcome.scope = row->scope;
	ret->outcome.proof = row->proof;
	ret->outcome.http_status = failure->got_status ? (uint32_t)failure->status : 0;
	ret->outcome.ours = row->class_id == LULL_CLASS_TIMEOUT;
}
