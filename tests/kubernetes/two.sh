#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two clusters as two environments of one service: side by side, each changed alone, one dead without the other.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
needs_rig
second || exit 1
second_kube()
{
	"$KUBECTL" --kubeconfig "$second_config" "$@"
}
second_rig fill 0 >>"$scratch/rig" 2>&1
make_namespace
deployment web 1
rolled_out web || exit 1
first_config=$KUBE_CONFIG
second_kube create namespace "$ns" >/dev/null
KUBE_CONFIG=$second_config deployment web 2
truly 'both run' until_done 30 second_kube -n "$ns" rollout status deployment/web --timeout=1s
config <<YAML
staging $first_config $ns
prod $second_config $ns
YAML
both='len(d) == 1 and sorted((p["environment"], p["ready"]) for p in d[0]["placements"]) == [("prod", 2), ("staging", 1)]'
until_shows 'one service, two placements' 20 "$both" services
until_shows 'instances of both' 20 'sorted(i["environment"] for i in d) == ["prod", "prod", "staging"]' instances web
says 0 'a change of one' scale web 3 --env prod --yes
second_kube -n "$ns" get deployment web -o 'jsonpath={.spec.replicas}' >"$scratch/out"
holds 'is made there' out '^3$'
is 1 'and there only' deployment/web .spec.replicas

second_rig kill apiserver >/dev/null 2>&1
run services -o json
json 'one dead, the other is told' \
	'any(p["environment"] == "staging" and p["ready"] == 1 for s in d for p in s["placements"])'
cat "$scratch/err" >>"$scratch/out"
holds 'and which is dead' out 'prod'
says 5 'asked for the dead one it says so' services --env prod
says 0 'the other can be changed' scale web 2 --env staging --yes
is 2 'and is' deployment/web .spec.replicas
plan
