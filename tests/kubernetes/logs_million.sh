#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A pod that prints a million numbered lines while the node rotates its log every few seconds and its container is started
# anew twice: whoever follows it has each line once, in order. The kubelet itself may lose some in the moment of a rotation
# (k8s.io/cri-client/pkg/logs reads the new file once it is there, whatever was written to the old one since): said in line.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
needs_node
make_namespace
last=1000000
# Runs of a third each; where the next one begins is kept beside the container.
deployment counter 1 "
          n=\$(cat /kept/n 2>/dev/null || echo 0)
          [ \$n -lt $last ] || { echo finished; sleep 1000; }
          end=\$((n + 350000)); [ \$end -lt $last ] || end=$last
          while [ \$n -lt \$end ]; do seq \$((n + 1)) \$((n + 2000)); n=\$((n + 2000)); sleep 0.1; done
          echo \$n >/kept/n" 'volumeMounts: [{name: kept, mountPath: /kept}]
      volumes: [{name: kept, emptyDir: {}}]'
config <<YAML
prod $KUBE_CONFIG $ns
YAML
until_shows 'the pod is seen' 30 'len(d) == 1' instances counter --env prod
child follow "$fairway" logs counter --env prod --follow --since 1h -o json
is_finished()
{
	tail -n 50 "$scratch/follow.out" | grep -q finished
}
if until_done 300 is_finished; then pass 'followed to its end'; else fail 'followed to its end'; fi
restarts=$(kube -n "$ns" get pods -o 'jsonpath={.items[0].status.containerStatuses[0].restartCount}')
if [ "$restarts" -ge 2 ]; then pass 'through two restarts'; else fail 'through two restarts'; fi
truly 'a million numbers, none twice, none missing but where it is said' python3 tests/kubernetes/numbers.py \
	"$scratch/follow.out" $last
plan
