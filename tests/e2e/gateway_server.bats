#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The gateway as a server: what it refuses, how long it waits, who may ask, how it ends.

load gateway

setup() {
	gateway_setup
}

teardown() {
	gateway_teardown
}

@test "a framing that two readers might read in two ways is refused, and the connection closed" {
	gateway_config m1 </dev/null
	gateway_start --listen 127.0.0.1:0
	local post='POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n' te='Transfer-Encoding: chunked\r\n' name
	declare -A framings=(
		[TE + CL]="${post}Content-Length: 5\r\n$te\r\n0\r\n\r\n"
		[two lengths]="${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"
		[+5]="${post}Content-Length: +5\r\n\r\nhello"
		[xchunked]="${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"
		[bare LF]='GET /v1/models HTTP/1.1\nHost: x\n\n'
		[space before colon]="${post}Content-Length : 5\r\n\r\nhello"
		[obs-fold]='GET /v1/models HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n'
		[no Host]='GET /v1/models HTTP/1.1\r\n\r\n'
		[LF in a chunk extension]="${post}$te\r\n2;a\nb\r\n{}\r\n0\r\n\r\n"
		[bare CR]='GET /v1/models HTTP/1.1\r\nHost: x\r\nX-A: b\rc\r\n\r\n'
		[CR CR]='GET /v1/models HTTP/1.1\r\r\nHost: x\r\n\r\n'
		[NUL]='GET /v1/models HTTP/1.1\r\nHost: x\r\nX-A: b\0c\r\n\r\n'
	)
	for name in "${!framings[@]}"; do
		# what follows is never looked at
		raw "${framings[$name]}GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n" >"$SCRATCH/out"
		[ "$(head -n 1 "$SCRATCH/out")" = $'HTTP/1.1 400 Bad Request\r' ] || {
			echo "$name: $(<"$SCRATCH/out")" >&2
			return 1
		}
		[ "$(grep -c '^HTTP/1.1' "$SCRATCH/out")" = 1 ]
		grep -qi '^connection: close' "$SCRATCH/out"
		[ "$(tail -n 1 "$SCRATCH/out" | jq -r .error.type)" = invalid_request_error ]
	done
	[ "${#framings[@]}" = 12 ]
	[ "$(mock_count)" = 0 ]
}

@test "heads and bodies are bounded" {
	gateway_config m1 </dev/null
	gateway_start --listen 127.0.0.1:0
	call /v1/models -H "X-Long: $(head -c 40000 /dev/zero | tr '\0' x)"
	[ "$STATUS" = 431 ]
	[[ $(raw 'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 33554433\r\n\r\n') == "HTTP/1.1 413 "* ]]
	{
		printf '{"model":"m1","messages":[{"role":"user","content":"'
		head -c 3000000 /dev/zero | tr '\0' a
		printf '"}]}'
	} >"$SCRATCH/large"
	call /v1/chat/completions --data-binary "@$SCRATCH/large" -H 'Expect: 100-continue'
	[ "$STATUS" = 200 ]
	[ "$(mock_requests '.requests[-1].body | length')" -gt 0 ]
	call /v1/chat/completions --data-binary "@$SCRATCH/large" -H 'Transfer-Encoding: chunked'
	[ "$STATUS" = 200 ]
}

@test "who is slow with a head or a body, or sends nothing, is not waited for" {
	gateway_config m1 <<-END
		lull: {gateway: {head_timeout: 300ms, body_timeout: 300ms, idle_timeout: 300ms}}
	END
	gateway_start --listen 127.0.0.1:0
	[ -z "$(raw '')" ]
	[[ $(raw 'GET /v1/models HTT') == "HTTP/1.1 408 "* ]]
	[[ $(raw 'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{') == "HTTP/1.1 408 "* ]]
	[ "$(raw 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n' | grep -c ^HTTP)" = 1 ]
}

@test "requests that are sent ahead are answered in their order" {
	gateway_config m1 </dev/null
	gateway_start --listen 127.0.0.1:0
	local body='{"model":"m1","messages":[]}'
	raw "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ${#body}\r\n\r\n${body//\"/\\\"}GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\nGET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" >"$SCRATCH/out"
	[ "$(grep -o 'HTTP/1.1 200' "$SCRATCH/out" | wc -l)" = 3 ]
	[ "$(grep -o -e chatcmpl-mock -e '"object":"list"' -e alive "$SCRATCH/out" | paste -sd' ')" = 'chatcmpl-mock "object":"list" alive' ]
}

@test "who has sent a great deal ahead gets the answer under way, and is heard when he leaves" {
	local body='{"model":"slow","messages":[]}' ahead

	mock_rules '[{"model": "slow", "responses": [{"delay_ms": 500}, {"delay_ms": 15000}]}]'
	gateway_config slow </dev/null
	gateway_start --listen 127.0.0.1:0
	ahead=$(for ((i = 0; i < 2000; i++)); do printf 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n'; done)
	send() { # on descriptor 5
		exec 5<>"/dev/tcp/127.0.0.1/${URL##*:}"
		printf 'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s%s' ${#body} "$body" "$ahead" >&5
	}
	send
	timeout 10 cat <&5 >"$SCRATCH/out"
	exec 5>&-
	[ "$(grep -c '^HTTP/1.1 200' "$SCRATCH/out")" = 1 ]
	grep -qi '^connection: close' "$SCRATCH/out"
	send
	until_true in_flight slow 1
	exec 5>&-
	within 0 5000 until_true in_flight slow 0
}

@test "connections are bounded: idle ones make room, busy ones are waited for" {
	gateway_config slow <<-END
		lull: {gateway: {max_connections: 2}}
	END
	mock_rules '[{"model": "slow", "delay_ms": 700}]'
	gateway_start --listen 127.0.0.1:0
	local idle
	exec {idle}<>"/dev/tcp/127.0.0.1/${URL##*:}"
	for _ in 1 2 3; do
		curl -s --noproxy '*' -o /dev/null -w '%{http_code}\n' -d '{"model":"slow","messages":[]}' "$URL/v1/chat/completions" >>"$SCRATCH/codes" 3>&- &
	done
	wait -n && wait -n && wait -n
	exec {idle}>&-
	[ "$(sort "$SCRATCH/codes" | uniq -c | tr -s ' ')" = " 3 200" ]
}

@test "beyond the memory that it may use it says when to come again" {
	gateway_config m1 <<-END
		lull: {gateway: {max_memory_mib: 16}}
	END
	gateway_start --listen 127.0.0.1:0
	head -c 8000000 /dev/zero >"$SCRATCH/large"
	call /v1/chat/completions --data-binary "@$SCRATCH/large"
	[ "$STATUS-$(header retry-after)" = 503-1 ]
	call /v1/chat/completions --data-binary "@$SCRATCH/large" -H 'Transfer-Encoding: chunked'
	[ "$STATUS-$(header retry-after)" = 503-1 ]
	chat m1
	[ "$STATUS" = 200 ]
}

@test "code of libraries that only its start needed goes back to the system" {
	gateway_config m1 </dev/null
	gateway_start --listen 127.0.0.1:0
	code_kib() {
		awk '/^[0-9a-f]+-/ { is_code = $2 == "r-xp" && $6 ~ /\.so/ } is_code && /^Rss:/ { kib += $2 } END { print kib + 0 }' "/proc/$GATEWAY/smaps"
	}
	local before
	before=$(code_kib)
	is_less() { (($(code_kib) * 2 < before)); }
	! is_less || return 1
	chat m1
	[ "$STATUS" = 200 ]
	until_true is_less
	chat m1
	[ "$STATUS" = 200 ]
}

@test "with keys nobody asks without one; a key may be for some models only" {
	gateway_config m1 m2 embed-a <<-END
		general_settings: {master_key: sk-master-1234}
		lull:
		  gateway:
		    keys:
		      - {name: site, key: os.environ/SITE_KEY, models: [m1, "embed-*"]}
		      - {name: batch, key: "sha256:$(printf %s sk-batch | sha256sum | cut -d' ' -f1)"}
	END
	chmod 600 "$CONFIG"
	SITE_KEY=sk-site gateway_start --listen 127.0.0.1:0
	as() {
		chat "$2" "${3:-}" ${1:+-H "Authorization: Bearer $1"}
	}
	as "" m1
	[ "$STATUS-$(jq -r .error.code <<<"$BODY")" = 401-invalid_api_key ]
	as sk-sit m1
	[ "$STATUS" = 401 ]
	as sk-site m1
	[ "$STATUS" = 200 ]
	as sk-site embed-a
	[ "$STATUS" = 200 ]
	as sk-site m2
	[ "$STATUS-$(jq -r .error.code <<<"$BODY")" = 403-model_not_allowed ]
	as sk-site m1 '"fallbacks":["m2"]'
	[ "$STATUS" = 403 ]
	as sk-batch m2
	[ "$STATUS" = 200 ]
	as sk-master-1234 m2
	[ "$STATUS" = 200 ]
	call /v1/models -H 'Authorization: Bearer sk-site'
	[ "$(jq -r '.data[].id' <<<"$BODY" | paste -sd' ')" = "m1 embed-a" ]
	call /v1/models
	[ "$STATUS" = 401 ]
	call /health/live
	[ "$STATUS" = 200 ]
	until_true logged key=site status=200
	! grep -q -e sk-site -e sk-batch -e sk-master "$LOG" || return 1
	[ "$(mock_requests '[.requests[].headers | to_entries[] | select(.value | tostring | test("sk-(site|batch|master)"))] | length')" = 0 ]
}

@test "it does not listen to other hosts without keys" {
	gateway_config m1 </dev/null
	for address in 0.0.0.0:0 '[::]:0'; do
		run -78 lull-worker gateway -c "$CONFIG" --listen "$address"
		[[ $output == *"other hosts reach what it listens on"* ]]
	done
	gateway_config m1 <<-END
		lull: {gateway: {keys: [{name: a, key: os.environ/NOT_SET}]}}
	END
	run -78 lull-worker gateway -c "$CONFIG" --listen 0.0.0.0:0
	[[ $output == *"lull.yaml:3: key 'a' of the gateway: its variable is not set" ]]
}

@test "on a unix socket the kernel says who asks" {
	gateway_config m1 <<-END
		lull: {gateway: {keys: [{name: me, user: "$(id -u)", models: [m1]}, {name: other, key: sk-other-123}]}}
	END
	chmod 600 "$CONFIG"
	gateway_start --listen "unix:$SCRATCH/gateway.sock" --listen 127.0.0.1:0
	chat m1 '' --unix-socket "$SCRATCH/gateway.sock"
	[ "$STATUS" = 200 ]
	chat m1
	[ "$STATUS" = 401 ]
	until_true logged key=me status=200
	[ "$(stat -c %a "$SCRATCH/gateway.sock")" = 660 ]
}

@test "SIGTERM lets what is under way come to its end; a second one does not" {
	gateway_config slow stalls </dev/null
	mock_rules '[{"model": "slow", "delay_ms": 1000}, {"model": "stalls", "text": "one two three", "send_events": 2, "end": "stall"}]'
	gateway_start --listen 127.0.0.1:0
	(chat slow && echo "$STATUS" >"$SCRATCH/status") 3>&- &
	local client=$! code=0
	until_true in_flight slow 1
	kill "$GATEWAY"
	wait "$GATEWAY"
	wait "$client"
	[ "$(<"$SCRATCH/status")" = 200 ]
	GATEWAYS=()
	gateway_start --listen 127.0.0.1:0
	chat stalls '"stream":true' 3>&- &
	client=$!
	until_true in_flight stalls 1
	kill "$GATEWAY"
	run ! timeout 0.5 tail --pid="$GATEWAY" -f /dev/null
	kill "$GATEWAY"
	wait "$GATEWAY" || code=$?
	[ "$code" = 143 ]
	GATEWAYS=()
	wait "$client" || true
}

@test "what has not ended when the time for it is over is cut" {
	gateway_config stalls </dev/null
	mock_rules '[{"model": "stalls", "text": "one two three", "send_events": 2, "end": "stall"}]'
	gateway_start --listen 127.0.0.1:0 --drain 200ms
	chat stalls '"stream":true' 3>&- &
	local client=$!
	until_true test -s "$SCRATCH/head"
	kill "$GATEWAY"
	wait "$GATEWAY"
	GATEWAYS=()
	grep -q "1 connections are cut" "$LOG"
	wait "$client" || true
}

@test "sockets and the control line are handed over by a supervisor" {
	gateway_config m1 </dev/null
	coproc SUPERVISOR { exec hand_over 1 lull-worker gateway -c "$CONFIG" 2>"$SCRATCH/err" 3>&-; }
	local port line code=0 pid=$SUPERVISOR_PID
	read -r -t 10 port <&"${SUPERVISOR[0]}"
	read -r -t 10 line <&"${SUPERVISOR[0]}"
	[ "$line" = ready ]
	URL=http://127.0.0.1:$port
	chat m1
	[ "$STATUS" = 200 ]
	echo "stats?" >&"${SUPERVISOR[1]}"
	read -r -t 10 line <&"${SUPERVISOR[0]}"
	[ "$(jq -r '.v, .answered, .connections, .stopping' <<<"${line#stats }" | paste -sd' ')" = "1 1 0 false" ]
	exec {SUPERVISOR[1]}>&-
	wait "$pid" || code=$?
	[ "$code" = 0 ]
	run ! curl -s "$URL/health/live"
}

@test "systemd hands sockets over" {
	command -v systemd-socket-activate >/dev/null || skip "no systemd-socket-activate"
	gateway_config m1 </dev/null
	systemd-socket-activate -E OPENAI_API_KEY -E LULL_SHM_DIR -E HOME -l "$SCRATCH/s.sock" lull-worker gateway -c "$CONFIG" 2>"$SCRATCH/err" 3>&- &
	GATEWAY=$!
	LOG=$SCRATCH/err
	GATEWAYS+=("$GATEWAY")
	until_true test -S "$SCRATCH/s.sock"
	URL=http://localhost
	chat m1 '' --unix-socket "$SCRATCH/s.sock"
	[ "$STATUS" = 200 ]
}

@test "those that wait on the same sockets share their connections evenly" {
	gateway_config stalls </dev/null
	mock_rules '[{"model": "stalls", "text": "one two three", "send_events": 2, "end": "stall"}]'
	coproc SUPERVISOR { exec hand_over 2 lull-worker gateway -c "$CONFIG" 2>"$SCRATCH/err" 3>&-; }
	local port line pid=$SUPERVISOR_PID clients=() counts=()
	read -r -t 10 port <&"${SUPERVISOR[0]}"
	read -r -t 10 line <&"${SUPERVISOR[0]}"
	read -r -t 10 line <&"${SUPERVISOR[0]}"
	for _ in {1..20}; do
		curl -sN --noproxy '*' -o /dev/null -d '{"model":"stalls","stream":true,"messages":[]}' "http://127.0.0.1:$port/v1/chat/completions" 3>&- &
		clients+=($!)
	done
	until_true in_flight stalls 20
	echo "stats?" >&"${SUPERVISOR[1]}"
	for _ in 1 2; do
		read -r -t 10 line <&"${SUPERVISOR[0]}"
		counts+=("$(jq .connections <<<"${line#stats }")")
	done
	kill "${clients[@]}"
	[ $((counts[0] + counts[1])) = 20 ]
	# a process that is not given the processor for a millisecond loses its turn
	[ "${counts[0]}" -ge 6 ]
	[ "${counts[1]}" -ge 6 ]
	exec {SUPERVISOR[1]}>&-
	wait "$pid"
}

# hold N: connections to PORT, of a process of its own
hold() {
	local fd i

	for ((i = 0; i < $1; i++)); do
		exec {fd}<>"/dev/tcp/127.0.0.1/$PORT"
	done
	echo held >>"$SCRATCH/held"
	read -rt 60 _ <>"$SCRATCH/never" || true
}

@test "where descriptors are few, so are connections, and requests are answered" {
	local i holders=()

	are_held() { [ "$(wc -l <"$SCRATCH/held")" = 3 ]; }
	gateway_config m1 </dev/null
	ulimit -n 320
	gateway_start --listen 127.0.0.1:0
	logged "32 connections at once, not 1024: the hard limit of descriptors is 320, expected 2304"
	PORT=${URL##*:}
	mkfifo "$SCRATCH/never"
	for i in 1 2 3; do
		hold 150 3>&- &
		holders+=($!)
	done
	until_true are_held 2>/dev/null
	for i in {1..5}; do
		chat m1
		[ "$STATUS" = 200 ]
	done
	kill "${holders[@]}"
}

@test "usage errors end with 64, addresses in use with 71" {
	run -64 lull-worker gateway
	[[ $output == *"nowhere to listen"* ]]
	run -64 lull-worker gateway --listen nonsense
	run -64 lull-worker gateway --listen 127.0.0.1:65536
	run -64 lull-worker gateway --listen 127.0.0.1:0 more
	run -64 lull-worker gateway --log xml
	gateway_start --listen 127.0.0.1:0
	run -71 lull-worker gateway --listen "${URL#http://}"
	[[ $output == *"Address already in use"* ]]
	run -0 lull-worker gateway --help
	[[ $output == *"--listen ADDRESS"* ]]
}
