#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the fuzz targets named, FUZZ_SECONDS each, from their corpora, and prints one line for each and the closing
# "N passed, N failed, N skipped". New inputs stay in build/fuzz/found/TARGET, what breaks a target in build/fuzz/TARGET-*.
set -u
export LC_ALL=C.UTF-8 UBSAN_OPTIONS=print_stacktrace=1
passed=0 failed=0
for name in "$@"; do
	found=build/fuzz/found/$name log=build/fuzz/$name.log
	mkdir -p "$found"
	dict=tests/fuzz/$name.dict
	if [ -f "$dict" ]; then dict=-dict=$dict; else dict=; fi
	if build/fuzz/fuzz/"$name" $dict -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 -rss_limit_mb=1024 \
		-artifact_prefix="build/fuzz/$name-" "$found" tests/fuzz/corpus/"$name" >"$log" 2>&1; then
		passed=$((passed + 1))
		echo "ok $((passed + failed)) - $name: $(sed -n "s/^Done \\([0-9]*\\) runs.*/\\1 runs/p" "$log")"
	else
		failed=$((failed + 1))
		echo "not ok $((passed + failed)) - $name"
		tail -n 60 "$log" | sed 's/^/    /'
	fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
