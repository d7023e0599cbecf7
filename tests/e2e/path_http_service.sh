#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The golden path http-service: what it makes passes its own tests, serves, fails on request, and stops in order.
set -u
build=${BUILD:-build}
case $build in /*) ;; *) build=$PWD/$build ;; esac
dir=$(mktemp -d "${TMPDIR:-/tmp}/fairway-path-XXXXXX")
pid=
finish() {
	if [ -n "$pid" ]; then kill -KILL "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; fi
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM
n=0
check() { # NAME: the status of the command before decides
	status=$?
	n=$((n + 1))
	if [ "$status" -eq 0 ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; fi
}
render() { "$build/tests/tools/path_render" http-service "$@" 2>"$dir/err"; }
ask() { # PATH: prints the status and the body
	python3 -c '
import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=5)
c.request("GET", sys.argv[2]); r = c.getresponse(); print(r.status, r.read().decode())' "$port" "$1"
}

render "$dir/orders" name=orders team=payments
check 'the path makes a folder'
(cd "$dir/orders" && timeout 20 python3 -W error -m unittest >"$dir/unittest" 2>&1)
check 'its own tests pass'
sed -n 's/^Ran .* in \([0-9]*\)\..*s$/\1/p' "$dir/unittest" | grep -qx 0
check 'in less than a second'
[ "$(cd "$dir/orders" && git init -q . && git status --porcelain | grep -c pycache)" = 0 ]
check 'what Python leaves behind is ignored by git'
! ls -A "$dir" | grep >/dev/null '\.new$'
check 'nothing temporary stays'

before=$(cat "$dir/orders/main.py" | cksum)
render "$dir/orders" name=orders team=other
[ $? -eq 3 ] && grep -q 'exists already' "$dir/err" && [ "$before" = "$(cat "$dir/orders/main.py" | cksum)" ]
check 'an existing folder is refused and left as it is'
render "$dir/bad" name=Orders team=payments port=80000
[ $? -eq 2 ] && grep -q 'name: "Orders"' "$dir/err" && grep -q 'port: "80000"' "$dir/err" && [ ! -e "$dir/bad" ]
check 'wrong answers are all named and make nothing'

# A hostile description must reach every file as text.
hostile='x"; import os #: {a} <% name %> $(touch pwned) `id` \ '"'"' é'
render "$dir/hostile" name=hostile team=payments "description=$hostile"
(cd "$dir/hostile" && timeout 20 python3 -m unittest >/dev/null 2>&1)
check 'a hostile description breaks no generated test'

mkfifo "$dir/log"
(cd "$dir/orders" && PORT=0 FAIRWAY_SERVICE=orders FAIRWAY_ENVIRONMENT=dev FAIRWAY_VERSION=1.2.3 \
	FAIRWAY_FAULT_FILE="$dir/fault" exec python3 main.py) >"$dir/log" 2>"$dir/stderr" &
pid=$!
exec 3<"$dir/log"
read -r first <&3
port=$(printf '%s\n' "$first" | python3 -c 'import json, sys; print(json.load(sys.stdin)["port"])')
[ "${port:-0}" -gt 0 ]
check 'it starts and says where it listens, as JSON'
ask / | grep >/dev/null '^200 {"service": "orders", "environment": "dev", "version": "1.2.3"}'
check 'it answers'
[ "$(ask /healthz)" = '200 ok' ] && [ "$(ask /readyz)" = '200 ready' ]
check 'it is healthy and ready'
echo errors=1 >"$dir/fault"
ask / | grep >/dev/null '^500 ' && [ "$(ask /healthz)" = '200 ok' ]
check 'the fault file makes requests fail, but no probe'
read -r line <&3
printf '%s\n' "$line" | python3 -c '
import json, sys
line = json.load(sys.stdin)
sys.exit(line["level"] != "error" or "InjectedFault" not in line["msg"] or "Traceback" not in line["trace"])'
check 'the failure is a log line with its stack trace'
rm "$dir/fault"
ask / | grep >/dev/null '^200 '
check 'without the file it works again'
metrics=$(ask /metrics)
printf '%s\n' "$metrics" | grep -qx 'http_requests_total{method="GET",path="/",code="500"} 1' &&
	printf '%s\n' "$metrics" | grep -qx 'http_requests_total{method="GET",path="/",code="200"} 2' &&
	printf '%s\n' "$metrics" | grep -qx 'service_build_info{version="1.2.3"} 1' &&
	printf '%s\n' "$metrics" | grep -qx 'http_request_duration_seconds_count 3'
check 'the metrics counted it all'
kill -TERM "$pid" && wait "$pid"
check 'SIGTERM ends it with status 0'
pid=
[ ! -s "$dir/stderr" ]
check 'nothing went to stderr'
echo "1..$n"
