# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests of lull's own verbs share.

load ../support/mock

ROUTE=gpt-4o@https://api.example.com/v1#0123456789abcdef
OTHER_ROUTE=gpt-4o@https://other.example.com/v1#fedcba9876543210
CREDENTIAL=0123456789abcdef
OTHER_CREDENTIAL=fedcba9876543210
ENDPOINT=https://api.example.com:443
OTHER_ENDPOINT=https://other.example.com:443

coordinator_setup() {
	scratch_make
	export TZ=UTC
	unset NO_COLOR
}

# An outcome on $ROUTE: CLASS HTTP-STATUS HINT-MS
fail_route() {
	plant "$ROUTE" "$CREDENTIAL" "$ENDPOINT" "$@"
}

fail_other_route() {
	plant "$OTHER_ROUTE" "$OTHER_CREDENTIAL" "$OTHER_ENDPOINT" "$@"
}

# Output without what differs from run to run: seconds left, pids, times, the scratch directory.
masked() {
	sed -E -e "s#$SCRATCH#SCRATCH#g" \
		-e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:]{8}(\.[0-9]{3}Z?)?/TIME/g' \
		-e 's/(TIME )[0-9]+ +/\1PID  /' -e 's/by [0-9]+$/by PID/' \
		-e 's/"(reported_by|pid)":[0-9]+/"\1":PID/g' \
		-e 's/(seconds_left":)[1-9][0-9]*\.[0-9]{3}/\1LEFT/g' \
		-e 's/[1-9][0-9]*\.[0-9] s/LEFT s/g'
}

# A copy of lull with the given script as the lull-worker beside it.
with_worker() {
	mkdir -p "$SCRATCH/bin"
	cp "$LULL_BIN_DIR/lull" "$SCRATCH/bin/lull"
	{
		echo '#!/bin/sh'
		cat
	} >"$SCRATCH/bin/lull-worker"
	chmod +x "$SCRATCH/bin/lull-worker"
	PATH=$SCRATCH/bin:$PATH
}

# The seconds of "… for 29.8 s …" on stdin lie between the two numbers.
seconds_between() {
	sed -nE 's/.* for ([0-9.]+) s.*/\1/p' | awk -v least="$1" -v most="$2" \
		'{ n++; if ($1 < least || $1 > most) { print "not within: " $1; exit 1 } } END { exit n == 0 }'
}
