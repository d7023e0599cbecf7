#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The daemon as its clients see it: real processes, HTTP over the Unix socket. One service is brought in, deployed,
# scaled, restarted, locked, killed and stopped; the daemon is killed in between.
set -u
fairway=$PWD/${BUILD:-build}/fairway
work=$(mktemp -d /tmp/fairway-platform-XXXXXX)
socket=$work/place/api.sock
n=0
for tool in curl python3; do
	command -v $tool >/dev/null || { echo "ok 1 - # SKIP $tool is not installed"; exit 0; }
done

get() { curl -s --max-time 5 --unix-socket "$socket" "http://fairway$1"; }
post() { curl -s --max-time 10 --unix-socket "$socket" -X POST "http://fairway$1" -d "$2"; }
field() { python3 -c '
import json, sys
value = json.load(sys.stdin)
for part in sys.argv[1].split("."):
    value = value[int(part)] if isinstance(value, list) and part.lstrip("-").isdigit() and len(value) > int(part) else value.get(part, "") if isinstance(value, dict) else ""
print(str(value).lower() if isinstance(value, bool) else value)' "$1" 2>/dev/null; }
check() { # NAME GOT WANTED
	n=$((n + 1))
	if [ "$2" = "$3" ]; then echo "ok $n - $1"; else
		echo "not ok $n - $1"; echo "# wanted: $3"; echo "# got: $2"
	fi
}
contains() { # NAME TEXT PART
	case $2 in *"$3"*) check "$1" yes yes ;; *) check "$1" "$2" "…$3…" ;; esac
}
until_is() { # SECONDS WANTED COMMAND…: polls
	until_end=$(($(date +%s) + $1)) until_wanted=$2
	shift 2
	while got=$("$@"); [ "$got" != "$until_wanted" ] && [ "$(date +%s)" -lt "$until_end" ]; do sleep 0.1; done
	echo "$got"
}
operate() { # WISH CONFIRM: plans and executes; the operation, or the refusal
	plan=$(post /v1/plans "$1")
	id=$(echo "$plan" | field id)
	[ -n "$id" ] || { echo "$plan"; return; }
	post /v1/operations "{\"plan\":\"$id\",\"confirm\":\"$2\"}"
}
state_of() { get "/v1/operations/$1" | field state; }
placement() { get '/v1/placements?service=greeter&environment=dev' | field "items.0.$1"; }
daemon_pid() { get /v1/info | field pid; }
cleanup() {
	[ -n "${KEEP_LOG:-}" ] && cat "$work/keeper.out" "$work/place/daemon.log" >"$KEEP_LOG"
	post /v1/shutdown '{"services":true}' >/dev/null 2>&1
	wait "$keeper" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT

mkdir "$work/greeter"
cat >"$work/greeter/main.py" <<'PY'
import http.server, os, signal, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{os.environ['FAIRWAY_INSTANCE']} {os.environ.get('GREETING', '')}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        print("asked for", self.path, flush=True)

signal.signal(signal.SIGTERM, lambda *a: sys.exit(0))
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
PY
cat >"$work/greeter/service.yaml" <<'YAML'
name: greeter
team: tests
run: exec python3 main.py
health: /healthz
watch: 1s
env: {GREETING: hello}
scaling: {min_replicas: 1, max_replicas: 3}
YAML

"$fairway" --keeper "$work/place" >"$work/keeper.out" 2>&1 &
keeper=$!
check 'the daemon answers' "$(until_is 10 place sh -c "curl -s --unix-socket $socket http://x/v1/info | sed 's/.*\"name\":\"\([a-z]*\)\".*/\1/'")" place
check 'the socket is private' "$(stat -c %a "$socket")" 600

wish="{\"action\":\"up\",\"folder\":\"$work/greeter\",\"environment\":\"dev\"}"
plan=$(post /v1/plans "$wish")
check 'commands that nobody approved are refused' "$(echo "$plan" | field refusal_kind)" refused
contains 'and shown' "$(echo "$plan" | field commands.0)" 'exec python3 main.py'
refused=$(operate "$wish" yes)
check 'also when executed' "$(echo "$refused" | field kind)" refused
approve=$(echo "$plan" | field approve)
wish="{\"action\":\"up\",\"folder\":\"$work/greeter\",\"environment\":\"dev\",\"approve\":\"$approve\"}"
check 'a change is confirmed' "$(operate "$wish" '' | field kind)" refused
up=$(operate "$wish" yes | field id)
check 'up ends well' "$(until_is 30 done state_of "$up")" 'done'
check 'the placement is well' "$(until_is 5 ok placement health)" ok
url=$(placement url)
contains 'its address answers, with its environment' "$(curl -s "$url/")" 'greeter-dev-1 hello'
contains 'its log is there' "$(get '/v1/logs?service=greeter')" 'asked for /'

early=$(post /v1/plans '{"action":"scale","service":"greeter","environment":"dev","count":2}' | field id)
operate '{"action":"scale","service":"greeter","environment":"dev","count":3}' yes >/dev/null
check 'a plan that does not hold any more is refused' \
	"$(post /v1/operations "{\"plan\":\"$early\",\"confirm\":\"yes\"}" | field kind)" refused
check 'a plan is used once' "$(post /v1/operations "{\"plan\":\"$early\",\"confirm\":\"yes\"}" | field kind)" refused
check 'scaled' "$(until_is 10 3 placement ready)" 3
contains 'not beyond its maximum' "$(operate '{"action":"scale","service":"greeter","environment":"dev","count":4}' yes)" 'at most 3'

old=$(daemon_pid)
pids=$(get /v1/instances | python3 -c 'import json,sys; print(sorted(i["pid"] for i in json.load(sys.stdin)["items"]))')
kill -9 "$old"
until_is 10 yes sh -c "p=\$(curl -s --unix-socket $socket http://x/v1/info | sed 's/.*\"pid\":\([0-9]*\).*/\1/'); [ -n \"\$p\" ] && [ \"\$p\" != $old ] && echo yes" >/dev/null
check 'a killed daemon comes back with the same processes' \
	"$(get /v1/instances | python3 -c 'import json,sys; print(sorted(i["pid"] for i in json.load(sys.stdin)["items"]))')" "$pids"
check 'and sees them well' "$(until_is 10 3 placement ready)" 3

victim=$(get /v1/instances | field items.0.pid)
kill -9 "$victim"
check 'a killed instance is seen' "$(until_is 5 2 placement ready)" 2
check 'and started again' "$(until_is 10 3 placement ready)" 3

operate '{"action":"lock","service":"greeter","environment":"dev","reason":"freeze"}' yes >/dev/null
contains 'a lock refuses' "$(operate '{"action":"restart","service":"greeter","environment":"dev"}' yes)" freeze
operate '{"action":"unlock","service":"greeter","environment":"dev"}' yes >/dev/null
restart=$(operate '{"action":"restart","service":"greeter","environment":"dev"}' yes | field id)
check 'restarted one by one' "$(until_is 30 done state_of "$restart")" 'done'

note=$(operate '{"action":"note","service":"greeter","text":"a note"}' '' | field id)
check 'a note is there' "$(get /v1/notes | field items.0.text)" 'a note'
post /v1/undo "{\"operation\":\"$note\"}" >/dev/null
check 'and undone' "$(get /v1/notes | field items.0)" ''

cursor=$(get /v1/notes | field cursor)
operate '{"action":"note","service":"greeter","text":"seen"}' '' >/dev/null
contains 'a watch goes on from its cursor' \
	"$(curl -sN --max-time 1 --unix-socket "$socket" "http://x/v1/watch?kinds=notes&cursor=$cursor")" '"text":"seen"'
contains 'a cursor of another life is gone' \
	"$(curl -sN --max-time 1 --unix-socket "$socket" 'http://x/v1/watch?kinds=notes&cursor=0123456789abcdef.1')" '"status":410'

check 'no such path' "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$socket" http://x/v1/nothing)" 404
check 'a wrong method' "$(curl -s -o /dev/null -w '%{http_code}' -X DELETE --unix-socket "$socket" http://x/v1/plans)" 405
check 'no JSON' "$(curl -s -o /dev/null -w '%{http_code}' -d '{{' --unix-socket "$socket" http://x/v1/plans)" 400
head -c 2000000 /dev/zero | tr '\0' ' ' >"$work/big"
check 'a big body' "$(curl -s -o /dev/null -w '%{http_code}' --data-binary "@$work/big" --unix-socket "$socket" http://x/v1/plans)" 413
check 'a runbook of nowhere' "$(curl -s -o /dev/null -w '%{http_code}' --path-as-is --unix-socket "$socket" http://x/v1/runbooks/greeter/../../etc/passwd)" 404
check '200 watchers are served' "$(python3 - "$socket" <<'PY'
import socket, sys
held = []
for i in range(200):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    s.connect(sys.argv[1])
    s.sendall(b"GET /v1/watch?kinds=locks HTTP/1.1\r\nHost: x\r\n\r\n")
    held.append(s)
print(sum(b"200 OK" in s.recv(4096) for s in held))
PY
)" 200
check 'the audit chain holds' "$(get /v1/audit/verify | field ok)" true

down=$(operate '{"action":"down","service":"greeter"}' yes | field state)
check 'down' "$down" 'done'
check 'it is stopped' "$(until_is 10 stopped placement health)" stopped
check 'nothing of it is left' "$(until_is 15 0 sh -c "curl -s --unix-socket $socket http://x/v1/instances | grep -c greeter-dev")" 0
post /v1/shutdown '{"services":true}' >/dev/null
check 'the end ends the keeper' "$(until_is 15 gone sh -c "grep -qs '^State:.[^Z]' /proc/$keeper/status || echo gone")" gone
echo "1..$n"
