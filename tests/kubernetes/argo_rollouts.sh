#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Argo Rollouts, by their real controller: a canary on its way through its steps, held at one, let go on, aborted, failing;
# a blue-green one that waits for its promotion. What the cluster holds is asked of kubectl.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
ending()
{
	[ -z "${RIG_KUBECONFIG:-}" ] || tests/rig/rollouts-up stop >/dev/null 2>&1
}
if [ -n "${RIG_KUBECONFIG:-}" ]; then
	[ -z "${ROLLOUTS_SKIP:-}" ] || leaves "$ROLLOUTS_SKIP"
	tests/rig/rollouts-up start >>"$scratch/rig" 2>&1 || { cat "$scratch/rig"; exit 1; }
else
	kube get crd rollouts.argoproj.io >/dev/null 2>&1 || leaves 'this cluster has no Argo Rollouts'
fi
make_namespace
config <<YAML
dev $KUBE_CONFIG $ns
YAML
tag1=$(tag 1) tag2=$(tag 2) tag3=$(tag 3)
rollout() # NAME REPLICAS STRATEGY
{
	workload argoproj.io/v1alpha1/Rollout "$1" "replicas: $2, progressDeadlineSeconds: 15, strategy: $3" "$watched"
	until_done 60 is_field Healthy "rollout/$1" .status.phase && return
	[ "$number" -gt 0 ] || [ -n "${RIG_KUBECONFIG:-}" ] || leaves 'no controller of Argo Rollouts is at work here'
	exit 1
}

# --- steps that pass by themselves ---
rollout web 4 '{canary: {steps: [{setWeight: 25}, {pause: {duration: 6s}}, {setWeight: 50}, {pause: {duration: 2}}]}}'
until_shows 'it is a service' 20 "d[0]['name'] == 'web' and d[0]['placements'][0]['ready'] == 4" services
says 0 'a plan' deploy web "$tag2" --env dev --dry-run
holds 'names both images' out "$(image 1) → $(image 2)"
is "$(image 1)" 'and changes nothing' rollout/web "$image_of"
does 0 'a deploy is watched through its steps' deploy web "$tag2" --reason 'try it'
holds 'to its end' out "web in dev runs $tag2: 4 of 4 ready"
is Healthy 'which is its end' rollout/web .status.phase
is 4 'and it is' rollout/web .status.updatedReplicas
until_shows 'the placement says so' 20 "d[0]['version'] == '$tag2' and d[0]['ready'] == 4 and d[0]['health'] == 'ok'" \
	service web --env dev
run deploys web -o json
json 'it is the newest deploy' "d[0]['to'] == '$tag2' and d[0]['state'] == 'succeeded' and d[0]['reason'] == 'try it'"
does 0 'a rollback' rollback web
is "$(image 1)" 'is the image before' rollout/web "$image_of"
is Healthy 'to its end' rollout/web .status.phase

# --- restart and scale ---
kept before get pods -n "$ns" -l app=web -o name
does 0 'a restart' restart web
none_is_left()
{
	kept after get pods -n "$ns" -l app=web --field-selector status.phase=Running -o name &&
		! grep -qxFf "$scratch/before" "$scratch/after"
}
truly 'every pod is another one' until_done 60 none_is_left
does 0 'a scale' scale web 3
is 3 'is a fact' rollout/web .spec.replicas
is 3 'and they become ready' rollout/web .status.readyReplicas

# --- a step that waits for somebody ---
rollout held 4 '{canary: {steps: [{setWeight: 25}, {pause: {}}, {setWeight: 50}, {pause: {duration: 1h}}]}}'
does 0 'a deploy to one that waits' deploy held "$tag2"
holds 'says where it waits, and what goes on' out 'CanaryPauseStep at step 2 of 4, 25 %.*fairway resume held --env dev'
is Paused 'it does' rollout/held .status.phase
until_shows 'the placement tells both' 20 \
	"d[0]['version'] == '$tag1' and d[0]['to_version'] == '$tag2' and d[0]['to_ready'] == 1" service held --env dev
says 0 'a plan to go on' resume held --env dev --dry-run
holds 'says from where' out 'goes on from where it waits: CanaryPauseStep at step 2 of 4, 25 %'
does 0 'it goes on' resume held
holds 'to the next, which passes in an hour' out 'at step 4 of 4, 50 %, for 1h'
is 2 'there' rollout/held .status.updatedReplicas
does 0 'it is aborted' cancel held
is true 'by a word in its status' rollout/held .status.abort
is 4 'what served before serves alone' rollout/held .status.readyReplicas
until_shows 'which is told with its words' 30 \
	"d[0]['health'] != 'ok' and 'RolloutAborted' in d[0]['reason'] and 'revision 2' in d[0]['reason']" service held --env dev
does 0 'it is tried again' resume held
is Paused 'from its first step' rollout/held .status.phase
does 0 'or taken back' rollback held
is Healthy 'which is well at once, without a step' rollout/held .status.phase
is "$(image 1)" 'with the image before' rollout/held "$image_of"
until_shows 'and told so' 20 "d[0]['version'] == '$tag1' and d[0]['health'] == 'ok'" service held --env dev
does 0 'a pause' pause held
is true 'is a fact' rollout/held .spec.paused
does 0 'and its end' resume held
until_done 30 is_field '' rollout/held .spec.paused || is false 'is one too' rollout/held .spec.paused

# --- what does not get well ---
if [ "$KUBE_NODE" = 1 ]; then
	does 1 'an image that is nowhere' deploy web nowhere
	holds 'is told with the words of its registry' err '(ErrImagePull|ImagePullBackOff): '
	holds 'and with the way back' err 'fairway rollback web --env dev takes it back'
	until_shows 'the placement is not ok' 30 'd[0]["health"] != "ok" and "ull" in d[0]["reason"]' service web --env dev
	does 0 'a rollback' rollback web
	is Healthy 'is the end of it' rollout/web .status.phase
else
	skip 'an image that is nowhere' 'fake nodes pull none'
fi
kube -n "$ns" patch rollout web --type merge \
	-p '{"spec": {"strategy": {"canary": {"steps": [{"setWeight": 120}]}}}}' >/dev/null
until_shows 'a specification that is none is told in the controller'"'s words" 30 \
	"'InvalidSpec' in d[0]['reason'] and 'setWeight' in d[0]['reason']" service web --env dev

# --- pods of another workload ---
deployment base 0
kube apply -f - >/dev/null <<YAML
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: borrowed, namespace: $ns, labels: {app.kubernetes.io/name: borrowed}}
spec:
  replicas: 1
  selector: {matchLabels: {app.kubernetes.io/name: base}}
  strategy: {canary: {steps: []}}
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: base}
YAML
until_done 30 is_field Healthy rollout/borrowed .status.phase
does 3 'a deploy where pods are another workload'"'s" deploy borrowed "$tag2"
holds 'says which one to deploy to' err 'takes its pods from Deployment base .*--workload Deployment/base'
does 0 'a restart' restart borrowed

# --- blue and green ---
kube -n "$ns" create service clusterip shop --tcp=80 >/dev/null
rollout shop 2 '{blueGreen: {activeService: shop, autoPromotionEnabled: false, scaleDownDelaySeconds: 1}}'
does 0 'a deploy beside what serves' deploy shop "$tag3"
holds 'waits for its promotion' out 'BlueGreenPause.*fairway resume shop --env dev'
does 0 'which is given' resume shop
is Healthy 'and is its end' rollout/shop .status.phase
is "$(field rollout/shop .status.currentPodHash)" 'the new pods serve' service/shop '.spec.selector.rollouts-pod-template-hash'
says 0 'the audit is whole' audit verify
plan
