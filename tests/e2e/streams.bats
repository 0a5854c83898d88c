#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Streams that go wrong: before the first content another route's turn, after it an answer that broke
# off. What is handed out never looks complete, and the trail says how far it came.

load complete

setup() {
	complete_setup
}

teardown() {
	complete_teardown
}

# chunk DELTA [FINISH]: the data of an event
chunk() {
	echo '{"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":'"$1"',"finish_reason":'"${2:-null}"'}]}'
}

declare -gA DATA=(
	[role]=$(chunk '{"role":"assistant","content":""}')
	[half]=$(chunk '{"content":"half"}')
	[rest]=$(chunk '{"content":" rest"}')
	[stop]=$(chunk '{}' '"stop"')
	[filter]=$(chunk '{}' '"content_filter"')
	[number]=$(chunk '{}' 5)
	[error]='{"error":{"message":"The engine died","type":"server_error"}}'
	[done]='[DONE]'
)

# streams EVENTS [MEMBERS]: the model "m" answers with these words of DATA (any other is a comment), and
# with what else the rule is to say.
streams() {
	local word body=

	for word in $1; do
		body+=${DATA[$word]:+data}": ${DATA[$word]:-$word}"$'\n\n'
	done
	mock_rules "$(jq -nc --arg body "$body" --argjson members "${2:-{\}}" '[{model: "m",
		headers: {"Content-Type": "text/event-stream"}, $body} + $members]')"
}

# limits TEXT: a configuration with the model "m", and these limits for it.
limits() {
	cat >"$SCRATCH/config.yaml" <<-END
		model_list:
		  - model_name: m
		    lull: {$1}
		    litellm_params: {model: openai/m, api_base: $MOCK_URL/v1, api_key: os.environ/OPENAI_API_KEY}
	END
}

# steps FILTER: of the JSON lines in $stderr
steps() {
	grep '^{' <<<"$stderr" | jq -s -c "$1"
}

# broke_off CLASS [OPTION...]: "half" was handed out, and then the call ended.
broke_off() {
	mock_reset
	run --separate-stderr -69 ask -m m -f openai/other --stream "${@:2}" hi
	[ "$output" = half ]
	[[ $stderr == *"lull: the answer broke off: $1"* ]]
	run --separate-stderr -69 ask -m m -f openai/other --stream --json --explain "${@:2}" hi
	[ "$(jq -rs 'map(.choices[].delta.content // "") | add' <<<"$output")" = half ]
	[ "$(jq -cs 'map(.choices[].finish_reason) | unique' <<<"$output")" = '[null]' ]
	[ "$(steps 'map([.step, .class])')" = "[[\"attempt\",\"$1\"],[\"result\",\"$1\"]]" ]
	[ "$(steps '.[0].content_ms != null and .[1].handed_out and .[1].exit_code == 69')" = true ]
	[ "$(mock_count m)-$(mock_count other)" = 2-0 ]
}

# passed_on CLASS: nothing of it was handed out, and the other route answered.
passed_on() {
	run --separate-stderr -0 ask -c "$SCRATCH/config.yaml" -m m -f openai/other --stream --json --explain hi
	[ "$(jq -rs 'map(.model) | unique[]' <<<"$output")" = other ]
	[ "$(steps 'map([.step, .class])')" = "[[\"attempt\",\"$1\"],[\"attempt\",\"answered\"],[\"result\",\"answered\"]]" ]
	[ "$(steps '.[0].content_ms')" = null ]
}

counted() {
	[ "$(lull events --json | jq -c '.events | map(select(.kind == "route")) | map([.type, .cause, .strikes])[-1]')" = \
		"[\"soft_failure\",\"$1\",$2]" ]
}

@test "after its first content a stream that ends otherwise than whole broke off, and is counted" {
	local name class events members

	limits ""
	while IFS='|' read -r class events members; do
		echo "$events $members"
		streams "$events" "$members"
		broke_off "${class// /}" -c "$SCRATCH/config.yaml"
		counted "${class// /}" 2
		lull clear --all -q
	done <<-'END'
		truncated_stream|role half|{}
		truncated_stream|role half|{"framing": "close"}
		truncated_stream|role half|{"end": "reset"}
		truncated_stream|role half rest|{"send_bytes": 330}
		truncated_stream|role half done|{}
		truncated_stream|role half number done|{}
		server_error    |role half error|{}
		server_error    |role half error done|{}
		server_error    |role half error rest stop done|{}
	END
}

@test "before its first content it is the other route's turn, and nothing of it was handed out" {
	local class events members

	limits "first_content_timeout: 300ms"
	while IFS='|' read -r class events members; do
		echo "$events $members"
		streams "$events" "$members"
		passed_on "${class// /}"
		lull clear --all -q
	done <<-'END'
		truncated_stream|role|{}
		truncated_stream|role|{"end": "reset"}
		truncated_stream|done|{}
		truncated_stream|ping ping|{}
		server_error    |error|{}
		server_error    |role error done|{}
		timeout         |role|{"framing": "close", "end": "stall"}
		timeout         |role ping|{"repeat_ms": 50}
	END
}

@test "silence after content ends at the idle limit, and keep-alives do not put it off" {
	limits "idle_timeout: 400ms"
	streams "role half" '{"framing": "close", "end": "stall"}'
	broke_off timeout -c "$SCRATCH/config.yaml"
	streams "half$(printf ' ping%.0s' {1..2000})" '{"drip_bytes": 140, "drip_ms": 50}'
	broke_off timeout -c "$SCRATCH/config.yaml"
	streams "half$(printf ' role%.0s' {1..500})" '{"drip_bytes": 140, "drip_ms": 50}'
	broke_off timeout -c "$SCRATCH/config.yaml"
	table_untouched
}

@test "a finish reason makes it whole: [DONE] may be missing, and the end as well" {
	limits "idle_timeout: 400ms"
	for members in '{}' '{"framing": "close"}' '{"end": "reset"}' '{"framing": "close", "end": "stall"}'; do
		streams "role half rest stop" "$members"
		run --separate-stderr -0 ask -c "$SCRATCH/config.yaml" -m m -f openai/other --stream hi
		[ "$output" = "half rest" ]
		[ -z "$stderr" ]
	done
	[ "$(mock_count other)" = 0 ]
	table_untouched
}

@test "what comes after the finish reason takes nothing back, and cools nothing" {
	local events

	DATA[garbage]=garbage
	for events in "error" "error done" "done error" "garbage"; do
		echo "$events"
		streams "role half rest stop $events"
		run --separate-stderr -0 ask -m openai/m --stream hi
		[ "$output-$stderr" = "half rest-" ]
	done
	table_untouched
}

@test "a stream that ends without a word says why" {
	streams "role filter done"
	run --separate-stderr -0 ask -m openai/m --stream hi
	[ -z "$output" ]
	[ "$stderr" = "lull: a content filter has ended the answer" ]
}

@test "of two choices both have to finish" {
	sed -n '/"index":0.*"finish_reason":"stop"/!p' "$LULL_WIRE_DIR/openai/stream_n2.http" | sed '1,/^\r*$/d' >"$SCRATCH/body"
	mock_rules "$(jq -Rsc '[{model: "m", headers: {"Content-Type": "text/event-stream"}, body: .}]' "$SCRATCH/body")"
	run --separate-stderr -69 ask -m openai/m -f openai/other --stream --json hi
	[[ $stderr == *"the answer broke off: truncated_stream"* ]]
	[ "$(mock_count other)" = 0 ]
}

@test "stream_upstream asks for a stream and answers in one piece; until it is whole, others may answer" {
	limits "stream_upstream: true, idle_timeout: 1s"
	ask -c "$SCRATCH/config.yaml" -m m --no-stream --json hi >"$SCRATCH/out"
	[ "$(jq -r '.object, .choices[0].message.content, .usage.total_tokens > 0' "$SCRATCH/out" | paste -sd'|')" = \
		"chat.completion|Answer from m.|true" ]
	[ "$(mock_requests '.requests[-1].body | fromjson | [.stream, .stream_options.include_usage]' | jq -c .)" = "[true,true]" ]
	for how in '{"end": "reset"}' '{"framing": "close", "end": "stall"}'; do
		streams "role half" "$how"
		run --separate-stderr -0 ask -c "$SCRATCH/config.yaml" -m m -f openai/other --no-stream hi
		[ "$output" = "Answer from other." ]
		[ -z "$stderr" ]
	done
	mock_rules '[{"model": "m", "text": "slow but never silent", "framing": "chunked", "drip_bytes": 40, "drip_ms": 50}]'
	run --separate-stderr -0 within 1000 40000 ask -c "$SCRATCH/config.yaml" -m m -f openai/other --no-stream hi
	[ "$output" = "slow but never silent" ]
}
