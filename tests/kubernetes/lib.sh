# SPDX-License-Identifier: Apache-2.0
# For tests on a cluster, after tests/support/tap.sh; tests/kubernetes/run.sh begins the cluster and sets
#   KUBE_CONFIG, KUBECTL   kubeconfig with all rights, and the program
#   KUBE_NODE              1: pods run; 0: fake nodes say so
#   KUBE_SKIP              why there is none
#   RIG_…                  of tests/rig, unset when the cluster is somebody else's
test_name=$(basename "$0" .sh)
namespaces='' children=''
umask 077

# leaves REASON: this test cannot be had here.
leaves()
{
	echo "ok 1 - $test_name # skip $1"
	echo '1..1'
	exit 0
}
skip()
{
	number=$((number + 1))
	echo "ok $number - $1 # skip $2"
}
[ -z "${KUBE_SKIP:-}" ] || leaves "$KUBE_SKIP"
[ -n "${KUBE_CONFIG:-}" ] || leaves 'sh tests/kubernetes/run.sh begins a cluster for it'
needs_rig()
{
	[ -n "${RIG_KUBECONFIG:-}" ] || leaves 'a cluster of somebody else is not killed'
}
needs_node()
{
	[ "$KUBE_NODE" = 1 ] || leaves 'fake nodes run nothing'
}
rig()
{
	tests/rig/kubernetes-up "$@" >>"$scratch/rig" 2>&1
}
# second_rig WORD…: of a second cluster, without a real node; `second` begins it, its kubeconfig is $second_config.
second_rig()
{
	RIG_INSTANCE=${RIG_INSTANCE}b RIG_KUBE_PORT=$((RIG_KUBE_PORT + 10)) RIG_KUBE_NODE=0 tests/rig/kubernetes-up "$@"
}
second()
{
	second_rig stop >/dev/null 2>&1
	second_rig start >"$scratch/second" 2>>"$scratch/rig" || return 1
	second_config=$(sed -n 's/^RIG_KUBECONFIG=//p' "$scratch/second")
}
kube()
{
	"$KUBECTL" --kubeconfig "$KUBE_CONFIG" "$@"
}
# kept NAME KUBECTL-WORD…: what it prints, into $scratch/NAME.
kept()
{
	into=$1
	shift
	kube "$@" >"$scratch/$into" 2>"$scratch/kube.err"
}

# child NAME COMMAND…: runs beside the test, output in $scratch/NAME.out and .err; ended with the test. $child is its pid.
child()
{
	beside=$1
	shift
	"$@" >"$scratch/$beside.out" 2>"$scratch/$beside.err" </dev/null &
	child=$!
	children="$children $child"
}
clean_up()
{
	for c in $children; do kill "$c" 2>/dev/null && wait "$c" 2>/dev/null; done
	[ -z "${second_config:-}" ] || second_rig stop >/dev/null 2>&1
	for n in $namespaces; do kube delete namespace "$n" --wait=false >/dev/null 2>&1; done
	ending
}
# What a test undoes besides; it may define this anew.
ending()
{
	:
}

# make_namespace: one of this test's own, named in $ns.
make_namespace()
{
	ns=fairway-test-$(echo "$test_name" | tr _ -)-$$${namespaces:+-$(echo "$namespaces" | wc -w)}
	kube create namespace "$ns" >/dev/null || exit 1
	namespaces="$namespaces $ns"
	until_done 30 kube -n "$ns" get serviceaccount default >/dev/null 2>&1
}
# image N: images that differ in their tag, 1 to 3. FAIRWAY_TEST_IMAGES names others, for a cluster that reaches no registry.
image()
{
	if [ -n "${RIG_KUBECONFIG:-}" ]; then
		echo "rig.local/busybox:$1"
	else
		echo "${FAIRWAY_TEST_IMAGES:-busybox:1.34 busybox:1.35 busybox:1.36}" | cut -d' ' -f"$1"
	fi
}
# tag N: of image N.
tag()
{
	image "$1" | sed 's/.*://'
}
image_of='.spec.template.spec.containers[0].image'
# deployment NAME REPLICAS [SHELL-SCRIPT [YAML-OF-THE-CONTAINER [FAKE]]]: into $ns. FAKE is how a fake node acts the pods.
deployment()
{
	script=${3:-'while :; do echo "request of $(date +%s)"; sleep 1; done'}
	kube apply -f - >/dev/null <<YAML || exit 1
apiVersion: apps/v1
kind: Deployment
metadata:
  name: $1
  namespace: $ns
  labels: {app.kubernetes.io/name: $1, team: payments}
spec:
  replicas: $2
  progressDeadlineSeconds: 20
  selector: {matchLabels: {app.kubernetes.io/name: $1}}
  template:
    metadata:
      labels: {app.kubernetes.io/name: $1, team: payments}
      annotations: {rig/fake: "${5:-}"}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: server
        image: $(image 1)
        imagePullPolicy: IfNotPresent
        command:
        - sh
        - -c
        - |
          trap 'exit 0' TERM
          $script
        ${4:-}
YAML
}
# workload APIVERSION/KIND NAME [SPEC [METADATA [COMMAND [CONTAINER…]]]]: any other kind, or several containers, into $ns. SPEC and
# METADATA are further fields of these, as YAML of one line; every container runs COMMAND.
watched='annotations: {fairway.dev/watch: 1s}'
workload()
{
	kind=$1 name=$2 spec=${3:-} metadata=${4:-} command=${5:-"trap 'exit 0' TERM; while :; do sleep 1; done"}
	shift $(($# < 5 ? $# : 5))
	containers=
	for container in "${@:-server}"; do
		containers="$containers
    {name: $container, image: '$(image 1)', imagePullPolicy: IfNotPresent, command: [sh, -c, \"$command\"]},"
	done
	kube apply -f - >/dev/null <<YAML || exit 1
apiVersion: ${kind%/*}
kind: ${kind##*/}
metadata: {name: $name, namespace: $ns, labels: {app.kubernetes.io/name: $name}${metadata:+, $metadata}}
spec: {${spec:+$spec, }selector: {matchLabels: {app: $name}}, template: {
  metadata: {labels: {app: $name}},
  spec: {terminationGracePeriodSeconds: 1, containers: [$containers]}}}
YAML
}
is_rolled_out() # NAME
{
	kube -n "$ns" rollout status "deployment/$1" --timeout=1s >/dev/null 2>&1
}
rolled_out()
{
	until_done 60 is_rolled_out "$1"
}
# truly NAME COMMAND…: the command succeeds. Its output is in out and err.
truly()
{
	what=$1
	shift
	"$@" >"$scratch/out" 2>"$scratch/err"
	status=$?
	if [ $status -eq 0 ]; then pass "$what"; else fail "$what"; fi
}
fails()
{
	! "$@"
}
# never NAME COMMAND…: it fails.
never()
{
	what=$1
	shift
	truly "$what" fails "$@"
}
# is VALUE NAME RESOURCE JSONPATH: so it is in $ns, and so it becomes within a minute.
is_field()
{
	[ "$(field "$2" "$3")" = "$1" ]
}
is()
{
	wanted=$1 what=$2
	shift 2
	if until_done 60 is_field "$wanted" "$@"; then
		pass "$what"
	else
		field "$@" >"$scratch/out"
		fail "$what"
	fi
}
# field RESOURCE JSONPATH: of an object in $ns.
field()
{
	kube -n "$ns" get "$1" -o "jsonpath={$2}"
}

# config: what $environments says, as configuration of context `test`. A line each: environment, kubeconfig file,
# namespaces by comma or "-", and further YAML of the source. `does` changes what is in the first one.
config()
{
	does_in=
	mkdir -p "$XDG_CONFIG_HOME/fairway"
	{
		echo 'context: test'
		echo 'contexts:'
		echo '  test:'
		echo '    environments:'
		while read -r environment file names more; do
			does_in=${does_in:-$environment}
			echo "    - name: $environment"
			echo "      deploys:"
			echo "        kind: kubernetes"
			echo "        kubeconfig: $file"
			[ "$names" = - ] || echo "        namespaces: [$names]"
			[ -z "$more" ] || echo "        $more"
		done
	} >"$XDG_CONFIG_HOME/fairway/config.yaml"
}

# does STATUS NAME WORD…: a change, without a question.
does()
{
	wanted_status=$1 doing=$2
	shift 2
	says "$wanted_status" "$doing" "$@" --env "$does_in" --yes
}

# shows EXPRESSION WORD…: the JSON of a verb, whatever its status, until it is so; d is the document.
shows()
{
	expression=$1
	shift
	run "$@" -o json
	python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
sys.exit(0 if eval(sys.argv[2]) else 1)' "$scratch/out" "$expression" 2>>"$scratch/err"
}
# until_shows NAME SECONDS EXPRESSION WORD…
until_shows()
{
	what=$1 within=$2
	shift 2
	if until_done "$within" shows "$@"; then pass "$what"; else fail "$what"; fi
}

# kubeconfig FILE SERVER [YAML-OF-THE-CLUSTER [YAML-OF-THE-USER]]: another way to the rig's API server.
kubeconfig()
{
	cat >"$1" <<YAML
apiVersion: v1
kind: Config
current-context: here
clusters:
- {name: here, cluster: {server: '$2', ${3:-"certificate-authority: $RIG_KUBE_CA"}}}
users:
- {name: here, user: {${4:-"token: $RIG_KUBE_TOKEN"}}}
contexts:
- {name: here, context: {cluster: here, user: here}}
YAML
}
# proxied FILE: a fault proxy before the API server, and a kubeconfig through it; `fault WORD…` tells the proxy.
proxied()
{
	child proxy "${BUILD:-build}/tests/faults/proxy" "${2:-127.0.0.1}:0" "${RIG_KUBE_URL#https://}" "$scratch/proxy.sock"
	proxy=$child
	until_done 10 grep -q listening "$scratch/proxy.out" || exit 1
	kubeconfig "$1" "https://${2:-127.0.0.1}:$(sed -n 's/listening on //p' "$scratch/proxy.out")" \
		"certificate-authority: $RIG_KUBE_CA, tls-server-name: localhost"
}
fault()
{
	"${BUILD:-build}/tests/faults/proxy" "$scratch/proxy.sock" "$@" >/dev/null
}

# console WORD…: the program in a terminal. `sees SECONDS TEXT` and `misses SECONDS TEXT` tell whether its screen comes to
# hold a text, or to hold it no more; once one was false all later ones are. `types KEYS` types.
console()
{
	rm -f "$scratch/typed"
	mkfifo "$scratch/typed"
	"${BUILD:-build}/tests/tools/terminal" 40x120 "$@" >"$scratch/console.out" 2>&1 <"$scratch/typed" &
	console=$!
	children="$children $console"
	exec 9>"$scratch/typed"
	wanted_times=0
	sees 20 fairway
}
types()
{
	(echo "keys $1" >&9) 2>/dev/null # a console that is gone ends not the test
}
seen_times()
{
	grep -c '^seen after' "$scratch/console.out"
}
is_answered()
{
	[ "$(seen_times)" -ge "$wanted_times" ] || ! kill -0 "$console" 2>/dev/null
}
sees()
{
	kill -0 "$console" 2>/dev/null || return 1
	wanted_times=$((wanted_times + 1))
	(echo "timed ${1}000 $2" >&9) 2>/dev/null
	until_done 180 is_answered # it ends by itself when it does not see that
	[ "$(seen_times)" -ge "$wanted_times" ]
}
misses()
{
	(echo "gone ${1}000 $2" >&9) 2>/dev/null
	sees "$(($1 + 5))" fairway
}
# screened NAME COMMAND…: as truly, and shows what the console printed when it is not so.
screened()
{
	what=$1
	shift
	if "$@"; then
		pass "$what"
	else
		status=1
		grep -v '^seen after' "$scratch/console.out" >"$scratch/out"
		: >"$scratch/err"
		fail "$what"
	fi
}

# A network of its own, joined to this machine by a pair of virtual cables: `inside COMMAND…` runs there, and unplug and plug
# say what becomes of the cable. Packets into one that is unplugged are lost, nobody is told.
net=fw$$ net_here=198.18.$(($$ / 64 % 200 + 20)).$(($$ % 64 * 4 + 1))
net_there=${net_here%.*}.$((${net_here##*.} + 1))
network()
{
	command -v ip >/dev/null 2>&1 || return 1
	ip netns add "$net" 2>>"$scratch/rig" || return 1
	ip link add "$net" type veth peer name eth0 netns "$net" && ip addr add "$net_here/30" dev "$net" &&
		ip link set "$net" up && ip -n "$net" addr add "$net_there/30" dev eth0 &&
		ip -n "$net" link set eth0 up && ip -n "$net" link set lo up
}
no_network()
{
	ip netns delete "$net" 2>/dev/null
	ip link delete "$net" 2>/dev/null
	return 0
}
inside()
{
	ip netns exec "$net" "$@"
}
unplug()
{
	ip link set "$net" down
}
plug()
{
	ip link set "$net" up
}
