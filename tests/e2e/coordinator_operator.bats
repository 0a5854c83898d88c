#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lull cool, hold, clear, init, reset: what an operator does, and what is said of it.

load coordinator
bats_require_minimum_version 1.5.0

setup() {
	coordinator_setup
}

@test "cool shuts a name for the time that is asked for" {
	run -0 --separate-stderr lull cool gpt-4o 10m
	[ "$(masked <<<"$output")" = "name:gpt-4o: cooling for LEFT s, manual" ]
	seconds_between 599 600 <<<"$output"
	[ -z "$stderr" ]
	run -75 lull check gpt-4o
	run -0 lull cool "route:$ROUTE" 1500ms
	seconds_between 1 1.5 <<<"$output"
	run -0 lull cool a 1h
	seconds_between 3599 3600 <<<"$output"
	run -0 lull cool b 1.5s
	seconds_between 1 1.5 <<<"$output"
	run -0 lull cool c 23h
	seconds_between 82799 82800 <<<"$output"
	run -0 lull cool d 45
	seconds_between 44 45 <<<"$output"
}

@test "a cooldown ends by itself" {
	lull cool -q gpt-4o 100ms
	sleep 0.15
	run -0 lull check gpt-4o
}

@test "a longer cooldown stays, a hold is not cut down" {
	lull cool -q gpt-4o 10m
	run -0 lull cool gpt-4o 45s
	[ "$(masked <<<"$output")" = "name:gpt-4o: cooling for LEFT s, manual (a longer cooldown was running and stays)" ]
	lull hold -q gpt-4o
	run -69 --separate-stderr lull cool gpt-4o 45s
	[ -z "$output" ]
	[ "$stderr" = "lull: name:gpt-4o is held until cleared; 'lull clear' ends the hold" ]
}

@test "lengths that are none are refused in a sentence" {
	run -64 --separate-stderr lull cool gpt-4o 24h
	[ "$stderr" = "lull: '24h' is too long: a cooldown takes up to 23h; 'lull hold gpt-4o' shuts it until it is cleared
lull: try 'lull cool --help'" ]
	for length in 0 0s 10x s -5s 1e3 "" " 5s" 5S 1.s .5s 99999999999999999999; do
		run -64 --separate-stderr lull cool -- gpt-4o "$length"
		[[ $stderr == "lull: '$length' is "* ]]
	done
	[ -z "$(ls -A "$LULL_SHM_DIR")" ]
}

@test "hold shuts until cleared" {
	run -0 lull hold gpt-4o
	[ "$output" = "name:gpt-4o: held until cleared" ]
	run -75 lull check gpt-4o
	[ "$output" = "gpt-4o: held until cleared" ]
	run -0 lull clear gpt-4o
	[ "$output" = "name:gpt-4o: ready (was held until cleared)" ]
	run -0 lull check gpt-4o
	[ "$output" = "gpt-4o: ready" ]
}

@test "clear NAME clears name, routes, and what keeps them shut, line by line" {
	fail_route auth 401 -1
	fail_other_route rate_limited 429 30000
	lull hold -q gpt-4o
	lull hold -q "endpoint:$OTHER_ENDPOINT"
	lull hold -q unrelated
	run -0 lull clear gpt-4o
	[ "$(masked <<<"$output" | sort)" = "$(sort <<-EOF
		credential:$CREDENTIAL: ready (was cooling for LEFT s, auth (HTTP 401))
		endpoint:$OTHER_ENDPOINT: ready (was held until cleared)
		name:gpt-4o: ready (was held until cleared)
		route:$OTHER_ROUTE: ready (was cooling for LEFT s, rate_limited (HTTP 429))
	EOF
	)" ]
	run -0 lull check gpt-4o
	run -75 lull check unrelated
}

@test "clear ROUTE clears what it stands on, clear of another key just that" {
	fail_route auth 401 -1
	lull hold -q "endpoint:$ENDPOINT"
	run -0 lull clear "endpoint:$ENDPOINT"
	[ "$output" = "endpoint:$ENDPOINT: ready (was held until cleared)" ]
	run -75 lull check "route:$ROUTE"
	run -0 lull clear "route:$ROUTE"
	[ "$(masked <<<"$output")" = "credential:$CREDENTIAL: ready (was cooling for LEFT s, auth (HTTP 401))" ]
	run -0 lull check "route:$ROUTE"
}

@test "clear forgets soft failures, and says when there is nothing to do" {
	fail_route server_error 500 -1
	run -0 lull check gpt-4o
	run -0 lull clear gpt-4o
	[ "$output" = "route:$ROUTE: ready (was ready after server_error)" ]
	run -0 lull clear gpt-4o
	[ "$output" = "gpt-4o: ready already" ]
	run -0 lull clear nobody
	[ "$output" = "nobody: ready already (not in the table)" ]
	run -0 lull clear --all
	[ "$output" = "every key is ready already" ]
}

@test "clear does not make a table" {
	run -0 lull clear gpt-4o
	[ "$output" = "gpt-4o: ready already (not in the table)" ]
	run -0 lull clear --all
	[ -z "$(ls -A "$LULL_SHM_DIR")" ]
}

@test "clear --all clears every key" {
	fail_route rate_limited 429 30000
	fail_other_route auth 401 -1
	lull hold -q a
	lull cool -q b 45s
	run -0 lull clear --all
	[ "${#lines[@]}" = 4 ]
	[ "$(lull status --json | jq '[.keys[] | select(.state != "ready")] | length')" = 0 ]
}

@test "without a shared table nothing is changed, and that is an error" {
	export LULL_DISABLE=1
	for verb in "cool gpt-4o 10m" "hold gpt-4o" "clear gpt-4o"; do
		# shellcheck disable=SC2086
		run -69 --separate-stderr lull $verb
		[ -z "$output" ]
		[[ $stderr == "lull: nothing was changed: "*LULL_DISABLE* ]]
		[ "${#stderr_lines[@]}" = 1 ]
	done
}

@test "a full table is an error that says what to do" {
	lull init -q --slots 16
	for i in {1..16}; do
		lull hold -q "n$i"
	done
	run -69 --separate-stderr lull hold one-more
	[ "$stderr" = "lull: the table is full, so name:one-more was not changed; 'lull reset --slots N' makes a larger one" ]
	run -0 lull reset --slots 32
	lull hold -q one-more
}

@test "init makes the table, once" {
	run -0 lull init --slots 64
	[ "$(masked <<<"$output")" = "SCRATCH/shm/lull1-u$(id -u): made, 64 slots, mode 0600" ]
	run -0 lull init --slots 128
	[ "$(masked <<<"$output")" = "SCRATCH/shm/lull1-u$(id -u): was there already, 64 slots, mode 0600" ]
	[ "$(stat -c %a "$LULL_SHM_DIR/lull1-u$(id -u)")" = 600 ]
	run -0 lull init -q
	[ -z "$output" ]
}

@test "init shares with a group" {
	run -0 lull init --group "$(id -g)"
	[ "$(masked <<<"$output")" = "SCRATCH/shm/lull1-g$(id -g): made, 1024 slots, mode 0660" ]
	[ "$(stat -c '%a %g' "$LULL_SHM_DIR/lull1-g$(id -g)")" = "660 $(id -g)" ]
	LULL_SHM_GROUP=$(id -g) run -0 lull hold gpt-4o
	LULL_SHM_GROUP=$(id -g) run -75 lull check gpt-4o
	run -0 lull check gpt-4o # another table
	run -69 --separate-stderr lull init --group no-such-group
	[[ $stderr == "lull: "*no-such-group* ]]
}

@test "init says why it could not" {
	LULL_SHM_DIR=$SCRATCH/nowhere run -69 --separate-stderr lull init
	[[ $stderr == "lull: "*nowhere* ]]
	for slots in 15 17 100 65537 0 -1 x 131072; do
		run -64 --separate-stderr lull init --slots "$slots"
		[[ $stderr == "lull: '$slots' "*expected* ]]
	done
}

@test "reset makes an empty table of the same size" {
	lull init -q --slots 64
	lull hold -q gpt-4o
	run -0 lull reset
	[ "$(masked <<<"$output")" = "SCRATCH/shm/lull1-u$(id -u): made anew, 64 slots, mode 0600" ]
	run -0 lull check gpt-4o
	[ "$(lull status --json | jq '.keys | length')" = 0 ]
	run -0 lull reset --slots 128
	[ "$(masked <<<"$output")" = "SCRATCH/shm/lull1-u$(id -u): made anew, 128 slots, mode 0600" ]
}

@test "reset keeps the group" {
	export LULL_SHM_GROUP
	LULL_SHM_GROUP=$(id -g)
	lull init -q --slots 64
	run -0 lull reset
	[ "$(masked <<<"$output")" = "SCRATCH/shm/lull1-g$(id -g): made anew, 64 slots, mode 0660" ]
}

@test "on a table that had to be replaced, an operator's word holds at once" {
	: >"$SCRATCH/shm/broken"
	chmod 600 "$SCRATCH/shm/broken"
	run --separate-stderr -0 lull cool gpt-4o 10m --table broken
	[[ $stderr == *"has been replaced by an empty table"* ]]
	run -75 lull check gpt-4o --table broken
}
