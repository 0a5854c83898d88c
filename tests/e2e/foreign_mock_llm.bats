#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Against @dwmkerr/mock-llm, which speaks OpenAI's form and, asked for a stream, sends every error
# under a 200, as an event: there, no status tells what it is.

load foreign

setup_file() {
	has_foreign || return 0
	foreign_start node -e '
		const { createServer } = require("./node_modules/@dwmkerr/mock-llm/dist/server");
		const { loadConfig } = require("./node_modules/@dwmkerr/mock-llm/dist/config");
		const server = createServer(loadConfig(process.argv[1]), "127.0.0.1", 0).listen(0, "127.0.0.1", () =>
			console.log(`listening on http://127.0.0.1:${server.address().port}`));' \
		"$BATS_TEST_DIRNAME/foreign/mock-llm.yaml"
	export MOCK_LLM_URL=$FOREIGN_URL MOCK_LLM_PID=$FOREIGN_PID MOCK_LLM_LOG=$FOREIGN_LOG
}

teardown_file() {
	foreign_stop "${MOCK_LLM_PID:-}"
}

setup() {
	needs_foreign
	scratch_make
	export LULL_CONFIG=$SCRATCH/config.yaml FOREIGN_KEY=$KEY OTHER_KEY=sk-other
	echo model_list: >"$LULL_CONFIG"
	add_route echo OTHER_KEY
}

# add_route MODEL [VARIABLE]: at an address of its own: the server's log and its sequences go by that.
add_route() {
	config_route "$1" "openai/$1" "$MOCK_LLM_URL/$BATS_TEST_NUMBER/$1/v1" "${2:-FOREIGN_KEY}" >>"$LULL_CONFIG"
}

# count MODEL: requests for it.
count() {
	grep -c "^POST /$BATS_TEST_NUMBER/$1/v1/chat/completions$" "$MOCK_LLM_LOG" || true
}

@test "an answer, whole and streamed" {
	run --separate-stderr -0 ask -m echo something of some length
	[ "$output" = "You said: something of some length" ]
	run --separate-stderr -0 ask -m echo --stream something of some length
	[ "$output" = "You said: something of some length" ]
	run --separate-stderr -0 ask -m echo --stream --json something of some length
	[ "$(jq -r '.choices[0].delta.content | strings' <<<"$output" | wc -l)" = 9 ]
	[ "$(count echo)" = 3 ]
}

# meets CONFIG HOW OUTCOME: the call meets it at the model, and all that it prints is the fallback's.
meets() {
	run --separate-stderr -0 ask -c "$1" -m "$model" -f echo "$2" --explain hi
	[ "$output" = "You said: hi" ]
	lull clear --all
	run --separate-stderr -0 ask -c "$1" -m "$model" -f echo "$2" --explain --json hi
	[ "$(attempts)" = "$3"$'\nanswered 200 0' ]
	lull clear --all
}

@test "an error is the same with its status and inside a stream that began with 200" {
	local model status class cooled_ms count=0

	while read -r model status class cooled_ms; do
		add_route "$model"
		cp "$LULL_CONFIG" "$SCRATCH/upstream.yaml"
		echo "lull: {stream_upstream: true}" >>"$SCRATCH/upstream.yaml"
		meets "$LULL_CONFIG" --no-stream "$class $status $cooled_ms"
		meets "$LULL_CONFIG" --stream "$class 200 $cooled_ms"
		meets "$SCRATCH/upstream.yaml" --no-stream "$class 200 $cooled_ms"
		[ "$(count "$model")" = 6 ]
		count=$((count + 1))
	done <<-'END'
		limited  429 rate_limited    60000
		unpaid   429 quota_exhausted 600000
		locked   401 auth            60000
		unknown  404 model_not_found 60000
		crowded  503 overloaded      0
		broken   500 server_error    0
		untyped  500 server_error    0
		too-long 400 context_window  0
	END
	echo "# $count errors, each under its status and twice under 200" >&3
}

@test "a rate limit inside a stream is known to the next process" {
	add_route limited
	run --separate-stderr -0 ask -m limited -f echo --stream hi
	[[ $(key_state route limited) =~ ^"cooling rate_limited 200 "(60|59)$ ]]
	run --separate-stderr -0 ask -m limited -f echo hi
	[ "$output" = "You said: hi" ]
	[ "$(count limited)-$(count echo)" = 1-2 ]
}

@test "the third process that finds an error inside its stream shuts the route" {
	local i

	add_route broken
	for i in 1 2 3 4; do
		run --separate-stderr -0 ask -m broken -f echo --stream hi
		[ "$output" = "You said: hi" ]
	done
	[[ $(key_state route broken) == "cooling server_error 200 "* ]]
	[ "$(count broken)-$(count echo)" = 3-4 ]
}

@test "an error that happens once is made up for by the same call" {
	add_route once
	run --separate-stderr -0 ask -m once --stream --explain --json hi
	[ "$(attempts)" = $'server_error 200 0\nanswered 200 0' ]
	[ "$(jq -sr 'map(.choices[0].delta.content | strings) | add' <<<"$output")" = "At second try." ]
	[ "$(count once)" = 2 ]
}

@test "a route that has failed once is asked by the next process, and is as new" {
	add_route once
	run --separate-stderr -0 ask -m once -f echo hi
	[ "$output" = "You said: hi" ]
	run --separate-stderr -0 ask -m once -f echo hi
	[ "$output" = "At second try." ]
	[ "$(count once)-$(count echo)" = 2-1 ]
	table_untouched
}
