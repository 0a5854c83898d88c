#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What a failure shuts: the route, all routes with its key, or all at its address. What it shuts is
# skipped without a request, what it does not is asked.

load complete

# Two addresses, two keys, two models at each: eight routes. "localhost" is another address than
# 127.0.0.1, and the mock is at both.
setup() {
	local host key model

	scratch_make
	mock_start
	export KEY_K1=sk-first-0123456789 KEY_K2=sk-second-0123456789
	{
		echo "model_list:"
		for host in near:127.0.0.1 far:localhost; do
			for key in K1 K2; do
				for model in a b; do
					echo "  - model_name: $model-$key-${host%:*}"
					echo "    litellm_params: {model: openai/$model, api_base: http://${host#*:}:$MOCK_PORT/v1, api_key: os.environ/KEY_$key}"
				done
			done
		done
	} >"$SCRATCH/config.yaml"
}

teardown() {
	mock_stop
}

ROUTES=(a-K1-near b-K1-near a-K2-near b-K2-near a-K1-far b-K1-far a-K2-far b-K2-far)

# shut_after RULE TIMES ROUTES: a-K1-near meets this, so often; then each route is called by itself, and
# these, no others, are skipped without a request.
shut_after() {
	local times route before shut=

	mock_rules "[{\"model\": \"a\", \"key\": \"$KEY_K1\", \"responses\": [$1]}]"
	for ((times = 0; times < $2; times++)); do
		run -0 ask -c "$SCRATCH/config.yaml" -m a-K1-near -f b-K2-far hi
	done
	mock_rules '[]'
	for route in "${ROUTES[@]}"; do
		before=$(mock_count)
		run ask -c "$SCRATCH/config.yaml" -m "$route" --when-cooling fail hi
		case $status-$(($(mock_count) - before)) in
		75-0) shut+="$route " ;;
		0-1) ;;
		*) return 1 ;;
		esac
	done
	[ "$shut" = "$3" ] || {
		echo "shut: $shut, expected: $3"
		return 1
	}
	lull clear --all -q
}

@test "a rate limit shuts the route: not its model elsewhere, not its key's other models" {
	shut_after '{"status": 429, "headers": {"Retry-After": 30}}' 1 "a-K1-near "
	shut_after '{"file": "openai/404_model_not_found.http"}' 1 "a-K1-near "
}

@test "a refused key, or an account out of credit, shuts every route with that key" {
	shut_after '{"status": 401}' 1 "a-K1-near b-K1-near a-K1-far b-K1-far "
	shut_after '{"file": "openai/429_insufficient_quota.http"}' 1 "a-K1-near b-K1-near a-K1-far b-K1-far "
}

@test "the third page of an edge shuts every route at that address" {
	shut_after '{"file": "openai/502_cloudflare_html.http"}' 2 ""
	shut_after '{"file": "openai/502_cloudflare_html.http"}' 3 "a-K1-near b-K1-near a-K2-near b-K2-near "
}

@test "an address that refuses connections is asked once, whatever the model and the key" {
	sed -i "s|http://127.0.0.1:$MOCK_PORT|$(mock_fault_url connect_refused)|" "$SCRATCH/config.yaml"
	run -0 --separate-stderr ask -c "$SCRATCH/config.yaml" -m a-K1-near -f b-K2-near -f a-K2-near -f b-K1-far --explain --json hi
	[ "$(jq -r '[.step, .name, .class, .shut // "-"] | join(" ")' <<<"$stderr")" = "$(
		cat <<-'END'
			attempt a-K1-near network -
			skip b-K2-near network endpoint
			skip a-K2-near network endpoint
			attempt b-K1-far answered -
			result b-K1-far answered -
		END
	)" ]
	[ "$(mock_count)" = 1 ]
}

@test "one call skips what its first attempt has shut, and says which key it is" {
	mock_rules "[{\"key\": \"$KEY_K1\", \"status\": 401}]"
	run -0 --separate-stderr ask -c "$SCRATCH/config.yaml" -m a-K1-near -f b-K1-near -f b-K1-far -f a-K2-near --explain --json hi
	[ "$(jq -r '[.step, .name, .class, .shut // "-"] | join(" ")' <<<"$stderr")" = "$(
		cat <<-'END'
			attempt a-K1-near auth -
			skip b-K1-near auth credential
			skip b-K1-far auth credential
			attempt a-K2-near answered -
			result a-K2-near answered -
		END
	)" ]
	[ "$(mock_count)" = 2 ]
}
