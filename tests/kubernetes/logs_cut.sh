#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A log that is followed while its connections are broken a hundred times, anywhere, and while the API server is killed and
# begun anew: no number twice, none missing that is not said to be.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
needs_rig
needs_node
make_namespace
last=80000
deployment counter 1 "
          n=0
          while [ \$n -lt $last ]; do seq \$((n + 1)) \$((n + 100)); n=\$((n + 100)); sleep 0.07; done
          echo finished
          while :; do sleep 1; done"
proxied "$scratch/proxied.kubeconfig" || exit 1
config <<YAML
prod $scratch/proxied.kubeconfig $ns
YAML
until_shows 'the pod is seen' 30 'len(d) == 1' instances counter --env prod
child follow "$fairway" logs counter --env prod --follow --since 1h -o json
is_followed()
{
	grep -q '"text":"100"' "$scratch/follow.out"
}
truly 'it is followed' until_done 20 is_followed
is_finished()
{
	tail -n 50 "$scratch/follow.out" | grep -q finished
}
# Of the next connection, after so many bytes; or of all that are open, now.
cuts=0
while [ $cuts -lt 100 ] && ! is_finished; do
	some=$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')
	case $((cuts % 4)) in
	0) fault reset server $((some % 20000)) 1 ;;
	1) fault cut server $((some % 60000)) 1 ;;
	2) fault half server $((some % 5000)) 1 ;;
	esac
	fault drop
	cuts=$((cuts + 1))
	sleep 0.4
done
fault clear
fault drop
# A server that is away for a while.
fault refuse
fault drop
sleep 2
fault clear
truly 'it is followed to its end' until_done 120 is_finished
truly 'no number twice, none missing' python3 tests/kubernetes/numbers.py "$scratch/follow.out" $last
truly 'which is said' test "$(grep -c 'the stream broke' "$scratch/follow.out")" -ge 10
plan
