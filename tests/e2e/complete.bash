# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests of `lull complete` share: a mock provider that plays OpenAI, and a key for it.

load ../support/mock
bats_require_minimum_version 1.5.0

KEY=sk-planted-key-0123456789abcdef

complete_setup() {
	scratch_make
	mock_start
	export OPENAI_BASE_URL=$MOCK_URL/v1 OPENAI_API_KEY=$KEY
}

complete_teardown() {
	mock_stop
}

# ask [OPTION...]: with stdin empty, as from cron.
ask() {
	lull complete "$@" </dev/null
}

# start_asking [OPTION...]: in the background; sets ASKING, its pid. Writes $SCRATCH/out and err.
start_asking() {
	(trap - INT && exec lull complete "$@" </dev/null >"$SCRATCH/out" 2>"$SCRATCH/err" 3>&-) &
	ASKING=$!
}

# asking_ended CODE: waits for it, and compares.
asking_ended() {
	local code=0

	wait "$ASKING" || code=$?
	[[ $code == "$1" ]] && return
	echo "exit status $code, expected $1: $(<"$SCRATCH/err")" >&2
	return 1
}

# Table as JSON; jq filter over its keys, for example: keys 'map(.key)'
keys() {
	lull status --json | jq -c ".keys | ${1:-.}"
}

# State of the key of that kind of that model: "cooling rate_limited 429 30" (seconds rounded up).
key_state() {
	lull status --json | jq -r --arg kind "$1" --arg model "${2:-}" '
		.keys[] | select(.kind == $kind and ($model == "" or .model == $model)) |
		"\(.state) \(.cause // "-") \(.status // 0) \(.seconds_left // 0 | ceil)"'
}

# No key of the table is cooling, and none has counted a failure.
table_untouched() {
	[ "$(keys 'map(select(.state != "ready" or .strikes != 0)) | length')" = 0 ]
}

now_ms() {
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# within MS MS COMMAND...: its duration lies between the two; its output and status are passed on.
within() {
	local least=$1 most=$2 from took code=0

	shift 2
	from=$(now_ms)
	"$@" || code=$?
	took=$(($(now_ms) - from))
	if ((took < least || took > most)); then
		echo "took $took ms, expected $least to $most" >&2
		return 99
	fi
	return "$code"
}
