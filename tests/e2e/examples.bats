#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# docs/examples, each as its reader would run it: jobs of a crontab as cron starts them, the commands
# of a systemd unit, a Makefile, a script for GNU parallel. prefork.bats has the one in C.

load complete

setup() {
	complete_setup
	EXAMPLES=$LULL_SOURCE_DIR/docs/examples
	export HOME=$SCRATCH/home
	mkdir -p "$HOME/.config/lull"
	cat >"$HOME/.config/lull/config.yaml" <<-EOF
		model_list:
		  - model_name: fast
		    litellm_params: {model: openai/m1, api_base: $MOCK_URL/v1, api_key: $KEY}
		  - model_name: large
		    litellm_params: {model: openai/m2, api_base: $MOCK_URL/v1, api_key: $KEY}
	EOF
	chmod 600 "$HOME/.config/lull/config.yaml"
	cd "$HOME"
}

teardown() {
	cd /
	complete_teardown
}

# as_cron COMMAND: with what cron gives a job.
as_cron() {
	env -i HOME="$HOME" LOGNAME=somebody SHELL=/bin/sh PATH="$LULL_BIN_DIR:/usr/bin:/bin" \
		LULL_SHM_DIR="$LULL_SHM_DIR" /bin/sh -c "$1" </dev/null
}

# cron_job PATTERN: the command of the crontab's line that matches, as cron hands it to the shell.
cron_job() {
	sed -nE "s/^([0-9*/,-]+ +){5}//; t found; d; :found; /$1/ { s/\\\\%/%/g; p; }" "$EXAMPLES/crontab"
}

# unit NAME: the value of a key of the service, as systemd hands it over.
unit() {
	sed -n "s/^$1=//p" "$EXAMPLES/lull-digest.service" | sed "s|%h|$HOME|g"
}

@test "crontab: there are four jobs, and each is tried below" {
	run cron_job .
	[ "${#lines[@]}" = 4 ]
	run ! grep -qE '[^\\]%' <(grep -v '^#' "$EXAMPLES/crontab")
}

@test "crontab: each minute, unless it cools, and a message without an answer stays" {
	cp "$EXAMPLES/inbox.sh" .
	mkdir inbox done
	echo hi >inbox/a.txt
	echo ho >inbox/b.txt
	lull cool fast 10m
	run -75 as_cron "$(cron_job inbox.sh)"
	[ -z "$output" ]
	[ "$(mock_count)" = 0 ]

	lull clear fast
	mock_rules '[{"status": 400}]'
	run -65 as_cron "$(cron_job inbox.sh)"
	[ -n "$output" ] # for the mail
	[ -e inbox/a.txt ] && [ -e inbox/b.txt ] && [ ! -e done/a.txt ]

	mock_rules '[]'
	run -0 as_cron "$(cron_job inbox.sh)"
	[ -z "$output" ]
	[ "$(cat done/a.txt done/b.txt)" = $'Answer from m1.\nAnswer from m1.' ]
	[ -z "$(ls inbox)" ]
}

@test "crontab: each hour, with the first that is ready" {
	lull cool fast 10m
	run -0 as_cron "$(cron_job 'lull wait')"
	[ -z "$output" ]
	[ "$(<thoughts.txt)" = "Answer from m2." ]

	lull cool large 10m
	run -0 as_cron "$(cron_job 'lull wait' | sed 's/--timeout 10m/--timeout 100ms/')"
	[ -z "$output" ]
	[ "$(wc -l <thoughts.txt)" = 1 ]
}

@test "crontab: each day, a script of one's own with the model that Lull names" {
	cat >report.sh <<-'EOF'
		#!/bin/sh
		[ "$LULL_MODEL" = large ] || exit 75
		echo "report by $LULL_MODEL"
	EOF
	chmod +x report.sh
	run -0 as_cron "$(cron_job report.sh)"
	[ -z "$output" ]
	[ "$(<report.txt)" = "report by large" ]
	run -75 lull check -q fast
}

@test "crontab: each night, and what is answered is not asked again" {
	for ((i = 0; i < 20; i++)); do
		echo '{"custom_id":"'$i'","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user","content":"hi"}]}}'
	done >all.jsonl
	head -n 12 all.jsonl >nightly.jsonl
	run -0 as_cron "$(cron_job 'lull batch')"
	[ -z "$output" ]
	cp all.jsonl nightly.jsonl
	run -0 as_cron "$(cron_job 'lull batch')"
	[ "$(jq -r .custom_id nightly.out.jsonl | sort -n | uniq -c | awk '{ print $1 $2 }' | xargs)" = "$(printf '1%d ' {0..19} | xargs)" ]
	[ "$(mock_count)" = 20 ]
}

@test "systemd: the unit's commands do what its comments say" {
	mkdir notes
	echo "a note" >notes/a.txt
	cd notes
	[ "$(unit WorkingDirectory)" = "$PWD" ]
	sh -c "$(unit ExecCondition)"
	sh -c "$(unit ExecStart)"
	sh -c "$(unit ExecStartPost)"
	[ "$(<digest)" = "Answer from m1." ]

	lull cool fast 10m
	lull cool large 10m
	run -124 sh -c "$(unit ExecCondition | sed 's/--timeout 1h/--timeout 100ms/')"
	run -"$(unit SuccessExitStatus)" sh -c "$(unit ExecStart)"
}

@test "systemd: units that systemd itself has nothing to say of" {
	command -v systemd-analyze >/dev/null || skip "no systemd-analyze"
	mkdir units
	# it looks for the programs where systemd would
	for name in service timer; do
		sed -E "s|=(lull\|sh\|mv) |=$BATS_TEST_TMPDIR/\1 |" "$EXAMPLES/lull-digest.$name" >"units/lull-digest.$name"
	done
	for program in lull sh mv; do
		ln -s "$(command -v $program)" "$BATS_TEST_TMPDIR/$program"
	done
	run -0 systemd-analyze verify --user --man=no "units/lull-digest.service" "units/lull-digest.timer"
	[ -z "$output" ]
}

@test "make: only what is missing is asked for, and nothing half-made stays" {
	command -v make >/dev/null || skip "no make"
	cp "$EXAMPLES/Makefile" .
	for name in a b c; do
		echo "Hello" >$name.en.txt
	done
	run -0 make -j4
	[ "$(cat ./*.fr.txt | sort -u)" = "Answer from m1." ]
	[ "$(mock_count)" = 3 ]
	touch -d '1 hour ago' ./*.en.txt
	run -0 make -j4
	[ "$(mock_count)" = 3 ]

	touch b.en.txt
	mock_rules '[{"status": 400}]'
	run -2 make
	[ ! -e b.fr.txt ]
	[ -e a.fr.txt ]
}

@test "GNU parallel: eight at a time, and the next time only what is missing" {
	parallel --version 2>/dev/null | grep -q '^GNU parallel' || skip "no GNU parallel"
	cp "$EXAMPLES/parallel.sh" .
	mkdir prompts
	for ((i = 0; i < 12; i++)); do
		echo "prompt $i" >prompts/$i.txt
	done
	mock_rules '[{"model": "m1", "status": 429, "headers": {"Retry-After": 60}}, {"model": "m2", "responses": [{"times": 2, "text": "two"}, {"times": 1, "status": 400}, {"text": "two"}]}]'
	run ! ./parallel.sh
	[ "$(find answers -name '*.txt' | wc -l)" = 11 ]
	[ "$(mock_count m1)" -le 8 ] # those that were under way before the first answer
	mock_rules '[]'
	run -0 ./parallel.sh
	[ "$(find answers -name "*.txt" -size +0 | wc -l)" = 12 ]
	[ "$(mock_count)" -le 24 ]
}
