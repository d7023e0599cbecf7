#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The daemon is killed when it enters the system calls that write its journal or start something, one by one, during
# an operation; a new one must make whole what was begun. SWEEP_SECONDS makes it longer.
set -u
build=$(cd "${BUILD:-build}" && pwd)
strace -qq -o /dev/null -e trace=exit_group -e inject=exit_group:signal=KILL:when=1 sh -c : 2>/dev/null
if [ $? -ne 137 ]; then
	echo "ok 1 - a kill at every system call of an operation # SKIP strace is not here, or may not trace"
	echo "1..1"
	exit 0
fi
top=$(mktemp -d "${TMPDIR:-/tmp}/fairway-sweep-XXXXXX")
trap 'rm -rf "$top"' EXIT
PYTHONPATH=tests/support python3 -B tests/crash/sweep.py "$build/fairway" "$build/tests/tools" "$top" \
	"${SWEEP_SECONDS:-70}" 2>"$top/problems"
status=$?
sed 's/^/# /' "$top/problems"
exit $status
