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
