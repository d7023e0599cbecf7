#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The demo's script from the first frame to its end: tests/tools/demo_script.c drives the console, then `fairway demo
# down` must leave nothing.
. tests/support/tap.sh
clean_up()
{
	"$fairway" demo down >/dev/null 2>&1 </dev/null
}
# Processes that work in the state folder or name it.
holders()
{
	for process in /proc/[0-9]*; do
		[ "$process" != "/proc/$$" ] || continue
		case $(readlink "$process/cwd" 2>/dev/null) in
		"$FAIRWAY_STATE_DIR"*) echo "${process#/proc/}: $(tr '\0' ' ' <"$process/cmdline")" && continue ;;
		esac
		tr '\0' ' ' 2>/dev/null <"$process/cmdline" | grep -q "$FAIRWAY_STATE_DIR" && echo "${process#/proc/}"
	done
}
nobody()
{
	holders >"$scratch/out" 2>"$scratch/err"
	! [ -s "$scratch/out" ]
}

CMOCKA_MESSAGE_OUTPUT=TAP "${BUILD:-build}/tests/tools/demo_script" >"$scratch/tap"
status=$?
grep -v '^1\.\.' "$scratch/tap"
number=$(grep -cE '^(not )?ok ' "$scratch/tap")
says 0 'what was made lies in the state folder' --context demo service orders --env prod
says 0 'down ends the demo' demo down
if until_done 10 nobody; then pass 'and leaves no process'; else fail 'and leaves no process'; fi
says 5 'verbs that read say that it is not running' --context demo status
plan
