# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Samples of tests/wire through the real program: a call for each, on a table of its own, with
# another route behind it that always answers. Calls run two at a time and leave their output in
# files; replay.jq says what is to be asked, and judges all that came at once.

load complete

replay_setup() {
	scratch_make
	mock_start
	umask 077
	WORK=$SCRATCH/replay
	mkdir "$WORK"
	by_name "$LULL_WIRE_DIR"/*/*.openai.json >"$WORK/answers.json"
	replay 'samples($answers[0])' --slurpfile answers "$WORK/answers.json" "$LULL_WIRE_DIR/index.json" >"$WORK/samples.json"
}

# by_name FILE...: one object, {"folder/name.json": content}
by_name() {
	jq -n 'reduce inputs as $json ({}; . + {(input_filename | split("/")[-2:] | join("/")): $json})' "$@"
}

# replay FILTER [OPTION...] [FILE...]: jq with what replay.jq defines.
replay() {
	jq -L "$BATS_TEST_DIRNAME" "include \"replay\"; $1" "${@:2}"
}

# call_one DIR NUMBER NAME OPTION...: one call, and what it leaves in its table.
call_one() {
	local file=$1/$2 table=replay-$2 code=0

	lull complete -c "$1.config" --table "$table" -m "$3" -f other "${@:4}" --json --explain hi \
		</dev/null >"$file.out" 2>"$file.err" || code=$?
	echo "$code" >"$file.code"
	lull status -q --table "$table" --json >"$file.status"
	lull events -q --table "$table" --json >"$file.events"
	rm -f "$LULL_SHM_DIR/$table"
}

# call_half DIR REST: every second row of $DIR.rows.
call_half() {
	local number name how

	jq -r '.[] | [.number, .name, .how] | @tsv' "$1.rows" |
		while IFS=$'\t' read -r number name how; do
			# shellcheck disable=SC2086 # options are words
			((number % 2 != $2)) || call_one "$1" "$number" "$name" $how
		done
}

# call_all DIR: a call for each of $DIR.rows -> what they printed, in $DIR.files, and the mock's
# $DIR.journal. The wire had no more requests than the trails say.
call_all() {
	mkdir "$1"
	replay "config($MOCK_PORT)" "$1.rows" >"$1.config"
	mock_reset
	call_half "$1" 0 &
	call_half "$1" 1
	wait $!
	jq -nR 'reduce inputs as $line ({}; .[input_filename | split("/")[-1]] += [$line])' "$1"/* >"$1.files"
	mock_requests .requests >"$1.journal"
}

# tell FILE WHAT: how many were judged. Fails if something was wrong with one, or there was none.
tell() {
	echo "# $(jq length "$1") $2" >&3
	jq -r '.[] | select(.wrong != []) | "\(.name): \(.wrong | join("; "))"' "$1"
	jq -e 'length > 0 and all(.[]; .wrong == [])' "$1" >/dev/null
}
