#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The units of systemd, as they are installed: without a mistake, and no looser than they were.

load ../support/mock
bats_require_minimum_version 1.5.0

setup() {
	scratch_make
	[ -n "$(command -v systemd-analyze)" ] || skip "no systemd-analyze"
	for kind in system user; do
		mkdir -p "$SCRATCH/$kind"
		cp "$LULL_BIN_DIR/../packaging/$kind/lull.service" "$SCRATCH/$kind/"
		# the program is where it was built
		sed -i "s#^ExecStart=[^ ]*/lull #ExecStart=$LULL_BIN_DIR/lull #" "$SCRATCH/$kind/lull.service"
	done
	cp "$LULL_SOURCE_DIR/packaging/systemd/lull.socket" "$SCRATCH/system/"
	cp "$LULL_SOURCE_DIR/packaging/systemd/user/lull.socket" "$SCRATCH/user/"
}

@test "systemd-analyze verify has nothing to say" {
	run -0 systemd-analyze verify --man=no "$SCRATCH"/system/lull.{service,socket}
	[ -z "$output" ]
	run -0 systemd-analyze --user verify --man=no "$SCRATCH"/user/lull.{service,socket}
	[ -z "$output" ]
}

@test "what docs/operations.md adds to the unit" {
	local count=0 drop_in

	mkdir "$SCRATCH/system/lull.service.d"
	mapfile -d '' drop_ins < <(awk '/^    \[Service\]/ { inside = 1 } inside && !/^    / { printf "%c", 0; inside = 0 } inside { print substr($0, 5) }' \
		"$LULL_SOURCE_DIR/docs/operations.md")
	for drop_in in "${drop_ins[@]}"; do
		sed "s#=/usr/bin/lull #=$LULL_BIN_DIR/lull #" <<<"$drop_in" >"$SCRATCH/system/lull.service.d/local.conf"
		run -0 systemd-analyze verify --man=no "$SCRATCH/system/lull.service"
		[ -z "$output" ]
		count=$((count + 1))
	done
	[ "$count" = 2 ]
}

@test "systemd-analyze security stays below 2.0" {
	systemd-analyze security --help | grep -q -- --threshold || skip "an old systemd-analyze"
	run -0 systemd-analyze security --offline=yes --threshold=20 "$SCRATCH/system/lull.service"
}

@test "the deadline of the unit is above that of the drain" {
	for kind in system user; do
		[ "$(sed -n 's/^TimeoutStopSec=//p' "$SCRATCH/$kind/lull.service")" -gt 31 ]
		grep -x KillMode=mixed "$SCRATCH/$kind/lull.service"
	done
}

@test "the user and the directory that the unit names are made" {
	[ -n "$(command -v systemd-tmpfiles)" ] && [ "$(id -u)" = 0 ] || skip "no systemd-tmpfiles, or not root"
	mkdir -p "$SCRATCH/root/etc"
	systemd-sysusers --root="$SCRATCH/root" "$LULL_SOURCE_DIR/packaging/systemd/lull.sysusers"
	systemd-tmpfiles --root="$SCRATCH/root" --create "$LULL_SOURCE_DIR/packaging/systemd/lull.tmpfiles"
	[ "$(stat -c %a "$SCRATCH/root/run/lull")" = 2770 ]
	[ "$(stat -c %g "$SCRATCH/root/run/lull")" = "$(awk -F: '$1 == "lull" { print $3 }' "$SCRATCH/root/etc/group")" ]
}
