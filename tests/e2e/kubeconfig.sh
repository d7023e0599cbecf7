#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Odd kubeconfigs: what is read of them is what kubectl 1.36 says (tests/fixtures/kubeconfig/expected), and what that
# refuses is refused. With a kubectl at hand (KUBECTL, RIG_KUBE_BIN or PATH) the expectation itself is compared with
# what it says now. KUBECONFIG_LEARN=1 writes the expectation anew.
. tests/support/tap.sh
fixtures=$(pwd)/tests/fixtures/kubeconfig
kubectl=${KUBECTL:-${RIG_KUBE_BIN:+$RIG_KUBE_BIN/kubectl}}
kubectl=${kubectl:-$(command -v kubectl || true)}
mkdir "$scratch/kube"
cp -r "$fixtures/." "$scratch/kube"
chmod -R go-w "$scratch/kube"

# A file of 400 contexts, each with a long name and certificate.
python3 - >"$scratch/kube/long.yaml" <<'E2'
data = 'Q0VSVElGSUNBVEUK' * 300
print('current-context: c399\nclusters:')
for i in range(400):
    print(f'- {{name: c{i}, cluster: {{server: "https://c{i}.example", certificate-authority-data: {data}}}}}')
print('contexts:')
for i in range(400):
    print(f'- {{name: c{i}, context: {{cluster: c{i}, user: {"u" * 500}{i}}}}}')
print('users:')
for i in range(400):
    print(f'- {{name: {"u" * 500}{i}, user: {{client-certificate-data: {data}, client-key-data: {data}}}}}')
E2

# plain FILE: in one form, without what says nothing of a connection, and without this machine's paths.
plain()
{
	python3 -c 'import json, sys
text = sys.stdin.read().replace(sys.argv[1], "@")
d = json.loads(text)
d.pop("preferences", None)
d.pop("extensions", None)
print(json.dumps(d, sort_keys=True, indent=1))' "$scratch/kube" <"$1"
}

# same NAME KUBECONFIG [CONTEXT]
same()
{
	name=$1 list=$2 context=${3:-}
	expected=$fixtures/expected/$name.json
	cd "$scratch/kube" || exit 1
	KUBECONFIG=$list "$fairway" config kubeconfig --raw ${context:+--context "$context"} >"$scratch/out" 2>"$scratch/err"
	status=$?
	if [ -n "$kubectl" ]; then
		if KUBECONFIG=$list "$kubectl" config view --minify --flatten --raw -o json ${context:+--context "$context"} \
			>"$scratch/theirs" 2>"$scratch/theirs.err"; then
			plain "$scratch/theirs" >"$scratch/theirs.json"
		else
			echo refused >"$scratch/theirs.json"
		fi
		[ -z "${KUBECONFIG_LEARN:-}" ] || cp "$scratch/theirs.json" "$expected"
	fi
	cd - >/dev/null || exit 1
	if [ "$status" -eq 0 ]; then plain "$scratch/out" >"$scratch/ours.json"; else echo refused >"$scratch/ours.json"; fi
	if ! cmp -s "$scratch/ours.json" "$expected"; then
		diff "$scratch/ours.json" "$expected" | cut -c 1-200 >>"$scratch/err"
		fail "$name"
	elif [ "$status" -ne 0 ] && [ "$status" -ne 2 ]; then
		fail "$name (refused with status 2)"
	elif [ -n "$kubectl" ] && ! cmp -s "$scratch/theirs.json" "$expected"; then
		diff "$scratch/theirs.json" "$expected" | cut -c 1-200 >>"$scratch/err"
		fail "$name (kubectl says something else)"
	else
		pass "$name"
	fi
}

for f in "$fixtures"/*.yaml; do
	f=$(basename "$f" .yaml)
	same "$f" "$f.yaml"
done
same relative deep/er/relative.yaml
same long long.yaml
same first-wins plain.yaml:second.yaml
same second-wins second.yaml:plain.yaml
same other-context plain.yaml:second.yaml two
same user-of-the-first only-users.yaml:plain.yaml
same named-twice plain.yaml:plain.yaml:second.yaml:plain.yaml
same missing-skipped nowhere.yaml::second.yaml:also/nowhere.yaml
same missing-all nowhere.yaml
same broken-second plain.yaml:not-yaml.yaml
same folder deep
same anchors-second anchors.yaml d
same absolute "$scratch/kube/deep/er/relative.yaml"
same unknown-context plain.yaml three

cd "$scratch/kube" || exit 1
unset KUBECONFIG
says 2 'a file that is named must be there' config kubeconfig --kubeconfig "$scratch/none.yaml"
KUBECONFIG=second.yaml says 0 'a file that is named replaces all others' config kubeconfig --kubeconfig plain.yaml
json 'and it is the one' 'd["current-context"] == "one" and d["clusters"][0]["cluster"]["server"] == "https://192.0.2.1:6443"'
json 'secrets are not shown unasked' '"S0VZ" not in json.dumps(d) and d["users"][0]["user"]["client-key-data"] == "DATA+OMITTED"'
KUBECONFIG=basic.yaml says 0 'nor passwords' config kubeconfig
json 'nor passwords' 'd["users"][0]["user"] == {"username": "ada", "password": "REDACTED"}'
mkdir -p "$HOME/.kube" && cp plain.yaml "$HOME/.kube/config"
says 0 'the home folder has one' config kubeconfig
chmod g+w "$HOME/.kube/config"
says 2 'not when others can write it' config kubeconfig
holds 'and it says what to do' err 'chmod go-w'
chmod 000 plain.yaml
if [ "$(id -u)" -ne 0 ]; then
	KUBECONFIG=plain.yaml:second.yaml says 2 'an unreadable file is a mistake' config kubeconfig
fi
KUBECONFIG=no-such-context.yaml says 2 'a context that is not there' config kubeconfig
holds 'and which ones are' err 'there is: c$'
KUBECONFIG=number-token.yaml says 2 'a token that is no text' config kubeconfig
holds 'where it stands' err 'number-token.yaml:4: users\[0\].user.token: must be text'
lacks 'but not what it is' err '123456'
cd - >/dev/null || exit 1
plan
