#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What shells complete is what --help says, for each verb. The shells themselves are asked.

load ../support/mock
bats_require_minimum_version 1.5.0

setup() {
	scratch_make
	COMPLETIONS=$LULL_BIN_DIR/../packaging/completions
	[ -d "$COMPLETIONS" ] || skip "no completions were built"
}

verbs() {
	lull --help | sed -nE '/^examples:/q; s/^  ([a-z-]+) .*/\1/p'
}

# Those with verbs of their own are two words.
verbs_with_options() {
	verbs | grep -vx config
	echo config check
	echo config show
}

# Short and long ones of --help, a line each, sorted.
options_of() {
	# shellcheck disable=SC2086
	lull $1 --help | sed -nE 's/^  (-[A-Za-z])?(, )? *(--[a-z-]+)?.*/\1\n\3/p' | grep ^- | LC_ALL=C sort -u
}

# What bash would offer for the words of a line, of which the last is being typed.
bash_offers() {
	bash --norc -c '
		source "$1"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_lull
		printf "%s\n" "${COMPREPLY[@]}"' bash "$COMPLETIONS/lull.bash" "$@" | LC_ALL=C sort -u
}

fish_offers() {
	fish -N -c "source '$COMPLETIONS/lull.fish'; complete -C '$1'" | cut -f 1
}

# The specifications that _lull gives _arguments, or the choices it gives _describe.
zsh_offers() {
	zsh -f -c '
		_arguments() { print -l -- "$@" }
		_describe() { print -l -- "${(@P)2}" }
		file=$1
		shift
		words=("$@") CURRENT=$#
		source "$file"' zsh "$COMPLETIONS/_lull" "$@"
}

@test "there is something to compare" {
	[ "$(verbs | wc -l)" -ge 17 ]
	[ "$(options_of serve | wc -l)" -ge 15 ]
	options_of events | grep -x -- -n
	options_of complete | grep -x -- --no-stream
}

@test "bash: verbs, options, files" {
	diff <(bash_offers lull "" | LC_ALL=C sort) <(verbs | LC_ALL=C sort)
	[ "$(bash_offers lull config "")" = $'check\nshow' ]
	while read -r verb; do
		# shellcheck disable=SC2086
		diff <(bash_offers lull $verb -) <(options_of "$verb")
	done < <(verbs_with_options)
	[ "$(bash_offers lull serve --l)" = $'--listen\n--log' ]
	touch "$SCRATCH/lull.yaml"
	[ "$(bash_offers lull serve -c "$SCRATCH/lu")" = "$SCRATCH/lull.yaml" ]
	[ -z "$(bash_offers lull serve --drain "$SCRATCH/lu")" ]
}

@test "fish: verbs, options, files" {
	[ -n "$(command -v fish)" ] || skip "no fish"
	diff <(fish_offers "lull " | LC_ALL=C sort) <(verbs | LC_ALL=C sort)
	[ "$(fish_offers "lull config ")" = $'check\nshow' ]
	while read -r verb; do
		diff <({
			fish_offers "lull $verb -"
			fish_offers "lull $verb --"
		} | LC_ALL=C sort -u) <(options_of "$verb")
	done < <(verbs_with_options)
	touch "$SCRATCH/lull.yaml"
	[ "$(fish_offers "lull serve -c $SCRATCH/lull.y")" = "$SCRATCH/lull.yaml" ]
	[ -z "$(fish_offers "lull serve --drain $SCRATCH/lull.y")" ]
}

@test "zsh: verbs, options, files" {
	[ -n "$(command -v zsh)" ] || skip "no zsh"
	diff <(zsh_offers lull "" | sed 's/:.*//') <(verbs)
	[ "$(zsh_offers lull config "" | sed 's/:.*//')" = $'check\nshow' ]
	while read -r verb; do
		# shellcheck disable=SC2086
		diff <(zsh_offers lull $verb - | sed -nE 's/^\*(-[^[]*).*/\1/p' | LC_ALL=C sort -u) <(options_of "$verb")
	done < <(verbs_with_options)
	zsh_offers lull serve - | grep -E '^\*--config\[.*\]:FILE:_files$'
	zsh_offers lull serve - | grep -E '^\*--drain\[.*\]:TIME: $'
}
