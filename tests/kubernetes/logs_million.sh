#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Pods whose log the node rotates every few seconds: one prints a million numbered lines, its container started anew twice, the
# other few and long ones. Whoever follows them has each line once, in order. The kubelet itself may lose some at a rotation
# (k8s.io/cri-client/pkg/logs reads the new file once it is there, whatever is yet written to the old one): said in line, with
# the two times between which they were written.
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
slow=1500
deployment slow 1 "
          long=\$(head -c 15000 /dev/zero | tr '\\0' x)
          n=0
          while [ \$n -lt $slow ]; do n=\$((n + 1)); echo \"\$n \$long\"; sleep 0.03; done
          echo finished; sleep 1000"
config <<YAML
prod $KUBE_CONFIG $ns
YAML
# follows SERVICE: into $scratch/SERVICE.out
follows()
{
	until_shows "the pod of $1 is seen" 30 'len(d) == 1' instances "$1" --env prod
	child "$1" "$fairway" logs "$1" --env prod --follow --since 1h -o json
}
is_finished()
{
	tail -n 50 "$scratch/$1.out" | grep -q finished
}
follows counter
follows slow
truly 'a few long lines are followed to their end' until_done 300 is_finished slow
truly 'and a million short ones' until_done 300 is_finished counter
restarts=$(kube -n "$ns" get pods -l app.kubernetes.io/name=counter \
	-o 'jsonpath={.items[0].status.containerStatuses[0].restartCount}')
truly 'through two restarts' test "$restarts" -ge 2
for service in slow counter; do
	truly "$service: no rotation goes unnoticed" grep -q 'rotated its log' "$scratch/$service.out"
done
sleep 16 # the last look at a file
truly 'long lines: none twice, none missing but where it is said, and when' python3 tests/kubernetes/numbers.py \
	"$scratch/slow.out" $slow
truly 'a million numbers: likewise' python3 tests/kubernetes/numbers.py "$scratch/counter.out" $last
plan
