#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lists come as Protocol Buffers, and as JSON from a server that has none of those: the same is told of both. A proxy
# spoils what the second one asks for, on the plain way that kubectl proxy offers.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
make_namespace

deployment web 2
deployment broken 1 'exit 3' '' crash
kube -n "$ns" create job once --image "$(image 1)" -- true >/dev/null
kube -n "$ns" create cronjob nightly --image "$(image 1)" --schedule '0 4 * * *' -- true >/dev/null
kube -n "$ns" apply -f - >/dev/null <<YAML || exit 1
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, labels: {app.kubernetes.io/name: db, app.kubernetes.io/version: "16.1"}}
spec:
  replicas: 0
  serviceName: db
  selector: {matchExpressions: [{key: app.kubernetes.io/name, operator: In, values: [db]}]}
  template:
    metadata: {labels: {app.kubernetes.io/name: db}}
    spec:
      initContainers: [{name: migrate, image: "$(image 1)", restartPolicy: Always}]
      containers:
      - name: db
        image: $(image 2)
        resources: {requests: {cpu: 50m, memory: 16Mi}, limits: {memory: 32Mi}}
YAML
until_done 60 kube -n "$ns" rollout status deployment/web --timeout 1s >/dev/null 2>&1
kube -n "$ns" patch deployment web -p '{"spec":{"template":{"metadata":{"annotations":{"a":"\"\\ü\u0001"}}}}}' >/dev/null
kube -n "$ns" rollout pause deployment/web >/dev/null

child way "$KUBECTL" --kubeconfig "$KUBE_CONFIG" proxy --port 0 --accept-hosts '.*'
until_done 10 grep -q 'Starting to serve' "$scratch/way.out" || fail 'kubectl proxy begins'
way=$(sed -n 's/.* on //p' "$scratch/way.out")
child spoiler "$BUILD/tests/faults/proxy" 127.0.0.1:0 "$way" "$scratch/spoiler.sock"
until_done 10 grep -q listening "$scratch/spoiler.out"
"$BUILD/tests/faults/proxy" "$scratch/spoiler.sock" instead vnd.kubernetes.protobuf vnd.kubernetes.protobox >/dev/null
spoiled=127.0.0.1:$(sed -n 's/listening on //p' "$scratch/spoiler.out")
{
	echo 'apiVersion: v1'
	echo 'kind: Config'
	echo 'current-context: c'
	echo "clusters: [{name: c, cluster: {server: 'http://$spoiled'}}]"
	echo 'contexts: [{name: c, context: {cluster: c, user: ""}}]'
} >"$scratch/plain"

# told KUBECONFIG WORD…: a verb's JSON without the time of its reading and what else an hour or an order may change.
told()
{
	echo "prod $1 $ns" >"$scratch/environments"
	config <"$scratch/environments"
	shift
	run "$@" -o json
	python3 -c 'import json, sys
def plain(d):
    if isinstance(d, dict):
        return {k: plain(v) for k, v in d.items() if k not in ("as_of", "age_ms", "uptime_ms")}
    if isinstance(d, list):
        return sorted((plain(v) for v in d), key=lambda v: json.dumps(v, sort_keys=True))
    return d
print(json.dumps(plain(json.load(open(sys.argv[1]))), sort_keys=True, indent=1))' "$scratch/out" 2>>"$scratch/err"
}
same()
{
	told "$KUBE_CONFIG" "$@" >"$scratch/of-messages" && told "$scratch/plain" "$@" >"$scratch/of-json" &&
		cmp -s "$scratch/of-messages" "$scratch/of-json"
}
for verb in services instances deploys releases events alerts 'why broken --env prod'; do
	# shellcheck disable=SC2086 # words
	if until_done 30 same $verb; then
		pass "$verb: the same of both"
	else
		fail "$verb: the same of both"
		diff "$scratch/of-messages" "$scratch/of-json" | head -n 20 | sed 's/^/# /'
	fi
done
if grep -q '"answer": "' "$scratch/of-json"; then pass 'what is compared is not nothing'; else fail 'what is compared is not nothing'; fi

# The second way was gone, and the server was not asked for messages on it.
asks()
{
	curl -s -o /dev/null -w '%{content_type}' -H 'Accept: application/vnd.kubernetes.protobuf,application/json' "$1/api/v1/namespaces/$ns/pods"
}
if [ "$(asks "http://$way")" = application/vnd.kubernetes.protobuf ] && [ "$(asks "http://$spoiled")" = application/json ]; then
	pass 'one way has messages, the other has none'
else
	fail 'one way has messages, the other has none'
fi
plan
