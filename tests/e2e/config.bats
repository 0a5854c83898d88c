#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lull config check and show, lull-worker resolve: on the samples in config/, and on what people write
# for LiteLLM in config/real/, against what is kept beside them. `LULL_GOLDEN=write bats config.bats` writes what is kept anew; read the difference.

bats_require_minimum_version 1.5.0

setup() {
	SAMPLES=$BATS_TEST_DIRNAME/config
	SCRATCH=$(mktemp -d /tmp/lull-config-XXXXXX)
	cp "$SAMPLES"/*.yaml "$SAMPLES"/*.json "$SAMPLES"/real/*.yaml "$SCRATCH"
	chmod 600 "$SCRATCH"/*
	cd "$SCRATCH"
	WORKER=$LULL_BIN_DIR/lull-worker
	[ -x "$WORKER" ]
}

teardown() {
	rm -rf "$SCRATCH"
}

# lull-worker with nothing of this shell's environment but what is given: [NAME=VALUE...] -- ARG...
worker() {
	local variables=()
	while [ "$1" != -- ]; do
		variables+=("$1")
		shift
	done
	shift
	env -i PATH="$PATH" HOME="$SCRATCH" "${variables[@]}" "$WORKER" "$@"
}

# stdin is what is kept in the file of that name
golden() {
	if [ "${LULL_GOLDEN:-}" = write ]; then
		cat >"$SAMPLES/$1"
	else
		diff -u "$SAMPLES/$1" -
	fi
}

checked() { # FILE EXIT-CODE
	run -"$2" --separate-stderr worker OPENAI_API_KEY=sk-planted-1 TEAM=blue -- config check "$1"
	printf '%s\n' "$stderr" | golden "$1.messages"
	if [ "$2" = 0 ]; then
		[[ $output == "$1: no errors, "* ]]
	else
		[ -z "$output" ]
	fi
}

@test "errors and warnings are named by line" {
	checked errors.yaml 78
	checked errors.json 78
	checked syntax.yaml 78
	checked syntax.json 78
	checked names.yaml 0
	checked own.yaml 0
	checked litellm.yaml 0
	checked litellm.json 0
}

@test "routes and settings are shown as they are understood" {
	for file in litellm.yaml own.yaml names.yaml; do
		worker OPENAI_API_KEY=sk-planted-1 TEAM=blue -- config show -c $file 2>/dev/null |
			golden $file.show
		worker OPENAI_API_KEY=sk-planted-1 TEAM=blue -- config show --json -c $file 2>/dev/null |
			golden $file.show.json
	done
}

@test "files as people write them for LiteLLM are read as they are" {
	local file name keys=(OPENAI_API_KEY=sk-planted-1 ANTHROPIC_API_KEY=sk-planted-2
		POOL_KEY_1=sk-planted-3 POOL_KEY_2=sk-planted-4)

	for file in "$SAMPLES"/real/*.yaml; do
		name=$(basename "$file")
		run -0 --separate-stderr worker "${keys[@]}" -- config check "$name"
		printf '%s\n' "$stderr" | golden "real/$name.messages"
		worker "${keys[@]}" -- config show -c "$name" 2>/dev/null | golden "real/$name.show"
	done
}

@test "config show --json is one object of version 1" {
	worker -- config show --json -c litellm.yaml 2>/dev/null |
		jq -e '.v == 1 and (.routes | length) == 5' >/dev/null
}

@test "YAML and JSON of one content mean the same" {
	for form in yaml json; do
		worker OPENAI_API_KEY=sk-planted-1 -- config show --json -c litellm.$form 2>/dev/null |
			jq 'del(.file, .routes[].problem)' >$form
	done
	diff yaml json
}

@test "no secret is ever shown" {
	for file in *.yaml *.json; do
		worker OPENAI_API_KEY=sk-planted-1 TEAM=blue -- config check $file || true
		worker OPENAI_API_KEY=sk-planted-1 TEAM=blue -- config show -c $file || true
		worker OPENAI_API_KEY=sk-planted-1 TEAM=blue -- config show --json -c $file || true
		worker OPENAI_API_KEY=sk-planted-1 TEAM=blue -- resolve -c $file fast || true
	done >all 2>&1
	grep -q hidden all
	run -1 grep -E 'planted|blue|user:password|sk-1234' all
}

@test "resolve prints the keys of a name, one on a line" {
	fingerprint='[0-9a-f]{16}'
	run -0 --separate-stderr worker OPENAI_API_KEY=a GROQ_API_KEY=b -- resolve -c litellm.yaml fast
	[ "${#lines[@]}" = 12 ]
	[[ ${lines[0]} =~ ^route:gpt-4o-mini@https://api.openai.com/v1#$fingerprint$ ]]
	[[ ${lines[1]} =~ ^credential:$fingerprint$ ]]
	[ "${lines[*]:2:4}" = "endpoint:https://api.openai.com:443 name:fast name:gpt-4o-mini name:openai/gpt-4o-mini" ]
	[[ ${lines[6]} =~ ^route:llama-3.1-8b-instant@https://api.groq.com/openai/v1#$fingerprint$ ]]
	[ "${lines[*]:8:2}" = "endpoint:https://api.groq.com:443 name:fast" ]
	[ "${lines[1]}" != "${lines[7]}" ]
	[ -z "$stderr" ]
}

@test "resolve knows upstream names, with and without their provider" {
	for name in local meta-llama/Llama-3.1-8B hosted_vllm/meta-llama/Llama-3.1-8B; do
		run -0 --separate-stderr worker -- resolve -c litellm.yaml $name
		[ "$output" = "route:meta-llama/Llama-3.1-8B@http://gpu1:8000/v1
endpoint:http://gpu1:8000
name:local
name:meta-llama/Llama-3.1-8B
name:hosted_vllm/meta-llama/Llama-3.1-8B" ]
	done
}

@test "resolve knows names that the environment alone makes usable" {
	run -0 --separate-stderr worker OPENAI_API_KEY=a -- resolve openai/gpt-4o
	[ "${lines[*]:3}" = "name:openai/gpt-4o name:gpt-4o" ]
	[[ ${lines[0]} == route:gpt-4o@https://api.openai.com/v1#* ]]
	run -1 --separate-stderr worker -- resolve openai/gpt-4o
	[ -z "$output$stderr" ]
}

@test "resolve ends with 1 for a name that is not configured, with 78 for a broken file" {
	run -1 --separate-stderr worker -- resolve -c litellm.yaml gpt-3.5-turbo
	[ -z "$output$stderr" ]
	run -78 --separate-stderr worker -- resolve -c syntax.yaml fast
	[ -z "$output" ]
	[ "$stderr" = "$(cat "$SAMPLES/syntax.yaml.messages")" ]
	run -0 --separate-stderr worker -- resolve -c litellm.yaml claude
	[ -z "$output" ]
	[[ $stderr == *"model 'claude' is not usable: "* ]]
}

@test "resolve repeats for each route what it shares with others" {
	printf 'model_list:\n  - {model_name: a, litellm_params: {model: openai/m1, api_key: k}}\n' >shared.yaml
	printf '  - {model_name: a, litellm_params: {model: openai/m2, api_key: k}}\n' >>shared.yaml
	worker -- resolve -c shared.yaml a | sed 's/:.*//' | paste -sd' ' |
		grep -qx 'route credential endpoint name name name route credential endpoint name name name'
}

@test "resolve --table prints the table of the configuration, or nothing" {
	run -0 --separate-stderr worker -- resolve --table
	[ -z "$output$stderr" ]
	printf 'lull: {table: ours}\n' >table.yaml
	run -0 worker -- resolve --table -c table.yaml
	[ "$output" = ours ]
	printf 'lull: {policy: tutorial}\n' >table.yaml
	run -0 worker LULL_CONFIG=table.yaml -- resolve --table
	[ "$output" = "$(worker LULL_CONFIG=table.yaml -- config show --json | jq -r .table)" ]
	[ -n "$output" ]
	run -64 worker -- resolve --table fast
	run -78 worker -- resolve --table -c syntax.yaml
}

@test "without a file there is a configuration all the same" {
	run -0 --separate-stderr worker -- config show
	[[ $output == *"budget: 45s"* ]]
	run -0 --separate-stderr worker -- config check
	[ "$output" = "no file: no errors, 0 routes" ]
}

@test "the file is found where it belongs" {
	mkdir -p .config/lull
	cp own.yaml .config/lull/config.yaml
	run -0 --separate-stderr worker -- config show
	[[ $output == "file: $SCRATCH/.config/lull/config.yaml"* ]]
	run -0 --separate-stderr worker LULL_CONFIG=litellm.json -- config show
	[[ $output == "file: litellm.json"* ]]
	run -78 --separate-stderr worker LULL_CONFIG=nobody.yaml -- config show
	[ "$stderr" = "nobody.yaml: cannot be read: No such file or directory" ]
}

@test "a key that others may read is warned of" {
	chmod 644 own.yaml
	run -0 --separate-stderr worker -- config check own.yaml
	[[ $stderr == *"own.yaml:8: others may read the api_key here (mode 0644), expected chmod 600 or os.environ/NAME"* ]]
}

@test "keys of the gateway that it could not know" {
	cat >gateway.yaml <<-'END'
		lull:
		  gateway:
		    keys:
		      - {name: a, key: os.environ/NOT_SET}
		      - {name: b, key: file:/not-there}
		      - {name: c, user: nobody-of-this-name}
		      - {name: d, key: "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"}
	END
	chmod 600 gateway.yaml
	run -0 --separate-stderr worker -- config check gateway.yaml
	[ "$output" = "gateway.yaml: no errors, 0 routes" ]
	diff <(echo "$stderr") - <<-'END'
		gateway.yaml:4: key 'a' of the gateway: its variable is not set
		gateway.yaml:5: key 'b' of the gateway: No such file or directory
		gateway.yaml:6: key 'c' of the gateway: no such user is on this host
	END
	sed -i 's/25b"/25"/' gateway.yaml
	run -78 worker -- config check gateway.yaml
	[[ $output == "gateway.yaml:7: key 'd' of the gateway is no digest, expected sha256: and 64 digits in hex" ]]
	echo 'general_settings: {master_key: "sha256:25"}' >gateway.yaml
	run -78 worker -- config check gateway.yaml
	[[ $output == "gateway.yaml: key 'master' of the gateway is no digest"* ]]
}

@test "usage errors end with 64" {
	run -64 worker -- config
	run -64 worker -- config nonsense
	run -64 worker -- config show extra
	run -64 worker -- config check a b
	run -64 worker -- config show --nonsense
	run -64 worker -- resolve
	run -64 worker -- resolve a b
}

@test "help comes with examples" {
	for command in config "config check" "config show" resolve; do
		run -0 worker -- $command --help
		[[ $output == *examples:* ]]
	done
}

@test "the example configurations are without fault" {
	for file in "$BATS_TEST_DIRNAME"/../../docs/examples/lull.yaml "$BATS_TEST_DIRNAME"/../../docs/examples/lull.json; do
		cp "$file" .
		run -0 --separate-stderr worker OPENAI_API_KEY=a GROQ_API_KEY=b COHERE_API_KEY=c -- config check "${file##*/}"
		[ -z "$stderr" ]
	done
}
