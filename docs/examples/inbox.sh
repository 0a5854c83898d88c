#!/bin/sh
# Sums up what lies in inbox/. A message that gets no answer stays there for the next time.
set -eu

for message in inbox/*.txt; do
	[ -e "$message" ] || continue
	summary=done/${message#inbox/}
	lull complete -q -m fast -f large --system 'Sum up in one sentence.' <"$message" >"$summary.part"
	mv "$summary.part" "$summary"
	rm "$message"
done
