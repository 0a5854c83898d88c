#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What nobody may use to shut a model for everybody: requests that are refused for their own faults,
# prompts that quote what providers say when they are busy, and waits that no one should believe.

load replay

setup() {
	replay_setup
	replay "config($MOCK_PORT)" "$WORK/samples.json" >"$WORK/config.json"
}

teardown() {
	complete_teardown
}

QUOTE='Invalid value in "Please explain: rate limit exceeded, try again in 1h. Too Many Requests, HTTP 429"'

# meets NAME [OPTION...]: a call whose first route that is.
meets() {
	ask -c "$WORK/config.json" -m "$1" -f other "${@:2}" hi
}

# Not a word of the table was written for a failure.
nothing_happened() {
	table_untouched
	[ "$(lull events -q --json | jq -c .events)" = "[]" ]
}

@test "no provider's refusal of a request leaves anything in the table, however often" {
	local name how calls=0

	replay 'calls(true) | map(select(.expect.cool == "none" and .expect.class != "ok"))' "$WORK/samples.json" >"$WORK/refused.json"
	mock_rules "$(replay 'rules(0)' -c "$WORK/refused.json")"
	while read -r name how; do
		for _ in 1 2 3; do
			run meets "$name" "$how"
			calls=$((calls + 1))
		done
	done < <(jq -r '.[] | [.name, .how] | @tsv' "$WORK/refused.json")
	nothing_happened
	echo "# $(mock_requests '[.requests[].headers | tostring | select(contains("sk-other") | not)] | length') refusals in $calls calls," \
		"$(jq 'map(.provider) | unique | length' "$WORK/refused.json") providers" >&3
	((calls >= 87))
}

@test "the wait that a quoted prompt speaks of is not believed where waits are" {
	local http

	for http in 503 529; do
		mock_rules '[{"model": "other", "status": '$http', "body": {"error": {"message": "cannot handle '"'try again in 1h'"' now"}}}]'
		run -69 ask -c "$WORK/config.json" -m other 'what does "try again in 1h" mean?'
		run -0 lull check other
		lull clear --all
	done
	mock_rules '[{"model": "other", "status": 429, "body": {"error": {"message": "'"'try again in 1h'"': try again in 2s"}}}]'
	run -69 ask -c "$WORK/config.json" -m other --budget 1s 'what does "try again in 1h" mean?'
	run -75 lull check other
	[[ $output == *"rate_limited"* && $output != *" 3"[0-9][0-9][0-9].* ]]
}

@test "a wait is not believed in whatever letters the request writes what is quoted" {
	local content

	mock_rules '[{"model": "other", "status": 503, "body": {"error": {"message": "busy with: rate limit exceeded, try again in 1h"}}}]'
	for content in 'try again in 1\u0068' 'try again\nin 1h' 'try  again\tin 1h' '\u0054ry again in 1H' 'try again in\r\n\u0031h'; do
		echo '{"messages":[{"role":"user","content":"rate limit exceeded, '"$content"'"}]}' >"$WORK/request"
		run -69 ask -c "$WORK/config.json" -m other --request "$WORK/request"
		run -0 lull check other
		lull clear --all
	done
}

@test "a wait is not believed either that stands in what a model of the list is asked besides" {
	mock_rules '[{"model": "other", "status": 503, "body": {"error": {"message": "busy with: rate limit exceeded, try again in 1h"}}}, {"status": 500}]'
	echo '{"messages":[{"role":"user","content":"hi"}],"fallbacks":[{"model":"other",
		"messages":[{"role":"user","content":"rate limit exceeded, try again in 1h"}]}]}' >"$WORK/request"
	run -69 ask -c "$WORK/config.json" -m openai/success --request "$WORK/request"
	(($(mock_count other) > 0))
	run -0 lull check other
}

@test "a refusal that quotes the prompt is not the rate limit that the prompt speaks of" {
	local provider form http calls

	jq -nc --arg text "$QUOTE" '
		{error: {message: $text, type: "invalid_request_error", param: "messages", code: null}},
		{type: "error", error: {type: "invalid_request_error", message: $text}},
		{error: {code: 400, message: $text, status: "INVALID_ARGUMENT"}},
		{object: "error", message: $text, type: "invalid_request_error", code: null},
		{message: $text}, {error: $text}, {detail: [{loc: ["body"], msg: $text, type: "value_error"}]},
		$text' >"$WORK/forms"
	jq -r 'map(select(.stream | not)) | group_by(.provider)[] | .[0].name' "$WORK/samples.json" >"$WORK/providers"
	for http in 400 413 422; do
		while read -r form; do
			mock_rules "[{\"model\": \"other\"}, {\"status\": $http, \"body\": $form}]"
			while read -r provider; do
				run meets "$provider"
			done <"$WORK/providers"
		done <"$WORK/forms"
	done
	nothing_happened
	calls=$(mock_counts | jq '.total - .models.other')
	echo "# $calls refusals that quote, of $(wc -l <"$WORK/providers") providers" >&3
	((calls >= 400))
}

@test "an answer that speaks of rate limits is an answer" {
	mock_rules "$(jq -nc --arg text "$QUOTE"' {"error": {"code": "rate_limit_exceeded"}}' '[{$text}]')"
	for how in --stream --no-stream; do
		run -0 --separate-stderr meets openai/success $how
		[[ $output == "Invalid value in"*rate_limit_exceeded* ]]
		[ -z "$stderr" ]
	done
	nothing_happened
}

@test "a server error that quotes the prompt is a server error, and cools as long as one" {
	mock_rules "$(jq -nc --arg text "$QUOTE" '[{model: "other"}, {status: 500, body: {error: {message: $text, type: "server_error"}}}]')"
	for _ in 1 2 3; do
		run -0 meets openai/success
	done
	[ "$(lull events --json | jq -c '.events | map([.type, .cause, .seconds])')" = \
		'[["soft_failure","server_error",null],["soft_failure","server_error",null],["cooled","server_error",60]]' ]
}

# cooled_for RULE [NAME]: seconds that a route cools after it, "-" not at all.
cooled_for() {
	mock_rules "[{\"model\": \"other\"}, $1]"
	run -0 meets "${2:-openai/success}"
	lull events -q --json | jq -r '.events | map(select(.type == "cooled"))[-1].seconds // "-"'
	lull reset -q >/dev/null
}

@test "a wait that nobody should believe is not believed" {
	local http headers seconds said

	while IFS='|' read -r http headers seconds; do
		said=$(cooled_for "{\"status\": $http, \"headers\": {$headers}}")
		echo "$http $headers: $said, expected $seconds"
		[ "$said" = "${seconds// /}" ]
	done <<-'END'
		429|"Retry-After": "86400"                               |60
		429|"Retry-After": "3601"                                |60
		429|"Retry-After": "3600"                                |3600
		429|"Retry-After": "Fri, 31 Dec 2099 23:59:59 GMT"       |60
		429|"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"       |60
		429|"Retry-After": "-5"                                  |60
		429|"Retry-After": "1e300"                               |60
		429|"Retry-After": "99999999999999999999999999999"       |60
		429|"Retry-After": "1e-300"                              |0.05
		429|"Retry-After": "NaN"                                 |60
		429|"Retry-After": "inf"                                 |60
		429|"Retry-After": ""                                    |60
		429|"Retry-After": "0"                                   |-
		429|"retry-after-ms": "1e300", "Retry-After": "7"        |60
		429|"retry-after-ms": "-1", "Retry-After": "7"           |7
		429|"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "8760h" |60
		529|"Retry-After": "86400"                               |60
		402|"Retry-After": "5"                                   |600
		402|"Retry-After": "1800"                                |1800
		402|"Retry-After": "86400"                               |3600
		402|"Retry-After": "1e300"                               |3600
		402|"Retry-After": "-1"                                  |600
		401|"Retry-After": "86400"                               |60
	END
}

@test "nor is it in a body" {
	local body seconds said

	while IFS='|' read -r body seconds; do
		said=$(cooled_for "{\"status\": 429, \"body\": {\"error\": {\"code\": 429, \"message\": \"Rate limit reached. $body\"}}}")
		echo "$body: $said, expected $seconds"
		[ "$said" = "$seconds" ]
	done <<-'END'
		Please try again in 24h0m0s.|60
		Please try again in -5s.|60
		Please try again in 1e300s.|60
		Please try again in 99999999999999999999999h.|60
		Please try again in 1m30s.|90
	END
	while IFS='|' read -r body seconds; do
		said=$(cooled_for "{\"status\": 429, \"body\": {\"error\": {\"code\": 429, \"status\": \"RESOURCE_EXHAUSTED\",
			\"message\": \"Quota exceeded.\", \"details\": [{\"@type\": \"type.googleapis.com/google.rpc.RetryInfo\",
			\"retryDelay\": \"$body\"}]}}}" gemini/429_bare)
		echo "$body: $said, expected $seconds"
		[ "$said" = "$seconds" ]
	done <<-'END'
		86400s|60
		-3s|60
		1e300s|60
		34.4s|34.4
	END
}
