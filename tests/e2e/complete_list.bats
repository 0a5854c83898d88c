#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Which models a call asks, in which order, and what it leaves in the table: fallbacks for all errors
# and for two of them, several routes of one name, several keys. Requests are counted on the wire.

load complete

# Calls have less time here than comes before a further pass; a busy machine may not give them that.
setup() {
	BATS_TEST_RETRIES=3
	complete_setup
}

teardown() {
	complete_teardown
}

# configure SETTINGS...: models a, b, c and d, each a vendor of its own, and these lines behind them.
configure() {
	local model vendor

	echo "model_list:"
	for model in a:openai b:groq c:xai d:deepseek; do
		vendor=${model#*:} model=${model%:*}
		echo "  - {model_name: $model, litellm_params: {model: $vendor/m-$model," \
			"api_base: $MOCK_URL/v1, api_key: os.environ/KEY_OF_${model^}}}"
		export "KEY_OF_${model^}=sk-of-$model-0123456789"
	done
	printf '%s\n' "$@"
} >"$SCRATCH/config.yaml"

# asks MODEL [OPTION...]: one call, too short for a further pass.
asks() {
	run --separate-stderr ask -c "$SCRATCH/config.yaml" -m "$1" --when-cooling fail --budget 240ms "${@:2}" hi
}

# The models that were asked, in order; then from zero.
asked() {
	mock_requests '.requests[].model' | sed 's/^m-//' | paste -sd' '
	mock_reset
}

CONTEXT='"status": 400, "body": {"error": {"message": "too long", "type": "invalid_request_error", "code": "context_length_exceeded"}}'
POLICY='"status": 400, "body": {"error": {"message": "no", "type": "invalid_request_error", "code": "content_policy_violation"}}'

@test "fallbacks of the model, else of '*', else the default ones" {
	mock_rules '[{"model": "m-d"}, {"status": 503}]'
	configure 'router_settings:' '  fallbacks: [{a: [b, d]}, {"*": [c, d]}]' '  default_fallbacks: [d]'
	asks a
	[ "$output" = "Answer from m-d." ]
	[ "$(asked)" = "a b d" ]
	asks b
	[ "$(asked)" = "b c d" ]
	configure 'litellm_settings: {fallbacks: [{a: [b]}], default_fallbacks: [d]}'
	asks c
	[ "$output" = "Answer from m-d." ]
	[ "$(asked)" = "c d" ]
	asks a
	[ "$status-$(asked)" = "69-a b" ]
}

@test "a model that is too short for the request leads to those for that, and only then" {
	mock_rules "[{\"model\": \"m-a\", \"responses\": [{$CONTEXT, \"times\": 2}, {\"status\": 503}]}, {\"model\": \"m-b\", \"status\": 503}]"
	configure 'router_settings: {context_window_fallbacks: [{a: [c]}], fallbacks: [{a: [b]}]}'
	asks a
	[ "$output" = "Answer from m-c." ]
	[ "$(asked)" = "a c" ]
	table_untouched
	configure 'router_settings: {context_window_fallbacks: [{"*": [c]}]}'
	asks a
	[ "$output" = "Answer from m-c." ]
	[ "$(asked)" = "a c" ]
	asks a
	[ "$status-$(asked)" = "69-a" ]
}

@test "refused content ends the call, or leads to the models for that" {
	mock_rules "[{\"model\": \"m-a\", $POLICY}]"
	configure 'router_settings: {fallbacks: [{a: [b]}]}'
	asks a
	[ "$status-$(asked)" = "65-a" ]
	configure 'router_settings: {fallbacks: [{a: [b]}], content_policy_fallbacks: [{a: [c]}]}'
	asks a
	[ "$output" = "Answer from m-c." ]
	[ "$(asked)" = "a c" ]
	table_untouched
}

@test "an answer that a filter emptied counts as refused where there are models for that" {
	mock_rules '[{"model": "m-a", "body": {"id": "x", "object": "chat.completion", "created": 1, "model": "m-a", "choices":
		[{"index": 0, "message": {"role": "assistant", "content": null}, "finish_reason": "content_filter"}]}}]'
	configure 'router_settings: {fallbacks: [{a: [b]}]}'
	asks a --json
	[ "$status-$(asked)" = "0-a" ]
	configure 'router_settings: {content_policy_fallbacks: [{a: [c]}]}'
	asks a
	[ "$output" = "Answer from m-c." ]
	[ "$(asked)" = "a c" ]
	table_untouched
}

# requests JSON [OPTION...]: one call with that as its whole request.
requests() {
	run --separate-stderr lull complete -c "$SCRATCH/config.yaml" --request - --when-cooling fail \
		--budget 240ms "${@:2}" <<<"$1"
}

# The bodies that were sent, one a line.
bodies() {
	mock_requests '.requests[].body' | grep .
}

@test "the request's own list: LiteLLM's fallbacks, OpenRouter's models, and none of it goes upstream" {
	mock_rules '[{"model": "m-d"}, {"status": 503}]'
	configure 'router_settings: {fallbacks: [{a: [c]}], allowed_fails: 30}'
	requests '{"model":"a", "fallbacks":["b","d"], "n":1}'
	[ "$output" = "Answer from m-d." ]
	[ "$(bodies)" = "$(printf '{"model":"m-%s", "n":1}\n' a b d)" ]
	[ "$(asked)" = "a b d" ]
	requests '{"models":["a","b","d"]}'
	[ "$output" = "Answer from m-d." ]
	[ "$(bodies)" = "$(printf '{"model":"m-%s"}\n' a b d)" ]
	[ "$(asked)" = "a b d" ]
	requests '{"model":"a","models":["a","d"]}'
	[ "$(asked)" = "a d" ]
	requests '{"model":"a","fallbacks":[]}'
	[ "$status-$(asked)" = "69-a" ]
	requests '{"model":"a","fallbacks":["b"],"disable_fallbacks":true}'
	[ "$status-$(asked)" = "69-a" ]
	requests '{"model":"a","n":1}'
	[ "$status-$(asked)" = "69-a c" ]
}

@test "the command line comes before the request's own list" {
	mock_rules '[{"model": "m-d"}, {"status": 503}]'
	configure
	requests '{"models":["a","b","d"]}' -m c
	[ "$(asked)" = "c b d" ]
	requests '{"model":"a","fallbacks":["b"],"disable_fallbacks":true}' -f c -f d
	[ "$(asked)" = "a c d" ]
}

@test "OpenRouter's models are not its own to choose from: Lull asks them, each by what it says" {
	mock_rules '[{"model": "openai/gpt-4o", "status": 503}]'
	OPENROUTER_API_BASE=$MOCK_URL/v1 OPENROUTER_API_KEY=sk-or-0123456789 run --separate-stderr -0 \
		lull complete --request - <<<'{"model":"openrouter/openai/gpt-4o","models":["openrouter/x-ai/grok-4"],"messages":[]}'
	[ "$output" = "Answer from x-ai/grok-4." ]
	[ "$(bodies)" = "$(printf '{"model":"%s","messages":[]}\n' openai/gpt-4o x-ai/grok-4)" ]
	run --separate-stderr -0 lull complete -v --request "$LULL_WIRE_DIR/openrouter/request_models.json"
	[ "$output" = "Answer from gpt-4o." ]
	[ "$(bodies | jq -s 'last | has("models"), .max_tokens' | paste -sd' ')" = "false 32" ]
}

@test "a model of the list may have members of its own" {
	mock_rules '[{"model": "m-c"}, {"status": 503}]'
	configure
	requests '{"model":"a","messages":[1.0],"temperature":1,"fallbacks":[{"model":"b","temperature":0.20},"d",{"model":"c","messages":[],"seed":7}]}'
	[ "$output" = "Answer from m-c." ]
	[ "$(bodies)" = '{"model":"m-a","messages":[1.0],"temperature":1}
{"model":"m-b","messages":[1.0],"temperature":0.20}
{"model":"m-d","messages":[1.0],"temperature":1}
{"seed":7,"model":"m-c","messages":[],"temperature":1}' ]
}

@test "the request's retries and time limit are the call's" {
	mock_rules '[{"model": "m-a", "status": 503}, {"model": "m-b", "delay_ms": 60000}]'
	configure 'router_settings: {num_retries: 5, timeout: 100}'
	requests '{"model":"a","num_retries":1,"fallbacks":[]}'
	[ "$(asked)" = "a a" ]
	requests '{"model":"b","timeout":0.5,"num_retries":0,"fallbacks":["c"]}' --budget 3s
	[ "$output" = "Answer from m-c." ]
	[ "$(bodies | head -1)" = '{"model":"m-b"}' ]
	requests '{"model":"b","timeout":0.5,"num_retries":0,"fallbacks":["c"],"stream":true}' --stream --budget 3s
	[ "$output" = "Answer from m-c." ]
}

@test "a request that says something to Lull in an unknown form is refused, and nobody is asked" {
	configure
	requests '{"model":"a","fallbacks":"b"}'
	[ "$status" = 65 ]
	[[ $stderr == *"complete: stdin: 'fallbacks' is no list, expected names of models" ]]
	requests '{"model":"a","models":["b",5]}'
	[ "$status" = 65 ]
	requests '{"model":"a","fallbacks":[{"model":"b","api_key":"sk-planted-again"}]}'
	[ "$status" = 65 ]
	[[ $stderr == *"fallbacks[0] sets 'api_key', which cannot be set for one model"* ]]
	[[ $stderr != *planted* ]]
	requests '{"model":"a","model":"b"}'
	[ "$status" = 65 ]
	requests "$(printf '{"model":"a","x":"\xff"}')"
	[ "$status" = 65 ]
	requests "{\"model\":\"a\",\"x\":$(printf '[%.0s' {1..200})"
	[ "$status" = 65 ]
	head -c 40000000 /dev/zero | tr '\0' x >"$SCRATCH/large"
	run -65 lull complete --request "$SCRATCH/large"
	[[ $output == *"$SCRATCH/large is larger than 32 MiB" ]]
	[ "$(mock_count)" = 0 ]
}

@test "-f replaces all that is configured" {
	mock_rules "[{\"model\": \"m-a\", $CONTEXT}, {\"model\": \"m-b\", \"status\": 503}]"
	configure 'router_settings: {fallbacks: [{a: [c]}], context_window_fallbacks: [{a: [c]}], default_fallbacks: [c]}'
	asks a -f b -f d
	[ "$output" = "Answer from m-d." ]
	[ "$(asked)" = "a b d" ]
}

@test "routes of one name are tried by order, and one that cools is skipped without a request" {
	mock_rules '[{"model": "m-1", "status": 429, "headers": {"Retry-After": 30}}]'
	cat >"$SCRATCH/config.yaml" <<-END
		model_list:
		  - {model_name: pool, litellm_params: {model: openai/m-2, api_base: $MOCK_URL/v1, api_key: k2, order: 2}}
		  - {model_name: pool, litellm_params: {model: openai/m-1, api_base: $MOCK_URL/v1, api_key: k1, order: 1}}
	END
	chmod 600 "$SCRATCH/config.yaml"
	asks pool
	[ "$output" = "Answer from m-2." ]
	[ "$(asked)" = "1 2" ]
	[ "$(key_state route m-1)" = "cooling rate_limited 429 30" ]
	asks pool
	[ "$(asked)" = 2 ]
}

@test "several keys of one model: what one key has used up is no fault of the other" {
	mock_rules '[{"key": "sk-spent", "status": 429, "body": {"error": {"message": "quota", "code": "insufficient_quota"}}}]'
	cat >"$SCRATCH/config.yaml" <<-END
		model_list:
		  - {model_name: m, litellm_params: {model: openai/m, api_base: $MOCK_URL/v1, api_key: sk-spent}}
		  - {model_name: m, litellm_params: {model: openai/m, api_base: $MOCK_URL/v1, api_key: sk-fresh}}
		  - {model_name: n, litellm_params: {model: openai/n, api_base: $MOCK_URL/v1, api_key: sk-spent}}
	END
	chmod 600 "$SCRATCH/config.yaml"
	asks m
	[ "$output" = "Answer from m." ]
	[ "$(mock_count)" = 2 ]
	[ "$(keys 'map(select(.kind == "credential" and .state == "cooling")) | length')" = 1 ]
	mock_reset
	asks m
	[ "$output-$(mock_count)" = "Answer from m.-1" ]
	asks n
	[ "$status-$(mock_count n)" = "75-0" ]
}

@test "an alias is asked as its model, and held by either name" {
	local name

	configure 'router_settings: {model_group_alias: {quick: a}, fallbacks: [{a: [b]}]}'
	asks quick
	[ "$output" = "Answer from m-a." ]
	for name in quick a m-a openai/m-a; do
		mock_reset
		LULL_CONFIG=$SCRATCH/config.yaml lull hold -q $name || true
		asks quick
		[ "$(asked)" = b ]
		lull clear -q --all
	done
}

@test "a pattern takes the names that fit, and each of them cools by itself" {
	mock_rules '[{"model": "x", "status": 429, "headers": {"Retry-After": 30}}]'
	cat >"$SCRATCH/config.yaml" <<-END
		model_list:
		  - {model_name: groq/*, litellm_params: {model: groq/*, api_base: $MOCK_URL/v1, api_key: k}}
		  - {model_name: "*", litellm_params: {model: openai/rest-*, api_base: $MOCK_URL/v1, api_key: k}}
	END
	chmod 600 "$SCRATCH/config.yaml"
	asks groq/x -f groq/y -f whatever
	[ "$output" = "Answer from y." ]
	[ "$(asked)" = "x y" ]
	LULL_CONFIG=$SCRATCH/config.yaml run -75 lull check groq/x
	LULL_CONFIG=$SCRATCH/config.yaml run -0 lull check groq/y
	asks whatever
	[ "$output" = "Answer from rest-whatever." ]
	asks "groq/*"
	[ "$status" = 78 ]
	ask -c "$SCRATCH/config.yaml" hi 2>"$SCRATCH/err" || [ $? = 64 ]
	grep -q "no model is named" "$SCRATCH/err"
}

@test "a route's defaults are said where neither caller nor list says anything" {
	cat >"$SCRATCH/config.yaml" <<-END
		model_list:
		  - model_name: a
		    litellm_params: {model: openai/m-a, api_base: $MOCK_URL/v1, api_key: k, temperature: 0.20, max_tokens: 9, stop: [x]}
		  - model_name: b
		    litellm_params: {model: xai/m-b, api_base: $MOCK_URL/v1, api_key: k, temperature: 0.30, extra_body: {seed: 1}}
		  - model_name: c
		    litellm_params: {model: anthropic/m-c, api_base: $MOCK_URL/v1, api_key: k, temperature: 0.40, max_tokens: 9}
	END
	chmod 600 "$SCRATCH/config.yaml"
	requests '{"model":"a","n":1}'
	requests '{"model":"a","temperature":1.0,"max_completion_tokens":5,"stop":null}'
	requests '{"model":"b","seed":2}'
	[ "$(bodies)" = '{"temperature":0.20,"max_tokens":9,"stop":["x"],"model":"m-a","n":1}
{"model":"m-a","temperature":1.0,"max_completion_tokens":5,"stop":null}
{"temperature":0.30,"model":"m-b","seed":1}' ]
	requests '{"model":"c","messages":[{"role":"user","content":"hi"}]}'
	[ "$(bodies | tail -1 | jq '.max_tokens == 9 and .temperature == 0.4')" = true ]
}

@test "disable_cooldowns: the file's calls cool nothing, and skip what others have cooled" {
	mock_rules '[{"model": "m-a", "status": 429, "headers": {"Retry-After": 30}}]'
	configure 'router_settings: {disable_cooldowns: true, fallbacks: [{a: [b]}]}'
	asks a
	[ "$(asked)" = "a b" ]
	table_untouched
	lull cool -q a 1h || true
	asks a
	[ "$(asked)" = b ]
}
