#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Every sample of the wire through the real program, over real sockets, whole and in small pieces:
# what the caller gets, what the table holds afterwards, and whether the call went on.

load replay

setup() {
	replay_setup
}

teardown() {
	complete_teardown
}

# replay_samples NAME PIECES IS_USUAL_WAY: a call for each sample, the wire in pieces of so many bytes
# (0: all at once), streams where the samples are streams, or just there not.
replay_samples() {
	local dir=$WORK/$1

	replay "calls($3)" "$WORK/samples.json" >"$dir.rows"
	mock_rules "$(replay "rules($2)" -c "$dir.rows")"
	call_all "$dir"
	[ "$(mock_count)" = "$(cat "$dir"/*.err | grep -c '"step":"attempt"')" ]
	replay 'judge_samples($files[0]; $journal[0])' --slurpfile files "$dir.files" --slurpfile journal "$dir.journal" \
		"$dir.rows" >"$dir.json"
	tell "$dir.json" "samples, $1"
}

@test "every sample, all bytes at once; and explain-error says the same of it" {
	local provider file

	[ "$(jq length "$WORK/samples.json")" = 220 ]
	replay never_asked -r "$WORK/samples.json" | sed 's/^/# asked by a gateway, in gateway_endpoints.bats: /' >&3
	replay_samples whole 0 true
	replay explained "$WORK/samples.json" >"$WORK/explained.json"
	while read -r provider file; do
		lull explain-error --json -p "$provider" "$LULL_WIRE_DIR/$file"
	done < <(jq -r '.[] | [.provider, .file] | @tsv' "$WORK/explained.json") >"$WORK/said.jsonl"
	replay 'judge_explanations($said)' --slurpfile said "$WORK/said.jsonl" "$WORK/explained.json" >"$WORK/explanations.json"
	tell "$WORK/explanations.json" "explanations"
}

@test "every sample, in pieces of 7 bytes" {
	replay_samples sevens 7 true
}

@test "every sample, byte by byte" {
	replay_samples bytes 1 true
}

@test "every sample: streams for callers who want none, whole answers for those who want a stream" {
	replay_samples turned 0 false
}

@test "every request reaches the wire as its vendor wants it" {
	local name canonical how

	by_name "$LULL_WIRE_DIR"/{anthropic,bedrock,canonical,cohere,gemini,mistral,ollama}/request_*.json >"$WORK/bodies.json"
	replay 'requests($bodies[0])' --slurpfile bodies "$WORK/bodies.json" "$WORK/samples.json" >"$WORK/requests.json"
	replay "config($MOCK_PORT)" "$WORK/requests.json" >"$WORK/config.json"
	mock_rules '[{"status": 400}]'
	while read -r name canonical how; do
		run ask -c "$WORK/config.json" -m "$name" --request "$LULL_WIRE_DIR/$canonical" "$how"
	done < <(jq -r '.[] | [.name, .canonical, .how] | @tsv' "$WORK/requests.json")
	mock_requests .requests >"$WORK/journal.json"
	replay 'judge_requests($journal[0])' --slurpfile journal "$WORK/journal.json" "$WORK/requests.json" >"$WORK/written.json"
	tell "$WORK/written.json" "requests"
}

@test "every fault below HTTP" {
	local dir=$WORK/faults

	mock_ask "$MOCK_URL/__mock/faults" >"$WORK/urls.json"
	replay 'faults($urls[0])' --slurpfile urls "$WORK/urls.json" "$LULL_WIRE_DIR/transport/faults.json" >"$dir.rows"
	mock_rules "$(replay fault_rules -c "$dir.rows")"
	call_all "$dir"
	replay 'judge_faults($files[0])' --slurpfile files "$dir.files" "$dir.rows" >"$dir.json"
	tell "$dir.json" "faults"
}

@test "a caller that leaves in the middle of an answer: cancelled, and nothing is written" {
	export OPENAI_BASE_URL=$MOCK_URL/v1 OPENAI_API_KEY=$KEY
	mock_rules '[{"model": "m", "fault": "caller_gone", "drip_ms": 4}]'
	run -141 bash -o pipefail -c 'lull complete -m openai/m --stream --json hi </dev/null | head -c 1'
	table_untouched
	start_asking -m openai/m --no-stream hi
	until_true eval '[ "$(mock_count m)" = 2 ]'
	kill "$ASKING"
	asking_ended 143
	table_untouched
}
