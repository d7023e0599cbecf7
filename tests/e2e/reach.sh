#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How a cluster is reached by a kubeconfig, seen from a server over TLS: certificates, tokens, credential plugins,
# impersonation, proxies. A real API server is asked in tests/kubernetes/reach.sh.
. tests/support/tap.sh
reach=$(pwd)/${BUILD:-build}/tests/tools/reach
support=$(pwd)/tests/support
umask 077
cd "$scratch" || exit 1
unset KUBECONFIG HTTPS_PROXY https_proxy NO_PROXY no_proxy ALL_PROXY all_proxy KUBERNETES_SERVICE_HOST

# certificate NAME EXTENSIONS: NAME.crt and NAME.key, signed by the CA.
certificate()
{
	printf '%s\n' "$2" >"$1.ext"
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" \
		>>openssl.log 2>&1 &&
		openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile "$1.ext" -out "$1.crt" \
			>>openssl.log 2>&1
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -days 2 \
	-subj /CN=test-ca >>openssl.log 2>&1
certificate server 'subjectAltName=IP:127.0.0.1,DNS:cluster.example'
certificate ada 'extendedKeyUsage=clientAuth'
certificate bob 'extendedKeyUsage=clientAuth'
: >valid
python3 "$support/https.py" "$scratch" >ports 2>server.log &
server=$!
clean_up()
{
	kill "$server" 2>/dev/null
}
until_done 10 grep -q proxy ports || exit 1
port=$(sed -n 's/^server //p' ports)
proxy=$(sed -n 's/^proxy //p' ports)
base64 -w0 ca.crt >ca.b64

# config CLUSTER USER [CONTEXT]: a kubeconfig; CLUSTER and USER are members in flow style.
config()
{
	cat >config <<E2
clusters: [{name: c, cluster: {$1}}]
users: [{name: u, user: {$2}}]
contexts: [{name: c, context: {cluster: c, user: u${3:-}}}]
current-context: c
E2
}
https="server: \"https://127.0.0.1:$port\", certificate-authority: ca.crt"
# asks NAME EXPRESSION PATH…: Python over d, the JSON of the last answer, and lines, all that was printed.
asks()
{
	name=$1 expression=$2
	shift 2
	: >requests
	timeout 60 "$reach" ${flags:-} "$scratch/config" - "$@" >out 2>err
	status=$?
	if python3 -c 'import json, sys
lines = open(sys.argv[1]).read().splitlines()
requests = open(sys.argv[3]).read().splitlines()
d = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {"headers": {}}
h = d["headers"]
sys.exit(0 if eval("(" + sys.argv[2] + ")") else 1)' out "$expression" requests 2>>err; then pass "$name"; else fail "$name"; fi
}

config "$https" 'token: a-token-of-ada' ', namespace: payments'
asks 'a token' 'h["Authorization"] == ["Bearer a-token-of-ada"] and lines[0] == "200 scope=payments who=u"' /x
asks 'our name, and no compression on this machine' 'h["User-Agent"][0].startswith("fairway/") and "Accept-Encoding" not in h' /x
config "server: \"https://127.0.0.1:$port/k8s/c-1/\", certificate-authority-data: $(cat ca.b64)" 'token: t'
asks 'a path before all paths, a CA as data' 'd["path"] == "/k8s/c-1/api/v1/pods?limit=1"' '/api/v1/pods?limit=1'
config "server: \"https://127.0.0.1:$port\"" 'token: t'
asks 'the system does not know this CA' 'lines[0].startswith("error unreachable:") and not requests' /x
config "$https" 'client-certificate: ada.crt, client-key: ada.key'
asks 'a client certificate' 'd["client"] == "ada" and "Authorization" not in h' /x
config "$https" "client-certificate-data: $(base64 -w0 bob.crt), client-key-data: $(base64 -w0 bob.key), token: both-of-them"
asks 'a client certificate as data, beside a token' 'd["client"] == "bob" and h["Authorization"] == ["Bearer both-of-them"]' /x
config "$https" 'client-certificate: ada.crt, client-key: gone.key'
asks 'a key that is not there' '"gone.key: No such file" in lines[0] and lines[0].startswith("error usage")' /x
openssl ec -in ada.key -aes128 -passout pass:secret -out locked.key >>openssl.log 2>&1
config "$https" 'client-certificate: ada.crt, client-key: locked.key'
asks 'a key with a passphrase asks nobody' 'lines[0].startswith("error ")' /x
config "$https" 'username: ada, password: "pa:ss word"'
asks 'a password' 'h["Authorization"] == ["Basic YWRhOnBhOnNzIHdvcmQ="]' /x
config "server: \"http://127.0.0.1:$port\"" 'token: t'
asks 'nothing of who we are over http' 'lines[0].startswith("error") and not requests' /x

config "$https" 'token: t, as: jane, as-uid: "7", as-groups: [dev, "ops é"], as-user-extra: {scopes: [view, edit], "acme.dev/Why ä": ["100%"]}'
asks 'impersonation' 'h["Impersonate-User"] == ["jane"] and h["Impersonate-Uid"] == ["7"] and
h["Impersonate-Group"] == ["dev", "ops é"] and h["Impersonate-Extra-scopes"] == ["view", "edit"] and
h["Impersonate-Extra-acme.dev%2FWhy%20%C3%A4"] == ["100%"]' /x
config "$https" 'token: t, as-groups: [dev]'
asks 'groups without a user' '"without as" in lines[0]' /x

config "server: \"https://localhost:$port\", certificate-authority: ca.crt" 'token: t'
asks 'a certificate of another name' 'lines[0].startswith("error unreachable") and not requests' /x
config "server: \"https://localhost:$port\", certificate-authority: ca.crt, tls-server-name: cluster.example" 'token: t'
asks 'tls-server-name' 'd["sni"] == "cluster.example" and h["Host"] == ["localhost:'"$port"'"]' /x
config "server: \"https://localhost:$port\", insecure-skip-tls-verify: true" 'token: t'
asks 'unverified' 'h["Authorization"] == ["Bearer t"]' /x
flags=--post asks 'but nothing is changed so' 'lines[0].startswith("error refused") and "insecure-writes" in lines[0] and not requests' /x
flags='--post --insecure-writes' asks 'unless that is wanted' 'requests == ["POST /x Bearer t"]' /x
config "$https, insecure-skip-tls-verify: true" 'token: t'
asks 'unverified and with a CA' '"one only" in lines[0]' /x

: >proxied
config "$https, proxy-url: \"http://me:proxy-password@127.0.0.1:$proxy\"" 'token: t'
asks 'a proxy, on this machine too' 'h["Authorization"] == ["Bearer t"]' /x
if grep -q "^127.0.0.1:$port Basic bWU6cHJveHktcGFzc3dvcmQ=" proxied; then pass 'it was asked'; else fail 'it was asked'; fi
config "$https, tls-server-name: cluster.example, proxy-url: \"http://127.0.0.1:$proxy\"" 'token: t'
: >proxied
NO_PROXY='*' asks 'a proxy and a TLS name' 'd["sni"] == "cluster.example"' /x
if grep -q "^127.0.0.1:$port -" proxied; then pass 'told the true place'; else fail 'told the true place'; fi
config "$https, proxy-url: \"ftp://127.0.0.1:1\"" 'token: t'
asks 'no such proxy' '"proxy-url" in lines[0]' /x
config "$https, proxy-url: \"socks5://127.0.0.1:1\"" 'token: t'
asks 'a proxy that is not there' 'lines[0].startswith("error unreachable")' /x
config "$https" 'token: t'
: >proxied
HTTPS_PROXY="http://127.0.0.1:$proxy" asks 'the proxy of the environment is not for this machine' '"path" in d' /x
if [ -s proxied ]; then fail 'it was not asked'; else pass 'it was not asked'; fi

config "server: \"https://cluster.example:$port\", certificate-authority: ca.crt" 'token: t'
HTTPS_PROXY="http://127.0.0.1:$proxy" asks 'it is for other machines' 'lines[0].startswith("error")' /x
if grep -q "^cluster.example:$port -" proxied; then pass 'and was asked'; else fail 'and was asked'; fi
: >proxied
HTTPS_PROXY="http://127.0.0.1:$proxy" NO_PROXY=.example asks 'but for those that NO_PROXY names' 'lines[0].startswith("error")' /x
if [ -s proxied ]; then fail 'it was not asked then'; else pass 'it was not asked then'; fi

echo good-token-1 >valid
echo ' good-token-1 ' >token
config "$https" 'tokenFile: token, token: not-this-one'
asks 'a file of a token' 'requests == ["GET /token Bearer good-token-1"]' /token
(sleep 1; echo good-token-2 >valid; echo good-token-2 >token) &
asks 'a file that changed is read again after a 401' 'requests[-1] == "GET /token Bearer good-token-2" and
sum(r.endswith("good-token-1") for r in requests) == 2 and lines[-2].startswith("200")' /token 'wait 2000' /token
wait $!
echo good-token-3 >valid
asks 'one that did not change is not sent twice' 'len(requests) == 1 and "401" in lines[0]' /token
rm token
asks 'without the file, the token' 'requests == ["GET /x Bearer not-this-one"]' /x
config "$https" 'tokenFile: token'
asks 'nor file nor token' '"token: No such file" in lines[0]' /x

# plugin LINES…: prints an ExecCredential of what $status_json says, after LINES; each run is a line in runs.
plugin()
{
	mkdir -p bin
	cat >bin/plugin <<E2
#!/bin/sh
echo run >>"$scratch/runs"
$1
printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":%s}' "\$status_json"
E2
	chmod 700 bin/plugin
	: >runs
}
exec_v1='apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never'
config "$https, extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: 06e3, n: 1}}]" \
	"exec: {$exec_v1, command: ./bin/plugin, args: [--a, 'b c'], env: [{name: OWN, value: of-the-entry}], provideClusterInfo: true}"
echo token-of-plugin >valid
plugin 'printf "%s\n" "$KUBERNETES_EXEC_INFO" "$OWN" "$AWS_PROFILE" "$1" "$2" "$#" >seen; ls -l /proc/$$/fd/0 >stdin
status_json="{\"token\":\"token-of-plugin\"}"'
export AWS_PROFILE=prod
asks 'a credential plugin' 'requests == ["GET /token Bearer token-of-plugin"] * 3' /token /token /token
name='runs once'
if [ "$(wc -l <runs)" -eq 1 ]; then pass "$name"; else fail "$name"; fi
name='gets what kubectl gives it'
if python3 -c 'import base64, json
lines = open("seen").read().split("\n")
info = json.loads(lines[0])
ca = base64.b64decode(info["spec"]["cluster"].pop("certificate-authority-data")).decode()
assert ca == open("ca.crt").read()
assert info == {"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "spec": {"interactive": False,
 "cluster": {"server": "https://127.0.0.1:'"$port"'", "config": {"audience": 6000, "n": 1}}}}, info
assert lines[1:6] == ["of-the-entry", "prod", "--a", "b c", "2"], lines' 2>err; then pass "$name"; else fail "$name"; fi
if grep -q /dev/null stdin; then pass 'and no input'; else fail 'and no input'; fi

plugin 'status_json="{\"token\":\"token-$(wc -l <"'"$scratch"'/runs")\"}"'
echo token-2 >valid
config "$https" "exec: {$exec_v1, command: bin/plugin}"
asks 'a 401 has it run anew, and the read goes out again' 'requests == ["GET /token Bearer token-1"] + ["GET /token Bearer token-2"] * 2 and
lines[-2].startswith("200")' /token /token
: >runs
flags=--post asks 'a write does not' 'requests == ["POST /token Bearer token-1"] and "401" in lines[0]' /token
: >runs
echo never >valid
asks 'what is refused again is not asked for again and again' 'len(requests) == 4 and open("runs").read().count("run") == 2' /token /token /token
plugin 'status_json="{\"token\":\"token-$(wc -l <"'"$scratch"'/runs")\",\"expirationTimestamp\":\"$(date -u -d "now + 12 seconds" +%Y-%m-%dT%H:%M:%SZ)\"}"'
asks 'it runs again before its answer expires' '[r[-1] for r in requests] == ["1", "1", "2"]' /x 'wait 1000' /x 'wait 10500' /x
plugin 'status_json="{\"token\":\"of-the-past\",\"expirationTimestamp\":\"2020-01-01T00:00:00Z\"}"'
asks 'an answer of the past is tried, but not got for each request' 'len(requests) == 3 and open("runs").read().count("run") == 1' /x /x /x
plugin "status_json=\$(python3 -c 'import json; print(json.dumps({\"clientCertificateData\": open(\"$scratch/ada.crt\").read(), \"clientKeyData\": open(\"$scratch/ada.key\").read()}))')"
asks 'a certificate of a plugin' 'd["client"] == "ada"' /x

# fails NAME LINES TEXT: the plugin of LINES is of no use, and the sentence says TEXT.
fails()
{
	plugin "$2"
	asks "$1" "len(requests) == 0 and all(l.startswith('error refused: the credential plugin plugin of user \"u\"') for l in lines) and
'$3' in lines[0] and open('runs').read().count('run') == 1" /x /x
}
fails 'a plugin that fails' 'printf "Traceback:\n  \033[1mplease log in\033[0m\r\n" >&2; exit 3' 'ended with status 3: Traceback: '
lacks 'with nothing unprintable of it' out "$(printf '\033')"
fails 'one that says much' 'i=0; while [ $i -lt 30000 ]; do echo "line $i" >&2; i=$((i + 1)); done; exit 1' 'line 29999'
fails 'one that prints something else' 'echo hello; exit 0' 'is not JSON'
fails 'one that prints nothing' 'exit 0' 'is not JSON'
fails 'one without a status' 'status_json=null' 'no status'
fails 'one without a token' 'status_json="{}"' 'neither a token nor a certificate'
fails 'one with half a certificate' 'status_json="{\"clientKeyData\":\"x\"}"' 'not both'
fails 'one with a strange token' 'status_json="{\"token\":\"a\\u000ab\"}"' 'control byte'
fails 'one with a strange time' 'status_json="{\"token\":\"a\",\"expirationTimestamp\":\"soon\"}"' 'expirationTimestamp'
fails 'one that repeats its secret' 'echo "got secret-of-mine" >&2; exit 1' 'got secret-of-mine'
plugin 'status_json="{\"token\":\"tok\"}"'
sed -i 's,k8s.io/v1,k8s.io/v1beta1,' bin/plugin
asks 'one of another version' '"another apiVersion" in lines[0]' /x
config "$https" "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: bin/plugin}"
asks 'v1beta1' 'h["Authorization"] == ["Bearer tok"]' /x
config "$https" "exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: bin/plugin}"
asks 'not v1alpha1' '"v1 or v1beta1" in lines[0]' /x
config "$https" "exec: {$exec_v1, command: no-such-plugin, installHint: \"get it \\n\\e[1mhere\"}"
sed -i 's/\\e\[1m//' config
asks 'one that is not installed' 'lines[0].endswith("no-such-plugin of user \"u\" is not installed: get it  here")' /x
config "$https" "token: first, exec: {$exec_v1, command: bin/plugin}"
: >runs
asks 'no plugin where there is a token' 'h["Authorization"] == ["Bearer first"] and not open("runs").read()' /x

config "$https" 'auth-provider: {name: oidc, config: {id-token: an-id-token}}'
asks 'an id-token of old' 'h["Authorization"] == ["Bearer an-id-token"]' /x
config "$https" 'auth-provider: {name: gcp, config: {}}'
asks 'not what is gone' '"credential plugin (exec)" in lines[0]' /x

# In a pod. The folder of its account is made where only this process sees it.
account=/run/secrets/kubernetes.io/serviceaccount
if unshare -m true 2>/dev/null && [ "$(readlink -f /var/run)" = /run ]; then
	echo of-the-pod >valid
	rm -f config
	timeout 60 unshare -m sh -c "mount -t tmpfs none /run && mkdir -p $account && cp ca.crt $account/ca.crt &&
		echo of-the-pod >$account/token && printf shop >$account/namespace &&
		KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=$port exec $reach - - /token" >out 2>err
	status=$?
	holds 'the service account of a pod' out '^200 scope=shop '
	holds 'with its token' out 'Bearer of-the-pod'
else
	pass 'the service account of a pod # skip no mount namespace can be had'
fi

# The current context may change meanwhile; a file that changed is read again.
cat >config <<E2
clusters: [{name: c, cluster: {$https}}]
users: [{name: one, user: {token: of-one}}, {name: two, user: {token: of-two}}]
contexts: [{name: one, context: {cluster: c, user: one}}, {name: two, context: {cluster: c, user: two}}]
current-context: one
E2
(sleep 1; sed 's/^current-context: .*/current-context: two/; s/of-one/of-one-anew/' config >config.new; mv config.new config) &
asks 'a file that changed is read again, the context stays' '[r.split()[-1] for r in requests] == ["of-one", "of-one-anew"]' /x 'wait 2000' /x
wait $!
chmod g+w config
asks 'not one that others can write' '"chmod go-w" in lines[0]' /x
plan
