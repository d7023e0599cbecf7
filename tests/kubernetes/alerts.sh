#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A crash loop is as old as the cluster knows it to be, for one who looks for the first time as well.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
needs_node
make_namespace
config <<YAML
dev $KUBE_CONFIG $ns
YAML
deployment web 1 'sleep 1; exit 3'
status_of='.items[0].status'
has_looped()
{
	[ "$(field pods "$status_of.containerStatuses[0].restartCount")" -ge 3 ] &&
		[ -n "$(field pods "$status_of.containerStatuses[0].state.waiting.reason")" ]
}
truly 'it crashes again and again' until_done 150 has_looped 2>/dev/null
started=$(date -d "$(field pods "$status_of.startTime")" +%s)
crashed=$(date -d "$(field pods "$status_of.containerStatuses[0].lastState.terminated.finishedAt")" +%s)
until_shows 'the alert is there, with its reason' 30 \
	"d[0]['name'] == 'CrashLoop' and d[0]['phase'] == 'firing' and 'exit 3' in d[0]['summary']" alerts
until_shows 'it began soon after the pod did, not with the last crash' 30 \
	"(lambda at: $started <= at <= $started + 15 and at < $crashed - 10)(
	__import__('calendar').timegm(__import__('time').strptime(d[0]['starts_at'][:19], '%Y-%m-%dT%H:%M:%S')))" alerts
plan
