#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The units of systemd, as they are installed: without a mistake, and no looser than they were.

load ../support/mock
bats_require_minimum_version 1.5.0

PAGE=$LULL_SOURCE_DIR/docs/operations.md

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

# enabled UNIT: by the command that it begins with, and the service with the socket
enabled() {
	SYSTEMD_OFFLINE=1 bash -c "$(sed -nE 's/^#.*`(systemctl [^`]*enable [^`]*)`.*/\1/p' "$LULL_SOURCE_DIR/packaging/systemd/$1" |
		sed "s|^systemctl enable|systemctl --root=$SCRATCH/root enable|; s| --now||; s|\(.*\)socket$|&; \1service|")"
}

# are_wanted DIR [OPTION]: both units, by targets that exist
are_wanted() {
	local unit target

	for unit in lull.socket lull.service; do
		target=$(compgen -G "$1/*.wants/$unit")
		systemd-analyze verify "${@:2}" --man=no "$(basename "${target%/*}" .wants)"
	done
}

@test "enabled as their first words say, they are wanted by targets that exist" {
	[ -n "$(command -v systemctl)" ] || skip "no systemctl"
	mkdir -p "$SCRATCH/root/etc/systemd" "$XDG_CONFIG_HOME/systemd"
	cp -r "$SCRATCH/system" "$SCRATCH/root/etc/systemd/"
	cp -r "$SCRATCH/user" "$XDG_CONFIG_HOME/systemd/"
	enabled lull.service.in
	are_wanted "$SCRATCH/root/etc/systemd/system"
	enabled user/lull.service.in
	are_wanted "$XDG_CONFIG_HOME/systemd/user" --user
}

# What docs/operations.md adds to the unit, each ended by a NUL; the program is where it was built
drop_ins() {
	awk '/^    \[Service\]/ { inside = 1 } inside && !/^    / { printf "%c", 0; inside = 0 } inside { print substr($0, 5) }' "$PAGE" |
		sed "s#=/usr/bin/lull #=$LULL_BIN_DIR/lull #"
}

@test "what docs/operations.md adds to the unit" {
	local count=0 drop_in

	mkdir "$SCRATCH/system/lull.service.d"
	mapfile -d '' drop_ins < <(drop_ins)
	for drop_in in "${drop_ins[@]}"; do
		printf %s "$drop_in" >"$SCRATCH/system/lull.service.d/local.conf"
		run -0 systemd-analyze verify --man=no "$SCRATCH/system/lull.service"
		[ -z "$output" ]
		count=$((count + 1))
	done
	[ "$count" = 2 ]
}

@test "the service, set up as docs/operations.md says, as the unit has it and with what the page adds" {
	unshare -rnmp --fork --mount-proc true 2>/dev/null || skip "no namespaces to be had"
	export SCRATCH PAGE LULL_SOURCE_DIR LULL_BIN_DIR
	drop_ins | tr '\0' '\n' | cat "$SCRATCH/system/lull.service" - >"$SCRATCH/with_drop_ins"
	unshare -rnmp --fork --mount-proc bash -euc '
		source "$LULL_SOURCE_DIR/tests/support/mock.bash"
		ip link set lo up
		mount -t tmpfs none /run
		mkdir "$SCRATCH/etc"
		cp -r /etc/passwd /etc/ld.so.* /etc/ssl "$SCRATCH/etc" 2>/dev/null || true
		echo lull:x:0: >"$SCRATCH/etc/group"
		mount --bind "$SCRATCH/etc" /etc
		mock_start
		cd "$SCRATCH"
		echo OPENAI_API_KEY=sk-of-the-environment >keys
		cat >lull.yaml <<-END
			model_list:
			  - {model_name: one, litellm_params: {model: openai/one, api_base: $MOCK_URL/v1, api_key: os.environ/OPENAI_API_KEY}}
			  - {model_name: two, litellm_params: {model: openai/two, api_base: $MOCK_URL/v1, $(grep -o "api_key: file:[^\`]*" "$PAGE")}}
		END

		sudo() { "$@"; }
		eval "$(sed -n "s/^    \(sudo install \)/\1/p" "$PAGE")"
		IFS=: read -r name file < <(sed -n "s/^LoadCredentialEncrypted=//p" with_drop_ins)
		mkdir -p /run/credentials/lull.service
		echo sk-of-the-credential | tee "$file" >"/run/credentials/lull.service/$name"
		ls $(grep -o "/etc/lull/[a-z.]*" "$PAGE")

		for unit in system/lull.service with_drop_ins; do
			: >said
			(
				set -a
				source "$(sed -n "s/^EnvironmentFile=-//p" $unit)"
				exec $(sed -n "s/^ExecStart=//p" $unit | tail -n 1)
			) >said 2>&1 &
			server=$!
			until_true grep -q event=ready said
			for model in one two; do
				mock_ask --fail-with-body http://127.0.0.1:4000/v1/chat/completions -d "{\"model\": \"$model\", \"messages\": []}"
			done
			[ "$(mock_requests ".requests[].headers.authorization" | paste -sd,)" = "Bearer sk-of-the-environment,Bearer sk-of-the-credential" ]
			mock_reset
			[ $unit = system/lull.service ] || mock_ask --fail http://127.0.0.1:4001/health
			kill $server
			wait $server
		done
	' || {
		cat "$SCRATCH/said"
		return 1
	}
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
