#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the README and the manual pages show as printed is what is printed, but for times, processes, owners, keys and addresses.
# documented.bats has the commands.

load coordinator
load serve
bats_require_minimum_version 1.5.0

setup() {
	coordinator_setup
}

teardown() {
	[[ -z ${LOG:-} ]] || serve_teardown
	mock_stop
}

# shown PAGE N: its Nth block
shown() {
	awk -v wanted="$2" '/^```/ { inside = !inside; block += inside; next } inside && block == wanted { gsub(/\\\\/, "\\"); print }' \
		"$LULL_SOURCE_DIR/docs/man/$1.scd"
}

# Seconds are rounded to tens: a wait as long as it should be, and no longer.
shape() {
	sed -E -e "s#(/dev|$SCRATCH)/shm/[^ :,\"]+#TABLE#g" -e 's#https?://[^ #",]+#URL#g' -e 's/[0-9a-f]{16}/FINGERPRINT/g' \
		-e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:]{8}(\.[0-9]{3}Z?)?/TIME/g' \
		-e 's/(by |pid=|_ms=)[0-9]+/\1N/g' -e 's/[0-9]+ of /N of /' -e 's/[0-9.]+ s ago/N s ago/' -e 's/(owner|group) [^ ]+ \([0-9]+\)/\1 SOMEBODY/g' |
		awk '{
			for (said = ""; match($0, /[0-9]+\.[0-9]+ s/); $0 = substr($0, RSTART + RLENGTH))
				said = said substr($0, 1, RSTART - 1) int(substr($0, RSTART) / 10 + 0.5) * 10 " s"
			print said $0
		}'
}

# members: of JSON, each with where it stands and what it is; of a number that is counted or measured, that it is one
members() {
	sed 's/\[\.\.\.\]/[]/g; s/{\.\.\.}/{}/g' | jq -r 'paths as $path | getpath($path) as $value |
		($path | map(tostring) | join(".")) as $where | $where,
		if $value | type == "object" or type == "array" then empty
		elif $value == null or ($value | type == "number") and ($where | test("^v$|status|strikes$") | not) then "\($where) is null or a number"
		elif $where == "id" then "\($where) begins with \($value[:10])"
		elif $where | endswith(".request_id") then empty
		else "\($where) is \($value | tojson)" end' | shape | sort
}

# apart: how far its last time is from the first, in tens of seconds
apart() {
	grep -oE '[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}' | date -f - +%s | awk 'NR == 1 { first = $1 } END { print int(($1 - first) / 10 + 0.5) }'
}

# prints PAGE N: stdin is what it shows
prints() {
	diff -u <(shown "$1" "$2" | shape) <(shape)
}

# has_members PAGE N: stdin has those that it shows
has_members() {
	local missing

	missing=$(comm -23 <(shown "$1" "$2" | members) <(members))
	[[ -z $missing ]] || {
		echo "not there: $missing"
		return 1
	}
}

# fail_model MODEL CREDENTIAL CLASS HTTP-STATUS HINT-MS
fail_model() {
	plant "$1@https://api.example.com/v1#$2" "$2" "$ENDPOINT" "${@:3}"
}

@test "lull check" {
	fail_model gpt-4o 0000000000000001 rate_limited 429 30000
	fail_model claude-sonnet-4 0000000000000002 answered 200 -1
	fail_model command-r 0000000000000003 auth 401 -1
	lull hold -q gpt-4
	fail_model o3-mini 0000000000000004 overloaded 529 50
	sleep 0.1
	fail_model o3-mini 0000000000000004 probe 0 -1
	run -75 lull check gpt-4o claude-sonnet-4 command-r gpt-4 o3-mini --all
	prints lull-check.1 1 <<<"$output"
	run -75 lull check --json gpt-4o
	has_members lull-check.1 2 <<<"$output"
}

@test "lull wait on a terminal" {
	fail_model gpt-4o 0000000000000001 rate_limited 429 30000
	timeout 1 script -qec "$(shown lull-wait.1 3 | sed -n 's/^\$ //p')" /dev/null </dev/null >"$SCRATCH/said" || [ $? = 124 ]
	{ shown lull-wait.1 3 | grep '^\$ '; tr -d '\r' <"$SCRATCH/said"; } >"$SCRATCH/shown"
	prints lull-wait.1 3 <"$SCRATCH/shown"
	diff <(shown lull-wait.1 3 | apart) <(apart <"$SCRATCH/shown")
}

@test "lull cool, hold and clear" {
	local line

	fail_model gpt-4o 0000000000000001 auth 401 -1
	shown lull-cool.1 1 | grep '^\$ ' | while IFS= read -r line; do
		echo "$line"
		eval "${line#'$ '}"
	done | prints lull-cool.1 1
}

@test "lull events" {
	fail_route rate_limited 429 30000
	lull events | prints lull-events.1 1
	lull events --json | has_members lull-events.1 2
}

@test "lull status" {
	fail_route rate_limited 429 30000
	lull status --json | has_members lull-status.1 1
}

@test "lull doctor" {
	[ "$(id -u)" = 0 ] || skip "tables of two users need root"
	chmod 1777 "$LULL_SHM_DIR"
	chmod a+x "$SCRATCH" "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")"
	lull init -q
	setpriv --reuid=33 --clear-groups "$LULL_BIN_DIR/lull" init -q
	run lull doctor
	shape <<<"$output" >"$SCRATCH/said"
	while IFS= read -r line; do
		grep -qFx "$line" "$SCRATCH/said" || {
			echo "not there: $line"
			cat "$SCRATCH/said"
			return 1
		}
	done < <(shown lull-doctor.1 1 | shape)
}

@test "lull init for a group" {
	[ "$(id -u)" = 0 ] || skip "nobody else may give files to that group"
	eval "$(shown lull-init.1 1)"
	[ "$(stat -c '%G %a' "$LULL_SHM_DIR"/*)" = "www-data 660" ]
	lull status --json | jq -e .shared
}

@test "lull explain-error" {
	run -0 lull explain-error --provider openai "$LULL_WIRE_DIR/openai/429_tokens.http"
	local said=$output pattern=

	shown lull-explain-error.1 1 >"$SCRATCH/shown"
	while IFS= read -r line; do
		pattern+="$(sed 's/[.()]/\\&/g; s/ \\\.\\\.\\\. / .* /' <<<"$line").*"
	done <"$SCRATCH/shown"
	[[ $said =~ ^$pattern$ ]]
	run -0 lull explain-error --json --provider openai "$LULL_WIRE_DIR/openai/429_tokens.http"
	diff <(shown lull-explain-error.1 2) - <<<"$output"
}

@test "lull complete when it fails" {
	mock_start
	export OPENAI_BASE_URL=$MOCK_URL/v1 OPENAI_API_KEY=a-key
	mock_rules '[{"model": "gpt-4o", "status": 429, "headers": {"Retry-After": 60},
		"body": {"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}}, {"status": 500}]'
	run --separate-stderr lull complete -m gpt-4o -f gpt-4o-mini hi
	prints lull-complete.1 1 <<<"$stderr"
}

@test "lull batch" {
	mock_start
	export OPENAI_BASE_URL=$MOCK_URL/v1 OPENAI_API_KEY=a-key
	shown lull-batch.1 1 | sed 's/\[\.\.\.\]/[{"role":"user","content":"hi"}]/' >"$SCRATCH/in.jsonl"
	run -0 lull batch --progress none -o - "$SCRATCH/in.jsonl"
	has_members lull-batch.1 2 <<<"${lines[0]}"
}

@test "lull metrics: every name that the pages have" {
	local name

	fail_route rate_limited 429 30000
	lull metrics >"$SCRATCH/metrics"
	grep -ohE '\blull_[a-z_]+[a-z]\b' "$LULL_SOURCE_DIR"/docs/man/lull-metrics.1.scd "$LULL_SOURCE_DIR/docs/observability.md" | sort -u |
		while IFS= read -r name; do
			grep -q "^# TYPE $name " "$SCRATCH/metrics" || echo "not there: $name"
		done >"$SCRATCH/missing"
	cat "$SCRATCH/missing"
	[ ! -s "$SCRATCH/missing" ]
}

@test "lull serve: a line of its log" {
	local pid

	serve_setup
	serve --workers 2
	pid=$(sed -nE 's/.*event=worker_ready worker=2 pid=([0-9]+).*/\1/p' "$LOG")
	kill -KILL "$pid"
	until_log event=worker_died
	grep event=worker_died "$LOG" | prints lull-serve.1 "$(awk '/^```/ { inside = !inside; block += inside } /event=worker_died/ { print block; exit }' \
		"$LULL_SOURCE_DIR/docs/man/lull-serve.1.scd")"
}

@test "what the README begins with, and what is said to it" {
	local line command code last=0

	mock_start
	export OPENAI_BASE_URL=$MOCK_URL/v1 OPENAI_API_KEY=a-key
	mock_rules '[{"model": "gpt-4o", "status": 429, "headers": {"Retry-After": 30}}]'
	sed -n '/^```$/,/^```$/p' "$LULL_SOURCE_DIR/README.md" | sed '2,/^```$/!d; /^```$/d' >"$SCRATCH/shown"
	[ "$(grep -c '^\$ ' "$SCRATCH/shown")" = 4 ]
	while IFS= read -r line; do
		[[ $line == '$ '* || -z $line ]] || continue
		echo "$line"
		command=${line#'$ '}
		code=0
		eval "${command/'$?'/$last}" </dev/null 2>&1 || code=$?
		last=$code
	done <"$SCRATCH/shown" >"$SCRATCH/said"
	diff <(shape <"$SCRATCH/shown") <(shape <"$SCRATCH/said")
}
