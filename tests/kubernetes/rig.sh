#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the other tests stand on: pods run, servers are killed and come back with their data, versions are forgotten, and
# faults are the faults they are called. Seen by kubectl alone.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
needs_rig
ending()
{
	no_network
}
make_namespace
deployment web 2
truly 'a deployment rolls out' rolled_out web

version=$(field deployment/web .metadata.resourceVersion)
rig kill apiserver
never 'a killed API server answers nobody' kube get --raw /readyz --request-timeout=2s
truly 'it comes back' rig restart apiserver
truly 'and nothing is lost' test "$(field deployment/web .metadata.resourceVersion)" -ge "$version"
kube -n "$ns" scale deployment/web --replicas=1 >/dev/null
is 1 'controllers go on' deployment/web .status.replicas

truly 'etcd forgets' rig compact
rig restart apiserver
watch="/api/v1/namespaces/$ns/pods?watch=1&timeoutSeconds=2&resourceVersion=1"
until_done 20 kube get --raw "/api/v1/namespaces/$ns/pods" >/dev/null 2>&1
kube get --raw "$watch" >"$scratch/out" 2>"$scratch/err"
status=$?
cat "$scratch/err" >>"$scratch/out"
holds 'a watch from before is expired' out 'too old resource version|[Ee]xpired'

proxied "$scratch/proxied.kubeconfig"
through="$KUBECTL --kubeconfig $scratch/proxied.kubeconfig"
truly 'TLS goes through the fault proxy' $through get --raw /readyz
fault cut server 3000
never 'a cut connection fails' $through get --raw /api/v1/pods
fault clear
truly 'and is well again' $through get --raw /api/v1/pods
fault refuse
never 'a refused one fails' $through get --raw /readyz --request-timeout=2s
fault clear

if [ "$(id -u)" = 0 ] && network; then
	kill "$proxy"
	rm -f "$scratch/proxy.out"
	proxied "$scratch/inside.kubeconfig" "$net_here"
	through="inside $KUBECTL --kubeconfig $scratch/inside.kubeconfig get --raw /readyz --request-timeout=3s"
	truly 'reached from another network' $through
	unplug
	never 'not when the cable is cut' $through
	plug
	truly 'and again when it is joined' until_done 20 $through
else
	skip 'another network' 'it takes root and ip(8)'
fi
plan
