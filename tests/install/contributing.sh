#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: contributing.sh SOURCE_DIR; LULL_BIN_DIR is where the programs are built.
# What README.md and CONTRIBUTING.md say to type, line by line, in a copy of the sources. What would be built, and which tests
# a label has, is only listed; `scripts/check-all contributing` does it.
set -eu
source=$1 bin=$LULL_BIN_DIR
unset LULL_BIN_DIR
for program in bats ninja; do
	command -v $program >/dev/null || { echo "$program is missing"; exit 77; }
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
copy=$scratch/copy

fail() { echo "contributing.sh: $*" >&2; exit 1; }

# played NAME SCRIPT: in it, $real is the program
played() {
	printf '#!/bin/sh\nreal=%s\n%s\n' "$(command -v "$1")" "$2" >"$scratch/bin/$1"
	chmod +x "$scratch/bin/$1"
}

try() { eval "$1" >"$scratch/log" 2>&1 || { cat "$scratch/log"; fail "$1"; }; }

mkdir "$copy" "$scratch/bin"
tar -C "$source" --exclude=./build --exclude=./.git -c . | tar -C "$copy" -x
mkdir -p "$copy/build/debug"
ln -s "$bin" "$copy/build/debug/bin"
played cmake '[ "$1" != --build ] || set -- "$@" -- -n
exec $real "$@"'
played ctest 'said=$($real "$@" -N 2>&1) || exit; echo "$said"
echo "$said" | grep -q "^Total Tests: [1-9]"'
played bats 'said=$($real "$@" 2>&1) || { echo "$said"; exit 1; }
echo "$said" | grep -q "^ok "' # none is no failure to it
PATH=$scratch/bin:$PATH

cd "$copy"
sed -n 's/^    \(cmake --preset \)/\1/p' README.md >"$scratch/lines"
sed -n '/^While working/,/^A change/s/^    //p' CONTRIBUTING.md >>"$scratch/lines"
[ "$(wc -l <"$scratch/lines")" = 5 ] || fail "not the lines that were there: $(cat "$scratch/lines")"
while read -r line; do
	try "$line"
	[ "${line%% *}" != ctest ] || for label in $(echo "${line#*#}" | grep -o -e '-L [^, ]*' | cut -c 4-); do
		try "ctest --test-dir build/debug -L $label" # those of its comment
	done
done <"$scratch/lines"
