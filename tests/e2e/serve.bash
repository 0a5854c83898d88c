# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests of `lull serve` share: a copy of lull and lulld with a lull-worker beside them that
# does as its configuration says (tests/support/stand_in_worker.c).

load ../support/mock

serve_setup() {
	scratch_make
	mkdir -p "$SCRATCH/bin"
	cp "$LULL_BIN_DIR/lull" "$LULL_BIN_DIR/lulld" "$SCRATCH/bin/"
	cp "$LULL_BIN_DIR/stand-in-worker" "$SCRATCH/bin/lull-worker"
	PATH=$SCRATCH/bin:$PATH
	LOG=$SCRATCH/log
	CONFIG=$SCRATCH/lull.yaml
	unset LISTEN_PID LISTEN_FDS LISTEN_FDNAMES NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID
	: >"$CONFIG"
	: >"$LOG"
}

# Nothing may outlive its test, however that ended.
serve_teardown() {
	local pid

	cat "$LOG" >&2
	[[ -z ${SERVE_PID:-} ]] || kill -KILL "$SERVE_PID" 2>/dev/null || true
	for pid in $(worker_pids); do
		kill -KILL "$pid" 2>/dev/null || true
	done
}

# serve OPTION...: on a free port unless --listen says where; waits until it is ready. Sets SERVE_PID
# and ADDRESS, the first that it listens on.
serve() {
	serve_begin "$@"
	until_log '(event=|"event":")ready[ "]'
	ADDRESS=$(sed -nE 's/.*(event=listening address=|"listening","address":")([^" ]+).*/\2/p' "$LOG" | head -n 1)
}

serve_begin() {
	[[ " $* " == *" --listen "* ]] || set -- --listen 127.0.0.1:0 "$@"
	lull serve -c "$CONFIG" "$@" 2>>"$LOG" 3>&- &
	SERVE_PID=$!
}

# until_log PATTERN [COUNT]: until so many lines of the log fit. Twenty seconds are for ever.
until_log() {
	local i

	for ((i = 0; i < 400; i++)); do
		[[ $(grep -cE "$1" "$LOG") -lt ${2:-1} ]] || return 0
		sleep 0.05
	done
	echo "never in the log: $1" >&2
	return 1
}

# until_fails COMMAND...
until_fails() {
	local i

	for ((i = 0; i < 400; i++)); do
		"$@" >/dev/null 2>&1 || return 0
		sleep 0.05
	done
	echo "never failed: $*" >&2
	return 1
}

# ask [PATH]: the body
ask() {
	mock_ask "http://$ADDRESS${1:-/}"
}

# until_answer TEXT: until that is the body of /
until_answer() {
	local i

	for ((i = 0; i < 400; i++)); do
		[[ $(ask) != "$1" ]] || return 0
		sleep 0.05
	done
	echo "never answered: $1" >&2
	return 1
}

# The gateways of this test, and nobody else's: their executable lies in the scratch directory.
worker_pids() {
	local exe

	for exe in /proc/[0-9]*/exe; do
		[[ $(readlink "$exe" 2>/dev/null) == "$SCRATCH/bin/lull-worker"* ]] || continue
		exe=${exe#/proc/}
		echo "${exe%/exe}"
	done
}

worker_count() {
	worker_pids | wc -l
}

# until_workers COUNT
until_workers() {
	local i

	for ((i = 0; i < 400; i++)); do
		[[ $(worker_count) != "$1" ]] || return 0
		sleep 0.05
	done
	echo "never $1 workers, but $(worker_count)" >&2
	return 1
}

# The pid in the line of the log that fits last.
logged_pid() {
	grep -E "$1" "$LOG" | tail -n 1 | sed -nE 's/.* pid=([0-9]+).*/\1/p'
}

# stream FILE: a request that is answered until FILE is there; what comes stands in FILE.body, and
# its curl is STREAM_PID. Returns when the answer has begun.
stream() {
	curl -sS -N --noproxy '*' --max-time 60 "http://$ADDRESS/until/$1" >"$1.body" 2>"$1.error" 3>&- &
	STREAM_PID=$!
	until_fails test ! -s "$1.body"
}

# stop: as systemd does it; the exit status
stop() {
	local code=0

	kill -TERM "$SERVE_PID"
	wait "$SERVE_PID" || code=$?
	SERVE_PID=
	return "$code"
}

# ended: waits for lulld; its exit status
ended() {
	local code=0

	wait "$SERVE_PID" || code=$?
	SERVE_PID=
	return "$code"
}

# admin OPTION...: serve, with --admin on a free port; sets ADMIN, its address
admin() {
	serve --admin 127.0.0.1:0 "$@"
	ADMIN=$(sed -nE 's/.*event=admin address=//p' "$LOG" | head -n 1)
}

# watch_events: those of the admin's address, into $SCRATCH/events; sets EVENTS_PID
watch_events() {
	curl -sS -N --noproxy '*' --max-time 60 "http://$ADMIN/events" >"$SCRATCH/events" 3>&- &
	EVENTS_PID=$!
}

# event NAME [FILTER]: the data of the last one of that name, by jq
event() {
	awk -v name="$1" 'BEGIN { RS = ""; FS = "\n" }
		$1 == "event: " name { data = ""; for (i = 2; i <= NF; i++) data = data substr($i, 7) "\n"; last = data }
		END { printf "%s", last }' "$SCRATCH/events" | jq -r "${2:-.}"
}

# until_event NAME FILTER: until the last one of that name is such a one
until_event() {
	local i

	for ((i = 0; i < 400; i++)); do
		[[ $(event "$1" "$2" 2>/dev/null) != true ]] || return 0
		sleep 0.05
	done
	echo "never such an event: $1 $2" >&2
	return 1
}
