#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# docs/examples/prefork.c, built as a stranger would build it: against the installed library, found
# by pkg-config. Its workers share what one of them learns.

load complete

setup() {
	nm -D "$LULL_BIN_DIR/../lib/liblull-http.so" | grep -qE '__(asan|tsan)_' && skip "a sanitizer's library needs its compiler"
	complete_setup
	install_and_build
}

teardown() {
	if [[ -n ${PREFORK:-} ]]; then
		kill "$PREFORK"
		wait "$PREFORK" || true
	fi
	[[ -z ${MOCK_PID:-} ]] || complete_teardown
}

# of_head PROGRAM: the command of the first comment that runs it
of_head() {
	sed -nE "s|^ \\*     (([A-Z_]+=[^ ]+ )?$1 .*)|\1|p" "$LULL_SOURCE_DIR/docs/examples/prefork.c"
}

install_and_build() {
	cmake --install "$LULL_BIN_DIR/.." --prefix "$SCRATCH/root" >"$SCRATCH/install"
	PKG_CONFIG_PATH=$(dirname "$(find "$SCRATCH/root" -name lull-http.pc)")
	LD_RUN_PATH=$(pkg-config --variable=libdir "$PKG_CONFIG_PATH/lull-http.pc")
	export PKG_CONFIG_PATH LD_RUN_PATH
	cd "$SCRATCH"
	cp "$LULL_SOURCE_DIR/docs/examples/prefork.c" .
	eval "$(of_head cc) -Wall -Wextra -Werror"
}

# of_manual PAGE: its example, a part of a function
of_manual() {
	sed -n '/^# EXAMPLE/,/^# [^E]/p' "$LULL_SOURCE_DIR/docs/man/$1.scd" | awk '/^```/ { inside = !inside; next } inside' |
		sed 's/\\\\/\\/g'
}

@test "the examples of the manual in C" {
	local page flags

	flags=$(pkg-config --cflags --libs lull-http)
	for page in lull_call.3 lull_complete.3; do
		{
			printf '#include <%s>\n' lull/http.h lull/call.h stdio.h string.h
			echo 'static uint32_t ask(const char *name, uint64_t by_ms)'
			echo '{ printf("%s\n", name); return by_ms > 0 ? LULL_CLASS_ANSWERED : LULL_CLASS_LOCAL; }'
			echo 'static int steps; /* one that sleeps needs few */'
			echo '#define lull_call_next(...) (++steps < 20 ? lull_call_next(__VA_ARGS__) : -1)'
			echo 'int main(void) { (void)ask, (void)steps;'
			of_manual $page
			echo 'return 0; }'
		} >"$SCRATCH/$page.c"
		# shellcheck disable=SC2086
		cc -Wall -Wextra -Werror -o "$SCRATCH/$page" "$SCRATCH/$page.c" $flags
	done
	[ "$("$SCRATCH/lull_call.3")" = gpt-4o ]
	[ "$("$SCRATCH/lull_complete.3")" = "Answer from gpt-4o." ]

	# the first is shut, and then both
	lull cool gpt-4o 10m
	[ "$("$SCRATCH/lull_call.3")" = local-llama ]
	lull cool local-llama 500ms
	[ "$(within 300 20000 "$SCRATCH/lull_call.3")" = local-llama ]
}

# of_header FILE: the example of its first comment
of_header() {
	sed -n '1d; /\*\//q; s/^ \* \{5\}//p' "$SCRATCH/root/include/lull/$1"
}

@test "the examples that the headers begin with" {
	local name count=0

	export OPENAI_BASE_URL=$MOCK_URL/v1
	{
		printf '#include <%s>\n' lull/http.h stdio.h string.h
		echo '#define send(json, bytes) fwrite(json, 1, bytes, stdout)'
		echo 'int main(void) { const char request[] = "{\"model\": \"gpt-4o\", \"messages\": []}"; const size_t size = strlen(request);'
		of_header http.h | sed '/^ *lull_http_close/q'
		echo 'return 0; }'
	} >"$SCRATCH/head.c"
	# shellcheck disable=SC2046
	cc -Wall -Wextra -Werror -o "$SCRATCH/head" "$SCRATCH/head.c" $(pkg-config --cflags --libs lull-http)
	[ "$("$SCRATCH/head" | jq -r '.choices[0].message.content')" = "Answer from gpt-4o." ]

	# call.h has words in between
	while read -r name; do
		grep -qE "^[A-Za-z].*\b$name\(" "$SCRATCH"/root/include/lull/*.h
		count=$((count + 1))
	done < <(of_header call.h | grep -oE 'lull_[a-z_]+\(' | tr -d '(' | sort -u)
	[ "$count" -ge 6 ]
}

# synopsis PAGE: what a program has to include
synopsis() {
	sed -n '/^# SYNOPSIS/,/^# [^S]/p' "$LULL_SOURCE_DIR/docs/man/$1.scd" | awk '/^```/ { inside = !inside; next } inside'
}

# declarations: of C on stdin, one a line
declarations() {
	grep -v '^#' | tr -s ' \t\n' ' ' | sed -E 's/; ?/;\n/g' | sed -E 's/^ |__attribute__\S+ //g'
}

@test "each SYNOPSIS in C declares what its header does" {
	local page

	for page in lull_table.3 lull_call.3 lull_complete.3; do
		# shellcheck disable=SC2046
		synopsis $page | grep '^#include' | cc -E -x c - $(pkg-config --cflags lull-http) | declarations >"$SCRATCH/declared"
		synopsis $page | declarations | grep . >"$SCRATCH/$page"
		[ "$(grep -c 'lull_.*(.*);$' "$SCRATCH/$page")" -ge 6 ]
		run -1 grep -vxFf "$SCRATCH/declared" "$SCRATCH/$page"
	done
}

@test "what the manual says to link with is what pkg-config says" {
	local library command count=0

	while read -r library command; do
		[[ " $($command) " == *" $library "* ]]
		count=$((count + 1))
	done < <(sed -nE 's/^Link with \*([^*]*)\* \(\*(pkg-config [^*]*)\*\)\.$/\1 \2/p' "$LULL_SOURCE_DIR"/docs/man/*.3.scd)
	[ "$count" = 2 ]
}

# start_prefork [MODEL...]: four workers; sets PREFORK and URL.
start_prefork() {
	start_as ./prefork 0 4 "$@"
}

# start_as COMMAND...
start_as() {
	env "$@" >"$SCRATCH/listening" 2>"$SCRATCH/log" 3>&- </dev/null &
	PREFORK=$!
	until_true grep -q '^listening' "$SCRATCH/listening"
	URL=http://$(sed 's/listening on //' "$SCRATCH/listening")
}

post() {
	mock_ask "$@" "$URL/"
}

@test "the commands of its first comment, on another port" {
	local start ask port

	read -ra start < <(of_head ./prefork)
	ask=$(of_head curl)
	port=${ask##*:} port=${port%/}
	[[ " ${start[*]} " == *" $port "* ]]
	unset OPENAI_API_KEY
	start_as "${start[@]/#$port/0}"
	[[ $(eval "${ask/http:*/$URL/}") == *"Answer from gpt-4o."* ]]
	[ "$(mock_requests '.requests[-1] | .headers.authorization, (.body | fromjson | .messages | length)' | xargs)" = "Bearer ... 1" ]
}

@test "answers prompts and whole requests" {
	start_prefork openai/m1
	[ "$(post -d '{"prompt":"Say hello"}' | jq -r '.choices[0].message.content')" = "Answer from m1." ]
	[ "$(post -d '{"messages":[{"role":"user","content":"hi"}]}' | jq -r .object)" = chat.completion ]
	[ "$(post -o /dev/null -w '%{http_code}' -d 'not json')" = 400 ]
	[ "$(post -o /dev/null -w '%{http_code}' -X GET)" = 400 ]
}

@test "a limit that one worker met is skipped by all" {
	local i posts=()

	mock_rules '[{"model": "limited", "status": 429, "headers": {"Retry-After": 60}}]'
	start_prefork openai/limited openai/well
	for ((i = 0; i < 20; i++)); do
		post -D "$SCRATCH/head.$i" -o "$SCRATCH/body.$i" -d '{"prompt":"hi"}' &
		posts+=($!)
	done
	wait "${posts[@]}"
	for ((i = 20; i < 40; i++)); do
		post -D "$SCRATCH/head.$i" -o "$SCRATCH/body.$i" -d '{"prompt":"hi"}'
	done
	[ "$(cat "$SCRATCH"/body.* | grep -o 'Answer from well' | wc -l)" = 40 ]
	[ "$(cat "$SCRATCH"/head.* | grep -i '^x-worker:' | sort -u | wc -l)" -ge 2 ]
	[ "$(mock_count limited)" -le 4 ]
	[ "$(mock_count well)" = 40 ]
	run -75 lull check limited
}

@test "a failure is a status and a Retry-After" {
	mock_rules '[{"model": "limited", "status": 429, "headers": {"Retry-After": 60}}]'
	start_prefork openai/limited
	[ "$(post -o /dev/null -w '%{http_code}' -d '{"prompt":"hi"}')" = 429 ]
	post -D "$SCRATCH/head" -d '{"prompt":"hi"}' >"$SCRATCH/body"
	grep -q '^HTTP/1.1 503' "$SCRATCH/head"
	grep -Eq '^Retry-After: (5[0-9]|60)' "$SCRATCH/head"
	[[ $(jq -r .error.message "$SCRATCH/body") == "nothing was attempted"* ]]
}

@test "SIGTERM in the middle of a call ends it at once and blames nobody" {
	mock_rules '[{"model": "silent", "delay_ms": 60000}]'
	start_prefork openai/silent
	post -d '{"prompt":"hi"}' >/dev/null 2>&1 &
	until_true eval '[ "$(mock_count silent)" = 1 ]'
	kill "$PREFORK"
	within 0 8000 wait "$PREFORK"
	PREFORK=
	table_untouched
}
