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

# without what differs from moment to moment
steady() {
	jq -S 'del(.keys[] | .seconds_left, .reported_at, .rpm_room_in)'
}

@test "status and events are those of lull status --json and lull watch --json" {
	lull init -q
	plant "m@https://a.example/v1#1" 1 https://a.example:443 rate_limited 429 60000
	plant "<script>@https://b.example/v1#2" 2 https://b.example:443 answered 200 -1
	lull run -q -m mine --limit mine:rpm=6 -- true </dev/null
	admin --workers 1
	watch_events
	lull watch --json >"$SCRATCH/watched" 3>&- &
	watching=$!
	until_event event '.key == "route:m@https://a.example/v1#1"'
	until_fails sh -c "! grep -q '^State:.S' /proc/$watching/status || ! grep -q lull1-u /proc/$watching/maps"
	lull hold -q other
	until_event status 'any(.keys[]; .key == "name:other")'
	diff <(event status | steady) <(lull status --json | steady)
	[ "$(event status '.keys | length')" -ge 7 ]
	until_event event '.key == "name:other"'
	until_fails test ! -s "$SCRATCH/watched"
	diff <(event event 'del(.at)') <(jq 'del(.at)' "$SCRATCH/watched")
	kill "$watching"
	# a cooldown is there before the second is over, though nothing else has happened
	[ "$(grep -c '^event: hello' "$SCRATCH/events")" = 1 ]
	lull reset -q
	lull hold -q new
	until_event news '.type == "replaced"'
	until_event status '.keys | map(.key) == ["name:new"]'
	stop
}

@test "a reload with another table shows that one" {
	lull init -q
	lull hold -q one
	admin --workers 1
	watch_events
	until_event status '.keys | map(.key) == ["name:one"]'
	lull hold -q --table second two
	echo "table: second" >"$CONFIG"
	kill -HUP "$SERVE_PID"
	until_event status '.keys | map(.key) == ["name:two"]'
	until_event event '.key == "name:two"'
	[ "$(grep -c '^event: hello' "$SCRATCH/events")" = 2 ]
	[ "$(get /metrics)" = 200 ]
	diff "$SCRATCH/body" <(lull metrics --table second)
	stop
}

# change TARGET KEY [CURL OPTION...]: as the page does it
change() {
	local target=$1 key=$2

	shift 2
	get "$target" --data-raw "$key" -H 'Content-Type: text/plain' -H "X-Lull-Token: $TOKEN" -H "Origin: http://$ADMIN" "$@"
}

@test "hold, cool and clear" {
	plant "m@https://a.example/v1#1" 1 https://a.example:443 auth 401 -1
	admin --workers 1
	watch_events
	until_event hello '.token | length == 32'
	TOKEN=$(event hello .token)
	[ "$(change /hold gpt-4o)" = 200 ]
	[ "$(cat "$SCRATCH/body")" = "name:gpt-4o: held until cleared" ]
	run -75 lull check -q gpt-4o
	[ "$(change '/cool?for=10m' gpt-4o)" = 409 ]
	[ "$(cat "$SCRATCH/body")" = "name:gpt-4o is held until cleared; clear ends the hold" ]
	[ "$(change /clear name:gpt-4o)" = 200 ]
	[ "$(cat "$SCRATCH/body")" = "name:gpt-4o: ready" ]
	lull check -q gpt-4o
	[ "$(change '/cool?for=10m' name:gpt-4o)" = 200 ]
	[ "$(lull status --json gpt-4o | jq '.keys[0].seconds_left | . > 590 and . <= 600')" = true ]
	# with what keeps a route shut, and by the name of its model
	run -75 lull check -q m
	[ "$(change /clear "route:m@https://a.example/v1#1")" = 200 ]
	lull check -q m
	plant "m@https://a.example/v1#1" 1 https://a.example:443 auth 401 -1
	run -75 lull check -q m
	[ "$(change /clear m)" = 200 ]
	lull check -q m
	grep -E 'event=changed by=/hold state="name:gpt-4o: held until cleared"' "$LOG"
	run ! grep -q "$TOKEN" "$LOG"
	stop
}

@test "changes that make no sense" {
	admin --workers 1
	watch_events
	until_event hello '.token | length == 32'
	TOKEN=$(event hello .token)
	for target in /cool '/cool?for=' '/cool?for=0' '/cool?for=soon' '/cool?for=24h' '/cool?for=10m&x'; do
		[ "$(change "$target" gpt-4o)" = 400 ]
	done
	[ "$(change /hold '')" = 400 ]
	[ "$(change /hold $'a\nb')" = 400 ]
	printf 'a\0b' >"$SCRATCH/nul"
	[ "$(change /hold x --data-binary "@$SCRATCH/nul")" = 400 ]
	[ "$(change /hold "$(head -c 2000 /dev/zero | tr '\0' a)")" = 400 ]
	[ "$(get /hold)" = 405 ]
	[ "$(lull status --json | jq '.keys | length')" = 0 ]
	chmod 000 "$LULL_SHM_DIR"/lull1-u* && rm -r "$LULL_SHM_DIR"
	[ "$(change /hold gpt-4o)" = 503 ]
	[[ $(cat "$SCRATCH/body") == "nothing was changed: "* ]]
	stop
}

@test "no other page can change anything" {
	admin --workers 1
	watch_events
	until_event hello '.token | length == 32'
	TOKEN=$(event hello .token)
	while IFS= read -r line; do
		eval "set -- $line"
		[ "$(get /hold --data-raw gpt-4o "$@")" = 403 ]
	done <<-'EOF'
		-H "Origin: http://$ADMIN"
		-H "X-Lull-Token: $TOKEN"
		-H "Origin: http://$ADMIN" -H "X-Lull-Token: ${TOKEN%?}"
		-H "Origin: http://$ADMIN" -H "X-Lull-Token: ${TOKEN}0"
		-H "Origin: http://$ADMIN" -H "X-Lull-Token: 00000000000000000000000000000000"
		-H "Origin: http://$ADMIN" -H "X-Lull-Token;"
		-H "Origin: http://evil.example" -H "X-Lull-Token: $TOKEN"
		-H "Origin: https://$ADMIN" -H "X-Lull-Token: $TOKEN"
		-H "Origin: null" -H "X-Lull-Token: $TOKEN"
		-H "Origin: http://127.0.0.1" -H "X-Lull-Token: $TOKEN"
		-H "Origin: http://localhost:${ADMIN##*:}" -H "X-Lull-Token: $TOKEN"
		-H "Origin: http://evil.example" -H "Host: evil.example" -H "X-Lull-Token: $TOKEN"
	EOF
	[ "$(lull status --json | jq '.keys | length')" = 0 ]
	# nor read the token
	[ "$(get /events -H 'Origin: http://evil.example' -H 'Host: evil.example')" = 403 ]
	curl -sS -N --max-time 1 -D "$SCRATCH/head" -o "$SCRATCH/body" "http://$ADMIN/events" || [ $? = 28 ]
	grep -qi '^cross-origin-resource-policy: same-origin' "$SCRATCH/head"
	grep -qi '^x-content-type-options: nosniff' "$SCRATCH/head"
	run ! grep -qi access-control "$SCRATCH/head"
	[ "$(get / -H 'Origin: http://evil.example')" = 200 ]
	run ! grep -qi access-control "$SCRATCH/head"
	[ "$(get /hold -X OPTIONS -H 'Origin: http://evil.example')" = 405 ]
	run ! grep -qi access-control "$SCRATCH/head"
	# each has a token of its own
	stop
	first=$TOKEN
	: >"$LOG"
	admin --workers 1
	watch_events
	until_event hello '.token | length == 32'
	[ "$(event hello .token)" != "$first" ]
	stop
}

@test "the page is nothing but its own files, which may do no more" {
	admin --workers 1
	while read -r path type; do
		[ "$(get "$path")" = 200 ]
		grep -qix "content-type: $type.*" "$SCRATCH/head"
		grep -qi "^content-security-policy: default-src 'none'; script-src 'self'; .*frame-ancestors 'none'" "$SCRATCH/head"
		grep -qi '^x-frame-options: DENY' "$SCRATCH/head"
		# neither elsewhere nor inline
		sed 's#http://www.w3.org/2000/svg##' "$SCRATCH/body" | grep -E 'https?://|style=|onclick|innerHTML' && false
		[ "$(get "$path" -X POST)" = 405 ]
	done <<-'EOF'
		/ text/html; charset=utf-8
		/dashboard.js text/javascript; charset=utf-8
		/dashboard.css text/css; charset=utf-8
		/icon.svg image/svg[+]xml
	EOF
	cmp <(curl -sS "http://$ADMIN/dashboard.js") "$LULL_SOURCE_DIR/coordinator/lulld/web/dashboard.js"
	stop
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
