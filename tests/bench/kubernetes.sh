# SPDX-License-Identifier: Apache-2.0
# Sourced by tests/bench/run.sh: a real cluster (tests/rig) with 100, 1,000 and 10,000 pods, fairway beside kubectl. Time and
# memory are taken on the direct way, bytes and requests through a proxy and in the server's audit log.
rig()
{
	RIG_CACHE="$cache/fairway-rig" RIG_INSTANCE=bench RIG_KUBE_PORT="${RIG_KUBE_PORT:-16620}" RIG_KUBE_AUDIT=1 tests/rig/kubernetes-up "$@"
}
# spent FILE COMMAND…: "seconds MiB" of it; its output goes into FILE.
spent()
{
	python3 -c 'import os, resource, sys, time
start = time.monotonic()
with open(sys.argv[1], "w") as out:
    pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ, file_actions=[
        (os.POSIX_SPAWN_DUP2, out.fileno(), 1), (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)])
_, status, usage = os.wait4(pid, 0)
print("%.2f %.0f" % (time.monotonic() - start, usage.ru_maxrss / 1024))
sys.exit(os.waitstatus_to_exitcode(status))' "$@" 2>>"$dir/err" || echo "failed: $*" >&2
}
# wire COMMAND…: "bytes requests" of it, both ways and TLS included. Its kubeconfig leads through the proxy.
wire()
{
	wire_from=$(carried) asked_from=$(asked)
	"$@" >/dev/null 2>>"$dir/err" </dev/null
	echo "$(($(carried) - wire_from)) $(($(asked) - asked_from))"
}
carried()
{
	"$build/tests/faults/proxy" "$dir/proxy.sock" count | awk '{ print $6 + $8 }'
}
asked()
{
	# kubectl and fairway; not the parts of the cluster, which ask all the time.
	grep -cE '"userAgent":"(kubectl|fairway)[/"]' "$RIG_KUBE_AUDIT_LOG"
}
KB()
{
	awk -v n="$1" 'BEGIN { printf n < 1e6 ? "%.0f kB" : "%.1f MB", n / (n < 1e6 ? 1e3 : 1e6) }'
}
cluster_config() # KUBECONFIG
{
	mkdir -p "$XDG_CONFIG_HOME/fairway"
	cat >"$XDG_CONFIG_HOME/fairway/config.yaml" <<EOF
context: bench
contexts:
  bench:
    environments:
    - {name: prod, deploys: {kind: kubernetes, kubeconfig: $1}}
EOF
}
pods() # N MORE: fills up to N pods by MORE, then measures. $ours and $theirs: figures of fairway and of kubectl, "a b".
{
	n=$1
	rig fill "$2" >/dev/null 2>>"$dir/err"
	cluster_config "$RIG_KUBECONFIG"
	theirs=$(spent "$dir/theirs" "$kubectl" --kubeconfig "$RIG_KUBECONFIG" get pods -A)
	ours=$(spent "$dir/ours" "$fairway" instances --env prod)
	FAIRWAY_STATE_DIR="$dir/console" timeout 120 "$terminal" 40x120 "$fairway" >"$dir/out" 2>"$dir/err" <<EOF || cat "$dir/out"
first
wait 60000 load-
idle 3
memory
end 2000 TERM
EOF
	row "$n pods: console, to its first screen" '≤ 50 ms' "$(get 'first frame')" ''
	row '  peak memory of the console' '≤ 1 × kubectl' "$(get 'peak memory')" \
		"$(divide "$(get 'peak memory' | cut -d' ' -f1)" "${theirs#* }" 'kubectl, MiB')"
	row "  the complete list: fairway instances" '≤ 1 × kubectl' "${ours% *} s, ${ours#* } MiB" \
		"$(divide "${ours% *}" "${theirs% *}" 'kubectl, s')"
	cluster_config "$dir/proxied.kubeconfig"
	theirs=$(wire "$kubectl" --kubeconfig "$dir/proxied.kubeconfig" get pods -A)
	ours=$(wire "$fairway" instances --env prod)
	row '  bytes on the wire for it' '≤ 1 × kubectl' "$(KB "${ours% *}")" "$(divide "${ours% *}" "${theirs% *}" 'kubectl, bytes')"
	row '  requests for it' '≤ 1 × kubectl' "${ours#* }" "$(divide "${ours#* }" "${theirs#* }" 'kubectl')"
}
logs()
{
	cat >"$dir/chatter.yaml" <<EOF
apiVersion: apps/v1
kind: Deployment
metadata: {name: chatter, namespace: default, labels: {app.kubernetes.io/name: chatter}}
spec:
  replicas: 5
  selector: {matchLabels: {app.kubernetes.io/name: chatter}}
  template:
    metadata: {labels: {app.kubernetes.io/name: chatter}, annotations: {rig/log-rate: "100000"}}
    spec: {containers: [{name: server, image: "rig.local/busybox:1"}], tolerations: [{operator: Exists}]}
EOF
	"$kubectl" --kubeconfig "$RIG_KUBECONFIG" apply -f "$dir/chatter.yaml" >/dev/null
	"$kubectl" --kubeconfig "$RIG_KUBECONFIG" rollout status deployment/chatter --timeout=60s >/dev/null
	cluster_config "$RIG_KUBECONFIG"
	sleep 2
	theirs=$(spent "$dir/theirs" "$kubectl" --kubeconfig "$RIG_KUBECONFIG" logs -l app.kubernetes.io/name=chatter \
		--max-log-requests=5 --timestamps --tail=100000)
	ours=$(spent "$dir/ours" "$fairway" logs chatter --env prod --since 1h)
	row "log: the last of five pods, $(wc -l <"$dir/ours") lines" '≤ 1.11 × kubectl' "${ours% *} s, ${ours#* } MiB" \
		"$(divide "${ours% *}" "${theirs% *}" "kubectl logs, s, $(wc -l <"$dir/theirs") lines, ${theirs#* } MiB")"
}

if ! rig install >/dev/null 2>"$dir/rig"; then
	echo
	echo "Kubernetes was not measured: $(sed -n 's/^error: //p' "$dir/rig" | tail -n 1)"
	return 0
fi
rig stop 2>/dev/null
rig start >"$dir/rig.env" 2>"$dir/rig" || { tail -n 3 "$dir/rig"; return 0; }
. "$dir/rig.env"
kubectl=$RIG_KUBE_BIN/kubectl
# By an address of this machine that is not loopback, where nothing is compressed.
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
address=$(hostname -I 2>/dev/null | tr ' ' '\n' | grep -m 1 '^[0-9.]*$' || echo 127.0.0.1)
"$build/tests/faults/proxy" "$address:0" "${RIG_KUBE_URL#https://}" "$dir/proxy.sock" >"$dir/proxy.out" &
proxy=$!
until grep -q listening "$dir/proxy.out"; do sleep 0.05; done
sed "s|server: '[^']*'|server: 'https://$address:$(sed -n 's/listening on //p' "$dir/proxy.out")', tls-server-name: localhost|" \
	"$RIG_KUBECONFIG" >"$dir/proxied.kubeconfig"
# How many at most.
most=${RIG_BENCH_PODS:-10000}
pods 100 100
[ "$most" -lt 1000 ] || pods 1000 900
[ "$most" -lt 10000 ] || pods 10000 9000
logs
kill "$proxy"
rig stop
