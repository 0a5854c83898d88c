#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: install.sh BUILD_DIR CONSUMER_DIR; CMAKE, CC and CFLAGS are those of the build.
# The installation is used by pkg-config and by find_package(), and once more after it was moved.
set -eu
build=$1 consumer=$2
command -v pkg-config >/dev/null || { echo "pkg-config is missing"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export LULL_SHM_DIR="$scratch" XDG_RUNTIME_DIR="$scratch"
unset LULL_SHM_NAME LULL_SHM_GROUP LULL_DISABLE

fail() { echo "install.sh: $*" >&2; exit 1; }

only_public_symbols() { # LIBRARY PATTERN
	strange=$(nm -D --defined-only "$1" | awk '$2 ~ /[TBDRVW]/ { print $3 }' | grep -Ev "$2" || true)
	[ -z "$strange" ] || fail "$1 exports $strange"
}

use_pkg_config() { # ROOT
	PKG_CONFIG_PATH=$(dirname "$(find "$1" -name lull.pc)")
	export PKG_CONFIG_PATH
	lib=$(pkg-config --variable=libdir lull)
	# shellcheck disable=SC2086,SC2046 # flags are lists of words
	$CC $CFLAGS -o "$scratch/by-pkg-config" "$consumer/main.c" $(pkg-config --cflags --libs lull) \
		-Wl,-rpath,"$lib"
	"$scratch/by-pkg-config"
}

use_find_package() { # ROOT
	rm -rf "$scratch/out"
	"$CMAKE" -S "$consumer" -B "$scratch/out" -DCMAKE_PREFIX_PATH="$1" \
		-DCMAKE_C_COMPILER="$CC" >"$scratch/log" 2>&1 &&
		"$CMAKE" --build "$scratch/out" >>"$scratch/log" 2>&1 ||
		{ cat "$scratch/log"; fail "the consumer does not build"; }
	for program in shared static http_shared http_static; do
		"$scratch/out/by-$program"
	done
}

"$CMAKE" --install "$build" --prefix "$scratch/root" >"$scratch/log" || { cat "$scratch/log"; exit 1; }
library=$(find "$scratch/root" -name 'liblull.so.*.*.*')
only_public_symbols "$library" '^(lull_|LULL_)'
case $CFLAGS in
*-fsanitize*|*--coverage*) ;;
*) needed=$(readelf -d "$library" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')
	[ "$needed" = libc.so.6 ] || fail "liblull.so needs more than libc: $needed" ;;
esac
use_pkg_config "$scratch/root"
use_find_package "$scratch/root"
mv "$scratch/root" "$scratch/moved"
use_pkg_config "$scratch/moved"
use_find_package "$scratch/moved"
