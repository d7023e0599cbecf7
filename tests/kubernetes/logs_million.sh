#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A pod that prints a million numbered lines while the node rotates its log every few seconds and its container is started
# anew twice: whoever follows it has each line once, in order.
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
cat >"$scratch/numbers.py" <<'EOF'
import json, sys
said = [json.loads(line) for line in open(sys.argv[1])]
lines = [int(d["text"]) for d in said if d.get("text", "").isdigit()]
last = int(sys.argv[2])
print(len(lines), "lines,", len(set(lines)), "different; first out of place:",
      next(((i + 1, n) for i, n in enumerate(lines) if n != i + 1), None))
print([d for d in said if not d.get("text", "").isdigit()][:10])
sys.exit(0 if lines == list(range(1, last + 1)) else 1)
EOF
truly 'a million numbers, no gap, no repeat' python3 "$scratch/numbers.py" "$scratch/follow.out" $last
plan
