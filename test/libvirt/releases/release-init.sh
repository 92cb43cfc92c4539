#!/bin/sh
# The inside of a release host: a private host as host-init.sh makes it, but in the files of another
# Debian release. Started by release-host.ts as
#
#   release-init.sh release   makes namespaces and becomes pid 1 of them as release_init
#
# It talks with its starter as host-init.sh does, which all that both have in common comes from.
#
# Environment, beyond that of host-init.sh:
#   BERTH_TREE       the release's files, which stay as they are
#   BERTH_HOST_INIT  where host-init.sh is
set -eu

release() {
  make_namespaces release_init
}

release_init() {
  settle_inside
  private_dev
  private_sys
  enter_tree
  libvirt_user
  state_folders
  huge_pages
  run_libvirtd || exit 1
}

# What is written goes into the host's folder, which keeps its path.
enter_tree() {
  root=$BERTH_DIR/root
  mkdir "$BERTH_DIR/upper" "$BERTH_DIR/work" "$root"
  mount -t overlay overlay \
    -o "lowerdir=$BERTH_TREE,upperdir=$BERTH_DIR/upper,workdir=$BERTH_DIR/work" "$root"
  for place in dev proc run sys; do mount --rbind "/$place" "$root/$place"; done
  mkdir -p "$root$BERTH_DIR" "$root/outer"
  mount --bind "$BERTH_DIR" "$root$BERTH_DIR"
  cd "$root"
  pivot_root . outer
  cd /
  umount -l /outer
}

# QEMU's own, as everywhere; in some releases a package makes it that would bring systemd along.
libvirt_user() {
  grep -q '^libvirt-qemu:' /etc/passwd ||
    echo 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin' >>/etc/passwd
  grep -q '^libvirt-qemu:' /etc/group || echo 'libvirt-qemu:x:64055:' >>/etc/group
}

# Ends with a call of what the first argument names.
. "$BERTH_HOST_INIT"
