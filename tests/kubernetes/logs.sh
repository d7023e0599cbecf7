#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Logs of a service: all its pods and containers merged, what kubectl prints and no more, pods that join, the container
# before.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
needs_node
make_namespace
deployment web 2 'for i in 1 2 3 4 5; do echo "$(hostname) says $i"; done
          while :; do sleep 1; done' '
      - name: side
        image: '"$(image 1)"'
        command: [sh, -c, "echo $(hostname) aside; trap \"exit 0\" TERM; while :; do sleep 1; done"]'
rolled_out web || exit 1
config <<YAML
prod $KUBE_CONFIG $ns
YAML
texts()
{
	python3 -c 'import json, sys
for line in open(sys.argv[1]):
    d = json.loads(line)
    if "text" in d:
        print(d["text"])' "$1" | sort
}
run logs web --env prod --since 1h -o json
texts "$scratch/out" >"$scratch/ours"
kube -n "$ns" logs -l app.kubernetes.io/name=web --all-containers --tail=-1 | sort >"$scratch/theirs"
truly 'the lines of every pod and container, as kubectl has them' diff "$scratch/theirs" "$scratch/ours"
truly 'which are twelve' test "$(wc -l <"$scratch/ours")" -eq 12

child follow "$fairway" logs web --env prod --follow --since 1h -o json
is_following()
{
	grep -q aside "$scratch/follow.out"
}
until_done 20 is_following
kube -n "$ns" scale deployment/web --replicas=3 >/dev/null
rolled_out web
has_joined()
{
	[ "$(texts "$scratch/follow.out" | wc -l)" -eq 18 ]
}
truly 'a pod that joins is followed' until_done 30 has_joined
texts "$scratch/follow.out" | uniq -d >"$scratch/out"
never 'and no line comes twice' test -s "$scratch/out"

deployment crash 1 'echo "last words of $(cat /proc/sys/kernel/random/uuid)"; exit 3'
has_crashed()
{
	[ "$(kube -n "$ns" get pods -l app.kubernetes.io/name=crash \
		-o 'jsonpath={.items[0].status.containerStatuses[0].restartCount}')" -ge 1 ] 2>/dev/null
}
until_done 60 has_crashed
pod=$(kube -n "$ns" get pods -l app.kubernetes.io/name=crash -o 'jsonpath={.items[0].metadata.name}')
as_kubectl()
{
	run logs crash --env prod --previous -o json
	texts "$scratch/out" >"$scratch/ours"
	kube -n "$ns" logs "$pod" --previous >"$scratch/theirs" 2>/dev/null && cmp -s "$scratch/theirs" "$scratch/ours"
}
truly 'the container before has its last words' until_done 40 as_kubectl
plan
