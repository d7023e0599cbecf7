#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A service from an empty folder to production on a real cluster: made, built, applied, healthy, proved; changed, promoted,
# rolled back; what is refused changes nothing. kubectl sees the same.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
needs_rig
needs_node

monitors=servicemonitors.monitoring.coreos.com
ending()
{
	kube delete crd "$monitors" --ignore-not-found >/dev/null 2>&1
}
kube apply -f - >/dev/null <<YAML || exit 1
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: $monitors}
spec:
  group: monitoring.coreos.com
  names: {kind: ServiceMonitor, plural: servicemonitors}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
YAML
until_done 20 kube get servicemonitors -A >/dev/null 2>&1

# What manifests prints is what the server takes.
make_namespace
for want in tests/fixtures/manifest/*.want; do
	sed "s/^\( *namespace:\) .*/\1 $ns/" "$want" >"$scratch/objects.yaml"
	truly "the server takes ${want##*/}" kube -n "$ns" apply --dry-run=server --validate=strict -f "$scratch/objects.yaml"
done

staging=$ns
make_namespace
prod=$ns
none=$ns-new
namespaces="$namespaces $none"
cat >"$scratch/builder" <<SH
#!/bin/sh
export RIG_CACHE='$RIG_CACHE' RIG_INSTANCE='$RIG_INSTANCE'
exec '$(pwd)/tests/rig/build-image' "\$@"
SH
chmod +x "$scratch/builder"
mkdir -p "$XDG_CONFIG_HOME/fairway" "$scratch/catalog"
{
	echo 'context: test'
	echo 'contexts:'
	for context in test viewer; do
		file=$KUBE_CONFIG
		[ $context = test ] || file=$RIG_KUBECONFIG_VIEWER
		echo "  $context:"
		echo "    catalog: {kind: files, path: $scratch/catalog}"
		echo '    environments:'
		for place in "staging $staging" "prod $prod" "new $none"; do
			echo "    - name: ${place% *}"
			[ "${place% *}" != prod ] || echo '      protected: true'
			echo "      deploys: {kind: kubernetes, kubeconfig: $file, namespaces: [${place#* }]," \
				"images: rig.local, builder: $scratch/builder}"
		done
	done
} >"$XDG_CONFIG_HOME/fairway/config.yaml"
says 0 'the configuration is right' config check

git config --global user.name tester
git config --global user.email tester@localhost
orders=$scratch/catalog/orders
says 0 'from an empty folder to production' new http-service orders --set team=payments --dir "$orders" --to prod --yes \
	--confirm prod/orders
holds 'the build is shown as it runs' err '^  \| OK'
holds 'it answers' err 'it answers: done .*2 of 2 pods are ready: they answered their readiness probes'
holds 'its metrics are answered' err 'metrics are answered: done .*[1-9][0-9]* samples at /metrics of orders-'
holds 'its logs arrive, as JSON' err 'logs arrive: done .*[1-9][0-9]* lines of orders-.*, [1-9][0-9]* of them JSON'
holds 'its runbook is there' err 'its runbook is there: done .*runbooks/high-error-ratio.md'
holds 'what a cluster cannot prove is said' err 'its alert reaches its owner: skipped'
holds 'the time to production is told' err '^fairway new: time to prod: [0-9]+s; not proved: its alert reaches its owner$|^time to prod: [0-9]+s; not proved: its alert reaches its owner$'

first=$(git -C "$orders" rev-parse --short HEAD)
for at in $staging $prod; do
	ns=$at
	is "rig.local/orders:$first" "the image of the commit runs in ${at##*-}" deployment/orders \
		.spec.template.spec.containers[0].image
done
kept kinds -n "$prod" get deployment,service,hpa,pdb,networkpolicy,servicemonitor -o name
[ "$(grep -c /orders "$scratch/kinds")" = 6 ]
status=$?
cp "$scratch/kinds" "$scratch/out"
if [ $status -eq 0 ]; then pass 'kubectl sees all six kinds'; else fail 'kubectl sees all six kinds'; fi
is 2 'two instances, from the start' deployment/orders .status.readyReplicas
is 2 'no less by the autoscaler' hpa/orders .spec.minReplicas
is 'fairway promote '"$first"' by root' 'who brought it there is written' deployment/orders \
	'.metadata.annotations.kubernetes\.io/change-cause'
until_shows 'fairway shows it in both' 20 "[p['version'] for p in d] == ['$first'] * 2" service orders

# A change: built and applied as its plan says, then the very image goes on.
sed -i 's/"environment": ENVIRONMENT/"environment": ENVIRONMENT, "greeting": "hello"/' "$orders/main.py"
says 0 'a plan of what is not committed' up "$orders" --env staging --dry-run
holds 'names it by the time' out 'the image rig.local/orders:'"$first"'-dirty-[0-9]{8}-[0-9]{6} is built by'
holds 'shows the difference' out '^\+ +image: "rig.local/orders:'"$first"'-dirty'
holds 'and what stays as it is' out 'unchanged: NetworkPolicy, Service'
git -C "$orders" commit -qam 'Say hello' && git -C "$orders" tag 1.1.0
says 0 'the change goes to staging' up "$orders" --env staging --yes
ns=$staging
is 'rig.local/orders:1.1.0' 'by its tag' deployment/orders .spec.template.spec.containers[0].image
says 0 'and on to prod' promote orders --from staging --to prod --apply --yes --confirm prod/orders
ns=$prod
is 'rig.local/orders:1.1.0' 'the same image' deployment/orders .spec.template.spec.containers[0].image
kept managed -n "$ns" get deployment/orders -o json --show-managed-fields
python3 -c 'import json, sys
for m in json.load(open(sys.argv[1]))["metadata"]["managedFields"]:
    if m["manager"] == "fairway" and m["operation"] == "Apply":
        sys.exit("f:replicas" in m["fieldsV1"]["f:spec"])
sys.exit(2)' "$scratch/managed"
status=$?
if [ $status -eq 0 ]; then pass 'how many run is not taken over'; else fail 'how many run is not taken over'; fi
says 0 'prod is rolled back' rollback orders --env prod --yes --confirm prod/orders
is "rig.local/orders:$first" 'to the image before' deployment/orders .spec.template.spec.containers[0].image
says 0 'and forth again, by its manifests' up "$orders" --env prod --image rig.local/orders:1.1.0 --yes --confirm prod/orders
is 'rig.local/orders:1.1.0' 'what fairway wrote in another way is its own' deployment/orders \
	.spec.template.spec.containers[0].image

# The console's choice: the image alone, with all that service.yaml says, or what lies in the folder.
console "$fairway"
types ':orders<enter>'
screened 'the console shows it' sees 20 'depends on'
screened 'and where it runs' sees 20 '1/1'
types 'D'
screened 'asks what to deploy' sees 20 'all of service.yaml'
types 'A'
screened 'and plans all of it' sees 30 'Bring orders to'
types '<esc>'
exec 9>&-

# What another program manages.
ns=$staging
kube -n "$ns" patch deployment orders --field-manager=someone -p '{"spec":{"progressDeadlineSeconds":99}}' >/dev/null
says 3 'what somebody else manages is refused' up "$orders" --env staging --image rig.local/orders:1.1.0 --yes
holds 'and whose it is' err '"someone" using apps/v1 manages .spec.progressDeadlineSeconds of Deployment orders'
is 99 'it stays' deployment/orders .spec.progressDeadlineSeconds
says 0 'unless it is taken over' up "$orders" --env staging --image rig.local/orders:1.1.0 --take-over --yes
is 150 'then it is set' deployment/orders .spec.progressDeadlineSeconds

# What goes wrong.
before=$(field deployment/orders .metadata.generation)
echo 'def broken(:' >>"$orders/main.py"
says 1 'a build that fails ends the deploy' up "$orders" --env staging --yes
holds 'with its last lines' err 'the image was not built \(status 1\): .*a test failed'
is "$before" 'and nothing was applied' deployment/orders .metadata.generation
git -C "$orders" checkout -q main.py
says 3 'whose right is missing is told' --context viewer up "$orders" --env staging --image rig.local/orders:1.1.0 --dry-run
holds 'all of them' err 'you may not patch networkpolicies, services, deployments, .* in namespace '"$staging"'$'
says 2 'no image, no plan' --context test up "$orders" --env staging --image 'two words' --dry-run

# Where there is no namespace yet.
says 3 'who may not make a namespace is told' --context viewer up "$orders" --env new --image rig.local/orders:1.1.0 --dry-run
holds 'in so many words' err 'namespace '"$none"' is not there, and you may not create it'
says 0 'a namespace is made when it is missing' up "$orders" --env new --image rig.local/orders:1.1.0 --yes
holds 'and told' err 'make the namespace: done .*'"$none"
ns=$none
is 1 'it runs there' deployment/orders .status.readyReplicas
plan
