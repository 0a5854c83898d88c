#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Clients of other authors against the gateway, with nothing changed but their base URL.

load gateway
load foreign

setup() {
	needs_foreign
	[[ -d $FOREIGN_DIR/node_modules/openai ]] || skip "no clients from npm: scripts/foreign installs them"
	gateway_setup
}

teardown() {
	[[ -z ${SCRATCH:-} ]] || gateway_teardown
}

@test "OpenAI's and Vercel's clients: plain, streamed, tools, fallbacks, errors, abort" {
	clients_start
	cp "$BATS_TEST_DIRNAME/foreign/clients.mjs" "$FOREIGN_DIR/clients-$$.mjs"
	(cd "$FOREIGN_DIR" && timeout 60 node "clients-$$.mjs" "$URL/v1") >"$SCRATCH/out" 2>"$SCRATCH/err" || cat "$SCRATCH/err" >&2
	rm -f "$FOREIGN_DIR/clients-$$.mjs"
	clients_said "$SCRATCH/out" <<-END
		vercel: Answer from well.
		vercel-streamed: Answer from well.
		vercel-unknown: APICallError 404 -
	END
}

@test "what one gateway has met, another one does not ask, whatever client comes" {
	gateway_config limited well <<-END
		router_settings: {fallbacks: [{limited: [well]}]}
	END
	mock_rules '[{"model": "limited", "status": 429, "headers": {"Retry-After": 30}}]'
	gateway_start --listen 127.0.0.1:0
	chat limited
	gateway_start --listen 127.0.0.1:0
	cat >"$FOREIGN_DIR/one-$$.mjs" <<-'END'
		import OpenAI from 'openai';
		const openai = new OpenAI({ baseURL: process.argv[2], apiKey: 'x' });
		const { response } = await openai.chat.completions.create({ model: 'limited', messages: [] }).withResponse();
		console.log(response.headers.get('x-lull-model'));
	END
	run -0 timeout 60 node "$FOREIGN_DIR/one-$$.mjs" "$URL/v1"
	rm -f "$FOREIGN_DIR/one-$$.mjs"
	[ "$output" = well ]
	[ "$(mock_count limited)" = 1 ]
}
