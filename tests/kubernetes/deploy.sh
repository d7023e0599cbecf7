#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Operations on a Deployment, each looked at with kubectl: deploy, rollback, rollback of that, scale, restart, pause, resume.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
make_namespace
deployment web 2
rolled_out web || exit 1
config <<YAML
dev $KUBE_CONFIG $ns
YAML
revision='.metadata.annotations.deployment\.kubernetes\.io/revision'

until_shows 'the service is there' 20 'd[0]["name"] == "web" and d[0]["placements"][0]["ready"] == 2' services
says 0 'a dry run' deploy web "$(tag 2)" --env dev --dry-run
is "$(image 1)" 'changes nothing' deployment/web "$image_of"
says 3 'unconfirmed, it is refused' deploy web "$(tag 2)" --env dev
is "$(image 1)" 'and changes nothing' deployment/web "$image_of"
does 0 'a rollout, watched to its end' deploy web "$(tag 2)" --reason 'to see it'
truly 'which is its end' is_rolled_out web
is "$(image 2)" 'the image runs' deployment/web "$image_of"
is 2 'in a revision of its own' deployment/web "$revision"
field deployment/web '.metadata.annotations.kubernetes\.io/change-cause' >"$scratch/out"
holds 'who and why stand in the change-cause' out 'to see it'
until_shows 'the placement says so' 20 "d[0]['version'] == '$(tag 2)' and d[0]['ready'] == 2" service web --env dev
run deploys web -o json
json 'it is the newest deploy' "d[0]['to'] == '$(tag 2)'"

does 0 'undo' rollback web
truly 'to its end' is_rolled_out web
is "$(image 1)" 'the image before runs' deployment/web "$image_of"
is 3 'as a new revision' deployment/web "$revision"
does 0 'undo of undo' rollback web
is "$(image 2)" 'is where we were' deployment/web "$image_of"
truly 'at its end too' is_rolled_out web
does 0 'a third' deploy web "$(tag 3)"
does 0 'back to a release by its name' rollback web --to "$(tag 1)"
is "$(image 1)" 'and not to the one before' deployment/web "$image_of"

does 0 'scale' scale web 3
is 3 'is a fact' deployment/web .spec.replicas
is 3 'and they become ready' deployment/web .status.readyReplicas
kept before get pods -n "$ns" -o name
does 0 'restart' restart web
truly 'to its end' is_rolled_out web
none_is_left()
{
	kept after get pods -n "$ns" -o name && ! grep -qxFf "$scratch/before" "$scratch/after"
}
truly 'every pod is another one' until_done 60 none_is_left
does 0 'pause' pause web
is true 'is a fact' deployment/web .spec.paused
does 0 'resume' resume web
is '' 'is one too' deployment/web .spec.paused

does 4 'a service that is not there' deploy nothing 1
run audit -o json
json 'the audit has them all' 'sum(1 for e in d if e.get("service") == "web") >= 7'
plan
