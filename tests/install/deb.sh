#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: deb.sh SOURCE_DIR
# Makes the Debian package as docs/operations.md says, in a copy of the sources; installs it into a root of its own, runs
# it, removes and purges it: nothing may be left.
set -eu
source=$1
command -v dpkg-shlibdeps >/dev/null || { echo "dpkg-dev is missing"; exit 77; }
[ "$(id -u)" = 0 ] || { echo "only root installs packages"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root
copy=$scratch/copy
build=$copy/build/deb

fail() { echo "deb.sh: $*" >&2; exit 1; }

# Scripts run without chroot and keep to $DPKG_ROOT; what the package depends on is this system's.
package_manager() {
	dpkg --root="$root" --force-depends --force-script-chrootless --log=/dev/null "$@" >"$scratch/log" 2>&1 ||
		{ cat "$scratch/log"; fail "dpkg $*"; }
}

everything() { find "$root" -path "$root/var/lib/dpkg" -prune -o -print | sort; }

played() {
	printf '#!/bin/sh\n%s\n' "$2" >"$scratch/bin/$1"
	chmod +x "$scratch/bin/$1"
}

mkdir "$copy" "$scratch/bin"
tar -C "$source" --exclude=./build --exclude=./.git -c . | tar -C "$copy" -x
played sudo 'exec "$@"'
played apt "[ \$# = 2 ] && [ \$1 = install ] && cp \$2 $scratch/lull.deb" # into the root of its own, below
command=$(sed -n 's/^    \(cmake --workflow \)/\1/p' "$copy/docs/operations.md")
[ -n "$command" ] || fail "docs/operations.md does not say how a package is made"
(cd "$copy" && PATH=$scratch/bin:$PATH sh -euc "$command") >"$scratch/log" 2>&1 || { cat "$scratch/log"; fail "no package"; }
package=$scratch/lull.deb

depends=$(dpkg-deb -f "$package" Depends)
for library in libc6 libcurl4 libncursesw6; do
	case $depends in *$library*) ;; *) fail "does not depend on $library: $depends" ;; esac
done

mkdir -p "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/info" "$root/etc"
: >"$root/var/lib/dpkg/status"
everything >"$scratch/before"
package_manager --install "$package"

prefix=$root$(sed -n 's/^set(CPACK_PACKAGING_INSTALL_PREFIX "\(.*\)")$/\1/p' "$build/CPackConfig.cmake")
unit=$prefix/lib/systemd/system/lull.service
start=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$unit")
[ -x "$root$start" ] || fail "the unit starts $start, which is not in the package"
"$root$start" --version
"$root$start" serve --help | grep -q '^usage: lull serve ' || fail "lull does not find lulld"
"$root$start" config check /dev/null | grep -q 'no errors' || fail "lull does not find lull-worker"
if command -v systemd-tmpfiles >/dev/null; then
	grep -q ^lull: "$root/etc/passwd" || fail "no user lull"
	[ "$(stat -c %a "$root/run/lull")" = 2770 ] || fail "no /run/lull for the group"
fi

package_manager --remove lull
package_manager --purge lull
[ ! -e "$root/run/lull" ] || fail "a purge left the tables"
rm -rf "$root/etc" "$root/run" # the user stays, as its files may
mkdir "$root/etc"
everything >"$scratch/after"
diff "$scratch/before" "$scratch/after" || fail "left something behind"
