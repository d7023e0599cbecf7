#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Deploys, rollbacks, restarts and scaling through the whole platform while one of its processes is killed: nothing
# runs twice, nothing stays half done, no line is lost, every act has its intent. DEPLOYS_ROUNDS, DEPLOYS_SECONDS (at
# most so long) and DEPLOYS_SEED change it.
set -u
build=$(cd "${BUILD:-build}" && pwd)
rounds=${DEPLOYS_ROUNDS:-50}
seed=${DEPLOYS_SEED:-$$}
top=$(mktemp -d "${TMPDIR:-/tmp}/fairway-deploys-XXXXXX")
trap 'rm -rf "$top"' EXIT

told=$(PYTHONPATH=tests/support python3 -B tests/crash/deploys.py "$build/fairway" "$build/tests/tools" "$top" \
	"$rounds" "${DEPLOYS_SECONDS:-80}" "$seed" 2>"$top/problems")
status=$?
sed 's/^/# /' "$top/problems"
[ $status -eq 0 ] || tail -40 "$top/state/local/daemon.log" | sed 's/^/# /'
if [ $status -eq 0 ]; then
	echo "ok 1 - killed in the midst of operations (seed $seed): $told"
else
	echo "not ok 1 - killed in the midst of operations (seed $seed): $told"
fi
echo "1..1"
[ $status -eq 0 ]
