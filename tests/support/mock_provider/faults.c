/* SPDX-License-Identifier: MIT */
/*
 * Faults by name: what can go wrong between a client and a provider, from the first packet on. Most
 * are responses in the script's own language, so any other member of a rule may be put beside
 * {"fault": NAME}. Those that happen before there is HTTP have a URL instead: GET /__mock/faults.
 */
#include <string.h>

#include "mock.h"

/* Single quotes, which json-c takes, keep the scripts legible. */
/* clang-format off */
#define BEFORE_HTTP(name, how, listener) {name, how, NULL, listener}
#define SCRIPTED(name, how, script)      {name, how, script, LISTENER_NONE}

static const struct fault faults[] = {
	BEFORE_HTTP("connect_refused", "no listener on the port", LISTENER_REFUSED),
	BEFORE_HTTP("dns_failure", "a host name under .invalid", LISTENER_NONE),
	BEFORE_HTTP("connect_timeout", "a listener whose queue is full", LISTENER_FULL),
	BEFORE_HTTP("tls_failure", "no TLS spoken on the port", LISTENER_MAIN),
	BEFORE_HTTP("stall_before_read", "connected, but never accepted or read", LISTENER_DEAF),

	/* before the status line */
	SCRIPTED("reset_before_status", "request read, then RST",
		 "{'raw': '', 'end': 'reset'}"),
	SCRIPTED("close_before_status", "request read, then FIN",
		 "{'raw': '', 'end': 'close'}"),
	SCRIPTED("stall_before_status", "request read, then nothing",
		 "{'raw': '', 'end': 'stall'}"),
	SCRIPTED("not_http", "the banner of another protocol",
		 "{'raw': 'SSH-2.0-OpenSSH_9.2p1\\r\\n'}"),

	/* in the headers */
	SCRIPTED("cut_in_headers", "FIN within a header line",
		 "{'raw': 'HTTP/1.1 200 OK\\r\\ncontent-ty'}"),
	SCRIPTED("interim_100", "100 Continue before the real status",
		 "{'interim': [100]}"),
	SCRIPTED("interim_103", "103 Early Hints before the real status",
		 "{'interim': [103]}"),
	SCRIPTED("redirect", "302 to another host",
		 "{'status': 302, 'body': '',"
		 " 'headers': {'Location': 'http://localhost:{port}/redirected'}}"),

	/* in the body */
	SCRIPTED("close_delimited_cut", "no length, part of the body, FIN",
		 "{'framing': 'close', 'send_events': 2}"),
	SCRIPTED("close_mid_chunked", "FIN before the last chunk",
		 "{'framing': 'chunked', 'send_events': 2, 'end': 'close'}"),
	SCRIPTED("reset_mid_body", "part of a chunked body, then RST",
		 "{'framing': 'chunked', 'send_events': 2, 'end': 'reset'}"),
	SCRIPTED("stall_mid_stream", "two events, then silence",
		 "{'framing': 'chunked', 'send_events': 2, 'end': 'stall'}"),
	SCRIPTED("short_content_length", "Content-Length larger than the body, FIN",
		 "{'framing': 'length', 'send_events': 2, 'end': 'close'}"),
	SCRIPTED("bad_chunk_size", "\"zz\" as the size of a chunk",
		 "{'raw': 'HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\n"
		 "Transfer-Encoding: chunked\\r\\n\\r\\nzz\\r\\n{}\\r\\n0\\r\\n\\r\\n'}"),
	SCRIPTED("gzip_garbage", "plain text that says it is gzip",
		 "{'headers': {'Content-Encoding': 'gzip'}}"),
	SCRIPTED("huge_body", "a chunked body without end",
		 "{'body': '[0,0,0,0,0,0,0,', 'repeat_ms': 0}"),
	SCRIPTED("comments_only", "a comment every second, never an event",
		 "{'headers': {'Content-Type': 'text/event-stream'},"
		 " 'body': ': keep-alive\\n\\n', 'repeat_ms': 1000}"),

	/* no fault of the provider's */
	SCRIPTED("slow_drip", "a good answer, a byte every 20 ms",
		 "{'drip_bytes': 1, 'drip_ms': 20}"),
	SCRIPTED("caller_gone", "slow enough for the caller to leave",
		 "{'drip_bytes': 1, 'drip_ms': 100}"),
	SCRIPTED("own_deadline", "a good answer that takes minutes",
		 "{'drip_bytes': 1, 'drip_ms': 1000}"),
};
/* clang-format on */

const struct fault *fault_at(size_t index)
{
	return index < sizeof(faults) / sizeof(faults[0]) ? &faults[index] : NULL;
}

const struct fault *fault_by_name(const char *name)
{
	const struct fault *fault;

	for (size_t i = 0; (fault = fault_at(i)); i++)
		if (strcmp(fault->name, name) == 0)
			return fault;
	return NULL;
}
