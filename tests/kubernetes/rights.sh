#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# People who may do less: real Roles and RoleBindings, and what kubectl auth can-i says beside.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
make_namespace
deployment web 1
rolled_out web || exit 1
kube -n "$ns" create serviceaccount limited >/dev/null
kube -n "$ns" create role reader --verb=get,list,watch \
	--resource=pods,deployments.apps,replicasets.apps,statefulsets.apps,daemonsets.apps,jobs.batch,cronjobs.batch,events \
	>/dev/null
kube -n "$ns" create rolebinding reader --role=reader --serviceaccount="$ns:limited" >/dev/null
token=$(kube -n "$ns" create token limited)
kube config view --minify --flatten -o json | python3 -c 'import json, sys
d = json.load(sys.stdin)
d["users"] = [{"name": "limited", "user": {"token": sys.argv[1]}}]
d["contexts"] = [{"name": "limited", "context": {
    "cluster": d["clusters"][0]["name"], "user": "limited", "namespace": sys.argv[2]}}]
d["current-context"] = "limited"
json.dump(d, sys.stdout)' "$token" "$ns" >"$scratch/limited.kubeconfig"
limited()
{
	"$KUBECTL" --kubeconfig "$scratch/limited.kubeconfig" "$@"
}
config <<YAML
dev $scratch/limited.kubeconfig $ns
YAML

never 'it may not list the pods of the cluster' limited get --raw /api/v1/pods
until_shows 'it sees its namespace' 20 'd[0]["name"] == "web" and d[0]["placements"][0]["ready"] == 1' services
never 'it may not patch' limited auth can-i patch deployments -n "$ns"
does 3 'and is refused' deploy web "$(tag 2)"
cat "$scratch/err" >>"$scratch/out"
holds 'with the right that is missing' out 'patch.*deployments|deployments.*patch'
is "$(image 1)" 'nothing is changed' deployment/web "$image_of"
for operation in 'restart web' 'scale web 2'; do
	# shellcheck disable=SC2086
	does 3 "refused: $operation" $operation
done
is 1 'nothing is scaled' deployment/web .spec.replicas
run logs web --env dev
cat "$scratch/err" >>"$scratch/out"
holds 'logs name the right that is missing' out 'pods/log'

config <<YAML
dev $scratch/limited.kubeconfig -
YAML
until_shows 'without a word of namespaces it has that of the context' 20 'd[0]["name"] == "web"' services

console "$fairway"
screened 'the console of one who may only look' sees 20 web
types ':web<enter>'
screened 'greys what may not be done' sees 20 'D (deploy)'
types '?'
screened 'names the right that is missing, in its help' sees 20 'you may not patch deployments in'
screened 'of a subresource too' sees 20 'you may not patch deployments/scale in'
types '<esc>'
misses 20 deployments/scale
types ':cancel-dep'
screened 'beside each command of the palette' sees 20 'cancel-deploy                       you may not patch'
types '<esc>'
misses 20 cancel-deploy
types 'R'
screened 'and when the key is pressed' sees 20 "you may not patch deployments in namespace $ns"
types '<esc>Q'
exec 9>&-

kube -n "$ns" create role writer --verb=patch --resource=deployments.apps,deployments.apps/scale >/dev/null
kube -n "$ns" create rolebinding writer --role=writer --serviceaccount="$ns:limited" >/dev/null
truly 'now it may patch' until_done 10 limited auth can-i patch deployments -n "$ns"
does 0 'and does' deploy web "$(tag 2)"
is "$(image 2)" 'the image runs' deployment/web "$image_of"

kube -n "$ns" create serviceaccount nobody >/dev/null
token=$(kube -n "$ns" create token nobody)
sed "s/\"token\": *\"[^\"]*\"/\"token\": \"$token\"/" "$scratch/limited.kubeconfig" >"$scratch/nobody.kubeconfig"
config <<YAML
dev $scratch/nobody.kubeconfig $ns
YAML
run services
cat "$scratch/err" >>"$scratch/out"
never 'who may nothing is not told that there is nothing' test "$status" -eq 0
plan
