#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lull explain-error: what responses would do, as text and as JSON, and what it says of files that
# hold none.

bats_require_minimum_version 1.5.0

setup() {
	WIRE=$BATS_TEST_DIRNAME/../wire
	LULL=$LULL_BIN_DIR/lull
	SCRATCH=$(mktemp -d /tmp/lull-explain-XXXXXX)
	export LULL_SHM_DIR=$SCRATCH
}

teardown() {
	rm -rf "$SCRATCH"
}

# FILE PROVIDER JSON
explained() {
	run -0 --separate-stderr "$LULL" explain-error --json -p "$2" "$WIRE/$1.http"
	[ "$output" = "$3" ]
	[ -z "$stderr" ]
}

@test "class, what it cools, on what proof, for how long, by which rule" {
	explained openai/429_tokens openai \
		'{"v":1,"class":"rate_limited","cools":"route","proof":"hard","for_ms":18642,"hint_ms":18642,"rule":"openai rate_limit_exceeded"}'
	explained openai/429_insufficient_quota openai \
		'{"v":1,"class":"quota_exhausted","cools":"credential","proof":"hard","for_ms":600000,"hint_ms":null,"rule":"openai insufficient_quota"}'
	explained openai/502_cloudflare_html openai \
		'{"v":1,"class":"server_error","cools":"endpoint","proof":"soft","for_ms":60000,"hint_ms":null,"rule":"edge page"}'
	explained openai/400_context_length openai \
		'{"v":1,"class":"context_window","cools":"none","proof":"none","for_ms":0,"hint_ms":null,"rule":"openai context_length_exceeded"}'
	explained ollama/compat_503_busy ollama \
		'{"v":1,"class":"overloaded","cools":"endpoint","proof":"soft","for_ms":2000,"hint_ms":null,"rule":"ollama 503 queue full"}'
}

@test "a wait that nobody should believe is told, and cools for the usual time" {
	explained azure/429_86400 azure \
		'{"v":1,"class":"rate_limited","cools":"route","proof":"soft","for_ms":60000,"hint_ms":86400000,"rule":"azure 429 wait of hours"}'
	run -0 "$LULL" explain-error -p azure "$WIRE/azure/429_86400.http"
	[[ $output == *"asks   to wait 86400.0 s (retry-after), which is not believed"* ]]
}

@test "a provider is known by what people call it, too" {
	explained vertex/401_token_expired vertex \
		'{"v":1,"class":"auth","cools":"credential","proof":"hard","for_ms":60000,"hint_ms":null,"rule":"vertex ACCESS_TOKEN_EXPIRED"}'
	explained lmstudio/400_context lmstudio \
		'{"v":1,"class":"context_window","cools":"none","proof":"none","for_ms":0,"hint_ms":null,"rule":"over the context"}'
	explained vllm/404_model vllm \
		'{"v":1,"class":"model_not_found","cools":"route","proof":"hard","for_ms":60000,"hint_ms":null,"rule":"status 404"}'
	explained llamacpp/503_loading llamacpp \
		'{"v":1,"class":"overloaded","cools":"endpoint","proof":"soft","for_ms":2000,"hint_ms":null,"rule":"llama.cpp unavailable_error"}'
	explained together/429_credit_limit together \
		'{"v":1,"class":"rate_limited","cools":"credential","proof":"hard","for_ms":60000,"hint_ms":null,"rule":"together 429 credit_limit"}'
	explained fireworks/412_suspended fireworks \
		'{"v":1,"class":"quota_exhausted","cools":"credential","proof":"hard","for_ms":600000,"hint_ms":null,"rule":"fireworks 412"}'
}

@test "answers and streams are read as a call would read them" {
	explained openai/success openai \
		'{"v":1,"class":"answered","cools":"none","proof":"none","for_ms":0,"hint_ms":null,"rule":"answer"}'
	explained openai/stream openai \
		'{"v":1,"class":"answered","cools":"none","proof":"none","for_ms":0,"hint_ms":null,"rule":"answer"}'
	explained openai/stream_truncated openai \
		'{"v":1,"class":"truncated_stream","cools":"route","proof":"soft","for_ms":60000,"hint_ms":null,"rule":"stream without a finish reason"}'
	explained openrouter/stream_error_midway openrouter \
		'{"v":1,"class":"rate_limited","cools":"route","proof":"hard","for_ms":60000,"hint_ms":null,"rule":"openrouter rate_limit_exceeded"}'
	explained gemini/success_prompt_blocked gemini \
		'{"v":1,"class":"answered","cools":"none","proof":"none","for_ms":0,"hint_ms":null,"rule":"answer"}'
	explained gemini/stream_tool_call gemini \
		'{"v":1,"class":"answered","cools":"none","proof":"none","for_ms":0,"hint_ms":null,"rule":"answer"}'
	explained gemini/stream_error_midway gemini \
		'{"v":1,"class":"overloaded","cools":"route","proof":"soft","for_ms":60000,"hint_ms":null,"rule":"status 503"}'
}

# FILE CLASS COOLS PROOF RULE
of_bedrock() {
	local for_ms=60000
	[ "$2" != answered ] || for_ms=0
	explained "bedrock/$1" bedrock \
		"{\"v\":1,\"class\":\"$2\",\"cools\":\"$3\",\"proof\":\"$4\",\"for_ms\":$for_ms,\"hint_ms\":null,\"rule\":\"$5\"}"
}

@test "binary streams are read as a call would read them" {
	of_bedrock success answered none none answer
	of_bedrock stream answered none none answer
	of_bedrock stream_tool_use answered none none answer
	of_bedrock stream_throttled_midway rate_limited route hard "bedrock ThrottlingException"
	of_bedrock stream_model_error_midway server_error route soft "bedrock ModelStreamErrorException"
	of_bedrock stream_cut truncated_stream route soft "stream without a finish reason"
	LC_ALL=C sed 's/"Hello"/"Hullo"/' "$WIRE/bedrock/stream.http" >"$SCRATCH/damaged.http"
	WIRE=$SCRATCH explained damaged bedrock \
		'{"v":1,"class":"malformed_response","cools":"route","proof":"soft","for_ms":60000,"hint_ms":null,"rule":"damaged event"}'
}

@test "text for people, from stdin too, without the key that the server echoes" {
	run -0 --separate-stderr "$LULL" explain-error - <"$WIRE/openai/401_invalid_key.http"
	[ "${lines[0]}" = "class  auth (key not accepted)" ]
	[ "${lines[1]}" = "rule   openai invalid_api_key" ]
	[[ ${lines[2]} == "says   Incorrect API key provided: [hidden]. You can find"* ]]
	[ "${lines[3]}" = "cools  the credential for 60.0 s, at once" ]
	[ "${#lines[@]}" = 4 ]
}

@test "what is no response is refused with 65, what makes no sense with 64" {
	echo "hello" >"$SCRATCH/text"
	run -65 "$LULL" explain-error "$SCRATCH/text"
	[[ $output == *"text is no HTTP response: expected a status line, 'HTTP/1.1 200 OK'" ]]
	printf 'HTTP/1.1 429 X\r\nretry-after: 1\r\n' >"$SCRATCH/cut"
	run -65 "$LULL" explain-error "$SCRATCH/cut"
	[[ $output == *"expected a blank line after the headers" ]]
	printf 'HTTP/1.1 429 X\nno colon\n\n' >"$SCRATCH/header"
	run -65 "$LULL" explain-error "$SCRATCH/header"
	[[ $output == *"expected a header, 'Name: value'" ]]
	run -65 "$LULL" explain-error "$SCRATCH/missing"
	[[ $output == *"cannot read $SCRATCH/missing: No such file or directory" ]]
	run -64 "$LULL" explain-error
	run -64 "$LULL" explain-error a b
	run -64 "$LULL" explain-error -p nobody "$WIRE/openai/success.http"
	[[ $output == *"unknown provider 'nobody', expected one of openai, "* ]]
	run -0 "$LULL" explain-error --help
	[[ $output == *"examples:"* ]]
}

@test "a provider goes by its name, its prefixes, and the folders of the samples" {
	local folder name

	for folder in "$WIRE"/*/; do
		folder=$(basename "$folder")
		case $folder in canonical | transport) continue ;; esac
		run -0 "$LULL" explain-error -p "$folder" "$WIRE/openai/429_tokens.http"
	done
	for name in cohere_chat/ ollama_chat together_ai; do
		run -0 "$LULL" explain-error -p $name "$WIRE/openai/429_tokens.http"
	done
	explained ollama/compat_503_busy ollama_chat \
		'{"v":1,"class":"overloaded","cools":"endpoint","proof":"soft","for_ms":2000,"hint_ms":null,"rule":"ollama 503 queue full"}'
}

@test "the shared table is neither made nor changed" {
	run -0 "$LULL" explain-error "$WIRE/openai/429_tokens.http"
	[ -z "$(ls -A "$SCRATCH")" ]
}

@test "what curl -i shows of a proxy's CONNECT is not the response" {
	printf 'HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\n\r\n{"error":{"message":"slow down"}}' >"$BATS_TEST_TMPDIR/x.http"
	run -0 "$LULL" explain-error --json "$BATS_TEST_TMPDIR/x.http"
	[ "$(jq -r '"\(.class) \(.hint_ms)"' <<<"$output")" = "rate_limited 7000" ]
}
