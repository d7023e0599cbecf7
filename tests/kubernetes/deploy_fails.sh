#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rollouts that do not come to their end: a bad image, a failing probe, a quota. Each is told with its reason, and none is
# called well; what ran before goes on.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
needs_node
make_namespace
kube -n "$ns" create configmap switch --from-literal=ready=yes >/dev/null
script='[ "$READY" != yes ] || touch /tmp/ready
          while :; do sleep 1; done'
probed='readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1}
        env: [{name: READY, valueFrom: {configMapKeyRef: {name: switch, key: ready}}}]'
deployment web 2 "$script" "$probed"
rolled_out web || exit 1
config <<YAML
dev $KUBE_CONFIG $ns
YAML

does 1 'a bad image is a failed deploy' deploy web no-such-tag
cat "$scratch/err" >>"$scratch/out"
holds 'told with its reason' out 'ImagePull|ErrImage|pull'
is 2 'what ran before runs' deployment/web .status.availableReplicas
until_shows 'the placement is not ok' 20 'd[0]["health"] != "ok" and "ull" in d[0]["reason"]' service web --env dev
until_shows 'nor is the instance' 20 'any("ull" in (i.get("reason") or "") for i in d)' instances web --env dev
run why web --env dev
holds 'why says it' out "[Pp]ull"
does 0 'undo of a half-failed rollout' rollback web
truly 'ends it' rolled_out web
until_shows 'and all is well' 20 'd[0]["health"] == "ok"' service web --env dev

kube -n "$ns" patch configmap switch -p '{"data": {"ready": "no"}}' >/dev/null
does 1 'a failing probe is a failed deploy' deploy web "$(tag 2)"
cat "$scratch/err" >>"$scratch/out"
holds 'told with its reason' out '[Rr]eadiness|probe|not ready'
is 2 'what ran before runs' deployment/web .status.availableReplicas
kube -n "$ns" patch configmap switch -p '{"data": {"ready": "yes"}}' >/dev/null
does 0 'undo' rollback web
truly 'ends it' rolled_out web

kube -n "$ns" create quota small --hard=pods=2 >/dev/null
does 1 'an exhausted quota is a failed deploy' deploy web "$(tag 2)"
cat "$scratch/err" >>"$scratch/out"
holds 'told with its reason' out '[Qq]uota'
kube -n "$ns" delete quota small >/dev/null
does 0 'undo' rollback web
truly 'ends it' rolled_out web
plan
