#!/bin/sh
# The inside of a namespace host. Started by namespace-host.ts, twice:
#
#   host-init.sh enter   waits until its cgroups are set, then makes the namespaces and becomes
#   host-init.sh init    pid 1 of them: mounts, starts libvirtd, reaps what is orphaned.
#
# Both talk with the starter, a line at a time: it says "cgroups", "start", "keep" on standard
# input; they say "pid N", "made", "ended STATUS" on standard output. Whenever the starter dies
# before "keep", `read` meets the end of input and the script ends; as pid 1 it takes every process
# and mount of the host with it. So a half-started host cannot outlive its starter.
#
# Environment (trusted, from namespace-host.ts; never put into code, only quoted):
#   BERTH_DIR       state folder of the host
#   BERTH_NAME      its hostname
#   BERTH_HIDE_KVM  yes: its /dev has no kvm node
#   BERTH_CGROUPS   "v2", or cgroup v1 hierarchies: "cpuset cpu,cpuacct memory ..."; empty: none
#   BERTH_SYS_TREE  folder with cpu/ and node/ shown in place of /sys/devices/system's; may be empty
set -eu
umask 022

enter() {
  read -r _cgroups
  # --kill-child: whoever kills this process, by mistake even, ends the host rather than losing it.
  # setsid: a session of its own inside, so that no terminal outside is anybody's.
  exec unshare --mount --net --uts --ipc --cgroup --pid --fork --kill-child \
    setsid sh "$0" init
}

init() {
  # The old /proc is still mounted here, so "self" is the pid as the starter sees it.
  read -r outer_pid _rest </proc/self/stat
  echo "pid $outer_pid"
  mount -t proc proc /proc
  echo "$BERTH_NAME" >/proc/sys/kernel/hostname
  ip link set lo up
  # Hides the sockets of D-Bus, systemd and udev: libvirt would register guests with them.
  mount -t tmpfs -o mode=755,nosuid,nodev run /run
  private_dev
  private_sys
  state_folders
  huge_pages
  echo made
  read -r _start
  supervise &
  read -r _keep
  : >/run/berth-kept
  exec </dev/null >/dev/null
  # Waits for ever: the supervisor never ends. While it waits the shell reaps any child, so also
  # the orphans that libvirtd leaves (every QEMU is one).
  wait
}

# A /dev with terminals of its own, and without a kvm node if asked. Hiding /dev/kvm under another
# file does not work: libvirt gives every guest a /dev of its own and fails to move such a mount
# there. The copy lacks devices that are plugged in later; the bound one has them. What was mounted
# on /dev goes first, for libvirt stumbles over two mounts of one path, too.
private_dev() {
  dev=/run/berth-dev
  mkdir "$dev"
  if [ "$BERTH_HIDE_KVM" = yes ]; then
    mount -t tmpfs -o mode=755,nosuid dev "$dev"
    cp -a -x /dev/. "$dev/"
    rm -f "$dev/kvm" "$dev/ptmx"
    ln -s pts/ptmx "$dev/ptmx"
    mkdir -p "$dev/pts" "$dev/shm" "$dev/net"
    [ -e "$dev/net/tun" ] || mknod -m 666 "$dev/net/tun" c 10 200
  else
    mount --bind /dev "$dev"
  fi
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$dev/pts"
  mount -t tmpfs -o mode=1777,nosuid,nodev shm "$dev/shm"
  while umount -l /dev 2>/dev/null; do :; done
  mount --move "$dev" /dev
  rmdir "$dev"
}

# sysfs shows the network devices of the namespace it was mounted in, so it is mounted anew. The old
# one goes first, with the cgroup mounts below it: libvirt would look for its own place in those.
private_sys() {
  while umount -l /sys 2>/dev/null; do :; done
  mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
  case $BERTH_CGROUPS in
  '') ;;
  v2) mount -t cgroup2 cgroup2 /sys/fs/cgroup ;;
  *)
    mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
    for controllers in $BERTH_CGROUPS; do
      mkdir "/sys/fs/cgroup/$controllers"
      mount -t cgroup -o "$controllers" cgroup "/sys/fs/cgroup/$controllers"
    done
    ;;
  esac
  if [ -n "$BERTH_SYS_TREE" ]; then
    for kind in cpu node; do
      mount --bind "$BERTH_SYS_TREE/$kind" "/sys/devices/system/$kind"
    done
  fi
}

# libvirt's own places, each a folder below the host's. The mount points outside belong to the
# libvirt packages; one that is missing is made, as libvirtd itself would.
state_folders() {
  mkdir -p /run/libvirt /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt
  mount --bind "$BERTH_DIR/run" /run/libvirt
  mount --bind "$BERTH_DIR/etc-libvirt" /etc/libvirt
  mount --bind "$BERTH_DIR/var-lib" /var/lib/libvirt
  mount --bind "$BERTH_DIR/var-cache" /var/cache/libvirt
  mount --bind "$BERTH_DIR/var-log" /var/log/libvirt
  mount --bind "$BERTH_DIR/hosts" /etc/hosts
}

# libvirtd looks for these mounts once, when it starts.
huge_pages() {
  for pool in /sys/kernel/mm/hugepages/hugepages-*kB; do
    [ -d "$pool" ] || continue
    size=${pool##*-}
    mkdir -p "/run/hugepages/$size"
    mount -t hugetlbfs -o "pagesize=${size%B}" hugetlbfs "/run/hugepages/$size"
  done
}

# Keeps libvirtd running. Guests do not end with it: a new one finds them again.
supervise() {
  while :; do
    status=0
    libvirtd --pid-file /run/libvirtd.pid </dev/null >>"$BERTH_DIR/libvirtd.log" 2>&1 || status=$?
    [ -e /run/berth-kept ] || echo "ended $status"
    sleep 1
  done
}

"$1"
