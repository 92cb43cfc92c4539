#!/bin/sh
# /init of the tiny guest: busybox and nothing else. Words of the kernel command line it knows:
#   berth.hostname=NAME   the name it goes by
#   berth.dhcp            asks for an address on eth0
export PATH=/bin:/sbin HOME=/root TERM=linux
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/virtio-ports
mount -t devpts devpts /dev/pts
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run

while read -r module; do insmod "$module"; done </etc/modules
for port in /sys/class/virtio-ports/*; do
  [ -s "$port/name" ] || continue
  read -r name <"$port/name"
  ln -s "../${port##*/}" "/dev/virtio-ports/$name"
done

name=guest dhcp=no
read -r cmdline </proc/cmdline
for word in $cmdline; do
  case $word in
  berth.hostname=*) name=${word#*=} ;;
  berth.dhcp) dhcp=yes ;;
  esac
done
hostname "$name"
echo "127.0.0.1 localhost $name" >/etc/hosts

ip link set lo up
[ -e /sys/class/net/eth0 ] && ip link set eth0 up
# Pressing the power button, which is how libvirt asks for a shutdown, ends the guest.
acpid -c /etc/acpi -l /dev/null -p /run/acpid.pid
if [ "$dhcp" = yes ] && [ -e /sys/class/net/eth0 ]; then
  udhcpc -i eth0 -q -n -t 5 -T 1 -s /etc/udhcpc.sh >/dev/null 2>&1 || echo "no address by DHCP"
fi

# What a fuller image has besides, such as an agent.
[ -x /etc/rc.local ] && /etc/rc.local

cpus=$(grep -c ^processor /proc/cpuinfo)
memory=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
address=$(ip -4 -o addr show dev eth0 2>/dev/null | awk '{ print ", " $4 }')
read -r uptime _idle </proc/uptime
echo
echo "This is $name, a guest of Berth: $cpus CPUs, $memory MiB$address"
echo "Type poweroff to end it."
echo "READY $uptime"

# A static busybox cannot look up the home that \w would show as ~, so the prompt finds out itself.
# shellcheck disable=SC2016
PS1='\h:$(case $PWD in "$HOME"*) echo "~${PWD#"$HOME"}" ;; *) echo "$PWD" ;; esac)# '
export PS1
cd "$HOME" || exit
while :; do setsid cttyhack sh; done
