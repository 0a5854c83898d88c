#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lull wait: what it waits for, what wakes it, what it says, and that it only sleeps.

load coordinator
bats_require_minimum_version 1.5.0

setup() {
	coordinator_setup
}

# start_waiting [OPTION...] NAME...: in the background, until it has said what it waits for. Sets
# WAITING, its pid. Writes $SCRATCH/out and err.
start_waiting() {
	lull wait "$@" >"$SCRATCH/out" 2>"$SCRATCH/err" 3>&- &
	WAITING=$!
	for ((tries = 0; tries < 1000; tries++)); do
		[ -s "$SCRATCH/err" ] && return
		sleep 0.02
	done
	return 1
}

# waiting_ended CODE
waiting_ended() {
	local code=0

	wait "$WAITING" || code=$?
	[ "$code" = "$1" ]
}

@test "what is ready is not waited for" {
	run -0 --separate-stderr lull wait gpt-4o
	[ "$output" = "gpt-4o: ready (not in the table)" ]
	[ -z "$stderr" ]
	[ -z "$(ls -A "$LULL_SHM_DIR")" ]
	lull hold -q o3
	run -0 --separate-stderr lull wait o3 gpt-4o
	[ "$output" = "o3: held until cleared
gpt-4o: ready (not in the table)" ]
	[ -z "$stderr" ]
}

@test "it ends with the cooldown, and says before until when that is" {
	fail_route rate_limited 429 4000
	run -0 --separate-stderr lull wait gpt-4o
	[ "$output" = "gpt-4o: ready" ]
	[ "$(masked <<<"$stderr")" = "lull: waiting for gpt-4o: cooling for LEFT s, rate_limited (HTTP 429), until TIME" ]
	run -0 --separate-stderr lull wait gpt-4o
	[ -z "$stderr" ]
}

@test "a clear wakes it at once" {
	lull hold -q gpt-4o
	start_waiting gpt-4o
	[ "$(<"$SCRATCH/err")" = "lull: waiting for gpt-4o: held until cleared" ]
	lull clear -q gpt-4o
	waiting_ended 0
	[ "$(<"$SCRATCH/out")" = "gpt-4o: ready" ]
}

@test "a table that is deleted holds nothing any more" {
	lull hold -q gpt-4o
	start_waiting gpt-4o
	rm "$LULL_SHM_DIR"/*
	waiting_ended 0
	[ "$(<"$SCRATCH/out")" = "gpt-4o: ready (not in the table)" ]
}

@test "a clear of something else does not end it" {
	lull hold -q gpt-4o
	lull hold -q o3
	start_waiting gpt-4o
	lull clear -q o3
	sleep 0.3
	kill -0 "$WAITING"
	lull clear -q gpt-4o
	waiting_ended 0
}

@test "a reset wakes it, and it looks at the new table" {
	lull hold -q gpt-4o
	start_waiting gpt-4o
	lull reset -q
	waiting_ended 0
	[ "$(<"$SCRATCH/out")" = "gpt-4o: ready (not in the table)" ]
}

@test "--all waits for the last of them" {
	lull hold -q gpt-4o
	lull hold -q o3
	start_waiting --all gpt-4o o3 o4
	[ "$(<"$SCRATCH/err")" = "lull: waiting for gpt-4o: held until cleared
lull: waiting for o3: held until cleared" ]
	lull clear -q gpt-4o
	sleep 0.3
	kill -0 "$WAITING"
	lull clear -q o3
	waiting_ended 0
}

@test "--timeout ends it with 124, and says so" {
	lull cool -q gpt-4o 40s
	run -124 --separate-stderr lull wait --timeout 300ms gpt-4o
	[ "$(masked <<<"$output")" = "gpt-4o: cooling for LEFT s, manual" ]
	[ "$(masked <<<"$stderr")" = "lull: waiting for gpt-4o: cooling for LEFT s, manual, until TIME
lull: giving up at TIME
lull: time ran out: not ready after 0.3 s" ]
	run -124 --separate-stderr lull wait -q --timeout 0.1s gpt-4o
	[ -z "$output$stderr" ]
	run -0 lull wait --timeout 40s gpt-4o o3
}

@test "what is ready at the time-out was ready in time" {
	lull cool -q gpt-4o 400ms
	run -0 lull wait -q --timeout 500ms gpt-4o # its random moment would be later
}

@test "JSON is that of check" {
	lull hold -q gpt-4o
	run -124 --separate-stderr lull wait --json --timeout 100ms gpt-4o
	jq -e '.v == 1 and .ready == false and .names[0].state == "held"' <<<"$output"
	run -0 --separate-stderr lull wait --json o3
	jq -e '.ready and .names[0].name == "o3"' <<<"$output"
}

@test "credentials, endpoints and routes can be waited for too" {
	fail_route auth 401 1500
	run -0 --separate-stderr lull wait "credential:$CREDENTIAL"
	[[ $stderr == "lull: waiting for credential:$CREDENTIAL: cooling for "* ]]
	[ "$output" = "credential:$CREDENTIAL: ready" ]
}

@test "it is interrupted like any program" {
	lull hold -q gpt-4o
	for signal in TERM HUP; do
		rm -f "$SCRATCH/err"
		start_waiting gpt-4o
		kill -$signal "$WAITING"
		waiting_ended $((128 + $(kill -l $signal)))
	done
}

@test "waiting uses no CPU" {
	lull hold -q gpt-4o
	start_waiting gpt-4o
	sleep 1.5
	# fields 14 and 15: ticks in user and kernel mode
	read -r -a stat <"/proc/$WAITING/stat"
	[ $((stat[13] + stat[14])) -le 1 ]
	lull clear -q gpt-4o
	waiting_ended 0
}
