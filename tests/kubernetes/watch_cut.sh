#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A console that watches while its connections are broken a hundred times, anywhere, and twelve deployments change all the
# while: in the end its screen has each as the cluster has it, and nothing that was deleted.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
needs_rig
make_namespace
proxied "$scratch/proxied.kubeconfig"
config <<YAML
dev $scratch/proxied.kubeconfig $ns
YAML
# put NAME VERSION…: a deployment each of no replicas.
put()
{
	while [ $# -gt 0 ]; do
		cat <<YAML
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: $1, namespace: $ns, labels: {app.kubernetes.io/name: $1}}
spec:
  replicas: 0
  selector: {matchLabels: {app.kubernetes.io/name: $1}}
  template:
    metadata: {labels: {app.kubernetes.io/name: $1}}
    spec: {containers: [{name: server, image: "rig.local/busybox:$2"}]}
YAML
		shift 2
	done | kube apply -f - >/dev/null
}
chance() # BELOW
{
	echo $(($(od -An -N4 -tu4 /dev/urandom) % $1))
}
set --
for i in 10 11 12 13 14 15 16 17 18 19 20 21; do set -- "$@" "shop$i" v0; done
put "$@"
console "$fairway"
screened 'the console has them' sees 20 shop21

# Deletes one now and then, else gives one or three another version.
change()
{
	if [ "$(chance 4)" -eq 0 ]; then
		kube -n "$ns" delete deployment "shop1$(chance 10)" --ignore-not-found --wait=false >/dev/null
	else
		put "shop1$(chance 10)" "v$1.1" "shop2$(chance 2)" "v$1.2" "shop1$(chance 10)" "v$1.3"
	fi
}
cuts=0
while [ $cuts -lt 100 ]; do
	case $((cuts % 4)) in
	0) fault reset server "$(chance 12000)" 1 ;;
	1) fault cut server "$(chance 30000)" 2 ;;
	2) fault half server "$(chance 5000)" 1 ;;
	esac
	[ $((cuts % 3)) -ne 0 ] || change $cuts
	fault drop
	cuts=$((cuts + 1))
	sleep 0.3 # long enough to begin anew, at times too short to come to an end
done
change 100
fault clear
put shop90 last
screened 'what came last is seen' sees 60 shop90

kube -n "$ns" get deployments -o 'jsonpath={range .items[*]}{.metadata.name} {.spec.template.spec.containers[0].image}{"\n"}{end}' |
	sed 's/rig.local.busybox://' | sort >"$scratch/truth"
# The rows of the services as the screen has them: a mark, the name, the team, the version.
is_true()
{
	echo screen >&9
	sees 5 shop90 # the screen is printed before that is answered
	tail -n 40 "$scratch/console.out" | sed -n 's/^│[^ ]* \(shop[0-9]*\)  *unowned  *\[*\([a-z0-9.]*\).*/\1 \2/p' | sort >"$scratch/shown"
	cmp -s "$scratch/truth" "$scratch/shown"
}
truly 'and all is as the cluster has it' until_done 20 is_true
diff "$scratch/truth" "$scratch/shown" | sed 's/^/# /'
plan
