# SPDX-License-Identifier: MIT
# Whether stdin is Prometheus' text format, as its specification has it: HELP and TYPE once each and
# before their samples, the samples of a metric together, labels quoted and escaped, no series twice,
# counters named so. What is wrong is printed, and the exit status is 1.
function wrong(what) { print NR ": " what ": " $0; bad = 1 }

/^# HELP / {
	if ($3 in help) wrong("second HELP")
	if (NF < 4) wrong("HELP without a text")
	help[$3] = 1
	next
}
/^# TYPE / {
	if ($3 in type) wrong("second TYPE")
	if ($4 !~ /^(counter|gauge)$/ || NF != 4) wrong("no type")
	if (!($3 in help)) wrong("TYPE before HELP")
	if (($4 == "counter") != ($3 ~ /_total$/)) wrong("name and type do not agree")
	type[$3] = $4
	current = $3
	next
}
!/^[a-z][a-z0-9_]*(\{[a-z_]+="([^"\\]|\\[\\"n])*"(,[a-z_]+="([^"\\]|\\[\\"n])*")*\})? ([0-9]+(\.[0-9]+)?|\+Inf)$/ {
	wrong("no sample")
	next
}
{
	name = $0
	sub(/[{ ].*/, "", name)
	if (name != current) wrong("not under its TYPE")
	series = $0
	sub(/ [^ ]*$/, "", series)
	if (series in seen) wrong("second time")
	seen[series] = 1
	samples++
}
END { exit bad || samples == 0 }
