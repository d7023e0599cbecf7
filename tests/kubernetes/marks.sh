#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What people note on a workload, for all who look at the cluster: a lock forbids its changes, an ack says who is on an alert.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
needs_node
make_namespace
config <<YAML
staging $KUBE_CONFIG $ns
YAML
deployment web 1
deployment loops 1 'exit 3'
rolled_out web
does 0 'a service is locked for a time' lock web --reason 'freeze for the sale' --until 1h
until_shows 'and shown so' 10 'any("freeze for the sale" in (p.get("lock") or "") for s in d for p in s["placements"])' services
does 3 'then nothing is deployed' deploy web 2
holds 'because of the lock' err 'locked by .*: freeze for the sale, until '
does 3 'nor restarted' restart web
does 3 'nor locked by another one' lock web --reason again
says 0 'why nothing can be changed' why web --env staging
holds 'is said' out 'web in staging is locked by .*freeze for the sale'
does 0 'it is unlocked' unlock web
does 4 'once' unlock web
does 0 'and restarted then' restart web
does 0 'a lock of a second' lock web --reason short --until 1s
until_shows 'is over by itself' 10 'not any(p.get("lock") for s in d for p in s["placements"])' services
does 0 'and forbids nothing then' restart web
says 4 'an alert that is not there' ack "crash-loop/$ns/nobody"
until_shows 'a crash loop fires' 60 "any(a['id'] == 'crash-loop/$ns/loops' and a['phase'] == 'firing' for a in d)" alerts
says 0 'somebody is on it' ack "crash-loop/$ns/loops"
until_shows 'as all can see' 10 "any(a['id'] == 'crash-loop/$ns/loops' and a.get('acked') for a in d)" alerts
console "$fairway"
screened 'in the console, too' sees 20 acked
types '4a'
screened 'which takes it back by its key' misses 20 acked
until_shows 'for all' 20 "any(a['id'] == 'crash-loop/$ns/loops' and not a.get('acked') for a in d)" alerts
says 0 'the audit is whole' audit verify
plan
