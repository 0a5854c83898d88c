# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests against servers of other authors share. scripts/foreign installs those.

load complete

FOREIGN_DIR=$LULL_SOURCE_DIR/build/foreign

# For both setups: bats 1.8 cannot skip in that of a file.
has_foreign() {
	[[ -d $FOREIGN_DIR ]] && command -v node >/dev/null
}

needs_foreign() {
	[[ -d $FOREIGN_DIR ]] || skip "no servers from npm: scripts/foreign installs them"
	has_foreign || skip "no node, which runs the servers from npm: scripts/deps --npm installs it"
}

# clients_start: the gateway that clients.mjs and clients.py ask.
clients_start() {
	gateway_config well limited alone refuses tool cut stalls embed <<-END
		router_settings: {fallbacks: [{limited: [well]}]}
	END
	mock_rules '[
		{"model": "limited", "status": 429, "headers": {"Retry-After": 30}},
		{"model": "alone", "status": 429, "headers": {"Retry-After": 30}},
		{"model": "refuses", "status": 400},
		{"model": "cut", "text": "one two three four", "send_events": 3, "end": "close"},
		{"model": "stalls", "text": "one two three", "send_events": 2, "end": "stall"},
		{"model": "embed", "body": {"object": "list", "model": "e", "usage": {"prompt_tokens": 1, "total_tokens": 1},
			"data": [{"object": "embedding", "index": 0, "embedding": "AACAPwAAAEA="}]}},
		{"model": "tool", "body": {"id": "c", "object": "chat.completion", "created": 1, "model": "tool", "choices": [{"index": 0,
			"message": {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function",
			"function": {"name": "weather", "arguments": "{}"}}]}, "finish_reason": "tool_calls"}]}}]'
	gateway_start --listen 127.0.0.1:0
}

# clients_said FILE: what a client of OpenAI's says of each case, with lines of its own from stdin behind it.
clients_said() {
	{
		cat <<-END
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
		END
		cat
	} | diff -u - "$1"
	until_true in_flight stalls 0
	[ "$(mock_count limited)-$(mock_count alone)" = 1-1 ]
}

# foreign_start COMMAND...: in the folder of the packages, until it has said where it listens. Sets
# FOREIGN_PID, FOREIGN_LOG and FOREIGN_URL.
foreign_start() {
	local said='listening on \(http:[^ ]*\)'

	FOREIGN_LOG=$(mktemp "${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/foreign.XXXXXX")
	(cd "$FOREIGN_DIR" && exec "$@") >"$FOREIGN_LOG" 2>&1 3>&- &
	FOREIGN_PID=$!
	until_true grep -q "$said" "$FOREIGN_LOG" || {
		cat "$FOREIGN_LOG" >&2
		return 1
	}
	FOREIGN_URL=$(sed -n "s|.*$said.*|\1|p" "$FOREIGN_LOG")
}

# foreign_stop PID: which may be empty.
foreign_stop() {
	[[ -n $1 ]] || return 0
	kill -KILL "$1"
	wait "$1" 2>/dev/null || true
}

foreign_ask() {
	curl -sS --noproxy '*' --fail-with-body --max-time 10 "$@"
}

# config_route NAME PROVIDER/MODEL BASE VARIABLE [MORE]: an entry of model_list, its key in a variable;
# MORE is further litellm_params.
config_route() {
	echo "  - {model_name: $1, litellm_params: {model: $2, api_base: \"$3\", api_key: os.environ/$4${5:+, $5}}}"
}

# What `run --separate-stderr` saw with --explain --json: "rate_limited 429 7000" for each attempt, with
# the milliseconds it cooled something for.
attempts() {
	jq -r 'select(.step == "attempt") | "\(.class) \(.http_status) \(.cooled_for_ms)"' <<<"${stderr:-}"
}
