#!/bin/sh
# The inside of a private host. Started by host-process.ts as one of
#
#   host-init.sh namespace   makes namespaces and becomes pid 1 of them; needs root
#   host-init.sh session     keeps to the present user's means
#
# and goes on as namespace_init, session_kvmless or session_run. It talks with its starter, a line
# at a time: that says "enter", "start", and "keep" or "bind" on standard input; this says "pid N",
# "made", "ended STATUS" on standard output. Whenever the starter dies before "keep", `read` meets
# the end of input and the script ends, taking what it has started with it: a half-started host
# cannot outlive its starter, and one that was told "bind" never does.
#
# Environment (from namespace-host.ts and session-host.ts; never made code, only quoted):
#   BERTH_DIR       state folder of the host
#   BERTH_HIDE_KVM  yes: it has no usable /dev/kvm
# and for a namespace host
#   BERTH_NAME      its hostname
#   BERTH_CGROUPS   "v2", or cgroup v1 hierarchies: "cpuset cpu,cpuacct memory ..."; empty: none
#   BERTH_SYS_TREE  folder with cpu/ and node/ shown in place of /sys/devices/system's; may be empty
set -eu
umask 022

namespace() {
  read -r _enter
  # --kill-child: whoever kills this process, by mistake even, ends the host rather than losing it.
  # setsid: a session of its own inside, so that no terminal outside is anybody's.
  exec unshare --mount --net --uts --ipc --cgroup --pid --fork --kill-child \
    setsid sh "$0" namespace_init
}

namespace_init() {
  # The old /proc is still mounted here, so "self" is the pid as the starter sees it.
  read -r outer_pid _rest </proc/self/stat
  echo "pid $outer_pid"
  mount -t proc proc /proc
  echo "$BERTH_NAME" >/proc/sys/kernel/hostname
  ip link set lo up
  # Hides the sockets of D-Bus, systemd and udev: libvirt would register guests with them.
  mount -t tmpfs -o mode=755,nosuid,nodev run /run
  # libvirt locks a serial console there, by the terminal's number: a place of our own for our own.
  mkdir -m 1777 /run/lock
  private_dev
  private_sys
  state_folders
  huge_pages
  # Ending as pid 1 ends all.
  run_libvirtd || exit 1
}

# An ordinary user can hide the node only in namespaces in which he may mount. An unreadable file in
# its place is enough here, where libvirt makes no /dev of its own for guests.
session() {
  read -r _enter
  [ "$BERTH_HIDE_KVM" = no ] || exec unshare --user --map-current-user --keep-caps --mount \
    sh "$0" session_kvmless
  session_run
}

session_kvmless() {
  : >"$BERTH_DIR/run/no-kvm"
  chmod 000 "$BERTH_DIR/run/no-kvm"
  mount --bind "$BERTH_DIR/run/no-kvm" /dev/kvm
  exec setpriv --ambient-caps=-all --inh-caps=-all --bounding-set=-all sh "$0" session_run
}

session_run() {
  echo "pid $$"
  # Nothing else ends with this process; but all of it is in one process group still.
  run_libvirtd || kill -s KILL 0
}

# Fails when the starter is gone before all is well; else it stays for ever.
run_libvirtd() {
  echo made
  read -r _start || return
  supervise &
  read -r word || return
  [ "$word" = keep ] || end_with_starter
  : >"$BERTH_DIR/run/kept"
  exec </dev/null >/dev/null
  # The supervisor never ends: only the signal of end_with_starter gets beyond this. While it waits
  # the shell reaps any child, so as pid 1 also the orphans that libvirtd leaves (every QEMU is one).
  wait
  return 1
}

# Watches for the end of input, which comes when the starter dies. Not by waiting for it here: a
# shell that reads does not reap.
end_with_starter() {
  exec 3<&0
  trap : TERM
  { read -r _end <&3 || kill -s TERM "$$"; } &
}

# Keeps libvirtd running. Guests do not end with it: a new one finds them again.
supervise() {
  while :; do
    status=0
    libvirtd --pid-file "$BERTH_DIR/run/libvirtd.pid" </dev/null >>"$BERTH_DIR/libvirtd.log" 2>&1 ||
      status=$?
    [ -e "$BERTH_DIR/run/kept" ] || echo "ended $status"
    sleep 1
  done
}

# A /dev with terminals of its own, and without a kvm node if asked. Hiding /dev/kvm under another
# file does not work: libvirt gives every guest a /dev of its own and fails to move such a mount
# there. A copy also serves where no udev has opened the kvm node to others than root: QEMU runs as
# another user. The copy lacks devices that are plugged in later; the bound /dev has them. What was
# mounted on /dev goes first, for libvirt stumbles over two mounts of one path, too.
private_dev() {
  dev=/run/berth-dev
  mkdir "$dev"
  if [ "$BERTH_HIDE_KVM" = yes ] || [ -n "$(find /dev/kvm -perm 600 2>/dev/null)" ]; then
    mount -t tmpfs -o mode=755,nosuid dev "$dev"
    cp -a -x /dev/. "$dev/"
    if [ "$BERTH_HIDE_KVM" = yes ]; then rm -f "$dev/kvm"; else chmod 666 "$dev/kvm"; fi
    rm -f "$dev/ptmx"
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

"$1"
