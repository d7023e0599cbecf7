#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A crash loop is as old as the cluster knows it to be, for one who looks for the first time as well, and told while its
# container runs in between.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
needs_node
make_namespace
config <<YAML
dev $KUBE_CONFIG $ns
YAML
deployment web 1 'sleep 1; exit 3'
deployment worker 1 'sleep 20; exit 4'
# of SERVICE JSONPATH: of the container of its only instance; more than one path in braces.
of()
{
	kube -n "$ns" get pods -l "app.kubernetes.io/name=$1" -o "jsonpath={.items[0].status$2}"
}
alert_of="(lambda of: [a for a in d if a['service'] == of][0])"
has_looped()
{
	[ "$(of web '.containerStatuses[0].restartCount')" -ge 3 ] &&
		[ -n "$(of web '.containerStatuses[0].state.waiting.reason')" ]
}
truly 'it crashes again and again' until_done 150 has_looped 2>/dev/null
started=$(date -d "$(of web .startTime)" +%s)
crashed=$(date -d "$(of web '.containerStatuses[0].lastState.terminated.finishedAt')" +%s)
until_shows 'the alert is there, with its reason' 30 \
	"(lambda a: a['name'] == 'CrashLoop' and a['phase'] == 'firing' and 'exit 3' in a['summary'])($alert_of('web'))" alerts
until_shows 'it began soon after the pod did, not with the last crash' 30 \
	"(lambda at: $started <= at <= $started + 15 and at < $crashed - 10)(__import__('calendar').timegm(
	__import__('time').strptime($alert_of('web')['starts_at'][:19], '%Y-%m-%dT%H:%M:%S')))" alerts

run_of()
{
	of "$1" '.containerStatuses[0].restartCount} {.items[0].status.containerStatuses[0].state.running.startedAt'
}
is_told_while_it_runs()
{
	before=$(run_of worker)
	case $before in [2-9]' 2'*) ;; *) return 1 ;; esac
	shows "(lambda a: a['name'] == 'CrashLoop' and a['phase'] == 'firing' and 'exit 4, and runs again' in a['summary'])(
		$alert_of('worker'))" alerts && [ "$(run_of worker)" = "$before" ]
}
truly 'one that runs between two crashes has its alert' until_done 150 is_told_while_it_runs
plan
