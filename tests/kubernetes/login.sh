#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who we are by a credential plugin: asked once, asked again when its answer expires and when the server refuses it, and told
# when it fails.
. tests/support/tap.sh
. tests/kubernetes/lib.sh
make_namespace
deployment web 1
kube -n "$ns" create serviceaccount login >/dev/null
kube -n "$ns" create rolebinding login --clusterrole=view --serviceaccount="$ns:login" >/dev/null
new_token() # good until the secret that it is bound to is gone
{
	kube -n "$ns" create secret generic "bound$1" >/dev/null
	kube -n "$ns" create token login --bound-object-kind Secret --bound-object-name "bound$1" >"$scratch/token"
}
new_token 1
cat >"$scratch/plugin" <<EOF
#!/bin/sh
echo run >>"$scratch/runs"
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{'
[ ! -e "$scratch/seconds" ] ||
	printf '"expirationTimestamp":"%s",' "\$(date -u -d "\$(cat "$scratch/seconds") seconds" +%FT%TZ)"
printf '"token":"%s"}}\n' "\$(cat "$scratch/token")"
EOF
cat >"$scratch/broken" <<'EOF'
#!/bin/sh
echo 'sso: your session has expired, please log in again' >&2
exit 1
EOF
chmod 755 "$scratch/plugin" "$scratch/broken"
with_plugin() # PROGRAM: a kubeconfig that asks it
{
	kube config view --minify --flatten -o json | python3 -c 'import json, sys
d = json.load(sys.stdin)
d["users"] = [{"name": "sso", "user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1",
    "command": sys.argv[1], "interactiveMode": "Never"}}}]
d["contexts"] = [{"name": "sso", "context": {"cluster": d["clusters"][0]["name"], "user": "sso"}}]
d["current-context"] = "sso"
json.dump(d, sys.stdout)' "$scratch/$1" >"$scratch/$1.kubeconfig"
	config <<YAML
dev $scratch/$1.kubeconfig $ns
YAML
}
approve() # the plugin of the configuration
{
	run config plugins -o json
	run config plugins --approve "$(python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))[0]["approve"])' "$scratch/out")"
}
runs()
{
	wc -l <"$scratch/runs"
}
ran() # N: so often or more
{
	[ "$(runs)" -ge "$1" ]
}
with_plugin plugin
says 3 'a plugin that nobody approved does not run' services
holds 'and what approves it is told' err 'config plugins .*--approve [0-9a-f]{64}'
truly 'nor did it' test ! -e "$scratch/runs"
approve
until_shows 'who we are comes from a plugin' 20 'd[0]["name"] == "web"' services
: >"$scratch/runs"
run services
truly 'asked once for one look' test "$(runs)" -eq 1

# Its answer expires while the console watches; what was asked with it stays open. An answer is kept for ten seconds at least.
asks_anew()
{
	types '<C-r>'
	until_done 60 ran "$1"
}
echo 5 >"$scratch/seconds"
console "$fairway"
screened 'the console is in' sees 20 web
rm "$scratch/seconds"
first=$(runs)
until_done 11 false
truly 'an answer that expired is asked for again' asks_anew $((first + 1))
deployment early 1
screened 'and takes us in' sees 60 early
truly 'once for all who ask' test "$(runs)" -eq $((first + 1))
# And then the server takes it no more: a while later, for it keeps what it found good for ten seconds.
cp "$scratch/token" "$scratch/old"
kube -n "$ns" delete secret bound1 >/dev/null
new_token 2
server=$(kube config view --minify -o 'jsonpath={.clusters[0].cluster.server}')
is_refused()
{
	"$KUBECTL" --kubeconfig /dev/null --server "$server" --insecure-skip-tls-verify --token "$(cat "$scratch/old")" \
		-n "$ns" get pods 2>&1 | grep -q Unauthorized
}
until_done 60 is_refused
truly 'a token that the server refuses is asked for again' asks_anew $((first + 2))
deployment late 1
screened 'and the new one takes us in' sees 60 late
truly 'once for all, again' test "$(runs)" -eq $((first + 2))

with_plugin broken
approve
run services
never 'a plugin that fails is no way in' test "$status" -eq 0
run services
cat "$scratch/err" >>"$scratch/out"
holds 'and its own words are told' out 'your session has expired'
echo wrong >"$scratch/token"
with_plugin plugin
run services
cat "$scratch/err" >>"$scratch/out"
holds 'a token that is none is told' out '401|does not accept'
plan
