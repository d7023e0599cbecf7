#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs tests on a real cluster, and prints last "N passed, N failed, N skipped".
#   run.sh TEST…
# The cluster is that of the kubeconfig in FAIRWAY_TEST_KUBECONFIG (its current context; every test works in namespaces
# fairway-test-… of its own, and removes them; FAIRWAY_TEST_IMAGES names three images of a shell that it can pull, else
# those of busybox are looked for on its nodes and in their registry), else one of tests/rig, begun here and ended here:
# with a real node where this user may have one and RIG_KUBE_NODE=0 does not say otherwise. Where neither can be had each
# test is one that is skipped.
set -u
rig=tests/rig/kubernetes-up
export RIG_CACHE="${RIG_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fairway-rig}"
export RIG_INSTANCE="${RIG_INSTANCE:-test}" RIG_KUBE_PORT="${RIG_KUBE_PORT:-16600}"
unset KUBECONFIG ROLLOUTS_SKIP KUBE_SKIP KUBE_CONFIG KUBECTL KUBE_NODE
log=$(mktemp)

node=${RIG_KUBE_NODE:-1}
[ "$(id -u)" = 0 ] || node=0

# begin NODE: a cluster of the rig, its names into the environment.
begin()
{
	"$rig" stop >/dev/null 2>&1
	RIG_KUBE_NODE=$1 "$rig" start >"$log.env" 2>"$log" || return 1
	set -a
	. "$log.env"
	set +a
	tail -n 1 "$log" >&2
	export KUBE_CONFIG="$RIG_KUBECONFIG" KUBECTL="$RIG_KUBE_BIN/kubectl" KUBE_NODE=$1
	[ "$1" = 1 ] || "$rig" fill 0 >"$log" 2>&1
}
finish()
{
	[ -z "${RIG_KUBECONFIG:-}" ] || "$rig" stop
	rm -f "$log" "$log.env"
}
there()
{
	"$KUBECTL" --kubeconfig "$KUBE_CONFIG" "$@"
}
# runs IMAGE IMAGE IMAGE: whether pods of them run on somebody else's cluster, or fake nodes say so, into KUBE_NODE.
runs()
{
	[ $# = 3 ] || return 1
	there -n "$place" delete pod look --ignore-not-found --wait >/dev/null
	there -n "$place" create -f - >/dev/null <<YAML || return 1
apiVersion: v1
kind: Pod
metadata: {name: look}
spec:
  restartPolicy: Never
  tolerations: [{operator: Exists}]
  containers:
  - {name: one, image: "$1", command: [sh, -c, "echo here"]}
  - {name: two, image: "$2", command: [sh, -c, "echo here"]}
  - {name: three, image: "$3", command: [sh, -c, "echo here"]}
YAML
	looks=0 running=0
	while [ "$looks" -lt 120 ]; do
		sleep 1
		looks=$((looks + 1))
		case $(there -n "$place" get pod look \
			-o jsonpath='{.status.phase} {.status.containerStatuses[*].state.waiting.reason}') in
		Succeeded*)
			KUBE_NODE=0 # a fake node says so of what never ran
			[ "$(there -n "$place" logs look -c one 2>/dev/null)" != here ] || KUBE_NODE=1
			return 0
			;;
		Failed* | *ErrImage* | *ImagePull* | *InvalidImage*) return 1 ;;
		Running*) running=$((running + 1)) ;;
		esac
		[ "$running" -lt 20 ] || { KUBE_NODE=0 && return 0; } # what echoes once would have ended
	done
	return 1
}
look_for_images()
{
	place=fairway-test-look-$$
	there create namespace "$place" >/dev/null || return 1
	looks=0
	until there -n "$place" get serviceaccount default >/dev/null 2>&1 || [ $((looks += 1)) -gt 30 ]; do sleep 1; done
	held=$(there get nodes -o jsonpath='{.items[*].status.images[*].names[*]}' | tr ' ' '\n' |
		grep -E '(^|/)busybox:[^@]*$' | sort -u | head -n 3 | tr '\n' ' ')
	status=1
	for images in "${FAIRWAY_TEST_IMAGES:-$held}" "${FAIRWAY_TEST_IMAGES:-busybox:1.34 busybox:1.35 busybox:1.36}"; do
		runs $images || continue
		FAIRWAY_TEST_IMAGES=$images status=0
		break
	done
	there delete namespace "$place" --wait=false >/dev/null
	return $status
}
trap finish EXIT
trap 'exit 130' INT TERM

if [ -n "${FAIRWAY_TEST_KUBECONFIG:-}" ]; then
	export KUBE_CONFIG="$FAIRWAY_TEST_KUBECONFIG" KUBECTL="${FAIRWAY_TEST_KUBECTL:-kubectl}" KUBE_NODE=1
	if ! there version >"$log" 2>&1; then
		echo "no cluster answers by FAIRWAY_TEST_KUBECONFIG=$FAIRWAY_TEST_KUBECONFIG:"
		cat "$log"
		exit 1
	fi
	look_for_images || KUBE_SKIP='the cluster runs no pod of busybox: FAIRWAY_TEST_IMAGES names three images of a shell that it can pull'
	export FAIRWAY_TEST_IMAGES KUBE_NODE
elif ! "$rig" install >"$log" 2>&1; then
	tail -n 5 "$log"
	KUBE_SKIP="no cluster: $(sed -n 's/^error: //p' "$log" | tail -n 1)"
elif [ "$node" = 1 ] && begin 1; then
	:
else
	[ "$node" = 0 ] || { echo 'no real node can run here, fake ones do; what it said:' && tail -n 5 "$log"; }
	begin 0 || KUBE_SKIP="the cluster does not start: $(tail -n 1 "$log")"
fi
if [ -n "${KUBE_SKIP:-}" ]; then
	export KUBE_SKIP
	echo "kubernetes: $KUBE_SKIP"
fi
# Built here, where no test waits for it.
case " $* " in
*argo_rollouts.sh*)
	[ -z "${RIG_KUBECONFIG:-}" ] || tests/rig/rollouts-up install >"$log" 2>&1 ||
		export ROLLOUTS_SKIP="no Argo Rollouts: $(sed -n 's/^error: //p' "$log" | tail -n 1)"
	;;
esac
sh tests/run.sh "$@"
