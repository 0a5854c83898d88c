#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lull doctor: which table, whose, what others, what will delete it, and what to do.

load coordinator
bats_require_minimum_version 1.5.0

setup() {
	coordinator_setup
	with_worker <<-EOF
		exit 0
	EOF
}

# The findings on stdin (JSON) about $1: "level text" a line.
about() {
	jq -r --arg about "$1" '.findings[] | select(.about == $about) | "\(.level) \(.text)"' | masked
}

# Runs a script as root of a mount namespace with empty /run, /etc/systemd and /dev/shm of its own,
# where $LULL is a copy of lull that everybody may run. Skips where that is not allowed.
with_own_mounts() {
	[ -d /etc/systemd ] || skip "no /etc/systemd here"
	unshare -m true 2>/dev/null || skip "mount namespaces are not allowed here"
	cat >"$SCRATCH/script"
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$SCRATCH" 2>/dev/null || true
	unset LULL_SHM_DIR
	run "$@" unshare -m bash -euc '
		mount -t tmpfs tmpfs /run
		mount -t tmpfs tmpfs /etc/systemd
		mount -t tmpfs -o mode=1777 "${SHM_SOURCE:-tmpfs}" /dev/shm
		mkdir -p /run/systemd/users /run/bin
		cp "$1"/bin/* /run/bin/
		LULL=/run/bin/lull
		source "$1/script"' bash "$SCRATCH"
}

as_user() {
	setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"
}
export -f as_user

@test "a table that is not there yet is healthy" {
	run -0 lull doctor --json
	[ "$(about table <<<"$output")" = "ok SCRATCH/shm/lull1-u$(id -u) is not there yet; the first call makes it, or 'lull init'" ]
	jq -e '.v == 1 and .healthy and .shared == false and .problem == null' <<<"$output"
	[ -z "$(ls -A "$LULL_SHM_DIR")" ]
}

@test "a shared table: whose, how old, how full" {
	lull init -q --slots 64
	lull hold -q gpt-4
	run -0 lull doctor --json
	[ "$(about table <<<"$output")" = "ok SCRATCH/shm/lull1-u$(id -u): shared; owner $(id -un) ($(id -u)), group $(id -gn) ($(id -g)), mode 0600" ]
	[ "$(about age <<<"$output" | sed -E 's/[0-9]+\.[0-9] s/LEFT s/')" = "ok made TIME, LEFT s ago, since the host booted" ]
	[ "$(about room <<<"$output")" = "ok 1 of 64 slots used" ]
	jq -e --argjson uid "$(id -u)" '.shared and .owner_uid == $uid and .mode == "0600" and .slots == 64 and .slots_used == 1 and .events == 1 and .full_rejects == 0 and .size_bytes > 65536 and .made_at != null' <<<"$output"
}

@test "text says the level first and what to do next" {
	run -0 lull doctor
	[ "$(head -1 <<<"$output" | masked)" = "ok       table         SCRATCH/shm/lull1-u$(id -u) is not there yet; the first call makes it, or 'lull init'" ]
	grep -A1 "^note     environment   LULL_SHM_DIR=$LULL_SHM_DIR$" <<<"$output" |
		grep -q "^                       next: programs without it, or with another, use another table$"
	run -0 lull doctor -q
	[ -z "$output" ]
}

@test "a table that cannot be shared is a problem" {
	LULL_DISABLE=1 run -1 lull doctor --json
	[[ $(about table <<<"$output") == "problem not shared: "*LULL_DISABLE* ]]
	jq -e '.healthy == false and (.problem | test("LULL_DISABLE"))' <<<"$output"
	[ "$(jq -r '.findings[] | select(.about == "table") | .next' <<<"$output")" = "unset LULL_DISABLE" ]
	echo rubbish >"$LULL_SHM_DIR/lull1-u$(id -u)"
	chmod 644 "$LULL_SHM_DIR/lull1-u$(id -u)"
	run -1 lull doctor --json
	[[ $(about table <<<"$output") == "problem not shared: "* ]]
}

@test "where something else stands in the table's place, what doctor advises works" {
	local place=$LULL_SHM_DIR/lull1-u$(id -u) plant

	for plant in "mkdir -p $place/inside" "mkfifo $place" "ln -s nowhere $place"; do
		$plant
		run -1 lull doctor --json
		[[ $(jq -r '.findings[] | select(.about == "table") | .next' <<<"$output") == "move away what stands there, "* ]]
		mv "$place" "$SCRATCH/away"
		lull hold -q gpt-4
		run -0 lull doctor --json
		[[ $(about table <<<"$output") == "ok "*": shared; "* ]]
		rm -r "$SCRATCH/away" "$place"
	done
	echo rubbish >"$place"
	chmod 644 "$place"
	run -1 lull doctor --json
	[[ $(jq -r '.findings[] | select(.about == "table") | .next' <<<"$output") == "'lull reset' makes a new table "* ]]
	lull reset -q
	run -0 lull doctor
}

@test "a directory that is missing is a problem" {
	LULL_SHM_DIR=$SCRATCH/nowhere run -1 lull doctor --json
	[[ $(about table <<<"$output") == "problem "*"SCRATCH/nowhere"* ]]
}

@test "a full table is a problem, with the way out" {
	lull init -q --slots 16
	for i in {1..16}; do
		lull hold -q "n$i"
	done
	run -1 lull doctor --json
	[ "$(about room <<<"$output")" = "problem full: 16 of 16 slots used; a further key is not shared (so far 0 times)" ]
	fail_route rate_limited 429 30000 || true
	run -1 lull doctor --json
	[[ $(about room <<<"$output") =~ ^"problem full: 16 of 16 slots used; a further key is not shared (so far "[1-9][0-9]*" times)"$ ]]
	[ "$(jq -r '.findings[] | select(.about == "room") | .next' <<<"$output")" = "lull reset --slots N, with N twice as large" ]
}

@test "other tables are named, with their owners" {
	lull init -q
	lull init -q --table lull-other
	lull init -q --table jobs
	echo notes >"$LULL_SHM_DIR/notes"
	run -0 lull doctor --json
	about "other table" <<<"$output" | grep -q "^note SCRATCH/shm/jobs: owner"
	about "other table" <<<"$output" | (! grep -q "SCRATCH/shm/notes")
	about "other table" <<<"$output" | grep -qx "note SCRATCH/shm/lull-other: owner $(id -un) ($(id -u)), mode 0600"
	about "other table" <<<"$output" | (! grep -q "lull1-u$(id -u):.*SCRATCH")
}

@test "the environment in force is listed" {
	run -0 env -u LULL_SHM_DIR lull doctor --json
	[ "$(about environment <<<"$output")" = "ok no variable of Lull's is set" ]
	touch "$SCRATCH/c.yaml"
	LULL_SHM_NAME=x LULL_SHM_GROUP=$(id -g) LULL_CONFIG=$SCRATCH/c.yaml run -0 lull doctor --json
	[ "$(about environment <<<"$output")" = "note LULL_SHM_NAME=x
note LULL_SHM_DIR=SCRATCH/shm
note LULL_SHM_GROUP=$(id -g)
note LULL_CONFIG=SCRATCH/c.yaml" ]
}

@test "the configuration is named, and the table that it leads to" {
	run -0 lull doctor --json
	[ "$(about configuration <<<"$output")" = "ok there is none" ]
	export LULL_CONFIG=$SCRATCH/c.yaml
	run -1 lull doctor --json
	[ "$(about configuration <<<"$output")" = "problem SCRATCH/c.yaml cannot be read: No such file or directory" ]
	cp "$LULL_BIN_DIR/lull-worker" "$SCRATCH/bin/lull-worker"
	echo 'model_list: []' >"$LULL_CONFIG"
	run -0 lull doctor --json
	[ "$(about configuration <<<"$output")" = "ok SCRATCH/c.yaml names no table" ]
	echo 'lull: {table: team}' >"$LULL_CONFIG"
	run -0 lull doctor --json
	[ "$(about configuration <<<"$output")" = "note SCRATCH/c.yaml leads to the table named team" ]
	[[ $(about table <<<"$output") == "ok SCRATCH/shm/team is not there yet; "* ]]
	echo 'lull: {table: [}' >"$LULL_CONFIG"
	run -1 --separate-stderr lull doctor --json
	[ "$(about configuration <<<"$output")" = "problem SCRATCH/c.yaml was not understood" ]
	[[ $stderr == *"lull: $LULL_CONFIG was not understood, so which table it names is not known; "* ]]
}

@test "a missing lull-worker is a problem" {
	run -0 lull doctor --json
	[ "$(about programs <<<"$output")" = "ok lull-worker: SCRATCH/bin/lull-worker" ]
	rm "$SCRATCH/bin/lull-worker"
	run -1 lull doctor --json
	[ "$(about programs <<<"$output")" = "problem lull-worker was not found in SCRATCH/bin/ or its ../libexec/lull/" ]
	mkdir -p "$SCRATCH/libexec/lull"
	touch "$SCRATCH/libexec/lull/lull-worker"
	run -0 lull doctor --json
	[ "$(about programs <<<"$output")" = "ok lull-worker: SCRATCH/bin/../libexec/lull/lull-worker" ]
}

@test "a table elsewhere is deleted by no logout" {
	run -0 lull doctor --json
	[ "$(about deletion <<<"$output")" = "ok not in /dev/shm, so no logout deletes it" ]
}

@test "logind deletes the table of an ordinary user, not of a system user" {
	with_own_mounts -0 <<-'EOF'
		for uid in 12345 1; do as_user $uid "$LULL" doctor --json; done
	EOF
	[ "$(about deletion <<<"$output")" = "note systemd-logind deletes it when the last session of user 12345 ends, also that of a cron job (RemoveIPC)
ok no logout deletes it: user $(id -un 1) (1) is a system user or lingers" ]
}

@test "logind's configuration is read as logind reads it" {
	with_own_mounts -0 <<-'EOF'
		state() { as_user 12345 "$LULL" doctor --json | jq -r '.findings[] | select(.about == "deletion") | .level'; }
		printf '[Login]\n# RemoveIPC=yes\n RemoveIPC = no \n' >/etc/systemd/logind.conf; state
		mkdir /etc/systemd/logind.conf.d /run/systemd/logind.conf.d
		printf '[Login]\nRemoveIPC=yes\n' >/run/systemd/logind.conf.d/20.conf; state
		printf '[Login]\nRemoveIPC=no\n' >/etc/systemd/logind.conf.d/10.conf; state
		printf '[Login]\nRemoveIPC=off\n' >/etc/systemd/logind.conf.d/30.conf; state
		printf '[Login]\nRemoveIPC=1\n' >/etc/systemd/logind.conf.d/40.txt; state
		rm -r /run/systemd/users /etc/systemd/logind.conf /etc/systemd/logind.conf.d; state
	EOF
	[ "$(paste -sd' ' <<<"$output")" = "ok note note ok ok ok" ]
}

@test "a container with a /dev/shm of its own says so" {
	SHM_SOURCE=shm with_own_mounts -0 <<-'EOF'
		touch /run/.containerenv
		"$LULL" doctor --json
	EOF
	[ "$(about container <<<"$output")" = "note /run/.containerenv: this is a container with a /dev/shm of its own; the host and other containers use other tables" ]
	jq -e '.findings[] | select(.about == "container") | .next | test("--ipc=host")' <<<"$output"
	with_own_mounts -0 <<-'EOF'
		touch /run/.containerenv
		"$LULL" doctor --json
	EOF
	[ "$(about container <<<"$output")" = "note /run/.containerenv: this is a container; whoever else has its /dev/shm shares the table" ]
}

@test "a /dev/shm without room, or read-only, is a problem" {
	with_own_mounts -0 <<-'EOF'
		mount -o remount,size=64k /dev/shm
		"$LULL" doctor --json || [ $? = 1 ]
		mount -o remount,ro,size=64m /dev/shm
		"$LULL" doctor --json || [ $? = 1 ]
		mount -o remount,rw,size=64m /dev/shm
		"$LULL" doctor --json
	EOF
	[ "$(about memory <<<"$output")" = "problem /dev/shm has 64 KiB left, too little for a table
problem /dev/shm is mounted read-only
ok /dev/shm has 64 of 64 MiB left" ]
}
