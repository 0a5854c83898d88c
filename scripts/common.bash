# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What scripts/demo, test and check-all share: building a preset, running and counting its tests.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

say() {
	printf '== %s\n' "$*"
}

# build PRESET [OPTION...]: quiet, unless it fails. The options go to cmake --build.
build() {
	local preset=$1 log=build/$1.log

	shift
	mkdir -p build
	if ! { cmake --preset "$preset" && cmake --build --preset "$preset" "$@"; } >"$log" 2>&1; then
		cat "$log"
		return 1
	fi
}

# run_tests PRESET [OPTION...]: runs what is built; the options go to ctest. Leaves a JUnit report. One more
# at a time than there are processors: many tests wait for time to pass.
run_tests() {
	local preset=$1 report=$PWD/build/$1.xml

	shift
	rm -f "$report"
	ctest --test-dir "build/$preset" -j $(($(nproc) + 1)) --output-on-failure --no-tests=error --output-junit "$report" \
		--test-output-size-passed 10000000 --test-output-size-failed 10000000 "$@"
}

# count_tests PRESET: "passed failed skipped" of the last report, by the cases that CUnit and bats
# count within each program; any other program is one case, and so is one that fails without a case.
# A program that skips all its cases is skipped.
count_tests() {
	[[ -f build/$1.xml ]] || {
		echo 0 1 0
		return
	}
	awk '
	/<testcase / {
		good = bad = without = 0
		status = $0
		sub(/.* status="/, "", status)
		sub(/".*/, "", status)
	}
	/<skipped message="SKIP_RETURN_CODE/ { status = "skipped" }
	/(^|>)ok [0-9]+ / && !/ # skip/ { good++ }
	/(^|>)ok [0-9]+ .* # skip/      { without++ }
	/(^|>)not ok [0-9]+ /           { bad++ }
	/^ *tests +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ / { good += $4; bad += $5 } # CUnit: total ran passed failed
	/<\/testcase>/ {
		if (status == "run" && without > 0 && good + bad == 0) status = "skipped"
		if (status == "skipped") { skipped++; next }
		if (status == "run" && good + bad == 0) good = 1
		if (status != "run" && bad == 0) bad = 1
		passed += good
		failed += bad
	}
	END { print passed + 0, failed + 0, skipped + 0 }' "build/$1.xml"
}
