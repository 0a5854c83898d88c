#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Limits for all processes of the host together, counted where it matters: at the provider.

load complete

setup() {
	complete_setup
}

teardown() {
	kill "${STARTED[@]}" 2>/dev/null || true
	complete_teardown
}

STARTED=()

# configure LINE...: a model m, and what is said of it.
configure() {
	{
		echo "model_list:"
		echo "  - {model_name: m, litellm_params: {model: openai/m, api_key: $KEY," \
			"api_base: $MOCK_URL/v1, ${1:-order: 1}}}"
		shift
		[[ $# == 0 ]] || printf '%s\n' "$@"
	} >"$SCRATCH/config.yaml"
	chmod 600 "$SCRATCH/config.yaml"
	export LULL_CONFIG=$SCRATCH/config.yaml
}

# ask_at_once COUNT [OPTION...]: so many processes; their answers, or exit codes, counted.
ask_at_once() {
	local count=$1 i

	shift
	for ((i = 0; i < count; i++)); do
		(ask "$@" 2>/dev/null || echo "$?") >"$SCRATCH/out.$i" 3>&- &
	done
	wait $(jobs -p | grep -vx "$MOCK_PID")
	cat "$SCRATCH"/out.* | sort | uniq -c | sed 's/^ *//'
}

# hold NAME COMMAND...: in the background, until teardown or a kill; its pid is HOLDER. Waits until
# `lull status` shows its place.
hold() {
	local name=$1

	shift
	"$@" </dev/null >"$SCRATCH/held.$name" 2>&1 3>&- &
	HOLDER=$!
	STARTED+=("$HOLDER")
	until_true is_held "$name"
}

is_held() {
	lull status --json | jq -e --arg model "$1" 'any(.keys[]; .model == $model and .parallel_used == 1)' >/dev/null
}

# ------------------------------------------------------------------ requests a minute

@test "of many processes as many reach the provider as the limit allows, the others go on or end" {
	configure "rpm: 1"
	[ "$(ask_at_once 10 -m m --budget 5s hi)" = $'9 75\n1 Answer from m.' ]
	[ "$(mock_count m)" = 1 ]
	[ "$(ask_at_once 10 -m m -f openai/other hi)" = "10 Answer from other." ]
	[ "$(mock_count m)-$(mock_count other)" = 1-10 ]
	run -75 --separate-stderr ask -m m --budget 5s hi
	[[ $stderr == "lull: nothing was attempted: every model is at its limit; the soonest is ready in "* ]]
	[[ $stderr =~ "lull:   m: skipped: route at its limit of 1 requests a minute, room in "[3-6][0-9]\.[0-9]" s" ]]
	table_untouched
}

@test "who waits gets his turn, and all together keep to the rate" {
	configure "rpm: 600" # ten at once, and then one every 100 ms
	[ "$(within 900 20000 ask_at_once 20 -m m hi)" = "20 Answer from m." ]
	[ "$(mock_count m)" = 20 ]
}

@test "a limit of the key holds for all models that it opens" {
	configure "order: 1" "  - {model_name: n, litellm_params: {model: openai/n, api_key: $KEY, api_base: $MOCK_URL/v1}}" \
		"lull: {credential_rpm: 1}"
	ask -m m hi
	run -75 --separate-stderr ask -m n --budget 5s hi
	[[ $stderr == *"n: skipped: credential at its limit of 1 requests a minute, room in "* ]]
	[ "$(mock_count)" = 1 ]
}

@test "the command line comes before the file, one limit at a time" {
	configure "rpm: 1, max_parallel_requests: 9"
	ask -m m --limit m:rpm=60000 hi
	ask -m m --limit m:rpm=60000 hi
	[ "$(lull status --json m | jq -c '.keys[0] | [.rpm, .parallel, .tpm]')" = "[60000,9,null]" ]
}

# ------------------------------------------------------------------ requests at once

@test "never more than the limit are under way, and each gets its turn" {
	configure "max_parallel_requests: 3"
	mock_rules '[{"model": "m", "delay_ms": 150}]'
	[ "$(ask_at_once 12 -m m hi)" = "12 Answer from m." ]
	[ "$(mock_counts | jq -c '[.models.m, .max_in_flight.m]')" = "[12,3]" ]
}

@test "a full route is passed over, and one whose answer ends wakes who waits" {
	mock_rules '[{"model": "m", "responses": [{"delay_ms": 3000}, {}]}]'
	configure "max_parallel_requests: 1"
	hold m lull complete -m m hi
	run -0 --separate-stderr ask -m m -f openai/other --explain hi
	[ "$output" = "Answer from other." ]
	[[ $stderr == *"m: skipped: route at its limit of 1 requests at once"* ]]
	run -75 --separate-stderr ask -m m --when-cooling fail hi
	[[ $stderr == *"at its limit; a request may end, and make room, at any moment"* ]]
	run -0 --separate-stderr within 0 8000 ask -m m --explain hi # a lease would be 10 s
	[ "$output" = "Answer from m." ]
	[[ $stderr == *slept* ]]
	[ "$(mock_counts | jq .max_in_flight.m)" = 1 ]
}

# Leases end after 10 s. All of this stands in one test, so that they do so at once.
@test "the place of one that was killed comes back; of one that lives it stays, however long it takes" {
	mock_rules '[{"model": "live", "delay_ms": 60000}, {"model": "dead", "responses": [{"delay_ms": 60000}, {}]}]'
	hold live lull complete -m openai/live --limit live:parallel=1 hi
	hold run lull run -m run --limit run:parallel=1 -- sleep 60
	hold dead lull complete -m openai/dead --limit dead:parallel=1 hi
	kill -KILL "$HOLDER"
	run -75 ask -m openai/dead --limit dead:parallel=1 --budget 400ms hi
	run -0 --separate-stderr within 5000 20000 ask -m openai/dead --limit dead:parallel=1 hi
	[ "$output" = "Answer from dead." ]
	run -75 ask -m openai/live --limit live:parallel=1 --budget 400ms hi
	run -75 lull run -m run --limit run:parallel=1 --budget 400ms -- true
	[ "$(mock_counts | jq -c '[.models.live, .max_in_flight.live]')" = "[1,1]" ]
}

# ------------------------------------------------------------------ tokens

@test "tokens are charged by estimate, and settled by what was used" {
	mock_rules '[{"model": "m", "responses": [{"delay_ms": 3000}, {}]}]'
	configure "tpm: 60000" # 1000 a second
	echo '{"messages": [{"role": "user", "content": "hi"}], "max_tokens": 50000}' >"$SCRATCH/request.json"
	ask -m m --request "$SCRATCH/request.json" >"$SCRATCH/out" 3>&- &
	until_true is_charged
	run -75 --separate-stderr ask -m m --budget 5s hi
	[[ $stderr == *"m: skipped: route at its limit of 60000 tokens a minute, room in "[34]?.?" s"* ]]
	wait $!
	[ "$(<"$SCRATCH/out")" = "Answer from m." ] # some thirty tokens
	ask -m m --stream --budget 5s --request "$SCRATCH/request.json"
	ask -m m --budget 5s hi
}

is_charged() {
	lull status --json | jq -e 'any(.keys[]; .tpm_room_in > 0)' >/dev/null
}

@test "an answer that took more than was expected holds up the next" {
	mock_rules '[{"model": "m", "body": {"choices": [{"index": 0, "message": {"role": "assistant", "content": "long"}, "finish_reason": "stop"}],
		"usage": {"prompt_tokens": 1000, "completion_tokens": 29000, "total_tokens": 30000}}}]'
	configure "tpm: 60000"
	[ "$(ask -m m hi)" = long ]
	run -75 --separate-stderr ask -m m --budget 5s hi
	[[ $stderr == *"at its limit of 60000 tokens a minute, room in 2"?.?" s"* ]]
	[ "$(mock_count)" = 1 ]
}

@test "who was refused has used no tokens" {
	mock_rules '[{"model": "m", "responses": [{"status": 400}, {}]}]'
	configure "tpm: 60000"
	echo '{"messages": [], "max_tokens": 60000}' >"$SCRATCH/request.json"
	run -65 ask -m m --request "$SCRATCH/request.json"
	ask -m m --budget 5s hi
}

# ------------------------------------------------------------------ what the provider says

@test "what an answer says is used up is known to the next process, where there is such a limit" {
	mock_rules '[{"model": "m", "headers": {"x-ratelimit-remaining-requests": 0, "x-ratelimit-reset-requests": "30s"}}]'
	configure "rpm: 6000"
	ask -m m hi
	run -75 --separate-stderr ask -m m --budget 5s hi
	[[ $stderr == *"skipped: route at its limit of 6000 requests a minute, room in "[23]?.?" s"* ]]
	run -0 --separate-stderr ask -m m -f openai/other hi
	[ "$output" = "Answer from other." ]
	table_untouched
	# who has no such limit is not held up, and writes none
	lull reset -q
	configure "max_parallel_requests: 4"
	ask -m m hi
	ask -m m hi
	[ "$(lull status --json m | jq -c '.keys[0] | [.rpm, .state, .limited]')" = '[null,"ready",0]' ]
}

@test "of a bucket whose size is told, it is waited for one request, not for all" {
	mock_rules '[{"model": "m", "headers": {"x-ratelimit-limit-requests": 500, "x-ratelimit-remaining-requests": 0,
		"x-ratelimit-reset-requests": "60s"}}]'
	configure "rpm: 500"
	ask -m m hi
	run -0 within 0 5000 ask -m m hi
	[ "$(mock_count m)" = 2 ]
}
