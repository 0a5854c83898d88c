#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lull top on a terminal that tmux plays: what it shows, what its keys do, sizes, colours, its end.

load coordinator
load terminal
bats_require_minimum_version 1.5.0

setup() {
	coordinator_setup
	terminal_setup
	lull init -q
}

teardown() {
	terminal_teardown
}

# start_top COLUMNS LINES [COMMAND]
start_top() {
	terminal_start "$1" "$2" "${3:-lull top}"
	until_true shows 'q quit|h hold'
}

press() {
	tmux -L "$SOCKET" send-keys "$@"
}

# The key of each row, in order, on one line.
rows() {
	screen | sed -nE '1,/^LAST EVENTS|^$/s/.* ((route|name|credential|endpoint):[^ ]*) *$/\1/p' | tr '\n' ' '
}

@test "a route, what shuts it, its countdown, the sums and the last events" {
	fail_route rate_limited 429 10000
	fail_other_route auth 401 -1
	lull hold -q modèle
	start_top 160 24
	waits_for "^lull  $LULL_SHM_DIR/lull1-u$(id -u)  7 of 1024 keys"
	waits_for '^2 of 2 routes shut  0\.0 tries/s  0\.0 failures/s  0 attempts saved  by state'
	waits_for "^STATE +LEFT CAUSE +HTTP STRIKES TRIES/S FAILS/S +SKIPS KEY"
	waits_for "^cooling +[0-9]+ s rate_limited +429 +0 +0\.0 +0\.0 +0 route:$ROUTE"
	waits_for "^cooling +[0-9]+ s auth \(credential\) +401 .* route:$OTHER_ROUTE"
	waits_for "^cooling +[0-9]+ s auth +401 .* credential:$OTHER_CREDENTIAL"
	waits_for "^held +- manual .* name:modèle"
	waits_for "^[0-9:]{8}  cooled +for 60\.0 s auth \(HTTP 401\) by [0-9]+  credential:$OTHER_CREDENTIAL"
	# by itself
	waits_for "^ready +- .* route:$ROUTE"
	waits_for '^1 of 2 routes shut'
}

@test "what others do is seen, and how often they try" {
	start_top 140 24
	waits_for 'no keys yet'
	lull hold -q gpt-4
	waits_for '^held .* name:gpt-4'
	waits_for 'held +manual by [0-9]+  name:gpt-4'
	for ((i = 0; i < 30; i++)); do plant "a@https://x/v1#1" 1 https://x:443 answered 200 -1; done
	waits_for '^0 of 1 routes shut +[1-9][0-9]*\.[0-9] tries/s'
	waits_for '^ready .* +[1-9][0-9]*\.[0-9] +0\.0 +0 route:a@https://x/v1#1'
	run -75 lull run -m gpt-4 -- true
	waits_for ' 1 attempts saved'
}

@test "limits have columns where there are any" {
	lull run -m a --limit a:rpm=2,parallel=4 -- true </dev/null
	start_top 140 24
	waits_for 'AT ONCE ROOM IN KEY'
	waits_for '0/4 +[0-9]+ s name:a'
}

@test "h holds, x clears when told y, c cools for as long as is typed" {
	fail_route rate_limited 429 60000
	lull cool -q b 1h
	start_top 120 24
	waits_for "route:gpt-4o@https"
	press Down h
	waits_for '^held name:b$'
	[ "$(lull check b || true)" = "b: held until cleared" ]
	run -75 lull check "route:$ROUTE"
	press x
	waits_for '^clear name:b \(y/n\)\? _$'
	press n Enter
	press x Escape
	run -75 lull check b
	press x
	press y Enter
	waits_for '^cleared name:b$'
	lull check b
	press c
	waits_for '^cool name:b for: 10m_$'
	press C-u 9 0 s Enter
	waits_for '^cooled name:b$'
	lull check b | seconds_between 80 90
	press c C-u x Enter
	waits_for "^'x' is no length of a cooldown: expected 1ms to 23h"
}

@test "a route is cleared with what keeps it shut, and both are named before" {
	fail_route auth 401 -1
	start_top 150 24
	waits_for "route:$ROUTE"
	press Home x
	waits_for "^clear route:$ROUTE and credential:$CREDENTIAL \(y/n\)\?"
	press y Enter
	waits_for "^cleared route:$ROUTE"
	lull check "route:$ROUTE"
	lull check "credential:$CREDENTIAL"
}

@test "the chosen key stays chosen while others come before it" {
	for name in b c d; do lull cool -q $name 1h; done
	start_top 100 24
	waits_for name:d
	press j
	lull hold -q a
	waits_for name:a
	press h
	waits_for '^held name:c$'
}

@test "s sorts, / filters, a shows the rest" {
	fail_other_route rate_limited 429 60000
	plant "a@https://x/v1#1" 1 https://x:443 answered 200 -1
	start_top 160 24
	waits_for 'by state'
	[ "$(rows)" = "route:$OTHER_ROUTE route:a@https://x/v1#1 " ]
	press s
	waits_for 'by key'
	[ "$(rows)" = "route:a@https://x/v1#1 route:$OTHER_ROUTE " ]
	press a
	waits_for credential:1
	waits_for endpoint:https://x:443
	press / g p t
	waits_for '^only keys with: gpt_$'
	press Enter
	waits_for 'only: gpt'
	[ "$(rows)" = "route:$OTHER_ROUTE " ]
	press / C-u z z BSpace BSpace r a t e _ Enter
	waits_for 'only: rate_'
	[ "$(rows)" = "route:$OTHER_ROUTE " ]
	press / C-u n o n e Enter
	waits_for 'no key matches'
	press / C-u Enter
	waits_for credential:1
}

@test "help is shown, and any key goes back" {
	lull hold -q gpt-4
	start_top 80 24
	press '?'
	waits_for '^h +hold it: shut until it is cleared'
	waits_for '^any key goes back'
	press q
	waits_for name:gpt-4
	[ ! -e "$SCRATCH/code" ]
}

@test "any size of terminal, and a change of it" {
	fail_route rate_limited 429 60000
	lull hold -q gpt-4
	start_top 200 50
	for size in "80 24" "60 12" "44 10" "20 5" "9 3" "1 1" "300 60" "80 24"; do
		# shellcheck disable=SC2086
		set -- $size
		tmux -L "$SOCKET" resize-window -x "$1" -y "$2"
		if [ "$1" -ge 20 ]; then
			until_true eval "[ \$(screen | wc -L) -le $1 ] && shows '^cooling'"
		fi
	done
	waits_for '^held .* name:gpt-4'
	waits_for 'q quit'
	# the columns that matter most, and the key, on a narrow one
	tmux -L "$SOCKET" resize-window -x 44 -y 12
	waits_for '^STATE +LEFT KEY'
	waits_for '^cooling +[0-9]+ s route:gpt-4o@https://api\..*…$'
	[ ! -e "$SCRATCH/code" ]
}

@test "more keys than lines are scrolled through" {
	for ((i = 0; i < 40; i++)); do lull cool -q "$(printf 'n%02d' $i)" 1h; done
	start_top 80 12
	waits_for name:n00
	press End
	waits_for name:n39
	! shows name:n00 || return 1
	press h
	waits_for '^held name:n39$'
	press Home
	waits_for name:n00
	press NPage NPage
	waits_for name:n16
	press PPage PPage PPage
	waits_for name:n00
}

@test "colours on a terminal that has them, none with NO_COLOR, text everywhere" {
	lull hold -q held
	lull cool -q cooling 1h
	start_top 80 24
	waits_for name:held
	press Home
	until_true eval 'tmux -L "$SOCKET" capture-pane -pe | grep -qE "\[31m *held|\[0;31m *held|31m.*held"'
	press q
	until_true test -s "$SCRATCH/code"
	terminal_end
	NO_COLOR=1 start_top 80 24
	waits_for name:held
	! tmux -L "$SOCKET" capture-pane -pe | grep -qE $'\033\\[[0-9;]*3[1-6]m' || return 1
	terminal_end
	start_top 80 24 "TERM=vt100 lull top"
	waits_for '^held .* name:held'
}

@test "without UTF-8 what cannot be shown is a question mark, with it what is no UTF-8" {
	lull hold -q $'mod\xc3\xa8le'
	lull hold -q $'bad\xff'
	lull hold -q $'\xe6\xbc\xa2\xe5\xad\x97'
	start_top 80 24
	waits_for 'name:modèle'
	waits_for 'name:bad\?$'
	waits_for 'name:漢字$'
	terminal_end
	start_top 80 24 "LC_ALL=C lull top"
	waits_for 'name:mod\?\?le$'
}

@test "a table that is replaced or deleted is followed" {
	lull hold -q a
	start_top 80 24
	waits_for name:a
	lull reset -q
	lull hold -q b
	waits_for 'name:b'
	! shows '^held .* name:a$' || return 1
	rm "$LULL_SHM_DIR"/*
	waits_for 'there is no table yet'
	press h
	waits_for 'there is no key to change'
	[ -z "$(ls -A "$LULL_SHM_DIR")" ]
	lull hold -q c
	waits_for '^held .* name:c'
}

@test "q, SIGINT, SIGTERM and a closed terminal end it, and the terminal is as before" {
	for how in q INT TERM; do
		start_top 80 24 "trap : INT; stty -a >$SCRATCH/before; lull top; code=\$?; stty -a >$SCRATCH/after; (exit \$code)"
		case $how in
		q) press q ;;
		INT) press C-c ;;
		*) kill "$(pgrep -P "$(tmux -L "$SOCKET" display-message -p '#{pane_pid}')" lull-top)" ;;
		esac
		until_true test -s "$SCRATCH/code"
		case $how in
		q) [ "$(<"$SCRATCH/code")" = 0 ] ;;
		INT) [ "$(<"$SCRATCH/code")" = 130 ] ;;
		*) [ "$(<"$SCRATCH/code")" = 143 ] ;;
		esac
		diff "$SCRATCH/before" "$SCRATCH/after"
		terminal_end
	done
	start_top 80 24
	pid=$(pgrep -P "$(tmux -L "$SOCKET" display-message -p '#{pane_pid}')" lull-top)
	terminal_end
	until_true eval '! kill -0 "$pid" 2>/dev/null'
}

@test "without a terminal it says so" {
	run -64 --separate-stderr lull top </dev/null
	[ "$stderr" = "lull: 'lull top' needs a terminal; 'lull status' prints the same once" ]
	[ -z "$output" ]
	run -64 --separate-stderr lull top extra
	[ "${stderr_lines[0]}" = "lull: 'extra' is one argument too many for 'lull top'" ]
	# ncurses, where it does not know the terminal, leaves memory behind
	tmux -L "$SOCKET" -f /dev/null new-session -d "ASAN_OPTIONS=detect_leaks=0 TERM=nonsense lull top 2>$SCRATCH/err; echo \$? >$SCRATCH/code; sleep 60"
	until_true test -s "$SCRATCH/code"
	[ "$(<"$SCRATCH/code")" = 64 ]
	[ "$(<"$SCRATCH/err")" = "lull: the terminal type 'nonsense' is not known here" ]
}

@test "while nothing happens it writes nothing, and uses no CPU" {
	lull hold -q a
	plant "a@https://x/v1#1" 1 https://x:443 answered 200 -1
	start_top 80 24
	waits_for name:a
	pid=$(pgrep -P "$(tmux -L "$SOCKET" display-message -p '#{pane_pid}')" lull-top)
	sleep 1.5 # it has come to rest
	written=$(awk '/^wchar/ { print $2 }' "/proc/$pid/io")
	read -r -a before <"/proc/$pid/stat"
	sleep 3
	read -r -a after <"/proc/$pid/stat"
	[ "$(awk '/^wchar/ { print $2 }' "/proc/$pid/io")" = "$written" ]
	[ $((after[13] + after[14] - before[13] - before[14])) -le 1 ]
}
