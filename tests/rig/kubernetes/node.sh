# SPDX-License-Identifier: Apache-2.0
# The inside of a node: first process of its own network, mount and process namespaces
# (see kubernetes-up). When it ends the kernel ends everything here.
set -eu
N=$1 BIN=$2 CTR=$3 RUN=$4 API=$5 NAME=$6 IP=$7 IMAGES=$8 CGROUP=$9
trap 'exit 1' INT TERM

hostname "$NAME"
ip link set lo up
ip link add rig0 type bridge
ip addr add 198.19.0.1/16 dev rig0
ip addr add "$IP/32" dev rig0
ip link set rig0 up
echo 1 >/proc/sys/net/ipv4/ip_forward
# Written here, not seen outside, gone with it.
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
mount -t tmpfs tmpfs /var/lib
mkdir -p /run/containerd /run/netns
mount --bind "$N/resolv.conf" /etc/resolv.conf
# The kubelet sets kernel parameters for the whole machine: let it find what it wants.
for s in vm.overcommit_memory=1 vm.panic_on_oom=0 kernel.panic=10 kernel.panic_on_oops=1 \
	kernel.keys.root_maxkeys=1000000 kernel.keys.root_maxbytes=25000000; do
	k=${s%=*}
	f=/proc/sys/$(echo "$k" | tr . /)
	[ -e "$f" ] || continue
	echo "${s#*=}" >"$N/sysctl/$k"
	mount --bind "$N/sysctl/$k" "$f"
done
# A control group of our own in each hierarchy.
for g in /sys/fs/cgroup/*/; do
	case $g in */unified/) continue ;; esac
	[ -e "$g/cgroup.procs" ] || continue
	mkdir -p "$g$CGROUP"
	for f in cpuset.mems cpuset.cpus; do [ ! -e "$g$f" ] || cat "$g$f" >"$g$CGROUP/$f"; done
	[ ! -e "$g$CGROUP/memory.use_hierarchy" ] || echo 1 >"$g$CGROUP/memory.use_hierarchy" 2>/dev/null || :
done

"$BIN/rig-tunnel" inside "$RUN/tunnel" "$API" >"$N/tunnel.log" 2>&1 &
"${CTR%/*}/containerd" -c "$N/containerd.toml" >"$N/containerd.log" 2>&1 &
i=0
until "$CTR" -a "$N/cd.sock" version >/dev/null 2>&1; do
	i=$((i + 1)); [ $i -lt 100 ] || exit 1
	sleep 0.1
done
"$CTR" -a "$N/cd.sock" -n k8s.io images import "$IMAGES" >"$N/images.log" 2>&1
exec "$BIN/kubelet" --config="$N/kubelet.yaml" --kubeconfig="$RUN/conf/kubelet.kubeconfig" \
	--hostname-override="$NAME" --node-ip="$IP" --root-dir="$N/kubelet" --cert-dir="$N/pki" \
	--maximum-dead-containers-per-container=3 >"$N/kubelet.log" 2>&1
