#!/bin/sh
# The inside of a release host: the libvirtd of another Debian release, in that release's own tree of
# files. Started by release-host.ts in new mount, network, UTS, IPC and pid namespaces, as pid 1 of
# them, which end with it. Arguments: the tree, which stays as it is, and the host's folder.
set -eu
tree=$1
dir=$2

mount -t proc proc /proc
echo release >/proc/sys/kernel/hostname
ip link set lo up
mkdir "$dir/upper" "$dir/work" "$dir/root"
mount -t overlay overlay -o "lowerdir=$tree,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
cd "$dir/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755,nosuid dev dev
for node in null zero full random urandom tty; do cp -a "/dev/$node" "dev/$node"; done
mkdir dev/pts dev/shm dev/net
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mknod -m 666 dev/net/tun c 10 200
mount -t tmpfs -o mode=755,nosuid,nodev run run
mkdir -p run/libvirt run/lock var/lib/libvirt/images outer
mount --bind "$dir/run" run/libvirt
mount --bind "$dir/images" var/lib/libvirt/images
cp "$dir/qemu.conf" "$dir/libvirtd.conf" etc/libvirt/
# A package makes them that would bring systemd along.
grep -q '^libvirt-qemu:' etc/passwd || {
  echo 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin' >>etc/passwd
  echo 'libvirt-qemu:x:64055:' >>etc/group
}
pivot_root . outer
# As pid 1 the shell reaps the orphans that libvirtd leaves: every QEMU is one.
exec chroot . sh -c '
  umount -l /outer
  libvirtd >/run/libvirt/log 2>&1 &
  wait "$!"'
