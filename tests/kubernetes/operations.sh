#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every change of what runs on a cluster, and what is said when it does not get well. What the cluster holds is asked of
# kubectl, not of fairway.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
needs_node
make_namespace
first=$ns
make_namespace
second_ns=$ns
ns=$first
config <<YAML
staging $KUBE_CONFIG $first
prod $KUBE_CONFIG $second_ns
YAML
cause='.metadata.annotations.kubernetes\.io/change-cause'
me=$(id -un)
tag1=$(tag 1) tag2=$(tag 2) tag3=$(tag 3)
revisions() # NAME: how many are kept
{
	kube -n "$ns" get replicasets -l "app.kubernetes.io/name=$1" -o name | wc -l
}
pods_of() # NAME
{
	kube -n "$ns" get pods -l "app.kubernetes.io/name=$1" --field-selector status.phase=Running -o name | sort
}

# --- a deploy, and what a plan says of it ---
# settled NAME REPLICAS: a deployment that is watched for a second.
settled()
{
	deployment "$1" "$2"
	kube -n "$ns" annotate deployment "$1" fairway.dev/watch=1s >/dev/null
	rolled_out "$1"
}
settled web 2
says 0 'a plan alone' deploy web "$tag2" --env staging --dry-run
holds 'names both images' out "$(image 1) → $(image 2)"
holds 'shows the difference that the server made of it' out '^\+ +image: .*busybox'
holds 'and the command that does the same' out 'kubectl set image deployments/web server='
is "$(image 1)" 'and changes nothing' deployment/web "$image_of"
does 0 'a deploy' deploy web "$tag2" --reason 'try it'
holds 'that was watched until it was well' out "web in staging runs $tag2: 2 of 2 ready"
holds 'step by step' err 'new pods: (running|done).*: [12] of 2 ready'
is "$(image 2)" 'is there' deployment/web "$image_of"
is "fairway deploy $tag2 by $me: try it" 'with who and why' deployment/web "$cause"
says 0 'it is in the audit' audit -o json
json 'with its outcome' "[e for e in d if e['action'] == 'deploy' and e['state'] == 'done' and e['reason'] == 'try it']"
does 3 'the same again' deploy web "$tag2"
holds 'changes nothing, which is said' err 'nothing would change'
does 2 'what is no version' deploy web 'a b'
does 2 'without a version' deploy web
says 3 'and without a word that confirms it' deploy web "$tag3" --env staging

# --- back, and back again ---
does 0 'a rollback' rollback web
is "$(image 1)" 'is the revision before' deployment/web "$image_of"
does 0 'a rollback of the rollback' rollback web --reason 'it was not that'
is "$(image 2)" 'is that one again' deployment/web "$image_of"
is "fairway rollback $tag2 by $me: it was not that" 'by whom it was' deployment/web "$cause"
does 0 'by version' rollback web --to "$tag1"
is "$(image 1)" 'it is any that is kept' deployment/web "$image_of"
does 4 'one that is not kept' rollback web --to 99
holds 'those that are kept are told' err 'it keeps: [0-9]+ \('

# --- what does not get well ---
does 1 'an image that is nowhere' deploy web nowhere
holds 'is told early, with the words of its registry' err \
	'new pods: running: .*failing: web-[^ ]*: (ErrImagePull|ImagePullBackOff): .*it goes on'
holds 'and in the end, with the way back' err \
	'web in staging does not get well: .*fairway rollback web --env staging takes it back'
kept_before=$(revisions web)
does 0 'a rollback of what never came' rollback web
is "$(image 1)" 'is what served meanwhile' deployment/web "$image_of"
truly 'and makes no revision more' test "$(revisions web)" -le "$kept_before"
settled probed 1
kube -n "$ns" rollout pause deployment/probed >/dev/null
kube -n "$ns" patch deployment probed --type json -p '[{"op":"add","path":"/spec/template/spec/containers/0/readinessProbe",
	"value":{"exec":{"command":["sh","-c","echo the database is away; exit 1"]},"periodSeconds":1}}]' >/dev/null
does 3 'a restart of what is paused' restart probed
holds 'would do nothing' err 'paused'
does 1 'a probe that fails' resume probed
holds 'is told in its own words' err 'the database is away'
does 0 'a rollback from there' rollback probed
settled crashing 1
kube -n "$ns" rollout pause deployment/crashing >/dev/null
kube -n "$ns" patch deployment crashing --type json -p '[{"op":"replace","path":"/spec/template/spec/containers/0/command",
	"value":["sh","-c","exit 3"]}]' >/dev/null
does 1 'a crash' resume crashing
holds 'is told with how it ended' err 'crash loop: .*exit 3'
kube -n "$ns" create quota tight --hard=pods=7 >/dev/null
settled big 1
does 1 'more than the quota lets in' scale big 9
holds 'is told with the quota' err 'exceeded quota: tight'
kube -n "$ns" delete quota tight >/dev/null
does 0 'once it is gone it is well' scale big 2

# --- restart, scale, pause ---
pods=$(pods_of web)
does 0 'a restart' restart web --reason 'it leaks'
truly 'replaces the pods' test "$(pods_of web)" != "$pods"
is "fairway restart by $me: it leaks" 'by whom it was' deployment/web "$cause"
does 0 'a scale' scale web 3
is 3 'is done' deployment/web .spec.replicas
is "fairway restart by $me: it leaks" 'and leaves the reason of what runs alone' deployment/web "$cause"
kube -n "$ns" autoscale deployment web --min=2 --max=4 >/dev/null
says 0 'under an autoscaler' scale web 4 --env staging --dry-run
holds 'who will change it back is named before' out 'HorizontalPodAutoscaler web keeps 2 to 4'
kube -n "$ns" delete hpa web >/dev/null
does 0 'a pause' pause web
is true 'is done' deployment/web .spec.paused
does 0 'a deploy to what is paused' deploy web "$tag3"
holds 'is written, and waits' out 'paused.*fairway resume web --env staging'
does 0 'until it is resumed' resume web
is 3 'and rolls then' deployment/web .status.updatedReplicas
does 3 'what is not paused' resume web

# --- other kinds, several containers ---
workload apps/v1/StatefulSet db 'replicas: 1' "$watched" '' engine backup
workload apps/v1/DaemonSet agent '' "$watched"
workload apps/v1/Deployment owned 'replicas: 0' \
	"annotations: {argocd.argoproj.io/tracking-id: 'shop:apps/Deployment:$ns/owned'}"
until_done 60 kube -n "$ns" rollout status statefulset/db --timeout=1s >/dev/null 2>&1
until_done 60 kube -n "$ns" rollout status daemonset/agent --timeout=1s >/dev/null 2>&1
does 2 'of several containers' deploy db "$tag2"
holds 'one is to be named' err 'name one with --container: engine, backup'
does 0 'the one that is named' deploy db "$tag2" --container backup
is "$(image 1) $(image 2)" 'is it alone' statefulset/db '.spec.template.spec.containers[*].image'
does 0 'a rollback of a StatefulSet' rollback db
is "$(image 1) $(image 1)" 'is done' statefulset/db '.spec.template.spec.containers[*].image'
does 0 'a restart of a DaemonSet' restart agent
does 0 'its rollback' rollback agent
does 3 'a scale of a DaemonSet' scale agent 3
does 0 'a deploy to a DaemonSet' deploy agent "$tag2"
does 0 'a deploy to a StatefulSet' deploy db "$tag3" --container engine
does 0 'a rollback to any revision of a StatefulSet' rollback db --to 2
is "$(image 1) $(image 2)" 'is that revision' statefulset/db '.spec.template.spec.containers[*].image'
does 0 'and to one of a DaemonSet' rollback agent --to "$tag1" --reason 'too new'
is "$(image 1)" 'by its version' daemonset/agent "$image_of"
does 4 'one that is not kept' rollback agent --to 99
# kept_as KIND/NAME: as kubectl rollout history has it
kept_as()
{
	kube -n "$ns" rollout history "$1" | sed -n 's/^\([0-9][0-9]*\) .*/\1/p' | sort -n | tr '\n' ' ' >"$scratch/history"
	run releases "${1#*/}" -o json
	json "the releases of $1 are those that kubectl tells" \
		"' '.join(str(e['number']) for e in sorted(d, key=lambda e: e['number'])) + ' ' == open('$scratch/history').read()"
	json 'and the newest runs' "max(d, key=lambda e: e['number'])['current_in'] == ['staging']"
}
kept_as deployment/web
kept_as statefulset/db
kept_as daemonset/agent
run deploys agent -o json
json 'who went back, and why' \
	"[e for e in d if e['kind'] == 'rollback' and e['by'] == '$me' and e['reason'] == 'too new' and e['to'] == '$tag1']"
# owns WHO CLAIM: what writes deployment `owned` is named by a plan. CLAIM: as kubectl label or annotate has it.
owns()
{
	says 0 "what $1 owns" deploy owned "$tag2" --env staging --dry-run
	holds 'it will set back: said before' out "$1 owns Deployment owned"
}
label_owned()
{
	kube -n "$ns" label deployment owned --overwrite "$@" >/dev/null
}
owns 'Argo CD app shop'
kube -n "$ns" annotate deployment owned argocd.argoproj.io/tracking-id- >/dev/null
label_owned app.kubernetes.io/managed-by=Helm
kube -n "$ns" annotate deployment owned meta.helm.sh/release-name=shop "meta.helm.sh/release-namespace=$ns" >/dev/null
owns 'Helm release shop'
label_owned helm.toolkit.fluxcd.io/name=shop "helm.toolkit.fluxcd.io/namespace=$ns"
owns 'Flux Helm release shop'
label_owned kustomize.toolkit.fluxcd.io/name=apps kustomize.toolkit.fluxcd.io/namespace=flux-system
owns 'Flux kustomization apps'
label_owned argocd.argoproj.io/instance=store
owns 'Argo CD app store'
console "$fairway" deploy owned "$tag2" --env staging
screened 'a terminal is told before it is asked' sees 20 'Argo CD app store owns'
screened 'and asked' sees 20 'Go on'
exec 9>&-
does 3 'a cluster keeps no notes' note web because
holds 'in a sentence of its own' err 'a cluster keeps no notes'

# --- on to the next environment ---
ns=$second_ns
settled web 1
until_shows 'both environments are there' 30 "len(d) == 2" service web
says 0 'a promotion' promote web --to prod --yes
is "$(image 3)" 'brings what runs in the environment before' deployment/web "$image_of"
ns=$first

# --- what changed since the plan ---
console "$fairway" restart web --env staging
sees 20 'Go on'
kube -n "$ns" set env deployment/web CHANGED=1 >/dev/null
types 'y<enter>'
screened 'what was changed since the plan is refused, and by whom' sees 20 'changed since it was planned, by kubectl-set'
exec 9>&-

# --- into an instance: kubectl has the terminal ---
ended_with() # STATUS: of the command there, and so of the verb
{
	echo 'exit 20000' >&9
	exec 9>&-
	wait "$console"
	truly "status $1" grep -q "^status	$1	" "$scratch/console.out"
}
PATH=$(dirname "$KUBECTL"):$PATH
export PATH
console "$fairway" exec web/staging -- sh -c 'echo fairway: it is $((40 + 2))'
screened 'a command in an instance' sees 20 'it is 42'
screened 'ends' sees 20 'exec of web in staging has ended'
exec 9>&-
console "$fairway" exec web/staging -- sh -c 'exit 7'
screened 'one that fails says how' sees 20 'it ended with status 7'
ended_with 7
console "$fairway" exec web/staging -- no-such-command
screened 'a command that is not there' sees 20 'it ended with status'
exec 9>&-
piped()
{
	echo 'from a pipe' | "$fairway" exec web/staging -- sh -c 'cat; echo apart >&2; exit 5' >"$scratch/piped" 2>"$scratch/apart"
	[ $? -eq 5 ] && [ "$(cat "$scratch/piped")" = 'from a pipe' ] && grep -q '^apart$' "$scratch/apart"
}
truly 'without a terminal a command gets what there is: input, output and status pass through' piped
says 0 'also with no input' exec web/staging -- cat
lacks 'and its output is nothing but its own' out .
interrupted()
{
	"$fairway" exec web/staging -- sh -c 'echo begun; sleep 60' >"$scratch/piped" 2>"$scratch/apart" </dev/null &
	piped=$!
	until grep -q begun "$scratch/piped" || ! kill -0 "$piped" 2>/dev/null; do sleep 0.1; done
	kill "$piped"
	wait "$piped"
	[ $? -eq 143 ] && grep -q terminated "$scratch/apart" && ! grep -q 'goes on' "$scratch/apart"
}
truly 'one that is ended from outside does not say that it goes on' interrupted
does 3 'a shell without a terminal' exec web/staging
holds 'is no place for it' err 'there is no terminal'
says 4 'an environment that is not there' exec web/nowhere

# --- rights ---
kube -n "$ns" create role watcher --verb=get,list,watch \
	--resource=deployments.apps,replicasets.apps,statefulsets.apps,daemonsets.apps,pods,events >/dev/null
kube -n "$ns" create rolebinding watcher --role=watcher --user=jane >/dev/null
if [ -n "${RIG_KUBECONFIG:-}" ]; then
	kubeconfig "$scratch/jane" "$RIG_KUBE_URL" '' "token: $RIG_KUBE_TOKEN, as: jane"
	config <<YAML
staging $scratch/jane $ns
YAML
	does 3 'one who may only look' deploy web "$tag2"
	holds 'is told which right is missing' err "you may not patch deployments in namespace $ns"
	does 3 'also of a subresource' scale web 1
	holds 'which one it is' err "you may not patch deployments/scale in namespace $ns"
	kube -n "$ns" create role roller --verb=patch --resource=deployments.apps >/dev/null
	kube -n "$ns" create rolebinding roller --role=roller --user=jane >/dev/null
	does 0 'with that right' restart web
	does 3 'and no other' scale web 1
else
	skip 'rights of another user' "this cluster is somebody else's"
fi
says 0 'the audit is whole' audit verify
plan
