#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lull check: what a name means, what is said of it, and the exit status that scripts go by.

load coordinator
bats_require_minimum_version 1.5.0

setup() {
	coordinator_setup
}

# A configuration that is no more than that, and with an address that only libcurl understands: lull-worker is asked.
configure_unplainly() {
	export LULL_CONFIG=${1:-$SCRATCH/lull.yaml}
	mkdir -p "${LULL_CONFIG%/*}"
	echo 'model_list: [{model_name: elsewhere, litellm_params: {model: openai/x, api_base: "https://API.example.com/v1", api_key: k}}]' >"$LULL_CONFIG"
	chmod 600 "$LULL_CONFIG"
}

@test "what is not in the table is ready, and checking it changes nothing" {
	run -0 lull check gpt-4o
	[ "$output" = "gpt-4o: ready (not in the table)" ]
	[ -z "$(ls -A "$LULL_SHM_DIR")" ]
	lull init -q
	run -0 lull check gpt-4o "route:$ROUTE"
	[ "$(lull status --json | jq '.keys | length')" = 0 ]
}

@test "a rate-limited route is cooling under its model's name and under its key" {
	fail_route rate_limited 429 30000
	run -75 lull check gpt-4o
	[ "$(masked <<<"$output")" = "gpt-4o: cooling for LEFT s, rate_limited (HTTP 429)" ]
	seconds_between 25 30 <<<"$output"
	run -75 lull check "route:$ROUTE"
	[ "$(masked <<<"$output")" = "route:$ROUTE: cooling for LEFT s, rate_limited (HTTP 429)" ]
	run -0 lull check gpt-4
}

@test "a name is ready when one of its routes is" {
	fail_route rate_limited 429 30000
	fail_other_route answered 200 -1
	run -0 lull check gpt-4o
	[ "$output" = "gpt-4o: ready" ]
	fail_other_route rate_limited 429 50000
	run -75 lull check gpt-4o
	seconds_between 25 30 <<<"$output" # the one that is ready first
}

@test "a name is not ready while its name key is shut" {
	fail_route answered 200 -1
	lull cool -q gpt-4o 40s
	run -75 lull check gpt-4o
	[ "$(masked <<<"$output")" = "gpt-4o: cooling for LEFT s, manual" ]
	seconds_between 35 40 <<<"$output"
	run -0 lull check "route:$ROUTE" # a key is just that key
}

@test "a route is not ready while its credential or its endpoint is not" {
	fail_route auth 401 -1
	run -75 lull check gpt-4o
	[ "$(masked <<<"$output")" = "gpt-4o: cooling for LEFT s, auth (HTTP 401) on credential:$CREDENTIAL" ]
	run -75 lull check "route:$ROUTE"
	run -75 lull check "credential:$CREDENTIAL"
	[ "$(masked <<<"$output")" = "credential:$CREDENTIAL: cooling for LEFT s, auth (HTTP 401)" ]
	lull clear -q "credential:$CREDENTIAL"
	lull hold -q "endpoint:$ENDPOINT"
	run -75 lull check gpt-4o
	[ "$output" = "gpt-4o: held until cleared on endpoint:$ENDPOINT" ]
}

@test "any of several names is enough, --all wants them all" {
	lull cool -q gpt-4o 40s
	run -0 lull check gpt-4o claude-sonnet-4
	[ "$(masked <<<"$output")" = "gpt-4o: cooling for LEFT s, manual
claude-sonnet-4: ready (not in the table)" ]
	run -75 lull check --all gpt-4o claude-sonnet-4
	lull hold -q claude-sonnet-4
	run -75 lull check gpt-4o claude-sonnet-4
	run -0 lull check --all o3 o4
}

@test "-q says nothing and still tells by its exit status" {
	lull cool -q gpt-4o 40s
	run -75 --separate-stderr lull check -q gpt-4o
	[ -z "$output$stderr" ]
	run -0 --separate-stderr lull check -q o3
	[ -z "$output$stderr" ]
}

@test "a probe under way is told from a cooldown" {
	fail_route permission 403 50
	sleep 0.1
	run -0 lull check gpt-4o
	fail_route probe 0 -1
	run -75 lull check gpt-4o
	[ "$(masked <<<"$output")" = "gpt-4o: probing for LEFT s, permission (HTTP 403)" ]
	seconds_between 5 10 <<<"$output"
}

@test "JSON has the same facts" {
	fail_route rate_limited 429 30000
	lull hold -q o3
	run -75 lull check --json gpt-4o o3
	[ "$(masked <<<"$output")" = '{"v":1,"table":"SCRATCH/shm/lull1-u'"$(id -u)"'","shared":true,"ready":false,"names":[
{"name":"gpt-4o","state":"cooling","seconds_left":LEFT,"cause":"rate_limited","status":429,"key":"route:'"$ROUTE"'","in_table":true},
{"name":"o3","state":"held","seconds_left":null,"cause":"manual","status":null,"key":"name:o3","in_table":true}
]}' ]
	jq -e '.ready == false' <<<"$output"
	run -0 lull check --json o1
	jq -e '.ready and .names[0].seconds_left == 0 and .names[0].cause == null' <<<"$output"
}

@test "a name of a configuration that is not written plainly is resolved by lull-worker" {
	with_worker <<-EOF
		[ "\$*" = "resolve -- fast" ] || { echo "unexpected: \$*" >&2; exit 70; }
		echo "route:$ROUTE"
		echo "credential:$CREDENTIAL"
		echo "endpoint:$ENDPOINT"
		echo "name:fast"
		echo "name:gpt-4o"
		echo "route:$OTHER_ROUTE"
		echo "credential:$OTHER_CREDENTIAL"
		echo "endpoint:$OTHER_ENDPOINT"
		echo "name:fast"
	EOF
	fail_route rate_limited 429 30000
	run -0 lull check fast # no configuration: not asked
	[ "$output" = "fast: ready (not in the table)" ]

	configure_unplainly
	run -0 lull check fast # the other route is not in the table, so it is ready
	[ "$output" = "fast: ready" ]
	lull hold -q "credential:$OTHER_CREDENTIAL"
	run -75 lull check fast
	[ "$(masked <<<"$output")" = "fast: cooling for LEFT s, rate_limited (HTTP 429)" ]
	lull clear -q --all
	run -0 lull check fast
	lull hold -q gpt-4o # closes the first route only
	run -0 lull check fast
	lull hold -q fast # closes both
	run -75 lull check fast
}

@test "check and clear honour every name that complete honours" {
	export OPENAI_API_KEY=sk-1
	lull hold -q openai/gpt-4o
	run -75 lull complete --when-cooling fail -m gpt-4o hi
	run -75 lull check gpt-4o
	[ "$output" = "gpt-4o: held until cleared on name:openai/gpt-4o" ]
	run -75 lull check openai/gpt-4o
	[ "$output" = "openai/gpt-4o: held until cleared" ]
	run -0 lull check gpt-4o-mini
	run -0 lull status gpt-4o
	[[ $output == *"name:openai/gpt-4o" ]]
	run -0 lull clear gpt-4o
	[ "$output" = "name:openai/gpt-4o: ready (was held until cleared)" ]
	run -0 lull check gpt-4o
	lull hold -q gpt-4o
	run -75 lull check openai/gpt-4o
	[ "$output" = "openai/gpt-4o: held until cleared on name:gpt-4o" ]
	run -0 lull clear openai/gpt-4o
	[ "$output" = "name:gpt-4o: ready (was held until cleared)" ]
}

@test "a credential that keeps a model shut is seen before the model's first call" {
	export OPENAI_API_KEY=sk-1
	lull resolve gpt-4o >"$SCRATCH/keys"
	lull hold -q "$(grep ^credential: "$SCRATCH/keys")"
	run -75 lull check gpt-4o
	[[ $output == "gpt-4o: held until cleared on credential:"* ]]
	OPENAI_API_KEY=sk-2 run -0 lull check gpt-4o # another key
}

@test "an alias is shut and cleared with the model behind it" {
	export LULL_CONFIG=$SCRATCH/lull.yaml
	cat >"$LULL_CONFIG" <<-EOF
		model_list:
		  - model_name: a
		    litellm_params: {model: openai/gpt-4o, api_base: "https://one.example.com/v1", api_key: sk-1}
	EOF
	lull cool -q gpt-4o 40s
	run -75 lull complete --when-cooling fail -m a hi
	run -75 lull check a
	[ "$(masked <<<"$output")" = "a: cooling for LEFT s, manual on name:gpt-4o" ]
	run -75 lull check openai/gpt-4o
	run -0 lull check b
	run -0 lull clear a
	[ "$(masked <<<"$output")" = "name:gpt-4o: ready (was cooling for LEFT s, manual)" ]
	lull hold -q a
	run -75 lull check gpt-4o
	run -0 lull clear gpt-4o
	[ "$output" = "name:a: ready (was held until cleared)" ]
}

@test "a model that has no key here has those that others called it with" {
	fail_route rate_limited 429 30000
	unset OPENAI_API_KEY
	run -75 lull check openai/gpt-4o
	[ "$(masked <<<"$output")" = "openai/gpt-4o: cooling for LEFT s, rate_limited (HTTP 429)" ]
	run -0 lull check openai/gpt-4
	lull clear -q openai/gpt-4o
	run -0 lull check gpt-4o
}

@test "what the configuration says of a name decides, whatever else is in the table" {
	configure_unplainly
	with_worker <<-EOF
		echo "route:$ROUTE"
		echo "name:gpt-4o"
		echo "name:openai/gpt-4o"
	EOF
	fail_route rate_limited 429 30000
	fail_other_route answered 200 -1 # of a key since rotated
	run -75 lull check gpt-4o
	rm "$LULL_CONFIG"
	unset LULL_CONFIG
	run -0 lull check gpt-4o # nobody is asked
}

@test "where nothing is shut, and for a plain name, nobody is asked" {
	with_worker <<-EOF
		touch "$SCRATCH/asked"
	EOF
	configure_unplainly
	fail_route answered 200 -1
	run -0 lull check gpt-4o openai/gpt-4o fast
	unset LULL_CONFIG
	fail_route auth 401 -1
	run -75 lull check gpt-4o
	lull hold -q another
	lull hold -q openai/gpt-4
	run -75 lull check gpt-4o
	run -75 lull check gpt-4o openai/gpt-4o --all
	[ ! -e "$SCRATCH/asked" ]
	OPENAI_API_KEY=k OPENAI_BASE_URL=https://API.example.com/v1 run -75 lull check openai/gpt-4o
	[ -e "$SCRATCH/asked" ]
}

@test "a configuration that is written plainly is read without lull-worker" {
	with_worker <<-EOF
		touch "$SCRATCH/asked"
		exit 70
	EOF
	export LULL_CONFIG=$SCRATCH/lull.yaml SITE_KEY=k
	cat >"$LULL_CONFIG" <<-EOF
		model_list:
		  - {model_name: fast, litellm_params: {model: openai/gpt-4o, api_base: "https://api.example.com/v1", api_key: os.environ/SITE_KEY}}
		  - {model_name: spare, litellm_params: {model: anthropic/claude-sonnet-4, api_key: os.environ/SITE_KEY}}
		router_settings: {model_group_alias: {quick: fast}}
		lull: {table: team}
	EOF
	lull hold -q fast
	[ "$(ls "$LULL_SHM_DIR")" = team ]
	for name in fast quick gpt-4o openai/gpt-4o; do
		run -75 lull check "$name"
	done
	run -0 lull check spare
	run -0 lull clear quick
	[ "$output" = "name:fast: ready (was held until cleared)" ]
	lull hold -q nobody
	run -0 --separate-stderr lull check fast
	[ -z "$stderr" ]
	[ ! -e "$SCRATCH/asked" ]
	unset SITE_KEY
	run -0 lull check fast # lull-worker says what is missing
	[ -e "$SCRATCH/asked" ]
}

@test "the places of a configuration are looked at, and names with a provider asked" {
	with_worker <<-EOF
		echo "route:$ROUTE"
	EOF
	fail_route rate_limited 429 30000
	mkdir -p "$XDG_CONFIG_HOME/lull"
	echo '{"model_list": [{"model_name": "elsewhere", "litellm_params": {"model": "openai/x", "api_base": "https://API.example.com/v1", "api_key": "k"}}]}' \
		>"$XDG_CONFIG_HOME/lull/config.json"
	run -75 lull check fast
	rm "$XDG_CONFIG_HOME/lull/config.json"
	run -0 lull check fast
	run -75 lull check openai/gpt-4o
	run -75 lull check gpt-4o
	unset XDG_CONFIG_HOME
	configure_unplainly "$HOME/.config/lull/config.yml"
	unset LULL_CONFIG
	run -75 lull check fast
}

@test "without lull-worker, or when it fails, the table alone is believed" {
	configure_unplainly
	lull hold -q another # where nothing is shut there is no doubt, and nobody is asked
	with_worker <<-EOF
		exit 78
	EOF
	run -0 --separate-stderr lull check fast
	[ "$output" = "fast: ready (not in the table)" ]
	[ "$stderr" = "lull: lull-worker was asked what 'fast' is configured as and ended with 78; going by the table alone" ]
	rm "$SCRATCH/bin/lull-worker"
	run -0 --separate-stderr lull check fast
	[ "$stderr" = "lull: lull-worker cannot be asked what 'fast' is configured as (No such file or directory); going by the table alone" ]
	run -0 --separate-stderr lull check -q fast
	[ -z "$stderr" ]
	with_worker <<-EOF
		echo "model 'fast' is not usable" >&2
		exit 1
	EOF
	run -0 --separate-stderr lull check fast # 1: a name that is not configured
	[ "$stderr" = "model 'fast' is not usable" ]
	run -0 --separate-stderr lull check -q fast
	[ -z "$stderr" ]
}

@test "lull-worker and lull agree on the keys of a configured name" {
	export LULL_CONFIG=$SCRATCH/lull.yaml
	cat >"$LULL_CONFIG" <<-EOF
		model_list:
		  - model_name: fast
		    litellm_params: {model: openai/gpt-4o, api_base: "https://one.example.com/v1", api_key: sk-1}
		  - model_name: fast
		    litellm_params: {model: openai/gpt-4o-mini, api_base: "https://two.example.com/v1", api_key: sk-2}
	EOF
	mapfile -t routes < <(lull resolve fast | sed -n 's/^route://p')
	[ "${#routes[@]}" = 2 ]
	plant "${routes[0]}" c1 e1 rate_limited 429 30000
	run -0 lull check fast
	plant "${routes[1]}" c2 e2 rate_limited 429 50000
	run -75 --separate-stderr lull check fast
	[ "$(masked <<<"$output")" = "fast: cooling for LEFT s, rate_limited (HTTP 429)" ]
	seconds_between 25 30 <<<"$output"
	[ -z "$stderr" ]
	run -0 lull clear fast
	[ "${#lines[@]}" = 2 ]
	run -0 lull check fast
}

@test "the table that the configuration names is everybody's" {
	export LULL_CONFIG=$SCRATCH/lull.yaml OPENAI_API_KEY=sk-1
	echo 'lull: {table: team}' >"$LULL_CONFIG"
	lull hold -q gpt-4o
	[ "$(ls "$LULL_SHM_DIR")" = team ]
	run -75 lull complete --when-cooling fail -m gpt-4o hi
	run -75 lull check gpt-4o
	LULL_SHM_NAME=x run -75 lull check gpt-4o # as for complete, the configuration goes first
	run -0 lull check --table x gpt-4o
	for verb in "status --json" "events --json" "check --json gpt-4o"; do
		# shellcheck disable=SC2086
		[ "$(lull $verb | jq -r .table)" = "$LULL_SHM_DIR/team" ]
	done
	lull clear -q gpt-4o
	lull reset -q
	[ "$(ls "$LULL_SHM_DIR")" = team ]
	echo 'lull: {policy: tutorial}' >"$LULL_CONFIG"
	lull hold -q gpt-4o
	run -75 lull complete --when-cooling fail -m gpt-4o hi
	[ "$(ls "$LULL_SHM_DIR" | wc -l)" = 2 ]
}

@test "a configuration that cannot name a table costs nothing, a broken one is told" {
	export LULL_CONFIG=$SCRATCH/lull.yaml
	with_worker <<-EOF
		touch "$SCRATCH/asked"
		exit 78
	EOF
	echo 'model_list: []' >"$LULL_CONFIG"
	run -0 lull hold gpt-4o
	LULL_CONFIG=$SCRATCH run -0 lull hold gpt-4o # a directory
	[ ! -e "$SCRATCH/asked" ]
	echo 'lull: {table: [}' >"$LULL_CONFIG"
	run -0 --separate-stderr lull hold gpt-4o
	[ "$stderr" = "lull: $LULL_CONFIG was not understood, so which table it names is not known; going by \$LULL_SHM_NAME or the default" ]
	[ -e "$SCRATCH/asked" ]
	run -0 --separate-stderr lull hold -q gpt-4o
	[ -z "$stderr" ]
	rm "$SCRATCH/asked"
	run -0 lull hold --table x gpt-4o
	[ ! -e "$SCRATCH/asked" ]
	head -c 1100000 /dev/zero | tr '\0' '#' >"$LULL_CONFIG" # too much to look through
	run -0 lull hold gpt-4o
	[ -e "$SCRATCH/asked" ]
}

@test "--table chooses the table" {
	lull cool -q --table x gpt-4o 40s
	[ -f "$LULL_SHM_DIR/x" ]
	run -0 lull check gpt-4o
	run -75 lull check --table x gpt-4o
	run -75 lull check --table /x gpt-4o
	LULL_SHM_NAME=x run -75 lull check gpt-4o
}
