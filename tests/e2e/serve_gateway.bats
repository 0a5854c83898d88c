#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lull serve with lull-worker's own gateways: what only both together can show.

load serve
bats_require_minimum_version 1.5.0

setup() {
	serve_setup
	"$LULL_BIN_DIR/lull-worker" gateway --help >/dev/null 2>&1 || skip "lull-worker has no gateway"
	cp "$LULL_BIN_DIR/lull-worker" "$SCRATCH/bin/lull-worker"
	mock_start
	cat >"$CONFIG" <<-EOF
		model_list:
		  - model_name: chat
		    litellm_params: {model: openai/gpt-4o, api_key: sk-serve-secret, api_base: $MOCK_URL/v1}
	EOF
	chmod 600 "$CONFIG"
}

teardown() {
	serve_teardown
	mock_stop
}

# chat [MEMBER...]: the HTTP status; the body stands in $SCRATCH/answer
chat() {
	curl -sS --noproxy '*' --max-time 30 -o "$SCRATCH/answer" -w '%{http_code}\n' \
		"http://$ADDRESS/v1/chat/completions" -H 'content-type: application/json' \
		-d '{"model": "chat", "messages": [{"role": "user", "content": "tell me the word"}]'"${1:+, $1}"'}'
}

# One after the other until the file is there, counted by status.
chat_until() {
	while [[ ! -e $1 ]]; do
		chat || echo failed
	done | sort | uniq -c | sed -E 's/^ +//'
}

@test "a request is answered, and no key or prompt is in log or command line" {
	serve --workers 2 --log json
	[ "$(chat)" = 200 ]
	grep -q 'Answer from gpt-4o' "$SCRATCH/answer"
	for pid in "$SERVE_PID" $(worker_pids); do
		run ! grep -qa sk-serve-secret "/proc/$pid/cmdline"
		run ! grep -qa sk-serve-secret "/proc/$pid/environ"
	done
	stop
	run ! grep -E 'sk-serve-secret|tell me the word' "$LOG"
	run ! grep -ra sk-serve-secret "$LULL_SHM_DIR"
}

@test "what is wrong with a configuration is said once, not by each gateway" {
	chmod 644 "$CONFIG"
	serve --workers 2
	[ "$(grep -c 'others may read' "$LOG")" = 1 ]
	stop
}

@test "no request fails while it is reloaded" {
	serve --workers 2 --log none
	chat_until "$SCRATCH/done" >"$SCRATCH/counts" 3>&- &
	asking=$!
	for i in 1 2 3 4 5; do
		kill -HUP "$SERVE_PID"
		until_log event=reloaded "$i"
	done
	touch "$SCRATCH/done"
	wait "$asking"
	[[ $(cat "$SCRATCH/counts") =~ ^[0-9]+\ 200$ ]]
	stop
}

@test "a key that is changed in the file is used after a reload, and a broken file is not" {
	serve --workers 1
	[ "$(chat)" = 200 ]
	sed -i 's/sk-serve-secret/sk-serve-other/' "$CONFIG"
	kill -HUP "$SERVE_PID"
	until_log event=reloaded
	until_log event=worker_ended
	[ "$(chat)" = 200 ]
	mock_requests '.[].headers.authorization' >"$SCRATCH/keys" || true
	echo '[' >>"$CONFIG"
	kill -HUP "$SERVE_PID"
	until_log event=reload_failed
	kill -KILL "$(worker_pids)"
	until_log event=worker_ready 3
	[ "$(chat)" = 200 ]
	stop
}

@test "elsewhere than on loopback it wants keys, and says so" {
	serve_begin --workers 2 --listen 0.0.0.0:0
	ended || [ $? = 78 ]
	grep -q 'event=worker_refused .*exit code 78' "$LOG"
	grep -q 'expected keys' "$LOG"
}

@test "the supervisor is killed: gateways go, cooldowns stay" {
	serve --workers 2
	[ "$(chat)" = 200 ]
	lull cool -q chat 10m
	kill -KILL "$SERVE_PID"
	wait "$SERVE_PID" || true
	SERVE_PID=
	until_workers 0
	first=$ADDRESS
	: >"$LOG"
	serve --listen "$first" --workers 1
	[ "$(chat '"disable_fallbacks": true')" = 429 ]
	stop
}

@test "a table that is deleted under them, or replaced by somebody else's file, is said once" {
	serve --workers 2 --log json
	[ "$(chat)" = 200 ]
	rm "$LULL_SHM_DIR"/lull1-u*
	for i in 1 2 3 4 5 6; do
		[ "$(chat)" = 200 ]
	done
	[ "$(grep -c 'was deleted while in use; an empty table has been made' "$LOG")" = 1 ]
	jq -se 'map(select(.text) | .level, .event) == ["warning", "message"]' "$LOG" # in the form of the others
	lull status --json | jq -e '.keys | length > 0'
	rm "$LULL_SHM_DIR"/lull1-u*
	mkdir "$LULL_SHM_DIR/lull1-u$(id -u)"
	for i in 1 2 3 4 5 6; do
		[ "$(chat)" = 200 ]
	done
	[ "$(grep -c 'cooldowns are not shared with other processes' "$LOG")" = 1 ]
	stop
}

@test "what gateways say of themselves is there for who looks" {
	admin --workers 2 --log none
	watch_events
	for i in 1 2 3; do
		[ "$(chat)" = 200 ]
	done
	[ "$(chat '"model": "none"')" != 200 ]
	until_event workers '[.workers[].answered] | add == 3'
	[ "$(event workers '[.workers[].requests] | add')" = 4 ]
	[ "$(event workers '[.workers[].memory_bytes] | min >= 0')" = true ]
	stop
}
