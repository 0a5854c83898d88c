#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# `lull batch` when models cool: how many calls are under way, pauses, limits, keys that are refused.

load batch
load terminal

setup() {
	batch_setup
}

teardown() {
	terminal_teardown
	batch_teardown
}

@test "an exact number of calls is under way, in one process and in several" {
	mock_rules '[{"delay_ms": 300}]'
	rows 40 >in
	batch in -o out -j 8
	[ "$(mock_counts | jq .max_in_flight.m)" = 8 ]
	mock_reset
	batch in -o out2 -j 8 --workers 3
	[ "$(mock_counts | jq .max_in_flight.m)" = 8 ]
	[ "$(mock_count)" = 40 ]
	complete_output 40 out2
}

@test "a rate limit halves what is under way, and the fallback answers" {
	mock_rules '[{"model": "a", "status": 429, "headers": {"Retry-After": 60}}, {"delay_ms": 50}]'
	rows 60 a >in
	run -0 --separate-stderr batch in -o out -j 8 -f openai/b
	complete_output 60 out
	[ "$(mock_count a)" -le 8 ]
	[ "$(mock_count b)" = 60 ]
	[ "$(mock_counts | jq .max_in_flight.b)" -le 8 ]
	[[ $stderr =~ ' 60 '+' 60 '+[0-9]+' '+[0-9]+'  openai/b' ]]
	grep -qxE 'lull: +rows +as fallback +cooldowns +saved calls +model' <<<"$stderr"
	saved=$(sed -nE 's/^lull: +0 +0 +1 +([0-9]+)  openai\/a$/\1/p' <<<"$stderr")
	[ $((saved + $(mock_count a))) = 60 ]
}

@test "while everything is cooling it pauses, using no CPU, and a clear wakes it at once" {
	rows 30 >in
	for workers in "" "--workers 2"; do
		lull cool openai/m 60s
		rm -f out err
		# shellcheck disable=SC2086
		start_batch in -o out --budget 2s $workers
		until_true grep -q "paused: nothing that could answer for openai/m is ready" err
		ticks=$(awk '{ print $14 + $15 }' "/proc/$BATCH/stat")
		sleep 1
		[ $(($(awk '{ print $14 + $15 }' "/proc/$BATCH/stat") - ticks)) -le 3 ]
		[ ! -s out ]
		within 0 5000 eval 'lull clear openai/m; batch_ended 0'
		complete_output 30 out
		grep -q "openai/m goes on" err
	done
	[ "$(mock_count)" = 60 ]
}

# eta: what the screen says, in seconds
eta() {
	screen | sed -nE 's/.* ETA ([0-9]+) s,.*/\1/p'
}

@test "the time left counts down through a pause" {
	local first

	mock_rules '[{"responses": [{"times": 2}, {"status": 429, "headers": {"Retry-After": 40}}]}]'
	rows 3 >in
	terminal_setup
	terminal_start 120 20 "lull batch in -o out -j 1"
	waits_for 'paused until [0-9:]+, '
	first=$(eta)
	[ "$first" -le 45 ]
	until_true eval "[ \$(eta) -lt $first ]"
	[ "$(eta)" -gt 20 ]
}

@test "a pause ends by itself, and costs no row its budget" {
	mock_rules '[{"model": "m", "responses": [{"status": 429, "headers": {"Retry-After": 3}}, {}]}]'
	rows 20 >in
	run -0 batch in -o out -j 1 --budget 1s
	complete_output 20 out
	[ "$(mock_count)" = 21 ]
}

@test "a row that meets nothing but failures which pass has two further turns" {
	printf 'model_list: [{model_name: openai/m, litellm_params: {model: openai/m, api_base: %s, cooldown_time: 0.2}}]\n' "$MOCK_URL/v1" >conf.yaml
	mock_rules '[{"model": "m", "responses": [{"times": 6, "status": 500}, {}]}]'
	rows 3 m >in
	run -0 batch in -o out -j 1 -c conf.yaml
	complete_output 3 out
	[ "$(mock_count)" = 9 ]
	mock_rules '[{"model": "m", "status": 500}]'
	rows 1 m >in
	run -1 batch in -o lost -j 1 -c conf.yaml
	complete_output 1 lost
}

@test "a limit that rows under way have met is a pause that is told" {
	mock_rules '[{"model": "m", "responses": [{"times": 4, "status": 429, "headers": {"Retry-After": "4"}}, {}]}]'
	rows 4 >in
	run -0 --separate-stderr batch in -o out -j 4 --progress json
	jq -se 'map(select(.step == "paused" and .ready_in_ms > 0)) | length > 0' <<<"$stderr"
}

@test "with --when-cooling fail, rows fail while everything is cooling" {
	lull cool openai/m 60s
	rows 3 >in
	run -1 batch in -o out --when-cooling fail
	[ "$(jq -s 'map(select(.response.status_code == 503)) | length' out)" = 3 ]
	[ "$(mock_count)" = 0 ]
}

@test "rows of other models go on while one is cooling" {
	lull cool openai/a 60s
	{
		rows 5 a
		rows 20 b 5
	} >in
	start_batch in -o out -j 4
	until_true has_lines 20 out
	lull clear openai/a
	batch_ended 0
	complete_output 25 out
}

@test "calls that wait for their first model keep no others from the fallback" {
	mock_rules '[{"model": "m", "status": 429, "headers": {"Retry-After": "35"}}, {"model": "b", "percent": 10, "status": 400}]'
	rows 300 >in
	start_batch in -o out -j 2 -m openai/m -f openai/b --progress none
	until_true has_lines 60 out
	kill -INT "$BATCH"
	within 0 10000 batch_ended 130
}

@test "limits hold, and nothing fails for them" {
	mock_rules '[{"delay_ms": 20}]'
	rows 60 >in
	batch in -o out -j 16 --workers 2 --limit openai/m:parallel=3 --budget 2s
	complete_output 60 out
	[ "$(mock_counts | jq .max_in_flight.m)" -le 3 ]
	batch in -o out2 -j 16 --limit openai/m:rpm=1200 --budget 1s
	complete_output 60 out2
}

@test "no key that anybody accepts ends the run, and no row is lost to it" {
	mock_rules '[{"status": 401}]'
	rows 50 >in
	run -77 batch in -o out -j 4
	[[ $output == *"it stops: no provider accepts its key"*"--resume goes on"* ]]
	[ ! -s out ]
	[ "$(mock_count)" -le 4 ]
	mock_rules '[]'
	lull clear --all
	batch in -o out --resume
	complete_output 50 out
}
