# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests of the gateway share: one of them on a free port, before a mock provider.

load complete

gateway_setup() {
	complete_setup
	GATEWAYS=()
}

# Fails if a gateway failed, or its sanitizers had anything to say.
gateway_teardown() {
	local code=0

	[[ ${#GATEWAYS[@]} -eq 0 ]] || gateway_stop || code=$?
	complete_teardown && return "$code"
}

# gateway_config: a model_list of MODEL... under their own names, then what stdin says; sets CONFIG.
gateway_config() {
	local model

	CONFIG=$SCRATCH/lull.yaml
	echo "model_list:" >"$CONFIG"
	for model; do
		echo "  - {model_name: $model, litellm_params: {model: openai/$model, api_base: $MOCK_URL/v1, api_key: os.environ/OPENAI_API_KEY}}"
	done >>"$CONFIG"
	[[ -t 0 ]] || cat >>"$CONFIG"
}

# gateway_start [OPTION...]: on a free port of 127.0.0.1; sets URL and GATEWAY, its pid. Its log is $LOG.
gateway_start() {
	LOG=$SCRATCH/gateway.log
	: >"$LOG"
	lull-worker gateway ${CONFIG:+-c "$CONFIG"} -v "$@" 2>"$LOG" 3>&- &
	GATEWAY=$!
	GATEWAYS+=("$GATEWAY")
	until_true grep -q "listening on" "$LOG" || {
		cat "$LOG" >&2
		return 1
	}
	URL=http://$(sed -n 's/.*listening on \([^u].*\)/\1/p' "$LOG" | head -1)
}

gateway_stop() {
	local code=0 one

	for one in "${GATEWAYS[@]}"; do
		kill "$one" 2>/dev/null || true
		wait "$one" || code=$?
	done
	GATEWAYS=()
	[[ $code == 0 ]] || cat "$LOG" >&2
	return "$code"
}

# call [CURL OPTION...]: one request to $URL$1; answer in $BODY, status in $STATUS, headers in $SCRATCH/head.
call() {
	local path=$1

	shift
	STATUS=$(curl -sS --noproxy '*' --max-time 20 -D "$SCRATCH/head" -o "$SCRATCH/body" -w '%{http_code}' "$@" "$URL$path")
	BODY=$(<"$SCRATCH/body")
}

# chat MODEL [MEMBERS [CURL OPTION...]]: a chat request with further members, such as '"stream":true'.
chat() {
	local model=$1 members=${2:-}

	shift $(($# > 1 ? 2 : 1))
	call /v1/chat/completions "$@" -H 'Content-Type: application/json' \
		-d "{\"model\":\"$model\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]${members:+,$members}}"
}

# header NAME: of the last answer
header() {
	sed -n "s/^$1: \(.*\)\r$/\1/Ip" "$SCRATCH/head"
}

# The text of a stream that is the last answer.
stream_text() {
	sed -n 's/^data: {/{/p' <<<"$BODY" | jq -rj '.choices[0].delta.content // empty'
}

# logged FIELD=VALUE...: a line of the log has all of them.
logged() {
	local lines field

	lines=$(<"$LOG")
	for field; do
		lines=$(grep -F -- "$field" <<<"$lines") || return 1
	done
}

# in_flight MODEL COUNT: so many requests for it are at the provider.
in_flight() {
	[ "$(mock_counts | jq --arg model "$1" '.in_flight[$model] // 0')" = "$2" ]
}

# raw BYTES: as printf has them, to the gateway's port; prints what comes back until the connection closes.
raw() {
	exec {fd}<>"/dev/tcp/127.0.0.1/${URL##*:}"
	# shellcheck disable=SC2059
	printf "$1" >&"$fd"
	timeout 10 cat <&"$fd" || true
	exec {fd}>&-
}
