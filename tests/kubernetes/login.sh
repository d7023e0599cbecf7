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
runs()
{
	wc -l <"$scratch/runs"
}
ran() # N: so often or more
{
	[ "$(runs)" -ge "$1" ]
}
with_plugin plugin
until_shows 'who we are comes from a plugin' 20 'd[0]["name"] == "web"' services
: >"$scratch/runs"
run services
truly 'asked once for one look' test "$(runs)" -eq 1

# Its answer expires while the console watches.
echo 5 >"$scratch/seconds"
console "$fairway"
screened 'the console is in' sees 20 web
first=$(runs)
until_done 6 false
deployment early 1
screened 'and sees what comes' sees 20 early
types '<C-l>'
rm "$scratch/seconds"
# And then the server takes it no more: it keeps what it found good for ten seconds.
kube -n "$ns" delete secret bound1 >/dev/null
new_token 2
until_done 12 false
deployment late 1
screened 'a token that the server refuses is replaced' sees 60 late
truly 'by asking again' ran $((first + 1))

with_plugin broken
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
