#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lull watch: each event once, in order, at once; what it says of those it has lost; what ends it.

load coordinator
bats_require_minimum_version 1.5.0

setup() {
	coordinator_setup
	lull init -q
	OUT=$SCRATCH/out ERR=$SCRATCH/err
}

teardown() {
	[[ -z ${WATCHING:-} ]] || kill -KILL "$WATCHING" 2>/dev/null || true
}

# start_watching [ARGUMENT...]: in the background, until it follows. Sets WATCHING, its pid. Writes
# $OUT and $ERR.
start_watching() {
	: >"$ERR" # what an earlier one has said is not this one's word
	(trap - INT && exec lull watch -v "$@" >"$OUT" 2>"$ERR" 3>&-) &
	WATCHING=$!
	until_true grep -q '^lull: from event [0-9]* on$' "$ERR"
}

has_lines() {
	[ "$(wc -l <"$2")" -ge "$1" ]
}

# Waits for so many lines of output, and prints them.
lines_come() {
	until_true has_lines "$1" "$OUT" || true
	masked <"$OUT"
}

# watching_ended CODE
watching_ended() {
	local code=0

	wait "$WATCHING" || code=$?
	WATCHING=
	[ "$code" = "$1" ] || { echo "exit status $code, expected $1: $(<"$ERR")" >&2; return 1; }
}

# What was said on stderr after the beginning.
said() {
	sed '1,/^lull: from event/d' "$ERR" | masked
}

@test "events are shown as they come, in the form of lull events" {
	lull cool -q earlier 1h
	start_watching
	fail_route rate_limited 429 30000
	lull hold -q gpt-4
	lull clear -q gpt-4
	[ "$(lines_come 3)" = "TIME  cooled           route:$ROUTE for LEFT s, rate_limited (HTTP 429), by PID
TIME  held             name:gpt-4, manual, by PID
TIME  cleared          name:gpt-4, manual, by PID" ]
	diff <(masked <"$OUT") <(lull events -n 3 | masked)
	kill "$WATCHING"
	watching_ended 143
	[ -z "$(said)" ]
}

@test "JSON lines have the members of lull events --json" {
	start_watching --json
	fail_route rate_limited 429 30000
	lull hold -q gpt-4
	lines_come 2
	diff <(jq -cS 'del(.v, .at)' "$OUT") <(lull events --json | jq -cS '.events[] | del(.at)')
	[ "$(jq -s 'map(.v) | unique == [1]' "$OUT")" = true ]
}

@test "a name is what it means, also what it comes to mean later" {
	start_watching gpt-4o
	lull hold -q other
	plant other@https://api.example.com/v1#0 0 "" rate_limited 429 -1
	fail_other_route auth 401 -1
	fail_route rate_limited 429 30000
	lull cool -q gpt-4o 10s
	[ "$(lines_come 3 | cut -c 7-)" = "cooled           credential:$OTHER_CREDENTIAL for LEFT s, auth (HTTP 401), by PID
cooled           route:$ROUTE for LEFT s, rate_limited (HTTP 429), by PID
operator_cooled  name:gpt-4o for LEFT s, manual, by PID" ]
}

@test "a key is that key alone" {
	start_watching "credential:$CREDENTIAL"
	fail_route auth 401 -1
	fail_other_route auth 401 -1
	lull clear -q "credential:$CREDENTIAL"
	[ "$(lines_come 2 | cut -c 7-)" = "cooled           credential:$CREDENTIAL for LEFT s, auth (HTTP 401), by PID
cleared          credential:$CREDENTIAL, auth (HTTP 401), by PID" ]
}

@test "--type and --cause choose, and can be repeated" {
	start_watching --json --type cooled --type cleared --cause auth --cause quota_exhausted
	plant other@https://api.example.com/v1#0 0 "" rate_limited 429 -1
	fail_route auth 401 -1
	lull hold -q gpt-4
	fail_other_route quota_exhausted 429 -1
	lull clear -q "credential:$CREDENTIAL"
	lines_come 3
	[ "$(jq -r '"\(.type) \(.cause)"' "$OUT")" = "cooled auth
cooled quota_exhausted
cleared auth" ]
}

@test "what is no type and no cause is said" {
	run -64 --separate-stderr lull watch --type colled
	[ "${stderr_lines[0]}" = "lull: 'colled' is no type of event: expected cooled, soft_failure, probe, opened, returned, operator_cooled, held or cleared" ]
	for cause in answered nonsense; do
		run -64 --separate-stderr lull watch --cause $cause
		[ "${stderr_lines[0]}" = "lull: '$cause' is no cause: expected rate_limited, quota_exhausted, auth, or another class of failure" ]
	done
}

@test "of hundreds of events each is shown once, in order" {
	start_watching --json
	for ((i = 0; i < 4; i++)); do
		(for ((n = 0; n < 50; n++)); do lull hold -q "$i-$n" && lull clear -q "$i-$n"; done) &
	done
	until_true has_lines 400 "$OUT"
	kill "$WATCHING"
	watching_ended 143
	jq -se 'map(.number) == [range(400)]' "$OUT"
	[ "$(jq -r .key "$OUT" | sort | uniq -c | awk '$1 != 2')" = "" ]
}

# Of 1024 that are kept: half by a program each, which takes its time, and half at once.
make_1026_events() {
	local n

	for ((n = 0; n < 513; n++)); do
		lull hold -q "k$n"
	done
	lull clear -q --all
}

@test "it says how many events it has lost" {
	start_watching
	kill -STOP "$WATCHING"
	make_1026_events
	kill -CONT "$WATCHING"
	until_true has_lines 1024 "$OUT"
	[ "$(said)" = "lull: 2 events were lost: overwritten before anybody looked, or never written whole" ]
	kill "$WATCHING"
	watching_ended 143
	start_watching --json
	kill -STOP "$WATCHING"
	make_1026_events
	kill -CONT "$WATCHING"
	until_true has_lines 1025 "$OUT"
	head -1 "$OUT" | jq -ce 'select(. == {v: 1, type: "lost", count: 2})'
	[ -z "$(said)" ]
}

@test "a reset table is followed from its first event" {
	start_watching --json
	lull hold -q a
	lines_come 1
	lull reset -q
	lull hold -q b
	lines_come 3
	[ "$(jq -c '[.number, .type, .key // .shared]' "$OUT")" = '[0,"held","name:a"]
[null,"replaced",true]
[0,"held","name:b"]' ]
}

@test "a deleted table is missed, and its successor followed" {
	start_watching
	rm "$LULL_SHM_DIR"/*
	until_true grep -q deleted "$ERR"
	lull hold -q b
	[ "$(lines_come 1)" = "TIME  held             name:b, manual, by PID" ]
	[ "$(said)" = "lull: SCRATCH/shm/lull1-u$(id -u) was deleted; its successor's events will be shown" ]
}

@test "a table that is not there yet is not made, and followed from its first event" {
	rm "$LULL_SHM_DIR"/*
	start_watching
	lull events -q
	[ -z "$(ls -A "$LULL_SHM_DIR")" ]
	lull hold -q b
	[ "$(lines_come 1)" = "TIME  held             name:b, manual, by PID" ]
	[ -z "$(said)" ]
}

@test "with -q nothing is said of events that are lost, but JSON has it" {
	lull watch -q --json >"$OUT" 2>"$ERR" 3>&- &
	WATCHING=$!
	until_true eval 'lull hold -q a; lull clear -q a; [ -s "$OUT" ]'
	lull reset -q
	until_true grep -q replaced "$OUT"
	[ ! -s "$ERR" ]
}

@test "signals end it as any program" {
	for signal in INT TERM HUP; do
		rm -f "$ERR"
		start_watching
		kill -$signal "$WATCHING"
		watching_ended $((128 + $(kill -l $signal)))
		[ -z "$(said)" ]
	done
}

@test "it ends without a word when nobody reads any more, with or without an event" {
	for event in true "lull hold -q b"; do
		rm -f "$ERR" "$SCRATCH/code"
		{
			lull watch -v 2>"$ERR" 3>&- || echo $? >"$SCRATCH/code"
		} | head -n 1 >"$OUT" 3>&- &
		until_true grep -q 'from event' "$ERR"
		lull hold -q a
		until_true has_lines 1 "$OUT"
		$event
		until_true [ -s "$SCRATCH/code" ]
		[ "$(<"$SCRATCH/code")" = 74 ]
		[ -z "$(said)" ]
		lull clear -q --all
	done
}

@test "an output that cannot be written is an error" {
	(exec lull watch -v >/dev/full 2>"$ERR" 3>&-) &
	WATCHING=$!
	until_true grep -q 'from event' "$ERR"
	lull hold -q a
	watching_ended 74
	[ "$(said)" = "lull: unable to write to stdout: No space left on device" ]
}

@test "watching uses no CPU" {
	start_watching
	switches() { awk '/^voluntary/ { print $2 }' "/proc/$WATCHING/status"; }
	# fields 14 and 15: ticks in user and kernel mode
	read -r -a before <"/proc/$WATCHING/stat"
	from=$(switches)
	sleep 2.5
	read -r -a after <"/proc/$WATCHING/stat"
	[ $((after[13] + after[14] - before[13] - before[14])) -le 1 ]
	# one look a second, and no more
	[ $(($(switches) - from)) -le 10 ]
}

@test "--exec runs the command for each event, with the event in its environment and on its stdin" {
	# shellcheck disable=SC2016 # for the command's shell
	start_watching --type cooled --exec 'env | grep ^LULL_EVENT | sort; echo "$LULL_MODEL"; cat'
	fail_route rate_limited 429 30000
	lull hold -q gpt-4
	fail_other_route auth 401 -1
	until_true has_lines 22 "$OUT"
	diff <(masked <"$OUT" | sed -E 's/^(LULL_EVENT_(AT|PID))=.*/\1=…/') - <<-EOF
		LULL_EVENT=cooled
		LULL_EVENT_AT=…
		LULL_EVENT_CAUSE=rate_limited
		LULL_EVENT_KEY=route:$ROUTE
		LULL_EVENT_KIND=route
		LULL_EVENT_PID=…
		LULL_EVENT_SECONDS=30.000
		LULL_EVENT_STATUS=429
		LULL_EVENT_STRIKES=0
		gpt-4o
		{"v":1,"number":0,"at":"TIME","type":"cooled","key":"route:$ROUTE","kind":"route","cause":"rate_limited","status":429,"strikes":0,"seconds":30.000,"pid":PID}
		LULL_EVENT=cooled
		LULL_EVENT_AT=…
		LULL_EVENT_CAUSE=auth
		LULL_EVENT_KEY=credential:$OTHER_CREDENTIAL
		LULL_EVENT_KIND=credential
		LULL_EVENT_PID=…
		LULL_EVENT_SECONDS=60.000
		LULL_EVENT_STATUS=401
		LULL_EVENT_STRIKES=0

		{"v":1,"number":2,"at":"TIME","type":"cooled","key":"credential:$OTHER_CREDENTIAL","kind":"credential","cause":"auth","status":401,"strikes":0,"seconds":60.000,"pid":PID}
	EOF
}

@test "a command that fails is told, and the next event is heard all the same" {
	# shellcheck disable=SC2016 # for the command's shell
	start_watching --exec 'echo "$LULL_EVENT"; exit 3'
	lull hold -q a
	lull clear -q a
	lines_come 2
	until_true grep -q cleared "$ERR"
	[ "$(cat "$OUT")" = "held
cleared" ]
	[ "$(said)" = "lull: the command for held of name:a ended with exit status 3
lull: the command for cleared of name:a ended with exit status 3" ]
}

@test "commands run one after the other, and nobody waits for them but watch" {
	start_watching --exec "echo begin; until [ -e $SCRATCH/go ]; do sleep 0.05; done; echo end"
	for name in a b c; do
		lull hold -q $name # returns, while the first command does not
	done
	[ "$(lines_come 1)" = begin ]
	touch "$SCRATCH/go"
	[ "$(lines_come 6 | tr '\n' ' ')" = "begin end begin end begin end " ]
}

@test "what ends watch ends its command, whatever it does" {
	for signal in TERM KILL; do
		rm -f "$ERR" "$OUT"
		# shellcheck disable=SC2016 # for the command's shell
		start_watching --exec 'sleep 300 & echo $!; wait'
		lull hold -q "$signal"
		until_true has_lines 1 "$OUT"
		sleeper=$(<"$OUT")
		kill -0 "$sleeper"
		kill -$signal "$WATCHING"
		watching_ended $((128 + $(kill -l $signal)))
		until_true eval '! kill -0 "$sleeper" 2>/dev/null'
	done
}
