#!/bin/sh
# The outside of a KVM host: the emulator that its machine runs in, and what leads there. Started by
# machine-process.ts as
#
#   kvm-host-init.sh start QEMU...
#
# inside a lab's network and pid namespaces, or alone. It becomes pid 1 of namespaces of its own, so
# that all ends with it. With its starter it talks as host-init.sh does: that says "enter", "start",
# and "keep" or "bind"; this says "begun N", "pid N", "made". It ends with the emulator, and with
# its starter if that dies before "keep" or at any time after "bind".
#
# Environment (never made code, only quoted):
#   BERTH_DIR         state folder of the host
#   BERTH_PLACED      yes: the starter puts eth0 here, an end of a link to the lab's network
#   BERTH_USER        user and group number of the emulator
#   BERTH_NICS        names of taps, the first for SSH, the second for the lab's network
#   BERTH_MANAGEMENT  our address on the first, with its prefix
#   BERTH_TARGET      the machine's address there
#   BERTH_IDENTITY    private key for the machine
#   BERTH_BASE, BERTH_KERNEL, BERTH_INITRD  what the emulator inherits, see MACHINE_FDS
#   BERTH_SAVED_DISK, BERTH_STATE           the same of a saved machine, else empty
set -eu
umask 077

start() {
  read -r outer_pid _rest </proc/self/stat
  echo "begun $outer_pid"
  read -r _enter
  exec unshare --mount --net --ipc --pid --fork --kill-child setsid sh "$0" inside "$@"
}

inside() {
  read -r outer_pid _rest </proc/self/stat
  echo "pid $outer_pid"
  mount -t proc proc /proc
  lay_wires
  echo made
  read -r _start
  [ "$BERTH_PLACED" != yes ] || {
    ip link set eth0 master br0
    ip link set eth0 up
  }
  forward </dev/null >>"$BERTH_DIR/ssh.log" 2>&1 &
  inherit
  cd "$BERTH_DIR/vm"
  setpriv --reuid "$BERTH_USER" --regid "$BERTH_USER" --clear-groups --no-new-privs \
    --inh-caps=-all --bounding-set=-all -- "$@" 8<&- </dev/null >/dev/null &
  machine=$!
  follow_starter "$machine" <&8 &
  exec 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- </dev/null >/dev/null
  status=0
  wait "$machine" || status=$?
  # Ending as pid 1 ends all.
  exit "$((status == 0 ? 1 : status))"
}

# One tap for each NIC. The lab's is on a bridge with the link to the lab's network; the first
# leads only here, where nobody else is, so its addresses may be the same for every host.
lay_wires() {
  ip link set lo up
  ip link add br0 type bridge forward_delay 0
  for nic in $BERTH_NICS; do
    ip tuntap add dev "$nic" mode tap user "$BERTH_USER"
    ip link set "$nic" up
  done
  # shellcheck disable=SC2086 # the words are names
  set -- $BERTH_NICS
  ip address add "$BERTH_MANAGEMENT" dev "$1"
  ip link set "$2" master br0
  ip link set br0 up
}

# Standard input, which is the starter, moves to 8.
inherit() {
  exec 8<&0 3<"$BERTH_BASE" 6<"$BERTH_KERNEL" 7<"$BERTH_INITRD"
  [ -z "$BERTH_SAVED_DISK" ] || exec 4<"$BERTH_SAVED_DISK"
  [ -z "$BERTH_STATE" ] || exec 5<"$BERTH_STATE"
}

follow_starter() {
  read -r word || word=
  [ "$word" != keep ] || exit 0
  [ "$word" != bind ] || read -r _end || :
  kill -s KILL "$1"
}

# Leads libvirt's socket in the machine to one here, for as long as the host lives. The starter
# writes known_hosts once the machine has a key; the connection also serves for commands.
forward() {
  cd "$BERTH_DIR/run"
  while :; do
    if [ -e known_hosts ]; then
      rm -f libvirt-sock ssh
      ssh -F none -N -T -i "$BERTH_IDENTITY" -o IdentitiesOnly=yes -o BatchMode=yes \
        -o UserKnownHostsFile=./known_hosts -o StrictHostKeyChecking=yes -o ConnectTimeout=10 \
        -o ServerAliveInterval=30 -o ServerAliveCountMax=10 -o ExitOnForwardFailure=yes \
        -o ControlMaster=yes -o ControlPath=./ssh \
        -L ./libvirt-sock:/run/libvirt/libvirt-sock "root@$BERTH_TARGET" </dev/null || :
    fi
    sleep 0.2
  done
}

"$@"
