#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The console over a demo that runs: tests/tools/console_script.c drives it in terminals of many kinds.
. tests/support/tap.sh
clean_up()
{
	[ -z "${server:-}" ] || kill "$server"
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
says 0 'up brings back what ran' demo up
holds 'and tells it once it is ready' out '^demo: ok, 6 services in 3 environments, 0 firing$'
says 0 'down ends it again' demo down

# A list is sorted in slices of time: a screen that is opened beside a quiet source goes on until it is whole.
mkdir -p "$scratch/many/local"
chmod 700 "$scratch/many" "$scratch/many/local"
: >"$scratch/many/local/state.db"
"${BUILD:-build}/tests/tools/bench_server" "$scratch/many/local/api.sock" 50000 0 10 0 >"$scratch/ready" &
server=$!
until_done 20 grep -q ready "$scratch/ready"
FAIRWAY_STATE_DIR="$scratch/many" "${BUILD:-build}/tests/tools/terminal" 40x120 "$fairway" >"$scratch/out" 2>"$scratch/err" <<'EOF'
wait 20000 big
keys <enter>
keys 2z
wait 60000 /50000
keys q
gone 5000 /50000
keys <enter>
keys 2z
wait 20000 /50000
end 5000 TERM
EOF
status=$?
name='a long list is whole wherever it is opened'
if [ $status -eq 0 ]; then pass "$name"; else fail "$name"; fi
plan
