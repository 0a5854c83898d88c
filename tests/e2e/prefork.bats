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

install_and_build() {
	local flags

	cmake --install "$LULL_BIN_DIR/.." --prefix "$SCRATCH/root" >"$SCRATCH/install"
	PKG_CONFIG_PATH=$(dirname "$(find "$SCRATCH/root" -name lull-http.pc)")
	export PKG_CONFIG_PATH
	flags=$(pkg-config --cflags --libs lull-http json-c)
	# shellcheck disable=SC2086
	cc -Wall -Wextra -Werror -o "$SCRATCH/prefork" "$LULL_SOURCE_DIR/docs/examples/prefork.c" $flags \
		-Wl,-rpath,"$(pkg-config --variable=libdir lull-http)"
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
			echo 'int main(void) { (void)ask;'
			of_manual $page
			echo 'return 0; }'
		} >"$SCRATCH/$page.c"
		# shellcheck disable=SC2086
		cc -Wall -Wextra -Werror -o "$SCRATCH/$page" "$SCRATCH/$page.c" $flags \
			-Wl,-rpath,"$(pkg-config --variable=libdir lull-http)"
	done
	[ "$("$SCRATCH/lull_call.3")" = gpt-4o ]
	[ "$("$SCRATCH/lull_complete.3")" = "Answer from gpt-4o." ]
}

# start_prefork [MODEL...]: four workers; sets PREFORK and URL.
start_prefork() {
	"$SCRATCH/prefork" 0 4 "$@" >"$SCRATCH/listening" 2>"$SCRATCH/log" 3>&- </dev/null &
	PREFORK=$!
	until_true grep -q '^listening' "$SCRATCH/listening"
	URL=http://$(sed 's/listening on //' "$SCRATCH/listening")
}

post() {
	mock_ask "$@" "$URL/"
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
