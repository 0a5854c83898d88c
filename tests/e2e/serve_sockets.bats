#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lull serve: the sockets that it opens, and those that systemd has opened.

load serve
bats_require_minimum_version 1.5.0

setup() {
	serve_setup
}

teardown() {
	serve_teardown
}

ask_unix() {
	curl -sS --max-time 10 --unix-socket "$1" http://lull/
}

@test "several addresses, IPv6 among them" {
	serve --workers 1 --listen 127.0.0.1:0 --listen '[::1]:0' --listen "unix:$SCRATCH/socket"
	mapfile -t addresses < <(sed -n 's/.*event=listening address=//p' "$LOG")
	[ "${#addresses[@]}" = 3 ]
	[[ ${addresses[0]} =~ ^127\.0\.0\.1:[1-9][0-9]*$ ]]
	[[ ${addresses[1]} =~ ^\[::1\]:[1-9][0-9]*$ ]]
	[ "${addresses[2]}" = "unix:$SCRATCH/socket" ]
	[ "$(mock_ask "http://${addresses[0]}/")" = hello ]
	[ "$(mock_ask "http://${addresses[1]}/")" = hello ]
	[ "$(ask_unix "$SCRATCH/socket")" = hello ]
	stop
}

@test "a socket file has its mode from the first moment, and goes when lulld does" {
	serve --workers 1 --listen "unix:$SCRATCH/socket"
	[ "$(stat -c %a "$SCRATCH/socket")" = 600 ]
	stop
	[ ! -e "$SCRATCH/socket" ]
	: >"$LOG"
	serve --workers 1 --listen "unix:$SCRATCH/socket" --socket-mode 0666
	[ "$(stat -c %a "$SCRATCH/socket")" = 666 ]
	stop
}

@test "a socket file that nobody listens to is replaced, and nothing else is" {
	serve --workers 1 --listen "unix:$SCRATCH/socket"
	kill -KILL "$SERVE_PID"
	wait "$SERVE_PID" || true
	[ -S "$SCRATCH/socket" ]
	: >"$LOG"
	serve --workers 1 --listen "unix:$SCRATCH/socket"
	[ "$(ask_unix "$SCRATCH/socket")" = hello ]
	# one that is in use
	run -69 lull serve -c "$CONFIG" --listen "unix:$SCRATCH/socket"
	[[ $output == "lull: unable to listen on unix:$SCRATCH/socket: Address already in use"* ]]
	[ "$(ask_unix "$SCRATCH/socket")" = hello ]
	stop
	# a file of somebody's
	echo precious >"$SCRATCH/socket"
	run -69 lull serve -c "$CONFIG" --listen "unix:$SCRATCH/socket"
	[ "$(cat "$SCRATCH/socket")" = precious ]
}

@test "the socket file of a successor stays" {
	serve --workers 1 --listen "unix:$SCRATCH/socket"
	rm "$SCRATCH/socket"
	first=$SERVE_PID
	: >"$LOG"
	serve --workers 1 --listen "unix:$SCRATCH/socket"
	kill -TERM "$first"
	wait "$first"
	[ "$(ask_unix "$SCRATCH/socket")" = hello ]
	stop
}

@test "an address that is taken is an error" {
	serve --workers 1
	run -69 lull serve -c "$CONFIG" --listen "$ADDRESS"
	[ "$output" = "lull: unable to listen on $ADDRESS: Address already in use" ]
	stop
}

@test "socket activation: the sockets of systemd, under their names" {
	[ -n "$(command -v systemd-socket-activate)" ] || skip "no systemd-socket-activate"
	systemd-socket-activate -l "$SCRATCH/socket" --fdname=http --setenv=LULL_SHM_DIR="$LULL_SHM_DIR" \
		"$SCRATCH/bin/lull" serve -c "$CONFIG" --workers 2 2>>"$LOG" 3>&- &
	SERVE_PID=$!
	until_fails test ! -S "$SCRATCH/socket"
	[ "$(ask_unix "$SCRATCH/socket")" = hello ] # the first connection starts it
	until_log event=ready
	grep "event=listening address=unix:$SCRATCH/socket" "$LOG"
	[ "$(grep -c event=listening "$LOG")" = 1 ]
	curl -sS --max-time 10 --unix-socket "$SCRATCH/socket" http://lull/about >"$SCRATCH/about"
	grep -x 'names=http' "$SCRATCH/about"
	grep -x 'listen_fds=1' "$SCRATCH/about"
	stop
	[ -S "$SCRATCH/socket" ] # it is systemd's
}

@test "what systemd hands over has to be listening sockets, and meant for this process" {
	run -64 sh -c "LISTEN_FDS=1 LISTEN_PID=\$\$ exec lull serve -c '$CONFIG' 3</dev/null"
	[[ $output == "lull: descriptor 3 of \$LISTEN_FDS is no listening stream socket: expected ListenStream= and Accept=no"* ]]
	LISTEN_FDS=1 LISTEN_PID=1 serve --workers 1 # somebody else's
	[ "$(ask)" = hello ]
	ask /about | grep -x listen_fds=1
	stop
}
