#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lull serve --admin: what it shows, and to whom.

load serve
bats_require_minimum_version 1.5.0

setup() {
	serve_setup
}

teardown() {
	serve_teardown
}

# get PATH [CURL OPTION...]: the status; the body is $SCRATCH/body, the head $SCRATCH/head
get() {
	local path=$1

	shift
	curl -sS --noproxy '*' --max-time 20 -D "$SCRATCH/head" -o "$SCRATCH/body" -w '%{http_code}' "$@" "http://$ADMIN$path"
}

@test "metrics are those of lull metrics" {
	admin --workers 1
	lull hold -q gpt-4o
	lull run -q -m mine -- true </dev/null
	[ "$(get /metrics)" = 200 ]
	diff "$SCRATCH/body" <(lull metrics)
	grep -qi $'^content-type: text/plain; version=0.0.4; charset=utf-8\r$' "$SCRATCH/head"
	# of a table that was made anew as well
	lull reset -q
	lull hold -q other
	[ "$(get /metrics)" = 200 ]
	diff "$SCRATCH/body" <(lull metrics)
	stop
}

@test "the table is the one that is served with" {
	admin --workers 1 --table mine
	lull hold -q --table mine gpt-4o
	[ "$(get /metrics)" = 200 ]
	grep -qxF 'lull_key_state{kind="name",key="gpt-4o",model="gpt-4o",state="held"} 1' "$SCRATCH/body"
	stop
}

@test "health: how many gateways there are, and who died" {
	admin --workers 2
	[ "$(get /health)" = 200 ]
	[ "$(jq -c . "$SCRATCH/body")" = '{"v":1,"ready":true,"workers":2,"workers_ready":2,"deaths":0,"last_death":null,"last_reload_failed":null}' ]
	kill -KILL "$(worker_pids | head -n 1)"
	until_log event=worker_ready 3
	echo broken >"$CONFIG"
	kill -HUP "$SERVE_PID"
	until_log event=reload_failed
	[ "$(get /health)" = 200 ]
	[[ $(jq -r .last_death "$SCRATCH/body") =~ ^worker\ [12]\ \(pid\ [0-9]+\):\ signal\ 9\ \(Killed\)$ ]]
	[[ $(jq -r .last_reload_failed "$SCRATCH/body") == *"broken, expected something whole" ]]
	stop
}

@test "health without a gateway: 503" {
	echo "exit: $SCRATCH/code" >"$CONFIG"
	echo 3 >"$SCRATCH/code"
	serve_begin --workers 1 --admin 127.0.0.1:0
	until_log event=admin
	ADMIN=$(sed -nE 's/.*event=admin address=//p' "$LOG")
	[ "$(get /health)" = 503 ]
	[ "$(jq .ready "$SCRATCH/body")" = false ]
	stop
}

@test "only under names that nobody can make point here" {
	admin --workers 1
	port=${ADMIN##*:}
	for host in 127.0.0.1 127.0.0.1:$port 127.9.9.9 localhost LOCALHOST:9999 '[::1]:1'; do
		[ "$(get /health -H "Host: $host")" = 200 ]
	done
	for host in evil.example evil.example:$port localhost.evil.example 127.0.0.1.evil.example 10.0.0.1 '[::2]' '::1' ''; do
		[ "$(get /metrics -H "Host: $host")" = 403 ]
		[ "$(cat "$SCRATCH/body")" = "not for this Host: expected localhost or a loopback address" ]
	done
	stop
}

@test "events: the gateways with what they say of themselves, and who died" {
	admin --workers 2
	watch_events
	until_event workers '[.workers[] | select(.state == "ready" and .connections == 2)] | length == 2'
	[ "$(event workers '.workers | map(.pid) | sort | join(" ")')" = "$(worker_pids | sort -n | xargs)" ]
	[ "$(event workers '"\(.deaths) \(.last_death) \(.last_death_at)"')" = "0 null null" ]
	victim=$(worker_pids | head -n 1)
	kill -KILL "$victim"
	until_event workers '.deaths == 1 and ([.workers[] | select(.state == "ready")] | length) == 2'
	event workers .last_death | grep -E "^worker [12] \\(pid $victim\\): signal 9 \\(Killed\\)$"
	[ "$(event workers '.workers | map(select(.deaths == 1)) | map(.last_death) | join(" ")')" = "signal 9 (Killed)" ]
	# those that leave are there as well
	stream "$SCRATCH/one"
	kill -HUP "$SERVE_PID"
	until_event workers '[.workers[].state] | sort | join(" ") == "draining ready ready"'
	touch "$SCRATCH/one"
	until_event workers '.workers | length == 2'
	stop
	wait "$EVENTS_PID" || true
}

@test "gateways are asked only while somebody looks" {
	admin --workers 1
	watch_events
	until_event workers '.workers[0].requests == 2'
	kill "$EVENTS_PID"
	wait "$EVENTS_PID" || true
	sleep 2.5
	watch_events
	until_event workers '.workers[0].requests >= 3'
	[ "$(event workers '.workers[0].requests')" -le 4 ]
	[ "$(get /events --head)" = 200 ]
	stop
}

@test "what is not there, methods that are not meant, bodies that are too large" {
	admin --workers 1
	[ "$(get /v1/models)" = 404 ]
	[ "$(get /metrics -X POST)" = 405 ]
	[ "$(get /health --head)" = 200 ]
	[ "$(get '/health?x')" = 200 ]
	head -c 5000 /dev/zero >"$SCRATCH/large"
	[ "$(get /health --data-binary "@$SCRATCH/large")" = 503 ]
	stop
}

@test "only where this host alone can connect, and only if it is asked for" {
	run -64 --separate-stderr lull serve -c "$CONFIG" --listen 127.0.0.1:0 --admin 0.0.0.0:0
	[[ $stderr == "lull: --admin '0.0.0.0:0' is not for this host alone: expected 127.0.0.1:4001, [::1]:4001 or unix:/path"* ]]
	run -64 --separate-stderr lull serve -c "$CONFIG" --listen 127.0.0.1:0 --admin '[::]:0'
	run -64 --separate-stderr lull serve -c "$CONFIG" --listen 127.0.0.1:0 --admin somewhere
	[[ $stderr == "lull: 'somewhere' is no address: "* ]]
	serve --workers 1
	run ! grep -q event=admin "$LOG"
	[ "$(ss -tlnpH | grep -c "pid=$SERVE_PID,")" = 1 ]
	run -69 --separate-stderr lull serve -c "$CONFIG" --listen 127.0.0.1:0 --admin "$ADDRESS"
	[[ $stderr == "lull: unable to listen on $ADDRESS: Address already in use" ]]
	stop
}

@test "a socket file is for its user, whatever the gateways' are, and is removed; IPv6; both" {
	serve --workers 1 --admin "unix:$SCRATCH/admin" --admin '[::1]:0' --listen "unix:$SCRATCH/gateway" --socket-mode 0666
	[ "$(stat -c %a "$SCRATCH/admin")" = 600 ]
	[ "$(curl -sS --unix-socket "$SCRATCH/admin" http://localhost/health | jq .ready)" = true ]
	ADMIN=$(sed -nE 's/.*event=admin address="?(\[::1\]:[0-9]+).*/\1/p' "$LOG")
	[ "$(get /health)" = 200 ]
	# no gateway has them
	[ "$(ls -l "/proc/$(worker_pids)/fd" | grep -c socket:)" = 2 ]
	stop
	[ ! -e "$SCRATCH/admin" ]
}

@test "its address is free for a successor at once, while streams are finished" {
	admin --workers 1
	stream "$SCRATCH/one"
	kill -TERM "$SERVE_PID"
	until_fails get /health
	run ! sh -c "ss -tlnH | grep -q ' $ADMIN '"
	touch "$SCRATCH/one"
	wait "$STREAM_PID"
	ended
}
