# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests of `lull batch` share. One model, m, of a mock provider that plays OpenAI.

load complete

batch_setup() {
	complete_setup
	cd "$SCRATCH" || return
}

batch_teardown() {
	complete_teardown
}

# rows COUNT [MODEL [FIRST]]: rows row-FIRST and on.
rows() {
	awk -v count="$1" -v model="${2:-m}" -v first="${3:-0}" 'BEGIN {
		row = "{\"custom_id\":\"row-%d\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\"," \
			"\"body\":{\"model\":\"openai/%s\",\"messages\":[{\"role\":\"user\",\"content\":\"Row %d\"}]}}\n"
		for (i = first; i < first + count; i++)
			printf row, i, model, i
	}'
}

# batch [OPTION...]: as from cron.
batch() {
	lull batch "$@" </dev/null
}

# start_batch [OPTION...]: in the background; sets BATCH, its pid. Writes $SCRATCH/err.
start_batch() {
	(trap - INT && exec lull batch "$@" </dev/null 2>"$SCRATCH/err" 3>&-) &
	BATCH=$!
}

batch_ended() {
	ASKING=$BATCH asking_ended "$1"
}

# complete_output COUNT FILE...: row-0 to row-(COUNT-1) once each in all files together, every line
# whole, and nothing else.
complete_output() {
	local count=$1

	shift
	jq -er '.custom_id' "$@" >ids || return
	[ "$(cat "$@" | wc -l)" = "$count" ] || return
	[ "$(sort -u ids | grep -c '^row-[0-9]*$')" = "$count" ]
}

# Does the file have so many lines?
has_lines() {
	[ -e "$2" ] && [ "$(wc -l <"$2")" -ge "$1" ]
}
