#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lull serve: another configuration, all or nothing, and no request that fails for it.

load serve
bats_require_minimum_version 1.5.0

setup() {
	serve_setup
}

teardown() {
	serve_teardown
}

lull-worker-of-the-build() {
	"$LULL_BIN_DIR/lull-worker" config check "$1" 2>&1 || [ $? = 78 ]
}

# Asks one after the other until `file` is there; prints what came, counted.
ask_until() {
	while [[ ! -e $1 ]]; do
		ask || echo failed
	done | sort | uniq -c | sed -E 's/^ +//'
}

@test "a good one: the new workers come first, the old ones finish their streams" {
	echo 'answer: old' >"$CONFIG"
	serve --workers 2
	stream "$SCRATCH/one"
	old=$(worker_pids)
	echo 'answer: new' >"$CONFIG"
	kill -HUP "$SERVE_PID"
	until_log 'event=reloaded workers=2'
	until_answer new
	[ "$(cat "$SCRATCH/one.body")" = begin ]
	# the new ones were there before the old ones were told
	[ "$(grep -nE 'event=worker_ready' "$LOG" | tail -n 1 | cut -d: -f1)" -lt "$(grep -nE 'event=(reloaded|worker_ended)' "$LOG" | head -n 1 | cut -d: -f1)" ]
	touch "$SCRATCH/one"
	wait "$STREAM_PID"
	[ "$(cat "$SCRATCH/one.body")" = $'begin\nend' ]
	until_log event=worker_ended 2
	[ "$(worker_count)" = 2 ]
	for pid in $old; do
		[ ! -e "/proc/$pid" ]
	done
	stop
}

@test "one with errors changes nothing, now or when a worker dies" {
	echo 'answer: old' >"$CONFIG"
	serve --workers 2
	before=$(worker_pids)
	echo broken >"$CONFIG"
	kill -HUP "$SERVE_PID"
	until_log 'level=error event=reload_failed cause="[^"]*:1: broken, expected something whole" serving="the configuration of before"'
	[ "$(worker_pids)" = "$before" ]
	kill -KILL "$(head -n 1 <<<"$before")"
	until_log event=worker_ready 3
	for _ in 1 2 3 4 5 6 7 8; do
		[ "$(ask)" = old ]
	done
	# the file is gone altogether
	rm "$CONFIG"
	kill -HUP "$SERVE_PID"
	until_log "event=reload_failed cause=\"$CONFIG: cannot be read: No such file or directory\""
	kill -KILL "$(worker_pids | head -n 1)"
	until_log event=worker_ready 4
	[ "$(ask)" = old ]
	echo 'answer: new' >"$CONFIG"
	kill -HUP "$SERVE_PID"
	until_log event=reloaded
	until_log event=worker_ended 2
	[ "$(ask)" = new ]
	stop
}

@test "an edit that nobody asked to take over is not taken over" {
	echo 'answer: old' >"$CONFIG"
	serve --workers 1
	echo 'answer: new' >"$CONFIG"
	kill -KILL "$(worker_pids)"
	until_log event=worker_ready 2
	[ "$(ask)" = old ]
	stop
}

@test "one with which the new workers do not come up is taken back" {
	echo 'answer: old' >"$CONFIG"
	serve --workers 2
	before=$(worker_pids)
	for code in 78 3 9s; do
		: >"$LOG"
		echo "$code" >"$SCRATCH/code"
		printf '%s\n' 'answer: new' "exit: $SCRATCH/code" >"$CONFIG"
		kill -HUP "$SERVE_PID"
		until_log 'level=error event=reload_failed cause="worker [12] \(pid [0-9]+\): (exit code|signal)'
		until_workers 2
		[ "$(worker_pids)" = "$before" ]
		[ "$(ask)" = old ]
	done
	stop
}

@test "no request fails while it is reloaded again and again" {
	serve --workers 2
	ask_until "$SCRATCH/done" >"$SCRATCH/counts" 3>&- &
	asking=$!
	for i in 1 2 3 4 5; do
		echo "answer: $i" >"$CONFIG"
		kill -HUP "$SERVE_PID"
		until_log event=reloaded "$i"
	done
	touch "$SCRATCH/done"
	wait "$asking"
	cat "$SCRATCH/counts"
	run ! grep failed "$SCRATCH/counts"
	until_log event=worker_ended 10
	[ "$(ask)" = 5 ]
	stop
}

@test "what comes while one is under way is not forgotten" {
	serve --workers 1
	echo 'answer: 1' >"$CONFIG"
	kill -HUP "$SERVE_PID"
	until_log event=reloading
	echo 'answer: 2' >"$CONFIG"
	kill -HUP "$SERVE_PID" "$SERVE_PID"
	until_log event=reloaded
	until_answer 2
	stop
}

@test "ending while one is under way ends all" {
	serve --workers 2
	echo deaf >"$CONFIG"
	kill -HUP "$SERVE_PID"
	until_log event=reloading
	until_workers 4
	run ! grep -q event=reloaded "$LOG"
	[ "$(ask)" = hello ]
	stop
	[ "$(worker_count)" = 0 ]
}

@test "the copy is no file, cannot be changed, and nobody else may read it" {
	echo 'answer: secret' >"$CONFIG"
	chmod 644 "$CONFIG"
	serve --workers 1
	pid=$(worker_pids)
	[ "$(readlink "/proc/$pid/fd/5")" = "/memfd:$CONFIG (deleted)" ]
	[ "$(stat -L -c %a "/proc/$pid/fd/5")" = 400 ]
	run ! sh -c "echo more >>/proc/$pid/fd/5"
	run ! sh -c ": >/proc/$pid/fd/5"
	stop
}

@test "lull-worker reads a copy under the name of its file, by its ending" {
	for ending in yaml json; do
		echo '[' >"$SCRATCH/broken.$ending"
		direct=$(lull-worker-of-the-build "$SCRATCH/broken.$ending")
		run -78 "$LULL_BIN_DIR/lull" serve -c "$SCRATCH/broken.$ending" --listen 127.0.0.1:0 --log json
		[ "$(jq -r 'select(.event == "configuration") | .text' <<<"$output")" = "$direct" ]
		[[ $direct == "$SCRATCH/broken.$ending:"* ]]
	done
}

@test "of a file that is too large as much is copied as shows that it is" {
	yes '# nothing' | head -c 3000000 >"$SCRATCH/large.yaml"
	run -78 "$LULL_BIN_DIR/lull" serve -c "$SCRATCH/large.yaml" --listen 127.0.0.1:0
	[[ $output == *"cause=\"$SCRATCH/large.yaml: over 1048576 bytes"* ]]
	mkfifo "$SCRATCH/fifo.yaml"
	run -78 lull serve -c "$SCRATCH/fifo.yaml" --listen 127.0.0.1:0
	[[ $output == *"$SCRATCH/fifo.yaml: cannot be read: no regular file"* ]]
}
