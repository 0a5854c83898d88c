#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# One call across three wire forms: each vendor is asked in its own, what each says is left in the table
# with its own length, and the answer is in OpenAI's form.

load replay

setup() {
	replay_setup
	export KEY_A=sk-anthropic-0123456789 KEY_G=sk-gemini-0123456789 KEY_C=sk-cohere-0123456789
	cat >"$SCRATCH/config.yaml" <<-END
		model_list:
		  - {model_name: a, litellm_params: {model: anthropic/claude-sonnet-4-5, api_base: $MOCK_URL, api_key: os.environ/KEY_A}}
		  - {model_name: g, litellm_params: {model: gemini/gemini-2.5-flash, api_base: $MOCK_URL/v1beta, api_key: os.environ/KEY_G}}
		  - {model_name: c, litellm_params: {model: cohere/command-r-08-2024, api_base: $MOCK_URL/v2, api_key: os.environ/KEY_C}}
	END
}

teardown() {
	complete_teardown
}

# three_forms ANSWER OPTION...: the first two are busy, and the third answers with this sample.
three_forms() {
	mock_rules "$(jq -nc --arg a "$KEY_A" --arg g "$KEY_G" --arg c "$KEY_C" --arg answer "$1" '[
		{key: $a, status: 529, headers: {"Retry-After": 7}, body: {type: "error", error: {type: "overloaded_error", message: "Overloaded"}}},
		{key: $g, file: "gemini/429_per_minute.http"}, {key: $c, file: $answer}]')"
	run --separate-stderr -0 lull complete -c "$SCRATCH/config.yaml" -m a -f g -f c --json --explain "${@:2}" \
		--request "$LULL_WIRE_DIR/canonical/request_full.json" </dev/null
}

# asked: path, and which header held which key, of each request
asked() {
	mock_requests '.requests[] | .headers as $headers | [.path,
		(["x-api-key", "x-goog-api-key", "authorization"][] | select($headers[.]) | "\(.)=\($headers[.])")] | join(" ")'
}

each_has_its_own() {
	[ "$(jq -rs 'map([.step, .name, .class, .http_status // "-", .cooled // "-", .cooled_for_ms // "-"] | join(" "))[]' <<<"$stderr")" = "$(
		cat <<-'END'
			attempt a overloaded 529 route 7000
			attempt g rate_limited 429 route 34000
			attempt c answered 200 - 0
			result c answered - - -
		END
	)" ]
	[ "$(key_state route claude-sonnet-4-5 | cut -d' ' -f1-3)" = "cooling overloaded 529" ]
	[ "$(key_state route gemini-2.5-flash | cut -d' ' -f1-3)" = "cooling rate_limited 429" ]
	[ "$(lull events --json | jq -c '.events | map([.type, .cause, .seconds])')" = \
		'[["cooled","overloaded",7],["cooled","rate_limited",34]]' ]
	[ "$(asked | sed 's/:stream[A-Z]/:g/')" = "$(
		cat <<-END
			/v1/messages x-api-key=$KEY_A
			/v1beta/models/gemini-2.5-flash:generateContent x-goog-api-key=$KEY_G
			/v2/chat authorization=Bearer $KEY_C
		END
	)" ]
}

@test "Anthropic is overloaded, Gemini limited, Cohere answers with a tool call: one call, in OpenAI's form" {
	three_forms cohere/success_tool_call.http --no-stream
	each_has_its_own
	replay '. as $answer | $answers[0]["cohere/success_tool_call.openai.json"] as $expected | $answer | holds($expected)' \
		-e --slurpfile answers "$WORK/answers.json" <<<"$output"
	[ "$(jq -r '.choices[0].message.tool_calls[0].function.arguments | fromjson | type' <<<"$output")" = object ]
}

@test "the same as a stream" {
	three_forms cohere/stream_tool_call.http --stream
	each_has_its_own
	replay 'put_together as $answer | $answers[0]["cohere/stream_tool_call.openai.json"] as $expected | $answer | holds($expected)' \
		-e -s --slurpfile answers "$WORK/answers.json" <<<"$output"
}

@test "the next call leaves out both, without a request" {
	three_forms cohere/success.http --no-stream
	mock_reset
	three_forms cohere/success.http --no-stream
	[ "$(mock_count)" = 1 ]
	[ "$(jq -rs 'map([.step, .name, .shut // "-"] | join(" "))[]' <<<"$stderr" | paste -sd'|')" = \
		"skip a route|skip g route|attempt c -|result c -" ]
}
