# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the benchmarks' commands share: an optimised build of what they measure, first in PATH.
#
# LULL_BIN_DIR  measures the programs there instead, and builds nothing

source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.bash"

if [[ -z ${LULL_BIN_DIR:-} ]]; then
	LULL_BIN_DIR=$PWD/build/release/bin
	build release --target bench
fi
PATH=$LULL_BIN_DIR:$PATH

failed=0 # what the program ends with

# judge WHAT COMMAND...: says whether that is so
judge() {
	local verdict=ok

	"${@:2}" || {
		verdict="NOT MET"
		failed=1
	}
	echo "  $1: $verdict"
}

# body MODEL BYTES [MEMBERS]: a request whose prompt has so many
body() {
	awk -v model="$1" -v bytes="$2" -v members="${3:-}" 'BEGIN {
		for (text = "why "; length(text) < bytes; ) text = text text
		printf "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]%s}\n", model, substr(text, 1, bytes), members
	}'
}
