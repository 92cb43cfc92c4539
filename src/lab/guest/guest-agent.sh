#!/bin/sh
# /etc/rc.local of the tiny guest with an agent: answers where the guest has a channel for it.
port=/dev/virtio-ports/org.qemu.guest_agent.0
[ -e "$port" ] || exit 0
qemu-ga --daemonize --path "$port" --pidfile /run/qemu-ga.pid --statedir /run --logfile /run/qemu-ga.log
