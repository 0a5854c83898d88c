#!/bin/sh
# Answers many prompts with GNU parallel: prompts/NAME.txt gives answers/NAME.txt, eight at a time.
#
# The eight share what they meet: one of them runs into a rate limit, and the other seven go to the
# fallback without asking. Run it again for what is missing: it asks only where there is no answer yet. For
# thousands of prompts, `lull batch` needs one process instead of one for each.
set -eu

mkdir -p answers
for prompt in prompts/*.txt; do
	[ -e "answers/${prompt#prompts/}" ] || printf '%s\n' "$prompt"
done | parallel --jobs 8 \
	'lull complete -q -m fast -f large <{} >answers/{/}.part && mv answers/{/}.part answers/{/}'
