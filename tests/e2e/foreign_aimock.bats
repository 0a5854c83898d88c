#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Against @copilotkit/aimock, in the forms of several providers. What it counts and how it reads our
# requests is in its journal, which has all of them in OpenAI's form.

load foreign

FOX="The quick brown fox jumps over the lazy dog."
declare -gA PATHS=([openai]=/v1 [anthropic]=/v1 [gemini]=/v1beta [cohere]=/v2 [azure]= [bedrock]= [ollama_chat]=
	[openai/responses]=/v1)
MODELS=(well limited limited-once weather cut mute silent)
FAULTS=(drop malformed disconnect rateLimit)

aimock_start() {
	foreign_start "$@" node node_modules/@copilotkit/aimock/dist/cli.cjs --port 0 \
		--fixtures "$BATS_TEST_DIRNAME/foreign/aimock.json"
}

setup_file() {
	has_foreign || return 0
	aimock_start env
	export AIMOCK_URL=$FOREIGN_URL AIMOCK_PID=$FOREIGN_PID
}

teardown_file() {
	foreign_stop "${AIMOCK_PID:-}"
}

setup() {
	local form model fault

	needs_foreign
	scratch_make
	foreign_ask -X POST "$AIMOCK_URL/__aimock/reset/journal" >"$SCRATCH/reset"
	{
		echo model_list:
		for form in "${!PATHS[@]}"; do
			for model in "${MODELS[@]}"; do
				config_route "$form-$model" "$form/$model" "$AIMOCK_URL${PATHS[$form]}" FOREIGN_KEY
			done
		done
		for fault in "${FAULTS[@]}"; do
			config_route "$fault" "openai/$fault" "$AIMOCK_URL/v1" FOREIGN_KEY "extra_headers: {x-aimock-chaos-${fault,,}: '1'}"
		done
	} >"$SCRATCH/config.yaml"
	export LULL_CONFIG=$SCRATCH/config.yaml FOREIGN_KEY=$KEY
}

# journal [FILTER]: what it was asked, through a jq filter.
journal() {
	foreign_ask "$AIMOCK_URL/__aimock/journal" | jq -c "${1:-.}"
}

# count MODEL: requests for it, in any form.
count() {
	journal "map(select(.body.model == \"$1\")) | length"
}

# Of what the server uses for Bedrock's binary events, Node before 20.15 and 22.2 has not all.
needs_crc32() {
	node -e 'process.exit(require("zlib").crc32 ? 0 : 1)' || skip "this Node has no zlib.crc32"
}

# ---- answers

# answers FORM ADDRESS: whole, streamed to the caller, and streamed by the provider only.
answers() {
	run --separate-stderr -0 ask -m "$1-well" hi
	[ "$output" = "$FOX" ]
	run --separate-stderr -0 ask -m "$1-well" --stream hi
	[ "$output" = "$FOX" ]
	run --separate-stderr -0 ask -m "$1-well" --stream --json hi
	[ "$(jq -r '.choices[0].delta.content | strings | select(. != "")' <<<"$output" | wc -l)" = 11 ]
	[ "$(jq -sr 'map(.choices[0].finish_reason | strings) | join(" ")' <<<"$output")" = stop ]
	echo "lull: {stream_upstream: true}" >>"$LULL_CONFIG"
	run --separate-stderr -0 ask -m "$1-well" --json hi
	[ "$(jq -r '"\(.object) \(.choices[0].message.content)"' <<<"$output")" = "chat.completion $FOX" ]
	[ "$(count well)" = 4 ]
	[ "$(journal "map(.path | select(test(\"$2\"))) | length")" = 4 ]
}

@test "OpenAI's form: an answer, whole and streamed" {
	answers openai '^/v1/chat/completions$'
}

@test "Azure's form: an answer, whole and streamed" {
	answers azure '^/openai/deployments/well/chat/completions[?]api-version='
}

@test "Anthropic's form: an answer, whole and streamed" {
	answers anthropic '^/v1/messages$'
}

@test "Gemini's form: an answer, whole and streamed" {
	answers gemini '^/v1beta/models/well:(generateContent|streamGenerateContent[?]alt=sse)$'
}

@test "Cohere's form: an answer, whole and streamed" {
	answers cohere '^/v2/chat$'
}

@test "Bedrock's form: an answer, whole and streamed" {
	needs_crc32
	answers bedrock '^/model/well/converse(-stream)?$'
}

@test "The form of OpenAI's Responses API: an answer, whole and streamed" {
	answers openai/responses '^/v1/responses$'
}

@test "Ollama's own form: an answer, whole and streamed" {
	answers ollama_chat '^/api/chat$'
}

# ---- tools

REQUEST='{
	"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather in Oslo?"}],
	"tools": [{"type": "function", "function": {"name": "get_weather", "description": "Of a city",
		"parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]}'

# The tool calls of an answer, or of the pieces of one, put together.
calls() {
	jq -cs 'map(.choices[0] | (.message // .delta).tool_calls | arrays | .[0].function) |
		[(map(.name // "") | add), (map(.arguments // "") | add | fromjson)]'
}

# What a request means, in OpenAI's form: roles and texts, calls, tools. A name may have been made up.
MEANING='{messages: [.messages[] | {role, text: (.content // "" | if type == "string" and startswith("{")
	then fromjson | to_entries[0].value else . end), calls: [.tool_calls[]?.function |
	{name, arguments: (.arguments | fromjson)}]}], tools: [.tools[].function | {name, description, parameters}]}'

# tools FORM [FILTER]: a call, streamed and whole; its result, given back; and how the server read that,
# but for what the filter takes out.
tools() {
	run --separate-stderr -0 ask -m "$1-weather" --stream --json --request <(echo "$REQUEST")
	[ "$(calls <<<"$output")" = '["get_weather",{"city":"Oslo"}]' ]
	run --separate-stderr -0 ask -m "$1-weather" --no-stream --json --request <(echo "$REQUEST")
	[ "$(calls <<<"$output")" = '["get_weather",{"city":"Oslo"}]' ]
	[ "$(jq -r '.choices[0].finish_reason' <<<"$output")" = tool_calls ]
	jq -c --argjson answer "$output" '.messages += [$answer.choices[0].message,
		{role: "tool", tool_call_id: $answer.choices[0].message.tool_calls[0].id, content: "rain"}]' \
		<<<"$REQUEST" >"$SCRATCH/request"
	run --separate-stderr -0 ask -m "$1-weather" --request "$SCRATCH/request"
	[ "$output" = "It rains in Oslo." ]
	journal ".[-1].body | $MEANING | ${2:-.}" | jq -S . >"$SCRATCH/read"
	jq -S "$MEANING | ${2:-.}" "$SCRATCH/request" | diff - "$SCRATCH/read"
}

@test "OpenAI's form: a tool call and its result" {
	tools openai
}

@test "Azure's form: a tool call and its result" {
	tools azure
}

@test "Anthropic's form: a tool call and its result" {
	tools anthropic
}

@test "Gemini's form: a tool call and its result" {
	tools gemini 'del(.tools[].parameters)' # in parametersJsonSchema, where this server does not look
}

@test "Cohere's form: a tool call and its result" {
	tools cohere
}

@test "Bedrock's form: a tool call and its result" {
	needs_crc32
	tools bedrock
}

@test "The form of OpenAI's Responses API: a tool call and its result" {
	tools openai/responses
}

@test "Ollama's own form: a tool call and its result" {
	tools ollama_chat
}

# ---- failures

# fails_over FORM [MODEL OUTCOME]: a 429 cools for all; a stream cut before content (of that model, with
# that outcome) is made up for, one after it ends.
fails_over() {
	local silent=${2:-mute} outcome=${3:-truncated_stream 200 0}

	run --separate-stderr -0 ask -m "$1-limited" -f openai-well --explain --json hi
	[ "$(attempts)" = $'rate_limited 429 7000\nanswered 200 0' ]
	[[ $(key_state route limited) =~ ^"cooling rate_limited 429 "[1-7]$ ]]
	run --separate-stderr -0 ask -m "$1-limited" -f openai-well hi
	[ "$output" = "$FOX" ]
	run -75 lull check "$1-limited"
	[ "$(count limited)-$(count well)" = 1-2 ]

	run --separate-stderr -0 ask -m "$1-$silent" -f openai-well --stream --explain --json hi
	[ "$(attempts)" = "$outcome"$'\nanswered 200 0' ]
	run --separate-stderr -69 ask -m "$1-cut" -f openai-well --stream hi
	[[ $output == "One,"* && $output != *nine* && $stderr == *"broke off: truncated_stream"* ]]
	[ "$(count $silent)-$(count cut)-$(count well)" = 1-1-3 ]
}

@test "OpenAI's form: a rate limit, and streams that break off" {
	fails_over openai
}

@test "Azure's form: a rate limit, and streams that break off" {
	fails_over azure
}

@test "Anthropic's form: a rate limit, and streams that break off" {
	fails_over anthropic
}

@test "Gemini's form: a rate limit, and streams that break off" {
	fails_over gemini silent "network 0 0" # its first event has content already
}

@test "Cohere's form: a rate limit, and streams that break off" {
	fails_over cohere
}

@test "Bedrock's form: a rate limit, and streams that break off" {
	needs_crc32
	fails_over bedrock
}

@test "The form of OpenAI's Responses API: a rate limit, and streams that break off" {
	fails_over openai/responses
}

@test "Ollama's own form: a rate limit, and streams that break off" {
	fails_over ollama_chat silent "network 0 0" # its first line has content already
}

@test "one process learns of a rate limit, sixteen others at once do not ask" {
	local i pids=()

	run -0 ask -m anthropic-limited -f openai-well hi
	for ((i = 0; i < 16; i++)); do
		lull complete -m anthropic-limited -f openai-well hi </dev/null >"$SCRATCH/out.$i" 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ "$(cat "$SCRATCH"/out.* | sort | uniq -c | sed 's/^ *//')" = "16 $FOX" ]
	[ "$(count limited)-$(count well)" = 1-17 ]
}

@test "a limit that ends within the budget is waited for" {
	run --separate-stderr -0 ask -m openai-limited-once --explain --json hi
	[ "$(attempts)" = $'rate_limited 429 1000\nanswered 200 0' ]
	[ "$(journal 'map([.body.model, .response.status] | join(" "))')" = '["limited-once 429","limited-once 200"]' ]
	run -0 lull check openai-limited-once
}

@test "injected faults are what they are called" {
	local fault outcome stream count=0

	while read -r fault outcome; do
		for stream in --no-stream --stream; do
			run --separate-stderr -0 ask -m "$fault" -f openai-well $stream --explain --json hi
			[ "$(attempts)" = "$outcome"$'\nanswered 200 0' ]
			[ "$(journal ".[-2:] | map(.response.chaosAction // \"none\")")" = "[\"$fault\",\"none\"]" ]
			lull clear --all
			count=$((count + 1))
		done
	done <<-'END'
		drop       server_error 500 0
		malformed  malformed_response 200 0
		disconnect network 0 0
		rateLimit  rate_limited 429 1000
	END
	echo "# $count calls met a fault" >&3
}

@test "a third process that is dropped shuts the route for the fourth" {
	local i

	for i in 1 2 3; do
		run --separate-stderr -0 ask -m drop -f openai-well hi
		[ "$output" = "$FOX" ]
	done
	[[ $(key_state route drop) == "cooling server_error 500 "* ]]
	run -0 ask -m drop -f openai-well hi
	[ "$(count drop)-$(count well)" = 3-4 ]
}

@test "a wrong key cools the key, not the server: its other model is not tried, another key is" {
	local wrong

	aimock_start env AIMOCK_API_KEYS=sk-right
	SECOND_PID=$FOREIGN_PID
	{
		config_route wrong openai/first "$FOREIGN_URL/v1" FOREIGN_KEY
		config_route wrong-too anthropic/second "$FOREIGN_URL/v1" FOREIGN_KEY
		config_route right openai/third "$FOREIGN_URL/v1" RIGHT_KEY
	} >>"$LULL_CONFIG"
	export RIGHT_KEY=sk-right
	for wrong in wrong wrong-too; do
		lull clear --all
		run -77 ask -m $wrong --when-cooling fail hi
		run --separate-stderr -0 ask -m wrong -f wrong-too -f right hi
		[ "$output" = "$FOX" ]
		[ "$(keys 'map(select(.state == "cooling") | [.kind, .cause, .status])')" = '[["credential","auth",401]]' ]
	done
	[ "$(keys 'map(select(.kind == "credential") | .attempts) | sort')" = '[2,2]' ]
	[ "$(foreign_ask -H "Authorization: Bearer $RIGHT_KEY" "$FOREIGN_URL/__aimock/journal" |
		jq -c 'map(.body.model)')" = '["third","third"]' ]
}

teardown() {
	foreign_stop "${SECOND_PID:-}"
}
