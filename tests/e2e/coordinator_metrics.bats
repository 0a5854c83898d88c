#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# lull metrics: valid for Prometheus, equal to what status says, and never going back.

load coordinator
bats_require_minimum_version 1.5.0

setup() {
	coordinator_setup
}

# valid FILE
valid() {
	local promtool=$LULL_SOURCE_DIR/build/foreign-debian/usr/bin/promtool

	awk -f "$BATS_TEST_DIRNAME/exposition.awk" "$1" || return
	[[ ! -x $promtool ]] || "$promtool" check metrics <"$1"
}

# metric SERIES [FILE]: its value
metric() {
	awk -v series="$1" 'substr($0, 1, length(series) + 1) == series " " { print $NF }' \
		"${2:-/dev/stdin}"
}

route_labels() {
	echo "kind=\"route\",key=\"$ROUTE\",model=\"gpt-4o\""
}

@test "the text is valid, of an empty table, of none, and of keys of every kind and state" {
	lull metrics >"$SCRATCH/none"
	valid "$SCRATCH/none"
	[ "$(metric lull_table_shared "$SCRATCH/none")" = 0 ]
	[ -z "$(ls -A "$LULL_SHM_DIR")" ]
	lull init -q
	lull metrics >"$SCRATCH/empty"
	valid "$SCRATCH/empty"
	[ "$(metric lull_table_shared "$SCRATCH/empty")" = 1 ]
	[ "$(metric lull_table_slots_used "$SCRATCH/empty")" = 0 ]
	fail_route permission 403 50
	sleep 0.1
	fail_route probe 0 -1
	fail_other_route auth 401 -1
	lull hold -q held
	lull run -m limited --limit limited:rpm=6,parallel=3 -- true </dev/null
	for name in 'a"b\c{d}' $'\xc3\xa9' $'\xff' $'\xfe' 'x y' 'a,b="c"' '#'; do
		lull cool -q -- "$name" 1h
	done
	lull metrics >"$SCRATCH/full"
	valid "$SCRATCH/full"
	[ "$(metric 'lull_key_state{kind="name",key="held",model="held",state="held"}' "$SCRATCH/full")" = 1 ]
	[ "$(metric 'lull_key_ready_in_seconds{kind="name",key="held",model="held"}' "$SCRATCH/full")" = +Inf ]
	[ "$(metric "lull_key_state{$(route_labels),state=\"probing\"}" "$SCRATCH/full")" = 1 ]
	[ "$(metric "lull_key_state{$(route_labels),state=\"cooling\"}" "$SCRATCH/full")" = 0 ]
	grep -qF 'key="a\"b\\c{d}"' "$SCRATCH/full"
	grep -qF 'key="é"' "$SCRATCH/full"
	grep -qF 'key="\\xfe"' "$SCRATCH/full"
}

@test "the checker of this test finds what is wrong" {
	lull hold -q a
	lull metrics >"$SCRATCH/good"
	while IFS= read -r edit; do
		sed -E "$edit" "$SCRATCH/good" >"$SCRATCH/bad"
		run -1 awk -f "$BATS_TEST_DIRNAME/exposition.awk" "$SCRATCH/bad"
	done <<-'EOF2'
		/^# TYPE lull_skips/d
		/^# HELP lull_skips/d
		/^# TYPE lull_skips/p
		s/^# TYPE lull_skips_total counter/# TYPE lull_skips_total gauge/
		/^lull_table_slots /p
		s/key="a"/key="a""/
		s/key="a"/key="a\\x"/
		s/^lull_table_shared 1/lull_table_shared one/
		s/^lull_table_size_bytes/lull_other/
	EOF2
}

@test "every number of status is there, and the same" {
	fail_route rate_limited 429 60000
	run -75 fail_route answered 200 -1
	fail_other_route server_error 500 -1
	lull run -m limited --limit limited:rpm=6,parallel=3 -- true </dev/null
	run -75 lull run -m limited --limit limited:rpm=6 --budget 1s -- true
	lull status --json >"$SCRATCH/status"
	lull metrics >"$SCRATCH/metrics"
	jq -r '.keys[] | . as $k |
		"kind=\"\(.kind)\",key=\"\(.key | sub("^[a-z]+:"; ""))\"\(if .model then ",model=\"\(.model)\"" else "" end)" as $labels |
		(("attempts", "answers", "failures", "skips", "cooldowns", "probes", "limited") |
			"lull_\(.)_total{\($labels)} \($k[.])"),
		"lull_key_strikes{\($labels)} \(.strikes)",
		"lull_key_state{\($labels),state=\"\(.state)\"} 1",
		(select(.rpm) | "lull_key_limit_requests_per_minute{\($labels)} \(.rpm)"),
		(select(.parallel) | "lull_key_limit_parallel_requests{\($labels)} \(.parallel)",
			"lull_key_parallel_requests{\($labels)} \(.parallel_used)")' "$SCRATCH/status" >"$SCRATCH/expected"
	[ "$(wc -l <"$SCRATCH/expected")" -gt 60 ]
	grep -vxFf "$SCRATCH/metrics" "$SCRATCH/expected" && false
	# seconds left, a moment later
	[ "$(awk -v left="$(metric "lull_key_ready_in_seconds{$(route_labels)}" "$SCRATCH/metrics")" \
		'BEGIN { print (left > 30 && left <= 60) }')" = 1 ]
	[ "$(metric lull_attempts_saved_total "$SCRATCH/metrics")" = 1 ]
	[ "$(metric lull_events_total "$SCRATCH/metrics")" = "$(lull events --json | jq '.events | length')" ]
}

@test "counters of all processes together never go back, also when keys are cleared" {
	: >"$SCRATCH/before"
	for ((round = 0; round < 6; round++)); do
		for ((i = 0; i < 3; i++)); do
			lull run -q -m "m$i" -- sh -c 'exit 75' </dev/null &
			lull run -q -m "m$i" -- true </dev/null &
		done
		lull clear -q --all
		lull metrics | sed -nE '/^#/d; /_total/p' | sort >"$SCRATCH/now"
		# of each series that was there before: not less
		join -j 1 <(sed 's/ \([^ ]*\)$/\t\1/' "$SCRATCH/before" | tr ' ' _ | tr '\t' ' ') \
			<(sed 's/ \([^ ]*\)$/\t\1/' "$SCRATCH/now" | tr ' ' _ | tr '\t' ' ') >"$SCRATCH/both"
		[ "$(wc -l <"$SCRATCH/both")" = "$(wc -l <"$SCRATCH/before")" ]
		awk '$3 < $2 { print "went back: " $0; bad = 1 } END { exit bad }' "$SCRATCH/both"
		mv "$SCRATCH/now" "$SCRATCH/before"
		wait
	done
	lull clear -q --all
	lull metrics >"$SCRATCH/end"
	sum() { awk -v name="lull_$1_total{kind=\"name\"" 'index($0, name) == 1 { n += $NF } END { print n + 0 }' "$SCRATCH/end"; }
	# each of the 36 runs began, or was spared
	[ $(($(sum attempts) + $(metric lull_attempts_saved_total "$SCRATCH/end"))) -ge 36 ]
	[ $(($(sum answers) + $(sum failures))) = "$(sum attempts)" ]
	[ "$(sum outcomes)" = "$(sum attempts)" ]
	lull reset -q
	[ "$(lull metrics | metric lull_attempts_saved_total)" = 0 ]
}

@test "outcomes are counted by class on what was tried, and nowhere else" {
	local class classes

	classes="answered rate_limited server_error bad_request cancelled deadline context_window"
	for class in $classes; do
		plant "m@https://$class/v1#1" 1 https://x:443 "$class" 0 -1
		plant "m@https://$class/v1#1" 1 https://x:443 "$class" 0 -1 || [ "$class" = rate_limited ]
	done
	lull run -m command -- sh -c 'exit 75' </dev/null || true
	lull metrics >"$SCRATCH/metrics"
	valid "$SCRATCH/metrics"
	diff <(grep ^lull_outcomes_total "$SCRATCH/metrics" | sort) <(
		for class in $classes; do
			echo "lull_outcomes_total{kind=\"route\",key=\"m@https://$class/v1#1\",model=\"m\",class=\"$class\"} $([ "$class" = rate_limited ] && echo 1 || echo 2)"
		done | sort -m - <(echo 'lull_outcomes_total{kind="name",key="command",model="command",class="command"} 1') | sort
	)
}

@test "a full table tells that keys found no room" {
	lull init -q --slots 16
	for ((i = 0; i < 20; i++)); do lull run -q -m "m$i" -- true </dev/null || true; done
	lull metrics >"$SCRATCH/full"
	valid "$SCRATCH/full"
	[ "$(metric lull_table_slots "$SCRATCH/full")" = 16 ]
	[ "$(metric lull_table_slots_used "$SCRATCH/full")" = 16 ]
	[ "$(metric lull_table_rejects_total "$SCRATCH/full")" -ge 4 ]
}
