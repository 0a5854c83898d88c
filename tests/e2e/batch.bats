#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# `lull batch`: form of rows and results, mistakes with their lines, progress.

load batch
load terminal

setup() {
	batch_setup
}

teardown() {
	terminal_teardown
	batch_teardown
}

@test "OpenAI's own sample of an input is answered in OpenAI's form" {
	cp "$LULL_SOURCE_DIR/tests/wire/openai/batch_input.jsonl" in
	run -0 --separate-stderr batch in -o out
	[[ $stderr == *"4 rows: 4 answered, 0 failed"* ]]
	jq -se 'map(.custom_id) | sort == ["request-1", "request-2", "request-3", "request-4"]' out
	jq -se 'map(.id) | unique | length == 4 and all(startswith("batch_req_"))' out
	jq -se 'all(keys_unsorted == ["id", "custom_id", "response", "error"] and .error == null and
		.response.status_code == 200 and .response.body.object == "chat.completion" and
		.response.body.choices[0].message.content == "Answer from gpt-4o-mini.")' out
	# what is sent is the row's body, to the byte
	[ "$(mock_requests '.requests[].body' | sort)" = "$(jq -c .body in | sort)" ]
}

@test "stdin to stdout, in any order, one line a row" {
	rows 50 >in
	lull batch - <in >out 2>err
	complete_output 50 out
}

@test "lines that are no rows are named by number, and the rest runs" {
	cat >in <<-'EOF'
		{"custom_id":"row-0","method":"POST","url":"/v1/chat/completions","body":{"model":"openai/m","messages":[]}}
		{"custom_id":"row-0","method":"POST","url":"/v1/chat/completions","body":{"model":"openai/m","messages":[]}}
		{"custom_id":"row-\u0030","method":"POST","url":"/v1/chat/completions","body":{"model":"openai/m","messages":[]}}
		no row

		{"method":"POST","url":"/v1/chat/completions","body":{"model":"openai/m","messages":[]}}
		{"custom_id":"row-1","url":"\/v1\/chat\/completions","body":{"model":"openai/m","messages":[]}}
	EOF
	run -1 --separate-stderr batch in -o out
	complete_output 2 out
	for line in "2: its 'custom_id' has been given before" "3: its 'custom_id' has been given before" \
		"4: no JSON object: a character that begins no value" "6: it has no 'custom_id'"; do
		[[ $stderr == *"lull: in:$line"* ]]
	done
	[[ $stderr == *"2 rows: 2 answered, 0 failed; 4 lines are no rows"* ]]
}

@test "rows that cannot be answered have an error as their result, with --errors in a file of its own" {
	mock_rules '[{"model": "refused", "status": 400, "headers": {"x-request-id": "req_7"}}, {"model": "broken", "status": 500}]'
	{
		rows 1
		rows 1 refused 1
		rows 1 broken 2
		rows 1 m 3 | sed s,chat/completions,embeddings,
		rows 1 m 4 | sed 's,"model":"openai/m",,; s/{,/{/'
		rows 1 m 5 | sed 's,"messages","fallbacks":7&,; s/7"/7,"/'
	} >in
	run -1 --separate-stderr batch in -o out --errors err.jsonl --budget 3s
	complete_output 6 out err.jsonl
	[ "$(jq -r .custom_id out)" = row-0 ]
	[[ $stderr == *"lull: in:4: "*"only those to /v1/chat/completions"* ]]
	results() {
		jq -c '[.custom_id, .response.status_code, .response.request_id, .response.body.error.code, .error.code]' "$1" | sort
	}
	diff - <(results err.jsonl) <<-'EOF'
		["row-1",400,"req_7","bad_request",null]
		["row-2",502,"","server_error",null]
		["row-3",null,null,null,"unsupported_url"]
		["row-4",400,"","invalid_request",null]
		["row-5",400,"","invalid_request",null]
	EOF
	jq -e 'select(.custom_id == "row-2") | .response.body.error.message | contains("openai/broken: server_error (HTTP 500)")' err.jsonl
	rm out err.jsonl
	run -1 batch in -o out --budget 3s
	complete_output 6 out
}

@test "an input of nothing but other lines is 65, an empty one is done" {
	echo nothing >in
	run -65 batch in -o out
	: >in
	run -0 batch in -o out
	run -65 batch missing -o out
	[[ $output == *"cannot read missing: No such file"* ]]
	run -65 batch . -o out
}

@test "a provider's answer over several lines becomes one" {
	mock_rules '[{"body": "{\r\n  \"id\": \"x\",\n \"object\": \"chat.completion\", \"created\": 1, \"model\": \"m\", \"choices\": [{\"index\": 0,\n\"message\": {\"role\": \"assistant\", \"content\": \"a\\nb\"}, \"finish_reason\": \"stop\"}]}\n"}]'
	rows 2 >in
	batch in -o out
	complete_output 2 out
	jq -se 'all(.response.body.choices[0].message.content == "a\nb")' out
}

@test "a row's own model and list are used, -m and -f replace them" {
	mock_rules '[{"model": "a", "status": 503}]'
	{
		rows 1 b
		rows 1 a 1 | sed 's,"messages","models":["openai/c"]&,; s/]"/],"/'
	} >in
	batch in -o out
	[ "$(jq -r '"\(.custom_id) \(.response.body.model)"' out | sort | tr '\n' ' ')" = "row-0 b row-1 c " ]
	mock_reset
	batch in -o out2 -m openai/a -f openai/d
	[ "$(jq -r .response.body.model out2 | sort -u)" = d ]
	[ "$(mock_count d)" = 2 ]
	[ "$(mock_count b)-$(mock_count c)" = 0-0 ]
}

@test "-m without a usable model is 78 at once" {
	rows 5 >in
	run -78 batch in -o out -m zorglub
	[[ $output == *"unable to map 'zorglub'"*"no model of the list can be used"* ]]
	[ ! -e out ]
}

@test "mistakes of usage are one sentence and 64" {
	rows 1 >in
	while IFS='|' read -r line expected; do
		# shellcheck disable=SC2086
		run -64 batch $line
		[[ $output == "lull: batch: $expected"* ]] || { echo "$line: $output"; false; }
	done <<-'EOF'
		-o out|no input is named: say FILE, or - for stdin
		in in|one input is expected
		in -j 0|--jobs '0' is no number from 1 to 4096
		in -j 2 --workers 3|--workers 3 is more than the 2 calls of --jobs
		in --resume|--resume needs a file to go on with, and stdout is none
		in -o in --resume|the input would be overwritten
		in -o new --errors in|the input would be overwritten
		in -o new --errors new|the output would be overwritten
		in --limit m|--limit 'm': expected NAME:rpm=N
		in --progress loud|--progress 'loud' is not one of: auto, none, plain, tty, json
	EOF
	[ "$(wc -l <in)" = 1 ]
}

@test "a mark that some editors begin a file with is no part of the first row" {
	{
		printf '\xef\xbb\xbf'
		rows 2
	} >in
	run -0 batch in -o out
	complete_output 2 out
}

@test "a table that is deleted under way is said once, and made anew" {
	mkfifo rows
	lull batch rows -o out -m openai/m 2>err 3>&- &
	exec {fd}<>rows
	rows 1 >&"$fd"
	until_true test -s out
	rm "$LULL_SHM_DIR"/lull1-u*
	rows 5 | tail -n +2 >&"$fd"
	exec {fd}>&-
	wait $!
	[ "$(wc -l <out)" = 5 ]
	[ "$(grep -c 'was deleted while in use; an empty table has been made' err)" = 1 ]
}

@test "an output that is deleted under way is said" {
	mock_rules '[{"delay_ms": 1000}]'
	rows 2 >in
	start_batch in -o out
	until_true test -e out
	rm out
	within 0 10000 batch_ended 74
	grep -q "out was deleted meanwhile" err
}

@test "an input that still grows is answered as it comes" {
	mkfifo pipe
	start_batch pipe -o out
	exec 7>pipe
	rows 1 >&7
	until_true has_lines 1 out
	rows 1 m 1 >&7
	until_true has_lines 2 out
	exec 7>&-
	batch_ended 0
	complete_output 2 out
}

@test "a reader who takes his time loses nothing" {
	rows 400 | sed "s/Row/$(printf 'x%.0s' {1..2000})/" >in
	mock_rules "[{\"text\": \"$(printf 'y%.0s' {1..2000})\"}]"
	batch in -j 4 2>err | (sleep 2 && cat >out)
	complete_output 400 out
	grep -q "400 answered, 0 failed" err
}

@test "progress as JSON lines, messages among them, and a summary" {
	rows 3 >in
	echo nonsense >>in
	run -1 --separate-stderr batch in -o out --progress json
	jq -se 'all(.v == 1) and (map(.step) == ["message", "summary"])' <<<"$stderr"
	jq -se '.[-1] | .ok == 3 and .failed == 0 and .bad_lines == 1 and .total_is_exact and .tokens > 0 and
		.models == [{"model": "openai/m", "rows": 3, "as_fallback": 0, "cooldowns": 0, "saved_calls": 0}]' <<<"$stderr"
	run -1 --separate-stderr batch in -o out2 -q
	[[ $stderr == "lull: in:4: no JSON object"* ]]
	[ "${#stderr_lines[@]}" = 1 ]
}

@test "progress: a line each 10 s elsewhere, one line that is kept up to date on a terminal" {
	mock_rules '[{"delay_ms": 1000}]'
	rows 12 >in
	terminal_setup
	start_batch in -o out -j 1
	rows 4 >in2
	terminal_start 100 20 "lull batch in2 -o out2 -j 1"
	waits_for '^[1-3]/~?4 rows, [0-9] ok, 0 failed, [0-9.]+ rows/s, [0-9]+ tokens/s, ETA [0-9]+ s, [01] in flight$'
	waits_for '^lull: 4 rows: 4 answered, 0 failed; '
	[ "$(screen | grep -c ' rows, ')" = 0 ]
	terminal_end
	batch_ended 0
	[ "$(grep -cE '^lull: [0-9]+/~?12 rows, ' err)" = 1 ]
}

@test "progress makes way for results on the same terminal" {
	mock_rules '[{"delay_ms": 700}]'
	rows 4 >in
	terminal_setup
	terminal_start 500 20 "lull batch in -j 1"
	waits_for '^[1-3]/~?4 rows, '
	[ "$(screen | grep -c ' rows, ')" = 1 ]
	waits_for '^lull: 4 rows: 4 answered, 0 failed; '
	[ "$(screen | grep -c '^{"id":"batch_req_.*}$')" = 4 ]
}

@test "help and manual say the same options" {
	run -0 --separate-stderr lull batch --help
	[[ $output == *"usage: lull batch [OPTION...] INPUT"*$'\nexamples:\n'* ]]
	for option in $(grep -oE '^ +(-., )?--[a-z-]+' <<<"$output" | grep -oE -- '--[a-z-]+'); do
		[ "$option" = --help ] || grep -q -- "^.*\*$option\*" "$LULL_SOURCE_DIR/docs/man/lull-batch.1.scd"
	done
}

@test "the examples of the manual work" {
	export GROQ_API_KEY=$KEY
	rows 20 gpt-4o >requests.jsonl
	sed '/^# EXAMPLES/,/^# /!d' "$LULL_SOURCE_DIR/docs/man/lull-batch.1.scd" | grep '^lull batch' >examples
	[ "$(wc -l <examples)" = 3 ]
	while read -r line; do
		bash -c "$line"
		complete_output 20 results.jsonl
		if [[ $line == *--resume* ]]; then
			rm results.jsonl
		fi
	done <examples
	[ "$(mock_count gpt-4o)-$(mock_count gpt-4o-mini)" = 20-20 ]
	complete_output 20 results.jsonl
}
