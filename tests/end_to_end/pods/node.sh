#!/bin/sh
# The first process of a node that has a network, mounts and processes of its own: all of it ends with this one.
# $1: the folder of the node, where all that it runs with is. Whoever starts this says when to go on, on stdin.
set -eu
cd "$1"
ip link set lo up
# Where Pods find the API server: the address of the Service that they are told of.
ip address add 10.96.0.1/32 dev lo
echo 1 > /proc/sys/net/ipv4/ip_forward
mount -t tmpfs -o mode=755 tmpfs /run
mkdir var.written var.work
mount -t overlay -o lowerdir=/var,upperdir=var.written,workdir=var.work overlay /var
# A kubelet sets what the kernel does when it fails, on the whole machine: here it sets files that nobody reads.
for setting in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops \
	kernel/keys/root_maxbytes kernel/keys/root_maxkeys; do
	file=/run/$(basename "$setting")
	cat "/proc/sys/$setting" > "$file"
	mount --bind "$file" "/proc/sys/$setting"
done
echo ready
read -r _
containerd --config containerd.toml --log-level warn > containerd.log 2>&1 &
until ctr version > /dev/null 2>&1; do sleep 0.1; done
./kubelet --config kubelet.yaml --kubeconfig kubeconfig --root-dir "$1/kubelet.d" \
	--node-ip 10.96.0.1 --hostname-override real > kubelet.log 2>&1 &
wait
