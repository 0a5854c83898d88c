#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lull run: the fallback loop around real commands. What succeeds, what cools, what is shown, how
# time and signals end it, and that it leaves nothing behind.

load coordinator
bats_require_minimum_version 1.5.0

setup() {
	coordinator_setup
}

teardown() {
	mock_stop
}

# with_mock [RULES]: a provider, asked with curl as people do.
with_mock() {
	mock_start
	export OPENAI_BASE_URL=$MOCK_URL/v1 OPENAI_API_KEY=sk-1
	mock_rules "${1:-[]}"
	CURL=(curl -sS --fail --noproxy '*' "$OPENAI_BASE_URL/chat/completions"
		-H "Authorization: Bearer $OPENAI_API_KEY" -H "Content-Type: application/json"
		-d '{"model": "{model}", "messages": [{"role": "user", "content": "hi"}]}')
}

# lull_run OPTION... -- COMMAND...: without stdin, as from cron.
lull_run() {
	lull run "$@" </dev/null
}

# start OPTION... -- COMMAND...: in the background; sets RUNNING. Writes $SCRATCH/out and err.
start() {
	(trap - INT && exec lull run "$@" </dev/null >"$SCRATCH/out" 2>"$SCRATCH/err" 3>&-) &
	RUNNING=$!
}

# ended CODE
ended() {
	local code=0

	wait "$RUNNING" || code=$?
	[ "$code" = "$1" ] || { echo "exit status $code: $(<"$SCRATCH/err")"; false; }
}

# Of the processes whose pids are in that file none runs any more. (Not everywhere somebody reaps
# what is left behind.)
all_gone() {
	local pid

	while read -r pid; do
		! grep -qs '^State:.[^Z]' "/proc/$pid/status" || return 1
	done <"$1"
}

state_of() {
	lull status --json | jq -r --arg key "$1" '.keys[] | select(.key == $key) | "\(.state) \(.cause)"'
}

# ------------------------------------------------------------------ success and failure

@test "the command runs once, with the model's name in words and environment" {
	run -0 --separate-stderr lull_run -m gpt-4o -f o3 -- \
		sh -c 'echo "$LULL_MODEL $1 $2"; test "$LULL_BUDGET_MS" -le 45000 -a "$LULL_BUDGET_MS" -gt 1000' \
		sh {model} 'x{model}y{model}{mod'
	[ "$output" = "gpt-4o gpt-4o xgpt-4oygpt-4o{mod" ]
	[ -z "$stderr" ]
	[ "$(state_of name:gpt-4o)" = "ready null" ]
}

@test "options of the command are its own" {
	run -0 lull_run -m a echo -m -f --budget
	[ "$output" = "-m -f --budget" ]
	run -0 lull_run -m a -- echo -- -q
	[ "$output" = "-- -q" ]
}

@test "a failure goes on to the next model, and only the winner's output is shown" {
	run -0 --separate-stderr lull_run -m a -f b -- \
		sh -c 'echo "out of $LULL_MODEL"; echo "err of $LULL_MODEL" >&2; test "$LULL_MODEL" = b'
	[ "$output" = "out of b" ]
	[ "$stderr" = "err of b" ]
	[ "$(state_of name:a)" = "ready null" ]
	run -0 lull_run --live -m a -f b -- \
		sh -c 'echo "out of $LULL_MODEL"; test "$LULL_MODEL" = b'
	[ "$output" = "out of a
out of b" ]
	run -0 lull_run --live --cool-on-output nothing -m a -f b -- \
		sh -c 'echo "out of $LULL_MODEL"; test "$LULL_MODEL" = b'
	[ "$output" = "out of a
out of b" ]
}

@test "if all fail, the last command's output and exit status are passed on" {
	run -4 --separate-stderr lull_run -m a -f b -- \
		sh -c 'echo "out of $LULL_MODEL"; echo "err of $LULL_MODEL" >&2; test "$LULL_MODEL" = a && exit 3; exit 4'
	[ "$output" = "out of b" ]
	[ "$stderr" = "err of b
lull: models ran out: the command succeeded with none" ]
	run -137 lull_run -m a -- sh -c 'kill -KILL $$'
}

@test "a command that failed is not run again with the same model" {
	run -1 lull_run -m a -f b -f a -- sh -c 'echo "$LULL_MODEL" >>"$0"; exit 1' "$SCRATCH/runs"
	[ "$(<"$SCRATCH/runs")" = "a
b" ]
}

@test "a command that is missing is 127, one that cannot be started 126" {
	run -127 --separate-stderr lull_run -m a -f b -- "$SCRATCH/missing"
	[ "$stderr" = "lull: unable to start $SCRATCH/missing: No such file or directory
lull: models ran out: the command succeeded with none" ]
	touch "$SCRATCH/plain"
	run -126 --separate-stderr lull_run -m a -- "$SCRATCH/plain"
	[ "${stderr_lines[0]}" = "lull: unable to start $SCRATCH/plain: Permission denied" ]
	run -127 lull_run -m a -- sh -c "$SCRATCH/missing" # the shell says so
	printf '#!/bin/sh\necho only b\n' >"$SCRATCH/b"
	chmod +x "$SCRATCH/b"
	run -0 lull_run -m a -f b -- "$SCRATCH/{model}"
	[ "$output" = "only b" ]
	[ "$(state_of name:a)" = "ready null" ]
}

@test "shell functions work through a shell" {
	ask() { echo "$1 was asked"; }
	export -f ask
	run -0 lull_run -m a -- bash -c 'ask "$LULL_MODEL"'
	[ "$output" = "a was asked" ]
	run -0 lull_run -m a -- sh -c 'f() { echo "f of $1"; }; f {model}'
	[ "$output" = "f of a" ]
}

# ------------------------------------------------------------------ what cools

@test "75 and the codes of --cool-on cool the name, others do not" {
	run -75 lull_run -m a -- sh -c 'exit 75'
	[ "$(state_of name:a)" = "cooling command" ]
	run -75 lull check a
	seconds_between 55 60 <<<"$output"
	run -5 lull_run -m b --cool-on 4,5 --cooldown 10m -- sh -c 'exit 5'
	run -75 lull check b
	seconds_between 590 600 <<<"$output"
	run -6 lull_run -m c --cool-on 4,5 -- sh -c 'exit 6'
	run -0 lull check c
	run -2 lull_run -m d --cool-on 2 --cooldown 2h -- sh -c 'exit 2'
	run -75 lull check d
	seconds_between 7190 7200 <<<"$output"
}

@test "what a failed command wrote may cool the name too" {
	run -1 lull_run -m out --cool-on-output '^Error: [Rr]ate|429$' -- sh -c 'echo "code 429"; exit 1'
	run -75 lull check out
	run -1 lull_run -m err --cool-on-output '^Error: [Rr]ate|429$' -- \
		sh -c 'echo start; printf "x\nError: rate limit\0more\n" >&2; exit 1'
	run -75 lull check err
	run -1 lull_run -m other --cool-on-output '^Error: [Rr]ate|429$' -- sh -c 'echo "429 or so"; exit 1'
	run -0 lull check other
	run -0 lull_run -m well --cool-on-output '429' -- echo 429 # it succeeded
	run -0 lull check well
	run -1 lull_run -m seen --live --cool-on-output '429' -- sh -c 'echo 429; exit 1'
	[ "$output" = "429
lull: models ran out: the command succeeded with none" ]
	run -75 lull check seen
}

@test "a name that cools is skipped, and a command is not run for nothing" {
	lull cool -q a 40s
	run -0 lull_run -m a -f b -- echo {model}
	[ "$output" = b ]
	lull cool -q b 50s
	run -75 --separate-stderr lull_run -m a -f b --budget 10s -- echo {model}
	[ -z "$output" ]
	[ "$(masked <<<"$stderr")" = "lull: nothing was run: every model is cooling; the soonest is ready in LEFT s" ]
	lull hold -q a
	lull hold -q b
	run -75 --separate-stderr lull_run -m a -f b -- echo {model}
	[ "$stderr" = "lull: nothing was run: every model is held until cleared" ]
}

@test "while all cool it sleeps within its budget, and a clear wakes it" {
	lull cool -q a 300ms
	run -0 lull_run -m a -- echo {model}
	[ "$output" = a ]
	lull cool -q a 20s
	start -m a --explain -- echo {model}
	sleep 0.5
	kill -0 "$RUNNING"
	lull clear -q a
	ended 0
	[ "$(<"$SCRATCH/out")" = a ]
	grep -q 'a: skipped: name cooling for .* s, manual$' "$SCRATCH/err"
	grep -q ' slept ' "$SCRATCH/err"
}

@test "the success of a probe opens the name" {
	lull cool -q a 50ms
	sleep 0.1
	run -0 --separate-stderr lull_run --explain -m a -- true
	[[ $stderr == *"a: answered after "*", as the probe" ]]
	[ "$(state_of name:a)" = "ready null" ]
}

# ------------------------------------------------------------------ together with complete

@test "curl with fallbacks: a cooldown is seen by check and by complete" {
	with_mock '[{"model": "primary", "status": 429}]'
	run -0 lull_run -m primary -f other --cool-on 22 -- "${CURL[@]}"
	[ "$(jq -r '.choices[0].message.content' <<<"$output")" = "Answer from other." ]
	[ "$(mock_count primary)-$(mock_count other)" = 1-1 ]
	run -75 lull check primary
	[ "$(masked <<<"$output")" = "primary: cooling for LEFT s, command" ]
	run -0 --separate-stderr lull complete --explain -m openai/primary -f openai/other hi </dev/null
	[ "$output" = "Answer from other." ]
	[[ $stderr == *"skipped: name cooling, "*": command"* ]]
	[ "$(mock_count primary)" = 1 ]
	run -0 lull_run -m primary -f other --cool-on 22 -- "${CURL[@]}"
	[ "$(mock_count primary)" = 1 ]
}

@test "and the other way round: what complete has met, curl is spared" {
	with_mock '[{"model": "primary", "status": 429}]'
	run -0 lull complete -m openai/primary -f openai/other hi </dev/null
	[ "$(mock_count primary)" = 1 ]
	for name in primary openai/primary; do
		run -0 --separate-stderr lull_run --explain -m "$name" -f other -- "${CURL[@]}"
		[[ $stderr == *"$name: skipped: route cooling for "*" s, rate_limited (HTTP 429)"* ]]
	done
	[ "$(mock_count primary)" = 1 ]
	lull clear -q primary
	mock_rules '[]'
	run -0 lull_run -m primary -f other -- "${CURL[@]}"
	[ "$(jq -r '.choices[0].message.content' <<<"$output")" = "Answer from primary." ]
}

@test "curl says which HTTP error it was, as on the man page" {
	with_mock '[{"model": "primary", "status": 429}, {"model": "second", "status": 500}]'
	run -0 --separate-stderr lull_run -m primary -f second -f other --cool-on-output '^HTTP 429' -- \
		"${CURL[@]/#--fail/--fail-with-body}" -w '%{stderr}HTTP %{http_code}\n'
	[ "$(jq -r '.choices[0].message.content' <<<"$output")" = "Answer from other." ]
	[ "$stderr" = "HTTP 200" ]
	run -75 lull check primary
	run -0 lull check second
}

@test "a client in Python that ends with 75 when it is told to come again" {
	[ -n "$(command -v python3)" ] || skip "no python3"
	with_mock '[{"model": "primary", "status": 429}]'
	cat >"$SCRATCH/ask.py" <<-'EOF'
		import json, os, sys, urllib.error, urllib.request
		body = {"model": os.environ["LULL_MODEL"], "messages": [{"role": "user", "content": sys.stdin.read()}]}
		request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions",
		    json.dumps(body).encode(), {"Content-Type": "application/json", "Authorization": "Bearer x"})
		try:
		    answer = urllib.request.urlopen(request, timeout=int(os.environ["LULL_BUDGET_MS"]) / 1000)
		    print(json.load(answer)["choices"][0]["message"]["content"])
		except urllib.error.HTTPError as error:
		    sys.exit(75 if error.code in (429, 503) else 1)
	EOF
	for _ in 1 2; do
		run -0 lull run -m primary -f other -- python3 "$SCRATCH/ask.py" <<<"Say hello"
		[ "$output" = "Answer from other." ]
	done
	[ "$(mock_count primary)-$(mock_count other)" = 1-2 ]
}

@test "names of a configuration are known by what stands behind them" {
	export LULL_CONFIG=$SCRATCH/lull.yaml
	cat >"$LULL_CONFIG" <<-EOF
		model_list:
		  - model_name: fast
		    litellm_params: {model: openai/gpt-4o, api_base: "https://one.example.com/v1", api_key: sk-1}
		  - model_name: fast
		    litellm_params: {model: openai/gpt-4o-mini, api_base: "https://two.example.com/v1", api_key: sk-2}
	EOF
	mapfile -t routes < <(lull resolve fast | sed -n 's/^route://p')
	plant "${routes[0]}" c1 e1 rate_limited 429 30000
	run -0 lull_run -m fast -f slow -- echo {model}
	[ "$output" = fast ]
	plant "${routes[1]}" c2 e2 rate_limited 429 50000
	run -0 --separate-stderr lull_run -m fast -f slow -- echo {model}
	[ "$output" = slow ] # which the configuration does not know, and that is no mistake
	[ -z "$stderr" ]
}

# ------------------------------------------------------------------ time

@test "--timeout ends an attempt, cools nothing, and the next model has its turn" {
	run -0 --separate-stderr lull_run -m a -f b --timeout 300ms --explain -- \
		sh -c 'test "$LULL_MODEL" = b || sleep 60'
	[[ $stderr == *"a: timeout after 0."* ]]
	run -0 lull check a
	# what a command does is not done twice
	run -124 lull_run -m a --timeout 300ms -- sh -c 'echo run >>"$1"; sleep 60' sh "$SCRATCH/runs"
	[ "$(<"$SCRATCH/runs")" = run ]
}

@test "when the budget is spent it is 124, with what there is of output" {
	run -124 --separate-stderr lull_run -m a --budget 500ms -- sh -c 'echo begun; sleep 60'
	[ "$output" = begun ]
	[ "$stderr" = "lull: sh was ended at its limit
lull: time ran out: the budget of 0.5 s is spent" ]
	run -0 lull check a
}

@test "a command that ignores SIGTERM is killed after its grace, with all it has started" {
	run -124 lull_run -m a --budget 200ms -- \
		bash -c 'trap "" TERM; sleep 61 & echo $! $$ | tr " " "\n" >"$0"; while :; do sleep 0.1; done' "$SCRATCH/pids"
	until_true all_gone "$SCRATCH/pids"
}

@test "a command that stops itself can be ended" {
	run -124 lull_run -m a --budget 300ms -- sh -c 'kill -STOP $$; sleep 60'
}

@test "a background process of the command does not hold lull up" {
	run -0 lull_run -m a -- sh -c 'sleep 30 & echo $! >"$0"; echo done' "$SCRATCH/pids"
	[ "$output" = done ]
	kill "$(<"$SCRATCH/pids")" # it was left alone
}

# ------------------------------------------------------------------ signals

@test "SIGINT and SIGTERM are passed on, and lull ends by them" {
	for signal in INT TERM HUP; do
		rm -f "$SCRATCH/ready" "$SCRATCH/told"
		start -m a -f b -- bash -c \
			'trap "echo '$signal' >\"$1\"; exit 0" '$signal'; touch "$0"; while :; do sleep 0.05; done' \
			"$SCRATCH/ready" "$SCRATCH/told"
		until_true test -e "$SCRATCH/ready"
		kill -$signal "$RUNNING"
		ended $((128 + $(kill -l $signal)))
		[ "$(<"$SCRATCH/told")" = $signal ]
	done
	run -0 lull check a
	[ -z "$(state_of name:b)" ]
}

@test "Ctrl-Z stops the command, too, and it goes on with lull" {
	is() { # STATE PID
		grep -q "^State:.$1" "/proc/$2/status"
	}

	start -m a -- sh -c 'echo $$ >"$1"; while [ ! -e "$2" ]; do sleep 0.05; done; echo done' sh "$SCRATCH/pid" "$SCRATCH/go"
	until_true test -s "$SCRATCH/pid"
	kill -TSTP "$RUNNING"
	until_true is T "$RUNNING"
	until_true is T "$(<"$SCRATCH/pid")"
	kill -CONT "$RUNNING"
	until_true is S "$(<"$SCRATCH/pid")"
	touch "$SCRATCH/go"
	ended 0
	[ "$(<"$SCRATCH/out")" = done ]
}

@test "Ctrl-C on a terminal ends it" {
	needs_terminal
	cat >"$SCRATCH/job" <<-'EOF'
		lull run -m a -f b -- sh -c 'touch "$0"; sleep 60' "$1"
		echo "status $?"
	EOF
	(
		for ((i = 0; i < 500; i++)); do
			[ -e "$SCRATCH/ready" ] && break
			sleep 0.02
		done
		printf '\003'
		sleep 1
	) | script -qec "exec bash -c 'trap : INT; . $SCRATCH/job $SCRATCH/ready'" /dev/null >"$SCRATCH/out" 3>&-
	grep -q "status 130" "$SCRATCH/out"
}

@test "nobody reading what is shown live keeps it from its end" {
	mkfifo "$SCRATCH/pipe"
	exec 7<>"$SCRATCH/pipe"
	for limit in 20s 300ms; do
		lull run --live --cool-on-output none --budget $limit -m a -- yes \
			</dev/null >"$SCRATCH/pipe" 2>"$SCRATCH/err" 3>&- 7>&- &
		RUNNING=$!
		sleep 0.5 # the pipe is full
		if [ $limit = 20s ]; then
			kill -TERM "$RUNNING"
			ended 143
		else
			ended 124
		fi
	done
}

@test "a signal that is ignored stays ignored" {
	(trap '' INT && exec lull run -m a -- sh -c 'touch "$0"; sleep 0.5; echo done' "$SCRATCH/ready" \
		</dev/null >"$SCRATCH/out" 2>"$SCRATCH/err" 3>&-) &
	RUNNING=$!
	until_true test -e "$SCRATCH/ready"
	kill -INT "$RUNNING"
	ended 0
	[ "$(<"$SCRATCH/out")" = done ]
}

@test "killed, it leaves no process and no cooldown behind" {
	start -m a -f b -- sh -c 'sleep 62 & echo $! $$ | tr " " "\n" >"$0.new"; mv "$0.new" "$0"; wait' "$SCRATCH/pids"
	until_true test -e "$SCRATCH/pids"
	kill -KILL "$RUNNING"
	ended 137
	until_true all_gone "$SCRATCH/pids"
	run -0 lull check a
}

@test "killed while it probes, its lease ends by itself" {
	lull cool -q a 50ms
	sleep 0.1
	start -m a -- sh -c 'touch "$0"; sleep 60' "$SCRATCH/ready"
	until_true test -e "$SCRATCH/ready"
	kill -KILL "$RUNNING"
	ended 137
	run -75 lull check a
	[[ $output == "a: probing for "* ]]
	seconds_between 1 10 <<<"$output"
}

# ------------------------------------------------------------------ input and output

@test "stdin is given to each attempt, 10 MB of any bytes" {
	head -c 10000000 /dev/urandom >"$SCRATCH/in"
	lull run -m a -f b -- sh -c 'cat >"$0.$LULL_MODEL"; test "$LULL_MODEL" = b' "$SCRATCH/copy" <"$SCRATCH/in"
	cmp "$SCRATCH/in" "$SCRATCH/copy.a"
	cmp "$SCRATCH/in" "$SCRATCH/copy.b"
	cat "$SCRATCH/in" | lull run -m a -- cat >"$SCRATCH/out" # through a pipe, and back
	cmp "$SCRATCH/in" "$SCRATCH/out"
	run -0 lull run -m a -f b -- sh -c 'read x; echo "$LULL_MODEL $x"; test "$LULL_MODEL" = b' <<<"line"
	[ "$output" = "b line" ]
}

@test "no stdin, or one that is closed, is an empty one" {
	run -0 lull run -m a -- wc -c </dev/null
	[ "$output" = 0 ]
	run -0 bash -c 'lull run -m a -- wc -c <&-'
	[ "$output" = 0 ]
	run -125 --separate-stderr lull run -m a -- cat <"$SCRATCH"
	[ "$stderr" = "lull: unable to read stdin: Is a directory" ]
}

@test "much output is kept in files without a name, and a place that is missing is told" {
	lull_run -m a -- sh -c 'head -c 9000000 /dev/zero; head -c 9000000 /dev/zero >&2' \
		>"$SCRATCH/out" 2>"$SCRATCH/err"
	[ "$(stat -c %s "$SCRATCH/out" "$SCRATCH/err" | paste -sd-)" = 9000000-9000000 ]
	mkdir "$SCRATCH/tmp"
	TMPDIR=$SCRATCH/tmp lull_run -m a -- head -c 9000000 /dev/zero | cmp - <(head -c 9000000 /dev/zero)
	[ -z "$(ls -A "$SCRATCH/tmp")" ]
	TMPDIR=$SCRATCH/none run -125 --separate-stderr lull_run -m a -- head -c 9000000 /dev/zero
	[ -z "$output" ]
	[ "$stderr" = "lull: unable to keep what the command wrote: No such file or directory" ]
	TMPDIR=$SCRATCH/none run -0 lull_run -m a -- echo few
	[ "$output" = few ]
}

@test "a stdout that cannot be written is an error" {
	for live in "" "--live --cool-on-output overloaded"; do
		run -74 --separate-stderr bash -c "lull run -m a $live -- echo hi </dev/null >/dev/full"
		[ "$stderr" = "lull: unable to write to stdout: No space left on device" ]
	done
}

# ------------------------------------------------------------------ what it says

@test "--explain tells each step, with --json as lines" {
	lull cool -q a 40s
	run -0 --separate-stderr lull_run --explain -m a -f b -f c --cool-on 9 -- \
		sh -c 'test "$LULL_MODEL" = c || { echo "too many" >&2; exit 9; }'
	[ "$(sed -E 's/[0-9]+\.[0-9]+ s/N s/g' <<<"$stderr")" = "lull:   N s  a: skipped: name cooling for N s, manual
lull:   N s  b: command after N s; name cools for N s: exit status 9: too many
lull:   N s  a: skipped: name cooling for N s, manual
lull:   N s  c: answered after N s" ]
	lull clear -q b
	run -9 --separate-stderr lull_run --explain --json -m a -f b --cool-on 9 --budget 5s -- \
		sh -c 'echo "too \"many\"" >&2; exit 9'
	[ "${stderr_lines[0]}" = 'too "many"' ]
	diff <(jq -c 'del(.at_ms, .for_ms, .ready_in_ms)' <<<"${stderr#*$'\n'}") - <<-'EOF'
		{"v":1,"step":"skip","name":"a","pass":0,"shut":"name","state":"cooling","class":"manual","http_status":0,"limit":null}
		{"v":1,"step":"attempt","name":"b","pass":0,"class":"command","cooled":"name","cooled_for_ms":60000,"probe":false,"detail":"exit status 9: too \"many\""}
		{"v":1,"step":"skip","name":"a","pass":0,"shut":"name","state":"cooling","class":"manual","http_status":0,"limit":null}
		{"v":1,"step":"result","result":"failed","exit_code":9,"name":null,"reason":"models ran out: the command succeeded with none"}
	EOF
}

@test "--dry-run prints what would be run, and runs nothing" {
	lull cool -q a 40s
	run -0 lull_run --dry-run -m a -f b -f a -- touch "$SCRATCH/it's {model}"
	[ "$(masked <<<"$output")" = "a: cooling for LEFT s, manual: touch 'SCRATCH/it'\\''s a'
b: ready: touch 'SCRATCH/it'\\''s b'" ]
	[ ! -e "$SCRATCH/it's b" ]
	run -0 lull_run --dry-run --json -m a -f b -- echo {model} ''
	[ "$(jq -c '.names[] | [.name, .state, .cause, .command]' <<<"$output")" = '["a","cooling","manual",["echo","a",""]]
["b","ready",null,["echo","b",""]]' ]
}

@test "without shared memory it works, and says once that nobody else knows" {
	export LULL_DISABLE=1
	run -0 --separate-stderr lull_run -m a -f b -- sh -c 'test "$LULL_MODEL" = b || exit 75; echo {model}'
	[ "$output" = b ]
	[[ $stderr == "lull: "*LULL_DISABLE* ]]
	run -0 --separate-stderr lull_run -m a -- true
	[ -z "$stderr" ]
}

# ------------------------------------------------------------------ limits

@test "no more than the limit run at once, and the others wait for their turn or go on" {
	start -m a --limit a:parallel=1 -- sh -c 'echo >"$1/runs"; sleep 30' sh "$SCRATCH"
	until_true test -e "$SCRATCH/runs"
	run -75 --separate-stderr lull_run -m a --limit a:parallel=1 --budget 400ms -- echo {model}
	[ "$stderr" = "lull: nothing was run: every model is at its limit; a run may end, and make room, at any moment" ]
	run -0 --separate-stderr lull_run -m a -f b --limit a:parallel=1 --explain -- echo {model}
	[ "$output" = b ]
	[[ $stderr == *"a: skipped: name at its limit of 1 requests at once"* ]]
	run -0 --separate-stderr lull_run -m a -f b --limit a:parallel=1 --explain --json -- echo {model}
	[ "$(jq -r 'select(.step == "skip") | "\(.name) \(.shut) \(.state) \(.limit)"' <<<"$stderr")" = "a name limited parallel" ]
	run -0 lull_run -m a --limit a:parallel=2 -- echo {model}
	[ "$output" = a ]
	lull_run -m a --limit a:parallel=1 -- echo {model} >"$SCRATCH/second" 3>&- &
	sleep 0.3
	[ ! -s "$SCRATCH/second" ]
	kill "$RUNNING"
	ended 143
	wait $!
	[ "$(<"$SCRATCH/second")" = a ]
}

@test "no more than the limit run a minute" {
	run -0 lull_run -m a --limit a:rpm=1 -- echo {model}
	run -75 --separate-stderr lull_run -m a --limit a:rpm=1 --budget 10s -- echo {model}
	[ "$(masked <<<"$stderr")" = "lull: nothing was run: every model is at its limit; the soonest is ready in LEFT s" ]
	lull cool -q b 30s
	run -75 --separate-stderr lull_run -m a -f b --limit a:rpm=1 --budget 10s -- echo {model}
	[ "$(masked <<<"$stderr")" = "lull: nothing was run: every model is cooling or at its limit; the soonest is ready in LEFT s" ]
	run -0 lull_run -m c --limit c:rpm=1 --limit c:parallel=2 -- echo {model}
	run -75 --separate-stderr lull_run -m c --limit c:rpm=1 --limit c:parallel=2 --explain -- echo {model}
	[[ $stderr == *"c: skipped: name at its limit of 1 requests a minute, room in "* ]]
}

@test "a limit that is none, of tokens, or of another name, is said" {
	while IFS='|' read -r limit expected; do
		run -64 --separate-stderr lull_run -m a -f b --limit "$limit" -- echo {model}
		[ -z "$output" ]
		[ "${stderr_lines[0]}" = "lull: '$limit' is no limit: $expected" ]
	done <<-'EOF'
		rpm=1|expected NAME:rpm=N,tpm=N,parallel=N
		a:rpm=0|expected rpm=N, a whole number from 1 to 1000000000
		a:parallel=65|expected parallel=N, a whole number from 1 to 64
		a:tpm=1|nobody tells how many tokens a command uses
		c:rpm=1|no model of this command has that name
	EOF
}
