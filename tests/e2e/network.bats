#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Our own limits against a provider on a network: there, unlike on loopback, silence proves
# something, if it was long enough. The mock is in a network namespace of its own, at the other end of
# a pair of virtual cables.

load complete

ADDRESS=10.99.31.2
NAMESPACES=(--user --net --preserve-credentials --)

setup() {
	scratch_make
	export OPENAI_API_KEY=$KEY
}

teardown() {
	mock_stop
	# shellcheck disable=SC2086 # pids
	[[ -z ${HOLDERS:-} ]] || kill $HOLDERS
}

# network_make: two namespaces, kept by a process each: HERE for callers, THERE for the mock.
network_make() {
	command -v ip nsenter unshare >/dev/null || skip "no ip, nsenter and unshare to make a network with"
	hold HERE unshare -rn || skip "no network namespace to be had"
	hold THERE nsenter --target "$HERE" "${NAMESPACES[@]}" unshare -n || skip "no second network namespace to be had"
	in_namespace "$HERE" ip link add here type veth peer name there netns "$THERE" || skip "no virtual cables to be had"
	in_namespace "$HERE" ip addr add 10.99.31.1/24 dev here
	in_namespace "$HERE" ip link set here up
	in_namespace "$THERE" ip addr add $ADDRESS/24 dev there
	in_namespace "$THERE" ip link set there up
	in_namespace "$THERE" ip link set lo up # the mock fills a queue of its own
	mkdir "$SCRATCH/bin"
	put_into "$HERE" lull curl
	put_into "$THERE" mock-provider
	PATH=$SCRATCH/bin:$PATH
	mock_start --address $ADDRESS
}

# hold NAME COMMAND...: starts a process that only keeps its namespaces; NAME becomes its pid.
hold() {
	local ready=$SCRATCH/$1

	"${@:2}" sh -c 'echo ready && exec sleep 600' >"$ready" 2>/dev/null 3>&- &
	printf -v "$1" %s $!
	until_true eval '[ -s "$ready" ] || ! kill -0 $! 2>/dev/null'
	[ -s "$ready" ] && HOLDERS+=" $!"
}

in_namespace() {
	nsenter --target "$1" "${NAMESPACES[@]}" "${@:2}"
}

# put_into PID PROGRAM...: from now on these run there.
put_into() {
	local program

	for program in "${@:2}"; do
		printf '#!/bin/sh\nexec nsenter --target %s %s %s "$@"\n' "$1" "${NAMESPACES[*]}" \
			"$(command -v "$program")" >"$SCRATCH/bin/$program"
		chmod +x "$SCRATCH/bin/$program"
	done
}

# model NAME BASE [PARAM]: a route of the configuration.
model() {
	echo "  - {model_name: $1, litellm_params: {model: openai/$1, api_base: $2/v1, api_key: os.environ/OPENAI_API_KEY${3:+, $3}}}"
}

# key_of KIND NAME: state, cause and strikes of the key of that kind of that route.
key_of() {
	lull status --json | jq -r --arg kind "$1" --arg model "$2" '.keys as $keys |
		($keys[] | select(.kind == "route" and .model == $model)) as $route |
		if $kind == "route" then $route else $keys[] | select(.key == $route[$kind]) end |
		"\(.state) \(.cause // "-") \(.strikes)"'
}

@test "silence for ten seconds counts, three in a row cool the route for all; less is nobody's fault" {
	local calls=() call

	network_make
	mock_rules '[{"model": "silent", "delay_ms": 60000}, {"model": "hasty", "delay_ms": 60000},
		{"model": "stalls", "fault": "stall_mid_stream"}, {"model": "comments", "fault": "comments_only"}]'
	{
		echo "lull: {idle_timeout: 10.5s, first_content_timeout: 10.5s, budget: 20s}"
		echo "model_list:"
		model silent "$MOCK_URL" "timeout: 10.5s"
		model hasty "$MOCK_URL" "timeout: 2s"
		model stalls "$MOCK_URL"
		model comments "$MOCK_URL"
		model other "$MOCK_URL"
	} >"$SCRATCH/config.yaml"
	for call in silent hasty stalls silent hasty comments silent hasty; do
		lull complete -c "$SCRATCH/config.yaml" -m "$call" -f other --stream hi </dev/null >"$SCRATCH/out.$call" 2>&1 &
		calls+=($!)
		[[ $call != hasty ]] || sleep 1.3 # further apart than two that count as one
	done
	for call in "${calls[@]}"; do
		wait "$call" || [ $? = 69 ]
	done
	[ "$(key_of route silent)" = "cooling timeout 0" ]
	[ "$(key_of route hasty)" = "ready - 0" ]
	[ "$(key_of route stalls)" = "ready timeout 1" ]
	[ "$(key_of route comments)" = "ready timeout 1" ]
	[ "$(<"$SCRATCH/out.silent")" = "Answer from other." ]
	[ "$(<"$SCRATCH/out.comments")" = "Answer from other." ]
	[[ $(<"$SCRATCH/out.stalls") == Answer*"the answer broke off: timeout"* ]]
	run -0 lull complete -c "$SCRATCH/config.yaml" -m silent -f other hi </dev/null
	[ "$(mock_count silent)" = 3 ]
}

@test "what a connection dies of: refused, no answer, no host, no network; and too short a limit" {
	local name expected

	network_make
	{
		echo "model_list:"
		model refused "$(mock_fault_url connect_refused)"
		model silent "$(mock_fault_url connect_timeout)"
		model nobody http://10.99.31.77
		model nowhere http://10.200.31.1
		model other "$MOCK_URL"
		model hasty http://10.99.31.78 | sed 's/{/{lull: {connect_timeout: 1s}, /'
	} >"$SCRATCH/config.yaml"
	while read -r name expected; do
		run -0 lull complete -c "$SCRATCH/config.yaml" -m "$name" -f other --explain hi </dev/null
		echo "$name: $(key_of endpoint "$name"), $output"
		[[ $output == "Answer from other."* ]]
		[[ $(key_of endpoint "$name") == $expected ]]
	done <<-'END'
		refused * network 0
		silent  ready network 1
		nobody  ready network 1
		nowhere ready - 0
		hasty   ready - 0
	END
}

@test "on loopback ten seconds of silence prove nothing" {
	mock_start
	mock_rules '[{"model": "silent", "delay_ms": 60000}]'
	{
		echo "model_list:"
		model silent "$MOCK_URL" "timeout: 10.5s"
		model other "$MOCK_URL"
	} >"$SCRATCH/config.yaml"
	run --separate-stderr -0 ask -c "$SCRATCH/config.yaml" -m silent -f other --budget 20s --explain hi
	[ "$output" = "Answer from other." ]
	[[ $stderr == *": timeout after "* ]]
	table_untouched
}
