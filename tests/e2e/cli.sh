#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command line where no platform runs: usage, configuration, keys, refusals, and that nothing is started by reading.
. tests/support/tap.sh

says 0 '--version is told' --version
says 0 '--help is told' --help
says 0 'a verb tells what it takes' deploy --help
holds 'usage comes first' out '^usage: fairway deploy SERVICE \[VERSION\] --env E'
says 2 'an unknown verb is a mistake' depoly x
holds 'the nearest verb is named' err 'fairway: depoly: .*deploy'
says 2 'an unknown option is a mistake' status --evn prod
holds 'the nearest option is named' err -- '--env'
says 2 'an option of another verb is a mistake' scale a 3 --env dev --grep x
says 2 'a missing word is a mistake' deploy --env dev
says 2 'a word too many is a mistake' status extra
says 2 'a missing option is a mistake' deploy checkout
holds 'the missing option is named' err -- '--env E is needed'
says 2 'an option without its value is a mistake' logs checkout --since
says 2 'a wrong choice is a mistake' status -o yaml
says 2 'a count that is none is a mistake' scale checkout many --env dev --yes
says 2 'a span that is none is a mistake' lock checkout --env dev --reason x --until soon --yes
says 2 'a time that is over is a mistake' lock checkout --env dev --reason x --until 2020-01-01T00:00:00Z --yes
says 2 'a level that is none is a mistake' logs checkout --level loud
says 2 'an expression that is none is a mistake' logs checkout --grep '(('
says 2 'a lock needs its reason' lock checkout --env dev
says 2 'an empty reason is none' lock checkout --env dev --reason ''
says 2 'a context that is not there is a mistake' --context nowhere status
says 2 'a wrong word of platform is a mistake' platform sideways
says 2 'a wrong word of audit is a mistake' audit trail

for verb in status services instances envs deploys releases alerts events audit info; do
	says 5 "$verb says that nothing runs" "$verb"
	holds "$verb names what to do" err "fairway $verb: .*not running.*fairway up"
done
says 5 'logs says that nothing runs' logs checkout
says 5 'why says that nothing runs' why checkout --env prod
says 5 'a write says that nothing runs' restart checkout --env dev --yes
says 5 'runbook says that nothing runs' runbook checkout
run services -o json
json 'a list that is empty is an array' 'd == []'
if python3 -c 'import json, sys
d = json.loads(open(sys.argv[1]).read())
sys.exit(0 if d["kind"] == "unreachable" and d["error"] else 1)' "$scratch/err"; then
	pass 'an error is an object with -o json'
else
	fail 'an error is an object with -o json'
fi
run status -o json
json 'status is one object' 'd["context"] == "local" and d["health"] == "unknown" and d["services"] == 0'
json 'it tells the sources' 'any(s["state"] == "down" for s in d["sources"])'
run info -o json
json 'info tells versions and paths' 'd["version"] and d["libraries"]["libcurl"] and d["paths"]["state"].endswith("/local")'
if [ -e "$scratch/state" ]; then fail 'reading made no state'; else pass 'reading made no state'; fi
says 0 'ending what does not run is fine' demo down
says 3 'platform down wants to be confirmed' platform down
holds 'what is missing is named' err -- '--yes'
says 0 'platform down with --yes is fine' platform down --yes
says 4 'a folder that is not there is not found' up "$scratch/nowhere"

says 0 'config path is told' config path
holds 'it lies below XDG_CONFIG_HOME' out "^$scratch/config/fairway/config.yaml\$"
says 0 'no configuration is fine' config check
says 0 'config init writes one' config init
says 3 'config init overwrites nothing' config init
says 0 'what init wrote is fine' config check
[ "$(stat -c %a "$scratch/config/fairway/config.yaml")" = 600 ] && pass 'it is private' || fail 'it is private'
says 0 'config show tells what is in force' config show
holds 'the built-in contexts are there' out '^  demo:'
printf 'context: nowhere\nbel: true\nlog-lines: many\n' >"$scratch/wrong.yaml"
says 2 'a wrong configuration is told' config check --config "$scratch/wrong.yaml"
[ "$(grep -c "^$scratch/wrong.yaml:" "$scratch/err")" -eq 3 ] && pass 'all at once, with their places' ||
	fail 'all at once, with their places'
says 2 'a verb does not go on with it' --config "$scratch/wrong.yaml" status
says 2 'a configuration that was named must be there' --config "$scratch/none.yaml" status

says 0 'the built-in keys are fine' keymap check
printf 'global:\n  Q: quitt\n' >"$scratch/keys.yaml"
says 2 'a wrong command is told' keymap check "$scratch/keys.yaml"
holds 'the nearest one is named' err 'keys.yaml:2: .*did you mean quit'
printf 'global:\n  ctrl-q: quit\n' >"$scratch/keys.yaml"
says 0 'a right file is fine' keymap check "$scratch/keys.yaml"
says 4 'a file that is not there is not found' keymap check "$scratch/nothing.yaml"

says 0 'platform install writes a unit' platform install
[ -s "$scratch/config/systemd/user/fairway-local.service" ] && pass 'the unit is there' || fail 'the unit is there'
holds 'it tells how to enable it' err 'systemctl --user enable --now fairway-local.service'

printf 'x\033[31mred\007' >"$scratch/name"
run "$(cat "$scratch/name")"
lacks 'no control character of an argument reaches the terminal' err "$(printf '[\033\007]')"

"$fairway" status >/dev/full 2>"$scratch/err" </dev/null
status=$?
: >"$scratch/out"
[ "$status" -ne 0 ] && pass 'a full disk is no success' || fail 'a full disk is no success'
"$fairway" --help >/dev/full 2>"$scratch/err" </dev/null
status=$?
[ "$status" -eq 1 ] && pass 'a full disk is told' || fail 'a full disk is told'
plan
