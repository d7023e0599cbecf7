#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a machine does to a program: a full or failing disk, short writes, a port that is taken, a service that
# fails, a stopped daemon, a clock that jumps, no memory. FAULTS chooses sections; see faults.py.
set -u
build=$(cd "${BUILD:-build}" && pwd)
n=0 failed=0
strace -qq -o /dev/null -e trace=exit_group -e inject=exit_group:signal=KILL:when=1 sh -c : 2>/dev/null
can_trace=$?
for section in ${FAULTS:-refusals full_disk failing_calls short_writes clock memory}; do
	top=$(mktemp -d "${TMPDIR:-/tmp}/fairway-faults-XXXXXX")
	: >"$top/told"
	if [ $section = failing_calls ] && [ $can_trace -ne 137 ]; then
		echo "skip calls that fail: strace is not here, or may not trace" >"$top/told"
	elif [ $section = memory ] && [ -n "${SAN:-}" ]; then
		echo "skip no memory: a sanitizer has its own malloc" >"$top/told"
	elif [ $section = short_writes ] && [ -n "${SAN:-}" ]; then
		echo "skip short writes: a sanitizer takes no library before itself" >"$top/told"
	elif [ $section = clock ] && [ -n "${SAN:-}" ]; then
		echo "skip a clock that jumps: a sanitizer takes no library before itself" >"$top/told"
	elif ! PYTHONPATH=tests/support python3 -B tests/crash/faults.py "$build/fairway" "$build/tests/tools" "$top" \
		$section >"$top/told" 2>"$top/problems"; then
		echo "not ok $section came to no end" >>"$top/told"
	fi
	while read -r line; do
		n=$((n + 1))
		case $line in
		ok*) echo "ok $n - ${line#ok }" ;;
		skip*) echo "ok $n - ${line#skip } # SKIP" ;;
		*)
			echo "not ok $n - ${line#not ok }"
			failed=1
			;;
		esac
	done <"$top/told"
	[ ! -s "$top/problems" ] || sed 's/^/# /' "$top/problems"
	rm -rf "$top"
done
echo "1..$n"
[ $failed -eq 0 ]
