#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command line against a real platform: approve, deploy, roll back, lock, scale, logs, audit, a stopped daemon.
. tests/support/tap.sh

clean_up()
{
	[ -z "${daemon:-}" ] || kill -CONT "$daemon" 2>/dev/null
	"$fairway" platform down --yes >/dev/null 2>&1 </dev/null
}
milliseconds()
{
	date +%s%3N
}

mkdir -p "$scratch/tiny"
cat >"$scratch/tiny/service.yaml" <<'EOF'
name: tiny
team: payments
language: python
run: [python3, main.py]
health: {path: /healthz}
watch: 1s
runbooks:
  general: runbook.md
EOF
cat >"$scratch/tiny/main.py" <<'EOF'
import http.server, os
ANSWER = b"one\n"
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(ANSWER)
    def log_message(self, *words):
        pass
print("tiny \x1b[31mstarts\x07 \u202eback", flush=True)
print('{"level":"error","msg":"it broke","code":7}', flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
EOF
printf '# Tiny\n\nRoll \033[31mback\n' >"$scratch/tiny/runbook.md"

says 3 'a folder is not run before it was approved' up "$scratch/tiny"
holds 'each command is shown' out '^tiny run: python3 main.py$'
holds 'and how to approve' out '^approve with: --approve [0-9a-f]{64}$'
sum=$(sed -n 's/^approve with: --approve //p' "$scratch/out")
says 3 'the sum of something else approves nothing' up "$scratch/tiny" --approve "$(printf %064d 0)"
says 0 'approved, it runs' up "$scratch/tiny" --approve "$sum"

says 0 'status' status
holds 'status says that all is well' out '^local: ok, 1 service in 1 environment, 0 firing$'
run services -o json
json 'services with their placements' 'len(d) == 1 and d[0]["name"] == "tiny" and d[0]["team"] == "payments"'
json 'a placement has its promised names' 'all(k in d[0]["placements"][0] for k in ("service", "environment", "version", "desired", "ready", "health", "url", "as_of", "stale"))'
json 'and is fresh' 'd[0]["placements"][0]["stale"] is False and d[0]["placements"][0]["health"] == "ok"'
run instances -o json
json 'instances' 'd[0]["id"] == "tiny-dev-1" and d[0]["phase"] == "running" and d[0]["ready"] and d[0]["pid"] > 1 and d[0]["port"] > 0'
run envs -o json
json 'environments' 'd[0]["name"] == "dev" and d[0]["protected"] is False and d[0]["firing"] == 0 and d[0]["services"] == 1'
run service tiny --env dev -o json
json 'service lists its placements' 'len(d) == 1 and d[0]["environment"] == "dev"'
says 4 'an unknown service is not found' service nothing
says 4 'an unknown environment is not found' instances --env nowhere
says 4 'logs of an unknown service are not found' logs nothing
says 4 'a write of an unknown service is not found' restart nothing --env dev --yes
says 4 'an unknown alert is not found' ack nothing

says 3 'a change is refused without --yes' restart tiny --env dev
holds 'the plan is shown' err '^restart tiny in dev'
holds 'what is missing is named' err 'confirm with: --yes'
says 0 '--dry-run changes nothing' scale tiny 2 --env dev --dry-run
run instances tiny -o json
json 'nothing was changed' 'len(d) == 1'
says 0 'scale' scale tiny 2 --env dev --yes -o json
json 'scale prints the placement' 'd["service"] == "tiny" and d["environment"] == "dev" and d["desired"] == 2'
two_ready()
{
	run instances tiny -o json
	python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
sys.exit(0 if len(d) == 2 and all(i["ready"] for i in d) else 1)' "$scratch/out"
}
if until_done 10 two_ready; then pass 'two instances are ready'; else fail 'two instances are ready'; fi

sed -i 's/one/two/' "$scratch/tiny/main.py"
says 0 'deploy what lies there now' deploy tiny --env dev --yes -o json
json 'the deploy is the record that was made' 'd["state"] == "succeeded" and d["service"] == "tiny" and d["from"] != d["to"]'
json 'with its steps' 'all(s["state"] in ("done", "skipped") for s in d["steps"]) and d["steps"][0]["name"] == "build"'
json 'the watch tells its length' 'any(s["name"] == "watch" and s["detail"] == "for 1s" for s in d["steps"])'
says 0 'rollback' rollback tiny --env dev --yes --reason 'it is wrong'
run releases tiny -o json
json 'the abandoned release is bad, the other one current' 'd[0]["bad"] and not d[1]["bad"] and d[1]["current_in"] == ["dev"]'
says 3 'what was built turns out to be marked bad: refused' deploy tiny --env dev --yes
holds 'and why' err 'marked bad \(it is wrong\)'

printf 'import sys\nsys.exit(3)\n' >"$scratch/tiny/main.py"
says 1 'a release that does not become healthy has failed' deploy tiny --env dev --yes
holds 'the failure says how it ended' err 'exited with status 3'
run service tiny -o json
json 'what served before goes on serving' 'd[0]["health"] == "ok" and d[0]["ready"] == 2'

says 0 'lock' lock tiny --env dev --reason 'data is moved' --until 1h --yes -o json
json 'and is printed' 'd["service"] == "tiny" and d["reason"] == "data is moved" and d["until"] > d["at"]'
says 3 'a locked placement is not changed' restart tiny --env dev --yes
holds 'the lock says why' err 'data is moved'
says 0 'why' why tiny --env dev
holds 'why names the lock' out 'locked'
run why tiny --env dev -o json
json 'why tells its checks' 'd["service"] == "tiny" and d["answer"] and any(c["name"] == "lock" and c["state"] == "failed" for c in d["checks"])'
says 0 'unlock' unlock tiny --env dev --yes -o json
json 'unlock prints the placement' 'd["service"] == "tiny" and "lock" not in d'
says 0 'restart' restart tiny --env dev --yes -o json
json 'restart prints the placement' 'd["service"] == "tiny" and d["health"] == "ok"'
says 0 'a note needs no confirmation' note tiny 'seen it' --env dev -o json
json 'and is printed' 'd["text"] == "seen it" and d["by"]'
says 0 'a silence' silence --service tiny --env dev --for 1h --reason quiet
says 0 'the runbook' runbook tiny
lacks 'is masked' out "$(printf '\033')"

says 0 'logs' logs tiny
holds 'say time, instance, level, text' out '^[0-9]{4}-.*Z tiny-dev-[0-9]+ error \{"level":"error"'
lacks 'are masked in text' out "$(printf '[\033\007]')"
run logs tiny -o json --level error --grep 'it br.ke'
if python3 -c 'import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
texts = [r for r in rows if "text" in r]
sys.exit(0 if texts and all(r["level"] == "error" and r["fields"]["code"] == "7" for r in texts) else 1)' "$scratch/out"; then
	pass 'logs as objects, one a line'
else
	fail 'logs as objects, one a line'
fi
run logs tiny -o json --grep starts
holds 'what steers a terminal is escaped in JSON' out 'tiny \\u001b\[31mstarts\\u0007 \\u202eback'

run deploys tiny -o json
json 'deploys, the newest first' '[x["started_at"] for x in d] == sorted((x["started_at"] for x in d), reverse=True) and len(d) >= 3'
run audit -o json
json 'every change is in the audit with its outcome' 'len(d) >= 8 and all(e["state"] in ("done", "refused", "failed") and e["by"] for e in d)'
says 0 'the chain of the audit is whole' audit verify

"$fairway" logs tiny -f >"$scratch/out" 2>"$scratch/err" </dev/null &
follower=$!
until_done 5 grep -q starts "$scratch/out"
kill -TERM "$follower"
wait "$follower"
status=$?
if [ "$status" -eq 143 ]; then pass 'a terminated tail says 143'; else fail 'a terminated tail says 143'; fi

daemon=$(python3 - "$FAIRWAY_STATE_DIR/local" <<'EOF'
import os, sys
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        words = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")
    except OSError:
        continue
    if b"--daemon" in words and sys.argv[1].encode() in words:
        print(pid)
EOF
)
kill -STOP "$daemon"
for words in status 'services -o json' 'restart tiny --env dev --yes' 'logs tiny' 'runbook tiny' "up $scratch/tiny"; do
	began=$(milliseconds)
	# shellcheck disable=SC2086
	says 5 "a stopped daemon: $words" $words
	took=$(($(milliseconds) - began))
	if [ "$took" -lt 4000 ]; then pass "after 2 s: $words"; else fail "after 2 s: $words took $took ms"; fi
done
kill -CONT "$daemon"
daemon=
says 0 'when it goes on, all is as before' status

says 0 'down stops the service' down tiny --yes
no_instance()
{
	run instances -o json
	python3 -c 'import json, sys; sys.exit(any(i["phase"] == "running" for i in json.load(open(sys.argv[1]))))' "$scratch/out"
}
if until_done 10 no_instance; then pass 'nothing runs any more'; else fail 'nothing runs any more'; fi
mkdir -p "$scratch/guarded"
cat >"$scratch/guarded/service.yaml" <<'EOF'
name: guarded
language: shell
run: [sleep, "1000"]
watch: 1s
EOF
printf 'environments:\n- dev\n- {name: prod, protected: true}\n' >"$scratch/guarded/platform.yaml"
sed -i 's/^- dev/- name: dev/' "$scratch/guarded/platform.yaml"
run up "$scratch/guarded"
sum=$(sed -n 's/^approve with: --approve //p' "$scratch/out")
says 0 'a service without a port runs' up "$scratch/guarded" --approve "$sum"
says 3 'what was approved in dev is not approved in prod' promote guarded --from dev --to prod --yes --confirm prod/guarded
sum=$(sed -n 's/^approve with: --approve //p' "$scratch/err")
says 3 'a protected environment wants more than --yes' promote guarded --from dev --to prod --yes --approve "$sum"
holds 'the name to type is told' err -- '--yes --confirm prod/guarded'
says 3 'another name confirms nothing' promote guarded --from dev --to prod --yes --confirm prod/tiny --approve "$sum"
says 0 'confirmed by its name, it is done' promote guarded --from dev --to prod --yes --confirm prod/guarded --approve "$sum"
says 0 'platform down' platform down --yes
if python3 - "$FAIRWAY_STATE_DIR" <<'EOF'; then pass 'no process is left'; else fail 'no process is left'; fi
import os, sys
left = []
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        if sys.argv[1].encode() in open(f"/proc/{pid}/cmdline", "rb").read():
            left.append(pid)
    except OSError:
        pass
sys.exit(bool([p for p in left if int(p) != os.getpid()]))
EOF
says 5 'and it says so' status
plan
