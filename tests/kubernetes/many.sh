#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Many pods, FAIRWAY_TEST_PODS of them: every one is there, none twice, and told as kubectl tells it. On a cluster of
# its own.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
needs_rig
pods=${FAIRWAY_TEST_PODS:-1000}
second && second_rig fill "$pods" >>"$scratch/rig" 2>&1 || exit 1
config <<YAML
prod $second_config -
YAML
# As the server writes it: kubectl takes half a minute and 600 MiB to read and print 10,000 of them.
"$KUBECTL" --kubeconfig "$second_config" get --raw /api/v1/pods >"$scratch/pods" || exit 1
says 0 'instances of all' instances --env prod -o json
mv "$scratch/out" "$scratch/said"
cat >"$scratch/same.py" <<'EOF'
import collections, json, sys
pods = json.load(open(sys.argv[1]))["items"]
ours = json.load(open(sys.argv[2]))
def ready(p):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in p["status"].get("conditions", []))
def restarts(p):
    return sum(c["restartCount"] for c in p["status"].get("containerStatuses", []))
wanted = collections.Counter((p["metadata"]["name"], ready(p), restarts(p), p["spec"].get("nodeName")) for p in pods)
got = collections.Counter((i["id"].split("/")[-1], i["ready"], i["restarts"], i["node"]) for i in ours)
print(len(pods), "pods,", len(ours), "instances")
print("missing", list((wanted - got).items())[:3], "too many", list((got - wanted).items())[:3])
sys.exit(0 if wanted == got and len(pods) >= int(sys.argv[3]) else 1)
EOF
truly 'each is a pod, with its readiness, restarts and node' python3 "$scratch/same.py" "$scratch/pods" "$scratch/said" "$pods"

# The best of six times: what the controllers still have to say of new pods comes in, and ages are told in seconds at first.
{
	echo 'wait 60000 load-'
	for i in 1 2 3 4 5 6; do echo 'idle 10'; done
	echo 'end 2000 TERM'
} | "${BUILD:-build}/tests/tools/terminal" 40x120 "$fairway" >"$scratch/out" 2>"$scratch/err"
calm=$(sed -n 's/^idle wake-ups\t\([0-9.]*\).*/\1/p' "$scratch/out" | sort -n | head -n 1)
truly "a console sleeps while nothing changes: ${calm:-no} wake-ups/s" awk -v n="${calm:-99}" 'BEGIN { exit n > 2 }'
plan
