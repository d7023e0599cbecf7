#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Deploys through the whole platform, under load: no request is lost or doubled over cut overs, a daemon that is
# killed in a deploy, a release that fails and a rollback; a change is healthy within 5 s.
set -u
build=$(cd "${BUILD:-build}" && pwd)
fairway=$build/fairway
load=$build/tests/tools/load
dir=$(mktemp -d /tmp/fairway-e2e-deploy-XXXXXX)
export HOME="$dir" FAIRWAY_STATE_DIR="$dir/state"
unset XDG_STATE_HOME XDG_CONFIG_HOME
n=0 failed=0
trap 'timeout 30 "$fairway" platform down --yes >/dev/null 2>&1; rm -rf "$dir"' EXIT

ok() { # STATUS WORDS: 0 is good
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $n - $2"
	else
		failed=$((failed + 1))
		echo "not ok $n - $2"
		sed 's/^/# /' "$dir/out"
	fi
}

# A port that is free now: the wish of the service.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir "$dir/shop"
cat >"$dir/shop/service.yaml" <<END
name: shop
run: ./run.sh
port: $port
health:
  path: /healthz
scaling:
  min_replicas: 2
watch: 1s
END
serve() {
	printf '#!/bin/sh\n# %s\nexec "%s" serve 0 "%s/seen"\n' "$1" "$load" "$dir" >"$dir/shop/run.sh"
	chmod +x "$dir/shop/run.sh"
}
deploy() {
	timeout 60 "$fairway" deploy shop --env dev --yes >"$dir/out" 2>&1
}

serve one
timeout 30 "$fairway" up "$dir/shop" >"$dir/out" 2>&1
ok $(($? != 3)) "commands that nobody approved are not run (3)"
hash=$(sed -n 's/^approve with: --approve //p' "$dir/out")
timeout 60 "$fairway" up "$dir/shop" --approve "$hash" >"$dir/out" 2>&1
ok $? "an approved folder comes up"
url=$(timeout 10 "$fairway" service shop -o json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["url"])')
port=${url##*:}

timeout 120 "$load" post "$port" 50 60 "$dir/seen" "$dir/stop" >"$dir/load" 2>&1 &
loader=$!
serve two
start=$(date +%s%N)
deploy
ok $? "a change is deployed under load"
took=$((($(date +%s%N) - start) / 1000000))
[ $took -le 6000 ] # 5 s from the change to healthy, and the watch of 1 s
ok $? "change to healthy within 5 s, watched for 1 s: $took ms"

serve three
timeout 60 "$fairway" deploy shop --env dev --yes >"$dir/killed" 2>&1 &
deployer=$!
for i in $(seq 200); do
	grep -q 'healthy: running' "$dir/killed" && break
	sleep 0.05
done
daemon=$(pgrep -f "fairway --daemon $dir/state" | head -n 1)
kill -KILL "$daemon"
wait $deployer
for i in $(seq 200); do
	timeout 10 "$fairway" deploys -o json >"$dir/out" 2>&1 && python3 -c '
import json, sys
sys.exit(json.load(open(sys.argv[1]))[0]["state"] == "running")' "$dir/out" && break
	sleep 0.1
done
python3 -c '
import json, sys
sys.exit(json.load(open(sys.argv[1]))[0]["state"] != "succeeded")' "$dir/out"
ok $? "a deploy whose daemon was killed is ended by the next one"

printf '#!/bin/sh\necho broken on purpose\nexit 3\n' >"$dir/shop/run.sh"
deploy
ok $(($? != 1)) "a release that exits at once fails (1)"
grep -q 'status 3' "$dir/out"
ok $? "and says why"
timeout 10 "$fairway" service shop -o json >"$dir/out" 2>&1
python3 -c '
import json, sys
p = json.load(open(sys.argv[1]))[0]
sys.exit(not (p["ready"] == 2 and p["health"] == "ok"))' "$dir/out"
ok $? "what served before goes on serving"

timeout 60 "$fairway" rollback shop --env dev --yes >"$dir/out" 2>&1
ok $? "a rollback brings the release before back"
touch "$dir/stop"
wait $loader
status=$?
cp "$dir/load" "$dir/out"
ok $status "no request was lost, doubled or failed: $(cat "$dir/load")"

timeout 30 "$fairway" platform down --yes >"$dir/out" 2>&1
ok $? "the platform goes down"
pgrep -f "$dir" >"$dir/out"
ok $(($? != 1)) "and leaves no process"
echo "1..$n"
[ $failed -eq 0 ]
