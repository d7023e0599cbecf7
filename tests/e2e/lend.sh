#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A credential plugin that has to ask its person gets the terminal: of a verb at once, of the console once that is agreed to.
. tests/support/tap.sh
terminal=$(dirname "$fairway")/tests/tools/terminal
support=$(pwd)/tests/support
umask 077
cd "$scratch" || exit 1
unset KUBECONFIG
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.crt -days 2 \
	-subj /CN=test -addext subjectAltName=IP:127.0.0.1 >openssl.log 2>&1
cp server.crt ca.crt
python3 "$support/https.py" "$scratch" >ports 2>server.log &
server=$!
clean_up()
{
	kill "$server" 2>/dev/null
}
until_done 10 grep -q proxy ports || exit 1
port=$(sed -n 's/^server //p' ports)

cat >plugin <<'E2'
#!/bin/sh
cd "$(dirname "$0")"
echo "$KUBERNETES_EXEC_INFO" >>info
case $KUBERNETES_EXEC_INFO in
*'"interactive":false'*) echo 'cannot ask' >&2; exit 9 ;;
esac
echo $$ >pid
printf 'Password %s: ' "$(wc -l <info)" >&2
read -r word || exit 4
[ "$word" = right ] || { echo 'that was not it' >&2; exit 7; }
printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"asked-for"}}'
E2
chmod 700 plugin
# mode NAME: the configuration, its plugin with that interactiveMode.
mode()
{
	cat >kube <<E2
clusters: [{name: c, cluster: {server: "https://127.0.0.1:$port", certificate-authority: ca.crt}}]
users: [{name: ada, user: {exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: $1, command: ./plugin}}}]
contexts: [{name: c, context: {cluster: c, user: ada}}]
current-context: c
E2
	cat >config.yaml <<E2
context: acme
contexts:
  acme:
    catalog: {kind: files, path: "$scratch/catalog"}
    environments:
    - name: prod
      deploys: {kind: kubernetes, kubeconfig: "$scratch/kube"}
E2
	: >requests
	rm -f info pid
}
mkdir -p catalog/checkout
printf 'name: checkout\nteam: payments\n' >catalog/checkout/service.yaml

# acts NAME WORD…: a program in a terminal, by the script on standard input; then $status is 0 when all of it came true.
acts()
{
	title=$1
	shift
	timeout 90 "$terminal" 24x100 "$fairway" --config config.yaml "$@" >out 2>err
	status=$?
	if [ "$status" -eq 0 ]; then pass "$title"; else fail "$title"; fi
}
sent()
{
	if grep -q 'Bearer asked-for$' requests; then pass "$1"; else fail "$1"; fi
}

# --- a command of a file: not before it was approved ---
mode Always
says 3 'what nobody approved is not run' --config config.yaml services
holds 'and that is said, with the way' err 'user "ada" is not approved: fairway config plugins .*--approve [0-9a-f]{64}'
acts 'not in a terminal either' services <<'E2'
wait 10000 is not approved
exit 20000
E2
says 3 'nor for a change' --config config.yaml restart checkout --env prod --yes
says 0 'it is listed' --config config.yaml config plugins
holds 'as it would run' out "^  $scratch/\\./plugin$|^  $scratch/plugin$"
holds 'not approved' out 'user ada, not approved'
hash=$(sed -n 's/.*--approve //p' out)
says 4 'a hash of another one' --config config.yaml config plugins --approve "${hash#?}0"
says 0 'approves nothing' --config config.yaml config plugins
holds 'of these' out 'not approved'
if [ -e info ]; then fail 'nothing of all that ran it'; else pass 'nothing of all that ran it'; fi
acts 'the console asks whether it may' <<'E2'
wait 10000 Approve a credential plugin
wait 10000 /plugin
keys <esc>
gone 10000 Approve a credential
wait 10000 checkout
keys <ctrl-r>
wait 10000 Approve a credential plugin
idle 1
keys <tab><enter>
wait 10000 has to log in
keys <esc>
end 5000 TERM
E2
says 0 'what it was told is kept' --config config.yaml config plugins -o json
json 'by its hash' "d[0]['approved'] and d[0]['approve'] == '$hash'"
if [ -e info ]; then fail 'and nothing ran still'; else pass 'and nothing ran still'; fi
for change in 'args: [other]' 'env: [{name: A, value: b}]'; do
	sed -i "s/command: .\/plugin/&, $change/" kube
	says 3 "another one by its $change" --config config.yaml services
	mode Always
done
sed -i 's/command: .\/plugin/command: lend-plugin/' kube
mkdir one two && cp plugin one/lend-plugin && cp plugin two/lend-plugin
PATH=$scratch/one:$PATH says 0 'one of PATH' --config config.yaml config plugins
PATH=$scratch/one:$PATH run --config config.yaml config plugins --approve "$(sed -n 's/.*--approve //p' out)"
PATH=$scratch/one:$PATH says 0 'is approved' --config config.yaml config plugins
holds 'by its whole path' out "user ada, approved"
PATH=$scratch/two:$scratch/one:$PATH says 3 'another program that comes first in PATH is not' --config config.yaml services
holds 'and is told' err 'lend-plugin of user "ada" is not approved'
PATH=$scratch/one:$PATH says 5 'the one that was approved may go on' --config config.yaml services
if [ "$(stat -c %a "$FAIRWAY_STATE_DIR/approved-plugins")" = 600 ]; then pass 'what was approved is kept private'; else fail 'what was approved is kept private'; fi

# --- what was approved ---
mode Always
says 5 'without a terminal it is not run' --config config.yaml status
holds 'and that is said' out 'user "ada" was not run: there is no terminal'
mode Always
acts 'a verb lends its terminal' logs checkout <<'E2'
wait 10000 Password 1:
keys right<enter>
exit 20000
E2
sent 'and takes what was printed'
grep -q '"interactive":true' info && pass 'the plugin knows' || fail 'the plugin knows'

# In the console a dialog comes first. Its first moments take no confirmation.
mode Always
acts 'the console asks, lends, and comes back' <<'E2'
wait 10000 has to log in
wait 10000 Cancel
keys <esc>
gone 10000 has to log in
wait 10000 checkout
keys <ctrl-r>
wait 10000 has to log in
idle 1
keys <tab><enter>
wait 10000 Password 1:
keys wrong<enter>
wait 10000 that was not it
wait 10000 status 7; enter goes back
keys <enter>
wait 10000 Services
wait 10000 ended with status 7
keys <ctrl-r>
wait 10000 has to log in
idle 1
keys <tab><enter>
wait 10000 Password 2:
keys <ctrl-z>
keys right<enter>
wait 10000 Services
idle 1
end 3000 TERM
E2
sent 'with what was printed at last'
mode IfAvailable
acts 'one that may ask is run without asking first, and ends with the console' <<'E2'
wait 10000 has to log in
idle 1
keys <tab><enter>
wait 10000 Password 2:
end 3000 TERM
E2
name='it knew when it could ask'
if [ "$(grep -c '"interactive":false' info)" = 1 ] && [ "$(grep -c '"interactive":true' info)" = 1 ]; then pass "$name"; else fail "$name"; fi
name='nothing of it is left'
if kill -0 "$(cat pid)" 2>/dev/null; then fail "$name"; else pass "$name"; fi
plan
