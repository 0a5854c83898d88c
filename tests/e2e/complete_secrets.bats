#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Keys and prompts stay where they belong: planted ones are looked for everywhere else.

load complete

PROMPT=planted-prompt-7d41

setup() {
	complete_setup
}

teardown() {
	complete_teardown
}

# Neither stands in the file.
clean() {
	! grep -a -e "$KEY" -e "$PROMPT" "$@"
}

@test "no key and no prompt in table, trail and log, even when the provider echoes both" {
	mock_rules "[{\"model\": \"m\", \"status\": 401, \"body\": {\"error\":
		{\"message\": \"Incorrect API key provided: $KEY for $PROMPT\", \"type\": \"invalid_request_error\", \"code\": \"invalid_api_key\"}}}]"
	run -77 ask -m openai/m --explain -v "please say $PROMPT now"
	[ "$(mock_requests '.requests[-1].headers.authorization')" = "Bearer $KEY" ]
	printf '%s\n' "$output" >"$SCRATCH/said"
	grep -q 'auth (HTTP 401)' "$SCRATCH/said"
	OPENAI_API_KEY=$KEY run ask -m openai/m --explain --json -v "please say $PROMPT now"
	printf '%s\n' "$output" >>"$SCRATCH/said"
	lull status --json >"$SCRATCH/status"
	lull events --json >"$SCRATCH/events"
	clean "$SCRATCH/said" "$SCRATCH/status" "$SCRATCH/events" "$LULL_SHM_DIR"/*
}

@test "no prompt of several lines, however it is echoed" {
	mock_rules "[{\"model\": \"plain\", \"status\": 500, \"body\": {\"error\": {\"message\": \"You said: user: bob pin: 4711 city: Rome\"}}},
		{\"model\": \"packed\", \"status\": 500, \"body\": {\"error\": {\"message\": \"no: USER: BOB\\\\npin: 4711\\\\r\\\\ncity: Rome\"}}}]"
	run -69 ask --budget 400ms --when-cooling fail -m openai/plain -f openai/packed --explain $'user: bob\npin: 4711\ncity: Rome'
	[[ $output == *"You said: [hidden]"* ]]
	[[ $output == *"no: [hidden]"* ]]
	[[ $output != *bob* && $output != *BOB* && $output != *4711* && $output != *Rome* ]]
}

@test "no key and no prompt in ps" {
	mock_rules '[{"model": "silent", "delay_ms": 60000}]'
	start_asking -m openai/silent --system "system $PROMPT" "please say $PROMPT"
	until_true eval '[ "$(mock_count silent)" = 1 ]'
	tr '\0' ' ' <"/proc/$ASKING/cmdline" >"$SCRATCH/ps"
	grep -q 'complete -m openai/silent' "$SCRATCH/ps"
	clean "$SCRATCH/ps"
	kill "$ASKING"
	asking_ended 143
	clean "$SCRATCH/err"
}

@test "a redirect is refused, and the key stays behind" {
	mock_rules '[{"path": "/v1/*", "status": 307, "headers": {"Location": "http://localhost:{port}/elsewhere"}, "body": ""}]'
	run -69 ask -m openai/m --budget 400ms --when-cooling fail hi
	[[ $output == *"malformed_response (HTTP 307)"* ]]
	[ "$(mock_requests '.requests | map(.path) | unique | join(" ")')" = /v1/chat/completions ]
}

@test "what one route gets, the next one does not" {
	mock_rules '[{"key": "sk-first-0123456789", "status": 500}]'
	cat >"$SCRATCH/config.yaml" <<-END
		model_list:
		  - model_name: a
		    litellm_params: {model: openai/m, api_base: $MOCK_URL/v1, api_key: os.environ/FIRST, extra_headers: {X-First: "1"}, temperature: 0.5}
		  - model_name: b
		    litellm_params: {model: openai/m2, api_base: $MOCK_URL/v1, api_key: os.environ/SECOND}
	END
	FIRST=sk-first-0123456789 SECOND=sk-second-0123456789 run -0 ask -c "$SCRATCH/config.yaml" -m a -f b hi
	[ "$(mock_requests '.requests[-1].headers.authorization')" = "Bearer sk-second-0123456789" ]
	[ "$(mock_requests '.requests[-1].headers | has("x-first")')" = false ]
	[ "$(mock_requests '.requests[-1].body | fromjson | has("temperature")')" = false ]
}

@test "keys come from files and the environment, and config show hides them" {
	printf '%s\n' "model_list:" "  - {model_name: a, litellm_params: {model: openai/m, api_base: $MOCK_URL/v1, api_key: $KEY}}" >"$SCRATCH/config.yaml"
	run -0 ask -c "$SCRATCH/config.yaml" -m a hi
	lull config show -c "$SCRATCH/config.yaml" >"$SCRATCH/shown"
	lull config show --json -c "$SCRATCH/config.yaml" >>"$SCRATCH/shown"
	grep -q '/v1' "$SCRATCH/shown"
	clean "$SCRATCH/shown"
}
