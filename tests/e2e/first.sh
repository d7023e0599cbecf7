#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The first run where a kubeconfig is: its contexts are offered, and what is chosen is written and opened; config init
# writes the same.
. tests/support/tap.sh
terminal=$(dirname "$fairway")/tests/tools/terminal
umask 022
cd "$scratch" || exit 1
unset KUBECONFIG
mkdir "$HOME/.kube"
cat >"$HOME/.kube/config" <<'E2'
current-context: staging
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}, {name: d, cluster: {server: "https://127.0.0.1:2", insecure-skip-tls-verify: true}}]
users: [{name: ada, user: {token: a-token-of-ada}}, {name: eks, user: {exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: sh, args: [-c, "touch /tmp/never"]}}}]
contexts:
- {name: staging, context: {cluster: c, user: ada}}
- {name: "arn:aws:eks:eu-west-1:123456789012:cluster/shop-prod", context: {cluster: d, user: eks}}
- {name: dev, context: {cluster: c, user: ada}}
E2
sed -i "s,/tmp/never,$scratch/never," "$HOME/.kube/config"
acts()
{
	title=$1
	shift
	timeout 90 "$terminal" 30x110 "$fairway" "$@" >out 2>err
	status=$?
	if [ "$status" -eq 0 ]; then pass "$title"; else fail "$title"; fi
}
written=$XDG_CONFIG_HOME/fairway/config.yaml

acts 'looking at them' <<'E2'
wait 5000 Where do you want to start?
keys j<enter>
wait 5000 [x] staging
keys j
wait 5000 sh -c 'touch
end 5000 TERM
E2
if [ -e never ]; then fail 'runs no plugin'; else pass 'runs no plugin'; fi
acts 'the first screen offers the clusters' <<'E2'
wait 5000 dev, staging, shop-prod, of
wait 5000 Where do you want to start?
keys j<enter>
wait 5000 Which contexts become environments?
wait 5000 [x] staging
wait 5000 [ ] dev
keys <space>
gone 5000 [x]
keys <enter>
wait 5000 choose one or more first
keys j<space>
wait 5000 not verified
wait 5000 sh -c 'touch
wait 5000 protected
keys p
gone 5000 protected   arn
keys p
wait 5000 protected   arn
keys kk<space><enter>
gone 10000 Which contexts
wait 5000 clusters / all environments
end 5000 TERM
E2
name='what was chosen is written'
cat >expected <<'E2'
# Out of the kubeconfig, in the order of promotion.
context: clusters
contexts:
  clusters:
    environments:
    - name: dev
      deploys: { kind: kubernetes, context: "dev" }
    - name: shop-prod
      protected: true      # changes want the name typed
      deploys: { kind: kubernetes, context: "arn:aws:eks:eu-west-1:123456789012:cluster/shop-prod" }
E2
if cmp "$written" expected >>err 2>&1; then pass "$name"; else fail "$name"; fi
if [ "$(stat -c %a "$written")" = 600 ]; then pass 'for its owner alone'; else fail 'for its owner alone'; fi
run services
if [ -e never ]; then pass 'the command that was shown may run'; else fail 'the command that was shown may run'; fi
says 0 'since its context was chosen with it' config plugins
holds 'which is kept' out 'shop-prod/deploys: user eks, approved'
rm -r "$FAIRWAY_STATE_DIR"
says 3 'config init leaves a file as it is' config init
holds 'and says so' err 'is there already'

rm "$written"
rm -f never
says 0 'config init takes all contexts' config init
run services
says 0 'and approves none of their plugins' config plugins
holds 'which runs none' out 'user eks, not approved'
if [ -e never ]; then fail 'not even when asked'; else pass 'not even when asked'; fi
rm "$written"
says 0 'as it says' config init
holds 'protects what is called prod, and says so' err 'shop-prod: .*protected, since its name holds prod, logs in by /.*/sh -c .touch'
says 0 'it can be used' config check
says 0 'and shown' config show
holds 'with its environments' out 'staging/deploys'
lacks 'no secret is in it' out a-token-of-ada
if grep -q a-token "$written"; then fail 'nor in the file'; else pass 'nor in the file'; fi
rm "$written"
cp "$HOME/.kube/config" other
says 0 'config init --kubeconfig takes that one' config init --kubeconfig other
if grep -q "kubeconfig: \"$scratch/other\"" "$written"; then pass 'and names it'; else fail 'and names it'; fi
rm "$written"
says 2 'one that is not there is a mistake' config init --kubeconfig nowhere
if [ -e "$written" ]; then fail 'and nothing is written'; else pass 'and nothing is written'; fi
echo '{' >"$HOME/.kube/config"
says 0 'a broken one of the home folder is none' config init
holds 'but told' err 'without environments: .*not valid YAML'
rm -r "$HOME/.kube" "$written"
says 0 'none is none' config init
if grep -q '^contexts' "$written"; then fail 'without environments'; else pass 'without environments'; fi
rm "$written"
acts 'the first screen knows that there is none' <<'E2'
wait 5000 there is none yet
wait 5000 Where do you want to start?
keys j<enter>
wait 5000 no context in
end 5000 TERM
E2
if [ -e never ]; then fail 'nor did any of that'; else pass 'nor did any of that'; fi
plan
