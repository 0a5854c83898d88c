# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What an end-to-end test stands on: a scratch world of its own, the programs under test, and the
# mock provider. For bats (`load ../support/mock`) and, without bats, for scripts/demo.
#
#     setup() { scratch_make; mock_start; }
#     teardown() { mock_stop; }
#
# LULL_BIN_DIR  where the built programs are (default: build/release/bin)
# LULL_WIRE_DIR samples of provider answers (default: tests/wire)

LULL_SOURCE_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LULL_BIN_DIR=${LULL_BIN_DIR:-$LULL_SOURCE_DIR/build/release/bin}
LULL_WIRE_DIR=${LULL_WIRE_DIR:-$LULL_SOURCE_DIR/tests/wire}
PATH=$LULL_BIN_DIR:$PATH

# scratch_make [DIR]: a table, a home and an environment that no other test, and no person, uses.
scratch_make() {
	SCRATCH=${1:-$BATS_TEST_TMPDIR}
	export HOME=$SCRATCH/home
	export XDG_CONFIG_HOME=$HOME/.config XDG_CACHE_HOME=$HOME/.cache XDG_STATE_HOME=$HOME/.state
	export XDG_RUNTIME_DIR=$SCRATCH/run LULL_SHM_DIR=$SCRATCH/shm
	mkdir -p "$HOME" "$XDG_RUNTIME_DIR" "$LULL_SHM_DIR"
	chmod 700 "$XDG_RUNTIME_DIR"

	local name
	for name in $(compgen -e); do
		case $name in
		*_API_KEY | *_API_BASE | *_BASE_URL | *_BEARER_TOKEN* | [hH][tT][tT][pP]*_[pP][rR][oO][xX][yY] | \
			[aA][lL][lL]_[pP][rR][oO][xX][yY] | [nN][oO]_[pP][rR][oO][xX][yY] | \
			LULL_SHM_NAME | LULL_SHM_GROUP | LULL_DISABLE | LULL_CONFIG)
			unset "$name"
			;;
		esac
	done
}

# mock_start [OPTION...]: on a free port; sets MOCK_URL, MOCK_PORT and MOCK_PID.
mock_start() {
	local ready=$SCRATCH/mock.ready line

	mkfifo "$ready"
	mock-provider --wire "$LULL_WIRE_DIR" "$@" >"$ready" 2>"$SCRATCH/mock.stderr" 3>&- &
	MOCK_PID=$!
	IFS= read -r -t 20 line <"$ready"
	rm -f "$ready"
	MOCK_PORT=${line##*:}
	MOCK_URL=http://${line#listening on }
	if [[ $line != listening* ]]; then
		echo "mock-provider did not start: $(<"$SCRATCH/mock.stderr")" >&2
		return 1
	fi
}

# Fails if the mock failed, or its sanitizers had anything to say.
mock_stop() {
	local code=0

	[[ -n ${MOCK_PID:-} ]] || return 0
	kill "$MOCK_PID" || return 1
	wait "$MOCK_PID" || code=$?
	MOCK_PID=
	cat "$SCRATCH/mock.stderr" >&2
	return "$code"
}

mock_ask() {
	curl -sS --noproxy '*' --max-time 10 "$@"
}

# mock_rules JSON: from now on the mock answers by these rules.
mock_rules() {
	mock_ask --fail-with-body "$MOCK_URL/__mock/rules" --data-binary "$1" >"$SCRATCH/mock.rules" || {
		cat "$SCRATCH/mock.rules" >&2
		return 1
	}
}

mock_reset() {
	mock_ask -X POST "$MOCK_URL/__mock/reset" >/dev/null
}

mock_counts() {
	mock_ask "$MOCK_URL/__mock/counts"
}

# mock_count [MODEL]: requests on the wire for that model, or for all.
mock_count() {
	if [[ $# -eq 0 ]]; then
		mock_counts | jq .total
	else
		mock_counts | jq --arg model "$1" '.models[$model] // 0'
	fi
}

# mock_requests [FILTER]: what was received, keys included, through a jq filter.
mock_requests() {
	mock_ask "$MOCK_URL/__mock/requests?full=1" | jq -r "${1:-.}"
}

# mock_fault_url NAME: the base URL of a fault that happens before there is HTTP.
mock_fault_url() {
	mock_ask "$MOCK_URL/__mock/faults" | jq -r --arg name "$1" '.[$name].url'
}

# For tests that run a program on a terminal of its own: not every container has any to give.
has_terminal() {
	script -qec true /dev/null >/dev/null 2>&1
}

needs_terminal() {
	has_terminal || skip "no terminal to be had"
}

# Waits until COMMAND is true, at most 20 s.
until_true() {
	local tries

	for ((tries = 0; tries < 1000; tries++)); do
		"$@" && return
		sleep 0.02
	done
	return 1
}
