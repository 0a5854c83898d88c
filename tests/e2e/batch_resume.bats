#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# `lull batch` that is ended: nothing is lost, nothing is doubled, and it says how to go on.

load batch

setup() {
	batch_setup
}

teardown() {
	batch_teardown
}

@test "an output that exists is refused without --resume, and stays as it is" {
	rows 3 >in
	batch in -o out
	cp out before
	run -64 batch in -o out
	[[ $output == *"out exists; --resume goes on with it"* ]]
	cmp out before
	: >empty
	run -0 batch in -o empty
}

@test "--resume sends what is not in the output; without one it begins" {
	rows 5 >in
	run -0 batch in -o out --resume
	complete_output 5 out
	rows 8 >in
	mock_reset
	run -0 --separate-stderr batch in -o out --resume
	[[ $stderr == *"8 rows: 3 answered, 0 failed, 5 done before"* ]]
	complete_output 8 out
	[ "$(mock_count)" = 3 ]
	mock_reset
	run -0 batch in -o out --resume
	[ "$(mock_count)" = 0 ]
}

@test "a line that was not finished is cut off and sent again" {
	rows 5 >in
	batch in -o out
	truncate -s -20 out
	batch in -o out --resume
	complete_output 5 out
	[ "$(mock_count)" = 6 ]
}

@test "rows that failed are tried again where they have a file of their own, else not" {
	mock_rules '[{"model": "m", "responses": [{"times": 3, "status": 400}, {}]}]'
	rows 6 >in
	run -1 batch in -o out --errors failed -j 1
	[ "$(wc -l <failed)-$(wc -l <out)" = 3-3 ]
	run -0 batch in -o out --errors failed --resume
	complete_output 6 out
	[ ! -s failed ]
	mock_rules '[{"model": "m", "responses": [{"times": 3, "status": 400}, {}]}]'
	run -1 batch in -o both -j 1
	mock_reset
	run -0 --separate-stderr batch in -o both --resume
	complete_output 6 both
	[ "$(mock_count)" = 0 ]
}

@test "--max-rows: a part of the file at a time" {
	rows 10 >in
	for sum in 4 8 10 10; do
		batch in -o out --resume --max-rows 4
		[ "$(wc -l <out)" = $sum ]
	done
	complete_output 10 out
	[ "$(mock_count)" = 10 ]
}

@test "a file of other things is not taken for an output" {
	rows 2 >in
	echo "my diary" >out
	run -65 batch in -o out --resume
	[[ $output == *"out:1 is no line of a batch's results"* ]]
	[ "$(<out)" = "my diary" ]
	printf '\0\0my diary' >out
	run -65 batch in -o out --resume
	[ "$(tr -d '\0' <out)" = "my diary" ]
}

@test "an end that a loss of power has left is made up for" {
	rows 4 >in
	batch in -o out
	for tail in '' '{"id":"batch_req_00' '{"id":"batch_req_0000000000000001","custom_id":"row-9","resp'; do
		printf %s "$tail" >>out
		head -c 3000 /dev/zero >>out
		run -0 batch in -o out --resume
		complete_output 4 out
	done
	[ "$(mock_count)" = 4 ]
}

@test "two runs do not write to one output" {
	mock_rules '[{"delay_ms": 3000}]'
	rows 2 >in
	start_batch in -o out
	until_true [ -e out ]
	until_true eval '[ "$(mock_count)" -ge 1 ]'
	run -64 batch in -o out --resume
	[[ $output == *"another process is writing to out"* ]]
	batch_ended 0
}

@test "SIGINT and SIGTERM let calls under way end, and say how to go on" {
	mock_rules '[{"delay_ms": 700}]'
	rows 100 >in
	for workers in "" "--workers 2"; do
		for signal in INT:130 TERM:143; do
			rm -f out
			mock_reset
			# shellcheck disable=SC2086
			start_batch in -o out -j 4 $workers
			until_true eval '[ "$(mock_count)" -ge 4 ]'
			kill -"${signal%:*}" "$BATCH"
			batch_ended "${signal#*:}"
			[ "$(wc -l <out)" = "$(mock_count)" ]
			[ "$(mock_counts | jq .aborted)" = 0 ]
			grep -q "what stands in out is done; the same command with --resume goes on" err
			grep -qE "^lull: $(wc -l <out)/~?1[0-9]* rows: $(wc -l <out) answered, 0 failed" err
		done
	done
	mock_rules '[]'
	batch in -o out --resume
	complete_output 100 out
}

@test "a second signal drops the calls under way" {
	mock_rules '[{"delay_ms": 30000}]'
	rows 10 >in
	for workers in "" "--workers 2"; do
		rm -f out
		mock_reset
		# shellcheck disable=SC2086
		start_batch in -o out -j 4 $workers
		until_true eval '[ "$(mock_count)" -ge 4 ]'
		kill -INT "$BATCH"
		until_true grep -q "again to drop them" err
		kill -INT "$BATCH"
		within 0 5000 batch_ended 130
		until_true eval '[ "$(mock_counts | jq .aborted)" = 4 ]'
	done
}

@test "a signal during a pause ends it" {
	lull cool openai/m 60s
	rows 10 >in
	start_batch in -o out
	until_true grep -q paused err
	kill -TERM "$BATCH"
	within 0 5000 batch_ended 143
	table_untouched || [ "$(key_state name openai/m)" != "" ]
}

@test "a full disk is said, the output ends with a whole line, and --resume goes on" {
	rows 200 >in
	for workers in "" "--workers 2"; do
		rm -f out
		# shellcheck disable=SC2086
		run -74 bash -c "trap '' XFSZ; ulimit -f 10; exec lull batch in -o out $workers </dev/null"
		[[ $output == *"cannot write out: File too large"*"--resume goes on"* ]]
		[[ $output =~ ([0-9]+)/~?[0-9]+\ rows:\ ([0-9]+)\ answered,\ 0\ failed,\ ([0-9]+)\ not\ written ]]
		[ "${BASH_REMATCH[1]}" = "$(wc -l <out)" ]
		[ "$((BASH_REMATCH[2] - BASH_REMATCH[3]))" = "${BASH_REMATCH[1]}" ]
		[ "$(tail -c 1 out | od -An -c | tr -d ' ')" = '\n' ]
		jq -e .custom_id out >/dev/null
		[ "$(wc -l <out)" -gt 5 ]
		# shellcheck disable=SC2086
		batch in -o out --resume $workers
		complete_output 200 out
	done
	run -74 batch in -o /dev/full
	[[ $output == *"cannot write /dev/full: No space left on device"* ]]
}

@test "a closed pipe is said" {
	rows 2000 >in
	run -0 bash -c 'lull batch in 2>err | head -1; echo "${PIPESTATUS[0]}" >code'
	[ "$(<code)" = 74 ]
	grep -q "cannot write stdout: Broken pipe" err
}

@test "an input that becomes shorter is said" {
	mock_rules '[{"delay_ms": 200}]'
	rows 4000 >in
	start_batch in -o out -j 2
	until_true has_lines 1 out
	truncate -s 300000 in
	mock_rules '[]'
	batch_ended 65
	grep -q "in has become shorter while it was read" err
}

# killed COUNT WHAT [OPTION...]: that many runs, one after another, each killed at a random moment, or
# until one comes through; then one that is left alone.
killed() {
	local count=$1 what=$2 runs=0 code=137

	shift 2
	while ((code == 137 && runs++ < count)); do
		start_batch in -o out --resume -q "$@"
		sleep "0.$(printf %03d $((RANDOM % 150 + 20)))"
		case $what in
		parent) kill -KILL "$BATCH" ;;
		all) kill -KILL $(pgrep -P "$BATCH") "$BATCH" ;;
		esac 2>/dev/null || true
		code=0
		wait "$BATCH" 2>/dev/null || code=$?
	done 2>/dev/null
	echo "$runs runs, the last ended with $code" >&2
	[ $runs -gt 5 ]
	batch in -o out --resume "$@"
}

@test "killed at random moments, it ends with every row once" {
	mock_rules '[{"delay_ms": 4}]'
	rows 3000 >in
	killed 20 parent -j 8
	complete_output 3000 out
}

@test "killed with all its workers, or without them, likewise" {
	mock_rules '[{"delay_ms": 4}]'
	rows 3000 >in
	for what in parent all; do
		rm -f out
		killed 10 $what -j 8 --workers 4
		complete_output 3000 out
	done
}

@test "a worker that is killed is replaced, and its rows are sent again" {
	mock_rules '[{"delay_ms": 20}]'
	rows 1200 >in
	start_batch in -o out -j 8 --workers 3
	for ((i = 0; i < 12; i++)); do
		sleep 0.1
		pkill -KILL -o -P "$BATCH" || true
	done
	batch_ended 0
	complete_output 1200 out
	grep -q "has ended by signal 9" err
}

@test "a row that takes every worker down is given up" {
	mock_rules '[{"model": "bad", "delay_ms": 60000}]'
	{
		rows 20
		rows 1 bad 20
	} >in
	start_batch in -o out -j 2 --workers 1
	for ((i = 1; i <= 5; i++)); do
		until_true eval '[ "$(mock_count bad)" -ge $i ]'
		pkill -KILL -P "$BATCH"
	done
	batch_ended 1
	complete_output 21 out
	[ "$(jq -r 'select(.error) | "\(.custom_id) \(.error.code)"' out)" = "row-20 worker_died" ]
}

@test "workers that are killed while they wait take no row with them, nor stand their deaths behind the progress line" {
	rows 20 >in
	lull cool -q openai/m 60s
	start_batch in -o out -j 4 --workers 2 --progress tty
	until_true grep -aq paused err
	for ((i = 1; i <= 9; i++)); do
		sleep 0.4 # they wait again
		pkill -KILL -P "$BATCH"
		until_true eval '[ "$(grep -ac "has ended by signal 9" err)" -ge $((2 * i)) ]'
	done
	lull clear -q openai/m
	batch_ended 0
	complete_output 20 out
	! grep -aP '[^\r]\x1b\[Klull: ' err
}
