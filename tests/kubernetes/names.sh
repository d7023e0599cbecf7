#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two pods of one name, in two namespaces of one source: neither stands for the other, in the console, in lists, in logs.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
make_namespace
one=$ns
make_namespace
other=$ns
config <<YAML
dev $KUBE_CONFIG $one,$other
YAML
for ns in "$one" "$other"; do
	workload apps/v1/StatefulSet web 'replicas: 1' '' "echo this is $ns; exec sleep 99999"
done
pair="sorted((i['id'], i['service']) for i in d) == [('$other/web-0', 'web.$other'), ('web-0', 'web.$one')] or \
sorted((i['id'], i['service']) for i in d) == [('$one/web-0', 'web.$one'), ('web-0', 'web.$other')]"
until_shows 'two instances, of two services' 30 "$pair" instances
until_shows 'each ready, and counted once' 60 \
	"sorted((s['name'], s['placements'][0]['ready']) for s in d) == [('web.$one', 1), ('web.$other', 1)]" services
for n in "$one" "$other"; do
	if [ "$KUBE_NODE" = 1 ]; then
		says 0 'the log of one' logs "web.$n" --env dev
		holds 'is its own' out "this is $n"
	else
		skip 'the log of one' 'fake nodes run nothing'
	fi
done
console "$fairway"
screened 'a console shows both' sees 20 'Services 2'
restarted()
{
	kube -n "$other" get pod web-0 -o jsonpath='{.metadata.uid}' >"$scratch/now" 2>/dev/null &&
		[ -s "$scratch/now" ] && ! cmp -s "$scratch/now" "$scratch/uid"
}
kept uid -n "$other" get pod web-0 -o jsonpath='{.metadata.uid}'
kube -n "$other" delete pod web-0 --wait=false >/dev/null
truly 'one is made anew' until_done 60 restarted
until_shows 'and there are two' 60 "len(d) == 2 and all(i['ready'] for i in d) and len({i['id'] for i in d}) == 2" instances
kube -n "$other" delete statefulset web >/dev/null
screened 'the console sees the one go' sees 60 'Services 1'
until_shows 'the other keeps its own' 60 "[i['id'].split('/')[-1] for i in d] == ['web-0']" instances
exec 9>&-
plan
