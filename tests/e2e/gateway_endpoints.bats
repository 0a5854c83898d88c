#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# OpenAI's other endpoints: text completions and embeddings, by the same loop.

load gateway

setup() {
	gateway_setup
	EMBEDDINGS='{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AACAPw=="}],"model":"e","usage":{"prompt_tokens":7,"total_tokens":7}}'
	COMPLETION='{"id":"cmpl-1","object":"text_completion","choices":[{"text":" there","index":0,"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}'
}

teardown() {
	gateway_teardown
}

# text_stream TEXT...: the chunks of a text completion, without [DONE]
text_stream() {
	local text

	for text; do
		printf 'data: {"id":"cmpl-1","object":"text_completion","choices":[{"text":"%s","index":0,"logprobs":null,"finish_reason":null}]}\n\n' "$text"
	done
	printf 'data: {"id":"cmpl-1","object":"text_completion","choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}]}\n\n'
}

@test "embeddings pass through both ways" {
	local request='{"input":["planted words","b"], "encoding_format":"base64","model":"e" }'
	gateway_config e </dev/null
	mock_rules "[{\"path\": \"/v1/embeddings\", \"body\": $(jq -Rs . <<<"$EMBEDDINGS")}]"
	gateway_start --listen 127.0.0.1:0
	call /v1/embeddings -d "$request"
	[ "$STATUS-$BODY" = "200-$EMBEDDINGS" ]
	[ "$(mock_requests '.requests[-1] | .path + " " + .body')" = "/v1/embeddings $request" ]
	until_true logged path=/v1/embeddings tokens=7
	! grep -q planted "$LOG"
}

@test "embeddings fall back, and what holds none is no answer" {
	gateway_config limited empty e </dev/null
	mock_rules "[{\"model\": \"limited\", \"status\": 429}, {\"model\": \"empty\", \"body\": \"{\\\"data\\\":[]}\"},
		{\"path\": \"/v1/embeddings\", \"body\": $(jq -Rs . <<<"$EMBEDDINGS")}]"
	gateway_start --listen 127.0.0.1:0
	call /v1/embeddings -d '{"model":"limited","fallbacks":["empty","e"],"input":"a"}'
	[ "$STATUS-$BODY" = "200-$EMBEDDINGS" ]
	[[ $(header x-lull-trail) == "limited: rate_limited 429 "*"; empty: malformed_response 200 "*"; e: answered 200 "* ]]
}

@test "a route of another form is passed over with a word, and cools nothing" {
	gateway_config e <<-END
		  - {model_name: claude, litellm_params: {model: anthropic/claude-3, api_base: $MOCK_URL, api_key: x}}
		  - {model_name: gemini, litellm_params: {model: gemini/gemini-2, api_base: $MOCK_URL, api_key: x}}
	END
	mock_rules "[{\"path\": \"/v1/embeddings\", \"body\": $(jq -Rs . <<<"$EMBEDDINGS")}]"
	gateway_start --listen 127.0.0.1:0
	call /v1/embeddings -d '{"model":"claude","fallbacks":["gemini","e"],"input":"a"}'
	[ "$STATUS" = 200 ]
	[[ $(header x-lull-trail) == "claude (anthropic/claude-3): bad_request "*"; gemini (gemini/gemini-2): bad_request "*"; e: answered 200 "* ]]
	call /v1/embeddings -d '{"model":"claude","input":"a"}'
	[ "$STATUS" = 400 ]
	[[ $(jq -r .error.message <<<"$BODY") == *"has no embeddings"* ]]
	[ "$(mock_count)" = 1 ]
	table_untouched
}

@test "a model that is not for this endpoint stays open for chat" {
	gateway_config m1 </dev/null
	mock_rules '[{"path": "/v1/completions", "status": 404, "body": {"error": {"message": "This is a chat model", "type": "invalid_request_error", "code": null}}}]'
	gateway_start --listen 127.0.0.1:0
	call /v1/completions -d '{"model":"m1","prompt":"hello"}'
	[ "$STATUS" = 400 ]
	[[ $(jq -r .error.message <<<"$BODY") == *"This is a chat model"* ]]
	table_untouched
	chat m1
	[ "$STATUS" = 200 ]
}

@test "text completions, whole" {
	gateway_config m1 </dev/null
	mock_rules "[{\"path\": \"/v1/completions\", \"body\": $(jq -Rs . <<<"$COMPLETION")}]"
	gateway_start --listen 127.0.0.1:0
	call /v1/completions -d '{"model":"m1","prompt":"hello"}'
	[ "$STATUS-$BODY" = "200-$COMPLETION" ]
}

@test "the sample of text completions, whole and in pieces" {
	local pieces

	gateway_config m1 </dev/null
	gateway_start --listen 127.0.0.1:0
	for pieces in 0 7 1; do
		mock_rules "$(jq -c --argjson pieces $pieces '[.cases[] | select(.api == "/v1/completions") | {path: .api, file}
			+ if $pieces > 0 then {$pieces} else {} end]' "$LULL_WIRE_DIR/index.json")"
		call /v1/completions -d '{"model":"m1","prompt":"say hello"}'
		[ "$STATUS" = 200 ]
		[ "$(jq -c '[.choices[0].text, .choices[0].finish_reason, .usage.total_tokens]' <<<"$BODY")" = '[" hello","length",6]' ]
		table_untouched
	done
	[ "$(mock_requests '[.requests[].path] | unique | join(" ")')" = /v1/completions ]
	echo "# 1 sample, whole, in sevens, byte by byte: openai/completions" >&3
}

@test "text completions, streamed" {
	local stream
	gateway_config m1 cut </dev/null
	stream=$(text_stream " the" "re")
	mock_rules "[{\"model\": \"cut\", \"headers\": {\"Content-Type\": \"text/event-stream\"}, \"framing\": \"close\", \"body\": $(head -n 2 <<<"$stream" | jq -Rs .)},
		{\"path\": \"/v1/completions\", \"headers\": {\"Content-Type\": \"text/event-stream\"}, \"body\": $(printf '%s\n\ndata: [DONE]\n\n' "$stream" | jq -Rs .)}]"
	gateway_start --listen 127.0.0.1:0
	call /v1/completions -d '{"model":"m1","prompt":"hello","stream":true}'
	[ "$STATUS" = 200 ]
	[ "$BODY" = "$(printf '%s\n\ndata: [DONE]\n\n' "$stream")" ]
	call /v1/completions -d '{"model":"cut","prompt":"hello","stream":true}'
	[[ $BODY == *'"code":"truncated_stream"'* ]]
}

@test "a provider that answers a streamed text completion in one piece is understood" {
	gateway_config m1 </dev/null
	mock_rules "[{\"path\": \"/v1/completions\", \"body\": $(jq -Rs . <<<"$COMPLETION")}]"
	gateway_start --listen 127.0.0.1:0
	call /v1/completions -d '{"model":"m1","prompt":"hello","stream":true}'
	[ "$(sed -n 's/^data: {/{/p' <<<"$BODY" | jq -r '.choices[0].text')" = " there" ]
	[[ $BODY == *"data: [DONE]"* ]]
}

@test "on Azure the other endpoints are where chat completions are" {
	cat >"$SCRATCH/lull.yaml" <<-END
		model_list:
		  - {model_name: e, litellm_params: {model: azure/deployed, api_base: $MOCK_URL, api_key: x, api_version: "2024-10-21"}}
	END
	CONFIG=$SCRATCH/lull.yaml
	mock_rules "[{\"path\": \"*/embeddings*\", \"body\": $(jq -Rs . <<<"$EMBEDDINGS")}]"
	gateway_start --listen 127.0.0.1:0
	call /v1/embeddings -d '{"model":"e","input":"a"}'
	[ "$STATUS" = 200 ]
	[[ $(mock_requests '.requests[-1].path') == /openai/deployments/deployed/embeddings* ]]
}
