#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is done on a cluster from the console's keys: a deploy that is ended while it runs, a service from a form to healthy.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
needs_rig
needs_node
# confirmed TEXT: the dialog with that text is answered with its button. It takes no key in its first moments.
confirmed()
{
	sees 30 "$1" && until_done 2 false
	types '<tab><enter>'
}
make_namespace
cat >"$scratch/builder" <<SH
#!/bin/sh
export RIG_CACHE='$RIG_CACHE' RIG_INSTANCE='$RIG_INSTANCE'
exec '$(pwd)/tests/rig/build-image' "\$@"
SH
chmod +x "$scratch/builder"
config <<YAML
dev $KUBE_CONFIG $ns images: rig.local
YAML
echo "        builder: $scratch/builder" >>"$XDG_CONFIG_HOME/fairway/config.yaml"
says 0 'the configuration is right' config check

deployment web 1
rolled_out web || exit 1
child deploy "$fairway" deploy web nowhere --env dev --yes
deploy=$child
is "$(image 1 | sed 's/:.*//'):nowhere" 'a deploy is under way' deployment/web "$image_of"
console "$fairway"
screened 'the console shows it' sees 20 '1→nowhere'
types ':web<enter>'
sees 20 Instances
types ':cancel-deploy<enter>'
screened 'ending it is planned: back to what served before' sees 30 'nowhere → 1, revision 1'
screened 'by a button that is no second Cancel' confirmed 'End the deploy'
is "$(image 1)" 'what served before is what is wanted again' deployment/web "$image_of"
screened 'and the console shows that it is there' sees 60 'nowhere→1'
is_over()
{
	! kill -0 "$deploy" 2>/dev/null
}
until_done 60 is_over
wait "$deploy"
truly 'whoever watched the deploy fails' test $? -eq 1
cp "$scratch/deploy.err" "$scratch/err"
holds 'and is told what became of it' err 'was set to .*:1 meanwhile, by fairway'
until_shows 'the deploy that was ended reads cancelled, before what came of that' 60 \
	"[(x['to'], x['state'], x['kind']) for x in d][:2] == [('1', 'succeeded', 'rollback'), ('nowhere', 'cancelled', 'deploy')]" deploys
until_shows 'both are in the audit' 60 '{(e["action"], e["state"]) for e in d} == {("deploy", "failed"), ("cancel", "done")}' audit
types '<esc>Q'
exec 9>&-

git config --global user.name tester
git config --global user.email tester@localhost
mkdir "$scratch/work"
console /bin/sh -c "cd '$scratch/work' && exec '$fairway'"
screened 'the console again' sees 20 web
types 'n'
screened 'a form' sees 20 'New service'
types 'orders<tab>payments<ctrl-s>'
screened 'shows what it would make' sees 20 'nothing is made yet'
types '<ctrl-s>'
screened 'names the way' sees 30 'then: up in dev → prove in dev'
confirmed 'Make orders from http-service'
screened 'builds and brings it there' sees 120 '✔ up in dev'
screened 'and proves that it is watched' sees 60 '✔ prove in dev'
screened 'what a cluster cannot prove is said' sees 20 'not proved: its alert reaches its owner'
types '<esc>'
screened 'it is a service among the others' sees 20 'orders in dev'
tag=$(git -C "$scratch/work/orders" rev-parse --short HEAD)
is "rig.local/orders:$tag" 'kubectl sees the image of its first commit' deployment/orders "$image_of"
is 1 'and its pod is ready' deployment/orders .status.readyReplicas
types 'Q'
exec 9>&-
plan
