#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The mock provider is what other tests believe, so it is tested first: that it says what its script
# says, counts what it was asked, and commits each fault the way a client will see it.

load ../support/mock
bats_require_minimum_version 1.5.0

README=$LULL_SOURCE_DIR/tests/support/mock_provider/README.md

setup() {
	scratch_make
	mock_start
}

teardown() {
	mock_stop
}

chat() {
	local model=$1 stream=${2:-false}

	shift $(($# < 2 ? $# : 2))
	mock_ask "$@" "$MOCK_URL/v1/chat/completions" \
		-d "{\"model\":\"$model\",\"stream\":$stream,\"messages\":[]}"
}

# The whole text of a stream on stdin; fails unless it has a finish reason and an end mark.
stream_text() {
	local stream
	stream=$(cat)
	grep -q '^data: \[DONE\]$' <<<"$stream" || return 1
	sed -n 's/^data: {/{/p' <<<"$stream" |
		jq -es 'map(.choices[0]) | if last.finish_reason == "stop" then map(.delta.content // "") | add else error("cut") end'
}

@test "answers any model, and says which one answered" {
	[ "$(chat m1 | jq -r '.object, .model, .choices[0].message.content, .choices[0].finish_reason' | paste -sd'|')" = \
		"chat.completion|m1|Answer from m1.|stop" ]
	[ "$(chat m2 true | stream_text)" = '"Answer from m2."' ]
	run -0 mock_ask -o /dev/null -w '%{http_code}' "$MOCK_URL/nothing/here"
	[ "$output" = 404 ]
}

@test "counts requests by model, and zeroes on request" {
	chat a && chat b && chat a
	[ "$(mock_count a)-$(mock_count b)-$(mock_count c)-$(mock_count)" = 2-1-0-3 ]
	[ "$(mock_counts | jq .connections)" = 3 ]
	mock_reset
	[ "$(mock_count a)-$(mock_count)" = 0-0 ]
}

@test "a key is shown in full only when asked for" {
	chat a false -H 'Authorization: Bearer sk-planted-0123456789'
	run -0 mock_ask "$MOCK_URL/__mock/requests"
	[[ $output == *'(28 bytes, ends in 6789)'* && $output != *planted* ]]
	[ "$(mock_requests '.requests[0].headers.authorization')" = 'Bearer sk-planted-0123456789' ]
}

@test "a rule fits by model, path and key; the first that fits wins" {
	mock_rules '[{"model": "a", "key": "bad", "status": 401}, {"model": "a", "text": "model"}, {"path": "/v2/*", "text": "path"}]'
	run -0 chat a false -o /dev/null -w '%{http_code}' -H 'x-api-key: bad'
	[ "$output" = 401 ]
	[ "$(chat a | jq -r '.choices[0].message.content')" = model ]
	[ "$(mock_ask "$MOCK_URL/v2/chat" -d '{"model": "z"}' | jq -r '.choices[0].message.content')" = path ]
}

@test "responses come one after the other, the last for ever" {
	mock_rules '[{"model": "a", "headers": {"Retry-After": 30}, "responses": [{"times": 2, "status": 429}, {"status": 500, "body": {"no": "luck"}}, {}]}]'
	run -0 bash -c "for i in 1 2 3 4 5; do curl -s --noproxy '*' -o $SCRATCH/body.\$i -w '%{http_code} %header{retry-after};' -d '{\"model\": \"a\"}' $MOCK_URL/; done"
	[ "$output" = "429 30;429 30;500 30;200 30;200 30;" ]
	[ "$(jq -r .error.code "$SCRATCH/body.1")" = rate_limit_exceeded ]
	[ "$(<"$SCRATCH/body.3")" = '{"no":"luck"}' ]
}

@test "a wrong script is refused with a sentence, and the old one stays" {
	mock_rules '[{"model": "a", "text": "old"}]'
	for wrong in '{}' '[1]' '[{"statu": 1}]' '[{"status": "x"}]' '[{"fault": "nonsense"}]' '[{"end": "never"}]' \
		'[{"fault": "dns_failure"}]' '[{"responses": []}]' '[{"file": "none.http"}]' '[{"headers": {"A": "b\r\nc"}}]' '[{' ''; do
		run ! mock_rules "$wrong"
		[[ $output == *'was expected'* ]]
	done
	[ "$(chat a | jq -r '.choices[0].message.content')" = old ]
}

# told HEADING: the first column of the README's tables below it
told() {
	sed -n "/^## $1/,/^## /p" "$README" | sed -nE 's/^\| (`[^|]*) \|.*/\1/p' | tr -d '`'
}

@test "the usage of the README is that of the program, and each option does something" {
	local usage options script

	usage=$(grep '^    mock-provider ' "$README" | xargs)
	[ "$(mock-provider --help | head -n 1)" = "usage: $usage" ]
	mkdir "$SCRATCH/wire"
	cp "$LULL_WIRE_DIR/cohere/success.http" "$SCRATCH/wire/one.http"
	echo '[{"file": "one.http"}]' >"$SCRATCH/script"
	for script in "$SCRATCH/script" "$(<"$SCRATCH/script")"; do
		mock_stop
		read -ra options < <(tr -d '[]' <<<"${usage#* }")
		options=("${options[@]/%FILE|JSON/$script}")
		options=("${options[@]/%DIR/$SCRATCH/wire}")
		options=("${options[@]/%A/127.0.0.2}")
		mock_start "${options[@]/%N/0}"
		[[ $MOCK_URL == http://127.0.0.2:* ]]
		mock_ask "$MOCK_URL/" -d '{}' | jq -e .finish_reason
	done
}

@test "what the README says of rules and responses is known" {
	local name names

	names=$(told 'The script' | tr -d ',')
	[ "$(wc -w <<<"$names")" -ge 20 ]
	for name in $names; do
		run mock_rules "[{\"$name\": {\"none\": []}}]"
		[[ $output != *"one of the known members"* ]]
	done
}

@test "what the README says can be asked while it runs" {
	local method path count=0

	chat a
	while read -r method path; do
		mock_ask --fail -X "$method" "$MOCK_URL$path" -d '[]' >"$SCRATCH/got"
		[[ $path != */counts ]] || cp "$SCRATCH/got" "$SCRATCH/counts"
		count=$((count + 1))
	done < <(told 'While it runs')
	[ "$count" = 5 ]
	# the keys, as they stand there
	diff <(grep -F '/__mock/counts`' "$README" | grep -oE '"[a-z_]+"' | tr -d '"' | sort) <(jq -r 'keys[]' "$SCRATCH/counts")
}

@test "the script of the README is one, and does what is said of it" {
	mock_rules "$(sed -n '/^```json$/,/^```$/{/^```/!p}' "$README")"
	run -0 chat primary false -i
	[[ $output == "HTTP/1.1 429 "*"Retry-After: 30"* ]]
	run ! chat flaky
	run ! chat flaky
	[ "$(chat flaky | jq -r '.choices[0].message.content')" = hi ]
	run -0 mock_ask -d '{}' "$MOCK_URL/v2/chat"
	[[ $output == *'"finish_reason"'* ]]
}

@test "a connection is reused, and a rule can tell" {
	mock_rules '[{"reused": true, "text": "again"}]'
	run -0 mock_ask -d '{"model": "a"}' "$MOCK_URL"/{1,2}/chat/completions
	[[ $output == *'Answer from a.'*'again'* ]]
	[ "$(mock_counts | jq '.connections, .total' | paste -sd-)" = 1-2 ]
}

@test "pieces of 1, 7 and all bytes carry the same bytes" {
	for pieces in 1 7 0; do
		mock_rules "[{\"pieces\": $pieces}]"
		[ "$(chat a true | stream_text)" = '"Answer from a."' ]
		[ "$(chat a | jq -r .model)" = a ]
	done
}

# Serves each sample in turn and compares what arrives with the file.
@test "every sample is spoken byte by byte" {
	cd "$LULL_WIRE_DIR" || skip "no samples"
	mapfile -t samples < <(find . -name '*.http' | sort)
	for pieces in 7 0; do
		printf '%s\n' "${samples[@]}" |
			jq -Rn --argjson pieces "$pieces" '[inputs | {path: .[1:], file: ., pieces: $pieces}]' >"$SCRATCH/script"
		mock_rules "@$SCRATCH/script"
		printf '%s\n' "${samples[@]}" |
			sed "s|.\(.*\)|url = \"$MOCK_URL\1\"\noutput = \"$SCRATCH/got\1\"|" >"$SCRATCH/urls"
		mock_ask --create-dirs --max-time 60 -K "$SCRATCH/urls"
		for sample in "${samples[@]}"; do
			cmp "$SCRATCH/got/$sample" <(sed -b '1,/^\r$/d' "$sample")
		done
	done
}

# One client against one fault: what curl ends with, and the status it saw.
meet_fault() {
	local fault=$1 url=$2 code=0 status

	status=$(curl -sk --noproxy '*' --compressed --max-time "${3:-1}" -o "$SCRATCH/body.$fault" -w '%{http_code}' \
		-d "{\"model\": \"$fault\", \"stream\": true}" "$url/v1/chat/completions") || code=$?
	echo "$fault $code $status"
}

# The codes are those of libcurl 7.88.1. A fault that never ends is left by curl's own time limit: 28.
@test "every fault is what a client sees of it" {
	mock_ask "$MOCK_URL/__mock/faults" >"$SCRATCH/faults"
	mock_rules "$(jq '[to_entries[] | select(.value.url | not) | {model: .key, fault: .key}
		| if .fault == "slow_drip" then .drip_ms = 1 else . end]' "$SCRATCH/faults")"

	while read -r fault url; do
		meet_fault "$fault" "$url" "$([[ $fault =~ dns_failure|slow_drip ]] && echo 20)" >"$SCRATCH/met.$fault" 3>&- &
		pids+=($!)
	done < <(jq -r --arg mock "$MOCK_URL" 'to_entries[] | "\(.key) \(.value.url // $mock)"' "$SCRATCH/faults")
	wait "${pids[@]}"

	diff -u - <(cat "$SCRATCH"/met.* | sort) <<-TABLE
		bad_chunk_size 56 200
		caller_gone 28 200
		close_before_status 52 000
		close_delimited_cut 0 200
		close_mid_chunked 18 200
		comments_only 28 200
		connect_refused 7 000
		connect_timeout 28 000
		cut_in_headers 0 200
		dns_failure 6 000
		gzip_garbage 61 200
		huge_body 28 200
		interim_100 0 200
		interim_103 0 200
		not_http 1 000
		own_deadline 28 200
		redirect 0 302
		reset_before_status 56 000
		reset_mid_body 56 200
		short_content_length 18 200
		slow_drip 0 200
		stall_before_read 28 000
		stall_before_status 28 000
		stall_mid_stream 28 200
		tls_failure 35 000
	TABLE

	for cut in close_delimited_cut close_mid_chunked reset_mid_body stall_mid_stream; do
		[ "$(grep -c '^data: ' "$SCRATCH/body.$cut")" = 2 ]
	done
	[ "$(grep -vc '^: keep-alive$\|^$' "$SCRATCH/body.comments_only")" = 0 ]
	[ "$(stream_text <"$SCRATCH/body.slow_drip")" = '"Answer from slow_drip."' ]
	[ "$(stat -c %s "$SCRATCH/body.huge_body")" -gt 1000000 ] # as much as there was time for
}

@test "a request that is no HTTP is refused, and the mock lives on" {
	for garbage in 'GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n' 'POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n' \
		'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n' 'GET /\r\n\r\n' 'GET nowhere HTTP/1.1\r\n\r\n' \
		'\026\003\001' ' \r\n\r\n' 'GET / HTTP/1.1\0\r\n\r\n'; do
		exec 4<>"/dev/tcp/127.0.0.1/$MOCK_PORT"
		# shellcheck disable=SC2059 # the escapes are the point
		printf "$garbage" >&4
		read -r -t 5 -u 4 line
		exec 4>&-
		[[ $line == 'HTTP/1.1 400'* ]]
	done
	[ "$(chat a | jq -r .model)" = a ]
	[ "$(mock_count)" = 1 ]
}

@test "a large request is read whole, with and without Expect: 100-continue" {
	head -c 20000000 /dev/zero | tr '\0' ' ' >"$SCRATCH/large"
	echo '{"model": "large"}' >>"$SCRATCH/large"
	mock_ask "$MOCK_URL/1" --data-binary "@$SCRATCH/large"
	mock_ask "$MOCK_URL/2" --data-binary "@$SCRATCH/large" -H Expect:
	[ "$(mock_requests '[.requests[] | .model, .body_bytes] | @csv')" = '"large",20000019,"large",20000019' ]
}

@test "a client that leaves is seen to leave" {
	mock_rules '[{"model": "slow", "delay_ms": 60000}]'
	run -28 mock_ask --max-time 0.2 "$MOCK_URL/" -d '{"model": "slow"}'
	for _ in {1..50}; do
		[ "$(mock_counts | jq -c '[.aborted, .in_flight.slow, .max_in_flight.slow]')" = '[1,0,1]' ] && break
		sleep 0.02
	done
	[ "$(mock_counts | jq -c '[.aborted, .in_flight.slow, .max_in_flight.slow]')" = '[1,0,1]' ]
}

@test "requests in flight are counted at their most" {
	mock_rules '[{"model": "slow", "delay_ms": 300}]'
	for _ in 1 2 3 4 5; do
		mock_ask "$MOCK_URL/" -d '{"model": "slow"}' >/dev/null 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	[ "$(mock_counts | jq -c '[.in_flight.slow, .max_in_flight.slow]')" = '[0,5]' ]
}

@test "a rule for a percentage fits that share of requests; statuses are counted" {
	mock_rules '[{"percent": 25, "status": 503}, {"percent": 100}]'
	for i in {1..20}; do
		urls+=("$MOCK_URL/v1/chat/completions")
	done
	for _ in {1..10}; do
		mock_ask -d '{"model": "m"}' "${urls[@]}" >/dev/null
	done
	mock_counts | jq -e '.statuses["503"] as $bad | $bad + .statuses["200"] == 200 and $bad > 25 and $bad < 75'
	mock_reset
	mock_counts | jq -e '.statuses == {}'
	run -1 mock_rules '[{"percent": 101}]'
	[[ $output == *"percent: a number from 0 to 100 was expected"* ]]
}
