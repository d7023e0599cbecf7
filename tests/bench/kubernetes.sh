# SPDX-License-Identifier: Apache-2.0
# Sourced by tests/bench/run.sh: 50,000 pods over a wire that was recorded, then a real cluster (tests/rig) with 100, 1,000 and
# 10,000 pods, fairway beside kubectl, curl and k9s. Time and memory are taken on the direct way, bytes and requests through a
# proxy and in the server's audit log.
export RIG_CACHE="$cache/fairway-rig" RIG_INSTANCE="${RIG_INSTANCE:-bench}" RIG_KUBE_PORT="${RIG_KUBE_PORT:-16620}" RIG_KUBE_AUDIT=1
rig()
{
	tests/rig/kubernetes-up "$@"
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
# followed SECONDS COMMAND…: "lines/s percent" of what it prints in that time, and the processor time it takes for it.
followed()
{
	python3 -c 'import os, signal, subprocess, sys, threading, time
seconds = float(sys.argv[1])
p = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
seen = []
def read():
    while block := os.read(p.stdout.fileno(), 1 << 20):
        seen.append((time.monotonic(), block.count(b"\n")))
threading.Thread(target=read, daemon=True).start()
def used():
    return sum(map(int, open("/proc/%d/stat" % p.pid).read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")
time.sleep(3) # what was there before
before, since = used(), time.monotonic()
time.sleep(seconds)
after, until = used(), time.monotonic()
p.send_signal(signal.SIGTERM)
p.wait()
lines = sum(n for at, n in seen if since <= at < until)
print("%.0f %.0f" % (lines / (until - since), (after - before) / (until - since) * 100))' "$@" 2>>"$dir/err" ||
		echo "failed: $*" >&2
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
# Nothing was written for a minute but that nodes are there: what the controllers of a cluster have to say of new pods comes in
# for a while, and ages are told in seconds for that long. Not for ever.
calm()
{
	before='' quiet=0 waited=0
	while [ "$quiet" -lt 60 ] && [ "$waited" -lt 240 ]; do
		now=$(grep -E '"verb":"(create|update|patch|delete)"' "$RIG_KUBE_AUDIT_LOG" |
			grep -cvE '"resource":"(leases|nodes|tokenreviews|subjectaccessreviews)"')
		[ "$now" = "$before" ] || quiet=0
		before=$now
		sleep 3
		quiet=$((quiet + 3)) waited=$((waited + 3))
	done
}
# listed LINE: seconds from the console's first request to the complete list: events come last, and are then watched. By the
# server's audit log from that line on.
listed()
{
	python3 -c 'import datetime, itertools, json, sys, time
first, part, deadline = None, "", time.monotonic() + 200
with open(sys.argv[1]) as log:
    for line in itertools.islice(iter(log.readline, None), int(sys.argv[2]) - 1, None):
        part += line
        if not part.endswith("\n"):
            if time.monotonic() > deadline:
                sys.exit(1)
            time.sleep(0.1)
            continue
        e, part = json.loads(part), ""
        if not e.get("userAgent", "").startswith("fairway/"):
            continue
        at = datetime.datetime.fromisoformat(e["requestReceivedTimestamp"].rstrip("Z"))
        first = first or at
        if "/events?fieldSelector=type%3DNormal" in e["requestURI"] and "watch=true" in e["requestURI"]:
            print("%.2f" % (at - first).total_seconds())
            break' "$RIG_KUBE_AUDIT_LOG" "$1"
}
pods() # N MORE: fills up to N pods by MORE, then measures. $ours and $theirs: figures of fairway and of kubectl, "a b".
{
	n=$1
	rig fill "$2" >/dev/null 2>>"$dir/err"
	calm
	cluster_config "$RIG_KUBECONFIG"
	theirs=$(spent "$dir/theirs" "$kubectl" --kubeconfig "$RIG_KUBECONFIG" get pods -A)
	ours=$(spent "$dir/ours" "$fairway" instances --env prod)
	bare=$(spent /dev/null curl -sS -A fairway --cacert "$RIG_KUBE_CA" -H "Authorization: Bearer $RIG_KUBE_TOKEN" \
		"$RIG_KUBE_URL/api/v1/pods")
	since=$(($(wc -l <"$RIG_KUBE_AUDIT_LOG") + 1))
	{
		printf 'first\nwait 60000 load-\n'
		listed "$since" >"$dir/listed"
		# What libcurl set for a connection's beginning runs out 10 s later.
		printf 'idle 15\nidle 10\nmemory\nend 2000 TERM\n'
	} | FAIRWAY_STATE_DIR="$dir/console" timeout 300 "$terminal" 40x120 "$fairway" >"$dir/out" 2>"$dir/err" || cat "$dir/out"
	row "$n pods: console, to its first screen" '≤ 50 ms' "$(get 'first frame')" ''
	row '  to the complete list, with events' '' "$(cat "$dir/listed") s" "$(divide "$(cat "$dir/listed")" "${bare% *}" 'curl, the pods alone, s')"
	row '  peak memory of the console' '≤ 1 × kubectl' "$(get 'peak memory')" \
		"$(divide "$(get 'peak memory' | cut -d' ' -f1)" "${theirs#* }" 'kubectl, MiB')"
	row '  idle, connected: processor, wake-ups' '≤ 0.1 %, ≤ 2 /s' "$(nth 2 'idle processor'), $(nth 2 'idle wake-ups')" ''
	row "  the complete list: fairway instances" '≤ 1 × kubectl' "${ours% *} s, ${ours#* } MiB" \
		"$(divide "${ours% *}" "${theirs% *}" 'kubectl, s')"
	row '  and beside the pods alone' '≤ 1.15 × curl' "${ours% *} s" "$(divide "${ours% *}" "${bare% *}" 'curl, s')"
	with_k9s
	cluster_config "$dir/proxied.kubeconfig"
	theirs=$(wire "$kubectl" --kubeconfig "$dir/proxied.kubeconfig" get pods -A)
	ours=$(wire "$fairway" instances --env prod)
	whole=$(wire "$kubectl" --kubeconfig "$dir/proxied.kubeconfig" get pods -A -o json)
	row '  bytes on the wire for it, as whole objects' '' "$(KB "${ours% *}")" \
		"$(divide "${ours% *}" "${whole% *}" 'kubectl -o json, bytes')"
	row "  beside kubectl's columns, which hold no version nor reason" '≤ 1 × kubectl' '' \
		"$(divide "${ours% *}" "${theirs% *}" 'kubectl, bytes')"
	row '  requests for it' '≤ 1 × kubectl' "${ours#* }" "$(divide "${ours#* }" "${theirs#* }" 'kubectl')"
}
api() # PATH CURL-WORD…
{
	path=$1
	shift
	curl -sSN --cacert "$RIG_KUBE_CA" -H "Authorization: Bearer $RIG_KUBE_TOKEN" "$@" "$RIG_KUBE_URL$path"
}
# As many changes as the server gives on these processors, which it shares with everybody here. curl counts what its watch
# tells meanwhile; since events come in order, a change that is on the screen says that all before it arrived.
churned()
{
	api '/api/v1/pods?limit=1' | python3 -c 'import json, sys
d = json.load(sys.stdin)
pod = d["items"][0]["metadata"]
print(d["metadata"]["resourceVersion"], pod["labels"]["app.kubernetes.io/name"], pod["namespace"], pod["name"])' >"$dir/pod"
	read -r version service namespace pod <"$dir/pod"
	cluster_config "$RIG_KUBECONFIG"
	timeout 100 tests/rig/kubernetes-up churn 5000 100 >"$dir/churn" 2>&1 &
	churner=$!
	followed 10 curl -sSN --cacert "$RIG_KUBE_CA" -H "Authorization: Bearer $RIG_KUBE_TOKEN" \
		"$RIG_KUBE_URL/api/v1/pods?watch=true&resourceVersion=$version" >"$dir/given" &
	given=$!
	: >"$dir/out"
	{
		printf 'wait 60000 load-\nkeys :%s.%s<enter>\nwait 20000 Instances\nkeys 2z\nframe 5000\nmove 3000 jk\n' "$service" "$namespace"
		until grep -q worst "$dir/out" || ! kill -0 "$churner" 2>/dev/null; do sleep 0.1; done
		api "/api/v1/namespaces/$namespace/pods/$pod/status" -o /dev/null -X PATCH \
			-H 'Content-Type: application/strategic-merge-patch+json' \
			-d '{"status":{"containerStatuses":[{"name":"app","restartCount":777}]}}'
		printf 'timed 20000 777 \nend 2000 TERM\n'
	} | FAIRWAY_STATE_DIR="$dir/console" timeout 120 stdbuf -oL "$terminal" 40x120 "$fairway" >"$dir/out" 2>"$dir/err" || cat "$dir/out"
	wait "$given"
	kill "$churner"
	wait "$churner" 2>/dev/null
	row "  key to frame, $(cut -d' ' -f1 "$dir/given") changes/s of pods, all this server gives: p50 · p99 · worst" 'p99 ≤ 5 ms' \
		"$(get 'key p50') · $(get 'key p99') · $(get 'key worst')" ''
	row '  a change among them on the screen, after the server said it is made' '' "$(get 'seen after')" ''
}
with_k9s()
{
	k9s=$(command -v k9s) || {
		row '  the same pods in k9s' '' '' 'k9s is not installed'
		return
	}
	KUBECONFIG=$RIG_KUBECONFIG TERM=xterm-256color timeout 120 "$terminal" 40x120 "$k9s" -A -c pods >"$dir/k9s" 2>/dev/null <<EOF
timed 60000 load-
idle 10
memory
end 2000 TERM
EOF
	row '  the same pods in k9s: rows, idle, peak memory' '' \
		"$(get 'seen after' "$dir/k9s"), $(get 'idle processor' "$dir/k9s"), $(get 'peak memory' "$dir/k9s")" ''
}
# Whole objects at a rate that no API server on the same processors gives: what a console costs of its own.
recorded() # CHANGES
{
	"$build/tests/tools/bench_cluster" tests/bench/pod.json 50000 "$1" >"$dir/cluster" &
	cluster=$!
	until grep -q port "$dir/cluster"; do sleep 0.05; done
	cat >"$dir/recorded.kubeconfig" <<EOF
apiVersion: v1
kind: Config
current-context: here
clusters: [{name: here, cluster: {server: 'http://127.0.0.1:$(get port "$dir/cluster" | cut -d' ' -f1)'}}]
users: [{name: here, user: {}}]
contexts: [{name: here, context: {cluster: here, user: here}}]
EOF
	cluster_config "$dir/recorded.kubeconfig"
	FAIRWAY_STATE_DIR="$dir/console" timeout 120 "$terminal" 40x120 "$fairway" >"$dir/out" 2>"$dir/err" <<'EOF' || cat "$dir/out"
first
wait 20000 big
keys <enter>
timed 60000 Instances 50000
keys 2z
frame 2000
move 1000 jk
idle 3
idle 10
memory
end 2000 TERM
EOF
	sleep 0.2
	kill "$cluster"
	wait "$cluster" 2>/dev/null
}
fifty_thousand()
{
	recorded 0
	row '50,000 pods over a recorded wire: the complete list in the console' '' "$(get 'seen after')" ''
	row '  idle, connected: processor, wake-ups' '≤ 0.1 %, ≤ 2 /s' "$(nth 2 'idle processor'), $(nth 2 'idle wake-ups')" ''
	recorded 5000
	row "  key to frame, $(get 'changes sent' "$dir/cluster" | cut -d' ' -f1) changes/s of whole pods: p50 · p99 · worst" 'p99 ≤ 5 ms' \
		"$(get 'key p50') · $(get 'key p99') · $(get 'key worst')" ''
	row '  processor and peak memory of that' '≤ 64 MiB' "$(nth 2 'idle processor'), $(get 'peak memory')" ''
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
	# At a rate that the log endpoint gives to both.
	"$kubectl" --kubeconfig "$RIG_KUBECONFIG" patch deployment chatter --type merge \
		-p '{"spec":{"template":{"metadata":{"annotations":{"rig/log-rate":"2000"}}}}}' >/dev/null
	"$kubectl" --kubeconfig "$RIG_KUBECONFIG" rollout status deployment/chatter --timeout=60s >/dev/null
	until [ "$("$kubectl" --kubeconfig "$RIG_KUBECONFIG" get pods -l app.kubernetes.io/name=chatter -o name | wc -l)" = 5 ]; do sleep 1; done
	theirs=$(followed 10 "$kubectl" --kubeconfig "$RIG_KUBECONFIG" logs -l app.kubernetes.io/name=chatter \
		--max-log-requests=5 --timestamps --tail=10 -f)
	ours=$(followed 10 "$fairway" logs chatter --env prod --follow --since 1s)
	row 'log: five pods of 2,000 lines/s followed: lines, processor' '≥ 1 × kubectl' "${ours% *} /s, ${ours#* } %" \
		"$(divide "${ours% *}" "${theirs% *}" "kubectl logs -f, lines/s, ${theirs#* } %")"
}

fifty_thousand
# The first time takes minutes, which is said while it happens.
{ rig install 2>&1 >/dev/null; echo $? >"$dir/installed"; } | tee "$dir/rig" | sed -un '/^build/p; /^built/p' >&2
if [ "$(cat "$dir/installed")" != 0 ]; then
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
[ "$most" -lt 1000 ] || { pods 1000 900; churned; }
[ "$most" -lt 10000 ] || pods 10000 9000
logs
kill "$proxy"
rig stop
