#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs test programs that speak TAP (cmocka programs and shell scripts alike), one after the other,
# prints what failed and, last, "N passed, N failed, N skipped". Exit 1 when anything failed.
set -u
export CMOCKA_MESSAGE_OUTPUT=TAP
export LC_ALL=C.UTF-8
passed=0 failed=0 skipped=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT
for t in "$@"; do
	name=${t#build/}
	start=$(date +%s)
	case $t in
	*.sh) timeout "${TEST_TIMEOUT:-600}" sh "$t" >"$out" 2>&1 ;;
	*) timeout "${TEST_TIMEOUT:-600}" "$t" >"$out" 2>&1 ;;
	esac
	status=$?
	# cmocka writes "not ok" before what it skips.
	sed -i 's/^not \(ok [0-9]* # SKIP\)/\1/' "$out"
	ok=$(grep -c '^ok ' "$out")
	skip=$(grep -ci '^ok .*# skip' "$out")
	bad=$(grep -c '^not ok ' "$out")
	ok=$((ok - skip))
	if [ $status -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; echo "not ok $name: ended with status $status" >>"$out"; fi
	if [ $((ok + skip + bad)) -eq 0 ]; then bad=1; echo "not ok $name: ran no test" >>"$out"; fi
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
	printf '%-40s %3d ok %3d failed %3d skipped  %3ds\n' "$name" "$ok" "$bad" "$skip" $(($(date +%s) - start))
	grep -i '^ok .*# skip' "$out"
	if [ "$bad" -ne 0 ]; then sed 's/^/    /' "$out"; fi
done
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
