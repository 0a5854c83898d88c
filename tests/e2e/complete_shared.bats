#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What one process learns, the others know: cooldowns across programs, waiting, waking.

load complete

setup() {
	complete_setup
}

teardown() {
	complete_teardown
}

@test "a 429 in one process is a skip in the next, and clear makes it ready for all" {
	mock_rules '[{"model": "primary", "status": 429, "headers": {"Retry-After": 30}}]'
	run -0 ask -m openai/primary -f openai/fallback hi
	run -75 lull check primary
	[[ $output == *"cooling for "*"rate_limited (HTTP 429)"* ]]
	[ "$(key_state route primary)" = "cooling rate_limited 429 30" ]
	mock_reset
	run --separate-stderr -0 ask -m openai/primary -f openai/fallback hi
	[ "$output" = "Answer from fallback." ]
	[ "$(mock_count primary)-$(mock_count fallback)" = 0-1 ]
	lull clear primary
	run -0 lull check primary
	mock_rules '[]'
	run --separate-stderr -0 ask -m openai/primary -f openai/fallback hi
	[ "$output" = "Answer from primary." ]
}

@test "everything cooling beyond the budget ends at once, with the seconds" {
	lull cool openai/primary 60s
	lull cool openai/fallback 30s
	run -75 within 0 5000 ask -m openai/primary -f openai/fallback --budget 10s hi
	[[ $output == *"the soonest is ready in "[23]?.?" s"* ]]
	[ "$(mock_count)" = 0 ]
}

@test "when-cooling: fail ends at once, try asks the one that ends first, and opens it" {
	mock_rules '[{"model": "m", "responses": [{"status": 429, "headers": {"Retry-After": 2}}, {}]}]'
	run -69 ask -m openai/m --when-cooling fail hi
	run -75 within 0 5000 ask -m openai/m --when-cooling fail hi
	[ "$(mock_count m)" = 1 ]
	run --separate-stderr -0 within 0 1500 ask -m openai/m --when-cooling try hi
	[ "$output" = "Answer from m." ]
	run -0 lull check m
}

@test "a held model is never tried" {
	lull hold openai/m
	for how in wait fail try; do
		run -75 ask -m openai/m --when-cooling $how hi
		[[ $output == *"held until cleared"* ]]
	done
	[ "$(mock_count)" = 0 ]
}

@test "a cooldown that ends inside the budget is slept through without using CPU" {
	mock_rules '[{"model": "m", "responses": [{"status": 429, "headers": {"Retry-After": 2}}, {}]}]'
	run -69 ask -m openai/m --when-cooling fail hi
	TIMEFORMAT='%U %S'
	{ time within 1500 10000 ask -m openai/m --explain hi >"$SCRATCH/out" 2>"$SCRATCH/err"; } 2>"$SCRATCH/time"
	[ "$(<"$SCRATCH/out")" = "Answer from m." ]
	grep -q slept "$SCRATCH/err"
	awk '{ exit $1 + $2 > 0.5 }' "$SCRATCH/time"
}

@test "a clear from another shell wakes a sleeping call at once" {
	lull cool openai/m 20s
	start_asking -m openai/m hi
	until_true sleeps "$ASKING"
	within 0 5000 eval 'lull clear openai/m; asking_ended 0'
	[ "$(<"$SCRATCH/out")" = "Answer from m." ]
}

# Is the process in a futex wait?
sleeps() {
	[[ $(<"/proc/$1/wchan") == *futex* ]] || grep -q '^202 ' "/proc/$1/syscall" 2>/dev/null
}

@test "Ctrl-C ends a sleeping call" {
	lull cool openai/m 20s
	start_asking -m openai/m hi
	until_true sleeps "$ASKING"
	kill -INT "$ASKING"
	within 0 5000 asking_ended 130
	[ "$(mock_count)" = 0 ]
}

@test "after a cooldown many processes at once send one probe" {
	local i pids=()

	mock_rules '[{"model": "m", "responses": [{"status": 529, "headers": {"Retry-After": 1}}, {"delay_ms": 8000}]}]'
	run -69 ask -m openai/m --when-cooling fail hi
	until_true lull check m -q
	for ((i = 0; i < 24; i++)); do
		lull complete -m openai/m -f openai/other hi </dev/null >"$SCRATCH/out.$i" 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ "$(mock_count m)-$(mock_count other)" = 2-23 ]
	[ "$(cat "$SCRATCH"/out.* | sort | uniq -c | sed 's/^ *//')" = $'1 Answer from m.\n23 Answer from other.' ]
}

@test "a warning that -q kept back is still to be told" {
	mkdir "$SCRATCH/shm/broken"
	run --separate-stderr -0 ask -m openai/m1 -q --table broken hi
	[ -z "$stderr" ]
	run --separate-stderr -0 ask -m openai/m1 --table broken hi
	[[ $stderr == *"cooldowns are not shared"* ]]
}

@test "a table whose file is made shorter under a call: it answers, and the next one says so, once" {
	asked() { [ "$(mock_count m)" = 1 ]; }
	mock_rules '[{"delay_ms": 1000}]'
	start_asking -m openai/m hi
	until_true asked
	truncate -s 0 "$SCRATCH"/shm/*
	asking_ended 0
	[ "$(<"$SCRATCH/out")$(<"$SCRATCH/err")" = "Answer from m." ]
	mock_rules '[]'
	run --separate-stderr -0 ask -m openai/m hi
	[[ $stderr == *"it has been replaced by an empty table" ]]
	run --separate-stderr -0 ask -m openai/m hi
	[ -z "$stderr" ]
}
