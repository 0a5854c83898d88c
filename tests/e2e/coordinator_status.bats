#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lull status and lull events: all that the table knows, for people and for programs.

load coordinator
bats_require_minimum_version 1.5.0

setup() {
	coordinator_setup
}

@test "status is a table, what is shut first, the key last" {
	fail_route rate_limited 429 30000
	lull hold -q gpt-4
	run -0 --separate-stderr lull status
	diff <(masked <<<"$output") - <<-EOF
		STATE        LEFT  CAUSE              HTTP STRIKES ATTEMPTS FAILURES  SKIPS  REPORTED            BY PID   KEY
		cooling    LEFT s  rate_limited        429       0        1        1      0  TIME PID  route:$ROUTE
		held            -  manual                -       0        0        0      0  TIME PID  name:gpt-4
		ready           -  -                     -       0        1        0      0  -                            credential:$CREDENTIAL
		ready           -  -                     -       0        1        0      0  -                            endpoint:$ENDPOINT
	EOF
	[ -z "$stderr" ]
}

@test "status NAME shows what the name means, each key once" {
	fail_route rate_limited 429 30000
	plant "gpt-4o@https://api.example.com/v2#$CREDENTIAL" "$CREDENTIAL" "$ENDPOINT" answered 200 -1
	lull hold -q gpt-4
	run -0 lull status --json gpt-4o
	[ "$(jq -r '.keys[].key' <<<"$output")" = "route:$ROUTE
route:gpt-4o@https://api.example.com/v2#$CREDENTIAL
credential:$CREDENTIAL
endpoint:$ENDPOINT" ]
	run -0 --separate-stderr lull status nobody
	[ -z "$output" ]
	[ "$stderr" = "lull: nobody is not in the table, so it is ready" ]
}

@test "every key that status prints can be pasted" {
	fail_route rate_limited 429 30000
	lull hold -q gpt-4
	while read -r key; do
		run -0 lull status --json "$key"
		[ "$(jq -r '.keys[0].key' <<<"$output")" = "$key" ] ||
			[ "$(jq -r '.keys | length' <<<"$output")" = 3 ] # a route, and what it stands on
	done < <(lull status --json | jq -r '.keys[].key')
	[ "$(lull status --json | jq -r '.keys | length')" = 4 ]
}

@test "JSON of a route has every member" {
	fail_route rate_limited 429 30000
	run -0 lull status --json "route:$ROUTE"
	diff <(masked <<<"$output" | head -2) - <<-EOF
		{"v":1,"table":"SCRATCH/shm/lull1-u$(id -u)","shared":true,"keys":[
		{"key":"route:$ROUTE","kind":"route","model":"gpt-4o","state":"cooling","seconds_left":LEFT,"cause":"rate_limited","status":429,"strikes":0,"attempts":1,"answers":0,"failures":1,"skips":0,"cooldowns":1,"probes":0,"usual_ms":null,"usual_limit_ms":null,"reported_by":PID,"reported_at":"TIME","credential":"credential:$CREDENTIAL","endpoint":"endpoint:$ENDPOINT","rpm":null,"rpm_room_in":null,"tpm":null,"tpm_room_in":null,"parallel":null,"parallel_used":0,"limited":0},
	EOF
	jq -e '.keys[0] | .seconds_left > 25 and .seconds_left <= 30 and (.reported_at | fromdateiso8601? // sub("\\.[0-9]+Z"; "Z") | if type == "number" then . else fromdateiso8601 end) > 1700000000' <<<"$output"
}

@test "JSON of a hold has no seconds" {
	lull hold -q gpt-4
	lull status --json | jq -e '.keys[0] | .key == "name:gpt-4" and .kind == "name" and .model == "gpt-4" and .state == "held" and .seconds_left == null and .cause == "manual" and .status == null'
}

@test "limits are a second table, with what is used of them" {
	lull run -m a --limit a:rpm=2 -- true </dev/null
	lull run -m b --limit b:parallel=4,rpm=600 -- sh -c 'lull run -m b --limit b:parallel=4 -- lull status; lull status --json >"$1"' sh "$SCRATCH/json" </dev/null >"$SCRATCH/text"
	run -75 lull run -m a --limit a:rpm=2 --budget 1s -- true
	diff <(masked <"$SCRATCH/text" | sed '1,/^$/d') - <<-'EOF'
		       RPM  ROOM IN         TPM  ROOM IN   AT ONCE  LIMITED  KEY
		         2  LEFT s            -  -               -        0  name:a
		         -  -                 -  -          2 of 4        0  name:b
	EOF
	jq -e '.keys[] | select(.model == "a") | .rpm == 2 and .rpm_room_in > 20 and .rpm_room_in <= 30 and .tpm == null and .tpm_room_in == null and .parallel == null and .parallel_used == 0' "$SCRATCH/json"
	jq -e '.keys[] | select(.model == "b") | .rpm == null and .parallel == 4 and .parallel_used == 1' "$SCRATCH/json"
	lull status --json a | jq -e '.keys[0] | .limited == 1 and .state == "ready"'
}

@test "soft failures, skips and probes are counted" {
	fail_route server_error 500 -1
	lull status --json gpt-4o | jq -e '.keys[] | select(.kind == "route") | .state == "ready" and .strikes == 1 and .cause == "server_error"'
	lull events --json | jq -e '.events[-1] | .type == "soft_failure" and .status == 500 and .strikes == 1'
	fail_route permission 403 50
	sleep 0.1
	fail_route probe 0 -1
	run -75 fail_route answered 200 -1
	lull status --json gpt-4o | jq -e '.keys[] | select(.kind == "route") | .state == "probing" and .probes == 1 and .skips == 1 and .attempts == 3 and .failures == 2'
}

@test "who and when: this process, now, in local time" {
	export TZ=XXX-5
	lull hold gpt-4 >/dev/null &
	pid=$!
	wait "$pid"
	run -0 lull status
	row=${lines[1]}
	now=$(date +%s)
	at=$(date -d "$(grep -oE '[0-9]{4}-[0-9-]+ [0-9:]{8}' <<<"$row")" +%s)
	((at <= now && at >= now - 5))
	[[ $row == *" $pid "* ]]
	at=$(date -d "$(lull status --json | jq -r '.keys[0].reported_at')" +%s)
	((at <= now && at >= now - 5))
}

@test "an empty table, and none, are told on stderr" {
	run -0 --separate-stderr lull status
	[ -z "$output" ]
	[ "$(masked <<<"$stderr")" = "lull: no keys in SCRATCH/shm/lull1-u$(id -u): nothing has been reported yet, so every model is ready" ]
	run -0 --separate-stderr lull status -q
	[ -z "$output$stderr" ]
	run -0 --separate-stderr lull status --json -q
	[ "$(jq -c '[.v, .shared, .keys]' <<<"$output")" = '[1,false,[]]' ]
}

@test "names that JSON must escape" {
	name=$'a"b\\c \xc3\xa9 \xff'
	lull hold -q "$name"
	run -0 lull status --json
	[ "$(jq -r '.keys[0].model' <<<"$output")" = $'a"b\\c \xc3\xa9 \xef\xbf\xbd' ]
}

@test "colours only for a terminal, and not with NO_COLOR" {
	needs_terminal
	lull hold -q gpt-4
	export TERM=xterm
	run -0 lull status
	[[ $output != *$'\033'* ]]
	run -0 script -qec "lull status" /dev/null
	[[ $output == *$'\033[31mheld\033[0m'* ]]
	NO_COLOR=1 run -0 script -qec "lull status" /dev/null
	[[ $output != *$'\033'* ]]
	TERM=dumb run -0 script -qec "lull status" /dev/null
	[[ $output != *$'\033'* ]]
}

@test "more keys than fit in a buffer" {
	lull init -q --slots 512
	for i in {1..300}; do
		printf 'name-%03d-%0100d\n' "$i" 0
	done >"$SCRATCH/names"
	while read -r name; do
		lull hold -q "$name"
	done <"$SCRATCH/names"
	[ "$(lull status --json | jq -r '.keys[].model')" = "$(cat "$SCRATCH/names")" ]
	run -0 lull status
	[ "${#lines[@]}" = 301 ]
}

@test "events tell what happened, oldest first" {
	fail_route rate_limited 429 50
	sleep 0.1
	fail_route probe 0 -1
	lull cool -q gpt-4 45s
	lull hold -q gpt-4
	lull clear -q gpt-4
	run -0 --separate-stderr lull events
	diff <(masked <<<"$output") - <<-EOF
		TIME  cooled           route:$ROUTE for 0.1 s, rate_limited (HTTP 429), by PID
		TIME  probe            route:$ROUTE, rate_limited (HTTP 429), by PID
		TIME  operator_cooled  name:gpt-4 for LEFT s, manual, by PID
		TIME  held             name:gpt-4, manual, by PID
		TIME  cleared          name:gpt-4, manual, by PID
	EOF
	[ -z "$stderr" ]
}

@test "events -n and JSON" {
	for i in {1..30}; do
		lull hold -q "n$i"
	done
	run -0 lull events
	[ "${#lines[@]}" = 20 ]
	[[ ${lines[19]} == *name:n30,* ]]
	run -0 lull events --json -n 2
	[ "$(jq -c '[.v, [.events[] | [.number, .type, .key, .kind, .cause, .status, .strikes, .seconds]]]' <<<"$output")" = \
		'[1,[[28,"held","name:n29","name","manual",null,0,null],[29,"held","name:n30","name","manual",null,0,null]]]' ]
	lull cool -q z 45s
	lull events --json -n 1 | jq -e '.events[0] | .seconds > 44.9 and .seconds <= 45 and .pid > 1'
	for n in 0 1025 x -1 ""; do
		run -64 --separate-stderr lull events -n "$n"
		[[ $stderr == "lull: '$n' is no N: expected a number from 1 to 1024"* ]]
	done
}

@test "no events" {
	run -0 --separate-stderr lull events
	[ -z "$output" ]
	[ "$(masked <<<"$stderr")" = "lull: no events in SCRATCH/shm/lull1-u$(id -u)" ]
	lull events --json -q | jq -e '.events == []'
}

@test "a table that cannot be read is said each time, and is no good news" {
	mkdir "$SCRATCH/shm/broken"
	for verb in status events; do
		for time in 1 2; do
			run --separate-stderr lull "$verb" --table broken
			[ "$status" -eq 0 ]
			[[ $stderr == *"not shared"*"broken"* ]]
			[[ $stderr != *nothing\ has\ been* && $stderr != *no\ events* ]]
		done
	done
	run --separate-stderr -0 lull status gpt-4o --table broken
	[[ $stderr == *"not shared"* && $stderr != *ready* ]]
}
