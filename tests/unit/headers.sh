#!/bin/sh
# SPDX-License-Identifier: MIT
# Each public header compiles alone, as C11 and as C++, without a warning, once and twice.
# Usage: headers.sh CC CXX|"" INCLUDE_DIR...
set -eu
cc=$1 cxx=$2
shift 2
include=
for dir; do include="$include -I $dir"; done
failed=0

compiles() { # HEADER COMPILER OPTIONS...
	header=$1
	shift
	printf '#include <%s>\n#include <%s>\nint end_of_test;\n' "$header" "$header" |
		"$@" $include -Wall -Wextra -Wpedantic -Werror -fsyntax-only - && return
	echo "$header does not compile alone: $*" >&2
	failed=1
}

for dir; do
	for path in "$dir"/lull/*.h; do
		compiles "lull/${path##*/}" "$cc" -x c -std=c11 -Wstrict-prototypes
		[ -z "$cxx" ] || compiles "lull/${path##*/}" "$cxx" -x c++ -std=c++11
	done
done
exit $failed
