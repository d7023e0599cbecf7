#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The console over a demo that runs: tests/tools/console_script.c drives it in terminals of many kinds.
. tests/support/tap.sh
clean_up()
{
	"$fairway" demo down >/dev/null 2>&1 </dev/null
}
risen()
{
	run --context demo status
	grep -q '^demo: ok, 6 services in 3 environments, 0 firing$' "$scratch/out"
}

says 0 'the demo rises without a console' demo up
if until_done 60 risen; then pass 'all its services are ok'; else fail 'all its services are ok'; fi
CMOCKA_MESSAGE_OUTPUT=TAP EMPTY_STATE="$scratch/empty" "${BUILD:-build}/tests/tools/console_script" >"$scratch/tap"
grep -v '^1\.\.' "$scratch/tap"
number=$((number + $(grep -cE '^(not )?ok ' "$scratch/tap")))
run --context demo status
holds 'no service noticed any of it' out '^demo: ok, 6 services in 3 environments'
says 0 'down ends the demo' demo down
plan
