#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lull serve: on_event of the configuration, the child that runs it, and what becomes of that one.

load serve
bats_require_minimum_version 1.5.0

setup() {
	serve_setup
	TOLD=$SCRATCH/told
	: >"$TOLD"
}

teardown() {
	serve_teardown
}

# fail CLASS STATUS [NAME]: an outcome on a route and a credential of that name
fail() {
	plant "m@https://${3:-a}.example/v1#${3:-a}" "${3:-a}" "https://${3:-a}.example:443" "$1" "$2" -1
}

# serve_hook COMMAND [OPTION...]: until somebody watches
serve_hook() {
	local command=$1

	shift
	echo "on_event: $command" >>"$CONFIG"
	serve --workers 1 "$@"
	until_watches
}

# until_watches [COUNT]: until so many were started, and the last one reads the recorder: it sleeps
until_watches() {
	until_log event=hook_watches "${1:-1}"
	WATCHER=$(logged_pid event=hook_watches)
	until_fails sh -c "! grep -q '^State:.S' /proc/$WATCHER/status || ! grep -q lull1-u /proc/$WATCHER/maps"
}

# until_told LINE
until_told() {
	until_fails sh -c "! grep -qxF '$1' '$TOLD'"
}

@test "it is run on cooldowns of a key that is not accepted, or has no credit, and on nothing else" {
	lull init -q
	serve_hook "echo \"\$LULL_EVENT \$LULL_EVENT_CAUSE \$LULL_EVENT_KEY\" >>$TOLD"
	fail rate_limited 429 a
	fail server_error 500 b
	fail auth 401 c
	fail quota_exhausted 429 d
	until_told "cooled quota_exhausted credential:d"
	[ "$(cat "$TOLD")" = $'cooled auth credential:c\ncooled quota_exhausted credential:d' ]
	[ "$(tr '\0' ' ' <"/proc/$WATCHER/cmdline")" = "$SCRATCH/bin/lull watch --type cooled --cause quota_exhausted --cause auth --exec $(sed -n 's/^on_event: //p' "$CONFIG") " ]
	stop
	until_fails kill -0 "$WATCHER"
	[ "$(grep -c event=hook_died "$LOG")" = 0 ]
}

@test "the command that the manual shows" {
	lull init -q
	printf '#!/bin/sh\necho "mail $*" >>%s\n' "$TOLD" >"$SCRATCH/bin/mail"
	chmod +x "$SCRATCH/bin/mail"
	serve_hook "$(sed -n "s/^  on_event: '\(.*\)'$/\1/p" "$LULL_SOURCE_DIR/docs/configuration.md")"
	fail auth 401 c
	until_told "mail -s auth: credential:c root"
	stop
}

@test "it watches the table that is served with" {
	printf 'table: mine\non_event: true\n' >"$CONFIG"
	for asked in "" other; do
		: >"$LOG"
		serve --workers 1 ${asked:+--table "$asked"}
		until_log event=hook_watches
		WATCHER=$(logged_pid event=hook_watches)
		until_fails sh -c "! grep -qz -- --table /proc/$WATCHER/cmdline"
		[ "$(tr '\0' '\n' <"/proc/$WATCHER/cmdline" | sed -n '/^--table$/{n;p}')" = "${asked:-mine}" ]
		stop
	done
}

@test "without one nobody watches" {
	serve --workers 1
	run ! grep -q hook_ "$LOG"
	stop
}

@test "who is killed is replaced" {
	lull init -q
	serve_hook "echo told >>$TOLD"
	kill -KILL "$WATCHER"
	until_watches 2
	grep -E 'level=warning event=hook_died pid=[0-9]+ cause="signal 9 \(Killed\)"' "$LOG"
	fail auth 401
	until_told told
	stop
}

@test "a reload takes over another command, the same goes on, and a broken file changes nothing" {
	lull init -q
	serve_hook "echo one >>$TOLD"
	first=$WATCHER
	kill -HUP "$SERVE_PID"
	until_log event=reloaded
	kill -0 "$first"
	echo "broken" >>"$CONFIG"
	sed -i 's/echo one/echo three/' "$CONFIG"
	kill -HUP "$SERVE_PID"
	until_log event=reload_failed
	fail auth 401 a
	until_told one
	sed -i '/broken/d; s/echo three/echo two/' "$CONFIG"
	kill -HUP "$SERVE_PID"
	until_log event=reloaded 2
	until_watches 2
	until_fails kill -0 "$first"
	fail auth 401 b
	until_told two
	[ "$(cat "$TOLD")" = $'one\ntwo' ]
	# and none any more
	: >"$CONFIG"
	kill -HUP "$SERVE_PID"
	until_log event=reloaded 3
	until_fails kill -0 "$WATCHER"
	stop
}

@test "a reload takes over another table" {
	serve_hook "echo told >>$TOLD"
	sed -i '1i table: second' "$CONFIG"
	kill -HUP "$SERVE_PID"
	until_log event=reloaded
	until_log event=hook_watches 2
	[ -e "$LULL_SHM_DIR/second" ]
	stop
}

@test "the supervisor is killed: nobody stays to tell people twice" {
	lull init -q
	serve_hook "echo told >>$TOLD"
	kill -KILL "$SERVE_PID"
	wait "$SERVE_PID" || true
	SERVE_PID=
	until_fails kill -0 "$WATCHER"
}

@test "lull is not there: the gateways serve" {
	echo "on_event: true" >"$CONFIG"
	mkdir "$SCRATCH/away"
	mv "$SCRATCH/bin/lull" "$SCRATCH/away/lull"
	"$SCRATCH/bin/lulld" -c "$CONFIG" --listen 127.0.0.1:0 --workers 1 2>>"$LOG" 3>&- &
	SERVE_PID=$!
	until_log event=ready
	until_log 'level=error event=hook_not_started cause="No such file or directory"' 2
	mv "$SCRATCH/away/lull" "$SCRATCH/bin/lull"
	until_log event=hook_watches
	stop
}

@test "installed, lull is in bin and lulld in libexec/lull" {
	mkdir -p "$SCRATCH/usr/bin" "$SCRATCH/usr/libexec/lull"
	cp "$SCRATCH/bin/lull" "$SCRATCH/usr/bin/"
	cp "$SCRATCH/bin/lulld" "$SCRATCH/bin/lull-worker" "$SCRATCH/usr/libexec/lull/"
	echo "on_event: true" >"$CONFIG"
	"$SCRATCH/usr/bin/lull" serve -c "$CONFIG" --listen 127.0.0.1:0 --workers 1 2>>"$LOG" 3>&- &
	SERVE_PID=$!
	until_log event=hook_watches
	until_log event=ready
	WATCHER=$(logged_pid event=hook_watches)
	until_fails sh -c "! grep -q bin/lull /proc/$WATCHER/cmdline"
	[ "$(readlink "/proc/$WATCHER/exe")" = "$SCRATCH/usr/bin/lull" ]
	stop
}

@test "the real lull-worker says what serve has to know, and nothing else" {
	cat >"$SCRATCH/real.yaml" <<-EOF
		model_list: [{model_name: a, litellm_params: {model: openai/a, api_key: sk-x}}]
		lull: {table: mine, on_event: "mail -s 'x: \$LULL_EVENT_KEY' root"}
	EOF
	chmod 600 "$SCRATCH/real.yaml"
	run -0 "$LULL_BIN_DIR/lull-worker" config check --for-serve "$SCRATCH/real.yaml"
	[ "$output" = $'table mine\non_event mail -s \'x: $LULL_EVENT_KEY\' root' ]
	[ "$("$LULL_BIN_DIR/lull-worker" config show --json -c "$SCRATCH/real.yaml" | jq -r .on_event)" = "mail -s 'x: \$LULL_EVENT_KEY' root" ]
	printf 'lull:\n  on_event: "a\\nb"\n' >"$SCRATCH/real.yaml"
	run -78 "$LULL_BIN_DIR/lull-worker" config check "$SCRATCH/real.yaml"
	[[ $output == *"on_event"*"expected text of 1 to 4096 bytes without control characters" ]]
}
