#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Every example of the README, of each --help, of each manual page about commands and of the pages for operators,
# word for word, and every configuration. What is not Lull's (llm, mail, sudo, a provider on the internet) is played.
# prefork.bats has those in C, documented_output.bats what is printed, foreign_debian.bats and units.bats what is for other programs.

load complete

MAN=$LULL_SOURCE_DIR/docs/man

setup() {
	complete_setup
	export ANTHROPIC_BASE_URL=$MOCK_URL/v1 ANTHROPIC_API_KEY=$KEY GROQ_API_BASE=$MOCK_URL/v1 GROQ_API_KEY=$KEY
	mkdir "$SCRATCH/bin" "$SCRATCH/work"
	cd "$SCRATCH/work"
	play
	provide
}

teardown() {
	cd /
	[[ -z ${WATCHING:-} ]] || stop_watching
	complete_teardown
}

# played NAME SCRIPT: a program of others
played() {
	printf '#!/bin/bash\n%s\n' "$2" >"$SCRATCH/bin/$1"
	chmod +x "$SCRATCH/bin/$1"
}

play() {
	local name

	export REAL_CURL
	REAL_CURL=$(command -v curl)
	PATH=$SCRATCH/bin:$PATH
	export TERM=xterm # for lull top
	played llm '[[ $2 != *{* ]] && echo "of $2: $(wc -c) bytes"'
	played git 'echo "+a line"'
	played mail "cat >/dev/null; echo \"mail \$*\" >>$SCRATCH/told"
	played tell-somebody "echo \"\$LULL_EVENT_CAUSE: \$LULL_EVENT_KEY\" >>$SCRATCH/told"
	played your-program 'exec "$REAL_CURL" -sSf "$OPENAI_BASE_URL/models"'
	played sudo '[[ $1 == -u ]] && shift 2; exec "$@"'
	played docker 'shift 2; exec "$@"'
	played watch 'while [[ $1 == -* ]]; do [[ $1 != -n ]] || shift; shift; done; exec "$@"'
	for name in apt cmake; do # deb.sh has them
		played "$name" 'true'
	done
	played adduser 'id -u "$1" && grep -q "^u $2 " '"$LULL_SOURCE_DIR"'/packaging/systemd/lull.sysusers'
	played xdg-open 'exec "$REAL_CURL" -sSf "$1"'
	played systemctl '[[ $1 =~ ^(enable|reload)$ ]] || exit
		for unit; do [[ $unit == "$1" || $unit == --now || -n $(compgen -G "'"$LULL_SOURCE_DIR"'/packaging/systemd/${unit%.service}.service*") ]] || exit; done'
	played install 'for arg; do
			case $arg in
			lull) arg=$(id -gn) ;; # the group, which is made by the package
			/etc/*) arg='"$SCRATCH"'/root$arg ;;
			esac
			args+=("$arg")
		done
		mkdir -p '"$SCRATCH"'/root/etc
		exec /usr/bin/install "${args[@]}"'
	played curl 'args=("${@/https:\/\/api.openai.com\/v1/$OPENAI_BASE_URL}")
		exec "$REAL_CURL" --noproxy "*" "${args[@]/https:\/\/api.example.com\/v1/$OPENAI_BASE_URL}"'
}

# The files that examples name.
provide() {
	local name

	for name in ask.sh ask.py job; do
		printf '#!/bin/sh\necho "asked ${LULL_MODEL:-nobody}"\n' >$name
		chmod +x $name
	done
	echo "A report." >report.txt
	echo '{"messages":[{"role":"user","content":"hi"}]}' >request.json
	awk 'BEGIN {
		for (i = 0; i < 20; i++)
			printf "{\"custom_id\":\"row-%d\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\"," \
				"\"body\":{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"Row %d\"}]}}\n", i, i
	}' >requests.jsonl
	echo "OPENAI_API_KEY=$KEY" >keys
	cp "$LULL_WIRE_DIR/openai/429_requests.http" 429.http
	cp "$LULL_WIRE_DIR/groq/413_request_too_large.http" 413.http
	cat >lull.yaml <<-END
		model_list:
		  - model_name: chat
		    litellm_params: {model: openai/gpt-4o, api_base: $MOCK_URL/v1, api_key: os.environ/OPENAI_API_KEY}
	END
	chmod 600 lull.yaml
	mkdir -p "$XDG_CONFIG_HOME/lull"
	sed 's/model_name: chat/model_name: fast/' lull.yaml >"$XDG_CONFIG_HOME/lull/config.yaml"
	chmod 600 "$XDG_CONFIG_HOME/lull/config.yaml"
}

# ---- finding them

# of_help COMMAND...: two blanks before a command, six before what is said of it
of_help() {
	"$@" --help | sed -n '/^examples:/,$p' | awk '
		continues { printf "%s\n", $0; continues = /\\$/; next }
		/^  [^ ]/ { printf "%s\n", substr($0, 3); continues = /\\$/ }'
}

# of_manual PAGE: what stands between fences; where there are prompts, what follows them
of_manual() {
	sed -n '/^# EXAMPLE/,/^# [^E]/p' "$1" | awk '
		/^```/ { if (inside) flush(); inside = !inside; next }
		inside { gsub(/\\\\/, "\\"); lines[++count] = $0 }
		function flush(   i, prompts) {
			for (i = 1; i <= count; i++) prompts += lines[i] ~ /^\$ /
			for (i = 1; i <= count; i++)
				if (!prompts) print lines[i]
				else if (sub(/^\$ /, "", lines[i])) print lines[i]
			count = 0
		}'
}

# of_page PAGE: of docs, what begins as a command does
of_page() {
	grep -E '^(    )?([A-Z_]+=[^ ]+ )*(lull|sudo|curl|cmake|xdg-open|\* \* \* \* \*) ' "$LULL_SOURCE_DIR/docs/$1" | sed 's/^    //'
}

of_readme() {
	sed -n '/^## First use/,/^!/p' "$LULL_SOURCE_DIR/README.md" | sed -n 's/^    //p'
}

# Lines of stdin as commands, each ended by a NUL: one goes on until a shell has all of it.
commands() {
	local line command=

	while IFS= read -r line; do
		command+=${command:+$'\n'}$line
		[[ $line != *\\ ]] && bash -n <<<"$command" 2>/dev/null || continue
		[[ -z $command ]] || printf '%s\0' "$command"
		command=
	done
	[[ -z $command ]] || printf 'not whole: %s\0' "$command"
}

# Of everything: sets examples.
collect() {
	local verb page

	{
		of_help lull
		of_help lull-worker gateway
		of_help lull config check
		of_help lull config show
		for verb in $(lull --help | awk '/^examples:/ { exit } /^  [a-z-]+ +/ { print $1 }'); do
			of_help lull "$verb"
		done
		for page in "$MAN"/*.1.scd; do
			of_manual "$page"
		done
		of_readme
		of_page observability.md
		of_page operations.md
	} >"$SCRATCH/lines"
	mapfile -d '' examples < <(grep -vE '^(sum|rate|lull_|lull: )' "$SCRATCH/lines" | sed 's/^\* \* \* \* \* //' | commands)
}

# ---- kinds

# It serves, or asks, addresses that other programs of this host may have, or uses places of the system.
is_server() {
	[[ $1 == *"lull serve"* || $1 == *"gateway --listen"* || $1 == systemd-socket-activate* || $1 == kill* ||
		$1 == "curl http://127.0.0.1:"* || $1 == "xdg-open "* || $1 == *" /etc/lull/config.yaml && "* || $1 == "cd /var/lib/"* ||
		$1 == [A-Z]*=*" lull status" || $1 == *" your-program" ]]
}

# It goes on until somebody ends it.
is_endless() {
	[[ $1 =~ ^(NO_COLOR=1\ )?lull\ (watch|top) ]]
}

# Whether it ends as it should: with 0, or by nothing but our signal; and takes nothing for what it is not.
ends_well() {
	local code=0

	if is_endless "$1"; then
		timeout 1 script -qec "$1" /dev/null </dev/null >"$SCRATCH/said" 2>&1 || code=$?
		[[ $code == 124 ]]
	else
		timeout 20 bash -o pipefail -c "$1" </dev/null >"$SCRATCH/said" 2>&1 || return
		! grep -qE '(see|try) .?lull.* --help|^name:[a-z]+:https?:' "$SCRATCH/said" # whatever stands behind ||
	fi
}

@test "commands that end, and those that somebody ends" {
	local example bad=0 count=0

	collect
	mock_rules '[{"path": "/v1/messages", "file": "anthropic/success.http"}]'
	for example in "${examples[@]}"; do
		! is_endless "$example" || has_terminal || continue
		! is_server "$example" || continue
		[[ $example == *--resume* ]] || rm -f results.jsonl
		[[ $example != *www-data* || $(id -u) == 0 ]] || continue # nobody else may give files to that group
		count=$((count + 1))
		ends_well "$example" || {
			printf 'failed: %s\n%s\n' "$example" "$(<"$SCRATCH/said")"
			bad=$((bad + 1))
		}
		lull clear -q --all
		[[ $example =~ \ -m\ ([^ ]+)\ -f\  ]] || continue
		lull cool -q "${BASH_REMATCH[1]}" 1m
		rm -f results.jsonl
		ends_well "$example" || {
			printf 'failed with its fallback: %s\n%s\n' "$example" "$(<"$SCRATCH/said")"
			bad=$((bad + 1))
		}
		lull clear -q --all
	done
	echo "$count examples, $bad failed"
	[ "$bad" = 0 ]
	[ "$count" -gt 100 ]
}

# WATCHING, and what it has started.
stop_watching() {
	pkill -P "$WATCHING" || true
	kill "$WATCHING" 2>/dev/null || true
	wait "$WATCHING" 2>/dev/null || true
	WATCHING=
}

# fails_for STATUS: of gpt-4o, for the first time
fails_for() {
	lull clear -q --all
	mock_rules "[{\"model\": \"gpt-4o\", \"status\": $1}]"
	! lull complete -q -m openai/gpt-4o hi >/dev/null 2>&1
}

@test "what is run for an event is told of it" {
	local example count=0

	is_told() {
		fails_for 401
		grep -qxE "(mail -s )?auth: credential:[0-9a-f]{16}( root)?" "$SCRATCH/told"
	}
	collect
	for example in "${examples[@]}"; do
		[[ $example == *--exec* ]] || continue
		echo "$example"
		: >"$SCRATCH/told"
		bash -c "exec ${example//\/usr\/local\/bin\//}" 3>&- &
		WATCHING=$!
		until_true is_told
		stop_watching
		count=$((count + 1))
	done
	[ "$count" = 3 ]
}

@test "what jq is to find is there" {
	local example said count=0

	is_watched() {
		fails_for 429
		grep -qx rate_limited "$SCRATCH/said"
	}
	collect
	fails_for 429
	for example in "${examples[@]}"; do
		[[ $example == *"| jq"* ]] || continue
		echo "$example"
		count=$((count + 1))
		[[ $example != *doctor* ]] || chmod 666 "$LULL_SHM_DIR"/* # a problem
		if is_endless "$example"; then
			bash -c "$example" >"$SCRATCH/said" 3>&- &
			WATCHING=$!
			until_true is_watched
			stop_watching
		else
			bash -c "$example" >"$SCRATCH/said"
			chmod 600 "$LULL_SHM_DIR"/*
			[ -s "$SCRATCH/said" ]
			[[ $example != *"lull status"* ]] || [ "$(wc -l <"$SCRATCH/said")" = 1 ]
			! grep -qE 'null|"level": "ok"' "$SCRATCH/said" || return 1
		fi
	done
	[ "$count" = 13 ]
}

@test "an address that is cooled is that of its routes" {
	local example count=0

	unset OPENAI_BASE_URL
	collect
	for example in "${examples[@]}"; do
		[[ $example == "lull cool endpoint:"* ]] || continue
		bash -c "$example"
		run -75 lull check gpt-4o-mini
		lull clear -q --all
		count=$((count + 1))
	done
	[ "$count" = 1 ]
}

@test "lull run with curl goes on when it says 429" {
	local example

	collect
	mock_rules '[{"model": "gpt-4o", "status": 429}]'
	for example in "${examples[@]}"; do
		[[ $example == *"'^HTTP 429'"* ]] || continue
		bash -c "$example"
		[ "$(mock_count gpt-4o-mini)" = 1 ]
		run -75 lull check gpt-4o
		return
	done
	return 1
}

@test "servers, on the addresses that their examples name, and places of the system" {
	local example bad=0 count=0

	unshare -rnmp --fork --mount-proc true 2>/dev/null || skip "no namespaces to be had"
	ADMIN=$(of_page operations.md | grep '^lull serve --admin')
	export SCRATCH ADMIN
	collect
	for example in "${examples[@]}"; do
		is_server "$example" || continue
		: >"$SCRATCH/said"
		count=$((count + 1))
		unshare -rnmp --fork --mount-proc bash -euc '
			ip link set lo up
			mount -t tmpfs none /run
			mkdir /run/lull
			'"$(declare -f until_true)"'
			serve_until_told() {
				bash -c "exec $1" </dev/null >"$SCRATCH/said" 2>&1 &
				server=$!
				until_true grep -qE "$2" "$SCRATCH/said"
			}
			example=${1%% &*}
			case $1 in
			kill*)
				serve_until_told "lull serve" event=ready
				eval "$1"
				until_true grep -q event=reloaded "$SCRATCH/said"
				;;
			systemd-socket-activate*)
				serve_until_told "$example" "Listening on"
				until_true "$REAL_CURL" -sSf http://127.0.0.1:4000/health/ready
				;;
			curl* | xdg-open*)
				serve_until_told "$ADMIN" event=ready
				eval "${1/#curl /curl -f }"
				;;
			cd*)
				mount -t tmpfs none /var/lib
				mkdir -p /var/lib/prometheus/node-exporter
				eval "$1"
				test -s lull.prom
				exit
				;;
			*your-program)
				serve_until_told "lull-worker gateway --listen 127.0.0.1:4000 -c lull.yaml -v" "listening on"
				eval "$1"
				;;
			*status)
				(cat /etc/group; echo "lull:x:0:") >"$SCRATCH/group"
				mount --bind "$SCRATCH/group" /etc/group
				eval "$1 --json" | jq -e ".table | endswith(\"-g0\")"
				exit
				;;
			*/etc/lull/config.yaml*)
				mkdir "$SCRATCH/etc"
				cp -r /etc/passwd /etc/group /etc/ld.so.* /etc/ssl "$SCRATCH/etc" 2>/dev/null || true
				mkdir -p "$SCRATCH/etc/lull"
				cp lull.yaml "$SCRATCH/etc/lull/config.yaml"
				mount --bind "$SCRATCH/etc" /etc
				eval "$1"
				exit
				;;
			*"gateway --listen"*)
				serve_until_told "$example -v" "listening on"
				;;
			*)
				serve_until_told "$example" event=ready
				;;
			esac
			kill $server
			code=0; wait $server || code=$?; [[ $code == 0 || $code == 143 ]] || { echo "ended with $code"; exit 1; }
		' - "$example" >"$SCRATCH/outer" 2>&1 || {
			printf 'failed: %s\n%s\n%s\n' "$example" "$(<"$SCRATCH/outer")" "$(<"$SCRATCH/said")"
			bad=$((bad + 1))
		}
	done
	echo "$count examples, $bad failed"
	[ "$bad" = 0 ]
	[ "$count" -gt 10 ]
}

# named: the commands of Lull in running text and in the comments of examples, one a line, without markup
named() {
	{ # both go on in the next line
		sed -E 's/^ *[#*] //' README.md CONTRIBUTING.md docs/*.md docs/examples/* | tr -s '\n ' ' ' |
			grep -oE '`(lull|lulld|lull-worker) [^`]*`'
		cat docs/man/*.scd | tr -s '\n ' ' ' |
			grep -oE '\*(lull|lulld|lull-worker) [a-z-][^*]*\*( \[?(\*-[^*]*\*|_[^_]*_|\|)+[].]*)*'
	} | tr -d '`*_[]' | sed -E 's/ (--|\||\|\||&&) .*//' | sort -u
}

# is_there PROGRAM WORD...: its --help knows the verb and the options
is_there() {
	local command=("$1") known option

	[[ $2 == -* ]] || command+=("$2")
	[[ $2 != config || -z ${3:-} ]] || command+=("$3")
	known=$("${command[@]}" --help </dev/null | sed -nE 's/^ +(-[^ ]+( --[^ ]+)?).*/\1/p' | grep -oE -- '-[-a-z]+') || return
	for option in $(printf '%s\n' "$@" | tr '|' '\n' | grep -oE -- '^--?[a-z-]+'); do
		grep -qxFe "$option" <<<"$known" || return
	done
}

@test "what the text names" {
	local words bad=0 count=0

	cd "$LULL_SOURCE_DIR"
	while read -ra words; do
		count=$((count + 1))
		is_there "${words[@]}" || {
			echo "there is no ${words[*]}"
			bad=$((bad + 1))
		}
	done < <(named)
	echo "$count named, $bad are not there"
	[ "$bad" = 0 ]
	[ "$count" -gt 50 ]
}

# of_yaml FILE: each block, ended by a NUL
of_yaml() {
	awk '/^```yaml/ || (/^```$/ && !inside && FILENAME ~ /scd$/) { inside = 1; next } /^```/ { if (inside) printf "%c", 0; inside = 0; next } inside' "$1"
}

@test "where the programs are when they are built, the key that they need, and what is run to test them" {
	local built

	built=$(jq -r '.configurePresets[] | select(.name == "base").binaryDir' "$LULL_SOURCE_DIR/CMakePresets.json")
	built=${built/'${presetName}'/release}
	mkdir -p "${built/'${sourceDir}'/.}/bin"
	touch "${built/'${sourceDir}'/.}/bin/lull"
	chmod +x "${built/'${sourceDir}'/.}/bin/lull"
	(
		eval "$(of_readme | grep '^PATH=')"
		[ "$(command -v lull)" = "${built/'${sourceDir}'/$PWD}/bin/lull" ]
	)
	(
		unset OPENAI_API_KEY
		eval "$(of_readme | grep '^export ')"
		eval "$(of_readme | grep '^lull complete' | head -n 1)"
	)
	mock_requests '.requests[].headers.authorization' | grep '^Bearer '
	of_readme | grep -q "sudo cmake --install ${built#'${sourceDir}/'}$"

	cd "$LULL_SOURCE_DIR"
	{
		sed -nE 's/^    (scripts\/.*)/\1/p' README.md CONTRIBUTING.md
		grep -ohE '`(tests\/bench|scripts)\/[^`]*`' README.md CONTRIBUTING.md docs/*.md | tr -d '`'
	} | while read -r program option _; do
		[ -x "$program" ]
		[[ $option != --* ]] || grep -qe "$option" "$program"
	done
}

@test "configurations" {
	local block blocks providers provider count=0

	run -64 lull explain-error -p none 429.http
	providers=" ${output##*expected one of },"
	export SITE_KEY=a-key
	for page in README.md docs/configuration.md docs/man/lull.yaml.5.scd; do
		mapfile -d '' blocks < <(of_yaml "$LULL_SOURCE_DIR/$page")
		for block in "${blocks[@]}"; do
			printf %s "$block" >lull.yaml
			run -0 --separate-stderr lull config check lull.yaml
			while read -r provider; do
				[[ $providers == *" $provider,"* ]]
			done < <(grep -oE '\bmodel: [a-z_]+/' <<<"$block" | sed 's/model: //; s/\/$//')
			# only names may be those of a list that is not shown
			[[ -z $stderr || $block != *model_list:* && -z $(grep -v "no model_name of model_list" <<<"$stderr") ]]
			count=$((count + 1))
		done
	done
	[ "$count" = 8 ]
}

@test "pieces of configurations, and commands, in the text about them" {
	local page=$LULL_SOURCE_DIR/docs/configuration.md key count=0 KEY=sk-any

	awk '/^```/ { inside = !inside; next } !inside' "$page" | tr '\n' ' ' | grep -oE '`[^`]+`' | tr -d '`' | sort -u >"$SCRATCH/pieces"
	sed -nE 's/^\| `([^`]+)`.*/\1/p' "$page" | tr '.' '\n' >"$SCRATCH/keys"
	echo hidden >>"$SCRATCH/keys" # of an alias
	while read -r key; do
		grep -qx "$key" "$SCRATCH/keys" || {
			echo "no key: $key"
			return 1
		}
		count=$((count + 1))
	done < <(grep -E '^([a-z_.]+: |\{)' "$SCRATCH/pieces" | grep -oE '[a-z_.]+: ' | tr -d ': ' | tr '.' '\n')
	[ "$count" -gt 15 ]
	eval "$(grep '^lull complete --limit' "$SCRATCH/pieces") hi" </dev/null
	[[ "$(eval "$(grep sha256sum "$SCRATCH/pieces")")" == "$(printf %s sk-any | openssl dgst -sha256 -r | cut -c -64) "* ]]
}

@test "what the manual says of a configuration with mistakes" {
	cat >lull.yaml <<-'END'
		model_list:
		  - model_name: chat
		    litellm_params: {model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY}
		  - model_name: chat
		    litellm_params: {model: openai/gpt-4o-mini, api_key: os.environ/OPENAI_API_KEY}
		  - model_name: fast
		    litellm_params:
		      model: groq/llama-3.3-70b-versatile
		      api_key: os.environ/GROQ_API_KEY
		  - model_name: local
		    litellm_params:
		      tiemout: 10
		      model: ollama_chat/llama3.1
	END
	unset GROQ_API_KEY
	run bash -c "$(of_manual "$MAN/lull-config.1.scd" | head -n 1)"
	diff -u <(sed -n '/^# EXAMPLES/,/^# [^E]/p' "$MAN/lull-config.1.scd" | grep '^lull.yaml:') - <<<"$output"
}
