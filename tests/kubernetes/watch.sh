#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A console that watches while its API server is killed and started anew, while etcd forgets, while connections end in
# silence: it comes back by itself, loses no change, and does not call old what it shows fresh.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
needs_rig
make_namespace
deployment first 1
proxied "$scratch/proxied.kubeconfig"
config <<YAML
dev $scratch/proxied.kubeconfig $ns
YAML
kubectl_is_back()
{
	kube get --raw /readyz >/dev/null 2>&1
}
console "$fairway"
screened 'the console shows what is there' sees 20 first
deployment second 1
screened 'and what comes' sees 10 second
kube -n "$ns" delete deployment first >/dev/null
screened 'and what goes' misses 10 first

rig kill apiserver
screened 'a killed API server is told' sees 30 blind
rig restart apiserver
deployment third 1
screened 'it comes back by itself' sees 45 third
screened 'and takes it back' misses 20 blind
kube -n "$ns" delete deployment second >/dev/null
screened 'changes go on' misses 60 second

# Cut off while much changes and the versions it knows are forgotten.
fault stall
deployment fourth 1
kube -n "$ns" delete deployment third >/dev/null
rig compact
rig restart apiserver
rig compact
until_done 20 kubectl_is_back
deployment fifth 1
fault clear
fault drop
screened 'after 410 it has what came' sees 60 fourth
screened 'up to the last' sees 20 fifth
screened 'and has no more what went' misses 20 third

fault half server 0
deployment sixth 1
until_done 5 false
fault clear
screened 'a stream that ended in silence is begun again' sees 60 sixth
fault slow 5000
deployment seventh 1
screened 'slow bytes come too' sees 60 seventh
fault clear
plan
