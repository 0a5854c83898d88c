#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the pages for operators have for nginx, Caddy and Prometheus, word for word: those programs take it, what is asked is
# large and what is answered late, and an answer comes through as it is made.

load complete
load coordinator

SERVERS=$LULL_SOURCE_DIR/build/foreign-debian/usr

setup() {
	[[ -d $SERVERS ]] || skip "no servers from Debian: scripts/foreign unpacks them"
	scratch_make
	export LULL_SOURCE_DIR SCRATCH SERVERS
}

# block PAGE WORDS: what stands there between fences and has those words
block() {
	awk -v words="$2" '/^```/ { if (inside && index(text, words)) printf "%s", text; inside = !inside; text = ""; next }
		inside { text = text $0 "\n" }' "$LULL_SOURCE_DIR/docs/$1"
}

# alone SCRIPT [ARGUMENT]: on a network and with a /run of its own
alone() {
	unshare -rnmp --fork --mount-proc true 2>/dev/null || skip "no namespaces to be had"
	unshare -rnmp --fork --mount-proc bash -euc '
		source "$LULL_SOURCE_DIR/tests/support/mock.bash"
		ip link set lo up
		mount -t tmpfs none /run
		'"$1" - "$2" || {
		cat "$SCRATCH/serve" "$SCRATCH/server"
		return 1
	}
}

# through COMMAND: a gateway, and before it what COMMAND starts
through() {
	mkdir "$SCRATCH/ssl"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=llm.example.com \
		-out "$SCRATCH/ssl/llm.pem" -keyout "$SCRATCH/ssl/llm.key" 2>/dev/null
	alone "$(declare -f ask_proxy ask_model connections)"'
		mkdir /run/lull
		mount --bind "$SCRATCH/ssl" /etc/ssl
		mock_start --script "[{\"model\": \"stalls\", \"text\": \"one two three\", \"send_events\": 2, \"end\": \"stall\"},
			{\"model\": \"slow\", \"delay_ms\": 1500}]"
		for name in chat stalls slow; do
			echo "{model_name: $name, litellm_params: {model: openai/$name, api_base: $MOCK_URL/v1, api_key: none}}"
		done | sed "1i model_list:
			s/^/  - /" >"$SCRATCH/c.yaml"
		chmod 600 "$SCRATCH/c.yaml"
		lull serve -c "$SCRATCH/c.yaml" --listen unix:/run/lull/gateway.sock >"$SCRATCH/serve" 2>&1 &
		until_true grep -q event=ready "$SCRATCH/serve"
		eval "exec $1" >"$SCRATCH/server" 2>&1 &
		until_true ask_proxy health/ready 2>/dev/null
		ask_model chat hi >"$SCRATCH/answer"
		connections >"$SCRATCH/before"
		head -c 10000000 /dev/zero | tr "\0" a >"$SCRATCH/large"
		ask_model chat "$(<"$SCRATCH/large")" >"$SCRATCH/answer_large"
		connections | grep -qxFf "$SCRATCH/before" # it is used again
		ask_model slow hi >"$SCRATCH/answer_slow"
		ask_model stalls hi true >"$SCRATCH/stream" &
		until_true grep -q one "$SCRATCH/stream"
	' "$1"
	[ "$(jq -r '.choices[0].message.content' "$SCRATCH"/answer*)" = $'Answer from chat.\nAnswer from chat.\nAnswer from slow.' ]
}

# ask_proxy PATH [OPTION...]
ask_proxy() {
	curl -sSf --insecure --max-time 20 --resolve llm.example.com:443:127.0.0.1 "https://llm.example.com/$1" "${@:2}"
}

# ask_model MODEL TEXT [STREAM]
ask_model() {
	printf '{"model": "%s", "messages": [{"role": "user", "content": "%s"}], "stream": %s}' "$1" "$2" "${3:-false}" |
		ask_proxy v1/chat/completions -N --data-binary @-
}

# Those of the gateway's socket file
connections() {
	awk '$6 == "03" && $8 == "/run/lull/gateway.sock" { print $7 }' /proc/net/unix
}

@test "nginx" {
	block operations.md proxy_buffering >"$SCRATCH/site"
	grep -q 'server unix:/run/lull/gateway.sock' "$SCRATCH/site"
	cat >"$SCRATCH/nginx.conf" <<-END
		user root;
		daemon off;
		master_process off;
		pid $SCRATCH/nginx.pid;
		events {}
		http {
			access_log off;
			client_body_temp_path $SCRATCH/body;
			proxy_temp_path $SCRATCH/proxied;
			fastcgi_temp_path $SCRATCH/fastcgi;
			uwsgi_temp_path $SCRATCH/uwsgi;
			scgi_temp_path $SCRATCH/scgi;
			include $SCRATCH/site;
		}
	END
	through '"$SERVERS/sbin/nginx" -c "$SCRATCH/nginx.conf" -e "$SCRATCH/nginx.log"'
}

@test "Caddy" {
	{
		printf '{\n\tlocal_certs\n\tskip_install_trust\n\tadmin off\n}\n' # nobody gives it a certificate here
		block operations.md reverse_proxy
	} >"$SCRATCH/Caddyfile"
	grep -q 'unix//run/lull/gateway.sock' "$SCRATCH/Caddyfile"
	through '"$SERVERS/bin/caddy" run --config "$SCRATCH/Caddyfile" --adapter caddyfile'
}

@test "Prometheus" {
	block observability.md scrape_configs >"$SCRATCH/prometheus.yml"
	grep -q 'job_name: lull' "$SCRATCH/prometheus.yml"
	"$SERVERS/bin/promtool" check config "$SCRATCH/prometheus.yml"
	sed -i '1i global: {scrape_interval: 1s}' "$SCRATCH/prometheus.yml" # not a minute
	alone '
		cd "$SCRATCH"
		$1 >serve 2>&1 &
		"$SERVERS/bin/prometheus" --config.file=prometheus.yml --storage.tsdb.path=data >server 2>&1 &
		is_scraped() {
			curl -sS --noproxy "*" "http://127.0.0.1:9090/api/v1/query?query=lull_table_shared" | grep -q "\"job\":\"lull\""
		}
		until_true is_scraped >/dev/null 2>&1
	' "$(grep -o '`lull serve --admin [^`]*`' "$LULL_SOURCE_DIR/docs/observability.md" | tr -d '`' | sort -u)"
}

# evaluated ALERTED...: what lull metrics prints now, counters a thousand times within a minute, and the labels of each
# alert that is to come of it; "-": none
evaluated() {
	local labels number=0

	printf '  - interval: 1m\n    input_series:\n'
	lull metrics | awk '!/^#/ {
		value = $NF
		sub(/ [^ ]*$/, "")
		printf "      - {series: \047%s\047, values: \047%s\047}\n", $0, /_total/ ? "0 " value * 1000 : value " " value
	}'
	printf '    alert_rule_test:\n'
	for labels; do
		[[ $labels != - ]] && labels="[{exp_labels: {$labels}}]" || labels="[]"
		echo "      - {eval_time: 1m, alertname: A$((++number)), exp_alerts: $labels}"
	done
}

@test "Prometheus: what to be told of" {
	local page=$LULL_SOURCE_DIR/docs/man/lull-metrics.1.scd expression line=0

	printf 'groups:\n  - name: lull\n    rules:\n' >"$SCRATCH/rules.yml"
	sed -n '/^```/,/^```/p' "$page" | grep -E '^(sum|rate|lull_)' | while IFS= read -r expression; do
		printf "      - {alert: A%d, expr: '%s'}\n" $((++line)) "$expression"
	done >>"$SCRATCH/rules.yml"
	run -0 "$SERVERS/bin/promtool" check rules "$SCRATCH/rules.yml"
	[[ $output == *"5 rules found"* ]]
	{
		printf 'rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n'
		lull init -q --slots 16
		fail_other_route answered 200 -1
		evaluated "model: gpt-4o" - - - -
		fail_route rate_limited 429 60000
		fail_other_route auth 401 -1
		for ((line = 0; line < 16; line++)); do
			lull run -q -m "m$line" -- true </dev/null || true
		done
		evaluated "model: gpt-4o" "" "" "model: gpt-4o" "kind: route, key: '$ROUTE', model: gpt-4o"
	} >"$SCRATCH/tests.yml"
	"$SERVERS/bin/promtool" test rules "$SCRATCH/tests.yml"
}
