#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# OpenAI's client for Python against the gateway, with nothing changed but its base URL.

load gateway
load foreign

PYTHON=$LULL_SOURCE_DIR/build/foreign-python/bin/python

setup() {
	[[ -e $LULL_SOURCE_DIR/build/foreign-python/requirements.txt ]] || skip "no clients from PyPI: scripts/foreign installs them"
	gateway_setup
}

teardown() {
	[[ -z ${SCRATCH:-} ]] || gateway_teardown
}

@test "plain, streamed, tools, fallbacks, errors, abort, many at once" {
	clients_start
	timeout 60 "$PYTHON" "$BATS_TEST_DIRNAME/foreign/clients.py" "$URL/v1" >"$SCRATCH/out" 2>"$SCRATCH/err" ||
		cat "$SCRATCH/err" >&2
	diff -u - "$SCRATCH/out" <<-END
		plain: Answer from well.
		streamed: Answer from well.
		fallback: Answer from well. 2
		skipped: cooling
		tools: weather {}
		cooling: RateLimitError 429 rate_limit_exceeded
		refused: BadRequestError 400 bad_request
		unknown: NotFoundError 404 model_not_found
		cut: APIError - truncated_stream
		aborted: left
		models: 8
		embeddings: 1,2
		fifty-at-once: 50
	END
	until_true in_flight stalls 0
	[ "$(mock_count limited)-$(mock_count alone)" = 1-1 ]
}
