#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lull serve: starting, who dies and comes back or does not, draining, systemd's notifications.

load serve
bats_require_minimum_version 1.5.0

setup() {
	serve_setup
}

teardown() {
	serve_teardown
}

@test "starts as many workers as it is told, makes the table, answers, and ends clean" {
	echo 'answer: well' >"$CONFIG"
	serve --workers 3
	[ "$(worker_count)" = 3 ]
	[ "$(ask)" = well ]
	[ -e "$LULL_SHM_DIR/lull1-u$(id -u)" ]
	stop
	[ "$(worker_count)" = 0 ]
	[ "$(grep -c 'event=worker_ended .* cause="exit code 0"' "$LOG")" = 3 ]
	run ! ask
}

@test "without --workers: one a core" {
	serve
	[ "$(worker_count)" = "$(nproc)" ]
	stop
}

@test "workers are told what they need, and nothing of the supervisor's" {
	export NOTIFY_SOCKET=$SCRATCH/nobody
	serve --workers 1 --drain 2s --table other --budget 9s --log logfmt --listen 127.0.0.1:0 --listen '[::1]:0'
	ask /about >"$SCRATCH/about"
	grep -x 'listen_fds=2' "$SCRATCH/about"
	grep -x 'names=listen:listen' "$SCRATCH/about"
	grep -x 'notify=-' "$SCRATCH/about"
	grep -x "file=$CONFIG" "$SCRATCH/about"
	grep -x 'arguments=gateway -c /proc/self/fd/6 --drain 2000ms --table other --budget 9000ms --log logfmt ' "$SCRATCH/about"
	[ -e "$LULL_SHM_DIR/other" ]
	# no descriptor but 0 to 2, the sockets, the control channel, the configuration and the board
	pid=$(sed -n 's/^pid=//p' "$SCRATCH/about")
	[ "$(ls "/proc/$pid/fd" | sort -n | tr '\n' ' ')" = "0 1 2 3 4 5 6 7 " ]
	[ "$(readlink "/proc/$pid/fd/0")" = /dev/null ]
	# Ctrl-C is the supervisor's
	[ "$(ps -o pgid= -p "$pid" | tr -d ' ')" = "$pid" ]
	stop
}

@test "the table is the one that the configuration names" {
	echo 'table: mine' >"$CONFIG"
	serve --workers 1
	[ -e "$LULL_SHM_DIR/mine" ]
	stop
}

@test "a table that cannot be had stops nobody" {
	rm -r "$LULL_SHM_DIR"
	serve --workers 1
	until_log 'level=warning event=table_not_shared '
	[ "$(ask)" = hello ]
	stop
}

@test "a worker that is killed is replaced at once, and the others' streams go on" {
	serve --workers 2
	stream "$SCRATCH/one"
	# the one of the stream is not the one that is killed
	for pid in $(worker_pids); do
		[ "$(ls -l "/proc/$pid/fd" | grep -c socket:)" = 2 ] && victim=$pid
	done
	began=$(date +%s%3N)
	kill -KILL "$victim"
	until_log 'event=worker_ready' 3
	echo "$(($(date +%s%3N) - began)) ms until there was another"
	[ "$(logged_pid 'event=worker_died')" = "$victim" ]
	grep -E 'level=warning event=worker_died worker=[12] pid=[0-9]+ cause="signal 9 \(Killed\)" state=ready' "$LOG"
	grep -E 'event=worker_restarts worker=[12] after_ms=0$' "$LOG"
	[ "$(worker_count)" = 2 ]
	touch "$SCRATCH/one"
	wait "$STREAM_PID"
	[ "$(cat "$SCRATCH/one.body")" = $'begin\nend' ]
	stop
}

@test "who dies again and again is restarted ever more slowly" {
	echo "exit: $SCRATCH/code" >"$CONFIG"
	echo 3 >"$SCRATCH/code"
	serve_begin --workers 1
	until_log 'event=worker_died' 4
	[ "$(grep -oE 'after_ms=[0-9]+' "$LOG" | head -n 4 | tr '\n' ' ')" = "after_ms=0 after_ms=100 after_ms=200 after_ms=400 " ]
	grep -E 'event=worker_died worker=1 pid=[0-9]+ cause="exit code 3" state=starting' "$LOG"
	run ! grep -q event=ready "$LOG"
	rm "$SCRATCH/code"
	until_log 'event=ready workers=1'
	stop
}

@test "a signal at the start is a cause as well" {
	echo "exit: $SCRATCH/code" >"$CONFIG"
	echo 24s >"$SCRATCH/code"
	serve_begin --workers 1
	until_log 'event=worker_died .* cause="signal 24 \(CPU time limit exceeded\)"'
	stop
}

@test "while its program is being replaced, it is tried again" {
	serve --workers 1
	mv "$SCRATCH/bin/lull-worker" "$SCRATCH/bin/lull-worker.new"
	kill -KILL "$(worker_pids)"
	until_log 'event=worker_died .* cause="exit code 127" state=starting'
	grep "^lull: unable to start $SCRATCH/bin/lull-worker: No such file or directory$" "$LOG"
	mv "$SCRATCH/bin/lull-worker.new" "$SCRATCH/bin/lull-worker"
	until_log event=worker_ready 2
	[ "$(ask)" = hello ]
	stop
}

@test "exit codes 64 and 78 are taken at their word" {
	for code in 64 78; do
		: >"$LOG"
		echo "exit: $SCRATCH/code" >"$CONFIG"
		echo "$code" >"$SCRATCH/code"
		serve_begin --workers 2
		ended || ended_with=$?
		[ "$ended_with" = "$code" ]
		[ "$(grep -cE "level=error event=worker_refused worker=[12] pid=[0-9]+ cause=\"exit code $code\"" "$LOG")" = 2 ]
		grep 'level=error event=no_worker_left' "$LOG"
		run ! grep -q event=worker_restarts "$LOG"
	done
}

@test "one that refuses is not restarted, and the others serve" {
	echo "exit: $SCRATCH/code" >"$CONFIG"
	serve --workers 2
	echo 78 >"$SCRATCH/code"
	kill -KILL "$(worker_pids | head -n 1)"
	until_log event=worker_refused
	rm "$SCRATCH/code"
	[ "$(ask)" = hello ]
	[ "$(worker_count)" = 1 ]
	run ! grep -q event=no_worker_left "$LOG"
	# and all are there again with the next reload
	kill -HUP "$SERVE_PID"
	until_log event=reloaded
	until_log event=worker_ended
	[ "$(worker_count)" = 2 ]
	stop
}

@test "SIGTERM: no new connections, streams are finished, the socket is free" {
	serve --workers 2
	stream "$SCRATCH/one"
	kill -TERM "$SERVE_PID"
	until_fails ask
	[ "$(cat "$SCRATCH/one.body")" = begin ]
	lull serve -c "$CONFIG" --listen "$ADDRESS" --workers 1 2>"$SCRATCH/second" 3>&- &
	second=$!
	until_fails test ! -s "$SCRATCH/second"
	touch "$SCRATCH/one"
	wait "$STREAM_PID"
	[ "$(cat "$SCRATCH/one.body")" = $'begin\nend' ]
	ended
	until_fails sh -c "! grep -q event=ready '$SCRATCH/second'"
	[ "$(ask)" = hello ]
	kill -TERM "$second"
	wait "$second"
}

@test "what is not finished by the deadline is killed" {
	echo stubborn >"$CONFIG"
	serve --workers 1 --drain 100ms
	stop
	grep -E 'level=warning event=worker_out_of_time worker=1 pid=[0-9]+ state=draining' "$LOG"
	grep -E 'level=warning event=worker_ended worker=1 pid=[0-9]+ cause="signal 9 \(Killed\)"' "$LOG"
}

@test "SIGINT drains as well, and a second signal ends all at once" {
	serve --workers 2 --drain 10m
	stream "$SCRATCH/one"
	kill -INT "$SERVE_PID"
	until_log 'event=draining signal=SIGINT'
	kill -0 "$SERVE_PID"
	kill -INT "$SERVE_PID"
	ended
	grep 'event=ending_at_once signal=SIGINT' "$LOG"
	[ "$(worker_count)" = 0 ]
	wait "$STREAM_PID" || true
	[ "$(cat "$SCRATCH/one.body")" = begin ]
}

@test "the supervisor is killed: streams are finished, then the workers go; the table stays" {
	serve --workers 2
	stream "$SCRATCH/one"
	lull hold -q gpt-4o
	kill -KILL "$SERVE_PID"
	wait "$SERVE_PID" || true
	SERVE_PID=
	until_fails ask
	# a successor has the address, while the stream goes on
	first=$ADDRESS
	: >"$LOG"
	serve --listen "$first" --workers 1
	[ "$(ask)" = hello ]
	touch "$SCRATCH/one"
	wait "$STREAM_PID"
	[ "$(cat "$SCRATCH/one.body")" = $'begin\nend' ]
	until_workers 1
	run -75 lull check -q gpt-4o
	stop
}

@test "systemd hears when it is ready, what it does, and that it lives" {
	[ -n "$(command -v socat)" ] || skip "no socat"
	export NOTIFY_SOCKET=$SCRATCH/notify
	socat -u "UNIX-RECV:$NOTIFY_SOCKET" "OPEN:$SCRATCH/heard,creat,append" 3>&- &
	listener=$!
	until_fails test ! -S "$NOTIFY_SOCKET"
	export WATCHDOG_USEC=200000
	serve --workers 2
	until_heard() {
		until_fails sh -c "! grep -qE '$1' '$SCRATCH/heard'"
	}
	until_heard '^STATUS=2 of 2 workers ready$|^STATUS=2 of 2 workers ready[A-Z]'
	until_heard 'READY=1$'
	until_heard 'WATCHDOG=1'
	kill -KILL "$(worker_pids | head -n 1)"
	until_heard 'STATUS=2 of 2 workers ready; 1 died, last worker [12] \(pid [0-9]+\): signal 9 \(Killed\)'
	kill -HUP "$SERVE_PID"
	until_heard 'RELOADING=1$'
	until_heard '^MONOTONIC_USEC=[0-9]+$'
	until_log event=reloaded
	[ "$(grep -c 'READY=1$' "$SCRATCH/heard")" = 2 ]
	stop
	until_heard 'STOPPING=1$'
	kill "$listener"
}

@test "--log json: every line is an object" {
	echo 'broken' >"$CONFIG"
	run -78 lull serve -c "$CONFIG" --log json --listen 127.0.0.1:0 --workers 1
	[ "$(jq -r .event <<<"$output" | tr '\n' ' ')" = "listening configuration configuration_unusable " ]
	[ "$(jq -r 'select(.event == "configuration") | .text' <<<"$output")" = "/memfd:$CONFIG (deleted):1: broken, expected something whole" ]
}

@test "-q leaves errors, -v names the table" {
	echo "exit: $SCRATCH/code" >"$CONFIG"
	serve_begin -v --workers 1
	until_log "event=table path=$LULL_SHM_DIR/lull1-u$(id -u)$"
	until_log event=ready
	stop
	: >"$LOG"
	echo 78 >"$SCRATCH/code"
	serve_begin -q --workers 1
	ended || [ $? = 78 ]
	[ "$(grep -c level= "$LOG")" = 2 ]
	[ "$(grep -c level=error "$LOG")" = 2 ]
}

@test "the first configuration has to be good" {
	echo broken >"$CONFIG"
	run -78 lull serve -c "$CONFIG" --listen 127.0.0.1:0
	[[ $output == *'level=error event=configuration_unusable cause='* ]]
	[ "$(worker_count)" = 0 ]
	run -78 lull serve -c "$SCRATCH/none.yaml" --listen 127.0.0.1:0
	[[ $output == *"cause=\"$SCRATCH/none.yaml: cannot be read: No such file or directory\""* ]]
	run -78 lull serve -c "$SCRATCH" --listen 127.0.0.1:0
	[[ $output == *"cannot be read: no regular file"* ]]
}

@test "what cannot be is said before anything is started" {
	while IFS='|' read -r line expected; do
		# shellcheck disable=SC2086
		run -64 --separate-stderr lull serve $line
		[ -z "$output" ]
		[ "$stderr" = "lull: $expected"$'\n'"lull: try 'lull serve --help'" ]
	done <<-'EOF'
		--workers 0|'0' is no N: expected a number from 1 to 256
		--drain 0|'0' is no TIME: expected 1ms to 24h, such as 100ms, 45s, 10m or 1h
		--socket-mode 0999|'0999' is no mode: expected octal digits such as 0600 or 0660
		--log xml|'xml' is no form of log: expected logfmt, json or none
		--listen localhost|'localhost' is no address: expected 127.0.0.1:4000, [::1]:4000 or unix:/path of at most 107 bytes
		--listen 127.0.0.1:65536|'127.0.0.1:65536' is no address: expected 127.0.0.1:4000, [::1]:4000 or unix:/path of at most 107 bytes
		--listen ::1:4000|'::1:4000' is no address: expected 127.0.0.1:4000, [::1]:4000 or unix:/path of at most 107 bytes
		--listen unix:here|'unix:here' is no address: expected 127.0.0.1:4000, [::1]:4000 or unix:/path of at most 107 bytes
		4000|'4000' is one argument too many for 'lull serve'
	EOF
}

@test "lull serve is lulld, and the same process" {
	mkdir "$SCRATCH/other"
	cp "$LULL_BIN_DIR/lull" "$SCRATCH/other/"
	run -127 --separate-stderr "$SCRATCH/other/lull" serve
	[ "$stderr" = "lull: 'lull serve' is done by lulld, which was not found in $SCRATCH/other/ or its ../libexec/lull/" ]
	cp "$LULL_BIN_DIR/lulld" "$SCRATCH/other/"
	run -127 --separate-stderr "$SCRATCH/other/lull" serve
	[ "$stderr" = "lull: 'lull serve' is done by lull-worker, which was not found in $SCRATCH/other/ or its ../libexec/lull/" ]
	serve --workers 1
	[ "$(readlink "/proc/$SERVE_PID/exe")" = "$SCRATCH/bin/lulld" ]
	stop
	[ "$(lulld --help)" = "$(lull serve --help)" ]
}

@test "no curl, no libevent but its core" {
	run -0 ldd "$LULL_BIN_DIR/lulld"
	[[ $output != *curl* && $output != *libevent-* && $output != *json* && $output != *yaml* ]]
}
