#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What an error does to the table: which class, which key, how long, and what it must not touch.

load complete

# Calls have less time here than comes before a further pass; a busy machine may not give them that.
setup() {
	BATS_TEST_RETRIES=3
	complete_setup
}

teardown() {
	complete_teardown
}

# fails MODEL [OPTION...]: one call that is to fail, too short for a further pass (after 250 ms).
fails() {
	run ask -m "openai/$1" --when-cooling fail --budget 240ms "${@:2}" hi
	[ "$status" != 0 ]
}

@test "a request's own fault leaves the table untouched" {
	local http

	for http in 400 413 422; do
		mock_rules "[{\"model\": \"m\", \"status\": $http}]"
		fails m
		fails m
		fails m
		table_untouched
	done
}

@test "two vendors that refuse the same request are an answer" {
	mock_rules '[{"status": 400}]'
	cat >"$SCRATCH/config.yaml" <<-END
		model_list:
		  - {model_name: a, litellm_params: {model: openai/m, api_base: $MOCK_URL/v1, api_key: os.environ/OPENAI_API_KEY}}
		  - {model_name: b, litellm_params: {model: groq/m2, api_base: $MOCK_URL/v1, api_key: os.environ/OPENAI_API_KEY}}
		  - {model_name: c, litellm_params: {model: mistral/m3, api_base: $MOCK_URL/v1, api_key: os.environ/OPENAI_API_KEY}}
	END
	run -65 ask -c "$SCRATCH/config.yaml" -m a -f b -f c hi
	[[ $output == *"the request itself was refused: bad_request"* ]]
	[ "$(mock_count)" = 2 ]
}

@test "Ctrl-C, a terminated and a killed client leave the table untouched" {
	local signal

	mock_rules '[{"model": "silent", "delay_ms": 60000}]'
	for signal in INT TERM KILL; do
		mock_reset
		start_asking -m openai/silent hi
		until_true eval '[ "$(mock_count silent)" = 1 ]'
		kill -"$signal" "$ASKING"
		within 0 5000 asking_ended $((128 + $(kill -l "$signal")))
		table_untouched
	done
}

@test "an interrupted probe hands its lease back at once" {
	mock_rules '[{"model": "m", "responses": [{"status": 529, "headers": {"Retry-After": 1}}, {"delay_ms": 60000}, {}]}]'
	fails m
	until_true lull check m -q
	start_asking -m openai/m hi
	until_true eval '[ "$(mock_count m)" = 2 ]'
	run -75 lull check m
	kill "$ASKING"
	asking_ended 143
	run --separate-stderr -0 within 0 2000 ask -m openai/m hi
	[ "$output" = "Answer from m." ]
}

@test "hard proof cools at the first failure, what it is said to, for as long" {
	local http headers kind class seconds state cause status left

	while read -r http headers kind class seconds; do
		mock_rules "[{\"model\": \"m$http\", \"status\": $http, \"headers\": $headers}]"
		OPENAI_API_KEY=sk-key-$http fails "m$http"
		read -r state cause status left < <(key_state "$kind" | grep ^cooling)
		echo "$http $headers: $state $cause $status $left"
		[ "$state $cause $status" = "cooling $class $http" ]
		((left <= seconds && left >= seconds - seconds / 10 - 3)) # it may take a while until one looks
		lull clear --all
	done <<-'END'
		429 {"Retry-After":30}      route      rate_limited    30
		429 {}                      route      rate_limited    60
		429 {"retry-after-ms":6500} route      rate_limited    7
		401 {}                      credential auth            60
		402 {}                      credential quota_exhausted 600
		403 {}                      route      permission      60
		404 {}                      route      model_not_found 60
		529 {"Retry-After":7}       route      overloaded      7
	END
}

@test "a refused connection cools the endpoint for a second" {
	OPENAI_BASE_URL=$(mock_fault_url connect_refused)/v1
	run -69 ask -m openai/m --budget 400ms --when-cooling fail hi
	[[ $(lull status --json | jq -r '.keys[] | select(.kind == "endpoint") | .cause, .strikes') == network* ]]
	run -75 ask -m openai/m2 --budget 400ms --when-cooling fail hi
}

@test "soft proof cools at the third in a row, from three processes" {
	local rule

	for rule in '"status": 500' '"body": "{\"choices\":["' '"send_bytes": 40' '"body": ""'; do
		mock_rules "[{\"model\": \"m\", $rule}]"
		fails m
		[ "$(key_state route m | cut -d' ' -f1)" = ready ]
		fails m
		[ "$(key_state route m | cut -d' ' -f1)" = ready ]
		fails m
		[ "$(key_state route m | cut -d' ' -f1)" = cooling ]
		lull clear --all
	done
}

@test "a success between soft failures starts the count anew" {
	mock_rules '[{"model": "m", "responses": [{"status": 500, "times": 2}, {}, {"status": 500, "times": 2}, {}]}]'
	fails m
	fails m
	run -0 ask -m openai/m hi
	fails m
	fails m
	table_is_ready m
}

table_is_ready() {
	[ "$(key_state route "$1" | cut -d' ' -f1)" = ready ]
}

@test "sixteen overlapping failures are one, and so are one call's own repeats" {
	local i pids=()

	mock_rules '[{"model": "m", "status": 500, "delay_ms": 1000}, {"model": "again", "status": 500}]'
	for ((i = 0; i < 16; i++)); do
		lull complete -m openai/m --budget 2s --when-cooling fail hi </dev/null >/dev/null 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}" || true
	[ "$(mock_count m)" -ge 16 ]
	table_is_ready m
	[ "$(keys 'map(select(.kind == "route" and .model == "m"))[0].strikes <= 2')" = true ]
	run -69 ask -m openai/again --budget 8s hi
	[ "$(mock_count again)" = 3 ]
	[ "$(keys 'map(select(.kind == "route" and .model == "again"))[0].strikes')" = 1 ]
}

@test "faults below HTTP are what they are called" {
	local fault class

	while read -r fault class; do
		mock_rules "[{\"model\": \"m\", \"fault\": \"$fault\"}]"
		run ask -m openai/m --explain --json --when-cooling fail --budget 240ms hi
		[ "$(sed -n 's/.*"step":"attempt".*"class":"\([a-z_]*\)".*/\1/p' <<<"$output" | head -1)" = "$class" ]
		lull clear --all
	done <<-'END'
		reset_before_status  network
		close_before_status  network
		not_http             malformed_response
		cut_in_headers       malformed_response
		short_content_length malformed_response
		bad_chunk_size       malformed_response
		gzip_garbage         malformed_response
		redirect             malformed_response
		stall_before_status  deadline
		interim_100          answered
	END
}

@test "a stream's faults are what they are called" {
	local fault class

	while read -r fault class; do
		mock_rules "[{\"model\": \"m\", \"fault\": \"$fault\"}]"
		run ask -m openai/m --stream --explain --json --when-cooling fail --budget 240ms hi
		[ "$(sed -n 's/.*"step":"attempt".*"class":"\([a-z_]*\)".*/\1/p' <<<"$output" | head -1)" = "$class" ]
		lull clear --all
	done <<-'END'
		close_delimited_cut truncated_stream
		close_mid_chunked   truncated_stream
		reset_mid_body      truncated_stream
	END
}

@test "a stream that says [DONE] and does not end costs a second, not the idle limit" {
	mock_rules '[{"model": "m", "end": "stall"}]'
	run --separate-stderr -0 within 0 10000 ask -m openai/m --stream hi
	[ "$output" = "Answer from m." ]
	[ "$(mock_count m)" = 1 ]
}

# with_descriptors COUNT COMMAND...: 0 to 2 are taken, the rest is free.
with_descriptors() {
	bash -c 'exec </dev/null
		for fd in /proc/self/fd/*; do
			fd=${fd##*/}
			((fd <= 2)) || eval "exec $fd>&-"
		done
		ulimit -n "$1"
		shift
		exec "$@"' bash "$@"
}

# libcurl takes two for itself, newer ones one: then there is none left for a connection.
@test "no descriptors left is this host's fault, and benches nobody" {
	local host count=5

	run with_descriptors "$count" lull complete -m openai/m --budget 240ms hi
	((status != 0)) || count=4
	for host in 127.0.0.1 nowhere.invalid; do
		OPENAI_BASE_URL=http://$host:$MOCK_PORT/v1
		run -69 with_descriptors "$count" lull complete -m openai/m --explain --budget 240ms hi
		[[ $output == *": local after "*"too many open files"* ]]
	done
	table_untouched
}

@test "an unreadable CA file is this host's fault, and benches nobody" {
	printf 'lull: {ca_file: /nonexistent}\n' >"$SCRATCH/config.yaml"
	OPENAI_BASE_URL=https://127.0.0.1:$MOCK_PORT/v1
	run -69 ask -c "$SCRATCH/config.yaml" -m openai/m --explain --budget 400ms hi
	[[ $output == *": local after "* ]]
	table_untouched
}
