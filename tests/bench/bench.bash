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

# For awk: the median of the numbers of a text.
# shellcheck disable=SC2034 # for those who source this
awk_median='
	function median(text,   a, i, j, t, k) {
		k = split(text, a, " ")
		for (i = 2; i <= k; i++) for (j = i; j > 1 && a[j - 1] + 0 > a[j] + 0; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
		return a[int((k + 1) / 2)]
	}
'
