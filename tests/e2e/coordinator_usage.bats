#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The command line of lull: help, mistakes, man pages, verbs of other programs, output that fails.

load coordinator
bats_require_minimum_version 1.5.0

VERBS="check wait run status cool hold clear events watch metrics init reset doctor serve"
HANDED_OVER="top complete batch config explain-error resolve"

setup() {
	coordinator_setup
}

# Verbs with the options and the page of a verb of the table.
ALIKE="$VERBS top"

# Paragraphs, each on one line.
joined() {
	awk 'BEGIN { RS = ""; FS = "[ \n]+" } { $1 = $1; print }'
}

# The usage of `lull VERB --help`.
usage_of() {
	lull "$1" --help | joined | sed -n 's/^usage: //p'
}

# The paragraphs of a page's SYNOPSIS, without markup.
synopsis_of() {
	sed -n '/^# SYNOPSIS/,/^# DESCRIPTION/p' "$1" | sed -e '/^#/d' -e 's/[*_]//g' | joined
}

@test "every verb has help with options and examples" {
	for verb in $ALIKE; do
		run -0 --separate-stderr lull "$verb" --help
		[[ $output == *"usage: lull $verb "* ]]
		[[ $output == *$'\noptions:\n'*--table* ]]
		[[ $output == *$'\nexamples:\n'*"lull $verb"* ]]
		[ -z "$stderr" ]
		[ "$(awk '{ if (length > 100) n++ } END { print n + 0 }' <<<"$output")" = 0 ]
		[ "$output" = "$(lull "$verb" -h)" ]
	done
}

@test "help of check, whole" {
	run -0 lull check --help
	diff - <(echo "$output") <<-'EOF'
		say whether a model is ready, and in how many seconds it will be

		usage: lull check [--all] [--json] [--table NAME] [-q|-v] NAME|KEY...

		Exit status 0 if any is ready (with --all: if all are), 75 if not. A name means
		every route of that model. Nothing is changed, no request is made.

		options:
		      --all          exit 0 only if all are ready
		      --json         print JSON
		      --table NAME   the table of that name instead of the configured or default one
		  -q, --quiet        no confirmations and no warnings; errors remain
		  -v, --verbose      say which table is used, and each time why it is not shared
		  -h, --help         print this text
		      --version      print the version

		examples:
		  lull check gpt-4o
		      print its state; exit 0 or 75
		  lull check -q gpt-4o claude-sonnet-4 || exit 0
		      in a cron script: come again later unless one of the two is ready
		  lull check --all --json gpt-4o claude-sonnet-4
		      for programs
	EOF
}

@test "lull --help names every verb, lull --version the version" {
	run -0 lull --help
	for verb in $VERBS $HANDED_OVER; do
		grep -q "^  $verb " <<<"$output"
	done
	[ "$output" = "$(lull -h)" ]
	run -0 lull --version
	[[ $output =~ ^lull\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	[ "$output" = "$(lull check --version)" ]
}

@test "the synopsis of each man page is what --help says" {
	for verb in $ALIKE; do
		case $verb in
		hold | clear) page=lull-cool ;;
		*) page=lull-$verb ;;
		esac
		synopsis_of "$LULL_SOURCE_DIR/docs/man/$page.1.scd" | grep -Fx "$(usage_of "$verb")"
	done
}

@test "each option of --help is on the man page of its verb" {
	for verb in $ALIKE; do
		case $verb in
		hold | clear) page=lull-cool ;;
		*) page=lull-$verb ;;
		esac
		options=$(lull "$verb" --help | sed -nE '/^options:/,/^$/s/^ +(-.,? ?)?(--[a-z-]+).*/\2/p')
		[ "$(wc -w <<<"$options")" -ge 5 ]
		for option in $options; do
			sed '/^# OPTIONS/,/^# /!d' "$LULL_SOURCE_DIR/docs/man/$page.1.scd" \
				"$LULL_SOURCE_DIR/docs/man/lull.1.scd" | grep -q -- "^.*\*$option\*" ||
				{ echo "$verb $option is on no page"; false; }
		done
	done
}

@test "each verb has its man page, and mandoc finds nothing but scdoc's habits" {
	for tool in scdoc mandoc; do
		[ -n "$(command -v $tool)" ] || skip "no $tool"
	done
	for page in "$LULL_SOURCE_DIR"/docs/man/lull{,-*}.1.scd; do
		scdoc <"$page" >"$SCRATCH/page.1"
		! mandoc -T lint -W warning "$SCRATCH/page.1" | grep -v 'skipping paragraph macro' || return 1
	done
}

@test "mistakes are one sentence, where to read, and 64" {
	while IFS='|' read -r line expected; do
		# shellcheck disable=SC2086
		run -64 --separate-stderr lull $line
		[ -z "$output" ]
		diff <(echo "$stderr") <(printf '%s\n' "lull: $expected" "lull: try 'lull $(
			[[ $VERBS == *${line%% *}* && -n $line ]] && echo "${line%% *} "
		)--help'")
	done <<-'EOF'
		|a verb is missing: expected check, status, complete or another
		chekc|there is no verb 'chekc'; did you mean 'check'?
		stats|there is no verb 'stats'; did you mean 'status'?
		compleet|there is no verb 'compleet'; did you mean 'complete'?
		frobnicate|there is no verb 'frobnicate'
		--frobnicate|there is no verb '--frobnicate'
		check|'lull check' needs NAME|KEY...
		cool gpt-4o|'lull cool' needs NAME|KEY DURATION
		cool a b c|'c' is one argument too many for 'lull cool'
		hold|'lull hold' needs NAME|KEY
		clear|'lull clear' needs NAME|KEY|--all
		clear --all a|'a' is one argument too many for 'lull clear --all'
		events x|'x' is one argument too many for 'lull events'
		check --tabel x a|there is no option '--tabel'; did you mean '--table'?
		check --frobnicate a|there is no option '--frobnicate'
		check -z a|there is no option '-z'
		check --all=x a|--all takes no value
		check a --table|--table needs a value: NAME
		events -n|-n needs a value: N
		check -q -v a|-q and -v exclude each other
		wait --timeout soon a|'soon' is no TIME: expected 1ms to 24h, such as 100ms, 45s, 10m or 1h
		wait --timeout 0 a|'0' is no TIME: expected 1ms to 24h, such as 100ms, 45s, 10m or 1h
		run -m a|'lull run' needs -- COMMAND [ARG...]
		run true|'lull run' needs --model NAME
		run -m a --cool-on 3,256 true|'3,256' is no list of exit codes: expected numbers from 1 to 255, such as 4,75
		run -m a --cool-on 0 true|'0' is no list of exit codes: expected numbers from 1 to 255, such as 4,75
		run -m a --cool-on 4, true|'4,' is no list of exit codes: expected numbers from 1 to 255, such as 4,75
		run -m a --cool-on -1 true|'-1' is no list of exit codes: expected numbers from 1 to 255, such as 4,75
		run -m a --cool-on-output ( true|'(' is no regular expression: Unmatched ( or \(
		run -m route:a true|'route:a' is no name: a command is run by the name of a model
		run -m a --budget 25h true|'25h' is no TIME: expected 1ms to 24h, such as 100ms, 45s, 10m or 1h
		run -m a --cooldown 1ms true|'1ms' is no TIME: expected 50ms to 23h, such as 100ms, 45s, 10m or 1h
		check --table a/b c|a table's name is 1 to 200 bytes without '/' inside
	EOF
}

@test "names and keys that cannot be are refused" {
	long=$(printf 'x%.0s' {1..185})
	run -64 --separate-stderr lull check "$long"
	[ "${stderr_lines[0]}" = "lull: '$long' is too long: a name or key has at most 184 bytes" ]
	run -0 lull check "${long:1}"
	for name in "" route: $'a\tb' $'\x7f'; do
		run -64 --separate-stderr lull check "$name"
		[[ ${stderr_lines[0]} == *" is no name and no key: expected 1 to 184 bytes without control characters" ]]
		run -64 --separate-stderr lull hold "$name"
	done
	[ -z "$(ls -A "$LULL_SHM_DIR")" ]
}

@test "options may stand anywhere, and -- ends them" {
	lull hold gpt-4 -q
	run -75 lull check gpt-4 --all
	lull hold -q -- --strange
	run -75 lull check -- --strange
}

@test "other programs' verbs are handed over whole" {
	with_worker <<-'EOF'
		printf '[%s]' "$@"
		exit 42
	EOF
	cp "$SCRATCH/bin/lull-worker" "$SCRATCH/bin/lull-top"
	for verb in $HANDED_OVER; do
		run -42 lull "$verb" --help "a b" "" -- -x
		[ "$output" = "[$verb][--help][a b][][--][-x]" ]
	done
	# stdin, stdout and signals are the other's
	with_worker <<-'EOF'
		cat
		kill -PIPE $$
		sleep 5
	EOF
	run -141 lull complete <<<"text"
	[ "$output" = text ]
}

@test "a missing or broken program says so" {
	with_worker <<<"exit 0"
	rm "$SCRATCH/bin/lull-worker"
	run -127 --separate-stderr lull complete hello
	[ "$stderr" = "lull: 'lull complete' is done by lull-worker, which was not found in $SCRATCH/bin/ or its ../libexec/lull/" ]
	mkdir "$SCRATCH/bin/lull-worker"
	run -126 --separate-stderr lull complete hello
	[ "$stderr" = "lull: unable to start $SCRATCH/bin/lull-worker: Permission denied" ]
}

@test "a stdout that cannot be written is an error" {
	lull hold -q gpt-4
	for verb in "check gpt-4" status "status --json" events doctor "hold gpt-4" "check --help"; do
		run -74 --separate-stderr bash -c "lull $verb >/dev/full"
		[ "$stderr" = "lull: unable to write to stdout: No space left on device" ]
		run -74 --separate-stderr bash -c "lull $verb >&-"
		[ "$stderr" = "lull: unable to write to stdout: Bad file descriptor" ]
	done
	mkfifo "$SCRATCH/pipe"
	exec 7<>"$SCRATCH/pipe" 8>"$SCRATCH/pipe" 7>&-
	run -74 --separate-stderr bash -c "lull status >&8"
	[ "$stderr" = "lull: unable to write to stdout: Broken pipe" ]
	run -75 bash -c "lull check -q gpt-4 >&-" # nothing to write, so no error
}

@test "closed descriptors do not become the table" {
	lull hold -q gpt-4 <&- 2>&-
	run -75 bash -c 'lull check gpt-4 <&- 2>&-'
	[ "$output" = "gpt-4: held until cleared" ]
}

@test "a problem with the table is told once, always with -v, never with -q" {
	export LULL_DISABLE=1
	run -0 --separate-stderr lull check gpt-4
	[[ $stderr == "lull: "*LULL_DISABLE* ]]
	[ "$output" = "gpt-4: ready (not in the table)" ]
	run -0 --separate-stderr lull check gpt-4
	[ -z "$stderr" ]
	run -0 --separate-stderr lull check -v gpt-4
	[[ $stderr == "lull: "*LULL_DISABLE* ]]
	run -0 --separate-stderr lull check -q gpt-4
	[ -z "$stderr" ]
}

@test "-v says which table" {
	run -0 --separate-stderr lull check -v gpt-4
	[ "$stderr" = "lull: table: $LULL_SHM_DIR/lull1-u$(id -u)" ]
	run -0 --separate-stderr lull hold -v gpt-4
	[ "$stderr" = "lull: table: $LULL_SHM_DIR/lull1-u$(id -u)" ]
}
