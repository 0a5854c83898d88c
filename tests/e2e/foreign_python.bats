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
	clients_said "$SCRATCH/out" <<-END
		fifty-at-once: 50
	END
}
