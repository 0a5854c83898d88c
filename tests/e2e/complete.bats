#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# `lull complete` as people and scripts meet it: prompt in, answer out, exit codes, what it says.

load complete

setup() {
	complete_setup
}

teardown() {
	complete_teardown
}

messages() {
	mock_requests '.requests[-1].body | fromjson? // . | .messages' | jq -c .
}

@test "prints the answer, and nothing else" {
	run --separate-stderr -0 ask -m openai/m1 "Say hello"
	[ "$output" = "Answer from m1." ]
	[ -z "$stderr" ]
}

@test "the text ends in one newline, whether the model sent one or not" {
	mock_rules '[{"model": "bare", "text": "x"}, {"model": "ended", "text": "x\n"}, {"model": "two", "text": "x\n\n"}]'
	for how in --stream --no-stream; do
		[ "$(ask -m openai/bare $how hi | od -An -c | tr -d ' ')" = 'x\n' ]
		[ "$(ask -m openai/ended $how hi | od -An -c | tr -d ' ')" = 'x\n' ]
		[ "$(ask -m openai/two $how hi | od -An -c | tr -d ' ')" = 'x\n\n' ]
	done
}

@test "the prompt comes from arguments, from stdin, or from both" {
	ask -m openai/m1 Say hello
	[ "$(messages)" = '[{"role":"user","content":"Say hello"}]' ]
	echo "from stdin" | lull complete -m openai/m1
	[ "$(messages)" = '[{"role":"user","content":"from stdin"}]' ]
	printf 'two\nlines\n' | lull complete -m openai/m1 "Summarise:"
	[ "$(messages)" = '[{"role":"user","content":"Summarise:\ntwo\nlines"}]' ]
	ask -m openai/m1 --system "Be brief." "Say hello"
	[ "$(messages)" = '[{"role":"system","content":"Be brief."},{"role":"user","content":"Say hello"}]' ]
	ask -m openai/m1 -- --not-an-option 'a "quote" / and ä'
	[ "$(messages)" = '[{"role":"user","content":"--not-an-option a \"quote\" / and ä"}]' ]
}

@test "a whole request goes out as it is, but for the model" {
	local request='{ "messages":[{"role":"user","content":"\u00e4"}],  "temperature":1.0, "model":"x", "n":1 }'

	echo "$request" >"$SCRATCH/request.json"
	ask -m openai/m1 --request "$SCRATCH/request.json"
	[ "$(mock_requests '.requests[-1].body')" = "${request/\"x\"/\"m1\"}" ]
	lull complete -m openai/m2 --request - <"$SCRATCH/request.json"
	[ "$(mock_requests '.requests[-1].body')" = "${request/\"x\"/\"m2\"}" ]
}

@test "without -m the request's own model is asked, else the first one configured" {
	echo '{"model":"openai/mine","messages":[]}' | lull complete --request -
	[ "$(mock_count mine)" = 1 ]
	cat >"$SCRATCH/config.yaml" <<-END
		model_list:
		  - model_name: first
		    litellm_params: {model: openai/upstream-first, api_base: $MOCK_URL/v1, api_key: os.environ/OPENAI_API_KEY}
	END
	ask -c "$SCRATCH/config.yaml" hi
	[ "$(mock_count upstream-first)" = 1 ]
}

@test "--json prints the chat.completion object, --stream --json its chunks" {
	run --separate-stderr -0 ask -m openai/m1 --json hi
	[ "$(jq -r '.object, .choices[0].message.content' <<<"$output" | paste -sd'|')" = "chat.completion|Answer from m1." ]
	run --separate-stderr -0 ask -m openai/m1 --json --stream hi
	[ "$(jq -rs 'map(.object) | unique[]' <<<"$output")" = chat.completion.chunk ]
	[ "$(jq -rs 'map(.choices[0].delta.content // "") | add' <<<"$output")" = "Answer from m1." ]
}

@test "a stream is printed piece by piece" {
	mock_rules '[{"model": "slow", "text": "first second third", "send_events": 3, "end": "stall"}]'
	start_asking -m openai/slow --stream hi
	until_true grep -q first "$SCRATCH/out"
	kill "$ASKING"
	asking_ended 143
}

@test "a provider that answers a stream request in one piece is understood, and the other way round" {
	mock_rules '[{"model": "whole", "headers": {"Content-Type": "application/json"}, "body":
		{"id": "x", "object": "chat.completion", "created": 1, "model": "whole", "choices":
		[{"index": 0, "message": {"role": "assistant", "content": "in one piece"}, "finish_reason": "stop"}]}},
		{"model": "streamed", "file": "openai/stream.http"}]'
	run --separate-stderr -0 ask -m openai/whole --stream hi
	[ "$output" = "in one piece" ]
	run --separate-stderr -0 ask -m openai/whole --stream --json hi
	[ "$(jq -r '.object, .choices[0].delta.content' <<<"$output" | paste -sd'|')" = "chat.completion.chunk|in one piece" ]
	run --separate-stderr -0 ask -m openai/streamed --no-stream --json hi
	[ "$(jq -r .object <<<"$output")" = chat.completion ]
	[ "$(jq -r '.choices[0].message.content' <<<"$output")" = \
		"$(jq -r '.choices[0].message.content' "$LULL_WIRE_DIR/openai/stream.openai.json")" ]
}

@test "the tutorial's call: a name of no provider never leaves the host, the next one answers" {
	run --separate-stderr -0 ask -m bad-model -f gpt-3.5-turbo -f command-nightly --explain hi
	[ "$output" = "Answer from gpt-3.5-turbo." ]
	[[ $stderr == *"bad-model: left out: config: unable to map 'bad-model' to a provider"* ]]
	[ "$(mock_count bad-model)-$(mock_count)" = 0-1 ]
	[ "$(keys 'map(select(.key | test("bad-model"))) | length')" = 0 ]
}

@test "a name that cannot be used and a key that is refused are warned of once, answer or not" {
	mock_rules '[{"model": "key", "status": 401}, {"model": "broke", "status": 402}]'
	run --separate-stderr -0 ask -m bad-model -f openai/m1 hi
	[ "$output" = "Answer from m1." ]
	[ "${#stderr_lines[@]}" = 1 ]
	[[ $stderr == "lull: warning: bad-model: left out: unable to map 'bad-model' to a provider"* ]]
	for model in key broke; do
		cat >"$SCRATCH/$model.yaml" <<-END
			model_list:
			  - {model_name: a, litellm_params: {model: openai/$model, api_base: $MOCK_URL/v1, api_key: os.environ/TEAM_KEY}}
		END
		TEAM_KEY=sk-of-$model-0123 run --separate-stderr -0 ask -c "$SCRATCH/$model.yaml" -m a -f openai/m1 hi
		[ "${#stderr_lines[@]}" = 1 ]
		[[ $stderr == "lull: warning: "*"("HTTP*"); credential cools for "* ]]
		lull clear --all
	done
	run --separate-stderr -0 ask -m bad-model -f openai/m1 -q hi
	[ -z "$stderr" ]
	run --separate-stderr -0 ask -m bad-model -f openai/m1 --explain hi
	[ "$(grep -c bad-model <<<"$stderr")" = 1 ]
	run --separate-stderr -78 ask -m bad-model hi
	[ "$(grep -c "left out" <<<"$stderr")" = 1 ]
}

@test "--explain has a line per step; with --json a JSON object per step" {
	mock_rules '[{"model": "limited", "status": 429, "headers": {"Retry-After": 30}}]'
	run --separate-stderr -0 ask -m openai/limited -f openai/m1 --explain hi
	[ "${#stderr_lines[@]}" = 2 ]
	[[ ${stderr_lines[0]} == *"openai/limited: rate_limited (HTTP 429) after "*"; route cools for 30.0 s"* ]]
	[[ ${stderr_lines[1]} == *"openai/m1: answered (HTTP 200) after "* ]]
	run --separate-stderr -0 ask -m openai/limited -f openai/m1 --explain --json hi
	[ "$(jq -c '[.v, .step, .class]' <<<"$stderr" | paste -sd' ')" = \
		'[1,"skip","rate_limited"] [1,"attempt","answered"] [1,"result","answered"]' ]
	[ "$(jq -r 'select(.step == "skip") | .shut, .state, .http_status, (.ready_in_ms > 25000)' <<<"$stderr" |
		paste -sd' ')" = "route cooling 429 true" ]
}

@test "text that is not all the model had to say is told apart" {
	answer() {
		printf '{"model":"%s","body":{"id":"c","object":"chat.completion","choices":[{"index":0,"message":%s,"finish_reason":"%s"}]}}' "$@"
	}
	mock_rules "[$(answer cut '{"role":"assistant","content":"Half of"}' length),
		$(answer calls '{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]}' tool_calls),
		$(answer blocked '{"role":"assistant","content":""}' content_filter)]"
	run --separate-stderr -0 ask -m openai/cut hi
	[ "$output" = "Half of" ]
	[[ $stderr == "lull: the answer is cut: its limit of tokens was reached; "* ]]
	run --separate-stderr -0 ask -m openai/cut --stream hi
	[ "$output" = "Half of" ]
	[[ $stderr == "lull: the answer is cut: "* ]]
	run --separate-stderr -0 ask -m openai/calls hi
	[ "$stderr" = "lull: the model calls a tool; --json shows the call" ]
	run --separate-stderr -0 ask -m openai/blocked hi
	[ "$stderr" = "lull: a content filter has ended the answer" ]
	run --separate-stderr -0 ask -m openai/cut -q hi
	[ -z "$stderr" ]
	run --separate-stderr -0 ask -m openai/whole hi
	[ -z "$stderr" ]
}

@test "text behind a NUL is not lost" {
	mock_rules '[{"model": "nul", "body": {"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"A\u0000 and the rest"},"finish_reason":"stop"}]}}]'
	[ "$(ask -m openai/nul hi | tr '\0' _)" = "A_ and the rest" ]
	[ "$(ask -m openai/nul --stream hi | tr '\0' _)" = "A_ and the rest" ]
}

@test "--json --explain leaves nothing but JSON lines on stderr, whatever goes wrong" {
	mock_rules '[{"model": "broken", "status": 500}]'
	mkdir "$SCRATCH/shm/unreadable"
	run --separate-stderr -69 ask -m openai/broken -f bad-model --json --explain -v --table unreadable --budget 1s hi
	[ "$(jq -rs '[.[].step | select(. != "sleep")] | unique | join(" ")' <<<"$stderr")" = "attempt message result unusable" ]
	[[ $(jq -r 'select(.step == "message") | .level + ": " + .text' <<<"$stderr") == "warning: cooldowns are not shared"* ]]
	[ "$(jq -r 'select(.step == "result") | .reason' <<<"$stderr")" = "models ran out: none of the list has answered" ]
	[[ $(jq -r 'select(.step == "result") | .advice' <<<"$stderr") == *"-f MODEL adds a fallback"* ]]
	run --separate-stderr -64 lull complete --json --explain </dev/null
	[ "$(jq -r '.step + ": " + .text' <<<"$stderr")" = "message: complete: there is no prompt; stdin is empty" ]
}

@test "an option that cannot be read is told of in a plain sentence, --json --explain or not" {
	run --separate-stderr -64 lull complete --json --explain --no-such-option hi
	[ "$stderr" = "lull: complete: unknown option --no-such-option; see lull complete --help" ]
	run --separate-stderr -64 lull complete --json --explain --budget soon hi
	[ "$stderr" = "lull: complete: --budget 'soon' is not a duration; write 500ms, 45s, 10m or 1h" ]
}

@test "a failing call names every route, its class and status, and what to do next" {
	mock_rules '[{"model": "limited", "status": 429, "headers": {"Retry-After": 30}}, {"model": "broken", "status": 500}]'
	run --separate-stderr -69 ask -m openai/limited -f openai/broken -f bad-model --budget 1s hi
	[ -z "$output" ]
	[ "${stderr_lines[0]}" = "lull: models ran out: none of the list has answered" ]
	[[ ${stderr_lines[1]} == "lull:   openai/limited: rate_limited (HTTP 429) "* ]]
	[[ ${stderr_lines[2]} == "lull:   openai/broken: server_error (HTTP 500) "* ]]
	[[ ${stderr_lines[3]} == "lull:   bad-model: left out: config: "* ]]
	[[ ${stderr_lines[4]} == *"lull status"* ]]
}

@test "exit codes say what happened" {
	mock_rules '[{"model": "refused", "status": 400}, {"model": "key", "status": 401}, {"model": "silent", "delay_ms": 60000},
		{"model": "limited", "status": 429, "headers": {"Retry-After": 60}}]'
	run -64 ask -m openai/m1
	run -64 ask hi
	run -64 ask -m openai/m1 --budget never hi
	run -64 ask -m openai/m1 --request x.json hi
	run -64 ask -m openai/m1 --limit rpm=60 hi
	[ "$output" = "lull: complete: --limit 'rpm=60': expected NAME:rpm=N,tpm=N,parallel=N; see lull complete --help" ]
	run -64 ask -m openai/m1 --limit m1:parallel=65 hi
	[[ $output == *"'m1:parallel=65': expected parallel=N, a whole number from 1 to 64; see"* ]]
	run -64 ask -m openai/m1 --limit m2:rpm=60 hi
	[[ $output == *"'m2:rpm=60': no model of this call is called 'm2'; see"* ]]
	run -65 ask -m openai/m1 --request "$SCRATCH/missing.json"
	echo '[1]' >"$SCRATCH/array.json"
	run -65 ask -m openai/m1 --request "$SCRATCH/array.json"
	run -65 ask -m openai/m1 $'not \xff text'
	run -65 ask -m openai/refused hi
	OPENAI_API_KEY=sk-another run -77 ask -m openai/key hi
	run -78 ask -m bad-model hi
	run -78 ask -c "$SCRATCH/missing.yaml" -m openai/m1 hi
	run -78 env -u OPENAI_API_KEY OPENAI_BASE_URL= lull complete -m gpt-4o hi </dev/null
	run -124 ask -m openai/silent --budget 300ms hi
	run -69 ask -m openai/limited hi
	run -75 ask -m openai/limited --when-cooling fail hi
	[[ $output == *"nothing was attempted"*"ready in "*" s"* ]]
}

@test "nobody is asked for a prompt on a terminal" {
	needs_terminal
	run script -qec "lull complete -m openai/m1" /dev/null
	[[ $output == *"there is no prompt"* ]]
}

@test "on a terminal the answer is streamed" {
	needs_terminal
	script -qec "lull complete -m openai/m1 hi" /dev/null
	[ "$(mock_requests '.requests[-1].body | fromjson | .stream')" = true ]
	ask -m openai/m1 hi
	[ "$(mock_requests '.requests[-1].body | fromjson | .stream // false')" = false ]
}

@test "a closed stdout ends it as it ends others" {
	mock_rules '[{"model": "long", "text": "a b c d e f g h", "drip_bytes": 20, "drip_ms": 20}]'
	ask -m openai/long --stream hi 2>"$SCRATCH/err" | true
	[ "${PIPESTATUS[0]}" = 141 ]
	[ ! -s "$SCRATCH/err" ]
	table_untouched
}

@test "a full disk is said" {
	[ -c /dev/full ] || skip "/dev/full is missing"
	run -74 --separate-stderr bash -c 'lull complete -m openai/m1 hi </dev/null >/dev/full'
	[[ $stderr == *"cannot write the answer: No space left on device"* ]]
}

@test "closed descriptors are not filled with something else" {
	run -0 bash -c 'lull complete -m openai/m1 hi <&-'
	[ "$output" = "Answer from m1." ]
	run -74 bash -c 'lull complete -m openai/m1 hi </dev/null >&-'
	run -0 --separate-stderr bash -c 'lull complete -m openai/m1 hi </dev/null 2>&-'
	[ "$output" = "Answer from m1." ]
}

@test "--help names every option that the man page has, and the other way round" {
	lull complete --help | grep -oE -- '--[a-z-]+' | sort -u >"$SCRATCH/help"
	sed -n '/^# OPTIONS/,/^# WHEN/p' "$LULL_SOURCE_DIR/docs/man/lull-complete.1.scd" | grep -E '^\*-' |
		grep -oE -- '--[a-z-]+' | sort -u >"$SCRATCH/man"
	diff <(grep -v -- --help "$SCRATCH/help") "$SCRATCH/man"
}

@test "a table that cannot be had is one warning, and the call answers" {
	export LULL_SHM_DIR=$SCRATCH/nowhere
	run --separate-stderr -0 ask -m openai/m1 hi
	[ "$output" = "Answer from m1." ]
	[ "${#stderr_lines[@]}" = 1 ]
	run --separate-stderr -0 ask -m openai/m1 hi
	[ -z "$stderr" ]
	run --separate-stderr -0 ask -m openai/m1 -v hi
	[[ $stderr == *"$SCRATCH/nowhere"* ]]
	run --separate-stderr -0 ask -m openai/m1 -q hi
	[ -z "$stderr" ]
}

@test "no core dump can hold a key: the limit forbids it while a call runs" {
	mock_rules '[{"model": "silent", "delay_ms": 60000}]'
	start_asking -m openai/silent hi
	until_true grep -q '^Max core file size  *[01] ' "/proc/$ASKING/limits"
	kill "$ASKING"
	asking_ended 143
}

@test "a table that the call finds full is warned of, once" {
	local i

	lull init --slots 64
	for ((i = 0; i < 64; i++)); do
		lull cool -q "filler-$i" 1h || true
	done
	run --separate-stderr -0 ask -m openai/m1 hi
	[ "$output" = "Answer from m1." ]
	[ "${#stderr_lines[@]}" = 1 ]
	[[ $stderr == *" is full: "*"lull reset"* ]]
	run --separate-stderr -0 ask -m openai/m1 hi
	[ -z "$stderr" ]
	run --separate-stderr -0 ask -m openai/m1 -v hi
	[ "$(grep -c " is full: " <<<"$stderr")" = 1 ]
}

@test "Bedrock: the model in the path, a binary stream in any pieces, an exception inside it" {
	cat >"$SCRATCH/config.yaml" <<-END
		model_list:
		  - {model_name: a, litellm_params: {model: "bedrock/vendor.a-v1:0", api_base: $MOCK_URL, api_key: $KEY}}
		  - {model_name: b, litellm_params: {model: bedrock/b, api_base: $MOCK_URL, api_key: $KEY}}
	END
	for pieces in 1 7 4096; do
		mock_rules "[{\"path\": \"/model/vendor.a-v1%3A0/converse-stream\", \"file\": \"bedrock/stream.http\", \"pieces\": $pieces},
			{\"path\": \"/model/vendor.a-v1%3A0/converse\", \"file\": \"bedrock/success.http\", \"pieces\": $pieces}]"
		for how in --stream --no-stream; do
			run --separate-stderr -0 ask -c "$SCRATCH/config.yaml" -m a --json $how hi
			[ "$(jq -rs 'map(.id) | unique[]' <<<"$output")" = 00000000-0000-4000-8000-0000000000b1 ]
			[ "$(jq -rs 'map(.choices[0] | (.delta // .message).content // "") | add' <<<"$output")" = "Hello! How can I help?" ]
		done
	done
	mock_rules '[{"path": "/model/vendor.a-v1%3A0/*", "file": "bedrock/stream_throttled_midway.http"},
		{"path": "/model/b/*", "file": "bedrock/success.http"}]'
	run --separate-stderr -69 ask -c "$SCRATCH/config.yaml" -m a -f b --stream hi
	[ "$output" = Hello ]
	[[ $(key_state route vendor.a-v1:0) == "cooling rate_limited"* ]]
	run --separate-stderr -0 ask -c "$SCRATCH/config.yaml" -m a -f b --stream hi
	[ "$output" = "Hello! How can I help?" ]
}
