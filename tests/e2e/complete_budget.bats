#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The budget and the limits of an attempt, on a real clock: lower bounds are exact, upper bounds are
# generous, because test machines are busy.

load complete

setup() {
	complete_setup
	mock_rules '[{"model": "silent", "delay_ms": 60000}, {"model": "silent2", "delay_ms": 60000}]'
}

teardown() {
	complete_teardown
}

@test "a silent primary gets half of the budget, once, and the fallback answers" {
	run --separate-stderr -0 within 2000 3500 ask -m openai/silent -f openai/ok --budget 4s hi
	[ "$output" = "Answer from ok." ]
	[ "$(mock_count silent)-$(mock_count ok)" = 1-1 ]
	table_untouched
}

@test "when all are silent the call ends with its budget" {
	run -124 within 1000 3000 ask -m openai/silent -f openai/silent2 --budget 1s hi
	[[ $output == *"time ran out"* ]]
	[ "$(mock_count silent)-$(mock_count silent2)" = 1-1 ]
	table_untouched
}

@test "a name server that never answers does not hold up the end" {
	"$LULL_BIN_DIR/silent_dns" true || skip "no network of its own"
	OPENAI_BASE_URL=http://nowhere.example.com/v1
	run -124 within 1000 4000 in_silent_network -m openai/m --budget 1s hi
	[[ $output == *"time ran out"* ]]
}

in_silent_network() {
	"$LULL_BIN_DIR/silent_dns" lull complete "$@" </dev/null
}

@test "a caller's short timeout benches nobody" {
	for _ in 1 2 3 4; do
		run -124 ask -m openai/silent --budget 100ms hi
	done
	table_untouched
	[ "$(mock_count silent)" = 4 ]
}

@test "a stream that falls silent after its first words is broken off, said so, and no other route answers" {
	mock_rules '[{"model": "m", "text": "first second third", "send_events": 2, "end": "stall"}]'
	cat >"$SCRATCH/config.yaml" <<-END
		model_list:
		  - model_name: m
		    litellm_params: {model: openai/m, api_base: $MOCK_URL/v1, api_key: os.environ/OPENAI_API_KEY}
	END
	start_asking -c "$SCRATCH/config.yaml" -m m -f openai/other --stream --budget 1s hi
	until_true grep -q first "$SCRATCH/out"
	sleep 1.5 # the budget has done its work: the idle limit holds from here on
	kill -0 "$ASKING"
	kill "$ASKING"
	asking_ended 143
	[ "$(mock_count other)" = 0 ]
}

@test "a stream that is cut after its first words ends with 69 and says so" {
	mock_rules '[{"model": "m", "text": "first second third", "send_events": 2, "end": "reset"}]'
	run --separate-stderr -69 ask -m openai/m -f openai/other --stream hi
	[ "$output" = first ]
	[[ $stderr == *"the answer broke off: truncated_stream"* ]]
	[ "$(mock_count other)" = 0 ]
}

@test "a stream that is cut before its first words is another route's turn" {
	mock_rules '[{"model": "m", "text": "first second", "send_events": 1, "end": "reset"}]'
	run --separate-stderr -0 ask -m openai/m -f openai/other --stream hi
	[ "$output" = "Answer from other." ]
	run --separate-stderr -0 ask -m openai/m -f openai/other --stream --json hi
	[ "$(jq -rs 'map(.choices[0].delta.role // empty) | length' <<<"$output")" = 1 ]
}

@test "keep-alive comments are not content, nor do they stop the clock" {
	mock_rules '[{"model": "m", "fault": "comments_only"}]'
	run -124 within 1000 2500 ask -m openai/m --stream --budget 1s hi
}

@test "a process that was stopped blames nobody" {
	start_asking -m openai/silent --budget 1s --explain hi
	until_true eval '[ "$(mock_count silent)" = 1 ]'
	kill -STOP "$ASKING"
	sleep 3
	kill -CONT "$ASKING"
	asking_ended 124
	grep -q ': suspended after ' "$SCRATCH/err"
	table_untouched
}
