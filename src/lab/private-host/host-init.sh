#!/bin/sh
# The inside of a private host. Started by init-process.ts as one of
#
#   host-init.sh namespace   makes namespaces and becomes pid 1 of them; needs root
#   host-init.sh session     keeps to the present user's means
#
# and goes on as namespace_init, session_kvmless or session_run. It talks with its starter, a line
# at a time: that says "enter", "start", and "keep" or "bind" on standard input; this says
# "begun N", "pid N", "made", "ended STATUS" on standard output. Whenever the starter dies before "keep", `read` meets
# the end of input and the script ends, taking what it has started with it: a half-started host
# cannot outlive its starter, and one that was told "bind" never does.
#
# Environment (from namespace-host.ts and session-host.ts; never made code, only quoted):
#   BERTH_DIR       state folder of the host
#   BERTH_HIDE_KVM  yes: it has no usable /dev/kvm
# and for a namespace host
#   BERTH_NAME      its hostname
#   BERTH_CGROUPS   "v2", or cgroup v1 hierarchies: "cpuset cpu,cpuacct memory ..."; empty: none
#   BERTH_HOSTS     what it sees as /etc/hosts
# and where it is more than that, else empty:
#   BERTH_SYS_TREE  folder with cpu/ and node/ to show in place of /sys/devices/system's, and maybe
#                   pci/ in place of /sys/bus/pci/devices
#   BERTH_SHIM      library that libvirtd and its guests are preloaded with (src/lab/machine/shim.c)
#   BERTH_DISK      image of the file system for /var/lib/libvirt
#   BERTH_ADDRESS   what its bridge br0, which has the NIC eth0, is called on a lab's network
#   BERTH_SSHD      the SSH daemon, which finds its configuration in the state folder
#   BERTH_LISTEN    yes: libvirtd also listens to the network, by its configuration
#   BERTH_CLIENT    folder of the lab, in which ssh/ and pki/ are for clients of its hosts
#   BERTH_GUARD     yes: what is not the host's own is read-only to it
set -eu
umask 022

namespace() {
  make_namespaces namespace_init
}

# Makes them and goes on inside as the function that is named.
make_namespaces() {
  begun
  read -r _enter
  # --kill-child: whoever kills this process, by mistake even, ends the host rather than losing it.
  # setsid: a session of its own inside, so that no terminal outside is anybody's.
  exec unshare --mount --net --uts --ipc --cgroup --pid --fork --kill-child \
    setsid sh "$0" "$1"
}

# The starter may be in another pid namespace than this process, and is told the pid that it sees:
# /proc is still its own here.
begun() {
  read -r outer_pid _rest </proc/self/stat
  echo "begun $outer_pid"
}

# What pid 1 does first: its own /proc, name, loopback and /run.
settle_inside() {
  read -r outer_pid _rest </proc/self/stat
  echo "pid $outer_pid"
  mount -t proc proc /proc
  echo "$BERTH_NAME" >/proc/sys/kernel/hostname
  ip link set lo up
  # Hides the sockets of D-Bus, systemd and udev: libvirt would register guests with them.
  mount -t tmpfs -o mode=755,nosuid,nodev run /run
  # libvirt locks a serial console there, by the terminal's number: a place of our own for our own.
  mkdir -m 1777 /run/lock
}

namespace_init() {
  settle_inside
  # The loop device of a disk appears in the machine's own /dev.
  [ -z "$BERTH_DISK" ] || mount -o loop,nosuid,nodev "$BERTH_DISK" "$BERTH_DIR/var-lib"
  private_dev
  private_sys
  mount --bind "$BERTH_HOSTS" /etc/hosts
  # As a client of the lab's other hosts it knows them, and has the lab's key.
  if [ -d "$BERTH_CLIENT/ssh/etc" ] && [ -d /etc/ssh ]; then
    mount --bind "$BERTH_CLIENT/ssh/etc" /etc/ssh
  fi
  [ "$BERTH_GUARD" != yes ] || guard
  state_folders
  huge_pages
  # Ending as pid 1 ends all.
  run_libvirtd || exit 1
}

# An ordinary user can hide the node only in namespaces in which he may mount. An unreadable file in
# its place is enough here, where libvirt makes no /dev of its own for guests.
session() {
  begun
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

# Fails when the starter is gone before all is well, or something cannot be had; else it stays for
# ever. Its callers ask for its status, which switches `set -e` off in all that it calls.
run_libvirtd() {
  if [ -n "${BERTH_SSHD:-}" ]; then "$BERTH_SSHD" -t -f "$BERTH_DIR/sshd_config" || return; fi
  echo made
  read -r _start || return
  if [ -n "${BERTH_ADDRESS:-}" ]; then join_network || return; fi
  if [ -n "${BERTH_SSHD:-}" ]; then start_sshd || return; fi
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

# Waits until it listens: before libvirtd is started, so that a host that answers has this way in too.
start_sshd() {
  "$BERTH_SSHD" -D -e -f "$BERTH_DIR/sshd_config" \
    </dev/null >/dev/null 2>"$BERTH_DIR/sshd.log" &
  sshd=$!
  until [ -s /run/sshd.pid ]; do
    kill -0 "$sshd" 2>/dev/null || {
      tail -n 5 "$BERTH_DIR/sshd.log" >&2
      return 1
    }
    sleep 0.02
  done
}

# Watches for the end of input, which comes when the starter dies. Not by waiting for it here: a
# shell that reads does not reap.
end_with_starter() {
  exec 3<&0
  trap : TERM
  { read -r _end <&3 || kill -s TERM "$$"; } &
}

# Keeps libvirtd running. Guests do not end with it: a new one finds them again. A file holds it
# back, for trying what happens without one; another tells that it does.
supervise() {
  listen=
  [ "${BERTH_LISTEN:-}" != yes ] || listen=--listen
  while :; do
    status=0
    LD_PRELOAD=${BERTH_SHIM:-} libvirtd $listen --pid-file "$BERTH_DIR/run/libvirtd.pid" \
      </dev/null >>"$BERTH_DIR/libvirtd.log" 2>&1 || status=$?
    [ -e "$BERTH_DIR/run/kept" ] || echo "ended $status"
    sleep 1
    while [ -e "$BERTH_DIR/run/hold-libvirtd" ]; do
      : >"$BERTH_DIR/run/held"
      sleep 0.2
    done
    rm -f "$BERTH_DIR/run/held"
  done
}

# eth0 is there by now: the starter has put it here. Guests are meant to be on the bridge, and the
# host's own address has to be there then too.
join_network() {
  ip -batch - <<END
link add br0 type bridge forward_delay 0
link set eth0 master br0
link set eth0 up
address add $BERTH_ADDRESS dev br0
link set br0 up
END
}

# Root in here is root of the machine. Against mistakes, not against malice, all that is mounted is
# made read-only but what was mounted for this host; logs, and what is temporary, are its own.
guard() {
  own_tmp /tmp
  own_tmp /var/tmp
  case $BERTH_DIR in
  /tmp/* | /var/tmp/*) ;;
  *) mount --rbind "$BERTH_DIR" "$BERTH_DIR" ;;
  esac
  mount -t tmpfs -o mode=755,nosuid,nodev log /var/log
  while read -r _id _parent _device _root path _rest; do
    case $path in
    "$BERTH_DIR" | "$BERTH_DIR"/* | /tmp | /tmp/* | /var/tmp | /var/tmp/* | /var/log) ;;
    /dev | /dev/* | /proc | /proc/* | /sys | /sys/* | /run | /run/*) ;;
    *) # One that is hidden below another cannot be reached, nor one with white space in its path.
      read_only "$path" 2>/dev/null || : ;;
    esac
  done </proc/self/mountinfo
  guard_kernel
}

# An empty folder in the place of one for what is temporary. Of what the machine has there only the
# host's own folder is left, where it lies there.
own_tmp() {
  own=/run/berth-tmp
  mkdir "$own"
  mount -t tmpfs -o mode=1777,nosuid,nodev tmp "$own"
  for path in "$BERTH_DIR" "$BERTH_CLIENT/ssh" "$BERTH_CLIENT/pki"; do
    case $path in
    "$1"/*)
      [ -d "$path" ] || continue
      inner=$own${path#"$1"}
      mkdir -p "$inner"
      mount --rbind "$path" "$inner"
      ;;
    esac
  done
  mount --move "$own" "$1"
  rmdir "$own"
}

# What the kernel lets be set is the whole machine's: page pools, modules, drivers, power. But the
# network's settings are those of the host's own namespace, and libvirt makes networks with them.
# Mounts below, as those of cgroups and huge pages, stay as they are.
guard_kernel() {
  mount --bind /sys/devices/virtual/net /sys/devices/virtual/net
  read_only /sys
  for path in /proc/sys /proc/sysrq-trigger /proc/irq /proc/bus /proc/fs; do
    [ -e "$path" ] || continue
    mount --bind "$path" "$path"
    read_only "$path"
  done
  mount --bind /proc/sys/net /proc/sys/net
  mount -o remount,bind,rw /proc/sys/net
}

read_only() {
  mount -o remount,bind,ro "$1"
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
    if [ -d "$BERTH_SYS_TREE/pci" ] && [ -d /sys/bus/pci/devices ]; then
      mount --bind "$BERTH_SYS_TREE/pci" /sys/bus/pci/devices
    fi
  fi
}

# libvirt's own places, each a folder below the host's. The mount points outside belong to the
# libvirt packages; one that is missing is made, as libvirtd itself would.
state_folders() {
  mkdir -p "$BERTH_DIR/var-lib/images" /run/libvirt /run/sshd /var/log/libvirt
  [ "$BERTH_GUARD" = yes ] || mkdir -p /etc/libvirt /var/lib/libvirt /var/cache/libvirt
  mount --bind "$BERTH_DIR/run" /run/libvirt
  mount --bind "$BERTH_DIR/etc-libvirt" /etc/libvirt
  mount --bind "$BERTH_DIR/var-lib" /var/lib/libvirt
  mount --bind "$BERTH_DIR/var-cache" /var/cache/libvirt
  mount --bind "$BERTH_DIR/var-log" /var/log/libvirt
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
