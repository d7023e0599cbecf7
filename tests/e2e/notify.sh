#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A team's notify command: shown before it is approved, called when an alert fires, its delivery told with the alert.
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

clean_up()
{
	"$fairway" platform down --yes >/dev/null 2>&1 </dev/null
}
mkdir -p "$scratch/land/app"
cat >"$scratch/land/platform.yaml" <<YAML
environments: [{name: dev}]
teams:
  red: { notify: { command: [sh, -c, "cat >>'$scratch/told'"] } }
YAML
cat >"$scratch/land/app/service.yaml" <<'YAML'
name: app
team: red
language: python
run: exec python3 -m http.server $PORT --bind 127.0.0.1
health: /ok
metrics: false
watch: 1s
alerts:
- { name: Unwell, severity: critical, when: unhealthy, for: 1s, summary: it does not answer }
YAML
echo ok >"$scratch/land/app/ok"

says 3 'nothing runs before it is approved' up "$scratch/land"
holds 'the command that would be called is shown' out 'team red notify: sh -c '
hash=$(grep -o '[0-9a-f]\{64\}' "$scratch/out" | head -n 1)
says 0 'approved, the folder comes up' up "$scratch/land" --approve "$hash" --yes

rm "$FAIRWAY_STATE_DIR"/local/releases/app/1/ok # its health check fails from now on
told()
{
	grep -q '"summary":"it does not answer"' "$scratch/told" 2>/dev/null
}
if until_done 30 told; then
	pass 'the command is called, with the alert on its standard input'
else
	fail 'the command is called, with the alert on its standard input'
fi
delivered()
{
	run alerts -o json
	grep -q '"notified":"red: delivered"' "$scratch/out"
}
if until_done 10 delivered; then
	pass 'and its delivery is told with the alert'
else
	fail 'and its delivery is told with the alert'
fi
plan
