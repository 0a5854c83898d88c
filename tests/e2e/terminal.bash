# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# A terminal that tmux plays.

terminal_setup() {
	[[ -n $(command -v tmux) ]] || skip "no tmux, which plays the terminal"
	[[ -d /dev/pts && -n $(ls /dev/pts) ]] || skip "no /dev/pts, where terminals are"
	export TMUX_TMPDIR=$SCRATCH LC_ALL=C.UTF-8
	unset TMUX
	SOCKET=0
}

terminal_teardown() {
	[[ -z ${SOCKET:-} ]] || tmux -L "$SOCKET" kill-server 2>/dev/null || true
}

# terminal_start COLUMNS LINES COMMAND: its exit status goes to $SCRATCH/code.
terminal_start() {
	rm -f "$SCRATCH/code"
	tmux -L "$SOCKET" -f /dev/null new-session -d -x "$1" -y "$2" "$3; echo \$? >$SCRATCH/code; sleep 60"
}

# A server that is ending would take a new session along: the next one has another name.
terminal_end() {
	tmux -L "$SOCKET" kill-server
	((SOCKET += 1))
}

screen() {
	tmux -L "$SOCKET" capture-pane -p
}

# shows REGEX
shows() {
	screen | grep -qE -- "$1"
}

# waits_for REGEX: what the screen is to show.
waits_for() {
	until_true shows "$1" && return
	echo "not on the screen: $1" >&2
	screen >&2
	return 1
}
