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

# as_cron COMMAND: with what cron, and the crontab, give a job. Its PATH is set to where lull is, as it tells its reader.
as_cron() {
	local given

	mapfile -t given < <(grep -E '^[A-Za-z_]+=' "$EXAMPLES/crontab" | sed "s|^PATH=|&$LULL_BIN_DIR:|")
	timeout 60 env -i HOME="$HOME" LOGNAME=somebody SHELL=/bin/sh PATH=/usr/bin:/bin LULL_SHM_DIR="$LULL_SHM_DIR" "${given[@]}" \
		/bin/sh -c 'exec "$SHELL" -c "$1"' - "$1" </dev/null
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

# How often each job of the crontab is run on a day, by the first words of its comment and by its fields. Fails where
# a line is neither that, nor a setting that cron knows.
cron_days() {
	awk '
		# how many of the numbers from least to most the field names
		function named(field, least, most,   count, part, parts, step, ends) {
			for (part = split(field, parts, ","); part > 0; part--) {
				if (parts[part] !~ /^(\*|[0-9]+(-[0-9]+)?)(\/[1-9][0-9]*)?$/)
					return 0
				step = split(parts[part], step_of, "/") == 2 ? step_of[2] : 1
				if (split(step_of[1] == "*" ? least "-" most : step_of[1], ends, "-") == 1)
					ends[2] = ends[1]
				if (ends[1] < least || ends[2] > most || ends[1] + 0 > ends[2] + 0)
					return 0
				count += int((ends[2] - ends[1]) / step) + 1
			}
			return count
		}
		/^#/ { if (!said) said = $2 " " $3; next }
		/^$/ { said = ""; next }
		/^(PATH|SHELL|MAILTO|HOME|CRON_TZ)=./ { next }
		NF > 5 && named($3, 1, 31) && named($4, 1, 12) && named($5, 0, 7) && (count = named($1, 0, 59) * named($2, 0, 23)) {
			print said, count
			next
		}
		{ print "cron does not take this: " $0; bad = 1 }
		END { exit bad }' "$EXAMPLES/crontab"
}

@test "crontab: each line is one that cron takes, and runs as often as is said of it" {
	run -0 cron_days
	[ "$output" = $'Each minute: 1440\nEach hour: 24\nEach day: 1\nEach night: 1' ]
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

	echo hm >inbox/c.txt
	mock_rules '[{"model": "m1", "status": 429}]'
	run -0 as_cron "$(cron_job inbox.sh)"
	[ "$(<done/c.txt)" = "Answer from m2." ]
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
	mock_rules '[{"delay_ms": 1000}]'
	run -0 as_cron "$(cron_job 'lull batch')"
	[ -z "$output" ]
	[ "$(mock_counts | jq .max_in_flight.m1)" = 8 ]

	# the next night, with a failure, and the one after
	cp all.jsonl nightly.jsonl
	lull cool fast 10m
	mock_rules '[{"responses": [{"times": 1, "status": 400}, {}]}]'
	run -1 as_cron "$(cron_job 'lull batch')"
	[ "$(wc -l <nightly.failed.jsonl)" = 1 ]
	[ "$(mock_count m1) $(mock_count m2)" = "12 8" ]
	run -0 as_cron "$(cron_job 'lull batch')"
	[ -z "$output" ]
	[ "$(jq -r .custom_id nightly.out.jsonl | sort -n | uniq -c | awk '{ print $1 $2 }' | xargs)" = "$(printf '1%d ' {0..19} | xargs)" ]
	[ "$(mock_count m1) $(mock_count m2)" = "12 9" ]
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
	mock_rules '[{"model": "m1", "status": 429}]'
	sh -c "$(unit ExecStart)"
	[ "$(<digest.new)" = "Answer from m2." ]

	lull cool fast 10m
	lull cool large 10m
	run -124 sh -c "$(unit ExecCondition | sed 's/--timeout 1h/--timeout 100ms/')"
	run -"$(unit SuccessExitStatus)" sh -c "$(unit ExecStart)"
}

@test "systemd: enabled as the first lines say, the timer is wanted by a target that exists" {
	local service=$EXAMPLES/lull-digest.service units enable

	[ -n "$(command -v systemd-analyze)" ] && [ -n "$(command -v systemctl)" ] || skip "no systemd"
	units=$HOME/$(sed -nE 's/^# (.* )?~\/([^,]+),.*/\2/p' "$service")
	enable=$(sed -nE 's/^# .*`(systemctl [^`]* --now [^`]*)`.*/\1/p' "$service")
	mkdir -p "$units"
	cp "$EXAMPLES"/lull-digest.* "$units"
	SYSTEMD_OFFLINE=1 bash -c "${enable/ --now/}"
	cd "$units"
	[ -e ./*.wants/lull-digest.timer ]
	systemd-analyze verify --user --man=no "$(basename ./*.wants .wants)"
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
	local told

	command -v make >/dev/null || skip "no make"
	mapfile -t told < <(sed '/^[^#]/,$d' "$EXAMPLES/Makefile" | grep -o '`make[^`]*`' | tr -d '`')
	[ "${#told[@]}" = 3 ]
	cp "$EXAMPLES/Makefile" .
	for name in a b c; do
		echo "Hello" >$name.en.txt
	done
	run -0 bash -c "${told[0]}"
	[ "$(cat ./*.fr.txt | sort -u)" = "Answer from m1." ]
	[ "$(mock_count)" = 3 ]
	touch -d '1 hour ago' ./*.en.txt
	run -0 bash -c "${told[0]}"
	[ "$(mock_count)" = 3 ]

	touch b.en.txt
	mock_rules '[{"status": 400}]'
	run -2 make
	[ ! -e b.fr.txt ]
	[ -e a.fr.txt ]

	# the others of it, and the next one
	rm c.fr.txt
	mock_rules '[{"responses": [{"times": 2, "status": 400}, {}]}]'
	run -2 bash -c "${told[1]}"
	[ "$(cat b.fr.txt c.fr.txt 2>/dev/null)" = "Answer from m1." ]
	lull cool fast 10m
	lull cool large 10m
	run -2 bash -c "${told[2]}"
	[[ $output == *"Error 75"* ]]
	lull clear fast
	run -0 bash -c "${told[2]}"
	[ "$(cat b.fr.txt c.fr.txt)" = $'Answer from m1.\nAnswer from m1.' ]
}

@test "make: with the second model when the first fails" {
	command -v make >/dev/null || skip "no make"
	cp "$EXAMPLES/Makefile" .
	echo "Hello" >a.en.txt
	mock_rules '[{"model": "m1", "status": 429}]'
	run -0 make
	[ "$(<a.fr.txt)" = "Answer from m2." ]
	[ "$(mock_requests '.requests[-1].body | fromjson | .messages[].role' | xargs)" = "system user" ]
}

@test "GNU parallel: eight at a time, and the next time only what is missing" {
	parallel --version 2>/dev/null | grep -q '^GNU parallel' || skip "no GNU parallel"
	cp "$EXAMPLES/parallel.sh" .
	mkdir prompts
	for ((i = 0; i < 12; i++)); do
		echo "prompt $i" >prompts/$i.txt
	done
	mock_rules '[{"model": "m1", "status": 429, "headers": {"Retry-After": 60}}, {"model": "m2", "delay_ms": 3000, "responses": [{"times": 2, "text": "two"}, {"times": 1, "status": 400}, {"text": "two"}]}]'
	run ! ./parallel.sh
	[ "$(find answers -name '*.txt' | wc -l)" = 11 ]
	[ "$(mock_count m1)" -ge 1 ]
	[ "$(mock_count m1)" -le 8 ] # those that were under way before the first answer
	[ "$(mock_counts | jq '.max_in_flight.m2 | . > 4 and . <= 8')" = true ] # a slow machine does not start eight in time
	mock_rules '[]'
	run -0 ./parallel.sh
	[ "$(find answers -name "*.txt" -size +0 | wc -l)" = 12 ]
	[ "$(mock_count)" -le 24 ]
}

# shown FORM: the example in that form, as Lull understands it
shown() {
	lull config show --json -c "$EXAMPLES/lull.$1" | jq -S 'del(.file)'
}

@test "configurations: checked and asked as the first comment says, and one is the other" {
	local told command form

	cp "$EXAMPLES/lull.yaml" .
	export GROQ_API_KEY=$KEY GROQ_API_BASE=$MOCK_URL/v1 OLLAMA_API_BASE=$MOCK_URL
	mapfile -t told < <(sed '/^[^#]/,$d' lull.yaml | grep -oE '`lull [^`]*`' | tr -d '`')
	[ "${#told[@]}" = 2 ]
	for command in "${told[@]}"; do
		run -0 --separate-stderr bash -c "$command"
		[ -n "$output" ]
		[ -z "$stderr" ]
	done
	diff <(shown yaml) <(shown json)

	# as its comments say: by order, then the fallbacks
	mock_rules '[{"status": 429}]'
	for form in yaml json; do
		lull clear -q --all
		mock_reset
		run ! lull complete -q -c "$EXAMPLES/lull.$form" -m fast hi </dev/null
		[ "$(mock_requests '.requests[].model' | xargs)" = "gpt-4o-mini llama-3.1-8b-instant gpt-4o llama3.1" ]
	done
}
