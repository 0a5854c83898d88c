#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The gateway as clients meet it: answers, streams, fallbacks, errors, headers, log.

load gateway

setup() {
	gateway_setup
}

teardown() {
	gateway_teardown
}

@test "an answer passes through byte for byte, and so does a request but for its model" {
	local request='{ "messages":[{"role":"user","content":"\u00e4"}],  "temperature":1.0, "model":"m1", "n":1 }'
	gateway_config m1 </dev/null
	sed -i 's|openai/m1|openai/upstream|' "$CONFIG"
	mock_rules '[{"model": "upstream", "headers": {"Content-Type": "application/json"}, "body": "{\"choices\": [ {\"message\":{\"role\":\"assistant\",\"content\":\"hi\"},\"index\":0, \"finish_reason\":\"stop\"}],\"id\":\"x\"  }"}]'
	gateway_start --listen 127.0.0.1:0
	call /v1/chat/completions -d "$request"
	[ "$STATUS" = 200 ]
	[ "$BODY" = '{"choices": [ {"message":{"role":"assistant","content":"hi"},"index":0, "finish_reason":"stop"}],"id":"x"  }' ]
	[ "$(mock_requests '.requests[-1].body')" = "${request/m1/upstream}" ]
	[ "$(header content-type)" = application/json ]
	[ "$(header x-lull-model)" = "m1 (openai/upstream)" ]
	[ "$(header x-lull-attempts)" = 1 ]
	[[ $(header x-lull-trail) == "m1 (openai/upstream): answered 200 "*s ]]
}

@test "a stream passes through, its first byte with the first content" {
	gateway_config m1 </dev/null
	gateway_start --listen 127.0.0.1:0
	chat m1 '"stream":true'
	[ "$STATUS" = 200 ]
	[[ $(header content-type) == text/event-stream* ]]
	[ "$(stream_text)" = "Answer from m1." ]
	[ "$(tail -n 2 <<<"$BODY" | head -n 1)" = "data: [DONE]" ] || [ "$(tail -n 1 <<<"$BODY")" = "data: [DONE]" ]
	[ "$(header x-lull-model)" = m1 ]
	[ "$(header x-lull-trail)" = "m1: answering" ]
	[ "$(mock_requests '.requests[-1].body | fromjson | .stream')" = true ]
}

@test "a fallback answers, plain and streamed, and the trail says why" {
	gateway_config limited m2 <<-END
		router_settings: {fallbacks: [{limited: [m2]}]}
	END
	mock_rules '[{"model": "limited", "status": 429, "headers": {"Retry-After": 30}}]'
	gateway_start --listen 127.0.0.1:0
	chat limited
	[ "$STATUS-$(jq -r '.choices[0].message.content' <<<"$BODY")" = "200-Answer from m2." ]
	[ "$(header x-lull-attempts)" = 2 ]
	[[ $(header x-lull-trail) == "limited: rate_limited 429 "*"; m2: answered 200 "* ]]
	chat limited '"stream":true'
	[ "$STATUS-$(stream_text)" = "200-Answer from m2." ]
	[[ $(header x-lull-trail) == "limited: cooling rate_limited "*"s; m2: answering" ]]
	[ "$(header x-lull-attempts)" = 1 ]
	[ "$(mock_count limited)" = 1 ]
}

@test "a second gateway makes no call to what cools, and neither does lull complete" {
	gateway_config limited m2 <<-END
		router_settings: {fallbacks: [{limited: [m2]}]}
	END
	mock_rules '[{"model": "limited", "status": 429, "headers": {"Retry-After": 30}}]'
	gateway_start --listen 127.0.0.1:0
	chat limited
	gateway_start --listen 127.0.0.1:0
	chat limited
	[ "$(header x-lull-model)" = m2 ]
	[ "$(ask -c "$CONFIG" -m limited hi)" = "Answer from m2." ]
	[ "$(mock_count limited)" = 1 ]
}

@test "the request brings its own list: fallbacks, models, disable_fallbacks" {
	gateway_config bad m2 m3 <<-END
		router_settings: {fallbacks: [{bad: [m2]}]}
	END
	mock_rules '[{"model": "bad", "status": 500}]'
	gateway_start --listen 127.0.0.1:0
	chat bad '"fallbacks":["m3"]'
	[ "$(header x-lull-model)" = m3 ]
	chat bad '"models":["m3","m2"]'
	[ "$(header x-lull-model)" = m3 ]
	[ "$(mock_requests '.requests[-1].body | fromjson | has("models")')" = false ]
	lull clear --all
	chat bad '"disable_fallbacks":true,"num_retries":1'
	[ "$STATUS" = 502 ]
	[[ $(header x-lull-trail) == "bad: server_error 500 "*"bad: server_error 500 "* ]]
}

@test "all cooling is 429 with the true soonest, and the client's library is told not to retry" {
	gateway_config limited later </dev/null
	mock_rules '[{"model": "limited", "status": 429, "headers": {"Retry-After": 20}}, {"model": "later", "status": 429, "headers": {"Retry-After": 50}}]'
	gateway_start --listen 127.0.0.1:0
	chat limited '"fallbacks":["later"]'
	[ "$STATUS" = 429 ]
	[ "$(jq -r .error.code <<<"$BODY")" = rate_limit_exceeded ]
	chat later '"fallbacks":["limited"]'
	[ "$STATUS" = 429 ]
	[ "$(jq -r '.error | .type + " " + .code' <<<"$BODY")" = "requests cooling" ]
	[ "$(header retry-after)" -le 20 ]
	[ "$(header retry-after)" -ge 10 ]
	[ "$(header x-should-retry)" = false ]
	[ "$(header x-lull-attempts)" = 0 ]
	[ "$(mock_count)" = 2 ]
}

@test "errors are OpenAI's in form and status" {
	gateway_config m1 r400 r401 r402 r403 r404 r413 r429 r500 r503 html </dev/null
	mock_rules '[{"model":"r400","status":400},{"model":"r401","status":401},{"model":"r402","status":402},{"model":"r403","status":403},
		{"model":"r404","status":404},{"model":"r413","status":413},{"model":"r429","status":429},
		{"model":"r500","status":500},{"model":"r503","status":503},
		{"model":"html","headers":{"Content-Type":"text/html"},"body":"<html>"}]'
	gateway_start --listen 127.0.0.1:0
	check() {
		chat "$1"
		[ "$STATUS $(jq -r '.error | .type + " " + .code' <<<"$BODY")" = "$2" ] || {
			echo "$1: $STATUS $BODY, expected $2" >&2
			return 1
		}
		[ "$(jq -r '.error | keys | join(" ")' <<<"$BODY")" = "code message param type" ]
	}
	check r400 "400 invalid_request_error bad_request"
	check r401 "502 server_error auth"
	lull clear --all
	check r402 "402 insufficient_quota insufficient_quota"
	lull clear --all
	check r403 "502 server_error permission"
	check r404 "404 invalid_request_error model_not_found"
	check r413 "413 invalid_request_error too_large"
	check r429 "429 requests rate_limit_exceeded"
	[ "$(header retry-after)" -gt 0 ]
	check r500 "502 server_error server_error"
	check r503 "503 server_error overloaded"
	check html "502 server_error malformed_response"
	check nowhere "404 invalid_request_error model_not_found"
}

@test "a request that is none is told what is wrong with it" {
	gateway_config m1 </dev/null
	gateway_start --listen 127.0.0.1:0
	check() {
		call /v1/chat/completions -d "$1"
		[ "$STATUS" = 400 ]
		[[ $(jq -r .error.message <<<"$BODY") == *"$2"* ]] || {
			echo "$1: $BODY, expected $2" >&2
			return 1
		}
	}
	check '{"model":' "line 1"
	check '[1]' "another JSON value"
	check '{"model":1}' "'model' is no name"
	check '{"model":"m1","messages":[],"stream":"yes"}' "'stream' is neither"
	check '{"model":"m1","messages":[],"num_retries":-1}' "'num_retries'"
	check '{"model":"m1","messages":[],"timeout":0}' "'timeout'"
	[ "$(mock_count)" = 0 ]
}

@test "a request can reach no address that the configuration does not name" {
	gateway_config m1 </dev/null
	gateway_start --listen 127.0.0.1:0
	for member in '"api_base":"http://127.0.0.1:1"' '"base_url":"http://127.0.0.1:1"' '"api_key":"x"' '"custom_llm_provider":"ollama"' \
		'"fallbacks":[{"model":"m1","api_base":"http://127.0.0.1:1"}]'; do
		chat m1 "$member"
		[ "$STATUS" = 400 ]
	done
	for model in ollama/m openai/m1 gpt-4o http://127.0.0.1:1/m "m1@http://127.0.0.1:1"; do
		chat "$model"
		[ "$STATUS" = 404 ]
		chat m1 "\"fallbacks\":[\"$model\"]"
		[ "$STATUS" = 404 ]
	done
	[ "$(mock_count)" = 0 ]
}

@test "without a model_list, it reaches what the environment names by a key or an address" {
	CONFIG=$SCRATCH/lull.yaml
	echo "lull: {budget: 5s}" >"$CONFIG"
	export OPENAI_BASE_URL=$MOCK_URL/v1 OPENAI_API_KEY=sk-a LM_STUDIO_API_BASE=$MOCK_URL/v1
	gateway_start --listen 127.0.0.1:0
	for model in ollama/m ollama_chat/m hosted_vllm/m llamafile/m; do
		chat "$model"
		[ "$STATUS" = 404 ]
		chat gpt-4o "\"fallbacks\":[\"$model\"]"
		[ "$STATUS" = 404 ]
	done
	[ "$(mock_count)" = 0 ]
	for model in gpt-4o lm_studio/m; do
		chat "$model"
		[ "$STATUS" = 200 ]
	done
	[ "$(mock_count)" = 2 ]
	gateway_stop

	# and so where the list leaves the provider to who asks
	cat >"$CONFIG" <<-END
		model_list:
		  - {model_name: "*", litellm_params: {model: "*"}}
		  - {model_name: ollama/named, litellm_params: {model: ollama/named}}
	END
	gateway_start --listen 127.0.0.1:0
	chat ollama/m
	[ "$STATUS" = 404 ]
	chat ollama/named
	[ "$STATUS" != 404 ]
	chat lm_studio/m
	[ "$STATUS" = 200 ]
}

@test "what stands for a * is a model, and no other path of its address" {
	gateway_config m1 <<-END
		  - {model_name: azure/*, litellm_params: {model: azure/*, api_base: $MOCK_URL, api_key: k, api_version: "2024-10-21"}}
		  - {model_name: bedrock/*, litellm_params: {model: bedrock/*, api_base: $MOCK_URL, api_key: k}}
	END
	gateway_start --listen 127.0.0.1:0
	for model in azure/. azure/.. bedrock/..; do
		chat "$model"
		[ "$STATUS" = 404 ]
	done
	[ "$(mock_count)" = 0 ]
	chat azure/m1
	[ "$(mock_count)" = 1 ]
}

@test "a stream that breaks off after its first content ends in an error, not in [DONE]" {
	gateway_config cut m2 <<-END
		router_settings: {fallbacks: [{cut: [m2]}]}
	END
	mock_rules '[{"model": "cut", "text": "one two three four", "send_events": 3, "end": "close"}]'
	gateway_start --listen 127.0.0.1:0
	chat cut '"stream":true'
	[ "$STATUS" = 200 ]
	[ "$(grep '^data: ' <<<"$BODY" | tail -n 1 | sed 's/^data: //' | jq -r '.error | .type + " " + .code')" = "server_error truncated_stream" ]
	! grep -q DONE <<<"$BODY" || return 1
	[ "$(mock_count m2)" = 0 ]
	gateway_stop
	logged model=cut status=200 error=truncated_stream
}

@test "a stream that breaks off before its first content is another model's" {
	gateway_config cut m2 <<-END
		router_settings: {fallbacks: [{cut: [m2]}]}
	END
	mock_rules '[{"model": "cut", "text": "one two three four", "send_events": 1, "end": "close"}]'
	gateway_start --listen 127.0.0.1:0
	chat cut '"stream":true'
	[ "$STATUS-$(stream_text)" = "200-Answer from m2." ]
}

@test "the client's leaving ends the upstream's request, and cools nothing" {
	gateway_config slow stalls thinks </dev/null
	mock_rules '[{"model": "slow", "delay_ms": 15000}, {"model": "stalls", "text": "one two three", "send_events": 2, "end": "stall"},
		{"model": "thinks", "body_delay_ms": 15000}]'
	gateway_start --listen 127.0.0.1:0
	leave() {
		curl -sN --noproxy '*' -d "{\"model\":\"$1\",\"messages\":[]${2:-}}" "$URL/v1/chat/completions" >"$SCRATCH/out" 3>&- &
		local client=$!
		until_true in_flight "$1" 1
		kill "$client"
		wait "$client" || true
		within 0 5000 until_true in_flight "$1" 0
	}
	leave slow
	leave slow ',"stream":true'
	leave thinks ',"stream":true'
	leave stalls ',"stream":true'
	table_untouched
	until_true logged model=stalls status=499
	[ "$(grep -c status=499 "$LOG")" = 4 ]
}

@test "ids and traces pass through, and the log has a line for each request, without a word of it" {
	gateway_config m1 </dev/null
	gateway_start --listen 127.0.0.1:0
	call /v1/chat/completions -H 'X-Request-Id: abc-1' -H 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' -H 'tracestate: a=b' \
		-d '{"model":"m1","messages":[{"role":"user","content":"planted words"}]}'
	[ "$(header x-request-id)" = abc-1 ]
	[ "$(mock_requests '.requests[-1].headers | to_entries[] | select(.key | test("^(x-request-id|traceparent|tracestate)$"; "i")) | .value' | sort | paste -sd' ')" = \
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 a=b abc-1" ]
	chat m1 '"stream":true' -H 'X-Request-Id: has "quotes" and blanks'
	until_true logged id=abc-1 trace=00-4bf9 path=/v1/chat/completions status=200 model=m1 route=m1 attempts=1 tokens= content_ms= total_ms=
	until_true logged 'id="has \"quotes\" and blanks"' stream=true
	chat m1
	[[ $(header x-request-id) == lull-* ]]
	! grep -q -e planted -e "$KEY" -e '"hi"' "$LOG"
}

@test "the log as JSON, or none" {
	gateway_config m1 </dev/null
	gateway_start --listen 127.0.0.1:0 --log json
	chat m1
	until_true logged '"status":200'
	[ "$(grep '^{' "$LOG" | jq -r '.model, .route, .attempts, .tokens' | paste -sd' ')" = "m1 m1 1 17" ]
	gateway_start --listen 127.0.0.1:0 --log none
	chat m1
	gateway_stop
	! grep -q status "$LOG"
}

@test "models are listed once, with their aliases; health needs nothing" {
	gateway_config m1 m1 m2 <<-END
		router_settings: {model_group_alias: {other: m2}}
	END
	gateway_start --listen 127.0.0.1:0
	call /v1/models
	[ "$(jq -r '.object, .data[].id' <<<"$BODY" | paste -sd' ')" = "list m1 m2 other" ]
	call /health/live
	[ "$STATUS" = 200 ]
	call /health/ready
	[ "$STATUS" = 200 ]
	[ "$(raw 'HEAD /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' | tail -n 1)" = $'\r' ]
	call /nowhere
	[ "$STATUS" = 404 ]
	call /v1/chat/completions
	[ "$STATUS" = 405 ]
}

@test "when_cooling: fail is the default, the configuration may wait" {
	gateway_config limited <<-END
		lull: {when_cooling: wait}
	END
	mock_rules '[{"model": "limited", "responses": [{"status": 429, "headers": {"Retry-After": 1}}, {"text": "there"}]}]'
	gateway_start --listen 127.0.0.1:0
	chat limited
	[ "$STATUS-$(jq -r '.choices[0].message.content' <<<"$BODY")" = 200-there ]
	[[ $(header x-lull-trail) == *"slept "* ]]
}

@test "who sleeps is woken when somebody opens a model" {
	gateway_config held <<-END
		lull: {when_cooling: wait}
	END
	gateway_start --listen 127.0.0.1:0
	lull cool held 20s
	(sleep 0.5 && lull clear held) 3>&- &
	within 400 8000 chat held
	[ "$STATUS" = 200 ]
}

@test "a slow reader holds up its provider, and not this host's memory; all of it arrives" {
	local body='{"model":"long","stream":true,"messages":[]}' fd
	gateway_config long </dev/null
	seq -f 'w%.0f' 110000 | paste -sd' ' | jq -R '[{model: "long", text: .}]' >"$SCRATCH/rules"
	mock_rules "@$SCRATCH/rules"
	gateway_start --listen 127.0.0.1:0
	exec {fd}<>"/dev/tcp/127.0.0.1/${URL##*:}"
	printf 'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' ${#body} "$body" >&"$fd"
	until_true in_flight long 1
	sleep 1.5
	in_flight long 1
	cat <&"$fd" >"$SCRATCH/out"
	exec {fd}>&-
	[ "$(grep -c '"content":".*w[0-9]' "$SCRATCH/out")" = 110000 ]
	grep -q '^data: \[DONE\]' "$SCRATCH/out"
	table_untouched
}

@test "while a model is silent in the middle of its answer, the client hears a comment" {
	gateway_config stalls </dev/null
	mock_rules '[{"model": "stalls", "text": "one two three", "send_events": 2, "end": "stall"}]'
	gateway_start --listen 127.0.0.1:0
	curl -sN --noproxy '*' --max-time 60 -d '{"model":"stalls","messages":[],"stream":true}' "$URL/v1/chat/completions" >"$SCRATCH/out" 3>&- &
	local client=$!
	until_true grep -q '^: ping' "$SCRATCH/out"
	kill "$client"
	wait "$client" || true
	[ "$(grep -c '^data: {' "$SCRATCH/out")" = 2 ]
}

@test "a client that leaves while its call sleeps, or while it still sends, leaves nothing behind" {
	gateway_config held <<-END
		lull: {when_cooling: wait}
	END
	gateway_start --listen 127.0.0.1:0
	lull cool held 30s
	curl -s --noproxy '*' -d '{"model":"held","messages":[]}' "$URL/v1/chat/completions" 3>&- &
	local client=$!
	sleep 0.5
	kill "$client"
	wait "$client" || true
	until_true logged model=held status=499
	{
		printf 'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{'
	} >"/dev/tcp/127.0.0.1/${URL##*:}"
	left_twice() {
		[ "$(grep -c status=499 "$LOG")" = 2 ]
	}
	until_true left_twice
	[ "$(mock_count)" = 0 ]
}
