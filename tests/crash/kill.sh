#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Instances outlive daemon and keeper, never run twice, and lose no line: kills at random, then one kill at each system
# call between taking bytes from a FIFO and entering them in the index. KILL_ROUNDS and KILL_POINTS make it longer.
set -u
tools=${BUILD:-build}/tests/tools
rounds=${KILL_ROUNDS:-120}
points=${KILL_POINTS:-10}
top=$(mktemp -d "${TMPDIR:-/tmp}/fairway-kill-XXXXXX")
trap 'rm -rf "$top"' EXIT
n=0

result() { # STATUS TEXT
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

told=$("$tools/slot_chaos" rounds "$top/rounds" "$rounds" $$ 2>"$top/problems")
status=$?
sed 's/^/# /' "$top/problems"
[ $status -eq 0 ] || sed 's/^/# /' "$top/rounds/daemon.log" | tail -40
result $status "daemon, keeper and instances killed at random (seed $$): $told"

if ! command -v strace >/dev/null 2>&1; then
	echo "ok $((n + 1)) - a kill at every system call # SKIP strace is not installed"
	exit 0
fi
strace -qq -o /dev/null -e trace=exit_group -e inject=exit_group:signal=KILL:when=1 sh -c : 2>/dev/null
if [ $? -ne 137 ]; then
	echo "ok $((n + 1)) - a kill at every system call # SKIP strace may not trace here"
	exit 0
fi

# Each call with the first and the step of N: those that come often while a daemon starts begin late.
for sweep in splice:1:1 pwrite64:1:1 openat:40:8 renameat:1:1 fdatasync:1:1 epoll_wait:1:3 \
	clone3:1:1 write:1:1 close:40:8; do
	call=${sweep%%:*} rest=${sweep#*:}
	at=${rest%:*} step=${rest#*:} killed=0 failed=0
	i=0
	while [ $i -lt "$points" ]; do
		told=$("$tools/slot_chaos" point "$top/$call.$at" "$call" "$at" 2>"$top/problems")
		if [ $? -ne 0 ]; then
			failed=$((failed + 1))
			echo "# $call $at: $told"
			sed 's/^/# /' "$top/problems"
		fi
		rm -rf "${top:?}/$call.$at"
		case $told in
		killed*) killed=$((killed + 1)) ;;
		*) break ;; # it makes no more of these calls
		esac
		at=$((at + step)) i=$((i + 1))
	done
	[ $killed -gt 0 ] || failed=1
	result $failed "a daemon killed in $call, $killed points: no line lost, none twice"
done
