# SPDX-License-Identifier: MIT
#
# The samples of tests/wire as a configuration, as the mock's script, and as what has to come of a
# call: see replay.bash. A new folder of samples is a row of `prefixes`; all else is in index.json.
#
# A *row* is a sample (or a fault below HTTP): its number and name, how its route is reached, and
# what is expected. A *run* is what one call for it printed and left in its table.

def prefixes: {
	openai: "openai", anthropic: "anthropic", gemini: "gemini", vertex: "vertex_ai",
	cohere: "cohere", mistral: "mistral", azure: "azure", bedrock: "bedrock",
	groq: "groq", together: "together_ai", fireworks: "fireworks_ai", deepseek: "deepseek",
	xai: "xai", openrouter: "openrouter", cerebras: "cerebras", ollama: "ollama",
	llamacpp: "llamafile", vllm: "hosted_vllm", lmstudio: "lm_studio"
};

# Of samples in that folder, in that form: a vendor's second form has a prefix of its own.
def prefix($folder; $form):
	if $folder == "ollama" and $form == "ollama" then "ollama_chat" else prefixes[$folder] end;

# ---- rows

# What a gateway alone asks for: gateway_endpoints.bats has its sample.
def is_never_asked:
	test("/v1/completions$");

# The base URL is what stands before the form's own path; some forms say the model there.
def parts_of_path:
	. as $api | first((
		"^(?<base>.*)/chat/completions$", "^(?<base>.*)/messages$", "^(?<base>/v2)/chat$",
		"^(?<base>.*)/api/chat$",
		"^(?<base>.*)/models/(?<model>[^:]*):", "^(?<base>.*)/model/(?<model>.*)/converse",
		"^(?<base>.*)/openai/deployments/(?<model>[^/]*)/", "^(?<base>.*)/[^/]*$"
	) as $form | $api | capture($form));

def row($number; $answers):
	(.api | parts_of_path) as $path |
	.provider = (if .api == "/v1beta/openai/chat/completions" then "openai" # a face of Gemini's
		elif .api | endswith("/responses") then "openai/responses"
		else prefix(.file | split("/")[0]; .adapter) end) |
	.base = $path.base | .answer = $answers[.openai // ""] |
	.model = ($path.model // .answer.model // "wire-model" | gsub("%3A"; ":")) |
	.version = (.api | capture("api-version=(?<version>.*)").version // null) |
	.stream = (.stream or (.api | test(":streamGenerateContent$"))) |
	. + {number: $number, name: (.file | rtrimstr(".http")), key: "sk-wire-\($number)"};

# Gemini's streams are asked for as events, whoever may get them otherwise.
def as_asked: rtrimstr("?alt=sse");

# index.json -> rows. $answers: {"openai/success.openai.json": content}
def samples($answers):
	.cases | to_entries | map(.key as $number | .value | row($number; $answers));

# The calls to be made. The other way than usual: streams for what is none, and none for streams.
def calls($is_usual_way):
	map(select(.api | is_never_asked | not) |
		.how = if .stream == $is_usual_way then "--stream" else "--no-stream" end);

# "3 of /v1/responses"
def never_asked:
	map(.api | select(is_never_asked)) | group_by(.)[] | "\(length) of \(.[0])";

# A configuration with a route for each row, and one at another address that always answers.
def config($port):
	{model_list: [(.[], {name: "other", provider: "openai", model: "other", key: "sk-other",
		url: "http://localhost:\($port)", base: "/v1"}) | {
			model_name: .name, lull: (.limits // {}),
			litellm_params: ({
				model: "\(.provider)/\(.model)", api_key: .key,
				api_base: ((.url // "http://127.0.0.1:\($port)") + .base)
			} + if .version then {api_version: .version} else {} end
			  + if .timeout then {timeout} else {} end)
		}]};

# The mock's script. $pieces: bytes per write, 0 all
def rules($pieces):
	map({key, file} + if .["end"] == "reset" then {"end": "reset"} else {} end
		+ if $pieces > 0 then {pieces: $pieces} else {} end);

# ---- answers

# Chunks of a stream -> the answer. Annotations are a whole answer's: no chunk says there are none. A
# text of which only "" came was never said.
def put_together:
	def add_text($name; $text): if ($text // "") == "" then . else .[$name] += $text end;
	def add_call($part):
		.tool_calls[$part.index] |= ((. // {}) + ($part | del(.index, .function)) |
			.function.name += ($part.function.name // "") |
			.function.arguments += ($part.function.arguments // ""));
	def add_delta($delta):
		.role = ($delta.role // .role) |
		reduce ("content", "refusal", "reasoning_content") as $name (.; add_text($name; $delta[$name])) |
		reduce ($delta.tool_calls // [])[] as $part (.; add_call($part));
	def add_choice($choice):
		.choices[$choice.index] |= (
			.index = $choice.index | .finish_reason = ($choice.finish_reason // .finish_reason) |
			.message |= ((. // {annotations: []}) | add_delta($choice.delta // {})));
	reduce .[] as $chunk ({};
		reduce ($chunk.choices // [])[] as $choice (
			. + ($chunk | del(.choices, .usage)); add_choice($choice)) |
		.usage = ($chunk.usage // .usage)) |
	.object = "chat.completion";

# All that is expected is there: created 0 is any time, "*" any text, and null may be missing.
def holds($expected):
	. as $actual |
	if $expected == null then $actual == null
	elif $expected == "*" then ($actual | type) == "string" and $actual != ""
	elif ($actual | type) != ($expected | type) then false
	elif ($expected | type) == "object" then
		all($expected | to_entries[]; . as $member |
			$member == {key: "created", value: 0} or ($actual[.key] | holds($member.value)))
	elif ($expected | type) == "array" then
		($actual | length) == ($expected | length) and
			all(range($expected | length); . as $i | $actual[$i] | holds($expected[$i]))
	else $actual == $expected end;

# ---- what is expected of a row

def hour: 3600000;

def length_of($hint_ms):
	(.expect.class == "quota_exhausted") as $is_quota |
	(if $is_quota then 600000
	elif .expect.class == "network" then 1000
	elif .expect.class == "overloaded" and .expect.cool == "endpoint" then 2000
	else 60000 end) as $usual |
	if .expect.cool == "none" then 0
	elif $hint_ms == null then $usual
	elif $is_quota then [[$hint_ms, hour] | min, $usual] | max
	elif $hint_ms > hour then $usual
	else [$hint_ms, 50] | max end;

# Where the clock decides how long is said (a place, and no number), it may be the cap as well.
def lengths:
	[length_of(.expect.hint_ms),
		if .expect.hint_from and .expect.hint_ms == null then length_of(hour) else empty end];

def classes: [.expect.class] + (.expect.also // []) | map(if . == "ok" then "answered" else . end);

# ---- a run against its row: sentences on what is wrong

def check($what; condition): if condition then empty else $what end;

def check_table($run; $class):
	. as $row | .expect as $expect |
	($run.keys | map(select(.state != "ready" or .strikes != 0))) as $shut |
	check("events \($run.events)"; ($run.events | map({type, kind, cause})) ==
		if $expect.cool == "none" then []
		else [{type: (if $expect.strength == "hard" then "cooled" else "soft_failure" end),
			kind: $expect.cool, cause: $class}] end),
	check("cooled \($run.events)"; all($run.events[] | select(.type == "cooled");
		(.seconds * 1000 | round) as $ms |
		any($row | lengths[]; . == $ms) and (.status == $row.status or $row.status < 300))),
	check("keys \($shut)";
		if $expect.cool == "none" then $shut == []
		elif $expect.strength == "soft" then
			($shut | map([.kind, .state, .strikes, .cause])) == [[$expect.cool, "ready", 1, $class]]
		elif ($row | lengths | min) < 60000 and $shut == [] then true # it is over by now
		else ($shut | map([.kind, .state, .cause])) == [[$expect.cool, "cooling", $class]] and
			$shut[0].seconds_left <= ($row | lengths | max) / 1000 end);

def check_answer($run):
	(.answer | if $run.streamed and . then .choices[].message.content |= (if . == "" then null else . end) else . end) as $expected |
	($run.out | if $run.streamed then put_together else .[0] end) as $answer |
	check("answer \($answer)"; $expected == null or ($answer | holds($expected))),
	check("finish \($answer.choices[0])"; $answer.choices[0].finish_reason == .expect.finish_reason);

# The call went on to the other route, unless content was out, or there was no sense in it.
def check_end($run; $result; $class):
	($result.name == "other") as $went_on |
	({content_policy: 65, deadline: 124}[$class]) as $code |
	if $class == "answered" then
		check("exit \($run.code)"; $run.code == 0 and ($went_on | not)), check_answer($run)
	elif $code then
		check("exit \($run.code)"; $run.code == $code and ($went_on | not) and $run.out == [])
	elif $went_on then
		check("exit \($run.code)"; $run.code == 0),
		check("answer \($run.out)"; ($run.out | map(.model) | unique) == ["other"])
	else
		check("exit \($run.code)"; $run.code == 69 and $run.streamed and $result.handed_out),
		check("looks whole: \($run.out)"; all($run.out | put_together.choices[]; .finish_reason == null))
	end;

def attempts($run): .name as $name | $run.trail | map(select(.step == "attempt" and .name == $name));

def check_call($run):
	attempts($run) as $attempts | $attempts[0].class as $class |
	check("attempts \($attempts)"; ($attempts | length) == 1),
	check("class \($class)"; any(classes[]; . == $class)),
	check_table($run; $class),
	check_end($run; $run.trail[-1]; $class);

# -> {name, wrong: [sentence]}
def judge($run; $asked):
	.name as $name | attempts($run)[0].http_status as $status |
	($run.trail | map(select(.step == "unusable" and .name == $name))[0].detail) as $unusable |
	{name, wrong: [
		check("unusable: \($unusable)"; $unusable == null),
		check("asked \($asked)"; ($asked | length) == 1 and
			(($asked[0] | as_asked) == (.api | as_asked) or .stream != $run.streamed)),
		check("HTTP \($status)"; $status == .status),
		check_call($run)
	]};

# $files: {"12.out": [line], ...} of the row's call
def run($files):
	. as $row | def lines($part): $files["\($row.number).\($part)"] // [];
	(.how | startswith("--stream")) as $streamed | {
		streamed: $streamed, code: (lines("code")[0] | tonumber),
		out: (lines("out") | if $streamed or . == [] then . else [join("\n")] end | map(fromjson)),
		trail: (lines("err") | map(select(startswith("{")) | fromjson)),
		keys: (lines("status") | join("") | fromjson.keys),
		events: (lines("events") | join("") | fromjson.events)
	};

# What the mock saw, by key: [{asked: path, body: text}]
def journal_of($requests):
	$requests | map({
		key: (.headers | .authorization // .["x-api-key"] // .["x-goog-api-key"] // .["api-key"] |
			ltrimstr("Bearer ")),
		asked: (.path + if .query == "" then "" else "?" + .query end), body
	}) | group_by(.key) | map({(.[0].key): .}) | add // {};

def judge_samples($files; $requests):
	journal_of($requests) as $journal | map(judge(run($files); $journal[.key] // [] | map(.asked)));

def judge_faults($files): map({name, wrong: [run($files) as $run | check_call($run)]});

# ---- lull explain-error

# By the vendor's name alone, whatever its form.
def explained: map(.provider = prefixes[.file | split("/")[0]]);

def judge_explanation($said):
	.expect as $expect | {name, wrong: [check($said | tojson;
		any(classes[]; . == $said.class) and any(lengths[]; . == $said.for_ms) and
		$said.cools == $expect.cool and ($said.proof | sub("none"; "-")) == $expect.strength and
		($said.hint_ms == $expect.hint_ms or ($expect.hint_from and $expect.hint_ms == null)))]};

def judge_explanations($said): [., $said] | transpose | map(.[1] as $words | .[0] | judge_explanation($words));

# ---- requests

# $bodies: {"anthropic/request_full.json": content, "canonical/request_full.json": content, ...}
def requests($bodies):
	. as $samples | $bodies | to_entries | to_entries | map(.key as $number | .value |
		(.key | split("/")) as [$folder, $file] | (prefix($folder; $folder) // "openai") as $provider |
		first($samples[] | select(.provider == $provider and (.stream | not))) + {
			name: .key, key: "sk-request-\($number)", canonical: "canonical/\($file | sub("native"; "simple"))",
			body: .value, how: (if .value.stream then "--stream" else "--no-stream" end)
		} + (.value | if .model then {model} else {} end));

# The wire had each once, as its vendor wants it. Order is of no matter.
def judge_requests($requests):
	journal_of($requests) as $journal | map(.body as $body | ($journal[.key] // []) as $got |
		{name, wrong: [check("got \($got | map(.body))";
			($got | length) == 1 and ($got[0].body | fromjson) == $body)]});

# ---- faults below HTTP: tests/wire/transport/faults.json

# How each is met where a plain call does not do. `ours`: a limit of our own ends it, on loopback and
# too short to prove anything; network.bats has the others.
def ways: {
	connect_timeout: {limits: {connect_timeout: "300ms"}, ours: true},
	close_delimited_cut: {how: "--stream"},
	close_mid_chunked: {how: "--stream"},
	reset_mid_body: {how: "--stream"},
	stall_before_status: {timeout: "300ms", ours: true},
	stall_mid_stream: {how: "--stream", limits: {idle_timeout: "300ms"}, ours: true},
	comments_only: {how: "--stream", limits: {first_content_timeout: "300ms"}, ours: true},
	slow_drip: {rule: {drip_ms: 1}},
	own_deadline: {how: "--no-stream --budget 500ms"}
};

# $urls: the mock's, for those that happen before HTTP. A caller that leaves is no call of this list.
def faults($urls):
	.faults | map(select(.fault != "caller_gone")) | to_entries | map(.key as $number | .value |
		{number: $number, name: .fault, provider: "openai", model: .fault, key: "sk-fault",
			url: $urls[.fault].url, base: "/v1", status: 0, how: "--no-stream", expect} +
		(ways[.fault] // {}) |
		if .expect.class == "ok" then .expect.finish_reason = "stop" else . end |
		if .ours then .expect += {cool: "none", strength: "-"} else . end);

def fault_rules: map(select(.url == null) | {model: .name, fault: .name} + (.rule // {}));
