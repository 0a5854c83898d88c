#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The page of lull serve in Chromium, through playwright-core.

load serve
load foreign

setup() {
	needs_foreign
	[[ -d $FOREIGN_DIR/node_modules/playwright-core ]] || skip "no playwright-core from npm: scripts/foreign installs it"
	CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
		skip "no Chromium: scripts/deps --browser installs it"
	serve_setup
}

teardown() {
	[[ -z ${SCRATCH:-} ]] || serve_teardown
}

@test "values, countdowns, buttons by keyboard, deaths, light and dark, and nothing on the console" {
	plant "gpt-4o@https://api.example.com/v1#0123" 0123 https://api.example.com:443 rate_limited 429 60000
	plant "<img src=x onerror=alert(1)>@https://o.example/v1#99" 99 https://o.example:443 answered 200 -1
	lull hold -q held
	admin --workers 2
	cp "$BATS_TEST_DIRNAME/foreign/dashboard.mjs" "$FOREIGN_DIR/dashboard-$$.mjs"
	(cd "$FOREIGN_DIR" && timeout 120 node "dashboard-$$.mjs" "http://$ADMIN/" "$CHROMIUM" "$SCRATCH") >"$SCRATCH/out" 2>"$SCRATCH/err" || cat "$SCRATCH/err" >&2
	rm -f "$FOREIGN_DIR/dashboard-$$.mjs"
	diff -u - "$SCRATCH/out" <<-END
		the keys and their numbers are those of lull status --json: yes
		so is the time left: yes
		foreign text is text: yes
		a cooldown is there within a second: yes
		it counts down between two messages: yes
		its event is there, with the pid: yes
		clear: yes
		the focus has stayed: yes
		hold: yes
		what cannot be is said: yes
		cool by name: yes
		all by Tab, with an outline: yes
		a death with its cause: yes
		attempts and outcomes are drawn: yes
		a route says what it waits for: yes
		light and dark: yes
		no wider than a telephone: yes
		nothing on the console: yes
	END
	stop
}
